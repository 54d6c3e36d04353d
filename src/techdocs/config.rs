//! `mkdocs.yml`: what of it counts here, and what is passed over.
//!
//! Tags such as `!!python/name:` and `!ENV` are tolerated: their text is read, their meaning is not. What is not known is a
//! remark, never an error; a file that is no YAML at all leaves a site with the defaults and says so.

use serde_json::{Map, Value};

use crate::markdown::Dialect;
use crate::yaml;

/// Names under which the file is looked for, in this order.
pub(crate) const NAMES: &[&str] = &["mkdocs.yml", "mkdocs.yaml"];

/// Keys of MkDocs that mean nothing here: looks, and what Backstage sets anyway.
const PASSED_OVER: &[&str] = &[
    "site_url",
    "site_author",
    "copyright",
    "theme",
    "extra",
    "extra_css",
    "extra_javascript",
    "extra_templates",
    "dev_addr",
    "strict",
    "watch",
    "validation",
    "hooks",
    "remote_branch",
    "remote_name",
    "repo_name",
    "not_in_nav",
    "google_analytics",
    "draft_docs",
];
/// Plugins whose work is done here, or is none: looks, numbers, search.
const PLUGINS: &[&str] = &[
    "techdocs-core",
    "search",
    "material/search",
    "gh-admonitions",
    "minify",
    "tags",
    "material/tags",
    "privacy",
    "material/privacy",
    "offline",
    "social",
    "material/social",
    "section-index",
    "redirects",
    "autorefs",
];
/// Extensions of Python-Markdown that are understood, or that only change looks.
const EXTENSIONS: &[&str] = &[
    "abbr",
    "admonition",
    "attr_list",
    "codehilite",
    "def_list",
    "extra",
    "fenced_code",
    "footnotes",
    "md_in_html",
    "meta",
    "sane_lists",
    "smarty",
    "tables",
    "toc",
    "mdx_truly_sane_lists",
    "pymdownx.arithmatex",
    "pymdownx.b64",
    "pymdownx.betterem",
    "pymdownx.blocks.admonition",
    "pymdownx.blocks.details",
    "pymdownx.blocks.tab",
    "pymdownx.blocks.html",
    "pymdownx.caret",
    "pymdownx.critic",
    "pymdownx.details",
    "pymdownx.emoji",
    "pymdownx.escapeall",
    "pymdownx.extra",
    "pymdownx.highlight",
    "pymdownx.inlinehilite",
    "pymdownx.keys",
    "pymdownx.magiclink",
    "pymdownx.mark",
    "pymdownx.pathconverter",
    "pymdownx.smartsymbols",
    "pymdownx.snippets",
    "pymdownx.superfences",
    "pymdownx.tabbed",
    "pymdownx.tasklist",
    "pymdownx.tilde",
    "markdown_include.include",
    "def_lists",
];

/// What a site says about itself.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SiteConfig {
    /// `site_name`
    pub(crate) name: Option<String>,
    /// `site_description`
    pub(crate) description: Option<String>,
    /// `docs_dir`, without slashes at its ends.
    pub(crate) docs_dir: String,
    /// `nav`
    pub(crate) nav: Option<Vec<NavEntry>>,
    /// `repo_url`
    pub(crate) repo_url: Option<String>,
    /// `edit_uri`, or `edit_uri_template`.
    pub(crate) edit_uri: Option<String>,
    /// `use_directory_urls`
    pub(crate) directory_urls: bool,
    /// Globs of pages that are left out.
    pub(crate) exclude: Vec<String>,
    /// Where included files are looked for, besides the folder of the file itself.
    pub(crate) snippet_paths: Vec<String>,
    /// What the extensions make of Markdown.
    pub(crate) dialect: Dialect,
    /// What is not done.
    pub(crate) remarks: Vec<String>,
}

/// An entry of `nav`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NavEntry {
    /// A page by its path, or an address elsewhere.
    Leaf {
        /// As it is written, if it is.
        title: Option<String>,
        /// The path or address.
        target: String,
    },
    /// Entries below a heading.
    Section {
        /// The heading.
        title: String,
        /// What is below it.
        entries: Vec<NavEntry>,
    },
}

impl Default for SiteConfig {
    fn default() -> Self {
        Self {
            name: None,
            description: None,
            docs_dir: "docs".to_owned(),
            nav: None,
            repo_url: None,
            edit_uri: None,
            directory_urls: true,
            exclude: Vec::new(),
            snippet_paths: vec![String::new()],
            dialect: Dialect::DOCS,
            remarks: Vec::new(),
        }
    }
}

impl SiteConfig {
    /// Reads the file.
    pub(crate) fn parse(source: &str) -> Self {
        let mut config = Self::default();
        let document = match yaml::documents(source).into_iter().next() {
            Some(Ok(document)) => document.value,
            Some(Err(error)) => {
                config.remarks.push(format!("mkdocs.yml cannot be read: {error}"));
                return config;
            }
            None => return config,
        };
        let Value::Object(keys) = document else {
            config.remarks.push("mkdocs.yml is no map of keys".to_owned());
            return config;
        };
        for (key, value) in &keys {
            config.take(key, value);
        }
        config
    }

    fn take(&mut self, key: &str, value: &Value) {
        match key {
            "site_name" => self.name = text(value),
            "site_description" => self.description = text(value),
            "docs_dir" => {
                let folder = text(value).unwrap_or_else(|| "docs".to_owned());
                match clean_folder(&folder) {
                    Some(folder) => self.docs_dir = folder,
                    None => self.remarks.push(format!("docs_dir: `{folder}` leads out of the folder of mkdocs.yml")),
                }
            }
            "nav" | "pages" => match value {
                Value::Array(entries) => self.nav = Some(nav(entries, 0, &mut self.remarks)),
                Value::Null => {}
                _ => self.remarks.push("nav is no list".to_owned()),
            },
            "repo_url" => self.repo_url = text(value),
            "edit_uri" | "edit_uri_template" => self.edit_uri = text(value),
            "use_directory_urls" => self.directory_urls = value.as_bool().unwrap_or(true),
            "exclude_docs" => {
                let lines = text(value).unwrap_or_default();
                let globs = lines.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
                self.exclude = globs.map(str::to_owned).collect();
            }
            "plugins" => self.plugins(value),
            "markdown_extensions" => self.extensions(value),
            "INHERIT" => self.remarks.push("INHERIT is not followed; what the other file says is not known".to_owned()),
            key if PASSED_OVER.contains(&key) => {}
            key => self.remarks.push(format!("`{key}` is no key of MkDocs")),
        }
    }

    fn plugins(&mut self, value: &Value) {
        for (name, _) in named(value) {
            if !PLUGINS.contains(&&*name) {
                self.remarks.push(format!("the plugin `{name}` does not run here; what it would add is missing"));
            }
        }
    }

    fn extensions(&mut self, value: &Value) {
        for (name, options) in named(value) {
            let short = name.strip_prefix("markdown.extensions.").unwrap_or(&name);
            match short {
                "pymdownx.arithmatex" => self.dialect.math = true,
                "nl2br" => self.dialect.line_breaks = true,
                "callouts" | "github-callouts" => self.dialect.callouts = true,
                "toc" => {
                    let slugify = options.and_then(|options| options.get("slugify")).map(Value::to_string);
                    self.dialect.unicode_anchors |=
                        slugify.is_some_and(|function| function.contains("unicode") || function.contains("slugs"));
                }
                "pymdownx.snippets" => {
                    let base = options.and_then(|options| options.get("base_path"));
                    let paths: Vec<String> = match base {
                        Some(Value::Array(paths)) => paths.iter().filter_map(text).collect(),
                        Some(one) => text(one).into_iter().collect(),
                        None => Vec::new(),
                    };
                    self.snippet_paths.extend(paths.iter().filter_map(|path| clean_folder(path)));
                }
                short if EXTENSIONS.contains(&short) => {}
                _ => self.remarks.push(format!("the Markdown extension `{name}` is not known here")),
            }
        }
    }
}

/// A list of names, each with its options or without.
fn named(value: &Value) -> Vec<(String, Option<&Map<String, Value>>)> {
    match value {
        Value::Array(entries) => entries
            .iter()
            .flat_map(|entry| match entry {
                Value::String(name) => vec![(name.clone(), None)],
                Value::Object(map) => map.iter().map(|(name, options)| (name.clone(), options.as_object())).collect(),
                _ => Vec::new(),
            })
            .collect(),
        Value::Object(map) => map.iter().map(|(name, options)| (name.clone(), options.as_object())).collect(),
        _ => Vec::new(),
    }
}

/// A text; of `!ENV [NAME, default]` the default, since nothing of the environment is handed to a document.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Array(parts) if parts.len() > 1 => parts.last().and_then(text),
        _ => None,
    }
}

/// Depth of `nav` that is read.
const DEEPEST: usize = 12;

fn nav(entries: &[Value], depth: usize, remarks: &mut Vec<String>) -> Vec<NavEntry> {
    if depth > DEEPEST {
        remarks.push(format!("nav is deeper than {DEEPEST}; the rest is left out"));
        return Vec::new();
    }
    let mut found = Vec::new();
    for entry in entries {
        match entry {
            Value::String(target) => found.push(NavEntry::Leaf { title: None, target: target.trim().to_owned() }),
            Value::Object(map) => {
                for (title, value) in map {
                    match value {
                        Value::Array(entries) => found.push(NavEntry::Section {
                            title: title.clone(),
                            entries: nav(entries, depth + 1, remarks),
                        }),
                        Value::String(target) => {
                            found.push(NavEntry::Leaf { title: Some(title.clone()), target: target.trim().to_owned() });
                        }
                        _ => remarks.push(format!("nav: `{title}` names neither a page nor a list")),
                    }
                }
            }
            other => remarks.push(format!("nav: {other} is neither a page nor a section")),
        }
    }
    found
}

/// A folder below the one of the file; `None` if it leads out.
fn clean_folder(path: &str) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => _ = parts.pop()?,
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_counts_is_read_and_the_rest_is_noted() {
        let config = SiteConfig::parse(
            "site_name: !ENV [SITE, Shop]\ndocs_dir: ./handbook/\nuse_directory_urls: false\nunknown: 1\n\
             theme: {name: material}\nplugins:\n  - techdocs-core\n  - macros: {x: 1}\n\
             markdown_extensions:\n  - toc: {permalink: true}\n  - pymdownx.arithmatex\n  - pymdownx.emoji:\n      emoji_index: !!python/name:material.extensions.emoji.twemoji\n  - mine\n\
             nav:\n  - Home: index.md\n  - plain.md\n  - More:\n      - a.md\n      - Elsewhere: https://example.com\n",
        );
        assert_eq!(config.name.as_deref(), Some("Shop"));
        assert_eq!(config.docs_dir, "handbook");
        assert!(!config.directory_urls && config.dialect.math);
        let nav = config.nav.unwrap();
        assert_eq!(nav.len(), 3);
        assert!(matches!(&nav[2], NavEntry::Section { title, entries } if title == "More" && entries.len() == 2));
        let remarks = config.remarks.join("\n");
        for part in ["`unknown`", "`macros`", "`mine`"] {
            assert!(remarks.contains(part), "{part} in {remarks}");
        }
        assert!(!remarks.contains("emoji"), "{remarks}");
    }

    #[test]
    fn what_cannot_be_read_leaves_the_defaults() {
        let config = SiteConfig::parse("a: [\n");
        assert_eq!(config.docs_dir, "docs");
        assert!(config.remarks[0].contains("line"), "{:?}", config.remarks);
        assert_eq!(SiteConfig::parse("docs_dir: ../..").docs_dir, "docs");
        assert_eq!(SiteConfig::parse(""), SiteConfig::default());
    }
}
