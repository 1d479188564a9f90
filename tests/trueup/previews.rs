//! The promise under everything: a dry-run changes nothing, and apply changes exactly the rows that it showed. Held against
//! playbooks that nobody wrote by hand.

use super::{
    proof::figures::size,
    servers::{Shop, block_on, dialect, mysql, postgres, request, said},
};
use proptest::{
    prelude::*,
    sample::select,
    strategy::ValueTree,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use serde_json::{Value as Json, json};
use std::sync::atomic::AtomicBool;
use trueup::{
    effect::change::TableName,
    engine::{drive::Stopped, setting::Setting},
    journal::words::End,
    ops::{self, record::Record},
    plan::{Effect, Plan},
    report::{
        look::{Look, View},
        plan::{self, About},
        plan_json,
    },
    trial::{bench::On, proof},
};

/// Playbooks for each database.
const PLAYBOOKS: usize = 200;

/// Starting rows; the generated playbooks find their way around in them.
const ROWS: &str = "
insert into owners (id, name) values (1, 'Ada'), (2, 'Bob');
insert into things (id, name, state, amount, price, count, weight, flag, day, at, moment, uid, email, note, doc, owner_id, created_at, updated_at) values
 (1, 'lamp', 0, '1.50', '1.500', 1, 0.5, true, '2024-02-29', '2024-02-29 12:00:00.000001', '2024-07-01 12:00:00+00', '6f1c1c5e-0000-4000-8000-000000000001', 'a@b.example', null, '{\"ready\": true, \"n\": 1}', 1, '2024-01-01 00:00:00', '2024-01-01 00:00:00'),
 (2, 'desk', 1, null, null, null, null, null, null, null, null, null, null, 'it''s', '{}', null, '2024-01-01 00:00:00', '2024-01-01 00:00:00'),
 (3, 'chair', 2, '-0.01', '123456789012345678901234567890.5', -5, 1e10, false, '0001-01-01', '9999-12-31 23:59:59.999999', '1970-01-01 00:00:00+00', null, null, '', null, 2, '2024-01-01 00:00:00', '2024-01-01 00:00:00'),
 (4, 'gone', 9, '0.00', '0', 0, 0, false, null, null, null, null, null, null, '{}', 1, '2024-01-01 00:00:00', '2024-01-01 00:00:00');
update things set discarded_at = '2024-05-05 05:05:05' where id = 4;
insert into parts (id, thing_id, name, position, created_at, updated_at) values
 (1, 1, 'foot', 1, '2024-01-01 00:00:00', '2024-01-01 00:00:00'), (2, 1, 'arm', 2, '2024-01-01 00:00:00', '2024-01-01 00:00:00'),
 (3, 2, 'leg', 1, '2024-01-01 00:00:00', '2024-01-01 00:00:00');
insert into prices (code, year, amount) values ('A', 2024, '1.00'), ('A', 2025, '2.00'), ('B', 2025, '3.30');
";

fn any_of(values: &[Json]) -> BoxedStrategy<Json> {
    select(values.to_vec()).boxed()
}

/// A column of `things` and something to put there: literals, null, and expressions over what was found.
fn assignment() -> impl Strategy<Value = (String, Json)> {
    let fixed = |name: &'static str, values: Vec<Json>| select(values).prop_map(move |v| (name.to_owned(), v)).boxed();
    prop_oneof![
        fixed(
            "name",
            vec![
                json!("lamp"),
                json!("it's \"x\";--"),
                json!("ünïcode\n"),
                json!("{{ t1.name ~ '!' }}"),
                json!("{{ run.reason }}")
            ]
        ),
        fixed("state", vec![json!("new"), json!("open"), json!("sold"), json!("{{ t2.state }}")]),
        fixed(
            "amount",
            vec![
                json!(null),
                json!("1.5"),
                json!("1.50"),
                json!("-0.1"),
                json!("{{ t1.amount }}"),
                json!("99999999.99")
            ]
        ),
        fixed("price", vec![json!(null), json!("1.5"), json!("1.500"), json!("0.000000001"), json!("{{ t3.price }}")]),
        fixed(
            "count",
            vec![json!(null), json!(0), json!(-7), json!("{{ many | length }}"), json!("{{ (t1.count or 0) + 1 }}")]
        ),
        fixed("flag", vec![json!(null), json!(true), json!(false), json!("{{ t1.id == 1 }}")]),
        fixed("day", vec![json!(null), json!("2024-02-29"), json!("{{ now() | date }}"), json!("{{ t1.day }}")]),
        fixed("at", vec![json!(null), json!("2024-02-29 12:00:00.000001"), json!("{{ now() }}"), json!("{{ t3.at }}")]),
        fixed("moment", vec![json!(null), json!("2024-07-01T12:00:00.5Z"), json!("{{ t1.moment }}")]),
        fixed(
            "note",
            vec![json!(null), json!(""), json!("null"), json!("%s ' \\ \" \u{1F600}"), json!("{{ t2.note }}")]
        ),
        fixed("owner_id", vec![json!(null), json!(1), json!("{{ t1.owner_id }}")]),
        fixed(
            "doc",
            vec![
                json!({ "merge": { "ready": false } }),
                json!({ "merge": { "n": [1, { "x": null }] } }),
                json!({ "remove": ["n"] })
            ]
        ),
    ]
}

fn assignments() -> impl Strategy<Value = Json> {
    prop::collection::vec(assignment(), 1..5).prop_map(|all| Json::Object(all.into_iter().collect()))
}

fn condition() -> impl Strategy<Value = Json> {
    any_of(&[
        json!("t1.state == 'new'"),
        json!("many | length > 1"),
        json!("t2.note is none"),
        json!("t1.flag"),
        json!("true"),
    ])
}

fn thing() -> impl Strategy<Value = Json> {
    (
        1..4_i64,
        assignments(),
        prop::option::of(select(vec!["note", "count", "day"])),
        prop::option::of((condition(), assignments())),
        any::<bool>(),
    )
        .prop_map(|(id, set, clear, also, guarded)| {
            let mut row = json!({ "of": format!("t{id}"), "set": set });
            if let Some(column) = clear.filter(|c| row["set"].get(c).is_none()) {
                row["clear"] = json!([column]);
            }
            if let Some((when, set)) = also {
                row["also"] = json!([{ "when": when, "set": set }]);
            }
            if guarded {
                row["only_if"] = json!({ "state": format!("{{{{ t{id}.state }}}}") });
            }
            json!({ "row": row })
        })
}

fn part() -> impl Strategy<Value = Json> {
    let name = any_of(&[json!("foot"), json!("{{ t1.name }}"), json!("x y")]);
    prop_oneof![
        (1..9_i64, name.clone(), 1..4_i64).prop_map(|(id, name, position)| {
            json!({ "row": { "table": "shop.parts", "key": { "id": id }, "set": { "name": name }, "create": { "thing_id": 3, "position": position + id * 10 } } })
        }),
        (1..9_i64).prop_map(|id| json!({ "row": { "table": "shop.parts", "key": { "id": id }, "ensure": "absent" } })),
        name.prop_map(|name| json!({ "rows": { "table": "shop.parts", "where": { "thing_id": [1, 3] }, "set": { "name": name }, "touches": "0..50" } })),
        (0..3_i64).prop_map(|at| json!({ "rows": { "table": "shop.parts", "where": { "position": { "at_least": at + 2 } }, "ensure": "absent", "touches": "0..50" } })),
    ]
}

fn price() -> impl Strategy<Value = Json> {
    let code = any_of(&[json!("A"), json!("B"), json!("it's")]);
    prop_oneof![
        (code.clone(), 2023..2026_i64, any_of(&[json!("1.0"), json!("7.77")])).prop_map(|(code, year, amount)| {
            json!({ "row": { "table": "shop.prices", "key": { "code": code, "year": year }, "set": { "amount": amount }, "create": {} } })
        }),
        any_of(&[
            json!("update prices set amount = {{ t1.amount or '4.44' }} where year >= 2025 -- some"),
            json!("delete from prices where code in ({{ ['A', t1.name] }})"),
            json!("insert into prices (code, year, amount) values ({{ 'C' ~ t1.count }}, 2030, '5.00') on conflict (code, year) do update set amount = '6.00'"),
        ])
        .prop_map(|sql| {
            json!({ "sql": { "db": "shop", "sql": sql, "touches": "0..50" }, "irreversible": "a test", "repeatable": "a test" })
        }),
    ]
}

fn step() -> impl Strategy<Value = Json> {
    (
        prop_oneof![4 => thing().boxed(), 2 => part().boxed(), 2 => price().boxed()],
        prop::option::weighted(0.3, condition()),
    )
        .prop_map(|(mut step, when)| {
            if let Some(when) = when {
                step["when"] = when;
            }
            step
        })
}

/// A whole playbook. JSON, which is YAML.
fn playbook() -> impl Strategy<Value = String> {
    let list = prop::collection::vec(
        prop_oneof![
            4 => step().boxed(),
            1 => prop::collection::vec(step(), 1..4).prop_map(|steps| json!({ "block": { "transaction": "shop", "steps": steps } })).boxed(),
            1 => Just(json!({ "query": { "db": "shop", "sql": "select count(*) as n from parts where thing_id = {{ t1.id }}", "expect": "one" } })).boxed(),
        ],
        1..5,
    );
    (list, any_of(&[json!("new"), json!(["open", "sold"]), json!({ "not": "lost" })])).prop_map(|(steps, state)| {
        let one = |id: i64| json!({ "id": format!("t{id}"), "find": { "table": "shop.things", "where": { "id": id }, "expect": "one" } });
        let uses = ["things", "parts", "prices", "audits", "notes"];
        json!({
            "trueup": "v1", "name": "generated/playbook", "version": 1, "title": "Generated",
            "uses": { "shop": { "read": uses, "write": uses } },
            "preconditions": [one(1), one(2), one(3), { "id": "many", "find": { "table": "shop.things", "where": { "state": state }, "expect": "many" } }],
            "steps": steps,
        })
        .to_string()
    })
}

/// What became of the generated playbooks.
#[derive(Debug, Default)]
struct Tally {
    changed: usize,
    unchanged: usize,
    refused: usize,
}

async fn one(shop: &Shop, text: &str, tally: &mut Tally) {
    let before = shop.snapshot().await;
    let prepared = shop.prepare(text, &[]).await.unwrap_or_else(|f| panic!("{}\n{text}", said(&f)));
    let planned = ops::plan::plan(&prepared.setting, &request(&[]), &|_| {}).await;
    let after = shop.snapshot().await;
    assert!(before.text() == after.text(), "a dry-run changed something\n{text}");
    let plan = match planned {
        Ok(plan) if plan.items[0].stop.is_none() => plan,
        _ => {
            tally.refused += 1;
            return;
        }
    };
    let record = ops::record::open(&shop.here, &shop.opened).await.unwrap();
    as_kept_in_a_file(shop, &record, &prepared.setting, &plan);
    let pause = AtomicBool::new(false);
    let carried =
        ops::apply::apply(&shop.here, &record, &shop.opened, &prepared.setting, &plan, &|_| {}, &pause).await.unwrap();
    record.journal.close().await.unwrap();
    let end = carried.state.end();
    let reason = carried.state.closed.as_ref().and_then(|c| c.reason.clone()).unwrap_or_default();
    assert_eq!(carried.stopped, Stopped::Closed(end));
    let applied = shop.snapshot().await.since(&before);
    let wrong = proof::preview_equals_apply(&plan, &applied);
    assert!(wrong.is_empty(), "{} {reason}\n{wrong:#?}\n{text}", end.word());
    let expected = if plan.is_empty() { End::Unchanged } else { End::Changed };
    assert_eq!(end, expected, "{reason}\n{text}");
    if applied.is_empty() { tally.unchanged += 1 } else { tally.changed += 1 }
}

/// A plan that comes back from its file reads as it did.
fn as_kept_in_a_file(shop: &Shop, record: &Record, setting: &Setting, plan: &Plan) {
    let day = std::time::Duration::from_secs(86_400);
    let kept = ops::saved::save(&shop.here, &shop.opened, record, setting, plan, None, "kept.plan", day);
    kept.unwrap_or_else(|f| panic!("{}", said(&f)));
    let back = ops::saved::read(&shop.here, "kept.plan", &record.sealer).unwrap_or_else(|f| panic!("{}", said(&f)));
    let shown = |plan: &Plan| {
        let facts = |table: &TableName| shop.opened.project.facts(table);
        let view = View { look: Look::default(), facts: &facts, draw: &|_, _, _| String::new() };
        (plan::text(plan, &About::default(), &view), plan_json::document(plan, &facts))
    };
    assert_eq!(shown(&back.plan), shown(plan));
    assert_eq!(back.digest, plan.digest());
}

/// The same playbooks on every run and every database: a failure can be looked at again.
fn runner() -> TestRunner {
    TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]))
}

fn hold(on: &On, playbooks: usize) {
    block_on(async {
        let shop = Shop::open(on, "http://127.0.0.1:9", |text| text).await;
        shop.sql(ROWS).await;
        let (mut runner, strategy, mut tally) = (runner(), playbook(), Tally::default());
        for _ in 0..playbooks {
            let text = dialect(on, &strategy.new_tree(&mut runner).unwrap().current());
            one(&shop, &text, &mut tally).await;
        }
        shop.close().await;
        // Playbooks that are refused or have nothing to do prove little.
        assert!(tally.changed * 2 > playbooks, "{tally:?}");
    });
}

#[test]
fn two_hundred_dry_runs_change_nothing_and_apply_does_what_each_showed_on_sqlite() {
    hold(&On::Sqlite, PLAYBOOKS);
}

#[test]
fn two_hundred_dry_runs_change_nothing_and_apply_does_what_each_showed_on_postgres() {
    hold(&On::Postgres(postgres()), PLAYBOOKS);
}

#[test]
fn dry_runs_change_nothing_and_apply_does_what_each_showed_on_mariadb() {
    hold(&On::Mysql(mysql()), size(30, PLAYBOOKS));
}

/// A trigger that writes to another row of the same table, beside one that is as wanted: the preview tells of it. (MySQL allows no such
/// trigger.)
#[test]
fn a_row_that_is_as_wanted_hides_nothing_that_a_trigger_does() {
    let on_sqlite = "create trigger wave after update on prices when new.code = 'A' and new.year = 2024 begin update prices set amount = '0.00' where code = 'B'; end;";
    let on_postgres = "create function wave() returns trigger language plpgsql as $$ begin update prices set amount = '0.00' where code = 'B'; return null; end $$; create trigger wave after update on prices for each row when (new.code = 'A' and new.year = 2024) execute function wave();";
    let text = "{ trueup: v1, name: generated/playbook, version: 1, title: Some prices, uses: { shop: { read: [prices], write: [prices] } }, steps: [
        { rows: { table: shop.prices, where: { code: A }, set: { amount: '2.00' }, touches: 2 } } ] }";
    block_on(async {
        for (on, trigger) in [(On::Sqlite, on_sqlite), (On::Postgres(postgres()), on_postgres)] {
            let shop = Shop::open(&on, "http://127.0.0.1:9", |text| text).await;
            shop.sql(ROWS).await;
            shop.sql(trigger).await;
            let prepared = shop.prepare(text, &[]).await.unwrap_or_else(|f| panic!("{}", said(&f)));
            let plan = ops::plan::plan(&prepared.setting, &request(&[]), &|_| {}).await.unwrap();
            let effects = plan.items[0].steps.iter().flat_map(|step| &step.effects);
            let also: Vec<_> = effects
                .filter_map(|effect| if let Effect::Rows { also, .. } = effect { Some(also) } else { None })
                .flatten()
                .collect();
            let told: Vec<_> =
                also.iter().map(|also| (also.table.as_str(), also.inserted, also.updated, also.deleted)).collect();
            assert_eq!(told, [("shop.prices", 0, 1, 0)], "{}", on.word());
            shop.close().await;
        }
    });
}
