//! Every use of a name in a playbook, with what the name stands for. Judges nothing.

use super::{
    scene::{Role, Scene},
    spots::{self, Sees, Spot},
};
use crate::{
    base::source::Span,
    template::{Step as Part, Use, UseKind},
};

/// The names that the language itself gives; no step may have them.
pub const RESERVED: &[&str] = &["params", "vars", "env", "run", "item", "self", "error", "now"];

/// Words of the expression grammar; a step of that name could never be used.
pub const GRAMMAR: &[&str] =
    &["and", "or", "not", "in", "is", "if", "else", "for", "true", "false", "none", "null", "set", "loop"];

/// What `run.…` has.
pub const RUN: &[&str] = &["id", "uuid", "reason", "actor", "environment", "now", "items", "states"];

/// What `error.…` has, in `otherwise:`, in the `errors:` table, in `rescue` and `always`: what went wrong.
pub const ERROR: &[&str] = &["status", "code", "body", "text", "step", "said"];

/// Where a text stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Home {
    /// In the step with this index.
    Step(usize),
    /// In the variable with this index.
    Var(usize),
    /// In the row of the errors table with this index.
    ErrorRow(usize),
    /// Under `returns:`: all is done.
    Returns,
    /// Under `targets:` or `limits:`; with what there is already an `item`.
    Targets {
        /// `item` stands for one.
        item: bool,
    },
}

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// `params`.
    Params,
    /// `vars`.
    Vars,
    /// `env`.
    Env,
    /// `run`.
    Run,
    /// `self`, `error`, `item`, `now`: whether it exists here is for a rule to say.
    Special,
    /// The element of the loop of the step with this index.
    Element(usize),
    /// The result of the listed step with this index.
    Result(usize),
    /// Nothing.
    Nothing,
}

/// One use.
#[derive(Clone, Copy, Debug)]
pub struct Mention<'a> {
    /// Where the text stands.
    pub home: Home,
    /// The text.
    pub spot: Spot<'a>,
    /// The use.
    pub usage: &'a Use,
    /// What the name stands for.
    pub meaning: Meaning,
}

impl<'a> Mention<'a> {
    /// The name that stands after the first: `x` of `params.x`.
    pub fn attribute(&self) -> Option<&'a str> {
        match self.usage.path.steps.get(1) {
            Some(Part::Name(name)) => Some(name),
            _ => None,
        }
    }

    /// The whole use in the file.
    pub fn span(&self, scene: &Scene<'_>) -> Span {
        self.spot.scalar.inner(scene.source, self.usage.range.clone())
    }

    /// The part of the use that names step `at` of its path, from 0; the whole where it cannot be told.
    pub fn part(&self, scene: &Scene<'_>, at: usize) -> Span {
        let range = self.usage.range.clone();
        let text = self.spot.scalar.text.get(range.clone()).unwrap_or("");
        let mut from = 0;
        for (index, part) in self.usage.path.steps.iter().enumerate().take(at + 1) {
            let Part::Name(name) = part else { continue };
            match text.get(from..).and_then(|rest| rest.find(&**name)) {
                Some(found) if index == at => {
                    let start = range.start + from + found;
                    return self.spot.scalar.inner(scene.source, start..start + name.len());
                }
                Some(found) => from += found + name.len(),
                None => break,
            }
        }
        self.span(scene)
    }
}

/// Every use of every name as a value or a step; filters, tests and functions are the template layer's business.
pub fn all<'a>(scene: &Scene<'a>) -> Vec<Mention<'a>> {
    let mut all = Vec::new();
    let mut add = |home: Home, spots: Vec<Spot<'a>>| {
        for spot in spots {
            for usage in spot.names.iter().filter(|u| {
                matches!(u.kind, UseKind::Variable | UseKind::Optional | UseKind::Step)
                    && !spot.given.contains(&u.path.root())
            }) {
                all.push(Mention { home, spot, usage, meaning: meaning(scene, home, spot.sees, usage.path.root()) });
            }
        }
    };
    for (index, (_, datum)) in scene.playbook.vars.iter().enumerate() {
        add(Home::Var(index), spots::of_tree(&datum.tree));
    }
    for (index, visit) in scene.visits.iter().enumerate() {
        add(Home::Step(index), spots::of_step(visit.step));
    }
    for (index, row) in scene.playbook.errors.iter().enumerate() {
        add(Home::ErrorRow(index), spots::of_error_row(row));
    }
    for (_, datum) in scene.playbook.returns.iter() {
        add(Home::Returns, spots::of_tree(&datum.tree));
    }
    for item in [false, true] {
        add(Home::Targets { item }, spots::of_targets(scene.playbook, item));
    }
    all
}

fn meaning(scene: &Scene<'_>, home: Home, sees: Sees, name: &str) -> Meaning {
    if let Home::Step(home) = home {
        let from = usize::from(sees == Sees::List);
        let named =
            |at: &usize| scene.visits[*at].step.common.for_each.as_ref().is_some_and(|l| l.name.as_str() == name);
        if let Some(at) = scene.around(home).skip(from).find(named) {
            return Meaning::Element(at);
        }
    }
    match name {
        "params" => Meaning::Params,
        "vars" => Meaning::Vars,
        "env" => Meaning::Env,
        "run" => Meaning::Run,
        "self" | "error" | "item" | "now" => Meaning::Special,
        _ => scene.step(name).map_or(Meaning::Nothing, Meaning::Result),
    }
}

/// The step with index `result` has come to its end when the text runs.
pub fn is_before(scene: &Scene<'_>, result: usize, home: usize, sees: Sees) -> bool {
    // An `undo:` runs after its owner and may look at the result; a probe asks because there is no result.
    let role = scene.visits[home].role;
    let own = if role == Role::Listed { home } else { scene.visits[home].owner.unwrap_or(home) };
    result < own
        || result == own && (matches!(sees, Sees::Own | Sees::Judged) && role == Role::Listed || role == Role::Undo)
}
