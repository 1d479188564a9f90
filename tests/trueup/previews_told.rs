//! What a preview tells of a change is what becomes of it: rows that would go with it, the column of the last change, rows of tables that SQLite does not name.

use super::servers::{Shop, block_on, mysql, postgres, request, said};
use trueup::{
    effect::change::RowChange,
    ops,
    plan::{Also, Effect, Plan},
    trial::bench::On,
};

const THINGS: &str = "insert into things (id, name, state, created_at, updated_at) values (1, 'lamp', 0, '2024-01-01 00:00:00', '2024-01-01 00:00:00'); \
    insert into prices (code, year, amount) values ('A', 2024, '1.00'), ('A', 2025, '2.00'), ('B', 2025, '3.30');";

async fn tried(shop: &Shop, steps: &str) -> Result<Plan, ops::Failure> {
    let text = format!(
        "{{ trueup: v1, name: told/playbook, version: 1, title: A test, uses: {{ shop: {{ read: [prices, things], write: [prices, things, audits] }} }}, steps: [ {steps} ] }}"
    );
    let prepared = shop.prepare(&text, &[]).await.unwrap_or_else(|f| panic!("{}\n{text}", said(&f)));
    ops::plan::plan(&prepared.setting, &request(&[]), &|_| {}).await
}

async fn planned(shop: &Shop, steps: &str) -> Plan {
    tried(shop, steps).await.unwrap_or_else(|f| panic!("{}\n{steps}", said(&f)))
}

fn rows(plan: &Plan) -> (Vec<&RowChange>, Vec<&Also>) {
    let (mut changes, mut besides) = (Vec::new(), Vec::new());
    for effect in plan.items[0].steps.iter().flat_map(|step| &step.effects) {
        if let Effect::Rows { changes: rows, also, .. } = effect {
            changes.extend(rows);
            besides.extend(also);
        }
    }
    (changes, besides)
}

fn sql(text: &str) -> String {
    format!(
        "{{ sql: {{ db: shop, sql: \"{text}\", touches: 1 }}, undo: none_needed, because: a test, repeatable: a test }}"
    )
}

/// Trueup stamps the rows that it changes itself; SQL of an author changes what it says.
#[test]
fn the_column_of_the_last_change_is_told_of_sql_that_sets_it() {
    block_on(async {
        for on in [On::Sqlite, On::Postgres(postgres()), On::Mysql(mysql())] {
            let shop = Shop::open(&on, "http://127.0.0.1:9", |text| text).await;
            shop.sql(THINGS).await;
            let (id, word) = (if matches!(on, On::Mysql(_)) { "`id`" } else { "id" }, on.word());
            for (text, stamped) in [
                (format!("update things set note = 'q' where {id} = 1"), false),
                ("update things set note = 'q' where updated_at < current_timestamp".to_owned(), false),
                ("update things set note = 'q', updated_at = '2025-05-05 05:05:05' where id = 1".to_owned(), false),
                ("update things set note = 'q', updated_at = current_timestamp where id = 1".to_owned(), true),
                (
                    "insert into things (id, name, state, created_at, updated_at) values (77, 'b', 0, '2025-05-05 05:05:05', '2025-05-05 05:05:05')"
                        .to_owned(),
                    false,
                ),
                (
                    "insert into things (id, name, state, created_at, updated_at) values (77, 'b', 0, '2025-05-05 05:05:05', current_timestamp)"
                        .to_owned(),
                    true,
                ),
            ] {
                let plan = planned(&shop, &sql(&text)).await;
                let (changes, _) = rows(&plan);
                assert_eq!(changes.len(), 1, "{word}: {text}");
                assert_eq!(!changes[0].stamps.is_empty(), stamped, "{word}: {text}: {:?}", changes[0]);
            }
            let plan = planned(&shop, "{ row: { table: shop.things, key: { id: 1 }, set: { note: q } } }").await;
            assert_eq!(rows(&plan).0[0].stamps, [std::sync::Arc::<str>::from("updated_at")], "{word}");
            shop.close().await;
        }
    });
}

/// Of a table WITHOUT ROWID SQLite does not say which one it was: the rows that are changed are not told once more as touched besides.
#[test]
fn a_row_of_a_table_without_rowid_is_told_once() {
    block_on(async {
        let shop = Shop::open(&On::Sqlite, "http://127.0.0.1:9", |text| text).await;
        let table = "drop table prices; create table prices (code text not null, year integer not null, amount decimal text not null, primary key (code, year)) without rowid;";
        let shadow = "create table shadow (code text primary key, n integer) without rowid; insert into shadow values ('A', 0), ('B', 0);";
        shop.sql(&format!("{table} {shadow} {THINGS}")).await;
        let upsert =
            "insert into prices values ('A', 2024, '9.00') on conflict (code, year) do update set amount = '9.00'";
        let steps = [
            "{ row: { table: shop.prices, key: { code: A, year: 2024 }, set: { amount: '2.00' } } }".to_owned(),
            "{ row: { table: shop.prices, key: { code: C, year: 2024 }, create: { amount: '2.00' } } }".to_owned(),
            "{ row: { table: shop.prices, key: { code: A, year: 2024 }, ensure: absent } }".to_owned(),
            "{ rows: { table: shop.prices, where: { code: A }, set: { amount: '5.00' }, touches: 2 } }".to_owned(),
            sql("update prices set amount = '7.00' where code = 'B'"),
            sql(upsert),
            sql("delete from prices where code = 'B'"),
        ];
        for step in &steps {
            let plan = planned(&shop, step).await;
            let (changes, besides) = rows(&plan);
            assert!(!changes.is_empty() && besides.is_empty(), "{step}: {besides:?}");
        }
        // What a trigger does in another such table is.
        shop.sql("create trigger also after update on prices begin update shadow set n = n + 1; end;").await;
        let plan = planned(&shop, &steps[0]).await;
        let (changes, besides) = rows(&plan);
        let told: Vec<_> = besides.iter().map(|also| (also.table.as_str(), also.inserted, also.updated)).collect();
        assert_eq!((changes.len(), told), (1, vec![("shop.*", 0, 2)]));
        shop.close().await;
    });
}

/// A table of SQLite may say that a row which stands in the way is deleted.
#[test]
fn a_row_that_stands_in_the_way_is_not_deleted() {
    block_on(async {
        let shop = Shop::open(&On::Sqlite, "http://127.0.0.1:9", |text| text).await;
        shop.sql("drop table prices; create table prices (code text not null, year integer not null, amount decimal text not null unique on conflict replace, primary key (code, year) on conflict replace);").await;
        shop.sql(THINGS).await;
        let before = shop.snapshot().await;
        for step in [
            "{ row: { table: shop.prices, key: { code: A, year: 2024 }, set: { amount: '2.00' } } }".to_owned(),
            "{ row: { table: shop.prices, key: { code: C, year: 2024 }, create: { amount: '2.00' } } }".to_owned(),
            sql("update or abort prices set amount = '2.00' where code = 'B'"),
            sql("update prices set amount = '2.00' where code = 'B'"),
        ] {
            let said = said(&tried(&shop, &step).await.unwrap_err());
            assert!(
                said.contains("UNIQUE constraint failed") || said.contains("built with ON CONFLICT REPLACE"),
                "{step}: {said}"
            );
        }
        assert_eq!(format!("{:?}", shop.snapshot().await), format!("{before:?}"));
        shop.close().await;
    });
}
