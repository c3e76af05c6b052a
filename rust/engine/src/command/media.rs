//! What is asked of the media workers.

use std::{path::PathBuf, sync::Arc};

use sems_audio::{DelayLine, Gain};

use crate::{
    ids::{CallId, PlayId, RecordingId, RoomId, TapId},
    media::{
        player::{PlayControl, Player},
        prompt::Prompt,
        tap::TapWriter,
    },
};

/// Whom a sound is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Listener {
    /// One call hears it, over what its room says.
    Call(CallId),
    /// All members of the room hear it, over what they say.
    Room(RoomId),
}

/// What of a call a tap or a recording takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    /// What the peer says to us.
    In,
    /// What we send to the peer.
    Out,
}

/// How a room mixes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct RoomSettings {
    /// Quiet and loud talkers are brought to the same level.
    pub level_control: bool,
    /// The noise of each line stays out while nobody speaks there.
    pub noise_gate: bool,
    /// How many talkers are heard at once, up to 32: the loudest; `None`: all.
    pub max_talkers: Option<u8>,
}

/// What a tap hears.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tapped {
    /// One direction of a call.
    Call(CallId, Direction),
    /// What somebody hears in a room who does not speak.
    Room(RoomId),
}

impl Tapped {
    /// Whose worker has it.
    pub fn of(self) -> Listener {
        match self {
            Self::Call(call, _) => Listener::Call(call),
            Self::Room(room) => Listener::Room(room),
        }
    }
}

/// Which directions of a call are recorded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Directions {
    /// One, in mono.
    One(Direction),
    /// Both in stereo: what the peer says on the left, what it hears on the right.
    Both,
}

impl Directions {
    /// One after the other.
    pub fn each(self) -> Vec<Direction> {
        match self {
            Self::One(direction) => vec![direction],
            Self::Both => vec![Direction::In, Direction::Out],
        }
    }
}

/// What is recorded, and where to. Files are made anew.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Recorded {
    /// A call, until it ends.
    Call {
        /// With a leg.
        call: CallId,
        /// Which way.
        directions: Directions,
        /// The file.
        path: PathBuf,
    },
    /// A room, until it is closed. All files begin with the same sample and are of one length.
    Room {
        /// The room.
        room: RoomId,
        /// The file of what is said there, if that is wanted.
        mix: Option<PathBuf>,
        /// The folder, made if it isn't there, for a file `call-ID.wav` of what each member says.
        members: Option<PathBuf>,
    },
}

impl Recorded {
    /// Whose worker has it.
    pub fn of(&self) -> Listener {
        match self {
            Self::Call { call, .. } => Listener::Call(*call),
            Self::Room { room, .. } => Listener::Room(*room),
        }
    }
}

/// What a media worker does.
#[derive(Debug)]
pub enum MediaCommand {
    /// Opens an empty room.
    OpenRoom {
        /// Its id, which names the worker.
        room: RoomId,
    },
    /// Closes a room; legs still in it go each to a room of their own.
    CloseRoom {
        /// Its id.
        room: RoomId,
    },
    /// Moves a call into a room, on whatever worker that is.
    Join {
        /// A call with a leg (answered, or in early media).
        call: CallId,
        /// `None`: a room of its own, in which a call is born.
        room: Option<RoomId>,
    },
    /// The room doesn't hear the call any more (or again).
    Mute {
        /// A call with a leg.
        call: CallId,
        /// On or off.
        on: bool,
    },
    /// How a room mixes.
    SetRoom {
        /// Its id.
        room: RoomId,
        /// From now on.
        settings: RoomSettings,
    },
    /// The call hears nothing of its room any more (or again), only what is played to it.
    Deafen {
        /// A call with a leg.
        call: CallId,
        /// On or off.
        on: bool,
    },
    /// How loud all others hear a call, on top of level control. It stays when the call changes rooms.
    SetGain {
        /// A call with a leg.
        call: CallId,
        /// From [`Gain::MUTE`] to [`Gain::MAX`].
        gain: Gain,
    },
    /// The room doesn't hear the call any more (or again), but those to whom it whispers do
    /// ([`Self::Overhear`]). Ends when the call leaves the room.
    Whisper {
        /// A call with a leg.
        call: CallId,
        /// On or off.
        on: bool,
    },
    /// While `from` whispers, it whispers to the call (or not any more). Ends when either leaves the
    /// room. Errors as in [`Self::SetVolume`].
    Overhear {
        /// Who hears.
        call: CallId,
        /// Who is heard.
        from: CallId,
        /// On or off.
        on: bool,
    },
    /// How loud a call hears another one of its room. Ends when either leaves the room. An error when they
    /// are not in one room, as far as that is known: a room on several workers does not know of all.
    SetVolume {
        /// Who hears.
        call: CallId,
        /// Who is heard.
        from: CallId,
        /// `None`: as the room hears it.
        gain: Option<Gain>,
    },
    /// How loud a call hears its room, but for those that it has a gain for. Ends when it leaves.
    SetRoomVolume {
        /// Who hears.
        call: CallId,
        /// From [`Gain::MUTE`] to [`Gain::MAX`].
        gain: Gain,
    },
    /// Whether a room's [`Event::Levels`](crate::event::Event::Levels) are told. They are from the
    /// start; while nobody looks they are best left out, for each costs Python some of its time.
    WatchLevels {
        /// Its id.
        room: RoomId,
        /// On or off.
        on: bool,
    },
    /// The call hears itself (or not any more), as well as its room.
    Echo {
        /// A call with a leg.
        call: CallId,
        /// On or off.
        on: bool,
        /// How much later; `None`: at once.
        line: Option<Box<DelayLine>>,
    },
    /// Plays prompts one after the other, without a gap, then
    /// [`Event::PlayFinished`](crate::event::Event::PlayFinished). Several playbacks sound together.
    Play {
        /// Who hears it.
        listener: Listener,
        /// Named in `PlayFinished` and `StopPlay`.
        play: PlayId,
        /// What is played; not empty.
        prompts: Vec<Arc<Prompt>>,
        /// How many times the whole list is played; 0: until stopped.
        repeat: u32,
    },
    /// Ends a playback before its time.
    StopPlay {
        /// As in `Play`.
        listener: Listener,
        /// As in `Play`; one that has already ended is no error.
        play: PlayId,
    },
    /// Sends digits to the peer (RFC 4733), 100 ms each, with 100 ms between.
    SendDigits {
        /// A call that negotiated telephone-event.
        call: CallId,
        /// `0-9 * # A-D`
        digits: String,
    },
    /// Begins a playback that has been made ready, such as [`Engine::player`] does; else as `Play`.
    ///
    /// [`Engine::player`]: crate::handle::Engine::player
    Start {
        /// Who hears it.
        listener: Listener,
        /// The playback.
        player: Box<Player>,
    },
    /// Holds a playback, lets it go on, or takes it elsewhere. One that has ended is no error.
    ControlPlay {
        /// As in `Play`.
        listener: Listener,
        /// As in `Play`.
        play: PlayId,
        /// What is done.
        control: PlayControl,
    },
    /// Copies audio into a ring, each 20 ms. Who waits for it is told by
    /// [`Event::TapReady`](crate::event::Event::TapReady).
    Tap {
        /// What is heard.
        of: Tapped,
        /// Named in `TapReady`.
        tap: TapId,
        /// The ring; dropping its readers ends the tap.
        writer: TapWriter,
    },
    /// Writes audio to WAV files, until `StopRecord` or the end of what is recorded, which is told by
    /// [`Event::Recorded`](crate::event::Event::Recorded).
    Record {
        /// Its id.
        recording: RecordingId,
        /// What is recorded, and where to.
        what: Recorded,
        /// Samples a second of the files, 1000–768000.
        rate: u32,
    },
    /// Leaves out what is heard from now on, or no longer.
    PauseRecord {
        /// What is recorded.
        of: Listener,
        /// As in `Record`; one that has already ended is no error.
        recording: RecordingId,
        /// Pause, or go on.
        on: bool,
    },
    /// Ends a recording; done when its files are complete.
    StopRecord {
        /// What is recorded.
        of: Listener,
        /// As in `Record`; one that has already ended is no error.
        recording: RecordingId,
    },
}

impl MediaCommand {
    /// The call or the room that it is about: the worker who has it carries it out.
    pub(crate) fn about(&self) -> Listener {
        match self {
            Self::OpenRoom { room }
            | Self::CloseRoom { room }
            | Self::SetRoom { room, .. }
            | Self::WatchLevels { room, .. } => Listener::Room(*room),
            Self::Play { listener, .. }
            | Self::Start { listener, .. }
            | Self::ControlPlay { listener, .. }
            | Self::StopPlay { listener, .. } => *listener,
            Self::Tap { of, .. } => of.of(),
            Self::Record { what, .. } => what.of(),
            Self::PauseRecord { of, .. } | Self::StopRecord { of, .. } => *of,
            Self::Join { call, .. }
            | Self::Mute { call, .. }
            | Self::Echo { call, .. }
            | Self::Deafen { call, .. }
            | Self::SetGain { call, .. }
            | Self::Whisper { call, .. }
            | Self::Overhear { call, .. }
            | Self::SetVolume { call, .. }
            | Self::SetRoomVolume { call, .. }
            | Self::SendDigits { call, .. } => Listener::Call(*call),
        }
    }
}
