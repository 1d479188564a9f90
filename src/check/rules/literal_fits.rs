//! Values that cannot be stored in, or compared with, their column.

use crate::{
    base::diagnostic::{Code, Diagnostic, Diagnostics},
    check::{
        columns::{self, For},
        scene::Scene,
    },
};

/// It does not fit.
pub static DOES_NOT_FIT: Code = Code {
    id: "E0415",
    title: "a value that does not fit its column",
    explain: "The database says what the column holds, and this value cannot be stored in it: the number is too large, the text too long, the \
        date not a date, or null is not allowed. Columns are compared with the catalogue, which `trueup check --env NAME` reads.",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&DOES_NOT_FIT];

/// Looks at every value that is written out.
pub fn look(scene: &Scene<'_>, problems: &mut Diagnostics) {
    for visit in &scene.visits {
        let Some((table, columns)) = columns::of_step(scene, visit.step) else { continue };
        let (Some(known), facts) = (scene.catalogue(&table), scene.facts(&table)) else { continue };
        for column in &columns {
            let Some(target) = known.column(&column.name) else { continue };
            // What such a name is stored as stands in a table that nobody has read.
            let unread = facts.and_then(|facts| facts.enums.get(&column.name)).is_some_and(|names| names.is_unread());
            let setting = matches!(column.purpose, For::Setting | For::Creating);
            // `clear:` names a column without a value: it becomes null.
            if column.purpose == For::Setting && column.datum.is_none() && !target.nullable {
                problems.push(not_null(column.at, &column.name));
            }
            for (value, at) in column.literals() {
                if value.is_null() {
                    if setting && !target.nullable {
                        problems.push(not_null(at, &column.name));
                    }
                    continue;
                }
                if unread {
                    continue;
                }
                let stored = match facts {
                    Some(facts) => facts.stored(&column.name, value.clone()).unwrap_or(value),
                    None => value,
                };
                if let Err(message) = target.kind.accepts(&target.type_name, &stored) {
                    problems.push(Diagnostic::error(&DOES_NOT_FIT, at, format!("`{}`: {message}", column.name)));
                }
            }
        }
    }
}

fn not_null(at: crate::base::source::Span, column: &str) -> Diagnostic {
    Diagnostic::error(&DOES_NOT_FIT, at, format!("`{column}` may not be null")).help("give it another value")
}
