//! What must fit together in a mock file beyond the shape of each part. Looks at no request.

use super::{
    behind::Writes,
    model::{Answer, Mock, Route, Trouble},
};
use crate::{
    base::{
        diagnostic::{Code, Diagnostic},
        shape::{Lowering, ONE_OF},
        source::Span,
        suggest,
        yaml::Scalar,
    },
    template::{Step, Use, UseKind},
};

/// A route that can never do what it says.
pub static ROUTE: Code = Code {
    id: "E0901",
    title: "a route that does not fit together",
    explain: "A route has exactly one method with its path. `of` names a collection of the file, and the path then holds \
        `{key}` with the name of that collection's key (a route that only inserts needs no key). `set`, `insert`, `remove` and \
        `missing` need `of`; `last` needs `answers`.",
};
/// A name that expressions of a mock do not have.
pub static NAME: Code = Code {
    id: "E0902",
    title: "a name that mocks do not know",
    explain: "Expressions of a mock know `path`, `query`, `headers`, `body`, `method`, `row`, `collections`, `found` and `calls`. `path` holds \
        the names in braces of the route's own path.",
};
/// An answer with two bodies.
pub static ANSWER: Code = Code {
    id: "E0903",
    title: "an answer that does not fit together",
    explain: "An answer has one body: `json` or `text`. A route has `answer` for every call or `answers` in turn.",
};

/// All codes of this folder.
pub static CODES: &[&Code] = &[&ROUTE, &NAME, &ANSWER];

/// The names that expressions of a route know.
pub const NAMES: &[&str] = &["path", "query", "headers", "body", "method", "row", "collections", "found", "calls"];

/// Notes everything that does not fit together.
pub fn check(mock: &Mock, cx: &mut Lowering<'_>) {
    if let Some(guard) = &mock.auth {
        if [guard.bearer.is_some(), guard.header.is_some(), guard.oauth2.is_some()].iter().filter(|is| **is).count()
            != 1
        {
            cx.push(Diagnostic::error(&ONE_OF, guard.at, "auth has exactly one of `bearer`, `header` and `oauth2`"));
        }
        guard.oauth2.iter().flat_map(|oauth| &oauth.answers).for_each(|a| answer(a, &[], cx));
        guard.refused.iter().for_each(|a| answer(a, &[], cx));
    }
    mock.otherwise.iter().for_each(|a| answer(a, &[], cx));
    for (name, collection) in mock.collections.iter() {
        let key = collection.key.as_str();
        for (i, row) in collection.rows.iter().enumerate() {
            if row.0.get(key).is_none_or(|v| v.is_null()) {
                let message = format!("row {} of `{name}` has no `{key}`, the key of its collection", i + 1);
                cx.push(Diagnostic::error(&ROUTE, collection.key.span, message));
            }
        }
    }
    mock.routes.iter().for_each(|r| route(mock, r, cx));
    mock.troubles.iter().for_each(|t| trouble(t, cx));
}

/// What a mock file and a test say of a trouble in the same way.
pub fn trouble(trouble: &Trouble, cx: &mut Lowering<'_>) {
    let methods = trouble.methods();
    if methods.len() != 1 {
        let message = "a trouble has exactly one method with its path";
        let problem = Diagnostic::error(&ROUTE, trouble.at, message);
        cx.push(problem.help("write one of `get: /path`, `head`, `post`, `put`, `patch`, `delete`"));
    }
    let wrong = &trouble.answer;
    if !trouble.answers() && wrong.fault.is_none() && wrong.delay.is_none() && wrong.effect.is_none() {
        let problem = Diagnostic::error(&ROUTE, wrong.at, "nothing goes wrong with this answer");
        cx.push(problem.help("write `status:`, `fault:` or `delay:`"));
    }
    let names: Vec<&str> = methods.iter().flat_map(|(_, path)| path.names().map(|n| &**n)).collect();
    answer(wrong, &names, cx);
    for expression in trouble.when.iter().chain(&trouble.per) {
        uses(expression.scalar(), expression.names(), &names, NAMES, cx);
    }
}

fn route(mock: &Mock, route: &Route, cx: &mut Lowering<'_>) {
    let mut note = |at: Span, message: &str, help: &str| cx.push(Diagnostic::error(&ROUTE, at, message).help(help));
    let methods = route.methods();
    if methods.len() != 1 {
        note(
            route.at,
            "a route has exactly one method with its path",
            "write one of `get: /path`, `head`, `post`, `put`, `patch`, `delete`",
        );
    }
    if !route.answers.is_empty() && route.answer.is_some() {
        cx.push(Diagnostic::error(&ANSWER, route.at, "a route has `answer` or `answers`, not both"));
    }
    if route.last.is_some() && route.answers.is_empty() {
        cx.push(Diagnostic::error(&ROUTE, route.at, "`last` says what comes after `answers`, and there are none"));
    }
    let names: Vec<&str> = methods.iter().flat_map(|(_, path)| path.names().map(|n| &**n)).collect();
    match &route.of {
        Some(of) => match mock.collections.get(of.as_str()) {
            None => cx.push(
                Diagnostic::error(&ROUTE, of.span, format!("the mock has no collection `{}`", of.as_str()))
                    .suggest(of.as_str(), mock.collections.names()),
            ),
            Some(collection) if route.insert.is_none() && !names.contains(&collection.key.as_str()) => {
                let message =
                    format!("the path does not hold `{{{}}}`, the key of `{}`", collection.key.as_str(), of.as_str());
                cx.push(Diagnostic::error(&ROUTE, of.span, message));
            }
            Some(_) => {}
        },
        None if route.changes() || route.missing.is_some() => {
            cx.push(Diagnostic::error(
                &ROUTE,
                route.at,
                "`set`, `insert`, `remove` and `missing` need `of`, the collection",
            ));
        }
        None => {}
    }
    let answers = route.answers.iter().chain(&route.answer).chain(&route.missing);
    answers.for_each(|a| answer(a, &names, cx));
    for (_, datum) in route.query.iter() {
        texts(datum.tree.texts(), &names, cx);
    }
    for datum in route.set.iter().chain(&route.insert) {
        texts(datum.tree.texts(), &names, cx);
    }
    for expression in route.when.iter().chain(&route.per) {
        uses(expression.scalar(), expression.names(), &names, NAMES, cx);
    }
    behind(route, &names, cx);
}

fn answer(answer: &Answer, path: &[&str], cx: &mut Lowering<'_>) {
    if answer.json.is_some() && answer.text.is_some() {
        cx.push(Diagnostic::error(&ANSWER, answer.at, "an answer has `json` or `text`, not both"));
    }
    let all = answer
        .json
        .iter()
        .flat_map(|d| d.tree.texts())
        .chain(&answer.text)
        .chain(answer.headers.iter().map(|(_, t)| t));
    texts(all.collect(), path, cx);
}

fn texts(texts: Vec<&crate::template::Text>, path: &[&str], cx: &mut Lowering<'_>) {
    for text in texts {
        uses(text.scalar(), text.names(), path, NAMES, cx);
    }
}

/// What a call looks up and changes in databases. Which tables there are only a project knows.
fn behind(route: &Route, path: &[&str], cx: &mut Lowering<'_>) {
    for (_, finds) in route.finds.iter() {
        finds.conditions.iter().for_each(|(_, datum)| texts(datum.tree.texts(), path, cx));
    }
    route.writes.iter().for_each(|one| writes(one, path, NAMES, cx));
}

/// `known` are the names that its expressions have, besides `each` inside an `each`.
pub(super) fn writes(writes: &Writes, path: &[&str], known: &[&str], cx: &mut Lowering<'_>) {
    let ways = [writes.insert.is_some(), writes.set.is_some(), writes.remove.is_some()];
    if ways.iter().filter(|is| **is).count() != 1 || writes.remove == Some(false) {
        let message = "a change of rows has exactly one of `insert`, `set` and `remove: true`";
        cx.push(Diagnostic::error(&ROUTE, writes.at, message));
    } else if writes.insert.is_some() != writes.conditions.entries.is_empty() {
        let message = "`set` and `remove` need `where`, and `insert` has none: which rows?";
        cx.push(Diagnostic::error(&ROUTE, writes.at, message));
    }
    if writes.table.as_str().split_once('.').is_none() {
        let message = format!("`{}` is not `connection.table`", writes.table.as_str());
        cx.push(Diagnostic::error(&ROUTE, writes.table.span, message));
    }
    let inside: Vec<&str> = known.iter().copied().chain(writes.each.as_ref().map(|_| "each")).collect();
    if let Some(each) = &writes.each {
        each.tree.texts().into_iter().for_each(|text| uses(text.scalar(), text.names(), path, known, cx));
    }
    for text in writes.data().flat_map(|datum| datum.tree.texts()) {
        uses(text.scalar(), text.names(), path, &inside, cx);
    }
    if let Some(when) = &writes.when {
        uses(when.scalar(), when.names(), path, &inside, cx);
    }
}

/// Notes names that do not exist; `path` are the names in braces of the route.
pub(super) fn uses(scalar: &Scalar, found: &[Use], path: &[&str], known: &[&str], cx: &mut Lowering<'_>) {
    let source = cx.source().clone();
    let variables = found.iter().filter(|u| matches!(u.kind, UseKind::Variable | UseKind::Optional));
    for one in variables {
        let root = one.path.root();
        let (name, known, what) = match one.path.steps.get(1) {
            _ if !known.contains(&root) => (root, known, "a mock knows no name"),
            Some(Step::Name(name)) if root == "path" && !path.contains(&&**name) => {
                (&**name, path, "the route's path has no")
            }
            _ => continue,
        };
        let mut problem =
            Diagnostic::error(&NAME, scalar.inner(&source, one.range.clone()), format!("{what} `{name}`"));
        problem.help.extend(suggest::help(name, known.iter().copied()));
        cx.push(problem);
    }
}
