//! Finished documents.

use super::*;

/// A row of a document, with nothing around it.
pub(in crate::catalog) fn row(uid: u128, document: &Value) -> Row {
    Row::alone(Uuid::from_u128(uid), "file:/all.yaml", &serde_json::from_value(document.clone()).unwrap())
}

const OWNED: &str = r#"[{"type":"ownedBy","targetRef":"group:default/g"}]"#;

#[test]
fn the_finished_document_has_everything_in_its_place() {
    let document = json!({"kind": "Component", "metadata": {"name": "X", "tags": ["a"]}, "spec": {"b": "{}"}});
    let mut row = row(1, &document);
    row.errors = Some(json!([status_item(&ValidationError::new("Error", "no"))]).to_string());
    let record = Record::finish(&Arc::default(), &row, OWNED).unwrap();
    let etag = record.etag().to_owned();
    let expected = format!(
        "{{\"kind\":\"Component\",\"metadata\":{{\"name\":\"X\",\"tags\":[\"a\"],\"uid\":\"{}\",\"etag\":\"{etag}\"}},\
         \"spec\":{{\"b\":\"{{}}\"}},\"relations\":{OWNED},\"status\":{{\"items\":{}}}}}",
        row.uid,
        row.errors.as_deref().unwrap_or_default()
    );
    assert_eq!(record.text(), expected);
    assert_eq!(record.reference.to_string(), "component:default/x");
    assert_eq!((&*record.title, &*record.haystack), ("X", "x\nx\na\n"));
    assert_eq!(record.related("[]").related(OWNED).json, record.json);
    assert_eq!(record.entity().text(&["metadata", "etag"]), Some(etag.as_str()));
}

#[test]
fn the_etag_follows_everything_and_comes_back() {
    let plain = row(0, &json!({"kind": "Component", "metadata": {"name": "x"}}));
    let first = Record::finish(&Arc::default(), &plain, "[]").unwrap();
    let mut broken = plain.clone();
    broken.errors = Some("[{}]".to_owned());
    let broken = Record::finish(&Arc::default(), &broken, "[]").unwrap();
    assert_eq!(first.etag().len(), 40);
    assert_ne!(first.etag(), first.related(OWNED).etag());
    assert_ne!(first.etag(), broken.etag());
    assert_eq!(first.etag(), first.related(OWNED).related("[]").etag());
    let own = row(0, &json!({"kind": "Component", "metadata": {"etag": "mine", "name": "x"}}));
    let own = Record::finish(&Arc::default(), &own, "[]").unwrap();
    assert_eq!((own.etag(), own.related(OWNED).etag()), ("mine", "mine"));
}

#[test]
fn what_is_in_the_way_gives_way() {
    let document = json!({"kind": "User", "metadata": {"uid": "mine", "name": "x", "annotations": {"a": "b"}},
                          "spec": {"profile": {"displayName": "Xenia"}}});
    let mut row = row(7, &document);
    row.is_orphan = true;
    let record = Record::finish(&Arc::default(), &row, "[]").unwrap();
    let entity = record.entity();
    assert_eq!(entity.text(&["metadata", "uid"]), Some(row.uid.to_string().as_str()));
    assert_eq!(entity.annotation("backstage.io/orphan"), Some("true"));
    assert_eq!(&*record.title, "Xenia");
}
