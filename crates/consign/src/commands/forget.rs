//! `consign forget`: removes every trace of customers, and keeps them from coming back.

use std::io::{self, BufRead};

use anyhow::{Context as _, Result};

use crate::context::Context;
use crate::exit::{Exit, Refusal};
use crate::wiring;

pub async fn run(context: &Context, customer_keys: Vec<String>) -> Result<Exit> {
    let keys = if customer_keys == ["-"] { read_keys()? } else { customer_keys };
    if keys.is_empty() {
        return Err(Refusal::usage("no customer key is given: write one a line to standard input").into());
    }
    let store = context.store().await?;
    let forgot = wiring::forget(context, &store, &keys).await?;
    let exit = if forgot.is_done() { Exit::Fine } else { Exit::Partial };
    context.printer.show(&forgot)?;
    Ok(exit)
}

/// One key a line; blank lines say nothing.
fn read_keys() -> Result<Vec<String>> {
    let lines = io::stdin().lock().lines().collect::<Result<Vec<_>, _>>();
    let lines =
        lines.context("the customer keys cannot be read from standard input: write one a line, as UTF-8 text")?;
    Ok(lines.into_iter().filter(|line| !line.is_empty()).collect())
}
