//! Attentive's SFTP server: files that it reads once a day, each the whole segment that it names.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use consign_model::spec::Settings;

use crate::client::{
    Answer, Client, ClientError, Credentials, ErrorClass, Filed, Filing, FoundList, Job, JobState, Outgoing,
    WantedList, credential,
};
use crate::encode::Envelope;
use crate::files::{FileError, FileStore, open};
use crate::http::Http;
use crate::kinds::Sftp;
use crate::registry::Kind;

use super::spec::FILE_ROWS;

/// What the place of files calls a setting, and what it is called here.
const SETTINGS: [(&str, &str); 5] = [
    ("host", "sftp_host"),
    ("port", "sftp_port"),
    ("username", "sftp_username"),
    ("folder", "remote_folder"),
    ("host_key", "sftp_host_key"),
];

/// A client of one destination and delivery.
pub(super) struct FileClient(Arc<dyn FileStore>);

impl FileClient {
    pub(super) fn new(settings: &Settings, credentials: &Credentials, http: &Http) -> Result<Self, ClientError> {
        let password = credential(credentials, "sftp_password")?.clone();
        let value = |name: &str| {
            let number = settings.integer(name).map(serde_json::Value::from);
            number.or_else(|| settings.text(name).map(serde_json::Value::from))
        };
        let given: BTreeMap<_, _> =
            SETTINGS.iter().filter_map(|(theirs, ours)| Some(((*theirs).to_owned(), value(ours)?))).collect();
        let sftp = Sftp::default();
        let secrets = Credentials::from([("password".to_owned(), password)]);
        let store = open("sftp", &Settings::new(sftp.spec(), &given), &secrets, Path::new(""), http.patience());
        Ok(Self(store.map_err(|error| failed(&error))?))
    }
}

/// An error of the place of files, with the names that settings have here.
fn failed(error: &FileError) -> ClientError {
    let (what, remedy) = match error {
        FileError::Setting { name, reason } => {
            let ours = SETTINGS.iter().find(|(theirs, _)| theirs == name).map_or(*name, |(_, ours)| *ours);
            halves(&format!("`{ours}` {reason}"))
        }
        FileError::Credentials { place, reason, .. } => (
            format!("`{place}` does not accept the credentials ({reason})"),
            "check `sftp_username` and `sftp_password`, and that Attentive has switched segment upload on".to_owned(),
        ),
        FileError::HostKey { host, found, pinned } => (
            format!("the host key of `{host}` is `{found}` and not `{pinned}`"),
            "if Attentive confirms a new key, write that as `sftp_host_key`; if not, somebody may be listening in between"
                .to_owned(),
        ),
        FileError::NoFolder(place) => (
            format!("the folder `{place}` does not exist"),
            "write the folder that Attentive has named as `remote_folder`".to_owned(),
        ),
        FileError::Name { reason, .. } => (
            format!("the name of the file is refused, as it {reason}"),
            "correct `client_domain` in the settings of the destination".to_owned(),
        ),
        other => halves(&other.to_string()),
    };
    ClientError::new(error.class(), what, remedy)
}

/// What went wrong, and what to do, of a message that says both.
fn halves(message: &str) -> (String, String) {
    let (what, remedy) = message.rsplit_once(": ").unwrap_or((message, "look at the server, and run again"));
    (what.to_owned(), remedy.to_owned())
}

/// What is never asked of files.
fn not_by_file(what: &str) -> ClientError {
    ClientError::new(ErrorClass::Bug, format!("Attentive's files {what}"), "report it")
}

#[async_trait]
impl Client for FileClient {
    async fn test(&self) -> Result<Vec<String>, ClientError> {
        self.0.test().await.map_err(|error| failed(&error))
    }

    async fn find_or_create(&self, _: &WantedList) -> Result<FoundList, ClientError> {
        Err(not_by_file("make their segments themselves"))
    }

    async fn send(&self, _: Outgoing<'_>) -> Result<Answer, ClientError> {
        Err(not_by_file("are not sent as requests"))
    }

    async fn poll(&self, _: &Job) -> Result<JobState, ClientError> {
        Err(not_by_file("have no jobs to look at"))
    }

    fn filing(&self) -> Option<&dyn Filing> {
        Some(self)
    }
}

#[async_trait]
impl Filing for FileClient {
    /// The API may change a segment that a file has filled, and a file one that the API has.
    fn keeps_apart(&self) -> bool {
        false
    }

    /// A segment is named in the rows, so there is no asking for it: one that is not there is made by its first file.
    async fn find(&self, wanted: &WantedList) -> Result<Option<String>, ClientError> {
        Ok(Some(wanted.id.clone().unwrap_or_else(|| wanted.name.clone())))
    }

    fn rows_per_file(&self, rows: u64, _: bool) -> Result<usize, ClientError> {
        if rows == 0 {
            let what = "a file names its segment in each row, so no file can empty one";
            let remedy = "empty it at Attentive, or set `transport: api` for the destination";
            return Err(ClientError::new(ErrorClass::Config, what, remedy));
        }
        Ok(FILE_ROWS)
    }

    async fn put(&self, file: Outgoing<'_>) -> Result<String, ClientError> {
        let name = &file.envelope.path;
        let put = async {
            let mut upload = self.0.upload(name).await?;
            if let Err(error) = upload.write(file.body).await {
                upload.abort().await;
                return Err(error);
            }
            upload.publish().await
        };
        put.await.map_err(|error| failed(&error))?;
        Ok(self.0.location(name))
    }

    /// Each file counts as soon as it is there; nobody can be asked what became of it.
    async fn publish(
        &self,
        _: &WantedList,
        found: Option<&str>,
        _: &Envelope,
        files: &[String],
    ) -> Result<Filed, ClientError> {
        let mut notes: Vec<String> = files.iter().map(|file| format!("wrote `{file}`")).collect();
        notes.push("Attentive reads files once in 24 hours, and does not say what it made of them".to_owned());
        if files.len() > 1 {
            notes.push(format!(
                "the segment has more than {FILE_ROWS} rows and so went in {} files: whether Attentive adds them to each \
                 other is not verified, so look at its size there",
                files.len()
            ));
        }
        let id = found.unwrap_or_default().to_owned();
        Ok(Filed { list: FoundList { id, created: false }, job: None, notes })
    }
}
