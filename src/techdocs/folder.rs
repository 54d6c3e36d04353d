//! A site from a folder of this machine: for building it without a portal.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use rayon::prelude::*;

use super::config::{NAMES, SiteConfig};
use super::site::{Place, Site, SiteFiles, is_page};

/// A site, and where the files are that are no pages: their bytes are not read.
pub(crate) struct Folder {
    /// The site.
    pub(crate) site: Site,
    /// Its `docs_dir`.
    pub(crate) docs: PathBuf,
}

/// Reads the folder of `mkdocs.yml`. Links are not followed.
pub(crate) fn read(folder: &Path) -> io::Result<Folder> {
    let config = NAMES.iter().find_map(|name| fs::read_to_string(folder.join(name)).ok());
    let parsed = config.as_deref().map(SiteConfig::parse).unwrap_or_default();
    let root = folder.join(&parsed.docs_dir);
    let mut found = Vec::new();
    walk(&root, &root, &mut found)?;
    let docs = found.into_par_iter().map(|(below, path)| {
        let bytes = if is_page(&below) { fs::read(path)?.into() } else { Bytes::new() };
        Ok((below, bytes))
    });
    let docs = docs.collect::<io::Result<_>>()?;
    let mut site =
        Site::new(SiteFiles { config, docs, beside: BTreeMap::new() }, "folder".to_owned(), Place::default());
    site.other_images = true;
    // What pages include, from wherever.
    let pages = site.files.docs.par_iter().filter(|(path, _)| is_page(path));
    let names: Vec<String> =
        pages.flat_map_iter(|(_, bytes)| crate::markdown::included(&String::from_utf8_lossy(bytes))).collect();
    for name in names {
        for place in site.places_of(&name).collect::<Vec<_>>() {
            let below = place.strip_prefix(&parsed.docs_dir).map(|path| path.trim_start_matches('/').to_owned());
            let Ok(bytes) = fs::read(folder.join(&place)) else { continue };
            match below.filter(|below| site.files.docs.contains_key(below)) {
                Some(below) => _ = site.files.docs.insert(below, bytes.into()),
                None => _ = site.files.beside.insert(place, bytes.into()),
            }
        }
    }
    Ok(Folder { site, docs: root })
}

/// Finds the files below a folder: each by its path below the root, and where it is.
fn walk(root: &Path, folder: &Path, found: &mut Vec<(String, PathBuf)>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        let path = entry.path();
        if kind.is_dir() {
            walk(root, &path, found)?;
        } else if kind.is_file()
            && let Ok(below) = path.strip_prefix(root)
            && let Some(below) = below.to_str()
        {
            found.push((below.replace('\\', "/"), path.clone()));
        }
    }
    Ok(())
}
