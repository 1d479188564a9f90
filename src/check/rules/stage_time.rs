//! How long a stage of a lifecycle may take, by its deadlines and retries, against the time after which a record counts as left behind.

use crate::{
    action::{kinds::Act, step::Step},
    base::{
        diagnostic::{Code, Diagnostic, Diagnostics},
        shape::Length,
    },
    check::scene::{Scene, Visit},
    connection::program::ProgramSettings,
    playbook::{
        errors::{ErrorRow, Retry, Verdict},
        lifecycle::Stage,
    },
};
use std::time::Duration;

/// A record that somebody is at work on could be taken for one that was left behind.
pub static TOO_SOON: Code = Code {
    id: "W0090",
    title: "a record may be put back while its driver is still at work",
    explain: "A record that stands in a working state for longer than `stale_after` counts as left behind by a run that died, and `trueup lifecycle rewind` puts \
        it back. A stage whose calls are slow and are tried again can take longer than that with nobody having died: then a second driver begins \
        the stage while the first one is still in it. The longest that a stage may take is the sum over its calls, the moves behind them among them: \
        the deadline of a call, and what the `errors` table allows for further attempts (`for`, or `attempts` with their pauses and deadlines). A loop is counted once, \
        and questions to people and statements of a database are not counted. Make `stale_after` longer than that, or the deadlines and retries shorter.",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&TOO_SOON];

/// How long a resource is waited for where its kind does not say.
const READY: Duration = Duration::from_secs(600);

/// Compares the slowest stage with `stale_after`.
pub fn look(scene: &Scene<'_>, problems: &mut Diagnostics) {
    // An operation holds no stages.
    let Some(lifecycle) = scene.playbook.lifecycle.as_ref().filter(|_| scene.playbook.operation.is_none()) else {
        return;
    };
    let slowest =
        lifecycle.stages.iter().map(|stage| (of_stage(scene, stage), stage)).max_by_key(|(length, _)| *length);
    let Some((length, stage)) = slowest else { return };
    let stale = lifecycle.stale_after();
    if length <= stale.0 {
        return;
    }
    let (at, said) = match &lifecycle.stale_after {
        Some(given) => (given.at, ""),
        None => (stage.id.span, " (the default)"),
    };
    let message = format!(
        "the stage `{}` may take {}, and after {stale}{said} its record counts as left behind",
        stage.id.as_str(),
        told(length),
    );
    problems.push(
        Diagnostic::warning(&TOO_SOON, at, message)
            .help("that is the sum of the deadlines of its calls and of what the `errors` table allows for further attempts")
            .help(format!("write `stale_after: {}` or more, or bound the retries more tightly", told(length))),
    );
}

/// In whole minutes where it is long: nobody counts seconds of an hour.
fn told(length: Duration) -> Length {
    let seconds = length.as_millis().div_ceil(1000) as u64;
    Length(Duration::from_secs(if seconds > 600 { seconds.div_ceil(60) * 60 } else { seconds }))
}

/// Of all of its steps behind the move into the working state, the move to `failed` among them.
fn of_stage(scene: &Scene<'_>, stage: &Stage) -> Duration {
    let within = format!("steps/{0}/{0}_work/", stage.id.as_str());
    let inside = scene.visits.iter().filter(|visit| visit.path.starts_with(&within));
    inside.map(|visit| of_step(scene, visit)).fold(Duration::ZERO, Duration::saturating_add)
}

fn of_step(scene: &Scene<'_>, visit: &Visit<'_>) -> Duration {
    let step = visit.step;
    let own = match &step.act {
        Act::Http(call) => {
            let api = call.api.as_str();
            let deadline = call.timeout.map_or_else(|| deadline(scene, api), |length| length.0);
            let polled = call.accepted.as_ref().map_or(Duration::ZERO, |accepted| accepted.at_most.0);
            deadline.saturating_add(polled).saturating_add(tried_again(scene, step, api, deadline))
        }
        Act::Resource(spec) => {
            let Some((_, kind, place)) = scene.resource(step) else { return Duration::ZERO };
            let deadline = deadline(scene, &place.connection);
            let ready = spec.at_most.or(kind.at_most).map_or(READY, |length| length.0);
            let calls = tried_again(scene, step, &place.connection, deadline).saturating_add(deadline);
            // It is read, and changed, and waited for.
            if spec.is_read() { calls } else { calls.saturating_mul(2).saturating_add(ready) }
        }
        Act::Command(command) => {
            let program = scene.connection(command.program.as_str()).and_then(|one| one.command.as_ref());
            let most = program.map_or(Duration::ZERO, ProgramSettings::timeout);
            command.timeout.map_or(most, |own| own.0.min(most))
        }
        Act::Wait(wait) => wait.at_most.0,
        _ => Duration::ZERO,
    };
    own.saturating_add(step.common.within.map_or(Duration::ZERO, |length| length.0))
}

/// For a whole call of an API: the longest of its environments.
fn deadline(scene: &Scene<'_>, api: &str) -> Duration {
    let Some(connection) = scene.connection(api) else { return Duration::ZERO };
    let here = connection.http.iter().chain(connection.per_environment.iter().filter_map(|(_, one)| one.http.as_ref()));
    here.map(|http| http.timeouts().1).max().unwrap_or_default()
}

/// What the `errors` table allows for further attempts of a call: by the row that allows the most. One call counts its attempts
/// together, whichever rows they fall under.
fn tried_again(scene: &Scene<'_>, step: &Step, api: &str, deadline: Duration) -> Duration {
    let rows = scene.playbook.errors.iter().filter(|row| fits(row, step.id(), api));
    let retries = rows.filter_map(|row| match &row.then.as_ref().or(row.otherwise.as_ref())?.verdict {
        Verdict::Retry(retry) => Some(of_retry(retry, deadline)),
        _ => None,
    });
    retries.max().unwrap_or_default()
}

/// It may be about calls of this step.
fn fits(row: &ErrorRow, step: Option<&str>, api: &str) -> bool {
    let about = |words: &[crate::base::shape::Word], name: &str| words.iter().any(|word| word.as_str() == name);
    row.step.as_ref().is_none_or(|words| step.is_some_and(|name| about(&words.0, name)))
        && row.api.as_ref().is_none_or(|words| about(&words.0, api))
}

fn of_retry(retry: &Retry, deadline: Duration) -> Duration {
    let by_number = retry.attempts.map(|attempts| {
        let pause = |n: u32| retry.backoff.map_or(Duration::from_secs(1), |backoff| backoff.pause(n));
        let all = (1..=attempts.min(100)).map(|n| pause(n).saturating_add(deadline));
        all.fold(Duration::ZERO, Duration::saturating_add)
    });
    // The last attempt begins when the time is up.
    let by_time = retry.length.map(|length| length.0.saturating_add(deadline));
    [by_number, by_time].into_iter().flatten().min().unwrap_or_default()
}
