//! Two records of two systems, compared field by field: what `compare` gives, and what reports show as a table.

use crate::base::{
    counted::counted,
    value::{Data, Map, Marks, Value},
};
use std::sync::Arc;

/// The whole comparison.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// What the left side is called: `register`.
    pub left: Arc<str>,
    /// What the right side is called: `dqt`.
    pub right: Arc<str>,
    /// In the order of the playbook.
    pub fields: Vec<Compared>,
}

/// One field of it.
#[derive(Clone, Debug)]
pub struct Compared {
    /// What people call it.
    pub name: Arc<str>,
    /// The value of the left side.
    pub left: Value,
    /// The value of the right side.
    pub right: Value,
    /// Both mean the same; nothing while that is only known after apply.
    pub equal: Option<bool>,
}

impl Comparison {
    /// All fields are equal; nothing while that cannot be told.
    pub fn equal(&self) -> Option<bool> {
        if self.fields.iter().any(|field| field.equal == Some(false)) {
            return Some(false);
        }
        self.fields.iter().all(|field| field.equal.is_some()).then_some(true)
    }

    /// The fields that differ for sure.
    pub fn different(&self) -> impl Iterator<Item = &Compared> {
        self.fields.iter().filter(|field| field.equal == Some(false))
    }

    /// `all 8 fields agree`, `2 of 8 fields differ`; what is unknown is said.
    pub fn summary(&self) -> String {
        let (all, different) = (self.fields.len(), self.different().count());
        let unknown = self.fields.iter().filter(|field| field.equal.is_none()).count();
        let things = |n: usize| counted(n, "field");
        let known = match different {
            0 if unknown > 0 => format!("{} of {} agree", all - unknown, things(all)),
            0 if all == 1 => "the one field agrees".to_owned(),
            0 => format!("all {} agree", things(all)),
            1 => format!("1 of {} differs", things(all)),
            n => format!("{n} of {} differ", things(all)),
        };
        if unknown > 0 { format!("{known}, {unknown} known after apply") } else { known }
    }

    /// `date of birth: register 1990-02-28, dqt 1990-02-27; …`, in clear; its marks say whether it may be shown.
    fn text(&self) -> Value {
        if self.equal() == Some(true) {
            return Value::text(self.summary());
        }
        let mut marks = Marks::NONE;
        let one = |field: &Compared| {
            let side = |value: &Value| if value.is_null() { "nothing".to_owned() } else { value.bare().into_owned() };
            format!("{}: {} {}, {} {}", field.name, self.left, side(&field.left), self.right, side(&field.right))
        };
        for field in self.different() {
            marks |= field.left.all_marks() | field.right.all_marks();
        }
        Value::text(self.different().map(one).collect::<Vec<_>>().join("; ")).marked(marks)
    }

    /// As expressions see it: `{ equal, fields: [{ name, left, right, equal }], different: [name], text }`. What rests on
    /// an unknown is unknown.
    pub fn value(&self) -> Value {
        let unknown = self.fields.iter().filter(|field| field.equal.is_none());
        let why = unknown.flat_map(|f| [&f.left, &f.right]).find_map(Value::unknown_because);
        let or_unknown = |value: Value| match &why {
            Some(why) => Data::Unknown(why.clone()).into(),
            None => value,
        };
        let truth = |known: Option<bool>| known.map_or_else(|| or_unknown(Value::NULL), Value::from);
        let field = |field: &Compared| {
            Value::map([
                ("name", Value::text(field.name.clone())),
                ("left", field.left.clone()),
                ("right", field.right.clone()),
                ("equal", truth(field.equal)),
            ])
        };
        Value::map([
            ("equal", truth(self.equal())),
            ("left", Value::text(self.left.clone())),
            ("right", Value::text(self.right.clone())),
            ("fields", Value::list(self.fields.iter().map(field))),
            ("different", or_unknown(Value::list(self.different().map(|field| Value::text(field.name.clone()))))),
            ("text", or_unknown(self.text())),
        ])
    }

    /// Back from the value that a plan file or a journal keeps; nothing where it is another one.
    pub fn of_value(value: &Value) -> Option<Comparison> {
        let whole = value.as_map()?;
        let text = |map: &Map, name: &str| map.get(name)?.as_str().map(Arc::from);
        let field = |value: &Value| {
            let map = value.as_map()?;
            let part = |name: &str| map.get(name).cloned();
            Some(Compared {
                name: text(map, "name")?,
                left: part("left")?,
                right: part("right")?,
                equal: part("equal")?.as_bool(),
            })
        };
        let fields = whole.get("fields")?.as_list()?.iter().map(field).collect::<Option<_>>()?;
        Some(Comparison { left: text(whole, "left")?, right: text(whole, "right")?, fields })
    }
}

/// What an item of a comparison of two sources says of itself.
#[derive(Clone, Debug)]
pub enum Differing {
    /// Only one side has the record: in words.
    Lone(String),
    /// Both have it, with other fields.
    Fields(Comparison),
}

impl Differing {
    /// From `item`: `{ difference, names, fields, text, … }`; nothing of any other item.
    pub fn of_item(item: &Value) -> Option<Differing> {
        item.get("difference")?;
        let names = item.get("names")?;
        let name = |side: &str| names.get(side);
        let fields = item.get("fields")?;
        if fields.as_list()?.is_empty() {
            return Some(Differing::Lone(item.get("text")?.plain().into_owned()));
        }
        let whole = [("left", name("left")?), ("right", name("right")?), ("fields", fields)];
        Comparison::of_value(&Value::map(whole)).map(Differing::Fields)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::json;

    fn compared(name: &str, left: Value, right: Value, equal: Option<bool>) -> Compared {
        Compared { name: name.into(), left, right, equal }
    }

    #[test]
    fn a_difference_is_told_with_the_marks_of_its_values() {
        let born = compared("born", Value::from("1990").marked(Marks::PERSONAL), Value::from("1991"), Some(false));
        let fields = vec![born, compared("id", 1.into(), 1.into(), Some(true))];
        let both = Comparison { left: "ours".into(), right: "theirs".into(), fields };
        let value = both.value();
        assert_eq!(both.summary(), "1 of 2 fields differs");
        assert_eq!(value.get("equal").unwrap().as_bool(), Some(false));
        assert_eq!(value.get("text").unwrap().bare(), "born: ours 1990, theirs 1991");
        assert_eq!(value.get("text").unwrap().shown(), "(personal)");
        let back = Comparison::of_value(&json::decode(&json::encode(&value)).unwrap()).unwrap();
        assert_eq!(format!("{back:?}"), format!("{both:?}"));
    }

    #[test]
    fn an_unknown_leaves_open_what_rests_on_it_and_no_more() {
        let open = compared("a", Value::unknown(), 1.into(), None);
        let both =
            |other: Compared| Comparison { left: "l".into(), right: "r".into(), fields: vec![open.clone(), other] };
        let agrees = both(compared("b", 1.into(), 1.into(), Some(true)));
        assert_eq!((agrees.equal(), agrees.summary().as_str()), (None, "1 of 2 fields agree, 1 known after apply"));
        assert!(agrees.value().get("text").unwrap().is_unknown());
        let differs = both(compared("b", 1.into(), 2.into(), Some(false)));
        assert_eq!(differs.value().get("equal").unwrap().as_bool(), Some(false), "one difference is enough");
    }
}
