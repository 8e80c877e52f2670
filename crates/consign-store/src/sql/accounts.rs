//! Users, sessions and tokens.

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

use super::patience::{change, look};
use super::{Fault, SqlStore, now, time, word};
use crate::accounts::{Accounts, NewToken, NewUser, Role, Token, User, UserChange};
use crate::error::StoreError;

/// How much later than before a token must be used for that to be noted: not each call writes.
const NOTED_EACH: TimeDelta = TimeDelta::minutes(1);

#[async_trait]
impl Accounts for SqlStore {
    async fn users(&self) -> Result<Vec<User>, StoreError> {
        look!(self, connection => users(connection))
    }

    async fn user_and_password(&self, name: &str) -> Result<Option<(User, String)>, StoreError> {
        look!(self, connection => user_and_password(connection, name))
    }

    async fn add_user(&self, new: &NewUser) -> Result<Option<User>, StoreError> {
        change!(self, connection => add(connection, new))
    }

    async fn change_user(&self, id: &str, change: &UserChange) -> Result<Option<User>, StoreError> {
        change!(self, connection => alter(connection, id, change))
    }

    async fn remove_user(&self, id: &str) -> Result<Option<User>, StoreError> {
        change!(self, connection => remove(connection, id))
    }

    async fn offer_set_up(&self, hash: &str, until: DateTime<Utc>) -> Result<(), StoreError> {
        change!(self, connection => offer_set_up(connection, hash, until))
    }

    async fn set_up(&self, hash: &str, new: &NewUser) -> Result<Option<User>, StoreError> {
        change!(self, connection => set_up(connection, hash, new))
    }

    async fn put_session(&self, hash: &str, user: &str, until: DateTime<Utc>) -> Result<(), StoreError> {
        change!(self, connection => put_session(connection, hash, user, until))
    }

    async fn session(&self, hash: &str) -> Result<Option<(User, DateTime<Utc>)>, StoreError> {
        look!(self, connection => session(connection, hash))
    }

    async fn end_session(&self, hash: &str) -> Result<(), StoreError> {
        change!(self, connection => forget(connection, "DELETE FROM sessions WHERE hash = $1", hash))
    }

    async fn add_token(&self, owner: &str, new: &NewToken) -> Result<Token, StoreError> {
        change!(self, connection => add_token(connection, owner, new))
    }

    async fn tokens(&self) -> Result<Vec<Token>, StoreError> {
        look!(self, connection => tokens(connection))
    }

    async fn token(&self, hash: &str) -> Result<Option<(Token, User)>, StoreError> {
        let now = now();
        let known = look!(self, connection => good_token(connection, hash, now))?;
        if let Some((token, _)) = &known
            && token.used_at.is_none_or(|used| now - used >= NOTED_EACH)
        {
            change!(self, connection => note_use(connection, hash, now))?;
        }
        Ok(known)
    }

    async fn remove_token(&self, id: &str) -> Result<bool, StoreError> {
        change!(self, connection => remove_token(connection, id))
    }
}

/// The token of a hash, or all, each with the name of its owner.
const TOKENS: &str = "SELECT tokens.id AS id, tokens.name AS name, users.name AS owner, tokens.role AS role, \
                      tokens.created_at AS created_at, tokens.used_at AS used_at, tokens.until AS until \
                      FROM tokens JOIN users ON users.id = tokens.owner \
                      WHERE tokens.hash = COALESCE($1, tokens.hash) ORDER BY tokens.created_at";

async fn users(connection: &mut AnyConnection) -> Result<Vec<User>, Fault> {
    let rows = sqlx::query("SELECT * FROM users").fetch_all(connection).await?;
    let mut users = rows.iter().map(user).collect::<Result<Vec<_>, _>>()?;
    // By the database it would be the order of its locale.
    users.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(users)
}

async fn user_and_password(connection: &mut AnyConnection, name: &str) -> Result<Option<(User, String)>, Fault> {
    let row = sqlx::query("SELECT * FROM users WHERE name = $1").bind(name).fetch_optional(connection).await?;
    row.map(|row| Ok((user(&row)?, row.try_get("password")?))).transpose()
}

async fn offer_set_up(connection: &mut AnyConnection, hash: &str, until: DateTime<Utc>) -> Result<(), Fault> {
    sqlx::query("DELETE FROM set_up").execute(&mut *connection).await?;
    let insert = sqlx::query("INSERT INTO set_up (hash, until) VALUES ($1, $2)");
    insert.bind(hash).bind(until.timestamp_micros()).execute(connection).await?;
    Ok(())
}

async fn set_up(connection: &mut AnyConnection, hash: &str, new: &NewUser) -> Result<Option<User>, Fault> {
    let take = "DELETE FROM set_up WHERE hash = $1 AND until > $2 AND NOT EXISTS (SELECT 1 FROM users)";
    let taken = sqlx::query(take).bind(hash).bind(now().timestamp_micros()).execute(&mut *connection).await?;
    if taken.rows_affected() == 0 { Ok(None) } else { add(connection, new).await }
}

async fn put_session(
    connection: &mut AnyConnection,
    hash: &str,
    user: &str,
    until: DateTime<Utc>,
) -> Result<(), Fault> {
    // Nobody asks for those that are over.
    let over = sqlx::query("DELETE FROM sessions WHERE until <= $1").bind(now().timestamp_micros());
    over.execute(&mut *connection).await?;
    let put = "INSERT INTO sessions (hash, owner, until) VALUES ($1, $2, $3) \
               ON CONFLICT (hash) DO UPDATE SET owner = excluded.owner, until = excluded.until";
    sqlx::query(put).bind(hash).bind(user).bind(until.timestamp_micros()).execute(connection).await?;
    Ok(())
}

async fn session(connection: &mut AnyConnection, hash: &str) -> Result<Option<(User, DateTime<Utc>)>, Fault> {
    let select = "SELECT users.*, sessions.until AS until FROM sessions JOIN users ON users.id = sessions.owner \
                  WHERE sessions.hash = $1 AND sessions.until > $2 AND users.disabled = 0";
    let row = sqlx::query(select).bind(hash).bind(now().timestamp_micros()).fetch_optional(connection).await?;
    row.map(|row| Ok((user(&row)?, time(row.try_get("until")?)?))).transpose()
}

async fn tokens(connection: &mut AnyConnection) -> Result<Vec<Token>, Fault> {
    let rows = sqlx::query(TOKENS).bind(None::<&str>).fetch_all(connection).await?;
    let mut tokens = rows.iter().map(token).collect::<Result<Vec<_>, _>>()?;
    tokens.sort_by(|a, b| (&a.owner, &a.name).cmp(&(&b.owner, &b.name)));
    Ok(tokens)
}

/// A token that may be used now, and its owner.
async fn good_token(
    connection: &mut AnyConnection,
    hash: &str,
    now: DateTime<Utc>,
) -> Result<Option<(Token, User)>, Fault> {
    let good = "SELECT users.* FROM users JOIN tokens ON users.id = tokens.owner WHERE tokens.hash = $1 \
                AND (tokens.until IS NULL OR tokens.until > $2) AND users.disabled = 0";
    let row = sqlx::query(good).bind(hash).bind(now.timestamp_micros()).fetch_optional(&mut *connection).await?;
    let Some(row) = row else { return Ok(None) };
    let owner = user(&row)?;
    let row = sqlx::query(TOKENS).bind(Some(hash)).fetch_one(connection).await?;
    Ok(Some((token(&row)?, owner)))
}

async fn note_use(connection: &mut AnyConnection, hash: &str, now: DateTime<Utc>) -> Result<(), Fault> {
    let note = sqlx::query("UPDATE tokens SET used_at = $2 WHERE hash = $1").bind(hash).bind(now.timestamp_micros());
    note.execute(connection).await?;
    Ok(())
}

async fn remove_token(connection: &mut AnyConnection, id: &str) -> Result<bool, Fault> {
    let removed = sqlx::query("DELETE FROM tokens WHERE id = $1").bind(id).execute(connection).await?;
    Ok(removed.rows_affected() > 0)
}

async fn add(connection: &mut AnyConnection, new: &NewUser) -> Result<Option<User>, Fault> {
    let insert = "INSERT INTO users (id, name, role, password, disabled, created_at) VALUES ($1, $2, $3, $4, 0, $5) \
                  ON CONFLICT DO NOTHING RETURNING *";
    let row = sqlx::query(insert)
        .bind(uuid::Uuid::now_v7().to_string())
        .bind(&new.name)
        .bind(new.role.name())
        .bind(&new.password)
        .bind(now().timestamp_micros())
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(user).transpose()
}

async fn one(connection: &mut AnyConnection, id: &str) -> Result<Option<User>, Fault> {
    let row = sqlx::query("SELECT * FROM users WHERE id = $1").bind(id).fetch_optional(connection).await?;
    row.as_ref().map(user).transpose()
}

async fn alter(connection: &mut AnyConnection, id: &str, change: &UserChange) -> Result<Option<User>, Fault> {
    let Some(before) = one(connection, id).await? else { return Ok(None) };
    let after = User {
        role: change.role.unwrap_or(before.role),
        disabled: change.disabled.unwrap_or(before.disabled),
        ..before.clone()
    };
    let update = "UPDATE users SET role = $2, disabled = $3, password = COALESCE($4, password) WHERE id = $1";
    sqlx::query(update)
        .bind(id)
        .bind(after.role.name())
        .bind(i64::from(after.disabled))
        .bind(change.password.as_deref())
        .execute(&mut *connection)
        .await?;
    keep_an_admin(connection).await?;
    if after.disabled || change.password.is_some() {
        forget(connection, "DELETE FROM sessions WHERE owner = $1", id).await?;
    }
    Ok(Some(after))
}

async fn remove(connection: &mut AnyConnection, id: &str) -> Result<Option<User>, Fault> {
    let Some(before) = one(connection, id).await? else { return Ok(None) };
    forget(connection, "DELETE FROM users WHERE id = $1", id).await?;
    keep_an_admin(connection).await?;
    forget(connection, "DELETE FROM sessions WHERE owner = $1", id).await?;
    forget(connection, "DELETE FROM tokens WHERE owner = $1", id).await?;
    Ok(Some(before))
}

async fn forget(connection: &mut AnyConnection, statement: &'static str, id: &str) -> Result<(), Fault> {
    sqlx::query(statement).bind(id).execute(connection).await?;
    Ok(())
}

/// Refuses what would leave nobody who could let others in again.
async fn keep_an_admin(connection: &mut AnyConnection) -> Result<(), Fault> {
    let admins = sqlx::query("SELECT COUNT(*) AS admins FROM users WHERE role = $1 AND disabled = 0");
    let row = admins.bind(Role::Admin.name()).fetch_one(connection).await?;
    if row.try_get::<i64, _>("admins")? > 0 {
        return Ok(());
    }
    let what = "this would leave no admin who can log in".to_owned();
    Err(StoreError::Conflict { what, remedy: "make somebody else an admin first" }.into())
}

async fn add_token(connection: &mut AnyConnection, owner: &str, new: &NewToken) -> Result<Token, Fault> {
    let Some(owner) = one(connection, owner).await? else {
        return Err(StoreError::NotFound { what: "user", id: owner.to_owned() }.into());
    };
    let (id, created_at) = (uuid::Uuid::now_v7().to_string(), now());
    let insert =
        "INSERT INTO tokens (id, hash, owner, name, role, created_at, until) VALUES ($1, $2, $3, $4, $5, $6, $7)";
    sqlx::query(insert)
        .bind(&id)
        .bind(&new.hash)
        .bind(&owner.id)
        .bind(&new.name)
        .bind(new.role.name())
        .bind(created_at.timestamp_micros())
        .bind(new.until.map(|until| until.timestamp_micros()))
        .execute(connection)
        .await?;
    let NewToken { name, role, until, .. } = new.clone();
    Ok(Token { id, name, owner: owner.name, role, created_at, used_at: None, until })
}

fn user(row: &AnyRow) -> Result<User, Fault> {
    Ok(User {
        id: row.try_get("id")?,
        name: row.try_get("name")?,
        role: role(row)?,
        disabled: row.try_get::<i64, _>("disabled")? != 0,
        created_at: time(row.try_get("created_at")?)?,
    })
}

fn token(row: &AnyRow) -> Result<Token, Fault> {
    Ok(Token {
        id: row.try_get("id")?,
        name: row.try_get("name")?,
        owner: row.try_get("owner")?,
        role: role(row)?,
        created_at: time(row.try_get("created_at")?)?,
        used_at: row.try_get::<Option<i64>, _>("used_at")?.map(time).transpose()?,
        until: row.try_get::<Option<i64>, _>("until")?.map(time).transpose()?,
    })
}

fn role(row: &AnyRow) -> Result<Role, Fault> {
    word("role", row.try_get("role")?, |text| text.parse().ok())
}
