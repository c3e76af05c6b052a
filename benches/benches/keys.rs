//! What listening for keys in the sound costs: 20 ms of it, for a call whose peer sends no
//! telephone-events. Everybody else has no detector, and who is silent is not listened to.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use sems_audio::{
    Rate,
    dtmf::Detector,
    tone::{Part, Pattern},
};

/// Two seconds of vowels whose pitch goes up and down: what comes to a detector most of the time.
fn speech(rate: u32) -> Vec<i16> {
    let mut phase = 0.0f32;
    let sample = |n: u32| {
        let time = n as f32 / rate as f32;
        let pitch = 120.0 + 30.0 * (3.0 * time).sin();
        phase += pitch / rate as f32 * std::f32::consts::TAU;
        let harmonics = (1..=20).map(|number| {
            let hz = pitch * number as f32;
            let formant = |middle: f32| 1.0 / (1.0 + ((hz - middle) / 120.0).powi(2));
            (formant(600.0) + formant(1_200.0) + 0.1) * (phase * number as f32).sin()
        });
        (2_500.0 * harmonics.sum::<f32>()) as i16
    };
    (0..2 * rate).map(sample).collect()
}

fn noise(rate: u32) -> Vec<i16> {
    let mut state = 1u32;
    let sample = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16) as i16 / 16
    };
    (0..2 * rate).map(sample).collect()
}

fn key(rate: u32) -> Vec<i16> {
    Pattern::from_parts(vec![Part::dual(770.0, 1_336.0, -10, 100), Part::pause(100)]).render(rate)
}

fn detector(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("keys in the sound");
    for rate in [Rate::Narrow, Rate::Full] {
        let hz = rate.hz();
        for (name, sound) in [
            ("speech", speech(hz)),
            ("noise", noise(hz)),
            ("a key and a pause", key(hz)),
        ] {
            let mut detector = Detector::new(hz);
            let mut frames = sound.chunks_exact(rate.frame()).cycle();
            group.bench_function(BenchmarkId::new(name, hz), |bencher| {
                bencher.iter(|| {
                    if let Some(frame) = frames.next() {
                        detector.push(black_box(frame), |edge| {
                            black_box(edge);
                        });
                    }
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, detector);
criterion_main!(benches);
