//! The ring between a tick and those who listen: one writes, any number read, nobody waits.
//!
//! The writer never looks at the readers. It writes over what is oldest, and a reader that has been
//! left behind finds that out from the stamps and counts what it has lost. So a listener more costs
//! a tick nothing.
//!
//! The ring holds slots of up to [`SLOT`] samples. A frame of a higher rate takes several of them,
//! so that the rate may change under way.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering, fence},
};

/// Samples in a slot: 20 ms at 8 kHz.
pub const SLOT: usize = 160;
/// Samples in a word of the ring.
const PACK: usize = 4;
/// Words of a slot: its time, its rate and length, its samples.
const WORDS: usize = 2 + SLOT / PACK;

/// What both ends share.
#[derive(Debug)]
struct Ring {
    words: Box<[AtomicU64]>,
    /// Slots in the ring, a power of two.
    slots: u64,
    /// Slots written so far.
    head: AtomicU64,
    /// Somebody wants to be told when so many slots have been written.
    wake_at: AtomicU64,
    finished: AtomicBool,
}

/// The tick's end. Dropping it ends the tap.
#[derive(Debug)]
pub struct TapWriter {
    ring: Arc<Ring>,
    head: u64,
}

/// A listener's end. A clone goes on by itself from where this one is.
#[derive(Clone, Debug)]
pub struct TapReader {
    ring: Arc<Ring>,
    next: u64,
    lost: u64,
}

/// What a slot says of its samples.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stamp {
    /// Its tick's time, in nanoseconds since the media's start.
    pub at: u64,
    /// Samples a second.
    pub rate: u32,
    /// Number of the slot within its tick: the sample that it begins with, by [`SLOT`].
    pub part: u8,
}

/// A ring that holds at least `seconds` of audio at `rate` samples a second.
pub fn tap(seconds: u32, rate: u32) -> (TapWriter, TapReader) {
    let wanted = u64::from(seconds) * u64::from(rate).div_ceil(SLOT as u64);
    // One more, for the slot that is being written is nobody's.
    let slots = (wanted + 1).next_power_of_two();
    let words = (0..slots as usize * WORDS).map(|_| AtomicU64::new(0));
    let ring = Arc::new(Ring {
        words: words.collect(),
        slots,
        head: AtomicU64::new(0),
        wake_at: AtomicU64::new(u64::MAX),
        finished: AtomicBool::new(false),
    });
    let writer = TapWriter {
        ring: ring.clone(),
        head: 0,
    };
    let reader = TapReader {
        ring,
        next: 0,
        lost: 0,
    };
    (writer, reader)
}

impl Ring {
    fn slot(&self, number: u64) -> &[AtomicU64] {
        let start = (number & (self.slots - 1)) as usize * WORDS;
        &self.words[start..start + WORDS]
    }
}

impl TapWriter {
    /// Puts the samples of a tick into the ring: `at` is its time in nanoseconds since the media's
    /// start.
    pub fn write(&mut self, samples: &[i16], rate: u32, at: u64) {
        for (part, samples) in (0u8..).zip(samples.chunks(SLOT)) {
            let slot = self.ring.slot(self.head);
            // Whoever sees one of the words below sees the head, too, and knows by it that the slot
            // is no longer what it was.
            fence(Ordering::Release);
            slot[0].store(at, Ordering::Relaxed);
            let kind = u64::from(rate) << 32 | u64::from(part) << 16 | samples.len() as u64;
            slot[1].store(kind, Ordering::Relaxed);
            let whole = samples.chunks_exact(PACK);
            let rest = whole.remainder();
            for (word, four) in slot[2..].iter().zip(whole) {
                let [a, b, c, d] = [four[0], four[1], four[2], four[3]];
                word.store(pack([a, b, c, d]), Ordering::Relaxed);
            }
            if !rest.is_empty() {
                let mut four = [0; PACK];
                four[..rest.len()].copy_from_slice(rest);
                slot[2 + samples.len() / PACK].store(pack(four), Ordering::Relaxed);
            }
            self.head += 1;
            self.ring.head.store(self.head, Ordering::Release);
        }
    }

    /// Tells those who wait for what has been written by now, by `tell`; if that can't be done, it is
    /// tried again the next time. Once for each [`TapReader::wake_after`].
    ///
    /// One that comes in the very moment may be overlooked, and is told with the next tick.
    pub fn tell_waiting(&self, tell: impl FnOnce() -> bool) {
        let wanted = self.ring.wake_at.load(Ordering::Relaxed);
        if self.head >= wanted && tell() {
            // If somebody asked for less meanwhile, that stands.
            let ring = &self.ring;
            let _ = ring.wake_at.compare_exchange(
                wanted,
                u64::MAX,
                Ordering::SeqCst,
                Ordering::Relaxed,
            );
        }
    }

    /// Nothing more will be written.
    pub fn finish(&self) {
        self.ring.finished.store(true, Ordering::Release);
    }

    /// Whether nobody will ever read what is written.
    pub fn is_abandoned(&self) -> bool {
        Arc::strong_count(&self.ring) == 1
    }
}

impl Drop for TapWriter {
    fn drop(&mut self) {
        self.finish();
    }
}

impl TapReader {
    /// The next slot, whose samples are put into `samples`; returns what it says of them and how
    /// many there are. `None`: nothing has come yet.
    pub fn next(&mut self, samples: &mut [i16; SLOT]) -> Option<(Stamp, usize)> {
        let head = self.ring.head.load(Ordering::Acquire);
        self.next_before(head, samples)
    }

    /// As [`TapReader::next`], but only what came before [`TapReader::mark`] was `mark`.
    pub fn next_before(&mut self, mark: u64, samples: &mut [i16; SLOT]) -> Option<(Stamp, usize)> {
        loop {
            if self.next >= mark {
                return None;
            }
            let slot = self.ring.slot(self.next);
            let at = slot[0].load(Ordering::Relaxed);
            let kind = slot[1].load(Ordering::Relaxed);
            for (four, word) in samples.chunks_exact_mut(PACK).zip(&slot[2..]) {
                four.copy_from_slice(&unpack(word.load(Ordering::Relaxed)));
            }
            // If any of it was written anew, this head says so.
            fence(Ordering::Acquire);
            let head = self.ring.head.load(Ordering::Relaxed);
            let oldest = (head + 1).saturating_sub(self.ring.slots);
            if self.next < oldest {
                self.lost += oldest - self.next;
                self.next = oldest;
                continue;
            }
            self.next += 1;
            let stamp = Stamp {
                at,
                rate: (kind >> 32) as u32,
                part: (kind >> 16) as u8,
            };
            return Some((stamp, (kind as u16 as usize).min(SLOT)));
        }
    }

    /// Appends all samples that have come.
    pub fn read(&mut self, heard: &mut Vec<i16>) {
        let mut samples = [0; SLOT];
        while let Some((_, count)) = self.next(&mut samples) {
            heard.extend_from_slice(&samples[..count]);
        }
    }

    /// How much has been written so far.
    pub fn mark(&self) -> u64 {
        self.ring.head.load(Ordering::Acquire)
    }

    /// Slots that wait to be read.
    pub fn waiting(&self) -> u64 {
        self.mark().saturating_sub(self.next)
    }

    /// Passes over all that waits.
    pub fn skip(&mut self) {
        self.next = self.mark();
    }

    /// Slots lost so far, because they were written over before they were read.
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// Has the reader of events woken when `slots` more wait than have been read. `false`: they are
    /// here already, or nothing comes any more, and nobody will be woken for them.
    pub fn wake_after(&self, slots: u64) -> bool {
        let wanted = self.next + slots;
        self.ring.wake_at.fetch_min(wanted, Ordering::SeqCst);
        self.ring.head.load(Ordering::SeqCst) < wanted && !self.is_finished()
    }

    /// Whether nothing will come any more, beyond what the ring still holds.
    pub fn is_finished(&self) -> bool {
        self.ring.finished.load(Ordering::Acquire)
    }
}

fn pack(samples: [i16; PACK]) -> u64 {
    let [a, b, c, d] = samples.map(|sample| u64::from(sample as u16));
    a | b << 16 | c << 32 | d << 48
}

fn unpack(word: u64) -> [i16; PACK] {
    [0, 16, 32, 48].map(|shift| (word >> shift) as u16 as i16)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(reader: &mut TapReader) -> Vec<i16> {
        let mut heard = Vec::new();
        reader.read(&mut heard);
        heard
    }

    /// Whether somebody would be told, which works or not.
    fn is_due(writer: &TapWriter, works: bool) -> bool {
        let mut due = false;
        writer.tell_waiting(|| {
            due = true;
            works
        });
        due
    }

    #[test]
    fn what_is_written_is_read_in_order_by_everybody() {
        let (mut writer, mut one) = tap(1, 8000);
        let mut other = one.clone();
        let frames: Vec<i16> = (0..480).map(|n| n - 240).collect();
        for frame in frames.chunks(160) {
            writer.write(frame, 8000, 0);
        }
        assert_eq!(read_all(&mut one), frames);
        assert_eq!(read_all(&mut other), frames);
        assert_eq!(one.lost(), 0);
    }

    #[test]
    fn frames_of_any_rate_and_length_pass() {
        let (mut writer, mut reader) = tap(1, 48_000);
        for (rate, length) in [
            (8000, 160),
            (16_000, 320),
            (48_000, 960),
            (8000, 81),
            (8000, 2),
        ] {
            let frame: Vec<i16> = (0..length).map(|n| n * 31 - 9000).collect();
            writer.write(&frame, rate, 7);
            let mut heard: Vec<i16> = Vec::new();
            let mut samples = [0; SLOT];
            let mut parts = 0;
            while let Some((stamp, count)) = reader.next(&mut samples) {
                let part = parts;
                assert_eq!(stamp, Stamp { at: 7, rate, part });
                heard.extend(&samples[..count]);
                parts += 1;
            }
            assert_eq!(heard, frame);
        }
    }

    #[test]
    fn who_is_left_behind_loses_whole_slots_and_knows_how_many() {
        let (mut writer, mut reader) = tap(1, 8000);
        for number in 0..100 {
            writer.write(&[number; 160], 8000, number as u64);
        }
        let mut samples = [0; SLOT];
        let (stamp, _) = reader.next(&mut samples).unwrap();
        // 64 slots, of which one is always being written.
        assert_eq!((reader.lost(), stamp.at), (37, 37));
        assert_eq!(samples, [37; 160]);
        assert_eq!(read_all(&mut reader).len(), 62 * 160);
    }

    #[test]
    fn each_end_sees_that_the_other_is_gone() {
        let (writer, reader) = tap(1, 8000);
        let other = reader.clone();
        drop(reader);
        assert!(!writer.is_abandoned());
        drop(other);
        assert!(writer.is_abandoned());
        let (writer, reader) = tap(1, 8000);
        assert!(!reader.is_finished());
        drop(writer);
        assert!(reader.is_finished());
        assert!(!reader.wake_after(1));
    }

    #[test]
    fn who_waits_is_told_once_when_enough_has_come() {
        let (mut writer, mut reader) = tap(1, 8000);
        writer.write(&[0; 160], 8000, 0);
        assert!(!is_due(&writer, true));
        assert!(reader.wake_after(3));
        for due in [false, true] {
            writer.write(&[0; 160], 8000, 0);
            assert_eq!(is_due(&writer, false), due);
        }
        // Telling failed, and is tried again.
        assert!(is_due(&writer, true));
        assert!(!is_due(&writer, true));
        assert!(!reader.wake_after(3));
        read_all(&mut reader);
        assert!(reader.wake_after(1));
    }

    #[test]
    fn nothing_torn_is_ever_read_while_another_thread_writes() {
        let (mut writer, reader) = tap(1, 1600);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                let mut reader = reader.clone();
                scope.spawn(move || {
                    let mut samples = [0; SLOT];
                    let mut before = 0;
                    loop {
                        let finished = reader.is_finished();
                        let Some((stamp, count)) = reader.next(&mut samples) else {
                            if finished {
                                break;
                            }
                            continue;
                        };
                        assert_eq!(count, SLOT);
                        assert_eq!(samples, [stamp.at as i16; SLOT]);
                        assert!(stamp.at > before);
                        before = stamp.at;
                    }
                });
            }
            for at in 1..100_000u64 {
                writer.write(&[at as i16; SLOT], 8000, at);
                if at.is_multiple_of(64) {
                    std::thread::yield_now();
                }
            }
            drop(writer);
        });
    }
}
