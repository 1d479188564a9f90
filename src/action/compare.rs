//! `compare`: two records field by field, with what both systems write in their own ways taken for the same.

use super::resolve::{Resolver, Trouble, misfit};
use crate::{
    base::{
        shape::{FromNode, Lowering, Named, Word},
        value::{Data, Value},
        yaml::{Node, Style},
    },
    effect::{
        alike::{As, Match, Way},
        compared::{Compared, Comparison},
    },
    shape,
    template::{Datum, Path, Step, Tree},
};
use std::sync::Arc;

shape! {
    /// Compares two records field by field: a row and what an API says of it. Changes nothing and never stops by itself; the
    /// result is `{ equal, fields, different, text }`, and plans and runs show it as a table. `different` holds the names of
    /// the fields that differ, `text` says them with both values (and is personal when one of them is).
    "compare" pub struct CompareSpec {
        /// What the one side is called, and its record: `{ register: "{{ trainee }}" }`.
        left: Named<Datum>,
        /// The other side.
        right: Named<Datum>,
        /// What is compared.
        fields: Vec<ComparedField>,
    }
}

shape! {
    /// One field of two records.
    "a field to compare" pub struct ComparedField {
        /// What people call it.
        name: Word,
        /// Where the left record has it: `date_of_birth`, `address.postcode`, `degrees.0.subject`; or a value of its own,
        /// as an expression. Default: its name.
        left: Option<Side>,
        /// Where the right record has it.
        right: Option<Side>,
        /// How it is compared.
        kind as "as": Option<As>,
        /// How much of it must be the same.
        matching as "match": Option<Match>,
        /// A text without any letter is the same as null.
        blank_is_null: Option<bool>,
    }
}

/// Where a record has a field, or a value of its own.
#[derive(Clone, Debug)]
pub enum Side {
    /// A path in the record.
    Path(Word),
    /// A value.
    Value(Datum),
}

impl FromNode for Side {
    fn from_node(node: &Node, cx: &mut Lowering<'_>) -> Option<Self> {
        match node {
            Node::Scalar(scalar)
                if !scalar.text.contains("{{")
                    && (scalar.style == Style::Text || scalar.value().as_str().is_some()) =>
            {
                Word::from_node(node, cx).map(Side::Path)
            }
            _ => Datum::from_node(node, cx).map(Side::Value),
        }
    }
}
crate::plain_schema!(Side, {
    "description": "A path in the record (`address.postcode`), or a value as an expression."
});

impl ComparedField {
    /// How it is compared.
    pub fn way(&self) -> Way {
        Way {
            kind: self.kind.unwrap_or(As::Value),
            matching: self.matching.unwrap_or(Match::Equal),
            blank_is_null: self.blank_is_null == Some(true),
        }
    }

    /// The path on one side, with its place: what is given, else the name.
    pub fn path<'a>(&'a self, side: &'a Option<Side>) -> Option<&'a Word> {
        match side {
            Some(Side::Path(word)) => Some(word),
            Some(Side::Value(_)) => None,
            None => Some(&self.name),
        }
    }
}

impl Resolver<'_> {
    pub(super) fn compare(&mut self, spec: &CompareSpec) -> Result<Comparison, Trouble> {
        let (left, ours) = self.side(spec, &spec.left, |field| &field.left)?;
        let (right, theirs) = self.side(spec, &spec.right, |field| &field.right)?;
        let mut fields = Vec::new();
        for field in &spec.fields {
            let (one, other) = (self.part(field, &field.left, &ours)?, self.part(field, &field.right, &theirs)?);
            let equal = field.way().alike(&one, &other);
            fields.push(Compared { name: field.name.text.clone(), left: one, right: other, equal });
        }
        Ok(Comparison { left, right, fields })
    }

    fn side(
        &mut self,
        spec: &CompareSpec,
        side: &Named<Datum>,
        of: fn(&ComparedField) -> &Option<Side>,
    ) -> Result<(Arc<str>, Value), Trouble> {
        let [(name, datum)] = side.entries.as_slice() else {
            return misfit(spec.at, "each side has one name and its record: `left: { register: \"{{ trainee }}\" }`");
        };
        let evaluated = datum.evaluate(self.scope)?;
        match whole(datum) {
            // Only the fields that are looked at are what a plan rests on.
            Some(record) => self.looked_at(spec.fields.iter().filter_map(|field| {
                let steps = field.path(of(field))?.as_str().split('.').map(step);
                Some(Path { steps: record.steps.iter().cloned().chain(steps).collect() })
            })),
            None => self.looked_at(evaluated.reads),
        }
        Ok((name.text.clone(), evaluated.value))
    }

    fn part(&mut self, field: &ComparedField, side: &Option<Side>, record: &Value) -> Result<Value, Trouble> {
        if let Some(Side::Value(datum)) = side {
            return self.value(datum);
        }
        Ok(field.path(side).map_or(Value::NULL, |path| look_up(record, path.as_str())))
    }
}

/// The path of a record that is looked up and not made: `{{ trainee }}`.
fn whole(datum: &Datum) -> Option<&Path> {
    let Tree::Scalar(text) = &datum.tree else { return None };
    let [usage] = text.names() else { return None };
    let written = text.scalar().text.trim().strip_prefix("{{")?.strip_suffix("}}")?.trim();
    (written == usage.path.to_string()).then_some(&usage.path)
}

fn step(step: &str) -> Step {
    step.parse().map_or_else(|_| Step::Name(step.into()), Step::Index)
}

/// The part of a record at `a.b.0`; null where there is none, unknown where the record is.
pub fn look_up(record: &Value, path: &str) -> Value {
    let mut at = record.clone();
    for step in path.split('.') {
        let inner = match &at.data {
            Data::Unknown(_) => return at,
            Data::List(list) => step.parse::<usize>().ok().and_then(|i| list.get(i).cloned()),
            _ => at.get(step),
        };
        at = match inner {
            Some(inner) => inner.marked(at.marks),
            None => return Value::NULL.marked(at.marks),
        };
    }
    at
}
