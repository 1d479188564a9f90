//! `diagnose`: finds the decision table that is asked, and asks it. No system is called.

use super::{Failure, Surroundings, playbook, project::Opened, tables};
use crate::{
    action::{kinds::Act, step::Step},
    base::suggest,
    playbook::diagnosis::{self, Asked, Diagnosis},
};

/// Answers from the table of a playbook, or from a shared table.
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
    let table = match tables::find(surroundings, opened, name) {
        Some(path) => of_table(tables::load(surroundings, opened, &path)?, step)?,
        None => of_playbook(playbook::load(surroundings, opened, name)?, step)?,
    };
    if table.rows.is_empty() {
        return Err(Failure::usage(format!("`{}` has no `errors:` table", table.name))
            .help("add `errors:` to it, or name a shared table"));
    }
    let settings = table.api.as_ref().and_then(|api| opened.project.connections.get(api)?.http.as_ref());
    Ok(diagnosis::diagnose(table, settings, error))
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

fn of_playbook(loaded: playbook::Loaded, wanted: Option<&str>) -> Result<Asked, Failure> {
    let playbook = loaded.checked.playbook();
    let mut calls: Vec<(Option<&str>, &str)> = Vec::new();
    for (_, steps) in playbook.sections() {
        steps.iter().for_each(|step| calls_of(step, &mut calls));
    }
    let asked = playbook.name.as_str().to_owned();
    if let Some(step) = wanted
        && !calls.iter().any(|(id, _)| *id == Some(step))
    {
        let failure = Failure::usage(format!("`{asked}` has no step `{step}` that calls an API"));
        return Err(match suggest::help(step, calls.iter().filter_map(|(id, _)| *id)) {
            Some(help) => failure.help(help),
            None => failure,
        });
    }
    let meant: Vec<_> = calls.iter().filter(|(id, _)| wanted.is_none() || *id == wanted).collect();
    let step = match meant.as_slice() {
        [(id, _)] => Some(id.map(str::to_owned)),
        _ => None,
    };
    let first = meant.first().map(|(_, api)| *api);
    let api = first.filter(|first| meant.iter().all(|(_, api)| api == first)).map(str::to_owned);
    Ok(Asked { name: asked, source: loaded.checked.source().clone(), rows: playbook.errors.rows.clone(), step, api })
}

fn calls_of<'a>(step: &'a Step, calls: &mut Vec<(Option<&'a str>, &'a str)>) {
    if let Act::Http(call) = &step.act {
        calls.push((step.id(), call.api.as_str()));
    }
    step.inner().iter().for_each(|inner| calls_of(inner, calls));
}
