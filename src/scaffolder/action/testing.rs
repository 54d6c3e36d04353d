//! A bench to try an action on: a context without a database, a catalog or a network.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::super::context::Engines;
use super::super::log::{Entry, TaskLog};
use super::super::secret::Mask;
use super::super::workspace::Workspace;
use super::{
    Action, ActionContext, ActionError, ActionRegistry, Forgetful, Given, Inspection, Outputs, StepInfo, TemplateInfo,
};
use crate::catalog::TreeFile;
use crate::entity::EntityRef;
use crate::forge::FileMode;
use crate::permission::Credentials;

/// A context and what was said in it.
pub(super) struct Bench {
    pub(super) context: ActionContext,
    said: UnboundedReceiver<Entry>,
}

impl Bench {
    /// With these files, `path` and text.
    pub(super) fn with(files: &[(&str, &str)]) -> Self {
        let (sender, said) = unbounded_channel();
        let user: EntityRef = "user:default/guest".parse().unwrap();
        let mut workspace = Workspace::default();
        for (path, text) in files {
            workspace.write(path, FileMode::Regular, Bytes::from((*text).to_owned())).unwrap();
        }
        let context = ActionContext {
            workspace,
            log: TaskLog::new(sender, Mask::default()),
            task: Uuid::nil(),
            created_at: chrono::DateTime::UNIX_EPOCH,
            step: StepInfo::default(),
            who: Credentials::user(user.clone(), vec![user.clone()]),
            user: Some(user),
            template: TemplateInfo {
                reference: EntityRef::new("template", "default", "t"),
                location: "url:http://localhost/t/template.yaml".to_owned(),
                contents: None,
            },
            answers: serde_json::Map::new(),
            actions: ActionRegistry::default(),
            engines: Engines::new(),
            wake_at: None,
            stopping: CancellationToken::new(),
            cancelled: CancellationToken::new(),
            ledger: Arc::new(Forgetful),
            published: Arc::default(),
            fetched: Arc::default(),
        };
        Self { context, said }
    }

    /// The files beside the template.
    pub(super) fn beside(mut self, files: &[(&str, &str)]) -> Self {
        let files = files.iter().map(|(path, text)| TreeFile {
            path: (*path).to_owned(),
            mode: FileMode::Regular,
            bytes: Bytes::from((*text).to_owned()),
        });
        self.context.template.contents = Some(Arc::new(Given::beside(files.collect(), "1".to_owned()).unwrap()));
        self
    }

    /// Runs the action.
    pub(super) async fn run(&mut self, action: &dyn Action, input: Value) -> Result<Outputs, ActionError> {
        action.run(&mut self.context, object(input)).await
    }

    /// Asks the action what it would do.
    pub(super) async fn inspect(&mut self, action: &dyn Action, input: Value) -> Result<Inspection, ActionError> {
        action.inspect(&self.context, &object(input)).await
    }

    /// What was said since the last time, without levels.
    pub(super) fn said(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        while let Ok(Entry::Event(event)) = self.said.try_recv() {
            let line = event.body["message"].as_str().unwrap().to_owned();
            lines.push(line.split_once(": ").map_or(line.clone(), |(_, message)| message.to_owned()));
        }
        lines
    }
}

fn object(value: Value) -> Outputs {
    serde_json::from_value(value).unwrap()
}

/// The files as `path=text`.
pub(super) fn files(workspace: &Workspace) -> Vec<String> {
    workspace.files().map(|(path, file)| format!("{path}={}", String::from_utf8_lossy(&file.bytes))).collect()
}
