//! Every column that a step names, with the table and what it is named for.

use super::scene::Scene;
use crate::{
    action::{
        kinds::Act,
        row::{Assign, Ensure},
        step::Step,
    },
    base::{shape::Named, source::Span, value::Value},
    effect::change::TableName,
    read::find::Test,
    template::{Datum, Tree},
};
use std::sync::Arc;

/// What a column is named for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum For {
    /// A test in `where:`, or the key.
    Finding,
    /// A guard in `only_if:`.
    Guarding,
    /// A value in `set:` or `clear:`.
    Setting,
    /// A value of a new row.
    Creating,
    /// A part of a JSON document: `{ merge }`, `{ remove }`.
    Merging,
    /// It is appended to.
    Appending,
    /// Sorting or showing.
    Naming,
}

/// One column.
#[derive(Clone, Debug)]
pub struct Column<'a> {
    /// Its name.
    pub name: Arc<str>,
    /// Where the caret for the column goes.
    pub at: Span,
    /// What for.
    pub purpose: For,
    /// The value beside it, where there is one.
    pub datum: Option<&'a Datum>,
}

impl<'a> Column<'a> {
    fn new(name: Arc<str>, at: Span, purpose: For, datum: Option<&'a Datum>) -> Column<'a> {
        Column { name, at, purpose, datum }
    }

    /// The values beside it that the author wrote out, with their places; a list gives its elements.
    pub fn literals(&self) -> Vec<(Value, Span)> {
        self.datum.map(literals).unwrap_or_default()
    }
}

/// The table of a step and the columns that it names; nothing for a step without a table.
pub fn of_step<'a>(scene: &Scene<'a>, step: &'a Step) -> Option<(TableName, Vec<Column<'a>>)> {
    if !matches!(step.act, Act::Find(_) | Act::Row(_) | Act::Rows(_)) {
        return None;
    }
    let table = scene.table(step)?;
    let mut all = Vec::new();
    match &step.act {
        Act::Find(find) => {
            tests(&find.conditions, &mut all);
            for word in &find.order_by {
                let name = word.as_str().strip_prefix('-').unwrap_or(word.as_str());
                all.push(Column::new(name.into(), word.span, For::Naming, None));
            }
            let shared = find.shared.iter().flat_map(|shared| &shared.columns);
            let named = find.columns.iter().chain(shared);
            all.extend(named.map(|word| Column::new(word.text.clone(), word.span, For::Naming, None)));
        }
        Act::Rows(rows) => {
            tests(&rows.conditions, &mut all);
            assigns(&rows.set, For::Setting, &mut all);
            clear(scene, rows.clear.as_ref(), &mut all);
        }
        Act::Row(row) => {
            let data = |named: &'a Named<Datum>, purpose| {
                named
                    .entries
                    .iter()
                    .map(move |(word, datum)| Column::new(word.text.clone(), word.span, purpose, Some(datum)))
            };
            all.extend(data(&row.key, For::Finding));
            all.extend(data(&row.only_if, For::Guarding));
            assigns(&row.set, For::Setting, &mut all);
            clear(scene, row.clear.as_ref(), &mut all);
            for also in &row.also {
                assigns(&also.set, For::Setting, &mut all);
                clear(scene, also.clear.as_ref(), &mut all);
            }
            row.create.iter().for_each(|create| assigns(create, For::Creating, &mut all));
        }
        _ => {}
    }
    Some((table, all))
}

fn tests<'a>(tests: &'a Named<Test>, all: &mut Vec<Column<'a>>) {
    all.extend(
        tests
            .entries
            .iter()
            .map(|(word, test)| Column::new(word.text.clone(), word.span, For::Finding, Some(test.datum()))),
    );
}

fn assigns<'a>(assigns: &'a Named<Assign>, purpose: For, all: &mut Vec<Column<'a>>) {
    for (word, assign) in &assigns.entries {
        let purpose = match assign {
            Assign::To(_) => purpose,
            Assign::Append(_) => For::Appending,
            Assign::Merge(_) | Assign::Remove(_) => For::Merging,
        };
        let datum = if matches!(purpose, For::Merging | For::Appending) { None } else { Some(assign.datum()) };
        all.push(Column::new(word.text.clone(), word.span, purpose, datum));
    }
}

fn clear<'a>(scene: &Scene<'a>, datum: Option<&'a Datum>, all: &mut Vec<Column<'a>>) {
    let Some(datum) = datum else { return };
    let list = behind_var(scene, datum).unwrap_or(datum);
    for (value, at) in literals(list) {
        if let Some(name) = value.as_str() {
            all.push(Column::new(name.into(), at, For::Setting, None));
        }
    }
}

/// The value of `vars.x` when a datum is nothing but `{{ vars.x }}`.
fn behind_var<'a>(scene: &Scene<'a>, datum: &'a Datum) -> Option<&'a Datum> {
    let Tree::Scalar(text) = &datum.tree else { return None };
    let name = text.scalar().text.trim().strip_prefix("{{")?.strip_suffix("}}")?.trim().strip_prefix("vars.")?;
    scene.playbook.vars.get(name)
}

/// What the author wrote out: a value, or each value of a list. Maps (JSON documents) give none.
pub fn literals(datum: &Datum) -> Vec<(Value, Span)> {
    let of = |tree: &Tree| match tree {
        Tree::Scalar(text) if text.is_literal() => Some((text.scalar().value(), text.scalar().span)),
        _ => None,
    };
    match &datum.tree {
        Tree::List(trees) => trees.iter().filter_map(of).collect(),
        tree => of(tree).into_iter().collect(),
    }
}

/// The step deletes its rows.
pub fn deletes(step: &Step) -> bool {
    match &step.act {
        Act::Row(row) => row.ensure == Some(Ensure::Absent),
        Act::Rows(rows) => rows.ensure == Some(Ensure::Absent),
        _ => false,
    }
}
