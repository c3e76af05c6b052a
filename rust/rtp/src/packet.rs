//! The RTP data packet (RFC 3550 §5.1) and what tells it from its neighbours on the same port.

use crate::RtpError;

/// Length of the fixed header, in bytes.
pub const HEADER_LEN: usize = 12;

/// A synchronization source: who sent the stream (RFC 3550 §3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ssrc(pub u32);

/// A packet's number, modulo 2¹⁶. Not `Ord`: on a circle "greater" is not transitive (RFC 1982
/// §3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SequenceNumber(pub u16);

impl SequenceNumber {
    /// How far `self` lies after `earlier`; negative when it lies before. Of the two numbers that
    /// are half the circle apart, each lies before the other, which RFC 1982 leaves open.
    pub fn since(self, earlier: SequenceNumber) -> i16 {
        self.0.wrapping_sub(earlier.0) as i16
    }

    /// Whether `self` comes after `other`.
    pub fn is_after(self, other: SequenceNumber) -> bool {
        self.since(other) > 0
    }

    /// The number `steps` further on.
    #[must_use]
    pub fn plus(self, steps: u16) -> SequenceNumber {
        SequenceNumber(self.0.wrapping_add(steps))
    }
}

/// A sampling instant in units of the payload's clock, modulo 2³² (RFC 3550 §5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Timestamp(pub u32);

impl Timestamp {
    /// How many units `self` lies after `earlier`; negative when it lies before.
    pub fn since(self, earlier: Timestamp) -> i32 {
        self.0.wrapping_sub(earlier.0) as i32
    }

    /// Whether `self` comes after `other`.
    pub fn is_after(self, other: Timestamp) -> bool {
        self.since(other) > 0
    }

    /// The instant `units` later.
    #[must_use]
    pub fn plus(self, units: u32) -> Timestamp {
        Timestamp(self.0.wrapping_add(units))
    }
}

/// What the payload is, 0 to 127 (RFC 3551 §6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PayloadType(u8);

impl PayloadType {
    /// G.711 µ-law.
    pub const PCMU: PayloadType = PayloadType(0);
    /// G.711 A-law.
    pub const PCMA: PayloadType = PayloadType(8);
    /// Comfort noise (RFC 3389).
    pub const COMFORT_NOISE: PayloadType = PayloadType(13);

    /// A payload type, or `None` above 127.
    pub const fn new(number: u8) -> Option<PayloadType> {
        if number < 128 {
            Some(PayloadType(number))
        } else {
            None
        }
    }

    /// The number as it stands in SDP.
    pub const fn number(self) -> u8 {
        self.0
    }
}

/// The fields of the fixed header that a sender without CSRCs or extension chooses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RtpHeader {
    /// In audio: the first packet after a silence (RFC 3551 §4.1).
    pub marker: bool,
    /// What the payload is.
    pub payload_type: PayloadType,
    /// The packet's number.
    pub sequence: SequenceNumber,
    /// When its first sample was taken.
    pub timestamp: Timestamp,
    /// Who sends.
    pub ssrc: Ssrc,
}

impl RtpHeader {
    /// The header as it goes on the wire.
    pub fn to_bytes(&self) -> [u8; HEADER_LEN] {
        let mut bytes = [0; HEADER_LEN];
        bytes[0] = 2 << 6;
        bytes[1] = u8::from(self.marker) << 7 | self.payload_type.0;
        bytes[2..4].copy_from_slice(&self.sequence.0.to_be_bytes());
        bytes[4..8].copy_from_slice(&self.timestamp.0.to_be_bytes());
        bytes[8..12].copy_from_slice(&self.ssrc.0.to_be_bytes());
        bytes
    }
}

/// Writes `header` to the start of `out`; returns its length, after which the payload goes.
///
/// # Errors
/// [`RtpError::BufferTooSmall`] when `out` is shorter than [`HEADER_LEN`].
pub fn write_header(out: &mut [u8], header: &RtpHeader) -> Result<usize, RtpError> {
    let out = out.get_mut(..HEADER_LEN).ok_or(RtpError::BufferTooSmall)?;
    out.copy_from_slice(&header.to_bytes());
    Ok(HEADER_LEN)
}

/// A header extension (RFC 3550 §5.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extension<'a> {
    /// The 16 bits left to the profile.
    pub profile: u16,
    /// The extension's content, a multiple of four bytes.
    pub data: &'a [u8],
}

/// A view of a received packet; nothing is copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RtpPacket<'a> {
    /// The fixed header.
    pub header: RtpHeader,
    csrcs: &'a [u8],
    /// The header extension, if there is one.
    pub extension: Option<Extension<'a>>,
    /// The payload without padding; may be empty.
    pub payload: &'a [u8],
}

impl<'a> RtpPacket<'a> {
    /// Parses one datagram (RFC 3550 §5.1 and the checks of A.1 that need no state).
    ///
    /// # Errors
    /// [`RtpError`] when the bytes are not an RTP packet.
    pub fn parse(datagram: &'a [u8]) -> Result<RtpPacket<'a>, RtpError> {
        let (fixed, rest) = datagram
            .split_first_chunk::<HEADER_LEN>()
            .ok_or(RtpError::Truncated)?;
        if fixed[0] >> 6 != 2 {
            return Err(RtpError::Version);
        }
        let header = RtpHeader {
            marker: fixed[1] & 0x80 != 0,
            payload_type: PayloadType(fixed[1] & 0x7f),
            sequence: SequenceNumber(u16::from_be_bytes([fixed[2], fixed[3]])),
            timestamp: Timestamp(u32::from_be_bytes([fixed[4], fixed[5], fixed[6], fixed[7]])),
            ssrc: Ssrc(u32::from_be_bytes([
                fixed[8], fixed[9], fixed[10], fixed[11],
            ])),
        };
        let csrc_len = usize::from(fixed[0] & 0x0f) * 4;
        let (csrcs, rest) = rest.split_at_checked(csrc_len).ok_or(RtpError::Truncated)?;
        let (extension, rest) = if fixed[0] & 0x10 != 0 {
            split_extension(rest)?
        } else {
            (None, rest)
        };
        let payload = if fixed[0] & 0x20 != 0 {
            strip_padding(rest)?
        } else {
            rest
        };
        Ok(RtpPacket {
            header,
            csrcs,
            extension,
            payload,
        })
    }

    /// The contributing sources, in the packet's order; at most 15.
    pub fn csrcs(&self) -> impl Iterator<Item = Ssrc> + 'a {
        let words = self.csrcs.as_chunks::<4>().0;
        words.iter().map(|word| Ssrc(u32::from_be_bytes(*word)))
    }
}

fn split_extension(rest: &[u8]) -> Result<(Option<Extension<'_>>, &[u8]), RtpError> {
    let (head, rest) = rest.split_first_chunk::<4>().ok_or(RtpError::Truncated)?;
    let profile = u16::from_be_bytes([head[0], head[1]]);
    let len = usize::from(u16::from_be_bytes([head[2], head[3]])) * 4;
    let (data, rest) = rest.split_at_checked(len).ok_or(RtpError::Truncated)?;
    Ok((Some(Extension { profile, data }), rest))
}

fn strip_padding(padded: &[u8]) -> Result<&[u8], RtpError> {
    let count = usize::from(*padded.last().ok_or(RtpError::Padding)?);
    if count == 0 {
        return Err(RtpError::Padding);
    }
    let len = padded.len().checked_sub(count).ok_or(RtpError::Padding)?;
    Ok(&padded[..len])
}

/// What a datagram on a media port claims to be (RFC 7983 §7, RFC 5761 §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatagramKind {
    /// An RTP data packet.
    Rtp,
    /// An RTCP packet, when RTCP shares the port.
    Rtcp,
    /// A STUN message (ICE checks, keep-alives).
    Stun,
    /// A DTLS record (key exchange for SRTP).
    Dtls,
    /// Anything else, the empty keep-alive datagram included.
    Other,
}

/// Tells from the first two bytes what `datagram` claims to be; its parser still has to agree.
pub fn classify(datagram: &[u8]) -> DatagramKind {
    match *datagram {
        [0..=3, ..] => DatagramKind::Stun,
        [20..=63, ..] => DatagramKind::Dtls,
        // Payload types 64 to 95 are not used for RTP, so that RTCP's types can be told apart.
        [128..=191, 192..=223, ..] => DatagramKind::Rtcp,
        [128..=191, ..] => DatagramKind::Rtp,
        _ => DatagramKind::Other,
    }
}
