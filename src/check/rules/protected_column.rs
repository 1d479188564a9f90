//! Columns that a playbook may not set.

use crate::{
    base::diagnostic::{Code, Diagnostic, Diagnostics},
    check::{
        columns::{self, For},
        scene::Scene,
    },
};

/// It may not be set.
pub static PROTECTED: Code = Code {
    id: "E0411",
    title: "a column that may not be set",
    explain: "Columns that the database computes (`generated:`), columns that nobody may change (`read_only:`) and the key are never set by a \
        playbook; the table's `updated_at` column is stamped by itself on every real change. The project file says which columns \
        these are; the database's catalogue knows generated ones too. A new row (`create:`) may set the key and read-only columns.",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&PROTECTED];

/// Looks at every column that is set.
pub fn look(scene: &Scene<'_>, problems: &mut Diagnostics) {
    for visit in &scene.visits {
        let Some((table, columns)) = columns::of_step(scene, visit.step) else { continue };
        let facts = scene.facts(&table);
        for column in &columns {
            if !matches!(column.purpose, For::Setting | For::Creating | For::Merging | For::Appending) {
                continue;
            }
            let name = &*column.name;
            let creating = column.purpose == For::Creating;
            let generated = facts.is_some_and(|f| f.generated.iter().any(|w| w.as_str() == name))
                || scene.catalogue(&table).and_then(|t| t.column(name)).is_some_and(|c| c.generated);
            let read_only = !creating && facts.is_some_and(|f| f.read_only.iter().any(|w| w.as_str() == name));
            let key = !creating && facts.is_some_and(|f| f.key.names().any(|c| c == name));
            let stamp = facts.and_then(|f| f.stamp()) == Some(name);
            let (message, help) = if generated {
                (format!("`{name}` is computed by the database"), "take it out; it follows from the other columns")
            } else if key {
                (
                    format!("`{name}` is the key of `{table}`"),
                    "a row keeps its key; delete it and make another one if that is really meant",
                )
            } else if read_only {
                (
                    format!("`{name}` is read-only, says the project file"),
                    "take it out, or change `read_only:` in the project file if that is wrong",
                )
            } else if stamp {
                (
                    format!("`{name}` is stamped by itself on every real change"),
                    "take it out; `updated_at: keep` with `because:` leaves it as it is",
                )
            } else {
                continue;
            };
            problems.push(Diagnostic::error(&PROTECTED, column.at, message).help(help));
        }
    }
}
