//! An API that does what a test tells it to, byte by byte: it counts effects, spoils answers, and can kill its client in
//! the middle of a call. It lives in the test's process, so it remembers what a killed client sent.
//!
//! The first part of a path says how the API keeps a request from being done twice: `/keyed/x` by the key of the request,
//! `/repeat/x` because the same bytes are the same state, `/probed/x` and `/once/x` not at all.

use super::process::kill;
use std::{
    collections::{BTreeMap, HashSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// The header of the key.
pub const KEY: &str = "idempotency-key";

/// What goes wrong with one call that changes something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// Nothing.
    None,
    /// Never answers, and does nothing.
    HangBefore,
    /// Does it, and never answers.
    HangAfter,
    /// Resets the connection before it has read the body.
    ResetBefore,
    /// Resets the connection when it has read everything and done nothing.
    ResetMid,
    /// Does it, and resets the connection.
    ResetAfter,
    /// Does it, and closes without a word.
    DropReply,
    /// Closes without a word, and does it a little later.
    Late,
    /// 500, nothing done.
    Error500Before,
    /// Does it, and says 500.
    Error500After,
    /// 502 of a proxy in between, which passed the request on.
    Error502,
    /// 503 with `Retry-After`, nothing done.
    Error503,
    /// 429 with seconds.
    TooMany,
    /// 429 with a date long ago.
    TooManyDate,
    /// 429 with a number of seconds that nobody waits for.
    TooManyAbsurd,
    /// 202, done.
    Accepted,
    /// Done, and half of the answer.
    Truncated,
    /// Done, and an answer that is no JSON.
    Garbled,
    /// Done, and an answer of many megabytes.
    Huge,
    /// Done, and an answer that comes byte by byte and never ends.
    Drip,
    /// Done, and a length that is too long by far.
    WrongLength,
    /// A proxy hands the same request on twice.
    Duplicate,
}

/// Where in a call the client is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spot {
    /// The head has come, the body perhaps not.
    Head,
    /// All has come, nothing is done.
    Body,
    /// It is done, nothing is answered.
    Effect,
    /// Half of the answer is on the way.
    HalfReply,
    /// All of it is on the way.
    Reply,
}

pub const SPOTS: [Spot; 5] = [Spot::Head, Spot::Body, Spot::Effect, Spot::HalfReply, Spot::Reply];

/// One call.
#[derive(Clone, Debug)]
pub struct Call {
    pub method: String,
    pub path: String,
    pub key: Option<String>,
    pub body: String,
}

/// What the API knows.
#[derive(Default)]
pub struct Memory {
    /// Every call that came in whole.
    pub calls: Vec<Call>,
    /// `POST /once/x` → how often it was really done.
    pub effects: BTreeMap<String, usize>,
    /// Of the calls that change something, the next ones; then none.
    pub faults: VecDeque<Fault>,
    /// How many faults really happened.
    pub happened: usize,
    /// So many reads still show the state of before.
    pub stale: usize,
    /// Kills the client at the call of this number among those that change something (from 1).
    kill: Option<(usize, Spot)>,
    /// The client's process.
    pub client: Option<u32>,
    /// How many clients were killed.
    pub killed: usize,
    /// Effects that are still to come.
    pub coming: usize,
    changing: usize,
    keys: HashSet<String>,
    bodies: HashSet<(String, String)>,
}

impl Memory {
    /// The request is carried out, as far as this kind of API carries out the same one twice.
    fn effect(&mut self, call: &Call) {
        let new = match call.path.split('/').nth(1) {
            Some("keyed") => self.keys.insert(format!("{} {}", call.path, call.key.clone().unwrap_or_default())),
            Some("repeat") => self.bodies.insert((call.path.clone(), call.body.clone())),
            _ => true,
        };
        if new {
            *self.effects.entry(format!("{} {}", call.method, call.path)).or_default() += 1;
        }
    }

    /// From the next call on, the nth that changes something kills the client.
    pub fn strike_at(&mut self, nth: usize, spot: Spot) {
        self.kill = Some((self.changing + nth, spot));
    }

    /// How often something was done at a path, whatever the method.
    pub fn done(&self, path: &str) -> usize {
        self.effects.iter().filter(|(name, _)| name.split(' ').nth(1) == Some(path)).map(|(_, n)| n).sum()
    }
}

/// The API, listening.
pub struct Stub {
    pub port: u16,
    memory: Arc<Mutex<Memory>>,
    accepting: Option<JoinHandle<()>>,
}

impl Stub {
    pub async fn start() -> Stub {
        // It goes away and comes back: nobody else may have its port meanwhile.
        let port = crate::servers::free_port();
        let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        let memory = Arc::new(Mutex::new(Memory::default()));
        let accepting = Some(accept(listener, memory.clone()));
        Stub { port, memory, accepting }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap()
    }

    /// Forgets everything.
    pub fn reset(&self) {
        *self.memory() = Memory::default();
    }

    /// Waits until nothing is on its way any more.
    pub async fn rest(&self) {
        let since = tokio::time::Instant::now();
        while self.memory().coming > 0 {
            assert!(since.elapsed() < HANG, "a late effect never came");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Nobody listens any more.
    pub async fn refuse(&mut self) {
        if let Some(accepting) = self.accepting.take() {
            accepting.abort();
            let _ = accepting.await;
        }
    }

    /// Listens again, at the same port.
    pub async fn listen(&mut self) {
        if self.accepting.is_none() {
            let listener = TcpListener::bind(("127.0.0.1", self.port)).await.unwrap();
            self.accepting = Some(accept(listener, self.memory.clone()));
        }
    }
}

fn accept(listener: TcpListener, memory: Arc<Mutex<Memory>>) -> JoinHandle<()> {
    tokio::spawn(async move {
        while let Ok((wire, _)) = listener.accept().await {
            // Not in a set of the listener: what has begun goes on when nobody listens any more.
            tokio::spawn(serve(wire, memory.clone()));
        }
    })
}

/// Nobody waits longer for a hanging answer; the clients of the tests give up much earlier.
const HANG: Duration = Duration::from_secs(20);
/// A late effect comes this much later.
pub const LATE: Duration = Duration::from_millis(150);

async fn serve(mut wire: TcpStream, memory: Arc<Mutex<Memory>>) {
    let Some((head, mut body)) = head(&mut wire).await else { return };
    let line: Vec<&str> = head.lines().next().unwrap_or_default().split(' ').collect();
    let [method, path, _] = line[..] else { return };
    let header = |name: &str| {
        let mut lines = head.lines().filter_map(|line| line.split_once(':'));
        lines.find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim().to_owned())
    };
    let length = header("content-length").and_then(|n| n.parse().ok()).unwrap_or(0);
    let changes = method != "GET";
    let (fault, spot) = if changes { plan(&memory) } else { (Fault::None, None) };
    let strike = |at: Spot| spot == Some(at) && strike(&memory);
    if strike(Spot::Head) {
        return;
    }
    if fault == Fault::ResetBefore {
        return reset(wire);
    }
    while body.len() < length {
        let mut more = vec![0; 4096];
        match wire.read(&mut more).await {
            Ok(n @ 1..) => body.extend(&more[..n]),
            _ => return,
        }
    }
    let body = String::from_utf8_lossy(&body).into_owned();
    let call = Call { method: method.into(), path: path.into(), key: header(KEY), body };
    memory.lock().unwrap().calls.push(call.clone());
    if !changes {
        let answer = looked_up(&memory, &call);
        reply(&mut wire, "200 OK", &answer, "").await;
        return;
    }
    if strike(Spot::Body) {
        return;
    }
    let effect = || memory.lock().unwrap().effect(&call);
    let good = "{\"number\": 7}";
    match fault {
        Fault::HangBefore => return tokio::time::sleep(HANG).await,
        Fault::ResetMid => return reset(wire),
        Fault::Error500Before => return reply(&mut wire, "500 Oh", "{\"title\": \"oh\"}", "").await,
        Fault::Error503 => return reply(&mut wire, "503 Later", "{}", "Retry-After: 0\r\n").await,
        Fault::TooMany => return reply(&mut wire, "429 Slow", "{}", "Retry-After: 0\r\n").await,
        Fault::TooManyDate => {
            return reply(&mut wire, "429 Slow", "{}", "Retry-After: Wed, 21 Oct 2015 07:28:00 GMT\r\n").await;
        }
        Fault::TooManyAbsurd => return reply(&mut wire, "429 Slow", "{}", "Retry-After: 99999999999\r\n").await,
        Fault::Late => {
            memory.lock().unwrap().coming += 1;
            drop(wire);
            tokio::time::sleep(LATE).await;
            effect();
            memory.lock().unwrap().coming -= 1;
            return;
        }
        _ => effect(),
    }
    if strike(Spot::Effect) {
        return;
    }
    if strike(Spot::HalfReply) {
        let _ = wire.write_all(b"HTTP/1.1 201 Made\r\nContent-Le").await;
        return;
    }
    match fault {
        Fault::HangAfter => tokio::time::sleep(HANG).await,
        Fault::ResetAfter => reset(wire),
        Fault::DropReply => {}
        Fault::Error500After => reply(&mut wire, "500 Oh", "{\"title\": \"oh\"}", "").await,
        Fault::Error502 => reply(&mut wire, "502 Bad", "<html>bad gateway</html>", "").await,
        Fault::Accepted => reply(&mut wire, "202 Accepted", good, "").await,
        Fault::Truncated => raw(&mut wire, "HTTP/1.1 201 Made\r\nContent-Length: 400\r\n\r\n{\"numb").await,
        Fault::Garbled => reply(&mut wire, "201 Made", "{\"number\": <oh>", "").await,
        Fault::Huge => {
            let long = format!("{{\"number\": 7, \"more\": \"{}\"}}", "x".repeat(3 << 20));
            reply(&mut wire, "201 Made", &long, "").await;
        }
        Fault::Drip => {
            raw(&mut wire, "HTTP/1.1 201 Made\r\nContent-Type: application/json\r\nContent-Length: 4000\r\n\r\n").await;
            for _ in 0..200 {
                tokio::time::sleep(Duration::from_millis(100)).await;
                if wire.write_all(b" ").await.is_err() {
                    return;
                }
            }
        }
        Fault::WrongLength => {
            raw(&mut wire, "HTTP/1.1 201 Made\r\nContent-Length: 4000\r\n\r\n{\"number\": 7}").await;
        }
        Fault::Duplicate => {
            effect();
            reply(&mut wire, "201 Made", good, "").await;
        }
        _ => {
            reply(&mut wire, "201 Made", good, "").await;
            strike(Spot::Reply);
        }
    }
}

/// What happens to this call.
fn plan(memory: &Mutex<Memory>) -> (Fault, Option<Spot>) {
    let mut memory = memory.lock().unwrap();
    memory.changing += 1;
    let fault = memory.faults.pop_front().unwrap_or(Fault::None);
    memory.happened += usize::from(fault != Fault::None);
    let number = memory.changing;
    (fault, memory.kill.filter(|(nth, _)| *nth == number).map(|(_, spot)| spot))
}

/// Kills the client, if it is still there.
fn strike(memory: &Mutex<Memory>) -> bool {
    let mut memory = memory.lock().unwrap();
    memory.kill = None;
    let dead = memory.client.is_some_and(kill);
    memory.killed += usize::from(dead);
    dead
}

fn looked_up(memory: &Mutex<Memory>, call: &Call) -> String {
    let mut memory = memory.lock().unwrap();
    let stale = memory.stale > 0;
    memory.stale = memory.stale.saturating_sub(1);
    memory.happened += usize::from(stale);
    let count = if stale { 0 } else { memory.done(&call.path) };
    format!("{{\"count\": {count}}}")
}

/// The head of a request and what came with it.
async fn head(wire: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            let body = bytes.split_off(end + 4);
            return Some((String::from_utf8_lossy(&bytes).into_owned(), body));
        }
        let mut more = vec![0; 4096];
        match wire.read(&mut more).await {
            Ok(n @ 1..) => bytes.extend(&more[..n]),
            _ => return None,
        }
        // The first byte of TLS, which is not spoken here.
        if bytes.first() == Some(&22) {
            raw(wire, "HTTP/1.1 400 Bad\r\nConnection: close\r\n\r\n").await;
            return None;
        }
    }
}

async fn reply(wire: &mut TcpStream, status: &str, body: &str, headers: &str) {
    let head = "Content-Type: application/json\r\nConnection: close\r\n";
    raw(wire, &format!("HTTP/1.1 {status}\r\n{head}{headers}Content-Length: {}\r\n\r\n{body}", body.len())).await;
}

async fn raw(wire: &mut TcpStream, text: &str) {
    // The client may have given up, and then nobody hears it.
    let _ = wire.write_all(text.as_bytes()).await;
    let _ = wire.flush().await;
}

/// Closes so that the other side sees a reset and not an end.
fn reset(wire: TcpStream) {
    wire.set_zero_linger().unwrap();
}
