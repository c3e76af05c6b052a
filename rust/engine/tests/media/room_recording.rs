//! Recordings of rooms: the mix, and every member by itself.

use sems_audio::dtmf::goertzel;
use sems_engine::{
    command::{Listener, MediaCommand, Recorded},
    ids::{CallId, RecordingId, RoomId},
};

use crate::{
    recording::{Path, end, is_heard_in, pause, read, stop},
    stage::Stage,
};

/// Records the mix and the members of a room into a folder.
fn record(stage: &mut Stage, room: RoomId, folder: &Path) {
    stage.must(MediaCommand::Record {
        recording: RecordingId(1),
        what: Recorded::Room {
            room,
            mix: Some(folder.0.join("mix.wav")),
            members: Some(folder.0.clone()),
        },
        rate: 8000,
    });
}

fn prepare(name: &str) -> Path {
    let folder = Path::new(name);
    std::fs::create_dir_all(&folder.0).unwrap();
    folder
}

fn of_member(folder: &Path, call: CallId) -> Vec<i16> {
    read(&folder.0.join(format!("call-{call}.wav")))
}

fn mix(folder: &Path) -> Vec<i16> {
    read(&folder.0.join("mix.wav"))
}

fn level(samples: &[i16], hz: f32) -> f32 {
    goertzel(samples, 8000, hz)
}

#[test]
fn the_mix_and_every_member_are_recorded_to_the_sample() {
    let mut stage = Stage::new(1);
    let folder = prepare("aligned");
    let (room, phones) = stage.conference(&[440.0, 700.0]);
    stage.run(200);
    record(&mut stage, room, &folder);
    stage.run(1000);
    stage.must(stop(Listener::Room(room), 1));
    let mix = mix(&folder);
    let voices = phones.map_calls(&stage, |call| of_member(&folder, call));
    assert_eq!([mix.len(), voices[0].len(), voices[1].len()], [8000; 3]);
    for (at, sum) in mix.iter().enumerate() {
        assert_eq!(*sum, voices[0][at] + voices[1][at], "sample {at}");
    }
    assert!(is_heard_in(&voices[0], 440.0) && !is_heard_in(&voices[0], 700.0));
    assert_eq!(end(&stage, 1), Some(None));
}

#[test]
fn what_the_room_does_not_hear_is_in_no_members_file() {
    let mut stage = Stage::new(1);
    let folder = prepare("hidden");
    let (room, phones) = stage.conference(&[440.0, 700.0]);
    let calls = phones.map_calls(&stage, |call| call);
    record(&mut stage, room, &folder);
    stage.must(MediaCommand::Mute {
        call: calls[0],
        on: true,
    });
    stage.must(MediaCommand::Whisper {
        call: calls[1],
        on: true,
    });
    stage.run(1000);
    stage.must(MediaCommand::Mute {
        call: calls[0],
        on: false,
    });
    stage.must(MediaCommand::Whisper {
        call: calls[1],
        on: false,
    });
    stage.run(1000);
    stage.must(stop(Listener::Room(room), 1));
    for (call, tone) in calls.iter().zip([440.0, 700.0]) {
        let voice = of_member(&folder, *call);
        assert!(voice[..8000].iter().all(|sample| *sample == 0), "{call}");
        assert!(is_heard_in(&voice[8000..], tone), "{call}");
    }
}

#[test]
fn who_comes_late_begins_with_silence_and_who_leaves_early_ends_with_it() {
    let mut stage = Stage::new(2);
    let folder = prepare("late");
    let (room, phones) = stage.conference(&[440.0]);
    // Born at another worker.
    let late = stage.call(1);
    stage.phones[late].speak(Some(700.0));
    stage.run(200);
    record(&mut stage, room, &folder);
    stage.run(1000);
    stage.join(late, room);
    stage.run(1000);
    stage.hang_up(phones[0]);
    stage.run(1000);
    stage.must(stop(Listener::Room(room), 1));
    let early = of_member(&folder, stage.phones[phones[0]].call);
    let late = of_member(&folder, stage.phones[late].call);
    let mix = mix(&folder);
    assert_eq!([mix.len(), early.len(), late.len()], [24_000; 3]);
    assert_eq!(late[..7_900], [0; 7_900]);
    assert!(level(&late[8_400..23_900], 700.0) > -23.0);
    assert!(level(&early[..15_900], 440.0) > -23.0);
    assert_eq!(early[16_200..], [0; 7_800]);
    for (at, sum) in mix.iter().enumerate() {
        assert_eq!(*sum, early[at] + late[at], "sample {at}");
    }
}

#[test]
fn who_leaves_and_comes_back_goes_on_in_the_same_file() {
    let mut stage = Stage::new(2);
    let folder = prepare("back");
    let (room, phones) = stage.conference(&[440.0, 700.0]);
    let other = stage.room(1);
    stage.run(200);
    record(&mut stage, room, &folder);
    stage.run(1000);
    stage.join(phones[1], other);
    stage.run(1000);
    stage.join(phones[1], room);
    stage.run(1000);
    stage.must(stop(Listener::Room(room), 1));
    let voice = of_member(&folder, stage.phones[phones[1]].call);
    let mix = mix(&folder);
    let first = of_member(&folder, stage.phones[phones[0]].call);
    assert_eq!([voice.len(), first.len(), mix.len()], [24_000; 3]);
    assert!(level(&voice[..7_800], 700.0) > -23.0);
    assert_eq!(voice[8_200..15_800], [0; 7_600]);
    assert!(level(&voice[16_400..], 700.0) > -23.0);
    for (at, sum) in mix.iter().enumerate() {
        assert_eq!(*sum, first[at] + voice[at], "sample {at}");
    }
}

#[test]
fn a_pause_is_left_out_of_all_files_alike() {
    let mut stage = Stage::new(1);
    let folder = prepare("pause");
    let (room, phones) = stage.conference(&[440.0, 700.0]);
    stage.run(200);
    record(&mut stage, room, &folder);
    stage.run(1000);
    stage.must(pause(Listener::Room(room), 1, true));
    stage.run(5000);
    stage.must(pause(Listener::Room(room), 1, false));
    stage.run(1000);
    stage.must(stop(Listener::Room(room), 1));
    let mix = mix(&folder);
    let voices = phones.map_calls(&stage, |call| of_member(&folder, call));
    assert_eq!([mix.len(), voices[0].len(), voices[1].len()], [16_000; 3]);
    for (at, sum) in mix.iter().enumerate() {
        assert_eq!(*sum, voices[0][at] + voices[1][at], "sample {at}");
    }
}

#[test]
fn a_disk_that_rests_for_seconds_loses_nothing_and_one_that_rests_longer_only_time() {
    for (rest, lost) in [(3500, false), (7000, true)] {
        let mut stage = Stage::new(1);
        let folder = prepare("rest");
        let (room, phones) = stage.conference(&[440.0]);
        stage.run(200);
        record(&mut stage, room, &folder);
        stage.run(500);
        stage.disk_rests = true;
        stage.run(rest);
        stage.disk_rests = false;
        stage.run(500);
        stage.must(stop(Listener::Room(room), 1));
        let voice = of_member(&folder, stage.phones[phones[0]].call);
        let mix = mix(&folder);
        assert_eq!(voice.len(), (rest as usize + 1000) * 8);
        assert_eq!(mix, voice);
        assert_eq!(stage.stat("recording_lost_samples") > 0, lost);
        // What comes afterwards is at its time.
        assert!(is_heard_in(&voice, 440.0));
        assert_eq!(level(&voice[4000..8000], 440.0) > -23.0, !lost);
    }
}

#[test]
fn a_recording_ends_with_its_room() {
    let mut stage = Stage::new(1);
    let folder = prepare("close");
    let (room, phones) = stage.conference(&[440.0]);
    record(&mut stage, room, &folder);
    stage.run(1000);
    stage.must(MediaCommand::CloseRoom { room });
    stage.run(300);
    assert_eq!(end(&stage, 1), Some(None));
    assert_eq!(mix(&folder).len(), 8000);
    let call = stage.phones[phones[0]].call;
    assert_eq!(of_member(&folder, call).len(), 8000);
    stage.must(stop(Listener::Room(room), 1));
    assert_eq!(stage.stat("recordings"), 0);
}

#[test]
fn an_empty_room_is_recorded_as_silence() {
    let mut stage = Stage::new(1);
    let folder = prepare("empty");
    let room = stage.room(0);
    record(&mut stage, room, &folder);
    stage.run(2000);
    stage.must(stop(Listener::Room(room), 1));
    assert_eq!(mix(&folder), [0; 16_000]);
}

#[test]
fn a_room_that_does_not_exist_is_not_recorded() {
    let mut stage = Stage::new(1);
    let folder = prepare("nowhere");
    let recording = RecordingId(1);
    let error = stage.command(MediaCommand::Record {
        recording,
        what: Recorded::Room {
            room: RoomId::new(99, 0),
            mix: None,
            members: Some(folder.0.clone()),
        },
        rate: 8000,
    });
    assert!(error.unwrap_err().contains("there is no room"));
    stage.run(300);
    assert_eq!(stage.stat("recordings"), 0);
}

trait Calls {
    fn map_calls<T>(&self, stage: &Stage, what: impl Fn(CallId) -> T) -> Vec<T>;
}

impl Calls for Vec<usize> {
    fn map_calls<T>(&self, stage: &Stage, what: impl Fn(CallId) -> T) -> Vec<T> {
        self.iter()
            .map(|phone| what(stage.phones[*phone].call))
            .collect()
    }
}

#[test]
fn members_in_all_parts_of_a_room_on_two_workers_are_recorded() {
    let mut stage = Stage::with_room_legs(2, 1);
    let folder = prepare("parts");
    let (room, phones) = stage.conference(&[440.0, 700.0]);
    stage.run(200);
    record(&mut stage, room, &folder);
    stage.run(500);
    // One comes to a part that is there already, and one is not heard before it is there.
    let late = stage.call(1);
    stage.join(late, room);
    stage.phones[late].speak(Some(1_000.0));
    stage.run(500);
    stage.must(stop(Listener::Room(room), 1));
    let voices = phones.map_calls(&stage, |call| of_member(&folder, call));
    let late = of_member(&folder, stage.phones[late].call);
    assert_eq!(
        [
            mix(&folder).len(),
            voices[0].len(),
            voices[1].len(),
            late.len()
        ],
        [8000; 4]
    );
    assert!(is_heard_in(&voices[0], 440.0) && is_heard_in(&voices[1], 700.0));
    assert!(level(&late[4_800..], 1_000.0) > -23.0);
    assert!(is_heard_in(&mix(&folder), 440.0) && is_heard_in(&mix(&folder), 700.0));
}
