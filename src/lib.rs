//! trueup
pub mod base;
pub mod effect;
pub mod table;
pub mod journal;
