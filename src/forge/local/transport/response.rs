//! The answer to a fetch: acknowledgments, shallow information, pack.
//!
//! The plan is made first, so that what is wrong with a request or a repository is known before the first byte; the
//! pack is then written while it is sent (`channel`).

use gix::ObjectId;

use super::{
    advertisement::{Reference, references},
    channel::PackPlan,
    graph::{Graph, Objects, Selection},
    packet::PacketWriter,
    request::{Acknowledgments, Fetch},
};
use crate::forge::{ForgeError, local::read::Reader};

/// What to answer.
#[derive(Debug)]
pub(super) struct Plan {
    /// The bytes before the pack.
    pub(super) head: Vec<u8>,
    /// The pack, if one is due.
    pub(super) pack: Option<PackPlan>,
}

impl Plan {
    /// An answer without a pack.
    pub(super) fn only(head: Vec<u8>) -> Self {
        Self { head, pack: None }
    }
}

/// A fetch, looked at from the repository's side.
struct Negotiation<'a> {
    graph: Graph<'a>,
    fetch: &'a Fetch,
    references: Vec<Reference>,
    /// The commits wanted.
    wants: Vec<ObjectId>,
    /// Annotated tags wanted.
    tags: Vec<ObjectId>,
    /// The commits that both sides have, as the client named them.
    common: Vec<ObjectId>,
    /// The client's boundary.
    shallow: Objects,
}

impl<'a> Negotiation<'a> {
    fn new(reader: &'a Reader<'a>, fetch: &'a Fetch) -> Result<Self, ForgeError> {
        let mut graph = Graph::new(reader);
        let references = references(reader)?;
        let (mut wants, mut tags) = (Vec::new(), Vec::new());
        let distinct: Objects = fetch.wants.iter().copied().collect();
        for want in distinct {
            let (commit, passed) = graph.peel(want)?.ok_or_else(|| not_ours(want))?;
            wants.push(commit);
            tags.extend(passed);
        }
        check_offered(&mut graph, &references, fetch)?;
        let mut common = Vec::new();
        for have in &fetch.haves {
            if graph.peel(*have)?.is_some_and(|(commit, _)| commit == *have) {
                common.push(*have);
            }
        }
        let shallow = fetch.shallow.iter().copied().collect();
        Ok(Self { graph, fetch, references, wants, tags, common, shallow })
    }

    /// Whether what is common suffices: each want grows out of it.
    fn is_ready(&mut self) -> Result<bool, ForgeError> {
        if self.common.is_empty() {
            return Ok(false);
        }
        let common = self.common.iter().copied().collect();
        self.graph.all_reach(&self.wants, &common)
    }

    /// The commits the client is to have, and the lines that tell it its new boundary.
    fn select(&mut self) -> Result<(Selection, PacketWriter), ForgeError> {
        let mut lines = PacketWriter::default();
        if !self.fetch.deepen.is_asked() {
            return Ok((self.graph.whole(&self.wants, &self.shallow)?, lines));
        }
        let selection = self.graph.cut(&self.wants, &self.fetch.deepen, &self.shallow)?;
        for id in &selection.commits {
            match (selection.boundary.contains(id), self.shallow.contains(id)) {
                (true, false) => lines.line(format_args!("shallow {id}")),
                (false, true) => lines.line(format_args!("unshallow {id}")),
                _ => &mut lines,
            };
        }
        Ok((selection, lines))
    }

    /// The objects of `selection` that the client lacks.
    fn pack(&mut self, selection: &Selection) -> Result<PackPlan, ForgeError> {
        let has = self.graph.reachable(self.common.iter().copied(), &self.shallow)?;
        let lacking: Vec<_> = selection.commits.iter().copied().filter(|id| !has.contains(id)).collect();
        let mut objects = self.graph.objects(&lacking, &has, &self.shallow)?;
        let mut tags: Objects = self.tags.iter().copied().collect();
        if self.fetch.include_tag {
            tags.extend(Graph::tags_of(&self.references, &lacking.into_iter().collect()));
        }
        objects.extend(tags);
        Ok(PackPlan { objects, side_band: self.fetch.side_band })
    }
}

fn not_ours(id: ObjectId) -> ForgeError {
    ForgeError::Protocol(format!("upload-pack: not our ref {id}"))
}

/// Only what references lead to is handed out, not what a lost race or a deleted branch left behind.
fn check_offered(graph: &mut Graph<'_>, references: &[Reference], fetch: &Fetch) -> Result<(), ForgeError> {
    let tips: Objects =
        references.iter().flat_map(|reference| [Some(reference.target), reference.peeled]).flatten().collect();
    if fetch.wants.iter().all(|want| tips.contains(want)) {
        return Ok(());
    }
    let mut commits = Vec::new();
    for tip in &tips {
        commits.extend(graph.peel(*tip)?.map(|(commit, _)| commit));
    }
    let offered = graph.reachable(commits, &Objects::new())?;
    match fetch.wants.iter().find(|want| !tips.contains(*want) && !offered.contains(*want)) {
        Some(want) => Err(not_ours(*want)),
        None => Ok(()),
    }
}

/// Versions 0 and 1: shallow lines if asked for, then either acknowledgments or, after `done`, the pack.
pub(super) fn answer_v0(reader: &Reader<'_>, fetch: &Fetch) -> Result<Plan, ForgeError> {
    let mut negotiation = Negotiation::new(reader, fetch)?;
    if fetch.wants.is_empty() {
        return Ok(Plan::only(Vec::new()));
    }
    let (selection, mut out) = negotiation.select()?;
    if fetch.deepen.is_asked() {
        out.flush();
    }
    if !fetch.negotiating {
        return Ok(Plan::only(out.into_bytes()));
    }
    acknowledge_v0(&mut negotiation, &mut out)?;
    if !fetch.done {
        return Ok(Plan::only(out.into_bytes()));
    }
    let pack = negotiation.pack(&selection)?;
    Ok(Plan { head: out.into_bytes(), pack: Some(pack) })
}

fn acknowledge_v0(negotiation: &mut Negotiation<'_>, out: &mut PacketWriter) -> Result<(), ForgeError> {
    let kind = negotiation.fetch.acknowledgments;
    let last = negotiation.common.last().copied();
    match kind {
        Acknowledgments::Single => {
            // The first common commit is acknowledged at once, and then nothing more but that the client is done.
            if let Some(first) = negotiation.common.first() {
                out.line(format_args!("ACK {first}"));
                return Ok(());
            }
        }
        Acknowledgments::Continue | Acknowledgments::Detailed => {
            let word = if kind == Acknowledgments::Detailed { "common" } else { "continue" };
            for common in &negotiation.common {
                out.line(format_args!("ACK {common} {word}"));
            }
            if let Some(last) = last
                && kind == Acknowledgments::Detailed
                && !negotiation.fetch.done
                && negotiation.is_ready()?
            {
                out.line(format_args!("ACK {last} ready"));
            }
        }
    }
    match last {
        Some(last) if negotiation.fetch.done => out.line(format_args!("ACK {last}")),
        _ => out.line("NAK"),
    };
    Ok(())
}

/// Version 2: sections, of which the pack is the last.
pub(super) fn answer_v2(reader: &Reader<'_>, fetch: &Fetch) -> Result<Plan, ForgeError> {
    let mut negotiation = Negotiation::new(reader, fetch)?;
    let mut out = PacketWriter::default();
    if fetch.wants.is_empty() {
        return Ok(Plan::only(out.into_bytes()));
    }
    if !fetch.done && !fetch.haves.is_empty() {
        out.line("acknowledgments");
        for common in &negotiation.common {
            out.line(format_args!("ACK {common}"));
        }
        if negotiation.common.is_empty() {
            out.line("NAK");
        }
        if !negotiation.is_ready()? {
            out.flush();
            return Ok(Plan::only(out.into_bytes()));
        }
        out.line("ready").delimiter();
    }
    let (selection, shallow) = negotiation.select()?;
    let pack = negotiation.pack(&selection)?;
    let mut head = out.into_bytes();
    if fetch.deepen.is_asked() {
        let mut section = PacketWriter::default();
        section.line("shallow-info");
        head.extend(section.into_bytes());
        head.extend(shallow.into_bytes());
        head.extend_from_slice(b"0001");
    }
    let mut section = PacketWriter::default();
    section.line("packfile");
    head.extend(section.into_bytes());
    Ok(Plan { head, pack: Some(pack) })
}
