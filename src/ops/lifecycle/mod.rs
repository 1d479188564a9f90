//! What an operator does with the records of a playbook's lifecycle: looks where they stand, and puts them back, begins them again,
//! cancels or advances them. Each of these but the look is an ordinary playbook, made here.

pub mod status;

use super::{
    Failure, Surroundings, included,
    playbook::{self, Loaded},
    project::{self, Opened},
    record::Record,
};
use crate::{
    base::{json, source::Source, suggest, value::Value, yaml},
    effect::change::TableName,
    engine::fleet::roll::Roll,
    journal::{RunFilter, RunSummary},
    playbook::{
        lifecycle::{
            Lifecycle,
            operation::{self, Does},
        },
        model::Playbook,
    },
};
use std::{collections::HashMap, sync::Arc};

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// Keys of records.
    pub items: Vec<String>,
    /// The state that they come to.
    pub to: Option<String>,
    /// The column of a window of time.
    pub column: Option<String>,
    /// Its beginning.
    pub from: Option<String>,
    /// Its end.
    pub until: Option<String>,
    /// Parameters of the playbook that are given, by name: on these a stage's `when` may rest.
    pub given: Vec<String>,
}

/// The lifecycle of a playbook.
pub fn lifecycle(playbook: &Playbook) -> Result<&Lifecycle, Failure> {
    playbook.lifecycle.as_ref().ok_or_else(|| {
        Failure::usage(format!("`{}` has no lifecycle", playbook.name.as_str()))
            .help("name a playbook with `lifecycle:`: one whose records carry their own state machine")
    })
}

/// The playbook of an operation, checked.
pub async fn operation(
    surroundings: &Surroundings,
    opened: &Opened,
    name: &str,
    does: Does,
    asked: &Asked,
) -> Result<Loaded, Failure> {
    let loaded = playbook::load(surroundings, opened, name)?;
    let own = loaded.checked.playbook().clone();
    let lifecycle = lifecycle(&own)?;
    if let Some((message, help)) = operation::refused(lifecycle, does, asked.items.len(), asked.to.as_deref()) {
        return Err(Failure::usage(message).help(help));
    }
    of_stages(lifecycle, &own, &asked.given)?;
    if !asked.items.is_empty() && lifecycle.key_columns().len() != 1 {
        return Err(Failure::usage("records with a key of several columns cannot be named one by one")
            .help("leave `--item` out, and see in the plan which records are meant"));
    }
    let facts = TableName::parse(lifecycle.table.as_str()).and_then(|table| opened.project.facts(&table));
    let stamp = lifecycle.since.as_ref().map(|word| word.as_str()).or(facts.and_then(|facts| facts.stamp()));
    let windowed = asked.from.is_some() || asked.until.is_some();
    let column = asked.column.as_deref().or(stamp).filter(|_| windowed);
    if windowed && column.is_none() {
        return Err(Failure::usage("no column tells since when a record is in its state")
            .help("say which one is meant: `--column created`"));
    }
    let held = held_keys(surroundings, opened, own.name.as_str()).await?;
    let texts = |all: &[String]| Value::list(all.iter().map(|text| Value::text(text.as_str())));
    let mut parts = vec![("does", Value::text(does.word()))];
    let keys = asked.items.iter().map(|key| match key.parse::<i64>() {
        Ok(number) if number.to_string() == *key => Value::from(number),
        _ => Value::text(key.as_str()),
    });
    parts.push(("items", Value::list(keys)));
    for (key, value) in [
        ("to", asked.to.as_deref()),
        ("column", column),
        ("from", asked.from.as_deref()),
        ("until", asked.until.as_deref()),
        ("since", stamp),
    ] {
        parts.extend(value.map(|text| (key, Value::text(text))));
    }
    if !asked.given.is_empty() {
        parts.push(("given", texts(&asked.given)));
    }
    if !held.is_empty() {
        parts.push(("held", texts(&held)));
    }
    let operation = json::text_of(&Value::map(parts));
    let path = playbook::find(surroundings, opened, name)?;
    let source = project::read(&path, yaml::LIMITS, &surroundings.folder)?;
    let source = Source::new(source.name(), operation::with_operation(source.text(), &operation));
    let source = included::with_included(surroundings, opened, &path, source)?;
    playbook::of_source(source, opened, None)
}

/// Only what decides on a stage may be given: anything else would be of no use, and look as if it were.
fn of_stages(lifecycle: &Lifecycle, playbook: &Playbook, given: &[String]) -> Result<(), Failure> {
    let deciding = operation::decides_stages(lifecycle);
    let Some(name) = given.iter().find(|name| !deciding.contains(*name)) else { return Ok(()) };
    let failure = if playbook.params.get(name).is_some() {
        Failure::usage(format!("no stage's `when` rests on `params.{name}`, so it changes nothing here"))
    } else {
        let known = playbook.params.iter().map(|(name, _)| name);
        let failure = Failure::usage(format!("`{}` has no parameter `{name}`", playbook.name.as_str()));
        suggest::help(name, known).into_iter().fold(failure, Failure::help)
    };
    let may: Vec<&str> = deciding.iter().map(String::as_str).collect();
    Err(if may.is_empty() {
        failure.help("leave it out: the stages of this playbook rest on no parameter")
    } else {
        failure.help(format!("what can be given: {}", may.join(", ")))
    })
}

/// So many runs that are not over are looked at.
const RUNS: u32 = 200;

/// The runs of a playbook that are not over, with their items.
async fn open_runs(record: &Record, playbook: &str) -> Result<Vec<(RunSummary, Roll)>, Failure> {
    let filter = RunFilter { unfinished: true, playbook: Some(playbook.to_owned()), ..RunFilter::default() };
    let mut all = Vec::new();
    for run in record.journal.runs(&filter, RUNS).await? {
        if run.purged_at.is_none() {
            let roll = record.roll(run.id).await?;
            all.push((run, roll));
        }
    }
    Ok(all)
}

/// The items of those runs that are not over, each with its run.
async fn held(record: &Record, runs: &[(RunSummary, Roll)]) -> Result<HashMap<Arc<str>, usize>, Failure> {
    let mut all = HashMap::new();
    for (index, (_, roll)) in runs.iter().enumerate() {
        let mut number = 0;
        while let Some(keys) = roll.open_keys(&record.journal, &mut number).await? {
            all.extend(keys.into_iter().map(|key| (key, index)));
        }
    }
    Ok(all)
}

/// The keys of records that a run which is not over still has before it.
async fn held_keys(surroundings: &Surroundings, opened: &Opened, playbook: &str) -> Result<Vec<String>, Failure> {
    if !opened.has_journal() {
        return Ok(Vec::new());
    }
    let record = super::record::open(surroundings, opened).await?;
    let runs = open_runs(&record, playbook).await?;
    let mut keys: Vec<String> = held(&record, &runs).await?.into_keys().map(|key| key.to_string()).collect();
    keys.sort_unstable();
    Ok(keys)
}
