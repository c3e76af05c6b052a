//! The ear for keys: what ITU-T Q.24 wants to be heard is heard, and what it wants not to be is not.

use std::f64::consts::TAU;

use proptest::prelude::*;
use sems_audio::{
    codec::g711,
    dtmf::{self, Detector, Edge},
};

const KEYS: &str = "0123456789*#ABCD";

/// A key as a phone makes it that is not quite right.
#[derive(Clone, Copy)]
struct Press {
    key: char,
    ms: f64,
    /// Level of the low sine in dBov (RMS).
    level: f64,
    /// The high sine is louder by so many dB.
    twist: f64,
    /// Both frequencies are off by this share.
    off: [f64; 2],
    /// White noise in dB below the two sines together.
    noise: Option<f64>,
    /// Silence before it, in samples.
    delay: usize,
    rate: u32,
}

const PRESS: Press = Press {
    key: '5',
    ms: 50.0,
    level: -16.0,
    twist: 0.0,
    off: [0.0; 2],
    noise: None,
    delay: 777,
    rate: 8_000,
};

/// Numbers that look random, the same each time.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as f64 / f64::from(1u32 << 30) - 1.0
    }

    /// Nearly Gaussian, with a mean square of 1.
    fn gauss(&mut self) -> f64 {
        (0..12).map(|_| self.next() / 2.0).sum::<f64>()
    }
}

impl Press {
    fn samples(&self) -> Vec<i16> {
        let (low, high) = dtmf::frequencies(self.key).unwrap();
        let amplitude = |db: f64| 32_768.0 * 2f64.sqrt() * 10f64.powf(db / 20.0);
        let (soft, loud) = (amplitude(self.level), amplitude(self.level + self.twist));
        let power = (soft * soft + loud * loud) / 2.0;
        let noise = self
            .noise
            .map_or(0.0, |db| (power * 10f64.powf(-db / 10.0)).sqrt());
        let length = (self.ms * f64::from(self.rate) / 1_000.0) as usize;
        let mut random = Noise(self.delay as u64);
        let total = self.delay + length + self.rate as usize / 10;
        (0..total)
            .map(|at| {
                let mut value = noise * random.gauss();
                if (self.delay..self.delay + length).contains(&at) {
                    let time = (at - self.delay) as f64 / f64::from(self.rate);
                    let wave =
                        |hz: f32, off: f64| (TAU * f64::from(hz) * (1.0 + off) * time + 0.7).sin();
                    value += soft * wave(low, self.off[0]) + loud * wave(high, self.off[1]);
                }
                value.round() as i16
            })
            .collect()
    }

    fn heard(&self) -> String {
        heard(&self.samples(), self.rate)
    }
}

/// The keys that begin in the sound, in frames of 20 ms.
fn heard(samples: &[i16], rate: u32) -> String {
    let mut detector = Detector::new(rate);
    let (mut keys, mut down) = (String::new(), None);
    for frame in samples.chunks(rate as usize / 50) {
        detector.push(frame, |edge| match edge {
            Edge::Down(key) => {
                assert_eq!(down.replace(key), None, "two keys at once");
                keys.push(key);
            }
            Edge::Up(key) => assert_eq!(down.take(), Some(key)),
        });
    }
    detector.rest(|edge| assert_eq!(Some(edge), down.take().map(Edge::Up)));
    assert_eq!(down, None);
    keys
}

/// The presses of every key, wherever they begin in a block.
fn everywhere(press: Press) -> impl Iterator<Item = Press> {
    KEYS.chars().flat_map(move |key| {
        (0..51).step_by(10).map(move |shift| Press {
            key,
            delay: 700 + shift,
            ..press
        })
    })
}

#[test]
fn every_key_is_heard_once_at_every_rate() {
    for rate in [8_000, 16_000, 48_000] {
        let mut samples = vec![0; 1_000];
        samples.extend(dtmf::pattern(KEYS, 50, 50).unwrap().render(rate));
        assert_eq!(heard(&samples, rate), KEYS);
    }
}

#[test]
fn forty_milliseconds_are_a_key_and_twenty_three_are_none() {
    for press in everywhere(Press { ms: 40.0, ..PRESS }) {
        assert_eq!(
            press.heard(),
            press.key.to_string(),
            "delay {}",
            press.delay
        );
    }
    for press in everywhere(Press { ms: 23.0, ..PRESS }) {
        assert_eq!(press.heard(), "", "{} delay {}", press.key, press.delay);
    }
}

#[test]
fn a_break_of_ten_milliseconds_is_one_press_and_one_of_forty_is_two() {
    for key in KEYS.chars() {
        for (pause, count) in [(10, 1), (40, 2)] {
            let one = dtmf::pattern(&key.to_string(), 60, pause)
                .unwrap()
                .render(8_000);
            let samples = [one.clone(), one, vec![0; 800]].concat();
            assert_eq!(
                heard(&samples, 8_000),
                key.to_string().repeat(count),
                "{pause} ms"
            );
        }
    }
}

#[test]
fn a_frequency_may_be_off_by_one_and_a_half_percent_but_not_by_three_and_a_half() {
    for (off, taken) in [(0.015, true), (0.035, false)] {
        for offs in [
            [off, off],
            [-off, -off],
            [off, -off],
            [off, 0.0],
            [0.0, -off],
        ] {
            for press in everywhere(Press {
                off: offs,
                ms: 60.0,
                ..PRESS
            }) {
                let expected = if taken {
                    press.key.to_string()
                } else {
                    String::new()
                };
                assert_eq!(press.heard(), expected, "{} off by {offs:?}", press.key);
            }
        }
    }
}

#[test]
fn one_sine_may_be_louder_within_limits() {
    for (twist, taken) in [(4.0, true), (-8.0, true), (8.0, false), (-12.0, false)] {
        for press in everywhere(Press { twist, ..PRESS }) {
            let expected = if taken {
                press.key.to_string()
            } else {
                String::new()
            };
            assert_eq!(press.heard(), expected, "{} with {twist} dB", press.key);
        }
    }
}

#[test]
fn keys_are_heard_from_minus_3_to_minus_33_dbov_and_not_when_next_to_nothing() {
    for (level, taken) in [(-9.1, true), (-28.0, true), (-33.0, true), (-45.0, false)] {
        for press in everywhere(Press { level, ..PRESS }) {
            let expected = if taken {
                press.key.to_string()
            } else {
                String::new()
            };
            assert_eq!(press.heard(), expected, "{} at {level} dBov", press.key);
        }
    }
}

#[test]
fn noise_15_db_below_hides_no_key() {
    let noise = Some(15.0);
    for twist in [-6.0, 0.0, 3.0] {
        for press in everywhere(Press {
            noise,
            twist,
            ms: 60.0,
            ..PRESS
        }) {
            assert_eq!(
                press.heard(),
                press.key.to_string(),
                "delay {}",
                press.delay
            );
        }
    }
}

#[test]
fn keys_survive_both_laws_of_g711() {
    let mut samples = vec![0; 500];
    samples.extend(dtmf::pattern(KEYS, 50, 50).unwrap().render(8_000));
    let mut coded = vec![0; samples.len()];
    let mut decoded = vec![0; samples.len()];
    g711::encode_ulaw(&samples, &mut coded);
    g711::decode_ulaw(&coded, &mut decoded);
    assert_eq!(heard(&decoded, 8_000), KEYS);
    g711::encode_alaw(&samples, &mut coded);
    g711::decode_alaw(&coded, &mut decoded);
    assert_eq!(heard(&decoded, 8_000), KEYS);
}

#[test]
fn single_sines_and_noise_are_no_keys() {
    let sine =
        |hz: f64, at: usize| (8_000.0 * (TAU * hz * at as f64 / 8_000.0).sin()).round() as i16;
    for hz in (300..3_400).step_by(7) {
        let samples: Vec<i16> = (0..4_000).map(|at| sine(f64::from(hz), at)).collect();
        assert_eq!(heard(&samples, 8_000), "", "{hz} Hz");
    }
    let mut random = Noise(1);
    let noise: Vec<i16> = (0..480_000)
        .map(|_| (3_000.0 * random.gauss()) as i16)
        .collect();
    assert_eq!(heard(&noise, 8_000), "");
}

#[test]
fn the_tones_of_a_call_are_no_keys() {
    for (name, pattern) in sems_audio::tone::PATTERNS {
        for _ in 0..3 {
            assert_eq!(heard(&pattern.render(8_000), 8_000), "", "{name}");
        }
    }
}

#[test]
fn what_follows_a_rest_is_heard_as_from_the_beginning() {
    let press = PRESS.samples();
    let mut detector = Detector::new(8_000);
    let mut edges = Vec::new();
    detector.push(&press[..1_100], |edge| edges.push(edge));
    assert!(detector.is_sounding());
    detector.rest(|edge| edges.push(edge));
    assert!(!detector.is_sounding());
    detector.rest(|edge| edges.push(edge));
    detector.push(&press, |edge| edges.push(edge));
    let (down, up) = (Edge::Down('5'), Edge::Up('5'));
    assert_eq!(edges, [down, up, down, up]);
}

proptest! {
    #[test]
    fn a_good_press_is_heard_wherever_it_begins_and_however_it_is_cut(
        key in 0..16usize, ms in 40.0..200.0f64, level in -30.0..-9.2f64, twist in -8.0..4.0f64,
        low in -0.015..0.015f64, high in -0.015..0.015f64, delay in 0..2_000usize,
        piece in 1..400usize,
    ) {
        let key = KEYS.chars().nth(key).unwrap();
        let level = level.min(-9.2 - twist.max(0.0));
        let press = Press { key, ms, level, twist, off: [low, high], delay, ..PRESS };
        let mut detector = Detector::new(8_000);
        let mut keys = String::new();
        for samples in press.samples().chunks(piece) {
            detector.push(samples, |edge| if let Edge::Down(key) = edge { keys.push(key) });
        }
        prop_assert_eq!(keys, key.to_string());
    }

    #[test]
    fn any_samples_make_edges_in_turn(samples in proptest::collection::vec(any::<i16>(), 0..5_000)) {
        heard(&samples, 8_000);
    }
}
