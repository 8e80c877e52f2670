//! The three tables of a workspace as Arrow rows, and Parquet files that appear complete or not at all.

use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanBuilder, Date32Builder, Decimal128Builder, Int32Builder, Int64Builder, RecordBatch, StringBuilder,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use crate::error::DemoError;
use crate::orders::History;
use crate::person::Person;

/// US dollars with cents.
pub(crate) const AMOUNT: DataType = DataType::Decimal128(12, 2);

/// Rows of a row group.
const ROW_GROUP: usize = 122_880;

fn properties() -> WriterProperties {
    WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(ROW_GROUP))
        .set_created_by("consign".to_owned())
        .build()
}

/// Writes record batches as one Parquet file.
pub(crate) fn write_parquet(
    schema: &SchemaRef,
    batches: &[RecordBatch],
    into: impl Write + Send,
) -> Result<(), ParquetError> {
    let mut writer = ArrowWriter::try_new(into, Arc::clone(schema), Some(properties()))?;
    for batch in batches {
        writer.write(batch)?;
    }
    writer.close().map(drop)
}

/// Rows of a table, collected until they are taken as a record batch.
pub(crate) trait Rows {
    /// The columns.
    fn schema() -> SchemaRef;

    /// What was collected since it was last taken.
    fn take(&mut self) -> Result<RecordBatch, ArrowError>;
}

/// A table's file while it is written: it gets its name when it is complete.
pub(crate) struct TableFile {
    path: PathBuf,
    unfinished: PathBuf,
    writer: ArrowWriter<File>,
    rows: u64,
}

impl TableFile {
    /// Begins the file of a table of those rows.
    pub(crate) fn create<R: Rows>(path: PathBuf) -> Result<Self, DemoError> {
        let unfinished = path.with_extension("parquet.tmp");
        let file = File::create(&unfinished).map_err(DemoError::io(&path))?;
        let writer = ArrowWriter::try_new(file, R::schema(), Some(properties())).map_err(DemoError::table(&path))?;
        Ok(Self { path, unfinished, writer, rows: 0 })
    }

    /// Appends what `rows` has collected.
    pub(crate) fn write(&mut self, rows: &mut impl Rows) -> Result<(), DemoError> {
        let batch = rows.take()?;
        self.rows += batch.num_rows() as u64;
        self.writer.write(&batch).map_err(DemoError::table(&self.path))
    }

    /// Completes the file and gives it its name. Gives the path and the number of rows.
    pub(crate) fn finish(mut self) -> Result<(PathBuf, u64), DemoError> {
        self.writer.finish().map_err(DemoError::table(&self.path))?;
        fs::rename(&self.unfinished, &self.path).map_err(DemoError::io(&self.path))?;
        Ok((self.path.clone(), self.rows))
    }
}

/// What is not finished leaves nothing behind.
impl Drop for TableFile {
    fn drop(&mut self) {
        // After `finish` it has another name; and where it cannot be removed, why it was not finished matters more.
        let _ = fs::remove_file(&self.unfinished);
    }
}

fn table_schema(columns: &[(&str, DataType)]) -> SchemaRef {
    let field = |(i, (name, data_type)): (usize, &(&str, DataType))| Field::new(*name, data_type.clone(), i > 0);
    Arc::new(Schema::new(columns.iter().enumerate().map(field).collect::<Vec<_>>()))
}

/// Rows of `Merged_Customers`: who the customers are.
#[derive(Default)]
pub(crate) struct CustomerRows {
    customer_id: StringBuilder,
    email: StringBuilder,
    phone: StringBuilder,
    given_name: StringBuilder,
    surname: StringBuilder,
    address: StringBuilder,
    city: StringBuilder,
    state: StringBuilder,
    postal: StringBuilder,
    country: StringBuilder,
    birthdate: Date32Builder,
    gender: StringBuilder,
}

impl CustomerRows {
    pub(crate) fn push(&mut self, customer_id: &str, person: &Person) {
        self.customer_id.append_value(customer_id);
        self.email.append_option(person.email.as_deref());
        self.phone.append_option(person.phone.as_deref());
        self.given_name.append_option(person.given_name.as_deref());
        self.surname.append_option(person.surname.as_deref());
        self.address.append_option(person.address.as_deref());
        self.city.append_option(person.city.as_deref());
        self.state.append_option(person.state.as_deref());
        self.postal.append_option(person.postal.as_deref());
        self.country.append_option(person.country.as_deref());
        self.birthdate.append_option(person.birthdate);
        self.gender.append_option(person.gender.as_deref());
    }
}

impl Rows for CustomerRows {
    fn schema() -> SchemaRef {
        table_schema(&[
            ("customer_id", DataType::Utf8),
            ("email", DataType::Utf8),
            ("phone", DataType::Utf8),
            ("given_name", DataType::Utf8),
            ("surname", DataType::Utf8),
            ("address", DataType::Utf8),
            ("city", DataType::Utf8),
            ("state", DataType::Utf8),
            ("postal", DataType::Utf8),
            ("country", DataType::Utf8),
            ("birthdate", DataType::Date32),
            ("gender", DataType::Utf8),
        ])
    }

    fn take(&mut self) -> Result<RecordBatch, ArrowError> {
        let columns: Vec<ArrayRef> = vec![
            Arc::new(self.customer_id.finish()),
            Arc::new(self.email.finish()),
            Arc::new(self.phone.finish()),
            Arc::new(self.given_name.finish()),
            Arc::new(self.surname.finish()),
            Arc::new(self.address.finish()),
            Arc::new(self.city.finish()),
            Arc::new(self.state.finish()),
            Arc::new(self.postal.finish()),
            Arc::new(self.country.finish()),
            Arc::new(self.birthdate.finish()),
            Arc::new(self.gender.finish()),
        ];
        RecordBatch::try_new(Self::schema(), columns)
    }
}

/// Rows of `Customer_360`: what the customers bought and what they agreed to.
pub(crate) struct ProfileRows {
    customer_id: StringBuilder,
    lifetime_value: Decimal128Builder,
    order_count: Int64Builder,
    first_order: Date32Builder,
    last_order: Date32Builder,
    days_since_last_order: Int64Builder,
    lifecycle_status: StringBuilder,
    email_opt_in: BooleanBuilder,
    sms_opt_in: BooleanBuilder,
}

impl Default for ProfileRows {
    fn default() -> Self {
        Self {
            customer_id: StringBuilder::new(),
            lifetime_value: Decimal128Builder::new().with_data_type(AMOUNT),
            order_count: Int64Builder::new(),
            first_order: Date32Builder::new(),
            last_order: Date32Builder::new(),
            days_since_last_order: Int64Builder::new(),
            lifecycle_status: StringBuilder::new(),
            email_opt_in: BooleanBuilder::new(),
            sms_opt_in: BooleanBuilder::new(),
        }
    }
}

impl ProfileRows {
    pub(crate) fn push(&mut self, customer_id: &str, history: &History, person: &Person) {
        self.customer_id.append_value(customer_id);
        self.lifetime_value.append_value(history.lifetime_value);
        self.order_count.append_value(history.orders);
        self.first_order.append_value(history.first);
        self.last_order.append_value(history.last);
        self.days_since_last_order.append_value(history.days_since_last());
        self.lifecycle_status.append_value(history.lifecycle_status());
        self.email_opt_in.append_option(person.email_opt_in);
        self.sms_opt_in.append_option(person.sms_opt_in);
    }
}

impl Rows for ProfileRows {
    fn schema() -> SchemaRef {
        table_schema(&[
            ("customer_id", DataType::Utf8),
            ("lifetime_value", AMOUNT),
            ("order_count", DataType::Int64),
            ("first_order", DataType::Date32),
            ("last_order", DataType::Date32),
            ("days_since_last_order", DataType::Int64),
            ("lifecycle_status", DataType::Utf8),
            ("email_opt_in", DataType::Boolean),
            ("sms_opt_in", DataType::Boolean),
        ])
    }

    fn take(&mut self) -> Result<RecordBatch, ArrowError> {
        let columns: Vec<ArrayRef> = vec![
            Arc::new(self.customer_id.finish()),
            Arc::new(self.lifetime_value.finish()),
            Arc::new(self.order_count.finish()),
            Arc::new(self.first_order.finish()),
            Arc::new(self.last_order.finish()),
            Arc::new(self.days_since_last_order.finish()),
            Arc::new(self.lifecycle_status.finish()),
            Arc::new(self.email_opt_in.finish()),
            Arc::new(self.sms_opt_in.finish()),
        ];
        RecordBatch::try_new(Self::schema(), columns)
    }
}

/// Rows of `Orders`.
pub(crate) struct OrderRows {
    order_id: StringBuilder,
    customer_id: StringBuilder,
    ordered_on: Date32Builder,
    quantity: Int32Builder,
    amount: Decimal128Builder,
}

impl Default for OrderRows {
    fn default() -> Self {
        Self {
            order_id: StringBuilder::new(),
            customer_id: StringBuilder::new(),
            ordered_on: Date32Builder::new(),
            quantity: Int32Builder::new(),
            amount: Decimal128Builder::new().with_data_type(AMOUNT),
        }
    }
}

impl OrderRows {
    pub(crate) fn push(&mut self, order_id: &str, order: &crate::orders::Order) {
        self.order_id.append_value(order_id);
        self.customer_id.append_value(&order.customer_id);
        self.ordered_on.append_value(order.ordered_on);
        self.quantity.append_value(order.quantity);
        self.amount.append_value(order.amount);
    }
}

impl Rows for OrderRows {
    fn schema() -> SchemaRef {
        table_schema(&[
            ("order_id", DataType::Utf8),
            ("customer_id", DataType::Utf8),
            ("ordered_on", DataType::Date32),
            ("quantity", DataType::Int32),
            ("amount", AMOUNT),
        ])
    }

    fn take(&mut self) -> Result<RecordBatch, ArrowError> {
        let columns: Vec<ArrayRef> = vec![
            Arc::new(self.order_id.finish()),
            Arc::new(self.customer_id.finish()),
            Arc::new(self.ordered_on.finish()),
            Arc::new(self.quantity.finish()),
            Arc::new(self.amount.finish()),
        ];
        RecordBatch::try_new(Self::schema(), columns)
    }
}
