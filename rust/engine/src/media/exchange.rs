//! What the parts of a room on different workers give each other, once a tick.
//!
//! Between each two parts there is a [`Link`]. Each tick a part fills a box with its partial sum and
//! sends it; the other adds it to its own a tick later, and sends the empty box back. Boxes go round
//! in rings with one writer and one reader each: nothing waits, and nothing is allocated.

use arrayvec::ArrayVec;
use rtrb::{Consumer, Producer, RingBuffer};
use sems_audio::{MAX_TALKERS, Talker};

use crate::{event::LevelList, ids::CallId};

/// Boxes each way: one that is read, one that has come, and two for a worker that is late.
const BOXES: usize = 4;
/// Single voices that go with a sum, for those who hear them otherwise than the room.
const VOICES: usize = 8;
/// Those who sound, for the limit of talkers.
const CANDIDATES: usize = 16;

/// What a part of a room adds to the others in one tick.
pub(super) struct Partial {
    /// The number of the tick.
    tick: u64,
    /// How many voices and prompts are in the sum; if none, the sum holds anything.
    pub(super) sounding: usize,
    /// The sum, at the rate that its length tells.
    pub(super) sum: Vec<i32>,
    /// Who of the part is loud.
    pub(super) levels: LevelList,
    /// Who of the part sounds, for the limit of talkers.
    pub(super) candidates: ArrayVec<Talker, CANDIDATES>,
    /// Whom the limit lets in, by the room's home.
    pub(super) inside: ArrayVec<u64, MAX_TALKERS>,
    /// Some of those who sound.
    pub(super) voices: ArrayVec<Voice, VOICES>,
}

/// One voice of another part.
pub(super) struct Voice {
    pub(super) call: CallId,
    /// It is in the sum.
    pub(super) summed: bool,
    pub(super) length: usize,
    pub(super) samples: [i16; LONGEST],
}

/// Samples of the longest frame.
const LONGEST: usize = 960;

impl Partial {
    fn new() -> Box<Self> {
        Box::new(Self {
            tick: 0,
            sounding: 0,
            sum: Vec::with_capacity(LONGEST),
            levels: LevelList::new(),
            candidates: ArrayVec::new(),
            inside: ArrayVec::new(),
            voices: ArrayVec::new(),
        })
    }

    /// Adds a voice, as far as there is room for voices.
    pub(super) fn add_voice(&mut self, call: CallId, summed: bool, frame: &[i16]) {
        if self.voices.is_full() {
            return;
        }
        let length = frame.len().min(LONGEST);
        let mut samples = [0; LONGEST];
        samples[..length].copy_from_slice(&frame[..length]);
        self.voices.push(Voice {
            call,
            summed,
            length,
            samples,
        });
    }
}

impl Voice {
    pub(super) fn frame(&self) -> &[i16] {
        &self.samples[..self.length]
    }
}

/// One part's end of the way to another.
pub(super) struct Link {
    /// Empty boxes of ours.
    empty: Consumer<Box<Partial>>,
    send: Producer<Box<Partial>>,
    receive: Consumer<Box<Partial>>,
    give_back: Producer<Box<Partial>>,
    /// What has come for the tick that is under way.
    current: Option<Box<Partial>>,
}

/// The two ends of a way between two parts.
pub(super) fn link() -> (Link, Link) {
    let ((send_one, receive_two), (give_two, empty_one)) = (ring(), filled_ring());
    let ((send_two, receive_one), (give_one, empty_two)) = (ring(), filled_ring());
    let one = Link {
        empty: empty_one,
        send: send_one,
        receive: receive_one,
        give_back: give_one,
        current: None,
    };
    let two = Link {
        empty: empty_two,
        send: send_two,
        receive: receive_two,
        give_back: give_two,
        current: None,
    };
    (one, two)
}

fn ring() -> (Producer<Box<Partial>>, Consumer<Box<Partial>>) {
    RingBuffer::new(BOXES)
}

/// A ring full of empty boxes.
fn filled_ring() -> (Producer<Box<Partial>>, Consumer<Box<Partial>>) {
    let (mut producer, consumer) = ring();
    while producer.push(Partial::new()).is_ok() {}
    (producer, consumer)
}

impl Link {
    /// Sends what `fill` writes; `false`: the other part is so far behind that there is no box for it.
    pub(super) fn send(&mut self, tick: u64, fill: impl FnOnce(&mut Partial)) -> bool {
        let Ok(mut partial) = self.empty.pop() else {
            return false;
        };
        partial.tick = tick;
        partial.sounding = 0;
        partial.sum.clear();
        partial.levels.clear();
        partial.candidates.clear();
        partial.inside.clear();
        partial.voices.clear();
        fill(&mut partial);
        // There are no more boxes than places for them.
        self.send.push(partial).is_ok()
    }

    /// Takes what the other part has sent for the tick before `tick`, and gives back what is older.
    pub(super) fn receive(&mut self, tick: u64) {
        if let Some(used) = self.current.take() {
            self.give_back(used);
        }
        while let Ok(next) = self.receive.peek() {
            if next.tick >= tick {
                break;
            }
            let Ok(partial) = self.receive.pop() else {
                break;
            };
            if partial.tick + 1 == tick {
                self.current = Some(partial);
                break;
            }
            self.give_back(partial);
        }
    }

    /// What has come for the tick that is under way.
    pub(super) fn current(&self) -> Option<&Partial> {
        self.current.as_deref()
    }

    fn give_back(&mut self, partial: Box<Partial>) {
        // There are no more boxes than places for them; if the other end is gone, so is the ring.
        let _ = self.give_back.push(partial);
    }
}

#[cfg(test)]
mod tests {
    use std::{thread, time::Duration};

    use super::*;

    fn send(link: &mut Link, tick: u64) -> bool {
        link.send(tick, |partial| {
            partial.sounding = 1;
            partial.sum.extend([tick as i32; 160]);
        })
    }

    fn received(link: &mut Link, tick: u64) -> Option<i32> {
        link.receive(tick);
        link.current().map(|partial| partial.sum[0])
    }

    #[test]
    fn what_is_sent_is_there_a_tick_later_whoever_ticks_first() {
        let (mut one, mut two) = link();
        for tick in 1..1_000 {
            send(&mut one, tick);
            let first = if tick > 1 {
                Some(tick as i32 - 1)
            } else {
                None
            };
            if tick % 3 == 0 {
                assert_eq!(received(&mut one, tick), first);
                send(&mut two, tick);
            } else {
                send(&mut two, tick);
                assert_eq!(received(&mut one, tick), first);
            }
            assert_eq!(received(&mut two, tick), first);
        }
    }

    #[test]
    fn who_is_late_misses_ticks_and_then_is_up_to_date_again() {
        let (mut one, mut two) = link();
        for tick in 1..=4 {
            assert!(send(&mut one, tick));
        }
        assert!(!send(&mut one, 5), "no box is left");
        assert_eq!(received(&mut two, 5), Some(4));
        assert!(send(&mut one, 6));
        assert_eq!(received(&mut two, 6), None);
        assert_eq!(received(&mut two, 7), Some(6));
        assert_eq!(received(&mut two, 7), None);
    }

    #[test]
    fn two_threads_exchange_whole_sums_in_order_and_never_wait() {
        const TICKS: u64 = 100_000;
        let (one, two) = link();
        let part = |mut link: Link, seed: u64| {
            let (mut last, mut came) = (0, 0u64);
            for tick in 1..=TICKS {
                link.send(tick, |partial| {
                    partial.sounding = 1;
                    partial.sum.extend([tick as i32; 160]);
                    partial.add_voice(CallId::new(tick, 0), true, &[tick as i16; 160]);
                });
                link.receive(tick);
                if let Some(partial) = link.current() {
                    let value = tick as i32 - 1;
                    assert!(partial.sum.iter().all(|sum| *sum == value), "torn");
                    let voice = &partial.voices[0];
                    assert!(voice.frame().iter().all(|sample| *sample == value as i16));
                    assert!(value > last);
                    last = value;
                    came += 1;
                }
                // Now and then one falls behind, as a worker does that is not run.
                if (tick + seed).is_multiple_of(10_000) {
                    thread::sleep(Duration::from_micros(200));
                }
                std::hint::spin_loop();
            }
            came
        };
        let other = thread::spawn(move || part(two, 5_000));
        part(one, 0);
        assert!(other.join().is_ok());
    }
}
