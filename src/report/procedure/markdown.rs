//! A page as Markdown, for wikis and code hosts.

use super::page::{Block, Entry, Piece, Words};

/// The whole page.
pub fn markdown(page: &[Block]) -> String {
    let mut out = String::new();
    for block in page {
        match block {
            Block::Heading(level, text) => {
                out.push_str(&format!("{} {}\n", "#".repeat(usize::from(*level)), escaped(text)))
            }
            Block::Para(words) => out.push_str(&format!("{}\n", line(words))),
            Block::List(points) => points.iter().for_each(|point| out.push_str(&format!("- {}\n", line(point)))),
            Block::Steps(entries) => steps(entries, 0, &mut out),
            Block::Table(head, rows) => table(head, rows, &mut out),
            Block::Commands(text) => out.push_str(&format!("```sh\n{text}```\n")),
        }
        out.push('\n');
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

fn steps(entries: &[Entry], indent: usize, out: &mut String) {
    let blanks = " ".repeat(indent);
    for (index, entry) in entries.iter().enumerate() {
        let number = format!("{}. ", index + 1);
        out.push_str(&format!("{blanks}{number}{}\n", bold(&entry.title)));
        let deeper = indent + number.len();
        let inside = " ".repeat(deeper);
        entry.notes.iter().for_each(|note| out.push_str(&format!("{inside}- {}\n", line(note))));
        for (heading, inner) in &entry.inner {
            if heading.is_empty() {
                steps(inner, deeper, out);
                continue;
            }
            out.push_str(&format!("{inside}- {}\n", line(heading)));
            steps(inner, deeper + 2, out);
        }
    }
}

fn table(head: &[&str], rows: &[Vec<Words>], out: &mut String) {
    out.push_str(&format!("| {} |\n|{}\n", head.join(" | "), "---|".repeat(head.len())));
    for row in rows {
        let cells: Vec<String> = row.iter().map(|cell| line(cell).replace('|', "\\|")).collect();
        out.push_str(&format!("| {} |\n", cells.join(" | ")));
    }
}

/// A title stands out from the notes below it.
fn bold(words: &Words) -> String {
    let text = line(words);
    // Bold ends at a name in backticks in some readers: only plain titles are set so.
    if text.contains(['`', '*']) { text } else { format!("**{text}**") }
}

fn line(words: &Words) -> String {
    words
        .iter()
        .map(|piece| match piece {
            Piece::Text(text) => escaped(text),
            Piece::Code(text) => code(text),
            Piece::Strong(text) if text.is_empty() => String::new(),
            Piece::Strong(text) => format!("**{}**", escaped(text)),
        })
        .collect()
}

/// Backticks around a text that may hold some itself.
fn code(text: &str) -> String {
    let text = text.replace('\n', " ");
    match text.is_empty() {
        true => String::new(),
        false if text.contains('`') => format!("`` {text} ``"),
        false => format!("`{text}`"),
    }
}

/// Characters that would be read as markup.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '*' | '_' | '<' | '>' | '`' | '[' | ']' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
