//! The `github:*` actions that set up what only GitHub has: issues, environments, protection, webhooks, …
//!
//! A template that uses them runs on a forge without such things too: what is asked for is left out there, and the plan
//! and the log say so.
//!
//! Flow of one: input → a [`Fixture`](crate::forge::Fixture) (`request`) → is it there (a plan stops here) → it is made
//! and noted → its outputs. What an earlier attempt of the same run made is adopted; what somebody else made is
//! refused, or changed where GitHub has one of a kind only. What is no fixture (labels, archiving) stands in `change`.

mod change;
mod environment;
pub(super) mod input;
pub(super) mod protection;
mod request;
mod table;

use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use self::change::Changed;
use self::request::Wanted;
use self::table::{ALL, Asked};
use super::publish::addressed;
use super::{
    Action, ActionContext, ActionDescription, ActionError, EffectClass, EffectKind, Inspection, Inverse, Made, Outputs,
};
use crate::catalog::Catalog;
use crate::forge::{Fitted, Forge, ForgeError, Forges, GitHub, Removal, RepositoryId};
use crate::permission::Credentials;

/// The actions.
pub(super) fn actions(forges: &Forges, catalog: &Catalog) -> Vec<Arc<dyn Action>> {
    let action = |asked| Arc::new(SetUp { asked, forges: forges.clone(), catalog: catalog.clone() }) as Arc<dyn Action>;
    ALL.into_iter().map(action).collect()
}

/// One of the actions.
struct SetUp {
    asked: Asked,
    forges: Forges,
    catalog: Catalog,
}

/// What a run notes of a thing it made.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Noted {
    host: String,
    repository: RepositoryId,
    /// How it is taken away; nothing where it was there before, or cannot be taken away.
    removals: Vec<Removal>,
    /// Why not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    obstacle: Option<String>,
    /// What later steps see.
    #[serde(default)]
    outputs: Outputs,
}

impl SetUp {
    fn left_out(&self, forge: &dyn Forge, id: &RepositoryId) -> String {
        format!("the forge {} has no {}, so {} is left out for {id}", forge.host(), self.asked.what, self.asked.id)
    }

    async fn set_up(&self, ctx: &ActionContext, input: &Outputs) -> Result<Outputs, ActionError> {
        let (forge, id) = addressed(&self.forges, input)?;
        let Some(github) = forge.github() else {
            // A repository that is not there is a mistake on every forge.
            forge.find(&id).await?;
            ctx.log.warn(self.left_out(forge.as_ref(), &id));
            return Ok(Outputs::new());
        };
        if let Some(noted) = ctx.noted("made").await?.and_then(|noted| serde_json::from_value::<Noted>(noted).ok()) {
            return Ok(noted.outputs);
        }
        match Wanted::of(self.asked.id, github, &self.catalog, ctx, &id, input).await? {
            Wanted::Change(change) => {
                let changed = change.make(github, ctx, &id).await?;
                ctx.log.info(format!("Done: {}", change.sentence(&id)));
                self.note(ctx, forge.host(), &id, changed).await
            }
            Wanted::Fixture(wanted) => {
                let fitted = self.fit(github, ctx, &id, &wanted).await?;
                wanted.complete(github, &id).await?;
                ctx.log.info(format!("{id} has {} now", wanted.fixture.what));
                let was_there = ctx.noted("was there").await?.is_some();
                let changed = Changed {
                    what: wanted.fixture.what.clone(),
                    outputs: wanted.outputs(&fitted.told),
                    removals: if was_there { Vec::new() } else { vec![fitted.removal] },
                    obstacle: was_there.then_some(
                        "it was there before this run and was changed by it; set it by hand to what it should be",
                    ),
                };
                self.note(ctx, forge.host(), &id, changed).await
            }
        }
    }

    async fn note(
        &self,
        ctx: &ActionContext,
        host: &str,
        id: &RepositoryId,
        changed: Changed,
    ) -> Result<Outputs, ActionError> {
        let noted = Noted {
            host: host.to_owned(),
            repository: id.clone(),
            removals: changed.removals,
            obstacle: changed.obstacle.map(str::to_owned),
            outputs: changed.outputs,
        };
        ctx.made("made", &format!("{} of {id}", changed.what), json!(noted)).await?;
        Ok(noted.outputs)
    }

    /// Makes the thing, or takes the one that an earlier attempt made.
    async fn fit(
        &self,
        github: &GitHub,
        ctx: &ActionContext,
        id: &RepositoryId,
        wanted: &request::Fixing,
    ) -> Result<Fitted, ActionError> {
        let there = github.fitted(&wanted.fixture).await?;
        let began = ctx.noted("making").await?.is_some();
        match there {
            Some(there) if began && !wanted.fixture.replaces => {
                ctx.log.info(format!("{} was made by this run before", wanted.fixture.what));
                return Ok(there);
            }
            Some(_) if !wanted.fixture.replaces => {
                return Err(ActionError::conflict(format!(
                    "{id} has {} already; remove it, or leave this step out",
                    wanted.fixture.what
                )));
            }
            Some(_) if !began => ctx.note("was there", json!(true)).await?,
            _ => {}
        }
        if !began {
            ctx.note("making", json!(true)).await?;
        }
        Ok(github.fit(&wanted.fixture).await?)
    }

    async fn foresee(&self, ctx: &ActionContext, input: &Outputs) -> Result<Inspection, ActionError> {
        let (forge, id) = addressed(&self.forges, input)?;
        let Some(github) = forge.github() else {
            let warnings = vec![self.left_out(forge.as_ref(), &id)];
            return Ok(Inspection { warnings, ..Inspection::default() });
        };
        let effect = |sentence: String, conflict: Option<String>| ctx.effect(EffectKind::Other, sentence, conflict);
        match Wanted::of(self.asked.id, github, &self.catalog, ctx, &id, input).await? {
            Wanted::Change(change) => {
                let effects = vec![effect(change.sentence(&id), None)];
                Ok(Inspection { effects, outputs: change.foreseen(), ..Inspection::default() })
            }
            Wanted::Fixture(wanted) => {
                // In a plan, an earlier step may be to create the repository.
                let there = match github.fitted(&wanted.fixture).await {
                    Ok(there) => there,
                    Err(ForgeError::NotFound(_)) => None,
                    Err(error) => return Err(error.into()),
                };
                let what = &wanted.fixture.what;
                let (sentence, conflict) = match there {
                    Some(_) if wanted.fixture.replaces => {
                        (format!("change {what} of {id}, which is there already"), None)
                    }
                    Some(_) => (format!("set up {what} in {id}"), Some(format!("{id} has {what} already"))),
                    None => (format!("set up {what} in {id}"), None),
                };
                Ok(Inspection {
                    effects: vec![effect(sentence, conflict)],
                    outputs: wanted.outputs(&Value::Null),
                    warnings: wanted.warnings,
                })
            }
        }
    }

    fn of_made(&self, made: &Made) -> Result<(&Arc<dyn Forge>, Noted), ActionError> {
        let noted: Noted = serde_json::from_value(made.value.clone())
            .map_err(|error| ActionError::failed(format!("what the run noted cannot be read: {error}")))?;
        Ok((self.forges.by_host(&noted.host)?, noted))
    }
}

impl Action for SetUp {
    fn description(&self) -> ActionDescription {
        self.asked.describe()
    }

    fn effect(&self) -> EffectClass {
        EffectClass::Outside
    }

    fn adopts(&self) -> bool {
        true
    }

    fn run<'a>(&'a self, ctx: &'a mut ActionContext, input: Outputs) -> BoxFuture<'a, Result<Outputs, ActionError>> {
        Box::pin(async move { self.set_up(ctx, &input).await })
    }

    fn inspect<'a>(
        &'a self,
        ctx: &'a ActionContext,
        input: &'a Outputs,
    ) -> BoxFuture<'a, Result<Inspection, ActionError>> {
        Box::pin(self.foresee(ctx, input))
    }

    fn inverse<'a>(&'a self, made: &'a Made) -> BoxFuture<'a, Result<Inverse, ActionError>> {
        Box::pin(async move {
            let (_, noted) = self.of_made(made)?;
            let obstacle = noted.obstacle.or_else(|| {
                noted
                    .removals
                    .is_empty()
                    .then(|| "this cannot be taken back from here; do it by hand on GitHub".to_owned())
            });
            Ok(Inverse { sentence: format!("remove {}", made.sentence), obstacle })
        })
    }

    fn undo<'a>(&'a self, _: &'a Credentials, made: &'a Made) -> BoxFuture<'a, Result<(), ActionError>> {
        Box::pin(async move {
            let (forge, noted) = self.of_made(made)?;
            let Some(github) = forge.github().filter(|_| !noted.removals.is_empty()) else {
                return Err(ActionError::failed(format!("{} cannot be taken back from here", made.sentence)));
            };
            for removal in &noted.removals {
                github.remove(&noted.repository, &made.sentence, removal).await?;
            }
            Ok(())
        })
    }
}
