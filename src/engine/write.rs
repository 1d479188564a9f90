//! Changes of databases, for good: intent and attempt first, then the transaction with its images, and COMMIT last. A step on its
//! own, or a block whose steps happen together or not at all.

use super::{
    again,
    carry_out::{self, Carried},
    claim,
    crew::Met,
    drift,
    drive::{Driver, Halt, Meant, Went},
    flow,
    outline::{Place, path, turn},
    question, recover,
    rehearse::shown::not_so,
    statement,
    step::{no_database, unknown_now},
    trouble::{Difference, Trouble},
    undo,
};
use crate::{
    action::{
        change::Pick,
        deed::Deed,
        kinds::Act,
        resolve::{self, resolve},
        step::Step,
    },
    base::value::Value,
    connection::{
        fault::FaultKind,
        handle::{Changing, Writing},
        seen::Seen,
    },
    effect::{
        change::{RowChange, TableName},
        left,
    },
    journal::{event::Event, payload::*, words::Outcome},
    template::scope::Entry,
};
use std::{fmt::Write, sync::Arc};

/// How often a transaction that the database proved rolled back is tried again.
const MOST_RESTARTS: u32 = 5;

/// A transaction that was begun.
enum Begun {
    /// The change comes next.
    Open(Box<Writing>),
    /// It was done already, and is over.
    Over(Went),
}

impl Driver<'_> {
    fn images(&mut self, path: &Arc<str>, carried: &Carried) {
        let effect = self.effect(path);
        let also = &carried.also;
        let also_touched = also.iter().map(|a| a.table.as_str().into()).collect();
        // `*`: tables that SQLite does not tell apart.
        let told = !also.is_empty() && also.iter().all(|a| !a.table.ends_with(".*"));
        let also_added = if told { also.iter().map(|a| a.inserted).collect() } else { Vec::new() };
        let images = Images { effect, changes: carried.changes.clone(), also_touched, also_added };
        self.note(StepImages { step: path.clone(), images: vec![images] }.into());
    }

    /// One step in its own transaction.
    pub(super) async fn write(&mut self, place: &Place, step: &Step, deed: Deed) -> Result<Went, Halt> {
        let class = recover::class(step, &deed, self.setting);
        let (connection, shown) = match &deed {
            Deed::Change(change) => (change.table.connection.clone(), format!("{} {}", step.act.word(), change.table)),
            Deed::Statement(statement) => (statement.connection.clone(), statement.bound.sql.clone()),
            Deed::Restore(restore) => (restore.connection.clone(), undo::restore::words(restore)),
            _ => return Err(unknown_now(step, None).into()),
        };
        let request_hash = claim::keeps_ledger(self.setting, &connection).then(|| self.hash_of_deed(&deed));
        self.close_readers().await;
        let meant = Meant { class, connection: Some(&connection), shown, request: None, request_hash };
        self.intend(place, meant, 1).await?;
        let (mut restarts, mut begun) = (0, 0);
        loop {
            // What was seen once and is no longer so is locked, and then read.
            let seen = if begun == 0 { self.seen(&deed).await } else { None };
            begun += 1;
            match self.write_once(place, step, &deed, &connection, seen).await {
                Err(Halt::Trouble(Trouble::Database { fault, .. })) if fault.kind == FaultKind::Divided => {}
                Err(Halt::Trouble(Trouble::Database { fault, .. }))
                    if fault.kind == FaultKind::Serialization && restarts < MOST_RESTARTS =>
                {
                    restarts += 1
                }
                other => return other,
            }
        }
    }

    /// The row that it changes, read together with others of the run, where a change of it is whole when its statement ends.
    async fn seen(&self, deed: &Deed) -> Option<Seen> {
        let Deed::Change(change) = deed else { return None };
        let Pick::Key(key) = &change.pick else { return None };
        self.together()?;
        let alone = self.setting.grounds.as_ref()?.known_nature(&change.table)?.alone;
        let database = self.setting.database(&change.table.connection).filter(|_| alone)?;
        let (columns, key): (Vec<_>, Vec<_>) = key.iter().map(|(name, value)| (name.clone(), value.clone())).unzip();
        database.see(&change.table.table, &columns, &key).await
    }

    async fn write_once(
        &mut self,
        place: &Place,
        step: &Step,
        deed: &Deed,
        connection: &Arc<str>,
        seen: Option<Seen>,
    ) -> Result<Went, Halt> {
        let setting = self.setting;
        let mut writing = match self.begin(place, connection).await? {
            Begun::Open(writing) => writing,
            Begun::Over(went) => return Ok(went),
        };
        writing.expects(seen);
        match self.moved(place, &mut writing).await {
            Ok(left) if left.is_empty() => {}
            Ok(left) => {
                let _ = writing.rollback().await;
                return Ok(Went {
                    outcome: Outcome::Unchanged,
                    value: Some(left::store(&left)),
                    message: undo::left_words(&left),
                    response: Some("left alone".into()),
                });
            }
            Err(trouble) => {
                let _ = writing.rollback().await;
                return Err(trouble.into());
            }
        }
        let carried = self.carried(&mut writing, &place.path, step, deed).await;
        let restores = matches!(deed, Deed::Restore(_));
        let carried = carried.and_then(|carried| {
            let read = if restores { Ok(()) } else { self.locked_as_read(place, &carried.changes, &[]) };
            read.map(|()| carried)
        });
        let carried = match carried {
            Ok(carried) => carried,
            Err(trouble) => {
                let _ = writing.rollback().await;
                return Err(trouble.into());
            }
        };
        let value = match deed {
            Deed::Restore(_) => left::store(&carried.left_alone),
            _ => carried.result(matches!(step.act, Act::Row(_)), setting),
        };
        let message = match deed {
            Deed::Restore(restore) => {
                let both = [undo::left_words(&carried.left_alone), undo::restore::not_followed(restore, &carried)];
                let both: Vec<String> = both.into_iter().flatten().collect();
                (!both.is_empty()).then(|| both.join(" "))
            }
            _ => None,
        };
        if carried.is_nothing() && carried.also.is_empty() {
            let _ = writing.rollback().await;
            // What is found done may be this run's own doing.
            let perhaps = self.standing(&place.path).is_some_and(|step| step.perhaps_done);
            return Ok(Went {
                outcome: if perhaps { Outcome::Done } else { Outcome::Unchanged },
                value: Some(value),
                message,
                response: Some(if perhaps { "as wanted by now" } else { "already as wanted" }.into()),
            });
        }
        self.images(&place.path, &carried);
        let made = self.commit(*writing, connection).await;
        // What is looked at only now, a deferred constraint, may tell of the row as well.
        made.map_err(|halt| halt.covered_by(carried.changes.iter().flat_map(RowChange::values)))?;
        Ok(Went { message, response: Some(rows_words(&carried)), ..Went::done(value) })
    }

    /// What somebody changed since in the rows of a step that is taken back by one of the author's.
    async fn moved(&self, place: &Place, writing: &mut Writing) -> Result<Vec<left::LeftAlone>, Trouble> {
        let Some(since) = &place.since else { return Ok(Vec::new()) };
        let steps = self.state.items.get(&self.item).into_iter().flat_map(|item| item.steps.values());
        // Images of what was never committed are none of this run's changes.
        let changed: Vec<_> = steps.map(|step| step.changes_of_run()).collect();
        let own: Vec<&RowChange> = changed.iter().flat_map(|rows| rows.iter()).collect();
        Box::pin(undo::restore::moved(writing, since, &own, self.setting, place.step.act_at)).await
    }

    /// Makes a change durable once its images are. A journal that does not take them takes the change back.
    async fn commit(&mut self, writing: Writing, connection: &Arc<str>) -> Result<(), Halt> {
        if let Err(error) = self.flush().await {
            let _ = writing.rollback().await;
            return Err(error.into());
        }
        writing.commit().await.map_err(|f| Trouble::of_database(connection, f).into())
    }

    async fn open(&self, connection: &Arc<str>) -> Result<Writing, Trouble> {
        let database = self.setting.database(connection).ok_or_else(|| no_database(connection))?;
        let opened = database.writing().await.map_err(|f| Trouble::of_database(connection, f));
        // What comes after the write reads again, on a connection of its own.
        database.expect_reading();
        opened
    }

    /// Opens a transaction up to where its change begins: it is the database that was planned against, and nobody has done
    /// this already.
    async fn begin(&mut self, place: &Place, connection: &Arc<str>) -> Result<Begun, Halt> {
        let mut writing = self.open(connection).await?;
        let first = async {
            let met = match &self.crew {
                _ if self.met.contains(connection) => Met::Known,
                Some(crew) => crew.has_met(connection, writing.is_shared()).await,
                None => Met::Look(None),
            };
            if let Met::Look(_turn) = met {
                let looked = Box::pin(self.as_planned(&mut writing)).await;
                if looked.is_err() {
                    self.crew.iter().for_each(|crew| crew.has_lost(connection));
                }
                looked?;
                self.crew.iter().for_each(|crew| crew.met(connection));
                self.setting.grounds.iter().for_each(|grounds| grounds.forget(connection));
                self.setting.at_hand.holds(self.setting.world.now());
            } else {
                self.setting.at_hand.is_over();
            }
            // (A claim in the ledger comes first, and is waited for just so.)
            if recover::probe_of(&place.step).is_some() && !claim::keeps_ledger(self.setting, connection) {
                let name = self.effect(&place.path).to_string();
                writing.keep(&name).await.map_err(|f| Trouble::of_database(connection, f))?;
            }
            self.claimed(&mut writing, place, connection).await
        };
        match first.await {
            Ok(None) => {
                self.met.insert(connection.clone());
                Ok(Begun::Open(Box::new(writing)))
            }
            Ok(Some(went)) => {
                let _ = writing.rollback().await;
                Ok(Begun::Over(went))
            }
            Err(halt) => {
                let _ = writing.rollback().await;
                Err(halt)
            }
        }
    }

    /// Carries out and compares with the plan, still inside the transaction.
    async fn carried(&self, changing: &mut Changing, path: &str, step: &Step, deed: &Deed) -> Result<Carried, Trouble> {
        let at = step.act_at;
        if let Deed::Restore(restore) = deed {
            // Each row is compared with what the other run left; the plan says which ones are meant.
            let shown =
                self.plan.filter(|_| !self.unplanned && undo::restore::not_rehearsed(restore, self.setting).is_none());
            let planned = shown.map(|_| undo::restore::Shown::of(self.planned(path)));
            return Box::pin(undo::restore::restore(changing, restore, self.setting, planned.as_ref(), at)).await;
        }
        let carried = match deed {
            Deed::Change(change) => match Box::pin(carry_out::carry_out(changing, change, self.setting, at)).await {
                // It was not executed: to take that for a change would be a lie.
                Ok(carried) if carried.unknown => Err(not_known(step, why_unknown(&carried))),
                other => other,
            },
            Deed::Statement(deed) if deed.bound.has_unknown() => {
                let why = deed.bound.binds.iter().find_map(Value::unknown_because);
                Err(not_known(step, why))
            }
            Deed::Statement(deed) => Box::pin(statement::run(changing, deed, self.setting, at)).await,
            _ => Err(unknown_now(step, None)),
        };
        let shown = self.planned(path);
        let Some(planned) = shown.and_then(drift::planned_rows) else {
            let carried = carried?;
            if !carried.is_nothing() {
                self.was_shown(path)?;
            }
            return Ok(carried);
        };
        match carried {
            Ok(carried) if carried.is_nothing() => Ok(carried),
            Ok(carried) => {
                let own = self.own();
                let rebased = drift::rebased(&planned, &own, &carried.changes);
                let planned: Vec<&RowChange> = rebased.iter().collect();
                let mut differences = drift::of_rows(&planned, &carried.changes, &carried.computed, self.setting);
                // What goes along with a row that the run itself changed before is not foretold.
                if let Some(shown) = shown.filter(|shown| own.is_empty() && shown.tells_what_goes_along()) {
                    differences.extend(drift::of_along(shown, &carried, self.crew.is_none()));
                }
                if differences.is_empty() { Ok(carried) } else { Err(Trouble::Drifted(differences)) }
            }
            // A guard that held in the plan and fails now is drift, with the columns by name. Of a claim the author may have said what
            // it means that somebody else was quicker.
            Err(Trouble::Missed(missed)) if !planned.is_empty() && !lost_claim_is_foreseen(step, deed) => {
                Err(Trouble::Drifted(vec![Difference {
                    subject: format!("{} {}", planned[0].table, planned[0].key_text()),
                    column: missed.seen.iter().map(|(column, _)| column.clone()).collect::<Vec<_>>().join(", "),
                    planned: "as previewed".into(),
                    found: missed.seen.first().map_or(missed.message.clone(), |(_, found)| found.clone()),
                }]))
            }
            Err(other) => Err(other),
        }
    }

    /// Several steps in one transaction: all of them happen, or none.
    pub(super) async fn transaction(&mut self, place: &Place, connection: &str) -> Result<Option<Went>, Halt> {
        self.close_readers().await;
        let connection: Arc<str> = connection.into();
        let shown = format!("transaction on {connection}");
        let class = recover::of_rows(&connection, self.setting);
        let request_hash = claim::keeps_ledger(self.setting, &connection).then(|| self.hash_of_block(place));
        let meant = Meant { class, connection: Some(&connection), shown, request: None, request_hash };
        self.intend(place, meant, 1).await?;
        let mut restarts = 0;
        loop {
            let scope = self.scope.clone();
            let pending = self.pending.len();
            match self.transaction_once(place, &connection).await {
                Err(Halt::Trouble(Trouble::Database { fault, .. }))
                    if fault.kind == FaultKind::Divided
                        || fault.kind == FaultKind::Serialization && restarts < MOST_RESTARTS =>
                {
                    restarts += u32::from(fault.kind == FaultKind::Serialization);
                    self.scope = scope;
                    self.pending.truncate(pending);
                }
                other => return other.map(Some),
            }
        }
    }

    async fn transaction_once(&mut self, place: &Place, connection: &Arc<str>) -> Result<Went, Halt> {
        let mut writing = match self.begin(place, connection).await? {
            Begun::Open(writing) => writing,
            Begun::Over(went) => return Ok(went),
        };
        let mut all = Carried::default();
        let mut inner = Vec::new();
        let walked = self.inside(&mut writing, place, &place.path, place.step.inner(), &mut all, &mut inner).await;
        // What was read inside is compared as well, as long as all of it can be taken back; and it says best why a step goes
        // another way.
        let walked = match walked {
            Ok(()) => self.facts_hold(place).map_err(Halt::from),
            Err(Halt::Trouble(drifted @ Trouble::Drifted(_))) => {
                Err(self.facts_hold(place).err().unwrap_or(drifted).into())
            }
            Err(other) => Err(other),
        };
        if let Err(halt) = walked {
            let _ = writing.rollback().await;
            return Err(halt);
        }
        if all.is_nothing() && all.also.is_empty() {
            let _ = writing.rollback().await;
            inner.into_iter().for_each(|event| self.note(event));
            return Ok(Went {
                outcome: Outcome::Unchanged,
                value: None,
                message: None,
                response: Some("already as wanted".into()),
            });
        }
        self.images(&place.path, &all);
        inner.into_iter().for_each(|event| self.note(event));
        self.commit(*writing, connection).await?;
        Ok(Went { outcome: Outcome::Done, value: None, message: None, response: Some(rows_words(&all)) })
    }

    async fn inside(
        &mut self,
        writing: &mut Writing,
        place: &Place,
        prefix: &str,
        steps: &[Step],
        all: &mut Carried,
        events: &mut Vec<Event>,
    ) -> Result<(), Halt> {
        for (index, step) in steps.iter().enumerate() {
            let path = path(prefix, step, index);
            if step.common.for_each.is_some() {
                Box::pin(self.turns_inside(writing, place, &path, step, all, events)).await?;
                continue;
            }
            self.inside_once(writing, place, path, step, all, events).await?;
        }
        Ok(())
    }

    /// A loop inside a transaction: all of its turns happen with the whole.
    async fn turns_inside(
        &mut self,
        writing: &mut Writing,
        place: &Place,
        path: &Arc<str>,
        step: &Step,
        all: &mut Carried,
        events: &mut Vec<Event>,
    ) -> Result<(), Halt> {
        let Some(spec) = &step.common.for_each else { return Ok(()) };
        let list = flow::elements(step, &self.scope).map_err(|t| Trouble::of_resolving(t, &self.setting.source))?;
        let Some(list) = list else { return Err(unknown_now(step, None).into()) };
        if let Some(difference) = self.plan.and_then(|plan| drift::of_list(plan, path, &list)) {
            return Err(Trouble::Drifted(vec![difference]).into());
        }
        events.push(self.read_event(path, format!("for each {}", spec.name.as_str()), list.clone()));
        let around = self.scope.clone();
        let mut known = Vec::new();
        for (index, element) in list.as_list().unwrap_or_default().iter().enumerate() {
            self.scope = around.clone().with(spec.name.text.clone(), element.clone());
            self.inside_once(writing, place, turn(path, index), step, all, events).await?;
            known.push(std::mem::take(&mut self.scope));
        }
        self.scope = around;
        step.each(&mut |one| {
            let Some(id) = one.id() else { return };
            let values = known.iter().map(|scope| scope.get(id).cloned().unwrap_or(Value::NULL));
            self.scope.insert(id, Value::list(values));
        });
        Ok(())
    }

    fn read_event(&self, path: &Arc<str>, request: String, value: Value) -> Event {
        let read = ReadValue { item: self.item.clone(), request, request_hash: None, value };
        StepRead { step: path.clone(), reads: vec![read] }.into()
    }

    async fn inside_once(
        &mut self,
        writing: &mut Writing,
        place: &Place,
        path: Arc<str>,
        step: &Step,
        all: &mut Carried,
        events: &mut Vec<Event>,
    ) -> Result<(), Halt> {
        {
            for (name, find) in again::of_step(step, &self.scope, self.setting) {
                let row = again::read(writing, &find, self.setting, step).await?;
                again::put(&mut self.scope, &name, row);
            }
            if let Some(when) = &step.common.when {
                let judgement =
                    resolve::judge(when, &self.scope).map_err(|f| Trouble::of_expression(&f, &self.setting.source))?;
                if judgement.holds == Some(false) {
                    self.may_be_left_out(&path)?;
                    let scope = &mut self.scope;
                    step.each(&mut |one| {
                        if let Some(id) = one.id() {
                            scope.insert_entry(id.into(), Entry::Skipped);
                        }
                    });
                    return Ok(());
                }
            }
            if let Act::Block(block) = &step.act {
                return Box::pin(self.inside(writing, place, &path, &block.steps, all, events)).await;
            }
            let resolved =
                resolve(step, &self.scope, self.setting).map_err(|t| Trouble::of_resolving(t, &self.setting.source))?;
            let Some(resolved) = resolved else { return Err(unknown_now(step, None).into()) };
            let value = match resolved.deed {
                Deed::Find(find) => question::find(writing, &find, self.setting, step.act_at).await?,
                Deed::Query(query) => question::query(writing, &query, self.setting, step.act_at).await?,
                Deed::Judge(judgement) if judgement.holds == Some(true) => true.into(),
                Deed::Judge(judgement) => return Err(not_so(&judgement, step).into()),
                Deed::Give(value) => value,
                deed @ (Deed::Change(_) | Deed::Statement(_)) => {
                    let carried = self.carried(writing, &path, step, &deed).await?;
                    self.locked_as_read(place, &carried.changes, &all.changes)?;
                    let value = carried.result(matches!(step.act, Act::Row(_)), self.setting);
                    all.changes.extend(carried.changes);
                    all.also.extend(carried.also);
                    value
                }
                // Check refuses calls, questions and messages inside a transaction.
                _ => return Err(unknown_now(step, None).into()),
            };
            self.holds(step, &value)?;
            if let Some(id) = step.id() {
                self.scope.insert(id, value.clone());
            }
            events.push(self.read_event(&path, step.act.word().to_owned(), value));
        }
        Ok(())
    }
}

/// `1 row of register.trainees, 1 of register.audits`.
pub(super) fn rows_words(carried: &Carried) -> String {
    let mut counts: Vec<(&TableName, usize)> = Vec::new();
    for change in carried.changes.iter().filter(|c| c.deed() != crate::effect::change::Deed::Nothing) {
        match counts.iter_mut().find(|(table, _)| *table == &change.table) {
            Some((_, n)) => *n += 1,
            None => counts.push((&change.table, 1)),
        }
    }
    let mut words = String::with_capacity(64);
    for (table, n) in counts {
        let (comma, s) = (if words.is_empty() { "" } else { ", " }, if n == 1 { "" } else { "s" });
        let _ = write!(words, "{comma}{n} row{s} of {table}");
    }
    words
}

/// The step claims a row, and says what becomes of the item when another driver has it.
fn lost_claim_is_foreseen(step: &Step, deed: &Deed) -> bool {
    matches!(deed, Deed::Change(change) if change.claim) && step.common.otherwise.is_some()
}

/// A change that rests on a value which nobody knows. Not drift, and nothing that the step's `otherwise` was written for.
fn not_known(step: &Step, why: Option<Arc<str>>) -> Trouble {
    let why = why.map_or_else(String::new, |why| format!(" ({why})"));
    Trouble::Step { message: format!("a value that it writes is not known{why}"), at: step.act_at, help: Vec::new() }
}

/// Why a value that a change needs is not known.
fn why_unknown(carried: &Carried) -> Option<Arc<str>> {
    let after = carried.changes.iter().filter_map(|change| change.after.as_ref());
    after.flat_map(|row| row.values()).find_map(Value::unknown_because)
}
