//! How a node of YAML becomes a typed part of a playbook, with every problem reported and none thrown.
//!
//! `shape!` declares a struct once: from that come the reader (unknown key, missing key, wrong type, "did you mean"),
//! and, through schemars, the JSON Schema and its descriptions. serde is not used here: its `flatten` and `untagged`
//! destroy spans and messages, and it stops at the first error.

use super::{
    diagnostic::{Code, Diagnostic, Diagnostics},
    source::{Source, Span},
    value::{Data, Value},
    yaml::{Node, Scalar, Style},
};
use std::sync::Arc;

/// A key that this place does not have.
pub static UNKNOWN_KEY: Code = Code {
    id: "E0101",
    title: "unknown key",
    explain: "This map has no such key. Keys are checked strictly, because a misspelt key that is silently ignored (a guard, a \
        limit) is worse than an error. `trueup explain KEY` describes a key, `trueup schema playbook` prints all of them.",
};
/// A key that must be there.
pub static MISSING_KEY: Code = Code {
    id: "E0102",
    title: "missing key",
    explain: "This map is not complete without the named key. `trueup explain KEY` says what it is for and gives an example; the editor \
        completes keys when the first line of the file names the schema.",
};
/// Something of another kind.
pub static WRONG_TYPE: Code = Code {
    id: "E0103",
    title: "wrong type",
    explain: "The value is of another kind than this key takes. A number or boolean where a text is expected is refused rather \
        than converted: `version: 1.10` would silently become `1.1`. Put it into quotes.",
};
/// Not one of the words.
pub static UNKNOWN_WORD: Code = Code {
    id: "E0104",
    title: "unknown word",
    explain: "This key takes one of a fixed list of words, written exactly so. The message lists them, or names the one that is \
        probably meant. `trueup explain KEY` says what each of them means.",
};
/// A text that breaks the rules of its place.
pub static BAD_FORM: Code = Code {
    id: "E0105",
    title: "not in the expected form",
    explain: "The value is of the right kind, but its form is not: a duration is written `250ms`, `30s`, `5m`, `2h` or `7d`, a \
        name in small letters with `_`, a range `1..50`.",
};
/// One of several keys.
pub static ONE_OF: Code = Code {
    id: "E0106",
    title: "exactly one of several keys is needed",
    explain: "Some maps say what they are by one key: a step by its action (`row`, `http`, …), an end of a check by `stop`, \
        `skip`, `done`, … Give exactly one of them.",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&UNKNOWN_KEY, &MISSING_KEY, &WRONG_TYPE, &UNKNOWN_WORD, &BAD_FORM, &ONE_OF];

/// Where problems go while a tree is read.
pub struct Lowering<'a> {
    problems: &'a mut Diagnostics,
}

impl<'a> Lowering<'a> {
    /// Collects into `problems`.
    pub fn new(problems: &'a mut Diagnostics) -> Self {
        Lowering { problems }
    }

    /// Notes a problem.
    pub fn push(&mut self, problem: Diagnostic) {
        self.problems.push(problem);
    }

    /// The text being read.
    pub fn source(&self) -> &Arc<Source> {
        self.problems.source()
    }

    /// "expected X, found Y", and nothing for what was already reported.
    pub fn wrong_type<T>(&mut self, node: &Node, expected: &str) -> Option<T> {
        // What does not depend on T is compiled once, not once for each type: the first build has six minutes.
        self.say_wrong_type(node, expected);
        None
    }

    /// The same where a map with these keys is expected.
    pub fn no_map<T>(&mut self, node: &Node, expected: &str, keys: &[&str]) -> Option<T> {
        self.say_no_map(node, expected, keys);
        None
    }

    fn say_no_map(&mut self, node: &Node, expected: &str, keys: &[&str]) {
        if let Node::Broken(_) = node {
            return;
        }
        let message = format!("expected {expected}, found {}", node.kind());
        let problem = Diagnostic::error(&WRONG_TYPE, node.span(), message);
        // Of a whole playbook the list would be of no use.
        let keys: Vec<String> = keys.iter().filter(|_| keys.len() <= FEW_KEYS).map(|key| format!("`{key}`")).collect();
        self.push(if keys.is_empty() { problem } else { problem.help(format!("its keys: {}", keys.join(", "))) });
    }

    fn say_wrong_type(&mut self, node: &Node, expected: &str) {
        if let Node::Broken(_) = node {
            return;
        }
        let mut problem =
            Diagnostic::error(&WRONG_TYPE, node.span(), format!("expected {expected}, found {}", node.kind()));
        if let Node::Scalar(scalar) = node {
            if scalar.style == Style::Plain && expected.contains("text") && !scalar.text.is_empty() {
                problem = problem.help(format!("put it into quotes if it is meant as text: \"{}\"", scalar.text));
            }
            if expected.contains("boolean") && matches!(&*scalar.text.to_lowercase(), "yes" | "on" | "y") {
                problem = problem.help("write `true`");
            }
            if expected.contains("boolean") && matches!(&*scalar.text.to_lowercase(), "no" | "off" | "n") {
                problem = problem.help("write `false`");
            }
            if expected == "a map"
                && let Some(help) = map_of(&scalar.text)
            {
                problem = problem.help(help);
            }
            if expected == WHOLE_NUMBER {
                problem = problem.help(number_of(scalar));
            }
        }
        match node {
            Node::Map(entries, _) if expected == "a list" => {
                let names: Vec<&str> = entries.iter().map(|entry| &*entry.key.text).take(2).collect();
                let steps = entries.iter().all(|entry| matches!(entry.node, Node::Map(..)));
                problem = problem.help(match names.as_slice() {
                    [first, ..] if steps => {
                        format!("each element begins with `- `; its name stands in it: `- id: {first}`")
                    }
                    _ => "each element begins with `- `".to_owned(),
                });
            }
            Node::List(nodes, _) if expected == "a map" => {
                if let [Node::Scalar(name), ..] = nodes.as_slice()
                    && name.text.len() < 40
                {
                    problem = problem.help(format!("write each name with what belongs to it: `{}: …`", name.text));
                }
                if let [Node::Map(..)] = nodes.as_slice() {
                    problem = problem.help(
                        "take the square brackets, or the `- `, away: names and values stand there by themselves",
                    );
                }
            }
            _ => {}
        }
        self.push(problem);
    }

    fn say_no_list(&mut self, node: &Node, fits: bool) {
        match node {
            Node::Scalar(s) if fits && !s.text.is_empty() && s.text.len() < 40 => self.push(
                Diagnostic::error(&WRONG_TYPE, s.span, format!("expected a list, found {}", node.kind()))
                    .help(format!("write it in square brackets: `[{}]`", s.text)),
            ),
            _ => self.say_wrong_type(node, "a list"),
        }
    }

    /// The key is not there and is needed.
    fn say_missing(&mut self, node: &Node, key: &str, known: &[&str], what: &str) {
        // A misspelt key was reported as unknown, with "did you mean"; saying it twice would only confuse.
        let Node::Map(entries, _) = node else { return };
        let misspelt = |e: &super::yaml::Entry| {
            let word = &*e.key.text;
            let meant = || super::suggest::nearest(word, known.iter().copied()).or_else(|| elsewhere(word, known));
            !known.contains(&word) && meant() == Some(key)
        };
        if !entries.iter().any(misspelt) {
            self.push(
                Diagnostic::error(&MISSING_KEY, node.span(), format!("{what} needs the key `{key}`"))
                    .help(format!("add `{key}: …`")),
            );
        }
    }

    /// The keys of `node` that are not in `known`, each with a suggestion.
    pub fn unknown_keys(&mut self, node: &Node, known: &[&str], what: &str) {
        let Node::Map(entries, _) = node else { return };
        let mut told: Vec<&str> = Vec::new();
        for entry in entries.iter().filter(|e| !known.contains(&&*e.key.text)) {
            let key = &entry.key.text;
            let problem = Diagnostic::error(&UNKNOWN_KEY, entry.key.span, format!("{what} has no key `{key}`"));
            if let Some((.., help)) = INSTEAD.iter().find(|(of, word, _)| *of == what && *word == &**key) {
                // Parts of one thing that is written in one.
                if !told.contains(help) {
                    self.push(problem.help(*help));
                    told.push(help);
                }
                continue;
            }
            // One that is there already is not what was meant.
            self.push(match elsewhere(key, known).filter(|meant| node.get(meant).is_none()) {
                Some(meant) => problem.help(format!("did you mean `{meant}`?")),
                None => problem.suggest(key, known.iter().copied()),
            });
        }
    }
}

/// What a whole number is called where something else stands.
const WHOLE_NUMBER: &str = "a whole number";

/// Keys that people know from other programs and from other kinds of connections, and what the same may be called here.
const ELSEWHERE: &[(&str, &[&str])] = &[
    ("url", &["base"]),
    ("uri", &["base", "url"]),
    ("address", &["base", "url"]),
    ("endpoint", &["base"]),
    ("host", &["base", "url"]),
    ("dsn", &["url"]),
    ("file", &["path"]),
    ("token", &["auth", "bearer"]),
    ("credentials", &["auth"]),
    ("values", &["set"]),
    ("update", &["set", "row"]),
    ("insert", &["row"]),
    ("select", &["query"]),
    ("if", &["when"]),
    ("condition", &["when"]),
    ("loop", &["for_each"]),
    ("foreach", &["for_each"]),
    ("check", &["assert"]),
    ("name", &["title"]),
    ("body", &["json"]),
    ("data", &["json"]),
    ("payload", &["json"]),
];

const POSTGRES: &str = "write `url: { secret: NAME }`, and into the variable NAME the address `postgres://user:password@host:5432/database`";
const MYSQL: &str =
    "write `url: { secret: NAME }`, and into the variable NAME the address `mysql://user:password@host:3306/database`";

/// Keys that people look for in such a map, and what is written instead.
const INSTEAD: &[(&str, &str, &str)] = &[
    ("a parameter", "required", "take it out: a parameter without `default` has to be given"),
    ("a parameter", "optional", "write `default: null`"),
    ("a PostgreSQL connection", "host", POSTGRES),
    ("a PostgreSQL connection", "port", POSTGRES),
    ("a PostgreSQL connection", "user", POSTGRES),
    ("a PostgreSQL connection", "username", POSTGRES),
    ("a PostgreSQL connection", "password", POSTGRES),
    ("a PostgreSQL connection", "database", POSTGRES),
    ("a PostgreSQL connection", "dbname", POSTGRES),
    ("a MySQL connection", "host", MYSQL),
    ("a MySQL connection", "port", MYSQL),
    ("a MySQL connection", "user", MYSQL),
    ("a MySQL connection", "username", MYSQL),
    ("a MySQL connection", "password", MYSQL),
    ("a MySQL connection", "database", MYSQL),
    ("http", "method", "write the method as the key of its path: `get: /path`"),
    ("http", "path", "write the method as the key of its path: `get: /path`"),
];

/// The key of this map that is called so elsewhere.
fn elsewhere<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    let (_, meant) = ELSEWHERE.iter().find(|(there, _)| *there == word)?;
    meant.iter().find_map(|meant| known.iter().copied().find(|key| key == meant))
}

/// How to write the number that `v1`, `"1"` or `1.0` means.
fn number_of(scalar: &Scalar) -> String {
    let text = scalar.text.trim();
    let digits = text.trim_start_matches(['v', 'V']);
    let digits = digits.strip_suffix(".0").unwrap_or(digits);
    // A zero in front makes a number of another base of it elsewhere, and a text here.
    let digits = match digits.trim_start_matches('0') {
        "" if !digits.is_empty() => "0",
        rest => rest,
    };
    let is_number = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    match scalar.style {
        _ if !is_number => "write decimal digits alone, without quotes, such as `15`".to_owned(),
        Style::Plain => format!("write `{digits}`"),
        _ => format!("write it without quotes: `{digits}`"),
    }
}

/// How the map is written that `state == 'open'` or `number = 5` means.
fn map_of(text: &str) -> Option<String> {
    let (name, value) = text.split_once("==").or_else(|| text.split_once('='))?;
    let name = name.trim().rsplit('.').next()?;
    let value = value.trim();
    let plain = |text: &str, more: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c))
    };
    let fits = plain(name, "_") && (plain(value, "_-'\"") || value.starts_with("{{") && value.ends_with("}}"));
    fits.then(|| match value.starts_with("{{") {
        true => format!("write `{{ {name}: \"{value}\" }}`"),
        false => format!("write `{{ {name}: {} }}`", value.trim_matches(['\'', '"'])),
    })
}

/// So many keys of a map are listed where something else stands in its place.
const FEW_KEYS: usize = 12;

/// Reads itself from a node.
pub trait FromNode: Sized {
    /// The typed part, or nothing after a problem was noted.
    fn from_node(node: &Node, cx: &mut Lowering<'_>) -> Option<Self>;

    /// What stands for a key that is not there; nothing when the key is required.
    fn absent() -> Option<Self> {
        None
    }
}

/// Reads one field of a map that takes the keys `known`.
pub fn field<T: FromNode>(node: &Node, key: &str, known: &[&str], what: &str, cx: &mut Lowering<'_>) -> Option<T> {
    match node.get(key) {
        Some(child) => T::from_node(child, cx),
        None => {
            let absent = T::absent();
            if absent.is_none() {
                cx.say_missing(node, key, known, what);
            }
            absent
        }
    }
}

impl<T: FromNode> FromNode for Option<T> {
    fn from_node(node: &Node, cx: &mut Lowering<'_>) -> Option<Self> {
        T::from_node(node, cx).map(Some)
    }
    fn absent() -> Option<Self> {
        Some(None)
    }
}

impl<T: FromNode> FromNode for Vec<T> {
    fn from_node(node: &Node, cx: &mut Lowering<'_>) -> Option<Self> {
        let Node::List(nodes, _) = node else {
            // Brackets help only where what stands there is one of them.
            let fits = matches!(node, Node::Scalar(_)) && {
                let mut quiet = Diagnostics::new(cx.source().clone());
                T::from_node(node, &mut Lowering::new(&mut quiet)).is_some()
            };
            cx.say_no_list(node, fits);
            return None;
        };
        // Each element is read even after a bad one, so that all problems show in one go.
        let read: Vec<_> = nodes.iter().map(|n| T::from_node(n, cx)).collect();
        read.into_iter().collect()
    }
    fn absent() -> Option<Self> {
        Some(Vec::new())
    }
}

impl<T: FromNode> FromNode for Box<T> {
    fn from_node(node: &Node, cx: &mut Lowering<'_>) -> Option<Self> {
        T::from_node(node, cx).map(Box::new)
    }
    fn absent() -> Option<Self> {
        T::absent().map(Box::new)
    }
}

/// A map whose keys the author chooses, in the order of the file.
#[derive(Clone, Debug)]
pub struct Named<T> {
    /// Name (with its place) and content.
    pub entries: Vec<(Word, T)>,
    /// The whole map.
    pub at: Span,
}

impl<T> Default for Named<T> {
    fn default() -> Self {
        Named { entries: Vec::new(), at: Span::default() }
    }
}

impl<T> Named<T> {
    /// The content under a name.
    pub fn get(&self, name: &str) -> Option<&T> {
        self.entries.iter().find(|(k, _)| k.as_str() == name).map(|(_, v)| v)
    }

    /// The names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|(k, _)| k.as_str())
    }

    /// Names and contents.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &T)> {
        self.entries.iter().map(|(k, v)| (k.as_str(), v))
    }
}

impl<T: FromNode> FromNode for Named<T> {
    fn from_node(node: &Node, cx: &mut Lowering<'_>) -> Option<Self> {
        let Node::Map(entries, at) = node else { return cx.wrong_type(node, "a map") };
        let read: Vec<_> = entries
            .iter()
            .map(|e| T::from_node(&e.node, cx).map(|v| (Word { text: e.key.text.clone(), span: e.key.span }, v)))
            .collect();
        Some(Named { entries: read.into_iter().collect::<Option<_>>()?, at: *at })
    }
    fn absent() -> Option<Self> {
        Some(Named::default())
    }
}

impl<T: schemars::JsonSchema> schemars::JsonSchema for Named<T> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("Named_{}", T::schema_name()).into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let inner = generator.subschema_for::<T>();
        schemars::json_schema!({ "type": "object", "additionalProperties": inner })
    }
}

/// A text that is taken as it stands: a name, a reference. No template.
#[derive(Clone, Debug)]
pub struct Word {
    /// The characters.
    pub text: Arc<str>,
    /// Where.
    pub span: Span,
}

impl Word {
    /// The characters.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromNode for Word {
    fn from_node(node: &Node, cx: &mut Lowering<'_>) -> Option<Self> {
        match node {
            Node::Scalar(s) if s.value().as_str().is_some() => Some(Word { text: s.text.clone(), span: s.span }),
            _ => cx.wrong_type(node, "a text"),
        }
    }
}

/// Implements a schema of `{ "type": … }` under no name of its own.
#[macro_export]
macro_rules! plain_schema {
    ($type:ty, $json:tt) => {
        impl schemars::JsonSchema for $type {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($type).into()
            }
            fn inline_schema() -> bool {
                true
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!($json)
            }
        }
    };
}

plain_schema!(Word, { "type": "string" });

impl FromNode for Scalar {
    fn from_node(node: &Node, cx: &mut Lowering<'_>) -> Option<Self> {
        match node {
            Node::Scalar(s) => Some(s.clone()),
            _ => cx.wrong_type(node, "a single value"),
        }
    }
}
plain_schema!(Scalar, { "type": ["string", "number", "boolean", "null"] });

impl FromNode for Node {
    fn from_node(node: &Node, _: &mut Lowering<'_>) -> Option<Self> {
        Some(node.clone())
    }
}
plain_schema!(Node, true);

impl FromNode for bool {
    fn from_node(node: &Node, cx: &mut Lowering<'_>) -> Option<Self> {
        match node {
            Node::Scalar(s) if s.value().as_bool().is_some() => s.value().as_bool(),
            _ => cx.wrong_type(node, "a boolean (true or false)"),
        }
    }
}

impl FromNode for u32 {
    fn from_node(node: &Node, cx: &mut Lowering<'_>) -> Option<Self> {
        match node {
            Node::Scalar(s) if matches!(s.value().data, Data::Int(_)) => match s.value().as_int().map(u32::try_from) {
                Some(Ok(n)) => Some(n),
                _ => {
                    cx.push(Diagnostic::error(
                        &BAD_FORM,
                        s.span,
                        format!("{} is not between 0 and {}", s.text, u32::MAX),
                    ));
                    None
                }
            },
            _ => cx.wrong_type(node, WHOLE_NUMBER),
        }
    }
}

impl FromNode for Value {
    fn from_node(node: &Node, _: &mut Lowering<'_>) -> Option<Self> {
        if let Node::Broken(_) = node { None } else { Some(node.value()) }
    }
}
plain_schema!(Value, true);

/// A value with its place, for shapes whose content carries none.
#[derive(Clone, Debug)]
pub struct Placed<T> {
    /// The content.
    pub value: T,
    /// Where.
    pub at: Span,
}

impl<T> std::ops::Deref for Placed<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: FromNode> FromNode for Placed<T> {
    fn from_node(node: &Node, cx: &mut Lowering<'_>) -> Option<Self> {
        T::from_node(node, cx).map(|value| Placed { value, at: node.span() })
    }
}

impl<T: schemars::JsonSchema> schemars::JsonSchema for Placed<T> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        T::schema_name()
    }
    fn inline_schema() -> bool {
        T::inline_schema()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        T::json_schema(generator)
    }
}

/// A stretch of time: `250ms`, `30s`, `5m`, `2h`, `7d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Length(pub std::time::Duration);

impl std::str::FromStr for Length {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        let split = text.find(|c: char| !c.is_ascii_digit()).ok_or(())?;
        let number: u64 = text[..split].parse().map_err(|_| ())?;
        let millis = match text[split..].trim() {
            "ms" => 1,
            "s" => 1000,
            "m" | "min" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return Err(()),
        };
        number.checked_mul(millis).map(|ms| Length(std::time::Duration::from_millis(ms))).ok_or(())
    }
}

impl std::fmt::Display for Length {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ms = self.0.as_millis();
        for (unit, size) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)] {
            if ms >= size && ms.is_multiple_of(size) {
                return write!(f, "{}{unit}", ms / size);
            }
        }
        write!(f, "{ms}ms")
    }
}

impl FromNode for Length {
    fn from_node(node: &Node, cx: &mut Lowering<'_>) -> Option<Self> {
        let Node::Scalar(s) = node else { return cx.wrong_type(node, "a duration such as `30s`") };
        match s.text.parse() {
            Ok(length) => Some(length),
            Err(()) => {
                cx.push(
                    Diagnostic::error(&BAD_FORM, s.span, format!("`{}` is not a duration", s.text))
                        .help("write a whole number and a unit: `250ms`, `30s`, `5m`, `2h`, `7d`"),
                );
                None
            }
        }
    }
}
plain_schema!(Length, { "type": "string", "pattern": "^[0-9]+ ?(ms|s|m|min|h|d)$", "examples": ["250ms", "30s", "5m", "2h", "7d"] });

/// Declares a struct that reads itself from a YAML map; see the head of this file.
///
/// `field: Type` reads the key `field`, `field as "key": Type` another key. `Option<T>`, `Vec<T>` and `Named<T>` may be
/// absent (mark the latter two `#[schemars(default)]`). Each struct also gets `at`, the place of its map.
#[macro_export]
macro_rules! shape {
    ($(#[$meta:meta])* $what:literal $vis:vis struct $name:ident {
        $($(#[$fmeta:meta])* $field:ident $(as $key:literal)? : $ty:ty,)*
    }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, schemars::JsonSchema)]
        #[schemars(deny_unknown_fields)]
        $vis struct $name {
            $($(#[$fmeta])* $(#[schemars(rename = $key)])? pub $field: $ty,)*
            /// Where it stands.
            #[schemars(skip)]
            pub at: $crate::base::source::Span,
        }
        impl $name {
            /// The keys that this map takes.
            pub const KEYS: &'static [&'static str] = &[$($crate::shape!(@key $field $($key)?)),*];
        }
        impl $crate::base::shape::FromNode for $name {
            fn from_node(node: &$crate::base::yaml::Node, cx: &mut $crate::base::shape::Lowering<'_>) -> Option<Self> {
                let $crate::base::yaml::Node::Map(..) = node else { return cx.no_map(node, concat!($what, ", which is a map"), Self::KEYS) };
                cx.unknown_keys(node, Self::KEYS, $what);
                $(let $field = $crate::base::shape::field::<$ty>(node, $crate::shape!(@key $field $($key)?), Self::KEYS, $what, cx);)*
                Some($name { $($field: $field?,)* at: node.span() })
            }
        }
    };
    (@key $field:ident) => { stringify!($field) };
    (@key $field:ident $key:literal) => { $key };
}

/// Declares an enum of fixed words: `words! { "a risk" pub enum Risk { /// doc  Low = "low", … } }`.
#[macro_export]
macro_rules! words {
    ($(#[$meta:meta])* $what:literal $vis:vis enum $name:ident { $($(#[$vmeta:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, schemars::JsonSchema)]
        $vis enum $name { $($(#[$vmeta])* #[schemars(rename = $word)] $variant,)* }
        impl $name {
            /// Every word.
            pub const WORDS: &'static [&'static str] = &[$($word),*];
            /// The word as playbooks write it.
            pub fn word(self) -> &'static str {
                match self { $($name::$variant => $word),* }
            }
            /// The variant of a word.
            pub fn of(word: &str) -> Option<Self> {
                match word { $($word => Some($name::$variant),)* _ => None }
            }
        }
        impl $crate::base::shape::FromNode for $name {
            fn from_node(node: &$crate::base::yaml::Node, cx: &mut $crate::base::shape::Lowering<'_>) -> Option<Self> {
                // A number that is none of the words would be none in quotes, either.
                let word = match node {
                    $crate::base::yaml::Node::Scalar(s) if !s.text.is_empty() && Self::of(&s.text).is_none() => {
                        $crate::base::shape::Word { text: s.text.clone(), span: s.span }
                    }
                    _ => <$crate::base::shape::Word as $crate::base::shape::FromNode>::from_node(node, cx)?,
                };
                let found = Self::of(word.as_str());
                if found.is_none() {
                    cx.push(
                        $crate::base::diagnostic::Diagnostic::error(&$crate::base::shape::UNKNOWN_WORD, word.span, format!("`{}` is not {}", word.as_str(), $what))
                            .suggest(word.as_str(), Self::WORDS.iter().copied()),
                    );
                }
                found
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::yaml;

    words! { "a colour" pub enum Colour { Red = "red", Green = "green", } }
    shape! { "a box" pub struct Crate { name: Word, colour: Option<Colour>, sizes: Vec<u32>, every as "each": Option<Length>, } }

    fn read(text: &str) -> (Option<Crate>, Vec<String>) {
        let source = Source::new("t", text);
        let mut problems = Diagnostics::new(source.clone());
        let node = yaml::parse(&source, yaml::LIMITS, &mut problems).unwrap();
        let read = Crate::from_node(&node, &mut Lowering::new(&mut problems));
        let found = problems.sorted().iter().map(|d| format!("{} {} {:?}", d.code.id, d.message, d.help)).collect();
        (read, found)
    }

    #[test]
    fn all_problems_of_a_map_are_found_in_one_go() {
        let (none, found) = read("nmae: x\ncolour: rde\nsizes: [1, -1, a]\neach: 5 weeks\n");
        assert!(none.is_none());
        assert_eq!(
            found,
            [
                "E0101 a box has no key `nmae` [\"did you mean `name`?\"]",
                "E0104 `rde` is not a colour [\"did you mean `red`?\"]",
                "E0105 -1 is not between 0 and 4294967295 []",
                "E0103 expected a whole number, found a text [\"write decimal digits alone, without quotes, such as `15`\"]",
                "E0105 `5 weeks` is not a duration [\"write a whole number and a unit: `250ms`, `30s`, `5m`, `2h`, `7d`\"]",
            ]
        );
        for (written, help) in [
            ("v1", "write `1`"),
            ("1.0", "write `1`"),
            ("010", "write `10`"),
            ("0o17", "write decimal digits alone, without quotes, such as `15`"),
            ("\"3\"", "write it without quotes: `3`"),
        ] {
            let (_, found) = read(&format!("name: x\nsizes: [{written}]"));
            assert!(found.len() == 1 && found[0].ends_with(&format!("[{help:?}]")), "{found:?}");
        }
        let (read, found) = read("name: x\neach: 5m");
        let read = read.unwrap();
        assert!(found.is_empty() && read.sizes.is_empty() && read.colour.is_none());
        assert_eq!((read.name.as_str(), read.at.start, Colour::of("red").map(Colour::word)), ("x", 0, Some("red")));
        assert_eq!(read.every.unwrap().to_string(), "5m");
    }
}
