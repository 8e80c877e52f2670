//! Audiences by files: upload, then make or replace the audience of what was uploaded.

use async_trait::async_trait;
use md5::{Digest as _, Md5};
use reqwest::header::HeaderValue;
use serde_json::json;

use super::{ROOT, TiktokClient};
use crate::client::{ClientError, ErrorClass, Filed, Filing, FoundList, Job, Outgoing, WantedList};
use crate::encode::Envelope;
use crate::http::{Call, Failure, Form};
use crate::kinds::tiktok_ads::encode_file::CALCULATE_TYPE;
use crate::kinds::tiktok_ads::spec::USABLE;

use super::protocol::CALLS;

/// The most files of one audience.
const MOST_FILES: u64 = 49;
/// The fewest rows for which another file is begun: some 13 MB, as an upload is held in memory.
const FEW: u64 = 50_000;
/// The most rows of one file: four hashes of 65 bytes each are below 250 MB.
const MOST: u64 = 960_000;

impl TiktokClient {
    async fn make_of_files(&self, name: &str, files: &[String], kind: &str) -> Result<String, Failure> {
        let body = json!({"advertiser_id": self.advertiser, "custom_audience_name": name, "file_paths": files,
            "calculate_type": kind});
        let call = Call::post(format!("{ROOT}/dmp/custom_audience/create/"), body.to_string());
        self.make(call, "/data/custom_audience_id").await
    }

    /// Not made again where it may have had its effect, since a file can be used once.
    async fn replace_by_files(&self, id: &str, files: &[String]) -> Result<(), ClientError> {
        let body = json!({"advertiser_id": self.advertiser, "custom_audience_id": id, "file_paths": files,
            "action": "REPLACE"});
        let call = Call::post(format!("{ROOT}/dmp/custom_audience/update/"), body.to_string()).group(CALLS).once();
        self.call(call).await?;
        Ok(())
    }
}

/// What the files of that envelope hold.
fn calculate_type(envelope: &Envelope) -> &str {
    let said = envelope.headers.iter().find(|(name, _)| *name == CALCULATE_TYPE);
    said.map_or("", |(_, kind)| kind.as_str())
}

#[async_trait]
impl Filing for TiktokClient {
    fn keeps_apart(&self) -> bool {
        true
    }

    async fn find(&self, wanted: &WantedList) -> Result<Option<String>, ClientError> {
        match &wanted.id {
            Some(id) => Ok(Some(id.clone())),
            None => self.named(&wanted.name).await,
        }
    }

    fn rows_per_file(&self, rows: u64, found: bool) -> Result<usize, ClientError> {
        if found && rows < USABLE {
            let what =
                format!("TikTok does not replace an audience by fewer than 1,000 members, and the list has {rows}");
            let remedy = "leave the audience as it is, or choose `membership: mirror` for a list of another name";
            return Err(ClientError::new(ErrorClass::Config, what, remedy));
        }
        let each = rows.div_ceil(MOST_FILES).max(FEW);
        if each > MOST {
            let what = format!("the list has {rows} rows, and TikTok takes {} by file", MOST * MOST_FILES);
            return Err(ClientError::new(ErrorClass::Config, what, "split the group, or choose `membership: mirror`"));
        }
        Ok(usize::try_from(each).unwrap_or(usize::MAX))
    }

    async fn put(&self, file: Outgoing<'_>) -> Result<String, ClientError> {
        let (media, body) = Form::new()
            .text("advertiser_id", &self.advertiser)
            .text("file_signature", &hex::encode(Md5::digest(&file.body)))
            .text("calculate_type", calculate_type(file.envelope))
            .file("file", "list.csv", "text/csv", &file.body)
            .finish();
        let media = HeaderValue::from_str(&media).map_err(|_| self.platform.senseless("a boundary"))?;
        let call = Call::post(file.envelope.path.clone(), body).group(CALLS);
        let reply = self.call_with(call, media).await?;
        let path = reply.text("/data/file_path").filter(|path| !path.is_empty());
        path.map(ToOwned::to_owned).ok_or_else(|| self.platform.senseless("the path of the file"))
    }

    async fn publish(
        &self,
        wanted: &WantedList,
        found: Option<&str>,
        envelope: &Envelope,
        files: &[String],
    ) -> Result<Filed, ClientError> {
        let list = if let Some(id) = found {
            self.replace_by_files(id, files).await?;
            FoundList { id: id.to_owned(), created: false }
        } else {
            let (name, kind) = (&wanted.name, calculate_type(envelope));
            let make = || self.make_of_files(name, files, kind);
            let list = self.platform.find_or_create(wanted, "an audience", || self.named(name), make).await?;
            if !list.created {
                let what = format!("an audience named `{name}` was made while its files were uploaded");
                return Err(ClientError::new(ErrorClass::Config, what, "run again, which replaces it"));
            }
            list
        };
        Ok(Filed { job: Some(Job { id: list.id.clone() }), list, notes: Vec::new() })
    }
}
