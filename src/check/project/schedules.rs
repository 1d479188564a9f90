//! Schedules: in an environment that is there, in the name of somebody, and heal only what somebody has read.

use crate::{
    base::{
        diagnostic::{Code, Diagnostic, Diagnostics},
        shape::Word,
    },
    check::{knowledge::Knowledge, rules::reconcile::caps},
    playbook::{
        project::Project,
        schedules::{Mode, Schedule},
    },
};
use std::time::Duration;

/// A schedule that could not run.
pub static SCHEDULE: Code = Code {
    id: "E0830",
    title: "a schedule that does not fit",
    explain: "A schedule under `schedules:` names an environment that stands under `environments:`. With `mode: heal` it says by `pin:` which \
        text of the playbook may heal: the beginning of its SHA-256, 12 digits or more; `trueup schedule list` prints it. `caps:` is of use \
        only with `mode: heal`. `jitter:` is shorter than a day, and `catch_up:` a minute or more, because nobody is always in time.",
};
/// Nobody answers for it.
pub static NO_OWNER: Code = Code {
    id: "W0830",
    title: "a schedule without an owner",
    explain: "The `owner:` of a schedule is a name under `people`, or stands in a group of `approvers`. A schedule whose owner has gone is \
        blocked: each of its times is recorded as such, and nothing runs, until somebody else takes it over. It is no error, so that all \
        other commands of the project go on.",
};

/// Its playbook is another one, or none.
pub static UNFIT: Code = Code {
    id: "E0832",
    title: "a schedule that does not fit its playbook",
    explain: "The `playbook:` of a schedule is one of the project, `params:` are those that it declares, all that have no default among them, and \
        `pin:` is the beginning of the SHA-256 of its text as it is now. Otherwise each time of the schedule is blocked or fails, at night. \
        Only `trueup check` looks at this, so that all other commands of the project go on. After the playbook was changed, somebody reads \
        it and writes the new pin, which `trueup schedule list` prints.",
};

/// Its time is over.
pub static OVER: Code = Code {
    id: "W0833",
    title: "a schedule whose time is over",
    explain: "`expires:` of a schedule is the last day on which it begins something. Each time behind that day is blocked, so that nobody is told any \
        more what differs. Give it a later day, or take the schedule out.",
};

/// All codes of this file. What [`UNFIT`] is about stands in other files, and [`OVER`] needs a clock: `ops::schedule` looks there.
pub static CODES: &[&Code] = &[&SCHEDULE, &NO_OWNER, &UNFIT, &OVER];

/// Nobody can compute it from a file: what the playbook calls belongs to its text, and nothing is listed of a project with errors.
const ANY_PIN: &str = "write `pin: '000000000000'`: `trueup check` then tells the right digits";

/// The longest jitter.
const LONGEST: Duration = Duration::from_secs(24 * 3600);
/// The shortest time of catching up.
const SHORTEST: Duration = Duration::from_secs(60);
/// So many digits of a pin are enough.
const DIGITS: usize = 12;

/// Looks at every schedule.
pub fn look(project: &Project, _: &Knowledge, problems: &mut Diagnostics) {
    for (name, schedule) in &project.schedules.entries {
        one(project, name, schedule, problems);
    }
}

fn one(project: &Project, name: &Word, schedule: &Schedule, problems: &mut Diagnostics) {
    let wrong = |at, message: String| Diagnostic::error(&SCHEDULE, at, message);
    let env = &schedule.env;
    if !project.environments.entries.is_empty() && project.environments.get(env.as_str()).is_none() {
        let problem = wrong(env.span, format!("there is no environment `{}`", env.as_str()));
        problems.push(problem.suggest(env.as_str(), project.environments.names()));
    }
    match (&schedule.pin, schedule.mode()) {
        (Some(pin), _) if !is_pin(pin.as_str()) => problems
            .push(wrong(pin.span, format!("`{}` is not the beginning of a SHA-256", pin.as_str())).help(ANY_PIN)),
        (None, Mode::Heal) => problems.push(
            wrong(name.span, format!("`{}` heals, and does not say which text of the playbook may", name.as_str()))
                .help(ANY_PIN)
                .help("with another text the schedule is blocked until somebody has read it and pinned it anew"),
        ),
        _ => {}
    }
    if let Some(given) = &schedule.caps {
        if schedule.mode() == Mode::Report {
            let problem = wrong(given.at, "caps are for healing, and this schedule only reports".to_owned());
            problems.push(problem.help("add `mode: heal`, or leave them out"));
        }
        caps(given, problems);
    }
    if let Some(jitter) = schedule.jitter.filter(|jitter| jitter.0 >= LONGEST) {
        problems.push(
            wrong(schedule.at, format!("`jitter: {jitter}` is a day or more")).help("write a shorter one: `10m`"),
        );
    }
    if let Some(late) = schedule.catch_up.filter(|late| late.0 < SHORTEST) {
        let problem = wrong(schedule.at, format!("`catch_up: {late}` is shorter than a minute"));
        problems.push(problem.help("nobody is always in time: write `1m` or more"));
    }
    if !is_somebody(project, schedule.owner.as_str()) {
        let owner = schedule.owner.as_str();
        let problem = Diagnostic::warning(
            &NO_OWNER,
            schedule.owner.span,
            format!("`{owner}` is nobody of this project: the schedule is blocked"),
        );
        problems.push(match project.people.names().next() {
            Some(_) => problem.suggest(owner, project.people.names()),
            None => problem.help("name somebody under `people`, or who stands in a group of `approvers`"),
        });
    }
}

fn is_pin(text: &str) -> bool {
    text.len() >= DIGITS && text.len() <= 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// A name under `people`, or somebody in a group of approvers.
pub fn is_somebody(project: &Project, name: &str) -> bool {
    let in_a_group = || project.approvers.iter().flat_map(|(_, group)| &group.0).any(|one| one.as_str() == name);
    project.people.get(name).is_some() || in_a_group()
}
