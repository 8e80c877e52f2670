//! What was noted of the members of a list, read back without an engine.

use std::collections::{HashMap, HashSet};

use arrow::array::{Array, AsArray};
use arrow::datatypes::UInt64Type;
use serde_json::{Map, Value};

use super::PlatformError;
use super::members::Members;
use super::removing::{binary, keys, not_as_written, object};
use crate::forget::Pending;
use crate::staged;

pub(super) type Identity = [u8; 32];

/// What was last noted of a member.
pub(super) struct Latest {
    sequence: u64,
    /// Whether the member is a forgotten customer; another may have the same identity.
    pub forgotten: bool,
    pub on_the_list: bool,
    /// What taking it off needs; `None` where that cannot be read.
    pub removal: Option<Map<String, Value>>,
}

/// What was noted of a member.
pub(super) struct Noted<'a> {
    members: &'a Members,
    pub identity: Identity,
    customer_key: &'a str,
    sealed: Option<&'a [u8]>,
    on_the_list: bool,
    sequence: u64,
}

impl Noted<'_> {
    pub fn removal(&self) -> Option<Map<String, Value>> {
        Some(object(&self.members.removal(self.sealed?)?))
    }
}

/// Calls `see` with everything that was noted of members.
pub(super) fn each_row(members: &Members, mut see: impl FnMut(&Noted<'_>)) -> Result<(), PlatformError> {
    for path in members.files()? {
        for batch in staged::read(&path)? {
            let batch = batch?;
            let (identities, removals, keys) = (binary(&batch, "identity")?, binary(&batch, "removal")?, keys(&batch)?);
            let states = batch.column_by_name("state").and_then(|array| array.as_string_view_opt());
            let sequences = batch.column_by_name("sequence").and_then(|array| array.as_primitive_opt::<UInt64Type>());
            let (states, sequences) = states.zip(sequences).ok_or_else(not_as_written)?;
            for row in 0..batch.num_rows() {
                see(&Noted {
                    members,
                    identity: identities.value(row).try_into().map_err(|_| not_as_written())?,
                    customer_key: keys.value(row),
                    sealed: removals.is_valid(row).then(|| removals.value(row)),
                    on_the_list: states.value(row) != "removed",
                    sequence: sequences.value(row),
                });
            }
        }
    }
    Ok(())
}

/// The identities that these customers have or had on a list.
pub(super) fn named(members: &Members, pending: &Pending) -> Result<HashSet<Identity>, PlatformError> {
    let mut found = HashSet::new();
    each_row(members, |row| {
        if pending.holds(row.customer_key) {
            found.insert(row.identity);
        }
    })?;
    Ok(found)
}

/// What was last noted of these members.
pub(super) fn latest_of(
    members: &Members,
    these: &HashSet<Identity>,
    pending: &Pending,
) -> Result<HashMap<Identity, Latest>, PlatformError> {
    let mut latest: HashMap<Identity, Latest> = HashMap::new();
    each_row(members, |row| {
        let known = latest.get(&row.identity).map_or(0, |known| known.sequence);
        if these.contains(&row.identity) && row.sequence >= known {
            let (sequence, on_the_list) = (row.sequence, row.on_the_list);
            let (forgotten, removal) = (pending.holds(row.customer_key), row.removal());
            latest.insert(row.identity, Latest { sequence, forgotten, on_the_list, removal });
        }
    })?;
    Ok(latest)
}
