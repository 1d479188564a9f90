//! What an answer says: done before, good, failed, or nothing that can be relied on. The order is part of the language
//! (`docs/language.md`, "What an answer means"):
//!
//! 1. `already_done_when`, 2. `failed_when`, 3. `accept` (else the connection's `success`), 4. `success_when`, 5. `expects`;
//!
//! What is not good then goes to the `errors` table, the step's `otherwise`, and the default of a failed call.

use super::call::{DOUBT, spec, trouble};
use crate::{
    action::{deed::Call, resolve, step::Step},
    base::{json, value::Value},
    connection::http::{Answer, rate::retry_after},
    engine::{setting::Setting, trouble::CallTrouble},
    playbook::{errors::FailureKind, failure},
    read::http::HttpSpec,
    template::{Expression, Scope},
};

/// A call that has an answer.
pub(super) struct Answered<'a> {
    pub setting: &'a Setting,
    pub step: &'a Step,
    pub call: &'a Call,
    pub answer: &'a Answer,
    /// `GET https://…`, masked.
    pub line: &'a str,
}

impl Answered<'_> {
    /// The result under the step's name, or why the answer is not a good one.
    pub fn judge(self) -> Result<Value, CallTrouble> {
        let (status, value) = (self.answer.status, &self.answer.value);
        let Some(spec) = spec(self.step) else {
            return if self.succeeds() { Ok(value.clone()) } else { Err(self.refused()) };
        };
        if let Some(condition) = &spec.already_done_when
            && self.holds("already_done_when", condition)?
        {
            return Ok(with_already_done(value, true));
        }
        if let Some(condition) = &spec.failed_when
            && self.holds("failed_when", condition)?
        {
            return Err(CallTrouble {
                in_doubt: self.writes() && status >= 500,
                ..self.bad("`failed_when` says that it failed")
            });
        }
        // The step's own `accept` decides; without one the connection's `success`.
        let good = if spec.accept.is_empty() { self.succeeds() } else { spec.accepts(status) };
        if !good {
            return Err(self.refused());
        }
        // A request that was only taken is judged when it is finished.
        if is_pending(spec, status) {
            return Ok(value.clone());
        }
        if let Some(condition) = &spec.success_when
            && !self.holds("success_when", condition)?
        {
            return Err(CallTrouble { in_doubt: self.writes(), ..self.bad("`success_when` does not hold") });
        }
        self.expected(spec)?;
        Ok(if spec.already_done_when.is_some() { with_already_done(value, false) } else { value.clone() })
    }

    fn writes(&self) -> bool {
        !self.call.is_read()
    }

    fn succeeds(&self) -> bool {
        self.setting.api(&self.call.api).is_some_and(|api| api.settings().succeeds(self.answer.status))
    }

    /// A condition that cannot be judged is no condition that holds: of a write nobody then knows what became of it.
    fn holds(&self, word: &str, condition: &Expression) -> Result<bool, CallTrouble> {
        let scope = scope(self.setting, self.call, &self.answer.value);
        let why = match resolve::judge(condition, &scope) {
            Ok(judgement) => match judgement.holds {
                Some(holds) => return Ok(holds),
                None => "it rests on a value that is not known yet".to_owned(),
            },
            Err(failure) => failure.message,
        };
        let refused = (400..500).contains(&self.answer.status);
        Err(CallTrouble {
            in_doubt: self.writes() && !refused,
            ..self.bad(&format!("`{word}` cannot be judged: {why}"))
        })
    }

    fn expected(&self, spec: &HttpSpec) -> Result<(), CallTrouble> {
        let body = self.answer.body();
        for (path, expected) in spec.expects.iter() {
            let missed = failure::places(&body, path).iter().find_map(|found| expected.misses(found.as_slice()));
            if let Some(why) = missed {
                let what = format!("`{path}` of the body {why}");
                return Err(CallTrouble { kind: FailureKind::Body, in_doubt: self.writes(), ..self.bad(&what) });
            }
        }
        Ok(())
    }

    /// A good status, and yet no good answer.
    fn bad(&self, why: &str) -> CallTrouble {
        self.found(FailureKind::Answer, &format!(": {why}"))
    }

    fn refused(&self) -> CallTrouble {
        let body = self.answer.body();
        let title = body.get("title").or_else(|| body.get("message")).or_else(|| body.get("error"));
        let said = title.filter(|t| t.as_str().is_some()).map_or(String::new(), |t| format!(": {}", t.plain()));
        // An error may repeat what it is about, and nobody has declared that part of the answer.
        let api = self.setting.api(&self.call.api);
        let said = api.map_or(said.clone(), |api| super::call::request(self.call).veiled(&said, api.settings()));
        // A 5xx may follow the effect, and 1xx is no answer; 4xx says that nothing was done (reliability.md, C7-C10).
        let in_doubt = self.writes() && !(200..500).contains(&self.answer.status);
        let advice = match (self.answer.status, api.map(|api| api.settings().auth.is_some())) {
            (401, Some(true)) => {
                "; look whether the secret under `auth:` of the connection is the one for this environment, and still valid"
            }
            (401, Some(false)) => "; the connection has no `auth:` in the project file",
            _ => "",
        };
        let found = self.found(FailureKind::Status, &format!("{said}{advice}{}", if in_doubt { DOUBT } else { "" }));
        CallTrouble { in_doubt, ..found }
    }

    /// The body as a text. Nobody has declared what is in an error's body: what the request holds of a person is hidden in it, and
    /// what is declared personal in answers is.
    fn said(&self) -> Option<String> {
        let body = self.answer.body();
        let text = if body.as_str().is_some() { body.bare().into_owned() } else { json::masked(&body) };
        let said = text.trim();
        if body.is_null() || said.is_empty() || body.all_marks().hidden() && body.as_str().is_some() {
            return None;
        }
        let api = self.setting.api(&self.call.api);
        let said =
            api.map_or_else(|| said.to_owned(), |api| super::call::request(self.call).veiled(said, api.settings()));
        // Looked through before it is cut: nobody finds half of a secret.
        Some(self.setting.masks.shortened(&said, LONGEST_SAID))
    }

    fn found(&self, kind: FailureKind, said: &str) -> CallTrouble {
        let api = self.setting.api(&self.call.api);
        let code = api.and_then(|api| api.error_code(self.answer)).map(|code| code.plain().into_owned());
        let status = self.answer.status;
        let message = format!("`{}` answered {status} to {}{said}", self.call.api, self.line);
        let asked = self.answer.header("retry-after");
        CallTrouble {
            line: self.line.to_owned(),
            status: Some(status),
            code,
            retry_after: asked.and_then(|header| retry_after(&header, self.setting.world.now())),
            said: self.said(),
            answer: Some(self.answer.value.clone()),
            ..trouble(self.call, kind, message)
        }
    }
}

/// Characters that are kept of what a service says.
const LONGEST_SAID: usize = 1000;

/// The request was taken and is not finished, and the author says how to go on.
pub(super) fn is_pending(spec: &HttpSpec, status: u16) -> bool {
    status == 202 && spec.accepted.is_some()
}

/// What was known when the step began, and the answer as `self`.
pub(super) fn scope(setting: &Setting, call: &Call, answer: &Value) -> Scope {
    call.scope.clone().unwrap_or_else(|| setting.beginning()).with("self", answer.clone())
}

fn with_already_done(value: &Value, already: bool) -> Value {
    let mut map = value.as_map().cloned().unwrap_or_default();
    map.insert("already_done".into(), Value::from(already));
    Value { marks: value.marks, ..Value::from(map) }
}

/// The author's `already_done_when` held.
pub(super) fn was_already_done(value: &Value) -> bool {
    value.get("already_done").and_then(|v| v.as_bool()) == Some(true)
}
