//! Files in a folder of this machine.

mod spec;

use consign_model::spec::KindSpec;

use crate::registry::Kind;

/// The kind `local_files`.
#[derive(Debug)]
pub struct LocalFiles(KindSpec);

impl Default for LocalFiles {
    fn default() -> Self {
        Self(spec::spec())
    }
}

impl Kind for LocalFiles {
    fn spec(&self) -> &KindSpec {
        &self.0
    }
}
