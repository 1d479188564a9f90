//! Plans and runs over many items, as a page that is read in a minute: how many of what, why, and the first ones whole.

use super::{
    clock, compared,
    line::{Line, Tone},
    look::{Look, View},
    page::{Page, same, typed},
    plan::{About, agreement, for_good, heading, item_heading, next, of_item, step_name},
    plan_summary::summary,
    reconciled::halfway,
};
use crate::{
    action::ends::Way,
    base::{
        counted,
        identity::{RunId, SINGLE_ITEM},
    },
    effect::change::Deed,
    engine::{
        drive::Stopped,
        fleet::{
            Came, RECONCILE, pace,
            summary::{ITS_SOURCE, Summary, end_now, is_unseen, left_to, reason_of},
        },
        state::{ItemState, RunState, StepState},
        undo::outlook::has_way_back,
    },
    journal::words::End,
    plan::{Effect, ItemPlan, Many, Plan},
    targets::csv::safe_cell,
};
use std::sync::Arc;

/// So many items of a plan are shown whole.
const WHOLE: usize = 3;
/// More items than these are shown by their reasons.
pub const LISTED: usize = 50;

/// A plan of many items.
pub fn plan(plan: &Plan, many: &Many, about: &About<'_>, view: &View<'_>) -> String {
    let mut page = Page::new(view.look);
    heading(&mut page, plan, about);
    let once = plan.items.first().filter(|item| item.item.is_none());
    if let Some(once) = once.filter(|once| !once.steps.is_empty()) {
        page.blank();
        page.line(0, Line::of(Tone::Strong, "Once, for all items"));
        of_item(&mut page, once, view);
    }
    if once.is_none_or(|once| once.stop.is_none()) {
        items(&mut page, plan, many, view);
    }
    page.blank();
    let bad = many.tally.reasons.iter().any(|r| !matches!(r.way, Way::Skip | Way::Done));
    page.line(0, Line::of(if bad { Tone::Care } else { Tone::Strong }, summary(plan)));
    for_good(&mut page, plan);
    agreement(&mut page, plan, about);
    next(&mut page, plan, about);
    if about.apply.is_none() && !plan.is_empty() {
        page.blank();
    }
    page.finish()
}

fn items(page: &mut Page, plan: &Plan, many: &Many, view: &View<'_>) {
    let tally = &many.tally;
    page.blank();
    let taken =
        if many.of > tally.items { format!(" of {}; the rest next time", grouped(many.of)) } else { String::new() };
    page.line(0, Line::of(Tone::Strong, format!("{}{taken}", counted(tally.items, "item"))));
    let ends = tally.ends.iter().map(|(word, n)| (way_words(word), *n));
    let all = [
        (["changes something", "change something"], tally.changing),
        (["is as wanted", "are as wanted"], tally.unchanged),
        (["is left alone", "are left alone"], tally.left),
    ];
    for ([one, several], n) in all.into_iter().chain(ends).filter(|(_, n)| *n > 0) {
        page.line(2, Line::of(Tone::Plain, grouped(n)).pad(9, 2).plain(if n == 1 { one } else { several }));
    }
    if let Some(matched) = &many.matched {
        page.hung(2, 2, Line::of(Tone::Plain, compared::sentence(matched)));
    }
    if let Some(goes) = many.goes.as_ref().filter(|_| tally.changing > 1) {
        page.hung(2, 2, Line::of(Tone::Dim, format!("They go {goes}.")));
    }
    if many.lone > 0 {
        page.line(
            2,
            Line::of(Tone::Dim, grouped(many.lone)).pad(9, 2).add(Tone::Dim, "groups of one row are left out"),
        );
    }
    if !tally.reasons.is_empty() {
        page.blank();
        page.line(0, Line::of(Tone::Strong, "Items that end early"));
        for reason in &tally.reasons {
            let calm = matches!(reason.way, Way::Skip | Way::Done);
            let tone = if calm { Tone::Dim } else { Tone::Care };
            let head = format!("{} at `{}`: ", reason.way.word(), step_name(&reason.step));
            let line = Line::of(Tone::Plain, grouped(reason.items)).pad(9, 2).add(tone, head);
            page.hung(2, 11, line.plain(reason.message.trim()));
            page.hung(11, 11, Line::of(Tone::Dim, named(&reason.first, reason.items)));
        }
    }
    // Of one that ends behind changes these are carried out.
    let going = || plan.items.iter().filter(|item| item.item.is_some() && (item.stop.is_none() || item.acts()));
    let acts = |item: &&ItemPlan| item.acts();
    let leaves = |item: &&ItemPlan| {
        let mut effects = item.steps.iter().flat_map(|step| &step.effects);
        effects.any(|effect| matches!(effect, Effect::LeftAlone { .. }))
    };
    let left = going().filter(|item| !acts(item) && leaves(item));
    let changing: Vec<&ItemPlan> = going().filter(acts).chain(left).collect();
    let whole = if tally.items <= WHOLE as u64 { changing.len() } else { WHOLE.min(changing.len()) };
    for item in &changing[..whole] {
        page.blank();
        item_heading(page, item);
        of_item(page, item, view);
    }
    let more = tally.items.saturating_sub(whole as u64);
    if more > 0 {
        page.blank();
        let words = if whole == 0 { counted(more, "item") } else { format!("{} more", counted(more, "item")) };
        let words = format!("{words}: `--item KEY` shows one whole, `--json` has all");
        page.line(0, Line::of(Tone::Dim, words));
    }
}

/// Of one item, and of several.
fn way_words(word: &str) -> [&'static str; 2] {
    match Way::of(word) {
        Some(Way::Skip) => ["is left alone", "are left alone"],
        Some(Way::Done) => ["is as wanted already", "are as wanted already"],
        Some(Way::Fail) => ["would fail", "would fail"],
        Some(Way::Escalate) => ["is for people", "are for people"],
        _ => ["stops at a check", "stop at a check"],
    }
}

/// What a person reads right after a run over many items.
pub fn applied(run: RunId, state: &RunState, came: &Came, look: Look) -> String {
    let mut page = Page::new(look);
    if broke_off(&mut page, run, state, &came.summary) {
        return page.finish();
    }
    let (tone, sentence) = sentence(&came.summary, &came.stopped, came.why.as_deref(), state.is_undo());
    page.line(0, Line::of(tone, sentence));
    looked(&mut page, state);
    let once = state.items.get(SINGLE_ITEM).and_then(|item| item.closed.as_ref()?.reason.clone());
    // Of a run whose items nobody holds it stands only beside the end.
    let closed = matches!(came.stopped, Stopped::Closed(_));
    if let Some(reason) = once.or_else(|| came.why.clone().filter(|_| closed)) {
        page.prose(2, Tone::Plain, &reason);
    }
    sums(&mut page, &came.summary, state.is_undo());
    next_steps(&mut page, run, state, &came.summary, matches!(came.stopped, Stopped::Closed(_)), true);
    page.finish()
}

/// `trueup show RUN` of a run over many items: few enough of them are listed one by one, where `state` holds them.
pub fn run(run: RunId, state: &RunState, summary: &Summary, view: &View<'_>) -> String {
    let mut page = Page::new(view.look);
    super::run::heading(&mut page, run, state);
    page.blank();
    if broke_off(&mut page, run, state, summary) {
        return page.finish();
    }
    if compared_only(&mut page, run, state, summary) {
        return page.finish();
    }
    let stopped = match &state.closed {
        Some(closed) => Stopped::Closed(closed.end),
        None => Stopped::Paused,
    };
    let (tone, sentence) = match state.worked_on_by.as_deref().filter(|_| state.closed.is_none()) {
        Some(who) => (Tone::Care, under_way(summary, who, state.is_undo())),
        None => sentence(summary, &stopped, state.paused.as_deref(), state.is_undo()),
    };
    page.line(0, Line::of(tone, sentence));
    looked(&mut page, state);
    if let Some(once) = state.items.get(SINGLE_ITEM)
        && let Some(closed) = once.closed.as_ref().filter(|c| !matches!(c.end, End::Changed | End::Unchanged))
    {
        page.prose(2, Tone::Plain, closed.reason.as_deref().unwrap_or(closed.end.word()));
    }
    sums(&mut page, summary, state.is_undo());
    let items = || state.items.iter().filter(|(key, _)| &***key != SINGLE_ITEM);
    if (1..=LISTED).contains(&items().count()) {
        page.blank();
        page.line(0, Line::of(Tone::Strong, "Items"));
        let names = items().map(|(key, _)| key.chars().count()).max().unwrap_or(0).min(30);
        for (key, item) in items() {
            let (words, tone) = stands(item, summary.live);
            let reason = end_now(item, summary.live).and_then(|_| reason_of(item)).unwrap_or_default();
            let line = Line::of(Tone::Plain, &**key).pad(names + 2, 2).add(tone, words).pad(names + 14, 2);
            page.hung(2, 2 + names + 14, line.add(Tone::Dim, reason));
        }
    }
    next_steps(&mut page, run, state, summary, state.closed.is_some(), false);
    page.finish()
}

/// All there is to say of a run of which not all items are recorded: it has not begun.
fn broke_off(page: &mut Page, run: RunId, state: &RunState, summary: &Summary) -> bool {
    let Some(planned) = state.broke_off(summary.of) else { return false };
    let recorded = format!("{} of {} were recorded", grouped(summary.of), counted(planned, "item"));
    let Some(closed) = &state.closed else {
        let sentence = format!("Not begun: {recorded}; nothing was changed.");
        page.line(0, Line::of(Tone::Care, sentence));
        page.prose(
            2,
            Tone::Plain,
            "Unless somebody is recording them at this moment, that broke off, and it cannot go on. Cancel it, and plan again.",
        );
        commands(page, &[("end it", format!("trueup cancel {} --reason \"…\"", run.short()))]);
        return true;
    };
    let sentence = format!("Cancelled before it began: {recorded}; nothing was changed.");
    page.line(0, Line::of(Tone::Care, sentence));
    if let Some(reason) = &closed.reason {
        page.prose(2, Tone::Plain, reason);
    }
    page.line(2, Line::of(Tone::Plain, "To do it, plan again."));
    true
}

/// It compared the world with the playbook.
fn compares(state: &RunState) -> bool {
    state.created.as_ref().is_some_and(|created| &*created.purpose == RECONCILE)
}

/// All there is to say of a reconcile in which nothing was begun: its report tells the rest.
fn compared_only(page: &mut Page, run: RunId, state: &RunState, summary: &Summary) -> bool {
    let Some(closed) = state.closed.as_ref().filter(|_| compares(state) && summary.of == 0) else { return false };
    let found = closed.reason.as_ref().map_or_else(String::new, |reason| format!("Compared: {reason}. "));
    page.hung(0, 0, Line::of(tone(closed.end), format!("{found}Nothing was begun.")));
    commands(page, &[("see what differs", format!("trueup reconcile report {}", run.short()))]);
    true
}

/// Of a comparison: how many records the plan looked at.
fn looked(page: &mut Page, state: &RunState) {
    if let Some(matched) = compared::of_run(state.created.as_ref()) {
        page.hung(0, 0, Line::of(Tone::Plain, compared::sentence(&matched)));
    }
}

fn stands(item: &ItemState, live: bool) -> (String, Tone) {
    match end_now(item, live) {
        None if item.steps.is_empty() => ("not begun".into(), Tone::Dim),
        None => ("under way".into(), Tone::Care),
        Some(end) => (end.word().replace('_', " "), tone(end)),
    }
}

fn tone(end: End) -> Tone {
    match end {
        End::Changed => Tone::Good,
        End::Unchanged | End::Skipped => Tone::Dim,
        End::Failed | End::Drifted | End::InDoubt => Tone::Bad,
        _ => Tone::Care,
    }
}

/// The counts in words: `990 changed, 5 unchanged, 2 failed`.
fn counts(summary: &Summary, undo: bool) -> String {
    // Of an undo the words say what became of what the other run had done.
    let word = |end: &End| match end {
        End::Changed if undo => "taken back".to_owned(),
        End::Drifted if undo => "left alone, wholly or in part".to_owned(),
        end => end.word().replace('_', " "),
    };
    // What went well first, then what somebody has to look at.
    let mut parts: Vec<String> = summary.ends.iter().map(|(end, n)| format!("{} {}", grouped(*n), word(end))).collect();
    if summary.open > 0 {
        parts.push(format!("{} under way", grouped(summary.open)));
    }
    if summary.left > 0 {
        parts.push(format!("{} not begun", grouped(summary.left)));
    }
    parts.join(", ")
}

/// Of a run on which somebody works at this moment.
fn under_way(summary: &Summary, who: &str, undo: bool) -> String {
    let counts = counts(summary, undo);
    let counts = if counts.is_empty() { "nothing was begun".to_owned() } else { counts };
    format!("Under way, {who} is at it: {counts} ({}).", counted(summary.of, "item"))
}

fn sentence(summary: &Summary, stopped: &Stopped, why: Option<&str>, undo: bool) -> (Tone, String) {
    let (all, counts) = (counted(summary.of, "item"), counts(summary, undo));
    let none = match stopped {
        Stopped::Closed(End::Changed | End::Unchanged | End::Skipped) => "nothing to do",
        _ => "nothing was begun",
    };
    let counts = if counts.is_empty() { none.to_owned() } else { counts };
    let counts = match summary.stays.values().sum::<u64>() {
        0 => counts,
        1 => format!("{counts}, but for 1 step that cannot be"),
        n => format!("{counts}, but for {} steps that cannot be", grouped(n)),
    };
    match (stopped, why) {
        (Stopped::Closed(End::Changed | End::Unchanged | End::Skipped), _) => {
            (Tone::Good, format!("Done: {counts} ({all})."))
        }
        (Stopped::Closed(end), _) => (tone(*end), format!("Over: {counts} ({all}).")),
        (_, Some(why)) => (Tone::Care, format!("Paused: {why}; {counts} ({all}).")),
        (Stopped::Waits(_), _) => (Tone::Care, format!("Waits for people: {counts} ({all}).")),
        (Stopped::InDoubt(_), _) => (Tone::Bad, format!("In doubt: {counts} ({all}).")),
        _ => (Tone::Care, format!("Not over: {counts} ({all}).")),
    }
}

/// Rows by table, and the reasons of what did not end as done.
fn sums(page: &mut Page, summary: &Summary, undo: bool) {
    if !summary.rows.is_empty() {
        page.blank();
        for (table, counts) in &summary.rows {
            let parts = [(counts[1], "changed"), (counts[0], "added"), (counts[2], "deleted")];
            let parts: Vec<String> =
                parts.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{} {word}", grouped(*n))).collect();
            page.line(2, Line::of(Tone::Dim, table.text()).plain(format!("  {}", parts.join(", "))));
        }
    }
    if let Some(left) = halfway(summary.halfway).filter(|_| !undo) {
        page.blank();
        page.hung(2, 4, Line::of(Tone::Care, "! ").plain(left));
    }
    if !summary.stays.is_empty() {
        let steps: Vec<String> = summary.stays.iter().map(|(step, n)| format!("`{step}` {}", times(*n))).collect();
        page.blank();
        page.hung(2, 4, Line::of(Tone::Care, "! not taken back: ").plain(steps.join(", ")));
    }
    if summary.reasons.is_empty() {
        return;
    }
    page.blank();
    page.line(0, Line::of(Tone::Strong, "Why"));
    for reason in &summary.reasons {
        let head = reason.end.word().replace('_', " ");
        let text = if reason.reason.is_empty() { String::new() } else { format!(": {}", reason.reason.trim()) };
        let line = Line::of(Tone::Plain, grouped(reason.items)).pad(9, 2).add(tone(reason.end), head);
        page.hung(2, 11, line.plain(text));
        page.hung(11, 11, Line::of(Tone::Dim, named(&reason.first, reason.items)));
    }
}

/// `once`, `12 times`
fn times(n: u64) -> String {
    if n == 1 { "once".to_owned() } else { format!("{} times", grouped(n)) }
}

/// `4711, 4712, 4713 and 9 more`
pub(super) fn named(first: &[Arc<str>], all: u64) -> String {
    let more = all.saturating_sub(first.len() as u64);
    let names = first.iter().map(|key| &**key).collect::<Vec<_>>().join(", ");
    match (more, names.is_empty()) {
        (_, true) => String::new(),
        (0, _) => names,
        (more, _) => format!("{names} and {} more", grouped(more)),
    }
}

/// The stages of a lifecycle, and no operation on its records.
fn has_lifecycle(text: &str) -> bool {
    let says = |key: &str| text.lines().any(|line| line.starts_with(key));
    says("lifecycle:") && !says("operation:")
}

/// What can be done next, one command a line.
fn next_steps(page: &mut Page, run: RunId, state: &RunState, summary: &Summary, over: bool, brief: bool) {
    let short = run.short();
    if summary.live && !over {
        // Whatever else there is to do is refused meanwhile.
        return commands(page, &[("look again", format!("trueup show {short}"))]);
    }
    let mut lines: Vec<(&str, String)> = Vec::new();
    let bad: u64 =
        summary.ends.iter().filter(|(end, _)| pace::is_bad(**end) && **end != End::InDoubt).map(|(_, n)| n).sum();
    if summary.count(End::InDoubt) > 0 {
        lines.push((
            "decide what is in doubt",
            format!("trueup resolve {short} KEY --done|--not-done|--abort --reason \"…\""),
        ));
    }
    if summary.count(End::Waiting) > 0 {
        lines.push(("see the questions", "trueup inbox".into()));
    }
    if !over && summary.left + summary.open > 0 {
        lines.push(("go on with the rest", format!("trueup resume {short}")));
    }
    // What never began is not done again either: it is planned anew.
    let of_source: u64 =
        summary.reasons.iter().filter(|why| why.reason.starts_with(ITS_SOURCE)).map(|why| why.items).sum();
    let unseen: u64 = summary.reasons.iter().filter(|why| is_unseen(&why.reason)).map(|why| why.items).sum();
    for (items, what) in [(of_source, "plan anew what its source changed"), (unseen, "plan anew what nobody saw")] {
        if let Some(created) = state.created.as_ref().filter(|_| items > 0) {
            lines.push((what, same("plan", &created.playbook, &typed(&created.params), &created.environment)));
        }
    }
    let mut elsewhere = summary.reasons.iter().filter_map(|why| Some((left_to(&why.reason)?, why.items))).peekable();
    if let Some((run, _)) = elsewhere.peek() {
        lines.push(("find out what is in doubt", format!("trueup resume {run}")));
    }
    let elsewhere: u64 = elsewhere.map(|(_, items)| items).sum();
    // Records with their own state machine go on by their state.
    let own = state.created.as_ref().filter(|created| has_lifecycle(&created.text));
    // What an undo left alone is looked at, and then taken back by another one: nothing of it failed.
    let about = state.created.as_ref().and_then(|created| created.about).filter(|_| state.is_undo());
    let left = about.map_or(0, |_| summary.count(End::Drifted));
    if let Some(about) = about.filter(|_| left > 0) {
        lines.push(("take back what can be then", format!("trueup undo {}", about.short())));
    }
    if let Some(created) = own.filter(|_| bad > 0) {
        lines.push(("put back what failed", format!("trueup lifecycle rewind {} --reason \"…\"", created.playbook)));
    } else if bad > of_source + unseen + left + elsewhere {
        lines.push(("do again what failed", format!("trueup retry {short} --reason \"…\"")));
    }
    if brief {
        lines.push(("see it again", format!("trueup show {short}")));
    }
    // What was refused is no item of the run.
    if compares(state) {
        lines.push(("see what was refused or failed too", format!("trueup reconcile report {short}")));
    }
    lines.push(("one item whole", format!("trueup show {short} --item KEY")));
    if state.items.get(SINGLE_ITEM).is_some_and(|once| !once.steps.is_empty()) {
        lines.push(("what was done once", format!("trueup show {short} --item -")));
    }
    lines.push(("all items as a table", format!("trueup show {short} --items csv --out FILE")));
    // What would be refused is not proposed.
    let back = || state.is_undo() || state.created.as_ref().is_none_or(has_way_back);
    let halfway = if state.is_undo() { 0 } else { summary.halfway.items };
    if over && summary.count(End::Changed) + halfway > 0 && back() {
        lines.push(match (state.taken_back_by, state.is_undo()) {
            (Some(by), false) => ("make it again", format!("trueup undo {}", by.short())),
            (Some(by), true) => ("take it back again", format!("trueup undo {}", by.short())),
            (None, true) => ("make it again", format!("trueup undo {short}")),
            (None, false) => ("take it back", format!("trueup undo {short}")),
        });
    }
    commands(page, &lines);
}

/// What can be done next, each with its command.
pub(super) fn commands(page: &mut Page, lines: &[(&str, String)]) {
    page.blank();
    let names = lines.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    for (name, command) in lines {
        page.hung(2, names + 4, Line::of(Tone::Dim, *name).pad(names + 2, 2).plain(command.clone()));
    }
}

/// The first line of the items of a run as CSV.
pub const CSV_HEAD: &str = "item,end,rows_changed,last_step,at,reason\n";

/// The items of a run as CSV: key, end, when begun, rows changed, reason. No cell is a formula.
pub fn csv(state: &RunState) -> String {
    let items = state.items.iter().filter(|(key, _)| &***key != SINGLE_ITEM);
    CSV_HEAD.to_owned()
        + &items.map(|(key, item)| csv_line(key, item, state.worked_on_by.is_some())).collect::<String>()
}

/// One item of it. Of one that is `live` somebody works on the run at this moment: what has no answer yet is under way.
pub fn csv_line(key: &str, item: &ItemState, live: bool) -> String {
    let cells = cells(key, item, live);
    cells.iter().map(|cell| quoted(cell)).collect::<Vec<_>>().join(",") + "\n"
}

/// The same as JSON, one item a line.
pub fn json_line(key: &str, item: &ItemState, live: bool) -> String {
    let [_, end, rows, step, at, reason] = cells(key, item, live);
    let text = |text: String| if text.is_empty() { crate::base::value::Value::NULL } else { text.into() };
    let line = crate::base::value::Value::map([
        ("item", crate::base::value::Value::text(key)),
        ("end", end.replace(' ', "_").into()),
        ("rows_changed", rows.parse::<i64>().unwrap_or(0).into()),
        ("last_step", text(step)),
        ("at", text(at)),
        ("reason", text(reason)),
    ]);
    crate::base::json::masked(&line) + "\n"
}

fn cells(key: &str, item: &ItemState, live: bool) -> [String; 6] {
    // What a rule of the table adds (audit rows) counts, as in the totals of the run: the column adds up to them.
    let changed = |step: &StepState| step.changes_of_run().iter().filter(|c| c.deed() != Deed::Nothing).count();
    let rows: usize = item.steps.values().map(changed).sum();
    let last = item.steps.iter().max_by_key(|(_, step)| step.at.map(|at| at.micros));
    let step = last.map_or_else(String::new, |(path, _)| path.to_string());
    let at = last.and_then(|(_, step)| step.at).map_or_else(String::new, clock::json);
    let reason = end_now(item, live).and_then(|_| reason_of(item)).unwrap_or_default();
    [key.to_owned(), stands(item, live).0, rows.to_string(), step, at, reason]
}

/// A cell: no formula, and in quotes where it has to be.
fn quoted(cell: &str) -> String {
    let safe = safe_cell(cell);
    if safe.contains([',', '"', '\n', '\r']) { format!("\"{}\"", safe.replace('"', "\"\"")) } else { safe.into_owned() }
}

/// `1 item`, `12 345 items`.
fn counted(n: u64, thing: &str) -> String {
    if n < 1_000 {
        counted::counted(usize::try_from(n).unwrap_or(0), thing)
    } else {
        format!("{} {thing}s", grouped(n))
    }
}

/// `12 345`
pub(super) fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_cells_are_safe() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(grouped), ["0", "999", "1 000", "1 234 567"]);
        assert_eq!(quoted("=1+1"), "'=1+1");
        assert_eq!(quoted("a,\"b\""), "\"a,\"\"b\"\"\"");
    }

    /// A change without an answer is in doubt where nobody works on the run any more, and under way where somebody does.
    #[test]
    fn what_has_no_answer_yet_is_under_way_while_somebody_works_on_the_run() {
        let standings = super::super::sample_runs::standings();
        let cells_of = |name: &str, live: bool| {
            let (_, state) = standings.iter().find(|(one, _)| *one == name).unwrap();
            let [_, end, .., reason] = cells("-", state.items.values().next().unwrap(), live);
            (end, reason)
        };
        let doubt = |step: &str| format!("nobody knows whether `{step}` took effect");
        let cut_off = "interrupted at the commit";
        assert_eq!(cells_of(cut_off, false), ("in doubt".to_owned(), doubt("clear_award")));
        assert_eq!(cells_of(cut_off, true), ("under way".to_owned(), String::new()));
        // What a person has to decide waits for that, whoever works on the rest.
        assert_eq!(cells_of("in doubt", true), ("in doubt".to_owned(), doubt("send")));
    }
}
