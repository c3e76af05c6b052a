//! Rooms that are too large for one worker.
//!
//! A room begins on its home. Once it has [`room_legs`](super::WorkerParts::room_legs) there, who comes
//! is sent on to the worker that has the fewest of its legs, which gets a part of the room for that.
//! All parts tick in the same slot of their schedules.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Instant,
};

use sems_audio::Rate;

use super::{Place, ToWorker, Worker};
use crate::{
    command::RoomSettings,
    ids::{CallId, RoomId},
    media::{
        exchange::{Link, link},
        leg::Leg,
        message::NewPart,
        room::parts::Parts,
        schedule::RoomKey,
    },
};

impl Worker {
    /// The worker on which the next leg of a room of this home's is to be.
    pub(super) fn choose_part(&mut self, key: RoomKey) -> u8 {
        let here = self.index;
        let Some(room) = self.rooms.get(key).filter(|room| room.id.is_some()) else {
            return here;
        };
        let legs = room.legs.len();
        if legs < self.room_legs || self.workers.len() < 2 || room.slot.is_none() {
            return here;
        }
        let counts = room.parts.as_ref().map_or(&[][..], |parts| &parts.counts);
        let count = |worker: u8| {
            let mut counts = counts.iter();
            let known = counts.find(|(known, _)| *known == worker);
            known.map_or(0, |(_, count)| count.load(Ordering::Relaxed))
        };
        let others = (0..=u8::MAX)
            .take(self.workers.len())
            .filter(|worker| *worker != here);
        match others.map(|worker| (count(worker), worker)).min() {
            Some((fewest, worker)) if fewest < legs => {
                self.send_on(key, worker);
                worker
            }
            _ => here,
        }
    }

    /// Makes ready for one more leg of a room on another worker.
    fn send_on(&mut self, key: RoomKey, worker: u8) {
        let here = self.index;
        let Some(room) = self.rooms.get_mut(key) else {
            return;
        };
        let (Some(id), Some(slot), settings) = (room.id, room.slot, room.settings()) else {
            return;
        };
        let recordings = room.recordings.clone();
        room.parts.get_or_insert_with(|| Parts::at_home(here));
        let rates = room.rates_for_new(here);
        let parts = room.parts.get_or_insert_with(|| Parts::at_home(here));
        let mut counts = parts.counts.iter();
        if let Some((_, count)) = counts.find(|(known, _)| *known == worker) {
            count.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let count = Arc::default();
        let mut new = Parts::at_home(here);
        let mut news = Vec::new();
        let (ours, theirs) = link();
        new.links.push((here, theirs));
        for (other, _) in &parts.counts {
            let (one, two) = link();
            new.links.push((*other, two));
            news.push((*other, one));
        }
        parts.links.push((worker, ours));
        parts.counts.push((worker, Arc::clone(&count)));
        count.fetch_add(1, Ordering::Relaxed);
        new.count = Some(count);
        new.rates = rates;
        let part = NewPart {
            room: id,
            slot,
            settings,
            recordings,
            parts: new,
        };
        self.send(worker, ToWorker::OpenPart(Box::new(part)));
        for (other, link) in news {
            self.send(other, ToWorker::LinkPart(id, worker, Box::new(link)));
        }
    }

    /// Sends a leg, which is in no room any more, to a part of its room.
    pub(super) fn send_to_part(
        &mut self,
        to: u8,
        leg: Box<Leg>,
        message: impl FnOnce(Box<Leg>) -> ToWorker,
    ) {
        let call = leg.call();
        if call.home() == self.index {
            self.calls.insert(call, Place::Moving);
        }
        self.send(to, message(leg));
    }

    pub(super) fn open_part(&mut self, new: NewPart, now: Instant) {
        let key = self.add_room(Some(new.room));
        // The home counts it.
        self.tools.counters.rooms.subtract(1);
        self.schedule.add_beside(new.slot, key, now);
        if let Some(room) = self.rooms.get_mut(key) {
            room.slot = Some(new.slot);
            room.watched = false;
            room.set(new.settings);
            room.recordings = new.recordings;
            room.join_parts(new.parts, &self.tools.trash);
        }
    }

    pub(super) fn link_part(&mut self, room: RoomId, worker: u8, link: Link) {
        let key = self.names.get(&room);
        if let Some(room) = key.and_then(|key| self.rooms.get_mut(*key))
            && let Some(parts) = &mut room.parts
        {
            parts.links.push((worker, link));
        }
    }

    /// Tells the other parts of a room that the highest rate of the legs of this one has changed.
    pub(super) fn tell_rate(&mut self, key: RoomKey) {
        let here = self.index;
        let room = self.rooms.get_mut(key);
        if let Some(rate) = room.and_then(|room| room.rate_to_tell()) {
            self.tell_parts(key, |room| ToWorker::RatePart(room, here, rate));
        }
    }

    pub(super) fn rate_part(&mut self, room: RoomId, worker: u8, rate: Rate) {
        let Some(&key) = self.names.get(&room) else {
            return;
        };
        self.finish_portions(key);
        if let Some(room) = self.rooms.get_mut(key) {
            room.learn_rate(worker, rate, &self.tools.trash);
        }
    }

    pub(super) fn set_part(&mut self, room: RoomId, settings: RoomSettings) {
        let key = self.names.get(&room);
        if let Some(room) = key.and_then(|key| self.rooms.get_mut(*key)) {
            room.set(settings);
        }
    }

    pub(super) fn forget_part(&mut self, room: RoomId, call: CallId) {
        let key = self.names.get(&room);
        if let Some(room) = key.and_then(|key| self.rooms.get_mut(*key)) {
            room.forget(call);
        }
    }

    pub(super) fn close_part(&mut self, room: RoomId, failed: bool, now: Instant) {
        let Some(key) = self.names.get(&room) else {
            return;
        };
        match failed {
            true => self.fail(*key, Box::new("a part of it on another worker has")),
            // There it is.
            false => drop(self.close_room(room, now)),
        }
    }

    /// Tells all other parts of a room something.
    pub(super) fn tell_parts(&mut self, key: RoomKey, message: impl Fn(RoomId) -> ToWorker) {
        let Some(room) = self.rooms.get(key) else {
            return;
        };
        let (Some(id), Some(parts)) = (room.id, &room.parts) else {
            return;
        };
        let workers: Vec<u8> = parts.links.iter().map(|(worker, _)| *worker).collect();
        for worker in workers {
            self.send(worker, message(id));
        }
    }
}
