//! The list as a file: every entity that the filters leave, as CSV for spreadsheets or as JSON documents.

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use bytes::{BufMut as _, BytesMut};

use super::index::Asker;
use super::query::Asked;
use crate::catalog::Record;
use crate::web::error::Error;
use crate::web::extract::{Answer, Query};
use crate::web::session::Viewer;

const HEAD: [&str; 11] =
    ["kind", "namespace", "name", "title", "type", "owner", "lifecycle", "system", "tags", "description", "source"];

/// `GET /catalog/export.csv`
pub(super) async fn csv(asker: Asker, viewer: Viewer, Query(asked): Query<Asked>) -> Answer {
    let found = asker.all(&viewer, &asked).await?;
    let mut writer = csv::WriterBuilder::new().from_writer(Vec::new());
    let written =
        writer.write_record(HEAD).and_then(|()| found.iter().try_for_each(|record| writer.write_record(line(record))));
    written.map_err(Error::internal)?;
    let text = writer.into_inner().map_err(|error| Error::internal(error.to_string()))?;
    Ok(file("text/csv; charset=utf-8", "catalog.csv", text))
}

/// `GET /catalog/export.json`
pub(super) async fn json(asker: Asker, viewer: Viewer, Query(asked): Query<Asked>) -> Answer {
    let found = asker.all(&viewer, &asked).await?;
    let mut text = BytesMut::with_capacity(found.iter().map(|record| record.json.len() + 2).sum::<usize>() + 4);
    for (index, record) in found.iter().enumerate() {
        text.put_slice(if index == 0 { b"[\n" } else { b",\n" });
        text.put_slice(&record.json);
    }
    text.put_slice(if found.is_empty() { b"[]\n" } else { b"\n]\n" });
    Ok(file("application/json; charset=utf-8", "catalog.json", text.freeze()))
}

fn line(record: &Record) -> [String; 11] {
    let entity = record.entity();
    let text = |path: &[&str]| entity.text(path).unwrap_or_default().to_owned();
    let related = |kind: &str| {
        let targets = record.relations().into_iter().filter(|relation| relation.kind == kind);
        targets.map(|relation| relation.target).collect::<Vec<_>>().join(" ")
    };
    [
        entity.kind().to_owned(),
        record.reference.namespace().to_owned(),
        entity.name().to_owned(),
        text(&["metadata", "title"]),
        text(&["spec", "type"]),
        related("ownedBy"),
        text(&["spec", "lifecycle"]),
        related("partOf"),
        entity.tags().collect::<Vec<_>>().join(" "),
        text(&["metadata", "description"]),
        record.location.to_string(),
    ]
    .map(plain)
}

/// A text that no spreadsheet takes for a formula: <https://owasp.org/www-community/attacks/CSV_Injection>.
fn plain(text: String) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text }
}

fn file(kind: &'static str, name: &str, body: impl Into<axum::body::Body>) -> Response {
    let name = HeaderValue::try_from(format!("attachment; filename=\"{name}\"")).expect("the names are ours");
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CONTENT_DISPOSITION, name),
        (header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache")),
    ];
    (headers, body.into()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_a_formula() {
        let cases = [("=1+1", "'=1+1"), ("@x", "'@x"), ("-1", "'-1"), ("a=b", "a=b"), ("", "")];
        for (text, expected) in cases {
            assert_eq!(plain(text.to_owned()), expected);
        }
    }
}
