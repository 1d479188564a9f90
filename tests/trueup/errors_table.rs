//! Shared errors tables: what `diagnose` answers, and that a run carries the table that it uses.

use super::servers::{block_on, root, surroundings};
use std::path::Path;
use trueup::{
    base::{diagnostic::Diagnostics, source::Source},
    ops::{self, Failure, Surroundings, project::Opened},
    playbook::{diagnosis::Diagnosis, errors::Verdict},
    report::diagnose,
};

fn sandbox() -> (Surroundings, Opened) {
    let here = surroundings(&root(), &[]);
    let opened = ops::project::open(&here, Some(&root().join("examples/register/trueup.yaml"))).unwrap();
    (here, opened)
}

fn asked(error: &str) -> Diagnosis {
    let (here, opened) = sandbox();
    ops::diagnose::diagnose(&here, &opened, "register/dqt-errors", None, error).unwrap_or_else(|f| panic!("{f:?}"))
}

fn row(diagnosis: &Diagnosis) -> &str {
    let at = diagnosis.decides.unwrap_or_else(|| panic!("no row fits: {:?}", diagnosis.error));
    diagnosis.rows[at].row.name.as_ref().map_or("", |name| name.as_str())
}

/// Both forms of DQT's refusals, as Sidekiq shows them.
fn coded(status: u16, code: u32, title: &str) -> String {
    format!(
        "status: {status}, body: {{\"title\":\"{title}\",\"status\":{status},\"errorCode\":{code}}}, headers: {{\"date\"=>\"Mon\"}}"
    )
}
fn checked(path: &str, text: &str) -> String {
    format!(
        "status: 400, body: {{\"title\":\"One or more validation errors occurred.\",\"status\":400,\"errors\":{{\"{path}\":[\"{text}\"]}}}}, headers: {{}}"
    )
}

#[test]
fn the_whole_error_section_of_the_support_playbooks_is_answered_by_one_table() {
    let cases = [
        // 2025, "Error codes on DQT trainee jobs"
        ("status: 500, body: , headers: {}".to_owned(), "DQT has trouble"),
        (coded(404, 10001, "Teacher with specified TRN not found"), "teacher not found"),
        (coded(400, 10006, "Teacher has no QTS record"), "no QTS record"),
        (coded(400, 10005, "Teacher has no incomplete ITT record"), "no incomplete training at DQT"),
        (checked("qualification.providerUkprn", "Organisation not found"), "degree institution unknown"),
        ("\"qualification.providerUkprn\":[\"Organisation not found\"]".to_owned(), "degree institution unknown"),
        (
            checked("initialTeacherTraining.programmeType", "Teacher already has QTS/EYTS date"),
            "update lost the race with the award",
        ),
        (
            "{\"initialTeacherTraining.programmeType\":[\"Teacher already has QTS/EYTS date\"]}".to_owned(),
            "update lost the race with the award",
        ),
        ("Dqt::RetrieveTrnJob for Trainee id: 17 has timed out after 4 days".to_owned(), "polling for the TRN timed out"),
        ("Cannot update trainee on DQT without a trn (id: 142508)".to_owned(), "no TRN yet"),
        ("status: 405, body: , headers: {}".to_owned(), "the call itself is wrong"),
        // 2021, "Dttp::Client::HttpError 400" and "Unable to find DTTP school with URN"
        (
            "status: 400, body: {\"error\":{\"code\":\"0x80040217\",\"message\":\"Cannot find record to be updated\"}}, headers: {}".to_owned(),
            "deleted at DTTP",
        ),
        ("Unable to find DTTP school with URN 123456".to_owned(), "school unknown at DTTP"),
        // the rest of DQT's list
        (coded(409, 10002, "Multiple teachers found"), "several teachers match"),
        (coded(400, 10003, "Teacher already has QTS/EYTS date"), "already has QTS or EYTS"),
        (coded(400, 10004, "Teacher has multiple incomplete ITT records"), "records at DQT are ambiguous"),
        (coded(400, 10008, "Organisation not found"), "a name that DQT does not know"),
        (coded(400, 10011, "ProgrammeType cannot be changed"), "programme or result cannot be changed"),
        (coded(400, 10014, "Teacher has active sanctions"), "active sanctions"),
        (coded(400, 10018, "Husid registered"), "HESA id belongs to another teacher"),
        (checked("initialTeacherTraining.providerUkprn", "Organisation not found"), "training provider unknown"),
        (checked("initialTeacherTraining.outcome", "Unable to change Failed Result"), "result refused"),
        (checked("initialTeacherTraining.programmeType", "ProgrammeType cannot be changed"), "programme type refused"),
        (checked("initialTeacherTraining.subject1", "Subject not found"), "subject unknown"),
        (checked("qualification.countryCode", "Country not found"), "country unknown"),
        (checked("husId.husId", "Husid registered for an existing teacher"), "HESA id taken"),
        (checked("emailAddress", "is no address"), "something else in the request is refused"),
        ("HTTP/1.1 429 Too Many Requests\r\nRetry-After: 7\r\n\r\n{\"title\":\"API calls quota exceeded\",\"status\":429}".to_owned(), "too many calls"),
        ("status: 401, body: , headers: {}".to_owned(), "our key is refused"),
        ("{\"status\": 404, \"title\": \"Not Found\"}".to_owned(), "nothing there"),
    ];
    let mut reached: Vec<String> = Vec::new();
    for (error, expected) in &cases {
        let found = asked(error);
        assert_eq!(row(&found), *expected, "{error}");
        let page = diagnose::terminal(&found, 100);
        assert!(page.contains("What to do") && page.contains("dqt-errors.errors.yaml:"), "{page}");
        reached.push((*expected).to_owned());
    }
    // Only a call of our own has no answer at all; every other row is shown to be of use.
    let rows = asked("status: 500, body: ").rows;
    let names: Vec<&str> = rows.iter().filter_map(|r| r.row.name.as_ref()).map(|name| name.as_str()).collect();
    let missed: Vec<&&str> = names.iter().filter(|name| !reached.iter().any(|r| r == **name)).collect();
    assert_eq!(missed, [&"DQT does not answer"]);
}

#[test]
fn an_error_that_no_row_knows_shows_the_rows_that_come_near_and_what_differs() {
    let found = asked(&coded(404, 10099, "Something new"));
    assert_eq!(row(&found), "nothing there", "a 404 without a known code");
    let found = asked(&coded(400, 10099, "Something new"));
    assert!(found.decides.is_none());
    let page = diagnose::terminal(&found, 100);
    assert!(page.contains("no row of `register/dqt-errors` fits") && page.contains("(here: 10099)"), "{page}");
    let json = diagnose::json(&found);
    assert!(json["decides"].is_null() && json["nearest"].as_array().unwrap().len() == 3, "{json:#}");
    let json = diagnose::json(&asked(&coded(404, 10001, "Teacher with specified TRN not found")));
    assert_eq!(json["decides"]["then"]["who"], "dqt-team");
    assert!(json["decides"]["file"].as_str().unwrap().ends_with("playbooks/register/dqt-errors.errors.yaml"));
    assert_eq!(json["error"]["code"], "10001");
}

#[test]
fn a_playbook_is_asked_by_step_and_says_what_the_text_does_not_tell() {
    let (here, opened) = sandbox();
    let ask = |step| ops::diagnose::diagnose(&here, &opened, "register/correct-award", step, &coded(404, 10001, "x"));
    assert_eq!(row(&ask(None).unwrap()), "DQT does not know this TRN with this date of birth");
    let Err(Failure::Usage { message, help }) = ask(Some("dtq")) else { panic!("no such step") };
    assert!(message.contains("has no step `dtq` that calls an API") && !help.is_empty(), "{message} {help:?}");
    let empty = ops::diagnose::diagnose(&here, &opened, "register/dqt-errors", None, "  ");
    assert!(matches!(empty, Err(Failure::Usage { .. })));
    let stepped = ops::diagnose::diagnose(&here, &opened, "register/dqt-errors", Some("x"), "status: 500, body: ");
    assert!(matches!(stepped, Err(Failure::Usage { .. })), "a shared table has no steps");
}

/// A project with a playbook that uses a table.
fn place(table: &str, playbook: &str) -> tempfile::TempDir {
    let place = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = place.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write(
        "trueup.yaml",
        "trueup: v1\nproject: p\npeople: { devs: { by: hand } }\nconnections:\n  api: { http: { base: https://api.example, error_code: body.code } }\n  other: { http: { base: https://other.example } }\n",
    );
    write("playbooks/t/common.errors.yaml", table);
    write("playbooks/p.yaml", playbook);
    place
}

const PLAYBOOK: &str = "trueup: v1\nname: p\nversion: 1\ntitle: P\nuses: { api: { methods: [GET] } }\nsteps:\n  - id: look\n    http: { api: api, get: /x }\nverification:\n  - assert: look.status == 200\n";

fn with(errors: &str) -> String {
    format!("{PLAYBOOK}{errors}")
}

const TABLE: &str = "trueup: v1\ntable: t/common\napi: api\nerrors:\n  - { name: gone, status: 410, then: { stop: \"{{ error.status }} for good\" } }\n  - { name: server, status: 5xx, then: { retry: { attempts: 2, backoff: 1s } } }\n";

fn loaded(place: &Path) -> Result<ops::playbook::Loaded, String> {
    let here = surroundings(place, &[]);
    let opened = ops::project::open(&here, Some(&place.join("trueup.yaml"))).unwrap();
    ops::playbook::load(&here, &opened, "p").map_err(|failure| match failure {
        Failure::Texts(problems) => {
            problems.iter().map(|p| trueup::report::diagnostics::terminal(p, 120)).collect::<Vec<_>>().join("\n")
        }
        other => format!("{other:?}"),
    })
}

/// Without colours.
fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

#[test]
fn a_playbook_carries_the_table_that_it_uses_in_its_own_text() {
    let own = "errors:\n  use: t/common\n  before: [{ name: mine, status: 500, step: look, then: stop }]\n  after: [{ otherwise: fail }]\n";
    let place = place(TABLE, &with(own));
    let loaded = loaded(place.path()).unwrap_or_else(|text| panic!("{text}"));
    let playbook = loaded.checked.playbook();
    let names: Vec<_> = playbook.errors.iter().map(|row| row.name.as_ref().map_or("-", |n| n.as_str())).collect();
    assert_eq!(names, ["mine", "gone", "server", "-"]);
    let source = loaded.checked.source();
    assert!(source.text().contains("--- # included by trueup: playbooks/t/common.errors.yaml\n"), "{}", source.text());
    let gone = &playbook.errors[1];
    assert_eq!(source.name_at(gone.at.start), "playbooks/t/common.errors.yaml");
    assert_eq!(source.place(gone.at.start).line, 5);
    assert!(matches!(gone.then.as_ref().unwrap().verdict, Verdict::Stop(Some(_))));
    // What a run keeps is enough to go on when the table's file is gone or says something else.
    std::fs::remove_file(place.path().join("playbooks/t/common.errors.yaml")).unwrap();
    let here = surroundings(place.path(), &[]);
    let opened = ops::project::open(&here, Some(&place.path().join("trueup.yaml"))).unwrap();
    let kept = Source::new("p.yaml", source.text());
    let again = ops::playbook::of_source(kept, &opened, None).unwrap_or_else(|f| panic!("{f:?}"));
    assert_eq!(again.checked.playbook().errors.len(), 4);
    assert!(plain(&self::loaded(place.path()).err().unwrap()).contains("there is no errors table `t/common`"));
}

#[test]
fn overlap_and_unreachable_rows_are_refused_across_table_and_playbook() {
    let said = |errors: &str| plain(&loaded(place(TABLE, &with(errors)).path()).err().unwrap_or_default());
    let text = said("errors: { use: t/common, after: [{ name: mine, status: 410, then: fail }] }\n");
    assert!(text.contains("this row is never reached") && text.contains("playbooks/t/common.errors.yaml:5:"), "{text}");
    let text = said("errors: { use: t/common, before: [{ name: mine, status: [410, 404], then: fail }] }\n");
    assert!(
        text.contains("this row is never reached") && text.contains("--> playbooks/t/common.errors.yaml:5:"),
        "{text}"
    );
    // A row of one's own that is narrower is no overlap; neither is one that asks for more of the body.
    assert_eq!(
        said("errors: { use: t/common, before: [{ name: mine, status: 410, step: look, code: 7, then: fail }] }\n"),
        ""
    );
    assert_eq!(
        said("errors: { use: t/common, before: [{ name: mine, status: 410, body: { a.b: c }, then: fail }] }\n"),
        ""
    );
    let text = said("errors: { use: [t/common, t/nothing] }\n");
    assert!(text.contains("there is no errors table `t/nothing`"), "{text}");
    let text = said("errors: { use: ../../etc/passwd }\n");
    assert!(text.contains("there is no errors table"), "{text}");
}

#[test]
fn a_table_for_itself_is_checked_as_strictly_as_a_playbook() {
    let check = |table: &str| {
        let place = place(table, PLAYBOOK);
        let here = surroundings(place.path(), &[]);
        let opened = ops::project::open(&here, Some(&place.path().join("trueup.yaml"))).unwrap();
        let found = block_on(ops::check::check(&here, &opened, &[], None)).unwrap();
        let text = |problems: &Diagnostics| trueup::report::diagnostics::terminal(problems, 120);
        plain(&found.problems.iter().map(text).collect::<Vec<_>>().join("\n"))
    };
    assert_eq!(check(TABLE), "");
    for (table, expected) in [
        (
            TABLE.replace("t/common", "t/other"),
            "the table calls itself `t/other`, but its file is `t/common.errors.yaml`",
        ),
        (TABLE.replace("api: api", "api: apo"), "the project has no API and no program `apo`"),
        (TABLE.replace("status: 410", "status: 410, step: look"), "a shared table knows no steps"),
        (TABLE.replace("error.status", "trainee.trn"), "a shared table does not know `trainee`"),
        (TABLE.replace("error.status", "error.stauts"), "a shared table does not know `stauts`"),
        (
            TABLE.replace("{ stop: \"{{ error.status }} for good\" }", "{ escalate: dev, say: x }"),
            "no `dev` under `people`",
        ),
        (TABLE.replace("attempts: 2", "attempts: 200"), "more than 100 attempts"),
        (TABLE.replace("5xx", "410"), "this row is never reached"),
        (TABLE.replace("status: 410", "stauts: 410"), "did you mean `status`?"),
        (format!("{TABLE}  - {{ name: more, body: {{ a..b: x }}, then: stop }}\n"), "`a..b` is not a path of a body"),
        (format!("{TABLE}  - {{ name: more, kind: connect, body: {{ a: x }}, then: stop }}\n"), "this cannot happen"),
        (format!("{TABLE}  - {{ name: more, status: 503, attempt: 2, then: stop }}\n"), "this row is never reached"),
    ] {
        let said = check(&table);
        assert!(said.contains(expected), "{expected}: {said}");
    }
}

#[test]
fn a_report_of_tests_names_the_rows_that_no_case_reached() {
    let here = surroundings(&root(), &[]);
    let run = |only: Option<&str>| {
        let report = block_on(async {
            let opened = ops::project::open(&here, Some(&root().join("tests/cases/world/trueup.yaml"))).unwrap();
            let path = root().join("tests/cases/http-answers/playbook.test.yaml");
            ops::test::run_file(&here, &opened, &path, &trueup::trial::bench::On::Sqlite, only).await.unwrap()
        });
        assert!(report.is_good(), "{report}");
        report
    };
    let report = run(None);
    let unreached: Vec<_> = report.unreached.iter().map(|row| (row.row.as_str(), row.line)).collect();
    // A shared table has tests of its own: its rows are asked for there.
    assert!(unreached.is_empty(), "{report}");
    assert!(
        run(Some("a row of the shared table")).unreached.is_empty(),
        "a part of the cases says nothing about the table"
    );
}

#[test]
fn the_tables_of_called_playbooks_are_asked_where_the_own_one_does_not_know() {
    let caller = "trueup: v1\nname: p\nversion: 1\ntitle: P\nuses: { api: { methods: [GET] }, other: { methods: [GET] } }\nsteps:\n  - id: inner\n    call: { playbook: q }\n  - id: look\n    choose: { match: { a: 1 }, rows: [{ name: one, is: { a: 1 }, do: go }], otherwise: { fail: \"no\" }, paths: { go: [{ id: deep, http: { api: api, get: /x } }] } }\nerrors:\n  - { name: gone, status: 410, then: { stop: \"gone\" } }\n";
    let place = place(TABLE, caller);
    let called = "trueup: v1\nname: q\nversion: 1\ntitle: Q\nuses: { other: { methods: [GET] } }\nsteps:\n  - id: hidden\n    http: { api: other, get: /y }\nerrors:\n  - { name: full, status: 422, then: { stop: \"full\" } }\n";
    std::fs::write(place.path().join("playbooks/q.yaml"), called).unwrap();
    let here = surroundings(place.path(), &[]);
    let opened = ops::project::open(&here, Some(&place.path().join("trueup.yaml"))).unwrap();
    let ask = |step, error: &str| ops::diagnose::diagnose(&here, &opened, "p", step, error);
    let name = |found: &trueup::playbook::diagnosis::Diagnosis| (found.asked.clone(), row(found).to_owned());
    let found = ask(None, "status: 410, body: {}, headers: {}").unwrap_or_else(|f| panic!("{f:?}"));
    assert_eq!(name(&found), ("p".into(), "gone".into()));
    let found = ask(None, "status: 422, body: {}, headers: {}").unwrap_or_else(|f| panic!("{f:?}"));
    assert_eq!(name(&found), ("q".into(), "full".into()));
    // By its step, also in an arm; and what nobody knows is told of the own table.
    assert_eq!(name(&ask(Some("hidden"), "status: 422, body: {}, headers: {}").unwrap()).0, "q");
    assert_eq!(name(&ask(Some("deep"), "status: 410, body: {}, headers: {}").unwrap()).0, "p");
    let nobody = ask(None, "status: 500, body: {}, headers: {}").unwrap();
    assert!(nobody.decides.is_none());
    assert_eq!(nobody.asked, "p");
    assert!(ask(Some("hiden"), "status: 422, body: {}, headers: {}").is_err());
}
