//! What the check of a message has found of a row, so that who reads it need not look again.

use super::name_addr::AddressPlaces;
use super::via::ViaPlaces;
use crate::grammar;

/// Where the pieces of a row's value are. It is kept within the row, where it costs no memory.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, Default)]
pub struct Found(pub(crate) Pieces);

#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Pieces {
    /// Nobody has looked, or it is of a kind that is rare.
    #[default]
    Unknown,
    /// It can be read; it is one piece.
    Sound,
    /// A single Via.
    Via(ViaPlaces),
    /// A From or To.
    Address(AddressPlaces),
    /// A CSeq: its number, and where its method starts.
    CSeq { sequence: u32, method: u16 },
}

/// Where a piece of a value starts and ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    start: u16,
    end: u16,
}

impl Place {
    /// Of a piece of `whole`, or an empty one; `None` too far from its start to be written down.
    #[inline]
    pub(crate) fn of(whole: &str, piece: &str) -> Option<Self> {
        if piece.is_empty() {
            return Some(Self { start: 0, end: 0 });
        }
        let start = piece.as_ptr() as usize - whole.as_ptr() as usize;
        let end = u16::try_from(start + piece.len()).ok()?;
        // What is before an end that fits fits as well.
        let start = start as u16;
        Some(Self { start, end })
    }

    /// The piece that it is the place of.
    #[inline]
    pub(crate) fn piece(self, whole: &str) -> &str {
        &whole[usize::from(self.start)..usize::from(self.end)]
    }

    /// The piece as a text of its own, `value` being a part of `whole`.
    #[inline]
    pub(crate) fn slice(self, whole: &crate::Text, value: &str) -> crate::Text {
        grammar::slice(whole, self.piece(value))
    }
}
