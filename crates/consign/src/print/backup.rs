//! Backups as text.

use consign_delivery::backup::{BackedUp, Restored};
use consign_model::word;

use super::{Shown, Style, moment};

impl Shown for BackedUp {
    fn text(&self, _: Style) -> String {
        let files = word::count(usize::try_from(self.files).unwrap_or(usize::MAX), "file");
        let key = if self.with_key {
            "The workspace key is in it: whoever has it can open everything that is sealed.\n"
        } else {
            "The workspace key is not in it: keep that elsewhere, nothing that is sealed can be opened without it.\n"
        };
        format!(
            "Backed up to {}: {files}, {} MiB.\nIt holds personal data: keep it as you keep your customers'.\n{key}",
            self.backup.display(),
            self.bytes.div_ceil(1 << 20)
        )
    }
}

impl Shown for Restored {
    fn text(&self, _: Style) -> String {
        let key = if self.with_key {
            String::new()
        } else {
            let file = self.data.join("workspace.key");
            format!("The workspace key was not in it: put it back as {}, or name it with --key.\n", file.display())
        };
        format!(
            "Restored to {}, as it was at {}.\n{key}Where it was backed up nothing may go on with it: what is known of lists \
             would be wrong at both places.\n",
            self.data.display(),
            moment(self.made_at)
        )
    }
}
