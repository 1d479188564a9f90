//! `for_each:` and `wait:`: their bounds, and where they may stand.

use crate::{
    action::{for_each, kinds::Act, wait},
    base::{
        counted::counted,
        diagnostic::{Code, Diagnostic, Diagnostics},
        source::Span,
    },
    check::{
        listed,
        mentions::{GRAMMAR, RESERVED},
        scene::{Role, Scene, Visit},
    },
    template::Tree,
};

/// No sensible bound.
pub static LOOP_BOUNDS: Code = Code {
    id: "E0331",
    title: "a loop or a wait without a sensible bound",
    explain: "A loop has at most 100 elements, or as many as `at_most:` says, and never more than 1000: what goes over more than that is a \
        run over many targets. A `wait` looks at least once a second (`every:`) and at most for 30 days (`at_most:`), and more than \
        once.",
};
/// Not here, or not so.
pub static ODD_LOOP: Code = Code {
    id: "E0332",
    title: "a loop that does not fit",
    explain: "`for_each:` belongs to a step that stands in a list and does something: not to the step of an `undo:` or a `probe:`, which are \
        done as often as what they belong to, and not to `use` and `end`, after which nothing comes. What stands under `in:` is a list. The name under `as:` is new: neither \
        that of a step nor one that the language gives.",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&LOOP_BOUNDS, &ODD_LOOP];

/// Looks at every loop and every wait.
pub fn look(scene: &Scene<'_>, problems: &mut Diagnostics) {
    for (index, visit) in scene.visits.iter().enumerate() {
        looped(scene, index, visit, problems);
        waits(visit, problems);
    }
}

fn looped(scene: &Scene<'_>, index: usize, visit: &Visit<'_>, problems: &mut Diagnostics) {
    let Some(spec) = &visit.step.common.for_each else { return };
    let mut bound = |at: Span, message: String, help: &str| {
        problems.push(Diagnostic::error(&LOOP_BOUNDS, at, message).help(help.to_owned()));
    };
    match spec.at_most {
        Some(0) => bound(spec.at, "a loop that may never happen".into(), "write `at_most: 1` or more"),
        Some(n) if n > for_each::MOST => bound(
            spec.at,
            format!("at most {} turns are allowed, and here are {n}", for_each::MOST),
            "write a smaller `at_most:`",
        ),
        _ => {}
    }
    if let Tree::List(elements) = &spec.list.tree
        && elements.len() > spec.bound()
    {
        let message =
            format!("the list has {}, and at most {} are allowed", counted(elements.len(), "element"), spec.bound());
        bound(spec.list.span(), message, "raise `at_most:`, or make the list shorter");
    }
    let mut odd = |at: Span, message: String, help: &str| {
        problems.push(Diagnostic::error(&ODD_LOOP, at, message).help(help.to_owned()));
    };
    if let Some(never) = listed::never(scene, &spec.list) {
        odd(spec.list.span(), format!("`for_each` goes over a list: {}", never.message), &never.help);
    }
    if visit.role != Role::Listed || matches!(visit.step.act, Act::Use(_) | Act::End(_) | Act::Undo(_)) {
        odd(spec.at, format!("`for_each` has no place at this `{}`", visit.step.act.word()), "take it out");
    }
    let name = spec.name.as_str();
    let outer = scene.around(index).skip(1).filter_map(|at| scene.visits[at].step.common.for_each.as_ref());
    let formed = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if RESERVED.contains(&name) || GRAMMAR.contains(&name) {
        odd(spec.name.span, format!("`{name}` is taken by the language"), "choose another name, such as `one`");
    } else if !formed {
        let message = format!("`{name}` cannot be used as a name in expressions");
        odd(spec.name.span, message, "use small letters, digits and `_`, a letter first");
    } else if scene.step(name).is_some() || outer.into_iter().any(|outer| outer.name.as_str() == name) {
        odd(spec.name.span, format!("something else is called `{name}` already"), "choose another name under `as:`");
    }
}

fn waits(visit: &Visit<'_>, problems: &mut Diagnostics) {
    let Act::Wait(spec) = &visit.step.act else { return };
    let mut odd = |message: String, help: &str| {
        problems.push(Diagnostic::error(&LOOP_BOUNDS, spec.at, message).help(help.to_owned()));
    };
    if spec.every.0 < wait::SHORTEST {
        odd(format!("looking every {} is too often", spec.every), "write `every: 1s` or more");
    } else if spec.at_most.0 > wait::LONGEST {
        odd(format!("a wait of {} is too long", spec.at_most), "write `at_most: 30d` or less");
    } else if spec.every > spec.at_most {
        let message = format!("looking every {} for {} looks only once", spec.every, spec.at_most);
        odd(message, "exchange the two, or make `at_most` longer");
    }
    if spec.read.common.when.is_some() || spec.read.common.for_each.is_some() || spec.read.common.otherwise.is_some() {
        let message = "what a `wait` looks at has no conditions of its own".to_owned();
        odd(message, "put `when:`, `for_each:` and `otherwise:` on the step itself");
    }
}
