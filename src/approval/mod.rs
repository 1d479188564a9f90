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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        base::{diagnostic::Diagnostics, source::Source},
        effect::change::TableName,
        plan::Counts,
        playbook::model::Risk,
    };

    fn project(approvals: &str) -> Project {
        let text = format!(
            "trueup: v1\nproject: p\napprovers: {{ leads: [ben, cleo], dba: dan }}\nenvironments:\n  live: {{ approvals: {approvals} }}\n  free: {{}}\n\
             connections:\n  shop: {{ sqlite: {{ path: a.db }}, tables: {{ things: {{ key: id }}, owners: {{ key: id }} }} }}\n"
        );
        let source = Source::new("trueup.yaml", text);
        let mut problems = Diagnostics::new(source.clone());
        let project = Project::parse(&source, &mut problems);
        crate::check::check_project(project.as_ref().unwrap(), &Default::default(), &mut problems);
        assert!(problems.is_empty(), "{:?}", problems.sorted());
        project.unwrap()
    }

    fn measured(risk: Risk, rows: usize, tables: &[&str], untried: usize, irreversible: &[&str]) -> Measured {
        Measured {
            risk,
            counts: Counts::default(),
            rows,
            tables: tables.iter().map(|table| TableName::parse(table).unwrap()).collect(),
            perhaps: if untried > 0 { [TableName::parse("shop.owners").unwrap()].into() } else { Default::default() },
            untried,
            irreversible: irreversible.iter().map(|name| (*name).to_owned()).collect(),
        }
    }

    fn words(project: &Project, measured: &Measured) -> Vec<String> {
        demands(project, "live", measured).iter().map(Demand::words).collect()
    }

    #[test]
    fn the_risk_says_how_many_and_nobody_is_asked_where_nothing_is_said() {
        let project = project("{ low: 0, medium: 1, high: 2 }");
        let of = |risk| words(&project, &measured(risk, 1, &["shop.things"], 0, &[]));
        assert!(of(Risk::Low).is_empty());
        assert_eq!(of(Risk::Medium), ["1 approval: medium risk"]);
        assert_eq!(of(Risk::High), ["2 approvals: high risk"]);
        let high = measured(Risk::High, 1, &[], 0, &["send"]);
        assert!(demands(&project, "free", &high).is_empty() && demands(&project, "nowhere", &high).is_empty());
    }

    /// Each rule alone, against plans that just fit and that just do not.
    #[test]
    fn a_rule_fits_what_a_plan_does_and_also_what_it_may_do() {
        let plain = measured(Risk::Low, 100, &["shop.things"], 0, &[]);
        let cases: &[(&str, Measured, Option<&str>)] = &[
            ("rows_over: 100", plain.clone(), None),
            ("rows_over: 99", plain.clone(), Some("1 approval: it changes 100 rows, more than 99")),
            (
                "rows_over: 100",
                measured(Risk::Low, 3, &[], 1, &[]),
                Some("1 approval: how many rows it changes is not known, perhaps more than 100"),
            ),
            ("table: shop.things", plain.clone(), Some("1 approval: it changes shop.things")),
            ("table: [shop.owners, shop.things]", plain.clone(), Some("1 approval: it changes shop.things")),
            ("table: shop.owners", plain.clone(), None),
            ("table: shop.owners", measured(Risk::Low, 0, &[], 1, &[]), Some("1 approval: it may change shop.owners")),
            ("irreversible: true", plain.clone(), None),
            (
                "irreversible: true",
                measured(Risk::Low, 0, &[], 0, &["send"]),
                Some("1 approval: `send` cannot be taken back"),
            ),
            (
                "irreversible: true",
                measured(Risk::Low, 0, &[], 0, &["send", "mail"]),
                Some("1 approval: 2 steps cannot be taken back"),
            ),
            ("risk: [medium, high]", plain.clone(), None),
            ("risk: low", plain.clone(), Some("1 approval: low risk")),
            ("rows_over: 99, table: shop.owners", plain.clone(), None),
            (
                "rows_over: 99, table: shop.things",
                plain,
                Some("1 approval: it changes 100 rows, more than 99, and it changes shop.things"),
            ),
        ];
        for (when, measured, expected) in cases {
            let project = project(&format!("{{ rules: [ {{ when: {{ {when} }} }} ] }}"));
            assert_eq!(words(&project, measured).first().map(String::as_str), *expected, "{when}");
        }
    }

    /// Rules × approvers: who is enough, and who is asked next.
    #[test]
    fn an_approval_counts_for_every_demand_that_it_fits_and_never_twice() {
        let rule =
            |need: u32, by: &str| format!("{{ high: 2, rules: [ {{ when: {{ risk: high }}, need: {need}{by} }} ] }}");
        let cases: &[(u32, &str, &[&str], &str)] = &[
            (1, "", &[], "2 people other than anna"),
            (1, "", &["ben"], "somebody other than anna and ben"),
            (1, "", &["anna", "Anna ", "ben"], "somebody other than anna and ben"),
            (1, "", &["ben", "BEN", " ben"], "somebody other than anna and ben"),
            (1, "", &["ben", "zoe"], ""),
            (1, ", by: leads", &[], "ben or cleo, and one more person"),
            (1, ", by: leads", &["zoe"], "ben or cleo"),
            (1, ", by: leads", &["zoe", "yan"], "ben or cleo"),
            (1, ", by: leads", &["ben"], "somebody other than anna and ben"),
            (1, ", by: leads", &["ben", "zoe"], ""),
            (2, ", by: [leads]", &["ben"], "cleo"),
            (2, ", by: [leads]", &["zoe", "yan"], "ben and cleo"),
            (2, ", by: [leads, dba]", &["zoe", "yan"], "2 of ben, cleo and dan"),
            (2, ", by: [leads, dba]", &["dan"], "ben or cleo"),
            (2, ", by: [leads, dba]", &["dan", "cleo"], ""),
            (1, ", by: dba", &["ben", "cleo"], "dan"),
        ];
        for (need, by, approvers, whom_next) in cases {
            let project = project(&rule(*need, by));
            let demands = demands(&project, "live", &measured(Risk::High, 1, &[], 0, &[]));
            assert_eq!(demands.len(), 2);
            let approvers: Vec<String> = approvers.iter().map(|name| (*name).to_owned()).collect();
            let missing = missing(&demands, "anna", &approvers);
            assert_eq!(whom(&missing, "anna"), *whom_next, "{need} {by} {approvers:?}");
            assert_eq!(missing.is_empty(), whom_next.is_empty());
        }
    }

    #[test]
    fn whoever_asks_is_never_asked_even_in_the_group() {
        let project = project("{ rules: [ { when: { risk: low }, by: dba } ] }");
        let demands = demands(&project, "live", &measured(Risk::Low, 1, &[], 0, &[]));
        let missing = missing(&demands, "Dan", &["dan".to_owned()]);
        assert_eq!(missing[0].words(), "1 approval by dba (dan): low risk (none so far)");
        assert!(whom(&missing, "Dan").contains("name more people"), "{}", whom(&missing, "Dan"));
    }

    #[test]
    fn a_group_that_does_not_exist_is_nobody_and_not_everybody() {
        let rule = Demand {
            need: 1,
            by: vec![Group { name: "ghosts".into(), people: Vec::new() }],
            because: "high risk".into(),
        };
        assert_eq!(missing(std::slice::from_ref(&rule), "anna", &["ben".to_owned()]).len(), 1);
    }
}
