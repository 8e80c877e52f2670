//! Where campaigns are among others: folders, labels, the archive.

use super::Validator;
use crate::definition::{Campaign, Schedule};
use crate::problem::Path;

/// Longest name of a folder, and of a label, in characters.
const LONGEST: usize = 80;
/// Most labels of a campaign.
const MAX_LABELS: usize = 20;

impl Validator<'_> {
    pub(super) fn place(&mut self, campaign: &Campaign, path: &Path) {
        if let Some(folder) = &campaign.folder {
            self.short_name(folder, "folder", &path.field("folder"));
        }
        let labels = path.field("labels");
        if campaign.labels.len() > MAX_LABELS {
            self.error(
                &labels,
                format!("{} labels are more than {MAX_LABELS}", campaign.labels.len()),
                "keep those by which it is looked for",
            );
        }
        for (i, label) in campaign.labels.iter().enumerate() {
            self.short_name(label, "label", &labels.item(i));
        }
        let named = campaign.labels.iter().enumerate().map(|(i, label)| (label.trim().to_owned(), labels.item(i)));
        self.distinct(named, |label, _| {
            (format!("the campaign has the label `{label}` twice"), "remove one of the two".into())
        });
        if campaign.archived && campaign.schedule != Schedule::Manual {
            self.error(
                &path.field("schedule"),
                "the campaign is archived, so its schedule is not kept",
                "remove `schedule`, or bring the campaign back by removing `archived`",
            );
        }
    }

    fn short_name(&mut self, name: &str, sort: &str, path: &Path) {
        self.name(name, sort, path);
        let length = name.chars().count();
        if length > LONGEST {
            self.error(
                path,
                format!("the name of the {sort} has {length} characters, more than {LONGEST}"),
                "shorten it",
            );
        }
    }
}
