//! What the threads of the media send each other.

use std::{
    cell::Cell,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use crossbeam_channel::Sender;
use sems_audio::Personal;

use super::{
    leg::{Leg, LegUpdate},
    player::Player,
    room::Room,
    tap::TapWriter,
};
use crate::{
    command::{Direction, MediaCommand},
    ids::{CallId, RequestId, RoomId},
    queue::Wake,
};

/// Messages that can wait for a worker or for the files thread.
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
    /// A file has been opened for a recording.
    Record {
        request: RequestId,
        call: CallId,
        direction: Direction,
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
    /// The end.
    Stop,
}

/// To the files thread.
pub(super) enum ToFiles {
    /// Read a prompt.
    Load { request: RequestId, path: PathBuf },
    /// Open a file for a recording.
    Record {
        request: RequestId,
        call: CallId,
        direction: Direction,
        path: PathBuf,
    },
    /// The worker has let go of a recording, or of the call: complete the file.
    StopRecord {
        request: RequestId,
        call: CallId,
        direction: Direction,
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
    Update(Box<LegUpdate>),
}

/// The way to the files thread for what is to be dropped there.
///
/// Nobody waits for it to be dropped, so the files thread is called once for all that has come
/// together, not for each piece: to wake a thread costs more than most pieces.
pub(super) struct Trash {
    waste: Sender<Waste>,
    files: Sender<ToFiles>,
    /// Something lies there.
    filled: Cell<bool>,
    /// When the files thread is called for it.
    due: Cell<Option<Instant>>,
}

impl Trash {
    /// How long waste may lie.
    const PERIOD: Duration = Duration::from_millis(100);

    pub(super) fn new(waste: Sender<Waste>, files: Sender<ToFiles>) -> Self {
        Self {
            waste,
            files,
            filled: Cell::new(false),
            due: Cell::new(None),
        }
    }

    /// Has `waste` dropped elsewhere; here, if the files thread is overrun or gone.
    pub(super) fn put(&self, waste: Waste) {
        let _ = self.waste.try_send(waste);
        self.filled.set(true);
    }

    /// Calls the files thread when it is time to.
    pub(super) fn announce(&self, now: Instant) {
        if !self.filled.get() {
            return;
        }
        match self.due.get() {
            None => self.due.set(Some(now + Self::PERIOD)),
            Some(due) if now >= due => {
                // One that is overrun comes by anyway.
                let _ = self.files.try_send(ToFiles::Empty);
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

    /// Tells the files thread something, or gives it back when that is overrun or gone.
    pub(super) fn tell(&self, message: ToFiles) -> Result<(), ToFiles> {
        self.files
            .try_send(message)
            .map_err(crossbeam_channel::TrySendError::into_inner)
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
