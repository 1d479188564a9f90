//! Every text with expressions in a step, and which results each may look at.

use crate::{
    action::{
        ends::Otherwise,
        kinds::Act,
        row::{Also, Assign},
        step::Step,
    },
    base::{shape::Named, yaml::Scalar},
    playbook::{
        errors::{ErrorRow, Then, Verdict},
        model::Playbook,
    },
    read::find::Test,
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
}

/// The texts of a step itself; blocks, `undo:` and `probe: { read }` are steps of their own.
pub fn of_step(step: &Step) -> Vec<Spot<'_>> {
    let mut spots = Spots { all: Vec::new(), under: None };
    let common = &step.common;
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
    if let Some(Otherwise { say, .. }) = &common.otherwise {
        spots.text(say.as_ref(), Sees::Own);
    }
    spots.all
}

/// The texts of a row of the `errors:` table.
pub fn of_error_row(row: &ErrorRow) -> Vec<Spot<'_>> {
    let mut spots = Spots { all: Vec::new(), under: None };
    for then in row.then.iter().chain(&row.otherwise) {
        spots.then(then);
    }
    spots.all
}

/// The texts under `targets:` and `limits:`: those that look at an `item`, or the others. (A `find` or `query` is a step.)
pub fn of_targets(playbook: &Playbook, item: bool) -> Vec<Spot<'_>> {
    let mut spots = Spots { all: Vec::new(), under: None };
    if let Some(targets) = &playbook.targets {
        if item {
            spots.text(targets.subject.as_ref(), Sees::Before);
            targets.order_by.iter().for_each(|text| spots.text(Some(text), Sees::Before));
            for check in &targets.check {
                if let Rule::EachRow(expression) | Rule::EachGroup(expression) = &check.rule {
                    spots.expression(Some(expression), Sees::Before);
                }
                spots.text(check.otherwise.as_ref().and_then(|otherwise| otherwise.say.as_ref()), Sees::Before);
            }
        } else {
            match &targets.from.source {
                Source::Csv(csv) => spots.text(Some(&csv.csv), Sees::Before),
                Source::List(datum) => spots.datum(Some(datum), Sees::Before),
                Source::Find(_) | Source::Query(_) => {}
            }
            spots.datum(targets.take.as_ref(), Sees::Before);
        }
    }
    if let Some(limits) = playbook.limits.as_ref().filter(|_| !item) {
        spots.datum(limits.max_items.as_ref(), Sees::Before);
    }
    spots.all
}

/// The texts of a value.
pub fn of_tree(tree: &Tree) -> Vec<Spot<'_>> {
    let mut spots = Spots { all: Vec::new(), under: None };
    spots.tree(tree, Sees::Before);
    spots.all
}

struct Spots<'a> {
    all: Vec<Spot<'a>>,
    under: Option<&'a Expression>,
}

impl<'a> Spots<'a> {
    fn push(&mut self, scalar: &'a Scalar, names: &'a [Use], sees: Sees) {
        if !names.is_empty() {
            self.all.push(Spot { scalar, names, sees, under: self.under });
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
            Act::Find(find) => self.tests(&find.conditions),
            Act::Query(query) => self.sql(&query.sql),
            Act::Http(call) => {
                let paths = [&call.get, &call.head, &call.post, &call.put, &call.patch, &call.delete];
                paths.into_iter().for_each(|path| self.text(path.as_ref(), Sees::Before));
                self.data(&call.query);
                call.headers.iter().for_each(|(_, text)| self.text(Some(text), Sees::Before));
                self.datum(call.json.as_ref(), Sees::Before);
                call.accept.iter().for_each(|accept| self.text(accept.because.as_ref(), Sees::Before));
            }
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
            Act::Ask(ask) => self.text(Some(&ask.question), Sees::Before),
            Act::Tell(tell) => self.text(Some(&tell.message), Sees::Before),
            Act::Block(_) => {}
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
