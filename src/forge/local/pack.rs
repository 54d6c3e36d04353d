//! Writing packs and their indexes, without deltas: for storing many new objects in one synced file, and for sending
//! to clients.
//!
//! Format: Git's `Documentation/gitformat-pack.txt` (pack version 2, index version 2).

use std::io::{self, Write};

use flate2::{Compression, Crc, write::ZlibEncoder};
use gix::{ObjectId, hash, objs::Kind};

/// Offsets from here on go to the index's table of 64-bit offsets.
const LARGE_OFFSET: u64 = 1 << 31;

/// Where an object is in a pack.
#[derive(Debug, Clone, Copy)]
pub(super) struct PackedObject {
    id: ObjectId,
    offset: u64,
    crc: u32,
}

/// Writes a pack to `out`, object after object.
pub(super) struct PackWriter<W> {
    out: W,
    hasher: hash::Hasher,
    offset: u64,
    compression: Compression,
    /// Reused for each object's compressed bytes.
    buffer: Vec<u8>,
}

impl<W: Write> PackWriter<W> {
    /// Starts a pack of exactly `count` objects.
    pub(super) fn new(out: W, count: usize, compression: Compression) -> io::Result<Self> {
        let count = u32::try_from(count).map_err(|_| io::Error::other("too many objects for one pack"))?;
        let mut pack = Self { out, hasher: hash::hasher(hash::Kind::Sha1), offset: 0, compression, buffer: Vec::new() };
        let mut header = *b"PACK\0\0\0\x02\0\0\0\0";
        header[8..].copy_from_slice(&count.to_be_bytes());
        pack.write(&header)?;
        Ok(pack)
    }

    /// Adds an object.
    pub(super) fn add(&mut self, id: ObjectId, kind: Kind, data: &[u8]) -> io::Result<PackedObject> {
        let mut entry = std::mem::take(&mut self.buffer);
        entry.clear();
        entry_header(&mut entry, kind, data.len());
        let mut encoder = ZlibEncoder::new(entry, self.compression);
        encoder.write_all(data)?;
        let entry = encoder.finish()?;
        let mut crc = Crc::new();
        crc.update(&entry);
        let packed = PackedObject { id, offset: self.offset, crc: crc.sum() };
        self.write(&entry)?;
        self.buffer = entry;
        Ok(packed)
    }

    /// Ends the pack and gives its checksum, which names it.
    pub(super) fn finish(mut self) -> io::Result<(W, ObjectId)> {
        let checksum = self.hasher.try_finalize().map_err(io::Error::other)?;
        self.out.write_all(checksum.as_slice())?;
        self.out.flush()?;
        Ok((self.out, checksum))
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hasher.update(bytes);
        self.offset += bytes.len() as u64;
        self.out.write_all(bytes)
    }
}

/// Kind and size: 3 bits of kind and 4 of size in the first byte, 7 of size in each further one, least first.
fn entry_header(out: &mut Vec<u8>, kind: Kind, size: usize) {
    let kind: u8 = match kind {
        Kind::Commit => 1,
        Kind::Tree => 2,
        Kind::Blob => 3,
        Kind::Tag => 4,
    };
    let mut byte = kind << 4 | low_bits(size, 4);
    let mut rest = size >> 4;
    while rest > 0 {
        out.push(byte | 0x80);
        byte = low_bits(rest, 7);
        rest >>= 7;
    }
    out.push(byte);
}

fn low_bits(value: usize, bits: u32) -> u8 {
    u8::try_from(value & ((1 << bits) - 1)).expect("at most 7 bits are kept")
}

/// Writes the index of a pack with these objects and this checksum.
pub(super) fn write_index(out: &mut dyn Write, mut objects: Vec<PackedObject>, pack: ObjectId) -> io::Result<()> {
    objects.sort_by_key(|object| object.id);
    let mut index = Vec::with_capacity(1100 + objects.len() * 28);
    index.extend_from_slice(b"\xfftOc\0\0\0\x02");
    for first_byte in 0..=u8::MAX {
        let up_to = objects.partition_point(|object| object.id.first_byte() <= first_byte);
        index.extend_from_slice(&u32::try_from(up_to).map_err(io::Error::other)?.to_be_bytes());
    }
    for object in &objects {
        index.extend_from_slice(object.id.as_slice());
    }
    for object in &objects {
        index.extend_from_slice(&object.crc.to_be_bytes());
    }
    let mut large = Vec::new();
    for object in &objects {
        let entry = match u32::try_from(object.offset) {
            Ok(offset) if object.offset < LARGE_OFFSET => offset,
            _ => {
                large.push(object.offset);
                u32::try_from(large.len() - 1).map_err(io::Error::other)? | 1 << 31
            }
        };
        index.extend_from_slice(&entry.to_be_bytes());
    }
    for offset in large {
        index.extend_from_slice(&offset.to_be_bytes());
    }
    index.extend_from_slice(pack.as_slice());
    let mut hasher = hash::hasher(hash::Kind::Sha1);
    hasher.update(&index);
    index.extend_from_slice(hasher.try_finalize().map_err(io::Error::other)?.as_slice());
    out.write_all(&index)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_entries() {
        let cases: [(Kind, usize, &[u8]); 5] = [
            (Kind::Blob, 0, &[0x30]),
            (Kind::Blob, 15, &[0x3f]),
            (Kind::Blob, 16, &[0xb0, 0x01]),
            (Kind::Commit, 0x7ff, &[0x9f, 0x7f]),
            (Kind::Tree, 0x800, &[0xa0, 0x80, 0x01]),
        ];
        for (kind, size, expected) in cases {
            let mut header = Vec::new();
            entry_header(&mut header, kind, size);
            assert_eq!(header, expected, "{kind} {size}");
        }
    }
}
