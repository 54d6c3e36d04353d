//! Characters that YAML forbids and Backstage's parser reads as text: control characters, U+FFFE and U+FFFF. A carriage
//! return that ends no line is one of them there.
//!
//! The event parser refuses them. So each is read as a character of a private block that the text does not use, one for
//! one (positions stay), and put back into every scalar. A text that uses every private block, or that could name one in
//! an escape, is left as it is: the parser then tells where the first forbidden character stands.

use std::borrow::Cow;

/// First of the private planes, which end with Unicode.
const PRIVATE: u32 = 0xF_0000;
/// Characters in a block; more than there are forbidden ones.
const BLOCK: u32 = 128;
const BLOCKS: usize = 1024;

/// Which block stands for the forbidden characters of a text, if it has any.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Controls {
    base: Option<u32>,
}

impl Controls {
    /// The text that the event parser gets, and how to put the characters back.
    pub(super) fn hide(source: &str) -> (Cow<'_, str>, Self) {
        if !slots(source).any(|(_, slot)| slot.is_some()) || names_private(source) {
            return (Cow::Borrowed(source), Self::default());
        }
        let Some(base) = free_block(source) else {
            return (Cow::Borrowed(source), Self::default());
        };
        let hidden = |(character, slot): (char, Option<u32>)| {
            slot.and_then(|slot| char::from_u32(base + slot)).unwrap_or(character)
        };
        (Cow::Owned(slots(source).map(hidden).collect()), Self { base: Some(base) })
    }

    /// A scalar, or a message about one, with its characters put back.
    pub(super) fn restore(self, text: Cow<'_, str>) -> Cow<'_, str> {
        let Some(base) = self.base else {
            return text;
        };
        let original = |character: char| {
            let slot = u32::from(character).checked_sub(base).filter(|slot| *slot < BLOCK);
            slot.and_then(forbidden)
        };
        if !text.chars().any(|character| original(character).is_some()) {
            return text;
        }
        Cow::Owned(text.chars().map(|character| original(character).unwrap_or(character)).collect())
    }
}

/// Every character, the forbidden ones with their place in the block.
fn slots(source: &str) -> impl Iterator<Item = (char, Option<u32>)> {
    let is_lone = |at: usize| source.as_bytes().get(at + 1) != Some(&b'\n');
    source.char_indices().map(move |(at, character)| match character {
        '\r' if is_lone(at) => (character, Some(u32::from(character))),
        _ => (character, slot(character)),
    })
}

/// The place of a forbidden character in the block: C0 but tab and line ends, DEL and C1 but NEL, the two non-characters.
fn slot(character: char) -> Option<u32> {
    match character {
        '\t' | '\n' | '\r' | '\u{85}' => None,
        '\0'..='\u{1f}' => Some(u32::from(character)),
        '\u{7f}'..='\u{9f}' => Some(u32::from(character) - 0x7f + 0x20),
        '\u{fffe}' => Some(0x50),
        '\u{ffff}' => Some(0x51),
        _ => None,
    }
}

fn forbidden(slot: u32) -> Option<char> {
    match slot {
        0..=0x1f => char::from_u32(slot),
        0x20..=0x40 => char::from_u32(slot - 0x20 + 0x7f),
        0x50 => Some('\u{fffe}'),
        0x51 => Some('\u{ffff}'),
        _ => None,
    }
}

/// Whether an escape could mean a private character: `\U000F…`, `\U0010…` or the surrogates from `\uDB80`.
fn names_private(source: &str) -> bool {
    ["\\U000F", "\\U000f", "\\U0010", "\\uDB", "\\uDb", "\\udB", "\\udb"]
        .into_iter()
        .any(|escape| source.contains(escape))
}

fn free_block(source: &str) -> Option<u32> {
    let mut used = [false; BLOCKS];
    for character in source.chars() {
        let block = u32::from(character).checked_sub(PRIVATE).map(|offset| offset / BLOCK);
        if let Some(used) = block.and_then(|block| used.get_mut(usize::try_from(block).ok()?)) {
            *used = true;
        }
    }
    let free = u32::try_from(used.iter().position(|used| !used)?).ok()?;
    Some(PRIVATE + free * BLOCK)
}
