//! Makes a changed migration recompile the crate that embeds it.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
