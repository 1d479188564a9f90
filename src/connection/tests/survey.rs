//! What `check --env` learns of a live database: rights of the role, and a pooler in between.

use super::*;
use std::{collections::VecDeque, sync::Mutex};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

#[tokio::test]
async fn the_rights_of_the_role_are_told_table_by_table() {
    let place = postgres(
        "create schema shop; create table a (id integer primary key, x integer, y integer); create table shop.b (id integer primary key); create table c (id integer); create schema \"Odd One\"; create table \"Odd One\".\"Order\" (id integer)",
    )
    .await;
    let url = place.url.as_ref().unwrap();
    let role = url::Url::parse(url).unwrap().path().trim_start_matches('/').to_owned();
    let setup = format!(
        "create role {role} login password 'x'; grant usage on schema shop to {role}; \
         grant select, update (x) on a to {role}; grant insert, delete on shop.b to {role}; grant select (id) on shop.b to {role}; \
         grant usage on schema \"Odd One\" to {role}; grant insert on \"Odd One\".\"Order\" to {role}"
    );
    admin(url, &setup).await.unwrap();
    let mut theirs = url::Url::parse(url).unwrap();
    theirs.set_username(&role).unwrap();
    theirs.set_password(Some("x")).unwrap();
    let survey = place.at(theirs.as_str()).survey(&["a", "shop.b", "c", "gone", "Odd One.Order"]).await.unwrap();
    admin(url, &format!("drop owned by {role}; drop role {role}")).await.unwrap();
    assert_eq!((survey.role.as_str(), survey.replica, survey.has_ledger), (role.as_str(), false, false));
    assert_eq!(survey.pooled, None, "a direct connection");
    let (a, b, c) = (&survey.rights["a"], &survey.rights["shop.b"], &survey.rights["c"]);
    assert_eq!((a.insert, a.delete, a.select, a.update.len()), (false, false, true, 1));
    assert!(a.update.contains("x"));
    assert_eq!((b.insert, b.delete, b.select, b.update.is_empty()), (true, true, true, true));
    assert_eq!((c.insert, c.delete, c.select, c.update.is_empty()), (false, false, false, true));
    assert!(!survey.rights.contains_key("gone"));
    let odd = &survey.rights["Odd One.Order"];
    assert_eq!((odd.insert, odd.delete, odd.select), (true, false, false));
    let owner = place.database().survey(&["a"]).await.unwrap();
    assert_eq!(owner.rights["a"].update.len(), 3);
}

#[tokio::test]
async fn a_file_that_is_being_written_is_surveyed_all_the_same() {
    let mut place = sqlite("create table t (id integer primary key)").await;
    place.settings = "busy_timeout: 50ms,".into();
    let writing = place.database().writing().await.unwrap();
    let survey = place.database().survey(&["t"]).await.unwrap();
    assert_eq!((survey.not_writable, survey.has_ledger), (None, false));
    writing.rollback().await.unwrap();
    place.database().prepare_ledger("id").await.unwrap();
    assert!(place.database().survey(&["t"]).await.unwrap().has_ledger);
}

/// A pooler in transaction mode: each client logs in by a server session of its own, which then goes into a pool; every
/// transaction takes the session that has rested longest, and puts it back at its end.
struct Pooler {
    port: u16,
    accepting: tokio::task::JoinHandle<()>,
}

type Pool = Arc<Mutex<VecDeque<TcpStream>>>;

impl Pooler {
    async fn before(url: &str) -> Pooler {
        let server = url::Url::parse(url).unwrap();
        let address = format!("{}:{}", server.host_str().unwrap(), server.port().unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let pool = Pool::default();
        let accepting = tokio::spawn(async move {
            let mut clients = tokio::task::JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(&address).await.unwrap();
                clients.spawn(serve(client, server, pool.clone()));
            }
        });
        Pooler { port, accepting }
    }

    fn url(&self, url: &str) -> String {
        let mut url = url::Url::parse(url).unwrap();
        url.set_port(Some(self.port)).unwrap();
        format!("{url}?sslmode=disable")
    }
}

/// Ends when the client goes.
async fn serve(mut client: TcpStream, mut server: TcpStream, pool: Pool) -> Option<()> {
    let (mut up, mut bytes) = (vec![0; 65536], vec![0; 65536]);
    // Logging in: until the server is ready for the first query.
    loop {
        tokio::select! {
            n = client.read(&mut up) => {
                let n @ 1.. = n.ok()? else { return None };
                server.write_all(&up[..n]).await.ok()?;
            }
            n = server.read(&mut bytes) => {
                let n @ 1.. = n.ok()? else { return None };
                client.write_all(&bytes[..n]).await.ok()?;
                if bytes[..n].ends_with(b"Z\x00\x00\x00\x05I") { break }
            }
        }
    }
    pool.lock().unwrap().push_back(server);
    loop {
        let n @ 1.. = client.read(&mut bytes).await.ok()? else { return None };
        let mut server = pool.lock().unwrap().pop_front()?;
        server.write_all(&bytes[..n]).await.ok()?;
        // Until the server says that it is in no transaction any more.
        loop {
            tokio::select! {
                n = client.read(&mut up) => {
                    let n @ 1.. = n.ok()? else { return None };
                    server.write_all(&up[..n]).await.ok()?;
                }
                n = server.read(&mut bytes) => {
                    let n @ 1.. = n.ok()? else { return None };
                    client.write_all(&bytes[..n]).await.ok()?;
                    if bytes[..n].ends_with(b"Z\x00\x00\x00\x05I") { break }
                }
            }
        }
        pool.lock().unwrap().push_back(server);
    }
}

#[tokio::test]
async fn a_pooler_in_transaction_mode_is_noticed() {
    let place = postgres("create table t (id integer primary key)").await;
    let url = place.url.as_ref().unwrap();
    let pooler = Pooler::before(url).await;
    let survey = place.at(&pooler.url(url)).survey(&["t"]).await.unwrap();
    let shown = survey.pooled.expect("it was not noticed");
    assert!(shown.contains("two sessions") || shown.contains("prepared"), "{shown}");
    pooler.accepting.abort();
}
