//! # trueup
//!
//! A support procedure, written as a versioned playbook, becomes a previewed, applied, verified and recorded change.
//!
//! Data walks through the house once, in one direction:
//!
//! ```text
//! YAML text ─parse→ Playbook ─check→ Checked ─preview→ Plan ─apply→ Event* ─fold→ RunState ─render→ report
//!             (with spans)   (no I/O)         (no effects)  (the only place where the world changes; journaled first)
//! ```
//!
//! The modules below stand in layer order: each imports only those above it, and a test fails on an arrow back up.

pub mod action;
pub mod base;
pub mod check;
pub mod cli;
pub mod connection;
pub mod effect;
pub mod engine;
pub mod journal;
pub mod mock;
pub mod ops;
pub mod plan;
pub mod playbook;
pub mod read;
pub mod report;
pub mod table;
pub mod template;
