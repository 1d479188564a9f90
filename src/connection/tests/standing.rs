//! What a plan rests on: the same text for the same database and tables, another one after every change that matters.

use super::*;
use crate::connection::standing::{Unlike, names_ledger, unlike};

const TABLES: &str = "create table parent (id integer primary key); create table t (id integer primary key, n integer default 1, code text); \
    create table other (id integer primary key, x integer)";

async fn standing(place: &Place) -> String {
    let mut writing = place.database().writing().await.unwrap();
    writing.standing(&["t", "parent", "t e x t"], true).await.unwrap().text()
}

async fn change(place: &Place, sql: &str) {
    match &place.url {
        Some(url) => admin(url, sql).await.unwrap(),
        None => {
            let options = SqliteConnectOptions::new().filename(place.folder.path().join("data.db"));
            options.connect().await.unwrap().execute(trusted(sql)).await.map(drop).unwrap();
        }
    }
}

#[tokio::test]
async fn rows_other_tables_and_a_ledger_made_later_change_nothing() {
    for place in each(TABLES).await {
        let planned = standing(&place).await;
        for sql in [
            "insert into t (id, n) values (7, 7)",
            "alter table other add column y text",
            "create index by_n on t (n)",
            "create table unrelated (id integer primary key)",
        ] {
            change(&place, sql).await;
            assert_eq!(standing(&place).await, planned, "{sql}");
        }
        place.database().prepare_ledger("an-id").await.unwrap();
        let with_ledger = standing(&place).await;
        assert!(names_ledger(&with_ledger) && !names_ledger(&planned), "{with_ledger}");
        assert_eq!(unlike(&planned, &with_ledger), None);
    }
}

#[tokio::test]
async fn every_change_of_a_named_table_is_another_schema() {
    const BOTH: &[&str] = &[
        "alter table t add column extra text",
        "alter table t drop column extra",
        "alter table t rename column code to kode",
        "create unique index one_code on t (kode)",
        "create table child (id integer primary key, t integer references t (id) on delete cascade)",
        "drop table child",
        "drop table parent",
    ];
    const POSTGRES: &[&str] = &[
        "alter table t alter column n type bigint",
        "alter table t alter column n set not null",
        "alter table t alter column n set default 2",
        "alter table t alter column n drop default",
        "alter table t add constraint small check (n < 9)",
        "create function f() returns trigger language plpgsql as 'begin return new; end'; \
         create trigger tr before update on t for each row execute function f()",
        "create or replace function f() returns trigger language plpgsql as 'begin new.n := 3; return new; end'",
        "alter table t disable trigger tr",
        "drop trigger tr on t",
        "alter table t drop constraint t_pkey",
    ];
    const MYSQL: &[&str] = &[
        "alter table t modify n bigint default 1",
        "alter table t modify n bigint not null default 1",
        "alter table t modify n bigint default 2",
        "alter table t modify kode varchar(200) collate utf8mb4_bin",
        "alter table t add constraint small check (n < 9)",
        "create trigger tr before update on t for each row set new.n = 3",
        "drop trigger tr",
        "alter table t drop primary key",
        "alter table t engine = Aria",
    ];
    const SQLITE: &[&str] = &[
        "create trigger tr after update on t begin update other set x = 1; end",
        "drop trigger tr",
        "drop table t; create table t (id integer primary key, n integer default 2, kode text)",
    ];
    for place in each(TABLES).await {
        let own = match place.dialect {
            Dialect::Postgres => POSTGRES,
            Dialect::Sqlite => SQLITE,
            Dialect::Mysql => MYSQL,
        };
        for sql in BOTH.iter().chain(own) {
            let planned = standing(&place).await;
            change(&place, sql).await;
            let found = standing(&place).await;
            let Some(Unlike::Schema(tables)) = unlike(&planned, &found) else { panic!("{sql}: {planned} - {found}") };
            let named = if sql.contains("drop table parent") { "parent" } else { "t" };
            assert_eq!(tables, [named], "{sql}");
        }
    }
}

#[tokio::test]
async fn a_copy_of_a_database_is_another_database() {
    for place in each(TABLES).await {
        place.database().prepare_ledger("an-id").await.unwrap();
        let planned = standing(&place).await;
        let copy = if let Some(url) = &place.url {
            let name = url::Url::parse(url).unwrap().path().trim_start_matches('/').to_owned();
            if place.dialect == Dialect::Mysql {
                let tables = ["t", "parent", "trueup_ledger"].map(|t| {
                    format!("create table {name}_copy.{t} like {name}.{t}; insert into {name}_copy.{t} select * from {name}.{t};")
                });
                admin(url, &format!("create database {name}_copy; {}", tables.join(" "))).await.unwrap();
            } else {
                admin(&server(), &format!("create database {name}_copy template {name}")).await.unwrap();
            }
            with_database(url, &format!("{name}_copy"))
        } else {
            let path = place.folder.path();
            std::fs::rename(path.join("data.db"), path.join("original.db")).unwrap();
            std::fs::copy(path.join("original.db"), path.join("data.db")).unwrap();
            String::new()
        };
        let database = if place.url.is_some() { place.at(&copy) } else { place.database() };
        let mut writing = database.writing().await.unwrap();
        let found = writing.standing(&["t", "parent", "t e x t"], true).await.unwrap().text();
        assert!(matches!(unlike(&planned, &found), Some(Unlike::Database { .. })), "{planned} - {found}");
        writing.rollback().await.unwrap();
        if let Some(url) = &place.url {
            let name = url::Url::parse(&copy).unwrap().path().trim_start_matches('/').to_owned();
            let force = if place.is_postgres() { " with (force)" } else { "" };
            admin(
                &with_database(url, if place.is_postgres() { "postgres" } else { "mysql" }),
                &format!("drop database {name}{force}"),
            )
            .await
            .unwrap();
        }
    }
}

/// What is asked of the catalogue concerns one table or one schema. A question that the server answers by opening the tables of
/// all its databases takes a thousand times as long, and waits for whoever alters one of them.
#[tokio::test]
async fn no_question_about_a_table_of_mysql_opens_the_tables_of_other_databases() {
    let place =
        mysql("create table t (id int primary key, up int, foreign key (up) references t (id) on delete cascade)")
            .await;
    let mut handle = place.database().reading().await.unwrap();
    for sql in crate::connection::mysql::catalogue_questions() {
        let binds = vec![Value::text("t"); sql.matches('?').count()];
        let explained = handle.raw(&Statement::new(format!("explain {sql}"), binds), Limits::USUAL).await.unwrap();
        let how: Vec<_> = explained.named().unwrap().rows.iter().map(|row| row["Extra"].bare().into_owned()).collect();
        let scans = how.iter().filter(|how| how.contains("Scanned")).count();
        assert!(scans > 0 && !how.iter().any(|how| how.contains("all databases")), "{how:#?}\n{sql}");
    }
}
