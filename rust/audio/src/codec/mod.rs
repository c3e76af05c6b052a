//! The codecs: one file each, and one row in [`CODECS`].

pub mod g711;

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
    /// Samples a second and channel of the linear audio.
    pub sample_rate: u32,
    /// Channels of the linear audio, interleaved.
    pub channels: u8,
    /// The byte that, repeated, is silence; `None` where silence has to be encoded.
    pub silence: Option<u8>,
    new_encoder: fn() -> Encoder,
    new_decoder: fn() -> Decoder,
}

/// Every codec we speak, best first. The order is the order of our offers.
pub static CODECS: &[&Codec] = &[&g711::PCMU, &g711::PCMA];

/// Finds a codec by its `a=rtpmap` name and clock rate.
pub fn by_name(name: &str, clock_rate: u32) -> Option<&'static Codec> {
    CODECS
        .iter()
        .copied()
        .find(|codec| codec.clock_rate == clock_rate && codec.name.eq_ignore_ascii_case(name))
}

/// Finds a codec by its static payload type (RFC 3551), for a media line without `a=rtpmap`.
pub fn by_payload_type(payload_type: u8) -> Option<&'static Codec> {
    CODECS
        .iter()
        .copied()
        .find(|codec| codec.payload_type == Some(payload_type))
}

impl Codec {
    /// A fresh encoder for one stream.
    pub fn encoder(&self) -> Encoder {
        (self.new_encoder)()
    }

    /// A fresh decoder for one stream.
    pub fn decoder(&self) -> Decoder {
        (self.new_decoder)()
    }
}

/// A stateless coder: linear samples in, bytes out, number of bytes returned.
pub type EncodeFn = fn(&[i16], &mut [u8]) -> usize;

/// A stateless coder: bytes in, linear samples out, number of samples returned.
pub type DecodeFn = fn(&[u8], &mut [i16]) -> usize;

/// An encoder with memory.
pub trait Encode: Send {
    /// Encodes `samples` into `payload`, never past its end; returns the bytes written.
    fn encode(&mut self, samples: &[i16], payload: &mut [u8]) -> usize;
}

/// A decoder with memory.
pub trait Decode: Send {
    /// Decodes `payload` into `samples`, never past its end; returns the samples written, 0 for
    /// a payload that cannot be decoded.
    fn decode(&mut self, payload: &[u8], samples: &mut [i16]) -> usize;
}

/// One stream's encoder.
pub enum Encoder {
    /// No memory: two streams may share it.
    Stateless(EncodeFn),
    /// Memory of its own.
    Stateful(Box<dyn Encode>),
}

impl Encoder {
    /// Encodes `samples` into `payload`, never past its end; returns the bytes written.
    #[inline]
    pub fn encode(&mut self, samples: &[i16], payload: &mut [u8]) -> usize {
        match self {
            Self::Stateless(encode) => encode(samples, payload),
            Self::Stateful(state) => state.encode(samples, payload),
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
}
