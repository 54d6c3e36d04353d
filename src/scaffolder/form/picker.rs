//! Backstage's field extensions: `ui:field` with `ui:options`.

use serde_json::{Map, Value};

use super::{EntityChoice, FieldKind, Own, RepoChoice, TokenRequest, ui, ui_flag, ui_text};

/// The kind of a named picker; none for a name that is not known.
pub(super) fn kind(name: &str, schema: &Value) -> Option<FieldKind> {
    let number = |key: &str| schema.get(key).and_then(Value::as_u64);
    Some(match name {
        "EntityPicker" => FieldKind::Entity(entity(schema)),
        "MultiEntityPicker" => FieldKind::Entity(EntityChoice { multiple: true, ..entity(schema) }),
        "OwnedEntityPicker" => FieldKind::Entity(EntityChoice { own: Own::Owned, ..entity(schema) }),
        "MyGroupsPicker" => FieldKind::Owner(EntityChoice {
            filter: of_kinds(["Group"]),
            default_kind: Some("Group".to_owned()),
            own: Own::Groups,
            ..entity(schema)
        }),
        "OwnerPicker" => FieldKind::Owner(owner(schema)),
        "EntityTagsPicker" => FieldKind::Tags {
            suggestions_for: Some(strings(ui(schema, "kinds")).unwrap_or_default()),
            counts: ui_flag(schema, "showCounts"),
        },
        "EntityNamePicker" => FieldKind::EntityName {
            pattern: schema.get("pattern").and_then(Value::as_str).map(str::to_owned),
            max_length: number("maxLength"),
        },
        "RepoUrlPicker" => FieldKind::RepoUrl(RepoChoice {
            hosts: strings(ui(schema, "allowedHosts")).unwrap_or_default(),
            owners: strings(ui(schema, "allowedOwners")),
            organizations: strings(ui(schema, "allowedOrganizations")),
            projects: strings(ui(schema, "allowedProjects")),
            repos: strings(ui(schema, "allowedRepos")),
            owner_label: ui_text(schema, "ownerLabel"),
            repo_label: ui_text(schema, "repoLabel"),
            token: token(schema),
        }),
        "RepoOwnerPicker" => FieldKind::RepoOwner {
            host: ui_text(schema, "host"),
            allowed: strings(ui(schema, "allowedOwners")),
            excluded: strings(ui(schema, "excludedOwners")).unwrap_or_default(),
            token: token(schema),
        },
        "RepoBranchPicker" => FieldKind::RepoBranch { repository: ui_text(schema, "repoUrl") },
        "Secret" => FieldKind::Secret,
        _ => return None,
    })
}

fn entity(schema: &Value) -> EntityChoice {
    let default_namespace = match ui(schema, "defaultNamespace") {
        Some(Value::String(namespace)) => Some(namespace.clone()),
        Some(Value::Bool(false)) => Some(String::new()),
        _ => None,
    };
    EntityChoice {
        filter: filter(schema).unwrap_or_default(),
        default_kind: ui_text(schema, "defaultKind"),
        default_namespace,
        allow_arbitrary: ui(schema, "allowArbitraryValues").and_then(Value::as_bool).unwrap_or(true),
        multiple: false,
        own: Own::Anyone,
    }
}

fn owner(schema: &Value) -> EntityChoice {
    let mut choice = entity(schema);
    if choice.filter.is_empty() {
        choice.filter = of_kinds(["Group", "User"]);
    }
    choice.default_kind.get_or_insert_with(|| "Group".to_owned());
    choice
}

/// `catalogFilter`, or the older `allowedKinds`.
fn filter(schema: &Value) -> Option<Vec<Map<String, Value>>> {
    match ui(schema, "catalogFilter") {
        Some(Value::Object(one)) => Some(vec![one.clone()]),
        Some(Value::Array(several)) => Some(several.iter().filter_map(Value::as_object).cloned().collect()),
        _ => strings(ui(schema, "allowedKinds")).map(of_kinds),
    }
}

fn of_kinds(kinds: impl IntoIterator<Item = impl Into<String>>) -> Vec<Map<String, Value>> {
    let kinds = kinds.into_iter().map(|kind| Value::String(kind.into())).collect();
    vec![Map::from_iter([("kind".to_owned(), Value::Array(kinds))])]
}

/// `requestUserCredentials`; scopes of every kind of host are told, as the host is not known yet.
fn token(schema: &Value) -> Option<TokenRequest> {
    let asked = ui(schema, "requestUserCredentials")?;
    let key = asked.get("secretsKey").and_then(Value::as_str).filter(|key| !key.is_empty())?;
    let scopes = asked.get("additionalScopes").and_then(Value::as_object).into_iter().flatten();
    let scopes = scopes.filter_map(|(_, scopes)| strings(Some(scopes))).flatten().collect();
    Some(TokenRequest { key: key.to_owned(), scopes, given: false })
}

fn strings(value: Option<&Value>) -> Option<Vec<String>> {
    let list = value?.as_array()?;
    Some(list.iter().filter_map(Value::as_str).map(str::to_owned).collect())
}
