//! Codecs that others bring: a C table of functions, which the media threads call like our own.
//!
//! `python/sems/include/sems_codec.h` is the same table for those who write one.

use std::{
    any::Any,
    ffi::{CStr, c_char, c_int, c_void},
    ptr::NonNull,
    sync::{PoisonError, RwLock},
};

use super::{CODECS, Codec, Coding, Decode, Decoder, Encode, Encoder, Parameters};
use crate::{emodel::Impairment, error::Error, frame::Rate};

/// What [`Table::version`] has to be.
pub const VERSION: u32 = 1;

/// A codec as C describes it. It and what it points to stay as they are until the process ends.
///
/// Its functions are called by several threads at once, but with one state by one thread at a time.
/// Between `…_new` and `…_free` of a state they must neither allocate, lock, log nor wait: a frame is due
/// every 20 ms. None of them may call Python or let a C++ exception out.
#[derive(Debug)]
#[repr(C)]
pub struct Table {
    /// [`VERSION`].
    pub version: u32,
    /// Encoding name as in `a=rtpmap`, ASCII.
    pub name: *const c_char,
    /// Static RTP payload type (RFC 3551), or −1.
    pub payload_type: c_int,
    /// RTP timestamp units a second.
    pub clock_rate: u32,
    /// Rate of the linear audio, which is mono always: 8000, 16000 or 48000.
    pub sample_rate: u32,
    /// Channels as in `a=rtpmap`.
    pub channels: u32,
    /// Bytes of the longest payload that 20 ms are encoded to, 1 to 1,400.
    pub longest_frame: u32,
    /// What it does to speech: Ie of ITU-T G.113, 0 for G.711.
    pub equipment_impairment: f32,
    /// How well it bears loss: Bpl of ITU-T G.113, about 4 without concealment, 25 for G.711 with it.
    pub loss_robustness: f32,
    /// What we say in `a=fmtp`, ASCII, or null.
    pub parameters: *const c_char,
    /// Samples that a payload decodes to; 0 for one that can't be decoded.
    pub samples: Option<unsafe extern "C" fn(payload: *const u8, length: usize) -> usize>,
    /// A fresh encoder; null: there is no memory for it.
    pub encoder_new: Option<unsafe extern "C" fn() -> *mut c_void>,
    /// Encodes 20 ms into `room` bytes at most; returns the bytes written, 0: there is nothing to send. In
    /// a longer packet such frames follow each other.
    pub encode: Option<
        unsafe extern "C" fn(
            encoder: *mut c_void,
            samples: *const i16,
            count: usize,
            payload: *mut u8,
            room: usize,
        ) -> usize,
    >,
    /// Goes on as if all that `from` has encoded had been encoded by `to`. May be null: a listener may
    /// then hear that he has got an encoder of his own, as when he sets somebody's volume.
    pub encoder_copy: Option<unsafe extern "C" fn(to: *mut c_void, from: *const c_void)>,
    /// Frees an encoder.
    pub encoder_free: Option<unsafe extern "C" fn(encoder: *mut c_void)>,
    /// A fresh decoder; null: there is no memory for it.
    pub decoder_new: Option<unsafe extern "C" fn() -> *mut c_void>,
    /// Decodes into `room` samples at most; returns the samples written, 0 for what can't be decoded.
    pub decode: Option<
        unsafe extern "C" fn(
            decoder: *mut c_void,
            payload: *const u8,
            length: usize,
            samples: *mut i16,
            room: usize,
        ) -> usize,
    >,
    /// A packet is lost: fills all of `count` samples with what may have been in it and returns 1; or
    /// returns 0 and leaves it to us. May be null.
    pub conceal: Option<
        unsafe extern "C" fn(decoder: *mut c_void, samples: *mut i16, count: usize) -> c_int,
    >,
    /// Frees a decoder.
    pub decoder_free: Option<unsafe extern "C" fn(decoder: *mut c_void)>,
}

static BROUGHT: RwLock<Vec<&'static Codec>> = RwLock::new(Vec::new());

/// Every codec there is, ours first.
pub fn all() -> Vec<&'static Codec> {
    let brought = BROUGHT.read().unwrap_or_else(PoisonError::into_inner);
    CODECS.iter().chain(brought.iter()).copied().collect()
}

/// Takes a codec in, for calls that are made from now on. Bringing one twice is harmless.
///
/// # Errors
/// [`Error::Codec`] for a table of another version, with a function missing or a value out of its range,
/// and for a codec that is there already.
///
/// # Safety
/// The table holds what its documentation says, and stays.
pub unsafe fn register(table: &'static Table) -> Result<&'static Codec, Error> {
    let native = Native::new(table)?;
    // SAFETY: promised by who calls.
    let (name, parameters) = unsafe { (text(table.name)?, text(table.parameters)?) };
    let name = name
        .filter(|name| !name.is_empty())
        .ok_or(Error::Codec("has no name"))?;
    let rate = Rate::from_hz(table.sample_rate)
        .ok_or(Error::Codec("sample_rate is not 8000, 16000 or 48000"))?;
    let payload_type = match table.payload_type {
        -1 => None,
        number => match u8::try_from(number) {
            Ok(number @ ..128) => Some(number),
            _ => return Err(Error::Codec("payload_type is not -1 to 127")),
        },
    };
    if table.clock_rate == 0 || !table.clock_rate.is_multiple_of(50) {
        return Err(Error::Codec("clock_rate is no multiple of 50"));
    }
    let channels = u8::try_from(table.channels)
        .ok()
        .filter(|channels| *channels > 0);
    let channels = channels.ok_or(Error::Codec("channels is not 1 to 255"))?;
    if !(1..=LONGEST).contains(&table.longest_frame) {
        return Err(Error::Codec("longest_frame is not 1 to 1400"));
    }
    let (ie, bpl) = (table.equipment_impairment, table.loss_robustness);
    if !(0.0..=95.0).contains(&ie) || !(1.0..=100.0).contains(&bpl) {
        return Err(Error::Codec("its impairment is not one of G.113"));
    }
    let mut brought = BROUGHT.write().unwrap_or_else(PoisonError::into_inner);
    let mut known = CODECS.iter().chain(brought.iter());
    let same = known.find(|codec| {
        codec.name.eq_ignore_ascii_case(name) && codec.clock_rate == table.clock_rate
    });
    if let Some(same) = same {
        return match same.coding.table() {
            Some(other) if std::ptr::eq(other, table) => Ok(same),
            _ => Err(Error::Codec("there is a codec of this name and clock rate")),
        };
    }
    let codec: &'static Codec = Box::leak(Box::new(Codec {
        name,
        payload_type,
        clock_rate: table.clock_rate,
        rate,
        channels,
        silence: None,
        longest_frame: table.longest_frame as usize,
        impairment: match rate {
            Rate::Narrow => Impairment::narrowband(ie, bpl),
            Rate::Wide | Rate::Full => Impairment::wideband(ie, bpl),
        },
        parameters,
        append: Some(append),
        coding: Box::leak(Box::new(native)),
    }));
    brought.push(codec);
    Ok(codec)
}

/// Frames of 20 ms follow each other in a packet.
fn append(place: &mut [u8], length: usize, frame: &[u8]) -> Option<usize> {
    let longer = length + frame.len();
    place.get_mut(length..longer)?.copy_from_slice(frame);
    Some(longer)
}

/// What fits into a packet of the internet.
const LONGEST: u32 = 1_400;

/// # Safety
/// It is null or a C string that stays.
unsafe fn text(text: *const c_char) -> Result<Option<&'static str>, Error> {
    if text.is_null() {
        return Ok(None);
    }
    // SAFETY: promised by who calls.
    let text = unsafe { CStr::from_ptr(text) }.to_str();
    match text {
        Ok(text) if text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) => Ok(Some(text)),
        _ => Err(Error::Codec("its name or parameters are not ASCII")),
    }
}

type New = unsafe extern "C" fn() -> *mut c_void;
type Free = unsafe extern "C" fn(*mut c_void);

/// The functions of a table, none of which is missing.
#[derive(Debug)]
struct Native {
    table: &'static Table,
    samples: unsafe extern "C" fn(*const u8, usize) -> usize,
    encoder: (New, Free),
    encode: unsafe extern "C" fn(*mut c_void, *const i16, usize, *mut u8, usize) -> usize,
    decoder: (New, Free),
    decode: unsafe extern "C" fn(*mut c_void, *const u8, usize, *mut i16, usize) -> usize,
}

// SAFETY: what the table points to stays as it is, and its functions may be called by any thread.
unsafe impl Sync for Native {}
// SAFETY: as above.
unsafe impl Send for Native {}

impl Native {
    fn new(table: &'static Table) -> Result<Self, Error> {
        if table.version != VERSION {
            return Err(Error::Codec("its table is of another version"));
        }
        let missing = Error::Codec("a function is missing in its table");
        let all = || {
            Some(Self {
                table,
                samples: table.samples?,
                encoder: (table.encoder_new?, table.encoder_free?),
                encode: table.encode?,
                decoder: (table.decoder_new?, table.decoder_free?),
                decode: table.decode?,
            })
        };
        all().ok_or(missing)
    }
}

impl Coding for Native {
    fn samples(&self, payload: &[u8]) -> usize {
        // SAFETY: the pointer and the length are those of the payload.
        unsafe { (self.samples)(payload.as_ptr(), payload.len()) }
    }

    fn encoder(&'static self, _: Parameters) -> Encoder {
        match State::new(self.encoder) {
            Some(state) => Encoder::Stateful(Box::new(NativeEncoder(self, state))),
            None => Encoder::Stateless(|_, _| 0),
        }
    }

    fn decoder(&'static self) -> Decoder {
        match State::new(self.decoder) {
            Some(state) => Decoder::Stateful(Box::new(NativeDecoder(self, state))),
            None => Decoder::Stateless(|_, _| 0),
        }
    }

    fn table(&self) -> Option<&'static Table> {
        Some(self.table)
    }
}

/// What one stream remembers, in memory that the codec has made.
struct State(NonNull<c_void>, Free);

// SAFETY: a state may be used by any thread, one at a time.
unsafe impl Send for State {}

impl State {
    fn new((new, free): (New, Free)) -> Option<Self> {
        // SAFETY: it takes nothing.
        NonNull::new(unsafe { new() }).map(|state| Self(state, free))
    }
}

impl Drop for State {
    fn drop(&mut self) {
        // SAFETY: it comes from `new`, and nobody uses it any more.
        unsafe { (self.1)(self.0.as_ptr()) }
    }
}

struct NativeEncoder(&'static Native, State);

impl Encode for NativeEncoder {
    fn encode(&mut self, samples: &[i16], payload: &mut [u8]) -> usize {
        let (state, room) = (self.1.0.as_ptr(), payload.len());
        // SAFETY: the state is an encoder's; the numbers are those of what the pointers point to.
        let bytes = unsafe {
            (self.0.encode)(
                state,
                samples.as_ptr(),
                samples.len(),
                payload.as_mut_ptr(),
                room,
            )
        };
        bytes.min(room)
    }

    fn continue_from(&mut self, other: &dyn Encode) {
        let other = (other as &dyn Any).downcast_ref::<Self>();
        let other = other.filter(|other| std::ptr::eq(other.0, self.0));
        if let (Some(other), Some(copy)) = (other, self.0.table.encoder_copy) {
            // SAFETY: both are encoders of this codec, and not the same one.
            unsafe { copy(self.1.0.as_ptr(), other.1.0.as_ptr()) }
        }
    }
}

struct NativeDecoder(&'static Native, State);

impl Decode for NativeDecoder {
    fn decode(&mut self, payload: &[u8], samples: &mut [i16]) -> usize {
        let (state, room) = (self.1.0.as_ptr(), samples.len());
        // SAFETY: the state is a decoder's; the numbers are those of what the pointers point to.
        let count = unsafe {
            (self.0.decode)(
                state,
                payload.as_ptr(),
                payload.len(),
                samples.as_mut_ptr(),
                room,
            )
        };
        count.min(room)
    }

    fn conceal(&mut self, _: Option<&[u8]>, samples: &mut [i16]) -> bool {
        let Some(conceal) = self.0.table.conceal else {
            return false;
        };
        // SAFETY: the state is a decoder's; the number is that of the samples.
        unsafe { conceal(self.1.0.as_ptr(), samples.as_mut_ptr(), samples.len()) != 0 }
    }
}
