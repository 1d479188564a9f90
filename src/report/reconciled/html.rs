//! The drift report as one HTML file: no scripts, nothing from elsewhere, every text escaped.

use super::{
    Beside, Came, Item, Reconciled, Verdict, deeds, examples, next_steps, sentence,
    text::{since, since_all},
    why_of,
};
use crate::{
    base::{counted::counted, time::Stamp},
    journal::occasion::TrendPoint,
    report::{clock, line::clean},
};
use std::fmt::Write;

const STYLE: &str = include_str!("page.css");
/// Nothing may be loaded or run, whatever gets into the page.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// One page for one or several reconciles, made at this moment, with what could not be looked at and what was not begun: a page that
/// leaves that out would be taken for all of it.
pub fn html(all: &[Reconciled], beside: &Beside, at: Stamp) -> String {
    let left_out = beside.failed.len() + beside.passed.len();
    let title = match (all, left_out) {
        ([one], 0) => format!("Drift: {} in {}", one.playbook, one.environment),
        (all, 0) => format!("Drift: {} playbooks", all.len()),
        (all, left_out) => {
            let looked_at = counted(all.len(), "playbook");
            format!("Drift: {looked_at}, and {left_out} that could not be looked at")
        }
    };
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta http-equiv=\"Content-Security-Policy\" \
         content=\"{POLICY}\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{}</title>\n\
         <style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n",
        escaped(&title)
    );
    for (name, why) in &beside.failed {
        missing(name, "bad", "It could not be looked at.", Some(why), at, &mut out);
    }
    for one in &beside.passed {
        let wall = one.wall.replace('T', " ");
        let what = match one.count {
            1 => format!("{wall} was {} and not begun.", one.word.word()),
            n => format!("{n} times up to {wall} were {} and not begun.", one.word.word()),
        };
        let class = if one.caught_up { "care" } else { "bad" };
        missing(&format!("schedule {}", one.schedule), class, &what, one.why.as_deref(), at, &mut out);
    }
    for one in all {
        report(one, &mut out);
    }
    out.push_str("</main>\n</body>\n</html>\n");
    out
}

/// Of what there is no report.
fn missing(name: &str, class: &str, what: &str, why: Option<&str>, at: Stamp, out: &mut String) {
    line(out, &format!("<h1>{}</h1>", escaped(name)));
    line(out, &format!("<p class=\"about\">{} UTC</p>", clock::minute(at)));
    line(out, &format!("<p class=\"sum {class}\">{}</p>", escaped(what)));
    for text in why.into_iter().flat_map(str::lines) {
        line(out, &format!("<p class=\"why\">{}</p>", escaped(text)));
    }
}

fn report(found: &Reconciled, out: &mut String) {
    let schedule = found.schedule.as_ref().map_or(String::new(), |name| format!(" · schedule {}", escaped(name)));
    line(out, &format!("<h1>{} in {}</h1>", escaped(&found.playbook), escaped(&found.environment)));
    let about = format!(
        "reconcile {} · {} UTC{schedule} · {} · {}",
        found.run.short(),
        clock::minute(found.at),
        escaped(&found.actor),
        escaped(&found.reason)
    );
    line(out, &format!("<p class=\"about\">{about}</p>"));
    let class = match found.word() {
        Came::Clean | Came::Healed => "good",
        Came::Drifted | Came::Waiting => "care",
        Came::Refused | Came::Cancelled | Came::Failed | Came::InDoubt => "bad",
    };
    line(out, &format!("<p class=\"sum {class}\">{}</p>", escaped(&sentence(found))));
    for deed in deeds(found) {
        line(out, &format!("<p class=\"sum\">{}</p>", escaped(&deed)));
    }
    items(found, out);
    trend(&found.trend, out);
    next(found, out);
}

/// What there is to do, each with its command.
fn next(found: &Reconciled, out: &mut String) {
    let next = next_steps(found);
    if next.is_empty() {
        return;
    }
    line(out, "<h2>Next</h2>");
    for (what, command) in next {
        line(out, &format!("<p>{}: <code>{}</code></p>", escaped(what), escaped(&command)));
    }
}

fn items(found: &Reconciled, out: &mut String) {
    if found.items.is_empty() {
        return;
    }
    line(
        out,
        "<h2>What differs</h2>\n<table>\n<thead><tr><th>item</th><th>differs</th><th>since</th><th>came to</th></tr></thead>\n<tbody>",
    );
    for items in found.told_together() {
        match items.as_slice() {
            [item] => row(found, item, out),
            items => rows(found, items, out),
        }
    }
    line(out, "</tbody>\n</table>");
    if found.more > 0 {
        line(out, &format!("<p class=\"dim\">and {} more, which are counted and not listed</p>", found.more));
    }
}

/// Items for one reason; each of them can be unfolded.
fn rows(found: &Reconciled, items: &[&Item], out: &mut String) {
    let class = class(items[0].verdict);
    let shared = why_of(items);
    let why = because(shared.as_ref());
    let each: String = items
        .iter()
        .map(|item| {
            let own = item.why.iter().filter(|why| Some(*why) != shared.as_ref());
            let what = item.what.iter().chain(own).cloned().collect::<Vec<_>>().join("; ");
            let what = if what.is_empty() { String::new() } else { format!(": {what}") };
            format!("<p>{} ({}){}</p>", escaped(&item.key), escaped(&since(found, item)), escaped(&what))
        })
        .collect();
    line(
        out,
        &format!(
            "<tr><td class=\"key\">{} items</td><td>{why}<details><summary>{}</summary>{each}</details></td><td class=\"when\">{}</td>\
             <td class=\"{class}\">{}</td></tr>",
            items.len(),
            escaped(&examples(items)),
            escaped(&since_all(found, items).unwrap_or_default()),
            items[0].verdict.word().replace('_', " ")
        ),
    );
}

fn class(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Healed | Verdict::AsWanted => "good",
        Verdict::Reported | Verdict::Healing => "care",
        Verdict::Refused | Verdict::Cancelled | Verdict::Failed | Verdict::InDoubt => "bad",
    }
}

fn because(why: Option<&String>) -> String {
    why.map_or(String::new(), |why| format!("<p class=\"why\">{}</p>", escaped(why)))
}

fn row(found: &Reconciled, item: &Item, out: &mut String) {
    let (class, why) = (class(item.verdict), because(item.why.as_ref()));
    let name = if &*item.key == "-" { "the record" } else { &*item.key };
    let what: String = item.what.iter().map(|what| format!("<p>{}</p>", escaped(what))).collect();
    line(
        out,
        &format!(
            "<tr><td class=\"key\">{}</td><td>{what}{why}</td><td class=\"when\">{}</td><td class=\"{class}\">{}</td></tr>",
            escaped(name),
            escaped(&since(found, item)),
            item.verdict.word().replace('_', " ")
        ),
    );
}

/// Bars, one for each reconcile.
fn trend(points: &[TrendPoint], out: &mut String) {
    if points.len() < 2 {
        return;
    }
    const HIGH: u64 = 120;
    const WIDE: u64 = 28;
    // Two dates and what stands between them.
    const WORDS: u64 = 190;
    // What could not be tried out stands on what differs: without it a night on which all failed would look like a good one.
    let failed = |point: &TrendPoint| point.failed.unwrap_or(0);
    let most = points.iter().map(|point| point.drifted + failed(point)).max().unwrap_or(0).max(1);
    let width = (WIDE * points.len() as u64 + 10).max(WORDS);
    line(out, "<h2>Over time</h2>");
    line(
        out,
        &format!(
            "<figure><svg role=\"img\" aria-label=\"How many items differed in each of the last {} reconciles\" width=\"{width}\" \
             height=\"{}\" viewBox=\"0 0 {width} {}\">",
            points.len(),
            HIGH + 40,
            HIGH + 40
        ),
    );
    for (index, point) in points.iter().enumerate() {
        let (x, high, above) = (WIDE * index as u64 + 5, point.drifted * HIGH / most, failed(point) * HIGH / most);
        let (y, top) = (HIGH + 16 - high, HIGH + 16 - high - above);
        let (at, untried) = (clock::minute(point.at), super::text::untried(point));
        let title = format!("{at} UTC: {} of {} differed{untried}", point.drifted, point.of);
        line(
            out,
            &format!(
                "<g><title>{}</title><rect class=\"drift\" x=\"{x}\" y=\"{y}\" width=\"{}\" height=\"{high}\"/>",
                escaped(&title),
                WIDE - 8
            ),
        );
        if above > 0 {
            let bar =
                format!("<rect class=\"failed\" x=\"{x}\" y=\"{top}\" width=\"{}\" height=\"{above}\"/>", WIDE - 8);
            line(out, &bar);
        }
        line(
            out,
            &format!(
                "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">{}</text></g>",
                x + (WIDE - 8) / 2,
                top - 4,
                point.drifted
            ),
        );
    }
    line(out, &format!("<line x1=\"0\" x2=\"{width}\" y1=\"{0}\" y2=\"{0}\"/>", HIGH + 16));
    if let (Some(first), Some(last)) = (points.first(), points.last()) {
        let (first, last, y) = (clock::day(first.at), clock::day(last.at), HIGH + 32);
        // Below a few bars there is no place for a date at either end of them.
        let (left, right) = match () {
            () if first == last => (first, None),
            () if WIDE * points.len() as u64 <= WORDS => (format!("{first} to {last}"), None),
            () => (first, Some(last)),
        };
        line(out, &format!("<text x=\"5\" y=\"{y}\">{left}</text>"));
        if let Some(right) = right {
            line(out, &format!("<text x=\"{}\" y=\"{y}\" text-anchor=\"end\">{right}</text>", width - 5));
        }
    }
    line(out, "</svg></figure>");
    if points.iter().any(|point| failed(point) > 0) {
        line(out, "<p class=\"dim\">The numbers are those that differed; red is what could not be tried out.</p>");
    }
}

/// For content and attributes alike; what a terminal would obey is written as its code first.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in clean(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

fn line(out: &mut String, text: &str) {
    // Writing to a text cannot fail.
    let _ = writeln!(out, "{text}");
}
