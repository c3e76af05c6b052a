//! Who gets what a leg or a room has to be heard.

use sems_audio::Rate;

use super::TapWriter;
use crate::{
    command::Direction,
    event::Event,
    ids::{RecordingId, TapId},
    media::message::{Trash, Waste},
    outbox::Outbox,
};

/// What a ring is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::media) enum Purpose {
    /// Somebody listens, and may wait to be told.
    Tap(TapId),
    /// The recording of a call, which goes with it wherever it goes.
    Call(RecordingId),
    /// The recording of what a room's member says to the room, which stays with the room.
    Member(RecordingId),
    /// The recording of a room's mix.
    Mix(RecordingId),
}

/// One ring.
#[derive(Debug)]
struct Sink {
    direction: Direction,
    purpose: Purpose,
    writer: TapWriter,
}

/// All rings of a leg or of a room, which has but one direction, out.
#[derive(Debug, Default)]
pub(in crate::media) struct Sinks(Vec<Sink>);

impl Sinks {
    pub(in crate::media) fn add(
        &mut self,
        direction: Direction,
        purpose: Purpose,
        writer: TapWriter,
    ) {
        self.0.push(Sink {
            direction,
            purpose,
            writer,
        });
    }

    pub(in crate::media) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether anybody gets this direction.
    pub(in crate::media) fn want(&self, wanted: Direction) -> bool {
        self.0.iter().any(|sink| sink.direction == wanted)
    }

    /// Gives a tick's samples, `at` nanoseconds since the media's start, to all who get `direction`.
    pub(in crate::media) fn write(
        &mut self,
        direction: Direction,
        samples: &[i16],
        rate: u32,
        at: u64,
    ) {
        for sink in self.0.iter_mut().filter(|sink| sink.direction == direction) {
            sink.writer.write(samples, rate, at);
        }
    }

    /// Gives what a peer says in a tick. The recording of a room's member has silence for what the
    /// room does not hear (`hidden`).
    pub(in crate::media) fn write_heard(
        &mut self,
        heard: &[i16],
        rate: Rate,
        at: u64,
        hidden: bool,
    ) {
        for sink in self
            .0
            .iter_mut()
            .filter(|sink| sink.direction == Direction::In)
        {
            let hidden = hidden && matches!(sink.purpose, Purpose::Member(_));
            let samples = if hidden { rate.silence() } else { heard };
            sink.writer.write(samples, rate.hz(), at);
        }
    }

    /// Tells those who wait for what they have by now.
    pub(in crate::media) fn tell(&self, outbox: &mut Outbox) {
        for sink in &self.0 {
            if let Purpose::Tap(tap) = sink.purpose {
                sink.writer
                    .tell_waiting(|| outbox.offer(Event::TapReady { tap }));
            }
        }
    }

    /// Nothing more comes, which those are told who listen.
    pub(in crate::media) fn finish(&self, outbox: &mut Outbox) {
        for sink in &self.0 {
            sink.writer.finish();
            if let Purpose::Tap(tap) = sink.purpose {
                outbox.tell(Event::TapReady { tap });
            }
        }
    }

    /// Lets go of those that nobody reads any more.
    pub(in crate::media) fn clean(&mut self, trash: &Trash) {
        self.drop_all(trash, |sink| sink.writer.is_abandoned());
    }

    /// Lets go of a recording.
    pub(in crate::media) fn end(&mut self, recording: RecordingId, trash: &Trash) {
        self.drop_all(trash, |sink| match sink.purpose {
            Purpose::Tap(_) => false,
            Purpose::Call(id) | Purpose::Member(id) | Purpose::Mix(id) => id == recording,
        });
    }

    /// Lets go of what stays with the room.
    pub(in crate::media) fn leave(&mut self, trash: &Trash) {
        self.drop_all(trash, |sink| matches!(sink.purpose, Purpose::Member(_)));
    }

    fn drop_all(&mut self, trash: &Trash, done: impl Fn(&Sink) -> bool) {
        while let Some(index) = self.0.iter().position(&done) {
            trash.put(Waste::Tap(self.0.swap_remove(index).writer));
        }
    }
}
