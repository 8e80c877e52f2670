//! Reconciling: a list is read at its platform, and what is known of it made to agree with that.

use std::path::Path;

use arrow::array::{Array, AsArray};
use arrow::error::ArrowError;
use consign_destinations::client::ById;
use consign_destinations::encode::ListTarget;
use consign_engine::Engine;
use schemars::JsonSchema;
use serde::Serialize;

use super::members::{Member, Members, Standing};
use super::{PlatformError, identity};
use crate::folder::DataFolder;
use crate::staged::{self, READ_ROWS};

/// What reading a list came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Agreed {
    /// Members that the platform has.
    pub members: u64,
    /// Those of them that were not known.
    pub found: u64,
    /// Members that were known and are not there.
    pub gone: u64,
}

/// Reads a list and notes in its membership who is there and was not known, and who was known and is not there. Files of
/// no use afterwards go to `work`.
pub(super) async fn reconcile(
    by_id: &dyn ById,
    list: &ListTarget,
    identifying: &[String],
    members: &mut Members,
    engine: &Engine,
    data: &DataFolder,
    work: &Path,
) -> Result<Agreed, PlatformError> {
    let mut read = Members::at(data, work.join("read"))?;
    read_members(by_id, list, identifying, &mut read).await?;
    let (there, known) = (work.join("there.parquet"), work.join("known.parquet"));
    engine.members_as_rows(&read.files()?, &there).await?;
    engine.members_as_rows(&members.files()?, &known).await?;
    let (gone, found, kept) = (work.join("gone.parquet"), work.join("found.parquet"), work.join("kept.parquet"));
    let lost = engine.difference(&there, &members.files()?, &kept, &gone).await?;
    let new = engine.difference(&known, &read.files()?, &kept, &found).await?;
    note(members, &gone, Standing::Removed)?;
    note(members, &found, Standing::Acknowledged)?;
    members.compact(engine).await?;
    Ok(Agreed { members: new.members, found: new.gone, gone: lost.gone })
}

/// Reads the members of a list into what is known of it. Those without the identifying attribute can only be removed.
pub(super) async fn read_members(
    by_id: &dyn ById,
    list: &ListTarget,
    identifying: &[String],
    members: &mut Members,
) -> Result<u64, PlatformError> {
    let (mut from, mut read) = (None, 0);
    let mut found = Vec::new();
    loop {
        let page = by_id.members(list, from.as_deref()).await?;
        read += page.members.len() as u64;
        found.extend(page.members.iter().map(|member| identity::of_member(member, identifying)));
        // Pages are small, and each note is a file.
        if page.next.is_none() || found.len() >= READ_ROWS {
            let rows = found.iter().map(|(identity, removal)| Member {
                identity: *identity,
                attributes: [0; 32],
                customer_key: "",
                removal: Some(removal),
            });
            members.note(&rows.collect::<Vec<_>>(), Standing::Acknowledged)?;
            found.clear();
        }
        match page.next {
            Some(next) => from = Some(next),
            None => return Ok(read),
        }
    }
}

/// Notes the members of a file.
fn note(members: &mut Members, path: &Path, standing: Standing) -> Result<(), PlatformError> {
    let layout = || ArrowError::SchemaError("members are not as they were written".into());
    for batch in staged::read(path)? {
        let batch = batch?;
        let binary = |name: &str| batch.column_by_name(name).and_then(|array| array.as_binary_opt::<i32>());
        let (identities, removals) = binary("identity").zip(binary("removal")).ok_or_else(layout)?;
        let keys = batch.column_by_name("customer_key").and_then(|array| array.as_string_view_opt());
        let keys = keys.ok_or_else(layout)?;
        let opened: Vec<_> = (0..batch.num_rows())
            .map(|row| removals.is_valid(row).then(|| members.removal(removals.value(row))).flatten())
            .collect();
        let mut rows = Vec::new();
        for (row, removal) in opened.iter().enumerate() {
            let identity = identities.value(row).try_into().map_err(|_| layout())?;
            let (customer_key, removal) = (keys.value(row), removal.as_deref());
            // What such a member was sent with is not known, so it counts as changed.
            rows.push(Member { identity, attributes: [0; 32], customer_key, removal });
        }
        members.note(&rows, standing)?;
    }
    Ok(())
}
