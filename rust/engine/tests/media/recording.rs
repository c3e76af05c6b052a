//! Recordings of calls.

use std::{fs::File, path::PathBuf};

use sems_audio::{codec::g711, dtmf::goertzel, wav};
use sems_engine::{
    command::{Direction, Directions, Listener, MediaCommand, Recorded},
    event::Event,
    ids::{CallId, RecordingId},
    media::prompt::Prompt,
};

use crate::stage::Stage;

/// A path for a file of one test, that is gone when the test is over.
pub struct Path(pub PathBuf);

impl Path {
    pub fn new(name: &str) -> Self {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
        Self(folder.join(format!("{}-{name}", std::process::id())))
    }

    /// What the header tells of, at 8 kHz.
    pub fn read(&self) -> Vec<i16> {
        read(&self.0)
    }
}

impl Drop for Path {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub fn read(path: &PathBuf) -> Vec<i16> {
    wav::read(File::open(path).unwrap(), 8000).unwrap()
}

pub fn is_heard_in(samples: &[i16], hz: f32) -> bool {
    goertzel(&samples[samples.len() - 3200..], 8000, hz) > -23.0
}

fn record(call: CallId, id: u64, direction: Direction, path: &Path) -> MediaCommand {
    let directions = Directions::One(direction);
    MediaCommand::Record {
        recording: RecordingId(id),
        what: Recorded::Call {
            call,
            directions,
            path: path.0.clone(),
        },
        rate: 8000,
    }
}

pub fn stop(of: Listener, id: u64) -> MediaCommand {
    let recording = RecordingId(id);
    MediaCommand::StopRecord { of, recording }
}

pub fn pause(of: Listener, id: u64, on: bool) -> MediaCommand {
    let recording = RecordingId(id);
    MediaCommand::PauseRecord { of, recording, on }
}

/// How a recording ended; `None`: it goes on.
pub fn end(stage: &Stage, id: u64) -> Option<Option<String>> {
    stage.events.iter().find_map(|event| match event {
        Event::Recorded { recording, error } if *recording == RecordingId(id) => {
            Some(error.clone())
        }
        _ => None,
    })
}

#[test]
fn a_recording_is_complete_when_its_stop_is_done() {
    let mut stage = Stage::new(2);
    let path = Path::new("complete.wav");
    let phone = stage.call(0);
    let room = stage.room(1);
    stage.phones[phone].speak(Some(440.0));
    let call = stage.phones[phone].call;
    stage.run(200);
    stage.must(record(call, 1, Direction::In, &path));
    stage.run(1000);
    // A recording moves with its call.
    stage.join(phone, room);
    stage.run(1000);
    stage.must(stop(Listener::Call(call), 1));
    let recorded = path.read();
    assert!(
        (15_900..=16_100).contains(&recorded.len()),
        "{}",
        recorded.len()
    );
    assert!(is_heard_in(&recorded, 440.0));
    assert_eq!(end(&stage, 1), Some(None));
    stage.run(500);
    assert_eq!(path.read().len(), recorded.len());
}

#[test]
fn a_recording_is_a_valid_file_at_any_time() {
    let mut stage = Stage::new(1);
    let path = Path::new("valid.wav");
    let phone = stage.call(0);
    let call = stage.phones[phone].call;
    stage.must(record(call, 1, Direction::Out, &path));
    assert_eq!(path.read().len(), 0);
    stage.run(2500);
    assert!(path.read().len() >= 8_000);
}

#[test]
fn a_recording_ends_with_its_call_and_says_so() {
    let mut stage = Stage::new(1);
    let path = Path::new("hangup.wav");
    let phone = stage.call(0);
    let call = stage.phones[phone].call;
    stage.must(record(call, 1, Direction::In, &path));
    stage.run(1000);
    assert_eq!(end(&stage, 1), None);
    stage.hang_up(phone);
    stage.run(300);
    assert_eq!(end(&stage, 1), Some(None));
    stage.must(stop(Listener::Call(call), 1));
    assert!((7_900..=8_100).contains(&path.read().len()));
    assert_eq!(stage.stat("recordings"), 0);
}

#[test]
fn a_call_is_recorded_in_both_directions_on_two_channels() {
    let mut stage = Stage::new(1);
    let path = Path::new("stereo.wav");
    let phone = stage.call(0);
    let call = stage.phones[phone].call;
    stage.phones[phone].speak(Some(440.0));
    let prompt = std::sync::Arc::new(Prompt::tone("sine:700:60000:-20").unwrap());
    stage.play(phone, &prompt, 1);
    stage.run(100);
    stage.must(MediaCommand::Record {
        recording: RecordingId(1),
        what: Recorded::Call {
            call,
            directions: Directions::Both,
            path: path.0.clone(),
        },
        rate: 8000,
    });
    stage.run(1000);
    stage.must(stop(Listener::Call(call), 1));
    let file = std::fs::read(&path.0).unwrap();
    let samples: Vec<i16> = file[44..]
        .chunks_exact(2)
        .map(|pair| i16::from_le_bytes([pair[0], pair[1]]))
        .collect();
    let side = |side: usize| {
        samples
            .iter()
            .skip(side)
            .step_by(2)
            .copied()
            .collect::<Vec<_>>()
    };
    let (left, right) = (side(0), side(1));
    assert_eq!((left.len(), right.len()), (8000, 8000));
    assert!(is_heard_in(&left, 440.0) && !is_heard_in(&left, 700.0));
    assert!(is_heard_in(&right, 700.0) && !is_heard_in(&right, 440.0));
}

#[test]
fn what_is_said_in_a_pause_is_not_recorded() {
    let mut stage = Stage::new(1);
    let path = Path::new("pause.wav");
    let phone = stage.call(0);
    let call = stage.phones[phone].call;
    stage.phones[phone].speak(Some(440.0));
    stage.run(200);
    stage.must(record(call, 1, Direction::In, &path));
    stage.run(500);
    stage.must(pause(Listener::Call(call), 1, true));
    stage.phones[phone].speak(Some(900.0));
    stage.run(2000);
    stage.phones[phone].speak(Some(1300.0));
    // Until what was said before has come through.
    stage.run(100);
    stage.must(pause(Listener::Call(call), 1, false));
    stage.run(500);
    stage.must(stop(Listener::Call(call), 1));
    let recorded = path.read();
    assert_eq!(recorded.len(), 8000);
    assert!(is_heard_in(&recorded[..3600], 440.0) && is_heard_in(&recorded, 1300.0));
    for part in recorded.chunks_exact(800) {
        assert!(goertzel(part, 8000, 900.0) < -30.0);
    }
}

#[test]
fn any_number_of_recordings_of_one_call_can_be_made_at_once() {
    let mut stage = Stage::new(1);
    let phone = stage.call(0);
    let call = stage.phones[phone].call;
    let paths = [
        Path::new("one.wav"),
        Path::new("two.wav"),
        Path::new("out.wav"),
    ];
    let directions = [Direction::In, Direction::In, Direction::Out];
    for (id, (direction, path)) in (1..).zip(directions.into_iter().zip(&paths)) {
        stage.must(record(call, id, direction, path));
        stage.run(200);
    }
    for (id, (path, length)) in (1..).zip(paths.iter().zip([4800, 4800, 4800])) {
        stage.must(stop(Listener::Call(call), id));
        assert_eq!(path.read().len(), length);
        stage.run(200);
    }
}

#[test]
fn a_file_of_another_rate_is_as_long() {
    let mut stage = Stage::new(1);
    let path = Path::new("rate.wav");
    let phone = stage.call(0);
    let call = stage.phones[phone].call;
    stage.phones[phone].speak(Some(440.0));
    stage.run(100);
    stage.must(MediaCommand::Record {
        recording: RecordingId(1),
        what: Recorded::Call {
            call,
            directions: Directions::One(Direction::In),
            path: path.0.clone(),
        },
        rate: 16_000,
    });
    stage.run(1000);
    stage.must(stop(Listener::Call(call), 1));
    let mut file = wav::Reader::new(File::open(&path.0).unwrap()).unwrap();
    assert_eq!((file.rate(), file.frames().unwrap()), (16_000, 16_000));
    assert!(is_heard_in(&path.read(), 440.0));
}

#[test]
fn a_file_that_cannot_be_made_is_an_error_with_its_path() {
    let mut stage = Stage::new(1);
    let phone = stage.call(0);
    let call = stage.phones[phone].call;
    let path = Path(PathBuf::from("/nonexistent/folder/file.wav"));
    let error = stage.command(record(call, 1, Direction::In, &path));
    let error = error.unwrap_err();
    assert!(
        error.contains("/nonexistent/folder/file.wav: no such file"),
        "{error}"
    );
    let path = std::mem::ManuallyDrop::new(Path(PathBuf::from("/dev/null")));
    let error = stage.command(record(call, 2, Direction::In, &path));
    let error = error.unwrap_err();
    assert!(error.contains("/dev/null: it is not a file"), "{error}");
    let path = Path::new("pipe.wav");
    let made = std::process::Command::new("mkfifo").arg(&path.0).status();
    assert!(made.unwrap().success());
    let error = stage.command(record(call, 3, Direction::In, &path));
    assert!(error.unwrap_err().contains("it is not a file"));
    assert_eq!(stage.stat("recordings"), 0);
}

#[test]
fn recording_a_call_that_does_not_exist_is_an_error() {
    let mut stage = Stage::new(1);
    let path = Path::new("nobody.wav");
    let call = CallId::new(99, 0);
    let error = stage.command(record(call, 1, Direction::In, &path));
    assert!(error.unwrap_err().contains("has no audio"));
    stage.must(stop(Listener::Call(call), 1));
    stage.run(300);
    assert_eq!(stage.stat("recordings"), 0);
}

#[test]
fn raw_g711_is_written_by_the_end_of_the_name() {
    let mut stage = Stage::new(1);
    let phone = stage.call(0);
    let call = stage.phones[phone].call;
    stage.phones[phone].speak(Some(440.0));
    type Decode = fn(&[u8], &mut [i16]) -> usize;
    let kinds: [(&str, Decode); 2] = [
        ("raw.ulaw", g711::decode_ulaw),
        ("raw.AL", g711::decode_alaw),
    ];
    for (number, (name, decode)) in kinds.into_iter().enumerate() {
        let path = Path::new(name);
        let id = number as u64;
        stage.must(record(call, id, Direction::In, &path));
        stage.run(1500);
        // What is not there is silence, in the file's own code.
        stage.phones[phone].speak(None);
        stage.run(3000);
        stage.phones[phone].speak(Some(440.0));
        stage.run(500);
        stage.must(stop(Listener::Call(call), id));
        assert_eq!(end(&stage, id), Some(None));
        let bytes = std::fs::read(&path.0).unwrap();
        assert!((39_700..=40_300).contains(&bytes.len()), "{}", bytes.len());
        let mut samples = vec![0; bytes.len()];
        decode(&bytes, &mut samples);
        assert!(is_heard_in(&samples[..11_000], 440.0));
        assert!(is_heard_in(&samples, 440.0));
        // A-law has no zero; this is its softest.
        assert!(
            samples[16_000..32_000]
                .iter()
                .all(|sample| sample.abs() <= 8)
        );
    }
}

#[test]
fn raw_g711_is_of_one_channel_at_8_khz() {
    let mut stage = Stage::new(1);
    let phone = stage.call(0);
    let call = stage.phones[phone].call;
    let path = Path::new("odd.ulaw");
    for (directions, rate, why) in [
        (
            Directions::One(Direction::In),
            16_000,
            "raw G.711 has 8000 samples a second",
        ),
        (Directions::Both, 8000, "raw G.711 has one channel"),
    ] {
        let said = stage.command(MediaCommand::Record {
            recording: RecordingId(7),
            what: Recorded::Call {
                call,
                directions,
                path: path.0.clone(),
            },
            rate,
        });
        assert!(said.unwrap_err().contains(why));
        assert!(!path.0.exists());
    }
}
