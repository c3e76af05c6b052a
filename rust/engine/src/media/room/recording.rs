//! What is recorded of a room.

use std::sync::Arc;

use super::Room;
use crate::{
    command::Direction,
    ids::{CallId, RecordingId},
    media::{
        message::{ToFiles, Trash},
        tap::{Purpose, TapWriter},
    },
};

/// A recording of a room.
#[derive(Clone, Debug)]
pub(in crate::media) struct RoomRecording {
    pub(in crate::media) id: RecordingId,
    /// Each member gets a file.
    pub(in crate::media) members: bool,
    /// Shows the file thread that the room is still there.
    pub(in crate::media) _alive: Arc<()>,
}

impl Room {
    /// Records the mix into a ring, if there is one, and has rings made for all members.
    pub(in crate::media) fn begin_recording(
        &mut self,
        recording: RoomRecording,
        mix: Option<TapWriter>,
        trash: &Trash,
    ) {
        if let Some(writer) = mix {
            let purpose = Purpose::Mix(recording.id);
            self.sinks.add(Direction::Out, purpose, writer);
        }
        if recording.members {
            for leg in &self.legs {
                tell(&recording, leg.call(), trash);
            }
        }
        self.recordings.push(recording);
    }

    /// Has a ring made for somebody who comes, where members are recorded.
    pub(in crate::media) fn record_member(&self, call: CallId, trash: &Trash) {
        let recordings = self.recordings.iter();
        for recording in recordings.filter(|recording| recording.members) {
            tell(recording, call, trash);
        }
    }

    /// Whether members get a file of this recording.
    pub(in crate::media) fn records_members(&self, id: RecordingId) -> bool {
        self.recordings
            .iter()
            .any(|recording| recording.id == id && recording.members)
    }

    /// Records no more.
    pub(in crate::media) fn end_recording(&mut self, id: RecordingId, trash: &Trash) {
        self.recordings.retain(|recording| recording.id != id);
        self.sinks.end(id, trash);
        for leg in &mut self.legs {
            leg.sinks.end(id, trash);
        }
    }
}

fn tell(recording: &RoomRecording, call: CallId, trash: &Trash) {
    let message = ToFiles::Member {
        recording: recording.id,
        call,
    };
    // Who comes while the file threads are overrun by thousands of messages stays silent in the
    // recording; the others go on.
    let _ = trash.tell(message);
}
