//! Speech made shorter or longer by one of its pitch periods, so that nobody hears it.
//!
//! What is cut out or put in is as long as the sound takes to look like itself again, and over the
//! seam both sides are blended. Works at any sampling rate, in place, on what one packet holds.

use crate::pitch::{Match, Way, best_match};

/// The shortest piece that is worth its seam, in µs.
const SHORTEST_US: u32 = 2_500;
/// The longest: the period of 80 Hz, in µs.
const LONGEST_US: u32 = 12_500;

/// The most that [`lengthen`] adds, in samples at `sample_rate` Hz.
pub const fn longest(sample_rate: u32) -> usize {
    samples(sample_rate, LONGEST_US)
}

const fn samples(sample_rate: u32, us: u32) -> usize {
    (sample_rate as u64 * us as u64 / 1_000_000) as usize
}

/// Cuts up to `at_most` samples out of `sound`, which is at `sample_rate` Hz. Returns how many it
/// were: what is left stands at the beginning.
///
/// 0, and nothing is changed, if `sound` is too short, or if nothing in it is as like to something
/// else as `likeness` demands: 1 is the same, 0 anything.
pub fn shorten(sound: &mut [i16], sample_rate: u32, at_most: usize, likeness: f32) -> usize {
    let Some((lag, window)) = seam(sound, sample_rate, at_most, likeness) else {
        return 0;
    };
    for index in 0..window {
        sound[index] = blend(sound[index], sound[index + lag], index, window);
    }
    sound.copy_within(lag + window.., window);
    lag
}

/// Makes the `length` samples at the beginning of `sound` longer, by at most [`longest`] and by
/// what there is room for behind them. Returns by how many: 0 for the reasons for which
/// [`shorten`] returns that.
pub fn lengthen(sound: &mut [i16], length: usize, sample_rate: u32, likeness: f32) -> usize {
    let Some(room) = sound.len().checked_sub(length) else {
        return 0;
    };
    let Some((lag, window)) = seam(&sound[..length], sample_rate, room, likeness) else {
        return 0;
    };
    sound.copy_within(window..length, lag + window);
    // From the end on: what is written lies behind what is still to be read.
    for index in (0..window).rev() {
        sound[index + lag] = blend(sound[index + lag], sound[index], index, window);
    }
    lag
}

/// Where the sound looks like its beginning, and over how many samples.
fn seam(sound: &[i16], rate: u32, at_most: usize, likeness: f32) -> Option<(usize, usize)> {
    let longest = longest(rate).min(at_most).min(sound.len() * 5 / 8);
    let shortest = samples(rate, SHORTEST_US);
    if longest < shortest || shortest == 0 {
        return None;
    }
    let window = sound.len() - longest;
    let window = window.min(samples(rate, LONGEST_US));
    let sound = &sound[..longest + window];
    let Match {
        lag,
        likeness: found,
    } = best_match(sound, rate, 0..window, shortest..=longest, Way::Ahead);
    (found >= likeness).then_some((lag, window))
}

/// From `from` over to `to`, `index` of `window` steps done.
fn blend(from: i16, to: i16, index: usize, window: usize) -> i16 {
    let (from, to) = (i32::from(from), i32::from(to));
    let (done, all) = (index as i32 + 1, window as i32 + 1);
    ((from * (all - done) + to * done) / all) as i16
}
