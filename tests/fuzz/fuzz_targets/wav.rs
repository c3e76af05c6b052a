//! No bytes make the WAV reader panic, hang, or hand out more samples than they can hold.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sems_audio::{SAMPLE_RATE, wav};

fuzz_target!(|file: &[u8]| {
    if let Ok(samples) = wav::read(file, SAMPLE_RATE) {
        // One byte a sample, and twice as many samples as there were at the lowest rate.
        assert!(samples.len() <= 2 * file.len());
    }
});
