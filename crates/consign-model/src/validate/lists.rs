//! Names of lists and files: legal at their destination, and each list with one keeper.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::campaigns::{GroupUse, uses};
use super::{Validator, item};
use crate::definition::{DestinationUse, Membership};
use crate::plan::extension;
use crate::problem::Path;
use crate::resolve::{self, Target};
use crate::template::{NameParts, VARIABLES};
use crate::word;

/// Longest file name in bytes where the kind says nothing: most file systems take 255, and temporary names, parts and
/// manifests add to it.
const MAX_FILE_NAME: usize = 200;

/// The moment for which names are rendered in validation, so that equal templates give equal names.
const SAMPLE: DateTime<Utc> = DateTime::from_timestamp(1_796_115_600, 0).expect("a moment of the year 2026");

/// Who keeps a list.
struct Keeper {
    path: Path,
    campaign: String,
    group: String,
    appends: bool,
}

impl Validator<'_> {
    /// Checks the list names of all campaigns.
    pub(super) fn lists(&mut self) {
        let mut keepers: HashMap<(String, String), Keeper> = HashMap::new();
        for (i, campaign) in self.definitions.campaigns.iter().enumerate() {
            let path = item("campaigns", i);
            let parts = resolve::name_parts(campaign, SAMPLE, Tz::UTC, &format!("run-of-{}", campaign.id));
            let mut bad_templates: Vec<&str> = Vec::new();
            for one in uses(campaign, &path) {
                let id = one.destination.id();
                let Some(destination) = self.definitions.destinations.iter().find(|known| known.id == *id) else {
                    continue;
                };
                let Some(target) = Target::new(self.definitions, self.kinds, destination) else { continue };
                let used = campaign.destinations.get(id);
                let parts = resolve::group_parts(&parts, one.sub_audience, one.group);
                let place = if one.destination.list_name().is_some() {
                    one.path.field("list_name")
                } else if used.is_some_and(|used| used.name.is_some()) {
                    path.field("destinations").field(id.as_str()).field("name")
                } else {
                    one.path.clone()
                };
                let name = match target.name(used, one.destination, &parts) {
                    Ok(name) => name,
                    Err(invalid) => {
                        // A template of the whole campaign is wrong once, not once a group.
                        let template = target.template(used, one.destination);
                        let again = one.destination.list_name().is_none() && bad_templates.contains(&id.as_str());
                        if !again {
                            bad_templates.push(id.as_str());
                            let remedy = unknown_variable(template);
                            self.error(&place, invalid.to_string(), remedy);
                        }
                        continue;
                    }
                };
                let file = target.file(used);
                let name = if let Some(options) = &file {
                    self.file_name(&name, &extension(options), &parts, &place, &one);
                    format!("{name}{}", extension(options))
                } else {
                    self.list_name(&target, used, &name, &place, &one);
                    name
                };
                if campaign.archived {
                    // It delivers nothing till it is brought back, and that is an edit of its own.
                    continue;
                }
                let list = resolve::list_id(one.destination).map_or(name, |id| format!("id {id}"));
                let keeper = Keeper {
                    path: one.path.clone(),
                    campaign: campaign.name.clone(),
                    group: one.group.name.clone(),
                    appends: file.is_none() && target.membership(used) == Some(Membership::Append),
                };
                self.one_keeper(&mut keepers, (id.to_string(), list), keeper, target.spec.list.noun);
            }
        }
    }

    fn one_keeper(
        &mut self,
        keepers: &mut HashMap<(String, String), Keeper>,
        list: (String, String),
        keeper: Keeper,
        noun: &str,
    ) {
        match keepers.get(&list) {
            None => {
                keepers.insert(list, keeper);
            }
            Some(first) if first.appends && keeper.appends => {}
            Some(first) => {
                let (destination, name) = list;
                let reason = format!(
                    "`{}` of `{}` and `{}` of `{}` would both keep the {noun} `{name}` at `{destination}` and undo each \
                     other, the first at `{}`",
                    first.group, first.campaign, keeper.group, keeper.campaign, first.path
                );
                self.second(
                    &keeper.path,
                    &first.path,
                    reason,
                    "give one of them another name, for example with `{{ campaign_name }}` and `{{ group_name }}` in the \
                     template, or let all of them `append`",
                );
            }
        }
    }

    fn list_name(
        &mut self,
        target: &Target<'_>,
        used: Option<&DestinationUse>,
        name: &str,
        path: &Path,
        one: &GroupUse<'_>,
    ) {
        let list = &target.spec.list;
        let group = &one.group.name;
        if name.is_empty() {
            return self.error(path, format!("the {} of `{group}` has no name", list.noun), "write a longer template");
        }
        // Control characters in names of groups and campaigns are reported there.
        if target.template(used, one.destination).chars().any(char::is_control) {
            self.error(
                path,
                format!("the template of the {} name has a line break or another control character in it", list.noun),
                "write it on one line",
            );
        }
        let length = name.chars().count();
        if let Some(max) = list.max_name.filter(|max| length > *max) {
            self.error(
                path,
                format!(
                    "the {} name `{name}` has {length} characters, and {} takes {max}",
                    list.noun, target.spec.title
                ),
                "shorten the names of campaign and group, or write a shorter template",
            );
        }
        if let Some(word) = list.name_should_not_contain
            && name.to_lowercase().contains(&word.to_lowercase())
        {
            self.warning(
                path,
                format!(
                    "the {} name `{name}` contains `{word}`, which {} advises against",
                    list.noun, target.spec.title
                ),
                "rename the group or the campaign, or write another template",
            );
        }
    }

    fn file_name(&mut self, name: &str, extension: &str, parts: &NameParts, path: &Path, one: &GroupUse<'_>) {
        let illegal = |c: char| c == '/' || c == '\\' || c.is_control();
        let group = &one.group.name;
        if name.is_empty() {
            self.error(path, format!("the file of `{group}` has no name"), "write a longer template");
        } else if name.contains(illegal) {
            // Said once of a template, and of each name that brings it in.
            let (path, remedy) = if parts.group_name.contains(illegal) {
                (&one.name_path, "rename the group, or use `{{ group_id }}` in the template")
            } else if parts.campaign_name.contains(illegal) || parts.sub_audience_name.contains(illegal) {
                (path, "use `{{ campaign_id }}` and `{{ sub_audience_id }}` in the template")
            } else {
                (path, "remove it from the template; the folder is a setting of the destination")
            };
            if self.found.iter().any(|found| found.path == *path) {
                return;
            }
            self.error(
                path,
                format!("the file name `{}` has `/`, `\\` or a control character in it", name.escape_debug()),
                remedy,
            );
        } else if name.starts_with('.') || name.contains("..") {
            if self.found.iter().any(|found| found.path == *path) {
                return;
            }
            self.error(
                path,
                format!("the file name `{name}` begins with a dot or has `..` in it"),
                "write it without, so that it stays in its folder and is seen there",
            );
        } else if name.len() + extension.len() > MAX_FILE_NAME {
            self.error(
                path,
                format!(
                    "the file name `{name}{extension}` has {} bytes, more than {MAX_FILE_NAME}",
                    name.len() + extension.len()
                ),
                "shorten the names of campaign and group, or write a shorter template",
            );
        }
    }
}

/// What to do about a template: its first unknown variable, or all there are.
fn unknown_variable(template: &str) -> String {
    let variables = template.split("{{").skip(1).filter_map(|rest| rest.split("}}").next()).map(str::trim);
    let plain = |name: &&str| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && !VARIABLES.contains(name);
    match variables.into_iter().find(plain).and_then(|name| word::nearest(name, VARIABLES.iter().copied())) {
        Some(near) => format!("write `{{{{ {near} }}}}`"),
        None => format!("write variables as `{{{{ name }}}}`, each one of {}", word::list(VARIABLES)),
    }
}
