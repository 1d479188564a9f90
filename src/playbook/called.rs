//! The playbooks that stand in the text of another one because it calls them, at any depth: a run carries them as it carries its own.

use super::{error_table::SUFFIX, lenient::Reading, model::Playbook};
use crate::{
    action::{call::CallSpec, kinds::Act},
    base::{diagnostic::Diagnostics, source::Source, source::Span},
};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

/// See the head of this file.
#[derive(Clone, Debug, Default)]
pub struct Called {
    files: Vec<CalledFile>,
}

/// One of them.
#[derive(Clone, Debug)]
pub struct CalledFile {
    /// What messages call its file: `playbooks/register/correct-award.yaml`.
    pub shown: String,
    /// Its text.
    pub at: Span,
    /// What it says, as far as it can be read.
    pub playbook: Option<Arc<Playbook>>,
    /// What is left of its steps that cannot be read as a whole; see [`Reading::remains`].
    pub remains: Option<Arc<Playbook>>,
    /// All names in it, where not all could be read.
    pub named: HashSet<Arc<str>>,
}

impl Called {
    /// Those that stand in a text. What cannot be read goes to `problems`.
    pub fn of(source: &Arc<Source>, problems: &mut Diagnostics) -> Called {
        let others = source.included().iter().filter(|part| !part.name.ends_with(SUFFIX));
        let files = others.map(|part| {
            let reading = Reading::at(source, part.span, problems);
            let playbook = reading.playbook.map(Arc::new);
            let remains = reading.remains.map(Arc::new);
            CalledFile { shown: part.name.clone(), at: part.span, playbook, remains, named: reading.named }
        });
        Called { files: files.collect() }
    }

    /// The same of a text that was found sound before.
    pub fn of_sound(source: &Arc<Source>) -> Called {
        Called::of(source, &mut Diagnostics::new(source.clone()))
    }

    /// All of them.
    pub fn files(&self) -> &[CalledFile] {
        &self.files
    }

    /// The file of a playbook.
    pub fn file(&self, name: &str) -> Option<&CalledFile> {
        let file = format!("{name}.yaml");
        let named =
            |shown: &str| shown == file || shown.strip_suffix(&file).is_some_and(|folder| folder.ends_with('/'));
        // `b` is not meant by `a/b`, if both are there.
        self.files.iter().filter(|one| named(&one.shown)).min_by_key(|one| one.shown.len())
    }

    /// The playbook of this name.
    pub fn get(&self, name: &str) -> Option<&Arc<Playbook>> {
        self.file(name)?.playbook.as_ref()
    }

    /// Each with the name that it is called by.
    pub fn by_name(&self, root: &Playbook) -> HashMap<Arc<str>, Arc<Playbook>> {
        let mut all = HashMap::new();
        let mut open: Vec<Arc<str>> = names(root);
        while let Some(name) = open.pop() {
            let Some(playbook) = self.get(&name).filter(|_| !all.contains_key(&name)) else { continue };
            open.extend(names(playbook));
            all.insert(name, playbook.clone());
        }
        all
    }

    /// The names of those that stand between a playbook and one that it reaches by its calls, both included.
    pub fn way(&self, from: &str, to: &str) -> Option<Vec<String>> {
        let mut seen = HashSet::new();
        self.go(from, to, &mut seen)
    }

    fn go(&self, from: &str, to: &str, seen: &mut HashSet<String>) -> Option<Vec<String>> {
        if from == to {
            return Some(vec![to.to_owned()]);
        }
        if !seen.insert(from.to_owned()) {
            return None;
        }
        let rest = names(self.get(from)?).iter().find_map(|next| self.go(next, to, seen))?;
        Some([from.to_owned()].into_iter().chain(rest).collect())
    }

    /// How many playbooks stand in each other below one, at most; nothing where they go round in a circle.
    pub fn depth(&self, name: &str) -> Option<usize> {
        self.deep(name, &mut Vec::new())
    }

    fn deep<'a>(&'a self, name: &'a str, around: &mut Vec<String>) -> Option<usize> {
        if around.iter().any(|one| one == name) {
            return None;
        }
        around.push(name.to_owned());
        let inner = self.get(name).map_or_else(Vec::new, |playbook| names(playbook));
        let mut deepest = 0;
        for inner in &inner {
            deepest = deepest.max(self.deep(inner, around)?);
        }
        around.pop();
        Some(deepest + 1)
    }
}

/// Every call of a playbook.
pub fn calls(playbook: &Playbook) -> Vec<&CallSpec> {
    let mut all = Vec::new();
    for step in playbook.sections().into_iter().flat_map(|(_, steps)| steps) {
        step.each(&mut |one| {
            if let Act::Call(call) = &one.act {
                all.push(call);
            }
        });
    }
    all
}

/// The names of the playbooks that one calls, each once.
pub fn names(playbook: &Playbook) -> Vec<Arc<str>> {
    let mut all: Vec<Arc<str>> = Vec::new();
    for call in calls(playbook) {
        if !all.contains(&call.playbook.text) {
            all.push(call.playbook.text.clone());
        }
    }
    all
}
