//! Opus (RFC 6716) by libopus, and how it goes in RTP (RFC 7587): one stream of mono, 20 ms a frame.

use std::ffi::c_int;

use opusic_sys as sys;

use super::{Codec, Coding, Decode, Decoder, Encode, Encoder, Parameters};
use crate::{emodel::Impairment, frame::Rate};

/// Always `opus/48000/2`, whatever is sent.
pub static OPUS: Codec = Codec {
    name: "opus",
    payload_type: None,
    clock_rate: RATE as u32,
    rate: Rate::Full,
    channels: 2,
    silence: None,
    longest_frame: 1_275,
    impairment: Impairment::wideband(8.0, 20.0),
    parameters: Some("useinbandfec=1"),
    append: Some(append),
    coding: &ByLibopus,
};

#[derive(Debug)]
struct ByLibopus;

impl Coding for ByLibopus {
    fn samples(&self, payload: &[u8]) -> usize {
        samples(payload)
    }

    fn read_parameters(&self, fmtp: &str) -> Parameters {
        read_parameters(fmtp)
    }

    fn encoder(&'static self, parameters: Parameters) -> Encoder {
        match OpusEncoder::new(parameters) {
            Some(encoder) => Encoder::Stateful(Box::new(encoder)),
            None => unreachable!("libopus has refused 48 kHz mono"),
        }
    }

    fn decoder(&'static self) -> Decoder {
        match OpusDecoder::new() {
            Some(decoder) => Decoder::Stateful(Box::new(decoder)),
            None => unreachable!("libopus has refused 48 kHz mono"),
        }
    }
}

const RATE: c_int = 48_000;
/// Bits a second, if the receiver does not want less: RFC 7587 section 3.1.1 has 28 to 40 kbit/s for
/// speech in full band.
const BITRATE: u32 = 32_000;
/// What a receiver may want (RFC 7587 section 6.1).
const BITRATES: std::ops::RangeInclusive<u32> = 6_000..=510_000;
/// Of 10: twice as fast as all the effort, and hardly worse.
const COMPLEXITY: c_int = 5;
/// Percent of packets that a receiver which asks for copies is taken to lose.
const EXPECTED_LOSS: c_int = 10;
/// A packet of no more bytes than this says nothing but that there is silence.
const DTX_BYTES: usize = 2;

/// The state of an encoder or a decoder of libopus, in memory of ours: it holds no pointers but
/// to constants, so that a copy of it is another one.
struct State(Box<[u64]>);

impl State {
    /// Zeroed, `bytes` long.
    fn new(bytes: c_int) -> Option<Self> {
        let words = usize::try_from(bytes).ok()?.div_ceil(size_of::<u64>());
        Some(Self(vec![0; words].into_boxed_slice()))
    }

    fn as_encoder(&mut self) -> *mut sys::OpusEncoder {
        self.0.as_mut_ptr().cast()
    }

    fn as_decoder(&mut self) -> *mut sys::OpusDecoder {
        self.0.as_mut_ptr().cast()
    }
}

/// Codes 48 kHz mono, 20 ms at a time.
pub struct OpusEncoder {
    state: State,
    /// The next frame is not to lean on those before.
    alone: bool,
}

impl OpusEncoder {
    /// An encoder for somebody who wants it so; `None` if libopus does not want to.
    pub fn new(wanted: Parameters) -> Option<Self> {
        // SAFETY: asks for a number.
        let mut state = State::new(unsafe { sys::opus_encoder_get_size(1) })?;
        let voip = sys::OPUS_APPLICATION_VOIP;
        // SAFETY: the state is as large as libopus wants one for one channel to be.
        let done = unsafe { sys::opus_encoder_init(state.as_encoder(), RATE, 1, voip) };
        if done != sys::OPUS_OK {
            return None;
        }
        let mut encoder = Self {
            state,
            alone: false,
        };
        let most = wanted.max_average_bitrate.unwrap_or(BITRATE);
        let bitrate = BITRATE.min(most).clamp(*BITRATES.start(), *BITRATES.end());
        encoder.set(sys::OPUS_SET_BITRATE_REQUEST, bitrate as c_int);
        encoder.set(sys::OPUS_SET_COMPLEXITY_REQUEST, COMPLEXITY);
        let vbr = c_int::from(!wanted.constant_bitrate);
        encoder.set(sys::OPUS_SET_VBR_REQUEST, vbr);
        encoder.set(
            sys::OPUS_SET_MAX_BANDWIDTH_REQUEST,
            bandwidth(wanted.max_playback_rate),
        );
        if wanted.inband_fec {
            encoder.set(sys::OPUS_SET_INBAND_FEC_REQUEST, 1);
            encoder.set(sys::OPUS_SET_PACKET_LOSS_PERC_REQUEST, EXPECTED_LOSS);
        }
        encoder.set(sys::OPUS_SET_DTX_REQUEST, c_int::from(wanted.dtx));
        Some(encoder)
    }

    fn set(&mut self, request: c_int, value: c_int) {
        // SAFETY: each request that is made here takes one integer; a wrong value is refused.
        let done = unsafe { sys::opus_encoder_ctl(self.state.as_encoder(), request, value) };
        debug_assert_eq!(done, sys::OPUS_OK, "request {request}: {value}");
    }
}

impl Encode for OpusEncoder {
    fn encode(&mut self, samples: &[i16], payload: &mut [u8]) -> usize {
        let (Ok(count), Ok(room)) = (c_int::try_from(samples.len()), i32::try_from(payload.len()))
        else {
            return 0;
        };
        let alone = std::mem::take(&mut self.alone);
        if alone {
            self.set(sys::OPUS_SET_PREDICTION_DISABLED_REQUEST, 1);
        }
        // SAFETY: the state was initialized; the numbers are those of what the pointers point to.
        let bytes = unsafe {
            sys::opus_encode(
                self.state.as_encoder(),
                samples.as_ptr(),
                count,
                payload.as_mut_ptr(),
                room,
            )
        };
        if alone {
            self.set(sys::OPUS_SET_PREDICTION_DISABLED_REQUEST, 0);
        }
        match usize::try_from(bytes) {
            Ok(bytes) if bytes > DTX_BYTES => bytes,
            _ => 0,
        }
    }

    fn stand_alone(&mut self) {
        self.alone = true;
    }

    fn continue_from(&mut self, other: &dyn Encode) {
        let other = (other as &dyn std::any::Any).downcast_ref::<Self>();
        if let Some(other) = other.filter(|other| other.state.0.len() == self.state.0.len()) {
            self.state.0.copy_from_slice(&other.state.0);
            self.alone = other.alone;
        }
    }
}

/// Decodes to 48 kHz mono.
pub struct OpusDecoder(State);

impl OpusDecoder {
    /// A decoder that has heard nothing; `None` if libopus does not want to.
    pub fn new() -> Option<Self> {
        // SAFETY: asks for a number.
        let mut state = State::new(unsafe { sys::opus_decoder_get_size(1) })?;
        // SAFETY: the state is as large as libopus wants one for one channel to be.
        let done = unsafe { sys::opus_decoder_init(state.as_decoder(), RATE, 1) };
        (done == sys::OPUS_OK).then_some(Self(state))
    }

    /// Without a payload, what may have been in it.
    fn decode(&mut self, payload: Option<&[u8]>, samples: &mut [i16], fec: bool) -> usize {
        let (Ok(bytes), Ok(room)) = (
            i32::try_from(payload.map_or(0, <[u8]>::len)),
            c_int::try_from(samples.len()),
        ) else {
            return 0;
        };
        let payload = payload.map_or(std::ptr::null(), <[u8]>::as_ptr);
        let fec = c_int::from(fec);
        // SAFETY: the state was initialized; the numbers are those of what the pointers point to,
        // and there may be no payload.
        let count = unsafe {
            let state = self.0.as_decoder();
            sys::opus_decode(state, payload, bytes, samples.as_mut_ptr(), room, fec)
        };
        usize::try_from(count).unwrap_or(0)
    }
}

impl Decode for OpusDecoder {
    fn decode(&mut self, payload: &[u8], samples: &mut [i16]) -> usize {
        match payload {
            [] => 0,
            _ => Self::decode(self, Some(payload), samples, false),
        }
    }

    fn conceal(&mut self, next: Option<&[u8]>, samples: &mut [i16]) -> bool {
        let next = next.filter(|next| !next.is_empty());
        let told = next.map_or(0, |next| Self::decode(self, Some(next), samples, true));
        let count = match told {
            0 => Self::decode(self, None, samples, false),
            told => told,
        };
        samples[count..].fill(0);
        true
    }
}

fn samples(payload: &[u8]) -> usize {
    let Ok(bytes) = i32::try_from(payload.len()) else {
        return 0;
    };
    if payload.is_empty() {
        return 0;
    }
    // SAFETY: reads at most so many bytes of the payload, which has one at least.
    let count = unsafe { sys::opus_packet_get_nb_samples(payload.as_ptr(), bytes, RATE) };
    usize::try_from(count).unwrap_or(0)
}

/// The two bits of a packet's first byte that say how many frames it has (RFC 6716 section 3.1), and
/// their value for any number.
const CODE: u8 = 3;
/// In the second byte then: frames have lengths of their own.
const VBR: u8 = 0x80;
/// Frames that a packet has at most here: 60 ms.
const FRAMES: usize = 3;

/// Appends a frame of 20 ms to a packet (RFC 6716 section 3.2.5).
fn append(place: &mut [u8], length: usize, frame: &[u8]) -> Option<usize> {
    let (toc, data) = frame.split_first()?;
    if length == 0 {
        place.get_mut(..frame.len())?.copy_from_slice(frame);
        return Some(frame.len());
    }
    let first = *place.first()?;
    if toc & CODE != 0 || first & !CODE != toc & !CODE {
        return None;
    }
    // Where the lengths end, how many frames there are, and how long the last one is.
    let (end, frames, last) = match first & CODE {
        0 => (1, 1, length - 1),
        CODE => {
            let frames = usize::from(place[1] & 0x3f);
            let (mut end, mut left) = (2, length);
            for _ in 1..frames {
                let (bytes, long) = read_length(place.get(end..)?)?;
                end += bytes;
                left = left.checked_sub(long)?;
            }
            (end, frames, left.checked_sub(end)?)
        }
        _ => return None,
    };
    if frames == FRAMES {
        return None;
    }
    let (said, bytes) = said_length(last)?;
    let count = usize::from(frames == 1);
    let longer = length + count + bytes + data.len();
    if longer > place.len() {
        return None;
    }
    place.copy_within(end..length, end + count + bytes);
    place[0] = first | CODE;
    place[1] = VBR | (frames as u8 + 1);
    place[end + count..][..bytes].copy_from_slice(&said[..bytes]);
    place[longer - data.len()..longer].copy_from_slice(data);
    Some(longer)
}

/// The length of a frame and in how many bytes it is said (RFC 6716 section 3.2.1).
fn read_length(bytes: &[u8]) -> Option<(usize, usize)> {
    match *bytes {
        [short @ ..=251, ..] => Some((1, usize::from(short))),
        [first, second, ..] => Some((2, usize::from(first) + 4 * usize::from(second))),
        _ => None,
    }
}

/// How a length is said, and in how many bytes.
fn said_length(length: usize) -> Option<([u8; 2], usize)> {
    match length {
        ..=251 => Some(([length as u8, 0], 1)),
        252..=1_275 => {
            let first = 252 + (length & 3);
            Some(([first as u8, ((length - first) / 4) as u8], 2))
        }
        _ => None,
    }
}

/// The widest band that is of use to who plays out at `rate` (RFC 7587 section 3.1.1).
fn bandwidth(rate: Option<u32>) -> c_int {
    match rate {
        Some(..=8_000) => sys::OPUS_BANDWIDTH_NARROWBAND,
        Some(..=12_000) => sys::OPUS_BANDWIDTH_MEDIUMBAND,
        Some(..=16_000) => sys::OPUS_BANDWIDTH_WIDEBAND,
        Some(..=24_000) => sys::OPUS_BANDWIDTH_SUPERWIDEBAND,
        _ => sys::OPUS_BANDWIDTH_FULLBAND,
    }
}

/// Reads RFC 7587 section 6.1's `name=value;…`. What is not known or out of its range is passed
/// over.
fn read_parameters(fmtp: &str) -> Parameters {
    let mut wanted = Parameters::default();
    for parameter in fmtp.split(';') {
        let Some((name, value)) = parameter.split_once('=') else {
            continue;
        };
        let value = value.trim().parse().ok();
        let on = value == Some(1);
        match &*name.trim().to_ascii_lowercase() {
            "maxplaybackrate" => wanted.max_playback_rate = value,
            "maxaveragebitrate" => {
                wanted.max_average_bitrate = value.filter(|bits| BITRATES.contains(bits));
            }
            "cbr" => wanted.constant_bitrate = on,
            "useinbandfec" => wanted.inband_fec = on,
            "usedtx" => wanted.dtx = on,
            _ => {}
        }
    }
    wanted
}
