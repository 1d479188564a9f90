//! `undo`: a run is taken back by another run, which is planned, shown, confirmed and carried out as any other.

use super::{
    Failure, Surroundings,
    apply::{self, Carried, carry},
    approve,
    many::{self, carry::is_many, undo::Backward},
    plan::Prepared,
    project::Opened,
    record::Record,
    resume::setting_as,
};
use crate::{
    base::{
        identity::{RunId, SINGLE_ITEM},
        suggest,
        value::Value,
    },
    connection::standing::{Unlike, unlike as standing_of},
    engine::{
        drive::Stopped,
        fleet::roll::Roll,
        rehearse::{self, Answers},
        setting::{RunFacts, Setting},
        state::RunState,
        undo::{
            PURPOSE,
            done::{self, Done},
            outline::{self, Past, Wish as Back},
            standing::{self, Standing},
        },
        watch::Watch,
    },
    journal::{
        Claim, RunFilter, RunSummary,
        event::Event,
        payload::{HumanAsked, ItemStarted, RunCreated, StartedItem},
    },
    plan::{Plan, stored},
};
use std::sync::atomic::AtomicBool;

/// What a person asks for.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// Only this item.
    pub item: Option<String>,
    /// One row that cannot be taken back stops the whole.
    pub all_or_nothing: bool,
    /// Why; without it the undo says of which run it is.
    pub reason: Option<String>,
    /// Who.
    pub actor: Option<String>,
}

/// An undo that can be planned and carried out.
pub struct Ready {
    /// The run that is taken back.
    pub about: RunId,
    /// The setting of the undo, and the mocks that play its APIs.
    pub prepared: Prepared,
    created: RunCreated,
    all_or_nothing: bool,
    /// Of a run over many items: the way back of each.
    backward: Option<Backward>,
}

/// Puts together what an undo of this run needs, if it can be taken back. Nothing is recorded yet.
pub async fn prepare(
    surroundings: &Surroundings,
    record: &Record,
    opened: &Opened,
    run: RunId,
    wish: &Wish,
) -> Result<Ready, Failure> {
    let actor = wish.actor.as_deref().map(str::trim).filter(|a| !a.is_empty());
    let actor = actor.ok_or_else(|| {
        Failure::usage("nobody knows who takes it back").help("say who: `--actor NAME`, or set TRUEUP_ACTOR")
    })?;
    if let Some(reason) = &wish.reason {
        apply::named(Some(reason), Some(actor))?;
    }
    let roll = record.roll(run).await?;
    let state = roll.standing(&record.journal).await?;
    let Some(created) = state.created.clone() else {
        return Err(Failure::usage(format!("run {} has no beginning in the journal", run.short())));
    };
    is_over(surroundings, record, run, &state, "taken back").await?;
    stands(record, run, &state, wish.item.as_deref()).await?;
    has_item(record, run, &roll, wish.item.as_deref()).await?;
    let facts = RunFacts {
        id: RunId(surroundings.world.id()),
        actor: actor.into(),
        reason: reason(run, wish.reason.as_deref(), &created).into(),
        now: surroundings.world.now(),
    };
    let mut prepared = setting_as(surroundings, opened, run, &created, facts).await?;
    let (item, all_or_nothing) = (wish.item.as_deref(), wish.all_or_nothing);
    let mut backward = None;
    let places = if is_many(&prepared.setting) {
        let setting = &prepared.setting;
        let made = made_before(record, setting.run.id, run).await?;
        let ways = many::undo::backward(record, setting, run, item, all_or_nothing, &made).await?;
        backward.insert(ways).count()
    } else {
        with_outline(record, &mut prepared.setting, run, item, all_or_nothing).await?
    };
    if places == 0 {
        return Err(Failure::usage(format!("run {} changed nothing, so there is nothing to take back", run.short())));
    }
    Ok(Ready { about: run, prepared, created, all_or_nothing, backward })
}

/// What stands in the application's audit rows as the reason.
fn reason(run: RunId, given: Option<&str>, created: &RunCreated) -> String {
    let why = given.map_or(created.reason.as_str(), str::trim);
    let text = match given {
        Some(_) => format!("undo of run {}: {why}", run.short()),
        None => format!("undo of run {} ({why})", run.short()),
    };
    if text.chars().count() <= apply::LONGEST_REASON {
        return text;
    }
    text.chars().take(apply::LONGEST_REASON - 1).chain(['…']).collect()
}

/// Refuses a run that is still going on, or of which something is in doubt. `what` is done with it when it is over.
pub(super) async fn is_over(
    surroundings: &Surroundings,
    record: &Record,
    run: RunId,
    state: &RunState,
    what: &str,
) -> Result<(), Failure> {
    let short = run.short();
    if state.closed.is_none()
        && let Some(claim) = record.worked_on_by(surroundings, run).await?
    {
        return Err(Failure::usage(format!("run {short} is not over: {}", who(&claim))).help(format!(
            "it can be {what} when it is over; `trueup cancel {short} --reason …` ends it between two steps"
        )));
    }
    if let Some((_, path, step)) = state.doubts().next() {
        let failure = Failure::usage(format!("run {short} is in doubt: nobody knows whether `{path}` happened"));
        return Err(if step.needs_a_person() {
            failure.help(format!("decide that first: `trueup resolve {short} --done|--not-done|--abort --reason …`"))
        } else {
            failure.help(format!("`trueup resume {short}` finds out, and goes on"))
        });
    }
    if state.closed.is_some() {
        return Ok(());
    }
    let steps = state.items.values().flat_map(|item| item.steps.values());
    let asked = steps.filter(|s| s.waits()).find_map(|s| s.asked.as_ref());
    let stands = match (asked, &state.paused) {
        (Some(asked), _) => format!("it waits for the answer of {}", asked.who),
        (None, Some(why)) => format!("it is paused ({why})"),
        (None, None) => "it was interrupted".to_owned(),
    };
    let on = if asked.is_some() {
        "`trueup inbox` has its question".to_owned()
    } else {
        format!("`trueup resume {short}` goes on with it")
    };
    Err(Failure::usage(format!("run {short} is not over: {stands}"))
        .help(format!("{on}, `trueup cancel {short} --reason …` ends it")))
}

/// `anna works on it since 12:30:01 (process 4711 on host)`.
pub fn who(claim: &Claim) -> String {
    let holder = &claim.holder;
    let since = crate::base::time::Stamp { digits: 0, ..claim.since };
    format!("{} works on it since {since} UTC (process {} on {})", holder.name, holder.pid, holder.host)
}

/// Refuses a run that was taken back already.
async fn stands(record: &Record, run: RunId, state: &RunState, item: Option<&str>) -> Result<(), Failure> {
    let short = run.short();
    let runs = runs_of(record, state).await?;
    match standing::of(&runs, run) {
        Standing::Stands => Ok(()),
        // One item of many was taken back: the others stand.
        Standing::TakenBack(by) if in_part(record, by.id).await?.is_some_and(|part| Some(&*part) != item) => Ok(()),
        Standing::TakenBack(by) => {
            Err(Failure::usage(format!("run {short} was taken back already, by {} in run {}", by.actor, by.id.short()))
                .help(format!("`trueup undo {}` makes again what it took back", by.id.short())))
        }
        Standing::MadeAgain(by) => Err(Failure::usage(format!(
            "run {short} was taken back, and run {} by {} made it again",
            by.id.short(),
            by.actor
        ))
        .help(format!("take that one back: `trueup undo {}`", by.id.short()))),
        Standing::UnderWay(by) => {
            Err(Failure::usage(format!("run {} by {} takes run {short} back and is not over", by.id.short(), by.actor))
                .help(format!("`trueup resume {}` goes on with it", by.id.short())))
        }
    }
}

/// The only item that an undo took back, where it was one of many.
async fn in_part(record: &Record, undo: RunId) -> Result<Option<String>, Failure> {
    let wish = record.roll(undo).await?.run.created.and_then(|created| created.plan);
    Ok(wish.and_then(|wish| wish.get("item")?.as_str().map(str::to_owned)))
}

/// More runs of a playbook since a run was made are not looked at.
const MOST: u32 = 10_000;

/// The runs among which undos of this one can be, newest first.
pub(super) async fn runs_of(record: &Record, state: &RunState) -> Result<Vec<RunSummary>, Failure> {
    let playbook = state.created.as_ref().map(|c| c.playbook.to_string());
    let filter = RunFilter { playbook, since: state.created_at, ..RunFilter::default() };
    Ok(record.journal.runs(&filter, MOST).await?)
}

/// The item that is asked for exists.
pub(super) async fn has_item(record: &Record, run: RunId, roll: &Roll, item: Option<&str>) -> Result<(), Failure> {
    let Some(item) = item.filter(|item| !roll.has(item)) else { return Ok(()) };
    let failure = Failure::usage(format!("run {} has no item `{item}`", run.short()));
    if roll.count() == 0 {
        return Err(failure.help("it worked on one record; leave `--item` out"));
    }
    let mut names = Vec::new();
    roll.walk(&record.journal, |_, key, item| names.extend(item.is_none().then(|| key.clone()))).await?;
    Err(match suggest::help(item, names.iter().map(|key| &**key)) {
        Some(help) => failure.help(help),
        None => failure,
    })
}

/// Gives the setting the outline of an undo of `run`; how many places it has.
async fn with_outline(
    record: &Record,
    setting: &mut Setting,
    run: RunId,
    item: Option<&str>,
    all_or_nothing: bool,
) -> Result<usize, Failure> {
    let mut chain = Vec::new();
    let mut next = Some(run);
    while let Some(run) = next {
        let state = record.state(run).await?;
        next = state.created.as_ref().filter(|c| &*c.purpose == PURPOSE).and_then(|c| c.about);
        chain.push((run, state));
    }
    chain.reverse();
    let past: Vec<Past<'_>> = chain.iter().filter_map(|(id, state)| past(*id, state)).collect();
    let events = record.journal.events(run).await?;
    let effects = done::of(events.iter().map(|stored| &stored.event));
    let effects = done::standing(effects, &setting.outline);
    let made = made_before(record, setting.run.id, run).await?;
    let outline = outline::of(setting, &past, &Back { effects: &effects, item, all_or_nothing, made: &made });
    setting.set_outline(outline);
    Ok(setting.outline.nodes.len())
}

/// What earlier undos of the run did; each of them left something alone, else there would be no other.
pub(super) async fn made_before(record: &Record, own: RunId, run: RunId) -> Result<Vec<(Done, RunId)>, Failure> {
    let Some(line) = record.journal.run(run).await? else { return Ok(Vec::new()) };
    let filter = RunFilter { playbook: Some(line.playbook), since: Some(line.started_at), ..RunFilter::default() };
    let runs = record.journal.runs(&filter, MOST).await?;
    let earlier =
        runs.iter().filter(|r| &*r.purpose == PURPOSE && r.about == Some(run) && r.id != own && r.end.is_some());
    let mut made = Vec::new();
    for undo in earlier.filter(|r| matches!(standing::of(&runs, r.id), Standing::Stands | Standing::MadeAgain(_))) {
        let events = record.journal.events(undo.id).await?;
        made.extend(done::of(events.iter().map(|stored| &stored.event)).into_iter().map(|done| (done, undo.id)));
    }
    Ok(made)
}

fn past(id: RunId, state: &RunState) -> Option<Past<'_>> {
    let created = state.created.as_ref()?;
    let (actor, reason) = (created.actor.clone(), created.reason.as_str().into());
    Some(Past { facts: RunFacts { id, actor, reason, now: created.now }, state })
}

/// How the undo is wanted, as its run keeps it.
fn kept(item: Option<&str>, all_or_nothing: bool, whole: Option<Value>) -> Value {
    let wish = [("item", item.map_or(Value::NULL, Value::from)), ("all_or_nothing", all_or_nothing.into())];
    // Whoever has to agree must see all of it.
    Value::map(wish.into_iter().chain(whole.map(|whole| (stored::WHOLE, whole))))
}

/// The setting of a run that is itself an undo: made again from the events of the run that it takes back.
pub(super) async fn complete(record: &Record, setting: &mut Setting, created: &RunCreated) -> Result<(), Failure> {
    let Some(about) = created.about.filter(|_| &*created.purpose == PURPOSE) else { return Ok(()) };
    if is_many(setting) {
        // Each item has a way back of its own.
        return Ok(());
    }
    let wish = created.plan.clone().unwrap_or(Value::NULL);
    let item = wish.get("item").and_then(|v| v.as_str().map(str::to_owned));
    let all_or_nothing = wish.get("all_or_nothing").and_then(|v| v.as_bool()).unwrap_or(false);
    with_outline(record, setting, about, item.as_deref(), all_or_nothing).await?;
    Ok(())
}

/// Tries the undo out, and rolls it back.
pub async fn plan(ready: &Ready, watch: Watch<'_>) -> Result<Plan, Failure> {
    let setting = &ready.prepared.setting;
    if let Some(backward) = &ready.backward {
        let title = format!("Take back run {}: {}", ready.about.short(), setting.playbook.title.as_str());
        let plan = many::undo::plan(setting, backward, title.into(), watch).await?;
        same_databases(ready, &plan)?;
        return Ok(plan);
    }
    let made = rehearse::plan(setting, &Answers::new(), watch).await;
    let mut plan = made.map_err(|failure| super::plan::of_plan(*failure, setting))?;
    same_databases(ready, &plan)?;
    plan.title = format!("Take back run {}: {}", ready.about.short(), plan.title).into();
    Ok(plan)
}

/// Refuses a database that is not the one which the run changed: its images say nothing about another one.
fn same_databases(ready: &Ready, plan: &Plan) -> Result<(), Failure> {
    for target in &ready.created.targets {
        let found = plan.targets.iter().find(|(connection, _)| *connection == target.connection);
        let unlike = found.and_then(|(_, found)| standing_of(&target.identity, found));
        if let Some(Unlike::Database { planned, found }) = unlike {
            let name = &target.connection;
            return Err(Failure::usage(format!(
                "`{name}` is not the database that run {} changed",
                ready.about.short()
            ))
            .help(format!("it changed {planned}, and this is {found}")));
        }
    }
    Ok(())
}

/// How many rows the undo would leave alone.
pub fn left_alone(plan: &Plan) -> usize {
    plan.tally().left_alone
}

/// Records the run of an undo that was shown, and carries it out.
pub async fn undo(
    surroundings: &Surroundings,
    record: &Record,
    ready: &Ready,
    plan: &Plan,
    wish: &Wish,
    watch: Watch<'_>,
    pause: &AtomicBool,
) -> Result<Carried, Failure> {
    let setting = &ready.prepared.setting;
    apply::ledgers(setting, plan).await?;
    let asks = approve::asked(setting, plan);
    let waits = asks.as_ref().map(|asked| Stopped::Waits(asked.step.clone()));
    let run = setting.run.id;
    if is_many(setting) {
        return undo_many(surroundings, record, ready, plan, wish, watch, pause).await;
    }
    // While its undo is recorded nobody else may work on the run, or take it back as well.
    let held = record.claim(surroundings, ready.about, &setting.run.actor).await?;
    let recorded = record_run(record, ready, plan, wish, asks).await;
    record.journal.release(&held).await?;
    recorded?;
    if let Some(stopped) = waits {
        return Ok(Carried { stopped, state: record.state(run).await?, drift: Vec::new(), many: None });
    }
    let claim = record.claim(surroundings, run, &setting.run.actor).await?;
    carry(record, setting, claim, plan.items.first(), watch, pause).await
}

/// The same for many items.
async fn undo_many(
    surroundings: &Surroundings,
    record: &Record,
    ready: &Ready,
    plan: &Plan,
    wish: &Wish,
    watch: Watch<'_>,
    pause: &AtomicBool,
) -> Result<Carried, Failure> {
    let setting = &ready.prepared.setting;
    if approve::asked(setting, plan).is_some() {
        return Err(Failure::usage(
            "people have to agree to this first, and the undo of many items cannot be saved yet",
        )
        .help("take the items back one by one: `--item KEY`"));
    }
    let state = record.state(ready.about).await?;
    stands(record, ready.about, &state, wish.item.as_deref()).await?;
    let made = made_before(record, setting.run.id, ready.about).await?;
    let backward =
        many::undo::backward(record, setting, ready.about, wish.item.as_deref(), ready.all_or_nothing, &made).await?;
    let created = created(ready, plan, wish, false);
    many::undo::carry(surroundings, record, setting, plan, created, backward, watch, pause).await
}

async fn record_run(
    record: &Record,
    ready: &Ready,
    plan: &Plan,
    wish: &Wish,
    asks: Option<HumanAsked>,
) -> Result<(), Failure> {
    let setting = &ready.prepared.setting;
    let state = record.state(ready.about).await?;
    stands(record, ready.about, &state, wish.item.as_deref()).await?;
    if state.closed.is_none() {
        return Err(
            Failure::usage(format!("run {} goes on again", ready.about.short())).help("take it back when it is over")
        );
    }
    let created = created(ready, plan, wish, asks.is_some());
    let item = plan.items.first().map(stored::store);
    let started = StartedItem { item: SINGLE_ITEM.into(), key: None, plan: item };
    let mut events: Vec<Event> = vec![created.into(), ItemStarted { items: vec![started] }.into()];
    events.extend(asks.map(Event::from));
    record.journal.append(setting.run.id, &events).await?;
    Ok(())
}

/// How the run of an undo is made; `whole`: people have to agree to it.
fn created(ready: &Ready, plan: &Plan, wish: &Wish, whole: bool) -> RunCreated {
    let setting = &ready.prepared.setting;
    RunCreated {
        purpose: PURPOSE.into(),
        about: Some(ready.about),
        reason: setting.run.reason.to_string(),
        actor: setting.run.actor.clone(),
        now: setting.run.now,
        plan_digest: Some(plan.digest().into()),
        plan_id: None,
        plan: Some(kept(wish.item.as_deref(), ready.all_or_nothing, whole.then(|| stored::whole(plan)))),
        plan_summary: Some(apply::summary(plan)),
        engine: env!("CARGO_PKG_VERSION").into(),
        targets: apply::targets(plan),
        approvals: Vec::new(),
        ..ready.created.clone()
    }
}
