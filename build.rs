//! Takes out of Swagger UI's archive the two files that are served, as they lie there: the rest, most of it, would be
//! carried by every copy of the program and used by none. Tells the linker how to write where addresses go.

use std::env;
use std::error::Error;
use std::fs::File;
use std::io::Cursor;
use std::path::Path;
use std::process::Command;

use utoipa_swagger_ui_vendored::SWAGGER_UI_VENDORED;
use zip::{ZipArchive, ZipWriter};

/// What a page that tries an API out needs.
const SERVED: [&str; 2] = ["swagger-ui.css", "swagger-ui-bundle.js"];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    if knows_packed_relocations() {
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
    let out = env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?;
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

/// Whether the system's loader reads relocations as bitmaps (`DT_RELR`): glibc does from 2.36 on. There are 120,000 of
/// them, read at every start; as bitmaps they take 35 kB instead of 3 MB. A program for another system keeps the old form,
/// for what that one knows cannot be asked here.
fn knows_packed_relocations() -> bool {
    let target = env::var_os("TARGET").unwrap_or_default();
    if env::var_os("HOST").as_ref() != Some(&target) || !target.to_string_lossy().ends_with("-linux-gnu") {
        return false;
    }
    let version = Command::new("getconf").arg("GNU_LIBC_VERSION").output().ok();
    let version = version.and_then(|output| String::from_utf8(output.stdout).ok()).unwrap_or_default();
    let mut numbers = version.trim().trim_start_matches("glibc ").split('.').map_while(|part| part.parse::<u32>().ok());
    numbers.next().zip(numbers.next()).is_some_and(|version| version >= (2, 36))
}
