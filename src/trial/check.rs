//! Names in a test file that the project file does not know: found before anything is run, all in one go.

use super::{
    given::mock,
    model::{Given, GivenRows, MeddlingJobs, TestFile},
};
use crate::{
    base::{
        diagnostic::{Diagnostic, Diagnostics},
        shape::{BAD_FORM, Lowering, MISSING_KEY, Named, UNKNOWN_WORD, WRONG_TYPE, Word},
        value::Value,
    },
    connection::sidekiq::settings::TABLES,
    mock::{program, worker},
    playbook::{model::Playbook, project::Project},
};

/// Notes unknown connections and people, and rows where answers belong.
pub fn check(file: &TestFile, project: &Project, problems: &mut Diagnostics) {
    let all = file.defaults.iter().map(|d| &d.given).chain(file.cases.iter().map(|c| &c.given));
    for (name, given) in all.flat_map(|given| &given.entries) {
        connection(name, project, problems);
        let Some(settings) = project.connections.get(name.as_str()) else { continue };
        let wrong = match (settings.http.is_some(), settings.command.is_some(), given) {
            (true, _, Given::Rows(_) | Given::Runs(_)) => Some("an API has routes (a list), not tables"),
            (_, true, Given::Rows(_) | Given::Routes(_) | Given::MockFile(_)) => {
                Some("a program has calls (a list with `run:`), not tables or routes")
            }
            (false, false, Given::Routes(_) | Given::Runs(_) | Given::MockFile(_)) => {
                Some("a database has tables (a map), not routes")
            }
            _ => None,
        };
        kind(wrong, name, problems);
        match given {
            Given::Rows(rows) => self::rows(name, rows, settings.sidekiq.is_some(), problems),
            Given::Routes(routes) => {
                crate::mock::check::check(&mock(name.as_str(), routes.clone()), &mut Lowering::new(problems));
            }
            Given::Runs(runs) => program::check(runs, &mut Lowering::new(problems)),
            Given::MockFile(_) => {}
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
    for case in &file.cases {
        let between = || case.between.iter();
        let midway = case.between.as_ref().and_then(|b| b.step_and_next.as_ref());
        let sql = between().flat_map(|between| between.statements());
        between().flat_map(|between| between.jobs()).for_each(|jobs| touched(jobs, project, problems));
        let called = midway.and_then(|midway| midway.call.as_ref()).map(|call| &call.api);
        sql.map(|sql| &sql.db).chain(called).for_each(|name| connection(name, project, problems));
        let expect = &case.expect;
        let named = expect.sent.iter().flat_map(|sent| sent.apis.iter().map(|(name, _)| name));
        let in_order = expect.sent.iter().flat_map(|sent| sent.order.iter().map(|one| &one.api));
        named.chain(in_order).for_each(|name| connection(name, project, problems));
        let told = expect.told.iter().flat_map(|told| told.entries.iter().map(|(who, _)| who));
        told.chain(&expect.to).for_each(|who| known(who, "person", project.people.names(), problems));
    }
}

/// Notes a playbook or table that is not there, and parameters that the playbook does not have. `there`: what is tested is. `playbook`:
/// as far as it could be read.
pub fn against(
    file: &TestFile,
    there: bool,
    playbook: Option<&Playbook>,
    names: &[String],
    problems: &mut Diagnostics,
) {
    let (word, what) = match (&file.playbook, &file.table) {
        (Some(word), _) => (word, "playbook"),
        (None, Some(word)) => (word, "errors table"),
        (None, None) => return,
    };
    if !there {
        let problem = Diagnostic::error(&UNKNOWN_WORD, word.span, format!("there is no {what} `{}`", word.as_str()));
        problems.push(problem.suggest(word.as_str(), names.iter().map(String::as_str)));
    }
    let Some(playbook) = playbook else { return };
    let mut params = |given: &Named<Value>, refused: Option<&str>| {
        for (name, _) in &given.entries {
            // A case may be about just this refusal.
            if playbook.params.get(name.as_str()).is_none() && refused != Some(name.as_str()) {
                let message = format!("`{}` has no parameter `{}`", word.as_str(), name.as_str());
                let problem = Diagnostic::error(&UNKNOWN_WORD, name.span, message);
                problems.push(problem.suggest(name.as_str(), playbook.params.names()));
            }
        }
    };
    if let Some(defaults) = &file.defaults {
        params(&defaults.params, None);
    }
    for case in &file.cases {
        params(&case.params, case.expect.invalid.as_ref().map(|invalid| invalid.param.as_str()));
    }
}

/// Jobs that somebody else touches.
fn touched(jobs: &MeddlingJobs, project: &Project, problems: &mut Diagnostics) {
    connection(&jobs.queue, project, problems);
    if project.connections.get(jobs.queue.as_str()).is_some_and(|settings| settings.sidekiq.is_none()) {
        let message = format!("`{}` has no background jobs: it is no `sidekiq` connection", jobs.queue.as_str());
        problems.push(Diagnostic::error(&WRONG_TYPE, jobs.queue.span, message));
    }
    jobs.add.entries.iter().for_each(|(table, _)| known(table, "table of jobs", TABLES.into_iter(), problems));
    if jobs.delete.is_empty() && jobs.add.entries.is_empty() {
        let problem = Diagnostic::error(&MISSING_KEY, jobs.queue.span, "nothing happens to these jobs");
        problems.push(problem.help("`delete: [aa11]` takes jobs away, `add: { dead: […] }` brings some"));
    }
}

fn kind(wrong: Option<&str>, name: &Word, problems: &mut Diagnostics) {
    if let Some(message) = wrong {
        problems.push(Diagnostic::error(&WRONG_TYPE, name.span, message));
    }
}

fn rows(name: &Word, rows: &GivenRows, jobs: bool, problems: &mut Diagnostics) {
    if jobs {
        rows.tables.entries.iter().for_each(|(table, _)| known(table, "table of jobs", TABLES.into_iter(), problems));
    } else if rows.takes_after.is_some() || rows.does.is_some() {
        let message = format!("`{}` has no background jobs: it is no `sidekiq` connection", name.as_str());
        problems.push(Diagnostic::error(&WRONG_TYPE, name.span, message));
    }
    worker::check(&[], rows.does.as_deref().unwrap_or_default(), &mut Lowering::new(problems));
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
