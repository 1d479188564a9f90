//! Environments: approvals by known risks, overrides for known environments.

use crate::{
    base::diagnostic::{Code, Diagnostic, Diagnostics},
    check::knowledge::Knowledge,
    playbook::{model::Risk, project::Project},
};

/// A name that nothing has.
pub static ENVIRONMENT: Code = Code {
    id: "E0614",
    title: "an environment that does not fit",
    explain: "`approvals:` of an environment counts approvers by risk (`low`, `medium`, `high`). `per_environment:` of a connection names \
        environments that stand under `environments:`.",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&ENVIRONMENT];

/// Looks at every environment and every override.
pub fn look(project: &Project, _: &Knowledge, problems: &mut Diagnostics) {
    for (_, environment) in project.environments.iter() {
        for (word, _) in environment.approvals.entries.iter().filter(|(word, _)| Risk::of(word.as_str()).is_none()) {
            problems.push(
                Diagnostic::error(&ENVIRONMENT, word.span, format!("`{}` is not a risk", word.as_str()))
                    .suggest(word.as_str(), Risk::WORDS.iter().copied()),
            );
        }
    }
    for (_, connection) in project.connections.iter() {
        for (word, _) in connection
            .per_environment
            .entries
            .iter()
            .filter(|(word, _)| project.environments.get(word.as_str()).is_none())
        {
            let problem =
                Diagnostic::error(&ENVIRONMENT, word.span, format!("there is no environment `{}`", word.as_str()));
            problems.push(match project.environments.names().next() {
                Some(_) => problem.suggest(word.as_str(), project.environments.names()),
                None => problem.help("declare it under `environments:`"),
            });
        }
    }
}
