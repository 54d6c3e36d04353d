//! Taking back what a run made in a registry and because of it.

use serde::{Deserialize, Serialize};

use super::super::super::Delivery;
use super::super::objects;
use super::accounts::SECRETS;
use super::refused;
use crate::forge::{Forges, Removal, RepositoryId};
use crate::registry::{Harbor, ImageName, Registry, RegistryError};
use crate::scaffolder::{ActionError, Inverse, Made};

/// How the keys of pull secrets begin.
pub(super) const OBJECTS_OF: &str = "pull ";
/// Images that one sentence names.
const NAMED: usize = 3;

/// One thing that a run made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "camelCase")]
pub(super) enum Taken {
    /// A project of a Harbor, made for an image.
    Project { registry: String, project: String, image: ImageName },
    /// All that was pushed to an image.
    Images { registry: String, image: ImageName },
    /// A rule for tags.
    Rule { registry: String, project: String, id: i64 },
    /// A robot account, told from others by its mark.
    Robot { registry: String, project: String, name: String, mark: String },
    /// The secrets of a repository.
    Secrets { host: String, repository: RepositoryId },
    /// A manifest.
    Manifest { registry: String, image: ImageName, digest: String },
}

/// What undoing would do.
pub(super) async fn inverse(delivery: &Delivery, made: &Made) -> Result<Inverse, ActionError> {
    if made.key.starts_with(OBJECTS_OF) {
        return objects::inverse(delivery.clusters(), made);
    }
    let taken = read(made)?;
    let sentence = match &taken {
        Taken::Secrets { .. } => format!("remove {}", made.sentence),
        Taken::Images { .. } => format!("delete {}, with everything that was pushed to it", made.sentence),
        _ => format!("delete {}", made.sentence),
    };
    let obstacle = obstacle(delivery, &taken).await;
    Ok(Inverse { sentence, obstacle })
}

async fn obstacle(delivery: &Delivery, taken: &Taken) -> Option<String> {
    let registry = match registry(delivery, taken) {
        Ok(registry) => registry?,
        Err(error) => return Some(error.to_string()),
    };
    let (Taken::Project { project, image, .. }, Some(harbor)) = (taken, registry.harbor()) else { return None };
    match harbor.repositories(project).await {
        Ok(found) => {
            let others: Vec<&str> = found.iter().map(String::as_str).filter(|one| *one != image.within()).collect();
            let named = others.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
            let count = others.len();
            (count > 0).then(|| {
                format!("project {project} holds {count} other images ({named}); delete it by hand if they may go")
            })
        }
        Err(error) => Some(error.to_string()),
    }
}

/// Takes it back; what is gone already is no error.
pub(super) async fn undo(delivery: &Delivery, forges: &Forges, made: &Made) -> Result<(), ActionError> {
    if made.key.starts_with(OBJECTS_OF) {
        return objects::undo(delivery.clusters(), made).await;
    }
    let taken = read(made)?;
    if let Taken::Secrets { host, repository } = &taken {
        let forge = forges.by_host(host)?;
        let Some(github) = forge.github() else { return Ok(()) };
        for name in SECRETS {
            github.remove(repository, &format!("secret {name}"), &Removal::secret(repository, name)).await?;
        }
        return Ok(());
    }
    let Some(registry) = registry(delivery, &taken).map_err(|error| refused(&error))? else { return Ok(()) };
    if let Taken::Manifest { image, digest, .. } = &taken {
        return registry.delete(image, digest).await.map_err(|error| refused(&error));
    }
    let Some(harbor) = registry.harbor() else {
        return Err(ActionError::failed(format!("registry {} is no Harbor any more", registry.name())));
    };
    on_harbor(harbor, &taken).await.map_err(|error| refused(&error))
}

async fn on_harbor(harbor: Harbor<'_>, taken: &Taken) -> Result<(), RegistryError> {
    match taken {
        Taken::Project { project, .. } => harbor.delete_project(project).await,
        Taken::Images { image, .. } => harbor.delete_repository(image).await,
        Taken::Rule { project, id, .. } => harbor.delete_rule(project, *id).await,
        Taken::Robot { project, name, mark, .. } => {
            let Some(project) = harbor.project(project).await? else { return Ok(()) };
            match harbor.robot(&project, name).await? {
                Some(robot) if robot.description.ends_with(mark) => harbor.delete_robot(robot.id, &robot.name).await,
                _ => Ok(()),
            }
        }
        Taken::Secrets { .. } | Taken::Manifest { .. } => Ok(()),
    }
}

fn read(made: &Made) -> Result<Taken, ActionError> {
    serde_json::from_value(made.value.clone())
        .map_err(|error| ActionError::failed(format!("what the run noted cannot be read: {error}")))
}

/// The registry that something is in, if it is in one.
fn registry<'a>(delivery: &'a Delivery, taken: &Taken) -> Result<Option<&'a Registry>, RegistryError> {
    match taken {
        Taken::Project { registry, .. }
        | Taken::Images { registry, .. }
        | Taken::Rule { registry, .. }
        | Taken::Robot { registry, .. }
        | Taken::Manifest { registry, .. } => delivery.registries().get(registry).map(Some),
        Taken::Secrets { .. } => Ok(None),
    }
}
