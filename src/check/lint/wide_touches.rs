//! Bounds that hold nothing back.

use super::Around;
use crate::{
    action::kinds::Act,
    base::diagnostic::{Code, Diagnostic, Diagnostics},
    check::scene::Scene,
    read::expect::Touches,
};

/// Too many.
pub static WIDE: Code = Code {
    id: "W0054",
    title: "a bound that would not stop a mistake",
    explain: "`touches:` is the last thing between a wrong condition and a whole table: beyond the bound everything rolls back. Write the \
        largest number that is still right for one record, with some air. Where thousands of rows are right, make items of them \
        (`targets:`): each is shown, recorded and taken back for itself.",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&WIDE];

/// Rows of one change that nobody looks through in a plan.
const MOST: u32 = 1000;

pub fn look(scene: &Scene<'_>, _: Around, problems: &mut Diagnostics) {
    for visit in &scene.visits {
        let touches: Option<Touches> = match &visit.step.act {
            Act::Rows(rows) => rows.touches,
            Act::Sql(sql) => sql.touches,
            _ => None,
        };
        if let Some(touches) = touches.filter(|touches| touches.most > MOST) {
            problems.push(
                Diagnostic::warning(
                    &WIDE,
                    visit.step.act_at,
                    format!("up to {} rows may be touched here: this bound stops no mistake", touches.most),
                )
                .help("lower `touches` to what is right for one record, or work on items with `targets:`"),
            );
        }
    }
}
