//! Sounds from files: short ones that are kept, long ones that are read while they sound.

use std::{fs::File, path::PathBuf, sync::Arc, time::Duration};

use sems_audio::{codec::g711, wav};
use sems_engine::{
    command::{Listener, MediaCommand},
    event::Event,
    ids::{PlayId, RequestId},
    media::{
        player::{PlayControl, Player},
        prompt::Prompt,
    },
};

use crate::{recording::Path, stage::Stage};

/// Sound of which every stretch can be told from every other, as G.711 leaves it.
fn noise(seed: u32, samples: usize) -> Vec<i16> {
    let mut state = seed;
    let payload: Vec<u8> = (0..samples)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .collect();
    let mut noise = vec![0; samples];
    g711::decode_ulaw(&payload, &mut noise);
    noise
}

/// A file of such sound.
pub fn write(path: &Path, samples: &[i16], rate: u32) {
    let mut file = wav::Writer::new(File::create(&path.0).unwrap(), rate).unwrap();
    file.write(samples).unwrap();
    file.flush().unwrap();
}

pub fn load(stage: &mut Stage, path: &Path) -> Arc<Prompt> {
    let request = RequestId(1_000_000 + stage.events.len() as u64);
    stage.handle.load_prompt(request, path.0.clone()).unwrap();
    stage.settle();
    let loaded = stage.events.iter().find_map(|event| match event {
        Event::PromptLoaded {
            request: of,
            prompt,
        } if *of == request => Some(prompt.clone()),
        _ => None,
    });
    loaded.unwrap_or_else(|| panic!("{:?}", stage.events))
}

pub fn play(
    stage: &mut Stage,
    listener: Listener,
    prompts: Vec<Arc<Prompt>>,
    repeat: u32,
) -> PlayId {
    let play = PlayId(500);
    let player = stage.handle.player(play, prompts, repeat).unwrap();
    stage.must(MediaCommand::Start { listener, player });
    play
}

fn control(stage: &mut Stage, listener: Listener, control: PlayControl) {
    let play = PlayId(500);
    stage.must(MediaCommand::ControlPlay {
        listener,
        play,
        control,
    });
}

/// Where `part` begins in what was heard.
fn find(heard: &[i16], part: &[i16]) -> Option<usize> {
    heard.windows(part.len()).position(|window| window == part)
}

#[test]
fn a_long_file_is_read_while_it_sounds_and_heard_to_the_sample() {
    let mut stage = Stage::new(1);
    let path = Path::new("long.wav");
    let sound = noise(1, 40 * 8000 + 77);
    write(&path, &sound, 8000);
    let prompt = load(&mut stage, &path);
    assert_eq!(prompt.duration(), Duration::from_micros(40_009_625));
    assert!(prompt.samples().is_empty());
    let phone = stage.call(0);
    let listener = Listener::Call(stage.phones[phone].call);
    let play = play(&mut stage, listener, vec![prompt], 1);
    stage.run(1000);
    assert_eq!(stage.stat("streams"), 1);
    stage.run(41_000);
    assert_eq!(
        find(&stage.phones[phone].heard(), &sound).map(|at| at < 800),
        Some(true)
    );
    assert_eq!(stage.finished(play), Some(true));
    assert_eq!((stage.stat("dry_plays"), stage.stat("streams")), (0, 0));
}

#[test]
fn a_list_of_short_and_long_sounds_has_no_gap_and_no_gap_when_it_begins_again() {
    let mut stage = Stage::new(1);
    let path = Path::new("list.wav");
    let long = noise(2, 31 * 8000 + 3);
    write(&path, &long, 8000);
    let (one, two) = (noise(3, 1001), noise(4, 777));
    let prompt = |samples: &[i16]| Arc::new(Prompt::new(samples.to_vec()));
    let list = vec![prompt(&one), load(&mut stage, &path), prompt(&two)];
    let room = stage.room(0);
    let phone = stage.call(0);
    stage.join(phone, room);
    let play = play(&mut stage, Listener::Room(room), list, 2);
    stage.run(64_000);
    let all = [&one[..], &long, &two, &one, &long, &two].concat();
    assert!(find(&stage.phones[phone].heard(), &all).is_some());
    assert_eq!(stage.finished(play), Some(true));
}

#[test]
fn any_place_of_a_list_can_be_gone_to_while_it_sounds() {
    let mut stage = Stage::new(1);
    let path = Path::new("seek.wav");
    let long = noise(5, 60 * 8000);
    write(&path, &long, 8000);
    let short = noise(6, 8000);
    let list = vec![
        Arc::new(Prompt::new(short.clone())),
        load(&mut stage, &path),
    ];
    let all = [&short[..], &long].concat();
    let phone = stage.call(0);
    let listener = Listener::Call(stage.phones[phone].call);
    let play = play(&mut stage, listener, list, 1);
    stage.run(2000);
    for seconds in [50u64, 0, 31] {
        let to = Duration::from_secs(seconds);
        control(&mut stage, listener, PlayControl::Seek(to));
        stage.forget();
        stage.run(2000);
        let place = seconds as usize * 8000;
        let heard = stage.phones[phone].heard();
        let at = find(&heard, &all[place..place + 8000]).unwrap();
        // What was read ahead of the old place is not heard, and little silence is.
        assert!(at < 3200, "{at}");
        assert!(
            heard[480..at].iter().all(|sample| sample.abs() < 9),
            "{seconds}"
        );
    }
    // Behind the end is the end.
    control(
        &mut stage,
        listener,
        PlayControl::Seek(Duration::from_secs(3600)),
    );
    stage.run(1000);
    assert_eq!(stage.finished(play), Some(true));
}

#[test]
fn a_pause_holds_a_sound_where_it_is() {
    let mut stage = Stage::new(1);
    let path = Path::new("pause-play.wav");
    let long = noise(7, 40 * 8000);
    write(&path, &long, 8000);
    let short = noise(8, 16_000);
    for prompt in [
        load(&mut stage, &path),
        Arc::new(Prompt::new(short.clone())),
    ] {
        let sound = match prompt.samples().is_empty() {
            true => &long,
            false => &short,
        };
        let phone = stage.call(0);
        let listener = Listener::Call(stage.phones[phone].call);
        let player = stage.handle.player(PlayId(500), vec![prompt], 1).unwrap();
        let progress = player.progress();
        stage.must(MediaCommand::Start { listener, player });
        stage.run(500);
        let before = progress.position();
        assert!((300..=500).contains(&before.as_millis()), "{before:?}");
        control(&mut stage, listener, PlayControl::Pause);
        stage.forget();
        stage.run(3000);
        assert!(
            stage.phones[phone].heard()[480..]
                .iter()
                .all(|sample| *sample == 0)
        );
        assert_eq!(progress.position(), before);
        control(&mut stage, listener, PlayControl::Resume);
        stage.run(1000);
        let place = before.as_millis() as usize * 8;
        // The frame that was next when it was held.
        let next = &sound[place + 160..place + 4160];
        assert!(find(&stage.phones[phone].heard(), next).is_some());
        stage.hang_up(phone);
    }
}

#[test]
fn a_disk_that_is_too_slow_is_heard_as_silence_and_counted() {
    let mut stage = Stage::new(1);
    let path = Path::new("slow.wav");
    let long = noise(9, 40 * 8000);
    write(&path, &long, 8000);
    let prompt = load(&mut stage, &path);
    let phone = stage.call(0);
    let listener = Listener::Call(stage.phones[phone].call);
    let play = play(&mut stage, listener, vec![prompt], 1);
    stage.run(1000);
    stage.disk_rests = true;
    stage.run(2900);
    assert_eq!(stage.stat("dry_plays"), 0);
    stage.run(2100);
    let dry = stage.stat("dry_plays");
    assert!((40..=110).contains(&dry), "{dry}");
    stage.disk_rests = false;
    stage.run(42_000);
    assert_eq!(stage.finished(play), Some(true));
    // Nothing is left out.
    let heard = stage.phones[phone].heard();
    assert!(find(&heard, &long[..24_000]).is_some() && find(&heard, &long[48_000..]).is_some());
}

#[test]
fn every_usual_kind_of_file_is_read() {
    let mut stage = Stage::new(1);
    let codes: Vec<u8> = (0..=255).cycle().take(1600).collect();
    for (name, law) in [
        ("raw.ulaw", g711::linear_from_ulaw as fn(u8) -> i16),
        ("raw.UL", g711::linear_from_ulaw),
        ("raw.pcmu", g711::linear_from_ulaw),
        ("raw.alaw", g711::linear_from_alaw),
        ("raw.al", g711::linear_from_alaw),
        ("raw.pcma", g711::linear_from_alaw),
    ] {
        let path = Path::new(name);
        std::fs::write(&path.0, &codes).unwrap();
        let expected: Vec<i16> = codes.iter().map(|code| law(*code)).collect();
        assert_eq!(load(&mut stage, &path).samples(), expected);
    }
    for rate in [4000, 11_025, 16_000, 22_050, 44_100, 48_000, 192_000] {
        let path = Path::new("rate.wav");
        write(&path, &vec![1000; rate as usize], rate);
        let prompt = load(&mut stage, &path);
        assert_eq!(prompt.duration(), Duration::from_secs(1), "{rate}");
    }
}

#[test]
fn long_files_of_any_rate_can_be_gone_through_without_a_sample_too_many() {
    let mut stage = Stage::new(1);
    for (name, rate) in [("a.wav", 44_100), ("b.wav", 16_000), ("c.wav", 8000)] {
        let path = Path::new(name);
        // Loud and quiet seconds in turn.
        let sound: Vec<i16> = (0..35 * rate as usize)
            .map(|at| match (at / rate as usize) % 2 {
                0 => 8000,
                _ => 100,
            })
            .collect();
        write(&path, &sound, rate);
        let prompt = load(&mut stage, &path);
        let phone = stage.call(0);
        let listener = Listener::Call(stage.phones[phone].call);
        play(&mut stage, listener, vec![prompt], 1);
        stage.run(500);
        control(
            &mut stage,
            listener,
            PlayControl::Seek(Duration::from_millis(20_500)),
        );
        stage.run(500);
        stage.forget();
        stage.run(1500);
        let heard = stage.phones[phone].heard();
        let edges: Vec<usize> = (1..heard.len())
            .filter(|at| (heard[at - 1] > 4000) != (heard[*at] > 4000))
            .collect();
        let [edge, next] = edges[..] else {
            panic!("{edges:?} at {rate}");
        };
        assert!(
            (7990..=8010).contains(&(next - edge)),
            "{edges:?} at {rate}"
        );
        stage.hang_up(phone);
    }
}

#[test]
fn a_file_that_is_no_sound_is_an_error_with_its_path_and_what_is_wrong() {
    let mut stage = Stage::new(1);
    let text = Path::new("text.wav");
    std::fs::write(
        &text.0,
        "hello, this is no sound at all, whatever its name may say",
    )
    .unwrap();
    let empty = Path::new("empty.ulaw");
    std::fs::write(&empty.0, "").unwrap();
    let pipe = Path::new("pipe.ulaw");
    let made = std::process::Command::new("mkfifo").arg(&pipe.0).status();
    assert!(made.unwrap().success());
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    for (number, (path, what)) in [
        (text.0.clone(), "not a WAV file"),
        (empty.0.clone(), "holds no audio"),
        (folder, "it is not a file"),
        (pipe.0.clone(), "it is not a file"),
        (PathBuf::from("/nonexistent.wav"), "no such file"),
    ]
    .into_iter()
    .enumerate()
    {
        let request = RequestId(100 + number as u64);
        stage.handle.load_prompt(request, path.clone()).unwrap();
        let error = stage.completion(request).unwrap_err();
        assert!(error.starts_with(&path.display().to_string()), "{error}");
        assert!(error.contains(what), "{error}");
    }
}

#[test]
fn a_file_that_vanishes_before_it_sounds_ends_what_is_played_and_says_why() {
    let mut stage = Stage::new(1);
    let path = Path::new("vanishes.wav");
    write(&path, &noise(1, 40 * 8000), 8000);
    let prompt = load(&mut stage, &path);
    std::fs::remove_file(&path.0).unwrap();
    let phone = stage.call(0);
    let listener = Listener::Call(stage.phones[phone].call);
    let play = play(&mut stage, listener, vec![prompt], 1);
    stage.run(500);
    assert_eq!(stage.finished(play), Some(false));
    let told = stage.events.iter().filter(|event| {
        matches!(event, Event::PlayFailed { play: failed, reason }
            if *failed == play && reason.contains("vanishes.wav: no such file"))
    });
    assert_eq!(told.count(), 1);
}

#[test]
fn short_files_are_kept_and_counted() {
    let mut stage = Stage::new(1);
    let path = Path::new("kept.wav");
    write(&path, &noise(1, 8000), 8000);
    assert!(stage.handle.ready_prompt(&path.0).is_none());
    let first = load(&mut stage, &path);
    let again = load(&mut stage, &path);
    assert!(Arc::ptr_eq(&first, &again));
    assert!(Arc::ptr_eq(
        &first,
        &stage.handle.ready_prompt(&path.0).unwrap()
    ));
    assert_eq!(
        (
            stage.stat("prompt_cache_hits"),
            stage.stat("prompt_cache_misses")
        ),
        (2, 1)
    );
    write(&path, &noise(1, 9000), 8000);
    assert_eq!(load(&mut stage, &path).samples().len(), 9000);
}

#[test]
fn a_player_of_short_sounds_needs_no_file_thread() {
    let mut stage = Stage::new(1);
    stage.disk_rests = true;
    let prompt = Arc::new(Prompt::new(noise(1, 1600)));
    let player: Box<Player> = stage.handle.player(PlayId(500), vec![prompt], 1).unwrap();
    let phone = stage.call(0);
    let listener = Listener::Call(stage.phones[phone].call);
    stage.must(MediaCommand::Start { listener, player });
    stage.run(500);
    assert_eq!(stage.finished(PlayId(500)), Some(true));
}
