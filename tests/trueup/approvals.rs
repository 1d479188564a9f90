//! Approvals through the real program: who is asked, who may agree, what is recorded, and that nothing changes before.

use super::{
    places::Place,
    servers::{block_on, postgres},
};
use serde_json::Value as Json;
use trueup::trial::bench::{On, Place as Where};

/// What came of one call of the program.
struct Came {
    exit: i32,
    out: String,
    err: String,
}

impl Came {
    /// In one line: a terminal of 80 columns breaks sentences anywhere.
    fn said(&self) -> String {
        format!("{} {}", self.out, self.err).split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[track_caller]
    fn is(self, exit: i32, words: &[&str]) -> Came {
        let said = self.said();
        assert_eq!(self.exit, exit, "{}\n{}", self.out, self.err);
        for word in words {
            assert!(said.contains(word), "`{word}` is not said:\n{}\n{}", self.out, self.err);
        }
        self
    }
}

async fn trueup(place: &Place, line: &str) -> Came {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_trueup"));
    command.args(words(line)).current_dir(place.path()).env_clear().envs(place.variables()).kill_on_drop(true);
    let output = command.output().await.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Came { exit: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

/// `a 'b c' d`
fn words(line: &str) -> Vec<String> {
    let parts = line.split('\'').enumerate();
    parts
        .flat_map(
            |(i, part)| {
                if i % 2 == 1 { vec![part.to_owned()] } else { part.split_whitespace().map(str::to_owned).collect() }
            },
        )
        .collect()
}

const APPROVALS: &str = "approvers: { leads: [ben, cleo] }
environments:
  test:
    approvals:
      medium: 1
      high: 2
      rules:
        - { when: { table: shop.things, rows_over: 1 }, by: leads }
";

async fn office(on: &On) -> Place {
    let place = Place::make(on).await;
    let project = std::fs::read_to_string(place.path().join("trueup.yaml")).unwrap();
    std::fs::write(place.path().join("trueup.yaml"), project.replace("environments:\n  test: {}\n", APPROVALS))
        .unwrap();
    let uses = "  shop: { read: [things], write: [things, audits] }";
    place.playbook("one", uses, "steps:\n  - row: { table: shop.things, key: { id: 1 }, set: { count: 7 } }\n");
    place.playbook(
        "two",
        uses,
        "steps:\n  - rows: { table: shop.things, where: { name: desk }, set: { count: 7 }, touches: 0..9 }\n",
    );
    for (name, risk) in [("one", "medium"), ("two", "high")] {
        let path = place.path().join(format!("{name}.yaml"));
        let text = std::fs::read_to_string(&path).unwrap().replace("risk: low", &format!("risk: {risk}"));
        std::fs::write(path, text).unwrap();
    }
    place
}

async fn counts(place: &Place) -> String {
    place.seen("select count from things order by id").await
}

fn json(came: &Came) -> Json {
    serde_json::from_str(&came.out).unwrap_or_else(|e| panic!("{e}\n{}\n{}", came.out, came.err))
}

async fn newest(place: &Place) -> String {
    json(&trueup(place, "runs --json").await)["runs"][0]["short"].as_str().unwrap().to_owned()
}

fn files(on: &On) {
    block_on(async {
        let place = office(on).await;
        let before = counts(&place).await;
        trueup(&place, "plan two --out a.plan --actor anna --reason 'Zendesk 1'").await.is(
            0,
            &[
                "2 approvals: high risk",
                "1 approval by leads (ben, cleo): it changes 2 rows, more than 1, and it changes shop.things",
                "trueup approve a.plan",
            ],
        );
        let apply = "apply a.plan --yes --actor anna";
        trueup(&place, apply).await.is(
            4,
            &[
                "needs 2 approvals: high risk (none so far)",
                "ask ben or cleo, and one more person to run `trueup approve a.plan",
            ],
        );
        trueup(&place, "approve a.plan --yes --actor anna --reason fine")
            .await
            .is(2, &["anna asked for this plan; somebody else has to agree"]);
        trueup(&place, "approve a.plan --yes --actor zoe").await.is(2, &["needs a reason"]);
        trueup(&place, "approve a.plan --actor zoe --reason fine").await.is(2, &["nobody is there to confirm"]);
        trueup(&place, "approve a.plan --yes --actor zoe --reason fine")
            .await
            .is(0, &["Still needed:", "ask ben or cleo", "(1 so far: zoe)"]);
        trueup(&place, "approve a.plan --yes --actor ' Zoe' --reason again")
            .await
            .is(2, &["zoe has agreed to this plan already", "ask ben or cleo"]);
        trueup(&place, apply).await.is(4, &["(1 so far: zoe)", "ask ben or cleo to run"]);
        let show = async |file: &str| trueup(&place, &format!("plan show {file}")).await;
        show("a.plan").await.is(0, &["other people must agree:", "(1 so far: zoe)", "trueup approve a.plan"]);
        let agreed = json(&trueup(&place, "approve a.plan --yes --actor ben --reason 'I know it' --json").await);
        assert_eq!((agreed["enough"].as_bool(), agreed["command"].as_str()), (Some(true), Some("trueup apply a.plan")));
        assert_eq!(counts(&place).await, before, "nothing may change before");
        let enough = show("a.plan").await.is(0, &["Enough people have agreed: zoe, ben", "trueup apply a.plan"]);
        assert!(!enough.said().contains("must agree") && !enough.said().contains("approve"), "{}", enough.out);

        // A plan made anew has a new identity: what people said of the old one says nothing of it.
        trueup(&place, "plan two --out b.plan --actor anna --reason 'Zendesk 1'").await.is(0, &[]);
        trueup(&place, "plan diff a.plan b.plan").await.is(0, &["nothing differs"]);
        trueup(&place, "apply b.plan --yes --actor anna").await.is(4, &["none so far"]);

        trueup(&place, apply).await.is(0, &["Done: changed"]);
        assert_eq!(counts(&place).await, before.replace("1; 2", "7; 7"));
        let run = newest(&place).await;
        let used = show("a.plan").await.is(0, &["can no longer be carried out: this plan was used already", &run]);
        assert!(!used.said().contains("trueup a"), "{}", used.out);
        let used = json(&trueup(&place, "plan show a.plan --json").await);
        assert_eq!(used["saved"]["agreed"], serde_json::json!(["zoe", "ben"]), "{used}");
        assert!(used["saved"]["void"].as_str().unwrap().contains(&run), "{used}");
        show("b.plan").await.is(0, &["other people must agree:", "trueup approve b.plan"]);
        let shown = json(&trueup(&place, &format!("show {run} --json")).await);
        let names: Vec<&str> =
            shown["approvals"].as_array().unwrap().iter().map(|a| a["actor"].as_str().unwrap()).collect();
        assert_eq!(names, ["zoe", "ben"]);
        assert!(shown["approvals"].as_array().unwrap().iter().all(|a| a["digest"] == shown["plan_digest"]));
        trueup(&place, &format!("show {run}")).await.is(0, &["agreed zoe", "agreed ben", "I know it"]);
        trueup(&place, "approve a.plan --yes --actor cleo --reason late").await.is(2, &["used already"]);

        // The playbook is another one now: nobody can agree to what is no longer there.
        let path = place.path().join("two.yaml");
        std::fs::write(&path, std::fs::read_to_string(&path).unwrap().replace("count: 7", "count: 8")).unwrap();
        trueup(&place, "approve b.plan --yes --actor ben --reason fine")
            .await
            .is(2, &["the playbook is not the one of the plan"]);
        place.clear().await;
    });
}

#[test]
fn a_saved_plan_waits_until_enough_people_agreed_on_sqlite() {
    files(&On::Sqlite);
}

#[test]
fn a_saved_plan_waits_until_enough_people_agreed_on_postgres() {
    files(&On::Postgres(postgres()));
}

/// Killed while it agrees, somebody has agreed once or not at all, and whoever says it again is told which.
#[test]
fn an_approval_that_is_killed_anywhere_counts_once_or_not_at_all() {
    block_on(async {
        let approve = "approve a.plan --yes --actor ben --reason fine";
        let (mut killed, mut stood, mut lost) = (0, 0, 0);
        for at in 1.. {
            let place = office(&On::Sqlite).await;
            trueup(&place, "plan one --out a.plan --actor anna --reason 'Zendesk 1'").await.is(0, &["1 approval"]);
            let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_trueup"));
            command.args(words(approve)).current_dir(place.path()).env_clear().envs(place.variables());
            let done = command.env("TRUEUP_CRASH_AT", at.to_string()).output().await.unwrap();
            let dead = done.status.code().is_none();
            let again = trueup(&place, approve).await;
            match (again.exit, again.said().contains("ben has agreed to this plan already")) {
                (0, false) => lost += 1,
                (2, true) => stood += 1,
                _ => panic!("at {at}: {}\n{}", again.out, again.err),
            }
            trueup(&place, "audit verify").await.is(0, &[]);
            trueup(&place, "apply a.plan --yes --actor anna").await.is(0, &["Done: changed"]);
            let run = newest(&place).await;
            let shown = json(&trueup(&place, &format!("show {run} --json")).await);
            let names: Vec<&str> =
                shown["approvals"].as_array().unwrap().iter().map(|a| a["actor"].as_str().unwrap()).collect();
            assert_eq!(names, ["ben"], "at {at}");
            place.clear().await;
            if !dead {
                break;
            }
            killed += 1;
        }
        assert!(killed >= 2 && lost >= 1 && stood >= 1, "{killed} killed, {lost} lost, {stood} stood");
    });
}

#[test]
fn a_run_of_a_playbook_waits_for_approval_and_goes_on_with_resume() {
    block_on(async {
        let place = office(&On::Sqlite).await;
        let before = counts(&place).await;
        let came = trueup(&place, "apply two --yes --actor anna --reason 'Zendesk 1'").await;
        came.is(
            4,
            &[
                "Before it is carried out, other people must agree",
                "Waits for approval; nothing was changed.",
                "trueup approve",
            ],
        );
        let run = newest(&place).await;
        trueup(&place, "inbox")
            .await
            .is(0, &["ben or cleo, and one more person", &format!("trueup approve {run} --reason")]);
        trueup(&place, &format!("answer {run} approval --set x=1 --actor ben"))
            .await
            .is(2, &["which is no answer", "trueup approve"]);
        trueup(&place, &format!("resume {run} --actor anna"))
            .await
            .is(2, &["waits for approval", "ask ben or cleo, and one more person to run"]);
        trueup(&place, &format!("approve {run} --yes --actor anna --reason fine"))
            .await
            .is(2, &["anna asked for this plan"]);
        trueup(&place, &format!("approve {run} --yes --actor ben --reason fine"))
            .await
            .is(0, &["count", "1 → 7", "Still needed", "somebody other than anna and ben"]);
        trueup(&place, "inbox").await.is(0, &["somebody other than anna and ben", "1 so far: ben"]);
        assert_eq!(counts(&place).await, before);
        trueup(&place, &format!("approve {run} --yes --actor zoe --reason fine"))
            .await
            .is(0, &["Enough people have agreed", &format!("trueup resume {run}")]);
        trueup(&place, "inbox").await.is(0, &["No question waits"]);
        trueup(&place, &format!("approve {run} --yes --actor cleo --reason fine"))
            .await
            .is(2, &["waits for no approval"]);
        trueup(&place, &format!("resume {run} --actor anna")).await.is(0, &["Done: changed"]);
        assert_eq!(counts(&place).await, before.replace("1; 2", "7; 7"));
        trueup(&place, &format!("show {run}")).await.is(0, &["agreed ben", "agreed zoe"]);
        place.clear().await;
    });
}

async fn by_hand(place: &Place) {
    use sqlx::Connection;
    let Where::File(path) = &place.place else { panic!("only a file is changed so") };
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
    let mut connection = sqlx::SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::query("update things set count = 6 where id = 1").execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

#[test]
fn what_somebody_did_while_the_approval_waited_is_not_overwritten() {
    block_on(async {
        let place = office(&On::Sqlite).await;
        trueup(&place, "apply one --yes --actor anna --reason 'Zendesk 1'").await.is(4, &["1 approval: medium risk"]);
        let run = newest(&place).await;
        trueup(&place, &format!("approve {run} --yes --actor zoe --reason fine")).await.is(0, &["Enough"]);
        by_hand(&place).await;
        trueup(&place, &format!("resume {run} --actor anna"))
            .await
            .is(5, &["shop.things id 1", "planned", "5", "found", "6"]);
        assert!(counts(&place).await.starts_with("6;"));
        place.clear().await;
    });
}

#[test]
fn an_undo_is_a_change_like_any_other_and_needs_the_same_people() {
    block_on(async {
        let place = office(&On::Sqlite).await;
        let before = counts(&place).await;
        trueup(&place, "apply one --yes --actor anna --reason 'Zendesk 1'").await.is(4, &[]);
        let run = newest(&place).await;
        trueup(&place, &format!("approve {run} --yes --actor zoe --reason fine")).await.is(0, &[]);
        trueup(&place, &format!("resume {run} --actor anna")).await.is(0, &["Done: changed"]);
        // The undo of one record can be saved as well; the run has then to be taken back by it alone.
        trueup(&place, &format!("undo {run} --plan --out u.plan --actor anna --reason 'wrong one'"))
            .await
            .is(0, &["1 approval: medium risk", "undo of run"]);
        trueup(&place, "approve u.plan --yes --actor ben --reason fine").await.is(0, &["Enough"]);
        trueup(&place, &format!("undo {run} --yes --actor anna --reason 'wrong one'"))
            .await
            .is(4, &["1 approval: medium risk", "Waits for approval"]);
        let undo = newest(&place).await;
        assert_ne!(undo, run);
        trueup(&place, &format!("approve {undo} --yes --actor anna --reason fine"))
            .await
            .is(2, &["anna asked for this"]);
        trueup(&place, &format!("approve {undo} --yes --actor ben --reason fine"))
            .await
            .is(0, &[&format!("Take back run {run}"), "Enough"]);
        trueup(&place, "apply u.plan --yes --actor anna").await.is(2, &["takes run", "and is not over"]);
        trueup(&place, &format!("resume {undo} --actor anna")).await.is(0, &["Done: taken back"]);
        assert_eq!(counts(&place).await, before);
        trueup(&place, "apply u.plan --yes --actor anna").await.is(2, &["was taken back already"]);
        // What was taken back is made again, from a saved plan.
        trueup(&place, &format!("undo {undo} --plan --out w.plan --actor anna")).await.is(0, &[]);
        trueup(&place, "apply w.plan --yes --actor anna").await.is(4, &["needs 1 approval"]);
        trueup(&place, "approve w.plan --yes --actor ben --reason fine").await.is(0, &["Enough"]);
        trueup(&place, "apply w.plan --yes --actor anna").await.is(0, &["Done: "]);
        assert!(counts(&place).await.starts_with("7;"));
        place.clear().await;
    });
}

#[test]
fn an_undo_of_all_or_nothing_that_waited_for_approval_is_not_begun_where_somebody_changed_a_row_meanwhile() {
    block_on(async {
        let place = office(&On::Sqlite).await;
        let before = counts(&place).await;
        trueup(&place, "apply one --yes --actor anna --reason 'Zendesk 1'").await.is(4, &[]);
        let run = newest(&place).await;
        trueup(&place, &format!("approve {run} --yes --actor zoe --reason fine")).await.is(0, &[]);
        trueup(&place, &format!("resume {run} --actor anna")).await.is(0, &["Done: changed"]);
        trueup(&place, &format!("undo {run} --yes --all-or-nothing --actor anna")).await.is(4, &["Waits for approval"]);
        let undo = newest(&place).await;
        trueup(&place, &format!("approve {undo} --yes --actor ben --reason fine")).await.is(0, &["Enough"]);
        place.admin("update things set count = 99 where id = 1").await;
        let says = format!("a row is not as run {run} left it, so nothing is taken back");
        let resume = format!("resume {undo} --actor anna");
        trueup(&place, &resume).await.is(5, &[&says, &format!("trueup cancel {undo}")]);
        place.admin("update things set count = 7 where id = 1").await;
        trueup(&place, &resume).await.is(0, &["Done: taken back"]);
        assert_eq!(counts(&place).await, before);
        place.clear().await;
    });
}

#[test]
fn the_undo_of_many_items_is_saved_agreed_to_and_carried_out_once() {
    block_on(async {
        let place = office(&On::Sqlite).await;
        let text = std::fs::read_to_string(place.path().join("two.yaml")).unwrap();
        let (head, _) = text.split_once("steps:").unwrap();
        let text = format!(
            "{}targets:\n  from: {{ find: {{ table: shop.things, where: {{ name: desk }} }} }}\nsteps:\n- row: {{ table: shop.things, key: {{ id: \"{{{{ item.id }}}}\" }}, set: {{ count: 7 }} }}\n",
            head.replace("name: two", "name: desks")
        );
        std::fs::write(place.path().join("desks.yaml"), text).unwrap();
        let before = counts(&place).await;
        trueup(&place, "plan desks --out a.plan --actor anna --reason 'Zendesk 1'")
            .await
            .is(0, &["2 approvals: high risk"]);
        for name in ["zoe", "ben"] {
            trueup(&place, &format!("approve a.plan --yes --actor {name} --reason fine")).await.is(0, &[]);
        }
        trueup(&place, "apply a.plan --yes --actor anna").await.is(0, &["changed"]);
        let (run, after) = (newest(&place).await, counts(&place).await);
        assert_ne!(after, before);

        // On the spot it is refused, with the way that leads on.
        trueup(&place, &format!("undo {run} --yes --actor anna")).await.is(
            2,
            &[
                "people have to agree to this first",
                &format!("trueup undo {run} --plan --out FILE"),
                "trueup approve FILE --reason",
            ],
        );
        trueup(&place, &format!("undo {run} --out b.plan --actor anna")).await.is(2, &["--plan"]);
        trueup(&place, &format!("undo {run} --plan --out b.plan --actor anna")).await.is(
            0,
            &[
                &format!("Take back run {run}"),
                "2 approvals: high risk",
                "trueup approve b.plan",
                "trueup apply b.plan",
            ],
        );
        trueup(&place, "plan show b.plan").await.is(0, &[&format!("Take back run {run}")]);
        trueup(&place, "apply b.plan --yes --actor anna").await.is(4, &["needs 2 approvals: high risk (none so far)"]);
        trueup(&place, "approve b.plan --yes --actor anna --reason fine").await.is(2, &["anna asked for this plan"]);
        trueup(&place, "approve b.plan --yes --actor zoe --reason fine").await.is(0, &["Still needed"]);
        trueup(&place, "approve b.plan --yes --actor ben --reason fine").await.is(0, &["Enough"]);
        assert_eq!(counts(&place).await, after, "nothing may change before");
        // The playbook of today does not matter: the plan takes back what the run did.
        std::fs::write(place.path().join("desks.yaml"), "nonsense").unwrap();
        trueup(&place, "apply b.plan --yes --actor anna").await.is(0, &["taken back"]);
        assert_eq!(counts(&place).await, before);
        trueup(&place, "apply b.plan --yes --actor anna").await.is(2, &["this plan was used already"]);
        let undo = json(&trueup(&place, &format!("show {} --json", newest(&place).await)).await);
        let names: Vec<&str> =
            undo["approvals"].as_array().unwrap().iter().map(|a| a["actor"].as_str().unwrap()).collect();
        assert_eq!((names, undo["about"].as_str().is_some()), (vec!["zoe", "ben"], true));
        place.clear().await;
    });
}

#[test]
fn a_playbook_that_only_tells_is_a_run_and_one_that_finds_all_as_wanted_tells_nobody() {
    block_on(async {
        let place = office(&On::Sqlite).await;
        let thing = "preconditions:\n  - id: thing\n    find: { table: shop.things, where: { id: 1 }, expect: one }\n";
        let tell = "  - tell: { who: boss, message: \"There are {{ thing.count }}.\" }\n";
        place.playbook("says", "  shop: { read: [things] }", &format!("{thing}steps:\n{tell}"));
        let uses = "  shop: { read: [things], write: [things, audits] }";
        let row = "steps:\n  - row: { of: thing, set: { count: 5 } }\n";
        place.playbook("sets", uses, &format!("{thing}{row}afterwards:\n{tell}"));
        trueup(&place, "apply says --yes --actor anna --reason monday").await.is(0, &["There are 5."]);
        let runs = json(&trueup(&place, "runs --json").await);
        assert_eq!(runs["runs"].as_array().unwrap().len(), 1, "{runs}");
        // The second one has nothing to change, and so nothing to tell.
        trueup(&place, "apply sets --yes --actor anna --reason monday").await.is(0, &[]);
        let runs = json(&trueup(&place, "runs --json").await);
        assert_eq!(runs["runs"].as_array().unwrap().len(), 1, "{runs}");
        place.clear().await;
    });
}

#[test]
fn a_playbook_that_is_called_like_a_command_is_reached_by_its_path() {
    block_on(async {
        let place = office(&On::Sqlite).await;
        std::fs::copy(place.path().join("one.yaml"), place.path().join("show.yaml")).unwrap();
        let text = std::fs::read_to_string(place.path().join("show.yaml")).unwrap().replace("name: one", "name: show");
        std::fs::write(place.path().join("show.yaml"), text).unwrap();
        trueup(&place, "plan ./show.yaml --actor anna").await.is(0, &["show v1 in test"]);
        trueup(&place, "plan show nothing.plan").await.is(2, &["`nothing.plan` cannot be read: there is no such file"]);
        trueup(&place, "plan show one.yaml").await.is(2, &["`one.yaml` is not a saved plan", "--out FILE"]);
        trueup(&place, "plan one --out one.yaml")
            .await
            .is(2, &["`one.yaml` is there already", "only saved plans are written over"]);
        trueup(&place, "plan one --out a.plan --expires soon").await.is(2, &["`soon` is not a length of time"]);
        let made = trueup(&place, "plan one --out a.plan --actor anna --expires 3d").await.is(0, &["valid until"]);
        let shown = trueup(&place, "plan show a.plan").await.is(0, &[]);
        assert_eq!(shown.out, made.out, "a plan is shown as it was made");
        let mode = std::os::unix::fs::PermissionsExt::mode(
            &std::fs::metadata(place.path().join("a.plan")).unwrap().permissions(),
        );
        assert_eq!(mode & 0o777, 0o600);
        place.clear().await;
    });
}

/// An item that was to end early was never shown any further. Doing it again shows nothing of it either: what it would write is in no preview, and may rest
/// on what was read long ago.
#[test]
fn what_was_to_end_early_is_not_carried_out_by_doing_it_again() {
    let body = "preconditions:
- id: thing
  find: { table: shop.things, where: { id: ID }, expect: one }
  otherwise: { stop: gone }
steps:
- row: { of: thing, set: { count: \"{{ thing.count + 1 }}\" } }
";
    block_on(async {
        {
            let (targets, id) = ("targets: { from: { list: [1, 9] } }\n", "\"{{ item }}\"");
            let place = Place::make(&On::Postgres(postgres())).await;
            let uses = "  shop: { read: [things], write: [things, audits] }";
            place.playbook("early", uses, &format!("{targets}{}", body.replace("ID", id)));
            trueup(&place, "plan early --reason test --out early.plan").await;
            place.admin("insert into things (id, name, count) values (9, 'late', 7);").await;
            trueup(&place, "apply early.plan --yes").await.is(5, &["planned to end before it (gone), found reached"]);
            place.admin("update things set count = 1007 where id = 9;").await;
            let runs = serde_json::from_str::<Json>(&trueup(&place, "runs --json").await.out).unwrap();
            let retry = format!("retry {} --reason again", runs["runs"][0]["short"].as_str().unwrap());
            trueup(&place, &retry).await.is(2, &["be done again", "plan"]);
            assert_eq!(place.seen("select count as n from things where id = 9").await, "1007");
            place.clear().await;
        }
    });
}

/// Who carries it out when people have agreed would not have the secret.
#[test]
fn nobody_is_asked_about_a_run_whose_secret_is_gone_by_then() {
    block_on(async {
        let place = office(&On::Sqlite).await;
        let body = "params: { word: { type: string, secret: true } }
steps:
- row: { table: shop.things, key: { id: 1 }, set: { name: \"{{ params.word }}\" } }
";
        place.playbook("hush", "  shop: { read: [things], write: [things, audits] }", body);
        let path = place.path().join("hush.yaml");
        let text = std::fs::read_to_string(&path).unwrap().replace("risk: low", "risk: medium");
        std::fs::write(path, text).unwrap();
        trueup(&place, "apply hush word=correct-horse-battery --yes --actor anna --reason test")
            .await
            .is(2, &["people have to agree to it first", "`word`", "secrets are kept nowhere"]);
        assert!(trueup(&place, "runs").await.is(0, &["No run is recorded"]).err.is_empty());
        place.clear().await;
    });
}

/// A key that is personal where it comes from stays so where it goes to, whatever the project file says of that column.
#[test]
fn a_key_that_is_hidden_where_it_comes_from_is_hidden_in_the_row_that_has_it() {
    let body = "params: { number: { type: int, personal: true, description: A number, example: 7 } }
steps:
- row: { table: shop.owners, key: { id: \"{{ params.number }}\" }, set: { name: new }, create: {} }
";
    block_on(async {
        let place = Place::make(&On::Postgres(postgres())).await;
        place.playbook("hide", "  shop: { read: [owners], write: [owners, audits] }", body);
        let mut told = String::new();
        let mut says = async |line: &str| {
            let came = trueup(&place, line).await;
            told.push_str(&format!("=== {line}\n{}{}", came.out, came.err));
            assert_eq!(came.exit, 0, "{told}");
            came.out
        };
        says("plan hide number=48151623 --reason test").await;
        says("plan hide number=48151623 --reason test --json").await;
        says("apply hide number=48151623 --reason test --yes").await;
        let runs = serde_json::from_str::<Json>(&says("runs --json").await).unwrap();
        let run = runs["runs"][0]["short"].as_str().unwrap().to_owned();
        for line in [format!("show {run}"), format!("show {run} --json"), format!("undo {run} --plan")] {
            says(&line).await;
        }
        assert_eq!(place.seen("select count(*) as n from owners where id = 48151623").await, "1");
        for file in std::fs::read_dir(place.path().join("journal")).unwrap() {
            told.push_str(&String::from_utf8_lossy(&std::fs::read(file.unwrap().path()).unwrap()));
        }
        assert!(told.contains("(personal)") && told.contains("step.images"), "{told}");
        let lines: Vec<&str> =
            told.lines().filter(|line| line.contains("48151623") && !line.contains("number=48151623")).collect();
        assert!(lines.is_empty(), "{lines:?}");
        place.clear().await;
    });
}
