//! Connections that the project file does not have, and connections of the wrong kind.

use crate::{
    action::kinds::Act,
    base::{
        diagnostic::{Code, Diagnostic, Diagnostics},
        source::Span,
    },
    check::scene::{Scene, System, connection_of},
};

/// No such connection.
pub static UNKNOWN_CONNECTION: Code = Code {
    id: "E0241",
    title: "unknown connection",
    explain: "The only way out of a playbook are the connections of the project file (`trueup.yaml`, under `connections:`). This name is \
        not among them.",
};
/// A database where an API is needed, or the other way round.
pub static WRONG_SYSTEM: Code = Code {
    id: "E0242",
    title: "a connection of another kind",
    explain: "`find`, `query`, `row`, `rows`, `sql` and `block: { transaction }` need a database (`sqlite:` or `postgres:` in the project \
        file), `http` needs an API (`http:`), `command` a program (`command:`), `job` and `tally` background jobs (`sidekiq:`), in which \
        `find` looks as well.",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&UNKNOWN_CONNECTION, &WRONG_SYSTEM];

/// Looks at every connection that is named.
pub fn look(scene: &Scene<'_>, problems: &mut Diagnostics) {
    for visit in &scene.visits {
        if let Some((name, at)) = connection_of(visit.step) {
            let needed = match visit.step.act {
                Act::Http(_) | Act::Resource(_) => Needed::Api,
                Act::Command(_) => Needed::Program,
                _ => Needed::Database,
            };
            if holds_jobs(scene, name) || matches!(visit.step.act, Act::Job(_) | Act::Tally(_)) {
                jobs(scene, &visit.step.act, name, at, problems);
            } else {
                named(scene, name, at, needed, problems);
            }
        }
        match &visit.step.act {
            Act::Block(block) if block.transaction.as_ref().is_some_and(|db| holds_jobs(scene, db.as_str())) => {
                if let Some(db) = &block.transaction {
                    let message = format!("`{}` holds background jobs, and knows no transactions", db.as_str());
                    let help = "each `job` step happens as a whole by itself";
                    problems.push(Diagnostic::error(&WRONG_SYSTEM, db.span, message).help(help));
                }
            }
            Act::Job(job) => {
                for word in job.affects.iter().flatten().filter(|word| scene.connection(word.as_str()).is_none()) {
                    unknown(scene, word.as_str(), word.span, problems);
                }
            }
            Act::Block(block) => {
                block.transaction.iter().for_each(|db| named(scene, db.as_str(), db.span, Needed::Database, problems))
            }
            Act::Http(call) => {
                for word in call.affects.iter().filter(|word| scene.connection(word.as_str()).is_none()) {
                    unknown(scene, word.as_str(), word.span, problems);
                }
            }
            Act::Ask(ask) => {
                for word in ask.affects.iter().flatten().filter(|word| scene.connection(word.as_str()).is_none()) {
                    unknown(scene, word.as_str(), word.span, problems);
                }
            }
            _ => {}
        }
    }
    for (word, _) in scene.playbook.uses.entries.iter().filter(|(word, _)| scene.connection(word.as_str()).is_none()) {
        unknown(scene, word.as_str(), word.span, problems);
    }
}

fn holds_jobs(scene: &Scene<'_>, name: &str) -> bool {
    scene.system(name) == Some(System::Sidekiq)
}

/// A connection of background jobs where something else is needed, or the other way round.
fn jobs(scene: &Scene<'_>, act: &Act, name: &str, at: Span, problems: &mut Diagnostics) {
    let reads = matches!(act, Act::Find(_) | Act::Tally(_) | Act::Job(_));
    let problem = match scene.system(name) {
        None => return unknown(scene, name, at, problems),
        Some(System::Sidekiq) if reads => return,
        Some(System::Sidekiq) => {
            Diagnostic::error(&WRONG_SYSTEM, at, format!("`{name}` holds background jobs, not rows"))
                .help("jobs are read by `find` and `tally`, and changed by `job`")
        }
        Some(_) => Diagnostic::error(&WRONG_SYSTEM, at, format!("`{name}` holds no background jobs"))
            .help("name a connection with `sidekiq:`"),
    };
    problems.push(problem);
}

/// What a step needs to speak to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Needed {
    Database,
    Api,
    Program,
    Jobs,
}

impl Needed {
    fn of(system: System) -> Needed {
        match system {
            System::Http => Needed::Api,
            System::Program => Needed::Program,
            System::Sidekiq => Needed::Jobs,
            System::Sqlite | System::Postgres | System::Mysql => Needed::Database,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Needed::Database => "a database",
            Needed::Api => "an API",
            Needed::Program => "a program",
            Needed::Jobs => "background jobs",
        }
    }

    fn help(self) -> &'static str {
        match self {
            Needed::Database => "name a connection with `sqlite:`, `postgres:` or `mysql:`",
            Needed::Api => "name a connection with `http:`",
            Needed::Program => "name a connection with `command:`",
            Needed::Jobs => "name a connection with `sidekiq:`",
        }
    }

    /// The steps that speak to it.
    fn steps(self) -> &'static str {
        match self {
            Needed::Database => "use `find`, `query`, `row` or `sql`",
            Needed::Api => "use an `http` step",
            Needed::Program => "use a `command` step",
            Needed::Jobs => "use `find`, `tally` or `job`",
        }
    }
}

fn named(scene: &Scene<'_>, name: &str, at: Span, needed: Needed, problems: &mut Diagnostics) {
    let Some(system) = scene.system(name) else { return unknown(scene, name, at, problems) };
    let found = Needed::of(system);
    if found != needed {
        let message = format!("`{name}` is {}, not {}", found.words(), needed.words());
        let help = format!("{}, or {}", needed.help(), found.steps());
        problems.push(Diagnostic::error(&WRONG_SYSTEM, at, message).help(help));
    }
}

fn unknown(scene: &Scene<'_>, name: &str, at: Span, problems: &mut Diagnostics) {
    let mut problem =
        Diagnostic::error(&UNKNOWN_CONNECTION, at, format!("the project file has no connection `{name}`"));
    problem = match scene.project.connections.names().next() {
        Some(_) => problem.suggest(name, scene.project.connections.names()),
        None => problem.help("declare it in `trueup.yaml` under `connections:`"),
    };
    problems.push(problem);
}
