//! Where a step that did not go through leads: its own `otherwise`, the `errors` table, or the default of its trouble.

use super::{
    reached::Spot,
    setting::Setting,
    trouble::{CallTrouble, Ending, Trouble},
};
use crate::{
    action::{
        ends::{Otherwise, Way},
        step::Step,
    },
    base::{shape::Word, source::Span, value::Value},
    playbook::{
        errors::{ErrorRow, FailureKind, Retry, Then, Verdict},
        failure::Facts,
    },
    template::{Path, Scope, Step as Part, Text},
};

/// The ending of a step in trouble. `scope` holds the step's own result where there is one.
pub fn ending(step: &Step, trouble: &Trouble, scope: &Scope, setting: &Setting) -> Ending {
    let at = trouble.at().unwrap_or(step.act_at);
    let scope = scope.clone().with("error", error(trouble, &trouble.message(), step));
    if let Some(otherwise) = own(step, trouble, setting) {
        setting.reached.note(Spot::Otherwise(step.act_at.start));
        return of_otherwise(otherwise, trouble, &scope, at);
    }
    if let Trouble::Call(call) = trouble
        && let Some(then) = then(setting, step.id(), call)
        && let Some(ending) = of_verdict(&then.verdict, trouble, &scope, then.at)
    {
        // A row that names what failed was written for it; the last one, for everything else.
        let named = row(setting, step.id(), call).is_some_and(|(_, row)| row.otherwise.is_none());
        let message = if named { ending.message } else { with_cause(ending.message, trouble) };
        return Ending { message, ..ending };
    }
    let way = if matches!(trouble, Trouble::Missed(_)) { Way::Stop } else { Way::Fail };
    Ending { told: None, way, message: sentence(&trouble.message()), who: None, seen: seen(trouble), at }
}

/// The step's `otherwise`, where it decides: of a failed call only when no row of the table names what failed and how that ends.
pub fn own<'s>(step: &'s Step, trouble: &Trouble, setting: &Setting) -> Option<&'s Otherwise> {
    let otherwise = step.common.otherwise.as_ref()?;
    match trouble {
        Trouble::Missed(_) => Some(otherwise),
        Trouble::Call(call) => {
            let row = row(setting, step.id(), call).map(|(_, row)| row);
            (!row.is_some_and(ErrorRow::outranks_step)).then_some(otherwise)
        }
        _ => None,
    }
}

/// What `otherwise` says, with its text filled in.
pub fn of_otherwise(otherwise: &Otherwise, trouble: &Trouble, scope: &Scope, at: Span) -> Ending {
    let say = |reveal: &[Path]| {
        let say = otherwise.say.as_ref();
        say.map_or_else(|| sentence(&trouble.message()), |text| said(text, scope, trouble, reveal))
    };
    let message = with_cause(say(&[]), trouble);
    // What is revealed is told to the person and kept nowhere.
    let told = (!otherwise.reveal.is_empty()).then(|| with_cause(say(&paths(&otherwise.reveal)), trouble));
    Ending {
        told,
        way: otherwise.way,
        message,
        who: otherwise.who.as_ref().map(|w| w.text.clone()),
        seen: seen(trouble),
        at,
    }
}

/// The author's text, and behind it what failed, where the text was written for a thing that is not there: of a service that is away
/// or does not let us in it says what is not so, and the cause would be recorded nowhere.
fn with_cause(text: String, trouble: &Trouble) -> String {
    let Trouble::Call(call) = trouble else { return text };
    let is_told = text.to_lowercase().contains(&call.message.to_lowercase());
    if matches!(call.status, Some(404 | 410)) || call.kind == FailureKind::Answer || is_told {
        return text;
    }
    and(&text, &call.message)
}

/// A text, and another sentence behind it.
pub fn and(text: &str, fragment: &str) -> String {
    let text = text.trim_end();
    let stop = if text.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{text}{stop} {}", sentence(fragment))
}

/// The personal values that the person who is told needs to see.
pub fn paths(reveal: &[Word]) -> Vec<Path> {
    let path = |word: &Word| Path { steps: word.as_str().split('.').map(|part| Part::Name(part.into())).collect() };
    reveal.iter().map(path).collect()
}

/// A text for people; if it cannot be filled in, the trouble itself is told, and that the text could not be.
fn said(text: &Text, scope: &Scope, trouble: &Trouble, revealed: &[Path]) -> String {
    match text.message(scope, revealed) {
        Ok(said) => said,
        Err(failure) => format!(
            "{} (the playbook's own text cannot be filled in: {})",
            sentence(&trouble.message()),
            failure.message
        ),
    }
}

fn of_verdict(verdict: &Verdict, trouble: &Trouble, scope: &Scope, at: Span) -> Option<Ending> {
    let (way, text, who) = match verdict {
        Verdict::Stop(text) => (Way::Stop, text.as_ref(), None),
        Verdict::Skip(text) => (Way::Skip, text.as_ref(), None),
        Verdict::Fail(text) => (Way::Fail, text.as_ref(), None),
        Verdict::Escalate(who, text) => (Way::Escalate, Some(text), Some(who.text.clone())),
        Verdict::Retry(retry) => {
            // Only when all attempts are used up does a retry lead to an end.
            return match &retry.exhausted {
                Some(then) => of_verdict(&then.verdict, trouble, scope, then.at),
                None => Some(Ending {
                    told: None,
                    way: Way::Stop,
                    message: sentence(&trouble.message()),
                    who: None,
                    seen: seen(trouble),
                    at,
                }),
            };
        }
        Verdict::Accept => return None,
    };
    let message = text.map_or_else(|| sentence(&trouble.message()), |text| said(text, scope, trouble, &[]));
    Some(Ending { told: None, way, message, who, seen: seen(trouble), at })
}

/// What the first row of the table that fits a failed call says. That the row was reached is noted for whoever counts.
fn then<'a>(setting: &'a Setting, step: Option<&str>, call: &CallTrouble) -> Option<&'a Then> {
    let (index, row) = row(setting, step, call)?;
    setting.reached.note(Spot::Error(index));
    row.then.as_ref().or(row.otherwise.as_ref())
}

/// The first row that fits.
fn row<'a>(setting: &'a Setting, step: Option<&str>, call: &CallTrouble) -> Option<(usize, &'a ErrorRow)> {
    let body = call.answer.as_ref().and_then(|answer| answer.get("body")).unwrap_or(Value::NULL);
    let facts = Facts {
        step: Some(step),
        api: Some(&call.api),
        status: Some(call.status),
        code: Some(call.code.as_deref()),
        body: &body,
        text: &call.message,
        attempt: Some(call.attempt),
        kind: Some(call.kind),
    };
    setting.playbook.errors.iter().enumerate().find(|(_, row)| row.fits(&facts))
}

/// The retry that the table orders for a failed call. What `uses` does not declare is refused again each time: no row, not even an
/// `otherwise`, has it tried again.
pub fn retry<'a>(setting: &'a Setting, step: Option<&str>, call: &CallTrouble) -> Option<&'a Retry> {
    if call.kind == FailureKind::NotGranted {
        return None;
    }
    match &then(setting, step, call)?.verdict {
        Verdict::Retry(retry) => Some(retry),
        _ => None,
    }
}

/// Whether the table itself says what becomes of the item when its retry has not helped.
pub fn gives_up(setting: &Setting, step: Option<&str>, call: &CallTrouble) -> bool {
    retry(setting, step, call).is_some_and(|retry| retry.exhausted.is_some())
}

/// The step that the table wants done before the call is tried again.
pub fn fix<'a>(setting: &'a Setting, step: Option<&str>, call: &CallTrouble) -> Option<&'a str> {
    then(setting, step, call).filter(|_| call.kind != FailureKind::NotGranted)?.fix.as_ref().map(Word::as_str)
}

/// Whether the table takes the answer for a good one.
pub fn accepted(setting: &Setting, step: Option<&str>, call: &CallTrouble) -> bool {
    call.kind != FailureKind::NotGranted
        && then(setting, step, call).is_some_and(|then| matches!(then.verdict, Verdict::Accept))
}

/// What a `rescue` and an `always` are told of a step that did not go through.
pub fn error(trouble: &Trouble, text: &str, step: &Step) -> Value {
    let named = step.id().map_or(Value::NULL, Value::text);
    let call = if let Trouble::Call(call) = trouble { Some(call) } else { None };
    let body = call.and_then(|call| call.answer.as_ref()?.get("body"));
    Value::map([
        ("text", Value::text(text)),
        ("status", call.and_then(|call| call.status).map_or(Value::NULL, |s| i64::from(s).into())),
        ("code", call.and_then(|call| call.code.as_ref()).map_or(Value::NULL, |c| Value::text(c.as_str()))),
        ("body", body.unwrap_or(Value::NULL)),
        ("step", named),
        ("said", call.and_then(|call| call.said.as_ref()).map_or(Value::NULL, |said| Value::text(said.as_str()))),
    ])
}

fn seen(trouble: &Trouble) -> Vec<(String, String)> {
    match trouble {
        Trouble::Missed(missed) => missed.seen.clone(),
        _ => Vec::new(),
    }
}

/// With a capital and a full stop.
pub fn sentence(fragment: &str) -> String {
    let mut chars = fragment.chars();
    let first: String = chars.next().map(|c| c.to_uppercase().collect()).unwrap_or_default();
    let text = format!("{first}{}", chars.as_str());
    if text.ends_with(['.', '!', '?']) || text.is_empty() { text } else { format!("{text}.") }
}
