//! Sets of rows of a batch.

use std::collections::BTreeSet;
use std::ops::Range;

/// Rows of a batch, in order: ranges that neither touch nor overlap.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RowSet(Vec<Range<usize>>);

impl From<Range<usize>> for RowSet {
    fn from(range: Range<usize>) -> Self {
        Self(if range.is_empty() { Vec::new() } else { vec![range] })
    }
}

impl FromIterator<usize> for RowSet {
    /// Rows in ascending order.
    fn from_iter<I: IntoIterator<Item = usize>>(rows: I) -> Self {
        let mut set = Self::default();
        for row in rows {
            set.push(row..row + 1);
        }
        set
    }
}

impl RowSet {
    /// How many rows.
    pub fn len(&self) -> usize {
        self.0.iter().map(ExactSizeIterator::len).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The rows, ascending.
    pub fn iter(&self) -> impl Iterator<Item = usize> {
        self.0.iter().cloned().flatten()
    }

    /// The row at that place of the set, from 0.
    pub fn nth(&self, mut place: usize) -> Option<usize> {
        for range in &self.0 {
            if place < range.len() {
                return Some(range.start + place);
            }
            place -= range.len();
        }
        None
    }

    /// The row, where there is exactly one.
    pub(super) fn only(&self) -> Option<usize> {
        if self.len() == 1 { self.nth(0) } else { None }
    }

    /// The rows as one range, where they are one.
    pub(super) fn range(&self) -> Option<Range<usize>> {
        if let [range] = &self.0[..] { Some(range.clone()) } else { None }
    }

    /// Adds rows behind the last.
    fn push(&mut self, range: Range<usize>) {
        match self.0.last_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            _ if range.is_empty() => {}
            _ => self.0.push(range),
        }
    }

    /// The rows but these.
    pub(super) fn without(&self, dropped: &BTreeSet<usize>) -> Self {
        let mut left = Self::default();
        for range in &self.0 {
            let mut start = range.start;
            for &row in dropped.range(range.clone()) {
                left.push(start..row);
                start = row + 1;
            }
            left.push(start..range.end);
        }
        left
    }

    /// The first half and the second; the first has one more where the number is odd.
    pub(super) fn halves(&self) -> [Self; 2] {
        let mut halves = [Self::default(), Self::default()];
        let mut room = self.len().div_ceil(2);
        for range in &self.0 {
            let cut = range.start + room.min(range.len());
            room -= cut - range.start;
            halves[0].push(range.start..cut);
            halves[1].push(cut..range.end);
        }
        halves
    }

    /// The rows of several sets that have none in common.
    pub(super) fn union(sets: impl Iterator<Item = Self>) -> Self {
        let mut ranges: Vec<Range<usize>> = sets.flat_map(|set| set.0).collect();
        ranges.sort_by_key(|range| range.start);
        let mut union = Self::default();
        for range in ranges {
            union.push(range);
        }
        union
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn sets_are_halved_and_lessened_as_lists_are(rows in prop::collection::btree_set(0_usize..60, 0..40), other in prop::collection::btree_set(0_usize..60, 0..40)) {
            let set: RowSet = rows.iter().copied().collect();
            let list: Vec<usize> = rows.iter().copied().collect();
            prop_assert_eq!(set.iter().collect::<Vec<_>>(), list.clone());
            prop_assert_eq!(set.len(), list.len());
            for (place, row) in list.iter().enumerate() {
                prop_assert_eq!(set.nth(place), Some(*row));
            }
            prop_assert_eq!(set.nth(list.len()), None);
            let [first, second] = set.halves();
            let (before, after) = list.split_at(list.len().div_ceil(2));
            prop_assert_eq!(&first, &before.iter().copied().collect());
            prop_assert_eq!(&second, &after.iter().copied().collect());
            prop_assert_eq!(&RowSet::union([second, first].into_iter()), &set);
            prop_assert_eq!(set.without(&other), rows.difference(&other).copied().collect());
        }
    }
}
