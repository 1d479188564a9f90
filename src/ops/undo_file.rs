//! The plan of an undo in a file: kept by `undo --plan --out`, agreed to as any other, and carried out by `apply FILE`.

use super::{
    Failure, Surroundings,
    apply::{Basis, Carried},
    project::Opened,
    record::Record,
    saved::{self, Usable},
    undo::{self, Planned, Ready, Wish},
};
use crate::{
    engine::watch::Watch,
    journal::payload::Approval,
    plan::{
        Plan,
        file::{Header, MANY_FORMAT, Saved, UNDO_FORMAT, UndoOf, sum},
    },
};
use std::{sync::atomic::AtomicBool, time::Duration};

/// Plans an undo and keeps the plan in a file. What is given back is what stands there.
#[allow(clippy::too_many_arguments, reason = "what a plan file is made of, one by one")]
pub async fn save(
    surroundings: &Surroundings,
    opened: &Opened,
    record: &Record,
    ready: &Ready,
    wish: &Wish,
    out: &str,
    lasts: Duration,
    watch: Watch<'_>,
) -> Result<Saved, Failure> {
    let setting = &ready.prepared.setting;
    let path = saved::kept_at(surroundings, setting, out)?;
    let header = |plan: &Plan| header(surroundings, opened, record, ready, wish, plan, lasts);
    if ready.backward.is_none() {
        let (plan, _) = undo::planned(ready, watch, None).await?;
        return saved::save_as(surroundings, record, path, &header(&plan), &plan, out);
    }
    let draft = super::many::plan::beside(&path);
    let into = super::many::plan::Into { path: draft.clone(), header: &header };
    let (_, kept) = undo::planned(ready, watch, Some(into)).await?;
    saved::moved_to(path, &draft, kept, out)
}

/// The first line: the playbook and the project file are those of the run.
fn header(
    surroundings: &Surroundings,
    opened: &Opened,
    record: &Record,
    ready: &Ready,
    wish: &Wish,
    plan: &Plan,
    lasts: Duration,
) -> Header {
    let setting = &ready.prepared.setting;
    let reason = Some(&*setting.run.reason);
    let facts = ready.created.facts.clone();
    let leave = (!wish.leave.is_empty()).then(|| wish.leave.iter().map(|step| step.as_str().into()).collect());
    let (item, all_or_nothing) = (wish.item.clone(), wish.all_or_nothing);
    Header {
        trueup_plan: if plan.many.is_some() { MANY_FORMAT } else { UNDO_FORMAT },
        facts_sha256: sum(&facts).into(),
        facts,
        undo: Some(UndoOf { run: ready.about, item, all_or_nothing, leave }),
        ..saved::header(surroundings, opened, record, setting, plan, reason, lasts)
    }
}

/// What carrying such a plan out needs: the run is refused when it was taken back already, or went on since.
pub async fn ready(
    surroundings: &Surroundings,
    opened: &Opened,
    record: &Record,
    usable: &Usable,
    undo: &UndoOf,
    (actor, reason): (&str, Option<&str>),
) -> Result<(Ready, Wish), Failure> {
    let wish = Wish {
        item: undo.item.clone(),
        all_or_nothing: undo.all_or_nothing,
        leave: undo.leave.iter().flatten().map(|step| step.to_string()).collect(),
        reason: reason.map(str::to_owned),
        actor: Some(actor.to_owned()),
    };
    let header = &usable.saved.header;
    let planned = Planned { run: header.run, reason: header.reason.clone() };
    let mut ready = undo::prepare_as(surroundings, record, opened, undo.run, &wish, Some(planned)).await?;
    ready.prepared.setting.saved = true;
    Ok((ready, wish))
}

/// Carries it out.
#[allow(clippy::too_many_arguments, reason = "what a run is made of, one by one")]
pub async fn apply(
    surroundings: &Surroundings,
    record: &Record,
    ready: &Ready,
    wish: &Wish,
    saved: &Saved,
    approvals: Vec<Approval>,
    watch: Watch<'_>,
    pause: &AtomicBool,
) -> Result<Carried, Failure> {
    let basis = Basis { saved: Some(saved), approvals, ..Basis::default() };
    undo::undo_on(surroundings, record, ready, &saved.plan, wish, basis, watch, pause).await
}
