//! The packaged orders: every purchase of 23,570 customers of an online music shop, January 1997 to June 1998
//! (`examples/cdnow/README.md`).

use std::io::{Read, Write};
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::csv::ReaderBuilder;
use arrow::datatypes::{DataType, Date32Type, Decimal128Type, Field, Int32Type, Schema, SchemaRef};
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::error::DemoError;
use crate::tables::{AMOUNT, write_parquet};

static PACKAGED: &[u8] = include_bytes!("../../../examples/cdnow/orders.parquet");

/// An order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Order {
    pub(crate) customer_id: String,
    /// Days since 1970-01-01.
    pub(crate) ordered_on: i32,
    /// CDs.
    pub(crate) quantity: i32,
    /// Cents of a US dollar.
    pub(crate) amount: i128,
}

fn schema(names: [&str; 4]) -> SchemaRef {
    let types = [DataType::Utf8, DataType::Date32, DataType::Int32, AMOUNT];
    let field = |(name, data_type)| Field::new(name, data_type, false);
    Arc::new(Schema::new(names.into_iter().zip(types).map(field).collect::<Vec<_>>()))
}

/// All packaged orders: customer by customer, each customer's by date.
pub(crate) fn packaged() -> Result<Vec<Order>, DemoError> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(Bytes::from_static(PACKAGED))?.build()?;
    let mut orders = Vec::new();
    for batch in reader {
        let batch = batch?;
        let customer_ids = batch.column(0).as_string::<i32>();
        let days = batch.column(1).as_primitive::<Date32Type>();
        let quantities = batch.column(2).as_primitive::<Int32Type>();
        let amounts = batch.column(3).as_primitive::<Decimal128Type>();
        orders.extend((0..batch.num_rows()).map(|row| Order {
            customer_id: customer_ids.value(row).to_owned(),
            ordered_on: days.value(row),
            quantity: quantities.value(row),
            amount: amounts.value(row),
        }));
    }
    Ok(orders)
}

/// Packs orders: reads CSV with the columns `customer_id`, `order_date`, `quantity` and `revenue`, and writes the
/// Parquet file that this crate embeds. Gives the number of orders.
pub fn pack(csv: impl Read, into: impl Write + Send) -> Result<usize, DemoError> {
    let given = schema(["customer_id", "order_date", "quantity", "revenue"]);
    let named = schema(["customer_id", "ordered_on", "quantity", "amount"]);
    let batches = ReaderBuilder::new(given)
        .with_header(true)
        .build(csv)?
        .map(|batch| RecordBatch::try_new(Arc::clone(&named), batch?.columns().to_vec()))
        .collect::<Result<Vec<_>, _>>()?;
    write_parquet(&named, &batches, into)?;
    Ok(batches.iter().map(RecordBatch::num_rows).sum())
}

/// The purchases of one customer, summed up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct History {
    pub(crate) orders: i64,
    /// Cents of a US dollar.
    pub(crate) lifetime_value: i128,
    /// Days since 1970-01-01.
    pub(crate) first: i32,
    /// Days since 1970-01-01.
    pub(crate) last: i32,
}

impl History {
    /// The history of a customer with orders; `None` without any.
    pub(crate) fn of(orders: &[Order]) -> Option<Self> {
        let days = || orders.iter().map(|order| order.ordered_on);
        Some(Self {
            orders: orders.len() as i64,
            lifetime_value: orders.iter().map(|order| order.amount).sum(),
            first: days().min()?,
            last: days().max()?,
        })
    }

    /// Days from the last order to [`AS_OF`].
    pub(crate) fn days_since_last(&self) -> i64 {
        i64::from(AS_OF) - i64::from(self.last)
    }

    /// Where the customer stands by [`AS_OF`].
    pub(crate) fn lifecycle_status(&self) -> &'static str {
        match self.days_since_last() {
            ..=90 => "active",
            91..=180 => "cooling_down",
            181..=365 => "at_risk",
            _ => "lapsed",
        }
    }
}

/// 1998-06-30, the last day of the orders, in days since 1970-01-01.
pub(crate) const AS_OF: i32 = 10_407;

#[cfg(test)]
mod tests {
    use super::*;

    fn history(last: i32) -> History {
        History { orders: 1, lifetime_value: 0, first: last, last }
    }

    #[test]
    fn the_day_of_the_lifecycle_is_the_last_of_june_1998() {
        assert_eq!(chrono::NaiveDate::from_epoch_days(AS_OF).unwrap().to_string(), "1998-06-30");
    }

    #[test]
    fn a_lifecycle_status_begins_the_day_after_the_one_before_ends() {
        let status = |days| history(AS_OF - days).lifecycle_status();
        assert_eq!(
            [status(0), status(90), status(91), status(180)],
            ["active", "active", "cooling_down", "cooling_down"]
        );
        assert_eq!([status(181), status(365), status(366)], ["at_risk", "at_risk", "lapsed"]);
    }
}
