//! The ledger in PostgreSQL: fence, claim and what stands there already, in one statement.

use super::{
    super::{
        fault::{Fault, FaultKind},
        ledger::{Claimed, Entry, Found},
    },
    Link,
};
use crate::base::value::{Map, Value};
use sqlx::{Arguments, postgres::PgArguments};
use std::collections::HashSet;

/// How every claim begins: patience, and the run's row.
macro_rules! of_run {
    () => {
        "\
    with usual as materialized (select current_setting('lock_timeout') as it), \
    patience as materialized (select set_config('lock_timeout', $6, true) as it from usual), \
    mine as materialized ( \
      select fence from trueup_ledger \
      where (select it from patience) is not null and effect = $2 and fence = $3 for share), \
    raised as ( \
      insert into trueup_ledger (effect, run, fence, request, journal) \
      select $2, $2, $3, '', $5 where not exists (select from mine) \
      on conflict (effect) do update set fence = excluded.fence, journal = excluded.journal, at = now() \
      where trueup_ledger.fence < excluded.fence \
      returning fence), \
    "
    };
}

/// In this order, which each part forces by naming the one before:
///
/// - the longer patience, for this statement alone;
/// - the run's row is locked for share if it holds our claim: others with the same claim do not wait for each other;
/// - else it is made, or raised from an older claim, which waits for that claim's open sessions. (Never locked for share
///   first: two that then want to raise it would wait for each other.)
/// - the effect goes in, which waits for an open session that has put it in;
/// - what was there when the statement began, for the case that it did not go in.
const CLAIM: &str = concat!(
    of_run!(),
    "\
    claimed as ( \
      insert into trueup_ledger (effect, run, fence, request, journal) \
      select $1, $2, $3, $4, $5 where exists (select from mine) or exists (select from raised) \
      on conflict (effect) do nothing \
      returning fence) \
    select c.n > 0 as ours, f.fence as holder, e.fence, e.request, e.journal, \
           to_char(e.at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') as at, \
           set_config('lock_timeout', (select it from usual), true) as usual \
    from (select count(*) as n from claimed) c \
    left join trueup_ledger f on f.effect = $2 \
    left join trueup_ledger e on e.effect = $1"
);

/// The same of many effects of one run; gives those that went in. In the order of their names: two who want the same ones do not wait for each
/// other.
const CLAIM_ALL: &str = concat!(
    of_run!(),
    "\
    claimed as ( \
      insert into trueup_ledger (effect, run, fence, request, journal) \
      select a.effect, $2, $3, a.request, $5 from unnest($1::text[], $4::text[]) as a(effect, request) \
      where exists (select from mine) or exists (select from raised) order by a.effect \
      on conflict (effect) do nothing \
      returning effect) \
    select coalesce(c.all, '{}') as ours, set_config('lock_timeout', (select it from usual), true) as usual \
    from (select array_agg(effect::text) as all from claimed) c"
);

/// Each time more means that another transaction ended between two looks.
const MOST_LOOKS: usize = 20;

/// See [`super::super::handle::Writing::claim`].
pub async fn claim(link: &mut Link, entry: &Entry) -> Result<Claimed, Fault> {
    for _ in 0..MOST_LOOKS {
        let arguments = arguments(link, entry)?;
        let row = link.ask(CLAIM, arguments).await?.named()?.rows.pop().unwrap_or_default();
        if row.get("ours").and_then(Value::as_bool) == Some(true) {
            return Ok(Claimed::Ours);
        }
        // A statement does not see what was committed while it waited; the next one does.
        if let Some(claimed) = found(&row).verdict(entry) {
            return Ok(claimed);
        }
    }
    Err(Fault::new(FaultKind::Serialization, "the ledger's rows of this run changed again and again"))
}

/// Claims the effects of several items of one run. Whether each went in; why one did not, [`claim`] tells.
pub async fn claim_all(link: &mut Link, entries: &[&Entry]) -> Result<Vec<bool>, Fault> {
    let Some(first) = entries.first() else { return Ok(Vec::new()) };
    let (keys, requests): (Vec<String>, Vec<String>) =
        entries.iter().map(|entry| (entry.key().into_owned(), entry.request.clone())).unzip();
    let mut arguments = PgArguments::default();
    let patience = link.claim_patience.as_millis().to_string();
    let added = arguments
        .add(&keys)
        .and_then(|()| arguments.add(first.run.clone()))
        .and_then(|()| arguments.add(first.stored_fence()))
        .and_then(|()| arguments.add(requests))
        .and_then(|()| arguments.add(first.journal.clone()))
        .and_then(|()| arguments.add(patience));
    added.map_err(|e| Fault::new(FaultKind::Data, e.to_string()))?;
    let row = link.ask(CLAIM_ALL, arguments).await?.named()?.rows.pop().unwrap_or_default();
    let ours = row.get("ours").and_then(Value::as_list).unwrap_or_default();
    let ours: HashSet<&str> = ours.iter().filter_map(Value::as_str).collect();
    Ok(keys.iter().map(|key| ours.contains(key.as_str())).collect())
}

fn arguments(link: &Link, entry: &Entry) -> Result<PgArguments, Fault> {
    let mut arguments = PgArguments::default();
    let patience = link.claim_patience.as_millis().to_string();
    let added = arguments
        .add(entry.key().into_owned())
        .and_then(|()| arguments.add(entry.run.clone()))
        .and_then(|()| arguments.add(entry.stored_fence()))
        .and_then(|()| arguments.add(entry.request.clone()))
        .and_then(|()| arguments.add(entry.journal.clone()))
        .and_then(|()| arguments.add(patience));
    added.map(|()| arguments).map_err(|e| Fault::new(FaultKind::Data, e.to_string()))
}

fn found(row: &Map) -> Found {
    let text = |name: &str| row.get(name).and_then(Value::as_str).map(str::to_owned);
    let fence = |name: &str| row.get(name).and_then(Value::as_int).and_then(|n| u64::try_from(n).ok());
    let already = || {
        Some(Claimed::Already {
            request: text("request")?,
            at: text("at")?,
            journal: text("journal")?,
            fence: fence("fence")?,
        })
    };
    Found { holder: fence("holder"), row: already() }
}

/// The id of this database.
pub async fn id(link: &mut Link) -> Result<String, Fault> {
    let sql = "select request from trueup_ledger where effect = 'trueup'";
    let row = link.ask(sql, PgArguments::default()).await?.named()?.rows.pop();
    row.and_then(|row| row.get("request")?.as_str().map(str::to_owned))
        .ok_or_else(|| Fault::new(FaultKind::NoTable, "the ledger has no id"))
}

/// The sessions whose open transaction has written to the ledger, oldest first, in words. Ends this transaction.
pub async fn blockers(link: &mut Link) -> Result<Vec<String>, Fault> {
    link.batch("ROLLBACK").await?;
    let sql = "select 'session ' || a.pid || coalesce(' (' || concat_ws(', ', nullif(a.application_name, ''), a.state, \
               'in a transaction since ' || to_char(a.xact_start at time zone 'UTC', 'HH24:MI:SS') || ' UTC') || ')', '') as who \
               from pg_locks l join pg_stat_activity a on a.pid = l.pid \
               where l.locktype = 'relation' and l.relation = to_regclass('trueup_ledger') \
               and l.mode = 'RowExclusiveLock' and l.granted and a.pid <> pg_backend_pid() \
               order by a.xact_start nulls last, a.pid limit 3";
    let rows = link.ask(sql, PgArguments::default()).await?.named()?.rows;
    Ok(rows.iter().filter_map(|row| row.get("who")?.as_str().map(str::to_owned)).collect())
}
