//! What this crate and those below it log while the cells run.

use std::io::{self, Write};
use std::sync::{Mutex, OnceLock, PoisonError};

use tracing_subscriber::EnvFilter;

static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());

/// Appends to the log.
struct Tail;

impl Write for Tail {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOG.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Begins to keep what is logged, at every level.
pub fn keep() {
    static KEPT: OnceLock<()> = OnceLock::new();
    KEPT.get_or_init(|| {
        let crates = ["delivery", "destinations", "engine", "normalise", "secrets", "store"];
        let filter = crates.map(|name| format!("consign_{name}=trace")).join(",");
        let logging = tracing_subscriber::fmt().with_env_filter(EnvFilter::new(filter)).with_writer(|| Tail);
        logging.with_ansi(false).try_init().expect("nobody else keeps the log");
    });
}

/// What was logged.
pub fn so_far() -> String {
    String::from_utf8_lossy(&LOG.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
}
