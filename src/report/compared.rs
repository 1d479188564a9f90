//! Two records side by side: one line a field, what differs marked. Personal values masked.

use super::{
    columns::{shortened, width},
    diff::said,
    line::{Line, Tone, clean},
    many::grouped,
    page::Page,
    plain_value::of,
};
use crate::{
    base::value::Value,
    effect::{
        compared::{Compared, Comparison},
        matched::{self, Matched},
    },
    journal::payload::RunCreated,
};

/// Names longer than this are shortened.
const WIDEST_NAMES: usize = 24;

/// The table: name, left, right.
pub fn table(page: &mut Page, indent: usize, comparison: &Comparison) {
    let look = page.look;
    let rows: Vec<(&Compared, String, String)> =
        comparison.fields.iter().map(|field| (field, shown(&field.left), shown(&field.right))).collect();
    let widest = |texts: &mut dyn Iterator<Item = &str>, most: usize| texts.map(width).max().unwrap_or(0).min(most);
    let names = widest(&mut comparison.fields.iter().map(|field| &*field.name), WIDEST_NAMES);
    let room = page.width().saturating_sub(indent + 2 + names + 2 + 2);
    let lefts = widest(&mut rows.iter().map(|(_, left, _)| &**left).chain([&*comparison.left]), room / 2);
    let cell = |text: &str, most: usize| shortened(&clean(&look.hidden(text)), most, look);
    let line = |mark: (&str, Tone), name: &str, left: &str, right: &str, tone: Tone| {
        Line::of(mark.1, mark.0)
            .pad(2, 1)
            .add(tone, cell(name, names))
            .pad(2 + names + 2, 2)
            .add(tone, cell(left, lefts))
            .pad(2 + names + 2 + lefts + 2, 2)
            .add(tone, cell(right, room.saturating_sub(lefts)))
            .kept()
    };
    page.line(indent, line((" ", Tone::Dim), "", &comparison.left, &comparison.right, Tone::Dim));
    for (field, left, right) in rows {
        let (mark, tone) = match field.equal {
            Some(true) => (("=", Tone::Dim), Tone::Dim),
            Some(false) => (("!", Tone::Care), Tone::Plain),
            None => (("?", Tone::Care), Tone::Plain),
        };
        page.line(indent, line(mark, &field.name, &left, &right, tone));
    }
}

fn shown(value: &Value) -> String {
    if value.is_null() { "nothing".into() } else { said(value) }
}

/// What the comparison of two sources came to: `Compared 12 records of register with 11 of dqt: 9 agree, 1 differs, …`.
pub fn sentence(matched: &Matched) -> String {
    let (left, right) = (&*matched.left, &*matched.right);
    let side = |name: &str| match name {
        "left" | "right" => format!("on the {name}"),
        name => format!("of {name}"),
    };
    let only = |name: &str| match name {
        "left" | "right" => format!("only on the {name}"),
        name => format!("only in {name}"),
    };
    let records = if matched.left_rows == 1 { "record" } else { "records" };
    let (ours, theirs) = (grouped(matched.left_rows), grouped(matched.right_rows));
    let mut parts = match (matched.different, matched.agree()) {
        (Some(different), Some(agree)) => {
            let word = |n: u64, one: &str, many: &str| format!("{} {}", grouped(n), if n == 1 { one } else { many });
            vec![word(agree, "agrees", "agree"), word(different, "differs", "differ")]
        }
        _ => vec![format!("{} in both", grouped(matched.both))],
    };
    parts.push(format!("{} {}", grouped(matched.only_left()), only(left)));
    parts.push(format!("{} {}", grouped(matched.only_right()), only(right)));
    format!("Compared {ours} {records} {} with {theirs} {}: {}.", side(left), side(right), parts.join(", "))
}

/// The same in numbers.
pub fn numbers(matched: &Matched) -> Value {
    let number = |n: u64| Value::from(i64::try_from(n).unwrap_or(i64::MAX));
    let maybe = |n: Option<u64>| n.map_or(Value::NULL, number);
    Value::map([
        ("left", Value::text(matched.left.clone())),
        ("right", Value::text(matched.right.clone())),
        ("left_records", number(matched.left_rows)),
        ("right_records", number(matched.right_rows)),
        ("in_both", number(matched.both)),
        ("agree", maybe(matched.agree())),
        ("different", maybe(matched.different)),
        ("only_left", number(matched.only_left())),
        ("only_right", number(matched.only_right())),
    ])
}

/// Of a run: what its plan kept of it.
pub fn of_run(created: Option<&RunCreated>) -> Option<Matched> {
    Matched::of_value(&created?.plan_summary.as_ref()?.get(matched::KEY)?)
}

/// As JSON; `equal` is null while it is not known.
pub fn json(comparison: &Comparison) -> Value {
    let truth = |known: Option<bool>| known.map_or(Value::NULL, Value::from);
    let field = |field: &Compared| {
        Value::map([
            ("name", Value::text(field.name.clone())),
            ("left", of(&field.left)),
            ("right", of(&field.right)),
            ("equal", truth(field.equal)),
        ])
    };
    Value::map([
        ("type", "compared".into()),
        ("left", Value::text(comparison.left.clone())),
        ("right", Value::text(comparison.right.clone())),
        ("equal", truth(comparison.equal())),
        ("fields", Value::list(comparison.fields.iter().map(field))),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        base::value::Marks,
        report::sample::{PERSONAL, plain, view},
    };

    #[test]
    fn how_many_records_were_compared_is_a_sentence_that_can_be_read_aloud() {
        let matched = |left: &str, right: &str, rows: [u64; 2], both, different| Matched {
            left: left.into(),
            right: right.into(),
            left_rows: rows[0],
            right_rows: rows[1],
            both,
            different,
        };
        for (one, words) in [
            (
                matched("register", "dqt", [12_000, 11_001], 10_999, Some(1)),
                "Compared 12 000 records of register with 11 001 of dqt: 10 998 agree, 1 differs, 1 001 only in register, 2 only in dqt.",
            ),
            (
                matched("left", "right", [1, 0], 0, None),
                "Compared 1 record on the left with 0 on the right: 0 in both, 1 only on the left, 0 only on the right.",
            ),
        ] {
            assert_eq!(sentence(&one), words);
        }
        let numbers = numbers(&matched("a", "b", [3, 2], 1, None));
        assert!(numbers.get("agree").unwrap().is_null() && numbers.get("only_left").unwrap().as_int() == Some(2));
    }

    #[test]
    fn two_records_fit_side_by_side_and_personal_values_are_masked() {
        let person = Value::from(PERSONAL[0]).marked(Marks::PERSONAL);
        let field = |name: &str, left: Value, right: Value, equal: Option<bool>| Compared {
            name: name.into(),
            left,
            right,
            equal,
        };
        let long = "a very long name of a place of education that nobody can read at a glance, and more";
        let comparison = Comparison {
            left: "register".into(),
            right: "dqt".into(),
            fields: vec![
                field("date of birth", "1990-02-28".into(), "1990-02-27".into(), Some(false)),
                field("last name", person.clone(), person, Some(true)),
                field("the name of the provider of the training", long.into(), Value::NULL, Some(false)),
                field("start", Value::unknown(), 1.into(), None),
            ],
        };
        let mut page = Page::new(view(80, true).look);
        table(&mut page, 6, &comparison);
        let text = plain(&page.finish());
        assert!(text.lines().all(|line| width(line) <= 80), "{text}");
        assert!(!text.contains(PERSONAL[0]) && text.contains("(personal)"), "{text}");
        assert!(text.contains("! date of birth") && text.contains("= last name") && text.contains("? start"), "{text}");
        assert!(text.contains("nothing"), "{text}");
    }
}
