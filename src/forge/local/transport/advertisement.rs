//! What a repository offers: its references and this server's capabilities.

use gix::{ObjectId, bstr::ByteSlice};

use super::{ProtocolVersion, packet::PacketWriter, request::ListReferences};
use crate::forge::{ForgeError, RepositoryId, error::Doing, local::read::Reader};

/// What this server can do in protocol version 0, beside naming `HEAD`'s branch.
const CAPABILITIES: &str = "multi_ack multi_ack_detailed side-band side-band-64k ofs-delta shallow deepen-since \
    deepen-not deepen-relative no-progress include-tag allow-tip-sha1-in-want allow-reachable-sha1-in-want \
    object-format=sha1";
/// How this server names itself.
const AGENT: &str = concat!("agent=greenroom/", env!("CARGO_PKG_VERSION"));

/// A reference.
#[derive(Debug, Clone)]
pub(super) struct Reference {
    /// Its full name.
    pub(super) name: String,
    /// What it points to.
    pub(super) target: ObjectId,
    /// What the annotated tag it points to points to.
    pub(super) peeled: Option<ObjectId>,
}

/// All references of a repository except `HEAD`, sorted by name; damaged ones are left out.
pub(super) fn references(reader: &Reader<'_>) -> Result<Vec<Reference>, ForgeError> {
    let doing = format!("list the references of {}", reader.id);
    let platform = reader.git.references().doing(&doing)?;
    let all = platform.all().doing(&doing)?;
    let read = |reference: gix::Result<gix::Reference<'_>>| -> gix::Result<Reference> {
        let mut reference = reference?;
        let name = reference.name().as_bstr().to_str_lossy().into_owned();
        let target = reference.follow_to_object()?.detach();
        let peeled = reference.peel_to_id()?.detach();
        reader.git.find_header(peeled)?;
        Ok(Reference { name, target, peeled: (peeled != target).then_some(peeled) })
    };
    let mut references: Vec<_> = all.filter_map(|reference| read(reference).ok()).collect();
    references.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(references)
}

/// The branch that `HEAD` names, and its commit if it has one; `None` if `HEAD` is not a branch.
fn head(reader: &Reader<'_>, references: &[Reference]) -> Result<Option<(String, Option<ObjectId>)>, ForgeError> {
    let name = reader.git.head_name().doing(format_args!("read HEAD of {}", reader.id))?;
    Ok(name.map(|name| {
        let name = name.as_bstr().to_str_lossy().into_owned();
        let commit = references.iter().find(|reference| reference.name == name).map(|found| found.target);
        (name, commit)
    }))
}

/// The answer to `info/refs` for clone and fetch.
pub(super) fn upload_pack(reader: &Reader<'_>, version: ProtocolVersion) -> Result<Vec<u8>, ForgeError> {
    let mut out = PacketWriter::default();
    if version == ProtocolVersion::V2 {
        out.line("version 2").line(AGENT).line("ls-refs=unborn").line("fetch=shallow").line("object-format=sha1");
        out.flush();
        return Ok(out.into_bytes());
    }
    out.line("# service=git-upload-pack").flush();
    if version == ProtocolVersion::V1 {
        out.line("version 1");
    }
    let references = references(reader)?;
    let mut lines = Vec::new();
    let mut capabilities = format!("{CAPABILITIES} {AGENT}");
    if let Some((name, Some(commit))) = head(reader, &references)? {
        capabilities = format!("{capabilities} symref=HEAD:{name}");
        lines.push((commit, "HEAD".to_owned()));
    }
    for reference in references {
        let peeled = reference.peeled.map(|peeled| (peeled, format!("{}^{{}}", reference.name)));
        lines.push((reference.target, reference.name));
        lines.extend(peeled);
    }
    if lines.is_empty() {
        lines.push((ObjectId::null(gix::hash::Kind::Sha1), "capabilities^{}".to_owned()));
    }
    for (n, (id, name)) in lines.into_iter().enumerate() {
        if n == 0 {
            out.line(format_args!("{id} {name}\0{capabilities}"));
        } else {
            out.line(format_args!("{id} {name}"));
        }
    }
    out.flush();
    Ok(out.into_bytes())
}

/// The answer to `info/refs` for a push: a sentence that Git shows.
pub(super) fn receive_pack_refusal(id: &RepositoryId) -> Vec<u8> {
    let mut out = PacketWriter::default();
    out.line("# service=git-receive-pack").flush();
    let mut bytes = out.into_bytes();
    let reason =
        format!("repository {id} takes no pushes over HTTP: it is written by the portal; clone and fetch work");
    bytes.extend(PacketWriter::error(&reason));
    bytes
}

/// Version 2's `ls-refs`.
pub(super) fn list_references(reader: &Reader<'_>, list: &ListReferences) -> Result<Vec<u8>, ForgeError> {
    let wanted = |name: &str| list.prefixes.is_empty() || list.prefixes.iter().any(|prefix| name.starts_with(prefix));
    let references = references(reader)?;
    let mut out = PacketWriter::default();
    if wanted("HEAD") {
        match head(reader, &references)? {
            Some((name, Some(commit))) if list.symrefs => {
                out.line(format_args!("{commit} HEAD symref-target:{name}"));
            }
            Some((_, Some(commit))) => {
                out.line(format_args!("{commit} HEAD"));
            }
            Some((name, None)) if list.unborn => {
                out.line(format_args!("unborn HEAD symref-target:{name}"));
            }
            _ => {}
        }
    }
    for reference in references.iter().filter(|reference| wanted(&reference.name)) {
        let peeled = reference.peeled.filter(|_| list.peel).map(|id| format!(" peeled:{id}")).unwrap_or_default();
        out.line(format_args!("{} {}{peeled}", reference.target, reference.name));
    }
    out.flush();
    Ok(out.into_bytes())
}
