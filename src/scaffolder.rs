//! The scaffolder: templates become forms, plans and runs.
//!
//! A template of the catalog is parsed and checked (`template`, kept by `library`); its parameters become a form
//! ([`form`], unfinished ones in `draft`); answers become a plan (`plan`) or a task (`task`). A worker takes the task
//! (`worker`) and runs its steps (`run`): conditions and inputs are expressions (`expression`, with what they see in
//! `context`), each step is an action (`action`) on the files of the run (`workspace`) or on the outside. What is said
//! goes through `log`, with secrets hidden (`secret`), to the database (`journal`, `store`) and to whoever follows
//! (`bulletin`).
//!
//! Everything but the catalog's index is in Postgres, so any number of processes can share the work.

mod action;
mod bulletin;
mod context;
mod draft;
mod expression;
mod follow;
pub(crate) mod form;
mod journal;
mod library;
mod lint;
mod log;
mod plan;
mod rehearsal;
mod run;
mod schema;
mod secret;
mod store;
mod task;
mod template;
#[cfg(test)]
mod tests;
mod trial;
mod undo;
mod worker;
mod workspace;

use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sqlx::PgPool;
use uuid::Uuid;

pub(crate) use self::action::{
    Action, ActionContext, ActionDescription, ActionError, ActionRegistry, Author, Effect, EffectClass, EffectKind,
    Example, Inspection, Inverse, Made, Outputs, Portal, PortalAnswer, PortalError, PortalRequest, portal_request,
    send_notification,
};
pub(crate) use self::context::Surroundings;
pub(crate) use self::draft::Draft;
pub(crate) use self::expression::ExpressionError;
pub(crate) use self::expression::guide::{Explained, Guide};
pub(crate) use self::form::FieldError;
pub(crate) use self::lint::{Care, lint, quoting_hint};
pub(crate) use self::plan::{DryRun, Plan, PlanProblem, PlannedFile};
pub(crate) use self::rehearsal::{Branch, Rehearsal};
pub(crate) use self::store::{Tally, TaskQuery};
pub(crate) use self::task::{Event, Task};
pub(crate) use self::template::schema::schema as template_schema;
pub(crate) use self::template::{Rule, Step, Template, TemplateProblem};
pub(crate) use self::trial::{Draught, Trial};
pub(crate) use self::undo::Undoing;

use self::bulletin::{Bulletin, Notice};
use self::context::Engines;
use self::library::{Library, Reading, Shelf};
use self::log::{EventKind, NewEvent};
use self::store::NewTask;
use self::task::JobRecord;
use self::worker::Limits;
use crate::catalog::{Catalog, CatalogError, Interval};
use crate::entity::EntityRef;
use crate::forge::Forges;
use crate::permission::Credentials;

/// The section `scaffolder` of the configuration.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ScaffolderConfig {
    /// Who commits where the template does not say.
    pub(crate) default_author: Author,
    /// The message of a first commit where the template does not say.
    pub(crate) default_commit_message: Option<String>,
    /// How many runs one process works on at a time.
    pub(crate) concurrent_tasks_limit: usize,
    /// How long one step may take.
    pub(crate) step_timeout: Interval,
    /// Days after which the record of a finished run is removed; never without.
    pub(crate) task_retention_days: Option<u32>,
    /// `environment.parameters` and `environment.secrets` of expressions.
    pub(crate) default_environment: DefaultEnvironment,
}

/// What expressions see as `environment`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct DefaultEnvironment {
    /// Seen everywhere.
    pub(crate) parameters: Map<String, Value>,
    /// Seen in the input of actions, and hidden in logs.
    pub(crate) secrets: Map<String, Value>,
}

impl Default for ScaffolderConfig {
    fn default() -> Self {
        Self {
            default_author: Author::default(),
            default_commit_message: None,
            concurrent_tasks_limit: 10,
            step_timeout: Interval(Duration::from_hours(1)),
            task_retention_days: None,
            default_environment: DefaultEnvironment::default(),
        }
    }
}

impl ScaffolderConfig {
    /// Who commits, and with which message.
    pub(crate) fn author(&self) -> Author {
        Author { message: self.default_commit_message.clone(), ..self.default_author.clone() }
    }

    fn concurrency(&self) -> usize {
        self.concurrent_tasks_limit.max(1)
    }
}

/// How long a form that nobody touches is kept.
const DRAFT_DAYS: i64 = 30;

/// How long taking one thing back may take.
const UNDO_LIMIT: Duration = Duration::from_secs(20);

/// What can go wrong with a request to the scaffolder.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ScaffolderError {
    /// What it is about is not there.
    #[error("{0}")]
    NotFound(String),
    /// The request makes no sense.
    #[error("{0}")]
    Invalid(String),
    /// The answers break the template's rules.
    #[error("{}", .0.iter().map(|error| error.message.as_str()).collect::<Vec<_>>().join("; "))]
    Values(Vec<FieldError>),
    /// The template cannot run as it is.
    #[error("template {template} cannot run: {}", told(.problems))]
    Broken {
        /// The template.
        template: EntityRef,
        /// What is wrong with it.
        problems: Vec<TemplateProblem>,
    },
    /// Somebody else's.
    #[error("{0}")]
    NotAllowed(String),
    /// The database failed.
    #[error("the scaffolder's database failed: {0}")]
    Store(#[from] sqlx::Error),
}

fn told(problems: &[TemplateProblem]) -> String {
    let one = |problem: &TemplateProblem| match (problem.line, problem.column) {
        (Some(line), Some(column)) => format!("{} (line {line}, column {column})", problem.message),
        _ => format!("{} (at {})", problem.message, problem.pointer),
    };
    problems.iter().map(one).collect::<Vec<_>>().join("; ")
}

/// A run to be started.
#[derive(Debug, Clone)]
pub(crate) struct StartRun {
    /// Of which template.
    pub(crate) template: EntityRef,
    /// The answers; defaults are the caller's business, as with Backstage.
    pub(crate) values: Map<String, Value>,
    /// Texts that are shown nowhere.
    pub(crate) secrets: Map<String, Value>,
}

/// The scaffolder. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Scaffolder {
    inner: Arc<Inner>,
}

struct Inner {
    pool: PgPool,
    catalog: Catalog,
    forges: Forges,
    registry: ActionRegistry,
    config: ScaffolderConfig,
    surroundings: Arc<Surroundings>,
    engines: Engines,
    library: Library,
    bulletin: Bulletin,
    limits: Limits,
}

impl Scaffolder {
    /// A scaffolder with these actions. `environments` is what expressions see under that name. Nothing runs until
    /// [`Scaffolder::work`].
    pub(crate) fn new(
        pool: PgPool,
        catalog: Catalog,
        forges: Forges,
        registry: ActionRegistry,
        config: ScaffolderConfig,
        environments: Value,
    ) -> Self {
        let DefaultEnvironment { parameters, secrets } = config.default_environment.clone();
        let surroundings = Arc::new(Surroundings { parameters, secrets, environments });
        let inner = Inner {
            pool,
            catalog,
            forges,
            registry,
            config,
            surroundings,
            engines: Engines::new(),
            library: Library::default(),
            bulletin: Bulletin::new(),
            limits: Limits::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Every template of the catalog; those that cannot run say why.
    pub(crate) fn templates(&self, who: &Credentials) -> Vec<Arc<Template>> {
        self.inner.library.all(who, &self.reading())
    }

    /// Every template, with those that the catalog could not take in because a field is missing or the YAML is broken.
    pub(crate) async fn gallery(&self, who: &Credentials) -> Result<Vec<Arc<Template>>, ScaffolderError> {
        let templates = self.inner.library.with_unread(who, &self.reading()).await;
        templates.map_err(|error| match error {
            CatalogError::Store(error) => ScaffolderError::Store(error),
            other => ScaffolderError::Invalid(other.to_string()),
        })
    }

    /// One template.
    pub(crate) fn template(&self, who: &Credentials, reference: &EntityRef) -> Result<Arc<Template>, ScaffolderError> {
        self.inner.library.one(who, reference, &self.reading())
    }

    /// What is told about the actions.
    pub(crate) fn actions(&self) -> Vec<ActionDescription> {
        self.inner.registry.descriptions()
    }

    /// Whether an action stays in the workspace; none for one that is not there.
    pub(crate) fn action_effect(&self, id: &str) -> Option<EffectClass> {
        self.inner.registry.effect(id)
    }

    /// What expressions know, with examples.
    pub(crate) fn guide(&self) -> Guide {
        Guide::of(self.inner.engines.conditions())
    }

    /// What an expression gives in a context; none where it is undefined.
    pub(crate) fn try_expression(
        &self,
        source: &str,
        context: &Map<String, Value>,
    ) -> Result<Option<Value>, ExpressionError> {
        self.inner.engines.conditions().evaluate(source, context)
    }

    /// What expressions can call beside Nunjucks' own.
    #[expect(clippy::unused_self, reason = "asked of the scaffolder as everything that it offers")]
    pub(crate) fn templating_extensions(&self) -> Value {
        json!({
            "filters": ["parseEntityRef", "parseRepoUrl", "pick", "projectSlug"],
            "globals": {"functions": [], "values": []},
        })
    }

    /// What is wrong with these answers, whoever gives them.
    pub(crate) fn validate(&self, template: &Template, values: &Map<String, Value>) -> Vec<FieldError> {
        form::check(&template.pages, values, &self.shelf(None))
    }

    /// Starts a run.
    pub(crate) async fn start(&self, who: &Credentials, run: StartRun) -> Result<Uuid, ScaffolderError> {
        let template = self.template(who, &run.template)?;
        // As with Backstage, an unknown action is a run that fails at its step; nothing before that step is run.
        Self::refuse_broken(&template, true)?;
        let id = Uuid::now_v7();
        self.launch(who, id, &template, run.values, &run.secrets).await?;
        Ok(id)
    }

    /// One run.
    pub(crate) async fn task(&self, _who: &Credentials, id: Uuid) -> Result<Task, ScaffolderError> {
        let row = store::task(self.pool(), id).await?.ok_or_else(|| no_task(id))?;
        Ok(Task::of(row)?)
    }

    /// One page of runs, newest first, and how many there are.
    pub(crate) async fn tasks(
        &self,
        _who: &Credentials,
        query: TaskQuery,
    ) -> Result<(Vec<Task>, i64), ScaffolderError> {
        let (rows, total) = store::tasks(self.pool(), &query).await?;
        Ok((rows.into_iter().map(Task::of).collect::<Result<_, _>>()?, total))
    }

    /// How the runs of a template went.
    pub(crate) async fn tally(&self, _who: &Credentials, template: &EntityRef) -> Result<Tally, ScaffolderError> {
        Ok(store::tally(self.pool(), &template.to_string()).await?)
    }

    /// The entities that runs of a template registered, newest first; some may be gone.
    pub(crate) async fn registered(
        &self,
        _who: &Credentials,
        template: &EntityRef,
        limit: usize,
    ) -> Result<Vec<String>, ScaffolderError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        Ok(store::registered(self.pool(), &template.to_string(), limit).await?)
    }

    /// The events of a run after one of them.
    pub(crate) async fn events(
        &self,
        _who: &Credentials,
        id: Uuid,
        after: Option<i64>,
    ) -> Result<Vec<Event>, ScaffolderError> {
        let rows = store::events(self.pool(), id, after.unwrap_or(0)).await?;
        Ok(rows.iter().map(|row| Event::of(id, row)).collect::<Result<_, _>>()?)
    }

    /// What a run made outside, in words, oldest first.
    pub(crate) async fn made(&self, _who: &Credentials, id: Uuid) -> Result<Vec<String>, ScaffolderError> {
        Ok(store::made(self.pool(), id).await?)
    }

    /// Cancels a run; one that is over stays as it is.
    pub(crate) async fn cancel(&self, _who: &Credentials, id: Uuid) -> Result<(), ScaffolderError> {
        let mut transaction = self.pool().begin().await?;
        let notice = if store::cancel_open(&mut *transaction, id, Utc::now()).await? {
            let error = json!({"name": "Error", "message": "The run was cancelled before it began."});
            let body = json!({"message": "Run completed with status: cancelled", "error": error});
            store::add_event(&mut *transaction, id, &NewEvent::new(EventKind::Completion, body)).await?;
            Notice::Said(id)
        } else if store::request_cancel(&mut *transaction, id).await? {
            Notice::Cancel(id)
        } else {
            return store::task(self.pool(), id).await?.map(drop).ok_or_else(|| no_task(id));
        };
        transaction.commit().await?;
        self.bulletin().tell(notice);
        Ok(())
    }

    /// Runs a failed or cancelled run again: steps on the workspace are repeated, what was made outside is kept. A run
    /// that completed, or is under way, stays as it is.
    pub(crate) async fn retry(
        &self,
        _who: &Credentials,
        id: Uuid,
        secrets: Map<String, Value>,
    ) -> Result<(), ScaffolderError> {
        let mut transaction = self.pool().begin().await?;
        if !store::reopen(&mut *transaction, id, &secrets, Utc::now()).await? {
            return store::task(self.pool(), id).await?.map(drop).ok_or_else(|| no_task(id));
        }
        store::forget(&mut *transaction, id, run::BEGAN).await?;
        transaction.commit().await?;
        self.bulletin().tell(Notice::Opened(id));
        Ok(())
    }

    /// Removes forms that nobody touched for long, and records of runs that are kept no longer.
    pub(crate) async fn sweep(&self) -> Result<(), ScaffolderError> {
        let now = Utc::now();
        store::sweep_drafts(self.pool(), now - chrono::Duration::days(DRAFT_DAYS)).await?;
        if let Some(days) = self.inner.config.task_retention_days {
            store::sweep_tasks(self.pool(), now - Duration::from_secs(u64::from(days) * 24 * 60 * 60)).await?;
        }
        Ok(())
    }

    /// Stores a run and wakes a worker. A run of that id that is there already stays as it is.
    async fn launch(
        &self,
        who: &Credentials,
        id: Uuid,
        template: &Template,
        values: Map<String, Value>,
        secrets: &Map<String, Value>,
    ) -> Result<(), ScaffolderError> {
        self.refuse_invalid(who, template, &values, secrets)?;
        let answers = form::filled(&template.pages, &values);
        let record = JobRecord::new(who, template, answers);
        let spec = task::spec(template, &values, &self.user(who));
        let created_by = who.user_ref().map(ToString::to_string);
        let reference = template.reference.to_string();
        let new = NewTask {
            id,
            template: &reference,
            spec: &spec,
            job: &store::text(&record),
            secrets,
            created_by: created_by.as_deref(),
            now: Utc::now(),
        };
        if store::add_task(self.pool(), new).await? {
            self.bulletin().tell(Notice::Opened(id));
        }
        Ok(())
    }

    /// Refuses a template with mistakes; `run_decides` leaves unknown actions to the run.
    fn refuse_broken(template: &Template, run_decides: bool) -> Result<(), ScaffolderError> {
        let counts = |problem: &&TemplateProblem| !(run_decides && problem.unknown_action);
        let problems: Vec<TemplateProblem> = template.problems.iter().filter(counts).cloned().collect();
        if problems.is_empty() {
            return Ok(());
        }
        Err(ScaffolderError::Broken { template: template.reference.clone(), problems })
    }

    fn refuse_invalid(
        &self,
        who: &Credentials,
        template: &Template,
        values: &Map<String, Value>,
        secrets: &Map<String, Value>,
    ) -> Result<(), ScaffolderError> {
        Self::refuse(&self.shelf(Some(who)), template, values, secrets)
    }

    /// The same, in a given world.
    fn refuse(
        directory: &dyn form::Directory,
        template: &Template,
        values: &Map<String, Value>,
        secrets: &Map<String, Value>,
    ) -> Result<(), ScaffolderError> {
        let mut errors = form::check(&template.pages, values, directory);
        if let Some(schema) = &template.secrets {
            let violations = schema.violations(&Value::Object(secrets.clone()));
            errors.extend(violations.iter().map(|violation| FieldError {
                pointer: format!("/secrets{}", violation.pointer()),
                message: format!("secrets: {}", violation.sentence),
                backstage: violation.without_instance(),
            }));
        }
        if errors.is_empty() { Ok(()) } else { Err(ScaffolderError::Values(errors)) }
    }

    /// The person as expressions see them: `{entity, ref}`.
    fn user(&self, who: &Credentials) -> Value {
        let Some(reference) = who.user_ref() else {
            return json!({});
        };
        match self.inner.catalog.entity(who, reference) {
            Some(record) => json!({"entity": record.entity(), "ref": reference}),
            None => json!({"ref": reference}),
        }
    }

    /// Finds the exact places of what is wrong with templates.
    async fn place(&self) {
        self.inner.library.place(&Credentials::service("scaffolder"), &self.reading()).await;
    }

    fn catalog(&self) -> &Catalog {
        &self.inner.catalog
    }

    fn reading(&self) -> Reading<'_> {
        Reading { catalog: &self.inner.catalog, engines: &self.inner.engines, actions: &self.inner.registry }
    }

    fn shelf<'a>(&'a self, who: Option<&'a Credentials>) -> Shelf<'a> {
        Shelf { catalog: &self.inner.catalog, hosts: self.inner.forges.hosts().map(str::to_owned).collect(), who }
    }

    fn pool(&self) -> &PgPool {
        &self.inner.pool
    }

    fn bulletin(&self) -> &Bulletin {
        &self.inner.bulletin
    }

    fn registry(&self) -> &ActionRegistry {
        &self.inner.registry
    }

    fn engines(&self) -> &Engines {
        &self.inner.engines
    }

    fn surroundings(&self) -> &Arc<Surroundings> {
        &self.inner.surroundings
    }

    fn config(&self) -> &ScaffolderConfig {
        &self.inner.config
    }

    fn limits(&self) -> Limits {
        self.inner.limits
    }
}

fn no_task(id: Uuid) -> ScaffolderError {
    ScaffolderError::NotFound(format!("No task with id '{id}' found"))
}
