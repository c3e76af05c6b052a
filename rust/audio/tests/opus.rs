//! Opus as RFC 7587 wants it used.
#![cfg(feature = "opus")]

mod support;

use proptest::prelude::*;
use sems_audio::codec::opus::OPUS;
use sems_audio::codec::{Decoder, Encoder, Parameters};
use sems_audio::{Level, Rate, dtmf::goertzel};
use support::{noise, sine, together};

const FRAME: usize = Rate::LONGEST_FRAME;

fn encoder(fmtp: &str) -> Encoder {
    OPUS.encoder(OPUS.read_parameters(fmtp))
}

fn packets(encoder: &mut Encoder, samples: &[i16]) -> Vec<Vec<u8>> {
    let frames = samples.chunks_exact(FRAME);
    let packets = frames.map(|frame| {
        let mut payload = [0; 1_275];
        let length = encoder.encode(frame, &mut payload);
        payload[..length].to_vec()
    });
    packets.collect()
}

fn heard(decoder: &mut Decoder, packets: &[Vec<u8>]) -> Vec<i16> {
    let mut samples = Vec::new();
    for packet in packets {
        let mut frame = [0; FRAME];
        assert_eq!(decoder.decode(packet, &mut frame), FRAME);
        samples.extend(frame);
    }
    samples
}

/// A vowel of two formants on a pitch of 120 Hz, that comes and goes four times a second.
fn speech(frames: usize) -> Vec<i16> {
    let length = frames * FRAME;
    let mut sum = vec![0i16; length];
    for overtone in 1..=30 {
        let hz = 120.0 * f64::from(overtone);
        let near = |formant: f64| (-(hz - formant).powi(2) / 80_000.0).exp();
        let dbov = -40.0 + 18.0 * (near(600.0) + near(1_300.0));
        sum = together(&sum, &sine(48_000, hz, dbov, length));
    }
    let swell = |n: usize| (std::f64::consts::PI * n as f64 / 12_000.0).sin().powi(2);
    let voice = sum.iter().enumerate();
    voice
        .map(|(n, sample)| (f64::from(*sample) * swell(n)) as i16)
        .collect()
}

#[test]
fn what_is_above_the_telephones_band_comes_through() {
    for hz in [1_000.0, 6_000.0, 11_000.0] {
        let tone = sine(48_000, hz, -15.0, 50 * FRAME);
        let packets = packets(&mut encoder(""), &tone);
        let heard = heard(&mut OPUS.decoder(), &packets);
        let level = goertzel(&heard[25 * FRAME..], 48_000, hz as f32);
        assert!((level + 15.0).abs() < 2.0, "{hz} Hz at {level:.1} dBov");
    }
}

#[test]
fn each_packet_says_how_long_it_is() {
    for packet in packets(&mut encoder(""), &noise(-20.0, 10 * FRAME, 1)) {
        assert_eq!(OPUS.samples(&packet), FRAME);
    }
    assert_eq!(OPUS.samples(&[]), 0);
    // Three frames of 20 ms in a packet of code 3, the third of which is said to be too long.
    assert_eq!(OPUS.samples(&[0xfb, 0x03]), 3 * FRAME);
    assert_eq!(OPUS.samples(&[0xff]), 0);
}

#[test]
fn who_plays_out_8_khz_gets_no_more_and_who_limits_the_bitrate_gets_less() {
    let sound = noise(-20.0, 50 * FRAME, 3);
    let bytes = |fmtp| {
        let packets = packets(&mut encoder(fmtp), &sound);
        packets[10..].iter().map(Vec::len).sum::<usize>()
    };
    assert!(bytes("maxaveragebitrate=12000") * 2 < bytes(""));
    let narrow = packets(&mut encoder("maxplaybackrate=8000"), &sound);
    let heard = heard(&mut OPUS.decoder(), &narrow);
    let above = goertzel(&heard[10 * FRAME..], 48_000, 6_000.0);
    let below = goertzel(&heard[10 * FRAME..], 48_000, 2_000.0);
    assert!(above + 20.0 < below, "{above:.1} {below:.1}");
}

#[test]
fn constant_bitrate_is_constant() {
    let sound = together(&speech(50), &noise(-60.0, 50 * FRAME, 3));
    let packets = packets(&mut encoder("cbr=1; maxaveragebitrate=24000"), &sound);
    assert!(packets.iter().all(|packet| packet.len() == 60));
}

#[test]
fn silence_is_not_sent_to_who_can_do_without() {
    let mut sound = noise(-20.0, 10 * FRAME, 3);
    sound.resize(110 * FRAME, 0);
    let sent = |fmtp| {
        let packets = packets(&mut encoder(fmtp), &sound);
        packets.iter().filter(|packet| !packet.is_empty()).count()
    };
    assert_eq!(sent("usedtx=0"), 110);
    assert!(sent("usedtx=1") < 45, "{}", sent("usedtx=1"));
}

#[test]
fn the_next_packet_tells_what_was_in_the_lost_one() {
    let voice = speech(100);
    let likeness = |fmtp| {
        let packets = packets(&mut encoder(fmtp), &voice);
        let meant = heard(&mut OPUS.decoder(), &packets);
        let mut decoder = OPUS.decoder();
        let (mut product, mut energies) = (0.0, [0.0, 0.0]);
        for (index, packet) in packets.iter().enumerate() {
            let mut frame = [0; FRAME];
            if index % 5 != 4 {
                decoder.decode(packet, &mut frame);
                continue;
            }
            let next = packets.get(index + 1).map(Vec::as_slice);
            assert!(decoder.conceal(next, &mut frame));
            for (heard, meant) in frame.iter().zip(&meant[index * FRAME..]) {
                let (heard, meant) = (f64::from(*heard), f64::from(*meant));
                product += heard * meant;
                energies[0] += heard * heard;
                energies[1] += meant * meant;
            }
        }
        product / (energies[0] * energies[1]).sqrt()
    };
    let (with, without) = (likeness("useinbandfec=1"), likeness(""));
    assert!(
        with > 0.85 && with > without,
        "{with:.2} against {without:.2}"
    );
}

#[test]
fn without_a_next_packet_the_sound_goes_on_and_fades() {
    let tone = sine(48_000, 400.0, -15.0, 20 * FRAME);
    let mut decoder = OPUS.decoder();
    heard(&mut decoder, &packets(&mut encoder(""), &tone));
    let mut levels = Vec::new();
    for _ in 0..30 {
        let mut frame = [0; FRAME];
        assert!(decoder.conceal(None, &mut frame));
        levels.push(Level::rms(&frame).dbov());
    }
    assert!(levels[0] > -20, "{levels:?}");
    assert!(levels[29] < levels[0] - 20, "{levels:?}");
}

#[test]
fn an_encoder_that_takes_over_goes_on_with_the_same_packets() {
    let voice = speech(40);
    let whole = packets(&mut encoder(""), &voice);
    let (mut one, mut two) = (encoder(""), encoder(""));
    let mut taken_over = packets(&mut one, &voice[..20 * FRAME]);
    packets(&mut two, &noise(-20.0, 5 * FRAME, 9));
    two.continue_from(&one);
    taken_over.extend(packets(&mut two, &voice[20 * FRAME..]));
    assert_eq!(taken_over, whole);
}

#[test]
fn frames_of_20_ms_become_packets_of_60() {
    let append = OPUS.append.unwrap();
    for (fmtp, loud) in [("", -20.0), ("maxaveragebitrate=510000;cbr=1", -20.0)] {
        let sound = together(&speech(30), &noise(loud, 30 * FRAME, 5));
        let singles = packets(&mut encoder(fmtp), &sound);
        let expected = heard(&mut OPUS.decoder(), &singles);
        let mut decoder = OPUS.decoder();
        let (mut place, mut length, mut samples) = (vec![0; 4_000], 0, Vec::new());
        let mut joined = 0;
        let mut play = |place: &[u8]| {
            let mut sound = vec![0; OPUS.samples(place)];
            assert_eq!(decoder.decode(place, &mut sound), sound.len());
            joined += usize::from(sound.len() > FRAME);
            samples.extend(sound);
        };
        for single in &singles {
            length = match append(&mut place, length, single) {
                Some(length) => length,
                None => {
                    play(&place[..length]);
                    append(&mut place, 0, single).unwrap()
                }
            };
        }
        play(&place[..length]);
        assert_eq!(samples, expected);
        assert!(joined >= 8, "{joined}");
    }
    let mut short = [0; 10];
    let frame = &packets(&mut encoder(""), &noise(-20.0, FRAME, 1))[0];
    assert_eq!(append(&mut short, 0, frame), None);
    assert_eq!(append(&mut [0; 2_000], 0, &[]), None);
}

#[test]
fn parameters_are_read_whatever_surrounds_them() {
    let wanted = OPUS.read_parameters(
        "maxplaybackrate=16000; sprop-maxcapturerate=16000; MaxAverageBitrate=20000;\
         stereo=0;useinbandfec=1 ; usedtx=1;cbr=0;x;=",
    );
    let expected = Parameters {
        max_playback_rate: Some(16_000),
        max_average_bitrate: Some(20_000),
        constant_bitrate: false,
        inband_fec: true,
        dtx: true,
    };
    assert_eq!(wanted, expected);
    for senseless in [
        "",
        "maxaveragebitrate=1",
        "maxaveragebitrate=99999999",
        "cbr",
        "usedtx=2",
    ] {
        assert_eq!(OPUS.read_parameters(senseless), Parameters::default());
    }
}

proptest! {
    #[test]
    fn any_bytes_are_survived(
        packets in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 1..20),
        room in 0usize..6_000,
    ) {
        let mut decoder = OPUS.decoder();
        let mut samples = vec![0; room];
        for (index, packet) in packets.iter().enumerate() {
            OPUS.samples(packet);
            prop_assert!(decoder.decode(packet, &mut samples) <= room);
            if index % 3 == 0 {
                decoder.conceal(packets.get(index + 1).map(Vec::as_slice), &mut samples);
            }
        }
    }
}
