//! What a step may do: one file a kind, one table of them (`kinds.rs`), and the step itself.
//!
//! Actions are resolved into data (`deed.rs`) with the values known when the step starts; only the engine carries a
//! deed out. Nothing here opens a connection.

pub mod ask;
pub mod block;
pub mod change;
pub mod command;
pub mod deed;
pub mod ends;
pub mod kinds;
pub mod resolve;
pub mod row;
pub mod rows;
pub mod sql;
pub mod step;
pub mod tell;
