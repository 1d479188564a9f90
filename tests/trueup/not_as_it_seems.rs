//! Rows that are not what they seem to be: a name that means another table by now, a row that another item takes away, and files that a killed process left.

use crate::{
    hidden::{Desk, flat},
    servers::{block_on, postgres},
};
use sqlx::{AssertSqlSafe, Connection, Executor};
use std::{fs::File, process::Command, time::SystemTime};

const SET: &str = "uses: { shop: { write: [acct] } }\nsteps:\n\
    - { id: one, row: { table: shop.acct, key: { id: 1 }, set: { v: x } } }\n";

/// The role's own schema comes first in its path, and has a copy of the table since.
#[test]
fn an_undo_writes_to_the_table_of_its_run_and_to_no_other_of_that_name() {
    block_on(async {
        let (server, name) = (postgres(), format!("moved_{}", std::process::id()));
        let mut admin = sqlx::PgConnection::connect(server.reveal()).await.unwrap();
        admin.execute(AssertSqlSafe(format!("create database {name}"))).await.unwrap();
        let mut url = url::Url::parse(server.reveal()).unwrap();
        url.set_path(&name);
        let mut own = sqlx::PgConnection::connect(url.as_str()).await.unwrap();
        for table in ["acct", "plain"] {
            // Without a key of its own nothing of how a table is built says where it is.
            let key = if table == "acct" { " primary key" } else { "" };
            own.execute(AssertSqlSafe(format!("create table {table} (id integer{key}, v text)"))).await.unwrap();
            own.execute(AssertSqlSafe(format!("insert into {table} values (1, 'y')"))).await.unwrap();
            let project = format!(
                "connections: {{ shop: {{ postgres: {{ url: {{ secret: URL }} }}, tables: {{ {table}: {{ audit: false, key: id }} }} }} }}\n"
            );
            let book = SET.replace("acct", table);
            let mut desk = Desk::new(&project, &[("URL", url.as_str())], &[("set", &book)]);
            desk.run(&["apply", "set", "--yes", "--reason", "a test"], 0).await;
            own.execute(AssertSqlSafe(format!("create schema {}", url.username()))).await.unwrap();
            own.execute(AssertSqlSafe(format!("create table {table} (like public.{table} including all)")))
                .await
                .unwrap();
            own.execute(AssertSqlSafe(format!("insert into {table} select * from public.{table}"))).await.unwrap();
            let run = desk.last_run().await;
            let undo = ["undo", &*run, "--yes", "--reason", "a test"];
            let came = desk.run(&undo, 5).await;
            let told = flat(&came.said());
            assert!(told.contains("was in the schema `public`, and the name means one in `postgres` now"), "{told}");
            let both = format!("select array[(select v from public.{table}), (select v from {table})]");
            let both: (Vec<String>,) = sqlx::query_as(AssertSqlSafe(both)).fetch_one(&mut own).await.unwrap();
            assert_eq!(both.0, ["x", "x"]);
            own.execute(AssertSqlSafe(format!("drop schema {} cascade", url.username()))).await.unwrap();
            desk.run(&undo, 0).await;
            let back: (String,) =
                sqlx::query_as(AssertSqlSafe(format!("select v from {table}"))).fetch_one(&mut own).await.unwrap();
            assert_eq!(back.0, "y");
        }
        own.close().await.unwrap();
        admin.execute(AssertSqlSafe(format!("drop database {name} with (force)"))).await.unwrap();
    });
}

const TWICE: &str = "uses: { shop: { write: [things] } }
targets: { from: { list: [ { k: a, want: true }, { k: b, want: false }, { k: c, want: true } ] }, key: k }
steps:
- { id: here, when: item.want, row: { table: shop.things, key: { id: 1 }, set: { n: 1 } } }
- { id: gone, when: not item.want, row: { table: shop.things, key: { id: 1 }, ensure: absent } }
";

fn things(rows: &str) -> Desk {
    let project =
        "connections: { shop: { sqlite: { path: shop.db }, tables: { things: { key: id, audit: false } } } }\n";
    let desk = Desk::new(project, &[], &[("twice", TWICE)]);
    let sql = format!("create table things (id integer primary key, n integer); insert into things values {rows}");
    assert!(Command::new("sqlite3").arg(desk.folder.path().join("shop.db")).arg(sql).status().unwrap().success());
    desk
}

#[test]
fn a_row_that_one_item_has_as_wanted_is_not_taken_away_by_another() {
    block_on(async {
        let mut desk = things("(1, 1)");
        let came = desk.run(&["apply", "twice", "--yes", "--reason", "a test"], 4).await;
        let told = flat(&came.said());
        assert!(told.contains("of the items a and b, one takes away a row that is as wanted for the other"), "{told}");
        // Where nothing is there to be taken away, two may rest on what there is.
        let mut desk = things("(2, 1)");
        let rests =
            TWICE.replace("key: { id: 1 }, ensure", "key: { id: 7 }, ensure").replace("id: 1 }, set", "id: 2 }, set");
        let head = "trueup: v1\nname: twice\nversion: 1\ntitle: A test\n";
        std::fs::write(desk.folder.path().join("books/twice.yaml"), head.to_owned() + &rests).unwrap();
        desk.run(&["apply", "twice", "--yes", "--reason", "a test"], 0).await;
    });
}

#[test]
fn what_a_killed_process_left_of_a_preview_is_in_nobodys_way_and_goes() {
    block_on(async {
        let mut desk = things("(1, 1)");
        let many = "uses: { shop: { write: [things] } }\ntargets: { from: { query: { db: shop, sql: select id from things } }, key: id }\nsteps:\n\
                    - { id: one, row: { table: shop.things, key: { id: \"{{ item.id }}\" }, set: { n: 2 } } }\n";
        let head = "trueup: v1\nname: twice\nversion: 1\ntitle: A test\n";
        std::fs::write(desk.folder.path().join("books/twice.yaml"), head.to_owned() + many).unwrap();
        let fill = "with recursive n (i) as (select 2 union all select i + 1 from n where i < 600) insert into things select i, 1 from n";
        assert!(Command::new("sqlite3").arg(desk.folder.path().join("shop.db")).arg(fill).status().unwrap().success());
        let aside = desk.folder.path().join(".trueup");
        std::fs::create_dir_all(&aside).unwrap();
        let [left, held] = ["left", "held"].map(|name| aside.join(format!(".trueup-preview-{name}")));
        let long_ago = SystemTime::UNIX_EPOCH;
        let files = [&left, &held].map(|path| File::create(path).unwrap());
        files.iter().for_each(|file| file.set_modified(long_ago).unwrap());
        let [unlocked, locked] = files;
        drop(unlocked);
        locked.lock().unwrap();
        desk.run(&["apply", "twice", "--yes", "--reason", "a test"], 0).await;
        assert!(!left.exists(), "nobody holds it");
        assert!(held.exists(), "somebody is at it");
        let names = std::fs::read_dir(&aside).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
        let others: Vec<_> = names.filter(|name| name.starts_with(".trueup-") && !name.ends_with("-held")).collect();
        assert!(others.is_empty(), "{others:?}");
    });
}
