//! What every store does with calls that are made once.

use chrono::{TimeDelta, Utc};
use consign_store::{Calls, SqlStore, Store};

use crate::suite::{FOLDER, definitions, new_run};

pub async fn a_call_with_a_known_key_is_told_the_run_that_the_first_began(store: &SqlStore) {
    store.apply(&definitions("all"), FOLDER, "ada").await.expect("applied");
    let long_ago = Utc::now() - TimeDelta::days(30);
    let call = async |run: &str, since| store.remember_call("churn/click", run, since).await.expect("kept");
    assert_eq!(call("r1", long_ago).await, None);
    assert_eq!(call("r2", long_ago).await, None, "r1 never came to be");
    store.create_run(&new_run("r2", "churn")).await.expect("begun");
    assert_eq!(call("r3", long_ago).await.as_deref(), Some("r2"));
    assert_eq!(store.remember_call("churn/other", "r4", long_ago).await.expect("kept"), None);
    assert_eq!(call("r5", Utc::now() + TimeDelta::seconds(1)).await, None, "it is too long ago");
}
