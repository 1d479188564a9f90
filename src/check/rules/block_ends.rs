//! `rescue`, `always`, `undo: [steps]`, `end` and `use`: where they may stand, and what they may name.

use super::unreachable::UNREACHABLE;
use crate::{
    action::{block::BlockSpec, choose::ChooseSpec, kinds::Act, step::Step, undo::UndoSpec},
    base::{
        diagnostic::{Code, Diagnostic, Diagnostics},
        shape::Word,
        source::Span,
    },
    check::{
        checked::Section,
        scene::{Part, Role, Scene, Visit},
    },
};

/// Not here.
pub static ODD_END: Code = Code {
    id: "E0333",
    title: "a step or key that has no meaning at this place",
    explain: "`undo: [steps]` stands in a `rescue`: it takes back what the block has done. `use: ARM` is the last step of an arm of a `choose`. \
        `recovered:` belongs to a block with a `rescue`. A block with `transaction:` is taken back by the database when a step of it fails, \
        so it has neither `rescue` nor `always`: put it into a block that has. An `always` comes to its end by itself, so no person is asked in it.",
};
/// Nothing there to take back.
pub static ODD_TAKING_BACK: Code = Code {
    id: "E0334",
    title: "a step that cannot be taken back here",
    explain: "`undo: [steps]` names steps before it that change something and can be taken back: `row` and `rows` by the images of their rows, others by \
        their `undo:`. The name of a block or loop takes back all that it did.",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&ODD_END, &ODD_TAKING_BACK];

/// Looks at every such step.
pub fn look(scene: &Scene<'_>, problems: &mut Diagnostics) {
    for (index, visit) in scene.visits.iter().enumerate() {
        match &visit.step.act {
            Act::Block(block) => of_block(block, problems),
            Act::Undo(spec) => of_undo(scene, index, spec, problems),
            Act::Use(arm) => of_use(scene, index, arm, problems),
            Act::Ask(_) if scene.around(index).any(|at| scene.visits[at].part == Part::Always) => {
                let problem = Diagnostic::error(&ODD_END, visit.step.act_at, "a question to a person in an `always`");
                problems.push(problem.help("an `always` must come to its end by itself: tell somebody, or ask before"));
            }
            _ => {}
        }
        if visit.role != Role::Listed && !visit.step.parts().is_empty() {
            let message = format!("`{}` cannot stand here", visit.step.act.word());
            problems.push(Diagnostic::error(&ODD_END, visit.step.act_at, message).help("give a single step"));
        }
    }
    // Where the text could not be read as a whole, the condition of an `end` may be what could not (`whne:`).
    if scene.named.is_empty() {
        scene.playbook.sections().into_iter().for_each(|(_, steps)| lists(steps, problems));
    }
}

/// After an `end` without a condition nothing comes.
fn lists(steps: &[Step], problems: &mut Diagnostics) {
    if let Some([end, next, ..]) =
        steps.windows(2).find(|pair| matches!(pair[0].act, Act::End(_)) && pair[0].common.when.is_none())
    {
        problems.push(
            Diagnostic::error(&UNREACHABLE, next.act_at, "no run can reach this step")
                .label(end.act_at, "every run ends here")
                .help("give the `end` a `when:`, or take out what follows"),
        );
    }
    for step in steps {
        step.parts().into_iter().for_each(|(_, steps)| lists(steps, problems));
    }
}

fn of_block(block: &BlockSpec, problems: &mut Diagnostics) {
    if let Some(transaction) = block.transaction.as_ref().filter(|_| block.has_ends()) {
        problems.push(Diagnostic::error(&ODD_END, transaction.span, "a transaction with `rescue` or `always`").help(
            "the database takes it back when a step of it fails; put it into a block that has the `rescue` or `always`",
        ));
    }
    if block.recovered.is_some() && block.rescue.is_empty() {
        problems.push(
            Diagnostic::error(&ODD_END, block.at, "`recovered` without `rescue`")
                .help("say what is done when a step fails: `rescue: [ … ]`"),
        );
    }
}

fn of_undo(scene: &Scene<'_>, index: usize, spec: &UndoSpec, problems: &mut Diagnostics) {
    let visit = &scene.visits[index];
    if visit.section != Section::Steps || !scene.around(index).any(|at| scene.visits[at].part == Part::Rescue) {
        problems.push(
            Diagnostic::error(&ODD_END, visit.step.act_at, "`undo: [steps]` outside of a `rescue`").help(
                "a whole run is taken back with `trueup undo`; how a step is taken back stands under its `undo:`",
            ),
        );
    }
    if spec.steps.is_empty() {
        problems.push(
            Diagnostic::error(&ODD_TAKING_BACK, visit.step.act_at, "nothing is named to take back")
                .help("name steps: `undo: [first, second]`"),
        );
    }
    for word in &spec.steps {
        let mut odd = |message: String, help: Option<&str>| {
            let problem = Diagnostic::error(&ODD_TAKING_BACK, word.span, message);
            problems.push(match help {
                Some(help) => problem.help(help.to_owned()),
                None => problem.suggest(word.as_str(), scene.step_names()),
            });
        };
        let Some(named) = scene.step(word.as_str()) else {
            if !scene.named.contains(word.as_str()) {
                odd(format!("there is no step `{}`", word.as_str()), None);
            }
            continue;
        };
        let inside: Vec<&Visit<'_>> = scene
            .visits
            .iter()
            .enumerate()
            .filter(|(at, v)| {
                v.role == Role::Listed && scene.around(*at).any(|around| around == named) && scene.changes(v.step)
            })
            .map(|(_, visit)| visit)
            .collect();
        if named > index {
            odd(format!("`{}` comes later", word.as_str()), Some("name a step before this one"));
        } else if inside.is_empty() {
            odd(format!("`{}` changes nothing", word.as_str()), Some("name a step that changes something"));
        } else if inside.iter().all(|v| v.step.common.irreversible.is_some()) {
            let help = "it says `irreversible:`; take it out here, or give the step an `undo:`";
            odd(format!("`{}` cannot be taken back", word.as_str()), Some(help));
        }
    }
}

fn of_use(scene: &Scene<'_>, index: usize, arm: &Word, problems: &mut Diagnostics) {
    let visit = &scene.visits[index];
    let mut odd = |at: Span, message: String, help: String| {
        problems.push(Diagnostic::error(&ODD_END, at, message).help(help));
    };
    let choose = visit.owner.and_then(|owner| match (&scene.visits[owner].step.act, &visit.part) {
        (Act::Choose(choose), Part::Arm(own)) => Some((choose, own)),
        _ => None,
    });
    let Some((choose, own)) = choose else {
        return odd(
            visit.step.act_at,
            "`use` outside of an arm".into(),
            "it is the last step of an arm of a `choose`".into(),
        );
    };
    let last = choose.arm(own).and_then(<[Step]>::last).is_some_and(|step| step.act_at == visit.step.act_at);
    if !last {
        odd(visit.step.act_at, "`use` is not the last step of its arm".into(), "move it to the end".into());
    }
    match choose.arm(arm.as_str()) {
        None => {
            let problem = Diagnostic::error(&ODD_END, arm.span, format!("there is no arm `{}`", arm.as_str()));
            problems.push(problem.suggest(arm.as_str(), choose.paths.names()));
        }
        Some(_) if goes_round(choose, arm.as_str(), own) => {
            odd(
                arm.span,
                format!("the arm `{own}` goes on with itself"),
                "arms that go on with each other must come to an end".into(),
            );
        }
        Some(_) => {}
    }
}

/// Following `use` from one arm on leads to the other.
fn goes_round(choose: &ChooseSpec, from: &str, to: &str) -> bool {
    let mut at = from;
    for _ in 0..=choose.paths.entries.len() {
        if at == to {
            return true;
        }
        match choose.arm(at).and_then(<[Step]>::last).map(|step| &step.act) {
            Some(Act::Use(next)) => at = next.as_str(),
            _ => return false,
        }
    }
    true
}
