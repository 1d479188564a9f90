//! Whether schedules fit their playbooks: what `check` says of them beside the project file itself. No other command refuses anything for
//! it: a schedule that does not fit is blocked by itself, and the rest of the project goes on.

use super::{PIN, pin_of};
use crate::{
    base::{
        diagnostic::{Diagnostic, Diagnostics},
        shape::Word,
        source::Span,
        value::Value,
    },
    check::{SCHEDULE_OVER, UNFIT_SCHEDULE, finds_what_differs, share_of_what_differs},
    ops::{
        Failure, Surroundings,
        playbook::{self, Loaded, name_of},
        project::Opened,
    },
    playbook::{params, schedules::Schedule},
    targets::limits::Share,
};
use std::path::Path;

/// Notes what is wrong with the schedules whose playbooks are looked at.
pub fn unfit(
    surroundings: &Surroundings,
    opened: &Opened,
    is_looked_at: &dyn Fn(Option<&Path>) -> bool,
    problems: &mut Diagnostics,
) {
    for (called, schedule) in &opened.project.schedules.entries {
        let name = &schedule.playbook;
        let path = playbook::find(surroundings, opened, name.as_str());
        if !is_looked_at(path.as_deref().ok()) {
            continue;
        }
        if let Some(day) = schedule.expires.filter(|_| schedule.is_expired(surroundings.world.now())) {
            let message = format!("`{}` begins nothing any more: its last day was {}", called.as_str(), day.0);
            let problem = Diagnostic::warning(&SCHEDULE_OVER, called.span, message);
            problems.push(problem.help("give `expires:` a later day, or take the schedule out"));
        }
        match path.and_then(|path| Ok((playbook::load_file(surroundings, opened, &path)?, path))) {
            Ok((loaded, _)) => one(opened, schedule, &loaded, problems),
            // Its own problems are told at their place, if it is one of the project.
            Err(Failure::Texts(_)) if is_of_the_project(surroundings, opened, name) => {}
            Err(failure) => {
                let is_there = playbook::find(surroundings, opened, name.as_str()).is_ok();
                let none = || format!("there is no playbook `{}`", name.as_str());
                let message = if is_there { failure.in_short() } else { none() };
                let mut problem = Diagnostic::error(&UNFIT_SCHEDULE, name.span, message);
                if let Failure::Usage { help, .. } = failure {
                    problem.help = help;
                }
                problems.push(problem);
            }
        }
    }
}

fn is_of_the_project(surroundings: &Surroundings, opened: &Opened, name: &Word) -> bool {
    playbook::find(surroundings, opened, name.as_str()).is_ok_and(|path| name_of(&path, opened).is_some())
}

fn one(opened: &Opened, schedule: &Schedule, loaded: &Loaded, problems: &mut Diagnostics) {
    let (name, checked) = (&schedule.playbook, loaded.checked.playbook());
    let given: Vec<(String, Value)> =
        schedule.params.iter().map(|(name, value)| (name.to_owned(), value.clone())).collect();
    for refused in params::accept(&checked.params, &given, &opened.project).err().into_iter().flatten() {
        let written = schedule.params.entries.iter().find(|(word, _)| word.as_str() == refused.param);
        let at: Span = written.map_or(name.span, |(word, _)| word.span);
        let message = if refused.message.contains(&format!("`{}`", refused.param)) {
            refused.message
        } else {
            format!("`{}`: {}", refused.param, refused.message)
        };
        let problem = Diagnostic::error(&UNFIT_SCHEDULE, at, message);
        problems.push(match (written, refused.help) {
            (Some(_), Some(help)) => problem.help(help),
            (Some(_), None) => problem,
            // What helps on the command line is no help here.
            (None, _) => {
                problem.help(format!("give it under `params:` of the schedule: `params: {{ {}: … }}`", refused.param))
            }
        });
    }
    if let Some(pin) = &schedule.pin {
        let found = pin_of(loaded);
        if !found.starts_with(pin.as_str()) {
            let message = format!("`{}` is not the text that is pinned: the schedule is blocked", name.as_str());
            let help = format!("read the playbook, and if it may run, write `pin: {}`", &found[..PIN]);
            problems.push(Diagnostic::error(&UNFIT_SCHEDULE, pin.span, message).help(help));
        }
    }
    if let Some(caps) = &schedule.caps
        && let Some(share @ Share::Percent(_)) = caps.share
        && let Some(column) = finds_what_differs(checked)
    {
        problems.push(share_of_what_differs(caps.at, share, &column));
    }
}
