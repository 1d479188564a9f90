//! Whether a pooler in transaction mode stands in between: one that gives each transaction to whichever session is free.
//! Settings of the session (timeouts, the zone) then do not hold, and prepared statements are not found again.

use super::{super::fault::Fault, open::Target};
use crate::base::value::Value;
use sqlx::postgres::PgArguments;

const WHO: &str = "select pg_backend_pid()::bigint as pid, extract(epoch from current_setting('lock_timeout')::interval)::float8 as patience";

impl Target {
    /// What shows it, as a fragment; nothing on a direct connection. A second connection keeps its session busy, so that
    /// a pooler cannot give the first one the same session again by chance.
    pub async fn pooled(&self) -> Result<Option<String>, Fault> {
        let mut first = self.apart().await?;
        let told = async {
            let before = who(&mut first).await?;
            first.batch("COMMIT").await?;
            let mut second = self.apart().await?;
            let other = who(&mut second).await?;
            first.batch("BEGIN").await?;
            let after = who(&mut first).await?;
            Ok::<_, Fault>((before, other, after))
        };
        let (before, other, after) = match told.await {
            Ok(told) => told,
            Err(fault) if lost_its_statement(&fault) => {
                return Ok(Some("a statement that was prepared a moment ago is not known any more".into()));
            }
            Err(fault) => return Err(fault),
        };
        Ok(if before.0 != after.0 || before.0 == other.0 {
            Some(format!("two transactions of one connection ran in two sessions ({} and {})", before.0, after.0))
        } else if before.1 != Some(self.lock_timeout.as_secs_f64()) {
            Some("its session does not have the `lock_timeout` that was asked for".into())
        } else {
            None
        })
    }
}

/// The session's number, and its patience in seconds.
async fn who(link: &mut super::Link) -> Result<(i64, Option<f64>), Fault> {
    let row = link.ask(WHO, PgArguments::default()).await?.named()?.rows.pop().unwrap_or_default();
    let pid = row.get("pid").and_then(Value::as_int).unwrap_or(0);
    let patience = row.get("patience").and_then(|v| v.bare().parse().ok());
    Ok((pid, patience))
}

fn lost_its_statement(fault: &Fault) -> bool {
    fault.message.contains("prepared statement")
}
