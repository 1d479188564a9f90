//! Connections that the project file does not have, and connections of the wrong kind.

use crate::{
    action::kinds::Act,
    base::{
        diagnostic::{Code, Diagnostic, Diagnostics},
        source::Span,
    },
    check::scene::{Scene, System, calls_api, connection_of},
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
        file), `http` needs an API (`http:`).",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&UNKNOWN_CONNECTION, &WRONG_SYSTEM];

/// Looks at every connection that is named.
pub fn look(scene: &Scene<'_>, problems: &mut Diagnostics) {
    for visit in &scene.visits {
        if let Some((name, at)) = connection_of(visit.step) {
            named(scene, name, at, calls_api(visit.step), problems);
        }
        match &visit.step.act {
            Act::Block(block) => {
                block.transaction.iter().for_each(|db| named(scene, db.as_str(), db.span, false, problems))
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

fn named(scene: &Scene<'_>, name: &str, at: Span, api: bool, problems: &mut Diagnostics) {
    match scene.system(name) {
        None => unknown(scene, name, at, problems),
        Some(System::Http) if !api => problems.push(
            Diagnostic::error(&WRONG_SYSTEM, at, format!("`{name}` is an API, not a database"))
                .help("name a connection with `sqlite:` or `postgres:`, or use an `http` step"),
        ),
        Some(System::Sqlite | System::Postgres) if api => problems.push(
            Diagnostic::error(&WRONG_SYSTEM, at, format!("`{name}` is a database, not an API"))
                .help("name a connection with `http:`, or use `find`, `query`, `row` or `sql`"),
        ),
        Some(_) => {}
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
