//! The stand-in alone: what it answers, what it refuses, and when workers take a job.

use super::{store::Reply, *};
use crate::base::time::instant;
use std::time::Duration;

fn now(text: &str) -> Stamp {
    instant(text).unwrap()
}

fn ask(store: &mut Store, words: &[&str]) -> Reply {
    let words: Vec<Vec<u8>> = words.iter().map(|word| word.as_bytes().to_vec()).collect();
    store.answer(&words, now("2025-07-23T10:00:00Z"))
}

#[test]
fn ranges_count_from_both_ends_and_a_score_has_no_more_digits_than_it_needs() {
    let mut store = Store::default();
    for (score, job) in [(2.5, "b"), (1.0, "a"), (30.0, "c")] {
        store.add("dead", score, job.as_bytes());
    }
    let text = |text: &str| Reply::Text(Some(text.into()));
    let all = ["a", "1", "b", "2.5", "c", "30"].map(text).to_vec();
    assert_eq!(ask(&mut store, &["ZRANGE", "dead", "0", "-1", "WITHSCORES"]), Reply::Many(all));
    assert_eq!(ask(&mut store, &["zrange", "dead", "3", "9", "WITHSCORES"]), Reply::Many(vec![]));
    assert_eq!(ask(&mut store, &["ZRANK", "dead", "c"]), Reply::Number(2));
    assert!(
        matches!(ask(&mut store, &["LRANGE", "dead", "0", "1"]), Reply::Error(why) if why.starts_with("WRONGTYPE"))
    );
}

#[test]
fn other_commands_and_other_scripts_are_refused_by_name() {
    let mut store = Store::default();
    let refused = |reply: Reply, word: &str| matches!(reply, Reply::Error(why) if why.contains(word));
    assert!(refused(ask(&mut store, &["FLUSHALL"]), "'FLUSHALL'"));
    assert!(refused(ask(&mut store, &["EVAL", "return 1", "0"]), "no script but trueup's own"));
}

#[test]
fn a_worker_takes_a_job_when_it_has_waited_and_what_fails_is_dead() {
    let mut store = Store::default();
    let job = |class: &str| format!(r#"{{"class":"W","wrapped":"{class}","queue":"dqt","enqueued_at":1753264800.5}}"#);
    store.push("queue:dqt", job("Good").as_bytes());
    store.push("queue:dqt", job("Bad").as_bytes());
    store.push("queue:dqt", job("Nobodys").as_bytes());
    let deed = Deed { db: "register".into(), run: "update trainees set state = 6".into() };
    let worker = |job: &str, fate, deed| Worker { job: job.into(), after: Duration::from_secs(20), fate, deed };
    let workers = [
        worker("Good", Fate::Well, Some(deed.clone())),
        worker("Bad", Fate::Dead("Dqt::Error".into(), "status: 500".into()), None),
    ];
    let shared = Shared(Arc::new(Mutex::new(store)));
    assert!(shared.work(&workers, now("2025-07-23T10:00:20Z")).is_empty());
    assert_eq!(shared.work(&workers, now("2025-07-23T10:00:21Z")), [deed]);
    let store = shared.store();
    let Some(Held::List(list)) = store.keys.get(b"queue:dqt".as_slice()) else { panic!() };
    assert_eq!(list.len(), 1);
    let Some(Held::Sorted(dead)) = store.keys.get(b"dead".as_slice()) else { panic!() };
    let text = String::from_utf8(dead[0].1.clone()).unwrap();
    assert!(text.contains(r#""error_message":"status: 500""#) && text.contains(r#""failed_at":1753264821.000000"#));
}
