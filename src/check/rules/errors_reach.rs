//! The `errors:` table: every row, and every value in it, can be reached. First match wins.

use super::errors_table::has_conditions;
use crate::{
    base::diagnostic::{Code, Diagnostic, Diagnostics},
    check::scene::{Scene, calls_api},
    playbook::errors::{ErrorRow, FailureKind},
    read::http::Status,
};
use std::collections::BTreeSet;

/// Never looked at.
pub static UNREACHABLE_ROW: Code = Code {
    id: "E0504",
    title: "a row of the errors table that is never reached",
    explain: "The first row that fits decides. All that this row (or the named part of it) stands for is decided by rows above it, or cannot \
        happen: only an answered call has a `status` and a `code`, so they cannot stand beside `kind: timeout`. Move the narrower row \
        up, or take it out.",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&UNREACHABLE_ROW];

/// One class of failures that no row tells apart.
type Case = (usize, usize, usize);

/// All steps, outcomes and error codes that matter to the table.
struct Space<'a> {
    steps: Vec<Option<&'a str>>,
    outcomes: Vec<Outcome>,
    codes: Vec<Option<&'a str>>,
}

#[derive(Clone, Copy, PartialEq)]
enum Outcome {
    Kind(FailureKind),
    Status(u16),
    /// Every status of these hundreds that no row names.
    Rest(u16),
}

/// Looks at every row.
pub fn look(scene: &Scene<'_>, problems: &mut Diagnostics) {
    let rows: Vec<&ErrorRow> =
        scene.playbook.errors.iter().filter(|row| has_conditions(row) && row.then.is_some()).collect();
    if let (Some(first), false) =
        (scene.playbook.errors.first(), scene.visits.iter().any(|v| calls_api(v.step)))
    {
        problems.push(
            Diagnostic::error(&UNREACHABLE_ROW, first.at, "no step calls an API, so no row can be reached")
                .help("take `errors:` out"),
        );
        return;
    }
    let space = Space::of(scene, &rows);
    let mut decided: Vec<(Case, usize)> = Vec::new();
    let mut taken: BTreeSet<Case> = BTreeSet::new();
    for (index, row) in rows.iter().enumerate() {
        if names_no_call(scene, row) {
            continue;
        }
        let cases = space.cases(row);
        let fresh: Vec<Case> = cases.iter().filter(|case| !taken.contains(case)).copied().collect();
        if cases.is_empty() {
            problems.push(
                Diagnostic::error(
                    &UNREACHABLE_ROW,
                    row.at,
                    "this cannot happen: only an answered call has a status and a code",
                )
                .help("take `kind:` out, or `status:` and `code:`"),
            );
        } else if fresh.is_empty() {
            let above = deciders(&cases, &decided);
            let problem = Diagnostic::error(&UNREACHABLE_ROW, row.at, "this row is never reached");
            problems.push(
                above
                    .iter()
                    .fold(problem, |p, at| p.label(rows[*at].at, "decides it before"))
                    .help("move it above, or take it out"),
            );
        } else {
            for (part, cases) in space.parts(row) {
                if !cases.is_empty() && cases.iter().all(|case| taken.contains(case)) {
                    let above = deciders(&cases, &decided);
                    let problem = Diagnostic::error(
                        &UNREACHABLE_ROW,
                        row.at,
                        format!("the part `{part}` of this row is never reached"),
                    );
                    problems.push(
                        above
                            .iter()
                            .fold(problem, |p, at| p.label(rows[*at].at, "decides it before"))
                            .help(format!("take `{part}` out of this row, or move the row above")),
                    );
                }
            }
        }
        decided.extend(fresh.iter().map(|case| (*case, index)));
        taken.extend(fresh);
    }
}

/// The row names a step that calls nothing: reported with the form of the row.
fn names_no_call(scene: &Scene<'_>, row: &ErrorRow) -> bool {
    let calls = |id: &str| scene.step(id).is_some_and(|index| calls_api(scene.visits[index].step));
    row.step.iter().flat_map(|steps| &steps.0).any(|word| !calls(word.as_str()))
}

/// The rows above that decide these cases, the first few.
fn deciders(cases: &[Case], decided: &[(Case, usize)]) -> BTreeSet<usize> {
    decided.iter().filter(|(case, _)| cases.contains(case)).map(|(_, row)| *row).take(200).collect()
}

impl<'a> Space<'a> {
    fn of(scene: &Scene<'a>, rows: &[&'a ErrorRow]) -> Space<'a> {
        let mut steps: Vec<Option<&str>> = Vec::new();
        for visit in scene.visits.iter().filter(|v| calls_api(v.step)) {
            // Only steps that some row names are told apart.
            let named = visit
                .step
                .id()
                .filter(|id| rows.iter().any(|row| row.step.iter().flat_map(|s| &s.0).any(|w| w.as_str() == *id)));
            if !steps.contains(&named) {
                steps.push(named);
            }
        }
        let mut outcomes = vec![
            Outcome::Kind(FailureKind::Connect),
            Outcome::Kind(FailureKind::Timeout),
            Outcome::Kind(FailureKind::Body),
        ];
        outcomes.extend((1..=5).map(Outcome::Rest));
        for status in rows.iter().filter_map(|row| row.status.as_ref()).flat_map(|statuses| &statuses.0) {
            if let Status::Exact(status) = status
                && !outcomes.contains(&Outcome::Status(*status))
            {
                outcomes.push(Outcome::Status(*status));
            }
        }
        let mut codes = vec![None];
        for code in rows.iter().filter_map(|row| row.code.as_ref()).flat_map(|codes| &codes.0) {
            if !codes.contains(&Some(code.0.as_str())) {
                codes.push(Some(code.0.as_str()));
            }
        }
        Space { steps, outcomes, codes }
    }

    fn cases(&self, row: &ErrorRow) -> Vec<Case> {
        self.filtered(|step, outcome, code| {
            fits_step(row, step) && fits_outcome(row, outcome) && fits_code(row, outcome, code)
        })
    }

    fn filtered(&self, fits: impl Fn(Option<&str>, Outcome, Option<&str>) -> bool) -> Vec<Case> {
        let mut cases = Vec::new();
        for (s, step) in self.steps.iter().enumerate() {
            for (o, outcome) in self.outcomes.iter().enumerate() {
                for (c, code) in self.codes.iter().enumerate() {
                    if fits(*step, *outcome, *code) {
                        cases.push((s, o, c));
                    }
                }
            }
        }
        cases
    }

    /// Each value that the row names, with the cases that it stands for; nothing where it names only one.
    fn parts(&self, row: &ErrorRow) -> Vec<(String, Vec<Case>)> {
        let mut parts = Vec::new();
        let rest = |step: Option<&str>, outcome, code: Option<&str>| {
            fits_step(row, step) && fits_outcome(row, outcome) && fits_code(row, outcome, code)
        };
        for status in row.status.iter().flat_map(|s| &s.0) {
            let word = match status {
                Status::Exact(n) => format!("status: {n}"),
                Status::Class(n) => format!("status: {n}xx"),
            };
            parts.push((word, self.filtered(|s, o, c| holds(*status, o) && rest(s, o, c))));
        }
        for code in row.code.iter().flat_map(|c| &c.0) {
            parts.push((
                format!("code: {}", code.0),
                self.filtered(|s, o, c| c == Some(code.0.as_str()) && rest(s, o, c)),
            ));
        }
        for step in row.step.iter().flat_map(|s| &s.0) {
            parts.push((
                format!("step: {}", step.as_str()),
                self.filtered(|s, o, c| s == Some(step.as_str()) && rest(s, o, c)),
            ));
        }
        for kind in row.kind.iter().flat_map(|k| &k.0) {
            parts.push((format!("kind: {}", kind.word()), self.filtered(|s, o, c| of_kind(*kind, o) && rest(s, o, c))));
        }
        parts
    }
}

fn fits_step(row: &ErrorRow, step: Option<&str>) -> bool {
    row.step.as_ref().is_none_or(|steps| step.is_some_and(|step| steps.0.iter().any(|w| w.as_str() == step)))
}

fn fits_outcome(row: &ErrorRow, outcome: Outcome) -> bool {
    row.status.as_ref().is_none_or(|statuses| statuses.0.iter().any(|s| holds(*s, outcome)))
        && row.kind.as_ref().is_none_or(|kinds| kinds.0.iter().any(|k| of_kind(*k, outcome)))
}

/// Only an answer has a code.
fn fits_code(row: &ErrorRow, outcome: Outcome, code: Option<&str>) -> bool {
    let answered = !matches!(outcome, Outcome::Kind(FailureKind::Connect | FailureKind::Timeout));
    match &row.code {
        Some(codes) => answered && code.is_some_and(|code| codes.0.iter().any(|c| c.0 == code)),
        None => answered || code.is_none(),
    }
}

fn holds(status: Status, outcome: Outcome) -> bool {
    match (status, outcome) {
        (_, Outcome::Kind(_)) => false,
        (Status::Exact(wanted), Outcome::Status(n)) => wanted == n,
        (Status::Exact(_), Outcome::Rest(_)) => false,
        (Status::Class(wanted), Outcome::Status(n)) => n / 100 == wanted,
        (Status::Class(wanted), Outcome::Rest(class)) => wanted == class,
    }
}

fn of_kind(kind: FailureKind, outcome: Outcome) -> bool {
    match outcome {
        Outcome::Kind(other) => kind == other,
        Outcome::Status(_) | Outcome::Rest(_) => kind == FailureKind::Status,
    }
}
