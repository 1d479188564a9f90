//! The only place where the world is asked and changed: rehearse a plan, and carry a run out.
//!
//! The run is a fold of its events (`state`) and a pure decision what comes next (`decide`); waiting is a state like any
//! other, and going on after it is the normal path. Knows nothing of terminals: it tells a [`watch::Watch`].

pub mod again;
pub mod audit;
pub mod carry_out;
mod call;
mod claim;
pub mod crew;
pub mod clock;
pub mod decide;
pub mod drift;
pub mod drive;
mod end;
pub mod endings;
pub mod fleet;
pub mod grants;
pub mod grounds;
mod images;
mod flow;
pub mod lease;
mod names;
pub mod notices;
pub mod outgoing;
pub mod outline;
mod probe;
pub mod question;
pub mod reached;
mod recover;
mod repair;
pub mod resource;
pub mod rehearse;
pub mod sets;
pub mod setting;
pub mod state;
pub mod statement;
mod step;
mod tries;
pub mod trouble;
pub mod undo;
pub mod veil;
pub mod watch;
mod window;
mod write;
