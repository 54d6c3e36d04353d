//! Smart HTTP for clone and fetch: what `git-upload-pack --stateless-rpc` answers, without the web server.
//!
//! Flow: `GET info/refs?service=git-upload-pack` → [`LocalForge::advertise`]; `POST git-upload-pack` →
//! [`LocalForge::upload_pack`], which parses the request (`request`), finds what the client lacks (`graph`), and
//! answers with acknowledgments, shallow information and a pack (`response`). Protocol versions 0, 1 and 2 are spoken,
//! with shallow fetches; partial clone (`filter`) is not offered. Pushing is refused in words that Git shows.
//!
//! Sources: Git's `Documentation/gitprotocol-http.txt`, `gitprotocol-pack.txt`, `gitprotocol-v2.txt`,
//! `gitprotocol-capabilities.txt` and `gitprotocol-common.txt`; where they leave a choice, `upload-pack.c`.

mod advertisement;
mod channel;
mod graph;
mod packet;
mod request;
mod response;

use std::{fmt, io, str::FromStr, sync::Arc};

use bytes::Bytes;
use futures_util::{
    FutureExt as _, StreamExt as _,
    stream::{self, BoxStream},
};

use self::{channel::send_pack, packet::PacketWriter, request::Request, response::Plan};
use super::{LocalForge, read::Reader};
use crate::forge::{Answer, ForgeError, Limit, RepositoryId};

/// Chunks of a pack that wait for a slow client.
const CHUNKS_AHEAD: usize = 8;

/// What a Git client wants to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    /// Clone or fetch.
    UploadPack,
    /// Push.
    ReceivePack,
}

impl FromStr for Service {
    type Err = ForgeError;

    fn from_str(text: &str) -> Result<Self, ForgeError> {
        match text {
            "git-upload-pack" => Ok(Self::UploadPack),
            "git-receive-pack" => Ok(Self::ReceivePack),
            other => {
                Err(ForgeError::Protocol(format!("service {other:?} is neither git-upload-pack nor git-receive-pack")))
            }
        }
    }
}

/// The version of Git's protocol that a client asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) enum ProtocolVersion {
    /// The original protocol.
    #[default]
    V0,
    /// The original protocol with a line that says so.
    V1,
    /// Commands `ls-refs` and `fetch`.
    V2,
}

impl ProtocolVersion {
    /// The version in a `Git-Protocol` header (`version=2`, perhaps among other keys); what is not understood is 0.
    pub(crate) fn from_header(header: Option<&str>) -> Self {
        let versions = header.unwrap_or_default().split(':').map(|key| match key.trim() {
            "version=1" => Self::V1,
            "version=2" => Self::V2,
            _ => Self::V0,
        });
        versions.max().unwrap_or_default()
    }
}

/// An answer to a Git client: always status 200, never to be cached.
pub(crate) struct GitResponse {
    /// The `Content-Type`.
    pub(crate) content_type: &'static str,
    /// The bytes.
    pub(crate) body: BoxStream<'static, io::Result<Bytes>>,
}

impl GitResponse {
    fn whole(content_type: &'static str, bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self { content_type, body: stream::once(async { Ok(bytes) }).boxed() }
    }
}

impl fmt::Debug for GitResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GitResponse").field("content_type", &self.content_type).finish_non_exhaustive()
    }
}

impl LocalForge {
    /// Answers `GET {repository}.git/info/refs?service=…`.
    pub(crate) fn advertise(
        &self,
        repository: &RepositoryId,
        service: Service,
        version: ProtocolVersion,
    ) -> Answer<'static, GitResponse> {
        self.reading(repository, move |reader| match service {
            Service::UploadPack => {
                let body = advertisement::upload_pack(reader, version)?;
                Ok(GitResponse::whole("application/x-git-upload-pack-advertisement", body))
            }
            Service::ReceivePack => {
                let body = advertisement::receive_pack_refusal(reader.id);
                Ok(GitResponse::whole("application/x-git-receive-pack-advertisement", body))
            }
        })
    }

    /// Answers `POST {repository}.git/git-upload-pack` with the decoded `body` (see [`decode_body`]).
    ///
    /// What a client does wrong is told to it in the answer, as Git does; an `Err` is the repository's or the disk's.
    pub(crate) fn upload_pack(
        &self,
        repository: &RepositoryId,
        version: ProtocolVersion,
        body: Bytes,
    ) -> Answer<'static, GitResponse> {
        const CONTENT_TYPE: &str = "application/x-git-upload-pack-result";
        let planned = self.reading(repository, move |reader| match plan(reader, version, &body) {
            Err(ForgeError::Protocol(reason)) => Ok(Plan::only(PacketWriter::error(&reason))),
            planned => planned,
        });
        let (directory, id) = (Arc::clone(&self.directory), repository.clone());
        let answer = async move {
            let Plan { head, pack } = planned.await?;
            let Some(pack) = pack else {
                return Ok(GitResponse::whole(CONTENT_TYPE, head));
            };
            let (sender, receiver) = tokio::sync::mpsc::channel(CHUNKS_AHEAD);
            tokio::task::spawn_blocking(move || {
                let git = match directory.git(&id) {
                    Ok(git) => git,
                    // Deleted since the plan was made: the client sees the answer end early.
                    Err(error) => return drop(sender.blocking_send(Err(io::Error::other(error)))),
                };
                send_pack(&Reader { git: &git, id: &id }, &pack, &sender);
            });
            let chunks = stream::unfold(receiver, async |mut receiver| Some((receiver.recv().await?, receiver)));
            let body = stream::once(async { Ok(Bytes::from(head)) }).chain(chunks).boxed();
            Ok(GitResponse { content_type: CONTENT_TYPE, body })
        };
        answer.boxed()
    }
}

fn plan(reader: &Reader<'_>, version: ProtocolVersion, body: &[u8]) -> Result<Plan, ForgeError> {
    match request::parse(version, body)? {
        Request::ListReferences(list) => advertisement::list_references(reader, &list).map(Plan::only),
        Request::Fetch(fetch) if version == ProtocolVersion::V2 => response::answer_v2(reader, &fetch),
        Request::Fetch(fetch) => response::answer_v0(reader, &fetch),
    }
}

/// Undoes the `Content-Encoding` of a request body, up to `limit` bytes of result.
pub(crate) fn decode_body(encoding: Option<&str>, body: Bytes, limit: u64) -> Result<Bytes, ForgeError> {
    use io::Read as _;
    let too_large = || ForgeError::TooLarge { what: "the git request".to_owned(), limit: Limit::Bytes(limit) };
    let decoded = match encoding.map(str::trim) {
        None | Some("" | "identity") => body,
        Some("gzip" | "x-gzip") => {
            let mut decoded = Vec::new();
            let decoder = flate2::read::MultiGzDecoder::new(&*body);
            let read = decoder.take(limit.saturating_add(1)).read_to_end(&mut decoded);
            read.map_err(|error| ForgeError::Protocol(format!("the request is not valid gzip: {error}")))?;
            decoded.into()
        }
        Some(other) => {
            return Err(ForgeError::Protocol(format!("content encoding {other:?} is not gzip or identity")));
        }
    };
    if decoded.len() as u64 > limit { Err(too_large()) } else { Ok(decoded) }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn versions_in_headers() {
        use ProtocolVersion::{V0, V1, V2};
        let cases = [
            (None, V0),
            (Some(""), V0),
            (Some("version=1"), V1),
            (Some("version=2"), V2),
            (Some("version=1:version=2"), V2),
            (Some("key=value:version=2"), V2),
            (Some("version=3"), V0),
        ];
        for (header, expected) in cases {
            assert_eq!(ProtocolVersion::from_header(header), expected, "{header:?}");
        }
    }

    #[test]
    fn bodies_are_decoded_within_the_limit() {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(&vec![b'a'; 1_000_000]).unwrap();
        let bomb = Bytes::from(encoder.finish().unwrap());
        assert_eq!(decode_body(Some("gzip"), bomb.clone(), 1_000_000).unwrap().len(), 1_000_000);
        assert!(matches!(decode_body(Some("gzip"), bomb, 999_999), Err(ForgeError::TooLarge { .. })));
        assert!(matches!(decode_body(None, Bytes::from_static(b"abc"), 2), Err(ForgeError::TooLarge { .. })));
        assert_eq!(decode_body(None, Bytes::from_static(b"abc"), 3).unwrap(), "abc");
        for (encoding, body) in [("gzip", "not gzip"), ("br", "x")] {
            let decoded = decode_body(Some(encoding), Bytes::from_static(body.as_bytes()), 9);
            assert!(matches!(decoded, Err(ForgeError::Protocol(_))), "{encoding}");
        }
    }
}
