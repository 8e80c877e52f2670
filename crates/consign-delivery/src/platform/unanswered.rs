//! Who may be on a list though no answer said so: a request may have been taken by its platform and answered to a process
//! that died.

use arrow::array::AsArray;
use arrow::compute::filter_record_batch;
use consign_destinations::registry::Kind;
use consign_model::spec::Settings;

use super::PlatformError;
use super::begun::Begun;
use super::identity::{Identified, Identifying, telling};
use super::members::{Member, Members, Standing};
use super::noted::latest_of;
use crate::folder::{DataFolder, RunFolder, entries};
use crate::forget::Pending;
use crate::stage::{CUSTOMER_KEY, REASON};
use crate::staged;

/// A delivery that did not arrive whole: requests of it may have been taken by its platform and answered to nobody.
pub(crate) struct Unanswered<'a> {
    /// Under this name the lists of its destination are remembered.
    pub place: &'a str,
    pub kind: &'a dyn Kind,
    pub settings: &'a Settings,
    /// The files of its run, and its id in it.
    pub folder: &'a RunFolder,
    pub id: &'a str,
}

impl Unanswered<'_> {
    /// Notes of forgotten customers who were staged, and who are not known to be on the list, that they may be.
    pub fn note(&self, data: &DataFolder, pending: &Pending) -> Result<(), PlatformError> {
        let failed = |reason| PlatformError::Members { path: self.folder.path().to_owned(), reason };
        let begun = Begun::any(&self.folder.platform(self.id)).map_err(failed)?;
        let Some(begun) = begun else { return Ok(()) };
        let rules = self.kind.rules(self.settings, &[]);
        let mut members = Members::open(data, self.place, &begun.list_id)?;
        for path in entries(&self.folder.staged(self.id)).map_err(failed)? {
            for rows in staged::read(&path)? {
                let rows = rows?;
                let Some(keys) = rows.column_by_name(CUSTOMER_KEY).and_then(|keys| keys.as_string_view_opt()) else {
                    continue;
                };
                let theirs = keys.iter().map(|key| Some(key.is_some_and(|key| pending.holds(key)))).collect();
                let theirs = filter_record_batch(&rows, &theirs)?;
                // Rejects have no attributes.
                if theirs.num_rows() == 0 || rows.column_by_name(REASON).is_some() {
                    continue;
                }
                let names = rows.schema().fields().iter().map(|field| field.name().clone()).collect::<Vec<_>>();
                let names = names.into_iter().filter(|name| name != CUSTOMER_KEY);
                let identifying = Identifying { names: telling(names, &rules.unique_by), clears: false };
                let theirs = Identified::of(&theirs, &identifying)?;
                let latest = latest_of(&members, &theirs.identities.iter().copied().collect(), pending)?;
                let removals: Vec<_> = (0..theirs.identities.len()).map(|row| theirs.removal(row)).collect();
                let unknown = removals.iter().enumerate().map(|(row, removal)| Member {
                    identity: theirs.identities[row],
                    attributes: theirs.attributes[row],
                    customer_key: theirs.keys.value(row),
                    removal: Some(removal),
                });
                let is_known = |one: &Member<'_>| latest.get(&one.identity).is_some_and(|latest| latest.on_the_list);
                members.note(&unknown.filter(|one| !is_known(one)).collect::<Vec<_>>(), Standing::Unknown)?;
            }
        }
        Ok(())
    }
}
