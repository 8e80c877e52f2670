//! Which secrets definitions refer to.

use super::{Connection, Definitions, SecretRef};

impl Definitions {
    /// All references to secrets, each with the thing that needs it, such as "the destination `mail`".
    pub fn secrets(&self) -> Vec<(String, &SecretRef)> {
        let mut found = Vec::new();
        for source in &self.sources {
            let place = format!("the source `{}`", source.id);
            match &source.connection {
                Connection::Files(files) => {
                    found.extend(files.credentials.values().map(|secret| (place.clone(), secret)));
                }
                Connection::Postgres(postgres) => found.push((place, &postgres.url)),
            }
        }
        let notifications = self.workspace.iter().flat_map(|workspace| &workspace.notifications);
        let secrets = notifications.filter_map(|one| Some((one.id(), one.secret()?)));
        found.extend(secrets.map(|(id, secret)| (format!("the notification `{id}`"), secret)));
        for destination in &self.destinations {
            let place = format!("the destination `{}`", destination.id);
            found.extend(destination.credentials.values().map(|secret| (place.clone(), secret)));
        }
        for campaign in &self.campaigns {
            let files = campaign.destinations.values().filter_map(|usage| usage.file.as_ref());
            let keys = files.filter_map(|file| file.pgp_public_key.as_ref());
            found.extend(keys.map(|secret| (format!("the campaign `{}`", campaign.id), secret)));
        }
        found
    }
}
