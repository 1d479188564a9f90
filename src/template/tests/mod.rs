//! What expressions give, as tables: expression, result. Units have their tests in their own files.

mod bounds;
mod meaning;
mod names;
mod sql;
mod texts;
mod unknowns;

use super::{Expression, Scope, Text};
use crate::base::{
    decimal::Decimal,
    json::Json,
    time::Stamp,
    value::{Data, Marks, Value},
};
use std::sync::Arc;

fn dec(text: &str) -> Value {
    Data::Decimal(text.parse::<Decimal>().unwrap()).into()
}

fn date(text: &str) -> Value {
    Data::Date(text.parse().unwrap()).into()
}

fn stamp(text: &str) -> Value {
    Data::Timestamp(text.parse().unwrap()).into()
}

fn json(text: &str) -> Value {
    Data::Json(Arc::new(Json::parse(text).unwrap())).into()
}

/// A scope with one of everything.
fn scope() -> Scope {
    let trainee = Value::map([
        ("id", Value::from(7)),
        ("first_names", "Ann Mary".into()),
        ("email", Value::from("ann@example.org").marked(Marks::PERSONAL)),
        ("state", "awarded".into()),
        ("trn", Value::NULL),
        ("date_of_birth", date("1990-02-28")),
        ("awarded_at", stamp("2025-07-23T10:00:00.5")),
        ("fee", dec("12.50")),
    ]);
    let rows = Value::list([("a", 3, true), ("b", 1, false), ("a", 2, true)].map(|(name, n, keep)| {
        Value::map([("name", Value::from(name)), ("n", Value::from(n)), ("keep", Value::from(keep))])
    }));
    let body = json(
        r#"{"qtsDate": null, "trn": "1234567", "itt": [{"provider": {"ukprn": "100"}, "result": "Pass"}, {"provider": {"ukprn": "200"}, "result": "Fail"}], "fee": 12.5}"#,
    );
    Scope::new()
        .with("trainee", trainee)
        .with("rows", rows)
        .with("dqt", Value::map([("status", Value::from(200)), ("body", body)]))
        .with(
            "params",
            Value::map([
                ("slug", Value::from("abc")),
                ("ids", Value::list([1, 2, 3].map(Value::from))),
                ("none_ids", Value::list([])),
            ]),
        )
        .with("answer", Value::map([("id", Value::unknown()), ("list", Value::unknown())]))
        .with("mixed", Value::list([Value::from(1), Value::unknown()]))
        .with_skipped("teacher")
        .with_now(Stamp { micros: 1_753_264_800_000_000, digits: 6 })
}

/// The result of an expression as a text: `kind value`, or `! message; help`.
fn eval_in(text: &str, scope: &Scope) -> String {
    let compiled = match Expression::from_text(text) {
        Ok(compiled) => compiled,
        Err(refused) => {
            let problems: Vec<String> = refused
                .problems
                .iter()
                .map(|p| format!("{} @{}..{} {}", p.message, p.range.start, p.range.end, p.help.join("; ")))
                .collect();
            return format!("!! {}", problems.join(" / "));
        }
    };
    match compiled.evaluate(scope) {
        Ok(evaluated) => format!("{} {}", evaluated.value.kind(), evaluated.value.bare()),
        Err(failure) => format!("! {failure}"),
    }
}

fn eval(text: &str) -> String {
    eval_in(text, &scope())
}

fn check(table: &[(&str, &str)]) {
    let wrong: Vec<String> = table
        .iter()
        .filter_map(|(text, expected)| {
            let found = eval(text);
            (found != *expected).then(|| format!("{text}\n   expected {expected}\n   found    {found}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn text(template: &str) -> Text {
    Text::from_text(template).unwrap()
}
