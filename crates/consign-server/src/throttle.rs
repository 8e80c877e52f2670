//! How often somebody may try to log in.

use std::net::IpAddr;
use std::num::NonZero;
use std::time::Duration;

use axum::http::StatusCode;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::password::secret_hash;
use crate::refusal::{Answer, Refusal};

/// How often a name may be tried at once, and how long each further try takes.
const OF_NAME: (u32, Duration) = (10, Duration::from_secs(10));
/// The same for an address, from which many may come.
const OF_ADDRESS: (u32, Duration) = (60, Duration::from_secs(1));
/// How many names and addresses are known before those that have waited long enough are forgotten.
const KNOWN: usize = 10_000;

/// Counts tries by name and by address.
pub(crate) struct Throttle {
    names: DefaultKeyedRateLimiter<String>,
    addresses: DefaultKeyedRateLimiter<IpAddr>,
}

impl Default for Throttle {
    fn default() -> Self {
        Self { names: RateLimiter::keyed(quota(OF_NAME)), addresses: RateLimiter::keyed(quota(OF_ADDRESS)) }
    }
}

impl Throttle {
    /// Counts a try, and refuses it where there were too many.
    pub fn take(&self, name: &str, address: IpAddr) -> Answer<()> {
        if self.names.len() + self.addresses.len() > KNOWN {
            self.names.retain_recent();
            self.addresses.retain_recent();
        }
        // A name may be of any length, its hash is not.
        let tried = self.addresses.check_key(&address).and_then(|()| self.names.check_key(&secret_hash(name)));
        tried.map_err(|until| {
            let seconds = until.wait_time_from(DefaultClock::default().now()).as_secs() + 1;
            let detail = format!("there were too many tries to log in: wait {seconds} seconds");
            Refusal::new(StatusCode::TOO_MANY_REQUESTS, detail).after(seconds)
        })
    }
}

fn quota((burst, each): (u32, Duration)) -> Quota {
    let burst = NonZero::new(burst).unwrap_or(NonZero::<u32>::MIN);
    Quota::with_period(each).unwrap_or_else(|| Quota::per_second(burst)).allow_burst(burst)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_tried_only_so_often_from_wherever_and_an_address_whatever_the_name() {
        let throttle = Throttle::default();
        let address = |last: u8| IpAddr::from([192, 0, 2, last]);
        for last in 0..10 {
            throttle.take("ada", address(last)).expect("few enough");
        }
        let refused = throttle.take("ada", address(10)).expect_err("too many");
        assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
        throttle.take("zoe", address(10)).expect("another name");
        for number in 0..60 {
            throttle.take(&format!("user{number}"), address(20)).expect("few enough");
        }
        assert!(throttle.take("user60", address(20)).is_err());
    }
}
