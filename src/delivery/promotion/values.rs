//! The image in a values file: read, and written without touching anything else of the text.
//!
//! Keys are Helm's usual ones, `image.tag` and `image.digest`. Comments, order and quotes of the rest stay; a file without
//! these keys gets them at its end.

use serde_json::Value;

use crate::delivery::Version;
use crate::yaml::{self, Position, YamlError};

/// The image that a values file names.
pub(super) fn image(text: &str) -> Result<Version, YamlError> {
    let value = document(text)?.map(|document| document.value).unwrap_or_default();
    let at = |pointer: &str| match value.pointer(pointer) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    };
    Ok(Version { image: at("/image/repository"), tag: at("/image/tag"), digest: at("/image/digest") })
}

/// The text with another image.
pub(super) fn with_image(text: &str, version: &Version) -> Result<String, YamlError> {
    let Some(document) = document(text)? else { return Ok(appended(text, version)) };
    let (has_image, indent) = match document.value.get("image") {
        Some(Value::Object(image)) => {
            let first = image.keys().next().map(|key| format!("/image/{key}"));
            (true, first.and_then(|pointer| document.positions.key(&pointer)).map_or(3, |position| position.column))
        }
        _ => (false, 3),
    };
    if !has_image {
        return Ok(appended(text, version));
    }
    let mut lines: Vec<String> = text.split('\n').map(str::to_owned).collect();
    let mut missing = Vec::new();
    let mut found = Vec::new();
    for (key, value) in [("tag", &version.tag), ("digest", &version.digest)] {
        match document.positions.value(&format!("/image/{key}")) {
            Some(position) => found.push((position, value)),
            None => missing.push(format!("{}{key}: {}", " ".repeat(indent as usize - 1), quoted(value))),
        }
    }
    // From the end, since on one line the first moves the second.
    found.sort_by_key(|(position, _)| std::cmp::Reverse((position.line, position.column)));
    for (position, value) in found {
        replace(&mut lines, position, value);
    }
    if let (false, Some(position)) = (missing.is_empty(), document.positions.key("/image")) {
        let below = position.line as usize;
        lines.splice(below..below, missing);
    }
    Ok(lines.join("\n"))
}

fn document(text: &str) -> Result<Option<yaml::Document>, YamlError> {
    let first = yaml::documents(text).into_iter().next().transpose()?;
    Ok(first.filter(|document| document.value.is_object()))
}

fn appended(text: &str, version: &Version) -> String {
    let gap = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    format!("{text}{gap}image:\n  tag: {}\n  digest: {}\n", quoted(&version.tag), quoted(&version.digest))
}

/// Double quotes: a tag may look like a number.
fn quoted(value: &str) -> String {
    Value::String(value.to_owned()).to_string()
}

/// Replaces the scalar that begins at a place of one line.
fn replace(lines: &mut [String], position: Position, value: &str) {
    let Some(line) = lines.get_mut(position.line as usize - 1) else { return };
    let start = line.char_indices().nth(position.column as usize - 1).map_or(line.len(), |(at, _)| at);
    let rest = &line[start..];
    let length = if let Some(quote @ ('"' | '\'')) = rest.chars().next() {
        rest[1..].find(quote).map_or(rest.len(), |end| end + 2)
    } else {
        let end = rest.find(" #").into_iter().chain(rest.find([',', '}'])).min();
        end.map_or(rest.trim_end().len(), |end| rest[..end].trim_end().len())
    };
    let tail = rest[length..].to_owned();
    let gap = if line[..start].ends_with(':') { " " } else { "" };
    line.truncate(start);
    line.push_str(gap);
    line.push_str(&quoted(value));
    line.push_str(&tail);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version() -> Version {
        Version { image: String::new(), tag: "1.10".to_owned(), digest: "sha256:ab".to_owned() }
    }

    #[test]
    fn only_the_image_changes() {
        let cases = [
            (
                "# Production\nimage:\n  # by pull request\n  tag: \"\"\n  digest: \"\" # bytes\n\nreplicas: 2\n",
                "# Production\nimage:\n  # by pull request\n  tag: \"1.10\"\n  digest: \"sha256:ab\" # bytes\n\nreplicas: 2\n",
            ),
            (
                "image:\n    tag: 1.9   # old\nx: 1\n",
                "image:\n    digest: \"sha256:ab\"\n    tag: \"1.10\"   # old\nx: 1\n",
            ),
            ("replicas: 1", "replicas: 1\nimage:\n  tag: \"1.10\"\n  digest: \"sha256:ab\"\n"),
            ("", "image:\n  tag: \"1.10\"\n  digest: \"sha256:ab\"\n"),
            ("image: {tag: 'a', digest: b}\n", "image: {tag: \"1.10\", digest: \"sha256:ab\"}\n"),
        ];
        for (before, after) in cases {
            let written = with_image(before, &version()).unwrap();
            assert_eq!(written, after);
            assert_eq!(image(&written).unwrap(), version());
        }
    }

    #[test]
    fn a_file_that_is_no_yaml_is_told() {
        assert!(with_image("image: [", &version()).is_err());
    }
}
