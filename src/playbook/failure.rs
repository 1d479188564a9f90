//! What a failed call looks like to the decision table, and which row fits. Pure: no run, no step, no report.

use super::errors::{ErrorRow, FailureKind, Wanted};
use crate::base::value::{Data, Value};

/// A failure, as far as it is known. What is not known (when an error text is all one has) is `None`.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The step's name; `Some(None)` for a step without one.
    pub step: Option<Option<&'a str>>,
    /// The connection.
    pub api: Option<&'a str>,
    /// The status; `Some(None)` where no answer came.
    pub status: Option<Option<u16>>,
    /// The API's own code; `Some(None)` where the answer holds none.
    pub code: Option<Option<&'a str>>,
    /// The answer's body: a JSON tree or a text; null where there is none.
    pub body: &'a Value,
    /// Our own message, or the text of an error that is no answer.
    pub text: &'a str,
    /// The how-manieth attempt failed, from 1.
    pub attempt: Option<u32>,
    /// The kind.
    pub kind: Option<FailureKind>,
}

/// One condition of a row, looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Looked {
    /// `status`, `code`, `body.errors.outcome` …
    pub what: String,
    /// What the row wants: `404 or 5xx`.
    pub wanted: String,
    /// What there is; empty where it is not known.
    pub found: String,
    /// Whether it holds; nothing where that is not known.
    pub holds: Option<bool>,
}

impl ErrorRow {
    /// Whether the row decides this failure. What is not known does not hold.
    pub fn fits(&self, facts: &Facts<'_>) -> bool {
        self.otherwise.is_some() || self.looked(facts).iter().all(|looked| looked.holds == Some(true))
    }

    /// Every condition, looked at; nothing for `otherwise`.
    pub fn looked(&self, facts: &Facts<'_>) -> Vec<Looked> {
        let mut all = Vec::new();
        let mut add = |what: &str, wanted: Vec<String>, found: Option<String>, holds: Option<bool>| {
            let wanted = crate::base::suggest::any(&wanted);
            all.push(Looked { what: what.to_owned(), wanted, found: found.unwrap_or_default(), holds });
        };
        let or_none = |text: Option<String>| text.unwrap_or_else(|| "none".to_owned());
        if let Some(steps) = &self.step {
            let holds = facts.step.map(|step| steps.0.iter().any(|word| Some(word.as_str()) == step));
            let found = facts.step.map(|step| or_none(step.map(str::to_owned)));
            add("step", steps.0.iter().map(|word| word.as_str().to_owned()).collect(), found, holds);
        }
        if let Some(apis) = &self.api {
            let holds = facts.api.map(|api| apis.0.iter().any(|word| word.as_str() == api));
            let wanted = apis.0.iter().map(|word| word.as_str().to_owned()).collect();
            add("api", wanted, facts.api.map(str::to_owned), holds);
        }
        if let Some(statuses) = &self.status {
            let holds = facts.status.map(|status| status.is_some_and(|n| statuses.0.iter().any(|one| one.holds(n))));
            let found = facts.status.map(|status| or_none(status.map(|n| n.to_string())));
            add("status", statuses.0.iter().map(ToString::to_string).collect(), found, holds);
        }
        if let Some(codes) = &self.code {
            let holds = facts.code.map(|code| code.is_some_and(|code| codes.0.iter().any(|one| one.0 == code)));
            let found = facts.code.map(|code| or_none(code.map(str::to_owned)));
            add("code", codes.0.iter().map(|one| one.0.clone()).collect(), found, holds);
        }
        for (path, wanted) in self.body.iter() {
            let found = at(facts.body, path);
            let holds = wanted.0.iter().any(|one| is_there(&found, one));
            let shown: Vec<String> = found.iter().map(|value| value.plain().into_owned()).collect();
            let shown = if shown.is_empty() { "nothing".to_owned() } else { shown.join(", ") };
            let wanted = wanted.0.iter().map(|one| one.0.clone().unwrap_or_else(|| "null".to_owned())).collect();
            add(&format!("body.{path}"), wanted, Some(shown), Some(holds));
        }
        if let Some(parts) = &self.message {
            let holds = parts.0.iter().any(|part| says(facts, part.as_str()));
            let wanted = parts.0.iter().map(|part| format!("\u{201c}{}\u{201d}", part.as_str())).collect();
            add("message", wanted, Some("other words".to_owned()), Some(holds));
        }
        if let Some(from) = self.attempt {
            let holds = facts.attempt.map(|attempt| attempt >= from);
            add("attempt", vec![format!("{from} or later")], facts.attempt.map(|n| n.to_string()), holds);
        }
        if let Some(kinds) = &self.kind {
            let holds = facts.kind.map(|kind| kinds.0.contains(&kind));
            let wanted = kinds.0.iter().map(|kind| kind.word().to_owned()).collect();
            add("kind", wanted, facts.kind.map(|kind| kind.word().to_owned()), holds);
        }
        all
    }
}

/// The value equals what is wanted, or is a list that holds it; null is also what is not there.
fn is_there(found: &[Value], wanted: &Wanted) -> bool {
    let Some(text) = &wanted.0 else { return found.iter().all(Value::is_null) };
    found.iter().any(|value| match value.as_list() {
        Some(values) => values.iter().any(|one| one.bare() == *text),
        None => !value.is_null() && value.bare() == *text,
    })
}

/// What stands at `errors.outcome`. A name of the document may hold dots itself: the longest name that exists is taken.
pub fn at(value: &Value, path: &str) -> Vec<Value> {
    places(value, path).into_iter().flatten().collect()
}

/// The same with the places at which nothing stands: one of each element where the path names all of a list, none where the list is empty.
pub fn places(value: &Value, path: &str) -> Vec<Option<Value>> {
    if path.is_empty() {
        return vec![Some(value.clone())];
    }
    let nothing = || vec![None];
    if let Some(values) = value.as_list() {
        let (first, rest) = path.split_once('.').unwrap_or((path, ""));
        return match first {
            "*" => values.iter().flat_map(|one| places(one, rest)).collect(),
            _ => first.parse().ok().and_then(|n: usize| values.get(n)).map_or_else(nothing, |one| places(one, rest)),
        };
    }
    let Some(map) = value.as_map() else { return nothing() };
    let mut end = path.len();
    loop {
        if let Some(inner) = map.get(&path[..end]) {
            return places(inner, path[end..].trim_start_matches('.'));
        }
        match path[..end].rfind('.') {
            Some(dot) => end = dot,
            None => return nothing(),
        }
    }
}

/// Some text of the body, or our own, contains these words, letter case aside.
fn says(facts: &Facts<'_>, part: &str) -> bool {
    let part = part.to_lowercase();
    facts.text.to_lowercase().contains(&part) || holds_text(facts.body, &part)
}

fn holds_text(value: &Value, part: &str) -> bool {
    match &value.data {
        Data::List(values) => values.iter().any(|one| holds_text(one, part)),
        Data::Map(map) => map.values().any(|one| holds_text(one, part)),
        _ => value.as_str().is_some_and(|text| text.to_lowercase().contains(part)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{
        diagnostic::Diagnostics,
        json,
        shape::{FromNode, Lowering},
        source::Source,
        yaml,
    };

    fn row(text: &str) -> ErrorRow {
        let source = Source::new("row", text);
        let mut problems = Diagnostics::new(source.clone());
        let node = yaml::parse(&source, yaml::LIMITS, &mut problems).unwrap();
        let row = ErrorRow::from_node(&node, &mut Lowering::new(&mut problems));
        row.unwrap_or_else(|| panic!("{:?}", problems.sorted()))
    }

    fn facts<'a>(status: u16, body: &'a Value) -> Facts<'a> {
        Facts {
            step: Some(Some("update")),
            api: Some("dqt"),
            status: Some(Some(status)),
            code: Some(None),
            body,
            text: "`dqt` answered 400",
            attempt: Some(2),
            kind: Some(FailureKind::Status),
        }
    }

    #[test]
    fn of_every_element_something_is_there_or_is_missed_and_an_empty_list_misses_nothing() {
        let body = |text: &str| json::parse(text).unwrap();
        let found = |text: &str, path: &str| -> Vec<String> {
            let shown = |one: &Option<Value>| one.as_ref().map_or("-".to_owned(), |value| value.bare().to_string());
            places(&body(text), path).iter().map(shown).collect()
        };
        assert_eq!(found(r#"[{"id":1},{},{"id":3}]"#, "*.id"), ["1", "-", "3"]);
        assert!(found("[]", "*.id").is_empty() && found(r#"{"results":[]}"#, "results.*.id").is_empty());
        assert_eq!(found("{}", "results.*.id"), ["-"]);
        assert_eq!(found("[]", "0.id"), ["-"]);
        assert_eq!(at(&body(r#"[{"id":1},{},{"id":3}]"#), "*.id").len(), 2);
    }

    #[test]
    fn a_path_finds_names_that_hold_dots_themselves() {
        let body = json::parse(
            r#"{"title": "One or more validation errors occurred.", "errors": {"initialTeacherTraining.programmeType": ["Teacher already has QTS/EYTS date"], "a": {"b.c": 1}}, "list": [{"x": 1}, {"x": null}]}"#,
        )
        .unwrap();
        for (text, fits) in [
            ("body: { errors.initialTeacherTraining.programmeType: [Teacher already has QTS/EYTS date] }", true),
            ("body: { errors.initialTeacherTraining.programmeType: [Other, Teacher already has QTS/EYTS date] }", true),
            ("body: { errors.initialTeacherTraining.programmeType: Other }", false),
            ("body: { errors.initialTeacherTraining: Other }", false),
            ("body: { errors.a.b.c: 1 }", true),
            ("body: { list.*.x: 1 }", true),
            ("body: { list.1.x: null }", true),
            ("body: { errors.qualification: null }", true),
            ("body: { errors.qualification: anything }", false),
            ("message: VALIDATION errors", true),
            ("message: [nothing of it, already has qts/eyts]", true),
            ("message: answered 400", true),
            ("message: answered 401", false),
            ("attempt: 2", true),
            ("attempt: 3", false),
            ("api: dqt", true),
            ("{ api: other, status: 400 }", false),
            ("{ status: [404, 4xx], kind: status, step: update }", true),
            ("{ status: 400, code: 10001 }", false),
        ] {
            assert_eq!(row(text).fits(&facts(400, &body)), fits, "{text}");
        }
    }

    #[test]
    fn what_is_not_known_does_not_fit_and_says_so() {
        let body = Value::NULL;
        let unknown = Facts { step: None, attempt: None, ..facts(400, &body) };
        let looked = row("{ step: award, status: 400 }").looked(&unknown);
        assert_eq!((looked[0].holds, looked[1].holds), (None, Some(true)));
        assert!(!row("{ step: award, status: 400 }").fits(&unknown) && row("otherwise: stop").fits(&unknown));
    }
}
