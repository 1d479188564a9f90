//! `resource` steps: a kind that exists, the key that it takes, and only what it can do.

use crate::{
    action::{
        kinds::Act,
        resource::{KindOf, ResourceKind, ResourceSpec},
    },
    base::{
        diagnostic::{Code, Diagnostic, Diagnostics},
        shape::ONE_OF,
        source::Span,
        suggest,
    },
    check::{project::resources, scene::Scene},
};

/// No such kind.
pub static UNKNOWN_RESOURCE: Code = Code {
    id: "E0461",
    title: "unknown resource",
    explain: "`resource: { read: NAME }` and `{ set: NAME }` name a kind of thing that the project file (`trueup.yaml`) declares under \
        `resources:`. This name is not among them. A thing that only one step knows may stand there itself, in place of its name: \
        `read: { api: …, read: { get: … } }`.",
};
/// A step that asks for something that its kind does not do.
pub static ODD_RESOURCE: Code = Code {
    id: "E0462",
    title: "a resource step that does not fit its kind",
    explain: "A `resource` step says which one it means with exactly the names under `key:` of its kind. `read:` only looks, so it takes neither \
        `state` nor `only_if`; `set:` needs `state:`, `without:` or `ensure: absent`. What a step wants its kind must be able to do: \
        `write:` for fields that differ, `create:` for a missing one, `remove:` for `ensure: absent`, `ready:` for waiting.",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&UNKNOWN_RESOURCE, &ODD_RESOURCE];

/// Looks at every resource step.
pub fn look(scene: &Scene<'_>, problems: &mut Diagnostics) {
    for visit in &scene.visits {
        let Act::Resource(spec) = &visit.step.act else { continue };
        if spec.kind().is_none() {
            problems.push(
                Diagnostic::error(&ONE_OF, visit.step.act_at, "a resource step has exactly one of `read` and `set`")
                    .help("write `read: NAME` to look only, `set: NAME` to change what differs"),
            );
            continue;
        }
        if let Some(KindOf::Named(word)) = spec.kind()
            && scene.project.resources.get(word.as_str()).is_none()
        {
            let what = format!("the project file has no resource `{}`", word.as_str());
            let problem = Diagnostic::error(&UNKNOWN_RESOURCE, word.span, what);
            problems.push(match scene.project.resources.names().next() {
                Some(_) => problem.suggest(word.as_str(), scene.project.resources.names()),
                None => problem.help("declare it in `trueup.yaml` under `resources:`"),
            });
        }
        wishes(spec, problems);
        let Some((_, kind, table)) = scene.resource(visit.step) else { continue };
        if let Some(KindOf::Here(kind)) = spec.kind() {
            resources::calls(kind, &table.table, problems);
        }
        key(spec, kind, &table.to_string(), problems);
        able(spec, kind, &table.to_string(), problems);
    }
}

fn odd(problems: &mut Diagnostics, at: Span, message: String, help: &str) {
    problems.push(Diagnostic::error(&ODD_RESOURCE, at, message).help(help.to_owned()));
}

/// What is wanted makes sense by itself.
fn wishes(spec: &ResourceSpec, problems: &mut Diagnostics) {
    let state = spec.state.as_ref().or(spec.without.as_ref()).or(spec.create.as_ref()).map(|datum| datum.span());
    let guard = spec.only_if.entries.first().map(|(word, _)| word.span);
    let ensures = spec.ensure.map(|_| spec.at);
    if spec.is_read() {
        if let Some(at) = state.or(guard).or(ensures) {
            odd(problems, at, "`read:` only looks at the resource".into(), "write `set:` to change what differs");
        }
        if let Some(fail_when) = &spec.fail_when {
            let at = fail_when.scalar().span;
            odd(problems, at, "`read:` waits for nothing".into(), "take `fail_when:` out, or use `set:`");
        }
        return;
    }
    if spec.expect.is_some() {
        let help = "take it out: a missing one is an error, unless `create:` says what a new one has";
        odd(problems, spec.at, "`expect:` belongs to `read:`".into(), help);
    }
    match (spec.removes(), state) {
        (true, Some(at)) => {
            odd(problems, at, "what is to be absent has no fields".into(), "take it out, or take `ensure: absent` out")
        }
        (false, None) => odd(
            problems,
            spec.at,
            "nothing says what the resource is to be like".into(),
            "add `state: { field: value }`, or `ensure: absent`",
        ),
        _ => {}
    }
}

/// Exactly the names that the kind takes.
fn key(spec: &ResourceSpec, kind: &ResourceKind, name: &str, problems: &mut Diagnostics) {
    let known: Vec<&str> = kind.key.iter().map(|word| word.as_str()).collect();
    for (word, _) in spec.key.entries.iter().filter(|(word, _)| !known.contains(&word.as_str())) {
        let problem = Diagnostic::error(&ODD_RESOURCE, word.span, format!("`{name}` has no key `{}`", word.as_str()));
        problems.push(match known.is_empty() {
            true => problem.help("there is only one of it: take `key:` out"),
            false => problem.suggest(word.as_str(), known.iter().copied()),
        });
    }
    let missing: Vec<&str> = known.into_iter().filter(|name| spec.key.get(name).is_none()).collect();
    if !missing.is_empty() {
        let at = if spec.key.entries.is_empty() { spec.at } else { spec.key.at };
        let message = format!("nothing says which `{name}` is meant: {} missing", keys(&missing));
        let example: Vec<String> = missing.iter().map(|name| format!("{name}: …")).collect();
        problems.push(
            Diagnostic::error(&ODD_RESOURCE, at, message).help(format!("add `key: {{ {} }}`", example.join(", "))),
        );
    }
}

fn keys(names: &[&str]) -> String {
    let list = suggest::list(names);
    if names.len() == 1 { format!("its key {list} is") } else { format!("its keys {list} are") }
}

/// The kind can do what the step wants.
fn able(spec: &ResourceSpec, kind: &ResourceKind, name: &str, problems: &mut Diagnostics) {
    if spec.is_read() {
        return;
    }
    let mut needs = |wanted: Option<Span>, can: bool, word: &str, what: &str| {
        if let Some(at) = wanted.filter(|_| !can) {
            let message = format!("`{name}` says no `{word}:`, so {what}");
            let how = if word == "ready" { "ready: …".to_owned() } else { format!("{word}: {{ … }}") };
            odd(problems, at, message, &format!("add `{how}` to the resource, or take this out"));
        }
    };
    let wanted = spec.state.as_ref().filter(|datum| !is_empty(datum)).or(spec.without.as_ref());
    needs(wanted.map(|datum| datum.span()), kind.write.is_some(), "write", "its fields cannot be changed");
    needs(spec.create.as_ref().map(|datum| datum.span()), kind.create.is_some(), "create", "a new one cannot be made");
    needs(spec.removes().then_some(spec.at), kind.remove.is_some(), "remove", "it cannot be removed");
    let waits = spec.fail_when.as_ref().map(|fail_when| fail_when.scalar().span);
    let waits = waits.or((spec.every.is_some()).then_some(spec.at));
    needs(waits, kind.ready.is_some(), "ready", "there is nothing to wait for");
}

/// `state: {}`: a new one is made with nothing but what `create:` says.
fn is_empty(datum: &crate::template::Datum) -> bool {
    matches!(&datum.tree, crate::template::Tree::Map(entries) if entries.is_empty())
}
