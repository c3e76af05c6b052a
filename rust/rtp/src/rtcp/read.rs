//! Reading compound packets. Everything is a view of the datagram.

use super::{CNAME, ExtendedBlocks, NtpTime, ReportBlock, SenderInfo, packet_type};
use crate::RtpError;
use crate::packet::{Ssrc, Timestamp};

const HEADER_LEN: usize = 4;
const SENDER_INFO_LEN: usize = 20;
const BLOCK_LEN: usize = 24;

/// A checked compound packet: an iterator over its packets.
#[derive(Debug, Clone)]
pub struct Compound<'a> {
    rest: &'a [u8],
}

/// One packet of a compound.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum ControlPacket<'a> {
    /// SR (RFC 3550 §6.4.1).
    SenderReport {
        /// Who reports.
        ssrc: Ssrc,
        /// About its own stream.
        info: SenderInfo,
        /// About those it hears.
        blocks: ReportBlocks<'a>,
    },
    /// RR (RFC 3550 §6.4.2).
    ReceiverReport {
        /// Who reports.
        ssrc: Ssrc,
        /// About those it hears.
        blocks: ReportBlocks<'a>,
    },
    /// SDES (RFC 3550 §6.5).
    SourceDescription(SdesChunks<'a>),
    /// BYE (RFC 3550 §6.6), without its reason.
    Goodbye(Ssrcs<'a>),
    /// XR (RFC 3611).
    ExtendedReport {
        /// Who reports.
        ssrc: Ssrc,
        /// What it reports.
        blocks: ExtendedBlocks<'a>,
    },
    /// APP, feedback and what is still to be invented; or a known packet whose
    /// content contradicts its length.
    Other {
        /// The packet type.
        packet_type: u8,
    },
}

/// Checks a datagram (RFC 3550 §A.2) and returns its packets.
///
/// # Errors
/// [`RtpError`] when it is not one valid compound packet as a whole.
pub fn parse(datagram: &[u8]) -> Result<Compound<'_>, RtpError> {
    let mut rest = datagram;
    let mut first = true;
    while first || !rest.is_empty() {
        let (header, _) = rest
            .split_first_chunk::<HEADER_LEN>()
            .ok_or(RtpError::Truncated)?;
        if header[0] >> 6 != 2 {
            return Err(RtpError::Version);
        }
        let report = matches!(
            header[1],
            packet_type::SENDER_REPORT | packet_type::RECEIVER_REPORT
        );
        if first && !report {
            return Err(RtpError::NotCompound);
        }
        let (packet, after) = rest
            .split_at_checked(packet_len(header))
            .ok_or(RtpError::Truncated)?;
        if header[0] & 0x20 != 0 {
            // Only the last packet may be padded, by a multiple of four (RFC 3550 §6.4.1).
            let count = packet.last().map_or(0, |count| usize::from(*count));
            if !after.is_empty()
                || count == 0
                || count % 4 != 0
                || count > packet.len() - HEADER_LEN
            {
                return Err(RtpError::Padding);
            }
        }
        rest = after;
        first = false;
    }
    Ok(Compound { rest: datagram })
}

fn packet_len(header: &[u8; HEADER_LEN]) -> usize {
    HEADER_LEN + usize::from(u16::from_be_bytes([header[2], header[3]])) * 4
}

impl<'a> Iterator for Compound<'a> {
    type Item = ControlPacket<'a>;

    fn next(&mut self) -> Option<ControlPacket<'a>> {
        let (header, _) = self.rest.split_first_chunk::<HEADER_LEN>()?;
        let (packet, rest) = self.rest.split_at_checked(packet_len(header))?;
        self.rest = rest;
        let padding = match packet.last() {
            Some(count) if header[0] & 0x20 != 0 => usize::from(*count),
            _ => 0,
        };
        let body = packet.get(HEADER_LEN..packet.len() - padding)?;
        let count = usize::from(header[0] & 0x1f);
        Some(
            read(header[1], count, body).unwrap_or(ControlPacket::Other {
                packet_type: header[1],
            }),
        )
    }
}

fn read(packet_type: u8, count: usize, body: &[u8]) -> Option<ControlPacket<'_>> {
    match packet_type {
        packet_type::SENDER_REPORT => {
            let (ssrc, rest) = split_u32(body)?;
            let (info, rest) = rest.split_first_chunk::<SENDER_INFO_LEN>()?;
            let blocks = ReportBlocks {
                rest: rest.get(..count * BLOCK_LEN)?,
            };
            Some(ControlPacket::SenderReport {
                ssrc: Ssrc(ssrc),
                info: sender_info(info),
                blocks,
            })
        }
        packet_type::RECEIVER_REPORT => {
            let (ssrc, rest) = split_u32(body)?;
            let blocks = ReportBlocks {
                rest: rest.get(..count * BLOCK_LEN)?,
            };
            Some(ControlPacket::ReceiverReport {
                ssrc: Ssrc(ssrc),
                blocks,
            })
        }
        packet_type::SOURCE_DESCRIPTION => Some(ControlPacket::SourceDescription(SdesChunks {
            left: count,
            rest: body,
        })),
        packet_type::GOODBYE => Some(ControlPacket::Goodbye(Ssrcs {
            rest: body.get(..count * 4)?,
        })),
        packet_type::EXTENDED_REPORT => {
            let (ssrc, rest) = split_u32(body)?;
            Some(ControlPacket::ExtendedReport {
                ssrc: Ssrc(ssrc),
                blocks: ExtendedBlocks { rest },
            })
        }
        _ => None,
    }
}

fn split_u32(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (head, rest) = bytes.split_first_chunk::<4>()?;
    Some((u32::from_be_bytes(*head), rest))
}

fn sender_info(bytes: &[u8; SENDER_INFO_LEN]) -> SenderInfo {
    let word = |i: usize| u32::from_be_bytes([bytes[i], bytes[i + 1], bytes[i + 2], bytes[i + 3]]);
    SenderInfo {
        ntp: NtpTime(u64::from(word(0)) << 32 | u64::from(word(4))),
        rtp: Timestamp(word(8)),
        packets: word(12),
        octets: word(16),
    }
}

/// The report blocks of one report, at most 31.
#[derive(Debug, Clone)]
pub struct ReportBlocks<'a> {
    rest: &'a [u8],
}

impl Iterator for ReportBlocks<'_> {
    type Item = ReportBlock;

    fn next(&mut self) -> Option<ReportBlock> {
        let (bytes, rest) = self.rest.split_first_chunk::<BLOCK_LEN>()?;
        self.rest = rest;
        let word =
            |i: usize| u32::from_be_bytes([bytes[i], bytes[i + 1], bytes[i + 2], bytes[i + 3]]);
        Some(ReportBlock {
            ssrc: Ssrc(word(0)),
            fraction_lost: bytes[4],
            // 24 bits with a sign: shifted up and back to spread it.
            cumulative_lost: (word(4) << 8) as i32 >> 8,
            highest_sequence: word(8),
            jitter: word(12),
            last_sender_report: word(16),
            delay_since_last_sender_report: word(20),
        })
    }
}

/// The sources of a BYE, at most 31.
#[derive(Debug, Clone)]
pub struct Ssrcs<'a> {
    rest: &'a [u8],
}

impl Iterator for Ssrcs<'_> {
    type Item = Ssrc;

    fn next(&mut self) -> Option<Ssrc> {
        let (ssrc, rest) = split_u32(self.rest)?;
        self.rest = rest;
        Some(Ssrc(ssrc))
    }
}

/// The chunks of an SDES packet; ends early where they are malformed.
#[derive(Debug, Clone)]
pub struct SdesChunks<'a> {
    left: usize,
    rest: &'a [u8],
}

/// What one source says of itself; of all items only the name that identifies it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SdesChunk<'a> {
    /// The source.
    pub ssrc: Ssrc,
    /// Its canonical name, which should be UTF-8 and need not be.
    pub cname: Option<&'a [u8]>,
}

impl<'a> Iterator for SdesChunks<'a> {
    type Item = SdesChunk<'a>;

    fn next(&mut self) -> Option<SdesChunk<'a>> {
        self.left = self.left.checked_sub(1)?;
        let (ssrc, items) = split_u32(self.rest)?;
        let mut cname = None;
        let mut at = 0;
        loop {
            match *items.get(at..)? {
                // The list ends with zeros up to the next multiple of four.
                [0, ..] => {
                    at = (at / 4 + 1) * 4;
                    break;
                }
                [kind, len, ..] => {
                    let end = at + 2 + usize::from(len);
                    let text = items.get(at + 2..end)?;
                    if kind == CNAME {
                        cname = Some(text);
                    }
                    at = end;
                }
                _ => return None,
            }
        }
        self.rest = items.get(at..).unwrap_or_default();
        Some(SdesChunk {
            ssrc: Ssrc(ssrc),
            cname,
        })
    }
}
