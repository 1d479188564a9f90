//! T6: calls of the database layer that nobody waits for any more. A call is dropped a little later each time, on a slow
//! wire; then a write is made, and whoever was told that it is there must find it, and no session may be left inside a
//! transaction. This is the regression of a driver that gave such a session to the next caller (finding 1 of the first
//! design): writes that were acknowledged and never happened.

use super::{
    figures::{self, Figures, size},
    proxy::Proxy,
};
use crate::{
    places::Place,
    servers::{self, block_on, surroundings},
};
use std::{sync::Arc, time::Duration};
use trueup::{
    base::value::{Map, Value},
    connection::{database::Database, statement::SetTo},
    ops,
    trial::bench::On,
};

fn row() -> Map {
    [(Arc::from("id"), Value::from(1))].into_iter().collect()
}

fn to(n: i64) -> Vec<(Arc<str>, SetTo)> {
    vec![("count".into(), SetTo::Value(n.into()))]
}

/// The database, through another URL.
fn at(place: &Place, url: &str) -> Database {
    let variables = place.variables();
    let mut variables: Vec<(&str, &str)> = variables.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    variables.retain(|(name, _)| *name != "SHOP_URL");
    variables.push(("SHOP_URL", url));
    let here = surroundings(place.path(), &variables);
    ops::plan::databases(&here, &place.opened(&here), "test").unwrap().remove("shop").unwrap()
}

/// A whole write of the slow database, dropped after this time; true if it said that it is done.
async fn write(slow: &Database, n: i64, within: Duration) -> Option<bool> {
    let work = async {
        let mut writing = slow.writing().await.ok()?;
        writing.lock_and_read("things", &["id".into()], &[vec![1.into()]]).await.ok()?;
        writing.update_by_key("things", &row(), &to(n)).await.ok()?;
        writing.commit().await.ok()
    };
    // What is tested here is exactly what the house never does: a limit of time around begin and commit.
    tokio::time::timeout(within, work).await.ok().map(|done| done.is_some())
}

/// Sessions that are still inside a transaction.
fn left(on: &On) -> &'static str {
    match on {
        On::Mysql(_) => {
            "select count(*) from information_schema.innodb_trx t
             join information_schema.processlist p on p.id = t.trx_mysql_thread_id
             where p.db = database() and p.id <> connection_id()"
        }
        _ => {
            "select count(*) from pg_stat_activity
             where datname = current_database() and state like 'idle in%' and pid <> pg_backend_pid()"
        }
    }
}

fn dropped(on: On, what: &'static str, drops: usize) {
    block_on(async {
        let mut figures = Figures::new("T6", what);
        let place = Place::make(&on).await;
        let url = place.url().unwrap().reveal().to_owned();
        let proxy = Proxy::before(&url, figures::seed() ^ 6).await;
        let slow = at(&place, &proxy.url(&url));
        let (mut n, mut micros) = (1000, 500);
        proxy.plan().slow = Duration::from_millis(2);
        while figures.faults < drops {
            figures.points += 1;
            n += 1;
            match write(&slow, n, Duration::from_micros(micros)).await {
                // From the start again, with other times.
                Some(_) => micros = 500 + micros % 499,
                None => {
                    figures.faults += 1;
                    micros += 700;
                }
            }
            // A COMMIT that was on its way may still come: the next writer waits for its lock.
            n += 1;
            if write(&slow, n, Duration::from_secs(20)).await == Some(true) {
                let seen = place.seen("select count from things where id = 1").await;
                if seen != n.to_string() {
                    figures.lost += 1;
                    figures.wrong(format!("a write of {n} was acknowledged, and everybody sees {seen}"));
                }
            } else {
                figures.wrong(format!("after a call was dropped, the next one failed ({n})"));
            }
        }
        drop(slow);
        drop(proxy);
        let mut inside = String::new();
        // The server notices a closed wire when it next looks.
        for _ in 0..200 {
            inside = place.seen(left(&on)).await;
            if inside == "0" {
                break;
            }
        }
        if inside != "0" {
            figures.wrong(format!("{inside} sessions are left inside a transaction"));
        }
        place.clear().await;
        figures.end(drops);
    });
}

#[test]
fn a_call_that_nobody_waits_for_loses_no_later_write() {
    dropped(On::Postgres(servers::postgres()), "calls are dropped at every await", size(80, 500));
}

#[test]
fn a_call_that_nobody_waits_for_loses_no_later_write_on_mariadb() {
    dropped(On::Mysql(servers::mysql()), "calls are dropped at every await, MariaDB", size(40, 500));
}
