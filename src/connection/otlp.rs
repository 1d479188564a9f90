//! Traces to a collector: OTLP over HTTP as JSON, one request, no retry, in a short time. What becomes of it changes nothing.

use super::http::collector;
use crate::base::secret::Secret;
use std::time::Duration;

/// So long anybody waits for a collector.
pub const PATIENCE: Duration = Duration::from_secs(2);

/// Sends one document of spans. The error is a fragment for people; it names no header.
pub async fn send(endpoint: &str, headers: &[(String, Secret)], body: String) -> Result<(), String> {
    let url = url::Url::parse(endpoint).map_err(|_| "the endpoint is not a URL".to_owned())?;
    let host = url.host_str().unwrap_or_default().to_owned();
    if !matches!(url.scheme(), "http" | "https") || host.is_empty() {
        return Err("the endpoint is not an HTTP address".to_owned());
    }
    let client = collector(PATIENCE)?;
    let mut request = client.post(url).timeout(PATIENCE).header("content-type", "application/json").body(body);
    for (name, value) in headers {
        request = request.header(name, value.reveal());
    }
    match request.send().await {
        Ok(answer) if answer.status().is_success() => Ok(()),
        Ok(answer) => Err(format!("{host} answered {}", answer.status().as_u16())),
        Err(error) if error.is_timeout() => Err(format!("{host} gave no answer within {} s", PATIENCE.as_secs())),
        Err(_) => Err(format!("{host} cannot be reached")),
    }
}
