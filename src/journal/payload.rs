//! What each event says, in fields that are stored under their names: these names are a format that lasts.
//!
//! `Arc<str>` is a text that the house works with, `String` one for people (masked by whoever wrote it), `Value` and
//! `Map` come from outside with their kinds and marks: personal parts are sealed, secret ones left out. A field may be
//! added if it is an `Option` or a `Vec`; nothing is renamed or removed within a format version.

use super::words::{End, Outcome};
use crate::{
    base::{
        identity::{EffectId, RunId},
        time::Stamp,
        value::{Map, Value},
    },
    effect::{change::RowChange, kept::Kept},
};
use std::sync::Arc;

record! {
    /// A run was made, from a plan; nothing has happened yet. Carries all that resume, retry and undo need, so that
    /// they never look at today's files.
    pub struct RunCreated {
        /// Name of the playbook: `register/correct-award`.
        playbook: Arc<str>,
        /// Its version.
        version: u32,
        /// Its text.
        text: Arc<str>,
        /// SHA-256 of the text, 64 hexadecimal digits.
        sha256: Arc<str>,
        /// The playbooks that it calls.
        called: Vec<CalledPlaybook>,
        /// The resolved facts of the project (connections, tables, rules), as text.
        facts: Arc<str>,
        /// The params as given and defaulted. Secret ones are not stored: who goes on with the run gives them again.
        params: Map,
        /// `apply`, `undo`, …
        purpose: Arc<str>,
        /// The run that this one takes back.
        about: Option<RunId>,
        /// Why, in the actor's words, 1 to 500 characters.
        reason: String,
        /// Who.
        actor: Arc<str>,
        /// Name of the environment.
        environment: Arc<str>,
        /// `run.now`: the clock of the run, fixed here.
        now: Stamp,
        /// Digest of the plan: what approvals sign. Equal plans have equal digests.
        plan_digest: Option<Arc<str>>,
        /// Identity of a saved plan, made with it. It is used once: a second run with the same one is refused. (Not the
        /// digest: the same change may be planned, applied, taken back, planned and applied again.)
        plan_id: Option<Arc<str>>,
        /// What the run keeps of its plan (`plan::stored`), where it is kept whole.
        plan: Option<Value>,
        /// Counts and labels for lists: `{"changes": 1, "exact": 3, …}`.
        plan_summary: Option<Value>,
        /// Version of the engine that made it.
        engine: Arc<str>,
        /// Which systems the connections really were.
        targets: Vec<Target>,
        /// Who agreed.
        approvals: Vec<Approval>,
        /// By what a secret param is known when it is given again: name → 64 hexadecimal digits, made with the journal's key.
        secrets: Option<Value>,
    }
}

record! {
    /// A playbook that another one calls.
    pub struct CalledPlaybook {
        /// Its name.
        name: Arc<str>,
        /// Its text.
        text: Arc<str>,
        /// SHA-256 of the text.
        sha256: Arc<str>,
    }
}

record! {
    /// What stood behind a connection when the plan was made.
    pub struct Target {
        /// Name of the connection.
        connection: Arc<str>,
        /// Server, database and schema fingerprint, as the connection layer words it. Compared, not read.
        identity: Arc<str>,
    }
}

record! {
    /// Somebody agreed to a plan.
    pub struct Approval {
        /// Who.
        actor: Arc<str>,
        /// When.
        at: Stamp,
        /// In what words.
        note: Option<String>,
        /// The digest that was agreed to.
        digest: Arc<str>,
    }
}

record! {
    /// A process took the run; written by the store together with the claim.
    pub struct RunClaimed {
        /// Who works on it.
        holder: Arc<str>,
        /// On which machine.
        host: Arc<str>,
        /// In which process.
        pid: u32,
        /// Grows with every claim: what an older holder writes is refused.
        fence: u64,
    }
}

record! {
    /// Items were begun.
    pub struct ItemStarted {
        /// One or many.
        items: Vec<StartedItem>,
    }
}

record! {
    /// One item that was begun.
    pub struct StartedItem {
        /// Canonical text of its key; `-` where there are no targets.
        item: Arc<str>,
        /// Its key, typed.
        key: Option<Value>,
        /// What the run keeps of this item's plan, where the plan is not kept whole.
        plan: Option<Kept>,
        /// It never begins, and why: when the run began, its source gave it no longer, or not as it was planned. It ends as drifted
        /// when its turn comes.
        drifted: Option<String>,
    }
}

record! {
    /// Something was read; the value is never read again by a resumed run.
    pub struct StepRead {
        /// Path of the step.
        step: Arc<str>,
        /// One for each item.
        reads: Vec<ReadValue>,
    }
}

record! {
    /// What one item read.
    pub struct ReadValue {
        /// The item.
        item: Arc<str>,
        /// The statement or request, for people.
        request: String,
        /// Fingerprint of what was really asked: an answer is kept by step and request.
        request_hash: Option<Arc<str>>,
        /// The result, with its marks.
        value: Value,
    }
}

record! {
    /// What will be tried, durable before anything leaves. Without an attempt it proves that nothing did.
    pub struct StepIntent {
        /// Path of the step.
        step: Arc<str>,
        /// How a lost answer is resolved: the word of the recovery class.
        class: Arc<str>,
        /// Name of the connection that it goes through.
        connection: Option<Arc<str>>,
        /// One for each item.
        intents: Vec<Intent>,
    }
}

record! {
    /// One intended effect.
    pub struct Intent {
        /// Its lasting name; run, item, step and generation are in it.
        effect: EffectId,
        /// The statement or request, for people.
        shown: String,
        /// The statement with its values, or method, path, headers and body: enough to send the same bytes again.
        request: Option<Value>,
        /// Fingerprint of the same.
        request_hash: Option<Arc<str>>,
        /// The rows as they are and as they should become. Of one of many items nothing: its plan stands in the list of them.
        planned: Vec<RowChange>,
    }
}

record! {
    /// The last durable word before a byte may leave.
    pub struct StepAttempt {
        /// Path of the step.
        step: Arc<str>,
        /// One for each item.
        attempts: Vec<Attempt>,
    }
}

record! {
    /// One attempt at one effect.
    pub struct Attempt {
        /// The effect.
        effect: EffectId,
        /// From 1.
        attempt: u32,
        /// After this moment the attempt is given up.
        deadline: Option<Stamp>,
    }
}

record! {
    /// The rows as read under their locks before and after, durable before the target's COMMIT.
    pub struct StepImages {
        /// Path of the step.
        step: Arc<str>,
        /// One for each item.
        images: Vec<Images>,
    }
}

record! {
    /// What one effect changes.
    pub struct Images {
        /// The effect.
        effect: EffectId,
        /// Whole rows, before and after.
        changes: Vec<RowChange>,
        /// Tables that were also touched (triggers, cascades) and will not be taken back.
        also_touched: Vec<Arc<str>>,
        /// How many rows were added to each of these, in their order; none where the database does not tell.
        also_added: Vec<u64>,
    }
}

record! {
    /// How a step ended.
    pub struct StepOutcome {
        /// Path of the step.
        step: Arc<str>,
        /// One for each item.
        outcomes: Vec<ItemOutcome>,
    }
}

record! {
    /// How a step ended for one item.
    pub struct ItemOutcome {
        /// The item.
        item: Arc<str>,
        /// Of the effect; 0 where the step has none.
        generation: u32,
        /// The word.
        outcome: Outcome,
        /// The result under the step's name, with its marks.
        value: Option<Value>,
        /// Why, for people: of the playbook, the database or the service.
        message: Option<String>,
        /// The answer in short, for people: `200 OK, 1.2 kB`.
        response: Option<String>,
        /// From the first attempt to the answer, in microseconds.
        micros: u64,
        /// How the item ends because of it, where the word alone does not say so: once what is to be done at the end of the blocks around
        /// it is done.
        ends: Option<End>,
        /// Inside a block with `rescue` or `always`: what these are told, `{ text, status, code, body, step }`.
        error: Option<Value>,
    }
}

record! {
    /// The verification of items passed.
    pub struct ItemVerified {
        /// One or many.
        items: Vec<Arc<str>>,
    }
}

record! {
    /// Items are over.
    pub struct ItemClosed {
        /// One or many.
        items: Vec<ClosedItem>,
    }
}

record! {
    /// How one item ended.
    pub struct ClosedItem {
        /// The item.
        item: Arc<str>,
        /// The word.
        end: End,
        /// Why, for people; `verify_failed`, `lost` and `orphan` are reasons too.
        reason: Option<String>,
    }
}

record! {
    /// A person is asked; the items wait.
    pub struct HumanAsked {
        /// Path of the step.
        step: Arc<str>,
        /// One or many.
        items: Vec<Arc<str>>,
        /// Who should answer.
        who: Arc<str>,
        /// The question; marked personal where it names somebody.
        question: Value,
        /// The answer's fields with type and description: `{"ticket": {"type": "string", …}}`.
        answer: Map,
        /// What the answer should rest on: names and texts.
        evidence: Option<Map>,
        /// The last moment at which an answer is taken.
        until: Option<Stamp>,
        /// How often the person is reminded, in microseconds.
        remind: Option<u64>,
        /// Question and evidence as this person gets to see them, where that is more than stands above. Personal.
        revealed: Option<Value>,
    }
}

record! {
    /// A message about a step leaves for a person, or is known to have left. The first of the two is durable before anything
    /// is sent, so that a message is sent at most once.
    pub struct HumanNotified {
        /// Path of the step.
        step: Arc<str>,
        /// One or many.
        items: Vec<Arc<str>>,
        /// Who gets it.
        who: Arc<str>,
        /// `question`, `reminder` or `escalation`.
        kind: Arc<str>,
        /// Which reminder it is, from 1; 0 otherwise.
        number: u32,
        /// How it reaches them: `slack`, `email`, …
        by: Arc<str>,
        /// What became of it; nothing when it is about to leave.
        result: Option<String>,
    }
}

record! {
    /// A person answered a question, or resolved what was in doubt.
    pub struct HumanDecided {
        /// Path of the step.
        step: Arc<str>,
        /// One or many.
        items: Vec<Arc<str>>,
        /// Who.
        actor: Arc<str>,
        /// `answer`, `done`, `not_done`, `abort`, …
        decision: Arc<str>,
        /// The answer's fields.
        values: Map,
        /// Why.
        reason: Option<String>,
    }
}

record! {
    /// The run stopped between two steps and can go on.
    pub struct RunPaused {
        /// Why.
        reason: String,
        /// When it may go on by itself.
        until: Option<Stamp>,
        /// At this moment somebody saw more of it than the journal holds: the journal was restored from a copy, and what the run
        /// did since is not recorded.
        behind: Option<Stamp>,
    }
}

record! {
    /// The run goes on.
    pub struct RunResumed {
        /// Who.
        actor: Arc<str>,
        /// Why.
        reason: Option<String>,
    }
}

record! {
    /// A person asked the run to end; no new step starts.
    pub struct RunCancelled {
        /// Who.
        actor: Arc<str>,
        /// Why.
        reason: String,
    }
}

record! {
    /// The run is over.
    pub struct RunClosed {
        /// Its worst item.
        end: End,
        /// Why, for people.
        reason: Option<String>,
        /// How many items ended how; zeros left out.
        counts: Vec<Count>,
    }
}

record! {
    /// How many items ended in one way.
    pub struct Count {
        /// The way.
        end: End,
        /// How many.
        items: u64,
    }
}

record! {
    /// Somebody agreed to a saved plan. Stands in the plan's own chain, under the plan's id.
    pub struct PlanApproved {
        /// Who.
        actor: Arc<str>,
        /// The digest that was agreed to.
        digest: Arc<str>,
        /// In what words.
        note: Option<String>,
        /// The measured effect that was agreed to: counts, tables, labels.
        effect: Value,
    }
}

record! {
    /// The payloads of the run's events were removed on purpose. Its last event.
    pub struct RunPurged {
        /// Who.
        actor: Arc<str>,
        /// Only payloads up to this number.
        through: u64,
        /// How many bytes they had.
        bytes: u64,
        /// Runs closed before this moment were meant.
        closed_before: Stamp,
        /// The playbook, for people: the run's own record of it is gone.
        playbook: Arc<str>,
    }
}
