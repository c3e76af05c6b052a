//! Rooms in which codecs and sampling rates are mixed.

use sems_audio::{
    DelayLine, Rate,
    codec::{Codec, Encoder, Parameters, g711, g722, l16, opus},
    dtmf::goertzel,
};
use sems_engine::{command::MediaCommand, ids::RoomId};
use sems_rtp::PayloadType;

use crate::stage::{LOUD, Stage, TICK};

const PAYLOAD_TYPE: u8 = 110;

/// A phone that speaks a codec of any rate.
pub struct Speaker {
    pub phone: usize,
    pub codec: &'static Codec,
    pub encoder: Encoder,
    said: Box<dyn FnMut(usize) -> i16>,
    /// Samples that it has said.
    count: usize,
}

impl Speaker {
    pub fn new(stage: &mut Stage, codec: &'static Codec, room: Option<RoomId>) -> Self {
        let payload_type = PayloadType::new(PAYLOAD_TYPE).unwrap();
        let phone = stage.call_with(0, |negotiated| {
            negotiated.codec = codec;
            negotiated.payload_type = payload_type;
            negotiated.receive_formats = [(payload_type, codec)].into_iter().collect();
            negotiated.event_clock_rate = codec.clock_rate;
        });
        stage.phones[phone].sends = false;
        if let Some(room) = room {
            stage.join(phone, room);
        }
        Self {
            phone,
            codec,
            encoder: codec.encoder(Parameters::default()),
            said: Box::new(|_| 0),
            count: 0,
        }
    }

    /// Speaks a sine from now on.
    pub fn speak(&mut self, hz: f64) {
        let step = std::f64::consts::TAU * hz / f64::from(self.codec.rate.hz());
        let amplitude = 32_768.0 * 10f64.powf(f64::from(LOUD) / 20.0) * 2f64.sqrt();
        self.said = Box::new(move |n| (amplitude * (step * n as f64).sin()).round() as i16);
    }

    /// Says nothing from now on.
    pub fn hush(&mut self) {
        self.said = Box::new(|_| 0);
    }

    pub fn send(&mut self, stage: &mut Stage) {
        let count = self.codec.rate.frame();
        let samples: Vec<i16> = (self.count..self.count + count)
            .map(&mut self.said)
            .collect();
        self.count += count;
        let mut payload = vec![0; self.codec.longest_frame];
        let length = self.encoder.encode(&samples, &mut payload);
        let phone = &mut stage.phones[self.phone];
        // Some codecs have nothing to say in a pause.
        if length > 0 {
            phone.send(PAYLOAD_TYPE, false, &payload[..length]);
        }
        phone.timestamp = phone.timestamp.wrapping_add(self.codec.units());
    }

    /// All that it has heard.
    pub fn heard(&self, stage: &Stage) -> Vec<i16> {
        let mut decoder = self.codec.decoder();
        let mut heard = Vec::new();
        for packet in &stage.phones[self.phone].received {
            let mut samples = vec![0; self.codec.samples(&packet.payload)];
            decoder.decode(&packet.payload, &mut samples);
            heard.extend(samples);
        }
        heard
    }

    /// The level of a frequency in the last 400 ms of that, in dBov.
    pub fn level_of(&self, stage: &Stage, hz: f32) -> f32 {
        let heard = self.heard(stage);
        let rate = self.codec.rate;
        goertzel(&heard[heard.len() - 20 * rate.frame()..], rate.hz(), hz)
    }

    /// Whether it hears a tone as loud as it was said.
    pub fn hears(&self, stage: &Stage, hz: f32) -> bool {
        let level = self.level_of(stage, hz);
        assert!(
            !(-50.0..=-23.0).contains(&level),
            "{hz} Hz is neither there nor not there for {}: {level} dBov",
            self.codec.name
        );
        level > -23.0
    }
}

pub fn run(stage: &mut Stage, speakers: &mut [Speaker], ticks: usize) {
    for _ in 0..ticks {
        for speaker in speakers.iter_mut() {
            speaker.send(stage);
        }
        stage.sleep(TICK);
    }
}

/// Codecs in one room, each of which speaks its own tone.
fn conference(codecs: &[(&'static Codec, f64)]) -> (Stage, RoomId, Vec<Speaker>) {
    let mut stage = Stage::new(1);
    let room = stage.room(0);
    let speakers = codecs.iter().map(|(codec, hz)| {
        let mut speaker = Speaker::new(&mut stage, codec, Some(room));
        speaker.speak(*hz);
        speaker
    });
    let mut speakers: Vec<_> = speakers.collect();
    run(&mut stage, &mut speakers, 100);
    (stage, room, speakers)
}

const ALL: [(&Codec, f64); 6] = [
    (&g711::PCMU, 430.0),
    (&g711::PCMA, 690.0),
    (&g722::G722, 1_010.0),
    (&opus::OPUS, 1_490.0),
    (&l16::L16_16000, 1_930.0),
    (&l16::L16_48000, 2_510.0),
];

#[test]
fn all_codecs_in_one_room_hear_each_other_and_never_themselves() {
    let (stage, _, speakers) = conference(&ALL);
    for listener in &speakers {
        for (codec, hz) in ALL {
            let own = listener.codec == codec;
            assert_eq!(
                listener.hears(&stage, hz as f32),
                !own,
                "{} {hz}",
                codec.name
            );
        }
    }
}

#[test]
fn what_is_above_4_khz_is_heard_by_who_can_and_by_nobody_else_as_anything_else() {
    let (stage, _, speakers) = conference(&[
        (&g711::PCMU, 430.0),
        (&g722::G722, 6_000.0),
        (&g722::G722, 690.0),
        (&opus::OPUS, 1_010.0),
        (&l16::L16_16000, 1_490.0),
    ]);
    for listener in &speakers[2..] {
        let level = listener.level_of(&stage, 6_000.0);
        assert!((-22.0..-18.0).contains(&level), "{level}");
    }
    // What would fold back comes to 2 kHz.
    let level = speakers[0].level_of(&stage, 2_000.0);
    assert!(level < -60.0, "{level}");
}

#[test]
fn each_hears_exactly_the_others_at_the_rate_of_the_room() {
    let (mut stage, _, mut speakers) = conference(&[
        (&l16::L16_16000, 1_000.0),
        (&l16::L16_16000, 700.0),
        (&l16::L16_8000, 430.0),
    ]);
    for speaker in &speakers {
        stage.phones[speaker.phone].received.clear();
    }
    run(&mut stage, &mut speakers, 50);
    let [one, two, narrow] = [0, 1, 2].map(|n| speakers[n].heard(&stage));
    // What the narrow one adds is in what both hear, to the bit: their difference is theirs alone.
    let said = |hz: f64, at: usize| {
        let step = std::f64::consts::TAU * hz / 16_000.0;
        let amplitude = 32_768.0 * 10f64.powf(f64::from(LOUD) / 20.0) * 2f64.sqrt();
        (amplitude * (step * at as f64).sin()).round() as i32
    };
    let shift = (0..2_000).find(|shift| {
        (0..1_000).all(|at| {
            let there = 100 * 320 - 1_000 + shift + at;
            i32::from(one[at]) - i32::from(two[at]) == said(700.0, there) - said(1_000.0, there)
        })
    });
    assert!(shift.is_some());
    assert_eq!(narrow.len() * 2, one.len());
}

#[test]
fn a_room_goes_up_and_down_with_who_comes_and_goes_and_nobody_hears_a_gap() {
    let (mut stage, room, mut speakers) = conference(&[(&g711::PCMU, 430.0), (&g711::PCMA, 690.0)]);
    let mut guests = Vec::new();
    for codec in [&g722::G722, &opus::OPUS] {
        let mut guest = Speaker::new(&mut stage, codec, Some(room));
        guest.speak(1_010.0);
        guests.push(guest);
    }
    for _ in 0..50 {
        run(&mut stage, &mut guests, 1);
        for speaker in &mut speakers {
            speaker.send(&mut stage);
        }
    }
    assert!(speakers[0].hears(&stage, 1_010.0));
    for guest in guests {
        stage.hang_up(guest.phone);
        run(&mut stage, &mut speakers, 50);
    }
    for (listener, hz) in [(0, 690.0), (1, 430.0)] {
        let heard = speakers[listener].heard(&stage);
        // The tone of the other is there in every 20 ms.
        for (tick, frame) in heard[16_000..].chunks(160).enumerate() {
            let level = goertzel(frame, 8_000, hz);
            assert!(level > -27.0, "{level} in tick {tick} for {listener}");
        }
        stage.phones[speakers[listener].phone].assert_unbroken();
    }
}

/// The steepest step in what is heard, in relation to that of a tone of `hz` as loud as it is said.
fn roughness(heard: &[i16], rate: Rate, hz: f64) -> f64 {
    let amplitude = 32_768.0 * 10f64.powf(f64::from(LOUD) / 20.0) * 2f64.sqrt();
    let steepest = amplitude * std::f64::consts::TAU * hz / f64::from(rate.hz());
    let second = |three: &[i16]| {
        let [a, b, c] = [three[0], three[1], three[2]].map(f64::from);
        (a - 2.0 * b + c).abs()
    };
    let curved = steepest * std::f64::consts::TAU * hz / f64::from(rate.hz());
    heard.windows(3).map(second).fold(0.0, f64::max) / curved
}

#[test]
fn who_begins_and_ceases_to_speak_hears_no_click() {
    for codec in [&g722::G722, &l16::L16_8000] {
        let (mut stage, _, mut speakers) =
            conference(&[(codec, 300.0), (codec, 300.0), (&l16::L16_16000, 410.0)]);
        speakers[0].hush();
        speakers[1].hush();
        run(&mut stage, &mut speakers, 400);
        let calm = roughness(
            &speakers[0].heard(&stage)[400 * codec.rate.frame()..],
            codec.rate,
            410.0,
        );
        for _ in 0..3 {
            // Too soft to be heard, but not for the room: it gets a mix of its own.
            speakers[0].said = Box::new(|n| if n / 40 % 2 == 0 { 60 } else { -60 });
            run(&mut stage, &mut speakers, 50);
            speakers[0].hush();
            run(&mut stage, &mut speakers, 350);
        }
        let heard = speakers[0].heard(&stage);
        let rough = roughness(&heard[600 * codec.rate.frame()..], codec.rate, 410.0);
        assert!(
            rough < 1.5 * calm.max(1.0),
            "{}: {rough:.2} after {calm:.2}",
            codec.name
        );
    }
}

#[test]
fn a_change_of_the_codec_within_a_call_is_another_stream_of_another_clock() {
    let mut stage = Stage::new(1);
    let room = stage.room(0);
    let mut other = Speaker::new(&mut stage, &g711::PCMU, Some(room));
    other.speak(690.0);
    let mut speaker = Speaker::new(&mut stage, &g711::PCMU, Some(room));
    speaker.speak(430.0);
    let mut speakers = [speaker, other];
    run(&mut stage, &mut speakers, 100);
    let phone = speakers[0].phone;
    let old = stage.phones[phone].received.last().unwrap().header;
    stage.update(phone, |negotiated| {
        let payload_type = PayloadType::new(PAYLOAD_TYPE).unwrap();
        negotiated.codec = &opus::OPUS;
        negotiated.receive_formats = [(payload_type, &opus::OPUS as &'static Codec)]
            .into_iter()
            .collect();
    });
    stage.forget();
    speakers[0].codec = &opus::OPUS;
    speakers[0].encoder = opus::OPUS.encoder(Parameters::default());
    speakers[0].speak(430.0);
    run(&mut stage, &mut speakers, 100);
    assert!(speakers[0].hears(&stage, 690.0) && !speakers[0].hears(&stage, 430.0));
    assert!(speakers[1].hears(&stage, 430.0));
    let received = &stage.phones[phone].received;
    // One packet of before was still on its way.
    let of_before = received
        .iter()
        .take_while(|packet| packet.header.ssrc == old.ssrc);
    let of_before = of_before.count();
    assert!(of_before <= 1);
    let (last, received) = match received.split_at(of_before) {
        ([last], received) => (last.header, received),
        (_, received) => (old, received),
    };
    let first = received[0].header;
    assert_eq!(first.sequence, last.sequence.plus(1));
    assert!(first.marker);
    for pair in received.windows(2) {
        let step = pair[1].header.timestamp.since(pair[0].header.timestamp);
        assert_eq!(step, 960);
    }
}

#[test]
fn opus_goes_in_packets_of_60_ms_and_linear_48_khz_in_packets_of_10() {
    for (codec, ptime_ms, units) in [
        (&opus::OPUS, 60, 2_880),
        (&opus::OPUS, 40, 1_920),
        (&opus::OPUS, 10, 960),
        (&l16::L16_48000, 20, 480),
        (&l16::L16_16000, 60, 640),
        (&g722::G722, 30, 240),
    ] {
        let mut stage = Stage::new(1);
        let mut speaker = Speaker::new(&mut stage, codec, None);
        let call = stage.phones[speaker.phone].call;
        stage.update(speaker.phone, |negotiated| negotiated.ptime_ms = ptime_ms);
        stage.must(MediaCommand::Echo {
            call,
            on: true,
            line: None,
        });
        speaker.speak(430.0);
        let mut speakers = [speaker];
        run(&mut stage, &mut speakers, 200);
        assert!(speakers[0].hears(&stage, 430.0));
        let received = &stage.phones[speakers[0].phone].received;
        let steps = received.windows(2).map(|pair| {
            assert_eq!(pair[1].header.sequence, pair[0].header.sequence.plus(1));
            pair[1].header.timestamp.since(pair[0].header.timestamp)
        });
        let steps: Vec<i32> = steps.skip(20).collect();
        let longest = steps.iter().filter(|step| **step == units).count();
        assert!(
            longest * 10 > steps.len() * 9,
            "{} in {ptime_ms} ms: {steps:?}",
            codec.name
        );
    }
}

#[test]
fn an_echo_comes_later_at_every_rate_and_in_codecs_with_a_memory() {
    let codecs = [
        (&opus::OPUS, 700.0),
        (&g722::G722, 1100.0),
        (&g711::PCMU, 430.0),
    ];
    let (mut stage, _, mut speakers) = conference(&codecs);
    for speaker in &mut speakers {
        speaker.hush();
    }
    let call = stage.phones[speakers[0].phone].call;
    stage.must(MediaCommand::Echo {
        call,
        on: true,
        line: Some(Box::new(DelayLine::new(1000))),
    });
    // Twice: it comes back to what all hear in between.
    for _ in 0..2 {
        speakers[0].speak(700.0);
        run(&mut stage, &mut speakers, 40);
        assert!(!speakers[0].hears(&stage, 700.0), "too early");
        assert!(
            speakers[1].hears(&stage, 700.0),
            "the room hears it at once"
        );
        speakers[0].hush();
        speakers[2].speak(430.0);
        run(&mut stage, &mut speakers, 40);
        assert!(speakers[0].hears(&stage, 700.0));
        assert!(speakers[0].hears(&stage, 430.0), "beside the others");
        assert!(!speakers[1].hears(&stage, 700.0));
        run(&mut stage, &mut speakers, 60);
        assert!(!speakers[0].hears(&stage, 700.0), "once");
        assert!(speakers[0].hears(&stage, 430.0));
        speakers[2].hush();
        run(&mut stage, &mut speakers, 50);
        assert!(!speakers[0].hears(&stage, 430.0));
    }
}

#[test]
fn a_prompt_for_all_is_heard_at_every_rate() {
    use sems_engine::{command::Listener, media::prompt::Prompt};
    let mut stage = Stage::new(1);
    let room = stage.room(0);
    let codecs = [&g711::PCMU, &g722::G722, &opus::OPUS];
    let mut speakers = codecs.map(|codec| Speaker::new(&mut stage, codec, Some(room)));
    let wide: Vec<i16> = (0..64_000)
        .map(|n| {
            let at = |hz: f64| (std::f64::consts::TAU * hz * f64::from(n) / 16_000.0).sin();
            (4_600.0 * (at(430.0) + at(6_000.0))) as i16
        })
        .collect();
    let prompt = std::sync::Arc::new(Prompt::from_pcm(wide, 16_000).unwrap());
    stage.play_to(Listener::Room(room), vec![prompt.clone()], 1);
    run(&mut stage, &mut speakers, 100);
    for (speaker, hears) in speakers.iter().zip([false, true, true]) {
        assert!(speaker.hears(&stage, 430.0));
        assert_eq!(
            speaker.hears(&stage, 6_000.0),
            hears,
            "{}",
            speaker.codec.name
        );
    }
    // And by one alone, on top of that.
    stage.play(speakers[1].phone, &prompt, 1);
    run(&mut stage, &mut speakers, 30);
    assert!(speakers[1].level_of(&stage, 6_000.0) > -18.0);
}

#[test]
fn keys_of_a_phone_with_opus_are_sent_by_the_clock_that_it_takes() {
    let mut stage = Stage::new(1);
    let mut speaker = Speaker::new(&mut stage, &opus::OPUS, None);
    stage.update(speaker.phone, |negotiated| {
        negotiated.event_clock_rate = 8_000;
    });
    let call = stage.phones[speaker.phone].call;
    speaker.speak(430.0);
    let mut speakers = [speaker];
    run(&mut stage, &mut speakers, 10);
    let digits = "5".to_owned();
    stage.must(MediaCommand::SendDigits { call, digits });
    stage.forget();
    run(&mut stage, &mut speakers, 10);
    let received = &stage.phones[speakers[0].phone].received;
    let events = received
        .iter()
        .filter(|packet| packet.header.payload_type.number() == crate::stage::EVENTS);
    let durations: Vec<u16> = events
        .map(|packet| u16::from_be_bytes([packet.payload[2], packet.payload[3]]))
        .collect();
    assert_eq!(durations, [160, 320, 480, 640, 800, 800, 800]);
}
