//! The five platforms, and the part of the port that each answers on.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::SandboxError;

/// A platform whose side of the protocol the sandbox plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Platform {
    /// Klaviyo, below `/klaviyo`.
    Klaviyo,
    /// Attentive, below `/attentive`.
    Attentive,
    /// Criteo, below `/criteo`.
    Criteo,
    /// `TikTok` Ads, below `/tiktok`.
    Tiktok,
    /// Meta Ads, below `/meta`.
    Meta,
}

impl Platform {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 5] = [Self::Klaviyo, Self::Attentive, Self::Criteo, Self::Tiktok, Self::Meta];

    /// The first part of the path of every call to this platform.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Klaviyo => "klaviyo",
            Self::Attentive => "attentive",
            Self::Criteo => "criteo",
            Self::Tiktok => "tiktok",
            Self::Meta => "meta",
        }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.prefix())
    }
}

impl FromStr for Platform {
    type Err = SandboxError;

    fn from_str(text: &str) -> Result<Self, SandboxError> {
        Self::ALL
            .into_iter()
            .find(|platform| platform.prefix() == text)
            .ok_or_else(|| SandboxError::Fault { text: text.to_owned(), reason: "no such platform".to_owned() })
    }
}
