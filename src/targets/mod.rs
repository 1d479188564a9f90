//! Where the items of a run come from: rows of a table or a query, lines of a CSV file, a list, the answer of an API, or what
//! two of these do not have in common. Read once, streamed, each with a key that no other has. Knows nothing of plans, runs and the engine.

pub mod comparing;
pub mod csv;
pub mod faults;
pub mod gather;
pub mod item;
pub mod limits;
mod matching;
pub mod model;
mod seen;
pub mod source;
pub mod spool;

pub use item::Item;
pub use limits::Limits;
pub use model::Targets;
