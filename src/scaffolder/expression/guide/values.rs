//! What expressions of a step read, and what the examples read in its place.

use serde_json::{Map, Value, json};

use super::{Entry, entry};

/// Every value of a step.
#[rustfmt::skip]
pub(in super::super) const VALUES: [Entry; 8] = [
    entry("context", "context.task.id", "The run: its id.", "${{ context.task.id }}"),
    entry("each", "each.key, each.value", "The round of a step that has `each`: index and item of a list, or key and value of a map.", "${{ each.key }}: ${{ each.value }}"),
    entry("environment", "environment.parameters.<name>, environment.secrets.<name>", "What `scaffolder.defaultEnvironment` of the configuration says; the secrets only in the input of a step.", "${{ environment.parameters.region }}"),
    entry("environments", "environments", "Where services run, as the configuration declares it: in their order, with `name` and what else it says.", "${{ environments | first }}"),
    entry("parameters", "parameters.<name>", "The answers of the form.", "${{ parameters.name }}"),
    entry("secrets", "secrets.<name>", "The answers of `Secret` fields; only in the input of a step, and hidden in the log.", "${{ secrets.token | length }}"),
    entry("steps", "steps.<id>.output.<key>", "What an earlier step gave.", "${{ steps.publish.output.remoteUrl }}"),
    entry("user", "user.ref, user.entity", "Who started the run: reference and entity of the catalog.", "${{ user.entity.metadata.name }}"),
];

/// What the examples read.
pub(super) fn context() -> Map<String, Value> {
    let context = json!({
        "parameters": {
            "name": "cart", "owner": "group:default/storefront", "repoUrl": "github.com?owner=acme&repo=cart",
            "tags": ["shop", "rust"], "replicas": 2,
        },
        "steps": {"publish": {"output": {"remoteUrl": "https://github.com/acme/cart"}}},
        "user": {"ref": "user:default/jo", "entity": {"kind": "User", "metadata": {"name": "jo"}}},
        "context": {"task": {"id": "01890a5d-ac96-774b-bcce-b302099a8057"}},
        "environment": {"parameters": {"region": "eu-west-1"}, "secrets": {"token": "hidden"}},
        "environments": [{"name": "dev"}, {"name": "prod"}],
        "each": {"key": "0", "value": "dev"},
        "secrets": {"token": "hidden"},
    });
    if let Value::Object(context) = context { context } else { Map::new() }
}
