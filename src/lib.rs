//! trueup
pub mod base;
pub mod template;
pub mod effect;
pub mod table;
pub mod journal;
