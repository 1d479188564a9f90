//! The events, format version 1, and their stored text.
//!
//! `{"trueup":1,"event":"step.read","at":MICROSECONDS,"of":{…}}`, compact, in the lossless form of `base::json`, personal
//! parts sealed. The bytes are hashed as they are stored ([`super::chain`]), never made again. Fields that a later
//! version added are ignored; a name or a format that is not known here is refused, because a decision made without it
//! would be a guess.

use super::{
    occasion::*,
    payload::*,
    record::{BadRecord, Field},
};
use crate::base::{
    seal::{SealError, Sealer, Writing},
    time::Stamp,
    value::Value,
};
use std::{fmt, sync::Arc};

/// Version of the stored form that this engine writes, and the newest that it reads.
pub const FORMAT: u32 = 1;

macro_rules! events {
    ($($(#[$meta:meta])* $variant:ident($payload:ty) = $name:literal,)*) => {
        /// Something that happened in a run.
        #[derive(Clone, Debug)]
        pub enum Event { $($(#[$meta])* $variant($payload),)* }

        impl Event {
            /// Every name, in the order of a run.
            pub const NAMES: &'static [&'static str] = &[$($name),*];

            /// `step.intent`.
            pub fn name(&self) -> &'static str {
                match self { $(Event::$variant(_) => $name,)* }
            }

            fn write(&self, out: &mut Writing<'_>) -> bool {
                match self { $(Event::$variant(payload) => payload.write(out),)* }
            }

            /// The tree of what [`Event::write`] writes.
            #[cfg(test)]
            fn store(&self) -> Option<Value> {
                match self { $(Event::$variant(payload) => payload.store(),)* }
            }

            /// Nothing when the name is not known.
            fn load(name: &str, stored: Option<&Value>) -> Option<Result<Event, BadRecord>> {
                match name { $($name => Some(<$payload>::load(stored).map(Event::$variant)),)* _ => None }
            }
        }

        $(impl From<$payload> for Event {
            fn from(payload: $payload) -> Event {
                Event::$variant(payload)
            }
        })*
    };
}

events! {
    /// A run was made.
    RunCreated(Box<RunCreated>) = "run.created",
    /// A process took it.
    RunClaimed(RunClaimed) = "run.claimed",
    /// Items were begun.
    ItemStarted(ItemStarted) = "item.started",
    /// Something was read.
    StepRead(StepRead) = "step.read",
    /// What will be tried.
    StepIntent(StepIntent) = "step.intent",
    /// It may leave now.
    StepAttempt(StepAttempt) = "step.attempt",
    /// Before and after.
    StepImages(StepImages) = "step.images",
    /// How a step ended.
    StepOutcome(StepOutcome) = "step.outcome",
    /// Verification passed.
    ItemVerified(ItemVerified) = "item.verified",
    /// Items are over.
    ItemClosed(ItemClosed) = "item.closed",
    /// A person is asked.
    HumanAsked(HumanAsked) = "human.asked",
    /// A person is told of a question or of an end.
    HumanNotified(HumanNotified) = "human.notified",
    /// A person decided.
    HumanDecided(HumanDecided) = "human.decided",
    /// Stopped between two steps.
    RunPaused(RunPaused) = "run.paused",
    /// Goes on.
    RunResumed(RunResumed) = "run.resumed",
    /// Asked to end.
    RunCancelled(RunCancelled) = "run.cancelled",
    /// Over.
    RunClosed(RunClosed) = "run.closed",
    /// What it held was removed on purpose.
    RunPurged(RunPurged) = "run.purged",
    /// Somebody agreed to a saved plan: the only event of a plan, and of no run.
    PlanApproved(PlanApproved) = "plan.approved",
    /// A reconcile looked, and this is what differs.
    DriftSeen(DriftSeen) = "drift.seen",
    /// A schedule is looked after from here on. This and the next ones are of a schedule, and of no run.
    ScheduleKept(ScheduleKept) = "schedule.kept",
    /// Nothing of it begins until somebody says so.
    SchedulePaused(SchedulePaused) = "schedule.paused",
    /// It goes on.
    ScheduleResumed(ScheduleResumed) = "schedule.resumed",
    /// One time of it, or a stretch of them, is settled: fired, missed, skipped, blocked.
    OccurrenceSettled(OccurrenceSettled) = "occurrence.settled",
    /// A process carries it out.
    OccurrenceTaken(OccurrenceTaken) = "occurrence.taken",
    /// What it came to.
    OccurrenceEnded(OccurrenceEnded) = "occurrence.ended",
}

/// What a chain is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Of {
    /// A run.
    Run,
    /// A saved plan.
    Plan,
    /// A schedule.
    Schedule,
}

impl Of {
    /// The chain that an event of this name stands in.
    pub(super) fn kind(kind: &str) -> Of {
        match kind {
            Event::APPROVED => Of::Plan,
            _ if kind.starts_with("schedule.") || kind.starts_with("occurrence.") => Of::Schedule,
            _ => Of::Run,
        }
    }
}

impl From<RunCreated> for Event {
    fn from(payload: RunCreated) -> Event {
        Event::RunCreated(Box::new(payload))
    }
}

impl Event {
    /// Name of the first event of a run.
    pub(super) const CREATED: &'static str = "run.created";
    /// Name of the event that ends a run.
    pub(super) const CLOSED: &'static str = "run.closed";
    /// Name of the event after which a run's payloads may be missing.
    pub(super) const PURGED: &'static str = "run.purged";
    /// Name of the events of a plan.
    pub(super) const APPROVED: &'static str = "plan.approved";

    /// The journal's own chain takes in the head of a chain at this event.
    pub(super) fn is_head(&self) -> bool {
        // What belongs to no run stands in no list whose heads are compared: each of its events is taken in at once.
        matches!(self, Event::RunCreated(_) | Event::RunClosed(_) | Event::RunPurged(_))
            || Of::kind(self.name()) != Of::Run
    }

    /// The text that is stored and hashed.
    pub fn encode(&self, at: Stamp, sealer: &Sealer) -> Result<String, SealError> {
        let mut out = sealer.writing();
        out.raw("{");
        out.field("trueup", |out| FORMAT.write(out));
        out.field("event", |out| {
            out.text(self.name());
            true
        });
        out.field("at", |out| at.write(out));
        out.field("of", |out| self.write(out));
        out.raw("}");
        out.end()
    }

    /// When, and what. Without the key, sealed values are unknown; a sealed text that the house works with is an error.
    pub fn decode(text: &str, sealer: &Sealer) -> Result<(Stamp, Event), BadEvent> {
        let stored = sealer.open_json(text).map_err(BadEvent::Sealed)?;
        let (at, name) = header(&stored)?;
        match Event::load(&name, part(&stored, "of")) {
            Some(Ok(event)) => Ok((at, event)),
            Some(Err(bad)) => Err(BadEvent::Record { event: name.to_string(), bad: bad.within("of") }),
            None => Err(BadEvent::UnknownName { name: name.to_string() }),
        }
    }

    /// When, and the name: all that can be said of an event of a later version, or without the key.
    pub fn header(text: &str, sealer: &Sealer) -> Result<(Stamp, Arc<str>), BadEvent> {
        header(&sealer.open_json(text).map_err(BadEvent::Sealed)?)
    }
}

fn part<'a>(stored: &'a Value, name: &str) -> Option<&'a Value> {
    stored.as_map().and_then(|map| map.get(name))
}

fn header(stored: &Value) -> Result<(Stamp, Arc<str>), BadEvent> {
    let outer =
        |name: &'static str| move |e: BadRecord| BadEvent::Record { event: "event".into(), bad: e.within(name) };
    let format = u32::load(part(stored, "trueup")).map_err(outer("trueup"))?;
    if format > FORMAT {
        return Err(BadEvent::Newer { format });
    }
    let at = Stamp::load(part(stored, "at")).map_err(outer("at"))?;
    Ok((at, Arc::load(part(stored, "event")).map_err(outer("event"))?))
}

/// Why a stored event cannot be used. Reads well after "failed to read the event: ".
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BadEvent {
    /// Written by a later version in a form that this one does not know.
    Newer {
        /// The form.
        format: u32,
    },
    /// Written by a later version: the name means nothing here.
    UnknownName {
        /// The name.
        name: String,
    },
    /// A field is missing or of another form.
    Record {
        /// Name of the event.
        event: String,
        /// Which field, and what about it.
        bad: BadRecord,
    },
    /// Not the stored form, or a sealed part that does not open.
    Sealed(SealError),
}

impl fmt::Display for BadEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BadEvent::Newer { format } => write!(
                f,
                "it is written in event format {format}, this version of trueup reads up to {FORMAT}; use the version that wrote it, or a later one"
            ),
            BadEvent::UnknownName { name } => write!(
                f,
                "this version of trueup does not know the event `{name}`; use the version that wrote it, or a later one"
            ),
            BadEvent::Record { event, bad } => write!(f, "`{event}` is not complete: {bad}"),
            BadEvent::Sealed(e) => e.fmt(f),
        }
    }
}
impl std::error::Error for BadEvent {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        base::{
            identity::RunId,
            json,
            secret::{Masks, Secret},
        },
        journal::samples::{self, Filler},
    };
    use proptest::prelude::*;

    const AT: Stamp = Stamp { micros: 1_753_264_800_123_456, digits: 6 };
    const RUN: RunId = RunId(uuid::Uuid::from_u128(0x0190));

    fn sealer() -> Sealer {
        let home = tempfile::tempdir().unwrap();
        Sealer::open_or_create(&home.path().join("seal.key"), Masks::default()).unwrap()
    }

    #[test]
    fn the_names_of_events_are_a_format_and_all_of_them_have_a_sample() {
        let events = Filler::plain().every_event(RUN);
        let mut names: Vec<_> = events.iter().map(Event::name).collect();
        let mut known = Event::NAMES.to_vec();
        names.sort_unstable();
        known.sort_unstable();
        assert_eq!(names, known);
        assert_eq!(
            Event::NAMES.join(" "),
            "run.created run.claimed item.started step.read step.intent step.attempt step.images step.outcome \
             item.verified item.closed human.asked human.notified human.decided run.paused run.resumed run.cancelled run.closed run.purged plan.approved drift.seen \
             schedule.kept schedule.paused schedule.resumed occurrence.settled occurrence.taken occurrence.ended"
        );
    }

    #[test]
    fn the_stored_text_is_compact_and_says_what_it_is() {
        let event = Event::from(RunPaused { reason: "a \"window\"".into(), until: None, behind: None });
        let text = event.encode(AT, &sealer()).unwrap();
        assert_eq!(text, r#"{"trueup":1,"event":"run.paused","at":1753264800123456,"of":{"reason":"a \"window\""}}"#);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn every_event_comes_back_as_it_was(
            texts in prop::collection::vec(".{0,20}", 1..5),
            values in prop::collection::vec(samples::values(), 1..5),
            numbers in prop::collection::vec(any::<u32>(), 1..7),
            micros: i64,
        ) {
            let (sealer, at) = (sealer(), Stamp { micros, digits: 6 });
            for event in Filler::new(texts, values, numbers).every_event(RUN) {
                let text = event.encode(at, &sealer).unwrap();
                let (when, back) = Event::decode(&text, &sealer).unwrap();
                prop_assert_eq!(when, at);
                prop_assert_eq!(format!("{back:?}"), format!("{event:?}"));
                // What is written part by part is what its tree would be, byte for byte; what is sealed differs each time.
                if !text.contains("$sealed") {
                    let of = event.store().map_or_else(String::new, |of| format!(r#","of":{}"#, sealer.sealed_json(&of).unwrap()));
                    let name = event.name();
                    prop_assert_eq!(text, format!(r#"{{"trueup":1,"event":"{name}","at":{micros}{of}}}"#));
                }
            }
        }
    }

    #[test]
    fn fields_of_a_later_version_are_kept_out_and_missing_ones_are_named() {
        let sealer = sealer();
        let asked = Event::from(Filler::plain().asked("agreed", &["-"])).encode(AT, &sealer).unwrap();
        let more = asked.replacen(
            r#""of":{"#,
            r#""since_v2":true,"of":{"severity":{"$uuid":"00000000-0000-0000-0000-000000000000"},"#,
            1,
        );
        assert_eq!(Event::decode(&more, &sealer).unwrap().1.name(), "human.asked");
        let error = Event::decode(&asked.replacen(r#""step":"agreed","#, "", 1), &sealer).unwrap_err();
        assert_eq!(error.to_string(), "`human.asked` is not complete: of.step: is missing");
        let attempt =
            r#"{"trueup":1,"event":"step.attempt","at":1,"of":{"step":"s","attempts":[{"effect":"x","attempt":1}]}}"#;
        let error = Event::decode(attempt, &sealer).unwrap_err();
        assert_eq!(
            error.to_string(),
            "`step.attempt` is not complete: of.attempts[0].effect: is not the id of an effect"
        );
    }

    #[test]
    fn an_unknown_name_word_or_format_is_refused_with_what_to_do() {
        let sealer = sealer();
        let refused = |text: &str| Event::decode(text, &sealer).unwrap_err().to_string();
        let name = refused(r#"{"trueup":1,"event":"step.guessed","at":1,"of":{}}"#);
        assert!(name.contains("does not know the event `step.guessed`") && name.contains("a later one"), "{name}");
        assert!(refused(r#"{"trueup":2,"event":"run.paused","at":1,"of":{}}"#).contains("event format 2"));
        assert!(
            refused(r#"{"trueup":1,"event":"run.closed","at":1,"of":{"end":"melted"}}"#)
                .contains("of.end: is a word that")
        );
        for garbage in ["", "[]", "7", "{\"trueup\":1}", "{\"trueup\":-1,\"event\":\"run.paused\",\"at\":1}", "\u{0}"] {
            assert!(Event::decode(garbage, &sealer).is_err(), "{garbage}");
        }
    }

    #[test]
    fn personal_values_and_registered_secrets_stand_in_no_event_in_clear() {
        let (home, masks) = (tempfile::tempdir().unwrap(), Masks::default());
        masks.add(&Secret::new("hunter22"));
        let sealer = Sealer::open_or_create(&home.path().join("seal.key"), masks).unwrap();
        let row = Value::map([("email", Value::from("ada@example.org").marked(crate::base::value::Marks::PERSONAL))]);
        let texts = ["GET /?key=hunter22", "two"].map(String::from).to_vec();
        let mut sealed = 0;
        for event in Filler::new(texts, vec![row, Value::from("hunter22")], vec![2, 3, 6, 7]).every_event(RUN) {
            let text = event.encode(AT, &sealer).unwrap();
            assert!(!text.contains("hunter22") && !text.contains("ada@"), "{text}");
            sealed += text.matches("$sealed").count();
            // Without the key the event can still be named and timed.
            assert_eq!(*Event::header(&text, &Sealer::without_key(Masks::default())).unwrap().1, *event.name());
        }
        assert!(sealed > 20);
        let text = Event::from(RunPaused { reason: "key hunter22".into(), until: None, behind: None })
            .encode(AT, &sealer)
            .unwrap();
        let Event::RunPaused(back) = Event::decode(&text, &sealer).unwrap().1 else { panic!() };
        assert_eq!(back.reason, "(secret)");
        assert!(json::parse(&text).is_ok());
    }
}
