//! `apply`: the plan that was shown becomes a run, and the run is carried out.

use super::{
    Failure, Surroundings, approve, elsewhere, notify,
    project::Opened,
    record::Record,
    saved::{secret_of, used},
    secrets_again, taken_back, turn,
};
use crate::{
    base::{
        identity::{RunId, SINGLE_ITEM},
        value::Value,
    },
    connection::standing,
    effect::{kept::Kept, matched},
    engine::{
        drive::{Driver, Stopped, Unrecorded},
        fleet::Came,
        lease::CLAIM,
        setting::Setting,
        state::RunState,
        trouble::Difference,
        watch::Watch,
    },
    journal::{
        Beginning, Claim,
        event::Event,
        failure::JournalError,
        payload::{Approval, HumanAsked, ItemStarted, RunCreated, StartedItem, Target},
    },
    plan::{ItemPlan, Plan, file::Saved, stored},
};
use std::sync::{Arc, atomic::AtomicBool};

/// The longest reason.
pub const LONGEST_REASON: usize = 500;

/// A reason and an actor that may stand in an audit trail.
pub fn named<'a>(reason: Option<&'a str>, actor: Option<&'a str>) -> Result<(&'a str, &'a str), Failure> {
    let Some(reason) = reason.map(str::trim).filter(|r| !r.is_empty()) else {
        return Err(
            Failure::usage("a run needs a reason").help("say why, for the audit trail: `--reason \"Zendesk 4711: …\"`")
        );
    };
    let length = reason.chars().count();
    if length > LONGEST_REASON {
        return Err(Failure::usage(format!("the reason has {length} characters; at most {LONGEST_REASON}")));
    }
    let Some(actor) = actor.map(str::trim).filter(|a| !a.is_empty()) else {
        return Err(Failure::usage("nobody knows who runs this").help("say who: `--actor NAME`, or set TRUEUP_ACTOR"));
    };
    Ok((reason, actor))
}

/// Refuses where the project file speaks of a ledger that is not there: without it the run could not keep what is promised
/// for it.
pub(super) async fn ledgers(setting: &Setting, plan: &Plan) -> Result<(), Failure> {
    for database in setting.written().filter(|database| database.ledger()) {
        let name = database.name();
        let seen = plan.targets.iter().find(|(connection, _)| connection == name).map(|(_, text)| text);
        // Mostly the plan has looked already; a connection of its own is only needed where nothing could be tried out.
        let has = match seen {
            Some(text) => standing::names_ledger(text),
            None => database.has_ledger().await.map_err(|fault| {
                Failure::usage(format!("failed to look for the ledger of `{name}`: {fault}")).help(fault.help())
            })?,
        };
        if !has {
            let message = format!("`{name}` says `ledger: true`, and its ledger table is missing");
            let command = format!("trueup connection prepare {name} --env {}", setting.environment);
            return Err(Failure::usage(message).help(format!("run `{command}`")));
        }
    }
    Ok(())
}

/// What a run rests on beside its plan.
#[derive(Default)]
pub struct Basis<'a> {
    /// The file that the plan comes from.
    pub saved: Option<&'a Saved>,
    /// Who agreed to it.
    pub approvals: Vec<Approval>,
    /// What has to be agreed to before the run goes on.
    pub asks: Option<HumanAsked>,
    /// Of a reconcile: what it saw, recorded with the first words of the run.
    pub seen: Vec<Event>,
    /// Somebody was asked since the plan was made: the source of its items may say something else by now, as that of a saved plan.
    pub waited: bool,
}

pub use crate::engine::fleet::RECONCILE;

/// Counts of a plan, for lists.
pub(super) fn summary(plan: &Plan) -> Value {
    let all = plan.counts();
    let count = |n: usize| Value::from(i64::try_from(n).unwrap_or(i64::MAX));
    let items = super::many::plan::counted(plan).map(|items| ("items", items));
    let counts = [
        ("changes", count(all.changes)),
        ("rows", count(all.rows)),
        ("requests", count(all.requests)),
        ("questions", count(all.questions)),
        ("exact", count(all.exact)),
    ];
    let compared = plan.many.as_ref().and_then(|many| many.matched.as_ref());
    let compared = compared.map(|matched| (matched::KEY, matched.value()));
    Value::map(counts.into_iter().chain(items).chain(compared))
}

/// The systems that a plan was made against.
pub(super) fn targets(plan: &Plan) -> Vec<Target> {
    let target = |(connection, identity): &(Arc<str>, String)| Target {
        connection: connection.clone(),
        identity: identity.as_str().into(),
    };
    plan.targets.iter().map(target).collect()
}

/// Records a new run of this plan. Nothing has happened yet.
pub async fn create(
    record: &Record,
    opened: &Opened,
    setting: &Setting,
    plan: &Plan,
    basis: Basis<'_>,
) -> Result<RunId, Failure> {
    if let (Some(_), Some(name)) = (&basis.asks, secret_of(setting)) {
        let message = format!(
            "people have to agree to it first, and by then nobody has `{name}` any more: it is a secret, and secrets are kept nowhere"
        );
        return Err(Failure::usage(message)
            .help("let the connection hold the secret (`auth:`), which each process looks up by itself"));
    }
    ledgers(setting, plan).await?;
    begin(record, opened, setting, plan, basis).await
}

/// The same where it is known that every ledger is there.
async fn begin(
    record: &Record,
    opened: &Opened,
    setting: &Setting,
    plan: &Plan,
    basis: Basis<'_>,
) -> Result<RunId, Failure> {
    let run = setting.run.id;
    let single_use = basis.saved.is_some();
    append(record, run, &all_words(record, opened, setting, plan, basis), single_use).await.map(|()| run)
}

/// The same of a run that this process carries out at once, with the claim on it.
async fn begin_claimed(
    surroundings: &Surroundings,
    record: &Record,
    opened: &Opened,
    setting: &Setting,
    plan: &Plan,
    basis: Basis<'_>,
) -> Result<Claim, Failure> {
    let run = setting.run.id;
    let single_use = basis.saved.is_some();
    let events = all_words(record, opened, setting, plan, basis);
    let holder = record.holder(surroundings, &setting.run.actor);
    let (claim, beginning) = record.journal.begin_beside(run, &events, holder, CLAIM)?;
    match beginning.durable().await {
        Ok(()) => Ok(claim),
        Err(error) => Err(not_begun(record, run, error, single_use).await?),
    }
}

/// What a run about one record begins with, and the question with which it waits.
fn all_words(record: &Record, opened: &Opened, setting: &Setting, plan: &Plan, basis: Basis<'_>) -> Vec<Event> {
    let mut events = first_words(record, opened, setting, plan, &basis);
    events.extend(basis.asks.map(Event::from));
    events
}

/// What a run about one record begins with.
fn first_words(record: &Record, opened: &Opened, setting: &Setting, plan: &Plan, basis: &Basis<'_>) -> Vec<Event> {
    let created = created(record, opened, setting, plan, basis);
    let plan = plan.items.first().map(stored::store);
    let started = StartedItem { item: SINGLE_ITEM.into(), key: None, plan: plan.map(Kept::Value), drifted: None };
    let mut events: Vec<Event> = vec![created.into(), ItemStarted { items: vec![started] }.into()];
    events.extend(basis.seen.iter().cloned());
    events
}

/// The first events of a run.
pub(super) async fn append(record: &Record, run: RunId, events: &[Event], single_use: bool) -> Result<(), Failure> {
    match record.journal.append(run, events).await {
        Ok(_) => Ok(()),
        Err(error) => Err(not_begun(record, run, error, single_use).await?),
    }
}

/// Why a run could not begin.
async fn not_begun(record: &Record, run: RunId, error: JournalError, single_use: bool) -> Result<Failure, Failure> {
    match error {
        // Two began the same file at once: the other one was first.
        JournalError::OutOfOrder { .. } if single_use => used(record, run).await,
        JournalError::PlanUsed { run, .. } => used(record, run).await,
        error => Ok(error.into()),
    }
}

/// What a run of this plan begins with.
pub(super) fn created(
    record: &Record,
    opened: &Opened,
    setting: &Setting,
    plan: &Plan,
    basis: &Basis<'_>,
) -> RunCreated {
    RunCreated {
        playbook: plan.playbook.clone(),
        version: plan.version,
        text: setting.source.text().into(),
        sha256: plan.text_hash.as_str().into(),
        called: Vec::new(),
        facts: opened.source.text().into(),
        params: setting.params.clone(),
        purpose: if basis.seen.is_empty() { "apply" } else { RECONCILE }.into(),
        about: None,
        reason: setting.run.reason.to_string(),
        actor: setting.run.actor.clone(),
        environment: setting.environment.clone(),
        now: setting.run.now,
        // A plan made on the spot is used by this run alone; single use concerns plans that are saved.
        plan_digest: Some(basis.saved.map_or_else(|| plan.digest(), |saved| saved.digest.clone()).into()),
        plan_id: basis.saved.map(|saved| saved.header.id.clone()),
        // Whoever has to agree must see all of it; else what is compared is enough.
        plan: basis.asks.is_some().then(|| stored::whole(plan)),
        plan_summary: Some(summary(plan)),
        engine: env!("CARGO_PKG_VERSION").into(),
        targets: targets(plan),
        approvals: basis.approvals.clone(),
        secrets: secrets_again::fingerprints(record.journal.sealer(), &setting.params),
    }
}

/// How far a run got.
pub struct Carried {
    /// Where driving stopped.
    pub stopped: Stopped,
    /// Where the run stands.
    pub state: RunState,
    /// What is no longer as planned, when that is why it stopped.
    pub drift: Vec<Difference>,
    /// Of a run over many items: what they came to, and why it stands still.
    pub many: Option<Box<Came>>,
}

/// Carries a run out, from wherever it stands, until it is over, waits or is asked to pause.
pub async fn carry(
    record: &Record,
    setting: &Setting,
    claim: Claim,
    plan: Option<&ItemPlan>,
    watch: Watch<'_>,
    pause: &AtomicBool,
) -> Result<Carried, Failure> {
    let state = record.state(claim.run).await?;
    taken_back::note(record, setting, state.created.as_ref(), &claim).await?;
    carry_from(record, setting, claim, plan, (state, None), watch, pause).await
}

/// The same from a state that is known, perhaps while the first words of the run are on their way into the journal.
async fn carry_from(
    record: &Record,
    setting: &Setting,
    claim: Claim,
    plan: Option<&ItemPlan>,
    (state, beginning): (RunState, Option<Beginning>),
    watch: Watch<'_>,
    pause: &AtomicBool,
) -> Result<Carried, Failure> {
    let driver = Driver::new(setting, &record.journal, claim.clone(), plan, watch, pause, state);
    let mut driver = driver.beginning(beginning);
    let stopped = match Box::pin(driver.run()).await {
        Ok(stopped) => stopped,
        Err(error) if driver.unbegun => return Err(error.into()),
        Err(error) => return Err(halted(record, &claim, &driver.take_unrecorded(), error).await),
    };
    let (mut state, drift) = (driver.state, driver.drift);
    // The end of a run gives its claim back in the same transaction.
    if !matches!(stopped, Stopped::Closed(_)) {
        if matches!(stopped, Stopped::Waits(_)) {
            let sent = notify::send(record, setting, &claim, &state, watch).await?;
            if !sent.is_empty() {
                state = record.state(claim.run).await?;
            }
        }
        record.journal.release(&claim).await?;
    }
    Ok(Carried { stopped, state, drift, many: None })
}

/// So many effects that could not be recorded are named; the others are counted.
const NAMED: usize = 10;

/// What was done and the journal does not know of, a line each.
fn unrecorded_words(unrecorded: &[Unrecorded]) -> Vec<String> {
    let line = |Unrecorded { item, path, outcome, summary }: &Unrecorded| {
        let summary = if summary.is_empty() { String::new() } else { format!(": {summary}") };
        let word = outcome.word().replace('_', " ");
        let of = if **item == *SINGLE_ITEM { String::new() } else { format!(" of item {item}") };
        format!("`{path}`{of} ended ({word}{summary}), and that could not be recorded; whoever goes on finds it out")
    };
    let more = match unrecorded.len().saturating_sub(NAMED) {
        0 => None,
        1 => Some("the same of 1 step more".to_owned()),
        more => Some(format!("the same of {more} steps more")),
    };
    unrecorded.iter().take(NAMED).map(line).chain(more).collect()
}

/// Why the run cannot go on in this process, and what became of its last steps.
pub(super) async fn halted(record: &Record, claim: &Claim, unrecorded: &[Unrecorded], error: JournalError) -> Failure {
    let run = claim.run.short();
    let mut help = unrecorded_words(unrecorded);
    help.push(match unrecorded.len() {
        0 => "nothing more was sent, and what was not committed is taken back".to_owned(),
        1 => "nothing more was sent after it".to_owned(),
        _ => "nothing more was sent after them".to_owned(),
    });
    if matches!(error, JournalError::ClaimLost { .. }) {
        let by = record.journal.holder(claim.run).await.ok().flatten();
        let by = by.map_or_else(
            || "another process".to_owned(),
            |by| format!("{} (process {} on {}, since {}Z)", by.holder.name, by.holder.pid, by.holder.host, by.since),
        );
        return Failure::Halted {
            message: format!("run {run} was taken over: {by} works on it now; this process stopped"),
            help,
        };
    }
    // If it can be given back others need not wait for its time to be over.
    let _ = record.journal.release(claim).await;
    help.push(format!("`trueup resume {run}` goes on once the journal can be written again"));
    Failure::Halted { message: format!("paused: journal unavailable: {error}"), help }
}

/// Makes a run of a plan that was made on the spot and carries it out.
pub async fn apply(
    surroundings: &Surroundings,
    record: &Record,
    opened: &Opened,
    setting: &Setting,
    plan: &Plan,
    watch: Watch<'_>,
    pause: &AtomicBool,
) -> Result<Carried, Failure> {
    let asks = approve::asked(setting, plan);
    apply_on(surroundings, record, opened, setting, plan, Basis { asks, ..Basis::default() }, watch, pause).await
}

/// Makes a run of a plan and carries it out; one that people have to agree to waits for them.
#[allow(clippy::too_many_arguments, reason = "what a run is made of, one by one")]
pub async fn apply_on(
    surroundings: &Surroundings,
    record: &Record,
    opened: &Opened,
    setting: &Setting,
    plan: &Plan,
    basis: Basis<'_>,
    watch: Watch<'_>,
    pause: &AtomicBool,
) -> Result<Carried, Failure> {
    let carried = set_out(surroundings, record, opened, setting, plan, basis, watch, pause).await?;
    super::trace::note(surroundings, setting.run.id, &carried.state, carried.many.as_deref());
    Ok(carried)
}

#[allow(clippy::too_many_arguments, reason = "what a run is made of, one by one")]
async fn set_out(
    surroundings: &Surroundings,
    record: &Record,
    opened: &Opened,
    setting: &Setting,
    plan: &Plan,
    basis: Basis<'_>,
    watch: Watch<'_>,
    pause: &AtomicBool,
) -> Result<Carried, Failure> {
    turn::expect(record, setting).await?;
    if plan.many.is_some() {
        return super::many::carry::apply(surroundings, record, opened, setting, plan, basis, watch, pause).await;
    }
    elsewhere::expect_none(surroundings, record, setting, plan).await?;
    if let Some(asked) = &basis.asks {
        let stopped = Stopped::Waits(asked.step.clone());
        let run = create(record, opened, setting, plan, basis).await?;
        if let Some(other) = turn::first(record, setting).await? {
            return turn::give_way(record, run, None, &other).await;
        }
        return Ok(Carried { stopped, state: record.state(run).await?, drift: Vec::new(), many: None });
    }
    // The preconditions read first: connecting goes on beside the first words in the journal.
    setting.written().for_each(|database| {
        database.expect_reading();
        database.expect_changing();
    });
    ledgers(setting, plan).await?;
    if basis.saved.is_none() && !turn::is_limited(setting) {
        // Only this run uses the plan: the preconditions are read while its first words become durable.
        let events = first_words(record, opened, setting, plan, &basis);
        let holder = record.holder(surroundings, &setting.run.actor);
        let (claim, beginning) = record.journal.begin_beside(setting.run.id, &events, holder, CLAIM)?;
        let mut state = RunState::of(events.into_iter().map(|event| (claim.since, event)));
        // The claim is an event as well.
        state.events += 1;
        let begun = (state, Some(beginning));
        return carry_from(record, setting, claim, plan.items.first(), begun, watch, pause).await;
    }
    let claim = begin_claimed(surroundings, record, opened, setting, plan, basis).await?;
    if let Some(other) = turn::first(record, setting).await? {
        return turn::give_way(record, setting.run.id, Some(&claim), &other).await;
    }
    carry(record, setting, claim, plan.items.first(), watch, pause).await
}
