//! `scheduler --metrics ADDRESS`: answers `/metrics` for Prometheus and `/healthz`; nothing else, and nothing can be changed
//! there.

use super::{Lasting, gather};
use crate::{
    ops::{Failure, Surroundings, project},
    report::metrics,
};
use http_body_util::Full;
use hyper::{
    Method, Request, Response, StatusCode, body::Bytes, body::Incoming, server::conn::http1, service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{convert::Infallible, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};
use tokio::{
    net::{TcpListener, TcpSocket},
    sync::Semaphore,
    task::JoinHandle,
};

/// So many are answered at the same time; the others wait.
const AT_ONCE: usize = 8;
/// So many connections may be open. One that says nothing is closed after [`HEAD`], and until then keeps nobody else waiting.
const OPEN: usize = 600;
/// So many may wait to be accepted (the kernel takes less, where its own limit is lower: `net.core.somaxconn`). Whoever finds no
/// room there is not refused: the kernel drops the end of the handshake, and the caller believes itself connected and speaks
/// again after one second, two, four, up to a minute and more.
const WAITING: u32 = 1 << 15;
/// A head has to come within this time.
const HEAD: Duration = Duration::from_secs(5);
/// The text of a format that Prometheus names.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Listens until it is dropped.
pub struct Listening {
    /// Where.
    pub address: SocketAddr,
    task: JoinHandle<()>,
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Listening {
    /// Begins to listen.
    pub async fn at(
        address: SocketAddr,
        surroundings: &Surroundings,
        record: &Arc<Lasting>,
        project: Option<PathBuf>,
    ) -> Result<Listening, Failure> {
        let failed = |why: std::io::Error| {
            Failure::usage(format!("failed to listen at {address}: {}", why.kind()))
                .help("take another port, or 0 for a free one")
        };
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }.map_err(failed)?;
        // A scheduler that is started anew listens again at once where the one before it was asked a moment ago.
        #[cfg(unix)]
        socket.set_reuseaddr(true).map_err(failed)?;
        socket.bind(address).map_err(failed)?;
        let listener = socket.listen(WAITING).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let free = Semaphore::new(AT_ONCE);
        let shared = Arc::new(Shared { surroundings: surroundings.clone(), record: record.clone(), project, free });
        let task = tokio::spawn(accept(listener, shared));
        Ok(Listening { address, task })
    }
}

struct Shared {
    surroundings: Surroundings,
    record: Arc<Lasting>,
    project: Option<PathBuf>,
    free: Semaphore,
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let open = Arc::new(Semaphore::new(OPEN));
    loop {
        let Ok(permit) = open.clone().acquire_owned().await else { return };
        let Ok((stream, _)) = listener.accept().await else {
            // Too many open files, say: others may come to their end meanwhile.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let shared = shared.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request: Request<Incoming>| {
                let shared = shared.clone();
                async move { Ok::<_, Infallible>(shared.answer(&request).await) }
            });
            let mut server = http1::Builder::new();
            server.timer(TokioTimer::new()).header_read_timeout(HEAD).keep_alive(false);
            // Whoever went away does not want to know.
            let _ = server.serve_connection(TokioIo::new(stream), service).await;
            drop(permit);
        });
    }
}

impl Shared {
    async fn answer(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        // It is never closed.
        let _turn = self.free.acquire().await;
        let read = matches!(*request.method(), Method::GET | Method::HEAD);
        match request.uri().path() {
            _ if !read => plain(StatusCode::METHOD_NOT_ALLOWED, "only GET\n"),
            "/metrics" => match self.metrics().await {
                Ok(text) => plain(StatusCode::OK, self.surroundings.masks.apply(&text).as_ref()),
                // Why is in the scheduler's own words; a stranger is told that it is so.
                Err(_) => plain(StatusCode::SERVICE_UNAVAILABLE, "the journal or the project file cannot be read\n"),
            },
            "/healthz" => plain(StatusCode::OK, "ok\n"),
            _ => plain(StatusCode::NOT_FOUND, "there are /metrics and /healthz\n"),
        }
    }

    async fn metrics(&self) -> Result<String, Failure> {
        let opened = project::open(&self.surroundings, self.project.as_deref())?;
        Ok(metrics::text(&gather(&self.surroundings, &self.record.now(), &opened).await?))
    }
}

fn plain(status: StatusCode, text: &str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::copy_from_slice(text.as_bytes())));
    *response.status_mut() = status;
    let kind = hyper::header::HeaderValue::from_static(TEXT);
    response.headers_mut().insert(hyper::header::CONTENT_TYPE, kind);
    response
}
