//! A value with `{{ … }}` in it: a text, or, when it is exactly one expression, whatever that gives.

use super::{
    compared::{self, Comparison},
    expression::{Evaluated, value_of},
    grammar,
    item::Item,
    names::{self, Use},
    path::{Path, Step},
    problem::{Failure, Refused},
    render::{Reader, Writer},
    run::{Result as Ran, Run},
    scope::Scope,
    syntax::{Block, Kind, Node, Sort},
};
use crate::base::{value::Value, yaml::Scalar};
use std::{borrow::Cow, fmt, sync::Arc};

/// A compiled text.
#[derive(Clone)]
pub struct Text {
    scalar: Scalar,
    form: Form,
    names: Arc<[Use]>,
}

#[derive(Clone)]
enum Form {
    /// No expression at all.
    Literal(Value),
    /// Exactly one `{{ … }}`.
    Single(Arc<Vec<Block>>),
    Blocks(Arc<Vec<Block>>),
}

impl Text {
    /// Compiles a scalar. One without any `{{`, `{%` or `{#` is a literal of its YAML type.
    pub fn compile(scalar: &Scalar) -> Result<Text, Refused> {
        if !["{{", "{%", "{#"].iter().any(|mark| scalar.text.contains(mark)) {
            return Ok(Text { scalar: scalar.clone(), form: Form::Literal(scalar.value()), names: Arc::new([]) });
        }
        let mut problems = Vec::new();
        let blocks = grammar::template(&scalar.text, &mut problems)?;
        let names = names::of_blocks(&blocks);
        if !problems.is_empty() {
            return Err(Refused { problems, names });
        }
        let form =
            if single(&blocks).is_some() { Form::Single(Arc::new(blocks)) } else { Form::Blocks(Arc::new(blocks)) };
        Ok(Text { scalar: scalar.clone(), form, names: names.into() })
    }

    /// Compiles a text that stands in no file.
    pub fn from_text(text: &str) -> Result<Text, Refused> {
        Text::compile(&super::scalar_of(text))
    }

    /// The text it came from.
    pub fn scalar(&self) -> &Scalar {
        &self.scalar
    }

    /// The names it uses, in order of the text.
    pub fn names(&self) -> &[Use] {
        &self.names
    }

    /// The value, when it holds no expression at all.
    pub fn literal(&self) -> Option<&Value> {
        if let Form::Literal(value) = &self.form { Some(value) } else { None }
    }

    /// Holds no expression at all.
    pub fn is_literal(&self) -> bool {
        self.literal().is_some()
    }

    /// It holds expressions and more than one of them makes it up, so that it is always a text.
    pub fn is_mixed(&self) -> bool {
        matches!(self.form, Form::Blocks(_))
    }

    /// Where it compares a name with something else of which it is known what it can be.
    pub fn comparisons(&self) -> Vec<Comparison> {
        match &self.form {
            Form::Literal(_) => Vec::new(),
            Form::Single(blocks) | Form::Blocks(blocks) => compared::of_blocks(blocks),
        }
    }

    /// The path, when it is exactly one `{{ … }}` and that a name with constant attributes: `{{ item.id }}`.
    pub fn path(&self) -> Option<Path> {
        path_of(self.node()?)
    }

    /// The path of a list, when it is exactly one `{{ … }}` whose elements all come from it as they are: `{{ rows }}`,
    /// `{{ rows | rejectattr('gone_at') | list }}`.
    pub fn picks(&self) -> Option<Path> {
        path_of(picked(self.node()?))
    }

    /// The path of a list and an attribute, when it is exactly one `{{ … }}` whose elements are what elements of that list have there:
    /// `{{ rows | map(attribute='id') | list }}`.
    pub fn picks_of_each(&self) -> Option<(Path, Arc<str>)> {
        let node = picked(self.node()?);
        let Kind::Call(call) = &node.kind else { return None };
        let (Sort::Filter, "map", Some(subject)) = (call.sort, call.about.name, &call.subject) else { return None };
        let [(word, Node { kind: Kind::Const(attribute), .. })] = call.named.as_slice() else { return None };
        let attribute = attribute.as_str().filter(|name| &**word == "attribute" && !name.contains('.'))?;
        Some((path_of(picked(subject))?, attribute.into()))
    }

    fn node(&self) -> Option<&Node> {
        let Form::Single(blocks) = &self.form else { return None };
        single(blocks)
    }

    /// Its value: of the expression's own kind when the text is exactly one `{{ … }}`, else a text (an unknown in it makes
    /// the whole unknown).
    pub fn evaluate(&self, scope: &Scope) -> Result<Evaluated, Failure> {
        if let Form::Literal(value) = &self.form {
            return Ok(Evaluated { value: value.clone(), reads: Vec::new() });
        }
        let mut run = Run::new(scope, &self.scalar);
        let result = match &self.form {
            Form::Single(blocks) if let Some(node) = single(blocks) => value_of(&mut run, node),
            _ => self.write(&mut run, &|text| Cow::Borrowed(text)),
        };
        run.finish(result)
    }

    /// Always a text: each value passes through `encode` before it is put between the literal parts, for URL paths and the like.
    pub fn render(&self, scope: &Scope, encode: impl Fn(&str) -> Cow<'_, str>) -> Result<Evaluated, Failure> {
        let mut run = Run::new(scope, &self.scalar);
        let result = self.write(&mut run, &encode);
        run.finish(result)
    }

    /// For people: `(known after apply)` in place of an unknown, `(personal)` and `(secret)` in place of hidden values,
    /// but for parts that rest on no other hidden values than the `revealed` ones (never a secret).
    pub fn message(&self, scope: &Scope, revealed: &[Path]) -> Result<String, Failure> {
        let mut run = Run::new(scope, &self.scalar);
        let mut writer = Writer { out: String::new(), reader: Reader::Person(revealed) };
        let result = match &self.form {
            Form::Literal(value) => return Ok(value.bare().into_owned()),
            Form::Single(blocks) | Form::Blocks(blocks) => writer.blocks(&mut run, blocks),
        };
        run.finish(result.map(|()| Value::NULL))?;
        Ok(writer.out)
    }

    /// [`Text::message`] with nothing revealed.
    pub fn preview(&self, scope: &Scope) -> Result<String, Failure> {
        self.message(scope, &[])
    }

    fn write(&self, run: &mut Run<'_>, encode: &dyn Fn(&str) -> Cow<'_, str>) -> Ran<Value> {
        let mut writer = Writer { out: String::new(), reader: Reader::Machine(encode) };
        match &self.form {
            Form::Literal(value) => return Ok(Value::text(&*value.bare())),
            Form::Single(blocks) | Form::Blocks(blocks) => writer.blocks(run, blocks)?,
        }
        Ok(Value::text(writer.out))
    }

    /// As part of a lazy value: within a run that is already going.
    pub(super) fn item<'a>(&'a self, run: &mut Run<'a>) -> Ran<Item> {
        run.enter(&self.scalar);
        match &self.form {
            Form::Literal(value) => Ok(Item::made(value.clone())),
            Form::Single(blocks) if let Some(node) = single(blocks) => match run.eval(node)? {
                // Said here, where it stands, and not where the value is used.
                nothing @ (Item::Missing(_) | Item::Skipped(_)) => run.no_value(&nothing, node.at),
                item => Ok(item),
            },
            _ => self.write(run, &|text| Cow::Borrowed(text)).map(Item::made),
        }
    }
}

fn path_of(mut node: &Node) -> Option<Path> {
    let mut steps = Vec::new();
    loop {
        match &node.kind {
            Kind::Name(name) => {
                steps.push(Step::Name(name.clone()));
                steps.reverse();
                return Some(Path { steps });
            }
            Kind::Attribute(of, name) => {
                steps.push(Step::Name(name.clone()));
                node = of;
            }
            _ => return None,
        }
    }
}

/// Filters that leave out elements, or put them into another order, and change none.
const PICKING: [&str; 6] = ["list", "sort", "unique", "reverse", "selectattr", "rejectattr"];

/// What such filters pick from.
fn picked(mut node: &Node) -> &Node {
    while let Kind::Call(call) = &node.kind
        && let (Sort::Filter, Some(subject)) = (call.sort, &call.subject)
        && PICKING.contains(&call.about.name)
    {
        node = subject;
    }
    node
}

/// The expression of a text that is nothing else (but for the line break that a YAML block ends with).
fn single(blocks: &[Block]) -> Option<&Node> {
    match blocks {
        [Block::Emit(node, _)] => Some(node),
        [Block::Emit(node, _), Block::Raw(end, _)] if matches!(&**end, "\n" | "\r\n") => Some(node),
        _ => None,
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Text({})", self.scalar.text)
    }
}
