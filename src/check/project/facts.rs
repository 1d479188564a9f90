//! Facts about tables: they agree with themselves, and with the catalogue when it is known.

use crate::{
    base::{
        diagnostic::{Code, Diagnostic, Diagnostics},
        shape::Word,
    },
    check::knowledge::Knowledge,
    effect::change::TableName,
    playbook::project::Project,
    table::{
        catalogue::Table,
        facts::{AuditUse, Facts},
    },
};

/// Facts that cannot be true.
pub static FACTS: Code = Code {
    id: "E0612",
    title: "facts about a table that cannot be true",
    explain: "What the project file says of a table contradicts itself or the database: a column that the table does not have, two names for \
        one stored value, `rehearse: false` without `because:`. Every playbook relies on these facts, so they are checked with \
        every playbook. `trueup connection inspect NAME` prints what the database says.",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&FACTS];

/// Looks at every table.
pub fn look(project: &Project, knowledge: &Knowledge, problems: &mut Diagnostics) {
    for (table, facts) in project.tables() {
        if facts.rehearse == Some(false) && facts.because.is_none() {
            problems.push(
                Diagnostic::error(&FACTS, facts.place(), format!("`{table}` says `rehearse: false` without a reason"))
                    .help("add `because: \"why a dry-run may not really execute its changes\"`"),
            );
        }
        enums(facts, problems);
        if let Some(catalogue) = knowledge.catalogues.get(&table.connection) {
            match catalogue.get(&table.table) {
                Some(known) => columns(&table, facts, known, problems),
                None => problems.push(
                    Diagnostic::error(
                        &FACTS,
                        facts.place(),
                        format!("the database `{}` has no table `{}`", table.connection, table.table),
                    )
                    .suggest(&table.table, catalogue.keys().map(|name| &**name)),
                ),
            }
        }
    }
}

fn enums(facts: &Facts, problems: &mut Diagnostics) {
    for (column, names) in facts.enums.iter().map(|(column, names)| (column, &names.names)) {
        for (index, (word, stored)) in names.entries.iter().enumerate() {
            if let Some((first, _)) = names.entries[..index].iter().find(|(_, other)| other == stored) {
                problems.push(
                    Diagnostic::error(
                        &FACTS,
                        word.span,
                        format!(
                            "`{}` and `{}` of `{column}` are both stored as {}",
                            first.as_str(),
                            word.as_str(),
                            stored.shown()
                        ),
                    )
                    .label(first.span, "the same stored value")
                    .help("each stored value has one name"),
                );
            }
        }
    }
}

fn columns(table: &TableName, facts: &Facts, known: &Table, problems: &mut Diagnostics) {
    let mut named: Vec<&Word> = facts.key.0.iter().chain(facts.unique.iter().flat_map(|c| &c.0)).collect();
    named.extend(facts.personal.iter().chain(&facts.generated).chain(&facts.read_only).chain(&facts.soft_delete));
    named.extend(facts.updated_at.iter().filter(|word| word.as_str() != "by_hand"));
    named.extend(facts.json.entries.iter().map(|(word, _)| word));
    named.extend(facts.enums.entries.iter().map(|(word, _)| word));
    if let Some(AuditUse::Rule(rule)) = &facts.audit {
        named.extend(rule.associated.iter().map(|a| &a.id));
    }
    for word in named.into_iter().filter(|word| known.column(word.as_str()).is_none()) {
        problems.push(
            Diagnostic::error(&FACTS, word.span, format!("`{table}` has no column `{}`", word.as_str()))
                .suggest(word.as_str(), known.columns.keys().map(|c| &**c)),
        );
    }
}
