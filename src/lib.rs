//! trueup
pub mod base;
