//! Mail without a mail server: a letter is laid down in a Maildir, from which the house's own mail program takes it.
//!
//! Holds the form of a letter and its safe delivery into a folder. Must not know what letters are about.

mod address;
mod letter;
mod spool;

pub use address::{Address, BadAddress};
pub use letter::Letter;
pub use spool::Spool;
