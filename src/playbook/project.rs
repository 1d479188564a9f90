//! The project file `trueup.yaml`: environments, people, connections with their tables, audit rules.

use crate::{
    action::resource::ResourceKind,
    base::{
        diagnostic::{Diagnostic, Diagnostics},
        shape::{Length, Named, ONE_OF, Word},
        source::Source,
        value::Value,
        yaml,
    },
    connection::{reference::Setting, settings::Connection},
    effect::change::TableName,
    playbook::{
        approvals::Approvals,
        errors::OneOrMore,
        model::{self, Language},
        schedules::Schedule,
    },
    shape,
    table::{audit::AuditRule, facts::Facts},
    words,
};
use std::sync::Arc;

shape! {
    /// What all playbooks of a team share: where they run, whom they ask, which systems and tables they know.
    "a project file" pub struct Project {
        /// Version of the language: `v1`.
        trueup: Language,
        /// Name of the project.
        project: Word,
        /// Folder of the playbooks, relative to this file. Default `playbooks/`.
        playbooks: Option<Word>,
        /// Where runs are recorded. Default `{ sqlite: .trueup/journal.db }`.
        journal: Option<JournalPlace>,
        /// Who may be asked, told and escalated to.
        #[schemars(default)]
        people: Named<Person>,
        /// Where mails to people are laid down: needed for `by: email`.
        mail: Option<MailFolder>,
        /// Groups of people who may approve, by the names that they give as `--actor`: `leads: [ben, cleo]`.
        #[schemars(default)]
        approvers: Named<OneOrMore<Word>>,
        /// Where playbooks run. The first one is taken when none is named, unless it is protected.
        #[schemars(default)]
        environments: Named<Environment>,
        /// The outside systems by name: the only way out.
        #[schemars(default)]
        connections: Named<Connection>,
        /// How applications keep their own audit.
        #[schemars(default)]
        audits: Named<AuditRule>,
        /// Kinds of things behind an API that have a state, for `resource` steps.
        #[schemars(default)]
        resources: Named<ResourceKind>,
        /// Playbooks that are reconciled at set times: `trueup scheduler`, or `trueup reconcile --due` on a timer.
        #[schemars(default)]
        schedules: Named<Schedule>,
    }
}

shape! {
    /// Where runs are recorded: a file of this machine, or a PostgreSQL database for a team.
    "a journal" pub struct JournalPlace {
        /// A SQLite file, relative to the project file. Default `.trueup/journal.db`.
        sqlite: Option<Word>,
        /// A PostgreSQL database: the name of a connection, an address, or a reference to the secret that holds it. The
        /// tables are in the schema `trueup_journal`.
        postgres: Option<Setting>,
        /// How long `trueup audit purge` keeps what closed runs recorded, when it is not told. Nothing is removed by itself.
        keep: Option<Length>,
    }
}

shape! {
    /// Somebody who can be asked, told or escalated to.
    "a person" pub struct Person {
        /// How messages reach them.
        by: Channel,
        /// A Slack channel, for people to read; the webhook under `to` decides where a message really goes.
        channel: Option<Word>,
        /// Where messages go: a mail address, a file, or a reference to the secret that holds it. The URL of a webhook is a
        /// secret: `{ secret: NAME }`.
        to: Option<Setting>,
    }
}

shape! {
    /// A Maildir in which mails are laid down; the mail program of the house takes them from there and sends them.
    "a mail folder" pub struct MailFolder {
        /// The folder, relative to the project file. It is made when the first mail comes.
        maildir: Word,
        /// The sender's address.
        from: Word,
    }
}

words! {
    "a way to reach somebody"
    pub enum Channel {
        /// Printed by the run; whoever runs it passes it on.
        Hand = "hand",
        /// Appended to a file.
        File = "file",
        /// Posted as JSON to a URL.
        Webhook = "webhook",
        /// Posted to an incoming webhook of Slack, whose URL is the secret under `to`; without one it is printed.
        Slack = "slack",
        /// A mail to the address under `to`, laid down in the Maildir under `mail`; without one it is printed.
        Email = "email",
    }
}

shape! {
    /// One place where playbooks run.
    "an environment" pub struct Environment {
        /// Must be typed out with `--env`; `--yes` is refused.
        protected: Option<bool>,
        /// How many people must agree before a plan is carried out, and who.
        #[schemars(default)]
        approvals: Option<Approvals>,
        /// Values for `env.…` in playbooks.
        #[schemars(default)]
        vars: Named<Value>,
    }
}

/// Where runs are recorded when the project does not say it.
pub const JOURNAL_FILE: &str = ".trueup/journal.db";

impl JournalPlace {
    /// The connection that `postgres:` names; nothing where an address or a secret stands there.
    pub fn connection(&self) -> Option<&str> {
        match self.postgres.as_ref()? {
            Setting::Plain(word) if !word.as_str().contains(':') => Some(word.as_str()),
            _ => None,
        }
    }
}

impl Project {
    /// Reads a project file.
    pub fn parse(source: &Arc<Source>, problems: &mut Diagnostics) -> Option<Project> {
        let node = yaml::parse(source, yaml::LIMITS, problems)?;
        let mut project: Project = model::read(&node, source, problems)?;
        project.connections.entries.iter_mut().for_each(|(_, connection)| connection.declare_jobs());
        for (name, rule) in project.audits.iter() {
            if rule.row.entries.is_empty() {
                problems.push(Diagnostic::error(
                    &ONE_OF,
                    rule.at,
                    format!("the audit rule `{name}` writes no columns"),
                ));
            }
        }
        Some(project)
    }

    /// The facts of a table.
    pub fn facts(&self, table: &TableName) -> Option<&Facts> {
        self.connections.get(&table.connection)?.tables.get(&table.table)
    }

    /// Every declared table.
    pub fn tables(&self) -> impl Iterator<Item = (TableName, &Facts)> {
        self.connections.iter().flat_map(|(connection, c)| {
            c.tables
                .iter()
                .map(move |(table, facts)| (TableName { connection: connection.into(), table: table.into() }, facts))
        })
    }

    /// The environment to run in: the one named, else the first one unless it is protected.
    pub fn environment(&self, name: Option<&str>) -> Result<(&str, Option<&Environment>), String> {
        match name {
            Some(name) => match self.environments.iter().find(|(n, _)| *n == name) {
                Some((name, environment)) => Ok((name, Some(environment))),
                None => {
                    let help = crate::base::suggest::help(name, self.environments.names()).unwrap_or_default();
                    Err(format!("the project file has no environment `{name}`; {help}"))
                }
            },
            None => match self.environments.iter().next() {
                None => Ok(("default", None)),
                Some((name, environment)) if environment.protected == Some(true) => {
                    Err(format!("the first environment, `{name}`, is protected: type it out with `--env {name}`"))
                }
                Some((name, environment)) => Ok((name, Some(environment))),
            },
        }
    }
}
