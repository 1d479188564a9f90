//! `diagnose`: finds the decision table that is asked, and asks it. No system is called.

use super::{Failure, Surroundings, playbook, project::Opened, tables};
use crate::{
    action::{kinds::Act, resource::KindOf, step::Step},
    base::suggest,
    playbook::{
        diagnosis::{self, Asked, Diagnosis},
        model::Playbook,
    },
};
use std::sync::Arc;

/// Answers from the table of a playbook, else from those of the playbooks that it calls; or from a shared table.
pub fn diagnose(
    surroundings: &Surroundings,
    opened: &Opened,
    name: &str,
    step: Option<&str>,
    error: &str,
) -> Result<Diagnosis, Failure> {
    if error.trim().is_empty() {
        return Err(
            Failure::usage("the error's text is empty").help("give a file, or `-` and the text on standard input")
        );
    }
    let asked = match tables::find(surroundings, opened, name) {
        Some(path) => vec![of_table(tables::load(surroundings, opened, &path)?, step)?],
        None => of_playbook(&playbook::load(surroundings, opened, name)?, opened, step)?,
    };
    let mut first = None;
    for table in asked {
        if table.rows.is_empty() {
            first.get_or_insert(Err(table.name));
            continue;
        }
        let settings = table.api.as_ref().and_then(|api| opened.project.connections.get(api)?.http.as_ref());
        let found = diagnosis::diagnose(table, settings, error);
        if found.decides.is_some() {
            return Ok(found);
        }
        // What is nearest in the playbook's own table is told before what a called one says.
        if !matches!(first, Some(Ok(_))) {
            first = Some(Ok(found));
        }
    }
    match first {
        Some(Ok(found)) => Ok(found),
        Some(Err(name)) => Err(Failure::usage(format!("`{name}` has no `errors:` table"))
            .help("add `errors:` to it, or name a shared table")),
        None => Err(Failure::usage(format!("`{name}` has no `errors:` table"))),
    }
}

fn of_table(loaded: tables::LoadedTable, step: Option<&str>) -> Result<Asked, Failure> {
    let asked = loaded.table.table.as_str().to_owned();
    if step.is_some() {
        return Err(Failure::usage(format!("`{asked}` is a shared table: it has no steps"))
            .help("name the playbook instead, or leave `--step` away"));
    }
    let api = loaded.table.api.as_ref().map(|word| word.as_str().to_owned());
    Ok(Asked { name: asked, source: loaded.source, rows: loaded.table.rows(), step: None, api })
}

/// The tables of a playbook and of those that it calls, its own first; with a step only the one that the step follows.
fn of_playbook(loaded: &playbook::Loaded, opened: &Opened, wanted: Option<&str>) -> Result<Vec<Asked>, Failure> {
    let root = loaded.checked.playbook();
    let called = loaded.checked.called();
    let mut names: Vec<&Arc<str>> = called.keys().filter(|name| ***name != *root.name.text).collect();
    names.sort();
    let all = std::iter::once(root).chain(names.into_iter().filter_map(|name| called.get(name)));
    let all: Vec<(&Arc<Playbook>, Vec<Outside>)> = all.map(|playbook| (playbook, calls_in(playbook, opened))).collect();
    let own = root.name.as_str();
    let has = |calls: &[Outside]| wanted.is_none_or(|step| calls.iter().any(|one| one.step.as_deref() == Some(step)));
    if let Some(step) = wanted
        && !all.iter().any(|(_, calls)| has(calls))
    {
        let failure = Failure::usage(format!("`{own}` has no step `{step}` that calls an API or starts a program"));
        let known = all.iter().flat_map(|(_, calls)| calls).filter_map(|one| one.step.as_deref());
        return Err(match suggest::help(step, known) {
            Some(help) => failure.help(help),
            None => failure,
        });
    }
    let asked = all.iter().filter(|(_, calls)| has(calls)).map(|(playbook, calls)| {
        let meant: Vec<&Outside> =
            calls.iter().filter(|one| wanted.is_none() || one.step.as_deref() == wanted).collect();
        let step = match meant.as_slice() {
            [one] => Some(one.step.clone()),
            _ => None,
        };
        let first = meant.first().map(|one| &one.connection);
        let api = first.filter(|first| meant.iter().all(|one| one.connection == **first)).cloned();
        let name = playbook.name.as_str().to_owned();
        Asked { name, source: loaded.checked.source().clone(), rows: playbook.errors.rows.clone(), step, api }
    });
    Ok(asked.collect())
}

/// A step that calls an API or starts a program.
struct Outside {
    step: Option<String>,
    connection: String,
}

fn calls_in(playbook: &Playbook, opened: &Opened) -> Vec<Outside> {
    let mut calls = Vec::new();
    let mut look = |step: &Step| {
        let mut add = |step: &Step, id: Option<&str>| {
            let connection = match &step.act {
                Act::Http(call) => Some(call.api.as_str()),
                Act::Command(command) => Some(command.program.as_str()),
                Act::Resource(spec) => match spec.kind() {
                    Some(KindOf::Named(name)) => {
                        opened.project.resources.get(name.as_str()).map(|kind| kind.api.as_str())
                    }
                    Some(KindOf::Here(kind)) => Some(kind.api.as_str()),
                    None => None,
                },
                _ => None,
            };
            let found = connection.map(|name| Outside { step: id.map(str::to_owned), connection: name.to_owned() });
            calls.extend(found);
        };
        match &step.act {
            Act::Wait(wait) => add(&wait.read, step.id()),
            _ => add(step, step.id()),
        }
    };
    for (_, steps) in playbook.sections() {
        steps.iter().for_each(|step| step.each(&mut look));
    }
    calls
}
