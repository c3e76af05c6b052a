//! What the arithmetic of one tick costs: per frame for each of its steps, and for whole rooms.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use sems_audio::codec::g711;
use sems_audio::{
    Concealer, FRAME_SAMPLES, Frame, Gain, Gate, Level, Leveler, Limiter, Rate, SAMPLE_RATE,
    SILENCE, SpeechDetector, Sum,
    dtmf::goertzel,
    tone::{Part, Pattern},
};

/// One frame of the `number`th voice.
fn voice(number: usize) -> Frame {
    let hz = 200.0 + 37.0 * (number % 80) as f32;
    let samples = Pattern::from_parts(vec![Part::sine(hz, -20, 60)]).render(SAMPLE_RATE);
    std::array::from_fn(|n| samples[FRAME_SAMPLES + n])
}

fn steps(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("frame");
    group.throughput(Throughput::Elements(FRAME_SAMPLES as u64));
    let frame = voice(1);
    let mut heard = SILENCE;
    let mut sum = Sum::new(Rate::Narrow);
    let softer = Gain::from_db(-6.0);

    for (name, gain) in [("unity", Gain::UNITY), ("gain", softer)] {
        group.bench_function(format!("add/{name}"), |bencher| {
            bencher.iter(|| {
                sum.clear();
                sum.add(black_box(&frame), gain);
            });
        });
        group.bench_function(format!("all_but/{name}"), |bencher| {
            bencher.iter(|| sum.all_but(black_box(&frame), gain, black_box(&mut heard)));
        });
    }
    group.bench_function("level", |bencher| {
        bencher.iter(|| Level::rms(black_box(&frame)))
    });
    let level = Level::rms(&frame);
    let mut detector = SpeechDetector::new();
    group.bench_function("speech/clear", |bencher| {
        bencher.iter(|| detector.push(black_box(&frame), level));
    });
    group.bench_function("speech/doubtful", |bencher| {
        bencher.iter(|| detector.push(black_box(&frame), Level::from_dbov(-38)));
    });
    let (mut gate, mut leveler) = (Gate::new(), Leveler::new());
    group.bench_function("gate", |bencher| {
        bencher.iter(|| gate.push(black_box(level), detector.noise()));
    });
    let mut levels = [-20, -26, -34].map(Level::from_dbov).into_iter().cycle();
    group.bench_function("level-control", |bencher| {
        bencher.iter(|| leveler.push(levels.next().unwrap_or_default(), detector.noise(), true));
    });
    for (name, amplitude) in [("fits", 20_000.0), ("loud", 60_000.0)] {
        let loud: [i32; FRAME_SAMPLES] =
            std::array::from_fn(|n| (amplitude * (n as f32 / 5.0).sin()) as i32);
        let mut limiter = Limiter::new();
        group.bench_function(format!("limit/{name}"), |bencher| {
            bencher.iter(|| limiter.limit(black_box(&loud), black_box(&mut heard)));
        });
    }
    let mut concealer = Concealer::new();
    group.bench_function("conceal/received", |bencher| {
        bencher.iter(|| concealer.received(black_box(&mut heard)));
    });
    group.bench_function("conceal/first-lost", |bencher| {
        bencher.iter(|| {
            let mut concealer = concealer.clone();
            concealer.lost(black_box(&mut heard));
        });
    });
    group.bench_function("goertzel", |bencher| {
        bencher.iter(|| goertzel(black_box(&frame), SAMPLE_RATE, 1_000.0));
    });
    group.finish();
}

/// Decode and judge every member, add who speaks, subtract and encode for each speaker, encode
/// once for all the others.
fn rooms(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("mix");
    for (members, speakers) in [(3, 3), (10, 3), (10, 10), (100, 5), (400, 5), (1_000, 5)] {
        let received: Vec<[u8; FRAME_SAMPLES]> = (0..members)
            .map(|member| {
                let mut payload = [g711::ULAW_SILENCE; FRAME_SAMPLES];
                if member < speakers {
                    g711::encode_ulaw(&voice(member), &mut payload);
                }
                payload
            })
            .collect();
        let mut frames = vec![SILENCE; members];
        let mut detectors = vec![SpeechDetector::new(); members];
        let mut sum = Sum::new(Rate::Narrow);
        group.throughput(Throughput::Elements(members as u64));
        let name = BenchmarkId::from_parameter(format!("{members}-members-{speakers}-speak"));
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                sum.clear();
                let mut heard = SILENCE;
                let mut payload = [0; FRAME_SAMPLES];
                for ((payload, frame), detector) in
                    received.iter().zip(&mut frames).zip(&mut detectors)
                {
                    g711::decode_ulaw(payload, frame);
                    if detector.push(frame, Level::rms(frame)) {
                        sum.add(frame, Gain::UNITY);
                    }
                }
                for (frame, detector) in frames.iter().zip(&detectors) {
                    if detector.is_speaking() {
                        sum.all_but(frame, Gain::UNITY, &mut heard);
                        g711::encode_ulaw(&heard, &mut payload);
                        black_box(&payload);
                    }
                }
                sum.all(&mut heard);
                g711::encode_ulaw(&heard, &mut payload);
                black_box(&payload);
            });
        });
    }
    group.finish();
}

criterion_group!(benches, steps, rooms);
criterion_main!(benches);
