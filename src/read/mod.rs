//! Questions that change nothing, as playbooks write them: one file a kind. Resolved into data; the engine asks them.

pub mod answer;
pub mod expect;
pub mod facts;
pub mod find;
pub mod http;
pub mod query;
pub mod tally;
