//! A plan as a person reads it in a terminal. Knows nothing of how it was made or what is done with it.

use super::{
    clock,
    columns::width,
    compared,
    diff::{Moment, rows, said},
    left,
    line::{Line, Tone},
    look::{Look, View},
    page::Page,
    plan_summary::summary,
    request,
};
use crate::{
    action::{ends::Way, step::RESCUE},
    approval::{self, Demand},
    base::{
        counted::counted,
        value::{AFTER_APPLY, Map},
    },
    effect::{compared::Differing, label::Label},
    engine::outline::{around, indexed},
    plan::{Effect, Foreseen, ItemPlan, Plan, Reversal, Section, StepPlan, Stop, file::Saved},
};

/// What is known of a plan beside itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct About<'a> {
    /// Who asks for it.
    pub who: Option<&'a str>,
    /// Why.
    pub why: Option<&'a str>,
    /// The command to type when it should be carried out; nothing when the caller asks by itself.
    pub apply: Option<&'a str>,
    /// The command to type for whoever agrees to it.
    pub approve: Option<&'a str>,
    /// Who agreed so far.
    pub agreed: &'a [String],
    /// How many people must agree.
    pub demands: &'a [Demand],
    /// The file that it is kept in.
    pub saved: Option<&'a Saved>,
    /// Why it cannot be carried out any more, or not here.
    pub void: Option<&'a str>,
}

/// Where the text of a step begins, under its heading.
const DEEPER: usize = 6;

/// The whole preview: heading, preconditions, steps with their changes, verification, summary line, what to do next.
/// Styled with ANSI codes; ends with a line feed.
pub fn text(plan: &Plan, about: &About<'_>, view: &View<'_>) -> String {
    if let Some(many) = &plan.many {
        return super::many::plan(plan, many, about, view);
    }
    let mut page = Page::new(view.look);
    heading(&mut page, plan, about);
    for item in &plan.items {
        if plan.items.len() > 1 {
            page.blank();
            item_heading(&mut page, item);
        }
        of_item(&mut page, item, view);
    }
    page.blank();
    let calm = plan.items.iter().all(|item| item.stop.as_ref().is_none_or(Stop::is_calm));
    let summary = summary(plan);
    // Two clauses on two lines read better than one that breaks anywhere.
    let summary = if width(&summary) > page.width() { summary.replacen("; ", ";\n", 1) } else { summary };
    page.line(0, Line::of(if calm { Tone::Strong } else { Tone::Bad }, summary));
    for_good(&mut page, plan);
    agreement(&mut page, plan, about);
    next(&mut page, plan, about);
    if about.apply.is_none() && !plan.is_empty() {
        // The caller goes on below: with a question, or with the run itself.
        page.blank();
    }
    page.finish()
}

/// One item of many, whole.
pub fn one(item: &ItemPlan, view: &View<'_>) -> String {
    let mut page = Page::new(view.look);
    item_heading(&mut page, item);
    of_item(&mut page, item, view);
    page.finish()
}

/// The item's name; of one that came out of a comparison also what differs.
pub(super) fn item_heading(page: &mut Page, item: &ItemPlan) {
    let found = item.item.as_ref().and_then(Differing::of_item);
    let mut line = Line::of(Tone::Strong, format!("Item {}", item.key));
    match found {
        None => page.line(0, line),
        Some(Differing::Lone(text)) => {
            line = line.plain("  ").add(Tone::Care, text);
            page.hung(0, 5, line);
        }
        Some(Differing::Fields(comparison)) => {
            line = line.plain("  ").add(Tone::Care, comparison.summary());
            page.hung(0, 5, line);
            compared::table(page, 2, &comparison);
        }
    }
}

/// The last words before somebody says yes, when the plan itself was read elsewhere: what it is, who asked for it, what it
/// comes to, what cannot be taken back, who must agree.
pub fn brief(plan: &Plan, about: &About<'_>, look: Look) -> String {
    let mut page = Page::new(look);
    heading(&mut page, plan, about);
    page.blank();
    page.line(0, Line::of(Tone::Strong, summary(plan)));
    for_good(&mut page, plan);
    agreement(&mut page, plan, about);
    page.blank();
    page.finish()
}

/// The steps that cannot be taken back, and why: said before anybody agrees.
pub(super) fn for_good(page: &mut Page, plan: &Plan) {
    let tally = plan.tally();
    // Of an undo what stays as the run left it; of another plan what would.
    let all: Vec<_> = tally.irreversible.iter().chain(&tally.stays).collect();
    if all.is_empty() {
        return;
    }
    page.line(0, Line::of(Tone::Care, format!("{} cannot be taken back:", counted(all.len(), "step"))));
    listed(
        page,
        all.into_iter().map(|(name, why, times)| {
            let why = why.clone().unwrap_or_else(|| "the playbook names no way".into());
            (name.clone(), if *times > 1 { format!("{why} ({times} times)") } else { why })
        }),
    );
}

/// Who must agree to what is really going to be done.
pub(super) fn agreement(page: &mut Page, plan: &Plan, about: &About<'_>) {
    let ends = plan.items.iter().any(|item| item.ends_early().is_some()) && plan.many.is_none();
    if about.demands.is_empty() || plan.is_empty() || ends || about.void.is_some() {
        return;
    }
    let missing = approval::missing(about.demands, about.who.unwrap_or(""), about.agreed);
    if missing.is_empty() {
        let line = Line::of(Tone::Good, "Enough people have agreed").plain(format!(": {}", about.agreed.join(", ")));
        page.hung(0, 2, line);
        return;
    }
    page.line(0, Line::of(Tone::Care, "Before it is carried out, other people must agree:"));
    for missing in missing {
        let words = if about.agreed.is_empty() { missing.demand.words() } else { missing.words() };
        page.hung(2, 4, Line::of(Tone::Plain, words));
    }
}

/// Names and what is said of them, aligned.
fn listed(page: &mut Page, lines: impl Iterator<Item = (String, String)>) {
    let lines: Vec<(String, String)> = lines.collect();
    let names = lines.iter().map(|(name, _)| width(name)).max().unwrap_or(0).min(24);
    for (name, text) in lines {
        page.hung(2, 2 + names + 2, Line::of(Tone::Plain, name).pad(names + 2, 2).add(Tone::Dim, text));
    }
}

pub(super) fn heading(page: &mut Page, plan: &Plan, about: &About<'_>) {
    page.line(0, Line::of(Tone::Strong, &plan.title));
    page.line(0, Line::of(Tone::Dim, format!("{} v{} in {}", plan.playbook, plan.version, plan.environment)));
    let mut facts = vec![("asked by", about.who.map(str::to_owned)), ("because", about.why.map(str::to_owned))];
    if let Some(saved) = about.saved {
        facts.push(("plan", Some(format!("{}, digest {}", saved.short(), short_digest(&saved.digest)))));
        facts.push(("made", Some(clock::second(saved.header.made_at))));
        facts.push(("valid until", Some(clock::second(saved.header.expires_at))));
    }
    facts_table(page, &plan.params, &facts);
}

/// The beginning of a digest: enough to compare by eye.
pub fn short_digest(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}

/// Parameters and facts, one a line, names aligned.
pub(super) fn facts_table(page: &mut Page, params: &Map, facts: &[(&str, Option<String>)]) {
    let params = params.iter().filter(|(_, v)| !v.is_null()).map(|(name, value)| (name.to_string(), said(value)));
    let facts = facts.iter().filter_map(|(name, text)| Some(((*name).to_owned(), text.clone()?)));
    let lines: Vec<(String, String)> = params.chain(facts).collect();
    let names = lines.iter().map(|(name, _)| width(name)).max().unwrap_or(0).min(24);
    page.blank();
    for (name, text) in lines {
        page.hung(2, 2 + names + 2, Line::of(Tone::Dim, name).pad(names + 2, 2).plain(text));
    }
}

pub(super) fn of_item(page: &mut Page, item: &ItemPlan, view: &View<'_>) {
    for section in Section::ALL {
        let steps: Vec<&StepPlan> = item.steps.iter().filter(|s| s.section == section).collect();
        if steps.is_empty() {
            continue;
        }
        page.blank();
        page.line(0, Line::of(Tone::Strong, section_title(section)));
        let mut roomy = false;
        for (index, step) in steps.into_iter().enumerate() {
            let acts = step.foreseen.acts() || step.foreseen == Foreseen::Tells;
            if index > 0 && (roomy || acts) {
                page.blank();
            }
            roomy = acts;
            of_step(page, step, item.stop.as_ref().filter(|s| s.step == step.path), view);
        }
    }
}

/// The heading of a section.
pub(super) fn section_title(section: Section) -> &'static str {
    match section {
        Section::Preconditions => "Preconditions",
        Section::Steps => "Steps",
        Section::Verification => "Verification",
        Section::Afterwards => "Afterwards",
    }
}

fn of_step(page: &mut Page, step: &StepPlan, stop: Option<&Stop>, view: &View<'_>) {
    step_at(page, 2, step, stop, view);
    if let Some(stop) = stop {
        of_stop(page, stop, view);
    }
}

/// A step whose heading stands so far to the right.
fn step_at(page: &mut Page, indent: usize, step: &StepPlan, stop: Option<&Stop>, view: &View<'_>) {
    let deeper = indent + DEEPER - 2;
    let (mark, tone) = mark(step, stop, page.look);
    let skipped = step.foreseen == Foreseen::Skipped;
    let title = Line::of(tone, mark).plain(" ").add(if skipped { Tone::Dim } else { Tone::Plain }, name(step));
    page.labelled(indent, indent + 2, title, right(step, stop));
    if let Label::NotPreviewable(why) = &step.label {
        page.line(deeper, Line::of(Tone::Bad, format!("could not be tried out: {why}")));
    }
    let (first, last): (&[String], &[String]) = if matches!(step.foreseen, Foreseen::Undecided | Foreseen::Skipped) {
        (&step.notes, &[])
    } else {
        (&[], &step.notes)
    };
    notes(page, deeper, step, first);
    for effect in &step.effects {
        of_effect(page, deeper, effect, step, view);
    }
    notes(page, deeper, step, last);
    // Of what an undo does not take back the note says why.
    if let Some(undo) = step.undo.as_ref().filter(|_| step.foreseen != Foreseen::Warns) {
        let tone = if matches!(undo, Reversal::Irreversible(_)) { Tone::Care } else { Tone::Dim };
        let taken =
            matches!(undo, Reversal::Automatic | Reversal::SameWay | Reversal::ByStep(_) | Reversal::ImagesOrStep(_));
        let words = if taken { format!("taken back {}", undo.words()) } else { undo.words() };
        page.line(deeper, Line::of(tone, words));
    }
}

/// Lines of a note are one paragraph: they were broken for the width of a file.
fn notes(page: &mut Page, indent: usize, step: &StepPlan, notes: &[String]) {
    let tone = if matches!(step.foreseen, Foreseen::Warns | Foreseen::Undecided) { Tone::Care } else { Tone::Dim };
    for note in notes {
        let note = page.look.hidden(note);
        page.line(indent, Line::of(tone, note.split_whitespace().collect::<Vec<_>>().join(" ")));
    }
}

/// Its title, or what it does to whom, or its id.
fn name(step: &StepPlan) -> String {
    let told = step
        .effects
        .iter()
        .find_map(|e| if let Effect::Message { who, .. } = e { Some(format!("Tell {who}")) } else { None });
    let name = || match step_name(&step.path) {
        RESCUE => "rescue".to_owned(),
        name => indexed(name).0.to_owned(),
    };
    let name = step.title.clone().or(told).unwrap_or_else(name);
    format!("{}{name}", around(&step.path))
}

/// The last part of a step's path: its name.
pub(super) fn step_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn mark(step: &StepPlan, stop: Option<&Stop>, look: Look) -> (&'static str, Tone) {
    match step.foreseen {
        Foreseen::Passes if step.label == Label::HasUnknowns => ("?", Tone::Care),
        Foreseen::Passes => (look.tick(), Tone::Good),
        Foreseen::Unchanged => ("=", Tone::Dim),
        Foreseen::Changes => ("~", Tone::Care),
        Foreseen::Sends => (">", Tone::Care),
        Foreseen::Asks | Foreseen::Undecided => ("?", Tone::Care),
        Foreseen::Tells => (">", Tone::Dim),
        Foreseen::Skipped => (look.idle(), Tone::Dim),
        Foreseen::Warns => ("!", Tone::Care),
        Foreseen::Ends => match stop.map(|s| s.way) {
            Some(Way::Done) => (look.tick(), Tone::Good),
            Some(Way::Skip) => (look.idle(), Tone::Dim),
            // It ended the call that it stands in, and nothing else.
            None if step.effects.iter().any(|effect| matches!(effect, Effect::Answer { .. })) => {
                (look.idle(), Tone::Dim)
            }
            _ => (look.cross(), Tone::Bad),
        },
    }
}

/// What stands at the right border: what a read found, where a step ends, or the label.
fn right(step: &StepPlan, stop: Option<&Stop>) -> Line {
    if let Some(stop) = stop {
        return match stop.way {
            // Changes may stand before it.
            Way::Done | Way::Skip if step.kind == "end" => Line::of(Tone::Plain, "ends here"),
            Way::Done => Line::of(Tone::Good, "already as wanted"),
            Way::Skip => Line::of(Tone::Dim, "left alone"),
            Way::Fail => Line::of(Tone::Bad, "fails here"),
            Way::Escalate => Line::of(Tone::Bad, "handed over here"),
            Way::Stop | Way::Warn => Line::of(Tone::Bad, "stops here"),
        };
    }
    if step.foreseen == Foreseen::Skipped {
        return Line::of(Tone::Dim, "skipped");
    }
    match &step.label {
        Label::Exact => Line::of(Tone::Good, "exact"),
        Label::HasUnknowns => Line::of(Tone::Care, "has unknowns"),
        Label::NotPreviewable(_) => Line::of(Tone::Bad, "not previewable"),
        Label::Read => {
            let found =
                step.effects.iter().find_map(|e| if let Effect::Answer { summary } = e { Some(summary) } else { None });
            let found = found.cloned().or_else(|| {
                step.effects
                    .iter()
                    .find_map(|e| if let Effect::Compared(both) = e { Some(both.summary()) } else { None })
            });
            found.map_or_else(Line::default, |summary| Line::of(Tone::Dim, summary))
        }
    }
}

fn of_effect(page: &mut Page, deeper: usize, effect: &Effect, step: &StepPlan, view: &View<'_>) {
    match effect {
        Effect::Rows { changes, also } => {
            rows(page, deeper, changes, view, Moment::Planned);
            for also in also {
                let counts = [(also.inserted, "added"), (also.updated, "changed"), (also.deleted, "deleted")];
                let counts: Vec<_> =
                    counts.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{n} {word}")).collect();
                let text = format!("! also touched, not taken back: {}  {}", also.table, counts.join(", "));
                page.hung(deeper, deeper + 2, Line::of(Tone::Care, text));
            }
        }
        Effect::LeftAlone { rows } => left::rows(page, deeper, rows, view),
        Effect::Compared(comparison) => compared::table(page, deeper, comparison),
        Effect::Jobs { jobs } => jobs.iter().for_each(|job| {
            let mut headers = vec![("jid".to_owned(), job.jid.to_string())];
            headers.extend(job.payload.as_ref().and_then(|p| p.get("retry")).map(|r| ("tries".to_owned(), tries(&r))));
            headers.extend(job.arguments().into_iter().enumerate().map(|(i, text)| (format!("args[{i}]"), text)));
            request::text(page, deeper, &job.line(), &headers, None);
        }),
        Effect::Request { line, headers, body, .. } => request::text(page, deeper, line, headers, body.as_deref()),
        // A read that is known stands at the right border; what is not known is what its label says.
        Effect::Answer { summary } if step.label == Label::Read || is_plain_unknown(summary) => {}
        Effect::Answer { summary } => page.line(deeper, Line::of(Tone::Dim, summary)),
        Effect::Question { who, text, answer } => {
            page.line(deeper, Line::of(Tone::Plain, format!("asks {who}:")));
            page.prose(deeper + 2, Tone::Plain, text);
            if !answer.is_empty() {
                let fields: Vec<_> = answer.iter().map(|(name, kind)| format!("{name} ({kind})")).collect();
                page.hung(deeper + 2, deeper + 10, Line::of(Tone::Dim, "answer  ").plain(fields.join(", ")));
            }
        }
        Effect::IfFails { at, steps } => {
            let names: Vec<String> = at.iter().map(|name| format!("`{name}`")).collect();
            page.line(deeper, Line::of(Tone::Plain, format!("if {} fails:", names.join(" or "))));
            steps.iter().for_each(|inner| step_at(page, deeper + 2, inner, None, view));
        }
        Effect::Message { who, text } => {
            // Without a title of its own, the step is called after whom it tells.
            if step.title.is_none() {
                return page.prose(deeper, Tone::Plain, text);
            }
            page.line(deeper, Line::of(Tone::Plain, format!("tells {who}:")));
            page.prose(deeper + 2, Tone::Plain, text);
        }
    }
}

/// Sidekiq's `retry` in words.
fn tries(retry: &crate::base::value::Value) -> String {
    match (retry.as_bool(), retry.as_int()) {
        (Some(true), _) => "again up to 25 times if it fails".into(),
        (Some(false), _) => "once; forgotten if it fails".into(),
        (_, Some(0)) => "once; dead if it fails".into(),
        (_, Some(1)) => "once again if it fails".into(),
        _ => format!("again up to {} times if it fails", retry.plain()),
    }
}

fn is_plain_unknown(summary: &str) -> bool {
    summary.strip_prefix('(').and_then(|s| s.strip_suffix(')')) == Some(AFTER_APPLY)
}

fn of_stop(page: &mut Page, stop: &Stop, view: &View<'_>) {
    let calm = matches!(stop.way, Way::Done | Way::Skip);
    let drawn = if calm { String::new() } else { (view.draw)(stop.at, &stop.message, &stop.seen) };
    if drawn.is_empty() {
        page.prose(DEEPER, if calm { Tone::Dim } else { Tone::Plain }, &stop.message);
        seen(page, if calm { &[] } else { &stop.seen });
    } else {
        page.blank();
        page.drawn(&drawn);
    }
    if let Some(who) = &stop.who {
        page.line(DEEPER, Line::of(Tone::Care, format!("for {who}")));
    }
}

/// What was looked at and what it was.
fn seen(page: &mut Page, seen: &[(String, String)]) {
    let names = seen.iter().map(|(name, _)| width(name)).max().unwrap_or(0).min(36);
    for (name, value) in seen {
        page.hung(DEEPER + 2, DEEPER + 4 + names, Line::of(Tone::Dim, name).pad(names + 2, 2).plain(value));
    }
}

pub(super) fn next(page: &mut Page, plan: &Plan, about: &About<'_>) {
    if let Some(why) = about.void {
        page.hung(0, 2, Line::of(Tone::Care, "It can no longer be carried out").plain(format!(": {why}")));
        return;
    }
    // Of many items those that end early do not keep the others from being carried out.
    let stop = plan.items.iter().filter(|i| i.item.is_none()).find_map(ItemPlan::ends_early);
    match (stop.map(|s| (s.way, &s.who)), about.apply) {
        (None, Some(command)) if !plan.is_empty() => {
            let missing = approval::missing(about.demands, about.who.unwrap_or(""), about.agreed);
            if let Some(approve) = about.approve.filter(|_| !missing.is_empty()) {
                page.line(0, Line::of(Tone::Plain, "To agree to it:"));
                page.command(2, approve);
            }
            page.line(0, Line::of(Tone::Plain, "To carry it out:"));
            page.command(2, command);
        }
        (Some((Way::Stop | Way::Fail | Way::Warn, _)), _) => {
            page.line(0, Line::of(Tone::Plain, "Put that right, then plan again."))
        }
        (Some((Way::Escalate, Some(who))), _) => {
            page.line(0, Line::of(Tone::Plain, format!("Hand this over to {who}.")))
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::{self, golden, is_proper, plain, view};

    const ABOUT: About<'_> = About {
        approve: None,
        agreed: &[],
        demands: &[],
        saved: None,
        void: None,
        who: Some("anna"),
        why: Some("Zendesk 88213: the provider recommended the wrong trainee"),
        apply: Some(
            "trueup apply register/correct-award --param slug=7xKqRmT2pZ9sVbN4wYcD6fGh --reason 'Zendesk 88213: the provider recommended the wrong trainee'",
        ),
    };

    #[test]
    fn a_preview_reads_calmly_in_eighty_columns() {
        let shown = text(&sample::award(), &ABOUT, &view(80, true));
        is_proper(&shown, 80);
        golden("plan-award-80.txt", &plain(&shown));
        golden("plan-award-80.ansi", &shown);
    }

    #[test]
    fn a_preview_uses_a_wider_terminal_and_does_without_unicode() {
        for (name, width, unicode) in [("plan-award-120.txt", 120, true), ("plan-award-ascii.txt", 80, false)] {
            let shown = text(&sample::award(), &ABOUT, &view(width, unicode));
            is_proper(&shown, width);
            golden(name, &plain(&shown));
        }
    }

    #[test]
    fn every_kind_of_effect_is_shown() {
        for (name, width) in [("plan-odd-80.txt", 80), ("plan-odd-120.txt", 120)] {
            let shown = text(&sample::odd(), &About::default(), &view(width, true));
            is_proper(&shown, width);
            golden(name, &plain(&shown));
        }
    }

    #[test]
    fn a_plan_that_changes_nothing_says_so() {
        let shown = text(&sample::nothing(), &ABOUT, &view(80, true));
        is_proper(&shown, 80);
        golden("plan-nothing.txt", &plain(&shown));
    }

    #[test]
    fn an_end_says_where_why_and_what_to_do() {
        let ways = [Way::Stop, Way::Escalate, Way::Fail, Way::Skip, Way::Done];
        let all: Vec<String> = ways.iter().map(|way| text(&sample::stopped(*way), &ABOUT, &view(80, true))).collect();
        golden("plan-ends.txt", &plain(&all.join("\n----\n\n")));
    }

    #[test]
    fn no_width_makes_a_line_too_wide_or_a_person_known() {
        for width in [40, 57, 80, 99, 120] {
            // What is quoted in a command is one word and may be wider than a narrow terminal.
            let about = About { apply: ABOUT.apply.filter(|_| width >= 80), ..ABOUT };
            for plan in [sample::award(), sample::odd(), sample::nothing()] {
                for unicode in [true, false] {
                    is_proper(&text(&plan, &about, &view(width, unicode)), width);
                }
            }
        }
    }
}
