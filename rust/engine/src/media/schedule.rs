//! When which rooms are due: the 20 ms of a tick are divided into slots, and rooms are spread over
//! them, so that a worker's packets leave evenly and the processor is never asked for all at once.

use std::time::{Duration, Instant};

use sems_audio::FRAME_MS;
use slotmap::new_key_type;

new_key_type! {
    /// A room within its worker.
    pub(super) struct RoomKey;
}

/// From tick to tick.
pub(super) const TICK: Duration = Duration::from_millis(FRAME_MS as u64);
/// A tick that begins more than this after its time is counted as late.
pub(super) const LATE: Duration = Duration::from_millis(5);
/// Slots in a tick.
const SLOTS: usize = 10;
/// From slot to slot.
const SPACING: Duration = Duration::from_millis(FRAME_MS as u64 / SLOTS as u64);
/// Legs for which waking up once more does not pay: a slot takes so many before the next is opened.
const WORTHWHILE: usize = 64;

/// Rooms that are due together.
struct Slot {
    deadline: Instant,
    rooms: Vec<RoomKey>,
    legs: usize,
}

/// All slots of a worker.
pub(super) struct Schedule {
    slots: [Slot; SLOTS],
}

/// A slot whose time has come.
pub(super) struct Due {
    pub(super) slot: usize,
    pub(super) deadline: Instant,
    /// Ticks before this one that have been left out.
    pub(super) skipped: u64,
}

impl Schedule {
    /// Empty slots, the first of which begins at `start`.
    pub(super) fn new(start: Instant) -> Self {
        Self {
            slots: std::array::from_fn(|index| Slot {
                deadline: start + SPACING * index as u32,
                rooms: Vec::new(),
                legs: 0,
            }),
        }
    }

    /// Puts a room into the slot with the least to do, or into a busy one if that is not much.
    pub(super) fn add(&mut self, room: RoomKey, legs: usize, now: Instant) -> usize {
        let loads = self.slots.iter().map(|slot| slot.legs / WORTHWHILE);
        let slot = loads.zip(0..).min().map_or(0, |(_, slot)| slot);
        self.put(slot, room, legs, now);
        slot
    }

    fn put(&mut self, slot: usize, room: RoomKey, legs: usize, now: Instant) {
        let chosen = &mut self.slots[slot];
        if chosen.rooms.is_empty() {
            let passed = now.saturating_duration_since(chosen.deadline).as_nanos();
            let ticks = passed.div_ceil(TICK.as_nanos());
            chosen.deadline += TICK * ticks as u32;
        }
        chosen.rooms.push(room);
        chosen.legs += legs;
    }

    /// Puts a room into this slot, in which other parts of it are on other workers.
    pub(super) fn add_beside(&mut self, slot: usize, room: RoomKey, now: Instant) {
        self.put(slot, room, 0, now);
    }

    /// Takes a room out of its slot.
    pub(super) fn remove(&mut self, slot: usize, room: RoomKey, legs: usize) {
        let slot = &mut self.slots[slot];
        if let Some(index) = slot.rooms.iter().position(|known| *known == room) {
            slot.rooms.swap_remove(index);
            slot.legs -= legs;
        }
    }

    /// A room in this slot has gained or lost a leg.
    pub(super) fn weigh(&mut self, slot: usize, gained: bool) {
        let legs = &mut self.slots[slot].legs;
        *legs = if gained {
            *legs + 1
        } else {
            legs.saturating_sub(1)
        };
    }

    /// When the next slot is due.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let busy = self.slots.iter().filter(|slot| !slot.rooms.is_empty());
        busy.map(|slot| slot.deadline).min()
    }

    /// The slot that is due longest at `now`, if any is. Of a slot that is more than one tick
    /// behind, the ticks before that are left out.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<Due> {
        let busy = self.slots.iter_mut().enumerate();
        let (index, slot) = busy
            .filter(|(_, slot)| !slot.rooms.is_empty() && slot.deadline <= now)
            .min_by_key(|(_, slot)| slot.deadline)?;
        let behind = now.saturating_duration_since(slot.deadline).as_nanos();
        let skipped = (behind.div_ceil(TICK.as_nanos()) as u64).saturating_sub(1);
        slot.deadline += TICK * skipped as u32;
        let deadline = slot.deadline;
        slot.deadline += TICK;
        Some(Due {
            slot: index,
            deadline,
            skipped,
        })
    }

    /// The rooms of a slot.
    pub(super) fn rooms(&self, slot: usize) -> &[RoomKey] {
        &self.slots[slot].rooms
    }
}

#[cfg(test)]
mod tests {
    use slotmap::SlotMap;

    use super::*;

    fn keys(count: usize) -> Vec<RoomKey> {
        let mut map = SlotMap::with_key();
        (0..count).map(|_| map.insert(())).collect()
    }

    #[test]
    fn few_legs_share_a_slot_and_many_are_spread_evenly() {
        let start = Instant::now();
        let mut schedule = Schedule::new(start);
        let keys = keys(WORTHWHILE * SLOTS);
        let slots: Vec<usize> = keys
            .iter()
            .map(|key| schedule.add(*key, 1, start))
            .collect();
        assert_eq!(slots[..WORTHWHILE], [0; WORTHWHILE]);
        assert!((0..SLOTS).all(|slot| schedule.rooms(slot).len() == WORTHWHILE));
    }

    #[test]
    fn ticks_stay_on_their_grid_however_late_the_worker_is() {
        let start = Instant::now();
        let mut schedule = Schedule::new(start);
        schedule.add(keys(1)[0], 1, start);
        let first = schedule
            .take_due(start + Duration::from_millis(19))
            .unwrap();
        assert_eq!((first.deadline, first.skipped), (start, 0));
        assert!(
            schedule
                .take_due(start + Duration::from_millis(19))
                .is_none()
        );
        assert_eq!(schedule.next_deadline(), Some(start + TICK));
    }

    #[test]
    fn what_is_more_than_one_tick_behind_is_skipped() {
        let start = Instant::now();
        let mut schedule = Schedule::new(start);
        schedule.add(keys(1)[0], 1, start);
        let due = schedule
            .take_due(start + Duration::from_millis(105))
            .unwrap();
        assert_eq!((due.deadline, due.skipped), (start + 5 * TICK, 5));
        let mut late_by_one = Schedule::new(start);
        late_by_one.add(keys(1)[0], 1, start);
        for tick in 0..2 {
            let due = late_by_one.take_due(start + TICK).unwrap();
            assert_eq!((due.deadline, due.skipped), (start + TICK * tick, 0));
        }
    }

    #[test]
    fn an_idle_slot_wakes_nobody_and_comes_back_on_its_grid() {
        let start = Instant::now();
        let mut schedule = Schedule::new(start);
        let key = keys(1)[0];
        let slot = schedule.add(key, 3, start);
        schedule.remove(slot, key, 3);
        assert_eq!(schedule.next_deadline(), None);
        schedule.add(key, 1, start + Duration::from_millis(47));
        assert_eq!(schedule.next_deadline(), Some(start + 3 * TICK));
    }
}
