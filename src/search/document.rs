//! What can be found: one entity, one section of a documentation page, one run; the words it is found by, and what it
//! is filtered by.

/// What a document is, as people ask for it with `is:`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Sort {
    /// An entity other than those below.
    Entity,
    /// An entity of the kind `API`.
    Api,
    /// An entity of the kind `Template`.
    Template,
    /// A section of a documentation page.
    Docs,
    /// A run of a template.
    Run,
}

impl Sort {
    /// Every sort, in the order in which they are offered.
    pub(crate) const ALL: [Self; 5] = [Self::Entity, Self::Api, Self::Docs, Self::Template, Self::Run];

    /// Its name in addresses and filters.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Entity => "catalog",
            Self::Api => "api",
            Self::Template => "template",
            Self::Docs => "docs",
            Self::Run => "run",
        }
    }

    /// The sort with a name, in the singular or the plural.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "catalog" | "entity" | "entities" => Self::Entity,
            "api" | "apis" => Self::Api,
            "template" | "templates" => Self::Template,
            "docs" | "doc" | "page" | "pages" => Self::Docs,
            "run" | "runs" | "task" | "tasks" => Self::Run,
            _ => return None,
        })
    }
}

/// Where a word stands in a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    Name,
    Title,
    Tags,
    /// The description of an entity; the title of the page that a section is on.
    Lead,
    /// Owner, system, kind, type: what else names it.
    About,
    /// Operations, paths, types of an API.
    Definition,
    Text,
    /// Name or title as one word each, for who writes them so.
    Whole,
}

impl Field {
    pub(super) const COUNT: usize = 8;

    /// Its number in postings: three bits.
    pub(super) fn number(self) -> u8 {
        self as u8
    }

    /// How much a word in it says.
    pub(super) const WEIGHTS: [f32; Self::COUNT] = [10.0, 9.0, 6.5, 4.5, 3.0, 3.5, 2.0, 9.0];
}

/// Some fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fields(u8);

impl Fields {
    pub(crate) const ALL: Self = Self(u8::MAX);

    /// Only these.
    pub(crate) fn only(fields: &[Field]) -> Self {
        Self(fields.iter().fold(0, |bits, field| bits | 1 << field.number()))
    }

    pub(super) fn has(self, number: u8) -> bool {
        self.0 & (1 << number) != 0
    }
}

/// Places of [`Field::Whole`].
pub(super) const WHOLE_NAME: u32 = 0;
pub(super) const WHOLE_TITLE: u32 = 1;
pub(super) const WHOLE_PART: u32 = 2;

/// What a document can be filtered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Facet {
    Kind,
    Type,
    Owner,
    Lifecycle,
    System,
    Namespace,
    Tag,
}

impl Facet {
    /// Those of which a document has at most one value.
    pub(super) const SINGLE: usize = 6;
    /// Every facet.
    pub(crate) const ALL: [Self; 7] =
        [Self::Kind, Self::Type, Self::Owner, Self::Lifecycle, Self::System, Self::Namespace, Self::Tag];

    /// Its name in addresses and filters.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Kind => "kind",
            Self::Type => "type",
            Self::Owner => "owner",
            Self::Lifecycle => "lifecycle",
            Self::System => "system",
            Self::Namespace => "namespace",
            Self::Tag => "tag",
        }
    }

    /// The facet with a name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "ns" => Some(Self::Namespace),
            "tags" => Some(Self::Tag),
            _ => Self::ALL.into_iter().find(|facet| facet.name() == name),
        }
    }

    pub(super) fn number(self) -> usize {
        self as usize
    }
}

/// One document, to be taken into the index.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Document {
    pub(crate) sort: Sort,
    /// The entity it is or belongs to, by its reference; empty for a run.
    pub(crate) entity: String,
    /// The page and section, or the id of the run; empty for an entity.
    pub(crate) place: String,
    /// The fields with their texts.
    pub(crate) texts: Vec<(Field, String)>,
    /// Values of the facets with at most one value, in the order of [`Facet`].
    pub(crate) values: [String; Facet::SINGLE],
    pub(crate) tags: Vec<String>,
    /// What is shown of it, if the catalog does not have that.
    pub(crate) kept: String,
    /// How much more or less likely it is looked for than others that fit as well.
    pub(crate) prior: i8,
}

impl Document {
    /// A document without words.
    pub(crate) fn new(sort: Sort, entity: impl Into<String>, place: impl Into<String>) -> Self {
        Self {
            sort,
            entity: entity.into(),
            place: place.into(),
            texts: Vec::new(),
            values: Default::default(),
            tags: Vec::new(),
            kept: String::new(),
            prior: 0,
        }
    }

    /// Adds a text to a field.
    pub(crate) fn add(&mut self, field: Field, text: impl Into<String>) {
        let text = text.into();
        if !text.is_empty() {
            self.texts.push((field, text));
        }
    }

    /// Sets the value of a facet.
    pub(crate) fn set(&mut self, facet: Facet, value: impl Into<String>) {
        match facet {
            Facet::Tag => self.tags.push(value.into()),
            facet => self.values[facet.number()] = value.into(),
        }
    }
}
