//! One call in, one reply out: the routes of a mock and what it remembers. No sockets, no clock, no waiting.

use super::{
    behind::{Looks, RowDeed},
    call::{Call, body_of, header, joined},
    fault::Fault,
    model::{Answer, Collection, Effect, Guard, Last, Mock, Route, Trouble},
    record::Logged,
    token,
};
use crate::{
    base::{
        json,
        time::Stamp,
        value::{Map, Value},
    },
    template::{Datum, Failure, Scope, Truth},
};
use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

/// What to send, and how.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// How long to wait first.
    pub delay: Duration,
    /// What goes wrong.
    pub fault: Option<Fault>,
    /// A change that comes later: hand it to [`Stage::carry_out`] then.
    pub later: Option<(Duration, Change)>,
    /// Changes of databases that are due before this is sent.
    pub deeds: Vec<RowDeed>,
}

/// A change of the mock's rows, decided and not yet made.
#[derive(Clone, Debug)]
pub struct Change {
    collection: Option<Arc<str>>,
    key: Value,
    /// Nothing: the row goes away, if there is a collection at all.
    row: Option<Map>,
    /// By which name the effect is counted.
    counted: String,
    /// What it changes in databases.
    deeds: Vec<RowDeed>,
}

/// What was found in databases for the routes that a call may fit, by the route's number.
pub type Found = HashMap<usize, Map>;

/// A mock while it plays: its rows, counters, kept answers and log.
#[derive(Debug)]
pub struct Stage {
    mock: Arc<Mock>,
    rows: BTreeMap<Arc<str>, Vec<Map>>,
    calls: HashMap<(usize, String), usize>,
    /// How many calls each trouble has met.
    met: HashMap<(usize, String), u32>,
    kept: HashMap<String, Reply>,
    effects: BTreeMap<String, usize>,
    log: VecDeque<Logged>,
    tokens: token::Tokens,
}

/// The log holds so many requests; older ones are dropped.
const LOG: usize = 10_000;

/// A route that fits, and what is needed to answer.
struct Fit<'a> {
    route: &'a Route,
    answer: Option<&'a Answer>,
    scope: Scope,
    row: Option<Map>,
    /// The row was looked for and is not there.
    missing: bool,
}

impl Stage {
    /// A mock at its start.
    pub fn new(mock: Arc<Mock>) -> Stage {
        let rows = mock
            .collections
            .iter()
            .map(|(name, c)| (name.into(), c.rows.iter().map(|r| r.0.clone()).collect()))
            .collect();
        Stage {
            mock,
            rows,
            calls: HashMap::new(),
            met: HashMap::new(),
            kept: HashMap::new(),
            effects: BTreeMap::new(),
            log: VecDeque::new(),
            tokens: token::Tokens::default(),
        }
    }

    /// All calls so far, oldest first.
    pub fn log(&self) -> Vec<Logged> {
        self.log.iter().cloned().collect()
    }

    /// The latest call.
    pub fn last(&self) -> Option<Logged> {
        self.log.back().cloned()
    }

    /// The latest call is none of those that are counted.
    pub fn forget(&mut self) {
        self.log.pop_back();
    }

    /// How often something was really changed, by idempotency key, else by `METHOD /path`.
    pub fn effects(&self) -> BTreeMap<String, usize> {
        self.effects.clone()
    }

    /// The rows of a collection.
    pub fn rows(&self, collection: &str) -> Vec<Value> {
        self.rows.get(collection).into_iter().flatten().map(|row| row.clone().into()).collect()
    }

    /// Answers one call at the moment `now`, and makes its change unless that comes later.
    pub fn answer(&mut self, call: &Call, now: Stamp, found: &Found) -> Reply {
        let mock = self.mock.clone();
        let mut logged = logged(call, now);
        let reply = self.reply(&mock, call, now, found, &mut logged).unwrap_or_else(|problem| {
            let text = format!("the mock `{}` cannot answer: {problem}", mock.mock.as_str());
            logged.problem = Some(problem);
            text_reply(500, &text)
        });
        logged.status = reply.status;
        logged.fault = reply.fault;
        if self.log.len() == LOG {
            self.log.pop_front();
        }
        self.log.push_back(logged);
        reply
    }

    /// The answer where a database behind the mock could not be asked, or the last change not be made there.
    pub fn broken(&mut self, problem: String, call: Option<(&Call, Stamp)>) -> Reply {
        if let Some((call, now)) = call {
            self.log.push_back(logged(call, now));
        }
        let reply = text_reply(500, &format!("the mock `{}` cannot answer: {problem}", self.mock.mock.as_str()));
        if let Some(last) = self.log.back_mut() {
            last.status = reply.status;
            last.problem = Some(problem);
        }
        reply
    }

    /// Makes a change that was put off.
    /// What is left to be done in databases comes back.
    pub fn carry_out(&mut self, change: Change) -> Vec<RowDeed> {
        *self.effects.entry(change.counted).or_default() += 1;
        let Some(name) = change.collection else { return change.deeds };
        let Some(collection) = self.mock.collections.get(&name) else { return change.deeds };
        let key = collection.key.as_str();
        let rows = self.rows.entry(name).or_default();
        let at = rows.iter().position(|row| same_key(row.get(key), &change.key));
        match (at, change.row) {
            (Some(at), Some(row)) => rows[at] = row,
            (Some(at), None) => drop(rows.remove(at)),
            (None, Some(row)) => rows.push(row),
            (None, None) => {}
        }
        change.deeds
    }

    /// What has to be looked up in databases before [`Stage::answer`]: for each route that the call may fit.
    pub fn looks(&self, call: &Call, now: Stamp) -> Result<Vec<(usize, Looks)>, String> {
        let mut all = Vec::new();
        for (index, route) in self.mock.routes.iter().enumerate().filter(|(_, route)| !route.finds.entries.is_empty()) {
            let here = route.methods().into_iter().find(|(method, _)| *method == call.method);
            let Some(names) = here.and_then(|(_, path)| path.matches(&call.path)) else { continue };
            let scope = self.scope(call, &body_of(call), now).with("path", path_of(&names));
            let one = |(name, finds): (&str, &super::behind::Finds)| Ok((name.into(), finds.look(&scope)?));
            all.push((index, route.finds.iter().map(one).collect::<Result<_, String>>()?));
        }
        Ok(all)
    }

    fn reply(
        &mut self,
        mock: &Mock,
        call: &Call,
        now: Stamp,
        found: &Found,
        logged: &mut Logged,
    ) -> Result<Reply, String> {
        if let Some(oauth) = mock.auth.as_ref().and_then(|guard| guard.oauth2.as_ref())
            && call.path == oauth.token.as_str()
        {
            logged.route = "token".into();
            let step = self.tokens.give(oauth, call, &logged.body, now);
            hide_secret(&mut logged.body);
            return match step {
                token::Step::Scripted(answer) => render(answer, &self.scope(call, &logged.body, now)),
                token::Step::Own(reply) => Ok(*reply),
            };
        }
        if let Some(guard) = &mock.auth
            && !self.known(guard, call, now)
        {
            logged.route = "auth".into();
            return match &guard.refused {
                Some(answer) => render(answer, &self.scope(call, &logged.body, now)),
                None => Ok(text_reply(401, "who is calling is not known")),
            };
        }
        let key = mock
            .idempotency_key
            .as_ref()
            .and_then(|name| header(call, &name.as_str().to_ascii_lowercase()).map(str::to_owned));
        if let Some(kept) = key.as_ref().and_then(|key| self.kept.get(key)) {
            logged.route = "the same call again".into();
            return Ok(kept.clone());
        }
        let scope = self.scope(call, &logged.body, now);
        let trouble = self.trouble(mock, call, &scope)?;
        if let Some((trouble, scope)) = &trouble
            && trouble.answers()
        {
            logged.route = trouble.name.as_ref().map_or_else(|| "trouble".into(), |name| name.text.clone());
            return render(&trouble.answer, scope);
        }
        let trouble = trouble.map(|(trouble, _)| trouble);
        for (i, route) in mock.routes.iter().enumerate() {
            let found = Value::from(found.get(&i).cloned().unwrap_or_default());
            let scope = scope.clone().with("found", found);
            if let Some(fit) = self.fit(mock, i, route, call, &scope)? {
                logged.route = trouble.and_then(|t| t.name.as_ref()).map_or_else(|| route.title(), |n| n.text.clone());
                let (reply, effect) = self.played(&fit, call, trouble)?;
                logged.effect = effect;
                if let (Some(key), true) = (key, effect) {
                    self.kept.insert(
                        key,
                        Reply { delay: Duration::ZERO, fault: None, later: None, deeds: Vec::new(), ..reply.clone() },
                    );
                }
                return Ok(reply);
            }
        }
        match &mock.otherwise {
            Some(answer) => render(answer, &scope),
            None => Ok(text_reply(
                404,
                &format!("no route of the mock `{}` fits {} {}", mock.mock.as_str(), call.method, call.path),
            )),
        }
    }

    /// The first trouble that meets this call, with the names that its answer knows; counts it.
    fn trouble<'a>(
        &mut self,
        mock: &'a Mock,
        call: &Call,
        scope: &Scope,
    ) -> Result<Option<(&'a Trouble, Scope)>, String> {
        for (index, trouble) in mock.troubles.iter().enumerate() {
            let here = trouble.methods().into_iter().find(|(method, _)| *method == call.method);
            let Some(names) = here.and_then(|(_, path)| path.matches(&call.path)) else { continue };
            let mut scope = scope.clone().with("path", path_of(&names));
            let per = match &trouble.per {
                Some(per) => per.evaluate(&scope).map_err(|e| said(&e))?.value.bare().into_owned(),
                None => String::new(),
            };
            let met = self.met.get(&(index, per.clone())).copied().unwrap_or(0);
            scope.insert("calls", Value::from(i64::from(met) + 1));
            if trouble.times.is_some_and(|times| met >= times) {
                continue;
            }
            if let Some(when) = &trouble.when
                && when.test(&scope).map_err(|e| said(&e))?.0 != Truth::Yes
            {
                continue;
            }
            self.met.insert((index, per), met + 1);
            return Ok(Some((trouble, scope)));
        }
        Ok(None)
    }

    fn known(&mut self, guard: &Guard, call: &Call, now: Stamp) -> bool {
        match guard.header() {
            _ if guard.oauth2.is_some() => self.tokens.takes(call, now),
            Some((name, value)) => header(call, &name) == Some(value.as_str()),
            None => true,
        }
    }

    /// The names that expressions know before a route is looked at.
    fn scope(&self, call: &Call, body: &Value, now: Stamp) -> Scope {
        let headers = Value::map(call.headers.iter().map(|(n, v)| (n.as_str(), Value::text(v.as_str()))));
        let all =
            self.rows.iter().map(|(name, rows)| (name.clone(), Value::list(rows.iter().map(|row| row.clone().into()))));
        Scope::new()
            .with("method", Value::text(call.method.as_str()))
            .with("query", joined(&call.query))
            .with("headers", headers)
            .with("body", body.clone())
            .with("collections", Value::map(all))
            .with("path", Value::map::<&str>([]))
            .with("row", Value::NULL)
            .with("found", Value::map::<&str>([]))
            .with("calls", Value::from(0))
            .with_now(now)
    }

    /// Whether a route fits, and its answer; counts the call if it does.
    fn fit<'a>(
        &mut self,
        mock: &'a Mock,
        index: usize,
        route: &'a Route,
        call: &Call,
        scope: &Scope,
    ) -> Result<Option<Fit<'a>>, String> {
        let here = route.methods().into_iter().find(|(method, _)| *method == call.method);
        let Some(names) = here.and_then(|(_, path)| path.matches(&call.path)) else { return Ok(None) };
        let mut scope = scope.clone().with("path", path_of(&names));
        let row = self.row(mock, route, &names);
        let missing = route.of.is_some() && route.insert.is_none() && row.is_none();
        if missing {
            let fit = |answer| Fit { route, answer: Some(answer), scope: scope.clone(), row: None, missing };
            return Ok(route.missing.as_ref().map(fit));
        }
        scope.insert("row", row.clone().map_or(Value::NULL, Value::from));
        for (name, wanted) in route.query.iter() {
            let wanted = wanted.evaluate(&scope).map_err(|e| said(&e))?.value;
            let given = call.query.iter().filter(|(n, _)| n == name).map(|(_, v)| v.as_str()).collect::<Vec<_>>();
            let fits = if wanted.is_null() { given.is_empty() } else { given == [&*wanted.bare()] };
            if !fits {
                return Ok(None);
            }
        }
        let per = match &route.per {
            Some(per) => per.evaluate(&scope).map_err(|e| said(&e))?.value.bare().into_owned(),
            None => String::new(),
        };
        let calls = self.calls.get(&(index, per.clone())).copied().unwrap_or(0);
        scope.insert("calls", Value::from(calls as i64 + 1));
        if let Some(when) = &route.when
            && when.test(&scope).map_err(|e| said(&e))?.0 != Truth::Yes
        {
            return Ok(None);
        }
        let answer = match (route.answers.get(calls).or(route.answer.as_ref()), route.last) {
            (None, Some(Last::Passes)) => return Ok(None),
            (None, Some(Last::Fails)) => {
                return Err(format!("`{}` has no answer for call {}", route.title(), calls + 1));
            }
            (None, _) => route.answers.last(),
            (some, _) => some,
        };
        self.calls.insert((index, per), calls + 1);
        Ok(Some(Fit { route, answer, scope, row, missing }))
    }

    fn row(&self, mock: &Mock, route: &Route, names: &[(Arc<str>, String)]) -> Option<Map> {
        let (name, collection) = collection(mock, route)?;
        let (_, wanted) = names.iter().find(|(n, _)| **n == *collection.key.text)?;
        let wanted = Value::text(wanted.as_str());
        self.rows.get(name)?.iter().find(|row| same_key(row.get(collection.key.as_str()), &wanted)).cloned()
    }

    /// The reply of a route, and whether it has an effect. Makes the change unless it comes later.
    fn played(&mut self, fit: &Fit<'_>, call: &Call, trouble: Option<&Trouble>) -> Result<(Reply, bool), String> {
        let Fit { route, answer, scope, row, missing } = fit;
        let done = !*missing && effect(route, *answer, call) && trouble.is_none_or(|t| lets_through(&t.answer));
        let change = if *missing { None } else { changed(&self.mock, fit, call)? };
        // The answer shows the row as it is afterwards, a removed one as it was.
        let after = change.as_ref().filter(|_| done).and_then(|c| c.row.clone()).or_else(|| row.clone());
        let scope = scope.clone().with("row", after.map_or(Value::NULL, Value::from));
        let mut reply = match answer {
            Some(answer) => render(answer, &scope)?,
            None => Reply {
                status: 200,
                headers: Vec::new(),
                body: Vec::new(),
                delay: Duration::ZERO,
                fault: None,
                later: None,
                deeds: Vec::new(),
            },
        };
        if let Some(Trouble { answer: wrong, .. }) = trouble {
            reply.fault = wrong.fault.or(reply.fault);
            reply.delay = wrong.delay.map_or(reply.delay, |delay| delay.0);
        }
        let Some(change) = change.filter(|_| done) else { return Ok((reply, false)) };
        match trouble.and_then(|t| t.answer.effect_after).or_else(|| answer.and_then(|a| a.effect_after)) {
            Some(after) => reply.later = Some((after.0, change)),
            None => reply.deeds = self.carry_out(change),
        }
        Ok((reply, true))
    }
}

fn collection<'a>(mock: &'a Mock, route: &'a Route) -> Option<(&'a str, &'a Collection)> {
    let name = route.of.as_ref()?.as_str();
    mock.collections.get(name).map(|collection| (name, collection))
}

/// Keys are compared as texts: a path has no numbers.
fn same_key(found: Option<&Value>, wanted: &Value) -> bool {
    found.is_some_and(|found| found.bare() == wanted.bare())
}

/// Whether the call changes what it says it changes.
fn effect(route: &Route, answer: Option<&Answer>, call: &Call) -> bool {
    let writes = route.changes() || !route.writes.is_empty() || !matches!(call.method.as_str(), "GET" | "HEAD");
    let by_default = answer.is_none_or(|a| match a.fault {
        Some(fault) => fault.effect_done(),
        None => a.status.is_none_or(|s| s.0 < 400),
    });
    writes && answer.and_then(|a| a.effect).map_or(by_default, |e| e == Effect::Done)
}

/// Whether a trouble leaves the change to be done.
fn lets_through(wrong: &Answer) -> bool {
    wrong.effect.map_or_else(|| wrong.fault.is_none_or(Fault::effect_done), |effect| effect == Effect::Done)
}

/// The change that a route makes; for a write without `set`, `insert` and `remove` only the counter.
fn changed(mock: &Mock, fit: &Fit<'_>, call: &Call) -> Result<Option<Change>, String> {
    let Fit { route, scope, row, .. } = fit;
    let deeds = route.writes.iter().map(|writes| writes.deeds(scope)).collect::<Result<Vec<_>, _>>()?.concat();
    let key = mock.idempotency_key.as_ref().map_or("idempotency-key".to_owned(), |n| n.as_str().to_ascii_lowercase());
    let counted = header(call, &key).map_or_else(|| format!("{} {}", call.method, call.path), str::to_owned);
    let Some((name, collection)) = collection(mock, route).filter(|_| route.changes()) else {
        return Ok(Some(Change { collection: None, key: Value::NULL, row: None, counted, deeds }));
    };
    let key_of = |row: &Map| row.get(collection.key.as_str()).cloned().unwrap_or(Value::NULL);
    let old = row.clone().unwrap_or_default();
    let mut key = key_of(&old);
    let mut new = if let Some(insert) = &route.insert { map(insert, scope)? } else { old };
    if let Some(set) = &route.set {
        new.extend(map(set, scope)?);
    }
    if route.insert.is_some() {
        key = key_of(&new);
    }
    if key.is_null() {
        return Err(format!("the row has no `{}`, the key of `{name}`", collection.key.as_str()));
    }
    let row = (route.remove != Some(true)).then_some(new);
    Ok(Some(Change { collection: Some(name.into()), key, row, counted, deeds }))
}

fn map(datum: &Datum, scope: &Scope) -> Result<Map, String> {
    let value = datum.evaluate(scope).map_err(|e| said(&e))?.value;
    value.as_map().cloned().ok_or_else(|| format!("`set` and `insert` need a map, not {}", value.kind()))
}

fn render(answer: &Answer, scope: &Scope) -> Result<Reply, String> {
    let mut headers = Vec::new();
    for (name, text) in answer.headers.iter() {
        headers
            .push((name.to_ascii_lowercase(), text.evaluate(scope).map_err(|e| said(&e))?.value.bare().into_owned()));
    }
    let (kind, body) = match (&answer.json, &answer.text) {
        (Some(datum), _) => {
            ("application/json", json::text_of(&datum.evaluate(scope).map_err(|e| said(&e))?.value).into_bytes())
        }
        (None, Some(text)) => (
            "text/plain; charset=utf-8",
            text.evaluate(scope).map_err(|e| said(&e))?.value.bare().into_owned().into_bytes(),
        ),
        (None, None) => ("", Vec::new()),
    };
    if !kind.is_empty() && !headers.iter().any(|(name, _)| name == "content-type") {
        headers.push(("content-type".into(), kind.into()));
    }
    let delay = answer.delay.map_or(Duration::ZERO, |d| d.0);
    Ok(Reply {
        status: answer.status.map_or(200, |s| s.0),
        headers,
        body,
        delay,
        fault: answer.fault,
        later: None,
        deeds: Vec::new(),
    })
}

fn text_reply(status: u16, text: &str) -> Reply {
    json_reply(status, Value::map([("title", Value::text(text)), ("status", Value::from(i64::from(status)))]))
}

pub(super) fn json_reply(status: u16, body: Value) -> Reply {
    let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    let body = json::text_of(&body).into_bytes();
    Reply { status, headers, body, delay: Duration::ZERO, fault: None, later: None, deeds: Vec::new() }
}

/// The client's secret stands in no log.
fn hide_secret(form: &mut Value) {
    let Some(fields) = form.as_map() else { return };
    let shown = fields.iter().map(|(name, value)| match &**name {
        "client_secret" => (name.clone(), Value::text("(secret)")),
        _ => (name.clone(), value.clone()),
    });
    *form = Value::map(shown.collect::<Vec<_>>());
}

/// An expression that failed, with the text it stands in.
pub(super) fn said(failure: &Failure) -> String {
    format!("`{}`: {failure}", failure.scalar.text.trim())
}

fn logged(call: &Call, at: Stamp) -> Logged {
    let body = body_of(call);
    Logged {
        at,
        method: call.method.clone(),
        path: call.path.clone(),
        query: call.query.clone(),
        headers: call.headers.clone(),
        body,
        route: "".into(),
        status: 0,
        fault: None,
        effect: false,
        problem: None,
        number: super::record::next(),
    }
}

fn path_of(names: &[(Arc<str>, String)]) -> Value {
    Value::map(names.iter().map(|(n, v)| (n.clone(), Value::text(v.as_str()))))
}
