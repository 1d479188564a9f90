//! Results that may not exist because their step has a `when:` (decision 26).

use crate::{
    action::{
        call::CallSpec,
        choose::Choice,
        ends::{Otherwise, Way},
        kinds::Act,
    },
    base::diagnostic::{Code, Diagnostic, Diagnostics},
    check::{
        mentions::{Home, Meaning, Mention},
        scene::{Part, Role, Scene},
    },
    playbook::errors::Verdict,
    template::{Expression, UseKind},
};

/// The step may have been skipped.
pub static SKIPPED_RESULT: Code = Code {
    id: "E0238",
    title: "the result of a step that may have been skipped",
    explain: "The step has a `when:`, stands in an arm of a `choose`, or in a block whose other steps may fail before it, so it may not have run, and then it has no result. Whoever uses the result must say what shall \
        happen in that case. Either the using step has the very same `when:`, or the expression asks first:\n\n\
        ```yaml\n\
        when: cycle is ran and cycle.id > 0\n\
        message: \"{{ cycle.name if cycle is ran else 'no cycle' }}\"\n\
        ```",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&SKIPPED_RESULT];

/// Looks at every result of a step under a condition.
pub fn look(scene: &Scene<'_>, problems: &mut Diagnostics) {
    let mut unasked: Vec<(usize, &Expression, Vec<&Mention<'_>>)> = Vec::new();
    for mention in scene.mentions.iter().filter(|m| m.usage.kind == UseKind::Variable) {
        let (Meaning::Result(index), Home::Step(home)) = (mention.meaning, mention.home) else {
            at_the_end(scene, mention, problems);
            continue;
        };
        if let Act::Call(call) = &scene.visits[index].step.act
            && home != index
            // In the lists that a loop gives, what has no result is null.
            && scene.loops_between(index, Some(home)).is_empty()
            && ends_early(scene, call)
            && !asks(mention.spot.names, mention.usage.path.root())
            && !scene.conditions(home).any(|e| asks(e.names(), mention.usage.path.root()))
        {
            unsure(scene, mention, index, problems);
            continue;
        }
        if home == index || scene.visits[home].role != Role::Listed && scene.visits[home].owner == Some(index) {
            continue;
        }
        if scene.visits[index].step.common.repair == Some(true) && !asks(mention.spot.names, mention.usage.path.root())
        {
            let name = mention.usage.path.root();
            problems.push(
                Diagnostic::error(
                    &SKIPPED_RESULT,
                    mention.part(scene, 0),
                    format!("`{name}` is a repair: it has no result unless it was needed"),
                )
                .help(format!("ask first: `… if {name} is ran else …`")),
            );
            continue;
        }
        // In the lists that a loop gives, what was skipped is null.
        let from = scene.loops_between(index, Some(home)).last().map_or(Some(index), |at| scene.visits[*at].owner);
        if let Some(at) = passed_over(scene, index, home)
            && !asks(mention.spot.names, mention.usage.path.root())
            && !mention.spot.under.is_some_and(|e| asks(e.names(), mention.usage.path.root()))
            && !scene.conditions(home).any(|e| asks(e.names(), mention.usage.path.root()))
        {
            unsure(scene, mention, at, problems);
            continue;
        }
        let conditions = from.into_iter().flat_map(|from| scene.conditions(from));
        let Some(condition) = conditions.into_iter().find(|condition| !is_sure(scene, mention, home, index, condition))
        else {
            continue;
        };
        match unasked.iter_mut().find(|(result, why, _)| *result == index && std::ptr::eq(*why, condition)) {
            Some((.., mentions)) => mentions.push(mention),
            None => unasked.push((index, condition, vec![mention])),
        }
    }
    for (_, condition, mentions) in &unasked {
        // Where it is used all over, the condition is the mistake, and is told once.
        let told = if mentions.len() > SEVERAL { 1 } else { mentions.len() };
        for mention in &mentions[..told] {
            let more = (told < mentions.len()).then_some(mentions.len());
            problems.push(skipped(scene, mention, condition, more));
        }
    }
}

/// So many uses of one result are told one by one.
const SEVERAL: usize = 3;

/// `more`: so many places in all.
fn skipped(scene: &Scene<'_>, mention: &Mention<'_>, condition: &Expression, more: Option<usize>) -> Diagnostic {
    let name = mention.usage.path.root();
    let shown = one_line(condition);
    let message = match more {
        Some(count) => format!("`{name}` has no result when its step is skipped, and {count} places use it"),
        None => format!("`{name}` has no result when its step is skipped"),
    };
    Diagnostic::error(&SKIPPED_RESULT, mention.part(scene, 0), message)
        .label(condition.scalar().span, "it runs only then")
        .help(format!("ask first: `{name} is ran and …`, or `… if {name} is ran else …`"))
        .help(format!("or give this step the same condition: `when: {shown}`"))
}

/// What `returns:` gives back is looked at when all is done: also when a step that it names was skipped.
fn at_the_end(scene: &Scene<'_>, mention: &Mention<'_>, problems: &mut Diagnostics) {
    let (Meaning::Result(index), Home::Returns) = (mention.meaning, mention.home) else { return };
    let early = matches!(&scene.visits[index].step.act, Act::Call(call) if ends_early(scene, call));
    let unsure_at = scene.around(index).find(|at| {
        let visit = &scene.visits[*at];
        let loops = visit.step.common.for_each.is_some();
        !loops && (visit.step.common.when.is_some() || matches!(visit.part, Part::Arm(_) | Part::Rescue))
    });
    let Some(at) = unsure_at.or(early.then_some(index)) else { return };
    if !asks(mention.spot.names, mention.usage.path.root()) {
        unsure(scene, mention, at, problems);
    }
}

/// The called playbook may end with `done` or `skip`: then the call has no result.
fn ends_early(scene: &Scene<'_>, call: &CallSpec) -> bool {
    let Some(called) = scene.others.called.get(call.playbook.as_str()) else { return false };
    let early = |otherwise: &Otherwise| matches!(otherwise.way, Way::Done | Way::Skip);
    let mut found =
        called.errors.iter().flat_map(|row| row.then.iter().chain(&row.otherwise)).any(|then| skips(&then.verdict));
    for step in called.sections().into_iter().flat_map(|(_, steps)| steps) {
        step.each(&mut |one| {
            found |= one.common.otherwise.as_ref().is_some_and(early);
            found |= match &one.act {
                Act::End(otherwise) => early(otherwise),
                Act::Choose(choose) => {
                    choose.choices().any(|(_, choice)| matches!(choice, Choice::End(otherwise, _) if early(otherwise)))
                }
                _ => false,
            };
        });
    }
    found
}

fn skips(verdict: &Verdict) -> bool {
    match verdict {
        Verdict::Skip(_) => true,
        Verdict::Retry(retry) => retry.exhausted.as_ref().is_some_and(|then| skips(&then.verdict)),
        _ => false,
    }
}

/// The step around the one with index `result` because of which that may not have run when the step `home` is reached: an arm that
/// was not chosen, a block that failed before it.
fn passed_over(scene: &Scene<'_>, result: usize, home: usize) -> Option<usize> {
    let around: Vec<usize> = scene.around(home).collect();
    let part_of = |owner: usize| {
        around.iter().find(|at| scene.visits[**at].owner == Some(owner)).map(|at| &scene.visits[*at].part)
    };
    scene.around(result).find_map(|at| {
        let (owner, part) = (scene.visits[at].owner?, &scene.visits[at].part);
        let Act::Block(block) = &scene.visits[owner].step.act else {
            let arm = matches!(part, Part::Arm(_)) && part_of(owner) != Some(part);
            return arm.then_some(owner);
        };
        let unsure = match (part, part_of(owner)) {
            (part, Some(home)) => part != home,
            (Part::Own, None) => block.recovered == Some(true) && !block.rescue.is_empty(),
            (Part::Rescue, None) => true,
            _ => false,
        };
        unsure.then_some(owner)
    })
}

fn unsure(scene: &Scene<'_>, mention: &Mention<'_>, owner: usize, problems: &mut Diagnostics) {
    let name = mention.usage.path.root();
    let step = scene.visits[owner].step;
    let why = match &step.act {
        Act::Block(_) => "a step that fails in this block ends it",
        Act::Call(_) => "the called playbook may find that nothing is to be done",
        _ if step.common.when.is_some() => "it runs only under a condition",
        _ => "it runs only when its arm is chosen",
    };
    problems.push(
        Diagnostic::error(&SKIPPED_RESULT, mention.part(scene, 0), format!("`{name}` may have no result here"))
            .label(step.act_at, why)
            .help(format!("ask first: `{name} is ran and …`, or `… if {name} is ran else …`")),
    );
}

/// The use happens only when the condition of the used step holds.
fn is_sure(scene: &Scene<'_>, mention: &Mention<'_>, home: usize, index: usize, condition: &Expression) -> bool {
    let name = mention.usage.path.root();
    let wanted = one_line(condition);
    let same = |expression: &Expression| {
        let own = one_line(expression);
        own == wanted
            || !own.contains(" or ") && own.split(" and ").any(|part| part.trim() == wanted)
            || asks(expression.names(), name)
    };
    // A block's own condition holds for all that stands inside it.
    let shared = scene.conditions(home).any(|c| std::ptr::eq(c, condition));
    shared
        || scene.conditions(home).any(same)
        || mention.spot.under.is_some_and(same)
        || asks(mention.spot.names, name)
        || mention.spot.scalar.text.split_whitespace().collect::<Vec<_>>().join(" ").contains(&wanted)
            && scene.visits[index].step.common.when.is_some()
}

fn asks(names: &[crate::template::Use], step: &str) -> bool {
    names.iter().any(|usage| usage.kind == UseKind::Step && usage.path.root() == step)
}

fn one_line(expression: &Expression) -> String {
    expression.scalar().text.split_whitespace().collect::<Vec<_>>().join(" ")
}
