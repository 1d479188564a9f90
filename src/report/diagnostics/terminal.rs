//! Problems drawn for a terminal: what, where, the source line with a caret, and what to do.

use super::severity;
use crate::base::{
    diagnostic::{Diagnostic, Diagnostics, MOST, Severity},
    source::{Source, Span},
};
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use std::borrow::Cow;

/// Every problem drawn with its source line and caret, in the order of the file, and the summary line at the end; empty
/// when there is none. Styled with ANSI codes: write it through `anstream`, which takes them out for a pipe.
pub fn terminal(problems: &Diagnostics, width: usize) -> String {
    let mut text = String::new();
    for problem in problems.sorted() {
        text.push_str(&drawn(problem, problems.source(), width));
        text.push_str("\n\n");
    }
    if let Some(summary) = summary(problems) {
        let sorted = problems.sorted();
        let first = sorted.iter().min_by_key(|problem| problem.severity).map_or("", |problem| problem.code.id);
        text.push_str(&format!("{summary}\n`trueup explain {first}` says more about the first one\n"));
    }
    text
}

/// One problem drawn, as in [`terminal`]: also for a precondition or verification that failed in a run.
pub fn drawn(problem: &Diagnostic, source: &Source, width: usize) -> String {
    let level = match problem.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING.with_name(severity(Severity::Warning)),
    };
    let main = shown(source, problem.span, width);
    let labels = problem.labels.iter().map(|label| (shown(source, label.span, width), &*label.text));
    // What stands in another file (a table that the playbook uses) is drawn for itself.
    let (labels, elsewhere): (Vec<(Span, &str)>, Vec<_>) =
        labels.partition(|(span, _)| source.name_at(span.start) == source.name_at(main.start));
    let window = window(source, std::iter::once(main).chain(labels.iter().map(|(span, _)| *span)));
    let inside = |span: Span| span.start - window.start..span.end - window.start;
    let caret = AnnotationKind::Primary.span(inside(main));
    let mut snippet = Snippet::source(without_passwords(source.slice(window)))
        .line_start(source.place(window.start).line)
        .path(source.name_at(main.start))
        .annotation(if problem.caret.is_empty() { caret } else { caret.label(&*problem.caret) });
    for (span, text) in labels {
        snippet = snippet.annotation(AnnotationKind::Context.span(inside(span)).label(text));
    }
    let title = format!("{}[{}]: ", severity(problem.severity), problem.code.id).chars().count();
    let mut group: Group<'_> = level
        .primary_title(wrapped(&problem.message, width.saturating_sub(title)))
        .id(problem.code.id)
        .element(snippet);
    for (span, text) in elsewhere {
        let window = self::window(source, std::iter::once(span));
        let mark = AnnotationKind::Context.span(span.start - window.start..span.end - window.start).label(text);
        group = group.element(
            Snippet::source(without_passwords(source.slice(window)))
                .line_start(source.place(window.start).line)
                .path(source.name_at(span.start))
                .annotation(mark),
        );
    }
    for help in &problem.help {
        // The gutter and `= help: ` stand before it.
        group = group.element(Level::HELP.message(wrapped(help, width.saturating_sub(14))));
    }
    Renderer::styled().term_width(width).render(&[group])
}

/// The password of an address (`postgres://app:PASSWORD@host`) is nobody's business who reads the log of a check: stars in its place, as many as it has
/// bytes, so that carets stay where they are.
fn without_passwords(text: &str) -> Cow<'_, str> {
    let mut shown = Cow::Borrowed(text);
    for (at, mark) in text.match_indices("://") {
        let rest = &text[at + mark.len()..];
        let whole = &rest[..rest.find(|c: char| c.is_whitespace() || "\"'`{}".contains(c)).unwrap_or(rest.len())];
        // A password may hold `/` and `@`: it ends at the last one.
        let Some(user) = whole.rfind('@').map(|end| &whole[..end]) else { continue };
        let Some((name, password)) = user.split_once(':').filter(|(name, _)| !name.contains('/')) else { continue };
        // `host:8443/a@b` has a port and no password.
        if password.split('/').next().is_some_and(|port| password.contains('/') && port.parse::<u16>().is_ok()) {
            continue;
        }
        let from = at + mark.len() + name.len() + 1;
        shown.to_mut().replace_range(from..from + password.len(), &"*".repeat(password.len()));
    }
    shown
}

/// A place with a caret and a word beside it, under a title: no problem, just where something stands.
pub(in crate::report) fn pointed(title: &str, span: Span, why: &str, source: &Source, width: usize) -> String {
    let main = shown(source, span, width);
    let window = window(source, std::iter::once(main));
    let caret = AnnotationKind::Primary.span(main.start - window.start..main.end - window.start);
    let snippet = Snippet::source(without_passwords(source.slice(window)))
        .line_start(source.place(window.start).line)
        .path(source.name_at(main.start))
        .annotation(caret.label(why));
    let group = Level::NOTE.with_name("row").primary_title(wrapped(title, width.saturating_sub(5))).element(snippet);
    Renderer::styled().term_width(width).render(&[group])
}

/// `3 errors and 1 piece of advice in playbooks/register/correct-award.yaml`; nothing when there is no problem.
pub fn summary(problems: &Diagnostics) -> Option<String> {
    let (errors, advice) = (problems.errors(), problems.warnings());
    let mut parts = Vec::new();
    match errors {
        0 => {}
        1 => parts.push("1 error".to_owned()),
        MOST => parts.push(format!("the first {MOST} errors")),
        n => parts.push(format!("{n} errors")),
    }
    match advice {
        0 => {}
        1 => parts.push("1 piece of advice".to_owned()),
        n => parts.push(format!("{n} pieces of advice")),
    }
    (!parts.is_empty()).then(|| format!("{} in {}", parts.join(" and "), problems.source().name()))
}

/// The part of a span that is worth underlining: on character borders, within one line; of a block scalar (`|`) its first
/// line of text; and no more than a line of this width can show, because the renderer never cuts what is underlined.
fn shown(source: &Source, span: Span, width: usize) -> Span {
    let text = source.text();
    let border = |mut at: usize| {
        at = at.min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let (mut start, mut end) = (border(span.start), border(span.end));
    let whole = text.get(start..end).unwrap_or("");
    if whole.starts_with(['|', '>'])
        && let Some(first) = whole.find('\n')
    {
        let indent = whole[first..].find(|c: char| !c.is_whitespace()).unwrap_or(1);
        start += first + indent;
    }
    if let Some(line) = text.get(start..end).and_then(|t| t.find('\n')) {
        end = start + line;
    }
    // The line's number, its bar and the signs of what was left out stand beside it.
    let most = width.saturating_sub(24).max(16);
    if let Some((at, _)) = text.get(start..end).and_then(|t| t.char_indices().nth(most)) {
        end = start + at;
    }
    Span::new(start, end.max(start))
}

/// The whole lines that hold these spans.
fn window(source: &Source, spans: impl Iterator<Item = Span>) -> Span {
    let text = source.text();
    let all = spans.reduce(Span::join).unwrap_or_default();
    let start = text.get(..all.start).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
    let end = text.get(all.end..).and_then(|after| after.find('\n')).map_or(text.len(), |at| all.end + at);
    Span::new(start, end)
}

/// Broken between words so that no line is wider, if a word allows it.
pub(in crate::report) fn wrapped(text: &str, width: usize) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let mut used = 0;
        for word in line.split(' ') {
            let length = word.chars().count();
            if used > 0 && used + 1 + length > width.max(20) {
                out.push('\n');
                used = 0;
            } else if used > 0 {
                out.push(' ');
                used += 1;
            }
            out.push_str(word);
            used += length;
        }
        out.push('\n');
    }
    out.truncate(out.trim_end().len());
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::diagnostic::Code;

    static CODE: Code = Code { id: "E0999", title: "a test", explain: "" };

    fn plain(problem: &Diagnostic, source: &Source) -> String {
        anstream::adapter::strip_str(&drawn(problem, source, 80)).to_string()
    }

    #[test]
    fn a_problem_is_drawn_with_its_line_caret_labels_and_help() {
        let source = Source::new("playbooks/a.yaml", "trueup: v1\nname: ä\nsteps:\n  - row: { onlyif: 1 }\n");
        let at = source.text().find("onlyif").unwrap();
        let first = source.text().find("name").unwrap();
        let problem = Diagnostic::error(&CODE, Span::new(at, at + 6), "row has no key `onlyif`")
            .caret("not a key")
            .label(Span::new(first, first + 4), "the playbook")
            .help("did you mean `only_if`?");
        assert_eq!(
            plain(&problem, &source),
            "error[E0999]: row has no key `onlyif`
 --> playbooks/a.yaml:4:12
  |
2 | name: ä
  | ---- the playbook
3 | steps:
4 |   - row: { onlyif: 1 }
  |            ^^^^^^ not a key
  |
  = help: did you mean `only_if`?"
        );
    }

    #[test]
    fn long_lines_and_long_sentences_stay_within_the_width() {
        let text = format!("a: {}WRONG{}\n", "x".repeat(400), "y".repeat(400));
        let source = Source::new("a.yaml", &*text);
        let at = text.find("WRONG").unwrap();
        let problem = Diagnostic::error(&CODE, Span::new(at, at + 5), "word ".repeat(40).trim())
            .help("say it ".repeat(30).trim());
        // A long map that lacks a key is underlined no further than the line goes.
        let whole = Diagnostic::error(&CODE, Span::new(at, text.len() - 1), "WRONG");
        for problem in [problem, whole] {
            let drawn = plain(&problem, &source);
            assert!(drawn.contains("WRONG"), "{drawn}");
            for line in drawn.lines() {
                assert!(line.chars().count() <= 80, "{} characters: {line}", line.chars().count());
            }
        }
    }

    #[test]
    fn the_password_of_an_address_is_not_drawn() {
        for (text, shown) in [
            ("url: postgres://app:hunter2@db.example/shop", "url: postgres://app:*******@db.example/shop"),
            ("url: \"redis://:p@ss/word@127.0.0.1/0\", a: b@c", "url: \"redis://:*********@127.0.0.1/0\", a: b@c"),
            ("a: mysql://x:y@z b: mysql://x:yy@z", "a: mysql://x:*@z b: mysql://x:**@z"),
            ("base: https://api.example:8443/a@b", "base: https://api.example:8443/a@b"),
            ("base: https://user@api.example # a:b@c", "base: https://user@api.example # a:b@c"),
        ] {
            let source = Source::new("a.yaml", text);
            let drawn = plain(&Diagnostic::error(&CODE, Span::new(0, 3), "no"), &source);
            assert!(drawn.contains(shown), "{drawn}");
        }
    }

    #[test]
    fn a_block_of_text_is_underlined_on_its_first_line_and_odd_spans_do_not_panic() {
        let source = Source::new("a.yaml", "sql: |\n    select 1\n    from t\n");
        let problem = Diagnostic::error(&CODE, Span::new(5, source.text().len()), "no");
        assert!(
            plain(&problem, &source).contains("2 |     select 1\n  |     ^^^^^^^^"),
            "{}",
            plain(&problem, &source)
        );
        for (text, span) in [
            ("", Span::new(0, 1)),
            ("ü", Span::new(1, 9)),
            ("a\n", Span::new(2, 2)),
            ("\u{feff}a\r\nb", Span::new(4, 5)),
            ("\t\u{0}\u{7f}", Span::new(1, 2)),
        ] {
            let source = Source::new("a.yaml", text);
            let problem = Diagnostic::error(&CODE, span, "no");
            assert!(plain(&problem, &source).contains("a.yaml:"), "{text:?}");
        }
    }
}
