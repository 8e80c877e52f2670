//! What a destination kind says of itself, as data. The API publishes it, the forms of the UI are made from it, and
//! validation, staging and the documents read it; nobody else knows a kind by name.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::contract::Contract;
use crate::definition::{AttributeMapping, ColumnAttribute, ColumnRef, Destination, Membership, Table};

/// A destination kind.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct KindSpec {
    /// Its id, such as `klaviyo`.
    pub kind: &'static str,
    /// Its name as shown.
    pub title: &'static str,
    /// What it does, one or two sentences.
    pub description: &'static str,
    /// What is configured per destination.
    pub settings: Vec<SettingSpec>,
    /// What is known of its lists.
    pub list: ListSpec,
    /// The rules where no setting changes them; a destination's own are asked of its kind.
    pub rules: Rules,
    /// The operations on a list, the default first. Empty for files, which are overwritten.
    pub memberships: Vec<Membership>,
    /// What a request can hold.
    pub limits: Limits,
    /// Whether it writes files and so takes file options and contracts.
    pub writes_files: bool,
    /// What no source could verify, and is therefore a setting or a choice of ours.
    pub unverified: Vec<&'static str>,
}

/// A setting of a destination.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct SettingSpec {
    /// Its name in definitions.
    pub name: &'static str,
    /// What it takes.
    pub setting_type: SettingType,
    /// Whether a destination must have it.
    pub required: bool,
    /// A secret is given under `credentials` as a reference, anything else under `settings`.
    pub secret: bool,
    /// What holds without it.
    pub default: Option<Value>,
    /// For the user.
    pub description: &'static str,
}

/// What a setting takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SettingType {
    /// Any text.
    Text,
    /// Digits, as text: ids that exceed 2^53.
    Digits,
    /// A whole number between two ends.
    Integer {
        /// Smallest.
        min: i64,
        /// Largest.
        max: i64,
    },
    /// `true` or `false`.
    Boolean,
    /// One of a few words.
    Choice(&'static [&'static str]),
    /// A list of some of a few words.
    Choices(&'static [&'static str]),
    /// An http or https URL without a trailing slash.
    Url,
    /// Two letters, ISO 3166.
    Region,
    /// A `Table.column`.
    Column,
}

/// What is known of a kind's lists.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ListSpec {
    /// What the platform calls it: list, segment, audience, file.
    pub noun: &'static str,
    /// The template of its name where a campaign gives none.
    pub name_template: &'static str,
    /// Longest name, in characters.
    pub max_name: Option<usize>,
    /// Whether all white space is removed from the parts of the name.
    pub name_without_white_space: bool,
    /// A word that a name should not contain, any case.
    pub name_should_not_contain: Option<&'static str>,
    /// Fewer rows than this are worth a warning.
    pub min_useful_rows: Option<u64>,
}

/// What a request can hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Limits {
    /// Rows in one request.
    pub request_rows: Option<usize>,
    /// Bytes of one request body.
    pub request_bytes: Option<usize>,
    /// Bytes of one row's part of a body; a row above it is dropped as `row_too_large`.
    pub row_bytes: Option<usize>,
}

/// What a destination demands of the attributes mapped to it and of each row. From the kind and its settings, or from
/// a staging contract; both are checked by the same code.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct Rules {
    /// The attributes it knows.
    pub attributes: Vec<AttributeSpec>,
    /// Which other attributes it takes.
    pub custom: CustomAttributes,
    /// What must hold of the set of mapped attributes.
    pub mapping: Vec<MappingRule>,
    /// What a row must hold; it is satisfied by any one of these sets of attributes, each of which must be valid and
    /// present. Empty: every row will do. Sets with an attribute that is not mapped do not count; where there are sets
    /// and none of them is mapped, no row can do, and that is an error of validation.
    pub row: Vec<Vec<String>>,
    /// What makes two rows duplicates.
    pub unique_by: UniqueBy,
    /// The sentence that stands above the mapping, for people.
    pub summary: String,
}

impl Rules {
    /// The attribute of that name, case and all.
    pub fn attribute(&self, name: &str) -> Option<&AttributeSpec> {
        self.attributes.iter().find(|attribute| attribute.name == name)
    }

    /// The mappings that a campaign begins with: each attribute whose default source the customer table has. Of
    /// attributes that exclude each other the first that has one.
    pub fn defaults(&self, customer_table: &Table) -> Vec<AttributeMapping> {
        self.defaults_from(|source| source.column(customer_table))
    }

    /// The same, with a customer table of any make.
    pub fn defaults_from(&self, column_of: impl Fn(&DefaultSource) -> Option<ColumnRef>) -> Vec<AttributeMapping> {
        let exclusive = |name: &str| {
            self.mapping.iter().find_map(|rule| match rule {
                MappingRule::ExactlyOneOf(names) if names.iter().any(|n| n == name) => Some(names),
                _ => None,
            })
        };
        let mut defaults: Vec<AttributeMapping> = Vec::new();
        for attribute in &self.attributes {
            let Some(column) = attribute.default.as_ref().and_then(&column_of) else {
                continue;
            };
            let taken = |names: &Vec<String>| defaults.iter().any(|d| names.iter().any(|n| n == d.attribute()));
            if !exclusive(&attribute.name).is_some_and(taken) {
                let attribute = attribute.name.clone();
                defaults.push(AttributeMapping::Column(ColumnAttribute { attribute, column }));
            }
        }
        defaults
    }
}

/// An attribute that a kind knows.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct AttributeSpec {
    /// Its name, case kept.
    pub name: String,
    /// Whether it must be mapped.
    pub requirement: Requirement,
    /// What values become.
    pub value: ValueType,
    /// How values are cleaned before they leave.
    pub normalisation: Normalisation,
    /// How they are hashed after that.
    pub hash: Hash,
    /// Default source: the customer table's column with this meaning, or the customer key.
    pub default: Option<DefaultSource>,
    /// Empty for nearly all: it leaves under its own name. Else the attributes that leave in its place, in order, each
    /// made from its column (Meta's `BIRTH` leaves as `DOBY`, `DOBM`, `DOBD`).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sent_as: Vec<AttributeSpec>,
    /// For the user.
    pub description: String,
}

impl AttributeSpec {
    /// An attribute that may be mapped: text, cleaned in that way, not hashed, without a default source.
    pub fn new(name: impl Into<String>, normalisation: Normalisation) -> Self {
        Self {
            name: name.into(),
            requirement: Requirement::Optional,
            value: ValueType::Text,
            normalisation,
            hash: Hash::None,
            default: None,
            sent_as: Vec::new(),
            description: String::new(),
        }
    }

    /// What leaves for it, and so what staging plans: itself, or the attributes that it is sent as.
    pub fn sent(&self) -> &[Self] {
        if self.sent_as.is_empty() { std::slice::from_ref(self) } else { &self.sent_as }
    }

    /// The same with that requirement.
    #[must_use]
    pub fn requirement(self, requirement: Requirement) -> Self {
        Self { requirement, ..self }
    }

    /// The same with values of that type.
    #[must_use]
    pub fn value(self, value: ValueType) -> Self {
        Self { value, ..self }
    }

    /// The same, hashed in that way.
    #[must_use]
    pub fn hash(self, hash: Hash) -> Self {
        Self { hash, ..self }
    }

    /// The same, by default from the customer table's column with this meaning.
    #[must_use]
    pub fn semantic(self, semantic: &str) -> Self {
        Self { default: Some(DefaultSource::Semantic(semantic.to_owned())), ..self }
    }

    /// The same, by default from the customer key.
    #[must_use]
    pub fn customer_key(self) -> Self {
        Self { default: Some(DefaultSource::CustomerKey), ..self }
    }

    /// The same, leaving as these.
    #[must_use]
    pub fn sent_as(self, sent_as: Vec<Self>) -> Self {
        Self { sent_as, ..self }
    }

    /// The same with a description.
    #[must_use]
    pub fn describe(self, description: impl Into<String>) -> Self {
        Self { description: description.into(), ..self }
    }
}

/// Where an attribute comes from unless the user says otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DefaultSource {
    /// The customer table's column with this meaning.
    Semantic(String),
    /// The customer table's customer key.
    CustomerKey,
}

impl DefaultSource {
    /// The column of that table, where it has one. Of several with one meaning the first by name.
    pub fn column(&self, table: &Table) -> Option<ColumnRef> {
        let column = match self {
            Self::CustomerKey => &table.customer_key,
            Self::Semantic(meaning) => table.semantics.iter().find(|(_, semantic)| *semantic == meaning)?.0,
        };
        Some(ColumnRef::new(&table.name, column))
    }
}

/// Whether an attribute must be mapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Requirement {
    /// It must be mapped.
    Required,
    /// It may be mapped.
    Optional,
    /// One of several must be mapped.
    OneOf,
}

/// What the values of an attribute are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ValueType {
    /// Text; other types are written as text.
    Text,
    /// A number, text or boolean, as the column has it.
    Any,
    /// A number.
    Number,
    /// A date.
    Date,
    /// A boolean.
    Boolean,
}

/// How values are cleaned before they leave (`destinations/README.md`, "Rules shared by all API destinations").
///
/// Each takes text and gives a value, nothing (missing), or invalid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Normalisation {
    /// As it is; only null is missing.
    None,
    /// T: trimmed, NFC; empty is missing.
    Text,
    /// T; longer than so many characters is invalid.
    TextUpTo(u16),
    /// E.
    Email,
    /// E with inner white space removed first (`plain` of `tiktok_ads`).
    EmailWithoutSpace,
    /// The same, with `+alias` and dots cut from the local part (`strip_alias` of `tiktok_ads`).
    EmailStripAlias,
    /// P: E.164 with `+`.
    Phone,
    /// P without `+` (Meta).
    PhoneDigits,
    /// Meta FN, LN.
    PersonName,
    /// Meta FI.
    FirstInitial,
    /// Meta ST; looks at the row's country.
    State,
    /// Meta CT.
    City,
    /// Meta ZIP; looks at the row's country.
    PostalCode,
    /// Meta COUNTRY: ISO 3166 alpha-2, lower case.
    Country,
    /// Meta BIRTH as `YYYY-MM-DD`.
    Birthdate,
    /// The year of Birthdate, `YYYY`.
    BirthYear,
    /// The month of Birthdate, `MM`.
    BirthMonth,
    /// The day of Birthdate, `DD`.
    BirthDay,
    /// Meta GEN: `m` or `f`.
    Gender,
    /// A UUID, lower case, not all zeros.
    MobileAdId,
    /// Degrees north within ±90, up to 4 decimals.
    Latitude,
    /// Degrees east within ±180, up to 4 decimals.
    Longitude,
}

/// How a cleaned value is hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Hash {
    /// Not at all.
    None,
    /// Not at all; a value that already is a SHA-256 (64 hex) or MD5 (32 hex) passes as it is, lower-cased.
    NoneOrPrehashed,
    /// Lower-case hex SHA-256; a value that already is 64 hex characters passes lower-cased.
    Sha256,
}

/// Which attributes a kind takes besides those it knows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CustomAttributes {
    /// None: an unknown name is an error.
    #[default]
    Forbidden,
    /// Those that begin with this, such as `properties.`; what follows is free.
    WithPrefix(&'static str),
    /// Any name.
    Any,
}

/// What must hold of the set of mapped attributes, before any row is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MappingRule {
    /// Every one of these is mapped.
    AllOf(Vec<String>),
    /// At least one of these is mapped.
    AnyOf(Vec<String>),
    /// Exactly one of these is mapped.
    ExactlyOneOf(Vec<String>),
    /// This one must not be mapped, for this reason.
    Not(String, String),
}

/// What makes two rows of a delivery duplicates; the first is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UniqueBy {
    /// Nothing: files keep what they are given.
    #[default]
    Nothing,
    /// The same cleaned values of these attributes.
    Attributes(Vec<String>),
    /// The same values throughout.
    WholeRow,
}

/// A destination's settings, checked against its kind, defaults filled in.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Settings(BTreeMap<String, Value>);

impl Settings {
    /// The settings as given, over the defaults of the kind.
    pub fn new(spec: &KindSpec, given: &BTreeMap<String, Value>) -> Self {
        let defaults = spec.settings.iter().filter_map(|s| Some((s.name.to_owned(), s.default.clone()?)));
        Self(defaults.chain(given.clone()).collect())
    }

    /// The same with that setting.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    /// A setting as text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str()
    }

    /// A setting as a whole number.
    pub fn integer(&self, name: &str) -> Option<i64> {
        self.0.get(name)?.as_i64()
    }

    /// Whether a setting is on.
    pub fn flag(&self, name: &str) -> bool {
        self.0.get(name).and_then(Value::as_bool).unwrap_or_default()
    }

    /// A setting that lists words; `None` where it is not set.
    pub fn words(&self, name: &str) -> Option<Vec<&str>> {
        Some(self.0.get(name)?.as_array()?.iter().filter_map(Value::as_str).collect())
    }
}

/// What is wrong with a destination's settings taken together, which the type of each alone cannot say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SettingProblem {
    /// The setting, or the credential.
    pub setting: &'static str,
    /// What is wrong, one sentence without a full stop.
    pub reason: String,
    /// What to do about it, one sentence without a full stop.
    pub remedy: String,
}

/// The kinds that validation and planning ask. The registry of the destinations crate implements it.
pub trait Kinds {
    /// The specifications, in the order shown.
    fn specs(&self) -> Vec<&KindSpec>;

    /// The rules of a destination of that kind with those settings and mapped attributes; `None` for an unknown kind.
    /// (The row rule of some kinds depends on which identifiers are mapped.)
    fn rules(&self, kind: &str, settings: &Settings, mapped: &[AttributeMapping]) -> Option<Rules>;

    /// The staging contracts that come with the program. A contract of the workspace hides one with its id.
    fn contracts(&self) -> Vec<&Contract>;

    /// What a contract demands, in place of the rules of the kind that writes the file.
    fn contract_rules(&self, contract: &Contract) -> Rules;

    /// The specification of a kind.
    fn spec(&self, kind: &str) -> Option<&KindSpec> {
        self.specs().into_iter().find(|spec| spec.kind == kind)
    }

    /// The operations on a list that a destination with those settings offers, the default first.
    fn memberships(&self, kind: &str, _settings: &Settings) -> Vec<Membership> {
        self.spec(kind).map(|spec| spec.memberships.clone()).unwrap_or_default()
    }

    /// What is wrong with a destination's settings and credentials taken together.
    fn check(&self, _destination: &Destination) -> Vec<SettingProblem> {
        Vec::new()
    }
}
