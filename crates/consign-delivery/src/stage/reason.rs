//! Why rows are not staged, and what is counted of them.

use std::collections::BTreeMap;
use std::fmt;

use consign_model::word;
use serde::{Deserialize, Serialize};

/// Why a row is not staged, in the order in which it is looked for: a row has the first that holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The customer was forgotten after the snapshot was written.
    Forgotten,
    /// The destination's consent rule does not hold for the customer.
    NoConsent,
    /// An identifier of the row is one of a customer who is always excluded or lacks consent.
    Suppressed,
    /// The row has none of the identifiers that the destination needs.
    MissingIdentifier,
    /// The e-mail address that it needs is not one.
    InvalidEmail,
    /// The phone number that it needs is not one.
    InvalidPhone,
    /// It alone is more than the platform takes in one row.
    RowTooLarge,
    /// It repeats an earlier row of the list.
    Duplicate,
}

impl Reason {
    /// The reason that is written as this word.
    pub fn parse(word: &str) -> Option<Self> {
        serde_json::from_value(word.into()).ok()
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&word::word(self))
    }
}

/// What is counted of a delivery's rows. `rows = customers + expansion - dropped`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Customers of the group.
    pub customers: u64,
    /// Rows beyond one a customer.
    pub expansion: u64,
    /// Rows not staged, by reason.
    pub dropped: BTreeMap<Reason, u64>,
    /// Customers none of whose rows is staged, by reason; without those in `repeated`.
    pub shrink: BTreeMap<Reason, u64>,
    /// Customers whose rows only repeat those of others.
    pub repeated: u64,
    /// Rows staged.
    pub rows: u64,
}

impl Counts {
    /// All rows that are not staged.
    pub fn dropped(&self) -> u64 {
        self.dropped.values().sum()
    }

    /// All customers none of whose rows is staged, without those whose rows only repeat others'.
    pub fn shrink(&self) -> u64 {
        self.shrink.values().sum()
    }

    /// Counts the candidate rows of one customer, each with the reason for which it is dropped, if there is one.
    pub(super) fn customer(&mut self, rows: &[Option<Reason>]) {
        self.customers += 1;
        self.expansion += rows.len().saturating_sub(1) as u64;
        for reason in rows.iter().flatten() {
            *self.dropped.entry(*reason).or_default() += 1;
        }
        self.rows += rows.iter().filter(|reason| reason.is_none()).count() as u64;
        match outcome(rows) {
            None => {}
            Some(Reason::Duplicate) => self.repeated += 1,
            Some(reason) => *self.shrink.entry(reason).or_default() += 1,
        }
    }
}

/// Why a customer with these rows is not sent: `None` where a row is staged, else the reason of the row that came
/// furthest.
pub(super) fn outcome(rows: &[Option<Reason>]) -> Option<Reason> {
    if rows.iter().any(Option::is_none) { None } else { rows.iter().flatten().max().copied() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_customers_and_expansion_without_what_is_dropped() {
        let mut counts = Counts::default();
        counts.customer(&[None]);
        counts.customer(&[None, Some(Reason::InvalidEmail), Some(Reason::Duplicate)]);
        counts.customer(&[Some(Reason::NoConsent)]);
        counts.customer(&[Some(Reason::MissingIdentifier), Some(Reason::Duplicate)]);
        assert_eq!(counts.rows, counts.customers + counts.expansion - counts.dropped());
        assert_eq!((counts.customers, counts.expansion, counts.rows), (4, 3, 2));
        assert_eq!((counts.shrink(), counts.repeated), (1, 1));
    }
}
