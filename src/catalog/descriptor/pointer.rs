//! JSON pointers as fragments of references: `#/paths/~1pay~1%7Bid%7D` is `/paths/~1pay~1{id}`.

use std::fmt::Write as _;

use serde_json::Value;

/// The pointer that a fragment, without its `#`, stands for.
pub(super) fn parse_fragment(fragment: &str) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(fragment.len());
    let mut rest = fragment.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code = after.get(..2).filter(|_| *first == b'%').and_then(|digits| std::str::from_utf8(digits).ok());
        let code = code.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(code.unwrap_or(*first));
        rest = &after[if code.is_some() { 2 } else { 0 }..];
    }
    let pointer = String::from_utf8(bytes).map_err(|_| format!("\"#{fragment}\" is not UTF-8"))?;
    if pointer.is_empty() || pointer.starts_with('/') {
        return Ok(if pointer == "/" { String::new() } else { pointer });
    }
    Err(format!("\"#{fragment}\" is not a JSON pointer: one begins with #/"))
}

/// A pointer as a reference within its file.
pub(super) fn fragment(pointer: &str) -> String {
    let mut text = "#".to_owned();
    for byte in pointer.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-_.~!$&'()*+,;=:@".contains(&byte) {
            text.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

/// None if a pointer names a node of a value; else the deepest node on the way that is there, and what is left to go.
pub(super) fn step(value: &Value, pointer: &str) -> Option<(String, String)> {
    if value.pointer(pointer).is_some() {
        return None;
    }
    let cuts = pointer.match_indices('/').map(|(at, _)| at);
    let deepest = cuts.filter(|at| value.pointer(&pointer[..*at]).is_some()).max().unwrap_or_default();
    Some((pointer[..deepest].to_owned(), pointer[deepest..].to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fragments_are_pointers() {
        for (text, pointer) in [
            ("", ""),
            ("/", ""),
            ("/a/b", "/a/b"),
            ("/paths/~1pay~1%7Bid%7D", "/paths/~1pay~1{id}"),
            ("/%C3%A9", "/é"),
            ("/100%", "/100%"),
            ("/%zz", "/%zz"),
        ] {
            assert_eq!(parse_fragment(text).as_deref(), Ok(pointer), "{text}");
            assert_eq!(parse_fragment(&fragment(pointer)[1..]).as_deref(), Ok(pointer), "{text}");
        }
        assert!(parse_fragment("Anchor").is_err());
        assert!(parse_fragment("/%ff").is_err());
    }
}
