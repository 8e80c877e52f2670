//! Workspaces of the demo's form with any number of customers, for measuring. The same number of customers gives the
//! same bytes.

use std::path::Path;

use crate::draw::{Draw, Purpose};
use crate::error::DemoError;
use crate::orders::{AS_OF, Order};
use crate::person::Person;
use crate::phone::Numbers;
use crate::{Tables, Written, workspace, write_padded};

/// Customers that are held in memory before they are written.
const BATCH: u64 = 32_768;

/// Days in which orders were made, as in the demo.
const DAYS: u32 = 546;

/// Writes a workspace of that many customers, each with 1 to 12 orders. The folder is made; one that holds anything
/// but an earlier workspace of the demo's form is refused, and such a one is written over.
///
/// Unlike in the demo every phone number is a customer's own, since measuring needs more numbers than there are for
/// fiction: the lists must not leave the machine.
pub fn write(folder: &Path, customers: u64) -> Result<Written, DemoError> {
    workspace::prepare(folder, true)?;
    let definitions = workspace::write_definitions(folder)?;
    let mut tables = Tables::create(folder)?;
    let mut order_number = 0;
    let mut customer_id = String::new();
    let mut orders = Vec::new();
    for number in 1..=customers {
        write_padded(&mut customer_id, number, 8);
        purchases(number, &customer_id, &mut orders);
        tables.customer(&customer_id, &Person::of(number, Numbers::Distinct), &orders, &mut |text| {
            order_number += 1;
            write_padded(text, order_number, 9);
        });
        if number.is_multiple_of(BATCH) {
            tables.flush()?;
        }
    }
    Ok(Written { tables: tables.finish()?, definitions })
}

/// Invents the orders of a customer, by date.
fn purchases(number: u64, customer_id: &str, orders: &mut Vec<Order>) {
    let mut draw = Draw::of(number, Purpose::Purchases);
    orders.clear();
    let mut day = AS_OF - 1 - draw.below(DAYS).cast_signed();
    while orders.len() < 12 && day < AS_OF {
        let quantity = 1 + draw.below(4).cast_signed();
        let amount = i128::from(quantity) * i128::from(899 + draw.below(1_100));
        orders.push(Order { customer_id: customer_id.to_owned(), ordered_on: day, quantity, amount });
        if draw.chance(350) {
            break;
        }
        day += 1 + draw.below(120).cast_signed();
    }
}
