//! Comparing what was heard with what was said.

use crate::line::{Heard, Line};

/// Length of what is compared at once, in ms.
const WINDOW_MS: usize = 300;
/// From one to the next.
const HOP_MS: usize = 200;
/// Delays that are looked for, in ms.
const LONGEST_MS: usize = 250;
/// Samples a second of the first, coarse look.
const COARSE: u32 = 2_000;
/// Places of the coarse look that are looked at closely.
const CANDIDATES: usize = 6;
/// A window is speech if its mean square is more than this: −45 dBov.
const SPEECH_POWER: f64 = 34_000.0;

/// One window that was found again.
#[derive(Clone, Copy, Debug)]
pub struct Match {
    /// Where it begins in what was said, in samples.
    pub said: usize,
    /// Where it begins in what was heard.
    pub heard: usize,
    /// From mouth to ear, in ms.
    pub delay_ms: f64,
    /// How alike they are, 0 to 1.
    pub likeness: f64,
}

/// Finds each window of speech in what was heard.
pub fn matches(line: &Line, said: &[i16], heard: &Heard) -> Vec<Match> {
    let rate = line.codec.rate.hz();
    let per_ms = (rate / 1000) as usize;
    let step = (rate / COARSE) as usize;
    let thin = |samples: &[i16]| -> Vec<f32> {
        let groups = samples.chunks_exact(step);
        groups
            .map(|group| group.iter().map(|s| f32::from(*s)).sum::<f32>())
            .collect()
    };
    let (thin_said, thin_heard) = (thin(said), thin(&heard.samples));
    let window = WINDOW_MS * per_ms;
    let mut found = Vec::new();
    for start in (0..said.len().saturating_sub(window)).step_by(HOP_MS * per_ms) {
        let wanted = &said[start..start + window];
        if power(wanted) < SPEECH_POWER {
            continue;
        }
        // Where it would be without delay.
        let at = (line.said_ms(start) - heard.begin_ms) * per_ms as f64;
        let earliest = at.max(0.0) as usize;
        let coarse = (0..LONGEST_MS * per_ms / step).map(|lag| earliest / step + lag);
        let wanted_thin = &thin_said[start / step..(start + window) / step];
        let floats =
            |samples: &[i16]| -> Vec<f32> { samples.iter().map(|s| f32::from(*s)).collect() };
        let wanted = floats(wanted);
        let mut closest: Option<(usize, f32)> = None;
        for near in candidates(wanted_thin, &thin_heard, coarse) {
            let from = (near * step).saturating_sub(step);
            let to = (near * step + step + window).min(heard.samples.len());
            if to < from + window {
                continue;
            }
            let around = floats(&heard.samples[from..to]);
            let fine = 0..=around.len() - window;
            if let Some((place, likeness)) = best(&wanted, &around, fine)
                && closest.is_none_or(|(_, most)| likeness > most)
            {
                closest = Some((from + place, likeness));
            }
            if closest.is_some_and(|(_, likeness)| likeness > 0.97) {
                break;
            }
        }
        let Some((place, likeness)) = closest else {
            continue;
        };
        found.push(Match {
            said: start,
            heard: place,
            delay_ms: heard.begin_ms + place as f64 / per_ms as f64 - line.said_ms(start),
            likeness: f64::from(likeness),
        });
    }
    found
}

fn power(samples: &[i16]) -> f64 {
    samples.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>() / samples.len().max(1) as f64
}

/// The places at which `heard` may be most like `wanted`, the likeliest first: what lies between two
/// coarse samples looks less like itself than a neighbouring period of the pitch may.
fn candidates(wanted: &[f32], heard: &[f32], places: impl Iterator<Item = usize>) -> Vec<usize> {
    let mut all: Vec<(usize, f32)> = places
        .filter_map(|place| best(wanted, heard, std::iter::once(place)))
        .collect();
    all.sort_by(|one, other| other.1.total_cmp(&one.1));
    let mut chosen: Vec<usize> = Vec::new();
    for (place, _) in all {
        if chosen.len() == CANDIDATES {
            break;
        }
        if chosen.iter().all(|other| other.abs_diff(place) > 2) {
            chosen.push(place);
        }
    }
    chosen
}

/// The place at which `heard` is most like `wanted`.
fn best(
    wanted: &[f32],
    heard: &[f32],
    places: impl Iterator<Item = usize>,
) -> Option<(usize, f32)> {
    let dot = |one: &[f32], other: &[f32]| -> f32 {
        one.chunks(8)
            .zip(other.chunks(8))
            .map(|(one, other)| one.iter().zip(other).map(|(a, b)| a * b).sum::<f32>())
            .sum()
    };
    let own = dot(wanted, wanted);
    let mut found = None;
    for place in places {
        let Some(part) = heard.get(place..place + wanted.len()) else {
            break;
        };
        let likeness = dot(wanted, part) / (own * dot(part, part)).sqrt().max(1.0);
        if found.is_none_or(|(_, most)| likeness > most) {
            found = Some((place, likeness));
        }
    }
    found
}

/// The delay that `part` of the windows don't exceed, in ms; 0.5 is the median. Windows that hardly
/// look like anything tell nothing.
pub fn delay(matches: &[Match], part: f64) -> f64 {
    let clear = matches.iter().filter(|found| found.likeness > 0.5);
    let mut delays: Vec<f64> = clear.map(|found| found.delay_ms).collect();
    assert!(delays.len() * 2 > matches.len(), "most is not understood");
    delays.sort_by(f64::total_cmp);
    delays[((delays.len() - 1) as f64 * part).round() as usize]
}

/// The windows of `found` with the delay that is left when that of the codec alone is taken off.
pub fn added(found: &[Match], alone: &[Match]) -> Vec<Match> {
    let own = |said| alone.iter().find(|own| own.said == said);
    let both = found
        .iter()
        .filter_map(|found| Some((found, own(found.said)?)));
    both.map(|(found, own)| Match {
        delay_ms: found.delay_ms - own.delay_ms,
        ..*found
    })
    .collect()
}

/// Segmental signal-to-noise ratio over frames of 20 ms of speech, each limited to −10 to 35 dB.
pub fn segmental_snr(line: &Line, said: &[i16], heard: &Heard, matches: &[Match]) -> f64 {
    let frame = (line.codec.rate.hz() / 50) as usize;
    let mut ratios = Vec::new();
    for found in matches {
        for offset in (0..HOP_MS / 20).map(|n| n * frame) {
            let said = &said[found.said + offset..][..frame];
            let Some(heard) = heard
                .samples
                .get(found.heard + offset..found.heard + offset + frame)
            else {
                continue;
            };
            let signal: f64 = said.iter().map(|s| f64::from(*s).powi(2)).sum();
            let pairs = said.iter().zip(heard);
            let noise: f64 = pairs
                .map(|(s, h)| (f64::from(*s) - f64::from(*h)).powi(2))
                .sum();
            if signal / frame as f64 > SPEECH_POWER {
                ratios.push((10.0 * (signal / noise.max(1.0)).log10()).clamp(-10.0, 35.0));
            }
        }
    }
    ratios.iter().sum::<f64>() / ratios.len().max(1) as f64
}

/// How alike what was heard and said is, 0 to 1, in these packets of `length` samples, each looked for where
/// the window around it was found.
pub fn likeness_of(
    packets: &[usize],
    length: usize,
    said: &[i16],
    heard: &Heard,
    found: &[Match],
) -> f64 {
    let (mut product, mut energies) = (0.0, [0.0, 0.0]);
    for packet in packets {
        let start = packet * length;
        let around = found
            .iter()
            .filter(|found| found.likeness > 0.5)
            .min_by_key(|found| (found.said + length).abs_diff(start));
        let Some(around) = around else {
            continue;
        };
        let place = (around.heard + start).saturating_sub(around.said);
        let heard = heard.samples.get(place..place + length);
        for (one, other) in said[start..].iter().zip(heard.unwrap_or_default()) {
            let (one, other) = (f64::from(*one), f64::from(*other));
            product += one * other;
            energies[0] += one * one;
            energies[1] += other * other;
        }
    }
    product / (energies[0] * energies[1]).sqrt().max(1.0)
}

/// By how many dB what was heard is louder than what was said.
pub fn louder_by(said: &[i16], heard: &Heard) -> f64 {
    10.0 * (power(&heard.samples) / power(said)).log10()
}

/// The longest run of what was heard, in ms, in which a tone is not there: nothing reaches a quarter
/// of its peak.
pub fn longest_gap_ms(rate: u32, heard: &[i16]) -> f64 {
    let peak = heard.iter().map(|s| s.unsigned_abs()).max().unwrap_or(0);
    let (mut run, mut longest) = (0, 0);
    for sample in heard {
        run = match sample.unsigned_abs() >= peak / 4 {
            true => 0,
            false => run + 1,
        };
        longest = longest.max(run);
    }
    f64::from(longest) * 1000.0 / f64::from(rate)
}

/// The worst click in a tone of `hz`: what is least told by the two samples before it, as a part of
/// the peak; and where it is.
pub fn worst_click(rate: u32, hz: f64, heard: &[i16]) -> (f64, usize) {
    let turn = 2.0 * (std::f64::consts::TAU * hz / f64::from(rate)).cos();
    let peak = heard.iter().map(|s| s.unsigned_abs()).max().unwrap_or(1);
    let surprise = heard.windows(3).map(|three| {
        let [one, two, next] = [three[0], three[1], three[2]].map(f64::from);
        (next - turn * two + one).abs()
    });
    let worst = surprise
        .enumerate()
        .max_by(|one, other| one.1.total_cmp(&other.1));
    let (place, surprise) = worst.unwrap_or((0, 0.0));
    (surprise / f64::from(peak), place)
}

/// What was heard, each window put where it was said, so that the two can be compared by methods
/// that know no changing delay. Both have the same length.
pub fn aligned(said: &[i16], heard: &Heard, matches: &[Match], rate: u32) -> (Vec<i16>, Vec<i16>) {
    let hop = HOP_MS * (rate / 1000) as usize;
    let (mut one, mut other) = (Vec::new(), Vec::new());
    for found in matches {
        let Some(part) = heard.samples.get(found.heard..found.heard + hop) else {
            continue;
        };
        one.extend_from_slice(&said[found.said..found.said + hop]);
        other.extend_from_slice(part);
    }
    (one, other)
}
