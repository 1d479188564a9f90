//! How far a replica is: which of the transactions of its primary it has done, by their global ids.

use super::{Flavour, Link, open::Target};
use crate::{
    base::value::Value,
    connection::{
        copy::{Wait, told},
        fault::Fault,
        statement::{Limits, Statement},
    },
};

/// Which server this is.
const SERVER: &str = "select concat_ws(' ', @@global.server_id, @@global.hostname, @@global.port) as server limit 1";

impl Target {
    /// What is read is what was committed.
    pub fn needs_no_wait(&self) -> bool {
        self.reads_where_it_writes() || self.copied.is_none()
    }

    /// Waits until the copy behind `read_url` shows all that was committed at `url` before now.
    pub async fn catches_up(&self) -> Result<(), Fault> {
        let mut reading = self.reading().await?;
        let mut first_hand = self.reading_first_hand().await?;
        let written = told(first_hand.written().await)?.flatten();
        let same = told(first_hand.text(SERVER).await)? == told(reading.text(SERVER).await)?;
        first_hand.rollback().await?;
        match written {
            Some(written) if !same && told(reading.done().await)?.flatten().is_some() => {
                let mut wait = Wait::at_most(self.claim_patience);
                while !reading.has(&written).await? {
                    wait.again(self.shown_reading()).await?;
                }
            }
            _ => self.copied.is(false),
        }
        reading.rollback().await
    }
}

impl Link {
    /// What the server has committed itself.
    async fn written(&mut self) -> Result<Option<String>, Fault> {
        self.text(match self.flavour {
            Flavour::MariaDb => "select @@global.gtid_binlog_pos as pos limit 1",
            Flavour::MySql => "select @@global.gtid_executed as pos limit 1",
        })
        .await
    }

    /// What it has done of others.
    async fn done(&mut self) -> Result<Option<String>, Fault> {
        self.text(match self.flavour {
            Flavour::MariaDb => "select @@global.gtid_slave_pos as pos limit 1",
            Flavour::MySql => "select @@global.gtid_executed as pos limit 1",
        })
        .await
    }

    async fn has(&mut self, written: &str) -> Result<bool, Fault> {
        if matches!(self.flavour, Flavour::MariaDb) {
            return Ok(has_all(&self.done().await?.unwrap_or_default(), written));
        }
        let sql = "select cast(gtid_subset(?, @@global.gtid_executed) as char) as has limit 1";
        let answer = self.run_once(&Statement::new(sql, vec![Value::text(written)]), Limits::USUAL, false).await?;
        Ok(answer.rows.first().and_then(|row| row.first()).is_some_and(|has| has.plain() == "1"))
    }

    /// The text of a row of one column; nothing where it is empty.
    async fn text(&mut self, sql: &'static str) -> Result<Option<String>, Fault> {
        let answer = self.run_once(&Statement::new(sql, Vec::new()), Limits::USUAL, false).await?;
        let text = answer.rows.first().and_then(|row| row.first()).filter(|value| !value.is_null());
        Ok(text.map(|text| text.bare().into_owned()).filter(|text| !text.is_empty()))
    }
}

/// `0-1-42,7-2-9`: in each domain the number of the last transaction. The server in the middle may be another one after a failover.
fn has_all(done: &str, written: &str) -> bool {
    let number = |text: &str, domain: &str| {
        text.split(',').find_map(|one| {
            let mut parts = one.trim().splitn(3, '-');
            (parts.next()? == domain).then(|| parts.nth(1)?.parse::<u64>().ok()).flatten()
        })
    };
    written.split(',').all(|one| {
        let domain = one.trim().split('-').next().unwrap_or_default();
        number(written, domain).is_none_or(|last| number(done, domain).is_some_and(|seen| seen >= last))
    })
}

#[cfg(test)]
mod tests {
    use super::has_all;

    #[test]
    fn a_replica_has_all_when_it_is_as_far_in_each_domain() {
        assert!(has_all("0-1-42", "0-1-42") && has_all("0-2-43,7-2-9", "0-1-42") && has_all("0-1-42", ""));
        assert!(!has_all("0-1-41", "0-1-42") && !has_all("0-1-42", "0-1-42,7-2-9") && !has_all("", "0-1-1"));
    }
}
