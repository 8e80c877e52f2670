//! The destination kinds, one folder each: `spec.rs` (what it says of itself, as data), `encode.rs` (staged columns to
//! request bodies, for platforms) and `mod.rs` (what its settings change). A new kind is copied from the smallest of
//! these, `criteo` for a platform and `local_files` for a place of files, and added to the registry.
//!
//! A setting stands in a kind's specification where it belongs to the destination. The name or id of a list and the
//! membership belong to a campaign (design, "Whose setting").

mod amazon_s3;
mod attentive;
mod azure_blob;
mod criteo;
mod google_cloud_storage;
mod klaviyo;
mod local_files;
mod meta_ads;
mod place;
mod setting;
mod sftp;
mod tiktok_ads;

pub use amazon_s3::AmazonS3;
pub use attentive::Attentive;
pub use azure_blob::AzureBlob;
pub use criteo::Criteo;
pub use google_cloud_storage::GoogleCloudStorage;
pub use klaviyo::Klaviyo;
pub use local_files::LocalFiles;
pub use meta_ads::MetaAds;
pub use sftp::Sftp;
pub use tiktok_ads::TiktokAds;

/// The template of a list's name where nothing else is usual.
const NAME_TEMPLATE: &str = "{{ campaign_name }}_{{ group_name }}";

/// Names as the rules hold them.
fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}
