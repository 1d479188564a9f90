//! Columns that nobody but the database writes: what somebody else's edit of the row makes of them is neither drift nor a later edit.

use super::servers::{Shop, block_on, mysql, postgres, request, said};
use std::sync::atomic::AtomicBool;
use trueup::{
    base::identity::RunId,
    engine::drive::Stopped,
    journal::words::End,
    ops::{self, apply::Carried, undo::Wish},
    plan::Plan,
    trial::bench::On,
};

const HEAD: &str =
    "trueup: v1\nname: counted/playbook\nversion: 1\ntitle: Counted\nuses:\n  shop: { write: [counted] }\n";
const FOUND: &str = "preconditions:\n- id: r\n  find: { table: shop.counted, where: { id: 1 }, expect: one }\n";
const UP: &str = "steps:\n- id: up\n  row: { of: r, set: { n: \"{{ r.n + 1 }}\" } }\n";
const MANY: &str = "targets:\n  from: { find: { table: shop.counted } }\nsteps:\n- id: up\n  row: { table: shop.counted, key: { id: \"{{ item.id }}\" }, set: { n: \"{{ item.n + 1 }}\" } }\n";
/// How many rows there are.
const ROWS: i64 = 12;

/// `hits` is counted by a trigger, `size` is computed.
fn tables(on: &On) -> &'static str {
    match on {
        On::Sqlite => {
            "create table counted (id integer primary key, n integer not null, note text not null, hits integer not null default 0, size integer generated always as (n * 10 + length(note)) stored);
             create trigger counted_hits after update of n, note on counted begin update counted set hits = old.hits + 1 where id = new.id; end;"
        }
        On::Postgres(_) => {
            "create table counted (id integer primary key, n integer not null, note text not null, hits integer not null default 0, size integer generated always as (n * 10 + length(note)) stored);
             create function counted_hits() returns trigger language plpgsql as $$ begin new.hits := old.hits + 1; return new; end $$;
             create trigger counted_hits before update on counted for each row execute function counted_hits();"
        }
        On::Mysql(_) => {
            "create table counted (id integer primary key, n integer not null, note varchar(100) not null, hits integer not null default 0, size integer generated always as (n * 10 + length(note)) stored);
             create trigger counted_hits before update on counted for each row set new.hits = old.hits + 1;"
        }
    }
}

struct Counted {
    shop: Shop,
}

impl Counted {
    async fn open(on: &On) -> Counted {
        let facts = |text: String| {
            let table = r#""counted":{"key":"id","audit":false,"generated":["hits"]},"prices":{"#;
            assert!(text.contains(r#""prices":{"#), "{text}");
            text.replacen(r#""prices":{"#, table, 1)
        };
        let shop = Shop::open(on, "http://127.0.0.1:9", facts).await;
        shop.sql(tables(on)).await;
        Counted { shop }
    }

    /// The rows as they are at the beginning.
    async fn fill(&self) {
        let rows: Vec<String> = (1..=ROWS).map(|id| format!("({id}, 1, 'a')")).collect();
        let rows = rows.join(", ");
        self.shop.sql(&format!("delete from counted; insert into counted (id, n, note) values {rows};")).await;
    }

    async fn plan(&self, text: &str, one_by_one: bool) -> (ops::plan::Prepared, Plan) {
        let record = self.record().await;
        let mut prepared =
            self.shop.prepare(&format!("{HEAD}{text}"), &[]).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        prepared.setting.one_by_one = one_by_one;
        ops::record::seal_with(&mut prepared.setting, &record);
        record.journal.close().await.unwrap();
        let plan = ops::plan::plan(&prepared.setting, &request(&[]), &|_| {}).await;
        (prepared, plan.unwrap_or_else(|f| panic!("{}", said(&f))))
    }

    async fn record(&self) -> ops::record::Record {
        ops::record::open(&self.shop.here, &self.shop.opened).await.unwrap()
    }

    /// Plans, lets somebody write a note into every row, and applies the plan.
    async fn edited(&self, text: &str, one_by_one: bool) -> (RunId, Carried) {
        self.fill().await;
        let (prepared, plan) = self.plan(text, one_by_one).await;
        self.shop.sql("update counted set note = 'mine'").await;
        let (record, stop) = (self.record().await, AtomicBool::new(false));
        let (here, opened) = (&self.shop.here, &self.shop.opened);
        let carried = ops::apply::apply(here, &record, opened, &prepared.setting, &plan, &|_| {}, &stop).await;
        record.journal.close().await.unwrap();
        (prepared.setting.run.id, carried.unwrap_or_else(|f| panic!("{}", said(&f))))
    }

    async fn undo(&self, run: RunId) -> Carried {
        let (record, stop) = (self.record().await, AtomicBool::new(false));
        let wish = Wish { actor: Some("anna".into()), ..Wish::default() };
        let (here, opened) = (&self.shop.here, &self.shop.opened);
        let ready = ops::undo::prepare(here, &record, opened, run, &wish).await;
        let ready = ready.unwrap_or_else(|f| panic!("{}", said(&f)));
        let plan = ops::undo::plan(&ready, &|_| {}).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        assert_eq!(ops::undo::left_alone(&plan), 0, "the plan leaves nothing alone");
        let carried = ops::undo::undo(here, &record, &ready, &plan, &wish, &|_| {}, &stop).await;
        record.journal.close().await.unwrap();
        carried.unwrap_or_else(|f| panic!("{}", said(&f)))
    }

    /// A column of all rows, by their keys; the key of each stands before it.
    async fn column(&self, column: &str) -> Vec<(i64, String)> {
        let snapshot = self.shop.snapshot().await;
        let (_, table) = snapshot.tables.iter().find(|(t, _)| &*t.table == "counted").unwrap();
        let mut rows: Vec<_> =
            table.rows.values().map(|row| (row["id"].as_int().unwrap(), row[column].bare().into_owned())).collect();
        rows.sort();
        rows
    }
}

fn on_each(test: impl AsyncFn(&On)) {
    block_on(async {
        test(&On::Sqlite).await;
        test(&On::Postgres(postgres())).await;
        test(&On::Mysql(mysql())).await;
    });
}

/// What the run found otherwise: columns.
fn drifted(carried: &Carried) -> Vec<&str> {
    carried.drift.iter().map(|difference| difference.column.as_str()).collect()
}

#[test]
fn what_becomes_of_generated_columns_by_somebody_elses_edit_is_no_drift() {
    on_each(async |on| {
        let counted = Counted::open(on).await;
        let gone = "steps:\n- id: gone\n  row: { of: r, ensure: absent, only_if: { n: 1 } }\n";
        let sql = "steps:\n- id: up\n  sql: { db: shop, sql: \"update counted set n = n + 1 where id = 1\", touches: 1 }\n  undo: automatic\n  repeatable: a test\n";
        let several =
            "steps:\n- id: up\n  rows: { table: shop.counted, where: { id: [1, 2, 3] }, set: { n: 7 }, touches: 3 }\n";
        for (text, writes_note) in [
            (format!("{FOUND}{UP}"), false),
            // A row that goes is compared whole: the note is a column that goes with it.
            (format!("{FOUND}{gone}"), true),
            (sql.to_owned(), false),
            (several.to_owned(), false),
        ] {
            let (_, carried) = counted.edited(&text, false).await;
            let (end, columns) = if writes_note { (End::Drifted, vec!["note"]) } else { (End::Changed, vec![]) };
            assert_eq!(carried.stopped, Stopped::Closed(end), "{} {text}: {:?}", on.word(), carried.drift);
            assert_eq!(drifted(&carried), columns, "{} {text}", on.word());
        }
        for one_by_one in [false, true] {
            let (run, carried) = counted.edited(MANY, one_by_one).await;
            assert_eq!(carried.stopped, Stopped::Closed(End::Changed), "{}: {:?}", on.word(), carried.drift);
            assert!(counted.column("n").await.iter().all(|(_, n)| n == "2"));
            // Nor is it a later edit of what the run did.
            counted.shop.sql("update counted set note = 'other'").await;
            let undone = counted.undo(run).await;
            assert_eq!(undone.stopped, Stopped::Closed(End::Changed), "{}", on.word());
            assert!(counted.column("n").await.iter().all(|(_, n)| n == "1"));
            assert!(counted.column("note").await.iter().all(|(_, note)| note == "other"));
        }
        let (run, _) = counted.edited(&format!("{FOUND}{UP}"), false).await;
        counted.shop.sql("update counted set note = 'other' where id = 1").await;
        assert_eq!(counted.undo(run).await.stopped, Stopped::Closed(End::Changed), "{}", on.word());
        counted.shop.close().await;
    });
}

#[test]
fn a_generated_column_that_the_playbook_reads_is_compared() {
    on_each(async |on| {
        let counted = Counted::open(on).await;
        let reads = |column: &str| format!("{FOUND}- assert: r.{column} < 1000\n{UP}");
        let guarded = format!("{FOUND}{}", UP.replace("set:", "only_if: { hits: 0 }, set:"));
        for (text, column) in [(reads("hits"), "hits"), (reads("size"), "size"), (guarded, "hits")] {
            let (_, carried) = counted.edited(&text, false).await;
            assert_eq!(carried.stopped, Stopped::Closed(End::Drifted), "{} {text}", on.word());
            assert_eq!(drifted(&carried), [column], "{} {text}", on.word());
            assert!(counted.column("n").await.iter().all(|(_, n)| n == "1"));
        }
        counted.shop.close().await;
    });
}
