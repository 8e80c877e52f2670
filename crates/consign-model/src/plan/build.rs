//! Builds the plan of one campaign.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Days, NaiveDate, Utc};
use chrono_tz::Tz;

use super::{
    AssignPlan, AttributeSource, CampaignPlan, CleanedColumn, PlannedDelivery, PlannedGroup, PlannedSubAudience,
};
use crate::condition::{All, Any, Condition, InSegment, Not};
use crate::definition::{
    Campaign, ColumnRef, Definitions, Destination, GroupDestination, Launch, SegmentBody, SubAudience, TreatmentGroup,
    Workspace,
};
use crate::id::Slug;
use crate::problem::{Path, Problem};
use crate::resolve::{self, REMAINING, Target, expansions};
use crate::schema::{Catalog, TableSchema};
use crate::spec::Kinds;
use crate::template::NameParts;
use crate::test::parse_date;

/// Resolves one campaign to what its run needs. The definitions are clean: [`validate`](crate::validate::validate) found
/// no error in them. What cannot be resolved all the same is a problem here.
pub fn plan(
    definitions: &Definitions,
    catalog: &Catalog,
    kinds: &dyn Kinds,
    campaign: &Slug,
    as_of: DateTime<Utc>,
    run_id: &str,
) -> Result<CampaignPlan, Vec<Problem>> {
    let found = definitions.campaigns.iter().enumerate().find(|(_, one)| one.id == *campaign);
    let Some((index, campaign)) = found else {
        let ids = definitions.campaigns.iter().map(|one| one.id.as_str());
        return Err(vec![Problem::error(
            Path::default().field("campaigns"),
            format!("there is no campaign `{campaign}`"),
            crate::word::use_nearest(campaign.as_str(), ids),
        )]);
    };
    let workspace = definitions.workspace.clone().unwrap_or_default();
    let path = Path::default().field("campaigns").item(index);
    let root = Path::default();
    let time_zone = workspace.time_zone.parse::<Tz>().map_err(|_| {
        let path = root.field("workspace").field("time_zone");
        vec![Problem::error(path, format!("`{}` is not a time zone", workspace.time_zone), "write an IANA name")]
    })?;
    let customers = catalog.table(&workspace.customer_table).ok_or_else(|| {
        let path = root.field("workspace").field("customer_table");
        let reason = format!("there is no table `{}`", workspace.customer_table);
        vec![Problem::error(path, reason, "name a table of a source, or add it to one")]
    })?;
    let mut builder = Builder {
        definitions,
        catalog,
        kinds,
        campaign,
        customers,
        parts: resolve::name_parts(campaign, as_of, time_zone, run_id),
        launch_date: launch_date(campaign, as_of, time_zone),
        suppresses: !workspace.always_exclude.is_empty(),
        sql_segments: BTreeMap::new(),
        consents: BTreeMap::new(),
        deliveries: Vec::new(),
        problems: Vec::new(),
    };
    let assign = builder.assign(&workspace, as_of, time_zone, &path);
    if !builder.problems.is_empty() {
        return Err(builder.problems);
    }
    Ok(CampaignPlan {
        campaign: campaign.id.clone(),
        campaign_name: campaign.name.clone(),
        run_id: run_id.to_owned(),
        launch_date: builder.launch_date,
        assign,
        deliveries: builder.deliveries,
    })
}

fn launch_date(campaign: &Campaign, as_of: DateTime<Utc>, time_zone: Tz) -> Option<NaiveDate> {
    match campaign.launch.as_ref()? {
        Launch::On(day) => parse_date(day),
        Launch::DaysAfterDelivery(days) => {
            as_of.with_timezone(&time_zone).date_naive().checked_add_days(Days::new(u64::from(*days)))
        }
    }
}

pub(super) struct Builder<'a> {
    definitions: &'a Definitions,
    pub(super) catalog: &'a Catalog,
    kinds: &'a dyn Kinds,
    campaign: &'a Campaign,
    customers: &'a TableSchema,
    parts: NameParts,
    pub(super) launch_date: Option<NaiveDate>,
    /// Whether anybody is always excluded, whatever the destination.
    suppresses: bool,
    sql_segments: BTreeMap<Slug, String>,
    consents: BTreeMap<Slug, Condition>,
    deliveries: Vec<PlannedDelivery>,
    problems: Vec<Problem>,
}

/// Where a delivery stands in the plan.
#[derive(Clone, Copy)]
struct Position<'a> {
    sub_audience: usize,
    /// `None` for **remaining**.
    of: Option<&'a SubAudience>,
    group: usize,
    treatment: &'a TreatmentGroup,
}

impl<'a> Builder<'a> {
    pub(super) fn problem(&mut self, path: &Path, reason: impl Into<String>, remedy: impl Into<String>) {
        self.problems.push(Problem::error(path.clone(), reason, remedy));
    }

    fn assign(&mut self, workspace: &Workspace, as_of: DateTime<Utc>, time_zone: Tz, path: &Path) -> AssignPlan {
        let campaign = self.campaign;
        let mut sub_audiences = Vec::new();
        for (i, sub_audience) in campaign.sub_audiences.iter().enumerate() {
            let path = path.field("sub_audiences").item(i);
            let condition = self.inline(&sub_audience.condition, &mut Vec::new(), &path.field("where"));
            let groups = self.groups(i, Some(sub_audience), &sub_audience.groups, &path.field("groups"));
            let Some(id) = resolve::sub_audience_id(sub_audience) else {
                self.problem(&path.field("id"), "the sub-audience has no id", "add an `id`");
                continue;
            };
            sub_audiences.push(PlannedSubAudience {
                id,
                name: sub_audience.name.clone(),
                condition: Some(condition),
                groups,
            });
        }
        let groups = self.groups(campaign.sub_audiences.len(), None, &campaign.remaining, &path.field("remaining"));
        if let Some(id) = Slug::from_name(REMAINING) {
            sub_audiences.push(PlannedSubAudience { id, name: REMAINING.into(), condition: None, groups });
        }
        let include = self.segments(&campaign.include, &path.field("include"));
        let exclude = self.segments(&campaign.exclude, &path.field("exclude"));
        let always = Path::default().field("workspace").field("always_exclude");
        let always_exclude = self.segments(&workspace.always_exclude, &always);
        let (columns, cleaned) = self.columns();
        AssignPlan {
            as_of,
            time_zone,
            customer_table: workspace.customer_table.clone(),
            sql_segments: std::mem::take(&mut self.sql_segments),
            include,
            exclude,
            always_exclude,
            first_match_only: campaign.first_match_only,
            split: campaign.split,
            split_key: campaign.split_key().to_owned(),
            sub_audiences,
            consents: std::mem::take(&mut self.consents),
            columns,
            cleaned,
        }
    }

    /// The columns of the snapshot: those sent as they are, and those cleaned first. Each once.
    fn columns(&self) -> (Vec<ColumnRef>, Vec<CleanedColumn>) {
        let mut raw = BTreeSet::new();
        let mut cleaned = BTreeSet::new();
        for delivery in &self.deliveries {
            cleaned.extend(delivery.identifiers.iter().cloned());
            for attribute in &delivery.attributes {
                match &attribute.source {
                    AttributeSource::Raw(column) => {
                        raw.insert(column.clone());
                    }
                    AttributeSource::Cleaned(column) => {
                        cleaned.insert(column.clone());
                    }
                    AttributeSource::Fact(..) => {}
                }
            }
        }
        (raw.into_iter().collect(), cleaned.into_iter().collect())
    }

    fn segments(&mut self, ids: &[Slug], path: &Path) -> Vec<Condition> {
        ids.iter()
            .enumerate()
            .map(|(i, id)| {
                let segment = Condition::Segment(InSegment { segment: id.clone() });
                self.inline(&segment, &mut Vec::new(), &path.item(i))
            })
            .collect()
    }

    /// The condition with segments of conditions written out; SQL segments stay, and are collected.
    fn inline(&mut self, condition: &Condition, within: &mut Vec<&'a Slug>, path: &Path) -> Condition {
        match condition {
            Condition::All(all) => {
                Condition::All(All { all: all.all.iter().map(|one| self.inline(one, within, path)).collect() })
            }
            Condition::Any(any) => {
                Condition::Any(Any { any: any.any.iter().map(|one| self.inline(one, within, path)).collect() })
            }
            Condition::Not(not) => Condition::Not(Not { not: Box::new(self.inline(&not.not, within, path)) }),
            Condition::Column(_) | Condition::Aggregate(_) => condition.clone(),
            Condition::Segment(InSegment { segment: id }) => {
                let Some(segment) = self.definitions.segments.iter().find(|one| one.id == *id) else {
                    self.problem(path, format!("there is no segment `{id}`"), "name a segment, or define this one");
                    return condition.clone();
                };
                match &segment.customers {
                    SegmentBody::Sql(sql) => {
                        self.sql_segments.insert(id.clone(), sql.clone());
                        condition.clone()
                    }
                    SegmentBody::Where(_) if within.contains(&&segment.id) => {
                        let reason = format!("the segment `{id}` is made of itself");
                        self.problem(path, reason, "remove the reference");
                        condition.clone()
                    }
                    SegmentBody::Where(inner) => {
                        within.push(&segment.id);
                        let inlined = self.inline(inner, within, path);
                        within.pop();
                        inlined
                    }
                }
            }
        }
    }

    /// Plans the groups of a sub-audience, the control group first, and their deliveries.
    fn groups(
        &mut self,
        sub_audience: usize,
        of: Option<&'a SubAudience>,
        groups: &'a [TreatmentGroup],
        path: &Path,
    ) -> Vec<PlannedGroup> {
        let mut order: Vec<usize> = (0..groups.len()).collect();
        order.sort_by_key(|i| !groups[*i].control);
        let mut planned = Vec::new();
        for i in order {
            let treatment = &groups[i];
            let path = path.item(i);
            let Some(id) = resolve::group_id(treatment) else {
                self.problem(&path.field("id"), "the treatment group has no id", "add an `id`");
                continue;
            };
            let position = Position { sub_audience, of, group: planned.len(), treatment };
            for (k, destination) in treatment.destinations.iter().enumerate() {
                self.delivery(position, destination, &path.field("destinations").item(k));
            }
            planned.push(PlannedGroup {
                id,
                name: treatment.name.clone(),
                control: treatment.control,
                hundredths: treatment.percent.hundredths(),
                destinations: treatment.destinations.iter().map(|one| one.id().clone()).collect(),
            });
        }
        planned
    }

    fn delivery(&mut self, position: Position<'a>, group: &'a GroupDestination, path: &Path) {
        let id = group.id();
        let Some(destination) = self.definitions.destinations.iter().find(|one| one.id == *id) else {
            return self.problem(path, format!("there is no destination `{id}`"), "name a destination");
        };
        let Some(target) = Target::new(self.definitions, self.kinds, destination) else {
            return self.problem(path, format!("`{}` is not a known kind", destination.kind), "choose a known kind");
        };
        if let (Some(contract), None) = (&destination.contract, target.contract) {
            return self.problem(path, format!("there is no contract `{contract}`"), "name a contract");
        }
        let used = self.campaign.destinations.get(id);
        let mapped = used
            .and_then(|used| used.attributes.clone())
            .or_else(|| destination.default_attributes.clone())
            .unwrap_or_else(|| target.defaults(self.customers));
        let parts = resolve::group_parts(&self.parts, position.of, position.treatment);
        let list_name = match target.name(used, group, &parts) {
            Ok(name) => name,
            Err(invalid) => return self.problem(path, invalid.to_string(), "mend the template"),
        };
        let rules = target.rules(&mapped);
        let attributes = self.attributes(&mapped, &rules, &target.settings, &parts, path);
        self.consent(destination, path);
        let identifiers = if self.suppresses || destination.consent.is_some() {
            self.identifiers(&mapped, &rules, &target.settings)
        } else {
            Vec::new()
        };
        let membership = target.membership(used);
        let file = target.file(used);
        let expansion = expansions(&mapped, self.catalog).into_keys().next().map(ToOwned::to_owned);
        self.deliveries.push(PlannedDelivery {
            sub_audience: position.sub_audience,
            group: position.group,
            destination: id.clone(),
            kind: target.spec.kind.to_owned(),
            settings: target.settings,
            rules,
            attributes,
            expansion,
            identifiers,
            consent: destination.consent.is_some(),
            list_name,
            list_id: resolve::list_id(group).map(ToOwned::to_owned),
            membership,
            allow_empty: used.is_some_and(|used| used.allow_empty),
            max_removed: used.and_then(|used| used.max_removed),
            sandbox: destination.sandbox,
            file,
        });
    }

    fn consent(&mut self, destination: &Destination, path: &Path) {
        if let Some(consent) = &destination.consent
            && !self.consents.contains_key(&destination.id)
        {
            let consent = self.inline(consent, &mut Vec::new(), path);
            self.consents.insert(destination.id.clone(), consent);
        }
    }
}
