//! The drift report: what differs from how it should be, since when, what was healed, what was refused and why, and how that
//! went over time. As text, JSON and one HTML file. Made from what a run recorded; asks nobody.

mod html;
mod json;
mod lines;
mod text;
#[cfg(test)]
mod tests;

pub use html::html;
pub(super) use json::halfway_json;
pub use json::{json, several};
pub use lines::lines;
pub use text::text;

use super::{
    clock,
    exit::Exit,
    many::named,
    page::{quoted, same},
};
use crate::{
    base::{counted::counted, identity::RunId, time::Stamp},
    effect::reasons::likeness,
    engine::fleet::summary::Halfway,
    journal::{
        occasion::{TrendPoint, WouldHeal},
        words::End,
    },
    schedule::due::Settled,
    words,
};
use std::{collections::HashMap, sync::Arc};

/// A time that was due and is not begun, or a stretch of them.
#[derive(Clone, Debug)]
pub struct Passed {
    /// Name of the schedule.
    pub schedule: String,
    /// The time on the wall clock; of several the last one.
    pub wall: String,
    /// How many.
    pub count: u64,
    /// What became of them.
    pub word: Settled,
    /// Why, for people.
    pub why: Option<String>,
    /// A newer time of the same schedule is begun instead.
    pub caught_up: bool,
}

/// What stands beside the reports of one command.
#[derive(Clone, Debug, Default)]
pub struct Beside {
    /// What could not be looked at, and why.
    pub failed: Vec<(String, String)>,
    /// What was due and is not begun.
    pub passed: Vec<Passed>,
}

/// One reconcile.
#[derive(Clone, Debug)]
pub struct Reconciled {
    /// Its run.
    pub run: RunId,
    /// Name of the playbook.
    pub playbook: String,
    /// The environment.
    pub environment: String,
    /// What the playbook was given, as one types it; hidden values as `…`.
    pub params: Vec<String>,
    /// When it looked.
    pub at: Stamp,
    /// It was to heal what differs.
    pub heals: bool,
    /// The schedule that asked for it.
    pub schedule: Option<String>,
    /// Who.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// How many items were looked at.
    pub of: u64,
    /// How many of them differ.
    pub drifted: u64,
    /// How many could not be tried out, or fail by a check: whether they differ is not known.
    pub untried: u64,
    /// How many of those that differ differed already when it was looked before.
    pub known: u64,
    /// How many of those that differed before are as wanted now.
    pub gone: u64,
    /// How many of those that differed before are in the source no more.
    pub left: u64,
    /// How many of those that differed before are found no more, and nobody can tell which of both it is.
    pub unclear: u64,
    /// What was seen before, and what is as wanted now, is told as far as it is sure: not everything was listed, or looked at.
    pub unsure: bool,
    /// Why nothing is healed although that was asked for.
    pub refused: Option<String>,
    /// What would heal it was kept as a saved plan, because people have to agree.
    pub kept: Option<Kept>,
    /// Something of what it did can be taken back.
    pub way_back: bool,
    /// The run that took it back.
    pub taken_back_by: Option<RunId>,
    /// Of one that only reports: what healing would come to, as far as that was recorded.
    pub would: Option<WouldHeal>,
    /// The items that differ.
    pub items: Vec<Item>,
    /// So many more differ and are not listed.
    pub more: u64,
    /// What came of those, with how many.
    pub beyond: Vec<(Verdict, u64)>,
    /// Earlier reconciles of the same, oldest first, and this one.
    pub trend: Vec<TrendPoint>,
    /// Its run is in doubt.
    pub in_doubt: bool,
    /// What was done for items that were cancelled, or failed, behind it.
    pub halfway: Halfway,
    /// It is not over, and why: it waits for a person, is in doubt, was left.
    pub open: Option<String>,
}

/// A saved plan of what would be healed.
#[derive(Clone, Debug)]
pub struct Kept {
    /// Its file.
    pub file: String,
    /// How many items it would heal.
    pub items: u64,
    /// Until when it may be begun.
    pub until: Stamp,
    /// The run that it became, who began it, and how that ended; nothing while it was not used.
    pub became: Option<(RunId, String, Option<End>)>,
}

/// An item that differs.
#[derive(Clone, Debug)]
pub struct Item {
    /// Its key; `-` where there is one record.
    pub key: Arc<str>,
    /// What differs, line by line.
    pub what: Vec<String>,
    /// Since when, as far as anybody looked.
    pub since: Stamp,
    /// How many reconciles in a row saw it.
    pub seen: u32,
    /// It cannot be tried out, and differed since then when it last could.
    pub differed: Option<Stamp>,
    /// It is there again: a reconcile healed it then, the last of those of the trend that did.
    pub healed: Option<Stamp>,
    /// What came of it.
    pub verdict: Verdict,
    /// Why.
    pub why: Option<String>,
}

/// So many items for one reason are told together.
const TOGETHER: usize = 3;
/// So many of them are named.
pub(super) const NAMED: usize = 5;

words! {
    "what came of an item that differs"
    pub enum Verdict {
        /// Only told.
        Reported = "reported",
        /// It is as wanted now, by this run.
        Healed = "healed",
        /// To be healed, and as wanted when its turn came: somebody else was faster.
        AsWanted = "as_wanted",
        /// To be healed, and not yet over.
        Healing = "healing",
        /// Not healed, by a rule.
        Refused = "refused",
        /// Not healed, because somebody cancelled the run.
        Cancelled = "cancelled",
        /// Tried out or carried out, and it did not end well.
        Failed = "failed",
        /// Nobody knows whether it was healed.
        InDoubt = "in_doubt",
    }
}

impl Verdict {
    /// Of an item that was to be healed, by how it ended.
    pub fn at(end: Option<End>) -> Verdict {
        match end {
            None | Some(End::Waiting) => Verdict::Healing,
            Some(End::Changed) => Verdict::Healed,
            Some(End::Unchanged) => Verdict::AsWanted,
            Some(End::InDoubt) => Verdict::InDoubt,
            Some(End::Skipped | End::Stopped | End::Escalated) => Verdict::Refused,
            Some(End::Cancelled) => Verdict::Cancelled,
            Some(End::Failed | End::Drifted) => Verdict::Failed,
        }
    }
}

impl Verdict {
    /// What somebody has to look at comes first.
    fn place(self) -> u8 {
        match self {
            Verdict::InDoubt => 0,
            Verdict::Failed => 1,
            Verdict::Cancelled => 2,
            Verdict::Refused => 3,
            Verdict::Healing => 4,
            Verdict::Reported => 5,
            Verdict::AsWanted => 6,
            Verdict::Healed => 7,
        }
    }
}

impl Reconciled {
    /// The items as people read them: first those that somebody has to look at, else in their order.
    pub fn worst_first(&self) -> Vec<&Item> {
        let mut all: Vec<&Item> = self.items.iter().collect();
        all.sort_by_key(|item| item.verdict.place());
        all
    }

    /// The same, those together of which the same came for the same reason, but for keys and numbers in it, at the place of the first; the others
    /// alone.
    pub(super) fn told_together(&self) -> Vec<Vec<&Item>> {
        let all = self.worst_first();
        let reasons: Vec<Option<(Verdict, String)>> =
            all.iter().map(|item| Some((item.verdict, likeness(item.why.as_ref()?, &item.key)))).collect();
        let mut alike: HashMap<&(Verdict, String), usize> = HashMap::new();
        for reason in reasons.iter().flatten() {
            *alike.entry(reason).or_default() += 1;
        }
        let mut told: Vec<Vec<&Item>> = Vec::new();
        let mut places: HashMap<&(Verdict, String), usize> = HashMap::new();
        for (item, reason) in all.into_iter().zip(&reasons) {
            let reason = reason.as_ref().filter(|of| alike[of] >= TOGETHER);
            match reason.and_then(|of| places.get(of)) {
                Some(place) => told[*place].push(item),
                None => {
                    places.extend(reason.map(|of| (of, told.len())));
                    told.push(vec![item]);
                }
            }
        }
        told
    }

    /// How many items came to this, those that are not listed among them.
    pub fn count(&self, verdict: Verdict) -> u64 {
        let beyond: u64 = self.beyond.iter().filter(|(one, _)| *one == verdict).map(|(_, items)| items).sum();
        self.items.iter().filter(|item| item.verdict == verdict).count() as u64 + beyond
    }

    /// How many are as wanted by this run.
    pub fn healed(&self) -> u64 {
        self.count(Verdict::Healed)
    }

    /// Why nothing is healed although that was asked for, and what became of the plan that was kept of it.
    pub fn refusal(&self) -> Option<String> {
        let why = self.refused.as_ref()?;
        let Some(kept) = &self.kept else { return Some(why.clone()) };
        let items = if kept.items == 1 { "1 item".to_owned() } else { format!("{} items", kept.items) };
        let what = format!("What would heal {items}");
        Some(match &kept.became {
            None => format!("{why}. {what} is kept until {} UTC in {}", clock::minute(kept.until), kept.file),
            Some((run, by, end)) => {
                let end = end.map_or("not over yet", End::word).replace('_', " ");
                format!("{why}. {what} was kept, and {by} carried it out in run {}: {end}", run.short())
            }
        })
    }

    /// How many nobody healed: refused by a rule.
    pub fn refused_items(&self) -> u64 {
        self.count(Verdict::Refused)
    }

    /// In one word, as schedules record it.
    pub fn word(&self) -> Came {
        if self.in_doubt || self.count(Verdict::InDoubt) > 0 {
            Came::InDoubt
        } else if self.count(Verdict::Failed) > 0 {
            Came::Failed
        } else if self.open.is_some() {
            Came::Waiting
        } else if self.drifted == 0 {
            // What stops before any item is looked at says nothing about them.
            if self.refused.is_some() { Came::Refused } else { Came::Clean }
        } else if !self.heals {
            Came::Drifted
        } else if self.count(Verdict::Cancelled) > 0 {
            Came::Cancelled
        } else if self.refused.is_some() || self.refused_items() > 0 {
            Came::Refused
        } else {
            Came::Healed
        }
    }

    /// For the shell: 0 nothing differs any more, 5 something does and was only told, 4 something was refused, cancelled or waits, 1 and 6
    /// as for runs.
    pub fn exit(&self) -> Exit {
        self.word().exit()
    }
}

words! {
    "what a reconcile came to"
    pub enum Came {
        /// Nothing differs.
        Clean = "clean",
        /// Everything that differed is as wanted now.
        Healed = "healed",
        /// Something differs, and was only told.
        Drifted = "drifted",
        /// Something differs, and a rule refused to heal it.
        Refused = "refused",
        /// Something differs, and somebody cancelled the run that was to heal it.
        Cancelled = "cancelled",
        /// It waits for a person, or was left in the middle.
        Waiting = "waiting",
        /// Something did not end well.
        Failed = "failed",
        /// Nobody knows whether something took effect.
        InDoubt = "in_doubt",
    }
}

impl Came {
    /// For the shell.
    pub fn exit(self) -> Exit {
        match self {
            Came::Clean | Came::Healed => Exit::Done,
            Came::Drifted => Exit::Drifted,
            Came::Refused | Came::Cancelled | Came::Waiting => Exit::Stopped,
            Came::Failed => Exit::Failed,
            Came::InDoubt => Exit::InDoubt,
        }
    }

    /// The worst of several, for the shell: in doubt, failed, cancelled, refused or waiting, drifted.
    pub fn weight(self) -> u8 {
        match self {
            Came::Clean => 0,
            Came::Healed => 1,
            Came::Drifted => 2,
            Came::Waiting => 3,
            Came::Refused => 4,
            Came::Cancelled => 5,
            Came::Failed => 6,
            Came::InDoubt => 7,
        }
    }
}

/// `3 of 120 items differ: 1 for the first time, 2 since longer.`
pub(super) fn sentence(found: &Reconciled) -> String {
    let items = |n: u64| if n == 1 { "item" } else { "items" };
    if found.drifted == 0 && found.untried > 0 {
        let of = found.of.max(found.untried);
        return format!("{} of {of} {} could not be tried out; no other differs.", found.untried, items(of));
    }
    if found.drifted == 0 && found.refused.is_some() {
        return "Nothing was compared.".to_owned();
    }
    if found.drifted == 0 {
        let all = match found.of {
            0 => "There is nothing that differs".to_owned(),
            1 => "The one item is as wanted".to_owned(),
            n => format!("All {n} items are as wanted"),
        };
        return format!("{all}.");
    }
    let verb = if found.drifted == 1 { "differs" } else { "differ" };
    let of = if found.of > found.drifted { format!(" of {}", found.of) } else { String::new() };
    let again = |item: &&Item| item.healed.is_some() && (item.verdict != Verdict::Failed || found.heals);
    let fresh = found.drifted - found.known.min(found.drifted);
    let again = fresh.min(found.items.iter().filter(again).count() as u64);
    let since = match (fresh, found.known) {
        _ if again > 0 && !found.unsure => came_back(fresh.saturating_sub(again), again, found.known),
        (0, _) => "seen before".to_owned(),
        (_, 0) if found.unsure => "which of them are new cannot be told".to_owned(),
        (_, known) if found.unsure => format!("at least {known} seen before"),
        (_, 0) => "seen for the first time".to_owned(),
        (fresh, known) => format!("{fresh} for the first time, {known} seen before"),
    };
    let all = items(if of.is_empty() { found.drifted } else { found.of });
    let untried = match found.untried {
        0 => String::new(),
        1 => " 1 other could not be tried out.".to_owned(),
        n => format!(" {n} others could not be tried out."),
    };
    format!("{}{of} {all} {verb}: {since}.{untried}", found.drifted)
}

/// `1 for the first time, 2 again after they were healed, 3 seen before`.
fn came_back(fresh: u64, again: u64, known: u64) -> String {
    let healed = if again == 1 { "it was healed" } else { "they were healed" };
    let (first, before) = (format!("{fresh} for the first time"), format!("{known} seen before"));
    match (fresh, known) {
        (0, 0) => format!("again after {healed}"),
        (_, 0) => format!("{first}, {again} again after {healed}"),
        (0, _) => format!("{again} again after {healed}, {before}"),
        _ => format!("{first}, {again} again after {healed}, {before}"),
    }
}

/// Why, of items that are told together: in the words of all of them, else without what differs, as `thing … is locked`.
pub(super) fn why_of(items: &[&Item]) -> Option<String> {
    let first = items.first()?;
    let why = first.why.as_ref()?;
    if items.iter().all(|item| item.why.as_ref() == Some(why)) {
        return Some(why.clone());
    }
    // What else is the same in all of them, such as an address, is said.
    let keyless = |item: &Item| item.why.as_ref().map(|why| why.replace(&*item.key, "…"));
    let same = items.iter().all(|item| keyless(item) == keyless(first));
    if same { keyless(first) } else { Some(likeness(why, &first.key)) }
}

/// `1001, 1002 and 9 more`: of those that are told together.
pub(super) fn examples(items: &[&Item]) -> String {
    let first: Vec<Arc<str>> = items.iter().take(NAMED).map(|item| item.key.clone()).collect();
    named(&first, items.len() as u64)
}

/// `4 requests were made for 3 items that were not carried through.`: nothing where nothing was done for such items.
pub(super) fn halfway(left: Halfway) -> Option<String> {
    let was = |n: u64| if n == 1 { "was" } else { "were" };
    let counted = |n: u64, thing: &str| counted(usize::try_from(n).unwrap_or(usize::MAX), thing);
    let for_what = match left.items {
        0 => return None,
        n => format!("{} that {} not carried through", counted(n, "item"), was(n)),
    };
    Some(match left.requests {
        0 => format!("Something was done for {for_what}."),
        n => format!("{} {} made for {for_what}.", counted(n, "request"), was(n)),
    })
}

/// What there is to do, each with its command; nothing where all is as wanted, or where what it waits for says how to go on.
pub(super) fn next_steps(found: &Reconciled) -> Vec<(&'static str, String)> {
    if found.open.is_some() {
        return Vec::new();
    }
    let command = |verb: &str, rest: &str| same(verb, &found.playbook, &found.params, &found.environment) + rest;
    let mut next = Vec::new();
    let (refused, failed) = (found.refused_items(), found.count(Verdict::Failed));
    let cancelled = found.count(Verdict::Cancelled);
    let would = found.would.as_ref().map_or(found.drifted.saturating_sub(refused), |would| would.items);
    if !found.heals && found.refused.is_none() && would > 0 {
        next.push(("heal what differs", command("reconcile", " --heal --reason \"…\"")));
    }
    match found.kept.as_ref().map(|kept| (quoted(&kept.file), &kept.became)) {
        Some((file, None)) => {
            next.push(("agree to what would heal it", format!("trueup approve {file} --reason \"…\"")));
            next.push(("then heal it", format!("trueup apply {file}")));
        }
        Some((_, Some((run, ..)))) => next.push(("see what it came to", format!("trueup show {}", run.short()))),
        None => {}
    }
    // What could not be tried out never began, and the run tells nothing of it.
    if found.heals && failed > found.untried {
        next.push(("see what failed", format!("trueup show {}", found.run.short())));
    } else if cancelled > 0 {
        next.push(("see what was cancelled", format!("trueup show {}", found.run.short())));
    }
    let none = !found.heals && found.drifted > 0 && would == 0;
    if refused + cancelled + failed > 0 || found.refused.is_some() || none {
        next.push(("see all that is left to do", command("plan", "")));
    }
    match found.taken_back_by {
        Some(by) => next.push(("make again what was taken back", format!("trueup undo {}", by.short()))),
        None if found.way_back && found.healed() + found.halfway.items > 0 => {
            let what = if found.halfway.items > 0 { "take back what was done" } else { "take back what was healed" };
            next.push((what, format!("trueup undo {}", found.run.short())));
        }
        None => {}
    }
    next
}

/// ` Healing would refuse 3 of them, 2 of these because one run may heal 5 (`most`).`: nothing where it would refuse none.
fn would_refuse(found: &Reconciled) -> String {
    let Some(would) = &found.would else {
        // Recorded by a version that did not tell.
        let left = found.refused_items();
        return if left == 0 { String::new() } else { format!(" Healing would refuse {left} of them.") };
    };
    if let Some(why) = &would.refused {
        return format!(" Healing would refuse all of them: {}.", why.trim_end_matches('.'));
    }
    match (found.drifted.saturating_sub(would.items), would.beyond) {
        (0, _) => String::new(),
        (refused, 0) => format!(" Healing would refuse {refused} of them."),
        (refused, beyond) => {
            let which = if refused == beyond { String::new() } else { format!("{beyond} of these ") };
            format!(
                " Healing would refuse {refused} of them, {which}because one run may heal no more than {} (`most`).",
                would.items
            )
        }
    }
}

/// `2 healed, 1 refused.` and what became of those that differed before.
pub(super) fn deeds(found: &Reconciled) -> Vec<String> {
    let mut told = Vec::new();
    if found.drifted + found.untried > 0 {
        let counts: Vec<String> = [
            (found.count(Verdict::Healed), "healed"),
            (found.count(Verdict::AsWanted), "as wanted by then"),
            (found.count(Verdict::Healing), "not over yet"),
            (found.refused_items(), "refused"),
            (found.count(Verdict::Cancelled), "cancelled"),
            (found.count(Verdict::Failed), "failed"),
            (found.count(Verdict::InDoubt), "in doubt"),
        ]
        .into_iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, word)| format!("{n} {word}"))
        .collect();
        told.push(if found.heals && !counts.is_empty() {
            format!("{}.", counts.join(", "))
        } else {
            let only = "Nothing was changed: this only reports.";
            format!("{only}{}", would_refuse(found))
        });
    }
    told.extend(halfway(found.halfway).filter(|_| found.taken_back_by.is_none()).map(|what| {
        let again = "What was done stays done, and the next heal does it once more unless the playbook looks first.";
        format!("{what} {again}")
    }));
    let before = |n: u64, one: &str, several: &str| {
        let who = if n == 1 { "1 that differed".to_owned() } else { format!("{n} that differed") };
        let who = if found.unsure { format!("At least {who}") } else { who };
        (n > 0).then(|| format!("{who} when it was looked before {}.", if n == 1 { one } else { several }))
    };
    told.extend(before(found.gone, "is as wanted now", "are as wanted now"));
    told.extend(before(found.left, "is in the source no more", "are in the source no more"));
    let (one, several) = ("is found no more: as wanted now, or gone", "are found no more: as wanted now, or gone");
    told.extend(before(found.unclear, one, several));
    told.extend(found.taken_back_by.map(|by| format!("It was taken back by run {}.", by.short())));
    told.extend(found.refusal().map(|why| {
        let nothing = if found.heals { "Nothing was healed" } else { "It stopped before any item" };
        format!("{nothing}: {}.", why.trim_end_matches('.'))
    }));
    told.extend(found.open.clone());
    told
}
