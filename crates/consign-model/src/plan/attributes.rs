//! Where the values of a delivery's attributes come from, and by which columns its customers are suppressed.

use super::build::Builder;
use super::{AttributeSource, CleanedColumn, PlannedAttribute, Prehashed, RegionRule};
use crate::definition::{AttributeMapping, ColumnAttribute, ColumnRef, Definitions, Destination, Fact};
use crate::problem::Path;
use crate::resolve::Target;
use crate::schema::Catalog;
use crate::spec::{Hash, Kinds, Normalisation, Rules, Settings};
use crate::template::NameParts;

/// The region of phones where neither the row nor the destination says one.
const DEFAULT_REGION: &str = "US";

impl Builder<'_> {
    pub(super) fn attributes(
        &mut self,
        mapped: &[AttributeMapping],
        rules: &Rules,
        settings: &Settings,
        parts: &NameParts,
        path: &Path,
    ) -> Vec<PlannedAttribute> {
        let mut planned = Vec::new();
        for mapping in mapped {
            let spec = rules.attribute(mapping.attribute());
            match mapping {
                AttributeMapping::Fact(fact) => {
                    let hash = spec.map_or(Hash::None, |spec| spec.hash);
                    let source = AttributeSource::Fact(fact.fact, self.fact(fact.fact, parts));
                    planned.push(PlannedAttribute { name: fact.attribute.clone(), source, hash });
                }
                AttributeMapping::Column(ColumnAttribute { attribute, column }) => {
                    if self.catalog.column(column).is_none() {
                        self.problem(path, format!("there is no column `{column}`"), "map a column of a table");
                        continue;
                    }
                    let Some(spec) = spec else {
                        let source = AttributeSource::Raw(column.clone());
                        planned.push(PlannedAttribute { name: attribute.clone(), source, hash: Hash::None });
                        continue;
                    };
                    planned.extend(spec.sent().iter().map(|sent| PlannedAttribute {
                        name: sent.name.clone(),
                        source: self.source(column, sent.normalisation, sent.hash, settings),
                        hash: sent.hash,
                    }));
                }
            }
        }
        planned
    }

    fn source(
        &self,
        column: &ColumnRef,
        normalisation: Normalisation,
        hash: Hash,
        settings: &Settings,
    ) -> AttributeSource {
        if normalisation == Normalisation::None {
            return AttributeSource::Raw(column.clone());
        }
        AttributeSource::Cleaned(self.cleaned(column, normalisation, hash.into(), settings))
    }

    fn cleaned(
        &self,
        column: &ColumnRef,
        normalisation: Normalisation,
        prehashed: Prehashed,
        settings: &Settings,
    ) -> CleanedColumn {
        let phone = matches!(normalisation, Normalisation::Phone | Normalisation::PhoneDigits);
        let looks = phone || matches!(normalisation, Normalisation::State | Normalisation::PostalCode);
        let region = looks.then(|| RegionRule {
            column: self.region_column(column, settings),
            default_region: settings.text("default_region").unwrap_or(DEFAULT_REGION).to_ascii_uppercase(),
            // Only phones have ranges that can be looked up.
            strict: phone && settings.text("phone_validation") == Some("strict"),
        });
        CleanedColumn { column: column.clone(), normalisation, prehashed, region }
    }

    /// The column that says the country of a column's rows: the setting where it is of the same table, else the one
    /// that means it.
    fn region_column(&self, column: &ColumnRef, settings: &Settings) -> Option<ColumnRef> {
        let set = settings.text("region_column").and_then(|text| text.parse::<ColumnRef>().ok());
        if let Some(set) = set.filter(|set| set.table == column.table && self.catalog.column(set).is_some()) {
            return Some(set);
        }
        let country = self.catalog.table(&column.table)?.column_with("country")?;
        Some(ColumnRef::new(&column.table, &country.name))
    }

    /// The mapped e-mail and phone columns, cleaned in one way whatever the destination, so that one person's
    /// identifiers are equal everywhere.
    pub(super) fn identifiers(
        &self,
        mapped: &[AttributeMapping],
        rules: &Rules,
        settings: &Settings,
    ) -> Vec<CleanedColumn> {
        use Normalisation as N;
        let mut found = Vec::new();
        for mapping in mapped {
            let AttributeMapping::Column(ColumnAttribute { attribute, column }) = mapping else { continue };
            let cleaning = rules.attribute(attribute).map_or(N::None, |spec| spec.normalisation);
            let means = |semantic| self.catalog.column(column).is_some_and(|column| column.means(semantic));
            let normalisation = match cleaning {
                N::Email | N::EmailWithoutSpace | N::EmailStripAlias => N::Email,
                N::Phone | N::PhoneDigits => N::Phone,
                _ if means("email") => N::Email,
                _ if means("phone") => N::Phone,
                _ => continue,
            };
            let identifier = self.cleaned(column, normalisation, Prehashed::Sha256, settings);
            if !found.contains(&identifier) {
                found.push(identifier);
            }
        }
        found
    }

    fn fact(&self, fact: Fact, parts: &NameParts) -> String {
        match fact {
            Fact::CampaignId => parts.campaign_id.clone(),
            Fact::CampaignName => parts.campaign_name.clone(),
            Fact::SubAudienceId => parts.sub_audience_id.clone(),
            Fact::SubAudienceName => parts.sub_audience_name.clone(),
            Fact::GroupId => parts.group_id.clone(),
            Fact::GroupName => parts.group_name.clone(),
            Fact::RunId => parts.run_id.clone(),
            Fact::LaunchDate => self.launch_date.map_or_else(String::new, |day| day.to_string()),
        }
    }
}

/// The attributes that campaigns begin with at a destination that names none itself; none where its kind or the customer
/// table is unknown.
pub fn default_attributes(
    definitions: &Definitions,
    catalog: &Catalog,
    kinds: &dyn Kinds,
    destination: &Destination,
) -> Vec<AttributeMapping> {
    let workspace = definitions.workspace.clone().unwrap_or_default();
    let target = Target::new(definitions, kinds, destination);
    let customers = catalog.table(&workspace.customer_table);
    target.zip(customers).map(|(target, customers)| target.defaults(customers)).unwrap_or_default()
}
