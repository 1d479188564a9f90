//! An outside API by name: one exact base address, what may be sent there, and what comes back.
//!
//! `settings` (project file) → [`Api::open`] → [`Request`] → [`Api::send`] → [`Answer`] or [`Failure`]. Nothing here knows
//! steps, plans or journals. Whether to send again is the engine's decision, but for one renewal of a token after a 401.

pub mod address;
pub mod answer;
pub mod api;
pub mod auth;
pub mod body;
mod client;
pub(super) use client::collector;
pub mod failure;
pub mod key;
mod outcome;
pub mod policy;
pub mod rate;
pub mod request;
pub mod settings;
pub mod status;
pub mod told;
mod veil;
mod token;

#[cfg(test)]
mod fault_tests;
#[cfg(test)]
mod forgery_tests;
#[cfg(test)]
mod token_tests;

pub use answer::{Answer, Standing};
pub use api::{Api, OpenError};
pub use body::Format;
pub use failure::{Failure, Reason};
pub use request::{Method, Request, RequestView};
pub use settings::{HttpSettings, Size};
pub use status::Status;
