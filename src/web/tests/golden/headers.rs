//! The headers of a recorded answer that a client can depend on: form of the body, links, tags, caches, other sites.

use axum::http::HeaderMap;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

/// Says how the headers of an answer differ from the recorded ones, if they do.
pub(super) fn difference(is_safe: bool, recorded: &Map<String, Value>, got: &HeaderMap) -> Option<String> {
    const SAME: [&str; 3] = ["content-type", "access-control-allow-origin", "access-control-allow-credentials"];
    const LISTS: [&str; 2] = ["access-control-allow-methods", "vary"];
    let recorded = |name: &str| recorded.get(name).and_then(Value::as_str).unwrap_or_default();
    let all = |name: &str| got.get_all(name).iter().map(|value| value.to_str().unwrap()).collect::<Vec<_>>().join(",");
    let got = |name: &str| got.get(name).map_or("", |value| value.to_str().unwrap());
    let differing = SAME.into_iter().find(|name| !recorded(name).eq_ignore_ascii_case(got(name)));
    if let Some(name) = differing {
        return Some(format!("{name} is {:?}, was {:?}", got(name), recorded(name)));
    }
    if link(recorded("link")) != link(got("link")) {
        return Some(format!("the link is {:?}, was {:?}", got("link"), recorded("link")));
    }
    // Ours has tags on documents that are passed through, too. Nothing can be done with a tag of another method.
    if is_safe && !recorded("etag").is_empty() && !is_weak_tag(got("etag")) {
        return Some(format!("the tag is {:?}, was {:?}", got("etag"), recorded("etag")));
    }
    // A stream of events is never compressed.
    let is_stream = got("content-type").starts_with("text/event-stream");
    let names = |text: &str| text.split(',').map(|name| name.trim().to_ascii_lowercase()).collect::<Vec<_>>();
    LISTS.into_iter().filter(|list| *list != "vary" || !is_stream).find_map(|list| {
        let there = names(&all(list));
        let missing = names(recorded(list)).into_iter().find(|name| !name.is_empty() && !there.contains(name))?;
        Some(format!("{list} lacks {missing}: {:?}", all(list)))
    })
}

/// `W/"…"`
fn is_weak_tag(tag: &str) -> bool {
    let inner = tag.strip_prefix("W/\"").and_then(|tag| tag.strip_suffix('"'));
    inner.is_some_and(|inner| inner.len() > 8 && inner.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"'))
}

/// A link without the cursor in it, which is opaque; of ours it must at least be readable.
fn link(text: &str) -> String {
    let Some((before, cursor)) = text.split_once("after=") else {
        return text.to_owned();
    };
    let end = cursor.find(['&', '>']).unwrap_or(cursor.len());
    let decoded =
        url::form_urlencoded::parse(format!("after={}", &cursor[..end]).as_bytes()).next().unwrap().1.into_owned();
    let place: Value = serde_json::from_slice(&STANDARD.decode(decoded).unwrap()).unwrap();
    let keys: Vec<_> = place.as_object().unwrap().keys().map(String::as_str).collect();
    format!("{before}after=({}){}", keys.join(","), &cursor[end..])
}
