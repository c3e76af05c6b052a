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
    /// The cell in which the payload begins, and how long it is.
    cell: u8,
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

/// Cells of a ring.
const CELLS: usize = u64::BITS as usize;

/// Numbers are extended ones: they don't wrap.
#[derive(Debug)]
pub(super) struct Ring {
    /// Payloads, each in as many cells in a row as it needs.
    cells: Box<[u8]>,
    cell_size: usize,
    longest: usize,
    /// The cells without a payload, by bits. The first that do are used: a stream without trouble
    /// uses the same few all the time, which stay in the processor's cache.
    free: u64,
    slots: Box<[Slot]>,
    /// Packets held.
    held: usize,
    next: u64,
    /// Timestamp units in the packets held.
    units: u64,
    /// No number has been left behind since the ring was cleared.
    fresh: bool,
    /// Which of the 128 numbers before `next` have come; the lowest bit is the newest of them.
    history: u128,
}

impl Ring {
    /// For so many packets and bytes, and payloads up to the longest.
    pub fn new(slots: u16, longest: u16, bytes: u32) -> Ring {
        let bytes = (bytes as usize).max(usize::from(longest));
        let cell_size = bytes.div_ceil(CELLS).max(1);
        Ring {
            cells: vec![0; CELLS * cell_size].into_boxed_slice(),
            cell_size,
            longest: usize::from(longest),
            free: u64::MAX,
            held: 0,
            slots: vec![Slot::Free; usize::from(slots)].into_boxed_slice(),
            next: 0,
            units: 0,
            fresh: true,
            history: 0,
        }
    }

    pub fn clear(&mut self, next: u64) {
        self.slots.fill(Slot::Free);
        (self.free, self.held) = (u64::MAX, 0);
        self.next = next;
        self.units = 0;
        self.fresh = true;
        self.history = 0;
    }

    /// The longest payload.
    pub fn longest(&self) -> usize {
        self.longest
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
        self.held
    }

    /// Whether the packet of `number`, which is not beyond, has come and is held.
    pub fn holds(&self, number: u64) -> bool {
        !matches!(self.slots[self.index(number)], Slot::Free)
    }

    /// Where there is room for a payload of so many bytes. An empty ring has it for the longest.
    pub fn place(&self, len: usize) -> Option<u8> {
        first_run(self.free, self.cells_of(len)).map(|cell| cell as u8)
    }

    fn cells_of(&self, len: usize) -> u32 {
        len.div_ceil(self.cell_size).max(1) as u32
    }

    /// The bits of a payload's cells.
    fn mask(&self, held: &Held) -> u64 {
        let count = self.cells_of(usize::from(held.len));
        (u64::MAX >> (u64::BITS - count)) << held.cell
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

    /// Stores a packet whose number has not come, at a [`place`](Self::place) for its payload.
    pub fn store(&mut self, number: u64, mut held: Held, payload: &[u8], cell: u8) {
        let index = self.index(number);
        held.cell = cell;
        held.len = payload.len() as u16;
        self.free &= !self.mask(&held);
        let start = usize::from(cell) * self.cell_size;
        self.cells[start..start + payload.len()].copy_from_slice(payload);
        self.slots[index] = Slot::Held(held);
        self.units += u64::from(held.duration);
        self.held += 1;
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
                self.free |= self.mask(&held);
                self.held -= 1;
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

/// The lowest bit with which `count` ones in a row begin, 1 to 64.
fn first_run(bits: u64, count: u32) -> Option<u32> {
    // Bits with which `known` ones begin; each step knows up to twice as many.
    let (mut begins, mut known) = (bits, 1);
    while known < count {
        let step = known.min(count - known);
        begins &= begins >> step;
        known += step;
    }
    (begins != 0).then(|| begins.trailing_zeros())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_run_is_found_wherever_it_is() {
        for count in 1..=64u32 {
            let run = u64::MAX >> (64 - count);
            for at in 0..=64 - count {
                assert_eq!(first_run(run << at, count), Some(at));
                // One less is none, also in front of it.
                let shorter = run >> 1;
                assert_eq!(first_run(shorter, count), None);
                if at > count {
                    assert_eq!(first_run(run << at | shorter, count), Some(at));
                }
            }
        }
        assert_eq!(first_run(0, 1), None);
        assert_eq!(first_run(u64::MAX, 64), Some(0));
    }
}
