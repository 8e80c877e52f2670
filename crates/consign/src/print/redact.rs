//! Lines of definition files as they may be shown: a secret that somebody wrote into one is not repeated.

use consign_model::problem::{Path, Step};
use consign_model::spec::Kinds;

/// Parts of names behind which secrets stand, whatever the kind.
const SECRET_PARTS: [&str; 7] = ["secret", "password", "passphrase", "token", "api_key", "private_key", "access_key"];

/// What stands in the place of each character of a secret, so that columns stay.
const MASK: char = '•';

/// Knows where secrets stand.
pub struct Redaction {
    names: Vec<&'static str>,
}

impl Redaction {
    /// With the names that the kinds give to secrets.
    pub fn new(kinds: &dyn Kinds) -> Self {
        let specs = kinds.specs();
        let settings = specs.into_iter().flat_map(|spec| &spec.settings);
        Self { names: settings.filter(|setting| setting.secret).map(|setting| setting.name).collect() }
    }

    /// Whether a place is one for secrets. The line of such a problem is not shown at all.
    pub fn secret(path: &Path) -> bool {
        let field = |step: &Step, name: &str| matches!(step, Step::Field(field) if field == name);
        let steps = path.steps();
        steps.iter().any(|step| field(step, "credentials") || field(step, "pgp_public_key"))
            || steps.windows(2).any(|pair| field(&pair[0], "postgres") && field(&pair[1], "url"))
    }

    /// A line with masks in the place of values that are, or may be, secrets.
    pub fn line(&self, line: &str) -> String {
        let mut shown: Vec<char> = line.chars().map(|c| if c.is_control() && c != '\t' { ' ' } else { c }).collect();
        let keys = keys(&shown);
        for key in &keys {
            let name: String = shown[key.start..key.end].iter().collect::<String>().to_lowercase();
            if name == "credentials" {
                // Whatever is in the braces behind it.
                let end = shown.iter().skip(key.value).position(|c| *c == '}').map_or(shown.len(), |at| key.value + at);
                for inner in keys.iter().filter(|inner| inner.start > key.value && inner.start < end) {
                    mask_value(&mut shown, inner.value);
                }
            } else if self.names.contains(&name.as_str()) || SECRET_PARTS.iter().any(|part| name.contains(part)) {
                mask_value(&mut shown, key.value);
            }
        }
        mask_user_in_urls(&mut shown);
        shown.into_iter().collect()
    }
}

/// A key of a map in a line.
struct Key {
    start: usize,
    end: usize,
    /// Behind the colon.
    value: usize,
}

/// Everything in a line that may be a key: a word before a colon.
fn keys(line: &[char]) -> Vec<Key> {
    let word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    let mut keys = Vec::new();
    for (colon, _) in line.iter().enumerate().filter(|(_, c)| **c == ':') {
        let before = &line[..colon];
        let trimmed = before.iter().rposition(|c| !matches!(c, ' ' | '"' | '\'')).map_or(0, |last| last + 1);
        let start = before[..trimmed].iter().rposition(|c| !word(*c)).map_or(0, |last| last + 1);
        if start < trimmed {
            keys.push(Key { start, end: trimmed, value: colon + 1 });
        }
    }
    keys
}

/// Masks the value from there on, to its quote, else to the comma, bracket or end; not a reference to a secret.
fn mask_value(line: &mut [char], from: usize) {
    let Some(start) = line.iter().skip(from).position(|c| *c != ' ').map(|at| from + at) else {
        return;
    };
    let quote = Some(line[start]).filter(|c| matches!(c, '"' | '\''));
    let start = if quote.is_some() { start + 1 } else { start };
    let ends = |c: &char| quote.map_or(matches!(c, ',' | '}' | ']'), |quote| *c == quote);
    let end = line.iter().skip(start).position(ends).map_or(line.len(), |at| start + at);
    let value: String = line[start..end].iter().collect();
    if !value.starts_with("env:") && !value.starts_with("file:") && !value.starts_with('{') {
        mask(&mut line[start..end]);
    }
}

/// Masks what stands between `://` and `@`.
fn mask_user_in_urls(line: &mut [char]) {
    let mut from = 0;
    while let Some(start) = line[from..].windows(3).position(|three| three == [':', '/', '/']).map(|at| from + at + 3) {
        let end = line[start..].iter().position(|c| c.is_whitespace() || matches!(c, '"' | '\'' | '}'));
        let end = end.map_or(line.len(), |at| start + at);
        if let Some(at) = line[start..end].iter().rposition(|c| *c == '@') {
            mask(&mut line[start..start + at]);
        }
        from = start;
    }
}

fn mask(secret: &mut [char]) {
    for c in secret.iter_mut().filter(|c| !c.is_whitespace()) {
        *c = MASK;
    }
}

#[cfg(test)]
mod tests {
    use consign_destinations::registry::Registry;

    use super::*;

    #[test]
    fn secrets_in_a_line_are_masked_and_columns_stay() {
        let redaction = Redaction::new(&Registry::new());
        for (line, shown) in [
            ("    api_key: pk_live_01", "    api_key: ••••••••••"),
            (
                "  credentials: { whatever: \"s3,cr}\", b: env:B }, kind: sftp",
                "  credentials: { whatever: \"••••••\", b: env:B }, kind: sftp",
            ),
            (
                "{ id: a, settings: { api_token: 'x y' }, kind: b }",
                "{ id: a, settings: { api_token: '• •' }, kind: b }",
            ),
            ("  url: postgres://ada:pw@db.example.com/shop", "  url: postgres://••••••@db.example.com/shop"),
            ("  \"password\" : geheim", "  \"password\" : ••••••"),
            ("  password: file:keys/pw", "  password: file:keys/pw"),
            ("  name: Ada, mail: a@example.com", "  name: Ada, mail: a@example.com"),
        ] {
            assert_eq!(redaction.line(line), shown);
        }
    }

    #[test]
    fn places_for_secrets_are_known() {
        let place = |fields: &[&str]| fields.iter().fold(Path::default(), |path, field| path.field(field));
        assert!(Redaction::secret(&place(&["credentials", "api_key"])));
        assert!(Redaction::secret(&place(&["connection", "postgres", "url"])));
        assert!(Redaction::secret(&place(&["file", "pgp_public_key"])));
        assert!(!Redaction::secret(&place(&["connection", "files", "url"])));
    }
}
