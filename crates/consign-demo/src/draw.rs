//! Chance that is the same on every machine: a stream of draws for each customer and purpose.

/// What a stream of draws is for. Each purpose has a stream of its own, so that a new one leaves the others as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    Household,
    Home,
    Name,
    Spelling,
    Address,
    Email,
    Phone,
    Birth,
    Consent,
    Purchases,
}

/// A stream of draws (`SplitMix64`): every start gives a stream that looks independent of the others.
#[derive(Debug, Clone)]
pub(crate) struct Draw(u64);

impl Draw {
    /// The stream of a customer's number and a purpose.
    pub(crate) fn of(number: u64, purpose: Purpose) -> Self {
        let mut start = Self(number.wrapping_mul(0x10).wrapping_add(purpose as u64));
        Self(start.next())
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to below `end`; 0 where `end` is 0.
    pub(crate) fn below(&mut self, end: u32) -> u32 {
        // The high half of the product is below `end`.
        u32::try_from(((self.next() >> 32) * u64::from(end)) >> 32).unwrap_or(0)
    }

    /// True `share` times in 1,000.
    pub(crate) fn chance(&mut self, share: u32) -> bool {
        self.below(1_000) < share
    }

    /// One of several; `from` must not be empty.
    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        let end = u32::try_from(from.len()).unwrap_or(u32::MAX);
        from[self.below(end) as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_depends_on_the_customer_and_the_purpose_alone() {
        let first = |number, purpose| Draw::of(number, purpose).below(u32::MAX);
        assert_eq!(first(1, Purpose::Email), first(1, Purpose::Email));
        assert_ne!(first(1, Purpose::Email), first(1, Purpose::Phone));
        assert_ne!(first(1, Purpose::Email), first(2, Purpose::Email));
    }

    #[test]
    fn chance_comes_true_about_as_often_as_it_says() {
        let hits = (0..10_000).filter(|number| Draw::of(*number, Purpose::Name).chance(250)).count();
        assert!((2_350..2_650).contains(&hits), "{hits} of 10,000");
    }

    #[test]
    fn a_draw_stays_below_its_end() {
        let mut draw = Draw::of(7, Purpose::Home);
        assert!((0..1_000).all(|_| draw.below(3) < 3));
        assert_eq!(draw.below(0), 0);
    }
}
