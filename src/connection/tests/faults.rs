//! Every way in which a database says no ends in a fault of the right kind, in words, without secrets or data.

use super::*;
use crate::connection::{fault::FaultKind, statement::SetTo};
use sqlx::Connection as _;

fn kind(fault: &Fault) -> FaultKind {
    fault.kind
}

/// However the server keeps it: what asks for SCRAM takes no md5, what asks for md5 takes both.
#[tokio::test]
async fn a_wrong_password_names_the_variable_and_never_the_password() {
    let place = postgres("select 1").await;
    let methods = "select string_agg(distinct auth_method, ' ') as it from pg_hba_file_rules";
    let mut handle = place.database().reading().await.unwrap();
    let methods = query(&mut handle, methods).await.unwrap();
    handle.close().await;
    let own = url::Url::parse(place.url.as_ref().unwrap()).unwrap();
    for kept in ["scram-sha-256", "md5"] {
        let role = format!("{}_{}", new_name(), &kept[..3]);
        admin(
            own.as_str(),
            &format!("set password_encryption = '{kept}'; create role {role} login password 'right-s3cret'"),
        )
        .await
        .unwrap();
        let mut url = own.clone();
        url.set_username(&role).unwrap();
        url.set_password(Some("right-s3cret")).unwrap();
        let right = match place.at(url.as_str()).reading().await {
            Ok(mut handle) => {
                let role = handle.identity().await.unwrap().role;
                handle.close().await;
                Ok(role)
            }
            Err(fault) => Err(kind(&fault)),
        };
        url.set_password(Some("wrong-s3cret")).unwrap();
        let wrong = place.at(url.as_str()).reading().await.unwrap_err();
        admin(own.as_str(), &format!("drop role {role}")).await.unwrap();

        let taken = kept == "scram-sha-256" || methods.contains("md5");
        assert_eq!(right, if taken { Ok(role.clone()) } else { Err(FaultKind::Auth) }, "{kept} at {methods}");
        assert_eq!(kind(&wrong), FaultKind::Auth, "{kept}");
        let all = format!("{wrong:?} {} {}", wrong, wrong.help());
        assert!(
            all.contains(&format!("`{role}` at 127.0.0.1")) && wrong.help().contains("the environment variable `URL`"),
            "{all}"
        );
        assert!(!all.contains("s3cret"), "{all}");
    }
}

#[tokio::test]
async fn addresses_that_lead_nowhere_say_so() {
    let place = postgres("select 1").await;
    let fault = place.at(&with_database(&server(), "no_such_db")).reading().await.unwrap_err();
    assert_eq!(kind(&fault), FaultKind::NoDatabase);
    assert!(fault.message.contains("no_such_db"));
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let fault = place.at(&format!("postgres://a:bcdef@127.0.0.1:{free}/x")).writing().await.unwrap_err();
    assert_eq!(kind(&fault), FaultKind::Refused);
    assert!(fault.message.starts_with(&format!("`a` at 127.0.0.1:{free}, database `x`")), "{fault}");
    let fault = place.at("postgres://a:bcdef@no-such-host.invalid/x").reading().await.unwrap_err();
    assert_eq!(kind(&fault), FaultKind::Refused);
    let mut role = url::Url::parse(&server()).unwrap();
    role.set_username("nobody_here").unwrap();
    assert_eq!(kind(&place.at(role.as_str()).reading().await.unwrap_err()), FaultKind::Auth);
}

#[tokio::test]
async fn a_server_that_never_answers_is_given_up() {
    let mut place = postgres("select 1").await;
    place.settings = "connect_timeout: 300ms,".into();
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("postgres://a:bcdef@{}/x?sslmode=disable", silent.local_addr().unwrap());
    let fault = place.at(&url).reading().await.unwrap_err();
    assert_eq!(kind(&fault), FaultKind::Refused);
    assert!(fault.message.contains("did not answer within 300 ms"), "{fault}");
}

#[test]
fn settings_that_cannot_work_are_refused_before_connecting() {
    let folder = tempfile::tempdir().unwrap();
    let fault = |text: &str, url: &str| configure(text, url, folder.path()).unwrap_err();
    let clear = fault("postgres: { url: 'postgres://app:hunter22@db/x' }", "");
    assert!(clear.message.contains("clear text") && clear.help().contains("secret: NAME"));
    assert!(!format!("{clear:?}").contains("hunter22"));
    let wrong = fault("postgres: { url: env:URL }", "mysql://u:hunter22@h/x");
    assert!(
        wrong.message.contains("the environment variable `URL`") && !format!("{wrong:?}").contains("hunter22"),
        "{wrong:?}"
    );
    assert!(fault("postgres: { url: env:URL }", "postgres://host/x").message.contains("user or database is missing"));
    assert!(fault("postgres: { url: env:GONE }", "").message.contains("GONE"));
    assert!(
        fault("postgres: { url: env:URL, schema: 'a b' }", "postgres://u@h/x")
            .message
            .contains("plain lower-case name")
    );
    assert!(configure("postgres: { url: 'postgres://app@db/x' }", "", folder.path()).is_ok());
}

#[tokio::test]
async fn files_that_are_no_database_say_so_and_none_is_created() {
    let place = sqlite("create table t (id integer)").await;
    let open = |path: &str| configure(&format!("sqlite: {{ path: '{path}' }}"), "", place.folder.path()).unwrap();
    let fault = open("missing.db").writing().await.unwrap_err();
    assert_eq!(kind(&fault), FaultKind::NoDatabase);
    assert!(fault.message.ends_with("missing.db does not exist"));
    assert!(!place.folder.path().join("missing.db").exists());
    assert!(open(".").reading().await.unwrap_err().message.contains("is not a file"));
    std::fs::write(
        place.folder.path().join("text.db"),
        "this is a text, and a rather long one, so that the header is whole: ".repeat(20),
    )
    .unwrap();
    for fault in [open("text.db").reading().await.unwrap_err(), open("text.db").writing().await.unwrap_err()] {
        assert_eq!(kind(&fault), FaultKind::NoDatabase);
        assert!(fault.message.contains("text.db is not a SQLite database"), "{fault}");
    }
}

#[tokio::test]
async fn statements_fail_in_words_and_the_session_lives_on() {
    for place in each("create table t (id integer primary key, name text not null)").await {
        let mut handle = place.database().reading().await.unwrap();
        for (sql, expected) in [
            ("select * from nowhere", FaultKind::NoTable),
            ("select nobody from t", FaultKind::NoColumn),
            ("select * form t where", FaultKind::Syntax),
        ] {
            let fault = handle.prepare(&ask(sql)).await.unwrap_err();
            assert_eq!((kind(&fault), fault.connection.as_deref()), (expected, Some("db")), "{sql}: {fault:?}");
            assert!(fault.position.is_some() && !fault.help().is_empty(), "{sql}: {fault:?}");
            assert_eq!(query(&mut handle, "select 1").await.unwrap(), "1");
        }
        let twice = query(&mut handle, "select 1 as a, 2 as a").await.unwrap_err();
        assert_eq!(twice.message, "the answer has two columns called `a`");
    }
}

#[tokio::test]
async fn data_does_not_reach_a_message() {
    let place = postgres(
        "create table t (id int primary key, mail text unique); insert into t values (1, 'ada@secret.example')",
    )
    .await;
    let mut handle = place.database().rehearsing().await.unwrap();
    let mail =
        |id: i64| [("id".into(), SetTo::Value(id.into())), ("mail".into(), SetTo::Value("ada@secret.example".into()))];
    let fault = handle.insert("t", &names(&["id"]), &mail(2)).await.unwrap_err();
    assert_eq!((kind(&fault), fault.constraint.as_deref()), (FaultKind::Constraint, Some("t_mail_key")));
    let mut reading = place.database().reading().await.unwrap();
    let cast = query(&mut reading, "select mail::int from t").await.unwrap_err();
    assert_eq!(kind(&cast), FaultKind::Data);
    assert!(!format!("{fault:?}{cast:?}").contains("secret.example"), "{fault:?}{cast:?}");
}

#[tokio::test]
async fn a_lock_that_is_held_and_a_statement_that_runs_on_are_given_up_by_the_server() {
    let mut place = postgres("create table t (id int primary key, n int); insert into t values (1, 1)").await;
    place.settings = "lock_timeout: 100ms, statement_timeout: 300ms,".into();
    let one = [vec![Value::from(1)]];
    let mut first = place.database().writing().await.unwrap();
    first.lock_and_read("t", &names(&["id"]), &one).await.unwrap();
    let mut second = place.database().writing().await.unwrap();
    let fault = second.lock_and_read("t", &names(&["id"]), &one).await.unwrap_err();
    assert_eq!(kind(&fault), FaultKind::LockTimeout);
    first.rollback().await.unwrap();
    let mut third = place.database().reading().await.unwrap();
    let long = "select count(*) from generate_series(1, 10000) a, generate_series(1, 10000) b";
    let fault = query(&mut third, long).await.unwrap_err();
    assert_eq!(kind(&fault), FaultKind::StatementTimeout);
    assert_eq!(query(&mut third, "select n from t").await.unwrap(), "1");
}

#[tokio::test]
async fn a_file_that_is_written_elsewhere_is_named_and_a_long_statement_is_stopped() {
    let mut place = sqlite("create table t (id integer primary key)").await;
    place.settings = "busy_timeout: 50ms, statement_timeout: 100ms,".into();
    let first = place.database().writing().await.unwrap();
    let fault = place.database().rehearsing().await.unwrap_err();
    assert_eq!(kind(&fault), FaultKind::Busy);
    assert!(fault.message.contains("data.db is written to by something else in this process"), "{fault}");
    first.rollback().await.unwrap();
    // Past the line in which those of this process stand, as another process would.
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(place.folder.path().join("data.db"));
    let mut other = sqlx::SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::query("begin immediate").execute(&mut other).await.unwrap();
    let fault = place.database().rehearsing().await.unwrap_err();
    assert_eq!(kind(&fault), FaultKind::Busy);
    assert!(fault.message.contains("data.db is locked by another process"), "{fault}");
    other.close().await.unwrap();
    let mut reading = place.database().reading().await.unwrap();
    let long = "with recursive n(x) as (select 1 union all select x + 1 from n) select count(*) from n";
    assert_eq!(kind(&query(&mut reading, long).await.unwrap_err()), FaultKind::StatementTimeout);
    assert_eq!(query(&mut reading, "select 1").await.unwrap(), "1");
}

#[tokio::test]
async fn too_large_an_answer_is_a_fault_and_never_a_cut() {
    let series = [
        "select * from generate_series(1, 1000) n",
        "with recursive n(x) as (select 1 union all select x + 1 from n where x < 1000) select * from n",
    ];
    for (place, sql) in each("create table t (id integer)").await.iter().zip(series) {
        let mut handle = place.database().reading().await.unwrap();
        assert_eq!(handle.query(&ask(sql), Limits { rows: 1000, bytes: 1 << 20 }).await.unwrap().rows.len(), 1000);
        let fault = handle.query(&ask(sql), Limits { rows: 999, bytes: 1 << 20 }).await.unwrap_err();
        assert_eq!((kind(&fault), &*fault.message), (FaultKind::TooMany, "the answer has more than 999 rows"));
        let mut handle = place.database().reading().await.unwrap();
        assert_eq!(
            kind(&handle.query(&ask(sql), Limits { rows: 9999, bytes: 5000 }).await.unwrap_err()),
            FaultKind::TooMuch
        );
    }
}

#[tokio::test]
async fn rights_that_are_missing_are_denied_in_words() {
    let place = postgres("create table t (id int); create role trueup_reader_of_tests login password 'pass-of-reader'; grant usage on schema public to trueup_reader_of_tests").await;
    let mut url = url::Url::parse(place.url.as_ref().unwrap()).unwrap();
    url.set_username("trueup_reader_of_tests").unwrap();
    url.set_password(Some("pass-of-reader")).unwrap();
    let mut handle = place.at(url.as_str()).reading().await.unwrap();
    let fault = query(&mut handle, "select * from t").await.unwrap_err();
    let identity = handle.identity().await;
    handle.close().await;
    admin(place.url.as_ref().unwrap(), "drop owned by trueup_reader_of_tests; drop role trueup_reader_of_tests")
        .await
        .unwrap();
    assert_eq!((kind(&fault), &*fault.message), (FaultKind::Denied, "permission denied for table t"));
    assert_eq!(fault.help(), "let its owner run `grant select on t to trueup_reader_of_tests`");
    assert_eq!(identity.unwrap().role, "trueup_reader_of_tests");
}

/// The driver knows no multiranges, and says so in a way that reads as if the server were at fault.
#[tokio::test]
async fn a_column_that_the_driver_cannot_read_is_told_with_a_way_round_it() {
    let place = postgres("create table t (id int primary key, m int4multirange)").await;
    let mut handle = place.database().reading().await.unwrap();
    let fault = query(&mut handle, "select id, m from t").await.unwrap_err();
    assert!(fault.message.contains("a column is a multirange"), "{fault}");
    assert!(fault.advice.as_deref().is_some_and(|advice| advice.contains("a view of the table")), "{fault:?}");
    // The session is given up, and the next one reads what can be read.
    let mut handle = place.database().reading().await.unwrap();
    assert!(query(&mut handle, "select id, m::text from t").await.unwrap().is_empty());
    handle.close().await;
}
