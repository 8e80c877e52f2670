//! Requests that are not taken whole, against a platform that is as difficult as it can be: whatever it refuses, each row
//! ends in one place, and the good ones arrive.

use std::collections::BTreeSet;
use std::sync::Mutex;

use async_trait::async_trait;
use consign_destinations::client::{
    Answer, Client, ClientError, ErrorClass, Fix, FoundList, Job, JobState, Outgoing, Receipt, WantedList,
};
use consign_destinations::encode::Operation;
use consign_destinations::send::{Frame, Stop, send_rows};
use proptest::prelude::*;
use serde_json::Value;

use crate::wire::Rows;

/// How it refuses rows that it does not like.
#[derive(Debug, Clone, Copy)]
enum Manner {
    /// It names all at once.
    Everything,
    /// The first only.
    First,
    /// None.
    Nothing,
}

/// A platform that dislikes some rows, and requests of more than so many.
struct Difficult {
    manner: Manner,
    disliked: BTreeSet<String>,
    most: usize,
    /// After so many requests its list is gone.
    lasts: usize,
    taken: Mutex<Vec<String>>,
    requests: Mutex<usize>,
}

fn name(row: usize) -> String {
    format!("p{row}@example.com")
}

/// So many rows to be added.
fn rows_of(rows: usize) -> Rows {
    let emails: Vec<String> = (0..rows).map(name).collect();
    let emails: Vec<Option<&str>> = emails.iter().map(|email| Some(email.as_str())).collect();
    Rows::new("criteo", &[("email", "email")], &[("email", &emails)], "1", Operation::Add)
}

fn frame(batch: &Rows) -> Frame<'_> {
    Frame { list: &batch.list, operation: batch.operation, sequence: &batch.sequence, envelope: &batch.envelope }
}

fn never() -> ClientError {
    let (what, remedy) = ("a row is bad".into(), "look".into());
    ClientError { class: ErrorClass::Row, what, remedy, said: String::new(), uncertain: false }
}

#[async_trait]
impl Client for Difficult {
    async fn test(&self) -> Result<Vec<String>, ClientError> {
        Err(never())
    }

    async fn find_or_create(&self, _: &WantedList) -> Result<FoundList, ClientError> {
        Err(never())
    }

    async fn send(&self, request: Outgoing<'_>) -> Result<Answer, ClientError> {
        let body: Value = serde_json::from_slice(&request.body).expect("the body is JSON");
        let identifiers = body.pointer("/data/attributes/identifiers").and_then(Value::as_array).expect("it has rows");
        let rows: Vec<String> = identifiers.iter().map(|row| row.as_str().expect("it is text").to_owned()).collect();
        assert_eq!(rows.len(), request.rows);
        let made = {
            let mut requests = self.requests.lock().expect("nobody has panicked");
            *requests += 1;
            *requests
        };
        if made > self.lasts {
            return Ok(Answer::ListGone);
        }
        if rows.len() > self.most {
            return Ok(Answer::TooLarge { lasting: true });
        }
        let bad = rows.iter().enumerate().filter(|(_, row)| self.disliked.contains(*row)).map(|(at, _)| at);
        let bad: Vec<usize> = bad.collect();
        if bad.is_empty() {
            self.taken.lock().expect("nobody has panicked").extend(rows);
            return Ok(Answer::Accepted(Receipt::default()));
        }
        let fix = |row: &usize| Fix { row: *row, without: None, reason: "bad".into() };
        Ok(match self.manner {
            Manner::Everything => Answer::Refused(bad.iter().map(fix).collect()),
            Manner::First => Answer::Refused(bad.iter().take(1).map(fix).collect()),
            Manner::Nothing => Answer::BadRow(never()),
        })
    }

    async fn poll(&self, _: &Job) -> Result<JobState, ClientError> {
        Err(never())
    }
}

#[tokio::test]
async fn one_bad_row_does_not_sink_ten_thousand_whether_it_is_named_or_not() {
    let batch = rows_of(10_000);
    for manner in [Manner::Everything, Manner::First, Manner::Nothing] {
        let platform = Difficult {
            manner,
            disliked: BTreeSet::from([name(7_777)]),
            most: usize::MAX,
            lasts: usize::MAX,
            taken: Mutex::default(),
            requests: Mutex::default(),
        };
        let sent = send_rows(&platform, &batch.encoded, 0..10_000, frame(&batch), |_| {}).await;
        assert_eq!(sent.rejected.iter().map(|(row, _)| *row).collect::<Vec<_>>(), [7_777], "{manner:?}");
        assert!(sent.failed.is_empty() && sent.stopped.is_none(), "{manner:?}");
        assert_eq!(platform.taken.lock().expect("nobody has panicked").len(), 9_999, "{manner:?}");
    }
}

proptest! {
    #[test]
    fn each_row_ends_in_one_place_and_the_good_ones_arrive(
        rows in 1_usize..60,
        disliked in prop::collection::btree_set(0_usize..60, 0..12),
        manner in prop_oneof![Just(Manner::Everything), Just(Manner::First), Just(Manner::Nothing)],
        most in 1_usize..80,
        lasts in prop_oneof![Just(usize::MAX), 0_usize..20],
    ) {
        let batch = rows_of(rows);
        let platform = Difficult {
            manner, most, lasts,
            disliked: disliked.iter().copied().map(name).collect(),
            taken: Mutex::default(),
            requests: Mutex::default(),
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let mut told = 0;
        let sent = runtime.block_on(send_rows(&platform, &batch.encoded, 0..rows, frame(&batch), |_| told += 1));

        let taken: Vec<usize> = sent.taken.iter().flat_map(|taken| taken.rows.iter()).collect();
        let rejected: Vec<usize> = sent.rejected.iter().map(|(row, _)| *row).collect();
        let failed: Vec<usize> = sent.failed.iter().flat_map(|(rows, _)| rows.iter()).collect();
        let mut all: Vec<usize> = [taken.clone(), rejected.clone(), failed.clone(), sent.rest.iter().collect()].concat();
        all.sort_unstable();
        prop_assert_eq!(all, (0..rows).collect::<Vec<_>>());
        prop_assert_eq!(told, sent.taken.len());
        // What it took is what we believe that it took.
        let arrived: BTreeSet<String> = platform.taken.lock().expect("nobody has panicked").iter().cloned().collect();
        prop_assert_eq!(arrived, taken.iter().copied().map(name).collect::<BTreeSet<_>>());
        // No good row is given up, but where a search has ended without finding who is bad.
        prop_assert!(rejected.iter().all(|row| disliked.contains(row)));
        prop_assert!(failed.is_empty() || matches!(manner, Manner::Nothing));
        prop_assert_eq!(sent.stopped == Some(Stop::ListGone), !sent.rest.is_empty());
        if lasts == usize::MAX && !matches!(manner, Manner::Nothing) {
            prop_assert_eq!(rejected.len(), disliked.iter().filter(|row| **row < rows).count());
        }
        // A search takes thirty more requests, and so does a request that is too large about twice its pieces.
        if matches!(manner, Manner::Nothing) {
            prop_assert!(*platform.requests.lock().expect("nobody has panicked") <= 2 * rows.div_ceil(most) * 2 + 31);
        }
    }
}
