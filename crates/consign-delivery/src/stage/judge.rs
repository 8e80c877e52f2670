//! Decides row by row what a delivery stages and why it drops the rest.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch, StringViewArray};
use arrow::row::{RowConverter, Rows, SortField};
use consign_destinations::encode::{EncodedRows, ListTarget, Operation, RequestEncoder};
use consign_model::forgotten::Forgotten;
use consign_model::id::Slug;
use consign_model::plan::{AttributeSource, CleanedColumn, PlannedAttribute, PlannedDelivery};
use consign_model::snapshot;
use consign_model::spec::{Normalisation, UniqueBy};

use super::StageError;
use super::candidates::{Candidates, present};
use super::reason::Reason;
use super::recurrence::{Fingerprint, Recurring, fingerprint};

/// A row that is dropped: why, and for which attribute, as an index into the delivery's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Drop {
    pub reason: Reason,
    pub attribute: Option<usize>,
}

/// The identifiers that are not sent: those of always excluded customers anywhere, and at each destination those of
/// customers who lack its consent.
#[derive(Debug, Default)]
pub(super) struct Suppressed {
    pub everywhere: HashSet<Fingerprint>,
    pub at: HashMap<Slug, HashSet<Fingerprint>>,
}

impl Suppressed {
    fn holds(&self, destination: &Slug, identifier: &Fingerprint) -> bool {
        self.everywhere.contains(identifier) || self.at.get(destination).is_some_and(|own| own.contains(identifier))
    }
}

/// What the passes before found.
pub(super) struct Found {
    pub recurring: Arc<Recurring>,
    pub suppressed: Suppressed,
    pub forgotten: Forgotten,
}

/// The domain of identifiers among recurring values; those of lists follow it.
pub(super) const IDENTIFIERS: usize = 0;

/// What stands for an identifier: the SHA-256 of its text, or the text itself where it already is one, so that a
/// customer who is known by a hash in one table and by an address in another is one person.
pub(super) fn identity(cleaned: &str) -> Fingerprint {
    let mut digest = [0; 32];
    if cleaned.len() == 64 && hex::decode_to_slice(cleaned, &mut digest).is_ok() {
        let mut half = Fingerprint::default();
        half.copy_from_slice(&digest[..16]);
        return half;
    }
    fingerprint(cleaned.as_bytes())
}

/// What makes two rows of a delivery the same, as comparable bytes. `None`: nothing does.
pub(super) struct UniqueKey {
    sources: Vec<AttributeSource>,
    converter: Option<RowConverter>,
}

impl UniqueKey {
    pub fn of(delivery: &PlannedDelivery) -> Option<Self> {
        let sources: Vec<_> = match &delivery.rules.unique_by {
            UniqueBy::Nothing => return None,
            UniqueBy::WholeRow => delivery.attributes.iter().map(|attribute| attribute.source.clone()).collect(),
            UniqueBy::Attributes(names) => {
                let named = delivery.attributes.iter().filter(|attribute| names.contains(&attribute.name));
                named.map(|attribute| attribute.source.clone()).collect()
            }
        };
        let varies = |source: &AttributeSource| !matches!(source, AttributeSource::Fact(..));
        let sources: Vec<_> = sources.into_iter().filter(varies).collect();
        (!sources.is_empty()).then_some(Self { sources, converter: None })
    }

    /// The columns that it is made of, to tell equal keys.
    pub fn columns(&self) -> Vec<String> {
        self.sources.iter().filter_map(snapshot_column).collect()
    }

    pub fn rows(&mut self, candidates: &Candidates) -> Result<Rows, StageError> {
        let names = self.columns();
        let arrays = names.iter().map(|name| candidates.column(name).cloned()).collect::<Result<Vec<_>, _>>()?;
        let converter = match &mut self.converter {
            Some(converter) => converter,
            none => {
                let fields = arrays.iter().map(|array| SortField::new(array.data_type().clone())).collect();
                none.insert(RowConverter::new(fields)?)
            }
        };
        Ok(converter.convert_columns(&arrays)?)
    }
}

/// The column of the snapshot that a source reads; none for facts.
pub(super) fn snapshot_column(source: &AttributeSource) -> Option<String> {
    match source {
        AttributeSource::Cleaned(cleaned) => Some(cleaned.snapshot_name()),
        AttributeSource::Raw(column) => Some(column.to_string()),
        AttributeSource::Fact(..) => None,
    }
}

/// Judges the rows of one delivery, batch after batch.
pub(super) struct Judge {
    delivery: Arc<PlannedDelivery>,
    /// Sets of attributes of which a row needs one; only those that are mapped whole.
    needed: Vec<Vec<usize>>,
    unique: Option<(usize, UniqueKey)>,
    seen: HashSet<Fingerprint>,
    encoder: Option<Box<dyn RequestEncoder>>,
    found: Arc<Found>,
}

impl Judge {
    /// `domain` is that of the delivery's unique key among recurring values.
    pub fn new(
        delivery: Arc<PlannedDelivery>,
        domain: Option<usize>,
        encoder: Option<Box<dyn RequestEncoder>>,
        found: Arc<Found>,
    ) -> Self {
        let place = |name: &String| delivery.attributes.iter().position(|attribute| attribute.name == *name);
        let needed = delivery.rules.row.iter().filter_map(|set| set.iter().map(place).collect()).collect();
        let unique = domain.zip(UniqueKey::of(&delivery));
        Self { needed, unique, seen: HashSet::new(), encoder, found, delivery }
    }

    /// For each row why it is dropped, if it is. Rows come in the order of the list.
    pub fn judge(&mut self, candidates: &Candidates) -> Result<Vec<Option<Drop>>, StageError> {
        let mut drops = vec![None; candidates.len()];
        self.forgotten(candidates, &mut drops)?;
        self.consent(candidates, &mut drops)?;
        self.suppressed(candidates, &mut drops)?;
        self.identifiers(candidates, &mut drops)?;
        Ok(drops)
    }

    fn forgotten(&self, candidates: &Candidates, drops: &mut [Option<Drop>]) -> Result<(), StageError> {
        if self.found.forgotten.is_empty() {
            return Ok(());
        }
        let keys = candidates.text(snapshot::CUSTOMER_KEY)?;
        for (drop, key) in drops.iter_mut().zip(keys) {
            if key.is_some_and(|key| self.found.forgotten.holds(key)) {
                *drop = Some(Drop { reason: Reason::Forgotten, attribute: None });
            }
        }
        Ok(())
    }

    fn consent(&self, candidates: &Candidates, drops: &mut [Option<Drop>]) -> Result<(), StageError> {
        if !self.delivery.consent {
            return Ok(());
        }
        let name = snapshot::consent(&self.delivery.destination);
        let consents = candidates.column(&name)?.as_boolean_opt().ok_or(StageError::Layout(name))?;
        for (row, drop) in drops.iter_mut().enumerate() {
            if drop.is_none() && !is_true(consents, row) {
                *drop = Some(Drop { reason: Reason::NoConsent, attribute: None });
            }
        }
        Ok(())
    }

    fn suppressed(&self, candidates: &Candidates, drops: &mut [Option<Drop>]) -> Result<(), StageError> {
        for identifier in &self.delivery.identifiers {
            let values = candidates.cleaned(identifier)?;
            let attribute = self.delivery.attributes.iter().position(|one| reads(one, identifier));
            for (row, drop) in drops.iter_mut().enumerate().filter(|(_, drop)| drop.is_none()) {
                let Some(value) = value(values, row) else { continue };
                let identity = identity(value);
                if self.found.recurring.may_recur(IDENTIFIERS, &identity)
                    && self.found.suppressed.holds(&self.delivery.destination, &identity)
                {
                    *drop = Some(Drop { reason: Reason::Suppressed, attribute });
                }
            }
        }
        Ok(())
    }

    fn identifiers(&self, candidates: &Candidates, drops: &mut [Option<Drop>]) -> Result<(), StageError> {
        if self.needed.is_empty() {
            return Ok(());
        }
        let mut places: Vec<usize> = self.needed.iter().flatten().copied().collect();
        places.sort_unstable();
        places.dedup();
        let there = places
            .iter()
            .map(|place| Ok((*place, present(candidates, &self.delivery.attributes[*place].source)?)))
            .collect::<Result<HashMap<_, _>, StageError>>()?;
        let usable = |row: usize| self.needed.iter().any(|set| set.iter().all(|place| there[place][row]));
        for (row, drop) in drops.iter_mut().enumerate() {
            if drop.is_none() && !usable(row) {
                *drop = Some(self.unusable(candidates, &places, row)?);
            }
        }
        Ok(())
    }

    /// Why a row has none of the identifiers that it needs: one is there and invalid, or all are missing.
    fn unusable(&self, candidates: &Candidates, places: &[usize], row: usize) -> Result<Drop, StageError> {
        let mut invalid = None;
        for place in places {
            let AttributeSource::Cleaned(cleaned) = &self.delivery.attributes[*place].source else { continue };
            let reason = match cleaned.normalisation {
                Normalisation::Email | Normalisation::EmailWithoutSpace | Normalisation::EmailStripAlias => {
                    Reason::InvalidEmail
                }
                Normalisation::Phone | Normalisation::PhoneDigits => Reason::InvalidPhone,
                _ => continue,
            };
            let values = candidates.cleaned(cleaned)?;
            if values.is_valid(row) && values.value(row).is_empty() {
                let drop = Drop { reason, attribute: Some(*place) };
                invalid = Some(invalid.map_or(drop, |first: Drop| if reason < first.reason { drop } else { first }));
            }
        }
        let only = if let [only] = places { Some(*only) } else { None };
        Ok(invalid.unwrap_or(Drop { reason: Reason::MissingIdentifier, attribute: only }))
    }

    /// Drops those of the rows that are too large for the platform. `staged` are the rows as they would be sent.
    pub fn too_large(&mut self, staged: &RecordBatch, drops: &mut [Option<Drop>]) -> Result<(), StageError> {
        let Some(encoder) = &self.encoder else { return Ok(()) };
        let limits = encoder.limits();
        let Some(limit) = limits.row_bytes.or(limits.request_bytes) else { return Ok(()) };
        if !may_exceed(staged, limit) {
            return Ok(());
        }
        let list = ListTarget { id: String::new(), name: self.delivery.list_name.clone() };
        let mut encoded = EncodedRows::new();
        encoder.encode_rows(staged, &list, Operation::Add, &mut encoded)?;
        for row in encoded.too_large(&limits) {
            if drops[row].is_none() {
                drops[row] = Some(Drop { reason: Reason::RowTooLarge, attribute: None });
            }
        }
        Ok(())
    }

    /// Drops the rows that repeat an earlier one that was kept.
    pub fn duplicates(&mut self, candidates: &Candidates, drops: &mut [Option<Drop>]) -> Result<(), StageError> {
        let Some((domain, unique)) = &mut self.unique else { return Ok(()) };
        let rows = unique.rows(candidates)?;
        for (row, drop) in drops.iter_mut().enumerate().filter(|(_, drop)| drop.is_none()) {
            let key = rows.row(row);
            if self.found.recurring.may_recur(*domain, key.data()) && !self.seen.insert(fingerprint(key.data())) {
                *drop = Some(Drop { reason: Reason::Duplicate, attribute: None });
            }
        }
        Ok(())
    }
}

fn is_true(booleans: &BooleanArray, row: usize) -> bool {
    booleans.is_valid(row) && booleans.value(row)
}

/// The value of a cleaned column, where it is there and valid.
pub(super) fn value(cleaned: &StringViewArray, row: usize) -> Option<&str> {
    (cleaned.is_valid(row)).then(|| cleaned.value(row)).filter(|text| !text.is_empty())
}

fn reads(attribute: &PlannedAttribute, identifier: &CleanedColumn) -> bool {
    match &attribute.source {
        AttributeSource::Cleaned(cleaned) => cleaned.column == identifier.column,
        AttributeSource::Raw(column) => *column == identifier.column,
        AttributeSource::Fact(..) => false,
    }
}

/// Whether a row of this batch may be larger than that when it is encoded: a cheap bound, since nearly none is. A byte
/// of text becomes at most six (`\u00XX`), and names and punctuation have a few dozen a column.
fn may_exceed(staged: &RecordBatch, limit: usize) -> bool {
    let mut bytes = vec![staged.num_columns() * 100; staged.num_rows()];
    for array in staged.columns() {
        match array.as_string_view_opt() {
            Some(texts) => {
                for (total, length) in bytes.iter_mut().zip(texts.lengths()) {
                    *total += length as usize * 6;
                }
            }
            None if array.data_type().is_primitive() => {}
            // Lists and other texts are rare: look closely.
            None => return true,
        }
    }
    bytes.into_iter().any(|row| row > limit)
}
