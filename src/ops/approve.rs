//! `approve`: somebody agrees to a saved plan, or to a run that waits for it. Which agreement counts is `approval`'s.

use super::{
    Failure, Surroundings,
    apply::named,
    playbook,
    project::{self, Opened},
    record::Record,
    resume,
    saved::Usable,
};
use crate::{
    approval::{self, Demand, Measured, Missing},
    base::{
        identity::{RunId, SINGLE_ITEM},
        source::Source,
        value::{Map, Value},
    },
    engine::{
        setting::Setting,
        state::{APPROVAL, APPROVE, RunState},
    },
    journal::{
        Approving,
        event::Event,
        payload::{Approval, HumanAsked, HumanDecided, RunPaused},
    },
    plan::file::Saved,
    plan::{Plan, stored},
    playbook::{model::Playbook, project::Project},
    report::exit::Exit,
};

/// What the environment demands for a plan.
pub fn demands(project: &Project, playbook: &Playbook, plan: &Plan) -> Vec<Demand> {
    approval::demands(project, &plan.environment, &Measured::of(plan, playbook))
}

/// What a run of this plan asks people before it goes on; nothing when nobody has to agree.
pub fn asked(setting: &Setting, plan: &Plan) -> Option<HumanAsked> {
    let demands = demands(&setting.project, &setting.playbook, plan);
    (!demands.is_empty()).then(|| question(&demands, &setting.run.actor, &[], plan))
}

fn question(demands: &[Demand], requester: &str, approvers: &[String], plan: &Plan) -> HumanAsked {
    let missing = approval::missing(demands, requester, approvers);
    let needed: Vec<String> = missing.iter().map(Missing::words).collect();
    HumanAsked {
        step: APPROVAL.into(),
        items: vec![SINGLE_ITEM.into()],
        who: approval::whom(&missing, requester).into(),
        question: Value::from(format!("May {requester} do this: {}? Needed: {}.", plan.title, needed.join("; "))),
        answer: Map::default(),
        evidence: None,
        until: None,
        remind: None,
        revealed: None,
    }
}

/// What came of an approval.
#[derive(Debug)]
pub struct Given {
    /// Who agreed.
    pub actor: String,
    /// What is still needed, each with whom to ask. Empty: enough people agreed.
    pub missing: Vec<(String, String)>,
}

/// Everything that agreeing to a plan needs to know.
pub struct Matter {
    /// The plan.
    pub plan: Plan,
    /// Its digest, which is agreed to.
    pub digest: String,
    /// Who asked for it.
    pub requester: String,
    /// What is demanded.
    pub demands: Vec<Demand>,
    /// Who agreed so far.
    pub approvals: Vec<Approval>,
    /// The measured effect.
    pub measured: Measured,
}

impl Matter {
    /// Who agreed so far.
    pub fn names(&self) -> Vec<String> {
        self.approvals.iter().map(|approval| approval.actor.to_string()).collect()
    }

    /// What is still needed, and whom to ask for it.
    pub fn missing(&self) -> Vec<(String, String)> {
        let names = self.names();
        let missing = approval::missing(&self.demands, &self.requester, &names);
        missing.iter().map(|missing| (missing.words(), missing.whom(&self.requester))).collect()
    }

    /// Refuses an approval that would not count.
    pub fn may(&self, actor: &str) -> Result<(), Failure> {
        if self.demands.is_empty() {
            return Err(Failure::usage(format!("nobody has to agree to this plan in `{}`", self.plan.environment))
                .help("carry it out with `trueup apply`"));
        }
        if self.plan.is_empty() || self.plan.items.iter().any(|item| item.ends_early().is_some()) {
            return Err(Failure::usage("there is nothing to agree to: the plan ends before it changes anything"));
        }
        if approval::same_person(actor, &self.requester) {
            return Err(Failure::usage(format!("{actor} asked for this plan; somebody else has to agree to it")));
        }
        let before = self.approvals.iter().find(|approval| approval::same_person(&approval.actor, actor));
        if let Some(before) = before {
            return Err(Failure::usage(format!("{} has agreed to this plan already", before.actor)).help(self.ask()));
        }
        let counts = self.demands.iter().any(|demand| demand.counts(actor));
        if !counts {
            let who: Vec<String> = self.demands.iter().map(Demand::who).collect();
            return Err(Failure::usage(format!("{actor} may not approve this plan"))
                .help(format!("it needs {}", who.join("; "))));
        }
        Ok(())
    }

    /// Whom to ask for all that is missing; empty when enough people agreed.
    fn whom(&self) -> String {
        let names = self.names();
        approval::whom(&approval::missing(&self.demands, &self.requester, &names), &self.requester)
    }

    /// What to do about what is missing.
    fn ask(&self) -> String {
        let whom = self.whom();
        if whom.is_empty() { "enough people have agreed".into() } else { format!("ask {whom}") }
    }
}

/// The matter of a saved plan.
pub async fn of_plan(record: &Record, opened: &Opened, usable: &Usable) -> Result<Matter, Failure> {
    let (saved, playbook) = (&usable.saved, usable.loaded.checked.playbook());
    // A run is taken back under the rules that it carries, as when it is taken back on the spot.
    let then = match &saved.header.undo {
        Some(_) => Some(super::saved::carried(saved)?.project),
        None => None,
    };
    let project = then.as_ref().unwrap_or(&opened.project);
    Ok(Matter {
        plan: saved.plan.clone(),
        digest: saved.digest.clone(),
        requester: saved.header.actor.to_string(),
        demands: demands(project, playbook, &saved.plan),
        approvals: of_saved(record, saved).await?,
        measured: Measured::of(&saved.plan, playbook),
    })
}

/// Those who agreed to exactly this saved plan.
pub async fn of_saved(record: &Record, saved: &Saved) -> Result<Vec<Approval>, Failure> {
    let approvals = record.journal.approvals(plan_id(&saved.header.id)?).await?;
    let approvals = approvals.into_iter().filter(|one| *one.digest == *saved.digest);
    Ok(approvals.map(|one| Approval { actor: one.actor, at: one.at, note: one.note, digest: one.digest }).collect())
}

fn plan_id(text: &str) -> Result<uuid::Uuid, Failure> {
    text.parse().map_err(|_| Failure::usage(format!("`{text}` is not the id of a plan")))
}

/// Refuses to carry out a plan that too few people agreed to.
pub fn enough(matter: &Matter, given: &str) -> Result<(), Failure> {
    let missing = matter.missing();
    let Some((first, _)) = missing.first() else { return Ok(()) };
    let failure = Failure::refused(Exit::Stopped, format!("this plan needs {first}"));
    let failure = missing.iter().skip(1).fold(failure, |failure, (words, _)| failure.help(format!("and {words}")));
    Err(failure.help(format!("ask {} to run `trueup approve {given} --reason \"…\"`", matter.whom())))
}

/// Records that somebody agrees to a saved plan.
pub async fn plan(
    surroundings: &Surroundings,
    record: &Record,
    usable: &Usable,
    mut matter: Matter,
    actor: &str,
    reason: &str,
) -> Result<Given, Failure> {
    let (note, actor) = named(Some(reason), Some(actor))?;
    matter.may(actor)?;
    let approving = Approving {
        plan: plan_id(&usable.saved.header.id)?,
        digest: matter.digest.as_str().into(),
        actor: actor.into(),
        at: surroundings.world.now(),
        note: Some(note.to_owned()),
        effect: matter.measured.record(),
    };
    let one = record.journal.approve(&approving).await?;
    matter.approvals.push(Approval { actor: one.actor, at: one.at, note: one.note, digest: one.digest });
    Ok(Given { actor: actor.to_owned(), missing: matter.missing() })
}

/// The matter of a run that waits for approval: its own playbook, project file and plan.
pub fn of_run(opened: &Opened, run: RunId, state: &RunState) -> Result<Matter, Failure> {
    let short = run.short();
    if let Some(closed) = &state.closed {
        return Err(Failure::usage(format!("run {short} is over: {}", closed.end.word())));
    }
    let step = state.items.get(SINGLE_ITEM).and_then(|item| item.steps.get(APPROVAL));
    let waits = step.is_some_and(|step| step.asked.is_some() && step.decided.is_none());
    let (Some(created), true) = (&state.created, waits) else {
        return Err(Failure::usage(format!("run {short} waits for no approval"))
            .help("`trueup inbox` lists what waits for people"));
    };
    let facts =
        project::of_source(Source::new("the run's project file", created.facts.to_string()), opened.root.clone())?;
    let text = Source::new(format!("{} (as run {short} carries it)", created.playbook), created.text.to_string());
    let loaded = playbook::of_run(text, &facts)?;
    let playbook = loaded.checked.playbook();
    let items = created.plan.as_ref().and_then(stored::of_whole);
    let Some(items) = items else {
        return Err(Failure::usage(format!("run {short} carries no plan that could be shown")));
    };
    let plan = Plan {
        playbook: created.playbook.clone(),
        version: created.version,
        title: match created.about {
            Some(about) => format!("Take back run {}: {}", about.short(), playbook.title.as_str()).into(),
            None => playbook.title.text.clone(),
        },
        text_hash: created.sha256.to_string(),
        params: created.params.clone(),
        environment: created.environment.clone(),
        targets: created.targets.iter().map(|t| (t.connection.clone(), t.identity.to_string())).collect(),
        at: state.created_at.unwrap_or(created.now),
        items,
        many: None,
    };
    Ok(Matter {
        digest: created.plan_digest.as_deref().unwrap_or_default().to_owned(),
        requester: created.actor.to_string(),
        demands: demands(&facts.project, playbook, &plan),
        approvals: state.approvals.clone(),
        measured: Measured::of(&plan, playbook),
        plan,
    })
}

/// Records that somebody agrees to a run that waits. When people are still missing, the run asks again.
pub async fn run(
    surroundings: &Surroundings,
    record: &Record,
    opened: &Opened,
    run: RunId,
    actor: &str,
    reason: &str,
) -> Result<Given, Failure> {
    let (note, actor) = named(Some(reason), Some(actor))?;
    // Of two who agree at the same moment, each must see the other's approval.
    let claim = record.claim(surroundings, run, actor).await?;
    let done = async {
        let state = record.state(run).await?;
        resume::known(run, &state)?;
        let mut matter = of_run(opened, run, &state)?;
        matter.may(actor)?;
        let at = surroundings.world.now();
        let values =
            [("digest".into(), Value::from(matter.digest.as_str())), ("effect".into(), matter.measured.record())];
        let decided = HumanDecided {
            step: APPROVAL.into(),
            items: vec![SINGLE_ITEM.into()],
            actor: actor.into(),
            decision: APPROVE.into(),
            values: values.into_iter().collect(),
            reason: Some(note.to_owned()),
        };
        let digest = matter.digest.as_str().into();
        matter.approvals.push(Approval { actor: actor.into(), at, note: Some(note.to_owned()), digest });
        let missing = matter.missing();
        let mut events: Vec<Event> = vec![decided.into()];
        events.push(if missing.is_empty() {
            RunPaused { reason: "enough people have agreed".into(), until: None, behind: None }.into()
        } else {
            question(&matter.demands, &matter.requester, &matter.names(), &matter.plan).into()
        });
        record.journal.append_claimed(&claim, &events).await?;
        Ok(Given { actor: actor.to_owned(), missing })
    };
    let done = done.await;
    record.journal.release(&claim).await?;
    done
}
