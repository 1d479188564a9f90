//! One event of every kind, filled from whatever a test gives: for round trips and for stores to hold.

use super::{event::Event, occasion::*, payload::*, words};
use crate::{
    base::{
        identity::{EffectId, RunId},
        json::Json,
        time::{Date, Stamp, Time},
        value::{Data, Map, Marks, Value},
    },
    effect::{
        change::{RowChange, TableName},
        kept::Kept,
    },
};
use proptest::prelude::*;
use std::{cell::Cell, sync::Arc};

/// Text that does not get smaller.
pub fn noise(length: usize) -> String {
    let mut state = 1_u64;
    let next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        char::from(b'#' + ((state >> 33) % 57) as u8)
    };
    std::iter::repeat_with(next).take(length).collect()
}

/// What the fields are filled with, one after the other and around again.
#[derive(Clone, Debug)]
pub struct Filler {
    pub texts: Vec<String>,
    pub values: Vec<Value>,
    pub numbers: Vec<u32>,
    next: Cell<usize>,
}

impl Filler {
    pub fn new(texts: Vec<String>, values: Vec<Value>, numbers: Vec<u32>) -> Filler {
        Filler { texts, values, numbers, next: Cell::new(0) }
    }

    /// Something plain of everything.
    pub fn plain() -> Filler {
        let values = vec![Value::from("ada@example.org").marked(Marks::PERSONAL), Value::from(7), Value::NULL];
        Filler::new(["one", "two", "three"].map(String::from).to_vec(), values, vec![1, 2, 3])
    }

    fn turn(&self) -> usize {
        self.next.set(self.next.get() + 1);
        self.next.get()
    }
    fn string(&self) -> String {
        self.texts[self.turn() % self.texts.len()].clone()
    }
    fn text(&self) -> Arc<str> {
        self.string().into()
    }
    fn value(&self) -> Value {
        self.values[self.turn() % self.values.len()].clone()
    }
    fn number(&self) -> u32 {
        self.numbers[self.turn() % self.numbers.len()]
    }
    fn maybe<T>(&self, some: T) -> Option<T> {
        self.number().is_multiple_of(2).then_some(some)
    }
    fn some<T>(&self, make: impl Fn() -> T) -> Vec<T> {
        (0..self.number() % 4).map(|_| make()).collect()
    }
    fn map(&self) -> Map {
        self.some(|| (self.text(), self.value())).into_iter().collect()
    }
    fn stamp(&self) -> Stamp {
        Stamp { micros: i64::from(self.number()) * 1_000_003 - 1_000_000_000, digits: 6 }
    }
    fn end(&self) -> words::End {
        words::End::of(words::End::WORDS[self.turn() % words::End::WORDS.len()]).unwrap()
    }
    fn effect(&self, run: RunId) -> EffectId {
        EffectId { run, item: self.text(), step: self.text(), generation: self.number() }
    }
    fn change(&self) -> RowChange {
        RowChange {
            table: TableName { connection: "register".into(), table: "audit.events".into() },
            key: self.map(),
            before: self.maybe(self.map()),
            after: self.maybe(self.map()),
            by_rule: self.maybe(()).is_some(),
            stamps: self.some(|| self.text()),
        }
    }

    pub fn created(&self) -> RunCreated {
        RunCreated {
            playbook: self.text(),
            version: self.number(),
            text: self.text(),
            sha256: self.text(),
            called: self.some(|| CalledPlaybook { name: self.text(), text: self.text(), sha256: self.text() }),
            facts: self.text(),
            params: self.map(),
            purpose: "apply".into(),
            about: self.maybe(RunId(uuid::Uuid::from_u128(3))),
            reason: self.string(),
            actor: self.text(),
            environment: self.text(),
            now: self.stamp(),
            plan_digest: self.maybe(self.text()),
            plan_id: None,
            plan: self.maybe(self.value()),
            plan_summary: self.maybe(self.value()),
            engine: self.text(),
            targets: self.some(|| Target { connection: self.text(), identity: self.text() }),
            approvals: self.some(|| Approval {
                actor: self.text(),
                at: self.stamp(),
                note: self.maybe(self.string()),
                digest: self.text(),
            }),
            secrets: self.maybe(self.value()),
        }
    }

    pub fn asked(&self, step: &str, items: &[&str]) -> HumanAsked {
        HumanAsked {
            step: step.into(),
            items: items.iter().map(|item| (*item).into()).collect(),
            who: self.text(),
            question: self.value(),
            answer: self.map(),
            evidence: self.maybe(self.map()),
            until: self.maybe(self.stamp()),
            remind: self.maybe(u64::from(self.number())),
            revealed: self.maybe(self.value()),
        }
    }

    pub fn closed(&self) -> RunClosed {
        let counts = self.some(|| Count { end: self.end(), items: u64::from(self.number()) });
        RunClosed { end: self.end(), reason: self.maybe(self.string()), counts }
    }

    /// One of every kind that a run may have, in the order of a run.
    pub fn events_of_a_run(&self, run: RunId) -> Vec<Event> {
        let mut events = vec![Event::from(self.created())];
        events.extend(self.about_steps(run));
        events.extend(self.about_the_run());
        events
    }

    /// One of every kind.
    pub fn every_event(&self, run: RunId) -> Vec<Event> {
        let mut events = self.events_of_a_run(run);
        let (through, bytes) = (u64::from(self.number()), u64::from(self.number()));
        let (closed_before, playbook) = (self.stamp(), self.text());
        events.push(RunPurged { actor: self.text(), through, bytes, closed_before, playbook }.into());
        let (actor, digest) = (self.text(), self.text());
        events.push(PlanApproved { actor, digest, note: self.maybe(self.string()), effect: self.value() }.into());
        events.extend(self.about_drift_and_schedules(run));
        events
    }

    fn about_drift_and_schedules(&self, run: RunId) -> Vec<Event> {
        let number = || u64::from(self.number());
        let item = || DriftItem {
            item: self.text(),
            what: self.some(|| self.string()),
            since: self.stamp(),
            first: run,
            seen: self.number(),
            verdict: self.text(),
            why: self.maybe(self.string()),
            tried: self.maybe(self.number()),
            differed: self.maybe(DriftSince { since: self.stamp(), first: run, seen: self.number() }),
            healed: self.maybe(self.stamp()),
        };
        let point = || TrendPoint {
            run,
            at: self.stamp(),
            of: number(),
            drifted: number(),
            healing: number(),
            healed: self.maybe(number()),
            failed: self.maybe(number()),
        };
        vec![
            DriftSeen {
                scope: self.text(),
                mode: self.text(),
                schedule: self.maybe(self.text()),
                of: number(),
                drifted: number(),
                known: number(),
                gone: number(),
                healing: number(),
                refused: self.maybe(self.string()),
                items: self.some(item),
                more: number(),
                trend: self.some(point),
                failed: self.maybe(number()),
                unsure: self.maybe(true),
                would: self.maybe(WouldHeal { items: number(), beyond: number(), refused: self.maybe(self.string()) }),
                left: self.maybe(number()),
                unclear: self.maybe(number()),
                vain: self.maybe(vec![TriedInVain { item: self.text(), tried: self.number() }]),
                kept: self.maybe(KeptPlan {
                    plan: self.text(),
                    file: self.text(),
                    items: number(),
                    until: self.stamp(),
                }),
            }
            .into(),
            ScheduleKept {
                schedule: self.text(),
                definition: self.text(),
                cron: self.text(),
                zone: self.text(),
                tzdata: self.text(),
                cursor: self.stamp(),
                why: self.text(),
            }
            .into(),
            SchedulePaused { schedule: self.text(), actor: self.text(), reason: self.string() }.into(),
            ScheduleResumed { schedule: self.text(), actor: self.text(), reason: self.string(), cursor: self.stamp() }
                .into(),
            OccurrenceSettled {
                schedule: self.text(),
                occurrence: run,
                wall: self.text(),
                zone: self.text(),
                moment: self.stamp(),
                from: self.maybe(self.stamp()),
                count: number(),
                word: self.text(),
                why: self.maybe(self.string()),
                run: self.maybe(run),
                owner: self.text(),
                tzdata: self.text(),
                cursor: self.maybe(self.stamp()),
            }
            .into(),
            OccurrenceTaken {
                schedule: self.text(),
                occurrence: run,
                holder: self.text(),
                host: self.text(),
                pid: self.number(),
                fence: number(),
            }
            .into(),
            OccurrenceEnded {
                schedule: self.text(),
                occurrence: run,
                word: self.text(),
                why: self.maybe(self.string()),
                run: self.maybe(run),
                of: number(),
                drifted: number(),
                healed: number(),
            }
            .into(),
        ]
    }

    fn about_steps(&self, run: RunId) -> Vec<Event> {
        let intent = || Intent {
            effect: self.effect(run),
            shown: self.string(),
            request: self.maybe(self.value()),
            request_hash: self.maybe(self.text()),
            planned: self.some(|| self.change()),
        };
        let outcome = || ItemOutcome {
            item: self.text(),
            generation: self.number(),
            outcome: words::Outcome::of(words::Outcome::WORDS[self.turn() % words::Outcome::WORDS.len()]).unwrap(),
            value: self.maybe(self.value()),
            message: self.maybe(self.string()),
            response: self.maybe(self.string()),
            micros: u64::from(self.number()),
            ends: self.maybe(words::End::Skipped),
            error: self.maybe(self.value()),
        };
        vec![
            ItemStarted {
                items: self.some(|| StartedItem {
                    item: self.text(),
                    key: self.maybe(self.value()),
                    plan: self.maybe(Kept::Value(self.value())),
                    drifted: self.maybe(self.string()),
                }),
            }
            .into(),
            StepRead {
                step: self.text(),
                reads: self.some(|| ReadValue {
                    item: self.text(),
                    request: self.string(),
                    request_hash: self.maybe(self.text()),
                    value: self.value(),
                }),
            }
            .into(),
            StepIntent {
                step: self.text(),
                class: self.text(),
                connection: self.maybe(self.text()),
                intents: self.some(intent),
            }
            .into(),
            StepAttempt {
                step: self.text(),
                attempts: self.some(|| Attempt {
                    effect: self.effect(run),
                    attempt: self.number(),
                    deadline: self.maybe(self.stamp()),
                }),
            }
            .into(),
            StepImages {
                step: self.text(),
                images: self.some(|| Images {
                    effect: self.effect(run),
                    changes: self.some(|| self.change()),
                    also_touched: self.some(|| self.text()),
                    also_added: self.some(|| 3),
                }),
            }
            .into(),
            StepOutcome { step: self.text(), outcomes: self.some(outcome) }.into(),
            ItemVerified { items: self.some(|| self.text()) }.into(),
            ItemClosed {
                items: self.some(|| ClosedItem {
                    item: self.text(),
                    end: self.end(),
                    reason: self.maybe(self.string()),
                }),
            }
            .into(),
        ]
    }

    fn about_the_run(&self) -> Vec<Event> {
        vec![
            RunClaimed { holder: self.text(), host: self.text(), pid: self.number(), fence: u64::from(self.number()) }
                .into(),
            self.asked("agreed", &["-"]).into(),
            HumanNotified {
                step: "agreed".into(),
                items: vec!["-".into()],
                who: self.text(),
                kind: self.text(),
                number: self.number(),
                by: self.text(),
                result: self.maybe(self.string()),
            }
            .into(),
            HumanDecided {
                step: "agreed".into(),
                items: vec!["-".into()],
                actor: self.text(),
                decision: self.text(),
                values: self.map(),
                reason: self.maybe(self.string()),
            }
            .into(),
            RunPaused { reason: self.string(), until: self.maybe(self.stamp()), behind: self.maybe(self.stamp()) }
                .into(),
            RunResumed { actor: self.text(), reason: self.maybe(self.string()) }.into(),
            RunCancelled { actor: self.text(), reason: self.string() }.into(),
            self.closed().into(),
        ]
    }
}

/// Values of every kind but secret ones, which are not stored.
pub fn values() -> impl Strategy<Value = Value> {
    let stamp = || (any::<i64>(), 0_u8..=6).prop_map(|(micros, digits)| Stamp { micros, digits });
    let leaf = prop_oneof![
        Just(Data::Null),
        any::<bool>().prop_map(Data::Bool),
        any::<i64>().prop_map(Data::Int),
        "-?[0-9]{1,30}(\\.[0-9]{1,20})?".prop_map(|d| Data::Decimal(d.parse().unwrap())),
        any::<f64>().prop_map(Data::Float),
        ".*".prop_map(|t: String| Data::Text(t.into())),
        any::<Vec<u8>>().prop_map(|b| Data::Bytes(b.into())),
        any::<i32>().prop_map(|d| Data::Date(Date(d))),
        any::<i64>().prop_map(|t| Data::Time(Time(t))),
        stamp().prop_map(Data::Timestamp),
        stamp().prop_map(Data::Instant),
        any::<u128>().prop_map(|u| Data::Uuid(uuid::Uuid::from_u128(u))),
        Just(Data::Json(Arc::new(Json::parse("{\"a\" : [1.0, \"$sealed\"]}").unwrap()))),
        "[a-z ]*".prop_map(|why: String| Data::Unknown(why.into())),
    ];
    let marks = || {
        prop_oneof![
            Just(Marks::NONE),
            Just(Marks::PERSONAL),
            Just(Marks::CLOCK),
            Just(Marks::PERSONAL | Marks::EXAMPLE)
        ]
    };
    (leaf, marks()).prop_map(|(data, marks)| Value { data, marks }).prop_recursive(3, 12, 4, move |inner| {
        let key = prop_oneof!["[a-z]{1,5}", "\\$[a-z]{1,6}"];
        let content = prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|values| Data::List(Arc::new(values))),
            prop::collection::vec((key, inner), 0..4)
                .prop_map(|entries| Data::Map(entries.into_iter().map(|(k, v)| (k.into(), v)).collect())),
        ];
        (content, marks()).prop_map(|(data, marks)| Value { data, marks })
    })
}
