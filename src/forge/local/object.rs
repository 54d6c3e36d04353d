//! New objects of one commit, collected and then stored together: all of them are on disk before a branch moves.
//!
//! A few become loose objects; many become one pack, which costs one sync instead of one for each. gix writes objects
//! without syncing them, hence our own writing.

use std::{
    collections::HashSet,
    io::{self, Write},
};

use bytes::Bytes;
use flate2::{Compression, write::ZlibEncoder};
use gix::{
    ObjectId,
    hash::Kind as HashKind,
    objs::{Exists as _, Kind, WriteTo, compute_hash, encode::loose_header},
};

use super::{
    durable,
    pack::{PackWriter, write_index},
};
use crate::forge::{ForgeError, error::Doing};

/// From here on objects are stored as a pack,
const PACK_FROM: usize = 10;
/// while there are not this many packs yet, as every read has to open them all,
const FEW_PACKS: usize = 20;
/// unless there are so many objects that it is worth it.
const PACK_ALWAYS_FROM: usize = 500;

/// Objects to be stored.
pub(super) struct NewObjects<'a> {
    git: &'a gix::Repository,
    known: HashSet<ObjectId>,
    objects: Vec<(ObjectId, Kind, Bytes)>,
}

impl<'a> NewObjects<'a> {
    /// Objects for `git`.
    pub(super) fn new(git: &'a gix::Repository) -> Self {
        Self { git, known: HashSet::new(), objects: Vec::new() }
    }

    /// Adds an object's bytes and gives its id. One that is stored already costs nothing more.
    pub(super) fn add(&mut self, kind: Kind, data: Bytes) -> Result<ObjectId, ForgeError> {
        let id = compute_hash(HashKind::Sha1, kind, &data).doing("hash an object")?;
        // Asked of the store itself: the repository claims to have the empty tree even where it is not stored.
        if self.known.insert(id) && !self.git.objects.exists(&id) {
            self.objects.push((id, kind, data));
        }
        Ok(id)
    }

    /// Adds a tree or commit.
    pub(super) fn encode(&mut self, object: &dyn WriteTo) -> Result<ObjectId, ForgeError> {
        let mut data = Vec::new();
        object.write_to(&mut data).doing("encode an object")?;
        self.add(object.kind(), data.into())
    }

    /// Puts all of them on disk.
    pub(super) fn store(self) -> Result<(), ForgeError> {
        let as_pack = match self.objects.len() {
            ..PACK_FROM => Ok(false),
            PACK_ALWAYS_FROM.. => Ok(true),
            _ => self.has_few_packs(),
        };
        let stored = as_pack.and_then(|as_pack| if as_pack { self.store_pack() } else { self.store_loose() });
        stored.doing("store the objects of a commit")
    }

    fn has_few_packs(&self) -> io::Result<bool> {
        let mut packs = 0;
        for entry in std::fs::read_dir(self.git.git_dir().join("objects/pack"))? {
            packs += usize::from(entry?.path().extension().is_some_and(|extension| extension == "idx"));
        }
        Ok(packs < FEW_PACKS)
    }

    fn store_loose(&self) -> io::Result<()> {
        let root = self.git.git_dir().join("objects");
        for (id, kind, data) in &self.objects {
            let hex = id.to_string();
            let (folder, name) = hex.split_at(2);
            let folder = root.join(folder);
            std::fs::create_dir_all(&folder)?;
            durable::write_named(&folder, |out| {
                let mut encoder = ZlibEncoder::new(out, Compression::default());
                encoder.write_all(&loose_header(*kind, data.len() as u64))?;
                encoder.write_all(data)?;
                encoder.finish()?;
                Ok((name.to_owned(), ()))
            })?;
            durable::sync_folder(&folder)?;
        }
        durable::sync_folder(&root)
    }

    fn store_pack(&self) -> io::Result<()> {
        let folder = self.git.git_dir().join("objects/pack");
        let (checksum, packed) = durable::write_named(&folder, |out| {
            let mut pack = PackWriter::new(out, self.objects.len(), Compression::default())?;
            let packed = self.objects.iter().map(|(id, kind, data)| pack.add(*id, *kind, data));
            let packed = packed.collect::<io::Result<Vec<_>>>()?;
            let (_, checksum) = pack.finish()?;
            Ok((format!("pack-{checksum}.pack"), (checksum, packed)))
        })?;
        // Git looks for the index first: only with it the pack exists.
        durable::write_named(&folder, |out| {
            write_index(out, packed, checksum)?;
            Ok((format!("pack-{checksum}.idx"), ()))
        })?;
        durable::sync_folder(&folder)
    }
}
