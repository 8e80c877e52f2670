//! Destinations, each by itself.

use super::attributes::{Mapped, Subject};
use super::{Validator, item};
use crate::resolve::Target;
use crate::word;

impl Validator<'_> {
    pub(super) fn destinations(&mut self) {
        for (i, destination) in self.definitions.destinations.iter().enumerate() {
            let path = item("destinations", i);
            if let Some(consent) = &destination.consent {
                self.condition(consent, &path.field("consent"));
            }
            let Some(target) = Target::new(self.definitions, self.kinds, destination) else {
                let kinds: Vec<&str> = self.kinds.specs().into_iter().map(|spec| spec.kind).collect();
                let remedy = word::use_nearest(&destination.kind, kinds.iter().copied());
                self.error(&path.field("kind"), format!("`{}` is not a known kind", destination.kind), remedy);
                continue;
            };
            let before = self.found.len();
            self.settings(target.spec, destination, &path);
            if self.found.len() == before {
                for problem in self.kinds.check(destination) {
                    let under = target.spec.settings.iter().find(|setting| setting.name == problem.setting);
                    let secret = under.is_some_and(|one| one.secret);
                    if secret && destination.sandbox {
                        // The sandbox asks for no secrets.
                        continue;
                    }
                    let heading = if secret { "credentials" } else { "settings" };
                    self.error(&path.field(heading).field(problem.setting), problem.reason, problem.remedy);
                }
            }
            if let Some(id) = &destination.contract {
                let place = path.field("contract");
                if !target.spec.writes_files {
                    self.error(
                        &place,
                        format!("{} writes no files, so no contract can be met", target.spec.title),
                        "remove `contract`",
                    );
                } else if target.contract.is_none() && !self.unreadable.may_exist("contracts", id) {
                    let own = self.definitions.contracts.iter();
                    let ids: Vec<&str> = own.chain(self.kinds.contracts()).map(|one| one.id.as_str()).collect();
                    let remedy = word::use_nearest(id.as_str(), ids.iter().copied());
                    self.error(&place, format!("there is no contract `{id}`"), remedy);
                }
            }
            if let Some(attributes) = &destination.default_attributes
                && (destination.contract.is_none() || target.contract.is_some())
            {
                let path = path.field("default_attributes");
                self.attributes(&target, &Mapped { attributes, path: &path, subject: Subject::Written });
            }
        }
    }
}
