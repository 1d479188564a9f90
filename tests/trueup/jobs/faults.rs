//! What a person reads when Redis is not as it should be; never the password.

use super::*;

fn said(project: &Project) -> String {
    let came = project.run(&["plan", "jobs/one"]);
    assert_ne!(came.exit, Some(0), "{}", came.said);
    came.said.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_redis_that_is_not_as_it_should_be_is_told_in_plain_words() {
    if !is_here() {
        return;
    }
    let mut redis = Redis::start();
    let mut project = Project::on(&redis);
    project.playbook(
        "one",
        "{ write: [dead] }",
        "steps:\n  - id: drop\n    job: { queue: sidekiq, delete: { from: dead, jid: a1 } }\n",
    );
    redis.dead("a1", "1", 500, "5");
    let good = project.url.clone();
    project.url = good.replace(&redis.password, "hunter2-wrong");
    let text = said(&project);
    assert!(text.contains("does not accept the user or the password") && !text.contains("hunter2"), "{text}");
    project.url = format!("redis://127.0.0.1:{}/0", redis.port);
    assert!(said(&project).contains("does not accept the user or the password"));
    project.url = good.replace("127.0.0.1", "10.1.2.3");
    assert!(said(&project).contains("sends the password and the jobs in clear"));
    project.url = "postgres://x".into();
    assert!(said(&project).contains("is no address of a Redis"));
    // A user who may look and not change.
    redis.ask(&[
        "ACL",
        "SETUSER",
        "looker",
        "on",
        ">looker-password",
        "~*",
        "+@read",
        "+ping",
        "+info",
        "+client",
        "+select",
        "+hello",
    ]);
    project.url = format!("redis://looker:looker-password@127.0.0.1:{}/0", redis.port);
    let came = project.apply("jobs/one", &[]);
    let text = came.said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(came.exit == Some(1) || came.exit == Some(4), "{text}");
    assert!(text.contains("NOPERM") && !text.contains("looker-password"), "{text}");
    assert_eq!(redis.texts("dead").len(), 1);
    project.url = good;
    redis.ask(&["SET", "dead-backup", "1"]);
    redis.ask(&["DEL", "dead"]);
    redis.ask(&["SET", "dead", "text"]);
    assert!(said(&project).contains("holds something else than jobs"));
    redis.stop();
    let text = said(&project);
    assert!(text.contains("no Redis answers at its address") && !text.contains(&redis.password), "{text}");
}

#[test]
fn check_asks_the_live_redis() {
    if !is_here() {
        return;
    }
    let redis = Redis::start();
    let project = Project::on(&redis);
    project.playbook(
        "one",
        "{ write: [dead] }",
        "steps:\n  - id: drop\n    job: { queue: sidekiq, delete: { from: dead, jid: a1 } }\n",
    );
    project.run(&["check", "--env", "here"]).well(0);
    redis.ask(&["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]);
    let said = project.run(&["check", "--env", "here"]).well(0);
    assert!(said.contains("W0010") && said.contains("allkeys-lru"), "{said}");
    let other = Redis::start();
    redis.ask(&["CONFIG", "SET", "masterauth", &other.password]);
    redis.ask(&["REPLICAOF", "127.0.0.1", &other.port.to_string()]);
    let said = project.run(&["check", "--env", "here"]).well(2);
    assert!(said.contains("E0617") && said.contains("is a replica"), "{said}");
}
