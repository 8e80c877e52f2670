//! Campaigns: their audience, and what they say about their destinations.

use std::collections::BTreeMap;

use super::attributes::{Mapped, Subject};
use super::{Known, Validator, item};
use crate::definition::{
    AttributeMapping, Campaign, DestinationUse, Fact, FactAttribute, GroupDestination, SubAudience, TreatmentGroup,
};
use crate::id::Slug;
use crate::problem::Path;
use crate::resolve::Target;
use crate::word;

/// Most segments of an audience that are included, and that are excluded.
const MAX_SEGMENTS: usize = 10;

/// A group's use of a destination, and where it stands.
pub(super) struct GroupUse<'a> {
    /// `None` for the remaining customers.
    pub sub_audience: Option<&'a SubAudience>,
    pub group: &'a TreatmentGroup,
    pub destination: &'a GroupDestination,
    /// Of the group's name.
    pub name_path: Path,
    pub path: Path,
}

/// Every use of a destination in a campaign, in order.
pub(super) fn uses<'a>(campaign: &'a Campaign, path: &Path) -> Vec<GroupUse<'a>> {
    let list = path.field("sub_audiences");
    let sub_audiences = campaign.sub_audiences.iter().enumerate();
    let groups = sub_audiences.map(|(i, one)| (Some(one), &one.groups, list.item(i).field("groups")));
    groups
        .chain([(None, &campaign.remaining, path.field("remaining"))])
        .flat_map(|(sub_audience, groups, path)| {
            groups.iter().enumerate().flat_map(move |(i, group)| {
                let name_path = path.item(i).field("name");
                let path = path.item(i).field("destinations");
                group.destinations.iter().enumerate().map(move |(k, destination)| {
                    let (name_path, path) = (name_path.clone(), path.item(k));
                    GroupUse { sub_audience, group, destination, name_path, path }
                })
            })
        })
        .collect()
}

impl<'a> Validator<'a> {
    pub(super) fn campaigns(&mut self) {
        for (i, campaign) in self.definitions.campaigns.iter().enumerate() {
            let path = item("campaigns", i);
            self.place(campaign, &path);
            self.audience(campaign, &path);
            self.sub_audiences(campaign, &path);
            self.destination_uses(campaign, &path);
            self.schedule(campaign, &path);
        }
    }

    fn audience(&mut self, campaign: &Campaign, path: &Path) {
        let include = path.field("include");
        if campaign.include.is_empty() {
            self.error(&include, "the campaign includes no segment", "name 1 to 10 segments");
        }
        for (what, list, place) in
            [("includes", &campaign.include, &include), ("excludes", &campaign.exclude, &path.field("exclude"))]
        {
            if list.len() > MAX_SEGMENTS {
                self.error(
                    place,
                    format!("the campaign {what} {} segments, more than {MAX_SEGMENTS}", list.len()),
                    "combine some of them in one segment with `any`",
                );
            }
            for (i, segment) in list.iter().enumerate() {
                self.segment_exists(segment, &place.item(i));
            }
            self.distinct(list.iter().enumerate().map(|(i, id)| (id.to_string(), place.item(i))), |id, _| {
                (format!("the campaign {what} `{id}` twice"), "remove one of the two".into())
            });
        }
        for (i, segment) in campaign.exclude.iter().enumerate() {
            if campaign.include.contains(segment) {
                self.warning(
                    &path.field("exclude").item(i),
                    format!("`{segment}` is included and excluded, so none of its customers is in the audience"),
                    "remove it from one of the two",
                );
            }
        }
        if campaign.split_key.as_deref().is_some_and(|key| key.contains('\u{1f}')) {
            self.error(
                &path.field("split_key"),
                "the split key has the character U+001F in it, which separates it from customer keys",
                "choose another split key",
            );
        }
    }

    fn destination_uses(&mut self, campaign: &'a Campaign, path: &Path) {
        let place = path.field("destinations");
        let mut first: BTreeMap<&Slug, Path> = BTreeMap::new();
        for one in uses(campaign, path) {
            first.entry(one.destination.id()).or_insert(one.path);
        }
        for (id, used) in &campaign.destinations {
            let place = place.field(id.as_str());
            let destination = self.definitions.destinations.iter().find(|one| one.id == *id);
            match destination {
                None if self.unreadable.may_exist("destinations", id) => {}
                None => {
                    let ids: Vec<&str> = self.definitions.destinations.iter().map(|one| one.id.as_str()).collect();
                    let remedy = word::use_nearest(id.as_str(), ids.iter().copied());
                    self.error(&place, format!("there is no destination `{id}`"), remedy);
                }
                Some(destination) => {
                    if !first.contains_key(id) {
                        self.warning(
                            &place,
                            format!("no group of the campaign has the destination `{id}`"),
                            "add it to a group, or remove this",
                        );
                    }
                    if let Some(target) = Target::new(self.definitions, self.kinds, destination) {
                        self.destination_use(&target, used, &place);
                    }
                }
            }
        }
        for (id, used_at) in first {
            let own = campaign.destinations.get(id).and_then(|used| used.attributes.as_deref());
            let written = own.is_some();
            let destination = self.definitions.destinations.iter().find(|one| one.id == *id);
            let defaults = destination.and_then(|one| one.default_attributes.as_deref());
            let launch = |mapping: &AttributeMapping| {
                matches!(mapping, AttributeMapping::Fact(FactAttribute { fact: Fact::LaunchDate, .. }))
            };
            if campaign.launch.is_none() && own.or(defaults).is_some_and(|mapped| mapped.iter().any(launch)) {
                let place = if written { place.field(id.as_str()).field("attributes") } else { used_at.clone() };
                self.error(
                    &place,
                    format!("the launch date is sent to `{id}`, and the campaign has none"),
                    "add `launch` to the campaign, or remove the attribute",
                );
            }
            if !written {
                self.default_attributes(id, &used_at);
            }
        }
    }

    fn destination_use(&mut self, target: &Target<'_>, used: &DestinationUse, path: &Path) {
        let unsure = target.destination.contract.is_some() && target.contract.is_none();
        if let (Some(attributes), false) = (&used.attributes, unsure) {
            let path = path.field("attributes");
            self.attributes(target, &Mapped { attributes, path: &path, subject: Subject::Written });
        }
        if let Some(membership) = used.membership {
            let offered = target.memberships();
            if !offered.contains(&membership) {
                let remedy = if offered.is_empty() {
                    "remove `membership`: a file of the same name is overwritten".to_owned()
                } else {
                    format!("choose one of {}", word::list(offered.iter().map(word::word)))
                };
                self.error(
                    &path.field("membership"),
                    format!("{} does not offer `{}` as it is set up", target.spec.title, word::word(&membership)),
                    remedy,
                );
            }
        }
        if let Some(file) = &used.file {
            let place = path.field("file");
            if target.spec.writes_files {
                self.file_options(file, &place);
                if let Some(contract) = target.contract
                    && contract.file.as_ref().is_some_and(|demanded| demanded != file)
                {
                    self.error(
                        &place,
                        format!("the file is written otherwise than the contract `{}` demands", contract.id),
                        "remove `file`: the contract's own options then hold",
                    );
                }
            } else {
                self.error(&place, format!("{} writes no files", target.spec.title), "remove `file`");
            }
        }
    }

    /// Checks what a destination is sent where the campaign does not say it.
    fn default_attributes(&mut self, id: &Slug, used_at: &Path) {
        let Some(destination) = self.definitions.destinations.iter().find(|one| one.id == *id) else { return };
        let Some(target) = Target::new(self.definitions, self.kinds, destination) else { return };
        let unsure = destination.contract.is_some() && target.contract.is_none();
        // The destination's own are checked where they stand.
        if destination.default_attributes.is_some() || unsure {
            return;
        }
        if let Known::Schema(customers) = self.table(&self.workspace.customer_table) {
            let attributes = target.defaults(customers);
            self.attributes(&target, &Mapped { attributes: &attributes, path: used_at, subject: Subject::Defaults });
        }
    }
}
