//! A playbook as the page that support staff read: what it needs, what it checks, what it changes, who is asked, what can go
//! wrong, how it is taken back. Markdown for a wiki, or one HTML file.
//!
//! Reads a checked playbook and nothing else.

mod deed;
mod html;
mod markdown;
mod page;
mod sections;
mod trouble;
mod undone;

pub use deed::{label, prose};
pub use html::{escaped, html};
pub use markdown::markdown;
pub use page::{Block, Piece};
pub use sections::page;
