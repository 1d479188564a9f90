//! `trueup explain CODE|ACTION|FIELD`: a code, a kind of step, a key of a file, or a filter, test or function.
//! Keys of test files come with their schema from above.
//!
//! Holds no text of its own: codes come from the one list of `check`, kinds from the one table of `action`, keys from the
//! schemas (that is, from the doc comments of the types that read the files), functions from the template layer.

pub mod keys;

use crate::{
    action::kinds::{KINDS, Kind, Nature},
    base::{diagnostic::Code, suggest, value::Value},
    check,
    engine::trouble::AT_RUN_TIME,
    report::{diagnostics::wrapped, plan_json::FORMAT, pretty},
    template::{Described, builtin},
};
use keys::{Key, Place};

/// The most columns of an explanation: longer lines are hard to read.
pub const WIDTH: usize = 96;
/// Narrower than this it is not written: beside the names of keys no room would be left.
const NARROW: usize = 40;

/// Every code that people can read: of files, and of a step that did not go through.
pub fn codes() -> Vec<&'static Code> {
    let mut all = check::codes();
    all.push(&AT_RUN_TIME);
    all.sort_by_key(|code| code.id);
    all
}

/// Another kind of file, of which this layer knows nothing: `test`, and its schema.
pub type Other = (&'static str, serde_json::Value);

/// The explanation, as text with light Markdown; the error is a help sentence with near words. What only the `others` know is
/// looked up there, and everything of theirs by `test.KEY`. `width`: the reader's columns.
pub fn explain(topic: &str, others: &[Other], width: usize) -> Result<String, String> {
    let width = width.clamp(NARROW, WIDTH);
    let topic = topic.trim();
    let named = others.iter().find_map(|(file, schema)| {
        let rest = topic.strip_prefix(file)?;
        Some((*file, schema, if rest.is_empty() { rest } else { rest.strip_prefix('.')? }))
    });
    if let Some((file, schema, rest)) = named
        && let Some(text) = in_file(file, schema, rest, width)
    {
        return Ok(text);
    }
    of_playbooks(topic, width).or_else(|help| {
        let found = others.iter().find_map(|(file, schema)| in_file(file, schema, topic, width));
        found.ok_or_else(|| {
            let names = others.iter().flat_map(|(file, schema)| keys::of(file, schema)).flat_map(|place| place.keys);
            let names: Vec<String> = names.map(|key| key.name).collect();
            let near = suggest::nearest(topic, names.iter().map(String::as_str));
            near.filter(|_| !help.starts_with("did you mean")).map_or(help, |near| format!("did you mean `{near}`?"))
        })
    })
}

/// The same for machines and editors: the text is Markdown.
pub fn json(topic: &str, text: &str) -> String {
    pretty::document(&Value::map([
        ("format", FORMAT.into()),
        ("kind", "explanation".into()),
        ("topic", topic.trim().into()),
        ("text", text.into()),
    ]))
}

/// A file as a whole, a map of it, a key, or a word that a key takes.
fn in_file(file: &'static str, schema: &serde_json::Value, topic: &str, width: usize) -> Option<String> {
    let places = keys::of(file, schema);
    if topic.is_empty() {
        return places.iter().find(|place| place.path.is_empty()).map(|place| of_place(place, width));
    }
    let of_word = |key: &Key| key.words.iter().any(|(word, _)| word == topic);
    let found: Vec<(&Place, &Key)> = places
        .iter()
        .flat_map(|place| place.keys.iter().map(move |key| (place, key)))
        .filter(|(place, key)| is_called(place, key, topic) || of_word(key))
        .collect();
    let inside = places.iter().find(|place| !place.path.is_empty() && place.name() == topic && !topic.contains('.'));
    let text: Vec<String> =
        of_keys(&found, width).into_iter().chain(inside.map(|place| of_place(place, width))).collect();
    (!text.is_empty()).then(|| text.join("\n"))
}

fn of_playbooks(topic: &str, width: usize) -> Result<String, String> {
    if let Some(code) = codes().into_iter().find(|code| code.id.eq_ignore_ascii_case(topic)) {
        return Ok(of_code(code, width));
    }
    let places = keys::all();
    let mut parts = Vec::new();
    if let Some(kind) = KINDS.iter().find(|kind| kind.word == topic) {
        parts.push(of_kind(kind, places, width));
    } else if let Some(place) = places
        .iter()
        .find(|place| place.path.is_empty() && place.file == topic || place.name() == topic && !topic.contains('.'))
    {
        parts.push(of_place(place, width));
    }
    let found: Vec<(&Place, &Key)> = places
        .iter()
        .flat_map(|place| place.keys.iter().map(move |key| (place, key)))
        .filter(|(place, key)| {
            is_called(place, key, topic) && !(parts.len() == 1 && place.path == ["step"] && key.name == topic)
        })
        .collect();
    parts.extend(of_keys(&found, width));
    parts.extend(of_functions(topic, width));
    if parts.is_empty() {
        return Err(unknown(topic, places));
    }
    Ok(parts.join("\n"))
}

fn of_code(code: &Code, width: usize) -> String {
    format!("{}: {}\n\n{}", code.id, code.title, paragraphs(code.explain, "", width))
}

/// Kinds that hold other steps or lead to them.
const LEADS: &[&str] = &["block", "choose", "call", "use", "undo", "wait"];

fn of_kind(kind: &Kind, places: &[Place], width: usize) -> String {
    let nature = match kind.nature {
        Nature::Read => "reads only: allowed in `preconditions`, `steps` and `verification`",
        Nature::Write => "changes something: allowed in `steps`",
        Nature::Either => "reads or changes something, as its keys say; what changes something is allowed in `steps`",
        Nature::People => "reaches a person: `ask` in `steps`, `tell` also in `afterwards`",
        // What stands inside says for itself what it does.
        Nature::Flow if LEADS.contains(&kind.word) => "touches nothing by itself; the steps that it leads to do",
        Nature::Flow => "looks only at values",
    };
    let mut text = format!(
        "{}: {}\n\n{}",
        kind.word,
        kind.summary.trim(),
        paragraphs(&format!("A kind of step; {nature}."), "", width)
    );
    if let Some(place) = places.iter().find(|place| place.path == [kind.word]) {
        text.push_str(&format!("\n{}\nKeys:\n{}", paragraphs(&place.about, "", width), table(&place.keys, width)));
    }
    text.push_str("\nExample:\n\n");
    for (index, line) in kind.example.lines().enumerate() {
        text.push_str(&format!("  {} {line}\n", if index == 0 { "-" } else { " " }));
    }
    let more = "Any step may also say `id`, `title`, `when`, `otherwise` and more: `trueup explain step`.";
    text.push_str(&format!("\n{}", paragraphs(more, "", width)));
    text
}

fn of_place(place: &Place, width: usize) -> String {
    format!("{}\n\n{}\nKeys:\n{}", place.name(), paragraphs(&place.about, "", width), table(&place.keys, width))
}

/// One key at length, several in short.
fn of_keys(found: &[(&Place, &Key)], width: usize) -> Option<String> {
    let mut text = String::new();
    for (place, key) in found {
        let must = if key.required { ", required" } else { "" };
        text.push_str(&format!(
            "{} (in a {} file{must})\n{}",
            shown_path(place, key),
            place.file,
            paragraphs(&key.about, "  ", width)
        ));
        text.push_str(&paragraphs(&format!("Takes {}.", key.takes), "  ", width));
        for (word, meaning) in &key.words {
            text.push_str(&paragraphs(&format!("- `{word}`: {meaning}"), "  ", width));
        }
        if !key.examples.is_empty() {
            text.push_str(&format!(
                "  For example: {}\n",
                key.examples.iter().map(|e| format!("`{}: {e}`", key.name)).collect::<Vec<_>>().join(", ")
            ));
        }
        text.push('\n');
    }
    text.truncate(text.trim_end().len());
    (!text.is_empty()).then(|| format!("{text}\n"))
}

fn shown_path(place: &Place, key: &Key) -> String {
    place.path.iter().map(String::as_str).chain([key.name.as_str()]).collect::<Vec<_>>().join(".")
}

/// `only_if`, `row.only_if` and `connections.NAME.http.base` (or `http.base`): the end of the path, NAME left out or not.
fn is_called(place: &Place, key: &Key, topic: &str) -> bool {
    let wanted: Vec<&str> = topic.split('.').collect();
    let whole: Vec<&str> = place.path.iter().map(String::as_str).chain([key.name.as_str()]).collect();
    let bare: Vec<&str> = whole.iter().copied().filter(|part| *part != keys::NAME).collect();
    whole.ends_with(&wanted) || bare.ends_with(&wanted)
}

fn of_functions(topic: &str, width: usize) -> Option<String> {
    let name = topic.trim_end_matches("()");
    let lists: [(&str, &[Described]); 3] =
        [("a filter", builtin::FILTERS), ("a test", builtin::TESTS), ("a function", builtin::FUNCTIONS)];
    let found: Vec<String> = lists
        .iter()
        .flat_map(|(what, list)| list.iter().filter(|known| known.name == name).map(move |known| (what, known)))
        .map(|(what, known)| {
            format!(
                "{} ({what} of expressions)\n{}  Its form: `{}`\n",
                known.name,
                paragraphs(known.doc, "  ", width),
                known.form
            )
        })
        .collect();
    (!found.is_empty()).then(|| found.join("\n"))
}

/// Keys in a column, what each takes and means beside it.
fn table(keys: &[Key], width: usize) -> String {
    let names = keys.iter().map(|key| key.name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for key in keys {
        let must = if key.required { " Required." } else { "" };
        let about = format!("{}{must} Takes {}.", key.about, key.takes);
        let about = wrapped(&about, width.saturating_sub(names + 4).max(NARROW / 2));
        for (index, line) in about.lines().enumerate() {
            let name = if index == 0 { key.name.as_str() } else { "" };
            text.push_str(&format!("  {name:names$}  {line}\n"));
        }
    }
    text
}

/// Paragraphs wrapped; lists and blocks of code as they are.
fn paragraphs(text: &str, indent: &str, width: usize) -> String {
    let mut out = String::new();
    let mut code = false;
    for line in text.trim_end().lines() {
        if line.starts_with("```") {
            code = !code;
        } else if code {
            out.push_str(&format!("{indent}    {line}\n"));
        } else {
            let inner = if line.starts_with("- ") { "  " } else { "" };
            for (index, part) in wrapped(line, width - indent.len() - inner.len()).lines().enumerate() {
                let lead = if index == 0 { "" } else { inner };
                out.push_str(&format!("{indent}{lead}{part}\n"));
            }
            if line.is_empty() {
                out.push('\n');
            }
        }
    }
    out
}

fn unknown(topic: &str, places: &[Place]) -> String {
    let codes = codes();
    let mut known: Vec<&str> = KINDS.iter().map(|kind| kind.word).chain(["playbook", "project", "step"]).collect();
    known.extend(places.iter().flat_map(|place| place.keys.iter().map(|key| key.name.as_str())));
    for list in [builtin::FILTERS, builtin::TESTS, builtin::FUNCTIONS] {
        known.extend(list.iter().map(|described| described.name));
    }
    let last = topic.rsplit('.').next().unwrap_or(topic);
    let near = suggest::nearest(topic, codes.iter().map(|code| code.id)).or_else(|| suggest::nearest(last, known));
    match near {
        Some(near) => format!("did you mean `{near}`?"),
        None => "name a code (`E0234`), a kind of step (`row`), a key (`only_if`, `row.only_if`, \
            `connections`), or a filter (`upper`)"
            .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explain(topic: &str) -> Result<String, String> {
        super::explain(topic, &[], usize::MAX)
    }

    #[test]
    fn every_code_kind_and_key_is_explained() {
        for code in codes() {
            assert!(explain(code.id).unwrap().contains(code.title), "{}", code.id);
        }
        for kind in KINDS {
            let text = explain(kind.word).unwrap();
            assert!(text.contains("Example:") && text.contains(kind.summary.trim()), "{text}");
        }
        let places = keys::all();
        assert!(places.iter().map(|place| place.keys.len()).sum::<usize>() > 100);
        for place in places {
            for key in &place.keys {
                let path = shown_path(place, key);
                assert!(key.about.split_whitespace().count() >= 2, "{path} has no description: {:?}", key.about);
                assert!(explain(&path).is_ok(), "{path}");
                assert!(explain(&key.name).is_ok(), "{}", key.name);
            }
        }
        for list in [builtin::FILTERS, builtin::TESTS, builtin::FUNCTIONS] {
            assert!(list.iter().all(|known| explain(known.name).is_ok()));
        }
    }

    #[test]
    fn a_key_says_where_it_stands_what_it_takes_and_what_its_words_mean() {
        let text = explain("row.only_if").unwrap();
        assert!(text.starts_with("row.only_if (in a playbook file)\n  Guard:"), "{text}");
        let text = explain("risk").unwrap();
        assert!(text.contains("- `high`: A mistake harms people."), "{text}");
        let text = explain("http.base").unwrap();
        assert!(text.contains("connections.NAME.http.base (in a project file, required)"), "{text}");
        let text = explain("read").unwrap();
        assert!(text.contains("uses.NAME.read") && text.contains("probe.read"), "{text}");
        for line in explain("E0234").unwrap().lines().chain(explain("http").unwrap().lines()) {
            assert!(line.chars().count() <= WIDTH, "{line}");
        }
    }

    #[test]
    fn it_is_as_wide_as_the_terminal_and_no_wider_than_is_good_to_read() {
        let widest = |width| {
            let texts = ["E0303", "row", "playbook", "only_if"].map(|topic| super::explain(topic, &[], width).unwrap());
            // Examples are code and stay as they are.
            let prose =
                |line: &&str| !line.starts_with("    ") && !line.starts_with("  - ") && !line.contains("For example");
            texts.iter().flat_map(|text| text.lines().filter(prose)).map(|line| line.chars().count()).max().unwrap()
        };
        assert!((70..=80).contains(&widest(80)), "{}", widest(80));
        assert!((81..=WIDTH).contains(&widest(200)), "{}", widest(200));
        assert!(widest(1) <= 80, "{}", widest(1));
    }

    #[test]
    fn a_near_miss_is_answered_with_the_right_word() {
        assert_eq!(explain("onlyif").unwrap_err(), "did you mean `only_if`?");
        assert_eq!(explain("E0243x").unwrap_err(), "did you mean `E0243`?");
        assert!(explain("zzzzzz").unwrap_err().starts_with("name a code"));
    }
}
