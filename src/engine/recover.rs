//! What became of an attempt that has no outcome: of a process that died, and of this one when an answer was lost. Both go
//! this way, so that the rare path is the normal one.
//!
//! Each class of effect has somebody who remembers (`docs/design/trust.md`): the rows themselves, the ledger of the target, a
//! probe, a service that knows the key. Where nobody does, a person decides. Nothing is concluded from silence.

use super::{
    claim::not_as_left,
    drive::{Driver, Halt, Stopped, Went},
    endings::{self, sentence},
    names,
    outgoing::{accepted::pending, call},
    outline::Place,
    resource,
    setting::Setting,
    state::{REPEATED, StepState},
    trouble::{CallTrouble, Trouble},
    watch::Tick,
};
use crate::{
    action::{
        deed::{Call, Deed},
        kinds::Act,
        step::Step,
    },
    base::value::Value,
    journal::{failure::JournalError, payload::RunPaused, words::Outcome},
};
use std::{sync::Arc, time::Duration};

/// What looking showed.
#[derive(Debug)]
pub(super) enum Found {
    /// It happened. The message is a fragment: `the rows show that it was done`.
    Done { why: String, value: Option<Value>, response: Option<String> },
    /// It did not happen and cannot happen any more. A fragment.
    NotDone(String),
    /// Nobody can tell. One or more fragments.
    InDoubt(String),
    /// The other side has answered now: it was refused.
    Refused(Trouble),
}

/// What comes after a step that proved undone.
enum Next {
    /// It is done again after this pause.
    Again(Duration),
    /// The table allows no more attempts.
    Ends(Trouble),
}

/// A step that proved undone is done again this often, if its answer is lost each time.
const MOST_ROUNDS: u32 = 3;

/// The word of the recovery class in `step.intent`: who will be asked when the answer is lost.
pub(super) fn class(step: &Step, deed: &Deed, setting: &Setting) -> &'static str {
    let (probe, repeatable) = (step.common.probe.is_some(), step.common.repeatable.is_some());
    match deed {
        Deed::Change(change) => of_rows(&change.table.connection, setting),
        Deed::Restore(restore) => of_rows(&restore.connection, setting),
        Deed::Statement(statement) => match of_rows(&statement.connection, setting) {
            "ledger" => "ledger",
            _ if probe => "sql-probe",
            _ if repeatable => REPEATED,
            _ => "sql",
        },
        Deed::Jobs(_) => "marker",
        Deed::Outgoing(outgoing) => outgoing.class(step, setting),
        _ => "message-once",
    }
}

/// The class of row changes, and of a block in one transaction.
pub(super) fn of_rows(connection: &str, setting: &Setting) -> &'static str {
    if setting.database(connection).is_some_and(|database| database.ledger()) { "ledger" } else { "rows" }
}

/// Whether all that a step of this class does is one transaction of one database.
pub(super) fn is_one_transaction(class: &str) -> bool {
    matches!(class, "rows" | "ledger" | "sql" | "sql-probe" | REPEATED)
}

impl Driver<'_> {
    /// Finds out and records it. Gives where the run stopped, if only a person can go on.
    pub(super) async fn find_out(&mut self, path: &Arc<str>) -> Result<Option<Stopped>, JournalError> {
        let lost = self.doubt.take().filter(|(at, _)| at == path).map(|(_, trouble)| trouble);
        let step = self.standing(path).cloned().unwrap_or_default();
        let Some(place) = self.place_of(path) else {
            let why = "the playbook of this run has no such step";
            return self.leave_in_doubt(path, lost.as_ref(), why).await.map(Some);
        };
        self.close_readers().await;
        self.flush().await?;
        let title = format!("Find out what became of `{}`", path.rsplit('/').next().unwrap_or(path));
        (self.watch)(Tick::Begins { section: place.section, path: path.clone(), title });
        let found = match self.look(&place, &step, lost.as_ref()).await {
            Ok(found) => found,
            Err(Halt::Trouble(trouble)) => match not_as_left(&trouble, false) {
                Some(why) => return self.rest(&why).await.map(Some),
                None => Found::InDoubt(trouble.message()),
            },
            Err(Halt::Journal(error)) => return Err(error),
            Err(Halt::Round) => return Ok(None),
            Err(Halt::Rest(why)) => return self.rest(why).await.map(Some),
            Err(Halt::Elsewhere(why)) => return self.rest(&why).await.map(Some),
        };
        self.close_readers().await;
        match found {
            Found::Done { why, value, response } => self.was_done(&place, &step, why, value, response).await?,
            Found::NotDone(why) => match self.table_says(&place, lost.as_ref()) {
                Some(Next::Again(pause)) => return self.again_after(path, &why, pause).await,
                Some(Next::Ends(trouble)) => self.end(&place, trouble).await?,
                None => return self.was_not_done(path, &why).await,
            },
            Found::Refused(trouble) => self.end(&place, trouble).await?,
            Found::InDoubt(why) => return self.leave_in_doubt(path, lost.as_ref(), &why).await.map(Some),
        }
        Ok(None)
    }

    async fn look(&mut self, place: &Place, step: &StepState, lost: Option<&Trouble>) -> Result<Found, Halt> {
        let class = step.class.clone().unwrap_or_else(|| "".into());
        if let Some(found) = self.goes_on(place, step).await? {
            return Ok(found);
        }
        // COMMIT comes after the images: without them it was not sent, unless something else went wrong in a way that
        // nobody understood at the time.
        let sql = matches!(&*class, "rows" | "sql" | "sql-probe" | REPEATED);
        if sql && !step.imaged {
            return Ok(if step.outcome.is_none() && lost.is_none() {
                Found::NotDone("it was never committed".into())
            } else {
                Found::InDoubt("the statement left its own transaction, and its rows were not recorded".into())
            });
        }
        match &*class {
            "rows" | "sql" => self.by_images(place, step).await,
            "ledger" => self.by_ledger(place, step).await,
            REPEATED => Ok(Found::NotDone("it is run again, which does the same as once".into())),
            "sql-probe" | "http-probe" | "command-probe" => self.by_probe(place, step).await,
            "http-key" => self.send_again(place, step, true, lost).await,
            "http-repeatable" => self.send_again(place, step, false, lost).await,
            "command-repeatable" => {
                // Twice one after the other is what its author calls the same as once, not twice at the same time.
                self.let_it_end(place, step).await?;
                self.send_again(place, step, false, lost).await
            }
            resource::BY_STATE | resource::BY_VERSION => self.by_state(place, step, lost).await,
            "marker" => match self.by_marker(place, step).await? {
                Found::InDoubt(_) if probe_of(&place.step).is_some() => self.by_probe(place, step).await,
                found => Ok(found),
            },
            "http-once" | "command-once" => Ok(Found::InDoubt(format!(
                "a person has to look into `{}` and decide",
                step.connection.as_deref().unwrap_or("the API")
            ))),
            "message-once" => Ok(Found::Done {
                why: "it is taken as told, because a message is sent at most once".into(),
                value: Some(Value::NULL),
                response: Some("taken as told".into()),
            }),
            other => Ok(Found::InDoubt(format!("this version of trueup does not know how to look for `{other}`"))),
        }
    }

    /// A request that was taken before and may be finished by now: it is asked about, never sent again.
    async fn goes_on(&mut self, place: &Place, step: &StepState) -> Result<Option<Found>, Halt> {
        let (Some(answer), Some(request), Some(api)) = (&step.value, &step.request, &step.connection) else {
            return Ok(None);
        };
        let Some(accepted) = pending(&place.step, answer) else { return Ok(None) };
        let Some(call) = call::of_stored(api, request, &place.step) else { return Ok(None) };
        let call = Call { scope: Some(self.scope.clone()), ..call };
        let found = match self.poll(place, accepted, &call, answer).await {
            Ok(value) => Found::Done {
                why: "the API had taken the request, and is finished with it".into(),
                response: Some(call::summary(&value)),
                value: Some(value),
            },
            Err(Halt::Trouble(trouble)) if !trouble.in_doubt() => Found::Refused(trouble),
            Err(Halt::Trouble(trouble)) => Found::InDoubt(trouble.message()),
            Err(other) => return Err(other),
        };
        Ok(Some(found))
    }

    async fn was_done(
        &mut self,
        place: &Place,
        step: &StepState,
        why: String,
        value: Option<Value>,
        response: Option<String>,
    ) -> Result<(), JournalError> {
        let message = sentence(&format!("its answer was lost; {why}"));
        let begun = step.last_attempt.map_or(0, |at| self.setting.world.now().micros - at.micros);
        let went = Went { outcome: Outcome::Done, value, message: Some(message.clone()), response };
        self.outcome(&place.path, went, u64::try_from(begun).unwrap_or(0));
        self.keep(&place.path, Outcome::Done, &message).await?;
        // Under the names that a process which goes on later gives them, whether this one lost the answer or another.
        if let Some(item) = self.state.items.get(&self.item) {
            names::once(&place.step, &place.path, item, false, &mut self.scope);
        }
        (self.watch)(Tick::Over { path: place.path.clone(), outcome: Outcome::Done, summary: message });
        Ok(())
    }

    /// What the `errors` table wants of a call that was answered badly and, as it turned out, not carried out: first it is known what
    /// became of it, then the table decides. Nothing where the table has no retry for it.
    fn table_says(&mut self, place: &Place, lost: Option<&Trouble>) -> Option<Next> {
        let Some(Trouble::Call(call)) = lost else { return None };
        let retry = endings::retry(self.setting, place.id(), call)?;
        let budget = self.budgets.entry(place.path.clone()).or_default();
        Some(match budget.next(retry, call.retry_after, &self.setting.world) {
            Some(pause) => Next::Again(pause),
            None => Next::Ends(Trouble::Call(Box::new(CallTrouble { in_doubt: false, ..(**call).clone() }))),
        })
    }

    async fn again_after(
        &mut self,
        path: &Arc<str>,
        why: &str,
        pause: Duration,
    ) -> Result<Option<Stopped>, JournalError> {
        self.undone(path, why).await?;
        (self.watch)(Tick::Again { path: path.clone(), why: why.to_owned(), pause });
        self.setting.world.pause(pause).await;
        Ok(None)
    }

    /// The step is as if it had never been tried, and `decide` comes to it again.
    async fn was_not_done(&mut self, path: &Arc<str>, why: &str) -> Result<Option<Stopped>, JournalError> {
        self.undone(path, why).await?;
        let rounds = self.rounds.entry(path.clone()).or_default();
        *rounds += 1;
        if *rounds < MOST_ROUNDS {
            return Ok(None);
        }
        let name = path.rsplit('/').next().unwrap_or(path);
        let reason = format!("the answer of `{name}` was lost {MOST_ROUNDS} times, and it was not done each time");
        self.rest(&reason).await.map(Some)
    }

    async fn undone(&mut self, path: &Arc<str>, why: &str) -> Result<(), JournalError> {
        let message = sentence(&format!("its answer was lost; {why}"));
        let went = Went { outcome: Outcome::NotDone, value: None, message: Some(message.clone()), response: None };
        self.outcome(path, went, 0);
        self.flush().await?;
        (self.watch)(Tick::Over { path: path.clone(), outcome: Outcome::NotDone, summary: message });
        // What an undone block had read is not known any more.
        self.anew();
        Ok(())
    }

    /// A person has to decide: the item stays open, the run stops here.
    async fn leave_in_doubt(
        &mut self,
        path: &Arc<str>,
        lost: Option<&Trouble>,
        why: &str,
    ) -> Result<Stopped, JournalError> {
        let lost = lost.map_or_else(|| "its answer was lost".to_owned(), Trouble::message);
        // What was found out may be what went wrong.
        let message =
            if lost.contains(why) { sentence(&lost) } else { format!("{} {}", sentence(&lost), sentence(why)) };
        let went = Went { outcome: Outcome::InDoubt, value: None, message: Some(message.clone()), response: None };
        self.outcome(path, went, 0);
        let name = path.rsplit('/').next().unwrap_or(path);
        self.note(RunPaused { reason: format!("in doubt at `{name}`"), until: None, behind: None }.into());
        self.flush().await?;
        (self.watch)(Tick::Over { path: path.clone(), outcome: Outcome::InDoubt, summary: message });
        Ok(Stopped::InDoubt(path.clone()))
    }
}

/// The steps inside a block in one transaction that say how to find out.
pub(super) fn probe_of(step: &Step) -> Option<&crate::action::step::Probe> {
    let own = step.common.probe.as_ref();
    own.or_else(|| if matches!(step.act, Act::Block(_)) { step.inner().iter().find_map(probe_of) } else { None })
}
