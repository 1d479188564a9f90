//! What a result looks like to expressions, as far as that is known before anything runs.

use super::scene::Scene;
use crate::{
    action::kinds::Act,
    read::expect::Expect,
    targets::model::Source,
    template::{Datum, Step as Part, Tree},
};

/// What attributes a value has.
#[derive(Clone, Debug)]
pub enum Shape {
    /// Anything: no name can be judged.
    Open,
    /// Exactly these attributes.
    Fields(Vec<(String, Shape)>),
    /// Several of the same.
    List(Box<Shape>),
    /// No result at all; only `is ran` and `is skipped` may be asked.
    Nothing,
}

/// What is wrong with a path.
#[derive(Debug)]
pub enum Misstep {
    /// The part with this index does not exist; these do.
    NoSuch(usize, Vec<String>),
    /// The part with this index is an attribute of a list.
    OfList(usize),
}

impl Shape {
    fn fields<'a>(names: impl IntoIterator<Item = &'a str>) -> Shape {
        Shape::Fields(names.into_iter().map(|name| (name.to_owned(), Shape::Open)).collect())
    }

    /// Walks the parts of a path behind its root (whose index is 0).
    pub fn walk(&self, parts: &[Part]) -> Result<(), Misstep> {
        let mut at = self;
        for (index, part) in parts.iter().enumerate().skip(1) {
            at = match (at, part) {
                (Shape::Open | Shape::Nothing, _) => return Ok(()),
                (_, Part::Length) => return Ok(()),
                (Shape::Fields(fields), Part::Name(name)) => match fields.iter().find(|(field, _)| **field == **name) {
                    Some((_, shape)) => shape,
                    None => {
                        return Err(Misstep::NoSuch(index, fields.iter().map(|(field, _)| field.clone()).collect()));
                    }
                },
                (Shape::List(inner), Part::Index(_) | Part::Each) => inner,
                (Shape::List(_), Part::Name(_)) => return Err(Misstep::OfList(index)),
                (Shape::Fields(_), Part::Index(_) | Part::Each) => return Ok(()),
            };
        }
        Ok(())
    }
}

/// The result of the step with this index.
pub fn of_result(scene: &Scene<'_>, index: usize) -> Shape {
    match &scene.visits[index].step.act {
        Act::Find(find) => {
            let row = row(scene, index);
            if find.expects().is_single() { again(row) } else { Shape::List(Box::new(row)) }
        }
        Act::Query(query) => {
            let columns = match scene.knowledge.prepared.get(&scene.visits[index].step.act_at) {
                Some(Ok(prepared)) if !prepared.columns.is_empty() => {
                    Shape::fields(prepared.columns.iter().map(|(name, ..)| &**name))
                }
                _ => Shape::Open,
            };
            if query.expects().is_single() { columns } else { Shape::List(Box::new(columns)) }
        }
        Act::Http(_) => Shape::fields(["status", "headers", "body"]),
        Act::Command(_) => Shape::fields(["code", "output", "errors"]),
        Act::Ask(ask) => Shape::fields(ask.answer.names()),
        Act::Let(datum) => of_datum(datum),
        Act::Row(_) | Act::Sql(_) => Shape::Open,
        Act::Rows(_) => Shape::List(Box::new(Shape::Open)),
        Act::Assert(_) | Act::Tell(_) | Act::Block(_) => Shape::Nothing,
    }
}

/// A found row: the columns asked for, else those of the catalogue.
fn row(scene: &Scene<'_>, index: usize) -> Shape {
    let step = scene.visits[index].step;
    let Act::Find(find) = &step.act else { return Shape::Open };
    if find.expects() == Expect::None {
        return Shape::Open;
    }
    let Some(table) = scene.table(step) else { return Shape::Open };
    if !find.columns.is_empty() {
        // The key always comes along.
        let key = scene.facts(&table).map(|facts| facts.key_columns()).unwrap_or_default();
        return Shape::fields(find.columns.iter().map(|word| word.as_str()).chain(key.iter().map(|column| &**column)));
    }
    scene.catalogue(&table).map_or(Shape::Open, |known| Shape::fields(known.columns.keys().map(|column| &**column)))
}

/// A single row can be read again: `trainee.now`.
fn again(row: Shape) -> Shape {
    match row {
        Shape::Fields(mut fields) => {
            let fresh = Shape::Fields(fields.clone());
            fields.push(("now".into(), fresh));
            Shape::Fields(fields)
        }
        other => other,
    }
}

/// One item of the playbook's targets: a row, or a group of them.
pub fn of_item(scene: &Scene<'_>) -> Shape {
    let Some(targets) = &scene.playbook.targets else { return Shape::Open };
    let row = match &targets.from.source {
        Source::Find(_) => row(scene, 0),
        Source::Query(_) => match of_result(scene, 0) {
            Shape::List(inner) => *inner,
            shape => shape,
        },
        Source::Csv(csv) => Shape::fields(csv.columns.names()),
        Source::List(_) => Shape::Open,
    };
    if targets.group_by.is_none() {
        return row;
    }
    let field = |name: &str, shape| (name.to_owned(), shape);
    Shape::Fields(vec![
        field("key", Shape::Open),
        field("rows", Shape::List(Box::new(row))),
        field("lines", Shape::List(Box::new(Shape::Open))),
    ])
}

/// A value that the author wrote out.
pub fn of_datum(datum: &Datum) -> Shape {
    of_tree(&datum.tree)
}

fn of_tree(tree: &Tree) -> Shape {
    match tree {
        Tree::Scalar(_) => Shape::Open,
        Tree::List(trees) => match trees.as_slice() {
            [first, rest @ ..] if rest.is_empty() || !matches!(first, Tree::Map(_)) => {
                Shape::List(Box::new(of_tree(first)))
            }
            _ => Shape::List(Box::new(Shape::Open)),
        },
        Tree::Map(entries) => {
            Shape::Fields(entries.iter().map(|(name, tree)| (name.to_string(), of_tree(tree))).collect())
        }
    }
}
