//! Finding a sound again in what was heard of it, whatever codec it came through and whenever it began.

use std::{
    f32::consts::{PI, TAU},
    ops::{Range, RangeInclusive},
    sync::LazyLock,
};

/// Samples from one frame to the next, at 8 kHz: 10 ms.
pub const HOP: usize = 80;
/// Samples that are looked at for one frame.
const WINDOW: usize = 256;
const BINS: usize = WINDOW / 2;
/// Bands of equal width on a scale of octaves, within what every telephone carries.
const BANDS: usize = 16;
const LOWEST: f32 = 150.0;
const HIGHEST: f32 = 3600.0;
const HZ: f32 = 8000.0;
/// What is softer than this counts less and less, in dBov of a band: noise of lines and codecs.
const FLOOR: f32 = -55.0;
/// Where to look closer is found in two steps: at every so many places by every so many frames, of short
/// sounds by so many in all, where so much less alike is enough.
const FIRST: Step = Step {
    places: 4,
    frames: 8,
    slack: 0.35,
};
const FEWEST: usize = 16;
const SECOND: Step = Step {
    places: 2,
    frames: 4,
    slack: 0.12,
};
/// How much softer than what is sought it may be, as a part of how much it changes.
const FAINTEST: f32 = 0.02;

type Bands = [f32; BANDS];

struct Step {
    places: usize,
    frames: usize,
    slack: f32,
}

struct Tables {
    window: [f32; WINDOW],
    turns: [(f32, f32); WINDOW / 2],
    reversed: [usize; WINDOW],
    band: [Option<usize>; BINS],
    floor: f32,
}

static TABLES: LazyLock<Tables> = LazyLock::new(|| {
    let octaves = |hz: f32| (hz / LOWEST).ln() / (HIGHEST / LOWEST).ln();
    Tables {
        window: std::array::from_fn(|n| 0.5 - 0.5 * (TAU * n as f32 / WINDOW as f32).cos()),
        turns: std::array::from_fn(|n| {
            let (sin, cos) = (-2.0 * PI * n as f32 / WINDOW as f32).sin_cos();
            (cos, sin)
        }),
        reversed: std::array::from_fn(|n| n.reverse_bits() >> (usize::BITS - WINDOW.ilog2())),
        band: std::array::from_fn(|bin| {
            let place = octaves(bin as f32 * HZ / WINDOW as f32);
            (0.0..1.0)
                .contains(&place)
                .then_some((place * BANDS as f32) as usize)
        }),
        floor: (32768.0 * 10f32.powf(FLOOR / 20.0)).powi(2) * WINDOW as f32,
    }
});

/// How loud a sound is in each of 16 bands, 100 times a second: what is left of it by codecs, lost
/// packets and other volumes, and tells it from another.
#[derive(Clone, Debug, Default)]
pub struct Spectrogram {
    frames: Vec<Bands>,
    /// What came last and is part of frames that are not whole.
    rest: Vec<i16>,
}

/// Where a sound was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Found {
    /// The frame at which it begins.
    pub at: usize,
    /// 1 for the same, about 0 for something else.
    pub likeness: f32,
}

impl Spectrogram {
    /// Of nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Of a whole sound: 16-bit mono at 8 kHz.
    pub fn of(samples: &[i16]) -> Self {
        let mut whole = Self::new();
        whole.push(samples);
        whole.push(&[0; WINDOW - HOP]);
        whole
    }

    /// Adds what came next: 16-bit mono at 8 kHz.
    pub fn push(&mut self, samples: &[i16]) {
        self.rest.extend_from_slice(samples);
        let mut at = 0;
        while let Some(window) = self.rest.get(at..at + WINDOW) {
            self.frames.push(bands(window));
            at += HOP;
        }
        self.rest.drain(..at);
    }

    /// Frames so far, each of [`HOP`] samples.
    pub fn len(&self) -> usize {
        self.frames.len()
    }

    /// There is not one whole frame.
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// How much the `part` of `other` looks like what is here when `other` begins at `at`: 1 for the
    /// same, about 0 for something else. 0 for what does not lie within both.
    pub fn likeness(&self, other: &Self, at: usize, part: Range<usize>) -> f32 {
        self.compare(other, at, part, 1)
    }

    /// Where within `from` `other` begins, each place with a likeness of `at_least`, and none within half
    /// of another, in order. Of what is still under way at the end `begun` frames must have been heard;
    /// with as many as it has or more it must be whole.
    pub fn find(
        &self,
        other: &Self,
        from: RangeInclusive<usize>,
        at_least: f32,
        begun: usize,
    ) -> Vec<Found> {
        let least = begun.min(other.len());
        let Some(latest) = self.len().checked_sub(least.max(1)) else {
            return Vec::new();
        };
        let (first, last) = (*from.start(), latest.min(*from.end()));
        if other.is_empty() || first > last {
            return Vec::new();
        }
        let part = |at: usize| 0..other.len().min(self.len() - at);
        let mut found: Vec<Found> = Vec::new();
        let few = FIRST.frames.min(other.len() / FEWEST).max(1);
        for at in (first..=last).step_by(FIRST.places) {
            if self.compare(other, at, part(at), few) < at_least - FIRST.slack {
                continue;
            }
            let near = |by: usize| at.saturating_sub(by).max(first)..=(at + by).min(last);
            let closer = near(FIRST.places)
                .step_by(SECOND.places)
                .map(|at| self.compare(other, at, part(at), SECOND.frames));
            if closer.fold(f32::MIN, f32::max) < at_least - SECOND.slack {
                continue;
            }
            let best = near(FIRST.places)
                .map(|at| Found {
                    at,
                    likeness: self.compare(other, at, part(at), 1),
                })
                .max_by(|a, b| a.likeness.total_cmp(&b.likeness));
            let Some(best) = best.filter(|best| best.likeness >= at_least) else {
                continue;
            };
            match found.last_mut() {
                Some(before) if best.at < before.at + other.len().div_ceil(2) => {
                    if best.likeness > before.likeness {
                        *before = best;
                    }
                }
                _ => found.push(best),
            }
        }
        found
    }

    /// By every `step`th frame: the correlation of both, each band without its mean, so that it does
    /// not matter how loud each is.
    fn compare(&self, other: &Self, at: usize, part: Range<usize>, step: usize) -> f32 {
        let (Some(theirs), Some(mine)) = (
            other.frames.get(part.clone()),
            self.frames.get(at + part.start..at + part.end),
        ) else {
            return 0.0;
        };
        let mut sums = [[0f32; BANDS]; 5];
        for (x, y) in mine.iter().zip(theirs).step_by(step) {
            for band in 0..BANDS {
                sums[0][band] += x[band];
                sums[1][band] += y[band];
                sums[2][band] += x[band] * x[band];
                sums[3][band] += y[band] * y[band];
                sums[4][band] += x[band] * y[band];
            }
        }
        let count = theirs.len().div_ceil(step).max(1) as f32;
        let [x, y, xx, yy, xy] = &sums;
        let without_means = |products: &Bands, one: &Bands, other: &Bands| {
            let sums = one.iter().zip(other);
            let pairs = products.iter().zip(sums);
            pairs
                .map(|(product, (a, b))| product - a * b / count)
                .sum::<f32>()
        };
        let xx = without_means(xx, x, x);
        let yy = without_means(yy, y, y);
        let xy = without_means(xy, x, y);
        if xx <= FAINTEST * yy || yy <= 0.0 {
            return 0.0;
        }
        xy / (xx * yy).sqrt()
    }
}

fn bands(samples: &[i16]) -> Bands {
    let tables = &*TABLES;
    let mut values = [(0f32, 0f32); WINDOW];
    for (n, (&sample, window)) in samples.iter().zip(&tables.window).enumerate() {
        values[tables.reversed[n]].0 = f32::from(sample) * window;
    }
    transform(&mut values, &tables.turns);
    let mut power = [0f32; BANDS];
    for ((re, im), band) in values.iter().zip(&tables.band) {
        if let Some(band) = band {
            power[*band] += re * re + im * im;
        }
    }
    power.map(|power| (power / tables.floor).ln_1p())
}

/// The Fourier transform of what is in bit-reversed order (Cooley and Tukey).
fn transform(values: &mut [(f32, f32); WINDOW], turns: &[(f32, f32); WINDOW / 2]) {
    let mut half = 1;
    while half < WINDOW {
        let stride = BINS / half;
        for group in values.chunks_exact_mut(2 * half) {
            let (low, high) = group.split_at_mut(half);
            for ((a, b), turn) in low.iter_mut().zip(high).zip(turns.iter().step_by(stride)) {
                let turned = (b.0 * turn.0 - b.1 * turn.1, b.0 * turn.1 + b.1 * turn.0);
                *b = (a.0 - turned.0, a.1 - turned.1);
                *a = (a.0 + turned.0, a.1 + turned.1);
            }
        }
        half *= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Something like speech: tones that come and go by a seed.
    fn babble(seed: u32, samples: usize) -> Vec<i16> {
        let mut state = seed.wrapping_mul(2_654_435_761) | 1;
        let mut random = move || {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            state as f32 / u32::MAX as f32
        };
        let mut sound = Vec::new();
        while sound.len() < samples {
            let (hz, level) = (200.0 + 3000.0 * random(), 3000.0 + 9000.0 * random());
            let length = 400 + (800.0 * random()) as usize;
            sound.extend((0..length).map(|n| (level * (TAU * hz * n as f32 / HZ).sin()) as i16));
        }
        sound.truncate(samples);
        sound
    }

    #[test]
    fn a_tone_is_in_its_band_alone() {
        let tone: Vec<i16> = (0..WINDOW)
            .map(|n| (8000.0 * (TAU * 1000.0 * n as f32 / HZ).sin()) as i16)
            .collect();
        let bands = bands(&tone);
        let loudest = bands.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
        let place = (1000f32 / LOWEST).ln() / (HIGHEST / LOWEST).ln();
        assert_eq!(
            loudest.map(|(band, _)| band),
            Some((place * BANDS as f32) as usize)
        );
        assert!(bands.iter().filter(|&&loudness| loudness > 2.0).count() <= 2);
    }

    #[test]
    fn a_sound_is_found_wherever_it_begins_and_however_loud_it_is() {
        let sought = Spectrogram::of(&babble(1, 8000));
        let mut heard = babble(2, 5037);
        heard.extend(babble(1, 8000).iter().map(|sample| sample / 3));
        heard.extend(babble(3, 4000));
        let heard = Spectrogram::of(&heard);
        let found = heard.find(&sought, 0..=usize::MAX, 0.85, usize::MAX);
        assert_eq!(found.len(), 1);
        assert!(found[0].at.abs_diff(5037 / HOP) <= 1, "{found:?}");
        assert!(found[0].likeness > 0.95, "{found:?}");
        assert!(
            heard
                .find(
                    &Spectrogram::of(&babble(4, 8000)),
                    0..=usize::MAX,
                    0.6,
                    usize::MAX
                )
                .is_empty()
        );
    }

    #[test]
    fn what_is_still_under_way_is_found_by_what_was_heard_of_it() {
        let sought = Spectrogram::of(&babble(1, 16000));
        let mut heard = Spectrogram::new();
        heard.push(&babble(2, 4000));
        heard.push(&babble(1, 16000)[..8000]);
        assert!(
            heard
                .find(&sought, 0..=usize::MAX, 0.85, usize::MAX)
                .is_empty()
        );
        let found = heard.find(&sought, 0..=usize::MAX, 0.85, 50);
        assert_eq!(found.iter().map(|found| found.at).collect::<Vec<_>>(), [50]);
        assert!(heard.find(&sought, 0..=usize::MAX, 0.85, 100).is_empty());
    }

    #[test]
    fn what_comes_in_pieces_looks_like_the_whole() {
        let sound = babble(5, 4000);
        let mut pieces = Spectrogram::new();
        sound.chunks(37).for_each(|piece| pieces.push(piece));
        let mut whole = Spectrogram::new();
        whole.push(&sound);
        assert_eq!(pieces.frames, whole.frames);
        assert_eq!(whole.len(), (4000 - WINDOW) / HOP + 1);
    }

    #[test]
    fn nothing_is_like_silence_or_what_is_not_there() {
        let sound = Spectrogram::of(&babble(6, 4000));
        let silence = Spectrogram::of(&[0; 8000]);
        assert!(
            silence
                .find(&sound, 0..=usize::MAX, 0.1, usize::MAX)
                .is_empty()
        );
        assert!(
            sound
                .find(&silence, 0..=usize::MAX, 0.1, usize::MAX)
                .is_empty()
        );
        assert_eq!(sound.likeness(&sound, sound.len(), 0..sound.len()), 0.0);
        assert!((sound.likeness(&sound, 0, 0..sound.len()) - 1.0).abs() < 1e-4);
        assert!(
            Spectrogram::new()
                .find(&sound, 0..=9, 0.1, usize::MAX)
                .is_empty()
        );
        assert!(
            sound
                .find(&Spectrogram::new(), 0..=9, 0.1, usize::MAX)
                .is_empty()
        );
    }
}
