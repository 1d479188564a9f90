//! Trying out one deed: reads are asked, changes are really made under a savepoint, the rest is shown.

use super::{Pass, Stepped, shown::not_so};
use crate::{
    action::{
        change::{Change, Pick},
        deed::{Deed, Find, Judgement, Query, Restore, Statement},
        kinds::Act,
        resolve,
        step::Step,
    },
    base::value::{Data, Value},
    connection::{database::Database, handle::Changing, sql_rules},
    effect::{
        change::{RowChange, TableName},
        label::Label,
    },
    engine::{
        carry_out::{self, Carried},
        clock, question, statement,
        trouble::Trouble,
        undo,
    },
    plan::{Effect, Foreseen},
    table::condition::Condition,
};
use std::sync::Arc;

impl Pass<'_> {
    pub(super) async fn deed(&mut self, path: &Arc<str>, step: &Step, deed: Deed) -> Result<(), Stepped> {
        match deed {
            Deed::Find(find) if self.setting.jobs.contains_key(&find.table.connection) => {
                self.find_jobs(path, step, &find).await
            }
            Deed::Tally(tally) => self.tally(path, step, &tally).await,
            Deed::Jobs(jobs) => self.would_change_jobs(path, step, &jobs).await,
            Deed::Find(find) => self.find(path, step, &find).await,
            Deed::Query(query) => self.query(path, step, &query).await,
            Deed::Outgoing(outgoing) if outgoing.is_read() => self.ask(path, step, outgoing),
            Deed::Outgoing(outgoing) => self.would_send(path, step, outgoing),
            Deed::Change(change) => self.change(path, step, &change).await,
            Deed::Statement(statement) => self.statement(path, step, &statement).await,
            Deed::Restore(restore) => self.restore(path, step, restore).await,
            Deed::Resource(resource) => self.resource(path, step, &resource),
            Deed::Compare(comparison) => self.would_compare(path, step, &comparison),
            Deed::Judge(judgement) => self.judge(path, step, &judgement),
            Deed::Give(value) => self.give(path, step, value, |v| v.shown()),
            Deed::Question(question) => {
                self.would_ask(path, step, &question);
                Ok(())
            }
            Deed::Message(message) => {
                self.would_tell(path, step, message);
                Ok(())
            }
        }
    }

    async fn find(&mut self, path: &Arc<str>, step: &Step, find: &Find) -> Result<(), Stepped> {
        let guessed = find.conditions.iter().any(Condition::rests_on_example);
        let value = if find.is_unknown() || guessed || self.is_tainted(&find.table) {
            Value::unknown()
        } else {
            let setting = self.setting;
            let session = self.session(&find.table.connection).await?;
            let found = question::find(session, find, setting, step.act_at).await?;
            clock::mark_found(&self.steps, &find.table, found, setting)
        };
        self.results.extend(step.id().map(str::to_owned));
        self.give(path, step, value, rows_summary)
    }

    async fn query(&mut self, path: &Arc<str>, step: &Step, query: &Query) -> Result<(), Stepped> {
        let dialect = self.setting.databases.get(&query.connection).map(Database::dialect);
        let reads = dialect.map(|d| sql_rules::judge(&query.bound.sql, d).reads).unwrap_or_default();
        let written = |t: &TableName| t.connection == query.connection && reads.contains(&*t.table);
        let tainted = self.tainted_databases.contains(&query.connection) || self.tainted_tables.iter().any(written);
        let value = if query.bound.has_unknown() || query.bound.rests_on_example() || tainted {
            Value::unknown()
        } else {
            let setting = self.setting;
            let session = self.session(&query.connection).await?;
            question::query(session, query, setting, step.act_at).await?
        };
        self.results.extend(step.id().map(str::to_owned));
        self.give(path, step, value, rows_summary)
    }

    async fn change(&mut self, path: &Arc<str>, step: &Step, change: &Change) -> Result<(), Stepped> {
        let table = change.table.clone();
        let unknown = self.is_tainted(&table)
            || match &change.pick {
                Pick::Key(key) => key.values().any(|value| value.is_unknown() || value.rests_on_example()),
                Pick::Where(all) => all.iter().any(|one| one.is_unknown() || one.rests_on_example()),
            };
        if let Some(facts) = self.setting.facts_of(&table).filter(|f| f.rehearse == Some(false)) {
            let because = facts.because.as_ref();
            let why = because.map_or("the project file says `rehearse: false`", |w| w.as_str()).to_owned();
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
        let work = async |c: &mut Changing| carry_out::carry_out(c, change, setting, step.act_at).await;
        let mut carried = within(changing, &table.connection, work).await?;
        clock::mark_changes(&self.steps, &mut carried.changes);
        if carried.unknown {
            self.tainted_tables.insert(table);
        }
        let single = matches!(step.act, Act::Row(_));
        let result = carried.result(single, setting);
        self.changed(path, step, carried, result);
        Ok(())
    }

    async fn statement(&mut self, path: &Arc<str>, step: &Step, deed: &Statement) -> Result<(), Stepped> {
        let setting = self.setting;
        let connection = &deed.connection;
        if deed.bound.has_unknown() || deed.bound.rests_on_example() {
            let dialect = setting.databases.get(connection).map(Database::dialect);
            let writes = dialect.map(|d| sql_rules::judge(&deed.bound.sql, d).writes).unwrap_or_default();
            let table = |t: String| TableName { connection: connection.clone(), table: t.into() };
            self.tainted_tables.extend(writes.into_iter().map(table));
            self.unexecuted(path, step, Label::HasUnknowns);
            return Ok(());
        }
        let changing = self.changing(connection).await?;
        let work = async |c: &mut Changing| statement::run(c, deed, setting, step.act_at).await;
        let mut carried = within(changing, connection, work).await?;
        clock::mark_changes(&self.steps, &mut carried.changes);
        let result = carried.result(false, setting);
        self.changed(path, step, carried, result);
        Ok(())
    }

    async fn restore(&mut self, path: &Arc<str>, step: &Step, restore: Restore) -> Result<(), Stepped> {
        let setting = self.setting;
        if let Some(why) = undo::restore::not_rehearsed(&restore, setting) {
            self.unexecuted(path, step, Label::NotPreviewable(why));
            return Ok(());
        }
        let changing = self.changing(&restore.connection).await?;
        // What may be left alone is seen here; whether that stops the whole is decided by who asked.
        let lenient = Restore { all_or_nothing: false, ..restore };
        let work = async |c: &mut Changing| undo::restore::restore(c, &lenient, setting, None, step.act_at).await;
        let mut carried = within(changing, &lenient.connection, work).await?;
        clock::mark_changes(&self.steps, &mut carried.changes);
        self.put_back(path, step, &lenient, carried);
        Ok(())
    }

    /// Whether rows that a step of the author's takes back are not as the run left them; they are shown, and left alone.
    pub(super) async fn was_moved(&mut self, path: &Arc<str>, step: &Step, since: &Restore) -> Result<bool, Stepped> {
        if undo::restore::not_rehearsed(since, self.setting).is_some() {
            return Ok(false);
        }
        let setting = self.setting;
        let effects = self.steps.iter().flat_map(|step| &step.effects);
        let own =
            effects.filter_map(|effect| if let Effect::Rows { changes, .. } = effect { Some(changes) } else { None });
        let own: Vec<RowChange> = own.flatten().cloned().collect();
        let changing = self.changing(&since.connection).await?;
        let lenient = Restore { all_or_nothing: false, ..since.clone() };
        let work = async |c: &mut Changing| {
            let own: Vec<&RowChange> = own.iter().collect();
            let left_alone = undo::restore::moved(c, &lenient, &own, setting, step.act_at).await?;
            Ok(Carried { left_alone, ..Carried::default() })
        };
        let carried = within(changing, &lenient.connection, work).await?;
        if carried.left_alone.is_empty() {
            return Ok(false);
        }
        self.put_back(path, step, &lenient, carried);
        Ok(true)
    }

    fn judge(&mut self, path: &Arc<str>, step: &Step, judgement: &Judgement) -> Result<(), Stepped> {
        self.note_reads(judgement.seen.iter().map(|(p, _)| p.clone()));
        let (label, notes) = match judgement.holds {
            Some(true) => (Label::Read, Vec::new()),
            None => (Label::HasUnknowns, vec!["decided at apply".to_owned()]),
            Some(false) => return Err(not_so(judgement, step).into()),
        };
        self.show(path, step, label, Foreseen::Passes, Vec::new(), notes);
        Ok(())
    }

    /// Keeps a result under the step's name, looks at its `is`, and shows it.
    pub(super) fn give(
        &mut self,
        path: &Arc<str>,
        step: &Step,
        value: Value,
        summary: impl Fn(&Value) -> String,
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

fn rows_summary(value: &Value) -> String {
    match &value.data {
        Data::Null => "no row".into(),
        Data::List(rows) if rows.len() == 1 => "1 row".into(),
        Data::List(rows) => format!("{} rows", rows.len()),
        _ => "1 row".into(),
    }
}
