//! The three handles. What may happen through a connection is a type: `Reading` cannot write, `Rehearsing` has no COMMIT.
//!
//! `Rehearsing` and `Writing` deref to the same [`Changing`], so that a rehearsal runs the very code that apply runs.

pub use super::changing::{Changing, Savepoint};

use super::set::Inside;
use super::{
    fault::{Fault, FaultKind},
    session::Session,
};
use crate::base::moment;
use std::{
    future::{Future, poll_fn},
    ops::{Deref, DerefMut},
    pin::pin,
    task::Poll,
};

/// Read role, read-only transaction.
#[derive(Debug)]
pub struct Reading {
    session: Session,
}

/// Write role, one transaction, no way to commit.
#[derive(Debug)]
pub struct Rehearsing {
    changing: Changing,
}

/// Write role, one transaction.
#[derive(Debug)]
pub struct Writing {
    changing: Changing,
}

impl Reading {
    pub(super) fn new(session: Session) -> Reading {
        Reading { session }
    }

    /// Ends the transaction and the connection. (Dropping does the same, without waiting.)
    pub async fn close(mut self) {
        end(&mut self.session).await.ok();
    }
}

impl Rehearsing {
    pub(super) fn new(session: Session) -> Rehearsing {
        Rehearsing { changing: Changing::new(session) }
    }

    /// From now on nothing can be written, until the end of the savepoint under which this was called, or of the whole.
    pub async fn set_read_only(&mut self) -> Result<(), Fault> {
        self.changing.set_read_only().await
    }

    /// Takes everything back and ends the connection. (Dropping does the same, without waiting.)
    pub async fn rollback(mut self) -> Result<(), Fault> {
        end(&mut self.changing).await
    }
}

impl Writing {
    pub(super) fn new(session: Session) -> Writing {
        Writing { changing: Changing::new(session).for_good() }
    }

    /// Makes it durable. A fault of kind `InDoubt` says that COMMIT was sent and no answer came; every other kind is
    /// proof that nothing was committed. Runs to its end even if the caller is cancelled: a COMMIT that is cut off in
    /// the middle would put every such cancellation in doubt.
    pub async fn commit(mut self) -> Result<(), Fault> {
        let session: &mut Session = &mut self.changing;
        if let Some(seat) = session.seat() {
            return seat.commit().await;
        }
        if session.spoilt {
            let fault =
                Fault::new(FaultKind::Other, "an earlier statement of this transaction failed: nothing was committed");
            return Err(session.named(fault));
        }
        let Some(mut link) = session.take() else {
            return Err(session.named(Fault::new(FaultKind::Lost, "the connection was gone before COMMIT was sent")));
        };
        let inside = session.take_inside();
        moment::reached("before COMMIT");
        let done = tokio::spawn(async move {
            let goes_on = inside.as_ref().is_some_and(Inside::is_wanted);
            let done = {
                let mut commit = pin!(link.commit(goes_on));
                let first = poll_fn(|context| Poll::Ready(commit.as_mut().poll(context))).await;
                moment::reached("COMMIT sent");
                match first {
                    Poll::Ready(done) => done,
                    Poll::Pending => commit.await,
                }
            };
            match (&done, inside) {
                (Ok(true), Some(inside)) => inside.hand_on(link),
                (Ok(_), _) => link.committed().await,
                (Err(_), _) => {}
            }
            done.map(drop)
        })
        .await;
        moment::reached("after COMMIT");
        let fault = match done {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(fault)) if fault.kind == FaultKind::Lost => {
                Fault::new(FaultKind::InDoubt, format!("COMMIT was sent and no answer came: {}", fault.message))
            }
            Ok(Err(fault)) => fault,
            Err(panic) => Fault::new(FaultKind::InDoubt, format!("COMMIT broke off: {panic}")),
        };
        Err(session.named(fault))
    }

    /// Takes everything back and ends the connection. (Dropping does the same, without waiting.)
    pub async fn rollback(mut self) -> Result<(), Fault> {
        end(&mut self.changing).await
    }
}

/// ROLLBACK, waiting for it so that locks are gone when this returns. A connection that is already lost rolls back by
/// itself, so that is no fault.
async fn end(session: &mut Session) -> Result<(), Fault> {
    let Some(link) = session.take() else { return Ok(()) };
    match Box::pin(link.rollback()).await {
        Err(fault) if fault.kind != FaultKind::Lost => Err(session.named(fault)),
        _ => Ok(()),
    }
}

impl Deref for Reading {
    type Target = Session;
    fn deref(&self) -> &Session {
        &self.session
    }
}
impl DerefMut for Reading {
    fn deref_mut(&mut self) -> &mut Session {
        &mut self.session
    }
}
impl Deref for Rehearsing {
    type Target = Changing;
    fn deref(&self) -> &Changing {
        &self.changing
    }
}
impl DerefMut for Rehearsing {
    fn deref_mut(&mut self) -> &mut Changing {
        &mut self.changing
    }
}
impl Deref for Writing {
    type Target = Changing;
    fn deref(&self) -> &Changing {
        &self.changing
    }
}
impl DerefMut for Writing {
    fn deref_mut(&mut self) -> &mut Changing {
        &mut self.changing
    }
}
