//! The ledger in MySQL: statement by statement, because MySQL has no statement that does several things.

use super::{
    super::{
        fault::{Fault, FaultKind},
        ledger::{Claimed, Entry, Found, already, of_fence},
    },
    Link,
    open::seconds,
    text,
};
use crate::base::value::Value;
use std::time::Duration;

/// The claim that the run's row holds. Looked at without a lock first: a lock for share that turned out to be of no use would
/// stay, and two that then want to raise the claim would wait for each other.
const HOLDER: &str = "SELECT fence FROM trueup_ledger WHERE effect = ?";

/// Locks the run's row for share when it holds our claim: others with the same claim do not wait for each other.
const MINE: &str = "SELECT fence FROM trueup_ledger WHERE effect = ? LOCK IN SHARE MODE";

/// Else it is made, or raised from an older claim, which waits for that claim's open sessions. MySQL sets from left to right,
/// so the fence comes last. No list of columns: MariaDB would ask for the right to change each of them.
const FENCE: &str = "\
    INSERT INTO trueup_ledger VALUES (?, ?, ?, '', ?, now(6)) ON DUPLICATE KEY UPDATE \
    journal = IF(fence < VALUES(fence), VALUES(journal), journal), at = IF(fence < VALUES(fence), now(6), at), \
    fence = GREATEST(fence, VALUES(fence))";

/// Goes in, or waits for an open session that has put it in.
const CLAIM: &str = "INSERT INTO trueup_ledger (effect, run, fence, request, journal) VALUES (?, ?, ?, ?, ?)";

const FOUND: &str = "\
    SELECT effect = ? AS mine, fence, request, journal, date_format(at, '%Y-%m-%dT%H:%i:%s.%fZ') AS at \
    FROM trueup_ledger WHERE effect IN (?, ?)";

/// See [`super::super::handle::Writing::claim`].
pub async fn claim(link: &mut Link, entry: &Entry) -> Result<Claimed, Fault> {
    patience(link, link.claim_patience).await?;
    for _ in 0..MOST_TRIES {
        match claimed(link, entry).await {
            Ok(claimed) => {
                patience(link, link.lock_timeout).await?;
                return Ok(claimed);
            }
            // Two that waited for one which went back: the server has taken this transaction back, and a claim is the first
            // thing that happens in it.
            Err(fault) if fault.kind == FaultKind::Serialization => {
                link.batch("ROLLBACK; START TRANSACTION READ WRITE").await?;
            }
            Err(fault) => return Err(fault),
        }
    }
    Err(Fault::new(FaultKind::Serialization, "the ledger's rows of this run changed again and again"))
}

/// Each time more means that another transaction ended between two looks.
const MOST_TRIES: usize = 20;

async fn claimed(link: &mut Link, entry: &Entry) -> Result<Claimed, Fault> {
    let (key, run, fence) =
        (Value::text(entry.key().into_owned()), Value::text(entry.run.clone()), Value::from(entry.stored_fence()));
    let journal = Value::text(entry.journal.clone());
    let holder = link.ask(HOLDER, vec![run.clone()]).await?.first().and_then(of_fence);
    if holder == Some(entry.fence) {
        link.ask(MINE, vec![run.clone()]).await?;
    } else if holder.is_none_or(|holder| holder < entry.fence) {
        link.ask(FENCE, vec![run.clone(), run.clone(), fence.clone(), journal.clone()]).await?;
    }
    let found = found(link, &key, &run).await?;
    if found.holder == Some(entry.fence) && found.row.is_none() {
        let request = Value::text(entry.request.clone());
        match link.ask(CLAIM, vec![key.clone(), run.clone(), fence, request, journal]).await {
            Ok(_) => return Ok(Claimed::Ours),
            // Somebody was first, and has committed while we waited.
            Err(fault) if fault.kind == FaultKind::Constraint => {}
            Err(fault) => return Err(fault),
        }
        let found = self::found(link, &key, &run).await?;
        return verdict(found, entry);
    }
    verdict(found, entry)
}

fn verdict(found: Found, entry: &Entry) -> Result<Claimed, Fault> {
    let again = || Fault::new(FaultKind::Serialization, "the ledger's rows of this run changed again and again");
    found.verdict(entry).ok_or_else(again)
}

async fn found(link: &mut Link, key: &Value, run: &Value) -> Result<Found, Fault> {
    let rows = link.ask(FOUND, vec![key.clone(), key.clone(), run.clone()]).await?;
    let row = |mine: i64| rows.iter().find(|row| row.get("mine").and_then(Value::as_int) == Some(mine));
    Ok(Found { holder: row(0).and_then(of_fence), row: row(1).and_then(already) })
}

/// How long this session waits for a lock from now on.
async fn patience(link: &mut Link, length: Duration) -> Result<(), Fault> {
    let sql = format!("SET SESSION innodb_lock_wait_timeout = {}", seconds(length));
    link.set(&sql, 1).await
}

/// The id of this database.
pub async fn id(link: &mut Link) -> Result<String, Fault> {
    let sql = "SELECT request FROM trueup_ledger WHERE effect = 'trueup'";
    let row = link.ask(sql, Vec::new()).await?.pop();
    row.and_then(|row| row.get("request")?.as_str().map(str::to_owned))
        .ok_or_else(|| Fault::new(FaultKind::NoTable, "the ledger has no id"))
}

/// The sessions whose open transaction has changed rows, oldest first, in words; the server does not say of which table, and
/// says nothing at all to a role without the right PROCESS. Ends this transaction.
pub async fn blockers(link: &mut Link) -> Result<Vec<String>, Fault> {
    link.batch("ROLLBACK").await?;
    let sql = "select concat('session ', p.id, ' (', p.user, ', ', lower(p.command), ')') as who \
               from information_schema.innodb_trx t join information_schema.processlist p on p.id = t.trx_mysql_thread_id \
               where p.id <> connection_id() and t.trx_rows_modified > 0 order by t.trx_started, p.id limit 3";
    let rows = match link.ask(sql, Vec::new()).await {
        Ok(rows) => rows,
        Err(fault) if fault.kind == FaultKind::Denied => Vec::new(),
        Err(fault) => return Err(fault),
    };
    Ok(rows.iter().map(|row| text(row, "who").to_string()).collect())
}

/// Sessions with an open transaction that may hold a row, by number; nothing for a role without the right PROCESS.
pub async fn holders(link: &mut Link) -> Result<Vec<i64>, Fault> {
    let sql = "select cast(trx_mysql_thread_id as signed) as id from information_schema.innodb_trx \
               where trx_mysql_thread_id <> connection_id() and trx_rows_locked > 0 order by trx_mysql_thread_id";
    match link.ask(sql, Vec::new()).await {
        Ok(rows) => Ok(rows.iter().filter_map(|row| row.get("id").and_then(Value::as_int)).collect()),
        Err(fault) if fault.kind == FaultKind::Denied => Ok(Vec::new()),
        Err(fault) => Err(fault),
    }
}
