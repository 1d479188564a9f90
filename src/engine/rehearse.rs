//! Planning: the playbook is really tried out in one transaction per database that is always rolled back.
//!
//! No transaction is held during a call: a pass goes until a read that it has no answer for, everything is rolled back,
//! the request is sent, its answer kept, and the next pass starts (decision 2). One pass per missing answer; reads that
//! stand before the first change need no transaction to be thrown away.

use super::{
    again, call,
    carry_out::{self, Carried},
    clock, drift, endings,
    outline::{Back, path},
    question,
    setting::Setting,
    state::ItemState,
    statement,
    trouble::{CallTrouble, Ending, Missed, Trouble},
    undo,
    watch::Watch,
};
use crate::{
    action::{
        deed::{Call, Deed, Question, Restore},
        ends::Way,
        kinds::Act,
        resolve::{self, resolve},
        step::{Step, Undo},
    },
    base::{
        json,
        source::Span,
        value::{Data, Map, Marks, Value},
    },
    check::Recovery,
    connection::{
        database::Database,
        handle::{Changing, Reading, Rehearsing},
        session::Session,
        sql_rules,
        standing::Standing,
    },
    effect::{change::TableName, label::Label},
    plan::{Effect, Foreseen, ItemPlan, Plan, Reversal, Section, StepPlan, Stop},
    template::{Path, Scope, Step as Part, scope::Entry},
};
use sha2::{Digest, Sha256};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    future::Future,
    pin::Pin,
    sync::Arc,
};

/// Answers to questions, given beforehand: step id → answer.
pub type Answers = HashMap<String, Map>;

/// More missing answers than this in one item are a loop.
const MOST_PASSES: usize = 64;

/// Plans one playbook.
pub async fn plan(setting: &Setting, answers: &Answers, watch: Watch<'_>) -> Result<Plan, Box<PlanFailure>> {
    let mut memo = Memo::default();
    for _ in 0..MOST_PASSES {
        let mut pass = Pass::new(setting, answers, &memo);
        let went = match pass.run().await {
            Ok(()) => pass.look_around().await,
            interrupt => interrupt,
        };
        let standings = std::mem::take(&mut pass.standings);
        // Whatever happened, nothing of the rehearsal stays: the connections are closed without a commit.
        let (rehearsing, reading) = (std::mem::take(&mut pass.rehearsing), std::mem::take(&mut pass.reading));
        for (_, handle) in rehearsing {
            // A rollback that fails ends the connection, and that rolls back as well.
            let _ = handle.rollback().await;
        }
        for (_, handle) in reading {
            handle.close().await;
        }
        match went {
            Ok(()) => return Ok(finish(setting, pass, standings)),
            Err(Interrupt::Missing(missing)) => {
                memo.standings = standings;
                let answer = call::read(setting, &missing.step, &missing.path, &missing.call, watch).await;
                memo.answers.insert((missing.path.to_string(), missing.key), answer);
                *memo.asked.entry(missing.path.to_string()).or_default() += 1;
            }
            Err(Interrupt::Trouble(trouble, path)) => return Err(Box::new(PlanFailure { trouble, path })),
        }
    }
    let message = format!("the playbook needs more than {MOST_PASSES} answers to plan one item");
    Err(Box::new(PlanFailure {
        trouble: Trouble::Step { message, at: Span::default(), help: Vec::new() },
        path: "steps".into(),
    }))
}

/// Why no plan could be made.
#[derive(Debug)]
pub struct PlanFailure {
    /// What went wrong.
    pub trouble: Trouble,
    /// At which step.
    pub path: Arc<str>,
}

/// Answers that earlier passes fetched, by step and request.
#[derive(Default)]
struct Memo {
    answers: HashMap<(String, String), Result<Value, CallTrouble>>,
    asked: HashMap<String, usize>,
    standings: BTreeMap<Arc<str>, Standing>,
}

enum Interrupt {
    Missing(Box<Missing>),
    Trouble(Trouble, Arc<str>),
}

struct Missing {
    step: Step,
    path: Arc<str>,
    call: Call,
    key: String,
}

struct Pass<'a> {
    setting: &'a Setting,
    answers: &'a Answers,
    memo: &'a Memo,
    scope: Scope,
    reading: HashMap<Arc<str>, Reading>,
    rehearsing: HashMap<Arc<str>, Rehearsing>,
    section: Section,
    tainted_tables: BTreeSet<TableName>,
    tainted_databases: BTreeSet<Arc<str>>,
    tainted_apis: HashMap<Arc<str>, String>,
    every_api: Option<String>,
    steps: Vec<StepPlan>,
    stop: Option<Stop>,
    reads: Vec<Path>,
    results: BTreeSet<String>,
    /// What stands behind the connections that were used.
    standings: BTreeMap<Arc<str>, Standing>,
}

type Walk<'f> = Pin<Box<dyn Future<Output = Result<(), Interrupt>> + Send + 'f>>;

impl<'a> Pass<'a> {
    fn new(setting: &'a Setting, answers: &'a Answers, memo: &'a Memo) -> Pass<'a> {
        Pass {
            setting,
            answers,
            memo,
            scope: setting.beginning(),
            reading: HashMap::new(),
            rehearsing: HashMap::new(),
            section: Section::Preconditions,
            tainted_tables: BTreeSet::new(),
            tainted_databases: BTreeSet::new(),
            tainted_apis: HashMap::new(),
            every_api: None,
            steps: Vec::new(),
            stop: None,
            reads: Vec::new(),
            results: BTreeSet::new(),
            standings: memo.standings.clone(),
        }
    }

    async fn run(&mut self) -> Result<(), Interrupt> {
        let setting = self.setting;
        // Connecting takes as long as all the rest; it goes on beside the preconditions.
        setting.written().for_each(Database::expect_changing);
        if setting.outline.scope.is_some() {
            return self.back().await;
        }
        for (section, (_, steps)) in Section::ALL.into_iter().zip(setting.playbook.sections()) {
            self.enter(section).await?;
            self.walk(section.word(), steps).await?;
            if self.stop.is_some() {
                break;
            }
        }
        Ok(())
    }

    /// An undo: the places of its outline, the newest effect first.
    async fn back(&mut self) -> Result<(), Interrupt> {
        let setting = self.setting;
        self.section = Section::Steps;
        for place in &setting.outline.all(&ItemState::default()) {
            match &place.back {
                None => self.step(&place.path, &place.step).await?,
                Some(Back::Step(name, value)) => {
                    self.scope.insert(name.clone(), value.clone());
                    self.step(&place.path, &place.step).await?;
                }
                Some(Back::Left(why)) => {
                    self.show(&place.path, &place.step, Label::Read, Foreseen::Warns, Vec::new(), vec![why.clone()]);
                }
                Some(Back::Already(why)) => {
                    let notes = vec![why.clone()];
                    self.show(&place.path, &place.step, Label::Exact, Foreseen::Unchanged, Vec::new(), notes);
                }
                Some(Back::Rows(rows)) => {
                    let (path, step) = (&place.path, &place.step);
                    match self.deed(path, step, Deed::Restore(rows.clone())).await {
                        Ok(()) => {}
                        Err(Stepped::Interrupt(interrupt)) => return Err(interrupt),
                        Err(Stepped::Trouble(trouble)) => return Err(Interrupt::Trouble(trouble, path.clone())),
                    }
                }
            }
            if self.stop.is_some() {
                break;
            }
        }
        Ok(())
    }

    async fn enter(&mut self, section: Section) -> Result<(), Interrupt> {
        self.section = section;
        self.look_behind_readers().await?;
        for (_, reading) in std::mem::take(&mut self.reading) {
            reading.close().await;
        }
        if section == Section::Verification {
            for (name, handle) in &mut self.rehearsing {
                handle
                    .set_read_only()
                    .await
                    .map_err(|fault| Interrupt::Trouble(Trouble::of_database(name, fault), section.word().into()))?;
            }
        }
        Ok(())
    }

    /// Notes which databases these were, through the sessions that are open anyway. Where something may be written, the
    /// role that writes looks: it can see the ledger.
    async fn look_around(&mut self) -> Result<(), Interrupt> {
        self.look_behind_readers().await?;
        let setting = self.setting;
        for (name, handle) in &mut self.rehearsing {
            let found = setting.standing(handle, true).await;
            let found =
                found.map_err(|f| Interrupt::Trouble(Trouble::of_database(name, f), self.section.word().into()))?;
            self.standings.insert(name.clone(), found);
        }
        Ok(())
    }

    async fn look_behind_readers(&mut self) -> Result<(), Interrupt> {
        let setting = self.setting;
        for (name, handle) in &mut self.reading {
            if self.standings.contains_key(name) || setting.may_write(name) {
                continue;
            }
            let found = setting.standing(handle, false).await;
            let found =
                found.map_err(|f| Interrupt::Trouble(Trouble::of_database(name, f), self.section.word().into()))?;
            self.standings.insert(name.clone(), found);
        }
        Ok(())
    }

    fn walk<'s>(&'s mut self, prefix: &'s str, steps: &'s [Step]) -> Walk<'s> {
        Box::pin(async move {
            for (index, step) in steps.iter().enumerate() {
                self.step(&path(prefix, step, index), step).await?;
                if self.stop.is_some() {
                    break;
                }
            }
            Ok(())
        })
    }

    async fn step(&mut self, path: &Arc<str>, step: &Step) -> Result<(), Interrupt> {
        let trouble = |t: Trouble| Interrupt::Trouble(t, path.clone());
        let mut undecided = None;
        self.look_again(step).await.map_err(trouble)?;
        if let Some(when) = &step.common.when {
            let judgement = resolve::judge(when, &self.scope)
                .map_err(|f| trouble(Trouble::of_expression(&f, &self.setting.source)))?;
            self.note_reads(judgement.seen.iter().map(|(p, _)| p.clone()));
            match judgement.holds {
                Some(true) => {}
                Some(false) => {
                    self.skip(path, step, Entry::Skipped);
                    self.show(
                        path,
                        step,
                        Label::Exact,
                        Foreseen::Skipped,
                        Vec::new(),
                        vec![format!("only when {}", when.scalar().text.trim())],
                    );
                    return Ok(());
                }
                None => undecided = Some(format!("decided at apply: only when {}", when.scalar().text.trim())),
            }
        }
        match undecided {
            Some(note) => self.both_ways(path, step, note).await,
            None => self.perform(path, step).await,
        }
    }

    /// Rows that the step wants as they are now.
    async fn look_again(&mut self, step: &Step) -> Result<(), Trouble> {
        for (name, find) in again::of_step(step, &self.scope, self.setting) {
            let row = if find.is_unknown() || self.tainted_tables.contains(&find.table) {
                Value::unknown()
            } else {
                let setting = self.setting;
                let session = self.session(&find.table.connection).await?;
                again::read(session, &find, setting, step).await?
            };
            again::put(&mut self.scope, &name, row);
        }
        Ok(())
    }

    /// A step of which only apply will show whether it runs: tried out, shown, taken back, and what it wrote is unknown to
    /// the rest of the item.
    async fn both_ways(&mut self, path: &Arc<str>, step: &Step, note: String) -> Result<(), Interrupt> {
        let mut savepoints = Vec::new();
        for (name, handle) in &mut self.rehearsing {
            let savepoint = handle
                .savepoint()
                .await
                .map_err(|f| Interrupt::Trouble(Trouble::of_database(name, f), path.clone()))?;
            savepoints.push((name.clone(), savepoint));
        }
        let opened: BTreeSet<Arc<str>> = self.rehearsing.keys().cloned().collect();
        let shown = self.steps.len();
        let scope = self.scope.clone();
        self.perform(path, step).await?;
        let stop = self.stop.take();
        for (name, savepoint) in savepoints {
            if let Some(handle) = self.rehearsing.get_mut(&name) {
                handle
                    .rollback_to(savepoint)
                    .await
                    .map_err(|f| Interrupt::Trouble(Trouble::of_database(&name, f), path.clone()))?;
            }
        }
        // What was opened inside has only this step's work in it.
        let fresh: Vec<Arc<str>> = self.rehearsing.keys().filter(|n| !opened.contains(*n)).cloned().collect();
        for name in fresh {
            if let Some(handle) = self.rehearsing.remove(&name) {
                let _ = handle.rollback().await;
            }
        }
        let mut written = BTreeSet::new();
        for shown in &mut self.steps[shown..] {
            shown.notes.insert(0, note.clone());
            if shown.label == Label::Exact {
                shown.label = Label::HasUnknowns;
            }
            if !matches!(shown.foreseen, Foreseen::Passes | Foreseen::Skipped) {
                shown.foreseen = Foreseen::Undecided;
            }
            for effect in &shown.effects {
                if let Effect::Rows { changes, .. } = effect {
                    written.extend(changes.iter().map(|c| c.table.clone()));
                }
            }
        }
        if let Some(stop) = stop
            && let Some(last) = self.steps.last_mut()
        {
            last.notes.push(format!("in that case the item ends here: {}", stop.message));
        }
        self.tainted_tables.extend(written);
        self.scope = scope;
        self.skip(path, step, Entry::Undecided);
        Ok(())
    }

    /// Names of a step that does not run (for certain): its own and those of its inner steps.
    fn skip(&mut self, _path: &Arc<str>, step: &Step, entry: Entry) {
        if let Some(id) = &step.common.id {
            self.scope.insert_entry(id.text.clone(), entry.clone());
        }
        for inner in step.inner() {
            self.skip(_path, inner, entry.clone());
        }
    }

    async fn perform(&mut self, path: &Arc<str>, step: &Step) -> Result<(), Interrupt> {
        if let Act::Block(block) = &step.act {
            return self.walk(path, &block.steps).await;
        }
        let resolved = resolve(step, &self.scope, self.setting);
        let resolved =
            resolved.map_err(|t| Interrupt::Trouble(Trouble::of_resolving(t, &self.setting.source), path.clone()))?;
        let Some(resolved) = resolved else { return Ok(()) };
        self.note_reads(resolved.reads);
        match self.deed(path, step, resolved.deed).await {
            Ok(()) => Ok(()),
            Err(Stepped::Interrupt(interrupt)) => Err(interrupt),
            Err(Stepped::Trouble(trouble)) => self.end(path, step, trouble),
        }
    }

    async fn deed(&mut self, path: &Arc<str>, step: &Step, deed: Deed) -> Result<(), Stepped> {
        match deed {
            Deed::Find(find) => {
                let value = if find.is_unknown() || self.is_tainted(&find.table) {
                    Value::unknown()
                } else {
                    let setting = self.setting;
                    let session = self.session(&find.table.connection).await?;
                    let found = question::find(session, &find, setting, step.act_at).await?;
                    clock::mark_found(&self.steps, &find.table, found, setting)
                };
                self.results.extend(step.id().map(str::to_owned));
                self.give(path, step, value, rows_summary)
            }
            Deed::Query(query) => {
                let dialect = self.setting.databases.get(&query.connection).map(Database::dialect);
                let reads = dialect.map(|d| sql_rules::judge(&query.bound.sql, d).reads).unwrap_or_default();
                let tainted = self.tainted_databases.contains(&query.connection)
                    || self
                        .tainted_tables
                        .iter()
                        .any(|t| t.connection == query.connection && reads.contains(&*t.table));
                let value = if query.bound.has_unknown() || tainted {
                    Value::unknown()
                } else {
                    let setting = self.setting;
                    let session = self.session(&query.connection).await?;
                    question::query(session, &query, setting, step.act_at).await?
                };
                self.results.extend(step.id().map(str::to_owned));
                self.give(path, step, value, rows_summary)
            }
            Deed::Call(call) if call.is_read() => self.ask_api(path, step, call),
            Deed::Call(call) => self.would_send(path, step, call),
            Deed::Change(change) => {
                let unknown = matches!(&change.pick, crate::action::change::Pick::Key(key) if key.values().any(Value::is_unknown))
                    || matches!(&change.pick, crate::action::change::Pick::Where(all) if all.iter().any(crate::table::condition::Condition::is_unknown))
                    || self.is_tainted(&change.table);
                let table = change.table.clone();
                let refuses = self.setting.facts_of(&table).filter(|f| f.rehearse == Some(false));
                if let Some(facts) = refuses {
                    let why = facts
                        .because
                        .as_ref()
                        .map_or("the project file says `rehearse: false`", |w| w.as_str())
                        .to_owned();
                    self.tainted_tables.insert(table);
                    self.unexecuted(path, step, Label::NotPreviewable(why));
                    return Ok(());
                }
                if unknown {
                    self.tainted_tables.insert(table);
                    self.unexecuted(path, step, Label::HasUnknowns);
                    return Ok(());
                }
                let setting = self.setting;
                let changing = self.changing(&table.connection).await?;
                let mut carried = within(changing, &table.connection, async |c| {
                    carry_out::carry_out(c, &change, setting, step.act_at).await
                })
                .await?;
                clock::mark_changes(&self.steps, &mut carried.changes);
                if carried.unknown {
                    self.tainted_tables.insert(table);
                }
                let single = matches!(step.act, Act::Row(_));
                let result = carried.result(single, setting);
                self.changed(path, step, carried, result);
                Ok(())
            }
            Deed::Statement(deed) => {
                let setting = self.setting;
                if deed.bound.has_unknown() {
                    let dialect = setting.databases.get(&deed.connection).map(Database::dialect);
                    let writes = dialect.map(|d| sql_rules::judge(&deed.bound.sql, d).writes).unwrap_or_default();
                    self.tainted_tables.extend(
                        writes.into_iter().map(|t| TableName { connection: deed.connection.clone(), table: t.into() }),
                    );
                    self.unexecuted(path, step, Label::HasUnknowns);
                    return Ok(());
                }
                let changing = self.changing(&deed.connection).await?;
                let mut carried =
                    within(changing, &deed.connection, async |c| statement::run(c, &deed, setting, step.act_at).await)
                        .await?;
                clock::mark_changes(&self.steps, &mut carried.changes);
                let result = carried.result(false, setting);
                self.changed(path, step, carried, result);
                Ok(())
            }
            Deed::Restore(restore) => {
                let setting = self.setting;
                if let Some(why) = undo::restore::not_rehearsed(&restore, setting) {
                    self.unexecuted(path, step, Label::NotPreviewable(why));
                    return Ok(());
                }
                let changing = self.changing(&restore.connection).await?;
                // What may be left alone is seen here; whether that stops the whole is decided by who asked.
                let lenient = Restore { all_or_nothing: false, ..restore };
                let mut carried = within(changing, &lenient.connection, async |c| {
                    undo::restore::restore(c, &lenient, setting, None, step.act_at).await
                })
                .await?;
                clock::mark_changes(&self.steps, &mut carried.changes);
                self.put_back(path, step, carried);
                Ok(())
            }
            Deed::Judge(judgement) => {
                self.note_reads(judgement.seen.iter().map(|(p, _)| p.clone()));
                match judgement.holds {
                    Some(true) => self.show(path, step, Label::Read, Foreseen::Passes, Vec::new(), Vec::new()),
                    None => self.show(
                        path,
                        step,
                        Label::HasUnknowns,
                        Foreseen::Passes,
                        Vec::new(),
                        vec!["decided at apply".into()],
                    ),
                    Some(false) => return Err(not_so(&judgement, step).into()),
                }
                Ok(())
            }
            Deed::Give(value) => self.give(path, step, value, |v| v.shown()),
            Deed::Question(question) => {
                self.would_ask(path, step, &question);
                Ok(())
            }
            Deed::Message(message) => {
                let text = text_of(step, &self.scope).unwrap_or_else(|| message.text.plain().into_owned());
                let label = if message.text.is_unknown() { Label::HasUnknowns } else { Label::Exact };
                let effect = Effect::Message { who: message.who, text };
                self.show(path, step, label, Foreseen::Tells, vec![effect], Vec::new());
                Ok(())
            }
        }
    }

    /// Keeps a result under the step's name, looks at its `is`, and shows it.
    fn give(
        &mut self,
        path: &Arc<str>,
        step: &Step,
        value: Value,
        summary: fn(&Value) -> String,
    ) -> Result<(), Stepped> {
        let unknown = value.is_unknown();
        let shown = if unknown { value.plain().into_owned() } else { summary(&value) };
        if let Some(id) = &step.common.id {
            self.scope.insert(id.text.clone(), value.clone());
        }
        let mut notes = Vec::new();
        if let Some(is) = &step.common.is {
            let scope = self.scope.clone().with("self", value);
            let judgement = resolve::judge(is, &scope).map_err(|f| Trouble::of_expression(&f, &self.setting.source))?;
            self.note_reads(judgement.seen.iter().map(|(p, _)| p.clone()));
            match judgement.holds {
                Some(true) => {}
                Some(false) => return Err(not_so(&judgement, step).into()),
                None => notes.push(format!("decided at apply: {}", is.scalar().text.trim())),
            }
        }
        let label = if unknown || !notes.is_empty() { Label::HasUnknowns } else { Label::Read };
        self.show(path, step, label, Foreseen::Passes, vec![Effect::Answer { summary: shown }], notes);
        Ok(())
    }

    /// A read of an API: an answer that an earlier pass fetched, or an interrupt to fetch it.
    fn ask_api(&mut self, path: &Arc<str>, step: &Step, call: Call) -> Result<(), Stepped> {
        if call.is_unknown() {
            return self.give(path, step, Value::unknown(), |v| v.shown());
        }
        let request = call::request(&call);
        let key = request.key();
        let Some(answer) = self.memo.answers.get(&(path.to_string(), key.clone())) else {
            if self.memo.asked.get(&**path).copied().unwrap_or(0) >= 2 {
                let label = Label::NotPreviewable("its request differs each time it is tried out".into());
                self.unexecuted(path, step, label);
                return Ok(());
            }
            let missing = Missing { step: step.clone(), path: path.clone(), call, key };
            return Err(Stepped::Interrupt(Interrupt::Missing(Box::new(missing))));
        };
        let stale = self.tainted_apis.get(&call.api).or(self.every_api.as_ref()).cloned();
        match (stale, answer) {
            (Some(why), answer) => {
                // Today's answer is worth seeing, but nothing may rest on it.
                let today = match answer {
                    Ok(value) => call::summary(value),
                    Err(trouble) => trouble.message.clone(),
                };
                let is = step.common.is.as_ref().map(|is| is.scalar().text.trim().to_owned());
                let told = match (answer, &step.common.is, &step.common.id) {
                    (Ok(value), Some(is), Some(id)) => {
                        let scope = self.scope.clone().with(id.text.clone(), value.clone());
                        resolve::judge(is, &scope).ok().and_then(|j| j.holds)
                    }
                    _ => None,
                };
                let result = self.give(path, step, Value::unknown(), |v| v.shown());
                if let Some(shown) = self.steps.last_mut() {
                    let held = match (told, is) {
                        (Some(true), Some(_)) => "; it would pass today",
                        (Some(false), Some(_)) => "; it would not pass today",
                        _ => "",
                    };
                    shown.notes.insert(0, format!("as of now: {today}{held}; {why} may change that"));
                }
                result
            }
            (None, Ok(value)) => {
                self.results.extend(step.id().map(str::to_owned));
                // An answer is known by its status too, whatever expressions look at.
                self.note_reads(
                    step.id().map(|id| Path { steps: [id, "status"].map(|n| Part::Name(n.into())).to_vec() }),
                );
                let value = value.clone();
                self.give(path, step, value, call::summary)
            }
            (None, Err(trouble)) => Err(Trouble::Call(Box::new(trouble.clone())).into()),
        }
    }

    fn would_send(&mut self, path: &Arc<str>, step: &Step, call: Call) -> Result<(), Stepped> {
        if let Some(trouble) = call::forbidden(self.setting, &call) {
            return Err(Trouble::Call(Box::new(trouble)).into());
        }
        let request = call::request(&call);
        let view = self.setting.api(&call.api).map(|api| api.view(&request));
        let shown = |v: crate::connection::http::RequestView| Effect::Request {
            line: call::line(&v),
            headers: v.headers,
            body: v.body.as_ref().map(json::masked),
        };
        let effects = view.map(shown).into_iter().collect();
        let (value, mut notes) = match &step.common.example {
            Some(example) => {
                let value =
                    example.evaluate(&self.scope).map_err(|f| Trouble::of_expression(&f, &self.setting.source))?.value;
                (value.marked(Marks::EXAMPLE), vec!["its answer is taken from the example".to_owned()])
            }
            None => (Value::unknown(), Vec::new()),
        };
        if let Some(id) = &step.common.id {
            self.scope.insert(id.text.clone(), value);
        }
        self.tainted_apis.insert(call.api.clone(), format!("`{}`", step.label(0)));
        if let Some(database) = self.setting.api(&call.api).and_then(|api| api.settings().backed_by.clone()) {
            self.tainted_databases.insert(database.text);
        }
        let label = if call.is_unknown() { Label::HasUnknowns } else { Label::Exact };
        notes.extend(step.common.repeatable.as_ref().map(|t| format!("may be sent twice: {}", t.scalar().text.trim())));
        self.show(path, step, label, Foreseen::Sends, effects, notes);
        Ok(())
    }

    /// What an API shows of this database is not what it will show once the change is committed.
    fn behind(&mut self, connection: &Arc<str>, step: &Step) {
        for (name, api) in &self.setting.apis {
            if api.settings().backed_by.as_ref().is_some_and(|w| w.text == *connection) {
                self.tainted_apis.insert(name.clone(), format!("the change of `{}`", step.label(0)));
            }
        }
    }

    fn is_tainted(&self, table: &TableName) -> bool {
        self.tainted_tables.contains(table) || self.tainted_databases.contains(&table.connection)
    }

    fn would_ask(&mut self, path: &Arc<str>, step: &Step, question: &Question) {
        let given = step.id().and_then(|id| self.answers.get(id));
        let value = match given {
            Some(answer) => Value::from(answer.clone()),
            None => Value::map(question.answer.iter().map(|(name, _)| (name.clone(), Value::unknown()))),
        };
        if let Some(id) = &step.common.id {
            self.scope.insert(id.text.clone(), value);
        }
        let why = format!("what {} does before answering `{}`", question.who, step.label(0));
        match &question.affects {
            None => self.every_api = Some(why),
            Some(names) => {
                for name in names {
                    self.tainted_apis.insert(name.clone(), why.clone());
                }
            }
        }
        let answer =
            question.answer.iter().map(|(name, field)| (name.to_string(), field.kind.as_str().to_owned())).collect();
        let text = text_of(step, &self.scope).unwrap_or_else(|| question.text.plain().into_owned());
        let effect = Effect::Question { who: question.who.clone(), text, answer };
        let notes = given.map(|_| "answered beforehand for this preview".to_owned()).into_iter().collect();
        let label = if question.text.is_unknown() { Label::HasUnknowns } else { Label::Exact };
        self.show(path, step, label, Foreseen::Asks, vec![effect], notes);
    }

    fn changed(&mut self, path: &Arc<str>, step: &Step, carried: Carried, result: Value) {
        if let Some(id) = &step.common.id {
            let value = if carried.unknown { Value::unknown() } else { result };
            self.scope.insert(id.text.clone(), value);
        }
        let label = if carried.unknown { Label::HasUnknowns } else { Label::Exact };
        let foreseen =
            if carried.is_nothing() && carried.also.is_empty() { Foreseen::Unchanged } else { Foreseen::Changes };
        let mut notes = Vec::new();
        if foreseen == Foreseen::Changes {
            notes.extend(hooks(self.setting, &carried));
            for connection in carried.changes.iter().map(|c| c.table.connection.clone()).collect::<BTreeSet<_>>() {
                self.behind(&connection, step);
            }
        }
        let inserted = carried.changes.iter().any(|c| c.before.is_none() && c.after.is_some());
        if inserted && self.section == Section::Steps {
            notes.push(
                "numbers given by the database (ids) are taken at apply; trying this out may leave gaps in them".into(),
            );
        }
        let effect = Effect::Rows { changes: carried.changes, also: carried.also };
        self.show(path, step, label, foreseen, vec![effect], notes);
    }

    /// Rows that were put back, and those that were left alone.
    fn put_back(&mut self, path: &Arc<str>, step: &Step, carried: Carried) {
        let nothing = carried.is_nothing() && carried.also.is_empty();
        let foreseen = match (nothing, carried.left_alone.is_empty()) {
            (false, _) => Foreseen::Changes,
            (true, true) => Foreseen::Unchanged,
            (true, false) => Foreseen::Warns,
        };
        let notes = if nothing { Vec::new() } else { hooks(self.setting, &carried) };
        let label = if foreseen == Foreseen::Warns { Label::Read } else { Label::Exact };
        let mut effects = Vec::new();
        if !carried.changes.is_empty() || !carried.also.is_empty() {
            effects.push(Effect::Rows { changes: carried.changes, also: carried.also });
        }
        if !carried.left_alone.is_empty() {
            effects.push(Effect::LeftAlone { rows: carried.left_alone });
        }
        self.show(path, step, label, foreseen, effects, notes);
    }

    /// A step that could not be executed here; its result is unknown.
    fn unexecuted(&mut self, path: &Arc<str>, step: &Step, label: Label) {
        if let Some(id) = &step.common.id {
            self.scope.insert(id.text.clone(), Value::unknown());
        }
        self.show(
            path,
            step,
            label,
            Foreseen::Changes,
            Vec::new(),
            vec!["not tried out: it rests on something known only after apply".into()],
        );
    }

    fn end(&mut self, path: &Arc<str>, step: &Step, trouble: Trouble) -> Result<(), Interrupt> {
        let answers = matches!(trouble, Trouble::Missed(_) | Trouble::Call(_));
        if !answers {
            return Err(Interrupt::Trouble(trouble, path.clone()));
        }
        let ending = endings::ending(step, &trouble, &self.scope, self.setting).in_section(self.section);
        if ending.way == Way::Warn {
            self.warn(path, step, ending);
            return Ok(());
        }
        self.show(path, step, Label::Read, Foreseen::Ends, Vec::new(), Vec::new());
        let Ending { way, message, who, seen, at, .. } = ending;
        self.stop = Some(Stop { way, message, who, step: path.clone(), at, seen });
        Ok(())
    }

    fn warn(&mut self, path: &Arc<str>, step: &Step, ending: Ending) {
        if let Some(id) = &step.common.id
            && self.scope.get(&id.text).is_none()
        {
            self.scope.insert(id.text.clone(), Value::NULL);
        }
        self.show(path, step, Label::Read, Foreseen::Warns, Vec::new(), vec![ending.message]);
    }

    fn show(
        &mut self,
        path: &Arc<str>,
        step: &Step,
        label: Label,
        foreseen: Foreseen,
        effects: Vec<Effect>,
        mut notes: Vec<String>,
    ) {
        let title = step.common.title.as_ref().and_then(|t| t.preview(&self.scope).ok());
        notes.extend(self.if_lost(step, foreseen));
        // What an undo does is taken back by an undo of it.
        let undo = if foreseen.acts() && self.setting.outline.scope.is_none() { way_back(step) } else { None };
        let rows =
            effects.iter().filter_map(|e| if let Effect::Rows { changes, .. } = e { Some(changes) } else { None });
        let fixed = rows.into_iter().find_map(|rows| undo::outline::only_added(rows, self.setting));
        let undo = match (undo, fixed) {
            (Some(Reversal::Automatic), Some(why)) => Some(Reversal::Irreversible(Some(why))),
            (undo, _) => undo,
        };
        let section = self.section;
        self.steps.push(StepPlan {
            section,
            path: path.clone(),
            kind: step.act.word(),
            title,
            label,
            foreseen,
            effects,
            notes,
            undo,
            at: step.act_at,
        });
    }

    /// Who will be asked when the answer of this step is lost. That rows are compared with their images goes without saying.
    fn if_lost(&self, step: &Step, foreseen: Foreseen) -> Option<String> {
        let recovery = self.setting.checked.facts(step)?.recovery;
        let acts = matches!(foreseen, Foreseen::Changes | Foreseen::Sends | Foreseen::Undecided);
        let plain =
            matches!(recovery, Recovery::Repeats | Recovery::Images) || matches!(step.act, Act::Ask(_) | Act::Tell(_));
        (acts && !plain).then(|| format!("if its answer is lost: {}", recovery.words()))
    }

    fn note_reads(&mut self, paths: impl IntoIterator<Item = Path>) {
        for path in paths {
            if !self.reads.contains(&path) {
                self.reads.push(path);
            }
        }
    }

    /// The handle that a read of this section goes through.
    async fn session(&mut self, connection: &Arc<str>) -> Result<&mut Session, Trouble> {
        if self.section == Section::Preconditions {
            if !self.reading.contains_key(connection) {
                let database = self.database(connection)?;
                let opened = database.reading().await.map_err(|f| Trouble::of_database(connection, f))?;
                self.reading.insert(connection.clone(), opened);
            }
            return match self.reading.get_mut(connection) {
                Some(handle) => Ok(handle),
                None => Err(no_database(connection)),
            };
        }
        self.changing(connection).await.map(|changing| &mut **changing)
    }

    async fn changing(&mut self, connection: &Arc<str>) -> Result<&mut Changing, Trouble> {
        if !self.rehearsing.contains_key(connection) {
            let database = self.database(connection)?;
            let fault = |f| Trouble::of_database(connection, f);
            let mut opened = database.rehearsing().await.map_err(fault)?;
            if self.section > Section::Steps {
                opened.set_read_only().await.map_err(fault)?;
            }
            self.rehearsing.insert(connection.clone(), opened);
        }
        match self.rehearsing.get_mut(connection) {
            Some(handle) => Ok(handle),
            None => Err(no_database(connection)),
        }
    }

    fn database(&self, connection: &str) -> Result<&'a crate::connection::database::Database, Trouble> {
        self.setting.database(connection).ok_or_else(|| no_database(connection))
    }
}

fn no_database(connection: &str) -> Trouble {
    Trouble::Step {
        message: format!("`{connection}` is not a database of this project"),
        at: Span::default(),
        help: Vec::new(),
    }
}

enum Stepped {
    Trouble(Trouble),
    Interrupt(Interrupt),
}

impl From<Trouble> for Stepped {
    fn from(trouble: Trouble) -> Stepped {
        Stepped::Trouble(trouble)
    }
}

/// Runs one step's work under a savepoint, so that a refused step leaves nothing behind for the steps after it.
async fn within<F>(changing: &mut Changing, connection: &str, work: F) -> Result<Carried, Trouble>
where
    F: AsyncFnOnce(&mut Changing) -> Result<Carried, Trouble>,
{
    let fault = |f| Trouble::of_database(connection, f);
    let savepoint = changing.savepoint().await.map_err(fault)?;
    match work(changing).await {
        Ok(carried) => {
            changing.release(savepoint).await.map_err(fault)?;
            Ok(carried)
        }
        Err(trouble) => {
            // The first trouble is the one to tell; a connection that is gone takes everything back by itself.
            let _ = changing.rollback_to(savepoint).await;
            Err(trouble)
        }
    }
}

/// The trouble of a condition that does not hold.
pub fn not_so(judgement: &crate::action::deed::Judgement, step: &Step) -> Trouble {
    let text = match (&step.act, &step.common.is) {
        (Act::Assert(expression), _) | (_, Some(expression)) => expression.scalar().text.trim().to_owned(),
        _ => String::new(),
    };
    let seen = judgement.seen.iter().map(|(path, value)| (path.to_string(), value.shown())).collect();
    Trouble::Missed(Missed { message: format!("it does not hold that {text}"), seen, at: judgement.at })
}

/// The author's text of an `ask` or `tell`, readable although parts may be unknown or hidden.
pub fn text_of(step: &Step, scope: &Scope) -> Option<String> {
    match &step.act {
        Act::Ask(spec) => spec.question.preview(scope).ok(),
        Act::Tell(spec) => spec.message.preview(scope).ok(),
        _ => None,
    }
}

fn rows_summary(value: &Value) -> String {
    match &value.data {
        Data::Null => "no row".into(),
        Data::List(rows) if rows.len() == 1 => "1 row".into(),
        Data::List(rows) => format!("{} rows", rows.len()),
        _ => "1 row".into(),
    }
}

/// What the application does in its own hooks and SQL does not.
fn hooks(setting: &Setting, carried: &Carried) -> Vec<String> {
    let tables: BTreeSet<&TableName> = carried.changes.iter().filter(|c| !c.by_rule).map(|c| &c.table).collect();
    let facts = tables.into_iter().filter_map(|t| setting.facts_of(t));
    facts
        .flat_map(|f| [&f.app_hooks, &f.side_effects])
        .flatten()
        .map(|w| w.as_str().split_whitespace().collect::<Vec<_>>().join(" "))
        .collect()
}

/// How a step is taken back; nothing for one that changes nothing.
pub fn way_back(step: &Step) -> Option<Reversal> {
    let text = |text: &crate::template::Text| text.scalar().text.trim().to_owned();
    if let Some(why) = &step.common.irreversible {
        return Some(Reversal::Irreversible(Some(text(why))));
    }
    match (&step.common.undo, &step.act) {
        (Some(Undo::NoneNeeded(_)), _) => Some(Reversal::NotNeeded(step.common.because.as_ref().map(text))),
        (Some(Undo::Step(step)), _) => Some(Reversal::ByStep(step.act.word().into())),
        (Some(Undo::Automatic(_)), _) | (_, Act::Row(_) | Act::Rows(_)) => Some(Reversal::Automatic),
        (None, Act::Ask(_) | Act::Tell(_)) => None,
        (None, _) => Some(Reversal::Irreversible(None)),
    }
}

/// `trainee.now.state`: read again whenever it is looked at, so it is no fact that a plan rests on.
fn is_fresh(path: &Path) -> bool {
    matches!(path.steps.get(1), Some(crate::template::Step::Name(name)) if &**name == "now")
}

fn finish(setting: &Setting, mut pass: Pass<'_>, standings: BTreeMap<Arc<str>, Standing>) -> Plan {
    without_ledger(setting, &mut pass.steps, &standings);
    let rests_on = pass
        .reads
        .iter()
        .filter(|path| pass.results.contains(path.root()) && !is_fresh(path))
        .filter_map(|path| Some((path.clone(), drift::fact(path, pass.scope.get(path.root())?)?)))
        .collect();
    let text_hash = Sha256::digest(setting.source.text().as_bytes()).iter().map(|b| format!("{b:02x}")).collect();
    Plan {
        playbook: setting.playbook.name.text.clone(),
        version: setting.playbook.version,
        title: setting.playbook.title.text.clone(),
        text_hash,
        params: setting.params.clone(),
        environment: setting.environment.clone(),
        targets: standings.iter().map(|(name, standing)| (name.clone(), standing.text())).collect(),
        at: setting.world.now(),
        items: vec![ItemPlan {
            key: crate::base::identity::SINGLE_ITEM.into(),
            steps: pass.steps,
            stop: pass.stop,
            rests_on,
        }],
    }
}

/// A plan can be made without the ledger that the project file speaks of; its steps say that it cannot be applied.
fn without_ledger(setting: &Setting, steps: &mut [StepPlan], standings: &BTreeMap<Arc<str>, Standing>) {
    for step in steps.iter_mut().filter(|step| step.foreseen.acts()) {
        let changes =
            step.effects.iter().filter_map(|e| if let Effect::Rows { changes, .. } = e { Some(changes) } else { None });
        let connections: BTreeSet<&Arc<str>> = changes.flatten().map(|c| &c.table.connection).collect();
        let missing = connections.into_iter().filter(|name| {
            setting.database(name).is_some_and(Database::ledger) && standings.get(*name).is_some_and(|s| !s.has_ledger)
        });
        let notes: Vec<String> = missing
            .map(|name| {
                format!("`{name}` has no ledger table yet, and apply refuses until `trueup connection prepare {name}` has run")
            })
            .collect();
        step.notes.extend(notes);
    }
}
