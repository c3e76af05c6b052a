//! Everything that Python may ask of the engine.
//!
//! A command goes on the queue of the thread that owns what it speaks of and is answered by one
//! [`Event::Done`](crate::event::Event::Done) with the same [`RequestId`].

mod media;
mod signaling;

pub use sems_audio::{DelayLine, Gain};
pub use sems_sdp::Direction as StreamDirection;

pub use self::{
    media::{Direction, Directions, Listener, MediaCommand, Recorded, RoomSettings, Tapped},
    signaling::{Dial, DigitWay, HeaderList, RING_TIMEOUT, SignalingCommand, Takes},
};
use crate::ids::RequestId;

/// A command with the id under which its completion is told.
#[derive(Debug)]
pub struct Command {
    /// Returned in [`Event::Done`](crate::event::Event::Done).
    pub request: RequestId,
    /// What is to be done, and by whom.
    pub verb: Verb,
}

/// Who carries a command out.
#[derive(Debug)]
pub enum Verb {
    /// The signaling thread.
    Signaling(SignalingCommand),
    /// The media worker that is home to the call or room.
    Media(MediaCommand),
}
