//! What a live database must be like: its ledger is there, and a connection has a session of its own.

use crate::{
    base::diagnostic::{Code, Diagnostic, Diagnostics},
    check::knowledge::Knowledge,
    connection::{settings::Connection, sidekiq, survey::Survey},
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

/// A Redis in which jobs cannot be changed.
pub static UNFIT_REDIS: Code = Code {
    id: "E0617",
    title: "a Redis in which jobs cannot be changed",
    explain: "trueup changes jobs by one script that runs as a whole in Redis. A replica takes no writes, and a Redis before 6.0.6 does not know \
        a command that the script needs (LPOS). Give the connection the address of the primary.",
};
/// A Redis that throws keys away.
pub static EVICTING: Code = Code {
    id: "W0010",
    title: "a Redis that throws keys away when memory is short",
    explain: "Sidekiq needs `maxmemory-policy noeviction`: with any other policy Redis may throw jobs away without a word. trueup's own marks may \
        go as well, by which it finds out whether a change was made whose answer was lost; such a change is then in doubt.",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&NO_LEDGER, &POOLED, &UNFIT_REDIS, &EVICTING];

/// Looks at every connection of which something is known.
pub fn look(project: &Project, knowledge: &Knowledge, problems: &mut Diagnostics) {
    for (name, connection) in project.connections.iter() {
        if let Some(survey) = knowledge.surveys.get(name) {
            one(name, connection, survey, problems);
        }
        if let Some(survey) = knowledge.queues.get(name) {
            jobs(name, connection, survey, problems);
        }
    }
}

fn jobs(name: &str, connection: &Connection, survey: &sidekiq::Survey, problems: &mut Diagnostics) {
    let mut unfit = |message: String| {
        problems.push(
            Diagnostic::error(&UNFIT_REDIS, connection.at, message)
                .help("use the address of the primary, Redis 6.0.6 or later"),
        );
    };
    if survey.replica {
        unfit(format!("the Redis of `{name}` is a replica, which takes no writes"));
    }
    let mut parts = survey.version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    let version = [parts.next(), parts.next(), parts.next()].map(Option::unwrap_or_default);
    if version < [6, 0, 6] && version != [0, 0, 0] {
        unfit(format!("the Redis of `{name}` is version {}, which is too old", survey.version));
    }
    if !survey.eviction.is_empty() && survey.eviction != "noeviction" {
        let message = format!("the Redis of `{name}` throws keys away when memory is short (`{}`)", survey.eviction);
        problems.push(
            Diagnostic::warning(&EVICTING, connection.at, message)
                .help("set `maxmemory-policy noeviction`, as Sidekiq needs it"),
        );
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
