//! The pack's way to the client: written object by object, in chunks, wrapped in side-band packets if it asked for that
//! (gitprotocol-pack, "Packfile Data").

use std::io::{self, Write};

use bytes::Bytes;
use flate2::Compression;
use gix::ObjectId;
use tokio::sync::mpsc::Sender;

use super::{
    packet::{MAX_PAYLOAD, packet},
    request::SideBand,
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

/// A pack to send.
#[derive(Debug)]
pub(super) struct PackPlan {
    /// What is in it.
    pub(super) objects: Vec<ObjectId>,
    /// How it is wrapped.
    pub(super) side_band: SideBand,
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
        Self { side_band, sender, pending: Vec::new() }
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
        self.sender.blocking_send(Ok(bytes.into())).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }

    /// Ends a pack that is whole.
    fn end(mut self) -> io::Result<()> {
        self.send()?;
        if self.side_band == SideBand::None { Ok(()) } else { self.pass_on(b"0000".to_vec()) }
    }

    /// Ends a pack that is not: the client must not take it for a whole one.
    fn fail(self, error: &ForgeError) -> io::Result<()> {
        if self.side_band != SideBand::None {
            let reason: String = format!("{error}\n").chars().take(200).collect();
            self.pass_on(side_band(CHANNEL_ERROR, reason.as_bytes()))?;
        }
        let broken = Err(io::Error::other(error.to_string()));
        self.sender.blocking_send(broken).map_err(|_| io::ErrorKind::BrokenPipe.into())
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
