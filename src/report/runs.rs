//! The list of runs, one line a run.

use super::{
    clock,
    columns::{cut, width},
    line::{Line, Tone, clean},
    look::Look,
    page::Page,
};
use crate::{
    base::identity::RunId,
    journal::{
        RunFilter, RunSummary,
        words::{End, RunWord},
    },
};
use std::collections::HashMap;

/// Items of a reconcile that are in no count of its run.
#[derive(Clone, Copy, Debug, Default)]
pub struct PassedOver {
    /// Of a heal: those that differ and that it did not take on.
    pub refused: Option<u64>,
    /// Those that could not be tried out; nothing where that was not counted.
    pub not_tried: Option<u64>,
}

/// A table: short id, start (UTC), playbook, how it ended or stands, who, why. `passed`: what each reconcile did not take on; `taken_back`: which
/// runs were taken back as a whole, by which. Says so when there is none of those that were asked for.
pub fn text(
    runs: &[RunSummary],
    passed: &HashMap<RunId, PassedOver>,
    taken_back: &HashMap<RunId, RunId>,
    asked: &RunFilter,
    look: Look,
) -> String {
    let mut page = Page::new(look);
    if runs.is_empty() {
        let of = asked.playbook.as_ref().map_or(String::new(), |playbook| format!(" of `{playbook}`"));
        let none = if asked.unfinished { format!("No run{of} is open.") } else { format!("No run{of} is recorded.") };
        page.line(0, Line::of(Tone::Plain, none));
        return page.finish();
    }
    let mut lines =
        vec![["run", "start (UTC)", "playbook", "state", "by", "because"].map(|name| (Tone::Dim, name.to_owned()))];
    let newest = runs.first().map_or_else(String::new, |run| clock::minute(run.started_at));
    let year = newest.split_at_checked(5).filter(|_| page.width() < NARROW).map(|(year, _)| year);
    lines.extend(runs.iter().map(|run| {
        let passed = passed.get(&run.id).copied().unwrap_or_default();
        cells(run, year, taken_back.contains_key(&run.id), passed)
    }));
    let widths = widths(&lines, page.width());
    for cells in lines {
        let mut line = Line::default();
        let mut column = 0;
        for ((tone, text), most) in cells.into_iter().zip(widths) {
            if most == 0 {
                continue;
            }
            line = line.pad(column, 0).add(tone, cut(&text, most, page.look));
            column += most + 2;
        }
        page.line(0, line.kept());
    }
    page.finish()
}

/// On fewer columns than this, names are kept shorter and this year is not said.
const NARROW: usize = 100;

/// Without the time in another year, and without the year in this one, when there is little room: as `ls -l` does.
fn started(run: &RunSummary, year: Option<&str>) -> String {
    let full = clock::minute(run.started_at);
    match year {
        None => full,
        Some(year) => full.strip_prefix(year).map_or_else(|| clock::day(run.started_at), str::to_owned),
    }
}

fn cells(run: &RunSummary, year: Option<&str>, undone: bool, passed: PassedOver) -> [(Tone, String); 6] {
    let (tone, state) = if undone { (Tone::Dim, "undone".to_owned()) } else { state(run) };
    // A heal that left something is no heal of all, however well the rest went.
    let left = [(passed.refused, "refused"), (passed.not_tried, "not tried")];
    let left: Vec<String> =
        left.iter().filter_map(|(n, word)| n.filter(|n| *n > 0 && !undone).map(|n| format!(", {n} {word}"))).collect();
    let (tone, state) = match (left.is_empty(), tone) {
        (false, Tone::Good) => (Tone::Care, state + &left.concat()),
        _ => (tone, state + &left.concat()),
    };
    let purpose = if run.purpose == "apply" { String::new() } else { format!("{} ", run.purpose) };
    [
        (Tone::Plain, run.id.short()),
        (Tone::Dim, started(run, year)),
        (Tone::Plain, clean(&format!("{purpose}{}", run.playbook)).into_owned()),
        (tone, state),
        (Tone::Plain, clean(&run.actor).into_owned()),
        (Tone::Dim, clean(&run.reason.replace('\n', " ")).into_owned()),
    ]
}

/// The word and its colour: how it ended, else where it stands.
fn state(run: &RunSummary) -> (Tone, String) {
    let word = run.end.map_or_else(|| run.state.word(), End::word).replace('_', " ");
    let tone = match (run.end, run.state) {
        (Some(End::Changed), _) => Tone::Good,
        (Some(End::Unchanged | End::Skipped), _) => Tone::Dim,
        (Some(End::Failed | End::Stopped | End::Drifted | End::InDoubt), _) => Tone::Bad,
        (None, RunWord::InDoubt) => Tone::Bad,
        (Some(_), _) | (None, RunWord::Waiting | RunWord::Paused) => Tone::Care,
        (None, _) => Tone::Plain,
    };
    (tone, word)
}

/// Columns for each cell: as wide as its widest text, but names have bounds and the reason takes what is left; it is
/// left out when that is too little to read.
fn widths(lines: &[[(Tone, String); 6]], all: usize) -> [usize; 6] {
    let widest = |column: usize| lines.iter().map(|cells| width(&cells[column].1)).max().unwrap_or(0);
    let narrow = all < NARROW;
    let bounds = [8, 16, if narrow { 24 } else { 36 }, 22, if narrow { 8 } else { 20 }];
    let mut widths = [0; 6];
    for (column, most) in bounds.into_iter().enumerate() {
        widths[column] = widest(column).min(most);
    }
    let taken: usize = widths.iter().sum::<usize>() + 2 * bounds.len();
    widths[5] = match all.saturating_sub(taken) {
        0..8 => 0,
        room => room.min(widest(5)),
    };
    // A very narrow terminal: the playbook's name gives way, then who, then how many were refused.
    let mut over = (taken - 2).saturating_sub(all);
    for (column, least) in [(2, 8), (4, 5), (3, 10)] {
        let less = over.min(widths[column].saturating_sub(least));
        widths[column] -= less;
        over -= less;
    }
    widths
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{
        sample::{golden, is_proper, plain},
        sample_runs::{passed_over, summaries, taken_back},
    };

    #[test]
    fn runs_stand_one_a_line_at_any_width() {
        for (name, width, unicode) in
            [("runs-80.txt", 80, true), ("runs-120.txt", 120, true), ("runs-ascii.txt", 60, false)]
        {
            let shown = text(
                &summaries(),
                &passed_over(),
                &taken_back(),
                &RunFilter::default(),
                Look { width, unicode, ..Look::default() },
            );
            is_proper(&shown, width);
            assert_eq!(shown.lines().count(), summaries().len() + 1);
            golden(name, &plain(&shown));
        }
        for (playbook, unfinished, said) in [
            (None, false, "No run is recorded.\n"),
            (None, true, "No run is open.\n"),
            (Some("mend"), false, "No run of `mend` is recorded.\n"),
            (Some("mend"), true, "No run of `mend` is open.\n"),
        ] {
            let asked = RunFilter { playbook: playbook.map(str::to_owned), unfinished, ..RunFilter::default() };
            assert_eq!(plain(&text(&[], &HashMap::new(), &HashMap::new(), &asked, Look::default())), said);
        }
    }
}
