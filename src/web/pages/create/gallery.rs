//! `GET /create`: the templates to choose from.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use serde::Deserialize;

use super::{Filter, FilterOption, GalleryPage, Problem, TemplateCard};
use crate::catalog::Catalog;
use crate::forge::Forges;
use crate::scaffolder::{Scaffolder, Template, TemplateProblem};
use crate::web::extract::Query;
use crate::web::page::{Area, Page, PageResult};
use crate::web::pages::catalog::named;
use crate::web::pages::shown;
use crate::web::session::Viewer;
use crate::web::{Site, url as link};

/// The parameters of the gallery's address.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    q: String,
    #[serde(default, rename = "type")]
    kind_of: String,
    #[serde(default)]
    owner: String,
    #[serde(default)]
    tag: String,
}

/// Shows the templates that the address asks for.
pub(super) async fn show(
    State(scaffolder): State<Scaffolder>,
    State(catalog): State<Catalog>,
    State(forges): State<Forges>,
    State(site): State<Arc<Site>>,
    viewer: Viewer,
    Query(asked): Query<Asked>,
) -> PageResult<GalleryPage> {
    // Those that could not be taken in are only in the database.
    let templates = match site.stale_since() {
        None => scaffolder.gallery(&viewer.credentials).await?,
        Some(_) => scaffolder.templates(&viewer.credentials),
    };
    let mut cards: Vec<TemplateCard> =
        templates.iter().map(|template| TemplateCard::new(&catalog, &forges, &viewer, template)).collect();
    cards.sort_by_key(|card| card.title.to_lowercase());
    let choices = choices(&cards, &asked);
    let total = cards.len();
    let fitting = cards.into_iter().filter(|card| asked.fits(card));
    let (templates, broken) = fitting.partition(|card| card.problems.is_empty());
    Ok(Page(GalleryPage {
        chrome: viewer.chrome(Area::Create, "Create"),
        filtered: [&asked.q, &asked.kind_of, &asked.owner, &asked.tag].iter().any(|value| !value.is_empty()),
        q: asked.q,
        choices,
        templates,
        broken,
        total,
    }))
}

impl Asked {
    fn fits(&self, card: &TemplateCard) -> bool {
        let text = card.searched();
        let is = |wanted: &str, value: &str| wanted.is_empty() || wanted.eq_ignore_ascii_case(value);
        is(&self.kind_of, &card.type_)
            && is(&self.owner, &card.owner_ref)
            && (self.tag.is_empty() || card.tags.contains(&self.tag))
            && self.q.to_lowercase().split_whitespace().all(|word| text.contains(word))
    }
}

/// The drop-downs, with how many templates each value has.
fn choices(cards: &[TemplateCard], asked: &Asked) -> Vec<Filter> {
    let options = |values: Vec<(String, String)>, current: &str| {
        let mut counts: BTreeMap<(String, String), usize> = BTreeMap::new();
        for (label, value) in values.into_iter().filter(|(_, value)| !value.is_empty()) {
            *counts.entry((label, value)).or_default() += 1;
        }
        let option = |((label, value), count): ((String, String), usize)| FilterOption {
            selected: value.eq_ignore_ascii_case(current),
            label,
            value,
            count,
        };
        counts.into_iter().map(option).collect::<Vec<_>>()
    };
    let same = |text: &String| (text.clone(), text.clone());
    let types = cards.iter().map(|card| same(&card.type_)).collect();
    let owners =
        cards.iter().filter_map(|card| Some((card.owner.as_ref()?.name.clone(), card.owner_ref.clone()))).collect();
    let tags = cards.iter().flat_map(|card| &card.tags).map(same).collect();
    vec![
        Filter { name: "type", label: "Type", any: "Any type", options: options(types, &asked.kind_of) },
        Filter { name: "owner", label: "Owner", any: "Any owner", options: options(owners, &asked.owner) },
        Filter { name: "tag", label: "Tag", any: "Any tag", options: options(tags, &asked.tag) },
    ]
}

impl TemplateCard {
    fn new(catalog: &Catalog, forges: &Forges, viewer: &Viewer, template: &Template) -> Self {
        let entity = &template.entity;
        let owner = shown::owner(catalog, viewer, entity);
        Self {
            title: entity.title().to_owned(),
            name: entity.name().to_owned(),
            about: entity.description().unwrap_or_default().to_owned(),
            type_: template.kind().to_owned(),
            owner_ref: owner.as_ref().map(|owner| owner.reference.clone()).unwrap_or_default(),
            owner,
            tags: entity.tags().map(str::to_owned).collect(),
            create: link::create_from(&template.reference),
            details: if catalog.entity(&viewer.credentials, &template.reference).is_some() {
                link::template_about(&template.reference)
            } else {
                link::entity(&template.reference)
            },
            problems: template.problems.iter().map(|problem| Problem::new(forges, template, problem)).collect(),
        }
    }
}

impl Problem {
    /// A problem of a template at its place in the file.
    pub(super) fn new(forges: &Forges, template: &Template, problem: &TemplateProblem) -> Self {
        let (file, _) = named(forges, &template.location, None);
        let spot = match (problem.line, problem.column) {
            (Some(line), Some(column)) => format!("{file}:{line}:{column}"),
            (Some(line), None) => format!("{file}:{line}"),
            _ => format!("{file} {}", problem.pointer),
        };
        Self { message: problem.message.clone(), spot }
    }
}
