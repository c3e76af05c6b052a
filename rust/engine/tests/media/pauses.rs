//! Pauses: those that the peer does not send, and those that we don't.

use sems_audio::{FRAME_SAMPLES, Level, codec::g711, comfort_noise::NoiseDescription};

use crate::stage::{Received, Stage};

/// Level of the last `ms` that a phone has heard.
fn level(stage: &Stage, phone: usize, ms: usize) -> i8 {
    let heard = stage.phones[phone].heard();
    Level::rms(&heard[heard.len() - 8 * ms..]).dbov()
}

/// Sends a description of white noise at `-level` dBov, and nothing after it.
fn pause(stage: &mut Stage, phone: usize, level: u8) {
    let phone = &mut stage.phones[phone];
    phone.sends = false;
    phone.send(13, false, &[level]);
}

/// The peer speaks again: time went on meanwhile.
fn resume(stage: &mut Stage, phone: usize, ms: u32) {
    let phone = &mut stage.phones[phone];
    phone.timestamp = phone.timestamp.wrapping_add(8 * ms);
    phone.sends = true;
}

#[test]
fn a_described_pause_is_filled_with_its_noise_until_the_next_packet() {
    let mut stage = Stage::new(1);
    let (_, phones) = stage.conference(&[440.0, 700.0]);
    stage.phones[phones[1]].speak(None);
    stage.run(1000);
    assert!((-21..=-19).contains(&level(&stage, phones[1], 200)));
    pause(&mut stage, phones[0], 45);
    stage.run(3000);
    let noise = level(&stage, phones[1], 2000);
    assert!((-47..=-43).contains(&noise), "{noise}");
    // It changes when it is described anew, and ends with the first word.
    pause(&mut stage, phones[0], 35);
    stage.run(1000);
    let noise = level(&stage, phones[1], 500);
    assert!((-37..=-33).contains(&noise), "{noise}");
    resume(&mut stage, phones[0], 4000);
    stage.run(500);
    assert!(stage.phones[phones[1]].hears(440.0));
    assert!(!stage.phones[phones[1]].hears(1500.0));
    assert_eq!(stage.stat("rtp_malformed"), 0);
}

#[test]
fn a_pause_that_nobody_describes_is_silent_and_hides_no_loss() {
    let mut stage = Stage::new(1);
    let (_, phones) = stage.conference(&[440.0, 700.0]);
    stage.phones[phones[1]].speak(None);
    stage.run(600);
    stage.phones[phones[0]].speak(None);
    stage.run(400);
    stage.phones[phones[0]].sends = false;
    stage.forget();
    stage.run(700);
    // Whoever falls silent before it pauses has nothing that could go on.
    assert!(
        stage.phones[phones[1]]
            .heard()
            .iter()
            .all(|sample| sample.unsigned_abs() <= 8)
    );
    resume(&mut stage, phones[0], 700);
    stage.phones[phones[0]].speak(Some(440.0));
    stage.run(1000);
    assert!(stage.phones[phones[1]].hears(440.0));
}

#[test]
fn noise_is_not_heard_on_after_the_peer_was_put_on_hold() {
    let mut stage = Stage::new(1);
    let (_, phones) = stage.conference(&[440.0, 700.0]);
    stage.phones[phones[1]].speak(None);
    stage.run(500);
    pause(&mut stage, phones[0], 40);
    stage.run(1000);
    stage.update(phones[0], |negotiated| negotiated.receive = false);
    stage.run(1000);
    assert!(level(&stage, phones[1], 200) < -70);
}

/// A phone that takes comfort noise, in a room with one that speaks; what it was sent since the
/// other fell silent for three seconds and spoke again for one.
fn spared(ptime_ms: u8) -> Vec<Received> {
    let mut stage = Stage::new(1);
    let (room, phones) = stage.conference(&[440.0]);
    let phone = stage.call_with(0, |negotiated| {
        negotiated.comfort_noise = true;
        negotiated.ptime_ms = ptime_ms;
    });
    stage.join(phone, room);
    stage.run(2000);
    stage.phones[phones[0]].speak(None);
    stage.forget();
    stage.run(3000);
    stage.phones[phones[0]].speak(Some(440.0));
    stage.run(1000);
    assert!(stage.phones[phone].hears(440.0));
    std::mem::take(&mut stage.phones[phone].received)
}

#[test]
fn who_takes_comfort_noise_is_sent_one_description_of_a_pause_and_no_packets() {
    for ptime_ms in [10, 20, 30, 60] {
        let received = spared(ptime_ms);
        let noise: Vec<usize> = (0..received.len())
            .filter(|index| received[*index].header.payload_type.number() == 13)
            .collect();
        let [pause] = noise[..] else {
            panic!("{} descriptions, {ptime_ms} ms", noise.len());
        };
        let (last, described, word) =
            (&received[pause - 1], &received[pause], &received[pause + 1]);
        let description = NoiseDescription::parse(&described.payload).unwrap();
        assert_eq!(description.level(), Level::SILENCE);
        // The hangover of speech is sent, then nothing for the rest of the three seconds.
        let units = |later: &Received, earlier: &Received| {
            later.header.timestamp.since(earlier.header.timestamp)
        };
        let hangover = units(last, &received[0]);
        assert!((2_000..5_500).contains(&hangover), "{hangover}");
        assert!(units(described, last) <= 480);
        assert!(
            (18_000..22_000).contains(&units(word, described)),
            "{ptime_ms} ms"
        );
        let silent = (word.at - described.at).as_millis() as i32;
        let told = units(word, described) / 8;
        assert!((silent - told).abs() <= 40, "{silent} ms told as {told}");
        // The marker begins the word, and numbers leave no gap (RFC 3551 §4.1).
        let markers: Vec<usize> = (0..received.len())
            .filter(|index| received[*index].header.marker)
            .collect();
        assert_eq!(markers, [pause + 1], "{ptime_ms} ms");
        for pair in received.windows(2) {
            assert_eq!(pair[1].header.sequence, pair[0].header.sequence.plus(1));
        }
        // Its first packet has its beginning.
        let mut samples = [0; FRAME_SAMPLES];
        g711::decode_ulaw(&word.payload[..80], &mut samples[..80]);
        assert!(
            samples[..8]
                .iter()
                .all(|sample| sample.unsigned_abs() < 1000)
        );
    }
}

#[test]
fn noise_in_a_pause_is_described_anew_when_it_has_changed() {
    let mut stage = Stage::new(1);
    let (room, phones) = stage.conference(&[440.0]);
    let phone = stage.call_with(0, |negotiated| negotiated.comfort_noise = true);
    stage.join(phone, room);
    stage.run(1000);
    pause(&mut stage, phones[0], 58);
    stage.run(3000);
    pause(&mut stage, phones[0], 53);
    stage.run(3000);
    let received = stage.phones[phone].received.iter();
    let levels: Vec<i8> = received
        .filter(|packet| packet.header.payload_type.number() == 13)
        .map(|packet| {
            NoiseDescription::parse(&packet.payload)
                .unwrap()
                .level()
                .dbov()
        })
        .collect();
    assert!((2..=3).contains(&levels.len()), "{levels:?}");
    assert!((-60..=-56).contains(&levels[0]), "{levels:?}");
    assert!(
        (-55..=-51).contains(&levels[levels.len() - 1]),
        "{levels:?}"
    );
}

#[test]
fn who_does_not_take_comfort_noise_gets_every_packet() {
    let mut stage = Stage::new(1);
    let phone = stage.call(0);
    stage.run(4000);
    let received = &stage.phones[phone].received;
    assert!((198..=201).contains(&received.len()), "{}", received.len());
    assert!(
        received
            .iter()
            .all(|packet| packet.header.payload_type.number() == 0)
    );
}
