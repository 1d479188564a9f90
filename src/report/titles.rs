//! The headings of a run's steps, from the playbook that the run carries.

use crate::{
    action::{kinds::Act, step::Step},
    base::{diagnostic::Diagnostics, source::Source},
    engine::{outline, undo::outline::origin},
    journal::payload::RunCreated,
    plan::Section,
    playbook::model::Playbook,
};
use std::collections::HashMap;

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
                for (section, steps) in playbook.sections() {
                    collect(section, steps, &mut titles);
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

/// Headings with values in them are left out: the values are not at hand here.
fn collect(prefix: &str, steps: &[Step], titles: &mut HashMap<String, String>) {
    for (index, step) in steps.iter().enumerate() {
        let path = outline::path(prefix, step, index);
        let told = if let Act::Tell(tell) = &step.act { Some(format!("Tell {}", tell.who.as_str())) } else { None };
        let title = step.common.title.as_ref().map(|title| title.scalar().text.trim().to_owned()).or(told);
        if let Some(title) = title.filter(|t| !t.contains("{{") && !t.contains("{%")) {
            titles.insert(path.to_string(), title);
        }
        for (part, steps) in step.parts() {
            collect(&outline::inside(&path, part.as_deref()), steps, titles);
        }
    }
}

/// The list that a path belongs to; paths of a later version count as steps.
pub fn section(path: &str) -> Section {
    Section::ALL.into_iter().find(|s| path.split('/').next() == Some(s.word())).unwrap_or(Section::Steps)
}
