//! What the world has of a campaign, and how it differs from what it should have.

use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::fs::{self, File};
use std::path::Path;

use arrow::array::{Array, AsArray};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Value;
use tokio::runtime::Runtime;

use super::servers::Server;
use crate::terminal::Terminal;

/// Each list's members as the platform received them, each file byte for byte, and who is recorded as sent what. Several
/// lists of one name are told apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct World(BTreeMap<String, Vec<Vec<u8>>>);

/// How a world differs from another.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Gap {
    /// Members and lines of files that should be there.
    pub lost: usize,
    /// Those that should not, most of all what is there twice.
    pub doubled: usize,
}

impl Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "lost {}, doubled {}", self.lost, self.doubled)
    }
}

impl World {
    /// Looks at the sandbox, the folder, the file servers, and the recipients of a run.
    pub fn of(terminal: &Terminal, sandbox: &str, servers: &[Server], run: &str) -> Self {
        let mut world = Self::default();
        let runtime = Runtime::new().expect("a runtime");
        let get = |path: &str| -> Value {
            let text = runtime.block_on(async {
                let answer = reqwest::get(format!("{sandbox}{path}")).await.expect("asked");
                answer.text().await.expect("read")
            });
            serde_json::from_str(&text).expect("JSON")
        };
        for list in get("/state.json")["lists"].as_array().expect("lists") {
            let text = |name: &str| list[name].as_str().expect("a text").to_owned();
            let shown = get(&format!("/lists/{}.json?limit=100000&platform={}", text("id"), text("platform")));
            let members = shown["members"].as_array().expect("members").iter().map(Value::to_string).collect();
            world.put(format!("{} {}", text("platform"), text("name")), lines(members));
        }
        world.put_files(&terminal.path("clean/out"));
        for server in servers {
            for (name, bytes) in runtime.block_on(server.files()) {
                world.put(format!("{} {name}", server.id), bytes);
            }
        }
        let recipients = terminal.path(".consign/runs").join(run).join("recipients.parquet");
        world.put("recipients".to_owned(), lines(self::recipients(&recipients)));
        world
    }

    fn put_files(&mut self, folder: &Path) {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("read").path();
            if path.is_dir() {
                self.put_files(&path);
            } else {
                let name = path.file_name().expect("it has a name").to_string_lossy().into_owned();
                self.put(name, fs::read(path).expect("read"));
            }
        }
    }

    fn put(&mut self, name: String, content: Vec<u8>) {
        self.0.entry(name).or_default().push(content);
    }

    /// What of another world is not as in this one.
    pub fn gap(&self, found: &Self) -> Gap {
        let mut counts: BTreeMap<(&str, &[u8]), (usize, usize)> = BTreeMap::new();
        for (name, line) in self.lines() {
            counts.entry((name, line)).or_default().0 += 1;
        }
        for (name, line) in found.lines() {
            counts.entry((name, line)).or_default().1 += 1;
        }
        Gap {
            lost: counts.values().map(|(should, is)| should.saturating_sub(*is)).sum(),
            doubled: counts.values().map(|(should, is)| is.saturating_sub(*should)).sum(),
        }
    }

    /// The names of what differs.
    pub fn differing(&self, found: &Self) -> Vec<String> {
        let names = self.0.keys().chain(found.0.keys().filter(|name| !self.0.contains_key(*name)));
        names.filter(|name| self.0.get(*name) != found.0.get(*name)).cloned().collect()
    }

    fn lines(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let contents = self.0.iter().flat_map(|(name, contents)| contents.iter().map(move |content| (name, content)));
        contents.flat_map(|(name, content)| content.split(|byte| *byte == b'\n').map(move |line| (name.as_str(), line)))
    }
}

fn lines(mut lines: Vec<String>) -> Vec<u8> {
    lines.sort();
    lines.join("\n").into_bytes()
}

/// The recipients but for what is another in each run: its id, and when it was.
fn recipients(path: &Path) -> Vec<String> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path).expect("there are recipients"));
    let mut rows = Vec::new();
    for batch in reader.and_then(ParquetRecordBatchReaderBuilder::build).expect("a file of recipients") {
        let batch = batch.expect("read");
        let columns = ["customer_key", "sub_audience_name", "treatment_id", "destination_id", "outcome"];
        let columns =
            columns.map(|name| batch.column_by_name(name).expect("it has the column").as_string_view().clone());
        let value = |column: &arrow::array::StringViewArray, row| {
            if column.is_null(row) { "-".to_owned() } else { column.value(row).to_owned() }
        };
        rows.extend((0..batch.num_rows()).map(|row| columns.each_ref().map(|column| value(column, row)).join(" ")));
    }
    rows
}
