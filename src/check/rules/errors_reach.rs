//! The `errors:` table: every row, and every value in it, can be reached. First match wins.

use super::errors_table::has_conditions;
use crate::{
    action::kinds::Act,
    base::{
        diagnostic::{Code, Diagnostic, Diagnostics},
        shape::Word,
        suggest,
    },
    check::scene::{Scene, calls_out},
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

/// One class of failures that no row tells apart: caller, outcome, code, attempt.
type Case = (usize, usize, usize, usize);

/// A call that may fail: the step's name where some row names it, and the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller<'a> {
    /// The step.
    pub step: Option<&'a str>,
    /// The connection; nothing where it is any API that no row names.
    pub api: Option<&'a str>,
    /// It is a program: it has exit codes and no statuses.
    pub program: bool,
}

/// All callers, outcomes, error codes and attempts that matter to the table.
struct Space<'a> {
    callers: Vec<Caller<'a>>,
    outcomes: Vec<Outcome>,
    codes: Vec<Option<&'a str>>,
    /// The first attempt of each stretch that some row begins.
    attempts: Vec<u32>,
}

#[derive(Clone, Copy, PartialEq)]
enum Outcome {
    Kind(FailureKind),
    Status(u16),
    /// Every status of these hundreds that no row names.
    Rest(u16),
    /// A program that ended badly.
    Exit,
}

/// Looks at every row.
pub fn look(scene: &Scene<'_>, problems: &mut Diagnostics) {
    let calls: Vec<_> = scene
        .visits
        .iter()
        .filter(|visit| calls_out(visit.step))
        .filter_map(|visit| {
            let program = matches!(visit.step.act, Act::Command(_));
            Some((visit.step.id(), scene.api_of(visit.step)?, program))
        })
        .collect();
    let errors = &scene.playbook.errors;
    if let (Some(first), true) = (errors.first(), calls.is_empty()) {
        problems.push(
            Diagnostic::error(
                &UNREACHABLE_ROW,
                first.at,
                "no step calls an API or starts a program, so no row can be reached",
            )
            .help("take `errors:` out"),
        );
        return;
    }
    // A row that names a step that calls nothing was reported with the form of the row.
    let sound = |row: &&ErrorRow| {
        row.step.iter().flat_map(|steps| &steps.0).all(|word| calls.iter().any(|(id, ..)| *id == Some(word.as_str())))
    };
    let rows: Vec<&ErrorRow> = errors.iter().filter(sound).collect();
    let mut callers: Vec<Caller<'_>> = Vec::new();
    for (step, api, program) in calls {
        // Only steps that some row names are told apart.
        let step =
            step.filter(|id| rows.iter().any(|row| row.step.iter().flat_map(|s| &s.0).any(|w| w.as_str() == *id)));
        let caller = Caller { step, api: Some(api), program };
        if !callers.contains(&caller) {
            callers.push(caller);
        }
    }
    judge(&rows, callers, problems);
}

/// Looks at the rows of a shared table: any step of any API that it names may call.
pub fn alone(rows: &[ErrorRow], problems: &mut Diagnostics) {
    let rows: Vec<&ErrorRow> = rows.iter().collect();
    let mut callers = vec![Caller { step: None, api: None, program: false }];
    for word in rows.iter().filter_map(|row| row.api.as_ref()).flat_map(|apis| &apis.0) {
        let caller = Caller { step: None, api: Some(word.as_str()), program: false };
        if !callers.contains(&caller) {
            callers.push(caller);
        }
    }
    judge(&rows, callers, problems);
}

fn judge<'a>(rows: &[&'a ErrorRow], callers: Vec<Caller<'a>>, problems: &mut Diagnostics) {
    let rows: Vec<&ErrorRow> = rows.iter().copied().filter(|row| has_conditions(row) && row.then.is_some()).collect();
    let space = Space::of(callers, &rows);
    let all: Vec<Vec<Case>> = rows.iter().map(|row| space.cases(row)).collect();
    for (index, row) in rows.iter().enumerate() {
        let cases = &all[index];
        // A row above decides this one's cases only if it asks nothing of the body or message that this one does not ask too.
        let above: Vec<usize> = (0..index).filter(|other| asks_no_more(rows[*other], row)).collect();
        let taken: BTreeSet<Case> = above.iter().flat_map(|other| all[*other].iter().copied()).collect();
        let problem = |message: String, cases: &[Case]| {
            let deciders = above.iter().filter(|other| all[**other].iter().any(|case| cases.contains(case))).take(20);
            let problem = Diagnostic::error(&UNREACHABLE_ROW, row.at, message);
            deciders.fold(problem, |p, other| p.label(rows[*other].at, "decides it before"))
        };
        if cases.is_empty() {
            let (message, help) = match &row.api {
                Some(apis) if !space.callers.iter().any(|caller| fits_caller(row, *caller)) => (
                    format!("no call fits {}", suggest::list(&apis.0.iter().map(Word::as_str).collect::<Vec<_>>())),
                    "take `api:` out, or the row",
                ),
                _ => (
                    "this cannot happen: only an answered call has a status, a code and a body".to_owned(),
                    "take `kind:` out, or `status:`, `code:` and `body:`",
                ),
            };
            problems.push(Diagnostic::error(&UNREACHABLE_ROW, row.at, message).help(help));
        } else if cases.iter().all(|case| taken.contains(case)) {
            problems.push(problem("this row is never reached".into(), cases).help("move it above, or take it out"));
        } else {
            for (part, cases) in space.parts(row) {
                if !cases.is_empty() && cases.iter().all(|case| taken.contains(case)) {
                    problems.push(
                        problem(format!("the part `{part}` of this row is never reached"), &cases)
                            .help(format!("take `{part}` out of this row, or move the row above")),
                    );
                }
            }
        }
    }
}

/// Whatever fits `row` by body and message fits `other` too.
fn asks_no_more(other: &ErrorRow, row: &ErrorRow) -> bool {
    let body = other
        .body
        .iter()
        .all(|(path, wanted)| row.body.get(path).is_some_and(|own| own.0.iter().all(|value| wanted.0.contains(value))));
    let says = |part: &Word, all: &[Word]| {
        let part = part.as_str().to_lowercase();
        all.iter().any(|word| part.contains(&word.as_str().to_lowercase()))
    };
    let message = other
        .message
        .as_ref()
        .is_none_or(|wanted| row.message.as_ref().is_some_and(|own| own.0.iter().all(|part| says(part, &wanted.0))));
    body && message
}

impl<'a> Space<'a> {
    fn of(callers: Vec<Caller<'a>>, rows: &[&'a ErrorRow]) -> Space<'a> {
        let kinds = [
            FailureKind::Connect,
            FailureKind::Timeout,
            FailureKind::Body,
            FailureKind::Answer,
            FailureKind::Auth,
            FailureKind::NotGranted,
        ];
        let mut outcomes: Vec<Outcome> = kinds.into_iter().map(Outcome::Kind).collect();
        outcomes.extend((1..=5).map(Outcome::Rest));
        outcomes.push(Outcome::Exit);
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
        let mut attempts: Vec<u32> = rows.iter().filter_map(|row| row.attempt).chain([1]).collect();
        attempts.sort_unstable();
        attempts.dedup();
        Space { callers, outcomes, codes, attempts }
    }

    fn cases(&self, row: &ErrorRow) -> Vec<Case> {
        self.filtered(row, |_, _, _| true)
    }

    /// The cases of a row for which more holds.
    fn filtered(&self, row: &ErrorRow, more: impl Fn(Caller<'_>, Outcome, Option<&str>) -> bool) -> Vec<Case> {
        let mut cases = Vec::new();
        for (s, caller) in self.callers.iter().enumerate().filter(|(_, caller)| fits_caller(row, **caller)) {
            let fits = |(_, outcome): &(usize, &Outcome)| comes_to(*caller, **outcome) && fits_outcome(row, **outcome);
            for (o, outcome) in self.outcomes.iter().enumerate().filter(fits) {
                for (c, code) in self.codes.iter().enumerate() {
                    if !fits_code(row, *outcome, *code) || !more(*caller, *outcome, *code) {
                        continue;
                    }
                    let late = |(_, from): &(usize, &u32)| row.attempt.is_none_or(|least| **from >= least);
                    cases.extend(self.attempts.iter().enumerate().filter(late).map(|(a, _)| (s, o, c, a)));
                }
            }
        }
        cases
    }

    /// Each value that the row names, with the cases that it stands for; nothing where it names only one.
    fn parts(&self, row: &ErrorRow) -> Vec<(String, Vec<Case>)> {
        let mut parts = Vec::new();
        for status in row.status.iter().flat_map(|s| &s.0) {
            parts.push((format!("status: {status}"), self.filtered(row, |_, o, _| holds(*status, o))));
        }
        for code in row.code.iter().flat_map(|c| &c.0) {
            parts.push((format!("code: {}", code.0), self.filtered(row, |_, _, c| c == Some(code.0.as_str()))));
        }
        for step in row.step.iter().flat_map(|s| &s.0) {
            let of_step = self.filtered(row, |caller, _, _| caller.step == Some(step.as_str()));
            parts.push((format!("step: {}", step.as_str()), of_step));
        }
        for kind in row.kind.iter().flat_map(|k| &k.0) {
            parts.push((format!("kind: {}", kind.word()), self.filtered(row, |_, o, _| of_kind(*kind, o))));
        }
        parts
    }
}

fn fits_caller(row: &ErrorRow, caller: Caller<'_>) -> bool {
    let named = |words: &Option<crate::playbook::errors::OneOrMore<Word>>, own: Option<&str>| {
        words.as_ref().is_none_or(|words| own.is_some_and(|own| words.0.iter().any(|word| word.as_str() == own)))
    };
    named(&row.step, caller.step) && named(&row.api, caller.api)
}

/// Programs end with exit codes, calls with statuses.
fn comes_to(caller: Caller<'_>, outcome: Outcome) -> bool {
    match outcome {
        Outcome::Kind(FailureKind::Answer | FailureKind::Auth) | Outcome::Status(_) | Outcome::Rest(_) => {
            !caller.program
        }
        Outcome::Exit => caller.program,
        Outcome::Kind(_) => true,
    }
}

fn fits_outcome(row: &ErrorRow, outcome: Outcome) -> bool {
    // Where no answer came, there is no body to look into.
    (row.body.entries.is_empty() || answered(outcome))
        && row.status.as_ref().is_none_or(|statuses| statuses.0.iter().any(|s| holds(*s, outcome)))
        && row.kind.as_ref().is_none_or(|kinds| kinds.0.iter().any(|k| of_kind(*k, outcome)))
}

fn answered(outcome: Outcome) -> bool {
    let silent = [FailureKind::Connect, FailureKind::Timeout, FailureKind::Auth, FailureKind::NotGranted];
    !matches!(outcome, Outcome::Kind(kind) if silent.contains(&kind))
}

/// Only an answer has a code.
fn fits_code(row: &ErrorRow, outcome: Outcome, code: Option<&str>) -> bool {
    let answered = answered(outcome);
    match &row.code {
        Some(codes) => answered && code.is_some_and(|code| codes.0.iter().any(|c| c.0 == code)),
        None => answered || code.is_none(),
    }
}

fn holds(status: Status, outcome: Outcome) -> bool {
    match (status, outcome) {
        (_, Outcome::Kind(_) | Outcome::Exit) => false,
        (Status::Exact(wanted), Outcome::Status(n)) => wanted == n,
        (Status::Exact(_), Outcome::Rest(_)) => false,
        (Status::Class(wanted), Outcome::Status(n)) => n / 100 == wanted,
        (Status::Class(wanted), Outcome::Rest(class)) => wanted == class,
    }
}

fn of_kind(kind: FailureKind, outcome: Outcome) -> bool {
    match outcome {
        Outcome::Kind(other) => kind == other,
        Outcome::Status(_) | Outcome::Rest(_) | Outcome::Exit => kind == FailureKind::Status,
    }
}
