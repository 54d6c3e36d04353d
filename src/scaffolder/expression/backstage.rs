//! The filters Backstage adds: `parseRepoUrl`, `projectSlug`, `parseEntityRef` and `pick`.

use serde_json::{Map, Value};

type Outcome = Result<Option<Value>, String>;

/// The parts a repository URL of the form picker can have.
const PARTS: [&str; 5] = ["owner", "repo", "organization", "workspace", "project"];

/// `github.com?owner=acme&repo=shop` to `{host, owner, repo, …}`. Hosts are not checked here: the action that uses the
/// result knows which it serves.
pub(super) fn parse_repo_url(arguments: &[Value]) -> Outcome {
    let Some(Value::String(url)) = arguments.first() else {
        return Err("a repository URL is expected, such as 'github.com?owner=acme&repo=shop'".to_owned());
    };
    let (host, query) = split_url(url).ok_or_else(|| format!("'{url}' is no repository URL"))?;
    let mut parts = Map::new();
    parts.insert("host".to_owned(), Value::String(host.clone()));
    for part in PARTS {
        if let Some(value) = parameter(query, part) {
            parts.insert(part.to_owned(), Value::String(value.trim_matches('/').to_owned()));
        }
    }
    for required in required_parts(&host, &parts) {
        if parameter(query, required).unwrap_or_default().is_empty() {
            return Err(format!("the repository URL '{url}' has no {required}"));
        }
    }
    Ok(Some(Value::Object(parts)))
}

/// `owner/repo` of a repository URL.
pub(super) fn project_slug(arguments: &[Value]) -> Outcome {
    let parts = parse_repo_url(arguments)?.unwrap_or_default();
    let part = |name: &str| parts[name].as_str().ok_or_else(|| format!("the repository URL has no {name}"));
    Ok(Some(Value::String(format!("{}/{}", part("owner")?, part("repo")?))))
}

/// What the kind of host needs. Hosts whose kind is unknown need a repository only.
fn required_parts(host: &str, parts: &Map<String, Value>) -> &'static [&'static str] {
    match host {
        "github.com" => &["repo", "owner"],
        "gitlab.com" if !parts.contains_key("project") => &["owner", "repo"],
        "bitbucket.org" => &["workspace", "project", "repo"],
        "dev.azure.com" => &["project", "repo"],
        "gitlab.com" => &[],
        _ => &["repo"],
    }
}

/// Host and query of a URL without scheme.
fn split_url(url: &str) -> Option<(String, &str)> {
    let url = url.trim_matches(|character: char| character <= ' ');
    let url = url.split('#').next().unwrap_or_default();
    let (address, query) = url.split_once('?').unwrap_or((url, ""));
    let authority = address.split(['/', '\\']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default().to_ascii_lowercase();
    let (name, port) = host.split_once(':').unwrap_or((&host, ""));
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if name.is_empty() || !name.chars().all(is_name) || !port.chars().all(|c| c.is_ascii_digit()) {
        return None;
    }
    let host = if port.is_empty() || port == "443" { name.to_owned() } else { host };
    Some((host, query))
}

/// The first parameter of that name, decoded.
fn parameter(query: &str, name: &str) -> Option<String> {
    let mut pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs.find(|(key, _)| decode(key) == name).map(|(_, value)| decode(value))
}

/// Decodes `+` and `%xx` of a query.
fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut index = 0;
    while index < bytes.len() {
        let escaped =
            bytes.get(index + 1..index + 3).filter(|hex| bytes[index] == b'%' && hex.iter().all(u8::is_ascii_hexdigit));
        let byte =
            escaped.and_then(|hex| std::str::from_utf8(hex).ok()).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        if let Some(byte) = byte {
            decoded.push(byte);
            index += 3;
        } else {
            decoded.push(if bytes[index] == b'+' { b' ' } else { bytes[index] });
            index += 1;
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

/// `component:default/shop` to `{kind, namespace, name}`; the second argument may give `defaultKind` and
/// `defaultNamespace`.
pub(super) fn parse_entity_ref(arguments: &[Value]) -> Outcome {
    let default = |key: &str| {
        let value = arguments.get(1).and_then(|defaults| defaults.get(key)).and_then(Value::as_str);
        value.filter(|value| !value.is_empty()).map(str::to_owned)
    };
    let (kind, namespace, name) = match arguments.first() {
        Some(Value::String(text)) if !text.is_empty() => split_entity_ref(text)?,
        Some(Value::Object(parts)) => {
            let part = |name: &str| parts.get(name).and_then(Value::as_str).map(str::to_owned);
            (part("kind"), part("namespace"), part("name"))
        }
        _ => return Err("an entity reference is expected, such as 'component:default/shop'".to_owned()),
    };
    let shown = || arguments.first().map(Value::to_string).unwrap_or_default();
    let present = |part: Option<String>, name: &str| {
        part.filter(|part| !part.is_empty()).ok_or_else(|| format!("the entity reference {} has no {name}", shown()))
    };
    let kind = present(kind.or_else(|| default("defaultKind")), "kind")?;
    let fallback = || default("defaultNamespace").unwrap_or_else(|| "default".to_owned());
    let namespace = present(namespace.or_else(|| Some(fallback())), "namespace")?;
    let name = present(name, "name")?;
    let mut parts = Map::new();
    parts.insert("kind".to_owned(), Value::String(kind));
    parts.insert("namespace".to_owned(), Value::String(namespace));
    parts.insert("name".to_owned(), Value::String(name));
    Ok(Some(Value::Object(parts)))
}

type EntityRefParts = (Option<String>, Option<String>, Option<String>);

fn split_entity_ref(text: &str) -> Result<EntityRefParts, String> {
    let slash = text.find('/');
    let colon = text.find(':').filter(|colon| slash.is_none_or(|slash| *colon < slash));
    let kind = colon.map(|colon| text[..colon].to_owned());
    let after_colon = colon.map_or(0, |colon| colon + 1);
    let namespace = slash.map(|slash| text[after_colon..slash].to_owned());
    let name = text[slash.map_or(after_colon, |slash| slash + 1)..].to_owned();
    let is_empty = |part: &Option<String>| part.as_ref().is_some_and(String::is_empty);
    if is_empty(&kind) || is_empty(&namespace) || name.is_empty() {
        return Err(format!("'{text}' is no entity reference: expected [kind:][namespace/]name"));
    }
    Ok((kind, namespace, Some(name)))
}

/// `value | pick('a.b[0]', default)`: follows a path, given as text or as a list of steps.
#[expect(clippy::unnecessary_wraps, reason = "all filters have this type")]
pub(super) fn pick(arguments: &[Value]) -> Outcome {
    let input = arguments.first().unwrap_or(&Value::Null);
    let steps = match arguments.get(1) {
        Some(Value::String(path)) if input.get(path).is_some() => vec![path.clone()],
        Some(Value::String(path)) => path_steps(path),
        Some(Value::Array(steps)) => steps.iter().map(step).collect(),
        Some(other) => vec![step(other)],
        None => Vec::new(),
    };
    let found =
        if steps.is_empty() { None } else { steps.iter().try_fold(input.clone(), |value, step| member(&value, step)) };
    Ok(found.or_else(|| arguments.get(2).cloned()))
}

fn step(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn member(value: &Value, step: &str) -> Option<Value> {
    if super::value::is_reserved(step) {
        return None;
    }
    match value {
        Value::Object(map) => map.get(step).cloned(),
        Value::Array(items) if step == "length" => Some(items.len().into()),
        Value::Array(items) => items.get(step.parse::<usize>().ok()?).cloned(),
        Value::String(text) if step == "length" => Some(text.encode_utf16().count().into()),
        Value::String(text) => text.chars().nth(step.parse().ok()?).map(|unit| Value::String(unit.to_string())),
        _ => None,
    }
}

/// The steps of `a.b[0]['c d']`.
fn path_steps(path: &str) -> Vec<String> {
    let mut steps = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        if let Some((inside, after)) = rest.strip_prefix('[').and_then(|inside| inside.split_once(']')) {
            steps.push(inside.trim_matches(['"', '\'']).to_owned());
            rest = after.strip_prefix('.').unwrap_or(after);
            continue;
        }
        let end = rest.find(['.', '[']).unwrap_or(rest.len());
        steps.push(rest[..end].to_owned());
        rest = rest[end..].strip_prefix('.').unwrap_or(&rest[end..]);
    }
    steps
}
