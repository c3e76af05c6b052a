//! What runs for every leg in every tick does not allocate.

mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use sems_audio::codec::{CODECS, Parameters};
use sems_audio::comfort_noise::{ComfortNoise, NoiseMeter};
use sems_audio::tone::{self, Tone};
use sems_audio::{
    Concealer, Converter, FRAME_SAMPLES, Gain, Gate, Level, LevelMeter, Leveler, Limiter, Rate,
    SAMPLE_RATE, SILENCE, SpeechDetector, Sum, Talker, TalkerLimit, stretch,
};
use support::{frames, noise};

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

/// The system's allocator, counting what each thread asks for.
struct Counting;

// SAFETY: every call goes on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller's promises are the system allocator's conditions.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How often `work` allocates on this thread.
fn allocations(work: impl FnOnce()) -> usize {
    let before = ALLOCATIONS.get();
    work();
    ALLOCATIONS.get() - before
}

#[test]
fn the_count_counts() {
    assert_eq!(
        allocations(|| drop(std::hint::black_box(Vec::<u8>::with_capacity(9)))),
        1
    );
}

#[test]
fn a_tick_allocates_nothing() {
    let voice = frames(&noise(-35.0, FRAME_SAMPLES, 1))
        .next()
        .expect("one frame");
    let mut tone = Tone::new(tone::RINGBACK, SAMPLE_RATE);
    let (mut sum, mut heard) = (Sum::new(Rate::Narrow), SILENCE);
    let (mut detector, mut meter) = (SpeechDetector::new(), LevelMeter::new());
    let (mut meter_of_noise, mut noise_maker) = (NoiseMeter::new(), ComfortNoise::new(1));
    let mut concealer = Concealer::new();
    let (mut gate, mut leveler) = (Gate::new(), Leveler::new());
    let (mut limiter, mut limit) = (Limiter::new(), TalkerLimit::new(2));
    let mut streams: Vec<_> = CODECS
        .iter()
        .map(|codec| {
            let encoder = || codec.encoder(Parameters::default());
            (codec, encoder(), encoder(), codec.decoder())
        })
        .collect();
    let wide = noise(-35.0, Rate::LONGEST_FRAME, 2);
    let (mut payload, mut decoded) = ([0; 2_000], [0; Rate::LONGEST_FRAME]);
    let mut converters = Rate::ALL.map(|to| Converter::new(Rate::Wide, to));
    let counted = allocations(|| {
        for tick in 0..400u64 {
            for (codec, encoder, other, decoder) in &mut streams {
                let length = encoder.encode(&wide[..codec.rate.frame()], &mut payload);
                let frame = &mut decoded[..codec.rate.frame()];
                decoder.decode(&payload[..length], frame);
                decoder.conceal((tick % 2 == 0).then_some(&payload[..length]), frame);
                other.continue_from(encoder);
            }
            for converter in &mut converters {
                converter.convert(&wide, &mut decoded);
                converter.restart(converter.from(), converter.to());
            }
            match tick % 5 {
                0 => concealer.lost(&mut heard),
                _ => concealer.received(&mut heard),
            }
            let cut = stretch::shorten(&mut heard, SAMPLE_RATE, 100, 0.0);
            stretch::lengthen(&mut heard, FRAME_SAMPLES - cut, SAMPLE_RATE, 0.0);
            concealer.restart(SAMPLE_RATE);
            meter_of_noise.push(&heard);
            noise_maker.describe(&meter_of_noise.description());
            noise_maker.fill(&mut heard);
            let level = Level::rms(&heard);
            let speaking = detector.push(&heard, level);
            let loudness = meter.push(level);
            gate.push(level, detector.noise());
            leveler.push(level, detector.noise(), speaking);
            let talker = |who| Talker {
                who,
                level,
                loudness,
                speaking,
            };
            limit.choose(&[talker(1), talker(tick % 3 + 2), talker(9)]);
            limiter.limit(&[100 * tick as i32; FRAME_SAMPLES], &mut heard);
            sum.clear();
            sum.add(&heard, Gain::UNITY);
            sum.subtract(&heard, Gain::from_db(-3.0));
            tone.fill(&mut heard);
            sum.all_but(&voice, Gain::UNITY, &mut heard);
            sum.all(&mut heard);
        }
    });
    assert_eq!(counted, 0);
}
