//! A mark that is not there: it proves that nothing was done only where it cannot have been lost.

use super::*;

const ONE: &str = "steps:\n  - id: update\n    job: { queue: sidekiq, enqueue: Dqt::UpdateTraineeJob, args: [x] }\n";

/// The answer was lost, and a worker has taken the job.
fn lost(redis: &Redis, project: &Project) {
    project.playbook("one", "{ write: [queued] }", ONE);
    project.killed("after a request", "jobs/one", &|| {
        redis.ask(&["FLUSHALL"]);
    });
    assert_eq!(marks(redis), 1);
    assert!(redis.ask(&["RPOP", "queue:dqt"]).contains("jid"));
}

fn marks(redis: &Redis) -> usize {
    redis.ask(&["KEYS", "trueup:effect:*"]).lines().filter(|line| !line.is_empty()).count()
}

/// Whoever goes on cannot tell, says why, and does nothing.
fn in_doubt(redis: &Redis, project: &Project, why: &str) {
    assert_eq!(marks(redis), 0, "{why}: the mark is there");
    let said = project.run(&["resume"]).well(6);
    let text = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains(why), "{why}: {text}");
    assert!(redis.texts("queue:dqt").is_empty(), "{why}: a second job");
}

#[test]
fn a_database_that_was_emptied_or_exchanged_says_nothing_of_its_marks() {
    if !is_here() {
        return;
    }
    let redis = Redis::start();
    for exchange in [&["FLUSHDB"][..], &["FLUSHALL"], &["SWAPDB", "0", "1"]] {
        let project = Project::on(&redis);
        lost(&redis, &project);
        redis.ask(exchange);
        in_doubt(&redis, &project, "was emptied or exchanged since");
    }
    // Another run makes marks there again: what was lost stays lost.
    let project = Project::on(&redis);
    lost(&redis, &project);
    redis.ask(&["FLUSHDB"]);
    let other = Project::on(&redis);
    other.playbook("one", "{ write: [queued] }", ONE);
    other.apply("jobs/one", &[]).well(0);
    redis.ask(&["DEL", "queue:dqt", &redis.ask(&["KEYS", "trueup:effect:*"])]);
    in_doubt(&redis, &project, "was emptied or exchanged since");
}

#[test]
fn a_failover_there_and_back_says_nothing_of_its_marks() {
    if !is_here() {
        return;
    }
    let redis = Redis::start();
    let project = Project::on(&redis);
    lost(&redis, &project);
    let token = redis.ask(&["GET", "trueup:marks"]);
    // The other one has all that was there before, and not the mark.
    let other = Redis::start();
    other.ask(&["SET", "trueup:marks", &token]);
    redis.ask(&["CONFIG", "SET", "masterauth", &other.password]);
    redis.ask(&["REPLICAOF", "127.0.0.1", &other.port.to_string()]);
    until("it follows", || redis.ask(&["INFO", "replication"]).contains("master_link_status:up"));
    redis.ask(&["REPLICAOF", "NO", "ONE"]);
    assert_eq!(redis.ask(&["GET", "trueup:marks"]), token);
    in_doubt(&redis, &project, "has followed another one since");
}

#[test]
fn a_redis_that_threw_keys_away_for_a_while_says_nothing_of_its_marks() {
    if !is_here() {
        return;
    }
    let redis = Redis::start();
    let project = Project::on(&redis);
    lost(&redis, &project);
    redis.ask(&["CONFIG", "SET", "maxmemory-policy", "volatile-lru"]);
    redis.ask(&["CONFIG", "SET", "maxmemory", "1"]);
    redis.ask(&["SET", "more", "than", "fits"]);
    until("the marks are thrown away", || {
        redis.ask(&["SET", "more", "than"]);
        marks(&redis) == 0
    });
    redis.ask(&["CONFIG", "SET", "maxmemory", "0"]);
    redis.ask(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]);
    assert_eq!(redis.ask(&["EXISTS", "trueup:marks"]), "1");
    in_doubt(&redis, &project, "has thrown keys away since");
}
