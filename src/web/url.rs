//! Every internal link, as a function: templates and handlers never paste paths together.
//!
//! Each value is percent-encoded for the place it stands in, so a name with a slash or a question mark stays
//! one segment. The route patterns that answer these links stand beside their handlers.

mod entity;

use std::fmt::Write as _;

use uuid::Uuid;

pub(crate) use self::entity::*;
use crate::entity::EntityRef;

/// `/`
pub(crate) fn home() -> String {
    "/".to_owned()
}

/// The sign-in page; `next` is where to go afterwards.
pub(crate) fn sign_in(next: Option<&str>) -> String {
    match next {
        Some(next) if next != "/" => format!("/sign-in?next={}", query(next)),
        _ => "/sign-in".to_owned(),
    }
}

/// Where the sign-out form posts to.
pub(crate) fn sign_out() -> String {
    "/sign-out".to_owned()
}

/// The gallery of templates.
pub(crate) fn create() -> String {
    "/create".to_owned()
}

/// Starts a form for a template.
pub(crate) fn create_from(template: &EntityRef) -> String {
    format!("/create/templates/{}/{}", segment(template.namespace()), segment(template.name()))
}

/// One page of an unfinished form, counted from 0.
pub(crate) fn draft(id: Uuid, page: usize) -> String {
    format!("/create/drafts/{id}/{page}")
}

/// What an unfinished form would make.
pub(crate) fn draft_plan(id: Uuid) -> String {
    format!("/create/drafts/{id}/plan")
}

/// What a template makes, asks and did so far.
pub(crate) fn template_about(template: &EntityRef) -> String {
    format!("{}/about", create_from(template))
}

/// The entities of a picker: its filter as JSON, and whose they are. Words are added as `q`.
pub(crate) fn picked_entities(filter: &str, own: &str) -> String {
    format!("/create/entities?filter={}&own={own}", query(filter))
}

/// The feature flags of templates, and which of them are on.
pub(crate) fn feature_flags() -> String {
    "/create/feature-flags".to_owned()
}

/// Every action that steps can name.
pub(crate) fn actions() -> String {
    "/create/actions".to_owned()
}

/// One action, on the page of all of them.
pub(crate) fn action(id: &str) -> String {
    format!("{}#{}", actions(), query(id))
}

/// What expressions can call, and a box to try one.
pub(crate) fn templating_extensions() -> String {
    "/create/templating-extensions".to_owned()
}

/// The box to try an expression, with one in it.
pub(crate) fn try_expression(expression: &str) -> String {
    format!("{}?expression={}#try", templating_extensions(), query(expression))
}

/// The editor of templates, with a text to start from.
pub(crate) fn editor() -> String {
    "/create/edit".to_owned()
}

/// The editor with a template of the catalog.
pub(crate) fn edit_template(template: &EntityRef) -> String {
    format!("{}?template={}", editor(), query(&template.to_string()))
}

/// The editor with an example of an action, counted from 0.
pub(crate) fn edit_example(action: &str, example: usize) -> String {
    format!("{}?action={}&example={example}", editor(), query(action))
}

/// All runs.
pub(crate) fn tasks() -> String {
    "/create/tasks".to_owned()
}

/// The questions of runs that wait for whoever looks.
pub(crate) fn approvals() -> String {
    "/create/approvals".to_owned()
}

/// What whoever looks was told: only what is not read, or all; pages from 0.
pub(crate) fn notifications(all: bool, page: usize) -> String {
    let show = if all { "?show=all" } else { "" };
    match page {
        0 => format!("/notifications{show}"),
        page => format!("/notifications{show}{}page={page}", if all { '&' } else { '?' }),
    }
}

/// What the organisation tells everybody.
pub(crate) fn announcements() -> String {
    "/announcements".to_owned()
}

/// One run.
pub(crate) fn task(id: Uuid) -> String {
    format!("/create/tasks/{id}")
}

/// The live events of one run.
pub(crate) fn task_events(id: Uuid) -> String {
    format!("/create/tasks/{id}/events")
}

/// Where the form that cancels a run posts to.
pub(crate) fn task_cancellation(id: Uuid) -> String {
    format!("/create/tasks/{id}/cancellation")
}

/// What a run made, to be taken back.
pub(crate) fn task_undo(id: Uuid) -> String {
    format!("/create/tasks/{id}/undo")
}

/// Where the form that decides what a step asked posts to.
pub(crate) fn task_approval(id: Uuid, step: &str) -> String {
    format!("/create/tasks/{id}/approvals/{}", segment(step))
}

/// Where the form that tries a failed run again posts to.
pub(crate) fn task_attempts(id: Uuid) -> String {
    format!("/create/tasks/{id}/attempts")
}

/// The list of entities.
pub(crate) fn catalog() -> String {
    "/catalog".to_owned()
}

/// The list of entities with filters, e.g. `[("kind", "component")]`.
pub(crate) fn catalog_where(filters: &[(&str, &str)]) -> String {
    let mut link = catalog();
    for (index, (key, value)) in filters.iter().enumerate() {
        let mark = if index == 0 { '?' } else { '&' };
        link.push(mark);
        link.push_str(&query(key));
        link.push('=');
        link.push_str(&query(value));
    }
    link
}

/// A page of an entity's documentation, at a heading.
pub(crate) fn docs_section(reference: &EntityRef, path: &str, anchor: &str) -> String {
    let EntityParts { namespace, kind, name } = entity_parts(reference);
    let mut link = format!("/docs/{namespace}/{kind}/{name}/");
    link.push_str(&path.split('/').map(segment).collect::<Vec<_>>().join("/"));
    if !anchor.is_empty() {
        link.push('#');
        link.push_str(&segment(anchor));
    }
    link
}

/// An operation or type on the page of an API's definition.
pub(crate) fn definition_entry(reference: &EntityRef, anchor: &str) -> String {
    format!("{}#{}", entity_tab(reference, "api"), segment(anchor))
}

/// Everything, searched.
pub(crate) fn search() -> String {
    "/search".to_owned()
}

/// A search with words and filters that are set.
pub(crate) fn search_where(filters: &[(&str, &str)]) -> String {
    let given: Vec<(&str, &str)> = filters.iter().filter(|(_, value)| !value.is_empty()).copied().collect();
    catalog_where(&given).replacen(&catalog(), &search(), 1)
}

/// A list of entities as a file, `csv` or `json`; `list` is the list's address.
pub(crate) fn catalog_export(format: &str, list: &str) -> String {
    list.replacen("/catalog", &format!("/catalog/export.{format}"), 1)
}

/// Where the form that does something with chosen entities of a list posts to.
pub(crate) fn catalog_bulk() -> String {
    "/catalog/bulk".to_owned()
}

/// What runs where.
pub(crate) fn delivery() -> String {
    "/delivery".to_owned()
}

/// What runs where, of some services.
pub(crate) fn delivery_where(filters: &[(&str, &str)]) -> String {
    let given: Vec<(&str, &str)> = filters.iter().filter(|(_, value)| !value.is_empty()).copied().collect();
    catalog_where(&given).replacen(&catalog(), &delivery(), 1)
}

/// Tells that something changed on a cluster.
pub(crate) fn delivery_events() -> String {
    "/delivery/events".to_owned()
}

/// What a promotion would change; the form of it posts here, too.
pub(crate) fn promotion_new() -> String {
    "/delivery/promotions/new".to_owned()
}

/// What bringing a version to an environment would change.
pub(crate) fn promotion_from(reference: &EntityRef, from: &str, to: &str) -> String {
    let (entity, from, to) = (query(&reference.to_string()), query(from), query(to));
    format!("{}?entity={entity}&from={from}&to={to}", promotion_new())
}

/// What going back to the version of an earlier commit would change.
pub(crate) fn promotion_back(reference: &EntityRef, to: &str, revision: &str) -> String {
    let (entity, to, revision) = (query(&reference.to_string()), query(to), query(revision));
    format!("{}?entity={entity}&to={to}&revision={revision}", promotion_new())
}

/// One promotion.
pub(crate) fn promotion(id: Uuid) -> String {
    format!("/delivery/promotions/{id}")
}

/// All documentation.
pub(crate) fn docs() -> String {
    "/docs".to_owned()
}

/// A page of an entity's documentation, by its address within the site; the first one is the empty address.
pub(crate) fn docs_page(reference: &EntityRef, page: &str) -> String {
    let EntityParts { namespace, kind, name } = entity_parts(reference);
    let page = page.split('/').map(segment).collect::<Vec<_>>().join("/");
    format!("/docs/{namespace}/{kind}/{name}/{page}")
}

/// What is wrong with an entity's documentation.
pub(crate) fn docs_problems(reference: &EntityRef) -> String {
    format!("{}?show=problems", docs_page(reference, ""))
}

/// What is broken in the catalog.
pub(crate) fn problems() -> String {
    "/catalog/problems".to_owned()
}

/// Tells that the catalog changed, or one entity of it.
pub(crate) fn catalog_changes(about: Option<&EntityRef>) -> String {
    let about = about.map(|about| format!("?about={}", query(&about.to_string()))).unwrap_or_default();
    format!("/catalog/changes{about}")
}

/// The tree of groups.
pub(crate) fn organisation() -> String {
    "/organisation".to_owned()
}

/// Handing an entity over to another owner; the form of it posts here, too.
pub(crate) fn entity_owner(reference: &EntityRef, to: Option<&str>) -> String {
    let to = to.map(|to| format!("?to={}", query(to))).unwrap_or_default();
    format!("{}{to}", entity_tab(reference, "owner"))
}

/// The registered locations.
pub(crate) fn locations() -> String {
    "/catalog/locations".to_owned()
}

/// A further page of the registered locations.
pub(crate) fn locations_page(page: usize) -> String {
    if page <= 1 { locations() } else { format!("/catalog/locations?page={page}") }
}

/// Where the form that asks a provider posts to.
pub(crate) fn provider_runs() -> String {
    "/catalog/provider-runs".to_owned()
}

/// One registered location.
pub(crate) fn location(id: Uuid) -> String {
    format!("/catalog/locations/{id}")
}

/// Where the form that unregisters a location posts to.
pub(crate) fn location_removal(id: Uuid) -> String {
    format!("/catalog/locations/{id}/removal")
}

/// Bringing repositories into the catalog, as Backstage's page.
pub(crate) fn imports() -> String {
    "/catalog-import".to_owned()
}

/// What is at an address that may be imported: a part of it, from 1; `now` waits for it.
pub(crate) fn import_survey(address: &str, part: usize, now: bool) -> String {
    let part = if part > 1 { format!("&part={part}") } else { String::new() };
    format!("{}?url={}{part}{}", imports(), query(address), if now { "&now=yes" } else { "" })
}

/// One import; `now` waits for its pull requests.
pub(crate) fn import(id: Uuid, now: bool) -> String {
    format!("{}/{id}{}", imports(), if now { "?now=yes" } else { "" })
}

/// Where the form that carries out again what failed posts to.
pub(crate) fn import_attempts(id: Uuid) -> String {
    format!("{}/attempts", import(id, false))
}

/// All repositories of the local forge.
pub(crate) fn repositories() -> String {
    "/repositories".to_owned()
}

/// One repository of the local forge.
pub(crate) fn repository(owner: &str, repository: &str) -> String {
    format!("/repositories/{}/{}", segment(owner), segment(repository))
}

/// A folder of a repository at a branch, tag or commit; an empty path is the root.
pub(crate) fn tree(owner: &str, name: &str, revision: &str, path: &str) -> String {
    in_repository(owner, name, "tree", revision, path)
}

/// A file of a repository.
pub(crate) fn blob(owner: &str, name: &str, revision: &str, path: &str) -> String {
    in_repository(owner, name, "blob", revision, path)
}

/// A file's bytes.
pub(crate) fn raw(owner: &str, name: &str, revision: &str, path: &str) -> String {
    in_repository(owner, name, "raw", revision, path)
}

/// The history of a branch, tag or commit.
pub(crate) fn commits(owner: &str, name: &str, revision: &str) -> String {
    in_repository(owner, name, "commits", revision, "")
}

/// One commit.
pub(crate) fn commit(owner: &str, name: &str, id: &str) -> String {
    format!("{}/commit/{}", repository(owner, name), segment(id))
}

/// The pull requests of a repository.
pub(crate) fn pulls(owner: &str, name: &str) -> String {
    format!("{}/pulls", repository(owner, name))
}

/// One pull request.
pub(crate) fn pull(owner: &str, name: &str, number: u64) -> String {
    format!("{}/{number}", pulls(owner, name))
}

/// Where Git clients fetch from, below the site's base URL.
pub(crate) fn git(owner: &str, name: &str) -> String {
    format!("/git/{}/{}.git", segment(owner), segment(name))
}

/// What somebody set for themselves.
pub(crate) fn settings() -> String {
    "/settings".to_owned()
}

/// The operators' page.
pub(crate) fn status() -> String {
    "/status".to_owned()
}

struct EntityParts {
    namespace: String,
    kind: String,
    name: String,
}

fn entity_parts(reference: &EntityRef) -> EntityParts {
    EntityParts {
        namespace: segment(reference.namespace()),
        kind: segment(reference.kind()),
        name: segment(reference.name()),
    }
}

fn in_repository(owner: &str, name: &str, view: &str, revision: &str, path: &str) -> String {
    let mut link = format!("{}/{view}/{}", repository(owner, name), segment(revision));
    for part in path.split('/').filter(|part| !part.is_empty()) {
        link.push('/');
        link.push_str(&segment(part));
    }
    link
}

/// Encodes one segment of a path.
pub(crate) fn segment(text: &str) -> String {
    encode(text, |byte| matches!(byte, b'-' | b'.' | b'_' | b'~' | b':' | b'@' | b'+' | b'=' | b','))
}

/// Encodes a key or a value of a query.
pub(crate) fn query(text: &str) -> String {
    encode(text, |byte| matches!(byte, b'-' | b'.' | b'_' | b'~' | b':' | b'/'))
}

fn encode(text: &str, plain: impl Fn(u8) -> bool) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || plain(byte) {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}").expect("writing to a String never fails");
        }
    }
    // A segment of only dots would be resolved away by the browser.
    if encoded == "." || encoded == ".." { encoded.replace('.', "%2E") } else { encoded }
}

/// `next` if it is a path of this site, else the home page. Refused: other sites, also in their short forms
/// (`//host`, `/\host`), and control characters, which browsers drop while reading a URL.
pub(crate) fn same_site(next: &str) -> &str {
    let mut characters = next.chars();
    let rooted = characters.next() == Some('/') && !matches!(characters.next(), Some('/' | '\\'));
    if rooted && !next.chars().any(char::is_control) { next } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stay_in_their_segment() {
        assert_eq!(
            blob("a b", "r/x", "feature/1", "docs/über?.md"),
            "/repositories/a%20b/r%2Fx/blob/feature%2F1/docs/%C3%BCber%3F.md"
        );
        assert_eq!(entity(&EntityRef::new("Component", "default", "A.b")), "/catalog/default/component/a.b");
        assert_eq!(segment(".."), "%2E%2E");
        assert_eq!(catalog_where(&[("kind", "component"), ("q", "a&b")]), "/catalog?kind=component&q=a%26b");
        assert_eq!(sign_in(Some("/create?x=1&y=2")), "/sign-in?next=/create%3Fx%3D1%26y%3D2");
    }

    #[test]
    fn only_paths_of_this_site_are_followed() {
        let cases = [
            ("/create/drafts/1", "/create/drafts/1"),
            ("/catalog?q=//x", "/catalog?q=//x"),
            ("//evil.example", "/"),
            ("/\\evil.example", "/"),
            ("/\t/evil.example", "/"),
            ("https://evil.example", "/"),
            ("javascript:alert(1)", "/"),
            ("", "/"),
        ];
        for (next, expected) in cases {
            assert_eq!(same_site(next), expected, "{next:?}");
        }
    }
}
