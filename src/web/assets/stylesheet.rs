//! One request for a stylesheet that is written in many files.
//!
//! `@import url("components/card.css") layer(components);` on a line of its own is replaced by
//! `@layer components { … }` with that file's content: what the browser would make of it, without the requests.

use std::borrow::Cow;

/// The stylesheet with its imports in place; `read` gives a file by its path below `static/`.
pub(super) fn assembled(path: &str, source: &str, read: impl Fn(&str) -> Option<Cow<'static, [u8]>>) -> String {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut whole = String::with_capacity(64 * 1024);
    for line in source.lines() {
        let imported = import(line).and_then(|(file, layer)| Some((read(&format!("{folder}/{file}"))?, layer)));
        if let Some((content, layer)) = imported {
            let content = String::from_utf8_lossy(&content);
            whole.extend(["@layer ", layer, " {\n", &content, "}\n"]);
        } else {
            whole.extend([line, "\n"]);
        }
    }
    whole
}

/// The file and the layer of an import.
fn import(line: &str) -> Option<(&str, &str)> {
    let (file, rest) = line.strip_prefix("@import url(\"")?.split_once("\")")?;
    Some((file, rest.trim().strip_prefix("layer(")?.strip_suffix(");")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_are_put_in_place() {
        let read = |path: &str| (path == "css/a.css").then(|| Cow::Borrowed(&b"p { margin: 0; }\n"[..]));
        let source = "@layer base;\n@import url(\"a.css\") layer(base);\n@import url(\"gone.css\") layer(base);\nb { color: red; }\n";
        let expected = "@layer base;\n@layer base {\np { margin: 0; }\n}\n@import url(\"gone.css\") layer(base);\nb { color: red; }\n";
        assert_eq!(assembled("css/portal.css", source, read), expected);
    }

    #[test]
    fn every_import_of_the_portal_is_there() {
        let read = |path: &str| super::super::Files::get(path).map(|file| file.data);
        let source = String::from_utf8(read("css/portal.css").unwrap().into_owned()).unwrap();
        assert!(!assembled("css/portal.css", &source, read).contains("@import"));
    }
}
