//! The playbooks of the proofs: each kind of write, each class of recovery, and what their effects leave behind.

use super::world::Target;

/// How a lost answer may end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Exactly once, without a person.
    Exactly,
    /// At most once; a person may have to say whether.
    Once,
    /// At most once, and nobody is asked: a message.
    Message,
}

/// One effect: the traces that it leaves, all of them or none.
#[derive(Clone, Copy, Debug)]
pub struct Effect {
    /// Path of the step that makes it.
    pub step: &'static str,
    pub class: Class,
    /// Lines of the witness tables, calls of the API, messages.
    pub traces: &'static [&'static str],
}

/// One playbook.
#[derive(Clone, Copy, Debug)]
pub struct Procedure {
    pub name: &'static str,
    pub uses: &'static str,
    pub body: &'static str,
    /// In the order in which they happen.
    pub effects: &'static [Effect],
    /// The question that it asks, and the answer.
    pub question: Option<(&'static str, &'static str)>,
    /// Only where the databases have a ledger.
    pub ledger: bool,
}

const fn exactly(step: &'static str, traces: &'static [&'static str]) -> Effect {
    Effect { step, class: Class::Exactly, traces }
}
const fn once(step: &'static str, traces: &'static [&'static str]) -> Effect {
    Effect { step, class: Class::Once, traces }
}

const SHOP: &str = "
  shop: { read: [things, prices, parts, notes], write: [things, prices, parts, notes, audits] }";

const FIRST: Effect = exactly("steps/first", &["thing 1 7 -", "audit 1 1"]);
const LAST: Effect = exactly("steps/last", &["thing 1 7 seen", "audit 1 2"]);
const ROWS: &str = "
preconditions:
  - id: thing
    find: { table: shop.things, where: { id: 1 }, expect: one }
steps:
  - id: first
    row: { of: thing, set: { count: 7 } }
{here}
  - id: last
    row: { of: thing, set: { note: seen } }
verification:
  - find: { table: shop.things, where: { id: 1, count: 7, note: seen }, expect: one }
";

impl Procedure {
    /// The whole text.
    pub fn text(&self) -> String {
        let body =
            if self.body.contains("preconditions:") { self.body.to_owned() } else { ROWS.replace("{here}", self.body) };
        format!(
            "trueup: v1\nname: {}\nversion: 1\ntitle: A proof\nowner: clerk\nrisk: low\nuses:{}\n{body}",
            self.name, self.uses
        )
    }
}

const fn plain(name: &'static str, body: &'static str, effects: &'static [Effect]) -> Procedure {
    Procedure { name, uses: SHOP, body, effects, question: None, ledger: false }
}
const fn calling(name: &'static str, uses: &'static str, body: &'static str, effects: &'static [Effect]) -> Procedure {
    Procedure { name, uses, body, effects, question: None, ledger: false }
}

const KEYED: &str = "
  shop: { read: [things], write: [things, audits] }
  keyed: { methods: [POST] }";
const PLAIN: &str = "
  shop: { read: [things], write: [things, audits] }
  plain: { methods: [GET, POST, PUT] }";

/// All of them.
pub const ALL: &[Procedure] = &[
    plain("row-with-audit", "", &[FIRST, LAST]),
    plain(
        "row-made",
        "
  - id: made
    row: { table: shop.prices, key: { code: A, year: 2025 }, set: { amount: \"9.90\" }, create: {} }",
        &[FIRST, exactly("steps/made", &["price A 2025 9.90"]), LAST],
    ),
    plain(
        "row-removed",
        "
  - id: removed
    row: { table: shop.parts, key: { id: 5 }, ensure: absent }",
        &[FIRST, exactly("steps/removed", &["part 5 gone"]), LAST],
    ),
    plain(
        "rows",
        "
  - id: many
    rows: { table: shop.things, where: { name: desk }, set: { count: 9 }, touches: 2 }",
        &[FIRST, exactly("steps/many", &["thing 2 9 -", "thing 3 9 -", "audit 2 1", "audit 3 1"]), LAST],
    ),
    plain(
        "sql-with-probe",
        "
  - id: raised
    sql: { db: shop, sql: \"update things set count = count + 1 where id = 2\", touches: 1 }
    irreversible: a count stays
    probe:
      read: { find: { table: shop.things, where: { id: 2 }, expect: one } }
      done: self.count == 2
      not_done: self.count == 1",
        &[FIRST, exactly("steps/raised", &["thing 2 2 -"]), LAST],
    ),
    Procedure {
        ledger: true,
        ..plain(
            "sql-with-ledger",
            "
  - id: noted
    sql: { db: shop, sql: \"insert into notes (text) values ('a note')\", touches: 1 }
    irreversible: a note stays",
            &[FIRST, exactly("steps/noted", &["note a note"]), LAST],
        )
    },
    plain(
        "block-as-one",
        "
  - id: both
    block:
      transaction: shop
      steps:
        - row: { table: shop.things, key: { id: 2 }, set: { count: 8 } }
        - row: { table: shop.prices, key: { code: B, year: 2025 }, set: { amount: \"1.10\" }, create: {} }",
        &[FIRST, exactly("steps/both", &["thing 2 8 -", "audit 2 1", "price B 2025 1.10"]), LAST],
    ),
    plain(
        "loop-rescue-always",
        "
  - id: swap
    block:
      recovered: true
      steps:
        - id: many
          for_each: { in: [2, 3], as: number }
          row: { table: shop.things, key: { id: \"{{ number }}\" }, set: { count: 9 } }
        - assert: many | length == 3
          otherwise: { fail: there are not enough }
      rescue:
        - undo: [many]
      always:
        - id: made
          row: { table: shop.prices, key: { code: A, year: 2025 }, set: { amount: \"9.90\" }, create: {} }",
        &[
            FIRST,
            exactly("steps/swap/many[0]", &["thing 2 9 -", "audit 2 1"]),
            exactly("steps/swap/many[1]", &["thing 3 9 -", "audit 3 1"]),
            exactly("steps/swap/block.rescue/undo-1/swap/many[1]", &["thing 3 2 -", "audit 3 2"]),
            exactly("steps/swap/block.rescue/undo-1/swap/many[0]", &["thing 2 1 -", "audit 2 2"]),
            exactly("steps/swap/block.always/made", &["price A 2025 9.90"]),
            LAST,
        ],
    ),
    calling(
        "choose-wait-call",
        KEYED,
        "
  - id: settled
    wait:
      read: { find: { table: shop.things, where: { id: 1 }, expect: one } }
      until: settled.count == 7
      every: 1s
      at_most: 1m
  - id: way
    choose:
      match: { count: \"{{ settled.count }}\" }
      rows: [{ name: seven, is: { count: [7, 8] }, do: ring }]
      otherwise: { stop: odd }
      paths:
        ring:
          - id: rung
            for_each: { in: [bell, card], as: what }
            http: { api: keyed, post: \"/keyed/{{ what }}\", json: { thing: 1 } }
            irreversible: it is heard
          - use: quiet
        quiet:
          - id: quiet
            row: { table: shop.things, key: { id: 2 }, set: { count: 0 } }",
        &[
            FIRST,
            exactly("steps/way/paths.ring/rung[0]", &["POST /keyed/bell"]),
            exactly("steps/way/paths.ring/rung[1]", &["POST /keyed/card"]),
            exactly("steps/way/paths.quiet/quiet", &["thing 2 0 -", "audit 2 1"]),
            LAST,
        ],
    ),
    calling(
        "call-with-key",
        KEYED,
        "
  - id: call
    http: { api: keyed, post: /keyed/card, json: { thing: 1 } }
    irreversible: a card stays",
        &[FIRST, exactly("steps/call", &["POST /keyed/card"]), LAST],
    ),
    calling(
        "call-with-probe",
        PLAIN,
        "
  - id: call
    http: { api: plain, post: /probed/card, json: { thing: 1 } }
    irreversible: a card stays
    probe:
      read: { http: { api: plain, get: /probed/card } }
      done: self.body.count == 1
      not_done: self.body.count == 0
      settle: 10s",
        &[FIRST, exactly("steps/call", &["POST /probed/card"]), LAST],
    ),
    calling(
        "call-repeatable",
        PLAIN,
        "
  - id: call
    http: { api: plain, put: /repeat/card, json: { thing: 1 } }
    irreversible: a card stays
    repeatable: the same card",
        &[FIRST, exactly("steps/call", &["PUT /repeat/card"]), LAST],
    ),
    calling(
        "call-once",
        PLAIN,
        "
  - id: call
    http: { api: plain, post: /once/card, json: { thing: 1 } }
    irreversible: a card stays",
        &[FIRST, once("steps/call", &["POST /once/card"]), LAST],
    ),
    Procedure {
        question: Some(("agreed", "amount=12.50")),
        ..calling(
            "ask-tell-two-databases",
            "
  shop: { read: [things], write: [things, audits] }
  store: { read: [items], write: [items] }
  keyed: { methods: [POST] }",
            "
preconditions:
  - id: thing
    find: { table: shop.things, where: { id: 1 }, expect: one }
  - id: shelf
    find: { table: store.items, where: { id: 1 }, expect: one }
steps:
  - id: first
    row: { of: thing, set: { count: 7 } }
  - id: agreed
    ask: { who: clerk, question: \"How much?\", answer: { amount: { type: decimal, description: The price } }, affects: [] }
  - id: there
    row: { of: shelf, set: { price: \"{{ agreed.amount }}\" } }
  - id: called
    http: { api: keyed, post: /keyed/bell, json: { price: \"{{ agreed.amount }}\" } }
    irreversible: a bell rings
verification:
  - find: { table: store.items, where: { id: 1 }, expect: one }
afterwards:
  - id: told
    tell: { who: clerk, message: it is done }
",
            &[
                FIRST,
                exactly("steps/there", &["item 1 12.50"]),
                exactly("steps/called", &["POST /keyed/bell"]),
                Effect { step: "afterwards/told", class: Class::Message, traces: &["told clerk it is done"] },
            ],
        )
    },
];

/// Changes the same row so often, each time in a transaction of its own.
pub fn many_commits(steps: usize) -> Procedure {
    let leak = |text: String| -> &'static str { text.leak() };
    let mut body = "
preconditions:
  - id: thing
    find: { table: shop.things, where: { id: 1 }, expect: one }
steps:
"
    .to_owned();
    let mut effects = Vec::new();
    for n in 1..=steps {
        body += &format!("  - id: step{n}\n    row: {{ of: thing, set: {{ count: {} }} }}\n", 100 + n);
        let traces = vec![leak(format!("thing 1 {} -", 100 + n)), leak(format!("audit 1 {n}"))];
        effects.push(exactly(leak(format!("steps/step{n}")), traces.leak()));
    }
    plain("many-commits", leak(body), effects.leak())
}

const SHOP_TABLES: &str = "
create table things (id integer primary key, name text not null, count integer not null, note text);
create table prices (code WORD not null, year integer not null, amount DECIMAL not null, primary key (code, year));
create table parts (id integer primary key, name text not null);
create table notes (id SERIAL, text text);
create table audits (id SERIAL, record_id integer, changes json, version integer);
create table witness (id SERIAL, what text not null);
insert into things (id, name, count) values (1, 'lamp', 5), (2, 'desk', 1), (3, 'desk', 2);
insert into parts values (5, 'shade');
";
const STORE_TABLES: &str = "
create table items (id integer primary key, price DECIMAL);
create table witness (id SERIAL, what text not null);
insert into items values (1, null);
";

/// A trigger for each table: it writes one line into `witness` for each change that commits.
const WITNESSES: &[(&str, &str, &str)] = &[
    ("things", "update", "'thing ' || new.id || ' ' || new.count || ' ' || coalesce(new.note, '-')"),
    ("prices", "insert", "'price ' || new.code || ' ' || new.year || ' ' || new.amount"),
    ("parts", "delete", "'part ' || old.id || ' gone'"),
    ("notes", "insert", "'note ' || new.text"),
    ("audits", "insert", "'audit ' || new.record_id || ' ' || new.version"),
    ("items", "update", "'item ' || new.id || ' ' || new.price"),
];

/// The script that makes the tables of a connection.
pub fn tables(connection: &str, target: Target) -> String {
    let tables = if connection == "shop" { SHOP_TABLES } else { STORE_TABLES };
    let [serial, decimal, word] = match target {
        Target::Sqlite => ["integer primary key autoincrement", "decimal text", "text"],
        Target::Postgres => ["bigserial primary key", "numeric", "text"],
        // MySQL indexes no TEXT without a length.
        Target::Mysql => ["bigint auto_increment primary key", "decimal(12, 2)", "varchar(20)"],
    };
    let mut script = tables.replace("SERIAL", serial).replace("DECIMAL", decimal).replace("WORD", word);
    for (table, event, what) in WITNESSES.iter().filter(|(table, ..)| tables.contains(&format!("table {table} "))) {
        let insert = format!("insert into witness (what) values ({what});");
        script += &match target {
            Target::Postgres => format!(
                "create function see_{table}() returns trigger language plpgsql as $$ begin {insert} return null; end $$;
                 create trigger see after {event} on {table} for each row execute function see_{table}();\n"
            ),
            Target::Sqlite => format!("create trigger see_{table} after {event} on {table} begin {insert} end;\n"),
            Target::Mysql => {
                let insert = insert.replace(what, &format!("concat({})", what.replace(" || ", ", ")));
                format!("create trigger see_{table} after {event} on {table} for each row {insert}\n")
            }
        };
    }
    script
}
