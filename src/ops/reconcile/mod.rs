//! `reconcile`: a playbook is compared with the world; what differs is told and, where that was asked for, healed within its
//! caps. One run of the journal, of the purpose `reconcile`: previewed, bound to its plan, agreed to by the rules of the
//! environment, taken back as any other.

mod caps;
mod found;
mod gone;
mod order;
mod past;
mod stands;

pub use past::{last, look};

use super::{
    Failure, Surroundings,
    apply::{self, Basis, RECONCILE, append},
    approve, many,
    plan::{self, Prepared, Request},
    playbook::{self, Loaded},
    project::Opened,
    record::{self, Record},
    saved, trace,
};
use crate::{
    approval::Demand,
    base::{identity::RunId, value::Value, world::World},
    engine::{drive::Stopped, setting::Setting, watch::Watch},
    journal::{
        event::Event,
        occasion::KeptPlan,
        payload::{Count, RunClosed},
        words::End,
    },
    plan::Plan,
    playbook::schedules::{Caps, Mode},
    report::reconciled::Reconciled,
    targets::limits::StopAfter,
};
use found::Found;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// What is to be reconciled, and how.
#[derive(Clone, Debug)]
pub struct Wish {
    /// Name or path of the playbook.
    pub playbook: String,
    /// Parameters, environment, in whose name and why.
    pub request: Request,
    /// Report, or heal.
    pub mode: Mode,
    /// How far, besides what the playbook says.
    pub caps: Caps,
    /// The id that its run has; a new one where nothing is said.
    pub run: Option<RunId>,
    /// The schedule that asks for it.
    pub schedule: Option<Arc<str>>,
}

/// Looks, heals what it may, and records both.
pub async fn reconcile(
    surroundings: &Surroundings,
    record: &Record,
    opened: &Opened,
    wish: &Wish,
    watch: Watch<'_>,
    pause: &AtomicBool,
) -> Result<Reconciled, Failure> {
    let loaded = playbook::load(surroundings, opened, &wish.playbook)?;
    loaded_one(surroundings, record, opened, loaded, wish, watch, pause).await
}

/// The same of a playbook that is loaded.
pub async fn loaded_one(
    surroundings: &Surroundings,
    record: &Record,
    opened: &Opened,
    loaded: Loaded,
    wish: &Wish,
    watch: Watch<'_>,
    pause: &AtomicBool,
) -> Result<Reconciled, Failure> {
    apply::named(wish.request.reason.as_deref(), wish.request.actor.as_deref())?;
    // What is to be healed may have to be agreed to, and is carried out by whoever comes then.
    let request = Request { run: wish.run, saved: wish.mode == Mode::Heal, ..wish.request.clone() };
    let mut prepared = plan::setting(surroundings, opened, loaded, &request).await?;
    record::seal_with(&mut prepared.setting, record);
    let made = tokio::select! {
        biased;
        made = plan::plan(&prepared.setting, &wish.request, watch) => made?,
        () = told_to_stop(&prepared.setting.world, pause) => return Err(stopped()),
    };
    if pause.load(Ordering::Relaxed) {
        return Err(stopped());
    }
    let run = prepared.setting.run.id;
    let mut before = past::before(record, &prepared.setting, run).await?;
    let mut found = Found::of(&prepared.setting, &made, record, &before)?;
    past::healed_before(record, &found, &mut before).await?;
    found.compare(before, run, made.at);
    gone::tell(&mut found, &prepared.setting).await;
    let healing = match wish.mode {
        Mode::Report => {
            let own = prepared.setting.playbook.reconcile.as_ref().and_then(|rule| rule.heal.as_ref());
            found.would = Some(caps::would(&caps::all(&wish.caps, own, found.of), &found));
            None
        }
        Mode::Heal => heal(surroundings, record, opened, &mut prepared, &made, wish, &mut found)?,
    };
    let seen = found.events(wish);
    match healing {
        None => {
            told(record, opened, &prepared, &made, seen, &found).await?;
            if trace::is_on(surroundings) {
                trace::note(surroundings, run, &record.state(run).await?, None);
            }
        }
        Some(healing) => {
            let asks = approve::asked(&prepared.setting, &healing);
            let basis = Basis { seen, asks, ..Basis::default() };
            let setting = &prepared.setting;
            let carried = apply::apply_on(surroundings, record, opened, setting, &healing, basis, watch, pause).await?;
            if let Stopped::InDoubt(path) = &carried.stopped {
                surroundings.notes.add(&format!(
                    "nobody knows whether `{path}` of run {} took effect; `trueup inbox` tells what to do",
                    run.short()
                ));
            }
        }
    }
    look(record, run).await
}

/// So often somebody looks whether it is to stop.
const LOOK: Duration = Duration::from_millis(100);

/// Somebody wants it to stop. What is only looked at is dropped wherever it stands: it left nothing behind.
async fn told_to_stop(world: &World, pause: &AtomicBool) {
    while !pause.load(Ordering::Relaxed) {
        world.beat(LOOK).await;
    }
}

fn stopped() -> Failure {
    Failure::Halted {
        message: "stopped while it was looked at what differs; nothing was changed".into(),
        help: Vec::new(),
    }
    .help("the next reconcile looks again")
}

/// What is to be healed, as a plan of its own; nothing where nothing differs or a rule refuses it all.
fn heal(
    surroundings: &Surroundings,
    record: &Record,
    opened: &Opened,
    prepared: &mut Prepared,
    made: &Plan,
    wish: &Wish,
    found: &mut Found,
) -> Result<Option<Plan>, Failure> {
    let setting = &mut prepared.setting;
    let own = setting.playbook.reconcile.as_ref().and_then(|rule| rule.heal.clone());
    let caps = caps::all(&wish.caps, own.as_ref(), found.of);
    caps::apply(&caps, found);
    if found.healing == 0 {
        return Ok(None);
    }
    stops(setting, &wish.caps, found.healing);
    let healing = if made.many.is_some() {
        many::plan::only(setting, made, &record.sealer, found.chooses(), None)?.0
    } else {
        made.clone()
    };
    let demands = approve::demands(&opened.project, &setting.playbook, &healing);
    if !demands.is_empty() && healing.many.is_some() {
        let needed: Vec<String> = demands.iter().map(Demand::words).collect();
        found.kept = Some(keep(surroundings, record, opened, setting, made, found, wish)?);
        found.refuse_all(format!("people have to agree to it ({})", needed.join("; ")));
        return Ok(None);
    }
    Ok(Some(healing))
}

/// Healing so many items stops when the strictest says so: who gave these caps, the playbook for its healing, or its limits for every run.
pub fn stops(setting: &mut Setting, given: &Caps, items: u64) {
    let own = setting.playbook.reconcile.as_ref().and_then(|rule| rule.heal.as_ref());
    let caps = caps::all(given, own, items);
    let Some(failed) = caps.stop_after else { return };
    let mut playbook = (*setting.playbook).clone();
    let limits = playbook.limits.get_or_insert_default();
    let stricter = limits.stop_after.as_ref().map(|stop| stop.failed).filter(|own| own.of(items) < failed.of(items));
    limits.stop_after = Some(StopAfter { failed: stricter.unwrap_or(failed), at: caps.at });
    setting.playbook = Arc::new(playbook);
}

/// How plans are called that people have to agree to.
const KEPT: (&str, &str) = ("heal-", ".plan");

/// Keeps what would be healed as a saved plan beside the journal, as a run of its own. What was kept for longer than
/// such a plan lasts goes.
fn keep(
    surroundings: &Surroundings,
    record: &Record,
    opened: &Opened,
    setting: &Setting,
    made: &Plan,
    found: &Found,
    wish: &Wish,
) -> Result<KeptPlan, Failure> {
    let workplace = record::workplace(surroundings, opened)?;
    let old = std::fs::read_dir(&workplace.aside).into_iter().flatten().flatten().filter(|file| {
        let name = file.file_name();
        let ours = name.to_str().is_some_and(|name| name.starts_with(KEPT.0) && name.ends_with(KEPT.1));
        let age = file.metadata().and_then(|known| known.modified()).ok().and_then(|at| at.elapsed().ok());
        ours && age.is_some_and(|age| age > saved::LASTS)
    });
    // One that stays is refused when it is begun: it says itself that it is too old.
    old.for_each(|file| drop(std::fs::remove_file(file.path())));
    let path = workplace.aside.join(format!("{}{}{}", KEPT.0, setting.run.id.short(), KEPT.1));
    let file = path.strip_prefix(&surroundings.folder).unwrap_or(&path).display().to_string();
    let mut own = setting.clone();
    own.run.id = RunId(surroundings.world.id());
    let reason = wish.request.reason.as_deref();
    let saved = saved::save_some(surroundings, opened, record, &own, made, found.chooses(), reason, &file)?;
    let (plan, until) = (saved.header.id, saved.header.expires_at);
    Ok(KeptPlan { plan, file: file.into(), items: found.healing, until })
}

/// Records what was seen as a run that is over.
async fn told(
    record: &Record,
    opened: &Opened,
    prepared: &Prepared,
    made: &Plan,
    seen: Vec<Event>,
    found: &Found,
) -> Result<(), Failure> {
    let (setting, basis) = (&prepared.setting, Basis { seen, ..Basis::default() });
    let mut created = apply::created(record, opened, setting, made, &basis);
    created.purpose = RECONCILE.into();
    // No item is begun in it.
    created.plan_summary = Some(Value::map([("items", Value::from(0))]));
    let end = match (found.failed, found.drifted) {
        (1.., _) => End::Failed,
        (0, 1..) => End::Drifted,
        (0, 0) => End::Unchanged,
    };
    let rest = found.of.saturating_sub(found.drifted + found.failed);
    let counts = [(End::Failed, found.failed), (End::Drifted, found.drifted), (End::Unchanged, rest)];
    let counts = counts.into_iter().filter(|(_, items)| *items > 0);
    let closed = RunClosed {
        end,
        reason: (found.drifted + found.failed > 0).then(|| {
            let of = found.of.max(found.drifted + found.failed);
            match found.failed {
                0 => format!("{} of {of} differ", found.drifted),
                failed => format!("{} of {of} differ, {failed} could not be tried out", found.drifted),
            }
        }),
        counts: counts.map(|(end, items)| Count { end, items }).collect(),
    };
    let mut events: Vec<Event> = vec![created.into()];
    events.extend(basis.seen);
    events.push(closed.into());
    append(record, setting.run.id, &events, false).await
}

/// A playbook that can be reconciled without anybody saying more: its name, or why not.
pub struct Candidate {
    /// Its name.
    pub name: String,
    /// It, unless it has problems.
    pub loaded: Result<Loaded, Failure>,
    /// Parameters that somebody has to give.
    pub missing: Vec<String>,
}

/// Every playbook that says `reconcile:`.
pub fn candidates(surroundings: &Surroundings, opened: &Opened) -> Vec<Candidate> {
    let mut found = Vec::new();
    for path in playbook::all(&opened.playbooks()) {
        let Some(name) = playbook::name_of(&path, opened) else { continue };
        // One that does not even say so is none, whatever else is wrong with it.
        let key = |line: &str| {
            let line = line.trim_start_matches(['"', '\'']).strip_prefix("reconcile")?;
            line.trim_start_matches(['"', '\'', ' ']).starts_with(':').then_some(())
        };
        let says = std::fs::read_to_string(&path).is_ok_and(|text| text.lines().any(|line| key(line).is_some()));
        if !says {
            continue;
        }
        let loaded = playbook::load_file(surroundings, opened, &path);
        let missing = loaded.as_ref().map_or_else(
            |_| Vec::new(),
            |loaded| {
                let params = loaded.checked.playbook().params.iter();
                params.filter(|(_, param)| param.default.is_none()).map(|(name, _)| name.to_owned()).collect()
            },
        );
        found.push(Candidate { name, loaded, missing });
    }
    found
}
