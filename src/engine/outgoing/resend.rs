//! Finding out by sending the same bytes again: where the service knows the key, or the author says that twice is the same as
//! once. The bytes come from the journal; nothing is evaluated anew.

use super::{
    attempts::{Attempts, LONGEST},
    settled,
};
use crate::{
    action::deed::Outgoing,
    base::value::Value,
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
    /// The first one was refused as well.
    Refused,
    /// Nothing at all.
    InDoubt,
}

/// Of an answer that is not a good one. A key makes the service give the first answer again; without one a refusal may just
/// mean that the first request was carried out.
fn verdict(status: Option<u16>, keyed: bool) -> Verdict {
    match status {
        None | Some(200..=299 | 408 | 425 | 429 | 500..) => Verdict::Again,
        Some(409) if keyed => Verdict::Again,
        // Who we are is looked at before the key is; and 422 says that this key came with other bytes.
        Some(401 | 403 | 407 | 422) => Verdict::InDoubt,
        // The answer stands elsewhere: it may well have been done.
        Some(302 | 303) => Verdict::InDoubt,
        Some(_) if keyed => Verdict::Refused,
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
                    return self.or_probe(place, step, format!("sent {attempt} times: {}", trouble.message)).await;
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
                    Verdict::Refused => {
                        return Ok(Found::Refused(Trouble::Call(Box::new(CallTrouble { in_doubt: false, ..found }))));
                    }
                    Verdict::InDoubt => {
                        return self.or_probe(place, step, format!("sent again: {}", found.message)).await;
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
        let message = format!("{message}; it may have been carried out, and doing it again does no harm");
        Some(Found::Refused(Trouble::Call(Box::new(CallTrouble { in_doubt: false, message, ..trouble.clone() }))))
    }

    async fn sent(&self, place: &Place, outgoing: &Outgoing, keyed: bool, in_turn: bool) -> Result<Value, CallTrouble> {
        let effect = keyed.then(|| self.effect(&place.path));
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
            None => {
                self.own.next().map(|pause| trouble.retry_after.map_or(pause, |asked| asked.min(LONGEST).max(pause)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_proves_something_only_where_the_service_knows_the_key() {
        for status in 200..600 {
            let (keyed, plain) = (verdict(Some(status), true), verdict(Some(status), false));
            assert_ne!(
                plain,
                Verdict::Refused,
                "{status}: twice is as once, so a refusal may come from the first time"
            );
            match status {
                200..=299 | 408 | 425 | 429 | 500.. => assert_eq!((keyed, plain), (Verdict::Again, Verdict::Again)),
                409 => assert_eq!((keyed, plain), (Verdict::Again, Verdict::InDoubt)),
                401 | 403 | 407 | 422 | 302 | 303 => assert_eq!((keyed, plain), (Verdict::InDoubt, Verdict::InDoubt)),
                _ => assert_eq!((keyed, plain), (Verdict::Refused, Verdict::InDoubt), "{status}"),
            }
        }
        assert_eq!(verdict(None, true), Verdict::Again);
    }
}
