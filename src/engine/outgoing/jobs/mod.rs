//! Background jobs: what a `job` step comes to at this moment, one attempt at it, and how it is found out whether it was done.
//!
//! A step is first looked at ([`look`]): which jobs, with which texts. What comes of it is one script with all its bytes, which
//! claims the effect's mark first; so the very same bytes can be given again, and are carried out once.

mod drift;
mod enqueue;
mod look;
mod pick;
mod restore;

pub use drift::drift;
pub use look::{Looked, Ready, jid, look};

use crate::{
    action::deed::JobsChange,
    base::{
        counted::counted,
        source::Span,
        time::Stamp,
        value::{Data, Value},
    },
    connection::{
        fault::{Fault, FaultKind},
        sidekiq::{self, Change, Keeper, Place, Told},
    },
    effect::left,
    engine::{
        setting::Setting,
        trouble::{CallTrouble, Missed, Trouble},
    },
    playbook::errors::FailureKind,
    table::condition::Condition,
};
use std::sync::Arc;

/// The connection of a name.
pub fn connection<'a>(setting: &'a Setting, name: &str) -> Result<&'a sidekiq::Jobs, Trouble> {
    setting
        .jobs
        .get(name)
        .ok_or_else(|| Trouble::of_database(name, Fault::new(FaultKind::Settings, "it holds no background jobs")))
}

/// Places where a job waits that nobody has given up.
pub(super) const WAITING: [Place; 3] = [Place::Queued, Place::Scheduled, Place::Retrying];

/// The trouble of a number of jobs that is not as the author allows.
pub fn missed(why: &str, at: Span) -> Trouble {
    Trouble::Missed(Missed { message: why.to_owned(), seen: Vec::new(), at })
}

/// The word in a trouble that says that nothing was changed, because the jobs moved in that very moment.
pub const MOVED: &str = "moved";

/// One attempt.
pub async fn once(setting: &Setting, change: &JobsChange) -> Result<Value, CallTrouble> {
    let trouble = |kind, in_doubt, code: Option<&str>, message: String| CallTrouble {
        api: change.connection.clone(),
        line: change.line.clone(),
        status: None,
        code: code.map(str::to_owned),
        kind,
        in_doubt,
        perhaps: false,
        message,
        retry_after: None,
        said: None,
        answer: None,
        attempt: 1,
    };
    let Some(jobs) = setting.jobs.get(&change.connection) else {
        let message = format!("`{}` holds no background jobs", change.connection);
        return Err(trouble(FailureKind::Connect, false, None, message));
    };
    match carried_out(jobs, change).await {
        Ok(Told::Done(at) | Told::Before(at)) => Ok(at_moment(&change.result, &at)),
        Ok(Told::Gone(_)) => {
            Err(trouble(FailureKind::Status, false, Some(MOVED), "a job moved meanwhile; nothing was changed".into()))
        }
        Ok(Told::Elsewhere) => {
            let message = "the database of Redis was emptied or exchanged meanwhile; nothing was changed";
            Err(trouble(FailureKind::Status, false, Some(MOVED), message.into()))
        }
        Ok(Told::Rival(jid)) => Err(trouble(
            FailureKind::Status,
            false,
            Some(MOVED),
            format!("somebody enqueues an equal job just now ({jid})"),
        )),
        Ok(Told::Other) => {
            Err(trouble(FailureKind::Status, true, None, "the mark of this effect stands for other bytes".into()))
        }
        Err(fault) => {
            let doubt = fault.kind == FaultKind::InDoubt;
            let more = if doubt { "; whether it was done is not known" } else { "" };
            Err(trouble(FailureKind::Connect, doubt, None, format!("`{}`: {}{more}", change.connection, fault.message)))
        }
    }
}

/// Another one has enqueued an equal job in this minute: if it waits no more, that is over.
async fn carried_out(jobs: &sidekiq::Jobs, change: &JobsChange) -> Result<Told, Fault> {
    let (change, token) = (&*change.change, change.keeper.token.as_deref());
    let told = jobs.carry_out(change, None, token).await?;
    let Told::Rival(jid) = &told else { return Ok(told) };
    for place in WAITING {
        let found = jobs.find(place, &[Condition::is("jid", Value::from(jid.as_str()))], &[], 1).await?;
        if !found.jobs.is_empty() {
            return Ok(told);
        }
    }
    jobs.carry_out(change, Some(jid), token).await
}

/// The result with the moment at which Redis did it; a job for later keeps its own.
pub fn at_moment(result: &Value, at: &str) -> Value {
    let stamp = at.parse::<f64>().ok().map(|s| Stamp { micros: (s * 1e6).round() as i64, digits: 6 });
    let at = stamp.map_or(Value::NULL, |stamp| Data::Instant(stamp).into());
    let one = |value: &Value| match value.as_map() {
        Some(map) if map.get("at").is_some_and(Value::is_null) => {
            let mut map = map.clone();
            map.insert("at".into(), at.clone());
            Value::from(map)
        }
        _ => value.clone(),
    };
    match result.as_list() {
        Some(all) => Value::list(all.iter().map(one)),
        None => one(result),
    }
}

/// As the journal holds it.
pub fn stored(change: &JobsChange) -> Value {
    Value::map([
        ("change", change.change.stored()),
        ("line", Value::from(change.line.as_str())),
        ("result", change.result.clone()),
        ("server", Value::text(change.keeper.run_id.clone())),
        ("keeper", change.keeper.stored()),
    ])
}

/// Back; nothing when a part is sealed and its key is not here.
pub fn of_stored(connection: &Arc<str>, stored: &Value) -> Option<JobsChange> {
    Some(JobsChange {
        connection: connection.clone(),
        line: stored.get("line")?.as_str()?.to_owned(),
        change: Arc::new(Change::load(&stored.get("change")?)?),
        result: stored.get("result")?,
        keeper: Keeper::load(stored.get("server")?.as_str()?, stored.get("keeper").as_ref()),
    })
}

/// What came back, in a few words.
pub fn summary(answer: &Value) -> String {
    if let Some(back) = left::back(answer) {
        return summary(&back);
    }
    match answer.as_list() {
        Some([one]) => summary(one),
        Some(all) => counted(all.len(), "job"),
        None => answer.get("jid").map_or_else(String::new, |jid| format!("job {}", jid.bare())),
    }
}
