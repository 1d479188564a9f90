//! Names that say nothing.

use super::Around;
use crate::{
    base::diagnostic::{Code, Diagnostic, Diagnostics},
    check::scene::{Role, Scene},
};

/// Says nothing.
pub static PLAIN: Code = Code {
    id: "W0060",
    title: "a name that says nothing",
    explain: "The name of a step is the name of its result in every expression below, and the name under which people speak of it: in plans, in \
        the journal, in `trueup retry RUN --from STEP`. Call it what it gives: `trainee`, `dqt_before`, `clear_award`.",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&PLAIN];

const PLAIN_WORDS: &[&str] =
    &["step", "tmp", "temp", "foo", "bar", "baz", "test", "result", "res", "data", "value", "stuff", "obj"];

pub fn look(scene: &Scene<'_>, _: Around, problems: &mut Diagnostics) {
    let ids = scene.visits.iter().filter(|v| v.role == Role::Listed).filter_map(|v| v.step.common.id.as_ref());
    for word in ids {
        let bare = word.as_str().trim_end_matches(|c: char| c.is_ascii_digit() || c == '_');
        if bare.len() <= 1 || PLAIN_WORDS.contains(&bare) {
            problems.push(
                Diagnostic::warning(&PLAIN, word.span, format!("`{}` does not say what the step gives", word.as_str()))
                    .help("call it what a colleague would: `trainee`, `dqt_before`, `clear_award`"),
            );
        }
    }
}
