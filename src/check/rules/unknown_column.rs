//! Columns that a table does not have.

use crate::{
    base::diagnostic::{Code, Diagnostic, Diagnostics},
    check::{columns, scene::Scene},
};

/// No such column.
pub static UNKNOWN_COLUMN: Code = Code {
    id: "E0244",
    title: "unknown column",
    explain: "The table has no such column. Columns are compared with the database's catalogue, which `trueup check --env NAME` reads; an \
        offline check cannot know them.",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&UNKNOWN_COLUMN];

/// Looks at every column of every step whose table's catalogue is known.
pub fn look(scene: &Scene<'_>, problems: &mut Diagnostics) {
    for visit in &scene.visits {
        let Some((table, columns)) = columns::of_step(scene, visit.step) else { continue };
        let Some(known) = scene.catalogue(&table) else { continue };
        for column in columns.iter().filter(|c| known.column(&c.name).is_none()) {
            problems.push(
                Diagnostic::error(&UNKNOWN_COLUMN, column.at, format!("`{table}` has no column `{}`", column.name))
                    .suggest(&column.name, known.columns.keys().map(|name| &**name)),
            );
        }
    }
}
