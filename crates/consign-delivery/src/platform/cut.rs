//! Where files end: rows come in batches of any size, and each file but the last holds as many as a file may.

/// The files of one list, as its rows go by.
#[derive(Debug)]
pub(super) struct Cut {
    /// The most rows of a file; at least one.
    most: usize,
    /// Rows of the file that is open.
    held: usize,
    /// Rows that have not gone by.
    left: u64,
}

/// The next rows of a batch.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Piece {
    /// How many.
    pub rows: usize,
    /// Whether the file ends with them.
    pub ends: bool,
}

impl Cut {
    /// Of so many rows in all.
    pub fn new(total: u64, most: usize) -> Self {
        Self { most: most.max(1), held: 0, left: total }
    }

    /// What of a batch's next rows, at least one, belongs to the file that is open.
    pub fn next(&mut self, rows: usize) -> Piece {
        let rows = rows.min(self.most - self.held);
        self.left = self.left.saturating_sub(rows as u64);
        self.held += rows;
        let ends = self.held == self.most || self.left == 0;
        if ends {
            self.held = 0;
        }
        Piece { rows, ends }
    }

    /// Whether all rows have gone by.
    pub fn is_done(&self) -> bool {
        self.left == 0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn each_file_is_full_but_the_last(batches in prop::collection::vec(1_usize..40, 1..20), most in 1_usize..60) {
            let total: usize = batches.iter().sum();
            let mut cut = Cut::new(total as u64, most);
            let (mut files, mut open) = (Vec::new(), 0);
            for batch in &batches {
                let mut from = 0;
                while from < *batch {
                    prop_assert!(!cut.is_done());
                    let piece = cut.next(batch - from);
                    prop_assert!(piece.rows > 0);
                    from += piece.rows;
                    open += piece.rows;
                    if piece.ends {
                        files.push(std::mem::take(&mut open));
                    }
                }
                prop_assert_eq!(from, *batch);
            }
            prop_assert!(cut.is_done());
            prop_assert_eq!(open, 0);
            prop_assert_eq!(files.len(), total.div_ceil(most));
            let (last, full) = files.split_last().expect("there are rows");
            prop_assert!(full.iter().all(|rows| *rows == most) && *last <= most);
            prop_assert_eq!(files.iter().sum::<usize>(), total);
        }
    }
}
