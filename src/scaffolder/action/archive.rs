//! `roadiehq:utils:zip`: a file or folder of the workspace becomes an archive in it.
//!
//! Entries have no time, so that every attempt of a run makes the same bytes. Symbolic links are left out: what unpacks
//! an archive may follow them. What goes in is bounded by the workspace.

use std::io::{Cursor, Write as _};
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use serde_json::json;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::super::workspace;
use super::skeleton::blocking;
use super::{Action, ActionContext, ActionDescription, ActionError, Example, Outputs, outputs, text};
use crate::forge::FileMode;

/// The action.
pub(super) fn actions() -> Vec<Arc<dyn Action>> {
    vec![Arc::new(Zip)]
}

struct Zip;

/// A file on its way into an archive.
struct Entry {
    name: String,
    mode: FileMode,
    bytes: Bytes,
}

impl Action for Zip {
    fn description(&self) -> ActionDescription {
        ActionDescription {
            id: "roadiehq:utils:zip",
            description: "Zips the content of the path",
            input: json!({
                "type": "object", "required": ["path", "outputPath"], "additionalProperties": false,
                "properties": {
                    "path": {"type": "string", "description": "Relative path you would like to zip"},
                    "outputPath": {"type": "string", "description": "The name of the result of the zip command"},
                },
            }),
            output: Some(json!({"type": "object", "required": ["outputPath"], "properties": {
                "outputPath": {"type": "string", "description": "The name of the result of the zip command"},
            }})),
            examples: vec![Example {
                description: "Packs a folder.",
                example: "steps:\n  - id: zip\n    action: roadiehq:utils:zip\n    input:\n      path: ./service\n      outputPath: ./service.zip\n",
            }],
        }
    }

    fn run<'a>(&'a self, ctx: &'a mut ActionContext, input: Outputs) -> BoxFuture<'a, Result<Outputs, ActionError>> {
        Box::pin(async move {
            let path = text(&input, "path").unwrap_or_default();
            let target = text(&input, "outputPath").unwrap_or_default();
            ctx.workspace.plain_file(target)?;
            let entries = entries(ctx, path)?;
            let packed = blocking(move || pack(&entries)).await?;
            let packed = packed.map_err(|error| ActionError::failed(format!("{path} cannot be zipped: {error}")))?;
            ctx.workspace.write(target, FileMode::Regular, Bytes::from(packed))?;
            Ok(outputs([("outputPath", json!(target))]))
        })
    }
}

/// The file, or what is below the folder.
fn entries(ctx: &ActionContext, given: &str) -> Result<Vec<Entry>, ActionError> {
    let path = workspace::normal(given)?;
    if let Some(file) = ctx.workspace.plain_file(&path)? {
        let name = path.rsplit('/').next().unwrap_or(&path).to_owned();
        return Ok(vec![Entry { name, mode: file.mode, bytes: file.bytes.clone() }]);
    }
    if !ctx.workspace.exists(&path)? {
        return Err(ActionError::input(format!("File {given} does not exist. Can't zip it.")));
    }
    let mut entries = Vec::new();
    for (name, file) in ctx.workspace.below(&path) {
        if file.mode == FileMode::Symlink {
            ctx.log.warn(format!("The symbolic link {name} is left out of the archive"));
            continue;
        }
        entries.push(Entry { name: name.to_owned(), mode: file.mode, bytes: file.bytes.clone() });
    }
    Ok(entries)
}

fn pack(entries: &[Entry]) -> Result<Vec<u8>, zip::result::ZipError> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(DateTime::DEFAULT);
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for Entry { name, mode, bytes } in entries {
        let permissions = if *mode == FileMode::Executable { 0o755 } else { 0o644 };
        archive.start_file(name.as_str(), options.unix_permissions(permissions))?;
        archive.write_all(bytes)?;
    }
    Ok(archive.finish()?.into_inner())
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use serde_json::Value;

    use super::super::testing::Bench;
    use super::*;

    /// The archive's entries as `name mode=text`.
    fn unpacked(bench: &Bench, path: &str) -> Vec<String> {
        let bytes = bench.context.workspace.file(path).unwrap().unwrap().bytes.clone();
        let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
        let mut found = Vec::new();
        for index in 0..archive.len() {
            let mut entry = archive.by_index(index).unwrap();
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            found.push(format!("{} {:o}={text}", entry.name().unwrap(), entry.unix_mode().unwrap() & 0o777));
        }
        found
    }

    #[tokio::test]
    async fn files_and_folders_are_packed() {
        let mut bench = Bench::with(&[("a/b/c.txt", "1"), ("a/d", "2"), ("e", "3")]);
        let workspace = &mut bench.context.workspace;
        workspace.write("a/run", FileMode::Executable, Bytes::from("4")).unwrap();
        workspace.write("a/link", FileMode::Symlink, Bytes::from("d")).unwrap();
        let cases = [
            (
                json!({"path": "./a", "outputPath": "out/a.zip"}),
                "out/a.zip",
                vec!["b/c.txt 644=1", "d 644=2", "run 755=4"],
            ),
            (json!({"path": "a/b/c.txt", "outputPath": "c.zip"}), "c.zip", vec!["c.txt 644=1"]),
        ];
        for (input, path, expected) in cases {
            let answer = bench.run(&Zip, input.clone()).await.unwrap();
            assert_eq!(answer.get("outputPath"), input.get("outputPath"));
            assert_eq!(unpacked(&bench, path), expected);
        }
        assert_eq!(bench.said(), ["The symbolic link link is left out of the archive"]);
    }

    #[tokio::test]
    async fn every_attempt_makes_the_same_bytes() {
        let mut made: Vec<Bytes> = Vec::new();
        for _ in 0..2 {
            let mut bench = Bench::with(&[("a/b", "1")]);
            bench.run(&Zip, json!({"path": "a", "outputPath": "a.zip"})).await.unwrap();
            let file = bench.context.workspace.file("a.zip").unwrap().unwrap().clone();
            made.push(file.bytes);
        }
        assert_eq!(made[0], made[1]);
    }

    #[tokio::test]
    async fn what_is_not_there_is_refused() {
        let mut bench = Bench::with(&[("a", "1")]);
        bench.context.workspace.write("link", FileMode::Symlink, Bytes::from("a")).unwrap();
        let cases: [(Value, &str); 3] = [
            (json!({"path": "none", "outputPath": "x.zip"}), "File none does not exist. Can't zip it."),
            (
                json!({"path": "link", "outputPath": "x.zip"}),
                "path `link` leads over the symbolic link `link`; links are not followed, name the file itself",
            ),
            (
                json!({"path": "a", "outputPath": "link"}),
                "path `link` leads over the symbolic link `link`; links are not followed, name the file itself",
            ),
        ];
        for (input, expected) in cases {
            assert_eq!(bench.run(&Zip, input).await.unwrap_err().message, expected);
        }
    }
}
