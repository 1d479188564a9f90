//! Are the jobs still those of the plan?

use super::look::Looked;
use crate::{
    base::value::Value,
    effect::job::JobChange,
    engine::trouble::Difference,
    plan::{Effect, Foreseen, StepPlan},
};
use std::collections::BTreeMap;

/// How the jobs differ from those of the plan; nothing where the plan could not show them.
pub fn drift(planned: Option<&StepPlan>, looked: &Looked) -> Vec<Difference> {
    let Some(planned) = planned else { return Vec::new() };
    let was =
        planned.effects.iter().find_map(|e| if let Effect::Jobs { jobs } = e { Some(jobs.as_slice()) } else { None });
    let was = match (was, planned.foreseen) {
        (Some(was), _) => was,
        (None, Foreseen::Unchanged) => &[],
        _ => return Vec::new(),
    };
    // Already as wanted is tested first: somebody has done it.
    let Looked::Change(ready) = looked else { return Vec::new() };
    // A new job has another id in each preview, and there is only one of them.
    let name =
        |job: &JobChange| if &*job.deed == "enqueue" { "to be enqueued".to_owned() } else { job.jid.to_string() };
    let (before, now): (BTreeMap<_, _>, BTreeMap<_, _>) =
        (was.iter().map(|j| (name(j), j)).collect(), ready.jobs.iter().map(|j| (name(j), j)).collect());
    let mut found = Vec::new();
    let mut differ = |subject: &str, planned: &str, is: &str| {
        let subject = format!("job {subject}");
        found.push(Difference { subject, column: String::new(), planned: planned.into(), found: is.into() });
    };
    for (id, job) in &before {
        match now.get(id) {
            None => differ(id, "in the plan", "not there any more"),
            Some(is) if !job.payload.as_ref().is_some_and(Value::is_unknown) && is.promise() != job.promise() => {
                differ(id, "as in the plan", "changed")
            }
            Some(_) => {}
        }
    }
    for id in now.keys().filter(|id| !before.contains_key(*id)) {
        differ(id, "not in the plan", "there as well");
    }
    found
}
