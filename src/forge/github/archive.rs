//! A folder with everything in it, by one tarball: two requests, however many files there are.
//!
//! GitHub redirects to a host for archives, with a key of its own in the address: no credential goes there. The archive
//! is unpacked in memory under limits; what is no file or symbolic link in the repository is left out.

use std::io::Read as _;
use std::time::Duration;

use bytes::Bytes;
use flate2::read::GzDecoder;
use futures_util::TryStreamExt as _;
use http::{StatusCode, header};
use url::Url;

use super::client::Call;
use super::error::Failure;
use super::repository::absent;
use super::{DOT_COM, GitHub};
use crate::forge::{FileMode, ForgeError, Limit, NewFile, RepositoryId, Snapshot, SnapshotLimits};

/// How long a download may take.
const TIMEOUT: Duration = Duration::from_mins(2);
/// An archive is compressed: of one that is much smaller than its limit nothing is known yet.
const MOST_PACKED: usize = 100 * 1024 * 1024;

impl GitHub {
    pub(super) async fn download(
        &self,
        id: &RepositoryId,
        commit: &str,
        folder: &str,
        limits: SnapshotLimits,
    ) -> Result<Snapshot, ForgeError> {
        let doing = format!("download {id}");
        let failed = self.failed(&doing);
        let client = self.reader(id.owner()).await.map_err(&failed)?;
        let call = Call::get(["repos", id.owner(), id.name(), "tarball", commit]);
        let answer = client.send(call).await.map_err(|failure| absent(failure, id, &failed))?;
        let packed = if answer.status == StatusCode::OK {
            answer.body
        } else {
            let place = answer.headers.get(header::LOCATION).and_then(|place| place.to_str().ok());
            let place = place.and_then(|place| Url::parse(place).ok()).filter(|place| self.holds_archives(place));
            let place = place.ok_or_else(|| failed(Failure::Unreadable("no address of an archive".to_owned())))?;
            tokio::time::timeout(TIMEOUT, self.fetch(place))
                .await
                .unwrap_or_else(|_| Err(Failure::Unreachable(format!("no end within {} s", TIMEOUT.as_secs()))))
                .map_err(&failed)?
        };
        let (what, folder) = (format!("the files of {id}"), folder.to_owned());
        let unpacked = tokio::task::spawn_blocking(move || unpack(&packed, &folder, limits)).await;
        match unpacked.map_err(|error| error.to_string()) {
            Ok(Ok(files)) => Ok(Snapshot { files, commit: commit.to_owned() }),
            Ok(Err(Unpacking::TooLarge(limit))) => Err(ForgeError::TooLarge { what, limit }),
            Ok(Err(Unpacking::Damaged(reason))) | Err(reason) => {
                Err(failed(Failure::Unreadable(format!("the archive is damaged, {reason}"))))
            }
        }
    }

    /// Whether an archive may be at this address.
    fn holds_archives(&self, place: &Url) -> bool {
        let web = &self.site.endpoints.web;
        let host = place.host_str().unwrap_or_default();
        let own = web.host_str().unwrap_or_default();
        let of_github = own == DOT_COM && (host.ends_with(".github.com") || host.ends_with(".githubusercontent.com"));
        place.scheme() == web.scheme() && (host == own || host.ends_with(&format!(".{own}")) || of_github)
    }

    async fn fetch(&self, place: Url) -> Result<Bytes, Failure> {
        let unreachable = |error: reqwest::Error| Failure::Unreachable(error.without_url().to_string());
        let answer = self.site.http.get(place).send().await.map_err(unreachable)?;
        if !answer.status().is_success() {
            return Err(Failure::Unreachable(format!("the host of archives answered {}", answer.status())));
        }
        let mut stream = answer.bytes_stream();
        let mut packed = Vec::new();
        while let Some(part) = stream.try_next().await.map_err(unreachable)? {
            if packed.len() + part.len() > MOST_PACKED {
                return Err(Failure::Unreadable(format!(
                    "the archive is larger than {} MiB",
                    MOST_PACKED / 1024 / 1024
                )));
            }
            packed.extend_from_slice(&part);
        }
        Ok(packed.into())
    }
}

/// Why an archive gave nothing.
#[derive(Debug, PartialEq)]
enum Unpacking {
    TooLarge(Limit),
    Damaged(String),
}

impl From<std::io::Error> for Unpacking {
    fn from(error: std::io::Error) -> Self {
        Self::Damaged(error.to_string())
    }
}

/// The files of a folder; paths are below it.
fn unpack(packed: &[u8], folder: &str, limits: SnapshotLimits) -> Result<Vec<NewFile>, Unpacking> {
    let mut archive = tar::Archive::new(GzDecoder::new(packed));
    let mut files = Vec::new();
    let mut total = 0;
    for entry in archive.entries()? {
        let mut entry = entry?;
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        // Everything is in one folder named after the repository and the commit.
        let Some((_, path)) = path.split_once('/') else { continue };
        let below = if folder.is_empty() {
            Some(path)
        } else {
            path.strip_prefix(folder).and_then(|rest| rest.strip_prefix('/'))
        };
        let Some(path) = below.filter(|path| is_inside(path)) else { continue };
        let kind = entry.header().entry_type();
        let file = if kind.is_symlink() {
            let target = entry.link_name_bytes().unwrap_or_default().into_owned();
            NewFile { path: path.to_owned(), mode: FileMode::Symlink, bytes: target.into() }
        } else if kind.is_file() {
            let executable = entry.header().mode()? & 0o100 != 0;
            let mode = if executable { FileMode::Executable } else { FileMode::Regular };
            let left = limits.bytes.saturating_sub(total);
            let mut bytes = Vec::new();
            entry.by_ref().take(left as u64 + 1).read_to_end(&mut bytes)?;
            NewFile { path: path.to_owned(), mode, bytes: bytes.into() }
        } else {
            continue;
        };
        total += file.bytes.len();
        if total > limits.bytes {
            return Err(Unpacking::TooLarge(Limit::Bytes(limits.bytes as u64)));
        }
        files.push(file);
        if files.len() > limits.files {
            return Err(Unpacking::TooLarge(Limit::Files(limits.files)));
        }
    }
    files.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(files)
}

fn is_inside(path: &str) -> bool {
    !path.is_empty() && !path.split('/').any(|segment| matches!(segment, "" | "." | ".."))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: SnapshotLimits = SnapshotLimits { files: 3, bytes: 100 };

    fn packed(entries: &[(&str, tar::EntryType, u32, &[u8])]) -> Vec<u8> {
        let mut builder = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
        for (path, kind, mode, bytes) in entries {
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(*kind);
            header.set_mode(*mode);
            // `set_path` refuses what a hostile archive would have.
            header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
            if kind.is_symlink() {
                header.set_link_name(std::str::from_utf8(bytes).unwrap()).unwrap();
                header.set_size(0);
            } else {
                header.set_size(bytes.len() as u64);
            }
            header.set_cksum();
            builder.append(&header, if kind.is_symlink() { &[][..] } else { *bytes }).unwrap();
        }
        builder.into_inner().unwrap().finish().unwrap()
    }

    #[test]
    fn a_folder_comes_with_modes_and_links_and_without_what_is_hostile() {
        use tar::EntryType as Kind;
        let archive = packed(&[
            ("acme-x-1/", Kind::Directory, 0o755, b""),
            ("acme-x-1/README.md", Kind::Regular, 0o644, b"outside"),
            ("acme-x-1/skeleton/run", Kind::Regular, 0o755, b"#!"),
            ("acme-x-1/skeleton/link", Kind::Symlink, 0o777, b"run"),
            ("acme-x-1/skeleton/../../etc/passwd", Kind::Regular, 0o644, b"x"),
            ("acme-x-1/skeleton/pipe", Kind::Fifo, 0o644, b""),
        ]);
        let files = unpack(&archive, "skeleton", LIMITS).unwrap();
        let told: Vec<_> = files.iter().map(|file| (file.path.as_str(), file.mode, &file.bytes[..])).collect();
        assert_eq!(told, [("link", FileMode::Symlink, &b"run"[..]), ("run", FileMode::Executable, &b"#!"[..])]);
    }

    #[test]
    fn limits_hold_while_unpacking() {
        use tar::EntryType as Kind;
        let large = packed(&[("a/x", Kind::Regular, 0o644, &[b'x'; 101])]);
        assert_eq!(unpack(&large, "", LIMITS), Err(Unpacking::TooLarge(Limit::Bytes(100))));
        let many = packed(&["a/1", "a/2", "a/3", "a/4"].map(|path| (path, Kind::Regular, 0o644, &b"x"[..])));
        assert_eq!(unpack(&many, "", LIMITS), Err(Unpacking::TooLarge(Limit::Files(3))));
        assert!(matches!(unpack(b"not an archive", "", LIMITS), Err(Unpacking::Damaged(_))));
    }
}
