//! Extended reports (RFC 3611): the reference time of who only receives, its answer, and the
//! metrics of a voice call. All other blocks are read past.

use super::NtpTime;
use crate::RtpError;
use crate::packet::Ssrc;

/// Block types (RFC 3611 §4).
mod block_type {
    pub const RECEIVER_REFERENCE_TIME: u8 = 4;
    pub const DLRR: u8 = 5;
    pub const VOIP_METRICS: u8 = 7;
}

/// Words after the head of a block of metrics.
const METRICS_WORDS: usize = 8;
const METRICS_LEN: usize = 4 * METRICS_WORDS;
const DLRR_LEN: usize = 12;
/// "Not known" in most of the fields of one byte.
const UNAVAILABLE: u8 = 127;

/// One block of an extended report.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum ExtendedBlock<'a> {
    /// The reporter's time, so that its round trip can be measured although it sends no SR
    /// (RFC 3611 §4.4).
    ReceiverReferenceTime(NtpTime),
    /// Answers to such times (RFC 3611 §4.5).
    Delays(Delays<'a>),
    /// How the reporter hears a voice call (RFC 3611 §4.7).
    VoipMetrics(VoipMetrics),
    /// Any other block, or one whose content contradicts its length.
    Other {
        /// The block type.
        block_type: u8,
    },
}

/// The answer to one receiver's reference time (RFC 3611 §4.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delay {
    /// The receiver.
    pub ssrc: Ssrc,
    /// The middle of its reference time; 0 when none has come.
    pub last_reference: u32,
    /// Time since that came, in units of 1/65536 s.
    pub delay: u32,
}

/// The answers of one block.
#[derive(Debug, Clone)]
pub struct Delays<'a> {
    rest: &'a [u8],
}

impl Iterator for Delays<'_> {
    type Item = Delay;

    fn next(&mut self) -> Option<Delay> {
        let (bytes, rest) = self.rest.split_first_chunk::<DLRR_LEN>()?;
        self.rest = rest;
        Some(Delay {
            ssrc: Ssrc(word(bytes, 0)),
            last_reference: word(bytes, 4),
            delay: word(bytes, 8),
        })
    }
}

/// How a receiver hears one voice stream (RFC 3611 §4.7); from the beginning, not since the last
/// report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VoipMetrics {
    /// The stream reported on.
    pub ssrc: Ssrc,
    /// Share of packets lost on the way, in 256ths.
    pub loss_rate: u8,
    /// Share of packets that came too late, or for which there was no room, in 256ths.
    pub discard_rate: u8,
    /// Share of lost and discarded packets within bursts, in 256ths.
    pub burst_density: u8,
    /// The same within gaps.
    pub gap_density: u8,
    /// Mean length of a burst in milliseconds.
    pub burst_duration_ms: u16,
    /// Mean length of a gap in milliseconds.
    pub gap_duration_ms: u16,
    /// The last round trip between the RTP interfaces in milliseconds; 0: not known.
    pub round_trip_ms: u16,
    /// What the reporter's own buffers and coders add in milliseconds; 0: not known.
    pub end_system_delay_ms: u16,
    /// Level of the voice in dBm0.
    pub signal_level: Option<i8>,
    /// Level of the noise in its pauses in dBm0.
    pub noise_level: Option<i8>,
    /// Residual echo return loss in dB.
    pub echo_return_loss: Option<u8>,
    /// Packets received in a row that end a burst.
    pub gmin: u8,
    /// Quality of the call's segment on this side, 0–100 (ITU-T G.107); about 93 is the best of a
    /// narrowband codec.
    pub r_factor: Option<u8>,
    /// Quality of a segment beyond the reporter's.
    pub external_r_factor: Option<u8>,
    /// What a listener thinks of it in tenths of MOS, 10–50.
    pub mos_listening: Option<u8>,
    /// The same with what delay does to a conversation.
    pub mos_conversation: Option<u8>,
    /// Concealment and jitter buffer (RFC 3611 §4.7.6).
    pub receiver_config: u8,
    /// Delay of the jitter buffer for packets that come on time, in milliseconds.
    pub buffer_nominal_ms: u16,
    /// Its delay for the latest packet that it would have played.
    pub buffer_maximum_ms: u16,
    /// The most that it can reach.
    pub buffer_limit_ms: u16,
}

/// Concealment better than repetition, a buffer that adapts within a second (RFC 3611 §4.7.6).
pub const ENHANCED_CONCEALMENT_ADAPTIVE_BUFFER: u8 = 0b1011_0000;

/// The blocks of one extended report; ends early where they are malformed.
#[derive(Debug, Clone)]
pub struct ExtendedBlocks<'a> {
    pub(super) rest: &'a [u8],
}

impl<'a> Iterator for ExtendedBlocks<'a> {
    type Item = ExtendedBlock<'a>;

    fn next(&mut self) -> Option<ExtendedBlock<'a>> {
        let (head, rest) = self.rest.split_first_chunk::<4>()?;
        let length = usize::from(u16::from_be_bytes([head[2], head[3]])) * 4;
        let (body, rest) = rest.split_at_checked(length)?;
        self.rest = rest;
        let block_type = head[0];
        Some(read(block_type, body).unwrap_or(ExtendedBlock::Other { block_type }))
    }
}

fn read(block_type: u8, body: &[u8]) -> Option<ExtendedBlock<'_>> {
    match block_type {
        block_type::RECEIVER_REFERENCE_TIME => {
            let time = NtpTime(u64::from_be_bytes(body.try_into().ok()?));
            Some(ExtendedBlock::ReceiverReferenceTime(time))
        }
        block_type::DLRR if body.len().is_multiple_of(DLRR_LEN) => {
            Some(ExtendedBlock::Delays(Delays { rest: body }))
        }
        block_type::VOIP_METRICS => {
            let body: &[u8; METRICS_LEN] = body.try_into().ok()?;
            Some(ExtendedBlock::VoipMetrics(VoipMetrics::from_bytes(body)))
        }
        _ => None,
    }
}

impl VoipMetrics {
    fn from_bytes(bytes: &[u8; METRICS_LEN]) -> VoipMetrics {
        let half = |at: usize| u16::from_be_bytes([bytes[at], bytes[at + 1]]);
        let known = |at: usize| (bytes[at] != UNAVAILABLE).then_some(bytes[at]);
        let level = |at: usize| known(at).map(|level| level as i8);
        VoipMetrics {
            ssrc: Ssrc(word(bytes, 0)),
            loss_rate: bytes[4],
            discard_rate: bytes[5],
            burst_density: bytes[6],
            gap_density: bytes[7],
            burst_duration_ms: half(8),
            gap_duration_ms: half(10),
            round_trip_ms: half(12),
            end_system_delay_ms: half(14),
            signal_level: level(16),
            noise_level: level(17),
            echo_return_loss: known(18),
            gmin: bytes[19],
            r_factor: known(20),
            external_r_factor: known(21),
            mos_listening: known(22),
            mos_conversation: known(23),
            receiver_config: bytes[24],
            buffer_nominal_ms: half(26),
            buffer_maximum_ms: half(28),
            buffer_limit_ms: half(30),
        }
    }

    fn to_bytes(self) -> [u8; METRICS_LEN] {
        let mut bytes = [0; METRICS_LEN];
        bytes[..4].copy_from_slice(&self.ssrc.0.to_be_bytes());
        bytes[4] = self.loss_rate;
        bytes[5] = self.discard_rate;
        bytes[6] = self.burst_density;
        bytes[7] = self.gap_density;
        let halves = [
            (8, self.burst_duration_ms),
            (10, self.gap_duration_ms),
            (12, self.round_trip_ms),
            (14, self.end_system_delay_ms),
            (26, self.buffer_nominal_ms),
            (28, self.buffer_maximum_ms),
            (30, self.buffer_limit_ms),
        ];
        for (at, value) in halves {
            bytes[at..at + 2].copy_from_slice(&value.to_be_bytes());
        }
        let known = |value: Option<u8>| value.unwrap_or(UNAVAILABLE);
        bytes[16] = known(self.signal_level.map(|level| level as u8));
        bytes[17] = known(self.noise_level.map(|level| level as u8));
        bytes[18] = known(self.echo_return_loss);
        bytes[19] = self.gmin;
        bytes[20] = known(self.r_factor);
        bytes[21] = known(self.external_r_factor);
        bytes[22] = known(self.mos_listening);
        bytes[23] = known(self.mos_conversation);
        bytes[24] = self.receiver_config;
        bytes
    }
}

/// What goes into an extended report of ours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Extended {
    /// Our time, for a peer that shall answer it: wanted where we send no RTP.
    pub reference_time: Option<NtpTime>,
    /// The answer to the peer's time.
    pub delay: Option<Delay>,
    /// How we hear the peer.
    pub metrics: Option<VoipMetrics>,
}

impl Extended {
    /// Whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        *self == Extended::default()
    }

    /// Gives `put` the blocks in their bytes.
    pub(super) fn write(
        &self,
        mut put: impl FnMut(&[u8]) -> Result<(), RtpError>,
    ) -> Result<(), RtpError> {
        if let Some(NtpTime(time)) = self.reference_time {
            put(&[block_type::RECEIVER_REFERENCE_TIME, 0, 0, 2])?;
            put(&time.to_be_bytes())?;
        }
        if let Some(Delay {
            ssrc,
            last_reference,
            delay,
        }) = self.delay
        {
            put(&[block_type::DLRR, 0, 0, 3])?;
            for word in [ssrc.0, last_reference, delay] {
                put(&word.to_be_bytes())?;
            }
        }
        if let Some(metrics) = self.metrics {
            put(&[block_type::VOIP_METRICS, 0, 0, METRICS_WORDS as u8])?;
            put(&metrics.to_bytes())?;
        }
        Ok(())
    }
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}
