//! A step and the values known when it starts → a deed.

use super::{
    change::{Change, Guard, Pick, To, Wanted},
    command::{CommandSpec, OutputForm},
    deed::{
        self, Call, Command, Deed, Enqueue, Find, JobVerb, Judgement, Message, Outgoing, Query, Question, Statement,
        Tally,
    },
    job::{JobSpec, Picked},
    kinds::Act,
    resource::ResourceKind,
    row::{Also, Assign, Ensure, RowSpec},
    rows::RowsSpec,
    step::Step,
};
use crate::{
    base::{
        shape::Named,
        source::Span,
        url_path::encoded,
        value::{Data, Map, Value},
    },
    connection::{http::Format, sidekiq::Place},
    effect::change::TableName,
    read::{
        expect::Touches,
        find::{FindSpec, Test},
        http::HttpSpec,
        tally::TallySpec,
    },
    table::{
        condition::{self, Condition},
        facts::Facts,
    },
    template::{Datum, Dialect, Expression, Failure, Path, Scope, Text, Tree, Truth},
};
use indexmap::IndexMap;
use std::sync::Arc;

/// What resolving needs to know beside the scope.
pub trait Known {
    /// The facts of a declared table.
    fn facts(&self, table: &TableName) -> Option<&Facts>;
    /// The table whose row the step `id` finds.
    fn found_in(&self, id: &str) -> Option<TableName>;
    /// A kind of resource that the project file declares.
    fn resource(&self, name: &str) -> Option<Arc<ResourceKind>>;
    /// How a connection's SQL is written.
    fn dialect(&self, connection: &str) -> Dialect;
}

/// Why a step cannot be resolved.
#[derive(Clone, Debug)]
pub enum Trouble {
    /// An expression failed.
    Expression(Box<Failure>),
    /// Something does not fit together.
    Misfit {
        /// What, as a sentence without a full stop.
        message: String,
        /// Where.
        at: Span,
    },
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Trouble {
        Trouble::Expression(Box::new(failure))
    }
}

pub(super) fn misfit<T>(at: Span, message: impl Into<String>) -> Result<T, Trouble> {
    Err(Trouble::Misfit { message: message.into(), at })
}

/// A deed, and what its expressions looked at.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// What is to be done.
    pub deed: Deed,
    /// The paths that expressions read.
    pub reads: Vec<Path>,
}

/// Resolves the action of a step; what leads elsewhere (a `block`, a `choose`) has none: the engine walks into it.
pub fn resolve(step: &Step, scope: &Scope, known: &dyn Known) -> Result<Option<Resolved>, Trouble> {
    let mut cx = Resolver::new(scope, known);
    let deed = match &step.act {
        Act::Block(_) | Act::Choose(_) | Act::Use(_) | Act::Wait(_) | Act::Undo(_) | Act::End(_) | Act::Call(_) => {
            return Ok(None);
        }
        Act::Find(spec) => Deed::Find(cx.find(spec)?),
        Act::Query(spec) => Deed::Query(Query {
            connection: spec.db.text.clone(),
            bound: spec.sql.bind(scope, known.dialect(spec.db.as_str()))?,
            expect: spec.expects(),
            like: spec.of_table.as_ref().and_then(|w| TableName::parse(w.as_str())),
        }),
        Act::Http(spec) => Deed::Outgoing(Outgoing::Call(cx.call(spec)?)),
        Act::Command(spec) => Deed::Outgoing(Outgoing::Command(cx.command(spec)?)),
        Act::Row(spec) => Deed::Change(cx.row(spec)?),
        Act::Rows(spec) => Deed::Change(cx.rows(spec)?),
        Act::Sql(spec) => Deed::Statement(Statement {
            connection: spec.db.text.clone(),
            bound: spec.sql.bind(scope, known.dialect(spec.db.as_str()))?,
            touches: spec.touches.unwrap_or(Touches { least: 1, most: 1 }),
        }),
        Act::Resource(spec) => Deed::Resource(Box::new(cx.resource(spec, step.id())?)),
        Act::Compare(spec) => Deed::Compare(cx.compare(spec)?),
        Act::Tally(spec) => Deed::Tally(cx.tally(spec)?),
        Act::Job(spec) => Deed::Jobs(cx.job(spec)?),
        Act::Assert(expression) => Deed::Judge(judge(expression, scope)?),
        Act::Let(datum) => Deed::Give(cx.value(datum)?),
        Act::Ask(spec) => Deed::Question(Question {
            who: spec.who.text.clone(),
            text: cx.evidenced(&spec.question, &spec.evidence)?,
            answer: spec.answer.entries.iter().map(|(w, f)| (w.text.clone(), f.clone())).collect(),
            affects: spec.affects.as_ref().map(|words| words.iter().map(|w| w.text.clone()).collect()),
            within: spec.within.map(|length| length.0),
            remind: spec.remind.map(|length| length.0),
        }),
        Act::Tell(spec) => Deed::Message(Message { who: spec.who.text.clone(), text: cx.text(&spec.message)? }),
    };
    Ok(Some(Resolved { deed, reads: cx.reads }))
}

/// Resolves a `find` that stands in no step.
pub fn find(spec: &FindSpec, scope: &Scope, known: &dyn Known) -> Result<Find, Trouble> {
    Resolver { scope, known, reads: Vec::new() }.find(spec)
}

/// Evaluates a condition, keeping what it looked at for the message of a failed check.
pub fn judge(expression: &Expression, scope: &Scope) -> Result<Judgement, Failure> {
    let (truth, evaluated) = expression.test(scope)?;
    let mut seen: Vec<(Path, Value)> = Vec::new();
    for path in evaluated.reads {
        if !seen.iter().any(|(p, _)| *p == path)
            && let Some(value) = scope.get(path.root()).and_then(|root| path.look_up(root))
        {
            seen.push((path, value));
        }
    }
    let (holds, unknown) = match truth {
        Truth::Yes => (Some(true), None),
        Truth::No => (Some(false), None),
        Truth::Unknown(why) => (None, Some(why)),
    };
    Ok(Judgement { holds, unknown, seen, at: expression.scalar().span })
}

/// Evaluates the parts of a step, and notes what they look at.
pub(super) struct Resolver<'a> {
    pub(super) scope: &'a Scope,
    pub(super) known: &'a dyn Known,
    reads: Vec<Path>,
}

impl<'a> Resolver<'a> {
    pub(super) fn new(scope: &'a Scope, known: &'a dyn Known) -> Resolver<'a> {
        Resolver { scope, known, reads: Vec::new() }
    }
}

impl Resolver<'_> {
    /// Notes what was looked at besides.
    pub(super) fn looked_at(&mut self, paths: impl IntoIterator<Item = Path>) {
        self.reads.extend(paths);
    }

    pub(super) fn value(&mut self, datum: &Datum) -> Result<Value, Trouble> {
        let evaluated = datum.evaluate(self.scope)?;
        self.reads.extend(evaluated.reads);
        Ok(evaluated.value)
    }

    fn text(&mut self, text: &Text) -> Result<Value, Trouble> {
        let evaluated = text.evaluate(self.scope)?;
        self.reads.extend(evaluated.reads);
        Ok(evaluated.value)
    }

    /// A question. Its evidence is what the answer rests on, so what it reads is noted too.
    fn evidenced(&mut self, question: &Text, evidence: &Named<Text>) -> Result<Value, Trouble> {
        evidence.iter().try_for_each(|(_, text)| self.text(text).map(drop))?;
        self.text(question)
    }

    fn facts(&self, table: &TableName, at: Span) -> Result<&Facts, Trouble> {
        self.known
            .facts(table)
            .map_or_else(|| misfit(at, format!("the project file does not declare the table `{table}`")), Ok)
    }

    fn table(&self, name: &str, at: Span) -> Result<TableName, Trouble> {
        TableName::parse(name).map_or_else(|| misfit(at, format!("`{name}` is not `connection.table`")), Ok)
    }

    /// The stored form of a value for a column.
    fn stored(&self, facts: &Facts, column: &str, value: Value, at: Span) -> Result<Value, Trouble> {
        facts.stored(column, value).map_or_else(|unknown| misfit(at, unknown.to_string()), Ok)
    }

    fn find(&mut self, spec: &FindSpec) -> Result<Find, Trouble> {
        let table = self.table(spec.table.as_str(), spec.table.span)?;
        let conditions =
            self.conditions(&table, spec.table.span, &spec.conditions, spec.with_discarded == Some(true))?;
        let mut columns: Vec<Arc<str>> = spec.columns.iter().map(|w| w.text.clone()).collect();
        if !columns.is_empty() {
            // The key always comes along: `row: { of: … }` needs it.
            let key = self.facts(&table, spec.table.span)?.key_columns();
            columns.extend(key.into_iter().filter(|k| !spec.columns.iter().any(|w| w.text == *k)));
        }
        Ok(Find { table, conditions, order: spec.order(), columns, expect: spec.expects() })
    }

    fn conditions(
        &mut self,
        table: &TableName,
        at: Span,
        tests: &Named<Test>,
        with_discarded: bool,
    ) -> Result<Vec<Condition>, Trouble> {
        let facts = self.facts(table, at)?.clone();
        let mut conditions = Vec::new();
        for (column, test) in &tests.entries {
            let value = self.value(test.datum())?;
            let one = |v: Value| self.stored(&facts, column.as_str(), v, test.span());
            let list = match &value.data {
                Data::List(values) => Some(values.iter().cloned().map(one).collect::<Result<Vec<_>, _>>()?),
                _ => None,
            };
            use condition::Test as T;
            if let (Test::Between(_), Some(bounds)) = (test, &list) {
                let [from, until] = bounds.as_slice() else {
                    return misfit(
                        test.span(),
                        "`between` takes two values: the first one, and the one that is too much",
                    );
                };
                for test in [T::AtLeast(from.clone()), T::Before(until.clone())] {
                    conditions.push(Condition { column: column.text.clone(), test });
                }
                continue;
            }
            let test = match (test, list) {
                (Test::Between(_), _) => return misfit(test.span(), "`between` takes a list of two values"),
                (Test::Is(_), Some(values)) => T::OneOf(values),
                (Test::Not(_), Some(values)) => T::NoneOf(values),
                (_, Some(_)) => return misfit(test.span(), "a list cannot be compared by order"),
                (Test::Is(_), None) => T::Is(one(value)?),
                (Test::Not(_), None) => T::IsNot(one(value)?),
                (_, None) if value.is_null() => {
                    return misfit(test.span(), "null cannot be compared by order: no row would ever fit");
                }
                (Test::AtMost(_), None) => T::AtMost(value),
                (Test::AtLeast(_), None) => T::AtLeast(value),
                (Test::Before(_), None) => T::Before(value),
                (Test::After(_), None) => T::After(value),
            };
            conditions.push(Condition { column: column.text.clone(), test });
        }
        if let Some(column) = facts.soft_delete.as_ref().filter(|_| !with_discarded)
            && tests.get(column.as_str()).is_none()
        {
            conditions.push(Condition::is(column.text.clone(), Value::NULL));
        }
        Ok(conditions)
    }

    pub(super) fn call(&mut self, spec: &HttpSpec) -> Result<Call, Trouble> {
        let Some((method, path)) = spec.method() else {
            return misfit(spec.at, "a call has exactly one method with its path");
        };
        // A value stays within its segment, whatever characters it holds.
        let rendered = path.render(self.scope, encoded)?;
        self.reads.extend(rendered.reads);
        let path = rendered.value;
        let mut query = Vec::new();
        for (name, datum) in &spec.query.entries {
            let value = self.value(datum)?;
            match &value.data {
                Data::Null => {}
                Data::List(values) => {
                    query.extend(values.iter().map(|v| (name.text.clone(), v.clone().marked(value.marks))))
                }
                _ => query.push((name.text.clone(), value)),
            }
        }
        let headers = spec
            .headers
            .entries
            .iter()
            .map(|(name, text)| Ok((name.text.clone(), self.text(text)?)))
            .collect::<Result<_, Trouble>>()?;
        let (body, format) = self.body(spec)?;
        // The conditions of an answer look at what was known when the step began.
        let scope = spec.conditions().next().is_some() || spec.accepted.is_some();
        let scope = scope.then(|| self.scope.clone());
        let timeout = spec.timeout.map(|t| t.0);
        let api = spec.api.text.clone();
        Ok(Call { api, method, path, query, headers, body, format, timeout, scope, resource: None })
    }

    fn body(&mut self, spec: &HttpSpec) -> Result<(Option<Value>, Format), Trouble> {
        if let Some(datum) = &spec.json {
            return Ok((Some(self.value(datum)?), Format::Json));
        }
        if let Some(text) = &spec.text {
            let kind = match &spec.content_type {
                Some(kind) => self.text(kind)?.bare().as_ref().into(),
                None => "text/plain; charset=utf-8".into(),
            };
            return Ok((Some(self.text(text)?), Format::Text(kind)));
        }
        if !spec.form.entries.is_empty() {
            let fields = spec.form.entries.iter().map(|(name, datum)| Ok((name.text.clone(), self.value(datum)?)));
            return Ok((Some(Value::map(fields.collect::<Result<Vec<_>, Trouble>>()?)), Format::Form));
        }
        if spec.multipart.entries.is_empty() {
            return Ok((None, Format::Json));
        }
        let mut parts = Vec::new();
        for (name, part) in &spec.multipart.entries {
            let mut made = vec![("content", self.value(&part.content)?)];
            for (key, text) in [("type", &part.kind), ("filename", &part.filename)] {
                if let Some(text) = text {
                    made.push((key, self.text(text)?));
                }
            }
            parts.push((name.text.clone(), Value::map(made)));
        }
        let body = Value::map(parts);
        let format = Format::multipart(&body);
        Ok((Some(body), format))
    }

    fn tally(&mut self, spec: &TallySpec) -> Result<Tally, Trouble> {
        let mut places = Vec::new();
        let mut first: Option<TableName> = None;
        for word in &spec.tables {
            let table = self.table(word.as_str(), word.span)?;
            let Some(place) = Place::of(&table.table) else {
                return misfit(word.span, format!("`{table}` holds no background jobs"));
            };
            if first.as_ref().is_some_and(|first| first.connection != table.connection) {
                return misfit(word.span, "one tally counts the jobs of one connection");
            }
            first.get_or_insert(table);
            places.push(place);
        }
        let Some(table) = first else { return misfit(spec.at, "`tally` needs `tables:`") };
        let conditions = self.conditions(&table, spec.at, &spec.conditions, true)?;
        let by = spec.by.iter().map(|word| word.text.clone()).collect();
        Ok(Tally { connection: table.connection, places, conditions, by })
    }

    fn job(&mut self, spec: &JobSpec) -> Result<deed::Jobs, Trouble> {
        let connection = spec.queue.text.clone();
        let affects = spec.affects.as_ref().map(|words| words.iter().map(|word| word.text.clone()).collect());
        let verb = match (&spec.enqueue, &spec.retry, &spec.delete) {
            (Some(class), None, None) => {
                let args = spec.args.as_ref().map(|datum| self.value(datum)).transpose()?;
                let args = args.unwrap_or_else(|| Value::list([]));
                if args.as_list().is_none() && !args.is_unknown() {
                    let at = spec.args.as_ref().map_or(spec.at, Datum::span);
                    return misfit(at, format!("`args` is a list, not {}", args.kind()));
                }
                let mut keywords = Map::default();
                for (word, datum) in &spec.keywords.entries {
                    keywords.insert(word.text.clone(), self.value(datum)?);
                }
                JobVerb::Enqueue(Box::new(Enqueue {
                    job: class.text.clone(),
                    to: spec.to.as_ref().map(|word| word.text.clone()),
                    args,
                    keywords,
                    later: spec.later.map(|length| length.0),
                    moment: spec.moment.as_ref().map(|datum| self.value(datum)).transpose()?,
                    retries: spec.retries,
                    unless_waiting: spec.unless_waiting == Some(true),
                }))
            }
            (None, Some(picked), None) => JobVerb::Retry(self.picked(&connection, picked)?),
            (None, None, Some(picked)) => JobVerb::Delete(self.picked(&connection, picked)?),
            _ => return misfit(spec.at, "a `job` step does exactly one of `enqueue`, `retry` and `delete`"),
        };
        Ok(deed::Jobs { connection, verb, affects })
    }

    fn picked(&mut self, connection: &Arc<str>, picked: &Picked) -> Result<deed::Pick, Trouble> {
        let table = TableName { connection: connection.clone(), table: picked.from.word().into() };
        let mut conditions = self.conditions(&table, picked.at, &picked.conditions, true)?;
        if let Some(datum) = &picked.jid {
            let jid = self.value(datum)?;
            if jid.as_str().is_none() && !jid.is_unknown() {
                return misfit(datum.span(), format!("`jid` is a text, not {}", jid.kind()));
            }
            conditions.push(Condition::is("jid", jid));
        }
        if conditions.is_empty() {
            return misfit(picked.at, "this does not say which jobs");
        }
        let single = picked.jid.is_some();
        let touches = picked.touches.unwrap_or(Touches { least: 1, most: 1 });
        Ok(deed::Pick { from: picked.from, conditions, single, touches })
    }

    fn command(&mut self, spec: &CommandSpec) -> Result<Command, Trouble> {
        let Some((arguments, change)) = spec.arguments() else {
            return misfit(spec.at, "a command has exactly one of `look:` and `change:`");
        };
        let preview = if spec.preview.is_empty() { None } else { Some(self.arguments(&spec.preview)?) };
        Ok(Command {
            program: spec.program.text.clone(),
            arguments: self.arguments(arguments)?,
            change,
            preview,
            input: spec.input.as_ref().map(|input| self.text(input)).transpose()?,
            form: spec.output.unwrap_or(OutputForm::Text),
            timeout: spec.timeout.map(|t| t.0),
        })
    }

    /// Arguments of a program: a list becomes several, and no value can pass for an option.
    fn arguments(&mut self, data: &[Datum]) -> Result<Vec<Value>, Trouble> {
        let mut arguments = Vec::new();
        for datum in data {
            let value = self.value(datum)?;
            let marks = value.marks;
            let parts = match &value.data {
                Data::List(values) => values.iter().map(|v| v.clone().marked(marks)).collect(),
                _ => vec![value],
            };
            let computed =
                matches!(&datum.tree, Tree::Scalar(text) if text.scalar().text.trim_start().starts_with("{{"));
            for part in parts {
                match &part.data {
                    Data::Null => return misfit(datum.span(), "an argument is null: leave it out, or give it a value"),
                    Data::Map(_) | Data::List(_) => return misfit(datum.span(), "an argument is a single value"),
                    Data::Unknown(_) => {}
                    _ if computed && part.bare().starts_with('-') => {
                        let message =
                            "an argument from a value begins with `-`: the program would take it for an option";
                        return misfit(datum.span(), message);
                    }
                    _ => {}
                }
                arguments.push(part);
            }
        }
        Ok(arguments)
    }

    fn row(&mut self, spec: &RowSpec) -> Result<Change, Trouble> {
        let (table, key) = self.target(spec)?;
        let facts = self.facts(&table, spec.at)?.clone();
        let mut guard = Vec::new();
        for (column, datum) in &spec.only_if.entries {
            let value = self.value(datum)?;
            let value = self.stored(&facts, column.as_str(), value, datum.span())?;
            guard.push(Guard { column: column.text.clone(), value, at: datum.span() });
        }
        let wanted = if spec.ensure == Some(Ensure::Absent) {
            Wanted::Absent
        } else {
            let mut set = self.assignments(&facts, &spec.set, spec.clear.as_ref())?;
            for part in &spec.also {
                set.extend(self.also(&facts, part)?);
            }
            let create = spec.create.as_ref().map(|values| self.assignments(&facts, values, None)).transpose()?;
            Wanted::Present { set, create }
        };
        let (audit, stamp) = (spec.audit.is_none(), spec.updated_at.is_none());
        let (touches, claim) = (Touches { least: 1, most: 1 }, spec.claim == Some(true));
        Ok(Change { table, pick: Pick::Key(key), guard, claim, wanted, touches, audit, stamp })
    }

    /// Table and key of a `row`: those of a found row, or given.
    fn target(&mut self, spec: &RowSpec) -> Result<(TableName, Map), Trouble> {
        if let Some(of) = &spec.of {
            let Some(table) = self.known.found_in(of.as_str()) else {
                return misfit(of.span, format!("`{}` is not a step that finds a row", of.as_str()));
            };
            let columns = self.facts(&table, of.span)?.key_columns();
            let Some(row) = self.scope.get(of.as_str()).cloned() else {
                return misfit(of.span, format!("`{}` found no row", of.as_str()));
            };
            if let Data::Unknown(why) = &row.data {
                let unknown = Value::from(Data::Unknown(why.clone()));
                return Ok((table, columns.into_iter().map(|c| (c, unknown.clone())).collect()));
            }
            let key: Option<Map> = columns.iter().map(|c| Some((c.clone(), row.get(c)?))).collect();
            return match key {
                Some(key) => Ok((table, key)),
                None => misfit(of.span, format!("`{}` found no row, so there is nothing to change", of.as_str())),
            };
        }
        let Some(name) = &spec.table else { return misfit(spec.at, "`row` needs `of:`, or `table:` and `key:`") };
        let table = self.table(name.as_str(), name.span)?;
        let facts = self.facts(&table, name.span)?.clone();
        let mut key = Map::default();
        for (column, datum) in &spec.key.entries {
            let value = self.value(datum)?;
            key.insert(column.text.clone(), self.stored(&facts, column.as_str(), value, datum.span())?);
        }
        if key.is_empty() {
            return misfit(spec.at, "`row` needs `key:` beside `table:`");
        }
        Ok((table, key))
    }

    fn rows(&mut self, spec: &RowsSpec) -> Result<Change, Trouble> {
        let table = self.table(spec.table.as_str(), spec.table.span)?;
        let conditions =
            self.conditions(&table, spec.table.span, &spec.conditions, spec.with_discarded == Some(true))?;
        let facts = self.facts(&table, spec.table.span)?.clone();
        let wanted = if spec.ensure == Some(Ensure::Absent) {
            Wanted::Absent
        } else {
            Wanted::Present { set: self.assignments(&facts, &spec.set, spec.clear.as_ref())?, create: None }
        };
        // Check refuses `rows` without `touches`; the narrow default keeps the engine safe on its own.
        let touches = spec.touches.unwrap_or(Touches { least: 0, most: 1 });
        let (audit, stamp) = (spec.audit.is_none(), spec.updated_at.is_none());
        let (guard, claim) = (Vec::new(), false);
        Ok(Change { table, pick: Pick::Where(conditions), guard, claim, wanted, touches, audit, stamp })
    }

    fn also(&mut self, facts: &Facts, part: &Also) -> Result<IndexMap<Arc<str>, To>, Trouble> {
        let judgement = judge(&part.when, self.scope)?;
        match judgement.holds {
            Some(false) => Ok(IndexMap::new()),
            Some(true) => self.assignments(facts, &part.set, part.clear.as_ref()),
            // Whether the part applies is unknown, so are its columns.
            None => {
                let set = self.assignments(facts, &part.set, part.clear.as_ref())?;
                Ok(set.into_keys().map(|column| (column, To::Value(Value::unknown()))).collect())
            }
        }
    }

    fn assignments(
        &mut self,
        facts: &Facts,
        set: &Named<Assign>,
        clear: Option<&Datum>,
    ) -> Result<IndexMap<Arc<str>, To>, Trouble> {
        let mut columns = IndexMap::new();
        if let Some(datum) = clear {
            let names = self.value(datum)?;
            let Some(names) = names.as_list() else { return misfit(datum.span(), "`clear` takes a list of columns") };
            for name in names {
                let Some(column) = name.as_str() else {
                    return misfit(datum.span(), format!("{} is not a column", name.kind()));
                };
                columns.insert(column.into(), To::Value(Value::NULL));
            }
        }
        for (column, assign) in &set.entries {
            let value = self.value(assign.datum())?;
            let to = match assign {
                Assign::To(datum) => To::Value(self.stored(facts, column.as_str(), value, datum.span())?),
                Assign::Merge(_) if value.as_map().is_some() || value.is_unknown() => To::Merge(value),
                Assign::Merge(datum) => {
                    return misfit(datum.span(), format!("`merge` takes a map of keys, not {}", value.kind()));
                }
                Assign::Append(datum) => match &value.data {
                    Data::Text(_) | Data::Unknown(_) => To::Append(value),
                    _ => return misfit(datum.span(), format!("`append` takes a text, not {}", value.kind())),
                },
                Assign::Remove(datum) => match value.as_list() {
                    Some(keys) => To::Remove(keys.iter().map(|k| k.bare().as_ref().into()).collect()),
                    None => return misfit(datum.span(), "`remove` takes a list of keys"),
                },
            };
            columns.insert(column.text.clone(), to);
        }
        Ok(columns)
    }
}
