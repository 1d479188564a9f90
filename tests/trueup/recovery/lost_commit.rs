//! A living process whose COMMIT got no answer: it looks on a new connection, and knows.

use super::*;
use std::sync::{
    Arc,
    atomic::{AtomicU8, AtomicUsize, Ordering},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// What happens to the next COMMIT.
const NEVER: u8 = 0;
/// It is thrown away, and the wire is cut.
const BEFORE: u8 = 1;
/// It goes through, its answer does not.
const AFTER: u8 = 2;

/// A wire between trueup and the server that can be cut at COMMIT.
struct Wire {
    port: u16,
    cut: Arc<AtomicU8>,
    happened: Arc<AtomicUsize>,
}

impl Wire {
    async fn to(url: &str) -> Wire {
        let server = url::Url::parse(url).unwrap();
        let address = format!("{}:{}", server.host_str().unwrap(), server.port().unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (cut, happened) = (Arc::new(AtomicU8::new(NEVER)), Arc::new(AtomicUsize::new(0)));
        let (plan, count) = (cut.clone(), happened.clone());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(&address).await.unwrap();
                tokio::spawn(carry(client, server, plan.clone(), count.clone()));
            }
        });
        Wire { port, cut, happened }
    }
}

/// Carries bytes both ways until an end closes or the plan says to cut, once.
async fn carry(mut client: TcpStream, mut server: TcpStream, plan: Arc<AtomicU8>, happened: Arc<AtomicUsize>) {
    let (mut up, mut down) = (vec![0; 65536], vec![0; 65536]);
    loop {
        tokio::select! {
            n = client.read(&mut up) => {
                let Ok(n @ 1..) = n else { return };
                let commit = up[..n].windows(7).any(|w| w == b"COMMIT\0" || w == b"COMMIT;");
                let cut = if commit { plan.swap(NEVER, Ordering::SeqCst) } else { NEVER };
                happened.fetch_add(usize::from(cut != NEVER), Ordering::SeqCst);
                if cut == BEFORE { return }
                if server.write_all(&up[..n]).await.is_err() { return }
                if cut == AFTER {
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

/// A scene whose database is reached through the wire.
async fn scene() -> (Scene, Wire) {
    let mut scene = Scene::open(&On::Postgres(postgres()), QUIET, |text| text).await;
    let trueup::trial::bench::Place::Server(url) = scene.shop.place().clone() else { panic!() };
    let wire = Wire::to(url.reveal()).await;
    let mut through = url::Url::parse(url.reveal()).unwrap();
    through.set_port(Some(wire.port)).unwrap();
    let variables = vec![("SHOP_URL".to_owned(), format!("{through}?sslmode=disable"))];
    scene.shop.here = scene.shop.here.clone().with_variables(variables);
    (scene, wire)
}

const STEPS: [&str; 2] = [
    "- id: change\n  row: { of: thing, set: { count: 2 } }\n",
    "- id: change\n  block:\n    transaction: shop\n    steps:\n    - id: one\n      row: { of: thing, set: { count: 2 } }\n    - id: two\n      row: { table: shop.prices, key: { code: A, year: 2024 }, create: { amount: \"1.50\" } }\n",
];

#[test]
fn a_commit_whose_answer_was_lost_is_looked_up_and_the_run_goes_on() {
    block_on(async {
        for steps in STEPS {
            for (cut, expected) in
                [(AFTER, "the rows show that it was done"), (BEFORE, "the rows show that it was not done")]
            {
                let (mut scene, wire) = scene().await;
                let plan = wire.cut.clone();
                let here = scene.shop.here.clone();
                let watch = move |tick: &Tick| {
                    if matches!(tick, Tick::Begins { path, title, .. } if &**path == "steps/change" && !title.starts_with("Find"))
                    {
                        plan.store(cut, Ordering::SeqCst);
                    }
                };
                let once = std::sync::Once::new();
                let first = move |tick: &Tick| {
                    if matches!(tick, Tick::Begins { path, .. } if &**path == "steps/change") {
                        once.call_once(|| watch(tick));
                    }
                };
                let carried =
                    scene.apply_in(&here, &playbook(steps), &first).await.unwrap_or_else(|f| panic!("{}", said(&f)));
                assert_eq!(wire.happened.load(Ordering::SeqCst), 1, "the wire was really cut");
                assert_eq!(
                    carried.stopped,
                    Stopped::Closed(End::Changed),
                    "{:?} {:?}",
                    carried.state.closed,
                    scene.ticks()
                );
                assert_eq!(found(&carried, "steps/change"), format!("Its answer was lost; {expected}."));
                assert_eq!((scene.cell("things", "count").await, scene.rows("audits").await.len()), ("2".into(), 1));
                scene.close().await;
            }
        }
    });
}
