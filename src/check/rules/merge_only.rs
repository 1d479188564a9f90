//! JSON columns of which only single keys may be changed.

use crate::{
    base::diagnostic::{Code, Diagnostic, Diagnostics},
    check::{
        columns::{self, For},
        scene::Scene,
    },
    table::catalogue::Kind,
};

/// The whole document would be overwritten.
pub static OVERWRITES: Code = Code {
    id: "E0412",
    title: "a JSON document overwritten as a whole",
    explain: "The project file says `merge_only` for this column: other parts of the document belong to somebody else and would be lost. Write \
        `{ merge: { key: value } }` or `{ remove: [key] }`; the other keys stay as they are.",
};
/// No document to merge into.
pub static NOT_JSON: Code = Code {
    id: "E0416",
    title: "`merge` or `remove` in a column that is not JSON",
    explain: "`{ merge: … }` and `{ remove: … }` change keys of a JSON document. The database \
        says that this column holds something else.",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&OVERWRITES, &NOT_JSON];

/// Looks at every column that is set.
pub fn look(scene: &Scene<'_>, problems: &mut Diagnostics) {
    for visit in &scene.visits {
        let Some((table, columns)) = columns::of_step(scene, visit.step) else { continue };
        for column in &columns {
            let merge_only = scene.facts(&table).is_some_and(|f| f.json.get(&column.name).is_some());
            if column.purpose == For::Setting && merge_only {
                problems.push(
                    Diagnostic::error(
                        &OVERWRITES,
                        column.at,
                        format!("this would overwrite the whole document in `{}`", column.name),
                    )
                    .help(format!("write `{}: {{ merge: {{ key: value }} }}` or `{{ remove: [key] }}`", column.name)),
                );
            }
            let known = scene.catalogue(&table).and_then(|t| t.column(&column.name));
            if let Some(known) =
                known.filter(|c| column.purpose == For::Merging && !matches!(c.kind, Kind::Json | Kind::Other))
            {
                problems.push(
                    Diagnostic::error(
                        &NOT_JSON,
                        column.at,
                        format!("`{}` holds {}, not JSON", column.name, known.type_name),
                    )
                    .help("write the value itself"),
                );
            }
        }
    }
}
