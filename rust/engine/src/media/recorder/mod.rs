//! Recordings: from the rings of ticks to WAV files (or raw G.711) that are valid at any time.
//!
//! A recording is one [`Timeline`] and any number of files. Each frame comes with the time of its
//! tick, and has its place in the file by that alone: whatever is lost, late or not there is
//! silence, and all files of a recording are of one length, whichever workers filled them.

mod output;
mod timeline;
mod track;

use std::{path::PathBuf, sync::Arc};

use sems_audio::SAMPLE_RATE;

use self::{
    timeline::Timeline,
    track::{Track, Whose},
};
use super::tap::{TapWriter, tap};
use crate::{
    command::{Direction, Recorded},
    error,
    ids::{CallId, RecordingId, RequestId, RoomId},
};

/// How long the disk may take a rest without a sample being lost.
const RING_SECONDS: u32 = 4;
/// Samples of a tick in a file.
const fn per_tick(rate: u32) -> u64 {
    rate as u64 / 50
}

/// The rings that a worker is to fill.
#[derive(Debug)]
pub(super) enum Rings {
    /// Of a call.
    Call(CallId, Vec<(Direction, TapWriter)>),
    /// Of a room: the mix, if that is wanted, whether all members are recorded, and what shows that
    /// the room is still there.
    Room(RoomId, Option<TapWriter>, bool, Arc<()>),
}

/// A recording that is under way.
pub(super) struct Recording {
    pub(super) id: RecordingId,
    rate: u32,
    /// Where the files of members are.
    folder: Option<PathBuf>,
    timeline: Timeline,
    tracks: Vec<Track>,
    /// Only ours is left when the room is gone.
    room: Option<Arc<()>>,
    /// Frames of this have to come before the files are complete: the time of a stop.
    stop: Option<u64>,
    /// Who waits for the files to be complete.
    pub(super) waiting: Option<RequestId>,
    /// Samples that were lost because the disk did not keep up.
    pub(super) lost: u64,
}

/// How a recording stands.
pub(super) enum Progress {
    /// More will come.
    Continues,
    /// The files are complete, or (with the reason) as complete as they will ever be.
    Ended(Result<(), String>),
}

impl Recording {
    /// Makes the files, and the rings that a worker is to fill. It begins at `now`, in nanoseconds
    /// since the media's start.
    pub(super) fn open(
        id: RecordingId,
        what: Recorded,
        rate: u32,
        now: u64,
    ) -> Result<(Self, Rings), String> {
        let mut recording = Self {
            id,
            rate,
            folder: None,
            timeline: Timeline::new(now),
            tracks: Vec::new(),
            room: None,
            stop: None,
            waiting: None,
            lost: 0,
        };
        let rings = match what {
            Recorded::Call {
                call,
                directions,
                path,
            } => {
                let directions = directions.each();
                let (writers, readers) =
                    directions.iter().map(|_| ring()).unzip::<_, _, Vec<_>, _>();
                let track = Track::create(Whose::Call, path, rate, readers)?;
                recording.tracks.push(track);
                Rings::Call(call, directions.iter().copied().zip(writers).collect())
            }
            Recorded::Room { room, mix, members } => {
                if let Some(folder) = &members {
                    std::fs::create_dir_all(folder).map_err(|error| {
                        format!("{}: {}", folder.display(), error::reason(&error))
                    })?;
                }
                let mix = match mix {
                    None => None,
                    Some(path) => {
                        let (writer, reader) = ring();
                        let track = Track::create(Whose::Mix, path, rate, vec![reader])?;
                        recording.tracks.push(track);
                        Some(writer)
                    }
                };
                let each = members.is_some();
                recording.folder = members;
                let alive = Arc::new(());
                recording.room = Some(alive.clone());
                Rings::Room(room, mix, each, alive)
            }
        };
        Ok((recording, rings))
    }

    /// A member has come to the room: its file and the ring for it.
    pub(super) fn admit(&mut self, call: CallId) -> Result<TapWriter, String> {
        let Some(folder) = &self.folder else {
            return Err("the members of the room are not recorded".to_owned());
        };
        let (writer, reader) = ring();
        let whose = Whose::Member(call);
        match self.tracks.iter_mut().find(|track| track.whose == whose) {
            Some(track) => track.resume(reader, &mut self.timeline),
            None => {
                let path = folder.join(format!("call-{call}.wav"));
                let track = Track::create(whose, path, self.rate, vec![reader])?;
                self.tracks.push(track);
            }
        }
        Ok(writer)
    }

    /// Leaves out what is heard from `at` on, or no longer.
    pub(super) fn pause(&mut self, on: bool, at: u64) {
        self.timeline.pause(on, at);
    }

    /// Ends it with what was heard before `at`; that is in the rings already.
    pub(super) fn stop(&mut self, at: u64, waiting: Option<RequestId>) {
        self.stop = Some(at);
        self.waiting = waiting;
        self.mark();
    }

    /// Whether it has been told to stop.
    pub(super) fn is_stopped(&self) -> bool {
        self.stop.is_some()
    }

    /// Takes note of what has come so far, of which [`Recording::step`] takes all and no more: so
    /// nothing gets into a pause that was told of later.
    pub(super) fn mark(&mut self) {
        self.tracks.iter_mut().for_each(Track::mark);
    }

    /// Writes what had come at the last mark.
    pub(super) fn step(&mut self) -> Progress {
        let result = self.advance();
        if result.is_err() {
            self.tracks.iter_mut().for_each(Track::salvage);
        }
        match result {
            Ok(false) => Progress::Continues,
            Ok(true) => Progress::Ended(Ok(())),
            Err(error) => Progress::Ended(Err(error)),
        }
    }

    /// `true`: it has ended.
    fn advance(&mut self) -> Result<bool, String> {
        for track in &mut self.tracks {
            self.lost += track.read(&mut self.timeline);
        }
        let is_over = match &self.room {
            Some(room) => Arc::strong_count(room) == 1,
            None => !self.tracks.iter().any(Track::is_live),
        };
        let mut end = self.tracks.iter().map(Track::end).max().unwrap_or(0);
        if let Some(at) = self.stop {
            end = end.max(self.timeline.length(at) * per_tick(self.rate));
        }
        let done = is_over || self.stop.is_some();
        for track in &mut self.tracks {
            if done {
                track.finish(end)?;
                continue;
            }
            if !track.is_live() {
                track.pad(end);
            }
            track.write()?;
        }
        Ok(done)
    }
}

fn ring() -> (TapWriter, super::tap::TapReader) {
    tap(RING_SECONDS, SAMPLE_RATE)
}
