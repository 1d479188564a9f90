//! Whether a Redis still holds every mark that it was given: what it was like when a change was sent, beside what it is like now. A mark that is
//! missing proves that nothing was done only where none can have been lost since.

use super::{client::Jobs, script::MARKER_SECONDS};
use crate::{
    base::{time::Stamp, value::Value},
    connection::fault::{Fault, FaultKind},
};
use std::sync::Arc;

/// Beside the marks, and without an end: an id that is made once. Where it is gone, or another one, so are marks.
pub(super) const TOKEN: &str = "trueup:marks";

/// What makes a Redis recognisable. What is not known of one that older versions remembered is not compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keeper {
    /// Another one after each start; empty where it may not be asked.
    pub run_id: Arc<str>,
    /// The name of its history (`master_replid`): another one after it has followed another Redis.
    pub history: Option<Arc<str>>,
    /// How many keys it has thrown away because memory was short.
    pub evicted: Option<Arc<str>>,
    /// The id that was made once.
    pub token: Option<Arc<str>>,
    /// What it throws away when memory is short; not remembered.
    pub policy: Arc<str>,
}

impl Keeper {
    /// As the journal holds it, beside `run_id`.
    pub fn stored(&self) -> Value {
        Value::list(
            [&self.history, &self.evicted, &self.token].map(|part| part.clone().map_or(Value::NULL, Value::text)),
        )
    }

    /// Back. Older versions stored nothing but the `run_id`.
    pub fn load(run_id: &str, stored: Option<&Value>) -> Keeper {
        let part = |n: usize| stored.and_then(Value::as_list).and_then(|parts| parts.get(n)?.as_str().map(Arc::from));
        Keeper { run_id: run_id.into(), history: part(0), evicted: part(1), token: part(2), policy: "".into() }
    }

    /// Why a mark may have been lost between this and what it is like now; nothing where none can have been. `since`: when the
    /// change was first sent.
    pub fn lost(&self, now: &Keeper, since: Option<Stamp>, at: Stamp) -> Option<&'static str> {
        let other = |then: &Option<Arc<str>>, now: &Option<Arc<str>>| then.is_some() && then != now;
        let old = since
            .is_some_and(|since| at.micros - since.micros >= i64::try_from(MARKER_SECONDS).unwrap_or(0) * 1_000_000);
        let kept = now.policy.is_empty() || &*now.policy == "noeviction";
        Some(match () {
            () if self.run_id.is_empty() || now.run_id.is_empty() => {
                "its account may not ask Redis what it is (INFO), so whether marks were lost since cannot be told"
            }
            () if !kept => {
                "this Redis throws keys away when memory is short, its marks as well: that it has none proves nothing"
            }
            () if self.run_id != now.run_id => {
                "Redis was started anew since, and what it had not saved is gone: that it has no mark of it proves nothing"
            }
            () if other(&self.history, &now.history) => {
                "Redis has followed another one since, or its history began anew, and what that one had not got is gone: that it has no mark of it proves nothing"
            }
            () if other(&self.evicted, &now.evicted) => {
                "Redis has thrown keys away since, its marks perhaps as well: that it has none proves nothing"
            }
            () if other(&self.token, &now.token) => EMPTIED,
            () if old => {
                "it was first tried more than 30 days ago, and a mark is kept no longer: that there is none proves nothing"
            }
            () => return None,
        })
    }
}

/// Why a mark is missing where the id beside the marks is.
pub const EMPTIED: &str =
    "this database of Redis was emptied or exchanged since (FLUSHDB, SWAPDB): that it has no mark of it proves nothing";

impl Jobs {
    /// What it is like now.
    pub async fn keeper(&self) -> Result<Keeper, Fault> {
        self.asked_for_keeper(None).await
    }

    /// The same; where no id is there yet, this one is from now on.
    pub async fn keeper_or(&self, id: &str) -> Result<Keeper, Fault> {
        self.asked_for_keeper(Some(id)).await
    }

    async fn asked_for_keeper(&self, id: Option<&str>) -> Result<Keeper, Fault> {
        let mut link = self.link().await?;
        let info: String = match link.ask(&redis::cmd("INFO")).await {
            Err(fault) if fault.kind == FaultKind::Denied => String::new(),
            asked => asked?,
        };
        let line = |name: &str| {
            let found = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            found.map(|text| Arc::from(text.trim()))
        };
        let key = self.token_key();
        let get = || redis::cmd("GET").arg(&*key).to_owned();
        let mut token: Option<String> = link.ask(&get()).await?;
        if let (None, Some(id)) = (&token, id) {
            // Somebody else may do so in the same moment: the first one stays.
            let _: Option<String> = link.ask(redis::cmd("SET").arg(&*key).arg(id).arg("NX")).await?;
            token = link.ask(&get()).await?;
        }
        Ok(Keeper {
            run_id: line("run_id").unwrap_or_default(),
            history: line("master_replid"),
            evicted: line("evicted_keys"),
            token: token.map(Arc::from),
            policy: line("maxmemory_policy").unwrap_or_default(),
        })
    }

    /// Where the id lies that was made once.
    pub(super) fn token_key(&self) -> Arc<str> {
        self.key(TOKEN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keeper() -> Keeper {
        let text = |text: &str| Some(Arc::from(text));
        Keeper {
            run_id: "r".into(),
            history: text("h"),
            evicted: text("0"),
            token: text("t"),
            policy: "noeviction".into(),
        }
    }

    fn day(n: i64) -> Stamp {
        Stamp { micros: n * 24 * 3600 * 1_000_000, digits: 6 }
    }

    #[test]
    fn a_missing_mark_proves_nothing_once_it_may_be_too_old() {
        let lost = |since: Option<i64>, at: i64| keeper().lost(&keeper(), since.map(day), day(at));
        assert_eq!(lost(Some(0), 29), None);
        assert!(lost(Some(0), 30).is_some_and(|why| why.contains("more than 30 days ago")));
        assert_eq!(lost(None, 99), None, "nothing was sent");
    }

    #[test]
    fn whatever_differs_is_a_reason_and_what_older_versions_did_not_remember_is_none() {
        let lost = |then: &Keeper, now: &Keeper| then.lost(now, Some(day(0)), day(1));
        let but = |change: &dyn Fn(&mut Keeper)| {
            let mut now = keeper();
            change(&mut now);
            now
        };
        let other = || Some(Arc::from("other"));
        for now in [
            but(&|k| k.run_id = "other".into()),
            but(&|k| k.run_id = "".into()),
            but(&|k| k.history = other()),
            but(&|k| k.evicted = other()),
            but(&|k| k.token = other()),
            but(&|k| k.token = None),
            but(&|k| k.policy = "allkeys-lru".into()),
        ] {
            assert!(lost(&keeper(), &now).is_some(), "{now:?}");
        }
        let of_before = Keeper::load("r", None);
        assert_eq!(lost(&of_before, &keeper()), None);
        assert!(lost(&of_before, &but(&|k| k.run_id = "other".into())).is_some());
        let stored = keeper().stored();
        assert_eq!(Keeper { policy: "noeviction".into(), ..Keeper::load("r", Some(&stored)) }, keeper());
    }
}
