//! When a connection may serve the next handle. The driver cannot reset a session of MySQL (COM_RESET_CONNECTION), so the
//! session is asked what was done to it: what can be undone is undone, and one in which anything else is left is closed.
//!
//! The texts of playbooks can neither SET nor name a variable; a trigger or a function of the database can.

use super::{
    super::{fault::Fault, statement::trusted},
    Flavour, Link, within,
};
use futures_util::TryStreamExt;
use sqlx::{Either, Executor, MySqlConnection, Row, SqlSafeStr, mysql::MySqlTypeInfo};
use std::time::Duration;

/// A connection outside every transaction, and what was learned when it was made.
#[derive(Debug)]
pub(super) struct Rested {
    pub connection: MySqlConnection,
    pub flavour: Flavour,
    pub decimal: MySqlTypeInfo,
    /// How many SET statements have changed its session, as far as we know.
    pub sets: u64,
}

/// What of a session's statements stays in the session, counted by the server also inside of functions and triggers. (A
/// macro, because `concat!` takes no constant.)
macro_rules! done {
    () => {
        "(select cast(sum(variable_value) as signed) from information_schema.session_status where variable_name in \
          ('COM_SET_OPTION', 'COM_SET_ROLE', 'COM_CHANGE_DB', 'COM_CREATE_TEMPORARY_TABLE', 'COM_CREATE_SEQUENCE', \
           'COM_HA_OPEN', 'COM_LOCK_TABLES', 'COM_PREPARE_SQL'))"
    };
}

/// With a LIMIT, like all that is asked before the session is set.
const SETS: &str = concat!("select ", done!(), " as done limit 1");

/// Ends the transaction, gives locks by name back, forgets the number of the last row, and asks what is left. Without
/// autocommit the question itself opens a transaction.
const REST: &str = concat!(
    "ROLLBACK; SELECT release_all_locks() AS locks, last_insert_id(0) AS id, ",
    "(select count(*) from information_schema.user_variables) AS variables, ",
    done!(),
    " AS done; ROLLBACK"
);

/// How many SET statements the driver has sent by now. MySQL tells that only to privileged accounts.
pub(super) async fn sets(connection: &mut MySqlConnection, flavour: Flavour, patience: Duration) -> Result<u64, Fault> {
    if flavour == Flavour::MySql {
        return Ok(0);
    }
    let row = within(patience, SETS, connection.fetch_one(trusted(SETS))).await?;
    Ok(number(&row, 0).unwrap_or(0))
}

fn number(row: &sqlx::mysql::MySqlRow, column: usize) -> Option<u64> {
    row.try_get::<i64, _>(column).ok().and_then(|n| u64::try_from(n).ok())
}

impl Link {
    /// Takes the transaction back and waits for it; keeps the connection for the next handle where nothing is left in it.
    pub async fn rollback(mut self) -> Result<(), Fault> {
        if self.flavour == Flavour::MySql {
            return self.batch("ROLLBACK").await;
        }
        self.rest().await
    }

    /// After a confirmed COMMIT: the same. What goes wrong here only costs the connection.
    pub async fn committed(mut self) {
        // The caller has something to write down: a network that died just now must not keep it from that.
        self.patience = self.patience.min(Duration::from_secs(2));
        if self.flavour == Flavour::MariaDb {
            self.rest().await.ok();
        }
    }

    async fn rest(mut self) -> Result<(), Fault> {
        let (mut ended, mut left) = (false, None);
        {
            let mut stream = self.connection.fetch_many(REST.into_sql_str());
            loop {
                match within(self.patience, REST, stream.try_next()).await {
                    Ok(Some(Either::Left(_))) => ended = true,
                    Ok(Some(Either::Right(row))) => left = number(&row, 2).zip(number(&row, 3)),
                    Ok(None) => break,
                    // The transaction has ended; a server that cannot answer the rest loses only the connection.
                    Err(_) if ended => return Ok(()),
                    Err(fault) => return Err(fault),
                }
            }
        }
        let Link { connection, flavour, decimal, sets, guest, .. } = self;
        if left == Some((0, sets)) {
            guest.leave(Rested { connection, flavour, decimal, sets });
        }
        Ok(())
    }
}
