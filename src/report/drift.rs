//! What is no longer as planned, as a table: item, what, column, planned, found.

use super::{
    columns::width,
    line::{Line, Tone},
    page::Page,
    plain_value::maybe,
};
use crate::{
    base::value::Value,
    engine::{state::RunState, trouble::Difference},
};

/// A difference with the item that it belongs to.
pub fn of_run(state: &RunState) -> Vec<(String, Difference)> {
    let items = state.items.iter().flat_map(|(key, item)| item.steps.values().map(move |step| (key, step)));
    items.flat_map(|(key, step)| step.drift().into_iter().map(move |one| (key.to_string(), one))).collect()
}

/// The table. Where it does not fit into the width, each difference stands in a few lines of its own.
pub(super) fn table(page: &mut Page, indent: usize, differences: &[(String, Difference)]) {
    if differences.is_empty() {
        return;
    }
    let many = differences.iter().any(|(item, _)| item != crate::base::identity::SINGLE_ITEM);
    let head: &[&str] =
        if many { &["item", "what", "column", "planned", "found"] } else { &["what", "column", "planned", "found"] };
    let rows: Vec<Vec<&str>> = differences
        .iter()
        .map(|(item, d)| {
            let cells = [item.as_str(), &d.subject, &d.column, &d.planned, &d.found];
            cells[usize::from(!many)..].to_vec()
        })
        .collect();
    let widest = |i: usize| rows.iter().map(|row| width(row[i])).chain([width(head[i])]).max().unwrap_or(0);
    let widths: Vec<usize> = (0..head.len()).map(widest).collect();
    if indent + widths.iter().map(|w| w + 2).sum::<usize>() <= page.width() + 2 {
        line(page, indent, head, &widths, Tone::Dim);
        rows.iter().for_each(|row| line(page, indent, row, &widths, Tone::Plain));
    } else {
        rows.iter().for_each(|row| block(page, indent, head, row));
    }
}

fn line(page: &mut Page, indent: usize, cells: &[&str], widths: &[usize], tone: Tone) {
    let (mut line, mut column) = (Line::default(), 0);
    for (cell, most) in cells.iter().zip(widths) {
        line = line.pad(column, 0).add(tone, *cell);
        column += most + 2;
    }
    page.line(indent, line);
}

/// `register.trainees id 1, state`, and below it what was planned and what is there.
fn block(page: &mut Page, indent: usize, head: &[&str], row: &[&str]) {
    let [rest @ .., planned, found] = row else { return };
    let what: Vec<&str> = rest.iter().copied().filter(|cell| !cell.is_empty()).collect();
    page.hung(indent, indent + 2, Line::of(Tone::Plain, what.join(", ")));
    for (name, cell) in head[head.len() - 2..].iter().zip([planned, found]) {
        page.hung(indent + 2, indent + 11, Line::of(Tone::Dim, *name).pad(9, 2).plain(*cell));
    }
}

/// The same for a document.
pub(super) fn json(differences: &[(String, Difference)]) -> Value {
    Value::list(differences.iter().map(|(item, d)| {
        Value::map([
            ("item", Value::from(item.as_str())),
            ("what", d.subject.as_str().into()),
            ("column", maybe(Some(d.column.as_str()).filter(|c| !c.is_empty()))),
            ("planned", d.planned.as_str().into()),
            ("found", d.found.as_str().into()),
        ])
    }))
}
