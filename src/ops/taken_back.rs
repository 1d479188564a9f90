//! Undos that a target knows of and this journal does not: it is a copy, or was restored from one. What they took back somebody may have changed
//! again since, by intent, so it is not taken back once more.

use super::{
    Failure,
    record::Record,
    undo::{runs_of, wish_of},
};
use crate::{
    base::{
        identity::RunId,
        time::{self, Stamp},
    },
    connection::{
        database::Database,
        fault::Fault,
        ledger::Entry,
        taken_back::{self, TakenBack},
    },
    engine::{setting::Setting, undo::PURPOSE},
    journal::{Claim, payload::RunCreated},
};

/// What an undo is about.
pub(super) struct About<'a> {
    /// The run that is taken back.
    pub run: RunId,
    /// Only this item of it.
    pub item: Option<&'a str>,
    /// The run that does it.
    pub own: RunId,
}

/// Refuses where a ledger knows of an undo that is not in this journal. One that does not answer is passed over: the preview tells why, and nothing
/// is changed before it was asked ([`note`]).
pub(super) async fn look(record: &Record, setting: &Setting, about: &About<'_>) -> Result<(), Failure> {
    for database in with_ledger(setting) {
        if let Ok(found) = heard(database, about.run).await {
            none_unknown(record, database, about, &found).await?;
        }
    }
    Ok(())
}

/// A missing table is told before anything is carried out, with the command that makes it.
async fn heard(database: &Database, run: RunId) -> Result<Vec<TakenBack>, Fault> {
    if database.has_ledger().await? { database.taken_back(run).await } else { Ok(Vec::new()) }
}

async fn none_unknown(
    record: &Record,
    database: &Database,
    about: &About<'_>,
    found: &[TakenBack],
) -> Result<(), Failure> {
    let item = about.item.map(taken_back::of_item);
    let bears = |undo: &&TakenBack| item.is_none() || undo.item.is_none() || undo.item == item;
    if found.iter().any(|undo| bears(&undo)) {
        let undos = runs_of(record, about.run).await?;
        let direct = undos.iter().filter(|undo| undo.about == Some(about.run)).map(|undo| undo.id);
        let known: Vec<String> = direct.chain([about.own]).map(|id| id.to_string()).collect();
        if let Some(undo) = found.iter().filter(bears).find(|undo| !known.contains(&undo.by)) {
            return Err(refusal(record, database, about, undo));
        }
    }
    Ok(())
}

/// Before the first change of a run that is an undo: its ledgers know of it, and of no other one.
pub(super) async fn note(
    record: &Record,
    setting: &Setting,
    created: Option<&RunCreated>,
    claim: &Claim,
) -> Result<(), Failure> {
    let Some((created, run)) =
        created.filter(|created| &*created.purpose == PURPOSE).and_then(|created| Some((created, created.about?)))
    else {
        return Ok(());
    };
    let wish = wish_of(created);
    let about = About { run, item: wish.item.as_deref(), own: claim.run };
    let noted = async {
        for database in with_ledger(setting) {
            let found = heard(database, run).await.map_err(|fault| unheard(database, fault))?;
            none_unknown(record, database, &about, &found).await?;
            let entry = Entry {
                effect: String::new(),
                run: claim.run.to_string(),
                fence: claim.fence,
                request: about.item.map(taken_back::of_item).unwrap_or_default(),
                journal: record.journal.id().to_string(),
            };
            database.takes_back(run, entry).await.map_err(|fault| unheard(database, fault))?;
        }
        Ok::<(), Failure>(())
    };
    let noted = noted.await;
    if noted.is_err() {
        record.journal.release(claim).await?;
    }
    noted
}

fn with_ledger(setting: &Setting) -> impl Iterator<Item = &Database> {
    setting.written().filter(|database| database.ledger())
}

fn unheard(database: &Database, fault: Fault) -> Failure {
    let failure =
        Failure::usage(format!("failed to look for earlier undos in the ledger of `{}`: {fault}", database.name()));
    failure.help(fault.help())
}

fn refusal(record: &Record, database: &Database, about: &About<'_>, undo: &TakenBack) -> Failure {
    let (run, by) = (about.run.short(), short(&undo.by));
    let whose = if undo.journal == record.journal.id().to_string() {
        "this journal does not hold that run any more: it was restored from a copy".to_owned()
    } else {
        format!("that run stands in another journal ({})", undo.journal)
    };
    let at = time::instant(&undo.at);
    let at = at.map_or_else(|_| undo.at.clone(), |at| format!("{} UTC", Stamp { digits: 0, ..at }));
    Failure::usage(format!(
        "run {run} was taken back by run {by}, or is being: the ledger of `{}` has known of it since {at}, and {whose}",
        database.name()
    ))
    .help("nothing was changed; what becomes of the run is settled with the journal that knows its undo")
    .help(format!(
        "where that journal is lost, look at the rows; an undo is possible again when somebody has deleted the row whose `effect` is \
         `{}` from `trueup_ledger`",
        taken_back::key(about.run, &undo.by)
    ))
}

fn short(run: &str) -> String {
    run.parse::<RunId>().map_or_else(|_| run.to_owned(), RunId::short)
}
