//! Makes `examples/cdnow/orders.parquet` from the CSV of the orders (`examples/cdnow/README.md`):
//! `cargo run -p consign-demo --example pack_orders -- cdnow_orders.csv examples/cdnow/orders.parquet`

use std::env;
use std::error::Error;
use std::fs::{self, File};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args_os().skip(1);
    let (Some(csv), Some(parquet)) = (arguments.next(), arguments.next()) else {
        return Err("name the CSV file of the orders and the Parquet file to write".into());
    };
    let mut packed = Vec::new();
    consign_demo::pack(File::open(csv)?, &mut packed)?;
    fs::write(parquet, packed)?;
    Ok(())
}
