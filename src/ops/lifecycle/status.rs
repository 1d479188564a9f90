//! `lifecycle status`: how many records stand where, since when, what went wrong, and what was left behind.

use super::{held, lifecycle, open_runs};
use crate::{
    base::{
        secret::Masks,
        time::Stamp,
        value::{Data, Map, Value},
    },
    connection::{fault::Fault, statement::Select},
    effect::change::TableName,
    ops::{Failure, Surroundings, plan, playbook, project::Opened, states},
    playbook::lifecycle::{Lifecycle, Line},
    report::{
        exit::Exit,
        lifecycle::{AtWork, Group, Kind, Standing, Status},
    },
    table::facts::Facts,
    targets::item::key_text,
    template::pattern::Pattern,
};
use std::{collections::HashMap, sync::Arc};

/// So many records in a working state are told one by one.
const TOLD: usize = 1000;
/// So many ways to fail are told apart; those behind them are counted as one.
const WAYS: usize = 500;
/// Keys that are told of each.
const SOME: usize = 3;
/// Characters of a message.
const LONGEST: usize = 300;

/// Looks at all records, one after the other.
pub async fn status(
    surroundings: &Surroundings,
    opened: &Opened,
    name: &str,
    environment: Option<&str>,
) -> Result<Status, Failure> {
    let loaded = playbook::load(surroundings, opened, name)?;
    let own = loaded.checked.playbook().clone();
    let lifecycle = lifecycle(&own)?;
    let (environment, _) = opened.project.environment(environment).map_err(Failure::usage)?;
    let databases = plan::databases(surroundings, opened, environment)?;
    let odd = || Failure::usage(format!("`{}` is not a table of this environment", lifecycle.table.as_str()));
    let table = TableName::parse(lifecycle.table.as_str()).ok_or_else(odd)?;
    let database = databases.get(&table.connection).ok_or_else(odd)?;
    let project = states::read(opened.project.clone(), &databases, |one| *one == table).await?;
    let facts = project.facts(&table).ok_or_else(odd)?;
    let mut count = Count::new(lifecycle, facts, surroundings);
    let columns = count.columns();
    let select = Select { table: &table.table, columns: &columns, conditions: &[], order: &[], limit: None };
    let failed =
        |fault: Fault| Failure::refused(Exit::Failed, format!("failed to read `{table}`: {fault}")).help(fault.help());
    let mut reading = database.reading().await.map_err(failed)?;
    let read = reading
        .select_each(&select, &mut |row| {
            count.row(&row);
            true
        })
        .await;
    reading.close().await;
    read.map_err(failed)?;
    let scope = states::scope(&project, environment, surroundings.world.now());
    let unlike = states::unlike(&own, &project, &scope);
    let mut status = Status {
        playbook: own.name.as_str().to_owned(),
        table: table.to_string(),
        environment: environment.to_owned(),
        stale_after: lifecycle.stale_after().to_string(),
        unlike: unlike.map(|problem| problem.message),
        ..Status::default()
    };
    let off =
        |stage: &Arc<str>| lifecycle.stages.iter().any(|one| one.id.text == *stage && states::is_off(one, &scope));
    count.tell(&mut status);
    status.passed_over.retain(|(stage, _)| !off(stage));
    at_work(surroundings, opened, own.name.as_str(), count.working, &mut status).await?;
    Ok(status)
}

/// Which run holds each record in a working state, and which of them nobody holds.
async fn at_work(
    surroundings: &Surroundings,
    opened: &Opened,
    playbook: &str,
    working: Vec<Working>,
    status: &mut Status,
) -> Result<(), Failure> {
    if working.is_empty() {
        return Ok(());
    }
    let mut told: Vec<String> = Vec::new();
    let (mut holders, mut names) = (HashMap::new(), HashMap::new());
    if opened.has_journal() {
        let record = crate::ops::record::open(surroundings, opened).await?;
        let runs = open_runs(&record, playbook).await?;
        holders = held(&record, &runs).await?;
        for (run, _) in &runs {
            let by = record.worked_on_by(surroundings, run.id).await?;
            told.push(match by {
                Some(by) => {
                    format!("run {}: {} is at work on it since {}", run.id.short(), by.holder.name, moment(by.since))
                }
                None => format!(
                    "run {} of {} ({}): `trueup resume {}`",
                    run.id.short(),
                    run.actor,
                    run.state.word(),
                    run.id.short()
                ),
            });
        }
        for one in &working {
            if let Ok(name) = key_text(&one.key, &record.sealer) {
                names.insert(one.shown.clone(), name);
            }
        }
    }
    for one in working {
        let held = names.get(&one.shown).and_then(|name| holders.get(name)).and_then(|at| told.get(*at)).cloned();
        let stale = held.is_none() && one.old;
        status.stale += u64::from(stale);
        status.at_work.push(AtWork { key: one.shown, state: one.state, since: one.since, held, stale });
    }
    Ok(())
}

fn moment(at: Stamp) -> String {
    format!("{}Z", Stamp { digits: 0, ..at }.written(' '))
}

/// A record in a working state.
struct Working {
    key: Vec<Value>,
    shown: Arc<str>,
    state: Arc<str>,
    since: Option<String>,
    old: bool,
}

struct Count<'a> {
    lifecycle: &'a Lifecycle,
    facts: &'a Facts,
    since: Option<Arc<str>>,
    log: Option<(Arc<str>, Pattern)>,
    masks: &'a Masks,
    /// Before this a working state is too old.
    cutoff: i64,
    states: Vec<Standing>,
    working: Vec<Working>,
    errors: HashMap<(Arc<str>, String), Group>,
    passed_over: HashMap<Arc<str>, u64>,
}

impl<'a> Count<'a> {
    fn new(lifecycle: &'a Lifecycle, facts: &'a Facts, surroundings: &'a Surroundings) -> Count<'a> {
        let now = surroundings.world.now();
        let since = lifecycle.since.as_ref().map(|word| word.text.clone());
        let log = lifecycle
            .log
            .as_ref()
            .and_then(|log| Some((log.column.text.clone(), Pattern::of(&Line::of(&log.line.text)?.0)?)));
        let kind = |state: &str| match state {
            _ if state == lifecycle.done.as_str() => Kind::Done,
            _ if state == lifecycle.failed.as_str() => Kind::Failed,
            _ if lifecycle.aborted.as_ref().is_some_and(|word| word.as_str() == state) => Kind::Aborted,
            _ if lifecycle.working().contains(&state) => Kind::Working,
            _ => Kind::Waiting,
        };
        let states = lifecycle.states().into_iter().map(|word| Standing {
            state: word.text.clone(),
            kind: kind(word.as_str()),
            records: 0,
            oldest: None,
        });
        let stale = i64::try_from(lifecycle.stale_after().0.as_micros()).unwrap_or(i64::MAX);
        Count {
            lifecycle,
            facts,
            masks: &surroundings.masks,
            since: since.or_else(|| facts.stamp().map(Arc::from)),
            log,
            cutoff: now.micros.saturating_sub(stale),
            states: states.collect(),
            working: Vec::new(),
            errors: HashMap::new(),
            passed_over: HashMap::new(),
        }
    }

    fn columns(&self) -> Vec<Arc<str>> {
        let mut all = self.facts.key_columns();
        all.push(self.lifecycle.state.text.clone());
        all.extend(self.since.clone());
        all.extend(self.log.as_ref().map(|(column, _)| column.clone()));
        all
    }

    fn row(&mut self, row: &Map) {
        let row = self.facts.seen(row);
        let value = |column: &str| row.get(column).cloned().unwrap_or(Value::NULL);
        let state: Arc<str> = value(self.lifecycle.state.as_str()).plain().as_ref().into();
        let since = self.since.as_ref().map(|column| value(column)).filter(|value| !value.is_null());
        let shown = since.as_ref().map(written);
        let index = match self.states.iter().position(|one| one.state == state) {
            Some(index) => index,
            None => {
                self.states.push(Standing { state: state.clone(), kind: Kind::Unknown, records: 0, oldest: None });
                self.states.len() - 1
            }
        };
        let standing = &mut self.states[index];
        standing.records += 1;
        if let Some(shown) = &shown
            && standing.oldest.as_ref().is_none_or(|oldest| shown < oldest)
        {
            standing.oldest = Some(shown.clone());
        }
        let kind = standing.kind;
        let key: Vec<Value> = self.facts.key_columns().iter().map(|column| value(column)).collect();
        let name: Arc<str> = key.iter().map(|part| part.shown()).collect::<Vec<_>>().join("/").into();
        match kind {
            Kind::Working if self.working.len() < TOLD => {
                let old = since.as_ref().and_then(micros).is_none_or(|at| at < self.cutoff);
                self.working.push(Working { key, shown: name, state, since: shown, old });
            }
            Kind::Failed => self.failed(&value, name),
            Kind::Waiting => self.waiting(&value, &state),
            _ => {}
        }
    }

    fn failed(&mut self, value: &dyn Fn(&str) -> Value, key: Arc<str>) {
        let (left, message) = match &self.log {
            Some((column, pattern)) => {
                last_failure(&value(column), pattern, self.lifecycle.failed.as_str(), self.masks)
            }
            None => ("".into(), "the lifecycle keeps no log".to_owned()),
        };
        let place = (left.clone(), message.clone());
        if self.errors.len() >= WAYS && !self.errors.contains_key(&place) {
            return self.note(("…".into(), "other messages".into()), key);
        }
        self.note(place, key);
    }

    fn note(&mut self, place: (Arc<str>, String), key: Arc<str>) {
        let (left, message) = place.clone();
        let group = self.errors.entry(place).or_insert(Group { left, message, records: 0, some: Vec::new() });
        group.records += 1;
        if group.some.len() < SOME {
            group.some.push(key);
        }
    }

    /// A record that waits behind a stage of which its log does not know.
    fn waiting(&mut self, value: &dyn Fn(&str) -> Value, state: &str) {
        let Some((column, pattern)) = &self.log else { return };
        let waiting = self.lifecycle.waiting();
        let Some(place) = waiting.iter().position(|one| *one == state).filter(|place| *place > 0) else { return };
        let text = value(column);
        let came = pattern.places(text.as_str().unwrap_or(""));
        let to = |state: &str| came.iter().flatten().any(|(name, part)| &**name == "to" && part == state);
        for stage in self.lifecycle.stages[..place].iter().filter(|stage| !to(stage.done.as_str())) {
            *self.passed_over.entry(stage.id.text.clone()).or_default() += 1;
        }
    }

    fn tell(&mut self, status: &mut Status) {
        status.states = std::mem::take(&mut self.states);
        status.errors = std::mem::take(&mut self.errors).into_values().collect();
        status
            .errors
            .sort_by(|a, b| b.records.cmp(&a.records).then_with(|| (&a.left, &a.message).cmp(&(&b.left, &b.message))));
        let order = self.lifecycle.stages.iter().map(|stage| stage.id.text.clone());
        let passed = &self.passed_over;
        status.passed_over = order.filter_map(|id| passed.get(&id).map(|count| (id, *count))).collect();
    }
}

/// The state that was left for the failed one, and what was said; the text of a column about persons is not told.
fn last_failure(log: &Value, pattern: &Pattern, failed: &str, masks: &Masks) -> (Arc<str>, String) {
    let text = log.as_str().unwrap_or("");
    let (places, ranges) = (pattern.places(text), pattern.ranges(text));
    let part = |place: &[(Arc<str>, String)], name: &str| {
        place.iter().find(|(known, _)| &**known == name).map(|(_, part)| part.clone()).unwrap_or_default()
    };
    let last = places.iter().zip(&ranges).rev().find(|(place, _)| part(place, "to") == failed);
    let Some((place, range)) = last else { return ("".into(), "its log does not tell".into()) };
    let left: Arc<str> = part(place, "from").into();
    if log.all_marks().hidden() {
        return (left, "(personal)".into());
    }
    let rest = &text[range.end..];
    let rest = ranges.iter().find(|next| next.start >= range.end).map_or(rest, |next| &text[range.end..next.start]);
    let said: Vec<&str> = rest.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    (left, masks.shortened(&said.join(" "), LONGEST))
}

/// A moment for people: to the second.
fn written(value: &Value) -> String {
    let text = value.plain();
    match micros(value) {
        Some(_) => text.split(['.', '+']).next().unwrap_or(&text).trim_end_matches('Z').replace('T', " "),
        None => text.into_owned(),
    }
}

/// A moment as micros since 1970, whatever the database calls it.
fn micros(value: &Value) -> Option<i64> {
    match &value.data {
        Data::Timestamp(at) | Data::Instant(at) => Some(at.micros),
        Data::Text(text) => {
            let text = text.trim();
            crate::base::time::instant(text).or_else(|_| text.parse::<Stamp>()).ok().map(|at| at.micros)
        }
        _ => None,
    }
}
