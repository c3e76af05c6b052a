//! What a frame of G.711 costs in each direction.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sems_audio::{FRAME_SAMPLES, Frame, SAMPLE_RATE, codec::CODECS, tone};

/// A frame in which every segment of the law occurs.
fn frame() -> Frame {
    let chime = tone::JOIN.render(SAMPLE_RATE);
    std::array::from_fn(|n| chime[n])
}

fn g711(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("g711");
    group.throughput(Throughput::Elements(FRAME_SAMPLES as u64));
    for codec in CODECS {
        let samples = frame();
        let mut payload = [0; FRAME_SAMPLES];
        let mut encoder = codec.encoder();
        group.bench_function(format!("encode/{}", codec.name), |bencher| {
            bencher.iter(|| encoder.encode(black_box(&samples), black_box(&mut payload)));
        });
        let mut heard = frame();
        let mut decoder = codec.decoder();
        group.bench_function(format!("decode/{}", codec.name), |bencher| {
            bencher.iter(|| decoder.decode(black_box(&payload), black_box(&mut heard)));
        });
    }
    group.finish();
}

criterion_group!(benches, g711);
criterion_main!(benches);
