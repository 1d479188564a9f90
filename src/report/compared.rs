//! Two records side by side: one line a field, what differs marked. Personal values masked.

use super::{
    columns::{shortened, width},
    diff::said,
    line::{Line, Tone, clean},
    page::Page,
    plain_value::of,
};
use crate::{
    base::value::Value,
    effect::compared::{Compared, Comparison},
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
    let cell = |text: &str, most: usize| shortened(&clean(text), most, look);
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
