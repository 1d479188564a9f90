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
        file), `http` needs an API (`http:`), `command` a program (`command:`).",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&UNKNOWN_CONNECTION, &WRONG_SYSTEM];

/// Looks at every connection that is named.
pub fn look(scene: &Scene<'_>, problems: &mut Diagnostics) {
    for visit in &scene.visits {
        if let Some((name, at)) = connection_of(visit.step) {
            let needed = match visit.step.act {
                Act::Http(_) => Needed::Api,
                Act::Command(_) => Needed::Program,
                _ => Needed::Database,
            };
            named(scene, name, at, needed, problems);
        }
        match &visit.step.act {
            Act::Block(block) => {
                block.transaction.iter().for_each(|db| named(scene, db.as_str(), db.span, Needed::Database, problems))
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

/// What a step needs to speak to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Needed {
    Database,
    Api,
    Program,
}

impl Needed {
    fn of(system: System) -> Needed {
        match system {
            System::Http => Needed::Api,
            System::Program => Needed::Program,
            System::Sqlite | System::Postgres => Needed::Database,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Needed::Database => "a database",
            Needed::Api => "an API",
            Needed::Program => "a program",
        }
    }

    fn help(self) -> &'static str {
        match self {
            Needed::Database => "name a connection with `sqlite:` or `postgres:`",
            Needed::Api => "name a connection with `http:`",
            Needed::Program => "name a connection with `command:`",
        }
    }

    /// The steps that speak to it.
    fn steps(self) -> &'static str {
        match self {
            Needed::Database => "use `find`, `query`, `row` or `sql`",
            Needed::Api => "use an `http` step",
            Needed::Program => "use a `command` step",
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
