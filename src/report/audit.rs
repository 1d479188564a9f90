//! What `audit` found: in words, and as JSON documents whose fields stand in `docs/json.md`.

use super::{
    clock,
    line::{Line, Tone, clean},
    look::Look,
    page::Page,
    plain_value::{count, maybe, texts},
    plan_json::FORMAT,
    pretty,
};
use crate::{
    base::{time::Stamp, value::Value},
    journal::{Anchor, Purgeable, Report, RunSummary, words::End},
};

/// Of `audit verify`.
pub fn verified(report: &Report, looked_for: Option<Anchor>, look: Look) -> String {
    let mut page = Page::new(look);
    let (tone, verdict) = match report.findings.len() {
        0 => (Tone::Good, "Everything is as it was written.".to_owned()),
        1 => (Tone::Bad, "One thing is not as it was written.".to_owned()),
        many => (Tone::Bad, format!("{many} things are not as they were written.")),
    };
    page.line(0, Line::of(tone, verdict));
    for finding in &report.findings {
        page.line(2, Line::of(Tone::Plain, &*clean(&finding.to_string())));
    }
    let looked = format!("{} and {} were looked at", many(report.runs, "run"), many(report.events, "event"));
    let purged = match report.purged {
        0 => String::new(),
        purged => format!("; what {} recorded was purged, and the hashes are there", many(purged, "run")),
    };
    page.line(0, Line::of(Tone::Plain, format!("{looked}{purged}.")));
    if let Some(anchor) = looked_for {
        page.line(0, Line::of(Tone::Plain, format!("Compared with entry {}, kept elsewhere.", anchor.number)));
    }
    page.line(0, Line::of(Tone::Dim, "This cannot see:"));
    for blind in &report.blind {
        page.line(2, Line::of(Tone::Dim, *blind));
    }
    if looked_for.is_none() {
        page.line(0, Line::of(Tone::Dim, "An anchor kept elsewhere sees more: trueup audit anchor --append FILE"));
    }
    page.finish()
}

/// The same for programs.
pub fn verified_json(report: &Report, looked_for: Option<Anchor>) -> String {
    let findings = report.findings.iter().map(|finding| {
        Value::map([
            ("run", maybe(finding.run.map(|run| run.to_string()))),
            ("number", count(usize::try_from(finding.seq).unwrap_or(usize::MAX))),
            ("message", finding.to_string().into()),
        ])
    });
    let number = |number: u64| count(usize::try_from(number).unwrap_or(usize::MAX));
    pretty::document(&Value::map([
        ("format", FORMAT.into()),
        ("kind", "audit".into()),
        ("whole", report.findings.is_empty().into()),
        ("runs", number(report.runs)),
        ("events", number(report.events)),
        ("purged", number(report.purged)),
        ("findings", Value::list(findings)),
        ("compared_with", maybe(looked_for.map(|anchor| anchor.to_string()))),
        ("end_of_chain", maybe(report.anchor.map(|anchor| anchor.to_string()))),
        ("cannot_see", texts(&report.blind)),
    ]))
}

/// One line of an anchor file: number, hash, time.
pub fn anchor_line(anchor: Anchor, at: Stamp) -> String {
    format!("{} {} {at}Z", anchor.number, anchor.hash)
}

/// The same for machines: `anchor` is what `audit verify --anchor` takes.
pub fn anchor_json(anchor: Anchor, at: Stamp) -> String {
    pretty::document(&Value::map([
        ("format", FORMAT.into()),
        ("kind", "anchor".into()),
        ("anchor", anchor.to_string().into()),
        ("at", clock::json(at).into()),
    ]))
}

/// Of `audit purge`: what would go, or went.
pub fn purgeable(runs: &[Purgeable], closed_before: Stamp, look: Look) -> String {
    let mut page = Page::new(look);
    let before = clock::minute(closed_before);
    if runs.is_empty() {
        page.line(
            0,
            Line::of(Tone::Plain, format!("No run that was closed before {before} UTC has anything to purge.")),
        );
        return page.finish();
    }
    let bytes: u64 = runs.iter().map(|one| one.bytes).sum();
    let what = format!("{}, closed before {before} UTC, {}:", many(runs.len() as u64, "run"), size(bytes));
    page.line(0, Line::of(Tone::Plain, what));
    for one in runs {
        let closed = one.run.closed_at.map_or_else(String::new, clock::minute);
        let line = format!("{}  {closed}  {}  {}", one.run.id.short(), size(one.bytes), clean(&one.run.playbook));
        page.line(2, Line::of(Tone::Plain, line));
    }
    page.finish()
}

/// The same for programs. `done`: they are gone.
pub fn purgeable_json(runs: &[Purgeable], closed_before: Stamp, done: bool) -> String {
    let listed = runs.iter().map(|one| {
        Value::map([
            ("id", one.run.id.to_string().into()),
            ("short", one.run.id.short().into()),
            ("playbook", one.run.playbook.as_str().into()),
            ("ended", maybe(one.run.closed_at.map(clock::json))),
            ("bytes", count(usize::try_from(one.bytes).unwrap_or(usize::MAX))),
        ])
    });
    pretty::document(&Value::map([
        ("format", FORMAT.into()),
        ("kind", "purge".into()),
        ("closed_before", clock::json(closed_before).into()),
        ("purged", done.into()),
        ("runs", Value::list(listed)),
    ]))
}

/// The line of a purged run: what is left of it.
pub fn left_of(run: &RunSummary, at: Stamp, look: Look) -> String {
    let mut page = Page::new(look);
    let gone = format!("What this run recorded was removed by `trueup audit purge` at {} UTC.", clock::minute(at));
    page.line(0, Line::of(Tone::Care, gone));
    page.line(0, Line::of(Tone::Plain, "It cannot be shown in full, resumed, retried or taken back. What is left:"));
    let ended = run.end.map_or_else(|| run.state.word(), End::word).replace('_', " ");
    let fields = [
        ("run", run.id.to_string()),
        ("playbook", format!("{}, version {}", clean(&run.playbook), run.version)),
        ("environment", clean(&run.environment).into_owned()),
        ("by", clean(&run.actor).into_owned()),
        ("because", clean(&run.reason.replace('\n', " ")).into_owned()),
        ("started", format!("{} UTC", clock::minute(run.started_at))),
        ("ended", format!("{ended}, {} UTC", run.closed_at.map_or_else(String::new, clock::minute))),
        ("items", run.counts.clone()),
        ("events", format!("{}, the last one {}", run.events, run.head)),
    ];
    for (name, text) in fields.into_iter().filter(|(_, text)| !text.is_empty()) {
        page.line(2, Line::of(Tone::Dim, format!("{name:<13}")).add(Tone::Plain, text));
    }
    page.finish()
}

/// The same for programs.
pub fn left_of_json(run: &RunSummary, at: Stamp) -> String {
    pretty::document(&Value::map([
        ("format", FORMAT.into()),
        ("kind", "run".into()),
        ("id", run.id.to_string().into()),
        ("short", run.id.short().into()),
        ("state", run.state.word().into()),
        ("end", maybe(run.end.map(End::word))),
        ("purged", clock::json(at).into()),
        ("started", clock::json(run.started_at).into()),
        ("ended", maybe(run.closed_at.map(clock::json))),
        ("playbook", run.playbook.as_str().into()),
        ("environment", run.environment.as_str().into()),
        ("purpose", run.purpose.as_str().into()),
        ("actor", run.actor.as_str().into()),
        ("because", run.reason.as_str().into()),
        ("counts", run.counts.as_str().into()),
        ("events", count(usize::try_from(run.events).unwrap_or(usize::MAX))),
        ("head", run.head.to_string().into()),
        ("items", Value::list([])),
    ]))
}

fn many(number: u64, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

/// `3 MB`, `12 kB`, `80 bytes`.
fn size(bytes: u64) -> String {
    match bytes {
        0..10_000 => format!("{bytes} bytes"),
        10_000..10_000_000 => format!("{} kB", bytes / 1000),
        _ => format!("{} MB", bytes / 1_000_000),
    }
}
