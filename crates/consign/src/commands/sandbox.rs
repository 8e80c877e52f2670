//! `consign sandbox`: the platforms' side, on this machine.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};
use consign_sandbox::{Options, serve};

use crate::context::Context;
use crate::exit::Exit;

pub async fn run(context: &Context, port: u16, state: Option<PathBuf>, job_time: f64) -> Result<Exit> {
    let job_time = Duration::try_from_secs_f64(job_time).context("`--job-time` takes seconds, such as 2.5")?;
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let options = Options { listen, state, job_time, ..Options::default() };
    let sandbox = serve(options, context.cancel.clone()).await?;
    context.printer.result(&format!("The sandbox is at http://{}\n", sandbox.address()))?;
    sandbox.stopped().await;
    Ok(Exit::Fine)
}
