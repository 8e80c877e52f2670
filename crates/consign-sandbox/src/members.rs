//! What a list holds: a set of rows as the platform received them, found again by any identifier.
//!
//! A million members must fit in memory, so values are packed (a hash takes 33 bytes) and
//! identifiers are kept as 64-bit keys into the rows; a key that two identifiers share is settled
//! by looking at the row.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::check;
use crate::platform::Platform;

/// Rows with their columns, unique by their identifiers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Members {
    layouts: Vec<Vec<String>>,
    /// By number of arrival.
    rows: BTreeMap<u32, Row>,
    index: HashMap<u64, Holders>,
    next: u32,
}

#[derive(Debug, Clone)]
struct Row {
    layout: u16,
    values: Box<[u8]>,
}

/// The rows that hold an identifier: nearly always one.
#[derive(Debug, Clone)]
enum Holders {
    One(u32),
    Many(Vec<u32>),
}

impl Holders {
    fn as_slice(&self) -> &[u32] {
        match self {
            Self::One(row) => std::slice::from_ref(row),
            Self::Many(rows) => rows,
        }
    }
}

/// An identifier of a row: its column and its value.
type Identifier<'a> = (&'a str, &'a str);

impl Members {
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// How many identifiers the rows hold together.
    pub(crate) fn identifiers(&self) -> usize {
        self.index.len()
    }

    /// Each row as column and value, in order of arrival.
    pub(crate) fn rows(&self) -> impl Iterator<Item = (&[String], Vec<String>)> {
        self.rows.values().map(|row| (self.layouts[usize::from(row.layout)].as_slice(), unpack(&row.values)))
    }

    /// Puts a row in, in place of one with the same identifiers.
    pub(crate) fn add(&mut self, platform: Platform, columns: &[String], values: &[String]) {
        let named = identifiers(platform, columns, values);
        for number in self.candidates(platform, &named) {
            let Some((held_columns, held_values)) = self.row(number) else { continue };
            let held = identifiers(platform, held_columns, &held_values);
            // `TikTok` knows people by single identifiers: of two rows, one within the other, the wider stays.
            let tiktok = platform == Platform::Tiktok;
            let (wider, narrower) = (within(&named, &held), within(&held, &named));
            if narrower && (wider || tiktok) {
                self.take_out(platform, number);
            } else if wider && tiktok {
                return;
            }
        }
        let number = self.next;
        self.next += 1;
        let layout = self.layout(columns);
        self.rows.insert(number, Row { layout, values: pack(values) });
        for identifier in named {
            self.index
                .entry(key(identifier))
                .and_modify(|holders| match holders {
                    Holders::One(row) => *holders = Holders::Many(vec![*row, number]),
                    Holders::Many(rows) => rows.push(number),
                })
                .or_insert(Holders::One(number));
        }
    }

    /// Takes out what a row names. `TikTok` forgets each identifier by itself, and a row when its
    /// last one is gone; the others take out the rows that have all of the identifiers.
    pub(crate) fn remove(&mut self, platform: Platform, columns: &[String], values: &[String]) {
        let named = identifiers(platform, columns, values);
        for number in self.candidates(platform, &named) {
            let Some((held_columns, held_values)) = self.row(number) else { continue };
            let held = identifiers(platform, held_columns, &held_values);
            if platform == Platform::Tiktok {
                let left: Vec<Identifier> = held.iter().filter(|one| !named.contains(one)).copied().collect();
                if left.len() == held.len() {
                    continue;
                }
                let columns: Vec<String> = left.iter().map(|(column, _)| (*column).to_owned()).collect();
                let values: Vec<String> = left.iter().map(|(_, value)| (*value).to_owned()).collect();
                self.take_out(platform, number);
                if !values.is_empty() {
                    self.add(platform, &columns, &values);
                }
            } else if !named.is_empty() && within(&named, &held) {
                self.take_out(platform, number);
            }
        }
    }

    /// The rows to look at, each once: at `TikTok` those that share an identifier, elsewhere those
    /// that may have them all, which the rarest of them leads to (many people are called Mary).
    fn candidates(&self, platform: Platform, identifiers: &[Identifier]) -> Vec<u32> {
        let holders = identifiers
            .iter()
            .map(|identifier| self.index.get(&key(*identifier)).map_or(&[] as &[u32], Holders::as_slice));
        if platform != Platform::Tiktok {
            return holders.min_by_key(|rows| rows.len()).unwrap_or_default().to_vec();
        }
        let mut numbers: Vec<u32> = holders.flatten().copied().collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    }

    /// The columns and values of a row.
    fn row(&self, number: u32) -> Option<(&[String], Vec<String>)> {
        let row = self.rows.get(&number)?;
        Some((self.layouts[usize::from(row.layout)].as_slice(), unpack(&row.values)))
    }

    fn take_out(&mut self, platform: Platform, number: u32) {
        let keys: Vec<u64> = self
            .row(number)
            .map(|(columns, values)| identifiers(platform, columns, &values).into_iter().map(key).collect())
            .unwrap_or_default();
        self.rows.remove(&number);
        for key in keys {
            let left: Vec<u32> = self
                .index
                .get(&key)
                .map(|holders| holders.as_slice().iter().copied().filter(|other| *other != number).collect())
                .unwrap_or_default();
            match left.as_slice() {
                [] => self.index.remove(&key),
                [one] => self.index.insert(key, Holders::One(*one)),
                _ => self.index.insert(key, Holders::Many(left)),
            };
        }
    }

    /// The number of a layout of columns; platforms know few.
    fn layout(&mut self, columns: &[String]) -> u16 {
        let number = self.layouts.iter().position(|known| known == columns).unwrap_or_else(|| {
            self.layouts.push(columns.to_vec());
            self.layouts.len() - 1
        });
        u16::try_from(number).unwrap_or(u16::MAX)
    }
}

/// Whether all of the first are among the second.
fn within(some: &[Identifier], all: &[Identifier]) -> bool {
    some.iter().all(|identifier| all.contains(identifier))
}

fn key(identifier: Identifier) -> u64 {
    let mut hasher = DefaultHasher::new();
    identifier.hash(&mut hasher);
    hasher.finish()
}

/// What identifies a row: at Meta the customer's own id, address, phone and mobile id, or the name
/// and postcode where there is none of the last three; elsewhere every value.
fn identifiers<'a>(platform: Platform, columns: &'a [String], values: &'a [String]) -> Vec<Identifier<'a>> {
    let present = |wanted: &dyn Fn(&str) -> bool| -> Vec<Identifier<'a>> {
        columns
            .iter()
            .zip(values)
            .filter(|(column, value)| !value.is_empty() && wanted(column))
            .map(|(column, value)| (column.as_str(), value.as_str()))
            .collect()
    };
    if platform != Platform::Meta {
        return present(&|_| true);
    }
    let strong = |column: &str| matches!(column, "EMAIL" | "PHONE" | "MADID");
    if present(&strong).is_empty() {
        present(&|column| matches!(column, "EXTERN_ID" | "FN" | "LN" | "ZIP"))
    } else {
        present(&|column| column == "EXTERN_ID" || strong(column))
    }
}

/// Values end to end: a 0 and 32 bytes for a hash, else the length plus one in four bytes and the text.
fn pack(values: &[String]) -> Box<[u8]> {
    let mut packed = Vec::new();
    for value in values {
        match hex::decode(value) {
            Ok(bytes) if check::is_hex(value, 64) => {
                packed.extend_from_slice(&0_u32.to_be_bytes());
                packed.extend_from_slice(&bytes);
            }
            _ => {
                let length = u32::try_from(value.len()).unwrap_or(u32::MAX - 1) + 1;
                packed.extend_from_slice(&length.to_be_bytes());
                packed.extend_from_slice(value.as_bytes());
            }
        }
    }
    packed.into_boxed_slice()
}

fn unpack(mut packed: &[u8]) -> Vec<String> {
    let mut values = Vec::new();
    while let Some((length, rest)) = packed.split_first_chunk::<4>() {
        let length = u32::from_be_bytes(*length) as usize;
        let (taken, is_hash) = if length == 0 { (32, true) } else { (length - 1, false) };
        let (value, rest) = rest.split_at(taken.min(rest.len()));
        values.push(if is_hash { hex::encode(value) } else { String::from_utf8_lossy(value).into_owned() });
        packed = rest;
    }
    values
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_held_is_what_was_added_and_not_removed(
            steps in proptest::collection::vec((any::<bool>(), 0..3_u8, 0..3_u8), 0..40),
            platform in proptest::sample::select(vec![Platform::Criteo, Platform::Tiktok]),
        ) {
            let columns = text(&["EMAIL_SHA256", "PHONE_SHA256"]);
            let mut members = Members::default();
            // Criteo holds rows, TikTok single identifiers; 0 is an absent value.
            let mut rows: BTreeSet<Vec<(String, String)>> = BTreeSet::new();
            let mut singles: BTreeSet<(String, String)> = BTreeSet::new();
            for (add, email, phone) in steps {
                let value = |n: u8| if n == 0 { String::new() } else { n.to_string() };
                let row = [value(email), value(phone)];
                let named = owned(platform, &columns, &row);
                if named.is_empty() {
                    continue;
                }
                if add {
                    members.add(platform, &columns, &row);
                    rows.insert(named.clone());
                    singles.extend(named);
                } else {
                    members.remove(platform, &columns, &row);
                    rows.retain(|held| !named.iter().all(|one| held.contains(one)));
                    singles.retain(|held| !named.contains(held));
                }
                let held: Vec<Vec<(String, String)>> =
                    members.rows().map(|(columns, values)| owned(platform, columns, &values)).collect();
                if platform == Platform::Criteo {
                    prop_assert_eq!(held.len(), rows.len());
                    prop_assert_eq!(&held.into_iter().collect::<BTreeSet<_>>(), &rows);
                    prop_assert_eq!(members.identifiers(), rows.iter().flatten().collect::<BTreeSet<_>>().len());
                } else {
                    for (n, one) in held.iter().enumerate() {
                        let part_of_another = held
                            .iter()
                            .enumerate()
                            .any(|(m, other)| m != n && one.iter().all(|single| other.contains(single)));
                        prop_assert!(!part_of_another, "no row is within another");
                    }
                    prop_assert_eq!(&held.into_iter().flatten().collect::<BTreeSet<_>>(), &singles);
                    prop_assert_eq!(members.identifiers(), singles.len());
                }
            }
        }
    }

    fn owned(platform: Platform, columns: &[String], values: &[String]) -> Vec<(String, String)> {
        let named = identifiers(platform, columns, values);
        named.into_iter().map(|(column, value)| (column.to_owned(), value.to_owned())).collect()
    }

    fn text(values: &[&str]) -> Vec<String> {
        values.iter().map(|value| (*value).to_owned()).collect()
    }

    #[test]
    fn packing_gives_back_every_value() {
        let values = text(&["", "a", &"ab".repeat(32), "Zoë", &"AB".repeat(32), &"x".repeat(300)]);
        assert_eq!(unpack(&pack(&values)), values);
    }

    #[test]
    fn tiktok_forgets_an_identifier_in_every_row_and_merges_what_is_left() {
        let columns = text(&["EMAIL_SHA256", "PHONE_SHA256"]);
        let mut members = Members::default();
        members.add(Platform::Tiktok, &columns, &text(&["e1", "p1"]));
        members.add(Platform::Tiktok, &columns, &text(&["e1", "p2"]));
        assert_eq!(members.len(), 2, "a household shares an address");
        members.remove(Platform::Tiktok, &columns, &text(&["", "p2"]));
        assert_eq!(members.len(), 1, "what is left of the second row is within the first");
        members.remove(Platform::Tiktok, &columns, &text(&["e1", ""]));
        assert_eq!(members.rows().map(|(_, values)| values).collect::<Vec<_>>(), [text(&["p1"])]);
    }

    #[test]
    fn meta_replaces_a_row_with_the_same_identifiers_and_removes_by_those_given() {
        let columns = text(&["EXTERN_ID", "EMAIL", "CT"]);
        let mut members = Members::default();
        members.add(Platform::Meta, &columns, &text(&["c1", "e", "paris"]));
        members.add(Platform::Meta, &columns, &text(&["c1", "e", "lyon"]));
        members.add(Platform::Meta, &columns, &text(&["c2", "e", "lyon"]));
        assert_eq!(members.len(), 2);
        members.remove(Platform::Meta, &text(&["EXTERN_ID", "EMAIL"]), &text(&["c1", "e"]));
        assert_eq!(members.rows().map(|(_, values)| values).collect::<Vec<_>>(), [text(&["c2", "e", "lyon"])]);
    }
}
