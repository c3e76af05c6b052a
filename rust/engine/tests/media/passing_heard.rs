//! What is heard where packets that went on as they came are decoded for a while, and how late.

use std::time::Duration;

use sems_audio::codec::{Codec, g711, g722, opus};
use sems_engine::{
    command::{Direction, MediaCommand, Tapped},
    ids::TapId,
    media::tap::{TapReader, tap},
    transport::memory::{LinkQuality, MemoryNetwork},
};

use crate::{
    passing::{assert_continuous, plain_room, two_on},
    stage::{MS, Received, Stage},
    wideband::run,
};

/// The biggest step from one sample to the next in what a phone heard from the packet `from` on.
fn steepest(heard: &[i16]) -> i32 {
    let steps = heard
        .windows(2)
        .map(|pair| i32::from(pair[1]) - i32::from(pair[0]));
    steps.map(i32::abs).max().unwrap_or(0)
}

/// How loud the softest 20 ms are, in samples.
pub fn softest(heard: &[i16], frame: usize) -> i16 {
    let peaks = heard
        .chunks(frame)
        .map(|chunk| chunk.iter().map(|sample| sample.saturating_abs()).max());
    peaks.flatten().min().unwrap_or(0)
}

/// Listens to what a call says, until the reader is dropped.
fn listen(stage: &mut Stage, phone: usize) -> TapReader {
    let (writer, reader) = tap(5, 8000);
    let of = Tapped::Call(stage.phones[phone].call, Direction::In);
    let tap = TapId(7);
    stage.must(MediaCommand::Tap { of, tap, writer });
    reader
}

/// Two of whom what is said is heard for two seconds, between times in which it is passed on.
/// `jitter`: of the line, for half a second of that.
fn heard_between(seed: u64, jitter: Duration, codec: &'static Codec, most: f64) {
    let mut stage = Stage::on(MemoryNetwork::new(seed, LinkQuality::default()), 1);
    let (_, mut speakers) = two_on(&mut stage, codec);
    let one = speakers[0].phone;
    run(&mut stage, &mut speakers, 1);
    stage.forget();
    run(&mut stage, &mut speakers, 50);
    let passed = stage.stat("rtp_passed");
    let reader = listen(&mut stage, one);
    stage.network.set_quality(LinkQuality {
        jitter,
        ..LinkQuality::default()
    });
    run(&mut stage, &mut speakers, 25);
    stage.network.set_quality(LinkQuality::default());
    run(&mut stage, &mut speakers, 75);
    assert!(stage.stat("rtp_passed") - passed < 5, "it is decoded");
    drop(reader);
    run(&mut stage, &mut speakers, 150);
    assert!(
        stage.stat("rtp_passed") - passed > 200,
        "it goes on as it comes"
    );
    for _ in 0..3 {
        stage.sleep(20 * MS);
    }
    for (speaker, hz) in speakers.iter().zip([1_010.0, 430.0]) {
        let received = &mut stage.phones[speaker.phone].received;
        // The line may have made one overtake the other, at the ends too.
        let first = received[0].header.sequence;
        received.sort_by_key(|packet| packet.header.sequence.since(first));
        received.drain(..3);
        assert_continuous(received, codec.units());
        assert!((290..=306).contains(&received.len()), "{}", received.len());
        let heard = speaker.heard(&stage);
        // A sine of this level has no steeper place, and is never softer.
        let (rate, frame) = (f64::from(codec.rate.hz()), codec.rate.frame());
        let amplitude = 32_768.0 * 0.1 * 2f64.sqrt();
        let slope = amplitude * std::f64::consts::TAU * hz / rate;
        let heard = &heard[5 * frame..];
        let step = f64::from(steepest(heard));
        assert!(
            step < most * slope,
            "{}: {step}, should be {slope}",
            codec.name
        );
        let softest = f64::from(softest(heard, frame));
        assert!(softest > 0.7 * amplitude, "{}: {softest}", codec.name);
    }
}

#[test]
fn sound_that_is_needed_for_a_while_is_heard_without_a_click_or_a_gap() {
    heard_between(0, Duration::ZERO, &g711::PCMU, 1.1);
    heard_between(0, Duration::ZERO, &g722::G722, 1.4);
    // Opus foretells each frame from those that it has decoded, and another encoder has coded them: a
    // tone, of which that is most true, swells for a moment.
    heard_between(0, Duration::ZERO, &opus::OPUS, 2.5);
}

#[test]
fn what_was_stretched_meanwhile_is_led_over_to_what_comes() {
    for seed in 0..10 {
        heard_between(seed, 50 * MS, &g711::PCMU, 1.3);
    }
}

/// How long sound is under way on a line with up to 30 ms of jitter, on the average of ten words;
/// with a tap or without.
fn delay(decoded: bool) -> Duration {
    let quality = LinkQuality {
        jitter: 30 * MS,
        ..LinkQuality::default()
    };
    let mut stage = Stage::on(MemoryNetwork::new(0, quality), 1);
    let room = plain_room(&mut stage);
    let phones: Vec<usize> = (0..2)
        .map(|_| {
            let phone = stage.call(0);
            stage.join(phone, room);
            phone
        })
        .collect();
    let _reader = decoded.then(|| listen(&mut stage, phones[0]));
    stage.run(1_500);
    let is_loud = |packet: &&Received| {
        let mut samples = [0; 160];
        g711::decode_ulaw(&packet.payload, &mut samples);
        samples.iter().any(|sample| sample.abs() > 2_000)
    };
    let mut whole = Duration::ZERO;
    for _ in 0..10 {
        stage.forget();
        let begin = stage.now;
        stage.phones[phones[0]].speak(Some(1_000.0));
        stage.run(500);
        let received = &stage.phones[phones[1]].received;
        whole += received.iter().find(is_loud).unwrap().at - begin;
        stage.phones[phones[0]].speak(None);
        stage.run(333);
    }
    whole / 10
}

#[test]
fn the_delay_is_shorter_than_with_decoding() {
    let (passed, decoded) = (delay(false), delay(true));
    assert!(passed + 15 * MS < decoded, "{passed:?} {decoded:?}");
}
