//! Jobs that are no longer where a run put them: an undo leaves them alone as it does rows, says so, and counts them.

use super::*;

const AGAIN: &str = "steps:\n  - id: again\n    job: { queue: sidekiq, retry: { from: dead, where: { job: Dqt::UpdateTraineeJob }, touches: 1..9 } }\n";
const ENQUEUE: &str = "steps:\n  - id: one\n    job: { queue: sidekiq, enqueue: Dqt::UpdateTraineeJob, args: [x] }\n";
const TWO: &str = "steps:\n  - id: gone\n    job: { queue: sidekiq, enqueue: Dqt::UpdateTraineeJob, args: [x] }\n  - id: stays\n    job: { queue: sidekiq, enqueue: Dqt::UpdateTraineeJob, args: [y], in: 1h }\n";
const EACH: &str = "risk: low\ntargets: { from: { find: { table: sidekiq.dead, where: { job: Dqt::UpdateTraineeJob } } } }\nsteps:\n  - id: again\n    job: { queue: sidekiq, retry: { from: dead, jid: \"{{ item.jid }}\" } }\n";
const RESCUED: &str = "steps:\n  - id: all\n    block:\n      steps:\n        - id: one\n          job: { queue: sidekiq, enqueue: Dqt::UpdateTraineeJob, args: [x] }\n        - id: taken\n          wait: { read: { find: { table: sidekiq.queued, expect: many } }, until: \"false\", fail_when: \"taken | length == 0\", every: 1s, at_most: 50s }\n      rescue:\n        - undo: [one]\n      recovered: true\n";

fn project(redis: &Redis) -> Project {
    let project = Project::on(redis);
    let uses = "{ read: [queued], write: [queued, scheduled, dead] }";
    for (name, steps) in [("again", AGAIN), ("enqueue", ENQUEUE), ("two", TWO), ("each", EACH), ("rescued", RESCUED)] {
        project.playbook(name, uses, steps);
    }
    project
}

/// The short name of the newest run.
fn newest(project: &Project) -> String {
    let runs = project.run(&["runs"]).well(0);
    runs.lines().nth(1).and_then(|line| line.split_whitespace().next()).unwrap().to_owned()
}

impl Project {
    fn undo(&self, run: &str, more: &[&str]) -> Came {
        self.run(&[&["undo", run, "--yes", "--reason", "a test"], more].concat())
    }

    fn applied(&self, name: &str) -> String {
        self.apply(&format!("jobs/{name}"), &[]).well(0);
        newest(self)
    }
}

#[test]
fn a_job_that_a_worker_took_or_that_is_elsewhere_is_told_and_the_undo_drifts() {
    if !is_here() {
        return;
    }
    let redis = Redis::start();
    let project = project(&redis);
    let run = project.applied("enqueue");
    let text = redis.ask(&["RPOP", "queue:dqt"]);
    let said = flat(&project.undo(&run, &[]).well(5));
    assert!(said.contains("a worker took it, or somebody took it out"), "{said}");
    assert!(said.contains("1 job is left alone") && !said.contains("as it was before"), "{said}");
    assert!(said.contains("the jobs are left alone"), "{said}");
    // It failed and waits to be tried again.
    redis.ask(&["ZADD", "retry", "1796099999", &text]);
    let said = flat(&project.undo(&run, &[]).well(5));
    assert!(said.contains("it is in `retrying` now"), "{said}");
    let json = project.run(&["undo", &run, "--plan", "--json"]).well(0);
    assert!(json.contains("\"type\": \"left_alone\"") || json.contains("\"type\":\"left_alone\""), "{json}");
    assert_eq!(redis.texts("retry").len(), 1);
}

#[test]
fn of_several_jobs_those_that_are_there_go_back_and_the_others_are_counted() {
    if !is_here() {
        return;
    }
    let redis = Redis::start();
    let project = project(&redis);
    ["a1", "a2", "a3"].iter().for_each(|jid| redis.dead(jid, "1", 500, "5"));
    let run = project.applied("again");
    let taken = redis.ask(&["RPOP", "queue:dqt"]);
    let whole = flat(&project.undo(&run, &["--all-or-nothing"]).well(5));
    assert!(whole.contains("nothing is taken back") && whole.contains("a job is not as run"), "{whole}");
    assert_eq!((redis.texts("dead").len(), redis.texts("queue:dqt").len()), (0, 2));
    let said = flat(&project.undo(&run, &[]).well(5));
    assert!(said.contains("Taken back, but for 1 job left alone."), "{said}");
    assert!(said.contains("One job was left alone: sidekiq.queued jid"), "{said}");
    assert_eq!((redis.texts("dead").len(), redis.texts("queue:dqt").len()), (2, 0));
    let undo = newest(&project);
    assert!(flat(&project.run(&["runs"]).well(0)).contains("drifted"));
    let shown = project.run(&["show", &undo]).well(0);
    assert!(shown.contains("left alone: sidekiq.queued"), "{shown}");
    let json = project.run(&["show", &undo, "--json"]).well(0);
    assert!(flat(&json).contains("took it"), "{json}");
    // The rest may be taken back later, and what an earlier undo did is no work of others.
    let said = flat(&project.undo(&run, &[]).well(5));
    assert!(said.contains("1 job is left alone"), "{said}");
    redis.ask(&["RPUSH", "queue:dqt", &taken]);
    let said = flat(&project.undo(&run, &[]).well(0));
    assert!(said.contains("Done: taken back."), "{said}");
    assert_eq!((redis.texts("dead").len(), redis.texts("queue:dqt").len()), (3, 0));
}

#[test]
fn a_job_that_an_earlier_undo_took_out_is_not_told_as_one_that_a_worker_took() {
    if !is_here() {
        return;
    }
    let redis = Redis::start();
    let project = project(&redis);
    let run = project.applied("two");
    let taken = redis.ask(&["RPOP", "queue:dqt"]);
    project.undo(&run, &[]).well(5);
    assert!(redis.texts("schedule").is_empty());
    let said = flat(&project.undo(&run, &[]).well(5));
    assert!(said.contains("an earlier undo of the run has taken it back already"), "{said}");
    assert!(said.contains("1 job is left alone"), "{said}");
    redis.ask(&["RPUSH", "queue:dqt", &taken]);
    let said = flat(&project.undo(&run, &[]).well(0));
    assert!(said.contains("Done: taken back."), "{said}");
}

#[test]
fn of_many_items_those_whose_jobs_were_taken_drift() {
    if !is_here() {
        return;
    }
    let redis = Redis::start();
    let project = project(&redis);
    ["a1", "a2", "a3", "a4"].iter().for_each(|jid| redis.dead(jid, "1", 500, "5"));
    let run = project.applied("each");
    redis.ask(&["RPOP", "queue:dqt"]);
    let second = redis.ask(&["RPOP", "queue:dqt"]);
    redis.ask(&["ZADD", "retry", "1796099999", &second]);
    project.undo(&run, &["--all-or-nothing"]).well(5);
    assert_eq!((redis.texts("dead").len(), redis.texts("queue:dqt").len()), (0, 2));
    let said = flat(&project.undo(&run, &[]).well(5));
    assert!(said.contains("a worker took it") && said.contains("it is in `retrying` now"), "{said}");
    assert!(said.contains("Over: 2 taken back, 2 left alone"), "{said}");
    assert_eq!((redis.texts("dead").len(), redis.texts("queue:dqt").len()), (2, 0));
}

#[test]
fn a_rescue_that_could_not_take_a_job_back_is_no_good_end() {
    if !is_here() {
        return;
    }
    let redis = Redis::start();
    let project = project(&redis);
    let mut command = project.command(&["apply", "jobs/rescued", "--yes", "--reason", "a test"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    until("the job is there", || {
        assert!(child.try_wait().unwrap().is_none(), "it is over before the job was there");
        redis.ask(&["LLEN", "queue:dqt"]) == "1"
    });
    redis.ask(&["RPOP", "queue:dqt"]);
    let output = child.wait_with_output().unwrap();
    let said = flat(&String::from_utf8_lossy(&[output.stdout, output.stderr].concat()));
    assert_eq!(output.status.code(), Some(5), "{said}");
    assert!(said.contains("One job was left alone") && !said.contains("already as wanted"), "{said}");
    assert!(!said.contains("Done: "), "{said}");
}

#[test]
fn what_was_deleted_from_a_queue_goes_back_in_its_order() {
    if !is_here() {
        return;
    }
    let redis = Redis::start();
    let project = project(&redis);
    let drop = "steps:\n  - id: drop\n    job: { queue: sidekiq, delete: { from: queued, where: { job: Dqt::UpdateTraineeJob }, touches: 1..9 } }\n";
    project.playbook("drop", "{ write: [queued] }", drop);
    redis.ask(&["SADD", "queues", "dqt"]);
    ["a1", "a2", "a3", "a4"].iter().for_each(|jid| {
        redis.ask(&["LPUSH", "queue:dqt", &failed(jid, "1", 500)]);
    });
    let before = redis.jids("queue:dqt");
    let run = project.applied("drop");
    assert!(redis.jids("queue:dqt").is_empty());
    project.undo(&run, &[]).well(0);
    assert_eq!(redis.jids("queue:dqt"), before);
}
