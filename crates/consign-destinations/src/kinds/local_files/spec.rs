//! What `local_files` says of itself.

use consign_model::spec::{KindSpec, SettingType};

use crate::kinds::place;
use crate::kinds::setting::required;

pub(super) fn spec() -> KindSpec {
    let settings = vec![required(
        "folder",
        SettingType::Text,
        "The folder that files are put in; a relative one begins at the folder of the definitions",
    )];
    place::spec(
        "local_files",
        "Local files",
        "Writes each list as a file into a folder of this machine, for a first try or for whatever reads it from there.",
        settings,
    )
}
