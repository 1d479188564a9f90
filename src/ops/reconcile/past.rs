//! What reconciles recorded: one whole, for its report; the last one of the same, to compare with.

use super::{
    RECONCILE,
    found::{Before, FAILED, Found, HEALING, REFUSED, Seen},
    stands::Stands,
};
use crate::{
    base::{
        identity::{RunId, SINGLE_ITEM},
        time::Stamp,
    },
    engine::{setting::Setting, state::broke_off, undo::outlook::has_way_back},
    journal::{
        Mention, RunSummary,
        event::Event,
        failure::JournalError,
        occasion::{DriftSeen, DriftSince, KeptPlan, TrendPoint, TriedInVain},
        payload::RunCreated,
        words::{End, RunWord},
    },
    ops::{Failure, record::Record, undo},
    report::{
        page::typed,
        reconciled::{Item, Kept, Reconciled, Verdict},
    },
};
use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
    sync::Arc,
};

/// Among so many earlier reconciles of a playbook the last one of the same is looked for: it may be reconciled with other parameters as well.
const LOOKED_AT: u32 = 2_000;

/// The reconcile that was recorded last; of a playbook, where one is named.
pub async fn last(record: &Record, playbook: Option<&str>) -> Result<RunId, Failure> {
    let runs = record.journal.last_recorded(RECONCILE, playbook, None, 1).await?;
    runs.first().map(|run| run.id).ok_or_else(|| {
        let of = playbook.map_or_else(String::new, |name| format!(" of a playbook `{name}`"));
        Failure::usage(format!("no reconcile is recorded{of}"))
            .help("`trueup reconcile PLAYBOOK` compares and records what it finds")
    })
}

/// What a run's first words say of what it saw.
async fn first_words(record: &Record, run: RunId) -> Result<Option<DriftSeen>, Failure> {
    let mut seen: Option<DriftSeen> = None;
    let mut enough = false;
    let read = record
        .journal
        .sift(run, None, &mut |sifted| {
            if sifted.name() == "drift.seen" {
                if let Event::DriftSeen(more) = sifted.event()?.event {
                    join(&mut seen, more);
                }
            } else if seen.is_some() {
                // All of it stands together at the beginning: the rest of a long run is not read for it.
                enough = true;
                return Err(JournalError::Overtaken);
            }
            Ok(())
        })
        .await;
    match read {
        Err(JournalError::Overtaken) if enough => Ok(seen),
        Err(JournalError::Purged { .. }) => Ok(None),
        Err(error) => Err(error.into()),
        Ok(_) => Ok(seen),
    }
}

fn join(seen: &mut Option<DriftSeen>, more: DriftSeen) {
    match seen {
        Some(all) => {
            all.items.extend(more.items);
            if let Some(vain) = more.vain {
                all.vain.get_or_insert_default().extend(vain);
            }
        }
        None => *seen = Some(more),
    }
}

/// What the last reconcile of the same saw, and which items it healed.
pub async fn before(record: &Record, setting: &Setting, but: RunId) -> Result<Before, Failure> {
    let scope = super::found::scope(setting, record)?;
    let (playbook, environment) = (&*setting.playbook.name.text, &*setting.environment);
    for run in record.journal.last_recorded(RECONCILE, Some(playbook), Some(environment), LOOKED_AT).await? {
        if run.id == but || run.purged_at.is_some() {
            continue;
        }
        let Some(seen) = first_words(record, run.id).await?.filter(|seen| seen.scope == scope) else { continue };
        // Of one that compared nothing there is nothing to be seen; since when something differs, those before it know.
        if seen.compared_nothing() {
            continue;
        }
        let own = if seen.healing > 0 { ends(record, run.id).await? } else { HashMap::new() };
        let point = point(&seen, &run, &own);
        let something = seen.compared_something();
        // What people had to agree to was healed by another run.
        let (ends, healed_at) = match kept_became(record, seen.kept.as_ref()).await? {
            Some(line) if line.purged_at.is_none() => (ends(record, line.id).await?, line.started_at),
            _ => (own, run.started_at),
        };
        let mut before = Before { trend: seen.trend, more: seen.more, ..Before::default() };
        for earlier in &mut before.trend {
            went_on(record, earlier, run.started_at).await?;
        }
        before.trend.extend(something.then_some(point));
        let changed = ends.iter().filter(|(_, end)| **end == End::Changed);
        before.healed = changed.map(|(item, _)| (item.clone(), healed_at)).collect();
        let listed: HashSet<&Arc<str>> = seen.items.iter().map(|item| &item.item).collect();
        before.vain = vain(seen.vain, ends.iter().filter(|(item, _)| !listed.contains(item)));
        for item in seen.items {
            let failed = &*item.verdict == FAILED;
            if !failed || item.differed.is_some() {
                before.drifted.insert(item.item.clone());
            }
            let end = ends.get(&item.item);
            let healed = end.is_some_and(|end| is_done(*end));
            if !healed {
                let tried = item.tried.unwrap_or(0).saturating_add(u32::from(end.is_some_and(|end| in_vain(*end))));
                let own = Some(DriftSince { since: item.since, first: item.first, seen: item.seen });
                let (differed, failed) = if failed { (item.differed, own) } else { (own, None) };
                let seen = Seen { differed, failed, tried };
                before.items.insert(item.item, seen);
            }
        }
        return Ok(before);
    }
    Ok(Before::default())
}

/// How often each that is not listed was taken on in vain: as the last reconcile knew it, and by how these ended in it.
fn vain<'e>(
    known: Option<Vec<TriedInVain>>,
    ends: impl Iterator<Item = (&'e Arc<str>, &'e End)>,
) -> HashMap<Arc<str>, u32> {
    let mut vain: HashMap<Arc<str>, u32> = known.into_iter().flatten().map(|one| (one.item, one.tried)).collect();
    for (item, end) in ends.filter(|(item, _)| &***item != SINGLE_ITEM) {
        if in_vain(*end) {
            let tried = vain.entry(item.clone()).or_default();
            *tried = tried.saturating_add(1);
        } else if is_done(*end) {
            vain.remove(item);
        }
    }
    vain
}

/// The run that a kept plan became.
async fn kept_became(record: &Record, kept: Option<&KeptPlan>) -> Result<Option<RunSummary>, Failure> {
    let Some(kept) = kept else { return Ok(None) };
    let Some((run, _)) = record.journal.plan_used(&kept.plan).await? else { return Ok(None) };
    Ok(record.journal.run(run).await?)
}

/// When those that are new were healed last, as far as the reconciles of the trend tell.
pub async fn healed_before(record: &Record, found: &Found, before: &mut Before) -> Result<(), Failure> {
    let known = |item: &Arc<str>| before.healed.contains_key(item) || before.items.contains_key(item);
    let mut new: HashSet<Arc<str>> =
        found.items.iter().map(|item| &item.item).filter(|item| !known(item)).cloned().collect();
    let healing = before.trend.iter().rev().filter(|point| point.healed.is_some_and(|healed| healed > 0));
    for point in healing.map(|point| (point.run, point.at)).collect::<Vec<_>>() {
        if new.is_empty() {
            break;
        }
        let (run, at) = point;
        let ends = match ends(record, run).await {
            Err(Failure::Journal(JournalError::Purged { .. })) => continue,
            ends => ends?,
        };
        for (item, _) in ends.iter().filter(|(_, end)| **end == End::Changed) {
            if new.remove(item) {
                before.healed.insert(item.clone(), at);
            }
        }
    }
    Ok(())
}

/// It is as wanted.
fn is_done(end: End) -> bool {
    matches!(end, End::Changed | End::Unchanged)
}

/// It was tried, and what differs is still there. What never had its turn was not tried.
fn in_vain(end: End) -> bool {
    matches!(end, End::Failed | End::Drifted | End::InDoubt | End::Stopped | End::Escalated)
}

/// What a reconcile came to, as the trend tells it.
fn point(seen: &DriftSeen, run: &RunSummary, ends: &HashMap<Arc<str>, End>) -> TrendPoint {
    TrendPoint {
        run: run.id,
        at: run.started_at,
        of: seen.of,
        drifted: seen.drifted,
        healing: seen.healing,
        healed: healed(seen.healing, ends),
        failed: seen.failed,
    }
}

/// What was healed after the next reconcile had told of it: somebody agreed, answered or resumed.
async fn went_on(record: &Record, point: &mut TrendPoint, told: Stamp) -> Result<(), Failure> {
    if point.healed.is_none_or(|healed| healed >= point.healing) {
        return Ok(());
    }
    let line = record.journal.run(point.run).await?;
    if line.is_some_and(|line| line.purged_at.is_none() && line.changed_at.micros >= told.micros) {
        point.healed = healed(point.healing, &ends(record, point.run).await?);
    }
    Ok(())
}

/// How many of those that were to be healed were; of one record its own end says it.
fn healed(healing: u64, ends: &HashMap<Arc<str>, End>) -> Option<u64> {
    let many = ends.keys().any(|key| &**key != SINGLE_ITEM);
    let counts = |key: &str| !many || key != SINGLE_ITEM;
    let healed = ends.iter().filter(|(key, end)| **end == End::Changed && counts(key)).count();
    (healing > 0).then_some(healed as u64)
}

/// How the items of a run ended.
async fn ends(record: &Record, run: RunId) -> Result<HashMap<Arc<str>, End>, Failure> {
    let mut ends = HashMap::new();
    record
        .journal
        .sift(run, None, &mut |sifted| {
            sifted.mentions(|mention| {
                if let Mention::Closed(items) = mention {
                    ends.extend(items.iter().map(|(item, end, _)| (Arc::from(&**item), *end)));
                }
            })
        })
        .await?;
    Ok(ends)
}

/// One reconcile, for its report.
pub async fn look(record: &Record, run: RunId) -> Result<Reconciled, Failure> {
    let Some(line) = record.journal.run(run).await? else {
        return Err(Failure::usage(format!("run {} is not recorded", run.short())));
    };
    if line.purpose != RECONCILE {
        return Err(Failure::usage(format!("run {} is no reconcile", run.short()))
            .help(format!("`trueup show {}` tells what it did", run.short())));
    }
    let mut seen: Option<DriftSeen> = None;
    let mut created: Option<RunCreated> = None;
    let mut ends: HashMap<Arc<str>, (End, Option<String>)> = HashMap::new();
    let (mut recorded, mut tried): (u64, HashSet<Arc<str>>) = (0, HashSet::new());
    record
        .journal
        .sift(run, None, &mut |sifted| {
            match sifted.name() {
                "drift.seen" => {
                    if let Event::DriftSeen(more) = sifted.event()?.event {
                        join(&mut seen, more);
                    }
                }
                "run.created" => {
                    if let Event::RunCreated(made) = sifted.event()?.event {
                        created = Some(*made);
                    }
                }
                _ => sifted.mentions(|mention| match mention {
                    Mention::Closed(items) => {
                        let reason = |why: &Option<Cow<'_, str>>| why.as_deref().map(str::to_owned);
                        ends.extend(items.iter().map(|(item, end, why)| (Arc::from(&**item), (*end, reason(why)))));
                    }
                    Mention::Step(items) if sifted.name() == "step.attempt" => {
                        tried.extend(items.iter().map(|item| Arc::from(&**item)));
                    }
                    Mention::Started(items) => {
                        recorded += items.iter().filter(|item| &***item != SINGLE_ITEM).count() as u64;
                    }
                    _ => {}
                })?,
            }
            Ok(())
        })
        .await?;
    let Some(seen) = seen else {
        return Err(Failure::usage(format!("run {} broke off before it recorded what it saw", run.short())));
    };
    let cut_off = created.as_ref().is_some_and(|created| broke_off(created, recorded).is_some());
    let in_vain = |(item, (end, _)): (&Arc<str>, &(End, _))| !is_done(*end) && tried.contains(item);
    let stands = Stands::read(record, run, line.state, ends.iter().any(in_vain)).await?;
    let beyond = beyond(&seen, &ends, &stands);
    let came: HashMap<Arc<str>, End> = ends.iter().map(|(item, (end, _))| (item.clone(), *end)).collect();
    let own = seen.compared_something().then(|| point(&seen, &line, &came));
    let items = seen.items.into_iter().map(|item| {
        let ended = ends.get(&item.item);
        let verdict = match &*item.verdict {
            HEALING if ended.is_none() && stands.is_in_doubt(&item.item) => Verdict::InDoubt,
            HEALING => Verdict::at(ended.map(|(end, _)| *end)),
            REFUSED => Verdict::Refused,
            FAILED => Verdict::Failed,
            _ => Verdict::Reported,
        };
        let why = item.why.or_else(|| ended.and_then(|(_, why)| why.clone()));
        let differed = item.differed.map(|differed| differed.since);
        let (since, seen, healed) = (item.since, item.seen, item.healed);
        Item { key: item.item, what: item.what, since, seen, differed, healed, verdict, why }
    });
    let items = items.collect();
    let kept = match seen.kept {
        Some(kept) => {
            let became = kept_became(record, Some(&kept)).await?.map(|line| (line.id, line.actor, line.end));
            Some(Kept { file: kept.file.to_string(), items: kept.items, until: kept.until, became })
        }
        None => None,
    };
    let (way_back, taken_back_by) = if came.values().any(|end| *end == End::Changed) || stands.halfway.items > 0 {
        let way_back = line.state == RunWord::Closed && created.as_ref().is_some_and(has_way_back);
        (way_back, undo::taken_back_by(record, run).await?)
    } else {
        (false, None)
    };
    let trend = seen.trend.into_iter().chain(own).collect();
    Ok(Reconciled {
        run,
        playbook: line.playbook.clone(),
        environment: line.environment.clone(),
        params: created.as_ref().map_or_else(Vec::new, |created| typed(&created.params)),
        at: line.started_at,
        heals: &*seen.mode == "heal",
        schedule: seen.schedule.map(|name| name.to_string()),
        actor: line.actor.clone(),
        reason: line.reason.clone(),
        of: seen.of,
        drifted: seen.drifted,
        untried: seen.failed.unwrap_or(0),
        known: seen.known,
        gone: seen.gone,
        left: seen.left.unwrap_or(0),
        unclear: seen.unclear.unwrap_or(0),
        unsure: seen.unsure == Some(true),
        refused: seen.refused,
        kept,
        way_back,
        taken_back_by,
        would: seen.would,
        items,
        more: seen.more,
        beyond,
        trend,
        in_doubt: line.state == RunWord::InDoubt,
        halfway: stands.halfway,
        open: open(&line, cut_off),
    })
}

/// What came of the items that are not listed: those that ended by how they did, those that are still to be healed, and the rest.
fn beyond(seen: &DriftSeen, ends: &HashMap<Arc<str>, (End, Option<String>)>, stands: &Stands) -> Vec<(Verdict, u64)> {
    if seen.more == 0 {
        return Vec::new();
    }
    let listed: HashSet<&str> = seen.items.iter().map(|item| &*item.item).collect();
    let mut all: Vec<(Verdict, u64)> = Vec::new();
    let mut add = |verdict: Verdict, items: u64| match all.iter_mut().find(|(one, _)| *one == verdict) {
        Some((_, known)) => *known += items,
        None if items > 0 => all.push((verdict, items)),
        None => {}
    };
    let ended = ends.iter().filter(|(key, _)| &***key != SINGLE_ITEM && !listed.contains(&***key));
    let mut over = 0;
    for (_, (end, _)) in ended {
        add(Verdict::at(Some(*end)), 1);
        over += 1;
    }
    let healing = seen.items.iter().filter(|item| &*item.verdict == HEALING).count() as u64;
    let to_heal = seen.healing.saturating_sub(healing);
    let open = to_heal.saturating_sub(over);
    let in_doubt = stands.in_doubt_beyond(&listed, open).min(open);
    add(Verdict::InDoubt, in_doubt);
    add(Verdict::Healing, open - in_doubt);
    // Those that could not be tried out stand in the list, or are among those that do not.
    let failed = seen.items.iter().filter(|item| &*item.verdict == FAILED).count() as u64;
    let failed = seen.failed.unwrap_or(0).saturating_sub(failed);
    add(Verdict::Failed, failed);
    let rest = seen.more.saturating_sub(to_heal.max(over) + failed);
    add(if &*seen.mode == "heal" { Verdict::Refused } else { Verdict::Reported }, rest);
    all
}

/// Why it is not over.
fn open(line: &RunSummary, cut_off: bool) -> Option<String> {
    let short = line.id.short();
    match line.state {
        RunWord::Closed => None,
        _ if cut_off => Some(format!(
            "It broke off while its items were recorded, before it changed anything: `trueup cancel {short} --reason …` ends it; then reconcile \
             again."
        )),
        RunWord::Waiting => {
            Some(format!("It waits for a person: `trueup inbox` says for whom, `trueup show {short}` for what."))
        }
        RunWord::InDoubt => Some(format!(
            "Something in it is in doubt: `trueup inbox` says what to do, `trueup show {short}` what happened."
        )),
        RunWord::Paused | RunWord::Created | RunWord::Running | RunWord::Cancelled => {
            Some(format!("It is not over: `trueup resume {short}` goes on."))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_listed_is_known_to_have_been_tried_until_it_is_healed() {
        let known = |item: &str, tried| TriedInVain { item: item.into(), tried };
        let ends = [
            (SINGLE_ITEM, End::Failed),
            ("again", End::Failed),
            ("healed", End::Changed),
            ("waits", End::Waiting),
            ("new", End::Drifted),
        ];
        let ends: HashMap<Arc<str>, End> = ends.into_iter().map(|(item, end)| (item.into(), end)).collect();
        let before = vec![known("again", 2), known("healed", 1), known("waits", 1), known("no turn", 4)];
        let mut found: Vec<(Arc<str>, u32)> = vain(Some(before), ends.iter()).into_iter().collect();
        found.sort();
        let expected = [("again", 3), ("new", 1), ("no turn", 4), ("waits", 1)];
        assert_eq!(found, expected.map(|(item, tried)| (Arc::from(item), tried)));
    }

    #[test]
    fn items_beyond_the_list_come_to_what_they_ended_as_and_the_rest_was_refused() {
        let item = |key: &str, verdict: &str| crate::journal::occasion::DriftItem {
            item: key.into(),
            what: Vec::new(),
            since: crate::base::time::Stamp::new(0),
            first: RunId(uuid::Uuid::from_u128(1)),
            seen: 1,
            verdict: verdict.into(),
            why: None,
            tried: None,
            differed: None,
            healed: None,
        };
        let mut seen = DriftSeen {
            scope: "scope".into(),
            mode: "heal".into(),
            schedule: None,
            of: 40,
            drifted: 12,
            known: 0,
            gone: 0,
            healing: 8,
            refused: None,
            items: vec![item("1", HEALING), item("2", REFUSED)],
            more: 10,
            trend: Vec::new(),
            failed: None,
            unsure: None,
            would: None,
            left: None,
            unclear: None,
            vain: None,
            kept: None,
        };
        let end = |key: &str, end| (Arc::<str>::from(key), (end, None));
        let ends = HashMap::from([
            end(SINGLE_ITEM, End::Changed),
            end("1", End::Changed),
            end("3", End::Changed),
            end("4", End::Changed),
            end("5", End::Failed),
        ]);
        // Of the ten, seven were to be healed: three are over, four are not yet.
        let of = |seen: &DriftSeen, stands: &Stands| {
            let mut came: Vec<(&str, u64)> =
                beyond(seen, &ends, stands).iter().map(|(verdict, items)| (verdict.word(), *items)).collect();
            came.sort_unstable();
            came
        };
        let came = |seen: &DriftSeen| of(seen, &Stands::default());
        assert_eq!(came(&seen), [("failed", 1), ("healed", 2), ("healing", 4), ("refused", 3)]);
        // The first one is listed, and what is done once is no item.
        let some = of(&seen, &Stands::of(&["1", SINGLE_ITEM, "6"]));
        assert_eq!(some, [("failed", 1), ("healed", 2), ("healing", 3), ("in_doubt", 1), ("refused", 3)]);
        let whole = of(&seen, &Stands::whole());
        assert_eq!(whole, [("failed", 1), ("healed", 2), ("in_doubt", 4), ("refused", 3)]);
        (seen.healing, seen.mode) = (0, "report".into());
        assert_eq!(came(&seen), [("failed", 1), ("healed", 2), ("reported", 7)]);
        // Two more could not be tried out, and one of them is listed.
        (seen.failed, seen.more) = (Some(2), 11);
        seen.items.push(item("9", FAILED));
        assert_eq!(came(&seen), [("failed", 2), ("healed", 2), ("reported", 7)]);
        seen.more = 0;
        assert_eq!(came(&seen), []);
    }
}
