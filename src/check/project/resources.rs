//! Kinds of resources: a connection that is an API, calls that read and write, expressions that look at what they are given.

use crate::{
    action::resource::{ResourceKind, kind::Template},
    base::diagnostic::{Code, Diagnostic, Diagnostics},
    check::{
        knowledge::Knowledge,
        mentions::RUN,
        rules::http_call,
        scene::{System, system},
        spots,
    },
    playbook::project::Project,
    template::{Step as Part, UseKind},
};

/// A kind that could not work.
pub static ODD_KIND: Code = Code {
    id: "E0631",
    title: "a resource that cannot work",
    explain: "A kind of resource (`resources:` in the project file) is read by a GET and written by `write`, `create` and `remove`, each one \
        call of its own API. Its expressions know nothing of a playbook: they see `key.…` (the names under `key:`), `env.…` and `run.…`; \
        `absent_when` and `state` also `read` (the answer), `ready` and `fail_when` also `state` (the fields), and the calls that write also \
        `before`, `changes` and `removed`.",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&ODD_KIND];

/// Looks at every kind.
pub fn look(project: &Project, _: &Knowledge, problems: &mut Diagnostics) {
    for (word, kind) in &project.resources.entries {
        api(project, kind, problems);
        calls(kind, word.as_str(), problems);
        names(project, kind, problems);
    }
}

fn api(project: &Project, kind: &ResourceKind, problems: &mut Diagnostics) {
    let name = kind.api.as_str();
    let problem = match project.connections.get(name).map(system) {
        Some(System::Http) => return,
        Some(_) => Diagnostic::error(&ODD_KIND, kind.api.span, format!("`{name}` is a database, not an API"))
            .help("name a connection with `http:`; rows are changed by `row` steps"),
        None => Diagnostic::error(&ODD_KIND, kind.api.span, format!("there is no connection `{name}`"))
            .suggest(name, project.connections.names()),
    };
    problems.push(problem);
}

/// What holds of a kind wherever it stands, also in a step.
pub fn calls(kind: &ResourceKind, name: &str, problems: &mut Diagnostics) {
    let mut odd = |call: &Template, message: String, help: &str| {
        problems.push(Diagnostic::error(&ODD_KIND, call.0.at, message).help(help.to_owned()))
    };
    if !kind.read.0.is_read() {
        odd(&kind.read, format!("`{name}` is read by a call that changes something"), "write `read: { get: /path }`");
    }
    for (word, call) in [("write", &kind.write), ("create", &kind.create), ("remove", &kind.remove)] {
        if let Some(call) = call.as_ref().filter(|call| call.0.is_read()) {
            let message = format!("`{word}` of `{name}` changes nothing");
            odd(call, message, "write `patch:`, `put:`, `post:` or `delete:`");
        }
    }
    let all = [Some(&kind.read), kind.write.as_ref(), kind.create.as_ref(), kind.remove.as_ref()];
    for call in all.into_iter().flatten() {
        if let Some((method, path)) = call.0.method() {
            http_call::shape(&call.0, method, path, problems);
        }
    }
    if let (Some(_), Some(why)) = (&kind.undo, &kind.irreversible) {
        problems.push(
            Diagnostic::error(&ODD_KIND, why.scalar().span, "`undo:` and `irreversible:` exclude each other")
                .help("keep the one that is true"),
        );
    }
    if let (None, Some(length)) = (&kind.ready, &kind.fail_when) {
        problems.push(
            Diagnostic::error(&ODD_KIND, length.scalar().span, "`fail_when:` without `ready:`: nothing is waited for")
                .help("add `ready:` with what must become true"),
        );
    }
    let mut seen: Vec<&str> = Vec::new();
    for word in &kind.key {
        if seen.contains(&word.as_str()) {
            problems.push(Diagnostic::error(
                &ODD_KIND,
                word.span,
                format!("the key `{}` stands here twice", word.as_str()),
            ));
        }
        seen.push(word.as_str());
    }
}

/// A kind of the project file sees no playbook.
fn names(project: &Project, kind: &ResourceKind, problems: &mut Diagnostics) {
    let keys: Vec<&str> = kind.key.iter().map(|word| word.as_str()).collect();
    let mut environment: Vec<&str> = project.environments.iter().flat_map(|(_, e)| e.vars.names()).collect();
    environment.sort_unstable();
    environment.dedup();
    for spot in spots::of_kind(kind) {
        for usage in spot.names.iter().filter(|u| matches!(u.kind, UseKind::Variable | UseKind::Optional)) {
            let at = || spot.scalar.inner(problems.source(), usage.range.clone());
            let root = usage.path.root();
            let known = |known: &[&str]| match usage.path.steps.get(1) {
                Some(Part::Name(name)) => known.iter().all(|k| *k != &**name).then(|| name.to_string()),
                _ => None,
            };
            let (of, list) = match root {
                "key" if spot.given.contains(&"key") => ("key", &keys[..]),
                "run" => ("run", RUN),
                "env" => ("env", &environment[..]),
                _ if spot.given.contains(&root) => continue,
                _ => {
                    let all = spot.given.iter().copied().chain(["env", "run"]);
                    let problem = Diagnostic::error(&ODD_KIND, at(), format!("nothing is called `{root}` here"));
                    problems.push(problem.suggest(root, all));
                    continue;
                }
            };
            if let Some(name) = known(list).filter(|_| usage.kind == UseKind::Variable) {
                let problem = Diagnostic::error(&ODD_KIND, at(), format!("`{of}` has no `{name}` here"));
                problems.push(match list.is_empty() {
                    true => problem.help(format!("`{of}` has no values here")),
                    false => problem.suggest(&name, list.iter().copied()),
                });
            }
        }
    }
}
