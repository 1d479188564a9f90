//! What a step does, in the words of somebody who does not know the tables.

use super::page::{Say, Words, text};
use crate::{
    action::{
        ends::{Otherwise, Way},
        kinds::Act,
        resource::KindOf,
        row::{Assign, Ensure, RowSpec},
        rows::RowsSpec,
        step::Step,
    },
    base::{counted::counted, shape::Named},
    check::Checked,
    read::{expect::Expect, find::Test},
    template::{Datum, Text, Tree},
};

/// The title that its author gave to a step; else what it does.
pub fn label(step: &Step, checked: &Checked) -> Words {
    match &step.common.title {
        Some(title) => prose(&title.scalar().text),
        None => deed(step, checked),
    }
}

/// An author's text with its expressions as names: what stands in `{{ }}` is shown without the braces.
pub fn prose(source: &str) -> Words {
    let (mut words, mut rest) = (Words::new(), source);
    while let Some(at) = ["{{", "{%", "{#"].iter().filter_map(|mark| rest.find(mark)).min() {
        let (before, from) = rest.split_at(at);
        if !before.is_empty() {
            words = words.say(one_line(before));
        }
        let end = match &from[..2] {
            "{{" => "}}",
            "{%" => "%}",
            _ => "#}",
        };
        let Some(close) = from.find(end) else { return words.say(one_line(from)) };
        let inner = from[2..close].trim_matches(['-', ' ']);
        words = match end {
            "}}" => words.code(inner),
            "%}" => words.say(branch(inner)),
            _ => words,
        };
        rest = &from[close + 2..];
    }
    if !rest.is_empty() {
        words = words.say(one_line(rest));
    }
    words
}

/// Line breaks are the YAML's, not the sentence's; blanks at the ends belong between the pieces.
fn one_line(text: &str) -> String {
    text.replace('\n', " ")
}

fn branch(inner: &str) -> String {
    match inner.split_once(' ').unwrap_or((inner, "")) {
        ("if", condition) => format!("[if {condition}: "),
        ("elif", condition) => format!("; if {condition}: "),
        ("else", _) => "; else: ".into(),
        ("for", rest) => format!("[for each {rest}: "),
        ("endif" | "endfor", _) => "]".into(),
        _ => String::new(),
    }
}

/// What it does.
pub fn deed(step: &Step, checked: &Checked) -> Words {
    let none = Words::new;
    match &step.act {
        Act::Find(find) => none()
            .say(format!("Finds {} of ", rows(find.expects())))
            .code(find.table.as_str())
            .and(where_(&find.conditions)),
        Act::Query(query) => none().say(format!("Asks for {} of ", rows(query.expects()))).code(query.db.as_str()),
        Act::Tally(tally) => {
            let names =
                |all: &[crate::base::shape::Word]| all.iter().map(|w| w.as_str().to_owned()).collect::<Vec<_>>();
            none().say("Counts the jobs in ").codes(&names(&tally.tables)).say(" by ").codes(&names(&tally.by))
        }
        Act::Http(call) => match call.method() {
            Some((method, path)) => {
                let verb = if call.is_read() { "Asks" } else { "Sends to" };
                none()
                    .say(format!("{verb} "))
                    .code(call.api.as_str())
                    .say(": ")
                    .code(format!("{method} {}", shown(path)))
            }
            None => none(),
        },
        Act::Row(row) => one_row(row, step, checked),
        Act::Rows(rows) => many_rows(rows),
        Act::Sql(sql) => none().say("Runs a statement on ").code(sql.db.as_str()),
        Act::Job(job) => {
            let queue = job.queue.as_str();
            match (&job.enqueue, &job.retry) {
                (Some(class), _) => none().say("Enqueues the job ").code(class.as_str()).say(" in ").code(queue),
                (None, Some(_)) => none().say("Lets jobs of ").code(queue).say(" be tried again"),
                (None, None) => none().say("Deletes jobs of ").code(queue),
            }
        }
        Act::Command(command) => {
            let words = command.arguments().map(|(all, _)| arguments(all)).unwrap_or_default();
            none().say("Starts ").code(format!("{} {words}", command.program.as_str()).trim().to_owned())
        }
        Act::Resource(spec) => {
            let kind = match spec.kind() {
                Some(KindOf::Named(word)) => word.as_str().to_owned(),
                _ => "a resource".to_owned(),
            };
            let verb = match (spec.is_read(), spec.removes()) {
                (true, _) => "Looks at ",
                (false, true) => "Removes ",
                (false, false) => "Sets ",
            };
            none().say(verb).code(kind).and(keys(&spec.key))
        }
        Act::Compare(compare) => none().say(format!(
            "Compares {} and {} in {}",
            compare.left.names().next().unwrap_or("one"),
            compare.right.names().next().unwrap_or("the other"),
            counted(compare.fields.len(), "field")
        )),
        Act::Call(call) => none().say("Does all of ").code(call.playbook.as_str()),
        Act::Assert(expression) => none().say("Makes sure that ").code(expression.scalar().text.trim()),
        Act::Let(_) => none().say("Works out ").code(step.id().unwrap_or("a value")),
        Act::Ask(ask) => none().say("Asks ").strong(ask.who.as_str()).say(": ").and(prose(&ask.question.scalar().text)),
        Act::Tell(tell) => none().say("Tells ").strong(tell.who.as_str()),
        Act::Block(block) => match &block.transaction {
            Some(database) => none().say("Together, or not at all, in ").code(database.as_str()),
            None => none().say("Together"),
        },
        Act::Choose(choose) => {
            let facts: Vec<String> = choose.facts.names().map(str::to_owned).collect();
            none().say("Goes one of several ways, by ").codes(&facts)
        }
        Act::Use(arm) => none().say("Goes on with ").code(arm.as_str()),
        Act::Wait(wait) => none()
            .say(format!("Waits for at most {}, and looks every {}, until ", wait.at_most, wait.every))
            .code(wait.until.scalar().text.trim()),
        Act::Undo(undo) => {
            let steps: Vec<String> = undo.steps.iter().map(|word| word.as_str().to_owned()).collect();
            none().say("Takes back ").codes(&steps)
        }
        Act::End(end) => none().say("Ends here: ").and(way(end)),
    }
}

fn one_row(row: &RowSpec, step: &Step, checked: &Checked) -> Words {
    let table = checked.facts(step).and_then(|facts| facts.tables_written.first()).map(ToString::to_string);
    let table = table.unwrap_or_default();
    if row.ensure == Some(Ensure::Absent) {
        return Words::new().say("Deletes a row of ").code(table);
    }
    let mut words = Words::new().say("Changes a row of ").code(table).and(sets(&row.set, row.clear.as_ref()));
    for also in &row.also {
        words = words.say("; if ").code(also.when.scalar().text.trim()).and(sets(&also.set, also.clear.as_ref()));
    }
    if row.create.is_some() {
        words = words.say("; makes the row if there is none");
    }
    words
}

fn many_rows(rows: &RowsSpec) -> Words {
    let bound = rows.touches.map_or_else(String::new, |touches| format!(" ({} rows)", touches.words()));
    let words = if rows.ensure == Some(Ensure::Absent) { "Deletes rows of " } else { "Changes rows of " };
    Words::new()
        .say(words)
        .code(rows.table.as_str())
        .and(where_(&rows.conditions))
        .and(sets(&rows.set, rows.clear.as_ref()))
        .say(bound)
}

/// `: state becomes trn_received; awarded_at is emptied`
fn sets(set: &Named<Assign>, clear: Option<&Datum>) -> Words {
    let mut words = Words::new();
    for (column, assign) in set.iter() {
        let verb = match assign {
            Assign::To(_) => " becomes ",
            Assign::Merge(_) => " gets ",
            Assign::Remove(_) => " loses ",
            Assign::Append(_) => " goes on with ",
        };
        let before = if words.is_empty() { ": " } else { ", " };
        words = words.say(before).code(column).say(verb).code(plain(assign.datum()));
    }
    if let Some(clear) = clear {
        let all = columns(clear);
        let verb = if all.len() == 1 { " is emptied" } else { " are emptied" };
        let before = if words.is_empty() { ": " } else { "; " };
        words = words.say(before).codes(&all).say(verb);
    }
    words
}

/// The columns of a list; an expression that gives one, as it stands.
pub fn columns(clear: &Datum) -> Vec<String> {
    match &clear.tree {
        Tree::List(trees) => trees.iter().map(of_tree).collect(),
        tree => vec![of_tree(tree)],
    }
}

fn rows(expect: Expect) -> String {
    match expect {
        Expect::One => "the one row".into(),
        Expect::Optional => "the row, if there is one,".into(),
        Expect::None => "no row".into(),
        Expect::Many => "all rows".into(),
        Expect::Between(..) => expect.words(),
    }
}

fn where_(conditions: &Named<Test>) -> Words {
    let mut words = Words::new();
    for (column, test) in conditions.iter() {
        let sign = match test {
            Test::Is(_) => "is",
            Test::Not(_) => "is not",
            Test::AtMost(_) => "is at most",
            Test::AtLeast(_) => "is at least",
            Test::Before(_) => "is before",
            Test::After(_) => "is after",
            Test::Between(_) => "is between",
        };
        let before = if words.is_empty() { " whose " } else { " and whose " };
        words = words.say(before).code(column).say(format!(" {sign} ")).code(plain(test.datum()));
    }
    words
}

fn keys(key: &Named<Datum>) -> Words {
    let mut words = Words::new();
    for (name, datum) in key.iter() {
        let before = if words.is_empty() { " with " } else { " and " };
        words = words.say(before).code(name).say(" ").code(plain(datum));
    }
    words
}

/// The words of a call.
pub fn arguments(all: &[Datum]) -> String {
    all.iter().map(plain).collect::<Vec<_>>().join(" ")
}

/// A value as it is written, without braces.
pub fn plain(datum: &Datum) -> String {
    of_tree(&datum.tree)
}

fn of_tree(tree: &Tree) -> String {
    match tree {
        Tree::Scalar(text) => shown(text),
        Tree::List(trees) => format!("[{}]", trees.iter().map(of_tree).collect::<Vec<_>>().join(", ")),
        Tree::Map(entries) => {
            let all: Vec<String> = entries.iter().map(|(name, tree)| format!("{name}: {}", of_tree(tree))).collect();
            format!("{{ {} }}", all.join(", "))
        }
    }
}

fn shown(text: &Text) -> String {
    match text.literal() {
        Some(value) if value.is_null() => "null".into(),
        Some(value) => value.bare().into_owned(),
        None => {
            let text = text.scalar().text.trim();
            let whole =
                text.strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}")).filter(|rest| !rest.contains("{{"));
            whole.map_or_else(|| text.replace("{{ ", "{").replace(" }}", "}"), |inner| inner.trim().to_owned())
        }
    }
}

/// Where a failed check leads.
pub fn way(end: &Otherwise) -> Words {
    let say = || end.say.as_ref().map(|say| prose(say.scalar().text.trim())).unwrap_or_default();
    let with = |verb: &str| {
        let words = say();
        if words.is_empty() { text(verb) } else { Words::new().say(format!("{verb}: ")).and(words) }
    };
    match end.way {
        Way::Stop => with("stops"),
        Way::Skip => with("is left out"),
        Way::Done => with("is done already"),
        Way::Warn => with("goes on with a warning"),
        Way::Fail => with("fails"),
        Way::Escalate => {
            let who = end.who.as_ref().map_or("", |who| who.as_str());
            let mut words = Words::new().say("goes to ").strong(who).say(": ").and(say());
            if !end.reveal.is_empty() {
                let names: Vec<String> = end.reveal.iter().map(|word| word.as_str().to_owned()).collect();
                words = words.say(" (they see ").codes(&names).say(")");
            }
            words
        }
    }
}
