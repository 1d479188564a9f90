//! The rows of a decision table: each names facts that are there, leads somewhere, and can be reached.

use crate::{
    action::{
        choose::{Choice, ChooseRow, ChooseSpec, OTHERWISE},
        kinds::Act,
    },
    base::{
        diagnostic::{Code, Diagnostic, Diagnostics},
        value::Value,
    },
    check::scene::Scene,
    read::facts,
    template::Scope,
};
use std::collections::HashSet;

/// A row that does not fit.
pub static ODD_CHOICE: Code = Code {
    id: "E0335",
    title: "a decision table that does not fit together",
    explain: "A `choose` names its facts under `match:`. A row has a name of its own, says under `is:` which facts must be how (values, not expressions; \
        what is computed stands under `when:`), and leads with `do:` to an arm under `paths:` or to an end. Every arm is used.",
};
/// A row that is never reached.
pub static UNREACHABLE_CHOICE: Code = Code {
    id: "E0336",
    title: "a row of a decision table that is never reached",
    explain: "The first row that fits decides. A row above, without a `when:` of its own, fits wherever this one does. Move the narrower row up, or take it \
        out.",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&ODD_CHOICE, &UNREACHABLE_CHOICE];

/// Looks at every decision table.
pub fn look(scene: &Scene<'_>, problems: &mut Diagnostics) {
    for visit in &scene.visits {
        if let Act::Choose(choose) = &visit.step.act {
            rows(choose, problems);
            arms(choose, problems);
            reached(choose, problems);
        }
    }
}

fn rows(choose: &ChooseSpec, problems: &mut Diagnostics) {
    let mut seen = HashSet::new();
    for row in &choose.rows {
        if row.name.as_str() == OTHERWISE || !seen.insert(row.name.as_str()) {
            let message = format!("another row is called `{}` already", row.name.as_str());
            problems.push(Diagnostic::error(&ODD_CHOICE, row.name.span, message).help("give it another name"));
        }
        if row.is.entries.is_empty() && row.when.is_none() {
            problems.push(
                Diagnostic::error(&ODD_CHOICE, row.at, "a row without conditions fits always")
                    .help("say which facts must be how under `is:`, or write it as `otherwise:`"),
            );
        }
        for (word, datum) in &row.is.entries {
            if choose.facts.get(word.as_str()).is_none() {
                let message = format!("`match` names no fact `{}`", word.as_str());
                problems.push(
                    Diagnostic::error(&ODD_CHOICE, word.span, message).suggest(word.as_str(), choose.facts.names()),
                );
            }
            if datum.tree.names().next().is_some() {
                problems.push(
                    Diagnostic::error(
                        &ODD_CHOICE,
                        datum.span(),
                        "a row compares a fact with a value, not with an expression",
                    )
                    .help("write the expression under `when:`"),
                );
            }
        }
    }
}

fn arms(choose: &ChooseSpec, problems: &mut Diagnostics) {
    let mut used: HashSet<&str> = HashSet::new();
    for (_, choice) in choose.choices() {
        let Choice::Arm(arm) = choice else { continue };
        used.insert(arm.as_str());
        if choose.arm(arm.as_str()).is_none() {
            let problem = Diagnostic::error(&ODD_CHOICE, arm.span, format!("there is no arm `{}`", arm.as_str()));
            problems.push(problem.suggest(arm.as_str(), choose.paths.names()));
        }
    }
    for (_, steps) in choose.paths.iter() {
        if let Some(Act::Use(next)) = steps.last().map(|step| &step.act) {
            used.insert(next.as_str());
        }
    }
    for (word, steps) in &choose.paths.entries {
        if !used.contains(word.as_str()) {
            let message = format!("no row leads to the arm `{}`", word.as_str());
            problems.push(Diagnostic::error(&ODD_CHOICE, word.span, message).help("take it out, or let a row `do` it"));
        }
        if steps.is_empty() {
            let message = format!("the arm `{}` has no steps", word.as_str());
            problems.push(
                Diagnostic::error(&ODD_CHOICE, word.span, message)
                    .help("where nothing is to be done, let the row end: `do: { done: … }`"),
            );
        }
    }
}

fn reached(choose: &ChooseSpec, problems: &mut Diagnostics) {
    for (index, row) in choose.rows.iter().enumerate() {
        let Some(above) = choose.rows[..index].iter().find(|above| covers(above, row)) else { continue };
        problems.push(
            Diagnostic::error(&UNREACHABLE_CHOICE, row.at, format!("the row `{}` is never reached", row.name.as_str()))
                .label(above.at, "decides it before")
                .help("move it above, or take it out"),
        );
    }
}

/// Wherever the lower row fits, the upper one does.
fn covers(above: &ChooseRow, row: &ChooseRow) -> bool {
    let same_when = |a: &crate::template::Expression| {
        row.when.as_ref().is_some_and(|b| a.scalar().text.trim() == b.scalar().text.trim())
    };
    if above.is.entries.is_empty() || above.when.as_ref().is_some_and(|when| !same_when(when)) {
        return false;
    }
    let constant = |datum: &crate::template::Datum| datum.evaluate(&Scope::new()).ok().map(|e| e.value);
    above.is.iter().all(|(name, wanted)| {
        let both = row.is.get(name).and_then(constant).zip(constant(wanted));
        both.is_some_and(|(narrow, wide)| is_within(&narrow, &wide))
    })
}

/// Every fact that fits `narrow` fits `wide`.
fn is_within(narrow: &Value, wide: &Value) -> bool {
    match narrow.as_list() {
        Some(one_of) if !one_of.is_empty() => one_of.iter().all(|one| is_within(one, wide)),
        _ => facts::fits(narrow, wide),
    }
}
