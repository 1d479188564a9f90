//! A shared errors table for itself: what can be judged without the playbooks that use it.

use super::{
    mentions::{ERROR, RUN},
    rules::{errors_reach, errors_table, retry, unknown_person},
    spots,
};
use crate::{
    base::{
        diagnostic::{Diagnostic, Diagnostics},
        source::Source,
    },
    playbook::{error_table::ErrorTable, errors::ErrorRow, project::Project},
    template::{Step as Part, UseKind},
};
use std::sync::Arc;

/// Reads and judges a table's own file. `name` is what its path says it is called. A table comes out only if it is sound.
pub fn error_table(source: Arc<Source>, project: &Project, name: Option<&str>) -> (Option<ErrorTable>, Diagnostics) {
    let mut problems = Diagnostics::new(source.clone());
    let Some(table) = ErrorTable::parse(&source, &mut problems) else { return (None, problems) };
    if let Some(name) = name.filter(|name| *name != table.table.as_str()) {
        problems.push(
            Diagnostic::error(
                &errors_table::NO_TABLE,
                table.table.span,
                format!("the table calls itself `{}`, but its file is `{name}.errors.yaml`", table.table.as_str()),
            )
            .help(format!("write `table: {name}`")),
        );
    }
    let rows = table.clone().rows();
    errors_table::form(&rows, &mut problems);
    errors_table::apis(&rows, project, &mut problems);
    for row in &rows {
        for word in row.step.iter().flat_map(|steps| &steps.0) {
            problems
                .push(Diagnostic::error(&errors_table::ODD_ROW, word.span, "a shared table knows no steps").help(
                    "narrow the row by `status`, `code` and `body`, or put it into the playbook's own `before:`",
                ));
        }
        for fix in row.then.iter().chain(&row.otherwise).filter_map(|then| then.fix.as_ref()) {
            problems.push(
                Diagnostic::error(&errors_table::ODD_REPAIR, fix.span, "a shared table knows no steps")
                    .help("put the row into the playbook's own `before:`"),
            );
        }
        names(row, &source, &mut problems);
        unknown_person::of_row(row, project, &mut problems);
        retry::of_row(row, &mut problems);
    }
    errors_reach::alone(&rows, &mut problems);
    let sound = problems.errors() == 0;
    (sound.then_some(table), problems)
}

/// Texts of a shared table know `error`, `run` and `env` only: what every playbook has.
fn names(row: &ErrorRow, source: &Source, problems: &mut Diagnostics) {
    for spot in spots::of_error_row(row) {
        for usage in
            spot.names.iter().filter(|u| matches!(u.kind, UseKind::Variable | UseKind::Optional | UseKind::Step))
        {
            let attribute = match usage.path.steps.get(1) {
                Some(Part::Name(name)) => Some(&**name),
                _ => None,
            };
            let (word, known): (&str, &[&str]) = match (usage.path.root(), attribute) {
                ("error", Some(name)) if !ERROR.contains(&name) => (name, ERROR),
                ("run", Some(name)) if !RUN.contains(&name) => (name, RUN),
                ("error" | "run" | "env" | "now", _) => continue,
                (root, _) => (root, &["error", "run", "env"]),
            };
            let at = spot.scalar.inner(source, usage.range.clone());
            problems.push(
                Diagnostic::error(&errors_table::ODD_ROW, at, format!("a shared table does not know `{word}`"))
                    .suggest(word, known.iter().copied()),
            );
        }
    }
}
