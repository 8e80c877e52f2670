//! Sub-audiences and treatment groups of a campaign.

use super::Validator;
use crate::definition::{Campaign, SubAudience, TreatmentGroup};
use crate::problem::Path;
use crate::resolve::{self, REMAINING};
use crate::split::WHOLE;
use crate::word;

/// Most sub-audiences of a campaign.
const MAX_SUB_AUDIENCES: usize = 60;

impl Validator<'_> {
    pub(super) fn sub_audiences(&mut self, campaign: &Campaign, path: &Path) {
        let list = path.field("sub_audiences");
        if campaign.sub_audiences.len() > MAX_SUB_AUDIENCES {
            self.error(
                &list,
                format!("{} sub-audiences are more than {MAX_SUB_AUDIENCES}", campaign.sub_audiences.len()),
                "combine some of them, or make two campaigns",
            );
        }
        if campaign.sub_audiences.is_empty() && campaign.remaining.is_empty() {
            self.error(
                &list,
                "the campaign has no treatment groups",
                "add sub-audiences, or groups under `remaining` for the whole audience",
            );
        }
        for (i, sub_audience) in campaign.sub_audiences.iter().enumerate() {
            let path = list.item(i);
            self.name(&sub_audience.name, "sub-audience", &path.field("name"));
            self.condition(&sub_audience.condition, &path.field("where"));
            self.groups(&sub_audience.groups, &path.field("groups"), &format!("`{}`", sub_audience.name));
            if !sub_audience.groups.is_empty() && sub_audience.groups.iter().all(|group| group.destinations.is_empty())
            {
                self.error(
                    &path.field("groups"),
                    format!("no group of `{}` has a destination", sub_audience.name),
                    "add `destinations` to at least one group",
                );
            }
            self.sub_audience_id(sub_audience, &path);
        }
        if !campaign.remaining.is_empty() {
            self.groups(&campaign.remaining, &path.field("remaining"), "the remaining customers");
        }
        let named = campaign.sub_audiences.iter().enumerate();
        self.distinct(
            named.clone().map(|(i, one)| (one.name.trim().to_owned(), list.item(i).field("name"))),
            |name, first| {
                (
                    format!("two sub-audiences have the name `{name}`, the first at `{first}`"),
                    "rename one of them".into(),
                )
            },
        );
        let id = |one: &SubAudience| resolve::sub_audience_id(one).map(String::from).unwrap_or_default();
        let names_differ = |i: usize, one: &SubAudience| {
            one.id.is_some() || campaign.sub_audiences[..i].iter().all(|earlier| earlier.name.trim() != one.name.trim())
        };
        self.distinct(
            named.filter(|(i, one)| names_differ(*i, one)).map(|(i, one)| (id(one), list.item(i).field("id"))),
            |id, first| {
                (
                    format!("two sub-audiences have the id `{id}`, the first at `{first}`"),
                    "give one of them an `id` of its own".into(),
                )
            },
        );
        self.group_names(campaign, path);
    }

    fn sub_audience_id(&mut self, sub_audience: &SubAudience, path: &Path) {
        match resolve::sub_audience_id(sub_audience) {
            None => self.error(
                &path.field("id"),
                format!("no id can be made from the name `{}`", sub_audience.name),
                "add an `id` of a-z, 0-9, `_` and `-`",
            ),
            Some(id) if id.as_str() == REMAINING => self.error(
                &path.field("id"),
                format!("`{REMAINING}` is the id of the customers whom no sub-audience matches"),
                "choose another `id`",
            ),
            Some(_) => {}
        }
    }

    fn groups(&mut self, groups: &[TreatmentGroup], path: &Path, whose: &str) {
        if groups.is_empty() {
            return self.error(path, format!("{whose} has no treatment groups"), "add at least one group of 100 %");
        }
        let sum: u64 = groups.iter().map(|group| u64::from(group.percent.hundredths())).sum();
        if sum != u64::from(WHOLE) {
            let percent = |hundredths: u64| hundredths as f64 / 100.0;
            let all = u64::from(WHOLE);
            let (difference, what) = if sum < all { (all - sum, "missing") } else { (sum - all, "too much") };
            self.error(
                path,
                format!("the groups of {whose} add up to {} %", percent(sum)),
                format!("make them add up to 100 %: {} % are {what}", percent(difference)),
            );
        }
        let mut control = None;
        for (i, group) in groups.iter().enumerate() {
            let path = path.item(i);
            if group.control {
                match control {
                    Some(first) => self.error(
                        &path.field("control"),
                        format!("{whose} has two control groups, `{first}` and `{}`", group.name),
                        "keep one of them",
                    ),
                    None => control = Some(&group.name),
                }
                if !group.destinations.is_empty() {
                    self.error(
                        &path.field("destinations"),
                        format!("the control group `{}` has destinations, and control is held out", group.name),
                        "remove its `destinations`, or `control`",
                    );
                }
            }
        }
    }

    /// Names and ids of groups, which become parts of the names of lists and files.
    fn group_names(&mut self, campaign: &Campaign, path: &Path) {
        let list = path.field("sub_audiences");
        let of_sub_audiences = campaign.sub_audiences.iter().enumerate().flat_map(|(i, sub_audience)| {
            let groups = list.item(i).field("groups");
            sub_audience.groups.iter().enumerate().map(move |(k, group)| (group, groups.item(k))).collect::<Vec<_>>()
        });
        let remaining = path.field("remaining");
        let all: Vec<(&TreatmentGroup, Path)> = of_sub_audiences
            .chain(campaign.remaining.iter().enumerate().map(|(k, group)| (group, remaining.item(k))))
            .collect();
        for (group, path) in &all {
            let place = path.field("name");
            self.name(&group.name, "treatment group", &place);
            if group.name.trim_start().starts_with('_') {
                let without = group.name.trim_start().trim_start_matches('_');
                self.error(
                    &place,
                    format!("the treatment name `{}` begins with `_`", group.name),
                    format!("write `{without}`"),
                );
            }
            if !group.name.trim().is_empty() && resolve::group_id(group).is_none() {
                self.error(
                    &path.field("id"),
                    format!("no id can be made from the name `{}`", group.name),
                    "add an `id` of a-z, 0-9, `_` and `-`",
                );
            }
            let mut seen: Vec<&str> = Vec::new();
            for (i, destination) in group.destinations.iter().enumerate() {
                let id = destination.id();
                let place = path.field("destinations").item(i);
                if seen.contains(&id.as_str()) {
                    self.error(&place, format!("the group `{}` has `{id}` twice", group.name), "remove one of the two");
                }
                seen.push(id.as_str());
                let known = self.definitions.destinations.iter().any(|one| one.id == *id);
                if !known && !self.unreadable.may_exist("destinations", id) {
                    let ids: Vec<&str> = self.definitions.destinations.iter().map(|one| one.id.as_str()).collect();
                    let remedy = word::use_nearest(id.as_str(), ids.iter().copied());
                    self.error(&place, format!("there is no destination `{id}`"), remedy);
                }
            }
        }
        let names = all.iter().map(|(group, path)| (group.name.trim().to_owned(), path.field("name")));
        self.distinct(names, |name, first| {
            (
                format!("two treatment groups of the campaign have the name `{name}`, the first at `{first}`"),
                format!("rename one of them, for example with its sub-audience: `{name} 2`"),
            )
        });
        let id = |group: &TreatmentGroup| resolve::group_id(group).map(String::from).unwrap_or_default();
        let fresh = |i: usize, group: &TreatmentGroup| {
            group.id.is_some() || all[..i].iter().all(|(earlier, _)| earlier.name.trim() != group.name.trim())
        };
        let ids = all.iter().enumerate().filter(|(i, (group, _))| fresh(*i, group));
        self.distinct(ids.map(|(_, (group, path))| (id(group), path.field("id"))), |id, first| {
            (
                format!("two treatment groups of the campaign have the id `{id}`, the first at `{first}`"),
                "give one of them an `id` of its own".into(),
            )
        });
    }
}
