//! All media workers and file threads: made, stepped or given threads, and spoken to.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, bounded};
use rand::{SeedableRng, rngs::StdRng};

use super::{
    counters::Counters,
    files::{Cache, FileCounters, Files, FilesConfig, FilesInbox, FilesParts, Reading},
    leg::{Leg, LegUpdate},
    message::{INBOX, ToFiles, ToWorker, Trash, WorkerInbox},
    player::{self, Player},
    prompt::{Prompt, PromptHandle},
    worker::{FaultReport, Tools, WallClock, Worker, WorkerParts, datagram_buffer, scratch_buffer},
};
use crate::{
    command::{Listener, MediaCommand},
    error::EngineError,
    ids::{CallId, PlayId, RequestId},
    outbox::{Outbox, RING},
    queue::{EventReceiver, Wake},
};

/// Of the real-time priorities, 1 to 99, a modest one: kernel threads go first.
const PRIORITY: libc::c_int = 10;

/// What the media are made with.
pub struct MediaConfig {
    /// Workers, 1–255.
    pub workers: usize,
    /// When the first tick may be.
    pub start: Instant,
    /// The wall clock at [`MediaConfig::start`]: time since the start of 1970, UTC.
    pub since_epoch: Duration,
    /// How long RTP may fail to come before it is told.
    pub rtp_timeout: Duration,
    /// Where the randomness of report intervals comes from.
    pub seed: u64,
    /// With so many legs on one worker, a room gets other workers, too.
    pub room_legs: usize,
    /// Told of each call whose room has failed, from a worker's thread; must not wait.
    pub fault: FaultReport,
}

/// All workers and file threads, as state machines.
pub struct Media {
    workers: Vec<(Worker, Arc<Wake>)>,
    files: Vec<Files>,
    handle: MediaHandle,
}

impl Media {
    /// Workers without rooms, with files dealt with as usual. Each gets a ring of `events`, as does
    /// each file thread.
    ///
    /// # Errors
    /// [`EngineError::Start`] when the system has no more eventfds.
    pub fn new(config: MediaConfig, events: &mut EventReceiver) -> Result<Self, EngineError> {
        Self::with_files(config, &FilesConfig::default(), events)
    }

    /// As [`Media::new`], with files dealt with as is said.
    ///
    /// # Errors
    /// As [`Media::new`].
    pub fn with_files(
        config: MediaConfig,
        files: &FilesConfig,
        events: &mut EventReceiver,
    ) -> Result<Self, EngineError> {
        let start = |source| EngineError::Start {
            what: "the media",
            source,
        };
        let (mut file_senders, mut file_inboxes) = (Vec::new(), Vec::new());
        for _ in 0..files.threads.max(1) {
            let (sender, receiver) = bounded(INBOX);
            let wake = Wake::new().map_err(start)?;
            file_senders.push((sender, wake.clone()));
            file_inboxes.push((receiver, wake));
        }
        let to_files = FilesInbox::new(file_senders);
        let (waste_sender, waste) = bounded(INBOX);
        let wall = WallClock {
            instant: config.start,
            since_epoch: config.since_epoch,
        };
        let mut inboxes = Vec::new();
        let mut receivers: Vec<(Receiver<ToWorker>, Arc<Wake>)> = Vec::new();
        for _ in 0..config.workers {
            let (sender, receiver) = bounded(INBOX);
            let wake = Wake::new().map_err(start)?;
            receivers.push((receiver, wake.clone()));
            inboxes.push(WorkerInbox { sender, wake });
        }
        let counters: Vec<Arc<Counters>> = inboxes.iter().map(|_| Arc::default()).collect();
        let workers = receivers
            .into_iter()
            .zip(&counters)
            .zip(0u8..)
            .map(|(((inbox, wake), counters), index)| {
                let tools = Tools {
                    wall,
                    rtp_timeout: config.rtp_timeout,
                    counters: counters.clone(),
                    outbox: Outbox::new(events.sender(RING)),
                    trash: Trash::new(waste_sender.clone(), to_files.clone()),
                    random: StdRng::seed_from_u64(config.seed.wrapping_add(u64::from(index))),
                    datagram: datagram_buffer(),
                    scratch: scratch_buffer(),
                };
                let worker = Worker::new(WorkerParts {
                    index,
                    start: config.start,
                    inbox,
                    workers: inboxes.clone(),
                    tools,
                    fault: config.fault.clone(),
                    room_legs: config.room_legs,
                });
                (worker, wake)
            })
            .collect();
        let cache = Arc::new(Cache::new(files.cache_bytes));
        let file_counters: Vec<Arc<FileCounters>> =
            file_inboxes.iter().map(|_| Arc::default()).collect();
        let files = file_inboxes
            .into_iter()
            .zip(&file_counters)
            .map(|((inbox, wake), counters)| {
                Files::new(FilesParts {
                    inbox,
                    wake,
                    waste: waste.clone(),
                    workers: inboxes.clone(),
                    outbox: Outbox::new(events.sender(RING)),
                    cache: cache.clone(),
                    stream_after: files.stream_after,
                    wall,
                    counters: counters.clone(),
                })
            })
            .collect();
        let handle = MediaHandle {
            workers: inboxes.into(),
            files: to_files,
            cache,
            counters: counters.into(),
            is_quiet: false,
            file_counters: file_counters.into(),
        };
        Ok(Self {
            workers,
            files,
            handle,
        })
    }

    /// The way to them.
    pub fn handle(&self) -> MediaHandle {
        self.handle.clone()
    }

    /// Does all that is due at `now`, in this thread.
    pub fn step(&mut self, now: Instant) {
        self.step_workers(now);
        for files in &mut self.files {
            files.step(now);
        }
    }

    /// As [`Media::step`], while the file threads wait for a disk.
    pub fn step_workers(&mut self, now: Instant) {
        for (worker, _) in &mut self.workers {
            worker.step(now);
        }
    }

    /// When the next step is due; `now` if something waits already, `None`: not before something
    /// is sent.
    pub fn next_deadline(&self, now: Instant) -> Option<Instant> {
        let workers = self.workers.iter();
        workers
            .filter_map(|(worker, _)| worker.next_deadline(now))
            .chain(
                self.files
                    .iter()
                    .filter_map(|files| files.next_deadline(now)),
            )
            .min()
    }

    /// Gives each worker a thread, `sems-media-0` and so on, and each of the others, `sems-files-0`.
    ///
    /// # Errors
    /// [`EngineError::Start`] when the system refuses a thread.
    pub fn spawn(self) -> Result<MediaThreads, EngineError> {
        let start = |source| EngineError::Start {
            what: "a media thread",
            source,
        };
        let mut threads = MediaThreads {
            handle: self.handle,
            workers: Vec::new(),
            files: Vec::new(),
            notices: Vec::new(),
        };
        // One message of each thread, so that all of them run when this returns.
        let (told, results) = bounded::<io::Result<()>>(self.workers.len() + self.files.len());
        for (index, (worker, wake)) in self.workers.into_iter().enumerate() {
            let told = told.clone();
            let thread = thread::Builder::new()
                .name(format!("sems-media-{index}"))
                .spawn(move || {
                    // The receiver waits until every thread has told and let go.
                    let _ = told.send(become_punctual());
                    drop(told);
                    run(worker, &wake);
                })
                .map_err(start)?;
            threads.workers.push(thread);
        }
        for (index, files) in self.files.into_iter().enumerate() {
            let told = told.clone();
            let thread = thread::Builder::new()
                .name(format!("sems-files-{index}"))
                .spawn(move || {
                    let _ = told.send(Ok(()));
                    drop(told);
                    files.run();
                })
                .map_err(start)?;
            threads.files.push(thread);
        }
        drop(told);
        if let Some(error) = results.iter().filter_map(Result::err).last() {
            threads.notices.push(format!(
                "media threads run without real-time priority ({}): grant CAP_SYS_NICE or raise \
                 the limit rtprio for sound without gaps under load",
                crate::error::reason(&error)
            ));
        }
        Ok(threads)
    }
}

/// The threads of the media. Dropping it ends them.
pub struct MediaThreads {
    handle: MediaHandle,
    workers: Vec<JoinHandle<()>>,
    files: Vec<JoinHandle<()>>,
    notices: Vec<String>,
}

impl MediaThreads {
    /// What the operator should know of the start.
    pub fn notices(&self) -> &[String] {
        &self.notices
    }
}

impl Drop for MediaThreads {
    fn drop(&mut self) {
        for (worker, thread) in self.handle.workers.iter().zip(&self.workers) {
            let mut stop = ToWorker::Stop;
            while let Err(refused) = worker.try_send(stop) {
                if thread.is_finished() {
                    break;
                }
                stop = refused;
                thread::yield_now();
            }
        }
        for thread in self.workers.drain(..) {
            // A thread that has panicked has told so already.
            let _ = thread.join();
        }
        // Comes after all that the workers have thrown away.
        self.handle.files.stop();
        for thread in self.files.drain(..) {
            let _ = thread.join();
        }
    }
}

/// The inbox of a worker or of a file thread is full. Nothing was sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the media do not keep up")]
pub struct Overrun;

/// The way to all workers and file threads. Clones lead to the same.
#[derive(Clone)]
pub struct MediaHandle {
    workers: Arc<[WorkerInbox]>,
    files: FilesInbox,
    cache: Arc<Cache>,
    counters: Arc<[Arc<Counters>]>,
    is_quiet: bool,
    file_counters: Arc<[Arc<FileCounters>]>,
}

impl MediaHandle {
    /// The same way for who has a lot to say at once, and wakes the workers after that with
    /// [`MediaHandle::announce`]: to wake a worker for each message costs more than the message.
    pub fn quiet(&self) -> Self {
        Self {
            is_quiet: true,
            ..self.clone()
        }
    }

    /// Wakes the workers that have messages.
    pub fn announce(&self) {
        self.workers.iter().for_each(WorkerInbox::announce);
    }

    /// Gives a new call's leg to the call's home worker; it begins in a room of its own.
    ///
    /// # Errors
    /// The leg is given back when the worker's inbox is full.
    pub fn open(&self, leg: Box<Leg>) -> Result<(), Box<Leg>> {
        match self.send(leg.call().home(), ToWorker::Open(leg)) {
            Err(ToWorker::Open(leg)) => Err(leg),
            _ => Ok(()),
        }
    }

    /// Changes a leg to a new agreement.
    ///
    /// # Errors
    /// The update is given back when the worker's inbox is full.
    pub fn update(&self, call: CallId, update: Box<LegUpdate>) -> Result<(), Box<LegUpdate>> {
        match self.send(call.home(), ToWorker::Update(call, update)) {
            Err(ToWorker::Update(_, update)) => Err(update),
            _ => Ok(()),
        }
    }

    /// Has a leg tell that its peer pressed a key, unless it came in RTP as well.
    ///
    /// # Errors
    /// [`Overrun`].
    pub fn press(&self, call: CallId, key: char, held: Duration) -> Result<(), Overrun> {
        self.send(call.home(), ToWorker::Pressed(call, key, held))
            .map_err(|_| Overrun)
    }

    /// Ends a leg: says goodbye by RTCP, ends its playbacks and recordings, closes its port. A
    /// call without a leg is no error.
    ///
    /// # Errors
    /// [`Overrun`]: try again later.
    pub fn close(&self, call: CallId) -> Result<(), Overrun> {
        self.send(call.home(), ToWorker::Close(call))
            .map_err(|_| Overrun)
    }

    /// Has a command carried out; [`Event::Done`](crate::event::Event::Done) tells when it is.
    ///
    /// # Errors
    /// [`Overrun`]; nothing will be told then.
    pub fn command(&self, request: RequestId, command: MediaCommand) -> Result<(), Overrun> {
        let home = match command.about() {
            Listener::Call(call) => call.home(),
            Listener::Room(room) => room.home(),
        };
        self.send(home, ToWorker::Command(request, command))
            .map_err(|_| Overrun)
    }

    /// Reads a file of sound: WAV, or raw G.711 by its name (`.ulaw`, `.alaw` and the like). Told as
    /// [`Event::PromptLoaded`](crate::event::Event::PromptLoaded), or as
    /// [`Event::Done`](crate::event::Event::Done) with an error.
    ///
    /// # Errors
    /// [`Overrun`]; nothing will be told then.
    pub fn load_prompt(&self, request: RequestId, path: PathBuf) -> Result<(), Overrun> {
        let message = ToFiles::Load { request, path };
        self.files.tell(message).map_err(|_| Overrun)
    }

    /// The sound of a file that was read before and has not changed since.
    pub fn ready_prompt(&self, path: &Path) -> Option<PromptHandle> {
        self.cache.ready(path)
    }

    /// Makes a playback ready, for [`MediaCommand::Start`]: of `prompts`, the whole list `repeat`
    /// times, or until stopped when that is 0. If a long file is among them, a file thread begins to
    /// read ahead.
    ///
    /// # Errors
    /// [`Overrun`].
    pub fn player(
        &self,
        play: PlayId,
        prompts: Vec<Arc<Prompt>>,
        repeat: u32,
    ) -> Result<Box<Player>, Overrun> {
        if prompts.iter().all(|prompt| prompt.file().is_none()) {
            return Ok(Box::new(Player::new(play, prompts, repeat)));
        }
        let turn = prompts.iter().map(|prompt| prompt.len()).sum();
        let highest = prompts.iter().map(|prompt| prompt.rate()).max();
        let (writer, reader) = player::stream(turn, highest.unwrap_or_default());
        let reading = Box::new(Reading::new(play, prompts, repeat, writer));
        let message = ToFiles::Stream(reading);
        self.files.tell(message).map_err(|_| Overrun)?;
        Ok(Box::new(Player::stream(play, reader)))
    }

    /// The counters of each worker.
    pub fn counters(&self) -> &[Arc<Counters>] {
        &self.counters
    }

    /// The counters of all workers and file threads by name: sums, and of latenesses the greatest.
    pub fn stats(&self) -> Vec<(&'static str, u64)> {
        let mut total: Vec<(&'static str, u64)> = Vec::new();
        let workers = self.counters.iter().flat_map(|counters| counters.all());
        let files = self
            .file_counters
            .iter()
            .flat_map(|counters| counters.all());
        for (name, value) in workers.chain(files).chain(self.cache.stats()) {
            match total.iter_mut().find(|(known, _)| *known == name) {
                None => total.push((name, value)),
                Some((_, sum)) if name.starts_with("max_") => *sum = value.max(*sum),
                Some((_, sum)) => *sum += value,
            }
        }
        total
    }

    /// A home that is no worker's belongs to an id that we never gave; the first worker knows
    /// nothing of it and says so.
    fn send(&self, home: u8, message: ToWorker) -> Result<(), ToWorker> {
        let worker = self.workers.get(usize::from(home)).or(self.workers.first());
        match worker {
            Some(worker) if self.is_quiet => worker.put(message),
            Some(worker) => worker.try_send(message),
            None => Err(message),
        }
    }
}

/// A worker that wakes within this time by itself is not woken for a message.
const NAP: Duration = Duration::from_millis(4);

/// A worker's thread.
fn run(mut worker: Worker, wake: &Wake) {
    loop {
        let mut now = Instant::now();
        loop {
            let busy = worker.turn(now);
            let begun = std::mem::replace(&mut now, Instant::now());
            worker.has_worked(now.saturating_duration_since(begun));
            if !busy {
                break;
            }
        }
        if worker.has_stopped() {
            return;
        }
        let left = worker
            .next_deadline(now)
            .map(|deadline| deadline.saturating_duration_since(now));
        wake.set_napping(left.is_some_and(|left| left <= NAP));
        // One that came before it was known that nobody wakes us.
        if worker.has_messages() {
            continue;
        }
        if left.is_none_or(|left| !left.is_zero()) && wake.wait(left) {
            wake.clear();
        }
    }
}

/// Asks the system to wake this thread in time and before others.
fn become_punctual() -> io::Result<()> {
    // SAFETY: this request takes a number of nanoseconds and concerns this thread only.
    unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, 1) };
    let parameters = libc::sched_param {
        sched_priority: PRIORITY,
    };
    let policy = libc::SCHED_FIFO | libc::SCHED_RESET_ON_FORK;
    // SAFETY: 0 is this thread; the parameters are valid and only read.
    match unsafe { libc::sched_setscheduler(0, policy, &parameters) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
