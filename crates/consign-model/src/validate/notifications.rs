//! Who is told how runs end.

use std::net::IpAddr;

use super::Validator;
use crate::definition::{Email, MailTls, Notification};
use crate::problem::Path;

impl Validator<'_> {
    pub(super) fn notifications(&mut self) {
        let path = Path::default().field("workspace").field("notifications");
        let notifications = &self.workspace.notifications;
        for (i, notification) in notifications.iter().enumerate() {
            let path = path.item(i);
            if notification.on().is_empty() {
                self.error(
                    &path.field("on"),
                    format!("`{}` is told of nothing", notification.id()),
                    "name some of `failed`, `partial`, `late` and `succeeded`, or leave `on` out",
                );
            }
            match notification {
                Notification::Webhook(told) if !is_address(&told.webhook.url) => self.error(
                    &path.field("webhook").field("url"),
                    "the address of the webhook is not one that can be posted to",
                    "write `https://`, the host and the path, without user, password and spaces",
                ),
                Notification::Webhook(_) => {}
                Notification::Email(told) => self.email(&told.email, &path.field("email")),
            }
        }
        let ids = notifications.iter().enumerate();
        let ids: Vec<_> = ids.map(|(i, one)| (one.id().to_string(), path.item(i).field("id"))).collect();
        self.distinct(ids.into_iter(), |id, first| {
            (
                format!("two notifications have the id `{id}`, the first at `{first}`"),
                "give one of them another id".into(),
            )
        });
    }

    fn email(&mut self, email: &Email, path: &Path) {
        if !is_host(&email.host) {
            self.error(
                &path.field("host"),
                "the mail server's name is none",
                "write its name or its IP address alone; the port goes into `port`",
            );
        } else if email.tls == MailTls::None && !is_this_machine(&email.host) {
            self.error(
                &path.field("tls"),
                format!("`{}` is another machine, to which nothing goes unencrypted", email.host),
                "write `starttls` or `implicit`; `none` is for a mail server on this machine (`localhost`)",
            );
        }
        if email.port == Some(0) {
            self.error(&path.field("port"), "0 is no port", "write a port from 1 to 65535, or leave it out");
        }
        if email.to.is_empty() {
            self.error(&path.field("to"), "the e-mails go to nobody", "name at least one address");
        }
        let to = email.to.iter().enumerate().map(|(i, one)| (path.field("to").item(i), one));
        for (path, address) in to.chain([(path.field("from"), &email.from)]) {
            if !is_mailbox(address) {
                self.error(
                    &path,
                    "it is no e-mail address",
                    "write `name@host`, or a name and the address in angle brackets: `Operations <ops@example.com>`",
                );
            }
        }
    }
}

/// Whether a text is the address of a web server. The text is not repeated in messages: its path may be a secret.
fn is_address(url: &str) -> bool {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let host = rest.and_then(|rest| rest.split(['/', '?', '#']).next()).unwrap_or_default();
    let told = |c: char| c.is_ascii_graphic() && c != '@';
    !host.is_empty() && !host.starts_with(':') && host.chars().all(told) && url.chars().all(|c| c.is_ascii_graphic())
}

/// Whether a text is the name or the IP address of a machine.
fn is_host(host: &str) -> bool {
    let named = host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'));
    !host.is_empty() && (named || host.parse::<IpAddr>().is_ok())
}

/// Whether a host is the one that the process is on.
fn is_this_machine(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Whether a text is an e-mail address, or a name and one in angle brackets. The mail server knows better.
fn is_mailbox(text: &str) -> bool {
    let address = match text.split_once('<') {
        Some((name, rest)) => {
            let known = !name.contains(['>', '"', '@', ',']);
            rest.strip_suffix('>').filter(|_| known).unwrap_or_default()
        }
        None => text,
    };
    let told = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_graphic() && !"<>@,;\"".contains(c));
    !text.chars().any(char::is_control) && address.split_once('@').is_some_and(|(name, host)| told(name) && told(host))
}
