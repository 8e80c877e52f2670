//! The inspector: what was asked of platforms and what they answered, one line each, beside the run. No bodies, no
//! personal data, no secrets: the HTTP layer masks what it tells. The latest requests are kept, and all that failed.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use consign_destinations::http::{Exchange, Observer};
use serde::{Deserialize, Serialize};

use crate::folder::RunFolder;
use crate::run::RunError;

/// So many requests that did what they should are kept of a run.
pub const KEPT: usize = 10_000;

/// A request of a delivery, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The delivery's id in its run.
    pub delivery: String,
    /// The request.
    #[serde(flatten)]
    pub exchange: Exchange,
}

/// Writes requests down as they end.
#[derive(Debug)]
pub(crate) struct Inspector {
    path: PathBuf,
    open: Mutex<Open>,
}

#[derive(Debug)]
struct Open {
    file: File,
    /// The requests in the file that did what they should.
    done: usize,
}

impl Inspector {
    pub fn open(folder: &RunFolder) -> Result<Self, RunError> {
        let path = folder.exchanges();
        let failed = |reason| RunError::Folder { path: path.clone(), reason };
        let done = lines(&path).map_err(failed)?.filter(|request| !request.exchange.failed).count();
        let file = append(&path).map_err(failed)?;
        Ok(Self { open: Mutex::new(Open { file, done }), path })
    }

    /// An observer of one delivery alone.
    pub fn of(self, delivery: &str) -> OfDelivery {
        OfDelivery { inspector: Arc::new(self), delivery: delivery.to_owned() }
    }

    /// Writes a request of a delivery down.
    pub fn note(&self, delivery: &str, exchange: &Exchange) {
        let request = Request { delivery: delivery.to_owned(), exchange: exchange.clone() };
        let Ok(mut open) = self.open.lock() else { return };
        if let Err(error) = self.write(&mut open, &request) {
            tracing::warn!(%error, "an exchange with a platform could not be written down");
        }
    }

    fn write(&self, open: &mut Open, request: &Request) -> io::Result<()> {
        if open.done >= 2 * KEPT {
            drop_old(&self.path)?;
            *open = Open { file: append(&self.path)?, done: KEPT };
        }
        let mut line = serde_json::to_vec(request)?;
        line.push(b'\n');
        open.file.write_all(&line)?;
        open.done += usize::from(!request.exchange.failed);
        Ok(())
    }
}

/// Observes one delivery.
#[derive(Debug)]
pub(crate) struct OfDelivery {
    inspector: Arc<Inspector>,
    delivery: String,
}

impl Observer for OfDelivery {
    fn exchanged(&self, exchange: &Exchange) {
        self.inspector.note(&self.delivery, exchange);
    }
}

fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

/// Keeps the latest of the requests that did what they should, and all others, in their order.
fn drop_old(path: &Path) -> io::Result<()> {
    let done = lines(path)?.filter(|request| !request.exchange.failed).count();
    let mut old = done.saturating_sub(KEPT);
    let temporary = path.with_extension("tmp");
    let mut kept = BufWriter::new(File::create(&temporary)?);
    for request in lines(path)? {
        if old > 0 && !request.exchange.failed {
            old -= 1;
            continue;
        }
        serde_json::to_writer(&mut kept, &request)?;
        kept.write_all(b"\n")?;
    }
    kept.into_inner().map_err(io::IntoInnerError::into_error)?;
    fs::rename(temporary, path)
}

/// The requests of a file; none where it is not there. A line that a crash cut off says nothing.
fn lines(path: &Path) -> io::Result<impl Iterator<Item = Request> + use<>> {
    let file = match File::open(path) {
        Ok(file) => Some(file),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let lines = file.into_iter().flat_map(|file| BufReader::new(file).lines().map_while(Result::ok));
    Ok(lines.filter_map(|line| serde_json::from_str(&line).ok()))
}

/// Which requests of a run are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of this delivery alone.
    pub delivery: Option<String>,
    /// Those alone that did not do what they should.
    pub failed: bool,
}

/// The last `most` requests of a run that are asked for, in the order in which they ended, and how many there were before
/// them; none where nothing was asked of a platform.
pub fn requests(folder: &RunFolder, filter: &Filter, most: usize) -> io::Result<(u64, Vec<Request>)> {
    let wanted = |request: &Request| {
        (!filter.failed || request.exchange.failed)
            && filter.delivery.as_ref().is_none_or(|delivery| *delivery == request.delivery)
    };
    let (mut before, mut last) = (0, VecDeque::new());
    for request in lines(&folder.exchanges())?.filter(wanted) {
        last.push_back(request);
        if last.len() > most {
            last.pop_front();
            before += 1;
        }
    }
    Ok((before, last.into()))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use chrono::DateTime;

    use super::*;

    fn exchange(number: usize, failed: bool) -> Exchange {
        Exchange {
            kind: "klaviyo".to_owned(),
            request_id: number.to_string(),
            attempt: 1,
            method: "GET".to_owned(),
            host: "https://a.example.com".to_owned(),
            path: "/api/lists".to_owned(),
            started: DateTime::UNIX_EPOCH,
            took: Duration::from_millis(3),
            sent_bytes: 0,
            received_bytes: 9,
            status: Some(if failed { 503 } else { 200 }),
            ids: Vec::new(),
            concluded: "done".to_owned(),
            failed,
        }
    }

    #[test]
    fn the_latest_requests_are_kept_and_all_that_failed() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = RunFolder::at(temporary.path());
        let all = 2 * KEPT + 1_000;
        let is_failed = |number: usize| number.is_multiple_of(1_000);
        for part in 0..2 {
            // Another process goes on where the first stopped.
            let inspector = Inspector::open(&folder).unwrap();
            for number in part * all / 2..(part + 1) * all / 2 {
                let delivery = if number.is_multiple_of(2) { "a" } else { "b" };
                inspector.note(delivery, &exchange(number, is_failed(number)));
            }
        }
        let (before, failed) = requests(&folder, &Filter { failed: true, ..Filter::default() }, all).unwrap();
        assert_eq!((before, failed.len()), (0, all / 1_000));
        let (before, last) = requests(&folder, &Filter::default(), 5).unwrap();
        let ids: Vec<_> = last.iter().map(|request| request.exchange.request_id.clone()).collect();
        assert_eq!(ids, (all - 5..all).map(|number| number.to_string()).collect::<Vec<_>>());
        assert!((KEPT..2 * KEPT + 1_000).contains(&usize::try_from(before).unwrap()), "{before}");
        let of_a = Filter { delivery: Some("a".to_owned()), ..Filter::default() };
        let (_, last) = requests(&folder, &of_a, 2).unwrap();
        assert!(last.len() == 2 && last.iter().all(|request| request.delivery == "a"));
    }
}
