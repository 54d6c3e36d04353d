//! `greenroom techdocs`: documentation without a portal.

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use rayon::prelude::*;
use serde_json::json;

use super::print;
use crate::techdocs::index::{file_of, search_documents, write_search_index};
use crate::techdocs::{Folder, Site, read_folder};
use crate::web;

/// The stylesheet of a built site.
const STYLESHEET: &str = "assets/greenroom.css";

/// Files that one core takes at a time. They differ so much in size that with larger shares the others would wait at the end.
const SHARE: usize = 4;

/// Options of `greenroom techdocs`.
#[derive(Debug, Args)]
pub(super) struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write a documentation site as static files.
    Build(Build),
    /// Tell what readers of a documentation site would stumble over; exits with 1 if there is anything.
    Check {
        /// The folder with mkdocs.yml.
        folder: PathBuf,
    },
}

#[derive(Debug, Args)]
struct Build {
    /// The folder with mkdocs.yml.
    folder: PathBuf,
    /// Where the site is written.
    #[arg(long, short, default_value = "site")]
    output: PathBuf,
    /// Fail if anything is wrong with the pages.
    #[arg(long)]
    strict: bool,
}

/// Runs it.
pub(super) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    match &options.command {
        Command::Build(build) => build.run(),
        Command::Check { folder } => {
            let site = read(folder)?.site;
            Ok(if tell(&site) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
    }
}

fn read(folder: &Path) -> anyhow::Result<Folder> {
    read_folder(folder).with_context(|| format!("cannot read the documentation in {}", folder.display()))
}

/// Says what is wrong; gives whether nothing is.
fn tell(site: &Site) -> bool {
    let problems = site.survey().problems;
    for (file, problem) in &problems {
        print::line(format!("{file}: {problem}"));
    }
    problems.is_empty()
}

impl Build {
    fn run(&self) -> anyhow::Result<ExitCode> {
        let started = Instant::now();
        let folder = read(&self.folder)?;
        let name =
            self.folder.canonicalize().ok().and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()));
        self.write(&folder, name.as_deref().unwrap_or("Documentation"))?;
        let (pages, took) = (folder.site.pages.len(), started.elapsed().as_millis());
        let output = self.output.display();
        print::note(format!("{pages} pages written to {output} in {took} ms"));
        let is_fine = !self.strict || tell(&folder.site);
        Ok(if is_fine { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn write(&self, folder: &Folder, name: &str) -> anyhow::Result<()> {
        let site = &folder.site;
        let (documents, copied) = rayon::join(|| self.write_pages(site, name), || self.copy(folder));
        copied?;
        self.index(&documents?).context("cannot write the index of the search")?;
        if let Some(first) = site.first().filter(|page| file_of(&site.pages[*page].url) != "index.html") {
            // A site without a first page leads to its first one.
            let html = web::whole_docs_page(site, first, name, Some(STYLESHEET))?;
            self.put("index.html", html.as_bytes())?;
        }
        self.put(STYLESHEET, web::docs_stylesheet().as_bytes())?;
        let built = chrono::Utc::now().timestamp_millis();
        let about = json!({
            "site_name": site.name().unwrap_or(name),
            "site_description": site.config.description.as_deref().unwrap_or_default(),
            "etag": "", "build_timestamp": built, "files": site.written_files(),
        });
        self.put("techdocs_metadata.json", about.to_string().as_bytes())
    }

    /// Writes every page; gives what the search finds on each.
    fn write_pages(&self, site: &Site, name: &str) -> anyhow::Result<Vec<String>> {
        let documents = (0..site.pages.len()).into_par_iter().with_max_len(SHARE).map(|page| {
            let html = web::whole_docs_page(site, page, name, Some(STYLESHEET))?;
            self.put(&file_of(&site.pages[page].url), html.as_bytes())?;
            Ok(search_documents(&site.said_on(page)))
        });
        Ok(documents.collect::<anyhow::Result<Vec<_>>>()?.into_iter().flatten().collect())
    }

    fn index(&self, documents: &[String]) -> anyhow::Result<()> {
        let mut file = BufWriter::new(File::create(self.place("search/search_index.json")?)?);
        write_search_index(documents, &mut file)?;
        Ok(file.flush()?)
    }

    /// Copies what is no page.
    fn copy(&self, folder: &Folder) -> anyhow::Result<()> {
        let others: Vec<_> = folder.site.other_files().collect();
        others.par_iter().with_max_len(SHARE).try_for_each(|path| {
            let (from, to) = (folder.docs.join(path), self.place(path)?);
            fs::copy(&from, &to)
                .map(drop)
                .with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))
        })
    }

    /// Where a file of the site is put; its folder is there.
    fn place(&self, path: &str) -> anyhow::Result<PathBuf> {
        let path = self.output.join(path);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        }
        Ok(path)
    }

    fn put(&self, path: &str, bytes: &[u8]) -> anyhow::Result<()> {
        let path = self.place(path)?;
        fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))
    }
}
