//! Which row a `row` step means, and what is to become of it.

use super::unknown_attribute::misused_list;
use crate::{
    action::{
        kinds::Act,
        row::{Ensure, RowSpec},
        rows::RowsSpec,
    },
    base::{
        diagnostic::{Code, Diagnostic, Diagnostics},
        shape::{UNKNOWN_KEY, Word},
        source::Span,
    },
    check::{mentions, scene::Scene, spots::Sees},
};

/// It is not clear which row.
pub static WHICH_ROW: Code = Code {
    id: "E0314",
    title: "a change that does not say which row",
    explain: "`row` says which row by `of:` (the name of a `find` step before it that expects one row), or by `table:` and `key:` with every key \
        column of the table:\n\n\
        ```yaml\n\
        row: { of: trainee, set: { state: withdrawn } }\n\
        row: { table: register.trainees, key: { id: 7 }, set: { state: withdrawn } }\n\
        ```\n\n\
        `rows` says which rows by `where:`.",
};
/// It is not clear what is to be done.
pub static WHAT_TO_DO: Code = Code {
    id: "E0315",
    title: "a change that changes nothing, or two things at once",
    explain: "A change has at least one column under `set:`, `clear:` or `also:`, or says \
        `ensure: absent`; one that deletes sets nothing.",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&WHICH_ROW, &WHAT_TO_DO];

/// Looks at every change of rows.
pub fn look(scene: &Scene<'_>, problems: &mut Diagnostics) {
    for (index, visit) in scene.visits.iter().enumerate() {
        let at = visit.step.act_at;
        let (unclear, deed) = match &visit.step.act {
            Act::Row(row) => {
                let sets = !row.set.entries.is_empty() || row.clear.is_some() || !row.also.is_empty();
                (target(scene, index, row, at), deed(row.ensure, sets, row.create.is_some(), at))
            }
            Act::Rows(rows) => {
                let sets = !rows.set.entries.is_empty() || rows.clear.is_some();
                (picked(rows, at), deed(rows.ensure, sets, false, at))
            }
            _ => continue,
        };
        // With `sets:` for `set:` nothing is missing: it is written in another word, and that is told already.
        let next = scene.visits.iter().map(|other| other.step.act_at.start).filter(|start| *start > at.start).min();
        if !problems.any_between(&UNKNOWN_KEY, at.start, next.unwrap_or(usize::MAX)) {
            unclear.into_iter().chain(deed).for_each(|problem| problems.push(problem));
        }
    }
}

fn odd(at: Span, message: impl Into<String>, help: impl Into<String>) -> Diagnostic {
    Diagnostic::error(&WHICH_ROW, at, message).help(help)
}

fn target(scene: &Scene<'_>, index: usize, row: &RowSpec, at: Span) -> Vec<Diagnostic> {
    match (&row.of, &row.table) {
        // Neither row nor step: then the table is what is right of the two.
        (Some(of), Some(_)) if scene.step(of.as_str()).is_none() && !scene.named.contains(of.as_str()) => {
            let help = "`of:` names a `find` step before it, and its table; with `table:` and `key:` take `of:` out";
            vec![odd(of.span, format!("there is no step `{}`", of.as_str()), help)]
        }
        (Some(of), Some(table)) => {
            let message = format!("`of: {}` gives the table already", of.as_str());
            vec![odd(table.span, message, "take `table:` and `key:` out")]
        }
        (None, None) => {
            let help = "add `of:` with the name of a `find` step, or `table:` and `key:`";
            vec![odd(at, "`row` does not say which row", help)]
        }
        (Some(of), None) => {
            let twice = (!row.key.entries.is_empty()).then(|| {
                let message = format!("`of: {}` gives the key already", of.as_str());
                odd(row.key.at, message, "take `key:` out")
            });
            twice.into_iter().chain(found(scene, index, of)).collect()
        }
        (None, Some(_)) => key(scene, index, row, at).into_iter().collect(),
    }
}

/// What is wrong with the step that `of:` names.
fn found(scene: &Scene<'_>, index: usize, of: &Word) -> Option<Diagnostic> {
    let name = of.as_str();
    let Some(found) = scene.step(name) else {
        // It stands in the file, in a part that could not be read.
        if scene.named.contains(name) {
            return None;
        }
        let loops = scene.around(index).filter_map(|at| scene.visits[at].step.common.for_each.as_ref());
        if loops.into_iter().any(|each| each.name.as_str() == name) {
            let message = format!("`{name}` is an element of the loop, and `of:` names a `find` step");
            let help = format!("write `table: connection.table, key: {{ id: \"{{{{ {name}.id }}}}\" }}`");
            return Some(odd(of.span, message, help));
        }
        if name == "item" && scene.playbook.targets.is_some() {
            let message = "`item` is what the source gave, and `of:` names a `find` step".to_owned();
            let help = "find the row first: `- id: row` with `find: { table: …, where: { id: \"{{ item.id }}\" }, expect: one }`, then `of: row`";
            return Some(odd(of.span, message, help));
        }
        let bare = name.trim_start_matches("{{").trim_end_matches("}}").trim();
        if bare != name && (scene.step(bare).is_some() || scene.named.contains(bare)) {
            let message = "`of:` takes the name of a step, not an expression";
            return Some(odd(of.span, message, format!("write `of: {bare}`")));
        }
        let finds = scene.visits.iter().filter(|v| matches!(v.step.act, Act::Find(_))).filter_map(|v| v.step.id());
        return Some(Diagnostic::error(&WHICH_ROW, of.span, format!("there is no step `{name}`")).suggest(name, finds));
    };
    if found == index || !mentions::is_before(scene, found, index, Sees::Before) {
        let message = format!("`{name}` comes later, so its row is not known yet");
        return Some(odd(of.span, message, "move that step before this one"));
    }
    let single = match &scene.visits[found].step.act {
        Act::Find(find) => find.expects().is_single(),
        Act::Query(query) if query.of_table.is_some() => query.expects().is_single(),
        Act::Row(_) => true,
        Act::Query(_) => {
            let message = format!("`{name}` does not say which table its row is from");
            return Some(odd(of.span, message, format!("add `as: connection.table` to `{name}`, or use `find`")));
        }
        other => {
            let message = format!("`{name}` is a step of the kind `{}`, not a `find`", other.word());
            return Some(odd(of.span, message, "name a `find` step, or give `table:` and `key:`"));
        }
    };
    if !single && let Some(problem) = misused_list(scene, found) {
        return Some(problem);
    }
    let message = format!("`{name}` may find several rows");
    let help = format!("let `{name}` say `expect: one`, or use `rows` with a condition");
    (!single).then(|| odd(of.span, message, help))
}

fn key(scene: &Scene<'_>, index: usize, row: &RowSpec, at: Span) -> Option<Diagnostic> {
    let table = scene.table(scene.visits[index].step)?;
    let facts = scene.facts(&table)?;
    let given: Vec<&str> = row.key.names().collect();
    let needed: Vec<&str> = facts.key.names().collect();
    let unique = facts
        .unique
        .iter()
        .any(|columns| columns.names().count() == given.len() && columns.names().all(|c| given.contains(&c)));
    let whole = needed.len() == given.len() && needed.iter().all(|c| given.contains(c));
    if whole || unique {
        return None;
    }
    let list = needed.iter().map(|c| format!("{c}: …")).collect::<Vec<_>>().join(", ");
    let (at, message) = match row.key.entries.iter().find(|(word, _)| !needed.contains(&word.as_str())) {
        Some((word, _)) => (word.span, format!("`{}` is not the key of `{table}`", word.as_str())),
        None if given.is_empty() => (at, "`row` does not say which row: `table:` without `key:`".to_owned()),
        None => (row.key.at, format!("a part of the key of `{table}` is missing")),
    };
    Some(Diagnostic::error(&WHICH_ROW, at, message).help(format!("write `key: {{ {list} }}`")))
}

fn picked(rows: &RowsSpec, at: Span) -> Vec<Diagnostic> {
    let whole_table =
        || odd(at, "`rows` without `where` means the whole table", "add `where:` with at least one column");
    rows.conditions.entries.is_empty().then(whole_table).into_iter().collect()
}

fn deed(ensure: Option<Ensure>, sets: bool, creates: bool, at: Span) -> Option<Diagnostic> {
    let wrong = |message: &str, help: &str| Some(Diagnostic::error(&WHAT_TO_DO, at, message).help(help));
    match ensure == Some(Ensure::Absent) {
        true if sets || creates => wrong(
            "a row that is deleted and set at once",
            "keep either `ensure: absent` or `set:`, `clear:`, `also:` and `create:`",
        ),
        false if !sets && !creates => {
            wrong("this changes nothing", "add `set:` with columns and values, or `ensure: absent` to delete")
        }
        _ => None,
    }
}
