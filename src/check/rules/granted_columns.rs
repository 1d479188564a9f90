//! `uses: { …: { columns } }`: a step sets only the columns that are listed.

use crate::{
    action::{
        kinds::Act,
        row::{Assign, Ensure},
    },
    base::{
        diagnostic::{Code, Diagnostic, Diagnostics},
        shape::{Named, Word},
        source::Span,
    },
    check::scene::{Role, Scene},
    effect::change::TableName,
    template::Datum,
};

/// A column that is not listed.
pub static NOT_GRANTED: Code = Code {
    id: "E0373",
    title: "a column that `uses` does not let this playbook change",
    explain: "With `columns:` a playbook binds itself to some columns of a table, so that whoever approves it need not look for others:\n\n\
        ```yaml\n\
        uses:\n\
        \x20 register: { read: [trainees], write: [trainees, audits], columns: { trainees: [state, awarded_at] } }\n\
        ```\n\n\
        Steps set only these; rows of such a table are not deleted. It is enforced again when the change is made, also for columns \
        whose names are computed (`clear: \"{{ … }}\"`) and for `sql`. What the project file stamps (`updated_at`) and audit rows are no part of it.",
};
/// A list for a table that is not written.
pub static IDLE_LIST: Code = Code {
    id: "E0374",
    title: "columns of a table that the playbook does not change",
    explain: "`columns:` under `uses` names a table that is not listed under `write:` of the same connection, or columns that it does not have.",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&NOT_GRANTED, &IDLE_LIST];

/// Looks at every list and every change.
pub fn look(scene: &Scene<'_>, problems: &mut Diagnostics) {
    for (connection, uses) in scene.playbook.uses.iter() {
        for (word, columns) in &uses.columns.entries {
            let table = TableName { connection: connection.into(), table: word.text.clone() };
            if !uses.write.iter().any(|written| written.text == word.text) {
                problems.push(
                    Diagnostic::error(&IDLE_LIST, word.span, format!("`{table}` is not listed under `write:`"))
                        .suggest(word.as_str(), uses.write.iter().map(Word::as_str))
                        .help("list the table under `write:`, or take its columns out"),
                );
            }
            let Some(known) = scene.catalogue(&table) else { continue };
            for column in columns.iter().filter(|column| !known.columns.contains_key(&*column.text)) {
                let message = format!("`{table}` has no column `{}`", column.as_str());
                let names = known.columns.keys().map(|name| &**name);
                problems.push(Diagnostic::error(&IDLE_LIST, column.span, message).suggest(column.as_str(), names));
            }
        }
    }
    for visit in scene.visits.iter().filter(|visit| visit.role != Role::Probe) {
        let step = visit.step;
        let Some(table) = scene.table(step) else { continue };
        let Some(allowed) = scene.playbook.uses.get(&table.connection).and_then(|u| u.columns.get(&table.table)) else {
            continue;
        };
        let mut set = Vec::new();
        let absent = match &step.act {
            Act::Row(row) => {
                assigned(&row.set, &mut set);
                cleared(row.clear.as_ref(), &mut set);
                row.create.iter().for_each(|create| assigned(create, &mut set));
                for also in &row.also {
                    assigned(&also.set, &mut set);
                    cleared(also.clear.as_ref(), &mut set);
                }
                row.ensure == Some(Ensure::Absent)
            }
            Act::Rows(rows) => {
                assigned(&rows.set, &mut set);
                cleared(rows.clear.as_ref(), &mut set);
                rows.ensure == Some(Ensure::Absent)
            }
            _ => continue,
        };
        if absent {
            problems.push(
                Diagnostic::error(
                    &NOT_GRANTED,
                    step.act_at,
                    format!("this deletes rows of `{table}`, of which `uses` lists columns"),
                )
                .help("take the table out of `columns:`; deleting a row changes all of it"),
            );
        }
        for (column, at) in set.into_iter().filter(|(column, _)| !allowed.iter().any(|word| word.as_str() == column)) {
            problems.push(
                Diagnostic::error(
                    &NOT_GRANTED,
                    at,
                    format!("this sets `{column}` of `{table}`, which `uses` does not list"),
                )
                .help(format!(
                    "add `{column}` under `uses: {{ {}: {{ columns: {{ {}: [ … ] }} }} }}`",
                    table.connection, table.table
                )),
            );
        }
    }
}

fn assigned(set: &Named<Assign>, all: &mut Vec<(String, Span)>) {
    all.extend(set.entries.iter().map(|(word, _)| (word.as_str().to_owned(), word.span)));
}

/// Names that are written out; computed ones are looked at when they are known.
fn cleared(clear: Option<&Datum>, all: &mut Vec<(String, Span)>) {
    let texts = clear.map(|datum| datum.tree.texts()).unwrap_or_default();
    let literal = texts.into_iter().filter_map(|text| Some((text.literal()?.bare().into_owned(), text.scalar().span)));
    all.extend(literal);
}
