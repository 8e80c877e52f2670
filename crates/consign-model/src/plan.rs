//! A campaign resolved to what one run needs. Pure: from clean definitions, the catalogue and a moment.

mod attributes;
mod build;

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use serde::Serialize;

pub use attributes::default_attributes;
pub use build::plan;

use crate::condition::Condition;
use crate::definition::{ColumnRef, Compression, Fact, FileOptions, Membership, Percent, Split};
use crate::id::Slug;
use crate::spec::{Hash, Normalisation, Rules, Settings};

/// What the engine needs to write a run's snapshot, and nothing else. Every condition in it is free of references to
/// condition segments (they are inlined); what remains of [`Condition::Segment`] names a SQL segment in `sql_segments`.
#[derive(Debug, Clone, PartialEq)]
pub struct AssignPlan {
    /// The moment of the run; `now()` and every relative time mean it.
    pub as_of: DateTime<Utc>,
    /// The time zone in which days begin.
    pub time_zone: Tz,
    /// The one-row table that says who exists.
    pub customer_table: String,
    /// SQL segments used anywhere in the plan, materialised first as sets of keys.
    pub sql_segments: BTreeMap<Slug, String>,
    /// The audience: any of these ...
    pub include: Vec<Condition>,
    /// ... and none of these.
    pub exclude: Vec<Condition>,
    /// The workspace's `always_exclude`: in none of these either.
    pub always_exclude: Vec<Condition>,
    /// On: a customer is in the first sub-audience that matches.
    pub first_match_only: bool,
    /// How groups are filled.
    pub split: Split,
    /// What positions are made from.
    pub split_key: String,
    /// The sub-audiences in order; the last is **remaining** and has no condition.
    pub sub_audiences: Vec<PlannedSubAudience>,
    /// Consent rules, by destination.
    pub consents: BTreeMap<Slug, Condition>,
    /// Every column that any destination maps or looks at (regions of phones), each once. Many-rows tables at most one
    /// a delivery, but several a campaign.
    pub columns: Vec<ColumnRef>,
    /// Cleaned columns that deliveries share, each once.
    pub cleaned: Vec<CleanedColumn>,
}

/// A sub-audience of a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedSubAudience {
    /// Its id; `remaining` for the last.
    pub id: Slug,
    /// Its name.
    pub name: String,
    /// Which customers it holds; `None` for **remaining**.
    pub condition: Option<Condition>,
    /// Its groups, the control group first, then the others as shown. Empty: its customers are sent nowhere.
    pub groups: Vec<PlannedGroup>,
}

/// A treatment group of a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedGroup {
    /// Its id.
    pub id: Slug,
    /// Its name.
    pub name: String,
    /// Whether it is held out.
    pub control: bool,
    /// Its share in hundredths of a percent.
    pub hundredths: u32,
    /// The ids of its destinations.
    pub destinations: Vec<Slug>,
}

/// A column as a destination wants it: cleaned, not yet hashed. Equal values of this type are one column of the
/// snapshot, however many destinations use it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct CleanedColumn {
    /// The source column.
    pub column: ColumnRef,
    /// How it is cleaned.
    pub normalisation: Normalisation,
    /// Whether a value that already is a hash passes.
    pub prehashed: Prehashed,
    /// For rules that look at the row's country or at a default region; `None` where the rule looks at neither.
    pub region: Option<RegionRule>,
}

impl CleanedColumn {
    /// The name of its column in the snapshot, such as `Email(Merged_Customers.email)`. Different cleaned columns have
    /// different names.
    pub fn snapshot_name(&self) -> String {
        let mut name = format!("{:?}({}", self.normalisation, self.column);
        match self.prehashed {
            Prehashed::No => {}
            Prehashed::Sha256 => name.push_str(", sha256"),
            Prehashed::Sha256OrMd5 => name.push_str(", sha256 or md5"),
        }
        if let Some(region) = &self.region {
            name.push_str(", ");
            if let Some(column) = &region.column {
                name.push_str(&column.to_string());
                name.push_str(" or ");
            }
            name.push_str(&region.default_region);
            if region.strict {
                name.push_str(", strict");
            }
        }
        name.push(')');
        name
    }
}

/// Which values that already are hashes pass a normalisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Prehashed {
    /// None: they are treated as any other text.
    No,
    /// 64 hex characters (SHA-256), lower-cased.
    Sha256,
    /// 64 or 32 hex characters (SHA-256, MD5), lower-cased.
    Sha256OrMd5,
}

impl From<Hash> for Prehashed {
    fn from(hash: Hash) -> Self {
        match hash {
            Hash::None => Self::No,
            Hash::NoneOrPrehashed => Self::Sha256OrMd5,
            Hash::Sha256 => Self::Sha256,
        }
    }
}

/// Where a row's region comes from.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct RegionRule {
    /// The column that holds the row's country, of the same table as the cleaned column.
    pub column: Option<ColumnRef>,
    /// ISO 3166 alpha-2, upper case, where the row has none.
    pub default_region: String,
    /// Whether phones must be in an assigned range, not only of a possible length.
    pub strict: bool,
}

/// A delivery of a plan: one treatment group's list going to one destination.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedDelivery {
    /// The sub-audience, as an index into [`AssignPlan::sub_audiences`].
    pub sub_audience: usize,
    /// The group, as an index into its groups.
    pub group: usize,
    /// The destination.
    pub destination: Slug,
    /// The destination's kind.
    pub kind: String,
    /// The destination's settings, defaults filled in.
    pub settings: Settings,
    /// What the destination demands.
    pub rules: Rules,
    /// What goes there, in order.
    pub attributes: Vec<PlannedAttribute>,
    /// The many-rows table that is mapped, whose rows become rows of the list.
    pub expansion: Option<String>,
    /// The cleaned e-mail and phone columns by which an always excluded or not consenting customer is suppressed
    /// under other keys too.
    pub identifiers: Vec<CleanedColumn>,
    /// Whether the destination has a consent rule ([`AssignPlan::consents`]).
    pub consent: bool,
    /// The list's or file's name, rendered. For files without the extension.
    pub list_name: String,
    /// The list's id at the platform, where the user gave one.
    pub list_id: Option<String>,
    /// What the delivery does to the list.
    pub membership: Option<Membership>,
    /// Whether it may leave the list empty.
    pub allow_empty: bool,
    /// The largest share of the list's members that it may remove.
    pub max_removed: Option<Percent>,
    /// Whether it goes to the sandbox.
    pub sandbox: bool,
    /// How files are written; `None` for platforms.
    pub file: Option<FileOptions>,
}

/// An attribute of a delivery.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedAttribute {
    /// Its name at the destination.
    pub name: String,
    /// Where its values come from.
    pub source: AttributeSource,
    /// How they are hashed.
    pub hash: Hash,
}

/// Where the values of an attribute come from.
#[derive(Debug, Clone, PartialEq)]
pub enum AttributeSource {
    /// A column of the snapshot, cleaned.
    Cleaned(CleanedColumn),
    /// A column of the snapshot as it is, with its type.
    Raw(ColumnRef),
    /// A fact of the campaign, rendered.
    Fact(Fact, String),
}

/// Everything one run of a campaign needs, resolved and frozen.
#[derive(Debug, Clone, PartialEq)]
pub struct CampaignPlan {
    /// The campaign's id.
    pub campaign: Slug,
    /// The campaign's name.
    pub campaign_name: String,
    /// The run's id.
    pub run_id: String,
    /// When it starts downstream.
    pub launch_date: Option<NaiveDate>,
    /// For the engine.
    pub assign: AssignPlan,
    /// The deliveries: sub-audiences in order, groups in order, destinations in order.
    pub deliveries: Vec<PlannedDelivery>,
}

/// The file extension that options give, such as `.csv.gz`.
pub fn extension(options: &FileOptions) -> String {
    use crate::definition::FileFormat as Format;
    let format = match options.format {
        Format::Csv | Format::Delimited => ".csv",
        Format::Tsv => ".tsv",
        Format::Psv => ".psv",
        Format::JsonLines => ".jsonl",
        Format::Parquet => ".parquet",
    };
    let compression = match options.compression {
        Compression::None => "",
        Compression::Gzip => ".gz",
        Compression::Zstd => ".zst",
        Compression::Zip => ".zip",
    };
    let encryption = if options.pgp_public_key.is_some() { ".pgp" } else { "" };
    format!("{format}{compression}{encryption}")
}
