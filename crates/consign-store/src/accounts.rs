//! Who may use the server: users, what they logged in with, and the tokens of programs. Of passwords, sessions and tokens
//! only hashes are kept.

use std::fmt;
use std::str::FromStr;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::StoreError;

/// What somebody may do. Each may do what those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Looks.
    Viewer,
    /// Prepares: makes drafts and segments, and looks at rows of tables.
    Editor,
    /// Sends: publishes, runs, retries, cancels, schedules.
    Operator,
    /// Decides where data may go, and who may do what.
    Admin,
}

impl Role {
    /// Every role, the least first.
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Editor, Self::Operator, Self::Admin];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Editor => "editor",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let unknown = || format!("`{text}` is no role: write viewer, editor, operator or admin");
        Self::ALL.into_iter().find(|role| role.name() == text).ok_or_else(unknown)
    }
}

/// Somebody who may log in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Given when they are added, and never again to another.
    pub id: String,
    /// What they log in with, unlike all others: an e-mail address or another name.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Whether they may do nothing for now.
    pub disabled: bool,
    /// When they were added.
    pub created_at: DateTime<Utc>,
}

/// Somebody to add.
#[derive(Clone)]
pub struct NewUser {
    /// What they log in with.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Their password, hashed.
    pub password: String,
}

/// What is changed of a user; what is `None` stays.
#[derive(Clone, Default)]
pub struct UserChange {
    /// What they may do.
    pub role: Option<Role>,
    /// Whether they may do nothing for now.
    pub disabled: Option<bool>,
    /// Their password, hashed.
    pub password: Option<String>,
}

/// What stands for somebody where a program asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Its id.
    pub id: String,
    /// What it is for.
    pub name: String,
    /// The name of the user for whom it stands.
    pub owner: String,
    /// What it may do, as far as its owner may.
    pub role: Role,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When somebody last used it, to the minute.
    pub used_at: Option<DateTime<Utc>>,
    /// Until when it is good; `None` until it is removed.
    pub until: Option<DateTime<Utc>>,
}

/// A token to keep.
#[derive(Clone)]
pub struct NewToken {
    /// What it is for.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// Its hash.
    pub hash: String,
    /// Until when it is good.
    pub until: Option<DateTime<Utc>>,
}

/// Keeps users, sessions and tokens. Users who are removed or disabled, or whose password is changed, lose their sessions;
/// who is removed loses their tokens too. One admin who is not disabled always stays.
#[async_trait]
pub trait Accounts: Send + Sync {
    /// All users, by name.
    async fn users(&self) -> Result<Vec<User>, StoreError>;

    /// The user of a name, and their hashed password.
    async fn user_and_password(&self, name: &str) -> Result<Option<(User, String)>, StoreError>;

    /// Adds a user. `None` where somebody has the name.
    async fn add_user(&self, new: &NewUser) -> Result<Option<User>, StoreError>;

    /// Changes a user. `None` where there is none with that id.
    async fn change_user(&self, id: &str, change: &UserChange) -> Result<Option<User>, StoreError>;

    /// Removes a user. `None` where there is none with that id.
    async fn remove_user(&self, id: &str) -> Result<Option<User>, StoreError>;

    /// Lets whoever has what that hash is of become the first user, until a moment; in place of what was said before.
    async fn offer_set_up(&self, hash: &str, until: DateTime<Utc>) -> Result<(), StoreError>;

    /// Adds the first user. `None` where there are users, or that is not what was offered, or not any more.
    async fn set_up(&self, hash: &str, new: &NewUser) -> Result<Option<User>, StoreError>;

    /// Keeps a session of a user until a moment.
    async fn put_session(&self, hash: &str, user: &str, until: DateTime<Utc>) -> Result<(), StoreError>;

    /// Whose session it is, and until when; `None` where it is over.
    async fn session(&self, hash: &str) -> Result<Option<(User, DateTime<Utc>)>, StoreError>;

    /// Ends a session.
    async fn end_session(&self, hash: &str) -> Result<(), StoreError>;

    /// Keeps a token of a user.
    async fn add_token(&self, owner: &str, new: &NewToken) -> Result<Token, StoreError>;

    /// All tokens, by owner and name.
    async fn tokens(&self) -> Result<Vec<Token>, StoreError>;

    /// The token with that hash and its owner, and notes that it is used; `None` where it is not good.
    async fn token(&self, hash: &str) -> Result<Option<(Token, User)>, StoreError>;

    /// Removes a token. `false` where there is none with that id.
    async fn remove_token(&self, id: &str) -> Result<bool, StoreError>;
}
