//! What is written comes back, whatever it is and whatever was read before.

use super::*;
use std::sync::Arc;

#[test]
fn what_is_called_shallow_can_be_read_back_and_brackets_in_texts_are_no_depth() {
    for depth in [1, 99, 100, 101, 128, 129, 300] {
        let text = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(is_shallow(&text), depth <= 100, "{depth}");
        assert!(!is_shallow(&text) || parse(&text).is_ok(), "{depth}");
    }
    let text = format!(r#"{{"a\"{}": "{}\\", "b": [1]}}"#, "[".repeat(300), "{".repeat(300));
    assert!(is_shallow(&text) && parse(&text).is_ok(), "{text}");
    assert!(!is_shallow(&format!(r#"["\\",{}"#, "[".repeat(300))));
}

#[test]
fn numbers_keep_their_digits_and_documents_their_text() {
    let text = r#"{"a": 12345678901234567890.10, "b": [1, -0.5, "é\u00e9😀\n"], "c": null}"#;
    let json = Json::parse(text).unwrap();
    assert_eq!(json.text(), text);
    assert_eq!(text_of(json.tree()), r#"{"a":12345678901234567890.10,"b":[1,-0.5,"éé😀\n"],"c":null}"#);
    for bad in ["", "{", "[1,]", "01", "1.", "nul", "\"\\ud800\"", "{\"a\" 1}", "1 2", "\"a\nb\"", "[1}", "-"] {
        assert!(parse(bad).is_err(), "{bad}");
    }
    assert!(parse(&"[".repeat(100_000)).is_err());
}

/// Blanks wherever JSON allows them.
fn spaced(text: &str) -> String {
    let (mut out, mut quoted, mut escaped) = (String::new(), false, false);
    for c in text.chars() {
        if quoted {
            out.push(c);
            (quoted, escaped) = (escaped || c != '"', !escaped && c == '\\');
        } else {
            quoted = c == '"';
            out.push_str(if matches!(c, '{' | '}' | '[' | ']' | ':' | ',' | '"') { " \n" } else { "" });
            out.push(c);
            out.push_str(if matches!(c, '{' | '[' | ':' | ',') { "\t" } else { "" });
        }
    }
    out
}

fn any_value() -> impl proptest::strategy::Strategy<Value = Value> {
    use crate::base::time::{Date, Stamp};
    use proptest::prelude::*;
    let name = || prop::sample::select(vec!["a", "$map", "$date", "$marks", "$of", "$x", "", "b\"{"]);
    let leaf = prop_oneof![
        Just(Value::NULL),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        name().prop_map(Value::from),
        any::<i32>().prop_map(|days| Data::Date(Date(days)).into()),
        (any::<i64>(), 0..7u8).prop_map(|(micros, digits)| Data::Timestamp(Stamp { micros, digits }).into()),
        (any::<i64>(), 0..7u8).prop_map(|(micros, digits)| Data::Instant(Stamp { micros, digits }).into()),
        Just(Data::Decimal("1.10".parse().unwrap()).into()),
        Just(Data::Bytes(vec![0, 255].into()).into()),
    ];
    leaf.prop_recursive(4, 30, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::list),
            prop::collection::vec((name(), inner.clone()), 0..5).prop_map(Value::map),
            (inner, 1..16u8).prop_map(|(value, bits)| value.marked(Marks::from_bits(bits))),
        ]
    })
}

proptest::proptest! {
    #[test]
    fn what_is_stored_comes_back_whatever_its_names_are(value in any_value()) {
        let stored = encode(&value);
        for text in [stored.clone(), spaced(&stored)] {
            let back = decode(&text).unwrap();
            proptest::prop_assert_eq!(format!("{:?}", back), format!("{:?}", &value), "{}", text);
        }
    }
}

proptest::proptest! {
    /// Objects of the same keys, of some of them, in another order, with a key twice, with escapes, and so many that they are not remembered: what
    /// was read before changes nothing.
    #[test]
    fn what_objects_had_before_does_not_matter(
        objects in proptest::collection::vec((0..3u8, proptest::collection::vec((0..140u8, 0..9i64), 0..40), 0..4u8), 1..30)
    ) {
        use std::fmt::Write;
        let name = |n: u8| match n % 7 {
            0 => format!("k\u{e9}\"{n}"),
            1 => format!("k{n}\\"),
            _ => format!("k{}", n % 12 + n / 100 * n),
        };
        let (mut text, mut like) = (String::from("["), Vec::new());
        for (order, entries, inner) in &objects {
            let (mut object, mut entries) = (indexmap::IndexMap::new(), entries.clone());
            match order {
                0 => entries.sort_unstable(),
                1 => entries.sort_unstable_by_key(|entry| std::cmp::Reverse(*entry)),
                _ => {}
            }
            let mut parts = Vec::new();
            for (n, value) in &entries {
                let (mut key, mut part) = (String::new(), value.to_string());
                quote(&name(*n), &mut key);
                let nested = (*inner > 0).then(|| format!("{{{key}:{value},\"x\":{inner}}}"));
                if *value == 3 {
                    // The other way to write the same key.
                    key = key.replacen('k', "\\u006b", 1);
                }
                part = nested.unwrap_or(part);
                object.insert(name(*n), part.clone());
                parts.push(format!("{key}:{part}"));
            }
            write!(text, "{}{{{}}}", if like.is_empty() { "" } else { "," }, parts.join(",")).unwrap();
            like.push(object);
        }
        text.push(']');
        let read = parse(&text).unwrap();
        for (object, like) in read.as_list().unwrap().iter().zip(&like) {
            let seen: Vec<(String, String)> =
                object.as_map().unwrap().iter().map(|(name, value)| (name.to_string(), text_of(value))).collect();
            let wanted: Vec<_> = like.iter().map(|(name, part)| (name.clone(), part.clone())).collect();
            proptest::prop_assert_eq!(seen, wanted, "{}", text);
            let map = object.as_map().unwrap();
            proptest::prop_assert!(like.keys().all(|name| map.contains_key(name)));
        }
    }
}

#[test]
fn a_tag_that_is_none_and_one_over_something_else_are_refused() {
    for bad in [
        r#"{"$new":1}"#,
        r#"{"$date":"x"}"#,
        r#"{"$date":99999999999}"#,
        r#"{"$timestamp":[1]}"#,
        r#"{"$timestamp":[1,900]}"#,
        r#"{"$marks":1}"#,
        r#"{"$marks":900,"$of":1}"#,
        r#"{"$map":1}"#,
        r#"[{"a":{"$bytes":"\\x0"}}]"#,
    ] {
        assert_eq!(decode(bad).unwrap_err().what, "not a stored value", "{bad}");
        assert!(parse(bad).is_ok(), "{bad}");
    }
    assert_eq!(decode(r#"{"$date":1"#).unwrap_err().what, "expected `,` or `}`");
    // However it is nested, nothing is read twice: this would take 2^100 times as long.
    let (open, close) = ("{\"$marks\":1,\"$of\":".repeat(100), ",\"z\":1}".repeat(100));
    assert!(decode(&format!("{open}1{close}")).is_err());
    let (open, close) = ("{\"$map\":{\"$marks\":1,\"$of\":".repeat(40), "},\"z\":1}".repeat(40));
    assert!(decode(&format!("{open}1{close}")).is_ok());
    let deep = |depth: usize| format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
    assert!(decode(&deep(128)).is_ok() && decode(&deep(129)).is_err());
}

#[test]
fn every_kind_and_mark_survives_the_stored_form() {
    use crate::base::time::{Date, Stamp, Time};
    let values = [
        Value::NULL,
        Data::Float(-0.0).into(),
        Data::Float(f64::NAN).into(),
        Data::Decimal("1.10".parse().unwrap()).into(),
        Data::Bytes(vec![0, 255, 7].into()).into(),
        Data::Date(Date(i32::MAX)).into(),
        Data::Time(Time(3_600_000_001)).into(),
        Data::Timestamp(Stamp { micros: 1, digits: 6 }).into(),
        Data::Instant(Stamp::new(i64::MIN)).into(),
        Data::Uuid(uuid::Uuid::from_u128(7)).into(),
        Data::Json(Arc::new(Json::parse("{\"a\" : 1.0}").unwrap())).into(),
        Value::unknown(),
        Value::text("$x").marked(Marks::PERSONAL),
        Value::list([Value::map([("$date", Value::from(1)), ("b", Value::from("c").marked(Marks::CLOCK))])]),
    ];
    for value in values {
        let stored = encode(&value);
        assert_eq!(encode(&decode(&stored).unwrap()), stored);
        assert_eq!(format!("{:?}", decode(&stored).unwrap()), format!("{value:?}"));
    }
}
