//! Claims in the ledger, with real second sessions: who was first, who waits, who comes too late.

use super::*;
use crate::connection::{
    fault::FaultKind,
    handle::Writing,
    ledger::{Claimed, Entry},
};
use std::time::Duration;

const ROWS: &str = "create table t (id integer primary key, n integer); insert into t values (1, 0)";
const RUN: &str = "01900000-0000-7000-8000-000000000001";

/// Both databases, each with its ledger.
async fn ledgered(setup: &str) -> [Place; 3] {
    let places = each(setup).await;
    for place in &places {
        assert!(place.database().prepare_ledger("the-id").await.unwrap().made);
    }
    places
}

fn entry(step: &str, fence: u64) -> Entry {
    let effect = format!("{RUN}/-/{step}/0");
    Entry { effect, run: RUN.into(), fence, request: format!("hash of {step}"), journal: "the journal".into() }
}

/// A connection is a password hashed slowly on purpose, so a gate has few rounds; `TRUEUP_TEST_ROUNDS=200` has more.
fn rounds() -> u64 {
    std::env::var("TRUEUP_TEST_ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(15)
}

async fn claim(place: &Place, entry: &Entry) -> (Writing, Claimed) {
    let mut writing = place.ledger().writing().await.unwrap();
    let claimed = writing.claim(entry).await.unwrap();
    (writing, claimed)
}

impl Place {
    /// With `ledger: true`.
    fn ledger(&self) -> Database {
        let kind = match &self.url {
            Some(_) if self.dialect == Dialect::Mysql => format!("mysql: {{ {} url: env:URL }}", self.settings),
            Some(_) => format!("postgres: {{ {} url: env:URL }}", self.settings),
            None => format!("sqlite: {{ {} path: data.db }}", self.settings),
        };
        configure(&format!("{{ {kind}, ledger: true }}"), self.url.as_deref().unwrap_or(""), self.folder.path())
            .unwrap()
    }

    async fn rows(&self) -> String {
        let effect = if self.dialect == Dialect::Mysql { "convert(effect using utf8mb4)" } else { "effect" };
        let sql =
            format!("select {effect} as effect, fence from trueup_ledger where effect <> 'trueup' order by effect");
        self.seen(&sql).await
    }
}

#[tokio::test]
async fn a_claim_commits_with_the_change_and_is_found_by_whoever_comes_later() {
    for place in ledgered(ROWS).await {
        let (mut writing, claimed) = claim(&place, &entry("a", 1)).await;
        assert_eq!(claimed, Claimed::Ours);
        writing.execute(&ask("update t set n = 1 where id = 1")).await.unwrap();
        writing.commit().await.unwrap();
        let (_, claimed) = claim(&place, &entry("a", 1)).await;
        let Claimed::Already { request, at, journal, fence } = claimed else { panic!("{claimed:?}") };
        assert_eq!((&*request, &*journal, fence), ("hash of a", "the journal", 1));
        assert!(at.starts_with("20") && at.ends_with('Z') && at.len() >= 20, "{at}");
        assert_eq!(place.seen("select n from t").await, "1");
        assert_eq!(place.rows().await, format!("{RUN} 1; {RUN}/-/a/0 1"));
    }
}

#[tokio::test]
async fn a_claim_that_is_rolled_back_leaves_nothing() {
    for place in ledgered(ROWS).await {
        let (writing, claimed) = claim(&place, &entry("a", 1)).await;
        assert_eq!(claimed, Claimed::Ours);
        writing.rollback().await.unwrap();
        assert_eq!(place.rows().await, "");
        assert_eq!(claim(&place, &entry("a", 1)).await.1, Claimed::Ours);
    }
}

/// Ends the first claim, one way or the other, when the second one is seen to wait for it.
async fn second_waits(place: &Place, second: Entry, commit: bool) -> Claimed {
    let (first, claimed) = claim(place, &entry("a", 1)).await;
    assert_eq!(claimed, Claimed::Ours);
    let database = place.ledger();
    let waiting = tokio::spawn(async move {
        let mut writing = database.writing().await.unwrap();
        let claimed = writing.claim(&second).await.unwrap();
        writing.rollback().await.unwrap();
        claimed
    });
    let blocked = match place.dialect {
        Dialect::Postgres => Some(
            "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
        ),
        Dialect::Mysql => Some(
            "select count(*) from information_schema.processlist where db = database() and command = 'Execute' \
             and info like '%trueup_ledger%' and info not like '%processlist%' and time_ms > 100",
        ),
        Dialect::Sqlite => None,
    };
    if let Some(blocked) = blocked {
        while place.seen(blocked).await != "1" {
            assert!(!waiting.is_finished(), "it did not wait");
        }
    } else {
        // SQLite does not tell who waits: within this time an unhindered claim is over many times.
        tokio::time::timeout(Duration::from_millis(300), std::future::pending::<()>()).await.unwrap_err();
        assert!(!waiting.is_finished(), "it did not wait");
    }
    if commit {
        first.commit().await.unwrap()
    } else {
        first.rollback().await.unwrap()
    }
    waiting.await.unwrap()
}

#[tokio::test]
async fn a_claim_waits_for_an_open_session_and_then_says_what_became_of_it() {
    for place in ledgered(ROWS).await {
        let after_commit = second_waits(&place, entry("a", 1), true).await;
        assert!(matches!(after_commit, Claimed::Already { .. }), "{after_commit:?}");
    }
    for place in ledgered(ROWS).await {
        assert_eq!(second_waits(&place, entry("a", 1), false).await, Claimed::Ours);
    }
}

#[tokio::test]
async fn a_new_holder_waits_for_the_open_session_of_the_old_one_whatever_it_claimed() {
    for place in ledgered(ROWS).await {
        assert_eq!(second_waits(&place, entry("b", 2), true).await, Claimed::Ours);
    }
}

#[tokio::test]
async fn items_of_one_run_do_not_wait_for_each_other() {
    for place in servers(ROWS).await {
        place.database().prepare_ledger("id").await.unwrap();
        let (first, _) = claim(&place, &entry("a", 1)).await;
        first.commit().await.unwrap();
        let (one, a) = claim(&place, &entry("b", 1)).await;
        let (two, b) = claim(&place, &entry("c", 1)).await;
        assert_eq!((a, b), (Claimed::Ours, Claimed::Ours));
        one.commit().await.unwrap();
        two.commit().await.unwrap();
        assert_eq!(place.seen("select count(*) from trueup_ledger").await, "5");
    }
}

#[tokio::test]
async fn a_holder_that_lost_the_run_writes_nothing() {
    for place in ledgered(ROWS).await {
        let (old, _) = claim(&place, &entry("a", 1)).await;
        old.commit().await.unwrap();
        let (new, claimed) = claim(&place, &entry("b", 2)).await;
        assert_eq!(claimed, Claimed::Ours);
        new.commit().await.unwrap();
        // The old process wakes up: neither a new effect nor one that is there already is his.
        for step in ["c", "a", "b"] {
            assert_eq!(claim(&place, &entry(step, 1)).await.1, Claimed::Stale { fence: 2 }, "{step}");
        }
        assert_eq!(place.rows().await, format!("{RUN} 2; {RUN}/-/a/0 1; {RUN}/-/b/0 2"));
        assert!(matches!(claim(&place, &entry("a", 2)).await.1, Claimed::Already { fence: 1, .. }));
    }
}

#[tokio::test]
async fn of_eight_that_claim_one_effect_at_once_exactly_one_has_it() {
    for place in ledgered(ROWS).await {
        for round in 0..rounds() {
            let mut all = tokio::task::JoinSet::new();
            for _ in 0..8 {
                let (database, entry) = (place.ledger(), entry(&format!("s{round}"), 1));
                all.spawn(async move {
                    let mut writing = database.writing().await.unwrap();
                    let claimed = writing.claim(&entry).await.unwrap();
                    match claimed {
                        Claimed::Ours => {
                            writing.execute(&ask("update t set n = n + 1 where id = 1")).await.unwrap();
                            writing.commit().await.unwrap();
                            true
                        }
                        Claimed::Already { .. } => false,
                        Claimed::Stale { .. } => panic!("nobody has a newer claim"),
                    }
                });
            }
            let ours = all.join_all().await.into_iter().filter(|ours| *ours).count();
            assert_eq!(ours, 1, "round {round}");
        }
        assert_eq!(place.seen("select n from t").await, rounds().to_string());
    }
}

#[tokio::test]
async fn new_holders_at_once_do_not_block_each_other_for_good() {
    for place in servers(ROWS).await {
        place.database().prepare_ledger("id").await.unwrap();
        for fence in 1..=rounds() / 3 {
            let mut all = tokio::task::JoinSet::new();
            for n in 0..8 {
                let (database, entry) = (place.ledger(), entry(&format!("s{fence}-{n}"), fence));
                all.spawn(async move {
                    let mut writing = database.writing().await.unwrap();
                    let claimed = writing.claim(&entry).await;
                    writing.commit().await.unwrap();
                    claimed
                });
            }
            for claimed in all.join_all().await {
                assert_eq!(claimed, Ok(Claimed::Ours), "fence {fence}");
            }
        }
    }
}

#[tokio::test]
async fn a_session_that_does_not_end_is_named() {
    let mut place = postgres(ROWS).await;
    place.settings = "lock_timeout: 100ms, statement_timeout: 400ms,".into();
    place.database().prepare_ledger("id").await.unwrap();
    let (mut first, _) = claim(&place, &entry("a", 1)).await;
    let pid = query(&mut first, "select pg_backend_pid()").await.unwrap();
    let mut second = place.ledger().writing().await.unwrap();
    let fault = second.claim(&entry("a", 1)).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::LockTimeout);
    assert!(
        fault.message.starts_with(&format!("session {pid} (trueup, idle in transaction, in a transaction since")),
        "{fault}"
    );
    assert!(fault.help().contains("pg_terminate_backend"), "{}", fault.help());
    // The handle is closed: nothing can be committed through it by mistake.
    assert!(second.execute(&ask("update t set n = 9 where id = 1")).await.is_err());
    second.rollback().await.unwrap();
    first.commit().await.unwrap();
    assert_eq!(place.seen("select n from t").await, "0");
}

#[tokio::test]
async fn the_patience_of_a_claim_is_its_own() {
    let mut place = postgres(ROWS).await;
    place.settings = "lock_timeout: 200ms,".into();
    place.database().prepare_ledger("id").await.unwrap();
    let (mut writing, _) = claim(&place, &entry("a", 1)).await;
    assert_eq!(query(&mut writing, "show lock_timeout").await.unwrap(), "200ms");
    let mut other = place.database().writing().await.unwrap();
    other.execute(&ask("update t set n = 1 where id = 1")).await.unwrap();
    let fault = writing.execute(&ask("update t set n = 2 where id = 1")).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::LockTimeout);
}

#[tokio::test]
async fn a_missing_ledger_is_named_with_the_command_that_makes_it() {
    for place in each(ROWS).await {
        assert!(!place.database().has_ledger().await.unwrap());
        let mut writing = place.database().writing().await.unwrap();
        let fault = writing.claim(&entry("a", 1)).await.unwrap_err();
        assert_eq!((fault.kind, &*fault.message), (FaultKind::NoTable, "the ledger table is missing"));
        assert_eq!(fault.help(), "run `trueup connection prepare db`");
        drop(writing);
        assert!(place.database().prepare_ledger("first").await.unwrap().made);
        let again = place.database().prepare_ledger("second").await.unwrap();
        assert_eq!((again.made, &*again.id), (false, "first"));
        assert!(place.database().has_ledger().await.unwrap());
        let mut reading = place.database().reading().await.unwrap();
        assert_eq!(reading.ledger_id().await.unwrap(), "first");
    }
}

#[tokio::test]
async fn preparing_at_once_makes_one_table_with_one_id() {
    for place in each(ROWS).await {
        let mut all = tokio::task::JoinSet::new();
        for n in 0..4 {
            let database = place.ledger();
            all.spawn(async move { database.prepare_ledger(&format!("id {n}")).await.unwrap() });
        }
        let all = all.join_all().await;
        assert_eq!(all.iter().filter(|ready| ready.made).count(), 1);
        assert!(all.iter().all(|ready| ready.id == all[0].id), "{all:?}");
    }
}

#[tokio::test]
async fn a_role_without_rights_is_told_what_a_dba_needs() {
    let place = postgres(ROWS).await;
    let role = url::Url::parse(place.url.as_ref().unwrap()).unwrap().path().trim_start_matches('/').to_owned();
    let url = place.url.as_ref().unwrap();
    let setup = format!(
        "create role {role} login password 'x'; revoke create on schema public from public; grant select, update on t to {role}"
    );
    admin(url, &setup).await.unwrap();
    let mut theirs = url::Url::parse(url).unwrap();
    theirs.set_username(&role).unwrap();
    theirs.set_password(Some("x")).unwrap();
    let limited = place.at(theirs.as_str());
    let fault = limited.prepare_ledger("id").await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Denied);
    assert!(fault.help().contains("`trueup connection prepare db --print`"), "{}", fault.help());
    // What it prints is all that a DBA has to do.
    let script = crate::connection::ledger::script(limited.dialect(), &limited.roles(), "an id");
    admin(url, &script).await.unwrap();
    let ready = limited.prepare_ledger("another").await.unwrap();
    assert_eq!((ready.made, &*ready.id, ready.excess), (false, "an id", Vec::new()));
    for (fence, claimed) in [(1, Claimed::Ours), (2, Claimed::Ours)] {
        let mut writing = limited.writing().await.unwrap();
        assert_eq!(writing.claim(&entry(&format!("s{fence}"), fence)).await.unwrap(), claimed);
        writing.commit().await.unwrap();
    }
    let all = place.database().prepare_ledger("x").await.unwrap().excess;
    assert_eq!(all, ["it is a superuser"]);
    admin(url, &format!("drop owned by {role}; drop role {role}")).await.unwrap();
}
