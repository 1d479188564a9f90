//! The playbook's steps as a flat list of places, each with a lasting path: what `decide` walks along.

use crate::{
    action::{
        deed::{Jobs, Restore},
        kinds::Act,
        step::Step,
    },
    base::value::Value,
    plan::Section,
    playbook::model::Playbook,
    template::Scope,
};
use std::sync::Arc;

/// One place: a step, or a block.
#[derive(Clone, Debug)]
pub struct Place {
    /// Which list.
    pub section: Section,
    /// `steps/change`, `steps/change/route`: lasting, part of effect ids.
    pub path: Arc<str>,
    /// The step.
    pub step: Arc<Step>,
    /// A block whose inner places follow: here only its `when` is looked at.
    pub gate: bool,
    /// In a run that takes another one back: what to do instead of the step's own action.
    pub back: Option<Back>,
}

/// What a place of an undo does.
#[derive(Clone, Debug)]
pub enum Back {
    /// Rows become what they were.
    Rows(Restore),
    /// Background jobs become what they were.
    Jobs(Jobs),
    /// Nothing: it cannot be taken back, or need not. Why, for people.
    Left(String),
    /// Nothing any more. Why, for people.
    Already(String),
    /// The step's own action, with this value under this name: what the effect answered that it takes back.
    Step(Arc<str>, Value),
}

impl Place {
    /// The name of its result.
    pub fn id(&self) -> Option<&str> {
        self.step.id()
    }

    /// Its step's own action is done, and gives its result.
    pub fn is_plain(&self) -> bool {
        matches!(self.back, None | Some(Back::Step(..)))
    }

    /// Whether `path` lies inside this block.
    pub fn holds(&self, path: &str) -> bool {
        self.gate && path.strip_prefix(&*self.path).is_some_and(|rest| rest.starts_with('/'))
    }
}

/// All places in the order of a run. A `block: transaction` is one place: it happens as one.
#[derive(Clone, Debug)]
pub struct Outline {
    /// The places.
    pub places: Vec<Place>,
    /// What the run knows at its beginning, where that is more than its parameters: the captured values of a run that
    /// is taken back.
    pub scope: Option<Scope>,
}

impl Outline {
    /// Of a playbook.
    pub fn of(playbook: &Playbook) -> Outline {
        let lists = [&playbook.preconditions, &playbook.steps, &playbook.verification, &playbook.afterwards];
        let mut places = Vec::new();
        for (section, steps) in Section::ALL.into_iter().zip(lists) {
            flatten(section, section.word(), steps, &mut places);
        }
        Outline { places, scope: None }
    }

    /// The place of a path.
    pub fn place(&self, path: &str) -> Option<&Place> {
        self.places.iter().find(|p| &*p.path == path)
    }
}

fn flatten(section: Section, prefix: &str, steps: &[Step], places: &mut Vec<Place>) {
    for (index, step) in steps.iter().enumerate() {
        let path = path(prefix, step, index);
        let gate = matches!(&step.act, Act::Block(block) if block.transaction.is_none());
        places.push(Place { section, path: path.clone(), step: Arc::new(step.clone()), gate, back: None });
        if gate {
            flatten(section, &path, step.inner(), places);
        }
    }
}

/// The path of a step within its list.
pub fn path(prefix: &str, step: &Step, index: usize) -> Arc<str> {
    format!("{prefix}/{}", step.label(index)).into()
}
