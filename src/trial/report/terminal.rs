//! The tests of a file for a person: a line for each case, and under a failed one what was expected and what was found.

use super::{CaseReport, Problem, Report, Results, Torture, covered::in_a_line};
use crate::{
    report::{
        line::{Line, Tone, clean},
        look::Look,
        page::Page,
    },
    trial::coverage::together,
};
use similar::{ChangeTag, TextDiff};
use std::time::Duration;

/// Cases stand so far in.
const CASE: usize = 2;
/// What is said of one.
const WITHIN: usize = 10;
/// Two texts that are longer than this in one line are also shown from where they part.
const LONG: usize = 50;
/// So much of what they have in common is shown before it.
const CONTEXT: usize = 16;

/// One file, with an empty line behind it.
pub fn file(report: &Report, look: Look) -> String {
    let mut page = Page::new(look);
    page.line(0, Line::of(Tone::Strong, &report.file).add(Tone::Dim, format!(" on {}", report.on)));
    if !report.refused.is_empty() {
        page.hung(CASE, WITHIN, Line::of(Tone::Bad, "FAILED").plain("  the file cannot be played"));
        report.refused.iter().for_each(|line| page.prose(WITHIN, Tone::Plain, line));
    }
    report.cases.iter().for_each(|one| case(&mut page, one, &report.file));
    if !report.unreached.is_empty() {
        let rows = report.unreached.len();
        let rows = format!("{rows} {} of the errors table reached by no case:", if rows == 1 { "row" } else { "rows" });
        page.line(CASE, Line::of(Tone::Care, rows));
        for row in &report.unreached {
            page.hung(CASE + 2, CASE + 4, Line::of(Tone::Plain, format!("{} ({}:{})", row.row, row.file, row.line)));
        }
    }
    page.blank();
    page.finish()
}

fn case(page: &mut Page, case: &CaseReport, file: &str) {
    let took = Line::of(Tone::Dim, length(case.took));
    if case.problems.is_empty() {
        let line = Line::of(Tone::Good, "ok").pad(WITHIN - CASE, 2).plain(&case.name);
        page.labelled(CASE, WITHIN, line, took);
        unlooked(page, case);
        let torture = case.torture.words();
        if !torture.is_empty() {
            page.line(WITHIN, Line::of(Tone::Dim, torture));
        }
        return;
    }
    let line = Line::of(Tone::Bad, "FAILED").pad(WITHIN - CASE, 2).add(Tone::Strong, &case.name);
    page.labelled(CASE, WITHIN, line.add(Tone::Dim, format!(" ({file}:{})", case.at.line)), took);
    case.problems.iter().for_each(|one| problem(page, one));
}

/// What changed and was not looked at: a case that passed must not seem to have seen it.
fn unlooked(page: &mut Page, case: &CaseReport) {
    let mut rows = case.unlooked.iter();
    let Some((table, count)) = rows.next() else { return };
    let first = format!("{count} changed {} of {table}", if *count == 1 { "row" } else { "rows" });
    let all: Vec<String> =
        std::iter::once(first).chain(rows.map(|(table, count)| format!("{count} of {table}"))).collect();
    page.hung(WITHIN, WITHIN + 2, Line::of(Tone::Care, "not looked at").plain(format!(": {}", all.join(", "))));
}

fn problem(page: &mut Page, problem: &Problem) {
    let (expected, found) = (clean(&problem.expected), clean(&problem.found));
    // Texts of several lines that have lines in common are read faster side by side, line by line.
    let several = expected.lines().count() > 1 && found.lines().count() > 1;
    if several && expected.lines().any(|line| found.lines().any(|other| line == other)) {
        page.hung(WITHIN, WITHIN + 2, Line::of(Tone::Plain, &problem.what).add(Tone::Dim, " (- expected, + found)"));
        for change in TextDiff::from_lines(&*expected, &*found).iter_all_changes() {
            // A line that is in both stands under the words of the others, not under their signs.
            let (sign, tone, indent) = match change.tag() {
                ChangeTag::Equal => ("", Tone::Dim, WITHIN + 4),
                ChangeTag::Delete => ("- ", Tone::Bad, WITHIN + 2),
                ChangeTag::Insert => ("+ ", Tone::Good, WITHIN + 2),
            };
            let text = format!("{sign}{}", change.value().trim_end());
            page.hung(indent, WITHIN + 6, Line::of(tone, text));
        }
        return;
    }
    page.hung(WITHIN, WITHIN + 2, Line::of(Tone::Plain, &problem.what));
    worded(page, "expected", Tone::Bad, &expected);
    worded(page, "found", Tone::Good, &found);
    if let Some((a, b)) = parting(&expected, &found) {
        worded(page, "differ", Tone::Bad, &a);
        worded(page, "", Tone::Good, &b);
    }
}

/// A text of several lines keeps its shape under its word.
fn worded(page: &mut Page, word: &str, tone: Tone, text: &str) {
    for (index, text) in text.lines().enumerate() {
        if index > 0 || word.is_empty() {
            page.line(WITHIN + 12, Line::of(tone, text));
        } else {
            page.hung(WITHIN + 2, WITHIN + 12, Line::of(Tone::Dim, word).pad(10, 2).add(tone, text));
        }
    }
}

/// Of two long texts in one line each: both from shortly before where they part.
fn parting(expected: &str, found: &str) -> Option<(String, String)> {
    let one = |text: &str| text.lines().count() == 1 && text.chars().count() > LONG;
    if !one(expected) || !one(found) {
        return None;
    }
    let same = expected.chars().zip(found.chars()).take_while(|(a, b)| a == b).count();
    if same < CONTEXT {
        return None;
    }
    let from = |text: &str| {
        let rest: String = text.chars().skip(same - CONTEXT / 2).take(LONG).collect();
        format!("…{rest}")
    };
    Some((from(expected), from(found)))
}

/// `4 ms`, `340 ms`, `1.2 s`. Every case has one, also where the machine is fast: a column with gaps is read as something missing.
fn length(took: Duration) -> String {
    match took.as_millis() {
        ms @ 0..1_000 => format!("{} ms", ms.max(1)),
        _ => format!("{:.1} s", took.as_secs_f64()),
    }
}

/// What all files gave together. `took` is how long somebody waited.
pub fn summary(results: &Results, took: Option<Duration>, look: Look) -> String {
    let (mut page, reports) = (Page::new(look), &results.files);
    let cases = || reports.iter().flat_map(|report| &report.cases);
    let (all, passed) = (cases().count(), reports.iter().map(Report::passed).sum::<usize>());
    let proofs: usize = cases().map(|case| case.proofs.len()).sum();
    let refused = reports.iter().filter(|report| !report.refused.is_empty()).count();
    let mut line = Line::of(
        if all == passed && refused == 0 { Tone::Good } else { Tone::Bad },
        format!("{passed} of {all} {} passed", if all == 1 { "case" } else { "cases" }),
    );
    if passed < all {
        line = line.plain(format!(", {} failed", all - passed));
    }
    if refused > 0 {
        line = line.plain(format!(", {refused} {} could not be played", if refused == 1 { "file" } else { "files" }));
    }
    if proofs > 0 {
        line = line.plain(format!("; {proofs} {} made", if proofs == 1 { "proof" } else { "proofs" }));
    }
    let torture = cases().map(|case| case.torture).fold(Torture::default(), Torture::and).words();
    if !torture.is_empty() {
        line = line.plain(format!("; {torture}"));
    }
    let blind = cases().filter(|case| !case.unlooked.is_empty()).count();
    if blind > 0 {
        let says = if blind == 1 { "1 case says".to_owned() } else { format!("{blind} cases say") };
        line = line.plain(format!("; {says} nothing of `changes`, and rows changed"));
    }
    line = line.plain(".");
    if let Some(took) = took {
        line = line.add(Tone::Dim, format!(" {:.1} s", took.as_secs_f64()));
    }
    page.line(0, line);
    for one in &results.skipped {
        let cases = if one.cases == 1 { "1 case".to_owned() } else { format!("{} cases", one.cases) };
        page.hung(0, 2, Line::of(Tone::Care, format!("{cases} not played on {}: ", one.on)).plain(&one.why).plain("."));
    }
    if !results.coverage.is_empty() {
        let share = together(&results.coverage, None).words();
        let line = Line::of(Tone::Plain, format!("Coverage {share}: {}.", in_a_line(&results.coverage)));
        page.hung(0, 2, line);
    }
    page.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_case_has_a_length_however_short_it_was() {
        let lengths =
            [0, 4_200, 340_000, 999_900, 1_000_000, 61_200_000].map(|micros| length(Duration::from_micros(micros)));
        assert_eq!(lengths, ["1 ms", "4 ms", "340 ms", "999 ms", "1.0 s", "61.2 s"]);
    }
}
