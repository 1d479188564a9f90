//! Two thousand random values of each type go through each database and come back byte for byte.

use super::*;
use crate::base::{
    time::{Date, Stamp, Time},
    value::Data,
};
use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, TestRunner},
};

const CASES: usize = 2000;

fn some<S: Strategy<Value = Value> + 'static>(strategy: S) -> Vec<Value> {
    let mut runner = TestRunner::new_with_rng(
        Config::default(),
        proptest::test_runner::TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha),
    );
    (0..CASES).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect()
}

fn decimal() -> impl Strategy<Value = Value> {
    let special = prop_oneof![
        Just("NaN".to_owned()),
        Just("Infinity".to_owned()),
        Just("-Infinity".to_owned()),
        Just("0".to_owned()),
        Just("0.00".to_owned())
    ];
    prop_oneof![1 => special, 20 => "-?(0|[1-9][0-9]{0,25})\\.[0-9]{0,20}[1-9]", 10 => "-?[1-9][0-9]{0,40}(\\.[0-9]{1,5}[1-9]0{0,3})?"]
        .prop_map(|text: String| Data::Decimal(text.parse().unwrap()).into())
}

fn words() -> impl Strategy<Value = Value> {
    prop_oneof![any::<String>(), "[ '\"\\\\;$%_-]{0,20}", "\\PC{0,200}"]
        .prop_map(|text: String| text.replace('\0', "").into())
}

fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|b| b.to_string()),
        "-?(0|[1-9][0-9]{0,25})(\\.[0-9]{1,20})?",
        "[ a-zé😀']{0,8}".prop_map(|s: String| format!("{s:?}")),
    ];
    leaf.prop_recursive(3, 20, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|v| format!("[{}]", v.join(" , "))),
            prop::collection::btree_map("[a-z]{1,6}", inner, 0..4).prop_map(|m| format!(
                "{{ {} }}",
                m.iter().map(|(k, v)| format!("\"{k}\" : {v}")).collect::<Vec<_>>().join(",")
            )),
        ]
    })
}

fn dates() -> impl Strategy<Value = Value> {
    prop_oneof![1 => Just(i32::MIN), 1 => Just(i32::MAX), 30 => -2_440_000..2_900_000, 10 => 0..25_000]
        .prop_map(|d| Data::Date(Date(d)).into())
}

fn micros() -> impl Strategy<Value = i64> {
    let year = 31_556_952_000_000_i64;
    prop_oneof![1 => Just(i64::MIN), 1 => Just(i64::MAX), 30 => -6000 * year..290_000 * year, 30 => 0..60 * year]
}

fn arrays() -> impl Strategy<Value = Value> {
    let element = prop_oneof![1 => Just(Value::NULL), 9 => words()];
    prop::collection::vec(element, 0..6).prop_map(Value::list)
}

/// Debug shows digits, scale, marks and all: what `==` would forgive.
fn exact(value: &Value) -> String {
    format!("{value:?}")
}

/// Inserts the values in one column, reads them back through lock_and_read, and gives both beside the server's own text.
async fn round_trip(place: &Place, table: &str, values: &[Value]) -> Vec<(Value, Value, String)> {
    let mut handle = place.database().rehearsing().await.unwrap();
    let sign = if place.is_postgres() { '$' } else { '?' };
    for (part, values) in (0_i64..).zip(values.chunks(100)) {
        let rows: Vec<String> =
            (0..values.len()).map(|i| format!("({sign}{}, {sign}{})", 2 * i + 1, 2 * i + 2)).collect();
        let binds = (part * 100..).zip(values).flat_map(|(id, value)| [Value::from(id), value.clone()]);
        let insert = with(&format!("insert into {table} (id, v) values {}", rows.join(", ")), binds);
        assert_eq!(handle.execute(&insert).await.unwrap(), values.len() as u64);
    }
    let keys: Vec<Vec<Value>> = (0_i64..).take(values.len()).map(|id| vec![id.into()]).collect();
    let rows = handle.lock_and_read(table, &names(&["id"]), &keys).await.unwrap();
    let texts = if place.is_postgres() {
        format!("select v::text as v from {table} order by id")
    } else {
        format!("select case typeof(v) when 'blob' then '' else cast(v as text) end as v from {table} order by id")
    };
    let texts = handle.query(&ask(&texts), Limits { rows: 100_000, bytes: 1 << 30 }).await.unwrap();
    handle.rollback().await.unwrap();
    let texts = texts.rows.into_iter().map(|row| row["v"].bare().into_owned());
    values
        .iter()
        .cloned()
        .zip(rows)
        .zip(texts)
        .map(|((sent, row), text)| (sent, row.unwrap()["v"].clone(), text))
        .collect()
}

fn types() -> Vec<(&'static str, Vec<Value>)> {
    let micros_of = |make: fn(Stamp) -> Data| some(micros().prop_map(move |m| Value::from(make(Stamp::new(m)))));
    vec![
        ("boolean", some(any::<bool>().prop_map(Value::from))),
        ("bigint", some(any::<i64>().prop_map(Value::from))),
        ("int", some(any::<i32>().prop_map(|n| Value::from(i64::from(n))))),
        ("smallint", some(any::<i16>().prop_map(|n| Value::from(i64::from(n))))),
        ("numeric", some(decimal())),
        ("double precision", some(any::<f64>().prop_map(|f| Data::Float(f).into()))),
        ("real", some(any::<f32>().prop_map(|f| Data::Float(f.to_string().parse().unwrap()).into()))),
        ("text", some(words())),
        ("varchar(300)", some(words())),
        ("bytea", some(any::<Vec<u8>>().prop_map(|b| Data::Bytes(b.into()).into()))),
        ("date", some(dates())),
        ("time", some((0..=86_400_000_000_i64).prop_map(|t| Data::Time(Time(t)).into()))),
        ("timestamp", micros_of(Data::Timestamp)),
        ("timestamptz", micros_of(Data::Instant)),
        ("uuid", some(any::<u128>().prop_map(|u| Data::Uuid(uuid::Uuid::from_u128(u)).into()))),
        ("json", some(json().prop_map(|t| Data::Json(Arc::new(crate::base::json::Json::parse(&t).unwrap())).into()))),
        ("text[]", some(arrays())),
        (
            "int[]",
            some(
                prop::collection::vec(any::<i32>(), 0..5)
                    .prop_map(|v| Value::list(v.into_iter().map(|n| i64::from(n).into()))),
            ),
        ),
    ]
}

/// What the server's text must be, from our value; nothing where its notation differs from ours.
fn as_server_text(type_name: &str, value: &Value) -> Option<String> {
    match (type_name, &value.data) {
        ("timestamp", Data::Timestamp(stamp)) if stamp.date().0 > -719_162 || !stamp.is_finite() => {
            Some(stamp.written(' '))
        }
        ("timestamptz", Data::Instant(stamp)) if stamp.is_finite() && stamp.date().0 > -719_162 => {
            Some(format!("{}+00", stamp.written(' ')))
        }
        ("timestamp" | "timestamptz" | "double precision" | "real" | "text[]" | "int[]", _) => None,
        _ => Some(value.bare().into_owned()),
    }
}

#[tokio::test]
async fn two_thousand_values_of_each_type_go_through_postgres_without_loss() {
    let tables: String = types()
        .iter()
        .enumerate()
        .map(|(i, (t, _))| format!("create table t{i} (id int primary key, v {t});"))
        .collect();
    let place = postgres(&format!("{tables} create table b (id int primary key, v jsonb)")).await;
    for (i, (type_name, values)) in types().into_iter().enumerate() {
        for (sent, back, text) in round_trip(&place, &format!("t{i}"), &values).await {
            assert_eq!(exact(&back), exact(&sent), "{type_name}, the server says {text}");
            if let Some(expected) = as_server_text(type_name, &back) {
                assert_eq!(text, expected, "{type_name}");
            }
            if let Data::Float(f) = sent.data {
                let server = if type_name == "real" {
                    text.parse::<f32>().unwrap().to_string().parse().unwrap()
                } else {
                    text.parse::<f64>().unwrap()
                };
                assert!(server.to_bits() == f.to_bits() || (server.is_nan() && f.is_nan()), "{f} {text}");
            }
        }
    }
    // jsonb keeps the value and the digits, and chooses its own text.
    let values = some(json().prop_map(|t| Data::Json(Arc::new(crate::base::json::Json::parse(&t).unwrap())).into()));
    for (sent, back, text) in round_trip(&place, "b", &values).await {
        assert_eq!(back, sent);
        assert_eq!(text, back.bare());
    }
}

#[tokio::test]
async fn two_thousand_values_of_each_type_go_through_sqlite_without_loss() {
    let declared = |t: &str| match t {
        "numeric" => "decimal text".to_owned(),
        "bytea" => "blob".to_owned(),
        "timestamp" => "datetime(6)".to_owned(),
        t => t.to_owned(),
    };
    let usual = |v: &Value| !matches!(v.data, Data::Float(f) if f.is_nan());
    let types: Vec<_> = types().into_iter().filter(|(t, _)| !t.ends_with("[]")).collect();
    let tables: String = types
        .iter()
        .enumerate()
        .map(|(i, (t, _))| format!("create table t{i} (id int primary key, v {});", declared(t)))
        .collect();
    let place = sqlite(&tables).await;
    for (i, (type_name, values)) in types.into_iter().enumerate() {
        let values: Vec<Value> = values.into_iter().filter(usual).collect();
        for (sent, back, text) in round_trip(&place, &format!("t{i}"), &values).await {
            match (type_name, &sent.data) {
                // Dates before year 1 have a notation that is not read back as a date: the text itself stays.
                ("date" | "timestamp" | "timestamptz", _) if text.contains("BC") || text.len() > 29 => {
                    assert_eq!(back.bare(), text)
                }
                // SQLite stores whole REALs as integers, and those have no minus zero.
                (_, Data::Float(f)) if f.to_bits() == (-0.0_f64).to_bits() => assert_eq!(text, "0.0"),
                // A JSON column has numeric affinity: a bare number is stored as a number, and is the same value.
                ("json", Data::Json(_)) if !matches!(back.data, Data::Json(_)) => {
                    assert!(back == sent || matches!(back.data, Data::Float(_)), "{back:?} {sent:?}")
                }
                _ => assert_eq!(exact(&back), exact(&sent), "{type_name}, stored as {text}"),
            }
        }
    }
}
