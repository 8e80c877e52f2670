//! Staged columns to the bytes of request bodies. Pure: no network, no clock, the same bytes for the same rows.
//!
//! A body is rows between a prefix and a suffix. Rows are encoded once, into one buffer with their ends
//! ([`EncodedRows`]); what a request holds is then a range of rows ([`split_requests`]) and its body two copies and one
//! ([`body`]). A batch that must be halved, or sent again without some rows, is not encoded again.

mod column;
mod json;
mod request;
mod rows;

use arrow::array::RecordBatch;
use chrono::NaiveDate;
use consign_model::spec::Limits;

pub use column::{Column, Reader};
pub use json::{Key, write_text};
pub(crate) use request::{JSON, path_segment, rows_at_most};
pub use rows::{EncodedRows, body, split_requests};

/// Turns staged columns into requests of one destination and delivery.
pub trait RequestEncoder: Send + Sync {
    /// Appends each staged row's part of a body. The batch has one column for each attribute of the delivery, by name;
    /// null is a missing value.
    fn encode_rows(
        &self,
        staged: &RecordBatch,
        list: &ListTarget,
        operation: Operation,
        into: &mut EncodedRows,
    ) -> Result<(), EncodeError>;

    /// What stands around the rows of a request.
    fn envelope(&self, list: &ListTarget, operation: Operation, sequence: &Sequence) -> Result<Envelope, EncodeError>;

    /// What one request can hold, after the destination's settings.
    fn limits(&self) -> Limits;
}

/// The list that a request is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListTarget {
    /// Its id at the platform.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// What a request does with its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// They are put on the list.
    Add,
    /// They are taken off the list.
    Remove,
    /// All requests of the session together become the list.
    Replace,
}

/// Where a request stands among those of its delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sequence {
    /// Its number, from 1.
    pub number: u64,
    /// Whether it is the last.
    pub last: bool,
    /// The rows of all requests.
    pub total_rows: u64,
    /// What the platform knows the requests of one delivery by; positive.
    pub session: u64,
    /// The day of the run in the workspace's time zone.
    pub day: NaiveDate,
}

/// What stands around the rows of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The method.
    pub method: Method,
    /// The path below the destination's base URL, or the name of the file below its folder.
    pub path: String,
    /// The headers that say how the body is to be read. Those that hold a secret are the client's.
    pub headers: Vec<(&'static str, String)>,
    /// What stands before the rows.
    pub prefix: Vec<u8>,
    /// What stands between them.
    pub separator: u8,
    /// What stands after them.
    pub suffix: Vec<u8>,
}

impl Envelope {
    /// The bytes that a body has besides its rows.
    pub fn overhead(&self) -> usize {
        self.prefix.len() + self.suffix.len()
    }
}

/// How a request is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// HTTP `POST`.
    Post,
    /// HTTP `PATCH`.
    Patch,
    /// HTTP `DELETE`, with a body.
    Delete,
    /// A file, put whole in its place.
    File,
}

impl Method {
    /// As written before a path.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Post => "POST",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
            Self::File => "FILE",
        }
    }
}

/// Staged columns cannot be encoded. Each of these is a fault in a plan or in a specification, not in a row.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// The staged batch lacks a column.
    #[error("the staged batch has no column `{0}`; stage the delivery again")]
    MissingColumn(String),
    /// A column has a type that the destination does not take.
    #[error("the attribute `{attribute}` cannot be sent as {data_type}; map a column of another type")]
    UnsupportedType {
        /// The attribute.
        attribute: String,
        /// The column's type.
        data_type: String,
        /// Why not.
        #[source]
        reason: arrow::error::ArrowError,
    },
    /// A value that must leave as a hash is none. It stays here.
    #[error("a value of `{0}` that must leave as a SHA-256 is not one; nothing of it was encoded")]
    NotHashed(String),
    /// The platform has no such request.
    #[error("`{kind}` has no request of rows that does {operation:?}: {reason}")]
    NotOffered {
        /// The kind.
        kind: &'static str,
        /// What was asked for.
        operation: Operation,
        /// Why not, and what there is instead.
        reason: &'static str,
    },
}
