//! Where a source's files are: folders and object stores, and which files of them make a table.

use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;

use consign_model::definition::{FileConnection, Table, TableFormat};
use consign_secrets::Secrets;
use futures::TryStreamExt;
use object_store::aws::AmazonS3ConfigKey;
use object_store::azure::AzureConfigKey;
use object_store::gcp::GoogleConfigKey;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};
use secrecy::ExposeSecret;
use url::Url;

use super::Trouble;

/// Extensions of files, each with its format.
const EXTENSIONS: &[(&str, TableFormat)] = &[
    ("parquet", TableFormat::Parquet),
    ("csv", TableFormat::Csv),
    ("jsonl", TableFormat::JsonLines),
    ("ndjson", TableFormat::JsonLines),
    ("json", TableFormat::JsonLines),
];

/// A folder, on disk or in an object store.
#[derive(Debug, Clone)]
pub(crate) struct Location {
    pub store: Arc<dyn ObjectStore>,
    /// The store's own address, under which sessions know it: `file:///`, `s3://bucket`.
    pub root: Url,
    folder: Path,
    /// The folder on disk, where it is on disk.
    disk: Option<PathBuf>,
}

/// The files of a table, in the order of their paths.
#[derive(Debug, Clone)]
pub(crate) struct Files {
    pub store: Arc<dyn ObjectStore>,
    pub root: Url,
    pub format: TableFormat,
    pub all: Vec<ObjectMeta>,
}

impl Files {
    /// The address of a file.
    pub fn url(&self, file: &ObjectMeta) -> Url {
        let mut url = self.root.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.clear();
            for part in file.location.as_ref().split('/') {
                segments.push(part);
            }
        }
        url
    }
}

impl Location {
    /// The place that a connection names.
    pub fn open(connection: &FileConnection, secrets: &Secrets) -> Result<Self, Trouble> {
        match Url::parse(&connection.url) {
            Ok(url) if url.scheme() == "file" => match url.to_file_path() {
                Ok(folder) => Self::on_disk(folder),
                Err(()) => Err(Trouble::new(
                    format!("`{url}` names no folder of this machine"),
                    "write a path, or a URL that begins with `file:///`",
                )),
            },
            Ok(url) if connection.url.contains("://") => Self::in_store(&url, connection, secrets),
            _ => Self::on_disk(secrets.folder().join(&connection.url)),
        }
    }

    fn on_disk(folder: PathBuf) -> Result<Self, Trouble> {
        let folder = std::path::absolute(&folder).unwrap_or(folder);
        let unreadable = |reason: &dyn std::fmt::Display| {
            Trouble::new(
                format!("the folder `{}` cannot be read: {reason}", folder.display()),
                "check the source's `url`, which is relative to the folder of the definitions",
            )
        };
        let folder = folder.canonicalize().map_err(|error| unreadable(&error))?;
        let path = Path::from_absolute_path(&folder).map_err(|error| unreadable(&error))?;
        let root = Url::parse("file:///").map_err(|error| unreadable(&error))?;
        Ok(Self { store: Arc::new(LocalFileSystem::new()), root, folder: path, disk: Some(folder) })
    }

    fn in_store(url: &Url, connection: &FileConnection, secrets: &Secrets) -> Result<Self, Trouble> {
        let credentials = secrets
            .resolve_all(&connection.credentials)
            .map_err(|error| Trouble::new(error.to_string(), "see `credentials` of the source"))?;
        if let Some(name) =
            connection.options.keys().chain(connection.credentials.keys()).find(|name| !known(url, name))
        {
            return Err(Trouble::new(
                format!("`{name}` is no setting of an object store at `{}:`", url.scheme()),
                "write settings such as `region`, `endpoint` or `allow_http`, and credentials such as `access_key_id`",
            ));
        }
        let mut options: Vec<(String, String)> = connection.options.clone().into_iter().collect();
        options.extend(credentials.iter().map(|(name, secret)| (name.clone(), secret.expose_secret().to_owned())));
        let (store, folder) = object_store::parse_url_opts(url, options).map_err(|error| {
            Trouble::new(
                format!("`{url}` cannot be used as an object store: {}", store_reason(&error)),
                "check the source's `url`, `options` and `credentials`",
            )
        })?;
        let mut root = url.clone();
        root.set_path("");
        root.set_query(None);
        Ok(Self { store: Arc::from(store), root, folder, disk: None })
    }

    /// The files of a table: the file, the files of the folder, or what fits the glob that its `path` (else its name)
    /// names. Files whose names begin with `_` or `.` are not data.
    pub async fn files(&self, table: &Table) -> Result<Files, Trouble> {
        let path = table.path.as_deref().unwrap_or(&table.name);
        let mut files = self.matching(path, table.format).await?;
        files.sort_by(|a, b| a.location.cmp(&b.location));
        let format = match table.format {
            Some(format) => format,
            None => self.format_of(path, &mut files)?,
        };
        if files.is_empty() {
            return Err(self.no_file(path));
        }
        Ok(Files { store: Arc::clone(&self.store), root: self.root.clone(), format, all: files })
    }

    async fn matching(&self, path: &str, format: Option<TableFormat>) -> Result<Vec<ObjectMeta>, Trouble> {
        let refused = |error: object_store::Error| {
            Trouble::new(
                format!("`{}` cannot be read: {}", self.shown(path), store_reason(&error)),
                "check the path, the credentials and that they allow reading and listing",
            )
        };
        if path.contains(['*', '?']) {
            let fixed = path.split(['*', '?']).next().unwrap_or_default();
            let folder = fixed.rsplit_once('/').map_or("", |(folder, _)| folder);
            let pattern = self.within(path);
            let all = self.list(&self.within(folder)).await.map_err(refused)?;
            return Ok(all.into_iter().filter(|file| fits(pattern.as_ref(), file.location.as_ref())).collect());
        }
        let whole = self.within(path);
        if let Some(file) = self.file(&whole).await.map_err(refused)? {
            return Ok(vec![file]);
        }
        let inside = self.list(&whole).await.map_err(refused)?;
        if !inside.is_empty() {
            return Ok(inside);
        }
        for (extension, of) in EXTENSIONS {
            if format.is_none_or(|format| format == *of)
                && let Some(file) = self.file(&self.within(&format!("{path}.{extension}"))).await.map_err(refused)?
            {
                return Ok(vec![file]);
            }
        }
        Ok(Vec::new())
    }

    /// The format that the extensions say; files of no known extension are left out of folders.
    fn format_of(&self, path: &str, files: &mut Vec<ObjectMeta>) -> Result<TableFormat, Trouble> {
        let known = |file: &ObjectMeta| {
            let name = file.location.filename()?;
            let extension = FilePath::new(name).extension()?.to_str()?.to_ascii_lowercase();
            EXTENSIONS.iter().find(|(known, _)| *known == extension).map(|(_, format)| *format)
        };
        let Some(first) = files.iter().find_map(known) else {
            return Err(match files.first() {
                None => self.no_file(path),
                Some(file) => Trouble::new(
                    format!("the format of `{}` is not known by its extension", self.shown_file(file)),
                    "add `format` to the table: `parquet`, `csv` or `json_lines`",
                ),
            });
        };
        files.retain(|file| known(file).is_some());
        match files.iter().find(|file| known(file) != Some(first)) {
            None => Ok(first),
            Some(other) => Err(Trouble::new(
                format!("`{}` holds files of several formats, such as `{}`", self.shown(path), self.shown_file(other)),
                "narrow the table's `path`, for example to `*.parquet`",
            )),
        }
    }

    fn no_file(&self, path: &str) -> Trouble {
        let shown = self.shown(path);
        if path.contains(['*', '?']) {
            return Trouble::new(format!("no file fits `{shown}`"), "check the table's `path` and the source's `url`");
        }
        Trouble::new(format!("there is no file `{shown}`"), "check the table's `path` and the source's `url`")
    }

    async fn file(&self, path: &Path) -> Result<Option<ObjectMeta>, object_store::Error> {
        if let Some(disk) = &self.disk
            && !disk_path(disk, &self.folder, path).is_file()
        {
            return Ok(None);
        }
        match self.store.head(path).await {
            Ok(file) => Ok(Some(file)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn list(&self, folder: &Path) -> Result<Vec<ObjectMeta>, object_store::Error> {
        let all: Vec<ObjectMeta> = match self.store.list(Some(folder)).try_collect().await {
            Err(object_store::Error::NotFound { .. }) => Vec::new(),
            other => other?,
        };
        let hidden = |file: &ObjectMeta| file.location.filename().is_none_or(|name| name.starts_with(['_', '.']));
        Ok(all.into_iter().filter(|file| !hidden(file)).collect())
    }

    /// A path below the folder, as it is: `..` and the like lead nowhere.
    fn within(&self, path: &str) -> Path {
        let parts = path.split('/').filter(|part| !part.is_empty() && *part != ".");
        let whole = parts.fold(self.folder.to_string(), |whole, part| format!("{whole}/{part}"));
        Path::parse(whole.trim_start_matches('/')).unwrap_or_else(|_| self.folder.clone().join(path))
    }

    /// A path as the user knows it.
    fn shown(&self, path: &str) -> String {
        match &self.disk {
            Some(disk) => disk.join(path).display().to_string(),
            None => format!("{}/{}", self.root.as_str().trim_end_matches('/'), self.within(path)),
        }
    }

    fn shown_file(&self, file: &ObjectMeta) -> String {
        shown(&self.root, &file.location)
    }
}

/// Whether the object store at that kind of URL has such a setting.
fn known(url: &Url, name: &str) -> bool {
    match url.scheme() {
        "s3" | "s3a" => name.parse::<AmazonS3ConfigKey>().is_ok(),
        "gs" => name.parse::<GoogleConfigKey>().is_ok(),
        "az" | "azure" | "adl" | "abfs" | "abfss" => name.parse::<AzureConfigKey>().is_ok(),
        _ => true,
    }
}

/// A file as the user knows it.
pub(crate) fn shown(root: &Url, path: &Path) -> String {
    if root.scheme() == "file" { format!("/{path}") } else { format!("{}/{path}", root.as_str().trim_end_matches('/')) }
}

fn disk_path(disk: &FilePath, folder: &Path, path: &Path) -> PathBuf {
    match path.prefix_match(folder) {
        Some(parts) => parts.fold(disk.to_owned(), |disk, part| disk.join(part.as_ref())),
        None => disk.to_owned(),
    }
}

/// The innermost reason of an object store's error, which names no secret.
pub(crate) fn store_reason(error: &object_store::Error) -> String {
    let mut innermost: &dyn std::error::Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

/// Whether a path fits a glob: `*` is any text within a part of the path, `**` any text, `?` one character.
fn fits(glob: &str, path: &str) -> bool {
    let (mut glob, mut path) = (glob, path);
    loop {
        let mut rest = glob.chars();
        match rest.next() {
            None => return path.is_empty(),
            Some('*') => {
                let deep = glob.starts_with("**");
                let after = glob.trim_start_matches('*');
                let after = if deep { after.strip_prefix('/').unwrap_or(after) } else { after };
                let ends = path.char_indices().map(|(i, _)| i).chain([path.len()]);
                return ends.take_while(|end| deep || !path[..*end].contains('/')).any(|end| fits(after, &path[end..]));
            }
            Some(wanted) => {
                let mut chars = path.chars();
                match chars.next() {
                    Some(c) if c == wanted || (wanted == '?' && c != '/') => {
                        glob = rest.as_str();
                        path = chars.as_str();
                    }
                    _ => return false,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stays_within_its_folder_and_two_go_deeper() {
        assert!(fits("data/*.csv", "data/a.csv"));
        assert!(!fits("data/*.csv", "data/b/a.csv"));
        assert!(fits("data/**/*.csv", "data/b/c/a.csv"));
        assert!(fits("data/**/*.csv", "data/a.csv"));
        assert!(fits("part-??.csv", "part-01.csv"));
        assert!(!fits("part-?.csv", "part-01.csv"));
    }
}
