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

pub mod base;
pub mod template;
pub mod mock;
#[macro_use]
pub mod effect;
pub mod table;
pub mod connection;
pub mod read;
pub mod action;
pub mod schedule;
pub mod targets;
pub mod playbook;
pub mod check;
pub mod plan;
pub mod journal;
pub mod approval;
pub mod engine;
pub mod report;
pub mod trial;
pub mod ops;
pub mod cli;
