//! Cancelled calls, cut wires and lost answers: nothing doubtful is ever used again, and nothing is guessed.

use super::*;
use crate::connection::{fault::FaultKind, statement::SetTo};
use std::{
    future::Future,
    sync::{Mutex, atomic::AtomicBool},
    task::{Context, Waker},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

const ROWS: &str = "create table t (id integer primary key, n integer); insert into t values (1, 0)";

fn set(n: i64) -> Vec<(Arc<str>, SetTo)> {
    vec![("n".into(), SetTo::Value(n.into()))]
}

fn one() -> Map {
    key(&[("id", 1.into())])
}

/// Where the wire is cut.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Cut {
    Never,
    /// The client's bytes are thrown away and both ends closed.
    BeforeCommit,
    /// COMMIT goes through, its answer does not.
    AfterCommit,
}

/// A wire between trueup and the server that can be cut at COMMIT.
struct Proxy {
    port: u16,
    cut: Arc<Mutex<Cut>>,
    /// Each message takes its time.
    slow: Arc<AtomicBool>,
    accepting: tokio::task::JoinHandle<()>,
}

impl Proxy {
    async fn before(url: &str) -> Proxy {
        let server = url::Url::parse(url).unwrap();
        let address = format!("{}:{}", server.host_str().unwrap(), server.port().unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (port, cut) = (listener.local_addr().unwrap().port(), Arc::new(Mutex::new(Cut::Never)));
        let (plan, slow) = (cut.clone(), Arc::new(AtomicBool::new(false)));
        let pace = slow.clone();
        let accepting = tokio::spawn(async move {
            let mut wires = tokio::task::JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(&address).await.unwrap();
                wires.spawn(carry(client, server, plan.clone(), pace.clone()));
            }
        });
        Proxy { port, cut, slow, accepting }
    }

    /// Closes every wire.
    async fn end(&mut self) {
        self.accepting.abort();
        let _ = (&mut self.accepting).await;
    }

    fn url(&self, url: &str) -> String {
        let mut url = url::Url::parse(url).unwrap();
        url.set_port(Some(self.port)).unwrap();
        let off = if url.scheme() == "mysql" { "ssl-mode=DISABLED" } else { "sslmode=disable" };
        format!("{url}?{off}")
    }
}

/// Carries bytes both ways until an end closes or the plan says to cut.
async fn carry(mut client: TcpStream, mut server: TcpStream, plan: Arc<Mutex<Cut>>, slow: Arc<AtomicBool>) {
    let (mut up, mut down) = (vec![0; 65536], vec![0; 65536]);
    loop {
        tokio::select! {
            n = client.read(&mut up) => {
                let Ok(n @ 1..) = n else { return };
                if slow.load(Ordering::Relaxed) {
                    tokio::time::sleep(std::time::Duration::from_millis(8)).await;
                }
                let commit = up[..n].windows(6).any(|w| w == b"COMMIT");
                let cut = *plan.lock().unwrap();
                if commit && cut == Cut::BeforeCommit { return }
                if server.write_all(&up[..n]).await.is_err() { return }
                if commit && cut == Cut::AfterCommit {
                    // The server's answer proves that it committed; it is not passed on.
                    let _ = server.read(&mut down).await;
                    return;
                }
            }
            n = server.read(&mut down) => {
                let Ok(n @ 1..) = n else { return };
                if client.write_all(&down[..n]).await.is_err() { return }
            }
        }
    }
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost_is_in_doubt_whether_it_happened_or_not() {
    for place in servers(ROWS).await {
        let proxy = Proxy::before(place.url.as_ref().unwrap()).await;
        let database = place.at(&proxy.url(place.url.as_ref().unwrap()));
        for (cut, n, expected) in [(Cut::Never, 1, "1"), (Cut::BeforeCommit, 2, "1"), (Cut::AfterCommit, 3, "3")] {
            let mut handle = database.writing().await.unwrap();
            handle.update_by_key("t", &one(), &set(n)).await.unwrap();
            *proxy.cut.lock().unwrap() = cut;
            let done = handle.commit().await;
            *proxy.cut.lock().unwrap() = Cut::Never;
            match cut {
                Cut::Never => done.unwrap(),
                _ => {
                    let fault = done.unwrap_err();
                    assert_eq!(fault.kind, FaultKind::InDoubt, "{cut:?}: {fault}");
                    assert!(fault.help().contains("look at the system"));
                }
            }
            // A look under the lock waits for the old session: only then is "not there" a proof.
            let mut look = place.database().writing().await.unwrap();
            let rows = look.lock_and_read("t", &names(&["id"]), &[vec![1.into()]]).await.unwrap();
            assert_eq!(rows[0].as_ref().unwrap()["n"].bare(), expected, "{cut:?}");
        }
    }
}

#[tokio::test]
async fn a_session_that_the_server_ends_is_lost_and_nothing_was_committed() {
    for place in servers(ROWS).await {
        let mut handle = place.database().writing().await.unwrap();
        handle.update_by_key("t", &one(), &set(5)).await.unwrap();
        let pid =
            query(&mut handle, if place.is_postgres() { "select pg_backend_pid()" } else { "select connection_id()" })
                .await
                .unwrap();
        admin(
            place.url.as_ref().unwrap(),
            &if place.is_postgres() { format!("select pg_terminate_backend({pid})") } else { format!("kill {pid}") },
        )
        .await
        .unwrap();
        let fault = handle.update_by_key("t", &one(), &set(6)).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Lost);
        let fault = handle.commit().await.unwrap_err();
        assert_eq!((fault.kind, &*fault.message), (FaultKind::Lost, "the connection was gone before COMMIT was sent"));
        assert_eq!(place.seen("select n from t").await, "0");
    }
}

/// Polls a future so often that it is somewhere in the middle, then drops it.
async fn cancelled_after<F: Future>(polls: usize, future: F) -> bool {
    let mut future = Box::pin(future);
    for _ in 0..polls {
        if future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready() {
            return false;
        }
        // Lets the wire (and SQLite's thread) make progress, so that each poll finds another state.
        tokio::task::yield_now().await;
    }
    true
}

/// Finding 1: a cancelled call must never leave a session inside a transaction that is used again. Each call is cut
/// earlier and later, until it ends untouched: on PostgreSQL by the time on a slow wire, on SQLite by the number of polls.
#[tokio::test]
async fn a_cancelled_call_closes_its_session_and_later_writes_are_really_there() {
    for place in servers(ROWS).await {
        let mut proxy = Proxy::before(place.url.as_ref().unwrap()).await;
        proxy.slow.store(true, Ordering::Relaxed);
        let slow = place.at(&proxy.url(place.url.as_ref().unwrap()));
        let within = |millis: u64| std::time::Duration::from_millis(millis);
        let (mut cut, mut n, mut millis) = (0, 0, 1);
        while tokio::time::timeout(within(millis), slow.writing()).await.is_err() {
            (cut, n, millis) = (cut + 1, n + 1, millis + millis / 4 + 2);
            a_write_is_really_there(&place, n).await;
        }
        millis = 1;
        loop {
            let mut handle = slow.writing().await.unwrap();
            if tokio::time::timeout(within(millis), handle.update_by_key("t", &one(), &set(-1))).await.is_ok() {
                break;
            }
            it_answers_nothing(handle).await;
            (cut, n, millis) = (cut + 1, n + 1, millis + millis / 4 + 2);
            a_write_is_really_there(&place, n).await;
        }
        assert!(cut >= 8, "only {cut} calls were really cut");
        proxy.end().await;
        let open = if place.is_postgres() {
            "select count(*) from pg_stat_activity where datname = current_database() and state like 'idle in%' and pid <> pg_backend_pid()"
        } else {
            "select count(*) from information_schema.processlist where db = database() and id <> connection_id()"
        };
        // The server notices a closed wire when it next looks.
        let mut left = String::new();
        for _ in 0..100 {
            left = place.seen(open).await;
            if left == "0" {
                break;
            }
        }
        assert_eq!(left, "0");
    }
}

#[tokio::test]
async fn a_cancelled_call_closes_its_file_too() {
    let place = sqlite(ROWS).await;
    let (mut cut, mut n, mut polls) = (0, 0, 1);
    while cancelled_after(polls, place.database().writing()).await {
        (cut, n, polls) = (cut + 1, n + 1, polls * 2);
        a_write_is_really_there(&place, n).await;
    }
    polls = 1;
    loop {
        let mut handle = place.database().writing().await.unwrap();
        if !cancelled_after(polls, handle.update_by_key("t", &one(), &set(-1))).await {
            break;
        }
        it_answers_nothing(handle).await;
        (cut, n, polls) = (cut + 1, n + 1, polls * 2);
        a_write_is_really_there(&place, n).await;
    }
    assert!(cut >= 2, "only {cut} calls were really cut");
}

async fn it_answers_nothing(mut handle: crate::connection::handle::Writing) {
    let fault = handle.execute(&ask("update t set n = -2 where id = 1")).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Lost);
    assert_eq!(handle.commit().await.unwrap_err().kind, FaultKind::Lost);
}

async fn a_write_is_really_there(place: &Place, n: i64) {
    let mut handle = place.database().writing().await.unwrap();
    handle.update_by_key("t", &one(), &set(n)).await.unwrap();
    handle.commit().await.unwrap();
    assert_eq!(place.seen("select n from t").await, n.to_string());
}

#[tokio::test]
async fn a_cancelled_commit_still_runs_to_its_end() {
    for place in each(ROWS).await {
        let mut handle = place.database().writing().await.unwrap();
        handle.update_by_key("t", &one(), &set(11)).await.unwrap();
        assert!(cancelled_after(1, handle.commit()).await);
        // The next writer waits for the lock, and so for the end of the commit.
        let mut next = place.database().writing().await.unwrap();
        let rows = next.lock_and_read("t", &names(&["id"]), &[vec![1.into()]]).await.unwrap();
        assert_eq!(rows[0].as_ref().unwrap()["n"].bare(), "11");
    }
}
