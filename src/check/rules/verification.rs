//! `is`, `within` and `every`: where they belong.

use crate::{
    base::{
        diagnostic::{Code, Diagnostic, Diagnostics},
        source::Span,
    },
    check::{
        checked::Section,
        scene::{Role, Scene, Visit, reads},
    },
};

/// Not here, or not alone.
pub static ODD_VERIFICATION: Code = Code {
    id: "E0312",
    title: "`is`, `within` or `every` where it has no effect",
    explain: "In `verification`, a step that reads (`find`, `query`, `http` with `get:`) may say with `is:` what must hold of its result, and \
        with `within:` and `every:` (both) how long and how often to look again: `within: 2m`, `every: 10s`. Elsewhere nothing is \
        looked at again: write an `assert` step.",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&ODD_VERIFICATION];

/// Looks at every step that has one of the three keys.
pub fn look(scene: &Scene<'_>, problems: &mut Diagnostics) {
    for visit in &scene.visits {
        judge(visit, problems);
    }
}

fn judge(visit: &Visit<'_>, problems: &mut Diagnostics) {
    let common = &visit.step.common;
    let (is, within, every) = (&common.is, common.within, common.every);
    let key = if is.is_some() {
        "is"
    } else if within.is_some() {
        "within"
    } else {
        "every"
    };
    if is.is_none() && within.is_none() && every.is_none() {
        return;
    }
    let at: Span = is.as_ref().map_or(visit.step.act_at, |e| e.scalar().span);
    let mut odd =
        |message: String, help: &str| problems.push(Diagnostic::error(&ODD_VERIFICATION, at, message).help(help));
    if visit.section != Section::Verification || visit.role != Role::Listed {
        return odd(format!("`{key}` has an effect only in `verification`"), "write an `assert` step after this one");
    }
    if !reads(visit.step) {
        return odd(
            format!("`{key}` belongs to a step that reads, and `{}` does not", visit.step.act.word()),
            "put it on the `find`, `query` or `http` step whose result it is about",
        );
    }
    match (within, every) {
        (Some(_), None) => odd("`within` without `every`".into(), "add how often to look: `every: 10s`"),
        (None, Some(_)) => odd("`every` without `within`".into(), "add how long to look: `within: 2m`"),
        (Some(within), Some(every)) if every > within => odd(
            format!("looking every {every} for {within} looks only once"),
            "exchange the two, or make `within` longer",
        ),
        (Some(_), Some(every)) if every.0.is_zero() => {
            odd("`every` must be longer than nothing".into(), "write `every: 10s`")
        }
        _ => {}
    }
}
