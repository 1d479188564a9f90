//! The house rules that a compiler does not know: a folder imports only folders above it, one place for each thing that
//! needs watching, every file says what it holds.

use super::servers::root;
use std::{fs, path::Path};

/// The layers, first to last. `src/lib.rs` has those that exist, in this order.
const LAYERS: &[&str] = &[
    "base",
    "template",
    "mock",
    "effect",
    "table",
    "connection",
    "read",
    "action",
    "schedule",
    "targets",
    "playbook",
    "check",
    "plan",
    "journal",
    "approval",
    "engine",
    "report",
    "trial",
    "ops",
    "cli",
    "web",
];

/// One file of `src/`.
struct File {
    /// `engine/drive.rs`
    path: String,
    /// Without comments and without what stands in quotes.
    code: String,
    /// As it stands.
    text: String,
}

impl File {
    fn layer(&self) -> &str {
        self.path.split('/').next().unwrap().trim_end_matches(".rs")
    }

    /// Everything before the first test module.
    fn without_tests(&self) -> &str {
        let is_tests = self.path.contains("/tests") || self.path.ends_with("_tests.rs") || self.path.contains("sample");
        if is_tests { "" } else { self.code.split("#[cfg(test)]\nmod tests {").next().unwrap() }
    }
}

fn files() -> Vec<File> {
    fn walk(folder: &Path, found: &mut Vec<File>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let name = path.strip_prefix(root().join("src")).unwrap().display().to_string();
                found.push(File { path: name, code: code(&text), text });
            }
        }
    }
    let mut found = Vec::new();
    walk(&root().join("src"), &mut found);
    found.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(found.len() > 100, "src/ was not found");
    found
}

/// A text without comments and string contents. Lines and everything else stay.
fn code(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let skip = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if let Some(hashes) = raw_string(rest) {
            let end = format!("\"{}", "#".repeat(hashes));
            let from = hashes + 2;
            from + rest[from..].find(&end).map_or(rest.len() - from, |at| at + end.len())
        } else if c == '"' {
            quoted(rest)
        } else if rest.starts_with("'\"'") || rest.starts_with("'\\'") || rest.starts_with("'\\\"'") {
            if rest.starts_with("'\"'") { 3 } else { 4 }
        } else {
            out.push(c);
            rest = &rest[c.len_utf8()..];
            continue;
        };
        rest = &rest[skip..];
    }
    out
}

/// How many `#` a raw string has that begins here.
fn raw_string(rest: &str) -> Option<usize> {
    let hashes = rest.strip_prefix('r')?.chars().take_while(|c| *c == '#').count();
    rest[1 + hashes..].starts_with('"').then_some(hashes)
}

/// The length of a string literal, quotes included.
fn quoted(rest: &str) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

fn name_at(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
    &text[..end]
}

/// The first names of `a::b`, `{a::b, c}`.
fn heads(text: &str) -> Vec<&str> {
    let Some(inner) = text.strip_prefix('{') else { return vec![name_at(text)] };
    let (mut found, mut depth, mut fresh) = (Vec::new(), 0_usize, true);
    for (at, c) in inner.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => fresh = true,
            c if fresh && depth == 0 && !c.is_whitespace() => {
                found.push(name_at(&inner[at..]));
                fresh = false;
            }
            _ => {}
        }
    }
    found
}

/// The folders of `src/` that a file names, through `crate::` or through enough `super::`.
fn imports<'a>(path: &str, code: &'a str) -> Vec<&'a str> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        if !code[..at].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_') {
            found.extend(heads(&code[at + "crate::".len()..]));
        }
    }
    // `a/b/c.rs` is the module a::b::c, `a/b/mod.rs` is a::b.
    let module = path.trim_end_matches(".rs").trim_end_matches("/mod");
    let depth = module.split('/').count();
    for (at, _) in code.match_indices("super::") {
        if code[..at].ends_with("::") {
            continue;
        }
        let mut rest = &code[at..];
        let mut up = 0;
        while let Some(next) = rest.strip_prefix("super::") {
            (rest, up) = (next, up + 1);
        }
        let inline = usize::from(code[..at].contains("\nmod tests {"));
        if up >= depth + inline {
            found.extend(heads(rest));
        }
    }
    found
}

fn position(layer: &str) -> Option<usize> {
    LAYERS.iter().position(|l| *l == layer)
}

/// Imports of a layer below.
fn arrows_up(path: &str, code: &str) -> Vec<String> {
    let layer = path.split('/').next().unwrap().trim_end_matches(".rs");
    let Some(own) = position(layer) else { return Vec::new() };
    let mut found: Vec<String> = imports(path, code)
        .into_iter()
        .filter(|name| position(name).is_some_and(|other| other > own))
        .map(|name| format!("src/{path} imports {name}"))
        .collect();
    found.dedup();
    found
}

/// Places where a text stands that may stand only in `allowed`, tests left aside.
fn elsewhere(files: &[File], words: &[&str], allowed: impl Fn(&File) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    for file in files.iter().filter(|file| !allowed(file)) {
        for word in words {
            let code = file.without_tests();
            let hits = code
                .match_indices(word)
                .filter(|(at, _)| !code[..*at].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_'));
            found.extend(hits.map(|(at, _)| format!("src/{}:{}: {word}", file.path, code[..at].lines().count())));
        }
    }
    found
}

#[test]
fn the_layers_of_lib_rs_stand_in_their_order() {
    let lib = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let modules: Vec<&str> = lib.lines().filter_map(|l| l.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    let expected: Vec<&str> = LAYERS.iter().copied().filter(|l| modules.contains(l)).collect();
    assert_eq!(modules, expected);
}

#[test]
fn a_folder_imports_only_folders_above_it() {
    let found: Vec<String> = files().iter().flat_map(|file| arrows_up(&file.path, &file.code)).collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn an_arrow_up_is_found_however_it_is_written() {
    let cases = [
        ("base/a.rs", "use crate::engine::drive::Driver;"),
        ("base/a.rs", "use crate::{\n    base::value,\n    engine::{drive, state},\n};"),
        ("base/a.rs", "fn f() -> crate::ops::Failure { todo() }"),
        ("base/a.rs", "use super::super::engine::drive;"),
        ("base/mod.rs", "use super::engine;"),
        ("base/a/b.rs", "use super::super::super::{engine::drive};"),
    ];
    for (path, text) in cases {
        assert_eq!(arrows_up(path, &code(text)).len(), 1, "{path}: {text}");
    }
    let good = [
        ("ops/a.rs", "use crate::{engine::drive, base::value};"),
        ("base/a.rs", "// use crate::engine::drive;\nlet text = \"crate::engine\"; let raw = r#\"crate::ops\"#;"),
        ("base/a.rs", "use super::engine;\nmod tests {\n    use super::super::engine;\n}"),
        ("base/a.rs", "use mycrate::engine;"),
    ];
    for (path, text) in good {
        assert!(arrows_up(path, &code(text)).is_empty(), "{path}: {text}");
    }
}

#[test]
fn nothing_below_the_command_line_prints() {
    let found = elsewhere(&files(), &["println!", "print!", "eprintln!", "eprint!", "dbg!"], |f| {
        matches!(f.layer(), "cli" | "main")
    });
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn clock_environment_and_randomness_come_from_ops_as_arguments() {
    let words = [
        "SystemTime::now",
        "Timestamp::now",
        "Zoned::now",
        "Uuid::now_v7",
        "Uuid::new_v4",
        "env::var",
        "env::vars",
        "env::current_dir",
        "getrandom::fill",
    ];
    // Keys and nonces of sealed values must be random whatever world a test invents.
    let allowed = |f: &File| {
        matches!(f.layer(), "ops" | "cli" | "main")
            || matches!(&*f.path, "base/world.rs" | "base/seal.rs" | "base/key_file.rs")
    };
    let found = elsewhere(&files(), &words, allowed);
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn text_becomes_sql_in_two_places_and_nowhere_else() {
    // `statement` for what the template layer and the engine write, `sandbox` for scripts that build test databases.
    let found = elsewhere(&files(), &["AssertSqlSafe", "raw_sql"], |f| {
        matches!(&*f.path, "connection/statement.rs" | "connection/sandbox.rs")
    });
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn nothing_is_left_to_do() {
    let found = elsewhere(&files(), &["todo!", "unimplemented!"], |_| false);
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn every_file_begins_with_what_it_holds() {
    let silent: Vec<String> = files().iter().filter(|f| !f.text.starts_with("//! ")).map(|f| f.path.clone()).collect();
    assert!(silent.is_empty(), "{silent:?}");
}

#[test]
fn no_file_is_a_place_for_anything() {
    let vague = ["util", "utils", "common", "helper", "helpers", "manager", "misc", "errors"];
    let named = |f: &&File| {
        let stem = Path::new(&f.path).file_stem().unwrap().to_string_lossy().into_owned();
        // `errors:` is a key of the playbook, and its file is named after it.
        vague.contains(&&*stem) && f.path != "playbook/errors.rs"
    };
    let found: Vec<String> = files().iter().filter(named).map(|f| f.path.clone()).collect();
    assert!(found.is_empty(), "{found:?}");
}
