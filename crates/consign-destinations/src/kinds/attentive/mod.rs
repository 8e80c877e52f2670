//! Attentive segments, by API or by file.

mod client;
mod client_file;
mod encode;
mod encode_file;
mod spec;

use consign_model::definition::{Destination, Membership};
use consign_model::id::Slug;
use consign_model::plan::PlannedAttribute;
use consign_model::spec::{KindSpec, SettingProblem, Settings};

use super::setting::{given, problem, text};
use super::sftp::check_host_key;
use crate::client::{Client, ClientError, Credentials};
use crate::encode::RequestEncoder;
use crate::http::Http;
use crate::registry::Kind;

/// The kind `attentive`.
#[derive(Debug)]
pub struct Attentive(KindSpec);

impl Default for Attentive {
    fn default() -> Self {
        Self(spec::spec())
    }
}

/// Whether lists go as files to Attentive's SFTP server.
fn by_file(settings: &Settings) -> bool {
    settings.text("transport") == Some("sftp")
}

impl Kind for Attentive {
    fn spec(&self) -> &KindSpec {
        &self.0
    }

    fn memberships(&self, settings: &Settings) -> Vec<Membership> {
        if by_file(settings) { vec![Membership::Replace] } else { self.0.memberships.clone() }
    }

    fn check(&self, destination: &Destination) -> Vec<SettingProblem> {
        if text(destination, "transport") != Some("sftp") {
            let missing = || {
                problem(
                    "api_key",
                    "Attentive needs `api_key` where lists go by its API",
                    "add `api_key: env:API_KEY` under `credentials`, or set `transport: sftp`",
                )
            };
            return (!given(destination, "api_key")).then(missing).into_iter().collect();
        }
        let missing = spec::NEEDED_BY_FILE.iter().filter(|name| !given(destination, name)).map(|name| {
            problem(
                name,
                format!("Attentive needs `{name}` where lists go as files"),
                format!("add `{name}` under `{}`, or remove `transport: sftp`", spec::heading(name)),
            )
        });
        let mut found: Vec<SettingProblem> = missing.collect();
        if destination.sandbox {
            found.push(problem(
                "transport",
                "the sandbox has no SFTP server, so `transport: sftp` cannot be rehearsed there",
                "remove `sandbox: true`, or rehearse with `transport: api`",
            ));
        }
        found.extend(check_host_key(destination, "sftp_host_key"));
        found.extend(super::place::check_folder(destination, "remote_folder", true));
        let domain = text(destination, "client_domain").unwrap_or_default();
        if !domain.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')) {
            found.push(problem(
                "client_domain",
                "`client_domain` is not a sub-domain",
                "write the brand's name in its Attentive domain, letters, digits and hyphens",
            ));
        }
        found
    }

    /// The id that Attentive lets us choose, so that a renamed segment is found again. Where a hyphen would not tell
    /// campaign and group apart, a dot does, which no slug has. A slug has at most 80 bytes, the id at most 255.
    fn list_id(&self, campaign: &Slug, group: &Slug) -> Option<String> {
        let hyphened = [campaign, group].iter().any(|slug| slug.as_str().contains('-'));
        let between = if hyphened { '.' } else { '-' };
        Some(format!("consign-{campaign}{between}{group}"))
    }

    fn encoder(&self, settings: &Settings, attributes: &[PlannedAttribute]) -> Option<Box<dyn RequestEncoder>> {
        // The rules let exactly one be mapped.
        let identifier = attributes.first().map_or_else(String::new, |attribute| attribute.name.clone());
        Some(if by_file(settings) {
            Box::new(encode_file::Encoder::new(settings, identifier))
        } else {
            Box::new(encode::Encoder::new(settings, identifier, self.0.limits))
        })
    }

    fn client(
        &self,
        settings: &Settings,
        credentials: &Credentials,
        http: &Http,
    ) -> Option<Result<Box<dyn Client>, ClientError>> {
        Some(if by_file(settings) {
            client_file::FileClient::new(settings, credentials, http).map(|client| Box::new(client) as _)
        } else {
            client::AttentiveClient::new(settings, credentials, http).map(|client| Box::new(client) as _)
        })
    }
}
