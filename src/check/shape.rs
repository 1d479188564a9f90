//! What a result looks like to expressions, as far as that is known before anything runs.

use super::scene::{Role, Scene};
use crate::{
    action::kinds::Act,
    read::expect::Expect,
    targets::{
        comparing::Comparing,
        model::{From, Source},
    },
    template::{Datum, Step as Part, Tree},
};

/// What attributes a value has.
#[derive(Clone, Debug)]
pub enum Shape {
    /// Anything: no name can be judged.
    Open,
    /// Exactly these attributes.
    Fields(Vec<(String, Shape)>),
    /// These columns of a statement, as it writes them: capital letters may come otherwise. Their values may be anything.
    Columns(Vec<String>),
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
                (Shape::Columns(names), Part::Name(name)) => {
                    return match names.iter().any(|known| known.eq_ignore_ascii_case(name)) {
                        true => Ok(()),
                        false => Err(Misstep::NoSuch(index, names.clone())),
                    };
                }
                (Shape::List(inner), Part::Index(_) | Part::Each) => inner,
                (Shape::List(_), Part::Name(_)) => return Err(Misstep::OfList(index)),
                (Shape::Fields(_) | Shape::Columns(_), Part::Index(_) | Part::Each) => return Ok(()),
            };
        }
        Ok(())
    }
}

/// The result of the step with this index as it is seen from the step `home`: from outside of a loop it is a list. Where `home` is not
/// known, nothing is said of a result that stands in a loop.
pub fn seen(scene: &Scene<'_>, index: usize, home: Option<usize>) -> Shape {
    let shape = of_result(scene, index);
    let loops = scene.loops_between(index, home);
    match (shape, home, loops.len()) {
        (Shape::Nothing, ..) => Shape::Nothing,
        (_, None, 1..) => Shape::Open,
        (shape, _, loops) => (0..loops).fold(shape, |shape, _| Shape::List(Box::new(shape))),
    }
}

/// The result of the step with this index, done once.
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
                // What is wrong with it may be the name of a column.
                Some(Err(_)) => Shape::Open,
                _ => match scene.visits[index].sql.as_ref().and_then(|sql| sql.columns.clone()) {
                    Some(names) => Shape::Columns(names),
                    None => Shape::Open,
                },
            };
            if query.expects().is_single() { columns } else { Shape::List(Box::new(columns)) }
        }
        Act::Tally(tally) => {
            let names = tally.by.iter().map(|word| word.as_str()).chain(["count"]);
            Shape::List(Box::new(Shape::fields(names)))
        }
        Act::Job(job) => {
            let one = Shape::fields(["jid", "job", "queue", "at", "job_id", "waiting"]);
            let single = job.picked().is_none_or(|picked| picked.jid.is_some());
            if single { one } else { Shape::List(Box::new(one)) }
        }
        Act::Http(call) => {
            let more = [("pages", call.pages.is_some()), ("already_done", call.already_done_when.is_some())];
            let more = more.into_iter().filter(|(_, is)| *is).map(|(name, _)| name);
            Shape::fields(["status", "headers", "body"].into_iter().chain(more))
        }
        Act::Command(_) => Shape::fields(["code", "output", "errors"]),
        Act::Ask(ask) => Shape::fields(ask.answer.names()),
        Act::Let(datum) => of_datum(datum),
        // The row as it is afterwards, or as it was before it was deleted.
        Act::Row(_) => columns(scene, index),
        Act::Sql(_) | Act::Resource(_) => Shape::Open,
        Act::Compare(_) => compared(),
        Act::Rows(_) => Shape::List(Box::new(columns(scene, index))),
        Act::Choose(_) => Shape::fields(["row", "arm"]),
        Act::Call(call) => match scene.others.called.get(call.playbook.as_str()) {
            Some(called) if called.returns.entries.is_empty() => Shape::Nothing,
            Some(called) => {
                let values = called.returns.iter().map(|(name, datum)| (name.to_owned(), of_datum(datum)));
                Shape::Fields(values.collect())
            }
            None => Shape::Open,
        },
        Act::Wait(_) => {
            let look = |visit: &super::scene::Visit<'_>| visit.owner == Some(index) && visit.role == Role::Look;
            scene.visits.iter().position(look).map_or(Shape::Open, |read| of_result(scene, read))
        }
        Act::Assert(_) | Act::Tell(_) | Act::Block(_) | Act::Use(_) | Act::Undo(_) | Act::End(_) => Shape::Nothing,
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
    columns(scene, index)
}

/// All columns of the step's table, where the database was asked.
fn columns(scene: &Scene<'_>, index: usize) -> Shape {
    let known = scene.table(scene.visits[index].step).and_then(|table| scene.catalogue(&table));
    known.map_or(Shape::Open, |known| Shape::fields(known.columns.keys().map(|column| &**column)))
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

/// The result of a comparison.
fn compared() -> Shape {
    let field = Shape::fields(["name", "left", "right", "equal"]);
    let parts = [
        ("equal", Shape::Open),
        ("left", Shape::Open),
        ("right", Shape::Open),
        ("fields", Shape::List(Box::new(field))),
        ("different", Shape::List(Box::new(Shape::Open))),
        ("text", Shape::Open),
    ];
    Shape::Fields(parts.into_iter().map(|(name, shape)| (name.to_owned(), shape)).collect())
}

/// One item of the playbook's targets: a row, or a group of them.
pub fn of_item(scene: &Scene<'_>) -> Shape {
    let Some(targets) = &scene.playbook.targets else { return Shape::Open };
    let row = match &targets.from.source {
        Source::Compare(comparing) => of_pair(scene, comparing),
        _ => of_source(scene, &targets.from),
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

/// One row of a source.
pub fn of_source(scene: &Scene<'_>, from: &From) -> Shape {
    let index = || {
        let step = from.step.as_ref()?;
        scene.visits.iter().position(|visit| std::ptr::eq(visit.step, step))
    };
    match (&from.source, index()) {
        (Source::Find(_), Some(index)) => row(scene, index),
        (Source::Query(_), Some(index)) => match of_result(scene, index) {
            Shape::List(inner) => *inner,
            shape => shape,
        },
        (Source::Csv(csv), _) => Shape::fields(csv.columns.names()),
        _ => Shape::Open,
    }
}

/// What a comparison gives of a record.
pub fn of_pair(scene: &Scene<'_>, comparing: &Comparing) -> Shape {
    let [(_, left), (_, right)] = comparing.sides();
    let key = match comparing.key.left.0.as_slice() {
        [_] => Shape::Open,
        _ => Shape::fields(comparing.key.left.names()),
    };
    let field = Shape::fields(["name", "left", "right", "equal"]);
    let parts = [
        ("key", key),
        ("difference", Shape::Open),
        ("left", of_source(scene, left)),
        ("right", of_source(scene, right)),
        ("differs", Shape::List(Box::new(Shape::Open))),
        ("fields", Shape::List(Box::new(field))),
        ("text", Shape::Open),
        ("names", Shape::fields(["left", "right"])),
    ];
    Shape::Fields(parts.into_iter().map(|(name, shape)| (name.to_owned(), shape)).collect())
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
