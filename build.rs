//! Takes out of Swagger UI's archive the two files that are served, as they lie there: the rest, most of it, would be
//! carried by every copy of the program and used by none.

use std::error::Error;
use std::fs::File;
use std::io::Cursor;
use std::path::Path;

use utoipa_swagger_ui_vendored::SWAGGER_UI_VENDORED;
use zip::{ZipArchive, ZipWriter};

/// What a page that tries an API out needs.
const SERVED: [&str; 2] = ["swagger-ui.css", "swagger-ui-bundle.js"];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    let out = std::env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?;
    let mut archive = ZipArchive::new(Cursor::new(SWAGGER_UI_VENDORED))?;
    let mut kept = ZipWriter::new(File::create(Path::new(&out).join("swagger-ui.zip"))?);
    for name in SERVED {
        let ending = format!("/dist/{name}");
        let mut found = None;
        for index in 0..archive.len() {
            if archive.by_index_raw(index)?.name()?.ends_with(&ending) {
                found = Some(index);
            }
        }
        let index = found.ok_or_else(|| format!("the archive of Swagger UI has no {name}"))?;
        kept.raw_copy_file_rename(archive.by_index_raw(index)?, name)?;
    }
    kept.finish()?;
    Ok(())
}
