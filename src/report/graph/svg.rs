//! The flow drawn: a column of boxes from top to bottom, ways out to the right, the ways of a decision beside each other.

use super::{
    flow::{Exit, Flow, Kind, Part},
    tile::{GAP, LINE, Tile, column, width_of, wrapped},
};
use crate::{action::ends::Way, report::procedure::escaped};

const STYLE: &str = include_str!("picture.css");
/// Width of a step.
const BOX: i32 = 280;
/// Width of a way out.
const OUT: i32 = 190;
/// Between a step and its ways out.
const REACH: i32 = 48;
/// Inside a frame.
const PAD: i32 = 14;

/// The whole picture, one element that needs nothing else.
pub fn svg(flow: &Flow) -> String {
    let begin = flow.each.as_ref().map_or("Start".to_owned(), |each| format!("Start, {each}"));
    let mut tiles = vec![pill(&begin)];
    tiles.extend(flow.sections.iter().map(|(heading, parts)| {
        let heading = Tile { width: 0, ..Tile::default() }.titled(heading);
        framed(&heading, &[inner(parts)], "section")
    }));
    tiles.push(pill("Done"));
    let all = column(&tiles);
    let (width, height) = (all.width + 2 * PAD, all.height + 2 * PAD);
    let about = "The steps from top to bottom; where a check fails, an arrow leads to the right.";
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" role=\"img\" aria-labelledby=\"flow-title flow-about\">\n<title id=\"flow-title\">Flow: {}</title>\n<desc id=\"flow-about\">{about}</desc>\n<style>\n{STYLE}</style>\n<defs><marker id=\"arrow\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" orient=\"auto\"><path class=\"tip\" d=\"M0,0 L8,4 L0,8 z\"/></marker></defs>\n<rect class=\"paper\" width=\"{width}\" height=\"{height}\"/>\n<g transform=\"translate({PAD},{PAD})\">\n{}</g>\n</svg>\n",
        escaped(&flow.title),
        all.svg
    )
}

impl Tile {
    /// Lines at the top of a frame.
    fn titled(mut self, title: &str) -> Tile {
        let lines = wrapped(title, BOX + OUT, 3);
        self.text(0, LINE - 4, &lines, "heading", "start");
        self.height = LINE * i32::try_from(lines.len()).unwrap_or(1);
        // Headings are bold: a sixth wider than what is reckoned.
        self.width = lines.iter().map(|line| width_of(line)).max().unwrap_or_default() * 7 / 6;
        self
    }
}

fn inner(parts: &[Part]) -> Tile {
    let tiles: Vec<Tile> = parts.iter().map(one).collect();
    column(&tiles)
}

fn pill(text: &str) -> Tile {
    let width = width_of(text) + 40;
    let mut tile = Tile { width, height: 30, axis: width / 2, ..Tile::default() };
    tile.frame(0, 0, width, 30, 15, "end");
    tile.text(width / 2, 20, &[text.to_owned()], "words", "middle");
    tile
}

fn one(part: &Part) -> Tile {
    match part {
        Part::Step { kind, text, under, exits } => step(*kind, text, under, exits),
        Part::Group { title, under, parts, rescue, always, exits, .. } => {
            group(title, under, parts, rescue, always, exits)
        }
        Part::Choice { text, under, exits, ways } => choice(text, under, exits, ways),
        Part::Use(way) => {
            let mut tile = out(&format!("goes on with \u{201c}{way}\u{201d}"), "exit");
            (tile.axis, tile.ends) = (tile.width / 2, true);
            tile
        }
        Part::End(exit) => {
            let mut tile = out(&exit.to, class(exit.way));
            (tile.axis, tile.ends) = (tile.width / 2, true);
            tile
        }
    }
}

fn step(kind: Kind, text: &str, under: &[String], exits: &[Exit]) -> Tile {
    let lines = wrapped(text, BOX - 24, 5);
    let small: Vec<String> = under.iter().flat_map(|text| wrapped(text, BOX - 24, 3)).collect();
    let count = i32::try_from(1 + lines.len() + small.len()).unwrap_or(2);
    let height = count * LINE + 14;
    let mut tile = Tile { width: BOX, height, axis: BOX / 2, ..Tile::default() };
    tile.frame(0, 0, BOX, height, 5, kind.word());
    tile.text(12, 18, &[kind.word().to_owned()], "kind", "start");
    tile.text(12, 18 + LINE, &lines, "words", "start");
    tile.text(12, 18 + LINE * i32::try_from(1 + lines.len()).unwrap_or(1), &small, "under", "start");
    leave(&mut tile, BOX, exits);
    tile
}

/// Ways out, to the right of what is `width` wide.
fn leave(tile: &mut Tile, width: i32, exits: &[Exit]) {
    let mut y = 0;
    for exit in exits {
        let word = if exit.case.is_empty() { exit.to.clone() } else { format!("{}: {}", exit.case, exit.to) };
        let target = out(&word, class(exit.way));
        let middle = y + target.height / 2;
        tile.flow(&[(width, middle), (width + REACH, middle)], true, "aside");
        tile.put(width + REACH, y, &target);
        y += target.height + 8;
    }
    if !exits.is_empty() {
        tile.width = tile.width.max(width + REACH + OUT);
        // What has more ways out than it is high gets a rail, so that every arrow begins at it.
        if y - 8 > tile.height {
            tile.flow(&[(width, tile.height), (width, y - 8)], false, "aside");
            tile.height = y - 8;
            tile.flow(
                &[(tile.axis, tile.height - (y - 8 - tile.height).max(0)), (tile.axis, tile.height)],
                false,
                "flow",
            );
        }
    }
}

fn out(text: &str, class: &str) -> Tile {
    let lines = wrapped(text, OUT - 24, 4);
    let height = i32::try_from(lines.len()).unwrap_or(1) * LINE + 14;
    let mut tile = Tile { width: OUT, height, axis: 0, ..Tile::default() };
    tile.frame(0, 0, OUT, height, 14, class);
    tile.text(12, 20, &lines, "words", "start");
    tile
}

fn class(way: Way) -> &'static str {
    match way {
        Way::Stop | Way::Skip => "exit",
        Way::Done => "exit good",
        Way::Warn => "exit warn",
        Way::Fail => "exit bad",
        Way::Escalate => "exit person",
    }
}

/// Pieces in a frame, a heading above them.
fn framed(heading: &Tile, tiles: &[Tile], class: &str) -> Tile {
    let body = column(tiles);
    let width = (body.width + 2 * PAD).max(heading.width + 2 * PAD);
    let top = heading.height + PAD + 8;
    let height = top + body.height + PAD;
    let mut tile = Tile { width, height, axis: body.axis + PAD, ends: body.ends, ..Tile::default() };
    tile.frame(0, 0, width, height, 6, class);
    tile.put(PAD, 8, heading);
    tile.put(PAD, top, &body);
    // The flow goes through the border, beside the heading where that is in the way.
    let from = if heading.width + PAD + 6 > tile.axis { heading.height + 12 } else { 0 };
    tile.flow(&[(tile.axis, from), (tile.axis, top)], true, "flow");
    if !body.ends {
        tile.flow(&[(tile.axis, height - PAD), (tile.axis, height)], false, "flow");
    }
    tile
}

fn group(title: &str, under: &[String], parts: &[Part], rescue: &[Part], always: &[Part], exits: &[Exit]) -> Tile {
    let heading = [&[title.to_owned()], under].concat().join(", ");
    let mut tiles = vec![inner(parts)];
    for (word, parts) in [("If one of these fails", rescue), ("In the end, whatever happened", always)] {
        if !parts.is_empty() {
            tiles.push(framed(&Tile::default().titled(word), &[inner(parts)], "aside-frame"));
        }
    }
    let mut tile = framed(&Tile::default().titled(&heading), &tiles, "group");
    let width = tile.width;
    leave(&mut tile, width, exits);
    tile
}

fn choice(text: &str, under: &[String], exits: &[Exit], ways: &[(String, Vec<String>, Vec<Part>)]) -> Tile {
    let question = step_of_choice(text, under, exits);
    let arms: Vec<Tile> = ways
        .iter()
        .map(|(name, rows, parts)| {
            let words = if rows.is_empty() { name.clone() } else { rows.join(", or ") };
            let heading = Tile::default().titled(&words);
            if parts.is_empty() { framed(&heading, &[], "way") } else { framed(&heading, &[inner(parts)], "way") }
        })
        .collect();
    if arms.is_empty() {
        return question;
    }
    let space = 24;
    let row: i32 = arms.iter().map(|arm| arm.width + space).sum::<i32>() - space;
    let axis = question.axis.max(row / 2);
    let (left, shift) = (axis - question.axis, (axis - row / 2).max(0));
    let top = question.height + GAP;
    let tall = arms.iter().map(|arm| arm.height).max().unwrap_or_default();
    let bottom = top + GAP + tall + GAP;
    let width = (left + question.width).max(shift + row);
    let mut tile = Tile { width, height: bottom, axis, ..Tile::default() };
    tile.put(left, 0, &question);
    tile.flow(&[(axis, question.height), (axis, top)], false, "flow");
    let (mut x, mut goes_on) = (shift, false);
    for arm in &arms {
        let at = x + arm.axis.max(1);
        tile.flow(&[(axis, top), (at, top), (at, top + GAP)], true, "flow");
        tile.put(x, top + GAP, arm);
        if !arm.ends {
            goes_on = true;
            tile.flow(&[(at, top + GAP + arm.height), (at, bottom - GAP / 2), (axis, bottom - GAP / 2)], false, "flow");
        }
        x += arm.width + space;
    }
    if goes_on {
        tile.flow(&[(axis, bottom - GAP / 2), (axis, bottom)], false, "flow");
    }
    tile.ends = !goes_on;
    tile
}

fn step_of_choice(text: &str, under: &[String], exits: &[Exit]) -> Tile {
    let mut tile = step(Kind::Check, text, under, exits);
    tile.svg = tile.svg.replacen(">check<", ">decision<", 1);
    tile
}
