//! The kinds that there are. A new one is a folder under `kinds/` and a line in [`Registry::new`].

use std::fmt;

use consign_model::contract::Contract;
use consign_model::definition::{AttributeMapping, Destination, Membership};
use consign_model::id::Slug;
use consign_model::plan::PlannedAttribute;
use consign_model::spec::{KindSpec, Kinds, Rules, SettingProblem, Settings};

use crate::contract;
use crate::encode::RequestEncoder;
use crate::kinds;

/// A destination kind: its specification, and what follows from a destination's settings.
pub trait Kind: Send + Sync {
    /// What it says of itself.
    fn spec(&self) -> &KindSpec;

    /// What a destination with those settings demands of these mapped attributes and of each row.
    fn rules(&self, _settings: &Settings, _mapped: &[AttributeMapping]) -> Rules {
        self.spec().rules.clone()
    }

    /// The operations on a list that a destination with those settings offers, the default first.
    fn memberships(&self, _settings: &Settings) -> Vec<Membership> {
        self.spec().memberships.clone()
    }

    /// What is wrong with a destination's settings and credentials taken together.
    fn check(&self, _destination: &Destination) -> Vec<SettingProblem> {
        Vec::new()
    }

    /// The id that a list has at the platform where we choose it, so that it is known before the list is made.
    fn list_id(&self, _campaign: &Slug, _group: &Slug) -> Option<String> {
        None
    }

    /// What turns a delivery's staged columns into request bodies; `None` for kinds that write files.
    fn encoder(&self, _settings: &Settings, _attributes: &[PlannedAttribute]) -> Option<Box<dyn RequestEncoder>> {
        None
    }
}

/// All kinds, and the staging contracts that come with the program.
pub struct Registry {
    kinds: Vec<Box<dyn Kind>>,
    contracts: Vec<Contract>,
}

impl Registry {
    /// The kinds in the order shown: platforms first, then files, each by name.
    pub fn new() -> Self {
        let kinds: Vec<Box<dyn Kind>> = vec![
            Box::new(kinds::Attentive::default()),
            Box::new(kinds::Criteo::default()),
            Box::new(kinds::Klaviyo::default()),
            Box::new(kinds::MetaAds::default()),
            Box::new(kinds::TiktokAds::default()),
            Box::new(kinds::AmazonS3::default()),
            Box::new(kinds::AzureBlob::default()),
            Box::new(kinds::GoogleCloudStorage::default()),
            Box::new(kinds::LocalFiles::default()),
            Box::new(kinds::Sftp::default()),
        ];
        Self { kinds, contracts: contract::shipped() }
    }

    /// The kinds, in the order shown.
    pub fn kinds(&self) -> impl Iterator<Item = &dyn Kind> {
        self.kinds.iter().map(AsRef::as_ref)
    }

    /// A kind by its id.
    pub fn kind(&self, id: &str) -> Option<&dyn Kind> {
        self.kinds().find(|kind| kind.spec().kind == id)
    }
}

impl Default for Registry {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.kinds().map(|kind| kind.spec().kind)).finish()
    }
}

impl Kinds for Registry {
    fn specs(&self) -> Vec<&KindSpec> {
        self.kinds().map(Kind::spec).collect()
    }

    fn rules(&self, kind: &str, settings: &Settings, mapped: &[AttributeMapping]) -> Option<Rules> {
        Some(self.kind(kind)?.rules(settings, mapped))
    }

    fn contracts(&self) -> Vec<&Contract> {
        self.contracts.iter().collect()
    }

    fn contract_rules(&self, contract: &Contract) -> Rules {
        contract::rules(contract)
    }

    fn memberships(&self, kind: &str, settings: &Settings) -> Vec<Membership> {
        self.kind(kind).map(|kind| kind.memberships(settings)).unwrap_or_default()
    }

    fn check(&self, destination: &Destination) -> Vec<SettingProblem> {
        self.kind(&destination.kind).map(|kind| kind.check(destination)).unwrap_or_default()
    }
}
