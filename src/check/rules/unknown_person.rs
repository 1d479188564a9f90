//! People that the project file does not know.

use crate::{
    action::kinds::Act,
    base::{
        diagnostic::{Code, Diagnostic, Diagnostics},
        shape::Word,
    },
    check::scene::Scene,
    playbook::{
        errors::{ErrorRow, Then, Verdict},
        project::Project,
    },
};

/// No such person.
pub static UNKNOWN_PERSON: Code = Code {
    id: "E0245",
    title: "unknown person or team",
    explain: "`owner`, `ask: { who }`, `tell: { who }` and `escalate` name somebody who stands under `people:` in the project file, so that \
        a message never goes nowhere.",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&UNKNOWN_PERSON];

/// Looks at everybody who is named.
pub fn look(scene: &Scene<'_>, problems: &mut Diagnostics) {
    let mut named: Vec<&Word> = scene.playbook.owner.iter().collect();
    for visit in &scene.visits {
        named.extend(visit.step.common.otherwise.iter().filter_map(|o| o.who.as_ref()));
        match &visit.step.act {
            Act::Ask(ask) => named.push(&ask.who),
            Act::Tell(tell) => named.push(&tell.who),
            _ => {}
        }
    }
    for row in &scene.playbook.errors {
        row.then.iter().chain(&row.otherwise).for_each(|then| escalated(then, &mut named));
    }
    unknown(named, scene.project, problems);
}

/// Looks at one row of an errors table.
pub fn of_row(row: &ErrorRow, project: &Project, problems: &mut Diagnostics) {
    let mut named = Vec::new();
    row.then.iter().chain(&row.otherwise).for_each(|then| escalated(then, &mut named));
    unknown(named, project, problems);
}

fn unknown(named: Vec<&Word>, project: &Project, problems: &mut Diagnostics) {
    for word in named.into_iter().filter(|word| project.people.get(word.as_str()).is_none()) {
        let problem = Diagnostic::error(
            &UNKNOWN_PERSON,
            word.span,
            format!("the project file has no `{}` under `people`", word.as_str()),
        );
        problems.push(match project.people.names().next() {
            Some(_) => problem.suggest(word.as_str(), project.people.names()),
            None => problem.help(format!("add `people: {{ {}: {{ by: hand }} }}` to `trueup.yaml`", word.as_str())),
        });
    }
}

fn escalated<'a>(then: &'a Then, named: &mut Vec<&'a Word>) {
    match &then.verdict {
        Verdict::Escalate(who, _) => named.push(who),
        Verdict::Retry(retry) => retry.exhausted.iter().for_each(|then| escalated(then, named)),
        _ => {}
    }
}
