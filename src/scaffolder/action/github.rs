//! The `github:*` actions that set up what only GitHub has: issues, environments, protection, webhooks.
//!
//! A template that uses them runs on a forge without such things too: what is asked for is left out there, and the plan
//! and the log say so.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde_json::{Value, json};

use super::publish::addressed;
use super::{Action, ActionContext, ActionDescription, ActionError, EffectClass, Example, Inspection, Outputs};
use crate::forge::Forges;

/// One of them.
struct Asked {
    id: &'static str,
    description: &'static str,
    /// What it sets up, as the end of a sentence: "has no …".
    what: &'static str,
    /// Names and types of the input beside `repoUrl` and `token`; those that are needed end with `!`.
    input: &'static [(&'static str, &'static str)],
    output: &'static [(&'static str, &'static str)],
    example: &'static str,
}

/// Ids, inputs and outputs of Backstage's GitHub module.
const ALL: [Asked; 9] = [
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
];

/// The actions.
pub(super) fn actions(forges: &Forges) -> Vec<Arc<dyn Action>> {
    let action = |asked| Arc::new(SetUp { asked, forges: forges.clone() }) as Arc<dyn Action>;
    ALL.into_iter().map(action).collect()
}

struct SetUp {
    asked: Asked,
    forges: Forges,
}

impl SetUp {
    /// What is left out. A repository that is not there is a mistake on every forge.
    async fn left_out(&self, input: &Outputs, planned: bool) -> Result<String, ActionError> {
        let (forge, id) = addressed(&self.forges, input)?;
        // In a plan, an earlier step may be to create it.
        if !planned {
            forge.find(&id).await?;
        }
        Ok(format!("the forge {} has no {}, so {} is left out for {id}", forge.host(), self.asked.what, self.asked.id))
    }
}

/// The JSON Schema of a type: `string`, or `string or number`.
fn schema_of(kind: &str) -> Value {
    match kind.split_once(" or ") {
        Some(kinds) => json!({"type": [kinds.0, kinds.1]}),
        None => json!({"type": kind}),
    }
}

impl Action for SetUp {
    fn description(&self) -> ActionDescription {
        let mut properties = json!({
            "repoUrl": {"type": "string", "description": "Accepts the format 'host?owner=owner&repo=name'"},
            "token": {"type": "string", "description": "The token to use for authorization to GitHub"},
        });
        let mut required = vec!["repoUrl"];
        for (name, kind) in self.asked.input {
            let plain = name.trim_end_matches('!');
            if plain != *name {
                required.push(plain);
            }
            properties[plain] = schema_of(kind);
        }
        let given = self.asked.output.iter().map(|(name, kind)| ((*name).to_owned(), schema_of(kind)));
        let given: Value = Value::Object(given.collect());
        ActionDescription {
            id: self.asked.id,
            description: self.asked.description,
            input: json!({"type": "object", "required": required, "additionalProperties": false, "properties": properties}),
            output: (!self.asked.output.is_empty()).then(|| json!({"type": "object", "properties": given})),
            examples: vec![Example { description: "On GitHub.", example: self.asked.example }],
        }
    }

    fn effect(&self) -> EffectClass {
        EffectClass::Outside
    }

    fn adopts(&self) -> bool {
        true
    }

    fn run<'a>(&'a self, ctx: &'a mut ActionContext, input: Outputs) -> BoxFuture<'a, Result<Outputs, ActionError>> {
        Box::pin(async move {
            let told = self.left_out(&input, false).await?;
            ctx.log.warn(told);
            Ok(Outputs::new())
        })
    }

    fn inspect<'a>(
        &'a self,
        _: &'a ActionContext,
        input: &'a Outputs,
    ) -> BoxFuture<'a, Result<Inspection, ActionError>> {
        Box::pin(async move {
            Ok(Inspection { warnings: vec![self.left_out(input, true).await?], ..Inspection::default() })
        })
    }
}
