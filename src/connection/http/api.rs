//! Sending: one request out, one answer or failure back. Never follows a redirect, uses no proxy, and repeats a call only when
//! it was refused with 401 and a new token could be had: that proves that nothing was done.

use super::{
    address::{Lookup, system},
    answer::{self, Answer, Unusable},
    auth::{Auth, OAuth2},
    client::clients,
    failure::{Failure, Reason, Trouble},
    outcome::Call,
    policy::{self, Base, Refused},
    rate::{Hold, Pace},
    request::{Query, Request, RequestView},
    settings::HttpSettings,
    token::{TokenTrouble, Tokens},
};
use crate::{
    base::{
        secret::{Masks, Secret},
        shape::Word,
        source::Span,
        value::Value,
        world::World,
    },
    connection::{
        reference::{Secrets, Setting, Unresolved},
        standing,
    },
    mock::Credentials,
};
use base64::Engine;
use reqwest::header::{
    AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION, RETRY_AFTER, USER_AGENT,
};
use std::{error::Error, fmt, path::Path, sync::Arc, time::Duration};
use tokio::time::Instant;

/// An API that can be called. Cheap to share behind an `Arc`; the rate holds for all its users together.
pub struct Api {
    name: Arc<str>,
    settings: HttpSettings,
    pub(super) base: Base,
    /// Of a base that a reference gives: which one it was.
    identity: Option<Arc<str>>,
    who: Who,
    fixed: HeaderMap,
    pace: Option<Pace>,
    hold: Hold,
    /// The run, for traces; said in every call.
    trace: Option<HeaderValue>,
    /// Uses connections again: for reads, and for writes that bear a lost answer ([`Request::bears_loss`]).
    reusing: reqwest::Client,
    /// For all others: an idle connection that the server closes at that very moment would leave us in doubt about a request that
    /// nobody read.
    afresh: reqwest::Client,
}

/// W3C Trace Context.
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// How calls say who we are.
enum Who {
    Nobody,
    /// Always the same header.
    Fixed(HeaderName, HeaderValue),
    /// A token that comes and goes.
    Tokens(Box<Tokens>),
}

impl Who {
    /// The header that the connection sets itself.
    fn header(&self) -> Option<&HeaderName> {
        match self {
            Who::Nobody => None,
            Who::Fixed(name, _) => Some(name),
            Who::Tokens(_) => Some(&AUTHORIZATION),
        }
    }
}

/// A header that says who we are, before it is judged.
enum Given {
    Header(HeaderName, Secret),
    Tokens(Box<Tokens>),
}

/// A connection that cannot be used; fits after "failed to".
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OpenError {
    /// A secret was not found.
    Secret(Unresolved),
    /// The settings are refused.
    Settings {
        /// The connection.
        api: Arc<str>,
        /// Why.
        why: Refused,
    },
    /// The HTTP client could not be made.
    Client(String),
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OpenError::Secret(why) => why.fmt(f),
            OpenError::Settings { api, why } => write!(f, "open the connection `{api}`: {}; {}", why.what, why.help),
            OpenError::Client(why) => write!(f, "make an HTTP client: {why}"),
        }
    }
}
impl Error for OpenError {}

impl From<Unresolved> for OpenError {
    fn from(why: Unresolved) -> OpenError {
        OpenError::Secret(why)
    }
}

impl Api {
    /// Opens a connection of the project file: looks the secrets up, judges the base, sends nothing.
    pub fn open(name: &str, settings: &HttpSettings, secrets: Secrets<'_>) -> Result<Api, OpenError> {
        Api::open_with(name, settings, secrets, system())
    }

    /// As [`Api::open`], with names looked up by `lookup`.
    pub fn open_with(
        name: &str,
        settings: &HttpSettings,
        secrets: Secrets<'_>,
        lookup: Lookup,
    ) -> Result<Api, OpenError> {
        let base = settings.base.resolve(secrets)?;
        let (internal, insecure) = (settings.internal == Some(true), settings.insecure_http == Some(true));
        let base = Base::parse(base.reveal(), internal, insecure).map_err(|why| settings_error(name, why))?;
        let auth = match &settings.auth {
            None => None,
            Some(Auth::Bearer(reference)) => {
                let secret = Secret::new(format!("Bearer {}", secrets.resolve(reference)?.reveal()));
                Some(Given::Header(AUTHORIZATION, secret))
            }
            Some(Auth::Basic(basic)) => {
                let pair =
                    Secret::new(format!("{}:{}", basic.user.as_str(), secrets.resolve(&basic.password)?.reveal()));
                let encoded = Secret::new(base64::engine::general_purpose::STANDARD.encode(pair.reveal()));
                secrets.masks.add(&encoded);
                Some(Given::Header(AUTHORIZATION, Secret::new(format!("Basic {}", encoded.reveal()))))
            }
            Some(Auth::Header(header)) => {
                let header_name = policy::header_name(header.name.as_str()).map_err(|why| settings_error(name, why))?;
                Some(Given::Header(header_name, secrets.resolve(&header.value)?))
            }
            Some(Auth::OAuth2(oauth)) => {
                let tokens = Tokens::open(name, oauth, settings, secrets, lookup.clone())?;
                Some(Given::Tokens(Box::new(tokens)))
            }
        };
        let identity = matches!(settings.base, Setting::Secret(_)).then(|| standing::of_address("http", base.text()));
        let api = Api::made(name, settings, base, auth, lookup)?;
        Ok(Api { identity: identity.map(Arc::from), ..api })
    }

    /// The same API, played by a mock at `url` (a loopback address); its `credentials` are sent in place of the real ones.
    pub fn at_mock(
        name: &str,
        settings: &HttpSettings,
        url: &str,
        credentials: Option<&Credentials>,
    ) -> Result<Api, OpenError> {
        let refuse = |why| settings_error(name, why);
        let base = Base::parse(url, true, false).map_err(refuse)?;
        let auth = match credentials {
            None => None,
            Some(Credentials::Header { name: header, value }) => {
                Some(Given::Header(policy::header_name(header).map_err(refuse)?, Secret::new(value.as_str())))
            }
            Some(Credentials::Client { path, id, secret }) => {
                let declared = settings.auth.as_ref().and_then(Auth::oauth2);
                let oauth = OAuth2::at_mock(declared, &format!("{url}{path}"), id);
                // The mock's secret stands in a file that everybody may read: there is nothing to mask.
                let (variable, masks) = (|_: &str| Some(secret.clone()), Masks::default());
                let secrets = Secrets { variable: &variable, folder: Path::new("."), masks: &masks };
                let inside = HttpSettings { internal: Some(true), ..settings.clone() };
                Some(Given::Tokens(Box::new(Tokens::open(name, &oauth, &inside, secrets, system())?)))
            }
        };
        Api::made(name, settings, base, auth, system())
    }

    /// A complete URL that messages are posted to, at the empty path. The URL is a secret as a whole: whoever has it can
    /// post.
    pub fn webhook(name: &str, url: &str, secrets: Secrets<'_>) -> Result<Api, OpenError> {
        let url = Secret::new(url);
        secrets.masks.add(&url);
        let base = Base::whole(url.reveal()).map_err(|why| settings_error(name, why))?;
        let unused = Word { text: "".into(), span: Span::default() };
        Api::made(name, &HttpSettings::plain(Setting::Plain(unused)), base, None, system())
    }

    fn made(
        name: &str,
        settings: &HttpSettings,
        base: Base,
        auth: Option<Given>,
        lookup: Lookup,
    ) -> Result<Api, OpenError> {
        let refuse = |why| settings_error(name, why);
        let who = match auth {
            None => Who::Nobody,
            Some(Given::Tokens(tokens)) => Who::Tokens(tokens),
            Some(Given::Header(header, secret)) => {
                let mut value = policy::header_value(header.as_str(), secret.reveal()).map_err(refuse)?;
                value.set_sensitive(true);
                Who::Fixed(header, value)
            }
        };
        let mut fixed = HeaderMap::new();
        fixed.insert(USER_AGENT, HeaderValue::from_static(concat!("trueup/", env!("CARGO_PKG_VERSION"))));
        let own: Vec<&HeaderName> = who.header().into_iter().collect();
        for (header, value) in settings.headers.iter() {
            let (header, value) = policy::free_header(header, value.as_str(), &own).map_err(refuse)?;
            fixed.insert(header, value);
        }
        let pace = settings.rate.map(Pace::new);
        let (reusing, afresh) = clients(&base, settings, lookup)?;
        let hold = Hold::new(World::real());
        Ok(Api {
            name: name.into(),
            settings: settings.clone(),
            base,
            identity: None,
            who,
            fixed,
            pace,
            hold,
            trace: None,
            reusing,
            afresh,
        })
    }

    /// The same, waiting by this clock when the API asks for a pause.
    pub fn in_world(self, world: World) -> Api {
        Api { hold: Hold::new(world), ..self }
    }

    /// How long it still wants to be left alone (`Retry-After`).
    pub fn held(&self) -> Option<Duration> {
        self.hold.left()
    }

    /// Takes the next turn to call, and says how long it is until then; nothing where nobody has to wait for one. The call that is sent then is
    /// [`Request::in_turn`].
    pub fn next_turn(&self) -> Option<Duration> {
        self.pace.as_ref().map(Pace::next)
    }

    /// The same, telling the other side in a `traceparent` for which run it calls.
    pub fn traced(self, traceparent: &str) -> Api {
        Api { trace: HeaderValue::from_str(traceparent).ok(), ..self }
    }

    /// The connection's name.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// What the project file says.
    pub fn settings(&self) -> &HttpSettings {
        &self.settings
    }

    /// Scheme, host, port and path prefix, as people may see them.
    pub fn base(&self) -> String {
        self.base.shown()
    }

    /// Which service this is, where only a reference says so: another address gives another text.
    pub fn identity(&self) -> Option<&str> {
        self.identity.as_deref()
    }

    /// The call as people may see it.
    pub fn view(&self, request: &Request) -> RequestView {
        RequestView::of(request, &self.base.shown(), &self.settings)
    }

    /// The failure that [`Api::send`] would give before sending, if the rules forbid the call; for previews of writes.
    /// A part that is not known yet is left aside.
    pub fn forbids(&self, request: &Request) -> Option<Failure> {
        if request.is_unknown() { None } else { self.prepared(request).err() }
    }

    /// Sends one call, at its turn. The answer may have any status but a 3xx that is no good one; what statuses mean is the caller's business.
    ///
    /// With OAuth2, a 401 is answered with one new token and the same request once more: a 401 proves that nothing was done.
    pub async fn send(&self, request: &Request) -> Result<Answer, Failure> {
        let prepared = self.prepared(request)?;
        let Who::Tokens(tokens) = &self.who else { return self.exchange(request, prepared, request.in_turn).await };
        let no_token = |why: TokenTrouble| {
            let reason = if why.passing { Reason::Connect } else { Reason::Token };
            let what = format!("call `{}` ({}): {}", self.name, self.view(request), why.what);
            Failure::NotSent(Trouble { reason, what, help: why.help.to_owned() })
        };
        let (header, generation) = tokens.header(None).await.map_err(no_token)?;
        let mut made = prepared;
        made.headers_mut().insert(AUTHORIZATION, header);
        let first = self.exchange(request, made, request.in_turn).await;
        let status = match &first {
            Ok(answer) => Some(answer.status),
            Err(failure) => failure.status(),
        };
        if status != Some(401) {
            return first;
        }
        let (header, _) = tokens.header(Some(generation)).await.map_err(no_token)?;
        let mut made = self.prepared(request)?;
        made.headers_mut().insert(AUTHORIZATION, header);
        self.exchange(request, made, false).await
    }

    async fn exchange(&self, request: &Request, prepared: reqwest::Request, in_turn: bool) -> Result<Answer, Failure> {
        self.hold.over().await;
        if let Some(pace) = self.pace.as_ref().filter(|_| !in_turn) {
            pace.turn().await;
        }
        let started = Instant::now();
        let total = self.total(request);
        let reuse = request.method.is_read() || request.bears_loss;
        let client = if reuse { &self.reusing } else { &self.afresh };
        let call = Call { api: self, request, total };
        let response = client.execute(prepared).await.map_err(|error| call.no_status(&error))?;
        let status = response.status().as_u16();
        self.hold.hear(status, response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()));
        if (300..400).contains(&status) && !self.takes(request, status) {
            return Err(call.redirected(status, response.headers().get(LOCATION)));
        }
        let (headers, body) = call.body(response, request.max_body).await?;
        let value = answer::value_of(status, &headers, &body, &self.settings)
            .map_err(|Unusable(reason, what)| call.unusable(status, reason, &what))?;
        Ok(Answer { status, value, body_bytes: body.len(), elapsed: started.elapsed() })
    }

    /// Where the answer points elsewhere: whether that is a good one, which is then not followed either.
    fn takes(&self, request: &Request, status: u16) -> bool {
        match request.accept.is_empty() {
            true => self.settings.succeeds(status),
            false => request.accept.iter().any(|good| good.holds(status)),
        }
    }

    /// Path and parameters of another page of this API, given as an address or a path, as it stands in an answer to a call of
    /// `path`. It must stay below the connection's base; the error is a sentence fragment.
    pub fn follow(&self, path: &str, address: &str) -> Result<(String, Query), String> {
        self.base.follow(path, address)
    }

    /// The API's own error code in an answer: `10001`; nothing when none is declared or there.
    pub fn error_code(&self, answer: &Answer) -> Option<Value> {
        self.settings.error_code(&answer.value)
    }

    fn total(&self, request: &Request) -> Duration {
        let total = self.settings.timeouts().1;
        request.timeout.map_or(total, |own| own.min(total))
    }

    fn prepared(&self, request: &Request) -> Result<reqwest::Request, Failure> {
        let refuse = |reason, what: String, help: &str| {
            Failure::NotSent(Trouble {
                reason,
                what: format!("call `{}` ({}): {what}", self.name, self.view(request)),
                help: help.to_owned(),
            })
        };
        let forbid = |why: Refused| refuse(Reason::Forbidden, why.what, why.help);
        if request.has_lost_a_secret() {
            return Err(refuse(
                Reason::Unknown,
                "a part of it was a secret parameter, of which a run keeps nothing".into(),
                "plan again and give the secret anew; what this run did can be taken back with `trueup undo`",
            ));
        }
        if request.is_unknown() {
            return Err(refuse(
                Reason::Unknown,
                "a part of it is not known yet".into(),
                "it can be sent once the steps before it have run",
            ));
        }
        let url = self.base.url(request, self.settings.allow.as_ref()).map_err(forbid)?;
        let mut made = reqwest::Request::new(method(request), url);
        *made.timeout_mut() = Some(self.total(request));
        *made.headers_mut() = self.headers(request).map_err(forbid)?;
        if let Some(body) = &request.body {
            let bytes = request.format.bytes(body).map_err(|why| {
                refuse(Reason::Forbidden, format!("its body {why}"), "write `form:` with fields, `text:` with a text")
            })?;
            if bytes.len() > MAX_REQUEST {
                let what = format!("its body has {} bytes; at most {MAX_REQUEST} are sent", bytes.len());
                return Err(refuse(Reason::Forbidden, what, "send less at once"));
            }
            *made.body_mut() = Some(bytes.into());
        }
        Ok(made)
    }

    fn headers(&self, request: &Request) -> Result<HeaderMap, Refused> {
        let key = policy::idempotency(request, &self.settings)?;
        let own: Vec<&HeaderName> = self.who.header().into_iter().chain(key.iter().map(|(name, _)| name)).collect();
        let given = policy::request_headers(request, &own)?;
        let mut headers = self.fixed.clone();
        if request.body.is_some() && !headers.contains_key(CONTENT_TYPE) {
            let kind = policy::header_value("content-type", &request.format.content_type())?;
            headers.insert(CONTENT_TYPE, kind);
        }
        let fixed = match &self.who {
            Who::Fixed(name, value) => Some((name.clone(), value.clone())),
            _ => None,
        };
        for (name, value) in given.into_iter().chain(key).chain(fixed) {
            headers.insert(name, value);
        }
        // A connection or a call that sets it itself knows better.
        if let Some(trace) = self.trace.as_ref().filter(|_| !headers.contains_key(TRACEPARENT)) {
            headers.insert(TRACEPARENT, trace.clone());
        }
        Ok(headers)
    }
}

/// Larger bodies are not sent.
const MAX_REQUEST: usize = 1024 * 1024;

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Api({} at {})", self.name, self.base.shown())
    }
}

fn settings_error(api: &str, why: Refused) -> OpenError {
    OpenError::Settings { api: api.into(), why }
}

fn method(request: &Request) -> reqwest::Method {
    use super::request::Method;
    match request.method {
        Method::Get => reqwest::Method::GET,
        Method::Head => reqwest::Method::HEAD,
        Method::Post => reqwest::Method::POST,
        Method::Put => reqwest::Method::PUT,
        Method::Patch => reqwest::Method::PATCH,
        Method::Delete => reqwest::Method::DELETE,
    }
}
