//! An author's folder: the small world of `tests/cases/world`, one playbook, its test; and the program in it.

use super::super::servers::root;
use std::{fs, path::Path, process::Command};

const PLAYBOOK: &str = r#"trueup: v1
name: sell
version: 1
title: A thing is sold
owner: clerk
risk: low
params:
  id: { type: int, description: The thing, example: 1 }
uses:
  shop: { read: [things], write: [things, audits] }
preconditions:
  - id: thing
    find: { table: shop.things, where: { id: "{{ params.id }}" }, expect: one }
steps:
  - id: sell
    row:
      of: thing
      only_if: { state: open }
      set: { state: sold, note: "sold to {{ run.actor }}, who came in the morning and paid in coins" }
"#;

const TESTS: &str = r#"trueup: v1
playbook: sell
clock: 2025-07-23T10:00:00Z
defaults:
  params: { id: 1 }
  given: { shop: { things: [{ id: 1, name: lamp, state: open }] } }
cases:
  - name: the lamp is sold
    expect: { outcome: changed, changes: { shop.things: { "1": { state: [open, sold], note: any, updated_at: any } }, shop.audits: [{ action: update }], shop.notes: [{ thing_id: 1 }] } }
    also: [undo_restores, apply_twice_unchanged]
  - name: a lost lamp is not
    given: { shop: { things: [{ id: 1, state: lost }] } }
    expect: { outcome: stopped, exit: 4, message: { contains: "is not as `only_if` says" }, changes: none }
"#;

/// Two cases that fail: a wrong end, and a wrong row, text and person.
pub const WRONG: &str = r#"trueup: v1
playbook: sell
clock: 2025-07-23T10:00:00Z
defaults:
  params: { id: 1 }
  given: { shop: { things: [{ id: 1, name: lamp, state: open }] } }
cases:
  - name: a lost lamp is left alone without a word
    given: { shop: { things: [{ id: 1, state: lost }] } }
    expect: { outcome: unchanged, exit: 0, message: nothing to do, changes: none }
  - name: the lamp is sold and nobody writes down to whom
    expect:
      outcome: changed
      told: { boss: { contains: sold } }
      changes:
        shop.things: { "1": { state: [open, lost], note: [null, "sold to tester, who came in the morning and paid in notes"] } }
        shop.audits: [{ action: destroy, record_id: 1, changes: { contains: { state: [1, 9] } } }]
"#;

/// Sends a letter, and nobody can find out whether it was sent.
pub const LETTER: &str = r#"trueup: v1
name: letter
version: 1
title: A letter is sent
owner: clerk
risk: low
uses:
  crm: { methods: [POST] }
steps:
  - id: send
    http: { api: crm, post: /letters, json: { text: hello } }
    irreversible: A letter that was sent has left the house.
"#;

pub const LETTER_TESTS: &str = r#"trueup: v1
playbook: letter
clock: 2025-07-23T10:00:00Z
defaults:
  given: { crm: [{ post: /letters, answer: { status: 201, json: { id: 1 } } }] }
cases:
  - name: a letter is sent
    expect: { outcome: changed, sent: { crm: { "POST /letters": 1 }, nothing_else: true } }
"#;

/// What came of a command.
pub struct Came {
    pub exit: i32,
    pub out: String,
    pub err: String,
}

pub struct Author {
    folder: tempfile::TempDir,
    /// `TMPDIR` of the program, so that what it leaves is seen.
    temp: tempfile::TempDir,
}

impl Author {
    pub fn new() -> Author {
        let author = Author { folder: tempfile::tempdir().unwrap(), temp: tempfile::tempdir().unwrap() };
        let world = root().join("tests/cases/world");
        let project = fs::read_to_string(world.join("trueup.yaml")).unwrap();
        fs::write(author.path().join("trueup.yaml"), project.replace("playbooks: ..", "playbooks: playbooks")).unwrap();
        fs::copy(world.join("tables.sqlite.sql"), author.path().join("tables.sqlite.sql")).unwrap();
        fs::create_dir(author.path().join("playbooks")).unwrap();
        fs::create_dir(author.path().join("empty")).unwrap();
        author.write("sell.yaml", PLAYBOOK);
        author.write("sell.test.yaml", TESTS);
        author
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A file of the playbooks' folder.
    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.path().join("playbooks").join(name), text).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        self.read_at(&format!("playbooks/{name}"))
    }

    pub fn read_at(&self, name: &str) -> String {
        fs::read_to_string(self.path().join(name)).unwrap()
    }

    /// What is in the folder.
    pub fn left(&self) -> Vec<String> {
        names(self.path())
    }

    /// What the program left in the folder of temporary files.
    pub fn left_in_temp(&self) -> Vec<String> {
        names(self.temp.path())
    }

    /// `trueup test …`, at 80 columns and through a pipe. A path that is there in the playbooks' folder may be given short.
    pub fn test(&self, arguments: &[&str]) -> Came {
        let full = |word: &&str| {
            let below = format!("playbooks/{word}");
            if self.path().join(&below).exists() { below } else { (*word).to_owned() }
        };
        let words: Vec<String> = arguments.iter().map(full).collect();
        let words: Vec<&str> = ["test"].into_iter().chain(words.iter().map(String::as_str)).collect();
        self.trueup(&words)
    }

    /// A database with one lamp, for commands that are no tests.
    pub fn sandbox(&self) {
        let path = self.path().join("shop.db");
        let script = self.read_at("tables.sqlite.sql");
        let rows = "insert into things (id, name, state, created_at, updated_at) values (1, 'lamp', 1, '2024-01-01 00:00:00', '2024-01-01 00:00:00');";
        super::super::servers::block_on(trueup::connection::sandbox::sqlite(&path, &[&script, rows])).unwrap();
    }

    /// The program, at 80 columns and through a pipe.
    pub fn trueup(&self, arguments: &[&str]) -> Came {
        let output = Command::new(env!("CARGO_BIN_EXE_trueup"))
            .args(arguments)
            .current_dir(self.path())
            .env_clear()
            .envs([("COLUMNS", "80"), ("LANG", "C.UTF-8"), ("PATH", "/usr/bin:/bin"), ("CRM_KEY", "key")])
            .env("TMPDIR", self.temp.path())
            .output()
            .unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Came { exit: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
    }
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Compares what was printed, lengths of time aside, with `NAME.txt`.
pub fn compare(name: &str, printed: &str) {
    let times = regex::Regex::new(r" *\b\d+(?:\.\d+ s| ms)\b").unwrap();
    // The databases' own clocks are real.
    let moments = regex::Regex::new(r"\b20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?").unwrap();
    let steady = |line: &str| moments.replace_all(&times.replace(line, ""), "[MOMENT]").trim_end().to_owned();
    let printed: String = printed.lines().map(|line| steady(line) + "\n").collect();
    let path = root().join(format!("tests/trueup/test_command/{name}.txt"));
    if std::env::var_os("TRUEUP_BLESS").is_some() {
        fs::write(&path, &printed).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert!(printed == expected, "{} says otherwise; TRUEUP_BLESS=1 writes it anew\n{printed}", path.display());
}
