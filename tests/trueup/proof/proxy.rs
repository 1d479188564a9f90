//! A wire between the program and a server that can be cut at COMMIT, or be slow.

use super::dice::Dice;
use std::{
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// What becomes of one COMMIT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    Never,
    /// It is thrown away, and both ends are closed.
    Before,
    /// It gets through, its answer does not.
    After,
    /// It is thrown away, the client's end is closed, and the server does not learn of it for a while.
    HalfOpen,
    /// The client's end is closed, and it gets through so much later.
    Late(Duration),
}

/// What the wire does, and did.
pub struct Plan {
    /// Of a hundred COMMITs, so many are cut: before, after, half open.
    pub percent: [usize; 3],
    /// How long each message of the client takes.
    pub slow: Duration,
    /// The next COMMIT is so late.
    pub late: Option<Duration>,
    /// How many COMMITs were cut: before, after, half open.
    pub cuts: [usize; 3],
    dice: Dice,
}

impl Plan {
    fn commit(&mut self) -> Cut {
        if let Some(late) = self.late.take() {
            return Cut::Late(late);
        }
        let throw = self.dice.below(100);
        let [before, after, half] = self.percent;
        let (nth, cut) = match throw {
            n if n < before => (0, Cut::Before),
            n if n < before + after => (1, Cut::After),
            n if n < before + after + half => (2, Cut::HalfOpen),
            _ => return Cut::Never,
        };
        self.cuts[nth] += 1;
        cut
    }
}

/// The wire.
pub struct Proxy {
    pub port: u16,
    plan: Arc<Mutex<Plan>>,
    accepting: JoinHandle<()>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Proxy {
    pub async fn before(url: &str, seed: u64) -> Proxy {
        let server = url::Url::parse(url).unwrap();
        let address = format!("{}:{}", server.host_str().unwrap(), server.port().unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let plan = Plan { percent: [0; 3], slow: Duration::ZERO, late: None, cuts: [0; 3], dice: Dice::new(seed) };
        let plan = Arc::new(Mutex::new(plan));
        let shared = plan.clone();
        let commit = if server.scheme() == "mysql" { COMMIT_OF_MYSQL } else { COMMIT_OF_POSTGRES };
        let accepting = tokio::spawn(async move {
            let mut wires = tokio::task::JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect(&address).await else { continue };
                wires.spawn(carry(client, server, commit, shared.clone()));
                while wires.try_join_next().is_some() {}
            }
        });
        Proxy { port, plan, accepting }
    }

    pub fn plan(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap()
    }

    /// The same URL, through this wire.
    pub fn url(&self, url: &str) -> String {
        through(self.port, url)
    }
}

/// The same URL, through a wire at this port; not encrypted, so that the wire can read.
pub fn through(port: u16, url: &str) -> String {
    let mut url = url::Url::parse(url).unwrap();
    url.set_port(Some(port)).unwrap();
    let mode = if url.scheme() == "mysql" { "ssl-mode=disabled" } else { "sslmode=disable" };
    format!("{url}?{mode}")
}

/// COMMIT as the database hears it. PostgreSQL: the whole text of a message (the journal's), or its first statement; MySQL: behind the
/// length, number and kind of the message.
const COMMIT_OF_POSTGRES: &[&[u8]] = &[b"COMMIT\0", b"COMMIT; "];
const COMMIT_OF_MYSQL: &[&[u8]] = &[b"\x07\0\0\0\x03COMMIT"];

/// How long a server does not learn that its client has gone.
const UNAWARE: Duration = Duration::from_millis(300);

/// Carries bytes both ways until an end closes or the plan says to cut.
async fn carry(mut client: TcpStream, mut server: TcpStream, commit: &'static [&'static [u8]], plan: Arc<Mutex<Plan>>) {
    let (mut up, mut down) = (vec![0; 65536], vec![0; 65536]);
    loop {
        tokio::select! {
            n = client.read(&mut up) => {
                let Ok(n @ 1..) = n else { return };
                let slow = plan.lock().unwrap().slow;
                if !slow.is_zero() {
                    tokio::time::sleep(slow).await;
                }
                let commit = commit.iter().any(|one| up[..n].windows(one.len()).any(|w| w == *one));
                let cut = if commit { plan.lock().unwrap().commit() } else { Cut::Never };
                match cut {
                    Cut::Before => return,
                    Cut::HalfOpen => {
                        drop(client);
                        return tokio::time::sleep(UNAWARE).await;
                    }
                    Cut::Late(late) => {
                        drop(client);
                        tokio::time::sleep(late).await;
                        let _ = server.write_all(&up[..n]).await;
                        let _ = server.read(&mut down).await;
                        return;
                    }
                    Cut::Never | Cut::After => {}
                }
                if server.write_all(&up[..n]).await.is_err() { return }
                if cut == Cut::After {
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
