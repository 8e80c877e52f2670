//! The lines of a job's result: a member and what became of it, each. Their fields are not published.

use serde_json::Value;

use crate::client::{Rejection, RowName};

/// Words that mean that a member was taken, any case.
const TAKEN: &[&str] = &["ACCEPTED", "SUCCESS", "SUCCEEDED", "COMPLETED", "OK", "CREATED"];

/// The members that were not taken; `None` where a line is not of the form that is expected.
pub(super) fn rejections(lines: &[u8], mask: impl Fn(&str) -> String) -> Option<Vec<Rejection>> {
    let mut rejected = Vec::new();
    for line in lines.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty()) {
        let line: Value = serde_json::from_slice(line).ok()?;
        let response = line.get("response")?;
        let error = response.get("error").or_else(|| line.get("error")).filter(|error| !error.is_null());
        let taken = match response.get("status") {
            Some(Value::Number(status)) => status.as_f64().is_some_and(|status| status < 400.0),
            Some(Value::String(word)) => TAKEN.contains(&word.to_uppercase().as_str()),
            _ if error.is_some() => false,
            _ => return None,
        };
        if taken && error.is_none() {
            continue;
        }
        let said = response.get("message").and_then(Value::as_str).or_else(|| error.and_then(Value::as_str));
        rejected.push(Rejection { row: row(&line), reason: mask(said.unwrap_or("no reason given")) });
    }
    Some(rejected)
}

/// The member of a line.
fn row(line: &Value) -> RowName {
    let value = |name: &str| Some((name.to_owned(), line.get("request")?.get(name)?.as_str()?.to_owned()));
    match value("phone").or_else(|| value("email")) {
        Some((name, value)) => RowName::Value { pointer: format!("/{name}"), value },
        None => RowName::Unnamed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rejected(lines: &str) -> Option<usize> {
        rejections(lines.as_bytes(), ToOwned::to_owned).map(|rejected| rejected.len())
    }

    #[test]
    fn numbers_words_and_errors_say_what_became_of_a_member() {
        let line = |response: &str| format!("{{\"request\":{{\"phone\":\"+12065550100\"}},\"response\":{response}}}\n");
        for taken in ["200", "202", "\"ok\"", "\"Accepted\"", "\"SUCCEEDED\"", "\"created\""] {
            assert_eq!(rejected(&line(&format!("{{\"status\":{taken}}}"))), Some(0), "{taken}");
        }
        for refused in ["400", "500", "\"INVALID\"", "200,\"error\":\"x\""] {
            assert_eq!(rejected(&line(&format!("{{\"status\":{refused}}}"))), Some(1), "{refused}");
        }
        assert_eq!(rejected(&line("{\"error\":\"no such subscriber\"}")), Some(1));
        assert_eq!(rejected(""), Some(0));
        assert_eq!(rejected("not JSON"), None);
        assert_eq!(rejected(&line("{}")), None);
        assert_eq!(rejected("{\"a\":1}"), None);
    }
}
