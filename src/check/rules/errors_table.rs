//! The `errors:` table: the form of its rows.

use crate::{
    base::diagnostic::{Code, Diagnostic, Diagnostics},
    check::scene::{Scene, calls_api},
    playbook::errors::ErrorRow,
};

/// A row that is not in the right form.
pub static ODD_ROW: Code = Code {
    id: "E0503",
    title: "a row of the errors table that does not fit",
    explain: "A row of `errors:` says when it applies (`step`, `status`, `code`, `kind`; at least one) and what to do (`then:`). The last row may \
        be `{ otherwise: … }`, without conditions, for everything else. `step:` names steps that call an API.",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&ODD_ROW];

/// The row says when it applies.
pub fn has_conditions(row: &ErrorRow) -> bool {
    row.step.is_some() || row.status.is_some() || row.code.is_some() || row.kind.is_some()
}

/// Looks at every row.
pub fn look(scene: &Scene<'_>, problems: &mut Diagnostics) {
    let rows = &scene.playbook.errors;
    for (index, row) in rows.iter().enumerate() {
        let mut odd =
            |message: &str, help: &str| problems.push(Diagnostic::error(&ODD_ROW, row.at, message).help(help));
        match (&row.then, &row.otherwise) {
            (None, None) => odd(
                "a row without `then`",
                "add what to do: `then: stop`, `then: { retry: … }`, `then: { escalate: …, say: … }`",
            ),
            (Some(_), Some(_)) => {
                odd("a row with `then` and `otherwise`", "make two rows of it; `otherwise` is the last one")
            }
            (None, Some(_)) if has_conditions(row) => {
                odd("`otherwise` has no conditions", "write `then:` instead, or take the conditions out")
            }
            (None, Some(_)) if index + 1 < rows.len() => {
                odd("`otherwise` is not the last row", "move it to the end: no row after it is ever looked at")
            }
            (Some(_), None) if !has_conditions(row) => odd(
                "a row without conditions fits every failure",
                "add `status:`, `code:`, `kind:` or `step:`, or write `otherwise:` as the last row",
            ),
            _ => {}
        }
        for word in row.step.iter().flat_map(|steps| &steps.0) {
            let calls: Vec<&str> = scene
                .visits
                .iter()
                .filter(|v| calls_api(v.step))
                .filter_map(|v| v.step.id())
                .collect();
            if calls.contains(&word.as_str()) {
                continue;
            }
            let message = match scene.step(word.as_str()) {
                Some(index) => format!(
                    "`{}` is a step of the kind `{}` and calls no API",
                    word.as_str(),
                    scene.visits[index].step.act.word()
                ),
                None => format!("there is no step `{}`", word.as_str()),
            };
            problems.push(Diagnostic::error(&ODD_ROW, word.span, message).suggest(word.as_str(), calls));
        }
    }
}
