//! The ledger in SQLite. The write lock on the whole file is held already: whoever claimed before has ended, and nobody
//! waits here.

use super::{
    super::{
        fault::{Fault, FaultKind},
        ledger::{Claimed, Entry, Found, already, of_fence},
        statement::{Limits, Statement},
    },
    Link,
};
use crate::base::value::Value;

/// The run's row is made, or raised from an older claim.
const FENCE: &str = "\
    INSERT INTO trueup_ledger (effect, run, fence, request, journal) VALUES (?1, ?1, ?2, '', ?3) \
    ON CONFLICT (effect) DO UPDATE SET fence = excluded.fence, journal = excluded.journal, \
    at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now') WHERE trueup_ledger.fence < excluded.fence";

/// Goes in only under the claim that the run's row holds.
const CLAIM: &str = "\
    INSERT INTO trueup_ledger (effect, run, fence, request, journal) \
    SELECT ?1, ?2, ?3, ?4, ?5 WHERE (SELECT fence FROM trueup_ledger WHERE effect = ?2) = ?3 \
    ON CONFLICT (effect) DO NOTHING";

const FOUND: &str = "SELECT effect, fence, request, journal, at FROM trueup_ledger WHERE effect IN (?1, ?2)";

/// See [`super::super::handle::Writing::claim`].
pub async fn claim(link: &mut Link, entry: &Entry) -> Result<Claimed, Fault> {
    let (key, fence) = (entry.key(), Value::from(entry.stored_fence()));
    let text = |text: &str| Value::text(text);
    let run = || text(&entry.run);
    link.run(&Statement::new(FENCE, vec![run(), fence.clone(), text(&entry.journal)]), Limits::USUAL).await?;
    let claim = Statement::new(CLAIM, vec![text(&key), run(), fence, text(&entry.request), text(&entry.journal)]);
    if link.run(&claim, Limits::USUAL).await?.affected == 1 {
        return Ok(Claimed::Ours);
    }
    let rows = link.run(&Statement::new(FOUND, vec![text(&key), run()]), Limits::USUAL).await?.named()?.rows;
    let row = |effect: &str| rows.iter().find(|row| row.get("effect").and_then(Value::as_str) == Some(effect));
    let found = Found { holder: row(&entry.run).and_then(of_fence), row: row(&key).and_then(already) };
    found.verdict(entry).ok_or_else(|| Fault::new(FaultKind::Other, "the ledger took no row and holds none"))
}

/// The id of this database.
pub async fn id(link: &mut Link) -> Result<String, Fault> {
    let sql = "SELECT request FROM trueup_ledger WHERE effect = 'trueup'";
    let row = link.run(&Statement::new(sql, Vec::new()), Limits::USUAL).await?.named()?.rows.pop();
    row.and_then(|row| row.get("request")?.as_str().map(str::to_owned))
        .ok_or_else(|| Fault::new(FaultKind::NoTable, "the ledger has no id"))
}
