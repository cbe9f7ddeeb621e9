//! Alarms by HTTP: a POST with JSON to whoever passes them on (a pager, a chat, an incident system).

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, TlsProvider, parse_pem};
use ureq::{Agent, http};

use super::queue::Bundle;
use super::settings::Webhook;
use super::{Sender, roots, secret};

/// How long the exchange may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Posts a bundle. Only an answer of the kind 2xx means that it arrived.
///
/// # Errors
/// What was answered, or why nobody was reached.
pub(super) fn send(hook: &Webhook, sender: &Sender, bundle: &Bundle) -> Result<(), String> {
    let mut request = http::Request::post(&hook.url).header("content-type", "application/json");
    if let Some(file) = &hook.token {
        let token = secret(file)?;
        request = request.header("authorization", format!("Bearer {}", token.as_str()));
    }
    let body = document(sender, bundle).to_string();
    let request = request.body(body).map_err(|e| format!("the request cannot be written: {e}"))?;
    // The address itself may be a secret: it stands in no message.
    let answer = agent(hook)?.run(request).map_err(|e| {
        if matches!(e, ureq::Error::BadUri(_)) { "its url is none".to_owned() } else { e.to_string() }
    })?;
    let status = answer.status();
    if status.is_success() {
        return Ok(());
    }
    Err(format!("it answered {status}; only 2xx means that an alarm arrived"))
}

fn document(sender: &Sender, bundle: &Bundle) -> Value {
    let messages: Vec<Value> = bundle
        .messages
        .iter()
        .map(|message| {
            json!({
                "at": message.at.to_string(),
                "what": message.word.text(),
                "severity": message.severity.word(),
                "key": message.key,
                "text": message.text,
            })
        })
        .collect();
    json!({
        "from": "amethyst",
        "site": sender.site,
        "site_id": sender.site_id,
        "host": sender.host,
        "messages": messages,
        "dropped": bundle.dropped,
    })
}

fn agent(hook: &Webhook) -> Result<Agent, String> {
    let config = Agent::config_builder()
        .http_status_as_error(false)
        // An alarm goes where it was told to go.
        .max_redirects(0)
        .user_agent(concat!("amethyst/", env!("CARGO_PKG_VERSION")))
        .timeout_global(Some(PATIENCE));
    if !hook.url.starts_with("https://") {
        return Ok(config.build().new_agent());
    }
    let mut trusted: Vec<Certificate<'static>> = Vec::new();
    for item in parse_pem(&roots(hook.ca.as_deref())?) {
        if let PemItem::Certificate(certificate) =
            item.map_err(|e| format!("the certificates to trust cannot be read: {e}"))?
        {
            trusted.push(certificate);
        }
    }
    let tls = TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .root_certs(RootCerts::from(trusted.into_iter()))
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .build();
    Ok(config.tls_config(tls).build().new_agent())
}
