//! The drift report for a terminal: a minute's reading.

use super::{Came, Item, Reconciled, Verdict, deeds, examples, next_steps, sentence, why_of};
use crate::{
    journal::occasion::TrendPoint,
    report::{
        clock,
        line::{Line, Tone, clean},
        look::Look,
        many,
        page::Page,
    },
};

/// So many items, or groups of them, are shown; `--json` and `--html` have all.
const SHOWN: usize = 20;

/// The whole report.
pub fn text(found: &Reconciled, look: Look) -> String {
    let mut page = Page::new(look);
    let dot = look.dot();
    let by = found.schedule.as_ref().map_or(String::new(), |name| format!(" {dot} schedule {name}"));
    page.line(0, Line::of(Tone::Strong, clean(&found.playbook)).plain(format!(" in {}", found.environment)));
    page.line(
        0,
        Line::of(
            Tone::Dim,
            format!(
                "reconcile {} {dot} {} UTC{by} {dot} {}",
                found.run.short(),
                clock::minute(found.at),
                clean(&found.actor)
            ),
        ),
    );
    page.blank();
    let tone = match found.word() {
        Came::Clean | Came::Healed => Tone::Good,
        Came::Drifted | Came::Waiting => Tone::Care,
        Came::Refused | Came::Cancelled | Came::Failed | Came::InDoubt => Tone::Bad,
    };
    page.line(0, Line::of(tone, sentence(found)));
    for line in deeds(found) {
        page.line(0, Line::of(Tone::Plain, clean(&line)));
    }
    items(&mut page, found);
    trend(&mut page, &found.trend);
    let next = next_steps(found);
    if !next.is_empty() {
        many::commands(&mut page, &next);
    }
    page.finish()
}

fn items(page: &mut Page, found: &Reconciled) {
    if found.items.is_empty() {
        return;
    }
    page.blank();
    let all = found.told_together();
    let (shown, rest) = all.split_at(all.len().min(SHOWN));
    for items in shown {
        match items.as_slice() {
            [item] => one(page, found, item),
            items => several(page, found, items),
        }
    }
    let rest = rest.concat();
    let more = rest.len() as u64 + found.more;
    if more > 0 {
        let where_else = if found.more > 0 { "" } else { "; --json and --html list them" };
        page.line(2, Line::of(Tone::Dim, format!("and {more} more{}{where_else}", words(found, &rest))));
    }
}

/// ` (3 refused, 12 healed)`: what came of those that are not shown, where that is more than having been told.
fn words(found: &Reconciled, rest: &[&Item]) -> String {
    let count = |verdict: Verdict| {
        let beyond: u64 = found.beyond.iter().filter(|(one, _)| *one == verdict).map(|(_, items)| items).sum();
        rest.iter().filter(|item| item.verdict == verdict).count() as u64 + beyond
    };
    let all = [
        Verdict::InDoubt,
        Verdict::Failed,
        Verdict::Cancelled,
        Verdict::Refused,
        Verdict::Healing,
        Verdict::AsWanted,
        Verdict::Healed,
    ];
    let told: Vec<String> = all
        .into_iter()
        .filter(|verdict| count(*verdict) > 0)
        .map(|verdict| format!("{} {}", count(verdict), verdict.word().replace('_', " ")))
        .collect();
    if told.is_empty() { String::new() } else { format!(" ({})", told.join(", ")) }
}

/// Items for one reason: how many, why, and the first of them by name.
fn several(page: &mut Page, found: &Reconciled, items: &[&Item]) {
    let name = Line::of(Tone::Strong, format!("{} items", items.len()));
    let name = match since_all(found, items) {
        Some(since) => name.add(Tone::Dim, format!("  {since}")),
        None => name,
    };
    page.labelled(2, 4, name, came_to(found, items[0]));
    if let Some(why) = why_of(items) {
        let why = if page.look.unicode { why } else { why.replace('…', "...") };
        page.hung(6, 8, Line::of(Tone::Dim, clean(&why)));
    }
    page.hung(6, 8, Line::of(Tone::Plain, clean(&examples(items))));
}

/// What came of it, where that is more than having been told.
fn came_to(found: &Reconciled, item: &Item) -> Line {
    let tone = match item.verdict {
        Verdict::Healed | Verdict::AsWanted => Tone::Good,
        Verdict::Reported | Verdict::Healing => Tone::Care,
        Verdict::Refused | Verdict::Cancelled | Verdict::Failed | Verdict::InDoubt => Tone::Bad,
    };
    let told = found.heals || item.verdict == Verdict::Failed;
    if told { Line::of(tone, item.verdict.word().replace('_', " ")) } else { Line::default() }
}

fn one(page: &mut Page, found: &Reconciled, item: &Item) {
    let name = if &*item.key == "-" { "the record".to_owned() } else { clean(&item.key).into_owned() };
    let name = Line::of(Tone::Strong, name).add(Tone::Dim, format!("  {}", since(found, item)));
    page.labelled(2, 4, name, came_to(found, item));
    for what in &item.what {
        let what = if page.look.unicode { what.clone() } else { what.replace('→', "->").replace('…', "...") };
        page.hung(6, 8, Line::of(Tone::Plain, clean(&what)));
    }
    if let Some(why) = &item.why {
        page.hung(6, 8, Line::of(Tone::Dim, clean(why)));
    }
}

/// `new`, `again, healed 2026-11-20 02:30`, `since 2026-11-20 02:30, 7 times in a row`, `new, differed since 2026-11-20 02:30`.
pub(super) fn since(found: &Reconciled, item: &Item) -> String {
    let differed = item.differed.map_or(String::new(), |at| format!(", differed since {}", clock::minute(at)));
    if let Some(at) = item.healed {
        return format!("again, healed {}{differed}", clock::minute(at));
    }
    if item.seen <= 1 || item.since == found.at {
        return format!("new{differed}");
    }
    format!("since {}, {} times in a row{differed}", clock::minute(item.since), item.seen)
}

/// The same of items that are told together, where it is the same of all of them.
pub(super) fn since_all(found: &Reconciled, items: &[&Item]) -> Option<String> {
    let first = since(found, items.first()?);
    items.iter().all(|item| since(found, item) == first).then_some(first)
}

/// What a nought would hide: how many could not be tried out.
pub(super) fn untried(point: &TrendPoint) -> String {
    point
        .failed
        .filter(|failed| *failed > 0)
        .map_or(String::new(), |failed| format!(", {failed} could not be tried out"))
}

/// A shorter bar tells nothing.
const LEAST: u64 = 5;

fn trend(page: &mut Page, points: &[TrendPoint]) {
    if points.len() < 2 {
        return;
    }
    page.blank();
    page.line(0, Line::of(Tone::Strong, "Over time"));
    let most = points.iter().map(|point| point.drifted).max().unwrap_or(0).max(1);
    let found: Vec<String> = points.iter().map(told_of).collect();
    // All bars begin in one column, or their lengths say nothing; where the words leave no room for them, the numbers tell.
    let column = found.iter().map(|found| 20 + found.chars().count()).max().unwrap_or(0).max(34);
    let room = page.width().saturating_sub(column + 4).min(page.width() / 3).min(30) as u64;
    let room = if room < LEAST { 0 } else { room };
    for (point, found) in points.iter().zip(found).rev() {
        let length = (point.drifted * room).div_ceil(most) as usize;
        let bar = if page.look.unicode { "█" } else { "#" }.repeat(length);
        let line = Line::of(Tone::Dim, clock::minute(point.at)).pad(18, 2).plain(found);
        let line = if bar.is_empty() { line } else { line.pad(column, 2).add(Tone::Care, bar) };
        page.line(2, line.kept());
    }
}

/// What came of one of them: `12, 3 of 12 healed, 1 could not be tried out`.
fn told_of(point: &TrendPoint) -> String {
    let healing = match (point.healing, point.healed) {
        (0, _) => String::new(),
        (of, Some(healed)) if healed >= of => format!(", {healed} healed"),
        (of, Some(healed)) => format!(", {healed} of {of} healed"),
        // Recorded by a version that did not tell.
        (of, None) => format!(", {of} to heal"),
    };
    format!("{}{healing}{}", point.drifted, untried(point))
}
