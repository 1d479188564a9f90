//! Changes of several rows say how many.

use crate::{
    action::kinds::Act,
    base::diagnostic::{Code, Diagnostic, Diagnostics},
    check::scene::Scene,
    read::expect::Touches,
};

/// No bound.
pub static NO_BOUND: Code = Code {
    id: "E0311",
    title: "a change without a bound on its rows",
    explain: "`rows` and `sql` say with `touches:` how many rows they may change: `1`, or a range such as `0..50`. With any other number the \
        transaction is rolled back and the item stops. A condition that is a little too wide is the most expensive mistake in a \
        support procedure, and this is what catches it.",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&NO_BOUND];

/// Looks at every `rows` and `sql` step.
pub fn look(scene: &Scene<'_>, problems: &mut Diagnostics) {
    for visit in &scene.visits {
        let touches = match &visit.step.act {
            Act::Rows(rows) => rows.touches,
            Act::Sql(sql) => sql.touches,
            _ => continue,
        };
        let word = visit.step.act.word();
        match touches {
            None => problems.push(
                Diagnostic::error(
                    &NO_BOUND,
                    visit.step.act_at,
                    format!("`{word}` without `touches`: how many rows may it change?"),
                )
                .help("add `touches: 1`, or a range such as `touches: 0..50`"),
            ),
            Some(Touches { most: 0, .. }) => problems.push(
                Diagnostic::error(&NO_BOUND, visit.step.act_at, format!("`{word}` that may change no row at all"))
                    .help("write how many rows it may change, such as `touches: 0..50`"),
            ),
            Some(_) => {}
        }
    }
}
