//! What the texts of a playbook look at of an item of its source.

use super::spots;
use crate::{
    action::step::{Step, Undo},
    playbook::model::Playbook,
    read::find::Test,
    targets::model::Source,
    template::{Path, Step as Part, Tree},
};
use std::collections::BTreeMap;

/// The paths below `item`, each once. Of a list of which every element is looked at, the list. Where the items are rows of a table, what they must have to be
/// among them as well; but for what may be one of several.
pub fn of_item(playbook: &Playbook) -> Vec<Path> {
    of_rows(playbook).into_iter().map(|(path, _)| path).collect()
}

/// The same, each with whether only the source looks at it, to choose its rows.
pub fn of_rows(playbook: &Playbook) -> Vec<(Path, bool)> {
    let mut paths: BTreeMap<String, (Path, bool)> = BTreeMap::new();
    let mut note = |spots: Vec<spots::Spot<'_>>| {
        for usage in spots.iter().flat_map(|spot| spot.names).filter(|usage| usage.path.root() == "item") {
            let steps = usage.path.steps.iter().take_while(|step| !matches!(step, Part::Each)).cloned().collect();
            let path = Path { steps };
            paths.insert(path.to_string(), (path, false));
        }
    };
    for step in playbook.sections().into_iter().flat_map(|(_, steps)| steps) {
        step.each(&mut |step: &Step| {
            note(spots::of_step(step));
            if let Some(Undo::Step(back)) = &step.common.undo {
                back.each(&mut |step| note(spots::of_step(step)));
            }
        });
    }
    playbook.vars.iter().for_each(|(_, datum)| note(spots::of_tree(&datum.tree)));
    playbook.errors.iter().for_each(|row| note(spots::of_error_row(row)));
    note(spots::of_targets(playbook, true));
    if let Some(Source::Find(find)) = playbook.targets.as_ref().map(|targets| &targets.from.source) {
        let fixed = |test: &Test| matches!(test, Test::Is(datum) if !matches!(datum.tree, Tree::List(_)));
        for (column, _) in find.conditions.iter().filter(|(_, test)| fixed(test)) {
            let path = Path { steps: vec![Part::Name("item".into()), Part::Name(column.into())] };
            paths.entry(path.to_string()).or_insert((path, true));
        }
    }
    paths.into_values().collect()
}
