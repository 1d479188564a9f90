//! Paths of URLs: patterns that match them segment by segment, and the encoding of one segment.
//!
//! Used by the mock's routes and by what a connection allows. Knows nothing of hosts, queries or HTTP.

use super::{
    diagnostic::Diagnostic,
    shape::{BAD_FORM, FromNode, Lowering, Word},
    yaml::Node,
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use std::{borrow::Cow, sync::Arc};

/// A pattern such as `/v2/teachers/{trn}`: literal segments, `{name}` or `*` for exactly one segment, `**` at the end
/// for one segment or more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    text: Arc<str>,
    segments: Vec<Segment>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    Literal(String),
    Named(Arc<str>),
    Any,
    Rest,
}

impl Pattern {
    /// Reads a pattern; the error says what is wrong with it, without a full stop.
    pub fn parse(text: &str) -> Result<Pattern, String> {
        let Some(rest) = text.strip_prefix('/') else { return Err("a path begins with `/`".into()) };
        let parts: Vec<&str> = rest.split('/').collect();
        let last = parts.len() - 1;
        let mut segments = Vec::with_capacity(parts.len());
        for (i, part) in parts.into_iter().enumerate() {
            segments.push(match part {
                "*" => Segment::Any,
                "**" if i == last => Segment::Rest,
                "**" => return Err("`**` stands only at the end of a path".into()),
                "." | ".." => return Err(format!("`{part}` is not a segment of a path")),
                "" if i < last => return Err("two `/` stand next to each other".into()),
                named if named.starts_with('{') && named.ends_with('}') => {
                    Segment::Named(name(&named[1..named.len() - 1])?)
                }
                literal if literal.contains(['{', '}', '*', '?', '#', '\\', ' ']) => {
                    return Err(format!("`{literal}` is neither a literal segment nor one `{{name}}`"));
                }
                literal => Segment::Literal(decoded(literal).into_owned()),
            });
        }
        Ok(Pattern { text: text.into(), segments })
    }

    /// The names in it, in order.
    pub fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.segments.iter().filter_map(|s| if let Segment::Named(name) = s { Some(name) } else { None })
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The named segments of an encoded path (without query), decoded; nothing when the path does not match.
    pub fn matches(&self, path: &str) -> Option<Vec<(Arc<str>, String)>> {
        let mut parts = path.strip_prefix('/')?.split('/');
        let mut found = Vec::new();
        for segment in &self.segments {
            let part = parts.next()?;
            match segment {
                Segment::Literal(literal) if decoded(part) != literal.as_str() => return None,
                Segment::Named(_) | Segment::Any | Segment::Rest if part.is_empty() => return None,
                Segment::Named(name) => found.push((name.clone(), decoded(part).into_owned())),
                Segment::Rest => return Some(found),
                Segment::Literal(_) | Segment::Any => {}
            }
        }
        parts.next().is_none().then_some(found)
    }
}

fn name(text: &str) -> Result<Arc<str>, String> {
    let fits = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if fits { Ok(text.into()) } else { Err(format!("`{{{text}}}` is not a name: letters, digits and `_`")) }
}

/// What RFC 3986 leaves as it is in a segment.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A text as it stands in one segment or one query value of a URL: everything but letters, digits and `-._~` encoded.
pub fn encoded(text: &str) -> Cow<'_, str> {
    utf8_percent_encode(text, UNRESERVED).into()
}

/// The text that an encoded segment or query value stands for; bytes that are no UTF-8 become `\u{fffd}`.
pub fn decoded(text: &str) -> Cow<'_, str> {
    percent_decode_str(text).decode_utf8_lossy()
}

impl FromNode for Pattern {
    fn from_node(node: &Node, cx: &mut Lowering<'_>) -> Option<Self> {
        let word = Word::from_node(node, cx)?;
        match Pattern::parse(word.as_str()) {
            Ok(pattern) => Some(pattern),
            Err(why) => {
                cx.push(
                    Diagnostic::error(&BAD_FORM, word.span, format!("`{}` is not a path: {why}", word.as_str()))
                        .help("write `/v2/teachers/{trn}`: `{name}` or `*` stands for one segment, `**` at the end for one or more"),
                );
                None
            }
        }
    }
}
crate::plain_schema!(Pattern, { "type": "string", "pattern": "^/", "examples": ["/v2/teachers/{trn}", "/v2/**"] });

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_whole_segments_and_gives_their_decoded_text() {
        let found = |pattern: &str, path: &str| {
            let found = Pattern::parse(pattern).unwrap().matches(path)?;
            Some(found.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join(","))
        };
        assert_eq!(found("/v2/teachers/{trn}", "/v2/teachers/12%2034").as_deref(), Some("trn=12 34"));
        assert_eq!(found("/a/{x}/b/{y}", "/a/1/b/2").as_deref(), Some("x=1,y=2"));
        assert_eq!(found("/a/**", "/a/b/c").as_deref(), Some(""));
        assert_eq!(found("/", "/").as_deref(), Some(""));
        for (pattern, path) in [
            ("/a/{x}", "/a/"),
            ("/a/{x}", "/a/1/2"),
            ("/a/{x}", "/a"),
            ("/a/**", "/a"),
            ("/a/**", "/ab/c"),
            ("/a", "/a/"),
            ("/a/*", "/a/b/c"),
            ("/a", "a"),
        ] {
            assert_eq!(found(pattern, path), None, "{pattern} {path}");
        }
        for bad in ["a", "", "/a/**/b", "/a//b", "/a/../b", "/a/{}", "/a/x{y}", "/a?b=1", "/{1a}"] {
            assert!(Pattern::parse(bad).is_err(), "{bad}");
        }
    }
}
