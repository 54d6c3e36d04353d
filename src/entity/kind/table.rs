//! The table itself. Order within `relations` is the order in which Backstage emits them.

use super::{Field, Kind, RelationField, Shape, may, needs, relation};

const OWNED_BY: (&str, &str) = ("ownedBy", "ownerOf");
const PART_OF: (&str, &str) = ("partOf", "hasPart");
const HAS_PART: (&str, &str) = ("hasPart", "partOf");
const DEPENDS_ON: (&str, &str) = ("dependsOn", "dependencyOf");
const DEPENDENCY_OF: (&str, &str) = ("dependencyOf", "dependsOn");

const OWNER: RelationField = relation("owner", Some("Group"), OWNED_BY);
const SYSTEM: RelationField = relation("system", Some("System"), PART_OF);
const ON: RelationField = relation("dependsOn", None, DEPENDS_ON);
const OF: RelationField = relation("dependencyOf", None, DEPENDENCY_OF);

const REFERENCES: Shape = Shape::List(&Shape::Text);
const PROFILE: Shape =
    Shape::Object(&[may("displayName", Shape::Text), may("email", Shape::Text), may("picture", Shape::Text)]);

const CORE: &[&str] = &["backstage.io/v1alpha1", "backstage.io/v1beta1"];
const BUILTIN: &str = "BuiltinKindsEntityProcessor";

const fn core(name: &'static str, fields: &'static [Field], relations: &'static [RelationField]) -> Kind {
    Kind { name, versions: CORE, spec_type: None, processor: BUILTIN, fields, relations }
}

const fn ai_resource(
    spec_type: Option<&'static str>,
    fields: &'static [Field],
    relations: &'static [RelationField],
) -> Kind {
    Kind { name: "AiResource", versions: &["backstage.io/v1alpha1"], spec_type, processor: BUILTIN, fields, relations }
}

/// Every kind; of two rows that fit, the first counts.
pub(super) static KINDS: &[Kind] = &[
    core(
        "Component",
        &[
            needs("type", Shape::Text),
            needs("lifecycle", Shape::Text),
            needs("owner", Shape::Text),
            may("system", Shape::Text),
            may("subcomponentOf", Shape::Text),
            may("providesApis", REFERENCES),
            may("consumesApis", REFERENCES),
            may("dependsOn", REFERENCES),
        ],
        &[
            OWNER,
            relation("subcomponentOf", Some("Component"), PART_OF),
            relation("providesApis", Some("API"), ("providesApi", "apiProvidedBy")),
            relation("consumesApis", Some("API"), ("consumesApi", "apiConsumedBy")),
            ON,
            OF,
            SYSTEM,
        ],
    ),
    Kind {
        spec_type: Some("mcp-server"),
        ..core(
            "API",
            &[
                needs("type", Shape::Text),
                needs("lifecycle", Shape::Text),
                needs("owner", Shape::Text),
                needs("remotes", Shape::List(&Shape::Object(&[needs("type", Shape::Text), needs("url", Shape::Text)]))),
                may("system", Shape::Text),
            ],
            &[OWNER, SYSTEM],
        )
    },
    core(
        "API",
        &[
            needs("type", Shape::Text),
            needs("lifecycle", Shape::Text),
            needs("owner", Shape::Text),
            needs("definition", Shape::Text),
            may("system", Shape::Text),
        ],
        &[OWNER, SYSTEM],
    ),
    core(
        "Resource",
        &[
            needs("type", Shape::Text),
            needs("owner", Shape::Text),
            may("dependsOn", REFERENCES),
            may("system", Shape::Text),
        ],
        &[OWNER, ON, OF, SYSTEM],
    ),
    core(
        "System",
        &[needs("owner", Shape::Text), may("domain", Shape::Text), may("type", Shape::Text)],
        &[OWNER, relation("domain", Some("Domain"), PART_OF)],
    ),
    core(
        "Domain",
        &[needs("owner", Shape::Text), may("subdomainOf", Shape::Text), may("type", Shape::Text)],
        &[OWNER, relation("subdomainOf", Some("Domain"), PART_OF)],
    ),
    core(
        "Group",
        &[
            needs("type", Shape::Text),
            needs("children", REFERENCES),
            may("profile", PROFILE),
            may("parent", Shape::Text),
            may("members", REFERENCES),
        ],
        &[
            relation("parent", Some("Group"), ("childOf", "parentOf")),
            relation("children", Some("Group"), ("parentOf", "childOf")),
            relation("members", Some("User"), ("hasMember", "memberOf")),
        ],
    ),
    core(
        "User",
        &[needs("memberOf", REFERENCES), may("profile", PROFILE)],
        &[relation("memberOf", Some("Group"), ("memberOf", "hasMember"))],
    ),
    core(
        "Location",
        &[
            may("type", Shape::Text),
            may("target", Shape::Text),
            may("targets", REFERENCES),
            may("presence", Shape::OneOf(&["required", "optional"])),
        ],
        &[],
    ),
    Kind {
        name: "Template",
        versions: &["scaffolder.backstage.io/v1beta3"],
        spec_type: None,
        processor: "ScaffolderEntitiesProcessor",
        fields: &[
            needs("type", Shape::Text),
            needs("steps", Shape::List(&Shape::Object(STEP))),
            may("owner", Shape::Text),
            may("lifecycle", Shape::Text),
            may("parameters", Shape::ObjectOrList),
            may("output", Shape::Object(&[])),
        ],
        relations: &[OWNER],
    },
    ai_resource(Some("skill"), AI_RESOURCE, &[OWNER, SYSTEM, relation("dependsOn", Some("AiResource"), DEPENDS_ON)]),
    ai_resource(
        Some("plugin"),
        &[
            needs("type", Shape::Text),
            needs("lifecycle", Shape::Text),
            needs("owner", Shape::Text),
            needs("skills", REFERENCES),
            may("system", Shape::Text),
        ],
        &[OWNER, SYSTEM, relation("skills", Some("AiResource"), HAS_PART)],
    ),
    ai_resource(
        Some("marketplace"),
        &[
            needs("type", Shape::Text),
            needs("lifecycle", Shape::Text),
            needs("owner", Shape::Text),
            needs("plugins", REFERENCES),
            may("system", Shape::Text),
        ],
        &[OWNER, SYSTEM, relation("plugins", Some("AiResource"), HAS_PART)],
    ),
    ai_resource(
        Some("rule"),
        &[
            needs("type", Shape::Text),
            needs("lifecycle", Shape::Text),
            needs("owner", Shape::Text),
            needs("category", Shape::Text),
            needs("rationale", Shape::Text),
            may("system", Shape::Text),
        ],
        &[OWNER, SYSTEM],
    ),
    ai_resource(None, AI_RESOURCE, &[OWNER, SYSTEM]),
];

const AI_RESOURCE: &[Field] = &[
    needs("type", Shape::Text),
    needs("lifecycle", Shape::Text),
    needs("owner", Shape::Text),
    may("system", Shape::Text),
    may("dependsOn", REFERENCES),
];

const STEP: &[Field] = &[
    needs("action", Shape::AnyText),
    may("id", Shape::AnyText),
    may("name", Shape::AnyText),
    may("input", Shape::Object(&[])),
    may("if", Shape::Condition),
];
