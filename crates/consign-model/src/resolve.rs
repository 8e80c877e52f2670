//! What a campaign says about a destination, with everything that it leaves to defaults filled in. Validation and
//! planning read it here, so that they cannot disagree.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use crate::contract::Contract;
use crate::definition::{
    AttributeMapping, Campaign, ColumnAttribute, ColumnRef, Definitions, Destination, DestinationUse, FileOptions,
    GroupDestination, Membership, SubAudience, TreatmentGroup,
};
use crate::id::Slug;
use crate::schema::{Catalog, ColumnType, TableSchema};
use crate::spec::{CustomAttributes, DefaultSource, KindSpec, Kinds, Rules, Settings};
use crate::template::{self, InvalidTemplate, NameParts};

/// The id of what no sub-audience matches.
pub const REMAINING: &str = "remaining";

/// A destination with its kind, settings and rules.
pub(crate) struct Target<'a> {
    pub destination: &'a Destination,
    pub spec: &'a KindSpec,
    pub settings: Settings,
    pub contract: Option<&'a Contract>,
    kinds: &'a dyn Kinds,
}

impl<'a> Target<'a> {
    /// `None` where the kind is unknown.
    pub fn new(definitions: &'a Definitions, kinds: &'a dyn Kinds, destination: &'a Destination) -> Option<Self> {
        let spec = kinds.spec(&destination.kind)?;
        let settings = Settings::new(spec, &destination.settings);
        let contract = destination.contract.as_ref().and_then(|id| find_contract(definitions, kinds, id));
        Some(Self { destination, spec, settings, contract, kinds })
    }

    /// What the destination demands where these attributes are mapped.
    pub fn rules(&self, mapped: &[AttributeMapping]) -> Rules {
        match self.contract {
            Some(contract) => self.kinds.contract_rules(contract),
            None => self.kinds.rules(self.spec.kind, &self.settings, mapped).unwrap_or_default(),
        }
    }

    /// The attributes that a campaign begins with where neither it nor the destination names any: what the kind or the
    /// contract knows and the customer table has; all its columns where neither knows any.
    pub fn defaults(&self, customer_table: &TableSchema) -> Vec<AttributeMapping> {
        let rules = self.rules(&[]);
        if rules.attributes.is_empty() && rules.custom == CustomAttributes::Any {
            let sendable = customer_table.columns.iter().filter(|column| column.column_type != ColumnType::Other);
            return sendable
                .map(|column| {
                    let attribute = column.name.clone();
                    let column = ColumnRef::new(&customer_table.name, &column.name);
                    AttributeMapping::Column(ColumnAttribute { attribute, column })
                })
                .collect();
        }
        rules.defaults_from(|source| match source {
            DefaultSource::CustomerKey => Some(ColumnRef::new(&customer_table.name, &customer_table.customer_key)),
            DefaultSource::Semantic(meaning) => {
                let column = customer_table.column_with(meaning)?;
                Some(ColumnRef::new(&customer_table.name, &column.name))
            }
        })
    }

    /// The operations on a list, the default first.
    pub fn memberships(&self) -> Vec<Membership> {
        self.kinds.memberships(self.spec.kind, &self.settings)
    }

    /// What a delivery does to the list.
    pub fn membership(&self, used: Option<&DestinationUse>) -> Option<Membership> {
        used.and_then(|used| used.membership).or_else(|| self.memberships().first().copied())
    }

    /// How files are written; `None` for platforms.
    pub fn file(&self, used: Option<&DestinationUse>) -> Option<FileOptions> {
        self.spec.writes_files.then(|| {
            let contract = || self.contract.and_then(|contract| contract.file.clone());
            used.and_then(|used| used.file.clone()).or_else(contract).unwrap_or_default()
        })
    }

    /// The template of a group's list or file name.
    pub fn template<'t>(&'t self, used: Option<&'t DestinationUse>, group: &'t GroupDestination) -> &'t str {
        let own = group.list_name().or_else(|| used.and_then(|used| used.name.as_deref()));
        own.unwrap_or(self.spec.list.name_template)
    }

    /// A group's list or file name.
    pub fn name(
        &self,
        used: Option<&DestinationUse>,
        group: &GroupDestination,
        parts: &NameParts,
    ) -> Result<String, InvalidTemplate> {
        let template = self.template(used, group);
        let name = if self.spec.list.name_without_white_space {
            template::render(template, &parts.without_white_space())
        } else {
            template::render(template, parts)
        };
        name.map(|name| name.trim().to_owned())
    }
}

/// A contract of the workspace, else one that comes with the program.
pub(crate) fn find_contract<'a>(definitions: &'a Definitions, kinds: &'a dyn Kinds, id: &Slug) -> Option<&'a Contract> {
    let own = definitions.contracts.iter().find(|contract| contract.id == *id);
    own.or_else(|| kinds.contracts().into_iter().find(|contract| contract.id == *id))
}

/// The list's id at the platform, where the user gave one.
pub(crate) fn list_id(group: &GroupDestination) -> Option<&str> {
    match group {
        GroupDestination::Id(_) => None,
        GroupDestination::WithList(list) => list.list_id.as_deref(),
    }
}

/// The id of a sub-audience: its own, else the slug of its name.
pub(crate) fn sub_audience_id(sub_audience: &SubAudience) -> Option<Slug> {
    sub_audience.id.clone().or_else(|| Slug::from_name(&sub_audience.name))
}

/// The id of a group: its own, else the slug of its name.
pub(crate) fn group_id(group: &TreatmentGroup) -> Option<Slug> {
    group.id.clone().or_else(|| Slug::from_name(&group.name))
}

/// The parts of names in a campaign at a moment, those of sub-audience and group still empty.
pub(crate) fn name_parts(campaign: &Campaign, as_of: DateTime<Utc>, time_zone: Tz, run_id: &str) -> NameParts {
    let local = as_of.with_timezone(&time_zone);
    NameParts {
        campaign_id: campaign.id.to_string(),
        campaign_name: campaign.name.clone(),
        sub_audience_id: String::new(),
        sub_audience_name: String::new(),
        group_id: String::new(),
        group_name: String::new(),
        date: local.format("%Y-%m-%d").to_string(),
        datetime: local.format("%Y-%m-%dT%H-%M-%S").to_string(),
        date_compact: local.format("%Y%m%d").to_string(),
        run_id: run_id.to_owned(),
    }
}

/// Those parts for one group. `sub_audience` is `None` for **remaining**.
pub(crate) fn group_parts(parts: &NameParts, sub_audience: Option<&SubAudience>, group: &TreatmentGroup) -> NameParts {
    let text = |id: Option<Slug>| id.map(String::from).unwrap_or_default();
    NameParts {
        sub_audience_id: sub_audience.map_or_else(|| REMAINING.to_owned(), |one| text(sub_audience_id(one))),
        sub_audience_name: sub_audience.map_or_else(|| REMAINING.to_owned(), |one| one.name.clone()),
        group_id: text(group_id(group)),
        group_name: group.name.clone(),
        ..parts.clone()
    }
}

/// The many-rows tables that attributes are mapped from, each with the first attribute that is.
pub(crate) fn expansions<'a>(attributes: &'a [AttributeMapping], catalog: &Catalog) -> BTreeMap<&'a str, &'a str> {
    let mut tables = BTreeMap::new();
    for mapping in attributes {
        if let AttributeMapping::Column(mapped) = mapping
            && let Some(table) = catalog.table(&mapped.column.table)
            && table.rows == crate::definition::RowsPerCustomer::Many
        {
            tables.entry(mapped.column.table.as_str()).or_insert(mapped.attribute.as_str());
        }
    }
    tables
}
