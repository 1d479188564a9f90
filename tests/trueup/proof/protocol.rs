//! T1b: every history of one effect, without any I/O: crashes, faults of the database and of the API, another process that
//! takes over. The real fold (`RunState`) and the real `decide` walk; what the driver does around them is played here, class
//! by class, as `docs/design/trust.md` says. Then the protocol is spoiled in one place after another, and each time some
//! history must show it.

use super::figures::Figures;
use std::sync::Arc;
use trueup::{
    base::{
        diagnostic::Diagnostics,
        identity::{EffectId, RunId, SINGLE_ITEM},
        source::Source,
        time::Stamp,
    },
    engine::{
        decide::{Next, decide},
        outline::Outline,
        state::{self, ItemState, RunState, StepState},
    },
    journal::{
        event::Event,
        payload::*,
        words::{End, Outcome},
    },
    playbook::model::Playbook,
};

const STEP: &str = "steps/effect";

/// Who remembers what became of a lost answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    Ledger,
    Images,
    SqlProbe,
    Key,
    HttpProbe,
    Repeatable,
    Once,
    Message,
}

const CLASSES: [Class; 8] = [
    Class::Ledger,
    Class::Images,
    Class::SqlProbe,
    Class::Key,
    Class::HttpProbe,
    Class::Repeatable,
    Class::Once,
    Class::Message,
];

impl Class {
    /// The word in `step.intent`.
    fn word(self) -> &'static str {
        match self {
            Class::Ledger => "ledger",
            Class::Images => "rows",
            Class::SqlProbe => "sql-probe",
            Class::Key => "http-key",
            Class::HttpProbe => "http-probe",
            Class::Repeatable => "http-repeatable",
            Class::Once => "http-once",
            Class::Message => "message-once",
        }
    }

    fn in_a_database(self) -> bool {
        matches!(self, Class::Ledger | Class::Images | Class::SqlProbe)
    }
}

/// One mistake in the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mutant {
    /// The protocol as it is.
    Sound,
    /// The effect is done without the claim in the target's ledger.
    NoLedger,
    /// Each attempt has a key of its own.
    NewKey,
    /// What may have left is sent again, whatever the class.
    BlindRetry,
    /// The probe is asked at once.
    NoSettle,
    /// The ledger is looked at, without waiting for an open session, and the claim is left out.
    LookBeforeClaim,
    /// Only the intent is recorded before the effect.
    NoAttempt,
    /// "Done" is recorded before the target confirmed.
    OutcomeFirst,
    /// The row images are recorded after the COMMIT.
    ImagesLate,
    /// Finding out renames the effect.
    NewGeneration,
    /// A process that was overtaken goes on.
    NoFence,
    /// A lost COMMIT is taken as done.
    LostIsDone,
    /// A lost COMMIT is taken as failed.
    LostIsFailed,
    /// The rows are compared without their lock.
    NoLock,
    /// A status of 5xx is taken as "nothing happened".
    ErrorIsRefusal,
    /// A refusal is taken for the answer to an earlier attempt too.
    RefusedAfterDoubt,
    /// A message without an outcome is told again.
    ToldAgain,
}

impl Mutant {
    /// A class in which it does harm.
    fn shows_in(self) -> Class {
        match self {
            Mutant::NoLedger | Mutant::LookBeforeClaim | Mutant::NewGeneration => Class::Ledger,
            Mutant::ImagesLate | Mutant::NoLock | Mutant::LostIsDone | Mutant::OutcomeFirst => Class::Images,
            Mutant::LostIsFailed | Mutant::NoFence | Mutant::Sound => Class::SqlProbe,
            Mutant::NewKey | Mutant::RefusedAfterDoubt => Class::Key,
            Mutant::NoSettle => Class::HttpProbe,
            Mutant::BlindRetry | Mutant::NoAttempt | Mutant::ErrorIsRefusal => Class::Once,
            Mutant::ToldAgain => Class::Message,
        }
    }
}

const MUTANTS: [Mutant; 16] = [
    Mutant::NoLedger,
    Mutant::NewKey,
    Mutant::BlindRetry,
    Mutant::NoSettle,
    Mutant::LookBeforeClaim,
    Mutant::NoAttempt,
    Mutant::OutcomeFirst,
    Mutant::ImagesLate,
    Mutant::NewGeneration,
    Mutant::NoFence,
    Mutant::LostIsDone,
    Mutant::LostIsFailed,
    Mutant::NoLock,
    Mutant::ErrorIsRefusal,
    Mutant::RefusedAfterDoubt,
    Mutant::ToldAgain,
];

/// All ways through a tree of choices, one after another, the last choice changing first.
#[derive(Default)]
struct Choices {
    taken: Vec<(u8, u8)>,
    at: usize,
}

impl Choices {
    fn of(&mut self, many: u8) -> u8 {
        if self.at == self.taken.len() {
            self.taken.push((0, many));
        }
        self.at += 1;
        self.taken[self.at - 1].0
    }

    /// The next way; false when all were walked.
    fn advance(&mut self) -> bool {
        self.taken.truncate(self.at);
        self.at = 0;
        while let Some((taken, many)) = self.taken.pop() {
            if taken + 1 < many {
                self.taken.push((taken + 1, many));
                return true;
            }
        }
        false
    }
}

/// Why a process does not go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stop {
    Crash,
    /// Somebody else has the run.
    Overtaken,
    /// In doubt: nothing that could be asked gave an answer.
    InDoubt,
    /// The old session still holds its locks.
    Locked,
}

/// What COMMIT or a call gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gave {
    Good,
    /// Proof that nothing was done.
    Refused,
    /// 5xx.
    Error,
    Lost,
    /// A claim or a compared row shows that it was done before.
    Before,
}

/// One history.
struct Sim<'a> {
    class: Class,
    mutant: Mutant,
    outline: &'a Outline,
    names: &'a Names,
    choices: &'a mut Choices,
    run: RunId,
    // what the adversary may still do: so much of each, and so much in all
    left: u8,
    crashes: u8,
    faults: u8,
    freezes: u8,
    // the journal: what all its events fold to, and how many there are
    state: RunState,
    events: usize,
    fence: u64,
    // the target
    effects: u32,
    claims: Vec<u32>,
    keys: Vec<u64>,
    /// An old session that was sent COMMIT and has not ended, with the claim that it carries.
    hanging: Option<Option<u32>>,
    /// The process with this fence number stands still inside its transaction.
    locked: Option<u64>,
    /// Requests that are carried out later, by their key.
    late: Vec<u64>,
    injected: u32,
    told: Vec<&'static str>,
}

/// How many in-process attempts at a refused call.
const ATTEMPTS: u32 = 2;

impl Sim<'_> {
    fn tell(&mut self, what: &'static str) {
        self.told.push(what);
    }

    /// The machine may stop here.
    fn may_crash(&mut self, at: &'static str) -> Result<(), Stop> {
        if self.left.min(self.crashes) > 0 && self.choices.of(2) == 1 {
            self.left -= 1;
            self.crashes -= 1;
            self.injected += 1;
            self.tell(at);
            return Err(Stop::Crash);
        }
        Ok(())
    }

    /// One of `many` faults, or 0 for none.
    fn fault(&mut self, many: u8) -> u8 {
        if self.left.min(self.faults) == 0 {
            return 0;
        }
        let fault = self.choices.of(many + 1);
        if fault > 0 {
            self.left -= 1;
            self.faults -= 1;
            self.injected += 1;
        }
        fault
    }

    /// The process may sleep here until others, who found its lease over, have done what they could.
    fn may_freeze(&mut self, locked: bool, me: u64) -> Result<(), Stop> {
        if self.left.min(self.freezes) > 0 && self.choices.of(2) == 1 {
            self.left -= 1;
            self.freezes -= 1;
            self.injected += 1;
            self.tell("frozen");
            self.locked = locked.then_some(me);
            for _ in 0..4 {
                match self.process() {
                    Ok(()) | Err(Stop::Locked) => break,
                    Err(Stop::InDoubt) => self.person(),
                    Err(Stop::Crash | Stop::Overtaken) => {}
                }
            }
            self.tell("awake");
            self.locked = None;
        }
        Ok(())
    }

    /// The journal takes these events in one transaction, from whoever has the run.
    fn append(&mut self, me: u64, events: &[Event]) -> Result<(), Stop> {
        self.may_crash("crash before journal")?;
        if me != self.fence && self.mutant != Mutant::NoFence {
            return Err(Stop::Overtaken);
        }
        for event in events {
            self.state.apply(Stamp::new(0), event);
        }
        self.events += events.len();
        self.may_crash("crash after journal")
    }

    /// A process takes the run and goes on as far as it gets.
    fn process(&mut self) -> Result<(), Stop> {
        self.fence += 1;
        let me = self.fence;
        let empty = ItemState::default();
        for _ in 0..40 {
            // All that a process knows is durable, so the fold of the journal is also what it has in its memory.
            let item = self.state.items.get(SINGLE_ITEM).unwrap_or(&empty);
            match decide(self.outline, item, self.state.cancelled) {
                Next::Do(_) => self.step(me)?,
                Next::FindOut(_) => self.find_out(me)?,
                Next::Verified => {
                    self.append(me, &[ItemVerified { items: vec![self.names.item.clone()] }.into()])?;
                }
                Next::Close(end, reason) => {
                    let item = ClosedItem { item: self.names.item.clone(), end, reason };
                    self.append(me, &[ItemClosed { items: vec![item] }.into()])?;
                }
                Next::Over(end) => {
                    return self.append(me, &[RunClosed { end, reason: None, counts: Vec::new() }.into()]);
                }
                Next::Leave(path) => panic!("nothing holds places here: {path}"),
                Next::Wait(_) => return Ok(()),
            }
        }
        Ok(())
    }

    fn step_state(&self) -> Option<&StepState> {
        self.state.items.get(SINGLE_ITEM)?.steps.get(STEP)
    }

    fn effect(&self) -> EffectId {
        let generation = self.step_state().map_or(0, |step| step.generation);
        EffectId { run: self.run, item: self.names.item.clone(), step: self.names.step.clone(), generation }
    }

    fn outcome(&mut self, me: u64, outcome: Outcome) -> Result<(), Stop> {
        let event = self.names.outcome(self.effect().generation, outcome);
        self.append(me, &[event])
    }

    /// The step, from its intent on.
    fn step(&mut self, me: u64) -> Result<(), Stop> {
        let mut doubt = false;
        for attempt in 1..=ATTEMPTS {
            let effect = self.effect();
            let mut events = Vec::new();
            if attempt == 1 {
                events.push(self.names.intent(self.class, &effect));
            }
            if self.mutant != Mutant::NoAttempt {
                let attempts = vec![Attempt { effect, attempt, deadline: None }];
                events.push(StepAttempt { step: self.names.step.clone(), attempts }.into());
            }
            self.append(me, &events)?;
            self.may_crash("crash before the effect")?;
            self.may_freeze(false, me)?;
            if self.mutant == Mutant::OutcomeFirst {
                self.outcome(me, Outcome::Done)?;
            }
            let gave = self.out(me)?;
            match self.judged(gave) {
                Gave::Good => return self.done(me, Outcome::Done),
                Gave::Before => return self.done(me, Outcome::Unchanged),
                Gave::Refused if attempt < ATTEMPTS => {}
                // A refusal says nothing about an attempt before it whose answer was lost.
                Gave::Refused if doubt && self.mutant != Mutant::RefusedAfterDoubt => return Ok(()),
                Gave::Refused => return self.outcome(me, Outcome::Failed),
                Gave::Error | Gave::Lost => {
                    let again =
                        matches!(self.class, Class::Key | Class::Repeatable) || self.mutant == Mutant::BlindRetry;
                    if !again || attempt == ATTEMPTS {
                        // `decide` sees an attempt without an outcome.
                        return Ok(());
                    }
                    doubt = true;
                }
            }
        }
        Ok(())
    }

    fn done(&mut self, me: u64, outcome: Outcome) -> Result<(), Stop> {
        if self.mutant == Mutant::OutcomeFirst {
            return Ok(());
        }
        self.outcome(me, outcome)
    }

    /// How a mistaken protocol reads an answer.
    fn judged(&self, gave: Gave) -> Gave {
        match (self.mutant, gave) {
            (Mutant::LostIsDone, Gave::Lost) => Gave::Good,
            (Mutant::LostIsFailed, Gave::Lost) | (Mutant::ErrorIsRefusal, Gave::Error) => Gave::Refused,
            (_, gave) => gave,
        }
    }

    /// What leaves the process.
    fn out(&mut self, me: u64) -> Result<Gave, Stop> {
        match self.class {
            class if class.in_a_database() => self.transaction(me),
            Class::Message => {
                self.effects += 1;
                self.may_crash("crash after the message")?;
                Ok(Gave::Good)
            }
            _ => self.call(me),
        }
    }

    /// An old session ends: with its COMMIT or without.
    fn old_session_ends(&mut self) {
        if let Some(claim) = self.hanging.take()
            && self.choices.of(2) == 1
        {
            self.effects += 1;
            self.claims.extend(claim);
            self.tell("the old session committed");
        }
    }

    /// A lock of the target: an old session is waited for, one that sleeps in a process is not.
    fn lock(&mut self) -> Result<(), Stop> {
        if self.locked.is_some() {
            return Err(Stop::Locked);
        }
        self.old_session_ends();
        Ok(())
    }

    /// One transaction of the target.
    fn transaction(&mut self, me: u64) -> Result<Gave, Stop> {
        self.may_crash("crash after BEGIN")?;
        let generation = self.effect().generation;
        let mut claim = None;
        if self.class == Class::Ledger {
            if self.locked.is_some() {
                return Err(Stop::Locked);
            }
            if me != self.fence && self.mutant != Mutant::NoFence {
                return Err(Stop::Overtaken);
            }
            match self.mutant {
                Mutant::NoLedger => self.old_session_ends(),
                Mutant::LookBeforeClaim => {
                    if self.claims.contains(&generation) {
                        return Ok(Gave::Before);
                    }
                }
                _ => {
                    self.lock()?;
                    if self.claims.contains(&generation) {
                        return Ok(Gave::Before);
                    }
                    claim = Some(generation);
                }
            }
            if self.mutant == Mutant::LookBeforeClaim {
                claim = Some(generation);
            }
        } else {
            self.lock()?;
            // The row is compared with the plan under its lock; a free statement has nothing to compare.
            if self.class == Class::Images && self.effects > 0 {
                return Ok(Gave::Before);
            }
        }
        self.may_freeze(true, me)?;
        if self.mutant != Mutant::ImagesLate {
            let images = self.names.images(self.effect());
            self.append(me, &[images])?;
        }
        self.may_crash("crash before COMMIT")?;
        self.may_freeze(true, me)?;
        // A crash while COMMIT is on its way is a crash and one of the things that may have become of it.
        let crash = self.may_crash("crash at COMMIT").is_err();
        let became = if crash { 1 + self.choices.of(3) } else { self.fault(4) };
        let gave = match became {
            0 => Gave::Good,
            1 => Gave::Lost,
            2 => Gave::Lost,
            3 => Gave::Lost,
            _ => Gave::Refused,
        };
        match became {
            0 | 2 => {
                self.effects += 1;
                self.claims.extend(claim);
            }
            3 => self.hanging = Some(claim),
            _ => {}
        }
        self.tell(
            ["committed", "lost, not done", "lost, done", "lost, still open", "rolled back"][usize::from(became)],
        );
        if crash {
            return Err(Stop::Crash);
        }
        if self.mutant == Mutant::ImagesLate && gave == Gave::Good {
            let images = self.names.images(self.effect());
            self.append(me, &[images])?;
        }
        self.may_crash("crash after COMMIT")?;
        Ok(gave)
    }

    /// The key that a request carries.
    fn key(&self) -> u64 {
        let key = self.effect().idempotency_key().as_u128() as u64;
        if self.mutant == Mutant::NewKey { key ^ self.events as u64 } else { key }
    }

    /// The API carries a request out, as far as it does so twice.
    fn carry_out(&mut self, key: u64) {
        let twice = match self.class {
            Class::Key => self.keys.contains(&key),
            Class::Repeatable => self.effects > 0,
            _ => false,
        };
        if !twice {
            self.keys.push(key);
            self.effects += 1;
        }
    }

    /// What was on its way has come.
    fn settle(&mut self) {
        for key in std::mem::take(&mut self.late) {
            self.carry_out(key);
        }
    }

    /// One request.
    fn call(&mut self, me: u64) -> Result<Gave, Stop> {
        // The lease is looked at before anything leaves.
        if me != self.fence && self.mutant != Mutant::NoFence {
            return Err(Stop::Overtaken);
        }
        let key = self.key();
        let crash = self.may_crash("crash during the call").is_err();
        let became = if crash { 1 + self.choices.of(3) } else { self.fault(7) };
        let gave = match became {
            0 => Gave::Good,
            1..=3 => Gave::Lost,
            4 | 5 => Gave::Error,
            _ => Gave::Refused,
        };
        match became {
            0 | 2 | 4 => self.carry_out(key),
            3 => self.late.push(key),
            _ => {}
        }
        const WORDS: [&str; 8] = [
            "answered",
            "lost, not done",
            "lost, done",
            "lost, done later",
            "5xx, done",
            "5xx, not done",
            "429",
            "refused",
        ];
        self.tell(WORDS[usize::from(became)]);
        if crash { Err(Stop::Crash) } else { Ok(gave) }
    }

    /// What became of the attempt that has no outcome.
    fn find_out(&mut self, me: u64) -> Result<(), Stop> {
        self.tell("find out");
        if self.mutant == Mutant::NewGeneration {
            let decided = HumanDecided {
                values: [(Arc::from("generation"), i64::from(self.effect().generation + 1).into())]
                    .into_iter()
                    .collect(),
                ..self.names.decided(state::RETRY)
            };
            return self.append(me, &[decided.into()]);
        }
        let imaged = self.step_state().is_some_and(|step| step.imaged);
        let found = match self.class {
            Class::Message if self.mutant == Mutant::ToldAgain => Outcome::NotDone,
            Class::Message => Outcome::Done,
            _ if self.mutant == Mutant::BlindRetry => Outcome::NotDone,
            Class::Ledger => match self.transaction(me)? {
                Gave::Good | Gave::Before => Outcome::Done,
                Gave::Refused => Outcome::NotDone,
                Gave::Error | Gave::Lost => Outcome::InDoubt,
            },
            Class::Images | Class::SqlProbe if !imaged => Outcome::NotDone,
            Class::Images | Class::SqlProbe => {
                if self.mutant != Mutant::NoLock {
                    self.lock()?;
                }
                if self.effects > 0 { Outcome::Done } else { Outcome::NotDone }
            }
            Class::HttpProbe => {
                if self.mutant != Mutant::NoSettle {
                    self.settle();
                }
                match self.fault(1) {
                    0 if self.effects > 0 => Outcome::Done,
                    0 => Outcome::NotDone,
                    _ => Outcome::InDoubt,
                }
            }
            Class::Key | Class::Repeatable => match self.call(me)? {
                Gave::Good => Outcome::Done,
                _ => Outcome::InDoubt,
            },
            Class::Once => Outcome::InDoubt,
        };
        self.may_crash("crash before what was found is recorded")?;
        self.outcome(me, found)?;
        if found == Outcome::InDoubt { Err(Stop::InDoubt) } else { Ok(()) }
    }

    /// A person looks, when everything has come to rest, and decides. Where the program itself can find out, he only calls
    /// it again.
    fn person(&mut self) {
        if self.class != Class::Once {
            return;
        }
        self.settle();
        self.old_session_ends();
        let decision = if self.effects > 0 { state::DONE } else { state::NOT_DONE };
        self.fence += 1;
        self.state.apply(Stamp::new(0), &self.names.decided(decision).into());
        self.events += 1;
    }

    /// The whole history; what is wrong with it.
    fn walk(&mut self) -> Result<bool, String> {
        let mut doubted = false;
        for _ in 0..12 {
            let stop = self.process();
            self.judge()?;
            match stop {
                Ok(()) => {
                    self.settle();
                    self.old_session_ends();
                    return self.judge_end().map(|()| doubted);
                }
                Err(Stop::InDoubt) => {
                    doubted = true;
                    self.person();
                }
                Err(_) => {}
            }
        }
        Err("it does not come to an end".into())
    }

    /// At any moment.
    fn judge(&self) -> Result<(), String> {
        let step = self.step_state();
        if self.effects > 1 {
            return Err(format!("{} effects", self.effects));
        }
        let done = step.is_some_and(|s| s.outcome.as_ref().is_some_and(|o| o.outcome == Outcome::Done));
        if done && self.effects == 0 && self.class != Class::Message && self.late.is_empty() {
            return Err("called done, and nothing is there".into());
        }
        if self.effects == 1 && !step.is_some_and(|s| s.attempts > 0 || s.outcome.is_some()) {
            return Err("an effect without an attempt".into());
        }
        Ok(())
    }

    /// When nothing moves any more.
    fn judge_end(&self) -> Result<(), String> {
        self.judge()?;
        let end = self.state.closed.as_ref().map(|closed| closed.end);
        match (end, self.effects) {
            (Some(End::Changed), 1) | (Some(End::Failed), 0) => Ok(()),
            (Some(End::Changed), 0) if self.class == Class::Message => Ok(()),
            (end, effects) => Err(format!("the run ended {end:?} with {effects} effects")),
        }
    }
}

/// The names in every event, made once.
struct Names {
    item: Arc<str>,
    step: Arc<str>,
    classes: Vec<(Class, Arc<str>)>,
}

impl Names {
    fn new() -> Names {
        let classes = CLASSES.map(|class| (class, class.word().into())).to_vec();
        Names { item: SINGLE_ITEM.into(), step: STEP.into(), classes }
    }

    fn word(&self, class: Class) -> Arc<str> {
        self.classes.iter().find(|(c, _)| *c == class).unwrap().1.clone()
    }

    fn intent(&self, class: Class, effect: &EffectId) -> Event {
        let effect = effect.clone();
        let intent = Intent { effect, shown: String::new(), request: None, request_hash: None, planned: Vec::new() };
        StepIntent { step: self.step.clone(), class: self.word(class), connection: None, intents: vec![intent] }.into()
    }

    fn images(&self, effect: EffectId) -> Event {
        // Something else was touched, so that the step counts as a change.
        let images =
            Images { effect, changes: Vec::new(), also_touched: vec![self.item.clone()], also_added: Vec::new() };
        StepImages { step: self.step.clone(), images: vec![images] }.into()
    }

    fn outcome(&self, generation: u32, outcome: Outcome) -> Event {
        let one = ItemOutcome {
            item: self.item.clone(),
            generation,
            outcome,
            value: None,
            message: None,
            response: None,
            micros: 0,
            ends: None,
            error: None,
        };
        StepOutcome { step: self.step.clone(), outcomes: vec![one] }.into()
    }

    fn decided(&self, decision: &str) -> HumanDecided {
        HumanDecided {
            step: self.step.clone(),
            items: vec![self.item.clone()],
            actor: self.item.clone(),
            decision: decision.into(),
            values: Default::default(),
            reason: None,
        }
    }
}

/// The histories of one class under one protocol, as far as the adversary's means go.
struct Walked {
    histories: usize,
    injected: usize,
    in_doubt: usize,
    wrong: usize,
    first: Option<String>,
}

fn walk(class: Class, mutant: Mutant, troubles: u8, most_wrong: usize) -> Walked {
    let (outline, names) = (outline(), Names::new());
    let mut choices = Choices::default();
    let mut walked = Walked { histories: 0, injected: 0, in_doubt: 0, wrong: 0, first: None };
    loop {
        let mut sim = Sim {
            class,
            mutant,
            outline: &outline,
            names: &names,
            choices: &mut choices,
            run: RunId(uuid::Uuid::from_u128(7)),
            left: troubles,
            crashes: 3,
            faults: 3,
            freezes: 1,
            state: RunState::default(),
            events: 0,
            fence: 0,
            effects: 0,
            claims: Vec::new(),
            keys: Vec::new(),
            hanging: None,
            locked: None,
            late: Vec::new(),
            injected: 0,
            told: Vec::new(),
        };
        let came = sim.walk();
        walked.histories += 1;
        walked.injected += sim.injected as usize;
        match came {
            Ok(doubted) => walked.in_doubt += usize::from(doubted),
            Err(what) => {
                walked.wrong += 1;
                let told = sim.told.join(", ");
                walked.first.get_or_insert_with(|| format!("{class:?}, {mutant:?}: {what} [{told}]"));
            }
        }
        if walked.wrong >= most_wrong || !choices.advance() {
            return walked;
        }
    }
}

fn outline() -> Outline {
    let text = "trueup: v1\nname: proof\nversion: 1\ntitle: A proof\nowner: clerk\nrisk: low\nuses: {}\nsteps:\n  - id: effect\n    http: { api: a, post: /x }\n";
    let source = Source::new("proof.yaml", text);
    Outline::of(&Playbook::parse(&source, &mut Diagnostics::new(source.clone())).unwrap(), &Default::default())
}

/// Two at a time, as many as the gate has processors.
fn each_class(work: impl Fn(Class) -> Walked + Sync) -> Vec<(Class, Walked)> {
    let work = &work;
    std::thread::scope(|scope| {
        let threads: Vec<_> = CLASSES.map(|class| scope.spawn(move || (class, work(class)))).into_iter().collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

#[test]
fn every_history_of_every_class_keeps_the_promise() {
    let mut figures = Figures::new("T1b", "every history of the protocol, without I/O");
    for (class, walked) in each_class(|class| walk(class, Mutant::Sound, 4, 3)) {
        println!("{class:?}: {} histories, {} in doubt", walked.histories, walked.in_doubt);
        figures.points += walked.histories;
        figures.faults += walked.injected;
        figures.in_doubt += walked.in_doubt;
        if let Some(first) = walked.first {
            figures.wrong(first);
        }
        if class == Class::Message && walked.in_doubt > 0 {
            figures.wrong("a message was in doubt".into());
        }
    }
    assert!(figures.points >= 300_000, "only {} histories", figures.points);
    figures.end(300_000);
}

#[test]
fn every_mutant_of_the_protocol_is_caught() {
    let mut figures = Figures::new("T1b", "mutants of the protocol that are caught");
    for mutant in MUTANTS {
        let walked = walk(mutant.shows_in(), mutant, 3, 1);
        figures.points += walked.histories;
        match walked.first {
            Some(first) => {
                println!("caught: {first}");
                figures.faults += 1;
            }
            None => figures.wrong(format!("{mutant:?} is not caught by any history")),
        }
    }
    figures.end(MUTANTS.len());
}
