//! `*.errors.yaml`: a decision table that several playbooks share. It stands in the text of each playbook that uses it, so that a
//! run carries it.

use super::{
    errors::{ErrorRow, OneOrMore},
    model::{self, Language},
};
use crate::{
    base::{
        diagnostic::Diagnostics,
        shape::{Lowering, Word},
        source::Source,
        yaml,
    },
    shape,
};
use std::sync::Arc;

shape! {
    /// What the failures of an API mean and what to do about them, for every playbook that says `errors: { use: … }`.
    "an errors table" pub struct ErrorTable {
        /// Version of the language: `v1`.
        trueup: Language,
        /// Equals the file's path below the playbook folder, without `.errors.yaml`: `register/dqt-errors`.
        table: Word,
        /// One line that a person would say.
        title: Option<Word>,
        /// What one should know before.
        description: Option<Word>,
        /// The connection whose failures it describes: its `error_code` says what `code:` means. Its rows fit no other API's failures.
        api: Option<Word>,
        /// The rows; the first one that fits decides.
        rows as "errors": Vec<ErrorRow>,
    }
}

/// How the files are named.
pub const SUFFIX: &str = ".errors.yaml";

/// A table that a playbook names.
pub(super) enum Found {
    /// It stands in the playbook's text.
    Table(Box<ErrorTable>),
    /// It does, but not in a readable form; that was reported.
    Unreadable,
    /// It does not.
    Nothing,
}

/// The table of this name among the files that the text includes.
pub(super) fn included(name: &Word, cx: &mut Lowering<'_>) -> Found {
    let (source, file) = (cx.source().clone(), format!("{}{SUFFIX}", name.as_str()));
    let named = |shown: &str| shown == file || shown.ends_with(&format!("/{file}"));
    let Some(part) = source.included().iter().find(|part| named(&part.name)) else { return Found::Nothing };
    let mut problems = Diagnostics::new(source.clone());
    let table = yaml::parse_at(&source, part.span, yaml::LIMITS, &mut problems)
        .and_then(|node| model::read::<ErrorTable>(&node, &source, &mut problems));
    problems.sorted().into_iter().for_each(|problem| cx.push(problem.clone()));
    table.map_or(Found::Unreadable, |table| Found::Table(Box::new(table)))
}

impl ErrorTable {
    /// Reads a table's own file. Problems are collected.
    pub fn parse(source: &Arc<Source>, problems: &mut Diagnostics) -> Option<ErrorTable> {
        let node = yaml::parse(source, yaml::LIMITS, problems)?;
        model::read(&node, source, problems)
    }

    /// Its rows, each saying whose failures it is about.
    pub fn rows(self) -> Vec<ErrorRow> {
        let api = self.api.map(|api| OneOrMore(vec![api]));
        let of_api = |row: ErrorRow| match (&row.api, &row.otherwise) {
            (None, None) => ErrorRow { api: api.clone(), ..row },
            _ => row,
        };
        self.rows.into_iter().map(of_api).collect()
    }
}
