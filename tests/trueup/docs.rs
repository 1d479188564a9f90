//! The documentation as an input of tests: generated parts are current, YAML blocks are read, command lines are accepted,
//! links lead somewhere, every dependency is explained. `TRUEUP_BLESS=1` writes the generated parts anew.

use regex::{Captures, Regex};
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};
use trueup::{
    base::{diagnostic::Diagnostics, source::Source},
    mock::{model::Mock, worker::WorkerFile},
    playbook::{model::Playbook, project::Project},
    report::{diagnostics, reference::PARTS},
    trial::model::TestFile,
};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every page, with its path from the top.
fn pages() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for folder in [
        "",
        "docs",
        "docs/design",
        "examples/register",
        "examples/kubernetes",
        "examples/github",
        "examples/huleedu",
        "examples/edx",
    ] {
        for entry in fs::read_dir(root().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|e| e == "md") {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path.strip_prefix(root()).unwrap().to_owned(), text));
            }
        }
    }
    found.sort();
    assert!(found.len() >= 12, "pages have gone: {}", found.len());
    found
}

/// A fenced block: what stands behind the fence, the text, and its line.
pub struct Block {
    pub info: String,
    pub text: String,
    pub line: usize,
}

pub fn blocks(page: &str) -> Vec<Block> {
    let mut found = Vec::new();
    let mut open: Option<Block> = None;
    for (index, line) in page.lines().enumerate() {
        let bare = line.strip_prefix("> ").unwrap_or(line);
        match (&mut open, bare.strip_prefix("```")) {
            (None, Some(info)) => open = Some(Block { info: info.trim().into(), text: String::new(), line: index + 1 }),
            (Some(_), Some(_)) => found.extend(open.take()),
            (Some(block), None) => {
                block.text.push_str(bare);
                block.text.push('\n');
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block is not closed");
    found
}

/// Runs the real program; nothing of the terminal of whoever runs the tests gets through.
fn trueup(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trueup"));
    command
        .current_dir(folder)
        .env("COLUMNS", "80")
        .env("LANG", "C.UTF-8")
        .env_remove("LC_ALL")
        .env("TRUEUP_ACTOR", "anna");
    command
}

// Generated parts

#[test]
fn a_source_is_described_without_the_expect_that_it_does_not_take_and_a_step_with_it() {
    let page = fs::read_to_string(root().join("docs/language.md")).unwrap();
    let part =
        |head: &str| page.split(&format!("\n{head}\n")).nth(1).unwrap().split("\n### ").next().unwrap().to_owned();
    for source in ["### `targets.from.find`", "### `targets.from.query`"] {
        assert!(!part(source).contains("`expect`"), "{source}");
    }
    for step in ["### `find`", "### `query`"] {
        assert!(part(step).contains("| `expect` |"), "{step}");
    }
}

#[test]
fn the_generated_parts_of_the_pages_are_current() {
    let mut seen = BTreeSet::new();
    let mut stale = Vec::new();
    for (path, text) in pages() {
        let (fresh, names) = refreshed(&text);
        seen.extend(names);
        if fresh != text {
            stale.push(path.clone());
            if bless() {
                fs::write(root().join(&path), fresh).unwrap();
            } else {
                let old = text.lines().zip(fresh.lines()).enumerate().find(|(_, (old, new))| old != new);
                println!("{}: {old:?}", path.display());
            }
        }
    }
    let known: BTreeSet<String> = PARTS.iter().map(|(name, _)| (*name).to_owned()).chain(["demo".to_owned()]).collect();
    assert_eq!(seen, known, "a part stands on no page, or a page asks for a part that does not exist");
    assert!(bless() || stale.is_empty(), "not current: {stale:?}; run again with TRUEUP_BLESS=1");
}

fn bless() -> bool {
    std::env::var_os("TRUEUP_BLESS").is_some()
}

/// The page with every generated part made anew, and the names of these parts.
fn refreshed(page: &str) -> (String, Vec<String>) {
    let (mut out, mut names, mut rest) = (String::new(), Vec::new(), page);
    while let Some(at) = rest.find("\n<!-- generated: ") {
        let name_at = at + "\n<!-- generated: ".len();
        let head_end = name_at + rest[name_at..].find(" -->\n").expect("the name of a part ends with -->");
        let name = &rest[name_at..head_end];
        let end = head_end + rest[head_end..].find("<!-- end -->\n").expect("a part ends");
        out.push_str(&rest[..head_end]);
        out.push_str(&format!(" -->\n\n{}\n\n", part(name).trim_end()));
        names.push(name.to_owned());
        rest = &rest[end..];
    }
    out.push_str(rest);
    (out, names)
}

fn part(name: &str) -> String {
    match PARTS.iter().find(|(known, _)| *known == name) {
        Some((_, write)) => write(),
        None if name == "demo" => format!("```console\n$ cargo run --release -- demo\n{}```\n", demo()),
        None => panic!("there is no part `{name}`"),
    }
}

/// What the demo prints: the second preview (the one of `apply`, which says the same) and parts of the history are left out,
/// and everything that differs between two runs is put to one value.
fn demo() -> String {
    let folder = tempfile::tempdir().unwrap();
    let output = trueup(folder.path()).arg("demo").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let text = cut(
        &text,
        " apply register/correct-award",
        "\nTake back an award",
        "Waits for the answer",
        "\n… the same preview again, and then:\n\n",
    );
    let text = cut(&text, " show ", "\nPreconditions\n", "\nSteps\n", "\n…\n");
    settled(&cut(&text, "What was done, by whom", "\nVerification\n", "\nDone: ", "\n…\n"))
}

/// Puts `instead` in the place of what stands from `from` to `to`, both looked for behind `behind`.
fn cut(text: &str, behind: &str, from: &str, to: &str, instead: &str) -> String {
    let find = |start: usize, what: &str| {
        text[start..].find(what).map(|at| start + at).unwrap_or_else(|| panic!("the demo prints no {what:?}"))
    };
    let start = find(find(0, behind), from);
    let end = find(start, to);
    format!("{}{instead}{}", &text[..start], &text[end..])
}

pub const RUN: &str = "01a2021b-0c70-763e-8270-9dad6e839cdd";

/// Run ids, ports, times of today and durations, each put to one value of the same place.
pub fn settled(text: &str) -> String {
    let uuid = Regex::new(r"\b[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}\b").unwrap();
    let short = Regex::new(r"\b(?:run|show|answer|resume|undo) ([0-9a-f]{8})\b").unwrap();
    let shorts: BTreeSet<String> = short.captures_iter(text).map(|found| found[1].to_owned()).collect();
    let mut text = uuid.replace_all(text, RUN).into_owned();
    for id in shorts {
        text = text.replace(&id, &RUN[28..]);
    }
    #[expect(clippy::disallowed_methods, reason = "the binary under test asks the machine, so must its test")]
    let now = jiff::Timestamp::now();
    for day in [now - jiff::SignedDuration::from_hours(24), now] {
        text = text.replace(&day.strftime("%Y-%m-%d").to_string(), "2026-01-15");
        // `trueup runs` leaves the year out.
        let short = Regex::new(&format!(r"\b{}( [0-2]\d:[0-5]\d\b)", day.strftime("%m-%d"))).unwrap();
        text = short.replace_all(&text, "01-15$1").into_owned();
    }
    let port = Regex::new(r"127\.0\.0\.1:\d+").unwrap();
    let text = port.replace_all(&text, "127.0.0.1:41715");
    let stamp = Regex::new(r"(?m)(2026-01-15[ T]|^|[ (,])[0-2]\d:[0-5]\d(:[0-5]\d(\.\d+)?)?(Z\b)?").unwrap();
    let text = stamp.replace_all(&text, |found: &Captures<'_>| settled_time(found)).into_owned();
    text.lines().map(|line| settled_length(line) + "\n").collect()
}

/// A time alone, or behind today's date, is when the test ran; one behind another date is data.
fn settled_time(found: &Captures<'_>) -> String {
    let date = found.get(1).map_or("", |m| m.as_str());
    let seconds = if found.get(2).is_some() { ":00" } else { "" };
    format!("{date}10:00{seconds}{}", found.get(4).map_or("", |m| m.as_str()))
}

/// `12 ms` at the end of a line stands at the right edge, so its length moves it.
fn settled_length(line: &str) -> String {
    let length = Regex::new(r"^(.*?)( +)(\d+(?:\.\d+)? ?(?:ms|s))$").unwrap();
    match length.captures(line) {
        Some(found) if found[2].len() == 1 => format!("{} 12 ms", &found[1]),
        Some(found) => {
            let width = line.chars().count();
            let pad = width.saturating_sub(found[1].chars().count() + "12 ms".len()).max(1);
            format!("{}{}12 ms", &found[1], " ".repeat(pad))
        }
        None => line.to_owned(),
    }
}

#[test]
fn what_differs_between_two_runs_is_settled_and_data_is_not() {
    #[expect(clippy::disallowed_methods, reason = "the binary under test asks the machine, so must its test")]
    let now = jiff::Timestamp::now();
    let made = format!(
        "run 1234abcd: changed {}\n  ✓ one                1.2 s\nat 2025-07-04T08:00:12.701188\n{}  shop",
        now.strftime("%Y-%m-%d %H:%M:%S"),
        now.strftime("%m-%d %H:%M")
    );
    let other = "run 6e839cdd: changed 2026-01-15 10:00:00\n  ✓ one                12 ms\nat 2025-07-04T08:00:12.701188\n01-15 10:00  shop\n";
    assert_eq!(settled(&made), other);
}

// YAML

#[test]
fn every_yaml_block_says_what_it_is_and_is_read_without_a_problem() {
    let mut read = 0;
    for (path, page) in pages() {
        for block in blocks(&page).iter().filter(|block| block.info.starts_with("yaml")) {
            let at = format!("{}:{}", path.display(), block.line);
            if let Some(problems) = problems(&block.info, &block.text, &at) {
                assert!(problems.is_empty(), "{at}\n{}", drawn(&problems));
                read += 1;
            }
        }
    }
    assert!(read > 25, "only {read} blocks were read");
}

/// What is wrong with a block; nothing is looked at in a sketch, which has dots where something is left out.
fn problems(info: &str, text: &str, at: &str) -> Option<Diagnostics> {
    let indented = |by: &str| text.lines().map(|line| format!("{by}{line}\n")).collect::<String>();
    let whole = match info {
        "yaml sketch" => {
            assert!(text.contains('…') || text.contains(" … "), "{at}: a sketch leaves something out, marked with …");
            return None;
        }
        // In an explanation: the wrong way and the right one.
        "yaml example" if at.starts_with("docs/messages.md") => return None,
        "yaml playbook" | "yaml project" | "yaml mock" | "yaml worker" | "yaml test" => text.to_owned(),
        "yaml test part" => {
            let text = if text.contains("cases:") { text.to_owned() } else { format!("{text}cases: []\n") };
            completed(&text, &[("trueup", "v1"), ("playbook", "a/b"), ("clock", "2025-07-23T10:00:00Z")])
        }
        "yaml case" => completed(
            &format!("cases:\n{text}"),
            &[("trueup", "v1"), ("playbook", "a/b"), ("clock", "2025-07-23T10:00:00Z")],
        ),
        "yaml playbook part" => {
            completed(text, &[("trueup", "v1"), ("name", "a/b"), ("version", "1"), ("title", "A"), ("steps", "[]")])
        }
        "yaml project part" => {
            completed(text, &[("trueup", "v1"), ("project", "p"), ("playbooks", "playbooks"), ("connections", "{}")])
        }
        "yaml step" => {
            let indented = indented("    ");
            completed(
                &format!("steps:\n  - {}", indented.trim_start()),
                &[("trueup", "v1"), ("name", "a/b"), ("version", "1"), ("title", "A")],
            )
        }
        "yaml steps" => completed(
            &format!("steps:\n{text}"),
            &[("trueup", "v1"), ("name", "a/b"), ("version", "1"), ("title", "A")],
        ),
        "yaml connections" => completed(
            &format!("connections:\n{text}"),
            &[("trueup", "v1"), ("project", "p"), ("playbooks", "playbooks")],
        ),
        other => panic!(
            "{at}: say what this is: `yaml playbook`, `playbook part`, `steps`, `step`, `project`, `project part`, `connections`, `mock`, `worker`, `test`, `test part`, `case` or `sketch`, not `{other}`"
        ),
    };
    let source = Source::new(at, whole);
    let mut problems = Diagnostics::new(source.clone());
    let is_read = read(info, &source, &mut problems);
    assert!(is_read || !problems.is_empty(), "{at}: nothing was read, and nobody says why");
    Some(problems)
}

fn read(info: &str, source: &Arc<Source>, problems: &mut Diagnostics) -> bool {
    match info {
        "yaml mock" => Mock::parse(source, problems).is_some(),
        "yaml worker" => WorkerFile::parse(source, problems).is_some(),
        "yaml test" | "yaml test part" | "yaml case" => TestFile::parse(source, problems).is_some(),
        "yaml project" | "yaml project part" | "yaml connections" => Project::parse(source, problems).is_some(),
        _ => Playbook::parse(source, problems).is_some(),
    }
}

/// With the keys that every such file must have.
fn completed(text: &str, keys: &[(&str, &str)]) -> String {
    let missing = keys.iter().filter(|(key, _)| !text.lines().any(|line| line.starts_with(&format!("{key}:"))));
    missing.map(|(key, value)| format!("{key}: {value}\n")).collect::<String>() + text
}

fn drawn(problems: &Diagnostics) -> String {
    diagnostics::terminal(problems, 100)
}

// Commands

#[test]
fn every_command_line_on_the_pages_is_one_that_trueup_takes() {
    let mut tried = BTreeSet::new();
    let folder = tempfile::tempdir().unwrap();
    for (path, page) in pages() {
        for line in commands(&page) {
            if tried.insert(line.clone()) {
                let words = words(&line);
                // `--help` comes last: what stands before it has been looked at by then.
                let output = trueup(folder.path()).args(&words[1..]).arg("--help").output().unwrap();
                let said = String::from_utf8_lossy(&output.stderr);
                assert!(output.status.success(), "{}: `{line}`\n{said}", path.display());
            }
        }
    }
    assert!(tried.len() > 20, "only {} command lines were found", tried.len());
}

/// `trueup …` in blocks of `console` and `sh`, and in code inside a sentence.
fn commands(page: &str) -> Vec<String> {
    let inline = Regex::new(r"`(?:TRUEUP_\w+=\S+ )?(trueup [a-z][^`]*)`").unwrap();
    let outside = outside_blocks(page);
    let mut found: Vec<String> = inline.captures_iter(&outside).map(|found| found[1].to_owned()).collect();
    for block in blocks(page).iter().filter(|block| matches!(&*block.info, "console" | "sh")) {
        let joined = block.text.replace("\\\n", " ");
        for line in joined.lines().map(str::trim_start) {
            let line = line.strip_prefix("$ ").unwrap_or(line);
            if line.starts_with("trueup ") {
                found.push(line.split(" # ").next().unwrap_or(line).split(" > ").next().unwrap_or(line).to_owned());
            }
        }
    }
    // Not yet: pages that speak of what a later version will do name the command so.
    found.retain(|line| !line.contains('…') && !line.contains("COMMAND"));
    found
}

#[test]
fn no_message_names_a_command_that_does_not_exist() {
    let help = trueup(root()).arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let command = Regex::new(r"`trueup ([a-z]+)").unwrap();
    let (mut seen, mut folders) = (0, vec![root().join("src")]);
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
                for found in command.captures_iter(line) {
                    let known = help.contains(&format!("\n  {} ", &found[1]));
                    assert!(known, "{}: {}", path.display(), line.trim());
                    seen += 1;
                }
            }
        }
    }
    assert!(seen > 10, "only {seen} commands were found in messages");
}

fn outside_blocks(page: &str) -> String {
    let mut inside = false;
    let mut kept = String::new();
    for line in page.lines() {
        if line.starts_with("```") || line.starts_with("> ```") {
            inside = !inside;
        } else if !inside {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}

/// As a shell would split them: spaces and double quotes.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted) = (Vec::new(), String::new(), false);
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            ' ' if !quoted => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            _ => word.push(c),
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

// Links, versions, dependencies

#[test]
fn every_link_leads_to_a_page_and_a_heading_that_exist() {
    let link = Regex::new(r"\]\(([^)\s]+)\)").unwrap();
    let mut followed = 0;
    for (path, page) in pages() {
        for found in link.captures_iter(&outside_blocks(&page)) {
            let target = &found[1];
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            let (file, heading) = target.split_once('#').unwrap_or((target, ""));
            let to = if file.is_empty() { root().join(&path) } else { root().join(&path).parent().unwrap().join(file) };
            assert!(to.exists(), "{}: `{target}` leads nowhere", path.display());
            if !heading.is_empty() {
                let there = fs::read_to_string(&to).unwrap();
                assert!(headings(&there).contains(heading), "{}: no heading for `{target}`", path.display());
            }
            followed += 1;
        }
    }
    assert!(followed > 30, "only {followed} links were found");
}

/// Headings as they are named in links: small letters, spaces as `-`, nothing else than letters, digits, `-` and `_`.
fn headings(page: &str) -> BTreeSet<String> {
    let titles = outside_blocks(page);
    let titles = titles.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim());
    titles
        .map(|title| {
            let kept = title.to_lowercase();
            let kept = kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
            kept.map(|c| if c == ' ' { '-' } else { c }).collect()
        })
        .collect()
}

#[test]
fn the_changelog_has_an_entry_for_this_version() {
    let changelog = fs::read_to_string(root().join("CHANGELOG.md")).unwrap();
    let heading = format!("\n## {}", env!("CARGO_PKG_VERSION"));
    assert!(changelog.contains(&heading), "CHANGELOG.md has no `{}`", heading.trim());
}

#[test]
fn every_dependency_is_explained_and_no_other() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let name = Regex::new(r"(?m)^([a-z][a-z0-9_-]*) = ").unwrap();
    let mut declared = BTreeSet::new();
    for section in ["[dependencies]\n", "[target.'cfg(unix)'.dependencies]\n", "[dev-dependencies]\n"] {
        let from = manifest.find(section).unwrap() + section.len();
        let to = manifest[from..].find("\n[").map_or(manifest.len(), |at| from + at);
        declared.extend(name.captures_iter(&manifest[from..to]).map(|found| found[1].to_owned()));
    }
    let page = fs::read_to_string(root().join("docs/design/dependencies.md")).unwrap();
    let row = Regex::new(r"(?m)^\| ((?:`[a-z0-9_-]+`(?:, )?)+) \|").unwrap();
    let explained: BTreeSet<String> = row
        .captures_iter(&page)
        .flat_map(|found| found[1].split(", ").map(|name| name.trim_matches('`').to_owned()).collect::<Vec<_>>())
        .collect();
    assert_eq!(explained, declared);
}
