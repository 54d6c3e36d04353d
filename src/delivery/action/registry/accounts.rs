//! Who pushes and who pulls: accounts, and where their secrets go.
//!
//! On a Harbor there is one robot account for the pipelines and one for each environment, so that none has to be renewed
//! where it is in use already when another environment is added. Elsewhere `push` and `pull` of the configuration are
//! given on. Secrets go to the pipelines of the repository and to the namespaces, and nowhere else.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use secrecy::ExposeSecret as _;
use serde_json::{Map, json};

use super::super::namespace::pull_config;
use super::super::objects::{self, Wanted as Objects};
use super::refused;
use super::request::{Place, Wanted};
use super::taken::{OBJECTS_OF, Taken};
use crate::cluster::Manifest;
use crate::forge::Scope;
use crate::registry::{Harbor, Login, NewRobot, Project, RegistryError, Robot, Use};
use crate::scaffolder::{ActionContext, ActionError, Effect, EffectKind};

/// The secrets of a repository.
pub(super) const SECRETS: [&str; 2] = ["REGISTRY_USERNAME", "REGISTRY_PASSWORD"];

/// An account that somebody needs.
struct Account {
    /// `push`, or `pull-dev`.
    end: String,
    purpose: Use,
}

impl Account {
    fn push() -> Self {
        Self { end: "push".to_owned(), purpose: Use::Push }
    }

    fn pull(place: &Place) -> Self {
        Self { end: format!("pull-{}", place.environment), purpose: Use::Pull }
    }

    /// Its name in the project: `web-push`.
    fn name(&self, wanted: &Wanted) -> String {
        format!("{}-{}", wanted.image.within().replace('/', "-"), self.end)
    }

    /// What tells that its secret has arrived.
    fn arrived(&self) -> String {
        format!("arrived {}", self.end)
    }
}

/// Makes the accounts and puts their secrets where they belong.
pub(super) async fn give(ctx: &ActionContext, wanted: &Wanted) -> Result<(), ActionError> {
    if wanted.pipelines.is_some() {
        let account = Account::push();
        if ctx.noted(&account.arrived()).await?.is_none() {
            let login = login(ctx, wanted, &account).await?;
            to_pipelines(ctx, wanted, &login).await?;
            ctx.note(&account.arrived(), json!(true)).await?;
        }
    }
    for place in &wanted.places {
        let account = Account::pull(place);
        if ctx.noted(&account.arrived()).await?.is_none() {
            let login = login(ctx, wanted, &account).await?;
            to_namespace(ctx, wanted, place, &login).await?;
            ctx.note(&account.arrived(), json!(true)).await?;
        }
    }
    Ok(())
}

/// Who signs in, with a secret that the log never shows.
async fn login(ctx: &ActionContext, wanted: &Wanted, account: &Account) -> Result<Login, ActionError> {
    let login = match wanted.registry.harbor() {
        Some(harbor) => robot(ctx, wanted, harbor, account).await?,
        None => configured(wanted, account)?,
    };
    ctx.log.hide(&json!(login.password.expose_secret()));
    Ok(login)
}

fn configured(wanted: &Wanted, account: &Account) -> Result<Login, ActionError> {
    let login = match account.purpose {
        Use::Push => wanted.registry.push_login(),
        Use::Pull => wanted.registry.pull_login(),
    };
    let none = || ActionError::input(format!("registry {} has no `{}`", wanted.registry.name(), account.purpose));
    login.map_err(|error| refused(&error))?.ok_or_else(none)
}

/// What the accounts of a run say in their description.
fn mark(ctx: &ActionContext) -> String {
    format!("Greenroom run {}, step {}", ctx.task, ctx.step.key)
}

async fn robot(
    ctx: &ActionContext,
    wanted: &Wanted,
    harbor: Harbor<'_>,
    account: &Account,
) -> Result<Login, ActionError> {
    let (registry, name, mark) = (wanted.registry.name(), account.name(wanted), mark(ctx));
    let project = project(wanted, harbor).await?;
    let full = format!("robot account {name} of project {} in registry {registry}", project.name);
    match harbor.robot(&project, &name).await.map_err(|error| refused(&error))? {
        Some(robot) if robot.description.ends_with(&mark) => {
            ctx.log.info(format!("The {full} was made by this run before; it gets a new secret"));
            return harbor.renew(&robot).await.map_err(|error| refused(&error));
        }
        Some(robot) => return Err(ActionError::conflict(taken_by(&full, &robot))),
        None => {}
    }
    // Noted before it is there: its mark tells it from any other of that name.
    let taken = Taken::Robot {
        registry: registry.to_owned(),
        project: project.name.clone(),
        name: name.clone(),
        mark: mark.clone(),
    };
    ctx.made(&format!("robot {}", account.end), &full, json!(taken)).await?;
    let description = format!("{} for {}. {mark}", account.purpose, wanted.image);
    let new = NewRobot { name: &name, description: &description, purpose: account.purpose, days: wanted.days };
    let (robot, login) = harbor.create_robot(&project, &new).await.map_err(|error| refused(&error))?;
    ctx.log.info(format!("Created robot account {} in registry {registry}", robot.name));
    Ok(login)
}

async fn project(wanted: &Wanted, harbor: Harbor<'_>) -> Result<Project, ActionError> {
    let project = harbor.project(wanted.project()).await.map_err(|error| refused(&error))?;
    let gone = || format!("project {} of registry {} is gone", wanted.project(), wanted.registry.name());
    project.ok_or_else(|| ActionError::failed(gone()))
}

fn taken_by(full: &str, robot: &Robot) -> String {
    let whose = if robot.description.is_empty() { "nobody wrote whose it is" } else { &robot.description };
    format!(
        "the {full} is there and somebody else's ({whose}); its secret is told to nobody, so delete it, or leave this out"
    )
}

async fn to_pipelines(ctx: &ActionContext, wanted: &Wanted, login: &Login) -> Result<(), ActionError> {
    let Some((forge, id)) = &wanted.pipelines else { return Ok(()) };
    let Some(github) = forge.github() else { return Ok(()) };
    let values = [login.username.clone(), login.password.expose_secret().to_owned()];
    let secrets: Vec<(String, String)> = SECRETS.iter().map(|name| (*name).to_owned()).zip(values).collect();
    let taken = Taken::Secrets { host: forge.host().to_owned(), repository: id.clone() };
    ctx.made("secrets", &format!("secrets {} of {id}", SECRETS.join(" and ")), json!(taken)).await?;
    github.set_secrets(id, Scope::Actions, &secrets).await?;
    ctx.log.info(format!("The pipelines of {id} have {} now", SECRETS.join(" and ")));
    Ok(())
}

async fn to_namespace(ctx: &ActionContext, wanted: &Wanted, place: &Place, login: &Login) -> Result<(), ActionError> {
    let config = pull_config(wanted.registry.host(), &login.username, login.password.expose_secret());
    let set = objects(wanted, place, &config);
    set.apply_as(ctx, &format!("{OBJECTS_OF}{} ", place.environment)).await.map(drop)
}

/// The pull secret of a namespace.
fn objects(wanted: &Wanted, place: &Place, config: &str) -> Objects {
    let manifest = Manifest::made(json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": wanted.pull_secret, "namespace": place.namespace},
        "type": "kubernetes.io/dockerconfigjson",
        "data": Map::from_iter([(".dockerconfigjson".to_owned(), json!(BASE64.encode(config)))]),
    }));
    Objects { cluster: place.cluster.clone(), manifests: vec![manifest], namespace: None, force: false }
}

/// What [`give`] would do.
pub(super) async fn foresee(ctx: &ActionContext, wanted: &Wanted) -> Result<Vec<Effect>, ActionError> {
    let effect = |sentence: String, conflict: Option<String>| ctx.effect(EffectKind::Other, sentence, conflict);
    let mut effects = Vec::new();
    let push = wanted.pipelines.as_ref().map(|_| Account::push());
    for account in push.into_iter().chain(wanted.places.iter().map(Account::pull)) {
        if let Some(harbor) = wanted.registry.harbor() {
            let name = account.name(wanted);
            let sentence = format!(
                "create robot account {name} of project {} in registry {} to {}",
                wanted.project(),
                wanted.registry.name(),
                account.purpose
            );
            match there(wanted, harbor, &name).await {
                Ok(None) => effects.push(effect(sentence, None)),
                Ok(Some(robot)) => {
                    effects.push(effect(sentence, Some(taken_by(&format!("robot account {name}"), &robot))));
                }
                // The place has said it already.
                Err(_) => {}
            }
        }
    }
    if let Some((_, id)) = &wanted.pipelines {
        effects.push(effect(format!("set the secrets {} of {id}", SECRETS.join(" and ")), None));
    }
    for place in &wanted.places {
        let set = objects(wanted, place, "{}");
        let (verb, conflict) = match set.cluster.present(&set.manifests, set.options()).await {
            Ok(found) if found.iter().any(|(_, uid)| uid.is_some()) => ("change", None),
            Ok(_) => ("create", None),
            Err(error) => ("create", Some(objects::refused(&error).message)),
        };
        let (name, namespace, cluster) = (&wanted.pull_secret, &place.namespace, place.cluster.name());
        let sentence = format!("{verb} pull secret {namespace}/{name} on cluster {cluster}");
        effects.push(ctx.effect(EffectKind::Deploy, sentence, conflict));
    }
    Ok(effects)
}

async fn there(wanted: &Wanted, harbor: Harbor<'_>, name: &str) -> Result<Option<Robot>, RegistryError> {
    match harbor.project(wanted.project()).await? {
        Some(project) => harbor.robot(&project, name).await,
        None => Ok(None),
    }
}
