//! A case's way from plan to end, as somebody at the command line would go it: plan, meanwhile somebody else, apply, answers.

use super::{
    Opening,
    happened::{came_to, ends_before, kept_from},
    scene::{Scene, Staged, fault},
};
use crate::{
    base::{identity::RunId, value::Value},
    connection::statement::Statement,
    engine::{drive::Stopped, watch::Tick},
    ops::{
        Failure, answer,
        apply::{self, Carried},
        plan::{self, Prepared, Request},
        playbook, project, record,
    },
    plan::Plan,
    trial::{
        compare::Happened,
        model::{Case, Meddling},
        snapshot::Snapshot,
    },
};
use std::sync::{Mutex, PoisonError, atomic::AtomicBool};

impl Scene {
    async fn meddle(&self, meddling: Option<&Meddling>) -> Staged<()> {
        let Some(meddling) = meddling else { return Ok(()) };
        let mut writing = self.database(meddling.sql.db.as_str())?.writing().await.map_err(fault)?;
        writing
            .execute(&Statement { sql: meddling.sql.run.as_str().to_owned(), binds: Vec::new() })
            .await
            .map_err(fault)?;
        writing.commit().await.map_err(fault)
    }

    /// Plans and applies as `trueup apply` does. Gives also what stood in the databases before the run itself: what
    /// somebody else did in between is no change of the playbook's.
    pub(super) async fn run(&self, opening: &Opening, case: &Case, before: &Snapshot) -> Staged<(Happened, Snapshot)> {
        let told = Mutex::new(Vec::new());
        let watch = |tick: Tick| {
            if let Tick::PassOn { who, text } = tick {
                told.lock().unwrap_or_else(PoisonError::into_inner).push((who, text));
            }
        };
        let request = opening.request(&self.start);
        let mut happened = Happened::default();
        let prepared = match self.prepare(opening, &request).await {
            Ok(prepared) => prepared,
            Err(failure) => return Ok((kept_from(happened, &failure), before.clone())),
        };
        let made = match plan::plan(&prepared.setting, &request, &watch).await {
            Ok(made) => made,
            Err(failure) => return Ok((kept_from(happened, &failure), before.clone())),
        };
        happened.plan = Some(made.clone());
        if ends_before(&mut happened, &made) {
            return Ok((happened, before.clone()));
        }
        let meddled = case.between.as_ref();
        self.meddle(meddled.and_then(|b| b.plan_and_apply.as_ref())).await?;
        let mut before = self.snapshot().await?;
        match self.carried(opening, case, &prepared, &made, &watch, &mut before).await? {
            Ok(carried) => {
                came_to(&mut happened, &carried, &self.opened);
                happened.run = Some(prepared.setting.run.id);
            }
            Err(failure) => happened = kept_from(happened, &failure),
        }
        happened.told = told.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok((happened, before))
    }

    async fn prepare(&self, opening: &Opening, request: &Request) -> Result<Prepared, Failure> {
        let loaded = playbook::load(&self.surroundings, &self.opened, opening.file.playbook.as_str())?;
        // A test never runs a program that changes something of somebody's.
        let uses = &loaded.checked.playbook().uses;
        let programs = self.opened.project.connections.iter().filter(|(_, connection)| connection.command.is_some());
        if let Some((name, _)) = programs.into_iter().find(|(name, _)| uses.get(name).is_some()) {
            let message =
                format!("the playbook uses the program `{name}`, and nothing stands in for programs in a test");
            return Err(Failure::usage(message).help("test the playbooks beside it; this one needs its own sandbox"));
        }
        plan::setting(&self.surroundings, &self.opened, loaded, request).await
    }

    /// Applies, and answers each question that the case has an answer for, in what stands for a process of its own: the
    /// journal is closed and opened again, and everything else is put together anew.
    async fn carried(
        &self,
        opening: &Opening,
        case: &Case,
        prepared: &Prepared,
        made: &Plan,
        watch: &(dyn Fn(Tick) + Send + Sync),
        before: &mut Snapshot,
    ) -> Staged<Result<Carried, Failure>> {
        let pause = AtomicBool::new(false);
        let first = async {
            let record = record::open(&self.surroundings, &self.opened).await?;
            let carried =
                apply::apply(&self.surroundings, &record, &self.opened, &prepared.setting, made, watch, &pause).await?;
            record.journal.close().await?;
            Ok::<_, Failure>(carried)
        };
        let mut carried = match first.await {
            Ok(carried) => carried,
            Err(failure) => return Ok(Err(failure)),
        };
        let actor = opening.request(&self.start).actor.unwrap_or_default();
        while let Stopped::Waits(path) = &carried.stopped {
            let step = path.rsplit('/').next().unwrap_or(path).to_owned();
            let Some(given) = self.start.answers.get(&step) else { break };
            let meddling = case.between.as_ref().and_then(|b| b.ask_and_answer.as_ref());
            if meddling.is_some() {
                self.meddle(meddling).await?;
                *before = self.snapshot().await?;
            }
            match self.answered(prepared.setting.run.id, &step, given, &actor, watch, &pause).await {
                Ok(next) => carried = next,
                Err(failure) => return Ok(Err(failure)),
            }
        }
        Ok(Ok(carried))
    }

    async fn answered(
        &self,
        run: RunId,
        step: &str,
        given: &[(String, Value)],
        actor: &str,
        watch: &(dyn Fn(Tick) + Send + Sync),
        pause: &AtomicBool,
    ) -> Result<Carried, Failure> {
        let opened = project::open(&self.surroundings, Some(&self.opened.root))?;
        let record = record::open(&self.surroundings, &opened).await?;
        let carried =
            answer::answer(&self.surroundings, &record, &opened, run, step, None, given, actor, watch, pause).await?;
        record.journal.close().await?;
        Ok(carried)
    }
}
