//! Whether a value that an author wrote can be a list, as far as that is known before anything runs. Judges nothing.

use super::{
    families::{self, Known},
    mentions::{Home, Meaning, Mention},
    scene::Scene,
    shape::{self, Shape},
};
use crate::{
    action::kinds::Act,
    template::{Datum, Step as Part, Text, Tree, compare::Family},
};

/// Why a value is never a list, and what to write.
pub struct NoList {
    /// As a message: `` `order` is a single record, not a list ``.
    pub message: String,
    /// What to do.
    pub help: String,
}

fn no_list(what: &str, is: &str, help: impl Into<String>) -> Option<NoList> {
    Some(NoList { message: format!("{what} is {is}, not a list"), help: help.into() })
}

/// Nothing where it may be a list.
pub fn never(scene: &Scene<'_>, datum: &Datum) -> Option<NoList> {
    match &datum.tree {
        Tree::List(_) => None,
        Tree::Map(_) => no_list("this", "a map", "write its elements in square brackets: `[…]`"),
        Tree::Scalar(text) => match text.literal() {
            Some(value) if value.is_null() => {
                no_list("this", "nothing", "write its elements in square brackets: `[…]`")
            }
            Some(value) => {
                let written = value.bare();
                // With braces it would be none, either.
                if let Some(index) = scene.step(&written)
                    && let Some(never) = of_result(scene, index, &format!("`{written}`"))
                {
                    return Some(never);
                }
                no_list(&format!("`{written}`"), value.kind(), written_out(scene, &written))
            }
            None if text.is_mixed() => {
                no_list("this", "always a text", "a value that is exactly one `{{ … }}` keeps its kind")
            }
            None => of_path(scene, text),
        },
    }
}

/// A name without its braces, or elements without their brackets.
fn written_out(scene: &Scene<'_>, written: &str) -> String {
    let root = written.split(['.', ' ', '|', '[']).next().unwrap_or_default();
    let named = scene.step(root).is_some() || ["params", "vars", "env", "item"].contains(&root) && root != written;
    match named {
        true => format!("for the value of that name write `\"{{{{ {written} }}}}\"`"),
        false => format!("write its elements in square brackets: `[{written}]`"),
    }
}

/// A value that is exactly one name, and of which is known what it stands for.
fn of_path(scene: &Scene<'_>, text: &Text) -> Option<NoList> {
    let path = text.path()?;
    let mention = scene.mentions.iter().find(|m| std::ptr::eq(m.spot.scalar, text.scalar()) && m.usage.path == path)?;
    let said = format!("`{path}`");
    if let (Meaning::Vars, [_, Part::Name(name)]) = (mention.meaning, path.steps.as_slice()) {
        // A variable that is made of another one may go round; one step is enough to help.
        let Tree::Scalar(text) = &scene.playbook.vars.get(name)?.tree else { return None };
        let value = text.literal()?;
        return no_list(&said, value.kind(), "give that variable a list: `[…]`");
    }
    if let (Meaning::Result(index), Home::Step(home), 1) = (mention.meaning, mention.home, path.steps.len())
        && scene.loops_between(index, Some(home)).is_empty()
    {
        return of_result(scene, index, &said);
    }
    let family = of_mention(scene, mention)?;
    (family != Family::List).then(|| no_list(&said, family.words(), "name something that holds several"))?
}

fn of_mention(scene: &Scene<'_>, mention: &Mention<'_>) -> Option<Family> {
    match families::of_mention(scene, mention)? {
        Known::Words(_) => Some(Family::Text),
        Known::Family(family) => Some(family),
        Known::Column(table, column) => {
            let named = scene.facts(&table).is_some_and(|facts| facts.enums.get(&column).is_some());
            let kind = || families::of_kind(&scene.catalogue(&table)?.column(&column)?.kind);
            if named { Some(Family::Text) } else { kind() }
        }
    }
}

/// The whole result of a step.
fn of_result(scene: &Scene<'_>, index: usize, said: &str) -> Option<NoList> {
    let step = scene.visits[index].step;
    let id = step.id().unwrap_or_default();
    match &step.act {
        Act::Find(find) if find.expects().is_single() => no_list(said, "a single record", many(id)),
        Act::Query(query) if query.expects().is_single() => no_list(said, "a single record", many(id)),
        Act::Row(_) => no_list(said, "a single record", "name a step that gives several"),
        Act::Http(_) => {
            let help = format!("name the list in it: `\"{{{{ {id}.body }}}}\"`, or a part of that");
            no_list(said, "an answer with `status`, `headers` and `body`", help)
        }
        Act::Command(_) => {
            no_list(said, "what a program gave", format!("name its output: `\"{{{{ {id}.output }}}}\"`"))
        }
        _ => match shape::of_result(scene, index) {
            Shape::Fields(fields) => {
                let names: Vec<String> = fields.iter().map(|(name, _)| format!("`{name}`")).collect();
                no_list(said, "a map", format!("its parts are {}", names.join(", ")))
            }
            _ => None,
        },
    }
}

fn many(id: &str) -> String {
    format!("let the step `{id}` say `expect: many` (or a range such as `1..50`), if several are meant")
}
