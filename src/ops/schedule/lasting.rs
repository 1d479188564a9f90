//! The journal of a process that stays. Before each of its looks it is looked at itself: meanwhile the file may have been exchanged or
//! moved away, or what is in it restored from a copy. One command opens it anew and so finds that out; who stays would never.

use crate::{
    journal::Stands,
    ops::{
        Failure, Surroundings,
        project::Opened,
        record::{self, Record},
    },
};
use std::sync::{Arc, Mutex, PoisonError};

/// The journal, as it was opened last.
pub struct Lasting(Mutex<Arc<Record>>);

impl Lasting {
    /// This one, until another one stands in its place.
    pub fn of(record: Record) -> Lasting {
        Lasting(Mutex::new(Arc::new(record)))
    }

    /// The one that was opened last.
    pub fn now(&self) -> Arc<Record> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Opens it anew where another one stands in its place, and compares it with what this machine saw of it; gives what is to be said.
    /// An error where nothing stands in its place: whoever made a new one there would be in the way of who brings it back.
    pub async fn look(&self, surroundings: &Surroundings, opened: &Opened) -> Result<Vec<String>, Failure> {
        let record = self.now();
        let place = record.journal.place().clone();
        match record.journal.stands().await? {
            Stands::Same => Ok(record::compare(surroundings, opened, &record).await?.into_iter().collect()),
            Stands::Gone => Err(Failure::usage(format!("the {place} is not there any more"))
                .help("put it back; nothing begins until then")),
            Stands::Exchanged => {
                let (anew, said) = record::open_and_say(surroundings, opened).await?;
                *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(anew);
                // What is under way in the old one could record nothing that anybody finds: it stops before its next step.
                let closed = record.journal.clone().close().await;
                let mut all = vec![format!("the {place} is another one now: it was opened anew")];
                all.extend(closed.err().map(|why| format!("the one before could not be closed: failed to {why}")));
                all.extend(said);
                Ok(all)
            }
        }
    }
}
