//! What a line is like, for who wants to know: written by the line's worker once a second, read by
//! anybody at any time. Nothing is sent for it, so what nobody reads costs a few stores.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, AtomicU64, Ordering, fence},
    },
};

use crate::ids::CallId;

/// Calls that have ended of which the last figures are kept.
const ENDED: usize = 1024;
/// Figures of a call in words of 64 bits.
const WORDS: usize = 6;
/// How often a reader who is disturbed by the writer tries again.
const ATTEMPTS: usize = 64;

/// Figures of one line: counts and shares are of the last five seconds.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Quality {
    /// RTP packets received.
    pub received: u32,
    /// Packets that should have come and did not.
    pub lost: u32,
    /// Packets that came too late to be played.
    pub discarded: u32,
    /// Interarrival jitter (RFC 3550 §6.4.1) in milliseconds.
    pub jitter_ms: f32,
    /// How long packets wait here to be played, in milliseconds.
    pub buffer_ms: f32,
    /// Round trip from RTCP in milliseconds, where the peer sends RTCP.
    pub round_trip_ms: Option<f32>,
    /// Loss that the peer reports of what we send, 0.0–1.0, where it reports.
    pub remote_loss: Option<f32>,
    /// Interarrival jitter that the peer reports of what we send, in milliseconds.
    pub remote_jitter_ms: Option<f32>,
    /// What the peer sounds like here: MOS 1.0–4.5 by the E-model (ITU-T G.107, simplified), of
    /// loss, discards, their burstiness, delay and codec. `None` while nothing comes.
    pub mos: Option<f32>,
    /// What we sound like to the peer: as it says (RFC 3611), else estimated from what it reports;
    /// `None` where it reports nothing.
    pub remote_mos: Option<f32>,
    /// For so long the peer has not reported (RTCP SR or RR, RFC 3550 §6.4), in milliseconds; `None`: it
    /// never has.
    pub reported_ms: Option<f32>,
}

impl Quality {
    /// Share of packets that did not come, 0.0–1.0.
    pub fn loss(&self) -> f32 {
        self.lost as f32 / (self.received + self.lost).max(1) as f32
    }

    fn pack(&self) -> [u64; WORDS] {
        let pair = |high: u32, low: u32| u64::from(high) << 32 | u64::from(low);
        let bits = |value: Option<f32>| value.unwrap_or(f32::NAN).to_bits();
        [
            pair(self.received, self.lost),
            pair(self.discarded, self.jitter_ms.to_bits()),
            pair(self.buffer_ms.to_bits(), bits(self.round_trip_ms)),
            pair(bits(self.remote_loss), bits(self.remote_jitter_ms)),
            pair(bits(self.mos), bits(self.remote_mos)),
            pair(bits(self.reported_ms), 0),
        ]
    }

    fn unpack(words: [u64; WORDS]) -> Self {
        let high = |word: usize| (words[word] >> 32) as u32;
        let low = |word: usize| words[word] as u32;
        let known = |bits: u32| Some(f32::from_bits(bits)).filter(|value| !value.is_nan());
        Self {
            received: high(0),
            lost: low(0),
            discarded: high(1),
            jitter_ms: f32::from_bits(low(1)),
            buffer_ms: f32::from_bits(high(2)),
            round_trip_ms: known(low(2)),
            remote_loss: known(high(3)),
            remote_jitter_ms: known(low(3)),
            mos: known(high(4)),
            remote_mos: known(low(4)),
            reported_ms: known(high(5)),
        }
    }
}

/// One call's figures, which one thread writes and others read without a lock: the count of
/// writings is odd while one is under way, and who reads across one reads again.
#[derive(Debug, Default)]
#[repr(align(64))]
pub struct Slot {
    writings: AtomicU32,
    words: [AtomicU64; WORDS],
}

impl Slot {
    /// Puts new figures in the place of the last ones. For one thread at a time.
    pub(crate) fn write(&self, quality: &Quality) {
        let writings = self.writings.load(Ordering::Relaxed);
        self.writings
            .store(writings.wrapping_add(1), Ordering::Relaxed);
        // Who sees a word of what follows sees that a writing has begun.
        fence(Ordering::Release);
        for (word, value) in self.words.iter().zip(quality.pack()) {
            word.store(value, Ordering::Relaxed);
        }
        self.writings
            .store(writings.wrapping_add(2), Ordering::Release);
    }

    /// The last figures; `None`: there are none yet.
    pub fn read(&self) -> Option<Quality> {
        for _ in 0..ATTEMPTS {
            let before = self.writings.load(Ordering::Acquire);
            if before == 0 {
                return None;
            }
            let words = std::array::from_fn(|word| self.words[word].load(Ordering::Relaxed));
            fence(Ordering::Acquire);
            if before.is_multiple_of(2) && self.writings.load(Ordering::Relaxed) == before {
                return Some(Quality::unpack(words));
            }
            std::hint::spin_loop();
        }
        None
    }
}

/// Where the slots of all calls are found. Workers never come here.
#[derive(Debug, Default)]
pub(crate) struct Board {
    slots: Mutex<Slots>,
}

#[derive(Debug, Default)]
struct Slots {
    of: HashMap<CallId, Arc<Slot>>,
    ended: VecDeque<CallId>,
}

impl Board {
    /// A call has a leg.
    pub(crate) fn open(&self, call: CallId, slot: Arc<Slot>) {
        self.lock().of.insert(call, slot);
    }

    /// It has none any more. Its last figures stay for a while.
    pub(crate) fn close(&self, call: CallId) {
        let mut slots = self.lock();
        if slots.ended.len() == ENDED
            && let Some(oldest) = slots.ended.pop_front()
        {
            slots.of.remove(&oldest);
        }
        slots.ended.push_back(call);
    }

    /// The last figures of each of these calls.
    pub(crate) fn read(&self, calls: &[CallId]) -> Vec<Option<Quality>> {
        let slots = self.lock();
        let found = calls.iter().map(|call| slots.of.get(call)?.read());
        found.collect()
    }

    fn lock(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some(number: u32) -> Quality {
        Quality {
            received: number,
            lost: number,
            discarded: number,
            jitter_ms: number as f32,
            buffer_ms: number as f32,
            round_trip_ms: Some(number as f32),
            remote_loss: None,
            remote_jitter_ms: Some(number as f32),
            mos: Some(number as f32),
            remote_mos: None,
            reported_ms: Some(number as f32),
        }
    }

    #[test]
    fn what_is_written_is_read_and_nothing_before() {
        let slot = Slot::default();
        assert_eq!(slot.read(), None);
        for number in [3, 4] {
            slot.write(&some(number));
            assert_eq!(slot.read(), Some(some(number)));
        }
        slot.write(&Quality::default());
        assert_eq!(slot.read(), Some(Quality::default()));
    }

    #[test]
    fn nobody_reads_half_of_two_writings() {
        let slot = Slot::default();
        slot.write(&some(0));
        std::thread::scope(|scope| {
            scope.spawn(|| (1..100_000).for_each(|number| slot.write(&some(number))));
            let mut last = 0;
            while last < 99_999 {
                let Some(read) = slot.read() else { continue };
                assert_eq!(read, some(read.received));
                assert!(read.received >= last);
                last = read.received;
            }
        });
    }

    #[test]
    fn of_calls_that_have_ended_the_last_are_kept() {
        let board = Board::default();
        let calls: Vec<_> = (0..ENDED as u64 + 2).map(CallId).collect();
        for call in &calls {
            let slot = Arc::new(Slot::default());
            slot.write(&some(1));
            board.open(*call, slot);
            board.close(*call);
        }
        let read = board.read(&[calls[0], calls[1], calls[2], CallId(u64::MAX)]);
        assert_eq!(read, [None, None, Some(some(1)), None]);
    }
}
