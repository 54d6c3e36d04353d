//! `publish:github`, `github:repo:create` and `github:repo:push`: the ids and the input that most templates use, for
//! every forge there is.
//!
//! The repository and its commit are made as by `publish:repository`; on GitHub it is set up with all that the input asks
//! for (`setup`). What another forge has nothing like (protection,
//! collaborators, secrets on the local forge) is left out, and the run's log says so: the template runs unchanged.

use futures_util::future::BoxFuture;
use serde_json::{Map, Value, json};

use super::super::{
    Action, ActionContext, ActionDescription, ActionError, EffectClass, Example, Inspection, Inverse, Made, Outputs,
};
use super::{Part, PublishRepository};
use crate::permission::Credentials;

/// What every forge can do.
const COMMON: [&str; 8] = [
    "repoUrl",
    "description",
    "defaultBranch",
    "repoVisibility",
    "gitCommitMessage",
    "gitAuthorName",
    "gitAuthorEmail",
    "sourcePath",
];

/// What only some forges can do, with the type of the input.
const MORE: [(&str, &str); 38] = [
    ("homepage", "string"),
    ("access", "string"),
    ("collaborators", "array"),
    ("topics", "array"),
    ("protectDefaultBranch", "boolean"),
    ("protectEnforceAdmins", "boolean"),
    ("bypassPullRequestAllowances", "object"),
    ("requiredApprovingReviewCount", "number"),
    ("restrictions", "object"),
    ("requireCodeOwnerReviews", "boolean"),
    ("dismissStaleReviews", "boolean"),
    ("requiredStatusCheckContexts", "array"),
    ("requireBranchesToBeUpToDate", "boolean"),
    ("requiredConversationResolution", "boolean"),
    ("requireLastPushApproval", "boolean"),
    ("requiredCommitSigning", "boolean"),
    ("requiredLinearHistory", "boolean"),
    ("blockCreations", "boolean"),
    ("deleteBranchOnMerge", "boolean"),
    ("allowMergeCommit", "boolean"),
    ("allowSquashMerge", "boolean"),
    ("allowRebaseMerge", "boolean"),
    ("allowUpdateBranch", "boolean"),
    ("allowAutoMerge", "boolean"),
    ("squashMergeCommitTitle", "string"),
    ("squashMergeCommitMessage", "string"),
    ("hasProjects", "boolean"),
    ("hasWiki", "boolean"),
    ("hasIssues", "boolean"),
    ("repoVariables", "object"),
    ("secrets", "object"),
    ("oidcCustomization", "object"),
    ("customProperties", "object"),
    ("subscribe", "boolean"),
    ("workflowAccess", "string"),
    ("autoInit", "boolean"),
    ("token", "string"),
    ("allowedHosts", "array"),
];

/// What only creating a repository takes of the common input, and what only pushing to it.
const CREATING: [&str; 2] = ["description", "repoVisibility"];
const PUSHING: [&str; 4] = ["gitCommitMessage", "gitAuthorName", "gitAuthorEmail", "sourcePath"];

/// The actions, by the part that they do.
pub(super) struct PublishGithub {
    pub(super) plain: PublishRepository,
    pub(super) part: Part,
}

/// The input that every forge understands, and the names of the rest.
fn parted(input: &Outputs) -> (Outputs, Vec<&str>) {
    let common = input.iter().filter(|(key, _)| COMMON.contains(&key.as_str()));
    let common = common.map(|(key, value)| (key.clone(), value.clone())).collect();
    // Who may be asked was never checked here: the form does that.
    let asked = |name: &&str| *name != "allowedHosts" && input.get(*name).is_some_and(is_asked);
    (common, MORE.into_iter().map(|(name, _)| name).filter(asked).collect())
}

/// Whether an input asks for something; `false` and nothing do not.
pub(super) fn is_asked(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::Array(items) => !items.is_empty(),
        Value::Object(entries) => !entries.is_empty(),
        Value::String(text) => !text.is_empty(),
        Value::Bool(true) | Value::Number(_) => true,
    }
}

pub(super) fn left_out(host: &str, names: &[&str]) -> Option<String> {
    let told = || format!("the forge {host} has nothing like {}, so that is left out", names.join(", "));
    (!names.is_empty()).then(told)
}

impl PublishGithub {
    /// The input that the forge understands, and what is told of the rest.
    fn understood(&self, input: &Outputs) -> Result<(Outputs, Option<String>), ActionError> {
        let request = self.plain.request(input)?;
        if request.forge.github().is_some() {
            return Ok((input.clone(), None));
        }
        let (common, more) = parted(input);
        Ok((common, left_out(request.forge.host(), &more)))
    }
}

impl Action for PublishGithub {
    fn description(&self) -> ActionDescription {
        let plain = self.plain.description();
        let (id, description, example, foreign): (_, _, _, &[&str]) = match self.part {
            Part::Both => (
                "publish:github",
                "Creates a repository with the files of the workspace as its first commit, on the forge that the repoUrl names.",
                "steps:\n  - id: publish\n    action: publish:github\n    input:\n      repoUrl: github.com?repo=payments-api&owner=acme\n      description: Takes payments\n      repoVisibility: internal\n",
                &[],
            ),
            Part::Create => (
                "github:repo:create",
                "Creates an empty repository on the forge that the repoUrl names.",
                "steps:\n  - id: create\n    action: github:repo:create\n    input:\n      repoUrl: github.com?repo=payments-api&owner=acme\n      description: Takes payments\n",
                &PUSHING,
            ),
            Part::Push => (
                "github:repo:push",
                "Commits the files of the workspace to a repository that is there; its branch then holds them and no others.",
                "steps:\n  - id: push\n    action: github:repo:push\n    input:\n      repoUrl: github.com?repo=payments-api&owner=acme\n      gitCommitMessage: Begin\n",
                &CREATING,
            ),
        };
        let mut properties: Map<String, Value> = plain.input["properties"].as_object().cloned().unwrap_or_default();
        properties.retain(|name, _| COMMON.contains(&name.as_str()) && !foreign.contains(&name.as_str()));
        let words = "As GitHub has it; left out, with a line in the log, where the forge has nothing like it.";
        properties.extend(MORE.map(|(name, kind)| (name.to_owned(), json!({"type": kind, "description": words}))));
        let mut output = plain.output;
        if let Some(told) =
            output.as_mut().filter(|_| self.part == Part::Create).and_then(|it| it["properties"].as_object_mut())
        {
            told.remove("commitHash");
        }
        ActionDescription {
            id,
            description,
            input: json!({"type": "object", "required": ["repoUrl"], "additionalProperties": false, "properties": properties}),
            output,
            examples: vec![Example { description: "On GitHub.", example }],
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
            let (input, warning) = self.understood(&input)?;
            if let Some(warning) = warning {
                ctx.log.warn(warning);
            }
            self.plain.publish(ctx, &input, self.part, true).await
        })
    }

    fn inverse<'a>(&'a self, made: &'a Made) -> BoxFuture<'a, Result<Inverse, ActionError>> {
        self.plain.inverse(made)
    }

    fn undo<'a>(&'a self, who: &'a Credentials, made: &'a Made) -> BoxFuture<'a, Result<(), ActionError>> {
        self.plain.undo(who, made)
    }

    fn inspect<'a>(
        &'a self,
        ctx: &'a ActionContext,
        input: &'a Outputs,
    ) -> BoxFuture<'a, Result<Inspection, ActionError>> {
        Box::pin(async move {
            let (input, warning) = self.understood(input)?;
            let mut inspection = self.plain.foresee(ctx, &input, self.part, true).await?;
            inspection.warnings.extend(warning);
            Ok(inspection)
        })
    }
}
