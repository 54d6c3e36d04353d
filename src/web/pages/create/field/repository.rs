//! The fields for a repository (host and the parts of its address), and for the person's own token for the host.

use serde_json::Value;

use super::{Offers, OptionView};
use crate::scaffolder::form::{Field, FieldKind, RepoChoice, RepoPart, TokenRequest, host_of, parts_of, takes_token};
use crate::web::pages::shown;

/// The parts of a repository's URL.
pub(super) struct RepositoryControl {
    pub(super) hosts: Vec<HostView>,
    pub(super) parts: Vec<PartView>,
    /// The clone URL of what is filled in.
    pub(super) shown: String,
}

/// One host to choose.
pub(super) struct HostView {
    pub(super) value: String,
    pub(super) label: String,
    pub(super) selected: bool,
    /// `http://localhost:7007/git/{owner}/{repo}.git`
    pub(super) pattern: String,
    pub(super) takes_token: bool,
}

/// One part of the address.
pub(super) struct PartView {
    pub(super) key: &'static str,
    pub(super) label: String,
    pub(super) value: String,
    /// What is offered.
    pub(super) options: Vec<String>,
    /// Nothing else is taken.
    pub(super) closed: bool,
    pub(super) placeholder: &'static str,
}

/// The person's own token.
pub(super) struct TokenView {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) label: String,
    pub(super) about: String,
    pub(super) placeholder: &'static str,
}

impl RepositoryControl {
    pub(super) fn new(value: &Value, choice: &RepoChoice, offers: &dyn Offers) -> Self {
        let query = value.as_str().and_then(|text| text.split_once('?')).map_or("", |(_, query)| query);
        let known = offers.hosts();
        let names = if choice.hosts.is_empty() {
            known.iter().map(|(value, _)| value.clone()).collect()
        } else {
            choice.hosts.clone()
        };
        let chosen = host_of(value);
        let host = |name: &String| HostView {
            label: known
                .iter()
                .find(|(value, _)| value == name)
                .map_or_else(|| name.clone(), |(_, label)| label.clone()),
            selected: name == chosen,
            pattern: pattern(name, offers),
            takes_token: takes_token(name),
            value: name.clone(),
        };
        let hosts: Vec<HostView> = names.iter().map(host).collect();
        // Without a script the parts of every host are shown.
        let is_used = |part: &RepoPart| names.iter().any(|name| parts_of(name).contains(part));
        let current = names.iter().find(|name| *name == chosen).or(names.first()).map_or("", String::as_str);
        let view = |part: RepoPart| {
            let allowed = choice.allowed(part);
            let offered = if part == RepoPart::Owner { offers.owners(current) } else { Vec::new() };
            let mut pairs = url::form_urlencoded::parse(query.as_bytes());
            let written = pairs.find(|(key, _)| key == part.key()).map(|(_, value)| value.into_owned());
            // Where there is nothing to choose between, it is chosen.
            let only = || allowed.and_then(|allowed| if let [only] = allowed { Some(only.clone()) } else { None });
            PartView {
                key: part.key(),
                label: label(part, choice),
                value: written.filter(|value| !value.is_empty()).or_else(only).unwrap_or_default(),
                options: allowed.map_or(offered, <[String]>::to_vec),
                closed: allowed.is_some() && part != RepoPart::Repo,
                placeholder: if part == RepoPart::Owner { "acme" } else { "" },
            }
        };
        let parts: Vec<PartView> = RepoPart::ALL.into_iter().filter(is_used).map(view).collect();
        let shown = parts.iter().fold(pattern(current, offers), |text, part| {
            let holder =
                if part.key == RepoPart::Repo.key() { "<repository>".to_owned() } else { format!("<{}>", part.key) };
            text.replace(&format!("{{{}}}", part.key), if part.value.is_empty() { &holder } else { &part.value })
        });
        Self { hosts, parts, shown }
    }
}

/// The page or clone URL of a repository at a host.
fn pattern(host: &str, offers: &dyn Offers) -> String {
    if !takes_token(host) {
        return offers.clone_pattern();
    }
    match parts_of(host) {
        [RepoPart::Organization, ..] => format!("https://{host}/{{organization}}/{{project}}/_git/{{repo}}"),
        [RepoPart::Workspace, ..] => format!("https://{host}/{{workspace}}/{{repo}}.git"),
        [RepoPart::Project, ..] => format!("https://{host}/scm/{{project}}/{{repo}}.git"),
        _ => format!("https://{host}/{{owner}}/{{repo}}.git"),
    }
}

fn label(part: RepoPart, choice: &RepoChoice) -> String {
    let written = match part {
        RepoPart::Owner => &choice.owner_label,
        RepoPart::Repo => &choice.repo_label,
        _ => &None,
    };
    let plain = if part == RepoPart::Repo { "repository" } else { part.key() };
    written.clone().unwrap_or_else(|| shown::capital(plain))
}

impl TokenView {
    /// The input for the token that a field asks for; none where no host takes one.
    pub(super) fn of(field: &Field, id: &str, offers: &dyn Offers) -> Option<Self> {
        let (token, hosts) = match &field.kind {
            FieldKind::RepoUrl(RepoChoice { token: Some(token), hosts, .. }) if hosts.is_empty() => {
                (token, offers.hosts().into_iter().map(|(host, _)| host).collect())
            }
            FieldKind::RepoUrl(RepoChoice { token: Some(token), hosts, .. }) => (token, hosts.clone()),
            FieldKind::RepoOwner { token: Some(token), host: Some(host), .. } => (token, vec![host.clone()]),
            _ => return None,
        };
        let hosts: Vec<String> = hosts.into_iter().filter(|host| takes_token(host)).collect();
        if hosts.is_empty() {
            return None;
        }
        let TokenRequest { scopes, given, .. } = token;
        let needs = if scopes.is_empty() {
            String::new()
        } else {
            format!(" Beside writing to repositories it needs the scopes {}.", scopes.join(", "))
        };
        Some(Self {
            id: format!("{id}-token"),
            name: format!("{}.token", field.name),
            label: format!("Your token for {}", hosts.join(" or ")),
            about: format!(
                "The run acts there in your name. The token is shown nowhere, and forgotten with the run.{needs}"
            ),
            placeholder: if *given { "Given; leave it empty to keep it" } else { "" },
        })
    }
}

/// The owner of a repository at a host: one of those that are allowed, or any, with those of the forge to choose from.
pub(super) fn owner(field: &Field, offers: &dyn Offers) -> super::Control {
    let FieldKind::RepoOwner { host, allowed, excluded, .. } = &field.kind else { return super::line("text") };
    let is_fine = |owner: &String| !excluded.iter().any(|excluded| excluded.eq_ignore_ascii_case(owner));
    if let Some(allowed) = allowed {
        let option =
            |owner: &String| OptionView { selected: field.value.as_str() == Some(owner), ..OptionView::plain(owner) };
        return super::Control::select(allowed.iter().filter(|owner| is_fine(owner)).map(option).collect(), false);
    }
    let host = host.clone().or_else(|| offers.hosts().first().map(|(host, _)| host.clone())).unwrap_or_default();
    let owners = offers.owners(&host).into_iter().filter(is_fine);
    super::Control::Line { type_: "text", suggestions: owners.map(OptionView::plain).collect() }
}
