//! What lists and the inbox ask for, made from the events: where each run stands, which questions are open, which plans
//! are used. One function, used by every append and by [`Journal::rebuild`], so that both can only agree.

use super::{Appended, Journal, Stored, sqlite::of_sqlite, store::Held};
use crate::{
    base::{identity::RunId, time::Stamp},
    journal::{
        event::Event,
        failure::JournalError,
        payload::{Count, HumanAsked, HumanDecided, RunClosed, RunCreated},
        words::{Outcome, RunWord},
    },
};
use sqlx::Row;

/// Takes one event into the tables, inside the transaction that records it. [`point`] follows the last one of a group.
pub(super) async fn apply(
    held: &mut Held<'_>,
    run: RunId,
    now: Appended,
    at: Stamp,
    event: &Event,
) -> Result<(), JournalError> {
    let id = run.to_string();
    match event {
        Event::RunCreated(made) => return created(held, run, now, at, made).await,
        Event::RunClaimed(_) => held.move_to(&id, RunWord::Running, Some(RunWord::Closed)).await?,
        Event::RunResumed(_) => held.reopen(&id).await?,
        Event::RunPaused(_) => held.move_to(&id, RunWord::Paused, Some(RunWord::InDoubt)).await?,
        Event::StepOutcome(step) if step.outcomes.iter().any(|one| one.outcome == Outcome::InDoubt) => {
            held.move_to(&id, RunWord::InDoubt, None).await?
        }
        Event::RunCancelled(_) => {
            held.move_to(&id, RunWord::Cancelled, None).await?;
            held.forget_questions(&id).await?;
        }
        Event::RunClosed(closed) => held.close_run(&id, at, closed).await?,
        Event::HumanAsked(asked) => held.ask(&id, now, at, asked).await?,
        Event::HumanDecided(decided) => held.decide(&id, decided).await?,
        Event::ItemStarted(_)
        | Event::StepRead(_)
        | Event::StepIntent(_)
        | Event::StepAttempt(_)
        | Event::StepImages(_)
        | Event::StepOutcome(_)
        | Event::ItemVerified(_)
        | Event::ItemClosed(_)
        | Event::RunPurged(_)
        | Event::PlanApproved(_) => {}
    }
    Ok(())
}

/// After a group: how far the run is. The next append compares it with the events.
pub(super) async fn point(held: &mut Held<'_>, run: RunId, end: Appended, at: Stamp) -> Result<(), JournalError> {
    let path = &held.journal.path;
    sqlx::query("UPDATE runs SET seq = ?, head = ?, changed_at = ? WHERE id = ?")
        .bind(end.seq as i64)
        .bind(end.head.0.as_slice())
        .bind(at.micros)
        .bind(run.to_string())
        .execute(&mut held.state.connection)
        .await
        .map_err(|e| of_sqlite(path, e))?;
    Ok(())
}

async fn created(
    held: &mut Held<'_>,
    run: RunId,
    now: Appended,
    at: Stamp,
    made: &RunCreated,
) -> Result<(), JournalError> {
    if let Some(plan) = &made.plan_id {
        held.use_plan(plan, run, at).await?;
    }
    let path = &held.journal.path;
    // Lists are not sealed; what people typed may hold a secret all the same.
    let clear = |text: &str| held.journal.sealer.masked(text);
    sqlx::query(
        "INSERT INTO runs (id, short, playbook, version, environment, purpose, about, actor, reason, state,
                           started_at, changed_at, seq, head)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(run.to_string())
    .bind(run.short())
    .bind(clear(&made.playbook))
    .bind(i64::from(made.version))
    .bind(clear(&made.environment))
    .bind(&*made.purpose)
    .bind(made.about.map(|about| about.to_string()))
    .bind(clear(&made.actor))
    .bind(clear(&made.reason))
    .bind(RunWord::Created.word())
    .bind(at.micros)
    .bind(at.micros)
    .bind(now.seq as i64)
    .bind(now.head.0.as_slice())
    .execute(&mut held.state.connection)
    .await
    .map_err(|e| of_sqlite(path, e))?;
    Ok(())
}

impl Held<'_> {
    /// One statement with texts for its parameters.
    async fn run_sql(&mut self, statement: &'static str, texts: &[&str]) -> Result<(), JournalError> {
        let mut query = sqlx::query(statement);
        for text in texts {
            query = query.bind(*text);
        }
        query.execute(&mut self.state.connection).await.map_err(|e| of_sqlite(&self.journal.path, e))?;
        Ok(())
    }

    async fn move_to(&mut self, run: &str, word: RunWord, unless: Option<RunWord>) -> Result<(), JournalError> {
        let kept = unless.map_or("", RunWord::word);
        self.run_sql("UPDATE runs SET state = ? WHERE id = ? AND state <> ?", &[word.word(), run, kept]).await
    }

    /// A retry goes on in the same run, so a closed run may open again.
    async fn reopen(&mut self, run: &str) -> Result<(), JournalError> {
        let running = RunWord::Running.word();
        let statement = "UPDATE runs SET state = ?, ended = NULL, closed_at = NULL, counts = '' WHERE id = ?";
        self.run_sql(statement, &[running, run]).await
    }

    async fn close_run(&mut self, run: &str, at: Stamp, closed: &RunClosed) -> Result<(), JournalError> {
        let path = &self.journal.path;
        sqlx::query("UPDATE runs SET state = ?, ended = ?, closed_at = ?, counts = ? WHERE id = ?")
            .bind(RunWord::Closed.word())
            .bind(closed.end.word())
            .bind(at.micros)
            .bind(counts_text(&closed.counts))
            .bind(run)
            .execute(&mut self.state.connection)
            .await
            .map_err(|e| of_sqlite(path, e))?;
        self.forget_questions(run).await
    }

    async fn forget_questions(&mut self, run: &str) -> Result<(), JournalError> {
        self.run_sql("DELETE FROM questions WHERE run = ?", &[run]).await
    }

    async fn ask(&mut self, run: &str, now: Appended, at: Stamp, asked: &HumanAsked) -> Result<(), JournalError> {
        for item in &asked.items {
            let path = &self.journal.path;
            sqlx::query(
                "INSERT INTO questions (run, step, item, seq, who, asked_at) VALUES (?, ?, ?, ?, ?, ?)
                 ON CONFLICT (run, step, item) DO UPDATE SET seq = excluded.seq, who = excluded.who, asked_at = excluded.asked_at",
            )
            .bind(run)
            .bind(&*asked.step)
            .bind(&**item)
            .bind(now.seq as i64)
            .bind(self.journal.sealer.masked(&asked.who))
            .bind(at.micros)
            .execute(&mut self.state.connection)
            .await
            .map_err(|e| of_sqlite(path, e))?;
        }
        self.move_to(run, RunWord::Waiting, None).await
    }

    async fn decide(&mut self, run: &str, decided: &HumanDecided) -> Result<(), JournalError> {
        for item in &decided.items {
            let statement = "DELETE FROM questions WHERE run = ? AND step = ? AND item = ?";
            self.run_sql(statement, &[run, &decided.step, item]).await?;
        }
        // Answered is not yet running: somebody has to take it up again, and the claim says so.
        self.run_sql(
            "UPDATE runs SET state = ? WHERE id = ? AND state = ?
             AND NOT EXISTS (SELECT 1 FROM questions WHERE questions.run = runs.id)",
            &[RunWord::Created.word(), run, RunWord::Waiting.word()],
        )
        .await
    }

    async fn use_plan(&mut self, plan: &str, run: RunId, at: Stamp) -> Result<(), JournalError> {
        let sqlite = |e| of_sqlite(&self.journal.path, e);
        let earlier = sqlx::query("SELECT run, at FROM plans_used WHERE plan = ?")
            .bind(plan)
            .fetch_optional(&mut self.state.connection)
            .await
            .map_err(sqlite)?;
        if let Some(row) = earlier {
            let (by, at): (String, i64) = (row.try_get(0).map_err(sqlite)?, row.try_get(1).map_err(sqlite)?);
            let by = by.parse().map_err(|_| JournalError::Damaged {
                path: self.journal.path.clone(),
                what: "a used plan names no run".into(),
            })?;
            return Err(JournalError::PlanUsed { run: by, at: Stamp { micros: at, digits: 6 } });
        }
        sqlx::query("INSERT INTO plans_used (plan, run, at) VALUES (?, ?, ?)")
            .bind(plan)
            .bind(run.to_string())
            .bind(at.micros)
            .execute(&mut self.state.connection)
            .await
            .map_err(sqlite)?;
        Ok(())
    }
}

/// `changed 3, failed 1`.
fn counts_text(counts: &[Count]) -> String {
    counts.iter().map(|count| format!("{} {}", count.end.word(), count.items)).collect::<Vec<_>>().join(", ")
}

impl Journal {
    /// Makes the lists again from the events, which are verified on the way. Needed after a repair, never in normal use.
    pub async fn rebuild(&self) -> Result<(), JournalError> {
        let mut held = self.connection().await?;
        held.begin().await?;
        let work = held.rebuild_inside().await;
        held.end(work).await
    }
}

impl Held<'_> {
    async fn rebuild_inside(&mut self) -> Result<(), JournalError> {
        for statement in ["DELETE FROM runs", "DELETE FROM questions", "DELETE FROM plans_used"] {
            self.run_sql(statement, &[]).await?;
        }
        let sqlite = |e| of_sqlite(&self.journal.path, e);
        // In the order in which the runs were made: of two runs with one plan, the first has used it.
        let runs: Vec<String> = sqlx::query_scalar("SELECT run FROM events WHERE seq = 1 ORDER BY at, run")
            .fetch_all(&mut self.state.connection)
            .await
            .map_err(sqlite)?;
        for run in runs {
            let damaged =
                |_| JournalError::Damaged { path: self.journal.path.clone(), what: format!("`{run}` names no run") };
            let run: RunId = run.parse().map_err(damaged)?;
            let events = self.events_of(run).await?;
            let place = |stored: &Stored| Appended { seq: stored.seq, head: stored.hash };
            for stored in &events {
                apply(self, run, place(stored), stored.at, &stored.event).await?;
            }
            if let Some(last) = events.last().filter(|last| !matches!(last.event, Event::PlanApproved(_))) {
                point(self, run, place(last), last.at).await?;
            }
        }
        Ok(())
    }
}
