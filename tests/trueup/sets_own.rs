//! Items that read what others of the run may change: they go one by one, so that each finds what those before it left. Which playbooks those
//! are is told from what is declared.

use super::{
    many::{Store, playbook},
    servers::{Shop, block_on, mysql, postgres, said},
    sets::{Go, alike, carried, items, rows},
};
use trueup::{
    connection::fault::{Fault, FaultKind},
    engine::{fleet::abreast, sets::fit},
    trial::bench::On,
};

pub(super) const OPEN: &str = "targets:\n  from: { find: { table: shop.things, where: { state: open } } }\n";
const SELL: &str = "- id: sell\n  row: { of: thing, only_if: { state: open }, set: { state: sold } }\n";
pub(super) const THING: &str =
    "- id: thing\n  find: { table: shop.things, where: { id: \"{{ item.id }}\" }, expect: one }\n";

fn text(parts: &[&str]) -> String {
    let text = playbook(parts);
    let text = if text.contains("shop.open_things") {
        text.replace("write: [things", "read: [open_things], write: [things")
    } else {
        text
    };
    let text =
        if text.contains("owners o") { text.replace("write: [things", "read: [owners], write: [things") } else { text };
    if text.contains("shop.parts") || text.contains("join parts") {
        text.replace("write: [things, audits]", "write: [things, parts, audits]")
    } else {
        text
    }
}

#[test]
fn what_an_item_reads_decides_whether_it_may_go_with_others() {
    let own_by_sql = "- query: { db: shop, sql: \"select count(*) as n from things where state = 1 and id = {{ item.id }}\", expect: one }\n";
    let all_by_sql = "- id: left\n  query: { db: shop, sql: \"select count(*) as n from things where state = 1 and id <> {{ item.id }}\", expect: one }\n";
    let of_owner =
        "- id: others\n  find: { table: shop.things, where: { owner_id: \"{{ item.owner_id }}\" }, expect: many }\n";
    let named = "- id: thing\n  find: { table: shop.things, where: { note: \"{{ item.id }}\" }, expect: one }\n";
    let by_key = "- id: sell\n  row: { table: shop.things, key: { id: \"{{ thing.id }}\" }, set: { state: sold } }\n";
    let renote = "- id: sell\n  row: { of: thing, set: { note: sold } }\n";
    let audited = "verification:\n- id: told\n  find: { table: shop.audits, where: { record_id: \"{{ thing.id }}\" }, expect: many }\n";
    let all_audits =
        "verification:\n- id: told\n  find: { table: shop.audits, where: { action: update }, expect: many }\n";
    let parts = "- id: parts\n  rows: { table: shop.parts, where: { thing_id: \"{{ thing.id }}\" }, set: { name: x }, touches: 0..5 }\n";
    let shared = "- id: parts\n  rows: { table: shop.parts, where: { position: \"{{ item.count }}\" }, set: { name: x }, touches: 0..5 }\n";
    let moved = "- id: parts\n  rows: { table: shop.parts, where: { position: \"{{ item.id }}\" }, set: { position: 7 }, touches: 0..5 }\n";
    let parts_of = "- id: mine\n  find: { table: shop.parts, where: { thing_id: \"{{ item.id }}\" }, expect: many }\n";
    let each_part = "- id: each\n  for_each: { in: \"{{ mine | rejectattr('name') | list }}\", as: one }\n  row: { table: shop.parts, key: { id: \"{{ one.id }}\" }, set: { name: x } }\n";
    let by_keys = "- id: all\n  rows: { table: shop.parts, where: { id: \"{{ mine | map(attribute='id') | list }}\" }, set: { name: x }, touches: 0..5 }\n";
    let named_by_let = THING.replace("item.id", "which.id");
    let joined = "verification:\n- query: { db: shop, sql: \"select count(*) as n from things t join parts p on p.thing_id = t.id where t.id = {{ thing.id }}\", expect: one }\n";
    let exists = "verification:\n- id: owned\n  query: { db: shop, sql: \"select count(*) as n from things where id = {{ thing.id }} and not exists (select 1 from owners o where o.id = things.owner_id)\", expect: one }\n";
    let twice = "verification:\n- id: both\n  query: { db: shop, sql: \"select count(*) as n from things t join things o on o.id = t.count where t.id = {{ thing.id }}\", expect: one }\n";
    let new_part = "- id: new\n  row: { table: shop.parts, key: { id: \"{{ thing.id + 100 }}\" }, create: { thing_id: \"{{ item.id }}\", name: x, position: 1 } }\n";
    let each_other = each_part.replace("position", "x").replace("mine", "others_parts");
    let others_parts =
        "- id: others_parts\n  find: { table: shop.parts, where: { position: \"{{ item.count }}\" }, expect: many }\n";
    let moved_part = "- id: moved\n  rows: { table: shop.parts, where: { thing_id: \"{{ item.id }}\" }, set: { thing_id: \"{{ item.count }}\" }, touches: 0..5 }\n";
    let counted = "- id: thing\n  find: { table: shop.things, where: { id: \"{{ item.id }}\", count: \"{{ item.id }}\" }, expect: one }\n";
    let recount = "- id: recount\n  row: { of: thing, set: { count: 7 } }\n";
    let by_result = "- id: shared\n  rows: { table: shop.parts, where: { thing_id: \"{{ recount.count }}\" }, set: { name: x }, touches: 0..5 }\n";
    let borrowed = "- id: borrowed\n  row: { table: shop.parts, key: { id: \"{{ item.count }}\" }, create: { thing_id: \"{{ item.id }}\", name: x, position: 1 } }\n";
    let own_parts = "- id: own_parts\n  rows: { table: shop.parts, where: { thing_id: \"{{ item.id }}\" }, set: { name: x }, touches: 0..5 }\n";
    let (given, steps) = ("preconditions:\n", "steps:\n");
    let other = |id: &str| {
        format!(
            "- id: other\n  find: {{ table: shop.things, where: {{ id: \"{{{{ {id} }}}}\" }}, expect: optional }}\n"
        )
    };
    let of_var = format!("vars: {{ which: \"{{{{ item.id }}}}\" }}\n{given}{}", THING.replace("item.id", "vars.which"));
    let together: Vec<(&str, Vec<&str>)> = vec![
        ("its own row by its key", vec![given, THING, steps, SELL]),
        ("by a variable", vec![&of_var, steps, SELL]),
        ("its own row by SQL", vec![given, THING, own_by_sql, steps, SELL]),
        ("by a name that nobody changes", vec![given, named, steps, by_key]),
        ("its audit rows", vec![given, THING, steps, SELL, audited]),
        ("what hangs on its row", vec![given, THING, steps, SELL, parts]),
        ("rows that several share, and nothing else", vec![steps, shared]),
        ("a loop over its rows", vec![given, THING, parts_of, steps, SELL, each_part]),
        ("its rows by their keys", vec![given, THING, parts_of, steps, SELL, by_keys]),
        (
            "a value that has a name",
            vec![steps, "- id: which\n  let: { id: \"{{ item.id }}\" }\n", &named_by_let, SELL],
        ),
        ("a join on its row", vec![given, THING, steps, SELL, joined]),
        ("a new row that belongs to it", vec![given, THING, parts_of, steps, SELL, new_part]),
    ];
    let apart: Vec<(&str, Vec<&str>, &str)> = vec![
        ("how many are left", vec![given, THING, all_by_sql, steps, SELL], "`left` reads rows of `shop.things`"),
        ("what belongs to the same", vec![given, THING, of_owner, steps, SELL], "`others` reads rows of `shop.things`"),
        ("by a name that is changed", vec![given, named, steps, renote], "`thing` reads rows of `shop.things`"),
        ("all audit rows", vec![given, THING, steps, SELL, all_audits], "`told` reads rows of `shop.audits`"),
        ("rows that several share", vec![given, THING, steps, SELL, shared], "`parts` reads rows of `shop.parts`"),
        ("rows that come to fit", vec![given, THING, steps, SELL, moved], "`parts` reads rows of `shop.parts`"),
        (
            "another table, which a trigger may change",
            vec![given, THING, steps, SELL, exists],
            "`owned` reads rows of `shop.owners`",
        ),
        (
            "a loop over rows of others",
            vec![given, THING, others_parts, steps, SELL, &each_other],
            "`others_parts` reads rows of `shop.parts`",
        ),
        (
            "a loop over rows that go over to others",
            vec![given, THING, parts_of, steps, SELL, each_part, moved_part],
            "`mine` reads rows of `shop.parts`",
        ),
        (
            "what a change made of a value",
            vec![given, counted, parts_of, steps, recount, by_result],
            "`shared` reads rows of `shop.parts`",
        ),
        (
            "a new row that may be another one's already",
            vec![given, THING, steps, borrowed, own_parts],
            "`borrowed` reads rows of `shop.parts`",
        ),
        (
            "another row of the table in a query",
            vec![given, THING, steps, SELL, twice],
            "`both` reads rows of `shop.things`",
        ),
    ];
    let another = other("item.owner_id");
    let the_same = other("item.id");
    block_on(async {
        let with_view =
            |text: String| text.replacen(r#""tables":{"#, r#""tables":{"open_things":{"key":"id","audit":false},"#, 1);
        let store = Store { shop: Shop::open(&On::Sqlite, "http://127.0.0.1:9", with_view).await };
        store.shop.sql("create view open_things as select id, count from things where state = 1").await;
        let seen =
            "- id: seen\n  find: { table: shop.open_things, where: { id: \"{{ item.id }}\" }, expect: optional }\n";
        let (prepared, _) = store
            .plan(&text(&[OPEN, given, THING, seen, steps, SELL]), &[])
            .await
            .unwrap_or_else(|f| panic!("{}", said(&f)));
        let way = fit::way(&prepared.setting).to_string();
        assert_eq!(way, "one by one: step `seen` is about `shop.open_things`, which is a view");
        for (what, parts) in together.into_iter().chain([("twice", vec![given, THING, &the_same, steps, SELL])]) {
            let (prepared, _) = store
                .plan(&text(&[&[OPEN], &*parts].concat()), &[])
                .await
                .unwrap_or_else(|f| panic!("{what}: {}", said(&f)));
            assert_eq!(fit::way(&prepared.setting).to_string(), "in sets of up to 200", "{what}");
        }
        for (what, parts, why) in apart.into_iter().chain([(
            "its owner",
            vec![given, THING, &another, steps, SELL],
            "`other` reads rows of `shop.things`",
        )]) {
            let (prepared, _) = store
                .plan(&text(&[&[OPEN], &*parts].concat()), &[])
                .await
                .unwrap_or_else(|f| panic!("{what}: {}", said(&f)));
            let way = fit::way(&prepared.setting).to_string();
            assert_eq!(way, format!("one by one: step {why} that other items may change"), "{what}");
            assert!(fit::rehearsal(&prepared.setting).is_none(), "{what}");
        }
        // Where the database could not be asked how the tables are built, items do not go together.
        let prepared = store.shop.prepare(&text(&[OPEN, given, THING, steps, SELL]), &[]).await.unwrap();
        assert_eq!(fit::way(&prepared.setting).to_string(), "in sets of up to 200", "nobody has asked yet");
        prepared.setting.built.set(Err(Fault::new(FaultKind::Data, "away"))).unwrap();
        let way = fit::way(&prepared.setting).to_string();
        assert!(way.starts_with("one by one: how its tables are built could not be asked ("), "{way}");
        for (list, way) in [
            ("[1, 2]", "in sets of up to 200"),
            ("[[1, 2], [2, 3]]", "one by one: step `all` reads rows of `shop.things` that other items may change"),
        ] {
            let items = format!("targets:\n  from: {{ list: {list} }}\n");
            let all = "- id: all\n  find: { table: shop.things, where: { id: \"{{ item }}\" }, expect: many }\n";
            let flag = "- id: flag\n  rows: { table: shop.things, where: { id: \"{{ item }}\" }, set: { flag: true }, touches: 0..5 }\n";
            let (prepared, _) = store
                .plan(&text(&[&items, given, all, steps, flag]), &[])
                .await
                .unwrap_or_else(|f| panic!("{list}: {}", said(&f)));
            assert_eq!(fit::way(&prepared.setting).to_string(), way, "{list}");
        }
        store.shop.close().await;
    });
}

/// At least three stay open, whichever way that is asked (who counted others than the plan did has drifted); and an item whose neighbour was sold
/// is left alone.
#[test]
fn an_item_finds_what_those_before_it_left_in_sets_as_it_does_alone() {
    let counted = "- id: left\n  query: { db: shop, sql: \"select count(*) as n from things where state = 1 and id <> {{ item.id }}\", expect: one }\n- assert: left.n >= 3\n  otherwise: { skip: Too few are left. }\n";
    let found = "- id: left\n  find: { table: shop.things, where: { state: open, id: { not: \"{{ item.id }}\" } }, expect: 3..100 }\n  otherwise: { skip: Too few are left. }\n";
    let neighbour = "- id: left\n  find: { table: shop.things, where: { state: open, id: \"{{ item.count }}\" }, expect: one }\n  otherwise: { skip: Its neighbour is sold. }\n";
    block_on(async {
        for on in [On::Sqlite, On::Postgres(postgres()), On::Mysql(mysql())] {
            for (what, read, open) in [("counted", counted, 7), ("found", found, 3), ("neighbour", neighbour, 4)] {
                let text = text(&[OPEN, "preconditions:\n", THING, read, "steps:\n", SELL]);
                let mut seen = Vec::new();
                for go in [Go::InSets, Go::Alone] {
                    let store = Store::open(&on, 8).await;
                    store.shop.sql("update things set count = case when id % 2 = 0 then id - 1 else 1 end; update things set count = 8 where id = 1").await;
                    let (prepared, _) = store.plan(&text, &[]).await.unwrap_or_else(|f| panic!("{}", said(&f)));
                    assert_eq!(abreast::at_once(&prepared.setting), 1, "nothing says that the order does not matter");
                    let (run, _) = carried(&store, &text, "", go).await;
                    seen.push((items(&store.state(run).await), rows(&store.shop).await));
                    let left = super::ledger::asked(&store.shop, "select count(*) from things where state = 1").await;
                    assert_eq!(left.trim(), open.to_string(), "{} {what} {go:?}", on.word());
                    store.shop.close().await;
                }
                let (in_sets, alone) = (&seen[0], &seen[1]);
                alike(&format!("{} {what}: items", on.word()), &in_sets.0, &alone.0);
                alike(&format!("{} {what}: rows", on.word()), &in_sets.1, &alone.1);
            }
        }
    });
}

/// What an item can do only because of what another one would do is no part of its preview: rows that a foreign key needs, and unique values that
/// become free.
#[test]
fn a_preview_does_not_rest_on_what_another_item_would_make_or_leave_free() {
    let three = "targets:\n  from: { list: [1, 2, 3] }\nsteps:\n";
    let make = "- id: thing\n  row: { table: shop.things, key: { id: \"{{ item }}\" }, set: { name: \"{{ item }}\", state: open }, create: {} }\n";
    let hang = |of: &str| {
        format!(
            "- id: part\n  row: {{ table: shop.parts, key: {{ id: \"{{{{ item }}}}\" }}, set: {{ name: x, position: \"{{{{ item }}}}\", thing_id: \"{{{{ {of} }}}}\" }}, create: {{}} }}\n"
        )
    };
    let uid = |of: &str, as_: &str| {
        format!(
            "- id: {as_}\n  row: {{ table: shop.things, key: {{ id: \"{{{{ item }}}}\" }}, set: {{ uid: \"00000000-0000-4000-8000-00000000000{{{{ {of} }}}}\" }} }}\n"
        )
    };
    let uids: String = (1..4)
        .map(|n| format!("update things set uid = '00000000-0000-4000-8000-00000000000{n}' where id = {n};"))
        .collect();
    let (others, own) = (hang("item % 3 + 1"), hang("item"));
    let (free, take) = (uid("item + 5", "free"), uid("item % 3 + 1", "take"));
    // The same, behind another change: whoever comes first gets it.
    let freed_before = format!("{free}{take}");
    block_on(async {
        for on in [On::Sqlite, On::Postgres(postgres()), On::Mysql(mysql())] {
            for (what, things, parts, fail, together) in [
                ("the row of another one", 0, vec![three, make, &others], 3, true),
                ("its own row", 0, vec![three, make, &own], 0, true),
                ("a value that another one gives up", 3, vec![three, &take], 3, false),
                ("a value that another one gives up later", 3, vec![three, &freed_before], 3, false),
                ("a value that is free", 3, vec![three, &free], 0, false),
            ] {
                let text = text(&parts);
                let mut seen = Vec::new();
                for go in [Go::InSets, Go::Alone] {
                    let store = Store::open(&on, things).await;
                    store.shop.sql(&uids).await;
                    let (prepared, plan) = store.plan(&text, &[]).await.unwrap_or_else(|f| panic!("{}", said(&f)));
                    let fits = fit::rehearsal(&prepared.setting).is_some();
                    assert_eq!(fits, together, "{what}: what is declared speaks for it, or not");
                    let failing = plan.tally().ends.get("fail").copied().unwrap_or(0);
                    assert_eq!((failing, plan.tally().changing), (fail, 3 - fail), "{} {what}", on.word());
                    let (run, _) = carried(&store, &text, "", go).await;
                    // MySQL's messages name the database, which is another one each time.
                    let nameless = |line: &String| {
                        let mut parts = line.split("trueup_test_");
                        let first = parts.next().unwrap_or_default().to_owned();
                        parts.fold(first, |text, part| text + part.split_once('_').map_or(part, |(_, rest)| rest))
                    };
                    let items: Vec<String> = items(&store.state(run).await).iter().map(nameless).collect();
                    seen.push((items, rows(&store.shop).await));
                    store.shop.close().await;
                }
                alike(&format!("{} {what}: items", on.word()), &seen[0].0, &seen[1].0);
                alike(&format!("{} {what}: rows", on.word()), &seen[0].1, &seen[1].1);
            }
            let store = Store::open(&on, 1).await;
            let (prepared, _) = store.plan(&text(&[three, make]), &[]).await.unwrap_or_else(|f| panic!("{}", said(&f)));
            let mut reading = prepared.setting.database("shop").unwrap().reading().await.unwrap();
            let found = reading.references(Some(&["parts", "things", "audits"])).await.unwrap();
            reading.close().await;
            let words: Vec<String> =
                found.iter().map(|one| format!("{} {:?} {} {:?}", one.from, one.columns, one.to, one.keys)).collect();
            assert_eq!(words, [r#"parts ["thing_id"] things ["id"]"#], "{}", on.word());
            store.shop.close().await;
        }
    });
}

/// Items whose keys are the same for the database, and lists that have an element in common: each finds what those before it left, although they
/// change rows of their own.
#[test]
fn items_that_a_database_takes_for_one_are_not_under_way_together() {
    let seen = "- id: seen\n  find: { table: shop.parts, where: { thing_id: \"{{ item.id }}\" }, expect: many }\n";
    let up = "- id: up\n  rows: { table: shop.parts, where: { thing_id: \"{{ item.id }}\", position: \"{{ item.at }}\" }, set: { name: \"{{ seen | map(attribute='name') | join('') }}\" }, touches: 0..5 }\n";
    let parts = "insert into parts (id, thing_id, name, position, created_at, updated_at) values ";
    let rows_of: Vec<String> = (1..=6)
        .map(|n| {
            format!("({n}, {}, 'n{n}', {}, '2024-01-01 00:00:00', '2024-01-01 00:00:00')", (n + 1) / 2, 1 + (n + 1) % 2)
        })
        .collect();
    let parts = format!("{parts}{};", rows_of.join(", "));
    block_on(async {
        for on in [On::Sqlite, On::Postgres(postgres()), On::Mysql(mysql())] {
            for (what, list, drifted) in [
                (
                    "numbers",
                    "[{ id: \"1\", at: 1 }, { id: \"01\", at: 2 }, { id: \"2\", at: 1 }, { id: \"3\", at: 2 }]",
                    1,
                ),
                ("lists", "[{ id: [1, 2], at: 1 }, { id: [2, 3], at: 2 }]", 1),
                ("all their own", "[{ id: 1, at: 1 }, { id: 2, at: 2 }, { id: 3, at: 2 }]", 0),
            ] {
                // A text is compared with a number by MySQL as it is: there `01` is no `1`.
                let unlike = u64::from(what == "numbers" && matches!(on, On::Mysql(_)));
                let drifted = if unlike > 0 { 0 } else { drifted };
                let targets = format!("targets:\n  from: {{ list: {list} }}\n  key: id\n");
                let text = text(&[&targets, "preconditions:\n", seen, "steps:\n", up]);
                let mut both = Vec::new();
                for go in [Go::InSets, Go::Alone] {
                    let store = Store::open(&on, 3).await;
                    store.shop.sql(&parts).await;
                    let (prepared, plan) = store.plan(&text, &[]).await.unwrap_or_else(|f| panic!("{}", said(&f)));
                    assert_eq!(fit::way(&prepared.setting).to_string(), "in sets of up to 200", "{what}");
                    assert_eq!(plan.tally().changing + unlike, plan.tally().items, "{} {what}", on.word());
                    let (run, carried) = carried(&store, &text, "", go).await;
                    let ends = items(&store.state(run).await);
                    let gone = ends.iter().filter(|line| line.contains(": Some((Drifted")).count();
                    assert_eq!(gone, drifted, "{} {what} {go:?}: {ends:?} {:?}", on.word(), carried.stopped);
                    both.push((ends, rows(&store.shop).await));
                    store.shop.close().await;
                }
                alike(&format!("{} {what}: items", on.word()), &both[0].0, &both[1].0);
                alike(&format!("{} {what}: rows", on.word()), &both[0].1, &both[1].1);
            }
        }
    });
}

/// One table under two names: what one of them says of it is looked at under the other one as well.
#[test]
fn a_table_that_may_have_two_names_is_one() {
    block_on(async {
        let with_main =
            |text: String| text.replacen(r#""tables":{"#, r#""tables":{"main.things":{"key":"id","audit":false},"#, 1);
        let store = Store { shop: Shop::open(&On::Sqlite, "http://127.0.0.1:9", with_main).await };
        let seen =
            "- id: seen\n  find: { table: shop.main.things, where: { count: \"{{ item.count }}\" }, expect: many }\n";
        let text = text(&[OPEN, "preconditions:\n", THING, seen, "steps:\n", SELL]);
        let text = text.replace("write: [things", "read: [main.things], write: [things");
        let (prepared, _) = store.plan(&text, &[]).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        let way = fit::way(&prepared.setting).to_string();
        assert_eq!(way, "one by one: `shop.main.things` and `shop.things` may be one table");
        store.shop.close().await;
    });
}

/// An audit row says what a change made of its row.
#[test]
fn what_a_change_sets_is_not_what_its_row_had() {
    let counted = "- id: thing\n  find: { table: shop.things, where: { id: \"{{ item.id }}\", count: \"{{ item.id }}\" }, expect: one }\n";
    let past = "- id: past\n  find: { table: shop.audits, where: { record_id: \"{{ item.id }}\" }, expect: many }\n";
    let told = |text: String| text.replace("{{ row.id }}", "{{ row.count }}");
    let apart = "one by one: step `change` reads rows of `shop.audits` that other items may change";
    block_on(async {
        for (set, expected) in [("count: 7", apart), ("amount: 7", "in sets of up to 200")] {
            let store = Store { shop: Shop::open(&On::Sqlite, "http://127.0.0.1:9", told).await };
            let change = format!("- id: change\n  row: {{ of: thing, set: {{ {set} }} }}\n");
            let text = text(&[OPEN, "preconditions:\n", counted, past, "steps:\n", &change]);
            let (prepared, _) = store.plan(&text, &[]).await.unwrap_or_else(|f| panic!("{set}: {}", said(&f)));
            assert_eq!(fit::way(&prepared.setting).to_string(), expected, "{set}");
            store.shop.close().await;
        }
    });
}

/// Rows that point to a unique column beside the key go along when it is set.
#[test]
fn a_unique_column_that_rows_point_to_is_a_key_of_theirs() {
    let mine = "- id: mine\n  find: { table: shop.parts, where: { thing_id: \"{{ item.id }}\" }, expect: many }\n";
    let apart = "one by one: step `mine` reads rows of `shop.parts` that other items may change";
    let uid = "uid: 00000000-0000-4000-8000-000000000001";
    block_on(async {
        for on in [On::Sqlite, On::Postgres(postgres()), On::Mysql(mysql())] {
            let point = "alter table parts add column of_uid uuid references things (uid) on update cascade";
            let alone = "one by one: step `change` sets `uid` of `shop.things`, which is unique";
            let several = "limits: { concurrency: 4 }\n";
            for (points, limits, set, expected) in [
                (true, several, uid, apart),
                (true, "", "amount: 7", "in sets of up to 200"),
                (false, several, uid, "in sets of up to 200"),
                (false, "", uid, alone),
            ] {
                let store = Store::open(&on, 1).await;
                if points {
                    store.shop.sql(point).await;
                }
                let change = format!("- id: change\n  row: {{ of: thing, set: {{ {set} }} }}\n");
                let text = text(&[OPEN, limits, "preconditions:\n", THING, mine, "steps:\n", &change]);
                let (prepared, _) = store.plan(&text, &[]).await.unwrap_or_else(|f| panic!("{set}: {}", said(&f)));
                assert_eq!(fit::way(&prepared.setting).to_string(), expected, "{} {points} {limits}", on.word());
                store.shop.close().await;
            }
        }
    });
}

/// Of two that want the same unique value the first one gets it, also where another one that sets the same columns stands before both: what is set
/// alike is one statement.
#[test]
fn the_first_of_those_that_want_a_unique_value_gets_it() {
    let want = "- id: change\n  row: { of: thing, set: { uid: \"{{ item.note }}\", count: 1 } }\n";
    let uid = "00000000-0000-4000-8000-00000000000";
    block_on(async {
        for on in [On::Sqlite, On::Postgres(postgres()), On::Mysql(mysql())] {
            let text = text(&[OPEN, "preconditions:\n", THING, "steps:\n", want]);
            let mut seen = Vec::new();
            for go in [Go::InSets, Go::Alone] {
                let store = Store::open(&on, 4).await;
                // The second one alone has another column to change besides.
                for (id, count, last) in [(1, 1, 1), (2, 0, 2), (3, 1, 2), (4, 1, 4)] {
                    let set = format!("update things set count = {count}, note = '{uid}{last}' where id = {id}");
                    store.shop.sql(&set).await;
                }
                let (run, _) = carried(&store, &text, "", go).await;
                let items = items(&store.state(run).await);
                let first = format!("select id from things where uid = '{uid}2'");
                let first = super::ledger::asked(&store.shop, &first).await;
                assert_eq!(first.trim(), "2", "{} {go:?}: {items:?}", on.word());
                seen.push(rows(&store.shop).await);
                store.shop.close().await;
            }
            alike(&format!("{}: rows", on.word()), &seen[0], &seen[1]);
        }
    });
}

/// So it is with the primary key where rows are told apart by another column, with what the database computes of what is set, and with a default.
#[test]
fn the_first_of_those_that_want_the_same_key_gets_it_whoever_writes_it() {
    let declared = |text: String| {
        let own = r#""u":{"key":"slug","audit":false},"v":{"key":"id","audit":false},"w":{"key":"id","audit":false},"prices":{"#;
        text.replacen(r#""prices":{"#, own, 1)
    };
    let tables = "create table u (id int primary key, slug varchar(9) not null unique, n int);
        create table v (id int primary key, n int, twice int generated always as (n * 2) stored, unique (twice));
        create table w (id int primary key, n int, kind varchar(9) default 'only', unique (kind));";
    let head = |table: &str| {
        format!(
            "trueup: v1\nname: many/playbook\nversion: 1\ntitle: One key\nuses:\n  shop: {{ write: [{table}] }}\ntargets:\n  from: {{ list: [a, bb] }}\nsteps:\n- id: make\n  row: "
        )
    };
    block_on(async {
        for on in [On::Sqlite, On::Postgres(postgres()), On::Mysql(mysql())] {
            let store = Store { shop: super::servers::Shop::open(&on, "http://127.0.0.1:9", declared).await };
            for table in tables.split_inclusive(';') {
                store.shop.sql(table).await;
            }
            for (table, row, expected) in [
                (
                    "u",
                    "{ table: shop.u, key: { slug: \"{{ item }}\" }, create: { id: 1, n: 2 } }",
                    "sets `id` of `shop.u`",
                ),
                (
                    "v",
                    "{ table: shop.v, key: { id: \"{{ item | length }}\" }, create: { n: 5 } }",
                    "sets `twice` of `shop.v`",
                ),
                (
                    "w",
                    "{ table: shop.w, key: { id: \"{{ item | length }}\" }, create: { n: 2 } }",
                    "sets `kind` of `shop.w`",
                ),
            ] {
                let (prepared, _) = store
                    .plan(&format!("{}{row}\n", head(table)), &[])
                    .await
                    .unwrap_or_else(|f| panic!("{table}: {}", said(&f)));
                let way = fit::way(&prepared.setting).to_string();
                assert!(way.starts_with("one by one: ") && way.contains(expected), "{} {table}: {way}", on.word());
            }
            store.shop.close().await;
        }
    });
}

/// A trigger that refuses changes behind which the amounts of all things are more than 20.
pub(super) fn full_up(on: &On) -> &'static str {
    match on {
        On::Sqlite => {
            "create trigger full_up after update on things when (select sum(amount) from things) > 20 begin select raise(abort, 'sum above 20'); end"
        }
        On::Postgres(_) => {
            "create function full_up() returns trigger language plpgsql as $$ begin if (select sum(amount) from things) > 20 then raise exception 'sum above 20'; end if; return null; end $$; create trigger full_up after update on things for each row execute function full_up()"
        }
        On::Mysql(_) => {
            "create trigger full_up after update on things for each row begin if (select sum(amount) from things) > 20 then signal sqlstate '45000' set message_text = 'sum above 20'; end if; end"
        }
    }
}

/// What a database says to a change may depend on what else its transaction did: a trigger that reads tables, a constraint that is looked at when the
/// transaction ends, or that keeps rows apart. Such items go one by one, and what becomes of each is what becomes of it alone.
#[test]
fn what_judges_a_change_by_other_rows_judges_each_item_by_itself() {
    let set = "- id: change\n  row: { of: thing, set: { amount: \"{{ item.count }}\" } }\n";
    let at_last = "create function at_last() returns trigger language plpgsql as $$ begin if (select sum(amount) from things) > 20 then raise exception 'sum above 20'; end if; return null; end $$; create constraint trigger at_last after update on things deferrable initially deferred for each row execute function at_last()";
    let own = "create function own_row() returns trigger language plpgsql as $$ begin if new.amount > 11 then raise exception 'more than 11'; end if; new.note := upper(coalesce(new.note, '')); return new; end $$; create trigger own_row before update on things for each row execute function own_row()";
    let apart = "alter table things add constraint apart exclude (amount with =) deferrable initially deferred";
    let checked = "create function room() returns boolean language sql as 'select coalesce(sum(amount), 0) <= 21 from things'; alter table things add constraint has_room check (amount = 0 or room()) not valid";
    let counted = "create sequence calls; create function count_calls() returns trigger language plpgsql as $$ begin perform nextval('calls'); return null; end $$; create trigger count_calls after update on things for each statement execute function count_calls()";
    // Its text shows no function.
    let operator = "create function above(numeric, numeric) returns boolean language sql as 'select coalesce(sum(amount), 0) > 20 from things'; create operator ### (function = above, leftarg = numeric, rightarg = numeric); create function by_operator() returns trigger language plpgsql as $$ begin if new.amount ### 1.0 then raise exception 'sum above 20'; end if; return null; end $$; create trigger by_operator after update on things for each row execute function by_operator()";
    let own_check = "alter table things add constraint few check (abs(amount) <= 11) not valid";
    let by = "one by one: the ";
    let full = |on: On| (full_up(&on), on);
    let [(of_sqlite, sqlite), (of_postgres, postgresql), (of_mysql, mysql)] =
        [On::Sqlite, On::Postgres(postgres()), On::Mysql(mysql())].map(full);
    let cases: Vec<(On, &str, &str, &str)> = vec![
        (sqlite, of_sqlite, by, "12 5"),
        (postgresql, of_postgres, by, "12 5"),
        (mysql, of_mysql, by, "12 5"),
        (On::Postgres(postgres()), at_last, by, "12 5"),
        (On::Postgres(postgres()), apart, by, "11 10"),
        (On::Postgres(postgres()), counted, by, "12 5"),
        (On::Postgres(postgres()), operator, by, "12 5"),
        (On::Postgres(postgres()), checked, by, "12 5"),
        (On::Postgres(postgres()), own_check, "in sets of up to 200", "12 5"),
        (On::Postgres(postgres()), own, "in sets of up to 200", "12 5"),
    ];
    block_on(async {
        for (on, made, expected, wanted) in cases {
            let text = text(&[OPEN, "preconditions:\n", THING, "steps:\n", set]);
            let mut seen = Vec::new();
            for go in [Go::InSets, Go::Alone] {
                let store = Store::open(&on, 2).await;
                let (first, second) = wanted.split_once(' ').unwrap();
                let values =
                    format!("update things set amount = 9 + id, count = case id when 1 then {first} else {second} end");
                store.shop.sql(&values).await;
                store.shop.sql(made).await;
                let (prepared, plan) = store.plan(&text, &[]).await.unwrap_or_else(|f| panic!("{}", said(&f)));
                assert!(
                    fit::way(&prepared.setting).to_string().starts_with(expected),
                    "{} {made}: {}",
                    on.word(),
                    fit::way(&prepared.setting)
                );
                // The first one's own is refused: 12 and 11 are above 20, the other one's value is taken, or more than 11 is. A CHECK sees the sum before.
                let refused =
                    [(apart, 2), (checked, 0), (counted, 0)].iter().find(|(of, _)| *of == made).map_or(1, |(_, n)| *n);
                let planned = plan.tally().ends.get("fail").copied().unwrap_or(0);
                assert_eq!(planned, refused, "{} {made}", on.word());
                let (run, _) = carried(&store, &text, "", go).await;
                seen.push((items(&store.state(run).await), rows(&store.shop).await));
                if made == checked {
                    let amounts = store.column("amount").await;
                    assert_eq!(amounts, ["12.00", "11.00"], "the second one sees what the first one did");
                }
                store.shop.close().await;
            }
            alike(&format!("{} {made}: items", on.word()), &seen[0].0, &seen[1].0);
            alike(&format!("{} {made}: rows", on.word()), &seen[0].1, &seen[1].1);
        }
    });
}
