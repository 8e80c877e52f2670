//! An e-mail to people that somebody has set up for it, by their own mail server.
//!
//! What the server says is not repeated: it may hold addresses.

use std::error::Error as _;
use std::io;
use std::time::Duration;

use consign_model::definition::{Email, MailTls};
use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::transport::smtp::{AsyncSmtpTransport, Error};
use lettre::{AsyncTransport, Message, Tokio1Executor};
use secrecy::{ExposeSecret, SecretString};

use crate::client::{ClientError, ErrorClass};

/// How long the server may take to be connected to.
const CONNECTING: Duration = Duration::from_secs(5);
/// How long it may take for all of it: it may stop to answer at any time.
const PATIENCE: Duration = Duration::from_secs(20);

/// What is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// The same however often it is sent.
    pub id: String,
    /// All of it in a line.
    pub subject: String,
    /// Plain text.
    pub text: String,
}

/// Sends a letter, and waits until the server has taken it for all whom it goes to. The password is that of the login.
pub async fn send(email: &Email, password: Option<&SecretString>, letter: &Letter) -> Result<(), ClientError> {
    let message = message(email, letter)?;
    let tls = match email.tls {
        MailTls::None => Tls::None,
        MailTls::Starttls => Tls::Required(certificates(&email.host)?),
        MailTls::Implicit => Tls::Wrapper(certificates(&email.host)?),
    };
    let mut server = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&email.host)
        .port(email.port())
        .tls(tls)
        .timeout(Some(CONNECTING));
    if let Some((login, password)) = email.login.as_ref().zip(password) {
        server = server.credentials(Credentials::new(login.user.clone(), password.expose_secret().to_owned()));
    }
    match tokio::time::timeout(PATIENCE, server.build().send(message)).await {
        Ok(sent) => sent.map(drop).map_err(|error| refused(email, &error)),
        Err(_) => Err(unreachable(email, SILENT)),
    }
}

fn certificates(host: &str) -> Result<TlsParameters, ClientError> {
    TlsParameters::new(host.to_owned()).map_err(|_| {
        let remedy = "see that this machine has a store of certificates, and that `host` is a name or an IP address";
        ClientError::new(ErrorClass::Config, "the mail server's certificate cannot be checked", remedy)
    })
}

fn message(email: &Email, letter: &Letter) -> Result<Message, ClientError> {
    let wrong = |field: &str| {
        let remedy = format!("write `name@host` in `{field}`, or a name and the address in angle brackets");
        ClientError::new(ErrorClass::Config, format!("an address in `{field}` is none"), remedy)
    };
    let from: Mailbox = email.from.parse().map_err(|_| wrong("from"))?;
    let id = format!("<{}@{}>", letter.id, from.email.domain());
    let mut message = Message::builder().from(from).subject(&letter.subject).message_id(Some(id));
    for to in &email.to {
        message = message.to(to.parse().map_err(|_| wrong("to"))?);
    }
    message.header(ContentType::TEXT_PLAIN).body(letter.text.clone()).map_err(|_| wrong("from"))
}

/// Whether the server has shown itself, and not as whom it should be.
fn is_untrusted(error: &Error) -> bool {
    let mut cause = error.source();
    while let Some(error) = cause {
        if error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::InvalidData) {
            return true;
        }
        cause = error.source();
    }
    false
}

/// What a server's refusal means.
fn refused(email: &Email, error: &Error) -> ClientError {
    let host = &email.host;
    if let Some(code) = error.status() {
        let (class, remedy) = match u16::from(code) {
            530 | 534 | 535 => (ErrorClass::Auth, "check `user` and `password` of its `login`"),
            400..=499 => (ErrorClass::Unavailable, "look at the mail server's log"),
            _ => (ErrorClass::Config, "check `from` and `to`, and look at the mail server's log"),
        };
        return ClientError::new(class, format!("the mail server `{host}` answered with {code}"), remedy);
    }
    let why = if error.is_tls() || is_untrusted(error) {
        ("has no certificate that can be trusted for its name", "check `host`, and the certificate of the mail server")
    } else if error.is_client() {
        ("does not offer what the definitions ask for", "check `tls` and `login`: the mail server must know both")
    } else if error.is_timeout() {
        SILENT
    } else {
        ("cannot be reached", "see that it is running, and check `host`, `port` and `tls`")
    };
    unreachable(email, why)
}

/// What is said of a server that does not answer.
const SILENT: (&str, &str) = ("does not answer", "see that it is running, and check `host`, `port` and `tls`");

fn unreachable(email: &Email, (what, remedy): (&str, &str)) -> ClientError {
    let (host, port) = (&email.host, email.port());
    ClientError::new(ErrorClass::Unavailable, format!("the mail server `{host}:{port}` {what}"), remedy)
}
