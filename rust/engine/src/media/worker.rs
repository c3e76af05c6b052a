//! One media worker: the rooms and legs that it owns, and when they are due.
//!
//! A worker is a state machine; [`pool`](super::pool) gives it a thread. A call's commands go to
//! its home worker, which does them itself, sends them after the leg, or holds them while the leg
//! is on its way between two workers: so they keep their order, whatever moves.

use std::{
    any::Any,
    collections::{HashMap, VecDeque},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::{Duration, Instant},
};

use crossbeam_channel::Receiver;
use rand::rngs::StdRng;
use sems_rtp::NtpTime;
use slotmap::SlotMap;

use super::{
    counters::Counters,
    leg::{Leg, STRETCHED},
    message::{ToFiles, ToWorker, Trash, Waste, WorkerInbox},
    room::{Bench, Room},
    schedule::{LATE, RoomKey, Schedule, TICK},
};
use crate::{
    event::Event,
    ids::{CallId, RequestId, RoomId},
    outbox::Outbox,
};

mod commands;
mod listening;
mod parts;

/// The longest datagram that is looked at. RTP that we negotiate has less than 500 bytes.
const DATAGRAM: usize = 2048;
/// Messages taken before rooms are looked at again, so that a flood of commands delays no tick.
const MESSAGES: usize = 256;
/// Legs for which a worker makes room from the start.
const LEGS: usize = 1024;
/// A room with more legs than this sends in portions …
const PORTION: usize = 64;
/// … one a millisecond …
const PACE: Duration = Duration::from_millis(1);
/// … of which there are at most so many.
const PORTIONS: usize = 5;

/// What happens to calls whose room has failed: the signaling thread is told to end them.
pub type FaultReport = Arc<dyn Fn(CallId) + Send + Sync>;

/// The wall clock, derived from the monotonic one so that it never jumps.
#[derive(Clone, Copy, Debug)]
pub struct WallClock {
    /// An instant …
    pub instant: Instant,
    /// … and its time since the start of 1970, UTC.
    pub since_epoch: Duration,
}

impl WallClock {
    /// Nanoseconds since [`WallClock::instant`], the media's start.
    pub(super) fn since_start(&self, instant: Instant) -> u64 {
        instant.saturating_duration_since(self.instant).as_nanos() as u64
    }

    /// The wall clock's time at `instant`.
    pub fn at(&self, instant: Instant) -> NtpTime {
        let later = self.since_epoch + instant.saturating_duration_since(self.instant);
        NtpTime::from_unix(later.saturating_sub(self.instant.saturating_duration_since(instant)))
    }
}

/// What rooms and legs need at a tick.
pub(super) struct Tick<'a> {
    /// The tick's time, which may be some milliseconds ago.
    pub(super) now: Instant,
    /// Its number since the start, the same on all workers.
    pub(super) number: u64,
    pub(super) wall: WallClock,
    pub(super) rtp_timeout: Duration,
    pub(super) counters: &'a Counters,
    pub(super) outbox: &'a mut Outbox,
    pub(super) trash: &'a Trash,
    pub(super) random: &'a mut StdRng,
    /// Where datagrams are received.
    pub(super) datagram: &'a mut [u8],
    /// Where long packets are decoded.
    pub(super) scratch: &'a mut [i16],
}

/// A place for one datagram.
pub(super) fn datagram_buffer() -> Box<[u8]> {
    vec![0; DATAGRAM].into_boxed_slice()
}

/// A place for the samples of one packet.
pub(super) fn scratch_buffer() -> Box<[i16]> {
    vec![0; STRETCHED].into_boxed_slice()
}

/// What is lent to rooms and legs as a [`Tick`].
pub(super) struct Tools {
    pub(super) wall: WallClock,
    pub(super) rtp_timeout: Duration,
    pub(super) counters: Arc<Counters>,
    pub(super) outbox: Outbox,
    pub(super) trash: Trash,
    pub(super) random: StdRng,
    pub(super) datagram: Box<[u8]>,
    pub(super) scratch: Box<[i16]>,
}

impl Tools {
    fn tick(&mut self, now: Instant) -> Tick<'_> {
        let passed = now.saturating_duration_since(self.wall.instant);
        Tick {
            now,
            number: (passed.as_nanos() / TICK.as_nanos()) as u64,
            wall: self.wall,
            rtp_timeout: self.rtp_timeout,
            counters: &self.counters,
            outbox: &mut self.outbox,
            trash: &self.trash,
            random: &mut self.random,
            datagram: &mut self.datagram,
            scratch: &mut self.scratch,
        }
    }
}

/// Where a call's leg is.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// In a room of this worker's, with its number there.
    Here(RoomKey, usize),
    /// Known at the call's home only: with another worker.
    Away(u8),
    /// Known at the call's home only: between two workers.
    Moving,
}

/// A large room that has legs left to send to.
struct Portion {
    due: Instant,
    /// The tick that it belongs to.
    tick: Instant,
    room: RoomKey,
    from: usize,
    size: usize,
}

/// What a worker is made of.
pub(super) struct WorkerParts {
    pub(super) index: u8,
    pub(super) start: Instant,
    pub(super) inbox: Receiver<ToWorker>,
    /// All workers, this one too.
    pub(super) workers: Vec<WorkerInbox>,
    pub(super) tools: Tools,
    pub(super) fault: FaultReport,
    /// With so many legs on its home, a room gets other workers, too.
    pub(super) room_legs: usize,
}

/// One worker.
pub struct Worker {
    index: u8,
    inbox: Receiver<ToWorker>,
    workers: Vec<WorkerInbox>,
    /// Messages to workers whose inboxes were full.
    unsent: VecDeque<(u8, ToWorker)>,
    /// Messages for calls on their way between two workers.
    held: VecDeque<(CallId, ToWorker)>,
    rooms: SlotMap<RoomKey, Box<Room>>,
    names: HashMap<RoomId, RoomKey>,
    calls: HashMap<CallId, Place>,
    schedule: Schedule,
    portions: Vec<Portion>,
    bench: Box<Bench>,
    tools: Tools,
    fault: FaultReport,
    room_legs: usize,
    stopped: bool,
}

impl Worker {
    pub(super) fn new(parts: WorkerParts) -> Self {
        Self {
            index: parts.index,
            inbox: parts.inbox,
            workers: parts.workers,
            unsent: VecDeque::new(),
            held: VecDeque::new(),
            rooms: SlotMap::with_capacity_and_key(LEGS),
            names: HashMap::with_capacity(LEGS),
            calls: HashMap::with_capacity(LEGS),
            schedule: Schedule::new(parts.start),
            portions: Vec::with_capacity(LEGS),
            bench: Box::new(Bench::new()),
            tools: parts.tools,
            fault: parts.fault,
            room_legs: parts.room_legs,
            stopped: false,
        }
    }

    /// Does all that is due at `now`.
    pub fn step(&mut self, now: Instant) {
        while self.turn(now) {}
    }

    /// Takes messages, then does the one thing that has been due longest; `false`: nothing was.
    pub fn turn(&mut self, now: Instant) -> bool {
        self.send_unsent();
        self.tools.outbox.flush();
        self.tools.trash.announce(now);
        let mut busy = false;
        for _ in 0..MESSAGES {
            let Ok(message) = self.inbox.try_recv() else {
                break;
            };
            busy = true;
            self.handle(message, now);
        }
        let portion = self.portions.iter().map(|portion| portion.due).min();
        let slot = self.schedule.next_deadline();
        if portion.is_some_and(|due| due <= now && slot.is_none_or(|slot| due <= slot)) {
            self.send_portion(now);
            return true;
        }
        self.tick_slot(now) || busy
    }

    /// A turn has taken so long.
    pub(super) fn has_worked(&self, time: Duration) {
        self.tools.counters.busy_ns.add(time.as_nanos() as u64);
    }

    /// When the next turn is due; in the past if something waits already, `None`: not before the
    /// next message.
    pub fn next_deadline(&self, now: Instant) -> Option<Instant> {
        if !self.inbox.is_empty() {
            return Some(now);
        }
        let portions = self.portions.iter().map(|portion| portion.due);
        let waiting = !self.unsent.is_empty() || self.tools.outbox.has_backlog();
        let retry = waiting.then(|| now + PACE);
        portions
            .chain(self.schedule.next_deadline())
            .chain(retry)
            .chain(self.tools.trash.due())
            .min()
    }

    /// Whether messages wait to be looked at.
    pub fn has_messages(&self) -> bool {
        !self.inbox.is_empty()
    }

    /// Whether the worker has been told to stop, and has.
    pub fn has_stopped(&self) -> bool {
        self.stopped
    }

    /// Ticks the rooms of the slot that is due longest.
    fn tick_slot(&mut self, now: Instant) -> bool {
        let Some(due) = self.schedule.take_due(now) else {
            return false;
        };
        let rooms = self.schedule.rooms(due.slot).len();
        let counters = &self.tools.counters;
        let lateness = now.saturating_duration_since(due.deadline);
        counters.ticks.add(rooms as u64);
        counters.skipped_ticks.add(due.skipped * rooms as u64);
        let lateness_us = lateness.as_micros() as u64;
        counters.max_lateness_us.raise_to(lateness_us);
        counters.lateness_us.add(lateness_us * rooms as u64);
        if lateness > LATE {
            counters.late_ticks.add(rooms as u64);
        }
        let mut index = 0;
        // A room that fails leaves its slot, and another takes its place there.
        while let Some(&key) = self.schedule.rooms(due.slot).get(index) {
            if let Some(next) = self.schedule.rooms(due.slot).get(index + 1)
                && let Some(leg) = self.rooms.get(*next).and_then(|room| room.legs.first())
            {
                leg.fetch();
            }
            if self.tick_room(key, due.deadline, now) {
                index += 1;
            }
        }
        true
    }

    /// `false`: the room has left its slot.
    fn tick_room(&mut self, key: RoomKey, deadline: Instant, now: Instant) -> bool {
        self.finish_portions(key);
        let Some(room) = self.rooms.get_mut(key) else {
            return true;
        };
        let legs = room.legs.len();
        let size = match legs > PORTION {
            true => legs.div_ceil(PORTIONS).max(PORTION),
            false => legs,
        };
        let mut tick = self.tools.tick(deadline);
        let bench = &mut self.bench;
        let done = catch_unwind(AssertUnwindSafe(|| {
            room.hear(&mut tick);
            room.speak(0, size, bench, &mut tick);
        }));
        if let Err(panic) = done {
            self.fail(key, panic);
            return false;
        }
        if room.is_idle() {
            // Its last prompt has ended.
            self.rest(key);
            return false;
        }
        if size < legs {
            self.portions.push(Portion {
                due: now + PACE,
                tick: deadline,
                room: key,
                from: size,
                size,
            });
        }
        true
    }

    /// Sends the next portion that is due of a large room.
    fn send_portion(&mut self, now: Instant) {
        let due = self.portions.iter().enumerate();
        let Some((index, _)) = due.min_by_key(|(_, portion)| portion.due) else {
            return;
        };
        let portion = &mut self.portions[index];
        let (key, tick, from) = (portion.room, portion.tick, portion.from);
        let to = from + portion.size;
        portion.from = to;
        portion.due = now + PACE;
        let more = self.rooms.get(key).is_some_and(|room| to < room.legs.len());
        if !more {
            self.portions.swap_remove(index);
        }
        self.speak(key, from, to, tick);
    }

    /// Sends at once what is left of a room's tick, because the next one or a change of its legs
    /// is about to come.
    fn finish_portions(&mut self, key: RoomKey) {
        let mut portions = self.portions.iter();
        if let Some(index) = portions.position(|portion| portion.room == key) {
            let portion = self.portions.swap_remove(index);
            self.speak(key, portion.from, usize::MAX, portion.tick);
        }
    }

    fn speak(&mut self, key: RoomKey, from: usize, to: usize, tick: Instant) {
        let Some(room) = self.rooms.get_mut(key) else {
            return;
        };
        let mut tick = self.tools.tick(tick);
        let bench = &mut self.bench;
        let done = catch_unwind(AssertUnwindSafe(|| room.speak(from, to, bench, &mut tick)));
        if let Err(panic) = done {
            self.fail(key, panic);
        }
    }

    /// A room has panicked: it ends, its calls are ended by the signaling thread, all else goes on.
    fn fail(&mut self, key: RoomKey, panic: Box<dyn Any + Send>) {
        let what = match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
            (Some(text), _) => text,
            (_, Some(text)) => text.as_str(),
            _ => "unknown",
        };
        let message = format!("a room has failed and was ended: {what}");
        self.tools.outbox.tell(Event::Fault { message });
        self.portions.retain(|portion| portion.room != key);
        self.tell_parts(key, |room| ToWorker::ClosePart(room, true));
        let Some(mut room) = self.unlist(key) else {
            return;
        };
        // Their time is what has come so far.
        self.end_recordings(&mut room, 0);
        room.sinks.finish(&mut self.tools.outbox);
        while let Some(player) = room.take_player(None) {
            self.end_play(player);
        }
        for mut leg in room.legs.drain(..) {
            self.calls.remove(&leg.call());
            (self.fault)(leg.call());
            while let Some(player) = leg.players.pop() {
                let play = player.play();
                let complete = false;
                self.tools
                    .outbox
                    .tell(Event::PlayFinished { play, complete });
            }
            leg.sinks.finish(&mut self.tools.outbox);
            self.tools.counters.legs.subtract(1);
            self.tools.trash.put(Waste::Leg(leg));
        }
        self.tools.trash.put(Waste::Room(room));
    }

    /// Puts a room into the schedule.
    fn wake_up(&mut self, key: RoomKey, now: Instant) {
        if let Some(room) = self.rooms.get_mut(key)
            && room.slot.is_none()
            && !room.is_idle()
        {
            room.slot = Some(self.schedule.add(key, room.legs.len(), now));
        }
    }

    /// Takes an idle room out of the schedule.
    fn rest(&mut self, key: RoomKey) {
        if let Some(room) = self.rooms.get_mut(key)
            && room.is_idle()
            && let Some(slot) = room.slot.take()
        {
            self.schedule.remove(slot, key, 0);
        }
    }

    fn add_room(&mut self, id: Option<RoomId>) -> RoomKey {
        let key = self.rooms.insert(Room::new(id));
        if let Some(id) = id {
            self.names.insert(id, key);
        }
        self.tools.counters.rooms.add(1);
        key
    }

    /// Takes a room out of all tables.
    fn unlist(&mut self, key: RoomKey) -> Option<Box<Room>> {
        let room = self.rooms.remove(key)?;
        if let Some(slot) = room.slot {
            self.schedule.remove(slot, key, room.legs.len());
        }
        if let Some(id) = room.id {
            self.names.remove(&id);
        }
        if !room.is_other_part() {
            self.tools.counters.rooms.subtract(1);
        }
        Some(room)
    }

    /// Puts a leg into a room of this worker's.
    fn enter(&mut self, key: RoomKey, leg: Box<Leg>, now: Instant) {
        self.finish_portions(key);
        let Some(room) = self.rooms.get_mut(key) else {
            return;
        };
        let call = leg.call();
        self.calls.insert(call, Place::Here(key, room.legs.len()));
        room.admit(leg, &self.tools.trash);
        room.record_member(call, &self.tools.trash);
        match room.slot {
            Some(slot) => self.schedule.weigh(slot, true),
            None => self.wake_up(key, now),
        }
        self.tell_rate(key);
        self.tools.counters.legs.add(1);
    }

    /// Takes a leg out of its room; an own room that is empty then is given up.
    fn take(&mut self, call: CallId, now: Instant) -> Option<Box<Leg>> {
        let Some(&Place::Here(key, _)) = self.calls.get(&call) else {
            return None;
        };
        self.finish_portions(key);
        // Finishing may have failed the room, and the leg with it.
        let Some(&Place::Here(key, index)) = self.calls.get(&call) else {
            return None;
        };
        let room = self.rooms.get_mut(key)?;
        let mut leg = room.dismiss(index, now, &self.tools.trash);
        // A leg that leaves takes its gains with it, those that it has and those that others have for it.
        leg.whispers = false;
        if let Some(personal) = leg.personal.take() {
            self.tools.trash.put(Waste::Personal(personal));
        }
        room.forget(call);
        leg.sinks.leave(&self.tools.trash);
        if let Some(parts) = &room.parts {
            parts.count_out();
            self.tell_parts(key, |room| ToWorker::ForgetPart(room, call));
            self.tell_rate(key);
        }
        let room = self.rooms.get_mut(key)?;
        if let Some(moved) = room.legs.get(index) {
            self.calls.insert(moved.call(), Place::Here(key, index));
        }
        self.calls.remove(&call);
        self.tools.counters.legs.subtract(1);
        if let Some(slot) = room.slot {
            self.schedule.weigh(slot, false);
        }
        let own = room.id.is_none();
        self.rest(key);
        if own && let Some(room) = self.unlist(key) {
            self.tools.trash.put(Waste::Room(room));
        }
        Some(leg)
    }

    /// Sends to another worker, now or as soon as it has room. Keeps the order.
    fn send(&mut self, to: u8, message: ToWorker) {
        self.unsent.push_back((to, message));
        self.send_unsent();
    }

    fn send_unsent(&mut self) {
        while let Some((to, message)) = self.unsent.pop_front() {
            let Some(worker) = self.workers.get(usize::from(to)) else {
                continue;
            };
            if let Err(message) = worker.try_send(message) {
                self.unsent.push_front((to, message));
                break;
            }
        }
    }

    fn done(&mut self, request: RequestId, error: Option<String>) {
        self.tools.outbox.tell(Event::Done { request, error });
    }
}
