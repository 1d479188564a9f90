//! Background jobs on their way back: those of one effect, and which of them an earlier undo has dealt with.

use super::{
    done::{Done, Fate},
    outline::Wish,
};
use crate::{
    action::{
        deed::{JobVerb, Jobs, JobsBack},
        kinds::Act,
        step::Step,
    },
    base::json,
    engine::outgoing::jobs::of_stored,
};
use std::sync::Arc;

const UNKNOWN: &str = "nobody knows whether it happened";
const SEALED: &str = "the texts of its jobs are sealed with a key that is not here; with the `seal.key` of the machine that ran it, it can be taken back";

/// The jobs of an effect, to be put back where they were. `path`: of the step that does it.
pub(super) fn back(done: &Done, step: &Step, wish: &Wish<'_>, path: &str) -> Result<Jobs, String> {
    if done.fate == Fate::Unknown {
        return Err(UNKNOWN.into());
    }
    let stored = done.connection.as_ref().zip(done.request.as_ref());
    let change = stored.and_then(|(connection, request)| of_stored(connection, request)).ok_or(SEALED)?;
    let affects = match &step.act {
        Act::Job(spec) => spec.affects.as_ref().map(|words| words.iter().map(|w| w.text.clone()).collect()),
        _ => None,
    };
    let back = JobsBack { done: change.change, made: made(wish, path)?, all_or_nothing: wish.all_or_nothing };
    Ok(Jobs { connection: change.connection, verb: JobVerb::Restore(Box::new(back)), affects })
}

/// What earlier undos of the run did here. A job that they took out is gone, which tells nothing of whether a worker took it.
fn made(wish: &Wish<'_>, path: &str) -> Result<Vec<Arc<str>>, String> {
    let mut jids = Vec::new();
    for (made, by) in wish.made.iter().filter(|(made, _)| *made.effect.step == *path && &*made.class == "marker") {
        if made.fate == Fate::Unknown {
            return Err(format!("nobody knows whether run {} did it", by.short()));
        }
        let change = made.connection.as_ref().zip(made.request.as_ref()).and_then(|(c, r)| of_stored(c, r));
        let jid = |text: &str| json::parse(text).ok()?.get("jid")?.as_str().map(Arc::from);
        jids.extend(change.ok_or(SEALED)?.change.steps.iter().filter_map(|step| jid(&step.text)));
    }
    Ok(jids)
}
