//! How a change is taken back, and what becomes of it when its answer is lost.

use super::{
    deed::{deed, label, prose},
    page::{Block, Say, Words, text},
};
use crate::{
    action::step::{Step, Undo},
    check::{Checked, Recovery, StepFacts},
};

/// One row for each change.
pub fn undone(checked: &Checked) -> Vec<Block> {
    let mut rows: Vec<Vec<Words>> = Vec::new();
    for (_, list) in checked.playbook().sections() {
        for step in list {
            step.each(&mut |step| {
                if let Some(facts) = checked.facts(step).filter(|facts| facts.writes) {
                    rows.push(vec![label(step, checked), back(step, facts, checked), lost(facts.recovery)]);
                }
            });
        }
    }
    if rows.is_empty() {
        return Vec::new();
    }
    let intro = text("")
        .code("trueup undo RUN")
        .say(" shows what taking the run back would do, asks, and does it. What somebody changed since is left alone and listed.");
    vec![Block::Para(intro), Block::Table(vec!["change", "taken back", "if nobody knows whether it happened"], rows)]
}

fn back(step: &Step, facts: &StepFacts, checked: &Checked) -> Words {
    const ITSELF: &str = "by itself: every row becomes what it was";
    if let Some(why) = &step.common.irreversible {
        return text("").strong("cannot be taken back").say(": ").and(prose(why.scalar().text.trim()));
    }
    match &step.common.undo {
        Some(Undo::NoneNeeded(_)) => match &step.common.because {
            Some(why) => text("need not be: ").and(prose(why.scalar().text.trim())),
            None => text("need not be"),
        },
        // The rows of a transaction go back together, by their images.
        Some(Undo::Step(undo)) if facts.together => {
            text(ITSELF).say("; where its rows cannot be told, by a step of its own: ").and(deed(undo, checked))
        }
        Some(Undo::Step(undo)) => text("by a step of its own: ").and(deed(undo, checked)),
        Some(Undo::Automatic(_)) | None => text(ITSELF),
    }
}

fn lost(recovery: Recovery) -> Words {
    text(match recovery {
        Recovery::Repeats => "it is simply done again",
        Recovery::Images => "the row tells: it is compared with before and after",
        Recovery::Ledger => "the ledger of the database tells",
        Recovery::Probe => "the other system is asked",
        Recovery::Marker => "the mark in Redis tells",
        Recovery::Key => "the same request is sent again; its key keeps it from happening twice",
        Recovery::Repeatable => "it is sent again, which does no harm",
        Recovery::Person => "the run waits until a person has found out and says so",
    })
}
