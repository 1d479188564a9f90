//! What can go wrong, and what is done then: the errors table.

use super::{
    deed::prose,
    page::{Block, Say, Words, text},
};
use crate::{
    check::Checked,
    playbook::errors::{ErrorRow, FailureKind, Retry, Then, Verdict},
};

/// The rows of the errors table.
pub fn trouble(checked: &Checked) -> Vec<Block> {
    let rows: Vec<Vec<Words>> = checked.playbook().errors.iter().map(row).collect();
    if rows.is_empty() {
        return Vec::new();
    }
    let intro = "When a call of another system fails, the first line that fits decides.";
    vec![Block::Para(text(intro)), Block::Table(vec!["what happened", "how one sees it", "what is done"], rows)]
}

fn row(row: &ErrorRow) -> Vec<Words> {
    let name = row.name.as_ref().map_or("", |name| name.as_str());
    let what = match (&row.means, row.otherwise.is_some()) {
        (Some(means), _) => {
            Words::new().strong(name).say(if name.is_empty() { "" } else { ". " }).and(prose(means.as_str().trim()))
        }
        (None, true) => text("Anything else"),
        (None, false) => text(name),
    };
    let then = row.then.as_ref().or(row.otherwise.as_ref());
    vec![what, looks(row), then.map(self::then).unwrap_or_default()]
}

/// How one sees it.
fn looks(row: &ErrorRow) -> Words {
    let mut parts: Vec<Words> = Vec::new();
    let any = |all: Vec<String>| crate::base::suggest::any(&all);
    if let Some(steps) = &row.step {
        parts.push(text("in ").code(any(steps.0.iter().map(|word| word.as_str().to_owned()).collect())));
    }
    if let Some(apis) = &row.api {
        parts.push(Words::new().code(any(apis.0.iter().map(|word| word.as_str().to_owned()).collect())));
    }
    if let Some(statuses) = &row.status {
        parts.push(text("status ").code(any(statuses.0.iter().map(ToString::to_string).collect())));
    }
    if let Some(codes) = &row.code {
        parts.push(text("code ").code(any(codes.0.iter().map(|code| code.0.clone()).collect())));
    }
    for (path, wanted) in row.body.iter() {
        let wanted = wanted.0.iter().map(|one| one.0.clone().unwrap_or_else(|| "null".into())).collect();
        parts.push(Words::new().code(path).say(" is ").code(any(wanted)));
    }
    if let Some(words) = &row.message {
        parts.push(text("says ").code(any(words.0.iter().map(|word| word.as_str().to_owned()).collect())));
    }
    if let Some(attempt) = row.attempt {
        parts.push(text(format!("from attempt {attempt} on")));
    }
    if let Some(kinds) = &row.kind {
        parts.push(text(any(kinds.0.iter().map(|kind| in_words(*kind).to_owned()).collect())));
    }
    let mut all = Words::new();
    for part in parts {
        all = if all.is_empty() { part } else { all.say(", ").and(part) };
    }
    all
}

fn in_words(kind: FailureKind) -> &'static str {
    match kind {
        FailureKind::Connect => "no connection",
        FailureKind::Timeout => "no answer in time",
        FailureKind::Body => "an answer that cannot be read",
        FailureKind::Status => "a refusal",
        FailureKind::Answer => "an answer that says no",
        FailureKind::Auth => "our key is refused",
        FailureKind::NotGranted => "the playbook may not touch it",
    }
}

fn then(then: &Then) -> Words {
    let with = |verb: &str, say: &Option<crate::template::Text>| match say {
        Some(say) => text(format!("{verb}: ")).and(prose(say.scalar().text.trim())),
        None => text(verb),
    };
    match &then.verdict {
        Verdict::Retry(retry) => {
            let fix =
                then.fix.as_ref().map_or_else(Words::new, |fix| text("does ").code(fix.as_str()).say(" once, then "));
            fix.and(again(retry))
        }
        Verdict::Stop(say) => with("stops", say),
        Verdict::Skip(say) => with("is left out", say),
        Verdict::Fail(say) => with("fails", say),
        Verdict::Accept => text("is taken as good"),
        Verdict::Escalate(who, say) => {
            text("goes to ").strong(who.as_str()).say(": ").and(prose(say.scalar().text.trim()))
        }
    }
}

fn again(retry: &Retry) -> Words {
    let mut words = text("is tried again");
    if let Some(attempts) = retry.attempts {
        words = words.say(if attempts == 1 { " once".to_owned() } else { format!(", at most {attempts} times") });
    }
    if let Some(length) = retry.length {
        words = words.say(format!(", for at most {length}"));
    }
    match &retry.exhausted {
        Some(exhausted) => words.say("; if that does not help, it ").and(then(exhausted)),
        None => words,
    }
}
