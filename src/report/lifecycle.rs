//! Where the records of a lifecycle stand: for people, as JSON, as CSV. Asks nobody.

use super::{columns::width, look::Look};
use crate::base::{json, value::Value};
use std::sync::Arc;

/// What a state is to the lifecycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Before a stage.
    Waiting,
    /// In a stage.
    Working,
    /// A stage failed.
    Failed,
    /// It shall not go on.
    Aborted,
    /// Over.
    Done,
    /// The lifecycle does not know it.
    Unknown,
}

impl Kind {
    /// In lists.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Waiting => "waiting",
            Kind::Working => "working",
            Kind::Failed => "failed",
            Kind::Aborted => "aborted",
            Kind::Done => "done",
            Kind::Unknown => "unknown",
        }
    }
}

/// The records in one state.
#[derive(Clone, Debug)]
pub struct Standing {
    /// The state.
    pub state: Arc<str>,
    /// What it is.
    pub kind: Kind,
    /// How many.
    pub records: u64,
    /// Since when the one that has been there longest is.
    pub oldest: Option<String>,
}

/// A record in a working state.
#[derive(Clone, Debug)]
pub struct AtWork {
    /// Its key.
    pub key: Arc<str>,
    /// Its state.
    pub state: Arc<str>,
    /// Since when.
    pub since: Option<String>,
    /// The run that holds it, and who is at work on that.
    pub held: Option<String>,
    /// No run of this journal holds it, and it has been there too long.
    pub stale: bool,
}

/// Records that failed in the same way.
#[derive(Clone, Debug)]
pub struct Group {
    /// The state that they left: the stage that failed.
    pub left: Arc<str>,
    /// What was said.
    pub message: String,
    /// How many.
    pub records: u64,
    /// Some of them, by their keys.
    pub some: Vec<Arc<str>>,
}

/// Where all records stand.
#[derive(Clone, Debug, Default)]
pub struct Status {
    /// The playbook.
    pub playbook: String,
    /// The table.
    pub table: String,
    /// The environment.
    pub environment: String,
    /// Since longer than this a working state is taken for left behind.
    pub stale_after: String,
    /// Every state of the lifecycle in its order, and those that it does not know.
    pub states: Vec<Standing>,
    /// Records in a working state, the first ones.
    pub at_work: Vec<AtWork>,
    /// How many of those were left behind.
    pub stale: u64,
    /// What went wrong, the most frequent first.
    pub errors: Vec<Group>,
    /// Stages that records are behind without their log knowing of it, and how many.
    pub passed_over: Vec<(Arc<str>, u64)>,
    /// What the target knows otherwise than the playbook.
    pub unlike: Option<String>,
}

/// So many records and groups are shown.
const SHOWN: usize = 10;

/// The page.
pub fn text(status: &Status, look: Look) -> String {
    let total: u64 = status.states.iter().map(|one| one.records).sum();
    let mut out =
        format!("{}: {} of {} in {}\n\n", status.playbook, counted(total, "record"), status.table, status.environment);
    if let Some(unlike) = &status.unlike {
        out.push_str(&wrapped(&format!("Careful: {unlike}."), look, ""));
        out.push('\n');
    }
    let rows = status.states.iter().filter(|one| one.records > 0 || one.kind != Kind::Unknown).map(|one| {
        let oldest = one.oldest.as_ref().filter(|_| one.records > 0).map_or(String::new(), |at| format!("since {at}"));
        vec![one.state.to_string(), one.kind.word().to_owned(), one.records.to_string(), oldest]
    });
    out.push_str(&columns_of(rows.collect(), &[2]));
    if !status.at_work.is_empty() {
        out.push_str(&format!("\nIn a working state ({}):\n", left_behind(status.stale)));
        let rows = status.at_work.iter().take(SHOWN).map(|one| {
            let what = match (&one.held, one.stale) {
                (Some(held), _) => held.clone(),
                (None, true) => format!("left behind: no run holds it, longer than {}", status.stale_after),
                (None, false) => "no run of this journal holds it".to_owned(),
            };
            vec![format!("  {}", one.key), one.state.to_string(), one.since.clone().unwrap_or_default(), what]
        });
        out.push_str(&columns_of(rows.collect(), &[]));
        out.push_str(&more(status.at_work.len()));
    }
    if !status.errors.is_empty() {
        out.push_str("\nWhat went wrong:\n");
        for group in status.errors.iter().take(SHOWN) {
            let place = if group.left.is_empty() { "somewhere" } else { &group.left };
            let head = format!("  {} in {place}: ", group.records);
            out.push_str(&wrapped(&format!("{head}{}", group.message), look, "    "));
            let keys: Vec<&str> = group.some.iter().map(|key| &**key).collect();
            let rest = if group.records as usize > keys.len() { ", …" } else { "" };
            out.push_str(&format!("    {}{rest}\n", keys.join(", ")));
        }
        out.push_str(&more(status.errors.len()));
    }
    for (stage, records) in &status.passed_over {
        let text = format!(
            "{} {} behind the stage `{stage}`, which no log knows of: it was added later, and is not made up for.",
            counted(*records, "record"),
            if *records == 1 { "stands" } else { "stand" }
        );
        out.push('\n');
        out.push_str(&wrapped(&text, look, ""));
    }
    out.push_str(&next(status));
    out
}

/// Cells below each other; those of the columns in `right` end at the same place.
fn columns_of(rows: Vec<Vec<String>>, right: &[usize]) -> String {
    let many = rows.iter().map(Vec::len).max().unwrap_or(0);
    let wide: Vec<usize> = (0..many)
        .map(|at| rows.iter().filter_map(|row| row.get(at)).map(|cell| width(cell)).max().unwrap_or(0))
        .collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().enumerate().map(|(at, cell)| {
            let room = " ".repeat(wide[at].saturating_sub(width(cell)));
            if right.contains(&at) { format!("{room}{cell}") } else { format!("{cell}{room}") }
        });
        format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}

/// What can be done about it.
fn next(status: &Status) -> String {
    let failed: u64 = status.states.iter().filter(|one| one.kind == Kind::Failed).map(|one| one.records).sum();
    if failed + status.stale == 0 {
        return String::new();
    }
    let held = "Puts back what failed or was left behind, to the state before the stage";
    format!("\n{held}:\n  trueup lifecycle rewind {} --reason …\n", status.playbook)
}

fn left_behind(stale: u64) -> String {
    match stale {
        0 => "none left behind".to_owned(),
        n => format!("{n} left behind"),
    }
}

fn more(count: usize) -> String {
    match count.checked_sub(SHOWN) {
        Some(more) if more > 0 => format!("  and {more} more: `--json` lists them\n"),
        _ => String::new(),
    }
}

fn counted(count: u64, word: &str) -> String {
    if count == 1 { format!("1 {word}") } else { format!("{count} {word}s") }
}

/// Words put into lines, the later ones moved right.
fn wrapped(text: &str, look: Look, indent: &str) -> String {
    let text = look.hidden(text);
    let options = textwrap_width(look.width);
    let mut out = String::new();
    let mut line = String::new();
    let lead: String = text.chars().take_while(|c| *c == ' ').collect();
    line.push_str(&lead);
    for word in text.split_whitespace() {
        if line.trim().is_empty() {
            line.push_str(word);
        } else if line.chars().count() + 1 + word.chars().count() > options {
            out.push_str(&line);
            out.push('\n');
            line = format!("{indent}{word}");
        } else {
            line.push(' ');
            line.push_str(word);
        }
    }
    out.push_str(&line);
    out.push('\n');
    out
}

fn textwrap_width(width: usize) -> usize {
    width.clamp(40, 120)
}

/// For machines.
pub fn document(status: &Status) -> String {
    let optional = |text: &Option<String>| text.as_deref().map_or(Value::NULL, Value::text);
    let number = |n: u64| Value::from(i64::try_from(n).unwrap_or(i64::MAX));
    let states = status.states.iter().map(|one| {
        Value::map([
            ("state", Value::text(one.state.clone())),
            ("kind", Value::text(one.kind.word())),
            ("records", number(one.records)),
            ("oldest", optional(&one.oldest)),
        ])
    });
    let at_work = status.at_work.iter().map(|one| {
        Value::map([
            ("key", Value::text(one.key.clone())),
            ("state", Value::text(one.state.clone())),
            ("since", optional(&one.since)),
            ("held_by", optional(&one.held)),
            ("stale", one.stale.into()),
        ])
    });
    let errors = status.errors.iter().map(|group| {
        Value::map([
            ("left", Value::text(group.left.clone())),
            ("message", Value::text(group.message.as_str())),
            ("records", number(group.records)),
            ("some", Value::list(group.some.iter().map(|key| Value::text(key.clone())))),
        ])
    });
    let passed_over = status
        .passed_over
        .iter()
        .map(|(stage, records)| Value::map([("stage", Value::text(stage.clone())), ("records", number(*records))]));
    let whole = Value::map([
        ("playbook", Value::text(status.playbook.as_str())),
        ("table", Value::text(status.table.as_str())),
        ("environment", Value::text(status.environment.as_str())),
        ("states", Value::list(states)),
        ("at_work", Value::list(at_work)),
        ("stale", number(status.stale)),
        ("errors", Value::list(errors)),
        ("passed_over", Value::list(passed_over)),
        ("unlike", optional(&status.unlike)),
    ]);
    format!("{}\n", json::text_of(&whole))
}

/// For a spreadsheet: a line for each state, and one for each way to fail.
pub fn csv(status: &Status) -> String {
    let cell = |text: &str| match text.contains(['"', ',', '\n', '\r', ';']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.to_owned(),
    };
    let mut out = String::from("state,kind,records,oldest,message\n");
    for one in &status.states {
        let oldest = one.oldest.as_deref().unwrap_or("");
        out.push_str(&format!("{},{},{},{},\n", cell(&one.state), one.kind.word(), one.records, cell(oldest)));
    }
    for group in &status.errors {
        out.push_str(&format!("{},error,{},,{}\n", cell(&group.left), group.records, cell(&group.message)));
    }
    out
}
