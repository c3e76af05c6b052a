//! Writing compound packets into a buffer of the caller's.

use super::{CNAME, Extended, ReportBlock, SenderInfo, packet_type};
use crate::RtpError;
use crate::packet::Ssrc;

/// Report blocks that fit one report (RFC 3550 §6.4.1).
const MAX_BLOCKS: usize = 31;

/// Writes packet after packet; [`finish`](Self::finish) gives the length of the datagram.
///
/// A report has to come first and a source description has to be in it (RFC 3550 §6.1).
#[derive(Debug)]
pub struct CompoundWriter<'a> {
    out: &'a mut [u8],
    len: usize,
}

impl<'a> CompoundWriter<'a> {
    /// Starts at the beginning of `out`.
    pub fn new(out: &'a mut [u8]) -> CompoundWriter<'a> {
        CompoundWriter { out, len: 0 }
    }

    /// Appends an SR; of `blocks` the first 31 go out.
    ///
    /// # Errors
    /// [`RtpError::BufferTooSmall`]; what was complete before stays.
    pub fn sender_report(
        &mut self,
        ssrc: Ssrc,
        info: &SenderInfo,
        blocks: &[ReportBlock],
    ) -> Result<(), RtpError> {
        let blocks = &blocks[..blocks.len().min(MAX_BLOCKS)];
        self.packet(packet_type::SENDER_REPORT, blocks.len() as u8, |packet| {
            packet.u32(ssrc.0)?;
            packet.bytes(&info.ntp.0.to_be_bytes())?;
            packet.u32(info.rtp.0)?;
            packet.u32(info.packets)?;
            packet.u32(info.octets)?;
            packet.blocks(blocks)
        })
    }

    /// Appends an RR; of `blocks` the first 31 go out.
    ///
    /// # Errors
    /// As [`sender_report`](Self::sender_report).
    pub fn receiver_report(&mut self, ssrc: Ssrc, blocks: &[ReportBlock]) -> Result<(), RtpError> {
        let blocks = &blocks[..blocks.len().min(MAX_BLOCKS)];
        self.packet(packet_type::RECEIVER_REPORT, blocks.len() as u8, |packet| {
            packet.u32(ssrc.0)?;
            packet.blocks(blocks)
        })
    }

    /// Appends an SDES with the canonical name, of which the first 255 bytes go out.
    ///
    /// # Errors
    /// As [`sender_report`](Self::sender_report).
    pub fn source_description(&mut self, ssrc: Ssrc, cname: &[u8]) -> Result<(), RtpError> {
        let cname = &cname[..cname.len().min(255)];
        self.packet(packet_type::SOURCE_DESCRIPTION, 1, |packet| {
            packet.u32(ssrc.0)?;
            packet.bytes(&[CNAME, cname.len() as u8])?;
            packet.bytes(cname)?;
            // At least one zero ends the list, and zeros fill up the word.
            let zeros = 4 - (2 + cname.len()) % 4;
            packet.bytes(&[0; 4][..zeros])
        })
    }

    /// Appends an XR (RFC 3611), unless there is nothing to say.
    ///
    /// # Errors
    /// As [`sender_report`](Self::sender_report).
    pub fn extended_report(&mut self, ssrc: Ssrc, extended: &Extended) -> Result<(), RtpError> {
        if extended.is_empty() {
            return Ok(());
        }
        self.packet(packet_type::EXTENDED_REPORT, 0, |packet| {
            packet.u32(ssrc.0)?;
            extended.write(|bytes| packet.bytes(bytes))
        })
    }

    /// Appends a BYE.
    ///
    /// # Errors
    /// As [`sender_report`](Self::sender_report).
    pub fn goodbye(&mut self, ssrc: Ssrc) -> Result<(), RtpError> {
        self.packet(packet_type::GOODBYE, 1, |packet| packet.u32(ssrc.0))
    }

    /// The length of what was written.
    pub fn finish(self) -> usize {
        self.len
    }

    fn packet(
        &mut self,
        packet_type: u8,
        count: u8,
        body: impl FnOnce(&mut Self) -> Result<(), RtpError>,
    ) -> Result<(), RtpError> {
        let start = self.len;
        let written = self.u32(0).and_then(|()| body(self));
        if let Err(error) = written {
            self.len = start;
            return Err(error);
        }
        let words = ((self.len - start) / 4 - 1) as u16;
        let [high, low] = words.to_be_bytes();
        self.out[start..start + 4].copy_from_slice(&[2 << 6 | count, packet_type, high, low]);
        Ok(())
    }

    fn blocks(&mut self, blocks: &[ReportBlock]) -> Result<(), RtpError> {
        for block in blocks {
            self.u32(block.ssrc.0)?;
            let lost = block.cumulative_lost.clamp(-0x80_0000, 0x7f_ffff) as u32 & 0xff_ffff;
            self.u32(u32::from(block.fraction_lost) << 24 | lost)?;
            self.u32(block.highest_sequence)?;
            self.u32(block.jitter)?;
            self.u32(block.last_sender_report)?;
            self.u32(block.delay_since_last_sender_report)?;
        }
        Ok(())
    }

    fn u32(&mut self, word: u32) -> Result<(), RtpError> {
        self.bytes(&word.to_be_bytes())
    }

    fn bytes(&mut self, bytes: &[u8]) -> Result<(), RtpError> {
        let end = self.len + bytes.len();
        self.out
            .get_mut(self.len..end)
            .ok_or(RtpError::BufferTooSmall)?
            .copy_from_slice(bytes);
        self.len = end;
        Ok(())
    }
}
