//! Keys pressed, carried as named events (RFC 4733).

mod receiver;
mod sender;

pub use receiver::{DigitEdge, EventReceiver};
pub use sender::{EventPacket, EventSender, MAX_QUEUED};

use crate::RtpError;

/// Length of one event block, in bytes.
pub const EVENT_LEN: usize = 4;

/// A key of the telephone: events 0 to 15 (RFC 4733 §3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digit(u8);

impl Digit {
    const KEYS: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '#', 'A', 'B', 'C', 'D',
    ];

    /// The key with this event code; `None` for all other events, flash included.
    pub fn from_event(event: u8) -> Option<Digit> {
        (event < 16).then_some(Digit(event))
    }

    /// The key labelled `0`–`9`, `*`, `#` or `A`–`D` (or `a`–`d`).
    pub fn from_char(label: char) -> Option<Digit> {
        let label = label.to_ascii_uppercase();
        Digit::KEYS
            .iter()
            .position(|key| *key == label)
            .map(|event| Digit(event as u8))
    }

    /// Its event code.
    pub fn event(self) -> u8 {
        self.0
    }

    /// Its label.
    pub fn to_char(self) -> char {
        Digit::KEYS[usize::from(self.0)]
    }
}

/// One event block of a payload (RFC 4733 §2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TelephoneEvent {
    /// The event code.
    pub event: u8,
    /// The E bit: the event is over.
    pub end: bool,
    /// Level of the tone in dBm0 with the sign dropped, 0 (loudest) to 63.
    pub volume: u8,
    /// How long the event has lasted so far, in timestamp units.
    pub duration: u16,
}

impl TelephoneEvent {
    /// Parses one block.
    pub fn from_bytes(bytes: [u8; EVENT_LEN]) -> TelephoneEvent {
        TelephoneEvent {
            event: bytes[0],
            end: bytes[1] & 0x80 != 0,
            volume: bytes[1] & 0x3f,
            duration: u16::from_be_bytes([bytes[2], bytes[3]]),
        }
    }

    /// The block as it goes on the wire.
    pub fn to_bytes(self) -> [u8; EVENT_LEN] {
        let [high, low] = self.duration.to_be_bytes();
        [
            self.event,
            u8::from(self.end) << 7 | self.volume.min(63),
            high,
            low,
        ]
    }

    /// The blocks of a payload. More than one is allowed when events follow each other without a
    /// pause (RFC 4733 §2.5.1.5).
    ///
    /// # Errors
    /// [`RtpError::EventLength`] when the payload is empty or not a multiple of four bytes.
    pub fn parse(payload: &[u8]) -> Result<impl Iterator<Item = TelephoneEvent> + '_, RtpError> {
        match payload.as_chunks::<EVENT_LEN>() {
            ([], _) => Err(RtpError::EventLength),
            (blocks, []) => Ok(blocks
                .iter()
                .map(|block| TelephoneEvent::from_bytes(*block))),
            _ => Err(RtpError::EventLength),
        }
    }
}
