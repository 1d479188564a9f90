//! What a live database must be like: its ledger is there, and a connection has a session of its own.

use crate::{
    base::diagnostic::{Code, Diagnostic, Diagnostics},
    check::knowledge::Knowledge,
    connection::{settings::Connection, survey::Survey},
    playbook::project::Project,
};

/// The project file speaks of a ledger, and there is none.
pub static NO_LEDGER: Code = Code {
    id: "E0615",
    title: "a ledger that is not there",
    explain: "The project file says `ledger: true` for this connection: each change then commits together with a row in the table `trueup_ledger`, \
        so that nothing is done twice, whatever breaks. The database of this environment has no such table, and `apply` refuses there. \
        `trueup connection prepare NAME` makes it, or prints with `--print` what a DBA has to run.",
};
/// Each transaction has another session.
pub static POOLED: Code = Code {
    id: "E0616",
    title: "a pooler that gives each transaction to another session",
    explain: "trueup sets timeouts and the zone on its own session, and prepares statements in it. A pooler in transaction mode hands each \
        transaction to whichever session is free: the settings do not hold, and prepared statements are not found again. Give the connection \
        the address of the server itself, or of the pooler's session mode.",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&NO_LEDGER, &POOLED];

/// Looks at every connection of which something is known.
pub fn look(project: &Project, knowledge: &Knowledge, problems: &mut Diagnostics) {
    for (name, connection) in project.connections.iter() {
        if let Some(survey) = knowledge.surveys.get(name) {
            one(name, connection, survey, problems);
        }
    }
}

fn one(name: &str, connection: &Connection, survey: &Survey, problems: &mut Diagnostics) {
    if let Some(shown) = &survey.pooled {
        let message = format!("a pooler in transaction mode stands before `{name}`: {shown}");
        problems.push(
            Diagnostic::error(&POOLED, connection.at, message)
                .help("use the address of the server itself, or of the pooler's session mode"),
        );
    }
    if connection.ledger == Some(true) && !survey.has_ledger {
        problems.push(
            Diagnostic::error(&NO_LEDGER, connection.at, format!("`{name}` has no table `trueup_ledger` yet"))
                .help(format!("run `trueup connection prepare {name}`")),
        );
    }
}
