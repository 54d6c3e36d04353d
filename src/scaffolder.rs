//! The scaffolder: templates become forms, plans and runs.
//!
//! A template of the catalog is parsed and checked (`template`, kept by `library`); its parameters become a form
//! ([`form`], unfinished ones in `draft`, what its expressions see in `outlook`,
//! which flags are on in `flag`); answers that are admitted (`admission`) become a plan (`plan`) or a task (`task`,
//! `lifecycle`). A worker takes the task (`worker`; `desk`, where one of this process is free) and runs its steps (`run`): conditions and inputs are expressions (`expression`, with what they see in
//! `context`), each step is an action (`action`) on the files of the run (`workspace`) or on the outside. What is said
//! goes through `log`, with secrets hidden (`secret`), to the database (`journal`, `store`) and to whoever follows
//! (`follow`, told by `bulletin`). A step may wait for somebody to decide (`approval`). What a run made outside can be taken back (`undo`).
//!
//! Everything but the catalog's index is in Postgres, so any number of processes can share the work.

mod action;
mod admission;
mod approval;
mod bulletin;
mod config;
mod context;
mod desk;
mod draft;
mod error;
mod expression;
mod flag;
mod follow;
pub(crate) mod form;
mod journal;
mod library;
mod lifecycle;
mod lint;
mod log;
mod outlook;
mod plan;
mod run;
mod schema;
mod secret;
mod store;
mod task;
mod template;
#[cfg(test)]
mod tests;
mod undo;
mod worker;
mod workspace;

use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use serde_json::{Map, Value, json};
use sqlx::PgPool;

pub(crate) use self::action::{
    Action, ActionContext, ActionDescription, ActionError, ActionRegistry, Author, Effect, EffectClass, EffectKind,
    Example, Inspection, Inverse, Made, Outputs, Portal, PortalAnswer, PortalError, PortalRequest, portal_request,
    send_notification,
};
pub(crate) use self::approval::Approval;
pub(crate) use self::config::{DefaultEnvironment, ScaffolderConfig};
pub(crate) use self::context::Surroundings;
pub(crate) use self::draft::{Answered, Draft};
pub(crate) use self::error::ScaffolderError;
pub(crate) use self::expression::ExpressionError;
pub(crate) use self::expression::guide::{Explained, Guide};
pub(crate) use self::flag::{FlagState, Flags};
pub(crate) use self::form::FieldError;
pub(crate) use self::lifecycle::StartRun;
pub(crate) use self::lint::{Care, lint, quoting_hint};
pub(crate) use self::plan::{Branch, Draught, DryRun, Plan, PlanProblem, PlannedFile, Rehearsal, Trial};
pub(crate) use self::store::{Queue, Tally, TaskQuery};
pub(crate) use self::task::{Event, Task};
pub(crate) use self::template::schema::schema as template_schema;
pub(crate) use self::template::{Rule, Step, Template, TemplateProblem};
pub(crate) use self::undo::Undoing;

use self::bulletin::Bulletin;
use self::context::Engines;
use self::desk::Desk;
use self::library::{Library, Reading, Shelf};
use self::worker::Limits;
use crate::catalog::{Catalog, CatalogError};
use crate::entity::EntityRef;
use crate::forge::Forges;
use crate::permission::Credentials;

/// How long a form that nobody touches is kept.
const DRAFT_DAYS: i64 = 30;

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
    desk: Desk,
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
            desk: Desk::default(),
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

    /// Removes forms that nobody touched for long, and records of runs that are kept no longer.
    pub(crate) async fn sweep(&self) -> Result<(), ScaffolderError> {
        let now = Utc::now();
        store::sweep_drafts(self.pool(), now - chrono::Duration::days(DRAFT_DAYS)).await?;
        if let Some(days) = self.inner.config.task_retention_days {
            store::sweep_tasks(self.pool(), now - Duration::from_secs(u64::from(days) * 24 * 60 * 60)).await?;
        }
        Ok(())
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

    fn shelf<'a>(&'a self, who: &'a Credentials) -> Shelf<'a> {
        Shelf { catalog: &self.inner.catalog, hosts: self.inner.forges.hosts().map(str::to_owned).collect(), who }
    }

    fn pool(&self) -> &PgPool {
        &self.inner.pool
    }

    fn bulletin(&self) -> &Bulletin {
        &self.inner.bulletin
    }

    fn desk(&self) -> &Desk {
        &self.inner.desk
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
