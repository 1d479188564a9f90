//! Pieces of a picture: each knows its size and the axis on which the flow enters and leaves it.

use crate::report::procedure::escaped;
use unicode_width::UnicodeWidthStr;

/// Pixels of a line of text.
pub const LINE: i32 = 17;
/// Pixels of a character, on average, with some air: fonts differ.
const CHARACTER: i32 = 7;
/// Pixels between two pieces, with the arrow.
pub const GAP: i32 = 26;

/// A piece that can be put somewhere.
#[derive(Clone, Debug, Default)]
pub struct Tile {
    /// Width.
    pub width: i32,
    /// Height.
    pub height: i32,
    /// Where the flow enters at the top and leaves at the bottom.
    pub axis: i32,
    /// The flow does not go on from here.
    pub ends: bool,
    /// What it looks like, from its own upper left corner.
    pub svg: String,
}

impl Tile {
    /// Puts another piece into this one; the size stays.
    pub fn put(&mut self, x: i32, y: i32, other: &Tile) {
        self.svg.push_str(&format!("<g transform=\"translate({x},{y})\">\n{}</g>\n", other.svg));
    }

    /// A line of the flow, with an arrow at its end or without.
    pub fn flow(&mut self, points: &[(i32, i32)], arrow: bool, class: &str) {
        let path: Vec<String> = points.iter().map(|(x, y)| format!("{x},{y}")).collect();
        let end = if arrow { " marker-end=\"url(#arrow)\"" } else { "" };
        self.svg.push_str(&format!("<polyline class=\"{class}\" points=\"{}\"{end}/>\n", path.join(" ")));
    }

    /// Lines of text, the first one at `y`; `anchor` is `start` or `middle`.
    pub fn text(&mut self, x: i32, y: i32, lines: &[String], class: &str, anchor: &str) {
        for (index, line) in (0..).zip(lines) {
            self.svg.push_str(&format!(
                "<text class=\"{class}\" x=\"{x}\" y=\"{}\" text-anchor=\"{anchor}\">{}</text>\n",
                y + index * LINE,
                escaped(line)
            ));
        }
    }

    /// A box with round corners.
    pub fn frame(&mut self, x: i32, y: i32, width: i32, height: i32, round: i32, class: &str) {
        self.svg.push_str(&format!(
            "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"{round}\"/>\n"
        ));
    }
}

/// Pieces below each other, their axes in one line, arrows between them.
pub fn column(tiles: &[Tile]) -> Tile {
    let axis = tiles.iter().map(|tile| tile.axis).max().unwrap_or_default();
    let mut all = Tile { axis, ..Tile::default() };
    let (mut y, mut before): (i32, Option<&Tile>) = (0, None);
    for tile in tiles {
        if let Some(before) = before {
            if !before.ends {
                all.flow(&[(axis, y), (axis, y + GAP)], true, "flow");
            }
            y += GAP;
        }
        let x = axis - tile.axis;
        all.put(x, y, tile);
        all.width = all.width.max(x + tile.width);
        y += tile.height;
        before = Some(tile);
    }
    all.height = y;
    all.ends = before.is_some_and(|last| last.ends);
    all
}

/// Words in lines that fit into so many pixels; a line too many ends with `…`.
pub fn wrapped(text: &str, width: i32, most: usize) -> Vec<String> {
    let room = usize::try_from(width / CHARACTER).unwrap_or(1).max(4);
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace().flat_map(|word| broken(word, room)) {
        match lines.last_mut() {
            Some(line) if line.width() + 1 + word.width() <= room => {
                line.push(' ');
                line.push_str(&word);
            }
            _ => lines.push(word),
        }
    }
    if lines.len() > most {
        lines.truncate(most);
        if let Some(last) = lines.last_mut() {
            while last.width() + 2 > room && last.pop().is_some() {}
            last.push_str(" …");
        }
    }
    lines
}

/// A word without a blank that is wider than a line.
fn broken(word: &str, room: usize) -> Vec<String> {
    let mut parts = vec![String::new()];
    for c in word.chars() {
        if parts.last().is_some_and(|part| part.width() >= room) {
            parts.push(String::new());
        }
        if let Some(part) = parts.last_mut() {
            part.push(c);
        }
    }
    parts
}

/// Pixels that a text takes.
pub fn width_of(text: &str) -> i32 {
    i32::try_from(text.width()).unwrap_or_default() * CHARACTER
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stay_inside_their_box() {
        let lines = wrapped("one two three 0123456789012345678901234567890 four", 100, 9);
        assert_eq!(lines, ["one two three", "01234567890123", "45678901234567", "890 four"]);
        assert_eq!(wrapped("one two three four five six", 60, 2), ["one two", "three …"]);
    }
}
