//! An author's desk: a project with a database, playbooks, and the program.

use super::super::servers::{block_on, root};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};
use trueup::connection::sandbox;

const PROJECT: &str = r#"trueup: v1
project: shop
people:
  clerk: { by: hand }
  boss: { by: hand }
environments:
  test: {}
connections:
  shop:
    sqlite: { path: shop.db }
    tables:
      things:
        key: id
        unique: [[code]]
        updated_at: updated_at
        personal: [keeper]
        read_only: [made_on]
        audit: { rule: trail, type: Thing }
        enums: { state: { open: 0, sold: 1, lost: 2 } }
      shelves: { key: id, audit: false }
      audits: { key: id, append_only: true, audit: false }
  api:
    http: { base: "https://api.example", allow: { methods: [GET, POST], paths: ["/**"] } }
audits:
  trail:
    table: audits
    row: { of: "{{ audit.type }}", record_id: "{{ row.id }}", action: "{{ event }}", changes: "{{ changes }}" }
"#;

pub const TABLES: &str = "create table shelves (id integer primary key, label varchar(20) not null);\n\
    create table things (id integer primary key, code varchar(10) not null unique, shelf_id integer not null references shelves,\n\
    state integer not null, name varchar(40), price decimal text, keeper varchar, sold_on date, details json, made_on date not null, updated_at timestamp not null);\n\
    create table audits (id integer primary key autoincrement, \"of\" varchar, record_id integer, action varchar, changes json);\n";

/// What came of a command.
#[derive(Debug)]
pub struct Came {
    pub exit: i32,
    pub out: String,
    pub err: String,
}

pub struct Desk(tempfile::TempDir);

impl Desk {
    /// With nothing on it but the project and its database.
    pub fn new() -> Desk {
        let desk = Desk(tempfile::tempdir().unwrap());
        desk.write("trueup.yaml", PROJECT);
        block_on(sandbox::sqlite(&desk.path("shop.db"), &[TABLES])).unwrap();
        desk
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = program(&self.path("."));
        command.args(words);
        command
    }

    pub fn run(&self, words: &[&str]) -> Came {
        came(self.command(words).output().unwrap())
    }
}

/// The program in a folder; nothing of whoever runs the tests gets through.
pub fn program(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trueup"));
    command
        .current_dir(folder)
        .env("COLUMNS", "80")
        .env("LANG", "C.UTF-8")
        .env_remove("LC_ALL")
        .env_remove("TRUEUP_ACTOR");
    command
}

pub fn came(output: Output) -> Came {
    Came {
        exit: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Compares with a committed text, or writes it with `TRUEUP_BLESS=1`.
pub fn compare(name: &str, found: &str) {
    let path = root().join("tests/golden/tools").join(name);
    if std::env::var_os("TRUEUP_BLESS").is_some() {
        fs::write(&path, found).unwrap();
        return;
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    let diff = similar::TextDiff::from_lines(&expected, found).unified_diff().to_string();
    assert!(found == expected, "{name} differs (TRUEUP_BLESS=1 writes it anew):\n{diff}");
}

/// Every playbook of this repository: shipped, in examples, in cases; name and text. Those with errors among them.
pub fn playbooks() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut open: Vec<PathBuf> =
        ["playbooks", "examples", "tests/cases"].iter().map(|name| root().join(name)).collect();
    while let Some(folder) = open.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let other = ["test.yaml", "mock.yaml", "trueup.yaml", "project.yaml", "catalogue.yaml", "live.yaml"];
            if path.is_dir() {
                open.push(path);
            } else if name.ends_with(".yaml") && !other.iter().any(|end| name.ends_with(end)) {
                found.extend(fs::read_to_string(&path).ok().map(|text| (path, text)));
            }
        }
    }
    found.sort();
    assert!(found.len() > 90, "only {} playbooks were found", found.len());
    found
}
