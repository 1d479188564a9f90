//! Variables that need each other, and what every variable brings along.

use crate::{
    base::diagnostic::{Code, Diagnostic, Diagnostics},
    check::{
        mentions::{Home, Meaning, Mention},
        scene::Scene,
    },
    template::problem::CYCLE,
};
use std::collections::{HashMap, HashSet};

/// All codes of this file; the code itself belongs to the template layer, which finds what slips through here.
pub static CODES: &[&Code] = &[&CYCLE];

/// Looks at every variable.
pub fn look(scene: &Scene<'_>, problems: &mut Diagnostics) {
    let needs = needs(scene);
    let mut reported: HashSet<&str> = HashSet::new();
    for (word, datum) in &scene.playbook.vars.entries {
        if reported.contains(word.as_str()) {
            continue;
        }
        if let Some(round) = cycle(word.as_str(), &needs) {
            let shown = round.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" → ");
            problems.push(
                Diagnostic::error(&CYCLE, word.span, format!("`{}` needs itself: {shown}", word.as_str()))
                    .label(datum.span(), "used from here on")
                    .help("write one of them without the other"),
            );
            reported.extend(round);
        }
    }
}

/// For each variable the others that it uses.
fn needs<'a>(scene: &Scene<'a>) -> HashMap<&'a str, Vec<&'a str>> {
    let mut needs: HashMap<&str, Vec<&str>> = HashMap::new();
    for mention in scene.mentions.iter().filter(|m| m.meaning == Meaning::Vars) {
        if let (Home::Var(index), Some(used)) = (mention.home, mention.attribute()) {
            needs.entry(scene.playbook.vars.entries[index].0.as_str()).or_default().push(used);
        }
    }
    needs
}

/// The way from a variable back to itself, its name first and last.
fn cycle<'a>(start: &'a str, needs: &HashMap<&'a str, Vec<&'a str>>) -> Option<Vec<&'a str>> {
    fn walk<'a>(
        at: &'a str,
        start: &str,
        needs: &HashMap<&'a str, Vec<&'a str>>,
        way: &mut Vec<&'a str>,
        seen: &mut HashSet<&'a str>,
    ) -> bool {
        way.push(at);
        for next in needs.get(at).into_iter().flatten() {
            if *next == start {
                way.push(next);
                return true;
            }
            if seen.insert(next) && walk(next, start, needs, way, seen) {
                return true;
            }
        }
        way.pop();
        false
    }
    let (mut way, mut seen) = (Vec::new(), HashSet::new());
    walk(start, start, needs, &mut way, &mut seen).then_some(way)
}

/// For each variable the indexes of the steps whose results it uses, itself or through others.
pub fn results_behind<'a>(scene: &Scene<'a>) -> HashMap<&'a str, Vec<usize>> {
    behind(scene, |mention| match mention.meaning {
        Meaning::Result(result) => Some(result),
        _ => None,
    })
}

/// For each variable what `of` finds in it, or in others that it uses.
pub fn behind<'a, T: Copy>(scene: &Scene<'a>, of: impl Fn(&Mention<'a>) -> Option<T>) -> HashMap<&'a str, Vec<T>> {
    let needs = needs(scene);
    let mut own: HashMap<&str, Vec<T>> = HashMap::new();
    for mention in &scene.mentions {
        if let (Home::Var(index), Some(found)) = (mention.home, of(mention)) {
            own.entry(scene.playbook.vars.entries[index].0.as_str()).or_default().push(found);
        }
    }
    let mut behind = HashMap::new();
    for name in scene.playbook.vars.names() {
        let (mut all, mut open, mut seen) = (Vec::new(), vec![name], HashSet::from([name]));
        while let Some(at) = open.pop() {
            all.extend(own.get(at).into_iter().flatten().copied());
            open.extend(needs.get(at).into_iter().flatten().copied().filter(|next| seen.insert(next)));
        }
        if !all.is_empty() {
            behind.insert(name, all);
        }
    }
    behind
}
