//! An API that takes its time, and somebody who only calls it: what W-http of the performance page is measured with.
//!
//! `cargo bench --bench stub -- serve PORT MILLISECONDS` answers every request with `{}` after so long and prints how many there were when
//! its input ends; `… -- load PORT REQUESTS AT_ONCE` sends so many PATCH requests, so many at once, and prints the seconds. Plain HTTP/1.1
//! over connections that stay open, and nothing else: it has to cost less than what is measured with it.
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::expect_used)]

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

fn main() {
    let given: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let number = |at: usize| given.get(at).and_then(|word| word.parse::<u64>().ok());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    match (given.first().map(String::as_str), number(1), number(2), number(3)) {
        (Some("serve"), Some(port), Some(millis), None) => {
            runtime.block_on(serve(u16::try_from(port).unwrap(), Duration::from_millis(millis)));
        }
        (Some("load"), Some(port), Some(requests), Some(at_once)) => {
            let started = Instant::now();
            runtime.block_on(load(u16::try_from(port).unwrap(), requests, at_once));
            println!("{:.3}", started.elapsed().as_secs_f64());
        }
        _ => println!("usage: stub serve PORT MILLISECONDS | stub load PORT REQUESTS AT_ONCE"),
    }
}

async fn serve(port: u16, latency: Duration) {
    let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    let seen = Arc::new(AtomicU64::new(0));
    let counted = seen.clone();
    let accepting = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream, latency, counted.clone()));
        }
    });
    // Whoever started it closes its input when enough was measured.
    tokio::task::spawn_blocking(|| std::io::copy(&mut std::io::stdin(), &mut std::io::sink())).await.unwrap().unwrap();
    accepting.abort();
    println!("{}", seen.load(Ordering::Relaxed));
}

async fn answer(mut stream: TcpStream, latency: Duration, seen: Arc<AtomicU64>) {
    stream.set_nodelay(true).unwrap();
    let mut given = Vec::new();
    while whole_message(&mut stream, &mut given).await {
        tokio::time::sleep(latency).await;
        seen.fetch_add(1, Ordering::Relaxed);
        let text = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
        if stream.write_all(text).await.is_err() {
            return;
        }
    }
}

async fn load(port: u16, requests: u64, at_once: u64) {
    let left = Arc::new(AtomicU64::new(requests));
    let callers: Vec<_> = (0..at_once).map(|_| tokio::spawn(call(port, left.clone()))).collect();
    for caller in callers {
        caller.await.unwrap();
    }
}

async fn call(port: u16, left: Arc<AtomicU64>) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let mut given = Vec::new();
    let one_less = |left: u64| left.checked_sub(1);
    while let Ok(number) = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less) {
        let body = format!("{{\"training_route\":2,\"number\":{number}}}");
        let length = body.len();
        let text = format!(
            "PATCH /trainees/slug{number} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        stream.write_all(text.as_bytes()).await.unwrap();
        assert!(whole_message(&mut stream, &mut given).await, "the stub closed the connection");
    }
}

/// Takes one message out of what came, and waits for it; false at the end of the connection.
async fn whole_message(stream: &mut TcpStream, given: &mut Vec<u8>) -> bool {
    loop {
        if let Some(head) = given.windows(4).position(|four| four == b"\r\n\r\n") {
            let text = String::from_utf8_lossy(&given[..head]).to_ascii_lowercase();
            let length = text.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
            let whole = head + 4 + length.unwrap_or(0_usize);
            if given.len() >= whole {
                given.drain(..whole);
                return true;
            }
        }
        match stream.read_buf(given).await {
            Ok(1..) => {}
            _ => return false,
        }
    }
}
