//! Which items an event is about, found without taking the event apart: plans, rows and answers are passed over. A run over
//! many items is looked through in this way.

use super::{event::Event, words::End};
use crate::base::identity::EffectId;
use serde::Deserialize;
use std::borrow::Cow;

/// The items of an event, in its order.
#[derive(Debug)]
pub enum Mention<'a> {
    /// It belongs to the run as a whole.
    Run,
    /// They were begun, and what is planned for them is in it.
    Started(Vec<Cow<'a, str>>),
    /// Something happened in a step of theirs.
    Step(Vec<Cow<'a, str>>),
    /// They are over.
    Closed(Vec<(Cow<'a, str>, End, Option<Cow<'a, str>>)>),
    /// A person was asked about them, or decided.
    Human(Vec<Cow<'a, str>>),
}

#[derive(Deserialize)]
struct Of<T> {
    of: T,
}

/// A part that names an item, whatever else is in it.
#[derive(Deserialize)]
struct Item<'a> {
    #[serde(borrow)]
    item: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Effect<'a> {
    #[serde(borrow)]
    effect: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Over<'a> {
    #[serde(borrow)]
    item: Cow<'a, str>,
    #[serde(borrow)]
    end: Cow<'a, str>,
    #[serde(borrow, default)]
    reason: Option<Cow<'a, str>>,
}

macro_rules! lists {
    ($($name:ident { $field:ident: $one:ident })*) => {$(
        #[derive(Deserialize)]
        struct $name<'a> {
            #[serde(borrow)]
            $field: Vec<$one<'a>>,
        }
    )*};
}
lists! {
    Started { items: Item }
    Closed { items: Over }
    Read { reads: Item }
    Intent { intents: Effect }
    Attempt { attempts: Effect }
    Images { images: Effect }
    Ended { outcomes: Item }
}

#[derive(Deserialize)]
struct Named<'a> {
    #[serde(borrow)]
    items: Vec<Text<'a>>,
}

#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl Mention<'_> {
    /// The same, to be kept longer than the text in which it was found.
    pub(super) fn kept(self) -> Mention<'static> {
        fn own(text: Cow<'_, str>) -> Cow<'static, str> {
            Cow::Owned(text.into_owned())
        }
        fn all(texts: Vec<Cow<'_, str>>) -> Vec<Cow<'static, str>> {
            texts.into_iter().map(own).collect()
        }
        match self {
            Mention::Run => Mention::Run,
            Mention::Started(items) => Mention::Started(all(items)),
            Mention::Step(items) => Mention::Step(all(items)),
            Mention::Human(items) => Mention::Human(all(items)),
            Mention::Closed(items) => {
                let over = items.into_iter().map(|(item, end, reason)| (own(item), end, reason.map(own)));
                Mention::Closed(over.collect())
            }
        }
    }
}

impl<'a> Mention<'a> {
    /// From the stored text of an event of this name. Nothing when that cannot be told so: a sealed part, an event that this
    /// version does not know.
    pub(super) fn of_text(name: &str, text: &'a str) -> Option<Mention<'a>> {
        let effects =
            |list: Vec<Effect<'a>>| list.into_iter().map(|one| item_of(one.effect)).collect::<Option<Vec<_>>>();
        let items = |list: Vec<Item<'a>>| list.into_iter().map(|one| one.item).collect::<Vec<_>>();
        Some(match name {
            "item.started" => Mention::Started(items(parsed::<Started<'_>>(text)?.items)),
            "item.closed" => {
                let over = |one: Over<'a>| Some((one.item, End::of(&one.end)?, one.reason));
                let all = parsed::<Closed<'_>>(text)?.items.into_iter().map(over);
                Mention::Closed(all.collect::<Option<_>>()?)
            }
            "step.read" => Mention::Step(items(parsed::<Read<'_>>(text)?.reads)),
            "step.intent" => Mention::Step(effects(parsed::<Intent<'_>>(text)?.intents)?),
            "step.attempt" => Mention::Step(effects(parsed::<Attempt<'_>>(text)?.attempts)?),
            "step.images" => Mention::Step(effects(parsed::<Images<'_>>(text)?.images)?),
            "step.outcome" => Mention::Step(items(parsed::<Ended<'_>>(text)?.outcomes)),
            "item.verified" => Mention::Step(parsed::<Named<'_>>(text)?.items.into_iter().map(|text| text.0).collect()),
            "human.asked" | "human.notified" | "human.decided" => {
                Mention::Human(parsed::<Named<'_>>(text)?.items.into_iter().map(|text| text.0).collect())
            }
            _ => return None,
        })
    }

    /// From the event itself.
    pub fn of(event: &'a Event) -> Mention<'a> {
        fn texts<'a>(list: impl Iterator<Item = &'a std::sync::Arc<str>>) -> Vec<Cow<'a, str>> {
            list.map(|item| Cow::Borrowed(&**item)).collect()
        }
        match event {
            Event::ItemStarted(started) => Mention::Started(texts(started.items.iter().map(|one| &one.item))),
            Event::ItemClosed(closed) => {
                let over = |one: &'a super::payload::ClosedItem| {
                    (Cow::Borrowed(&*one.item), one.end, one.reason.as_deref().map(Cow::Borrowed))
                };
                Mention::Closed(closed.items.iter().map(over).collect())
            }
            Event::StepRead(read) => Mention::Step(texts(read.reads.iter().map(|one| &one.item))),
            Event::StepIntent(intent) => Mention::Step(texts(intent.intents.iter().map(|one| &one.effect.item))),
            Event::StepAttempt(attempt) => Mention::Step(texts(attempt.attempts.iter().map(|one| &one.effect.item))),
            Event::StepImages(images) => Mention::Step(texts(images.images.iter().map(|one| &one.effect.item))),
            Event::StepOutcome(outcome) => Mention::Step(texts(outcome.outcomes.iter().map(|one| &one.item))),
            Event::ItemVerified(verified) => Mention::Step(texts(verified.items.iter())),
            Event::HumanAsked(asked) => Mention::Human(texts(asked.items.iter())),
            Event::HumanNotified(told) => Mention::Human(texts(told.items.iter())),
            Event::HumanDecided(decided) => Mention::Human(texts(decided.items.iter())),
            Event::RunCreated(_)
            | Event::RunClaimed(_)
            | Event::RunPaused(_)
            | Event::RunResumed(_)
            | Event::RunCancelled(_)
            | Event::RunClosed(_)
            | Event::RunPurged(_)
            | Event::PlanApproved(_)
            | Event::DriftSeen(_)
            | Event::ScheduleKept(_)
            | Event::SchedulePaused(_)
            | Event::ScheduleResumed(_)
            | Event::OccurrenceSettled(_)
            | Event::OccurrenceTaken(_)
            | Event::OccurrenceEnded(_) => Mention::Run,
        }
    }
}

fn parsed<'a, T: Deserialize<'a>>(text: &'a str) -> Option<T> {
    serde_json::from_str::<Of<T>>(text).ok().map(|outer| outer.of)
}

fn item_of(effect: Cow<'_, str>) -> Option<Cow<'_, str>> {
    match effect {
        Cow::Borrowed(text) => EffectId::item_of(text),
        Cow::Owned(text) => EffectId::item_of(&text).map(|item| Cow::Owned(item.into_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        base::{
            identity::RunId,
            json,
            seal::Sealer,
            secret::{Masks, Secret},
            time::Stamp,
            value::Value,
        },
        effect::kept::Kept,
        journal::{
            payload::{ClosedItem, ItemClosed, ItemStarted, StartedItem},
            samples::Filler,
        },
    };

    const AT: Stamp = Stamp { micros: 1_753_264_800_123_456, digits: 6 };

    fn plain(mention: &Mention<'_>) -> String {
        format!("{mention:?}")
    }

    #[test]
    fn what_is_found_in_the_text_is_what_the_event_says() {
        let home = tempfile::tempdir().unwrap();
        let sealer = Sealer::open_or_create(&home.path().join("seal.key"), Masks::default()).unwrap();
        let mut found = 0;
        for event in Filler::plain().every_event(RunId(uuid::Uuid::from_u128(0x0190))) {
            let text = event.encode(AT, &sealer).unwrap();
            match (Mention::of_text(event.name(), &text), Mention::of(&event)) {
                (Some(in_text), said) => {
                    found += 1;
                    assert_eq!(plain(&in_text), plain(&said), "{text}");
                }
                (None, said) => assert!(matches!(said, Mention::Run), "{text}"),
            }
        }
        assert_eq!(found, 11, "all events about items are told by their text");
    }

    #[test]
    fn keys_with_odd_letters_come_back_and_a_sealed_one_is_left_to_the_key() {
        let home = tempfile::tempdir().unwrap();
        let masks = Masks::default();
        masks.add(&Secret::new("hunter22"));
        let sealer = Sealer::open_or_create(&home.path().join("seal.key"), masks).unwrap();
        let started = |key: &str| {
            let plan = Some(Value::map([("deep", Value::list([Value::from(1), "\\\"}]".into()]))]));
            let items = vec![StartedItem { item: key.into(), key: None, plan: plan.map(Kept::Value), drifted: None }];
            Event::from(ItemStarted { items }).encode(AT, &sealer).unwrap()
        };
        for key in ["a/b c", "\"quoted\"", "ä\n%2F", "\u{1F600}"] {
            let text = started(key);
            assert!(json::parse(&text).is_ok());
            let Some(Mention::Started(keys)) = Mention::of_text("item.started", &text) else { panic!("{text}") };
            assert_eq!(keys, [key]);
        }
        assert!(Mention::of_text("item.started", &started("has hunter22 in it")).is_none());
        let closed = ItemClosed {
            items: vec![ClosedItem { item: "k".into(), end: End::Failed, reason: Some("of hunter22".into()) }],
        };
        let text = Event::from(closed).encode(AT, &sealer).unwrap();
        assert!(Mention::of_text("item.closed", &text).is_none() || text.contains("(secret)"), "{text}");
    }
}
