//! What a live database said to a statement, at its place in the YAML.

use crate::{
    base::diagnostic::{Code, Diagnostic, Diagnostics},
    check::scene::{Scene, sql_of},
};

/// The database refuses it.
pub static REFUSED_BY_DATABASE: Code = Code {
    id: "E0421",
    title: "a statement that the database refuses",
    explain: "`trueup check --env NAME` prepares every statement against the live database, without running it. The database found this \
        mistake: most often a table or column that it does not have, a missing right, or a slip in the SQL.",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&REFUSED_BY_DATABASE];

/// Looks at every statement that was prepared.
pub fn look(scene: &Scene<'_>, problems: &mut Diagnostics) {
    for visit in &scene.visits {
        let Some((connection, sql)) = sql_of(visit.step) else { continue };
        let Some(Err(fault)) = scene.knowledge.prepared.get(&visit.step.act_at) else { continue };
        let at = fault.range.as_ref().map_or(sql.scalar().span, |range| sql.scalar().inner(scene.source, range.clone()));
        let problem = Diagnostic::error(&REFUSED_BY_DATABASE, at, format!("`{}` says: {}", connection.as_str(), fault.message));
        problems.push(fault.hint.iter().fold(problem, |problem, hint| problem.help(hint.as_str())));
    }
}
