//! The flow as Mermaid's text: what code hosts and wikis draw by themselves.

use super::flow::{Exit, Flow, Kind, Part};
use crate::action::ends::Way;
use std::collections::BTreeMap;

/// An arrow that has no end yet: from where, and what is written on it.
type Open = Vec<(String, String)>;

/// The whole text, which begins with `flowchart TD`.
pub fn mermaid(flow: &Flow) -> String {
    let mut writer = Writer { out: String::new(), next: 0, ends: BTreeMap::new(), indent: 1 };
    let begin = flow.each.as_ref().map_or("Start".to_owned(), |each| format!("Start, {each}"));
    writer.line(&format!("start([\"{}\"])", escaped(&begin)));
    let mut open: Open = vec![("start".to_owned(), String::new())];
    for (heading, parts) in &flow.sections {
        let id = writer.id("s");
        writer.begin(&id, heading);
        open = writer.all(parts, open, &mut BTreeMap::new());
        writer.end();
    }
    writer.line("over([\"Done\"])");
    writer.join(&open, "over");
    let ends: Vec<(String, String)> = writer.ends.clone().into_iter().collect();
    for (to, id) in ends {
        writer.line(&format!("{id}[/\"{}\"/]", escaped(&to)));
    }
    format!(
        "---\ntitle: \"{}\"\n---\nflowchart TD\n{}  classDef change stroke-width:3px\n",
        flow.title.replace('\\', "\\\\").replace('"', "\\\""),
        writer.out
    )
}

struct Writer {
    out: String,
    next: usize,
    /// One node for each way out.
    ends: BTreeMap<String, String>,
    indent: usize,
}

impl Writer {
    fn id(&mut self, letter: &str) -> String {
        self.next += 1;
        format!("{letter}{}", self.next)
    }

    fn line(&mut self, text: &str) {
        self.out.push_str(&format!("{}{text}\n", "  ".repeat(self.indent)));
    }

    fn begin(&mut self, id: &str, title: &str) {
        self.line(&format!("subgraph {id}[\"{}\"]", escaped(title)));
        self.indent += 1;
    }

    fn end(&mut self) {
        self.indent -= 1;
        self.line("end");
    }

    fn join(&mut self, open: &Open, to: &str) {
        for (from, text) in open {
            if text.is_empty() {
                self.line(&format!("{from} --> {to}"));
            } else {
                self.line(&format!("{from} -- \"{}\" --> {to}", escaped(text)));
            }
        }
    }

    fn exits(&mut self, from: &str, exits: &[Exit]) {
        for exit in exits.iter().filter(|exit| exit.way != Way::Warn) {
            let to = self.way_out(&exit.to);
            let case = if exit.case.is_empty() { "otherwise" } else { exit.case.as_str() };
            self.line(&format!("{from} -. \"{}\" .-> {to}", escaped(case)));
        }
    }

    fn way_out(&mut self, to: &str) -> String {
        if let Some(id) = self.ends.get(to) {
            return id.clone();
        }
        let id = self.id("e");
        self.ends.insert(to.to_owned(), id.clone());
        id
    }

    /// `uses`: arrows that lead to a way of the decision around, by its name.
    fn all(&mut self, parts: &[Part], open: Open, uses: &mut BTreeMap<String, Open>) -> Open {
        parts.iter().fold(open, |open, part| self.one(part, open, uses))
    }

    fn one(&mut self, part: &Part, open: Open, uses: &mut BTreeMap<String, Open>) -> Open {
        match part {
            Part::Step { kind, text, under, exits } => {
                let id = self.id("n");
                let text = escaped(&with(text, under, exits));
                let shape = match kind {
                    Kind::Check => format!("{id}{{{{\"{text}\"}}}}"),
                    Kind::Question => format!("{id}[\\\"{text}\"\\]"),
                    Kind::Message => format!("{id}>\"{text}\"]"),
                    Kind::Change => format!("{id}[\"{text}\"]:::change"),
                    _ => format!("{id}(\"{text}\")"),
                };
                self.line(&shape);
                self.join(&open, &id);
                self.exits(&id, exits);
                vec![(id, String::new())]
            }
            Part::Group { title, under, parts, rescue, always, recovered, exits } => {
                let id = self.id("g");
                self.begin(&id, &with(title, under, exits));
                let mut open = self.all(parts, open, uses);
                self.end();
                self.exits(&id, exits);
                if !rescue.is_empty() {
                    let first = self.id("g");
                    self.begin(&first, "If one of these fails");
                    let after = self.all(rescue, Open::new(), uses);
                    self.end();
                    self.line(&format!("{id} -. \"fails\" .-> {first}"));
                    if *recovered {
                        open.extend(after);
                    } else if always.is_empty() {
                        let to = self.way_out("fails");
                        self.join(&after, &to);
                    }
                }
                if !always.is_empty() {
                    let last = self.id("g");
                    self.begin(&last, "In the end, whatever happened");
                    open = self.all(always, open, uses);
                    self.end();
                }
                open
            }
            Part::Choice { text, under, exits, ways } => self.choice(&with(text, under, &[]), exits, ways, open),
            Part::Use(way) => {
                uses.entry(way.clone()).or_default().extend(open);
                Open::new()
            }
            Part::End(exit) => {
                let to = self.way_out(&exit.to);
                self.join(&open, &to);
                Open::new()
            }
        }
    }

    fn choice(&mut self, text: &str, exits: &[Exit], ways: &[(String, Vec<String>, Vec<Part>)], open: Open) -> Open {
        let id = self.id("n");
        self.line(&format!("{id}{{\"{}\"}}", escaped(text)));
        self.join(&open, &id);
        self.exits(&id, exits);
        let (mut uses, mut after) = (BTreeMap::new(), Open::new());
        // A way that others go on with has a place of its own where they meet.
        let entries: Vec<(String, String)> = ways.iter().map(|(name, ..)| (name.clone(), self.id("w"))).collect();
        for ((name, rows, parts), (_, entry)) in ways.iter().zip(&entries) {
            self.line(&format!("{entry}((\"{}\"))", escaped(name)));
            for row in rows {
                self.line(&format!("{id} -- \"{}\" --> {entry}", escaped(row)));
            }
            after.extend(self.all(parts, vec![(entry.clone(), String::new())], &mut uses));
        }
        for (way, open) in uses {
            if let Some((_, entry)) = entries.iter().find(|(name, _)| *name == way) {
                self.join(&open, entry);
            }
        }
        after
    }
}

/// The text with what limits it below; a warning is no way out.
fn with(text: &str, under: &[String], exits: &[Exit]) -> String {
    let warns = exits.iter().any(|exit| exit.way == Way::Warn);
    let mut lines = vec![text.to_owned()];
    lines.extend(under.iter().cloned());
    lines.extend(warns.then(|| "otherwise: a warning".to_owned()));
    lines.join("\n")
}

/// Between double quotes in Mermaid's text.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '"' => out.push_str("#quot;"),
            '#' => out.push_str("#35;"),
            '<' => out.push_str("#lt;"),
            '>' => out.push_str("#gt;"),
            '`' => out.push_str("#96;"),
            '\n' => out.push_str("<br>"),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}
