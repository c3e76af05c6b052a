//! Codecs that others bring by a table of C functions.

use std::{
    ffi::{c_int, c_void},
    ptr,
};

use sems_audio::{
    Error,
    codec::{self, Encoder, Parameters, native, native::Table},
};

/// Halves each sample, and counts how many frames it has coded in the first byte.
struct Halves(u8);

extern "C" fn samples(_: *const u8, length: usize) -> usize {
    length.saturating_sub(1)
}

extern "C" fn new() -> *mut c_void {
    Box::into_raw(Box::new(Halves(0))).cast()
}

unsafe extern "C" fn free(state: *mut c_void) {
    drop(unsafe { Box::from_raw(state.cast::<Halves>()) });
}

unsafe extern "C" fn copy(to: *mut c_void, from: *const c_void) {
    unsafe { (*to.cast::<Halves>()).0 = (*from.cast::<Halves>()).0 };
}

unsafe extern "C" fn encode(
    state: *mut c_void,
    samples: *const i16,
    count: usize,
    payload: *mut u8,
    room: usize,
) -> usize {
    if room < count + 1 {
        return 0;
    }
    unsafe {
        let state = &mut *state.cast::<Halves>();
        state.0 += 1;
        *payload = state.0;
        for at in 0..count {
            *payload.add(at + 1) = (*samples.add(at) >> 8) as u8;
        }
    }
    count + 1
}

unsafe extern "C" fn decode(
    _: *mut c_void,
    payload: *const u8,
    length: usize,
    samples: *mut i16,
    room: usize,
) -> usize {
    let count = length.saturating_sub(1).min(room);
    for at in 0..count {
        unsafe { *samples.add(at) = i16::from((*payload.add(at + 1)) as i8) << 8 };
    }
    // A careless codec says more than it has written.
    count + 1_000_000
}

unsafe extern "C" fn conceal(_: *mut c_void, samples: *mut i16, count: usize) -> c_int {
    unsafe { ptr::write_bytes(samples, 0, count) };
    1
}

fn table() -> Table {
    Table {
        version: native::VERSION,
        name: c"halves".as_ptr(),
        payload_type: -1,
        clock_rate: 8_000,
        sample_rate: 8_000,
        channels: 1,
        longest_frame: 161,
        equipment_impairment: 10.0,
        loss_robustness: 5.0,
        parameters: ptr::null(),
        samples: Some(samples),
        encoder_new: Some(new),
        encode: Some(encode),
        encoder_copy: Some(copy),
        encoder_free: Some(free),
        decoder_new: Some(new),
        decode: Some(decode),
        conceal: Some(conceal),
        decoder_free: Some(free),
    }
}

fn register(change: impl FnOnce(&mut Table)) -> Result<&'static codec::Codec, Error> {
    let mut table = table();
    change(&mut table);
    unsafe { native::register(Box::leak(Box::new(table))) }
}

#[test]
fn a_codec_of_others_codes_as_ours_do() {
    let table = Box::leak(Box::new(table()));
    let codec = unsafe { native::register(table) }.unwrap();
    assert!(codec::all().contains(&codec));
    assert_eq!(codec::by_name("HALVES", 8_000), Some(codec));

    let mut payload = [0; 161];
    let mut encoder = codec.encoder(Parameters::default());
    assert_eq!(encoder.encode(&[0x1234; 160], &mut payload), 161);
    assert_eq!(payload[..2], [1, 0x12]);
    assert_eq!(encoder.encode(&[0; 160], &mut payload[..100]), 0);
    let mut other = codec.encoder(Parameters::default());
    other.continue_from(&encoder);
    other.encode(&[0x1234; 160], &mut payload);
    assert_eq!(payload[0], 2, "it has gone on where the other was");
    assert!(matches!(other, Encoder::Stateful(_)));

    let mut decoder = codec.decoder();
    let mut heard = [1; 160];
    assert_eq!(codec.samples(&payload), 160);
    assert_eq!(decoder.decode(&payload, &mut heard), 160);
    assert_eq!(heard, [0x1200; 160]);
    assert!(decoder.conceal(None, &mut heard));
    assert_eq!(heard, [0; 160]);

    let append = codec.append.unwrap();
    let mut packet = [0; 4];
    assert_eq!(append(&mut packet, 0, &[1, 2]), Some(2));
    assert_eq!(append(&mut packet, 2, &[3, 4]), Some(4));
    assert_eq!(append(&mut packet, 4, &[5]), None);
    assert_eq!(packet, [1, 2, 3, 4]);

    assert_eq!(unsafe { native::register(table) }.unwrap(), codec);
    let again = register(|_| ());
    assert!(matches!(
        again,
        Err(Error::Codec("there is a codec of this name and clock rate"))
    ));
}

#[test]
fn a_table_that_makes_no_sense_is_refused_with_what_is_wrong() {
    type Change = fn(&mut Table);
    let wrong: [(Change, &str); 10] = [
        (|table| table.version = 2, "version"),
        (|table| table.encode = None, "missing"),
        (|table| table.decoder_free = None, "missing"),
        (|table| table.name = ptr::null(), "no name"),
        (|table| table.name = c"\xff".as_ptr(), "ASCII"),
        (|table| table.name = c"PCMU".as_ptr(), "there is a codec"),
        (|table| table.sample_rate = 44_100, "sample_rate"),
        (|table| table.payload_type = 128, "payload_type"),
        (|table| table.longest_frame = 0, "longest_frame"),
        (|table| table.loss_robustness = f32::NAN, "impairment"),
    ];
    for (change, why) in wrong {
        let refused = register(|table| {
            table.name = c"wrong".as_ptr();
            change(table);
        });
        let said = refused.unwrap_err().to_string();
        assert!(said.contains(why), "{said:?} is not about {why:?}");
    }
}
