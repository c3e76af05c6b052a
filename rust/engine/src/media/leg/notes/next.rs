//! Of a stream that nothing happens to, each packet is the one that was expected. Whether it is costs
//! one comparison, with memory that the leg's tick has at hand; the rest is written now and then.

use std::{net::SocketAddr, sync::Arc, time::Instant};

use sems_rtp::{RtpHeader, RtpPacket, Verdict};

use super::{Kind, Notes, is_near};
use crate::trace::heard::{Heard, MOST, What};

/// Ticks without a packet, in which the silence begins that ends a run: 980 ms.
const SILENT_TICKS: u32 = 49;
/// A run that counts more than this is looked at packet by packet, lest it counts too many.
const ENOUGH: u32 = MOST - 10_000;
/// No packet is this one.
const NOTHING: u64 = u64::MAX;

/// What one leg writes down, or nothing.
pub(in crate::media::leg) struct Noting {
    next: Next,
    notes: Option<Box<Notes>>,
}

/// The packet that is expected from the peer.
struct Next {
    /// Source, payload type and number.
    key: u64,
    /// The last one's.
    timestamp: u32,
    /// So many came that its run does not know of.
    came: u32,
    /// The tick of the last.
    tick: u32,
    last: Option<Instant>,
}

/// Source, payload type and number in one word.
#[inline]
fn key(ssrc: u32, payload_type: u8, sequence: u16) -> u64 {
    u64::from(ssrc) << 32 | u64::from(payload_type) << 16 | u64::from(sequence)
}

impl Next {
    const NONE: Self = Self {
        key: NOTHING,
        timestamp: 0,
        came: 0,
        tick: 0,
        last: None,
    };

    /// Takes the packet, if it is the one.
    #[inline]
    fn is(&mut self, now: Instant, tick: u32, header: &RtpHeader) -> bool {
        let (sequence, timestamp) = (header.sequence.0, header.timestamp.0);
        let came = key(header.ssrc.0, header.payload_type.number(), sequence);
        if came != self.key
            || !is_near(self.timestamp, timestamp)
            || tick.wrapping_sub(self.tick) > SILENT_TICKS
        {
            return false;
        }
        self.key = came & !0xffff | u64::from(sequence.wrapping_add(1));
        (self.timestamp, self.tick, self.last) = (timestamp, tick, Some(now));
        self.came += 1;
        true
    }
}

impl Noting {
    /// Nothing is written down.
    pub(in crate::media::leg) const OFF: Self = Self {
        next: Next::NONE,
        notes: None,
    };

    /// What comes is written down there.
    pub(super) fn to(heard: Arc<Heard>) -> Self {
        Self {
            next: Next::NONE,
            notes: Some(Box::new(Notes::new(heard))),
        }
    }

    /// An RTP packet came in the leg's tick of this number, and was judged; `kind` says what it is for.
    #[inline]
    pub(in crate::media::leg) fn packet(
        &mut self,
        (now, tick): (Instant, u32),
        from: SocketAddr,
        packet: &RtpPacket<'_>,
        verdict: Verdict,
        kind: impl FnOnce() -> Kind,
    ) {
        // Whom the latch accepts is whom it accepted when the run went on or began.
        if verdict == Verdict::Accept && self.next.is(now, tick, &packet.header) {
            return;
        }
        if let Some(notes) = &mut self.notes {
            notes.catch_up(&mut self.next);
            let foreign = verdict == Verdict::Foreign;
            notes.packet(now, from, packet, foreign, kind());
            self.next = notes.next(tick, Some(from));
        }
    }

    /// A datagram of RTCP came, which is about `ours`.
    pub(in crate::media::leg) fn report(
        &mut self,
        now: Instant,
        from: SocketAddr,
        datagram: &[u8],
        about: (u32, bool, bool),
    ) {
        if let Some(notes) = &mut self.notes {
            notes.catch_up(&mut self.next);
            notes.report(now, from, datagram, about);
            self.next = Next::NONE;
        }
    }

    /// Shows readers what has been written down.
    pub(super) fn flush(&mut self) {
        if let Some(notes) = &mut self.notes {
            let (tick, waits) = (self.next.tick, self.next.key != NOTHING);
            notes.catch_up(&mut self.next);
            notes.flush();
            self.next = match waits {
                true => notes.next(tick, None),
                false => Next::NONE,
            };
        }
    }
}

impl Notes {
    /// Counts what came since the run was last written to, which is the first one.
    fn catch_up(&mut self, next: &mut Next) {
        let came = std::mem::take(&mut next.came);
        if let (Some(open), Some(last), true) = (self.open.first_mut(), next.last, came > 0) {
            if let What::Audio { timestamps, .. } = &mut open.run.what {
                timestamps.1 = next.timestamp;
            }
            open.run.count += came;
            open.next = next.key as u16;
            open.last = last;
            open.grown = true;
        }
    }

    /// What is expected after the last packet, which came in this tick, and from there if that is said.
    fn next(&self, tick: u32, from: Option<SocketAddr>) -> Next {
        let first = self.open.first();
        // For another's packet there was no place.
        let first = first.filter(|open| from.is_none_or(|from| from == open.run.from));
        let expected = first.and_then(|open| match open.run.what {
            What::Audio {
                payload_type,
                timestamps: (_, timestamp),
                ..
            } if !open.run.foreign && open.run.count < ENOUGH => Some(Next {
                key: key(open.run.ssrc, payload_type, open.next),
                timestamp,
                came: 0,
                tick,
                last: Some(open.last),
            }),
            _ => None,
        });
        expected.unwrap_or(Next::NONE)
    }
}
