//! The ground everything stands on: source text and places, problems, values, secrets, clock. Imports nothing of ours.

pub mod canonical;
pub mod counted;
pub mod cover;
pub mod decimal;
pub mod diagnostic;
pub mod identity;
pub mod json;
mod key_file;
mod map;
pub mod moment;
#[cfg(test)]
pub(crate) mod proved_tests;
pub mod seal;
pub mod secret;
pub mod shape;
pub mod sorting;
pub mod source;
pub mod suggest;
pub mod time;
pub mod url_path;
pub mod value;
pub mod world;
pub mod yaml;
