//! Forms of several parts (RFC 7578), as uploads of files are sent.

use bytes::Bytes;
use uuid::Uuid;

/// A form, part after part.
pub(crate) struct Form {
    boundary: String,
    body: Vec<u8>,
}

impl Form {
    /// An empty form. Its boundary is random, so that no content can have it.
    pub(crate) fn new() -> Self {
        Self::within(format!("consign-{}", Uuid::now_v7().simple()))
    }

    fn within(boundary: String) -> Self {
        Self { boundary, body: Vec::new() }
    }

    /// With a text under that name, which needs no quoting.
    #[must_use]
    pub(crate) fn text(mut self, name: &'static str, value: &str) -> Self {
        self.begin(&format!("name=\"{name}\"\r\n"), value.len());
        self.end(value.as_bytes())
    }

    /// With a file under that name. Neither name nor media type needs quoting.
    #[must_use]
    pub(crate) fn file(
        mut self,
        name: &'static str,
        file_name: &'static str,
        media: &'static str,
        content: &[u8],
    ) -> Self {
        self.begin(&format!("name=\"{name}\"; filename=\"{file_name}\"\r\nContent-Type: {media}\r\n"), content.len());
        self.end(content)
    }

    fn begin(&mut self, said: &str, length: usize) {
        self.body.reserve(length + said.len() + 2 * self.boundary.len() + 64);
        let head = format!("--{}\r\nContent-Disposition: form-data; {said}\r\n", self.boundary);
        self.body.extend_from_slice(head.as_bytes());
    }

    fn end(mut self, content: &[u8]) -> Self {
        self.body.extend_from_slice(content);
        self.body.extend_from_slice(b"\r\n");
        self
    }

    /// The value of `content-type`, and the body.
    pub(crate) fn finish(mut self) -> (String, Bytes) {
        self.body.extend_from_slice(format!("--{}--\r\n", self.boundary).as_bytes());
        (format!("multipart/form-data; boundary={}", self.boundary), self.body.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_its_parts_between_boundaries() {
        let form = Form::within("B".into()).text("kind", "csv").file("file", "list.csv", "text/csv", b"a\r\n\0b\n");
        let (media, body) = form.finish();
        assert_eq!(media, "multipart/form-data; boundary=B");
        let wanted = "--B\r\nContent-Disposition: form-data; name=\"kind\"\r\n\r\ncsv\r\n--B\r\nContent-Disposition: \
                      form-data; name=\"file\"; filename=\"list.csv\"\r\nContent-Type: \
                      text/csv\r\n\r\na\r\n\0b\n\r\n--B--\r\n";
        assert_eq!(body, wanted);
    }

    #[test]
    fn two_forms_have_two_boundaries() {
        assert_ne!(Form::new().finish().0, Form::new().finish().0);
    }
}
