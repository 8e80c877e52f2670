//! Counts while somebody edits: of conditions, of segments, of drafts. Counted, never estimated; each once for all who
//! ask for the same, and kept until the tables are looked at again.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::Utc;
use consign_delivery::audience_counts;
use consign_destinations::registry::Registry;
use consign_engine::{AssignRequest, CountRequest, EngineError, Tables};
use consign_model::condition::{All, Condition, Not};
use consign_model::definition::{Campaign, Definitions, Schedule, SegmentBody, Split, TreatmentGroup};
use consign_model::id::Slug;
use consign_model::plan::{AssignPlan, plan};
use consign_store::StoredDefinitions;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::app::App;
use crate::edit::{Sort, edit};
use crate::refusal::{Answer, Refusal};
use crate::show;
use crate::view::Audience;

/// Most segments that are compared.
const MOST_COMPARED: usize = 4;
/// Most answers that are kept.
const KEPT: usize = 2_000;

/// What is counted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CountOf {
    /// The customers for whom a condition holds.
    Condition(#[schemars(with = "Condition")] Value),
    /// The customers of a segment that need not be saved: its `customers`.
    Segment(#[schemars(with = "SegmentBody")] Value),
    /// Two to four saved segments, by their ids: how they overlap.
    Overlap(#[schemars(length(min = 2, max = 4))] Vec<Slug>),
    /// A campaign's draft, which may be invalid: as far as it can be counted.
    Campaign(#[schemars(with = "serde_json::Map<String, Value>")] Value),
}

/// How many customers there are.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "Counts")]
pub(crate) enum Counts {
    /// Of a condition or segment.
    Customers(CustomerCounts),
    /// Of several segments.
    Overlap(OverlapCounts),
    /// Of a campaign.
    Campaign(CampaignCounts),
}

/// How many customers there are of a condition or segment.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub(crate) struct CustomerCounts {
    /// Customers of the customer table.
    pub all: u64,
    /// Those that it holds.
    pub customers: u64,
}

/// How segments overlap.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub(crate) struct OverlapCounts {
    /// Customers of the customer table.
    pub all: u64,
    /// The customers of each segment.
    pub segments: Vec<SegmentCount>,
    /// The customers of each choice of them, who are in none of the others. Together they are all who are in any.
    pub parts: Vec<OverlapPart>,
}

/// The customers whom some segments share, and no other of those that are compared has.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub(crate) struct OverlapPart {
    /// The ids of the segments.
    pub segments: Vec<Slug>,
    /// How many.
    pub customers: u64,
}

/// How many customers there are of a campaign.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub(crate) struct CampaignCounts {
    /// Customers of the customer table.
    pub all: u64,
    /// The customers of each included segment.
    pub included: Vec<SegmentCount>,
    /// The customers of the included segments whom each excluded segment takes out.
    pub excluded: Vec<SegmentCount>,
    /// The customers of the included segments whom the workspace always excludes.
    pub always_excluded: u64,
    /// Who gets which treatment.
    pub audience: Audience,
}

/// The customers of a segment.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub(crate) struct SegmentCount {
    /// The segment's id.
    pub segment: Slug,
    /// How many.
    pub customers: u64,
}

/// What was counted.
#[derive(Default)]
pub(crate) struct Counted(Mutex<HashMap<String, Arc<OnceCell<Counts>>>>);

impl Counted {
    fn cell(&self, key: String) -> Arc<OnceCell<Counts>> {
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counted.len() >= KEPT {
            counted.clear();
        }
        Arc::clone(counted.entry(key).or_default())
    }
}

/// Counts what is asked for. Where the first who asks goes away, the next goes on.
pub(crate) async fn count(app: &App, of: CountOf) -> Answer<Counts> {
    let stored = app.current().await?;
    let open = app.tables(&stored).await?;
    let asked = serde_json::to_string(&of).unwrap_or_default();
    let cell = app.counted.cell(format!("{}/{}/{asked}", stored.version, open.version));
    let kinds = app.registry.as_ref();
    let counting = || async {
        let mut compared = Vec::new();
        let (definitions, campaign) = match of {
            CountOf::Overlap(segments) => {
                compared.clone_from(&segments);
                several(&stored, segments)?
            }
            CountOf::Condition(condition) => alone(&stored, &open.tables, kinds, &json!({ "where": condition }))?,
            CountOf::Segment(customers) => alone(&stored, &open.tables, kinds, &customers)?,
            CountOf::Campaign(draft) => drafted(&stored, &open.tables, kinds, draft)?,
        };
        let planned = plan(&definitions, open.tables.catalog(), kinds, &campaign.id, Utc::now(), COUNTED);
        let planned = planned.map_err(|problems| Refusal::invalid("it cannot be counted", problems))?.assign;
        let tables = Arc::clone(&open.tables);
        let is_alone = campaign.include.iter().any(|segment| segment.as_str() == COUNTED);
        app.at_desk(move |_, cancel| async move {
            if is_alone {
                customers(&tables, &planned, &cancel).await
            } else if !compared.is_empty() {
                overlap(&tables, &planned, compared, &cancel).await
            } else {
                assigned(&tables, &campaign, &planned, &cancel).await
            }
        })
        .await
    };
    cell.get_or_try_init(counting).await.cloned()
}

/// The id of what is counted and has none. No campaign or segment of a user has it, since theirs are slugs of names.
const COUNTED: &str = "0-counted";

fn slug(text: &str) -> Answer<Slug> {
    text.parse().map_err(|error| Refusal::failed(&error))
}

/// A campaign of one segment alone.
fn alone(
    stored: &StoredDefinitions,
    tables: &Tables,
    kinds: &Registry,
    customers: &Value,
) -> Answer<(Definitions, Campaign)> {
    let id = slug(COUNTED)?;
    let segment = json!({ "name": COUNTED, "customers": customers });
    let edited = edit(stored, tables, kinds, Sort::Segment, &id, Some(segment));
    if !edited.is_valid() {
        return Err(Refusal::invalid("it has problems: mend them first", edited.own));
    }
    let mut definitions = edited.definitions;
    let campaign = including(vec![id])?;
    definitions.campaigns.push(campaign.clone());
    Ok((definitions, campaign))
}

/// A campaign of saved segments to compare.
fn several(stored: &StoredDefinitions, segments: Vec<Slug>) -> Answer<(Definitions, Campaign)> {
    let known = &stored.definitions.segments;
    if let Some(missing) = segments.iter().find(|id| known.iter().all(|segment| segment.id != **id)) {
        return Err(Refusal::not_found("segment", missing.as_str(), known.iter().map(|one| one.id.as_str())));
    }
    let distinct: HashSet<&Slug> = segments.iter().collect();
    if distinct.len() != segments.len() || !(2..=MOST_COMPARED).contains(&segments.len()) {
        return Err(Refusal::bad(format!("compare 2 to {MOST_COMPARED} different segments")));
    }
    let campaign = including(segments)?;
    let mut definitions = stored.definitions.clone();
    definitions.campaigns.push(campaign.clone());
    Ok((definitions, campaign))
}

/// A campaign that is nothing but an audience.
fn including(segments: Vec<Slug>) -> Answer<Campaign> {
    Ok(Campaign {
        include: segments,
        id: slug(COUNTED)?,
        name: COUNTED.to_owned(),
        folder: None,
        labels: Vec::new(),
        archived: false,
        exclude: Vec::new(),
        first_match_only: true,
        split: Split::Stable,
        split_key: None,
        sub_audiences: Vec::new(),
        remaining: Vec::new(),
        destinations: BTreeMap::new(),
        schedule: Schedule::Manual,
        launch: None,
    })
}

/// A draft, as far as it is a campaign.
fn drafted(
    stored: &StoredDefinitions,
    tables: &Tables,
    kinds: &Registry,
    draft: Value,
) -> Answer<(Definitions, Campaign)> {
    let own = draft.get("id").and_then(Value::as_str).and_then(|id| id.parse().ok());
    let id = own.map_or_else(|| slug(COUNTED), Ok)?;
    let edited = edit(stored, tables, kinds, Sort::Campaign, &id, Some(draft));
    let mut definitions = edited.definitions;
    let Some(campaign) = definitions.campaigns.iter_mut().find(|campaign| campaign.id == id) else {
        return Err(Refusal::invalid("it is no campaign that could be counted", edited.own));
    };
    without_destinations(campaign);
    let campaign = campaign.clone();
    Ok((definitions, campaign))
}

/// Where lists go does not change who is in them.
fn without_destinations(campaign: &mut Campaign) {
    campaign.destinations.clear();
    let groups = campaign.sub_audiences.iter_mut().flat_map(|one| &mut one.groups).chain(&mut campaign.remaining);
    groups.for_each(|group: &mut TreatmentGroup| group.destinations.clear());
}

/// Counts conditions of a plan in one scan.
async fn counted(
    tables: &Tables,
    plan: &AssignPlan,
    conditions: &[Condition],
    cancel: &CancellationToken,
) -> Result<consign_engine::Counts, EngineError> {
    let request = CountRequest {
        as_of: plan.as_of,
        time_zone: plan.time_zone,
        customer_table: &plan.customer_table,
        sql_segments: &plan.sql_segments,
        conditions,
        cancel,
    };
    tables.count(&request).await
}

/// Counts who is in each choice of the segments of a plan, and in none of the others.
async fn overlap(
    tables: &Tables,
    plan: &AssignPlan,
    segments: Vec<Slug>,
    cancel: &CancellationToken,
) -> Result<Counts, EngineError> {
    // A bit a segment: each number but 0 is a choice.
    let choices: Vec<u32> = (1..1 << segments.len()).collect();
    let has = |choice: &u32, segment: usize| choice & (1 << segment) != 0;
    let exactly = |choice: &u32| {
        let of = |(i, condition): (usize, &Condition)| {
            let condition = condition.clone();
            if has(choice, i) { condition } else { Condition::Not(Not { not: Box::new(condition) }) }
        };
        Condition::All(All { all: plan.include.iter().enumerate().map(of).collect() })
    };
    let conditions: Vec<Condition> = choices.iter().map(exactly).collect();
    let counts = counted(tables, plan, &conditions, cancel).await?;
    let pairs = || choices.iter().zip(&counts.conditions);
    let of_segment = |i: usize| pairs().filter(|(choice, _)| has(choice, i)).map(|(_, customers)| customers).sum();
    let part = |(choice, customers): (&u32, &u64)| OverlapPart {
        segments: segments.iter().enumerate().filter(|(i, _)| has(choice, *i)).map(|(_, id)| id.clone()).collect(),
        customers: *customers,
    };
    let parts = pairs().map(part).collect();
    let count = |(i, segment): (usize, &Slug)| SegmentCount { segment: segment.clone(), customers: of_segment(i) };
    let segments = segments.iter().enumerate().map(count).collect();
    Ok(Counts::Overlap(OverlapCounts { all: counts.customers, segments, parts }))
}

async fn customers(tables: &Tables, plan: &AssignPlan, cancel: &CancellationToken) -> Result<Counts, EngineError> {
    let counts = counted(tables, plan, &plan.include, cancel).await?;
    let customers = counts.conditions.first().copied().unwrap_or_default();
    Ok(Counts::Customers(CustomerCounts { all: counts.customers, customers }))
}

/// Assigns as a run does, with nothing but keys, so that the counts are those of a run.
async fn assigned(
    tables: &Tables,
    campaign: &Campaign,
    plan: &AssignPlan,
    cancel: &CancellationToken,
) -> Result<Counts, EngineError> {
    let folder = tables.temporary()?;
    let snapshot = Url::from_file_path(folder.path().join("snapshot.parquet"));
    let snapshot = snapshot.map_err(|()| EngineError::Query("the spill folder is no absolute path".into()))?;
    let request = AssignRequest { snapshot: &snapshot, previous: None, progress: &|_| {}, cancel };
    let assigned = tables.assign(plan, &request).await?;
    let counts = |segments: &[Slug], counts: Vec<u64>| {
        let pairs = segments.iter().cloned().zip(counts);
        pairs.map(|(segment, customers)| SegmentCount { segment, customers }).collect()
    };
    let audience = show::audience(audience_counts(plan, &assigned));
    Ok(Counts::Campaign(CampaignCounts {
        all: assigned.customers_of_table,
        included: counts(&campaign.include, assigned.included),
        excluded: counts(&campaign.exclude, assigned.excluded),
        always_excluded: assigned.always_excluded,
        audience,
    }))
}
