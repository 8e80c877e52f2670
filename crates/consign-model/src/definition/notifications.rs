//! Who is told how runs end.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::SecretRef;
use crate::id::Slug;

/// Somebody who is told when something became of a campaign.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Notification {
    /// By a request to an address.
    Webhook(WebhookNotification),
    /// By e-mail.
    Email(EmailNotification),
}

/// Somebody who is told by a webhook.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookNotification {
    /// Stable id.
    pub id: Slug,
    /// What is told; without it `failed`, `partial` and `late`.
    #[serde(default = "troubles")]
    pub on: Vec<Occasion>,
    /// Where it is told, or write `email` in its place.
    pub webhook: Webhook,
}

/// Somebody who is told by e-mail.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EmailNotification {
    /// Stable id.
    pub id: Slug,
    /// What is told; without it `failed`, `partial` and `late`.
    #[serde(default = "troubles")]
    pub on: Vec<Occasion>,
    /// To whom it is told, and by which server.
    pub email: Email,
}

impl Notification {
    /// Its stable id.
    pub fn id(&self) -> &Slug {
        match self {
            Self::Webhook(one) => &one.id,
            Self::Email(one) => &one.id,
        }
    }

    /// What is told.
    pub fn on(&self) -> &[Occasion] {
        match self {
            Self::Webhook(one) => &one.on,
            Self::Email(one) => &one.on,
        }
    }

    /// The secret that telling needs.
    pub fn secret(&self) -> Option<&SecretRef> {
        match self {
            Self::Webhook(one) => Some(&one.webhook.secret),
            Self::Email(one) => one.email.login.as_ref().map(|login| &login.password),
        }
    }
}

/// What somebody may be told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Occasion {
    /// A run failed, or could not begin at its time.
    Failed,
    /// Some deliveries of a run did not arrive, or not whole.
    Partial,
    /// A scheduled time was run late, missed or skipped.
    Late,
    /// A run succeeded.
    Succeeded,
}

/// An address that takes notifications as JSON, signed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// The address. HTTPS, unless the receiver is within a network of your own.
    pub url: String,
    /// The secret that signs what is sent, known to the receiver too.
    pub secret: SecretRef,
}

/// A mail server that takes e-mails, and to whom they go.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Email {
    /// The mail server's name.
    pub host: String,
    /// Its port; without it 587 for `starttls`, 465 for `implicit`, 25 for `none`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// How the connection is encrypted.
    #[serde(default)]
    pub tls: MailTls,
    /// Who logs in at the server, where it asks for that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub login: Option<MailLogin>,
    /// Whom e-mails are from: an address, or a name with the address in angle brackets.
    pub from: String,
    /// Whom they go to, written likewise.
    pub to: Vec<String>,
}

/// How the connection to a mail server is encrypted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MailTls {
    /// It begins plain and must be encrypted before anything is said (STARTTLS).
    #[default]
    Starttls,
    /// From its first byte on.
    Implicit,
    /// Not at all: for a mail server on this machine only.
    None,
}

/// Who logs in at a mail server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MailLogin {
    /// The user's name.
    pub user: String,
    /// The password, by reference.
    pub password: SecretRef,
}

impl Email {
    /// The port that is meant.
    pub fn port(&self) -> u16 {
        let usual = match self.tls {
            MailTls::Starttls => 587,
            MailTls::Implicit => 465,
            MailTls::None => 25,
        };
        self.port.unwrap_or(usual)
    }
}

impl Occasion {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Partial => "partial",
            Self::Late => "late",
            Self::Succeeded => "succeeded",
        }
    }
}

fn troubles() -> Vec<Occasion> {
    vec![Occasion::Failed, Occasion::Partial, Occasion::Late]
}
