//! Jobs that are there: found exactly, tried again, deleted, put back.

use super::*;

const AGAIN: &str = "preconditions:\n  - id: dead\n    find: { table: sidekiq.dead, where: { records: Trainee/1 }, expect: one }\n    otherwise: nobody is dead\nsteps:\n  - id: again\n    job: { queue: sidekiq, retry: { from: dead, jid: \"{{ dead.jid }}\" } }\nverification:\n  - find: { table: sidekiq.dead, where: { jid: \"{{ dead.jid }}\" }, expect: none }\n";

/// Texts that are no jobs, and jobs that nobody wrote for us.
fn hostile(redis: &Redis) {
    let long = format!(r#"{{"jid":"long","class":"X","args":["{}"]}}"#, "x".repeat(100_000));
    let deep = format!(r#"{{"jid":"deep","args":{}{}}}"#, "[".repeat(500), "]".repeat(500));
    for (score, text) in [
        ("1", "not json"),
        ("2", "[1,2]"),
        ("3", r#"{"jid":5,"queue":{},"args":7,"error_message":[],"failed_at":"x"}"#),
        (
            "4",
            r#"{"jid":"odd","class":"ActiveJob::QueueAdapters::SidekiqAdapter::JobWrapper","args":[null],"created_at":1e999}"#,
        ),
        ("5", r#"{"jid":"a","jid":"b","args":[]}"#),
        ("6", "\u{1}\u{7f}é"),
        ("7", &long),
        ("8", &deep),
    ] {
        redis.ask(&["ZADD", "dead", score, text]);
    }
    // Bytes that are no text can only come over the wire as they are.
    let mut command = Command::new("redis-cli");
    command.args([
        "-p",
        &redis.port.to_string(),
        "--no-auth-warning",
        "-a",
        &redis.password,
        "-x",
        "ZADD",
        "dead",
        "9",
    ]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    std::io::Write::write_all(child.stdin.as_mut().unwrap(), b"{\"jid\":\"\xff\xfe\0\"}").unwrap();
    drop(child.stdin.take());
    child.wait().unwrap();
}

#[test]
fn a_dead_job_that_is_tried_again_is_executed_once_and_keeps_its_name() {
    if !is_here() {
        return;
    }
    let redis = Redis::start();
    let project = Project::on(&redis);
    hostile(&redis);
    redis.dead("aa11", "1", 404, "1753264802.5");
    redis.dead("aa12", "12", 404, "1753264802.5");
    project.playbook("again", "{ write: [dead, queued] }", AGAIN);
    let plan = project.run(&["plan", "jobs/again"]).well(0);
    assert!(plan.contains("retry Dqt::UpdateTraineeJob Trainee/1 from dead to queue dqt"), "{plan}");
    assert!(plan.contains("args[0]: (personal)"), "{plan}");
    let said = project.apply("jobs/again", &[]).well(0);
    assert!(said.contains("job aa11"), "{said}");
    let text = redis.texts("queue:dqt").remove(0);
    // As Sidekiq's own "retry" does it: one try less, and all else to the letter.
    let was = failed("aa11", "1", 404);
    let now = text.split_once("\"enqueued_at\":17").unwrap().1.split(',').next().unwrap();
    let expected = was
        .replace("\"enqueued_at\":1753264800.25", &format!("\"enqueued_at\":17{now}"))
        .replace("\"retry_count\":0", "\"retry_count\":-1");
    assert_eq!(text, expected);
    assert!(redis.jids("dead").contains(&"aa12".to_owned()), "a job with the same score stays");
    let worker = Worker::start(&redis);
    assert!(worker.executed(&redis, 1)[0].contains("aa11"));
    // A second run finds nobody.
    let said = project.apply("jobs/again", &[]).well(4);
    assert!(said.contains("nobody is dead"), "{said}");
}

#[test]
fn jobs_are_found_and_counted_by_what_they_are_whatever_else_lies_there() {
    if !is_here() {
        return;
    }
    let redis = Redis::start();
    let project = Project::on(&redis);
    hostile(&redis);
    for n in 0..450 {
        redis.dead(
            &format!("b{n:03}"),
            &n.to_string(),
            if n % 3 == 0 { 404 } else { 500 },
            &(1_753_264_800 + n).to_string(),
        );
    }
    let looks = "preconditions:\n  - id: one\n    find: { table: sidekiq.dead, where: { subject_type: Trainee, subject_id: 44 }, expect: one }\n  - id: late\n    find: { table: sidekiq.dead, where: { error_status: 404, died_at: { after: \"2025-07-23T10:07:00Z\" } }, order_by: [-died_at], columns: [subject_id], expect: many }\n  - id: counts\n    tally: { tables: [sidekiq.dead], by: [job, error_status], where: { job: Dqt::UpdateTraineeJob } }\n  - assert: one.jid == 'b044' and one.error.body.errorCode == 10001 and one.error.status == 500 and one.args[0].record == 'Trainee/44'\n  - assert: late | length == 9 and late[0].subject_id == 447\n  - assert: counts[0].count == 300 and counts[0].error_status == 500 and counts[1].count == 150\nsteps:\n  - let: \"{{ one.queue }}\"\n    id: queue\n";
    project.playbook("look", "{ read: [dead] }", looks);
    let said = project.run(&["plan", "jobs/look"]).well(0);
    assert!(said.contains("450 jobs: 300 Dqt::UpdateTraineeJob 500, 150 Dqt::UpdateTraineeJob 404"), "{said}");
}

const DROP: &str = "steps:\n  - id: drop\n    job: { queue: sidekiq, delete: { from: dead, where: { job: Dqt::UpdateTraineeJob, error_status: 500 }, touches: 1..3 } }\n";

#[test]
fn many_jobs_are_those_that_the_plan_saw_or_none() {
    if !is_here() {
        return;
    }
    let redis = Redis::start();
    let project = Project::on(&redis);
    project.playbook("drop", "{ write: [dead] }", DROP);
    let fill = || {
        redis.ask(&["DEL", "dead"]);
        ["a1", "a2", "a3"].iter().for_each(|jid| redis.dead(jid, "1", 500, "1753264802.5"));
        redis.dead("b1", "1", 404, "1753264802.5");
    };
    let saved = |name: &str| project.run(&["plan", "jobs/drop", "--out", name, "--reason", "a test"]).well(0);
    // One more, one less, another text: each is another world.
    for (round, change) in [
        &["ZADD", "dead", "9", &failed("a4", "2", 500)][..],
        &["ZREM", "dead", &failed("a1", "1", 500)][..],
        &["ZADD", "dead", "9", &failed("a1", "7", 500)][..],
    ]
    .into_iter()
    .enumerate()
    {
        fill();
        let file = format!("{round}.plan");
        saved(&file);
        if round == 2 {
            redis.ask(&["ZREM", "dead", &failed("a1", "1", 500)]);
        }
        redis.ask(change);
        let before = redis.texts("dead");
        let said = project.run(&["apply", &file, "--yes", "--reason", "a test"]).well(5);
        assert!(said.contains("job a"), "{said}");
        assert_eq!(redis.texts("dead"), before, "nothing is changed");
    }
    fill();
    saved("good.plan");
    project.run(&["apply", "good.plan", "--yes", "--reason", "a test"]).well(0);
    assert_eq!(redis.jids("dead"), ["b1"]);
    // Outside the bounds it stops.
    let said = project.apply("jobs/drop", &[]).well(4);
    assert!(said.contains("0 jobs of `sidekiq.dead` fit, expected 1 to 3"), "{said}");
}

#[test]
fn what_is_taken_back_is_where_it_was_and_what_a_worker_took_is_left_alone() {
    if !is_here() {
        return;
    }
    let redis = Redis::start();
    let project = Project::on(&redis);
    let all = "steps:\n  - id: drop\n    job: { queue: sidekiq, delete: { from: dead, where: { error_status: 500 }, touches: 2 } }\n  - id: again\n    job: { queue: sidekiq, retry: { from: dead, where: { error_status: 404 }, touches: 2 } }\n  - id: new\n    job: { queue: sidekiq, enqueue: Dqt::UpdateTraineeJob, args: [fine] }\n";
    project.playbook("all", "{ write: [dead, queued] }", all);
    redis.dead("a1", "1", 500, "1753264802.123456");
    redis.dead("a2", "2", 500, "1753264802.123456");
    redis.dead("b1", "3", 404, "1753264803");
    redis.dead("b2", "4", 404, "1753264804");
    let before = redis.ask(&["ZRANGE", "dead", "0", "-1", "WITHSCORES"]);
    let said = project.apply("jobs/all", &[]).well(0);
    let run = said.split("trueup show ").nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
    assert_eq!((redis.jids("queue:dqt").len(), redis.texts("dead").len()), (3, 0));
    let undone = project.run(&["undo", &run, "--yes", "--reason", "a test"]).well(0);
    assert_eq!(
        (redis.ask(&["ZRANGE", "dead", "0", "-1", "WITHSCORES"]), redis.texts("queue:dqt").len()),
        (before, 0),
        "{undone}"
    );
    // Once more, and a worker takes one of them before that is taken back.
    let said = project.apply("jobs/all", &[]).well(0);
    let run = said.split("trueup show ").nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
    redis.ask(&["RPOP", "queue:dqt"]);
    let undone = project.run(&["undo", &run, "--yes", "--reason", "a test"]).well(5);
    let undone = flat(&undone);
    assert!(undone.contains("jid b1, a worker took it") || undone.contains("jid b2, a worker took it"), "{undone}");
    assert_eq!((redis.texts("dead").len(), redis.texts("queue:dqt").len()), (3, 0), "{undone}");
}

const EACH: &str = "targets:\n  from: { find: { table: sidekiq.dead, where: { job: Dqt::UpdateTraineeJob, error_status: 404 } } }\n  order_by: [jid]\n\
    limits: { max_items: 3, refuse_empty: true }\nsteps:\n  - id: again\n    job: { queue: sidekiq, retry: { from: dead, jid: \"{{ item.jid }}\" } }\n";

#[test]
fn every_dead_job_of_a_class_and_error_is_an_item_and_tried_again_once() {
    if !is_here() {
        return;
    }
    let redis = Redis::start();
    let project = Project::on(&redis);
    hostile(&redis);
    redis.dead("aa12", "12", 404, "1753264802.5");
    redis.dead("aa11", "11", 404, "1753264803.5");
    redis.dead("zz21", "21", 500, "1753264804.5");
    project.playbook("each", "{ write: [dead, queued] }", EACH);
    let plan = project.run(&["plan", "jobs/each"]).well(0);
    assert!(plan.contains("2 items") && plan.contains("aa11") && !plan.contains("zz21"), "{plan}");
    assert_eq!(redis.texts("queue:dqt").len(), 0, "a plan changes nothing");
    let said = project.apply("jobs/each", &[]).well(0);
    assert!(said.contains("2 changed") || said.contains("changed"), "{said}");
    let mut moved = redis.texts("queue:dqt");
    moved.sort();
    assert_eq!(moved.len(), 2, "{moved:?}");
    assert!(redis.jids("dead").contains(&"zz21".to_owned()), "another error stays");
    assert!(!redis.jids("dead").iter().any(|jid| jid.starts_with("aa")), "{:?}", redis.jids("dead"));
    let worker = Worker::start(&redis);
    let executed = worker.executed(&redis, 2).join("\n");
    assert!(executed.contains("aa11") && executed.contains("aa12"), "{executed}");
    // Nothing left, and that is suspicious here.
    let said = project.apply("jobs/each", &[]).well(4);
    assert!(said.contains("no items"), "{said}");
    // More than was thought of: nobody begins.
    for jid in ["cc1", "cc2", "cc3", "cc4"] {
        redis.dead(jid, "30", 404, "1753264805.5");
    }
    let said = project.apply("jobs/each", &[]).well(4);
    assert!(said.contains("the source has 4 items, and `max_items` allows 3"), "{said}");
    assert_eq!(redis.jids("dead").iter().filter(|jid| jid.starts_with("cc")).count(), 4);
}
