//! Who hears whom how loud.

use proptest::prelude::*;
use sems_audio::{FRAME_SAMPLES, Gain, codec::g711};
use sems_engine::{
    command::{MediaCommand, RoomSettings},
    ids::RoomId,
};

use crate::stage::{Stage, TICK};

const TONES: [f32; 4] = [440.0, 700.0, 1000.0, 1500.0];
/// −∞ in the tests below: what is softer than this is not there.
const NOTHING: f32 = -70.0;

/// The commands of a private talk between two, who hear the room at `room`.
fn whisper(stage: &mut Stage, pair: [usize; 2], room: Gain) {
    let calls = pair.map(|phone| stage.phones[phone].call);
    for call in calls {
        stage.must(MediaCommand::Whisper { call, on: true });
    }
    for (call, from) in [(calls[0], calls[1]), (calls[1], calls[0])] {
        let on = true;
        stage.must(MediaCommand::Overhear { call, from, on });
        stage.must(MediaCommand::SetRoomVolume { call, gain: room });
    }
}

#[test]
fn a_private_talk_is_at_least_50_db_down_for_everybody_else() {
    let mut stage = Stage::new(1);
    let (_, phones) = stage.conference(&TONES);
    stage.run(500);
    whisper(&mut stage, [0, 1], Gain::from_db(-20.0));
    stage.run(1000);
    for other in [2, 3] {
        for tone in &TONES[..2] {
            let level = stage.phones[phones[other]].level_of(*tone);
            assert!(
                level < -20.0 - 50.0,
                "{other} hears {tone} Hz at {level} dBov"
            );
        }
    }
    assert!(stage.phones[2].hears(TONES[3]) && stage.phones[3].hears(TONES[2]));
    for (one, two) in [(0, 1), (1, 0)] {
        let phone = &stage.phones[phones[one]];
        assert!(phone.hears(TONES[two]), "full level");
        for under in [2, 3] {
            let level = phone.level_of(TONES[under]);
            assert!(
                (-41.5..-38.5).contains(&level),
                "the room underneath: {level}"
            );
        }
    }
}

#[test]
fn a_private_talk_can_leave_the_room_out_altogether() {
    let mut stage = Stage::new(1);
    let (_, phones) = stage.conference(&TONES);
    whisper(&mut stage, [0, 1], Gain::MUTE);
    stage.run(1000);
    let phone = &stage.phones[phones[0]];
    assert!(phone.hears(TONES[1]));
    assert!(
        TONES[2..]
            .iter()
            .all(|tone| phone.level_of(*tone) < NOTHING)
    );
}

#[test]
fn a_coach_is_heard_by_the_one_who_is_coached_alone_and_hears_the_room() {
    let mut stage = Stage::new(1);
    let (_, phones) = stage.conference(&TONES[..3]);
    let [coach, coached] = [0, 1].map(|phone: usize| stage.phones[phones[phone]].call);
    stage.must(MediaCommand::Whisper {
        call: coach,
        on: true,
    });
    stage.must(MediaCommand::Overhear {
        call: coached,
        from: coach,
        on: true,
    });
    stage.run(1000);
    let hears = |phone: usize| {
        TONES[..3]
            .iter()
            .map(|tone| stage.phones[phone].hears(*tone))
            .collect::<Vec<_>>()
    };
    assert_eq!(hears(0), [false, true, true]);
    assert_eq!(hears(1), [true, false, true]);
    assert_eq!(hears(2), [false, true, false]);
}

#[test]
fn who_has_a_gain_for_somebody_does_not_hear_him_whisper() {
    let mut stage = Stage::new(1);
    let (_, phones) = stage.conference(&TONES);
    let gain = Some(Gain::from_db(-6.0));
    for listener in [1, 2] {
        let (call, from) = (
            stage.phones[phones[listener]].call,
            stage.phones[phones[0]].call,
        );
        stage.must(MediaCommand::SetVolume { call, from, gain });
    }
    whisper(&mut stage, [0, 1], Gain::UNITY);
    stage.run(1000);
    assert!(stage.phones[2].level_of(TONES[0]) < NOTHING);
    let level = stage.phones[1].level_of(TONES[0]);
    assert!(
        (level + 26.0).abs() < 0.5,
        "as loud as he wants it: {level}"
    );
    let call = stage.phones[phones[0]].call;
    stage.must(MediaCommand::Whisper { call, on: false });
    stage.run(1000);
    for listener in [1, 2] {
        let level = stage.phones[listener].level_of(TONES[0]);
        assert!((level + 26.0).abs() < 0.5, "{listener} hears {level}");
    }
}

#[test]
fn one_listener_can_have_a_member_softer_or_louder_than_the_others_have() {
    let mut stage = Stage::new(1);
    let (_, phones) = stage.conference(&TONES[..3]);
    let (call, from) = (stage.phones[phones[0]].call, stage.phones[phones[1]].call);
    for db in [-15.0, 8.0] {
        let gain = Some(Gain::from_db(db));
        stage.must(MediaCommand::SetVolume { call, from, gain });
        stage.run(600);
        let level = stage.phones[phones[0]].level_of(TONES[1]);
        assert!((level - (db - 20.0)).abs() < 0.5, "{level}");
        assert!(stage.phones[phones[0]].hears(TONES[2]));
        let others = stage.phones[phones[2]].level_of(TONES[1]);
        assert!((others + 20.0).abs() < 0.5, "{others}");
    }
    stage.must(MediaCommand::SetVolume {
        call,
        from,
        gain: None,
    });
    stage.run(600);
    assert!((stage.phones[phones[0]].level_of(TONES[1]) + 20.0).abs() < 0.5);
}

#[test]
fn a_members_gain_is_for_all_and_goes_with_it_to_another_room() {
    let mut stage = Stage::new(1);
    let (_, phones) = stage.conference(&TONES[..3]);
    let call = stage.phones[phones[0]].call;
    stage.must(MediaCommand::SetGain {
        call,
        gain: Gain::from_db(-12.0),
    });
    stage.run(600);
    for listener in [1, 2] {
        let level = stage.phones[phones[listener]].level_of(TONES[0]);
        assert!((level + 32.0).abs() < 0.5, "{level}");
    }
    let (other, others) = stage.conference(&TONES[3..]);
    stage.join(phones[0], other);
    stage.run(600);
    let level = stage.phones[others[0]].level_of(TONES[0]);
    assert!((level + 32.0).abs() < 0.5, "{level}");
}

#[test]
fn who_is_deafened_hears_only_what_is_played_to_him() {
    let mut stage = Stage::new(1);
    let (_, phones) = stage.conference(&TONES[..3]);
    let call = stage.phones[phones[0]].call;
    stage.must(MediaCommand::Deafen { call, on: true });
    let prompt = sems_engine::media::prompt::Prompt::tone("sine:2000:5000:-20").unwrap();
    stage.play(phones[0], &std::sync::Arc::new(prompt), 1);
    stage.run(1000);
    assert!(stage.phones[0].hears(2000.0));
    assert!(
        TONES[..3]
            .iter()
            .all(|tone| stage.phones[0].level_of(*tone) < NOTHING)
    );
    assert!(stage.phones[1].hears(TONES[0]), "he is heard");
    stage.must(MediaCommand::Deafen { call, on: false });
    stage.run(600);
    assert!(stage.phones[0].hears(TONES[1]));
}

#[test]
fn a_leg_that_leaves_takes_its_gains_with_it() {
    let mut stage = Stage::new(1);
    let (room, phones) = stage.conference(&TONES[..3]);
    whisper(&mut stage, [0, 1], Gain::MUTE);
    stage.run(300);
    let call = stage.phones[phones[0]].call;
    stage.must(MediaCommand::Join { call, room: None });
    stage.join(phones[0], room);
    stage.run(600);
    // The other whispers still, to nobody, and the one who is back does not whisper to him.
    assert!(stage.phones[2].hears(TONES[0]));
    assert!(!stage.phones[2].hears(TONES[1]));
    assert!(stage.phones[0].hears(TONES[2]) && !stage.phones[0].hears(TONES[1]));
    assert!(stage.phones[1].level_of(TONES[0]) < NOTHING);
}

#[test]
fn gains_are_for_members_of_one_room() {
    let mut stage = Stage::new(1);
    let (_, phones) = stage.conference(&TONES[..2]);
    let outside = stage.call(0);
    let (call, from) = (stage.phones[phones[0]].call, stage.phones[outside].call);
    let gain = Some(Gain::UNITY);
    let error = stage
        .command(MediaCommand::SetVolume { call, from, gain })
        .unwrap_err();
    assert!(error.contains("not in one room"), "{error}");
}

#[test]
fn of_many_talkers_the_loudest_few_are_heard() {
    let mut stage = Stage::new(1);
    let (room, phones) = stage.conference(&TONES);
    let settings = RoomSettings {
        max_talkers: Some(2),
        ..RoomSettings::default()
    };
    stage.must(MediaCommand::SetRoom { room, settings });
    let listener = stage.call(0);
    stage.join(listener, room);
    stage.run(1000);
    let heard = TONES
        .iter()
        .filter(|tone| stage.phones[listener].hears(**tone))
        .count();
    assert_eq!(heard, 2);
    let settings = RoomSettings::default();
    stage.must(MediaCommand::SetRoom { room, settings });
    stage.run(1000);
    assert!(TONES.iter().all(|tone| stage.phones[listener].hears(*tone)));
    assert_eq!(phones.len(), 4);
}

/// Members of the property test.
const MEMBERS: usize = 6;

/// What is done to a room.
#[derive(Clone, Debug)]
enum Deed {
    Join(usize),
    Leave(usize),
    Mute(usize, bool),
    Deafen(usize, bool),
    Whisper(usize, bool),
    Overhear(usize, usize, bool),
    Echo(usize, bool),
    Gain(usize, Gain),
    Hear(usize, usize, Option<Gain>),
    HearRoom(usize, Gain),
}

fn deed() -> impl Strategy<Value = Deed> {
    let who = || 0..MEMBERS;
    let gain = || {
        prop_oneof![
            Just(Gain::UNITY),
            Just(Gain::MUTE),
            Just(Gain::MAX),
            (0f32..3.0).prop_map(Gain::from_factor),
        ]
    };
    prop_oneof![
        3 => who().prop_map(Deed::Join),
        1 => who().prop_map(Deed::Leave),
        1 => (who(), any::<bool>()).prop_map(|(who, on)| Deed::Mute(who, on)),
        1 => (who(), any::<bool>()).prop_map(|(who, on)| Deed::Deafen(who, on)),
        2 => (who(), any::<bool>()).prop_map(|(who, on)| Deed::Whisper(who, on)),
        3 => (who(), who(), any::<bool>()).prop_map(|(who, from, on)| Deed::Overhear(who, from, on)),
        1 => (who(), any::<bool>()).prop_map(|(who, on)| Deed::Echo(who, on)),
        1 => (who(), (0.3f32..1.5).prop_map(Gain::from_factor)).prop_map(|(who, gain)| Deed::Gain(who, gain)),
        4 => (who(), who(), prop::option::of(gain())).prop_map(|(who, from, gain)| Deed::Hear(who, from, gain)),
        1 => (who(), gain()).prop_map(|(who, gain)| Deed::HearRoom(who, gain)),
    ]
}

/// The same in plain arithmetic.
#[derive(Clone)]
struct Member {
    says: Vec<i64>,
    inside: bool,
    muted: bool,
    deaf: bool,
    whispers: bool,
    echo: bool,
    gain: Gain,
    room: Gain,
    gains: [Option<Gain>; MEMBERS],
    overhears: [bool; MEMBERS],
}

/// `sample` times `gain`, rounded to the nearest.
fn times(sample: i64, gain: Gain) -> i64 {
    let steps = (f64::from(gain.factor()) * 4096.0) as i64;
    (sample * steps + 2048).div_euclid(4096)
}

impl Member {
    fn leave(&mut self) {
        self.inside = false;
        self.whispers = false;
        self.room = Gain::UNITY;
        self.gains = [None; MEMBERS];
        self.overhears = [false; MEMBERS];
    }

    /// What the room hears of it, did it not whisper.
    fn sounds(&self) -> Option<Vec<i64>> {
        let sounds = !self.muted;
        sounds.then(|| {
            self.says
                .iter()
                .map(|sample| times(*sample, self.gain))
                .collect()
        })
    }
}

/// What `listener` is to hear.
fn expected(members: &[Member], listener: usize) -> Vec<i64> {
    let own = &members[listener];
    let mut heard = vec![0; FRAME_SAMPLES];
    if own.inside && !own.deaf {
        let mut personal = vec![0; FRAME_SAMPLES];
        for (number, member) in members.iter().enumerate() {
            let Some(says) = member
                .sounds()
                .filter(|_| member.inside && number != listener)
            else {
                continue;
            };
            for (place, sample) in says.iter().enumerate() {
                match own.gains[number] {
                    _ if member.whispers && !own.overhears[number] => {}
                    Some(gain) => personal[place] += times(*sample, gain),
                    None if member.whispers => personal[place] += sample,
                    None => heard[place] += sample,
                }
            }
        }
        for (heard, personal) in heard.iter_mut().zip(personal) {
            *heard = times(*heard, own.room) + personal;
        }
    }
    if own.echo {
        let loud = own.sounds().filter(|_| !own.whispers);
        let itself = loud.unwrap_or_else(|| own.says.clone());
        for (heard, own) in heard.iter_mut().zip(itself) {
            *heard += own;
        }
    }
    heard
}

/// A frame of noise that no gate takes for noise, so soft that six of them at any gain fit.
fn voice(seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2).wrapping_add(77);
    let samples: Vec<i16> = (0..FRAME_SAMPLES)
        .map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            ((state >> 40) % 1_200) as i16 - 600
        })
        .collect();
    let mut payload = vec![0; FRAME_SAMPLES];
    g711::encode_ulaw(&samples, &mut payload);
    payload
}

/// All phones say the same 20 ms again and again.
fn tick(stage: &mut Stage, payloads: &[Vec<u8>]) {
    for (phone, payload) in stage.phones.iter_mut().zip(payloads) {
        phone.send(0, false, payload);
        phone.timestamp = phone.timestamp.wrapping_add(FRAME_SAMPLES as u32);
    }
    stage.sleep(TICK);
}

fn do_deed(stage: &mut Stage, room: RoomId, members: &mut [Member], deed: &Deed) {
    let call = |stage: &Stage, who: usize| stage.phones[who].call;
    match *deed {
        Deed::Join(who) => {
            stage.join(who, room);
            members[who].inside = true;
        }
        Deed::Leave(who) => {
            let call = call(stage, who);
            stage.must(MediaCommand::Join { call, room: None });
            if members[who].inside {
                members[who].leave();
                for member in members {
                    member.gains[who] = None;
                    member.overhears[who] = false;
                }
            }
        }
        Deed::Mute(who, on) => {
            let call = call(stage, who);
            stage.must(MediaCommand::Mute { call, on });
            members[who].muted = on;
        }
        Deed::Deafen(who, on) => {
            let call = call(stage, who);
            stage.must(MediaCommand::Deafen { call, on });
            members[who].deaf = on;
        }
        Deed::Whisper(who, on) => {
            let call = call(stage, who);
            if members[who].inside {
                stage.must(MediaCommand::Whisper { call, on });
                members[who].whispers = on;
            }
        }
        Deed::Echo(who, on) => {
            let call = call(stage, who);
            stage.must(MediaCommand::Echo {
                call,
                on,
                line: None,
            });
            members[who].echo = on;
        }
        Deed::Gain(who, gain) => {
            let call = call(stage, who);
            stage.must(MediaCommand::SetGain { call, gain });
            members[who].gain = gain;
        }
        Deed::Hear(who, from, gain) => {
            let (call, other) = (call(stage, who), call(stage, from));
            let together = members[who].inside && members[from].inside;
            if !together && stage.handle.counters().len() > 1 {
                // That is not known where the room has several parts.
                return;
            }
            let told = stage.command(MediaCommand::SetVolume {
                call,
                from: other,
                gain,
            });
            assert_eq!(told.is_ok(), together || who == from);
            if together {
                members[who].gains[from] = gain;
            }
        }
        Deed::Overhear(who, from, on) => {
            let (call, other) = (call(stage, who), call(stage, from));
            if members[who].inside && members[from].inside {
                stage.must(MediaCommand::Overhear {
                    call,
                    from: other,
                    on,
                });
                members[who].overhears[from] = on;
            }
        }
        Deed::HearRoom(who, gain) => {
            let call = call(stage, who);
            if members[who].inside {
                stage.must(MediaCommand::SetRoomVolume { call, gain });
                members[who].room = gain;
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn everybody_hears_exactly_the_others_whatever_the_gains_and_whoever_comes_and_goes(
        seed in any::<u64>(),
        // On one worker, or with a part for each one or two.
        (workers, room_legs) in prop_oneof![Just((1, 500)), Just((3, 1)), Just((2, 2))],
        deeds in prop::collection::vec(deed(), 1..25),
    ) {
        let mut stage = Stage::with_room_legs(workers, room_legs);
        let payloads: Vec<Vec<u8>> = (0..MEMBERS as u64).map(|who| voice(seed ^ who << 32)).collect();
        let mut members: Vec<Member> = payloads
            .iter()
            .map(|payload| {
                let phone = stage.call((stage.phones.len() % workers) as u8);
                stage.phones[phone].sends = false;
                let mut samples = vec![0; FRAME_SAMPLES];
                g711::decode_ulaw(payload, &mut samples);
                Member {
                    says: samples.into_iter().map(i64::from).collect(),
                    inside: false,
                    muted: false,
                    deaf: false,
                    whispers: false,
                    echo: false,
                    gain: Gain::UNITY,
                    room: Gain::UNITY,
                    gains: [None; MEMBERS],
                    overhears: [false; MEMBERS],
                }
            })
            .collect();
        let room = stage.room(0);
        for who in 0..3 {
            do_deed(&mut stage, room, &mut members, &Deed::Join(who));
        }
        for _ in 0..15 {
            tick(&mut stage, &payloads);
        }
        for deed in deeds {
            do_deed(&mut stage, room, &mut members, &deed);
            // Some for a move between rooms, one in which a gain is changed, one from part to part.
            for _ in 0..5 {
                tick(&mut stage, &payloads);
            }
            for listener in 0..MEMBERS {
                let samples: Vec<i16> = expected(&members, listener)
                    .into_iter()
                    .map(|sample| i16::try_from(sample).expect("the voices are soft"))
                    .collect();
                let mut payload = vec![0; FRAME_SAMPLES];
                g711::encode_ulaw(&samples, &mut payload);
                let heard = &stage.phones[listener].received.last().expect("a packet each tick").payload;
                prop_assert_eq!(heard, &payload, "{} after {:?}", listener, deed);
            }
            stage.forget();
        }
    }
}
