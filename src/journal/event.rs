//! The events, format version 1, and their stored text.
//!
//! `{"trueup":1,"event":"step.read","at":MICROSECONDS,"of":{…}}`, compact, in the lossless form of `base::json`, personal
//! parts sealed. The bytes are hashed as they are stored ([`super::chain`]), never made again. Fields that a later
//! version added are ignored; a name or a format that is not known here is refused, because a decision made without it
//! would be a guess.

use super::{
    payload::*,
    record::{BadRecord, Field},
};
use crate::base::{
    seal::{SealError, Sealer},
    time::Stamp,
    value::Value,
};
use std::{fmt, sync::Arc};

/// Version of the stored form that this engine writes, and the newest that it reads.
pub const FORMAT: u32 = 1;

macro_rules! events {
    ($($(#[$meta:meta])* $variant:ident = $name:literal,)*) => {
        /// Something that happened in a run.
        #[derive(Clone, Debug)]
        pub enum Event { $($(#[$meta])* $variant($variant),)* }

        impl Event {
            /// Every name, in the order of a run.
            pub const NAMES: &'static [&'static str] = &[$($name),*];

            /// `step.intent`.
            pub fn name(&self) -> &'static str {
                match self { $(Event::$variant(_) => $name,)* }
            }

            fn store(&self) -> Option<Value> {
                match self { $(Event::$variant(payload) => payload.store(),)* }
            }

            /// Nothing when the name is not known.
            fn load(name: &str, stored: Option<&Value>) -> Option<Result<Event, BadRecord>> {
                match name { $($name => Some($variant::load(stored).map(Event::$variant)),)* _ => None }
            }
        }

        $(impl From<$variant> for Event {
            fn from(payload: $variant) -> Event {
                Event::$variant(payload)
            }
        })*
    };
}

events! {
    /// A run was made.
    RunCreated = "run.created",
    /// A process took it.
    RunClaimed = "run.claimed",
    /// Items were begun.
    ItemStarted = "item.started",
    /// Something was read.
    StepRead = "step.read",
    /// What will be tried.
    StepIntent = "step.intent",
    /// It may leave now.
    StepAttempt = "step.attempt",
    /// Before and after.
    StepImages = "step.images",
    /// How a step ended.
    StepOutcome = "step.outcome",
    /// Verification passed.
    ItemVerified = "item.verified",
    /// Items are over.
    ItemClosed = "item.closed",
    /// A person is asked.
    HumanAsked = "human.asked",
    /// A person decided.
    HumanDecided = "human.decided",
    /// Stopped between two steps.
    RunPaused = "run.paused",
    /// Goes on.
    RunResumed = "run.resumed",
    /// Asked to end.
    RunCancelled = "run.cancelled",
    /// Over.
    RunClosed = "run.closed",
}

impl Event {
    /// The text that is stored and hashed.
    pub fn encode(&self, at: Stamp, sealer: &Sealer) -> Result<String, SealError> {
        let mut fields = vec![
            ("trueup", Value::from(i64::from(FORMAT))),
            ("event", self.name().into()),
            ("at", Value::from(at.micros)),
        ];
        fields.extend(self.store().map(|payload| ("of", payload)));
        sealer.sealed_json(&Value::map(fields))
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
