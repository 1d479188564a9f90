//! T20: what comes from outside does not take more memory than there is. A process that may have 512 MiB of addresses and not one
//! more meets answers that would need gigabytes: each is refused with a sentence, and nothing was changed.

use super::servers::{Shop, block_on, postgres};
use std::{fmt::Write as _, path::Path, process::Stdio, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use trueup::trial::bench::{On, Place};

/// All that the process may map, its own text included.
const MOST: u64 = 512 << 20;
/// Each is refused well before this; a machine that is busy with other things counts.
const PATIENCE: Duration = Duration::from_secs(60);

/// A playbook that reads this and changes a row afterwards.
fn playbook(uses: &str, read: &str) -> String {
    format!(
        "trueup: v1\nname: much\nversion: 1\ntitle: Much\nuses:\n  shop: {{ write: [things, audits] }}\n{uses}preconditions:\n- id: much\n  {read}\n\
         steps:\n- row: {{ table: shop.things, key: {{ id: 1 }}, set: {{ count: \"{{{{ much | length }}}}\" }} }}\n"
    )
}

/// An API that answers every request with a gibibyte: with its length said before, or in pieces without an end.
async fn much() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut asked = vec![0; 8192];
                let n = stream.read(&mut asked).await.unwrap_or(0);
                let told = asked[..n].windows(9).any(|w| w == b"/counted ");
                let head = if told { "content-length: 1073741824" } else { "transfer-encoding: chunked" };
                let head = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n{head}\r\n\r\n");
                let piece = if told { "x".repeat(1 << 16) } else { format!("10000\r\n{}\r\n", "x".repeat(1 << 16)) };
                let mut sent = stream.write_all(head.as_bytes()).await;
                for _ in 0..1 << 14 {
                    if sent.is_err() {
                        return;
                    }
                    sent = stream.write_all(piece.as_bytes()).await;
                }
            });
        }
    });
    address
}

/// `trueup apply` in the shop's folder, with so little memory: how it ended, and what a person reads.
async fn apply(folder: &Path, url: &str, file: &str) -> (Option<i32>, String) {
    let mut command = tokio::process::Command::new("prlimit");
    command.arg(format!("--as={MOST}")).arg(env!("CARGO_BIN_EXE_trueup"));
    command.args(["apply", file, "--env", "test", "--reason", "r", "--yes"]).current_dir(folder);
    command
        .env("TRUEUP_ACTOR", "anna")
        .env("SHOP_URL", url)
        .env("CRM_KEY", "k")
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let output = tokio::time::timeout(PATIENCE, command.output()).await.expect("it takes too long").unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), format!("{}{}", text(&output.stdout), text(&output.stderr)))
}

#[test]
fn what_would_need_gigabytes_is_refused_by_a_process_that_has_half_of_one() {
    block_on(async {
        let shop = Shop::open(&On::Postgres(postgres()), &much().await, |text| text).await;
        shop.sql("insert into things (id, name, state, created_at, updated_at) values (1, 'one', 1, now(), now())")
            .await;
        let Place::Server(url) = shop.place().clone() else { panic!() };
        let folder = shop.folder.path();
        let crm = "  crm: { methods: [GET] }\n";
        let mut steps = playbook("", "find: { table: shop.things, where: { id: 1 }, expect: many }");
        for n in 0..100_000 {
            write!(steps, "- give: {n}\n  id: step{n}\n").unwrap();
        }
        let cases = [
            (
                "ten million rows",
                playbook(
                    "",
                    "query: { db: shop, sql: \"select n from generate_series(1, 10000000) n\", expect: many }",
                ),
                "more than 10000 rows",
            ),
            (
                "many large fields",
                playbook(
                    "",
                    "query: { db: shop, sql: \"select repeat('x', 8000000) from generate_series(1, 1000)\", expect: many }",
                ),
                "larger than 16777216 bytes",
            ),
            (
                "one field of a thousand million bytes",
                playbook(
                    "",
                    "query: { db: shop, sql: \"select 1 as n, repeat(repeat('x', 100000), 10000) as much where true\", expect: many }",
                ),
                "larger than 16777216 bytes: one row of it has 1000000000",
            ),
            (
                "one row where one is expected",
                playbook(
                    "",
                    "query: { db: shop, sql: \"select repeat(repeat('x', 100000), 10000) as much where true\", expect: one }",
                ),
                "larger than 16777216 bytes: one row of it has 1000000000",
            ),
            (
                "a document and a list of as much",
                playbook(
                    "",
                    "query: { db: shop, sql: \"select array[repeat('x', 100000000)] as list, to_json(repeat('y', 100000000)) as doc;\", expect: many }",
                ),
                "larger than 16777216 bytes: one row of it has 2000000",
            ),
            ("a gibibyte that was announced", playbook(crm, "http: { api: crm, get: /counted }"), "max_body"),
            ("a gibibyte in pieces", playbook(crm, "http: { api: crm, get: /endless }"), "max_body"),
            ("a hundred thousand steps", steps, "at most 262144 are read"),
        ];
        // The limit is one: with what is needed for nothing but a sentence the process lives.
        let fine = playbook("", "find: { table: shop.things, where: { id: 1 }, expect: many }");
        for (name, text, expected) in cases {
            std::fs::write(folder.join("much.yaml"), text).unwrap();
            let (code, said) = apply(folder, url.reveal(), "much.yaml").await;
            assert!(matches!(code, Some(1..=9)), "{name}: ended with {code:?}\n{said}");
            // A sentence is broken at the width of the terminal.
            let words = said.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(words.contains(expected), "{name}: does not say `{expected}`\n{said}");
        }
        let snapshot = shop.snapshot().await;
        let things = snapshot.tables.iter().find(|(table, _)| &*table.table == "things").unwrap().1;
        assert!(things.rows.values().all(|row| row["count"].is_null()), "something was changed");
        std::fs::write(folder.join("much.yaml"), fine).unwrap();
        let (code, said) = apply(folder, url.reveal(), "much.yaml").await;
        assert_eq!(code, Some(0), "{said}");
        // Many items want more threads than one, and go on with one where there is no room for more.
        shop.sql("insert into things (id, name, state, count, created_at, updated_at) select n, 'many', 1, 0, now(), now() from generate_series(2, 400) n")
            .await;
        let many = "trueup: v1\nname: much\nversion: 1\ntitle: Many\nuses:\n  shop: { write: [things, audits] }\n\
             targets:\n  from: { find: { table: shop.things, where: { name: many } } }\n\
             steps:\n- row: { table: shop.things, key: { id: \"{{ item.id }}\" }, only_if: { count: 0 }, set: { count: 1 } }\n";
        std::fs::write(folder.join("much.yaml"), many).unwrap();
        let (code, said) = apply(folder, url.reveal(), "much.yaml").await;
        assert_eq!(code, Some(0), "{said}");
        let snapshot = shop.snapshot().await;
        let things = snapshot.tables.iter().find(|(table, _)| &*table.table == "things").unwrap().1;
        let counted =
            things.rows.values().filter(|row| row["name"].bare() == "many" && row["count"].as_int() == Some(1));
        assert_eq!(counted.count(), 399);
        shop.close().await;
    });
}
