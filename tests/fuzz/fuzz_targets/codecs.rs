//! No bytes make a decoder panic, read or write where it must not, or hand out more than there is room
//! for: packets of any content and length, some of them lost.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sems_audio::codec::CODECS;

/// 120 ms at 48 kHz: the longest packet of Opus.
const LONGEST: usize = 5_760;

fuzz_target!(|bytes: &[u8]| {
    let Some((choice, mut bytes)) = bytes.split_first() else {
        return;
    };
    let codec = CODECS[usize::from(*choice) % CODECS.len()];
    let mut decoder = codec.decoder();
    let (mut place, mut length) = (vec![0; 2_000], 0);
    // Each packet is preceded by its length, and by whether it is lost and its successor is known.
    while let Some(([size, fate], rest)) = bytes.split_first_chunk() {
        let (packet, rest) = rest.split_at(rest.len().min(usize::from(*size) * 2));
        let mut samples = vec![0; LONGEST];
        let said = codec.samples(packet);
        match fate % 4 {
            0 => drop(decoder.conceal(None, &mut samples[..codec.rate.frame()])),
            1 => drop(decoder.conceal(Some(packet), &mut samples[..codec.rate.frame()])),
            _ => {
                let count = decoder.decode(packet, &mut samples);
                assert!(count <= said.min(LONGEST));
            }
        }
        if let Some(append) = codec.append {
            length = append(&mut place, length, packet).unwrap_or(0);
            assert!(length <= place.len());
        }
        bytes = rest;
    }
});
