//! `docs/tutorial.md` is followed from the first block to the last in a folder of its own: files are written, commands are run,
//! and what they print is what the page shows. `TRUEUP_BLESS=1` writes what they print into the page.

use super::{
    docs::{RUN, blocks, settled},
    servers::{block_on, root},
};
use std::{fs, path::Path, process::Command};
use trueup::connection::sandbox;

/// The command that makes the database: done without the program `sqlite3`, which a build machine need not have.
const MAKES_DATABASE: &str = "sqlite3 shop.db < shop.sql";

#[test]
fn every_block_of_the_tutorial_does_what_the_page_says() {
    let path = root().join("docs/tutorial.md");
    let page = fs::read_to_string(&path).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (mut files, mut commands, mut fresh) = (0, 0, page.clone());
    for block in blocks(&page) {
        match block.info.as_str() {
            "console" => {
                let lines: Vec<&str> = block.text.lines().filter_map(|line| line.strip_prefix("$ ")).collect();
                assert!(!lines.is_empty(), "docs/tutorial.md:{}: a block without a command", block.line);
                let shown: String =
                    lines.iter().map(|line| format!("$ {line}\n{}", run(folder.path(), line))).collect();
                commands += lines.len();
                fresh =
                    fresh.replacen(&format!("```console\n{}```", block.text), &format!("```console\n{shown}```"), 1);
            }
            info if info.starts_with("yaml") || info == "sql" => {
                let file = folder.path().join(name_before(&page, block.line));
                fs::create_dir_all(file.parent().unwrap()).unwrap();
                fs::write(file, &block.text).unwrap();
                files += 1;
            }
            other => panic!("docs/tutorial.md:{}: what is `{other}`?", block.line),
        }
    }
    assert!(files >= 5 && commands >= 14, "{files} {commands}");
    for told in ["5 of 5 cases passed", "did you mean `only_if`?", "nothing to say"] {
        assert!(fresh.contains(told), "nothing on the page says {told:?}:\n{fresh}");
    }
    if fresh != page && std::env::var_os("TRUEUP_BLESS").is_some() {
        fs::write(&path, &fresh).unwrap();
        return;
    }
    let diff = similar::TextDiff::from_lines(&page, &fresh).unified_diff().to_string();
    assert!(fresh == page, "the page shows something else (TRUEUP_BLESS=1 writes it anew):\n{diff}");
}

/// The file that a block is: the paragraph before it names it.
fn name_before(page: &str, line: usize) -> String {
    let before: Vec<&str> = page.lines().take(line - 1).collect();
    let named = before.iter().rev().find(|line| !line.is_empty()).unwrap();
    let name = named.strip_prefix('`').and_then(|rest| rest.strip_suffix("`:"));
    name.unwrap_or_else(|| panic!("docs/tutorial.md:{line}: no file is named before this block, but {named:?}"))
        .to_owned()
}

fn run(folder: &Path, line: &str) -> String {
    if line == MAKES_DATABASE {
        let script = fs::read_to_string(folder.join("shop.sql")).unwrap();
        block_on(sandbox::sqlite(&folder.join("shop.db"), &[&script])).unwrap();
        return String::new();
    }
    let ids = ids(folder);
    let latest = ids.first().map_or_else(String::new, |id| id[28..].to_owned());
    let output = shell(folder, &format!("{{ {}\n}} 2>&1", line.replace(&RUN[28..], &latest)));
    let mut text = String::from_utf8(output).unwrap();
    for id in self::ids(folder) {
        text = text.replace(&id, RUN).replace(&id[28..], &RUN[28..]);
    }
    assert!(text.lines().all(|line| line.chars().count() <= 100), "too wide for a page: {text}");
    let took = regex::Regex::new(r"( *)\b\d+(?:\.\d+)? ?(?:ms|s)\b").unwrap();
    // In a column it stands at the right, however many digits it has.
    let as_long = |found: &regex::Captures<'_>| match found[1].len() {
        0 | 1 => format!("{}12 ms", &found[1]),
        _ => format!("{:>width$}", "12 ms", width = found[0].len()),
    };
    let tests = line.starts_with("trueup test") || line.starts_with("trueup new");
    let text = if tests { took.replace_all(&text, as_long).into_owned() } else { text };
    settled(&text)
}

/// The runs that there are, the newest first.
fn ids(folder: &Path) -> Vec<String> {
    let text = String::from_utf8(shell(folder, "trueup runs --json 2>/dev/null")).unwrap();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    let uuid = regex::Regex::new(r"^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f-]{21}$").unwrap();
    let mut found = Vec::new();
    collect(&json, &uuid, &mut found);
    found
}

fn collect(json: &serde_json::Value, uuid: &regex::Regex, found: &mut Vec<String>) {
    match json {
        serde_json::Value::String(text) if uuid.is_match(text) && !found.contains(text) => found.push(text.clone()),
        serde_json::Value::Array(values) => values.iter().for_each(|value| collect(value, uuid, found)),
        serde_json::Value::Object(map) => map.values().for_each(|value| collect(value, uuid, found)),
        _ => {}
    }
}

fn shell(folder: &Path, line: &str) -> Vec<u8> {
    let program = Path::new(env!("CARGO_BIN_EXE_trueup")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let mut command = Command::new("sh");
    command.current_dir(folder).args(["-c", line]).env("PATH", path).env("COLUMNS", "80").env("LANG", "C.UTF-8");
    command.env_remove("LC_ALL").env("TRUEUP_ACTOR", "anna").output().unwrap().stdout
}
