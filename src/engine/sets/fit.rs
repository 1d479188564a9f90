//! Whether the items of a playbook can go in sets, and if not, why: a pure function of what is declared, and of what the
//! database said of the tables, where it was asked.

use super::{own, size::MOST};
use crate::{
    action::{
        kinds::Act,
        step::{Step, Undo},
    },
    effect::change::TableName,
    engine::{
        fleet::abreast,
        outgoing::call::bears_loss,
        outline::Node,
        setting::{OneItem, Part, Setting},
    },
    read::find::Test,
    template::sql::Dialect,
};
use std::{fmt, sync::Arc};

/// How the items of a run go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// Together, through the transactions of this database.
    InSets {
        /// Its name.
        connection: Arc<str>,
        /// How many items a set may have.
        most: usize,
        /// They call APIs on the way.
        calls: bool,
    },
    /// One by one in transactions of this database, so that what they read and what is recorded of them can be shared. Why, as below.
    Apart {
        /// Its name.
        connection: Arc<str>,
        /// Why not in sets.
        why: String,
    },
    /// One by one. Why, a fragment: `step `agreed` asks a person`.
    OneByOne(String),
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Way::InSets { most, calls: false, .. } => write!(f, "in sets of up to {most}"),
            Way::InSets { most, .. } => write!(f, "in sets of up to {most}, whose calls go side by side"),
            Way::OneByOne(why) | Way::Apart { why, .. } => write!(f, "one by one: {why}"),
        }
    }
}

/// How the items of this playbook go.
pub fn way(setting: &Setting) -> Way {
    fits(setting).unwrap_or_else(Way::OneByOne)
}

/// How the items of a run are taken back. Rows are put back by their keys, whatever the steps were that changed them; so what asks a person or
/// calls an API on the way does not matter, only what a step is taken back with.
pub fn way_back(setting: &Setting) -> Way {
    match fits_back(setting) {
        Ok(connection) => Way::InSets { connection, most: MOST, calls: false },
        Err(why) => Way::OneByOne(why),
    }
}

/// So many calls at least may be under way: with fewer it is not worth that items wait for each other's.
const CALLING: usize = 16;
/// A set has twice as many items as may call at the same time, so that more of them share what stands around the calls, and no more than
/// this: all of them wait for the last call.
const MOST_CALLING: usize = MOST / 2;

fn fits(setting: &Setting) -> Result<Way, String> {
    lanes(setting)?;
    let each = setting.about(OneItem { part: Part::Each, ..OneItem::default() });
    let mut found = Found { setting, writes: false, calls: None };
    for node in each.outline.nodes.iter() {
        of_node(node, &mut found)?;
    }
    if !found.writes {
        return Err("nothing is changed item by item".into());
    }
    let connection = one_database(setting)?;
    if let Some(why) = own::sees_others(setting) {
        return Err(why);
    }
    let Some(label) = found.calls else {
        return Ok(match setting.one_by_one {
            true if abreast::at_once(setting) > 1 && takes_several(setting, &connection) => {
                Way::Apart { connection, why: ASKED_FOR.into() }
            }
            true => Way::OneByOne(ASKED_FOR.into()),
            false => Way::InSets { connection, most: MOST, calls: false },
        });
    };
    if setting.one_by_one {
        return Err(ASKED_FOR.into());
    }
    let at_once = abreast::at_once(setting);
    if at_once < CALLING {
        return Err(format!("step `{label}` calls an API"));
    }
    Ok(Way::InSets { connection, most: at_once.saturating_mul(2).min(MOST_CALLING), calls: true })
}

/// What the steps of an item do.
struct Found<'a> {
    setting: &'a Setting,
    writes: bool,
    /// The first that calls an API.
    calls: Option<String>,
}

fn fits_back(setting: &Setting) -> Result<Arc<str>, String> {
    if setting.one_by_one {
        return Err(ASKED_FOR.into());
    }
    lanes(setting)?;
    let each = setting.about(OneItem { part: Part::Each, ..OneItem::default() });
    let mut wrong = None;
    for node in each.outline.nodes.iter() {
        node.step.each(&mut |step| {
            if wrong.is_none() {
                wrong = not_by_rows(step).map(|why| format!("step `{}` {why}", step.id().unwrap_or(step.act.word())));
            }
        });
    }
    if let Some(why) = wrong {
        return Err(why);
    }
    let connection = one_database(setting)?;
    match own::judged_back(setting) {
        Some(why) => Err(why),
        None => Ok(connection),
    }
}

/// Why a step is not taken back by putting rows back.
fn not_by_rows(step: &Step) -> Option<&'static str> {
    if matches!(step.common.undo, Some(Undo::Step(_))) {
        return Some("has an `undo` of its own");
    }
    match &step.act {
        Act::Http(_) | Act::Resource(_) => Some("calls an API"),
        Act::Job(_) => Some("is about background jobs"),
        Act::Command(_) => Some("starts a program"),
        Act::Call(_) => Some("calls another playbook"),
        Act::Undo(_) => Some("takes steps back"),
        _ => None,
    }
}

const ASKED_FOR: &str = "`--one-by-one` says so";

/// Several transactions may change it at the same time, and it is read while others change it. (A file takes one after the other.)
pub fn takes_several(setting: &Setting, connection: &Arc<str>) -> bool {
    setting.databases.get(connection).is_some_and(|database| database.dialect() != Dialect::Sqlite)
}

/// What holds of items, whatever is done to them.
fn lanes(setting: &Setting) -> Result<(), String> {
    let playbook = &setting.playbook;
    let targets = playbook.targets.as_ref().ok_or("it has no `targets`")?;
    if targets.subject.is_some() {
        return Err("items of one `subject` come one after the other".into());
    }
    if playbook.limits.as_ref().is_some_and(|limits| limits.rate.is_some()) {
        return Err("`rate` spreads their beginnings".into());
    }
    Ok(())
}

/// The only thing that the playbook uses beside APIs, if it is a database.
fn one_database(setting: &Setting) -> Result<Arc<str>, String> {
    let names = setting.playbook.uses.entries.iter().map(|(name, _)| name);
    let mut databases = names.filter(|name| !setting.apis.contains_key(name.as_str()));
    match (databases.next(), databases.next()) {
        (Some(one), None) => {
            let database =
                setting.databases.get(one.as_str()).ok_or_else(|| format!("`{}` is no database", one.as_str()))?;
            Ok(database.name().clone())
        }
        (Some(one), Some(other)) => {
            Err(format!("it uses `{}` and `{}`, and a set has one database", one.as_str(), other.as_str()))
        }
        (None, _) => Err("it uses no database".into()),
    }
}

/// The database through which items can also be tried out together: what one sees there, another one's changes must not
/// alter, so each reads rows by their key alone.
pub fn rehearsal(setting: &Setting) -> Option<Arc<str>> {
    let Way::InSets { connection, .. } = way(setting) else { return None };
    let each = setting.about(OneItem { part: Part::Each, ..OneItem::default() });
    let mut apart = true;
    for node in each.outline.nodes.iter() {
        node.step.each(&mut |step| apart &= reads_its_own(step, setting));
    }
    apart.then_some(connection)
}

fn reads_its_own(step: &Step, setting: &Setting) -> bool {
    let find = match &step.act {
        Act::Find(find) => find,
        Act::Query(_) | Act::Rows(_) => return false,
        // A call that changes something is only shown. One that reads is really sent, and all others would wait for the answer.
        Act::Http(spec) => return !spec.is_read(),
        _ => return true,
    };
    let Some(facts) = TableName::parse(find.table.as_str()).and_then(|table| setting.facts_of(&table)) else {
        return false;
    };
    let is = |column: &str| matches!(find.conditions.get(column), Some(Test::Is(_)));
    facts.key_columns().iter().all(|column| is(column))
}

fn of_node(node: &Node, found: &mut Found<'_>) -> Result<(), String> {
    of_step(&node.step, &node.label, found)?;
    for inner in node.parts.iter().flat_map(|part| &part.nodes) {
        of_node(inner, found)?;
    }
    // The steps of a transaction are no nodes.
    if let Act::Block(_) = &node.step.act {
        for (index, step) in node.step.inner().iter().enumerate() {
            let mut wrong = None;
            step.each(&mut |one| {
                if wrong.is_none() {
                    wrong = of_step(one, &one.label(index), found).err();
                }
            });
            if let Some(why) = wrong {
                return Err(why);
            }
        }
    }
    Ok(())
}

fn of_step(step: &Step, label: &str, found: &mut Found<'_>) -> Result<(), String> {
    let why = match &step.act {
        // Whether another run has the row by now is asked of the journal, one record at a time.
        Act::Row(row) if row.claim == Some(true) => Some("claims a record"),
        Act::Row(_) | Act::Rows(_) => {
            found.writes = true;
            None
        }
        // More of them are recorded as begun than are sent at a time: after a crash nobody must have to find out about those.
        Act::Http(spec) if !spec.is_read() && !bears_loss(step, spec.api.as_str(), found.setting) => {
            Some("makes a call that can be sent once only")
        }
        Act::Http(spec) if spec.accepted.is_some() => Some("waits for what an API has accepted"),
        Act::Http(_) => {
            found.calls.get_or_insert_with(|| label.to_owned());
            None
        }
        Act::Find(_) | Act::Query(_) | Act::Compare(_) | Act::Assert(_) | Act::Let(_) => None,
        Act::Block(_) | Act::Choose(_) | Act::Use(_) | Act::End(_) => None,
        Act::Resource(_) => Some("calls an API"),
        Act::Sql(_) => Some("is free SQL"),
        Act::Tally(_) | Act::Job(_) => Some("is about background jobs"),
        Act::Command(_) => Some("starts a program"),
        Act::Ask(_) => Some("asks a person"),
        Act::Tell(_) => Some("tells a person"),
        Act::Call(_) => Some("calls another playbook"),
        Act::Wait(_) => Some("waits"),
        Act::Undo(_) => Some("takes steps back"),
    };
    let why = why.or_else(|| step.common.within.is_some().then_some("looks again until it holds (`within`)"));
    let why = why.or_else(|| step.common.probe.is_some().then_some("has a `probe`"));
    match why {
        Some(why) => Err(format!("step `{label}` {why}")),
        None => Ok(()),
    }
}
