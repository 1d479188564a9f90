//! Sending: one request out, one answer or failure back. Never repeats a call, never follows a redirect, uses no proxy.

use super::{
    address::{AddressRefused, Gate, Lookup, system},
    answer::{self, Answer, Unusable},
    failure::{Failure, Reason, Trouble},
    policy::{self, Base, Refused},
    rate::Pace,
    request::{Request, RequestView},
    settings::{Auth, HttpSettings},
};
use crate::{
    base::{json, secret::Secret, value::Value},
    connection::reference::{Secrets, Unresolved},
};
use base64::Engine;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION, USER_AGENT};
use std::{error::Error, fmt, io, sync::Arc, time::Duration};
use tokio::time::Instant;

/// An API that can be called. Cheap to share behind an `Arc`; the rate holds for all its users together.
pub struct Api {
    name: Arc<str>,
    settings: HttpSettings,
    base: Base,
    auth: Option<(HeaderName, HeaderValue)>,
    fixed: HeaderMap,
    pace: Option<Pace>,
    /// Reads may reuse a connection. A write never does: an idle connection that the server closes at that very moment
    /// would leave us in doubt about a request that nobody read.
    reading: reqwest::Client,
    writing: reqwest::Client,
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
                Some((AUTHORIZATION, Secret::new(format!("Bearer {}", secrets.resolve(reference)?.reveal()))))
            }
            Some(Auth::Basic(basic)) => {
                let pair =
                    Secret::new(format!("{}:{}", basic.user.as_str(), secrets.resolve(&basic.password)?.reveal()));
                let encoded = Secret::new(base64::engine::general_purpose::STANDARD.encode(pair.reveal()));
                secrets.masks.add(&encoded);
                Some((AUTHORIZATION, Secret::new(format!("Basic {}", encoded.reveal()))))
            }
            Some(Auth::Header(header)) => {
                let header_name = policy::header_name(header.name.as_str()).map_err(|why| settings_error(name, why))?;
                Some((header_name, secrets.resolve(&header.value)?))
            }
        };
        Api::made(name, settings, base, auth, lookup)
    }

    /// The same API, played by a mock at `url` (a loopback address); its `credentials` (header and value) are sent in
    /// place of the real ones.
    pub fn at_mock(
        name: &str,
        settings: &HttpSettings,
        url: &str,
        credentials: Option<(&str, &str)>,
    ) -> Result<Api, OpenError> {
        let refuse = |why| settings_error(name, why);
        let base = Base::parse(url, true, false).map_err(refuse)?;
        let header = credentials.map(|(header, _)| policy::header_name(header)).transpose().map_err(refuse)?;
        let auth = header.zip(credentials.map(|(_, value)| Secret::new(value)));
        Api::made(name, settings, base, auth, system())
    }

    fn made(
        name: &str,
        settings: &HttpSettings,
        base: Base,
        auth: Option<(HeaderName, Secret)>,
        lookup: Lookup,
    ) -> Result<Api, OpenError> {
        let refuse = |why| settings_error(name, why);
        let auth = auth.map(|(header, secret)| {
            let mut value = policy::header_value(header.as_str(), secret.reveal())?;
            value.set_sensitive(true);
            Ok((header, value))
        });
        let auth = auth.transpose().map_err(refuse)?;
        let mut fixed = HeaderMap::new();
        fixed.insert(USER_AGENT, HeaderValue::from_static(concat!("trueup/", env!("CARGO_PKG_VERSION"))));
        let own: Vec<&HeaderName> = auth.iter().map(|(header, _)| header).collect();
        for (header, value) in settings.headers.iter() {
            let (header, value) = policy::free_header(header, value.as_str(), &own).map_err(refuse)?;
            fixed.insert(header, value);
        }
        let pace = settings.rate.map(Pace::new);
        let (reading, writing) = clients(&base, settings, lookup)?;
        Ok(Api { name: name.into(), settings: settings.clone(), base, auth, fixed, pace, reading, writing })
    }

    /// The connection's name.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// What the project file says.
    pub fn settings(&self) -> &HttpSettings {
        &self.settings
    }

    /// Scheme, host, port and path prefix.
    pub fn base(&self) -> &str {
        self.base.text()
    }

    /// The call as people may see it.
    pub fn view(&self, request: &Request) -> RequestView {
        RequestView::of(request, self.base.text(), &self.settings)
    }

    /// The failure that [`Api::send`] would give before sending, if the rules forbid the call; for previews of writes.
    /// A part that is not known yet is left aside.
    pub fn forbids(&self, request: &Request) -> Option<Failure> {
        if request.is_unknown() { None } else { self.prepared(request).err() }
    }

    /// Sends one call, at its turn. The answer may have any status but 3xx; what statuses mean is the caller's business.
    pub async fn send(&self, request: &Request) -> Result<Answer, Failure> {
        let prepared = self.prepared(request)?;
        if let Some(pace) = &self.pace {
            pace.turn().await;
        }
        let started = Instant::now();
        let total = self.total(request);
        let client = if request.method.is_read() { &self.reading } else { &self.writing };
        let call = Call { api: self, request, total };
        let response = client.execute(prepared).await.map_err(|error| call.no_status(&error))?;
        let status = response.status().as_u16();
        if (300..400).contains(&status) {
            return Err(call.redirected(status, response.headers().get(LOCATION)));
        }
        let (headers, body) = call.body(response).await?;
        let value = answer::value_of(status, &headers, &body, &self.settings)
            .map_err(|Unusable(reason, what)| call.unusable(status, reason, &what))?;
        Ok(Answer { status, value, body_bytes: body.len(), elapsed: started.elapsed() })
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
            let text = json::text_of(body);
            if text.len() > MAX_REQUEST {
                let what = format!("its body has {} bytes; at most {MAX_REQUEST} are sent", text.len());
                return Err(refuse(Reason::Forbidden, what, "send less at once"));
            }
            *made.body_mut() = Some(text.into());
        }
        Ok(made)
    }

    fn headers(&self, request: &Request) -> Result<HeaderMap, Refused> {
        let key = policy::idempotency(request, &self.settings)?;
        let own: Vec<&HeaderName> = self.auth.iter().chain(key.iter()).map(|(name, _)| name).collect();
        let given = policy::request_headers(request, &own)?;
        let mut headers = self.fixed.clone();
        if request.body.is_some() && !headers.contains_key(CONTENT_TYPE) {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        for (name, value) in given.into_iter().chain(key).chain(self.auth.clone()) {
            headers.insert(name, value);
        }
        Ok(headers)
    }
}

/// Larger bodies are not sent.
const MAX_REQUEST: usize = 1024 * 1024;

/// Larger answers are refused unless the connection says otherwise.
const MAX_ANSWER: usize = 1024 * 1024;

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Api({} at {})", self.name, self.base.text())
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

/// The client for reads and the one for writes.
fn clients(
    base: &Base,
    settings: &HttpSettings,
    lookup: Lookup,
) -> Result<(reqwest::Client, reqwest::Client), OpenError> {
    let failed = |error: &dyn fmt::Display| OpenError::Client(error.to_string());
    let tls = tls().map_err(|e| failed(&e))?;
    let gate = Arc::new(Gate { host: base.host().to_owned(), rule: base.rule, lookup });
    let make = |idle: usize| {
        reqwest::Client::builder()
            .tls_backend_preconfigured(tls.clone())
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .retry(reqwest::retry::never())
            .dns_resolver(gate.clone())
            .connect_timeout(settings.timeouts().0)
            .pool_max_idle_per_host(idle)
            .build()
            .map_err(|e| failed(&e.without_url()))
    };
    Ok((make(8)?, make(0)?))
}

/// TLS with the roots that Mozilla trusts, compiled in: reading the machine's own store costs more than a whole call.
fn tls() -> Result<rustls::ClientConfig, rustls::Error> {
    let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let mut tls = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(tls)
}

/// One call on its way, for the sentences about what became of it.
struct Call<'a> {
    api: &'a Api,
    request: &'a Request,
    total: Duration,
}

impl Call<'_> {
    fn trouble(&self, reason: Reason, what: &str, help: &str) -> Trouble {
        Trouble {
            reason,
            what: format!("call `{}` ({}): {what}", self.api.name, self.api.view(self.request)),
            help: help.to_owned(),
        }
    }

    fn unusable(&self, status: u16, reason: Reason, what: &str) -> Failure {
        let help = match reason {
            Reason::TooLarge => "ask for less at once, or raise `max_body` of the connection",
            Reason::Timeout => "raise `timeout: { total: … }` of the connection if the API is this slow",
            _ => "ask the API's people; the status alone proves nothing here",
        };
        Failure::Unusable { status, trouble: self.trouble(reason, &format!("the answer ({status}) {what}"), help) }
    }

    fn redirected(&self, status: u16, location: Option<&HeaderValue>) -> Failure {
        // Query and fragment of the target may hold anything; where it points is enough to act on.
        let target = location.and_then(|l| l.to_str().ok()).map(|l| {
            l.split(['?', '#'])
                .next()
                .unwrap_or(l)
                .chars()
                .filter(|c| c.is_ascii_graphic())
                .take(200)
                .collect::<String>()
        });
        let to = target.map_or_else(
            || "elsewhere".to_owned(),
            |t| t.rsplit_once('@').map_or(t.clone(), |(_, rest)| rest.to_owned()),
        );
        let trouble = self.trouble(
            Reason::Redirect,
            &format!("the API redirects ({status}) to {to}: not followed"),
            "if the API has moved, change `base` in the project file",
        );
        Failure::Unusable { status, trouble }
    }

    /// A call that ended before a status came.
    fn no_status(&self, error: &reqwest::Error) -> Failure {
        if let Some(refused) = cause::<AddressRefused>(error) {
            return Failure::NotSent(self.trouble(Reason::Forbidden, &refused.to_string(), refused.help));
        }
        if error.is_connect() {
            return Failure::NotSent(self.not_connected(error));
        }
        let doubt = if self.request.method.is_read() { "" } else { "whether it was done is not known" };
        let failure = if error.is_timeout() {
            self.trouble(
                Reason::Timeout,
                &format!("no answer within {}", crate::base::shape::Length(self.total)),
                doubt,
            )
        } else if let Some(io) = cause::<io::Error>(error) {
            self.trouble(
                Reason::Cut,
                &format!("the connection was cut before an answer came ({})", io_words(io)),
                doubt,
            )
        } else if cause::<hyper::Error>(error).is_some_and(hyper::Error::is_parse) {
            self.trouble(Reason::NotHttp, "what came back is not HTTP", doubt)
        } else {
            self.trouble(Reason::Cut, "the connection was closed before an answer came", doubt)
        };
        Failure::InDoubt(failure)
    }

    fn not_connected(&self, error: &reqwest::Error) -> Trouble {
        let host = self.api.base.host();
        if let Some(tls) = cause::<rustls::Error>(error) {
            return self.trouble(
                Reason::Tls,
                &format!("no trusted TLS connection to {host}: {tls}"),
                "look at the certificate and the address; nothing was sent",
            );
        }
        if error.is_timeout() {
            let within = crate::base::shape::Length(self.api.settings.timeouts().0.min(self.total));
            return self.trouble(
                Reason::Connect,
                &format!("no connection to {host} within {within}"),
                "look at the address, and at a firewall between here and there",
            );
        }
        if is_name_error(error) {
            return self.trouble(
                Reason::Name,
                &format!("the name {host} has no address"),
                "look at the spelling of `base` and at this machine's network",
            );
        }
        let why = cause::<io::Error>(error).map_or_else(|| "the connection failed".to_owned(), io_words);
        self.trouble(
            Reason::Connect,
            &format!("no connection to {}: {why}", self.api.base.text()),
            "look whether the API runs, and at host and port of `base`",
        )
    }

    async fn body(&self, mut response: reqwest::Response) -> Result<(HeaderMap, Vec<u8>), Failure> {
        let limit = self.api.settings.max_body.map_or(MAX_ANSWER, |size| size.0);
        let status = response.status().as_u16();
        let headers = std::mem::take(response.headers_mut());
        let mut body = Vec::new();
        loop {
            match response.chunk().await {
                Ok(None) => return Ok((headers, body)),
                Ok(Some(chunk)) if body.len() + chunk.len() <= limit => body.extend_from_slice(&chunk),
                Ok(Some(_)) => {
                    let what = format!("is larger than {}", super::settings::Size(limit));
                    return Err(self.unusable(status, Reason::TooLarge, &what));
                }
                Err(error) if error.is_timeout() => {
                    let what = format!("did not arrive in full within {}", crate::base::shape::Length(self.total));
                    return Err(self.unusable(status, Reason::Timeout, &what));
                }
                Err(error) if error.is_decode() && cause::<hyper::Error>(&error).is_none() => {
                    return Err(self.unusable(status, Reason::Garbled, "cannot be decompressed"));
                }
                Err(_) => return Err(self.unusable(status, Reason::Truncated, "ended before its end")),
            }
        }
    }
}

/// The first cause of this type.
fn cause<T: Error + 'static>(error: &reqwest::Error) -> Option<&T> {
    let mut at: Option<&(dyn Error + 'static)> = error.source();
    while let Some(here) = at {
        if let Some(found) = here.downcast_ref::<T>() {
            return Some(found);
        }
        // An `io::Error` made from another error hides that one from `source`.
        at = match here.downcast_ref::<io::Error>().and_then(|io| io.get_ref()) {
            Some(inner) => Some(inner),
            None => here.source(),
        };
    }
    None
}

fn is_name_error(error: &reqwest::Error) -> bool {
    let mut at: Option<&(dyn Error + 'static)> = error.source();
    while let Some(here) = at {
        if here.to_string().starts_with("dns error") {
            return true;
        }
        at = here.source();
    }
    false
}

/// An error of the operating system without numbers and library names.
fn io_words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "nobody listens there".into(),
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionAborted => {
            "reset by the other side".into()
        }
        io::ErrorKind::UnexpectedEof => "closed by the other side".into(),
        io::ErrorKind::TimedOut => "timed out".into(),
        io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable => "the network does not lead there".into(),
        kind => kind.to_string(),
    }
}
