//! One step: what it looks at first, what it reads, and whom it is handed to when it changes something.

use super::{
    again,
    drive::{Driver, Halt, Went},
    outgoing,
    outline::{Back, Place},
    question,
    rehearse::shown::not_so,
    resource,
    trouble::{Missed, Trouble},
    watch::Tick,
};
use crate::{
    action::{
        deed::{Deed, Find, Outgoing},
        resolve::{self, resolve},
        resource::{Presence, deed::Wish},
        step::Step,
    },
    base::value::Value,
    connection::{
        fault::{Fault, FaultKind},
        session::Session,
    },
    journal::{payload::*, words::Outcome},
    template::scope::Entry,
};
use std::{sync::Arc, time::Duration};

impl Driver<'_> {
    pub(super) fn skip(&mut self, path: &Arc<str>, step: &Step) {
        let scope = &mut self.scope;
        step.each(&mut |one| {
            if let Some(id) = one.id() {
                scope.insert_entry(id.into(), Entry::Skipped);
            }
        });
        let repair = step.common.repair.filter(|is| *is).map(|_| "only when a row of `errors` asks for it".to_owned());
        let message =
            repair.or_else(|| step.common.when.as_ref().map(|w| format!("only when {}", w.scalar().text.trim())));
        self.outcome(path, Went { outcome: Outcome::Skipped, value: None, message, response: None }, 0);
        (self.watch)(Tick::Over { path: path.clone(), outcome: Outcome::Skipped, summary: String::new() });
    }

    /// A verification entry with `within` is looked at again until it holds or the time is over.
    pub(super) async fn patiently(&mut self, place: &Place, step: &Step) -> Result<Option<Went>, Halt> {
        let (within, every) =
            (step.common.within.map(|l| l.0), step.common.every.map_or(Duration::from_secs(5), |l| l.0));
        let mut left = within.unwrap_or_default();
        loop {
            let halt = match self.step(place, step).await {
                Err(Halt::Trouble(trouble)) if matches!(trouble, Trouble::Missed(_) | Trouble::Call(_)) => trouble,
                other => return other,
            };
            if left.is_zero() {
                return Err(halt.into());
            }
            let pause = every.min(left);
            left -= pause;
            self.close_readers().await;
            self.flush().await?;
            (self.watch)(Tick::Again { path: place.path.clone(), why: halt.message(), pause });
            self.setting.world.pause(pause).await;
        }
    }

    /// Rows that the step wants as they are now.
    pub(super) async fn look_again(&mut self, step: &Step) -> Result<(), Trouble> {
        let rows = again::of_step(step, &self.scope, self.setting);
        // Of most steps there are none.
        if rows.is_empty() { Ok(()) } else { Box::pin(self.look_at(step, rows)).await }
    }

    async fn look_at(&mut self, step: &Step, rows: Vec<(Arc<str>, Find)>) -> Result<(), Trouble> {
        for (name, find) in rows {
            let setting = self.setting;
            let row = if setting.jobs.contains_key(&find.table.connection) {
                question::find_jobs(setting, &find, step.act_at).await?
            } else {
                let session = self.reader(&find.table.connection).await?;
                again::read(session, &find, setting, step).await?
            };
            again::put(&mut self.scope, &name, row);
        }
        Ok(())
    }

    async fn step(&mut self, place: &Place, step: &Step) -> Result<Option<Went>, Halt> {
        if let Some(Back::Jobs(jobs)) = &place.back {
            return Box::pin(self.change_jobs(place, step, jobs)).await.map(Some);
        }
        if let Some(Back::Rows(rows)) = &place.back {
            return Box::pin(self.write(place, step, Deed::Restore(rows.clone()))).await.map(Some);
        }
        if let Some(Back::Resource(left)) = &place.back {
            return Box::pin(self.bring_back(place, step, left)).await.map(Some);
        }
        self.look_again(step).await?;
        let resolved =
            resolve(step, &self.scope, self.setting).map_err(|t| Trouble::of_resolving(t, &self.setting.source))?;
        let Some(resolved) = resolved else { return Ok(None) };
        match resolved.deed {
            Deed::Question(question) => return self.ask(place, step, &question),
            Deed::Message(message) => return Box::pin(self.message(place, step, &message)).await.map(Some),
            Deed::Change(_) | Deed::Statement(_) => {
                return Box::pin(self.write(place, step, resolved.deed)).await.map(Some);
            }
            Deed::Resource(resource) if !resource.is_read() => {
                return Box::pin(self.bring(place, step, &resource)).await.map(Some);
            }
            Deed::Jobs(deed) => return Box::pin(self.change_jobs(place, step, &deed)).await.map(Some),
            Deed::Outgoing(outgoing) if !outgoing.is_read() => {
                return Box::pin(self.send(place, step, outgoing)).await.map(Some);
            }
            deed => {
                let (value, request) = Box::pin(self.read(place, step, deed)).await?;
                // Before `is` is looked at: the text of its `otherwise` tells what was found.
                if let Some(id) = step.id() {
                    self.scope.insert(id, value.clone());
                }
                self.holds(step, &value)?;
                let summary = (!self.quiet).then(|| request.clone());
                let read = ReadValue { item: self.item.clone(), request, request_hash: None, value };
                self.note(StepRead { step: place.path.clone(), reads: vec![read] }.into());
                if let Some(summary) = summary {
                    (self.watch)(Tick::Over { path: place.path.clone(), outcome: Outcome::Done, summary });
                }
            }
        }
        Ok(None)
    }

    /// The `is` of a verification entry.
    pub(super) fn holds(&self, step: &Step, value: &Value) -> Result<(), Trouble> {
        let Some(is) = &step.common.is else { return Ok(()) };
        let mut scope = self.scope.clone().with("self", value.clone());
        if let Some(id) = step.id() {
            scope.insert(id, value.clone());
        }
        let judgement = resolve::judge(is, &scope).map_err(|f| Trouble::of_expression(&f, &self.setting.source))?;
        if judgement.holds == Some(true) { Ok(()) } else { Err(not_so(&judgement, step)) }
    }

    pub(super) async fn read(&mut self, place: &Place, step: &Step, deed: Deed) -> Result<(Value, String), Halt> {
        let setting = self.setting;
        match deed {
            Deed::Find(find) if setting.jobs.contains_key(&find.table.connection) => {
                let value = Box::pin(question::find_jobs(setting, &find, step.act_at)).await?;
                Ok((value, format!("find {}", find.table)))
            }
            Deed::Tally(tally) => {
                let value = Box::pin(question::tally(setting, &tally, step.act_at)).await?;
                Ok((value, format!("tally {}", tally.connection)))
            }
            Deed::Find(find) => {
                let session = self.reader(&find.table.connection).await?;
                let value = question::find(session, &find, setting, step.act_at).await?;
                Ok((value, format!("find {}", find.table)))
            }
            Deed::Query(query) => {
                let session = self.reader(&query.connection).await?;
                let value = question::query(session, &query, setting, step.act_at).await?;
                Ok((value, format!("query {}", query.connection)))
            }
            Deed::Outgoing(outgoing) => {
                // No transaction is held while somebody else thinks.
                self.close_readers().await;
                let line = outgoing.line(setting);
                let read = Box::pin(outgoing::read(setting, step, &place.path, &outgoing, self.watch)).await;
                let value = read.map_err(|t| Trouble::Call(Box::new(t)))?;
                let line = format!("{line} → {}", outgoing.summary(&value));
                Ok((value, line))
            }
            Deed::Resource(resource) => {
                self.close_readers().await;
                let (_, state) = Box::pin(resource::read(setting, step, &place.path, &resource, self.watch)).await?;
                let presence = if let Wish::Known(presence) = resource.wish { presence } else { Presence::Optional };
                let value = resource::known(&resource, presence, state.as_ref())?;
                let line = Outgoing::Call(resource.read.clone()).line(setting);
                let summary = resource::summary(&value);
                Ok((value, format!("{line} → {summary}")))
            }
            Deed::Compare(comparison) => Ok((comparison.value(), comparison.summary())),
            Deed::Judge(judgement) if judgement.holds == Some(true) => Ok((true.into(), "holds".into())),
            Deed::Judge(judgement) if judgement.holds.is_none() => {
                Err(unknown_now(step, judgement.unknown.as_deref()).into())
            }
            Deed::Judge(judgement) => Err(not_so(&judgement, step).into()),
            Deed::Give(value) => {
                let shown = value.shown();
                Ok((value, shown))
            }
            _ => Err(unknown_now(step, None).into()),
        }
    }

    async fn reader(&mut self, connection: &Arc<str>) -> Result<&mut Session, Trouble> {
        if !self.readers.contains_key(connection) {
            let database = self.setting.database(connection).ok_or_else(|| no_database(connection))?;
            // Where much is known of the tables, a read may need no transaction.
            let opened = match self.setting.grounds {
                Some(_) => database.glancing().await,
                None => database.reading().await,
            };
            let opened = opened.map_err(|f| Trouble::of_database(connection, f))?;
            self.readers.insert(connection.clone(), opened);
        }
        match self.readers.get_mut(connection) {
            Some(reading) => Ok(reading),
            None => Err(no_database(connection)),
        }
    }
}

pub(super) fn no_database(connection: &str) -> Trouble {
    Trouble::of_database(connection, Fault::new(FaultKind::Settings, "it is not a database of this project"))
}

/// Something is still unknown although nothing may be at apply.
pub(super) fn unknown_now(step: &Step, why: Option<&str>) -> Trouble {
    let message = match why {
        Some(why) => format!("a value is still unknown at apply ({why})"),
        None => format!("`{}` cannot stand here", step.act.word()),
    };
    Trouble::Missed(Missed { message, seen: Vec::new(), at: step.act_at })
}
