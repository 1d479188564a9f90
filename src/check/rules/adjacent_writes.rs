//! Two changes of one database next to each other that could be one (decision 5).

use crate::{
    action::kinds::Act,
    base::diagnostic::{Code, Diagnostic, Diagnostics},
    check::scene::{Role, Scene, connection_of, writes},
};

/// Two commits where one would do.
pub static TWO_COMMITS: Code = Code {
    id: "W0004",
    title: "two changes of one database that commit one after the other",
    explain: "Each change commits by itself. If the second one fails, the first stays. When they belong together, put them into one \
        transaction:\n\n\
        ```yaml\n\
        - block:\n\
        \x20   transaction: register\n\
        \x20   steps: [ … ]\n\
        ```",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&TWO_COMMITS];

/// Looks at steps that follow each other in one list.
pub fn look(scene: &Scene<'_>, problems: &mut Diagnostics) {
    let mut before: Option<(usize, Option<usize>, String)> = None;
    let part = |index: usize| &scene.visits[index].part;
    for (index, visit) in scene.visits.iter().enumerate().filter(|(_, v)| v.role == Role::Listed) {
        let database = scene
            .table(visit.step)
            .map(|t| t.connection.to_string())
            .or_else(|| connection_of(visit.step).map(|(name, _)| name.to_owned()));
        // What is sent elsewhere fits into no transaction.
        let is_sent = matches!(visit.step.act, Act::Http(_) | Act::Resource(_) | Act::Job(_) | Act::Command(_));
        let writes_sql = writes(visit.step) && !is_sent && visit.transaction.is_none();
        // A claim must be seen by others at once: a move of a lifecycle is one.
        let claims = matches!(&visit.step.act, Act::Row(row) if row.claim == Some(true));
        let now = database.filter(|_| writes_sql && !claims).map(|database| (index, visit.owner, database));
        if let (Some((first, owner, one)), Some((_, other_owner, other))) = (&before, &now)
            && owner == other_owner
            && part(*first) == part(index)
            && one == other
        {
            problems.push(
                Diagnostic::warning(
                    &TWO_COMMITS,
                    visit.step.act_at,
                    format!("this change of `{one}` and the one before commit one after the other"),
                )
                .label(scene.visits[*first].step.act_at, "the one before")
                .help(format!(
                    "if they belong together, put both into `block: {{ transaction: {one}, steps: [ … ] }}`"
                )),
            );
        }
        before = now;
    }
}
