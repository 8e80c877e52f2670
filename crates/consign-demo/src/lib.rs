//! The demo workspace: real purchase histories joined with invented people, and the definitions of a campaign on them.
//! [`mod@bench`] makes workspaces of the same form with any number of customers, for measuring.
//!
//! Nobody in it exists. Names, addresses and birthdates are drawn from the customer's number; e-mail addresses are at
//! `example.com`, `example.org` and `example.net`, telephone numbers of ranges set aside for fiction. The same number
//! gives the same person on every machine.

mod areas;
pub mod bench;
mod country;
mod draw;
mod email;
mod error;
mod names;
mod orders;
mod person;
mod phone;
mod tables;
mod workspace;

use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};

pub use error::DemoError;
pub use orders::pack;

use orders::{History, Order};
use person::Person;
use phone::Numbers;
use tables::{CustomerRows, OrderRows, ProfileRows, TableFile};

/// How a workspace is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    /// Writes over definitions of an earlier demo that were changed since.
    pub force: bool,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The tables' files with their rows, in the order `Merged_Customers`, `Customer_360`, `Orders`.
    pub tables: Vec<(PathBuf, u64)>,
    /// The files of the definitions.
    pub definitions: Vec<PathBuf>,
}

/// The moment of the demo: the beginning of the last day of its orders, 1998-06-30, in the workspace's time zone.
pub fn as_of() -> DateTime<Utc> {
    let midnight = NaiveDate::from_epoch_days(orders::AS_OF).unwrap_or_default().and_time(NaiveTime::MIN);
    midnight.and_utc() + TimeDelta::hours(4)
}

/// Writes the demo workspace to a folder: 23,570 customers, 69,659 orders and a campaign. The folder is made; one that
/// holds anything but an earlier demo is refused.
pub fn write(folder: &Path, options: Options) -> Result<Written, DemoError> {
    workspace::prepare(folder, options.force)?;
    let definitions = workspace::write_definitions(folder)?;
    let mut tables = Tables::create(folder)?;
    let mut order_number = 0_u64;
    for orders in orders::packaged()?.chunk_by(|one, next| one.customer_id == next.customer_id) {
        let [first, ..] = orders else { continue };
        // Keys are numbers from 00001; a key that is none would be of nobody in particular.
        let number = first.customer_id.parse().unwrap_or(0);
        tables.customer(&first.customer_id, &Person::of(number, Numbers::Fictional), orders, &mut |text| {
            order_number += 1;
            write_padded(text, order_number, 6);
        });
    }
    Ok(Written { tables: tables.finish()?, definitions })
}

/// A number with leading zeros.
fn write_padded(text: &mut String, number: u64, width: usize) {
    use std::fmt::Write;
    text.clear();
    // Writing to a text cannot fail.
    let _ = write!(text, "{number:0width$}");
}

/// The tables of a workspace while they are written.
struct Tables {
    customers: (TableFile, CustomerRows),
    profiles: (TableFile, ProfileRows),
    orders: (TableFile, OrderRows),
    order_id: String,
}

impl Tables {
    fn create(folder: &Path) -> Result<Self, DemoError> {
        let path = |name: &str| folder.join(workspace::DATA).join(name);
        Ok(Self {
            customers: (TableFile::create::<CustomerRows>(path("Merged_Customers.parquet"))?, CustomerRows::default()),
            profiles: (TableFile::create::<ProfileRows>(path("Customer_360.parquet"))?, ProfileRows::default()),
            orders: (TableFile::create::<OrderRows>(path("Orders.parquet"))?, OrderRows::default()),
            order_id: String::new(),
        })
    }

    /// Collects the rows of one customer. `next_order_id` writes the id of each order.
    fn customer(&mut self, id: &str, person: &Person, orders: &[Order], next_order_id: &mut impl FnMut(&mut String)) {
        self.customers.1.push(id, person);
        if let Some(history) = History::of(orders) {
            self.profiles.1.push(id, &history, person);
        }
        for order in orders {
            next_order_id(&mut self.order_id);
            self.orders.1.push(&self.order_id, order);
        }
    }

    /// Writes what was collected, so that memory does not grow.
    fn flush(&mut self) -> Result<(), DemoError> {
        self.customers.0.write(&mut self.customers.1)?;
        self.profiles.0.write(&mut self.profiles.1)?;
        self.orders.0.write(&mut self.orders.1)
    }

    fn finish(mut self) -> Result<Vec<(PathBuf, u64)>, DemoError> {
        self.flush()?;
        [self.customers.0, self.profiles.0, self.orders.0].into_iter().map(TableFile::finish).collect()
    }
}
