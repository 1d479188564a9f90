//! One evaluation: what was looked at, what it may still spend, and how a part becomes a value.
//!
//! Two things end a part early: a failure, and an unknown. An unknown travels upwards as [`Stop::Unknown`], so that whatever
//! needs it is unknown too, and what a short circuit leaves out is never touched.

use super::{
    expression::Evaluated,
    item::{Item, Missing, Read, unknown_in},
    path::Trail,
    problem::{CYCLE, DID_NOT_RUN, FAILED, Failure, TOO_COMPLEX},
    scope::Scope,
    syntax::At,
};
use crate::base::{
    diagnostic::Code,
    json, suggest,
    value::{AFTER_APPLY, Data, Map, Marks, Value},
    yaml::Scalar,
};
use std::{borrow::Cow, sync::Arc};

/// Steps that one evaluation may take; a part of an expression costs [`PART`], an element [`ELEMENT`], a comparison 1.
const FUEL: usize = 8_000_000;
const PART: usize = 64;
const ELEMENT: usize = 16;
/// Bytes that one evaluation may make in all, thrown away or not.
const MADE: usize = 16 * 1024 * 1024;
/// Bytes of a text that is made.
pub const MAX_MADE_TEXT: usize = 64 * 1024;
/// Parts inside parts, `vars` inside `vars` included.
const MAX_DEPTH: usize = 400;

/// Why a part has no value.
#[derive(Debug)]
pub enum Stop {
    Failed(Box<Failure>),
    /// It needs something that only apply will show.
    Unknown(Arc<str>),
}

/// A part of an expression, or why it has no value.
pub type Result<T> = std::result::Result<T, Stop>;

/// See the head of this file.
pub struct Run<'a> {
    pub scope: &'a Scope,
    /// The text that is being evaluated: inside `vars` another one.
    scalar: &'a Scalar,
    pub reads: Vec<(Read, Marks)>,
    pub marks: Marks,
    /// Loop variables and `set`, innermost last.
    pub locals: Vec<(Arc<str>, Item)>,
    fuel: usize,
    bytes: usize,
    depth: usize,
    /// The `vars` used so far; without an item while it is being evaluated.
    vars: Vec<(Arc<str>, Option<Item>)>,
}

impl<'a> Run<'a> {
    /// A run with everything still to spend; `scalar` holds the text that failures point into.
    pub fn new(scope: &'a Scope, scalar: &'a Scalar) -> Run<'a> {
        let (reads, locals, vars) = (Vec::new(), Vec::new(), Vec::new());
        Run { scope, scalar, reads, marks: Marks::NONE, locals, fuel: FUEL, bytes: MADE, depth: 0, vars }
    }

    /// The end of an evaluation: an unknown is a result like another.
    pub fn finish(self, result: Result<Value>) -> std::result::Result<Evaluated, Failure> {
        let value = match result {
            Ok(value) => value,
            Err(Stop::Unknown(why)) => Data::Unknown(why).into(),
            Err(Stop::Failed(failure)) => return Err(*failure),
        };
        let reads = self.reads.iter().map(|(read, _)| read.path()).collect();
        Ok(Evaluated { value: value.marked(self.marks), reads })
    }

    // What may be spent.

    /// Takes so many steps, or fails.
    pub fn spend(&mut self, steps: usize, at: At) -> Result<()> {
        match self.fuel.checked_sub(steps) {
            Some(rest) => {
                self.fuel = rest;
                Ok(())
            }
            None => Err(self.too_much(at, "the expression takes too many steps")),
        }
    }

    /// Takes what a list of so many elements costs, before it is made.
    pub fn spend_elements(&mut self, count: usize, at: At) -> Result<()> {
        self.spend(count.saturating_mul(ELEMENT), at)?;
        self.make(count.saturating_mul(size_of::<Item>()), at)
    }

    /// Takes so many bytes, or fails.
    pub fn make(&mut self, bytes: usize, at: At) -> Result<()> {
        match self.bytes.checked_sub(bytes) {
            Some(rest) => {
                self.bytes = rest;
                Ok(())
            }
            None => Err(self.too_much(at, "the expression makes too much text or too long lists")),
        }
    }

    /// Asks for a text of so many bytes before it is made.
    pub fn make_text(&mut self, bytes: usize, at: At) -> Result<()> {
        self.fits(bytes, at)?;
        self.make(bytes, at)
    }

    /// Asks whether a text may have so many bytes.
    pub fn fits(&self, bytes: usize, at: At) -> Result<()> {
        if bytes > MAX_MADE_TEXT {
            return Err(
                self.too_much(at, &format!("the text would have {bytes} bytes; at most {MAX_MADE_TEXT} can be made"))
            );
        }
        Ok(())
    }

    fn too_much(&self, at: At, message: &str) -> Stop {
        self.stop(&TOO_COMPLEX, at, message.into(), Some("let SQL do this, or take a smaller part".into()))
    }

    /// Runs `inside` one level deeper.
    pub fn deeper<T>(&mut self, at: At, inside: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.spend(PART, at)?;
        if self.depth >= MAX_DEPTH {
            return Err(self.too_much(at, "expressions inside expressions, too deep"));
        }
        self.depth += 1;
        let result = inside(self);
        self.depth -= 1;
        result
    }

    /// Evaluates one of the `vars` once, with its own text for messages and none of the local names.
    pub fn var(&mut self, name: &Arc<str>, at: At, inside: impl FnOnce(&mut Self) -> Result<Item>) -> Result<Item> {
        match self.vars.iter().find(|(known, _)| known == name) {
            Some((_, Some(item))) => return Ok(item.clone()),
            Some((_, None)) => {
                let chain: Vec<&str> =
                    self.vars.iter().filter(|(_, item)| item.is_none()).map(|(name, _)| &**name).collect();
                let message = format!("`vars.{name}` needs itself: {} → {name}", chain.join(" → "));
                return Err(self.stop(&CYCLE, at, message, None));
            }
            None => self.vars.push((name.clone(), None)),
        }
        let (scalar, locals) = (self.scalar, std::mem::take(&mut self.locals));
        let result = self.deeper(at, inside);
        (self.scalar, self.locals) = (scalar, locals);
        // An unknown part is kept as such; after a failure nothing is evaluated any more.
        let item = unless_unknown(result)?;
        if let Some((_, kept)) = self.vars.iter_mut().find(|(known, _)| known == name) {
            *kept = Some(item.clone());
        }
        Ok(item)
    }

    /// The following parts belong to this text.
    pub fn enter(&mut self, scalar: &'a Scalar) {
        self.scalar = scalar;
    }

    // Failures.

    fn stop(&self, code: &'static Code, at: At, message: String, help: Option<String>) -> Stop {
        let scalar = self.scalar.clone();
        Stop::Failed(Box::new(Failure { code, scalar, range: at.range(), message, help: help.into_iter().collect() }))
    }

    /// Fails at a place.
    pub fn fail<T>(&self, at: At, message: impl Into<String>) -> Result<T> {
        Err(self.stop(&FAILED, at, message.into(), None))
    }

    /// Fails at a place, and says what to do.
    pub fn fail_with_help<T>(&self, at: At, message: impl Into<String>, help: impl Into<String>) -> Result<T> {
        Err(self.stop(&FAILED, at, message.into(), Some(help.into())))
    }

    /// The part as the author wrote it, for messages.
    pub fn written(&self, at: At) -> Cow<'a, str> {
        let text = self.scalar.text.get(at.range()).unwrap_or("").trim();
        match text.char_indices().nth(60) {
            Some((end, _)) => format!("{}…", &text[..end]).into(),
            None => text.into(),
        }
    }

    /// A name that may be said: one that was computed from something hidden may not.
    pub fn sayable<'n>(&self, name: &'n str) -> &'n str {
        if self.marks.hidden() { "(personal)" } else { name }
    }

    /// Fails because this part is null.
    pub fn null<T>(&self, at: At) -> Result<T> {
        let name = self.written(at);
        self.fail_with_help(
            at,
            format!("`{name}` is null"),
            format!("say what to do then: `… if {name} is not none else …`"),
        )
    }

    fn missing(&self, missing: &Missing, at: At) -> Stop {
        let written = self.written(at);
        match missing {
            Missing::Name(name) => {
                let known = self.scope.names();
                let help =
                    if &**name == "null" { Some("null is written `none`".into()) } else { suggest::help(name, known) };
                self.stop(&FAILED, at, format!("there is nothing named `{name}` here"), help)
            }
            Missing::Attribute { of, name, .. } => {
                let known = of.as_map().map(|map| map.keys().map(|key| &**key).collect::<Vec<_>>()).unwrap_or_default();
                let help = suggest::help(name, known)
                    .unwrap_or_else(|| "ask `is defined` first, or use `| default(…)` or `| path('…')`".into());
                self.stop(
                    &FAILED,
                    at,
                    format!("`{written}` does not exist: there is no `{}`", self.sayable(name)),
                    Some(help),
                )
            }
            Missing::Nothing(why) => self.stop(&FAILED, at, format!("`{written}` has no value: {why}"), None),
        }
    }

    /// Fails for everything that is no value: missing, skipped, undecided, a duration.
    pub fn no_value<T>(&self, item: &Item, at: At) -> Result<T> {
        match item {
            Item::Missing(missing) => Err(self.missing(missing, at)),
            Item::Skipped(name) => {
                let help = format!("ask `{name} is ran` first, or put the same `when:` here");
                Err(self.stop(&DID_NOT_RUN, at, format!("`{name}` did not run: its `when` was false"), Some(help)))
            }
            Item::Undecided => Err(Stop::Unknown(AFTER_APPLY.into())),
            Item::Duration(_) => self.fail_with_help(
                at,
                "a duration is no value by itself",
                "add it to a date or moment: `now() + days(4)`",
            ),
            Item::Vars => self.fail(at, "`vars` is used by name: `vars.…`"),
            Item::Value(..) | Item::List(_) | Item::Map(_) => {
                self.fail(at, format!("{} cannot stand here", item.kind()))
            }
        }
    }

    // Looking at values.

    fn note(&mut self, trail: Option<&Trail>, marks: Marks, length: bool) {
        self.marks |= marks;
        if let Some(trail) = trail {
            self.reads.push((Read { trail: trail.clone(), length }, marks));
        }
    }

    /// Only whether it is there, null or how long it is was looked at: that says nothing about its hidden content.
    pub fn note_outline(&mut self, item: &Item, length: bool) {
        if let Item::Value(value, trail) = item {
            let marks = value.marks.bits() & !(Marks::PERSONAL | Marks::SECRET).bits();
            self.note(trail.as_ref(), Marks::from_bits(marks), length);
        }
    }

    /// As [`Run::note_outline`], for something that is not there.
    pub fn note_absent(&mut self, missing: &Missing) {
        if let Missing::Attribute { trail, .. } = missing {
            self.note(trail.as_ref(), Marks::NONE, false);
        }
    }

    /// The whole value, looked at through and through; parts of it may be unknown.
    pub fn value(&mut self, item: &Item, at: At) -> Result<Value> {
        match item {
            Item::Value(value, trail) => {
                let seen = Survey::of(value, self.fuel);
                self.spend(seen.parts, at)?;
                self.note(trail.as_ref(), seen.marks, false);
                match &value.data {
                    Data::Unknown(why) => Err(Stop::Unknown(why.clone())),
                    _ => Ok(value.clone()),
                }
            }
            Item::List(items) => {
                self.spend_elements(items.len(), at)?;
                items
                    .iter()
                    .map(|item| unless_unknown_value(self.value(item, at)))
                    .collect::<Result<Vec<_>>>()
                    .map(Value::list)
            }
            Item::Map(entries) => {
                self.spend_elements(entries.len(), at)?;
                let map =
                    entries.iter().map(|(name, item)| Ok((name.clone(), unless_unknown_value(self.value(item, at))?)));
                map.collect::<Result<Map>>().map(Value::from)
            }
            other => self.no_value(other, at),
        }
    }

    /// The whole value, no part unknown.
    pub fn known(&mut self, item: &Item, at: At) -> Result<Value> {
        let value = self.value(item, at)?;
        match unknown_in(&value) {
            Some(why) => Err(Stop::Unknown(why.clone())),
            None => Ok(value),
        }
    }

    /// The whole value, no part unknown, not null.
    pub fn present(&mut self, item: &Item, at: At) -> Result<Value> {
        let value = self.known(item, at)?;
        if value.is_null() { self.null(at) } else { Ok(value) }
    }

    /// The characters of a value in a text.
    pub fn characters(&mut self, item: &Item, at: At) -> Result<Value> {
        let value = self.present(item, at)?;
        match &value.data {
            Data::Text(_) => Ok(value),
            Data::Json(json) => {
                self.make_text(json.text().len(), at)?;
                Ok(Value::text(json.text()))
            }
            Data::List(_) | Data::Map(_) => self.json(&value, at).map(Value::text),
            _ => Ok(Value::text(&*value.bare())),
        }
    }

    /// The JSON text of a value that was already looked at.
    pub fn json(&mut self, value: &Value, at: At) -> Result<String> {
        // A rough measure first: the text must not be made only to be found too long.
        self.fits(Survey::of(value, self.fuel).bytes / 8, at)?;
        let text = json::text_of(value);
        self.make_text(text.len(), at)?;
        Ok(text)
    }

    /// A text, not some other kind.
    pub fn text(&mut self, item: &Item, at: At) -> Result<Arc<str>> {
        let value = self.present(item, at)?;
        match flat(value).data {
            Data::Text(text) => Ok(text),
            other => self.fail_with_help(
                at,
                format!("`{}` is {}, not a text", self.written(at), Value::from(other).kind()),
                "`| string` makes a text of it",
            ),
        }
    }

    /// A whole number.
    pub fn int(&mut self, item: &Item, at: At) -> Result<i64> {
        let value = self.present(item, at)?;
        match flat(value).data {
            Data::Int(n) => Ok(n),
            other => {
                self.fail(at, format!("`{}` is {}, not a whole number", self.written(at), Value::from(other).kind()))
            }
        }
    }

    /// The result of the whole expression: handed on, not looked into. Each part keeps its own marks and unknowns.
    pub fn result(&mut self, item: &Item, at: At) -> Result<Value> {
        match item {
            Item::Value(value, trail) => {
                self.note(trail.as_ref(), value.marks, false);
                Ok(value.clone())
            }
            Item::List(items) => {
                items.iter().map(|item| self.result(item, at)).collect::<Result<Vec<_>>>().map(Value::list)
            }
            Item::Map(entries) => entries
                .iter()
                .map(|(name, item)| Ok((name.clone(), self.result(item, at)?)))
                .collect::<Result<Map>>()
                .map(Value::from),
            other => self.no_value(other, at),
        }
    }
}

/// What a walk through a whole value finds, given up after so many parts.
struct Survey {
    marks: Marks,
    parts: usize,
    /// About how long it is as text.
    bytes: usize,
}

impl Survey {
    fn of(value: &Value, limit: usize) -> Survey {
        let mut survey = Survey { marks: Marks::NONE, parts: 0, bytes: 0 };
        survey.walk(value, limit);
        survey
    }

    fn walk(&mut self, value: &Value, limit: usize) {
        self.marks |= value.marks;
        self.parts += 1;
        // Each level returns at once; a list of the longest length is all that is still gone through.
        if self.parts > limit {
            return;
        }
        match &value.data {
            Data::Text(text) => self.bytes += text.len(),
            Data::Bytes(bytes) => self.bytes += bytes.len(),
            Data::Json(json) => self.bytes += json.text().len(),
            Data::List(values) => {
                for value in values.iter() {
                    self.walk(value, limit);
                }
            }
            Data::Map(entries) => {
                for (name, value) in entries.iter() {
                    self.bytes += name.len();
                    self.walk(value, limit);
                }
            }
            _ => self.bytes += 1,
        }
    }
}

/// JSON taken as what it says.
pub fn flat(value: Value) -> Value {
    match &value.data {
        Data::Json(json) => json.tree().clone().marked(value.marks),
        _ => value,
    }
}

/// An unknown becomes an item of its own, so that its neighbours stay known.
pub fn unless_unknown(result: Result<Item>) -> Result<Item> {
    match result {
        Err(Stop::Unknown(why)) => Ok(Item::unknown(why)),
        other => other,
    }
}

fn unless_unknown_value(result: Result<Value>) -> Result<Value> {
    match result {
        Err(Stop::Unknown(why)) => Ok(Data::Unknown(why).into()),
        other => other,
    }
}
