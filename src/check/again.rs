//! Which results a step reads again: those of which it mentions `.now`.

use super::spots::{self, Spot};
use crate::{
    action::{
        kinds::Act,
        step::{Step, Undo},
    },
    playbook::model::Playbook,
    template::Step as Part,
};
use std::{collections::BTreeSet, sync::Arc};

/// The names before `.now` in the texts of a step, in the variables when it uses any, and in the `errors:` table when it
/// calls an API or starts a program.
pub fn names(step: &Step, playbook: &Playbook) -> BTreeSet<Arc<str>> {
    let own = spots::of_step(step);
    let uses_vars = own.iter().flat_map(|spot| spot.names).any(|usage| usage.path.root() == "vars");
    let vars = playbook.vars.iter().filter(|_| uses_vars).flat_map(|(_, datum)| spots::of_tree(&datum.tree));
    let errors = playbook
        .errors
        .iter()
        .filter(|_| matches!(step.act, Act::Http(_) | Act::Command(_)))
        .flat_map(spots::of_error_row);
    own.iter().copied().chain(vars).chain(errors).flat_map(before_now).collect()
}

/// Whether any step of a playbook does: asked once for all its items.
pub fn any(playbook: &Playbook) -> bool {
    let mut found = false;
    let does = |step: &Step| !names(step, playbook).is_empty();
    for step in playbook.sections().into_iter().flat_map(|(_, steps)| steps) {
        step.each(&mut |step| {
            found |= does(step);
            if let Some(Undo::Step(back)) = &step.common.undo {
                back.each(&mut |step| found |= does(step));
            }
        });
    }
    found
}

fn before_now(spot: Spot<'_>) -> Vec<Arc<str>> {
    let paths = spot.names.iter().map(|usage| usage.path.steps.as_slice());
    paths
        .filter_map(|path| match path {
            [Part::Name(root), Part::Name(now), ..] if &**now == "now" && &**root != "run" => Some(root.clone()),
            _ => None,
        })
        .collect()
}
