//! The HTTP clients of one connection: no redirects, no proxies, no retries, no cookies, names looked up through the gate.

use super::{
    address::{Gate, Lookup},
    api::OpenError,
    policy::Base,
    settings::HttpSettings,
};
use std::{fmt, sync::Arc};

/// The client for reads and the one for writes.
pub(super) fn clients(
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
