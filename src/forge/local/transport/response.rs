//! The answer to a fetch: acknowledgments, shallow information, pack.
//!
//! The plan is made first, so that what is wrong with a request or a repository is known before the first byte; the
//! pack is then written while it is sent.

use std::io::{self, Write};

use bytes::Bytes;
use flate2::Compression;
use gix::ObjectId;
use tokio::sync::mpsc::Sender;

use super::{
    advertisement::{Reference, references},
    graph::{Graph, Objects, Selection},
    packet::{MAX_PAYLOAD, PacketWriter, packet},
    request::{Acknowledgments, Fetch, SideBand},
};
use crate::forge::{
    ForgeError,
    error::Doing,
    local::{pack::PackWriter, read::Reader},
};

/// Packs are for one reader and soon forgotten: quick rather than small.
const COMPRESSION: u32 = 3;
/// Side-band channel of the pack.
const CHANNEL_PACK: u8 = 1;
/// Side-band channel of a fatal error.
const CHANNEL_ERROR: u8 = 3;

/// What to answer.
#[derive(Debug)]
pub(super) struct Plan {
    /// The bytes before the pack.
    pub(super) head: Vec<u8>,
    /// The pack, if one is due.
    pub(super) pack: Option<PackPlan>,
}

/// A pack to send.
#[derive(Debug)]
pub(super) struct PackPlan {
    objects: Vec<ObjectId>,
    side_band: SideBand,
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
        for want in &fetch.wants {
            let (commit, passed) = graph.peel(*want)?.ok_or_else(|| not_ours(*want))?;
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
        Ok(Self {
            graph,
            fetch,
            references,
            wants,
            tags,
            common,
            shallow,
        })
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
        let lacking: Vec<_> = selection
            .commits
            .iter()
            .copied()
            .filter(|id| !has.contains(id))
            .collect();
        let mut objects = self.graph.objects(&lacking, &has, &self.shallow)?;
        let mut tags: Objects = self.tags.iter().copied().collect();
        if self.fetch.include_tag {
            tags.extend(Graph::tags_of(&self.references, &lacking.into_iter().collect()));
        }
        objects.extend(tags);
        Ok(PackPlan {
            objects,
            side_band: self.fetch.side_band,
        })
    }
}

fn not_ours(id: ObjectId) -> ForgeError {
    ForgeError::Protocol(format!("upload-pack: not our ref {id}"))
}

/// Only what references lead to is handed out, not what a lost race or a deleted branch left behind.
fn check_offered(graph: &mut Graph<'_>, references: &[Reference], fetch: &Fetch) -> Result<(), ForgeError> {
    let tips: Objects = references
        .iter()
        .flat_map(|reference| [Some(reference.target), reference.peeled])
        .flatten()
        .collect();
    if fetch.wants.iter().all(|want| tips.contains(want)) {
        return Ok(());
    }
    let mut commits = Vec::new();
    for tip in &tips {
        commits.extend(graph.peel(*tip)?.map(|(commit, _)| commit));
    }
    let offered = graph.reachable(commits, &Objects::new())?;
    match fetch
        .wants
        .iter()
        .find(|want| !tips.contains(*want) && !offered.contains(*want))
    {
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
    Ok(Plan {
        head: out.into_bytes(),
        pack: Some(pack),
    })
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
            let word = if kind == Acknowledgments::Detailed {
                "common"
            } else {
                "continue"
            };
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

/// Writes a pack to the client, chunk by chunk; a failure is told to the client where the protocol has a place for it.
pub(super) fn send_pack(reader: &Reader<'_>, plan: &PackPlan, sender: &Sender<io::Result<Bytes>>) {
    let mut channel = Channel::new(plan.side_band, sender);
    let written = write_pack(reader, &plan.objects, &mut channel);
    let ended = match written {
        Ok(()) => channel.end(),
        Err(error) => {
            tracing::warn!(%error, repository = %reader.id, "sending a pack failed");
            channel.fail(&error)
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, repository = %reader.id, "the git client went away");
    }
}

fn write_pack(reader: &Reader<'_>, objects: &[ObjectId], out: &mut Channel<'_>) -> Result<(), ForgeError> {
    let doing = || format!("send a pack of {}", reader.id);
    let mut pack = PackWriter::new(out, objects.len(), Compression::new(COMPRESSION)).doing(doing())?;
    for id in objects {
        let object = reader.git.find_object(*id).doing(doing())?;
        pack.add(*id, object.kind, &object.data).doing(doing())?;
    }
    pack.finish().doing(doing())?;
    Ok(())
}

/// The way of pack bytes to the client, wrapped as it asked.
struct Channel<'a> {
    side_band: SideBand,
    sender: &'a Sender<io::Result<Bytes>>,
    pending: Vec<u8>,
}

impl<'a> Channel<'a> {
    fn new(side_band: SideBand, sender: &'a Sender<io::Result<Bytes>>) -> Self {
        Self {
            side_band,
            sender,
            pending: Vec::new(),
        }
    }

    /// Most bytes in one chunk.
    fn capacity(&self) -> usize {
        match self.side_band {
            SideBand::Small => 1000 - 5,
            SideBand::None | SideBand::Large => MAX_PAYLOAD - 1,
        }
    }

    fn send(&mut self) -> io::Result<()> {
        let pending = std::mem::take(&mut self.pending);
        if pending.is_empty() {
            return Ok(());
        }
        self.pass_on(match self.side_band {
            SideBand::None => pending,
            SideBand::Small | SideBand::Large => side_band(CHANNEL_PACK, &pending),
        })
    }

    fn pass_on(&self, bytes: Vec<u8>) -> io::Result<()> {
        self.sender
            .blocking_send(Ok(bytes.into()))
            .map_err(|_| io::ErrorKind::BrokenPipe.into())
    }

    /// Ends a pack that is whole.
    fn end(mut self) -> io::Result<()> {
        self.send()?;
        if self.side_band == SideBand::None {
            Ok(())
        } else {
            self.pass_on(b"0000".to_vec())
        }
    }

    /// Ends a pack that is not: the client must not take it for a whole one.
    fn fail(self, error: &ForgeError) -> io::Result<()> {
        if self.side_band != SideBand::None {
            let reason: String = format!("{error}\n").chars().take(200).collect();
            self.pass_on(side_band(CHANNEL_ERROR, reason.as_bytes()))?;
        }
        let broken = Err(io::Error::other(error.to_string()));
        self.sender
            .blocking_send(broken)
            .map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

fn side_band(channel: u8, bytes: &[u8]) -> Vec<u8> {
    let mut payload = Vec::with_capacity(bytes.len() + 1);
    payload.push(channel);
    payload.extend_from_slice(bytes);
    let mut out = Vec::with_capacity(payload.len() + 4);
    packet(&mut out, &payload);
    out
}

impl Write for Channel<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = self.capacity() - self.pending.len();
        let taken = bytes.len().min(room);
        self.pending.extend_from_slice(&bytes[..taken]);
        if self.pending.len() == self.capacity() {
            self.send()?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
