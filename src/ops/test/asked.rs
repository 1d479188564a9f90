//! A case that asks an errors table what an error means: nothing is set up, and nothing is run.

use super::{Opening, happened::words};
use crate::{
    engine::reached::Spot,
    ops::{Surroundings, diagnose},
    playbook::{
        diagnosis::Diagnosis,
        errors::{Then, Verdict},
    },
    template::{Scope, Text},
    trial::{expect::Expect, model::Case, report::Problem},
};
use std::collections::BTreeSet;

/// What is not as expected, and the row that decided.
pub(super) fn ask(
    surroundings: &Surroundings,
    opening: &Opening,
    case: &Case,
    error: &str,
) -> (Vec<Problem>, BTreeSet<Spot>) {
    match diagnose::diagnose(surroundings, &opening.opened, opening.file.name(), None, error) {
        Ok(diagnosis) => {
            let spots = diagnosis.decides.map(Spot::Error).into_iter().collect();
            (compare(&case.expect, &diagnosis), spots)
        }
        Err(failure) => {
            let problem = Problem::new("the case cannot be played", "an errors table", words(&failure).join("\n"));
            (vec![problem], BTreeSet::new())
        }
    }
}

fn compare(expect: &Expect, diagnosis: &Diagnosis) -> Vec<Problem> {
    let mut problems = Vec::new();
    let row = diagnosis.decides.and_then(|at| diagnosis.rows.get(at)).map(|judged| &judged.row);
    let name = row.map_or("none", |row| row.name.as_ref().map_or("a row without a name", |name| name.as_str()));
    if let Some(wanted) = expect.row.as_ref().filter(|wanted| wanted.as_str() != name) {
        problems.push(Problem::new("row that decides", wanted.as_str(), name));
    }
    let then = row.and_then(|row| row.then.as_ref().or(row.otherwise.as_ref()));
    let word = then.map_or("nothing", |then| then.verdict.word());
    if let Some(wanted) = expect.then.as_ref().filter(|wanted| wanted.as_str() != word) {
        problems.push(Problem::new("what it does", wanted.as_str(), word));
    }
    let who = then.and_then(who);
    if let Some(wanted) = expect.to.as_ref().filter(|wanted| who != Some(wanted.as_str())) {
        problems.push(Problem::new("escalated to", wanted.as_str(), who.unwrap_or("nobody")));
    }
    let said = then.and_then(message).map_or(String::new(), |text| said(text, diagnosis));
    if let Some(message) = expect.message.as_ref().filter(|message| !message.holds(&said)) {
        let found = if said.is_empty() { "nothing" } else { &said };
        problems.push(Problem::new("message", message.words(), found));
    }
    problems
}

/// To whom; of a retry, when it did not help.
fn who(then: &Then) -> Option<&str> {
    match &then.verdict {
        Verdict::Escalate(who, _) => Some(who.as_str()),
        Verdict::Retry(retry) => who(retry.exhausted.as_ref()?),
        _ => None,
    }
}

fn message(then: &Then) -> Option<&Text> {
    match &then.verdict {
        Verdict::Escalate(_, text) => Some(text),
        Verdict::Stop(text) | Verdict::Skip(text) | Verdict::Fail(text) => text.as_ref(),
        Verdict::Retry(retry) => message(retry.exhausted.as_ref()?),
        Verdict::Accept => None,
    }
}

/// Without a run only the error is known: a message that says more stays as it is written.
fn said(text: &Text, diagnosis: &Diagnosis) -> String {
    let scope = Scope::new().with("error", diagnosis.error_value());
    text.evaluate(&scope).map_or_else(|_| text.scalar().text.to_string(), |made| made.value.bare().into_owned())
}
