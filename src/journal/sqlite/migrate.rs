//! Files of an older format, brought to the present one in one transaction: whole, or not at all.

use super::{failed, schema};
use crate::journal::failure::{JournalError, Place};
use sqlx::SqliteConnection;

/// What was done, for the one who opened it; nothing for a file of the present format.
pub(super) async fn bring_up(
    place: &Place,
    connection: &mut SqliteConnection,
    found: i64,
) -> Result<Option<String>, JournalError> {
    if found == schema::FORMAT {
        return Ok(None);
    }
    let sqlite = |e| failed(place, e);
    sqlx::query("BEGIN IMMEDIATE").execute(&mut *connection).await.map_err(sqlite)?;
    let work = one_by_one(connection).await;
    let end = if work.is_ok() { "COMMIT" } else { "ROLLBACK" };
    let ended = sqlx::query(end).execute(&mut *connection).await.map(drop);
    work.and(ended).map_err(sqlite)?;
    Ok(Some(format!(
        "{place} had format {found} and was brought to format {}; earlier versions of trueup refuse it from now on",
        schema::FORMAT
    )))
}

async fn one_by_one(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    // Another process may have done it while this one waited for the lock.
    let format: i64 = sqlx::query_scalar("SELECT format FROM meta WHERE one = 1").fetch_one(&mut *connection).await?;
    if format < 2 {
        for statement in schema::FROM_1_TO_2 {
            sqlx::query(*statement).execute(&mut *connection).await?;
        }
    }
    if format < 3 {
        for statement in schema::FROM_2_TO_3 {
            sqlx::query(*statement).execute(&mut *connection).await?;
        }
    }
    sqlx::query("UPDATE meta SET format = ? WHERE one = 1").bind(schema::FORMAT).execute(connection).await.map(drop)
}
