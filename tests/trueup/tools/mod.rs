//! An author's tools, as an author sees them: the program itself in a folder of its own, what it prints compared with
//! `tests/golden/tools/` (`TRUEUP_BLESS=1` writes it anew), its exit codes, and the files it writes.

mod completions;
pub mod desk;
mod doc;
mod fix;
mod fmt;
mod graph;
mod lint;
mod new;
mod since;
mod tests_checked;
mod watch;
