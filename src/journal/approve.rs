//! Who agreed to a saved plan. Each plan has a chain of its own, under its id, and every approval is taken into the
//! journal's own chain at once: one that is changed or missing is found like a changed event of a run.

use super::{Journal, chain::Hash, event::Event, failure::JournalError, payload::PlanApproved};
use crate::base::{identity::RunId, time::Stamp, value::Value};
use std::sync::Arc;

/// An approval to be recorded.
#[derive(Clone, Debug)]
pub struct Approving {
    /// Id of the saved plan.
    pub plan: uuid::Uuid,
    /// The digest that is agreed to.
    pub digest: Arc<str>,
    /// Who.
    pub actor: Arc<str>,
    /// When.
    pub at: Stamp,
    /// In what words.
    pub note: Option<String>,
    /// The measured effect that is agreed to: counts, tables, labels.
    pub effect: Value,
}

/// An approval as it stands in the journal.
#[derive(Clone, Debug)]
pub struct Approved {
    /// Number within the plan's approvals, from 1.
    pub seq: u64,
    /// The digest that was agreed to.
    pub digest: Arc<str>,
    /// Who.
    pub actor: Arc<str>,
    /// When.
    pub at: Stamp,
    /// In what words.
    pub note: Option<String>,
    /// The measured effect that was agreed to.
    pub effect: Value,
    /// Its hash in the plan's chain.
    pub hash: Hash,
}

impl Journal {
    /// Records that somebody agreed to a plan; returns when it is durable. Rules (who may, how often) are not this
    /// layer's: two approvals of one person are two events.
    pub async fn approve(&self, given: &Approving) -> Result<Approved, JournalError> {
        let event = Event::from(PlanApproved {
            actor: given.actor.clone(),
            digest: given.digest.clone(),
            note: given.note.clone(),
            effect: given.effect.clone(),
        });
        let appended = self.append_at(RunId(given.plan), None, std::slice::from_ref(&event), given.at).await?;
        Ok(Approved {
            seq: appended.seq,
            digest: given.digest.clone(),
            actor: given.actor.clone(),
            at: given.at,
            note: given.note.clone(),
            effect: given.effect.clone(),
            hash: appended.head,
        })
    }

    /// All approvals of a plan, oldest first, verified as they are read. Empty for an unknown plan.
    pub async fn approvals(&self, plan: uuid::Uuid) -> Result<Vec<Approved>, JournalError> {
        let stored = self.events(RunId(plan)).await?;
        let approved = stored.into_iter().filter_map(|one| match one.event {
            Event::PlanApproved(PlanApproved { actor, digest, note, effect }) => {
                Some(Approved { seq: one.seq, digest, actor, at: one.at, note, effect, hash: one.hash })
            }
            _ => None,
        });
        Ok(approved.collect())
    }
}
