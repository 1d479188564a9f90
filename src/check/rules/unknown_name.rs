//! Names in expressions that nothing has.

use crate::{
    action::kinds::Act,
    base::{
        diagnostic::{Code, Diagnostic, Diagnostics},
        shape::Word,
        suggest,
    },
    check::{
        mentions::{ERROR, Home, Meaning, Mention, RESERVED, RUN},
        scene::{Role, Scene},
        spots::Sees,
    },
};

/// Nothing has this name.
pub static UNKNOWN_NAME: Code = Code {
    id: "E0234",
    title: "unknown name in an expression",
    explain: "An expression uses a name that nothing has. Known are `params.…` (what the person who runs the playbook gives), \
        `vars.…`, `env.…` (the environment's `vars` in the project file), `run.…` (`id`, `uuid`, `reason`, `actor`, `environment`, \
        `now`) and the `id` of every step before this one. `self` is the answer in `is:` and in a probe's `done` and `not_done`; `error` \
        (`status`, `code`, `body`, `text`, `step`) is what went wrong, in `otherwise:`, in the `errors:` table, and in the `rescue` and `always` \
        of a block; `item` is the item of a playbook with `targets:`. The name under `as:` of a `for_each:` is the element, inside that step.\n\n\
        A misspelt name is never taken as empty: an empty text in a statement or request is a wrong change.",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&UNKNOWN_NAME];

/// Looks at every mention.
pub fn look(scene: &Scene<'_>, problems: &mut Diagnostics) {
    for mention in &scene.mentions {
        match mention.meaning {
            Meaning::Nothing => unknown(scene, mention, problems),
            Meaning::Special => special(scene, mention, problems),
            Meaning::Params => {
                attribute(scene, mention, "parameter", scene.playbook.params.names().collect(), problems)
            }
            Meaning::Vars => attribute(scene, mention, "variable", scene.playbook.vars.names().collect(), problems),
            Meaning::Run => attribute(scene, mention, "part of `run`", RUN.to_vec(), problems),
            Meaning::Env => attribute(scene, mention, "value of the environments", environment(scene), problems),
            Meaning::Result(_) | Meaning::Element(_) => {}
        }
    }
    for visit in &scene.visits {
        visit.step.common.otherwise.iter().flat_map(|o| &o.reveal).for_each(|word| revealed(scene, word, problems));
        match &visit.step.act {
            Act::Ask(ask) => ask.reveal.iter().for_each(|word| revealed(scene, word, problems)),
            Act::Tell(tell) => tell.reveal.iter().for_each(|word| revealed(scene, word, problems)),
            _ => {}
        }
    }
}

/// `reveal:` names values of results or parameters: `trainee.date_of_birth`.
fn revealed(scene: &Scene<'_>, word: &Word, problems: &mut Diagnostics) {
    let (root, name) = word.as_str().split_once('.').unwrap_or((word.as_str(), ""));
    let turns = || scene.visits.iter().filter_map(|v| v.step.common.for_each.as_ref()).any(|l| l.name.as_str() == root);
    let known = match root {
        _ if turns() => true,
        "item" if scene.playbook.targets.is_some() => true,
        "params" => scene.playbook.params.get(name).is_some(),
        _ => scene.step(root).is_some(),
    };
    if !known && !scene.named.contains(root) && !scene.named.contains(name) {
        let message = format!("nothing is called `{}`, so it cannot be revealed", word.as_str());
        let problem = Diagnostic::error(&UNKNOWN_NAME, word.span, message);
        let item = scene.playbook.targets.as_ref().map(|_| "item");
        problems.push(problem.suggest(root, scene.step_names().chain(item).chain(["params"])));
    }
}

/// Every name that some environment has under `vars`.
pub fn environment<'a>(scene: &Scene<'a>) -> Vec<&'a str> {
    let mut all: Vec<&str> = scene.project.environments.iter().flat_map(|(_, e)| e.vars.names()).collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn attribute(scene: &Scene<'_>, mention: &Mention<'_>, what: &str, known: Vec<&str>, problems: &mut Diagnostics) {
    let root = mention.usage.path.root();
    let Some(name) = mention.attribute() else { return };
    if known.contains(&name) || scene.named.contains(name) {
        return;
    }
    let mut problem = Diagnostic::error(&UNKNOWN_NAME, mention.part(scene, 1), format!("there is no {what} `{name}`"));
    problem = if known.is_empty() {
        match mention.meaning {
            Meaning::Params => {
                problem.help("the playbook declares no `params`; add it there, or write the value itself")
            }
            Meaning::Vars => problem.help("the playbook has no `vars`; add it there"),
            _ => problem.help(format!(
                "`{root}` has no values; the project file declares them under `environments: {{ NAME: {{ vars: … }} }}`"
            )),
        }
    } else {
        problem.suggest(name, known)
    };
    problems.push(problem);
}

fn unknown(scene: &Scene<'_>, mention: &Mention<'_>, problems: &mut Diagnostics) {
    let name = mention.usage.path.root();
    // It stands in the file, in a part that could not be read.
    if scene.named.contains(name) {
        return;
    }
    let problem = Diagnostic::error(&UNKNOWN_NAME, mention.part(scene, 0), format!("nothing is called `{name}`"));
    // The likeliest mistake of all: the parameter itself instead of `params.…`.
    if scene.playbook.params.get(name).is_some() {
        return problems.push(problem.help(format!("parameters are written `params.{name}`")));
    }
    if scene.playbook.vars.get(name).is_some() {
        return problems.push(problem.help(format!("variables are written `vars.{name}`")));
    }
    if matches!(name, "null" | "Null" | "NULL" | "nil" | "None") {
        return problems.push(problem.help("in an expression null is written `none`: `x is none`"));
    }
    if let "yes" | "no" | "on" | "off" = name {
        let truth = matches!(name, "yes" | "on");
        return problems.push(problem.help(format!("write `{truth}`")));
    }
    let item = scene.playbook.targets.is_some() && item_is_there(scene, mention.home);
    let known = scene.step_names().chain(item.then_some("item")).chain(["params", "vars", "run", "env"]);
    let known: Vec<&str> = known.collect();
    // A word of a column or a parameter, without the quotes of a text.
    let alone = mention.usage.path.steps.len() == 1;
    let quotes = format!("a text stands in quotes: `'{name}'`");
    problems.push(if alone && is_word(scene, name) {
        problem.help(quotes)
    } else if alone && suggest::nearest(name, known.iter().copied()).is_none() {
        problem.suggest(name, known).help(quotes)
    } else {
        problem.suggest(name, known)
    });
}

/// Some column or parameter has a value of this name.
fn is_word(scene: &Scene<'_>, name: &str) -> bool {
    let mut named = scene.project.tables().flat_map(|(_, facts)| facts.enums.iter());
    let params = || scene.playbook.params.iter().any(|(_, param)| param.words(scene.project).contains(&name));
    named.any(|(_, names)| names.get(name).is_some()) || params()
}

/// An item exists where the text stands.
fn item_is_there(scene: &Scene<'_>, home: Home) -> bool {
    match home {
        Home::Step(index) => scene.visits[index].role != Role::Source,
        Home::Targets { item } => item,
        Home::Var(_) | Home::ErrorRow(_) | Home::Returns => true,
    }
}

fn special(scene: &Scene<'_>, mention: &Mention<'_>, problems: &mut Diagnostics) {
    let name = mention.usage.path.root();
    let at = mention.part(scene, 0);
    let (fine, message, help) = match name {
        "self" => (
            matches!(mention.spot.sees, Sees::Answer | Sees::Judged),
            "`self` has no meaning here",
            "`self` is the answer in `is:` and in a probe's `done` and `not_done`; elsewhere \
                write the `id` of the step",
        ),
        "error" => (
            mention.spot.sees == Sees::Own || matches!(mention.home, Home::Step(home) if scene.is_at_the_end(home)),
            "`error` has no meaning here",
            "`error` is what went wrong, in `otherwise:`, in the `errors:` table, and in the `rescue` and `always` of a block",
        ),
        "item" if scene.playbook.targets.is_some() => (
            item_is_there(scene, mention.home),
            "`item` has no meaning here",
            "the items are not there yet; use `params`, `vars`, `env` and `run`",
        ),
        "item" => (
            // `targets` may be the part that could not be read.
            !scene.named.is_empty(),
            "`item` has no meaning here",
            "this playbook works on a single record; use `params` and the results of steps",
        ),
        _ => (
            false,
            "`now` is a function",
            "write `now()` for the clock, or `run.now` for the moment at which the run was made",
        ),
    };
    if !fine {
        debug_assert!(RESERVED.contains(&name));
        problems.push(Diagnostic::error(&UNKNOWN_NAME, at, message).help(help));
    } else if name == "error" {
        attribute(scene, mention, "part of `error`", ERROR.to_vec(), problems);
    }
}
