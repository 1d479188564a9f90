//! YAML text → a tree in which every node knows its place.
//!
//! Read by **serde-saphyr** (its event parser): the archived `serde_yaml` family takes seconds of CPU for 64 KB of `[`
//! and silently keeps the last of two equal keys. We use the events rather than serde because we need the style of
//! each scalar, the tags and anchors (refused here), and all problems of a file in one go.
//!
//! YAML 1.2 core schema, one document, no anchors, aliases, merge keys or tags, only text keys, bounded size.

mod lines;
mod tree;
mod unreadable;

use super::{
    decimal::Decimal,
    diagnostic::{Code, Diagnostic, Diagnostics},
    source::{Source, Span},
    value::{Data, Value},
};
use std::sync::Arc;
use tree::{Stop, Tree};

/// Limits for untrusted files.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of the file; looked at before it is read.
    pub bytes: usize,
    /// Nesting.
    pub depth: usize,
    /// Scalars, lists and maps together.
    pub nodes: usize,
}

/// The limits of playbooks and project files (`docs/language.md`, "Limits").
pub const LIMITS: Limits = Limits { bytes: 256 * 1024, depth: 32, nodes: 10_000 };

/// The limits of test and mock files, which carry data.
pub const DATA_LIMITS: Limits = Limits { bytes: 4 * 1024 * 1024, depth: 48, nodes: 200_000 };

/// How a scalar was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Without quotes: may be a number, a boolean or null.
    Plain,
    /// In quotes or as a block: always text.
    Text,
    /// Text that stands in no file: it was made of a part of one, and every place in it is that part as a whole.
    Made,
}

/// A scalar with its place.
#[derive(Clone, Debug)]
pub struct Scalar {
    /// The characters after YAML's own escapes.
    pub text: Arc<str>,
    /// Plain or quoted.
    pub style: Style,
    /// From the first character (the quote, the `|`) to the last.
    pub span: Span,
}

/// One `key: value`.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The key.
    pub key: Scalar,
    /// The value.
    pub node: Node,
}

/// A place in the tree.
#[derive(Clone, Debug)]
pub enum Node {
    /// One value.
    Scalar(Scalar),
    /// `- a`.
    List(Vec<Node>, Span),
    /// `a: b`, keys distinct.
    Map(Vec<Entry>, Span),
    /// Something already reported; readers pass over it in silence.
    Broken(Span),
}

impl Node {
    /// Where a caret for this node goes: a scalar itself, the first key of a block.
    pub fn span(&self) -> Span {
        match self {
            Node::Scalar(s) => s.span,
            Node::List(_, span) | Node::Map(_, span) | Node::Broken(span) => *span,
        }
    }

    /// The word for its kind.
    pub fn kind(&self) -> &'static str {
        match self {
            Node::Scalar(s) => s.value().kind(),
            Node::List(..) => "a list",
            Node::Map(..) => "a map",
            Node::Broken(_) => "nothing readable",
        }
    }

    /// The entry with this key.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        match self {
            Node::Map(entries, _) => entries.iter().find(|e| &*e.key.text == key),
            _ => None,
        }
    }

    /// The value at this key.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|e| &e.node)
    }

    /// The plain value of the whole tree, templates left as text.
    pub fn value(&self) -> Value {
        match self {
            Node::Scalar(s) => s.value(),
            Node::List(nodes, _) => Value::list(nodes.iter().map(Node::value)),
            Node::Map(entries, _) => Value::map(entries.iter().map(|e| (e.key.text.clone(), e.node.value()))),
            Node::Broken(_) => Value::NULL,
        }
    }
}

impl Scalar {
    /// Its value under the YAML 1.2 core schema; decimals keep their digits, `0123` and `1_000` are text.
    pub fn value(&self) -> Value {
        if self.style != Style::Plain {
            return Value::text(self.text.clone());
        }
        match &*self.text {
            "" | "~" | "null" | "Null" | "NULL" => return Value::NULL,
            "true" | "True" | "TRUE" => return true.into(),
            "false" | "False" | "FALSE" => return false.into(),
            _ => {}
        }
        let digits = self.text.strip_prefix(['-', '+']).unwrap_or(&self.text);
        let leading_zero = digits.len() > 1 && digits.starts_with('0') && !digits.starts_with("0.");
        if digits.starts_with(|c: char| c.is_ascii_digit()) && !leading_zero {
            if let Ok(n) = self.text.parse::<i64>() {
                return n.into();
            }
            if digits.contains('.')
                && let Ok(decimal) = self.text.parse::<Decimal>()
            {
                return Data::Decimal(decimal).into();
            }
            if digits.contains(['e', 'E'])
                && let Ok(f) = self.text.parse::<f64>()
            {
                return Data::Float(f).into();
            }
        }
        Value::text(self.text.clone())
    }

    /// The file offset of byte `at` of the decoded text: for carets inside SQL and templates.
    pub fn offset(&self, source: &Source, at: usize) -> usize {
        if self.style == Style::Made {
            return self.span.start;
        }
        let raw = source.slice(self.span);
        let mut from = match raw.as_bytes().first() {
            Some(b'"' | b'\'') => 1,
            Some(b'|' | b'>') => raw.find('\n').map_or(raw.len(), |n| n + 1),
            _ => 0,
        };
        let double = raw.starts_with('"');
        for c in self.text.get(..at).unwrap_or(&self.text).chars() {
            from = after(raw, from, c, double);
        }
        // Stand on the character itself, not on indentation before it.
        if let Some(next) = self.text.get(at..).and_then(|rest| rest.chars().next()) {
            while !next.is_whitespace() && raw[from..].starts_with([' ', '\n', '\t']) {
                from += 1;
            }
        }
        (self.span.start + from).min(self.span.end)
    }

    /// The span of a range of the decoded text.
    pub fn inner(&self, source: &Source, range: std::ops::Range<usize>) -> Span {
        if self.style == Style::Made {
            return self.span;
        }
        Span::new(self.offset(source, range.start), self.offset(source, range.end))
    }
}

/// Where the raw text goes on after the decoded character `c`.
fn after(raw: &str, from: usize, c: char, double: bool) -> usize {
    let rest = &raw[from..];
    if double && rest.starts_with('\\') && c != '\\' || double && rest.starts_with("\\\\") {
        let length = match rest.as_bytes().get(1) {
            Some(b'x') => 4,
            Some(b'u') => 6,
            Some(b'U') => 10,
            _ => 2,
        };
        return from + length.min(rest.len());
    }
    if rest.starts_with("''") && c == '\'' {
        return from + 2;
    }
    // Skip indentation and folded line breaks until the character itself shows up.
    rest.char_indices()
        .take(400)
        .take_while(|(i, d)| *i == 0 || d.is_whitespace() || *d == c)
        .find(|(_, d)| *d == c || (c == ' ' && *d == '\n'))
        .map_or_else(|| from + rest.chars().next().map_or(0, char::len_utf8), |(i, d)| from + i + d.len_utf8())
}

/// The file is not YAML at all.
pub static NOT_YAML: Code = Code {
    id: "E0001",
    title: "not readable as YAML",
    explain: "The file breaks YAML's own grammar, so nothing in it can be checked. Most often the indentation of one line \
        differs from its neighbours, a quote or bracket is not closed, a tab indents a line, or a text that contains `: ` \
        or ` #` needs quotes.",
};
/// Too big.
pub static TOO_LARGE: Code = Code {
    id: "E0002",
    title: "larger than a playbook may be",
    explain: "A playbook or project file may have 256 KiB, 10 000 nodes and a nesting of 32; a test or mock file 4 MiB, \
        200 000 nodes and a nesting of 48. The limits keep a hostile or broken file from using up memory. Data belongs \
        into a CSV file that the playbook names.",
};
/// The same key twice.
pub static DUPLICATE_KEY: Code = Code {
    id: "E0003",
    title: "the same key twice",
    explain: "A map may hold each key once. YAML libraries differ in which of two equal keys wins, so neither is taken. \
        Remove one, or rename it.",
};
/// Anchors, aliases, tags.
pub static NO_ANCHORS: Code = Code {
    id: "E0004",
    title: "anchors, aliases, merge keys and tags are not part of the language",
    explain: "`&name`, `*name`, `<<:` and `!tag` make a file say something else than what stands at the place where one \
        reads it, and they are the usual way to blow a small file up to gigabytes. Use `vars:` for a value that is needed twice.",
};
/// A key that is not text.
pub static KEY_NOT_TEXT: Code = Code {
    id: "E0005",
    title: "a key must be a text",
    explain: "Keys are words. A number, a boolean (`true`), null, a list or a map as key is refused; put quotes around a \
        number that is meant as a name: `\"404\": …`.",
};
/// More than one document.
pub static ONE_DOCUMENT: Code = Code {
    id: "E0006",
    title: "one file holds one document",
    explain: "A line `---` in the middle begins a second YAML document. Put the second one into a file of its own.",
};
/// `key: {{ x }}`.
pub static UNQUOTED_TEMPLATE: Code = Code {
    id: "E0007",
    title: "an expression at the start of a value needs quotes",
    explain: "YAML reads `{{ x }}` without quotes as a map inside a map. Write `key: \"{{ x }}\"`. A value that is exactly \
        one expression keeps its type: the quotes do not turn a number into text.",
};
/// A number that no integer can hold.
pub static NUMBER_TOO_LARGE: Code = Code {
    id: "E0008",
    title: "a whole number outside the range of 64 bits",
    explain: "Whole numbers reach from -9223372036854775808 to 9223372036854775807. Put a longer row of digits (an \
        identifier, a decimal) into quotes.",
};
/// Not UTF-8.
pub static NOT_UTF8: Code = Code {
    id: "E0009",
    title: "not UTF-8",
    explain: "Files are read as UTF-8. Save the file in that encoding; editors call it \"UTF-8\" or \"Unicode\".",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[
    &NOT_YAML,
    &TOO_LARGE,
    &DUPLICATE_KEY,
    &NO_ANCHORS,
    &KEY_NOT_TEXT,
    &ONE_DOCUMENT,
    &UNQUOTED_TEMPLATE,
    &NUMBER_TOO_LARGE,
    &NOT_UTF8,
];

/// The bytes of a file as text, without a byte order mark; a file that is not UTF-8 is a diagnostic at its first odd byte.
pub fn decode(name: &str, bytes: &[u8]) -> Result<Arc<Source>, Box<Diagnostics>> {
    let error = match std::str::from_utf8(bytes) {
        Ok(text) => return Ok(Source::new(name, text.strip_prefix('\u{feff}').unwrap_or(text))),
        Err(error) => error,
    };
    // Up to the odd byte the lossy text is the same, byte for byte.
    let (at, source) = (error.valid_up_to(), Source::new(name, String::from_utf8_lossy(bytes)));
    let odd = bytes.get(at).copied().unwrap_or_default();
    let mut problems = Diagnostics::new(source);
    problems.push(
        Diagnostic::error(
            &NOT_UTF8,
            Span::new(at, at + '\u{fffd}'.len_utf8()),
            format!("the byte 0x{odd:02x} is not UTF-8"),
        )
        .help("save the file in the encoding that editors call \"UTF-8\""),
    );
    Err(Box::new(problems))
}

/// Parses a source, without the files that it includes. What is wrong goes to `problems`; the tree is what could be read,
/// or nothing.
pub fn parse(source: &Arc<Source>, limits: Limits, problems: &mut Diagnostics) -> Option<Node> {
    parse_at(source, source.own(), limits, problems)
}

/// Parses one of the files that stand in a source's text.
pub fn parse_at(source: &Arc<Source>, file: Span, limits: Limits, problems: &mut Diagnostics) -> Option<Node> {
    let text = source.slice(file);
    let first = Span::new(file.start, file.start);
    if text.len() > limits.bytes {
        let message = format!("the file has {} bytes; at most {} are read", text.len(), limits.bytes);
        problems.push(Diagnostic::error(&TOO_LARGE, first, message));
        return None;
    }
    if let Some(at) = text.find('\0') {
        let at = file.start + at;
        problems.push(Diagnostic::error(&NOT_YAML, Span::new(at, at + 1), "the file holds a NUL byte"));
        return None;
    }
    // Places are those of the whole text: what stands before the file becomes blank, line by line.
    let before = source.text().get(..file.start).unwrap_or("");
    let mut text: String = before.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }).collect();
    text.push_str(source.slice(file));
    let document = Tree::new(source, &text, limits, problems).document();
    match document {
        Ok(Some(node)) => Some(node),
        Ok(None) => {
            problems.push(
                Diagnostic::error(&NOT_YAML, first, "the file holds nothing")
                    .help("`trueup explain playbook` shows what a playbook looks like"),
            );
            None
        }
        Err(Stop::Reported) => None,
        Err(Stop::Scan(error)) => {
            problems.push(unreadable::explain(source, file, limits, &error));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Option<Node>, Vec<String>) {
        let source = Source::new("t.yaml", text);
        let mut problems = Diagnostics::new(source.clone());
        let node = parse(&source, LIMITS, &mut problems);
        let found = problems
            .sorted()
            .iter()
            .map(|d| {
                let at = source.place(d.span.start);
                format!("{}:{}:{} {}", d.code.id, at.line, at.column, d.message)
            })
            .collect();
        (node, found)
    }

    #[test]
    fn a_tab_is_named_where_it_stands_whatever_was_read_before_it() {
        for (text, place) in [
            ("a:\n\tb: 1\n", "2:1"),
            ("a:\n  - id: x\n\trow: {}\n", "3:1"),
            ("a: some text\n\n\tmore text\nb: 1\n", "3:1"),
            ("a: |\n\tmore text\nb: 1\n", "2:1"),
            ("a:\n  b: 1\n  \tc: 2\n", "3:3"),
        ] {
            assert_eq!(read(text).1, [format!("E0001:{place} a tab indents this line")], "{text:?}");
        }
        // Another problem before it is that problem.
        let (_, found) = read("a: b: c\n\td: 1\n");
        assert!(found[0].starts_with("E0001:1:5 a text that contains `: `"), "{found:?}");
    }

    #[test]
    fn the_core_schema_of_yaml_1_2_and_nothing_older() {
        let (node, found) = read("a: [no, on, 0123, 1_000, 0x1f, 1.10, 1, -2, true, ~, .5e1, '1', 12:30]");
        assert!(found.is_empty(), "{found:?}");
        let kinds: Vec<_> = match node.unwrap().get("a").unwrap() {
            Node::List(nodes, _) => nodes.iter().map(|n| format!("{} {}", n.kind(), n.value().plain())).collect(),
            _ => panic!(),
        };
        assert_eq!(
            kinds.join(", "),
            "a text no, a text on, a text 0123, a text 1_000, a text 0x1f, a decimal 1.10, an integer 1, an integer -2, a boolean true, null null, a text .5e1, a text 1, a text 12:30"
        );
    }

    #[test]
    fn every_surprise_has_its_own_message_at_its_own_place() {
        for (text, expected) in [
            ("a: 1\na: 2", "E0003:2:1 `a` stands twice in the same map"),
            ("a: {{ x }}", "E0007:1:4 YAML reads this as a map inside a map"),
            ("a: &x 1", "E0004:1:4 an anchor stands before this value"),
            ("a: !!int 1", "E0004:1:4 a tag stands before this value"),
            ("true: 1", "E0005:1:1 a boolean cannot be a key"),
            ("404: 1", "E0005:1:1 an integer cannot be a key"),
            ("a: 99999999999999999999", "E0008:1:4 99999999999999999999 does not fit into 64 bits"),
            ("a: 1\n---\nb: 2", "E0006:2:1 a second document begins here"),
            ("a:\n  <<: {b: 1}", "E0004:2:3 `<<` would merge another map in here"),
        ] {
            let (_, found) = read(text);
            assert_eq!(found.first().map(String::as_str), Some(expected), "{text}: {found:?}");
        }
        for text in ["a: [1", "a: b: c", "a:\n\tb: 1\n\tc: 2", "a: \"x", "a:\n- b\n c: 1", "%", "a: 'x"] {
            let (_, found) = read(text);
            assert!(found.len() == 1 && found[0].starts_with("E0001"), "{text}: {found:?}");
        }
        let advice = |text: &str| {
            let source = Source::new("t.yaml", text);
            let mut problems = Diagnostics::new(source.clone());
            parse(&source, LIMITS, &mut problems);
            problems.sorted().iter().flat_map(|d| d.help.clone()).collect::<Vec<_>>().join(" ")
        };
        assert!(advice("cron: */5 * * * *").contains("needs quotes"), "{}", advice("cron: */5 * * * *"));
        assert!(advice("a: { cron: * 5 * * * }").contains("needs quotes"));
        assert!(advice("a: 1\nrow\nb: 2").contains("ends with a colon"), "{}", advice("a: 1\nrow\nb: 2"));
        let (_, found) = read(&"[".repeat(200_000));
        assert_eq!(found, ["E0002:1:256 more than 32 levels of nesting"]);
    }

    #[test]
    fn a_byte_inside_a_scalar_maps_back_to_the_file() {
        let text = "plain: select x from t\nsingle: 'it''s {{ x }}'\ndouble: \"a\\n\\\"b {{ x }}\"\nblock: |\n    select\n      {{ x }}\n    from t\nfolded: >\n  one\n  two {{ x }}\n";
        let source = Source::new("t.yaml", text);
        let mut problems = Diagnostics::new(source.clone());
        let node = parse(&source, LIMITS, &mut problems).unwrap();
        for (key, line) in [("single", 2), ("double", 3), ("block", 6), ("folded", 10)] {
            let Some(Node::Scalar(scalar)) = node.get(key) else { panic!() };
            let at = scalar.text.find("{{").unwrap();
            let offset = scalar.offset(&source, at);
            assert!(text[offset..].starts_with("{{ x"), "{key}: {:?}", &text[offset..]);
            assert_eq!(source.place(offset).line, line);
        }
    }
}
