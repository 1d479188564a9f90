//! Taking back what an image does not show: tables that were rebuilt since the run, views and tables that others inherit from, rows that went along, keys
//! that travel as text; and what a change is held to that the database does not keep, or compares in a way of its own.

use super::{
    many::Store,
    servers::{Shop, block_on, mysql, postgres, said},
};
use trueup::{
    base::value::Value,
    engine::drive::Stopped,
    journal::words::End,
    ops::apply::Carried,
    plan::{Plan, Reversal},
    report::{
        applied,
        look::{Look, View},
    },
    trial::bench::On,
};

const ON: [fn() -> On; 3] = [|| On::Sqlite, on_postgres, || On::Mysql(mysql())];

fn on_postgres() -> On {
    On::Postgres(postgres())
}

const BOXES: &str = "create table boxes (id integer primary key, name varchar(40), n integer); insert into boxes values (1, 'one', 1), (2, 'two', 2);";
const FACTS: &str = r#""boxes":{"key":"id","audit":false},"#;

/// A shop with more tables.
async fn store(on: &On, facts: &str, tables: &str) -> Store {
    let more = |text: String| {
        assert!(text.contains(r#""prices":{"#), "{text}");
        text.replacen(r#""prices":{"#, &format!(r#"{facts}"prices":{{"#), 1)
    };
    let shop = Shop::open(on, "http://127.0.0.1:9", more).await;
    shop.sql(tables).await;
    Store { shop }
}

fn playbook(tables: &str, steps: &str) -> String {
    format!(
        "trueup: v1\nname: t/boxes\nversion: 1\ntitle: Boxes\nowner: boss\nuses:\n  shop: {{ write: [{tables}] }}\nsteps:\n{steps}"
    )
}

/// One is changed, one goes, one comes.
fn three(table: &str) -> String {
    playbook(
        table,
        &format!(
            "- id: changed\n  row: {{ table: shop.{table}, key: {{ id: 1 }}, set: {{ name: first }} }}\n- id: gone\n  row: {{ table: shop.{table}, key: {{ id: 2 }}, ensure: absent }}\n- id: made\n  row: {{ table: shop.{table}, key: {{ id: 3 }}, create: {{ name: three, n: 3 }} }}\n"
        ),
    )
}

/// What was left alone: the step, why, and which columns are in the way.
fn left(carried: &Carried) -> Vec<String> {
    let item = &carried.state.items["-"];
    let told = item.steps.iter().flat_map(|(path, step)| {
        step.left_alone().into_iter().map(move |left| {
            let columns: Vec<&str> = left.columns.iter().map(|one| &*one.column).collect();
            format!("{}: {} ({})", path.rsplit('/').next().unwrap(), left.why, columns.join(", "))
        })
    });
    let mut told: Vec<String> = told.collect();
    told.sort();
    told
}

/// The rows of a table, each in one text.
async fn rows(store: &Store, table: &str) -> Vec<String> {
    let snapshot = store.shop.snapshot().await;
    let shot = snapshot.tables.iter().find(|(name, _)| &*name.table == table).unwrap().1;
    let one = |row: Value| row.as_map().unwrap().values().map(|v| v.bare().into_owned()).collect::<Vec<_>>().join(" ");
    let mut rows: Vec<String> = shot.rows.values().map(|row| one(row.clone().into())).collect();
    rows.sort();
    rows
}

async fn applied(store: &Store, text: &str) -> (Plan, trueup::base::identity::RunId) {
    let (_, plan) = store.plan(text, &[]).await.unwrap_or_else(|f| panic!("{}", said(&f)));
    let (run, carried) = store.apply(text, &[]).await;
    assert_eq!(carried.stopped, Stopped::Closed(End::Changed), "{:?}", carried.state.closed);
    (plan, run)
}

#[test]
fn what_stands_in_a_column_that_came_since_is_not_removed_with_its_row() {
    block_on(async {
        for on in ON {
            let store = store(&on(), FACTS, BOXES).await;
            let (_, run) = applied(&store, &three("boxes")).await;
            store
                .shop
                .sql("alter table boxes add column z varchar(40); update boxes set z = 'mine' where id = 3;")
                .await;
            let carried = store.undo(run, None).await.unwrap_or_else(|f| panic!("{}", said(&f)));
            assert_eq!(carried.state.end(), End::Drifted, "{:?}", carried.state.closed);
            assert_eq!(left(&carried), ["made: its table got columns since, and something stands in them (z)"]);
            assert_eq!(rows(&store, "boxes").await, ["1 one 1 null", "2 two 2 null", "3 three 3 mine"]);
            // Nothing stands in it any more: then the row goes.
            store.shop.sql("update boxes set z = null where id = 3;").await;
            let carried = store.undo(run, None).await.unwrap_or_else(|f| panic!("{}", said(&f)));
            assert_eq!(carried.state.end(), End::Changed, "{:?}", carried.state.closed);
            assert_eq!(rows(&store, "boxes").await, ["1 one 1 null", "2 two 2 null"]);
            store.shop.close().await;
        }
    });
}

#[test]
fn what_a_column_held_that_has_another_name_by_now_is_left_alone() {
    block_on(async {
        for on in ON {
            let store = store(&on(), FACTS, BOXES).await;
            let (_, run) = applied(&store, &three("boxes")).await;
            store.shop.sql("alter table boxes rename column name to title;").await;
            let carried = store.undo(run, None).await.unwrap_or_else(|f| panic!("{}", said(&f)));
            assert_eq!(carried.state.end(), End::Drifted, "{:?}", carried.state.closed);
            assert_eq!(
                left(&carried),
                [
                    "changed: its table has these columns no more (name)",
                    "gone: its table has these columns no more (name)",
                    "made: its table got columns since, and something stands in them (title)",
                ]
            );
            assert_eq!(rows(&store, "boxes").await, ["1 first 1", "3 three 3"]);
            store.shop.close().await;
        }
    });
}

/// What the plan says of taking a step back.
fn foreseen(plan: &Plan, id: &str) -> Option<Reversal> {
    plan.items[0].steps.iter().find(|step| step.path.ends_with(id)).unwrap().undo.clone()
}

const VIEW: &str = "a view need not show all columns of its rows";
const HEIRS: &str = "its rows may be those of tables that inherit from it, which have columns of their own";

#[test]
fn rows_that_an_image_does_not_show_whole_are_not_put_back_by_it_and_the_plan_says_so() {
    block_on(async {
        let tables = "create table whole (id int primary key, name text, n int, secret text); create view boxes as select id, name, n from whole;
            insert into whole values (1, 'one', 1, 's'), (2, 'two', 2, 's');";
        let facts = format!(r#"{FACTS}"whole":{{"key":"id","audit":false}},"#);
        let store = store(&on_postgres(), &facts, tables).await;
        let (plan, run) = applied(&store, &three("boxes")).await;
        assert_eq!(foreseen(&plan, "changed"), Some(Reversal::Automatic));
        assert_eq!(foreseen(&plan, "gone"), Some(Reversal::Irreversible(Some(VIEW.into()))));
        assert_eq!(foreseen(&plan, "made"), Some(Reversal::Irreversible(Some(VIEW.into()))));
        store.shop.sql("update whole set secret = 'mine' where id = 3").await;
        let carried = store.undo(run, None).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        assert_eq!(carried.state.end(), End::Drifted);
        assert_eq!(left(&carried), [format!("gone: {VIEW} ()"), format!("made: {VIEW} ()")]);
        assert_eq!(rows(&store, "whole").await, ["1 one 1 s", "3 three 3 mine"]);
        store.shop.close().await;

        let tables = "create table boxes (id int primary key, name text, n int); create table crates (wood text) inherits (boxes);
            insert into boxes values (1, 'one', 1); insert into crates values (2, 'two', 2, 'oak');";
        let store = self::store(&on_postgres(), FACTS, tables).await;
        let (plan, run) = applied(&store, &three("boxes")).await;
        assert_eq!(foreseen(&plan, "gone"), Some(Reversal::Irreversible(Some(HEIRS.into()))));
        assert_eq!(foreseen(&plan, "made"), Some(Reversal::Automatic));
        let carried = store.undo(run, None).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        assert_eq!(carried.state.end(), End::Drifted);
        assert_eq!(left(&carried), [format!("gone: {HEIRS} ()")]);
        assert_eq!(rows(&store, "boxes").await, ["1 one 1"]);
        store.shop.close().await;
    });
}

#[test]
fn a_row_comes_back_under_a_key_that_travels_as_text() {
    block_on(async {
        let tables = "create table boxes (id inet primary key, name text, n int); insert into boxes values ('10.0.0.9/24', 'one', 1);";
        let store = store(&on_postgres(), FACTS, tables).await;
        let gone = "- id: gone\n  row: { table: shop.boxes, key: { id: 10.0.0.9/24 }, ensure: absent }\n";
        let (_, run) = applied(&store, &playbook("boxes", gone)).await;
        assert!(rows(&store, "boxes").await.is_empty());
        let carried = store.undo(run, None).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        assert_eq!(carried.state.end(), End::Changed, "{:?}", carried.state.closed);
        assert_eq!(rows(&store, "boxes").await, ["10.0.0.9/24 one 1"]);
        store.shop.close().await;
    });
}

#[test]
fn an_undo_names_what_went_along_with_its_rows_and_stays_away() {
    block_on(async {
        let tables = "create table boxes (id int primary key, name text, n int); create table lids (id int primary key, box int references boxes on delete cascade);
            insert into boxes values (1, 'one', 1), (2, 'two', 2); insert into lids values (7, 2);";
        let facts = format!(r#"{FACTS}"lids":{{"key":"id","audit":false}},"#);
        let store = store(&on_postgres(), &facts, tables).await;
        let gone = "- id: gone\n  row: { table: shop.boxes, key: { id: 2 }, ensure: absent }\n";
        let (_, run) = applied(&store, &playbook("boxes", gone)).await;
        assert!(rows(&store, "lids").await.is_empty(), "the cascade took it");
        let carried = store.undo(run, None).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        assert_eq!(carried.state.end(), End::Changed, "{:?}", carried.state.closed);
        assert_eq!((rows(&store, "boxes").await.len(), rows(&store, "lids").await.len()), (2, 0));
        let steps = &carried.state.items["-"].steps;
        let along: Vec<&str> = steps.values().filter_map(|step| step.left_along()).collect();
        let told = "Rows of `shop.lids` that went or changed along with its own (triggers, cascades) stay as the run left them.";
        assert_eq!(along, [told]);
        let facts = |table: &trueup::effect::change::TableName| store.shop.opened.project.facts(table);
        let view = View {
            look: Look { width: 200, unicode: true, ..Look::default() },
            facts: &facts,
            draw: &|_, _, _| String::new(),
        };
        let shown = applied::text(run, &carried.state, &view);
        assert!(shown.contains("Done: taken back, but for what 1 step took along."), "{shown}");
        assert!(shown.contains("not taken back") && shown.contains("`shop.lids`"), "{shown}");
        store.shop.close().await;
    });
}

/// A trigger that protects a column: what it keeps is not as wanted, whatever the row counts say.
const KEEPERS: [(&str, &str); 3] = [
    (
        "sqlite",
        "create trigger keeper after update on boxes when new.name <> old.name begin update boxes set name = old.name where id = old.id; end;",
    ),
    (
        "postgres",
        "create function keep() returns trigger language plpgsql as $$ begin new.name := old.name; return new; end $$; create trigger keeper before update on boxes for each row execute function keep();",
    ),
    ("mysql", "create trigger keeper before update on boxes for each row set new.name = old.name;"),
];

#[test]
fn a_change_that_the_database_does_not_keep_is_never_called_as_wanted() {
    block_on(async {
        for on in ON {
            let on = on();
            let store = store(&on, FACTS, BOXES).await;
            store.shop.sql(KEEPERS.into_iter().find(|(name, _)| *name == on.word()).unwrap().1).await;
            let text = |value: &str| {
                let step = format!(
                    "- id: named\n  row: {{ table: shop.boxes, key: {{ id: 1 }}, set: {{ name: {value} }} }}\n"
                );
                playbook("boxes", &step)
            };
            let Err(failure) = store.plan(&text("first"), &[]).await else { panic!("it was planned on {}", on.word()) };
            let told = said(&failure);
            assert!(
                told.contains("the database kept `shop.boxes` id 1 as it was: `name` is one and not first; a trigger or rule may be in the way"),
                "{told}"
            );
            let (_, plan) = store.plan(&text("one"), &[]).await.unwrap_or_else(|f| panic!("{}", said(&f)));
            assert!(plan.items[0].stop.is_none() && plan.is_empty(), "it is so already");
            store.shop.close().await;
        }
    });
}

#[test]
fn a_guard_takes_for_the_same_what_the_column_does() {
    block_on(async {
        let tables = "create extension if not exists citext; create table boxes (id int primary key, name citext, n text); insert into boxes values (1, 'AbC', 'AbC');";
        let store = store(&on_postgres(), FACTS, tables).await;
        let text = |guard: &str| {
            let step = format!(
                "- id: named\n  row: {{ table: shop.boxes, key: {{ id: 1 }}, only_if: {{ {guard} }}, set: {{ n: done }} }}\n"
            );
            playbook("boxes", &step)
        };
        for (guard, holds) in [("name: abc", true), ("name: abd", false), ("n: abc", false)] {
            let (_, plan) = store.plan(&text(guard), &[]).await.unwrap_or_else(|f| panic!("{}", said(&f)));
            assert_eq!(plan.items[0].stop.is_none(), holds, "{guard}: {:?}", plan.items[0].stop);
        }
        store.shop.close().await;
    });
}
