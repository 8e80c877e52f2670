//! What goes wrong, and at which platform in which way.

use super::platform::Platform;

/// Which calls of a platform a fault strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// Those that make the list.
    Create,
    /// Those that add rows.
    Add,
    /// Those that ask for a job.
    Poll,
    /// Those that take members off, or replace them, in a second run for fewer customers.
    Remove,
}

/// Who is to be sent, as a segment of the definitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum People {
    OneBad,
    OnlyBad,
    Nobody,
}

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// The sandbox disturbs calls: which, when (for taking off, in the second run), and how.
    Fault(At, &'static str, &'static str),
    /// The platform does not know the credential.
    WrongKey,
    /// The credential may not change lists.
    MissingScope,
    /// The account is not one of the credential's.
    WrongAccount,
    /// The list is gone when the second run comes.
    ListDeleted {
        /// Whether somebody new is to be sent, so that its absence shows at the latest then.
        somebody_new: bool,
    },
    /// Others have made two lists of the name.
    NameTaken,
    /// The group holds other people than usual.
    Group(People),
}

/// What goes wrong, in words, in the order shown.
pub const TROUBLES: &[(&str, Trouble)] = &[
    ("the platform's limit is reached", Trouble::Fault(At::Add, "1", "rate-limit:2")),
    ("a server error, nothing done", Trouble::Fault(At::Add, "1", "unavailable")),
    ("a server error, though it was done", Trouble::Fault(At::Add, "1", "unavailable-after-effect")),
    ("server errors without end", Trouble::Fault(At::Add, "*", "unavailable")),
    ("server errors without end, though it was done", Trouble::Fault(At::Add, "*", "unavailable-after-effect")),
    ("an answer that comes too late", Trouble::Fault(At::Add, "1", "slow:60s")),
    ("a dropped connection, nothing done", Trouble::Fault(At::Add, "1", "drop")),
    ("a dropped connection, though it was done", Trouble::Fault(At::Add, "1", "drop-after-effect")),
    ("half an answer", Trouble::Fault(At::Add, "1", "half-answer")),
    ("a token that expires", Trouble::Fault(At::Add, "1", "expired-token")),
    ("a token that has expired for good", Trouble::Fault(At::Add, "*", "expired-token")),
    ("three rows refused", Trouble::Fault(At::Add, "1", "reject-rows:3")),
    ("all rows refused", Trouble::Fault(At::Add, "1", "reject-rows:12")),
    ("a web page in place of JSON", Trouble::Fault(At::Add, "1", "html")),
    ("web pages in place of JSON without end", Trouble::Fault(At::Add, "*", "html")),
    ("a redirect to another host", Trouble::Fault(At::Add, "1", "redirect")),
    ("an answer of 3 GiB", Trouble::Fault(At::Add, "1", "huge")),
    ("the list is made, then a server error", Trouble::Fault(At::Create, "1", "unavailable-after-effect")),
    ("the list is made, then a dropped connection", Trouble::Fault(At::Create, "1", "drop-after-effect")),
    ("the list is made, its id is not a text", Trouble::Fault(At::Create, "1", "odd-ids")),
    ("the job fails", Trouble::Fault(At::Add, "1", "fail-job")),
    ("the job cannot be asked for", Trouble::Fault(At::Poll, "*", "unavailable")),
    ("taking off: a server error, though it was done", Trouble::Fault(At::Remove, "1", "unavailable-after-effect")),
    ("taking off: a dropped connection, nothing done", Trouble::Fault(At::Remove, "1", "drop")),
    ("the session ends early", Trouble::Fault(At::Remove, "1", "session-expired")),
    ("the session refuses three rows", Trouble::Fault(At::Remove, "1", "reject-rows:3")),
    ("a wrong key", Trouble::WrongKey),
    ("a missing scope", Trouble::MissingScope),
    ("a wrong account", Trouble::WrongAccount),
    ("the list was deleted at the platform", Trouble::ListDeleted { somebody_new: true }),
    ("the list was deleted, and nobody is new", Trouble::ListDeleted { somebody_new: false }),
    ("two lists of the name are there", Trouble::NameTaken),
    ("nobody in the group", Trouble::Group(People::Nobody)),
    ("one bad row among good ones", Trouble::Group(People::OneBad)),
    ("nothing but bad rows", Trouble::Group(People::OnlyBad)),
];

impl Trouble {
    /// Why a platform cannot have it.
    pub fn cannot_be(self, platform: &Platform) -> Option<&'static str> {
        let jobs = matches!(platform.kind, "klaviyo" | "attentive");
        match self {
            Self::Fault(At::Poll, ..) | Self::Fault(_, _, "fail-job") if !jobs => Some("has no jobs"),
            Self::Fault(_, _, "session-expired") | Self::Fault(At::Remove, _, "reject-rows:3")
                if platform.kind != "meta_ads" =>
            {
                Some("has no sessions")
            }
            Self::WrongAccount if jobs => Some("knows the account by its key"),
            Self::NameTaken if platform.kind == "attentive" => Some("finds its list by our own id"),
            Self::NameTaken if platform.kind == "criteo" => Some("keeps names unique"),
            _ => None,
        }
    }
}
