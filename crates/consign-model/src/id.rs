//! Stable ids. An id is fixed when a thing is made; its name may change.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Longest slug, in bytes. Ids become parts of file names and of ids at platforms.
pub const MAX_SLUG: usize = 80;

/// A stable id: `a-z`, `0-9`, `_` and `-`, beginning with a letter or digit, at most [`MAX_SLUG`] bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(extend("pattern" = r"^[a-z0-9][a-z0-9_-]{0,79}$"))]
pub struct Slug(String);

/// A text that is not a [`Slug`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not an id: use a-z, 0-9, `_` and `-`, beginning with a letter or digit, at most {MAX_SLUG} characters"
)]
pub struct InvalidSlug(String);

impl Slug {
    /// The slug of a name: lower case, every run of other characters becomes one `_`. `None` where nothing is left.
    pub fn from_name(name: &str) -> Option<Self> {
        let mut slug = String::new();
        for c in name.chars().flat_map(char::to_lowercase) {
            if c.is_ascii_alphanumeric() {
                slug.push(c);
            } else if !slug.is_empty() && !slug.ends_with('_') {
                slug.push('_');
            }
        }
        slug.truncate(MAX_SLUG);
        let trimmed = slug.trim_end_matches('_');
        (!trimmed.is_empty()).then(|| Self(trimmed.to_owned()))
    }

    /// The text of the id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Slug {
    type Err = InvalidSlug;

    fn from_str(text: &str) -> Result<Self, InvalidSlug> {
        let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let ok =
            text.len() <= MAX_SLUG && text.starts_with(legal) && text.chars().all(|c| legal(c) || c == '_' || c == '-');
        if ok { Ok(Self(text.to_owned())) } else { Err(InvalidSlug(text.to_owned())) }
    }
}

impl TryFrom<String> for Slug {
    type Error = InvalidSlug;

    fn try_from(text: String) -> Result<Self, InvalidSlug> {
        text.parse()
    }
}

impl From<Slug> for String {
    fn from(slug: Slug) -> Self {
        slug.0
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_becomes_a_slug() {
        let slug = |name| Slug::from_name(name).map(String::from);
        assert_eq!(slug("High value, early churn!").as_deref(), Some("high_value_early_churn"));
        assert_eq!(slug("  Active  A ").as_deref(), Some("active_a"));
        assert_eq!(slug("été"), Some("t".into()));
        assert_eq!(slug("!!!"), None);
    }
}
