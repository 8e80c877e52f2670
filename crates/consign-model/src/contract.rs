//! Staging contracts: what an application that reads staged files demands of them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::definition::FileOptions;
use crate::id::Slug;

/// What an application that reads staged files demands. A file destination that names one is checked by it exactly as
/// a marketing platform is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Contract {
    /// Stable id.
    pub id: Slug,
    /// Name as shown.
    pub name: String,
    /// What it is for, for people.
    #[serde(default)]
    pub description: String,
    /// The columns, in the file's order.
    pub columns: Vec<ContractColumn>,
    /// Whether other columns may follow these.
    #[serde(default)]
    pub other_columns: bool,
    /// Exactly one of these columns must be mapped, where there are any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exactly_one_of: Vec<String>,
    /// A row must hold all columns of at least one of these sets; any row will do without them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub row: Vec<Vec<String>>,
    /// Rows with the same values of these columns are duplicates; the first is kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unique_by: Vec<String>,
    /// The file options that the application reads; a campaign's own must equal them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<FileOptions>,
}

/// A column of a contract.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ContractColumn {
    /// The header.
    pub name: String,
    /// Whether it must be mapped.
    #[serde(default)]
    pub required: bool,
    /// What its values must be.
    #[serde(default)]
    pub format: ContractFormat,
    /// Whether values leave as their SHA-256.
    #[serde(default)]
    pub sha256: bool,
    /// The meaning of the customer table's column that it takes by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub semantic: Option<String>,
}

/// What the values of a contract's column must be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ContractFormat {
    /// Trimmed text.
    #[default]
    Text,
    /// As the column has it.
    Any,
    /// An e-mail address, lower case.
    Email,
    /// A phone number, E.164 with `+`.
    Phone,
    /// A phone number, digits only.
    PhoneDigits,
    /// A country, ISO 3166 alpha-2, lower case.
    Country,
    /// A date, `YYYY-MM-DD`.
    Date,
}
