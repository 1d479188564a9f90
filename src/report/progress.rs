//! What a run tells while it goes on, shown as it happens: live on a terminal, plain lines through a pipe.
//!
//! Writes to where the caller says; every text passes the caller's masks first. Knows nothing of how a run goes on.

use super::{
    clock,
    line::{Line, Tone, clean},
    look::Look,
    page::Page,
    plan::{section_title, step_name},
    run::asked_and_got,
};
use crate::{
    base::secret::Masks,
    engine::{
        outline::{around, indexed},
        watch::{Standing, Tick},
    },
    journal::words::{End, Outcome},
    plan::Section,
};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::{
    io::Write,
    sync::{Arc, Mutex},
    time::Duration,
};

/// The display. Use it from the run: `&|tick| progress.tick(tick)`.
pub struct Progress {
    masks: Masks,
    shown: Mutex<Shown>,
}

struct Shown {
    sink: Sink,
    section: Option<Section>,
    running: Option<(Arc<str>, String)>,
    /// The last message that was shown to be passed on: its step repeats it.
    passed_on: Option<String>,
    /// Why the step under way was tried again, and how often so far.
    again: (String, u32),
    /// The last word about all items: several that wait for the same thing say it once.
    word: Option<String>,
}

enum Sink {
    Live { bar: ProgressBar, look: Look, colour: bool },
    Lines(Box<dyn Write + Send>),
}

impl Progress {
    /// A live display (the step under way with its time, finished steps as lines above) on a terminal.
    pub fn live(target: ProgressDrawTarget, look: Look, colour: bool, masks: Masks) -> Progress {
        let bar = ProgressBar::with_draw_target(None, target);
        let frames: &[&str] = if look.unicode {
            &["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏", " "]
        } else {
            &["|", "/", "-", "\\", " "]
        };
        let style =
            ProgressStyle::with_template("  {spinner} {wide_msg} {elapsed}").map(|style| style.tick_strings(frames));
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        Progress::to(Sink::Live { bar, look, colour }, masks)
    }

    /// Plain lines, two for each step; no colour, no carriage return, nothing cut.
    pub fn lines(out: Box<dyn Write + Send>, masks: Masks) -> Progress {
        Progress::to(Sink::Lines(out), masks)
    }

    fn to(sink: Sink, masks: Masks) -> Progress {
        Progress {
            masks,
            shown: Mutex::new(Shown {
                sink,
                section: None,
                running: None,
                passed_on: None,
                again: Default::default(),
                word: None,
            }),
        }
    }

    /// Shows one thing. A sink that is gone is no reason to stop a run: errors of writing are left aside.
    pub fn tick(&self, tick: Tick) {
        let Ok(mut shown) = self.shown.lock() else { return };
        let masked = |text: &str| clean(&self.masks.apply(text)).into_owned();
        match tick {
            Tick::Begins { section, path, title } => shown.begins(section, path, masked(&title)),
            Tick::Over { path, outcome, summary } => shown.over(&path, outcome, &masked(&summary)),
            Tick::Again { path, why, pause } => shown.again(&path, "", &masked(&why), pause),
            Tick::Unrecorded { path, why, pause } => shown.again(&path, "the journal is tried ", &masked(&why), pause),
            Tick::Items(standing) => shown.items(&standing, &masked),
            Tick::PassOn { who, text } => shown.pass_on(&masked(&who), &masked(&text)),
        }
    }

    /// Takes the live part off the screen; the lines stay. Call it before printing anything else.
    pub fn finish(&self) {
        if let Ok(mut shown) = self.shown.lock() {
            shown.end();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.finish();
    }
}

impl Shown {
    fn begins(&mut self, section: Section, path: Arc<str>, title: String) {
        if self.section != Some(section) {
            let first = self.section.replace(section).is_none();
            self.write(|page| {
                if !first {
                    page.drawn("");
                }
                page.line(0, Line::of(Tone::Strong, section_title(section)));
            });
        }
        match &mut self.sink {
            Sink::Live { bar, .. } => {
                bar.reset_elapsed();
                bar.set_message(title.replace('\n', " "));
                bar.enable_steady_tick(Duration::from_millis(120));
            }
            Sink::Lines(_) => self.write(|page| page.line(2, Line::of(Tone::Plain, &title))),
        }
        self.running = Some((path, title));
        self.again = Default::default();
    }

    /// One line that changes on a terminal; through a pipe a line for each item that did not end well, and for every tenth
    /// part of all.
    fn items(&mut self, standing: &Standing, masked: &dyn Fn(&str) -> String) {
        if let Some((key, end, reason)) = &standing.item
            && !matches!(end, End::Changed | End::Unchanged | End::Skipped)
        {
            let reason = reason.as_ref().map_or_else(String::new, |reason| format!(": {}", masked(reason)));
            let tone = if matches!(end, End::Failed | End::InDoubt | End::Drifted) { Tone::Bad } else { Tone::Care };
            let words = end.word().replace('_', " ");
            self.write(|page| page.hung(2, 6, Line::of(tone, format!("{} {words}{reason}", masked(key)))));
        }
        if let Some(word) = &standing.word {
            let word = masked(word);
            if self.word.as_ref() != Some(&word) {
                self.write(|page| page.line(2, Line::of(Tone::Care, &word)));
                self.word = Some(word);
            }
        }
        if standing.of == 0 {
            return;
        }
        let rate = standing.a_minute.map_or_else(String::new, |n| format!(", {n} a minute"));
        let bad = if standing.bad == 0 { String::new() } else { format!(", {} not well", standing.bad) };
        let handed =
            if standing.escalated == 0 { String::new() } else { format!(", {} escalated", standing.escalated) };
        let things = if standing.of == 1 { "item" } else { "items" };
        let text = format!("{} of {} {things}{bad}{handed}{rate}", standing.over, standing.of);
        match &mut self.sink {
            Sink::Live { bar, .. } => {
                bar.set_message(text);
                bar.enable_steady_tick(Duration::from_millis(120));
            }
            Sink::Lines(_) => {
                let part = (standing.of / 10).max(1);
                if standing.item.is_some() && (standing.over.is_multiple_of(part) || standing.over == standing.of) {
                    self.write(|page| page.line(2, Line::of(Tone::Plain, text)));
                }
            }
        }
    }

    fn over(&mut self, path: &str, outcome: Outcome, summary: &str) {
        let begun = self.running.take().filter(|(running, _)| &**running == path);
        let title = begun
            .as_ref()
            .map_or_else(|| format!("{}{}", around(path), indexed(step_name(path)).0), |(_, title)| title.clone());
        let summary = if self.passed_on.take().as_deref() == Some(summary.trim_end()) { "" } else { summary };
        // A condition that holds has its mark.
        let summary = if summary == "holds" { "" } else { summary };
        if let Sink::Live { bar, .. } = &self.sink {
            bar.set_message("");
            bar.disable_steady_tick();
        }
        // Of what an undo leaves alone nothing is as wanted.
        let left = outcome == Outcome::Unchanged && summary.contains("left alone: ");
        let words = if left { "left alone" } else { words(outcome) };
        if matches!(self.sink, Sink::Lines(_)) {
            let told = if summary.is_empty() { words.to_owned() } else { format!("{words}: {summary}") };
            let told = if begun.is_some() { told } else { format!("{title}: {told}") };
            return self.write(|page| page.hung(if begun.is_some() { 4 } else { 2 }, 6, Line::of(Tone::Plain, told)));
        }
        let calm = matches!(outcome, Outcome::Done | Outcome::Unchanged | Outcome::Skipped);
        self.write(|page| {
            let (mark, tone) = mark(outcome, page.look);
            let head = Line::of(tone, mark)
                .plain(" ")
                .add(if outcome == Outcome::Skipped { Tone::Dim } else { Tone::Plain }, title);
            let done = outcome == Outcome::Done && !summary.contains('\n');
            let right = if done { asked_and_got(summary).map_or(summary, |(_, got)| got) } else { words };
            page.noted(2, 4, head, Line::of(if calm { Tone::Dim } else { tone }, right));
            if !done {
                page.prose(4, if calm { Tone::Dim } else { Tone::Plain }, summary);
            }
        });
    }

    /// A step that was begun and is not over is left as it is: it waits, or something broke off. Once is enough.
    fn end(&mut self) {
        if let Some((_, title)) = self.running.take() {
            let words = "no outcome yet";
            let live = matches!(self.sink, Sink::Live { .. });
            self.write(|page| match live {
                true => page.noted(2, 4, Line::of(Tone::Care, "? ").plain(title), Line::of(Tone::Care, words)),
                false => page.line(4, Line::of(Tone::Plain, words)),
            });
        }
        if self.section.take().is_some() {
            self.write(|page| page.drawn(""));
        }
        if let Sink::Live { bar, .. } = &self.sink {
            bar.finish_and_clear();
        }
    }

    /// The same reason as before is counted, not repeated. `what` is tried again, where it is not the step.
    fn again(&mut self, path: &str, what: &str, why: &str, pause: Duration) {
        let pause = clock::length(i64::try_from(pause.as_micros()).unwrap_or(i64::MAX));
        let title = self.running.as_ref().filter(|(running, _)| **running == *path).map(|(_, title)| title.clone());
        self.again = (why.to_owned(), if self.again.0 == why { self.again.1 + 1 } else { 1 });
        let times = self.again.1;
        if let (Sink::Live { bar, .. }, Some(title)) = (&self.sink, &title) {
            bar.set_message(format!("{} ({what}again in {pause})", title.replace('\n', " ")));
            if times > 1 {
                return;
            }
        }
        let told = title.map_or_else(|| format!("{}: ", step_name(path)), |_| String::new());
        let why = if times > 1 { format!("as before, {times} times so far") } else { why.to_owned() };
        self.write(|page| page.hung(4, 6, Line::of(Tone::Dim, format!("{told}{what}again in {pause}: {why}"))));
    }

    fn pass_on(&mut self, who: &str, text: &str) {
        self.write(|page| {
            page.line(4, Line::of(Tone::Care, format!("To pass on to {who}:")));
            page.prose(6, Tone::Plain, text);
        });
        self.passed_on = Some(text.trim_end().to_owned());
    }

    fn write(&mut self, text: impl FnOnce(&mut Page)) {
        match &mut self.sink {
            Sink::Live { bar, look, colour } => {
                let mut page = Page::new(*look);
                text(&mut page);
                let text = page.finish();
                let text = if *colour { text } else { plain(&text) };
                bar.println(text.strip_suffix('\n').unwrap_or(&text));
            }
            Sink::Lines(out) => {
                let mut page = Page::endless();
                text(&mut page);
                let _ = out.write_all(plain(&page.finish()).as_bytes());
                let _ = out.flush();
            }
        }
    }
}

fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

fn words(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Unchanged => "already as wanted",
        Outcome::NotDone => "not done",
        Outcome::Escalated => "handed over",
        Outcome::Drifted => "no longer as planned",
        Outcome::InDoubt => "in doubt",
        other => other.word(),
    }
}

fn mark(outcome: Outcome, look: Look) -> (&'static str, Tone) {
    match outcome {
        Outcome::Done => (look.tick(), Tone::Good),
        Outcome::Unchanged => ("=", Tone::Dim),
        Outcome::Skipped => (look.idle(), Tone::Dim),
        Outcome::Waiting | Outcome::NotDone => ("?", Tone::Care),
        Outcome::Escalated => (look.cross(), Tone::Care),
        _ => (look.cross(), Tone::Bad),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{base::secret::Secret, report::sample::golden};

    /// Collects what is written.
    #[derive(Clone, Debug, Default)]
    struct Sheet(Arc<Mutex<String>>);

    impl Sheet {
        fn add(&self, text: &str) -> std::io::Result<()> {
            self.0.lock().unwrap().push_str(text);
            Ok(())
        }

        fn text(&self) -> String {
            self.0.lock().unwrap().clone()
        }
    }

    impl Write for Sheet {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.add(std::str::from_utf8(bytes).unwrap()).map(|()| bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// A terminal that keeps every line ever written to it.
    impl indicatif::TermLike for Sheet {
        fn width(&self) -> u16 {
            80
        }
        fn move_cursor_up(&self, _: usize) -> std::io::Result<()> {
            Ok(())
        }
        fn move_cursor_down(&self, _: usize) -> std::io::Result<()> {
            Ok(())
        }
        fn move_cursor_right(&self, _: usize) -> std::io::Result<()> {
            Ok(())
        }
        fn move_cursor_left(&self, _: usize) -> std::io::Result<()> {
            Ok(())
        }
        fn write_line(&self, text: &str) -> std::io::Result<()> {
            self.add(&format!("{text}\n"))
        }
        fn write_str(&self, text: &str) -> std::io::Result<()> {
            self.add(text)
        }
        fn clear_line(&self) -> std::io::Result<()> {
            Ok(())
        }
        fn flush(&self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn ticks() -> Vec<Tick> {
        let begins =
            |section, path: &str, title: &str| Tick::Begins { section, path: path.into(), title: title.into() };
        let over =
            |path: &str, outcome, summary: &str| Tick::Over { path: path.into(), outcome, summary: summary.into() };
        let text = "The award is taken back.\nSend nothing to DQT.\n";
        vec![
            begins(Section::Preconditions, "preconditions/trainee", "The trainee is there"),
            over("preconditions/trainee", Outcome::Done, "find register.trainees"),
            over("preconditions/end_cycle", Outcome::Skipped, ""),
            begins(Section::Steps, "steps/clear_award", "Take the award back in Register"),
            over("steps/clear_award", Outcome::Done, "1 row of register.trainees, 1 row of register.audits"),
            begins(Section::Verification, "verification/dqt", "DQT shows no award"),
            Tick::Again {
                path: "verification/dqt".into(),
                why: "it does not hold that dqt.body.key is 'hunter22'".into(),
                pause: Duration::from_secs(10),
            },
            Tick::Again {
                path: "verification/dqt".into(),
                why: "it does not hold that dqt.body.key is 'hunter22'".into(),
                pause: Duration::from_secs(10),
            },
            over("verification/dqt", Outcome::Done, "GET https://dqt.example.test/v2/teachers/1234567 → 200, 9 fields"),
            begins(Section::Afterwards, "afterwards/tell-1", "tell-1"),
            Tick::PassOn { who: "register-support".into(), text: text.into() },
            over("afterwards/tell-1", Outcome::Done, text),
            begins(Section::Afterwards, "afterwards/x", "Something with \u{1b}[2J in it"),
            over("afterwards/x", Outcome::Failed, "`register` refused it: hunter22"),
        ]
    }

    fn masks() -> Masks {
        let masks = Masks::default();
        masks.add(&Secret::new("hunter22"));
        masks
    }

    #[test]
    fn through_a_pipe_there_are_whole_lines_and_no_secrets() {
        let sheet = Sheet::default();
        let progress = Progress::lines(Box::new(sheet.clone()), masks());
        let watch: crate::engine::watch::Watch<'_> = &|tick| progress.tick(tick);
        ticks().into_iter().for_each(watch);
        progress.finish();
        let text = sheet.text();
        assert!(!text.contains(['\r', '\u{1b}']) && !text.contains("hunter22"), "{text}");
        golden("progress-lines.txt", &text);
    }

    #[test]
    fn it_is_the_journal_that_is_tried_again_and_not_the_request() {
        let sheet = Sheet::default();
        let progress = Progress::lines(Box::new(sheet.clone()), Masks::default());
        for _ in 0..2 {
            let (why, pause) = ("nobody listens there".to_owned(), Duration::from_secs(8));
            progress.tick(Tick::Unrecorded { path: "steps/put".into(), why, pause });
        }
        progress.finish();
        let text = sheet.text();
        assert!(text.contains("put: the journal is tried again in 8.0 s: nobody listens there"), "{text}");
        assert!(text.contains("put: the journal is tried again in 8.0 s: as before, 2 times so far"), "{text}");
    }

    #[test]
    fn an_item_that_was_escalated_is_counted_as_such_and_not_among_the_bad_ones() {
        let sheet = Sheet::default();
        let progress = Progress::lines(Box::new(sheet.clone()), Masks::default());
        let far = |key: &str, end, over, bad, escalated| {
            let item = Some((key.into(), end, None));
            Tick::Items(Box::new(Standing { item, over, of: 3, bad, escalated, ..Standing::default() }))
        };
        progress.tick(far("17", End::Failed, 1, 1, 0));
        progress.tick(far("18", End::Escalated, 2, 1, 1));
        progress.tick(far("19", End::Changed, 3, 1, 1));
        progress.finish();
        let expected = "  17 failed\n  1 of 3 items, 1 not well\n  18 escalated\n  2 of 3 items, 1 not well, 1 escalated\n  \
            3 of 3 items, 1 not well, 1 escalated\n";
        assert_eq!(sheet.text(), expected);
    }

    #[test]
    fn on_a_terminal_finished_steps_stay_as_lines() {
        let sheet = Sheet::default();
        let target = ProgressDrawTarget::term_like_with_hz(Box::new(sheet.clone()), 1);
        let progress = Progress::live(target, Look::default(), false, masks());
        ticks().into_iter().for_each(|tick| progress.tick(tick));
        progress.finish();
        let text = sheet.text();
        assert!(!text.contains("hunter22") && !text.contains('\u{1b}'), "{text}");
        let lines = [
            ("✓ The trainee is there", "find register.trainees"),
            ("· end_cycle", "skipped"),
            ("✗ Something with \\u{1b}[2J in it", "failed"),
        ];
        for (left, right) in lines {
            let line = format!("  {left}{right:>0$}", 78 - left.chars().count());
            assert!(text.contains(&line), "{line:?} is not in\n{text}");
        }
    }
}
