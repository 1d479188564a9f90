//! Background jobs in Sidekiq's Redis: where they wait, what is in them, and the one script that changes anything.
//!
//! `settings` (project file) → [`Jobs::open`] → [`Jobs::find`] gives rows, [`Jobs::carry_out`] changes something, atomically and
//! once. Texts of jobs are whatever other programs put there: nothing in them may break a look. Knows no steps, plans or
//! journals.

pub mod arguments;
pub mod client;
pub mod columns;
pub mod error_format;
pub mod gid;
pub mod keeper;
pub mod look;
pub mod payload;
pub mod rights;
pub mod row;
pub mod script;
pub mod settings;

#[cfg(test)]
mod tests;

pub use client::{Jobs, Survey};
pub use keeper::Keeper;
pub use look::Found;
pub use row::Place;
pub use script::{Change, Told};
pub use settings::SidekiqSettings;
