//! Finding out by sending the same bytes again: where the service knows the key, or the author says that twice is the same as
//! once. The bytes come from the journal; nothing is evaluated anew.

use super::{attempts::Attempts, settled};
use crate::{
    action::deed::Outgoing,
    base::{counted::counted, value::Value},
    engine::{
        drive::{Driver, Halt},
        endings,
        outline::Place,
        recover::{Found, probe_of},
        state::StepState,
        tries::Tries,
        trouble::{CallTrouble, Trouble},
        watch::Tick,
    },
};
use std::time::Duration;

/// What an answer to the same bytes, sent again, says about the first time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// Nothing yet: wait, and send again.
    Again,
    /// Nothing at all.
    InDoubt,
}

/// Of an answer that is not a good one. No refusal of the second sending says that the first one was refused as well: without a
/// key it may just mean that the first one was carried out, and whether whoever refuses has looked at the key, nobody can tell. A
/// redirect, 404 or 451 may be the word of what stands in front of the service, who we are is looked at before the key is, and
/// 412 is what the first one leads to where it changed the version.
fn verdict(status: Option<u16>, keyed: bool) -> Verdict {
    match status {
        None | Some(200..=299 | 408 | 425 | 429 | 500..) => Verdict::Again,
        // The first one is still being worked on.
        Some(409 | 423) if keyed => Verdict::Again,
        Some(_) => Verdict::InDoubt,
    }
}

impl Driver<'_> {
    pub(in crate::engine) async fn send_again(
        &mut self,
        place: &Place,
        step: &StepState,
        keyed: bool,
        lost: Option<&Trouble>,
    ) -> Result<Found, Halt> {
        let setting = self.setting;
        let (Some(connection), Some(request)) = (&step.connection, &step.request) else {
            return Ok(Found::InDoubt("the journal does not hold the request".into()));
        };
        let class = step.class.as_deref().unwrap_or_default();
        let Some(outgoing) = Outgoing::of_stored(class, connection, request, &place.step) else {
            return Ok(Found::InDoubt("a part of the request is secret or sealed, and cannot be sent again".into()));
        };
        let outgoing = outgoing.seeing(&self.scope);
        let age = step.first_attempt.map_or(0, |at| setting.world.now().micros.saturating_sub(at.micros));
        let age = Duration::from_micros(u64::try_from(age).unwrap_or(0));
        let api = setting.api(connection);
        if let Some(header) = api.and_then(|api| api.settings().idempotency_key.as_ref()).filter(|_| keyed)
            && !header.holds_at(age)
        {
            let lifetime = header.lifetime().map_or_else(String::new, |l| format!(" of {l}"));
            let why =
                format!("`{}` may have forgotten its key: most of the key's lifetime{lifetime} is over", connection);
            return self.or_probe(place, step, why).await;
        }
        let mut rounds = Rounds { table: Attempts::default(), own: Tries::default() };
        let mut attempt = step.attempts;
        let mut trouble = match lost {
            Some(Trouble::Call(trouble)) => Some((**trouble).clone()),
            _ => None,
        };
        loop {
            if let Some(trouble) = &trouble {
                let Some(pause) = rounds.next(self, place, trouble) else {
                    if let Some(ended) = self.given_up(place, trouble, keyed) {
                        return Ok(ended);
                    }
                    let why = if attempt == step.attempts && trouble.retry_after.is_some() {
                        "it asks for a longer pause than is waited for, so it was not sent again".to_owned()
                    } else {
                        format!("sent {}: {}", counted(attempt as usize, "time"), trouble.message)
                    };
                    return self.or_probe(place, step, why).await;
                };
                (self.watch)(Tick::Again { path: place.path.clone(), why: trouble.message.clone(), pause });
                self.sleep(pause).await?;
            }
            let in_turn = self.turn_to_call(outgoing.connection()).await?;
            attempt += 1;
            self.attempt(&place.path, attempt).await?;
            let sent = self.sent(place, &outgoing, keyed, in_turn).await;
            match settled(setting, &place.step, attempt, sent) {
                Ok(value) => {
                    let value = match &outgoing {
                        Outgoing::Call(call) => self.finished(place, &place.step, call, value).await?,
                        _ => value,
                    };
                    return Ok(answered(&outgoing, value, keyed));
                }
                Err(found) => match verdict(found.status, keyed) {
                    Verdict::Again => trouble = Some(found),
                    // The table has it tried again, and under its key that does no harm.
                    Verdict::InDoubt if keyed && endings::retry(setting, place.id(), &found).is_some() => {
                        trouble = Some(found);
                    }
                    Verdict::InDoubt => {
                        let why = format!("sent again: {}; that says nothing about the first time", found.message);
                        return self.or_probe(place, step, why).await;
                    }
                },
            }
        }
    }

    /// The table allows no more attempts and says what then: where twice is the same as once, whether the last one was carried
    /// out does not matter for going on, so nobody has to find out.
    fn given_up(&self, place: &Place, trouble: &CallTrouble, keyed: bool) -> Option<Found> {
        if keyed || probe_of(&place.step).is_some() || !endings::gives_up(self.setting, place.id(), trouble) {
            return None;
        }
        let message = trouble.message.replace(super::call::DOUBT, "");
        let over = CallTrouble { in_doubt: false, perhaps: true, message, ..trouble.clone() };
        Some(Found::Refused(Trouble::Call(Box::new(over))))
    }

    async fn sent(&self, place: &Place, outgoing: &Outgoing, keyed: bool, in_turn: bool) -> Result<Value, CallTrouble> {
        let named = keyed || matches!(outgoing, Outgoing::Command(_));
        let effect = named.then(|| self.effect(&place.path));
        crate::base::moment::reached("before a request");
        let sent = outgoing.in_turn(self.setting, &place.step, effect.as_ref(), in_turn).await;
        crate::base::moment::reached("after a request");
        sent
    }

    /// The step's own probe, where it has one; else a person.
    async fn or_probe(&mut self, place: &Place, step: &StepState, why: String) -> Result<Found, Halt> {
        if probe_of(&place.step).is_none() {
            return Ok(Found::InDoubt(why));
        }
        // The latest attempt counts for the settle time.
        let step = self.standing(&place.path).unwrap_or(step).clone();
        self.by_probe(place, &step).await
    }
}

fn answered(outgoing: &Outgoing, value: Value, keyed: bool) -> Found {
    let how = if keyed {
        "the same request was sent again under its key"
    } else {
        "the same request was sent again, which does no harm,"
    };
    let why = format!("{how} and answered");
    Found::Done { why, response: Some(outgoing.summary(&value)), value: Some(value) }
}

/// As often as the playbook's `errors` table says; where it says nothing, within our own bounds.
struct Rounds {
    table: Attempts,
    own: Tries,
}

impl Rounds {
    fn next(&mut self, driver: &Driver<'_>, place: &Place, trouble: &CallTrouble) -> Option<Duration> {
        let setting = driver.setting;
        match endings::retry(setting, place.id(), trouble) {
            Some(retry) => self.table.next(retry, trouble.retry_after, &setting.world),
            None => self.own.next_asked(trouble.retry_after),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_refusal_says_what_became_of_the_first_one_and_what_passes_is_waited_for() {
        for status in 100..600 {
            let (keyed, plain) = (verdict(Some(status), true), verdict(Some(status), false));
            match status {
                200..=299 | 408 | 425 | 429 | 500.. => assert_eq!((keyed, plain), (Verdict::Again, Verdict::Again)),
                409 | 423 => assert_eq!((keyed, plain), (Verdict::Again, Verdict::InDoubt)),
                _ => assert_eq!((keyed, plain), (Verdict::InDoubt, Verdict::InDoubt), "{status}"),
            }
        }
        assert_eq!(verdict(None, true), Verdict::Again);
    }
}
