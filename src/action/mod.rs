//! What a step may do: one file a kind, one table of them (`kinds.rs`), and the step itself.
//!
//! Actions are resolved into data (`deed.rs`) with the values known when the step starts; only the engine carries a
//! deed out. Nothing here opens a connection.

pub mod ask;
pub mod block;
pub mod call;
pub mod change;
pub mod choose;
pub mod command;
pub mod compare;
pub mod deed;
pub mod ends;
pub mod for_each;
pub mod job;
pub mod kinds;
pub mod resolve;
pub mod resource;
pub mod row;
pub mod rows;
pub mod sql;
pub mod step;
pub mod tell;
pub mod undo;
pub mod wait;
