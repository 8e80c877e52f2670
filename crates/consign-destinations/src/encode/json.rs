//! JSON text, written straight into the buffer of a body.

/// For each byte: 0 where it stands for itself in a JSON string, else what follows the backslash (`u` for `\u00XX`).
const ESCAPE: [u8; 256] = {
    let mut escape = [0; 256];
    let mut control = 0;
    while control < 0x20 {
        escape[control] = b'u';
        control += 1;
    }
    escape[0x08] = b'b';
    escape[b'\t' as usize] = b't';
    escape[b'\n' as usize] = b'n';
    escape[0x0c] = b'f';
    escape[b'\r' as usize] = b'r';
    escape[b'"' as usize] = b'"';
    escape[b'\\' as usize] = b'\\';
    escape
};

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Appends a JSON string. Bytes that stand for themselves are copied in runs.
pub fn write_text(text: &str, into: &mut Vec<u8>) {
    let bytes = text.as_bytes();
    into.push(b'"');
    // All are looked at, so that the compiler looks at many at once: mostly none is to be escaped.
    let escaped = |byte: u8| u8::from(byte < 0x20) | u8::from(byte == b'"') | u8::from(byte == b'\\');
    if bytes.iter().fold(0, |any, &byte| any | escaped(byte)) == 0 {
        into.extend_from_slice(bytes);
        into.push(b'"');
        return;
    }
    let mut run = 0;
    for (i, &byte) in bytes.iter().enumerate() {
        let escape = ESCAPE[usize::from(byte)];
        if escape == 0 {
            continue;
        }
        into.extend_from_slice(&bytes[run..i]);
        into.extend_from_slice(&[b'\\', escape]);
        if escape == b'u' {
            let hex = |nibble: u8| HEX[usize::from(nibble)];
            into.extend_from_slice(&[b'0', b'0', hex(byte >> 4), hex(byte & 0xf)]);
        }
        run = i + 1;
    }
    into.extend_from_slice(&bytes[run..]);
    into.push(b'"');
}

/// The key of an object's member, with its colon, escaped once for all rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key(Vec<u8>);

impl Key {
    /// The key of that name.
    pub fn new(name: &str) -> Self {
        let mut key = Vec::with_capacity(name.len() + 3);
        write_text(name, &mut key);
        key.push(b':');
        Self(key)
    }

    /// Appends it, and before it a comma unless it is the first of its object.
    pub fn write(&self, into: &mut Vec<u8>) {
        if into.last() != Some(&b'{') {
            into.push(b',');
        }
        into.extend_from_slice(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_text_is_written_as_the_reference_writes_it(text in any::<String>()) {
            let mut written = Vec::new();
            write_text(&text, &mut written);
            prop_assert_eq!(written, serde_json::to_vec(&text).expect("a string is JSON"));
        }
    }

    #[test]
    fn every_control_character_is_escaped() {
        let text: String = (0_u8..=0x7f).map(char::from).collect();
        let mut written = Vec::new();
        write_text(&text, &mut written);
        assert_eq!(serde_json::from_slice::<String>(&written).expect("it is JSON"), text);
        assert!(written.iter().all(|byte| *byte >= 0x20));
    }
}
