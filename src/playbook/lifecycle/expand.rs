//! A lifecycle, written out as the steps that it stands for: what is asked before, the stages with their moves, what is done when one
//! fails. Trees in, trees out; nothing is judged here.

use super::{
    Lifecycle, PassedOver, Raw, Stage,
    line::{Line, Piece, pieces},
    made::{entry, list, map, quoted, scalar, text, word},
    moves::{Move, OTHERS, OWN, in_front},
    operation::Operation,
};
use crate::{
    base::{
        diagnostic::{Diagnostic, Diagnostics},
        shape::{FromNode, Lowering, Word},
        source::Span,
        yaml::{Entry, Node, Scalar, Style},
    },
    template::{self, Expression, UseKind},
};

/// The name of the step that finds the record.
pub const RECORD: &str = "record";
/// Characters of what is written down of a failure.
const LONGEST_TEXT: usize = 2000;

/// The playbook with the steps that its lifecycle stands for; as it was where it has none, or one that cannot be read (which is said
/// when the playbook is).
pub fn expand(node: Node, cx: &mut Lowering<'_>) -> Node {
    let Some(given) = node.get("lifecycle").cloned() else { return node };
    let Node::Map(mut entries, at) = node else { return node };
    if let Some(steps) = entries.iter().find(|entry| &*entry.key.text == "steps") {
        let problem = Diagnostic::error(&super::PARTS, steps.key.span, "`steps` beside a `lifecycle`");
        cx.push(problem.help("the stages of the lifecycle are the steps; what comes behind them is `afterwards`"));
        return Node::Map(entries, at);
    }
    let mut quiet = Diagnostics::new(cx.source().clone());
    let Some(lifecycle) = Lifecycle::from_node(&given, &mut Lowering::new(&mut quiet)) else {
        return Node::Map(entries, at);
    };
    let writer = Writer { lifecycle: &lifecycle, given: &given };
    if let Some(operation) = entries.iter().find(|entry| &*entry.key.text == "operation") {
        return match Operation::from_node(&operation.node, &mut Lowering::new(&mut quiet)) {
            Some(operation) => writer.operation(entries, at, &operation),
            None => Node::Map(entries, at),
        };
    }
    let mut waits = false;
    for found in entries.iter_mut().filter(|entry| &*entry.key.text == "targets") {
        waits |= waiting(&found.node).is_some();
        found.node = writer.targets(&found.node);
    }
    let span = given.span();
    let own = match entries.iter().position(|entry| &*entry.key.text == "preconditions") {
        Some(index) => match entries.remove(index).node {
            Node::List(steps, _) => steps,
            // Said where it is read.
            odd => vec![odd],
        },
        None => Vec::new(),
    };
    if let Some(row) = writer.refused_claim() {
        in_front(&mut entries, row);
    }
    let preconditions = writer.before(waits).into_iter().chain(own).collect();
    entries.push(entry("preconditions", Node::List(preconditions, span), span));
    entries.push(entry("steps", Node::List(writer.steps(), span), span));
    Node::Map(entries, at)
}

/// `from: { lifecycle: waiting }`.
fn waiting(targets: &Node) -> Option<&Entry> {
    let from = targets.get("from")?.entry("lifecycle")?;
    matches!(&from.node, Node::Scalar(s) if &*s.text == "waiting").then_some(from)
}

/// Writes the parts of a playbook.
pub(super) struct Writer<'a> {
    pub(super) lifecycle: &'a Lifecycle,
    /// The same as a tree, for the places of its keys.
    pub(super) given: &'a Node,
}

/// The place of a key, so many characters in: steps are told apart by the place of their action, and a key has several.
fn spot(node: &Node, key: &str, shift: usize) -> Span {
    let span = node.entry(key).map_or(node.span(), |found| found.key.span);
    Span::new((span.start + shift).min(span.end), span.end)
}

impl Writer<'_> {
    fn spot(&self, key: &str, shift: usize) -> Span {
        spot(self.given, key, shift)
    }

    /// The tree of a stage.
    fn stage(&self, index: usize) -> &Node {
        match self.given.get("stages") {
            Some(Node::List(stages, _)) => stages.get(index).unwrap_or(self.given),
            _ => self.given,
        }
    }

    /// The key of the record that is the item.
    pub(super) fn key(&self, span: Span) -> Node {
        let columns = self.lifecycle.key_columns();
        map(columns.into_iter().map(|column| (column, text(format!("{{{{ item.{column} }}}}"), span))), span)
    }

    pub(super) fn state_of(&self, row: &str) -> String {
        format!("{row}.{}", self.lifecycle.state.as_str())
    }

    /// `from: { lifecycle: waiting }` as the rows that it stands for.
    fn targets(&self, node: &Node) -> Node {
        let Node::Map(entries, at) = node else { return node.clone() };
        let Some(from) = waiting(node) else { return node.clone() };
        let span = from.key.span;
        let known = &["env", "params", "vars", "run"];
        let start = std::iter::once(text(self.lifecycle.start.as_str(), span));
        let stages = self.lifecycle.stages.iter();
        let states =
            start.chain(stages.map(|stage| self.if_on(stage, &stage.done, &self.lifecycle.start, known, span)));
        let states = states.collect();
        let mut tests = vec![entry(self.lifecycle.state.as_str(), Node::List(states, span), span)];
        tests.extend(node.get("cool_off").and_then(|cool_off| self.cool_off(cool_off)));
        let find = map([("table", word(&self.lifecycle.table)), ("where", Node::Map(tests, span))], span);
        let find = Node::Map(vec![Entry { key: scalar("find", span), node: find }], span);
        let entries = entries.iter().map(|one| match &*one.key.text {
            "from" => Entry { key: one.key.clone(), node: find.clone() },
            _ => one.clone(),
        });
        Node::Map(entries.collect(), *at)
    }

    /// A state of a stage, in a list of states that are looked for: another one of the list where the stage is left out, whose states the
    /// target may not even know. `known` are the names that the list may use.
    pub(super) fn if_on(&self, stage: &Stage, state: &Word, other: &Word, known: &[&str], span: Span) -> Node {
        match &stage.when {
            Some(when) if rests_on(when, known) => {
                let (state, other) = (quoted(state.as_str()), quoted(other.as_str()));
                text(format!("{{{{ {state} if ({}) else {other} }}}}", when.text), span)
            }
            _ => text(state.as_str(), span),
        }
    }

    /// The test of a column that it is old enough.
    fn cool_off(&self, node: &Node) -> Option<Entry> {
        let (Node::Scalar(column), Node::Scalar(length)) = (node.get("column")?, node.get("older_than")?) else {
            return None;
        };
        let length_of = expression_of(&length.text)?;
        let before = text(format!("{{{{ run.now - duration({length_of}) }}}}"), length.span);
        Some(Entry { key: column.clone(), node: map([("before", before)], length.span) })
    }

    /// What is asked of a record before anything is done for it. `waits`: the source gives only records that wait, so whoever does not wait any more
    /// was moved by somebody else since, and is left alone as one that is moved since the plan.
    fn before(&self, waits: bool) -> Vec<Node> {
        let lifecycle = self.lifecycle;
        let at = self.spot("table", 0);
        let mut columns = vec![word(&lifecycle.state)];
        columns.extend(lifecycle.since.iter().map(word));
        columns.extend(lifecycle.log.iter().map(|log| word(&log.column)));
        let find = map(
            [
                ("table", word(&lifecycle.table)),
                ("where", self.key(at)),
                ("columns", Node::List(columns, at)),
                ("expect", text("one", at)),
                ("shared", self.shared(at)),
            ],
            at,
        );
        let mut all = vec![map([("id", text(RECORD, at)), ("find", find)], at)];
        let state = self.state_of(RECORD);
        let done = self.spot("done", 2);
        let already = map([("done", text(format!("It is {} already.", lifecycle.done.as_str()), done))], done);
        all.push(assert(format!("{state} != {}", quoted(lifecycle.done.as_str())), already, done));
        let waiting = self.spot("start", 0);
        let otherwise = map([(if waits { "skip" } else { "stop" }, text(self.not_waiting(), waiting))], waiting);
        all.push(assert(format!("{state} in {}", list(lifecycle.waiting())), otherwise, waiting));
        all.extend(self.passed_over());
        all
    }

    /// Whoever moves a record has it. What is said of one that somebody else has moved since the plan: whose it is, as its log tells, or since when.
    fn shared(&self, at: Span) -> Node {
        let state = self.lifecycle.state.as_str();
        let told = self.told(RECORD);
        let say = format!("{OTHERS} `{state}` is {{{{ {} }}}}{told}.", self.state_of(RECORD));
        map([("columns", Node::List(vec![word(&self.lifecycle.state)], at)), ("say", text(say, at))], at)
    }

    /// What is said of a record that does not wait.
    fn not_waiting(&self) -> String {
        let (lifecycle, state) = (self.lifecycle, self.state_of(RECORD));
        let since = match &lifecycle.since {
            Some(column) => format!(" since {{{{ {RECORD}.{} }}}}", column.as_str()),
            None => String::new(),
        };
        let last = match &lifecycle.log {
            Some(log) => format!(
                "{{% if ({RECORD}.{0} | default('', true) | trim) != '' %}} Its log ends with: {{{{ {RECORD}.{0} | trim | lines | last }}}}{{% endif %}}",
                log.column.as_str()
            ),
            None => String::new(),
        };
        let ends: Vec<&str> = [&lifecycle.failed].into_iter().chain(&lifecycle.aborted).map(Word::as_str).collect();
        format!(
            "It is {{{{ {state} }}}}{since}{{% if {state} in {working} %}}: somebody is at work on it, or was when a run died; `trueup lifecycle \
             status` tells which.{{% elif {state} in {ends} %}}: it goes on when it was put back with `trueup lifecycle rewind`.{{% else %}}, a \
             state from which no stage begins.{{% endif %}}{last}",
            working = list(lifecycle.working()),
            ends = list(ends),
        )
    }

    /// A record must not be behind a stage that it never went through without anybody knowing.
    fn passed_over(&self) -> Option<Node> {
        let log = self.lifecycle.log.as_ref()?;
        let line = Line::of(&log.line.text)?;
        let at = log.line.span;
        let state = self.state_of(RECORD);
        let moves = format!(
            "({RECORD}.{} | default('', true) | extract({}) | map(attribute='to') | list)",
            log.column.as_str(),
            quoted(&line.0)
        );
        let mut missed = Vec::new();
        for (index, stage) in self.lifecycle.stages.iter().enumerate() {
            let before = self.lifecycle.waiting().into_iter().take(index + 1);
            let mut test =
                format!("{state} not in {} and {} not in {moves}", list(before), quoted(stage.done.as_str()));
            if let Some(when) = &stage.when {
                test.push_str(&format!(" and ({})", when.text));
            }
            missed.push((stage, test));
        }
        let condition: Vec<String> = missed.iter().map(|(_, test)| format!("not ({test})")).collect();
        let names: String = missed
            .iter()
            .map(|(stage, test)| format!("{{% if {test} %}} `{}`{{% endif %}}", stage.id.as_str()))
            .collect();
        let say = format!(
            "It is {{{{ {state} }}}}, and its log does not know of{names}, which comes before: a stage that was added later is not \
             made up for. `trueup lifecycle rewind --to STATE` puts a record back before it."
        );
        let way = match self.lifecycle.passed_over.unwrap_or(PassedOver::Warn) {
            PassedOver::Warn => "warn",
            PassedOver::Stop => "stop",
        };
        Some(assert(condition.join(" and "), map([(way, text(say, at))], at), self.spot("stages", 0)))
    }

    fn steps(&self) -> Vec<Node> {
        let stages = &self.lifecycle.stages;
        // That two stages have one name is said of the lifecycle, and not again of every step that is made of the second.
        let first = |index: &usize| stages.iter().position(|one| one.id.text == stages[*index].id.text) == Some(*index);
        let mut all: Vec<Node> = (0..stages.len()).filter(first).map(|index| self.stage_steps(index)).collect();
        let finished = self.lifecycle.log.as_ref().and_then(|log| log.finished.as_ref());
        all.push(self.moved(Move {
            id: "finish".into(),
            title: format!("to {}", self.lifecycle.done.as_str()),
            from: self.from(stages.len()),
            to: &self.lifecycle.done,
            text: quoted(finished.map_or("Complete.", Word::as_str)),
            at: (self.spot("done", 0), self.spot("done", 1)),
            when: None,
            // The service's log does not say by whom it was finished.
            claims: self.lifecycle.moves.is_none(),
        }));
        all
    }

    /// An expression for the state of the record when the stage with this index begins.
    fn from(&self, index: usize) -> String {
        let Some(before) = index.checked_sub(1) else { return quoted(self.lifecycle.start.as_str()) };
        let stage = &self.lifecycle.stages[before];
        let done = quoted(stage.done.as_str());
        if stage.when.is_none() {
            return done;
        }
        let earlier = self.from(before);
        let state = self.state_of(RECORD);
        format!("{done} if {} is ran or {state} == {done} else ({earlier})", stage.id.as_str())
    }

    fn stage_steps(&self, index: usize) -> Node {
        let (stage, node) = (&self.lifecycle.stages[index], self.stage(index));
        let (id, state) = (stage.id.as_str(), self.state_of(RECORD));
        let at = spot(node, "id", 0);
        let mut when = format!("{state} in {}", list(self.lifecycle.waiting().into_iter().take(index + 1)));
        let mut when_at = stage.id.span;
        if let Some(own) = &stage.when {
            when.push_str(&format!(" and ({})", own.text));
            when_at = own.span;
        }
        let begin = self.claim(Move {
            id: format!("{id}_begin"),
            title: format!("to {}", stage.working.as_str()),
            from: self.from(index),
            to: &stage.working,
            text: format!("{} ~ run.actor ~ {OWN}", quoted(&format!("Starting: {} by ", stage.working.as_str()))),
            at: (spot(node, "working", 0), spot(node, "working", 1)),
            when: None,
            claims: true,
        });
        let work = spot(node, "steps", 0);
        let mut steps: Vec<Node> = match &stage.steps {
            Raw(Node::List(steps, _)) => steps.iter().map(|step| self.with_defaults(step)).collect(),
            Raw(_) => Vec::new(),
        };
        steps.push(self.ended(stage, node));
        let rescue = vec![self.failed(stage, node)];
        let work_block = map([("steps", Node::List(steps, work)), ("rescue", Node::List(rescue, work))], work);
        let work_step = map([("id", text(format!("{id}_work"), work)), ("block", work_block)], work);
        let block = map([("steps", Node::List(vec![begin, work_step], at))], at);
        let mut all =
            vec![("id", Node::Scalar(Scalar { style: Style::Text, text: stage.id.text.clone(), span: stage.id.span }))];
        all.extend(stage.title.iter().map(|title| ("title", word(title))));
        all.push(("when", text(when, when_at)));
        all.push(("block", block));
        map(all, at)
    }

    /// To the state behind a stage.
    fn ended(&self, stage: &Stage, node: &Node) -> Node {
        let plain = format!("Ending: {}", stage.done.as_str());
        let text = match stage.log.as_ref().and_then(|log| expression_of(&log.text)) {
            Some(log) => format!("{} ~ ({log})", quoted(&format!("{plain} with response:\n"))),
            None => quoted(&plain),
        };
        self.moved(Move {
            id: format!("{}_end", stage.id.as_str()),
            title: format!("to {}", stage.done.as_str()),
            from: quoted(stage.working.as_str()),
            to: &stage.done,
            text,
            at: (spot(node, "done", 0), spot(node, "done", 1)),
            when: None,
            claims: false,
        })
    }

    /// To the state of records of which a stage failed, with what the service said. Where a service makes the moves it may take this one from
    /// any state (the LMS does from every earlier one), so the table is asked first: what somebody took away meanwhile is not moved.
    fn failed(&self, stage: &Stage, node: &Node) -> Node {
        let still = format!("{} == {}", self.state_of(&format!("{RECORD}.now")), quoted(stage.working.as_str()));
        self.moved(Move {
            id: format!("{}_failed", stage.id.as_str()),
            title: format!("to {}", self.lifecycle.failed.as_str()),
            from: quoted(stage.working.as_str()),
            to: &self.lifecycle.failed,
            text: format!("(error.text ~ ('\\n' ~ error.said if error.said is not none else ''))[:{LONGEST_TEXT}]"),
            at: (spot(node, "id", 1), spot(node, "steps", 2)),
            when: self.lifecycle.moves.is_some().then_some(still),
            claims: false,
        })
    }

    /// A step of a stage with what all have in common.
    fn with_defaults(&self, step: &Node) -> Node {
        let Node::Map(entries, at) = step else { return step.clone() };
        let Some(defaults) = &self.lifecycle.defaults else { return step.clone() };
        let mut all: Vec<Entry> = entries.iter().map(|entry| self.inside(entry)).collect();
        let writes = ["post", "put", "patch", "delete"];
        let Some(Entry { node: Node::Map(call, call_at), .. }) =
            all.iter().find(|entry| &*entry.key.text == "http").cloned()
        else {
            return Node::Map(all, *at);
        };
        let changes = call.iter().any(|key| writes.contains(&&*key.key.text));
        if let Some(Node::Map(common, _)) = &defaults.http {
            let missing = common.iter().filter(|one| !call.iter().any(|key| key.key.text == one.key.text)).cloned();
            let whole = Node::Map(call.iter().cloned().chain(missing).collect(), call_at);
            all.iter_mut().filter(|entry| &*entry.key.text == "http").for_each(|entry| entry.node = whole.clone());
        }
        let says = |all: &[Entry], keys: [&str; 2]| all.iter().any(|entry| keys.contains(&&*entry.key.text));
        for (key, other, node) in
            [("repeatable", "probe", &defaults.repeatable), ("irreversible", "undo", &defaults.irreversible)]
        {
            if let Some(node) = node.as_ref().filter(|_| changes && !says(&all, [key, other])) {
                all.push(entry(key, node.clone(), node.span()));
            }
        }
        Node::Map(all, *at)
    }

    /// The steps inside a block or a decision table.
    fn inside(&self, found: &Entry) -> Entry {
        let lists = |node: &Node, keys: &[&str]| match node {
            Node::Map(entries, at) => Node::Map(
                entries
                    .iter()
                    .map(|one| match &one.node {
                        Node::List(steps, list_at) if keys.is_empty() || keys.contains(&&*one.key.text) => {
                            let steps = steps.iter().map(|step| self.with_defaults(step)).collect();
                            Entry { key: one.key.clone(), node: Node::List(steps, *list_at) }
                        }
                        _ => one.clone(),
                    })
                    .collect(),
                *at,
            ),
            other => other.clone(),
        };
        let node = match (&*found.key.text, &found.node) {
            ("block", block) => lists(block, &["steps", "rescue", "always"]),
            ("choose", Node::Map(entries, at)) => Node::Map(
                entries
                    .iter()
                    .map(|one| match &*one.key.text {
                        "paths" => Entry { key: one.key.clone(), node: lists(&one.node, &[]) },
                        _ => one.clone(),
                    })
                    .collect(),
                *at,
            ),
            (_, other) => other.clone(),
        };
        Entry { key: found.key.clone(), node }
    }
}

pub(super) fn assert(condition: String, otherwise: Node, at: Span) -> Node {
    map([("assert", text(condition, at)), ("otherwise", otherwise)], at)
}

/// The expression uses no other names than these: `env` with all that it holds, `params.cool_off` alone.
pub(super) fn rests_on(when: &Scalar, known: &[&str]) -> bool {
    let compiled = Expression::compile(when);
    compiled.is_ok_and(|when| {
        let mut used = when
            .names()
            .iter()
            .filter(|usage| matches!(usage.kind, UseKind::Variable | UseKind::Optional | UseKind::Step));
        used.all(|usage| {
            let root = usage.path.root();
            let part = match usage.path.steps.get(1) {
                Some(template::Step::Name(name)) => format!("{root}.{name}"),
                _ => root.to_owned(),
            };
            known.contains(&root) || known.contains(&part.as_str())
        })
    })
}

/// A text with `{{ … }}` as one expression; nothing where it holds statements.
pub fn expression_of(given: &str) -> Option<String> {
    let parts = pieces(given)?;
    let one = |piece: &Piece| match piece {
        Piece::Plain(plain) => quoted(plain),
        Piece::Value(value) => format!("({value})"),
    };
    match parts.as_slice() {
        [] => Some(quoted("")),
        [only] => Some(one(only)),
        many => Some(many.iter().map(one).collect::<Vec<_>>().join(" ~ ")),
    }
}
