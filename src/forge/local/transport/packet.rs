//! pkt-lines: four hexadecimal digits of length, themselves included, then the payload (`gitprotocol-common.txt`).

use std::fmt::Display;

use crate::forge::ForgeError;

/// Most payload of one packet.
pub(super) const MAX_PAYLOAD: usize = 65_516;

/// One packet of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packet<'a> {
    /// A line, without its line end.
    Line(&'a [u8]),
    /// `0000`: the end of a message.
    Flush,
    /// `0001`: the end of a section.
    Delimiter,
}

/// Reads packets from a request's bytes.
#[derive(Debug, Clone)]
pub(super) struct PacketReader<'a> {
    rest: &'a [u8],
}

impl<'a> PacketReader<'a> {
    /// Reads `bytes`.
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The next packet; `None` at the end of the bytes.
    pub(super) fn next(&mut self) -> Result<Option<Packet<'a>>, ForgeError> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let broken = || ForgeError::Protocol("a pkt-line is cut short or has no valid length".to_owned());
        let (digits, after) = self.rest.split_at_checked(4).ok_or_else(broken)?;
        let digits = std::str::from_utf8(digits).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let length = digits.and_then(|text| usize::from_str_radix(text, 16).ok()).ok_or_else(broken)?;
        let (packet, rest) = match length {
            0 => (Packet::Flush, after),
            1 => (Packet::Delimiter, after),
            2 | 3 => return Err(broken()),
            _ => {
                let (payload, rest) = after.split_at_checked(length - 4).ok_or_else(broken)?;
                (Packet::Line(payload.strip_suffix(b"\n").unwrap_or(payload)), rest)
            }
        };
        self.rest = rest;
        Ok(Some(packet))
    }
}

/// Writes packets.
#[derive(Debug, Default)]
pub(super) struct PacketWriter {
    bytes: Vec<u8>,
}

impl PacketWriter {
    /// Adds a line, with a line end.
    pub(super) fn line(&mut self, text: impl Display) -> &mut Self {
        packet(&mut self.bytes, format!("{text}\n").as_bytes());
        self
    }

    /// Ends a message.
    pub(super) fn flush(&mut self) -> &mut Self {
        self.bytes.extend_from_slice(b"0000");
        self
    }

    /// Ends a section.
    pub(super) fn delimiter(&mut self) -> &mut Self {
        self.bytes.extend_from_slice(b"0001");
        self
    }

    /// What was written.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// The message that makes a Git client say `remote error: {reason}`.
    pub(super) fn error(reason: &str) -> Vec<u8> {
        let mut writer = Self::default();
        let reason: String = reason.chars().take(1000).collect();
        writer.line(format_args!("ERR {reason}"));
        writer.into_bytes()
    }
}

/// Appends one packet with a payload of at most [`MAX_PAYLOAD`] bytes.
pub(super) fn packet(out: &mut Vec<u8>, payload: &[u8]) {
    debug_assert!(payload.len() <= MAX_PAYLOAD, "a packet has a limit");
    out.extend_from_slice(format!("{:04x}", payload.len() + 4).as_bytes());
    out.extend_from_slice(payload);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(bytes: &[u8]) -> Result<Vec<Packet<'_>>, ForgeError> {
        let mut reader = PacketReader::new(bytes);
        std::iter::from_fn(|| reader.next().transpose()).collect()
    }

    #[test]
    fn packets_are_read() {
        let packets = read(b"0006a\n0005a00010004000bfoobar\n0000").unwrap();
        let line = Packet::Line;
        assert_eq!(packets, [line(b"a"), line(b"a"), Packet::Delimiter, line(b""), line(b"foobar"), Packet::Flush]);
        for broken in ["0", "000", "0002", "0003", "0006a", "00g1", "+006ab", "ffff"] {
            assert!(matches!(read(broken.as_bytes()), Err(ForgeError::Protocol(_))), "{broken}");
        }
    }

    proptest! {
        #[test]
        fn lines_are_read_back(lines in proptest::collection::vec("[^\n]{0,50}", 0..5)) {
            let mut writer = PacketWriter::default();
            for line in &lines {
                writer.line(line);
            }
            let bytes = writer.into_bytes();
            let expected: Vec<_> = lines.iter().map(|line| Packet::Line(line.as_bytes())).collect();
            prop_assert_eq!(read(&bytes).unwrap(), expected);
        }

        #[test]
        fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _ = read(&bytes);
        }
    }
}
