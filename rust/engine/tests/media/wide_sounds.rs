//! What is played is heard at the rate of who listens: prompts, long files, and what programs say.

use std::{sync::Arc, time::Duration};

use sems_audio::{
    Rate,
    codec::{Codec, g711, g722, l16, opus},
    dtmf::goertzel,
};
use sems_engine::{
    command::{Listener, MediaCommand},
    ids::PlayId,
    media::{player::Player, prompt::Prompt},
};

use crate::{
    files,
    recording::Path,
    stage::{LOUD, Stage},
    wideband::{Speaker, run},
};

/// The band that each of these hears, by a tone in it that the one before does not hear.
const LISTENERS: [(&Codec, f32); 3] = [
    (&g711::PCMU, 1_010.0),
    (&g722::G722, 6_010.0),
    (&opus::OPUS, 10_010.0),
];

/// Tones that sound together, each as loud as a phone speaks.
fn tones(rate: u32, seconds: u32, tones: &[f32]) -> Vec<i16> {
    let amplitude = 32_768.0 * 10f64.powf(f64::from(LOUD) / 20.0) * 2f64.sqrt();
    let sample = |n: u32| {
        let at = |hz: &f32| {
            (std::f64::consts::TAU * f64::from(*hz) * f64::from(n) / f64::from(rate)).sin()
        };
        (amplitude * tones.iter().map(at).sum::<f64>()).round() as i16
    };
    (0..rate * seconds).map(sample).collect()
}

/// Fails unless each hears as many of the tones as its codec carries, and as those of `hz` have.
fn assert_heard(stage: &Stage, speakers: &[Speaker], hz: u32) {
    for (speaker, (_, band)) in speakers.iter().zip(LISTENERS) {
        for (_, tone) in LISTENERS {
            let carried = tone <= band && tone < hz as f32 / 2.0;
            assert_eq!(
                speaker.hears(stage, tone),
                carried,
                "{tone} Hz of a sound of {hz} Hz, heard by {}",
                speaker.codec.name
            );
        }
    }
}

/// Calls alone, one of each codec.
fn alone(stage: &mut Stage) -> [Speaker; 3] {
    LISTENERS.map(|(codec, _)| Speaker::new(stage, codec, None))
}

fn listener(stage: &Stage, speaker: &Speaker) -> Listener {
    Listener::Call(stage.phones[speaker.phone].call)
}

fn all_tones(hz: u32, seconds: u32) -> Vec<i16> {
    let below = LISTENERS.iter().map(|(_, tone)| *tone);
    let below: Vec<f32> = below.filter(|tone| *tone < hz as f32 / 2.0).collect();
    tones(hz, seconds, &below)
}

#[test]
fn a_prompt_is_heard_as_far_up_as_its_file_and_the_codec_of_the_call_go() {
    for hz in [8_000, 16_000, 44_100, 48_000] {
        let mut stage = Stage::new(1);
        let mut speakers = alone(&mut stage);
        let path = Path::new(&format!("wide-{hz}.wav"));
        files::write(&path, &all_tones(hz, 2), hz);
        let prompt = files::load(&mut stage, &path);
        for speaker in &speakers {
            stage.play(speaker.phone, &prompt, 1);
        }
        run(&mut stage, &mut speakers, 80);
        assert_heard(&stage, &speakers, hz);
    }
}

#[test]
fn sounds_of_several_rates_in_one_list_are_each_heard_at_their_own() {
    let mut stage = Stage::new(1);
    let mut speakers = alone(&mut stage);
    let rates = [48_000, 8_000, 16_000, 48_000];
    let list = rates.map(|hz| Arc::new(Prompt::from_pcm(all_tones(hz, 1), hz).unwrap()));
    for speaker in &speakers {
        let to = listener(&stage, speaker);
        stage.play_to(to, list.to_vec(), 1);
    }
    for hz in rates {
        run(&mut stage, &mut speakers, 49);
        assert_heard(&stage, &speakers, hz);
        run(&mut stage, &mut speakers, 1);
    }
    // Nowhere is a gap between them.
    for speaker in &speakers {
        let heard = speaker.heard(&stage);
        for (tick, frame) in heard.chunks(speaker.codec.rate.frame()).enumerate().skip(5) {
            let level = goertzel(frame, speaker.codec.rate.hz(), 1_010.0);
            assert!(
                level > -25.0,
                "{level} in tick {tick} for {}",
                speaker.codec.name
            );
        }
    }
}

#[test]
fn a_long_file_is_heard_as_far_up_as_it_and_the_codec_of_the_call_go() {
    for hz in [8_000, 16_000, 48_000] {
        let mut stage = Stage::new(1);
        let mut speakers = alone(&mut stage);
        let path = Path::new(&format!("wide-long-{hz}.wav"));
        files::write(&path, &all_tones(hz, 31), hz);
        let prompt = files::load(&mut stage, &path);
        assert_eq!(prompt.duration(), Duration::from_secs(31));
        for (number, speaker) in speakers.iter().enumerate() {
            let play = PlayId(600 + number as u64);
            let player = stage.handle.player(play, vec![prompt.clone()], 1);
            let listener = listener(&stage, speaker);
            let player = player.unwrap();
            stage.must(MediaCommand::Start { listener, player });
        }
        run(&mut stage, &mut speakers, 100);
        assert_heard(&stage, &speakers, hz);
        assert_eq!((stage.stat("streams"), stage.stat("dry_plays")), (3, 0));
    }
}

#[test]
fn a_long_file_of_a_calls_own_rate_is_heard_to_the_sample() {
    for (codec, hz) in [(&l16::L16_16000, 16_000), (&l16::L16_48000, 48_000)] {
        let mut stage = Stage::new(1);
        let mut speakers = [Speaker::new(&mut stage, codec, None)];
        let path = Path::new(&format!("wide-exact-{hz}.wav"));
        let short: Vec<i16> = (0..hz / 3)
            .map(|n| (u64::from(n) * 7_919 % 20_011) as i16)
            .collect();
        let mut long: Vec<i16> = (0..31 * hz)
            .map(|n| (u64::from(n) * 48_271 % 30_011) as i16)
            .collect();
        long.truncate(long.len() / 6 * 6);
        files::write(&path, &long, hz);
        let whole = short.len() / 6 * 6;
        let short = Arc::new(Prompt::from_pcm(short[..whole].to_vec(), hz).unwrap());
        let list = vec![short.clone(), files::load(&mut stage, &path), short.clone()];
        let to = listener(&stage, &speakers[0]);
        files::play(&mut stage, to, list, 1);
        run(&mut stage, &mut speakers, 1_700);
        let short = short.at(Rate::Full).1;
        let all = [short, &long[..], short].concat();
        let heard = speakers[0].heard(&stage);
        let found = heard.windows(all.len()).any(|window| window == all);
        assert!(found, "{hz}");
    }
}

#[test]
fn music_goes_on_without_a_gap_when_somebody_comes_who_hears_more_and_leaves() {
    let mut stage = Stage::new(1);
    let room = stage.room(0);
    let mut first = [Speaker::new(&mut stage, &g711::PCMU, Some(room))];
    let path = Path::new("wide-music.wav");
    files::write(&path, &all_tones(48_000, 60), 48_000);
    let music = files::load(&mut stage, &path);
    files::play(&mut stage, Listener::Room(room), vec![music], 1);
    run(&mut stage, &mut first, 100);
    let [first] = first;
    let mut speakers = vec![first];
    for (codec, tone) in &LISTENERS[1..] {
        let guest = Speaker::new(&mut stage, codec, Some(room));
        speakers.push(guest);
        // What was read ahead is heard before.
        run(&mut stage, &mut speakers, 250);
        assert!(speakers[1].hears(&stage, *tone) || *codec != &g722::G722);
        assert!(speakers.last().unwrap().hears(&stage, *tone));
    }
    while speakers.len() > 1 {
        let guest = speakers.pop().unwrap();
        stage.hang_up(guest.phone);
        run(&mut stage, &mut speakers, 250);
    }
    let heard = speakers[0].heard(&stage);
    for (tick, frame) in heard.chunks(160).enumerate().skip(20) {
        let level = goertzel(frame, 8_000, 1_010.0);
        assert!(level > -23.0, "{level} in tick {tick}");
    }
    assert_eq!(stage.stat("dry_plays"), 0);
}

#[test]
fn what_a_program_says_is_heard_as_far_up_as_it_and_the_codec_of_the_call_go() {
    for hz in [8_000, 16_000, 24_000, 48_000] {
        let mut stage = Stage::new(1);
        let mut speakers = alone(&mut stage);
        let mut feeds = Vec::new();
        for (number, speaker) in speakers.iter().enumerate() {
            let (player, feed) = Player::feed(PlayId(700 + number as u64), Duration::from_secs(5));
            let player = Box::new(player);
            let listener = listener(&stage, speaker);
            stage.must(MediaCommand::Start { listener, player });
            feeds.push(feed);
        }
        for piece in all_tones(hz, 2).chunks(1_000) {
            for feed in &mut feeds {
                feed.write(piece, hz).unwrap().unwrap();
            }
        }
        run(&mut stage, &mut speakers, 80);
        assert_heard(&stage, &speakers, hz);
    }
}
