//! The files thread: reads prompts, writes recordings, drops what workers have no use for.
//!
//! It may wait for the disk, which nobody else in the engine ever does.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, RecvTimeoutError};

use super::{
    message::{ToFiles, ToWorker, Waste, WorkerInbox},
    prompt::Prompt,
    recorder::{Progress, Recording},
};
use crate::{
    command::Direction,
    event::Event,
    ids::{CallId, RequestId},
    outbox::Outbox,
};

/// How often what has been recorded is written.
const WRITE_PERIOD: Duration = Duration::from_millis(100);

/// The state of the files thread.
pub struct Files {
    inbox: Receiver<ToFiles>,
    waste: Receiver<Waste>,
    workers: Vec<WorkerInbox>,
    outbox: Outbox,
    recordings: Vec<Recording>,
    next_write: Option<Instant>,
    stopped: bool,
}

impl Files {
    pub(super) fn new(
        inbox: Receiver<ToFiles>,
        waste: Receiver<Waste>,
        workers: Vec<WorkerInbox>,
        outbox: Outbox,
    ) -> Self {
        Self {
            inbox,
            waste,
            workers,
            outbox,
            recordings: Vec::new(),
            next_write: None,
            stopped: false,
        }
    }

    /// Does all that is due at `now`.
    pub fn step(&mut self, now: Instant) {
        while let Ok(message) = self.inbox.try_recv() {
            self.handle(message);
        }
        self.waste.try_iter().for_each(drop);
        self.write(now);
        self.outbox.flush();
    }

    /// When the next step is due; in the past if something waits already, `None`: not before the
    /// next message.
    pub fn next_deadline(&self, now: Instant) -> Option<Instant> {
        if !self.inbox.is_empty() || !self.waste.is_empty() {
            return Some(now);
        }
        let retry = self.outbox.has_backlog().then(|| now + WRITE_PERIOD);
        self.next_write.into_iter().chain(retry).min()
    }

    /// Works until told to stop, then completes all files.
    pub(super) fn run(mut self) {
        while !self.stopped {
            let now = Instant::now();
            let message = match self.next_deadline(now) {
                Some(deadline) => self
                    .inbox
                    .recv_timeout(deadline.saturating_duration_since(now)),
                None => self.inbox.recv().map_err(RecvTimeoutError::from),
            };
            match message {
                Ok(message) => self.handle(message),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            self.step(Instant::now());
        }
    }

    fn handle(&mut self, message: ToFiles) {
        match message {
            ToFiles::Load { request, path } => {
                let event = match Prompt::read(&path) {
                    Ok(prompt) => Event::PromptLoaded {
                        request,
                        prompt: Arc::new(prompt),
                    },
                    Err(error) => Event::Done {
                        request,
                        error: Some(error.to_string()),
                    },
                };
                self.outbox.tell(event);
            }
            ToFiles::Record {
                request,
                call,
                direction,
                path,
            } => {
                if let Err(error) = self.record(request, call, direction, path) {
                    let error = Some(error);
                    self.outbox.tell(Event::Done { request, error });
                }
            }
            ToFiles::StopRecord {
                request,
                call,
                direction,
            } => match self.find(call, direction) {
                Some(recording) => recording.stop = Some(request),
                // It ended with its call, and its file is complete.
                None => self.outbox.tell(Event::Done {
                    request,
                    error: None,
                }),
            },
            ToFiles::Empty => {}
            ToFiles::Stop => self.stopped = true,
        }
    }

    /// Opens a file and sends the ring to the worker, which completes the request.
    fn record(
        &mut self,
        request: RequestId,
        call: CallId,
        direction: Direction,
        path: PathBuf,
    ) -> Result<(), String> {
        if self.find(call, direction).is_some() {
            return Err(format!("call {call} is being recorded already"));
        }
        let home = self.workers.get(usize::from(call.home()));
        let home = home.ok_or_else(|| format!("there is no call {call}"))?;
        let (recording, writer) = Recording::open(call, direction, path)?;
        let message = ToWorker::Record {
            request,
            call,
            direction,
            writer,
        };
        home.try_send(message)
            .map_err(|_| "the media worker does not keep up".to_owned())?;
        self.recordings.push(recording);
        Ok(())
    }

    /// The recording of this direction that nobody has stopped.
    fn find(&mut self, call: CallId, direction: Direction) -> Option<&mut Recording> {
        self.recordings.iter_mut().find(|recording| {
            recording.call == call && recording.direction == direction && recording.stop.is_none()
        })
    }

    fn write(&mut self, now: Instant) {
        let outbox = &mut self.outbox;
        self.recordings.retain_mut(|recording| {
            let Progress::Ended(result) = recording.step() else {
                return true;
            };
            let error = result.err();
            match (recording.stop, error) {
                (Some(request), error) => outbox.tell(Event::Done { request, error }),
                (None, Some(message)) => outbox.tell(Event::Fault { message }),
                (None, None) => {}
            }
            false
        });
        self.next_write = (!self.recordings.is_empty()).then(|| now + WRITE_PERIOD);
    }
}
