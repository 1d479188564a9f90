//! A request is sent as the plan showed it: method, address, parameters, headers and body, also what the plan may not show.
//! What only apply can know (answers of this run, its name, its time) is left aside, and so are secrets.

use crate::{
    action::deed::Call,
    base::value::{Data, Marks, Value},
    engine::{
        drive::{Driver, Halt},
        outline::Place,
        trouble::{Difference, Trouble},
    },
    plan::Effect,
    template::equal,
};

impl Driver<'_> {
    /// Refuses a request that is another one than in the plan. Done again on purpose, a step may rest on what it left itself.
    pub(super) fn request_as_planned(&self, place: &Place, call: &Call, line: &str) -> Result<(), Halt> {
        let again = self.standing(&place.path).is_some_and(|step| step.generation > 0);
        let plan = self.planned(&place.path).filter(|_| !again);
        let sent = |effect: &Effect| if let Effect::Request { sent, .. } = effect { sent.clone() } else { None };
        let Some(planned) = plan.and_then(|step| step.effects.iter().find_map(sent)) else { return Ok(()) };
        let differences = of_request(&planned, &super::call::stored(call), line);
        if differences.is_empty() { Ok(()) } else { Err(Trouble::Drifted(differences).into()) }
    }
}

/// How a request differs from the planned one, part by part.
fn of_request(planned: &Value, now: &Value, line: &str) -> Vec<Difference> {
    let mut found = Vec::new();
    for name in ["method", "path", "written"] {
        parts(planned.get(name), now.get(name), name, &mut found);
    }
    for (list, what) in [("query", "parameter"), ("headers", "header")] {
        let named = |whole: &Value| Value::map(pairs(whole.get(list)));
        parts(Some(named(planned)), Some(named(now)), what, &mut found);
    }
    for word in ["json", "form", "text", "multipart"] {
        parts(planned.get(word), now.get(word), "body", &mut found);
    }
    let difference = |(column, planned, found): (String, String, String)| {
        let found = if planned == found { format!("{found}, but another one") } else { found };
        Difference { subject: line.to_owned(), column, planned, found }
    };
    found.into_iter().map(difference).collect()
}

/// `[name, value]` pairs; of several with one name all of them.
fn pairs(list: Option<Value>) -> Vec<(std::sync::Arc<str>, Value)> {
    let mut all: Vec<(std::sync::Arc<str>, Vec<Value>)> = Vec::new();
    for pair in list.as_ref().and_then(Value::as_list).into_iter().flatten() {
        let Some([name, value]) = pair.as_list() else { continue };
        let name: std::sync::Arc<str> = name.bare().as_ref().into();
        match all.iter_mut().find(|(known, _)| *known == name) {
            Some((_, values)) => values.push(value.clone()),
            None => all.push((name, vec![value.clone()])),
        }
    }
    all.into_iter().map(|(name, values)| (name, Value::list(values))).collect()
}

/// What nobody could foretell, or nobody may keep.
fn is_free(value: &Value) -> bool {
    matches!(value.data, Data::Unknown(_))
        || value.marks.has(Marks::CLOCK)
        || value.marks.has(Marks::EXAMPLE)
        || value.marks.has(Marks::SECRET)
}

fn parts(was: Option<Value>, now: Option<Value>, name: &str, found: &mut Vec<(String, String, String)>) {
    let (was, now) = match (was, now) {
        (None, None) => return,
        (Some(was), Some(now)) => (was, now),
        (was, now) => {
            if !was.iter().chain(&now).any(is_free) {
                let shown = |value: Option<Value>| value.map_or_else(|| "nothing".to_owned(), |v| v.shown());
                found.push((name.to_owned(), shown(was), shown(now)));
            }
            return;
        }
    };
    if is_free(&was) || is_free(&now) {
        return;
    }
    match (&was.data, &now.data) {
        (Data::Map(a), Data::Map(b)) => {
            let more = b.keys().filter(|key| !a.contains_key(key));
            for key in a.keys().chain(more) {
                // A part of something hidden is hidden.
                let part = |map: &crate::base::value::Map, marks| map.get(key).map(|v| v.clone().marked(marks));
                let inner = if name == "body" { format!("body.{key}") } else { format!("{name} {key}") };
                let inner = if name.contains('.') { format!("{name}.{key}") } else { inner };
                parts(part(a, was.marks), part(b, now.marks), &inner, found);
            }
        }
        (Data::List(a), Data::List(b)) if a.len() == b.len() => {
            for (index, (x, y)) in a.iter().zip(b.iter()).enumerate() {
                let inner = if a.len() == 1 && !name.starts_with("body") {
                    name.to_owned()
                } else {
                    format!("{name}[{index}]")
                };
                parts(Some(x.clone().marked(was.marks)), Some(y.clone().marked(now.marks)), &inner, found);
            }
        }
        _ if was == now || equal(&was, &now).unwrap_or(false) => {}
        _ => found.push((name.to_owned(), was.shown(), now.shown())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(path: &str, query: Value, body: Value) -> Value {
        Value::map([
            ("method", "POST".into()),
            ("path", path.into()),
            ("query", Value::list([Value::list(["q".into(), query])])),
            ("headers", Value::list([])),
            ("json", body),
        ])
    }

    fn found(was: &Value, now: &Value) -> Vec<String> {
        of_request(was, now, "POST x").iter().map(|d| format!("{}: {} → {}", d.column, d.planned, d.found)).collect()
    }

    #[test]
    fn every_part_counts_but_for_what_only_apply_can_know() {
        let body = |email: Value, more: Value| Value::map([("email", email), ("list", Value::list([more, 2.into()]))]);
        let personal = |text: &str| Value::from(text).marked(Marks::PERSONAL);
        let was = request("/a", "1".into(), body(personal("ada@x"), 1.into()));
        assert!(found(&was, &was.clone()).is_empty());
        let now = request("/b", "2".into(), body(personal("eve@x"), 7.into()));
        assert_eq!(
            found(&was, &now),
            [
                "path: /a → /b",
                "parameter q: \"1\" → \"2\"",
                "body.email: (personal) → (personal), but another one",
                "body.list[0]: 1 → 7"
            ]
        );
        let more = request("/a", "1".into(), Value::map([("email", personal("ada@x")), ("extra", 1.into())]));
        assert_eq!(found(&was, &more).len(), 2);
        for free in [
            Value::unknown(),
            Value::from("x").marked(Marks::CLOCK),
            Value::from("x").marked(Marks::EXAMPLE),
            Value::from("x").marked(Marks::SECRET),
        ] {
            let was = request("/a", free.clone(), body(free, 1.into()));
            let now = request("/a", "2".into(), body("anything".into(), 1.into()));
            assert!(found(&was, &now).is_empty());
        }
        assert!(found(&request("/a", "1".into(), Value::unknown()), &now).len() == 2);
    }
}
