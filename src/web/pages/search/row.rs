//! One result, as the page and the palette show it.

use crate::catalog::{Catalog, Record};
use crate::search::{Item, Line, Marker, Piece, Run, Section};
use crate::web::pages::shown::{self, EntityLink, Moment};
use crate::web::pages::task::State;
use crate::web::session::Viewer;
use crate::web::url as link;

/// Bytes of a text that are shown.
const EXCERPT: usize = 220;

/// One result.
pub(super) struct Row {
    pub(super) link: String,
    /// Symbol of the sprite, and the tile's colour.
    pub(super) icon: String,
    pub(super) title: Vec<Piece>,
    /// The name, where the title is another.
    pub(super) name: Vec<Piece>,
    /// What it is: `service`, `API`, `Docs`.
    pub(super) what: String,
    /// The way to it: owner and system, or entity and page.
    pub(super) way: Vec<EntityLink>,
    /// The last part of the way that is no entity.
    pub(super) page: Vec<Piece>,
    pub(super) lifecycle: Option<String>,
    pub(super) about: Vec<Piece>,
    pub(super) tags: Vec<Vec<Piece>>,
    pub(super) lines: Vec<LineRow>,
    pub(super) state: Option<State>,
    pub(super) when: Option<Moment>,
}

/// An operation or type of an API.
pub(super) struct LineRow {
    pub(super) link: String,
    pub(super) badge: String,
    pub(super) name: Vec<Piece>,
    pub(super) summary: Vec<Piece>,
}

impl Row {
    pub(super) fn new(catalog: &Catalog, viewer: &Viewer, item: &Item, marker: &Marker) -> Self {
        match item {
            Item::Entity(record, lines) => Self::of_entity(catalog, viewer, record, lines, marker),
            Item::Section(record, section) => Self::of_section(record, section, marker),
            Item::Run(run) => Self::of_run(catalog, viewer, run, marker),
        }
    }

    fn empty(link: String, icon: &str, title: Vec<Piece>, what: String) -> Self {
        Self {
            link,
            icon: icon.to_owned(),
            title,
            what,
            name: Vec::new(),
            way: Vec::new(),
            page: Vec::new(),
            lifecycle: None,
            about: Vec::new(),
            tags: Vec::new(),
            lines: Vec::new(),
            state: None,
            when: None,
        }
    }

    fn of_entity(catalog: &Catalog, viewer: &Viewer, record: &Record, lines: &[Line], marker: &Marker) -> Self {
        let entity = &record.entity();
        let kind = record.reference.kind();
        let kind_of = entity.text(&["spec", "type"]).filter(|_| matches!(kind, "component" | "resource"));
        let what = kind_of.map_or_else(|| shown::kind_name(kind), shown::capital);
        let system = entity
            .relations()
            .into_iter()
            .find(|relation| relation.kind == "partOf" && (relation.target.starts_with("system:") || kind == "system"));
        let way = [
            shown::owner(catalog, viewer, entity),
            system.and_then(|system| EntityLink::read(catalog, viewer, &system.target)),
        ];
        let has_name = entity.title() != entity.name();
        let line = |line: &Line| LineRow {
            link: link::definition_entry(&record.reference, &line.anchor),
            badge: line.badge.clone(),
            name: marker.pieces(&line.name),
            summary: marker.pieces(&line.summary),
        };
        Self {
            name: if has_name { marker.pieces(entity.name()) } else { Vec::new() },
            way: way.into_iter().flatten().collect(),
            lifecycle: entity.text(&["spec", "lifecycle"]).map(str::to_owned),
            about: marker.excerpt(entity.description().unwrap_or_default(), EXCERPT),
            tags: entity.tags().filter(|tag| marker.count(tag) > 0).take(4).map(|tag| marker.pieces(tag)).collect(),
            lines: lines.iter().map(line).collect(),
            ..Self::empty(link::entity(&record.reference), shown::icon_of(kind), marker.pieces(entity.title()), what)
        }
    }

    fn of_section(record: &Record, section: &Section, marker: &Marker) -> Self {
        let heading = if section.heading.is_empty() { &section.page } else { &section.heading };
        let is_page = *heading == section.page;
        let link = link::docs_section(&record.reference, &section.path, &section.anchor);
        Self {
            way: vec![EntityLink::titled(&record.reference, &*record.title)],
            page: if is_page { Vec::new() } else { marker.pieces(&section.page) },
            about: marker.excerpt(&section.text, EXCERPT),
            ..Self::empty(link, "docs", marker.pieces(heading), "Docs".to_owned())
        }
    }

    fn of_run(catalog: &Catalog, viewer: &Viewer, run: &Run, marker: &Marker) -> Self {
        let template = run.template.as_ref().map(|template| EntityLink::find(catalog, viewer, template));
        let by = run.by.as_deref().and_then(|by| EntityLink::read(catalog, viewer, by));
        Self {
            way: template.into_iter().chain(by).collect(),
            state: Some(State::parse(&run.state)),
            when: Some(Moment(run.created_at)),
            ..Self::empty(link::task(run.id), "run", marker.pieces(&run.title), "Run".to_owned())
        }
    }

    /// What the palette says beside the title: where it is.
    pub(super) fn place(&self) -> String {
        let way = self.way.iter().map(|link| link.name.clone());
        let page: String = self.page.iter().map(|piece| piece.text.as_str()).collect();
        way.chain((!page.is_empty()).then_some(page)).take(2).collect::<Vec<_>>().join(" › ")
    }

    /// The first line that fits; in the palette it says why an API was found.
    pub(super) fn reason(&self) -> Option<&LineRow> {
        let is_named = self.title.iter().chain(&self.name).any(|piece| piece.is_marked);
        self.lines.first().filter(|_| !is_named)
    }
}
