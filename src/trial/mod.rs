//! Tests of playbooks: the `*.test.yaml` format, the databases and mocks that a case is played on, and the comparison of
//! what was expected with what happened.
//!
//! `model` and `expect` (the file) → `given` (what a case starts from) → `bench` (databases, fresh for each case) and
//! `stage` (the case's own project file) → `snapshot` (every table, before and after) → `compare` → `report`. Nothing here
//! plans or applies: `ops::test` does that, through the very functions that the command line calls.

pub mod bench;
pub mod calls;
pub mod check;
pub mod compare;
pub mod coverage;
pub mod expect;
pub mod given;
pub mod items;
pub mod jobs;
pub mod model;
pub mod proof;
pub mod report;
pub mod snapshot;
pub mod stage;

/// The schema of a test file, for editors.
pub fn schema() -> serde_json::Value {
    crate::playbook::schema::of::<model::TestFile>("https://trueup.dev/schema/test.schema.json", "A trueup test file")
}
