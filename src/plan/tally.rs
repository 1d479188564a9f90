//! What a plan comes to, counted item by item: so that a plan of any length can be shown, judged and summed up without being
//! held whole.

use super::{Counts, Effect, Foreseen, ItemPlan, Reversal, Stop};
use crate::{
    action::ends::Way,
    base::identity::SINGLE_ITEM,
    effect::{
        change::{Deed, TableName},
        label::Label,
        reasons::{Filed, filed},
    },
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// The word of the kind whose effects are one thing.
const RESOURCE: &str = "resource";
/// So many different steps that cannot be taken back are told apart.
const MOST_FOR_GOOD: usize = 50;
/// So many keys are named with a reason.
const NAMED: usize = 5;

/// Kinds of steps that never change anything.
const LOOKS: [&str; 9] = ["find", "query", "assert", "let", "compare", "tally", "choose", "wait", "tell"];

/// How many of each a plan would do, the author's own steps only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    /// Rows to add.
    pub inserted: usize,
    /// Rows to change.
    pub updated: usize,
    /// Rows to delete.
    pub deleted: usize,
    /// Things behind APIs that would come, change or go.
    pub resources: usize,
    /// Requests to send.
    pub requests: usize,
    /// Background jobs.
    pub jobs: usize,
    /// Questions to people.
    pub questions: usize,
    /// Messages to people.
    pub messages: usize,
    /// Steps of which only apply will show whether they run.
    pub undecided: usize,
}

/// What a plan comes to.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Items; the part that is done once for the whole run is none.
    pub items: u64,
    /// The counts.
    pub counts: Counts,
    /// What the author's steps would do.
    pub parts: Parts,
    /// Rows that triggers and cascades touch besides.
    pub touched: u64,
    /// Rows that an undo leaves as they are.
    pub left_alone: usize,
    /// Tables of all these rows.
    pub tables: BTreeSet<TableName>,
    /// Changing steps that could not be tried out.
    pub untried: usize,
    /// Some step is of a kind that may change something, also if it would not do so today.
    pub(super) could_change: bool,
    /// Names of the steps that cannot be taken back, each with its reason and how often.
    pub irreversible: Vec<(String, Option<String>, usize)>,
    /// Names of the steps that an undo cannot take back, each with its reason and how often.
    pub stays: Vec<(String, Option<String>, usize)>,
    /// How many items would change something.
    pub changing: u64,
    /// How many items are as wanted.
    pub unchanged: u64,
    /// How many items of an undo change nothing, because it leaves their rows alone or cannot take their steps back.
    pub left: u64,
    /// Where items end early: how many of each way.
    pub ends: BTreeMap<&'static str, u64>,
    /// The same with the reasons.
    pub reasons: Vec<Reason>,
}

/// Why items end early.
#[derive(Clone, Debug)]
pub struct Reason {
    /// Where it leads.
    pub way: Way,
    /// The step.
    pub step: Arc<str>,
    /// What is said.
    pub message: String,
    /// How many items.
    pub items: u64,
    /// The first of them.
    pub first: Vec<Arc<str>>,
}

impl Tally {
    /// Of these items.
    pub fn of<'a>(items: impl IntoIterator<Item = &'a ItemPlan>) -> Tally {
        let mut tally = Tally::default();
        items.into_iter().for_each(|item| tally.add(item));
        tally
    }

    /// There is nothing to carry out. Where all is as wanted already nobody is told of it again; a playbook that only tells is there to tell.
    pub fn is_empty(&self) -> bool {
        let only_tells = self.parts.messages > 0 && !self.could_change;
        self.counts.changes == 0 && !only_tells
    }

    /// How many items end early.
    pub fn ended(&self) -> u64 {
        self.ends.values().sum()
    }

    /// One item more.
    pub fn add(&mut self, item: &ItemPlan) {
        let (before, left_before) = (self.counts.changes, self.left_alone);
        let mut stays = false;
        for step in &item.steps {
            let acts = step.foreseen.acts();
            let looks = step.foreseen == Foreseen::Passes || LOOKS.contains(&step.kind);
            self.could_change |= acts || step.foreseen == Foreseen::Unchanged || !looks;
            if acts {
                self.counts.changes += 1;
                match step.label {
                    Label::Exact => self.counts.exact += 1,
                    Label::HasUnknowns => self.counts.unknown += 1,
                    Label::NotPreviewable(_) => self.counts.not_previewable += 1,
                    Label::Read => {}
                }
                if let Some(Reversal::Irreversible(why)) = &step.undo {
                    note(&mut self.irreversible, step.name(), why.as_ref());
                }
                // A step that changes rows and shows none was not tried out.
                let changes_rows = matches!(step.foreseen, Foreseen::Changes | Foreseen::Undecided)
                    && matches!(step.kind, "row" | "rows" | "sql");
                let shows = step.effects.iter().any(|effect| matches!(effect, Effect::Rows { .. }));
                self.untried += usize::from(changes_rows && !shows);
            }
            if let (Some(Reversal::Irreversible(why)), Foreseen::Warns) = (&step.undo, step.foreseen) {
                note(&mut self.stays, step.name(), why.as_ref());
                stays = true;
            }
            let shown = acts || step.foreseen == Foreseen::Tells;
            self.parts.undecided += usize::from(shown && step.foreseen == Foreseen::Undecided);
            // Its request and its fields are one thing.
            let resource = shown && step.kind == RESOURCE;
            self.parts.resources += usize::from(resource && step.foreseen == Foreseen::Changes);
            step.effects.iter().for_each(|effect| self.effect(effect, acts, shown && !resource));
        }
        let changes = self.counts.changes > before;
        if &*item.key != SINGLE_ITEM || item.item.is_some() {
            self.items += 1;
            match item.ends_early() {
                Some(_) => {}
                None if changes => self.changing += 1,
                None if stays || self.left_alone > left_before => self.left += 1,
                None => self.unchanged += 1,
            }
        }
        if let Some(stop) = item.ends_early() {
            *self.ends.entry(stop.way.word()).or_default() += 1;
            self.reason(&item.key, stop);
        }
    }

    fn effect(&mut self, effect: &Effect, acts: bool, shown: bool) {
        match effect {
            Effect::Rows { changes, also } => {
                let own = || changes.iter().filter(|c| !c.by_rule);
                let deeds = |deed: Deed| own().filter(|c| c.deed() == deed).count();
                if shown {
                    self.parts.inserted += deeds(Deed::Insert);
                    self.parts.updated += deeds(Deed::Update);
                    self.parts.deleted += deeds(Deed::Delete);
                }
                if acts {
                    let changed = || own().filter(|c| c.deed() != Deed::Nothing);
                    self.counts.rows += changed().count();
                    for change in changed() {
                        if !self.tables.contains(&change.table) {
                            self.tables.insert(change.table.clone());
                        }
                    }
                    self.touched += also.iter().map(|t| t.inserted + t.updated + t.deleted).sum::<u64>();
                    self.tables.extend(also.iter().filter_map(|table| TableName::parse(&table.table)));
                }
            }
            Effect::Request { .. } => {
                self.counts.requests += usize::from(acts);
                self.parts.requests += usize::from(shown);
            }
            Effect::Question { .. } => {
                self.counts.questions += usize::from(acts);
                self.parts.questions += usize::from(shown);
            }
            Effect::Message { .. } => self.parts.messages += usize::from(shown),
            Effect::LeftAlone { rows } => self.left_alone += rows.len(),
            Effect::Jobs { jobs } => {
                self.counts.jobs += if acts { jobs.len() } else { 0 };
                self.parts.jobs += if shown { jobs.len() } else { 0 };
            }
            // What is only done if something fails is not what the plan comes to.
            Effect::Answer { .. } | Effect::Compared(_) | Effect::IfFails { .. } => {}
        }
    }

    fn reason(&mut self, key: &Arc<str>, stop: &Stop) {
        let (way, step) = (stop.way, stop.step.clone());
        let all = self.reasons.iter().map(|one| {
            let same = one.way == way && one.step == step;
            same.then(|| (one.message.as_str(), one.first.first().map_or("", |key| &**key)))
        });
        let message = match filed(all, &stop.message, key) {
            Filed::At(at) => {
                let known = &mut self.reasons[at];
                known.items += 1;
                if known.first.len() < NAMED {
                    known.first.push(key.clone());
                }
                return;
            }
            Filed::As(message) => message,
        };
        self.reasons.push(Reason { way, step, message, items: 1, first: vec![key.clone()] });
    }
}

/// Counts a step with its reason among the others.
fn note(all: &mut Vec<(String, Option<String>, usize)>, name: &str, why: Option<&String>) {
    let same = |(known, because, _): &(String, Option<String>, usize)| known == name && because.as_ref() == why;
    if let Some(at) = all.iter().position(same) {
        all[at].2 += 1;
    } else if all.len() < MOST_FOR_GOOD {
        all.push((name.to_owned(), why.cloned(), 1));
    }
}
