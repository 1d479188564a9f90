//! The first statement of a writing transaction where the target keeps a ledger: the claim of the effect. Used by a step
//! that writes and by whoever finds out what became of one, so that both conclude the same from the same row.

use super::{
    carry_out::Carried,
    drive::{Driver, Halt, Went},
    images::passes,
    outline::Place,
    recover::Found,
    setting::Setting,
    state::{DONE, StepState},
    tries::Tries,
    trouble::{Difference, Trouble},
    watch::Tick,
    write::rows_words,
};
use crate::{
    action::{deed::Deed, kinds::Act},
    base::value::Value,
    connection::{
        fault::{Fault, FaultKind},
        handle::Writing,
        ledger::{Claimed, Entry},
        standing::{Unlike, unlike},
    },
    journal::{failure::JournalError, words::Outcome},
};
use sha2::{Digest, Sha256};
use std::{cmp::Reverse, collections::HashSet, sync::Arc};

/// What the ledger says of an effect.
#[derive(Debug)]
enum Verdict {
    /// It never happened. It is claimed now, with the transaction.
    Open,
    /// Exactly this was committed, at this time by the database's clock.
    Done(String),
    /// Something was committed under this name that cannot be taken for this. A fragment.
    Doubtful(String),
}

/// Why the ledger gave no verdict.
enum Unheard {
    Fault(Fault),
    /// Somebody else has the run, or it is another database.
    Halt(Halt),
}

impl From<Halt> for Unheard {
    fn from(halt: Halt) -> Unheard {
        match halt {
            Halt::Trouble(Trouble::Database { fault, .. }) => Unheard::Fault(fault),
            halt => Unheard::Halt(halt),
        }
    }
}

impl From<Fault> for Unheard {
    fn from(fault: Fault) -> Unheard {
        Unheard::Fault(fault)
    }
}

impl Driver<'_> {
    /// A fingerprint of what a step asks for, which stands in its intent and in the ledger. Of no use to somebody who
    /// tries out all birthdays, as long as there is a key.
    pub(super) fn request_hash(&self, what: &str) -> Arc<str> {
        let plain = || Sha256::digest(what).iter().map(|b| format!("{b:02x}")).collect::<String>();
        let sealed = self.journal.sealer().fingerprint(&Value::text(what));
        sealed.unwrap_or_else(|_| plain()).into()
    }

    /// Of a step on its own.
    pub(super) fn hash_of_deed(&self, deed: &Deed) -> Arc<str> {
        self.request_hash(&format!("{deed:?}"))
    }

    /// Of a block: what stands in it is known by the playbook's text, and what it does follows from the parameters.
    pub(super) fn hash_of_block(&self, place: &Place) -> Arc<str> {
        let text = self.setting.source.text();
        self.request_hash(&format!("{} {:?} {text}", place.path, self.setting.params))
    }

    /// Claims the effect of a step, where the connection keeps a ledger; the first statement of its transaction. When it
    /// was done already, how it went; the caller rolls back.
    pub(super) async fn claimed(
        &self,
        writing: &mut Writing,
        place: &Place,
        connection: &Arc<str>,
    ) -> Result<Option<Went>, Halt> {
        if !keeps_ledger(self.setting, connection) {
            return Ok(None);
        }
        let fallback = StepState::default();
        let step = self.standing(&place.path).unwrap_or(&fallback);
        match Box::pin(self.verdict(writing, place, step)).await {
            Ok(Verdict::Open) => Ok(None),
            Ok(Verdict::Done(_)) => Ok(Some(self.as_imaged(place, step))),
            Ok(Verdict::Doubtful(why)) => {
                Err(Trouble::of_database(connection, Fault::new(FaultKind::InDoubt, why)).into())
            }
            Err(Unheard::Halt(halt)) => Err(halt),
            Err(Unheard::Fault(fault)) => Err(Trouble::of_database(connection, fault).into()),
        }
    }

    /// What became of an attempt whose answer was lost: the claim decides, and is given back.
    pub(super) async fn by_ledger(&mut self, place: &Place, step: &StepState) -> Result<Found, Halt> {
        let Some(connection) = step.connection.clone() else {
            return Ok(Found::InDoubt("the journal does not say which database it went to".into()));
        };
        Ok(match self.heard(&connection, place, step).await? {
            Ok(Verdict::Open) => Found::NotDone("the ledger shows that it was not committed".into()),
            Ok(Verdict::Done(at)) => {
                let went = self.as_imaged(place, step);
                let why = format!("the ledger shows that it was committed at {at}");
                Found::Done { why, value: went.value, response: went.response }
            }
            Ok(Verdict::Doubtful(why)) => Found::InDoubt(why),
            Err(why) => Found::InDoubt(why),
        })
    }

    /// What the ledger says, asked again within bounds; or why it says nothing.
    async fn heard(
        &mut self,
        connection: &Arc<str>,
        place: &Place,
        step: &StepState,
    ) -> Result<Result<Verdict, String>, Halt> {
        let mut tries = Tries::default();
        loop {
            let fault = match self.asked(connection, place, step).await {
                Ok(verdict) => return Ok(Ok(verdict)),
                Err(Unheard::Halt(halt)) => return Err(halt),
                Err(Unheard::Fault(fault)) => fault,
            };
            let why = format!("`{connection}`: {fault}");
            let Some(pause) = tries.next().filter(|_| passes(fault.kind)) else {
                return Ok(Err(format!("its ledger cannot be asked: {why}")));
            };
            (self.watch)(Tick::Again { path: place.path.clone(), why, pause });
            self.setting.world.pause(pause).await;
        }
    }

    /// What a run has done is still there when it goes on. A database that was restored from a copy, or that failed over to a replica which was behind, has lost the newest of it
    /// together with its entries in the ledger: then nothing is done on top, and nothing again. Says why where that cannot be found out.
    pub(super) async fn still_there(&mut self) -> Result<Option<String>, JournalError> {
        let item = self.state.items.get(&self.item).filter(|item| item.closed.is_none());
        let steps = item.iter().flat_map(|item| &item.steps).filter(|(_, step)| is_in_ledger(step));
        let mut done: Vec<(Arc<str>, StepState)> = steps.map(|(path, step)| (path.clone(), step.clone())).collect();
        done.sort_by_key(|(_, step)| Reverse(step.last_attempt.map(|at| at.micros)));
        let mut whole = HashSet::new();
        let mut lost = Vec::new();
        for (path, step) in done {
            let Some(connection) = step.connection.clone() else { continue };
            // Commits are lost from the newest on: where that is there, so are those before it.
            if whole.contains(&connection) {
                continue;
            }
            let Some(place) = self.place_of(&path) else { continue };
            match self.heard(&connection, &place, &step).await {
                Ok(Ok(Verdict::Open)) => {
                    let gone = gone(&connection, &path);
                    lost.push((path, gone));
                }
                Ok(Ok(Verdict::Done(_) | Verdict::Doubtful(_))) => drop(whole.insert(connection)),
                Ok(Err(why)) => return Ok(Some(format!("whether `{path}` is still done is not known: {why}"))),
                Err(Halt::Elsewhere(why)) => return Ok(Some(why)),
                Err(Halt::Trouble(trouble)) => return Ok(Some(trouble.message())),
                Err(Halt::Rest(why)) => return Ok(Some(why.to_owned())),
                Err(Halt::Journal(error)) => return Err(error),
                // Nothing here records anything that decides anew.
                Err(Halt::Round) => {}
            }
        }
        let newest = lost.first().map(|(path, _)| path.clone());
        if let Some(place) = newest.and_then(|path| self.place_of(&path)) {
            let lost = lost.into_iter().map(|(_, gone)| gone).collect();
            self.end(&place, Trouble::Drifted(lost)).await?;
        }
        Ok(None)
    }

    async fn asked(&self, connection: &Arc<str>, place: &Place, step: &StepState) -> Result<Verdict, Unheard> {
        let Some(database) = self.setting.database(connection) else {
            return Err(Fault::new(FaultKind::Settings, "it is not a database of this project").into());
        };
        let mut writing = database.writing().await?;
        let verdict = match self.same_database(&mut writing).await {
            Ok(()) => self.verdict(&mut writing, place, step).await,
            Err(halt) => Err(halt.into()),
        };
        let _ = writing.rollback().await;
        verdict
    }

    async fn verdict(&self, writing: &mut Writing, place: &Place, step: &StepState) -> Result<Verdict, Unheard> {
        // Without an intent of its own (one that an older version wrote) nothing can be equal to what is found.
        let request = step.request_hash.as_deref().unwrap_or_default();
        let entry = Entry {
            effect: self.effect(&place.path).to_string(),
            run: self.setting.run.id.to_string(),
            fence: self.claim.fence,
            request: request.to_owned(),
            journal: self.journal.id().to_string(),
        };
        let (asked, at, journal) = match writing.claim(&entry).await? {
            Claimed::Ours => return Ok(Verdict::Open),
            Claimed::Stale { .. } => return Err(Unheard::Halt(self.taken())),
            Claimed::Already { request, at, journal, .. } => (request, at, journal),
        };
        let committed = format!("the ledger of `{}` shows that this step was committed at {at}", writing.name());
        Ok(Verdict::Doubtful(if journal != entry.journal {
            format!("{committed} by way of another journal ({journal})")
        } else if asked != request {
            format!("{committed} and that it asked for something else than now")
        } else if !step.imaged {
            format!("{committed}, and this journal does not hold what it changed")
        } else {
            return Ok(Verdict::Done(at));
        }))
    }

    /// How a step went whose images are in the journal.
    fn as_imaged(&self, place: &Place, step: &StepState) -> Went {
        let carried = Carried { changes: step.changes.clone(), ..Carried::default() };
        let single = matches!(place.step.act, Act::Row(_));
        let alone = !matches!(place.step.act, Act::Block(_)) && place.back.is_none();
        let value = alone.then(|| carried.result(single, self.setting));
        Went { response: Some(rows_words(&carried)), value, ..Went::done(Value::NULL) }
    }

    fn taken(&self) -> Halt {
        Halt::Journal(JournalError::ClaimLost { run: self.claim.run, fence: self.claim.fence })
    }

    /// Before the first write of a connection: it is the database that was planned against, with the same tables.
    pub(super) async fn as_planned(&self, writing: &mut Writing) -> Result<(), Halt> {
        let name = writing.name().clone();
        match self.unlike_planned_target(writing).await? {
            None => Ok(()),
            Some(Unlike::Database { planned, found, exchanged }) => Err(elsewhere(&name, &planned, &found, exchanged)),
            Some(Unlike::Schema(tables)) => {
                Err(Trouble::Drifted(tables.iter().map(|table| rebuilt(&name, table)).collect()).into())
            }
        }
    }

    /// Before anybody looks what became of a write: what another database says would be no answer.
    pub(super) async fn same_database(&self, writing: &mut Writing) -> Result<(), Halt> {
        let name = writing.name().clone();
        match self.unlike_planned_target(writing).await? {
            Some(Unlike::Database { planned, found, exchanged }) => Err(elsewhere(&name, &planned, &found, exchanged)),
            _ => Ok(()),
        }
    }

    async fn unlike_planned_target(&self, writing: &mut Writing) -> Result<Option<Unlike>, Halt> {
        let name = writing.name().clone();
        let targets = self.state.created.iter().flat_map(|created| &created.targets);
        let Some(planned) = targets.into_iter().find(|target| target.connection == name) else { return Ok(None) };
        let found = self.root.standing(writing, true).await;
        let found = found.map_err(|fault| Trouble::of_database(&name, fault))?;
        if found.identity.replica {
            let what = format!(
                "`{name}` is connected to a replica, which takes no writes: give it the address of the primary"
            );
            return Err(Halt::Elsewhere(what));
        }
        // What is kept of a plan is masked: a secret may be a part of a path.
        let masks = &self.root.masks;
        let unlike = unlike(&masks.apply(&planned.identity), &masks.apply(&found.text()));
        if !matches!(unlike, Some(Unlike::Database { .. })) {
            self.setting.database(&name).iter().for_each(|database| database.stays_with(&found.identity));
        }
        Ok(unlike)
    }
}

fn elsewhere(name: &str, planned: &str, found: &str, exchanged: bool) -> Halt {
    // Where the path is right nobody can put the connection right: the file of before has to come back, or the run has to end.
    let next = if exchanged { format!(". The file was exchanged for another one, {EXCHANGED}") } else { String::new() };
    Halt::Elsewhere(format!("`{name}` was planned against {planned}, and is connected to {found}{next}"))
}

const EXCHANGED: &str = "as a restore or a copy does. Put the file of before back and resume; where this one stays, end the run with \
                         `trueup cancel` and plan again";

/// Why a run pauses: its SQLite file is no longer the one that it has worked on, or the copy that it reads is behind.
pub(super) fn not_as_left(trouble: &Trouble, heals: bool) -> Option<String> {
    match trouble {
        Trouble::Database { fault, .. } if fault.kind == FaultKind::Behind && !heals => {
            Some(format!("{}; {}", trouble.message(), fault.kind.advice()))
        }
        Trouble::Database { fault, .. } if fault.kind == FaultKind::Exchanged => {
            Some(format!("{}, {EXCHANGED}", trouble.message()))
        }
        _ => None,
    }
}

/// The ledger has an entry of it, unless the database has lost both. What a person took for done need not have one.
fn is_in_ledger(step: &StepState) -> bool {
    let done = step.outcome.as_ref().is_some_and(|outcome| outcome.outcome == Outcome::Done);
    let said = step.decided.as_ref().is_some_and(|decided| &*decided.decision == DONE);
    done && !said && step.attempts > 0 && step.class.as_deref() == Some("ledger")
}

fn gone(connection: &Arc<str>, path: &str) -> Difference {
    Difference {
        subject: format!("{connection}, `{}`", path.rsplit('/').next().unwrap_or(path)),
        column: String::new(),
        planned: "done by this run, as its journal says".into(),
        found: "no entry in its ledger: the database was restored from a copy, or is one that was behind".into(),
    }
}

fn rebuilt(connection: &str, table: &str) -> Difference {
    Difference {
        subject: format!("{connection}.{table}"),
        column: String::new(),
        planned: "its columns, defaults, keys and triggers as they were".into(),
        found: "others".into(),
    }
}

/// The project file says that this database keeps a ledger.
pub(super) fn keeps_ledger(setting: &Setting, connection: &str) -> bool {
    setting.database(connection).is_some_and(|database| database.ledger())
}
