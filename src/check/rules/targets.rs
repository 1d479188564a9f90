//! `targets:` and `limits:`: parts that do not fit together.

use super::{comparison, param_type::elsewhere};
use crate::{
    base::{
        diagnostic::{Code, Diagnostic, Diagnostics},
        shape::Word,
        source::Span,
    },
    check::{
        listed,
        scene::Scene,
        shape::{self, Misstep, Shape},
    },
    effect::alike::As,
    targets::{
        Limits, Targets,
        comparing::{Comparing, Difference},
        gather::column_of,
        model::{CsvColumn, From, Rule, Source, TYPES},
    },
    template::Step as Part,
};

/// Something about the items cannot be meant so.
pub static TARGETS: Code = Code {
    id: "E0320",
    title: "targets that do not fit together",
    explain: "`targets:` says where the items of a run come from and how they are told apart: a `find` has the key of its table, a \
        `query`, a CSV file and an `http` list need `key:` (or `group_by:`), a list has its elements. The columns that `key`, `group_by`, \
        `order_by` and `check` name are columns of the source. `each_group` needs `group_by`, `after` needs `subject`.\n\n\
        ```yaml sketch\n\
        targets:\n\
        \x20 from: { csv: \"{{ params.file }}\", columns: { id: int, email: string } }\n\
        \x20 key: id\n\
        …\n\
        ```",
};
/// A limit that cannot be meant so.
pub static LIMITS: Code = Code {
    id: "E0321",
    title: "limits that do not fit",
    explain: "`limits:` belongs to a playbook with `targets:`; only `window:` and `one_at_a_time:` are of use for a \
        single record as well. The stages of a \
        `canary` grow, `concurrency` is 1 to 64, and `max_items`, `max_found` and `take` are numbers above zero.",
};

/// Two sources that cannot be compared so.
pub static COMPARED: Code = Code {
    id: "E0270",
    title: "sources that cannot be compared so",
    explain: "`from: { compare: … }` finds the records of two sources by a key, and makes items of those that only one source has and of \
        those that both have with different `fields`. The key has as many columns on both sides, the fields have names of their own, and \
        columns that are named are columns of that side. The key stands in `compare`, not under `targets`: an item has `item.key`, \
        `item.difference` (`only_left`, `only_right`, `different`), `item.left`, `item.right`, `item.differs` (names of fields) and \
        `item.text` (the difference in words).\n\n\
        ```yaml sketch\n\
        targets:\n\
        \x20 from:\n\
        \x20   compare:\n\
        \x20     left: { find: { table: register.trainees, columns: [trn, state] } }\n\
        \x20     right: { query: { db: dqt, sql: \"select trn, status from teachers\" } }\n\
        \x20     key: trn\n\
        \x20     fields: [{ name: state, right: status, as: caseless }]\n\
        …\n\
        ```",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&TARGETS, &LIMITS, &COMPARED];

/// More items at the same time need more connections than most databases give to one program.
const MOST_AT_ONCE: u32 = 64;

const COUNT: &str = "write digits without quotes, or `\"{{ params.many }}\"`";

/// Looks at both parts.
pub fn look(scene: &Scene<'_>, problems: &mut Diagnostics) {
    if let Some(limits) = &scene.playbook.limits {
        of_limits(scene, limits, problems);
    }
    let Some(targets) = &scene.playbook.targets else { return };
    let wrong = |at: Span, message: String| Diagnostic::error(&TARGETS, at, message);
    match &targets.from.source {
        Source::Query(_) | Source::Csv(_) | Source::Http(_) if targets.key.is_none() && targets.group_by.is_none() => {
            let message = format!("the items of a `{}` need a key", targets.from.source.word());
            problems.push(
                wrong(targets.from.at, message).help("add `key: COLUMN` under `targets:`: what tells them apart"),
            );
        }
        Source::List(_) if targets.group_by.is_some() => {
            let at = targets.group_by.as_ref().map_or(targets.at, |group| group.key.span);
            problems.push(wrong(at, "the elements of a list have no columns to group by".into()).help("take it out"));
        }
        _ => {}
    }
    match &targets.from.source {
        Source::Compare(comparing) => {
            of_comparing(scene, targets, comparing, problems);
            comparing.sides().into_iter().for_each(|(_, side)| of_source(scene, side, problems));
        }
        _ => of_source(scene, &targets.from, problems),
    }
    columns(scene, targets, problems);
    rest(targets, problems);
}

/// What is wrong with one source, whatever it is for.
fn of_source(scene: &Scene<'_>, from: &From, problems: &mut Diagnostics) {
    let wrong = |at: Span, message: String| Diagnostic::error(&TARGETS, at, message);
    expected_rows(from, problems);
    if let Source::List(datum) = &from.source
        && let Some(never) = listed::never(scene, datum)
    {
        problems.push(wrong(datum.span(), format!("`list` takes a list: {}", never.message)).help(never.help));
    }
    if let Source::Http(call) = &from.source
        && !matches!(call.method(), Some(("GET", _)) | None)
    {
        problems.push(wrong(from.at, "only a `get` gives items".into()).help("write `get: /path`"));
    }
    if let Source::Csv(csv) = &from.source {
        csv.columns.iter().for_each(|(_, column)| of_csv_column(column, problems));
        if let Some(word) = csv.delimiter.as_ref().filter(|word| word.as_str().len() != 1) {
            problems.push(wrong(word.span, "a delimiter is one character".into()).help("write `\";\"` or `\"\\t\"`"));
        }
    }
}

/// Keys of `targets` that need one another.
fn rest(targets: &Targets, problems: &mut Diagnostics) {
    let wrong = |at: Span, message: String| Diagnostic::error(&TARGETS, at, message);
    let grouped = targets.group_by.is_some();
    for check in &targets.check {
        if matches!(check.rule, Rule::EachGroup(_)) && !grouped {
            let problem = wrong(check.at, "`each_group` needs groups".into());
            problems.push(problem.help("add `group_by:`, or write `each_row`"));
        }
    }
    if targets.lone_groups.is_some() && !grouped {
        problems.push(wrong(targets.at, "`lone_groups` needs groups".into()).help("add `group_by:`, or take it out"));
    }
    if targets.after.is_some() && targets.subject.is_none() {
        let problem = wrong(targets.at, "`after` needs a `subject`".into());
        problems.push(problem.help("say which items belong together: `subject: \"{{ item.trainee_id }}\"`"));
    }
    if let Some(subject) = targets.subject.as_ref().filter(|subject| subject.is_literal()) {
        let text = &subject.scalar().text;
        let message = format!("all items have one subject, the text `{text}`: they come one after the other");
        let problem = Diagnostic::warning(&TARGETS, subject.scalar().span, message);
        problems.push(problem.help(format!("to name a column: `subject: \"{{{{ item.{text} }}}}\"`")));
    }
    if let Some(number) = targets.take.as_ref().filter(|take| not_a_count(take)) {
        problems.push(wrong(number.span(), "`take` is a number above zero".into()).help(COUNT));
    }
}

/// A source has as many rows as it has.
fn expected_rows(from: &From, problems: &mut Diagnostics) {
    let expect = match &from.source {
        Source::Find(find) => &find.expect,
        Source::Query(query) => &query.expect,
        _ => return,
    };
    if let Some(expect) = expect {
        let problem = Diagnostic::error(&TARGETS, expect.at, "a source has no `expect`");
        problems.push(problem.help("say how many items are right under `limits:`: `max_items`, `refuse_empty`"));
    }
}

/// Two sides that can be compared.
fn of_comparing(scene: &Scene<'_>, targets: &Targets, comparing: &Comparing, problems: &mut Diagnostics) {
    let mut wrong = |at: Span, message: String, help: &str| {
        problems.push(Diagnostic::error(&COMPARED, at, message).help(help.to_owned()));
    };
    if let Some(key) = targets.key.as_ref().and_then(|columns| columns.0.first()) {
        let help = "take `key:` out here: what `compare` says tells the items apart";
        wrong(key.span, "a comparison has its own key".into(), help);
    }
    let key = &comparing.key;
    if key.left.0.len() != key.right.0.len() {
        let message = format!("the key has {} on the left and {} on the right", key.left.0.len(), key.right.0.len());
        wrong(key.at, message, "name as many columns on both sides, in the same order");
    }
    if key.kind == As::Set {
        wrong(
            key.at,
            "a key is no set".into(),
            "write `as: text`, `caseless`, `words`, `number`, `date`, `moment` or `value`",
        );
    }
    if comparing.fields.is_empty() && comparing.differences == [Difference::Different] {
        wrong(comparing.at, "nothing is compared".into(), "add `fields: [{ name: … }]`");
    }
    let [(_, left), (_, right)] = comparing.sides();
    let shapes =
        [("left", &key.left, shape::of_source(scene, left)), ("right", &key.right, shape::of_source(scene, right))];
    for (side, columns, shape) in &shapes {
        columns.0.iter().for_each(|word| there(word, side, shape, problems));
    }
    for (index, field) in comparing.fields.iter().enumerate() {
        comparison::field(field, &comparing.fields[..index], problems);
        for (side, (_, _, shape)) in [&field.left, &field.right].into_iter().zip(&shapes) {
            let name = if std::ptr::eq(side, &field.left) { "left" } else { "right" };
            if let Some(word) = field.path(side) {
                there(word, name, shape, problems);
            }
        }
    }
}

/// A column of a side, where its columns are known.
fn there(word: &Word, side: &str, shape: &Shape, problems: &mut Diagnostics) {
    let Shape::Fields(fields) = shape else { return };
    let first = word.as_str().split('.').next().unwrap_or_default();
    let known = || fields.iter().map(|(name, _)| name.as_str());
    if !known().any(|name| name == first || name == word.as_str()) {
        let message = format!("the records of `{side}` have no `{first}`");
        problems.push(Diagnostic::error(&COMPARED, word.span, message).suggest(first, known()));
    }
}

/// Columns that are named, where the columns of the source are known.
fn columns(scene: &Scene<'_>, targets: &Targets, problems: &mut Diagnostics) {
    let mut named: Vec<(&str, Span)> = Vec::new();
    let key = targets.key.iter().flat_map(|columns| &columns.0);
    let unique = targets.check.iter().filter_map(|check| match &check.rule {
        Rule::Unique(columns) => Some(&columns.0),
        _ => None,
    });
    let compared = matches!(targets.from.source, Source::Compare(_));
    let each = key.filter(|_| !compared).chain(unique.flatten());
    let each = each.chain(targets.group_by.iter().map(|group| &group.key));
    named.extend(each.map(|word: &Word| (word.as_str(), word.span)));
    let row_order = targets.group_by.is_none();
    let order = targets.order_by.iter().filter(|_| row_order);
    named.extend(order.filter_map(|text| Some((column_of(text)?.0, text.scalar().span))));
    if compared {
        return of_pair(scene, &named, problems);
    }
    // Of a table or a statement they are known where the database was asked.
    let shape = shape::of_source(scene, &targets.from);
    let known: Vec<&str> = match &shape {
        Shape::Fields(fields) => fields.iter().map(|(name, _)| name.as_str()).collect(),
        Shape::Columns(names) => names.iter().map(String::as_str).collect(),
        _ => return,
    };
    let is_there = |name: &str| shape.walk(&["", name].map(|part| Part::Name(part.into()))).is_ok();
    // A part of a document stands behind a dot.
    let first = |name: &str| name.split('.').next().is_some_and(is_there);
    for (name, at) in named.into_iter().filter(|(name, _)| !is_there(name) && !first(name)) {
        let problem = Diagnostic::error(&TARGETS, at, format!("the source has no column `{name}`"));
        problems.push(problem.suggest(name, known.iter().copied()));
    }
}

/// Parts of what a comparison gives: `left.email`, `difference`.
fn of_pair(scene: &Scene<'_>, named: &[(&str, Span)], problems: &mut Diagnostics) {
    let targets = scene.playbook.targets.as_ref();
    let Some(Source::Compare(comparing)) = targets.map(|targets| &targets.from.source) else { return };
    let shape = shape::of_pair(scene, comparing);
    for (name, at) in named {
        let parts: Vec<Part> = std::iter::once("").chain(name.split('.')).map(|step| Part::Name(step.into())).collect();
        if let Err(Misstep::NoSuch(index, known)) = shape.walk(&parts) {
            let step = name.split('.').nth(index - 1).unwrap_or_default();
            let problem = Diagnostic::error(&TARGETS, *at, format!("an item of a comparison has no `{step}` here"));
            problems.push(problem.suggest(step, known.iter().map(String::as_str)));
        }
    }
}

fn of_csv_column(column: &CsvColumn, problems: &mut Diagnostics) {
    let kind = column.kind.as_str();
    if !TYPES.contains(&kind) {
        let problem = Diagnostic::error(&TARGETS, column.kind.span, format!("`{kind}` is not a type of a column"));
        return problems.push(match elsewhere(kind) {
            Some(meant) if TYPES.contains(&meant) => problem.help(format!("did you mean `{meant}`?")),
            _ => problem.suggest(kind, TYPES.iter().copied()),
        });
    }
    let mut odd = |message: String, help: &str| {
        problems.push(Diagnostic::error(&TARGETS, column.at, message).help(help.to_owned()));
    };
    if kind != "bool" && (column.truthy.is_some() || column.falsy.is_some()) {
        odd(format!("`truthy` and `falsy` do not belong to `{kind}`"), "write `type: bool`, or take them out");
    }
    if kind == "enum" && column.values.is_empty() {
        odd("an enum without `values`".into(), "list its words: `values: [one, two]`");
    }
    if kind != "enum" && !column.values.is_empty() {
        odd(format!("`values` does not belong to `{kind}`"), "write `type: enum`, or take `values` out");
    }
}

fn of_limits(scene: &Scene<'_>, limits: &Limits, problems: &mut Diagnostics) {
    let wrong = |at: Span, message: &str| Diagnostic::error(&LIMITS, at, message);
    let other = limits.concurrency.is_some()
        || limits.rate.is_some()
        || !limits.canary.is_empty()
        || limits.stop_after.is_some()
        || limits.max_items.is_some()
        || limits.max_found.is_some()
        || limits.refuse_empty.is_some();
    // Targets that could not be read are there all the same.
    let unread = !scene.named.is_empty() && scene.source.text().lines().any(|line| line.starts_with("targets:"));
    if scene.playbook.targets.is_none() && other && !unread {
        let problem = wrong(limits.at, "these limits are about many items, and the playbook has no `targets`");
        problems
            .push(problem.help("add `targets:`; for a single record only `window:` and `one_at_a_time:` are of use"));
    }
    if let Some(at_once) = limits.concurrency.as_ref().filter(|n| n.value == 0 || n.value > MOST_AT_ONCE) {
        problems.push(wrong(at_once.at, "`concurrency` is between 1 and 64"));
    }
    for pair in limits.canary.windows(2).filter(|pair| pair[0].value >= pair[1].value) {
        problems.push(wrong(pair[1].at, "the stages of a `canary` grow").help("for example `canary: [1, 10]`"));
    }
    if let Some(first) = limits.canary.first().filter(|first| first.value == 0) {
        problems.push(wrong(first.at, "a stage of a `canary` has at least one item"));
    }
    if let Some(most) = limits.max_items.as_ref().filter(|most| not_a_count(most)) {
        problems.push(wrong(most.span(), "`max_items` is a number above zero").help(COUNT));
    }
    if let Some(most) = limits.max_found.as_ref().filter(|most| not_a_count(most)) {
        problems.push(wrong(most.span(), "`max_found` is a number above zero").help(COUNT));
    }
}

/// Written out, and no whole number above zero.
fn not_a_count(datum: &crate::template::Datum) -> bool {
    match &datum.tree {
        crate::template::Tree::Scalar(text) => {
            text.literal().is_some_and(|value| value.as_int().is_none_or(|number| number < 1))
        }
        _ => true,
    }
}
