//! Schedules and their occurrences: one chain for each schedule, whose end is compared before anything is added. So every
//! decision is made from what is really there, and of several schedulers that decide at once one wins (E5).
//!
//! A fired occurrence is claimed in the same transaction; the claim is kept alive, given back and taken over as that of a run.

use super::{
    append::Appended,
    claim::{Claim, Holder, after},
    event::Event,
    failure::JournalError,
    occasion::*,
    sql::Row,
    store::{Held, Journal},
    write::{Deed, Done},
};
use crate::base::{identity::RunId, seal::Sealer, time::Stamp};
use sha2::{Digest, Sha256};
use std::time::Duration;

/// What is to be recorded of a schedule, if nothing else was meanwhile.
pub struct Deciding<'a> {
    /// Its name.
    pub schedule: &'a str,
    /// The number of its last event when it was looked at; 0 when there was none.
    pub seen: u64,
    /// What happened.
    pub events: Vec<Event>,
    /// An occurrence that this process carries out from now on.
    pub take: Option<Taking>,
    /// One that is over: its claim.
    pub give: Option<&'a Claim>,
}

/// An occurrence that a process takes.
pub struct Taking {
    /// Which one.
    pub occurrence: RunId,
    /// Who.
    pub holder: Holder,
    /// For how long, unless a sign of life comes.
    pub ttl: Duration,
    /// The claim of a holder who is known to be gone, or whose time is over.
    pub from: Option<Claim>,
}

/// What is known of a schedule.
#[derive(Clone, Debug)]
pub struct Kept {
    /// Its name.
    pub name: String,
    /// Fingerprint of its times when it was last looked at.
    pub definition: String,
    /// Up to here everything is settled.
    pub cursor: i64,
    /// When the last word about it was recorded.
    pub moment: i64,
    /// Who paused it, when and why.
    pub paused: Option<(String, Stamp, String)>,
    /// The number of its last event.
    pub seq: u64,
}

/// An occurrence as lists show it.
#[derive(Clone, Debug)]
pub struct Occurrence {
    /// Its id.
    pub id: RunId,
    /// Name of its schedule.
    pub schedule: String,
    /// The time on the wall clock.
    pub wall: String,
    /// Of which zone.
    pub zone: String,
    /// The moment.
    pub at: Stamp,
    /// Of a stretch: the first one's moment.
    pub from: Option<Stamp>,
    /// How many they are.
    pub count: u64,
    /// `fired`, `missed`, `skipped`, `blocked`.
    pub word: String,
    /// Why.
    pub why: Option<String>,
    /// Its run.
    pub run: Option<RunId>,
    /// When that was recorded.
    pub settled_at: Stamp,
    /// What it came to.
    pub ended: Option<String>,
    /// When.
    pub ended_at: Option<Stamp>,
    /// How many items were looked at, differed, were healed.
    pub counts: [u64; 3],
}

impl Occurrence {
    /// It was fired and is not over.
    pub fn is_open(&self) -> bool {
        self.word == "fired" && self.ended.is_none()
    }
}

/// The chain of a schedule.
pub fn chain_of(schedule: &str) -> RunId {
    derived(&["trueup schedule", schedule])
}

/// The id of an occurrence: the same for whoever derives it.
pub fn occurrence_of(schedule: &str, wall: &str, zone: &str, moment: Stamp) -> RunId {
    derived(&["trueup occurrence", schedule, wall, zone, &moment.micros.to_string()])
}

fn derived(parts: &[&str]) -> RunId {
    let digest = Sha256::digest(parts.join("\n").as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    RunId(uuid::Builder::from_custom_bytes(bytes).into_uuid())
}

/// What an event changes in the lists of schedules.
#[derive(Debug)]
pub(super) enum Scheduled {
    Kept { name: String, definition: String, cursor: i64 },
    Paused { name: String, by: String, why: String },
    Resumed { name: String, cursor: i64 },
    Settled(Box<OccurrenceSettled>),
    Taken { name: String },
    Ended(OccurrenceEnded),
}

impl Scheduled {
    /// Texts are masked: lists are not sealed.
    pub(super) fn of(event: &Event, sealer: &Sealer) -> Option<Scheduled> {
        let clear = |text: &str| sealer.masked(text);
        Some(match event {
            Event::ScheduleKept(kept) => Scheduled::Kept {
                name: clear(&kept.schedule),
                definition: kept.definition.to_string(),
                cursor: kept.cursor.micros,
            },
            Event::SchedulePaused(paused) => Scheduled::Paused {
                name: clear(&paused.schedule),
                by: clear(&paused.actor),
                why: clear(&paused.reason),
            },
            Event::ScheduleResumed(resumed) => {
                Scheduled::Resumed { name: clear(&resumed.schedule), cursor: resumed.cursor.micros }
            }
            Event::OccurrenceSettled(settled) => Scheduled::Settled(Box::new(OccurrenceSettled {
                why: settled.why.as_deref().map(clear),
                ..settled.clone()
            })),
            Event::OccurrenceTaken(taken) => Scheduled::Taken { name: clear(&taken.schedule) },
            Event::OccurrenceEnded(ended) => {
                Scheduled::Ended(OccurrenceEnded { why: ended.why.as_deref().map(clear), ..ended.clone() })
            }
            _ => return None,
        })
    }
}

/// Why a schedule is looked after from an earlier moment on.
pub const WENT_BACK: &str = "the clock went back";

/// Columns of a schedule, for [`kept`].
macro_rules! kept {
    () => {
        "SELECT name, definition, cursor, moment, paused_at, paused_by, paused_why, seq FROM schedules"
    };
}

/// Columns of an occurrence, for [`Held::occurrence`].
macro_rules! occurrences {
    ($rest:literal) => {
        concat!(
            "SELECT id, schedule, wall, zone, at, since, count, word, why, run, settled_at, ended, ended_at, looked, \
             drifted, healed FROM occurrences ",
            $rest
        )
    };
}

impl Journal {
    /// Every schedule that anything is recorded of.
    pub async fn schedules(&self) -> Result<Vec<Kept>, JournalError> {
        let mut held = self.connection().await?;
        let rows = held.rows(concat!(kept!(), " ORDER BY name"), &[]).await?;
        rows.iter().map(kept).collect()
    }

    /// One schedule; nothing where nothing is recorded of it.
    pub async fn schedule(&self, name: &str) -> Result<Option<Kept>, JournalError> {
        let mut held = self.connection().await?;
        held.row(concat!(kept!(), " WHERE name = $1"), &[name.into()]).await?.as_ref().map(kept).transpose()
    }

    /// Occurrences, the newest first; of one schedule, or of all.
    pub async fn occurrences(&self, schedule: Option<&str>, limit: u32) -> Result<Vec<Occurrence>, JournalError> {
        let mut held = self.connection().await?;
        let statement =
            occurrences!("WHERE ($1 IS NULL OR schedule = $1) ORDER BY settled_at DESC, at DESC, id LIMIT $2");
        let rows = held.rows(statement, &[schedule.into(), limit.into()]).await?;
        rows.iter().map(|row| held.occurrence(row)).collect()
    }

    /// Those of a schedule that were fired, the newest first.
    pub async fn fired(&self, schedule: &str, limit: u32) -> Result<Vec<Occurrence>, JournalError> {
        let mut held = self.connection().await?;
        let statement =
            occurrences!("WHERE schedule = $1 AND word = 'fired' ORDER BY settled_at DESC, at DESC, id LIMIT $2");
        let rows = held.rows(statement, &[schedule.into(), limit.into()]).await?;
        rows.iter().map(|row| held.occurrence(row)).collect()
    }

    /// Those of a schedule that were fired and came to one of these words, the one whose run was recorded last first: a clock that was ahead makes
    /// none of them the last one. Without a word: to any.
    pub async fn last_fired(
        &self,
        schedule: &str,
        words: &[&str],
        limit: u32,
    ) -> Result<Vec<Occurrence>, JournalError> {
        let mut held = self.connection().await?;
        // One of which no run was recorded stands behind those that began.
        let statement = occurrences!(
            "WHERE schedule = $1 AND word = 'fired' AND ($2 = '' OR $2 LIKE '% ' || ended || ' %')
             ORDER BY COALESCE((SELECT MIN(number) FROM heads WHERE heads.run = occurrences.run), 0) DESC, settled_at DESC, id LIMIT $3"
        );
        let words = if words.is_empty() { String::new() } else { format!(" {} ", words.join(" ")) };
        let rows = held.rows(statement, &[schedule.into(), (&words).into(), limit.into()]).await?;
        rows.iter().map(|row| held.occurrence(row)).collect()
    }

    /// Those of a schedule that were fired and are not over.
    pub async fn open_occurrences(&self, schedule: &str) -> Result<Vec<Occurrence>, JournalError> {
        let mut held = self.connection().await?;
        let statement = occurrences!("WHERE schedule = $1 AND word = 'fired' AND ended IS NULL ORDER BY at, id");
        let rows = held.rows(statement, &[schedule.into()]).await?;
        rows.iter().map(|row| held.occurrence(row)).collect()
    }

    /// Those of a schedule whose run was not over when they ended.
    pub async fn unfinished_occurrences(&self, schedule: &str) -> Result<Vec<Occurrence>, JournalError> {
        let mut held = self.connection().await?;
        let statement = occurrences!(
            "WHERE schedule = $1 AND word = 'fired' AND EXISTS (SELECT 1 FROM runs WHERE runs.id = occurrences.run AND runs.closed_at > occurrences.ended_at) ORDER BY at, id"
        );
        let rows = held.rows(statement, &[schedule.into()]).await?;
        rows.iter().map(|row| held.occurrence(row)).collect()
    }

    /// From when on times of a schedule count: when it was first looked at, with these times, or resumed; nothing where that was by a clock that is ahead of
    /// `now`. That a clock went back is none of them.
    pub async fn counts_since(&self, schedule: &str, now: Stamp) -> Result<Option<i64>, JournalError> {
        let mut since = None;
        self.sift(chain_of(schedule), None, &mut |sifted| {
            if matches!(sifted.name(), "schedule.kept" | "schedule.resumed") {
                let from = match sifted.event()?.event {
                    Event::ScheduleKept(kept) if &*kept.why != WENT_BACK => Some(kept.cursor.micros),
                    Event::ScheduleResumed(resumed) => Some(resumed.cursor.micros),
                    _ => None,
                };
                since = from.filter(|from| *from <= now.micros).or(since);
            }
            Ok(())
        })
        .await?;
        Ok(since)
    }

    /// What was recorded last of the times of a schedule.
    pub async fn last_kept(&self, schedule: &str) -> Result<Option<ScheduleKept>, JournalError> {
        let mut last = None;
        let chain = chain_of(schedule);
        self.sift(chain, None, &mut |sifted| {
            if sifted.name() == "schedule.kept"
                && let Event::ScheduleKept(kept) = sifted.event()?.event
            {
                last = Some(kept);
            }
            Ok(())
        })
        .await?;
        Ok(last)
    }

    /// Those of a schedule behind a moment: the clock was ahead when they were settled.
    pub async fn occurrences_after(&self, schedule: &str, moment: i64) -> Result<Vec<Occurrence>, JournalError> {
        let mut held = self.connection().await?;
        let statement = occurrences!("WHERE schedule = $1 AND at > $2 ORDER BY at, id LIMIT 10000");
        let rows = held.rows(statement, &[schedule.into(), moment.into()]).await?;
        rows.iter().map(|row| held.occurrence(row)).collect()
    }

    /// How many occurrences of each schedule came to what: for metrics.
    pub async fn occurrence_counts(&self) -> Result<Vec<(String, String, u64)>, JournalError> {
        let mut held = self.connection().await?;
        let statement = "SELECT schedule, COALESCE(ended, word), CAST(SUM(count) AS BIGINT)
                         FROM occurrences GROUP BY schedule, COALESCE(ended, word) ORDER BY 1, 2";
        let rows = held.rows(statement, &[]).await?;
        rows.iter().map(|row| Ok((row.text(0)?, row.text(1)?, row.int(2)?.unsigned_abs()))).collect()
    }

    /// The last claim on an occurrence, whether it still holds or not.
    pub async fn last_holder(&self, occurrence: RunId) -> Result<Option<(Claim, bool)>, JournalError> {
        let mut held = self.connection().await?;
        let now = self.inner.world.now();
        Ok(held.last_claim(occurrence).await?.map(|last| (last.claim.clone(), last.open(now))))
    }

    /// Records a decision. [`JournalError::Overtaken`] when somebody else recorded one since it was looked at: look again.
    pub async fn decide(&self, deciding: Deciding<'_>) -> Result<Option<Claim>, JournalError> {
        let now = self.inner.world.now();
        let chain = chain_of(deciding.schedule);
        let mut events = deciding.events;
        let mut claim = None;
        let mut from = None;
        if let Some(take) = deciding.take {
            let fence = take.from.as_ref().map_or(1, |before| before.fence + 1);
            from = take.from.map(|before| before.fence);
            events.push(
                OccurrenceTaken {
                    schedule: deciding.schedule.into(),
                    occurrence: take.occurrence,
                    holder: take.holder.name.as_str().into(),
                    host: take.holder.host.as_str().into(),
                    pid: take.holder.pid,
                    fence,
                }
                .into(),
            );
            let (run, until) = (take.occurrence, after(now, take.ttl));
            claim = Some(Claim { run, fence, holder: take.holder, since: now, until });
        }
        let group = self.inner.group(&events, now)?;
        let deed = Deed::Decide {
            chain,
            seen: deciding.seen,
            group,
            claim: claim.clone(),
            from,
            give: deciding.give.map(|claim| (claim.run, claim.fence)),
            now,
        };
        match self.write(deed).await? {
            Done::Appended(..) => Ok(claim),
            _ => Err(JournalError::OutOfOrder { run: chain, what: "it was taken for something else" }),
        }
    }
}

/// What [`Deed::Decide`] needs.
pub(super) struct Decided<'d> {
    pub(super) seen: u64,
    pub(super) group: &'d [super::append::Ready],
    pub(super) claim: Option<&'d Claim>,
    pub(super) from: Option<u64>,
    pub(super) give: Option<(RunId, u64)>,
    pub(super) now: Stamp,
}

impl Held<'_> {
    /// Inside a transaction that holds the journal's own chain.
    pub(super) async fn decide_inside(&mut self, chain: RunId, decided: Decided<'_>) -> Result<Appended, JournalError> {
        let last = "SELECT COALESCE(MAX(seq), 0) FROM events WHERE run = $1";
        let found = self.row(last, &[(&chain.to_string()).into()]).await?;
        let found = found.map(|row| row.int(0)).transpose()?.unwrap_or(0).unsigned_abs();
        if found != decided.seen {
            return Err(JournalError::Overtaken);
        }
        if let Some((run, fence)) = decided.give {
            self.give_back(run, fence, decided.now).await?;
        }
        if let Some(claim) = decided.claim {
            let last = self.last_claim(claim.run).await?;
            let fits = match &last {
                None => decided.from.is_none(),
                Some(last) => decided.from == Some(last.claim.fence),
            };
            if !fits {
                return Err(JournalError::Overtaken);
            }
            self.store_claim(claim).await?;
        }
        self.extend(chain, decided.group).await
    }

    pub(super) async fn apply_to_schedule(
        &mut self,
        chain: RunId,
        now: Appended,
        at: Stamp,
        change: &Scheduled,
    ) -> Result<(), JournalError> {
        match change {
            Scheduled::Kept { name, definition, cursor } => {
                self.note_schedule(chain, name, now, at).await?;
                let statement = "UPDATE schedules SET definition = $1, cursor = $2 WHERE name = $3";
                self.execute(statement, &[definition.into(), (*cursor).into(), name.into()]).await.map(drop)
            }
            Scheduled::Paused { name, by, why } => {
                self.note_schedule(chain, name, now, at).await?;
                let statement = "UPDATE schedules SET paused_at = $1, paused_by = $2, paused_why = $3 WHERE name = $4";
                self.execute(statement, &[at.micros.into(), by.into(), why.into(), name.into()]).await.map(drop)
            }
            Scheduled::Resumed { name, cursor } => {
                self.note_schedule(chain, name, now, at).await?;
                let statement =
                    "UPDATE schedules SET paused_at = NULL, paused_by = NULL, paused_why = NULL, cursor = $1
                                 WHERE name = $2";
                self.execute(statement, &[(*cursor).into(), name.into()]).await.map(drop)
            }
            Scheduled::Settled(settled) => self.settle(chain, now, at, settled).await,
            Scheduled::Taken { name } => self.note_schedule(chain, name, now, at).await,
            Scheduled::Ended(ended) => {
                self.note_schedule(chain, &ended.schedule, now, at).await?;
                let statement =
                    "UPDATE occurrences SET ended = $1, ended_at = COALESCE((SELECT closed_at FROM runs WHERE runs.id = occurrences.run AND closed_at > $2), $2), looked = $3, drifted = $4, healed = $5,
                                 why = CASE WHEN ended IS NULL THEN COALESCE($6, why) ELSE $6 END WHERE id = $7";
                let id = ended.occurrence.to_string();
                let cells = [
                    (&*ended.word).into(),
                    at.micros.into(),
                    ended.of.into(),
                    ended.drifted.into(),
                    ended.healed.into(),
                    ended.why.as_deref().into(),
                    (&id).into(),
                ];
                self.execute(statement, &cells).await.map(drop)
            }
        }
    }

    /// Its line, which is made with the first word about it.
    async fn note_schedule(&mut self, chain: RunId, name: &str, now: Appended, at: Stamp) -> Result<(), JournalError> {
        self.execute(
            "INSERT INTO schedules (name, chain, definition, cursor, moment, seq) VALUES ($1, $2, '', $3, $3, $4)
             ON CONFLICT (name) DO UPDATE SET moment = $3, seq = $4",
            &[name.into(), (&chain.to_string()).into(), at.micros.into(), now.seq.into()],
        )
        .await
        .map(drop)
    }

    async fn settle(
        &mut self,
        chain: RunId,
        now: Appended,
        at: Stamp,
        settled: &OccurrenceSettled,
    ) -> Result<(), JournalError> {
        self.note_schedule(chain, &settled.schedule, now, at).await?;
        // The key is unique: what was fired once is not fired again, whatever a clock says. What a clock that was ahead took for missed, or
        // skipped, may come all the same.
        let settled_now = self.execute(
            "INSERT INTO occurrences (id, schedule, wall, zone, at, since, count, word, why, run, settled_at, looked, drifted, healed)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0, 0, 0)
             ON CONFLICT (id) DO UPDATE SET since = excluded.since, count = excluded.count, word = excluded.word, why = excluded.why,
                 run = excluded.run, settled_at = excluded.settled_at WHERE occurrences.word <> 'fired'",
            &[
                (&settled.occurrence.to_string()).into(),
                (&*settled.schedule).into(),
                (&*settled.wall).into(),
                (&*settled.zone).into(),
                settled.moment.micros.into(),
                settled.from.map(|from| from.micros).into(),
                settled.count.into(),
                (&*settled.word).into(),
                settled.why.as_deref().into(),
                settled.run.map(|run| run.to_string()).as_deref().into(),
                at.micros.into(),
            ],
        )
        .await?;
        if settled_now == 0 {
            return Err(JournalError::OutOfOrder { run: chain, what: "this time was begun before" });
        }
        let Some(cursor) = settled.cursor else { return Ok(()) };
        let statement = "UPDATE schedules SET cursor = $1 WHERE name = $2";
        self.execute(statement, &[cursor.micros.into(), (&*settled.schedule).into()]).await.map(drop)
    }

    /// The lists of schedules, made again from their chains.
    pub(super) async fn rebuild_schedules(&mut self) -> Result<(), JournalError> {
        let first = "SELECT run FROM events WHERE seq = 1 AND (kind LIKE 'schedule.%' OR kind LIKE 'occurrence.%') ORDER BY at, run";
        let chains = self.rows(first, &[]).await?.iter().map(|row| row.text(0)).collect::<Result<Vec<_>, _>>()?;
        for chain in chains {
            let chain = self.run_id(&chain)?;
            for one in self.events_of(chain).await? {
                let now = Appended { seq: one.seq, head: one.hash };
                if let Some(change) = Scheduled::of(&one.event, &self.inner.sealer) {
                    self.apply_to_schedule(chain, now, one.at, &change).await?;
                }
            }
        }
        Ok(())
    }

    fn occurrence(&self, row: &Row) -> Result<Occurrence, JournalError> {
        let run = row.maybe_text(9)?.map(|run| self.run_id(&run)).transpose()?;
        Ok(Occurrence {
            id: self.run_id(&row.text(0)?)?,
            schedule: row.text(1)?,
            wall: row.text(2)?,
            zone: row.text(3)?,
            at: stamp(row.int(4)?),
            from: row.maybe_int(5)?.map(stamp),
            count: row.int(6)?.unsigned_abs(),
            word: row.text(7)?,
            why: row.maybe_text(8)?,
            run,
            settled_at: stamp(row.int(10)?),
            ended: row.maybe_text(11)?,
            ended_at: row.maybe_int(12)?.map(stamp),
            counts: [row.int(13)?, row.int(14)?, row.int(15)?].map(i64::unsigned_abs),
        })
    }
}

fn kept(row: &Row) -> Result<Kept, JournalError> {
    let paused = match row.maybe_int(4)? {
        None => None,
        Some(at) => Some((row.maybe_text(5)?.unwrap_or_default(), stamp(at), row.maybe_text(6)?.unwrap_or_default())),
    };
    Ok(Kept {
        name: row.text(0)?,
        definition: row.text(1)?,
        cursor: row.int(2)?,
        moment: row.int(3)?,
        paused,
        seq: row.int(7)?.unsigned_abs(),
    })
}

fn stamp(micros: i64) -> Stamp {
    Stamp { micros, digits: 6 }
}
