//! Definitions: what a workspace's YAML files, the API and the screens all say. Shapes only; what must hold between
//! them is checked by validation.

mod notifications;
mod secrets;

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::condition::Condition;
use crate::contract::Contract;
use crate::id::Slug;

pub use notifications::{
    Email, EmailNotification, MailLogin, MailTls, Notification, Occasion, Webhook, WebhookNotification,
};

/// Everything that one or more definition files say. Each file holds any of these keys; files add up.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Definitions {
    /// Settings of the whole workspace; in one file only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workspace: Option<Workspace>,
    /// Connections that hold tables.
    pub sources: Vec<Source>,
    /// Named sets of customers.
    pub segments: Vec<Segment>,
    /// Places to send lists.
    pub destinations: Vec<Destination>,
    /// Campaigns.
    pub campaigns: Vec<Campaign>,
    /// Demands of applications that read staged files.
    pub contracts: Vec<Contract>,
}

/// Settings of the whole workspace.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Workspace {
    /// The time zone in which days begin and timestamps without a zone are read, an IANA name.
    pub time_zone: String,
    /// The one-row table that says who exists.
    pub customer_table: String,
    /// Segments that are left out of every campaign: legal suppression, staff, test accounts.
    pub always_exclude: Vec<Slug>,
    /// Days that staged personal data is kept.
    pub retention_days: u32,
    /// Who is told how runs end.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notifications: Vec<Notification>,
}

impl Default for Workspace {
    fn default() -> Self {
        Self {
            time_zone: "UTC".into(),
            customer_table: "Merged_Customers".into(),
            always_exclude: Vec::new(),
            retention_days: 7,
            notifications: Vec::new(),
        }
    }
}

/// A connection that holds tables.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Stable id.
    pub id: Slug,
    /// What the tables are read from.
    pub connection: Connection,
    /// The tables.
    pub tables: Vec<Table>,
}

/// What a source's tables are read from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Connection {
    /// Files on disk or in object storage.
    Files(FileConnection),
    /// A Postgres database.
    Postgres(PostgresConnection),
}

/// Files on disk or in object storage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileConnection {
    /// A folder (relative to the definitions' folder) or `s3://bucket/prefix`, `gs://...`, `azure://...`.
    pub url: String,
    /// Settings of the object store that are not secret, such as `region` and `endpoint`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub options: BTreeMap<String, String>,
    /// Credentials of the object store, such as `access_key_id` and `secret_access_key`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub credentials: BTreeMap<String, SecretRef>,
}

/// A Postgres database.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PostgresConnection {
    /// Where the connection URL (`postgres://user:password@host/database`) is kept.
    pub url: SecretRef,
    /// The schema of relations that name none.
    #[serde(default = "public")]
    pub schema: String,
}

fn public() -> String {
    "public".into()
}

/// A named relation with a customer key column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// Its name in conditions and attributes; case is kept.
    pub name: String,
    /// The file, folder or glob below the source's URL, or the relation in the database. Without it, the name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The format of the files; without it, by their extension.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<TableFormat>,
    /// One row a customer, or many.
    #[serde(default)]
    pub rows: RowsPerCustomer,
    /// The column that identifies a customer.
    #[serde(default = "customer_id")]
    pub customer_key: String,
    /// What columns mean, by column: `email`, `phone`, `given-name`, `surname`, `postal`, `country`, `birthdate`, ...
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub semantics: BTreeMap<String, String>,
}

fn customer_id() -> String {
    "customer_id".into()
}

/// The format of a table's files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TableFormat {
    /// Apache Parquet.
    Parquet,
    /// Comma-separated text with a header row.
    Csv,
    /// One JSON object a line.
    JsonLines,
}

/// How many rows a table has for one customer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RowsPerCustomer {
    /// At most one.
    #[default]
    One,
    /// Any number.
    Many,
}

/// A named, saved set of customers: conditions, or a SQL query.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Segment {
    /// Stable id.
    pub id: Slug,
    /// Name as shown.
    pub name: String,
    /// What it is made of.
    pub customers: SegmentBody,
}

/// What a segment is made of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SegmentBody {
    /// Customers for whom this holds.
    Where(Condition),
    /// One `SELECT` that returns the customer key as its only column.
    Sql(String),
}

/// A configured place to send lists.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Destination {
    /// Stable id.
    pub id: Slug,
    /// Name as shown.
    pub name: String,
    /// The kind, such as `klaviyo`; `consign destinations list` shows all.
    pub kind: String,
    /// Whether lists go to the sandbox (`consign sandbox`) and not to the platform, to rehearse a campaign without an
    /// account. No credentials are needed then.
    #[serde(default, skip_serializing_if = "is_false")]
    pub sandbox: bool,
    /// Settings that the kind's specification names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<String, Value>,
    /// Where the secrets that the kind's specification names are kept.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub credentials: BTreeMap<String, SecretRef>,
    /// What must hold for a customer to be sent here at all, whatever the campaign.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent: Option<Condition>,
    /// The staging contract that files must meet, by id; for file kinds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contract: Option<Slug>,
    /// Attributes that campaigns begin with; without them, the kind's defaults by column semantics.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_attributes: Option<Vec<AttributeMapping>>,
}

/// A campaign: audience, sub-audiences, treatment groups, destinations, attributes and timing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Campaign {
    /// Stable id.
    pub id: Slug,
    /// Name as shown; part of list and file names.
    pub name: String,
    /// The folder in which lists of campaigns show it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<String>,
    /// Up to 20 words by which it can be found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// Whether it is put away: it has no schedule, is not run, and lists of campaigns leave it out.
    #[serde(default, skip_serializing_if = "is_false")]
    pub archived: bool,
    /// 1 to 10 segments; the audience is their union ...
    pub include: Vec<Slug>,
    /// ... without the customers of any of these 0 to 10.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<Slug>,
    /// On: a customer is in the first sub-audience that matches. Off: in every one that matches.
    #[serde(default = "yes")]
    pub first_match_only: bool,
    /// How groups are filled.
    #[serde(default)]
    pub split: Split,
    /// What positions are made from, with the customer key; without it, the campaign's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split_key: Option<String>,
    /// Up to 60 named filters over the audience, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sub_audiences: Vec<SubAudience>,
    /// The groups of customers whom no sub-audience matches; without them they are counted and sent nowhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remaining: Vec<TreatmentGroup>,
    /// Settings that hold for all groups of this campaign that use a destination, by its id.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub destinations: BTreeMap<Slug, DestinationUse>,
    /// When it runs.
    #[serde(default)]
    pub schedule: Schedule,
    /// When it starts downstream; results are measured from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub launch: Option<Launch>,
}

fn yes() -> bool {
    true
}

impl Campaign {
    /// What positions are made from.
    pub fn split_key(&self) -> &str {
        self.split_key.as_deref().unwrap_or(self.id.as_str())
    }
}

/// How groups are filled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Split {
    /// By position alone: the same customer, the same group, on every run and machine.
    #[default]
    Stable,
    /// Exact sizes by the largest remainder, sticky to earlier runs; for small audiences.
    Exact,
}

/// A named filter over the audience.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SubAudience {
    /// Fixed when made; without it, the slug of the name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Slug>,
    /// Name as shown.
    pub name: String,
    /// Which customers of the audience it holds.
    #[serde(rename = "where")]
    pub condition: Condition,
    /// Its treatment groups.
    pub groups: Vec<TreatmentGroup>,
}

/// A named percentage of a sub-audience.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TreatmentGroup {
    /// Fixed when made; without it, the slug of the name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Slug>,
    /// Name as shown, unique in the campaign; part of list and file names.
    pub name: String,
    /// Held out so that lift can be measured. At most one group of a sub-audience.
    #[serde(default, skip_serializing_if = "is_false")]
    pub control: bool,
    /// Its share of the sub-audience, with up to two decimals.
    pub percent: Percent,
    /// Where its list goes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub destinations: Vec<GroupDestination>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
fn is_false(value: &bool) -> bool {
    !value
}

/// A destination of a group: its id, or its id with a list of the group's own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum GroupDestination {
    /// The list is named by the template.
    Id(Slug),
    /// The list has a name or an id of its own.
    WithList(GroupList),
}

/// A destination of a group with a list of the group's own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GroupList {
    /// The destination's id.
    pub id: Slug,
    /// The list's name in place of the template's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list_name: Option<String>,
    /// The list's id at the platform; it is not looked up by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list_id: Option<String>,
}

impl GroupDestination {
    /// The destination's id.
    pub fn id(&self) -> &Slug {
        match self {
            Self::Id(id) | Self::WithList(GroupList { id, .. }) => id,
        }
    }

    /// The list's own name, where it has one.
    pub fn list_name(&self) -> Option<&str> {
        match self {
            Self::Id(_) => None,
            Self::WithList(list) => list.list_name.as_deref(),
        }
    }
}

/// A share in whole hundredths of a percent: `33.33` is 3333.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Percent(u32);

impl Percent {
    /// The share in hundredths of a percent, 0 to 10,000.
    pub fn hundredths(self) -> u32 {
        self.0
    }

    /// A share from hundredths of a percent; `None` above 100 %.
    pub fn from_hundredths(hundredths: u32) -> Option<Self> {
        (hundredths <= crate::split::WHOLE).then_some(Self(hundredths))
    }
}

impl TryFrom<f64> for Percent {
    type Error = String;

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked first")]
    fn try_from(percent: f64) -> Result<Self, String> {
        let hundredths = (percent * 100.0).round();
        if !(0.0..=10_000.0).contains(&hundredths) {
            return Err(format!("{percent} is not between 0 and 100"));
        }
        if (percent * 100.0 - hundredths).abs() > 1e-6 {
            return Err(format!("{percent} has more than two decimals"));
        }
        Ok(Self(hundredths as u32))
    }
}

impl From<Percent> for f64 {
    fn from(percent: Percent) -> Self {
        Self::from(percent.0) / 100.0
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %", f64::from(*self))
    }
}

impl JsonSchema for Percent {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Percent".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "number", "minimum": 0, "maximum": 100,
            "description": "A percentage with up to two decimals."
        })
    }
}

/// What a campaign says about one destination, for all its groups.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DestinationUse {
    /// Which attributes go there, in order; without them, the destination's defaults.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attributes: Option<Vec<AttributeMapping>>,
    /// The template of list or file names; without it, the kind's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What a delivery does to the list; without it, the kind's default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub membership: Option<Membership>,
    /// Whether a delivery may leave a list empty that was not.
    #[serde(skip_serializing_if = "is_false")]
    pub allow_empty: bool,
    /// The largest share of a list's members that a delivery may remove; without it, any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_removed: Option<Percent>,
    /// How files are written; for file kinds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<FileOptions>,
}

/// A destination attribute and where its values come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum AttributeMapping {
    /// Values of a column.
    Column(ColumnAttribute),
    /// A fact of the campaign, the same for the whole list.
    Fact(FactAttribute),
}

/// A destination attribute that takes the values of a column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ColumnAttribute {
    /// The destination attribute; in files, the column's header.
    pub attribute: String,
    /// `Table.column`.
    pub column: ColumnRef,
}

/// A destination attribute that takes a fact of the campaign.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FactAttribute {
    /// The destination attribute; in files, the column's header.
    pub attribute: String,
    /// The fact.
    pub fact: Fact,
}

impl AttributeMapping {
    /// The destination attribute's name.
    pub fn attribute(&self) -> &str {
        match self {
            Self::Column(mapped) => &mapped.attribute,
            Self::Fact(mapped) => &mapped.attribute,
        }
    }
}

/// A fact of the campaign that can be sent as an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fact {
    /// The campaign's id.
    CampaignId,
    /// The campaign's name.
    CampaignName,
    /// The sub-audience's id.
    SubAudienceId,
    /// The sub-audience's name.
    SubAudienceName,
    /// The treatment group's id.
    GroupId,
    /// The treatment group's name.
    GroupName,
    /// The launch date, an ISO date.
    LaunchDate,
    /// The run's id.
    RunId,
}

/// A column of a table, written `Table.column`. The table is what stands before the first dot.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(extend("pattern" = r"^[^.]+\..+$"))]
pub struct ColumnRef {
    /// The table's name.
    pub table: String,
    /// The column's name.
    pub column: String,
}

impl ColumnRef {
    /// A reference to a column.
    pub fn new(table: impl Into<String>, column: impl Into<String>) -> Self {
        Self { table: table.into(), column: column.into() }
    }
}

impl FromStr for ColumnRef {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('.') {
            Some((table, column)) if !table.is_empty() && !column.is_empty() => Ok(Self::new(table, column)),
            _ => Err(format!("`{text}` is not `Table.column`")),
        }
    }
}

impl TryFrom<String> for ColumnRef {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<ColumnRef> for String {
    fn from(reference: ColumnRef) -> Self {
        reference.to_string()
    }
}

impl fmt::Display for ColumnRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.table, self.column)
    }
}

/// What a delivery does to its list (design, "Membership").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Membership {
    /// The list becomes the group: the new are added, the gone removed.
    Mirror,
    /// The list becomes the group in one swap.
    Replace,
    /// The group is added; nobody is removed.
    Append,
    /// The group is taken off the list.
    Remove,
}

/// How a file destination writes files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a choice of the user, independent of the others")]
pub struct FileOptions {
    /// The format.
    pub format: FileFormat,
    /// The delimiter of `format: delimited`, one ASCII character.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<char>,
    /// Whether the first line names the columns.
    pub header: bool,
    /// When fields are quoted.
    pub quote: Quote,
    /// What ends a line.
    pub line_ending: LineEnding,
    /// How the file is compressed.
    pub compression: Compression,
    /// Puts `'` before fields that a spreadsheet would run as a formula (`=`, `+`, `-`, `@`, tab, carriage return).
    pub escape_formulas: bool,
    /// Splits the list into files of so many rows, numbered from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows_per_file: Option<u64>,
    /// Writes an empty `<name>._SUCCESS` after the files.
    pub success_file: bool,
    /// Writes `<name>.manifest.json` after the files: their rows, bytes and SHA-256.
    pub manifest: bool,
    /// Encrypts each file for this PGP public key (armored), and adds `.pgp` to its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pgp_public_key: Option<SecretRef>,
}

impl Default for FileOptions {
    fn default() -> Self {
        Self {
            format: FileFormat::Csv,
            delimiter: None,
            header: true,
            quote: Quote::WhereNeeded,
            line_ending: LineEnding::Lf,
            compression: Compression::None,
            escape_formulas: false,
            rows_per_file: None,
            success_file: false,
            manifest: false,
            pgp_public_key: None,
        }
    }
}

/// The format of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FileFormat {
    /// Comma-separated, RFC 4180.
    Csv,
    /// Tab-separated.
    Tsv,
    /// Separated by `|`.
    Psv,
    /// Separated by `delimiter`.
    Delimited,
    /// One JSON object a line.
    JsonLines,
    /// Apache Parquet.
    Parquet,
}

/// When a field of a delimited file is quoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Quote {
    /// Where it holds the delimiter, a quote or a line break.
    WhereNeeded,
    /// Always.
    Always,
}

/// What ends a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LineEnding {
    /// Line feed.
    Lf,
    /// Carriage return and line feed.
    Crlf,
}

/// How a file is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Compression {
    /// Not at all.
    None,
    /// `.gz`.
    Gzip,
    /// `.zst`.
    Zstd,
    /// `.zip` with the file as its one entry.
    Zip,
}

/// When a campaign runs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Schedule {
    /// Only by hand.
    #[default]
    Manual,
    /// Once, as soon as possible.
    AsSoonAsPossible,
    /// Once, at a local time (`2026-12-01T09:00`) in a time zone.
    At(At),
    /// Again and again.
    Recurring(Recurring),
}

/// A local time in a time zone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct At {
    /// Local date and time, `2026-12-01T09:00`.
    pub time: String,
    /// IANA name; without it, the workspace's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
}

/// A recurring schedule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Recurring {
    /// How often.
    pub every: Cadence,
    /// The first time it may run, local, `2026-12-01T09:00`; its minute, hour, weekday and day set the cadence.
    pub start: String,
    /// IANA name; without it, the workspace's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// When it ends.
    #[serde(default)]
    pub end: End,
}

/// How often a recurring schedule runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Cadence {
    /// Every hour.
    Hour,
    /// Every day.
    Day,
    /// Every week.
    Week,
    /// Every month.
    Month,
    /// Every three months.
    Quarter,
    /// A cron expression of five fields.
    Cron(String),
}

/// When a recurring schedule ends.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// It does not.
    #[default]
    Never,
    /// After this day, an ISO date.
    On(String),
    /// After so many occurrences.
    After(u32),
}

/// When a campaign starts downstream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Launch {
    /// On this day, an ISO date.
    On(String),
    /// So many days after the delivery.
    DaysAfterDelivery(u32),
}

/// Where a secret is kept: `env:NAME`, `file:PATH`, or `stored:NAME` for one that `consign credentials set` keeps. Never
/// the secret itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(extend("pattern" = r"^(env:[A-Za-z_][A-Za-z0-9_]*|file:.+|stored:[a-z0-9][a-z0-9_-]{0,79})$"))]
pub struct SecretRef(String);

/// What a [`SecretRef`] points to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretPlace<'a> {
    /// An environment variable.
    Env(&'a str),
    /// A file, whose content without its last line break is the secret.
    File(&'a str),
    /// A credential in the store, by its name.
    Stored(&'a str),
}

impl SecretRef {
    /// What it points to.
    pub fn place(&self) -> SecretPlace<'_> {
        match self.0.split_once(':') {
            Some(("file", path)) => SecretPlace::File(path),
            Some(("stored", name)) => SecretPlace::Stored(name),
            Some((_, name)) => SecretPlace::Env(name),
            None => SecretPlace::Env(""),
        }
    }
}

impl TryFrom<String> for SecretRef {
    type Error = &'static str;

    /// The refused text may be a secret, so the error does not repeat it.
    fn try_from(text: String) -> Result<Self, &'static str> {
        let variable = |name: &str| {
            name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        };
        match text.split_once(':') {
            Some(("env", name)) if variable(name) => Ok(Self(text)),
            Some(("file", path)) if !path.is_empty() && !path.contains('\n') => Ok(Self(text)),
            Some(("stored", name)) if name.parse::<Slug>().is_ok() => Ok(Self(text)),
            _ => Err("a secret is given by reference: `env:NAME`, `file:PATH` or `stored:NAME`"),
        }
    }
}

impl From<SecretRef> for String {
    fn from(reference: SecretRef) -> Self {
        reference.0
    }
}

impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
