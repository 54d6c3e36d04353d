//! What the `github:*` actions are called, take and give: ids, inputs and outputs of Backstage's GitHub module, and two
//! that it lacks.

use serde_json::{Map, Value, json};

use super::super::{ActionDescription, Example};

/// One of them.
pub(super) struct Asked {
    pub(super) id: &'static str,
    pub(super) description: &'static str,
    /// What it sets up, as the end of a sentence: "has no …".
    pub(super) what: &'static str,
    /// Names and types of the input beside `repoUrl` and `token`; those that are needed end with `!`.
    pub(super) input: &'static [(&'static str, &'static str)],
    pub(super) output: &'static [(&'static str, &'static str)],
    pub(super) example: &'static str,
}

/// All of them, by id.
pub(super) const ALL: [Asked; 11] = [
    Asked {
        id: "github:actions:dispatch",
        description: "Dispatches a GitHub Action workflow for a given branch or tag",
        what: "workflows",
        input: &[
            ("workflowId!", "string"),
            ("branchOrTagName!", "string"),
            ("workflowInputs", "object"),
            ("returnWorkflowRunDetails", "boolean"),
        ],
        output: &[("workflowRunId", "number"), ("workflowRunUrl", "string"), ("workflowRunHtmlUrl", "string")],
        example: "steps:\n  - id: dispatch\n    action: github:actions:dispatch\n    input:\n      repoUrl: github.com?repo=payments-api&owner=acme\n      workflowId: ci.yaml\n      branchOrTagName: main\n",
    },
    Asked {
        id: "github:autolinks:create",
        description: "Create an autolink reference for a repository",
        what: "autolinks",
        input: &[("keyPrefix!", "string"), ("urlTemplate!", "string"), ("isAlphanumeric", "boolean")],
        output: &[],
        example: "steps:\n  - id: autolink\n    action: github:autolinks:create\n    input:\n      repoUrl: github.com?repo=payments-api&owner=acme\n      keyPrefix: PAY-\n      urlTemplate: https://tickets.acme.example/PAY-<num>\n",
    },
    Asked {
        id: "github:branch-protection:create",
        description: "Configures Branch Protection",
        what: "branch protection",
        input: &[
            ("branch", "string"),
            ("enforceAdmins", "boolean"),
            ("requiredApprovingReviewCount", "number"),
            ("requireCodeOwnerReviews", "boolean"),
            ("dismissStaleReviews", "boolean"),
            ("bypassPullRequestAllowances", "object"),
            ("restrictions", "object"),
            ("requiredStatusCheckContexts", "array"),
            ("requireBranchesToBeUpToDate", "boolean"),
            ("requiredConversationResolution", "boolean"),
            ("requireLastPushApproval", "boolean"),
            ("requiredCommitSigning", "boolean"),
            ("requiredLinearHistory", "boolean"),
            ("blockCreations", "boolean"),
        ],
        output: &[],
        example: "steps:\n  - id: protect\n    action: github:branch-protection:create\n    input:\n      repoUrl: github.com?repo=payments-api&owner=acme\n      branch: main\n",
    },
    Asked {
        id: "github:deployKey:create",
        description: "Creates and stores Deploy Keys",
        what: "deploy keys",
        input: &[
            ("publicKey!", "string"),
            ("privateKey!", "string"),
            ("deployKeyName!", "string"),
            ("privateKeySecretName", "string"),
        ],
        output: &[("privateKeySecretName", "string")],
        example: "steps:\n  - id: key\n    action: github:deployKey:create\n    input:\n      repoUrl: github.com?repo=payments-api&owner=acme\n      publicKey: ${{ secrets.publicKey }}\n      privateKey: ${{ secrets.privateKey }}\n      deployKeyName: deploy\n",
    },
    Asked {
        id: "github:environment:create",
        description: "Creates Deployment Environments",
        what: "deployment environments",
        input: &[
            ("name!", "string"),
            ("deploymentBranchPolicy", "object"),
            ("customBranchPolicyNames", "array"),
            ("customTagPolicyNames", "array"),
            ("environmentVariables", "object"),
            ("secrets", "object"),
            ("waitTimer", "number"),
            ("preventSelfReview", "boolean"),
            ("reviewers", "array"),
        ],
        output: &[],
        example: "steps:\n  - id: environment\n    action: github:environment:create\n    input:\n      repoUrl: github.com?repo=payments-api&owner=acme\n      name: production\n",
    },
    Asked {
        id: "github:issues:create",
        description: "Creates an issue on GitHub",
        what: "issues",
        input: &[
            ("title!", "string"),
            ("body", "string"),
            ("assignees", "array"),
            ("milestone", "string or number"),
            ("labels", "array"),
        ],
        output: &[("issueUrl", "string"), ("issueNumber", "number")],
        example: "steps:\n  - id: issue\n    action: github:issues:create\n    input:\n      repoUrl: github.com?repo=payments-api&owner=acme\n      title: Say who is on call\n",
    },
    Asked {
        id: "github:issues:label",
        description: "Adds labels to a pull request or issue on GitHub",
        what: "labels",
        input: &[("number!", "number"), ("labels!", "array")],
        output: &[],
        example: "steps:\n  - id: label\n    action: github:issues:label\n    input:\n      repoUrl: github.com?repo=payments-api&owner=acme\n      number: 1\n      labels: [service]\n",
    },
    Asked {
        id: "github:pages:enable",
        description: "Enables GitHub Pages for a repository",
        what: "pages of repositories",
        input: &[("buildType", "string"), ("sourceBranch", "string"), ("sourcePath", "string")],
        output: &[],
        example: "steps:\n  - id: pages\n    action: github:pages:enable\n    input:\n      repoUrl: github.com?repo=payments-api&owner=acme\n      buildType: workflow\n",
    },
    Asked {
        id: "github:webhook",
        description: "Creates webhook for a repository on GitHub",
        what: "webhooks",
        input: &[
            ("webhookUrl!", "string"),
            ("webhookSecret", "string"),
            ("events", "array"),
            ("active", "boolean"),
            ("contentType", "string"),
            ("insecureSsl", "boolean"),
        ],
        output: &[],
        example: "steps:\n  - id: webhook\n    action: github:webhook\n    input:\n      repoUrl: github.com?repo=payments-api&owner=acme\n      webhookUrl: https://hooks.acme.example/github\n",
    },
    Asked {
        id: "github:repo:archive",
        description: "Archives a repository: everybody can read it, nobody can write to it",
        what: "archives of repositories",
        input: &[],
        output: &[],
        example: "steps:\n  - id: archive\n    action: github:repo:archive\n    input:\n      repoUrl: github.com?repo=payments-api&owner=acme\n",
    },
    Asked {
        id: "github:ruleset:create",
        description: "Creates a ruleset: rules for branches or tags, and who may pass by them",
        what: "rulesets",
        input: &[
            ("name!", "string"),
            ("target", "string"),
            ("enforcement", "string"),
            ("include", "array"),
            ("exclude", "array"),
            ("rules!", "array"),
            ("bypassActors", "array"),
        ],
        output: &[("rulesetId", "number")],
        example: "steps:\n  - id: rules\n    action: github:ruleset:create\n    input:\n      repoUrl: github.com?repo=payments-api&owner=acme\n      name: main\n      include: [~DEFAULT_BRANCH]\n      rules:\n        - type: deletion\n        - type: non_fast_forward\n",
    },
];

/// The JSON Schema of a type: `string`, or `string or number`.
fn schema_of(kind: &str) -> Value {
    match kind.split_once(" or ") {
        Some(kinds) => json!({"type": [kinds.0, kinds.1]}),
        None => json!({"type": kind}),
    }
}

impl Asked {
    /// What is told about it.
    pub(super) fn describe(&self) -> ActionDescription {
        let mut properties = json!({
            "repoUrl": {"type": "string", "description": "Accepts the format 'host?owner=owner&repo=name'"},
            "token": {"type": "string", "description": "The token to use for authorization to GitHub"},
        });
        let mut required = vec!["repoUrl"];
        for (name, kind) in self.input {
            let plain = name.trim_end_matches('!');
            if plain != *name {
                required.push(plain);
            }
            properties[plain] = schema_of(kind);
        }
        let given: Map<String, Value> =
            self.output.iter().map(|(name, kind)| ((*name).to_owned(), schema_of(kind))).collect();
        ActionDescription {
            id: self.id,
            description: self.description,
            input: json!({"type": "object", "required": required, "additionalProperties": false, "properties": properties}),
            output: (!self.output.is_empty()).then(|| json!({"type": "object", "properties": given})),
            examples: vec![Example { description: "On GitHub.", example: self.example }],
        }
    }
}
