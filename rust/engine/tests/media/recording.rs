//! Taps, recordings, and prompts from files.

use std::{fs::File, path::PathBuf};

use sems_audio::{dtmf::goertzel, wav};
use sems_engine::{
    command::{Direction, MediaCommand},
    event::Event,
    ids::RequestId,
    media::tap::tap,
};

use crate::stage::Stage;

/// A path for a file of one test.
fn path(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    folder.join(format!("{}-{name}.wav", std::process::id()))
}

fn read(path: &PathBuf) -> Vec<i16> {
    wav::read(File::open(path).unwrap(), 8000).unwrap()
}

fn is_heard_in(samples: &[i16], hz: f32) -> bool {
    goertzel(&samples[samples.len() - 3200..], 8000, hz) > -23.0
}

#[test]
fn a_tap_hears_one_direction_each_tick() {
    let mut stage = Stage::new(1);
    let (_, phones) = stage.conference(&[440.0, 700.0]);
    let call = stage.phones[phones[0]].call;
    let mut readers = [Direction::In, Direction::Out].map(|direction| {
        let (writer, reader) = tap(2);
        stage.must(MediaCommand::Tap {
            call,
            direction,
            writer,
        });
        reader
    });
    stage.run(1000);
    for (reader, (there, not_there)) in readers.iter_mut().zip([(440.0, 700.0), (700.0, 440.0)]) {
        let mut heard = Vec::new();
        reader.read(&mut heard);
        assert!((7840..=8160).contains(&heard.len()), "{}", heard.len());
        assert!(is_heard_in(&heard, there) && !is_heard_in(&heard, not_there));
    }
    drop(readers);
    stage.run(500);
    stage.hang_up(phones[0]);
}

#[test]
fn the_reader_of_a_tap_sees_the_call_end() {
    let mut stage = Stage::new(1);
    let phone = stage.call(0);
    let call = stage.phones[phone].call;
    let (writer, reader) = tap(2);
    let direction = Direction::In;
    stage.must(MediaCommand::Tap {
        call,
        direction,
        writer,
    });
    stage.run(100);
    assert!(!reader.is_finished());
    stage.hang_up(phone);
    assert!(reader.is_finished());
}

#[test]
fn a_recording_is_complete_when_its_stop_is_done() {
    let mut stage = Stage::new(2);
    let path = path("complete");
    let phone = stage.call(0);
    let room = stage.room(1);
    stage.phones[phone].speak(Some(440.0));
    let call = stage.phones[phone].call;
    let direction = Direction::In;
    stage.run(200);
    stage.must(MediaCommand::Record {
        call,
        direction,
        path: path.clone(),
    });
    stage.run(1000);
    // A recording moves with its call.
    stage.join(phone, room);
    stage.run(1000);
    stage.must(MediaCommand::StopRecord { call, direction });
    let recorded = read(&path);
    assert!(
        (15_700..=16_300).contains(&recorded.len()),
        "{}",
        recorded.len()
    );
    assert!(is_heard_in(&recorded, 440.0));
    stage.run(500);
    assert_eq!(read(&path).len(), recorded.len());
    std::fs::remove_file(path).unwrap();
}

#[test]
fn a_recording_is_a_valid_file_at_any_time() {
    let mut stage = Stage::new(1);
    let path = path("valid");
    let phone = stage.call(0);
    let call = stage.phones[phone].call;
    let direction = Direction::Out;
    stage.must(MediaCommand::Record {
        call,
        direction,
        path: path.clone(),
    });
    assert_eq!(read(&path).len(), 0);
    stage.run(2500);
    assert!(read(&path).len() >= 8_000);
    std::fs::remove_file(path).unwrap();
}

#[test]
fn a_recording_ends_with_its_call() {
    let mut stage = Stage::new(1);
    let path = path("hangup");
    let phone = stage.call(0);
    let call = stage.phones[phone].call;
    let direction = Direction::In;
    stage.must(MediaCommand::Record {
        call,
        direction,
        path: path.clone(),
    });
    stage.run(1000);
    stage.hang_up(phone);
    stage.must(MediaCommand::StopRecord { call, direction });
    assert!((7_800..=8_200).contains(&read(&path).len()));
    std::fs::remove_file(path).unwrap();
}

#[test]
fn both_directions_can_be_recorded_at_once_but_each_only_once() {
    let mut stage = Stage::new(1);
    let phone = stage.call(0);
    let call = stage.phones[phone].call;
    let paths = [path("both-in"), path("both-out")];
    for (direction, path) in [Direction::In, Direction::Out].into_iter().zip(&paths) {
        let record = || MediaCommand::Record {
            call,
            direction,
            path: path.clone(),
        };
        stage.must(record());
        assert!(stage.command(record()).unwrap_err().contains("already"));
    }
    for (direction, path) in [Direction::In, Direction::Out].into_iter().zip(paths) {
        stage.must(MediaCommand::StopRecord { call, direction });
        std::fs::remove_file(path).unwrap();
    }
}

#[test]
fn a_file_that_cannot_be_made_is_an_error_with_its_path() {
    let mut stage = Stage::new(1);
    let phone = stage.call(0);
    let call = stage.phones[phone].call;
    let direction = Direction::In;
    let path = PathBuf::from("/nonexistent/folder/file.wav");
    let error = stage
        .command(MediaCommand::Record {
            call,
            direction,
            path,
        })
        .unwrap_err();
    assert!(
        error.contains("/nonexistent/folder/file.wav: no such file"),
        "{error}"
    );
}

#[test]
fn recording_a_call_that_does_not_exist_is_an_error() {
    let mut stage = Stage::new(1);
    let path = path("nobody");
    let call = sems_engine::ids::CallId::new(99, 0);
    let direction = Direction::In;
    let record = MediaCommand::Record {
        call,
        direction,
        path: path.clone(),
    };
    assert!(stage.command(record).unwrap_err().contains("has no audio"));
    stage.must(MediaCommand::StopRecord { call, direction });
    std::fs::remove_file(path).unwrap();
}

#[test]
fn a_prompt_is_read_from_a_file() {
    let mut stage = Stage::new(1);
    let path = path("prompt");
    let mut file = wav::Writer::new(File::create(&path).unwrap(), 16_000).unwrap();
    file.write(&[1000; 32_000]).unwrap();
    file.flush().unwrap();
    stage
        .handle
        .load_prompt(RequestId(1), path.clone())
        .unwrap();
    stage.settle();
    let [
        Event::PromptLoaded {
            request: RequestId(1),
            prompt,
        },
    ] = &stage.events[..]
    else {
        panic!("{:?}", stage.events);
    };
    assert_eq!(prompt.duration().as_secs(), 2);
    std::fs::remove_file(path).unwrap();
}

#[test]
fn a_prompt_that_cannot_be_read_is_an_error_with_its_path() {
    let mut stage = Stage::new(1);
    let not_a_sound = path("text");
    std::fs::write(&not_a_sound, "hello").unwrap();
    for (number, path) in [not_a_sound.clone(), PathBuf::from("/nonexistent.wav")]
        .into_iter()
        .enumerate()
    {
        let request = RequestId(100 + number as u64);
        stage.handle.load_prompt(request, path.clone()).unwrap();
        let error = stage.completion(request).unwrap_err();
        assert!(error.starts_with(&path.display().to_string()), "{error}");
    }
    std::fs::remove_file(not_a_sound).unwrap();
}
