//! A place to type commands in, and what they answered.

use std::fs::{self, Permissions};
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::thread;

use tempfile::TempDir;
use tokio_util::sync::{CancellationToken, DropGuard};

/// A folder with copies of fixtures, in which commands are called.
pub struct Terminal {
    folder: PathBuf,
    /// Removes the folder when this is dropped.
    _temporary: Option<TempDir>,
    /// The program, and the user and group that it runs as, where that is not the user of the test.
    other_user: Option<(PathBuf, u32)>,
    sandbox: Sandbox,
}

/// A sandbox of the terminal's own, for as long as it lasts.
struct Sandbox {
    url: String,
    _stop: DropGuard,
}

impl Sandbox {
    fn start() -> Self {
        let stop = CancellationToken::new();
        let (sender, address) = mpsc::channel();
        let token = stop.clone();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let sandbox =
                    consign_sandbox::serve(consign_sandbox::Options::default(), token).await.expect("serving");
                sender.send(sandbox.address()).expect("somebody waits");
                sandbox.stopped().await;
            });
        });
        let url = format!("http://{}", address.recv().expect("an address"));
        Self { url, _stop: stop.drop_guard() }
    }
}

/// What a command answered.
pub struct Answer {
    pub code: i32,
    pub out: String,
    pub err: String,
    command: String,
}

/// A command that is running.
pub struct Running<'a> {
    terminal: &'a Terminal,
    child: Child,
    command: String,
}

impl Terminal {
    /// With a copy of those fixtures.
    pub fn with(fixtures: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        for fixture in fixtures {
            let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(fixture);
            copy(&from, &folder.path().join(fixture));
        }
        Self { folder: folder.path().to_owned(), _temporary: Some(folder), other_user: None, sandbox: Sandbox::start() }
    }

    /// In a folder of that name among what is built, made anew: for terminals that last as long as the tests.
    pub fn lasting(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        if folder.exists() {
            fs::remove_dir_all(&folder).expect("removed");
        }
        fs::create_dir_all(&folder).expect("made");
        Self { folder, _temporary: None, other_user: None, sandbox: Sandbox::start() }
    }

    /// Lets commands run as a user to whom permissions matter: as `nobody` where the test runs as the superuser.
    pub fn of_common_user(mut self) -> Self {
        let own = self.folder.join(".test");
        fs::write(&own, "").expect("written");
        fs::set_permissions(&own, Permissions::from_mode(0o000)).expect("set");
        if fs::read(&own).is_ok() {
            let program = self.folder.join(".consign-program");
            fs::copy(env!("CARGO_BIN_EXE_consign"), &program).expect("copied");
            everybody(&self.folder);
            self.other_user = Some((program, 65_534));
        }
        fs::remove_file(own).expect("removed");
        self
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Where its sandbox is.
    pub fn sandbox(&self) -> &str {
        &self.sandbox.url
    }

    /// Replaces a text in a file of the folder, which has it.
    pub fn edit(&self, name: &str, old: &str, new: &str) {
        let text = fs::read_to_string(self.path(name)).expect("read");
        assert!(text.contains(old), "`{name}` has no `{old}`");
        fs::write(self.path(name), text.replace(old, new)).expect("written");
    }

    /// The names of what a folder holds, hidden ones too.
    pub fn names(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(folder)).expect("a folder");
        let mut names: Vec<String> =
            entries.map(|entry| entry.expect("read").file_name().into_string().expect("UTF-8")).collect();
        names.sort();
        names
    }

    /// Calls `consign` with those words. Where the folder is does not show in what it answered.
    pub fn consign(&self, words: &str) -> Answer {
        self.consign_with(words, &[])
    }

    /// The same with variables in its environment.
    pub fn consign_with(&self, words: &str, variables: &[(&str, &str)]) -> Answer {
        let done = self.command(words, variables).output().expect("it starts");
        self.answer(words, done)
    }

    /// The same with something to read from standard input.
    pub fn consign_reading(&self, words: &str, input: &str) -> Answer {
        let mut command = self.command(words, &[]);
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().expect("it starts");
        child.stdin.take().expect("piped").write_all(input.as_bytes()).expect("it reads");
        self.answer(words, child.wait_with_output().expect("it ends"))
    }

    /// Starts it, and does not wait.
    pub fn start(&self, words: &str, variables: &[(&str, &str)]) -> Running<'_> {
        let mut command = self.command(words, variables);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        Running { terminal: self, child, command: words.to_owned() }
    }

    fn command(&self, words: &str, variables: &[(&str, &str)]) -> Command {
        let mut command = match &self.other_user {
            Some((program, user)) => {
                let mut command = Command::new(program);
                command.uid(*user).gid(*user);
                command
            }
            None => Command::new(env!("CARGO_BIN_EXE_consign")),
        };
        command
            .args(words.split_whitespace())
            .current_dir(&self.folder)
            .env_clear()
            .env("USER", "ada")
            .env("CONSIGN_SANDBOX", &self.sandbox.url)
            // Any number of tests serve at the same time.
            .env("CONSIGN_LISTEN", "127.0.0.1:0")
            .envs(variables.iter().copied());
        command
    }

    fn answer(&self, words: &str, done: Output) -> Answer {
        let folder = self.folder.canonicalize().expect("it exists");
        let text = |bytes: Vec<u8>| {
            let text = String::from_utf8(bytes).expect("UTF-8");
            text.replace(folder.to_str().expect("UTF-8"), "[folder]")
        };
        Answer {
            code: done.status.code().unwrap_or(-1),
            out: text(done.stdout),
            err: text(done.stderr),
            command: format!("consign {words}"),
        }
    }
}

impl Running<'_> {
    /// Sends it a signal, such as `INT`.
    pub fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args(["-s", signal, &self.child.id().to_string()]).status();
        assert!(sent.expect("`kill` starts").success());
    }

    /// The number by which the system knows it.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has ended.
    pub fn ended(&mut self) -> bool {
        self.child.try_wait().expect("it is ours").is_some()
    }

    /// Waits for the next line that it prints, which is then not in the answer.
    pub fn line(&mut self) -> String {
        line(self.child.stdout.as_mut().expect("piped"))
    }

    /// Waits until a line with that text is on its standard error. The lines up to it are then not in the answer.
    pub fn told(&mut self, text: &str) -> String {
        let mut told = String::new();
        while !told.contains(text) {
            let line = line(self.child.stderr.as_mut().expect("piped"));
            assert!(!line.is_empty(), "it ended and did not say `{text}`:\n{told}");
            told.push_str(&line);
            told.push('\n');
        }
        told
    }

    /// Waits for what it answers.
    pub fn answer(self) -> Answer {
        let done = self.child.wait_with_output().expect("it ends");
        self.terminal.answer(&self.command, done)
    }
}

/// The next line, without its end.
fn line(of: &mut impl Read) -> String {
    let (mut line, mut byte) = (Vec::new(), [0]);
    while of.read(&mut byte).expect("read") == 1 && byte != *b"\n" {
        line.extend(byte);
    }
    String::from_utf8(line).expect("UTF-8")
}

impl Answer {
    /// The whole of it, as a transcript.
    pub fn transcript(&self) -> String {
        let Self { code, out, err, command } = self;
        format!("$ {command}\n----- exit code\n{code}\n----- standard output\n{out}----- standard error\n{err}")
    }

    /// The transcript without what is another each time: ids of runs, and how long they took.
    pub fn steady(&self) -> String {
        let mut text = String::new();
        for word in self.transcript().split_inclusive([' ', '\n', '/', '"', ',']) {
            let bare = word.trim_end_matches([' ', '\n', '/', '"', ',']);
            let is_id = bare.len() == 36 && bare.split('-').map(str::len).eq([8, 4, 4, 4, 12]);
            match text.strip_suffix("after ") {
                Some(_) if bare.parse::<f64>().is_ok() => text.push_str(&word.replace(bare, "[time]")),
                _ if is_id => text.push_str(&word.replace(bare, "[run]")),
                _ => text.push_str(word),
            }
        }
        text
    }

    /// What it printed as JSON: one document and nothing else.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}", self.transcript()))
    }
}

/// Copies a folder and all that is in it.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("made");
    for entry in fs::read_dir(from).expect("read") {
        let entry = entry.expect("read");
        let to = to.join(entry.file_name());
        if entry.file_type().expect("read").is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).expect("copied");
        }
    }
}

/// Lets every user do everything with a folder.
fn everybody(path: &Path) {
    fs::set_permissions(path, Permissions::from_mode(0o777)).expect("set");
    if path.is_dir() {
        fs::read_dir(path).expect("read").for_each(|entry| everybody(&entry.expect("read").path()));
    }
}
