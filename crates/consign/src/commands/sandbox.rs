//! `consign sandbox`: the platforms' side, on this machine.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context as _, Result};
use consign_sandbox::{Options, serve};

use crate::cli::Sandbox;
use crate::context::Context;
use crate::exit::Exit;

pub async fn run(context: &Context, asked: Sandbox) -> Result<Exit> {
    let Sandbox { port, state, job_time, faults, seed } = asked;
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let job_time = Duration::try_from_secs_f64(job_time).context("`--job-time` takes seconds, such as 2.5")?;
    let sandbox = serve(Options { listen, state, faults, seed, job_time }, context.cancel.clone()).await?;
    context.printer.result(&format!("The sandbox is at http://{}\n", sandbox.address()))?;
    sandbox.stopped().await;
    Ok(Exit::Fine)
}
