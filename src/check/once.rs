//! Which parts of a playbook with targets are done once for the whole run: what looks at no item (decision 27).

use super::spots;
use crate::{
    action::{
        kinds::Act,
        step::{Step, Undo},
    },
    playbook::model::Playbook,
    template::{Step as Part, Use},
};
use std::collections::BTreeSet;

/// Index of the list (`preconditions`, `afterwards`) and of the step in it.
pub type Once = BTreeSet<(&'static str, usize)>;

/// The steps under `preconditions` and `afterwards` that use neither `item` nor a result or variable that rests on one. A
/// playbook without targets has none.
pub fn of(playbook: &Playbook) -> Once {
    let mut once = Once::new();
    if playbook.targets.is_none() {
        return once;
    }
    // Names of results that are there once for each item.
    let mut each: BTreeSet<&str> = BTreeSet::new();
    for (section, steps) in playbook.sections() {
        for (index, step) in steps.iter().enumerate() {
            let apart = matches!(section, "preconditions" | "afterwards") && !rests_on_item(step, playbook, &each);
            if apart {
                once.insert((section, index));
            } else {
                names(step, &mut each);
            }
        }
    }
    once
}

fn names<'a>(step: &'a Step, all: &mut BTreeSet<&'a str>) {
    all.extend(step.id());
    step.parts().into_iter().flat_map(|(_, steps)| steps).for_each(|inner| names(inner, all));
}

fn rests_on_item(step: &Step, playbook: &Playbook, each: &BTreeSet<&str>) -> bool {
    let own = spots::of_step(step).iter().any(|spot| uses_item(spot.names, playbook, each, &mut BTreeSet::new()));
    // A row that is found by the name of its step.
    let of = match &step.act {
        Act::Row(row) => row.of.as_ref().is_some_and(|of| each.contains(of.as_str())),
        _ => false,
    };
    let undo = match &step.common.undo {
        Some(Undo::Step(undo)) => rests_on_item(undo, playbook, each),
        _ => false,
    };
    let look = matches!(&step.act, Act::Wait(wait) if rests_on_item(&wait.read, playbook, each));
    let inner = step.parts().into_iter().flat_map(|(_, steps)| steps).any(|inner| rests_on_item(inner, playbook, each));
    own || of || undo || look || inner
}

fn uses_item<'p>(
    names: &'p [Use],
    playbook: &'p Playbook,
    each: &BTreeSet<&str>,
    seen: &mut BTreeSet<&'p str>,
) -> bool {
    names.iter().any(|one| match one.path.root() {
        "item" => true,
        "vars" => match one.path.steps.get(1) {
            Some(Part::Name(name)) => {
                seen.insert(name)
                    && playbook.vars.get(name).is_some_and(|datum| {
                        datum.tree.texts().into_iter().any(|text| uses_item(text.names(), playbook, each, seen))
                    })
            }
            // All of them.
            _ => true,
        },
        name => each.contains(name),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{diagnostic::Diagnostics, source::Source};

    #[test]
    fn what_rests_on_an_item_in_any_way_is_done_for_each() {
        let text = "trueup: v1\nname: a\nversion: 1\ntitle: A\n\
            targets: { from: { list: [1, 2] } }\n\
            vars: { keep: \"{{ vars.inner }}\", inner: \"{{ item }}\", plain: 1 }\n\
            preconditions:\n\
            - { id: flag, find: { table: s.f, where: { id: \"{{ vars.plain }}\" } } }\n\
            - { assert: flag.on }\n\
            - { id: row, find: { table: s.t, where: { id: \"{{ vars.keep }}\" } } }\n\
            - { assert: row.a == 1 }\n\
            - { assert: flag.on == row.a }\n\
            steps: []\n\
            afterwards:\n\
            - tell: { who: x, message: \"done\" }\n\
            - tell: { who: x, message: \"done {{ item }}\" }\n";
        let source = Source::new("a.yaml", text);
        let mut problems = Diagnostics::new(source.clone());
        let playbook = Playbook::parse(&source, &mut problems).unwrap_or_else(|| panic!("{problems:?}"));
        let expected = [("afterwards", 0), ("preconditions", 0), ("preconditions", 1)];
        assert_eq!(of(&playbook).into_iter().collect::<Vec<_>>(), expected);
    }
}
