//! What a decision table says about an error: for a person with the row and a caret, for a machine as JSON.

use super::diagnostics::{pointed, wrapped};
use crate::{
    base::{
        shape::{Length, Word},
        source::Span,
    },
    playbook::{
        diagnosis::{Diagnosis, Judged},
        errors::{ErrorRow, Retry, Then, Verdict},
        failure::Looked,
    },
    template::{Scope, Text},
};
use serde_json::{Value as Json, json};

/// For a terminal, styled; `width` columns.
pub fn terminal(diagnosis: &Diagnosis, width: usize) -> String {
    let mut page = Page { text: String::new(), width };
    page.line("The error", &error_line(diagnosis));
    let Some(decides) = diagnosis.decides.and_then(|at| diagnosis.rows.get(at)) else {
        page.line("Meaning", &format!("no row of `{}` fits", diagnosis.asked));
        page.line("What to do", "ask whoever looks after the table; when it is understood, add a row for it");
        for near in diagnosis.nearest() {
            let missed: Vec<String> = near.missed().map(differs).collect();
            page.drawn(diagnosis, &near.row, &format!("comes near: it wants {}", missed.join(", and ")));
        }
        return page.text;
    };
    page.line("It is", &title(&decides.row));
    if let Some(means) = &decides.row.means {
        page.line("Meaning", means.as_str());
    }
    if let Some(then) = then(&decides.row) {
        if let Some(fix) = &then.fix {
            page.line(
                "What to do",
                &format!("first the step `{}`, then {}", fix.as_str(), deed(&then.verdict, diagnosis)),
            );
        } else {
            page.line("What to do", &deed(&then.verdict, diagnosis));
        }
    }
    let open: Vec<String> = decides.open().map(wants).collect();
    if !open.is_empty() {
        page.line("Provided that", &format!("{}: the text does not tell", open.join(", and ")));
    }
    page.drawn(diagnosis, &decides.row, "this row decides");
    for other in diagnosis.unless() {
        let open: Vec<String> = other.open().map(wants).collect();
        page.drawn(diagnosis, &other.row, &format!("but this one, if {}", open.join(", and ")));
    }
    page.text
}

struct Page {
    text: String,
    width: usize,
}

impl Page {
    /// A word at the left, the text beside it in its own column.
    fn line(&mut self, word: &str, text: &str) {
        let column = 15;
        let text = wrapped(text, self.width.saturating_sub(column));
        for (index, line) in text.lines().enumerate() {
            let word = if index == 0 { word } else { "" };
            self.text.push_str(&format!("{word:<column$}{line}\n"));
        }
    }

    fn drawn(&mut self, diagnosis: &Diagnosis, row: &ErrorRow, why: &str) {
        self.text.push('\n');
        self.text.push_str(&pointed(&title(row), place(row), why, &diagnosis.source, self.width));
        self.text.push('\n');
    }
}

/// `400 with code 10005: Teacher has no incomplete ITT record`, as far as the text tells.
fn error_line(diagnosis: &Diagnosis) -> String {
    let mut parts = Vec::new();
    parts.extend(diagnosis.error.status.map(|status| format!("status {status}")));
    parts.extend(diagnosis.code.as_ref().map(|code| format!("code {code}")));
    let body = &diagnosis.error.body;
    let said = ["title", "message", "error", "detail"].into_iter().find_map(|name| body.get(name));
    match said.filter(|said| said.as_str().is_some()) {
        Some(said) => parts.push(said.plain().into_owned()),
        None if parts.is_empty() => parts.push(diagnosis.error.text.chars().take(200).collect()),
        None => {}
    }
    parts.join(", ")
}

/// What people call the failure; else its conditions.
fn title(row: &ErrorRow) -> String {
    match &row.name {
        Some(name) => name.as_str().to_owned(),
        None if row.otherwise.is_some() => "everything else".to_owned(),
        None => "a row without a name".to_owned(),
    }
}

fn place(row: &ErrorRow) -> Span {
    row.name.as_ref().map_or(row.at, |name| name.span)
}

fn then(row: &ErrorRow) -> Option<&Then> {
    row.then.as_ref().or(row.otherwise.as_ref())
}

fn wants(looked: &Looked) -> String {
    format!("{} is {}", looked.what, looked.wanted)
}

fn differs(looked: &Looked) -> String {
    format!("{} {} (here: {})", looked.what, looked.wanted, looked.found)
}

/// What would be done, as a sentence; a text that needs values of a run is shown as it stands.
fn deed(verdict: &Verdict, diagnosis: &Diagnosis) -> String {
    let said =
        |text: &Option<Text>| text.as_ref().map_or(String::new(), |text| format!(": {}", filled(text, diagnosis)));
    match verdict {
        Verdict::Stop(text) => format!("stop{}", said(text)),
        Verdict::Skip(text) => format!("leave the item alone{}", said(text)),
        Verdict::Fail(text) => format!("the item failed{}", said(text)),
        Verdict::Accept => "nothing: the answer is taken for a good one".to_owned(),
        Verdict::Escalate(who, text) => format!("{} has to look: {}", who.as_str(), filled(text, diagnosis)),
        Verdict::Retry(retry) => {
            let after = match &retry.exhausted {
                Some(then) => deed(&then.verdict, diagnosis),
                None => "stop".to_owned(),
            };
            format!("try again {}; if that does not help: {after}", bounds(retry))
        }
    }
}

fn bounds(retry: &Retry) -> String {
    let mut words = Vec::new();
    words.extend(retry.attempts.map(|n| if n == 1 { "once".to_owned() } else { format!("up to {n} times") }));
    words.extend(retry.length.map(|length| format!("for {length}")));
    words.extend(retry.backoff.map(|b| {
        if b.first == b.most {
            format!("with a pause of {}", Length(b.first))
        } else {
            format!("with pauses of {} to {}", Length(b.first), Length(b.most))
        }
    }));
    words.join(" ")
}

fn filled(text: &Text, diagnosis: &Diagnosis) -> String {
    let scope = Scope::new().with("error", diagnosis.error_value());
    text.message(&scope, &[]).unwrap_or_else(|_| text.scalar().text.trim().to_owned())
}

/// `{ asked, error, decides, nearest }`: `decides` is null when no row fits.
pub fn json(diagnosis: &Diagnosis) -> Json {
    let error = json!({
        "status": diagnosis.error.status, "code": diagnosis.code, "summary": error_line(diagnosis)
    });
    let decides = diagnosis.decides.and_then(|at| diagnosis.rows.get(at));
    let nearest: Vec<Json> = match decides {
        Some(_) => Vec::new(),
        None => diagnosis.nearest().into_iter().map(|judged| row(judged, diagnosis)).collect(),
    };
    json!({
        "asked": diagnosis.asked, "error": error, "decides": decides.map(|judged| row(judged, diagnosis)), "nearest": nearest
    })
}

fn row(judged: &Judged, diagnosis: &Diagnosis) -> Json {
    let (row, at) = (&judged.row, place(&judged.row).start);
    let looked = |one: &Looked| json!({ "what": one.what, "wanted": one.wanted, "found": one.found });
    json!({
        "name": row.name.as_ref().map(Word::as_str),
        "means": row.means.as_ref().map(Word::as_str),
        "file": diagnosis.source.name_at(at),
        "line": diagnosis.source.place(at).line,
        "then": then(row).map(|then| action(&then.verdict, diagnosis)),
        "not_told": judged.open().map(looked).collect::<Vec<_>>(),
        "differs": judged.missed().map(looked).collect::<Vec<_>>(),
    })
}

fn action(verdict: &Verdict, diagnosis: &Diagnosis) -> Json {
    let said = |text: &Option<Text>| text.as_ref().map(|text| filled(text, diagnosis));
    let (word, who, say) = match verdict {
        Verdict::Stop(text) => ("stop", None, said(text)),
        Verdict::Skip(text) => ("skip", None, said(text)),
        Verdict::Fail(text) => ("fail", None, said(text)),
        Verdict::Accept => ("accept", None, None),
        Verdict::Escalate(who, text) => ("escalate", Some(who.as_str()), Some(filled(text, diagnosis))),
        Verdict::Retry(_) => ("retry", None, None),
    };
    let mut action = json!({ "do": word, "who": who, "say": say, "words": deed(verdict, diagnosis) });
    if let Verdict::Retry(retry) = verdict {
        action["exhausted"] = match &retry.exhausted {
            Some(then) => self::action(&then.verdict, diagnosis),
            None => json!({ "do": "stop" }),
        };
    }
    action
}
