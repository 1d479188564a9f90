//! `uses:`: everything that the playbook touches is declared, and nothing else.

use crate::{
    action::{
        command::{self, CommandSpec},
        kinds::Act,
        resource::{KindOf, ResourceSpec},
    },
    base::{
        diagnostic::{Code, Diagnostic, Diagnostics},
        shape::{Named, UNKNOWN_WORD, Word},
        source::{Source, Span},
        suggest,
    },
    check::{
        facts,
        knowledge::Knowledge,
        scene::{Others, Scene, System, sql_of, writes},
    },
    effect::change::TableName,
    playbook::{
        called::{self, Called},
        model::{Playbook, Uses},
        project::Project,
    },
    read::http::METHODS,
    template::Datum,
};
use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::Arc,
};

/// Not declared.
pub static NOT_GRANTED: Code = Code {
    id: "E0313",
    title: "something used that `uses` does not declare",
    explain: "`uses:` lists every table, every resource, every HTTP method of every API, and every beginning of a program's arguments, that the playbook may touch. It is enforced, so that whoever \
        approves a playbook can see at its head how far it can reach:\n\n\
        ```yaml\n\
        uses:\n\
        \x20 register: { read: [trainees], write: [trainees, audits] }\n\
        \x20 dqt: { methods: [GET] }\n\
        \x20 kube: { commands: [get, set env] }\n\
        ```\n\n\
        A table that may be written may also be read. The audit table of a changed table is written too. The message gives the exact \
        line to add.",
};
/// Declared, not used.
pub static IDLE_GRANT: Code = Code {
    id: "W0003",
    title: "something declared under `uses` that nothing uses",
    explain: "The playbook declares that it may touch this, and does not. Take it out, so that \
        `uses` shows how far the playbook really reaches.",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&NOT_GRANTED, &IDLE_GRANT];

/// What `uses:` has to say of one connection, in the order of what it says now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grant {
    /// The connection.
    pub connection: String,
    /// Tables that are read.
    pub read: Vec<String>,
    /// Tables that are changed.
    pub write: Vec<String>,
    /// The columns to which the author binds changes: only the author knows them.
    pub columns: Vec<(String, Vec<String>)>,
    /// Methods that are sent.
    pub methods: Vec<String>,
    /// Beginnings of arguments.
    pub commands: Vec<String>,
    /// A statement of this connection was not understood, so that nothing that is declared was taken away.
    pub opaque: bool,
}

/// What `uses:` has to say, from what the steps touch: connections that are declared first, in their order.
pub fn needed(playbook: &Playbook, source: &Arc<Source>, project: &Project) -> Vec<Grant> {
    let knowledge = Knowledge::default();
    let there = Called::of_sound(source);
    let others = Others { called: &there, root: playbook };
    let scene = Scene::new(playbook, others, HashSet::new(), source, project, &knowledge);
    let needs = needs(&scene);
    let declared: Vec<&str> = playbook.uses.names().collect();
    let calls = called::calls(playbook);
    let passed_on: Vec<&Named<Uses>> =
        calls.iter().filter_map(|call| there.get(call.playbook.as_str())).map(|other| &other.uses).collect();
    let mut named = declared.clone();
    for name in needs.keys().map(String::as_str).chain(passed_on.iter().flat_map(|uses| uses.names())) {
        if !named.contains(&name) {
            named.push(name);
        }
    }
    let nothing = Needs::default();
    named
        .into_iter()
        .map(|name| {
            let mut grant = grant(name, needs.get(name).unwrap_or(&nothing), playbook.uses.get(name));
            passed_on
                .iter()
                .filter_map(|uses| uses.get(name))
                .for_each(|uses| grant.pass_on(uses, playbook.uses.get(name)));
            grant
        })
        .filter(|grant| {
            let lists = [&grant.read, &grant.write, &grant.methods, &grant.commands];
            lists.iter().any(|list| !list.is_empty())
        })
        .collect()
}

impl Grant {
    /// With what a called playbook declares, which its caller has to declare as well.
    fn pass_on(&mut self, theirs: &Uses, declared: Option<&Uses>) {
        let add = |own: &mut Vec<String>, words: &[Word]| {
            for word in words {
                if !own.iter().any(|known| known == word.as_str()) {
                    own.push(word.as_str().to_owned());
                }
            }
        };
        add(&mut self.write, &theirs.write);
        add(&mut self.methods, &theirs.methods);
        add(&mut self.commands, &theirs.commands);
        // What may be written may be read.
        let only_read: Vec<Word> =
            theirs.read.iter().filter(|word| !self.write.iter().any(|table| table == word.as_str())).cloned().collect();
        add(&mut self.read, &only_read);
        for (table, words) in declared.into_iter().flat_map(|own| own.columns.iter()) {
            if self.write.iter().any(|known| known == table) && !self.columns.iter().any(|(known, _)| known == table) {
                self.columns.push((table.to_owned(), words.iter().map(|word| word.as_str().to_owned()).collect()));
            }
        }
    }
}

fn grant(connection: &str, needs: &Needs<'_>, declared: Option<&Uses>) -> Grant {
    let list = |of: fn(&Uses) -> &Vec<Word>, still: &dyn Fn(&str) -> bool, needed: Vec<String>| {
        let declared = declared.into_iter().flat_map(of).map(Word::as_str);
        let mut all: Vec<String> = Vec::new();
        for word in declared.filter(|word| still(word)).map(str::to_owned).chain(needed) {
            if !all.contains(&word) {
                all.push(word);
            }
        }
        all
    };
    let (reads, writes) = (|table: &str| needs.read.contains_key(table), |table: &str| needs.write.contains_key(table));
    let only_read = needs.read.keys().filter(|table| !writes(table)).cloned().collect();
    let write = list(|g| &g.write, &|table| needs.opaque || writes(table), needs.write.keys().cloned().collect());
    let columns =
        declared.into_iter().flat_map(|g| g.columns.iter()).filter(|(table, _)| write.iter().any(|w| w == table));
    Grant {
        connection: connection.to_owned(),
        read: list(|g| &g.read, &|table| needs.opaque || reads(table) || writes(table), only_read),
        columns: columns
            .map(|(table, words)| (table.to_owned(), words.iter().map(|word| word.as_str().to_owned()).collect()))
            .collect(),
        write,
        methods: list(
            |g| &g.methods,
            &|method| needs.methods.contains_key(method),
            needs.methods.keys().map(|method| (*method).to_owned()).collect(),
        ),
        commands: list(
            |g| &g.commands,
            &|beginning| needs.commands.contains_key(beginning),
            needs.commands.keys().cloned().collect(),
        ),
        opaque: needs.opaque,
    }
}

/// What is needed of one connection, with the first place that needs it.
#[derive(Default)]
struct Needs<'a> {
    read: BTreeMap<String, Span>,
    write: BTreeMap<String, Span>,
    methods: BTreeMap<&'a str, Span>,
    commands: BTreeMap<String, Span>,
    /// A statement could not be understood: what it touches is not known.
    opaque: bool,
}

/// Compares what is used with what is declared.
pub fn look(scene: &Scene<'_>, problems: &mut Diagnostics) {
    let needs = needs(scene);
    let unread = !scene.named.is_empty();
    for (connection, needs) in &needs {
        let granted = scene.playbook.uses.get(connection);
        // It may stand in the part that could not be read.
        if unread
            && granted.is_none()
            && (scene.playbook.uses.entries.is_empty() || scene.named.contains(connection.as_str()))
        {
            continue;
        }
        missing(scene, connection, needs, granted, problems);
    }
    for (word, grant) in &scene.playbook.uses.entries {
        methods(grant, problems);
        let nothing = Needs::default();
        // An operation on a lifecycle's records does less than its playbook may.
        if unread || scene.connection(word.as_str()).is_none() || scene.playbook.operation.is_some() {
            continue;
        }
        let needs = needs.get(word.as_str()).unwrap_or(&nothing);
        let grant = not_operated_on(scene, word.as_str(), not_passed_on(scene, word.as_str(), grant));
        idle(word, &grant, needs, problems);
    }
}

/// What is declared and not because an operation on the records of the lifecycle needs it: each may write the records, and a
/// cancelling whatever its steps change.
fn not_operated_on(scene: &Scene<'_>, connection: &str, mut grant: Uses) -> Uses {
    let Some(lifecycle) = &scene.playbook.lifecycle else { return grant };
    let Some(table) = TableName::parse(lifecycle.table.as_str()) else { return grant };
    if *table.connection == *connection {
        grant.write.retain(|word| lifecycle.cancel.is_none() && word.as_str() != &*table.table);
    }
    grant
}

/// What is declared here and not because a called playbook needs it.
fn not_passed_on(scene: &Scene<'_>, connection: &str, grant: &Uses) -> Uses {
    let mut rest = grant.clone();
    for call in called::calls(scene.playbook) {
        let playbook = scene.others.called.get(call.playbook.as_str());
        let Some(used) = playbook.and_then(|playbook| playbook.uses.get(connection)) else { continue };
        let without = |own: &mut Vec<Word>, theirs: &[&Vec<Word>]| {
            own.retain(|word| !theirs.iter().any(|list| list.iter().any(|other| other.text == word.text)));
        };
        without(&mut rest.read, &[&used.read, &used.write]);
        without(&mut rest.write, &[&used.write]);
        without(&mut rest.methods, &[&used.methods]);
        without(&mut rest.commands, &[&used.commands]);
    }
    rest
}

fn needs<'a>(scene: &Scene<'a>) -> BTreeMap<String, Needs<'a>> {
    let mut all: BTreeMap<String, Needs<'_>> = BTreeMap::new();
    for visit in &scene.visits {
        let step = visit.step;
        let at = step.act_at;
        let resource = scene.resource(step).is_some();
        let known = |table: &TableName| resource || sql_of(step).is_some() || scene.facts(table).is_some();
        for table in facts::tables_read(scene, visit).into_iter().filter(known) {
            all.entry(table.connection.to_string()).or_default().read.entry(table.table.to_string()).or_insert(at);
        }
        if writes(step) {
            for table in facts::tables_written(scene, visit).into_iter().filter(known) {
                all.entry(table.connection.to_string()).or_default().write.entry(table.table.to_string()).or_insert(at);
            }
        }
        match &step.act {
            Act::Resource(spec) => {
                for (api, method) in sent(spec) {
                    all.entry(api.into()).or_default().methods.entry(method).or_insert(at);
                }
            }
            Act::Http(call) => {
                if let Some((method, path)) = call.method() {
                    all.entry(call.api.as_str().into())
                        .or_default()
                        .methods
                        .entry(method)
                        .or_insert(path.scalar().span);
                    // What was only taken is asked about.
                    if let Some(accepted) = &call.accepted {
                        let methods = &mut all.entry(call.api.as_str().into()).or_default().methods;
                        methods.entry("GET").or_insert(accepted.at);
                    }
                }
            }
            Act::Command(command) => {
                for (beginning, at) in beginnings(scene, command) {
                    all.entry(command.program.as_str().into()).or_default().commands.entry(beginning).or_insert(at);
                }
            }
            _ => {
                if let Some((connection, _)) = sql_of(step) {
                    all.entry(connection.as_str().into()).or_default().opaque |=
                        visit.sql.as_ref().is_none_or(facts::is_opaque);
                }
            }
        }
    }
    // What is unknown, or of another kind, is reported by the rules about names.
    all.retain(|connection, needs| {
        let system = scene.system(connection);
        if matches!(system, Some(System::Http | System::Program)) {
            let resource = |name: &String, _: &mut Span| scene.project.resources.get(name).is_some();
            needs.read.retain(resource);
            needs.write.retain(resource);
        }
        if system != Some(System::Http) {
            needs.methods.clear();
        }
        if system != Some(System::Program) {
            needs.commands.clear();
        }
        scene.connection(connection).is_some()
    });
    all
}

/// What a resource sends that stands in the step itself; one of the project file is granted by its name.
fn sent(spec: &ResourceSpec) -> Vec<(&str, &'static str)> {
    let Some(KindOf::Here(kind)) = spec.kind() else { return Vec::new() };
    let write = kind.write.as_ref().filter(|_| spec.state.is_some() || spec.without.is_some());
    let create = kind.create.as_ref().filter(|_| spec.create.is_some());
    let remove = kind.remove.as_ref().filter(|_| spec.removes());
    let calls = [Some(&kind.read), write, create, remove].into_iter().flatten();
    calls.filter_map(|call| Some((kind.api.as_str(), call.0.method()?.0))).collect()
}

/// The listed beginnings that a command makes use of.
fn beginnings(scene: &Scene<'_>, command: &CommandSpec) -> Vec<(String, Span)> {
    let Some(settings) = scene.connection(command.program.as_str()).and_then(|c| c.command.as_ref()) else {
        return Vec::new();
    };
    let of = |arguments: &[Datum], change: bool| {
        let words = command::beginning(arguments);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        Some((settings.allowed(&words, change)?, arguments.first()?.span()))
    };
    let own = command.arguments().and_then(|(arguments, change)| of(arguments, change));
    let preview = of(&command.preview, false).or_else(|| of(&command.preview, true));
    own.into_iter().chain(preview).collect()
}

fn missing(scene: &Scene<'_>, connection: &str, needs: &Needs<'_>, granted: Option<&Uses>, problems: &mut Diagnostics) {
    let has = |list: fn(&Uses) -> &Vec<Word>, name: &str| {
        granted.is_some_and(|g| list(g).iter().any(|word| word.as_str() == name))
    };
    let line = line(connection, needs, granted);
    let mut report = |at: Span, what: String, meant: Option<&str>| {
        let help = if granted.is_some() {
            format!("write under `uses:`: `{line}`")
        } else {
            format!("add under `uses:`: `{line}`")
        };
        let problem = Diagnostic::error(&NOT_GRANTED, at, what);
        problems.push(match meant {
            Some(meant) => problem.help(format!("did you mean `{meant}`? If not, {help}")),
            None => problem.help(help),
        });
    };
    // A statement may name tables that nobody declared; one that is nearly the name of a declared one is mostly that one.
    let declared = scene.connection(connection).map(|known| &known.tables);
    let meant = |table: &str| {
        let declared = declared.filter(|known| known.get(table).is_none())?;
        suggest::nearest(table, declared.names())
    };
    for (table, at) in &needs.write {
        if !has(|g| &g.write, table) {
            let what = format!("this writes `{connection}.{table}`, which `uses` does not declare");
            report(*at, what, meant(table));
        }
    }
    for (table, at) in &needs.read {
        if !has(|g| &g.read, table) && !has(|g| &g.write, table) && !needs.write.contains_key(table) {
            let what = format!("this reads `{connection}.{table}`, which `uses` does not declare");
            report(*at, what, meant(table));
        }
    }
    for (beginning, at) in &needs.commands {
        if !has(|g| &g.commands, beginning) {
            report(*at, format!("this starts `{connection}` with `{beginning}`, which `uses` does not declare"), None);
        }
    }
    for (method, at) in &needs.methods {
        // In small letters it is told as a word that is none.
        if !granted.is_some_and(|g| g.methods.iter().any(|word| word.as_str().eq_ignore_ascii_case(method))) {
            report(*at, format!("this sends {method} to `{connection}`, which `uses` does not declare"), None);
        }
    }
}

/// The whole line that would be right: what is declared and what is needed.
fn line(connection: &str, needs: &Needs<'_>, granted: Option<&Uses>) -> String {
    let join = |list: fn(&Uses) -> &Vec<Word>, needed: &mut dyn Iterator<Item = &str>| {
        let mut all: Vec<String> =
            granted.map(|g| list(g).iter().map(|w| w.as_str().to_owned()).collect()).unwrap_or_default();
        for name in needed {
            if !all.iter().any(|known| known == name) {
                all.push(name.to_owned());
            }
        }
        all
    };
    let read =
        join(|g| &g.read, &mut needs.read.keys().map(String::as_str).filter(|table| !needs.write.contains_key(*table)));
    let write = join(|g| &g.write, &mut needs.write.keys().map(String::as_str));
    let methods = join(|g| &g.methods, &mut needs.methods.keys().copied());
    let commands = join(|g| &g.commands, &mut needs.commands.keys().map(String::as_str));
    let parts: Vec<String> = [("read", read), ("write", write), ("methods", methods), ("commands", commands)]
        .into_iter()
        .filter(|(_, names)| !names.is_empty())
        .map(|(key, names)| format!("{key}: [{}]", names.join(", ")))
        .collect();
    format!("{connection}: {{ {} }}", parts.join(", "))
}

fn methods(grant: &Uses, problems: &mut Diagnostics) {
    for word in &grant.methods {
        let known: Vec<String> = METHODS.iter().map(|m| m.to_uppercase()).collect();
        if !known.iter().any(|m| m == word.as_str()) {
            let problem =
                Diagnostic::error(&UNKNOWN_WORD, word.span, format!("`{}` is not an HTTP method", word.as_str()));
            problems.push(problem.suggest(word.as_str(), known.iter().map(String::as_str)));
        }
    }
}

fn idle(connection: &Word, grant: &Uses, needs: &Needs<'_>, problems: &mut Diagnostics) {
    let mut report = |word: &Word, what: &str| {
        problems.push(
            Diagnostic::warning(
                &IDLE_GRANT,
                word.span,
                format!("nothing {what} `{}` of `{}`", word.as_str(), connection.as_str()),
            )
            .help("take it out of `uses`"),
        );
    };
    let mut seen = BTreeSet::new();
    for word in grant.read.iter().filter(|_| !needs.opaque) {
        if !needs.read.contains_key(word.as_str()) && !needs.write.contains_key(word.as_str())
            || !seen.insert(word.as_str())
        {
            report(word, "reads");
        }
    }
    for word in grant.write.iter().filter(|word| !needs.opaque && !needs.write.contains_key(word.as_str())) {
        report(word, "writes");
    }
    for word in grant.commands.iter().filter(|word| !needs.commands.contains_key(word.as_str())) {
        report(word, "starts");
    }
    for word in grant
        .methods
        .iter()
        .filter(|word| METHODS.contains(&&*word.as_str().to_lowercase()) && !needs.methods.contains_key(word.as_str()))
    {
        problems.push(
            Diagnostic::warning(
                &IDLE_GRANT,
                word.span,
                format!("nothing sends {} to `{}`", word.as_str(), connection.as_str()),
            )
            .help("take it out of `uses`"),
        );
    }
}
