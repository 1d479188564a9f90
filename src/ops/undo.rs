//! `undo`: a run is taken back by another run, which is planned, shown, confirmed and carried out as any other.

use super::{
    Failure, Surroundings,
    apply::{self, Basis, Carried, carry},
    approve,
    many::{self, carry::is_many, plan::Into, undo::Backward},
    plan::Prepared,
    project::Opened,
    record::Record,
    resume::setting_as,
    taken_back::{self, About},
    turn,
};
use crate::{
    action::{kinds::Act, step::Step},
    base::{
        counted::counted,
        identity::{RunId, SINGLE_ITEM},
        suggest,
        value::Value,
    },
    connection::standing::{Unlike, moved, unlike as standing_of},
    effect::kept::Kept,
    engine::{
        drive::Stopped,
        fleet::roll::Roll,
        rehearse::{self, Answers},
        setting::{RunFacts, Setting},
        state::{APPROVAL, RunState},
        undo::{
            PURPOSE,
            done::{self, Done},
            outline::{self, Past, Wish as Back},
            standing::{self, Standing},
            trail::Trail,
        },
        watch::Watch,
    },
    journal::{
        Claim, RunFilter, RunSummary,
        event::Event,
        failure::JournalError,
        payload::{ItemStarted, RunCreated, StartedItem},
        words::End,
    },
    plan::{Plan, file::Saved, stored},
    report::exit::Exit,
};
use std::sync::{Arc, atomic::AtomicBool};

/// What a person asks for.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// Only this item.
    pub item: Option<String>,
    /// One row that cannot be taken back stops the whole.
    pub all_or_nothing: bool,
    /// Names or paths of steps whose effects are left as they are.
    pub leave: Vec<String>,
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
    pub(super) created: RunCreated,
    pub(super) all_or_nothing: bool,
    /// How many events it had when it was looked at.
    events: u64,
    /// Of a run over many items: the way back of each.
    pub(super) backward: Option<Arc<Backward>>,
}

/// What a saved plan says of the undo that it will be.
pub(super) struct Planned {
    /// Its run.
    pub run: RunId,
    /// Its reason, unless another one is given.
    pub reason: Option<String>,
}

/// Puts together what an undo of this run needs, if it can be taken back. Nothing is recorded yet.
pub async fn prepare(
    surroundings: &Surroundings,
    record: &Record,
    opened: &Opened,
    run: RunId,
    wish: &Wish,
) -> Result<Ready, Failure> {
    prepare_as(surroundings, record, opened, run, wish, None).await
}

/// The same for a plan that was saved.
pub(super) async fn prepare_as(
    surroundings: &Surroundings,
    record: &Record,
    opened: &Opened,
    run: RunId,
    wish: &Wish,
    planned: Option<Planned>,
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
    if record.worked_on_by(surroundings, run).await?.is_none() {
        many::carry::all_there(run, &roll)?;
    }
    is_over(surroundings, record, run, &state, "taken back").await?;
    stands(record, run, wish.item.as_deref()).await?;
    has_item(record, run, &roll, wish.item.as_deref()).await?;
    let kept = planned.as_ref().and_then(|planned| planned.reason.clone()).filter(|_| wish.reason.is_none());
    let facts = RunFacts {
        id: planned.as_ref().map_or_else(|| RunId(surroundings.world.id()), |planned| planned.run),
        actor: actor.into(),
        reason: kept.unwrap_or_else(|| reason(run, wish.reason.as_deref(), &created)).into(),
        now: surroundings.world.now(),
    };
    let mut prepared = setting_as(surroundings, record, opened, run, &created, facts).await?;
    to_be_left(&prepared.setting, &wish.leave)?;
    let mut backward = None;
    let is_any = if is_many(&prepared.setting) {
        super::record::seal_with(&mut prepared.setting, record);
        let setting = &prepared.setting;
        let made = earlier(record, setting.run.id, run).await?;
        let ways = many::undo::backward(record, setting, run, wish, &made).await?;
        backward.insert(ways).is_any().await?
    } else {
        with_outline(record, &mut prepared.setting, run, wish).await? > 0
    };
    if !is_any {
        return Err(Failure::usage(format!("run {} changed nothing, so there is nothing to take back", run.short())));
    }
    let about = About { run, item: wish.item.as_deref(), own: prepared.setting.run.id };
    taken_back::look(record, &prepared.setting, &about).await?;
    Ok(Ready { about: run, prepared, created, all_or_nothing: wish.all_or_nothing, events: state.events, backward })
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

/// Refuses a run that was taken back already, or in which an undo's own undo has made something again: that is taken back first, by the run
/// that made it. `item`: only what bears on this one.
async fn stands(record: &Record, run: RunId, item: Option<&str>) -> Result<(), Failure> {
    let short = run.short();
    let runs = runs_of(record, run).await?;
    let undos = || runs.iter().filter(|undo| undo.about == Some(run));
    if let Some(by) = undos().find(|undo| undo.end.is_none()) {
        return Err(Failure::usage(format!(
            "run {} by {} takes run {short} back and is not over",
            by.id.short(),
            by.actor
        ))
        .help(format!("`trueup resume {}` goes on with it", by.id.short())));
    }
    for undo in undos() {
        let part = part_of(record, undo.id).await?;
        if part.as_deref().is_some_and(|part| item.is_some_and(|item| item != part)) {
            continue;
        }
        let what = match &part {
            Some(part) => format!("item `{part}` of run {short}"),
            None => format!("run {short}"),
        };
        let all_of_it = part.as_deref() == item || part.is_none();
        let by = match standing::of(&runs, undo.id) {
            Standing::UnderWay(by) => {
                return Err(Failure::usage(format!(
                    "{what} was taken back, and run {} by {} makes it again and is not over",
                    by.id.short(),
                    by.actor
                ))
                .help(format!("`trueup resume {}` goes on with it", by.id.short())));
            }
            Standing::TakenBack(by) => {
                let in_part = if undo.end == Some(End::Changed) { "" } else { " in part" };
                return Err(Failure::usage(format!(
                    "{what} was taken back{in_part}, and run {} by {} made it again",
                    by.id.short(),
                    by.actor
                ))
                .help(format!("take that one back: `trueup undo {}`", by.id.short())));
            }
            Standing::Stands => undo,
            Standing::MadeAgain(by) => by,
        };
        // What was left alone can still be taken back, and so can all other items.
        if undo.end == Some(End::Changed) && all_of_it {
            return Err(Failure::usage(format!(
                "{what} was taken back already, by {} in run {}",
                by.actor,
                by.id.short()
            ))
            .help(format!("`trueup undo {}` makes again what it took back", by.id.short())));
        }
    }
    Ok(())
}

/// The only item that an undo took back, where it was one of many; of what was removed nobody can say that it was only a part.
async fn part_of(record: &Record, undo: RunId) -> Result<Option<String>, Failure> {
    let first = match record.journal.latest(undo, "run.created").await {
        Err(JournalError::Purged { .. }) => None,
        first => first?,
    };
    let Some(Event::RunCreated(created)) = first.map(|stored| stored.event) else { return Ok(None) };
    Ok(created.plan.and_then(|wish| wish.get("item")?.as_str().map(str::to_owned)))
}

/// The run that took this one back as a whole. One item of many that was taken back leaves the others standing.
pub(super) async fn taken_back_by(record: &Record, run: RunId) -> Result<Option<RunId>, Failure> {
    let runs = runs_of(record, run).await?;
    for undo in runs.iter().filter(|undo| undo.about == Some(run) && undo.end == Some(End::Changed)) {
        let by = match standing::of(&runs, undo.id) {
            Standing::Stands => undo,
            Standing::MadeAgain(by) => by,
            _ => continue,
        };
        if part_of(record, undo.id).await?.is_none() {
            return Ok(Some(by.id));
        }
    }
    Ok(None)
}

/// An earlier undo of a run that did something, and stands: what is done again must not rest on what is gone.
pub(super) async fn taken_apart_by<'r>(
    record: &Record,
    runs: &'r [RunSummary],
    run: RunId,
) -> Result<Option<&'r RunSummary>, Failure> {
    for undo in runs.iter().filter(|undo| undo.about == Some(run) && undo.end.is_some()) {
        let stands = matches!(standing::of(runs, undo.id), Standing::Stands | Standing::MadeAgain(_));
        if stands && did_something(record, undo).await? {
            return Ok(Some(undo));
        }
    }
    Ok(None)
}

/// Whether anything was tried in a run that did not just end well.
async fn did_something(record: &Record, run: &RunSummary) -> Result<bool, Failure> {
    match run.end {
        Some(End::Changed) => Ok(true),
        Some(End::Unchanged | End::Skipped) => Ok(false),
        _ => match Trail::read(&record.journal, run.id, None).await {
            Ok(trail) => Ok(!trail.once.is_empty() || !trail.newest_first().is_empty()),
            Err(JournalError::Purged { .. }) => Ok(true),
            Err(other) => Err(other.into()),
        },
    }
}

/// The undos of a run, the undos of these, and so on. By what they are about and not by when they were made: a clock may have been set back
/// since, and an undo that is not seen is made twice.
pub(super) async fn runs_of(record: &Record, run: RunId) -> Result<Vec<RunSummary>, Failure> {
    let (mut all, mut next) = (Vec::<RunSummary>::new(), vec![run]);
    while let Some(about) = next.pop() {
        let filter = RunFilter { about: Some(about), purpose: Some(PURPOSE.into()), ..RunFilter::default() };
        for undo in record.journal.runs(&filter, u32::MAX >> 1).await? {
            if all.iter().all(|known| known.id != undo.id) {
                next.push(undo.id);
                all.push(undo);
            }
        }
    }
    Ok(all)
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
async fn with_outline(record: &Record, setting: &mut Setting, run: RunId, wish: &Wish) -> Result<usize, Failure> {
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
    let Wish { item, all_or_nothing, leave, .. } = wish;
    let (item, all_or_nothing) = (item.as_deref(), *all_or_nothing);
    let outline = outline::of(setting, &past, &Back { effects: &effects, item, all_or_nothing, leave, made: &made });
    setting.set_outline(outline);
    Ok(setting.outline.nodes.len())
}

/// Earlier undos of the run; each of them left something alone, else there would be no other.
pub(super) async fn earlier(record: &Record, own: RunId, run: RunId) -> Result<Vec<RunId>, Failure> {
    let runs = runs_of(record, run).await?;
    let earlier = runs.iter().filter(|r| r.about == Some(run) && r.id != own && r.end.is_some());
    let stands = |r: &&RunSummary| matches!(standing::of(&runs, r.id), Standing::Stands | Standing::MadeAgain(_));
    Ok(earlier.filter(stands).map(|undo| undo.id).collect())
}

/// What they did.
async fn made_before(record: &Record, own: RunId, run: RunId) -> Result<Vec<(Done, RunId)>, Failure> {
    let mut made = Vec::new();
    for undo in earlier(record, own, run).await? {
        let events = record.journal.events(undo).await?;
        made.extend(done::of(events.iter().map(|stored| &stored.event)).into_iter().map(|done| (done, undo)));
    }
    Ok(made)
}

fn past(id: RunId, state: &RunState) -> Option<Past<'_>> {
    let created = state.created.as_ref()?;
    let (actor, reason) = (created.actor.clone(), created.reason.as_str().into());
    Some(Past { facts: RunFacts { id, actor, reason, now: created.now }, state })
}

/// How the undo is wanted, as its run keeps it.
fn kept(wish: &Wish, whole: Option<Value>) -> Value {
    let Wish { item, all_or_nothing, leave, .. } = wish;
    let item = item.as_deref().map_or(Value::NULL, Value::from);
    let leave = (!leave.is_empty()).then(|| Value::list(leave.iter().map(|step| step.as_str().into())));
    let wish = [("item", item), ("all_or_nothing", (*all_or_nothing).into())];
    let wish = wish.into_iter().chain(leave.map(|leave| ("leave", leave)));
    // Whoever has to agree must see all of it.
    Value::map(wish.chain(whole.map(|whole| (stored::WHOLE, whole))))
}

/// The same, back from its run.
pub(super) fn wish_of(created: &RunCreated) -> Wish {
    let Some(kept) = created.plan.as_ref().filter(|_| &*created.purpose == PURPOSE) else { return Wish::default() };
    let leave = kept.get("leave");
    let leave = leave.iter().filter_map(|leave| leave.as_list()).flatten();
    Wish {
        item: kept.get("item").and_then(|item| item.as_str().map(str::to_owned)),
        all_or_nothing: kept.get("all_or_nothing").and_then(|whole| whole.as_bool()).unwrap_or(false),
        leave: leave.filter_map(|step| step.as_str().map(str::to_owned)).collect(),
        ..Wish::default()
    }
}

/// Refuses a step that the playbook does not have, and a part of a transaction, which is taken back as a whole.
fn to_be_left(setting: &Setting, leave: &[String]) -> Result<(), Failure> {
    fn labels(steps: &[Step], block: Option<&str>, all: &mut Vec<(String, Option<String>)>) {
        for (index, step) in steps.iter().enumerate() {
            let label = step.label(index);
            let whole = matches!(&step.act, Act::Block(block) if block.transaction.is_some()).then_some(&*label);
            for (_, inner) in step.parts() {
                labels(inner, block.or(whole), all);
            }
            all.push((label.clone(), block.map(str::to_owned)));
        }
    }
    let mut all = Vec::new();
    let playbooks = std::iter::once(&setting.playbook).chain(setting.called.values());
    playbooks.flat_map(|playbook| playbook.sections()).for_each(|(_, steps)| labels(steps, None, &mut all));
    for step in leave {
        let name = step.rsplit('/').next().unwrap_or(step);
        let failure = match all.iter().find(|(label, _)| label == name) {
            Some((_, None)) => continue,
            Some((_, Some(block))) => Failure::usage(format!("`{name}` is a part of a transaction"))
                .help(format!("its rows are taken back together, or not at all: `--leave {block}`")),
            None => {
                let failure = Failure::usage(format!("the playbook of the run has no step `{name}`"));
                match suggest::help(name, all.iter().map(|(label, _)| label.as_str())) {
                    Some(help) => failure.help(help),
                    None => failure,
                }
            }
        };
        return Err(failure);
    }
    Ok(())
}

/// The setting of a run that is itself an undo: made again from the events of the run that it takes back.
pub(super) async fn complete(record: &Record, setting: &mut Setting, created: &RunCreated) -> Result<(), Failure> {
    let Some(about) = created.about.filter(|_| &*created.purpose == PURPOSE) else { return Ok(()) };
    if is_many(setting) {
        // Each item has a way back of its own.
        return Ok(());
    }
    with_outline(record, setting, about, &wish_of(created)).await?;
    Ok(())
}

/// Tries the undo out, and rolls it back.
pub async fn plan(ready: &Ready, watch: Watch<'_>) -> Result<Plan, Failure> {
    Ok(planned(ready, watch, None).await?.0)
}

/// The same; of many items the plan is kept in a file, where one is named.
pub(super) async fn planned(
    ready: &Ready,
    watch: Watch<'_>,
    into: Option<Into<'_>>,
) -> Result<(Plan, Option<Saved>), Failure> {
    let setting = &ready.prepared.setting;
    let title = format!("Take back run {}: {}", ready.about.short(), setting.playbook.title.as_str());
    if let Some(backward) = &ready.backward {
        let (plan, saved) = many::undo::plan(setting, backward, title.into(), watch, into).await?;
        same_databases(ready, &plan)?;
        return Ok((plan, saved));
    }
    let made = rehearse::plan(setting, &Answers::new(), watch).await;
    let mut plan = made.map_err(|failure| super::plan::of_plan(*failure, setting))?;
    same_databases(ready, &plan)?;
    plan.title = title.into();
    Ok((plan, None))
}

/// Refuses a database that is not the one which the run changed: its images say nothing about another one.
fn same_databases(ready: &Ready, plan: &Plan) -> Result<(), Failure> {
    // What a run keeps is masked: a secret may be a part of a path.
    let setting = &ready.prepared.setting;
    let masks = &setting.masks;
    // Services and programs were looked at when the run was read.
    let databases = ready.created.targets.iter().filter(|target| setting.database(&target.connection).is_some());
    for target in databases {
        let found = plan.targets.iter().find(|(connection, _)| *connection == target.connection);
        let unlike = found.and_then(|(_, found)| standing_of(&masks.apply(&target.identity), &masks.apply(found)));
        if let Some(Unlike::Database { planned, found, exchanged }) = unlike {
            let (name, run) = (&target.connection, ready.about.short());
            let failure = Failure::usage(format!("`{name}` is not the database that run {run} changed"))
                .help(format!("it changed {planned}, and this is {found}"));
            return Err(if exchanged {
                failure.help(format!(
                    "the file was exchanged for another one, as a restore or a copy does; put the file of before back, or \
                     change by hand what `trueup show {run} --json` tells of each column"
                ))
            } else {
                failure.help("look where the connection leads")
            });
        }
        let found = found.map(|(_, found)| moved(&masks.apply(&target.identity), &masks.apply(found)));
        if let Some((table, [then, now])) = found.into_iter().flatten().next() {
            let (name, run) = (&target.connection, ready.about.short());
            return Err(Failure::refused(
                Exit::Drifted,
                format!("`{name}.{table}` is not the table that run {run} changed: that was in the schema `{then}`, and the name means one in `{now}` now"),
            )
            .help("nothing was changed; look at the `search_path` of the role, or name the schema in the connection (`schema:`)"));
        }
    }
    Ok(())
}

/// How many rows the undo would leave alone.
pub fn left_alone(plan: &Plan) -> usize {
    plan.tally().left_alone
}

/// Refuses a plan that would take back only a part, where all or nothing was asked for.
pub fn whole(ready: &Ready, plan: &Plan) -> Result<(), Failure> {
    if ready.all_or_nothing { takes_all(ready.about, plan) } else { Ok(()) }
}

fn takes_all(about: RunId, plan: &Plan) -> Result<(), Failure> {
    let run = about.short();
    let refused = |exit, what: &str| Failure::refused(exit, format!("{what}, so nothing is taken back"));
    match (plan.tally().left_alone, Exit::of_plan(plan, false)) {
        (0, Exit::Done) => Ok(()),
        (0, exit) => {
            let of = if plan.many.is_some() { "an item ends" } else { "it ends" };
            Err(refused(exit, &format!("taking back run {run} would not get through: {of} early"))
                .help(format!("`trueup undo {run} --plan` shows where and why")))
        }
        (left, _) => {
            let noun = plan.left_noun();
            let rows = if left == 1 { format!("a {noun} is") } else { format!("{} are", counted(left, noun)) };
            Err(refused(Exit::Drifted, &format!("{rows} not as run {run} left it"))
                .help(format!("without `--all-or-nothing` those {noun}s are left alone and the others are taken back")))
        }
    }
}

/// The same of what is there by now, where time has passed since the plan was made: somebody may have changed a row in between.
async fn still_whole(ready: &Ready, basis: &Basis<'_>, watch: Watch<'_>) -> Result<(), Failure> {
    if !ready.all_or_nothing || !(basis.saved.is_some() || basis.waited) {
        return Ok(());
    }
    // The steps of a preview are not those of the run, of which the display tells.
    let quiet = |_| {};
    let watch: Watch<'_> = if ready.backward.is_some() { watch } else { &quiet };
    takes_all(ready.about, &planned(ready, watch, None).await?.0)
}

/// The same of a run that is such an undo and has waited until people agreed: nothing of it is done yet.
pub(super) async fn still_whole_since(setting: &Setting, run: RunId, state: &RunState) -> Result<(), Failure> {
    let Some(created) = state.created.as_ref().filter(|created| wish_of(created).all_or_nothing) else { return Ok(()) };
    let steps = state.items.get(SINGLE_ITEM).map(|item| &item.steps);
    let waited = steps.is_some_and(|steps| !steps.is_empty() && steps.keys().all(|path| &**path == APPROVAL));
    let Some(about) = created.about.filter(|_| waited) else { return Ok(()) };
    let made = rehearse::plan(setting, &Answers::new(), &|_| {}).await;
    let plan = made.map_err(|failure| super::plan::of_plan(*failure, setting))?;
    takes_all(about, &plan).map_err(|failure| {
        failure.help(format!("`trueup resume {0}` looks again, `trueup cancel {0} --reason …` ends it", run.short()))
    })
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
    let basis = Basis { asks: approve::asked(&ready.prepared.setting, plan), ..Basis::default() };
    undo_on(surroundings, record, ready, plan, wish, basis, watch, pause).await
}

/// The same of what it rests on: a saved plan that people agreed to, or their agreement that is still to be asked for.
#[allow(clippy::too_many_arguments, reason = "what a run is made of, one by one")]
pub async fn undo_on(
    surroundings: &Surroundings,
    record: &Record,
    ready: &Ready,
    plan: &Plan,
    wish: &Wish,
    basis: Basis<'_>,
    watch: Watch<'_>,
    pause: &AtomicBool,
) -> Result<Carried, Failure> {
    let carried = set_out(surroundings, record, ready, plan, wish, basis, watch, pause).await?;
    super::trace::note(surroundings, ready.prepared.setting.run.id, &carried.state, carried.many.as_deref());
    Ok(carried)
}

#[allow(clippy::too_many_arguments, reason = "what a run is made of, one by one")]
async fn set_out(
    surroundings: &Surroundings,
    record: &Record,
    ready: &Ready,
    plan: &Plan,
    wish: &Wish,
    basis: Basis<'_>,
    watch: Watch<'_>,
    pause: &AtomicBool,
) -> Result<Carried, Failure> {
    let setting = &ready.prepared.setting;
    apply::ledgers(setting, plan).await?;
    turn::expect(record, setting).await?;
    let run = setting.run.id;
    if ready.backward.is_some() && basis.asks.is_some() {
        let short = ready.about.short();
        return Err(Failure::usage("people have to agree to this first, and many items are agreed to as a saved plan")
            .help(format!(
                "`trueup undo {short} --plan --out FILE`, then `trueup approve FILE --reason \"…\"`, then `trueup apply FILE`"
            )));
    }
    still_whole(ready, &basis, watch).await?;
    let waits = basis.asks.as_ref().map(|asked| Stopped::Waits(asked.step.clone()));
    let created = created(ready, plan, wish, &basis);
    // While its undo is recorded nobody else may work on the run, or take it back as well.
    let held = record.claim(surroundings, ready.about, &setting.run.actor).await?;
    let recorded = async {
        unmoved(record, ready, wish).await?;
        match &ready.backward {
            Some(backward) => many::undo::record(record, setting, plan, created.clone(), backward).await,
            None => record_run(record, ready, plan, created.clone(), basis).await,
        }
    };
    let recorded = recorded.await;
    record.journal.release(&held).await?;
    recorded?;
    if let Some(stopped) = waits {
        return Ok(Carried { stopped, state: record.state(run).await?, drift: Vec::new(), many: None });
    }
    if let Some(backward) = &ready.backward {
        return many::undo::carry(surroundings, record, setting, plan, created, backward, watch, pause).await;
    }
    let claim = record.claim(surroundings, run, &setting.run.actor).await?;
    carry(record, setting, claim, plan.items.first(), watch, pause).await
}

/// Refuses when the run was taken back or done again since it was looked at.
async fn unmoved(record: &Record, ready: &Ready, wish: &Wish) -> Result<(), Failure> {
    let (about, short) = (ready.about, ready.about.short());
    stands(record, about, wish.item.as_deref()).await?;
    for name in ["run.resumed", "run.closed"] {
        if record.journal.latest(about, name).await?.is_some_and(|last| last.seq > ready.events) {
            return Err(Failure::usage(format!("run {short} went on since it was looked at"))
                .help("look again when it is over: plan the undo anew"));
        }
    }
    Ok(())
}

async fn record_run(
    record: &Record,
    ready: &Ready,
    plan: &Plan,
    created: RunCreated,
    basis: Basis<'_>,
) -> Result<(), Failure> {
    let item = plan.items.first().map(stored::store);
    let started = StartedItem { item: SINGLE_ITEM.into(), key: None, plan: item.map(Kept::Value), drifted: None };
    let single_use = basis.saved.is_some();
    let mut events: Vec<Event> = vec![created.into(), ItemStarted { items: vec![started] }.into()];
    events.extend(basis.asks.map(Event::from));
    apply::append(record, ready.prepared.setting.run.id, &events, single_use).await
}

/// How the run of an undo is made.
fn created(ready: &Ready, plan: &Plan, wish: &Wish, basis: &Basis<'_>) -> RunCreated {
    let setting = &ready.prepared.setting;
    // Whoever has to agree must see all of it.
    let whole = basis.asks.is_some().then(|| stored::whole(plan));
    RunCreated {
        purpose: PURPOSE.into(),
        about: Some(ready.about),
        reason: setting.run.reason.to_string(),
        actor: setting.run.actor.clone(),
        now: setting.run.now,
        plan_digest: Some(basis.saved.map_or_else(|| plan.digest(), |saved| saved.digest.clone()).into()),
        plan_id: basis.saved.map(|saved| saved.header.id.clone()),
        plan: Some(kept(wish, whole)),
        plan_summary: Some(apply::summary(plan)),
        engine: env!("CARGO_PKG_VERSION").into(),
        targets: apply::targets(plan),
        approvals: basis.approvals.clone(),
        ..ready.created.clone()
    }
}
