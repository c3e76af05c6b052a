//! The file threads: read prompts, read long files ahead, write recordings, drop what workers have no
//! use for.
//!
//! They may wait for the disk, which nobody else in the engine ever does. What is read and written is
//! spread over them, so that one file that is slow to come does not hold up all others.

mod cache;
mod reading;
mod sound_file;

use std::{
    path::Path,
    sync::{Arc, atomic::AtomicUsize, atomic::Ordering},
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, Sender, TryRecvError};

use self::cache::Found;
use super::{
    message::{ToFiles, ToWorker, Waste, WorkerInbox},
    prompt::{Prompt, PromptHandle},
    recorder::{Progress, Recording, Rings},
    room::RoomRecording,
    worker::WallClock,
};
use crate::{
    command::{Listener, Recorded},
    counter::counters,
    event::Event,
    ids::{CallId, RecordingId, RequestId},
    outbox::Outbox,
    queue::Wake,
};

pub(super) use cache::Cache;
pub(super) use reading::Reading;
pub(super) use sound_file::{Law, SoundFile, law};

/// How often what has been recorded is written.
const WRITE_PERIOD: Duration = Duration::from_millis(100);
/// How often rings are filled that are played from.
const READ_PERIOD: Duration = Duration::from_millis(200);

/// How files are dealt with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilesConfig {
    /// File threads, 1–64.
    pub threads: usize,
    /// Bytes that prompts may take which are kept coded.
    pub cache_bytes: usize,
    /// A file that is longer is not kept but read while it sounds.
    pub stream_after: Duration,
}

impl Default for FilesConfig {
    fn default() -> Self {
        Self {
            threads: 2,
            cache_bytes: 64 << 20,
            stream_after: Duration::from_secs(30),
        }
    }
}

counters! {
    /// What a file thread counts. Written by that thread only.
    #[repr(align(128))]
    pub struct FileCounters {
        /// Recordings that are under way.
        recordings,
        /// Samples that became silence because the disk did not keep up.
        recording_lost_samples,
        /// Recordings that ended because they could not be written on.
        recording_failures,
        /// Playbacks that are being read ahead.
        streams,
    }
}

/// The way to the file threads. They don't wait at the queue itself: to put something into a queue at which
/// somebody waits takes a lock, and workers must take none.
#[derive(Clone)]
pub(super) struct FilesInbox {
    threads: Arc<[(Sender<ToFiles>, Arc<Wake>)]>,
    next: Arc<AtomicUsize>,
}

impl FilesInbox {
    pub(super) fn new(threads: Vec<(Sender<ToFiles>, Arc<Wake>)>) -> Self {
        Self {
            threads: threads.into(),
            next: Arc::default(),
        }
    }

    /// Tells the thread whose business it is, or gives the message back when that is overrun or gone.
    pub(super) fn tell(&self, message: ToFiles) -> Result<(), ToFiles> {
        let number = match &message {
            ToFiles::Record { recording, .. }
            | ToFiles::Member { recording, .. }
            | ToFiles::PauseRecord { recording, .. }
            | ToFiles::StopRecord { recording, .. } => recording.0 as usize,
            ToFiles::Stream(reading) => reading.play.0 as usize,
            ToFiles::Heed(play) => play.0 as usize,
            ToFiles::Load { .. } | ToFiles::Empty => self.next.fetch_add(1, Ordering::Relaxed),
            ToFiles::Stop => 0,
        };
        match self.threads.get(number % self.threads.len().max(1)) {
            Some((thread, wake)) => {
                let put = thread.try_send(message);
                wake.wake();
                put.map_err(crossbeam_channel::TrySendError::into_inner)
            }
            None => Err(message),
        }
    }

    /// Tells each of them to end, after all that they were told before.
    pub(super) fn stop(&self) {
        for (thread, wake) in &*self.threads {
            // So that there is room; one that is gone needs no order.
            wake.wake();
            let _ = thread.send(ToFiles::Stop);
            wake.wake();
        }
    }
}

/// What a file thread is made of.
pub(super) struct FilesParts {
    pub(super) inbox: Receiver<ToFiles>,
    /// Woken when something is in it.
    pub(super) wake: Arc<Wake>,
    pub(super) waste: Receiver<Waste>,
    pub(super) workers: Vec<WorkerInbox>,
    pub(super) outbox: Outbox,
    pub(super) cache: Arc<Cache>,
    pub(super) stream_after: Duration,
    pub(super) wall: WallClock,
    pub(super) counters: Arc<FileCounters>,
}

/// The state of a file thread.
pub struct Files {
    parts: FilesParts,
    recordings: Vec<Recording>,
    readings: Vec<Reading>,
    next_write: Option<Instant>,
    next_read: Option<Instant>,
    stopped: bool,
}

impl Files {
    pub(super) fn new(parts: FilesParts) -> Self {
        Self {
            parts,
            recordings: Vec::new(),
            readings: Vec::new(),
            next_write: None,
            next_read: None,
            stopped: false,
        }
    }

    /// Does all that is due at `now`.
    pub fn step(&mut self, now: Instant) {
        for recording in &mut self.recordings {
            recording.mark();
        }
        loop {
            match self.parts.inbox.try_recv() {
                Ok(message) => self.handle(message, now),
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => {
                    self.stopped = true;
                    break;
                }
            }
        }
        self.parts.waste.try_iter().for_each(drop);
        self.read(now);
        self.write(now);
        self.parts.outbox.flush();
    }

    /// When the next step is due; in the past if something waits already, `None`: not before the
    /// next message.
    pub fn next_deadline(&self, now: Instant) -> Option<Instant> {
        if !self.parts.inbox.is_empty() || !self.parts.waste.is_empty() {
            return Some(now);
        }
        let retry = self.parts.outbox.has_backlog().then(|| now + WRITE_PERIOD);
        let due = self.next_write.into_iter().chain(self.next_read);
        due.chain(retry).min()
    }

    /// Works until told to stop, then completes all files.
    pub(super) fn run(mut self) {
        loop {
            self.step(Instant::now());
            if self.stopped {
                break;
            }
            let now = Instant::now();
            let left = self
                .next_deadline(now)
                .map(|deadline| deadline.saturating_duration_since(now));
            if left.is_none_or(|left| !left.is_zero()) && self.parts.wake.wait(left) {
                self.parts.wake.clear();
            }
        }
        self.complete();
    }

    fn handle(&mut self, message: ToFiles, now: Instant) {
        match message {
            ToFiles::Load { request, path } => self.load(request, &path),
            ToFiles::Record {
                request,
                recording,
                what,
                rate,
            } => {
                if let Err(error) = self.record(request, recording, what, rate, now) {
                    self.done(request, Some(error));
                }
            }
            ToFiles::Member { recording, call } => self.admit(recording, call),
            ToFiles::PauseRecord {
                request,
                recording,
                on,
                at,
            } => {
                if let Some(recording) = self.find(recording) {
                    recording.pause(on, at);
                }
                self.done(request, None);
            }
            ToFiles::StopRecord {
                request,
                recording,
                at,
            } => match (self.find(recording), request) {
                (Some(recording), _) => recording.stop(at, request),
                // It has ended already, and its files are complete.
                (None, Some(request)) => self.done(request, None),
                (None, None) => {}
            },
            ToFiles::Stream(reading) => {
                self.readings.push(*reading);
                self.next_read = Some(now);
            }
            ToFiles::Heed(_) => self.next_read = Some(now),
            ToFiles::Empty => {}
            ToFiles::Stop => self.stopped = true,
        }
    }

    fn done(&mut self, request: RequestId, error: Option<String>) {
        self.parts.outbox.tell(Event::Done { request, error });
    }

    fn load(&mut self, request: RequestId, path: &Path) {
        let ticket = match self.parts.cache.look(path, request) {
            Found::Ready(prompt) => return self.loaded([request], &Ok(prompt)),
            Found::Coming => return,
            Found::Missing(ticket) => ticket,
        };
        let read = read_prompt(path, self.parts.stream_after);
        let waiting = self.parts.cache.put(path, ticket, read.as_ref().ok());
        self.loaded(waiting.into_iter().chain([request]), &read);
    }

    fn loaded(
        &mut self,
        requests: impl IntoIterator<Item = RequestId>,
        read: &Result<PromptHandle, String>,
    ) {
        for request in requests {
            let event = match read {
                Ok(prompt) => Event::PromptLoaded {
                    request,
                    prompt: prompt.clone(),
                },
                Err(error) => Event::Done {
                    request,
                    error: Some(error.clone()),
                },
            };
            self.parts.outbox.tell(event);
        }
    }

    /// Opens the files and sends the rings to the worker, which completes the request.
    fn record(
        &mut self,
        request: RequestId,
        id: RecordingId,
        what: Recorded,
        rate: u32,
        now: Instant,
    ) -> Result<(), String> {
        let home = match what.of() {
            Listener::Call(call) => call.home(),
            Listener::Room(room) => room.home(),
        };
        let worker = self.parts.workers.get(usize::from(home));
        let worker = worker.or(self.parts.workers.first()).cloned();
        let at = self.parts.wall.since_start(now);
        let (recording, rings) = Recording::open(id, what, rate, at)?;
        let message = match rings {
            Rings::Call(call, writers) => ToWorker::RecordCall {
                request,
                recording: id,
                call,
                writers,
            },
            Rings::Room(room, mix, members, alive) => ToWorker::RecordRoom {
                request,
                room,
                mix,
                recording: RoomRecording {
                    id,
                    members,
                    _alive: alive,
                },
            },
        };
        worker
            .and_then(|worker| worker.try_send(message).ok())
            .ok_or_else(|| "the media worker does not keep up".to_owned())?;
        self.recordings.push(recording);
        // From now on it is looked at.
        self.next_write.get_or_insert(now);
        Ok(())
    }

    /// Makes the file of a member, and sends its ring to the worker.
    fn admit(&mut self, id: RecordingId, call: CallId) {
        let Some(recording) = self.find(id) else {
            return;
        };
        let result = recording.admit(call).and_then(|writer| {
            let message = ToWorker::RecordMember {
                recording: id,
                call,
                writer,
            };
            let worker = self.parts.workers.get(usize::from(call.home()));
            worker
                .and_then(|worker| worker.try_send(message).ok())
                .ok_or_else(|| "the media worker does not keep up".to_owned())
        });
        if let Err(error) = result {
            let message = format!("call {call} is not recorded: {error}");
            self.parts.outbox.tell(Event::Fault { message });
        }
    }

    /// The recording, unless it has been stopped.
    fn find(&mut self, id: RecordingId) -> Option<&mut Recording> {
        let mut recordings = self.recordings.iter_mut();
        recordings.find(|recording| recording.id == id && !recording.is_stopped())
    }

    /// Fills the rings that are played from.
    fn read(&mut self, now: Instant) {
        if self.next_read.is_none_or(|due| due > now) {
            return;
        }
        let outbox = &mut self.parts.outbox;
        self.readings.retain_mut(|reading| {
            if reading.is_abandoned() {
                return false;
            }
            if let Err(reason) = reading.step() {
                let play = reading.play;
                outbox.tell(Event::PlayFailed { play, reason });
            }
            true
        });
        self.parts.counters.streams.set(self.readings.len() as u64);
        self.next_read = (!self.readings.is_empty()).then(|| now + READ_PERIOD);
    }

    fn write(&mut self, now: Instant) {
        let due = self.next_write.is_some_and(|due| due <= now);
        let stopped = self.recordings.iter().any(Recording::is_stopped);
        if !due && !stopped {
            return;
        }
        let (outbox, counters) = (&mut self.parts.outbox, &self.parts.counters);
        self.recordings.retain_mut(|recording| {
            // Those that are stopped need not wait for the others' time.
            if !due && !recording.is_stopped() {
                return true;
            }
            let progress = recording.step();
            counters
                .recording_lost_samples
                .add(std::mem::take(&mut recording.lost));
            let Progress::Ended(result) = progress else {
                return true;
            };
            let error = result.err();
            if error.is_some() {
                counters.recording_failures.add(1);
            }
            let id = recording.id;
            if let Some(request) = recording.waiting {
                let error = error.clone();
                outbox.tell(Event::Done { request, error });
            }
            outbox.tell(Event::Recorded {
                recording: id,
                error,
            });
            false
        });
        counters.recordings.set(self.recordings.len() as u64);
        if due {
            self.next_write = (!self.recordings.is_empty()).then(|| now + WRITE_PERIOD);
        }
    }

    /// The end: all that the workers have left in the rings is written.
    fn complete(&mut self) {
        let now = Instant::now();
        let at = self.parts.wall.since_start(now);
        for recording in &mut self.recordings {
            let waiting = recording.waiting;
            recording.stop(at, waiting);
        }
        self.write(now);
    }
}

/// Reads a short file, and takes note of a long one.
fn read_prompt(path: &Path, stream_after: Duration) -> Result<PromptHandle, String> {
    let said = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let mut file = SoundFile::open(path, None)?;
    let length = file.len();
    if Prompt::duration_of(length) > stream_after {
        return Ok(Arc::new(Prompt::of_file(
            path.to_owned(),
            length,
            file.rate(),
        )));
    }
    let mut samples = Vec::with_capacity(length as usize);
    while file.read(&mut samples).map_err(|error| said(&error))? {}
    let prompt = Prompt::from_pcm(samples, file.rate()).map_err(|error| said(&error))?;
    Ok(Arc::new(prompt))
}
