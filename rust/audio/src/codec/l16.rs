//! L16: linear 16-bit samples, the higher byte first (RFC 3551 section 4.5.11), mono.

use super::{Codec, Coding, Decoder, Encoder, Parameters};
use crate::{emodel::Impairment, frame::Rate};

/// 48 kHz. 20 ms would not fit into a packet of the internet: it is sent in packets of 10 ms.
pub static L16_48000: Codec = l16(Rate::Full);

/// 16 kHz.
pub static L16_16000: Codec = l16(Rate::Wide);

/// 8 kHz.
pub static L16_8000: Codec = l16(Rate::Narrow);

const fn l16(rate: Rate) -> Codec {
    Codec {
        name: "L16",
        payload_type: None,
        clock_rate: rate.hz(),
        rate,
        channels: 1,
        silence: Some(0),
        longest_frame: 2 * rate.frame(),
        impairment: match rate {
            Rate::Narrow => Impairment::narrowband(0.0, 15.0),
            Rate::Wide | Rate::Full => Impairment::wideband(0.0, 15.0),
        },
        parameters: None,
        append: None,
        coding: &Linear,
    }
}

#[derive(Debug)]
struct Linear;

impl Coding for Linear {
    fn samples(&self, payload: &[u8]) -> usize {
        payload.len() / 2
    }

    fn encoder(&'static self, _: Parameters) -> Encoder {
        Encoder::Stateless(encode)
    }

    fn decoder(&'static self) -> Decoder {
        Decoder::Stateless(decode)
    }
}

/// Writes as many samples as fit; returns the bytes written.
pub fn encode(samples: &[i16], payload: &mut [u8]) -> usize {
    let (pairs, _) = payload.as_chunks_mut();
    for (sample, pair) in samples.iter().zip(pairs.iter_mut()) {
        *pair = sample.to_be_bytes();
    }
    2 * samples.len().min(pairs.len())
}

/// Reads as many samples as there are; returns how many.
pub fn decode(payload: &[u8], samples: &mut [i16]) -> usize {
    let (pairs, _) = payload.as_chunks();
    for (pair, sample) in pairs.iter().zip(samples.iter_mut()) {
        *sample = i16::from_be_bytes(*pair);
    }
    pairs.len().min(samples.len())
}
