//! A case's way from plan to end, as somebody at the command line would go it: plan, meanwhile somebody else, apply, answers.

use super::{
    Opening,
    happened::{came_to, ends_before, kept_from},
    scene::{Scene, Staged, broken, fault},
};
use crate::{
    base::{
        identity::RunId,
        json,
        shape::Word,
        value::{Marks, Value},
    },
    connection::statement::Statement,
    engine::{drive::Stopped, watch::Tick},
    mock::call::Call,
    ops::{
        Failure, answer,
        apply::{self, Carried},
        plan::{self, Prepared, Request},
        playbook, project, record, resume,
    },
    plan::Plan,
    targets::item::key_text,
    trial::{
        self,
        compare::Happened,
        model::{self, Case, Meddling, MeddlingJobs, MeddlingSql},
        report::Problem,
        snapshot::Snapshot,
    },
};
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

/// What somebody else does between two steps: the run is asked to pause there, and goes on afterwards, as one does that somebody
/// has paused.
struct Midway<'a> {
    wanted: Option<&'a model::Midway>,
    pause: AtomicBool,
    done: AtomicBool,
}

impl Midway<'_> {
    fn of(case: &Case) -> Midway<'_> {
        let wanted = case.between.as_ref().and_then(|between| between.step_and_next.as_ref());
        Midway { wanted, pause: AtomicBool::new(false), done: AtomicBool::new(false) }
    }

    /// A step is over.
    fn over(&self, path: &str) {
        let name = path.rsplit('/').next().and_then(|name| name.split('[').next());
        let is = self.wanted.is_some_and(|midway| name == Some(midway.after.as_str()));
        if is && !self.done.swap(true, Ordering::SeqCst) {
            self.pause.store(true, Ordering::SeqCst);
        }
    }

    /// What is to happen now, once.
    fn due(&self) -> Option<&model::Midway> {
        self.wanted.filter(|_| self.pause.swap(false, Ordering::SeqCst))
    }

    /// The step that never came, or after which nothing came.
    fn missed(&self) -> Option<&str> {
        let came = self.done.load(Ordering::SeqCst) && !self.pause.load(Ordering::SeqCst);
        self.wanted.filter(|_| !came).map(|midway| midway.after.as_str())
    }
}

impl Scene {
    async fn meddle(&self, meddling: &Meddling) -> Staged<()> {
        self.state(meddling.sql.as_ref()).await?;
        meddling.jobs.as_ref().map_or(Ok(()), |jobs| self.touch(jobs))
    }

    /// Jobs go and come.
    fn touch(&self, jobs: &MeddlingJobs) -> Staged<()> {
        let name = jobs.queue.as_str();
        let (queues, settings) =
            self.queues.get(name).ok_or_else(|| broken("background jobs", format!("`{name}` has none here")))?;
        let come = trial::jobs::later(name, &jobs.add, settings, self.surroundings.world.now())?;
        let gone: Vec<&str> = jobs.delete.iter().map(Word::as_str).collect();
        match queues.meddle(&gone, come).as_slice() {
            [] => Ok(()),
            missing => {
                let found = format!("{name} has no job {}", missing.join(", "));
                Err(broken("jobs that somebody else can delete", found))
            }
        }
    }

    async fn state(&self, meddling: Option<&MeddlingSql>) -> Staged<()> {
        let Some(sql) = meddling else { return Ok(()) };
        let mut writing = self.database(sql.db.as_str())?.writing().await.map_err(fault)?;
        writing.execute(&Statement { sql: sql.run.as_str().to_owned(), binds: Vec::new() }).await.map_err(fault)?;
        writing.commit().await.map_err(fault)
    }

    async fn happens(&self, midway: &model::Midway) -> Staged<()> {
        self.state(midway.sql.as_ref()).await?;
        midway.jobs.as_ref().map_or(Ok(()), |jobs| self.touch(jobs))?;
        if let Some(length) = midway.wait {
            self.surroundings.world.pause(length.0).await;
        }
        let Some(call) = &midway.call else { return Ok(()) };
        let plays = |names: &[Arc<str>]| names.iter().any(|name| **name == *call.api.text);
        let mock = self.mocks.iter().find(|(names, _)| plays(names)).map(|(_, mock)| mock);
        let mock = mock.ok_or_else(|| broken("an API", format!("`{}` is none", call.api.as_str())))?;
        let (method, path) = call.call.as_str().split_once(' ').unwrap_or(("GET", call.call.as_str()));
        let body = call.json.as_ref().map(|json| json::text_of(json).into_bytes()).unwrap_or_default();
        let given = call.headers.iter().map(|(name, text)| (name.to_ascii_lowercase(), text.as_str().to_owned()));
        let mut headers: Vec<(String, String)> = given.collect();
        if !headers.iter().any(|(name, _)| name == "content-type") {
            headers.push(("content-type".into(), "application/json".into()));
        }
        let made = Call { method: method.into(), path: path.into(), headers, body, ..Call::default() };
        let status = mock.meddle(made).await;
        if status >= 400 {
            let expected = format!("a call of somebody else that {} takes", call.api.as_str());
            return Err(broken(&expected, format!("{}: {status}", call.call.as_str())));
        }
        Ok(())
    }

    /// Plans and applies as `trueup apply` does. Gives also what stood in the databases before the run itself: what
    /// somebody else did in between is no change of the playbook's.
    pub(super) async fn run(&self, opening: &Opening, case: &Case, before: &Snapshot) -> Staged<(Happened, Snapshot)> {
        let (told, by_key) = (Mutex::new(Vec::new()), Mutex::new(BTreeMap::new()));
        let midway = Midway::of(case);
        let watch = |tick: Tick| match tick {
            Tick::PassOn { who, text } => told.lock().unwrap_or_else(PoisonError::into_inner).push((who, text)),
            Tick::Items(standing) => {
                if let Some((key, end, why)) = standing.item {
                    by_key.lock().unwrap_or_else(PoisonError::into_inner).insert(key, (end, why));
                }
            }
            Tick::Over { path, .. } => midway.over(&path),
            Tick::Begins { .. } | Tick::Again { .. } | Tick::Unrecorded { .. } => {}
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
            self.name_items(case, &prepared, &mut happened);
            return Ok((happened, before.clone()));
        }
        let meddled = case.between.as_ref();
        if let Some(meddling) = meddled.and_then(|b| b.plan_and_apply.as_ref()) {
            self.meddle(meddling).await?;
        }
        let mut before = self.snapshot().await?;
        happened.applied_from = crate::mock::record::next();
        match self.carried(opening, case, &prepared, &made, (&watch, &midway), &mut before).await? {
            Ok(carried) => {
                came_to(&mut happened, &carried, &self.opened);
                happened.run = Some(prepared.setting.run.id);
            }
            Err(failure) => happened = kept_from(happened, &failure),
        }
        happened.by_key = by_key.into_inner().unwrap_or_else(PoisonError::into_inner);
        happened.told = told.into_inner().unwrap_or_else(PoisonError::into_inner);
        self.name_items(case, &prepared, &mut happened);
        Ok((happened, before))
    }

    /// A personal key is a fingerprint wherever trueup names it. The case says it as it is, so each item that it expects gets this
    /// name back.
    fn name_items(&self, case: &Case, prepared: &Prepared, happened: &mut Happened) {
        let Some(items) = case.expect.items.as_ref().filter(|items| !items.by_key.entries.is_empty()) else { return };
        let journal = record::workplace(&self.surroundings, &self.opened).ok();
        let places = prepared.setting.workplace.iter().chain(&journal);
        let sealers: Vec<_> = places.map(|place| &place.sealer).collect();
        for (key, _) in items.by_key.iter() {
            if happened.by_key.contains_key(key) {
                continue;
            }
            let parts = || key.split('/');
            let texts: Vec<Value> = parts().map(|part| Value::text(part).marked(Marks::PERSONAL)).collect();
            let typed = |part: &str| part.parse::<i64>().map_or_else(|_| Value::text(part), Value::from);
            let typed: Vec<Value> = parts().map(|part| typed(part).marked(Marks::PERSONAL)).collect();
            let names = sealers.iter().flat_map(|sealer| [&texts, &typed].map(|parts| key_text(parts, sealer)));
            if let Some(came) = names.flatten().find_map(|name| happened.by_key.remove(&name)) {
                happened.by_key.insert(key.into(), came);
            }
        }
    }

    async fn prepare(&self, opening: &Opening, request: &Request) -> Result<Prepared, Failure> {
        let loaded = playbook::load(&self.surroundings, &self.opened, opening.file.name())?;
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
        (watch, midway): (&(dyn Fn(Tick) + Send + Sync), &Midway<'_>),
        before: &mut Snapshot,
    ) -> Staged<Result<Carried, Failure>> {
        let pause = &midway.pause;
        let first = async {
            let record = record::open(&self.surroundings, &self.opened).await?;
            let carried =
                apply::apply(&self.surroundings, &record, &self.opened, &prepared.setting, made, watch, pause).await?;
            record.journal.close().await?;
            Ok::<_, Failure>(carried)
        };
        let mut carried = match first.await {
            Ok(carried) => carried,
            Err(failure) => return Ok(Err(failure)),
        };
        let actor = opening.request(&self.start).actor.unwrap_or_default();
        loop {
            if let (Stopped::Paused, Some(wanted)) = (&carried.stopped, midway.due()) {
                let undisturbed = self.snapshot().await?;
                self.happens(wanted).await?;
                // What the run itself has done so far stays its own change, and so does what workers make of its jobs.
                if wanted.wait.is_none() {
                    before.with(&self.snapshot().await?.since(&undisturbed));
                }
                match self.resumed(prepared.setting.run.id, &actor, watch, pause).await {
                    Ok(next) => carried = next,
                    Err(failure) => return Ok(Err(failure)),
                }
                continue;
            }
            let Stopped::Waits(path) = &carried.stopped else { break };
            let step = path.rsplit('/').next().unwrap_or(path).to_owned();
            let Some(given) = self.start.answers.get(&step) else { break };
            let meddling = case.between.as_ref().and_then(|b| b.ask_and_answer.as_ref());
            if let Some(meddling) = meddling {
                self.meddle(meddling).await?;
                *before = self.snapshot().await?;
            }
            match self.answered(prepared.setting.run.id, &step, given, &actor, watch, pause).await {
                Ok(next) => carried = next,
                Err(failure) => return Ok(Err(failure)),
            }
        }
        match midway.missed() {
            None => Ok(Ok(carried)),
            Some(step) => {
                let expected = format!("step `{step}` is done, and somebody else does something before the next one");
                Err(Problem::new("between: step_and_next", expected, "the run never came there"))
            }
        }
    }

    async fn resumed(
        &self,
        run: RunId,
        actor: &str,
        watch: &(dyn Fn(Tick) + Send + Sync),
        pause: &AtomicBool,
    ) -> Result<Carried, Failure> {
        let opened = project::open(&self.surroundings, Some(&self.opened.root))?;
        let record = record::open(&self.surroundings, &opened).await?;
        let carried = resume::resume(&self.surroundings, &record, &opened, run, actor, watch, pause).await?;
        record.journal.close().await?;
        Ok(carried)
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
