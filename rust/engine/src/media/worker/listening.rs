//! Taps and recordings: who gets what is heard here.

use std::time::Instant;

use super::{
    ToFiles, ToWorker, Waste, Worker,
    commands::{no_leg, no_room},
};
use crate::{
    command::{Direction, Listener, Tapped},
    ids::{CallId, RecordingId, RequestId, RoomId, TapId},
    media::{
        room::{Room, RoomRecording},
        tap::{Purpose, TapWriter},
    },
};

impl Worker {
    pub(super) fn tap(&mut self, of: Tapped, tap: TapId, writer: TapWriter) -> Result<(), String> {
        let purpose = Purpose::Tap(tap);
        match of {
            Tapped::Call(call, direction) => {
                let leg = self.leg(call).ok_or_else(|| no_leg(call))?;
                leg.add_sink(direction, purpose, writer);
            }
            Tapped::Room(room) => {
                let found = self.room(room).ok_or_else(|| no_room(room))?;
                found.sinks.add(Direction::Out, purpose, writer);
            }
        }
        Ok(())
    }

    pub(super) fn record_call(
        &mut self,
        request: RequestId,
        recording: RecordingId,
        call: CallId,
        writers: Vec<(Direction, TapWriter)>,
    ) {
        let result = match self.leg(call) {
            None => Err(no_leg(call)),
            Some(leg) => {
                for (direction, writer) in writers {
                    leg.add_sink(direction, Purpose::Call(recording), writer);
                }
                Ok(())
            }
        };
        self.done(request, result.err());
    }

    pub(super) fn record_room(
        &mut self,
        request: RequestId,
        room: RoomId,
        recording: RoomRecording,
        mix: Option<TapWriter>,
        now: Instant,
    ) {
        let key = self.names.get(&room);
        let Some(found) = key.and_then(|key| self.rooms.get_mut(*key)) else {
            let at = self.tools.wall.since_start(now);
            self.end_recording(recording.id, at);
            return self.done(request, Some(no_room(room)));
        };
        found.begin_recording(recording.clone(), mix, &self.tools.trash);
        if let Some(&key) = key {
            self.tell_parts(key, |room| ToWorker::RecordPart(room, recording.clone()));
        }
        self.done(request, None);
    }

    pub(super) fn record_member(
        &mut self,
        recording: RecordingId,
        call: CallId,
        writer: TapWriter,
    ) {
        let place = self.calls.get(&call);
        if let Some(super::Place::Here(key, index)) = place
            && let Some(room) = self.rooms.get_mut(*key)
            && room.records_members(recording)
        {
            let sinks = &mut room.legs[*index].sinks;
            sinks.add(Direction::In, Purpose::Member(recording), writer);
        } else {
            // It has left before its file was ready.
            self.tools.trash.put(Waste::Tap(writer));
        }
    }

    /// Takes a recording away from whom it is of.
    pub(super) fn let_go(&mut self, of: Listener, recording: RecordingId) {
        match of {
            Listener::Call(call) => {
                if let Some(&super::Place::Here(key, index)) = self.calls.get(&call)
                    && let Some(room) = self.rooms.get_mut(key)
                {
                    room.legs[index].sinks.end(recording, &self.tools.trash);
                }
            }
            Listener::Room(room) => {
                if let Some(&key) = self.names.get(&room) {
                    self.tell_parts(key, |room| ToWorker::EndRecordPart(room, recording));
                }
                self.let_go_part(room, recording);
            }
        }
    }

    /// The same for the part of a room that is on this worker.
    pub(super) fn let_go_part(&mut self, room: RoomId, recording: RecordingId) {
        let key = self.names.get(&room);
        if let Some(room) = key.and_then(|key| self.rooms.get_mut(*key)) {
            room.end_recording(recording, &self.tools.trash);
        }
    }

    /// Records the members of a room that are on this worker.
    pub(super) fn record_part(&mut self, room: RoomId, recording: RoomRecording) {
        let key = self.names.get(&room);
        if let Some(room) = key.and_then(|key| self.rooms.get_mut(*key)) {
            room.begin_recording(recording, None, &self.tools.trash);
        }
    }

    /// A room is given up, and its recordings with it, at a time since the media's start.
    pub(super) fn end_recordings(&mut self, room: &mut Room, at: u64) {
        while let Some(recording) = room.recordings.pop() {
            self.end_recording(recording.id, at);
        }
    }

    fn end_recording(&mut self, recording: RecordingId, at: u64) {
        let message = ToFiles::StopRecord {
            request: None,
            recording,
            at,
        };
        // A file thread that is overrun sees before long that the room is gone.
        let _ = self.tools.trash.tell(message);
    }
}
