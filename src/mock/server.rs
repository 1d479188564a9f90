//! A mock on a socket: HTTP/1.1 by hyper, and by hand where a fault asks for what hyper would never send.

use super::{
    behind::{self, Behind, RowDeed},
    call::Call,
    fault::{End, Wreck},
    model::{Credentials, Listen, Mock},
    play::{Reply, Stage},
    record::Logged,
};
use crate::base::{url_path, value::Value, world::World};
use http_body_util::{BodyExt, Full, Limited};
use hyper::{body::Bytes, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use std::{
    collections::{BTreeMap, HashMap},
    convert::Infallible,
    fmt,
    future::Future,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{mpsc, watch},
    task::{JoinHandle, JoinSet},
};

/// A mock that listens. Dropping it ends the mock.
#[derive(Debug)]
pub struct Running {
    address: SocketAddr,
    mock: Arc<Mock>,
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    server: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    stage: Mutex<Stage>,
    world: World,
    seen: Option<mpsc::UnboundedSender<Logged>>,
    behind: Option<Arc<dyn Behind>>,
    /// What a call finds in a database holds until it has changed it: such calls come one after the other.
    turn: tokio::sync::Mutex<()>,
    /// The answer to this request from now on gets lost; 0: none.
    lose: AtomicUsize,
}

impl Shared {
    /// Whether the answer that is about to be given is the one that gets lost.
    fn loses(&self) -> bool {
        let one_less = |left: usize| left.checked_sub(1);
        self.lose.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less) == Ok(1)
    }

    fn stage(&self) -> MutexGuard<'_, Stage> {
        // A panic inside `play` left the stage in a state that is as good as any other.
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A mock that cannot listen; fits after "failed to".
#[derive(Debug)]
pub struct StartError {
    address: SocketAddr,
    why: io::Error,
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "listen at {}: {}", self.address, self.why.kind())?;
        if self.why.kind() == io::ErrorKind::AddrInUse {
            f.write_str("; another program has this port: take another one, or 0 for a free one")
        } else {
            Ok(())
        }
    }
}

impl std::error::Error for StartError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.why)
    }
}

/// Larger requests are refused.
const MAX_REQUEST: usize = 4 * 1024 * 1024;

impl Mock {
    /// Starts the mock; it listens when this returns. Needs a tokio runtime. The clock of `world` stamps the log.
    pub async fn start(self, world: World) -> Result<Running, StartError> {
        self.start_with(world, None, None).await
    }

    /// As [`Mock::start`]; each request is also sent to `seen` as it is answered, and `behind` are its databases.
    pub async fn start_with(
        self,
        world: World,
        seen: Option<mpsc::UnboundedSender<Logged>>,
        behind: Option<Arc<dyn Behind>>,
    ) -> Result<Running, StartError> {
        let Listen(wanted) = self.listen.unwrap_or_default();
        let failed = |why| StartError { address: wanted, why };
        let listener = TcpListener::bind(wanted).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let mock = Arc::new(self);
        let stage = Mutex::new(Stage::new(mock.clone()));
        let (turn, lose) = (tokio::sync::Mutex::default(), AtomicUsize::new(0));
        let shared = Arc::new(Shared { stage, world, seen, behind, turn, lose });
        let (stop, stopped) = watch::channel(false);
        // The port was taken and is given back at once: nobody listens there now.
        let server = (mock.refuse != Some(true)).then(|| tokio::spawn(serve(listener, shared.clone(), stopped)));
        Ok(Running { address, mock, shared, stop, server })
    }
}

impl Running {
    /// `http://127.0.0.1:PORT`, without a trailing slash.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The mock's name.
    pub fn name(&self) -> &str {
        self.mock.mock.as_str()
    }

    /// A call of somebody else: it is carried out, and stands in no log. Gives the status.
    pub async fn meddle(&self, mut call: Call) -> u16 {
        if let Some(Credentials::Header { name, value }) = self.credentials() {
            call.headers.push((name.to_ascii_lowercase(), value));
        }
        let mut reply = played(&self.shared, &call).await;
        let mut stage = self.shared.stage();
        if let Some((_, change)) = reply.later.take() {
            stage.carry_out(change);
        }
        stage.forget();
        reply.status
    }

    /// What a call must carry, when the mock asks for something.
    pub fn credentials(&self) -> Option<Credentials> {
        self.mock.auth.as_ref()?.credentials()
    }

    /// All requests so far, oldest first.
    pub fn log(&self) -> Vec<Logged> {
        self.shared.stage().log()
    }

    /// How often something was really changed, by idempotency key, else by `METHOD /path`.
    pub fn effects(&self) -> BTreeMap<String, usize> {
        self.shared.stage().effects()
    }

    /// The rows of a collection as they are now.
    pub fn rows(&self, collection: &str) -> Vec<Value> {
        self.shared.stage().rows(collection)
    }

    /// The answer to the nth request from now on, from 1, gets lost: the change is done, and nobody hears of it.
    pub fn lose(&self, nth: usize) {
        self.shared.lose.store(nth, Ordering::SeqCst);
    }

    /// An answer that was to get lost has got lost.
    pub fn has_lost(&self) -> bool {
        self.shared.lose.load(Ordering::SeqCst) == 0
    }

    /// Ends the mock: open connections are cut, changes still to come are dropped. Nothing listens when this returns.
    pub async fn shutdown(mut self) -> Vec<Logged> {
        let _ = self.stop.send(true);
        if let Some(server) = self.server.take() {
            let _ = server.await;
        }
        self.log()
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>, mut stop: watch::Receiver<bool>) {
    let mut open = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    let _ = stream.set_nodelay(true);
                    open.spawn(connection(stream, shared.clone()));
                }
                // Too many open files, most often: leave the others time to close some.
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            },
            Some(_) = open.join_next() => {}
            // An error: the handle was dropped.
            _ = stop.changed() => break,
        }
    }
    open.shutdown().await;
}

type Answering = Pin<Box<dyn Future<Output = Result<hyper::Response<Full<Bytes>>, Infallible>> + Send>>;

/// Serves one connection until it ends or a fault takes it over. Put-off changes end with the connection's task only when
/// the mock ends: they are its last act.
async fn connection(stream: TcpStream, shared: Arc<Shared>) {
    let (wreck, mut wrecked) = mpsc::channel::<Wreck>(1);
    let late = Arc::new(Mutex::new(JoinSet::new()));
    let tasks = late.clone();
    let service = service_fn(move |request| -> Answering {
        let (shared, wreck, tasks) = (shared.clone(), wreck.clone(), tasks.clone());
        Box::pin(async move { Ok(answered(request, shared, wreck, tasks).await) })
    });
    let mut http = http1::Builder::new().half_close(true).serve_connection(TokioIo::new(stream), service);
    let taken = tokio::select! {
        _ = std::future::poll_fn(|cx| http.poll_without_shutdown(cx)) => None,
        taken = wrecked.recv() => taken,
    };
    let mut stream = http.into_parts().io.into_inner();
    match taken {
        Some(wreck) => ruin(stream, wreck).await,
        None => drop(stream.shutdown().await),
    }
    let mut rest = std::mem::take(&mut *late.lock().unwrap_or_else(PoisonError::into_inner));
    while rest.join_next().await.is_some() {}
}

async fn answered(
    request: hyper::Request<Incoming>,
    shared: Arc<Shared>,
    wreck: mpsc::Sender<Wreck>,
    late: Arc<Mutex<JoinSet<()>>>,
) -> hyper::Response<Full<Bytes>> {
    let Some(call) = call(request).await else {
        let mut refused = hyper::Response::new(Full::default());
        *refused.status_mut() = hyper::StatusCode::PAYLOAD_TOO_LARGE;
        return refused;
    };
    let mut reply = played(&shared, &call).await;
    put_off(&shared, std::mem::take(&mut reply.deeds), &late);
    let logged = shared.stage().last();
    if let (Some(seen), Some(logged)) = (&shared.seen, logged) {
        let _ = seen.send(logged);
    }
    if let Some((after, change)) = reply.later.take() {
        let shared = shared.clone();
        late.lock().unwrap_or_else(PoisonError::into_inner).spawn(async move {
            tokio::time::sleep(after).await;
            let deeds = shared.stage().carry_out(change);
            if let Err(problem) = behind::change(shared.behind.as_deref(), &deeds).await {
                shared.stage().broken(problem, None);
            }
        });
    }
    // A dripping answer spends its delay between the bytes.
    if shared.loses() && reply.fault.is_none() {
        reply.fault = Some(super::Fault::DropReply);
    }
    if !reply.delay.is_zero() && reply.fault != Some(super::Fault::SlowDrip) {
        tokio::time::sleep(reply.delay).await;
    }
    let Some(fault) = reply.fault else { return response(reply) };
    let pause = Some(reply.delay).filter(|d| !d.is_zero());
    let _ = wreck.send(Wreck::of(fault, &head(&reply), &reply.body, pause)).await;
    // The connection belongs to the fault now; this future is dropped with hyper's part of it.
    std::future::pending().await
}

/// Finds what the call wants to know, answers, and changes the databases behind before anybody sees the answer.
async fn played(shared: &Shared, call: &Call) -> Reply {
    let now = shared.world.now();
    let _turn = shared.turn.lock().await;
    let looks = shared.stage().looks(call, now);
    let found = async {
        let (mut found, mut known) = (HashMap::new(), Vec::new());
        for (route, looks) in looks? {
            found.insert(route, behind::found(shared.behind.as_deref(), &looks, &mut known).await?);
        }
        Ok(found)
    };
    let found = match found.await {
        Ok(found) => found,
        Err(problem) => return shared.stage().broken(problem, Some((call, now))),
    };
    let mut reply = shared.stage().answer(call, now, &found);
    // Where only a test moves the clock, nothing happens beside the work: what comes later comes now.
    let beside = shared.world.has_beats();
    let (due, later): (Vec<_>, Vec<_>) = reply.deeds.drain(..).partition(|deed| !beside || deed.after.is_zero());
    reply.deeds = later;
    match behind::change(shared.behind.as_deref(), &due).await {
        Ok(()) => reply,
        Err(problem) => shared.stage().broken(problem, None),
    }
}

/// Changes that come later than the answer, each at its time.
fn put_off(shared: &Arc<Shared>, deeds: Vec<RowDeed>, late: &Mutex<JoinSet<()>>) {
    let mut late = late.lock().unwrap_or_else(PoisonError::into_inner);
    for deed in deeds {
        let shared = shared.clone();
        late.spawn(async move {
            tokio::time::sleep(deed.after).await;
            if let Err(problem) = behind::change(shared.behind.as_deref(), &[deed]).await {
                shared.stage().broken(problem, None);
            }
        });
    }
}

/// The request, read whole; nothing when it is too large or cut.
async fn call(request: hyper::Request<Incoming>) -> Option<Call> {
    let (parts, body) = request.into_parts();
    let body = Limited::new(body, MAX_REQUEST).collect().await.ok()?.to_bytes().to_vec();
    let plain = |text: &str| url_path::decoded(&text.replace('+', " ")).into_owned();
    let query = parts.uri.query().unwrap_or("").split('&').filter(|pair| !pair.is_empty());
    let query = query
        .map(|pair| pair.split_once('=').map_or_else(|| (plain(pair), String::new()), |(n, v)| (plain(n), plain(v))));
    let headers =
        parts.headers.iter().map(|(n, v)| (n.as_str().to_owned(), String::from_utf8_lossy(v.as_bytes()).into_owned()));
    Some(Call {
        method: parts.method.as_str().to_owned(),
        path: parts.uri.path().to_owned(),
        query: query.collect(),
        headers: headers.collect(),
        body,
    })
}

fn response(reply: Reply) -> hyper::Response<Full<Bytes>> {
    let mut made = hyper::Response::builder().status(reply.status);
    for (name, value) in &reply.headers {
        made = made.header(name, value);
    }
    made.body(Full::new(reply.body.into())).unwrap_or_else(|_| {
        let mut refused = hyper::Response::new(Full::new(Bytes::from_static(
            b"the mock's answer has a header that HTTP does not take",
        )));
        *refused.status_mut() = hyper::StatusCode::INTERNAL_SERVER_ERROR;
        refused
    })
}

/// Status line and headers of a reply that a fault will spoil, without content length and final empty line.
fn head(reply: &Reply) -> String {
    use fmt::Write;
    let mut head = format!("HTTP/1.1 {} mock\r\n", reply.status);
    for (name, value) in reply.headers.iter().filter(|(name, _)| name != "content-length") {
        let _ = write!(head, "{name}: {value}\r\n");
    }
    head
}

/// Writes what a fault leaves of the answer; errors mean that the other side has given up.
async fn ruin(mut stream: TcpStream, wreck: Wreck) {
    let _ = write(&mut stream, &wreck).await;
    match wreck.end {
        End::Reset => drop(stream.set_zero_linger()),
        End::Close => drop(stream.shutdown().await),
        End::Hold => {
            let mut rest = [0; 1024];
            while matches!(stream.read(&mut rest).await, Ok(n) if n > 0) {}
        }
    }
}

async fn write(stream: &mut TcpStream, wreck: &Wreck) -> io::Result<()> {
    match wreck.drip {
        None => stream.write_all(&wreck.bytes).await?,
        Some((prompt, pause)) => {
            let (head, body) = wreck.bytes.split_at(prompt);
            stream.write_all(head).await?;
            for byte in body {
                stream.write_all(&[*byte]).await?;
                stream.flush().await?;
                tokio::time::sleep(pause).await;
            }
        }
    }
    let filler = vec![b'x'; 64 * 1024];
    for _ in 0..wreck.padding / filler.len() {
        stream.write_all(&filler).await?;
    }
    stream.flush().await
}
