//! The HTTP clients of one connection: no redirects, no proxies, no retries, no cookies, names looked up through the gate.

use super::{
    address::{Gate, Lookup},
    api::OpenError,
    policy::Base,
    settings::HttpSettings,
};
use std::{fmt, sync::Arc, time::Duration};

/// A connection that rested longer is not used again: servers close theirs after some seconds.
const REST: Duration = Duration::from_secs(1);

/// The client for calls that may use a connection of an earlier one, and the one for calls that must not.
pub(super) fn clients(
    base: &Base,
    settings: &HttpSettings,
    lookup: Lookup,
) -> Result<(reqwest::Client, reqwest::Client), OpenError> {
    let maker = Maker::new(base, settings, lookup)?;
    Ok((maker.make(64)?, maker.make(0)?))
}

/// A client for single requests to one address: that of a token endpoint.
pub(super) fn one(base: &Base, settings: &HttpSettings, lookup: Lookup) -> Result<reqwest::Client, OpenError> {
    Maker::new(base, settings, lookup)?.make(0)
}

/// A client for a collector of traces, whose address is given by the one who runs the command.
pub(in crate::connection) fn collector(connect: Duration) -> Result<reqwest::Client, String> {
    let built = reqwest::Client::builder()
        .tls_backend_preconfigured(tls().map_err(|e| e.to_string())?)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .referer(false)
        .retry(reqwest::retry::never())
        .connect_timeout(connect)
        .pool_max_idle_per_host(0)
        .build();
    built.map_err(|e| e.without_url().to_string())
}

struct Maker {
    tls: rustls::ClientConfig,
    gate: Arc<Gate>,
    connect: Duration,
}

impl Maker {
    fn new(base: &Base, settings: &HttpSettings, lookup: Lookup) -> Result<Maker, OpenError> {
        let gate = Arc::new(Gate { host: base.host().to_owned(), rule: base.rule, lookup });
        Ok(Maker { tls: tls().map_err(|e| failed(&e))?, gate, connect: settings.timeouts().0 })
    }

    fn make(&self, idle: usize) -> Result<reqwest::Client, OpenError> {
        reqwest::Client::builder()
            .tls_backend_preconfigured(self.tls.clone())
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .retry(reqwest::retry::never())
            .dns_resolver(self.gate.clone())
            .connect_timeout(self.connect)
            .pool_max_idle_per_host(idle)
            .pool_idle_timeout(REST)
            .build()
            .map_err(|e| failed(&e.without_url()))
    }
}

fn failed(error: &dyn fmt::Display) -> OpenError {
    OpenError::Client(error.to_string())
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
