//! Carrying out what was planned for many items: the list of them is recorded first, so that a run never depends on its source
//! or on the file of its plan again.

use super::{
    ahead::Ahead,
    still::{Again, Compare, Drifted, Facts, Looked},
};
use crate::{
    base::identity::{RunId, SINGLE_ITEM},
    engine::{
        drive::Stopped,
        fleet::{
            self, Came, Fleet, FleetError, Handed, Items, Make, Work, coming, pace::Before, roll::Roll,
            summary::Summary,
        },
        sets::built,
        setting::Setting,
        state::{ItemState, RunState},
        watch::Watch,
    },
    journal::{
        Appending, Claim,
        event::Event,
        payload::{ItemStarted, RunCreated, StartedItem},
    },
    ops::{
        Failure, Surroundings,
        apply::{Basis, Carried, append, created, halted, ledgers},
        cancel::{Wish, cancel},
        elsewhere, notify,
        project::Opened,
        record::Record,
        taken_back, turn,
    },
    plan::{
        Plan,
        file::BadPlan,
        file::Listed as Line,
        many::{Each, HELD},
        stored,
    },
    targets::model::After,
};
use futures_util::{
    StreamExt,
    stream::{self, BoxStream},
};
use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{Arc, atomic::AtomicBool},
};

/// So many items are recorded in one event.
const TOGETHER: usize = 200;
/// So many such events are on their way into the journal at the same time.
const AHEAD: usize = 3;

/// Records a new run of this plan, and carries it out.
#[allow(clippy::too_many_arguments, reason = "what a run is made of, one by one")]
pub async fn apply(
    surroundings: &Surroundings,
    record: &Record,
    opened: &Opened,
    setting: &Setting,
    plan: &Plan,
    basis: Basis<'_>,
    watch: Watch<'_>,
    pause: &AtomicBool,
) -> Result<Carried, Failure> {
    if basis.asks.is_some() {
        return Err(Failure::usage("people have to agree to this first, and many items are agreed to as a saved plan")
            .help("`trueup plan … --out FILE`, then `trueup approve FILE --reason \"…\"`, then `trueup apply FILE`"));
    }
    ledgers(setting, plan).await?;
    // The items of a run are those of its plan; what the source says by now is nothing that anybody looked at.
    let again = if basis.waited || basis.saved.is_some() { Again::read(setting).await? } else { None };
    let items = lines(record, plan, again.as_ref().map(|again| &again.looked))?;
    let doubts = elsewhere::items(record, setting, plan).await?;
    let created = created(record, opened, setting, plan, &basis);
    let (make, with_once) = (fleet::forward(setting), setting.has_once());
    let mut listed = Listed { setting, plan, created, seen: basis.seen, drifted: doubts, make, with_once };
    // How the tables are built is asked meanwhile: a plan that was read from its file does not know.
    let (recorded, ()) = tokio::join!(list(record, &listed, items, again.as_ref()), built::look(setting, false));
    listed.drifted = recorded?;
    // What it held of the source is not needed any more.
    drop(again);
    if let Some(other) = turn::first(record, setting).await? {
        let wish = Wish { reason: Some(&turn::gave_way(&other)), actor: Some(&setting.run.actor) };
        Box::pin(cancel(surroundings, record, opened, setting.run.id, &wish, watch, pause)).await?;
        return Err(turn::refusal(&other));
    }
    let_go(surroundings, record, listed, watch, pause).await
}

/// A run over the items of a plan, before its first word.
pub(super) struct Listed<'a> {
    /// The playbook and its surroundings.
    pub setting: &'a Setting,
    /// Its items.
    pub plan: &'a Plan,
    /// How it is made.
    pub created: RunCreated,
    /// Of a reconcile: what it saw.
    pub seen: Vec<Event>,
    /// Items that never begin: what their source says of them is not what was planned, or another run has left them in doubt.
    pub drifted: Drifted,
    /// The setting of each item.
    pub make: Make,
    /// The first item of the plan is what is done once for all.
    pub with_once: bool,
}

/// Carries out a run whose items are recorded.
pub(super) async fn let_go(
    surroundings: &Surroundings,
    record: &Record,
    listed: Listed<'_>,
    watch: Watch<'_>,
    pause: &AtomicBool,
) -> Result<Carried, Failure> {
    let Listed { setting, plan, created, make, with_once, mut drifted, .. } = listed;
    let claim = record.claim(surroundings, setting.run.id, &setting.run.actor).await?;
    taken_back::note(record, setting, Some(&created), &claim).await?;
    let mut each = plan.each(record.journal.sealer()).map_err(|why| unreadable(&why))?;
    let once = match each.next() {
        Some(Ok(plan)) => with_once.then(|| Work::of_once(plan, ItemState::default())),
        Some(Err(why)) => return Err(unreadable(&why)),
        None => None,
    };
    let of = plan.many.as_ref().map_or(0, |many| many.tally.items);
    let plans = match each {
        Each::Held(_) => Box::pin(stream::iter(each)),
        // Those that are carried out are read ahead, but few: each is as large as it gets here.
        Each::Read(_) => Ahead::of(2, each).stream(),
    };
    let items: Items<'_> = Box::pin(plans.enumerate().map(move |(number, item)| match item {
        Ok(plan) => {
            let drifted = drifted.remove(&plan.key);
            Ok(Work { drifted, ..Work::new(u32::try_from(number).unwrap_or(u32::MAX), plan) })
        }
        Err(why) => Err(FleetError::Items(format!("the plan {why}"))),
    }));
    let fleet = Fleet {
        setting,
        make,
        journal: &record.journal,
        claim,
        created: slim(created),
        cancelled: None,
        watch,
        pause,
        of,
        to_come: of,
        once,
        summary: Summary::default(),
        spoilt: Vec::new(),
        before: Before::default(),
        handed: Handed::default(),
    };
    carry(record, fleet, items).await
}

/// The first words of the run: how it was made, and all of its items ([`lines`] of the plan). Nothing begins before all of them are recorded. Where the
/// source was read again they are compared with it meanwhile; gives those that have drifted.
pub(super) async fn list(
    record: &Record,
    listed: &Listed<'_>,
    items: Lines,
    again: Option<&Again<'_>>,
) -> Result<Drifted, Failure> {
    let (run, single_use) = (listed.setting.run.id, listed.created.plan_id.is_some());
    let mut first: Vec<Event> = vec![listed.created.clone().into()];
    first.extend(listed.seen.iter().cloned());
    let (mut together, mut under_way) = (Vec::new(), VecDeque::new());
    let mut compare = again.map(Again::compare).transpose()?;
    // Known from the beginning.
    let doubts = &listed.drifted;
    let (none, mut told) = (Drifted::new(), HashSet::new());
    let mut items = items.enumerate();
    while let Some((number, item)) = items.next().await {
        let (item, facts) = item.map_err(|why| unreadable(&why))?;
        // What is done once comes first, and has no source.
        if let (Some(compare), Some(facts), 1..) = (&mut compare, facts, number) {
            compare.with(&item.key, facts)?;
        }
        if &*item.key == SINGLE_ITEM && !listed.with_once {
            continue;
        }
        // The last ones are kept for the last words, behind which the run may begin.
        if together.len() == TOGETHER {
            let so_far = compare.as_ref().map_or(&none, Compare::so_far);
            let started = started(std::mem::take(&mut together), [so_far, doubts], &mut told);
            if first.is_empty() {
                ahead_of(record, run, started, &mut under_way).await?;
            } else {
                // Whether the plan was used shows at once.
                let events: Vec<Event> = first.drain(..).chain([started]).collect();
                append(record, run, &events, single_use).await?;
            }
        }
        together.push(StartedItem { item: item.key, key: None, plan: Some(item.kept), drifted: None });
    }
    let mut drifted = compare.map(Compare::end).transpose()?.unwrap_or_default();
    drifted.extend(doubts.iter().map(|(item, why)| (item.clone(), why.clone())));
    let rest = (!together.is_empty()).then(|| started(together, [&drifted, &none], &mut told));
    // Of those that were recorded before it was known it is said now: the same words once more, and what it is.
    let mut late: HashMap<&Arc<str>, &String> =
        drifted.iter().filter(|(item, _)| !told.contains(*item) && !doubts.contains_key(*item)).collect();
    if !late.is_empty() {
        let mut items = lines(record, listed.plan, None)?;
        let mut again = Vec::new();
        while let Some(item) = items.next().await {
            let (item, _) = item.map_err(|why| unreadable(&why))?;
            let Some(why) = late.remove(&item.key) else { continue };
            let drifted = Some(why.clone());
            again.push(StartedItem { item: item.key, key: None, plan: Some(item.kept), drifted });
            if again.len() == TOGETHER || late.is_empty() {
                let started = ItemStarted { items: std::mem::take(&mut again) }.into();
                ahead_of(record, run, started, &mut under_way).await?;
            }
        }
    }
    for appending in under_way {
        appending.durable().await?;
    }
    let events: Vec<Event> = first.into_iter().chain(rest).collect();
    if !events.is_empty() {
        append(record, run, &events, single_use).await?;
    }
    Ok(drifted)
}

/// Records this while what comes behind it is made ready. Nothing begins before all of it is there.
async fn ahead_of(
    record: &Record,
    run: RunId,
    started: Event,
    under_way: &mut VecDeque<Appending>,
) -> Result<(), Failure> {
    under_way.push_back(record.journal.append_ahead(run, &[started])?);
    if under_way.len() > AHEAD
        && let Some(appending) = under_way.pop_front()
    {
        appending.durable().await?;
    }
    Ok(())
}

/// These items begin; of those that are known to have drifted it is told, and noted.
fn started(mut items: Vec<StartedItem>, drifted: [&Drifted; 2], told: &mut HashSet<Arc<str>>) -> Event {
    for one in items.iter_mut().filter(|_| drifted.iter().any(|some| !some.is_empty())) {
        one.drifted = drifted.iter().find_map(|some| some.get(&one.item)).cloned();
        told.extend(one.drifted.is_some().then(|| one.item.clone()));
    }
    ItemStarted { items }.into()
}

/// Items of a plan, each with what its source gave where that is compared.
pub(super) type Lines = BoxStream<'static, Result<(Line, Option<Facts>), BadPlan>>;

/// Those of the plan of a run.
pub(super) fn lines(record: &Record, plan: &Plan, looked: Option<&Arc<Looked>>) -> Result<Lines, Failure> {
    let sealer = record.journal.sealer().clone();
    let (each, compared) = (plan.each(&sealer).map_err(|why| unreadable(&why))?, looked.is_some());
    let looked = looked.cloned();
    let with_facts = move |line: Line| {
        let facts = looked.as_ref().map(|looked| looked.facts(line.given.as_ref()));
        (Line { given: None, ..line }, facts)
    };
    Ok(match each {
        Each::Held(items) => Box::pin(stream::iter(items.map(move |item| Ok(with_facts(Line::of(item)))))),
        Each::Read(items) => {
            // Nothing of the run has begun: one thread reads, others take apart what was read, and this one records it.
            let listed = move |line: Vec<u8>| Line::of_line(&line, &sealer, compared).map(&with_facts);
            Ahead::of(4, items.lines()).through(4, listed)
        }
    })
}

fn unreadable(why: &BadPlan) -> Failure {
    Failure::usage(format!("the plan {why}")).help(why.help())
}

/// Without what only readers of the journal need: every item has it at hand.
fn slim(created: RunCreated) -> RunCreated {
    RunCreated { plan: None, approvals: Vec::new(), ..created }
}

/// A run with many items.
pub fn is_many(setting: &Setting) -> bool {
    setting.playbook.targets.is_some()
}

/// Goes on with a run from where its events left it.
#[allow(clippy::too_many_arguments, reason = "what a run is made of, one by one")]
pub async fn go_on(
    record: &Record,
    setting: &Setting,
    make: Make,
    claim: Claim,
    mut roll: Roll,
    watch: Watch<'_>,
    pause: &AtomicBool,
) -> Result<Carried, Failure> {
    let run = claim.run;
    // Between looking and taking it somebody may have gone on with it.
    roll.catch_up(&record.journal).await?;
    let mut state = roll.standing(&record.journal).await?;
    let Some(created) = state.created.clone() else {
        return Err(Failure::usage(format!("run {} has no beginning in the journal", run.short())));
    };
    if let Err(failure) = all_there(run, &roll) {
        record.journal.release(&claim).await?;
        return Err(failure);
    }
    taken_back::note(record, setting, Some(&created), &claim).await?;
    let of = roll.count() as u64;
    let after_done =
        setting.playbook.targets.as_ref().is_some_and(|targets| targets.after == Some(After::PreviousDone));
    let spoilt = if after_done { coming::spoilt(&record.journal, run, &roll).await? } else { Vec::new() };
    let once = state.items.swap_remove(SINGLE_ITEM).map(|mut item| {
        let plan = item.plan.take().and_then(|kept| stored::load(&kept));
        Work::of_once(plan.unwrap_or_else(|| coming::unplanned(&SINGLE_ITEM.into())), item)
    });
    let roll = Arc::new(roll);
    let fleet = Fleet {
        setting,
        make,
        journal: &record.journal,
        claim,
        created: slim(created),
        cancelled: state.cancelled_by.filter(|_| state.cancelled),
        watch,
        pause,
        of,
        to_come: roll.open() as u64,
        once,
        summary: roll.summary(),
        spoilt,
        before: roll.before(),
        handed: Handed::after(roll.clone()),
    };
    let items = coming::coming(&record.journal, run, roll.clone(), state.items);
    let mut carried = carry(record, fleet, items).await?;
    // What was changed before is summed up only now: nobody waits for it with the first change.
    if let Some(came) = &mut carried.many {
        let earlier = roll.rows(&record.journal).await?;
        came.summary.with_rows(&earlier);
    }
    Ok(carried)
}

/// Refuses a run whose list of items was cut off by a crash: nothing of it has begun.
pub(in crate::ops) fn all_there(run: RunId, roll: &Roll) -> Result<(), Failure> {
    let there = roll.count() as u64;
    let Some(planned) = roll.run.broke_off(there) else { return Ok(()) };
    let short = run.short();
    let failure = Failure::usage(format!("run {short} broke off while its items were recorded: {there} of {planned}"))
        .help("nothing was changed by it");
    Err(failure.help(match roll.run.closed {
        Some(_) => "it is over; plan again".to_owned(),
        None => format!("`trueup cancel {short} --reason …` ends it; then plan again"),
    }))
}

/// Lets a fleet go, and says how far it came.
async fn carry(record: &Record, fleet: Fleet<'_>, items: Items<'_>) -> Result<Carried, Failure> {
    let (claim, few) = (fleet.claim.clone(), fleet.of as usize <= HELD);
    let (setting, watch) = (fleet.setting, fleet.watch);
    let created = fleet.created.clone();
    let came: Came = match fleet.run(items).await {
        Ok(came) => came,
        Err(FleetError::Journal(error, unrecorded)) => {
            return Err(halted(record, &claim, &unrecorded, error).await);
        }
        Err(FleetError::Items(why)) => {
            record.journal.release(&claim).await?;
            return Err(Failure::Halted { message: format!("paused: {why}"), help: Vec::new() }
                .help(format!("`trueup resume {}` goes on with what the journal holds", claim.run.short())));
        }
    };
    if !matches!(came.stopped, Stopped::Closed(_)) {
        if matches!(came.stopped, Stopped::Waits(_)) {
            notify::send(record, setting, &claim, &record.state(claim.run).await?, watch).await?;
        }
        record.journal.release(&claim).await?;
    }
    // What nobody will look at whole is not read again.
    let state =
        if few { record.state(claim.run).await? } else { RunState { created: Some(created), ..RunState::default() } };
    let drift = state.items.values().flat_map(|item| item.steps.values()).flat_map(|step| step.drift()).collect();
    Ok(Carried { stopped: came.stopped.clone(), state, drift, many: Some(Box::new(came)) })
}
