//! Plan, run state and diagnostics → text, JSON and the like. Never asks the world, never prints.

pub mod diagnostics;
pub mod exit;
pub mod explain;
