//! T11: mutants of the shipped playbooks. No panic, a position for every problem, the first error names the right place,
//! and quickly. Deterministic: the same mutants in every run.

use super::shipped;
use std::{sync::Arc, time::Instant};
use trueup::{
    base::{
        diagnostic::{Diagnostics, Severity},
        source::Source,
        yaml::{self, Entry, Node, Scalar},
    },
    check::{self, Knowledge},
    playbook::project::Project,
    report::diagnostics,
};

/// How many mutants of all playbooks together.
const MUTANTS: usize = 300;

/// Maps whose keys the author chooses: another key there is another name, not a mistake of form.
const FREE: &[&str] =
    &["params", "vars", "uses", "where", "set", "only_if", "answer", "query", "merge", "key", "create"];

/// One entry of a map, with the key of the map that it stands in.
struct Slot {
    key: Scalar,
    value: Node,
    free: bool,
}

struct Mutant {
    what: String,
    bytes: Vec<u8>,
    /// What the first error must be about: a word in its text, or its line.
    about: Option<(Vec<String>, usize)>,
}

/// A small generator of numbers: the tests must not depend on chance.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n.max(1)
    }
}

fn slots(node: &Node, parent: &str, all: &mut Vec<Slot>) {
    match node {
        Node::Map(entries, _) => {
            for Entry { key, node } in entries {
                all.push(Slot { key: key.clone(), value: node.clone(), free: FREE.contains(&parent) });
                slots(node, &key.text, all);
            }
        }
        Node::List(nodes, _) => nodes.iter().for_each(|node| slots(node, parent, all)),
        _ => {}
    }
}

fn swapped(word: &str) -> Option<String> {
    let mut letters: Vec<char> = word.chars().collect();
    let at = (1..letters.len()).find(|at| letters[*at] != letters[at - 1] && letters[*at].is_alphabetic())?;
    letters.swap(at, at - 1);
    Some(letters.into_iter().collect())
}

fn replaced(text: &str, from: usize, to: usize, with: &str) -> Vec<u8> {
    format!("{}{with}{}", &text[..from], &text[to..]).into_bytes()
}

fn mutant(text: &str, all: &[Slot], dice: &mut Dice) -> Option<Mutant> {
    let slot = &all[dice.below(all.len())];
    let key = &*slot.key.text;
    let (start, end) = (slot.key.span.start, slot.key.span.end);
    let line = text[..start].matches('\n').count() + 1;
    let made = |what: String, bytes: Vec<u8>, about: Option<(Vec<String>, usize)>| Some(Mutant { what, bytes, about });
    let scalar = if let Node::Scalar(value) = &slot.value { Some(value) } else { None };
    match dice.below(10) {
        0..=2 if !slot.free => {
            let typo = swapped(key)?;
            made(
                format!("key {key} -> {typo}"),
                replaced(text, start, end, &typo),
                Some((vec![typo.clone(), key.into()], line)),
            )
        }
        3 if !slot.free => {
            let block =
                text[..start].ends_with([' ', '\n']) && !text[..start].trim_end_matches(' ').ends_with(['{', ',']);
            let indent = text[..start].rsplit('\n').next().unwrap_or("").chars().count();
            let more = if block { format!("bogus: 1\n{}", " ".repeat(indent)) } else { "bogus: 1, ".to_owned() };
            made(format!("bogus before {key}"), replaced(text, start, start, &more), Some((vec!["bogus".into()], line)))
        }
        4 => {
            let value = scalar?;
            let copy = text.get(start..value.span.end).filter(|copy| !copy.contains('\n'))?;
            let flow = text[..start].trim_end_matches(' ').ends_with(['{', ',']);
            let indent = text[..start].rsplit('\n').next().unwrap_or("").chars().count();
            let between = if flow { ", ".to_owned() } else { format!("\n{}", " ".repeat(indent)) };
            made(
                format!("{key} twice"),
                replaced(text, start, start, &format!("{copy}{between}")),
                Some((vec![key.into()], line)),
            )
        }
        5 | 6 if !slot.free => {
            let strict = [
                "name", "title", "version", "owner", "risk", "type", "expect", "who", "api", "table", "id", "question",
                "pattern", "within", "every", "of", "when", "assert", "is",
            ];
            let value = scalar.filter(|_| strict.contains(&key))?;
            let other = ["[1]", "{ a: 1 }", "12.5"][dice.below(3)];
            let mut words = vec![key.to_owned(), value.text.to_string()];
            words.extend(value.text.split_whitespace().map(str::to_owned));
            made(
                format!("{key}: {other}"),
                replaced(text, value.span.start, value.span.end, other),
                Some((words, line)),
            )
        }
        7 => {
            let value = scalar.filter(|_| ["risk", "type", "expect", "ensure", "trueup"].contains(&key))?;
            let typo = swapped(&value.text)?;
            made(
                format!("{key}: {typo}"),
                replaced(text, value.span.start, value.span.end, &typo),
                Some((vec![typo.clone()], line)),
            )
        }
        8 => {
            let required = ["trueup", "name", "version", "title", "steps", "table", "question", "message"];
            let value = scalar.filter(|_| required.contains(&key) && !slot.free)?;
            let rest = text.get(value.span.end..)?;
            let whole = text[..start].ends_with('\n') && rest.starts_with('\n');
            let about = Some((vec![key.to_owned()], line));
            whole.then(|| Mutant {
                what: format!("without {key}"),
                bytes: replaced(text, start, value.span.end + 1, ""),
                about,
            })
        }
        _ => {
            let at = text.char_indices().map(|(at, _)| at).nth(dice.below(text.chars().count()))?;
            let line_start = text[..at].rfind('\n').map_or(0, |n| n + 1);
            let odd_line = text[..at].matches('\n').count() + 1;
            match dice.below(6) {
                0 => made("one blank more".into(), replaced(text, line_start, line_start, " "), None),
                1 => made("a tab".into(), replaced(text, line_start, line_start, "\t"), None),
                2 => made("NUL".into(), replaced(text, at, at, "\0"), Some((vec!["NUL".into()], odd_line))),
                3 => made("CRLF".into(), text.replace('\n', "\r\n").into_bytes(), None),
                4 => made("BOM".into(), format!("\u{feff}{text}").into_bytes(), None),
                _ => {
                    let mut bytes = text.as_bytes().to_vec();
                    bytes.insert(at, 0xe9);
                    made("not UTF-8".into(), bytes, Some((vec!["UTF-8".into()], odd_line)))
                }
            }
        }
    }
}

fn checked(mutant: &Mutant, project: &Arc<Project>) -> Diagnostics {
    match yaml::decode("mutant.yaml", &mutant.bytes) {
        Ok(source) => check::read_and_check(shipped::with_tables(source), project.clone(), &Knowledge::default()).1,
        Err(problems) => *problems,
    }
}

/// Whether the first error is about what was changed; nothing when no error was found.
fn is_right(problems: &Diagnostics, about: &(Vec<String>, usize)) -> Option<bool> {
    let sorted = problems.sorted();
    let first = sorted.iter().find(|problem| problem.severity == Severity::Error)?;
    let line = problems.source().place(first.span.start).line;
    let told = format!("{} {}", first.message, first.help.join(" "));
    Some(
        line == about.1
            || about.0.iter().any(|word| told.contains(&format!("`{word}`")) || word == "NUL" || word == "UTF-8"),
    )
}

#[test]
fn three_hundred_mutants_are_refused_at_the_right_place() {
    let project = shipped::sandbox();
    let playbooks = shipped::playbooks();
    let mut dice = Dice(20_251_122);
    let (mut judged, mut wrong, mut times) = (0, Vec::new(), Vec::new());
    let mut made = 0;
    while made < MUTANTS {
        let (name, text) = &playbooks[made % playbooks.len()];
        let source = Source::new(name, text);
        let tree = yaml::parse(&source, yaml::LIMITS, &mut Diagnostics::new(source.clone())).unwrap();
        let mut all = Vec::new();
        slots(&tree, "", &mut all);
        let Some(mutant) = mutant(text, &all, &mut dice) else { continue };
        made += 1;
        let started = Instant::now();
        let problems = checked(&mutant, &project);
        let drawn = diagnostics::terminal(&problems, 80);
        times.push(started.elapsed());
        for problem in problems.sorted() {
            assert!(problem.span.start <= problems.source().text().len(), "{}: {}", mutant.what, problem.message);
            assert!(drawn.contains(problem.code.id));
        }
        if let Some(about) = &mutant.about {
            judged += 1;
            match is_right(&problems, about) {
                Some(true) => {}
                Some(false) => wrong.push(format!("{name}, {} (line {}):\n{drawn}", mutant.what, about.1)),
                None => wrong.push(format!("{name}, {} (line {}): nothing found", mutant.what, about.1)),
            }
        }
    }
    times.sort_unstable();
    let p99 = times[times.len() * 99 / 100];
    // A debug build on a busy machine is an order of magnitude slower.
    let limit = if cfg!(debug_assertions) { 500 } else { 50 };
    println!("{judged} judged, {} wrong, p99 {p99:?}", wrong.len());
    assert!(judged >= 200, "only {judged} of {MUTANTS} say what is wrong");
    assert!(
        wrong.len() * 20 <= judged,
        "{} of {judged} mutants are told something else:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(p99.as_millis() < limit, "p99 is {p99:?}");
}
