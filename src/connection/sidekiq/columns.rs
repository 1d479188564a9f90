//! The columns of jobs: the same for all four tables. One list, for the catalogue of check and for the rows.

use super::settings::TABLES;
use crate::table::catalogue::{Catalogue, Column, Kind, Renewed, Table};
use std::sync::{Arc, LazyLock};

/// What a column is for, as documentation says it.
const COLUMNS: &[(&str, Of, &str)] = &[
    ("jid", Of::Text, "Sidekiq's id of the job: 24 hexadecimal digits"),
    ("job", Of::Text, "the class of the job, not of Sidekiq's wrapper"),
    ("queue", Of::Text, "the queue that it waits in, or goes back to"),
    ("args", Of::Json, "its arguments by place, as a playbook writes them: `{ record: \"Trainee/1\" }`; personal"),
    ("keywords", Of::Json, "its arguments by name; personal"),
    (
        "records",
        Of::Json,
        "every record among the arguments, `Model/id`; a test in `where` asks whether one of them is it",
    ),
    ("subject_type", Of::Text, "the model of the first record"),
    ("subject_id", Of::Other, "the id of the first record: a number where it is one"),
    ("error_class", Of::Text, "the class of the last error"),
    ("error_status", Of::Int, "`status` of the last error, where `error_format` tells it"),
    (
        "error",
        Of::Json,
        "the last error: `class`, `text`, `status`, `body` and what else `error_format` tells apart, each null where it is not there; personal but for `class` and `status`",
    ),
    ("failed_at", Of::Instant, "when it failed first"),
    ("retried_at", Of::Instant, "when it failed last"),
    ("died_at", Of::Instant, "when it was given up (`dead` only)"),
    ("at", Of::Instant, "when it will run (`scheduled` and `retrying` only)"),
    ("enqueued_at", Of::Instant, "when it was put into its queue"),
    ("created_at", Of::Instant, "when it was made"),
    ("retries", Of::Other, "how often Sidekiq may try it again: true, false or a number"),
    ("retry_count", Of::Int, "how often it was tried again; 0 after the first failure"),
    ("executions", Of::Int, "how often ActiveJob itself tried it"),
    ("job_id", Of::Text, "ActiveJob's id of the job"),
    ("payload", Of::Text, "the whole text, as it is in Redis; personal where `args` is"),
    ("payload_hash", Of::Text, "a fingerprint of that text"),
    ("set", Of::Text, "the table that it was found in"),
];

#[derive(Clone, Copy)]
enum Of {
    Text,
    Int,
    Instant,
    Json,
    Other,
}

/// Every name.
pub fn names() -> impl Iterator<Item = &'static str> {
    COLUMNS.iter().map(|(name, ..)| *name)
}

/// Every name with what it is, for the documentation.
pub fn described() -> impl Iterator<Item = (&'static str, &'static str)> {
    COLUMNS.iter().map(|(name, _, what)| (*name, *what))
}

/// The kind of values that a column holds; nothing for an unknown one.
pub fn kind(name: &str) -> Option<Kind> {
    let (.., of, _) = COLUMNS.iter().find(|(known, ..)| *known == name)?;
    Some(match of {
        Of::Text => Kind::Text(None),
        Of::Int => Kind::Int { min: i64::MIN, max: i64::MAX },
        Of::Instant => Kind::Instant,
        Of::Json => Kind::Json,
        Of::Other => Kind::Other,
    })
}

/// The four tables, as a database would say them.
pub fn catalogue() -> Catalogue {
    TABLES.iter().map(|name| (Arc::from(*name), table().clone())).collect()
}

/// One of the four: they are alike.
pub fn table() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(made);
    &TABLE
}

fn made() -> Table {
    let column = |name: &'static str| {
        let kind = kind(name)?;
        let type_name = match kind {
            Kind::Text(_) => "text",
            Kind::Int { .. } => "int",
            Kind::Instant => "moment",
            Kind::Json => "json",
            _ => "any",
        };
        let name: Arc<str> = name.into();
        Some((
            name.clone(),
            Column {
                name,
                type_name: type_name.into(),
                kind,
                nullable: true,
                has_default: false,
                generated: false,
                numbered: false,
                renewed: Renewed::Never,
                invisible: false,
            },
        ))
    };
    Table { columns: names().filter_map(column).collect(), primary_key: vec!["jid".into()], ..Table::default() }
}
