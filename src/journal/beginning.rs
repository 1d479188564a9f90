//! A new run and the claim on it, on their way into the journal together, while its maker goes on with what has no effect. Both are recorded, or
//! neither: of two that begin one saved plan at once, the second must not take the run that the first has begun.

use super::{
    claim::{Claim, Holder, after, lost},
    event::Event,
    failure::JournalError,
    store::Journal,
    write::{Deed, Done, OnItsWay},
};
use crate::base::identity::RunId;
use std::time::Duration;

/// The first words of a run, on their way.
#[derive(Debug)]
pub struct Beginning {
    claim: Claim,
    begun: OnItsWay,
}

impl Journal {
    /// Hands over the first events of a run that is new, and the claim on it. The claim is the one that this run will have if
    /// all goes well; nothing may have an effect before [`Beginning::durable`] said so.
    pub fn begin_beside(
        &self,
        run: RunId,
        events: &[Event],
        holder: Holder,
        ttl: Duration,
    ) -> Result<(Claim, Beginning), JournalError> {
        let since = self.inner.world.now();
        let group = self.inner.group(events, since)?;
        let claim = Claim { run, fence: 1, holder: holder.clone(), since, until: after(since, ttl) };
        let begun = self.hand_over(Deed::Begin { run, group, holder, since, ttl });
        Ok((claim.clone(), Beginning { claim, begun }))
    }
}

impl Beginning {
    /// Waits until both are durable; errors as of [`Journal::append`] and [`Journal::claim`].
    pub async fn durable(self) -> Result<(), JournalError> {
        match self.begun.answer().await? {
            Done::Claimed(claim, _) if claim.fence == self.claim.fence => Ok(()),
            _ => Err(lost(self.claim.run, self.claim.fence)),
        }
    }
}
