//! Ids and names are unique in their sort.

use std::collections::HashMap;

use super::{Validator, item};
use crate::problem::Path;

impl Validator<'_> {
    pub(super) fn ids(&mut self) {
        let definitions = self.definitions;
        let text = ToString::to_string;
        self.unique("sources", "id", "source", definitions.sources.iter().map(|one| text(&one.id)));
        let segments = &definitions.segments;
        self.unique("segments", "id", "segment", segments.iter().map(|one| text(&one.id)));
        self.names("segments", "segment", segments.iter().map(|one| one.name.as_str()));
        let destinations = &definitions.destinations;
        self.unique("destinations", "id", "destination", destinations.iter().map(|one| text(&one.id)));
        self.names("destinations", "destination", destinations.iter().map(|one| one.name.as_str()));
        let campaigns = &definitions.campaigns;
        self.unique("campaigns", "id", "campaign", campaigns.iter().map(|one| text(&one.id)));
        self.names("campaigns", "campaign", campaigns.iter().map(|one| one.name.as_str()));
        let contracts = &definitions.contracts;
        self.unique("contracts", "id", "contract", contracts.iter().map(|one| text(&one.id)));
        self.names("contracts", "contract", contracts.iter().map(|one| one.name.as_str()));
    }

    fn names<'n>(&mut self, section: &str, sort: &str, names: impl Iterator<Item = &'n str> + Clone) {
        for (i, name) in names.clone().enumerate() {
            self.name(name, sort, &item(section, i).field("name"));
        }
        self.unique(section, "name", sort, names.map(|name| name.trim().to_owned()));
    }

    /// A name says something and can be shown on one line.
    pub(super) fn name(&mut self, name: &str, sort: &str, path: &Path) {
        if name.trim().is_empty() {
            self.error(path, format!("the name of the {sort} is empty"), "write a name");
        } else if name.chars().any(char::is_control) {
            self.error(
                path,
                format!("the name of the {sort} has a line break or another control character in it"),
                "write it on one line",
            );
        }
    }

    fn unique(&mut self, section: &str, field: &str, sort: &str, values: impl Iterator<Item = String>) {
        let path = |index| item(section, index).field(field);
        self.distinct(values.enumerate().map(|(index, value)| (value, path(index))), |value, first| {
            (
                format!("two {sort}s have the {field} `{value}`, the first at `{first}`"),
                format!("give one of them another {field}"),
            )
        });
    }

    /// Reports each value that stands at an earlier path too.
    pub(super) fn distinct(
        &mut self,
        values: impl Iterator<Item = (String, Path)>,
        say: impl Fn(&str, &Path) -> (String, String),
    ) {
        let mut seen: HashMap<String, Path> = HashMap::new();
        for (value, path) in values {
            if value.is_empty() {
                continue;
            }
            if let Some(first) = seen.get(&value) {
                let (reason, remedy) = say(&value, first);
                self.second(&path, first, reason, remedy);
            } else {
                seen.insert(value, path);
            }
        }
    }
}
