//! The field for a repository: host, owner and name.

use serde_json::Value;

use super::{Offers, OptionView};
use crate::scaffolder::form::RepoChoice;

/// The three parts of a repository's URL.
pub(super) struct RepositoryControl {
    pub(super) hosts: Vec<OptionView>,
    pub(super) owners: Vec<String>,
    pub(super) owners_closed: bool,
    pub(super) repos: Vec<String>,
    pub(super) owner: String,
    pub(super) repo: String,
    pub(super) owner_label: String,
    pub(super) repo_label: String,
    /// `http://localhost:7007/git/{owner}/{repo}.git`
    pub(super) clone_base: String,
}

impl RepositoryControl {
    pub(super) fn new(value: &Value, choice: &RepoChoice, offers: &dyn Offers) -> Self {
        let (host, query) = value.as_str().unwrap_or_default().split_once('?').unwrap_or_default();
        let part = |wanted: &str| {
            let mut pairs = url::form_urlencoded::parse(query.as_bytes());
            pairs.find(|(key, _)| key == wanted).map(|(_, value)| value.into_owned()).unwrap_or_default()
        };
        let known = offers.hosts();
        let label = |host: &str| {
            known.iter().find(|(value, _)| value == host).map_or_else(|| host.to_owned(), |(_, label)| label.clone())
        };
        let offered: Vec<String> = if choice.hosts.is_empty() {
            known.iter().map(|(value, _)| value.clone()).collect()
        } else {
            choice.hosts.clone()
        };
        let hosts = offered.into_iter().map(|value| OptionView {
            label: label(&value),
            selected: value == host,
            ..OptionView::plain(value)
        });
        Self {
            hosts: hosts.collect(),
            owners_closed: choice.owners.is_some(),
            owners: choice.owners.clone().unwrap_or_else(|| offers.owners()),
            repos: choice.repos.clone().unwrap_or_default(),
            owner: part("owner"),
            repo: part("repo"),
            owner_label: choice.owner_label.clone().unwrap_or_else(|| "Owner".to_owned()),
            repo_label: choice.repo_label.clone().unwrap_or_else(|| "Repository".to_owned()),
            clone_base: offers.clone_pattern(),
        }
    }

    /// The clone URL of what is filled in.
    pub(super) fn shown(&self) -> String {
        let part = |text: &str, name: &str| if text.is_empty() { format!("<{name}>") } else { text.to_owned() };
        self.clone_base
            .replace("{owner}", &part(&self.owner, "owner"))
            .replace("{repo}", &part(&self.repo, "repository"))
    }
}
