//! Who must agree to a plan before it is carried out: pure rules over what the plan would do and who agreed so far. Knows
//! nothing of where approvals are kept and by which command they are given.

mod measure;
mod words;

pub use measure::Measured;
pub use words::whom;

use crate::{
    base::shape::Word,
    playbook::{
        approvals::{ApprovalRule, Occasion},
        errors::OneOrMore,
        project::Project,
    },
};

/// So many people must agree, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Demand {
    /// How many.
    pub need: u32,
    /// Who counts: names of groups and all their people. Empty: everybody.
    pub by: Vec<Group>,
    /// Why, as a fragment: `medium risk`, `it changes register.trainees`.
    pub because: String,
}

/// A group of people who may approve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Its name under `approvers`.
    pub name: String,
    /// Its people.
    pub people: Vec<String>,
}

/// A demand that is not met yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing<'a> {
    /// The demand.
    pub demand: &'a Demand,
    /// Who counted for it.
    pub has: Vec<String>,
}

/// What the environment demands for a plan that does this. Empty: nobody has to agree.
pub fn demands(project: &Project, environment: &str, measured: &Measured) -> Vec<Demand> {
    let Some(approvals) = project.environments.get(environment).and_then(|e| e.approvals.as_ref()) else {
        return Vec::new();
    };
    let base = Demand {
        need: approvals.need(measured.risk),
        by: groups(project, approvals.by.as_ref()),
        because: format!("{} risk", measured.risk.word()),
    };
    let rules = approvals.rules.iter().filter_map(|rule| of_rule(project, rule, measured));
    std::iter::once(base).chain(rules).filter(|demand| demand.need > 0).collect()
}

fn of_rule(project: &Project, rule: &ApprovalRule, measured: &Measured) -> Option<Demand> {
    let because = occasion(&rule.when, measured)?;
    let need = rule.need.as_ref().map_or(1, |need| need.value);
    Some(Demand { need, by: groups(project, rule.by.as_ref()), because })
}

/// Why the occasion is given, or nothing when it is not.
fn occasion(when: &Occasion, measured: &Measured) -> Option<String> {
    let mut because = Vec::new();
    if let Some(most) = when.rows_over {
        because.push(measured.more_rows_than(most)?);
    }
    if let Some(tables) = &when.table {
        because.push(tables.0.iter().find_map(|word| measured.changes_table(word.as_str()))?);
    }
    if when.irreversible.as_ref().is_some_and(|word| word.value) {
        because.push(measured.cannot_be_taken_back()?);
    }
    if let Some(risks) = &when.risk {
        because.push(risks.0.contains(&measured.risk).then(|| format!("{} risk", measured.risk.word()))?);
    }
    (!because.is_empty()).then(|| because.join(", and "))
}

fn groups(project: &Project, by: Option<&OneOrMore<Word>>) -> Vec<Group> {
    let group = |word: &Word| Group {
        name: word.text.to_string(),
        // A name that no group has, which `check` refuses, is nobody: it must never count as everybody.
        people: project
            .approvers
            .get(word.as_str())
            .map_or_else(Vec::new, |people| people.0.iter().map(|person| person.text.to_string()).collect()),
    };
    by.iter().flat_map(|by| &by.0).map(group).collect()
}

/// The demands that these approvals do not meet. Who asked for the plan never counts, and nobody counts twice.
pub fn missing<'a>(demands: &'a [Demand], requester: &str, approvers: &[String]) -> Vec<Missing<'a>> {
    let mut different: Vec<&String> = Vec::new();
    for approver in approvers {
        if !same_person(approver, requester) && !different.iter().any(|known| same_person(known, approver)) {
            different.push(approver);
        }
    }
    let open = demands.iter().filter_map(|demand| {
        let has: Vec<String> =
            different.iter().filter(|name| demand.counts(name)).map(|name| (*name).clone()).collect();
        (has.len() < demand.need as usize).then_some(Missing { demand, has })
    });
    open.collect()
}

impl Demand {
    /// Whether this person's approval counts.
    pub fn counts(&self, person: &str) -> bool {
        self.by.is_empty() || self.by.iter().flat_map(|group| &group.people).any(|known| same_person(known, person))
    }
}

/// Names are compared without regard to case and outer blanks: `Ben` does not approve what `ben` asked for.
pub fn same_person(one: &str, other: &str) -> bool {
    one.trim().to_lowercase() == other.trim().to_lowercase()
}
