//! The account that changes jobs may run what that takes: Redis looks at each command for itself.

use crate::{
    action::{job::JobSpec, kinds::Act},
    base::diagnostic::{Code, Diagnostic, Diagnostics},
    check::scene::Scene,
    connection::sidekiq::{
        Place,
        rights::{Right, denied},
    },
};
use std::collections::BTreeSet;

/// A right in Redis that is missing.
pub static NO_JOB_RIGHT: Code = Code {
    id: "E0424",
    title: "a change of jobs that the account may not make",
    explain: "`trueup check --env NAME` asks the live Redis what the account of `url` may do (its ACL). Jobs are changed by one script, and Redis \
        judges each command in it by the rights of whoever sent it. This step needs a command, or a key, that the account does not have, so that \
        its first plan would fail. docs/jobs.md lists what is needed; whoever runs Redis grants it: `ACL SETUSER name +lpush ~trueup:*`.",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&NO_JOB_RIGHT];

/// Looks at every `job` step.
pub fn look(scene: &Scene<'_>, problems: &mut Diagnostics) {
    for visit in &scene.visits {
        let Act::Job(job) = &visit.step.act else { continue };
        let Some(survey) = scene.knowledge.queues.get(job.queue.as_str()) else { continue };
        let lacking: Vec<Right> = survey.lacking.iter().filter(|right| needs(job, right)).cloned().collect();
        if lacking.is_empty() {
            continue;
        }
        let message = format!("`{}`: {}", job.queue.as_str(), denied(&survey.account, &lacking).message);
        let commands: BTreeSet<String> =
            lacking.iter().map(|r| format!("+{}", r.command.to_ascii_lowercase())).collect();
        let commands = commands.into_iter().collect::<Vec<_>>().join(" ");
        problems.push(Diagnostic::error(&NO_JOB_RIGHT, visit.step.act_at, message).help(format!(
            "`ACL SETUSER {} {commands}`, or its keys, where it is those that are missing: `~trueup:*`, `~queue:*`",
            survey.account
        )));
    }
}

/// Whether the step runs that command on such a key. What an undo of it would need is asked when it is planned.
fn needs(job: &JobSpec, right: &Right) -> bool {
    let later = job.later.is_some() || job.moment.is_some();
    let from = job.picked().map(|picked| picked.from);
    let in_set = from.and_then(Place::key);
    match &*right.command {
        "LPUSH" | "SADD" => job.retry.is_some() || job.enqueue.is_some() && !later,
        "ZADD" => later && right.key.ends_with("schedule"),
        "ZREM" | "ZSCORE" => in_set.is_some_and(|set| right.key.ends_with(set)),
        "LREM" | "LPOS" => from == Some(Place::Queued),
        "RPUSH" => false,
        _ => true,
    }
}
