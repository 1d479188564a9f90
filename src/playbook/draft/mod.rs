//! A first playbook for one table, with its test: the row is found, looked at, changed, and looked at again.
//!
//! Facts and catalogue in, texts out. Asks nobody and writes no file; what comes out passes every rule.

mod playbook;
mod sample;
mod tables;
mod test;

use crate::{
    playbook::project::Project,
    table::{
        catalogue::{Catalogue, Column, Kind, Table},
        facts::Facts,
    },
};
use sample::Sample;

/// What is wanted.
#[derive(Clone, Debug)]
pub struct Wish {
    /// The playbook's name.
    pub name: String,
    /// What it does, in one line.
    pub title: String,
    /// The connection.
    pub connection: String,
    /// The table.
    pub table: String,
    /// The column by which a person names the row.
    pub by: String,
    /// The columns that are changed.
    pub set: Vec<String>,
    /// Who looks after it.
    pub owner: Option<String>,
    /// `low`, `medium` or `high`.
    pub risk: &'static str,
    /// The environment that the test runs in.
    pub environment: Option<String>,
    /// The schema of playbooks, as seen from the file; nothing where no such file is known.
    pub schema: Option<String>,
}

/// The two texts.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The playbook.
    pub playbook: String,
    /// Its test.
    pub test: String,
}

/// What is known of the table.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// What the project file says.
    pub project: &'a Project,
    /// The table's facts in it.
    pub facts: &'a Facts,
    /// What the database says of all tables.
    pub catalogue: &'a Catalogue,
    /// What it says of this one.
    pub columns: &'a Table,
}

/// Why a column cannot be changed by a first playbook; a sentence fragment after the column's name.
pub fn why_not(known: Known<'_>, column: &Column) -> Option<&'static str> {
    let (facts, name) = (known.facts, &*column.name);
    let is = |words: &[crate::base::shape::Word]| words.iter().any(|word| word.as_str() == name);
    if facts.key.names().any(|key| key == name) {
        return Some("is the key");
    }
    if column.generated || is(&facts.generated) {
        return Some("is computed by the database");
    }
    if is(&facts.read_only) {
        return Some("is read-only in the project file");
    }
    if facts.updated_at.as_ref().is_some_and(|word| word.as_str() == name) {
        return Some("is set by every change");
    }
    if facts.soft_delete.as_ref().is_some_and(|word| word.as_str() == name) {
        return Some("marks discarded rows");
    }
    let takes = kind_of_param(known, column).is_some() && Sample::of(known, column).is_some_and(|s| s.old != s.new);
    (!takes).then_some("holds values that no parameter can give: write such a step by hand")
}

/// The columns by which a person could name a row: unique ones first, the key last.
pub fn names(known: Known<'_>) -> Vec<String> {
    let facts = known.facts;
    let single = |columns: Vec<&str>| (columns.len() == 1).then(|| columns[0].to_owned());
    let mut all: Vec<String> = facts.unique.iter().filter_map(|columns| single(columns.names().collect())).collect();
    all.extend(known.columns.unique.iter().filter_map(|columns| single(columns.iter().map(|c| &**c).collect())));
    all.extend(single(facts.key.names().collect()));
    let mut seen = Vec::new();
    all.retain(|name| {
        let good = known.columns.column(name).is_some_and(|column| kind_of_param(known, column).is_some());
        let new = !seen.contains(name);
        seen.push(name.clone());
        good && new
    });
    all
}

/// The texts of a playbook and its test. The columns are those that [`why_not`] and [`names`] allow.
pub fn draft(wish: &Wish, known: Known<'_>) -> Option<Draft> {
    let by = known.columns.column(&wish.by)?;
    let set: Vec<&Column> = wish.set.iter().map(|name| known.columns.column(name)).collect::<Option<_>>()?;
    let parts = Parts { wish, known, by, set };
    Some(Draft { playbook: parts.playbook()?, test: parts.test()? })
}

/// The tables of a catalogue for SQLite, on which tests run.
pub fn tables(catalogue: &Catalogue) -> String {
    tables::sqlite(catalogue)
}

struct Parts<'a> {
    wish: &'a Wish,
    known: Known<'a>,
    by: &'a Column,
    set: Vec<&'a Column>,
}

impl Parts<'_> {
    /// `trainees` is full of `trainee`s. A word that the language has taken gets a tail.
    fn row(&self) -> String {
        let table = self.wish.table.rsplit('.').next().unwrap_or(&self.wish.table).to_lowercase();
        let one = singular(&table);
        let good = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
        let one: String = one.chars().map(good).collect();
        let taken = crate::action::kinds::words().contains(&one.as_str())
            || ["params", "vars", "env", "run", "item", "self", "error", "now", "after", "loop", "set", "is", "in"]
                .contains(&&*one);
        if taken || !one.starts_with(|c: char| c.is_ascii_alphabetic()) { format!("the_{one}") } else { one }
    }

    /// The parameter for a column: its name, with `new_` where the row is found by the same column.
    fn param(&self, column: &Column) -> String {
        let name = column.name.to_lowercase();
        if column.name == self.by.name && self.set.iter().any(|set| set.name == column.name) {
            return format!("new_{name}");
        }
        name
    }

    fn is_personal(&self, column: &Column) -> bool {
        self.known.facts.personal.iter().any(|word| word.as_str() == &*column.name)
    }

    fn full(&self) -> String {
        format!("{}.{}", self.wish.connection, self.wish.table)
    }
}

/// Of `categories` one is a `category`, of `boxes` a `box`, of `trainees` a `trainee`.
fn singular(table: &str) -> String {
    if let Some(stem) = table.strip_suffix("ies") {
        return format!("{stem}y");
    }
    for end in ["sses", "xes", "ches", "shes"] {
        if let Some(stem) = table.strip_suffix(end) {
            return format!("{stem}{}", &end[..end.len() - 2]);
        }
    }
    match table.strip_suffix('s') {
        Some(stem) if !stem.ends_with(['s', 'u', 'i']) => stem.to_owned(),
        _ => table.to_owned(),
    }
}

/// The type of a parameter that holds a column's values; nothing where no type does.
fn kind_of_param(known: Known<'_>, column: &Column) -> Option<&'static str> {
    if known.facts.enums.get(&column.name).is_some_and(|names| !names.is_unread()) {
        return Some("enum");
    }
    Some(match &column.kind {
        Kind::Bool => "bool",
        Kind::Int { .. } => "int",
        Kind::Decimal(_) => "decimal",
        Kind::Text(_) if &*column.name == "email" => "email",
        Kind::Text(_) => "string",
        Kind::Date => "date",
        Kind::Timestamp | Kind::Instant => "timestamp",
        Kind::Uuid => "uuid",
        Kind::Enum(_) => "enum",
        Kind::Float | Kind::Bytes | Kind::Time | Kind::Json | Kind::Other => return None,
    })
}

/// A scalar in YAML: quotes where it needs some.
fn yaml(text: &str) -> String {
    let plain = !text.is_empty()
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | ' ' | '.' | '/' | '\'' | ','))
        && !text.ends_with(' ')
        && !matches!(text.to_lowercase().as_str(), "true" | "false" | "null" | "yes" | "no" | "on" | "off" | "y" | "n");
    if plain { text.to_owned() } else { format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")) }
}

/// `first_names` as one says it.
fn said(column: &str) -> String {
    column.replace('_', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_many_is_called_as_a_person_would() {
        for (table, one) in [
            ("trainees", "trainee"),
            ("categories", "category"),
            ("boxes", "box"),
            ("addresses", "address"),
            ("status", "status"),
            ("staff", "staff"),
            ("processes", "process"),
        ] {
            assert_eq!(singular(table), one);
        }
        assert_eq!(yaml("yes"), "\"yes\"");
        assert_eq!(yaml("say \"x\": y"), "\"say \\\"x\\\": y\"");
        assert_eq!(yaml("Anna's lamp"), "Anna's lamp");
    }
}
