//! The canonical text of a layout.

use super::{
    WIDTH,
    guide::Guide,
    layout::{Layout, Lead, Node, Part, Parts, Scalar},
};

/// Spaces for each level.
const STEP: usize = 2;

pub fn file(layout: &Layout, guide: &Guide<'_>) -> String {
    let mut writer = Writer { out: String::new() };
    let first = layout.head.iter().position(|lead| *lead != Lead::Blank).unwrap_or(layout.head.len());
    writer.lead(&layout.head[first..], 0);
    if let Node::Parts(parts) = &layout.top {
        writer.parts(parts, guide, 0, true);
    }
    let end = writer.out.trim_end().len();
    writer.out.truncate(end);
    writer.out.push('\n');
    writer.out
}

/// A key of the top map with what belongs to it, the lines before it left out.
pub fn part(part: &Part, guide: &Guide<'_>) -> String {
    let mut writer = Writer { out: String::new() };
    writer.part(part, &guide.under(&[&part.name], &part.name), 0);
    writer.out
}

struct Writer {
    out: String,
}

impl Writer {
    fn blank(&mut self) {
        if !self.out.is_empty() && !self.out.ends_with("\n\n") {
            self.out.push('\n');
        }
    }

    fn lead(&mut self, lead: &[Lead], indent: usize) {
        for line in lead {
            match line {
                Lead::Blank => self.blank(),
                Lead::Comment(text) => self.out.push_str(&format!("{}{text}\n", " ".repeat(indent))),
            }
        }
    }

    /// All parts of a map or list. `top`: what opens below its key stands apart.
    fn parts(&mut self, inner: &Parts, guide: &Guide<'_>, indent: usize, top: bool) {
        let keys = names(inner);
        let order = if inner.map { guide.order(&keys) } else { None };
        let moved = order.as_ref().is_some_and(|order| !order.is_sorted());
        let order = order.unwrap_or_else(|| (0..inner.parts.len()).collect());
        for (place, at) in order.iter().enumerate() {
            let Some(part) = inner.parts.get(*at) else { continue };
            let guide = if inner.map { guide.under(&keys, &part.name) } else { guide.item() };
            let apart = top && self.opens(part, &guide, indent);
            if apart && place > 0 {
                self.blank();
            }
            // A blank line belonged to the place that a key was moved away from.
            let bare = part.lead.iter().all(|lead| *lead == Lead::Blank);
            if !bare || place > 0 && !moved {
                self.lead(&part.lead, indent);
            }
            self.part(part, &guide, indent);
        }
        // What stands at the end stays at the end, whichever key comes last.
        inner.parts.iter().for_each(|part| self.lead(&part.foot, indent));
    }

    /// What it holds is written below its key.
    fn opens(&self, part: &Part, guide: &Guide<'_>, indent: usize) -> bool {
        match &part.node {
            Node::Parts(inner) if inner.flow => self.flat(part, inner, guide, indent).is_none() && !kept(inner),
            Node::Parts(_) => true,
            Node::Scalar(_) => false,
        }
    }

    /// One line for a map or list in braces; nothing when it does not fit or has lines of its own.
    fn flat(&self, part: &Part, inner: &Parts, guide: &Guide<'_>, indent: usize) -> Option<String> {
        let text = flow(inner, guide)?;
        let head = part.key.as_ref().map_or(STEP, |key| key.chars().count() + 2);
        (indent + head + text.chars().count() <= WIDTH || inner.parts.is_empty()).then_some(text)
    }

    fn part(&mut self, part: &Part, guide: &Guide<'_>, indent: usize) {
        let head = part.key.as_ref().map_or_else(|| "-".to_owned(), |key| format!("{key}:"));
        let start = self.out.len();
        self.out.push_str(&" ".repeat(indent));
        self.out.push_str(&head);
        match &part.node {
            Node::Scalar(scalar) => self.scalar(scalar, part, indent),
            Node::Parts(inner) => {
                let line = if inner.flow { self.flat(part, inner, guide, indent) } else { None };
                match line {
                    Some(text) => self.line_end(&format!(" {text}"), part),
                    None if inner.flow && kept(inner) => self.kept(inner, part, indent),
                    None if part.key.is_none() => self.item(inner, part, guide, indent, start),
                    None => {
                        self.line_end("", part);
                        self.parts(inner, guide, indent + STEP, false);
                    }
                }
            }
        }
    }

    fn line_end(&mut self, text: &str, part: &Part) {
        self.out.push_str(text);
        if let Some(trail) = &part.trail {
            let line = self.out.rfind('\n').map_or(0, |at| at + 1);
            let width = self.out[line..].chars().count();
            self.out.push_str(&" ".repeat(trail.column.saturating_sub(width).max(1)));
            self.out.push_str(&trail.text);
        }
        self.out.push('\n');
    }

    /// `- key: value`: the first entry stands behind the dash; lines before it go above the dash.
    fn item(&mut self, inner: &Parts, part: &Part, guide: &Guide<'_>, indent: usize, start: usize) {
        self.out.truncate(start);
        if let Some(trail) = &part.trail {
            self.lead(&[Lead::Comment(trail.text.clone())], indent);
        }
        let mut inner = inner.clone();
        let keys: Vec<String> = inner.parts.iter().map(|part| part.name.clone()).collect();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let first = guide.order(&keys).filter(|_| inner.map).and_then(|order| order.first().copied()).unwrap_or(0);
        if let Some(first) = inner.parts.get_mut(first) {
            let lead = std::mem::take(&mut first.lead);
            let lead: Vec<Lead> = lead.into_iter().filter(|lead| *lead != Lead::Blank).collect();
            self.lead(&lead, indent);
        }
        let start = self.out.len();
        self.parts(&inner, guide, indent + STEP, false);
        // The first line begins with the blanks of its own indentation, which all have one byte.
        self.out.replace_range(start + indent..start + indent + STEP, "- ");
    }

    fn scalar(&mut self, scalar: &Scalar, part: &Part, indent: usize) {
        match scalar {
            Scalar::Words(raw) if raw.is_empty() => self.line_end("", part),
            Scalar::Words(raw) => {
                let raw = requoted(raw);
                let mut lines = raw.lines();
                self.out.push_str(&format!(" {}", lines.next().unwrap_or("").trim_end()));
                for line in lines {
                    let line = line.trim();
                    let blanks = if line.is_empty() { 0 } else { indent + STEP };
                    self.out.push_str(&format!("\n{}{line}", " ".repeat(blanks)));
                }
                self.line_end("", part);
            }
            Scalar::Block { header, lines, given } => {
                self.out.push_str(&format!(" {header}\n"));
                let blanks = " ".repeat(indent + given.unwrap_or(STEP));
                for line in lines {
                    self.out.push_str(&if line.is_empty() { "\n".to_owned() } else { format!("{blanks}{line}\n") });
                }
            }
        }
    }

    /// In braces and with comments, or with a text of several lines: only the indentation changes.
    fn kept(&mut self, inner: &Parts, part: &Part, indent: usize) {
        let mut lines = inner.raw.lines();
        self.out.push_str(&format!(" {}", lines.next().unwrap_or("").trim_end()));
        for line in lines {
            let bare = line.trim_start();
            let blanks = (line.len() - bare.len() + indent).saturating_sub(part.column);
            let blanks = if bare.is_empty() { 0 } else { blanks };
            self.out.push_str(&format!("\n{}{}", " ".repeat(blanks), bare.trim_end()));
        }
        self.line_end("", part);
    }
}

fn names(inner: &Parts) -> Vec<&str> {
    inner.parts.iter().map(|part| part.name.as_str()).collect()
}

/// What stands in braces has to stay as it is.
fn kept(inner: &Parts) -> bool {
    inner.commented
        || inner.parts.iter().any(|part| match &part.node {
            Node::Scalar(Scalar::Words(raw)) => raw.contains('\n'),
            Node::Scalar(Scalar::Block { .. }) => true,
            Node::Parts(inner) => kept(inner),
        })
}

/// `{ a: 1, b: [x, y] }`
fn flow(inner: &Parts, guide: &Guide<'_>) -> Option<String> {
    if kept(inner) {
        return None;
    }
    let keys = names(inner);
    let order = if inner.map { guide.order(&keys) } else { None };
    let order = order.unwrap_or_else(|| (0..inner.parts.len()).collect());
    let mut all = Vec::new();
    for part in order.iter().filter_map(|at| inner.parts.get(*at)) {
        let guide = if inner.map { guide.under(&keys, &part.name) } else { guide.item() };
        let value = match &part.node {
            Node::Scalar(Scalar::Words(raw)) if raw.is_empty() => "null".to_owned(),
            Node::Scalar(Scalar::Words(raw)) => requoted(raw),
            Node::Scalar(Scalar::Block { .. }) => return None,
            Node::Parts(inner) => flow(inner, &guide)?,
        };
        all.push(part.key.as_ref().map_or_else(|| value.clone(), |key| format!("{key}: {value}")));
    }
    let all = all.join(", ");
    Some(match (inner.map, all.is_empty()) {
        (true, true) => "{}".to_owned(),
        (true, false) => format!("{{ {all} }}"),
        (false, _) => format!("[{all}]"),
    })
}

/// Double quotes, where the text means the same in them.
fn requoted(raw: &str) -> String {
    match raw.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
        Some(text) if !text.contains(['"', '\\', '\'']) => format!("\"{text}\""),
        _ => raw.to_owned(),
    }
}
