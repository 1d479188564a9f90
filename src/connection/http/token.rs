//! Tokens by OAuth2 client credentials: fetched when needed, shared by all calls of a connection, renewed before they run out.
//!
//! A token lives in memory only. It is registered with the masks the moment it arrives, and no message holds it.

use super::{
    address::Lookup,
    api::OpenError,
    auth::{ClientSends, OAuth2},
    client,
    policy::{self, Base, Refused},
    settings::HttpSettings,
};
use crate::{
    base::{
        json,
        secret::{Masks, Secret},
        shape::{Length, Word},
        value::Value,
    },
    connection::reference::{Secrets, Setting},
};
use base64::Engine;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use std::time::Duration;
use tokio::{sync::Mutex, time::Instant};
use url::form_urlencoded;

/// Where the tokens of one connection come from.
pub(super) struct Tokens {
    base: Base,
    /// The address as people may see it.
    shown: String,
    client: reqwest::Client,
    id: Secret,
    secret: Secret,
    /// Fields of the request beside id and secret.
    fields: Vec<(String, String)>,
    by_header: bool,
    scheme: String,
    margin: Duration,
    total: Duration,
    masks: Masks,
    held: Mutex<Held>,
}

/// What is known right now. One lock for looking and fetching: whoever comes while a token is fetched waits for that one.
#[derive(Default)]
struct Held {
    token: Option<Token>,
    generation: u64,
    /// The latest failure; those who waited for it share it instead of asking again.
    failed: Option<(Instant, TokenTrouble)>,
}

#[derive(Clone)]
struct Token {
    header: HeaderValue,
    generation: u64,
    good_until: Option<Instant>,
}

/// Why there is no token. Holds neither token nor secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TokenTrouble {
    /// "no token from https://…: it answered 401 (invalid_client)"
    pub what: String,
    /// What to do.
    pub help: &'static str,
    /// The endpoint was not reached, or is in trouble itself: later it may work.
    pub passing: bool,
}

/// A longer answer is no token.
const MAX_ANSWER: usize = 64 * 1024;
/// A token is not waited for longer, whatever the API's own deadline.
const MAX_WAIT: Duration = Duration::from_secs(10);
const MARGIN: Duration = Duration::from_secs(60);
const REFUSED_HELP: &str = "look at `client_id`, `client_secret` and `scope` of the connection's `auth: { oauth2: … }`; nothing was sent to the API";
const LATER_HELP: &str =
    "look at `token_url` of the connection and whether that service runs; nothing was sent to the API";

impl Tokens {
    /// Looks the secrets up and judges the address; asks nobody.
    pub fn open(
        name: &str,
        oauth: &OAuth2,
        settings: &HttpSettings,
        secrets: Secrets<'_>,
        lookup: Lookup,
    ) -> Result<Tokens, OpenError> {
        let refuse = |why: Refused| OpenError::Settings {
            api: name.into(),
            why: Refused { what: format!("`token_url`: {}", why.what), help: why.help },
        };
        let (internal, insecure) = (settings.internal == Some(true), settings.insecure_http == Some(true));
        let url = oauth.token_url.resolve(secrets)?;
        let base = Base::complete(url.reveal(), internal, insecure).map_err(refuse)?;
        let shown = match &oauth.token_url {
            Setting::Plain(word) => word.as_str().to_owned(),
            Setting::Secret(_) => base.shown(),
        };
        let id = oauth.client_id.resolve(secrets)?;
        let secret = secrets.resolve(&oauth.client_secret)?;
        let mut fields = vec![("grant_type".to_owned(), "client_credentials".to_owned())];
        fields.extend(oauth.scope.as_ref().map(|scope| ("scope".to_owned(), scope.as_str().to_owned())));
        fields.extend(oauth.extra.iter().map(|(name, value)| (name.to_owned(), value.as_str().to_owned())));
        let by_header = oauth.send == Some(ClientSends::Basic);
        if by_header {
            secrets.masks.add(&basic(&id, &secret));
        }
        let client = client::one(&base, settings, lookup)?;
        Ok(Tokens {
            base,
            shown,
            client,
            id,
            secret,
            fields,
            by_header,
            scheme: oauth.scheme.as_ref().map_or("Bearer", Word::as_str).to_owned(),
            margin: oauth.margin.map_or(MARGIN, |l| l.0),
            total: settings.timeouts().1.min(MAX_WAIT),
            masks: secrets.masks.clone(),
            held: Mutex::default(),
        })
    }

    /// The `Authorization` header and the token's number. `refused` is the number of a token that the API no longer takes:
    /// it is not handed out again. One fetch at a time; who waited for one shares what it gave, a failure too.
    pub async fn header(&self, refused: Option<u64>) -> Result<(HeaderValue, u64), TokenTrouble> {
        let came = Instant::now();
        let mut held = self.held.lock().await;
        let fresh = |token: &&Token| {
            Some(token.generation) != refused && token.good_until.is_none_or(|until| Instant::now() < until)
        };
        if let Some(token) = held.token.as_ref().filter(fresh) {
            return Ok((token.header.clone(), token.generation));
        }
        if let Some((_, trouble)) = held.failed.as_ref().filter(|(at, _)| *at >= came) {
            return Err(trouble.clone());
        }
        held.token = None;
        match self.fetch().await {
            Ok((header, good_until)) => {
                held.generation += 1;
                held.failed = None;
                let token = Token { header, generation: held.generation, good_until };
                held.token = Some(token.clone());
                Ok((token.header, token.generation))
            }
            Err(trouble) => {
                held.failed = Some((Instant::now(), trouble.clone()));
                Err(trouble)
            }
        }
    }

    async fn fetch(&self) -> Result<(HeaderValue, Option<Instant>), TokenTrouble> {
        let asked = Instant::now();
        let response = self.client.execute(self.request()).await.map_err(|error| self.unreached(&error))?;
        let status = response.status().as_u16();
        let body = self.body(response).await?;
        let answer = std::str::from_utf8(&body).ok().and_then(|text| json::parse(text).ok()).unwrap_or(Value::NULL);
        if status != 200 {
            return Err(self.refused(status, &answer));
        }
        let odd = |what: &str| self.trouble(what, REFUSED_HELP, false);
        let text = answer.get("access_token").filter(|v| v.as_str().is_some_and(|t| !t.is_empty()));
        let Some(text) = text else { return Err(odd("its answer (200) holds no `access_token`")) };
        let token = Secret::new(text.bare());
        self.masks.add(&token);
        let mut header = policy::header_value("authorization", &format!("{} {}", self.scheme, token.reveal()))
            .map_err(|_| odd("the token holds a character that no header may hold"))?;
        header.set_sensitive(true);
        Ok((header, life(&answer).map(|life| asked + life - self.margin.min(life / 2))))
    }

    fn request(&self) -> reqwest::Request {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(&self.fields);
        if !self.by_header {
            form.append_pair("client_id", self.id.reveal()).append_pair("client_secret", self.secret.reveal());
        }
        let mut request = reqwest::Request::new(reqwest::Method::POST, self.base.as_url().clone());
        *request.timeout_mut() = Some(self.total);
        *request.body_mut() = Some(form.finish().into());
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        if self.by_header
            && let Ok(mut value) = HeaderValue::from_str(&format!("Basic {}", basic(&self.id, &self.secret).reveal()))
        {
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        request
    }

    async fn body(&self, mut response: reqwest::Response) -> Result<Vec<u8>, TokenTrouble> {
        let mut body = Vec::new();
        loop {
            match response.chunk().await {
                Ok(None) => return Ok(body),
                Ok(Some(chunk)) if body.len() + chunk.len() <= MAX_ANSWER => body.extend_from_slice(&chunk),
                Ok(Some(_)) => return Err(self.trouble("its answer is far too long for a token", REFUSED_HELP, false)),
                Err(_) => return Err(self.trouble("its answer ended before its end", LATER_HELP, true)),
            }
        }
    }

    fn unreached(&self, error: &reqwest::Error) -> TokenTrouble {
        let refused = super::outcome::cause::<super::address::AddressRefused>(error);
        if let Some(refused) = refused {
            return TokenTrouble { help: refused.help, ..self.trouble(&refused.to_string(), "", false) };
        }
        let what = if error.is_timeout() {
            format!("no answer within {}", Length(self.total))
        } else if error.is_connect() {
            "no connection".to_owned()
        } else {
            "the connection was cut before an answer came".to_owned()
        };
        self.trouble(&what, LATER_HELP, true)
    }

    /// A refusal, with what the endpoint says about it (RFC 6749, 5.2), masked and in bounds.
    fn refused(&self, status: u16, answer: &Value) -> TokenTrouble {
        let said = |name: &str| {
            let text = answer.get(name).filter(|v| v.as_str().is_some())?;
            let clean: String = text.bare().chars().filter(|c| !c.is_control()).take(200).collect();
            Some(self.masks.apply(&clean))
        };
        let why = match (said("error"), said("error_description")) {
            (Some(error), Some(more)) => format!(" ({error}: {more})"),
            (Some(error), None) => format!(" ({error})"),
            _ => String::new(),
        };
        let passing = status >= 500 || status == 429 || status == 408;
        let help = if passing { LATER_HELP } else { REFUSED_HELP };
        self.trouble(&format!("it answered {status}{why}"), help, passing)
    }

    fn trouble(&self, what: &str, help: &'static str, passing: bool) -> TokenTrouble {
        TokenTrouble { what: format!("no token from {}: {what}", self.shown), help, passing }
    }
}

/// Id and secret as RFC 6749 (2.3.1) wants them: form-encoded each, then base64.
fn basic(id: &Secret, secret: &Secret) -> Secret {
    let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let pair = Secret::new(format!("{}:{}", encoded(id.reveal()), encoded(secret.reveal())));
    Secret::new(base64::engine::general_purpose::STANDARD.encode(pair.reveal()))
}

/// How long the token lives, where the answer says it: a number or a text of one.
fn life(answer: &Value) -> Option<Duration> {
    let seconds: f64 = answer.get("expires_in")?.bare().trim().parse().ok()?;
    Duration::try_from_secs_f64(seconds.clamp(0.0, 365.0 * 86_400.0)).ok()
}
