//! Saved plans against a world that moved on: what differs is said by item and column, nothing of it is overwritten, and a
//! plan is used once.

#[path = "plans/roles.rs"]
mod roles;

use super::{
    proof::figures::Figures,
    servers::{Shop, block_on, mysql, postgres, request, root, said, surroundings},
};
use std::sync::atomic::AtomicBool;
use trueup::{
    base::{time::Stamp, value::Value, world::World},
    engine::drive::Stopped,
    journal::words::End,
    mock::{Mock, server::Running},
    ops::{
        self, Failure, Surroundings,
        apply::{Basis, Carried},
        plan::Request,
    },
    plan::file::Saved,
    trial::{
        bench::{On, Place},
        snapshot,
    },
};

const ROWS: &str = "
delete from audits; delete from notes; delete from parts; delete from prices; delete from things; delete from owners;
insert into owners (id, name) values (1, 'Ada'), (2, 'Bob');
insert into things (id, name, state, amount, price, count, weight, flag, day, at, moment, uid, email, note, doc, owner_id, created_at, updated_at) values
 (1, 'lamp', 0, '1.50', '1.500', 1, 0.5, true, '2024-02-29', '2024-02-29 12:00:00.000001', '2024-07-01 12:00:00+00', '6f1c1c5e-0000-4000-8000-000000000001', 'a@b.example', null, '{\"ready\": true, \"n\": 1}', 1, '2024-01-01 00:00:00', '2024-01-01 00:00:00'),
 (2, 'desk', 1, null, null, null, null, null, null, null, null, null, null, 'it''s', '{}', null, '2024-01-01 00:00:00', '2024-01-01 00:00:00');
insert into parts (id, thing_id, name, position, created_at, updated_at) values
 (1, 1, 'foot', 1, '2024-01-01 00:00:00', '2024-01-01 00:00:00'), (2, 1, 'arm', 2, '2024-01-01 00:00:00', '2024-01-01 00:00:00'),
 (3, 2, 'leg', 1, '2024-01-01 00:00:00', '2024-01-01 00:00:00');
insert into prices (code, year, amount) values ('A', 2024, '1.00'), ('A', 2025, '2.00');
";

const MOCK: &str = "
trueup: v1
mock: crm
routes:
  - get: /same
    answer: { json: { word: heard, more: { n: 1 } } }
  - get: /word
    answers: [{ json: { word: heard } }, { json: { word: whispered } }]
  - get: /status
    answers: [{ json: { word: heard } }, { status: 404, json: { word: heard } }]
  - get: /field
    answers: [{ json: { word: heard } }, { json: { other: heard } }]
  - get: /unread
    answers: [{ json: { word: heard, when: 1 } }, { json: { word: heard, when: 2 } }]
  - get: /down
    answers: [{ json: { word: heard } }, { status: 500, json: { title: out of order } }]
";

const HEAD: &str = "
trueup: v1
name: saved/playbook
version: 1
title: A change that is planned today and carried out later
risk: low
uses:
  shop: { read: [things, owners, parts, prices, audits], write: [things, parts, prices, audits, notes] }
";

/// Every kind of column is set, and a row of another table is looked at.
const COLUMNS: &str = "
preconditions:
  - id: t
    find: { table: shop.things, where: { id: 1 }, expect: one }
  - id: owner
    find: { table: shop.owners, where: { id: 1 }, expect: optional }
  - id: fresh
    find: { table: shop.things, where: { state: new }, expect: many }
  - assert: (fresh | length) < 9
  - assert: t.state == 'new'
steps:
  - id: change
    row:
      of: t
      set:
        name: shade
        amount: '9.99'
        price: '9.999'
        count: 9
        weight: 9.5
        flag: false
        day: 2025-03-01
        at: 2025-03-01 12:00:00.000002
        moment: 2025-07-01T12:00:00Z
        uid: 6f1c1c5e-0000-4000-8000-00000000000f
        email: new@b.example
        note: \"of {{ owner.name }}, {{ run.reason }}\"
        doc: { merge: { n: 2 } }
";

const PARTS: &str = "
steps:
  - id: parts
    rows: { table: shop.parts, where: { thing_id: 1 }, set: { name: handle }, touches: 0..50 }
";

const PRICE: &str = "
steps:
  - id: price
    row: { table: shop.prices, key: { code: A, year: 2024 }, set: { amount: '7.00' }, create: {} }
";

const NEW_PRICE: &str = "
steps:
  - id: price
    row: { table: shop.prices, key: { code: B, year: 2024 }, set: { amount: '7.00' }, create: {} }
";

const GONE: &str = "
steps:
  - id: gone
    row: { table: shop.parts, key: { id: 2 }, ensure: absent }
";

const AS_WANTED: &str = "
steps:
  - id: price
    row: { table: shop.prices, key: { code: A, year: 2024 }, set: { amount: '1.00' } }
  - id: other
    row: { table: shop.prices, key: { code: A, year: 2025 }, set: { amount: '3.00' } }
";

fn calls(path: &str) -> String {
    format!(
        "  crm: {{ methods: [GET] }}
preconditions:
  - id: said
    http: {{ api: crm, get: /{path}, accept: [200, {{ status: 404, because: nobody knows }}] }}
steps:
  - id: change
    row: {{ table: shop.prices, key: {{ code: A, year: 2024 }}, set: {{ amount: '7.00' }}, when: true }}
"
    )
    .replace(", when: true", "")
        + "    when: said.body.word == 'heard'\n"
}

/// A shop, its API, and a file for one plan.
struct Desk {
    shop: Shop,
    crm: Running,
}

impl Desk {
    async fn open(on: &On) -> Desk {
        let crm = Mock::from_yaml(MOCK).unwrap().start(World::real()).await.unwrap();
        let shop = Shop::open(on, &crm.url(), |text| text).await;
        shop.sql(ROWS).await;
        Desk { shop, crm }
    }

    fn playbook(&self, body: &str) {
        std::fs::write(
            self.shop.folder.path().join("p.yaml"),
            format!("{}{}", HEAD.trim_start(), body.trim_start_matches('\n')),
        )
        .unwrap();
    }

    /// One process: plans and keeps the plan in a file.
    async fn plan(&self, out: &str) -> Saved {
        let (here, opened) = (&self.shop.here, &self.shop.opened);
        let loaded = ops::playbook::load(here, opened, "p.yaml").unwrap_or_else(|f| panic!("{}", said(&f)));
        let request = Request { saved: true, reason: None, ..request(&[]) };
        let prepared =
            ops::plan::setting(here, opened, loaded, &request).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        let made =
            ops::plan::plan(&prepared.setting, &request, &|_| {}).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        let record = ops::record::open(here, opened).await.unwrap();
        let day = std::time::Duration::from_secs(24 * 3600);
        let saved = ops::saved::save(here, opened, &record, &prepared.setting, &made, None, out, day);
        let saved = saved.unwrap_or_else(|f| panic!("{}", said(&f)));
        record.journal.close().await.unwrap();
        saved
    }

    async fn apply(&self, file: &str) -> Result<Carried, Failure> {
        self.apply_as(
            file,
            &self.shop.here,
            &Request { actor: Some("ben".into()), reason: Some("later".into()), ..Request::default() },
        )
        .await
    }

    /// Another process, perhaps of somebody else: everything is read again from the disk.
    async fn apply_as(&self, file: &str, here: &Surroundings, asked: &Request) -> Result<Carried, Failure> {
        let opened = ops::project::open(here, None)?;
        let record = ops::record::open(here, &opened).await?;
        let usable = ops::saved::usable(here, &opened, &record, file).await?;
        ops::saved::nothing_else(&usable, asked)?;
        let reason = asked.reason.as_deref().or(usable.saved.header.reason.as_deref());
        let (reason, actor) = ops::apply::named(reason, asked.actor.as_deref())?;
        let matter = ops::approve::of_plan(&record, &opened, &usable).await?;
        ops::approve::enough(&matter, file)?;
        let prepared = ops::saved::setting(here, &opened, &usable, actor, reason).await?;
        ops::saved::same_systems(&prepared.setting, &usable.saved).await?;
        let basis = Basis { saved: Some(&usable.saved), approvals: matter.approvals.clone(), ..Basis::default() };
        let pause = AtomicBool::new(false);
        let plan = &usable.saved.plan;
        let carried =
            ops::apply::apply_on(here, &record, &opened, &prepared.setting, plan, basis, &|_| {}, &pause).await;
        record.journal.close().await.unwrap();
        carried
    }

    /// Every row, through connections that know nothing of how the tables were before.
    async fn seen(&self) -> String {
        let databases = ops::plan::databases(&self.shop.here, &self.shop.opened, "test").unwrap();
        snapshot::take(&databases, &self.shop.opened.project).await.unwrap().text()
    }

    async fn close(self) {
        drop(self.crm);
        self.shop.close().await;
    }
}

/// What somebody did between plan and apply, and what `apply` has to say.
struct Case {
    name: &'static str,
    body: String,
    sql: &'static str,
    /// Undoes what the next case cannot do without; rows are made anew anyway.
    back: &'static str,
    /// Subject and column of each difference, or words of the refusal.
    says: Vec<(&'static str, &'static str)>,
}

fn case(name: &'static str, body: &str, sql: &'static str, says: &[(&'static str, &'static str)]) -> Case {
    Case { name, body: body.to_owned(), sql, back: "", says: says.to_vec() }
}

const T: &str = "shop.things id 1";

fn columns() -> Vec<Case> {
    let one = |column: &'static str, sql: &'static str| case(column, COLUMNS, sql, &[(T, column)]);
    vec![
        one("name", "update things set name = 'lamp ' where id = 1"),
        one("amount", "update things set amount = '1.51' where id = 1"),
        one("price", "update things set price = '1.5000000001' where id = 1"),
        one("count", "update things set count = null where id = 1"),
        one("weight", "update things set weight = 0.50000001 where id = 1"),
        one("flag", "update things set flag = null where id = 1"),
        one("day", "update things set day = '2024-03-01' where id = 1"),
        one("at", "update things set at = '2024-02-29 12:00:00.000002' where id = 1"),
        one("moment", "update things set moment = '2024-07-01 12:00:00.000001+00' where id = 1"),
        one("uid", "update things set uid = '6f1c1c5e-0000-4000-8000-000000000002' where id = 1"),
        one("email", "update things set email = 'other@b.example' where id = 1"),
        one("note", "update things set note = '' where id = 1"),
        one("doc", "update things set doc = '{\"ready\": true, \"n\": 3}' where id = 1"),
        case("state", COLUMNS, "update things set state = 1 where id = 1", &[("fresh.#", ""), (T, "state")]),
    ]
}

fn rows() -> Vec<Case> {
    vec![
        case(
            "the row is gone",
            COLUMNS,
            "delete from parts where thing_id = 1; delete from things where id = 1",
            &[("preconditions/t", "")],
        ),
        case(
            "the owner is gone",
            COLUMNS,
            "update things set owner_id = null; delete from owners where id = 1",
            &[("shop.owners (`owner`)", "")],
        ),
        case(
            "the owner has another name",
            COLUMNS,
            "update owners set name = 'Eve' where id = 1",
            &[("shop.owners id 1", "name")],
        ),
        case("more things are new", COLUMNS, "update things set state = 0 where id = 2", &[("fresh.#", "")]),
        case(
            "a part has another name",
            PARTS,
            "update parts set name = 'toe' where id = 1",
            &[("shop.parts id 1", "name")],
        ),
        case("a part is gone", PARTS, "delete from parts where id = 1", &[("shop.parts id 1", "")]),
        case(
            "a part is there that now fits",
            PARTS,
            "update parts set thing_id = 1, position = 3 where id = 3",
            &[("shop.parts id 3", "")],
        ),
        case(
            "the price is another one",
            PRICE,
            "update prices set amount = '1.01' where year = 2024",
            &[("shop.prices code A, year 2024", "amount")],
        ),
        case(
            "the price is gone",
            PRICE,
            "delete from prices where year = 2024",
            &[("shop.prices code A, year 2024", "")],
        ),
        case(
            "the new price is there already",
            NEW_PRICE,
            "insert into prices (code, year, amount) values ('B', 2024, '1.00')",
            &[("shop.prices code B, year 2024", "")],
        ),
        case(
            "what is to go was changed",
            GONE,
            "update parts set position = 9 where id = 2",
            &[("shop.parts id 2", "position")],
        ),
        case(
            "what was as wanted is not",
            AS_WANTED,
            "update prices set amount = '1.10' where year = 2024",
            &[("shop.prices code A, year 2024", "amount")],
        ),
    ]
}

fn answers() -> Vec<Case> {
    vec![
        case("another answer", &calls("word"), "", &[("said.body.word", "")]),
        case("another status", &calls("status"), "", &[("said.status", "")]),
        case("a part of the answer is gone", &calls("field"), "", &[("said.body.word", "")]),
    ]
}

/// DDL between plan and apply, and how the table is put back.
fn ddl(on: &On) -> Vec<Case> {
    let with = |name, sql, back| Case { back, ..case(name, PRICE, sql, &[("shop.prices", "no longer built")]) };
    let index = if matches!(on, On::Mysql(_)) { "drop index one_amount on prices" } else { "drop index one_amount" };
    let mut cases = vec![
        with("a column more", "alter table prices add column extra text", "alter table prices drop column extra"),
        Case {
            says: vec![("shop.notes", "no longer built")],
            ..with("a column less", "alter table notes drop column text", "alter table notes add column text text")
        },
        with("an index more", "create unique index one_amount on prices (amount)", index),
        with(
            "a default more",
            "alter table prices add column extra text default 'x'",
            "alter table prices drop column extra",
        ),
    ];
    match on {
        On::Sqlite => cases.push(with(
            "a trigger more",
            "create trigger spy after update on prices begin insert into notes (text) values ('seen'); end",
            "drop trigger spy",
        )),
        On::Postgres(_) => {
            cases.push(with(
                "a trigger more",
                "create function spy() returns trigger language plpgsql as $$ begin insert into notes (text) values ('seen'); return new; end $$;
                 create trigger spy after update on prices for each row execute function spy()",
                "drop trigger spy on prices; drop function spy",
            ));
            cases.push(with(
                "another type",
                "alter table prices alter column amount type numeric(14, 4)",
                "alter table prices alter column amount type numeric(12, 2)",
            ));
            cases.push(with(
                "another default",
                "alter table prices alter column amount set default 5",
                "alter table prices alter column amount drop default",
            ));
            cases.push(with(
                "a trigger that does something else",
                "create or replace function note_state() returns trigger language plpgsql as $$ begin return new; end $$",
                "",
            ));
            if let Some(last) = cases.last_mut() {
                last.body = COLUMNS.to_owned();
                last.says = vec![("shop.things", "no longer built")];
            }
        }
        On::Mysql(_) => {
            cases.push(with(
                "a trigger more",
                "create trigger spy after update on prices for each row insert into notes (text) values ('seen')",
                "drop trigger spy",
            ));
            cases.push(with(
                "another type",
                "alter table prices modify amount decimal(14, 4) not null",
                "alter table prices modify amount decimal(12, 2) not null",
            ));
            cases.push(with(
                "another default",
                "alter table prices alter column amount set default 5",
                "alter table prices alter column amount drop default",
            ));
        }
    }
    cases
}

/// Nothing that the plan rests on: apply goes through, and says nothing of it.
fn no_drift() -> Vec<Case> {
    vec![
        case("a column that nobody looks at", COLUMNS, "update things set owner_id = 2 where id = 1", &[]),
        case("only the stamp", COLUMNS, "update things set updated_at = '2024-01-02 00:00:00' where id = 1", &[]),
        case(
            "an audit row of somebody else",
            COLUMNS,
            "insert into audits (record_type, record_id, version) values ('Thing', 1, 7)",
            &[],
        ),
        case("another row", PARTS, "update parts set name = 'toe' where id = 3", &[]),
        case("the same value in other digits", PRICE, "update prices set amount = '1.0' where year = 2024", &[]),
        case("a part of the answer that nobody reads", &calls("unread"), "", &[]),
    ]
}

async fn hold(desk: &Desk, case: &Case) -> Option<String> {
    desk.shop.sql(ROWS).await;
    desk.playbook(&case.body);
    let saved = desk.plan("a.plan").await;
    if saved.plan.items[0].stop.is_some() || saved.plan.is_empty() {
        return Some(format!("{}: the plan itself changes nothing: {:?}", case.name, saved.plan.items[0].stop));
    }
    if !case.sql.is_empty() {
        desk.shop.sql(case.sql).await;
    }
    let before = desk.seen().await;
    let carried = desk.apply("a.plan").await;
    let after = desk.seen().await;
    if !case.back.is_empty() {
        desk.shop.sql(case.back).await;
    }
    let wrong = judge(case, carried);
    let moved = before != after;
    match wrong {
        Some(wrong) => Some(format!("{}: {wrong}", case.name)),
        None if moved != case.says.is_empty() => Some(format!("{}: changed something: {moved}", case.name)),
        None => None,
    }
}

fn judge(case: &Case, carried: Result<Carried, Failure>) -> Option<String> {
    match carried {
        Ok(carried) if case.says.is_empty() => {
            let good = carried.stopped == Stopped::Closed(End::Changed);
            (!good).then(|| format!("{:?} {:?} {:?}", carried.stopped, carried.drift, carried.state.closed))
        }
        Ok(carried) => {
            let found: Vec<(&str, &str)> =
                carried.drift.iter().map(|d| (d.subject.as_str(), d.column.as_str())).collect();
            let all = case.says.iter().all(|says| found.contains(says));
            let good = carried.stopped == Stopped::Closed(End::Drifted) && all && found.len() == case.says.len();
            let kept: Vec<_> =
                carried.state.items.values().flat_map(|i| i.steps.values()).flat_map(|s| s.drift()).collect();
            if good && kept != carried.drift {
                return Some(format!("the journal keeps {kept:?} of {:?}", carried.drift));
            }
            (!good).then(|| format!("{:?} {:?} {:?}", carried.stopped, carried.drift, carried.state.closed))
        }
        Err(failure) => {
            let text = said(&failure);
            let good = !case.says.is_empty() && case.says.iter().all(|(a, b)| text.contains(a) && text.contains(b));
            let exit = failure.exit().code();
            (!good || exit != 5).then(|| format!("exit {exit}: {text}"))
        }
    }
}

fn drifts(on: &On) {
    block_on(async {
        let desk = Desk::open(on).await;
        let cases: Vec<Case> = columns().into_iter().chain(rows()).chain(answers()).chain(ddl(on)).collect();
        assert!(cases.len() >= 30, "{}", cases.len());
        let mut wrong = Vec::new();
        for case in cases.iter().chain(&no_drift()) {
            wrong.extend(hold(&desk, case).await);
        }
        desk.close().await;
        let mut figures = Figures::new("T27", format!("the world moves on between plan and apply, {}", on.word()));
        (figures.faults, figures.points) = (cases.len(), cases.len() + no_drift().len());
        wrong.into_iter().for_each(|what| figures.wrong(what));
        figures.end(30);
    });
}

#[test]
fn thirty_ways_in_which_the_world_moves_on_are_told_by_row_and_column_on_sqlite() {
    drifts(&On::Sqlite);
}

#[test]
fn thirty_ways_in_which_the_world_moves_on_are_told_by_row_and_column_on_postgres() {
    drifts(&On::Postgres(postgres()));
}

#[test]
fn thirty_ways_in_which_the_world_moves_on_are_told_by_row_and_column_on_mariadb() {
    drifts(&On::Mysql(mysql()));
}

/// A plan that is void: the words, the exit code, and that nothing was begun.
async fn void(desk: &Desk, carried: Result<Carried, Failure>, words: &[&str]) -> String {
    let failure = match carried {
        Ok(carried) => panic!("{words:?}: it was carried out: {:?}", carried.stopped),
        Err(failure) => failure,
    };
    let text = said(&failure);
    assert!(words.iter().all(|word| text.contains(word)), "{words:?}: {text}");
    assert_eq!(failure.exit().code(), 2, "{text}");
    let record = ops::record::open(&desk.shop.here, &desk.shop.opened).await.unwrap();
    let runs = record.journal.runs(&Default::default(), 9).await.unwrap();
    assert!(runs.iter().all(|run| run.end.is_some()), "{words:?}: a run was begun: {runs:?}");
    record.journal.close().await.unwrap();
    settled(&text)
}

/// With one id, one time and one file for all runs of the test.
fn settled(text: &str) -> String {
    let put = |pattern: &str, instead: &str, text: &str| {
        regex::Regex::new(pattern).unwrap().replace_all(text, instead).into_owned()
    };
    let text = put(r"\b(run|plan|show) [0-9a-f]{8}\b", "$1 6e839cdd", text);
    let text = put(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", "2026-01-15 10:00:00 UTC", &text);
    put(r"the file \S+ \(inode [^)]+\)", "the file shop.db (inode 4711)", &text)
}

/// Compares with `tests/golden/plans/refused.txt`; with `TRUEUP_BLESS=1` writes it instead.
fn golden(actual: &str) {
    let path = root().join("tests/golden/plans/refused.txt");
    if std::env::var_os("TRUEUP_BLESS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        return std::fs::write(&path, actual).unwrap();
    }
    assert_eq!(actual, std::fs::read_to_string(&path).unwrap(), "TRUEUP_BLESS=1 writes it anew");
}

fn as_ben() -> Request {
    Request { actor: Some("ben".into()), reason: Some("later".into()), ..Request::default() }
}

fn voids(on: &On) {
    block_on(async {
        let desk = Desk::open(on).await;
        desk.playbook(PRICE);
        let before = desk.seen().await;
        let saved = desk.plan("a.plan").await;
        let mut told = Vec::new();
        let path = |name: &str| desk.shop.folder.path().join(name);
        let read = |name: &str| std::fs::read_to_string(path(name)).unwrap();

        let playbook = read("p.yaml");
        std::fs::write(path("p.yaml"), playbook.replace("7.00", "7.01")).unwrap();
        told.push(
            void(
                &desk,
                desk.apply("a.plan").await,
                &["the playbook is not the one of the plan", "line 10", "plan again"],
            )
            .await,
        );
        std::fs::write(path("p.yaml"), format!("{playbook} ")).unwrap();
        void(&desk, desk.apply("a.plan").await, &["the playbook is not the one of the plan"]).await;
        std::fs::remove_file(path("p.yaml")).unwrap();
        told.push(void(&desk, desk.apply("a.plan").await, &["the playbook of the plan is gone", "p.yaml"]).await);
        std::fs::write(path("p.yaml"), &playbook).unwrap();

        let project = read("trueup.yaml");
        std::fs::write(path("trueup.yaml"), format!("# a note\n{project}")).unwrap();
        told.push(
            void(&desk, desk.apply("a.plan").await, &["the project file is not the one of the plan", "line 1"]).await,
        );
        std::fs::write(path("trueup.yaml"), &project).unwrap();

        let late = Surroundings {
            world: World::fixed(Stamp { micros: saved.header.expires_at.micros, digits: 6 }),
            ..desk.shop.here.clone()
        };
        told.push(void(&desk, desk.apply_as("a.plan", &late, &as_ben()).await, &["is too old", "--expires"]).await);

        let given = Request { params: vec![("id".into(), Value::from("1"))], ..as_ben() };
        told.push(
            void(&desk, desk.apply_as("a.plan", &desk.shop.here, &given).await, &["`id` cannot be given again"]).await,
        );
        let elsewhere = Request { environment: Some("live".into()), ..as_ben() };
        told.push(
            void(
                &desk,
                desk.apply_as("a.plan", &desk.shop.here, &elsewhere).await,
                &["the plan is for `test`, not for `live`"],
            )
            .await,
        );
        let silent = Request { reason: None, ..as_ben() };
        told.push(void(&desk, desk.apply_as("a.plan", &desk.shop.here, &silent).await, &["needs a reason"]).await);

        let bytes = std::fs::read(path("a.plan")).unwrap();
        let mut other = bytes.clone();
        other[600] ^= 1;
        std::fs::write(path("a.plan"), &other).unwrap();
        told.push(
            void(&desk, desk.apply("a.plan").await, &["`a.plan`", "not as it was written", "every byte counts"]).await,
        );
        std::fs::write(path("a.plan"), &bytes).unwrap();

        // Another project folder with a journal of its own.
        let stranger = Desk::open(on).await;
        std::fs::copy(path("p.yaml"), stranger.shop.folder.path().join("p.yaml")).unwrap();
        std::fs::copy(path("a.plan"), stranger.shop.folder.path().join("a.plan")).unwrap();
        told.push(void(&stranger, stranger.apply("a.plan").await, &["was made for another journal"]).await);

        // Another database behind the same name.
        match stranger.shop.place() {
            Place::File(other) => {
                let Place::File(ours) = desk.shop.place() else { panic!() };
                let copy = ours.with_extension("copy");
                std::fs::copy(ours, &copy).unwrap();
                std::fs::rename(ours, ours.with_extension("kept")).unwrap();
                std::fs::copy(other, ours).unwrap();
                told.push(
                    void(
                        &desk,
                        desk.apply("a.plan").await,
                        &["`shop` is another database", "planned:", "found:", "the file was exchanged", "plan again"],
                    )
                    .await,
                );
                std::fs::rename(ours.with_extension("kept"), ours).unwrap();
            }
            Place::Server(url) | Place::MysqlServer(url) => {
                let moved =
                    surroundings(desk.shop.folder.path(), &[("SHOP_URL", url.reveal()), ("CRM_KEY", "key-of-the-crm")]);
                told.push(
                    void(&desk, desk.apply_as("a.plan", &moved, &as_ben()).await, &["`shop` is another database"])
                        .await,
                );
            }
        }
        assert_eq!(desk.seen().await, before, "a refused plan changed something");

        let done = desk.apply("a.plan").await.unwrap_or_else(|f| panic!("{}", said(&f)));
        assert_eq!(done.stopped, Stopped::Closed(End::Changed), "{:?}", done.state.closed);
        let created = done.state.created.as_ref().unwrap();
        assert_eq!(created.plan_id.as_deref(), Some(&*saved.header.id));
        assert_eq!(created.plan_digest.as_deref(), Some(saved.digest.as_str()));
        assert_eq!((&*created.actor, created.reason.as_str()), ("ben", "later"));
        told.push(
            void(&desk, desk.apply("a.plan").await, &["this plan was used already", "by ben", "trueup show"]).await,
        );
        stranger.close().await;
        desk.close().await;
        if matches!(on, On::Sqlite) {
            golden(&told.join("\n"));
        }
    });
}

#[test]
fn a_void_plan_is_refused_before_anything_is_begun_on_sqlite() {
    voids(&On::Sqlite);
}

#[test]
fn a_void_plan_is_refused_before_anything_is_begun_on_postgres() {
    voids(&On::Postgres(postgres()));
}

#[test]
fn a_void_plan_is_refused_before_anything_is_begun_on_mysql() {
    voids(&On::Mysql(mysql()));
}

#[test]
fn of_several_who_begin_a_plan_at_once_exactly_one_carries_it_out() {
    block_on(async {
        for round in 0..5 {
            let desk = std::sync::Arc::new(Desk::open(&On::Sqlite).await);
            desk.playbook(PRICE);
            desk.plan("a.plan").await;
            let all = (0..4).map(|_| {
                let desk = desk.clone();
                tokio::spawn(async move { desk.apply("a.plan").await })
            });
            let all: Vec<_> = all.collect();
            let (mut won, mut told) = (0, 0);
            for one in all {
                match one.await.unwrap() {
                    Ok(carried) => {
                        assert_eq!(carried.stopped, Stopped::Closed(End::Changed), "{:?}", carried.state.closed);
                        won += 1;
                    }
                    Err(failure) => {
                        let text = said(&failure);
                        assert!(text.contains("used already: it became run") && text.contains("by ben"), "{text}");
                        told += 1;
                    }
                }
            }
            assert_eq!((won, told), (1, 3), "round {round}");
        }
    });
}
