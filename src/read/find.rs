//! `find`: rows of a declared table, with typed values and enum names.

use super::expect::Expect;
use crate::{
    base::{
        diagnostic::Diagnostic,
        shape::{FromNode, Lowering, Named, ONE_OF, Placed, UNKNOWN_KEY, Word},
        source::Span,
        yaml::Node,
    },
    shape,
    table::condition::Order,
    template::{Datum, Text},
};

shape! {
    /// Finds rows of a table that the project file declares. Values are typed, enum columns show their names, personal
    /// columns are known as such.
    "find" pub struct FindSpec {
        /// `connection.table`, as declared in the project file.
        table: Word,
        /// Column tests that must all hold: a value, null (IS NULL), a list (one of), or one of `{ not }`, `{ at_most }`,
        /// `{ at_least }`, `{ before }`, `{ after }`, `{ between: [from, until] }`.
        #[schemars(default)]
        conditions as "where": Named<Test>,
        /// How many rows are right: `one` (the default), `optional`, `none`, `many`, `1..50`.
        expect: Option<Placed<Expect>>,
        /// Columns to sort by; `-column` for the largest first.
        #[schemars(default)]
        order_by: Vec<Word>,
        /// Only these columns.
        #[schemars(default)]
        columns: Vec<Word>,
        /// Also rows that the table's `soft_delete` column marks as discarded.
        with_discarded: Option<bool>,
        /// Others take the row, too: what differs in these columns from the plan is no drift. The item is left to them.
        shared: Option<Shared>,
    }
}

shape! {
    /// A row that several drivers take from each other by its columns, as workers do with a queue. Whoever claims it
    /// (`row: { claim: true }`) has it; the others leave the item alone.
    "a shared row" pub struct Shared {
        /// The columns that whoever takes the row changes.
        columns: Vec<Word>,
        /// What is said of an item that is left to another driver: it ends as skipped. The row is the one that was found now.
        say: Text,
    }
}

impl FindSpec {
    /// How many rows are right; `one` unless the author says otherwise.
    pub fn expects(&self) -> Expect {
        self.expect.as_ref().map_or(Expect::One, |expect| expect.value)
    }

    /// The columns to sort by.
    pub fn order(&self) -> Vec<Order> {
        let of = |text: &str| match text.strip_prefix('-') {
            Some(column) => Order { column: column.into(), descending: true },
            None => Order { column: text.into(), descending: false },
        };
        self.order_by.iter().map(|w| of(w.as_str())).collect()
    }
}

/// How a column is compared, as written.
#[derive(Clone, Debug)]
pub enum Test {
    /// The same value, null, or one of a list.
    Is(Datum),
    /// `{ not: … }`
    Not(Datum),
    /// `{ at_most: … }`
    AtMost(Datum),
    /// `{ at_least: … }`
    AtLeast(Datum),
    /// `{ before: … }`
    Before(Datum),
    /// `{ after: … }`
    After(Datum),
    /// `{ between: [a, b] }`: `a` or more, and less than `b`.
    Between(Datum),
}

const WORDS: &[&str] = &["not", "at_most", "at_least", "before", "after", "between"];

/// The word is a comparison, here or where people know it from, and hardly ever the name of anything.
pub fn is_comparison(word: &str) -> bool {
    WORDS.contains(&word)
        || ["in", "not_in", "any_of", "one_of", "none_of", "eq", "ne", "lt", "gt", "lte", "gte"].contains(&word)
}

/// How a comparison is written that has another word elsewhere.
fn elsewhere(word: &str) -> Option<&'static str> {
    Some(match word {
        "in" | "any" | "any_of" | "one_of" => "for one of several write the list itself: `column: [a, b]`",
        "not_in" | "none_of" => "write `{ not: [a, b] }`",
        "eq" | "equals" | "is" | "=" | "==" => "write the value itself: `column: value`",
        "ne" | "neq" | "is_not" | "!=" | "<>" => "write `{ not: value }`",
        "lt" | "<" | "less_than" => "write `{ before: value }`: less than the value",
        "gt" | ">" | "more_than" | "greater_than" => "write `{ after: value }`: more than the value",
        "lte" | "le" | "<=" | "max" => "write `{ at_most: value }`",
        "gte" | "ge" | ">=" | "min" => "write `{ at_least: value }`",
        "is_null" | "null" => "write `column: null`, or `column: { not: null }`",
        "like" | "ilike" | "matches" | "contains" | "starts_with" => {
            "parts of texts are looked for by a `query` step: `where name like {{ … }}`"
        }
        _ => return None,
    })
}

impl Test {
    /// The value it compares with.
    pub fn datum(&self) -> &Datum {
        match self {
            Test::Is(d)
            | Test::Not(d)
            | Test::AtMost(d)
            | Test::AtLeast(d)
            | Test::Before(d)
            | Test::After(d)
            | Test::Between(d) => d,
        }
    }

    /// Where it stands.
    pub fn span(&self) -> Span {
        self.datum().span()
    }
}

impl FromNode for Test {
    fn from_node(node: &Node, cx: &mut Lowering<'_>) -> Option<Self> {
        let Node::Map(entries, at) = node else { return Datum::from_node(node, cx).map(Test::Is) };
        let [entry] = entries.as_slice() else {
            cx.push(
                Diagnostic::error(&ONE_OF, *at, "a comparison is a map with exactly one word")
                    .suggest("", WORDS.iter().copied()),
            );
            return None;
        };
        let make = match &*entry.key.text {
            "not" => Test::Not,
            "at_most" => Test::AtMost,
            "at_least" => Test::AtLeast,
            "before" => Test::Before,
            "after" => Test::After,
            "between" => Test::Between,
            word => {
                let problem = Diagnostic::error(&UNKNOWN_KEY, entry.key.span, format!("`{word}` is not a comparison"));
                cx.push(match elsewhere(word) {
                    Some(help) => problem.help(help),
                    None => problem.suggest(word, WORDS.iter().copied()),
                });
                return None;
            }
        };
        Datum::from_node(&entry.node, cx).map(make)
    }
}

impl schemars::JsonSchema for Test {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Test".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "A value, null, a list (one of these), or one comparison.",
            "anyOf": [
                { "type": ["string", "number", "boolean", "null", "array"] },
                { "type": "object", "additionalProperties": false, "minProperties": 1, "maxProperties": 1,
                  "properties": {
                    "not": { "description": "Anything but this value (null: IS NOT NULL; a list: none of these)." },
                    "at_most": { "description": "This value or less." },
                    "at_least": { "description": "This value or more." },
                    "before": { "description": "Less than this value." },
                    "after": { "description": "More than this value." },
                    "between": { "type": "array", "minItems": 2, "maxItems": 2, "description": "The first value or more, and less than the second." } } }
            ]
        })
    }
}
