//! What a client asks for, in either protocol, as one type.

use gix::ObjectId;

use super::{
    ProtocolVersion,
    packet::{Packet, PacketReader},
};
use crate::forge::ForgeError;

/// A request to `git-upload-pack`.
#[derive(Debug)]
pub(super) enum Request {
    /// Version 2's `ls-refs`.
    ListReferences(ListReferences),
    /// A negotiation about a pack.
    Fetch(Fetch),
}

/// Which references to list, and how.
#[derive(Debug, Default)]
pub(super) struct ListReferences {
    /// Say what annotated tags point to.
    pub(super) peel: bool,
    /// Say what symbolic references point to.
    pub(super) symrefs: bool,
    /// Say where `HEAD` points even if there is no commit.
    pub(super) unborn: bool,
    /// Only references that start with one of these; all if there are none.
    pub(super) prefixes: Vec<String>,
}

/// What a client wants, and what it has.
#[derive(Debug, Default)]
pub(super) struct Fetch {
    /// Objects it wants with everything they refer to.
    pub(super) wants: Vec<ObjectId>,
    /// Objects it says it has.
    pub(super) haves: Vec<ObjectId>,
    /// Commits whose parents it does not have.
    pub(super) shallow: Vec<ObjectId>,
    /// How much history it wants; everything if nothing is said.
    pub(super) deepen: Deepen,
    /// It will ask no further: send the pack.
    pub(super) done: bool,
    /// Version 0: something followed the wants, be it nothing but a flush.
    pub(super) negotiating: bool,
    /// Send annotated tags of what is sent.
    pub(super) include_tag: bool,
    /// Version 0: which acknowledgments it understands.
    pub(super) acknowledgments: Acknowledgments,
    /// How the pack is wrapped.
    pub(super) side_band: SideBand,
}

/// How much history is wanted.
#[derive(Debug, Default)]
pub(super) struct Deepen {
    /// So many commits from each want.
    pub(super) depth: Option<u32>,
    /// `depth` counts from the client's present boundary.
    pub(super) relative: bool,
    /// Only commits from this moment on.
    pub(super) since: Option<i64>,
    /// Nothing reachable from these references.
    pub(super) not: Vec<String>,
}

impl Deepen {
    /// Whether anything is said.
    pub(super) fn is_asked(&self) -> bool {
        self.depth.is_some() || self.since.is_some() || !self.not.is_empty()
    }
}

/// Version 0's kinds of acknowledgment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Acknowledgments {
    /// The first common commit only.
    #[default]
    Single,
    /// `multi_ack`
    Continue,
    /// `multi_ack_detailed`
    Detailed,
}

/// How pack bytes are wrapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum SideBand {
    /// Not at all.
    #[default]
    None,
    /// In packets of up to 1000 bytes.
    Small,
    /// In packets of up to 65520 bytes.
    Large,
}

/// Parses the body of `POST git-upload-pack`.
pub(super) fn parse(version: ProtocolVersion, body: &[u8]) -> Result<Request, ForgeError> {
    match version {
        ProtocolVersion::V0 | ProtocolVersion::V1 => parse_v0(body).map(Request::Fetch),
        ProtocolVersion::V2 => parse_v2(body),
    }
}

/// `want… shallow… deepen… flush have… (flush|done)`: gitprotocol-pack, "Packfile Negotiation".
fn parse_v0(body: &[u8]) -> Result<Fetch, ForgeError> {
    let mut packets = PacketReader::new(body);
    let mut fetch = Fetch::default();
    let mut first = true;
    loop {
        let line = match packets.next()? {
            Some(Packet::Line(line)) => text(line)?,
            Some(Packet::Flush) | None => break,
            Some(Packet::Delimiter) => return Err(unexpected("a delimiter")),
        };
        match line.split_once(' ') {
            Some(("want", rest)) => {
                let (id, capabilities) = rest.split_once(' ').unwrap_or((rest, ""));
                fetch.wants.push(object(id)?);
                if std::mem::take(&mut first) {
                    capabilities.split(' ').for_each(|capability| fetch.capability(capability));
                }
            }
            Some(("shallow", id)) => fetch.shallow.push(object(id)?),
            _ if fetch.deepen_argument(line)? => {}
            _ => return Err(unexpected(line)),
        }
    }
    while let Some(packet) = packets.next()? {
        fetch.negotiating = true;
        match packet {
            Packet::Line(line) => match text(line)?.split_once(' ') {
                Some(("have", id)) => fetch.haves.push(object(id)?),
                None if line == b"done" => fetch.done = true,
                _ => return Err(unexpected(text(line)?)),
            },
            // A stateless client ends each round with a flush, so there is one at most.
            Packet::Flush => break,
            Packet::Delimiter => return Err(unexpected("a delimiter")),
        }
    }
    Ok(fetch)
}

/// `command=…, capabilities, delimiter, arguments, flush`: gitprotocol-v2, "Command Request".
fn parse_v2(body: &[u8]) -> Result<Request, ForgeError> {
    let mut packets = PacketReader::new(body);
    let mut command = None;
    let mut has_arguments = false;
    while let Some(packet) = packets.next()? {
        match packet {
            Packet::Line(line) => match text(line)?.split_once('=') {
                Some(("command", name)) => command = Some(name.to_owned()),
                Some(("object-format", format)) if format != "sha1" => return Err(unexpected("an object format")),
                _ => {}
            },
            Packet::Delimiter => {
                has_arguments = true;
                break;
            }
            Packet::Flush => break,
        }
    }
    let mut arguments = Vec::new();
    while has_arguments && let Some(Packet::Line(line)) = packets.next()? {
        arguments.push(text(line)?);
    }
    match command.as_deref() {
        Some("ls-refs") => Ok(Request::ListReferences(list_arguments(&arguments)?)),
        Some("fetch") => Ok(Request::Fetch(fetch_arguments(&arguments)?)),
        Some(other) => Err(unexpected(other)),
        None => Err(ForgeError::Protocol("the request names no command".to_owned())),
    }
}

fn list_arguments(arguments: &[&str]) -> Result<ListReferences, ForgeError> {
    let mut list = ListReferences::default();
    for argument in arguments {
        match argument.split_once(' ') {
            Some(("ref-prefix", prefix)) => list.prefixes.push(prefix.to_owned()),
            None if *argument == "peel" => list.peel = true,
            None if *argument == "symrefs" => list.symrefs = true,
            None if *argument == "unborn" => list.unborn = true,
            _ => return Err(unexpected(argument)),
        }
    }
    Ok(list)
}

fn fetch_arguments(arguments: &[&str]) -> Result<Fetch, ForgeError> {
    let mut fetch = Fetch { side_band: SideBand::Large, ..Fetch::default() };
    for argument in arguments {
        match argument.split_once(' ') {
            Some(("want", id)) => fetch.wants.push(object(id)?),
            Some(("have", id)) => fetch.haves.push(object(id)?),
            Some(("shallow", id)) => fetch.shallow.push(object(id)?),
            None if *argument == "done" => fetch.done = true,
            None if matches!(*argument, "thin-pack" | "no-progress" | "ofs-delta") => {}
            None if matches!(*argument, "include-tag" | "deepen-relative") => fetch.capability(argument),
            _ if fetch.deepen_argument(argument)? => {}
            _ => return Err(unexpected(argument)),
        }
    }
    Ok(fetch)
}

impl Fetch {
    /// Takes note of a capability; those that change nothing here (`ofs-delta`, `agent`) are passed over.
    fn capability(&mut self, capability: &str) {
        match capability {
            "multi_ack_detailed" => self.acknowledgments = Acknowledgments::Detailed,
            "multi_ack" if self.acknowledgments == Acknowledgments::Single => {
                self.acknowledgments = Acknowledgments::Continue;
            }
            "side-band-64k" => self.side_band = SideBand::Large,
            "side-band" if self.side_band == SideBand::None => self.side_band = SideBand::Small,
            "include-tag" => self.include_tag = true,
            "deepen-relative" => self.deepen.relative = true,
            _ => {}
        }
    }

    /// Takes a `deepen…` line; whether it is one.
    fn deepen_argument(&mut self, line: &str) -> Result<bool, ForgeError> {
        match line.split_once(' ') {
            Some(("deepen", depth)) => {
                let depth = depth.parse().ok().filter(|depth| *depth > 0).ok_or_else(|| unexpected(line))?;
                self.deepen.depth = Some(depth);
            }
            Some(("deepen-since", moment)) => {
                self.deepen.since = Some(moment.parse().map_err(|_| unexpected(line))?);
            }
            Some(("deepen-not", reference)) => self.deepen.not.push(reference.to_owned()),
            _ => return Ok(false),
        }
        Ok(true)
    }
}

fn text(line: &[u8]) -> Result<&str, ForgeError> {
    std::str::from_utf8(line).map_err(|_| ForgeError::Protocol("a line of the request is not UTF-8".to_owned()))
}

fn object(id: &str) -> Result<ObjectId, ForgeError> {
    id.parse().map_err(|_| ForgeError::Protocol(format!("{id:?} is not an object id")))
}

fn unexpected(what: &str) -> ForgeError {
    ForgeError::Protocol(format!("{what:?} was not expected or is not supported"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ID: &str = "0123456789012345678901234567890123456789";

    fn body(lines: &[&str]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for line in lines {
            match *line {
                "FLUSH" => bytes.extend_from_slice(b"0000"),
                "DELIMITER" => bytes.extend_from_slice(b"0001"),
                text => super::super::packet::packet(&mut bytes, format!("{text}\n").as_bytes()),
            }
        }
        bytes
    }

    #[test]
    fn version_0_is_understood() {
        let lines = [
            &format!("want {ID} multi_ack_detailed side-band-64k ofs-delta agent=git/2"),
            &format!("want {ID}"),
            &format!("shallow {ID}"),
            "deepen 3",
            "FLUSH",
            &format!("have {ID}"),
            "done",
        ];
        let Request::Fetch(fetch) = parse(ProtocolVersion::V0, &body(&lines)).unwrap() else { panic!() };
        assert_eq!((fetch.wants.len(), fetch.haves.len(), fetch.shallow.len()), (2, 1, 1));
        assert_eq!((fetch.done, fetch.negotiating, fetch.deepen.depth), (true, true, Some(3)));
        assert_eq!((fetch.acknowledgments, fetch.side_band), (Acknowledgments::Detailed, SideBand::Large));
    }

    #[test]
    fn version_2_is_understood() {
        let want = format!("want {ID}");
        let lines = [
            "command=fetch",
            "agent=git/2",
            "DELIMITER",
            "thin-pack",
            "ofs-delta",
            &want,
            "deepen-since 5",
            "done",
            "FLUSH",
        ];
        let Request::Fetch(fetch) = parse(ProtocolVersion::V2, &body(&lines)).unwrap() else { panic!() };
        assert_eq!((fetch.wants.len(), fetch.done, fetch.deepen.since), (1, true, Some(5)));
        let lines = ["command=ls-refs", "DELIMITER", "peel", "symrefs", "unborn", "ref-prefix refs/heads/", "FLUSH"];
        let Request::ListReferences(list) = parse(ProtocolVersion::V2, &body(&lines)).unwrap() else { panic!() };
        assert!(list.peel && list.symrefs && list.unborn);
        assert_eq!(list.prefixes, ["refs/heads/"]);
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        use ProtocolVersion::{V0, V2};
        let cases: &[(ProtocolVersion, &[&str])] = &[
            (V0, &["want x", "FLUSH"]),
            (V0, &["filter blob:none", "FLUSH"]),
            (V0, &["deepen 0", "FLUSH"]),
            (V0, &["deepen -1", "FLUSH"]),
            (V0, &["FLUSH", "hello"]),
            (V2, &[]),
            (V2, &["command=push", "FLUSH"]),
            (V2, &["command=fetch", "DELIMITER", "filter blob:none", "FLUSH"]),
            (V2, &["command=fetch", "object-format=sha256", "FLUSH"]),
            (V2, &["command=ls-refs", "DELIMITER", "everything", "FLUSH"]),
        ];
        for (version, lines) in cases {
            assert!(matches!(parse(*version, &body(lines)), Err(ForgeError::Protocol(_))), "{lines:?}");
        }
    }

    proptest! {
        #[test]
        fn no_lines_make_the_parser_panic(
            lines in proptest::collection::vec("(want|have|deepen|command=fetch|DELIMITER|FLUSH|done)? ?.{0,45}", 0..8),
            second: bool,
        ) {
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            let _ = parse(if second { ProtocolVersion::V2 } else { ProtocolVersion::V0 }, &body(&lines));
        }
    }
}
