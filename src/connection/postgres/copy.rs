//! How far a standby is: which of the log's records it has replayed.

use super::{Link, open::Target};
use crate::connection::{
    copy::{Wait, told},
    fault::Fault,
    statement::{Limits, Statement},
};

/// A row where the server replays somebody else's log; how far it is, where it says so (Aurora does not).
const REPLAYED: &str =
    "SELECT pg_catalog.pg_last_wal_replay_lsn()::pg_catalog.text AS lsn WHERE pg_catalog.pg_is_in_recovery()";

/// All commits that were answered stand before this place.
const WRITTEN: &str = "SELECT pg_catalog.pg_current_wal_flush_lsn()::pg_catalog.text AS lsn";

impl Target {
    /// What is read is what was committed.
    pub fn needs_no_wait(&self) -> bool {
        self.reads_where_it_writes() || self.copied.is_none()
    }

    /// Waits until the copy behind `read_url` shows all that was committed at `url` before now.
    pub async fn catches_up(&self) -> Result<(), Fault> {
        let mut reading = self.reading().await?;
        if told(place(&mut reading, REPLAYED).await)?.flatten().is_none() {
            self.copied.is(false);
            return reading.rollback().await;
        }
        let mut first_hand = self.reading_first_hand().await?;
        let written = told(place(&mut first_hand, WRITTEN).await)?.flatten();
        first_hand.rollback().await?;
        if let Some(written) = written {
            let mut wait = Wait::at_most(self.claim_patience);
            while place(&mut reading, REPLAYED).await?.is_some_and(|replayed| replayed < written) {
                wait.again(self.shown_reading()).await?;
            }
        }
        reading.rollback().await
    }
}

async fn place(link: &mut Link, sql: &'static str) -> Result<Option<u64>, Fault> {
    let answer = link.run_calmly(&Statement::new(sql, Vec::new()), Limits::USUAL).await?;
    Ok(answer.rows.first().and_then(|row| row.first()).and_then(|value| lsn(&value.bare())))
}

/// `16/B374D848`: two halves of a number.
fn lsn(text: &str) -> Option<u64> {
    let (high, low) = text.split_once('/')?;
    Some(u64::from(u32::from_str_radix(high, 16).ok()?) << 32 | u64::from(u32::from_str_radix(low, 16).ok()?))
}

#[cfg(test)]
mod tests {
    use super::lsn;

    #[test]
    fn places_in_the_log_are_numbers() {
        assert_eq!(lsn("16/B374D848"), Some(0x16_B374_D848));
        assert!(lsn("1/0") > lsn("0/FFFFFFFF"));
        assert_eq!(lsn("none"), None);
    }
}
