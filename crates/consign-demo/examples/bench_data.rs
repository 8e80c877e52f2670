//! Makes a workspace for measuring: `cargo run --release -p consign-demo --example bench_data -- FOLDER CUSTOMERS`

use std::env;
use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [folder, customers] = arguments.as_slice() else {
        return Err("name the folder to make and the number of customers".into());
    };
    consign_demo::bench::write(Path::new(folder), customers.parse()?)?;
    Ok(())
}
