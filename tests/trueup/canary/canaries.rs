//! The canaries: a value that stands nowhere else, one for each origin of something hidden; the forms in which it might show;
//! where it may show because somebody wrote that it shall.

use base64::Engine;
use std::collections::BTreeMap;

/// Where words of the program, or of what it started, come out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sink {
    /// Standard output of every command, but for JSON, `show` and `audit`.
    Out,
    /// Standard error: problems, progress, failures of drivers, panics.
    Err,
    /// `--json`, SARIF, JSON schemas.
    Json,
    /// `show`, with `--items csv` and `--items jsonl`.
    Show,
    /// `audit verify`, `anchor`, `purge`, and the file of anchors.
    Audit,
    /// Files of saved plans.
    PlanFile,
    /// The journal's file.
    Journal,
    /// Its write-ahead log, as processes that were killed leave it.
    Wal,
    /// What people are told through a file.
    Told,
    /// Mails.
    Mail,
    /// What a webhook of Slack gets.
    Slack,
    /// Arguments and environment of the programs that it starts.
    Child,
    /// Requests to another API than the one that a secret is for.
    OtherHost,
    /// Every other file that it makes, and its own arguments as the machine shows them.
    Files,
}

pub const SINKS: [Sink; 14] = [
    Sink::Out,
    Sink::Err,
    Sink::Json,
    Sink::Show,
    Sink::Audit,
    Sink::PlanFile,
    Sink::Journal,
    Sink::Wal,
    Sink::Told,
    Sink::Mail,
    Sink::Slack,
    Sink::Child,
    Sink::OtherHost,
    Sink::Files,
];

/// A hidden value.
#[derive(Clone, Debug)]
pub struct Canary {
    /// Where it comes from.
    pub origin: &'static str,
    /// The value.
    pub value: String,
    /// The sinks in which somebody wants it: the person who gets it revealed, the program that it is for.
    pub wanted: &'static [Sink],
}

/// Every origin, with the sinks in which its value is wanted.
const ORIGINS: [(&str, &[Sink]); 24] = [
    // secrets
    ("database password, environment", &[]),
    ("database password, file", &[]),
    ("Redis password", &[]),
    ("bearer token", &[]),
    ("basic password", &[]),
    ("header secret, file", &[]),
    ("OAuth2 client secret", &[]),
    ("OAuth2 access token", &[]),
    ("webhook URL", &[]),
    ("program's variable", &[Sink::Child]),
    ("environment variable that nobody asked for", &[]),
    ("secret parameter", &[]),
    // personal values
    ("mail address of a person", &[Sink::Mail]),
    ("personal parameter", &[]),
    ("personal column, read", &[Sink::Slack]),
    ("personal column, written", &[]),
    ("personal column, in a constraint that fails", &[]),
    ("personal part of an answer", &[]),
    ("personal part of a query", &[]),
    ("personal part of a body", &[]),
    ("personal column of a CSV file", &[]),
    ("personal column of a CSV row that is refused", &[]),
    ("personal argument of a program", &[Sink::Child]),
    ("personal output of a program", &[]),
];

/// One for each origin. Values have what breaks careless escaping where their place can hold it.
pub fn all() -> BTreeMap<&'static str, Canary> {
    ORIGINS
        .iter()
        .enumerate()
        .map(|(n, (origin, wanted))| {
            let plain =
                ["header secret", "environment", "OAuth2 access", "bearer", "mail address", "webhook", "argument"]
                    .iter()
                    .any(|part| origin.contains(part));
            let value = match *origin {
                "mail address of a person" => format!("kanari{n:02}qzv@example.org"),
                _ if plain => format!("Kanari{n:02}Qzv7Wx3m"),
                _ => format!("Kanari{n:02}Qzv&\"7Wx/3m+"),
            };
            (*origin, Canary { origin, value, wanted })
        })
        .collect()
}

pub const FORMS: [&str; 8] = ["raw", "URL", "JSON", "HTML", "hex", "base64", "base64 after one", "base64 after two"];

/// The value in every form. A form that is the same as an earlier one is looked for all the same.
pub fn forms(value: &str) -> [String; 8] {
    let url: String = value
        .bytes()
        .map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect();
    let json = value.replace('\\', "\\\\").replace('"', "\\\"");
    let html = value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    let hex: String = value.bytes().map(|b| format!("{b:02x}")).collect();
    // Of the value at each place in three bytes, only the characters that depend on nothing but it.
    let base64 = |lead: usize| {
        let whole = base64::engine::general_purpose::STANDARD_NO_PAD.encode(format!("{}{value}", "x".repeat(lead)));
        let from = [0, 2, 3][lead];
        let end = whole.len() - usize::from(!(lead + value.len()).is_multiple_of(3));
        whole[from..end].to_owned()
    };
    [value.to_owned(), url, json, html, hex, base64(0), base64(1), base64(2)]
}

/// Looks for every canary in every form in every sink. How many cells were looked at, and what was found where it is not
/// wanted.
pub fn search(canaries: &BTreeMap<&'static str, Canary>, sinks: &BTreeMap<Sink, String>) -> (usize, Vec<String>) {
    let (mut cells, mut found) = (0, Vec::new());
    for canary in canaries.values() {
        for (form, text) in FORMS.iter().zip(forms(&canary.value)) {
            for sink in SINKS {
                cells += 1;
                let all = sinks.get(&sink).map_or("", String::as_str);
                if !canary.wanted.contains(&sink)
                    && let Some(at) = all.find(&text)
                {
                    let from = all.floor_char_boundary(at.saturating_sub(160));
                    let to = all.ceil_char_boundary((at + text.len() + 60).min(all.len()));
                    found.push(format!("{} ({form}) in {sink:?}: …{}…", canary.origin, &all[from..to]));
                }
            }
        }
    }
    (cells, found)
}

#[test]
fn every_form_of_a_canary_is_found_where_it_stands() {
    let canaries = all();
    assert_eq!((canaries.len(), SINKS.len(), FORMS.len()), (24, 14, 8));
    let one = &canaries["database password, file"];
    for form in forms(&one.value) {
        for sink in SINKS {
            let sinks = BTreeMap::from([(sink, format!("before {form} after"))]);
            let (cells, found) = search(&canaries, &sinks);
            assert_eq!(cells, 2688);
            assert!(
                found.iter().any(|f| f.starts_with(one.origin) && f.contains(&format!("in {sink:?}"))),
                "{form}: {found:?}"
            );
        }
    }
}
