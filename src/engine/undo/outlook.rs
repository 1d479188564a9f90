//! Whether anything of a run could be taken back, from the texts that it carries: what is proposed is not refused.

use crate::{
    action::{kinds::Act, resource::KindOf, step::Step},
    base::{diagnostic::Diagnostics, source::Source},
    engine::{rehearse::shown, resource},
    journal::payload::RunCreated,
    plan::Reversal,
    playbook::{model::Playbook, project::Project},
};

/// Whether some step of the run's playbook has a way back. Where a text cannot be read the undo itself will say.
pub fn has_way_back(created: &RunCreated) -> bool {
    let source = Source::new("the run's playbook", created.text.to_string());
    let Some(playbook) = Playbook::parse(&source, &mut Diagnostics::new(source.clone())) else { return true };
    let facts = Source::new("the run's project file", created.facts.to_string());
    let project = Project::parse(&facts, &mut Diagnostics::new(facts.clone()));
    playbook.sections().into_iter().any(|(_, steps)| any(steps, project.as_ref()))
}

fn any(steps: &[Step], project: Option<&Project>) -> bool {
    // What is irreversible as a whole has nothing inside that goes back.
    let inside = |step: &Step| step.parts().into_iter().any(|(_, steps)| any(steps, project));
    steps.iter().any(|step| goes_back(step, project) || step.common.irreversible.is_none() && inside(step))
}

fn goes_back(step: &Step, project: Option<&Project>) -> bool {
    let way = shown::way_back(step, false);
    match &step.act {
        Act::Resource(spec) if way == Some(Reversal::SameWay) => {
            let kind = spec.kind().and_then(|kind| match kind {
                KindOf::Named(name) => project?.resources.get(name.as_str()),
                KindOf::Here(kind) => Some(&**kind),
            });
            kind.is_none_or(|kind| resource::way_back_of_kind(kind) == Reversal::SameWay)
        }
        // What it calls is in the text as well, and says for itself.
        Act::Use(_) => step.common.irreversible.is_none(),
        _ => matches!(way, Some(Reversal::Automatic | Reversal::SameWay | Reversal::ByStep(_) | Reversal::ByText)),
    }
}
