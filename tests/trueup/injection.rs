//! T14: texts that mean something to a database, a shell or a URL, in every place where a playbook can put a value. Each
//! comes back byte for byte, or is refused by its type; the statement is the same for all; the schema stays as it is.

use super::servers::{Shop, block_on, mysql, postgres};
use trueup::{
    action::{
        deed::{Deed, Outgoing},
        resolve::resolve,
        step::Step,
    },
    base::value::{Data, Value},
    connection::{fault::FaultKind, handle::Rehearsing},
    effect::change::RowChange,
    engine::{carry_out::carry_out, outgoing::call, question, setting::Setting, statement, trouble::Trouble},
    mock::Mock,
    trial::bench::On,
};

/// How many strings a group has; there are 13 groups.
const GROUP: usize = 40;

/// 520 strings in 13 groups.
fn corpus() -> Vec<String> {
    let groups: [Vec<String>; 13] = [
        seeded(&[
            "'",
            "''",
            "\"",
            "`",
            "';",
            "' or '1'='1",
            "\\'",
            "'\\''",
            "’",
            "‘",
            "´",
            "'||'",
            "\"\"",
            "$$",
            "$a$'$a$",
        ]),
        seeded(&["--", "-- x", "/*", "*/", "/* x */", "#", "--\n", "';--", "/*!50000 x*/", "-- -", "//", "{# x #}"]),
        seeded(&[
            "; drop table things",
            "'; drop table things; --",
            "1; update things set name = 'x'",
            "); delete from notes; --",
            ";;",
            "; commit",
            "; rollback; begin",
        ]),
        seeded(&[
            "' union select 1",
            "union all select null, null",
            "' union select name from owners --",
            "1 union/**/select 2",
            ") union (select 3",
        ]),
        seeded(&["\\", "\\\\", "\\n", "\\x27", "\\u0027", "E'\\x'", "\\0", "\\%", "\\_", "C:\\a\\b"]),
        seeded(&[
            "ʼ",
            "＇",
            "\u{2019}",
            "\u{2032}",
            "ﬀ",
            "İ",
            "ß",
            "e\u{301}",
            "é",
            "\u{202e}abc",
            "\u{feff}x",
            "\u{200b}",
            "🦀",
            "\u{10ffff}",
        ]),
        seeded(&["¿'", "\u{bf}\u{27}", "縗'", "\u{7e97}\\", "表", "ソ", "能", "¥", "\u{a5}'", "áà"]),
        seeded(&["a\0b", "\0", "a\u{1}b", "a\rb", "a\nb", "a\tb", "\u{7f}", "\u{85}", "\u{2028}", "a\r\n\r\nb"]),
        (0..GROUP).map(|n| "x'\"\\;--".repeat(240 * (n + 1))).collect(),
        seeded(&[
            "0",
            "-1",
            "1e309",
            "NaN",
            "Infinity",
            "-0",
            "007",
            "1_000",
            "0x10",
            "9223372036854775808",
            "1.0",
            "1,5",
            "١٢",
            "true",
            "null",
            "None",
        ]),
        seeded(&[
            "[]",
            "{}",
            "[1, 2]",
            "{\"a\": 1}",
            "{1,2}",
            "[\"a\"",
            "{\"$kind\": \"x\"}",
            "\\u0000",
            "(1, 2)",
            "ARRAY[1]",
            "{\"$int\": \"1\"}",
        ]),
        seeded(&["%", "_", "%%", "a%", "%a_", "[a-z]", "^", "*", "?", ".*", "~", "like '%'"]),
        seeded(&[
            "things",
            "\"things\"",
            "public.things",
            "t.*",
            "select",
            "from",
            "$1",
            "?1",
            "?",
            ":a",
            "@a",
            "{{ params.p }}",
            "{% raw %}",
            "%s",
            "${x}",
            "../../etc/passwd",
            "a/b",
            "a?b#c",
            "a&b=c",
            "a b+c",
        ]),
    ];
    groups.into_iter().flatten().collect()
}

/// Forty strings of these seeds, alone and within other characters.
fn seeded(seeds: &[&str]) -> Vec<String> {
    let shapes: [fn(&str) -> String; 6] = [
        str::to_owned,
        |s| format!("x{s}"),
        |s| format!("{s} y"),
        |s| format!("a {s}{s} b"),
        |s| format!(" {s}"),
        |s| format!("'{s}'"),
    ];
    let mut all: Vec<String> = shapes.iter().flat_map(|shape| seeds.iter().map(|seed| shape(seed))).collect();
    let mut number = 0;
    while all.len() < GROUP {
        all.push(format!("{number} {}", seeds[number % seeds.len()]));
        number += 1;
    }
    all.truncate(GROUP);
    all
}

/// Every place for a value. `p` is the string, `list` a list with it.
const PLAYBOOK: &str = r#"
trueup: v1
name: injection/playbook
version: 1
title: Every place for a value
params:
  p: { type: string }
  list: { type: list }
uses:
  shop: { read: [things], write: [things, quiet, audits] }
  crm: { methods: [POST] }
steps:
  - id: put
    row: { table: shop.things, key: { id: 1 }, set: { note: "{{ params.p }}", name: "{{ params.p }}", doc: { merge: { k: "{{ params.p }}", inner: { list: ["{{ params.p }}"] } } } } }
  - id: found
    find: { table: shop.things, where: { note: "{{ params.p }}" }, expect: many }
  - id: listed
    find: { table: shop.things, where: { name: "{{ params.list }}" }, expect: many }
  - id: asked
    query: { db: shop, sql: "select id, note, {{ params.p }} as p from things where note = {{ params.p }}", expect: many }
  - id: within
    query: { db: shop, sql: "select id, name as p from things where name in ({{ params.list }})", expect: many }
  - id: guarded
    row: { table: shop.things, key: { id: 1 }, only_if: { note: "{{ params.p }}" }, set: { count: 77 } }
  - id: several
    rows: { table: shop.things, where: { note: "{{ params.p }}" }, set: { email: "{{ params.p }}" }, touches: 1 }
  - id: inserted
    sql: { db: shop, sql: "insert into quiet (text) values ({{ params.p }})", touches: 1 }
    irreversible: a test
    repeatable: a test
  - id: updated
    sql: { db: shop, sql: "update quiet set text = {{ params.p }} where text = {{ params.p }} and id <> 1000000", touches: 1 }
    irreversible: a test
    repeatable: a test
  - id: deleted
    sql: { db: shop, sql: "delete from quiet where text = {{ params.p }}", touches: 1 }
    irreversible: a test
    repeatable: a test
  - id: sent
    http: { api: crm, post: "/a/{{ params.p }}/z", query: { q: "{{ params.p }}" }, headers: { X-Text: "{{ params.p }}" }, json: { p: "{{ params.p }}" } }
    irreversible: a test
    repeatable: a test
  - id: asked_for
    http: { api: crm, post: "/q", query: { q: "{{ params.p }}" }, json: { p: "{{ params.p }}", deep: [{ p: "{{ params.p }}" }] } }
    irreversible: a test
    repeatable: a test
"#;

const ROWS: &str = "
insert into things (id, name, note, doc, created_at, updated_at) values
 (1, 'target', null, '{\"kept\": 1}', '2024-01-01 00:00:00', '2024-01-01 00:00:00'),
 (2, 'decoy', 'decoy', '{}', '2024-01-01 00:00:00', '2024-01-01 00:00:00');
insert into quiet (id, text) values (1000000, 'decoy');
";

/// Texts of MySQL have a length; these hold the longest string.
const LONG: &str = "
alter table things modify name longtext not null, modify note longtext, modify email longtext;
alter table quiet modify text longtext";

fn step<'a>(setting: &'a Setting, id: &str) -> &'a Step {
    setting.playbook.steps.iter().find(|s| s.id() == Some(id)).unwrap()
}

/// What a place gave.
enum Given {
    Rows(Value),
    Changes(Vec<RowChange>),
}

/// The database cannot hold this value; the statement itself was understood.
fn refused_by_type(trouble: &Trouble) -> bool {
    matches!(trouble, Trouble::Database { fault, .. } if fault.kind == FaultKind::Data)
}

async fn at(
    place: &str,
    text: &str,
    setting: &Setting,
    handle: &mut Rehearsing,
    texts: &mut Vec<(String, String)>,
) -> Result<Given, Trouble> {
    let step = step(setting, place);
    let deed = deed(place, text, setting);
    match deed {
        Deed::Find(find) => question::find(handle, &find, setting, step.act_at).await.map(Given::Rows),
        Deed::Query(query) => {
            texts.push((place.to_owned(), query.bound.sql.clone()));
            question::query(handle, &query, setting, step.act_at).await.map(Given::Rows)
        }
        Deed::Change(change) => {
            carry_out(handle, &change, setting, step.act_at).await.map(|c| Given::Changes(c.changes))
        }
        Deed::Statement(deed) => {
            texts.push((place.to_owned(), deed.bound.sql.clone()));
            statement::run(handle, &deed, setting, step.act_at).await.map(|c| Given::Changes(c.changes))
        }
        _ => panic!("{place} asks no database"),
    }
}

fn deed(place: &str, text: &str, setting: &Setting) -> Deed {
    let params =
        Value::map([("p", Value::text(text)), ("list", Value::list([Value::text(text), Value::text("nobody")]))]);
    let scope = setting.scope().with("params", params);
    resolve(step(setting, place), &scope, setting).unwrap_or_else(|t| panic!("{place} {text:?}: {t:?}")).unwrap().deed
}

fn rows(given: Given) -> Vec<Value> {
    match given {
        Given::Rows(value) => value.as_list().unwrap().to_vec(),
        Given::Changes(_) => panic!("a read that changes rows"),
    }
}

fn change(given: Given) -> RowChange {
    match given {
        Given::Changes(changes) => changes.into_iter().find(|c| !c.by_rule).unwrap(),
        Given::Rows(_) => panic!("a change that reads rows"),
    }
}

fn after(change: &RowChange, column: &str) -> String {
    change.after.as_ref().unwrap()[column].bare().into_owned()
}

/// One string in every place of a database. `Ok(false)`: the database cannot hold it, and said so.
async fn everywhere(
    text: &str,
    setting: &Setting,
    handle: &mut Rehearsing,
    texts: &mut Vec<(String, String)>,
) -> Result<bool, Trouble> {
    let mut run = async |place: &str| at(place, text, setting, handle, texts).await;
    let set = match run("put").await {
        Ok(given) => change(given),
        Err(trouble) if refused_by_type(&trouble) => return Ok(false),
        Err(trouble) => return Err(trouble),
    };
    assert_eq!((after(&set, "note").as_str(), after(&set, "name").as_str()), (text, text));
    let doc = set.after.as_ref().unwrap()["doc"].clone();
    assert_eq!(doc.get("k").unwrap().bare(), text);
    assert_eq!(doc.get("inner").unwrap().get("list").unwrap().as_list().unwrap()[0].bare(), text);
    assert_eq!(doc.get("kept").unwrap(), Value::from(1));
    for place in ["found", "listed", "asked", "within"] {
        let rows = rows(run(place).await?);
        assert_eq!(rows.len(), 1, "{place} {text:?}");
        assert_eq!(rows[0].get("id").unwrap(), Value::from(1), "{place} {text:?}");
        if let Some(p) = rows[0].get("p") {
            assert_eq!(p.bare(), text, "{place}");
        }
    }
    assert_eq!(after(&change(run("guarded").await?), "count"), "77");
    let several = change(run("several").await?);
    assert_eq!(several.after.as_ref().unwrap()["email"].bare(), text);
    assert_eq!(after(&change(run("inserted").await?), "text"), text);
    assert_eq!(after(&change(run("updated").await?), "text"), text);
    assert_eq!(change(run("deleted").await?).before.unwrap()["text"].bare(), text);
    Ok(true)
}

fn hold(on: &On) {
    block_on(async {
        let shop = Shop::open(on, "http://127.0.0.1:9", |text| text).await;
        if matches!(on, On::Mysql(_)) {
            shop.sql(LONG).await;
        }
        shop.sql(ROWS).await;
        let params = [("p", Value::text("")), ("list", Value::text(""))];
        let prepared = shop.prepare(PLAYBOOK, &params).await.unwrap_or_else(|f| panic!("{}", super::servers::said(&f)));
        let before = shop.snapshot().await;
        let database = &shop.databases["shop"];
        let mut handle = database.rehearsing().await.unwrap();
        let schema = handle.catalogue(None).await.unwrap();
        let corpus = corpus();
        assert_eq!(corpus.len(), 13 * GROUP);
        let (mut texts, mut held) = (Vec::new(), 0);
        for text in &corpus {
            let savepoint = handle.savepoint().await.unwrap();
            let went = everywhere(text, &prepared.setting, &mut handle, &mut texts).await;
            let went =
                went.unwrap_or_else(|trouble| panic!("{:?}: {trouble:?}", text.chars().take(80).collect::<String>()));
            assert!(went || text.contains('\0'), "{text:?} was refused");
            held += usize::from(went);
            handle.rollback_to(savepoint).await.unwrap();
        }
        assert!(held > 13 * (GROUP - 3), "only {held} strings were held");
        texts.sort();
        texts.dedup();
        assert_eq!(texts.len(), 5, "a statement differs from string to string: {texts:?}");
        assert_eq!(handle.catalogue(None).await.unwrap(), schema);
        handle.rollback().await.unwrap();
        assert!(shop.snapshot().await.text() == before.text());
        shop.close().await;
    });
}

#[test]
fn no_text_leaves_its_place_in_a_statement_on_sqlite() {
    hold(&On::Sqlite);
}

#[test]
fn no_text_leaves_its_place_in_a_statement_on_postgres() {
    hold(&On::Postgres(postgres()));
}

#[test]
fn no_text_leaves_its_place_in_a_statement_on_mariadb() {
    hold(&On::Mysql(mysql()));
}

/// A mock that answers everything with 200.
fn echo() -> Mock {
    Mock::from_yaml("trueup: v1\nmock: echo\nroutes:\n  - post: /**\n    answer: { json: {} }\n").unwrap()
}

#[test]
fn no_text_leaves_its_place_in_a_request() {
    block_on(async {
        let running = echo().start(trueup::base::world::World::real()).await.unwrap();
        let shop = Shop::open(&On::Sqlite, &running.url(), |text| text).await;
        let params = [("p", Value::text("")), ("list", Value::text(""))];
        let prepared = shop.prepare(PLAYBOOK, &params).await.unwrap_or_else(|f| panic!("{}", super::servers::said(&f)));
        let api = prepared.setting.api("crm").unwrap();
        let (mut whole, mut parts) = (0, 0);
        // How long an address may be is the server's business, not a matter of escaping.
        for text in corpus().into_iter().filter(|text| text.len() < 4000) {
            for place in ["sent", "asked_for"] {
                let Deed::Outgoing(Outgoing::Call(called)) = deed(place, &text, &prepared.setting) else { panic!() };
                let request = call::request(&called);
                let calls = running.log().len();
                let sent = api.send(&request).await;
                let log = running.log();
                let Ok(_) = sent else {
                    // Refused before a byte left, because of a character that a path or a header cannot hold.
                    assert_eq!(log.len(), calls, "{place} {text:?}");
                    assert!(place == "sent", "{place} {text:?}: {sent:?}");
                    continue;
                };
                assert_eq!(log.len(), calls + 1, "one call is one request: {text:?}");
                let seen = &log[calls];
                assert_eq!(seen.query, [("q".to_owned(), text.clone())]);
                assert_eq!(seen.body.get("p").unwrap().bare(), text);
                assert_eq!(seen.header("authorization"), Some("Bearer key-of-the-crm"));
                if place == "sent" {
                    let segments: Vec<&str> = seen.path.split('/').collect();
                    assert_eq!(segments.len(), 4, "{}", seen.path);
                    let decoded = percent_encoding::percent_decode_str(segments[2]).decode_utf8().unwrap();
                    assert_eq!(decoded, text);
                    whole += 1;
                } else {
                    parts += 1;
                }
            }
        }
        assert!(parts > 12 * GROUP, "{parts}");
        assert!(whole > 100, "only {whole} texts fit into a path and a header");
        shop.close().await;
        running.shutdown().await;
    });
}

#[test]
fn the_corpus_has_520_different_strings_and_holds_what_it_says() {
    let corpus = corpus();
    let distinct: std::collections::BTreeSet<&String> = corpus.iter().collect();
    assert!(distinct.len() > 500, "{}", distinct.len());
    assert!(corpus.iter().any(|s| s.len() >= 60_000) && corpus.iter().any(|s| s.contains('\0')));
    assert!(matches!(Value::text("x").data, Data::Text(_)));
}
