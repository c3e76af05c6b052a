//! ITU-T G.711: µ-law (PCMU) and A-law (PCMA), RFC 3551 section 4.5.14.
//!
//! Both laws are floating point in eight bits: sign, three bits of exponent, four of mantissa.
//! So encoding lets the processor convert the biased magnitude to an `f32` (exact, for it has at
//! most 16 bits) and takes the code from the bits of the result. This has neither tables nor
//! branches and runs in vector registers. Decoding is one look-up in 512 bytes.
//!
//! Linear samples are 16 bits, left-justified, as in ITU-T G.191: µ-law ignores the lowest two,
//! A-law the lowest three, and a negative sample is coded as its one's complement.

use super::{Codec, Coding, DecodeFn, Decoder, EncodeFn, Encoder, Parameters};
use crate::{emodel::Impairment, frame::Rate};

/// µ-law, static payload type 0.
pub static PCMU: Codec = Codec {
    name: "PCMU",
    payload_type: Some(0),
    clock_rate: 8_000,
    rate: Rate::Narrow,
    channels: 1,
    silence: Some(ULAW_SILENCE),
    longest_frame: 160,
    impairment: Impairment::G711,
    parameters: None,
    append: None,
    coding: &Law(encode_ulaw, decode_ulaw),
};

/// A-law, static payload type 8.
pub static PCMA: Codec = Codec {
    name: "PCMA",
    payload_type: Some(8),
    clock_rate: 8_000,
    rate: Rate::Narrow,
    channels: 1,
    silence: Some(ALAW_SILENCE),
    longest_frame: 160,
    impairment: Impairment::G711,
    parameters: None,
    append: None,
    coding: &Law(encode_alaw, decode_alaw),
};

#[derive(Debug)]
struct Law(EncodeFn, DecodeFn);

impl Coding for Law {
    fn samples(&self, payload: &[u8]) -> usize {
        payload.len()
    }

    fn encoder(&'static self, _: Parameters) -> Encoder {
        Encoder::Stateless(self.0)
    }

    fn decoder(&'static self) -> Decoder {
        Decoder::Stateless(self.1)
    }
}

/// The µ-law code of a zero sample.
pub const ULAW_SILENCE: u8 = 0xFF;

/// The A-law code of a zero sample.
pub const ALAW_SILENCE: u8 = 0xD5;

/// Bits of the mantissa of an `f32` below the four that the code keeps.
const DROPPED_BITS: u32 = 23 - 4;

/// What an `f32` of 128 (2⁷), the start of the first µ-law segment, has in its upper bits.
const FIRST_SEGMENT: u32 = (127 + 7) << 4;

/// The µ-law bias in 16-bit samples: it moves zero to the start of the first segment, rounding
/// included.
const ULAW_BIAS: u32 = 33 << 2;

/// The largest biased µ-law magnitude; what is louder is clipped.
const ULAW_MAX: u32 = 0x7FFF;

/// Below this magnitude A-law is linear.
const ALAW_LINEAR: u32 = 256;

/// Codes as many samples as both sides hold in µ-law; returns how many.
pub fn encode_ulaw(samples: &[i16], payload: &mut [u8]) -> usize {
    for (sample, code) in samples.iter().zip(payload.iter_mut()) {
        *code = ulaw_from_linear(*sample);
    }
    samples.len().min(payload.len())
}

/// Codes as many samples as both sides hold in A-law; returns how many.
pub fn encode_alaw(samples: &[i16], payload: &mut [u8]) -> usize {
    for (sample, code) in samples.iter().zip(payload.iter_mut()) {
        *code = alaw_from_linear(*sample);
    }
    samples.len().min(payload.len())
}

/// The sample that a µ-law code stands for.
#[inline]
pub fn linear_from_ulaw(code: u8) -> i16 {
    LINEAR_FROM_ULAW[usize::from(code)]
}

/// The sample that an A-law code stands for.
#[inline]
pub fn linear_from_alaw(code: u8) -> i16 {
    LINEAR_FROM_ALAW[usize::from(code)]
}

/// Decodes as many µ-law codes as both sides hold; returns how many.
pub fn decode_ulaw(payload: &[u8], samples: &mut [i16]) -> usize {
    for (code, sample) in payload.iter().zip(samples.iter_mut()) {
        *sample = linear_from_ulaw(*code);
    }
    payload.len().min(samples.len())
}

/// Decodes as many A-law codes as both sides hold; returns how many.
pub fn decode_alaw(payload: &[u8], samples: &mut [i16]) -> usize {
    for (code, sample) in payload.iter().zip(samples.iter_mut()) {
        *sample = linear_from_alaw(*code);
    }
    payload.len().min(samples.len())
}

#[inline(always)]
fn ulaw_from_linear(sample: i16) -> u8 {
    let sample = i32::from(sample);
    let negative = sample >> 31; // all ones or all zeros
    let magnitude = ((sample ^ negative) as u32 + ULAW_BIAS).min(ULAW_MAX);
    let code = segment_and_mantissa(magnitude) as u8;
    // Every bit of the code is sent inverted; the sign bit is 1 for positive.
    code ^ 0xFF ^ (negative as u8 & 0x80)
}

#[inline(always)]
fn alaw_from_linear(sample: i16) -> u8 {
    let sample = i32::from(sample);
    let negative = sample >> 31;
    let magnitude = (sample ^ negative) as u32;
    let code = if magnitude < ALAW_LINEAR {
        magnitude >> 4
    } else {
        segment_and_mantissa(magnitude)
    } as u8;
    // Every other bit is sent inverted; the sign bit is 1 for positive.
    code ^ 0xD5 ^ (negative as u8 & 0x80)
}

/// Exponent above 2⁷ and the four bits after the leading one; `magnitude` is at least 128.
#[inline(always)]
fn segment_and_mantissa(magnitude: u32) -> u32 {
    // Through i32, which converts in one vector instruction where u32 does not.
    let bits = (magnitude as i32 as f32).to_bits();
    (bits >> DROPPED_BITS).wrapping_sub(FIRST_SEGMENT)
}

static LINEAR_FROM_ULAW: [i16; 256] = {
    let mut table = [0; 256];
    let mut code = 0;
    while code < 256 {
        let bits = !(code as u8);
        let (segment, mantissa) = ((bits >> 4) & 7, (bits & 15) as i16);
        let magnitude = (((mantissa << 3) + ULAW_BIAS as i16) << segment) - ULAW_BIAS as i16;
        table[code] = if bits & 0x80 == 0 {
            magnitude
        } else {
            -magnitude
        };
        code += 1;
    }
    table
};

static LINEAR_FROM_ALAW: [i16; 256] = {
    let mut table = [0; 256];
    let mut code = 0;
    while code < 256 {
        let bits = code as u8 ^ 0xD5;
        let (segment, mantissa) = ((bits >> 4) & 7, (bits & 15) as i16);
        // The middle of the interval of 16 (segments 0 and 1), 32, 64 …
        let magnitude = match segment {
            0 => (mantissa << 4) + 8,
            _ => ((mantissa << 4) + 0x108) << (segment - 1),
        };
        table[code] = if bits & 0x80 == 0 {
            magnitude
        } else {
            -magnitude
        };
        code += 1;
    }
    table
};
