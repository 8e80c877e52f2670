//! The states of runs and deliveries, and which may follow which. Nothing else decides that.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// The snapshot is being written.
    Assigning,
    /// Rows are being mapped, checked and numbered.
    Staging,
    /// Lists are being sent.
    Delivering,
    /// Nothing more happens.
    Finished(Outcome),
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Every delivery arrived or was accepted.
    Succeeded,
    /// Some deliveries did not arrive, or not whole.
    Partial,
    /// Nothing arrived.
    Failed,
    /// Somebody stopped it.
    Cancelled,
}

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// Its rows are being mapped, checked and numbered.
    Staging,
    /// Its rows are on their way.
    Sending,
    /// All is accepted; the platform still works.
    Submitted,
    /// All arrived.
    Delivered,
    /// A part arrived.
    Partial,
    /// It gave up.
    Failed,
    /// Somebody stopped it.
    Cancelled,
}

impl RunState {
    /// Every state.
    pub const ALL: [Self; 7] = [
        Self::Assigning,
        Self::Staging,
        Self::Delivering,
        Self::Finished(Outcome::Succeeded),
        Self::Finished(Outcome::Partial),
        Self::Finished(Outcome::Failed),
        Self::Finished(Outcome::Cancelled),
    ];

    /// Whether a run in this state may go to that one. Every unfinished run may fail or be cancelled; only one that
    /// delivers has anything that may have succeeded. One that did not succeed may deliver again what did not arrive.
    pub fn may_become(self, next: Self) -> bool {
        match (self, next) {
            (Self::Assigning, Self::Staging)
            | (
                Self::Staging | Self::Finished(Outcome::Partial | Outcome::Failed | Outcome::Cancelled),
                Self::Delivering,
            )
            | (Self::Delivering, Self::Finished(Outcome::Succeeded | Outcome::Partial)) => true,
            (from, Self::Finished(Outcome::Failed | Outcome::Cancelled)) => !from.is_finished(),
            _ => false,
        }
    }

    /// Whether nothing more happens.
    pub fn is_finished(self) -> bool {
        matches!(self, Self::Finished(_))
    }

    /// How it ended, once it has.
    pub fn outcome(self) -> Option<Outcome> {
        match self {
            Self::Finished(outcome) => Some(outcome),
            _ => None,
        }
    }

    /// Its word, without the outcome.
    pub fn word(self) -> &'static str {
        match self {
            Self::Assigning => "assigning",
            Self::Staging => "staging",
            Self::Delivering => "delivering",
            Self::Finished(_) => "finished",
        }
    }

    /// The state of those words.
    pub(crate) fn of(word: &str, outcome: Option<&str>) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word && state.outcome().map(Outcome::word) == outcome)
    }
}

impl Outcome {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Partial => "partial",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

impl DeliveryState {
    /// Every state.
    pub const ALL: [Self; 7] =
        [Self::Staging, Self::Sending, Self::Submitted, Self::Delivered, Self::Partial, Self::Failed, Self::Cancelled];

    /// Whether a delivery in this state may go to that one.
    pub fn may_become(self, next: Self) -> bool {
        match self {
            Self::Staging => matches!(next, Self::Sending | Self::Failed | Self::Cancelled),
            Self::Sending => next == Self::Submitted || next.is_final(),
            Self::Submitted => next.is_final(),
            Self::Partial | Self::Failed | Self::Cancelled => next == Self::Sending,
            Self::Delivered => false,
        }
    }

    /// Whether nothing more happens by itself.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Delivered | Self::Partial | Self::Failed | Self::Cancelled)
    }

    /// Whether a run waits for it. Not for one that the platform works on: it is polled on by itself.
    pub fn holds_run(self) -> bool {
        matches!(self, Self::Staging | Self::Sending)
    }

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Staging => "staging",
            Self::Sending => "sending",
            Self::Submitted => "submitted",
            Self::Delivered => "delivered",
            Self::Partial => "partial",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// The state of that word.
    pub(crate) fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }
}

impl fmt::Display for RunState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.outcome().map_or(self.word(), Outcome::word))
    }
}

impl fmt::Display for DeliveryState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pairs that are allowed, as words.
    fn allowed<S: Copy + fmt::Display>(all: &[S], may: impl Fn(S, S) -> bool) -> String {
        let pairs = all.iter().map(|from| {
            let next: Vec<String> = all.iter().filter(|to| may(*from, **to)).map(ToString::to_string).collect();
            format!("{from}: {}", next.join(" "))
        });
        pairs.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn runs_go_forward_and_deliver_again_what_did_not_arrive() {
        let expected = "assigning: staging failed cancelled\n\
                        staging: delivering failed cancelled\n\
                        delivering: succeeded partial failed cancelled\n\
                        succeeded: \npartial: delivering\nfailed: delivering\ncancelled: delivering";
        assert_eq!(allowed(&RunState::ALL, RunState::may_become), expected);
    }

    #[test]
    fn deliveries_go_forward_and_are_sent_again_where_they_did_not_arrive() {
        let expected = "staging: sending failed cancelled\n\
                        sending: submitted delivered partial failed cancelled\n\
                        submitted: delivered partial failed cancelled\n\
                        delivered: \npartial: sending\nfailed: sending\ncancelled: sending";
        assert_eq!(allowed(&DeliveryState::ALL, DeliveryState::may_become), expected);
    }

    #[test]
    fn words_read_back() {
        for state in RunState::ALL {
            assert_eq!(RunState::of(state.word(), state.outcome().map(Outcome::word)), Some(state));
        }
        for state in DeliveryState::ALL {
            assert_eq!(DeliveryState::of(state.word()), Some(state));
        }
        assert_eq!(RunState::of("finished", None), None);
    }
}
