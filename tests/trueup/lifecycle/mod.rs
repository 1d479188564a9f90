//! Operations on records that carry their own state machine: where they stand, put back, run again, cancelled, advanced; on all databases.
//! What a stage does is told by the case folder `lifecycle-stages`.

use super::servers::{Shop, block_on, mysql, postgres, request, root, said, surroundings};
use std::{collections::BTreeMap, sync::atomic::AtomicBool};
use trueup::{
    base::{identity::RunId, value::Value, world::World},
    journal::words::End,
    ops::{self, Failure, apply::Carried, lifecycle::Asked, undo::Wish as Back},
    playbook::lifecycle::operation::Does,
    report::{
        lifecycle::{self as drawn, Status},
        look::Look,
    },
    trial::bench::On,
};

const PLAYBOOK: &str = "retire.yaml";

struct Queue {
    shop: Shop,
}

/// A record: id, state, the state before, log, since when it is there.
type Row<'a> = (u32, u32, u32, &'a str, &'a str);

const LONG_AGO: &str = "2025-01-01 00:00:00";
/// The numbers of the states, as the table has them.
const PENDING: u32 = 1;
const RETIRING_FORUM: u32 = 2;
const FORUM_COMPLETE: u32 = 3;
const RETIRING_ACCOUNT: u32 = 4;
const ACCOUNT_COMPLETE: u32 = 5;
const ERRORED: u32 = 6;
const COMPLETE: u32 = 8;

impl Queue {
    async fn open(on: &On, rows: &[Row<'_>]) -> Queue {
        let case = "lifecycle-stages";
        let shop = Shop::in_world(on, case, ("lms", "forum"), "http://127.0.0.1:9", |text| text).await;
        let text = std::fs::read_to_string(root().join("tests/cases").join(case).join("playbook.yaml")).unwrap();
        std::fs::write(shop.folder.path().join(PLAYBOOK), text).unwrap();
        shop.sql("insert into persons (id, mail, active) values (1, 'gone', true)").await;
        shop.sql("insert into wishes (id) values (1)").await;
        for (id, state, last, log, since) in rows {
            shop.sql(&format!(
                "insert into requests (id, person_id, mail, state_id, last_id, responses, created, modified) values \
                 ({id}, 1, 'ada@example.org', {state}, {last}, '{log}', '{LONG_AGO}', '{since}')"
            ))
            .await;
        }
        Queue { shop }
    }

    async fn status(&self) -> Status {
        let (here, opened) = (&self.shop.here, &self.shop.opened);
        ops::lifecycle::status::status(here, opened, PLAYBOOK, Some("test"))
            .await
            .unwrap_or_else(|f| panic!("{}", said(&f)))
    }

    async fn does(&self, does: Does, asked: &Asked) -> Result<(RunId, Carried), Failure> {
        self.does_with(does, asked, &[]).await
    }

    async fn does_with(
        &self,
        does: Does,
        asked: &Asked,
        params: &[(&str, Value)],
    ) -> Result<(RunId, Carried), Failure> {
        let (here, opened) = (&self.shop.here, &self.shop.opened);
        let loaded = ops::lifecycle::operation(here, opened, PLAYBOOK, does, asked).await?;
        let mut prepared = ops::plan::setting(here, opened, loaded, &request(params)).await?;
        let record = ops::record::open(here, opened).await?;
        ops::record::seal_with(&mut prepared.setting, &record);
        let plan = ops::plan::plan(&prepared.setting, &request(params), &|_| {}).await?;
        let stop = AtomicBool::new(false);
        let carried = ops::apply::apply(here, &record, opened, &prepared.setting, &plan, &|_| {}, &stop).await?;
        record.journal.close().await?;
        Ok((prepared.setting.run.id, carried))
    }

    async fn done(&self, does: Does, asked: &Asked) -> (RunId, BTreeMap<End, u64>) {
        let (run, carried) = self.does(does, asked).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        let ends = carried.many.map(|came| came.summary.ends.iter().map(|(end, n)| (*end, *n)).collect());
        (run, ends.unwrap_or_default())
    }

    async fn undo(&self, run: RunId) {
        let (here, opened) = (&self.shop.here, &self.shop.opened);
        let (record, stop) = (ops::record::open(here, opened).await.unwrap(), AtomicBool::new(false));
        let wish = Back { actor: Some("anna".into()), ..Back::default() };
        let ready =
            ops::undo::prepare(here, &record, opened, run, &wish).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        let plan = ops::undo::plan(&ready, &|_| {}).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        ops::undo::undo(here, &record, &ready, &plan, &wish, &|_| {}, &stop)
            .await
            .unwrap_or_else(|f| panic!("{}", said(&f)));
        record.journal.close().await.unwrap();
    }

    /// A column of every row of a table, by id.
    async fn column(&self, table: &str, column: &str) -> BTreeMap<i64, String> {
        let snapshot = self.shop.snapshot().await;
        let rows = snapshot.tables.iter().find(|(t, _)| &*t.table == table).unwrap().1;
        let value = |row: &trueup::base::value::Map| (row["id"].as_int().unwrap(), row[column].bare().into_owned());
        rows.rows.values().map(value).collect()
    }

    async fn states(&self) -> BTreeMap<i64, String> {
        self.column("requests", "state_id").await
    }
}

fn asked(items: &[&str]) -> Asked {
    Asked { items: items.iter().map(|item| (*item).to_owned()).collect(), ..Asked::default() }
}

fn states(all: &[(i64, u32)]) -> BTreeMap<i64, String> {
    all.iter().map(|(id, state)| (*id, state.to_string())).collect()
}

const FAILED_IN_ACCOUNT: &str = "Created\n Moved from RETIRING_FORUM (step 11) to FORUM_COMPLETE (step 21):\nEnding\n\n \
     Moved from RETIRING_ACCOUNT (step 31) to ERRORED (step 51):\n500 Server Error\n\n Moved from ERRORED (step 51) to RETIRING_ACCOUNT (step 31):\nForce\n\n \
     Moved from ERRORED (step 51) to ERRORED (step 51):\nForce\n";
const FAILED_IN_FORUM: &str = "Created\n Moved from RETIRING_FORUM (step 11) to ERRORED (step 51):\n500 Server Error\n";

fn rewind(on: &On) {
    block_on(async {
        let now = World::real().now().written(' ').split('.').next().unwrap().to_owned();
        let queue = Queue::open(
            on,
            &[
                // Failed inside of a stage: before that stage.
                (10, ERRORED, RETIRING_FORUM, FAILED_IN_FORUM, LONG_AGO),
                // The state before is a terminal one, after the bulk script of the application: only the log tells.
                (11, ERRORED, ERRORED, FAILED_IN_ACCOUNT, LONG_AGO),
                // Failed between two stages: exactly there.
                (12, ERRORED, FORUM_COMPLETE, "", LONG_AGO),
                // Nothing tells.
                (13, ERRORED, ERRORED, "", LONG_AGO),
                // Left behind by a run that died, and one on which somebody is at work.
                (14, RETIRING_FORUM, PENDING, "", LONG_AGO),
                (15, RETIRING_FORUM, PENDING, "", &now),
                (16, COMPLETE, ACCOUNT_COMPLETE, "", LONG_AGO),
                (17, PENDING, PENDING, "", LONG_AGO),
                // A stage was added before its state.
                (
                    18,
                    ACCOUNT_COMPLETE,
                    RETIRING_ACCOUNT,
                    " Moved from RETIRING_ACCOUNT (step 31) to ACCOUNT_COMPLETE (step 41):\n",
                    LONG_AGO,
                ),
            ],
        )
        .await;
        let before = queue.states().await;
        let status = queue.status().await;
        let many = |state: &str| status.states.iter().find(|one| &*one.state == state).unwrap().records;
        assert_eq!(
            (many("ERRORED"), many("RETIRING_FORUM"), many("PENDING"), many("COMPLETE"), many("ABORTED")),
            (4, 2, 1, 1, 0)
        );
        let stale: Vec<&str> = status.at_work.iter().filter(|one| one.stale).map(|one| &*one.key).collect();
        assert_eq!((stale, status.stale), (vec!["14"], 1));
        let groups: Vec<(&str, &str, u64)> =
            status.errors.iter().map(|group| (&*group.left, group.message.as_str(), group.records)).collect();
        assert!(groups.contains(&("RETIRING_FORUM", "500 Server Error", 1)), "{groups:?}");
        assert_eq!(status.passed_over, [("forum".into(), 1)]);
        let page = drawn::text(&status, Look::default());
        assert!(page.contains("1 left behind") && page.contains("trueup lifecycle rewind"), "{page}");
        assert!(page.lines().all(|line| line.chars().count() <= 100), "{page}");
        assert!(
            drawn::csv(&status).contains("\nRETIRING_FORUM,error,1,,500 Server Error\n"),
            "{}",
            drawn::csv(&status)
        );

        // Hazard: a rewind that lands in a state which no driver can run (the application's script goes to `last_state`, be it RETIRING_x),
        // or behind the stage that failed, which is then passed over for ever.
        let (run, ends) = queue.done(Does::Rewind, &Asked::default()).await;
        assert_eq!(ends, BTreeMap::from([(End::Changed, 4), (End::Stopped, 1), (End::Skipped, 1)]));
        let after = queue.states().await;
        let wanted = [
            (10, PENDING),
            (11, FORUM_COMPLETE),
            (12, FORUM_COMPLETE),
            (13, ERRORED),
            (14, PENDING),
            (15, RETIRING_FORUM),
            (16, COMPLETE),
            (17, PENDING),
            (18, ACCOUNT_COMPLETE),
        ];
        assert_eq!(after, states(&wanted));
        let logs = queue.column("requests", "responses").await;
        assert!(
            logs[&11]
                .contains("Moved from ERRORED (step 51) to FORUM_COMPLETE (step 21):\nPut back by anna (trueup run"),
            "{}",
            logs[&11]
        );
        queue.undo(run).await;
        assert_eq!(queue.states().await, before);
        assert!(!queue.column("requests", "responses").await[&11].contains("Put back"));

        // Hazard: a stage that was added later is passed over in silence. With `--to` it runs, but never further on than the record is.
        let to = |state: &str, item: &str| Asked { to: Some(state.into()), ..asked(&[item]) };
        let (_, ends) = queue.done(Does::Rewind, &to("PENDING", "18")).await;
        assert_eq!(ends, BTreeMap::from([(End::Changed, 1)]));
        let (_, ends) = queue.done(Does::Rewind, &to("ACCOUNT_COMPLETE", "12")).await;
        assert_eq!(ends, BTreeMap::from([(End::Stopped, 1)]));
        let refused =
            queue.does(Does::Rewind, &to("RETIRING_FORUM", "12")).await.err().map(|f| said(&f)).unwrap_or_default();
        assert!(refused.contains("no state from which a stage begins"), "{refused}");
        assert_eq!((&*queue.states().await[&18], &*queue.states().await[&12]), ("1", "6"));
        queue.shop.close().await;
    });
}

fn others(on: &On) {
    block_on(async {
        let queue = Queue::open(
            on,
            &[
                (20, COMPLETE, ACCOUNT_COMPLETE, "", LONG_AGO),
                (21, COMPLETE, ACCOUNT_COMPLETE, "", "2025-02-01 00:00:00"),
                (22, COMPLETE, ACCOUNT_COMPLETE, "", "2025-03-01 00:00:00"),
                (23, PENDING, PENDING, "Created", LONG_AGO),
                (24, FORUM_COMPLETE, RETIRING_FORUM, "", LONG_AGO),
            ],
        )
        .await;
        // A window, named ones, and all of the rest.
        let window = Asked { from: Some("2025-01-15".into()), until: Some("2025-03-01".into()), ..Asked::default() };
        let (_, ends) = queue.done(Does::Rerun, &window).await;
        assert_eq!(ends, BTreeMap::from([(End::Changed, 1)]));
        let known = [(20, COMPLETE), (21, PENDING), (22, COMPLETE), (23, PENDING), (24, FORUM_COMPLETE)];
        assert_eq!(queue.states().await, states(&known));
        let (run, ends) = queue.done(Does::Rerun, &Asked::default()).await;
        assert_eq!(ends, BTreeMap::from([(End::Changed, 2)]));
        queue.undo(run).await;
        assert_eq!(queue.states().await, states(&known));

        // Cancelling puts back what the playbook says and deletes the record, all in one transaction, and only at the start.
        let (run, ends) = queue.done(Does::Cancel, &asked(&["23", "24"])).await;
        assert_eq!(ends, BTreeMap::from([(End::Changed, 1), (End::Stopped, 1)]));
        let left: Vec<i64> = queue.states().await.into_keys().collect();
        assert_eq!(left, [20, 21, 22, 24]);
        assert_eq!(queue.column("persons", "mail").await[&1], "ada@example.org");
        assert!(queue.column("wishes", "id").await.is_empty());
        queue.undo(run).await;
        assert_eq!((&*queue.states().await[&23], &*queue.column("persons", "mail").await[&1]), ("1", "gone"));
        let refused = queue.does(Does::Cancel, &Asked::default()).await.err().map(|f| said(&f)).unwrap_or_default();
        assert!(refused.contains("which record?"), "{refused}");

        // Forward by hand: only to a state behind a stage, and never back.
        let to = |state: &str, item: &str| Asked { to: Some(state.into()), ..asked(&[item]) };
        let (_, ends) = queue.done(Does::Advance, &to("ACCOUNT_COMPLETE", "24")).await;
        assert_eq!(ends, BTreeMap::from([(End::Changed, 1)]));
        let (_, ends) = queue.done(Does::Advance, &to("FORUM_COMPLETE", "24")).await;
        assert_eq!(ends, BTreeMap::from([(End::Stopped, 1)]));
        assert_eq!(queue.states().await[&24], "5");
        queue.shop.close().await;
    });
}

#[test]
fn a_rewind_leads_to_the_state_before_the_stage_that_failed() {
    rewind(&On::Sqlite);
    rewind(&On::Postgres(postgres()));
    rewind(&On::Mysql(mysql()));
}

#[test]
fn records_run_again_are_cancelled_and_advanced_as_ordinary_plans() {
    others(&On::Sqlite);
    others(&On::Postgres(postgres()));
    others(&On::Mysql(mysql()));
}

/// A stage that a parameter switches off: nobody knows of a run that is over what it was given, so a rewind goes too far back rather than over a
/// stage, unless it is told.
#[test]
fn a_rewind_can_be_told_which_stages_the_run_had() {
    block_on(async {
        let failed = |id| (id, ERRORED, RETIRING_ACCOUNT, "", LONG_AGO);
        let queue = Queue::open(&On::Sqlite, &[failed(40), failed(41), failed(42)]).await;
        let path = queue.shop.folder.path().join(PLAYBOOK);
        let text = std::fs::read_to_string(&path).unwrap();
        let told = "  with_forum: { type: bool, default: true, description: Whether there is a forum }\n";
        let text = text.replace("params:\n", &format!("params:\n{told}"));
        let text = text.replace(
            "      working: RETIRING_FORUM\n",
            "      when: params.with_forum\n      working: RETIRING_FORUM\n",
        );
        assert_eq!(text.matches("with_forum").count(), 2);
        std::fs::write(&path, text).unwrap();
        let given = |item: &str| Asked { given: vec!["with_forum".into()], ..asked(&[item]) };
        queue.done(Does::Rewind, &asked(&["40"])).await;
        for (item, with) in [("41", true), ("42", false)] {
            let done = queue.does_with(Does::Rewind, &given(item), &[("with_forum", with.into())]).await;
            done.unwrap_or_else(|f| panic!("{}", said(&f)));
        }
        assert_eq!(queue.states().await, states(&[(40, PENDING), (41, FORUM_COMPLETE), (42, PENDING)]));
        for (name, why) in [
            ("cool_off", "no stage's `when` rests on `params.cool_off`"),
            ("wth_forum", "has no parameter `wth_forum`"),
        ] {
            let asked = Asked { given: vec![name.into()], ..asked(&["41"]) };
            let refused = queue.does(Does::Rewind, &asked).await.err().map(|f| said(&f)).unwrap_or_default();
            assert!(refused.contains(why), "{refused}");
        }
        queue.shop.close().await;
    });
}

#[test]
fn stages_that_the_table_of_states_knows_otherwise_are_refused_before_the_first_record() {
    block_on(async {
        let queue = Queue::open(&On::Sqlite, &[(30, PENDING, PENDING, "", LONG_AGO)]).await;
        let refused = async |sql: &str| {
            queue.shop.sql(sql).await;
            let text = std::fs::read_to_string(queue.shop.folder.path().join(PLAYBOOK)).unwrap();
            let found = queue.shop.prepare(&text, &[("cool_off", Value::text("1d"))]).await;
            found.err().map(|failure| said(&failure)).unwrap_or_default()
        };
        // Hazard: the order of the driver against that of the table ends in ERRORED half way.
        let told = refused("update states set place = 35 where id = 2").await;
        assert!(
            told.contains("E0873") && told.contains("`FORUM_COMPLETE` comes before `RETIRING_FORUM` in the target"),
            "{told}"
        );
        assert!(
            told.contains("the playbook: PENDING, RETIRING_FORUM, FORUM_COMPLETE")
                && told.contains("the table, in its order: PENDING, FORUM_COMPLETE"),
            "{told}"
        );
        let told =
            refused("update states set place = 11 where id = 2; update states set name = 'RETIRING_FORA' where id = 2")
                .await;
        assert!(
            told.contains("the target knows no state `RETIRING_FORUM`")
                && told.contains("did you mean `RETIRING_FORA`?"),
            "{told}"
        );
        // The stage that is off here has no states, and needs none.
        assert_eq!(refused("update states set name = 'RETIRING_FORUM' where id = 2").await, "");
        assert_eq!(queue.states().await[&30], "1");
        queue.shop.close().await;
    });
}

#[test]
fn a_run_that_is_killed_at_every_event_moves_each_record_once() {
    block_on(async {
        let here = surroundings(&root(), &[]);
        let project = root().join("tests/cases/lifecycle-stages/trueup.yaml");
        let opened = ops::project::open(&here, Some(&project)).unwrap_or_else(|f| panic!("{}", said(&f)));
        let test = root().join("tests/trueup/lifecycle/killed.test.yaml");
        let report = ops::test::run_file(&here, &opened, &test, &On::Sqlite, None).await;
        let report = report.unwrap_or_else(|f| panic!("{}", said(&f)));
        assert!(report.is_good() && report.passed() == 2, "{report}");
    });
}

#[test]
fn a_run_on_a_server_that_is_killed_at_every_event_moves_each_record_once() {
    block_on(async {
        let here = surroundings(&root(), &[]);
        let project = root().join("tests/cases/lifecycle-stages/trueup.yaml");
        let opened = ops::project::open(&here, Some(&project)).unwrap_or_else(|f| panic!("{}", said(&f)));
        let test = root().join("tests/trueup/lifecycle/killed-on-servers.test.yaml");
        for on in [On::Postgres(postgres()), On::Mysql(mysql())] {
            let report = ops::test::run_file(&here, &opened, &test, &on, None).await;
            let report = report.unwrap_or_else(|f| panic!("{}", said(&f)));
            assert!(report.is_good() && report.passed() == 1, "{report}");
        }
    });
}
