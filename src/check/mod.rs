//! Playbook → Checked: every rule that can be judged without touching the world, one file a rule.
//!
//! Rules are pure: the playbook, the project file and what `ops` found out beforehand ([`Knowledge`]: catalogues, prepared
//! statements) come in as data, diagnostics go out. Nothing here opens a file or a connection.

pub mod again;
pub mod checked;
mod columns;
mod error_table;
mod facts;
mod families;
pub mod knowledge;
pub mod lint;
mod listed;
pub mod looked;
pub mod mentions;
pub mod once;
mod project;
pub mod rewrite;
pub mod rules;
mod scene;
mod shape;
pub mod spots;
pub mod version;

pub use checked::{Checked, Recovery, Section, StepFacts};
pub use error_table::error_table;
pub use knowledge::{Knowledge, PrepareFault, Prepared, Statement};
pub use project::schedules::{OVER as SCHEDULE_OVER, UNFIT as UNFIT_SCHEDULE, is_somebody};
pub use rules::reconcile::{finds_what_differs, share_of_what_differs};
pub use rules::uses::{Grant, needed};
pub use scene::{System, statements, system};

use crate::{
    base::{
        diagnostic::{Code, Diagnostics},
        source::Source,
    },
    playbook::{called::Called, lenient::Reading, model::Playbook, project::Project},
};
use rules::Needs;
use std::{collections::HashSet, sync::Arc};

/// Judges a playbook that was read without problems, by every rule. All problems in one go; a [`Checked`] comes out only
/// when there is no error (advice does not hinder).
pub fn check(
    playbook: Playbook,
    source: Arc<Source>,
    project: Arc<Project>,
    knowledge: &Knowledge,
) -> (Option<Checked>, Diagnostics) {
    let problems = Diagnostics::new(source.clone());
    judge(playbook, Broken::default(), source, project, knowledge, problems)
}

/// Reads and judges in one go: what is wrong with the text and what the rules find, together.
pub fn read_and_check(
    source: Arc<Source>,
    project: Arc<Project>,
    knowledge: &Knowledge,
) -> (Option<Checked>, Diagnostics) {
    let mut problems = Diagnostics::new(source.clone());
    let reading = Reading::of(&source, &mut problems);
    match reading.playbook {
        Some(playbook) => {
            let broken = Broken { named: reading.named, remains: reading.remains.map(Arc::new) };
            judge(playbook, broken, source, project, knowledge, problems)
        }
        None => (None, problems),
    }
}

/// What there is beside the playbook where its text could not be read as a whole.
#[derive(Default)]
struct Broken {
    named: HashSet<Arc<str>>,
    remains: Option<Arc<Playbook>>,
}

fn judge(
    playbook: Playbook,
    broken: Broken,
    source: Arc<Source>,
    project: Arc<Project>,
    knowledge: &Knowledge,
    mut problems: Diagnostics,
) -> (Option<Checked>, Diagnostics) {
    let whole = problems.errors() == 0;
    let called = Called::of(&source, &mut problems);
    let around = Around { source: &source, project: &project, called: &called, root: &playbook };
    let mut facts = around.look(&playbook, broken, whole, knowledge, &mut problems);
    for (name, callee) in called.by_name(&playbook) {
        let broken = called.file(&name).map(|file| Broken { named: file.named.clone(), remains: file.remains.clone() });
        let broken = broken.unwrap_or_default();
        let own = Knowledge { name: Some(name.to_string()), ..knowledge.clone() };
        let whole = broken.named.is_empty();
        facts.extend(around.look(&callee, broken, whole, &own, &mut problems));
    }
    if problems.errors() > 0 {
        // A step that is wrong may be the one that was to use it.
        problems.leave_out(&rules::uses::IDLE_GRANT);
    }
    if playbook.lifecycle.is_some() {
        // Its stages and moves stand for many steps, all with the same condition or line.
        problems.keep_where_written();
    }
    let sound = problems.errors() == 0;
    let called = Arc::new(called.by_name(&playbook));
    let checked = sound.then(|| Checked::new(playbook, called, source, project, facts));
    (checked, problems)
}

/// What the playbooks of one text have in common.
struct Around<'a> {
    source: &'a Arc<Source>,
    project: &'a Project,
    called: &'a Called,
    root: &'a Playbook,
}

impl Around<'_> {
    fn look(
        &self,
        playbook: &Playbook,
        broken: Broken,
        whole: bool,
        knowledge: &Knowledge,
        problems: &mut Diagnostics,
    ) -> Vec<(usize, StepFacts)> {
        let others = scene::Others { called: self.called, root: self.root };
        let seen = |playbook, named| scene::Scene::new(playbook, others, named, self.source, self.project, knowledge);
        let scene = seen(playbook, broken.named.clone());
        let remains = broken.remains.as_ref().map(|remains| seen(remains, broken.named));
        for rule in rules::RULES.iter().filter(|rule| whole || rule.needs != Needs::Whole) {
            let scene = remains.as_ref().filter(|_| rule.needs == Needs::Parts).unwrap_or(&scene);
            (rule.look)(scene, problems);
        }
        if problems.errors() == 0 { facts::all(&scene) } else { Vec::new() }
    }
}

/// Judges a project file that was read without problems, with the catalogues that are known.
pub fn check_project(project: &Project, knowledge: &Knowledge, problems: &mut Diagnostics) {
    for rule in project::RULES {
        (rule.look)(project, knowledge, problems);
    }
}

/// Every code that reading or checking a file can give, in the order of their ids: what `trueup explain` knows.
pub fn codes() -> Vec<&'static Code> {
    let mut all = crate::playbook::model::codes();
    all.extend(crate::template::problem::CODES);
    all.extend(crate::mock::check::CODES);
    all.extend(rules::RULES.iter().flat_map(|rule| rule.codes));
    all.extend(project::RULES.iter().flat_map(|rule| rule.codes));
    all.extend(lint::RULES.iter().flat_map(|rule| rule.codes));
    all.extend(version::CODES);
    all.extend(rewrite::CODES);
    all.sort_by_key(|code| code.id);
    // A code that several rules give is one; two codes of one id would be a mistake, which a test finds.
    all.dedup_by(|a, b| std::ptr::eq(*a, *b));
    all
}
