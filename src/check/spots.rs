//! Every text with expressions in a step, and which results each may look at.

use crate::{
    action::{
        choose::Choice,
        compare::{CompareSpec, ComparedField, Side},
        ends::Otherwise,
        kinds::Act,
        resource::{KindOf, ResourceKind, ResourceSpec},
        row::{Also, Assign},
        step::Step,
    },
    base::{shape::Named, yaml::Scalar},
    playbook::{
        errors::{ErrorRow, Then, Verdict},
        model::Playbook,
    },
    read::{find::Test, http::HttpSpec},
    targets::model::{Rule, Source},
    template::{Datum, Expression, Sql, Text, Tree, Use},
};

/// Which results a text may look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sees {
    /// Those of the steps before.
    Before,
    /// Its own step's as well, and `error`: what happens when the step did not find what it needs.
    Own,
    /// Its own step's as well, also as `self`: an `is:`.
    Judged,
    /// Those of the steps before, and `self`: the answer of a probe.
    Answer,
    /// Those of the steps before, outside of the step's own turns: the list of a loop.
    List,
}

/// One text.
#[derive(Clone, Copy, Debug)]
pub struct Spot<'a> {
    /// The text as it stands.
    pub scalar: &'a Scalar,
    /// The names that it uses.
    pub names: &'a [Use],
    /// What it may look at.
    pub sees: Sees,
    /// The `when:` of the part that it belongs to (`also:`).
    pub under: Option<&'a Expression>,
    /// Names that it is given beside all others.
    pub given: &'static [&'static str],
}

/// The texts of a step itself; blocks, `undo:` and `probe: { read }` are steps of their own.
pub fn of_step(step: &Step) -> Vec<Spot<'_>> {
    let mut spots = Spots { all: Vec::new(), under: None, given: &[] };
    let common = &step.common;
    if let Some(looped) = &common.for_each {
        spots.datum_as(&looped.list, Sees::List);
    }
    spots.text(common.title.as_ref(), Sees::Before);
    spots.expression(common.when.as_ref(), Sees::Before);
    spots.act(&step.act);
    spots.text(common.because.as_ref(), Sees::Before);
    spots.text(common.irreversible.as_ref(), Sees::Before);
    spots.text(common.repeatable.as_ref(), Sees::Before);
    spots.datum(common.example.as_ref(), Sees::Before);
    spots.expression(common.is.as_ref(), Sees::Judged);
    if let Some(probe) = &common.probe {
        spots.expression(Some(&probe.done), Sees::Answer);
        spots.expression(probe.not_done.as_ref(), Sees::Answer);
    }
    if let Some(otherwise) = &common.otherwise {
        spots.end(otherwise, Sees::Own);
    }
    spots.all
}

/// The texts of a kind of resource.
pub fn of_kind(kind: &ResourceKind) -> Vec<Spot<'_>> {
    let mut spots = Spots { all: Vec::new(), under: None, given: &[] };
    spots.kind(kind);
    spots.all
}

/// The texts of a row of the `errors:` table.
pub fn of_error_row(row: &ErrorRow) -> Vec<Spot<'_>> {
    let mut spots = Spots { all: Vec::new(), under: None, given: &[] };
    for then in row.then.iter().chain(&row.otherwise) {
        spots.then(then);
    }
    spots.all
}

/// The texts under `targets:` and `limits:`: those that look at an `item`, or the others. (A `find` or `query` is a step.)
pub fn of_targets(playbook: &Playbook, item: bool) -> Vec<Spot<'_>> {
    let mut spots = Spots { all: Vec::new(), under: None, given: &[] };
    if let Some(targets) = &playbook.targets {
        if item {
            if let Source::Compare(comparing) = &targets.from.source {
                spots.fields(&comparing.fields);
            }
            spots.text(targets.subject.as_ref(), Sees::Before);
            targets.order_by.iter().for_each(|text| spots.text(Some(text), Sees::Before));
            for check in &targets.check {
                if let Rule::EachRow(expression) | Rule::EachGroup(expression) = &check.rule {
                    spots.expression(Some(expression), Sees::Before);
                }
                spots.text(check.otherwise.as_ref().and_then(|otherwise| otherwise.say.as_ref()), Sees::Before);
            }
        } else {
            spots.source(&targets.from.source);
            spots.datum(targets.take.as_ref(), Sees::Before);
        }
    }
    if let Some(limits) = playbook.limits.as_ref().filter(|_| !item) {
        spots.datum(limits.max_items.as_ref(), Sees::Before);
        spots.datum(limits.one_at_a_time.as_ref(), Sees::Before);
        spots.datum(limits.max_found.as_ref(), Sees::Before);
    }
    spots.all
}

/// The texts of a value.
pub fn of_tree(tree: &Tree) -> Vec<Spot<'_>> {
    let mut spots = Spots { all: Vec::new(), under: None, given: &[] };
    spots.tree(tree, Sees::Before);
    spots.all
}

/// What the calls that read a resource are given.
const GIVEN_KEY: &[&str] = &["key"];
/// What its `state` is given.
const GIVEN_STATE: &[&str] = &["key", "read"];
/// What its `ready` is given.
const GIVEN_READY: &[&str] = &["key", "read", "state"];
/// What the calls that write it are given.
const GIVEN_WRITE: &[&str] = &["key", "read", "before", "state", "changes", "removed"];

struct Spots<'a> {
    all: Vec<Spot<'a>>,
    under: Option<&'a Expression>,
    given: &'static [&'static str],
}

impl<'a> Spots<'a> {
    fn push(&mut self, scalar: &'a Scalar, names: &'a [Use], sees: Sees) {
        if !names.is_empty() {
            self.all.push(Spot { scalar, names, sees, under: self.under, given: self.given });
        }
    }

    fn text(&mut self, text: Option<&'a Text>, sees: Sees) {
        if let Some(text) = text {
            self.push(text.scalar(), text.names(), sees);
        }
    }

    fn expression(&mut self, expression: Option<&'a Expression>, sees: Sees) {
        if let Some(expression) = expression {
            self.push(expression.scalar(), expression.names(), sees);
        }
    }

    fn sql(&mut self, sql: &'a Sql) {
        self.push(sql.scalar(), sql.names(), Sees::Before);
    }

    fn tree(&mut self, tree: &'a Tree, sees: Sees) {
        match tree {
            Tree::Scalar(text) => self.text(Some(text), sees),
            Tree::List(trees) => trees.iter().for_each(|tree| self.tree(tree, sees)),
            Tree::Map(entries) => entries.iter().for_each(|(_, tree)| self.tree(tree, sees)),
        }
    }

    fn datum(&mut self, datum: Option<&'a Datum>, sees: Sees) {
        if let Some(datum) = datum {
            self.tree(&datum.tree, sees);
        }
    }

    fn datum_as(&mut self, datum: &'a Datum, sees: Sees) {
        self.tree(&datum.tree, sees);
    }

    fn end(&mut self, otherwise: &'a Otherwise, sees: Sees) {
        self.text(otherwise.say.as_ref(), sees);
    }

    fn data(&mut self, data: &'a Named<Datum>) {
        data.iter().for_each(|(_, datum)| self.datum(Some(datum), Sees::Before));
    }

    fn tests(&mut self, tests: &'a Named<Test>) {
        tests.iter().for_each(|(_, test)| self.datum(Some(test.datum()), Sees::Before));
    }

    fn assigns(&mut self, assigns: &'a Named<Assign>) {
        assigns.iter().for_each(|(_, assign)| self.datum(Some(assign.datum()), Sees::Before));
    }

    fn also(&mut self, also: &'a Also) {
        self.expression(Some(&also.when), Sees::Before);
        self.under = Some(&also.when);
        self.assigns(&also.set);
        self.datum(also.clear.as_ref(), Sees::Before);
        self.under = None;
    }

    fn act(&mut self, act: &'a Act) {
        match act {
            Act::Find(find) => {
                self.tests(&find.conditions);
                self.text(find.shared.as_ref().map(|shared| &shared.say), Sees::Own);
            }
            Act::Query(query) => self.sql(&query.sql),
            Act::Tally(tally) => self.tests(&tally.conditions),
            Act::Job(job) => {
                self.datum(job.args.as_ref(), Sees::Before);
                self.data(&job.keywords);
                self.datum(job.moment.as_ref(), Sees::Before);
                if let Some(picked) = job.picked() {
                    self.datum(picked.jid.as_ref(), Sees::Before);
                    self.tests(&picked.conditions);
                }
            }
            Act::Resource(spec) => self.resource(spec),
            Act::Compare(spec) => self.compare(spec),
            Act::Http(call) => self.call(call),
            Act::Command(command) => {
                let lists = [&command.look, &command.change, &command.preview];
                lists.into_iter().flatten().for_each(|datum| self.datum(Some(datum), Sees::Before));
                self.text(command.input.as_ref(), Sees::Before);
                command.accept.iter().for_each(|accept| self.text(accept.because.as_ref(), Sees::Before));
            }
            Act::Row(row) => {
                self.data(&row.key);
                self.data(&row.only_if);
                self.assigns(&row.set);
                self.datum(row.clear.as_ref(), Sees::Before);
                row.also.iter().for_each(|also| self.also(also));
                row.create.iter().for_each(|create| self.assigns(create));
                self.text(row.because.as_ref(), Sees::Before);
            }
            Act::Rows(rows) => {
                self.tests(&rows.conditions);
                self.assigns(&rows.set);
                self.datum(rows.clear.as_ref(), Sees::Before);
                self.text(rows.because.as_ref(), Sees::Before);
            }
            Act::Sql(sql) => self.sql(&sql.sql),
            Act::Assert(expression) => self.expression(Some(expression), Sees::Before),
            Act::Let(datum) => self.datum(Some(datum), Sees::Before),
            Act::Ask(ask) => {
                self.text(Some(&ask.question), Sees::Before);
                ask.evidence.iter().for_each(|(_, text)| self.text(Some(text), Sees::Before));
            }
            Act::Tell(tell) => self.text(Some(&tell.message), Sees::Before),
            Act::Choose(choose) => {
                self.data(&choose.facts);
                for row in &choose.rows {
                    self.data(&row.is);
                    self.expression(row.when.as_ref(), Sees::Before);
                }
                for (_, choice) in choose.choices() {
                    if let Choice::End(otherwise, _) = choice {
                        self.end(otherwise, Sees::Before);
                    }
                }
            }
            Act::Wait(wait) => {
                self.expression(Some(&wait.until), Sees::Judged);
                self.expression(wait.fail_when.as_ref(), Sees::Judged);
            }
            Act::End(otherwise) => self.end(otherwise, Sees::Before),
            Act::Call(call) => self.data(&call.given),
            Act::Block(_) | Act::Use(_) | Act::Undo(_) => {}
        }
    }

    fn call(&mut self, call: &'a HttpSpec) {
        let paths = [&call.get, &call.head, &call.post, &call.put, &call.patch, &call.delete];
        paths.into_iter().for_each(|path| self.text(path.as_ref(), Sees::Before));
        self.data(&call.query);
        call.headers.iter().for_each(|(_, text)| self.text(Some(text), Sees::Before));
        self.datum(call.json.as_ref(), Sees::Before);
        self.data(&call.form);
        for (_, part) in call.multipart.iter() {
            self.datum(Some(&part.content), Sees::Before);
            [&part.kind, &part.filename].into_iter().for_each(|text| self.text(text.as_ref(), Sees::Before));
        }
        [&call.text, &call.content_type].into_iter().for_each(|text| self.text(text.as_ref(), Sees::Before));
        call.conditions().for_each(|condition| self.expression(Some(condition), Sees::Answer));
        self.text(call.accepted.as_ref().and_then(|a| a.poll.as_ref()), Sees::Answer);
        call.accept.iter().for_each(|accept| self.text(accept.because.as_ref(), Sees::Before));
    }

    fn resource(&mut self, spec: &'a ResourceSpec) {
        self.data(&spec.key);
        self.data(&spec.only_if);
        [&spec.state, &spec.without, &spec.create]
            .into_iter()
            .for_each(|datum| self.datum(datum.as_ref(), Sees::Before));
        self.given(GIVEN_READY, |spots| spots.expression(spec.fail_when.as_ref(), Sees::Before));
        if let Some(KindOf::Here(kind)) = spec.kind() {
            self.kind(kind);
        }
    }

    /// The texts of a kind of resource, each with what it is given.
    fn kind(&mut self, kind: &'a ResourceKind) {
        self.given(GIVEN_KEY, |spots| spots.call(&kind.read.0));
        self.given(GIVEN_STATE, |spots| {
            spots.expression(kind.absent_when.as_ref(), Sees::Before);
            spots.datum(kind.state.as_ref(), Sees::Before);
        });
        self.given(GIVEN_WRITE, |spots| {
            [&kind.write, &kind.create, &kind.remove].into_iter().flatten().for_each(|call| spots.call(&call.0));
        });
        self.given(GIVEN_READY, |spots| {
            spots.expression(kind.ready.as_ref(), Sees::Before);
            spots.expression(kind.fail_when.as_ref(), Sees::Before);
        });
        self.text(kind.irreversible.as_ref(), Sees::Before);
    }

    fn given(&mut self, names: &'static [&'static str], look: impl FnOnce(&mut Self)) {
        let before = std::mem::replace(&mut self.given, names);
        look(self);
        self.given = before;
    }

    fn compare(&mut self, spec: &'a CompareSpec) {
        self.data(&spec.left);
        self.data(&spec.right);
        self.fields(&spec.fields);
    }

    /// A `find`, `query` or `http` is a step.
    fn source(&mut self, source: &'a Source) {
        match source {
            Source::Csv(csv) => self.text(Some(&csv.csv), Sees::Before),
            Source::List(datum) => self.datum(Some(datum), Sees::Before),
            Source::Compare(comparing) => {
                comparing.sides().into_iter().for_each(|(_, side)| self.source(&side.source));
            }
            Source::Find(_) | Source::Query(_) | Source::Http(_) => {}
        }
    }

    fn fields(&mut self, fields: &'a [ComparedField]) {
        for side in fields.iter().flat_map(|field| [&field.left, &field.right]).flatten() {
            if let Side::Value(datum) = side {
                self.datum(Some(datum), Sees::Before);
            }
        }
    }

    fn then(&mut self, then: &'a Then) {
        match &then.verdict {
            Verdict::Stop(text) | Verdict::Skip(text) | Verdict::Fail(text) => self.text(text.as_ref(), Sees::Own),
            Verdict::Escalate(_, text) => self.text(Some(text), Sees::Own),
            Verdict::Retry(retry) => retry.exhausted.iter().for_each(|then| self.then(then)),
            Verdict::Accept => {}
        }
    }
}
