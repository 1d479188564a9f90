//! Personal values that the person who needs them would not see.

use super::Around;
use crate::{
    action::{
        choose::Choice,
        ends::{Otherwise, Way},
        kinds::Act,
    },
    base::{
        diagnostic::{Code, Diagnostic, Diagnostics},
        shape::Word,
    },
    check::scene::Scene,
    connection::http::settings::Part,
    template::{Step, Text, Use},
};

/// They read "(personal)".
pub static HIDDEN: Code = Code {
    id: "W0056",
    title: "a message with a value that stays hidden",
    explain: "Personal values are masked in every message: who is told, asked or called to look reads `(personal)` where the name or the date of birth should \
        stand. `reveal: [trainee.date_of_birth]` shows the named values to this person and to nobody else. If they do not need it, \
        take it out of the text.",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&HIDDEN];

pub fn look(scene: &Scene<'_>, _: Around, problems: &mut Diagnostics) {
    for visit in &scene.visits {
        let mut ends: Vec<&Otherwise> = visit.step.common.otherwise.iter().collect();
        match &visit.step.act {
            Act::End(end) => ends.push(end),
            Act::Tell(tell) => text(scene, (&tell.who, &tell.message, &tell.reveal), problems),
            Act::Ask(ask) => {
                let texts = std::iter::once(&ask.question).chain(ask.evidence.iter().map(|(_, evidence)| evidence));
                texts.for_each(|one| text(scene, (&ask.who, one, &ask.reveal), problems));
            }
            Act::Choose(choose) => ends.extend(choose.choices().filter_map(|(_, choice)| match choice {
                Choice::End(end, _) => Some(end),
                Choice::Arm(_) => None,
            })),
            _ => {}
        }
        ends.into_iter().filter(|end| end.way == Way::Escalate).for_each(|end| one(scene, end, problems));
    }
}

fn one(scene: &Scene<'_>, end: &Otherwise, problems: &mut Diagnostics) {
    if let (Some(say), Some(who)) = (&end.say, &end.who) {
        text(scene, (who, say, &end.reveal), problems);
    }
}

/// A text that somebody reads, with what is shown to them.
fn text(scene: &Scene<'_>, (who, say, reveal): (&Word, &Text, &[Word]), problems: &mut Diagnostics) {
    for usage in say.names() {
        let path = usage.path.to_string();
        let shown = reveal.iter().any(|word| path == word.as_str() || path.starts_with(&format!("{}.", word.as_str())));
        if shown || !is_personal(scene, usage) {
            continue;
        }
        problems.push(
            Diagnostic::warning(
                &HIDDEN,
                say.scalar().inner(scene.source, usage.range.clone()),
                format!("`{}` will read (personal) here", who.as_str()),
            )
            .help(format!("add `reveal: [{path}]` if they need it, or take it out of the text")),
        );
    }
}

fn is_personal(scene: &Scene<'_>, usage: &Use) -> bool {
    let root = usage.path.root();
    let rest: Vec<&str> = usage
        .path
        .steps
        .iter()
        .skip(1)
        .filter_map(|step| if let Step::Name(name) = step { Some(&**name) } else { None })
        .collect();
    let Some(first) = rest.first() else { return false };
    if root == "params" {
        return scene.playbook.params.get(first).is_some_and(|param| param.personal == Some(true));
    }
    let Some(step) = scene.step(root).map(|at| scene.visits[at].step) else { return false };
    if let Some(api) = scene.api_of(step) {
        let http = scene.connection(api).and_then(|connection| connection.http.as_ref());
        // `*` in the project file is every element of a list.
        let is = |part: &Part| {
            let names = part.steps.iter().filter(|name| &***name != "*");
            names.count() <= rest.len()
                && part.steps.iter().filter(|name| &***name != "*").zip(&rest).all(|(a, b)| &**a == *b)
        };
        return http.is_some_and(|http| http.personal.iter().any(is));
    }
    let facts = scene.table(step).and_then(|table| scene.facts(&table));
    facts.is_some_and(|facts| facts.personal.iter().any(|word| word.as_str() == *first))
}
