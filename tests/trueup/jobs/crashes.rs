//! The program is killed at every boundary, and goes on: each effect happens exactly once.

use super::*;

const BOTH: &str = "params: { id: { type: int, example: 1 } }\nsteps:\n  - id: update\n    job: { queue: sidekiq, enqueue: Dqt::UpdateTraineeJob, args: [{ record: \"Trainee/{{ params.id }}\" }] }\n  - id: again\n    job: { queue: sidekiq, retry: { from: dead, jid: \"d{{ params.id }}\" } }\n";
const USES: &str = "{ write: [queued, dead] }";

/// Kills an apply at its nth moment; whether it was killed, and the moment's name.
fn killed_at(project: &Project, moment: usize, id: usize) -> (bool, String) {
    let names = project.folder.path().join(format!("moments-{id}"));
    let mut command = project.command(&["apply", "jobs/both", &format!("id={id}"), "--yes", "--reason", "a test"]);
    command.env("TRUEUP_CRASH_AT", moment.to_string()).env("TRUEUP_MOMENTS", &names);
    let came = came(command);
    let names = std::fs::read_to_string(names).unwrap_or_default();
    (came.exit.is_none(), names.lines().last().unwrap_or_default().to_owned())
}

#[test]
fn killed_at_every_boundary_each_job_is_executed_once() {
    if !is_here() {
        return;
    }
    let redis = Redis::start();
    let worker = Worker::start(&redis);
    let (mut expected, mut names) = (0, std::collections::BTreeSet::new());
    for moment in 1..100 {
        let project = Project::on(&redis);
        project.playbook("both", USES, BOTH);
        redis.dead(&format!("d{moment}"), &format!("9{moment}"), 404, "1753264802.5");
        let (killed, name) = killed_at(&project, moment, moment);
        if !killed {
            assert!(moment > 12, "only {moment} boundaries");
            expected += 2;
            break;
        }
        let came = project.run(&["resume"]);
        let nothing = came.said.contains("no run is there that could go on");
        assert!(came.exit == Some(0) || nothing, "killed at {moment}, {name}: {}", came.said);
        // Before the run was recorded there is none; after its end there is nothing to go on with.
        expected += if nothing && moment == 1 { 0 } else { 2 };
        names.insert(name);
    }
    assert!(names.contains("before a request") && names.contains("after a request"), "{names:?}");
    let done = worker.executed(&redis, expected);
    let mut jids: Vec<&str> =
        done.iter().filter_map(|line| line.split("\"jid\":\"").nth(1)?.split('"').next()).collect();
    jids.sort_unstable();
    let before = jids.len();
    jids.dedup();
    assert_eq!(jids.len(), before, "a job was executed twice");
}

#[test]
fn after_a_restart_that_lost_everything_a_person_decides() {
    if !is_here() {
        return;
    }
    let mut redis = Redis::start();
    let project = Project::on(&redis);
    let one = "steps:\n  - id: update\n    job: { queue: sidekiq, enqueue: Dqt::UpdateTraineeJob, args: [x] }\n";
    project.playbook("both", "{ write: [queued] }", one);
    let command = |moment: usize| {
        let mut command = project.command(&["apply", "jobs/both", "--yes", "--reason", "a test"]);
        command.env("TRUEUP_CRASH_AT", moment.to_string()).env("TRUEUP_MOMENTS", project.folder.path().join("moments"));
        command
    };
    let moments = || std::fs::read_to_string(project.folder.path().join("moments")).unwrap_or_default();
    let mut moment = 1;
    // Up to the moment at which the job is in Redis and the answer is not in the journal.
    while {
        came(command(moment));
        moments().lines().last() != Some("after a request")
    } {
        let _ = std::fs::remove_dir_all(project.folder.path().join(".trueup"));
        redis.ask(&["FLUSHALL"]);
        let _ = std::fs::remove_file(project.folder.path().join("moments"));
        moment += 1;
        assert!(moment < 50, "no request was made");
    }
    assert_eq!(redis.jids("queue:dqt").len(), 1);
    redis.restart();
    let said = project.run(&["resume"]).well(6);
    let text = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("Redis was started anew since"), "{said}");
    assert!(redis.texts("queue:dqt").is_empty(), "nothing is done on a guess");
    let runs = project.run(&["runs"]).well(0);
    let run = runs.lines().nth(1).and_then(|line| line.split_whitespace().next()).unwrap().to_owned();
    project.run(&["resolve", &run, "--not-done", "--reason", "Redis lost it"]).well(0);
    assert_eq!(redis.jids("queue:dqt").len(), 1, "a person decided that it had not been done");
}
