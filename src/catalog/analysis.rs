//! What somebody finds who wants to register a repository: the descriptors in it, or a proposal for a first one.

use serde::Serialize;
use serde_json::{Value, json};
use url::Url;

use super::registration::Registration;
use super::{Catalog, CatalogError, ReadError};
use crate::entity::Entity;
use crate::forge::{EntryKind, FileLocation, Forge, ForgeError, Repository, TreeEntry};
use crate::permission::Credentials;

/// The file that is looked for if nobody says.
const DEFAULT_FILENAME: &str = "catalog-info.yaml";
/// Descriptors of one repository that are read.
const MAX_DESCRIPTORS: usize = 100;
/// Bytes of a read-me or an owners' file that are looked at.
const MAX_TEXT: u64 = 256 * 1024;
/// Letters of a proposed description.
const MAX_DESCRIPTION: usize = 200;

/// What is at an address.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Analysis {
    /// Descriptors: target, whether it is registered, and one of the entities in it.
    Existing(Vec<(String, bool, Entity)>),
    /// None; an incomplete entity to begin with, and what is to be said of its fields.
    Proposed(Value, Vec<Field>),
}

/// What is to be said of a field of a proposed entity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Field {
    /// `spec.owner`
    #[serde(rename = "field")]
    path: &'static str,
    state: FieldState,
    value: Option<String>,
    description: String,
}

/// How sure a proposal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum FieldState {
    /// Something tells this value.
    AnalysisSuggestedValue,
    /// It can be left out.
    AnalysisSuggestedNoValue,
    /// Nothing tells, and it is needed.
    NeedsUserInput,
}

impl Catalog {
    /// Looks at an address: of a repository for its descriptors, of anything else for its name only.
    pub(crate) async fn analyze(
        &self,
        who: &Credentials,
        target: &str,
        filename: Option<&str>,
    ) -> Result<Analysis, CatalogError> {
        let url = Url::parse(target)
            .map_err(|_| CatalogError::Invalid("The given location.target is not a URL".to_owned()))?;
        let Some((forge, location)) = self.reader().locate(&url) else {
            return Ok(Analysis::Proposed(proposal(last_segment(&url)), Vec::new()));
        };
        let wrong = |error: ForgeError| unreadable(&error, target);
        let repository = forge.find(&location.repository).await.map_err(wrong)?;
        let mut place = match forge.settle(location.clone()).await {
            // A repository without a commit has no revision.
            Err(ForgeError::NotFound(_)) if location.revision == "HEAD" => location,
            settled => settled.map_err(wrong)?,
        };
        if place.revision == "HEAD" {
            place.revision.clone_from(&repository.default_branch);
        }
        let files = match forge.walk(&place.repository, &place.revision, place.folder()).await {
            Ok(files) => files,
            Err(ForgeError::NotFound(_)) if place.folder().is_empty() => Vec::new(),
            Err(error) => return Err(wrong(error)),
        };
        let wanted = filename.filter(|name| !name.is_empty()).unwrap_or(DEFAULT_FILENAME);
        let mut existing = Vec::new();
        for file in files.iter().filter(|file| is_called(file, wanted)).take(MAX_DESCRIPTORS) {
            let blob = FileLocation::blob(place.repository.clone(), place.revision.clone(), file.path.clone());
            let target = String::from(forge.canonical_url(&blob));
            let found = self.register(who, "url", &target, Registration::DryRun).await?;
            existing.extend(found.entities.into_iter().map(|entity| (target.clone(), found.existed, entity)));
        }
        if !existing.is_empty() {
            return Ok(Analysis::Existing(existing));
        }
        let texts = Texts { forge: &**forge, place: &place };
        Ok(texts.propose(&repository, &files).await)
    }
}

fn unreadable(error: &ForgeError, target: &str) -> CatalogError {
    match error {
        ForgeError::NotFound(_) => CatalogError::NotFound(ReadError::NotFound(target.to_owned()).to_string()),
        error => CatalogError::Invalid(format!("could not read {target}: {error}")),
    }
}

fn is_called(file: &TreeEntry, name: &str) -> bool {
    matches!(file.kind, EntryKind::File(_)) && (file.name() == name || file.path == name)
}

/// What stands at the end of an address: a repository's name, if it is one.
fn last_segment(url: &Url) -> &str {
    let name = url.path_segments().and_then(|mut segments| segments.rfind(|segment| !segment.is_empty()));
    name.unwrap_or_default().trim_end_matches(".git")
}

fn proposal(name: &str) -> Value {
    json!({
        "apiVersion": "backstage.io/v1alpha1",
        "kind": "Component",
        "metadata": { "name": name },
        "spec": { "type": "other", "lifecycle": "unknown" },
    })
}

/// The small files of a repository that say what it is.
struct Texts<'a> {
    forge: &'a dyn Forge,
    place: &'a FileLocation,
}

impl Texts<'_> {
    async fn propose(&self, repository: &Repository, files: &[TreeEntry]) -> Analysis {
        let name = entity_name(repository.id.name());
        let mut entity = proposal(&name);
        let mut fields = vec![suggested("metadata.name", &name, "The name of the repository")];
        match self.description(repository, files).await {
            Some((description, told)) => {
                entity["metadata"]["description"] = json!(description);
                fields.push(suggested("metadata.description", &description, told));
            }
            None => fields.push(Field {
                path: "metadata.description",
                state: FieldState::AnalysisSuggestedNoValue,
                value: None,
                description: "Neither the repository nor a read-me describes it; it can be left out".to_owned(),
            }),
        }
        if files.iter().any(|file| is_called(file, "Dockerfile")) {
            entity["spec"]["type"] = json!("service");
            fields.push(suggested("spec.type", "service", "There is a Dockerfile"));
        } else {
            fields.push(needed("spec.type", Some("other"), "Nothing tells what kind of component it is"));
        }
        fields.push(needed("spec.lifecycle", Some("unknown"), "Nothing tells how far it is"));
        match self.owner(files).await {
            Some((path, owner)) => {
                entity["spec"]["owner"] = json!(owner);
                fields.push(suggested("spec.owner", &owner, &format!("The owner of everything by {path}")));
            }
            None => fields.push(needed("spec.owner", None, "There is no CODEOWNERS file that names one")),
        }
        Analysis::Proposed(entity, fields)
    }

    async fn description(&self, repository: &Repository, files: &[TreeEntry]) -> Option<(String, &'static str)> {
        if !repository.description.trim().is_empty() {
            return Some((repository.description.trim().to_owned(), "The description of the repository"));
        }
        let readme =
            ["README.md", "README", "readme.md"].iter().find_map(|name| files.iter().find(|file| file.path == *name));
        let text = self.text(readme?).await?;
        Some((first_paragraph(&text)?, "The beginning of the read-me"))
    }

    /// The file that tells, and the owner.
    async fn owner(&self, files: &[TreeEntry]) -> Option<(String, String)> {
        const PLACES: [&str; 4] = ["CODEOWNERS", ".github/CODEOWNERS", ".gitlab/CODEOWNERS", "docs/CODEOWNERS"];
        let file = PLACES.iter().find_map(|place| files.iter().find(|file| file.path == *place))?;
        let owner = code_owner(&self.text(file).await?)?;
        Some((file.path.clone(), owner))
    }

    async fn text(&self, file: &TreeEntry) -> Option<String> {
        if file.size.is_none_or(|size| size > MAX_TEXT) {
            return None;
        }
        let read = self.forge.read(&self.place.repository, &self.place.revision, &file.path).await.ok()?;
        String::from_utf8(read.bytes.to_vec()).ok()
    }
}

fn suggested(path: &'static str, value: &str, told: &str) -> Field {
    let state = FieldState::AnalysisSuggestedValue;
    Field { path, state, value: Some(value.to_owned()), description: told.to_owned() }
}

fn needed(path: &'static str, value: Option<&str>, told: &str) -> Field {
    let state = FieldState::NeedsUserInput;
    Field { path, state, value: value.map(str::to_owned), description: told.to_owned() }
}

/// A repository's name as an entity can have it.
fn entity_name(name: &str) -> String {
    let kept: String = name.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' }).collect();
    let name: Vec<&str> = kept.split('-').filter(|part| !part.is_empty()).collect();
    let mut name = name.join("-");
    name.truncate(63);
    name.trim_end_matches('-').to_owned()
}

/// Who owns everything: of the last rule for `*` the first one, as a reference.
fn code_owner(text: &str) -> Option<String> {
    let rules = text.lines().map(|line| line.split('#').next().unwrap_or_default());
    let rules = rules.map(|line| line.split_whitespace().collect::<Vec<_>>());
    let mut owners = rules.filter(|rule| rule.first().is_some_and(|pattern| matches!(*pattern, "*" | "/" | "**")));
    let owner = owners.next_back()?.get(1).copied()?;
    let named = match owner.strip_prefix('@') {
        Some(team) if team.contains('/') => team.rsplit('/').next().unwrap_or_default().to_lowercase(),
        Some(user) => format!("user:{}", user.to_lowercase()),
        None => owner.split('@').next().unwrap_or_default().to_lowercase(),
    };
    (!named.is_empty()).then_some(named)
}

/// The first lines of a text that are prose.
fn first_paragraph(text: &str) -> Option<String> {
    let is_prose = |line: &&str| !line.starts_with(['#', '!', '[', '<', '=', '-', '>', '|', '`']);
    let lines = text.lines().map(str::trim);
    let prose = lines.skip_while(|line| line.is_empty() || !is_prose(line));
    let paragraph = prose.take_while(|line| !line.is_empty() && is_prose(line)).collect::<Vec<_>>().join(" ");
    let cut: String = paragraph.chars().take(MAX_DESCRIPTION).collect();
    let cut = if cut.len() < paragraph.len() { format!("{}…", cut.trim_end()) } else { cut };
    (!cut.is_empty()).then_some(cut)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_are_read_as_their_file_means_them() {
        let cases = [
            ("* @acme/platform", Some("platform")),
            ("# *  @acme/nobody\n*  @acme/first\n/docs @acme/writers\n* @acme/Last @acme/second # why", Some("last")),
            ("* @alice", Some("user:alice")),
            ("* alice@example.com", Some("alice")),
            ("/src @acme/platform", None),
            ("*", None),
            ("", None),
        ];
        for (text, owner) in cases {
            assert_eq!(code_owner(text).as_deref(), owner, "{text}");
        }
    }

    #[test]
    fn names_and_descriptions_are_fit_for_an_entity() {
        for (name, expected) in
            [("api", "api"), ("my.api_v2", "my-api-v2"), ("--x--", "x"), (&"a".repeat(80), &"a".repeat(63))]
        {
            assert_eq!(entity_name(name), expected);
        }
        let readme = "# Payments\n\n[![build](x)](y)\n\nTakes money\nand keeps it.\n\nMore.";
        assert_eq!(first_paragraph(readme).as_deref(), Some("Takes money and keeps it."));
        assert_eq!(first_paragraph("# Nothing\n"), None);
        assert_eq!(first_paragraph(&"word ".repeat(100)).unwrap().chars().count(), MAX_DESCRIPTION);
    }
}
