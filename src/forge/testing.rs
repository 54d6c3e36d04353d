//! Repositories and commits for the tests of other rooms.

use chrono::Utc;

use super::{Contents, NewCommit, NewFile, NewRepository, Parent, RepositoryId, Signature, Visibility};

/// A repository to be created: private, of nobody, with `main`.
pub(crate) fn new_repository(id: &RepositoryId) -> NewRepository {
    NewRepository {
        id: id.clone(),
        description: String::new(),
        default_branch: "main".to_owned(),
        visibility: Visibility::Private,
        created_by: None,
        mark: None,
    }
}

/// A commit by Jo, made now.
pub(crate) fn new_commit(branch: &str, parent: Parent, contents: Contents, message: impl Into<String>) -> NewCommit {
    let jo = Signature { name: "Jo".to_owned(), email: "jo@acme.example".to_owned(), time: Utc::now().fixed_offset() };
    NewCommit {
        branch: branch.to_owned(),
        parent,
        contents,
        message: message.into(),
        committer: jo.clone(),
        author: jo,
        any_author: false,
    }
}

/// These texts and no other files.
pub(crate) fn tree(files: &[(&str, &str)]) -> Contents {
    Contents::Tree(files.iter().map(|(path, text)| NewFile::regular(*path, (*text).to_owned())).collect())
}

/// One text more, or another in its place.
pub(crate) fn written(path: &str, text: &str) -> Contents {
    Contents::Change { write: vec![NewFile::regular(path, text.to_owned())], delete: Vec::new() }
}
