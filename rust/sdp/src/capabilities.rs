//! What our side can do, as the owner of codecs and ports tells it.

use std::net::SocketAddr;

use crate::attribute::{Direction, RtpMap};

/// A codec as session descriptions know it: one row of the table of whoever owns the codecs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Codec {
    /// The encoding name of `a=rtpmap`.
    pub name: &'static str,
    /// The static payload type, or the dynamic one that we like in our offers.
    pub payload_type: u8,
    /// The RTP clock in Hz.
    pub clock_rate: u32,
    /// Audio channels.
    pub channels: u8,
    /// What we say in `a=fmtp`.
    pub parameters: Option<&'static str>,
}

impl Codec {
    pub(crate) fn is(&self, map: &RtpMap<'_>) -> bool {
        self.name.eq_ignore_ascii_case(&map.encoding)
            && self.clock_rate == map.clock_rate
            && self.channels == map.channels
    }
}

/// What this side can do; shared by all calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capabilities {
    /// The audio codecs, best first: the order of our offers. Answers follow the offerer's order.
    pub codecs: Vec<Codec>,
    /// The RFC 4733 event formats, one for each clock rate in use.
    pub telephone_events: Vec<Codec>,
    /// Comfort noise (RFC 3389), if pauses need not be sent to us and are not sent by us: `CN`, one
    /// for each clock rate.
    pub comfort_noise: Vec<Codec>,
    /// The packet times that we can send, in milliseconds, rising and not empty. The longest is
    /// also the longest that we take.
    pub ptimes_ms: Vec<u32>,
    /// The packet time that we ask for, in milliseconds.
    pub ptime_ms: u32,
    /// `s=` of our descriptions.
    pub session_name: String,
}

impl Capabilities {
    /// The same with the codecs of these names only, in this order, as far as there are any; `None`:
    /// there is none.
    pub fn only(&self, names: &[impl AsRef<str>]) -> Option<Self> {
        let named = names.iter().flat_map(|name| {
            let is = |codec: &&Codec| codec.name.eq_ignore_ascii_case(name.as_ref());
            self.codecs.iter().filter(is).copied()
        });
        let mut codecs: Vec<Codec> = Vec::new();
        for codec in named {
            if !codecs.contains(&codec) {
                codecs.push(codec);
            }
        }
        (!codecs.is_empty()).then(|| Self {
            codecs,
            ..self.clone()
        })
    }

    /// The longest packet time that we can send and the peer wants; if it wants shorter ones than
    /// we can send, our shortest.
    pub(crate) fn ptime_for(&self, ptime_ms: Option<u32>, maxptime_ms: Option<u32>) -> u32 {
        let wanted = ptime_ms.unwrap_or(self.ptime_ms);
        let wanted = wanted.min(maxptime_ms.unwrap_or(u32::MAX));
        let fitting = self.ptimes_ms.iter().rev().find(|ms| **ms <= wanted);
        *fitting.or(self.ptimes_ms.first()).unwrap_or(&self.ptime_ms)
    }
}

/// Our end of the stream, as the next description is to state it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LocalMedia<'a> {
    /// Where we want RTP. Never an unspecified address.
    pub rtp: SocketAddr,
    /// Our RTCP port; stated only if it isn't the one above RTP's.
    pub rtcp_port: u16,
    /// We take RTCP on the port of RTP as well (RFC 5761): offered, and accepted when offered.
    pub rtcp_mux: bool,
    /// What we wish to do; an answer narrows it to what the offer allows.
    pub direction: Direction,
    /// The page about this session, for `u=`.
    pub uri: Option<&'a str>,
    /// An offer is to have these codecs only, by their names, in this order; none, or none that we
    /// have: all, those in use first. An answer has what was offered.
    pub codecs: &'a [String],
}

impl LocalMedia<'_> {
    /// An end that sends and receives, with RTCP one port above RTP or on the same, and no page.
    pub fn new(rtp: SocketAddr) -> Self {
        LocalMedia {
            rtp,
            rtcp_port: rtp.port().saturating_add(1),
            rtcp_mux: true,
            direction: Direction::SendRecv,
            uri: None,
            codecs: &[],
        }
    }
}

/// A codec with the payload type that it has in this session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Format {
    /// The payload type on the wire.
    pub payload_type: u8,
    /// What it stands for.
    pub codec: Codec,
}

impl Format {
    /// The comfort noise that goes with a codec: the one on its clock (RFC 3389 §5).
    pub(crate) fn noise_for(codec: Codec, noises: &[Format]) -> Option<Format> {
        let same_clock = |noise: &&Format| noise.codec.clock_rate == codec.clock_rate;
        noises.iter().find(same_clock).copied()
    }

    /// The event format that goes with a codec: the one on its clock, else any (RFC 4733 §2.1).
    pub(crate) fn event_for(codec: Codec, events: &[Format]) -> Option<Format> {
        let same_clock = |event: &&Format| event.codec.clock_rate == codec.clock_rate;
        let found = events.iter().find(same_clock).or(events.first());
        found.copied()
    }
}
