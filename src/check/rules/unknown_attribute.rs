//! Attributes that the result of a step does not have.

use crate::{
    action::kinds::Act,
    base::diagnostic::{Code, Diagnostic, Diagnostics},
    check::{
        mentions::{Home, Meaning, Mention},
        scene::Scene,
        shape::{self, Misstep, Shape},
    },
    template::{Step as Part, Tree, UseKind},
};

/// No such attribute.
pub static UNKNOWN_ATTRIBUTE: Code = Code {
    id: "E0235",
    title: "an attribute that the result does not have",
    explain: "The result of a step has known attributes: a found row the columns of its table (those under `columns:`, when that is \
        given), an `http` step `status`, `headers` and `body`, an `ask` step the parts of its `answer`. A `find` or `query` with \
        `expect: many`, `none` or a range gives a list: take `| first`, or loop.\n\n\
        Columns of tables are compared with the database's catalogue, which `trueup check --env NAME` reads.",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&UNKNOWN_ATTRIBUTE];

/// Looks at every attribute of every result and variable.
pub fn look(scene: &Scene<'_>, problems: &mut Diagnostics) {
    for mention in scene.mentions.iter().filter(|m| m.usage.kind == UseKind::Variable && m.usage.path.steps.len() > 1) {
        if let Some(problem) = not_again(scene, mention) {
            problems.push(problem);
            continue;
        }
        match mention.meaning {
            Meaning::Result(index) => {
                let home = if let Home::Step(home) = mention.home { Some(home) } else { None };
                judge(scene, mention, 0, &shape::seen(scene, index, home), problems)
            }
            Meaning::Special if mention.usage.path.root() == "item" => {
                judge(scene, mention, 0, &shape::of_item(scene), problems);
            }
            Meaning::Vars if mention.usage.path.steps.len() > 2 => {
                let datum = mention.attribute().and_then(|name| scene.playbook.vars.get(name));
                if let Some(datum) = datum {
                    judge(scene, mention, 1, &shape::of_datum(datum), problems);
                }
            }
            _ => {}
        }
    }
}

/// `.now` where no row is read again: of one of many rows, and under `returns:`.
fn not_again(scene: &Scene<'_>, mention: &Mention<'_>) -> Option<Diagnostic> {
    let find = |index: usize| match &scene.visits[index].step.act {
        Act::Find(find) => Some(find),
        _ => None,
    };
    let now = |part: Option<&Part>| matches!(part, Some(Part::Name(name)) if &**name == "now");
    let parts = mention.usage.path.steps.as_slice();
    let root = mention.usage.path.root();
    let (at, message, help) = match (mention.meaning, parts) {
        (Meaning::Result(index), [_, Part::Index(_) | Part::Each, ..]) => {
            (!find(index)?.expects().is_single() && now(parts.get(2))).then_some(())?;
            (2, format!("the rows of `{root}` are not read again"), FIND_IT)
        }
        (Meaning::Result(index), _) if now(parts.get(1)) => {
            let single = find(index)?.expects().is_single();
            if mention.home == Home::Returns {
                (
                    1,
                    format!("`{root}` is not read again for `returns:`"),
                    "let the last step `find` it, and give that back",
                )
            } else if single {
                return None;
            } else {
                (1, format!("`{root}` is a list, and its rows are not read again"), FIND_IT)
            }
        }
        (Meaning::Element(index), _) if now(parts.get(1)) => {
            let list = &scene.visits[index].step.common.for_each.as_ref()?.list;
            let Tree::Scalar(text) = &list.tree else { return None };
            let of = text.path().filter(|path| path.steps.len() == 1)?;
            find(scene.visits.iter().position(|visit| visit.step.id() == Some(of.root()))?)?;
            (1, format!("`{root}` is one of several rows, which are not read again"), FIND_IT)
        }
        _ => return None,
    };
    Some(Diagnostic::error(&UNKNOWN_ATTRIBUTE, mention.part(scene, at), message).help(help))
}

const FIND_IT: &str = "`find` the one row by its key, in a step of its own with `expect: one`";

/// `root` is the index of the part that carries the value.
fn judge(scene: &Scene<'_>, mention: &Mention<'_>, root: usize, shape: &Shape, problems: &mut Diagnostics) {
    let parts = &mention.usage.path.steps[root..];
    let owner = crate::template::Path { steps: mention.usage.path.steps[..=root].to_vec() };
    let problem = match shape.walk(parts) {
        Ok(()) => return,
        Err(Misstep::NoSuch(index, known)) => {
            let name = part(mention, root + index);
            Diagnostic::error(
                &UNKNOWN_ATTRIBUTE,
                mention.part(scene, root + index),
                format!("`{owner}` has no attribute `{name}`"),
            )
            .suggest(&name, known.iter().map(String::as_str).filter(|k| *k != "now"))
        }
        Err(Misstep::OfList(index)) => {
            let name = part(mention, root + index);
            Diagnostic::error(
                &UNKNOWN_ATTRIBUTE,
                mention.part(scene, root + index),
                format!("`{owner}` is a list and has no attribute `{name}`"),
            )
            .help(format!(
                "take one element (`({owner} | first).{name}`), all of them (`{owner} | \
                    map(attribute='{name}')`), or let the step `expect: one`"
            ))
        }
    };
    problems.push(problem);
}

fn part(mention: &Mention<'_>, index: usize) -> String {
    match mention.usage.path.steps.get(index) {
        Some(Part::Name(name)) => name.to_string(),
        _ => String::new(),
    }
}
