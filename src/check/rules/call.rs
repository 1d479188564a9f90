//! `call`: the other playbook is there, gets what it needs, reaches no further than this one, and does not come back to it.

use crate::{
    action::{
        call::{CallSpec, DEEPEST},
        kinds::Act,
    },
    base::{
        diagnostic::{Code, Diagnostic, Diagnostics},
        shape::Word,
        source::Span,
        suggest,
    },
    check::{
        checked::Section,
        scene::{Role, Scene, Visit},
    },
    playbook::{
        model::{Playbook, Uses},
        params,
    },
    template::Scope,
};

/// Not there.
pub static NO_PLAYBOOK: Code = Code {
    id: "E0250",
    title: "a call of a playbook that does not exist",
    explain: "`call: { playbook: register/correct-award }` does the playbook in the file `register/correct-award.yaml` below the playbook folder. It is called by \
        its name, without `.yaml`, always from the playbook folder, wherever the calling playbook stands.",
};
/// Round in a circle.
pub static CIRCLE: Code = Code {
    id: "E0251",
    title: "playbooks that call each other without end",
    explain: "A playbook that calls itself, directly or through others, would never come to its end. Playbooks that call each other stand at most 8 deep in \
        each other: nobody can follow a plan that is deeper. What should be done several times is a `for_each:` on the call.",
};
/// Not what it takes.
pub static ODD_PARAMETER: Code = Code {
    id: "E0252",
    title: "a parameter that the called playbook does not take",
    explain: "`with:` gives the called playbook its parameters, by the rules under its `params:`: all that have no `default`, none that it does not declare, each \
        of its type. A value that is written out is checked here; one that an expression gives is checked when the call begins, before anything \
        of the called playbook is done.",
};
/// Further than we may.
pub static REACHES_FURTHER: Code = Code {
    id: "E0253",
    title: "a called playbook that reaches further than the one that calls it",
    explain: "Whoever approves a playbook sees at its head, under `uses:`, how far it can reach. So all that a called playbook declares under its `uses:` is \
        declared by the calling one, too; what it restricts to some columns may be restricted to fewer there, not to more. Inside the call the \
        called playbook's own `uses:` is enforced: it gets no more rights because somebody with more of them calls it. The message gives the \
        line to write.",
};
/// It cannot be called.
pub static NOT_CALLABLE: Code = Code {
    id: "E0254",
    title: "a playbook that cannot be called",
    explain: "A called playbook works on one record, which its parameters name. One with `targets:` makes a run of its own out of many items, and one with a parameter \
        of the type `file` reads a file that belongs to that run: start them by themselves. To do a playbook for many items, give the calling playbook the `targets:`, \
        and the call `with: { … item … }`.",
};
/// Not here.
pub static ODD_CALL: Code = Code {
    id: "E0255",
    title: "a call where none can stand, or with a key that it does not have",
    explain: "A `call` stands under `steps`, also in blocks, arms and loops, and not in a transaction. What is done inside says for itself how it is taken \
        back, how a lost answer is found out, and what happens when something is not as expected; so a call has neither `undo` nor `irreversible`, `probe`, \
        `repeatable`, `example`, `repair` nor `otherwise`. To do something when a call fails, put it into a block with a `rescue`.",
};
/// More dangerous than it says.
pub static RISKIER: Code = Code {
    id: "E0256",
    title: "a call of a playbook of a higher risk",
    explain: "`risk:` decides who has to agree. A playbook is at least as risky as every playbook that it calls, so that nobody gets round an approval by a \
        call. Without `risk:` it is `medium`.",
};

/// All codes of this file.
pub static CODES: &[&Code] =
    &[&NO_PLAYBOOK, &CIRCLE, &ODD_PARAMETER, &REACHES_FURTHER, &NOT_CALLABLE, &ODD_CALL, &RISKIER];

/// Looks at every call.
pub fn look(scene: &Scene<'_>, problems: &mut Diagnostics) {
    let mut seen: Vec<&str> = Vec::new();
    for visit in &scene.visits {
        let Act::Call(call) = &visit.step.act else { continue };
        place(visit, problems);
        keys(visit, problems);
        if let Some(called) = found(scene, call, problems) {
            callable(call, called, problems);
            parameters(scene, call, called, problems);
            // What holds for all calls of a playbook is said once; and only where the head of this one could be read.
            if !seen.contains(&call.playbook.as_str()) && scene.named.is_empty() {
                seen.push(call.playbook.as_str());
                reach(scene, call, called, problems);
                risk(scene, call, called, problems);
            }
        }
    }
}

fn place(visit: &Visit<'_>, problems: &mut Diagnostics) {
    let mut odd = |message: &str, help: &str| {
        problems.push(Diagnostic::error(&ODD_CALL, visit.step.act_at, message).help(help));
    };
    match (visit.role, visit.section) {
        (Role::Listed, Section::Steps) => {}
        (Role::Listed, section) => odd(
            &format!("a call under `{}`", section.word()),
            "a call may change something: move it to `steps`, where it is previewed and recorded",
        ),
        (Role::Undo, _) => odd("a call as the way to take something back", "give a single step that takes it back"),
        _ => odd("a call where only one question can stand", "use `find`, `query` or an `http` step with `get:`"),
    }
}

fn keys(visit: &Visit<'_>, problems: &mut Diagnostics) {
    let common = &visit.step.common;
    let there = [
        ("probe", common.probe.is_some()),
        ("repeatable", common.repeatable.is_some()),
        ("example", common.example.is_some()),
        ("repair", common.repair.is_some()),
        ("otherwise", common.otherwise.is_some()),
    ];
    for (key, _) in there.into_iter().filter(|(_, there)| *there) {
        let help = match key {
            "otherwise" => "put the call into a block with a `rescue`, which is done when it fails",
            _ => "the steps of the called playbook say it for themselves",
        };
        problems.push(Diagnostic::error(&ODD_CALL, visit.step.act_at, format!("a call has no `{key}`")).help(help));
    }
}

/// The playbook that is called, if it is there and the calls come to an end.
fn found<'a>(scene: &Scene<'a>, call: &CallSpec, problems: &mut Diagnostics) -> Option<&'a Playbook> {
    let (name, own) = (call.playbook.as_str(), scene.playbook.name.as_str());
    let called = scene.others.called;
    let back = if name == own { Some(vec![own.to_owned()]) } else { called.way(name, own) };
    if let Some(way) = back {
        let way: Vec<String> = [own.to_owned()].into_iter().chain(way).collect();
        problems.push(
            Diagnostic::error(&CIRCLE, call.playbook.span, format!("this comes back to `{own}`"))
                .help(format!("the calls go round: {}", way.join(" → "))),
        );
        return None;
    }
    // The playbook whose text this is does not stand in it a second time; it says itself that it is called.
    if name == scene.others.root.name.as_str() {
        return None;
    }
    let known = scene.knowledge.names.as_ref();
    let there = known.is_none_or(|known| known.iter().any(|one| one == name));
    let Some(playbook) = called.get(name).filter(|_| there) else {
        if called.file(name).is_none() || !there {
            nothing(scene, &call.playbook, problems);
        }
        // What stands there and cannot be read was reported at its own place.
        return None;
    };
    if called.depth(name).is_some_and(|depth| depth >= DEEPEST) {
        problems.push(
            Diagnostic::error(
                &CIRCLE,
                call.playbook.span,
                format!("the calls stand more than {DEEPEST} deep in each other"),
            )
            .help("call what stands deeper from a playbook of its own"),
        );
        return None;
    }
    Some(playbook)
}

fn nothing(scene: &Scene<'_>, word: &Word, problems: &mut Diagnostics) {
    let name = word.as_str();
    let problem = Diagnostic::error(&NO_PLAYBOOK, word.span, format!("there is no playbook `{name}`"));
    let known: Vec<&str> = scene.knowledge.names.iter().flatten().map(String::as_str).collect();
    let bare = name.trim_end_matches(".yaml");
    let beside = scene.playbook.name.as_str().rsplit_once('/').map(|(folder, _)| format!("{folder}/{bare}"));
    let meant = [Some(bare.to_owned()).filter(|bare| bare != name), beside].into_iter().flatten();
    let meant = meant.into_iter().find(|one| known.contains(&one.as_str()));
    problems.push(match (meant, suggest::help(name, known)) {
        (Some(meant), _) => problem.help(format!("did you mean `{meant}`?")),
        (None, Some(help)) => problem.help(help),
        (None, None) => problem.help(format!("its file would be `{bare}.yaml` below the playbook folder")),
    });
}

fn callable(call: &CallSpec, called: &Playbook, problems: &mut Diagnostics) {
    let name = called.name.as_str();
    let mut odd = |message: String, at: Span, label: &str, help: &str| {
        let problem = Diagnostic::error(&NOT_CALLABLE, call.playbook.span, message);
        problems.push(problem.label(at, label).help(help));
    };
    if let Some(targets) = &called.targets {
        let help = "give this playbook the `targets:`, and call one that works on a single item";
        odd(format!("`{name}` works on many items"), targets.at, "its items", help);
    }
    if let Some((file, _)) = called.params.entries.iter().find(|(_, param)| param.kind.as_str() == "file") {
        let help = "start it by itself, or give it what it needs by other parameters";
        odd(format!("`{name}` reads the file `{}`", file.as_str()), file.span, "the file", help);
    }
}

fn parameters(scene: &Scene<'_>, call: &CallSpec, called: &Playbook, problems: &mut Diagnostics) {
    let unread = |name: &str| {
        let file = scene.others.called.file(call.playbook.as_str());
        file.is_some_and(|file| file.named.contains(name))
    };
    for (word, datum) in &call.given.entries {
        let Some(param) = called.params.get(word.as_str()) else {
            // It stands there, in a part that could not be read.
            if unread(word.as_str()) {
                continue;
            }
            let message = format!("`{}` has no parameter `{}`", called.name.as_str(), word.as_str());
            let problem = Diagnostic::error(&ODD_PARAMETER, word.span, message);
            problems.push(problem.suggest(word.as_str(), called.params.names()));
            continue;
        };
        // What an expression gives is known when the call begins; and of an unknown type nothing can be told.
        if datum.tree.names().next().is_some() || !param.has_type(scene.project) {
            continue;
        }
        let Ok(value) = datum.evaluate(&Scope::new()) else { continue };
        if value.value.is_null() && param.default.as_ref().is_some_and(|default| default.is_null()) {
            continue;
        }
        if let Err((message, help)) = params::one(param, &value.value, scene.project) {
            let problem = Diagnostic::error(
                &ODD_PARAMETER,
                datum.span(),
                format!("`{}` of `{}` is refused: {message}", word.as_str(), called.name.as_str()),
            );
            problems.push(help.into_iter().fold(problem, Diagnostic::help));
        }
    }
    let missing: Vec<&str> = called
        .params
        .iter()
        .filter(|(name, param)| param.default.is_none() && call.given.get(name).is_none())
        .map(|(name, _)| name)
        .collect();
    // A misspelt one was reported as unknown, with the word that was meant.
    let misspelt = |name: &&str| {
        let near = |word: &Word| {
            called.params.get(word.as_str()).is_none() && suggest::nearest(word.as_str(), [*name]).is_some()
        };
        !call.given.entries.iter().any(|(word, _)| near(word))
    };
    for name in missing.into_iter().filter(misspelt) {
        let about = called.params.get(name).and_then(|param| param.description.as_ref());
        let about = about.map_or(String::new(), |about| format!(" ({})", about.as_str().trim()));
        problems.push(
            Diagnostic::error(
                &ODD_PARAMETER,
                call.playbook.span,
                format!("`{}` needs the parameter `{name}`{about}", called.name.as_str()),
            )
            .help(format!("add `with: {{ {name}: … }}`")),
        );
    }
}

fn risk(scene: &Scene<'_>, call: &CallSpec, called: &Playbook, problems: &mut Diagnostics) {
    let (own, other) = (scene.playbook.risk(), called.risk());
    if other > own {
        let message = format!(
            "`{}` is of risk `{}`, and this playbook of risk `{}`",
            called.name.as_str(),
            other.word(),
            own.word()
        );
        problems.push(
            Diagnostic::error(&RISKIER, call.playbook.span, message).help(format!("write `risk: {}`", other.word())),
        );
    }
}

/// Everything that the called playbook declares is declared here.
fn reach(scene: &Scene<'_>, call: &CallSpec, called: &Playbook, problems: &mut Diagnostics) {
    for (connection, wanted) in called.uses.iter() {
        let own = scene.playbook.uses.get(connection);
        let lacking = lacking(wanted, own);
        if lacking.is_empty() {
            continue;
        }
        let message = format!(
            "`{}` reaches further than this playbook: of `{connection}` it {}",
            called.name.as_str(),
            lacking.join(", and ")
        );
        problems.push(
            Diagnostic::error(&REACHES_FURTHER, call.playbook.span, message)
                .help(format!("write under `uses:`: `{}`", line(connection, wanted, own))),
        );
    }
}

fn has(list: Option<&Vec<Word>>, name: &str) -> bool {
    list.is_some_and(|list| list.iter().any(|word| word.as_str() == name))
}

/// What is wanted and not declared, for people.
fn lacking(wanted: &Uses, own: Option<&Uses>) -> Vec<String> {
    let mut all = Vec::new();
    let mut note = |verb: &str, names: Vec<&str>| {
        if !names.is_empty() {
            all.push(format!("{verb} {}", suggest::list(&names)));
        }
    };
    let missing = |list: &'_ [Word], known: &dyn Fn(&str) -> bool| {
        list.iter().map(Word::as_str).filter(|name| !known(name)).map(str::to_owned).collect::<Vec<String>>()
    };
    let reads = missing(&wanted.read, &|name| has(own.map(|o| &o.read), name) || has(own.map(|o| &o.write), name));
    let writes = missing(&wanted.write, &|name| has(own.map(|o| &o.write), name));
    let methods = missing(&wanted.methods, &|name| has(own.map(|o| &o.methods), name));
    let commands = missing(&wanted.commands, &|name| has(own.map(|o| &o.commands), name));
    note("reads", reads.iter().map(String::as_str).collect());
    note("writes", writes.iter().map(String::as_str).collect());
    note("sends", methods.iter().map(String::as_str).collect());
    note("starts", commands.iter().map(String::as_str).collect());
    // Where we may change some columns only, so may what we call.
    for (table, allowed) in own.into_iter().flat_map(|own| own.columns.iter()) {
        if !has(Some(&wanted.write), table) {
            continue;
        }
        match wanted.columns.get(table) {
            None => note("writes all columns of", vec![table]),
            Some(columns) => {
                let more: Vec<String> = missing(columns, &|name| has(Some(allowed), name));
                let more: Vec<String> = more.iter().map(|column| format!("{table}.{column}")).collect();
                note("writes", more.iter().map(String::as_str).collect());
            }
        }
    }
    all
}

/// The line that would be right: what is declared, and what the other one needs.
fn line(connection: &str, wanted: &Uses, own: Option<&Uses>) -> String {
    let join = |list: fn(&Uses) -> &Vec<Word>, but: &[&str]| {
        let mut all: Vec<String> = Vec::new();
        for word in own.into_iter().flat_map(list).chain(list(wanted)) {
            if !all.iter().any(|known| known == word.as_str()) && !but.contains(&word.as_str()) {
                all.push(word.as_str().to_owned());
            }
        }
        all
    };
    let write = join(|uses| &uses.write, &[]);
    let written: Vec<&str> = write.iter().map(String::as_str).collect();
    let read = join(|uses| &uses.read, &written);
    let parts = [
        ("read", read),
        ("write", write.clone()),
        ("methods", join(|u| &u.methods, &[])),
        ("commands", join(|u| &u.commands, &[])),
    ];
    let mut parts: Vec<String> = parts
        .into_iter()
        .filter(|(_, names)| !names.is_empty())
        .map(|(key, names)| format!("{key}: [{}]", names.join(", ")))
        .collect();
    let columns: Vec<String> = own
        .into_iter()
        .flat_map(|own| own.columns.iter())
        .filter_map(|(table, allowed)| {
            // Without a restriction there, there can be none here.
            let more: &[Word] = match wanted.columns.get(table) {
                Some(columns) => columns,
                None if has(Some(&wanted.write), table) => return None,
                None => &[],
            };
            let mut names: Vec<&str> = allowed.iter().map(Word::as_str).collect();
            names.extend(more.iter().map(Word::as_str).filter(|name| !has(Some(allowed), name)));
            Some(format!("{table}: [{}]", names.join(", ")))
        })
        .collect();
    if !columns.is_empty() {
        parts.push(format!("columns: {{ {} }}", columns.join(", ")));
    }
    format!("{connection}: {{ {} }}", parts.join(", "))
}
