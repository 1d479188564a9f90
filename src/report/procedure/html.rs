//! A page as one HTML file: no scripts, nothing from elsewhere, readable on a telephone, on paper and by a screen reader.

use super::page::{Block, Entry, Piece, Words};

const STYLE: &str = include_str!("page.css");

/// The heading above the picture.
const FLOW: &str = "The flow";

/// The whole page. `picture` is the flow as SVG, put at the end.
pub fn html(page: &[Block], picture: Option<&str>) -> String {
    let title = page
        .iter()
        .find_map(|block| if let Block::Heading(1, text) = block { Some(text.as_str()) } else { None })
        .unwrap_or("Playbook");
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<a class=\"skip\" href=\"#page\">To the page</a>\n",
        escaped(title)
    );
    contents(page, picture.is_some(), &mut out);
    out.push_str("<main id=\"page\">\n");
    page.iter().for_each(|block| one(block, &mut out));
    if let Some(picture) = picture {
        one(&Block::Heading(2, FLOW.to_owned()), &mut out);
        out.push_str(&format!("<figure>\n{picture}</figure>\n"));
    }
    out.push_str("</main>\n</body>\n</html>\n");
    out
}

fn contents(page: &[Block], flow: bool, out: &mut String) {
    let headings: Vec<&str> = page
        .iter()
        .filter_map(|block| if let Block::Heading(2, text) = block { Some(text.as_str()) } else { None })
        .chain(flow.then_some(FLOW))
        .collect();
    if headings.len() < 3 {
        return;
    }
    out.push_str("<nav aria-label=\"Sections\">\n<ul>\n");
    for heading in headings {
        out.push_str(&format!("<li><a href=\"#{}\">{}</a></li>\n", id(heading), escaped(heading)));
    }
    out.push_str("</ul>\n</nav>\n");
}

fn one(block: &Block, out: &mut String) {
    match block {
        Block::Heading(1, text) => out.push_str(&format!("<h1>{}</h1>\n", escaped(text))),
        Block::Heading(level, text) => {
            out.push_str(&format!("<h{level} id=\"{}\">{}</h{level}>\n", id(text), escaped(text)));
        }
        Block::Para(words) => out.push_str(&format!("<p>{}</p>\n", line(words))),
        Block::List(points) => {
            out.push_str("<ul>\n");
            points.iter().for_each(|point| out.push_str(&format!("<li>{}</li>\n", line(point))));
            out.push_str("</ul>\n");
        }
        Block::Steps(entries) => steps(entries, out),
        Block::Table(head, rows) => table(head, rows, out),
        Block::Commands(text) => out.push_str(&format!("<pre><code>{}</code></pre>\n", escaped(text))),
    }
}

fn steps(entries: &[Entry], out: &mut String) {
    out.push_str("<ol>\n");
    for entry in entries {
        out.push_str(&format!("<li><p class=\"title\">{}</p>\n", line(&entry.title)));
        for note in &entry.notes {
            out.push_str(&format!("<p>{}</p>\n", line(note)));
        }
        for (heading, inner) in &entry.inner {
            if !heading.is_empty() {
                out.push_str(&format!("<p class=\"part\">{}</p>\n", line(heading)));
            }
            if !inner.is_empty() {
                steps(inner, out);
            }
        }
        out.push_str("</li>\n");
    }
    out.push_str("</ol>\n");
}

/// On a narrow screen each row becomes a card: the cells carry their heads.
fn table(head: &[&str], rows: &[Vec<Words>], out: &mut String) {
    out.push_str("<table>\n<thead><tr>");
    head.iter().for_each(|text| out.push_str(&format!("<th scope=\"col\">{}</th>", escaped(text))));
    out.push_str("</tr></thead>\n<tbody>\n");
    for row in rows {
        out.push_str("<tr>");
        for (head, cell) in head.iter().zip(row) {
            out.push_str(&format!("<td data-head=\"{}\">{}</td>", escaped(head), line(cell)));
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody>\n</table>\n");
}

fn line(words: &Words) -> String {
    words
        .iter()
        .map(|piece| match piece {
            Piece::Text(text) => escaped(text),
            Piece::Code(text) if text.is_empty() => String::new(),
            Piece::Code(text) => format!("<code>{}</code>", escaped(text)),
            Piece::Strong(text) if text.is_empty() => String::new(),
            Piece::Strong(text) => format!("<strong>{}</strong>", escaped(text)),
        })
        .collect()
}

fn id(heading: &str) -> String {
    heading.to_lowercase().replace(' ', "-")
}

/// Text in HTML, also between quotes.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // Nothing but text comes through: no other control characters.
            c if c.is_control() && c != '\n' => {}
            c => out.push(c),
        }
    }
    out
}
