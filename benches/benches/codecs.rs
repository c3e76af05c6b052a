//! What 20 ms of each codec cost in each direction, and of each change of the sampling rate.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use sems_audio::{
    Converter, Rate,
    codec::{CODECS, Parameters},
    wav,
};

/// Ten seconds of somebody who speaks.
fn speech(rate: Rate) -> Vec<i16> {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../apps/prompts/default-announcement.wav"
    );
    let file = std::fs::File::open(path).expect("the prompt is shipped");
    wav::read(file, rate.hz()).expect("the prompt is a WAV file")
}

fn codecs(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("codec");
    for codec in CODECS {
        let samples = speech(codec.rate);
        let mut frames = samples.chunks_exact(codec.rate.frame()).cycle();
        let name = format!("{}-{}", codec.name, codec.rate.hz());
        let mut encoder = codec.encoder(Parameters::default());
        let mut payload = vec![0; codec.longest_frame];
        group.bench_function(format!("encode/{name}"), |bencher| {
            bencher.iter(|| {
                frames
                    .next()
                    .map(|frame| encoder.encode(frame, &mut payload))
            });
        });
        let mut encoder = codec.encoder(Parameters::default());
        let payloads: Vec<Vec<u8>> = samples
            .chunks_exact(codec.rate.frame())
            .map(|frame| {
                let length = encoder.encode(frame, &mut payload);
                payload[..length].to_vec()
            })
            .collect();
        let mut payloads = payloads.iter().cycle();
        let mut heard = vec![0; codec.rate.frame()];
        let mut decoder = codec.decoder();
        group.bench_function(format!("decode/{name}"), |bencher| {
            bencher.iter(|| {
                payloads
                    .next()
                    .map(|payload| decoder.decode(payload, &mut heard))
            });
        });
    }
    group.finish();
}

fn rates(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("convert");
    for (from, to) in Rate::ALL
        .into_iter()
        .flat_map(|from| Rate::ALL.map(|to| (from, to)))
    {
        if from == to {
            continue;
        }
        let samples = speech(from);
        let frame = &samples[4 * from.frame()..5 * from.frame()];
        let mut converted = vec![0; to.frame()];
        let mut converter = Converter::new(from, to);
        group.bench_function(format!("{}-{}", from.hz(), to.hz()), |bencher| {
            bencher.iter(|| converter.convert(black_box(frame), black_box(&mut converted)));
        });
    }
    group.finish();
}

criterion_group!(benches, codecs, rates);
criterion_main!(benches);
