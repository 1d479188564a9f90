//! Calls of APIs and of programs: those that were expected against those that came.

use super::{
    compare::{Happened, nothing_if_empty},
    expect::{Count, InOrder, Sent},
    report::Problem,
};
use crate::{
    base::shape::Named,
    mock::{Logged, program::Called},
};
use indexmap::IndexMap;
use std::sync::Arc;

/// One call of an API or of a program.
#[derive(Clone, Debug)]
pub struct Request {
    /// As test files write it: `GET /v2/teachers/1`, `set env deployment/web`.
    pub call: String,
    /// One line for a person.
    pub shown: String,
    /// It came after all those with a smaller number.
    pub number: u64,
}

impl From<&Logged> for Request {
    fn from(logged: &Logged) -> Request {
        Request { call: logged.call(), shown: logged.to_string(), number: logged.number }
    }
}

impl From<&Called> for Request {
    fn from(called: &Called) -> Request {
        let shown = format!("{} → {}", called.line, called.code);
        Request { call: called.call.clone(), shown, number: called.number }
    }
}

/// How often each call came, in which order, and whether any other did.
pub fn compare(expected: &Sent, happened: &Happened, problems: &mut Vec<Problem>) {
    requests(expected, &happened.sent, problems);
    in_order(&expected.order, happened, problems);
}

fn requests(expected: &Sent, sent: &IndexMap<Arc<str>, Vec<Request>>, problems: &mut Vec<Problem>) {
    let none = Named::default();
    let named = |api: &str| expected.apis.iter().find(|(w, _)| w.as_str() == api).map_or(&none, |(_, counts)| counts);
    for (api, counts) in &expected.apis {
        let log = sent.get(api.as_str()).map_or(&[][..], Vec::as_slice);
        for (call, Count { least, most }) in counts.iter() {
            let found = log.iter().filter(|l| l.call == call).count();
            if found < *least as usize || found > *most as usize {
                let expected = Count { least: *least, most: *most }.words();
                problems.push(Problem::new(
                    format!("calls of {}: {call}", api.as_str()),
                    expected,
                    format!("{found} times"),
                ));
            }
        }
    }
    if !expected.nothing_else {
        return;
    }
    for (api, log) in sent {
        let other: Vec<String> =
            log.iter().filter(|l| named(api).get(&l.call).is_none()).map(|l| l.shown.clone()).collect();
        if !other.is_empty() {
            problems.push(Problem::new(format!("other calls of {api}"), "none", other.join("\n")));
        }
    }
}

/// The calls that are named, from when the run applies: in this order, several of the same kind behind each other counted once.
fn in_order(expected: &[InOrder], happened: &Happened, problems: &mut Vec<Problem>) {
    if expected.is_empty() {
        return;
    }
    let named = |api: &str, call: &str| expected.iter().any(|one| one.api.as_str() == api && one.call.as_str() == call);
    let all = happened.sent.iter().flat_map(|(api, log)| log.iter().map(move |request| (&**api, request)));
    let mut found: Vec<_> = all
        .filter(|(api, request)| request.number >= happened.applied_from && named(api, &request.call))
        .map(|(api, request)| (request.number, format!("{api}: {}", request.call)))
        .collect();
    found.sort();
    let mut found: Vec<String> = found.into_iter().map(|(_, line)| line).collect();
    found.dedup();
    let wanted: Vec<String> =
        expected.iter().map(|one| format!("{}: {}", one.api.as_str(), one.call.as_str())).collect();
    if found != wanted {
        problems.push(Problem::new("order of calls", wanted.join("\n"), nothing_if_empty(&found.join("\n"))));
    }
}
