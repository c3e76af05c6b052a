//! Verbs for what is played, heard and recorded.

use std::{path::PathBuf, time::Duration};

use pyo3::{exceptions::PyValueError, prelude::*};
use sems_engine::{
    command::{Directions, MediaCommand, Recorded, Tapped},
    ids::{CallId, PlayId, RecordingId, RoomId},
    media::player::{PlayControl, Player},
};

use crate::{
    audio::{Feed, Tap, seconds},
    convert,
    engine::Engine,
    errors::to_python,
    prompt::{Progress, Prompt},
};

impl Engine {
    fn control_play(
        &self,
        play: u64,
        call: Option<u64>,
        room: Option<u64>,
        control: PlayControl,
    ) -> PyResult<u64> {
        let listener = convert::listener(call, room)?;
        self.media(MediaCommand::ControlPlay {
            listener,
            play: PlayId(play),
            control,
        })
    }

    fn record(&self, what: Recorded, rate: u32) -> PyResult<(u64, u64)> {
        if !(1000..=768_000).contains(&rate) {
            return Err(PyValueError::new_err(format!(
                "rate: {rate} Hz is not between 1000 and 768000"
            )));
        }
        let recording = self.0.new_recording();
        let request = self.media(MediaCommand::Record {
            recording,
            what,
            rate,
        })?;
        Ok((request, recording.0))
    }
}

#[pymethods]
impl Engine {
    /// Reads a file on a file thread; ends in Event.PromptLoaded or in Event.Done with an error.
    fn load_prompt(&self, path: PathBuf) -> PyResult<u64> {
        let request = self.0.load_prompt(path).map_err(to_python)?;
        Ok(request.0)
    }

    /// The sound of a file that was read before and has not changed since.
    fn ready_prompt(&self, py: Python<'_>, path: PathBuf) -> Option<Prompt> {
        py.detach(|| self.0.ready_prompt(&path)).map(Prompt)
    }

    /// To exactly one of call and room; returns (request, play, progress). ``repeat=0``: until stopped.
    #[pyo3(signature = (prompts, *, call = None, room = None, repeat = 1))]
    fn play(
        &self,
        prompts: Vec<PyRef<'_, Prompt>>,
        call: Option<u64>,
        room: Option<u64>,
        repeat: u32,
    ) -> PyResult<(u64, u64, Progress)> {
        let listener = convert::listener(call, room)?;
        if prompts.is_empty() {
            return Err(PyValueError::new_err("prompts: there is nothing to play"));
        }
        let prompts = prompts.iter().map(|prompt| prompt.0.clone()).collect();
        let play = self.0.new_play();
        let player = self.0.player(play, prompts, repeat).map_err(to_python)?;
        let progress = Progress(player.progress());
        let request = self.media(MediaCommand::Start { listener, player })?;
        Ok((request, play.0, progress))
    }

    #[pyo3(signature = (play, *, call = None, room = None))]
    fn stop_play(&self, play: u64, call: Option<u64>, room: Option<u64>) -> PyResult<u64> {
        let listener = convert::listener(call, room)?;
        self.media(MediaCommand::StopPlay {
            listener,
            play: PlayId(play),
        })
    }

    /// Holds a playback, or lets it go on.
    #[pyo3(signature = (play, on, *, call = None, room = None))]
    fn pause_play(
        &self,
        play: u64,
        on: bool,
        call: Option<u64>,
        room: Option<u64>,
    ) -> PyResult<u64> {
        let control = match on {
            true => PlayControl::Pause,
            false => PlayControl::Resume,
        };
        self.control_play(play, call, room, control)
    }

    /// Takes a playback to a time since the beginning of its list.
    #[pyo3(signature = (play, position, *, call = None, room = None))]
    fn seek_play(
        &self,
        play: u64,
        position: f64,
        call: Option<u64>,
        room: Option<u64>,
    ) -> PyResult<u64> {
        let control = PlayControl::Seek(seconds("position", position)?);
        self.control_play(play, call, room, control)
    }

    /// Begins a playback that is written while it sounds, of which up to ``limit`` seconds may wait;
    /// returns (request, play, feed).
    #[pyo3(signature = (*, call = None, room = None, limit = 60.0))]
    fn feed(&self, call: Option<u64>, room: Option<u64>, limit: f64) -> PyResult<(u64, u64, Feed)> {
        let listener = convert::listener(call, room)?;
        let limit = seconds("limit", limit)?.max(Duration::from_millis(20));
        let play = self.0.new_play();
        let (player, feed) = Player::feed(play, limit);
        let player = Box::new(player);
        let request = self.media(MediaCommand::Start { listener, player })?;
        Ok((request, play.0, Feed::new(feed)))
    }

    /// Of exactly one of call and room, whose direction is that of who listens there; returns (request,
    /// tap id, tap). ``rate``: samples a second of what is read.
    #[pyo3(signature = (call = None, direction = "in", *, room = None, rate = 8000))]
    fn tap(
        &self,
        call: Option<u64>,
        direction: &str,
        room: Option<u64>,
        rate: u32,
    ) -> PyResult<(u64, u64, Tap)> {
        let direction = convert::direction(direction)?;
        let of = match (call, room) {
            (Some(call), None) => Tapped::Call(CallId(call), direction),
            (None, Some(room)) => Tapped::Room(RoomId(room)),
            _ => {
                return Err(PyValueError::new_err(
                    "exactly one of call and room is to be given",
                ));
            }
        };
        let (writer, reader) = Tap::new(rate)?;
        let tap = self.0.new_tap();
        let request = self.media(MediaCommand::Tap { of, tap, writer })?;
        Ok((request, tap.0, reader))
    }

    /// Records a call; returns (request, recording). ``direction``: in, out, or both on two channels.
    #[pyo3(signature = (call, path, direction = "in", rate = 8000))]
    fn record_call(
        &self,
        call: u64,
        path: PathBuf,
        direction: &str,
        rate: u32,
    ) -> PyResult<(u64, u64)> {
        let directions = match direction {
            "both" => Directions::Both,
            one => Directions::One(convert::direction(one)?),
        };
        let call = CallId(call);
        self.record(
            Recorded::Call {
                call,
                directions,
                path,
            },
            rate,
        )
    }

    /// Records a room: what is said there into the file ``mix``, what each member says into the folder
    /// ``members``; returns (request, recording).
    #[pyo3(signature = (room, mix = None, members = None, rate = 8000))]
    fn record_room(
        &self,
        room: u64,
        mix: Option<PathBuf>,
        members: Option<PathBuf>,
        rate: u32,
    ) -> PyResult<(u64, u64)> {
        if mix.is_none() && members.is_none() {
            return Err(PyValueError::new_err("there is nothing to record"));
        }
        let room = RoomId(room);
        self.record(Recorded::Room { room, mix, members }, rate)
    }

    /// Leaves out what is heard from now on, or no longer.
    #[pyo3(signature = (recording, on, *, call = None, room = None))]
    fn pause_record(
        &self,
        recording: u64,
        on: bool,
        call: Option<u64>,
        room: Option<u64>,
    ) -> PyResult<u64> {
        let of = convert::listener(call, room)?;
        let recording = RecordingId(recording);
        self.media(MediaCommand::PauseRecord { of, recording, on })
    }

    /// Ends a recording; done when its files are complete.
    #[pyo3(signature = (recording, *, call = None, room = None))]
    fn stop_record(&self, recording: u64, call: Option<u64>, room: Option<u64>) -> PyResult<u64> {
        let of = convert::listener(call, room)?;
        let recording = RecordingId(recording);
        self.media(MediaCommand::StopRecord { of, recording })
    }
}
