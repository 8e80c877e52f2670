//! Splits: where a customer stands, and which group owns that place. Integers only (design, "Splits"), so that any
//! language or warehouse that has SHA-256 recomputes them; `docs/splits.md` gives the SQL.

use sha2::{Digest, Sha256};

/// Percentages are whole hundredths: `10000` is 100 %.
pub const WHOLE: u32 = 10_000;

/// A customer's place on the line of 2^64 places: the first 8 bytes, big-endian, of
/// SHA-256(`split_key`, the byte 0x1F, `customer_key`), both UTF-8.
#[derive(Debug, Clone)]
pub struct Positions {
    prefix: Sha256,
}

impl Positions {
    /// The positions under one split key.
    pub fn new(split_key: &str) -> Self {
        Self { prefix: Sha256::new().chain_update(split_key.as_bytes()).chain_update([0x1F]) }
    }

    /// The position of a customer.
    pub fn of(&self, customer_key: &str) -> u64 {
        let digest = self.prefix.clone().chain_update(customer_key.as_bytes()).finalize();
        let mut head = [0; 8];
        head.copy_from_slice(&digest[..8]);
        u64::from_be_bytes(head)
    }
}

/// Where each group's range ends: `T_k = floor(2^64 * cumulative hundredths / 10000)`, the last at 2^64.
///
/// `hundredths` are the groups' percentages in hundredths, the control group first, then the others as shown. A
/// customer belongs to the first group with `position < T_k`.
pub fn thresholds(hundredths: &[u32]) -> Vec<u128> {
    let mut cumulative = 0_u128;
    hundredths
        .iter()
        .map(|share| {
            cumulative += u128::from(*share);
            (cumulative << 64) / u128::from(WHOLE)
        })
        .collect()
}

/// The group that owns a position, as an index into `thresholds`.
pub fn group_of(position: u64, thresholds: &[u128]) -> Option<usize> {
    thresholds.iter().position(|end| u128::from(position) < *end)
}

/// The sizes of an exact split of `customers` by the largest remainder; of equal remainders the earlier group wins.
/// The sizes add up to `customers` where the hundredths add up to [`WHOLE`].
pub fn exact_sizes(customers: u64, hundredths: &[u32]) -> Vec<u64> {
    let whole = u128::from(WHOLE);
    let quota = |share: &u32| u128::from(customers) * u128::from(*share);
    let floor = |share: &u32| u64::try_from(quota(share) / whole).unwrap_or(u64::MAX);
    let mut sizes: Vec<u64> = hundredths.iter().map(floor).collect();
    let mut left = customers.saturating_sub(sizes.iter().sum());
    let mut by_remainder: Vec<usize> = (0..hundredths.len()).collect();
    by_remainder.sort_by_key(|group| std::cmp::Reverse(quota(&hundredths[*group]) % whole));
    for group in by_remainder {
        if left == 0 {
            break;
        }
        sizes[group] += 1;
        left -= 1;
    }
    sizes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The vectors of the design.
    #[test]
    fn positions_are_those_of_the_design() {
        for (split_key, customer_key, position) in [
            ("churn_prevention", "00001", 975_209_905_131_070_160),
            ("churn_prevention", "00002", 16_953_658_298_342_535_392),
            ("churn_prevention", "23570", 13_226_826_875_792_774_010),
            ("churn_prevention", "Zoë", 13_265_666_122_794_208_697),
            ("a", "", 7_637_142_621_337_547_916),
            ("", "a", 12_829_837_447_963_907_696),
        ] {
            assert_eq!(Positions::new(split_key).of(customer_key), position, "{split_key} {customer_key}");
        }
    }

    #[test]
    fn thresholds_and_counts_are_those_of_the_design() {
        let ends = thresholds(&[1000, 4500, 4500]);
        assert_eq!(ends, [1_844_674_407_370_955_161, 10_145_709_240_540_253_388, 1 << 64]);
        let positions = Positions::new("churn_prevention");
        let mut counts = [0; 3];
        for key in 1..=23_570 {
            counts[group_of(positions.of(&format!("{key:05}")), &ends).unwrap()] += 1;
        }
        assert_eq!(counts, [2383, 10_464, 10_723]);
    }

    prop_compose! {
        /// Percentages that add up to 100, each at least a hundredth.
        fn shares()(cuts in prop::collection::btree_set(1..WHOLE, 0..6)) -> Vec<u32> {
            let mut from = 0;
            cuts.into_iter().chain([WHOLE]).map(|to| { let share = to - from; from = to; share }).collect()
        }
    }

    proptest! {
        #[test]
        fn every_position_has_exactly_one_group(shares in shares(), position: u64) {
            let ends = thresholds(&shares);
            prop_assert!(group_of(position, &ends).is_some());
            prop_assert!(ends.is_sorted());
        }

        #[test]
        fn a_smaller_control_is_inside_a_larger_one(small in 1..WHOLE, more in 1..WHOLE, position: u64) {
            let large = (small + more).min(WHOLE);
            let control = |share| group_of(position, &thresholds(&[share, WHOLE - share])) == Some(0);
            prop_assert!(!control(small) || control(large));
        }

        #[test]
        fn exact_sizes_add_up_and_stay_within_one_of_the_share(shares in shares(), customers in 0..5_000_000_u64) {
            let sizes = exact_sizes(customers, &shares);
            prop_assert_eq!(sizes.iter().sum::<u64>(), customers);
            for (size, share) in sizes.iter().zip(&shares) {
                let floor = customers * u64::from(*share) / u64::from(WHOLE);
                prop_assert!(*size == floor || *size == floor + 1);
            }
        }
    }
}
