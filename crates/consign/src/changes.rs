//! What new definitions change about those that are current. Pure.

use std::collections::BTreeMap;

use consign_model::definition::{Campaign, Definitions, TreatmentGroup};
use consign_model::id::Slug;
use serde::Serialize;
use serde_json::Value;

/// What new definitions change.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Changes {
    /// Things added, changed and removed.
    pub changes: Vec<Change>,
    /// What a change leaves as it is although one might think otherwise.
    pub remarks: Vec<String>,
}

/// One thing that is added, changed or removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// What happens to it.
    pub what: ChangeKind,
    /// What sort of thing it is, such as `segment`.
    pub sort: &'static str,
    /// Its id; `None` for the workspace.
    pub id: Option<String>,
    /// The fields that change.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
}

/// What happens to a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// It is new.
    Added,
    /// It says something else.
    Changed,
    /// It is gone.
    Removed,
}

/// The keys of definitions, and what one of each is called.
const SORTS: [(&str, &str); 5] = [
    ("sources", "source"),
    ("segments", "segment"),
    ("destinations", "destination"),
    ("contracts", "contract"),
    ("campaigns", "campaign"),
];

/// What changes from one to the other.
pub fn compare(old: &Definitions, new: &Definitions) -> Changes {
    let (before, after) = (value(old), value(new));
    let mut changes = Vec::new();
    if before["workspace"] != after["workspace"] {
        changes.extend(change("workspace", None, before.get("workspace"), after.get("workspace")));
    }
    for (key, sort) in SORTS {
        let (before, after) = (by_id(&before[key]), by_id(&after[key]));
        let gone = before.keys().filter(|id| !after.contains_key(*id));
        let ids: Vec<&str> = after.keys().chain(gone).copied().collect();
        changes.extend(
            ids.into_iter().filter_map(|id| change(sort, Some(id), before.get(id).copied(), after.get(id).copied())),
        );
    }
    Changes { changes, remarks: groups_gone(old, new) }
}

fn value(definitions: &Definitions) -> Value {
    serde_json::to_value(definitions).unwrap_or_default()
}

fn by_id(things: &Value) -> BTreeMap<&str, &Value> {
    let things = things.as_array().map(Vec::as_slice).unwrap_or_default();
    things.iter().filter_map(|thing| Some((thing["id"].as_str()?, thing))).collect()
}

fn change(sort: &'static str, id: Option<&str>, before: Option<&Value>, after: Option<&Value>) -> Option<Change> {
    let (what, fields) = match (before, after) {
        (None, None) => return None,
        (None, Some(_)) => (ChangeKind::Added, Vec::new()),
        (Some(_), None) => (ChangeKind::Removed, Vec::new()),
        (Some(before), Some(after)) if before == after => return None,
        (Some(before), Some(after)) => (ChangeKind::Changed, fields(before, after)),
    };
    Some(Change { what, sort, id: id.map(str::to_owned), fields })
}

/// The names of the fields that differ.
fn fields(before: &Value, after: &Value) -> Vec<String> {
    let keys = |value: &Value| -> Vec<String> {
        value.as_object().map(|fields| fields.keys().cloned().collect()).unwrap_or_default()
    };
    let mut names = keys(after);
    names.extend(keys(before).into_iter().filter(|name| after.get(name).is_none()));
    names.retain(|name| before.get(name) != after.get(name));
    names
}

/// Groups that are gone leave their lists behind.
fn groups_gone(old: &Definitions, new: &Definitions) -> Vec<String> {
    let mut remarks = Vec::new();
    for campaign in &old.campaigns {
        let successor = new.campaigns.iter().find(|successor| successor.id == campaign.id);
        let kept: Vec<Slug> = successor.into_iter().flat_map(groups).filter_map(group_id).collect();
        for group in groups(campaign) {
            let Some(id) = group_id(group).filter(|id| !kept.contains(id)) else {
                continue;
            };
            let places: Vec<&str> = group.destinations.iter().map(|place| place.id().as_str()).collect();
            if !places.is_empty() {
                let places = consign_model::word::list(places);
                remarks.push(format!(
                    "the group `{id}` of campaign `{}` is gone; its lists at {places} stay as they are",
                    campaign.id
                ));
            }
        }
    }
    remarks
}

fn groups(campaign: &Campaign) -> impl Iterator<Item = &TreatmentGroup> {
    campaign.sub_audiences.iter().flat_map(|sub| &sub.groups).chain(&campaign.remaining)
}

fn group_id(group: &TreatmentGroup) -> Option<Slug> {
    group.id.clone().or_else(|| Slug::from_name(&group.name))
}
