//! A mock's token endpoint: gives tokens to the one client it knows, and knows which of them are still good.

use super::{
    call::{Call, header},
    model::{Answer, TokenGuard},
    play::{Reply, json_reply},
};
use crate::base::{
    time::Stamp,
    value::{Map, Value},
};
use base64::Engine;

/// The tokens that were given so far.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    given: Vec<Given>,
    asked: usize,
}

#[derive(Debug)]
struct Given {
    header: String,
    good_until: Option<i64>,
    calls_left: Option<u32>,
}

/// What the endpoint does with a request.
pub(super) enum Step<'a> {
    /// This answer stands in the file.
    Scripted(&'a Answer),
    /// The mock's own.
    Own(Box<Reply>),
}

impl Tokens {
    /// Answers a request for a token.
    pub fn give<'a>(&mut self, guard: &'a TokenGuard, call: &Call, form: &Value, now: Stamp) -> Step<'a> {
        let scripted = guard.answers.get(self.asked);
        self.asked += 1;
        if let Some(answer) = scripted.filter(|a| a.status.is_some() || a.fault.is_some()) {
            return Step::Scripted(answer);
        }
        let field = |name: &str| form.get(name).map(|v| v.bare().into_owned());
        let basic = format!("{}:{}", guard.client_id.as_str(), guard.client_secret.as_str());
        let basic = format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(basic));
        let by_form = field("client_id").as_deref() == Some(guard.client_id.as_str())
            && field("client_secret").as_deref() == Some(guard.client_secret.as_str());
        let own = |status, body| Step::Own(Box::new(json_reply(status, body)));
        let error = |status, error: &str| own(status, Value::map([("error", Value::text(error))]));
        if call.method != "POST" || field("grant_type").as_deref() != Some("client_credentials") {
            return error(400, "unsupported_grant_type");
        }
        if !by_form && header(call, "authorization") != Some(basic.as_str()) {
            return error(401, "invalid_client");
        }
        let token = format!("mock-token-{}", self.given.len() + 1);
        let scheme = guard.scheme.as_ref().map_or("Bearer", |s| s.as_str());
        let lives = guard.lives.map(|l| i64::try_from(l.0.as_micros()).unwrap_or(i64::MAX));
        self.given.push(Given {
            header: format!("{scheme} {token}"),
            good_until: lives.map(|l| now.micros.saturating_add(l)),
            calls_left: guard.calls,
        });
        let mut answer = Map::default();
        answer.insert("access_token".into(), Value::text(token));
        answer.insert("token_type".into(), Value::text(scheme));
        if let Some(lives) = guard.lives {
            answer.insert("expires_in".into(), Value::from(i64::try_from(lives.0.as_secs()).unwrap_or(i64::MAX)));
        }
        own(200, answer.into())
    }

    /// Whether a call carries a token that is still good; counts the call.
    pub fn takes(&mut self, call: &Call, now: Stamp) -> bool {
        let Some(carried) = header(call, "authorization") else { return false };
        let Some(given) = self.given.iter_mut().find(|g| g.header == carried) else { return false };
        let good = given.good_until.is_none_or(|until| now.micros < until) && given.calls_left != Some(0);
        if good {
            given.calls_left = given.calls_left.map(|left| left - 1);
        }
        good
    }
}
