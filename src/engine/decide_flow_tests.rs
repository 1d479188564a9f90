//! Loops, blocks with an end, decision tables: every history of one playbook, with each step ending in each way and the run
//! cancelled at each moment. A history is what a driver would record; a crash anywhere is the same fold again.

use super::*;
use crate::{
    base::{diagnostic::Diagnostics, identity::EffectId, identity::RunId, source::Source, time::Stamp, value::Map},
    engine::state::{DONE, RunState},
    journal::{event::Event, payload::*},
    playbook::model::Playbook,
};
use std::collections::BTreeSet;

const PLAYBOOK: &str = r#"
trueup: v1
name: a/b
version: 1
title: T
uses: { shop: { write: [things] } }
steps:
  - id: outer
    block:
      steps:
        - id: each
          for_each: { in: [1, 2], as: n }
          block:
            steps:
              - { id: one, row: ROW }
        - id: inner
          block:
            recovered: true
            steps:
              - { id: two, row: ROW }
            rescue:
              - undo: [one]
            always:
              - { id: close, row: ROW }
        - id: way
          choose:
            match: { a: 1 }
            rows: []
            otherwise: left
            paths:
              left: [{ id: three, row: ROW }, { use: right }]
              right: [{ id: four, row: ROW }]
      rescue:
        - { id: mend, row: ROW }
      always:
        - { id: lights, row: ROW }
        - { id: door, row: ROW }
  - { id: last, row: ROW }
"#;
const ROW: &str = "{ table: shop.things, key: { id: 1 }, set: { n: 1 } }";

const AT: Stamp = Stamp { micros: 1, digits: 6 };
const RUN: RunId = RunId(uuid::Uuid::from_u128(1));

fn outline() -> Outline {
    let source = Source::new("t", PLAYBOOK.replace("ROW", ROW));
    let mut problems = Diagnostics::new(source.clone());
    let playbook = Playbook::parse(&source, &mut problems).unwrap_or_else(|| panic!("{:?}", problems.sorted()));
    Outline::of(&playbook, &Default::default())
}

fn outcome(step: &Arc<str>, outcome: Outcome, ends: Option<End>) -> Event {
    let one = ItemOutcome {
        item: "-".into(),
        generation: 0,
        outcome,
        value: None,
        message: Some(format!("{outcome:?} at {step}")),
        response: None,
        micros: 0,
        ends,
        error: None,
    };
    StepOutcome { step: step.clone(), outcomes: vec![one] }.into()
}

fn read(step: &Arc<str>, value: Value) -> Event {
    let read = ReadValue { item: "-".into(), request: "r".into(), request_hash: None, value };
    StepRead { step: step.clone(), reads: vec![read] }.into()
}

fn tried(step: &Arc<str>) -> Vec<Event> {
    let effect = EffectId { run: RUN, item: "-".into(), step: step.clone(), generation: 0 };
    let intent =
        Intent { effect: effect.clone(), shown: "s".into(), request: None, request_hash: None, planned: vec![] };
    let attempt = Attempt { effect, attempt: 1, deadline: None };
    vec![
        StepIntent { step: step.clone(), class: "http-once".into(), connection: None, intents: vec![intent] }.into(),
        StepAttempt { step: step.clone(), attempts: vec![attempt] }.into(),
    ]
}

/// How a step may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Goes {
    Done,
    Failed,
    Stopped,
    Drifted,
    /// Nobody knows, and a person says that it was done.
    Doubt,
    /// It is done, and somebody asks the run to end.
    Cancelled,
}

const ALL: [Goes; 6] = [Goes::Done, Goes::Failed, Goes::Stopped, Goes::Drifted, Goes::Doubt, Goes::Cancelled];

struct History<'a> {
    outline: &'a Outline,
    histories: usize,
    ends: BTreeSet<String>,
}

/// Where a history stands: its events, what was done in which order, and how each went.
#[derive(Clone, Default)]
struct So {
    events: Vec<Event>,
    done: Vec<(Arc<str>, Goes)>,
    cancelled: bool,
}

impl History<'_> {
    fn go(&mut self, mut so: So) {
        let mut left = BTreeSet::new();
        loop {
            assert!(so.events.len() < 200, "{:?}", so.done);
            let state = RunState::of(so.events.iter().map(|event| (AT, event.clone())));
            let empty = ItemState::default();
            let item = state.items.get("-").unwrap_or(&empty);
            match decide(self.outline, item, so.cancelled) {
                Next::Do(path) => {
                    let place = self.outline.place(&path).unwrap_or_else(|| panic!("{path}"));
                    match place.kind {
                        Kind::Loop => so.events.push(read(&path, Value::list([Value::from(1), Value::from(2)]))),
                        Kind::Frame if matches!(place.step.act, Act::Choose(_)) => so
                            .events
                            .push(read(&path, Value::map([("row", Value::text("r")), ("arm", Value::text("left"))]))),
                        Kind::Frame => so.events.push(read(&path, Value::NULL)),
                        Kind::Gate => so.events.push(outcome(&path, Outcome::Done, None)),
                        _ if matches!(place.step.act, Act::Use(_)) => {
                            so.events.push(outcome(&path, Outcome::Done, None))
                        }
                        _ => return self.each(&so, &path),
                    }
                }
                Next::Leave(path) => {
                    assert!(left.insert(path.clone()), "{path} is left twice: {:?}", so.done);
                    so.events.push(outcome(&path, Outcome::Done, None));
                }
                Next::Verified => so.events.push(ItemVerified { items: vec!["-".into()] }.into()),
                Next::Close(end, _) => return self.over(&so, end),
                other => panic!("{other:?} after {:?}", so.done),
            }
        }
    }

    /// The step at `path` goes in each way.
    fn each(&mut self, so: &So, path: &Arc<str>) {
        assert!(!so.done.iter().any(|(done, _)| done == path), "{path} is done twice: {:?}", so.done);
        // Two things that go wrong are enough.
        let wrong = so.done.iter().filter(|(_, goes)| *goes != Goes::Done).count();
        for goes in ALL
            .into_iter()
            .filter(|goes| *goes == Goes::Done || wrong < 2 && !(so.cancelled && *goes == Goes::Cancelled))
        {
            let mut next = so.clone();
            next.done.push((path.clone(), goes));
            next.events.extend(tried(path));
            match goes {
                Goes::Failed => next.events.push(outcome(path, Outcome::Failed, None)),
                Goes::Stopped => next.events.push(outcome(path, Outcome::Stopped, None)),
                Goes::Drifted => next.events.push(outcome(path, Outcome::Drifted, None)),
                Goes::Done => next.events.push(outcome(path, Outcome::Done, None)),
                Goes::Cancelled => {
                    next.events.push(outcome(path, Outcome::Done, None));
                    next.cancelled = true;
                }
                Goes::Doubt => {
                    next.events.push(outcome(path, Outcome::InDoubt, None));
                    // Nothing else begins while nobody knows, in a cancelled run neither.
                    let state = RunState::of(next.events.iter().map(|event| (AT, event.clone())));
                    for cancelled in [false, true] {
                        assert_eq!(decide(self.outline, &state.items["-"], cancelled), Next::FindOut(path.clone()));
                    }
                    let decided = HumanDecided {
                        step: path.clone(),
                        items: vec!["-".into()],
                        actor: "ben".into(),
                        decision: DONE.into(),
                        values: Map::default(),
                        reason: None,
                    };
                    next.events.push(decided.into());
                }
            }
            self.go(next);
        }
    }

    /// What must hold of every history.
    fn over(&mut self, so: &So, end: End) {
        self.histories += 1;
        self.ends.insert(format!("{end:?}"));
        let told = || format!("{end:?} after {:?}", so.done);
        let went = |name: &str| so.done.iter().find(|(path, _)| path.ends_with(name)).map(|(_, goes)| *goes);
        let began = |prefix: &str| so.done.iter().any(|(path, _)| path.starts_with(prefix));
        let good =
            |goes: Option<Goes>| goes.is_some_and(|goes| matches!(goes, Goes::Done | Goes::Doubt | Goes::Cancelled));
        // What is to be done at the end is done, whatever happened, as far as it goes itself.
        assert!(went("block.always/lights").is_some(), "{}", told());
        assert_eq!(went("block.always/door").is_some(), good(went("block.always/lights")), "{}", told());
        assert_eq!(went("block.always/close").is_some(), began("steps/outer/inner/two"), "{}", told());
        // The inner rescue takes back what was done, the newest turn first, and the outer one is for what is not rescued.
        let taken: Vec<_> =
            so.done.iter().filter(|(path, _)| path.contains("/undo-1/")).map(|(path, _)| &**path).collect();
        if went("inner/two") == Some(Goes::Failed) && !so.cancelled {
            assert!(taken.first().is_some_and(|path| path.ends_with("each[1]/one")), "{}", told());
        } else {
            assert!(taken.is_empty() || so.cancelled, "{}", told());
        }
        let failed_in_the_body = so.done.iter().any(|(path, goes)| {
            *goes == Goes::Failed
                && path.starts_with("steps/outer/")
                && !path.starts_with("steps/outer/block.")
                && !path.ends_with("inner/two")
        });
        if failed_in_the_body && !so.cancelled {
            assert!(went("block.rescue/mend").is_some(), "{}", told());
        }
        if so.done.iter().all(|(_, goes)| matches!(goes, Goes::Done | Goes::Doubt)) {
            assert!(matches!(end, End::Changed | End::Unchanged), "{}", told());
        }
        let bad = so.done.iter().any(|(path, goes)| *goes == Goes::Failed && !path.ends_with("inner/two"));
        assert!(!bad || !matches!(end, End::Changed | End::Unchanged | End::Skipped), "{}", told());
        if so.cancelled && so.done.iter().all(|(_, goes)| matches!(goes, Goes::Done | Goes::Doubt | Goes::Cancelled)) {
            // What was done to its end is told as done, whatever was asked for meanwhile.
            let through = went("steps/last").is_some();
            assert_eq!(end, if through { End::Changed } else { End::Cancelled }, "{}", told());
        }
    }
}

#[test]
fn whatever_happens_in_a_block_its_end_is_done_once_and_nothing_twice() {
    let outline = outline();
    let mut history = History { outline: &outline, histories: 0, ends: BTreeSet::new() };
    history.go(So::default());
    assert!(history.histories > 500, "{}", history.histories);
    assert_eq!(
        history.ends.iter().map(String::as_str).collect::<Vec<_>>(),
        ["Cancelled", "Changed", "Drifted", "Failed", "Stopped"]
    );
}
