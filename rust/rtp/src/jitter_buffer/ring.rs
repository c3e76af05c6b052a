//! Where packets wait: a place for each number, from the next one to play on.

use crate::packet::{PayloadType, Timestamp};

/// What is kept of a packet beside its payload.
#[derive(Debug, Clone, Copy)]
pub(super) struct Held {
    /// In timestamp units, on the buffer's clock.
    pub arrived: u64,
    pub timestamp: Timestamp,
    pub duration: u32,
    pub payload_type: PayloadType,
    pub marker: bool,
    /// Where the payload is, and how long it is.
    cell: u16,
    len: u16,
}

impl Held {
    pub fn new(
        arrived: u64,
        timestamp: Timestamp,
        duration: u32,
        payload_type: PayloadType,
        marker: bool,
    ) -> Held {
        Held {
            arrived,
            timestamp,
            duration,
            payload_type,
            marker,
            cell: 0,
            len: 0,
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Slot {
    Free,
    /// The packet of this number carries no audio of this buffer's.
    PassedOver,
    Held(Held),
}

/// What stood at the number that the ring has just left behind.
#[derive(Debug, Clone, Copy)]
pub(super) enum Left {
    Missing,
    PassedOver,
    /// A packet; its payload stays readable until the next one is stored.
    Packet(Held),
}

/// Numbers are extended ones: they don't wrap.
#[derive(Debug)]
pub(super) struct Ring {
    /// Payloads, each in a cell of its own.
    cells: Box<[u8]>,
    cell_size: usize,
    /// The cells without a payload. What was freed last is used next: a stream without trouble
    /// uses the same one or two all the time, which stay in the processor's cache.
    free: Vec<u16>,
    slots: Box<[Slot]>,
    next: u64,
    /// Timestamp units in the packets held.
    units: u64,
    /// No number has been left behind since the ring was cleared.
    fresh: bool,
    /// Which of the 128 numbers before `next` have come; the lowest bit is the newest of them.
    history: u128,
}

impl Ring {
    pub fn new(slots: u16, slot_size: u16) -> Ring {
        let cell_size = usize::from(slot_size);
        Ring {
            cells: vec![0; usize::from(slots) * cell_size].into_boxed_slice(),
            cell_size,
            free: (0..slots).rev().collect(),
            slots: vec![Slot::Free; usize::from(slots)].into_boxed_slice(),
            next: 0,
            units: 0,
            fresh: true,
            history: 0,
        }
    }

    pub fn clear(&mut self, next: u64) {
        for slot in &mut self.slots {
            if let Slot::Held(held) = std::mem::replace(slot, Slot::Free) {
                self.free.push(held.cell);
            }
        }
        self.next = next;
        self.units = 0;
        self.fresh = true;
        self.history = 0;
    }

    /// The longest payload.
    pub fn cell_size(&self) -> usize {
        self.cell_size
    }

    /// The number that is the next to be played.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// Timestamp units in the packets held.
    pub fn units(&self) -> u64 {
        self.units
    }

    /// Packets held.
    pub fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Whether `number`, which lies before the next one, has come.
    pub fn has_left(&self, number: u64) -> bool {
        let age = self.next - 1 - number;
        age < 128 && self.history >> age & 1 == 1
    }

    /// Whether `number` is so far ahead that older ones have to leave before it can be stored.
    pub fn is_beyond(&self, number: u64) -> bool {
        number - self.next >= self.slots.len() as u64
    }

    /// Goes back to `number`, if nothing has been left behind yet and all packets still fit.
    pub fn reach_back(&mut self, number: u64, newest: u64) -> bool {
        let possible = self.fresh && newest - number < self.slots.len() as u64;
        if possible {
            self.next = number;
        }
        possible
    }

    /// Stores a packet, whose payload fits a cell; false when its number has come already.
    pub fn store(&mut self, number: u64, mut held: Held, payload: &[u8]) -> bool {
        let index = self.index(number);
        let Slot::Free = self.slots[index] else {
            return false;
        };
        // There are as many cells as slots.
        let Some(cell) = self.free.pop() else {
            return false;
        };
        held.cell = cell;
        held.len = payload.len() as u16;
        let start = usize::from(cell) * self.cell_size;
        self.cells[start..start + payload.len()].copy_from_slice(payload);
        self.slots[index] = Slot::Held(held);
        self.units += u64::from(held.duration);
        true
    }

    pub fn pass_over(&mut self, number: u64) {
        let index = self.index(number);
        if let Slot::Free = self.slots[index] {
            self.slots[index] = Slot::PassedOver;
        }
    }

    /// The first packet held, and how many numbers before it are missing.
    pub fn head(&self) -> Option<(Held, u32)> {
        if self.len() == 0 {
            return None;
        }
        let mut missing = 0;
        for number in self.next..self.next + self.slots.len() as u64 {
            match self.slots[self.index(number)] {
                Slot::Free => missing += 1,
                Slot::PassedOver => {}
                Slot::Held(held) => return Some((held, missing)),
            }
        }
        None
    }

    /// Leaves the next number behind.
    pub fn advance(&mut self) -> Left {
        let index = self.index(self.next);
        self.next += 1;
        self.fresh = false;
        let left = match std::mem::replace(&mut self.slots[index], Slot::Free) {
            Slot::Free => Left::Missing,
            Slot::PassedOver => Left::PassedOver,
            Slot::Held(held) => {
                self.units -= u64::from(held.duration);
                self.free.push(held.cell);
                Left::Packet(held)
            }
        };
        self.history = self.history << 1 | u128::from(!matches!(left, Left::Missing));
        left
    }

    /// The payload of the packet that was the last to be left behind.
    pub fn payload(&self, held: &Held) -> &[u8] {
        let start = usize::from(held.cell) * self.cell_size;
        &self.cells[start..start + usize::from(held.len)]
    }

    fn index(&self, number: u64) -> usize {
        (number % self.slots.len() as u64) as usize
    }
}
