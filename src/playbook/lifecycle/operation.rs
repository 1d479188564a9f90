//! What an operator does to the records of a lifecycle beside the stages: put back, begin again, cancel, advance. Each becomes an ordinary
//! playbook, of the text of the one that holds the lifecycle and a line that says what is done.

use super::{
    Lifecycle, Raw, Stage,
    expand::{RECORD, Writer, assert, rests_on},
    line::Line,
    made::{entry, list, map, plain, quoted, text, word},
};
use crate::{
    base::{
        shape::{Placed, Word},
        source::Span,
        value::Value,
        yaml::{Entry, Node},
    },
    shape,
    template::{Expression, Step, Use},
    words,
};
use std::collections::BTreeSet;

words! {
    "an operation"
    pub enum Does {
        /// Puts records back that failed, or that a run left in a working state when it died.
        Rewind = "rewind",
        /// Lets records that are over begin again.
        Rerun = "rerun",
        /// Cancels records that did not begin yet.
        Cancel = "cancel",
        /// Takes a stage as done that was done by hand.
        Advance = "advance",
    }
}

shape! {
    /// Written by `trueup lifecycle …` behind the text of a playbook, never by hand: what is done to records of its lifecycle instead of the
    /// stages.
    "an operation" pub struct Operation {
        /// What is done to them.
        does: Does,
        /// Only these records, by their key.
        #[schemars(default)]
        items: Vec<Placed<Value>>,
        /// The state that records come to.
        to: Option<Word>,
        /// The column of a window of time.
        column: Option<Word>,
        /// Its beginning.
        from: Option<Word>,
        /// Its end; not in it.
        until: Option<Word>,
        /// The column that tells since when a record is in its state.
        since: Option<Word>,
        /// Parameters of the playbook that were given: on these a stage's `when` may rest.
        #[schemars(default)]
        given: Vec<Word>,
        /// Keys of records that a run still has before it: they are left to it.
        #[schemars(default)]
        held: Vec<Word>,
    }
}

/// Stands before the operation in a text.
const MARK: &str = "\n# Made by `trueup lifecycle`: what is done instead of the stages.\noperation: ";

/// The text of a playbook with an operation behind it.
pub fn with_operation(text: &str, operation: &str) -> String {
    format!("{}{MARK}{operation}\n", text.trim_end_matches('\n'))
}

/// What [`with_operation`] put behind a text, for the text that stands in the file today.
pub fn carried_over(planned: &str, today: &str) -> Option<String> {
    let at = planned.rfind(MARK)?;
    let operation = planned[at + MARK.len()..].trim_end_matches('\n');
    Some(with_operation(today, operation))
}

impl Operation {
    /// These names, and the parameters that were given.
    fn knows(&self, names: &[&str]) -> Vec<String> {
        let given = self.given.iter().map(|name| format!("params.{}", name.as_str()));
        names.iter().map(|name| (*name).to_owned()).chain(given).collect()
    }
}

impl Does {
    /// What the playbook of an operation is called: behind the title of the one that it belongs to.
    pub fn title(self) -> &'static str {
        match self {
            Does::Rewind => "put back",
            Does::Rerun => "run again",
            Does::Cancel => "cancel",
            Does::Advance => "advance by hand",
        }
    }
}

/// The sections of a playbook that an operation replaces.
const REPLACED: &[&str] = &[
    "name",
    "title",
    "params",
    "targets",
    "limits",
    "preconditions",
    "steps",
    "verification",
    "afterwards",
    "errors",
    "returns",
    "retry",
];

impl Writer<'_> {
    /// The whole playbook of an operation.
    pub(super) fn operation(&self, entries: Vec<Entry>, at: Span, operation: &Operation) -> Node {
        let span = operation.at;
        let said = |key: &str| match entries.iter().find(|entry| &*entry.key.text == key).map(|entry| &entry.node) {
            Some(Node::Scalar(scalar)) => scalar.text.to_string(),
            _ => String::new(),
        };
        let does = operation.does;
        let (name, title) =
            (format!("{}/{}", said("name"), does.word()), format!("{}: {}", said("title"), does.title()));
        let params = entries.iter().find(|entry| &*entry.key.text == "params").map(|entry| entry.node.clone());
        let mut kept: Vec<Entry> = entries.into_iter().filter(|entry| !REPLACED.contains(&&*entry.key.text)).collect();
        kept.iter_mut().filter(|entry| &*entry.key.text == "vars").for_each(|entry| known_vars(&mut entry.node));
        let mut add = |key: &str, node: Node| kept.push(entry(key, node, span));
        add("name", text(name, span));
        add("title", text(title, span));
        add("targets", self.chosen(operation));
        let (preconditions, steps, verification) = match does {
            Does::Rewind => self.rewind(operation),
            Does::Rerun => self.rerun(operation),
            Does::Cancel => self.cancel(operation),
            Does::Advance => self.advance(operation),
        };
        add("preconditions", Node::List(preconditions, span));
        add("steps", Node::List(steps, span));
        add("verification", Node::List(verification, span));
        if let (Some(Node::Map(params, params_at)), false) = (params, operation.given.is_empty()) {
            let given = |one: &Entry| operation.given.iter().any(|name| *name.text == *one.key.text);
            add("params", Node::Map(params.into_iter().filter(given).collect(), params_at));
        }
        if let (Does::Cancel, Some(cancel)) = (does, &self.lifecycle.cancel) {
            if let Some(Raw(afterwards)) = &cancel.afterwards {
                add("afterwards", afterwards.clone());
            }
            if let Some(params) = self.given.get("cancel").and_then(|cancel| cancel.get("params")) {
                add("params", params.clone());
            }
        }
        Node::Map(kept, at)
    }

    /// The places of steps of an operation: they stand nowhere, and each has its own within the word `operation` and what follows.
    fn place(operation: &Operation, nth: usize) -> Span {
        Span::new((operation.at.start + nth).min(operation.at.end), operation.at.end)
    }

    fn chosen(&self, operation: &Operation) -> Node {
        let (lifecycle, span) = (self.lifecycle, operation.at);
        let known = operation.knows(&["env", "run"]);
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        let own = |word: &Word| text(word.as_str(), span);
        let of_stages = |state: fn(&Stage) -> &Word| {
            let stages = lifecycle.stages.iter();
            stages.map(|stage| self.if_on(stage, state(stage), &lifecycle.failed, &known, span)).collect()
        };
        let states: Vec<Node> = match operation.does {
            Does::Rewind => {
                let working: Vec<Node> = of_stages(|stage| &stage.working);
                // A record that waits somewhere is put back only to a state that is named.
                let waiting: Vec<Node> =
                    if operation.to.is_some() { of_stages(|stage| &stage.done) } else { Vec::new() };
                std::iter::once(own(&lifecycle.failed)).chain(working).chain(waiting).collect()
            }
            Does::Rerun => vec![own(&lifecycle.done)],
            // What does not begin is told one by one, and not left out.
            Does::Cancel | Does::Advance => Vec::new(),
        };
        let mut tests = Vec::new();
        if !states.is_empty() {
            tests.push(entry(lifecycle.state.as_str(), Node::List(states, span), span));
        }
        if let (Some(column), false) = (lifecycle.key_columns().first().copied(), operation.items.is_empty()) {
            let keys = operation.items.iter().map(|item| match item.value.as_int() {
                Some(number) => plain(&number.to_string(), item.at),
                None => text(item.value.bare().into_owned(), item.at),
            });
            tests.push(entry(column, Node::List(keys.collect(), span), span));
        }
        if let Some(column) = &operation.column {
            let bounds = match (&operation.from, &operation.until) {
                (Some(from), Some(until)) => Some(("between", Node::List(vec![word(from), word(until)], span))),
                (Some(from), None) => Some(("at_least", word(from))),
                (None, Some(until)) => Some(("before", word(until))),
                (None, None) => None,
            };
            tests.extend(bounds.map(|bound| entry(column.as_str(), map([bound], span), span)));
        }
        let find = map([("table", word(&lifecycle.table)), ("where", Node::Map(tests, span))], span);
        map([("from", map([("find", find)], span))], span)
    }

    /// The record as it is now.
    fn look(&self, id: &str, at: Span) -> Node {
        let find =
            map([("table", word(&self.lifecycle.table)), ("where", self.key(at)), ("expect", text("one", at))], at);
        map([("id", text(id, at)), ("find", find)], at)
    }

    /// Puts the record into a state: `to` is an expression.
    fn put(&self, id: &str, to: &str, said: &str, at: Span) -> Node {
        let state = self.lifecycle.state.as_str();
        let from = self.state_of(RECORD);
        let value = |expression: &str| text(format!("{{{{ {expression} }}}}"), at);
        let mut set = vec![(state, value(to))];
        if let Some(log) = &self.lifecycle.log {
            let known = format!(
                "{{% set move = {{'from': {from}, 'to': ({to}), 'from_order': run.states[{from}], 'to_order': run.states[({to})], 'text': {said} ~ ' by ' ~ run.actor ~ ' (trueup run ' ~ run.id ~ '): ' ~ run.reason}} %}}",
                said = quoted(said),
            );
            let line = text(format!("{known}{}", log.line.text), log.line.span);
            set.push((log.column.as_str(), map([("append", line)], log.line.span)));
        }
        let row = map(
            [
                ("table", word(&self.lifecycle.table)),
                ("key", self.key(at)),
                ("only_if", map([(state, value(&from))], at)),
                ("claim", plain("true", at)),
                ("set", map(set, at)),
            ],
            at,
        );
        map([("id", text(id, at)), ("row", row)], at)
    }

    fn verified(&self, to: &str, at: Span) -> Vec<Node> {
        let Node::Map(mut look, span) = self.look("after", at) else { return Vec::new() };
        look.push(entry("is", text(format!("{} == ({to})", self.state_of("after")), at), at));
        vec![Node::Map(look, span)]
    }

    /// An expression that is true of a record which somebody may be at work on.
    fn fresh(&self, operation: &Operation) -> Option<String> {
        let since = operation.since.as_ref()?;
        let length = self.lifecycle.stale_after();
        Some(format!(
            "{} in {} and ({RECORD}.{} | timestamp) > ((run.now - duration({})) | timestamp)",
            self.state_of(RECORD),
            list(self.lifecycle.working()),
            since.as_str(),
            quoted(&length.to_string())
        ))
    }

    /// Expressions for the state that a record left, from the column that holds the one before and from the log; null where neither tells.
    fn left(&self) -> String {
        let lifecycle = self.lifecycle;
        let state = self.state_of(RECORD);
        let resumable = list(lifecycle.working().into_iter().chain(lifecycle.waiting()));
        let mut found = String::from("none");
        if let Some((log, line)) = lifecycle.log.as_ref().and_then(|log| Some((log, Line::of(&log.line.text)?))) {
            let moves = format!(
                "({RECORD}.{} | default('', true) | extract({}) | selectattr('to', 'eq', {}) | map(attribute='from') | select('in', {resumable}) | list)",
                log.column.as_str(),
                quoted(&line.0),
                quoted(lifecycle.failed.as_str()),
            );
            found = format!("(({moves} | last) if ({moves} | length) > 0 else none)");
        }
        if let Some(previous) = &lifecycle.previous {
            let previous = format!("{RECORD}.{}", previous.as_str());
            found = format!("({previous} if {previous} in {resumable} else {found})");
        }
        format!("({state} if {state} in {} else {found})", list(lifecycle.working()))
    }

    /// A run that is not over goes on with its records by itself: whoever puts one back takes it away from that run.
    fn left_to_its_run(&self, operation: &Operation, at: Span) -> Option<Node> {
        let column = self.lifecycle.key_columns().first().copied().filter(|_| !operation.held.is_empty())?;
        let held = list(operation.held.iter().map(Word::as_str));
        let say = "A run that is not over has this record before it: `trueup lifecycle status` names it. Let it go on (`trueup resume RUN`), or end it \
            (`trueup cancel RUN`), before the record is put back.";
        Some(assert(format!("item.{column} | string not in {held}"), map([("skip", text(say, at))], at), at))
    }

    /// An expression for the state before the stage with this index: that of the last stage before it which is not left out. Where that
    /// rests on parameters of the playbook that nobody gave, a stage that may be left out is taken to be: too far back does no harm.
    /// (Their defaults would not do: the run may have had others, and a record would say of a stage that it was done.)
    fn before_stage(&self, index: usize, known: &[&str]) -> String {
        let Some(before) = index.checked_sub(1) else { return quoted(self.lifecycle.start.as_str()) };
        let stage = &self.lifecycle.stages[before];
        let done = quoted(stage.done.as_str());
        match &stage.when {
            None => done,
            Some(when) if !rests_on(when, known) => self.before_stage(before, known),
            Some(when) => format!("({done} if ({}) else {})", when.text, self.before_stage(before, known)),
        }
    }

    fn rewind(&self, operation: &Operation) -> (Vec<Node>, Vec<Node>, Vec<Node>) {
        let lifecycle = self.lifecycle;
        let at = |nth| Writer::place(operation, nth);
        let state = self.state_of(RECORD);
        let mut before = vec![self.look(RECORD, at(0))];
        before.extend(self.left_to_its_run(operation, at(6)));
        if let Some(fresh) = self.fresh(operation) {
            let since = operation.since.as_ref().map_or("", Word::as_str);
            let say = format!(
                "It is {{{{ {state} }}}} since {{{{ {RECORD}.{since} }}}}, which is not longer than {}: somebody may be at work on it.",
                lifecycle.stale_after()
            );
            before.push(assert(format!("not ({fresh})"), map([("skip", text(say, at(1)))], at(1)), at(1)));
        }
        let waiting = lifecycle.waiting();
        let places = waiting.iter().enumerate().map(|(index, name)| format!("{}: {index}", quoted(name)));
        let places = format!("{{{}}}", places.collect::<Vec<_>>().join(", "));
        // Where a record goes on that left one of these states.
        let stages = lifecycle.working().into_iter().enumerate();
        let known = operation.knows(&["env", "run", "item"]);
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        let behind = |index: usize| self.before_stage(index, &known);
        let before_stages = stages.map(|(index, working)| format!("{}: {}", quoted(working), behind(index)));
        let same = waiting.iter().map(|state| format!("{0}: {0}", quoted(state)));
        let resumes = format!("{{{}}}", before_stages.chain(same).collect::<Vec<_>>().join(", "));
        let left = match &operation.to {
            // One that waits somewhere is there.
            Some(_) => format!("({state} if {state} in {} else {})", list(waiting.iter().copied()), self.left()),
            None => self.left(),
        };
        before.push(map([("id", text("left", at(2))), ("let", text(format!("{{{{ {left} }}}}"), at(2)))], at(2)));
        let cannot =
            "Neither the state before nor its log tells where it failed: find out, and say it with `--to STATE`.";
        let (target, said) = match &operation.to {
            Some(to) => {
                let far = format!("left is none or {places}[{resumes}[left]] >= {places}[{}]", quoted(to.as_str()));
                let say = format!("It stands before {}: a stage would be passed over.", to.as_str());
                before.push(assert(far, map([("stop", text(say, at(3)))], at(3)), at(3)));
                (quoted(to.as_str()), "Put back")
            }
            None => {
                before.push(assert("left is not none".into(), map([("stop", text(cannot, at(3)))], at(3)), at(3)));
                (format!("{resumes}[left]"), "Put back")
            }
        };
        (before, vec![self.put("put_back", &target, said, at(4))], self.verified(&target, at(5)))
    }

    fn rerun(&self, operation: &Operation) -> (Vec<Node>, Vec<Node>, Vec<Node>) {
        let at = |nth| Writer::place(operation, nth);
        let start = quoted(self.lifecycle.start.as_str());
        let say = format!("It is {{{{ {} }}}}, and only what is over begins again.", self.state_of(RECORD));
        let over = format!("{} == {}", self.state_of(RECORD), quoted(self.lifecycle.done.as_str()));
        let before = vec![self.look(RECORD, at(0)), assert(over, map([("stop", text(say, at(1)))], at(1)), at(1))];
        (before, vec![self.put("begin_again", &start, "Begun again", at(2))], self.verified(&start, at(3)))
    }

    fn cancel(&self, operation: &Operation) -> (Vec<Node>, Vec<Node>, Vec<Node>) {
        let lifecycle = self.lifecycle;
        let at = |nth| Writer::place(operation, nth);
        let (state, start) = (self.state_of(RECORD), lifecycle.start.as_str());
        let say = format!("It is {{{{ {state} }}}}: only what is exactly {start} can be cancelled.");
        let before = vec![
            self.look(RECORD, at(0)),
            assert(format!("{state} == {}", quoted(start)), map([("stop", text(say, at(1)))], at(1)), at(1)),
        ];
        let own = match lifecycle.cancel.as_ref().and_then(|cancel| cancel.steps.as_ref()) {
            Some(Raw(Node::List(steps, _))) => steps.clone(),
            _ => Vec::new(),
        };
        let row = map(
            [
                ("table", word(&lifecycle.table)),
                ("key", self.key(at(3))),
                ("only_if", map([(lifecycle.state.as_str(), text(start, at(3)))], at(3))),
                ("ensure", text("absent", at(3))),
            ],
            at(3),
        );
        let gone = map([("id", text("cancelled", at(3))), ("row", row)], at(3));
        let database = lifecycle.table.as_str().split('.').next().unwrap_or_default();
        let steps: Vec<Node> = own.into_iter().chain([gone]).collect();
        let block = map([("transaction", text(database, at(2))), ("steps", Node::List(steps, at(2)))], at(2));
        let find = map(
            [("table", word(&lifecycle.table)), ("where", self.key(at(4))), ("expect", text("none", at(4)))],
            at(4),
        );
        let verification = vec![map([("id", text("after", at(4))), ("find", find)], at(4))];
        (before, vec![map([("id", text("cancelling", at(2))), ("block", block)], at(2))], verification)
    }

    fn advance(&self, operation: &Operation) -> (Vec<Node>, Vec<Node>, Vec<Node>) {
        let lifecycle = self.lifecycle;
        let at = |nth| Writer::place(operation, nth);
        let state = self.state_of(RECORD);
        let to = operation.to.as_ref().map_or(lifecycle.done.as_str(), Word::as_str);
        // It may wait before the stages that were done by hand, or have failed on the way.
        let waiting = lifecycle.waiting();
        let place = waiting.iter().position(|name| *name == to).unwrap_or(waiting.len());
        let may = list(waiting.iter().take(place).copied().chain([lifecycle.failed.as_str()]));
        let say = format!("It is {{{{ {state} }}}}: only what waits before {to}, or failed, is advanced to it.");
        let before = vec![
            self.look(RECORD, at(0)),
            assert(format!("{state} in {may}"), map([("stop", text(say, at(1)))], at(1)), at(1)),
        ];
        let to = quoted(to);
        (before, vec![self.put("advanced", &to, "Done by hand, and advanced", at(2))], self.verified(&to, at(3)))
    }
}

/// Of the `vars` of a playbook those that an operation can know: it has other parameters, and whatever rests on those of the playbook goes.
fn known_vars(vars: &mut Node) {
    let Node::Map(entries, _) = vars else { return };
    let mut gone: Vec<String> = vec!["params".into()];
    loop {
        let before = entries.len();
        entries.retain(|entry| {
            let stays = !gone.iter().any(|name| mentions(&entry.node, name));
            if !stays {
                gone.push(format!("vars.{}", entry.key.text));
            }
            stays
        });
        if entries.len() == before {
            return;
        }
    }
}

fn mentions(node: &Node, name: &str) -> bool {
    match node {
        Node::Scalar(scalar) => scalar.text.contains(name),
        Node::List(nodes, _) => nodes.iter().any(|node| mentions(node, name)),
        Node::Map(entries, _) => entries.iter().any(|entry| mentions(&entry.node, name)),
        Node::Broken(_) => false,
    }
}

/// The parameters of the playbook on which the `when` of a stage rests: those that a rewind can be told.
pub fn decides_stages(lifecycle: &Lifecycle) -> BTreeSet<String> {
    let whens = lifecycle.stages.iter().filter_map(|stage| Expression::compile(stage.when.as_ref()?).ok());
    let param = |usage: &Use| match usage.path.steps.as_slice() {
        [Step::Name(root), Step::Name(name), ..] if &**root == "params" => Some(name.to_string()),
        _ => None,
    };
    whens.flat_map(|when| when.names().iter().filter_map(param).collect::<Vec<_>>()).collect()
}

/// What is wrong with an operation for this lifecycle: a sentence without a full stop, and what to do.
pub fn refused(lifecycle: &Lifecycle, does: Does, items: usize, to: Option<&str>) -> Option<(String, String)> {
    let waiting = lifecycle.waiting();
    let may_be = |names: &[&str]| format!("it is one of {}", names.join(", "));
    match (does, to) {
        (Does::Rewind, Some(to)) if !waiting.contains(&to) => {
            Some((format!("`{to}` is no state from which a stage begins"), may_be(&waiting)))
        }
        (Does::Advance, Some(to)) if !waiting[1..].contains(&to) => {
            Some((format!("`{to}` is no state behind a stage"), may_be(&waiting[1..])))
        }
        (Does::Advance, None) => {
            Some(("where to?".into(), format!("give the state with `--to`: {}", may_be(&waiting[1..]))))
        }
        (Does::Cancel | Does::Advance, _) if items == 0 => {
            Some(("which record?".into(), "name it by its key: `--item KEY`, once for each".into()))
        }
        (Does::Rewind, Some(_)) if items == 0 => {
            Some(("which records?".into(), "`--to` is for records that are named: `--item KEY`, once for each".into()))
        }
        (Does::Cancel, _) if lifecycle.cancel.is_none() => Some((
            "the playbook says nothing of cancelling".into(),
            "add `cancel: { steps: [ … ] }` to the lifecycle: what is put back beside deleting the record".into(),
        )),
        _ => None,
    }
}
