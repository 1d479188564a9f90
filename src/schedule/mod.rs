//! When something may happen: times of day at which a run stands still. Pure; knows no clock of its own.

pub mod window;
