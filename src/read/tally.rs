//! `tally`: how many jobs there are, by class, error, queue.

use super::find::Test;
use crate::{
    base::shape::{Named, Word},
    shape,
};

shape! {
    /// Counts background jobs by some of their columns. The result is a list of rows: those columns and `count`, the largest
    /// first. Reads only.
    "tally" pub struct TallySpec {
        /// `connection.table`, with the tables `queued`, `scheduled`, `retrying` and `dead` of a Sidekiq connection.
        tables: Vec<Word>,
        /// The columns to count by: `job`, `error_class`, `error_status`, `queue`, `set`, …
        by: Vec<Word>,
        /// Column tests that must all hold, as in `find`.
        #[schemars(default)]
        conditions as "where": Named<Test>,
    }
}
