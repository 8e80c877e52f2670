//! Names of files. A name is one component of a path: folders are settings of the destination.

use super::super::FileError;

/// Refuses a name that would leave its folder, hide in it, or deceive who reads it.
pub(super) fn check(name: &str) -> Result<(), FileError> {
    let reason = if name.is_empty() {
        "is empty"
    } else if name.contains(['/', '\\']) {
        "has `/` or `\\` in it"
    } else if name.starts_with('.') {
        "begins with a dot"
    } else if name.chars().any(char::is_control) {
        "has a control character in it"
    } else {
        return Ok(());
    };
    Err(FileError::Name { name: name.to_owned(), reason })
}
