//! The flow of a playbook: sections, steps, where checks lead, the ways of a decision. As Mermaid's text, or drawn as SVG.
//!
//! Reads a checked playbook and nothing else.

mod flow;
mod mermaid;
mod svg;
mod tile;

pub use flow::{Flow, of};
pub use mermaid::mermaid;
pub use svg::svg;
