//! Where the workspace key is kept, and reading its text from there.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::str::FromStr;
use std::{env, fs, io};

use secrecy::SecretString;

/// Where the workspace key is kept. Its text holds one key or several, the newest first, each of 64 hexadecimal digits,
/// between them spaces, commas or line breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// In a file that is made where it is missing.
    File(PathBuf),
    /// In an environment variable.
    Env(String),
    /// In what a command of the shell prints, such as one that has a key management service decrypt it.
    Command(String),
}

impl KeySource {
    /// The file of a data folder, where nothing else is said.
    pub fn default_of(data: &Path) -> Self {
        Self::File(data.join("workspace.key"))
    }

    /// The text that is there; `None` where a file is missing.
    pub(crate) fn read(&self) -> io::Result<Option<SecretString>> {
        let text = match self {
            Self::File(path) => match fs::read_to_string(path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                text => text?,
            },
            Self::Env(name) => env::var(name).map_err(|_| io::Error::other("the variable is not set"))?,
            Self::Command(command) => {
                // What it says about itself goes to whoever called us; it is asked nothing.
                let run =
                    Command::new("sh").args(["-c", command]).stdin(Stdio::null()).stderr(Stdio::inherit()).output()?;
                if !run.status.success() {
                    return Err(io::Error::other(format!("the command failed ({})", run.status)));
                }
                String::from_utf8(run.stdout).map_err(|_| io::Error::other("what the command prints is not text"))?
            }
        };
        Ok(Some(SecretString::from(text)))
    }
}

impl FromStr for KeySource {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        match text.split_once(':') {
            Some(("file", path)) if !path.is_empty() => Ok(Self::File(path.into())),
            Some(("env", name)) if !name.is_empty() => Ok(Self::Env(name.to_owned())),
            Some(("command", command)) if !command.trim().is_empty() => Ok(Self::Command(command.to_owned())),
            // It may be the key itself, so it is not repeated.
            _ => Err("say where the key is kept: `file:PATH`, `env:NAME` or `command:COMMAND`"),
        }
    }
}

/// A command is not shown: its words may be secret.
impl fmt::Display for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "the file `{}`", path.display()),
            Self::Env(name) => write!(f, "the environment variable `{name}`"),
            Self::Command(_) => f.write_str("the command of `--key`"),
        }
    }
}
