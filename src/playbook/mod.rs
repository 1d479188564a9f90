//! Text → Playbook and project file: models, parameters, schemas. Reads no files and opens nothing; `ops` hands texts in.

pub mod approvals;
pub mod called;
pub mod diagnosis;
pub mod draft;
pub mod error_table;
pub mod errors;
pub mod failure;
pub mod format;
pub mod lenient;
pub mod lifecycle;
pub mod model;
pub mod params;
pub mod project;
pub mod schedules;
pub mod schema;
