//! What each kind of expression means. Each part is evaluated at most once, from left to right.

use super::{
    builtin::Given,
    compare,
    item::{Item, unknown_in},
    run::{Result, Run, Stop, flat, unless_unknown},
    syntax::{At, Call, Kind, Node, Relation},
};
use crate::base::value::{Data, Value};
use std::{cmp::Ordering, sync::Arc};

impl Run<'_> {
    /// The meaning of an expression.
    pub fn eval(&mut self, node: &Node) -> Result<Item> {
        self.deeper(node.at, |run| run.meaning(node))
    }

    /// As [`Run::eval`]; an unknown is an item like another.
    pub fn part(&mut self, node: &Node) -> Result<Item> {
        unless_unknown(self.eval(node))
    }

    fn meaning(&mut self, node: &Node) -> Result<Item> {
        match &node.kind {
            Kind::Const(value) => Ok(Item::made(value.clone())),
            Kind::Name(name) => Ok(self.name(name)),
            Kind::Attribute(of, name) => {
                let item = self.eval(of)?;
                self.attribute(&item, name, of.at, node.at)
            }
            Kind::Item(of, key) => {
                let (of_item, key_item) = (self.eval(of)?, self.eval(key)?);
                self.item_at(&of_item, &key_item, (of.at, key.at, node.at))
            }
            Kind::Slice(of, start, stop) => self.slice(of, start.as_deref(), stop.as_deref()),
            Kind::Not(inner) => Ok(Item::made(!self.condition(inner)?)),
            Kind::Negative(inner) => {
                let item = self.eval(inner)?;
                self.negative(&item, inner.at)
            }
            Kind::And(left, right) => self.either(left, right, false),
            Kind::Or(left, right) => self.either(left, right, true),
            Kind::Binary(operator, left, right) => {
                let (left_item, right_item) = (self.part(left)?, self.part(right)?);
                self.binary(*operator, (&left_item, left.at), (&right_item, right.at), node.at)
            }
            Kind::Compare(first, rest) => self.compare(first, rest),
            Kind::If(test, yes, no) => self.choose(test, yes, no.as_deref()),
            Kind::Call(call) => self.call(call, node.at),
            Kind::List(nodes) => nodes.iter().map(|node| self.part(node)).collect::<Result<_>>().map(Item::list),
            Kind::Map(entries) => self.map_of(entries),
            Kind::Refused(_) => self.fail(node.at, "this part was refused"),
        }
    }

    /// Evaluates a condition.
    pub fn condition(&mut self, node: &Node) -> Result<bool> {
        let item = self.eval(node)?;
        self.truth(&item, node.at)
    }

    /// Whether an item counts as yes; of a list, map or text only its emptiness is looked at.
    pub fn truth(&mut self, item: &Item, at: At) -> Result<bool> {
        match item {
            Item::List(items) => Ok(!items.is_empty()),
            Item::Map(entries) => Ok(!entries.is_empty()),
            Item::Value(value, _)
                if !matches!(value.data, Data::Unknown(_))
                    && (value.as_list().is_some() || value.as_map().is_some()) =>
            {
                self.note_outline(item, true);
                Ok(compare::truth(value))
            }
            _ => Ok(compare::truth(&self.value(item, at)?)),
        }
    }

    fn either(&mut self, left: &Node, right: &Node, or: bool) -> Result<Item> {
        let item = self.eval(left)?;
        if self.truth(&item, left.at)? == or { Ok(item) } else { self.eval(right) }
    }

    fn choose(&mut self, test: &Node, yes: &Node, no: Option<&Node>) -> Result<Item> {
        match (self.condition(test)?, no) {
            (true, _) => self.eval(yes),
            (false, Some(no)) => self.eval(no),
            (false, None) => Ok(Item::nothing("the condition is false and there is no `else`")),
        }
    }

    fn compare(&mut self, first: &Node, rest: &[(Relation, Node)]) -> Result<Item> {
        let (mut left, mut left_at) = (self.part(first)?, first.at);
        for (relation, node) in rest {
            let right = self.part(node)?;
            if !self.related(*relation, (&left, left_at), (&right, node.at))? {
                return Ok(Item::made(false));
            }
            (left, left_at) = (right, node.at);
        }
        Ok(Item::made(true))
    }

    /// One comparison.
    pub fn related(&mut self, relation: Relation, left: (&Item, At), right: (&Item, At)) -> Result<bool> {
        match relation {
            Relation::Equal => self.equal(left, right),
            Relation::NotEqual => Ok(!self.equal(left, right)?),
            Relation::In => self.contains(right, left),
            Relation::NotIn => Ok(!self.contains(right, left)?),
            Relation::Less => Ok(self.order(left, right)? == Ordering::Less),
            Relation::AtMost => Ok(self.order(left, right)? != Ordering::Greater),
            Relation::Greater => Ok(self.order(left, right)? == Ordering::Greater),
            Relation::AtLeast => Ok(self.order(left, right)? != Ordering::Less),
        }
    }

    fn equal(&mut self, (left, left_at): (&Item, At), (right, right_at): (&Item, At)) -> Result<bool> {
        if let (Item::Duration(a), Item::Duration(b)) = (left, right) {
            return Ok(a == b);
        }
        let (a, b) = (self.known(left, left_at)?, self.known(right, right_at)?);
        compare::equal(&a, &b).or_else(|why| self.fail(left_at.join(right_at), why))
    }

    /// Which comes first; nulls are refused.
    pub fn order(&mut self, (left, left_at): (&Item, At), (right, right_at): (&Item, At)) -> Result<Ordering> {
        let at = left_at.join(right_at);
        if let (Item::Duration(a), Item::Duration(b)) = (left, right) {
            if a.months == b.months {
                return Ok(a.micros.cmp(&b.micros));
            }
            return if a.micros == b.micros {
                Ok(a.months.cmp(&b.months))
            } else {
                self.fail(at, "months and days have no common order")
            };
        }
        let (a, b) = (self.present(left, left_at)?, self.present(right, right_at)?);
        compare::order(&a, &b)
            .or_else(|why| self.fail_with_help(at, why, "convert one side: `| int`, `| date`, `| string`"))
    }

    /// `element in container`: an element of a list, a key of a map, a part of a text.
    pub fn contains(&mut self, (container, container_at): (&Item, At), (element, at): (&Item, At)) -> Result<bool> {
        let container = flat(self.value(container, container_at)?);
        let element = self.known(element, at)?;
        match &container.data {
            Data::List(values) => self.among(values, &element, at.join(container_at)),
            Data::Map(entries) => Ok(element.as_str().is_some_and(|key| entries.contains_key(key))),
            Data::Text(text) => match flat(element).as_str() {
                Some(part) => Ok(text.contains(part)),
                None => self.fail_with_help(at, "only a text can be part of a text", "`| string` makes a text of it"),
            },
            Data::Null => self.null(container_at),
            _ => self.fail(
                container_at,
                format!("`{}` is {}, which holds nothing", self.written(container_at), container.kind()),
            ),
        }
    }

    fn among(&mut self, values: &[Value], element: &Value, at: At) -> Result<bool> {
        self.spend(values.len(), at)?;
        let mut unknown = None;
        for value in values {
            match unknown_in(value) {
                Some(why) => unknown = Some(why),
                None if compare::equal(value, element).or_else(|why| self.fail(at, why))? => return Ok(true),
                None => {}
            }
        }
        match unknown {
            Some(why) => Err(Stop::Unknown(why.clone())),
            None => Ok(false),
        }
    }

    fn slice(&mut self, of: &Node, start: Option<&Node>, stop: Option<&Node>) -> Result<Item> {
        let item = self.eval(of)?;
        let mut bound = |node: Option<&Node>, otherwise: usize, length: usize| -> Result<usize> {
            let Some(node) = node else { return Ok(otherwise) };
            let item = self.eval(node)?;
            let n = self.int(&item, node.at)?;
            let length = i64::try_from(length).unwrap_or(i64::MAX);
            let n = if n < 0 { n.saturating_add(length) } else { n };
            Ok(usize::try_from(n.clamp(0, length)).unwrap_or(0))
        };
        if let Item::Value(Value { data: Data::Text(text), .. }, _) = &item {
            let length = text.chars().count();
            let (from, to) = (bound(start, 0, length)?, bound(stop, length, length)?);
            let part: String = text.chars().skip(from).take(to.saturating_sub(from)).collect();
            self.value(&item, of.at)?;
            self.make(part.len(), of.at)?;
            return Ok(Item::made(part));
        }
        let length = match &item {
            Item::List(items) => items.len(),
            Item::Value(value, _) => value.as_list().map_or(0, <[Value]>::len),
            _ => 0,
        };
        let (from, to) = (bound(start, 0, length)?, bound(stop, length, length)?);
        let elements = self.elements(&item, of.at)?;
        Ok(Item::list(elements.into_iter().skip(from).take(to.saturating_sub(from)).collect()))
    }

    fn map_of(&mut self, entries: &[(Node, Node)]) -> Result<Item> {
        let mut map: Vec<(Arc<str>, Item)> = Vec::with_capacity(entries.len());
        for (key, value) in entries {
            let key_item = self.eval(key)?;
            let name = self.text(&key_item, key.at)?;
            let item = self.part(value)?;
            match map.iter_mut().find(|(known, _)| *known == name) {
                Some(_) => {
                    return self.fail(key.at, format!("the key `{}` stands twice in one map", self.sayable(&name)));
                }
                None => map.push((name, item)),
            }
        }
        Ok(Item::Map(Arc::new(map)))
    }

    fn call(&mut self, call: &Call, at: At) -> Result<Item> {
        let subject = match &call.subject {
            Some(node) => self.eval(node)?,
            None => Item::made(Value::NULL),
        };
        let subject_at = call.subject.as_ref().map_or(call.name_at, |node| node.at);
        let args = call.args.iter().map(|node| Ok((self.part(node)?, node.at))).collect::<Result<_>>()?;
        let named = call
            .named
            .iter()
            .map(|(name, node)| Ok((name.clone(), (self.part(node)?, node.at))))
            .collect::<Result<_>>()?;
        let given = Given { about: call.about, subject, subject_at, args, named, at };
        (call.about.run)(self, &given)
    }
}
