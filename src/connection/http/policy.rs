//! What may leave: the one base address, the allowed methods and paths, the form of headers. Decided before any byte is sent.
//!
//! Pure: text in, a URL or a refusal out. Addresses are judged in `address`, when the name is looked up.

use super::{
    address::{AddressRefused, Rule},
    request::{Method, Query, Request, query_text, scalar_text},
    settings::{Allow, HttpSettings},
};
use crate::base::{
    url_path,
    value::{Marks, Value},
};
use reqwest::header::{HeaderName, HeaderValue};
use std::{net::IpAddr, sync::Arc};
use url::{Host, Url};

/// A call that the connection's rules forbid. Holds no personal value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// What is wrong: "the path holds `..`".
    pub what: String,
    /// What to do.
    pub help: &'static str,
}

fn refused<T>(what: impl Into<String>, help: &'static str) -> Result<T, Refused> {
    Err(Refused { what: what.into(), help })
}

impl From<AddressRefused> for Refused {
    fn from(address: AddressRefused) -> Refused {
        Refused { what: address.to_string(), help: address.help }
    }
}

/// The address that all calls of a connection go to: scheme, host, port and path prefix.
#[derive(Clone, Debug)]
pub struct Base {
    /// Without a trailing `/`, query or fragment.
    url: Url,
    /// Which addresses its host may have.
    pub rule: Rule,
    /// The URL is complete and secret as it is (a webhook): no path, no query is added to it.
    whole: bool,
}

/// A URL with scheme http or https, host and no user; nothing in it that a URL parser would have to forgive.
fn parsed(text: &str) -> Result<Url, Refused> {
    if text.chars().any(|c| c.is_whitespace() || c.is_control() || c == '\\') {
        return refused("the base holds a space, a control character or a backslash", BASE_HELP);
    }
    let Ok(url) = Url::parse(text) else { return refused("the base is not a URL", BASE_HELP) };
    if !matches!(url.scheme(), "http" | "https")
        || !text.to_ascii_lowercase().starts_with(&format!("{}://", url.scheme()))
    {
        return refused("the base is neither http:// nor https://", BASE_HELP);
    }
    if !url.username().is_empty() || url.password().is_some() || text.contains('@') {
        return refused("the base holds a user or password", "put them under `auth: { basic: { user, password } }`");
    }
    Ok(url)
}

/// Judges a host that is an address; a name is judged when it is looked up.
fn judge_host(url: &Url, rule: Rule) -> Result<(), Refused> {
    match url.host() {
        Some(Host::Domain(name)) if rule.loopback_only && name.trim_end_matches('.') != "localhost" => refused(
            "the base is http, which anybody on the way can read and change",
            "use https, or say `insecure_http: true`",
        ),
        Some(Host::Domain(_)) => Ok(()),
        Some(Host::Ipv4(ip)) => Ok(rule.check(&ip.to_string(), IpAddr::V4(ip))?),
        Some(Host::Ipv6(ip)) => Ok(rule.check(&ip.to_string(), IpAddr::V6(ip))?),
        None => refused("the base has no host", BASE_HELP),
    }
}

const BASE_HELP: &str = "write `base: https://host` or `base: https://host:port/path`";

impl Base {
    /// Reads `base:` under the connection's settings.
    pub fn parse(text: &str, internal: bool, insecure_http: bool) -> Result<Base, Refused> {
        let mut url = parsed(text)?;
        if url.query().is_some() || url.fragment().is_some() {
            return refused("the base holds a query or fragment", BASE_HELP);
        }
        let plain_path = text.splitn(4, '/').nth(3).unwrap_or("");
        if format!("/{plain_path}") != url.path() || plain_path.contains("//") {
            return refused(
                "the path of the base is not in its plain form",
                "leave `..`, `//` and special characters out of it",
            );
        }
        let rule = Rule { internal, loopback_only: url.scheme() == "http" && !insecure_http };
        judge_host(&url, rule)?;
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&path);
        Ok(Base { url, rule, whole: false })
    }

    /// Reads a complete URL, such as that of a webhook. It may lead inside our own network, without TLS only to this machine.
    pub fn whole(text: &str) -> Result<Base, Refused> {
        Base::complete(text, true, false)
    }

    /// Reads a complete URL under a connection's settings: that of a token endpoint.
    pub fn complete(text: &str, internal: bool, insecure_http: bool) -> Result<Base, Refused> {
        let url = parsed(text)?;
        let rule = Rule { internal, loopback_only: url.scheme() == "http" && !insecure_http };
        judge_host(&url, rule)?;
        Ok(Base { url, rule, whole: true })
    }

    /// The URL itself: of a complete one all that is ever called.
    pub fn as_url(&self) -> &Url {
        &self.url
    }

    /// As people may see it: `https://host:port/prefix`, of a complete URL only the host.
    pub fn shown(&self) -> String {
        if self.whole {
            format!("{}/(secret)", self.url.origin().ascii_serialization())
        } else {
            self.text().to_owned()
        }
    }

    /// `https://host:port/prefix`, without a trailing slash.
    pub fn text(&self) -> &str {
        self.url.as_str().trim_end_matches('/')
    }

    /// The host as it is looked up and certified.
    pub fn host(&self) -> &str {
        self.url.host_str().unwrap_or("")
    }

    /// Path below the base and parameters of an address that an answer gave. It must have this very origin and prefix.
    pub fn follow(&self, path: &str, address: &str) -> Result<(String, Query), String> {
        let shown: String = address.chars().filter(|c| c.is_ascii_graphic()).take(200).collect();
        let shown = shown.split(['?', '#']).next().unwrap_or("").to_owned();
        let elsewhere = || format!("leads to {shown}, which is not below {}", self.shown());
        if address.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\') || self.whole {
            return Err("is not an address".into());
        }
        let current = Url::parse(&format!("{}{path}", self.text())).map_err(|_| "is not an address".to_owned())?;
        let url = current.join(address).map_err(|_| "is not an address".to_owned())?;
        if url.origin() != self.url.origin() || !url.username().is_empty() || url.password().is_some() {
            return Err(elsewhere());
        }
        let prefix = self.url.path().trim_end_matches('/');
        let below = url.path().strip_prefix(prefix).filter(|rest| rest.starts_with('/')).ok_or_else(elsewhere)?;
        check_path(below).map_err(|why| format!("is refused: {}", why.what))?;
        let query = url.query_pairs().map(|(name, value)| (Arc::from(&*name), Value::text(&*value))).collect();
        Ok((below.to_owned(), query))
    }

    /// The URL of a request, after all rules about method, path and query.
    pub fn url(&self, request: &Request, allow: Option<&Allow>) -> Result<Url, Refused> {
        if self.whole {
            let bare = request.path.as_str() == Some("") && request.query.is_empty();
            return if bare {
                Ok(self.url.clone())
            } else {
                refused("a complete URL takes no path and no query", PATH_HELP)
            };
        }
        let Some(path) = request.path.as_str() else { return refused("the path is not a text", "write `get: /path`") };
        allowed(request.method, path, allow)?;
        if request.path.marks.has(Marks::SECRET) {
            return refused("a secret stands in the path", SECRET_HELP);
        }
        for (name, value) in &request.query {
            check_query(name, value)?;
        }
        let expected = format!(
            "{}{path}{}",
            self.text(),
            query_text(&request.query, &|v| url_path::encoded(&v.bare()).into_owned())
        );
        let Ok(url) = Url::parse(&expected) else { return refused("path and query do not make a URL", PATH_HELP) };
        // The second lock: whatever the URL parser made of it, it must be this base and these very characters.
        if url.as_str() != expected || url.origin() != self.url.origin() {
            return refused("the path would change the address", PATH_HELP);
        }
        Ok(url)
    }
}

const PATH_HELP: &str = "write the path as `/segment/{{ value }}`, parameters under `query:`";
const SECRET_HELP: &str = "secrets go into the connection's `auth`, or into the body";

fn allowed(method: Method, path: &str, allow: Option<&Allow>) -> Result<(), Refused> {
    check_path(path)?;
    let Some(allow) = allow else { return Ok(()) };
    if !allow.methods.is_empty() && !allow.methods.contains(&method) {
        return refused(
            format!("this connection does not allow {}", method.word()),
            "add it to `allow: { methods: … }` if the playbook shall do this",
        );
    }
    if !allow.paths.is_empty() && !allow.paths.iter().any(|pattern| pattern.matches(path).is_some()) {
        return refused(
            "this connection does not allow this path",
            "add a pattern to `allow: { paths: … }` if the playbook shall go there",
        );
    }
    Ok(())
}

fn check_path(path: &str) -> Result<(), Refused> {
    if !path.starts_with('/') {
        return refused("the path does not begin with `/`", PATH_HELP);
    }
    if path.contains("//") {
        return refused("the path holds an empty segment (`//`)", "a value in it is empty, or a `/` is one too many");
    }
    if let Some(c) = path.chars().find(|c| !c.is_ascii_graphic() || "\\@?#\"<>^`{|}".contains(*c)) {
        return refused(format!("the path holds the character {c:?}"), PATH_HELP);
    }
    for segment in path.split('/') {
        let bytes = percent_encoding::percent_decode_str(segment).collect::<Vec<u8>>();
        if bytes == b"." || bytes == b".." {
            return refused("the path holds `.` or `..`", PATH_HELP);
        }
        if bytes.iter().any(|b| matches!(b, b'/' | b'\\') || b.is_ascii_control()) {
            return refused(
                "a segment of the path holds an encoded `/`, `\\` or control character",
                "such a value cannot be addressed safely",
            );
        }
        let stray = segment
            .match_indices('%')
            .any(|(at, _)| !segment.get(at + 1..at + 3).is_some_and(|h| h.bytes().all(|b| b.is_ascii_hexdigit())));
        if stray {
            return refused("the path holds a `%` that encodes nothing", PATH_HELP);
        }
    }
    Ok(())
}

fn check_query(name: &str, value: &Value) -> Result<(), Refused> {
    if value.all_marks().has(Marks::SECRET) {
        return refused(format!("a secret stands in the query parameter `{name}`"), SECRET_HELP);
    }
    let fits = |v: &Value| v.is_null() || scalar_text(v).is_some();
    if value.as_list().map_or(fits(value), |list| list.iter().all(fits)) {
        Ok(())
    } else {
        refused(
            format!("the query parameter `{name}` is {}", value.kind()),
            "a parameter is one value or a list of them",
        )
    }
}

/// Headers that HTTP itself or the connection sets.
const RESERVED: &[&str] = &[
    "authorization",
    "connection",
    "content-encoding",
    "content-length",
    "cookie",
    "expect",
    "host",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
];

/// A header name from a file.
pub(super) fn header_name(name: &str) -> Result<HeaderName, Refused> {
    HeaderName::from_bytes(name.as_bytes())
        .map_err(|_| Refused { what: format!("{name:?} is not the name of a header"), help: "letters, digits and `-`" })
}

/// A header value; control characters (line breaks above all) are refused, the value is not repeated.
pub(super) fn header_value(name: &str, value: &str) -> Result<HeaderValue, Refused> {
    let clean = value.bytes().all(|b| (b' '..=b'~').contains(&b)) && value.trim() == value;
    let made = if clean { HeaderValue::from_str(value).ok() } else { None };
    made.ok_or_else(|| Refused {
        what: format!(
            "the value of the header `{name}` holds a control or non-ASCII character, or begins or ends with a space"
        ),
        help: "a header is one line of printable ASCII",
    })
}

/// A header that the project file or a playbook may set; `own` are the names that this connection sets itself.
pub(super) fn free_header(name: &str, value: &str, own: &[&HeaderName]) -> Result<(HeaderName, HeaderValue), Refused> {
    let header = header_name(name)?;
    let lower = header.as_str();
    if RESERVED.contains(&lower) || lower.starts_with("proxy-") || own.contains(&&header) {
        return refused(
            format!("the header `{lower}` is set by the connection"),
            "leave it away; who we are stands under `auth`",
        );
    }
    let value = header_value(lower, value)?;
    Ok((header, value))
}

/// The headers of a request that a playbook gave.
pub(super) fn request_headers(
    request: &Request,
    own: &[&HeaderName],
) -> Result<Vec<(HeaderName, HeaderValue)>, Refused> {
    let given = request.headers.iter().filter(|(_, value)| !value.is_null());
    given
        .map(|(name, value)| {
            if value.all_marks().has(Marks::SECRET) {
                return refused(format!("a secret stands in the header `{name}`"), SECRET_HELP);
            }
            let Some(text) = scalar_text(value) else {
                return refused(format!("the header `{name}` is {}", value.kind()), "a header is one text");
            };
            free_header(name, &text, own)
        })
        .collect()
}

/// The idempotency key's header, when the request carries a key.
pub(super) fn idempotency(
    request: &Request,
    settings: &HttpSettings,
) -> Result<Option<(HeaderName, HeaderValue)>, Refused> {
    match (&request.idempotency_key, &settings.idempotency_key) {
        (None, _) => Ok(None),
        (Some(_), None) => refused(
            "the connection declares no `idempotency_key` header",
            "declare it only if the API promises to honour it",
        ),
        (Some(key), Some(header)) => Ok(Some((header_name(header.as_str())?, header_value(header.as_str(), key)?))),
    }
}
