//! A second run of the same: what it does again is told by name.

use super::{
    Opening,
    scene::{Scene, Staged},
};
use crate::{
    journal::words::End,
    trial::{
        compare::Happened,
        model::Case,
        report::Problem,
        snapshot::{self, Snapshot},
    },
};
use std::sync::Arc;

/// Nothing was done: all is as wanted, or a rule says why it is not begun.
const NOTHING: [End; 4] = [End::Unchanged, End::Skipped, End::Stopped, End::Escalated];

impl Scene {
    /// Runs the case once more. An author who asks for the proof (`strict`) means that the second run finds everything as wanted.
    /// Torture asks only whether something is done twice: a run that refuses is well, and one over many items may take those that
    /// the first one left.
    pub(super) async fn again(
        &self,
        opening: &Opening,
        case: &Case,
        (earlier, first): (&Happened, &Snapshot),
        strict: bool,
    ) -> Staged<Vec<Problem>> {
        let quiet = Case { between: None, ..case.clone() };
        let effects = self.effects();
        let (happened, _) = self.run(opening, &quiet, first).await?;
        let second = self.snapshot().await?;
        let mut problems = Vec::new();
        // Of many items some may be none of the playbook's business, this time as the first time.
        let of_many = happened.end == Some(End::Skipped) && !happened.items.is_empty();
        let well = if strict {
            happened.end == Some(End::Unchanged) || of_many
        } else {
            happened.end.is_some_and(|end| NOTHING.contains(&end)) && self.effects() == effects
        };
        let (twice, others) = changed_again(earlier, &happened);
        if !strict && !others.is_empty() && twice.is_empty() {
            return Ok(problems);
        }
        let again = &opening.file.again;
        let acting = || {
            let steps = happened.plan.iter().flat_map(|plan| &plan.items).flat_map(|item| &item.steps);
            steps.filter(|step| step.foreseen.acts())
        };
        if !strict && acting().next().is_some() && acting().all(|step| again.get(step.name()).is_some()) {
            return Ok(problems);
        }
        // A report tells again: that is what it is run for.
        let told =
            !strict && happened.end == Some(End::Changed) && acting().next().is_none() && self.effects() == effects;
        if !well && !told {
            let found = happened.end.map_or("refused", End::word);
            let acting: Vec<String> = acting().map(|step| format!("`{}`", step.name())).collect();
            let help = if acting.is_empty() {
                String::new()
            } else {
                let steps = acting.join(", ");
                format!(
                    "\nit does again: {steps}; a precondition or a `when` has to see that it is done, or `again:` of \
                     the test file says why it does no harm"
                )
            };
            let items = if twice.is_empty() { String::new() } else { format!("\nitems: {}", twice.join(", ")) };
            problems.push(Problem::new(
                "a second run",
                End::Unchanged.word(),
                format!("{found}\n{}{items}{help}", happened.message),
            ));
        }
        for change in second.since(first) {
            problems.push(Problem::new(
                format!("a second run: {}", snapshot::row_name(&change)),
                "unchanged",
                "changed",
            ));
        }
        Ok(problems)
    }
}

/// Of many items those that both runs changed, and those that only the second one did.
fn changed_again(first: &Happened, second: &Happened) -> (Vec<Arc<str>>, Vec<Arc<str>>) {
    let changed =
        |happened: &Happened, key: &str| happened.by_key.get(key).is_some_and(|(end, _)| *end == End::Changed);
    let keys = second.by_key.keys().filter(|key| changed(second, key)).cloned();
    keys.partition(|key| changed(first, key))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(items: &[(&str, End)]) -> Happened {
        let by_key = items.iter().map(|(key, end)| (Arc::from(*key), (*end, None))).collect();
        Happened { by_key, ..Happened::default() }
    }

    #[test]
    fn an_item_is_done_twice_only_if_both_runs_changed_it() {
        let first = ended(&[("1", End::Changed), ("2", End::Failed), ("3", End::Unchanged)]);
        let second = ended(&[("1", End::Unchanged), ("2", End::Changed), ("3", End::Changed), ("4", End::Changed)]);
        let (twice, others) = changed_again(&first, &second);
        assert_eq!((twice.len(), others.iter().map(|key| &**key).collect::<Vec<_>>()), (0, vec!["2", "3", "4"]));
        let (twice, others) = changed_again(&first, &ended(&[("1", End::Changed), ("4", End::Changed)]));
        assert_eq!((twice, others), (vec![Arc::from("1")], vec![Arc::from("4")]));
    }
}
