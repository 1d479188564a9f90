//! Hand-made runs for the tests of the reports, folded from events as the journal has them.

use super::{
    runs::PassedOver,
    sample::{PERSONAL, award_rows, map, moment},
};
use crate::{
    base::{
        identity::{EffectId, RunId},
        time::Stamp,
        value::{Marks, Value},
    },
    engine::state::RunState,
    journal::{
        RunSummary, Waiting,
        chain::Hash,
        event::Event,
        payload::*,
        words::{End, Outcome, RunWord},
    },
};
use std::sync::Arc;

const PLAYBOOK: &str = r#"
trueup: v1
name: register/correct-award
version: 1
title: Take back an award that was made in error
params:
  slug: { type: string }
preconditions:
  - id: trainee
    title: The trainee is there
    find: { table: register.trainees, where: { slug: "{{ params.slug }}" }, expect: one }
  - id: end_cycle
    title: The academic year in which the course ends
    when: trainee.itt_end_date is not none
    find: { table: register.academic_cycles, where: { id: 1 }, expect: optional }
steps:
  - id: dqt_agreed
    title: The DQT team has taken the award back
    ask: { who: register-support, question: Done?, answer: { ticket: { type: string } } }
  - id: clear_award
    title: Take the award back in Register
    row: { of: trainee, set: { state: trn_received } }
  - id: send
    title: Tell DQT
    http: { api: dqt, patch: "/v2/teachers/1" }
verification:
  - id: after
    title: Register shows a trainee in training
    find: { table: register.trainees, where: { id: 4711 }, expect: one }
afterwards:
  - tell: { who: register-support, message: Done. }
"#;

pub fn id() -> RunId {
    "0198367a-57b2-7c1d-9f00-4a1b2c3d4e5f".parse().unwrap()
}

/// Events with the moments at which they were recorded, item `-`.
pub struct Story {
    events: Vec<(Stamp, Event)>,
    now: Stamp,
}

const ITEM: &str = "-";

fn item() -> Arc<str> {
    ITEM.into()
}

impl Story {
    /// Created by anna, the trainee found, a step skipped.
    pub fn begun() -> Story {
        let mut story = Story { events: Vec::new(), now: moment("2025-07-23T23:59:30.000001") };
        let created = RunCreated {
            playbook: "register/correct-award".into(),
            version: 1,
            text: PLAYBOOK.into(),
            sha256: "5f".repeat(32).into(),
            called: Vec::new(),
            facts: "".into(),
            params: map(&[
                ("slug", "7xKqRmT2pZ9sVbN4wYcD6fGh".into()),
                ("email", Value::from(PERSONAL[2]).marked(Marks::PERSONAL)),
            ]),
            purpose: "apply".into(),
            about: None,
            reason: "Zendesk 88213: the provider recommended the wrong trainee".into(),
            actor: "anna".into(),
            environment: "sandbox".into(),
            now: story.now,
            plan_digest: Some("ab".repeat(32).into()),
            plan_id: None,
            plan: None,
            plan_summary: None,
            engine: "0.1.0".into(),
            targets: vec![Target { connection: "register".into(), identity: "sqlite .trueup/register.db".into() }],
            approvals: Vec::new(),
            secrets: None,
        };
        story.add(0, created);
        story.read(
            1,
            "preconditions/trainee",
            "find register.trainees",
            Value::map([("id", Value::from(4711)), ("last_name", Value::from(PERSONAL[1]).marked(Marks::PERSONAL))]),
        );
        let mut story =
            story.outcome(0, "preconditions/assert-3", Outcome::Done, Some("DQT still shows an award."), None);
        story.read(0, "preconditions/assert-2", "holds", true.into());
        let line = "GET https://dqt.example.test/v2/teachers/1234567?birthdate=(personal)&includeInactive=true&fields=qts,eyts";
        story.read(
            0,
            "preconditions/dqt_before",
            &format!("{line} → 200, 9 fields"),
            Value::map([("status", 200.into())]),
        );
        story.outcome(
            0,
            "preconditions/end_cycle",
            Outcome::Skipped,
            Some("only when trainee.itt_end_date is not none"),
            None,
        )
    }

    fn add(&mut self, seconds: i64, event: impl Into<Event>) {
        self.now = Stamp { micros: self.now.micros + seconds * 1_000_000, digits: 6 };
        self.events.push((self.now, event.into()));
    }

    pub fn read(&mut self, seconds: i64, step: &str, request: &str, value: Value) {
        let reads = vec![ReadValue { item: item(), request: request.into(), request_hash: None, value }];
        self.add(seconds, StepRead { step: step.into(), reads });
    }

    pub fn outcome(
        mut self,
        seconds: i64,
        step: &str,
        outcome: Outcome,
        message: Option<&str>,
        response: Option<&str>,
    ) -> Story {
        let one = ItemOutcome {
            item: item(),
            generation: 0,
            outcome,
            value: None,
            message: message.map(str::to_owned),
            response: response.map(str::to_owned),
            micros: 1_250_000,
            ends: None,
            error: None,
        };
        self.add(seconds, StepOutcome { step: step.into(), outcomes: vec![one] });
        self
    }

    pub fn asked(mut self) -> Story {
        let field = Value::map([
            ("type", Value::from("string")),
            ("description", Value::from("Number of the DQT team's ticket, such as DQT-20713")),
        ]);
        let asked = HumanAsked {
            step: "steps/dqt_agreed".into(),
            items: vec![item()],
            who: "register-support".into(),
            question: "Has the DQT team taken the award back? Answer with the number of their ticket when they say that it is done.".into(),
            answer: map(&[("ticket", field)]),
            evidence: None,
            until: None,
            remind: None,
            revealed: None,
        };
        self.add(2, asked);
        self
    }

    pub fn answered(mut self) -> Story {
        let decided = HumanDecided {
            step: "steps/dqt_agreed".into(),
            items: vec![item()],
            actor: "ben".into(),
            decision: "answer".into(),
            values: map(&[("ticket", "DQT-20713".into())]),
            reason: None,
        };
        self.add(7_200, decided);
        self.outcome(0, "steps/dqt_agreed", Outcome::Done, None, None)
    }

    fn effect(step: &str) -> EffectId {
        EffectId { run: id(), item: item(), step: step.into(), generation: 0 }
    }

    /// Meant and begun; nothing is known of it yet.
    pub fn attempted(mut self, step: &str, class: &str, shown: &str, times: u32) -> Story {
        let intent = Intent {
            effect: Story::effect(step),
            shown: shown.into(),
            request: None,
            request_hash: None,
            planned: Vec::new(),
        };
        self.add(
            1,
            StepIntent {
                step: step.into(),
                class: class.into(),
                connection: Some("register".into()),
                intents: vec![intent],
            },
        );
        for attempt in 1..=times {
            let attempts = vec![Attempt { effect: Story::effect(step), attempt, deadline: None }];
            self.add(0, StepAttempt { step: step.into(), attempts });
        }
        self
    }

    /// Its rows are known.
    pub fn images(mut self, step: &str) -> Story {
        let images = vec![Images {
            effect: Story::effect(step),
            changes: award_rows(),
            also_touched: vec!["register.search_index".into()],
            also_added: Vec::new(),
        }];
        self.add(0, StepImages { step: step.into(), images });
        self
    }

    pub fn changed(self) -> Story {
        let step = "steps/clear_award";
        let rows = "1 row of register.trainees, 1 row of register.audits";
        self.attempted(step, "rows", "row register.trainees", 1).images(step).outcome(
            0,
            step,
            Outcome::Done,
            None,
            Some(rows),
        )
    }

    pub fn verified(mut self) -> Story {
        self.read(1, "verification/after", "find register.trainees", Value::map([("id", Value::from(4711))]));
        self.add(0, ItemVerified { items: vec![item()] });
        self
    }

    pub fn told(self) -> Story {
        let text =
            "The award is taken back in Register and gone at DQT.\nSend no update to DQT: they have it already.\n";
        let story = self.attempted("afterwards/tell-1", "message-once", &format!("to register-support: {text}"), 1);
        story.outcome(0, "afterwards/tell-1", Outcome::Done, Some(text), Some("printed, to be passed on"))
    }

    pub fn paused(mut self) -> Story {
        self.add(0, RunPaused { reason: "asked to pause".into(), until: None, behind: None });
        self
    }

    pub fn closed(mut self, end: End, reason: Option<&str>) -> RunState {
        let item = ClosedItem { item: item(), end, reason: reason.map(str::to_owned) };
        self.add(0, ItemClosed { items: vec![item] });
        self.add(0, RunClosed { end, reason: reason.map(str::to_owned), counts: vec![Count { end, items: 1 }] });
        self.state()
    }

    pub fn state(self) -> RunState {
        RunState::fold(self.events.iter().map(|(at, event)| (*at, event)))
    }
}

/// Everything went well, after a question.
pub fn done() -> RunState {
    Story::begun().asked().answered().changed().verified().told().closed(End::Changed, None)
}

/// Every standing of a run, with a name.
pub fn standings() -> Vec<(&'static str, RunState)> {
    let send = "steps/send";
    let line = "PATCH https://dqt.example.test/v2/teachers/1234567?birthdate=(personal)";
    let failed = Story::begun().asked().answered().changed().attempted(send, "http-once", line, 3);
    let lost = Story::begun().asked().answered().changed().attempted(send, "http-once", line, 1);
    let drift = "No longer as planned: register.trainees id 4711.state: planned awarded, found withdrawn. Look at what changed, and plan again.";
    let drifted = Story::begun().asked().answered().attempted("steps/clear_award", "rows", "row register.trainees", 1);
    let commit = drifted_images();
    vec![
        ("done", done()),
        (
            "unchanged",
            Story::begun()
                .outcome(1, "steps/clear_award", Outcome::Unchanged, None, Some("already as wanted"))
                .verified()
                .closed(End::Unchanged, None),
        ),
        ("waiting", Story::begun().asked().state()),
        ("paused", Story::begun().asked().answered().paused().state()),
        (
            "stopped",
            Story::begun()
                .outcome(
                    1,
                    "preconditions/state",
                    Outcome::Stopped,
                    Some("The trainee is withdrawn. This procedure is only for trainees who are awarded."),
                    None,
                )
                .closed(
                    End::Stopped,
                    Some("The trainee is withdrawn. This procedure is only for trainees who are awarded."),
                ),
        ),
        (
            "failed after a change",
            failed
                .outcome(9, send, Outcome::Failed, Some("`dqt` answered 400: Bad Request."), None)
                .closed(End::Failed, Some("`dqt` answered 400: Bad Request.")),
        ),
        (
            "escalated",
            Story::begun()
                .outcome(
                    1,
                    "preconditions/provider",
                    Outcome::Escalated,
                    Some("For register-devs: Provider 12 of trainee 4711 does not exist."),
                    None,
                )
                .closed(End::Escalated, Some("For register-devs: Provider 12 of trainee 4711 does not exist.")),
        ),
        (
            "drifted",
            drifted
                .outcome(1, "steps/clear_award", Outcome::Drifted, Some(drift), None)
                .closed(End::Drifted, Some(drift)),
        ),
        ("in doubt", lost.outcome(30, send, Outcome::InDoubt, Some("`dqt` did not answer within 30 s."), None).state()),
        ("interrupted at the commit", commit),
    ]
}

fn drifted_images() -> RunState {
    Story::begun()
        .asked()
        .answered()
        .attempted("steps/clear_award", "rows", "row register.trainees", 1)
        .images("steps/clear_award")
        .state()
}

pub fn summaries() -> Vec<RunSummary> {
    let one = |n: u128, playbook: &str, state, end, actor: &str, reason: &str| {
        let started = moment("2025-07-23T09:58:00");
        RunSummary {
            id: RunId(uuid::Uuid::from_u128(id().0.as_u128() + n * 0x0101_0101)),
            playbook: playbook.into(),
            version: 1,
            environment: "sandbox".into(),
            purpose: "apply".into(),
            about: None,
            actor: actor.into(),
            reason: reason.into(),
            state,
            end,
            counts: String::new(),
            started_at: Stamp { micros: started.micros - n as i64 * 86_400_000_000, digits: 6 },
            changed_at: started,
            closed_at: None,
            events: 17,
            head: Hash([7; 32]),
            purged_at: None,
        }
    };
    vec![
        one(
            0,
            "register/correct-award",
            RunWord::Waiting,
            None,
            "anna",
            "Zendesk 88213: the provider recommended the wrong trainee",
        ),
        one(1, "register/change-training-route", RunWord::Closed, Some(End::Changed), "ben", "Zendesk 88107"),
        one(2, "register/correct-award", RunWord::InDoubt, None, "a-service-account-with-a-long-name", "Nightly\nrun"),
        RunSummary {
            purpose: "undo".into(),
            ..one(3, "register/correct-award", RunWord::Closed, Some(End::Stopped), "ben", "wrong one")
        },
        RunSummary {
            purpose: "reconcile".into(),
            ..one(4, "register/placement", RunWord::Closed, Some(End::Changed), "support", "nightly")
        },
    ]
}

/// Of the heal among them.
pub fn passed_over() -> std::collections::HashMap<RunId, PassedOver> {
    let passed = PassedOver { refused: Some(3), not_tried: Some(2) };
    summaries().into_iter().filter(|run| run.purpose == "reconcile").map(|run| (run.id, passed)).collect()
}

/// The second of them, by a run that is not in the list.
pub fn taken_back() -> std::collections::HashMap<RunId, RunId> {
    [(summaries()[1].id, id())].into()
}

pub fn doubts() -> Vec<(RunSummary, RunState)> {
    let (_, state) = standings().into_iter().find(|(name, _)| *name == "in doubt").unwrap();
    let run = RunSummary { id: id(), state: RunWord::InDoubt, end: None, ..summaries().remove(2) };
    vec![(run, state)]
}

pub fn asked() -> HumanAsked {
    let state = Story::begun().asked().state();
    (*state.items[ITEM].steps["steps/dqt_agreed"].asked.clone().unwrap()).clone()
}

pub fn questions() -> Vec<Waiting> {
    let asked = asked();
    let one = Waiting {
        evidence: map(&[("state", "awarded".into()), ("DQT says", "the award of 2025-07-11".into())]),
        until: Some(moment("2025-07-25T10:00:00")),
        remind: Some(std::time::Duration::from_secs(86_400)),
        run: id(),
        playbook: "register/correct-award".into(),
        environment: "sandbox".into(),
        step: asked.step.to_string(),
        items: vec![ITEM.into()],
        who: asked.who.to_string(),
        question: asked.question.clone(),
        answer: asked.answer.clone(),
        asked_at: moment("2025-07-23T10:00:00"),
    };
    let whom = Value::from(format!("Is {} {} the same person?", PERSONAL[0], PERSONAL[1])).marked(Marks::PERSONAL);
    let late = Some(moment("2025-07-23T12:30:00"));
    let same = Waiting { step: "steps/same/person".into(), question: whom, answer: map(&[]), ..one.clone() };
    let same = Waiting { evidence: map(&[]), until: None, ..same };
    vec![one.clone(), same, Waiting { step: "steps/provider_agreed".into(), until: late, ..one }]
}
