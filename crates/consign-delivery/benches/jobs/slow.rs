//! A platform that takes its time: the sandbox in a process of its own, so that what it holds is not taken for ours.

use std::env;
use std::io::{self, BufRead, BufReader, Read};
use std::process::{Child, ChildStdin, Command, Stdio};

use consign_sandbox::{Options, serve};
use tokio_util::sync::CancellationToken;

use crate::Result;

/// How long each request of rows waits for its answer.
const FAULT: &str = "criteo:amend:*:slow:200ms";

/// The sandbox of one job. It ends with this.
pub struct SlowSandbox {
    url: String,
    child: Child,
    /// It serves while this is open.
    input: Option<ChildStdin>,
}

impl SlowSandbox {
    /// Starts this program again as a sandbox.
    pub fn start() -> Result<Self> {
        let mut command = Command::new(env::current_exe()?);
        let mut child = command.arg("sandbox").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut url = String::new();
        let said = child.stdout.take().ok_or("the sandbox says nothing")?;
        BufReader::new(said).read_line(&mut url)?;
        let input = child.stdin.take();
        Ok(Self { url: url.trim_end().to_owned(), child, input })
    }

    /// Where it is.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for SlowSandbox {
    fn drop(&mut self) {
        drop(self.input.take());
        // It ends when its input does; nothing is left to do where it has already.
        let _ = self.child.wait();
    }
}

/// Serves until the standard input ends.
pub fn serve_until_input_ends() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let shutdown = CancellationToken::new();
        let options = Options { faults: vec![FAULT.parse()?], ..Options::default() };
        let sandbox = serve(options, shutdown.clone()).await?;
        println!("http://{}", sandbox.address());
        tokio::task::spawn_blocking(|| io::stdin().read_to_end(&mut Vec::new())).await??;
        shutdown.cancel();
        sandbox.stopped().await;
        Ok(())
    })
}
