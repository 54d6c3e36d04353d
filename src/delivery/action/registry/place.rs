//! The place of an image: on a Harbor its project and the rule for its tags; elsewhere, that the registry lets us in.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::refused;
use super::request::Wanted;
use super::taken::Taken;
use crate::registry::{Harbor, NewProject, Project, RegistryError};
use crate::scaffolder::{ActionContext, ActionError, Effect, EffectKind};

/// Keys of the ledger.
const BEFORE: &str = "before";
const PROJECT: &str = "project";
const IMAGES: &str = "images";
const RULE: &str = "rule";

/// What was there before the run.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Before {
    project: bool,
    image: bool,
    rule: bool,
}

/// Makes what is not there.
pub(super) async fn prepare(ctx: &ActionContext, wanted: &Wanted) -> Result<(), ActionError> {
    let Some(harbor) = wanted.registry.harbor() else {
        return wanted.registry.check().await.map_err(|error| refused(&error));
    };
    let mut before = before(ctx, wanted, harbor).await?;
    create_project(ctx, wanted, harbor, &mut before).await?;
    let (registry, image) = (wanted.registry.name().to_owned(), wanted.image.clone());
    if !before.image && ctx.noted(IMAGES).await?.is_none() {
        let taken = Taken::Images { registry: registry.clone(), image: image.clone() };
        ctx.made(IMAGES, &format!("image {image} in registry {registry}"), json!(taken)).await?;
    }
    let Some(tags) = &wanted.immutable else { return Ok(()) };
    if before.rule {
        ctx.log.info(format!("The tags {tags} of {image} are immutable already"));
        return Ok(());
    }
    let mut rule = harbor.rule(&image, tags).await.map_err(|error| refused(&error))?;
    if rule.is_none() {
        match harbor.create_rule(&image, tags).await {
            // An answer that was lost is no reason to fail.
            Ok(()) | Err(RegistryError::Conflict { .. }) => {}
            Err(error) => return Err(refused(&error)),
        }
        rule = harbor.rule(&image, tags).await.map_err(|error| refused(&error))?;
    }
    let id =
        rule.ok_or_else(|| ActionError::failed(format!("registry {registry} made no rule for the tags of {image}")))?;
    let taken = Taken::Rule { registry: registry.clone(), project: wanted.project().to_owned(), id };
    ctx.made(RULE, &format!("immutable tags {tags} of {image} in registry {registry}"), json!(taken)).await?;
    ctx.log.info(format!("The tags {tags} of {image} are immutable now"));
    Ok(())
}

async fn create_project(
    ctx: &ActionContext,
    wanted: &Wanted,
    harbor: Harbor<'_>,
    before: &mut Before,
) -> Result<(), ActionError> {
    let (registry, name) = (wanted.registry.name(), wanted.project());
    let mut there = harbor.project(name).await.map_err(|error| refused(&error))?;
    if there.is_none() && !before.project {
        let new = NewProject { name, public: wanted.public.unwrap_or(false), quota: wanted.quota };
        match harbor.create_project(&new).await {
            Ok(()) => {}
            // Somebody was quicker, between our look and now.
            Err(RegistryError::Conflict { .. }) => {
                before.project = true;
                ctx.note(BEFORE, json!(before)).await?;
            }
            Err(error) => return Err(refused(&error)),
        }
        there = harbor.project(name).await.map_err(|error| refused(&error))?;
    }
    let Some(there) = there else {
        return Err(ActionError::failed(format!("project {name} of registry {registry} is gone; retry to make it")));
    };
    if before.project {
        if let Some(difference) = difference(wanted, &there) {
            return Err(ActionError::conflict(difference));
        }
        ctx.log.info(format!("Project {name} of registry {registry} is there already"));
    } else if ctx.noted(PROJECT).await?.is_none() {
        let taken =
            Taken::Project { registry: registry.to_owned(), project: name.to_owned(), image: wanted.image.clone() };
        ctx.made(PROJECT, &format!("project {name} in registry {registry}"), json!(taken)).await?;
        ctx.log.info(format!("Created project {name} in registry {registry}"));
    }
    Ok(())
}

/// What was there when the run first looked.
async fn before(ctx: &ActionContext, wanted: &Wanted, harbor: Harbor<'_>) -> Result<Before, ActionError> {
    if let Some(noted) = ctx.noted(BEFORE).await? {
        return serde_json::from_value(noted)
            .map_err(|error| ActionError::failed(format!("what the run noted cannot be read: {error}")));
    }
    let before = look(wanted, harbor).await.map_err(|error| refused(&error))?.1;
    ctx.note(BEFORE, json!(before)).await?;
    Ok(before)
}

async fn look(wanted: &Wanted, harbor: Harbor<'_>) -> Result<(Option<Project>, Before), RegistryError> {
    let project = harbor.project(wanted.project()).await?;
    if project.is_none() {
        return Ok((None, Before { project: false, image: false, rule: false }));
    }
    let image = harbor.repositories(wanted.project()).await?.iter().any(|one| one == wanted.image.within());
    let rule = match &wanted.immutable {
        Some(tags) => harbor.rule(&wanted.image, tags).await?.is_some(),
        None => false,
    };
    Ok((project, Before { project: true, image, rule }))
}

/// Why a project that is there is not what is asked for.
fn difference(wanted: &Wanted, there: &Project) -> Option<String> {
    let shown = |quota: Option<i64>| quota.map_or("none".to_owned(), |bytes| format!("{bytes} bytes"));
    let visibility = |public| if public { "public" } else { "private" };
    let (name, registry) = (&there.name, wanted.registry.name());
    if let Some(public) = wanted.public.filter(|public| *public != there.public) {
        let (is, asked) = (visibility(there.public), visibility(public));
        return Some(format!(
            "project {name} of registry {registry} is there and {is}, not {asked}; leave `visibility` out to use it as it is"
        ));
    }
    if wanted.quota.is_some() && wanted.quota != there.quota {
        let (is, asked) = (shown(there.quota), shown(wanted.quota));
        return Some(format!(
            "project {name} of registry {registry} is there, and its quota is {is}, not {asked}; leave `quota` out to use it as it is"
        ));
    }
    None
}

/// What [`prepare`] would do.
pub(super) async fn foresee(ctx: &ActionContext, wanted: &Wanted) -> Result<Vec<Effect>, ActionError> {
    let (registry, image) = (wanted.registry.name(), &wanted.image);
    let effect = |sentence: String, conflict: Option<String>| ctx.effect(EffectKind::Other, sentence, conflict);
    let Some(harbor) = wanted.registry.harbor() else {
        // Nothing is made there: the first push does that.
        let conflict = wanted.registry.check().await.err().map(|error| error.to_string());
        return Ok(conflict
            .map(|why| effect(format!("use registry {registry} for {image}"), Some(why)))
            .into_iter()
            .collect());
    };
    let (project, before) = match look(wanted, harbor).await {
        Ok(found) => found,
        Err(error) => return Ok(vec![effect(format!("use registry {registry} for {image}"), Some(error.to_string()))]),
    };
    let mut effects = Vec::new();
    match &project {
        None => {
            let visibility = if wanted.public == Some(true) { "public" } else { "private" };
            let quota = wanted.quota.map(|bytes| format!(" with a quota of {bytes} bytes")).unwrap_or_default();
            let name = wanted.project();
            effects.push(effect(format!("create {visibility} project {name} in registry {registry}{quota}"), None));
        }
        Some(there) => {
            let conflict = difference(wanted, there);
            effects.extend(
                conflict.map(|why| effect(format!("use project {} of registry {registry}", there.name), Some(why))),
            );
        }
    }
    if let Some(tags) = wanted.immutable.as_ref().filter(|_| !before.rule) {
        effects.push(effect(format!("make the tags {tags} of {image} in registry {registry} immutable"), None));
    }
    Ok(effects)
}
