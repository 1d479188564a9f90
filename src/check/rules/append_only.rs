//! Tables whose rows are only ever added.

use crate::{
    action::kinds::Act,
    base::diagnostic::{Code, Diagnostic, Diagnostics},
    check::{columns, scene::Scene},
    connection::sql_rules::Class,
    effect::change::TableName,
};

/// A row would be changed or deleted.
pub static APPEND_ONLY: Code = Code {
    id: "E0413",
    title: "a change of a table that is only added to",
    explain: "The project file says `append_only: true`: rows of this table are a record of what happened, and are neither changed nor \
        deleted. Add a row that corrects the record (`row` with `create:`).",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&APPEND_ONLY];

/// Looks at every change.
pub fn look(scene: &Scene<'_>, problems: &mut Diagnostics) {
    let protected = |table: &TableName| scene.facts(table).is_some_and(|f| f.append_only == Some(true));
    for visit in &scene.visits {
        let step = visit.step;
        let table = match &step.act {
            Act::Row(row) => {
                let only_creates =
                    row.create.is_some() && row.set.entries.is_empty() && row.clear.is_none() && row.also.is_empty();
                scene.table(step).filter(|_| !only_creates || columns::deletes(step))
            }
            Act::Rows(_) => scene.table(step),
            Act::Sql(sql) => {
                visit.sql.as_ref().filter(|v| matches!(v.class, Class::Update | Class::Delete)).and_then(|v| {
                    v.writes
                        .iter()
                        .map(|table| TableName { connection: sql.db.text.clone(), table: table.as_str().into() })
                        .find(|t| protected(t))
                })
            }
            _ => None,
        };
        if let Some(table) = table.filter(protected) {
            problems.push(
                Diagnostic::error(
                    &APPEND_ONLY,
                    step.act_at,
                    format!("rows of `{table}` are neither changed nor deleted"),
                )
                .help("add a row with `row: { table, key, create }`"),
            );
        }
    }
}
