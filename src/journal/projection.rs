//! What lists and the inbox ask for, made from the events: where each run stands, which questions are open, which plans
//! are used. One function, used by every append and by [`Journal::rebuild`], so that both can only agree.

use super::{
    append::Appended,
    event::Event,
    failure::JournalError,
    payload::{Count, HumanAsked, HumanDecided, RunClosed, RunCreated},
    schedules::Scheduled,
    sql::Sql,
    store::{Held, Journal},
    words::{Outcome, RunWord},
    write::Deed,
};
use crate::base::{identity::RunId, seal::Sealer, time::Stamp};

/// What an event changes in the lists; known before any lock is taken. Lists are not sealed, so the texts are masked.
#[derive(Debug)]
pub(super) enum Change {
    Created(Box<Made>),
    /// To running, unless it is closed.
    Taken,
    Reopened,
    Paused,
    InDoubt,
    Cancelled,
    Closed {
        end: &'static str,
        counts: String,
    },
    Asked {
        step: String,
        items: Vec<String>,
        who: String,
    },
    Decided {
        step: String,
        items: Vec<String>,
    },
    /// Whoever told somebody had to take the run for it; it still waits.
    Notified,
    Purged,
    /// Of a schedule.
    Schedule(Box<Scheduled>),
    Nothing,
}

/// A run's line.
#[derive(Debug)]
pub(super) struct Made {
    playbook: String,
    version: u32,
    environment: String,
    purpose: String,
    about: Option<String>,
    actor: String,
    reason: String,
    plan: Option<String>,
}

impl Change {
    pub(super) fn of(event: &Event, sealer: &Sealer) -> Change {
        match event {
            Event::RunCreated(made) => Change::Created(Box::new(Made::of(made, sealer))),
            Event::RunClaimed(_) => Change::Taken,
            Event::RunResumed(_) => Change::Reopened,
            Event::RunPaused(paused) if paused.behind.is_some() => Change::InDoubt,
            Event::RunPaused(_) => Change::Paused,
            Event::RunCancelled(_) => Change::Cancelled,
            Event::StepOutcome(step) if step.outcomes.iter().any(|one| one.outcome == Outcome::InDoubt) => {
                Change::InDoubt
            }
            Event::RunClosed(closed) => Change::closed(closed),
            Event::HumanAsked(asked) => Change::asked(asked, sealer),
            Event::HumanDecided(decided) => Change::decided(decided),
            Event::HumanNotified(_) => Change::Notified,
            Event::RunPurged(_) => Change::Purged,
            Event::ItemStarted(_)
            | Event::StepRead(_)
            | Event::StepIntent(_)
            | Event::StepAttempt(_)
            | Event::StepImages(_)
            | Event::StepOutcome(_)
            | Event::ItemVerified(_)
            | Event::ItemClosed(_)
            | Event::DriftSeen(_)
            | Event::PlanApproved(_) => Change::Nothing,
            Event::ScheduleKept(_)
            | Event::SchedulePaused(_)
            | Event::ScheduleResumed(_)
            | Event::OccurrenceSettled(_)
            | Event::OccurrenceTaken(_)
            | Event::OccurrenceEnded(_) => {
                Scheduled::of(event, sealer).map_or(Change::Nothing, |scheduled| Change::Schedule(Box::new(scheduled)))
            }
        }
    }

    fn closed(closed: &RunClosed) -> Change {
        Change::Closed { end: closed.end.word(), counts: counts_text(&closed.counts) }
    }

    fn asked(asked: &HumanAsked, sealer: &Sealer) -> Change {
        let items = asked.items.iter().map(ToString::to_string).collect();
        Change::Asked { step: asked.step.to_string(), items, who: sealer.masked(&asked.who) }
    }

    fn decided(decided: &HumanDecided) -> Change {
        let items = decided.items.iter().map(ToString::to_string).collect();
        Change::Decided { step: decided.step.to_string(), items }
    }
}

impl Made {
    fn of(made: &RunCreated, sealer: &Sealer) -> Made {
        let clear = |text: &str| sealer.masked(text);
        Made {
            playbook: clear(&made.playbook),
            version: made.version,
            environment: clear(&made.environment),
            purpose: made.purpose.to_string(),
            about: made.about.map(|about| about.to_string()),
            actor: clear(&made.actor),
            reason: clear(&made.reason),
            plan: made.plan_id.as_deref().map(str::to_owned),
        }
    }
}

/// `changed 3, failed 1`.
fn counts_text(counts: &[Count]) -> String {
    counts.iter().map(|count| format!("{} {}", count.end.word(), count.items)).collect::<Vec<_>>().join(", ")
}

/// There is no line for a run that has events.
pub(super) fn unlisted(run: RunId, seq: u64) -> JournalError {
    JournalError::Tampered { run, seq, what: "the list of runs does not name it".to_owned() }
}

impl Held<'_> {
    /// Takes one event into the lists, inside the transaction that records it. [`Held::point`] follows the last one of a
    /// group.
    pub(super) async fn apply(
        &mut self,
        run: RunId,
        now: Appended,
        at: Stamp,
        change: &Change,
    ) -> Result<(), JournalError> {
        let id = run.to_string();
        match change {
            Change::Nothing => Ok(()),
            Change::Created(made) => self.create_run(run, now, at, made).await,
            Change::Schedule(change) => self.apply_to_schedule(run, now, at, change).await,
            Change::Taken => self.move_to(&id, RunWord::Running, Some(RunWord::Closed)).await,
            Change::Reopened => self.reopen(&id).await,
            Change::Paused => self.move_to(&id, RunWord::Paused, Some(RunWord::InDoubt)).await,
            Change::InDoubt => self.move_to(&id, RunWord::InDoubt, None).await,
            Change::Cancelled => {
                // It may have come to its end meanwhile.
                self.move_to(&id, RunWord::Cancelled, Some(RunWord::Closed)).await?;
                self.forget_questions(&id).await
            }
            Change::Closed { end, counts } => self.close_run(&id, at, end, counts).await,
            Change::Asked { step, items, who } => self.ask(&id, now, at, step, items, who).await,
            Change::Decided { step, items } => self.decide(&id, step, items).await,
            Change::Notified => self.still_waits(&id).await,
            Change::Purged => {
                let purged = "UPDATE runs SET purged_at = $1 WHERE id = $2";
                self.execute(purged, &[at.micros.into(), (&id).into()]).await.map(drop)
            }
        }
    }

    /// After a group: how far the run is. The next append compares it with the events.
    pub(super) async fn point(&mut self, run: RunId, end: Appended, at: Stamp) -> Result<(), JournalError> {
        let pointed = self
            .execute(
                "UPDATE runs SET seq = $1, head = $2, changed_at = $3 WHERE id = $4",
                &[end.seq.into(), (&end.head).into(), at.micros.into(), (&run.to_string()).into()],
            )
            .await?;
        if pointed == 1 { Ok(()) } else { Err(unlisted(run, end.seq)) }
    }

    async fn create_run(&mut self, run: RunId, now: Appended, at: Stamp, made: &Made) -> Result<(), JournalError> {
        if let Some(plan) = &made.plan {
            self.use_plan(plan, run, at).await?;
        }
        self.execute(
            "INSERT INTO runs (id, short, playbook, version, environment, purpose, about, actor, reason, state,
                               started_at, changed_at, seq, head)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11, $12, $13)",
            &[
                (&run.to_string()).into(),
                (&run.short()).into(),
                (&made.playbook).into(),
                made.version.into(),
                (&made.environment).into(),
                (&made.purpose).into(),
                made.about.as_deref().into(),
                (&made.actor).into(),
                (&made.reason).into(),
                RunWord::Created.word().into(),
                at.micros.into(),
                now.seq.into(),
                (&now.head).into(),
            ],
        )
        .await
        .map(drop)
    }

    async fn move_to(&mut self, run: &str, word: RunWord, unless: Option<RunWord>) -> Result<(), JournalError> {
        let kept = unless.map_or("", RunWord::word);
        let statement = "UPDATE runs SET state = $1 WHERE id = $2 AND state <> $3";
        self.execute(statement, &[word.word().into(), run.into(), kept.into()]).await.map(drop)
    }

    /// A retry goes on in the same run, so a closed run may open again.
    async fn reopen(&mut self, run: &str) -> Result<(), JournalError> {
        let statement = "UPDATE runs SET state = $1, ended = NULL, closed_at = NULL, counts = '' WHERE id = $2";
        self.execute(statement, &[RunWord::Running.word().into(), run.into()]).await.map(drop)
    }

    async fn close_run(&mut self, run: &str, at: Stamp, end: &str, counts: &str) -> Result<(), JournalError> {
        let statement = "UPDATE runs SET state = $1, ended = $2, closed_at = $3, counts = $4 WHERE id = $5";
        let closed = RunWord::Closed.word();
        self.execute(statement, &[closed.into(), end.into(), at.micros.into(), counts.into(), run.into()]).await?;
        self.forget_questions(run).await
    }

    async fn forget_questions(&mut self, run: &str) -> Result<(), JournalError> {
        self.execute("DELETE FROM questions WHERE run = $1", &[run.into()]).await.map(drop)
    }

    async fn ask(
        &mut self,
        run: &str,
        now: Appended,
        at: Stamp,
        step: &str,
        items: &[String],
        who: &str,
    ) -> Result<(), JournalError> {
        for item in items {
            self.execute(
                "INSERT INTO questions (run, step, item, seq, who, asked_at) VALUES ($1, $2, $3, $4, $5, $6)
                 ON CONFLICT (run, step, item) DO UPDATE SET seq = excluded.seq, who = excluded.who, asked_at = excluded.asked_at",
                &[run.into(), step.into(), item.into(), now.seq.into(), who.into(), at.micros.into()],
            )
            .await?;
        }
        self.move_to(run, RunWord::Waiting, None).await
    }

    async fn decide(&mut self, run: &str, step: &str, items: &[String]) -> Result<(), JournalError> {
        for item in items {
            let statement = "DELETE FROM questions WHERE run = $1 AND step = $2 AND item = $3";
            self.execute(statement, &[run.into(), step.into(), item.into()]).await?;
        }
        // Answered is not yet running: somebody has to take it up again, and the claim says so.
        self.execute(
            "UPDATE runs SET state = $1 WHERE id = $2 AND state = $3
             AND NOT EXISTS (SELECT 1 FROM questions WHERE questions.run = runs.id)",
            &[RunWord::Created.word().into(), run.into(), RunWord::Waiting.word().into()],
        )
        .await
        .map(drop)
    }

    async fn still_waits(&mut self, run: &str) -> Result<(), JournalError> {
        self.execute(
            "UPDATE runs SET state = $1 WHERE id = $2 AND state = $3
             AND EXISTS (SELECT 1 FROM questions WHERE questions.run = runs.id)",
            &[RunWord::Waiting.word().into(), run.into(), RunWord::Running.word().into()],
        )
        .await
        .map(drop)
    }

    /// The first one to name a plan has it. On a server a second one waits here until the first is done.
    async fn use_plan(&mut self, plan: &str, run: RunId, at: Stamp) -> Result<(), JournalError> {
        let used = self
            .execute(
                "INSERT INTO plans_used (plan, run, at) VALUES ($1, $2, $3) ON CONFLICT (plan) DO NOTHING",
                &[plan.into(), (&run.to_string()).into(), at.micros.into()],
            )
            .await?;
        if used == 1 {
            return Ok(());
        }
        let earlier = self.row("SELECT run, at FROM plans_used WHERE plan = $1", &[plan.into()]).await?;
        let Some(row) = earlier else { return Err(self.damaged("a used plan is not in its list")) };
        let by = row.text(0)?.parse().map_err(|_| self.damaged("a used plan names no run"))?;
        Err(JournalError::PlanUsed { run: by, at: Stamp { micros: row.int(1)?, digits: 6 } })
    }
}

impl Journal {
    /// Makes the lists again from the events, which are verified on the way; the lines of purged runs stay as they are.
    /// Needed after a repair, never in normal use.
    pub async fn rebuild(&self) -> Result<(), JournalError> {
        self.write(Deed::Rebuild).await.map(drop)
    }
}

/// Which chains have what is needed, in the order in which the runs were made: of two runs with one plan, the first has
/// used it.
const WHOLE: &str = "SELECT run FROM events WHERE seq = 1 AND kind = 'run.created'
                     AND NOT EXISTS (SELECT 1 FROM runs WHERE runs.id = events.run AND purged_at IS NOT NULL)
                     ORDER BY at, run";

impl Held<'_> {
    pub(super) async fn rebuild_inside(&mut self) -> Result<(), JournalError> {
        if self.is_server() {
            self.execute(Sql { sqlite: "", postgres: "LOCK TABLE runs IN EXCLUSIVE MODE" }, &[]).await?;
        }
        let runs = self.rows(WHOLE, &[]).await?.iter().map(|row| row.text(0)).collect::<Result<Vec<_>, _>>()?;
        for statement in [
            "DELETE FROM plans_used WHERE NOT EXISTS
                (SELECT 1 FROM runs WHERE runs.id = plans_used.run AND purged_at IS NOT NULL)",
            "DELETE FROM questions",
            "DELETE FROM runs WHERE purged_at IS NULL",
            "DELETE FROM occurrences",
            "DELETE FROM schedules",
        ] {
            self.execute(statement, &[]).await?;
        }
        self.rebuild_schedules().await?;
        for run in runs {
            let run: RunId = run.parse().map_err(|_| self.damaged(format!("`{run}` names no run")))?;
            let events = self.events_of(run).await?;
            for one in &events {
                let now = Appended { seq: one.seq, head: one.hash };
                let change = Change::of(&one.event, &self.inner.sealer);
                self.apply(run, now, one.at, &change).await?;
            }
            if let Some(last) = events.last() {
                self.point(run, Appended { seq: last.seq, head: last.hash }, last.at).await?;
            }
        }
        Ok(())
    }
}
