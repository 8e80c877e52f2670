//! A snapshot in memory, and a plan that fits it.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BooleanArray, ListArray, RecordBatch, StringViewArray, StructArray, UInt16Array, UInt64Array,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use chrono::{TimeZone, Utc};
use consign_delivery::stage::{SnapshotReader, StageError};
use consign_model::definition::{ColumnRef, Split};
use consign_model::id::Slug;
use consign_model::plan::{
    AssignPlan, AttributeSource, CampaignPlan, CleanedColumn, PlannedAttribute, PlannedDelivery, PlannedGroup,
    PlannedSubAudience, Prehashed, RegionRule,
};
use consign_model::snapshot;
use consign_model::spec::{Hash, Normalisation, Rules, Settings, UniqueBy};
use futures::stream::{self, BoxStream, StreamExt};

/// A customer of a snapshot. Cleaned values: `None` is missing, empty invalid.
#[derive(Debug, Clone)]
pub struct Customer {
    pub group: Option<u16>,
    pub excluded: bool,
    pub consent: bool,
    pub email: Option<&'static str>,
    pub phone: Option<&'static str>,
    pub orders: Vec<&'static str>,
    /// After the snapshot was written.
    pub forgotten: bool,
}

/// The key of a customer by its place in the snapshot.
pub fn key(place: usize) -> String {
    format!("c{place:04}")
}

pub struct MemorySnapshot {
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
}

impl SnapshotReader for MemorySnapshot {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn rows(&self) -> u64 {
        self.batches.iter().map(|batch| batch.num_rows() as u64).sum()
    }

    fn batches(&self, columns: &[String]) -> BoxStream<'static, Result<RecordBatch, StageError>> {
        let project = |batch: &RecordBatch| {
            let places: Result<Vec<_>, _> = columns.iter().map(|name| batch.schema().index_of(name)).collect();
            Ok(batch.project(&places?)?)
        };
        let batches: Vec<_> = self.batches.iter().map(project).collect();
        stream::iter(batches).boxed()
    }
}

pub fn email() -> CleanedColumn {
    CleanedColumn {
        column: ColumnRef::new("Merged_Customers", "email"),
        normalisation: Normalisation::Email,
        prehashed: Prehashed::Sha256,
        region: None,
    }
}

pub fn phone() -> CleanedColumn {
    CleanedColumn {
        column: ColumnRef::new("Merged_Customers", "phone"),
        normalisation: Normalisation::Phone,
        prehashed: Prehashed::Sha256,
        region: Some(RegionRule { column: None, default_region: "US".into(), strict: false }),
    }
}

pub fn order() -> ColumnRef {
    ColumnRef::new("Orders", "product")
}

pub fn slug(text: &str) -> Slug {
    text.parse().expect("it is a slug")
}

/// The snapshot of these customers, in batches of so many rows.
pub fn snapshot(customers: &[Customer], batch_rows: usize) -> MemorySnapshot {
    let batches: Vec<_> =
        customers.chunks(batch_rows).enumerate().map(|(at, chunk)| batch(at * batch_rows, chunk)).collect();
    MemorySnapshot { schema: batch(0, &[]).schema(), batches }
}

fn batch(first: usize, customers: &[Customer]) -> RecordBatch {
    let texts = |text: fn(&Customer) -> Option<&'static str>| -> ArrayRef {
        Arc::new(customers.iter().map(text).collect::<StringViewArray>())
    };
    let flags = |flag: fn(&Customer) -> bool| -> ArrayRef {
        Arc::new(customers.iter().map(|customer| Some(flag(customer))).collect::<BooleanArray>())
    };
    let products: StringViewArray = customers.iter().flat_map(|customer| &customer.orders).copied().map(Some).collect();
    let product = Arc::new(Field::new(order().to_string(), DataType::Utf8View, true));
    let rows = StructArray::from(vec![(product, Arc::new(products) as ArrayRef)]);
    let item = Arc::new(Field::new("item", rows.data_type().clone(), true));
    let lengths = customers.iter().map(|customer| customer.orders.len());
    let lists = ListArray::new(item, OffsetBuffer::from_lengths(lengths), Arc::new(rows), None);
    let keys: StringViewArray = (0..customers.len()).map(|place| Some(key(first + place))).collect();
    let groups: UInt16Array = customers.iter().map(|customer| customer.group).collect();
    let sub_audiences: UInt16Array = customers.iter().map(|customer| customer.group.map(|_| 0)).collect();
    let columns: Vec<(String, ArrayRef)> = vec![
        (snapshot::CUSTOMER_KEY.into(), Arc::new(keys)),
        (
            snapshot::POSITION.into(),
            Arc::new(UInt64Array::from_iter_values(first as u64..(first + customers.len()) as u64)),
        ),
        (snapshot::SUB_AUDIENCE.into(), Arc::new(sub_audiences)),
        (snapshot::GROUP.into(), Arc::new(groups)),
        (snapshot::EXCLUDED.into(), flags(|customer| customer.excluded)),
        (snapshot::consent(&slug("shop")), flags(|customer| customer.consent)),
        (email().snapshot_name(), texts(|customer| customer.email)),
        (phone().snapshot_name(), texts(|customer| customer.phone)),
        (snapshot::rows("Orders"), Arc::new(lists)),
    ];
    let fields: Vec<_> =
        columns.iter().map(|(name, array)| Field::new(name, array.data_type().clone(), true)).collect();
    let arrays = columns.into_iter().map(|(_, array)| array).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).expect("the columns are as long as each other")
}

/// What a delivery of [`plan`] is made of.
#[derive(Debug, Clone)]
pub struct Wanted {
    pub group: usize,
    pub row: Vec<Vec<String>>,
    pub unique_by: UniqueBy,
    pub expanded: bool,
    pub suppresses: bool,
    pub consent: bool,
    pub hash: Hash,
}

/// A campaign of one sub-audience with two groups.
pub fn plan(wanted: &[Wanted]) -> CampaignPlan {
    let group = |id: &str, control, hundredths| PlannedGroup {
        id: slug(id),
        name: id.to_uppercase(),
        control,
        hundredths,
        destinations: vec![slug("shop")],
    };
    let consents =
        [(slug("shop"), consign_model::condition::Condition::All(consign_model::condition::All { all: vec![] }))];
    CampaignPlan {
        campaign: slug("spring"),
        campaign_name: "Spring".into(),
        run_id: "run".into(),
        launch_date: None,
        assign: AssignPlan {
            as_of: Utc.with_ymd_and_hms(2026, 3, 1, 12, 0, 0).unwrap(),
            time_zone: chrono_tz::UTC,
            customer_table: "Merged_Customers".into(),
            sql_segments: [].into(),
            include: vec![],
            exclude: vec![],
            always_exclude: vec![],
            first_match_only: true,
            split: Split::Stable,
            split_key: "spring".into(),
            sub_audiences: vec![PlannedSubAudience {
                id: slug("all"),
                name: "All".into(),
                condition: None,
                groups: vec![group("control", true, 1_000), group("a", false, 9_000)],
            }],
            consents: consents.into(),
            columns: vec![],
            cleaned: vec![],
        },
        deliveries: wanted.iter().map(delivery).collect(),
    }
}

fn delivery(wanted: &Wanted) -> PlannedDelivery {
    let cleaned = |name: &str, column| PlannedAttribute {
        name: name.into(),
        source: AttributeSource::Cleaned(column),
        hash: wanted.hash,
    };
    let mut attributes = vec![cleaned("email", email()), cleaned("phone", phone())];
    if wanted.expanded {
        attributes.push(PlannedAttribute {
            name: "product".into(),
            source: AttributeSource::Raw(order()),
            hash: Hash::None,
        });
    }
    PlannedDelivery {
        sub_audience: 0,
        group: wanted.group,
        // Of the two destinations only one asks for consent.
        destination: slug(if wanted.consent { "shop" } else { "desk" }),
        kind: "local_files".into(),
        settings: Settings::default(),
        rules: Rules { row: wanted.row.clone(), unique_by: wanted.unique_by.clone(), ..Rules::default() },
        attributes,
        expansion: wanted.expanded.then(|| "Orders".into()),
        identifiers: if wanted.suppresses { vec![email(), phone()] } else { vec![] },
        consent: wanted.consent,
        list_name: "Spring_A".into(),
        list_id: None,
        membership: None,
        allow_empty: false,
        max_removed: None,
        sandbox: false,
        file: None,
    }
}
