//! From event packets, some lost, some doubled, to one begin and one end a key press.

use std::time::{Duration, Instant};

use super::{Digit, TelephoneEvent};
use crate::RtpError;
use crate::packet::{RtpPacket, Ssrc, Timestamp};

/// An event of which nothing is heard for this long has ended; senders repeat it every 50 ms at
/// most.
const LOST_END: Duration = Duration::from_millis(500);
/// After this long no packet of an older event is still on its way, so an older timestamp is a new
/// time base.
const FORGET: Duration = Duration::from_secs(5);

/// What happened to a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DigitEdge {
    /// It went down.
    Begin {
        /// Which key.
        digit: Digit,
    },
    /// It came up.
    End {
        /// Which key.
        digit: Digit,
        /// How long it was down, in timestamp units, as far as is known.
        duration: u32,
    },
}

#[derive(Debug, Clone, Copy)]
struct Current {
    ssrc: Ssrc,
    /// Start of the event, or of the newest segment of a long one.
    timestamp: Timestamp,
    digit: Option<Digit>,
    /// Units in the segments before this one.
    segments: u32,
    duration: u16,
    ended: bool,
    heard: Instant,
}

/// Receives the telephone-events of one leg.
///
/// An event is known by its timestamp: whatever comes again with that timestamp belongs to it, so
/// the end that is sent three times ends it once, and a lost start begins it late rather than
/// never.
#[derive(Debug, Clone, Default)]
pub struct EventReceiver {
    current: Option<Current>,
}

impl EventReceiver {
    /// Nothing received yet.
    pub fn new() -> EventReceiver {
        EventReceiver::default()
    }

    /// Takes a packet of the telephone-event payload type, tells `emit` of each edge in it.
    ///
    /// # Errors
    /// [`RtpError::EventLength`] when the payload is not made of event blocks; nothing is told then.
    pub fn receive(
        &mut self,
        now: Instant,
        packet: &RtpPacket<'_>,
        mut emit: impl FnMut(DigitEdge),
    ) -> Result<(), RtpError> {
        let mut timestamp = packet.header.timestamp;
        for block in TelephoneEvent::parse(packet.payload)? {
            self.block(
                now,
                packet.header.ssrc,
                timestamp,
                packet.header.marker,
                block,
                &mut emit,
            );
            timestamp = timestamp.plus(u32::from(block.duration));
        }
        Ok(())
    }

    /// Ends an event whose end got lost; to be called now and then, such as at every tick.
    pub fn expire(&mut self, now: Instant) -> Option<DigitEdge> {
        let current = self.current.as_mut()?;
        if current.ended || now.saturating_duration_since(current.heard) < LOST_END {
            return None;
        }
        current.end()
    }

    fn block(
        &mut self,
        now: Instant,
        ssrc: Ssrc,
        timestamp: Timestamp,
        marker: bool,
        block: TelephoneEvent,
        emit: &mut impl FnMut(DigitEdge),
    ) {
        if let Some(current) = &mut self.current {
            let age = now.saturating_duration_since(current.heard);
            if current.ssrc == ssrc && current.timestamp == timestamp {
                current.heard = now;
                current.duration = current.duration.max(block.duration);
                if block.end && !current.ended {
                    current.end().map(emit);
                }
                return;
            }
            let late = !timestamp.is_after(current.timestamp);
            if current.ssrc == ssrc && late && age < FORGET {
                return;
            }
            if current.ssrc == ssrc && !marker && current.continues_at(timestamp, block.event) {
                current.segments += u32::from(u16::MAX);
                current.timestamp = timestamp;
                current.duration = block.duration;
                current.heard = now;
                if block.end {
                    current.end().map(emit);
                }
                return;
            }
            if !current.ended {
                current.end().map(&mut *emit);
            }
        }
        let mut current = Current {
            ssrc,
            timestamp,
            digit: Digit::from_event(block.event),
            segments: 0,
            duration: block.duration,
            ended: false,
            heard: now,
        };
        if let Some(digit) = current.digit {
            emit(DigitEdge::Begin { digit });
        }
        if block.end {
            current.end().map(emit);
        }
        self.current = Some(current);
    }
}

impl Current {
    fn end(&mut self) -> Option<DigitEdge> {
        self.ended = true;
        let duration = self.segments + u32::from(self.duration);
        self.digit.map(|digit| DigitEdge::End { digit, duration })
    }

    /// Whether this is the next segment of an event too long for its duration field (RFC 4733
    /// §2.5.1.3).
    fn continues_at(&self, timestamp: Timestamp, event: u8) -> bool {
        !self.ended
            && timestamp == self.timestamp.plus(u32::from(u16::MAX))
            && Digit::from_event(event) == self.digit
    }
}
