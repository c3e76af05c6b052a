//! The memory in which all legs note what comes to their ports: blocks of a few places. Each leg
//! has one; who needs more takes one that is free, without a lock and without the allocator. Who
//! may allocate makes more of them before they run out, and what a forgotten call had is used again.

use std::sync::{
    OnceLock,
    atomic::{AtomicU32, AtomicU64, Ordering},
};

/// Places in a block: what a call without keys needs.
pub(super) const BLOCK_PLACES: usize = 8;
/// Blocks that are made at once.
const SEGMENT: usize = 128;
/// So many are always free, for all who need one more before the next are made.
const SPARE: u32 = 256;

/// Four words of which a run, or a source, is written.
#[derive(Debug, Default)]
pub(super) struct Place(pub(super) [AtomicU64; 4]);

#[derive(Debug, Default)]
struct Block {
    /// The next one of the same owner, or of those that are free, and 1 more; 0: there is none.
    next: AtomicU32,
    places: [Place; BLOCK_PLACES],
}

/// All blocks of an engine.
#[derive(Debug)]
pub struct Places {
    segments: Box<[OnceLock<Box<[Block]>>]>,
    made: AtomicU32,
    /// The first free one, and 1 more; above that how often one was taken or given, so that who saw
    /// an older state changes nothing.
    free: AtomicU64,
    left: AtomicU32,
}

impl Places {
    /// Bytes of a block.
    pub const BLOCK_BYTES: usize = size_of::<Block>();

    /// Room for as many blocks as fit into so many bytes; none is made yet.
    pub fn new(bytes: usize) -> Self {
        let most = (bytes / (SEGMENT * size_of::<Block>())).max(1);
        let places = Self {
            segments: std::iter::repeat_with(OnceLock::new).take(most).collect(),
            made: AtomicU32::new(0),
            free: AtomicU64::new(0),
            left: AtomicU32::new(0),
        };
        places.provide();
        places
    }

    /// Makes more if few are left. Not for who may not allocate; one at a time.
    pub fn provide(&self) {
        while self.left.load(Ordering::Relaxed) < SPARE {
            let made = self.made.load(Ordering::Relaxed);
            let Some(segment) = self.segments.get(made as usize) else {
                return;
            };
            let blocks = std::iter::repeat_with(Block::default).take(SEGMENT);
            if segment.set(blocks.collect()).is_err() {
                return;
            }
            self.made.store(made + 1, Ordering::Relaxed);
            let first = made * SEGMENT as u32;
            for number in first..first + SEGMENT as u32 {
                self.give(number);
            }
        }
    }

    /// Bytes of all blocks that were made.
    pub(super) fn bytes(&self) -> usize {
        self.made.load(Ordering::Relaxed) as usize * SEGMENT * size_of::<Block>()
    }

    /// Blocks that nobody has.
    #[cfg(test)]
    pub(crate) fn left(&self) -> usize {
        self.left.load(Ordering::Relaxed) as usize
    }

    fn block(&self, number: u32) -> Option<&Block> {
        let segment = self.segments.get(number as usize / SEGMENT)?.get()?;
        segment.get(number as usize % SEGMENT)
    }

    /// A block that nobody has, by its number.
    pub(super) fn take(&self) -> Option<u32> {
        let mut free = self.free.load(Ordering::Acquire);
        loop {
            let number = (free as u32).checked_sub(1)?;
            let block = self.block(number)?;
            let next = block.next.load(Ordering::Relaxed);
            match self.exchange(free, next) {
                Ok(()) => {
                    self.left.fetch_sub(1, Ordering::Relaxed);
                    block.next.store(0, Ordering::Relaxed);
                    return Some(number);
                }
                Err(now) => free = now,
            }
        }
    }

    fn give(&self, number: u32) {
        let Some(block) = self.block(number) else {
            return;
        };
        // Counted first, so that the count is never below none.
        self.left.fetch_add(1, Ordering::Relaxed);
        let mut free = self.free.load(Ordering::Relaxed);
        loop {
            block.next.store(free as u32, Ordering::Relaxed);
            match self.exchange(free, number + 1) {
                Ok(()) => return,
                Err(now) => free = now,
            }
        }
    }

    /// Puts another block at the head of those that are free.
    fn exchange(&self, free: u64, head: u32) -> Result<(), u64> {
        let turn = (free >> 32).wrapping_add(1) << 32;
        let (success, failure) = (Ordering::AcqRel, Ordering::Acquire);
        let new = turn | u64::from(head);
        let exchanged = self.free.compare_exchange_weak(free, new, success, failure);
        exchanged.map(|_| ())
    }

    /// One more block after `last`, for its owner.
    pub(super) fn extend(&self, last: u32) -> Option<u32> {
        let number = self.take()?;
        let last = self.block(last)?;
        // Who sees that something is written there sees that it follows: see `Heard::begin`.
        last.next.store(number + 1, Ordering::Relaxed);
        Some(number)
    }

    /// The block after this one, of the same owner.
    pub(super) fn after(&self, number: u32) -> Option<u32> {
        let next = self.block(number)?.next.load(Ordering::Relaxed);
        next.checked_sub(1)
    }

    /// A place in a block.
    pub(super) fn place(&self, number: u32, place: usize) -> Option<&Place> {
        self.block(number)?.places.get(place)
    }

    /// Its owner needs this block, and those after it, no more.
    pub(super) fn give_back(&self, first: u32) {
        let mut block = Some(first);
        while let Some(number) = block {
            block = self.after(number);
            self.give(number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_made_before_they_run_out_up_to_the_limit() {
        let bytes = 4 * SEGMENT * size_of::<Block>();
        let places = Places::new(bytes);
        assert_eq!((places.left(), places.bytes()), (256, bytes / 2));
        let taken: Vec<_> = std::iter::from_fn(|| {
            places.provide();
            places.take()
        })
        .collect();
        assert_eq!((taken.len(), places.left()), (4 * SEGMENT, 0));
        let mut numbers = taken.clone();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), taken.len(), "none has two owners");
        for number in taken {
            places.give_back(number);
        }
        assert_eq!((places.left(), places.bytes()), (4 * SEGMENT, bytes));
    }

    #[test]
    fn several_threads_take_and_give_back_and_no_block_has_two_owners() {
        let places = Places::new(SEGMENT * size_of::<Block>());
        std::thread::scope(|scope| {
            for mark in 1..=4u64 {
                let places = &places;
                scope.spawn(move || {
                    for round in 0..2_000usize {
                        let Some(first) = places.take() else {
                            continue;
                        };
                        let mut last = first;
                        for _ in 0..round % 5 {
                            last = places.extend(last).unwrap_or(last);
                        }
                        let mut block = Some(first);
                        while let Some(number) = block {
                            let word = &places.place(number, 3).unwrap().0[0];
                            assert_eq!(word.swap(mark, Ordering::AcqRel), 0);
                            block = places.after(number);
                        }
                        block = Some(first);
                        while let Some(number) = block {
                            let word = &places.place(number, 3).unwrap().0[0];
                            assert_eq!(word.swap(0, Ordering::AcqRel), mark);
                            block = places.after(number);
                        }
                        places.give_back(first);
                    }
                });
            }
        });
        assert_eq!(places.left(), SEGMENT);
    }
}
