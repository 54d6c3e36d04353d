//! `provenance:write`: a file in the repository tells which template made it, in which version, with which answers.
//!
//! It goes with the repository wherever that is moved; nobody has to ask the portal where a service came from.

use bytes::Bytes;
use chrono::SecondsFormat;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};

use super::{Action, ActionContext, ActionDescription, ActionError, Example, Outputs, outputs, text};
use crate::catalog::{LocationRef, Reader};
use crate::forge::FileMode;

/// Where the file is, unless the template says otherwise.
const PATH: &str = ".greenroom/template.yaml";
/// The file's format.
const FORMAT: &str = "greenroom/provenance-v1";
const HEADER: &str = "# Which template made this repository, and from which answers. Written by the portal.\n";

/// The action.
pub(super) struct WriteProvenance {
    reader: Reader,
}

impl WriteProvenance {
    /// Reads the template's version with this reader.
    pub(super) fn new(reader: Reader) -> Self {
        Self { reader }
    }

    /// Commit of the template's repository; of a folder on disk a hash over everything in it.
    async fn version(&self, ctx: &ActionContext) -> Result<String, ActionError> {
        if let Some(contents) = &ctx.template.contents {
            return Ok(contents.version().to_owned());
        }
        let location = LocationRef::parse(&ctx.template.location)
            .ok_or_else(|| ActionError::failed(format!("\"{}\" is no location", ctx.template.location)))?;
        if location.is_file() {
            return Ok(self.reader.read_tree(&ctx.template.location, "./").await?.version);
        }
        Ok(self.reader.read(&location).await?.version)
    }
}

impl Action for WriteProvenance {
    fn description(&self) -> ActionDescription {
        ActionDescription {
            id: "provenance:write",
            description: "Writes which template, in which version, made the files, and the answers it was given (without secrets).",
            input: json!({"type": "object", "additionalProperties": false, "properties": {
                "filePath": {"type": "string", "description": "Defaults to .greenroom/template.yaml"},
            }}),
            output: Some(json!({"type": "object", "properties": {
                "filePath": {"type": "string"}, "template": {"type": "string"}, "version": {"type": "string"},
            }})),
            examples: vec![Example {
                description: "Writes the file.",
                example: "steps:\n  - id: provenance\n    action: provenance:write\n",
            }],
        }
    }

    fn run<'a>(&'a self, ctx: &'a mut ActionContext, input: Outputs) -> BoxFuture<'a, Result<Outputs, ActionError>> {
        Box::pin(async move {
            let path = text(&input, "filePath").unwrap_or(PATH);
            let version = self.version(ctx).await?;
            let document = json!({
                "format": FORMAT,
                "template": ctx.template.reference,
                "source": ctx.template.location,
                "version": version,
                "task": ctx.task,
                "createdAt": ctx.created_at.to_rfc3339_opts(SecondsFormat::Secs, true),
                "createdBy": ctx.user.as_ref().map(ToString::to_string),
                "answers": ctx.log.masked_value(&Value::Object(ctx.answers.clone())),
            });
            let body = serde_yaml::to_string(&document)
                .map_err(|error| ActionError::failed(format!("the provenance cannot be written: {error}")))?;
            ctx.workspace.write(path, FileMode::Regular, Bytes::from(format!("{HEADER}{body}")))?;
            ctx.log.info(format!("Writing {path}"));
            Ok(outputs([
                ("filePath", json!(path)),
                ("template", json!(ctx.template.reference)),
                ("version", json!(version)),
            ]))
        })
    }
}
