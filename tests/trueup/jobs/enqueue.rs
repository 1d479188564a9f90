//! New jobs: what a worker makes of them, and when there is none to be made.

use super::*;

const ENQUEUE: &str = r#"params: { id: { type: int, example: 1 } }
steps:
  - id: update
    job:
      queue: sidekiq
      enqueue: Dqt::UpdateTraineeJob
      args: [{ record: "Trainee/{{ params.id }}" }, { date: "2025-07-27" }, { time: "2025-07-27T12:00:00+02:00" }, { symbol: contact }, 1, null, { a: [x] }]
      keywords: { who: { record: User/7 } }
      unless_waiting: true
"#;
const USES: &str = "{ read: [scheduled, retrying], write: [queued] }";

#[test]
fn a_job_that_is_enqueued_is_executed_once_with_the_arguments_that_it_was_given() {
    if !is_here() {
        return;
    }
    let (redis, now) = (Redis::start(), Instant::now());
    let project = Project::on(&redis);
    project.playbook("enqueue", USES, ENQUEUE);
    let plan = project.run(&["plan", "jobs/enqueue", "id=122803"]).well(0);
    assert!(
        plan.contains("enqueue Dqt::UpdateTraineeJob Trainee/122803 to queue dqt") && plan.contains("exact"),
        "{plan}"
    );
    assert!(plan.contains("tries: once; dead if it fails") && plan.contains("gid://register/Trainee/122803"), "{plan}");
    assert_eq!(redis.ask(&["KEYS", "*"]), "", "a preview leaves nothing behind");
    project.apply("jobs/enqueue", &["id=122803"]).well(0);
    let jids = redis.jids("queue:dqt");
    assert_eq!((jids.len(), jids[0].len(), redis.ask(&["SMEMBERS", "queues"]).as_str()), (1, 24, "dqt"));
    let worker = Worker::start(&redis);
    let done = worker.executed(&redis, 1);
    let line: serde_json::Value = serde_json::from_str(&done[0]).unwrap();
    assert_eq!(line["jid"], jids[0].as_str());
    if line.get("keywords").is_some() {
        let args = line["args"].as_array().unwrap();
        assert_eq!(
            (args[0].as_str(), args[3].as_str(), args[4].as_str(), args[5].as_str()),
            (Some("Trainee(122803)"), Some(":contact"), Some("1"), Some("nil"))
        );
        assert!(
            args[1].as_str().unwrap().contains("2025-07-27") && args[2].as_str().unwrap().contains("10:00:00"),
            "{args:?}"
        );
        assert_eq!(line["keywords"], serde_json::json!([["who", "User(7)"]]));
    }
    assert!(now.elapsed() < DEADLINE * 2);
}

#[test]
fn a_job_for_later_is_put_aside_and_executed_when_its_time_has_come() {
    if !is_here() {
        return;
    }
    let redis = Redis::start();
    let project = Project::on(&redis);
    let steps = "steps:\n  - id: poll\n    job: { queue: sidekiq, enqueue: Dqt::UpdateTraineeJob, at: \"2025-07-27T10:00:00Z\", args: [{ record: Trainee/1 }] }\n";
    project.playbook("later", "{ write: [scheduled] }", steps);
    project.apply("jobs/later", &[]).well(0);
    assert_eq!((redis.jids("schedule").len(), redis.texts("queue:dqt").len()), (1, 0));
    assert_eq!(redis.ask(&["ZRANGE", "schedule", "0", "-1", "WITHSCORES"]).lines().last(), Some("1753610400"));
    assert!(
        !redis.texts("schedule")[0].contains("\"created_at\":1753610400")
            && !redis.texts("schedule")[0].contains("\"enqueued_at\":17")
    );
    let jid = redis.jids("schedule");
    let worker = Worker::start(&redis);
    let done = worker.executed(&redis, 1);
    assert!(done[0].contains(&jid[0]), "{done:?}");
}

#[test]
fn while_an_equal_job_waits_none_is_enqueued() {
    if !is_here() {
        return;
    }
    let redis = Redis::start();
    let project = Project::on(&redis);
    project.playbook("enqueue", USES, ENQUEUE);
    project.apply("jobs/enqueue", &["id=1"]).well(0);
    let said = project.apply("jobs/enqueue", &["id=1"]).well(0);
    assert!(
        said.contains(&format!("an equal job waits already: {} in queue dqt", redis.jids("queue:dqt")[0])),
        "{said}"
    );
    project.apply("jobs/enqueue", &["id=12"]).well(0);
    assert_eq!(redis.jids("queue:dqt").len(), 2);
    // It failed and waits for its next try: it still waits.
    let text = redis.texts("queue:dqt").pop().unwrap();
    redis.ask(&["DEL", "queue:dqt"]);
    redis.ask(&["ZADD", "retry", "1999999999.5", &text]);
    let said = project.apply("jobs/enqueue", &["id=1"]).well(0);
    assert!(said.contains("in retrying") && redis.texts("queue:dqt").is_empty(), "{said}");
    // Dead is not waiting.
    redis.ask(&["DEL", "retry"]);
    redis.ask(&["ZADD", "dead", "1999999999.5", &text]);
    project.apply("jobs/enqueue", &["id=1"]).well(0);
    assert_eq!(redis.jids("queue:dqt").len(), 1);
}

#[test]
fn two_operators_at_the_same_moment_enqueue_one_job() {
    if !is_here() {
        return;
    }
    let redis = Redis::start();
    let projects = [Project::on(&redis), Project::on(&redis)];
    projects.iter().for_each(|project| project.playbook("enqueue", USES, ENQUEUE));
    for round in 0..4 {
        let id = format!("id={round}");
        let children: Vec<Child> = projects
            .iter()
            .map(|project| {
                project
                    .command(&["apply", "jobs/enqueue", &id, "--yes", "--reason", "a test"])
                    .stdout(Stdio::null())
                    .stderr(Stdio::null())
                    .spawn()
                    .unwrap()
            })
            .collect();
        for mut child in children {
            let code = child.wait().unwrap().code();
            // Whoever planned before the other one enqueued finds all as wanted.
            assert_eq!(code, Some(0), "round {round}");
        }
        assert_eq!(redis.jids("queue:dqt").len(), round + 1, "round {round}");
    }
}
