//! Hears keys in the sound itself, as they come from phones that send no telephone-events.
//!
//! The sound is looked at in blocks of two hops of 6.4 ms, one each hop. A block is a *hit* of a
//! key when one sine of each group holds nearly all of its energy, both are loud enough and neither
//! is much louder than the other. Four hits of one key in a row, 32 ms, whose phases turn as those
//! of the key's frequencies do, are the key: 40 ms of tone contain that wherever they begin, 23 ms
//! never do. Speech has the energy at two such frequencies now and then; it doesn't hold it there.

use std::f32::consts::{PI, TAU};

use super::{HIGH_HZ, KEYS, LOW_HZ};

/// Hops a second: of 51 samples at 8 kHz. A block of two of them tells the low frequencies apart:
/// the first zero of its window is 78 Hz away.
const HOPS_A_SECOND: f32 = 8_000.0 / 51.0;
/// Hits in a row that are a key.
const HITS: u8 = 4;
/// Hits in a row that are probably one.
const PROBABLE: u8 = 2;
/// Blocks in a row without the key after which it has ended: a break of 10 ms ends nothing.
const MISSES: u8 = 4;
/// Each sine has at least this mean square: −40 dBov, some 5 dB below what ITU-T Q.24 lists.
const LEAST: f32 = 1e-4;
/// Share of a block's energy that is in the two sines; noise 15 dB below them leaves 0.97.
const PURITY: f32 = 0.82;
/// The high sine is at most this much louder (4 dB, ITU-T Q.24) …
const HIGH_LOUDER: f32 = 2.51 * MARGIN;
/// … and the low one this much (8 dB).
const LOW_LOUDER: f32 = 6.31 * MARGIN;
/// 1.9 dB: noise and the other sine make the measure inexact.
const MARGIN: f32 = 1.55;
/// How far a frequency may be off: 1.5 % is a key, 3.5 % is none (ITU-T Q.24).
const TOLERANCE: f32 = 0.025;
/// In a single block the other sine disturbs the phase; more than this is off for certain.
const COARSE: f32 = 0.05;

/// What happened to a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    /// It has been heard long enough: `0`–`9`, `*`, `#` or `A`–`D`.
    Down(char),
    /// It is not heard any more.
    Up(char),
}

/// A frequency's part of a hop, with the phase counted from the beginning of all.
#[derive(Clone, Copy, Debug, Default)]
struct Phasor {
    re: f32,
    im: f32,
}

impl Phasor {
    fn plus(self, other: Phasor) -> Phasor {
        Phasor {
            re: self.re + other.re,
            im: self.im + other.im,
        }
    }

    fn times(self, other: Phasor) -> Phasor {
        Phasor {
            re: self.re * other.re - self.im * other.im,
            im: self.re * other.im + self.im * other.re,
        }
    }

    fn square(self) -> f32 {
        self.re * self.re + self.im * self.im
    }

    /// By how much the phase has turned since `before`, −π to π.
    fn since(self, before: Phasor) -> f32 {
        let turned = self.times(Phasor {
            re: before.re,
            im: -before.im,
        });
        turned.im.atan2(turned.re)
    }

    fn turn(angle: f32) -> Phasor {
        let (im, re) = angle.sin_cos();
        Phasor { re, im }
    }
}

/// Frequencies: four low ones, four high ones.
const COUNT: usize = 8;

/// What depends on the sampling rate only.
#[derive(Clone, Debug)]
struct Tables {
    /// Twice the cosine of the angle of one sample.
    coefficients: [f32; COUNT],
    /// The turn of one sample, backwards.
    sample: [Phasor; COUNT],
    /// From the end of a hop to its beginning.
    back: [Phasor; COUNT],
    /// From the beginning of a hop to that of the next.
    onward: [Phasor; COUNT],
}

/// Hears the keys of one leg.
///
/// Give it the sound in pieces of any length with [`push`](Self::push); what is left out counts as
/// silence when that is told with [`rest`](Self::rest).
#[derive(Clone, Debug)]
pub struct Detector {
    rate: u32,
    /// Samples of a hop.
    hop: usize,
    tables: Tables,
    /// The two last values of each resonator (Goertzel).
    one: [f32; COUNT],
    two: [f32; COUNT],
    energy: f32,
    filled: usize,
    /// Turns the phases of this hop to those counted from the beginning.
    phase: [Phasor; COUNT],
    last_hop: [Phasor; COUNT],
    last_energy: f32,
    candidate: Option<Candidate>,
    held: Option<Held>,
}

/// A key that may be sounding.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    low: usize,
    high: usize,
    hits: u8,
    /// The phases of the last block.
    last: [Phasor; 2],
    /// How far they have turned since the first block.
    turned: [f32; 2],
}

/// A key that was told.
#[derive(Clone, Copy, Debug)]
struct Held {
    low: usize,
    high: usize,
    misses: u8,
}

impl Detector {
    /// For sound of `rate` samples a second: at least 4,000, so that the highest key is in it.
    pub fn new(rate: u32) -> Detector {
        let rate = rate.max(4_000);
        let hop = (rate as f32 / HOPS_A_SECOND).round() as usize;
        let angle = |index: usize| {
            let hz = f64::from(hz(index));
            std::f64::consts::TAU * hz / f64::from(rate)
        };
        // Large angles are reduced before they lose their digits.
        let turn = |index: usize, samples: f64| {
            let angle = (angle(index) * samples) % std::f64::consts::TAU;
            Phasor::turn(angle as f32)
        };
        let tables = Tables {
            coefficients: std::array::from_fn(|index| (2.0 * angle(index).cos()) as f32),
            sample: std::array::from_fn(|index| turn(index, -1.0)),
            back: std::array::from_fn(|index| turn(index, 1.0 - hop as f64)),
            onward: std::array::from_fn(|index| turn(index, -(hop as f64))),
        };
        Detector {
            rate,
            hop,
            tables,
            one: [0.0; COUNT],
            two: [0.0; COUNT],
            energy: 0.0,
            filled: 0,
            phase: [Phasor { re: 1.0, im: 0.0 }; COUNT],
            last_hop: [Phasor::default(); COUNT],
            last_energy: 0.0,
            candidate: None,
            held: None,
        }
    }

    /// Samples a second.
    pub fn rate(&self) -> u32 {
        self.rate
    }

    /// Hears on; tells `emit` of each key that begins or ends.
    pub fn push(&mut self, mut samples: &[i16], mut emit: impl FnMut(Edge)) {
        while !samples.is_empty() {
            let (now, later) = samples.split_at(samples.len().min(self.hop - self.filled));
            self.listen(now);
            self.filled += now.len();
            if self.filled == self.hop {
                self.filled = 0;
                self.look(&mut emit);
            }
            samples = later;
        }
    }

    /// Nothing sounds for a while, which needs no listening: ends what sounded.
    pub fn rest(&mut self, mut emit: impl FnMut(Edge)) {
        if let Some(held) = self.held.take() {
            emit(Edge::Up(key(held.low, held.high)));
        }
        self.candidate = None;
        (self.one, self.two) = ([0.0; COUNT], [0.0; COUNT]);
        self.last_hop = [Phasor::default(); COUNT];
        (self.energy, self.last_energy, self.filled) = (0.0, 0.0, 0);
    }

    /// A key sounds, or so probably that nobody else needs to hear what is.
    pub fn is_sounding(&self) -> bool {
        self.held.is_some() || self.candidate.is_some_and(|found| found.hits >= PROBABLE)
    }

    fn listen(&mut self, samples: &[i16]) {
        // All in registers, eight at a time.
        let (mut one, mut two, mut energy) = (self.one, self.two, 0.0);
        let coefficients = self.tables.coefficients;
        for sample in samples {
            let value = f32::from(*sample) / 32_768.0;
            energy += value * value;
            for index in 0..COUNT {
                // In this order one sample waits for the one before for a product and a sum only.
                let next = (value - two[index]) + coefficients[index] * one[index];
                two[index] = one[index];
                one[index] = next;
            }
        }
        (self.one, self.two) = (one, two);
        self.energy += energy;
    }

    /// A hop is complete: looks at the block of the last two.
    fn look(&mut self, emit: &mut impl FnMut(Edge)) {
        let mut hop = [Phasor::default(); COUNT];
        for (index, hop) in hop.iter_mut().enumerate() {
            let tables = &self.tables;
            let (one, two) = (self.one[index], self.two[index]);
            let end = Phasor {
                re: one + tables.sample[index].re * -two,
                im: tables.sample[index].im * -two,
            };
            let phase = self.phase[index];
            *hop = end.times(tables.back[index]).times(phase);
            let phase = phase.times(tables.onward[index]);
            // Rounding makes the turn grow or shrink a little; put it back.
            let scale = 1.5 - 0.5 * phase.square();
            self.phase[index] = Phasor {
                re: phase.re * scale,
                im: phase.im * scale,
            };
        }
        (self.one, self.two) = ([0.0; COUNT], [0.0; COUNT]);
        let block: [Phasor; COUNT] =
            std::array::from_fn(|index| hop[index].plus(self.last_hop[index]));
        let energy = self.energy + self.last_energy;
        self.last_hop = hop;
        self.last_energy = std::mem::take(&mut self.energy);

        self.candidate = self.judge(&block, energy);
        let found = self.candidate.filter(|found| found.hits >= HITS);
        if let Some(held) = &mut self.held {
            let again = self
                .candidate
                .is_some_and(|found| (found.low, found.high) == (held.low, held.high));
            if again {
                held.misses = 0;
                return;
            }
            held.misses += 1;
            if held.misses < MISSES && found.is_none() {
                return;
            }
            emit(Edge::Up(key(held.low, held.high)));
            self.held = None;
        }
        if let Some(Candidate { low, high, .. }) = found {
            emit(Edge::Down(key(low, high)));
            let misses = 0;
            self.held = Some(Held { low, high, misses });
        }
    }

    /// What the block is a hit of, if anything.
    fn judge(&self, block: &[Phasor; COUNT], energy: f32) -> Option<Candidate> {
        let samples = 2.0 * self.hop as f32;
        let mean = energy / samples;
        if mean < 2.0 * LEAST * PURITY {
            return None;
        }
        let loudest = |from: usize| {
            let group = from..from + COUNT / 2;
            group.max_by(|one, two| block[*one].square().total_cmp(&block[*two].square()))
        };
        let (low, high) = (loudest(0)?, loudest(COUNT / 2)?);
        let now = [block[low], block[high]];
        let mut found = Candidate {
            low,
            high,
            hits: 1,
            last: now,
            turned: [0.0; 2],
        };
        let before = self
            .candidate
            .filter(|before| (before.low, before.high) == (low, high));
        let mut offsets = [0.0; 2];
        if let Some(before) = before {
            found.hits = before.hits.saturating_add(1).min(HITS);
            for (side, index) in [low, high].into_iter().enumerate() {
                let turned = now[side].since(before.last[side]);
                if turned.abs() > self.turn_of(COARSE * hz(index)) {
                    return None;
                }
                // Over the last few blocks; what is older fades.
                let blocks = f32::from(found.hits - 1);
                let older = before.turned[side] * (1.0 - 1.0 / blocks);
                found.turned[side] = older + turned / blocks;
                offsets[side] = found.turned[side];
            }
        }
        // The mean square of each sine: a window of this length hears one that is off softer.
        let power = |side: usize| {
            let heard = 2.0 * now[side].square() / (samples * samples);
            let lobe = sinc(offsets[side]);
            heard / (lobe * lobe)
        };
        let (low_power, high_power) = (power(0), power(1));
        let loud = low_power >= LEAST && high_power >= LEAST;
        let even = high_power <= HIGH_LOUDER * low_power && low_power <= LOW_LOUDER * high_power;
        // Where the first block's frequency is not known yet, the purity waits for the second.
        let purity = if before.is_some() {
            PURITY
        } else {
            PURITY * 0.8
        };
        let pure = low_power + high_power >= purity * mean;
        let tuned = found.hits < HITS
            || [low, high]
                .into_iter()
                .zip(found.turned)
                .all(|(index, turned)| turned.abs() <= self.turn_of(TOLERANCE * hz(index)));
        (loud && even && pure && tuned).then_some(found)
    }

    /// How far the phase of a sine that is `off_hz` off turns in a hop.
    fn turn_of(&self, off_hz: f32) -> f32 {
        TAU * off_hz * self.hop as f32 / self.rate as f32
    }
}

/// What a block's window leaves of a sine whose phase turns by `turned` in half of it.
fn sinc(turned: f32) -> f32 {
    let turned = turned.clamp(-PI / 2.0, PI / 2.0);
    match turned.abs() < 1e-3 {
        true => 1.0,
        false => turned.sin() / turned,
    }
}

fn hz(index: usize) -> f32 {
    match LOW_HZ.get(index) {
        Some(low) => *low,
        None => HIGH_HZ[index - LOW_HZ.len()],
    }
}

fn key(low: usize, high: usize) -> char {
    char::from(KEYS[low][high - LOW_HZ.len()])
}
