//! The forms in which others write a secret: percent-encoded, in JSON, in HTML, in base64, in hexadecimal digits. Knows nothing of
//! who looks for them.

use crate::base::{json, value};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};
use std::fmt::Write;

/// What RFC 3986 leaves alone: nearly every encoder of our days.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// `encodeURIComponent` of JavaScript.
const COMPONENT: &AsciiSet = &UNRESERVED.remove(b'!').remove(b'\'').remove(b'(').remove(b')').remove(b'*');
/// A text that may be a path, as Python quotes it.
const PATH_TEXT: &AsciiSet = &UNRESERVED.remove(b'/');
/// A form of a web page; a blank becomes `+`.
const FORM: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'*');
/// What a parser of addresses repairs by itself in a query, in a path and before `@`.
const QUERY: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'<').add(b'>').add(b'\'');
const PATH: &AsciiSet = &QUERY.remove(b'\'').add(b'?').add(b'`').add(b'{').add(b'}');
const USER: &AsciiSet =
    &PATH.add(b'/').add(b':').add(b';').add(b'=').add(b'@').add(b'[').add(b'\\').add(b']').add(b'^').add(b'|');

/// A line of a text of several lines (a key in PEM) is a secret of its own from so many bytes on: others show it line by line.
const LINE: usize = 16;

/// The text itself and every other form, each once.
pub(super) fn of(text: &str) -> Vec<String> {
    let mut forms = vec![text.to_owned(), text.trim().to_owned(), as_a_terminal_shows(text)];
    forms.extend(text.lines().map(str::trim).filter(|l| l.len() >= LINE && !l.starts_with("-----")).map(str::to_owned));
    json_forms(text, &mut forms);
    let mut others = Vec::new();
    percent(text, &mut others);
    html(text, &mut others);
    others.extend(base64(text));
    // In single quotes, as Python, Ruby and JavaScript show a text.
    others.push(text.replace('\\', "\\\\").replace('\'', "\\'"));
    // In a line of CSV, and in a text of SQL.
    others.extend([text.replace('"', "\"\""), text.replace('\'', "''")]);
    let hex = value::hex(text.as_bytes())[2..].to_owned();
    others.push(hex.to_uppercase());
    others.push(hex);
    // Any of these may stand in a JSON document, and that one in another.
    for other in others {
        let once = quoted(&other, Style::default());
        forms.push(quoted(&once, Style::default()));
        forms.push(quoted(&other, Style { slash: true, ..Style::default() }));
        forms.push(once);
        forms.push(other);
    }
    forms.sort();
    forms.dedup();
    forms
}

/// Reports write control characters by their code, and a tab as a blank.
fn as_a_terminal_shows(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\t' => out.push(' '),
            c if c.is_control() && c != '\n' => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out
}

fn percent(text: &str, forms: &mut Vec<String>) {
    let with = |set| utf8_percent_encode(text, set).to_string();
    let plus = |set| with(set).replace("%20", "+");
    let sets = [NON_ALPHANUMERIC, UNRESERVED, COMPONENT, PATH_TEXT, QUERY, PATH, USER];
    let all: Vec<String> = sets.into_iter().map(with).chain([FORM, UNRESERVED].into_iter().map(plus)).collect();
    forms.extend(all.iter().map(|form| lower_codes(form)));
    forms.extend(all);
}

/// `%2F` as `%2f`.
fn lower_codes(form: &str) -> String {
    let mut left = 0;
    form.chars()
        .map(|c| {
            left = if c == '%' { 2 } else { i32::max(left - 1, -1) };
            if left >= 0 { c.to_ascii_lowercase() } else { c }
        })
        .collect()
}

fn html(text: &str, forms: &mut Vec<String>) {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    for quote in ["\"", "&quot;", "&#34;", "&#x22;"] {
        let text = text.replace('"', quote);
        for apostrophe in ["'", "&#39;", "&#x27;", "&#039;", "&apos;"] {
            let text = text.replace('\'', apostrophe);
            forms.push(text.replace('/', "&#x2F;"));
            forms.push(text);
        }
    }
}

/// Wherever in a longer text it begins (`user:password` is encoded as one).
fn base64(text: &str) -> impl Iterator<Item = String> {
    ["", "x", "xx"].into_iter().flat_map(move |lead| {
        let all = format!("{lead}{text}");
        // Only the characters that depend on nothing but the secret.
        let from = [0, 2, 3][lead.len()];
        let without_end = usize::from(!all.len().is_multiple_of(3));
        [STANDARD_NO_PAD.encode(&all), URL_SAFE_NO_PAD.encode(&all)]
            .map(|form| form.get(from..form.len() - without_end).unwrap_or("").to_owned())
    })
}

/// How a writer of JSON escapes what it need not.
#[derive(Clone, Copy, Default)]
struct Style {
    /// `\/`
    slash: bool,
    /// Nothing beyond ASCII.
    ascii: bool,
    /// These by their code.
    codes: &'static str,
    /// With `\u00E4` and not `\u00e4`.
    upper: bool,
}

fn json_forms(text: &str, forms: &mut Vec<String>) {
    let plain = Style::default();
    let styles = [
        plain,
        Style { slash: true, ..plain },
        Style { ascii: true, ..plain },
        Style { ascii: true, slash: true, ..plain },
        Style { codes: "<>&", ..plain },
        Style { codes: "<>&'", ascii: true, ..plain },
        Style { codes: "<>&'", ascii: true, upper: true, ..plain },
        Style { codes: "\"<>&'+`", ascii: true, upper: true, ..plain },
    ];
    for style in styles {
        // A text that quotes an answer that quotes another one.
        let once = quoted(text, style);
        let twice = quoted(&once, plain);
        forms.extend([quoted(&twice, plain), quoted(&once, style), once, twice]);
    }
}

fn quoted(text: &str, style: Style) -> String {
    let mut quoted = String::with_capacity(text.len() + 8);
    if style.codes.contains('"') {
        // The house's own way to quote would write it short.
        let parts: Vec<String> = text.split('"').map(quoted_short).collect();
        quoted.push_str(&parts.join("\\u0022"));
    } else {
        quoted = quoted_short(text);
    }
    let mut out = String::with_capacity(quoted.len());
    for c in quoted.chars() {
        let coded = style.codes.contains(c) && c != '"' || style.ascii && !c.is_ascii();
        match c {
            '/' if style.slash => out.push_str("\\/"),
            c if coded => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    let _ = if style.upper { write!(out, "\\u{unit:04X}") } else { write!(out, "\\u{unit:04x}") };
                }
            }
            c => out.push(c),
        }
    }
    out
}

fn quoted_short(text: &str) -> String {
    let mut out = String::new();
    json::quote(text, &mut out);
    out[1..out.len() - 1].to_owned()
}
