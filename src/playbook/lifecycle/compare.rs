//! The stages of a lifecycle beside the states that the target knows: what a run would find out half way is found before its first record.

use super::{Lifecycle, Stage};
use crate::{
    base::{
        diagnostic::{Code, Diagnostic},
        shape::Word,
        suggest,
    },
    table::facts::EnumNames,
};

/// The target knows other states, or knows them in another order.
pub static OTHER_STATES: Code = Code {
    id: "E0873",
    title: "stages that the table of states knows otherwise",
    explain: "The project file says which table holds the names of the states (`enums: { COLUMN: { from, name, value, order } }`). Every state of the lifecycle must stand in \
        it, and those of the stages must follow each other there as they do in the playbook: a service that makes the moves refuses one that goes \
        back, and a record would end in the failed state half way. A stage whose `when:` is false need not be there.\n\n\
        Put the stages into the order of the table, or correct the table by the means of the application.",
};

/// What is wrong, at its place, with both lists. `off` tells which stages are left out here.
pub fn compare(lifecycle: &Lifecycle, known: &EnumNames, off: &dyn Fn(&Stage) -> bool) -> Option<Diagnostic> {
    let stages: Vec<&Stage> = lifecycle.stages.iter().filter(|stage| !off(stage)).collect();
    let walked: Vec<&Word> = std::iter::once(&lifecycle.start)
        .chain(stages.iter().flat_map(|stage| [&stage.working, &stage.done]))
        .chain([&lifecycle.done])
        .collect();
    let ends: Vec<&Word> = [&lifecycle.failed].into_iter().chain(&lifecycle.aborted).collect();
    let both = |problem: Diagnostic| {
        let own: Vec<&str> = walked.iter().chain(&ends).map(|word| word.as_str()).collect();
        let theirs: Vec<&str> = match known.order.is_empty() {
            true => known.names.names().collect(),
            false => known.order.iter().map(|(name, _)| &**name).collect(),
        };
        problem.help(format!("the playbook: {}", own.join(", "))).help(format!(
            "the table{}: {}",
            if known.order.is_empty() { "" } else { ", in its order" },
            theirs.join(", ")
        ))
    };
    if let Some(word) = walked.iter().chain(&ends).find(|word| known.names.get(word.as_str()).is_none()) {
        let message = format!("the target knows no state `{}`", word.as_str());
        let problem = Diagnostic::error(&OTHER_STATES, word.span, message);
        let near = suggest::nearest(word.as_str(), known.names.names());
        let problem = match near {
            Some(near) => problem.help(format!("did you mean `{near}`?")),
            None => problem,
        };
        return Some(both(problem));
    }
    let place = |word: &Word| known.order.iter().position(|(name, _)| **name == *word.text);
    let behind =
        walked.windows(2).find(|pair| matches!((place(pair[0]), place(pair[1])), (Some(a), Some(b)) if a >= b));
    if let Some([before, after]) = behind {
        let message = format!("`{}` comes before `{}` in the target", after.as_str(), before.as_str());
        let problem = Diagnostic::error(&OTHER_STATES, after.span, message);
        return Some(both(problem.label(before.span, "here it comes first")));
    }
    // A service that refuses to go back must be able to come to the failed state from every stage.
    let stuck = stages
        .iter()
        .find(|stage| matches!((place(&stage.working), place(&lifecycle.failed)), (Some(a), Some(b)) if a >= b));
    let stuck = stuck.filter(|_| lifecycle.moves.is_some())?;
    let message = format!("`{}` comes before `{}` in the target", lifecycle.failed.as_str(), stuck.working.as_str());
    Some(both(Diagnostic::error(&OTHER_STATES, lifecycle.failed.span, message)))
}
