//! A request as people read it: method and address, headers, the body indented. Everything is masked already.

use super::{
    columns::shortened,
    line::{Line, Tone},
    page::Page,
    pretty,
};
use crate::base::{counted::counted, json};

/// More lines of a body than this are counted, not shown.
const MOST_LINES: usize = 24;

/// `PATCH https://…`, headers, body.
pub fn text(page: &mut Page, indent: usize, line: &str, headers: &[(String, String)], body: Option<&str>) {
    let (method, address) = line.split_once(' ').unwrap_or(("", line));
    page.hung(indent, indent + 2, Line::of(Tone::Strong, method).plain(" ").plain(address));
    for (name, value) in headers {
        page.hung(indent + 2, indent + 6, Line::of(Tone::Dim, format!("{name}: ")).plain(value));
    }
    let Some(body) = body else { return };
    let body = json::parse(body).map_or_else(|_| body.to_owned(), |tree| pretty::of(&tree));
    let lines: Vec<&str> = body.lines().collect();
    let room = page.width().saturating_sub(indent + 2);
    for line in lines.iter().take(MOST_LINES) {
        let depth = line.len() - line.trim_start().len();
        let text = shortened(line.trim_start(), room.saturating_sub(depth), page.look);
        page.line(indent + 2 + depth, Line::of(Tone::Plain, text).kept());
    }
    if lines.len() > MOST_LINES {
        let more = format!(
            "{} and {} more; `--json` shows all",
            page.look.ellipsis(),
            counted(lines.len() - MOST_LINES, "line")
        );
        page.line(indent + 2, Line::of(Tone::Dim, more));
    }
}
