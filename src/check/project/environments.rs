//! Environments: approvals that can be given, overrides for known environments.

use crate::{
    base::{
        diagnostic::{Code, Diagnostic, Diagnostics},
        shape::Word,
        suggest,
    },
    check::knowledge::Knowledge,
    effect::change::TableName,
    playbook::{
        approvals::{ApprovalRule, Approvals},
        errors::OneOrMore,
        project::Project,
    },
};
use std::collections::BTreeSet;

/// A name that nothing has, or approvals that nobody can give.
pub static ENVIRONMENT: Code = Code {
    id: "E0614",
    title: "an environment that does not fit",
    explain: "`approvals:` of an environment says how many people must agree, by risk (`low`, `medium`, `high`) and by `rules:`. Their `by:` \
        names groups that stand under `approvers:`, their `table:` is declared under `connections:`, and a group has at least as many \
        people as are needed of it. `per_environment:` of a connection names environments that stand under `environments:`.",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&ENVIRONMENT];

/// Looks at every environment and every override.
pub fn look(project: &Project, _: &Knowledge, problems: &mut Diagnostics) {
    for (_, environment) in project.environments.iter() {
        if let Some(approvals) = &environment.approvals {
            of_approvals(project, approvals, problems);
        }
    }
    for (word, _) in project.approvers.entries.iter().filter(|(_, group)| group.0.is_empty()) {
        let message = format!("nobody is in the group `{}`", word.as_str());
        problems.push(Diagnostic::error(&ENVIRONMENT, word.span, message).help("name its people: `[ben, cleo]`"));
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

fn of_approvals(project: &Project, approvals: &Approvals, problems: &mut Diagnostics) {
    groups(project, approvals.by.as_ref(), problems);
    let most = [approvals.low, approvals.medium, approvals.high].into_iter().flatten().max().unwrap_or(0);
    enough(project, approvals.by.as_ref(), most, problems);
    for rule in &approvals.rules {
        groups(project, rule.by.as_ref(), problems);
        enough(project, rule.by.as_ref(), rule.need.as_ref().map_or(1, |need| need.value), problems);
        of_rule(project, rule, problems);
    }
}

fn of_rule(project: &Project, rule: &ApprovalRule, problems: &mut Diagnostics) {
    let mut odd = |at, message: &str, help: &str| {
        problems.push(Diagnostic::error(&ENVIRONMENT, at, message.to_owned()).help(help));
    };
    if rule.when.is_empty() {
        odd(
            rule.when.at,
            "the rule says no occasion, so it would fit every plan",
            "say when: `rows_over: 100`, `table: register.trainees`, `irreversible: true` or `risk: high`",
        );
    }
    if let Some(need) = rule.need.as_ref().filter(|need| need.value == 0) {
        odd(need.at, "a rule that needs nobody changes nothing", "leave the rule out: rules only add");
    }
    if let Some(word) = rule.when.irreversible.as_ref().filter(|word| !word.value) {
        odd(word.at, "`irreversible` is true or left out", "leave it out: without it, plans of both kinds fit");
    }
    let known: Vec<String> = project.tables().map(|(table, _)| table.to_string()).collect();
    for word in rule.when.table.iter().flat_map(|tables| &tables.0) {
        if TableName::parse(word.as_str()).and_then(|table| project.facts(&table)).is_none() {
            let message = format!("the table `{}` is not declared", word.as_str());
            let problem = Diagnostic::error(&ENVIRONMENT, word.span, message);
            problems.push(match suggest::help(word.as_str(), known.iter().map(String::as_str)) {
                Some(help) => problem.help(help),
                None => problem.help("tables are declared under `connections: { NAME: { tables: … } }`"),
            });
        }
    }
}

/// Every name under `by` is a group.
fn groups(project: &Project, by: Option<&OneOrMore<Word>>, problems: &mut Diagnostics) {
    for word in by.iter().flat_map(|by| &by.0).filter(|word| project.approvers.get(word.as_str()).is_none()) {
        let message = format!("there is no group `{}` under `approvers`", word.as_str());
        let problem = Diagnostic::error(&ENVIRONMENT, word.span, message);
        problems.push(match project.approvers.names().next() {
            Some(_) => problem.suggest(word.as_str(), project.approvers.names()),
            None => problem
                .help(format!("declare it at the top of the file: `approvers: {{ {}: [ben, cleo] }}`", word.as_str())),
        });
    }
}

/// The groups have as many people as are needed of them.
fn enough(project: &Project, by: Option<&OneOrMore<Word>>, need: u32, problems: &mut Diagnostics) {
    let Some(by) = by else { return };
    let groups: Option<Vec<_>> = by.0.iter().map(|word| project.approvers.get(word.as_str())).collect();
    let (Some(groups), Some(first)) = (groups, by.0.first()) else { return };
    let people: BTreeSet<String> =
        groups.iter().flat_map(|group| &group.0).map(|person| person.as_str().trim().to_lowercase()).collect();
    if !people.is_empty() && people.len() < need as usize {
        let message = format!("{need} of them must agree, but only {} could", people.len());
        problems.push(
            Diagnostic::error(&ENVIRONMENT, first.span, message)
                .help("name more people under `approvers`, or need fewer of them"),
        );
    }
}
