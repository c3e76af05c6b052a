//! What the threads of the media send each other.

use std::{
    cell::Cell,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use crossbeam_channel::Sender;
use sems_audio::{DelayLine, Personal, Rate};

use super::{
    exchange::Link,
    files::{FilesInbox, Reading},
    leg::{Edge, Leg, LegUpdate},
    player::Player,
    room::{Room, RoomRecording, parts::Parts},
    tap::TapWriter,
};
use crate::{
    command::{Direction, MediaCommand, Recorded, RoomSettings},
    ids::{CallId, PlayId, RecordingId, RequestId, RoomId},
    queue::Wake,
};

/// Messages that can wait for a worker or for a file thread.
pub(super) const INBOX: usize = 4096;

/// To a worker.
pub(super) enum ToWorker {
    /// A new call's leg, which begins in a room of its own.
    Open(Box<Leg>),
    /// A call has agreed on something else.
    Update(CallId, Box<LegUpdate>),
    /// The call's peer pressed a key for so long, as its signaling says.
    Pressed(CallId, char, Duration),
    /// A call is over.
    Close(CallId),
    /// Something that Python wants.
    Command(RequestId, MediaCommand),
    /// The file has been opened for a recording of a call.
    RecordCall {
        request: RequestId,
        recording: RecordingId,
        call: CallId,
        writers: Vec<(Direction, TapWriter)>,
    },
    /// The files have been opened for a recording of a room.
    RecordRoom {
        request: RequestId,
        room: RoomId,
        recording: RoomRecording,
        mix: Option<TapWriter>,
    },
    /// The file has been opened for a member of a room that is recorded.
    RecordMember {
        recording: RecordingId,
        call: CallId,
        writer: TapWriter,
    },
    /// A leg comes to a room of this worker's.
    Arrive {
        request: RequestId,
        leg: Box<Leg>,
        room: RoomId,
    },
    /// To a call's home: its leg has arrived at worker `at`.
    Landed { call: CallId, at: u8 },
    /// A room is to have a part on this worker.
    OpenPart(Box<NewPart>),
    /// To a part: a way to another one.
    LinkPart(RoomId, u8, Box<Link>),
    /// To a part: the highest rate of the legs of the one on a worker.
    RatePart(RoomId, u8, Rate),
    /// To a part: its room mixes differently.
    SetPart(RoomId, RoomSettings),
    /// To a part: a leg has left the room.
    ForgetPart(RoomId, CallId),
    /// To a part: the members of its room are recorded.
    RecordPart(RoomId, RoomRecording),
    /// To a part: they are not any more.
    EndRecordPart(RoomId, RecordingId),
    /// To a part: its room is closed; `true`: because it has failed.
    ClosePart(RoomId, bool),
    /// The end.
    Stop,
}

/// A part of a room.
pub(super) struct NewPart {
    pub(super) room: RoomId,
    /// Where all parts are in the schedules of their workers.
    pub(super) slot: usize,
    pub(super) settings: RoomSettings,
    pub(super) recordings: Vec<RoomRecording>,
    pub(super) parts: Box<Parts>,
}

/// To a file thread. Times are in nanoseconds since the media's start.
pub(super) enum ToFiles {
    /// Read a prompt.
    Load { request: RequestId, path: PathBuf },
    /// Read a playback ahead.
    Stream(Box<Reading>),
    /// Such a playback wants to be elsewhere, or at another rate.
    Heed(PlayId),
    /// Open the files for a recording.
    Record {
        request: RequestId,
        recording: RecordingId,
        what: Recorded,
        rate: u32,
    },
    /// A call has come to a room whose members are recorded.
    Member {
        recording: RecordingId,
        call: CallId,
    },
    /// Leave out what is heard from `at` on, or no longer.
    PauseRecord {
        request: RequestId,
        recording: RecordingId,
        on: bool,
        at: u64,
    },
    /// The worker has let go of a recording: complete its files with what was heard before `at`.
    StopRecord {
        request: Option<RequestId>,
        recording: RecordingId,
        at: u64,
    },
    /// Waste has come together.
    Empty,
    /// The end.
    Stop,
}

/// What a worker has no use for any more. To give memory back may take a while, to close sockets
/// even longer, so another thread does it.
#[expect(dead_code, reason = "the fields are there to be dropped")]
pub(super) enum Waste {
    Leg(Box<Leg>),
    Room(Box<Room>),
    Player(Player),
    Tap(TapWriter),
    Personal(Box<Personal<CallId>>),
    Line(Box<DelayLine>),
    Update(Box<LegUpdate>),
    Edge(Box<Edge>),
}

/// The way to the file threads, also for what is to be dropped there.
///
/// Nobody waits for it to be dropped, so a file thread is called once for all that has come
/// together, not for each piece: to wake a thread costs more than most pieces.
pub(super) struct Trash {
    waste: Sender<Waste>,
    files: FilesInbox,
    /// Something lies there.
    filled: Cell<bool>,
    /// When a file thread is called for it.
    due: Cell<Option<Instant>>,
}

impl Trash {
    /// How long waste may lie.
    const PERIOD: Duration = Duration::from_millis(100);

    pub(super) fn new(waste: Sender<Waste>, files: FilesInbox) -> Self {
        Self {
            waste,
            files,
            filled: Cell::new(false),
            due: Cell::new(None),
        }
    }

    /// Has `waste` dropped elsewhere; here, if the file threads are overrun or gone.
    pub(super) fn put(&self, waste: Waste) {
        let _ = self.waste.try_send(waste);
        self.filled.set(true);
    }

    /// Calls a file thread when it is time to.
    pub(super) fn announce(&self, now: Instant) {
        if !self.filled.get() {
            return;
        }
        match self.due.get() {
            None => self.due.set(Some(now + Self::PERIOD)),
            Some(due) if now >= due => {
                // One that is overrun comes by anyway.
                let _ = self.files.tell(ToFiles::Empty);
                self.filled.set(false);
                self.due.set(None);
            }
            Some(_) => {}
        }
    }

    /// When [`Trash::announce`] is wanted next.
    pub(super) fn due(&self) -> Option<Instant> {
        self.due.get()
    }

    /// Tells a file thread something, or gives it back when that is overrun or gone.
    pub(super) fn tell(&self, message: ToFiles) -> Result<(), ToFiles> {
        self.files.tell(message)
    }
}

/// The way to one worker.
#[derive(Clone)]
pub(super) struct WorkerInbox {
    pub(super) sender: Sender<ToWorker>,
    pub(super) wake: Arc<Wake>,
}

impl WorkerInbox {
    /// Puts a message into the worker's inbox, or gives it back when that is full. A worker that
    /// has ticks to do is not woken for it: it looks there every few milliseconds anyway.
    pub(super) fn try_send(&self, message: ToWorker) -> Result<(), ToWorker> {
        self.put(message)?;
        self.wake.nudge();
        Ok(())
    }

    /// The same, but the worker is woken later, by [`WorkerInbox::announce`].
    pub(super) fn put(&self, message: ToWorker) -> Result<(), ToWorker> {
        self.sender
            .try_send(message)
            .map_err(crossbeam_channel::TrySendError::into_inner)
    }

    /// Wakes the worker if something is in its inbox.
    pub(super) fn announce(&self) {
        if !self.sender.is_empty() {
            self.wake.nudge();
        }
    }
}
