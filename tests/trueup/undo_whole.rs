//! What is taken back as a whole or not at all: the rows of a transaction, an undo of `--all-or-nothing` whose plan was kept while somebody
//! changed a row, and an undo that would stop on its way.

use super::{
    hidden::Desk,
    many::{Store, playbook},
    servers::{block_on, request, said},
};
use std::{process::Command, sync::atomic::AtomicBool};
use trueup::{
    base::{source::Source, world::World},
    engine::drive::Stopped,
    journal::words::End,
    mock::{Mock, server::Running},
    ops,
    plan::Reversal,
    trial::bench::On,
};

const MOCK: &str = "trueup: v1\nmock: crm\nroutes:\n- post: /tickets\n  answer: { status: 201, json: { number: \"{{ calls }}\" } }\n\
                    - delete: \"/tickets/{number}\"\n  answer: { status: 204 }\n";
const ROWS: &str = "create table acct (id integer primary key, bal int not null, note text); \
                    insert into acct values (1, 100, 'a'), (2, 200, 'a'), (3, 300, 'a'), (4, 400, 'a');";
const USES: &str = "uses: { shop: { read: [acct], write: [acct] }, crm: { methods: [POST, DELETE] } }\n";
const TICKET: &str = "- id: ticket\n  http: { api: crm, post: /tickets, json: {} }\n  repeatable: a test\n  \
                      undo: { http: { api: crm, delete: \"/tickets/{{ ticket.body.number }}\" }, repeatable: a test }\n";

/// A project with accounts and an API, and what was done there.
struct Place {
    desk: Desk,
    crm: Running,
}

impl Place {
    async fn new(book: &str) -> Place {
        let crm = Mock::from_yaml(MOCK).unwrap().start(World::real()).await.unwrap();
        let project = format!(
            "connections:\n  shop: {{ sqlite: {{ path: shop.db }}, tables: {{ acct: {{ key: id, audit: false }} }} }}\n  \
             crm: {{ http: {{ base: \"{}\", internal: true, allow: {{ methods: [POST, DELETE], paths: [\"/**\"] }} }} }}\n",
            crm.url()
        );
        let place = Place { desk: Desk::new(&project, &[], &[("book", book)]), crm };
        place.sql(ROWS);
        place
    }

    fn sql(&self, text: &str) -> String {
        let database = self.desk.folder.path().join("shop.db");
        let output = Command::new("sqlite3").arg(database).arg(text).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().replace('\n', " ")
    }

    /// The rows, and what was sent.
    fn stands(&self) -> (String, usize) {
        (self.sql("select id, bal, note from acct order by id"), self.crm.log().len())
    }

    /// Applies the playbook; the run's short name.
    async fn applied(&mut self) -> String {
        self.desk.run(&["apply", "book", "--yes", "--reason", "a test"], 0).await;
        self.runs().await.remove(0)
    }

    async fn runs(&mut self) -> Vec<String> {
        let runs: serde_json::Value = serde_json::from_str(&self.desk.run(&["runs", "--json"], 0).await.out).unwrap();
        let short = |run: &serde_json::Value| run["short"].as_str().unwrap().to_owned();
        runs["runs"].as_array().unwrap().iter().map(short).collect()
    }

    /// Refused in these words, and nothing was written or sent or recorded.
    async fn refuses(&mut self, words: &[&str], exit: i32, says: &str) {
        let before = (self.stands(), self.runs().await);
        let came = self.desk.run(words, exit).await;
        let all = came.said().split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(all.contains(says), "`{says}` is not in: {all}");
        assert_eq!((self.stands(), self.runs().await), before, "{words:?}");
    }
}

const ONE: &str = "steps:\n- { id: first, row: { table: shop.acct, key: { id: 1 }, set: { note: t } } }\n\
                   - { id: second, row: { table: shop.acct, key: { id: 2 }, set: { note: t } } }\n";
const EACH: &str = "targets: { from: { find: { table: shop.acct, where: { note: a } } }, key: id }\n\
                    steps:\n- { id: first, row: { table: shop.acct, key: { id: \"{{ item.id }}\" }, set: { note: t } } }\n";

#[test]
fn a_kept_plan_of_all_or_nothing_takes_nothing_back_where_somebody_changed_a_row_since() {
    block_on(async {
        for steps in [ONE, EACH] {
            let mut place = Place::new(&format!("{USES}{steps}{TICKET}")).await;
            let run = place.applied().await;
            let undo = ["undo", &run, "--all-or-nothing", "--reason", "a test"];
            place.desk.run(&[&undo[..], &["--plan", "--out", "back.plan"]].concat(), 0).await;
            place.sql("update acct set note = 'by hand' where id = 1");
            let says = format!("a row is not as run {run} left it, so nothing is taken back");
            place.refuses(&[&undo[..], &["--yes"]].concat(), 5, &says).await;
            place.refuses(&["apply", "back.plan", "--yes"], 5, &says).await;
            // The plan was not used: it holds again when the row is as it was.
            place.sql("update acct set note = 't' where id = 1");
            place.desk.run(&["apply", "back.plan", "--yes"], 0).await;
            assert_eq!(place.stands().0, "1|100|a 2|200|a 3|300|a 4|400|a");
        }
    });
}

#[test]
fn a_kept_plan_without_all_or_nothing_leaves_the_row_alone_and_takes_back_the_others() {
    block_on(async {
        let mut place = Place::new(&format!("{USES}{ONE}{TICKET}")).await;
        let run = place.applied().await;
        place.desk.run(&["undo", &run, "--reason", "a test", "--plan", "--out", "back.plan"], 0).await;
        place.sql("update acct set note = 'by hand' where id = 1");
        place.desk.run(&["apply", "back.plan", "--yes"], 5).await;
        assert_eq!(place.stands(), ("1|100|by hand 2|200|a 3|300|a 4|400|a".into(), 2));
    });
}

/// A way back of its own that finds no row stops the undo, behind a call.
/// A way back that stops where its row is gone. (That of a `row` step would be left alone.)
const OWN: &str =
    "sql: { db: shop, sql: \"update acct set note = 'back' where id = ID\", touches: 1 }, repeatable: a test";

#[test]
fn an_undo_that_would_stop_on_its_way_is_not_begun() {
    block_on(async {
        let own = OWN.replace("ID", "1");
        let own = format!(
            "steps:\n- id: own\n  row: {{ table: shop.acct, key: {{ id: 1 }}, set: {{ note: t }} }}\n  undo: {{ {own} }}\n"
        );
        let mut place = Place::new(&format!("{USES}{own}{TICKET}")).await;
        let run = place.applied().await;
        place.sql("delete from acct where id = 1");
        let says = "Plan: it stops at `own`, after 1 request";
        place.refuses(&["undo", &run, "--yes", "--reason", "a test"], 4, says).await;
        place.desk.run(&["undo", &run, "--plan", "--out", "back.plan", "--reason", "a test"], 0).await;
        place.refuses(&["apply", "back.plan", "--yes"], 4, says).await;
        place.sql("insert into acct values (1, 100, 't')");
        place.desk.run(&["undo", &run, "--yes", "--reason", "a test"], 0).await;
        assert_eq!(place.stands(), ("1|100|back 2|200|a 3|300|a 4|400|a".into(), 2));
    });
}

#[test]
fn with_all_or_nothing_no_item_is_taken_back_where_one_would_stop() {
    block_on(async {
        let own = OWN.replace("ID", "{{ item.id }}");
        let steps = format!(
            "{}  undo: {{ {own} }}\n",
            EACH.replace("- { id: first, row", "- id: first\n  row").replace("note: t } } }", "note: t } }")
        );
        let mut place = Place::new(&format!("{USES}{steps}{TICKET}")).await;
        let run = place.applied().await;
        let undo = ["undo", &run, "--all-or-nothing", "--reason", "a test"];
        place.desk.run(&[&undo[..], &["--plan", "--out", "back.plan"]].concat(), 0).await;
        place.sql("delete from acct where id = 2");
        let says = format!("taking back run {run} would not get through: an item ends early");
        place.refuses(&[&undo[..], &["--yes"]].concat(), 4, &says).await;
        place.refuses(&["apply", "back.plan", "--yes"], 4, &says).await;
        // Without it the others are taken back, as `apply` carries out the others.
        place.desk.run(&["undo", &run, "--yes", "--reason", "a test"], 4).await;
        assert_eq!(place.stands().0, "1|100|back 3|300|back 4|400|back");
    });
}

const STATEMENT: &str = "uses: { shop: { write: [acct] } }\nsteps:\n- id: both\n  block:\n    transaction: shop\n    steps:\n    \
    - id: all\n      sql: { db: shop, sql: \"update acct set bal = bal + 1 where id < 3\", touches: 2 }\n      repeatable: a test\n      \
    undo: { sql: { db: shop, sql: \"update acct set bal = 0 where id < 9\", touches: 0..9 }, repeatable: a test }\n";

#[test]
fn the_plan_says_how_a_statement_in_a_transaction_is_taken_back_and_so_it_is() {
    block_on(async {
        let mut place = Place::new(STATEMENT).await;
        let planned = place.desk.run(&["plan", "book"], 0).await.out;
        let says = "taken back by the images of its rows; where there are none, by its `undo` (sql)";
        assert!(planned.split_whitespace().collect::<Vec<_>>().join(" ").contains(says), "{planned}");
        let json = place.desk.run(&["plan", "book", "--json"], 0).await.out;
        assert!(json.contains("\"images_or_step\""), "{json}");
        let page = place.desk.run(&["doc", "book"], 0).await.out;
        assert!(page.contains("where its rows cannot be told, by a step of its own"), "{page}");
        // A kept plan has it as well.
        place.desk.run(&["plan", "book", "--out", "a.plan"], 0).await;
        let kept = place.desk.run(&["plan", "show", "a.plan"], 0).await.out;
        assert!(kept.split_whitespace().collect::<Vec<_>>().join(" ").contains(says), "{kept}");
        let run = place.applied().await;
        place.desk.run(&["undo", &run, "--yes", "--reason", "a test"], 0).await;
        assert_eq!(place.stands().0, "1|100|a 2|200|a 3|300|a 4|400|a", "by the images");
    });
}

/// Parts of a transaction with a way back of their own, which earlier versions let pass and did not keep.
const PARTS: &str = "steps:\n- id: both\n  block:\n    transaction: shop\n    steps:\n    \
    - id: one\n      row: { table: shop.things, key: { id: 1 }, set: { count: 5 } }\n      undo: none_needed\n      because: it stays\n    \
    - id: two\n      row: { table: shop.things, key: { id: 2 }, set: { count: 6 } }\n      \
    undo: { row: { table: shop.things, key: { id: 2 }, set: { count: 77 } } }\n";

#[test]
fn a_run_of_an_earlier_version_is_taken_back_as_before_whatever_its_transaction_says_of_its_parts() {
    block_on(async {
        let store = Store::open(&On::Sqlite, 2).await;
        let (here, opened) = (&store.shop.here, &store.shop.opened);
        let text = Source::new("playbook.yaml", playbook(&[PARTS]));
        let refused = ops::playbook::of_source(text.clone(), opened, None).err().map(|f| said(&f)).unwrap_or_default();
        assert_eq!(refused.matches("error[E0304]").count(), 2, "{refused}");
        let loaded = ops::playbook::of_run(text, opened).unwrap_or_else(|f| panic!("{}", said(&f)));
        let prepared = ops::plan::setting(here, opened, loaded, &request(&[])).await.unwrap();
        let plan = ops::plan::plan(&prepared.setting, &request(&[]), &|_| {}).await.unwrap();
        let ways: Vec<_> = plan.items[0].steps.iter().filter_map(|step| step.undo.clone()).collect();
        assert_eq!(ways, [Reversal::Automatic, Reversal::Automatic]);
        let (record, stop) = (store.record().await, AtomicBool::new(false));
        ops::apply::apply(here, &record, opened, &prepared.setting, &plan, &|_| {}, &stop).await.unwrap();
        record.journal.close().await.unwrap();
        assert_eq!(store.column("count").await, ["5", "6"]);
        let carried = store.undo(prepared.setting.run.id, None).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        assert_eq!(carried.stopped, Stopped::Closed(End::Changed));
        assert_eq!(store.column("count").await, ["0", "0"]);
        store.shop.close().await;
    });
}
