//! The headings of a run's steps, from the playbook that the run carries.

use crate::{
    action::{call::DEEPEST, kinds::Act, step::Step},
    base::{diagnostic::Diagnostics, source::Source},
    engine::{outline, undo::outline::origin},
    journal::payload::RunCreated,
    plan::Section,
    playbook::{called::Called, model::Playbook},
};
use std::{collections::HashMap, sync::Arc};

/// Path of a step → its heading. Empty when the playbook's text cannot be read by this version.
pub struct Titles(HashMap<String, String>);

impl Titles {
    /// Of a run.
    pub fn of(created: Option<&RunCreated>) -> Titles {
        let mut titles = HashMap::new();
        if let Some(created) = created {
            let source = Source::new(created.playbook.to_string(), created.text.to_string());
            let mut quiet = Diagnostics::new(source.clone());
            if let Some(playbook) = Playbook::parse(&source, &mut quiet) {
                let called = Called::of_sound(&source).by_name(&playbook);
                for (section, steps) in playbook.sections() {
                    Collect { called: &called, depth: 0 }.collect(section, steps, &mut titles);
                }
            }
        }
        Titles(titles)
    }

    /// The heading of a step, or its name where it has none.
    pub fn get<'a>(&'a self, path: &'a str) -> &'a str {
        self.0.get(&outline::without_turns(origin(path))).map_or_else(|| super::plan::step_name(path), String::as_str)
    }
}

#[derive(Clone, Copy)]
struct Collect<'a> {
    called: &'a HashMap<Arc<str>, Arc<Playbook>>,
    /// How many calls stand around.
    depth: usize,
}

impl Collect<'_> {
    /// Headings with values in them are left out: the values are not at hand here.
    fn collect(self, prefix: &str, steps: &[Step], titles: &mut HashMap<String, String>) {
        for (index, step) in steps.iter().enumerate() {
            let path = outline::path(prefix, step, index);
            let told = match &step.act {
                Act::Tell(tell) => Some(format!("Tell {}", tell.who.as_str())),
                Act::Call(call) => self.called.get(&call.playbook.text).map(|called| called.title.as_str().to_owned()),
                _ => None,
            };
            let title = step.common.title.as_ref().map(|title| title.scalar().text.trim().to_owned()).or(told);
            if let Some(title) = title.filter(|t| !t.contains("{{") && !t.contains("{%")) {
                titles.insert(path.to_string(), title);
            }
            for (part, steps) in step.parts() {
                self.collect(&outline::inside(&path, part.as_deref()), steps, titles);
            }
            let Act::Call(call) = &step.act else { continue };
            let Some(called) = self.called.get(&call.playbook.text).filter(|_| self.depth < DEEPEST) else { continue };
            let inner = Collect { depth: self.depth + 1, ..self };
            for (section, steps) in called.sections() {
                inner.collect(&outline::inside(&path, Some(section)), steps, titles);
            }
        }
    }
}

/// The list that a path belongs to; paths of a later version count as steps.
pub fn section(path: &str) -> Section {
    Section::ALL.into_iter().find(|s| path.split('/').next() == Some(s.word())).unwrap_or(Section::Steps)
}
