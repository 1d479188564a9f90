//! Bringing a resource into its wanted state: read, compare with the plan, one call, and wait until it shows it.

use super::{BY_STATE, BY_VERSION, as_http, read, refused};
use crate::{
    action::{
        deed::Outgoing,
        resource::deed::{Act, Difference, Readiness, Resource, Standing, etag, held_to, hold_to},
        step::Step,
    },
    base::{
        moment,
        time::Stamp,
        value::{Map, Value},
    },
    effect::change::RowChange,
    engine::{
        drift,
        drive::{Driver, Halt, Went},
        endings,
        outgoing::attempts::Attempts,
        outline::Place,
        probe::left,
        trouble::{CallTrouble, Difference as Drift, Missed, Trouble},
        watch::Tick,
    },
    journal::{payload::*, words::Outcome},
};
use std::{collections::BTreeSet, time::Duration};

/// So often somebody else may change it between our look and our call.
const MOST_RACES: u32 = 3;

/// What one call came to.
enum Sent {
    Done,
    /// Somebody else was faster: nothing was done, and what they did is looked at.
    Outrun(CallTrouble),
}

impl Driver<'_> {
    /// Writes only what differs, once.
    pub(in crate::engine) async fn bring(
        &mut self,
        place: &Place,
        step: &Step,
        resource: &Resource,
    ) -> Result<Went, Halt> {
        self.close_readers().await;
        let mut races = 0;
        loop {
            let (answer, found) = read(self.setting, step, &place.path, resource, self.watch).await?;
            let difference = self.as_planned_state(place, resource, found.as_ref())?;
            if difference.act == Act::Nothing {
                let ready = resource.readiness(&answer, found.as_ref());
                let ready = ready.map_err(|trouble| Trouble::of_resolving(trouble, &self.setting.source))?;
                let state = if let Readiness::Ready = ready {
                    shown(found.as_ref())
                } else {
                    // An earlier change may still be on its way into force.
                    let from = self.setting.world.now();
                    self.awaited(place, step, resource, &difference.change, from).await?
                };
                let words = Some("already as wanted".to_owned());
                return Ok(Went { outcome: Outcome::Unchanged, value: Some(state), message: None, response: words });
            }
            match self.written(place, step, resource, &answer, found.as_ref(), &difference).await? {
                Sent::Done => return self.came(place, step, resource, &difference.change).await,
                Sent::Outrun(trouble) => {
                    races += 1;
                    if races >= MOST_RACES {
                        return Err(Trouble::Call(Box::new(trouble)).into());
                    }
                }
            }
        }
    }

    /// The difference, if it is the one that was planned.
    fn as_planned_state(&self, place: &Place, resource: &Resource, found: Option<&Map>) -> Result<Difference, Trouble> {
        let planned = self.planned(&place.path).and_then(drift::planned_rows).filter(|rows| !rows.is_empty());
        let difference = match (resource.difference(found), &planned) {
            (Ok(difference), _) => difference,
            // A guard that held in the plan and fails now is drift, with the fields by name.
            (Err(refusal), Some(planned)) => return Err(Trouble::Drifted(drifted(planned[0], refusal))),
            (Err(refusal), None) => return Err(refused(resource, refusal)),
        };
        if difference.act == Act::Nothing {
            return Ok(difference);
        }
        let Some(planned) = planned else { return self.was_shown(&place.path).map(|()| difference) };
        let ours = [difference.change.clone()];
        let rebased = drift::rebased(&planned, &self.own(), &ours);
        let differences = drift::of_rows(&rebased.iter().collect::<Vec<_>>(), &ours, &BTreeSet::new(), self.setting);
        if differences.is_empty() { Ok(difference) } else { Err(Trouble::Drifted(differences)) }
    }

    /// One call, and again only where it was refused or never left.
    async fn written(
        &mut self,
        place: &Place,
        step: &Step,
        resource: &Resource,
        answer: &Value,
        found: Option<&Map>,
        difference: &Difference,
    ) -> Result<Sent, Halt> {
        let setting = self.setting;
        let made = resource.writing(answer, found, difference, setting);
        let (mut call, spec) = made.map_err(|trouble| Trouble::of_resolving(trouble, &setting.source))?;
        if call.is_unknown() {
            let message = "a value that it sends is not known".to_owned();
            return Err(Trouble::Step { message, at: step.act_at, help: Vec::new() }.into());
        }
        let version = etag(answer).filter(|_| difference.act != Act::Create);
        let lost = self.standing(&place.path).and_then(|step| step.held_to.clone());
        // An earlier request may still arrive: of two for one version only one takes effect.
        lost.iter().for_each(|lost| hold_to(&mut call, lost));
        let held = held_to(&call).is_some_and(|held| lost.is_some() || version.as_ref() == Some(&held));
        let http = as_http(step, spec);
        let outgoing = Outgoing::Call(call);
        let mut attempts = Attempts::default();
        let mut attempt = self.standing(&place.path).map_or(0, |step| step.attempts) + 1;
        self.mean(place, &outgoing, if held { BY_VERSION } else { BY_STATE }, &difference.change);
        loop {
            let in_turn = self.turn_to_call(outgoing.connection()).await?;
            self.attempt(&place.path, attempt).await?;
            if lost.as_ref().zip(version.as_ref()).is_some_and(|(lost, version)| lost != version) {
                // Perhaps it did arrive: whoever looks now compares with the version that it was held to.
                return Err(Halt::Round);
            }
            moment::reached("before a request");
            let sent = outgoing.in_turn(setting, &http, None, in_turn).await;
            moment::reached("after a request");
            let trouble = match sent {
                Ok(_) => return Ok(Sent::Done),
                Err(trouble) => trouble,
            };
            if trouble.status == Some(412) {
                if lost.is_some() {
                    // What was changed since may be what the first one did: it is looked at again.
                    let message =
                        format!("{}, sent again under the version of the one whose answer was lost", trouble.message);
                    return Err(Trouble::Call(Box::new(CallTrouble { in_doubt: true, message, ..trouble })).into());
                }
                if version.is_some() {
                    return Ok(Sent::Outrun(trouble));
                }
            }
            // What may have been carried out is found out first; only what was refused or never left is sent anew.
            let retry = endings::retry(setting, step.id(), &trouble).filter(|_| !trouble.in_doubt);
            let Some(pause) = retry.and_then(|r| attempts.next(r, trouble.retry_after, &setting.world)) else {
                return Err(Trouble::Call(Box::new(trouble)).into());
            };
            (self.watch)(Tick::Again { path: place.path.clone(), why: trouble.message.clone(), pause });
            setting.world.pause(pause).await;
            attempt += 1;
        }
    }

    /// What is meant, with its images: by them a lost answer is found out.
    fn mean(&mut self, place: &Place, outgoing: &Outgoing, class: &'static str, change: &RowChange) {
        let effect = self.effect(&place.path);
        let intent = Intent {
            effect: effect.clone(),
            shown: outgoing.line(self.setting),
            request: Some(outgoing.stored()),
            request_hash: None,
            planned: self.planned_rows(&place.path),
        };
        let step = place.path.clone();
        let connection = Some(outgoing.connection().clone());
        self.note(StepIntent { step: step.clone(), class: class.into(), connection, intents: vec![intent] }.into());
        let images = Images { effect, changes: vec![change.clone()], also_touched: Vec::new(), also_added: Vec::new() };
        self.note(StepImages { step, images: vec![images] }.into());
    }

    /// It was written: the step is done when it shows it.
    pub(super) async fn came(
        &mut self,
        place: &Place,
        step: &Step,
        resource: &Resource,
        change: &RowChange,
    ) -> Result<Went, Halt> {
        let begun = self.standing(&place.path).and_then(|step| step.last_attempt);
        let from = begun.unwrap_or_else(|| self.setting.world.now());
        // Whatever comes now, the change stands.
        self.confirmed.insert(place.path.clone(), shown(change.after.as_ref()));
        let state = self.awaited(place, step, resource, change, from).await?;
        self.confirmed.remove(&place.path);
        let response = Some(words(resource, change));
        Ok(Went { response, ..Went::done(state) })
    }

    /// Looks until it is as wanted and ready; nothing is held meanwhile. The time counts from `from`, also across a restart.
    pub(super) async fn awaited(
        &mut self,
        place: &Place,
        step: &Step,
        resource: &Resource,
        change: &RowChange,
        from: Stamp,
    ) -> Result<Value, Halt> {
        let setting = self.setting;
        let patience = resource.patience;
        loop {
            let looked = read(setting, step, &place.path, resource, self.watch).await;
            let late = left(Some(from), patience.at_most, setting.world.now());
            let mut waits = false;
            let not_yet = match looked {
                Ok((answer, found)) => {
                    let standing = resource.standing(found.as_ref(), change);
                    let ready = resource.readiness(&answer, found.as_ref());
                    let ready = ready.map_err(|trouble| Trouble::of_resolving(trouble, &setting.source))?;
                    self.confirmed.entry(place.path.clone()).and_modify(|value| *value = shown(found.as_ref()));
                    match (ready, standing) {
                        (Readiness::Failed(why, seen), _) => return Err(missed(resource, &why, seen).into()),
                        (Readiness::Ready, Standing::After) => return Ok(shown(found.as_ref())),
                        (Readiness::Ready, _) => unlike(resource, found.as_ref(), change),
                        (Readiness::NotYet(why, seen), _) => {
                            waits = true;
                            (why, seen)
                        }
                    }
                }
                // Nobody answers just now: that says nothing about the change.
                Err(Trouble::Call(trouble)) if !late.is_zero() => (trouble.message.clone(), Vec::new()),
                Err(trouble) => return Err(trouble.into()),
            };
            if late.is_zero() {
                let (why, seen) = not_yet;
                let length = crate::base::shape::Length(patience.at_most);
                return Err(missed(resource, &format!("after {length} {why}"), seen).into());
            }
            if self.hindrance()?.is_some() {
                // The attempt stands in the journal: whoever goes on finds out, and waits for the rest of the time.
                return Err(Halt::Round);
            }
            let pause = patience.every.min(late).max(Duration::from_millis(1));
            self.flush().await?;
            let why = if waits { "it is not ready yet".to_owned() } else { not_yet.0 };
            (self.watch)(Tick::Again { path: place.path.clone(), why, pause });
            setting.world.pause(pause).await;
        }
    }
}

fn shown(state: Option<&Map>) -> Value {
    state.map_or(Value::NULL, |state| Value::from(state.clone()))
}

/// `1 field of kube.deployment_env deployment web`.
fn words(resource: &Resource, change: &RowChange) -> String {
    match (&change.before, &change.after) {
        (None, _) => format!("made {}", resource.subject()),
        (_, None) => format!("removed {}", resource.subject()),
        _ => match change.differing().len() {
            1 => format!("1 field of {}", resource.subject()),
            n => format!("{n} fields of {}", resource.subject()),
        },
    }
}

fn missed(resource: &Resource, why: &str, seen: Vec<(String, String)>) -> Trouble {
    Trouble::Missed(Missed { message: format!("`{}`: {why}", resource.subject()), seen, at: resource.at })
}

/// It does not show what was written.
pub(super) fn unlike(resource: &Resource, found: Option<&Map>, change: &RowChange) -> (String, Vec<(String, String)>) {
    let fields = resource.unlike(found, change);
    let one = |(field, wanted, now): &(String, String, String)| match field.is_empty() {
        true => format!("it is {now}"),
        false => format!("{field} is {now} and not {wanted}"),
    };
    let words: Vec<String> = fields.iter().map(one).collect();
    let seen = fields.into_iter().map(|(field, _, now)| (field, now)).collect();
    (format!("it does not show what was written: {}", words.join(", ")), seen)
}

fn drifted(planned: &RowChange, refusal: crate::action::resource::deed::Refusal) -> Vec<Drift> {
    let subject = format!("{} {}", planned.table, planned.key_text());
    if refusal.seen.is_empty() {
        return vec![Drift {
            subject,
            column: String::new(),
            planned: "there".into(),
            found: "not there any more".into(),
        }];
    }
    let old = |field: &str| {
        planned.before.as_ref().and_then(|row| row.get(field)).map_or("as previewed".into(), Value::shown)
    };
    let one = |(field, now): (String, String)| Drift {
        subject: subject.clone(),
        planned: old(&field),
        column: field,
        found: now,
    };
    refusal.seen.into_iter().map(one).collect()
}
