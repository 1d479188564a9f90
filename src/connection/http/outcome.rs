//! What became of one call, in words: from the client's errors and the bytes that came back to a [`Failure`].

use super::{
    Api, Request, Standing,
    address::AddressRefused,
    failure::{Failure, Reason, Trouble},
};
use reqwest::header::{HeaderMap, HeaderValue};
use std::{error::Error, io, time::Duration};

/// Larger answers are refused unless the connection says otherwise.
const MAX_ANSWER: usize = 1024 * 1024;

/// One call on its way, for the sentences about what became of it.
pub(super) struct Call<'a> {
    pub api: &'a Api,
    pub request: &'a Request,
    pub total: Duration,
}

/// Characters of the address that an API redirects to.
const LONGEST_TARGET: usize = 200;

const LATER: &str = "try again later, and ask the API's people if it stays so";

impl Call<'_> {
    fn trouble(&self, reason: Reason, what: &str, help: &str) -> Trouble {
        Trouble {
            reason,
            what: format!("call `{}` ({}): {what}", self.api.name(), self.api.view(self.request)),
            help: help.to_owned(),
        }
    }

    pub fn unusable(&self, status: u16, reason: Reason, what: &str) -> Failure {
        let help = match reason {
            Reason::TooLarge => "ask for less at once, or raise `max_body` of the connection",
            Reason::Timeout => "raise `timeout: { total: … }` of the connection if the API is this slow",
            _ => "ask the API's people; the status alone proves nothing here",
        };
        Failure::Unusable { status, trouble: self.trouble(reason, &format!("the answer ({status}) {what}"), help) }
    }

    pub fn redirected(&self, status: u16, location: Option<&HeaderValue>) -> Failure {
        // Query and fragment of the target may hold anything; where it points is enough to act on.
        let target = location.and_then(|l| l.to_str().ok()).map(|l| {
            l.split(['?', '#']).next().unwrap_or(l).chars().filter(|c| c.is_ascii_graphic()).collect::<String>()
        });
        // Of a path that is so long nobody needs a part, which might be the part of a secret.
        let target = target.map(|t| match t.char_indices().filter(|(_, c)| *c == '/').nth(2) {
            Some((host, _)) if t.len() > LONGEST_TARGET => format!("{}/…", &t[..host]),
            _ if t.len() > LONGEST_TARGET => "a very long address".into(),
            _ => t,
        });
        let to = target.map_or_else(
            || "elsewhere".to_owned(),
            |t| t.rsplit_once('@').map_or(t.clone(), |(_, rest)| rest.to_owned()),
        );
        let doubtful = !self.request.method.is_read() && Standing::of(status) == Standing::InDoubt;
        let help = match doubtful {
            true => {
                "if this is how the API says that it is done, write `accept: [{ status: STATUS, because: … }]`; whether it was done is not known"
            }
            false => "if the API has moved, change `base` in the project file",
        };
        let what = format!("the API redirects ({status}) to {to}: not followed");
        let trouble = self.trouble(Reason::Redirect, &what, &help.replace("STATUS", &status.to_string()));
        Failure::Unusable { status, trouble }
    }

    /// A call that ended before a status came.
    pub fn no_status(&self, error: &reqwest::Error) -> Failure {
        if let Some(refused) = cause::<AddressRefused>(error) {
            return Failure::NotSent(self.trouble(Reason::Forbidden, &refused.to_string(), refused.help));
        }
        if error.is_connect() {
            return Failure::NotSent(self.not_connected(error));
        }
        // A read may simply be tried again; of a write nobody knows whether it was done.
        let advice = |of_read| if self.request.method.is_read() { of_read } else { "whether it was done is not known" };
        let failure = if error.is_timeout() {
            self.trouble(
                Reason::Timeout,
                &format!("no answer within {}", crate::base::shape::Length(self.total)),
                advice("raise `timeout: { total: … }` of the connection if the API is this slow, or try again later"),
            )
        } else if let Some(io) = cause::<io::Error>(error) {
            self.trouble(
                Reason::Cut,
                &format!("the connection was cut before an answer came ({})", io_words(io)),
                advice(LATER),
            )
        } else if cause::<hyper::Error>(error).is_some_and(hyper::Error::is_parse_too_large) {
            self.trouble(
                Reason::NotHttp,
                "the answer has more headers, or longer ones, than are read (100, 400 kB)",
                advice("look at what stands in front of the API"),
            )
        } else if cause::<hyper::Error>(error).is_some_and(hyper::Error::is_parse) {
            self.trouble(
                Reason::NotHttp,
                "what came back is not HTTP",
                advice("check that `base` of the connection is the API's address"),
            )
        } else {
            self.trouble(Reason::Cut, "the connection was closed before an answer came", advice(LATER))
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
            let within = crate::base::shape::Length(self.api.settings().timeouts().0.min(self.total));
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
            &format!("no connection to {}: {why}", self.api.base.shown()),
            "look whether the API runs, and at host and port of `base`",
        )
    }

    /// The whole body, decompressed, within the limit.
    pub async fn body(
        &self,
        mut response: reqwest::Response,
        own: Option<usize>,
    ) -> Result<(HeaderMap, Vec<u8>), Failure> {
        let limit = own.or(self.api.settings().max_body.map(|size| size.0)).unwrap_or(MAX_ANSWER);
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
pub(super) fn cause<T: Error + 'static>(error: &reqwest::Error) -> Option<&T> {
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
