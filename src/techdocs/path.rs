//! Paths and addresses within a site.

/// The normal form of a path seen from a folder; `None` if it leads out of the root.
pub(crate) fn joined(folder: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = if path.starts_with('/') { Vec::new() } else { folder.split('/').collect() };
    parts.retain(|part| !part.is_empty());
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => _ = parts.pop()?,
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// The folder a path is in.
pub(crate) fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// The address of one place of a site seen from another; both are paths below the site's root, pages with a slash at
/// their end.
pub(crate) fn relative(from: &str, to: &str) -> String {
    let from: Vec<&str> = folder(from).split('/').filter(|part| !part.is_empty()).collect();
    let target: Vec<&str> = to.split('/').collect();
    let shared = from.iter().zip(&target[..target.len() - 1]).take_while(|(one, other)| one == other).count();
    let mut link = "../".repeat(from.len() - shared);
    link.push_str(&target[shared..].iter().map(|part| encoded(part)).collect::<Vec<_>>().join("/"));
    if link.is_empty() { "./".to_owned() } else { link }
}

/// Whether an address leaves the site by itself: another scheme, another host, or the page alone.
pub(crate) fn is_absolute(url: &str) -> bool {
    url.starts_with("//")
        || url.split_once(':').is_some_and(|(scheme, _)| {
            !scheme.is_empty()
                && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
        })
}

/// An address in its parts: path, and what follows from `?` or `#` on.
pub(crate) fn split(url: &str) -> (&str, &str) {
    url.split_at(url.find(['?', '#']).unwrap_or(url.len()))
}

const DIGITS: &[u8; 16] = b"0123456789ABCDEF";

/// A part of a path as it stands in an address.
fn encoded(part: &str) -> String {
    let mut out = String::with_capacity(part.len());
    for byte in part.bytes() {
        let is_plain = byte.is_ascii_alphanumeric()
            || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'@' | b'+' | b'=' | b',' | b'(' | b')' | b'!');
        if is_plain {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(char::from(DIGITS[usize::from(byte >> 4)]));
            out.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
    }
    out
}

/// The text that escapes stand for; what is no text stays as it is.
pub(crate) fn decoded(path: &str) -> String {
    if !path.contains('%') {
        return path.to_owned();
    }
    let bytes = path.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let digits = path.get(at + 1..at + 3).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match (bytes[at], digits) {
            (b'%', Some(byte)) => {
                out.push(byte);
                at += 3;
            }
            (byte, _) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8(out).unwrap_or_else(|_| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_relative() {
        for (from, to, expected) in [
            ("", "", "./"),
            ("", "guide/x/", "guide/x/"),
            ("guide/x/", "guide/y/", "../y/"),
            ("guide/x/", "", "../../"),
            ("guide/x/", "guide/x/", "./"),
            ("guide/x/", "img/a b.png", "../../img/a%20b.png"),
            ("guide/x.html", "guide/y.html", "y.html"),
            ("a/", "ab/c/", "../ab/c/"),
        ] {
            assert_eq!(relative(from, to), expected, "{from} → {to}");
        }
    }

    #[test]
    fn paths_stay_in_the_site() {
        assert_eq!(joined("a/b", "../c.md").as_deref(), Some("a/c.md"));
        assert_eq!(joined("a", "/c.md").as_deref(), Some("c.md"));
        assert_eq!(joined("a", "../../c.md"), None);
        assert_eq!(decoded("a%20b%zz%C3%BC"), "a b%zzü");
        assert!(is_absolute("mailto:x@y") && is_absolute("//x") && !is_absolute("a/b:c") && !is_absolute("x.md"));
    }
}
