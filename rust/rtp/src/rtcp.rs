//! RTP's control protocol (RFC 3550 §6): reports, the peer's name, goodbye, and when to send them.

mod extended;
mod interval;
mod read;
mod write;

pub use extended::{
    Delay, Delays, ENHANCED_CONCEALMENT_ADAPTIVE_BUFFER, Extended, ExtendedBlock, ExtendedBlocks,
    VoipMetrics,
};
pub use interval::{RtcpTimer, interval};
pub use read::{Compound, ControlPacket, SdesChunk, parse};
pub use write::CompoundWriter;

use std::time::Duration;

use crate::packet::Ssrc;

/// Packet types (RFC 3550 §12.1).
mod packet_type {
    pub const SENDER_REPORT: u8 = 200;
    pub const RECEIVER_REPORT: u8 = 201;
    pub const SOURCE_DESCRIPTION: u8 = 202;
    pub const GOODBYE: u8 = 203;
    pub const EXTENDED_REPORT: u8 = 207;
}

/// The canonical name's item type (RFC 3550 §6.5.1).
const CNAME: u8 = 1;

/// Wall clock as NTP counts it: seconds since 1900 in the upper 32 bits, their fraction in the
/// lower (RFC 3550 §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct NtpTime(pub u64);

impl NtpTime {
    /// The time `since_epoch` after the start of 1970, UTC.
    pub fn from_unix(since_epoch: Duration) -> NtpTime {
        const SECONDS_1900_TO_1970: u64 = 2_208_988_800;
        let seconds = since_epoch.as_secs().wrapping_add(SECONDS_1900_TO_1970);
        let fraction = (u64::from(since_epoch.subsec_nanos()) << 32) / 1_000_000_000;
        NtpTime(seconds << 32 | fraction)
    }

    /// The middle 32 bits, in units of 1/65536 s, as LSR carries them.
    pub fn middle(self) -> u32 {
        (self.0 >> 16) as u32
    }
}

/// A time span in units of 1/65536 s, as DLSR carries it; at most some 18 hours.
pub(crate) fn to_short(duration: Duration) -> u32 {
    let units = duration.as_nanos() * 65_536 / 1_000_000_000;
    u32::try_from(units).unwrap_or(u32::MAX)
}

pub(crate) fn from_short(units: u32) -> Duration {
    Duration::from_nanos(u64::from(units) * 1_000_000_000 / 65_536)
}

/// What a sender tells of its own stream (RFC 3550 §6.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SenderInfo {
    /// When the report was sent.
    pub ntp: NtpTime,
    /// The same instant on the clock of the stream's timestamps.
    pub rtp: crate::packet::Timestamp,
    /// Packets sent since the start, modulo 2³².
    pub packets: u32,
    /// Payload bytes sent since the start, modulo 2³².
    pub octets: u32,
}

/// What a receiver tells of one stream (RFC 3550 §6.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReportBlock {
    /// The stream reported on.
    pub ssrc: Ssrc,
    /// Share of packets lost since the previous report, in 256ths.
    pub fraction_lost: u8,
    /// Packets lost since the start, −2²³ to 2²³ − 1; negative when more came than were sent.
    pub cumulative_lost: i32,
    /// Highest sequence number received, with the count of wraps in the upper 16 bits.
    pub highest_sequence: u32,
    /// Interarrival jitter in timestamp units.
    pub jitter: u32,
    /// The middle of the last sender report's NTP time; 0 when none has come.
    pub last_sender_report: u32,
    /// Time since that report in units of 1/65536 s; 0 when none has come.
    pub delay_since_last_sender_report: u32,
}

impl ReportBlock {
    /// The round-trip time, from a block about our own stream that came at `now`; `None` when the
    /// reporter has not seen a sender report of ours (RFC 3550 §6.4.1). A peer's clock that runs
    /// unevenly can make the time negative: it counts as zero then.
    pub fn round_trip(&self, now: NtpTime) -> Option<Duration> {
        round_trip(
            now,
            self.last_sender_report,
            self.delay_since_last_sender_report,
        )
    }
}

impl Delay {
    /// The round-trip time, from an answer to our own time that came at `now`, as that of a report
    /// block; `None` when the answer is to no time of ours (RFC 3611 §4.5).
    pub fn round_trip(&self, now: NtpTime) -> Option<Duration> {
        round_trip(now, self.last_reference, self.delay)
    }
}

/// The time since `then` (0: never) without the `delay` on the other side.
fn round_trip(now: NtpTime, then: u32, delay: u32) -> Option<Duration> {
    if then == 0 {
        return None;
    }
    let trip = now.middle().wrapping_sub(then).wrapping_sub(delay);
    Some(if trip as i32 >= 0 {
        from_short(trip)
    } else {
        Duration::ZERO
    })
}
