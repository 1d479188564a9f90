//! The filters, tests and functions that expressions know, each described once: the reference, `explain`, the checks and the
//! evaluator all read these lists. The functions behind them stand in the files beside, one a family, undescribed there.

mod lists;
mod maps;
mod numbers;
mod questions;
mod texts;
mod times;

use super::{
    item::Item,
    run::{Result, Run},
    syntax::At,
};
use std::sync::Arc;

/// A filter, test or function.
#[derive(Debug)]
pub struct Described {
    /// As it is written.
    pub name: &'static str,
    /// Its form: `x | replace(old, new)`.
    pub form: &'static str,
    /// What it gives, one sentence.
    pub doc: &'static str,
    /// How many arguments without a name, at least and at most.
    pub(super) takes: (usize, usize),
    /// Arguments that may have a name; the first ones in the order of those without.
    pub(super) named: &'static [&'static str],
    pub(super) run: Apply,
}

pub(super) type Apply = fn(&mut Run<'_>, &Given) -> Result<Item>;

/// What a filter, test or function was given.
pub(super) struct Given {
    pub about: &'static Described,
    /// Null for a function.
    pub subject: Item,
    pub subject_at: At,
    pub args: Vec<(Item, At)>,
    pub named: Vec<(Arc<str>, (Item, At))>,
    pub at: At,
}

impl Given {
    /// The argument with this name, given by name or by place.
    fn arg(&self, name: &str) -> Option<&(Item, At)> {
        let place =
            self.about.named.iter().position(|known| *known == name).filter(|place| *place < self.about.takes.1);
        self.named.iter().find(|(known, _)| &**known == name).map(|(_, arg)| arg).or_else(|| self.args.get(place?))
    }
}

/// The filter with this name.
pub fn filter(name: &str) -> Option<&'static Described> {
    FILTERS.iter().find(|known| known.name == name)
}

/// The test with this name.
pub fn test(name: &str) -> Option<&'static Described> {
    TESTS.iter().find(|known| known.name == name)
}

/// What is written for a method or a function of other languages: `.startswith('a')`, `len(x)`.
pub(super) fn as_filter_or_test(name: &str) -> Option<String> {
    let names = [Some(name), other_name(name)];
    names.into_iter().flatten().find_map(|name| match (filter(name), test(name)) {
        (_, Some(known)) if filter(name).is_none_or(|_| name.ends_with("ing")) => {
            Some(format!("use the test: `{}`", known.form))
        }
        (Some(known), _) => Some(format!("use the filter: `{}`", known.form)),
        _ => None,
    })
}

/// Where a filter takes the name of another filter or (true) test.
pub(super) fn inner_name(filter: &str) -> Option<(usize, bool)> {
    match filter {
        "map" => Some((0, false)),
        "select" | "reject" => Some((0, true)),
        "selectattr" | "rejectattr" => Some((1, true)),
        _ => None,
    }
}

/// Words that people bring along from elsewhere, for suggestions.
pub(super) fn other_name(name: &str) -> Option<&'static str> {
    Some(match name {
        "len" | "count" | "size" => "length",
        "uppercase" | "toupper" | "upcase" => "upper",
        "lowercase" | "tolower" | "downcase" => "lower",
        "null" | "nil" | "None" => "none",
        "startswith" | "starts_with" => "startingwith",
        "endswith" | "ends_with" => "endingwith",
        "contains" | "including" | "includes" => "containing",
        "d" => "default",
        "keys" => "list",
        "items" => "values",
        "json" | "to_json" => "tojson",
        "from_json" | "parse_json" => "fromjson",
        "str" | "tostring" => "string",
        "url_encode" | "urlquote" => "urlencode",
        "split" => "words",
        "strip" => "trim",
        "equalto" | "==" => "eq",
        "today" | "utcnow" => "now",
        "executed" | "done" => "ran",
        _ => return None,
    })
}

macro_rules! described {
    ($($name:literal $form:literal ($least:literal..$most:literal) [$($named:literal),*] $run:path: $doc:literal)*) => {
        &[$(Described { name: $name, form: $form, doc: $doc, takes: ($least, $most), named: &[$($named),*], run: $run }),*]
    };
}

/// `value | name`.
pub static FILTERS: &[Described] = described! {
    "abs" "x | abs" (0..0) [] numbers::abs: "The number without its sign."
    "all_equal" "rows | all_equal(row, ['column', …])" (1..2) ["other", "columns", "fold"] lists::all_equal:
        "Whether every element equals the other value, in these columns when they are given; `fold='caseless'` ignores case in texts."
    "all_match" "rows | all_match('text', 'attribute.path')" (1..2) ["text", "attribute"] lists::all_match:
        "Whether every element (or that attribute of it) holds the text."
    "contains" "x | contains(part)" (1..1) [] questions::contains: "Whether a list has the element, a map the key, a text the part."
    "date" "x | date" (0..0) [] times::date: "The date of a timestamp or instant (in UTC), or of a text like `2025-07-23`."
    "decimal" "x | decimal" (0..0) [] numbers::decimal: "A text or number as an exact decimal."
    "default" "x | default(other)" (1..2) ["value", "boolean"] questions::default:
        "The other value when x does not exist; with `true` as second argument also when it is null, false or empty."
    "extract" "text | extract('Moved from {from} to {to}')" (1..1) ["pattern"] texts::extract:
        "Every place of a text that reads like the pattern, as a list of maps: a name in braces takes what stands there, up to the end of the line; `{_}` takes it and gives it no name. `{{` is a brace."
    "first" "list | first" (0..0) [] lists::first: "The first element; an empty list has none, which is an error unless `| default(…)` follows."
    "fromjson" "text | fromjson" (0..0) [] texts::fromjson: "The value that a JSON text stands for: a map, a list, a text, a number, true, false or null."
    "identifier" "name | identifier" (0..0) [] texts::identifier:
        "In SQL: the name of a table or column, quoted, and compared with the catalogue. Nowhere else."
    "indent" "text | indent(4)" (0..2) ["width", "first"] texts::indent: "Every line but the first moved right by so many spaces; with `true` the first too."
    "instant" "x | instant" (0..0) [] times::instant: "A text with a zone, like `2025-07-23T10:00:00Z`, as a moment."
    "int" "x | int" (0..0) [] numbers::int: "A text of digits, or a number without a fraction, as a whole number."
    "join" "list | join(', ')" (0..2) ["separator", "attribute"] lists::join: "The elements as one text, with the separator between them."
    "last" "list | last" (0..0) [] lists::last: "The last element; an empty list has none, which is an error unless `| default(…)` follows."
    "length" "x | length" (0..0) [] lists::length: "How many elements, entries or characters."
    "lines" "text | lines" (0..0) [] texts::lines: "The lines of a text, as a list."
    "list" "x | list" (0..0) [] lists::list: "The elements of a list, or the keys of a map, as a list."
    "lower" "text | lower" (0..0) [] texts::lower: "The text in small letters."
    "map" "list | map(attribute='name') or list | map('filter', …)" (0..6) ["attribute", "default"] lists::map:
        "One attribute of each element (`default=` where it does not exist), or each element through a filter."
    "max" "list | max" (0..0) ["attribute"] lists::max: "The largest element, or the element with the largest attribute."
    "min" "list | min" (0..0) ["attribute"] lists::min: "The smallest element, or the element with the smallest attribute."
    "path" "x | path('a.b.0')" (1..1) [] lists::path: "The part at that path; `none` when any step of it is missing or null."
    "reject" "list | reject('test', …)" (0..6) [] lists::reject: "The elements for which the test fails; without a test those that are empty, false or null."
    "reject_null" "names | reject_null(row)" (1..1) [] lists::reject_null: "Those of the names under which the row holds something else than null."
    "rejectattr" "list | rejectattr('attribute', 'test', …)" (1..6) [] lists::rejectattr: "The elements whose attribute fails the test; without a test those in which it is empty, false or null."
    "replace" "text | replace(old, new)" (2..2) ["old", "new"] texts::replace: "The text with every `old` replaced by `new`."
    "reverse" "list | reverse" (0..0) [] lists::reverse: "The elements in reverse order."
    "round" "x | round(2)" (0..2) ["precision", "method"] numbers::round: "Rounded to so many digits after the point (none), half away from zero; `'floor'` and `'ceil'` always down or up."
    "select" "list | select('test', …)" (0..6) [] lists::select: "The elements for which the test holds; without a test those that are not empty, false or null."
    "selectattr" "list | selectattr('attribute', 'test', …)" (1..6) [] lists::selectattr: "The elements whose attribute passes the test; without a test those in which it is not empty, false or null."
    "sha1" "text | sha1" (0..0) [] texts::sha1:
        "The SHA-1 of the text's UTF-8 bytes, as 40 small hexadecimal digits: for names that other programs make so, not for secrecy."
    "sort" "list | sort(attribute='name')" (0..1) ["reverse", "attribute"] lists::sort: "The elements in order (of an attribute); `reverse=true` turns it round. Nulls come first."
    "string" "x | string" (0..0) [] texts::string: "The value as text."
    "sum" "list | sum(attribute='name')" (0..0) ["attribute"] lists::sum: "The sum of the numbers, exact; 0 for none."
    "timestamp" "x | timestamp" (0..0) [] times::timestamp: "A date (its midnight), a text, or an instant (in UTC) as a timestamp without a zone."
    "to_list" "map | to_list('name', 'value')" (1..2) ["key", "value", "extra"] maps::to_list:
        "A list with one element for each entry of a map, its key and its value under these names; of a list (or without the second name) only the first. `extra={…}` stands in every element."
    "to_map" "list | to_map('name', 'value')" (2..2) ["key", "value"] maps::to_map:
        "A map from that attribute of each element to the other one; null where an element does not have it. Of two with the same name the later one counts."
    "tojson" "x | tojson" (0..0) [] texts::tojson: "The value as JSON text."
    "trim" "text | trim" (0..0) [] texts::trim: "The text without space at both ends."
    "unique" "list | unique" (0..0) ["attribute"] lists::unique: "Each element once, the first of equals (of those with an equal attribute, when one is named)."
    "upper" "text | upper" (0..0) [] texts::upper: "The text in capital letters."
    "urlencode" "text | urlencode" (0..0) [] texts::urlencode: "The text as it stands in a URL. (Paths and queries of `http` steps are encoded without it.)"
    "values" "map | values" (0..0) [] lists::values: "The values of a map, as a list; `| list` gives its keys."
    "words" "text | words" (0..0) [] texts::words: "The words of a text, as a list."
};

/// `value is name`.
pub static TESTS: &[Described] = described! {
    "boolean" "x is boolean" (0..0) [] questions::boolean: "It is true or false."
    "containing" "x is containing part" (1..1) [] questions::contains: "A list that has the element, a map that has the key, a text that has the part."
    "defined" "x is defined" (0..0) [] questions::defined: "It exists (and may be null)."
    "endingwith" "text is endingwith 'end'" (1..1) [] questions::ending: "A text with this end."
    "eq" "x is eq(y)" (1..1) [] questions::eq: "The same value, as `==`; for `select` and its kin."
    "false" "x is false" (0..0) [] questions::is_false: "It is the boolean false."
    "ge" "x is ge(y)" (1..1) [] questions::ge: "At least, as `>=`."
    "gt" "x is gt(y)" (1..1) [] questions::gt: "More, as `>`."
    "in" "x is in list" (1..1) [] questions::is_in: "An element of the list, as `in`."
    "le" "x is le(y)" (1..1) [] questions::le: "At most, as `<=`."
    "list" "x is list" (0..0) [] questions::list: "It is a list."
    "lt" "x is lt(y)" (1..1) [] questions::lt: "Less, as `<`."
    "mapping" "x is mapping" (0..0) [] questions::mapping: "It has named parts: a row, a JSON object."
    "ne" "x is ne(y)" (1..1) [] questions::ne: "Another value, as `!=`."
    "none" "x is none" (0..0) [] questions::none: "It is null. Something that does not exist is an error, not null."
    "number" "x is number" (0..0) [] questions::number: "It is a whole number, decimal or floating-point number."
    "ran" "step is ran" (0..0) [] questions::ran: "The step with this id ran: its `when` was true."
    "skipped" "step is skipped" (0..0) [] questions::skipped: "The step with this id did not run: its `when` was false."
    "startingwith" "text is startingwith 'begin'" (1..1) [] questions::starting: "A text with this beginning."
    "string" "x is string" (0..0) [] questions::string: "It is a text."
    "true" "x is true" (0..0) [] questions::is_true: "It is the boolean true."
    "undefined" "x is undefined" (0..0) [] questions::undefined: "It does not exist."
};

/// `name(…)`.
pub static FUNCTIONS: &[Described] = described! {
    "days" "days(n)" (1..1) ["n"] times::days: "So many days, to add to a date, timestamp or instant."
    "duration" "duration('7d')" (1..1) ["text"] times::written: "A length of time that is written `30s`, `5m`, `2h`, `7d`, to add to a timestamp or instant."
    "hours" "hours(n)" (1..1) ["n"] times::hours: "So many hours, to add to a timestamp or instant."
    "minutes" "minutes(n)" (1..1) ["n"] times::minutes: "So many minutes, to add to a timestamp or instant."
    "months" "months(n)" (1..1) ["n"] times::months: "So many months, to add to a date, timestamp or instant; the 31st becomes the last day of a shorter month."
    "now" "now()" (0..0) [] times::now: "The moment at which the run was made, the same in the whole run."
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_is_described_and_in_order() {
        for list in [FILTERS, TESTS, FUNCTIONS] {
            assert!(list.windows(2).all(|pair| pair[0].name < pair[1].name), "alphabetical, each once");
            for entry in list {
                assert!(entry.form.contains(entry.name) && entry.doc.ends_with(['.', ')']), "{}", entry.name);
                assert!(entry.takes.0 <= entry.takes.1);
            }
        }
    }
}
