//! Who is told how runs end.

use super::Validator;
use crate::problem::Path;

impl Validator<'_> {
    pub(super) fn notifications(&mut self) {
        let path = Path::default().field("workspace").field("notifications");
        let notifications = &self.workspace.notifications;
        for (i, notification) in notifications.iter().enumerate() {
            let path = path.item(i);
            if notification.on.is_empty() {
                self.error(
                    &path.field("on"),
                    format!("`{}` is told of nothing", notification.id),
                    "name some of `failed`, `partial`, `late` and `succeeded`, or leave `on` out",
                );
            }
            if !is_address(&notification.webhook.url) {
                self.error(
                    &path.field("webhook").field("url"),
                    "the address of the webhook is not one that can be posted to",
                    "write `https://`, the host and the path, without user, password and spaces",
                );
            }
        }
        let ids = notifications.iter().enumerate();
        let ids: Vec<_> = ids.map(|(i, one)| (one.id.to_string(), path.item(i).field("id"))).collect();
        self.distinct(ids.into_iter(), |id, first| {
            (
                format!("two notifications have the id `{id}`, the first at `{first}`"),
                "give one of them another id".into(),
            )
        });
    }
}

/// Whether a text is the address of a web server. The text is not repeated in messages: its path may be a secret.
fn is_address(url: &str) -> bool {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let host = rest.and_then(|rest| rest.split(['/', '?', '#']).next()).unwrap_or_default();
    let told = |c: char| c.is_ascii_graphic() && c != '@';
    !host.is_empty() && !host.starts_with(':') && host.chars().all(told) && url.chars().all(|c| c.is_ascii_graphic())
}
