//! Texts of others, whatever they are: read without breaking, found by what they say and by nothing else.

use super::{
    client::Jobs,
    look::holds,
    row::{self, Job, Place},
    settings::SidekiqSettings,
};
use crate::{
    base::{
        diagnostic::Diagnostics,
        secret::Masks,
        shape::{FromNode, Lowering},
        source::Source,
        value::{Marks, Value},
        yaml,
    },
    connection::reference::Secrets,
    table::condition::{Condition, Test},
};
use proptest::prelude::*;
use std::path::Path;

fn settings(text: &str) -> SidekiqSettings {
    let source = Source::new("t", text);
    let mut problems = Diagnostics::new(source.clone());
    let node = yaml::parse(&source, yaml::LIMITS, &mut problems).unwrap();
    let read = SidekiqSettings::from_node(&node, &mut Lowering::new(&mut problems));
    assert!(problems.is_empty(), "{problems:?}");
    read.unwrap()
}

/// Which Redis the connection says that it is, where the variable leads to `url`.
fn identity(url: &str) -> String {
    let (masks, url) = (Masks::default(), url.to_owned());
    let secrets = Secrets { variable: &|_| Some(url.clone()), folder: Path::new("."), masks: &masks };
    Jobs::open("jobs", &settings("url: { secret: REDIS }"), secrets).unwrap().identity().unwrap().to_owned()
}

#[test]
fn a_redis_is_the_one_at_its_address_whatever_the_password() {
    let here = identity("redis://127.0.0.1:6379/0");
    assert!(here.starts_with("redis ") && !here.contains("127"), "{here}");
    assert_eq!(here, identity("redis://ben:hidden-word@127.0.0.1/0"), "the usual port, another password");
    for other in ["redis://127.0.0.1:6380/0", "redis://127.0.0.1:6379/1", "redis://127.0.0.2:6379/0"] {
        assert_ne!(here, identity(other), "{other}");
    }
    let masks = Masks::default();
    let secrets = Secrets { variable: &|_| None, folder: Path::new("."), masks: &masks };
    let plain = Jobs::open("jobs", &settings("url: \"redis://127.0.0.1:6379/0\""), secrets).unwrap();
    assert_eq!(plain.identity(), None, "the project file, which a run carries, says it");
}

fn usual() -> SidekiqSettings {
    settings("error_format: \"status: {status:int}, body: {body:json}, headers: {headers}\"")
}

fn read(text: &str) -> Job {
    row::read(Place::Dead, &"dead".into(), None, Some("1753264802.5"), text.as_bytes().to_vec(), &usual())
}

const REAL: &str = r#"{"retry":0,"queue":"dqt","class":"ActiveJob::QueueAdapters::SidekiqAdapter::JobWrapper","wrapped":"Dqt::UpdateTraineeJob","args":[{"job_class":"Dqt::UpdateTraineeJob","job_id":"j","arguments":[{"_aj_globalid":"gid://register/Trainee/122803"},{"_aj_globalid":"gid://register/Dqt::TrnRequest/7"}],"executions":2}],"jid":"00ff","created_at":1753264800.25,"error_message":"status: 404, body: {\"errorCode\":10001}, headers: {}","error_class":"Dqt::Client::HttpError","failed_at":1753264801,"retry_count":0}"#;

#[test]
fn a_job_of_active_job_has_all_its_columns() {
    let job = read(REAL);
    let text = |column: &str| job.row[column].bare().into_owned();
    let all = [
        "jid",
        "job",
        "queue",
        "subject_type",
        "subject_id",
        "error_class",
        "error_status",
        "died_at",
        "failed_at",
        "executions",
        "set",
    ];
    assert_eq!(
        all.map(text),
        [
            "00ff",
            "Dqt::UpdateTraineeJob",
            "dqt",
            "Trainee",
            "122803",
            "Dqt::Client::HttpError",
            "404",
            "2025-07-23T10:00:02.500000Z",
            "2025-07-23T10:00:01.000000Z",
            "2",
            "dead"
        ]
    );
    assert_eq!(job.row["error"].get("body").unwrap().get("errorCode").unwrap().as_int(), Some(10001));
    assert_eq!(job.row["records"].bare(), r#"["Trainee/122803","Dqt::TrnRequest/7"]"#);
    assert_eq!(job.title(), "Dqt::UpdateTraineeJob Trainee/122803");
}

#[test]
fn what_tells_about_a_person_is_marked_and_what_decisions_rest_on_is_not() {
    let job = read(REAL);
    let marked = |value: &Value| value.marks.has(Marks::PERSONAL);
    assert!(marked(&job.row["args"]) && marked(&job.row["payload"]));
    let error = &job.row["error"];
    assert!(
        marked(&error.get("text").unwrap())
            && marked(&error.get("body").unwrap())
            && marked(&error.get("headers").unwrap())
    );
    assert!(
        !marked(&error.get("status").unwrap()) && !marked(&job.row["error_status"]) && !marked(&job.row["subject_id"])
    );
    let open = row::read(Place::Dead, &"dead".into(), None, None, REAL.into(), &settings("personal: []"));
    assert!(!open.row.values().any(marked));
}

#[test]
fn a_record_is_found_exactly_and_not_by_its_digits() {
    let job = read(REAL);
    let is = |column: &str, value: Value| holds(&Condition::is(column, value), &job);
    assert!(
        is("subject_id", 122_803.into())
            && is("subject_id", "122803".into())
            && is("records", "Dqt::TrnRequest/7".into())
    );
    for (column, value) in [
        ("subject_id", "12280"),
        ("subject_id", "1228031"),
        ("records", "Trainee/1228"),
        ("records", "122803"),
        ("jid", "00"),
        ("nothing", "x"),
    ] {
        assert!(!is(column, value.into()), "{column} {value}");
    }
    let holds = |column: &str, test: Test| holds(&Condition { column: column.into(), test }, &job);
    assert!(
        holds("died_at", Test::After("2025-07-23T10:00:02Z".into()))
            && !holds("died_at", Test::Before("2025-07-23T10:00:02Z".into()))
    );
    assert!(
        holds("error_status", Test::AtLeast(404.into()))
            && holds("error_status", Test::OneOf(vec![400.into(), 404.into()]))
    );
    assert!(
        holds("retried_at", Test::Is(Value::NULL)) && !holds("retried_at", Test::AtMost("2030-01-01T00:00:00Z".into()))
    );
}

#[test]
fn seconds_and_the_milliseconds_of_sidekiq_8_are_the_same_moment() {
    for text in [r#"{"created_at":1753264800.25}"#, r#"{"created_at":1753264800250}"#] {
        assert_eq!(read(text).row["created_at"].bare(), "2025-07-23T10:00:00.250000Z", "{text}");
    }
    assert!(read(r#"{"created_at":1e300}"#).row["created_at"].is_null());
}

#[test]
fn equal_jobs_are_alike_whatever_their_ids_and_times() {
    let other =
        REAL.replace("00ff", "11ff").replace("1753264800.25", "1.5").replace("\"executions\":2", "\"executions\":0");
    assert_eq!(read(REAL).likeness, read(&other).likeness);
    assert_ne!(read(REAL).likeness, read(&REAL.replace("122803", "12280")).likeness);
    assert_ne!(read(REAL).likeness, read(&REAL.replace("UpdateTraineeJob", "WithdrawTraineeJob")).likeness);
}

proptest! {
    #[test]
    fn no_bytes_break_the_reading(bytes in prop::collection::vec(any::<u8>(), 0..200), place in 0..4_usize) {
        let place = [Place::Queued, Place::Scheduled, Place::Retrying, Place::Dead][place];
        let job = row::read(place, &"k".into(), Some("q"), Some("x"), bytes, &usual());
        prop_assert_eq!(job.row.len(), super::columns::names().count());
    }

    #[test]
    fn no_document_breaks_the_reading(at in 0..REAL.len(), with in "[\\[\\]{}\",:0-9a-z]{0,4}") {
        let mut text = REAL.to_owned();
        text.replace_range(at..at + 1, &with);
        let job = read(&text);
        prop_assert_eq!(job.row.len(), super::columns::names().count());
        prop_assert!(super::columns::names().all(|name| job.row.contains_key(name)));
    }
}
