//! What a first start finds: the shipped templates, the example organisation and the portal's own documentation, as
//! repositories of the local forge.
//!
//! They are embedded in the program and committed to `greenroom/templates`, `acme/catalog` and `greenroom/portal`, so they are read,
//! versioned and changed the way everything else is. A trailer in the commit names a hash of the files: the same hash
//! means nothing to do, another one a new version to commit, and no trailer that somebody has taken the repository
//! over, which is then left alone.

use chrono::Utc;
use rust_embed::RustEmbed;
use sha2::{Digest, Sha256};

use crate::forge::{
    Contents, FileLocation, Forge, ForgeError, LogQuery, NewCommit, NewFile, NewRepository, Parent, RepositoryId,
    Signature, Visibility,
};

/// Trailer of the commits made here.
const TRAILER: &str = "Greenroom-Content: ";
/// Branch of the repositories made here.
const BRANCH: &str = "main";

#[derive(RustEmbed)]
#[folder = "templates/software"]
struct SoftwareTemplates;

#[derive(RustEmbed)]
#[folder = "examples/acme"]
struct ExampleOrganisation;

#[derive(RustEmbed)]
#[folder = "docs"]
struct OwnDocs;

/// One repository to have.
struct Shipment {
    owner: &'static str,
    name: &'static str,
    description: &'static str,
    files: Vec<NewFile>,
}

/// Puts the shipped templates into the forge; gives the location to register.
pub(super) async fn software_templates(forge: &dyn Forge) -> Result<String, ForgeError> {
    let files = embedded::<SoftwareTemplates>();
    ship(
        forge,
        Shipment {
            owner: "greenroom",
            name: "templates",
            description: "The golden-path templates shipped with Greenroom",
            files,
        },
    )
    .await
}

/// Puts the example organisation into the forge; gives the location to register.
pub(super) async fn example_organisation(forge: &dyn Forge) -> Result<String, ForgeError> {
    let files = embedded::<ExampleOrganisation>();
    ship(
        forge,
        Shipment { owner: "acme", name: "catalog", description: "The example organisation: an online shop", files },
    )
    .await
}

/// Puts the portal's descriptor and documentation into the forge; gives the location to register.
pub(super) async fn own_documentation(forge: &dyn Forge) -> Result<String, ForgeError> {
    let mut files = embedded::<OwnDocs>();
    for file in &mut files {
        file.path = format!("docs/{}", file.path);
    }
    files.push(NewFile::regular("catalog-info.yaml", include_bytes!("../../catalog-info.yaml").to_vec()));
    files.push(NewFile::regular("mkdocs.yml", include_bytes!("../../mkdocs.yml").to_vec()));
    files.sort_by(|one, other| one.path.cmp(&other.path));
    let description = "Greenroom itself: its entry in the catalog and its documentation";
    ship(forge, Shipment { owner: "greenroom", name: "portal", description, files }).await
}

fn embedded<E: RustEmbed>() -> Vec<NewFile> {
    let mut files: Vec<NewFile> = E::iter()
        .filter_map(|path| Some((path.to_string(), E::get(&path)?.data.into_owned())))
        .map(|(path, bytes)| {
            // File modes are not embedded; what starts with an interpreter line is meant to be run.
            let script = bytes.starts_with(b"#!");
            if script { NewFile::executable(path, bytes) } else { NewFile::regular(path, bytes) }
        })
        .collect();
    files.sort_by(|one, other| one.path.cmp(&other.path));
    files
}

async fn ship(forge: &dyn Forge, shipment: Shipment) -> Result<String, ForgeError> {
    let repository = RepositoryId::new(shipment.owner, shipment.name)?;
    match forge.find(&repository).await {
        Ok(_) => {}
        Err(ForgeError::NotFound(_)) => {
            forge.create(new_repository(repository.clone(), shipment.description)).await?;
        }
        Err(error) => return Err(error),
    }
    let hash = content_hash(&shipment.files);
    let query = LogQuery { revision: BRANCH.to_owned(), path: None, skip: 0, limit: 1 };
    let tip = match forge.log(&repository, query).await {
        Ok(commits) => commits.into_iter().next(),
        Err(ForgeError::NotFound(_)) => None,
        Err(error) => return Err(error),
    };
    let parent = match tip {
        None => Some(Parent::Root),
        Some(commit) => match commit.message.lines().find_map(|line| line.strip_prefix(TRAILER)) {
            Some(shipped) if shipped.trim() != hash => Some(Parent::Tip(commit.id)),
            Some(_) => None,
            None => {
                tracing::debug!(repository = %repository, "left alone: its last commit is somebody's own");
                None
            }
        },
    };
    if let Some(parent) = parent {
        forge.commit(&repository, new_commit(shipment.files, parent, &hash)).await?;
    }
    Ok(forge.canonical_url(&FileLocation::blob(repository, BRANCH, "catalog-info.yaml")).to_string())
}

fn new_repository(id: RepositoryId, description: &str) -> NewRepository {
    NewRepository {
        id,
        description: description.to_owned(),
        default_branch: BRANCH.to_owned(),
        visibility: Visibility::Public,
        created_by: None,
        mark: None,
    }
}

fn new_commit(files: Vec<NewFile>, parent: Parent, hash: &str) -> NewCommit {
    let signature = Signature {
        name: "Greenroom".to_owned(),
        email: "greenroom@localhost".to_owned(),
        time: Utc::now().fixed_offset(),
    };
    NewCommit {
        branch: BRANCH.to_owned(),
        parent,
        contents: Contents::Tree(files),
        message: format!("Ship what comes with Greenroom {}\n\n{TRAILER}{hash}\n", env!("CARGO_PKG_VERSION")),
        author: signature.clone(),
        committer: signature,
        any_author: false,
    }
}

fn content_hash(files: &[NewFile]) -> String {
    let mut hasher = Sha256::new();
    for file in files {
        // Lengths first, so that no two lists of files look alike.
        hasher.update(file.path.len().to_le_bytes());
        hasher.update(file.path.as_bytes());
        hasher.update(file.bytes.len().to_le_bytes());
        hasher.update(&file.bytes);
    }
    hex::encode(&hasher.finalize()[..16])
}
