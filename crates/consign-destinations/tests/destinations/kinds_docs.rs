//! The pages that are generated from the kinds.

use std::path::Path;
use std::{env, fs};

use consign_destinations::docs;
use consign_destinations::registry::Registry;

#[test]
fn pages_are_what_the_specifications_say() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/destinations");
    let pages = docs::pages(&Registry::new());
    if env::var_os("CONSIGN_UPDATE_DOCS").is_some() {
        fs::create_dir_all(&folder).expect("the folder can be made");
        for (name, text) in &pages {
            fs::write(folder.join(name), text).expect("the page can be written");
        }
    }
    for (name, text) in &pages {
        let committed = fs::read_to_string(folder.join(name)).unwrap_or_default();
        assert!(
            committed == *text,
            "docs/destinations/{name} is not what its specification says; regenerate it with \
             `CONSIGN_UPDATE_DOCS=1 cargo test --workspace --test destinations pages`"
        );
    }
    for entry in fs::read_dir(&folder).expect("the pages are committed") {
        let name = entry.expect("the folder is readable").file_name().to_string_lossy().into_owned();
        assert!(pages.iter().any(|(page, _)| *page == name), "docs/destinations/{name} is of no kind; delete it");
    }
}
