//! The outline of a run that takes another one back: its effects, the newest first, each with its way back.

use super::{
    done::{Done, Fate},
    jobs,
};
use crate::{
    action::{
        deed::{Deed, Jobs, Restore},
        kinds::Act,
        resolve::{Resolved, resolve},
        step::{Step, Undo},
    },
    base::{
        identity::RunId,
        value::{Map, Value},
    },
    check,
    effect::{change::RowChange, hidden::Hidden, left::Stays},
    engine::{
        names,
        outline::{Back, Outline, Place, Realm},
        resource::{self, Left, is_class},
        setting::{RunFacts, Setting},
        state::{ItemState, RunState},
        trouble::Trouble,
    },
    journal::words::Outcome,
    template::{Scope, Text, scope::Entry},
};
use std::sync::Arc;

/// A run, and whether it did the playbook's steps or took them back.
pub struct Past<'a> {
    /// Its facts.
    pub facts: RunFacts,
    /// Where it came to.
    pub state: &'a RunState,
}

/// What is to be taken back, and how.
pub struct Wish<'a> {
    /// The effects of the run, in the order in which they ended.
    pub effects: &'a [Done],
    /// Only those of this item.
    pub item: Option<&'a str>,
    /// One row that cannot be taken back stops the whole.
    pub all_or_nothing: bool,
    /// Names or paths of steps whose effects somebody leaves as they are.
    pub leave: &'a [String],
    /// Calls that an earlier undo of the run, which left something alone, has made already: path, and the run.
    pub made: &'a [(Done, RunId)],
}

/// The outline of the undo. `past` begins with the run that did the steps first; what later ones did again is newer.
///
/// The setting's project file is the one of the run.
pub fn of(setting: &Setting, past: &[Past<'_>], wish: &Wish<'_>) -> Outline {
    let forward = Outline::of(&setting.playbook, &setting.called);
    let scope = captured(setting, &forward, past);
    let item = past.first().and_then(|p| p.state.items.values().next());
    let hidden = hidden(past.iter().flat_map(|past| past.state.items.values()), wish.effects);
    let mut places = Vec::new();
    for done in wish.effects.iter().rev().filter(|d| wish.item.is_none_or(|item| *d.effect.item == *item)) {
        let Some(of) = forward.place(origin(&done.effect.step)) else { continue };
        let step = &*of.step;
        let facts = past.first().map_or(&setting.run, |first| &first.facts);
        let known = item.filter(|_| !of.realms.is_empty()).map(|item| {
            let mut known = scope.clone();
            for realm in &of.realms {
                names::enter(setting, facts, &forward, realm, item, &mut known);
            }
            known
        });
        // Inside a call, names and grants are those of the called playbook.
        let call = of.call().cloned();
        let setting = setting.of_call(call.as_ref().map(|call| &*call.playbook));
        // Every second run of the chain does the steps, the others take them back.
        let one = Taken {
            setting,
            scope: known.as_ref().unwrap_or(&scope),
            done,
            step,
            wish,
            item,
            hidden: &hidden,
            again: past.len().is_multiple_of(2),
            first: past.len() == 1,
        };
        let before = places.len();
        one.places(&mut places);
        for place in &mut places[before..] {
            place.known.clone_from(&known);
            place.realms = call.clone().map(Realm::Call).into_iter().collect();
        }
    }
    Outline::of_undo(places, scope)
}

/// What one effect is taken back with, inside the run that made it (`undo: [step]` in a rescue).
pub fn one(setting: &Setting, scope: &Scope, item: &ItemState, done: &Done, step: &Step) -> Place {
    let wish = Wish { effects: &[], item: None, all_or_nothing: false, leave: &[], made: &[] };
    let hidden = hidden([item], std::slice::from_ref(done));
    Taken { setting, scope, done, step, wish: &wish, item: Some(item), hidden: &hidden, again: false, first: true }
        .place()
}

/// Where the runs had something hidden in a row, in whichever of its images: so it is in all of them, and in what is read there now.
fn hidden<'a>(items: impl IntoIterator<Item = &'a ItemState>, effects: &'a [Done]) -> Hidden {
    let mut hidden = Hidden::default();
    let steps = items.into_iter().flat_map(|item| item.steps.values());
    let changes = steps.flat_map(|step| &step.changes).chain(effects.iter().flat_map(|done| &done.changes));
    changes.for_each(|change| hidden.note(change, |_| false));
    hidden
}

/// The name of such a step, as people say it.
pub fn name(path: &str) -> &str {
    let origin = origin(path);
    origin.rsplit('/').next().unwrap_or(origin)
}

/// Why a step is not taken back that somebody leaves as it is.
const LEAVE: &str = "left as it is, as asked with `--leave`";

/// The path of the step in the playbook: a step that was done again has its number behind it.
pub fn origin(path: &str) -> &str {
    path.split_once('~').map_or(path, |(path, _)| path)
}

/// The values that the past runs captured, under the names of their steps: never read anew.
fn captured(setting: &Setting, forward: &Outline, past: &[Past<'_>]) -> Scope {
    let Some(first) = past.first() else { return setting.scope() };
    let mut scope = setting.scope_of(&first.facts);
    // What the run was about, and what was done once for all items, as its steps knew it.
    if let Some(value) = &setting.about.value {
        scope.insert("item", value.clone());
    }
    for (name, entry) in setting.about.once.iter() {
        scope.insert_entry(name.clone(), entry.clone());
    }
    if let Some(item) = first.state.items.values().next() {
        names::recall(&setting.playbook, item, &mut scope);
    }
    for one in past.iter().skip(2).step_by(2) {
        for (path, step) in one.state.items.values().flat_map(|item| &item.steps) {
            let place = forward.place(origin(path));
            // What a called playbook named is known in it alone.
            if place.as_ref().is_some_and(|place| place.call().is_some()) {
                continue;
            }
            let id = match &place {
                Some(place) => place.id(),
                None => path.rsplit('/').next(),
            };
            // Rows that were put back have no result of their own.
            let own = step.class.as_deref().is_some_and(|class| class.starts_with("http") || class == "marker");
            match (id, step.result(), &step.outcome) {
                (Some(id), Some(value), _) if own => scope.insert(id, value.clone()),
                (Some(id), None, Some(o)) if own && o.outcome == Outcome::Skipped => {
                    scope.insert_entry(id.into(), Entry::Skipped)
                }
                _ => {}
            }
        }
    }
    scope
}

/// One effect on its way back.
struct Taken<'a> {
    setting: &'a Setting,
    scope: &'a Scope,
    done: &'a Done,
    step: &'a Step,
    wish: &'a Wish<'a>,
    item: Option<&'a ItemState>,
    hidden: &'a Hidden,
    again: bool,
    first: bool,
}

impl Taken<'_> {
    fn places(&self, places: &mut Vec<Place>) {
        // Parts of a transaction that left no images come before the rows of the whole.
        if !self.is_left()
            && let Act::Block(block) = &self.step.act
            && self.first
        {
            self.inside(&self.done.effect.step, &block.steps, places);
        }
        places.push(self.place());
    }

    fn path(&self) -> Arc<str> {
        let (path, generation) = (origin(&self.done.effect.step), self.done.effect.generation);
        if generation == 0 { self.done.effect.step.clone() } else { format!("{path}~{generation}").into() }
    }

    /// Somebody wants what it did to stay.
    fn is_left(&self) -> bool {
        let path = &self.done.effect.step;
        self.wish.leave.iter().any(|step| step == origin(path) || step == name(path))
    }

    fn place(&self) -> Place {
        if self.is_left() {
            return self.quiet(Back::Left(Stays::from(LEAVE)));
        }
        match self.way() {
            Ok(Way::Step(step)) => match self.made() {
                Some(back) => self.quiet(back),
                None => {
                    // A step that was done more than once is taken back with what it answered each time.
                    let own = (self.step.id().map(Arc::from), self.done.value.clone().filter(|_| !self.again));
                    let back = if let (Some(id), Some(value)) = own { Some(Back::Step(id, value)) } else { None };
                    if let Some(why) = self.unfit(&step, back.as_ref()) {
                        return self.quiet(Back::Left(why.into()));
                    }
                    let since =
                        matches!(step.act, Act::Row(_) | Act::Rows(_)).then(|| self.restore(self.marked())).flatten();
                    Place { since: since.map(Arc::new), ..Place::of_undo(self.path(), *step, back) }
                }
            },
            Ok(Way::Jobs(jobs)) => self.quiet(Back::Jobs(jobs)),
            Ok(Way::Rows(rows)) => match self.restore(rows) {
                Some(restore) => self.quiet(Back::Rows(restore)),
                None => self.quiet(Back::Left(Stays::needless("it changed no row"))),
            },
            Ok(Way::Resource(change)) => self.quiet(Back::Resource(change)),
            Err(stays) => self.quiet(Back::Left(stays)),
        }
    }

    /// Its rows, as they are to be put back, or to be looked at before the author's own step changes them.
    fn restore(&self, rows: Vec<RowChange>) -> Option<Restore> {
        let connection = self.done.connection.clone().or_else(|| Some(rows.first()?.table.connection.clone()))?;
        let (also, audit) = (self.also(), self.keeps_audit());
        (!rows.is_empty()).then_some(Restore {
            connection,
            rows,
            also,
            audit,
            all_or_nothing: self.wish.all_or_nothing,
        })
    }

    /// The rows that really changed; what the run hid in them stays hidden.
    fn marked(&self) -> Vec<RowChange> {
        let mut rows = self.done.rows();
        rows.iter_mut().for_each(|row| self.hidden.mark_change(row));
        rows
    }

    /// Why the step cannot be done with what is known: it needs a value that was never captured, or that is sealed.
    fn unfit(&self, step: &Step, back: Option<&Back>) -> Option<String> {
        if !check::again::names(step, &self.setting.playbook).is_empty() {
            return None;
        }
        let mut scope = self.scope.clone();
        if let Some(Back::Step(name, value)) = back {
            scope.insert(name.clone(), value.clone());
        }
        match resolve(step, &scope, self.setting) {
            Err(trouble) => {
                let why = Trouble::of_resolving(trouble, &self.setting.source).message();
                Some(format!("its `{}` cannot be made: {why}", step.act.word()))
            }
            Ok(Some(Resolved { deed: Deed::Outgoing(outgoing), .. })) if outgoing.is_unknown() => {
                Some(format!("its `{}` rests on a value that is not known here", step.act.word()))
            }
            Ok(_) => None,
        }
    }

    /// Rows can be looked at; a call that was made once is not made again.
    fn made(&self) -> Option<Back> {
        let path = self.path();
        let (made, by) = self.wish.made.iter().find(|(made, _)| made.effect.step == path)?;
        Some(match made.fate {
            Fate::Unknown => Back::Left(format!("nobody knows whether run {} did it", by.short()).into()),
            _ => Back::Already(format!("taken back already, by run {}", by.short())),
        })
    }

    /// A place that does nothing of what its step says.
    fn quiet(&self, back: Back) -> Place {
        Place::of_undo(self.path(), heading(self.step), Some(back))
    }

    fn way(&self) -> Result<Way, Stays> {
        let (done, common) = (self.done, &self.step.common);
        let rows = self.marked();
        if &*done.class == "message-once" {
            let whom = done.shown.split_once(':').map_or(&*done.shown, |(whom, _)| whom);
            return Err(Stays::foreseen(format!("a message {whom} cannot be taken back")));
        }
        if let Some(why) = only_added(&rows, self.setting) {
            return Err(Stays::foreseen(why));
        }
        if is_class(&done.class)
            && (self.again || common.undo.as_ref().is_none_or(|undo| matches!(undo, Undo::Automatic(_))))
        {
            return self.resource(rows);
        }
        if self.again && &*done.class == "marker" {
            return Ok(Way::Jobs(jobs::back(self.done, self.step, self.wish, &self.path())?));
        }
        if self.again {
            return match (rows.is_empty(), done.class.starts_with("http")) {
                (false, _) => Ok(Way::Rows(readable(rows)?)),
                (true, true) => Ok(self.known().map(|()| Way::Step(Box::new(once_more(self.step))))?),
                (true, false) => Err("its rows are not known".into()),
            };
        }
        if let Some(why) = &common.irreversible {
            return Err(Stays::foreseen(said(why)));
        }
        if let Some((path, why)) = self.fixed() {
            let why = format!("a part of the transaction cannot be taken back: `{path}`: {why}");
            return Err(Stays::foreseen(why));
        }
        match &common.undo {
            Some(Undo::NoneNeeded(_)) => Err(Stays::needless(format!(
                "nothing need be taken back{}",
                common.because.as_ref().map_or(String::new(), |t| format!(": {}", said(t)))
            ))),
            None | Some(Undo::Automatic(_)) if &*done.class == "marker" => {
                Ok(Way::Jobs(jobs::back(done, self.step, self.wish, &self.path())?))
            }
            Some(Undo::Step(step)) => Ok(self.known().map(|()| Way::Step(step.clone()))?),
            Some(Undo::Automatic(_)) | None if !rows.is_empty() => Ok(Way::Rows(readable(rows)?)),
            Some(Undo::Automatic(_)) | None => match (&self.step.act, done.also.is_empty()) {
                (Act::Sql(_), _) => {
                    Err("its rows could not be told by their keys, so there are no images of them".into())
                }
                (Act::Row(_) | Act::Rows(_) | Act::Block(_), false) => {
                    Err(Stays::foreseen(format!("it touched only {}, by triggers", done.also.join(", "))))
                }
                (Act::Row(_) | Act::Rows(_) | Act::Block(_), true) => Err(Stays::needless("it changed no row")),
                _ => Err("the playbook gives no way back".into()),
            },
        }
    }

    /// A thing behind an API becomes what it was: by its old fields, whoever knows whether they were written.
    fn resource(&self, rows: Vec<RowChange>) -> Result<Way, Stays> {
        if let Some(why) = self.step.common.irreversible.as_ref().filter(|_| !self.again) {
            return Err(Stays::foreseen(said(why)));
        }
        let Some(change) = readable(rows)?.into_iter().next() else {
            return Err(Stays::needless("it changed nothing"));
        };
        match resource::fixed(self.setting, self.step, &change, self.scope) {
            Some(stays) => Err(stays),
            None => Ok(Way::Resource(Box::new(Left { whole: self.whole(&change), change }))),
        }
    }

    /// All that a thing showed when the run had made it; nothing of one that was changed, and where nobody saw it.
    fn whole(&self, change: &RowChange) -> Option<Map> {
        let seen = || self.done.value.as_ref().filter(|_| self.done.fate == Fate::Happened)?.as_map().cloned();
        seen().filter(|whole| change.before.is_none() && !whole.values().any(Value::is_unknown))
    }

    /// The tables that it touched besides, and how many rows it added to each.
    fn also(&self) -> Vec<(Arc<str>, Option<u64>)> {
        let added = |n: usize| self.done.also_added.get(n).copied();
        self.done.also.iter().enumerate().map(|(n, table)| (table.clone(), added(n))).collect()
    }

    /// Whether the step writes the application's audit rows.
    fn keeps_audit(&self) -> bool {
        match &self.step.act {
            Act::Row(spec) => spec.audit.is_none(),
            Act::Rows(spec) => spec.audit.is_none(),
            Act::Block(_) => self.done.changes.iter().any(|change| change.by_rule),
            _ => true,
        }
    }

    /// A call is taken back with what it answered: that must be known.
    fn known(&self) -> Result<(), String> {
        match self.done.fate {
            Fate::Happened | Fate::Not => Ok(()),
            Fate::SaidToHave => Err("a person decided that it happened, and what it answered is not known".into()),
            Fate::Unknown => Err("nobody knows whether it happened".into()),
        }
    }

    /// An inner step of a transaction that ran and cannot be taken back.
    fn fixed(&self) -> Option<(Arc<str>, String)> {
        let Act::Block(block) = &self.step.act else { return None };
        self.ran(&self.done.effect.step, &block.steps)
            .into_iter()
            .find_map(|(path, step)| Some((path, said(step.common.irreversible.as_ref()?))))
    }

    /// The inner steps of a transaction that ran, at any depth.
    fn ran<'s>(&self, prefix: &str, steps: &'s [Step]) -> Vec<(Arc<str>, &'s Step)> {
        let mut found = Vec::new();
        for (index, step) in steps.iter().enumerate() {
            let path = crate::engine::outline::path(prefix, step, index);
            if let Act::Block(block) = &step.act {
                found.extend(self.ran(&path, &block.steps));
            } else if self.item.is_some_and(|item| item.steps.contains_key(&path)) {
                found.push((path, step));
            }
        }
        found
    }

    /// Statements inside a transaction whose rows could not be told: by their own `undo`, or not at all.
    fn inside(&self, prefix: &str, steps: &[Step], places: &mut Vec<Place>) {
        let blind = |path: &Arc<str>, step: &Step| {
            let gave = self.item.and_then(|item| item.steps.get(path)?.result()?.as_list().map(<[Value]>::is_empty));
            matches!(step.act, Act::Sql(_)) && gave == Some(true) && !self.done.also.is_empty()
        };
        for (path, step) in self.ran(prefix, steps).into_iter().rev().filter(|(path, step)| blind(path, step)) {
            let place = match &step.common.undo {
                Some(Undo::Step(undo)) => Place::of_undo(path, (**undo).clone(), None),
                _ => {
                    let why = "its rows could not be told by their keys, so there are no images of them";
                    Place::of_undo(path, heading(step), Some(Back::Left(why.into())))
                }
            };
            places.push(place);
        }
    }
}

enum Way {
    Resource(Box<Left>),
    Rows(Vec<RowChange>),
    Jobs(Jobs),
    Step(Box<Step>),
}

fn said(text: &Text) -> String {
    text.scalar().text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Rows whose images can be read; without the key, sealed values are unknown.
fn readable(rows: Vec<RowChange>) -> Result<Vec<RowChange>, String> {
    let unknown = |row: &Option<Map>| row.iter().flatten().any(|(_, value)| value.is_unknown());
    match rows.iter().find(|c| unknown(&c.before) || unknown(&c.after)) {
        Some(change) => Err(format!(
            "the images of {} are sealed with a key that is not here; with the `seal.key` of the machine that ran it, it can be taken back",
            change.table
        )),
        None => Ok(rows),
    }
}

/// Rows of a table to which rows are only ever added cannot be taken away again.
pub fn only_added(rows: &[RowChange], setting: &Setting) -> Option<String> {
    let added = |c: &&RowChange| {
        !c.by_rule && c.before.is_none() && setting.facts_of(&c.table).is_some_and(|f| f.append_only == Some(true))
    };
    rows.iter().find(added).map(|change| format!("rows of {} are only ever added", change.table))
}

/// The step's heading and place, and nothing that would decide anything.
fn heading(step: &Step) -> Step {
    let mut quiet = once_more(step);
    quiet.common.id = None;
    quiet.common.otherwise = None;
    quiet
}

/// The step without the conditions under which it ran: it did run.
fn once_more(step: &Step) -> Step {
    let mut step = step.clone();
    step.common.when = None;
    step.common.is = None;
    step.common.within = None;
    step.common.repair = None;
    step
}
