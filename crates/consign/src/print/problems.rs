//! Problems of definitions, each with its line of the file.

use std::collections::BTreeMap;

use consign_model::document::Located;
use consign_model::problem::Severity;
use consign_model::spec::Kinds;
use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic, NamedSource, Report};

use super::redact::Redaction;
use super::{Style, plural};

/// Prints problems of some files.
pub struct Problems {
    files: BTreeMap<String, String>,
}

impl Problems {
    /// Of those files: names and texts. The kinds know which settings are secret.
    pub fn of(files: &[(String, String)], kinds: &dyn Kinds) -> Self {
        let redaction = Redaction::new(kinds);
        let shown = |text: &str| text.lines().map(|line| redaction.line(line)).collect::<Vec<_>>().join("\n");
        Self { files: files.iter().map(|(name, text)| (name.clone(), shown(text))).collect() }
    }

    /// All problems, and how many they are.
    pub fn text(&self, problems: &[Located], style: Style) -> String {
        let theme = if style.colour { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
        let handler = GraphicalReportHandler::new_themed(theme)
            .with_width(usize::from(style.width))
            .with_context_lines(0)
            .without_syntax_highlighting()
            .with_links(false);
        let mut text = String::new();
        for problem in problems {
            let report = self.report(problem);
            // Writing to a text does not fail.
            let _ = handler.render_report(&mut text, report.as_ref() as &dyn Diagnostic);
            text.push('\n');
        }
        let errors = problems.iter().filter(|found| found.problem.severity == Severity::Error).count();
        let counted = [(errors, "error"), (problems.len() - errors, "warning")];
        let counted: Vec<String> = counted.iter().filter(|(n, _)| *n > 0).map(|(n, what)| plural(*n, what)).collect();
        text.push_str(&counted.join(", "));
        text.push('\n');
        text
    }

    fn report(&self, found: &Located) -> Report {
        let problem = &found.problem;
        let severity = match problem.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        };
        let mut diagnostic = MietteDiagnostic::new(&problem.reason).with_severity(severity).with_help(&problem.remedy);
        let path = problem.path.to_string();
        let source = found.file.as_ref().and_then(|name| Some((name, self.files.get(name)?)));
        match source {
            Some((name, source)) if !Redaction::secret(&problem.path) => {
                if !path.is_empty() {
                    diagnostic = diagnostic.with_code(path);
                }
                let (offset, length) = span(source, found.line, found.column);
                let here = LabeledSpan::new(None, offset, length);
                Report::new(diagnostic.with_label(here)).with_source_code(NamedSource::new(name, source.clone()))
            }
            _ => {
                let file = found.file.as_deref().map(|file| format!("{file}:{}:{} ", found.line, found.column));
                Report::new(diagnostic.with_code(format!("{}{path}", file.unwrap_or_default()).trim_end()))
            }
        }
    }
}

/// Where a line's column begins in a text, and how long what stands there is: a quoted text, or a word. In bytes.
fn span(text: &str, line: usize, column: usize) -> (usize, usize) {
    let mut start = 0;
    for (index, content) in text.split_inclusive('\n').enumerate() {
        if index + 1 == line {
            let content = content.trim_end_matches('\n');
            let before: usize = content.chars().take(column.saturating_sub(1)).map(char::len_utf8).sum();
            let rest = &content[before..];
            let length = match rest.chars().next() {
                Some(quote @ ('"' | '\'')) => rest[1..].find(quote).map_or(rest.len(), |end| end + 2),
                _ => rest.find(|c: char| c.is_whitespace() || matches!(c, ',' | '}' | ']' | ':')).unwrap_or(rest.len()),
            };
            return (start + before, length);
        }
        start += content.len();
    }
    (text.len(), 0)
}
