//! A task: one run as it is stored and shown. Shapes are Backstage's.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::action::TemplateInfo;
use super::log::EventKind;
use super::run::Job;
use super::store::{self, Claimed, EventRow, TaskRow};
use super::template::{Step, Template};
use crate::catalog::LocationRef;
use crate::entity::EntityRef;
use crate::permission::{Credentials, Principal};

/// The stored status of a run that waits.
pub(super) const WAITING: &str = "waiting";

/// One run.
#[derive(Debug, Clone)]
pub(crate) struct Task {
    /// Its id.
    pub(crate) id: Uuid,
    /// Steps, parameters, user and template, as Backstage has them; no secrets.
    pub(crate) spec: Value,
    /// `open`, `processing`, `completed`, `failed`, `cancelled`.
    pub(crate) status: String,
    /// It waits for somebody or something, and no worker has it; to Backstage's clients it is `processing`.
    pub(crate) waiting: bool,
    /// Who asked for it.
    pub(crate) created_by: Option<String>,
    /// When it was asked for.
    pub(crate) created_at: DateTime<Utc>,
    /// When it ended.
    pub(crate) finished_at: Option<DateTime<Utc>>,
    /// When its worker was last heard of.
    pub(crate) last_heartbeat_at: DateTime<Utc>,
}

impl Task {
    pub(super) fn of(row: TaskRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.id,
            spec: store::json(&row.spec)?,
            waiting: row.status == WAITING,
            status: if row.status == WAITING { "processing".to_owned() } else { row.status },
            created_by: row.created_by,
            created_at: row.created_at,
            finished_at: row.finished_at,
            last_heartbeat_at: row.last_heartbeat_at,
        })
    }

    /// What it is about: the name among its answers, its repository, or the template.
    pub(crate) fn subject(&self) -> String {
        let answer = |key: &str| self.spec.pointer(&format!("/parameters/{key}")).and_then(Value::as_str);
        let named = ["name", "component_id", "componentName", "title"].into_iter().find_map(answer);
        let repository = || {
            let (_, query) = answer("repoUrl")?.split_once('?')?;
            let mut pairs = url::form_urlencoded::parse(query.as_bytes());
            pairs.find(|(key, _)| key == "repo").map(|(_, repository)| repository.into_owned())
        };
        let named = named.filter(|name| !name.is_empty()).map(str::to_owned);
        named.or_else(repository).unwrap_or_else(|| self.template_title())
    }

    /// What its template is called.
    pub(crate) fn template_title(&self) -> String {
        let title = self.spec.pointer("/templateInfo/entity/metadata/title").and_then(Value::as_str);
        let name = || self.template().map(|template| template.name().to_owned());
        title.map(str::to_owned).or_else(name).unwrap_or_else(|| "a template".to_owned())
    }

    /// The template it is of.
    pub(crate) fn template(&self) -> Option<EntityRef> {
        self.spec.pointer("/templateInfo/entityRef")?.as_str()?.parse().ok()
    }
}

impl Serialize for Task {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", &self.id)?;
        map.serialize_entry("spec", &self.spec)?;
        map.serialize_entry("status", &self.status)?;
        map.serialize_entry("createdAt", &moment(self.created_at))?;
        map.serialize_entry("lastHeartbeatAt", &moment(self.last_heartbeat_at))?;
        if let Some(created_by) = &self.created_by {
            map.serialize_entry("createdBy", created_by)?;
        }
        map.end()
    }
}

/// One event of a run.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    /// Grows with every event of every run.
    pub(crate) id: i64,
    /// The run.
    pub(crate) task: Uuid,
    /// `message`, and with some events `stepId`, `status`, `output`, `error`.
    pub(crate) body: Value,
    /// When it happened.
    pub(crate) created_at: DateTime<Utc>,
    kind: EventKind,
}

impl Event {
    pub(super) fn of(task: Uuid, row: &EventRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.id,
            task,
            body: store::json(&row.body)?,
            created_at: row.created_at,
            kind: EventKind::of(&row.kind),
        })
    }

    /// `log`, `cancelled` or `completion`.
    pub(crate) fn kind(&self) -> &'static str {
        self.kind.as_str()
    }
}

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(6))?;
        map.serialize_entry("id", &self.id)?;
        map.serialize_entry("isTaskRecoverable", &false)?;
        map.serialize_entry("taskId", &self.task)?;
        map.serialize_entry("body", &self.body)?;
        map.serialize_entry("type", self.kind())?;
        map.serialize_entry("createdAt", &moment(self.created_at))?;
        map.end()
    }
}

fn moment(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// What a run needs and nobody is shown.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct JobRecord {
    who: Who,
    user: Option<EntityRef>,
    location: String,
    answers: Map<String, Value>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Who {
    User { user: EntityRef, ownership: Vec<EntityRef> },
    Service(String),
    Anonymous,
}

impl From<&Credentials> for Who {
    fn from(who: &Credentials) -> Self {
        match who.principal() {
            Principal::User { user, ownership } => Self::User { user: user.clone(), ownership: ownership.clone() },
            Principal::Service { subject } => Self::Service(subject.clone()),
            Principal::Anonymous => Self::Anonymous,
        }
    }
}

impl From<Who> for Credentials {
    fn from(who: Who) -> Self {
        match who {
            Who::User { user, ownership } => Self::user(user, ownership),
            Who::Service(subject) => Self::service(subject),
            Who::Anonymous => Self::anonymous(),
        }
    }
}

impl JobRecord {
    pub(super) fn new(who: &Credentials, template: &Template, answers: Map<String, Value>) -> Self {
        Self { who: Who::from(who), user: who.user_ref().cloned(), location: template.location.clone(), answers }
    }
}

/// The spec of a task: what the API shows of it.
pub(super) fn spec(template: &Template, parameters: &Map<String, Value>, user: &Value) -> Value {
    let metadata = template.entity.at(&["metadata"]).cloned().unwrap_or_else(|| json!({}));
    json!({
        "apiVersion": template.entity.text(&["apiVersion"]),
        "steps": template.steps.iter().map(|step| &step.shown).collect::<Vec<_>>(),
        "output": template.output,
        "parameters": parameters,
        "user": user,
        "templateInfo": {
            "entityRef": template.reference,
            "baseUrl": base_url(&template.location),
            "entity": {"metadata": metadata},
        },
    })
}

fn base_url(location: &str) -> String {
    match LocationRef::parse(location) {
        Some(location) if location.is_file() => format!("file://{}", location.target),
        Some(location) => location.target,
        None => location.to_owned(),
    }
}

/// Reads a claimed task back into a job.
pub(super) fn job(claimed: &Claimed) -> Result<Job, sqlx::Error> {
    let spec: Value = store::json(&claimed.spec)?;
    let record: JobRecord = store::json(&claimed.job)?;
    let object = |key: &str| spec.get(key).and_then(Value::as_object).cloned().unwrap_or_default();
    let steps = spec.get("steps").and_then(Value::as_array).into_iter().flatten();
    let reference = spec.pointer("/templateInfo/entityRef").cloned().unwrap_or_default();
    let secrets: Option<Map<String, Value>> = claimed.secrets.as_deref().map(store::json).transpose()?;
    Ok(Job {
        task: claimed.id,
        created_at: claimed.created_at,
        steps: steps.filter_map(Step::of_task).collect(),
        output: object("output"),
        parameters: object("parameters"),
        answers: record.answers,
        secrets: secrets.unwrap_or_default(),
        user: spec.get("user").cloned().unwrap_or_else(|| json!({})),
        user_ref: record.user,
        who: record.who.into(),
        template: TemplateInfo {
            reference: serde_json::from_value(reference).map_err(|error| sqlx::Error::Decode(Box::new(error)))?,
            location: record.location,
            contents: None,
        },
    })
}
