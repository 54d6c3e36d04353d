//! A field of the scaffolder's form model as HTML controls.
//!
//! Controls post the names that `scaffolder::form::read` expects. Everything works without JavaScript; long selects
//! are marked for `combobox.js`, repository fields for `repository-field.js`.

mod entities;
mod repository;

use std::fmt::Write as _;

use askama::Template;
use serde_json::Value;

use self::repository::{RepositoryControl, TokenView};
use crate::scaffolder::form::{Choice, EntityChoice, Field, FieldKind, ListLimits, text_of};
use crate::web::pages::markdown;

/// A select with more choices than this is searched rather than scrolled.
const SEARCHED_FROM: usize = 8;

/// One field.
#[derive(Template)]
#[template(path = "create/field.html")]
pub(crate) struct FieldView {
    /// The element's id, which errors link to.
    pub(crate) id: String,
    name: String,
    pub(crate) label: String,
    /// Sanitised.
    about: Option<String>,
    help: Option<String>,
    note: Option<String>,
    error: Option<String>,
    placeholder: Option<String>,
    required: bool,
    autofocus: bool,
    disabled: bool,
    readonly: bool,
    value: String,
    /// Further attributes of the control: limits and patterns.
    limits: Vec<(&'static str, String)>,
    control: Control,
    /// The person's own token for the host.
    token: Option<TokenView>,
}

impl askama::filters::HtmlSafe for FieldView {}

/// How the field is answered.
enum Control {
    Line {
        type_: &'static str,
        suggestions: Vec<OptionView>,
    },
    Area {
        rows: u64,
        mono: bool,
    },
    Checkbox(bool),
    /// `free`: what is not listed can be written; `source`: where more options are searched for.
    Select {
        options: Vec<OptionView>,
        empty: bool,
        search: bool,
        several: bool,
        free: bool,
        source: Option<String>,
    },
    Choices {
        options: Vec<OptionView>,
        several: bool,
    },
    Repository(RepositoryControl),
    Group(Vec<FieldView>),
    List {
        items: Vec<Item>,
        add: String,
        removable: bool,
        addable: bool,
        orderable: bool,
    },
    Hidden,
}

/// One choice.
#[derive(Debug, Clone)]
pub(crate) struct OptionView {
    pub(crate) value: String,
    pub(crate) label: String,
    /// Shown beside it in the searched list.
    pub(crate) hint: String,
    pub(crate) selected: bool,
    pub(crate) disabled: bool,
}

/// One item of a list.
struct Item {
    /// `ports.0`
    path: String,
    fields: Vec<FieldView>,
}

/// The entities that a picker offers.
pub(crate) struct Offered {
    pub(crate) options: Vec<OptionView>,
    /// There are no more than these.
    pub(crate) is_whole: bool,
}

/// What controls offer from outside the form.
pub(crate) trait Offers {
    /// The entities of a picker.
    fn entities(&self, choice: &EntityChoice) -> Offered;
    /// The forges' hosts: value and label.
    fn hosts(&self) -> Vec<(String, String)>;
    /// Who owns repositories at a host.
    fn owners(&self, host: &str) -> Vec<String>;
    /// Tags in use by these kinds, and how often.
    fn tags(&self, kinds: &[String]) -> Vec<(String, usize)>;
    /// The branches that a field chooses from.
    fn branches(&self, field: &str) -> Vec<String>;
    /// The pattern of clone URLs, with `{owner}` and `{repo}`.
    fn clone_pattern(&self) -> String;
}

impl OptionView {
    /// A choice that shows what it stores.
    pub(crate) fn plain(value: impl Into<String>) -> Self {
        let value = value.into();
        Self { label: value.clone(), value, hint: String::new(), selected: false, disabled: false }
    }

    fn of(choice: &Choice, selected: impl Fn(&Value) -> bool) -> Self {
        Self {
            value: choice.key(),
            label: choice.label.clone(),
            hint: String::new(),
            selected: selected(&choice.value),
            disabled: choice.disabled,
        }
    }
}

impl FieldView {
    /// The field with what it offers.
    pub(crate) fn new(field: &Field, offers: &dyn Offers) -> Self {
        let id = id_of(&field.pointer);
        Self {
            token: TokenView::of(field, &id, offers),
            id,
            name: field.name.clone(),
            label: field.label.clone(),
            about: field.description.as_deref().map(markdown::note),
            help: field.help.clone(),
            note: field.note.clone(),
            error: field.error.clone(),
            placeholder: field.placeholder.clone(),
            required: field.required,
            autofocus: field.autofocus,
            disabled: field.disabled,
            readonly: field.readonly,
            value: value_of(field),
            limits: limits_of(&field.kind),
            control: Control::of(field, offers),
        }
    }

    fn described(&self) -> bool {
        self.about.is_some() || self.help.is_some() || self.error.is_some()
    }

    /// The ids of what describes the control.
    fn described_by(&self) -> String {
        let parts = [("about", self.about.is_some()), ("help", self.help.is_some()), ("error", self.error.is_some())];
        let there = parts.iter().filter(|(_, there)| *there).map(|(part, _)| format!("{}-{part}", self.id));
        there.collect::<Vec<_>>().join(" ")
    }

    fn need(&self) -> askama::filters::Safe<&'static str> {
        askama::filters::Safe(if self.required { " <span class=\"field__need\">required</span>" } else { "" })
    }

    fn is_narrow(&self) -> bool {
        matches!(self.control, Control::Line { type_: "number" | "range", .. })
    }

    /// What every kind of control carries alike, ready to be put into its tag.
    fn attributes(&self) -> askama::filters::Safe<String> {
        let mut text = String::new();
        let mut put = |name: &str, value: &str| {
            let value = askama::filters::escape(value, askama::filters::Html).map(|value| value.to_string());
            let written = write!(text, " {name}=\"{}\"", value.unwrap_or_default());
            debug_assert!(written.is_ok(), "writing to a String never fails");
        };
        let flags = [
            ("required", self.required),
            ("autofocus", self.autofocus),
            ("disabled", self.disabled || self.is_fixed()),
            ("readonly", self.readonly),
        ];
        for (name, _) in flags.iter().filter(|(name, set)| *set && !self.skips(name)) {
            put(name, "");
        }
        if let Some(placeholder) = &self.placeholder {
            put("placeholder", placeholder);
        }
        for (name, value) in &self.limits {
            put(name, value);
        }
        if self.error.is_some() {
            put("aria-invalid", "true");
        }
        if self.described() && !matches!(self.control, Control::Repository(_)) {
            put("aria-describedby", &self.described_by());
        }
        askama::filters::Safe(text)
    }

    /// A ticked box is not what a required yes-or-no asks; a select cannot be read-only.
    fn skips(&self, name: &str) -> bool {
        match name {
            "required" => matches!(self.control, Control::Checkbox(_)),
            "readonly" => matches!(self.control, Control::Checkbox(_) | Control::Select { .. }),
            _ => false,
        }
    }

    /// Whether choices must be switched off, since they know no read-only.
    fn is_fixed(&self) -> bool {
        let is_choice = matches!(self.control, Control::Checkbox(_) | Control::Select { .. } | Control::Choices { .. });
        is_choice && (self.disabled || self.readonly)
    }
}

impl Control {
    fn of(field: &Field, offers: &dyn Offers) -> Self {
        let value = &field.value;
        match &field.kind {
            FieldKind::Text { format, .. } => line(input_type(format.as_deref())),
            FieldKind::TextArea { rows } => Self::Area { rows: (*rows).clamp(2, 30), mono: false },
            FieldKind::Password | FieldKind::Secret => line("password"),
            FieldKind::Number { range, .. } => line(if *range { "range" } else { "number" }),
            FieldKind::Checkbox => Self::Checkbox(value.as_bool().unwrap_or(false)),
            FieldKind::Select { options } => {
                Self::select(options.iter().map(|choice| OptionView::of(choice, |it| it == value)).collect(), false)
            }
            FieldKind::Radio { options } => Self::Choices {
                options: options.iter().map(|choice| OptionView::of(choice, |it| it == value)).collect(),
                several: false,
            },
            FieldKind::Checkboxes { options } => {
                let chosen = |it: &Value| value.as_array().is_some_and(|list| list.contains(it));
                Self::Choices {
                    options: options.iter().map(|choice| OptionView::of(choice, chosen)).collect(),
                    several: true,
                }
            }
            FieldKind::Tags { suggestions_for, counts } => {
                let tags = suggestions_for.as_ref().map(|kinds| offers.tags(kinds)).unwrap_or_default();
                let option = |(tag, count): (String, usize)| OptionView {
                    label: if *counts { format!("{tag} ({count})") } else { tag.clone() },
                    ..OptionView::plain(tag)
                };
                Self::Line { type_: "text", suggestions: tags.into_iter().map(option).collect() }
            }
            FieldKind::Entity(choice) | FieldKind::Owner(choice) => entities::control(field, choice, offers),
            FieldKind::RepoUrl(choice) => Self::Repository(RepositoryControl::new(value, choice, offers)),
            FieldKind::RepoOwner { .. } => repository::owner(field, offers),
            FieldKind::RepoBranch { .. } => {
                let branches = offers.branches(&field.name).into_iter().map(OptionView::plain);
                Self::Line { type_: "text", suggestions: branches.collect() }
            }
            FieldKind::EntityName { .. } => line("text"),
            FieldKind::Group { fields } => Self::Group(views(fields, offers)),
            FieldKind::List { items, limits, .. } => Self::list(&field.name, items, limits, offers),
            FieldKind::Hidden => Self::Hidden,
            FieldKind::Json => Self::Area { rows: 6, mono: true },
        }
    }

    fn select(options: Vec<OptionView>, several: bool) -> Self {
        let search = options.len() > SEARCHED_FROM && !several;
        let empty = !several && !options.iter().any(|option| option.value.is_empty());
        Self::Select { options, empty, search, several, free: false, source: None }
    }

    fn list(name: &str, items: &[Vec<Field>], limits: &ListLimits, offers: &dyn Offers) -> Self {
        let count = items.len() as u64;
        Self::List {
            items: items
                .iter()
                .enumerate()
                .map(|(index, fields)| Item { path: format!("{name}.{index}"), fields: views(fields, offers) })
                .collect(),
            add: name.to_owned(),
            removable: limits.removable && limits.min.is_none_or(|min| count > min),
            addable: limits.addable && limits.max.is_none_or(|max| count < max),
            orderable: limits.orderable && count > 1,
        }
    }
}

fn views(fields: &[Field], offers: &dyn Offers) -> Vec<FieldView> {
    fields.iter().map(|field| FieldView::new(field, offers)).collect()
}

fn line(type_: &'static str) -> Control {
    Control::Line { type_, suggestions: Vec::new() }
}

fn input_type(format: Option<&str>) -> &'static str {
    match format {
        Some("email") => "email",
        Some("uri" | "url") => "url",
        Some("date") => "date",
        Some("time") => "time",
        Some("color") => "color",
        Some("tel") => "tel",
        _ => "text",
    }
}

/// The id of the field with a pointer; errors use the same.
pub(crate) fn id_of(pointer: &str) -> String {
    let plain = pointer
        .trim_start_matches('/')
        .chars()
        .map(|it| if it.is_ascii_alphanumeric() || it == '_' { it } else { '-' });
    format!("field-{}", plain.collect::<String>())
}

fn value_of(field: &Field) -> String {
    match (&field.kind, &field.value) {
        (FieldKind::Secret | FieldKind::Password, _) | (FieldKind::Json, Value::Null) => String::new(),
        (FieldKind::Json, value) => serde_json::to_string_pretty(value).unwrap_or_default(),
        (FieldKind::Tags { .. }, Value::Array(list)) => list.iter().map(text_of).collect::<Vec<_>>().join(", "),
        (_, value) => text_of(value),
    }
}

fn limits_of(kind: &FieldKind) -> Vec<(&'static str, String)> {
    let number = |name, value: &Option<Value>| value.as_ref().map(|value| (name, value.to_string()));
    let length = |name, value: &Option<u64>| value.map(|value| (name, value.to_string()));
    // No `pattern`: a browser's regular expressions are not the schema's, and its message says less than ours.
    let limits = match kind {
        FieldKind::Text { min_length, max_length, .. } => {
            vec![
                length("minlength", min_length),
                length("maxlength", max_length),
                Some(("autocomplete", "off".to_owned())),
            ]
        }
        FieldKind::EntityName { max_length, .. } => vec![
            length("maxlength", max_length),
            Some(("autocomplete", "off".to_owned())),
            Some(("spellcheck", "false".to_owned())),
        ],
        FieldKind::Number { min, max, step, integer, .. } => {
            let any = if *integer { "1" } else { "any" };
            let step = number("step", step).unwrap_or_else(|| ("step", any.to_owned()));
            vec![number("min", min), number("max", max), Some(step)]
        }
        FieldKind::Password | FieldKind::Secret => vec![Some(("autocomplete", "new-password".to_owned()))],
        FieldKind::Tags { .. } => {
            vec![Some(("autocomplete", "off".to_owned()))]
        }
        _ => Vec::new(),
    };
    limits.into_iter().flatten().collect()
}
