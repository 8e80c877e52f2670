//! Sources: where tables are, what their columns are, and how their rows become Parquet or stay it.

pub(crate) mod copy;
pub(crate) mod csv;
pub(crate) mod infer;
pub(crate) mod json;
pub(crate) mod location;
pub(crate) mod parquet;
pub(crate) mod postgres;
pub(crate) mod stream;
pub(crate) mod text;
pub(crate) mod types;

/// Why a table cannot be read, and what to do about it; each one sentence without a full stop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trouble {
    pub reason: String,
    pub remedy: String,
}

impl Trouble {
    pub fn new(reason: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { reason: reason.into(), remedy: remedy.into() }
    }

    /// As the error of a table.
    pub fn of(self, table: &str) -> crate::EngineError {
        crate::EngineError::Table { table: table.to_owned(), reason: self.reason, remedy: self.remedy }
    }
}
