//! Names of enum values that a column does not have.

use crate::{
    base::diagnostic::{Code, Diagnostic, Diagnostics},
    check::{columns, scene::Scene},
};

/// No such name.
pub static UNKNOWN_ENUM_NAME: Code = Code {
    id: "E0414",
    title: "a name that the column does not have",
    explain: "The project file gives this column's values names (`enums:`), and this is none of them. Playbooks write the name \
        (`state: withdrawn`), the database holds the stored value (`4`).",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&UNKNOWN_ENUM_NAME];

/// Looks at every value that is written out.
pub fn look(scene: &Scene<'_>, problems: &mut Diagnostics) {
    for visit in &scene.visits {
        let Some((table, columns)) = columns::of_step(scene, visit.step) else { continue };
        let Some(facts) = scene.facts(&table) else { continue };
        for column in &columns {
            for (value, at) in column.literals() {
                if let Err(unknown) = facts.stored(&column.name, value) {
                    problems.push(
                        Diagnostic::error(
                            &UNKNOWN_ENUM_NAME,
                            at,
                            format!("`{}` is not a name of `{table}.{}`", unknown.name, unknown.column),
                        )
                        .suggest(&unknown.name, unknown.known.iter().map(String::as_str)),
                    );
                }
            }
        }
    }
}
