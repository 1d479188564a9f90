//! Where transactions of one's own are counted: so many are open at a time, and who comes later waits for one that is over. On PostgreSQL it is handed on
//! with a connection that has begun the next one already, with the message that ended the last.

use crate::connection::link::Link;
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::oneshot;

/// Of the members of some sets, all on one thread: a connection belongs to the thread that opened it.
#[derive(Debug)]
pub struct Gate(Mutex<State>);

#[derive(Debug)]
struct State {
    free: usize,
    /// In the order in which they came.
    waiting: VecDeque<oneshot::Sender<Pass>>,
}

/// The right to one transaction; given back when it is dropped.
#[derive(Debug)]
pub(in crate::connection) struct Pass {
    /// Nothing once it was handed on.
    gate: Option<Arc<Gate>>,
    /// A transaction that was begun for whoever has this.
    begun: Option<Box<Link>>,
}

impl Gate {
    /// Lets in so many at a time.
    pub fn new(most: usize) -> Gate {
        Gate(Mutex::new(State { free: most, waiting: VecDeque::new() }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for its turn.
    pub(in crate::connection) async fn enter(self: Arc<Gate>) -> Pass {
        let turn = {
            let mut state = self.state();
            if state.free > 0 {
                state.free -= 1;
                return Pass { gate: Some(self.clone()), begun: None };
            }
            let (send, turn) = oneshot::channel();
            state.waiting.push_back(send);
            turn
        };
        // Whoever goes sends it: it is dropped unsent by nobody.
        turn.await.unwrap_or(Pass { gate: None, begun: None })
    }

    /// The next one who still waits.
    fn next(&self) -> Option<oneshot::Sender<Pass>> {
        let mut state = self.state();
        loop {
            match state.waiting.pop_front() {
                Some(next) if next.is_closed() => {}
                Some(next) => return Some(next),
                None => {
                    state.free += 1;
                    return None;
                }
            }
        }
    }

    fn pass_on(self: Arc<Gate>, mut begun: Option<Box<Link>>) {
        while let Some(next) = self.next() {
            match next.send(Pass { gate: Some(self.clone()), begun }) {
                Ok(()) => return,
                // It stopped waiting just now.
                Err(mut pass) => {
                    begun = pass.begun.take();
                    pass.gate = None;
                }
            }
        }
    }
}

impl Pass {
    /// The transaction that was begun for it.
    pub fn begun(&mut self) -> Option<Link> {
        self.begun.take().map(|link| *link)
    }

    /// Somebody waits for it.
    pub fn is_wanted(&self) -> bool {
        self.gate.as_ref().is_some_and(|gate| gate.state().waiting.iter().any(|next| !next.is_closed()))
    }

    /// Gives it back with a transaction for the next one.
    pub fn hand_on(mut self, begun: Link) {
        if let Some(gate) = self.gate.take() {
            gate.pass_on(Some(Box::new(begun)));
        }
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        if let Some(gate) = self.gate.take() {
            gate.pass_on(None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        future::Future,
        pin::pin,
        task::{Context, Poll, Waker},
    };

    #[test]
    fn so_many_are_let_in_and_who_stops_waiting_takes_nobodys_place() {
        let gate = Arc::new(Gate::new(1));
        let mut context = Context::from_waker(Waker::noop());
        let Poll::Ready(first) = pin!(gate.clone().enter()).poll(&mut context) else { panic!("nobody was there") };
        assert!(!first.is_wanted());
        let mut third = pin!(gate.clone().enter());
        {
            let mut second = pin!(gate.clone().enter());
            assert!(second.as_mut().poll(&mut context).is_pending());
            assert!(third.as_mut().poll(&mut context).is_pending());
            assert!(first.is_wanted());
        }
        drop(first);
        let Poll::Ready(third) = third.as_mut().poll(&mut context) else { panic!("the second one has gone") };
        assert!(!third.is_wanted());
        {
            // It was given to one that went before it looked.
            let mut fourth = pin!(gate.clone().enter());
            assert!(fourth.as_mut().poll(&mut context).is_pending());
            drop(third);
        }
        assert!(pin!(gate.enter()).poll(&mut context).is_ready());
    }
}
