//! Every edge of the table: all standings of three steps, in every combination, against the same table written another way.

use super::*;
use crate::{
    base::{
        diagnostic::Diagnostics, identity::EffectId, identity::RunId, source::Source, time::Stamp, value::Map,
        value::Value,
    },
    engine::state::{ABORT, ANSWER, DONE, NOT_DONE, RETRY, RunState},
    journal::{
        event::Event,
        payload::*,
        words::{End, Outcome},
    },
    playbook::model::Playbook,
};

const PLAYBOOK: &str = "trueup: v1\nname: a/b\nversion: 1\ntitle: T\nuses: { shop: { write: [things] } }\nsteps:\n\
    - id: group\n  block:\n    steps:\n    - id: one\n      row: { table: shop.things, key: { id: 1 }, set: { n: 1 } }\n\
    - id: two\n  ask: { who: boss, question: Q, answer: { ok: { type: boolean } } }\n\
    verification:\n- id: three\n  assert: \"1 == 1\"\nafterwards:\n- id: four\n  tell: { who: boss, message: M }\n";

fn outline() -> Outline {
    let source = Source::new("t", PLAYBOOK);
    let mut problems = Diagnostics::new(source.clone());
    let playbook = Playbook::parse(&source, &mut problems).unwrap_or_else(|| panic!("{:?}", problems.sorted()));
    Outline::of(&playbook, &Default::default())
}

const AT: Stamp = Stamp { micros: 1, digits: 6 };
const RUN: RunId = RunId(uuid::Uuid::from_u128(1));

/// How one step stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stands {
    Untouched,
    Read,
    Intended,
    Attempted,
    Asked,
    Answered,
    Ended(Outcome),
    Aborted,
    DecidedDone,
    DecidedNotDone,
    Retried,
}

const ALL: &[Stands] = &[
    Stands::Untouched,
    Stands::Read,
    Stands::Intended,
    Stands::Attempted,
    Stands::Asked,
    Stands::Answered,
    Stands::Ended(Outcome::Done),
    Stands::Ended(Outcome::Unchanged),
    Stands::Ended(Outcome::Skipped),
    Stands::Ended(Outcome::NotDone),
    Stands::Ended(Outcome::Stopped),
    Stands::Ended(Outcome::Failed),
    Stands::Ended(Outcome::Escalated),
    Stands::Ended(Outcome::Drifted),
    Stands::Ended(Outcome::InDoubt),
    Stands::Ended(Outcome::Lost),
    Stands::Aborted,
    Stands::DecidedDone,
    Stands::DecidedNotDone,
    Stands::Retried,
];

impl Stands {
    /// The events that lead here, as a run would record them.
    fn events(self, path: &str) -> Vec<Event> {
        let step: Arc<str> = path.into();
        let item: Arc<str> = "-".into();
        let effect = EffectId { run: RUN, item: item.clone(), step: step.clone(), generation: 0 };
        let intent = || {
            let one = Intent {
                effect: effect.clone(),
                shown: "s".into(),
                request: None,
                request_hash: None,
                planned: vec![],
            };
            Event::from(StepIntent { step: step.clone(), class: "rows".into(), connection: None, intents: vec![one] })
        };
        let attempt = || {
            let one = Attempt { effect: effect.clone(), attempt: 1, deadline: None };
            Event::from(StepAttempt { step: step.clone(), attempts: vec![one] })
        };
        let ended = |outcome| {
            let one = ItemOutcome {
                item: item.clone(),
                generation: 0,
                outcome,
                value: None,
                message: None,
                response: None,
                micros: 0,
                ends: None,
                error: None,
            };
            Event::from(StepOutcome { step: step.clone(), outcomes: vec![one] })
        };
        let asked = || {
            let (who, question) = ("boss".into(), Value::text("Q"));
            Event::from(HumanAsked {
                step: step.clone(),
                items: vec![item.clone()],
                who,
                question,
                answer: Map::default(),
                evidence: None,
                until: None,
                remind: None,
                revealed: None,
            })
        };
        let decided = |decision: &str, values: Map| {
            let decided = HumanDecided {
                step: step.clone(),
                items: vec![item.clone()],
                actor: "ben".into(),
                decision: decision.into(),
                values,
                reason: Some("because".into()),
            };
            Event::from(decided)
        };
        let doubt = || vec![intent(), attempt(), ended(Outcome::InDoubt)];
        match self {
            Stands::Untouched => vec![],
            Stands::Read => {
                let read =
                    ReadValue { item: item.clone(), request: "r".into(), request_hash: None, value: true.into() };
                vec![StepRead { step: step.clone(), reads: vec![read] }.into()]
            }
            Stands::Intended => vec![intent()],
            Stands::Attempted => vec![intent(), attempt()],
            Stands::Asked => vec![asked()],
            Stands::Answered => vec![asked(), decided(ANSWER, Map::default())],
            Stands::Ended(outcome) => vec![intent(), attempt(), ended(outcome)],
            Stands::Aborted => [doubt(), vec![decided(ABORT, Map::default())]].concat(),
            Stands::DecidedDone => [doubt(), vec![decided(DONE, Map::default())]].concat(),
            Stands::DecidedNotDone => [doubt(), vec![decided(NOT_DONE, Map::default())]].concat(),
            Stands::Retried => {
                let again = [(Arc::from("generation"), Value::from(1))].into_iter().collect();
                vec![intent(), attempt(), ended(Outcome::Done), decided(RETRY, again)]
            }
        }
    }

    fn is_over(self) -> bool {
        let over = [Outcome::Done, Outcome::Unchanged, Outcome::Skipped];
        matches!(self, Stands::Read | Stands::DecidedDone) || over.iter().any(|o| self == Stands::Ended(*o))
    }

    fn in_doubt(self) -> bool {
        matches!(self, Stands::Attempted | Stands::Ended(Outcome::InDoubt))
    }

    fn closes(self) -> Option<End> {
        match self {
            Stands::Aborted => Some(End::Cancelled),
            Stands::Ended(Outcome::Stopped) => Some(End::Stopped),
            Stands::Ended(Outcome::Failed) => Some(End::Failed),
            Stands::Ended(Outcome::Escalated) => Some(End::Escalated),
            Stands::Ended(Outcome::Drifted) => Some(End::Drifted),
            Stands::Ended(Outcome::Lost) => Some(End::InDoubt),
            _ => None,
        }
    }
}

const PATHS: [&str; 4] = ["steps/group/one", "steps/two", "verification/three", "afterwards/four"];

/// The table in other words: what must come next.
fn expected(steps: [Stands; 3], group_skipped: bool, verified: bool, cancelled: bool) -> Next {
    let named: Vec<_> = steps.into_iter().zip(PATHS).collect();
    let closing = named.iter().find_map(|(s, _)| s.closes());
    if let Some(end) = closing {
        return Next::Close(end, (end == End::Cancelled).then(|| "because".into()));
    }
    if let Some((_, path)) = named.iter().find(|(s, _)| s.in_doubt()) {
        return Next::FindOut((*path).into());
    }
    if cancelled {
        return Next::Close(End::Cancelled, Some("cancelled".into()));
    }
    for (number, (stands, path)) in named.iter().enumerate() {
        let skipped = number == 0 && group_skipped;
        if !skipped && !stands.is_over() {
            // The block itself is the first place.
            return if *stands == Stands::Asked { Next::Wait((*path).into()) } else { Next::Do((*path).into()) };
        }
    }
    if verified { Next::Do(PATHS[3].into()) } else { Next::Verified }
}

fn fold(events: Vec<Event>) -> ItemState {
    RunState::of(events.into_iter().map(|event| (AT, event))).items.swap_remove("-").unwrap_or_default()
}

#[test]
fn every_standing_of_three_steps_leads_where_the_table_says() {
    let outline = outline();
    assert_eq!(outline.all(&ItemState::default()).iter().map(|p| &*p.path).collect::<Vec<_>>()[1..], PATHS);
    let (mut looked_at, mut kinds) = (0, std::collections::HashSet::new());
    for group_skipped in [false, true] {
        let group = if group_skipped { Outcome::Skipped } else { Outcome::Done };
        // A gate is neither intended nor attempted.
        let gate = Stands::Ended(group).events("steps/group").split_off(2);
        for first in ALL {
            for second in ALL {
                for third in ALL {
                    let steps = [*first, *second, *third];
                    let mut events = gate.clone();
                    steps.iter().zip(PATHS).for_each(|(stands, path)| events.extend(stands.events(path)));
                    let mut item = fold(events);
                    for (verified, cancelled) in [(false, false), (true, false), (false, true), (true, true)] {
                        item.verified = verified;
                        let next = decide(&outline, &item, cancelled);
                        assert_eq!(next, expected(steps, group_skipped, verified, cancelled), "{steps:?}");
                        looked_at += 1;
                        kinds.insert(std::mem::discriminant(&next));
                    }
                }
            }
        }
    }
    assert_eq!(looked_at, 2 * 4 * ALL.len().pow(3));
    assert_eq!(kinds.len(), 5, "do, verified, wait, find out, close");
}

#[test]
fn a_closed_item_stays_closed_until_a_step_of_it_is_retried() {
    let outline = outline();
    let mut events: Vec<Event> = PATHS.iter().flat_map(|path| Stands::Ended(Outcome::Done).events(path)).collect();
    events.insert(0, Stands::Ended(Outcome::Done).events("steps/group").remove(2));
    events.push(ItemVerified { items: vec!["-".into()] }.into());
    assert_eq!(decide(&outline, &fold(events.clone()), false), Next::Close(End::Unchanged, None));
    let closed = ClosedItem { item: "-".into(), end: End::Changed, reason: None };
    events.push(ItemClosed { items: vec![closed] }.into());
    for cancelled in [false, true] {
        assert_eq!(decide(&outline, &fold(events.clone()), cancelled), Next::Over(End::Changed));
    }
    let Some(Event::HumanDecided(again)) = Stands::Retried.events("steps/two").pop() else { panic!() };
    events.push(again.into());
    let item = fold(events);
    assert_eq!(decide(&outline, &item, false), Next::Do("steps/two".into()));
    let two = &item.steps["steps/two"];
    assert_eq!((two.generation, two.attempts, two.outcome.is_none(), item.verified), (1, 0, true, false));
}

#[test]
fn a_block_that_was_not_done_forgets_what_it_had_read() {
    let mut events = Stands::Attempted.events("steps/block");
    events.extend(Stands::Read.events("steps/block/inner"));
    events.extend(Stands::Read.events("steps/blocked"));
    events.extend(Stands::Ended(Outcome::NotDone).events("steps/block").split_off(2));
    let item = fold(events);
    let left: Vec<_> = item.steps.keys().map(|path| &**path).collect();
    assert_eq!(left, ["steps/block", "steps/blocked"]);
    assert_eq!(item.steps["steps/block"].attempts, 0);
}

#[test]
fn a_hundred_thousand_items_fold_in_a_moment() {
    const ITEMS: usize = 100_000;
    let names: Vec<Arc<str>> = (0..ITEMS).map(|n| Arc::from(format!("{n}"))).collect();
    let started =
        names.iter().map(|item| StartedItem { item: item.clone(), key: None, plan: None, drifted: None }).collect();
    let closed = names.iter().map(|item| ClosedItem { item: item.clone(), end: End::Changed, reason: None }).collect();
    let decided = HumanDecided {
        step: "steps/two".into(),
        items: names.clone(),
        actor: "ben".into(),
        decision: ANSWER.into(),
        values: Map::default(),
        reason: None,
    };
    let events: Vec<Event> =
        vec![ItemStarted { items: started }.into(), decided.into(), ItemClosed { items: closed }.into()];
    let state = RunState::of(events.into_iter().map(|event| (AT, event)));
    assert_eq!((state.items.len(), state.doubts().count(), state.events), (ITEMS, 0, 3));
    // One decision for all of them: each step points to it, none holds a copy.
    let first = state.items["0"].steps["steps/two"].decided.as_ref().unwrap();
    assert_eq!(Arc::strong_count(first), ITEMS);
}
