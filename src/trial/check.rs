//! Names in a test file that the project file does not know: found before anything is run, all in one go.

use super::{
    given::mock,
    model::{Given, TestFile},
};
use crate::{
    base::{
        diagnostic::{Diagnostic, Diagnostics},
        shape::{BAD_FORM, Lowering, UNKNOWN_WORD, WRONG_TYPE, Word},
    },
    mock::worker,
    playbook::project::Project,
};

/// Notes unknown connections and people, and rows where answers belong.
pub fn check(file: &TestFile, project: &Project, problems: &mut Diagnostics) {
    let all = file.defaults.iter().map(|d| &d.given).chain(file.cases.iter().map(|c| &c.given));
    for (name, given) in all.flat_map(|given| &given.entries) {
        connection(name, project, problems);
        let Some(settings) = project.connections.get(name.as_str()) else { continue };
        let (is_api, rows) = (settings.http.is_some(), matches!(given, Given::Rows(_)));
        if is_api == rows {
            let message = if is_api {
                "an API has routes (a list), not tables"
            } else {
                "a database has tables (a map), not routes"
            };
            problems.push(Diagnostic::error(&WRONG_TYPE, name.span, message));
        }
        if let (Given::Rows(tables), true) = (given, settings.sidekiq.is_some()) {
            for (table, _) in &tables.entries {
                known(table, "table of jobs", super::jobs::tables(), problems);
            }
        }
        if let Given::Routes(routes) = given {
            crate::mock::check::check(&mock(name.as_str(), routes.clone()), &mut Lowering::new(problems));
        }
    }
    for (name, troubles) in file.cases.iter().flat_map(|c| &c.troubles.entries) {
        connection(name, project, problems);
        if project.connections.get(name.as_str()).is_some_and(|settings| settings.http.is_none()) {
            let message = format!("`{}` is no API: only calls of an API have troubles", name.as_str());
            problems.push(Diagnostic::error(&WRONG_TYPE, name.span, message));
        }
        troubles.iter().for_each(|one| crate::mock::check::trouble(one, &mut Lowering::new(problems)));
    }
    let files = file.defaults.iter().map(|d| &d.files).chain(file.cases.iter().map(|c| &c.files));
    for (name, _) in files.flat_map(|files| &files.entries) {
        if name.as_str().contains(['/', '\\']) || name.as_str().starts_with('.') {
            let problem =
                Diagnostic::error(&BAD_FORM, name.span, format!("`{}` is not the plain name of a file", name.as_str()));
            problems
                .push(problem.help("each case has a folder of its own; name the file alone, as the parameter does"));
        }
    }
    let jobs = file.defaults.iter().map(|d| &d.jobs).chain(file.cases.iter().map(|c| &c.jobs));
    for (name, given) in jobs.flat_map(|jobs| &jobs.entries) {
        connection(name, project, problems);
        if project.connections.get(name.as_str()).is_some_and(|settings| settings.sidekiq.is_none()) {
            let message = format!("`{}` has no background jobs: it is no `sidekiq` connection", name.as_str());
            problems.push(Diagnostic::error(&WRONG_TYPE, name.span, message));
        }
        worker::check(&given.start, &given.does, &mut Lowering::new(problems));
    }
    for case in &file.cases {
        let between = case.between.iter().flat_map(|b| [&b.plan_and_apply, &b.ask_and_answer]).flatten();
        between.for_each(|meddling| connection(&meddling.sql.db, project, problems));
        let expect = &case.expect;
        expect.sent.iter().flat_map(|sent| &sent.apis).for_each(|(name, _)| connection(name, project, problems));
        let told = expect.told.iter().flat_map(|told| told.entries.iter().map(|(who, _)| who));
        told.chain(&expect.to).for_each(|who| known(who, "person", project.people.names(), problems));
    }
}

fn connection(name: &Word, project: &Project, problems: &mut Diagnostics) {
    known(name, "connection", project.connections.names(), problems);
}

fn known<'a>(word: &Word, what: &str, names: impl Iterator<Item = &'a str>, problems: &mut Diagnostics) {
    let names: Vec<&str> = names.collect();
    if !names.contains(&word.as_str()) {
        let message = format!("the project file has no {what} `{}`", word.as_str());
        let problem = Diagnostic::error(&UNKNOWN_WORD, word.span, message);
        problems.push(problem.suggest(word.as_str(), names));
    }
}
