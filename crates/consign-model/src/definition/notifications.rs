//! Who is told how runs end.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::SecretRef;
use crate::id::Slug;

/// Somebody who is told when something became of a campaign.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Notification {
    /// Stable id.
    pub id: Slug,
    /// What is told; without it `failed`, `partial` and `late`.
    #[serde(default = "troubles")]
    pub on: Vec<Occasion>,
    /// Where it is told.
    pub webhook: Webhook,
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
