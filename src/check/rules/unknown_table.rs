//! Tables that the project file does not declare, or the database does not have.

use crate::{
    action::{kinds::Act, resource::ResourceKind},
    base::{
        diagnostic::{Code, Diagnostic, Diagnostics},
        shape::Word,
        source::Span,
        suggest,
    },
    check::scene::Scene,
    connection::sidekiq::Place,
    effect::change::TableName,
};

/// No such table.
pub static UNKNOWN_TABLE: Code = Code {
    id: "E0243",
    title: "unknown table",
    explain: "`find`, `row` and `rows` work on tables that the project file declares under `connections: { NAME: { tables: … } }`, because \
        key, enum names, personal columns and the audit rule must be known. Tables are written `connection.table`. A `query` \
        may read any table.\n\n\
        `trueup connection inspect NAME` prints the facts of a database's tables, ready to be pasted.",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&UNKNOWN_TABLE];

/// Looks at every table that is named.
pub fn look(scene: &Scene<'_>, problems: &mut Diagnostics) {
    let names = scene.table_names();
    for visit in &scene.visits {
        let word = match &visit.step.act {
            Act::Find(find) => Some(&find.table),
            Act::Rows(rows) => Some(&rows.table),
            Act::Row(row) => row.table.as_ref(),
            Act::Query(query) => query.of_table.as_ref(),
            _ => None,
        };
        if let Act::Tally(tally) = &visit.step.act {
            tally.tables.iter().for_each(|word| declared(scene, word, &names, problems));
        }
        if let Some(word) = word {
            declared(scene, word, &names, problems);
        }
    }
    // A statement that could not be read might use it.
    if scene.named.is_empty() {
        granted(scene, problems);
    }
}

fn declared(scene: &Scene<'_>, word: &Word, names: &[String], problems: &mut Diagnostics) {
    let text = word.as_str();
    let Some(table) = TableName::parse(text) else {
        let problem = Diagnostic::error(&UNKNOWN_TABLE, word.span, format!("`{text}` is not `connection.table`"));
        let full = names.iter().find(|name| name.split_once('.').is_some_and(|(_, table)| table == text));
        problems.push(match full {
            Some(full) => problem.help(format!("write `{full}`")),
            None => problem.suggest(text, names.iter().map(String::as_str)),
        });
        return;
    };
    // An unknown connection is reported by its own rule.
    if scene.connection(&table.connection).is_none() {
        return;
    }
    let at = Span::new(word.span.end.saturating_sub(table.table.len()), word.span.end);
    let at = if scene.source.slice(at) == &*table.table { at } else { word.span };
    if scene.facts(&table).is_none() {
        let known: Vec<&str> = scene.connection(&table.connection).into_iter().flat_map(|c| c.tables.names()).collect();
        let problem = Diagnostic::error(
            &UNKNOWN_TABLE,
            at,
            format!("the project file declares no table `{}` in `{}`", table.table, table.connection),
        );
        problems.push(near_or_declare(problem, &table.table, known, &table.connection));
    } else if let Some(catalogue) = scene.knowledge.catalogues.get(&table.connection)
        && !catalogue.contains_key(&table.table)
    {
        let problem = Diagnostic::error(
            &UNKNOWN_TABLE,
            at,
            format!("the database `{}` has no table `{}`", table.connection, table.table),
        );
        problems.push(problem.suggest(&table.table, catalogue.keys().map(|name| &**name)));
    }
}

fn near_or_declare(problem: Diagnostic, word: &str, known: Vec<&str>, connection: &str) -> Diagnostic {
    match suggest::nearest(word, known.iter().copied()) {
        None if !known.is_empty() && known.iter().all(|table| Place::of(table).is_some()) => {
            problem.help(format!("background jobs are in {}", suggest::list(&known)))
        }
        Some(near) => problem.help(format!("did you mean `{near}`?")),
        None => problem.help(format!(
            "declare it in the project file under `connections: {{ {connection}: {{ tables: {{ \
            {word}: {{ key: id }} }} }} }}`"
        )),
    }
}

/// A grant must name a table that is declared, or that a statement of this playbook uses.
fn granted(scene: &Scene<'_>, problems: &mut Diagnostics) {
    for (connection, grant) in &scene.playbook.uses.entries {
        let Some(declared) = scene.connection(connection.as_str()) else { continue };
        for word in grant.read.iter().chain(&grant.write) {
            let name = word.as_str();
            let in_sql = scene
                .visits
                .iter()
                .filter_map(|v| v.sql.as_ref())
                .any(|sql| sql.reads.contains(name) || sql.writes.contains(name));
            // Of an API a playbook may read and write its resources.
            let resource = |of: &(&str, &ResourceKind)| of.1.api.text == connection.text;
            let resources = || scene.project.resources.iter().filter(resource).map(|(name, _)| name);
            let is_resource = resources().any(|known| known == name);
            if declared.http.is_some() && !is_resource {
                let what = format!("the project file declares no resource `{name}` of `{}`", connection.as_str());
                let problem = Diagnostic::error(&UNKNOWN_TABLE, word.span, what);
                problems.push(match resources().next() {
                    Some(_) => problem.suggest(name, resources()),
                    None => problem.help("of an API, name the methods that are sent: `methods: [GET]`"),
                });
            } else if !is_resource && declared.tables.get(name).is_none() && !in_sql {
                let problem = Diagnostic::error(
                    &UNKNOWN_TABLE,
                    word.span,
                    format!("the project file declares no table `{name}` in `{}`", connection.as_str()),
                );
                problems.push(near_or_declare(problem, name, declared.tables.names().collect(), connection.as_str()));
            }
        }
    }
}
