//! The Image tab: the newest tags of a component's images, as their registry tells them.
//!
//! Which images those are, an annotation says, else what runs in the environments. A registry may take its time, so the
//! page comes without the tags and fetches itself with `now=yes` (`late-part.js`), as the CI tab does. Only registries
//! of the configuration are asked: an annotation sends the portal nowhere else.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use serde::Deserialize;

use super::entity::{Head, IMAGE_ANNOTATIONS};
use super::tab::Tab;
use crate::catalog::Record;
use crate::delivery::{Delivery, Service};
use crate::forge::Forges;
use crate::registry::{Content, ImageName, Registries, Shelf, Tag, split_image};
use crate::web::AppState;
use crate::web::error::Error;
use crate::web::extract::Query;
use crate::web::page::{Chrome, Page, PageResult};
use crate::web::pages::shown::{self, Moment};
use crate::web::url as link;

/// Images of one component that are shown.
const IMAGES: usize = 4;
/// The commit that an image was built from, and where its source is.
const REVISION: &str = "org.opencontainers.image.revision";
/// What Backstage's plugins for these registries read; the rest of the name is the project and the image.
const HARBOR: &str = "goharbor.io/repository-slug";
const QUAY: (&str, &str) = ("quay.io/repository-slug", "quay.io");

/// The routes.
pub(super) fn router() -> axum::Router<AppState> {
    axum::Router::new().route("/catalog/{namespace}/{kind}/{name}/image", axum::routing::get(show))
}

/// The images of a component.
#[derive(Template)]
#[template(path = "catalog/image/index.html")]
pub(super) struct ImagePage {
    chrome: Chrome,
    head: Head,
    /// What they are called, with their host.
    names: Vec<String>,
    /// What to write into the descriptor where none is known.
    annotation: String,
    /// This page with the tags on it.
    now: String,
    images: Option<Vec<ImageCard>>,
}

/// One image.
struct ImageCard {
    name: String,
    page: Option<String>,
    problem: Option<String>,
    tags: Vec<TagLine>,
    /// "20 of 312", where there are more.
    more: Option<String>,
}

/// One digest.
struct TagLine {
    names: Vec<String>,
    kind: Option<&'static str>,
    digest: String,
    short: String,
    size: String,
    platforms: Vec<String>,
    at: Option<Moment>,
    revision: String,
    /// Environments that run it.
    runs_in: Vec<String>,
}

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    now: String,
}

/// An image that is somewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Placed {
    host: String,
    image: ImageName,
}

/// `GET …/image`
async fn show(
    tab: Tab,
    State(forges): State<Forges>,
    State(delivery): State<Delivery>,
    Query(asked): Query<Asked>,
) -> PageResult<ImagePage> {
    let chrome = tab.chrome();
    let Tab { record, head, .. } = tab;
    let reference = &record.reference;
    let row = delivery.row(Arc::new(Service::of(&forges, &record))).await.map_err(Error::internal)?;
    let running: Vec<(String, String, String)> = row
        .cells
        .iter()
        .filter_map(|cell| {
            let version = cell.version()?;
            Some((cell.environment.clone(), version.image.clone(), version.digest.clone()))
        })
        .collect();
    let placed = images(delivery.registries(), &record, running.iter().map(|(_, image, _)| image.as_str()));
    let images = match asked.now.as_str() {
        "yes" => {
            let cards = placed.iter().map(|one| card(delivery.registries(), one, &running));
            Some(futures_util::future::join_all(cards).await)
        }
        _ => None,
    };
    Ok(Page(ImagePage {
        chrome,
        names: placed.iter().map(|one| format!("{}/{}", one.host, one.image)).collect(),
        annotation: format!("{}: registry.acme.example/acme/{}", IMAGE_ANNOTATIONS[0], reference.name()),
        now: format!("{}?now=yes", link::entity_tab(reference, "image")),
        images,
        head,
    }))
}

/// What the annotations name, else what runs.
fn images<'a>(registries: &Registries, record: &Record, running: impl Iterator<Item = &'a str>) -> Vec<Placed> {
    let entity = record.entity();
    let placed = |text: &str| split_image(text).map(|(host, image)| Placed { host: host.to_owned(), image });
    let mut found: Vec<Placed> = Vec::new();
    if let Some(written) = entity.annotation(IMAGE_ANNOTATIONS[0]) {
        found.extend(written.split(',').filter_map(|one| placed(one.trim())));
    }
    let harbors = || registries.all().iter().filter(|one| one.harbor().is_some());
    if let (Some(slug), Some(harbor)) = (entity.annotation(HARBOR), harbors().next()) {
        found.extend(slug.split(',').filter_map(|one| placed(&format!("{}/{}", harbor.host(), one.trim()))));
    }
    if let Some(slug) = entity.annotation(QUAY.0) {
        found.extend(placed(&format!("{}/{}", QUAY.1, slug.trim())));
    }
    if found.is_empty() {
        found.extend(running.filter_map(placed));
    }
    let mut once: Vec<Placed> = Vec::new();
    for one in found {
        if !once.contains(&one) {
            once.push(one);
        }
    }
    once.truncate(IMAGES);
    once
}

async fn card(registries: &Registries, placed: &Placed, running: &[(String, String, String)]) -> ImageCard {
    let name = format!("{}/{}", placed.host, placed.image);
    let empty = ImageCard { name: name.clone(), page: None, problem: None, tags: Vec::new(), more: None };
    let Some(registry) = registries.by_host(&placed.host) else {
        let problem =
            format!("{} is none of the registries that this portal asks; add it to `registries`", placed.host);
        return ImageCard { problem: Some(problem), ..empty };
    };
    let page = registry.page(&placed.image);
    match registry.shelf(&placed.image).await {
        Ok(shelf) => ImageCard {
            page,
            more: more(&shelf),
            tags: shelf.tags.iter().map(|tag| TagLine::new(tag, &name, running)).collect(),
            ..empty
        },
        Err(error) => ImageCard { page, problem: Some(error.to_string()), ..empty },
    }
}

fn more(shelf: &Shelf) -> Option<String> {
    let total = shown::grouped(shelf.total);
    if shelf.is_part {
        return Some(format!("The highest versions of {total} tags"));
    }
    (shelf.total > shelf.tags.len()).then(|| format!("The newest {} of {total}", shelf.tags.len()))
}

impl TagLine {
    fn new(tag: &Tag, image: &str, running: &[(String, String, String)]) -> Self {
        let facts = &tag.facts;
        let digits = facts.digest.trim_start_matches("sha256:");
        let here = running.iter().filter(|(_, running, digest)| running == image && *digest == facts.digest);
        let revision = facts.annotations.get(REVISION).map(String::as_str).unwrap_or_default();
        Self {
            names: tag.names.clone(),
            kind: match facts.content {
                Content::Chart => Some("chart"),
                Content::Index | Content::Image | Content::Other => None,
            },
            short: digits.get(..12).unwrap_or(digits).to_owned(),
            digest: facts.digest.clone(),
            size: facts.size.map(shown::size).unwrap_or_default(),
            platforms: facts.platforms.iter().map(|(name, bytes)| format!("{name} {}", shown::size(*bytes))).collect(),
            at: tag.at().map(Moment),
            revision: revision.get(..7).unwrap_or(revision).to_owned(),
            runs_in: here.map(|(environment, ..)| environment.clone()).collect(),
        }
    }
}
