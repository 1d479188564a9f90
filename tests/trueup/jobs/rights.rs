//! An account that lacks a right for a part of what a step does: nothing is done, and the right is named.

use super::*;

const ENQUEUE: &str = "steps:\n  - id: one\n    job: { queue: sidekiq, enqueue: Dqt::UpdateTraineeJob, args: [x] }\n";
const AGAIN: &str = "steps:\n  - id: one\n    job: { queue: sidekiq, retry: { from: dead, where: { job: Dqt::UpdateTraineeJob }, touches: 1..9 } }\n";
const DROP: &str = "steps:\n  - id: one\n    job: { queue: sidekiq, delete: { from: dead, where: { job: Dqt::UpdateTraineeJob }, touches: 1..9 } }\n";

const SCRIPT: &str = concat!(
    include_str!("../../../src/connection/sidekiq/rights.lua"),
    include_str!("../../../src/connection/sidekiq/change.lua")
);

impl Redis {
    /// An account that may do all but this.
    fn account(&self, rights: &[&str]) {
        let all = ["ACL", "SETUSER", "bob", "reset", "on", ">bobs-word", "~*", "&*", "+@all"];
        assert_eq!(self.ask(&[&all, rights].concat()), "OK", "{rights:?}");
    }

    /// How many there are: dead, in the queue, keys of trueup.
    fn counts(&self) -> [usize; 3] {
        let own = self.ask(&["KEYS", "trueup:*"]).lines().filter(|line| !line.is_empty()).count();
        [self.texts("dead").len(), self.texts("queue:dqt").len(), own]
    }

    fn three_dead(&self) {
        self.ask(&["FLUSHALL"]);
        ["a1", "a2", "a3"].iter().for_each(|jid| self.dead(jid, "1", 500, "5"));
    }
}

fn as_bob(redis: &Redis) -> Project {
    let mut project = Project::on(redis);
    project.playbook("enqueue", "{ write: [queued] }", ENQUEUE);
    project.playbook("again", "{ write: [queued, dead] }", AGAIN);
    project.playbook("drop", "{ write: [dead] }", DROP);
    project.url = format!("redis://bob:bobs-word@127.0.0.1:{}/0", redis.port);
    project
}

#[test]
fn without_a_right_for_a_part_nothing_is_done_and_the_right_is_named() {
    if !is_here() {
        return;
    }
    let redis = Redis::start();
    let project = as_bob(&redis);
    redis.account(&[]);
    project.run(&["check", "--env", "here"]).well(0);
    for (command, playbook, after) in [
        ("lpush", "again", [0, 3]),
        ("sadd", "again", [0, 3]),
        ("set", "again", [0, 3]),
        ("zscore", "again", [0, 3]),
        ("lpush", "enqueue", [3, 1]),
        ("set", "enqueue", [3, 1]),
        ("time", "enqueue", [3, 1]),
        ("set", "drop", [0, 0]),
        ("zrem", "drop", [0, 0]),
        ("eval", "drop", [0, 0]),
    ] {
        redis.three_dead();
        redis.account(&[&format!("-{command}")]);
        let name = command.to_uppercase();
        let named = |came: Came, exit: i32| {
            let said = flat(&came.said);
            assert_eq!(came.exit, Some(exit), "{command}, {playbook}: {said}");
            assert!(said.contains("account `bob`") && said.contains(&name), "{command}, {playbook}: {said}");
            assert!(!said.contains("bobs-word"), "{said}");
        };
        let checked = project.run(&["check", "--env", "here"]);
        assert!(checked.said.contains("E0424"), "{command}: {}", checked.said);
        named(checked, 2);
        named(project.run(&["plan", &format!("jobs/{playbook}")]), 1);
        named(project.apply(&format!("jobs/{playbook}"), &[]), 1);
        assert_eq!(redis.counts(), [3, 0, 0], "{command}, {playbook}");
        redis.account(&[]);
        project.apply(&format!("jobs/{playbook}"), &[]).well(0);
        assert_eq!(redis.counts()[..2], after, "{command}, {playbook}");
    }
}

/// The script itself, given to Redis by an account that lost a right after the step was looked at.
#[test]
fn the_script_writes_nothing_when_one_of_its_writes_is_refused() {
    if !is_here() {
        return;
    }
    let redis = Redis::start();
    let dead = failed("a1", "1", 500);
    let given = |script: &str| {
        let steps = ["zrem", &dead, "", "sadd", "dqt", "", "lpush", "pushed", ""];
        let own = ["EVAL", script, "6", "trueup:effect:e", "trueup:enqueued:l", "trueup:marks"];
        let head = [&own[..], &["dead", "queues", "queue:dqt"]].concat();
        redis.ask_as("bob", "bobs-word", &[&head[..], &["print", "60", "jid", "", ""], &steps].concat())
    };
    // As Redis 6 is, which cannot be asked for rights; and one that finds nothing out beforehand.
    let old = SCRIPT.replace("redis.acl_check_cmd", "nil");
    let blind = old.replace("if string.sub(text, 1, 9) ~= 'WRONGTYPE'", "if false");
    assert!(old != SCRIPT && blind != old);
    for script in [SCRIPT, &old] {
        for command in ["zrem", "sadd", "lpush", "set"] {
            redis.three_dead();
            redis.account(&[&format!("-{command}")]);
            let told = given(script);
            assert!(told.starts_with("denied") && told.contains(&command.to_uppercase()), "{command}: {told}");
            until("what the mark says is gone", || redis.ask(&["EXISTS", "trueup:effect:e"]) == "0");
            assert_eq!(redis.counts(), [3, 0, 0], "{command}");
            assert_eq!(redis.ask(&["EXISTS", "queues"]), "0", "{command}");
        }
        redis.three_dead();
        redis.account(&[]);
        assert!(given(script).starts_with("done"));
        assert_eq!(redis.counts(), [2, 1, 2]);
        assert!(given(script).starts_with("before"), "its mark is there");
        assert_eq!(redis.counts(), [2, 1, 2]);
    }
    // A right for some keys only.
    redis.three_dead();
    redis.account(&["-lpush", "(+lpush ~trueup:*)"]);
    assert!(given(SCRIPT).starts_with("denied"));
    assert_eq!(redis.counts()[..2], [3, 0]);
    // A command that this Redis does not know.
    let unknown = SCRIPT.replace("lpush = 'LPUSH'", "lpush = 'NOPUSH'").replace("LPUSH = {", "NOPUSH = {");
    assert!(given(&unknown).starts_with("denied"));
    // Where it came to it all the same, its mark says so.
    redis.three_dead();
    redis.account(&["-lpush"]);
    let told = given(&blind);
    assert!(told.starts_with("half"), "{told}");
    assert!(redis.ask(&["GET", "trueup:effect:e"]).starts_with("begun print"));
    redis.account(&[]);
    let told = given(SCRIPT);
    assert!(told.starts_with("half"), "what was begun is not done again: {told}");
    assert_eq!(redis.counts()[..2], [2, 0]);
}

#[test]
fn a_change_that_was_begun_and_not_ended_is_in_doubt_and_one_that_is_refused_later_was_not_done() {
    if !is_here() {
        return;
    }
    let redis = Redis::start();
    let project = as_bob(&redis);
    redis.account(&[]);
    let killed = |moment: &str| project.killed(moment, "jobs/again", &|| redis.three_dead());
    killed("after a request");
    let mark = redis.ask(&["KEYS", "trueup:effect:*"]);
    redis.ask(&["SET", &mark, &format!("begun {}", redis.ask(&["GET", &mark]))]);
    let said = flat(&project.run(&["resume"]).well(6));
    assert!(said.contains("was begun and not ended"), "{said}");
    killed("before a request");
    redis.account(&["-lpush"]);
    let said = flat(&project.run(&["resume"]).well(1));
    assert!(said.contains("account `bob` may not run LPUSH"), "{said}");
    assert_eq!(redis.counts()[..2], [3, 0]);
}
