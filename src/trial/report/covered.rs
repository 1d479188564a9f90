//! Coverage for a person: one table of all playbooks, and below it what no case went through.

use crate::{
    report::{
        columns::shortened,
        line::{Line, Tone},
        look::Look,
        page::Page,
    },
    trial::coverage::{Coverage, SORTS, Share, Sort, together},
};

/// Columns of a count: `104 of 104`.
const COUNT: usize = 12;
/// Columns of a share: `99.9 %`.
const SHARE: usize = 8;

/// The table, and what was not reached.
pub fn covered(all: &[Coverage], look: Look) -> String {
    let mut page = Page::new(look);
    let rest = COUNT * SORTS.len() + SHARE;
    let longest = all.iter().map(|one| one.playbook.chars().count()).max().unwrap_or(0).max("coverage".len());
    let names = longest.min(page.width().saturating_sub(rest + 2));
    let row = |name: &str, tone: Tone, counts: [String; 3], share: String| {
        let line = Line::of(tone, shortened(name, names, look));
        let line = counts
            .into_iter()
            .enumerate()
            .fold(line, |line, (index, count)| line.pad(names + 2 + COUNT * index, 2).plain(count));
        line.pad(names + 2 + COUNT * SORTS.len(), 1).plain(share).kept()
    };
    let head = ["steps", "branches", "rows"].map(str::to_owned);
    page.line(0, row("coverage", Tone::Strong, head, String::new()));
    for one in all {
        let counts = SORTS.map(|sort| count(one.share(sort)));
        page.line(0, row(&one.playbook, Tone::Plain, counts, one.whole().words()));
    }
    if all.len() > 1 {
        let counts = SORTS.map(|sort| count(together(all, Some(sort))));
        page.line(0, row("together", Tone::Strong, counts, together(all, None).words()));
    }
    for one in all.iter().filter(|one| one.missed().next().is_some()) {
        page.blank();
        page.line(0, Line::of(Tone::Care, format!("{}: gone through by no case", one.playbook)));
        if one.whole().reached == 0 {
            page.line(2, Line::of(Tone::Plain, "nothing of it: it has no tests that are played here"));
            continue;
        }
        for part in one.missed() {
            let place = Line::of(Tone::Dim, format!("{}:{}", part.file, part.line));
            page.noted(2, 4, Line::of(Tone::Plain, &part.what), place);
        }
    }
    page.blank();
    page.finish()
}

/// So many are named where nobody asked for the table.
const NAMED: usize = 12;

/// What no case went through, in short: where a percentage is all that is told otherwise.
pub fn missed(all: &[Coverage], look: Look) -> String {
    let mut page = Page::new(look);
    let (tested, untested): (Vec<&Coverage>, Vec<&Coverage>) = all.iter().partition(|one| one.whole().reached > 0);
    let parts: Vec<_> = tested.iter().flat_map(|one| one.missed()).collect();
    if !parts.is_empty() {
        page.line(0, Line::of(Tone::Care, "Gone through by no case:"));
    }
    for part in parts.iter().take(NAMED) {
        let place = Line::of(Tone::Dim, format!("{}:{}", part.file, part.line));
        page.noted(2, 4, Line::of(Tone::Plain, &part.what), place);
    }
    if parts.len() > NAMED {
        let more = format!("and {} more, which `--coverage` names", parts.len() - NAMED);
        page.line(2, Line::of(Tone::Plain, more));
    }
    if !untested.is_empty() {
        let names: Vec<&str> = untested.iter().take(NAMED).map(|one| one.playbook.as_str()).collect();
        let more = if untested.len() > NAMED { format!(" and {} more", untested.len() - NAMED) } else { String::new() };
        let line = Line::of(Tone::Care, "Without any case that is played here: ");
        page.hung(0, 2, line.plain(format!("{}{more}.", names.join(", "))));
    }
    page.finish()
}

fn count(share: Share) -> String {
    if share.all == 0 { "-".into() } else { format!("{} of {}", share.reached, share.all) }
}

/// `steps 40 of 41, branches 22 of 24, rows 9 of 9`
pub fn in_a_line(all: &[Coverage]) -> String {
    let word = |sort: Sort| match sort {
        Sort::Step => "steps",
        Sort::Branch => "branches",
        Sort::Row => "rows",
    };
    let shares = SORTS.iter().map(|sort| (word(*sort), together(all, Some(*sort)))).filter(|(_, share)| share.all > 0);
    shares.map(|(word, share)| format!("{word} {} of {}", share.reached, share.all)).collect::<Vec<_>>().join(", ")
}
