//! The Environments tab: what is declared to run where.

use askama::Template;
use axum::extract::State;

use super::entity::{Head, located, record};
use crate::catalog::Catalog;
use crate::delivery::{Application, Delivery, Environment, Sync};
use crate::forge::Forges;
use crate::pipeline::Pipelines;
use crate::web::error::Error;
use crate::web::extract::EntityPath;
use crate::web::page::{Chrome, Page, PageResult};
use crate::web::pages::shown::{self, Moment};
use crate::web::session::Viewer;
use crate::web::url as link;

/// Where a component runs.
#[derive(Template)]
#[template(path = "catalog/environments.html")]
pub(super) struct EnvironmentsPage {
    chrome: Chrome,
    head: Head,
    environments: Vec<EnvironmentCard>,
    /// Whether anything is declared at all.
    declared: bool,
}

struct EnvironmentCard {
    title: String,
    hue: String,
    cluster: String,
    how: &'static str,
    application: Option<ApplicationFacts>,
}

struct ApplicationFacts {
    name: String,
    namespace: String,
    project: String,
    values: String,
    manifest: Option<(String, String)>,
    task: String,
    declared: Moment,
}

/// `GET …/environments`
pub(super) async fn show(
    State(catalog): State<Catalog>,
    State(pipelines): State<Pipelines>,
    State(forges): State<Forges>,
    State(delivery): State<Delivery>,
    viewer: Viewer,
    EntityPath(reference): EntityPath,
) -> PageResult<EnvironmentsPage> {
    let record = record(&catalog, &viewer, &reference)?;
    let head = Head::new(&catalog, &pipelines, &viewer, &record, "environments");
    let place = located(&forges, &record);
    let applications = match &place {
        Some((forge, file)) => {
            let repository = &file.repository;
            delivery.applications(&format!("{}/{repository}", forge.host())).await.map_err(Error::internal)?
        }
        None => Vec::new(),
    };
    let manifest = |application: &Application| {
        let path = application.manifest.clone()?;
        let (_, file) = place.as_ref()?;
        let link = link::blob(file.repository.owner(), file.repository.name(), &file.revision, &path);
        Some((path, link))
    };
    let card = |environment: &Environment| EnvironmentCard {
        title: environment.title.clone().unwrap_or_else(|| shown::capital(&environment.name)),
        hue: shown::hue(environment.colour.as_deref().unwrap_or_default()).to_owned(),
        cluster: environment.cluster.clone(),
        how: match environment.sync {
            Sync::Automated => "Changes go out by themselves",
            Sync::PullRequest => "Changes go out by pull request",
        },
        application: applications.iter().find(|it| it.environment == environment.name).map(|application| {
            ApplicationFacts {
                name: application.name.clone(),
                namespace: application.namespace.clone(),
                project: application.project.clone(),
                values: application.value_files.join(", "),
                manifest: manifest(application),
                task: link::task(application.task),
                declared: Moment(application.declared_at),
            }
        }),
    };
    Ok(Page(EnvironmentsPage {
        chrome: head.chrome(&viewer),
        environments: delivery.environments().iter().map(card).collect(),
        declared: !applications.is_empty(),
        head,
    }))
}
