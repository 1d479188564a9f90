//! The page of a playbook, section by section.

use super::{
    deed::{deed, label, plain, prose, way},
    page::{Block, Entry, Piece, Say, Words, paragraphs, text},
    trouble::trouble,
    undone::undone,
};
use crate::{
    action::{choose::Choice, kinds::Act, step::Step},
    base::{counted::counted, shape::Word},
    check::Checked,
    playbook::{
        model::{Playbook, Risk},
        params::Param,
    },
    targets::{
        comparing::{Comparing, Difference},
        model::{From, Source},
    },
};
use std::collections::BTreeMap;

/// The whole page.
pub fn page(checked: &Checked) -> Vec<Block> {
    let playbook = checked.playbook();
    let mut page = vec![Block::Heading(1, playbook.title.as_str().to_owned()), Block::Para(head(checked))];
    if let Some(description) = &playbook.description {
        page.extend(paragraphs(description.as_str()));
    }
    section(&mut page, "What you need", needs(checked));
    section(&mut page, "Which records", targets(playbook));
    section(&mut page, "What is checked first", steps(&playbook.preconditions, checked));
    section(&mut page, "What is changed", changes(checked));
    section(&mut page, "Step by step", steps(&playbook.steps, checked));
    section(&mut page, "How you see that it worked", steps(&playbook.verification, checked));
    section(&mut page, "Afterwards", steps(&playbook.afterwards, checked));
    section(&mut page, "Who is asked and told", people(checked));
    section(&mut page, "What can go wrong", trouble(checked));
    section(&mut page, "How it is taken back", undone(checked));
    section(&mut page, "How it is run", commands(playbook));
    page
}

fn section(page: &mut Vec<Block>, heading: &str, blocks: Vec<Block>) {
    if !blocks.is_empty() {
        page.push(Block::Heading(2, heading.to_owned()));
        page.extend(blocks);
    }
}

fn head(checked: &Checked) -> Words {
    let playbook = checked.playbook();
    let mut words = Words::new().code(playbook.name.as_str()).say(format!(", version {}. ", playbook.version));
    words = match &playbook.owner {
        Some(owner) => words.say("Looked after by ").strong(owner.as_str()).say(". "),
        None => words.say("Nobody is named who looks after it. "),
    };
    let (risk, harm) = match playbook.risk() {
        Risk::Low => ("low", "a mistake is a nuisance"),
        Risk::Medium => ("medium", "a mistake costs somebody time"),
        Risk::High => ("high", "a mistake harms people"),
    };
    words = words.say("Risk ").strong(risk).say(format!(": {harm}."));
    for (name, environment) in checked.project().environments.iter() {
        let need = environment.approvals.as_ref().map_or(0, |approvals| approvals.need(playbook.risk()));
        let people = match need {
            0 => continue,
            1 => "one other person has to agree".to_owned(),
            n => format!("{n} other people have to agree"),
        };
        words = words.say(" In ").code(name).say(format!(" {people}."));
    }
    words
}

fn needs(checked: &Checked) -> Vec<Block> {
    let params = &checked.playbook().params;
    if params.entries.is_empty() {
        return Vec::new();
    }
    let rows = params.iter().map(|(name, param)| {
        let about = param.description.as_ref().map_or_else(Words::new, |text| prose(text.as_str().trim()));
        let example = param.example.as_ref().or(param.examples.first());
        let example = example.map_or_else(Words::new, |value| Words::new().code(value.bare().into_owned()));
        vec![Words::new().code(name), about, example, rules(param, checked)]
    });
    vec![Block::Table(vec!["parameter", "what it is", "for example", "rules"], rows.collect())]
}

fn rules(param: &Param, checked: &Checked) -> Words {
    let words = param.words(checked.project());
    let mut out = if words.is_empty() {
        let of = param.of.as_ref().map_or(String::new(), |of| format!(" of {}", of.as_str()));
        text(format!("{}{of}", kind(param.kind.as_str())))
    } else {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        text("one of ").codes(&words)
    };
    if let Some(pattern) = &param.pattern {
        out = out.say(", like ").code(pattern.as_str());
    }
    for (bound, what) in [(&param.min, "at least"), (&param.max, "at most")] {
        if let Some(bound) = bound {
            out = out.say(format!(", {what} ")).code(bound.bare().into_owned());
        }
    }
    match (param.min_length, param.max_length) {
        (Some(least), Some(most)) => out = out.say(format!(", {least} to {most} characters")),
        (Some(least), None) => out = out.say(format!(", at least {}", counted(least as usize, "character"))),
        (None, Some(most)) => out = out.say(format!(", at most {}", counted(most as usize, "character"))),
        (None, None) => {}
    }
    match &param.default {
        Some(value) if value.is_null() => out = out.say("; may be left out"),
        Some(value) => out = out.say("; without it ").code(value.bare().into_owned()),
        None => {}
    }
    if param.personal == Some(true) {
        out = out.say("; personal: masked everywhere");
    }
    if param.secret == Some(true) {
        out = out.say("; secret: never shown or kept");
    }
    out
}

fn kind(word: &str) -> &str {
    match word {
        "string" => "text",
        "int" => "whole number",
        "bool" => "true or false",
        other => other,
    }
}

fn targets(playbook: &Playbook) -> Vec<Block> {
    let Some(targets) = &playbook.targets else { return Vec::new() };
    let mut words = match &targets.from.source {
        Source::Compare(comparing) => compared(comparing),
        _ => every(&targets.from),
    };
    if let Some(group) = &targets.group_by {
        words = words.say(", rows with the same ").code(group.key.as_str()).say(" as one");
    }
    words = words.say(", each for itself: one that stops or fails does not hold up the others.");
    let mut blocks = vec![Block::Para(words)];
    let checks = targets.check.iter().filter_map(|check| check.otherwise.as_ref()?.say.as_ref());
    let checks: Vec<Words> = checks.map(|say| prose(say.scalar().text.trim())).collect();
    if !checks.is_empty() {
        blocks.push(Block::Para(text("Before the first one, all are looked at. Nothing is done when:")));
        blocks.push(Block::List(checks));
    }
    blocks
}

/// The rows of one source.
fn every(from: &From) -> Words {
    match &from.source {
        Source::Find(find) => text("Every row of ").code(find.table.as_str()).say(" that fits"),
        Source::Query(query) => text("Every row that a query of ").code(query.db.as_str()).say(" gives"),
        Source::Csv(csv) => text("Every line of the file ").code(plain_text(&csv.csv)),
        Source::List(list) => text("Every element of ").code(plain(list)),
        Source::Http(call) => text("Every entry of a list of ").code(call.api.as_str()),
        Source::Compare(_) => text("Every difference"),
    }
}

/// What two sources do not have in common.
fn compared(comparing: &Comparing) -> Words {
    let [left, right] = comparing.names();
    let place = |from: &From| match &from.source {
        Source::Find(find) => text("the rows of ").code(find.table.as_str()).say(" that fit"),
        Source::Query(query) => text("the rows that a query of ").code(query.db.as_str()).say(" gives"),
        Source::Csv(csv) => text("the lines of the file ").code(plain_text(&csv.csv)),
        Source::List(list) => text("the elements of ").code(plain(list)),
        Source::Http(call) => text("the entries of a list of ").code(call.api.as_str()),
        Source::Compare(_) => text("the differences"),
    };
    let [(_, one), (_, other)] = comparing.sides();
    let mut kinds = Vec::new();
    if comparing.wants(Difference::OnlyLeft) {
        kinds.push(format!("only in {left}"));
    }
    if comparing.wants(Difference::OnlyRight) {
        kinds.push(format!("only in {right}"));
    }
    if comparing.wants(Difference::Different) && !comparing.fields.is_empty() {
        let names: Vec<&str> = comparing.fields.iter().map(|field| field.name.as_str()).collect();
        kinds.push(format!("in both, with another {}", names.join(", ")));
    }
    let key = comparing.key.left.names().collect::<Vec<_>>().join(", ");
    let words = text("Every record in which two lists disagree: ").and(place(one)).say(format!(" ({left}) and "));
    words.and(place(other)).say(format!(" ({right}), found by ")).code(&key).say(format!(": {}", kinds.join("; ")))
}

fn plain_text(text: &crate::template::Text) -> String {
    text.scalar().text.trim().trim_start_matches("{{").trim_end_matches("}}").trim().to_owned()
}

fn steps(steps: &[Step], checked: &Checked) -> Vec<Block> {
    if steps.is_empty() {
        return Vec::new();
    }
    vec![Block::Steps(steps.iter().map(|step| entry(step, checked)).collect())]
}

fn entry(step: &Step, checked: &Checked) -> Entry {
    let common = &step.common;
    let mut entry = Entry { title: label(step, checked), ..Entry::default() };
    if common.title.is_some() && !matches!(step.act, Act::Let(_)) {
        entry.notes.push(ended(deed(step, checked)));
    }
    if let Some(when) = &common.when {
        entry.notes.push(text("Only if ").code(when.scalar().text.trim()).say("."));
    }
    if let Some(each) = &common.for_each {
        entry.notes.push(text("Once for each ").code(each.name.as_str()).say(" in ").code(plain(&each.list)).say(
            match each.bound() {
                1 => ", at most once.".to_owned(),
                bound => format!(", at most {bound} times."),
            },
        ));
    }
    match &step.act {
        Act::Ask(ask) => {
            for (name, field) in ask.answer.iter() {
                let about =
                    field.description.as_ref().map_or(String::new(), |text| format!(": {}", text.as_str().trim()));
                entry.notes.push(text("The answer has ").code(name).say(format!("{about}.")));
            }
        }
        Act::Tell(tell) => {
            entry.notes.push(text("\u{201c}").and(prose(tell.message.scalar().text.trim())).say("\u{201d}"))
        }
        _ => {}
    }
    if let Some(is) = &common.is {
        let until = match (common.within, common.every) {
            (Some(within), Some(every)) => format!(", within {within}, looked at every {every}"),
            _ => String::new(),
        };
        entry.notes.push(text("Must hold: ").code(is.scalar().text.trim()).say(format!("{until}.")));
    }
    if let Some(otherwise) = &common.otherwise {
        entry.notes.push(text("Otherwise it ").and(way(otherwise)));
    }
    entry.inner = inner(step, checked);
    entry
}

/// With a full stop, unless the author has set an end already.
fn ended(words: Words) -> Words {
    match words.last() {
        Some(Piece::Text(text)) if text.trim_end().ends_with(['.', '?', '!', ':']) => words,
        _ => words.say("."),
    }
}

fn inner(step: &Step, checked: &Checked) -> Vec<(Words, Vec<Entry>)> {
    let entries = |steps: &[Step]| steps.iter().map(|step| entry(step, checked)).collect::<Vec<_>>();
    let mut all = Vec::new();
    match &step.act {
        Act::Block(block) => {
            all.push((Words::new(), entries(&block.steps)));
            if !block.rescue.is_empty() {
                all.push((text("If one of these fails:"), entries(&block.rescue)));
            }
            if !block.always.is_empty() {
                all.push((text("In the end, whatever happened:"), entries(&block.always)));
            }
        }
        Act::Choose(choose) => {
            for (name, choice) in choose.choices() {
                let case = if name == crate::action::choose::OTHERWISE { "In every other case" } else { name };
                let words = text(case.to_owned()).say(": ");
                all.push(match choice {
                    Choice::End(end, _) => (words.say("it ").and(way(end)), Vec::new()),
                    Choice::Arm(arm) => (words.code(arm.as_str()), Vec::new()),
                });
            }
            for (name, steps) in choose.paths.iter() {
                all.push((text("The way ").code(name).say(":"), entries(steps)));
            }
        }
        _ => {}
    }
    all
}

/// One row for each table and API that is written, and one line of what is only read.
fn changes(checked: &Checked) -> Vec<Block> {
    let mut written: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut read: Vec<String> = Vec::new();
    for (name, uses) in checked.playbook().uses.iter() {
        let full = |word: &Word| format!("{name}.{}", word.as_str());
        for table in uses.write.iter().map(full) {
            written.entry(table).or_default();
        }
        let calls = uses.methods.iter().filter(|word| !matches!(word.as_str(), "GET" | "HEAD"));
        let calls: Vec<String> = calls.map(|word| word.as_str().to_owned()).collect();
        let only_reads = calls.is_empty() && !uses.methods.is_empty();
        if !calls.is_empty() {
            written.insert(name.to_owned(), vec![format!("calls: {}", calls.join(", "))]);
        }
        read.extend(
            uses.read.iter().filter(|table| !uses.write.iter().any(|w| w.as_str() == table.as_str())).map(full),
        );
        read.extend(only_reads.then(|| name.to_owned()));
        let commands: Vec<&str> = uses.commands.iter().map(Word::as_str).collect();
        if !commands.is_empty() {
            written.insert(name.to_owned(), vec![format!("commands: {}", commands.join(", "))]);
        }
    }
    for (_, list) in checked.playbook().sections() {
        list.iter().for_each(|step| step.each(&mut |step| by_step(step, checked, &mut written)));
    }
    let mut blocks = Vec::new();
    if written.is_empty() {
        blocks.push(Block::Para(text("Nothing is changed.")));
    } else {
        let rows = written.into_iter().map(|(what, how)| vec![Words::new().code(what), text(how.join("; "))]);
        blocks.push(Block::Table(vec!["where", "what"], rows.collect()));
    }
    if !read.is_empty() {
        blocks.push(Block::Para(text("Only looked at: ").codes(&read).say(".")));
    }
    blocks
}

fn by_step(step: &Step, checked: &Checked, written: &mut BTreeMap<String, Vec<String>>) {
    let Some(facts) = checked.facts(step).filter(|facts| facts.writes) else { return };
    for (index, table) in facts.tables_written.iter().enumerate() {
        let how = match (&step.act, index) {
            // The first is the changed one, the others are those of its audit rule.
            (Act::Row(_) | Act::Rows(_), 1..) => "the application's own audit row".to_owned(),
            (Act::Row(row), _) if row.ensure.is_some() => "a row is deleted".to_owned(),
            (Act::Rows(rows), _) if rows.ensure.is_some() => "rows are deleted".to_owned(),
            (Act::Row(row), _) => columns(row.set.names(), row.clear.as_ref()),
            (Act::Rows(rows), _) => columns(rows.set.names(), rows.clear.as_ref()),
            (Act::Sql(_), _) => "by a statement of its own".to_owned(),
            (Act::Job(_), _) => "background jobs".to_owned(),
            _ => "its state".to_owned(),
        };
        let known = written.entry(table.to_string()).or_default();
        if !known.contains(&how) {
            known.push(how);
        }
    }
}

fn columns<'a>(set: impl Iterator<Item = &'a str>, clear: Option<&crate::template::Datum>) -> String {
    let all = set.map(str::to_owned).chain(clear.into_iter().flat_map(super::deed::columns));
    all.collect::<Vec<_>>().join(", ")
}

fn people(checked: &Checked) -> Vec<Block> {
    let mut rows: Vec<Vec<Words>> = Vec::new();
    for (section, list) in checked.playbook().sections() {
        let when = match section {
            "preconditions" => "before anything is changed",
            "verification" => "when it is checked",
            "afterwards" => "afterwards",
            _ => "on the way",
        };
        for step in list {
            step.each(&mut |step| {
                let row = match &step.act {
                    Act::Ask(ask) => {
                        Some((ask.who.as_str(), text("is asked: ").and(prose(ask.question.scalar().text.trim()))))
                    }
                    Act::Tell(tell) => {
                        Some((tell.who.as_str(), text("is told: ").and(prose(tell.message.scalar().text.trim()))))
                    }
                    _ => None,
                };
                if let Some((who, what)) = row {
                    rows.push(vec![Words::new().strong(who), text(when), what]);
                }
            });
        }
    }
    if rows.is_empty() {
        return Vec::new();
    }
    vec![Block::Table(vec!["who", "when", "what"], rows)]
}

fn commands(playbook: &Playbook) -> Vec<Block> {
    let name = playbook.name.as_str();
    let mut words = format!("trueup plan {name}");
    for (param, about) in playbook.params.iter() {
        let example = about.example.as_ref().or(about.examples.first());
        let value = match example {
            Some(value) => value.bare().into_owned(),
            None if about.default.is_some() => continue,
            None => param.to_uppercase(),
        };
        let quoted =
            if value.contains([' ', '$', '\'', '&', ';', '|', '(', '*']) { format!("\"{value}\"") } else { value };
        words.push_str(&format!(" {param}={quoted}"));
    }
    let apply = words.replacen("trueup plan", "trueup apply", 1);
    let lines = format!("{words}\n{apply} --reason \"why, with the ticket's number\"\n");
    let mut blocks = vec![
        Block::Para(text(
            "The first command shows what would happen and changes nothing. The second shows it again, asks, and does it.",
        )),
        Block::Commands(lines),
    ];
    if playbook.limits.as_ref().is_some_and(|limits| limits.one_at_a_time.is_some()) {
        let words = "One at a time: while a run for the same is not over, the next one is refused, whoever begins it. ";
        blocks.push(Block::Para(text(words).code("trueup runs --open").say(" names it.")));
    }
    blocks
}
