//! Alarms by mail: one plain text for all addresses, by SMTP with TLS.

use std::time::Duration;

use lettre::message::header::ContentType;
use lettre::message::{Message as Letter, MessageBuilder};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::{SmtpTransport, Transport as _};
use vault::Severity;

use super::queue::Bundle;
use super::settings::{Mail, Security};
use super::{Sender, roots, secret};

/// How long one step of the exchange may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// Characters of a subject.
const SUBJECT_MAX: usize = 120;

/// Sends a bundle to everybody on the list.
///
/// # Errors
/// What the mail server said, or why it was not reached; nothing of it is sent then, or all of it may have been.
pub(super) fn send(mail: &Mail, sender: &Sender, bundle: &Bundle) -> Result<(), String> {
    let letter = letter(mail, sender, bundle)?;
    let tls = match mail.security {
        Security::None => Tls::None,
        Security::StartTls => Tls::Required(tls(mail)?),
        Security::Tls => Tls::Wrapper(tls(mail)?),
    };
    let mut transport = SmtpTransport::builder_dangerous(mail.server.as_str())
        .port(mail.port)
        .tls(tls)
        .timeout(Some(PATIENCE));
    if let Some((user, file)) = &mail.account {
        let password = secret(file)?;
        transport = transport.credentials(Credentials::new(user.clone(), password.to_string()));
    }
    transport.build().send(&letter).map(drop).map_err(|e| in_full(&e))
}

fn letter(mail: &Mail, sender: &Sender, bundle: &Bundle) -> Result<Letter, String> {
    let first = MessageBuilder::new().from(mail.from.clone()).subject(subject(sender, bundle));
    let to_all = mail.to.iter().fold(first, |letter, to| letter.to(to.clone()));
    // So that no robot answers.
    let letter = to_all.header(ContentType::TEXT_PLAIN);
    letter.body(sender.text(bundle)).map_err(|e| format!("the mail cannot be written: {e}"))
}

fn subject(sender: &Sender, bundle: &Bundle) -> String {
    let worst = bundle.worst();
    let urgent = if worst == Severity::Urgent { "URGENT: " } else { "" };
    let first = bundle.messages.iter().find(|message| message.severity == worst);
    let text = first.map(|message| format!("{}: {}", message.word.text(), message.text)).unwrap_or_default();
    let more = match bundle.messages.len() {
        0 | 1 => String::new(),
        n => format!(" (and {} more)", n.saturating_sub(1)),
    };
    let room = SUBJECT_MAX.saturating_sub(more.len());
    let head: String = format!("[AMETHYST {}] {urgent}{text}", sender.site).chars().take(room).collect();
    // A line end in a subject would begin another header.
    format!("{head}{more}").replace(['\r', '\n'], " ")
}

fn tls(mail: &Mail) -> Result<TlsParameters, String> {
    // The system's certificates, unless others are named.
    let mut parameters = TlsParameters::builder(mail.server.clone());
    if let Some(file) = &mail.ca {
        parameters = parameters.certificate_store(CertificateStore::None);
        let certificates = Certificate::from_pem(&roots(Some(file))?).map_err(|e| in_full(&e))?;
        parameters = parameters.add_root_certificate(certificates);
    }
    parameters.build().map_err(|e| in_full(&e))
}

fn in_full(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(deeper) = cause {
        text = format!("{text}: {deeper}");
        cause = deeper.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use shared::UtcMicros;

    use super::super::queue::{Message, Word};
    use super::*;

    #[test]
    fn a_subject_says_the_worst_first_and_cannot_begin_a_header() {
        let message = |severity, text: &str| Message {
            at: UtcMicros(0),
            word: Word::Happened,
            severity,
            key: String::new(),
            text: text.to_owned(),
        };
        let sender = Sender::for_tests("Town hall");
        let messages = vec![message(Severity::Told, "quiet"), message(Severity::Urgent, "disk\r\nBcc: x@y")];
        let bundle = Bundle { messages, dropped: 0 };
        assert_eq!(
            subject(&sender, &bundle),
            "[AMETHYST Town hall] URGENT: alarm: disk  Bcc: x@y (and 1 more)"
        );
    }
}
