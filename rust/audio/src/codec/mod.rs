//! The codecs: one file each, and one row in [`CODECS`].

pub mod g711;
pub mod g722;
pub mod l16;
pub mod native;
#[cfg(feature = "opus")]
pub mod opus;
mod parameters;

use std::{any::Any, fmt::Debug};

pub use native::all;
pub use parameters::Parameters;

use crate::emodel::Impairment;
use crate::frame::Rate;

/// Everything an offer, a leg or a player has to know about a codec.
///
/// A stateless codec costs a function pointer a leg; one with memory (G.722, Opus) makes its
/// state when [`Codec::encoder`] or [`Codec::decoder`] is called, once a leg.
#[derive(Debug)]
pub struct Codec {
    /// Encoding name as in `a=rtpmap` (RFC 8866 section 6.6); compared without regard to case.
    pub name: &'static str,
    /// Static RTP payload type (RFC 3551 table 4), if it has one.
    pub payload_type: Option<u8>,
    /// RTP timestamp units a second. Not always the sampling rate: G.722 says 8000 (RFC 3551
    /// section 4.5.2).
    pub clock_rate: u32,
    /// The rate of the linear audio, which is mono always.
    pub rate: Rate,
    /// Channels as in `a=rtpmap`. Opus says 2 whatever is sent (RFC 7587 section 7).
    pub channels: u8,
    /// The byte that, repeated, is silence; `None` where silence has to be encoded.
    pub silence: Option<u8>,
    /// Bytes of the longest payload that 20 ms are encoded to.
    pub longest_frame: usize,
    /// What it does to speech, for the scale of opinions.
    pub impairment: Impairment,
    /// What we say in `a=fmtp`: how we want it coded.
    pub parameters: Option<&'static str>,
    /// How frames of 20 ms become one packet; `None` where their bytes simply follow each other.
    pub append: Option<AppendFn>,
    coding: &'static dyn Coding,
}

/// What a codec does.
trait Coding: Debug + Send + Sync {
    fn samples(&self, payload: &[u8]) -> usize;

    fn read_parameters(&self, fmtp: &str) -> Parameters {
        let _ = fmtp;
        Parameters::default()
    }

    fn encoder(&'static self, parameters: Parameters) -> Encoder;

    fn decoder(&'static self) -> Decoder;

    /// What others brought it by.
    fn table(&self) -> Option<&'static native::Table> {
        None
    }
}

/// Every codec of ours, best first. [`all`] has those as well that others bring.
pub static CODECS: &[&Codec] = &[
    #[cfg(feature = "opus")]
    &opus::OPUS,
    &g722::G722,
    &g711::PCMU,
    &g711::PCMA,
    &l16::L16_48000,
    &l16::L16_16000,
    &l16::L16_8000,
];

/// Finds a codec by its `a=rtpmap` name and clock rate.
pub fn by_name(name: &str, clock_rate: u32) -> Option<&'static Codec> {
    all()
        .into_iter()
        .find(|codec| codec.clock_rate == clock_rate && codec.name.eq_ignore_ascii_case(name))
}

/// Finds a codec by its static payload type (RFC 3551), for a media line without `a=rtpmap`.
pub fn by_payload_type(payload_type: u8) -> Option<&'static Codec> {
    all()
        .into_iter()
        .find(|codec| codec.payload_type == Some(payload_type))
}

impl Codec {
    /// A fresh encoder for one stream to somebody who wants it so.
    pub fn encoder(&self, parameters: Parameters) -> Encoder {
        self.coding.encoder(parameters)
    }

    /// A fresh decoder for one stream.
    pub fn decoder(&self) -> Decoder {
        self.coding.decoder()
    }

    /// Samples that a payload decodes to; 0 for one that can't be decoded.
    #[inline]
    pub fn samples(&self, payload: &[u8]) -> usize {
        self.coding.samples(payload)
    }

    /// How the writer of an `a=fmtp`, without its payload type, wants this codec.
    pub fn read_parameters(&self, fmtp: &str) -> Parameters {
        self.coding.read_parameters(fmtp)
    }

    /// RTP timestamp units in 20 ms.
    pub const fn units(&self) -> u32 {
        self.clock_rate / 50
    }

    /// Whether each byte stands for one sample at 8 kHz by itself.
    pub fn is_coded_by_sample(&self) -> bool {
        self.silence.is_some()
            && self.rate == Rate::Narrow
            && self.longest_frame == Rate::Narrow.frame()
    }
}

impl PartialEq for Codec {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

/// A stateless coder: linear samples in, bytes out, number of bytes returned.
pub type EncodeFn = fn(&[i16], &mut [u8]) -> usize;

/// A stateless coder: bytes in, linear samples out, number of samples returned.
pub type DecodeFn = fn(&[u8], &mut [i16]) -> usize;

/// Appends a frame to the packet of so many bytes (0: there is none yet) at the beginning of a
/// place; returns how many it has then. `None`, and nothing changed: the two can't be one packet, or
/// there is no room.
pub type AppendFn = fn(&mut [u8], usize, &[u8]) -> Option<usize>;

/// An encoder with memory.
pub trait Encode: Any + Send {
    /// Encodes `samples` into `payload`, never past its end; returns the bytes written. 0: there is
    /// nothing that would have to be sent (DTX).
    fn encode(&mut self, samples: &[i16], payload: &mut [u8]) -> usize;

    /// Goes on as if all that `other` has encoded had been encoded here: for a decoder that has
    /// followed the other, nothing changes. Another codec's encoder is passed over. Does not
    /// allocate.
    fn continue_from(&mut self, other: &dyn Encode);

    /// The decoder has followed another encoder so far: the next frame is coded so that this matters
    /// as little as it can. A codec that forgets quickly anyway has nothing to do.
    fn stand_alone(&mut self) {}
}

/// A decoder with memory.
pub trait Decode: Send {
    /// Decodes `payload` into `samples`, never past its end; returns the samples written, 0 for
    /// a payload that cannot be decoded.
    fn decode(&mut self, payload: &[u8], samples: &mut [i16]) -> usize;

    /// A packet is lost: fills `samples` with what may have been in it. `next` is the packet that
    /// follows at once, if it has come: it may tell. `false`, and nothing written, for a codec that
    /// leaves this to others.
    fn conceal(&mut self, next: Option<&[u8]>, samples: &mut [i16]) -> bool {
        let _ = (next, samples);
        false
    }
}

/// One stream's encoder.
pub enum Encoder {
    /// No memory: two streams may share it.
    Stateless(EncodeFn),
    /// Memory of its own.
    Stateful(Box<dyn Encode>),
}

impl Encoder {
    /// Encodes `samples` into `payload`, never past its end; returns the bytes written, as
    /// [`Encode::encode`] does.
    #[inline]
    pub fn encode(&mut self, samples: &[i16], payload: &mut [u8]) -> usize {
        match self {
            Self::Stateless(encode) => encode(samples, payload),
            Self::Stateful(state) => state.encode(samples, payload),
        }
    }

    /// Goes on where `other` is: see [`Encode::continue_from`].
    pub fn continue_from(&mut self, other: &Self) {
        if let (Self::Stateful(state), Self::Stateful(other)) = (self, other) {
            state.continue_from(&**other);
        }
    }

    /// See [`Encode::stand_alone`].
    pub fn stand_alone(&mut self) {
        if let Self::Stateful(state) = self {
            state.stand_alone();
        }
    }

    /// Whether equal audio always gives equal bytes, so that listeners can share one payload.
    pub fn is_stateless(&self) -> bool {
        matches!(self, Self::Stateless(_))
    }
}

/// One stream's decoder.
pub enum Decoder {
    /// No memory.
    Stateless(DecodeFn),
    /// Memory of its own.
    Stateful(Box<dyn Decode>),
}

impl Decoder {
    /// Decodes `payload` into `samples`, never past its end; returns the samples written.
    #[inline]
    pub fn decode(&mut self, payload: &[u8], samples: &mut [i16]) -> usize {
        match self {
            Self::Stateless(decode) => decode(payload, samples),
            Self::Stateful(state) => state.decode(payload, samples),
        }
    }

    /// Fills in for a lost packet: see [`Decode::conceal`].
    pub fn conceal(&mut self, next: Option<&[u8]>, samples: &mut [i16]) -> bool {
        match self {
            Self::Stateless(_) => false,
            Self::Stateful(state) => state.conceal(next, samples),
        }
    }
}
