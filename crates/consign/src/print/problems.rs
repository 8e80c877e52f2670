//! Problems of definitions, each with its line of the file.

use std::collections::BTreeMap;

use consign_model::document::Located;
use consign_model::problem::Severity;
use consign_model::spec::Kinds;
use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic, MietteError, MietteSpanContents,
    Report, SourceCode, SourceSpan, SpanContents,
};

use super::redact::Redaction;
use super::{Style, plural};

/// Prints problems of some files.
pub struct Problems {
    files: BTreeMap<String, Vec<String>>,
}

impl Problems {
    /// Of those files: names and texts. The kinds know which settings are secret.
    pub fn of(files: &[(String, String)], kinds: &dyn Kinds) -> Self {
        let redaction = Redaction::new(kinds);
        let shown = |text: &str| text.lines().map(|line| redaction.line(line)).collect();
        Self { files: files.iter().map(|(name, text)| (name.clone(), shown(text))).collect() }
    }

    /// All problems, and how many they are.
    pub fn text(&self, problems: &[Located], style: Style) -> String {
        let theme = if style.colour { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
        let handler = GraphicalReportHandler::new_themed(theme)
            .with_width(usize::from(style.width))
            .with_context_lines(1)
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

    /// The line of a problem, where it is in a file that could be read.
    fn line(&self, found: &Located) -> Option<Line> {
        let file = found.file.clone()?;
        let text = self.files.get(&file)?.get(found.line.checked_sub(1)?)?.clone();
        Some(Line { file, number: found.line, text })
    }

    fn report(&self, found: &Located) -> Report {
        let problem = &found.problem;
        let severity = match problem.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        };
        let mut diagnostic = MietteDiagnostic::new(&problem.reason).with_severity(severity).with_help(&problem.remedy);
        let path = problem.path.to_string();
        if let Some(line) = self.line(found).filter(|_| !Redaction::secret(&problem.path)) {
            if !path.is_empty() {
                diagnostic = diagnostic.with_code(path);
            }
            let (offset, length) = span(&line.text, found.column);
            let here = LabeledSpan::new(None, offset, length);
            return Report::new(diagnostic.with_label(here)).with_source_code(line);
        }
        let file = found.file.as_deref().map(|file| format!("{file}:{}:{} ", found.line, found.column));
        Report::new(diagnostic.with_code(format!("{}{path}", file.unwrap_or_default()).trim_end()))
    }
}

/// A line of a file, as the only thing that is shown of it: its neighbours are not looked at for secrets in many lines.
#[derive(Debug)]
struct Line {
    file: String,
    number: usize,
    text: String,
}

impl SourceCode for Line {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        lines_before: usize,
        _lines_after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        // Without lines around it only the span itself is asked for, to say where it is.
        let (start, end) = match lines_before {
            0 => (span.offset(), span.offset() + span.len()),
            _ => (0, self.text.len()),
        };
        let (before, shown) = self.text.get(..start).zip(self.text.get(start..end)).ok_or(MietteError::OutOfBounds)?;
        let (file, place) = (self.file.clone(), (start, end - start).into());
        let column = before.chars().count();
        Ok(Box::new(MietteSpanContents::new_named(file, shown.as_bytes(), place, self.number - 1, column, 1)))
    }
}

/// Where a column begins in a line, and how long what stands there is: a quoted text, or a word. In bytes.
fn span(line: &str, column: usize) -> (usize, usize) {
    let before: usize = line.chars().take(column.saturating_sub(1)).map(char::len_utf8).sum();
    let rest = &line[before..];
    let length = match rest.chars().next() {
        Some(quote @ ('"' | '\'')) => rest[1..].find(quote).map_or(rest.len(), |end| end + 2),
        _ => rest.find(|c: char| c.is_whitespace() || matches!(c, ',' | '}' | ']' | ':')).unwrap_or(rest.len()),
    };
    (before, length)
}
