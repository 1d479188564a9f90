//! The sandbox's site, played in this process, and what operators and drivers meet there: where learners stand, two drivers at one queue, a
//! service that hangs.

use crate::servers::{block_on, request, root, said, surroundings};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use trueup::{
    engine::fleet::abreast,
    mock::Logged,
    ops::{
        self, Surroundings,
        plan::Request,
        sandbox::{
            self, EDX,
            serve::{Playing, serve},
        },
    },
    report::lifecycle::Status,
    trial::bench::On,
};

/// A site of its own.
pub struct Site {
    home: tempfile::TempDir,
    pub folder: PathBuf,
    pub here: Surroundings,
    pub playing: Playing,
    seen: UnboundedReceiver<Logged>,
}

impl Site {
    pub async fn open() -> Site {
        let home = tempfile::tempdir().unwrap();
        let here = surroundings(home.path(), &[]);
        let built = sandbox::build(&here, &EDX, Path::new("site"), "a test").await;
        let folder = built.unwrap_or_else(|f| panic!("{}", said(&f)));
        let ((see, seen), (work, _)) = (unbounded_channel(), unbounded_channel());
        let playing = serve(&here, &folder, &see, &work).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        Site { home, folder, here, playing, seen }
    }

    pub fn sql(&self, sql: &str) -> String {
        let mut command = Command::new("sqlite3");
        command.args(["-cmd", ".timeout 5000"]).arg(self.folder.join(".trueup/lms.db")).arg(sql);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// The state of each learner whose name begins so.
    fn states(&self, begins: &str) -> BTreeMap<String, String> {
        let of = "select original_username, state_name from user_api_userretirementstatus s join user_api_retirementstate r on r.id = s.current_state_id";
        let lines = self.sql(&format!("{of} where original_username like '{begins}%'"));
        lines.lines().filter_map(|line| line.split_once('|').map(|(name, state)| (name.into(), state.into()))).collect()
    }

    /// What was asked since.
    pub fn asked(&mut self) -> Vec<Logged> {
        let mut all = Vec::new();
        while let Ok(one) = self.seen.try_recv() {
            all.push(one);
        }
        all
    }

    async fn status(&self, playbook: &str) -> Status {
        let opened = ops::project::open(&self.here, Some(&self.folder)).unwrap_or_else(|f| panic!("{}", said(&f)));
        let status = ops::lifecycle::status::status(&self.here, &opened, playbook, None).await;
        status.unwrap_or_else(|f| panic!("{}", said(&f)))
    }

    /// Another machine's folder for the same site: the same database and LMS, a journal of its own.
    fn second_home(&self) -> PathBuf {
        let other = self.home.path().join("other");
        for file in [
            "trueup.yaml",
            "lms.mock.yaml",
            "store.mock.yaml",
            "playbooks/edx/retire.yaml",
            "playbooks/edx/retire-in-database.yaml",
        ] {
            let to = other.join(file);
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::copy(self.folder.join(file), to).unwrap();
        }
        fs::create_dir_all(other.join(".trueup")).unwrap();
        for file in ["lms.db", "served.json"] {
            std::os::unix::fs::symlink(self.folder.join(".trueup").join(file), other.join(".trueup").join(file))
                .unwrap();
        }
        other
    }
}

/// A command as a process, on a thread of its own.
async fn trueup(folder: &Path, words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trueup"));
    command.args(words).current_dir(folder).env("TRUEUP_ACTOR", "anna").env("COLUMNS", "100");
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn where_learners_failed_and_what_they_passed_over_is_told_of_both_ways_to_retire_them() {
    block_on(async {
        let site = Site::open().await;
        // Hazard (4.4): two stages were added before the state of one learner, whose log knows of the forum alone.
        site.sql("update user_api_userretirementstatus set current_state_id = 7 where original_username = 'dina.ek'");
        let (by_api, in_database) = (site.status("edx/retire").await, site.status("edx/retire-in-database").await);
        for status in [&by_api, &in_database] {
            assert_eq!(status.passed_over, [("enrollments".into(), 1), ("notes".into(), 1)], "{}", status.playbook);
            let groups: Vec<(&str, u64)> = status.errors.iter().map(|group| (&*group.left, group.records)).collect();
            for left in ["RETIRING_NOTES", "RETIRING_FORUMS"] {
                assert!(groups.iter().any(|(state, _)| *state == left), "{}: {groups:?}", status.playbook);
            }
        }
        let planned = text(&trueup(&site.folder, &["plan", "edx/retire", "--json"]).await);
        assert!(planned.contains("its log does not know of `enrollments` `notes`"), "{planned}");
        site.playing.end().await;
    });
}

/// What a run may do at the same time is said by its steps: a call of the LMS is waited for side by side, even where each learner is also moved in the SQLite
/// file. Only what changes nothing but the file goes one by one, and `uses` alone says nothing: in `edx/retire` the file is written by operations.
#[test]
fn learners_wait_for_the_lms_side_by_side_also_over_a_sqlite_file() {
    block_on(async {
        let site = Site::open().await;
        let opened = ops::project::open(&site.here, Some(&site.folder)).unwrap_or_else(|f| panic!("{}", said(&f)));
        for (playbook, params, at_once) in
            [("edx/retire", vec![], 4), ("edx/retire-in-database", vec![], 4), ("edx/recover-errored", vec![], 1)]
        {
            let loaded = ops::playbook::load(&site.here, &opened, playbook).unwrap_or_else(|f| panic!("{}", said(&f)));
            let asked = Request { environment: None, ..request(&params) };
            let prepared = ops::plan::setting(&site.here, &opened, loaded, &asked).await;
            let setting = prepared.unwrap_or_else(|f| panic!("{}", said(&f))).setting;
            assert_eq!((playbook, abreast::at_once(&setting)), (playbook, at_once));
            assert_eq!((playbook, abreast::tried_at_once(&setting)), (playbook, at_once));
        }
        site.playing.end().await;
    });
}

/// A parameter of an operation may stand in a variable, as one of `plan` does; what may be given is the same.
#[test]
fn parameters_of_an_operation_may_stand_in_variables() {
    block_on(async {
        let site = Site::open().await;
        for (given, said) in [
            ("cool_off_days=PATH", "no stage's `when` rests on `params.cool_off_days`"),
            ("cool_off=PATH", "`edx/retire` has no parameter `cool_off`"),
        ] {
            let words = ["lifecycle", "rewind", "edx/retire", "--param-from-env", given, "--plan", "--reason", "why"];
            let refused = trueup(&site.folder, &words).await;
            assert_eq!(refused.status.code(), Some(2), "{}", text(&refused));
            assert!(text(&refused).contains(said), "{}", text(&refused));
        }
        let words =
            ["lifecycle", "cancel", "edx/retire", "--item", "1", "--param-from-env", "who=NONE", "--reason", "why"];
        let refused = trueup(&site.folder, &words).await;
        assert!(text(&refused).contains("`NONE`, from which `who` comes, is not set"), "{}", text(&refused));
        site.playing.end().await;
    });
}

/// So many learners wait for both drivers.
const LEARNERS: usize = 8;

/// Hazard (4.5): two drivers on one queue, each with a journal of its own, so that neither knows of the other. Both can find a learner waiting; the
/// slower one of the original puts the learner into ERRORED while the other is at work, and both fail.
fn two_drivers(playbook: &str) {
    block_on(async {
        let mut site = Site::open().await;
        site.sql(&format!(
            "begin; with recursive n(i) as (select 1 union all select i + 1 from n where i < {LEARNERS}) \
             insert into auth_user (id, username, email, password, first_name, last_name, is_active, is_staff, is_superuser, date_joined) \
             select 900 + i, 'both.' || i, 'both.' || i || '@retired.invalid', '!', 'Both', '', 1, 0, 0, '2023-01-15 09:00:00' from n; \
             insert into user_api_userretirementstatus (id, created, modified, original_username, original_email, original_name, retired_username, \
             retired_email, responses, current_state_id, last_state_id, user_id) select id, '2024-01-01 00:00:00', '2024-01-01 00:00:00', username, \
             username || '@learner.example', 'Both', 'retired__user_' || id, email, '', 1, 1, id from auth_user where id > 900; \
             update user_api_userretirementstatus set current_state_id = 13 where id >= 1000; commit"
        ));
        let other = site.second_home();
        let words = ["apply", playbook, "--yes", "--reason", "the night's retirements"];
        let (first, second) = tokio::join!(trueup(&site.folder, &words), trueup(&other, &words));
        // What one of them takes the other one leaves alone and goes on: neither of them pauses, and both end well.
        assert_eq!(
            (first.status.code(), second.status.code()),
            (Some(0), Some(0)),
            "{}\n{}",
            text(&first),
            text(&second)
        );
        let (first, second) = (text(&first), text(&second));
        let states = site.states("both.");
        assert_eq!(states.len(), LEARNERS);
        assert!(states.values().all(|state| state == "COMPLETE"), "{states:?}\n{first}\n{second}");
        // Each service did its work once for each of them.
        let mut calls: BTreeMap<(String, String), usize> = BTreeMap::new();
        for call in site.asked().iter().filter(|call| call.method == "POST" && call.path != "/oauth2/access_token") {
            let name = call.body.as_map().and_then(|body| body.get("username")).map(|name| name.bare().into_owned());
            *calls.entry((call.path.clone(), name.unwrap_or_default())).or_default() += 1;
        }
        assert_eq!(calls.len(), LEARNERS * 5, "{first}\n{second}");
        assert!(calls.values().all(|times| *times == 1), "{calls:?}");
        // They did meet: what one of them took, the other one left alone, or found ended when its turn came.
        let mut ended: BTreeMap<String, usize> = BTreeMap::new();
        for folder in [&site.folder, &other] {
            let runs = text(&trueup(folder, &["runs", "--json"]).await);
            let all: Vec<&str> = runs.split("\"short\"").skip(1).filter_map(|rest| rest.split('"').nth(1)).collect();
            assert!(!all.is_empty(), "{runs}");
            for run in all {
                let csv = text(&trueup(folder, &["show", run, "--items", "csv"]).await);
                for line in csv.lines().skip(1) {
                    *ended.entry(line.split(',').nth(1).unwrap_or(line).to_owned()).or_default() += 1;
                }
            }
        }
        assert_eq!(ended.get("changed"), Some(&LEARNERS), "{ended:?}\n{first}\n{second}");
        let others: Vec<&String> =
            ended.keys().filter(|end| !["changed", "skipped", "unchanged"].contains(&end.as_str())).collect();
        assert!(others.is_empty(), "{ended:?}\n{first}\n{second}");
        assert!(ended.values().sum::<usize>() > LEARNERS, "the two never met: {ended:?}\n{first}\n{second}");
        site.playing.end().await;
    });
}

#[test]
fn two_drivers_at_one_queue_share_the_learners_through_the_lms() {
    two_drivers("edx/retire");
}

#[test]
fn two_drivers_at_one_queue_share_the_learners_in_the_database() {
    two_drivers("edx/retire-in-database");
}

/// Hazard (4.3): the original has no time limit on its calls, and a server that hangs, hangs the driver. Here the deadline of a call ends it. The
/// playbook is the shipped one with a deadline of a fraction of a second in the place of five minutes.
#[test]
fn a_service_that_hangs_is_given_up_at_the_deadline_of_the_call() {
    block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let example = root().join("examples/edx");
        fs::create_dir_all(folder.path().join("playbooks/edx")).unwrap();
        for file in ["trueup.yaml", "lms.mock.yaml", "store.mock.yaml", "tables.sqlite.sql"] {
            fs::copy(example.join(file), folder.path().join(file)).unwrap();
        }
        let playbook = fs::read_to_string(example.join("playbooks/edx/retire.yaml")).unwrap();
        assert_eq!(playbook.matches("timeout: 5m").count(), 1);
        let playbook = playbook
            .replace("timeout: 5m", "timeout: 300ms")
            .replace("    accept: [204]\n  log:", "    accept: [204]\n    timeout: 300ms\n  log:");
        assert_eq!(playbook.matches("timeout: 300ms").count(), 2);
        fs::write(folder.path().join("playbooks/edx/retire.yaml"), playbook).unwrap();
        let tests = fs::read_to_string(example.join("playbooks/edx/retire.test.yaml")).unwrap();
        let (given, _) = tests.split_once("\ncases:").unwrap();
        let cases = "
cases:
  - name: a service hangs once
    given: { lms: { user_api_userretirementstatus: [{ id: 1, current_state_id: LMS_MISC_COMPLETE }] } }
    troubles: { lms_api: [{ post: /api/user/v1/accounts/retire/, times: 1, answer: { fault: hang } }] }
    expect: { outcome: changed, sent: { lms_api: { \"POST /api/user/v1/accounts/retire/\": 2 } } }
  - name: a state update hangs once, and the table says that it was not made
    given: { lms: { user_api_userretirementstatus: [{ id: 1, current_state_id: LMS_MISC_COMPLETE }] } }
    troubles: { lms_api: [{ patch: /api/user/v1/accounts/update_retirement_status/, times: 1, answer: { fault: hang } }] }
    expect: { outcome: changed, sent: { lms_api: { \"PATCH /api/user/v1/accounts/update_retirement_status/\": 4 } } }
  - name: a service hangs for good, and the learner is ERRORED
    given: { lms: { user_api_userretirementstatus: [{ id: 1, current_state_id: LMS_MISC_COMPLETE }] } }
    troubles: { lms_api: [{ post: /api/user/v1/accounts/retire/, answer: { fault: hang } }] }
    expect:
      outcome: failed
      changes: { lms.user_api_userretirementstatus: { \"1\": { current_state_id: [LMS_MISC_COMPLETE, ERRORED], last_state_id: any, modified: any, responses: any } } }
      sent: { lms_api: { \"POST /api/user/v1/accounts/retire/\": { at_least: 9 } } }
";
        let path = folder.path().join("playbooks/edx/retire.test.yaml");
        fs::write(&path, format!("{given}\n{cases}")).unwrap();
        let here = surroundings(folder.path(), &[]);
        let opened = ops::project::open(&here, Some(folder.path())).unwrap_or_else(|f| panic!("{}", said(&f)));
        let report = ops::test::run_file(&here, &opened, &path, &On::Sqlite, None).await;
        let report = report.unwrap_or_else(|f| panic!("{}", said(&f)));
        assert!(report.is_good() && report.passed() == 3, "{report}");
    });
}
