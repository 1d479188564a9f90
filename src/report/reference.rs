//! The parts of the documentation that are made from the program itself, as Markdown: the keys of every file, the kinds of
//! step, what expressions know, the limits and the messages.
//!
//! Shares its sources with `trueup explain` and holds no text of its own about any of them. A page of `docs/` takes a part in
//! between `<!-- generated: NAME -->` and `<!-- end -->`; a test compares them. Must not know where the pages are.

use super::explain::{
    self,
    keys::{self, Key, Place},
};
use crate::{
    action::kinds::{KINDS, Kind, Nature},
    base::yaml,
    check::mentions,
    template::{
        self, Described,
        builtin::{FILTERS, FUNCTIONS, TESTS},
    },
};
use std::fmt::Write;

/// A part: its name, and the function that writes it.
pub type Part = (&'static str, fn() -> String);

/// Every part.
pub const PARTS: &[Part] = &[
    ("playbook-keys", || places(|place| place.file == "playbook" && !of_a_kind(place))),
    ("project-keys", || places(|place| place.file == "project")),
    ("kinds", kinds),
    ("names", names),
    ("filters", || described(FILTERS)),
    ("tests", || described(TESTS)),
    ("functions", || described(FUNCTIONS)),
    ("limits", limits),
    ("messages", messages),
];

fn of_a_kind(place: &Place) -> bool {
    place.path.first().is_some_and(|first| KINDS.iter().any(|kind| kind.word == first))
}

/// A table for each map of a file.
fn places(wanted: impl Fn(&Place) -> bool) -> String {
    let mut out = String::new();
    for place in keys::all().iter().filter(|place| wanted(place)) {
        let path = if place.path.is_empty() { "At the top".to_owned() } else { format!("`{}`", place.path.join(".")) };
        line(&mut out, &format!("### {path}\n"));
        if !place.about.is_empty() {
            line(&mut out, &format!("{}\n", place.about));
        }
        line(&mut out, &table(&place.keys));
    }
    out
}

fn kinds() -> String {
    let places = keys::all();
    let mut out = String::new();
    for kind in KINDS {
        line(&mut out, &format!("### `{}`\n", kind.word));
        line(&mut out, &format!("{} {}\n", kind.summary.trim(), allowed(kind)));
        line(&mut out, &format!("```yaml step\n{}```\n", kind.example));
        for place in places.iter().filter(|place| place.path.first().is_some_and(|first| first == kind.word)) {
            if place.path.len() > 1 {
                line(&mut out, &format!("In `{}`:\n", place.path.join(".")));
            }
            line(&mut out, &table(&place.keys));
        }
    }
    out
}

fn allowed(kind: &Kind) -> &'static str {
    match kind.nature {
        Nature::Read => "Reads: allowed in `preconditions`, `steps` and `verification`.",
        Nature::Write => "Changes something: allowed in `steps` only.",
        Nature::Either => {
            if kind.word == "http" {
                "`get` and `head` read and are allowed everywhere; the other methods are allowed in `steps` only."
            } else {
                "What only looks is allowed everywhere; what changes something is allowed in `steps` only."
            }
        }
        Nature::People => "Reaches a person.",
        Nature::Flow => "Touches no system by itself.",
    }
}

fn table(keys: &[Key]) -> String {
    let mut out = "| key | takes | meaning |\n|---|---|---|\n".to_owned();
    for key in keys {
        let must = if key.required { " **Required.**" } else { "" };
        let words: String = key.words.iter().map(|(word, meaning)| format!(" `{word}`: {meaning}")).collect();
        let about = cell(&format!("{}{words}{must}", key.about));
        line(&mut out, &format!("| `{}` | {} | {about} |", key.name, cell(&key.takes)));
    }
    out
}

fn names() -> String {
    let list = |words: &[&str]| words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
    format!(
        "- Taken, so no step may have them as its id: {}.\n- Of `run`: {}.\n- Of `error`: {}.\n",
        list(mentions::RESERVED),
        list(mentions::RUN),
        list(mentions::ERROR)
    )
}

fn described(list: &[Described]) -> String {
    let mut out = "| form | gives |\n|---|---|\n".to_owned();
    for known in list {
        line(&mut out, &format!("| `{}` | {} |", known.form.replace('|', "\\|"), cell(known.doc)));
    }
    out
}

fn limits() -> String {
    let file =
        |limits: yaml::Limits| format!("{} KiB, {} levels, {} values", limits.bytes / 1024, limits.depth, limits.nodes);
    let kibibytes = |bytes: usize| format!("{} KiB", bytes / 1024);
    let rows = [
        ("a playbook, a project file", file(yaml::LIMITS)),
        ("a mock file, a test file", file(yaml::DATA_LIMITS)),
        ("one text", kibibytes(template::MAX_TEXT)),
        ("the expressions of one text", kibibytes(template::MAX_CODE)),
        ("a text that an expression makes", kibibytes(template::MAX_MADE_TEXT)),
    ];
    let mut out = "| of | at most |\n|---|---|\n".to_owned();
    for (what, most) in rows {
        line(&mut out, &format!("| {what} | {most} |"));
    }
    out
}

fn messages() -> String {
    let mut out = String::new();
    for code in explain::codes() {
        let explained = code.explain.trim();
        line(&mut out, &format!("## {}: {}\n\n{}\n", code.id, code.title, fenced(explained)));
    }
    out
}

/// Examples inside explanations show both the wrong and the right way: nobody may take them for whole files.
fn fenced(text: &str) -> String {
    text.replace("```yaml\n", "```yaml example\n")
}

/// One line; a bar would end the cell.
fn cell(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

fn line(out: &mut String, text: &str) {
    // Writing to a text cannot fail.
    let _ = writeln!(out, "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_says_something_about_everything_it_is_for() {
        let part = |name: &str| PARTS.iter().find(|(known, _)| *known == name).unwrap().1();
        for kind in KINDS {
            assert!(part("kinds").contains(&format!("### `{}`", kind.word)));
        }
        for code in explain::codes() {
            assert!(part("messages").contains(&format!("## {}: {}", code.id, code.title)));
        }
        assert!(part("playbook-keys").contains("| `preconditions` |") && part("playbook-keys").contains("### `step`"));
        assert!(part("project-keys").contains("| `lock_timeout` |"));
        assert!(part("limits").contains("256 KiB, 32 levels, 10000 values"));
    }

    #[test]
    fn a_bar_does_not_end_a_cell_of_a_table() {
        assert_eq!(cell("a | b\nc"), "a \\| b c");
    }
}
