//! Deadlines and reminders of questions that can come.

use crate::{
    action::kinds::Act,
    base::diagnostic::{Code, Diagnostic, Diagnostics},
    check::scene::Scene,
};

/// An end that nothing leads to.
pub static NO_DEADLINE: Code = Code {
    id: "W0034",
    title: "an `otherwise` that never applies",
    explain: "`otherwise` of an `ask` says what happens when nobody has answered in time. Without `within` there is no such time: the question \
        waits for ever. Say how long an answer may take, `within: 3d`, or leave `otherwise` out.",
};
/// No time at all.
pub static NO_TIME: Code = Code {
    id: "E0660",
    title: "a deadline or reminder at once",
    explain: "`within` and `remind` of an `ask` are lengths of time from the question on, such as `4h` or `3d`. With nothing at all no answer \
        could be in time.",
};
/// A reminder that never comes.
pub static LATE_REMINDER: Code = Code {
    id: "W0032",
    title: "a reminder that never comes",
    explain: "`remind` says how often somebody is reminded, counted from the question. A reminder is sent only as long as an answer is in time, \
        so `remind` has to be shorter than `within`.",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&NO_DEADLINE, &NO_TIME, &LATE_REMINDER];

/// Looks at every question.
pub fn look(scene: &Scene<'_>, problems: &mut Diagnostics) {
    for visit in &scene.visits {
        let Act::Ask(ask) = &visit.step.act else { continue };
        let at = visit.step.act_at;
        if ask.within.is_none() && visit.step.common.otherwise.is_some() {
            let message = format!("`otherwise` never applies: `{}` has no deadline", visit.step.label(0));
            problems.push(
                Diagnostic::warning(&NO_DEADLINE, at, message).help("say how long an answer may take: `within: 3d`"),
            );
        }
        for (key, length) in [("within", ask.within), ("remind", ask.remind)] {
            if length.is_some_and(|length| length.0.is_zero()) {
                let message = format!("`{key}` of `{}` is no time at all", visit.step.label(0));
                problems.push(Diagnostic::error(&NO_TIME, at, message).help("write a length such as `4h` or `3d`"));
            }
        }
        if let (Some(within), Some(remind)) = (ask.within, ask.remind)
            && remind >= within
            && !within.0.is_zero()
        {
            let message = format!("a reminder after {remind} never comes: an answer is taken within {within}");
            problems
                .push(Diagnostic::warning(&LATE_REMINDER, at, message).help("let `remind` be shorter than `within`"));
        }
    }
}
