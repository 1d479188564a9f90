//! The stand-in alone: what it answers, and what it refuses.

use super::{store::Reply, *};
use crate::base::time::{Stamp, instant};

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
