//! What is read ahead by a file thread, and played from a ring.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering},
};

use sems_audio::Rate;

use super::{Advance, copy_within};

/// What a ring holds, of 48 kHz half of it: how long a disk may take a rest.
const SECONDS: usize = 4;
/// Of a second: what has to be there before it begins to sound, so that it doesn't stumble at once.
const HEAD_START: usize = 5;
/// Bits of a place's position; those above count how often it was gone to another.
const POSITION_BITS: u32 = 48;
/// An end that is not known yet, and a change of the rate that is not coming.
const UNKNOWN: u64 = u64::MAX;
/// Bits of a place in [`Rate::ALL`]; those above are a sample.
const RATE_BITS: u32 = 2;
/// Nobody has said yet at which rate it is to be.
const UNASKED: u8 = u8::MAX;

/// What both ends know beside the ring. All samples are counted from the first that was written.
#[derive(Debug)]
struct Shared {
    /// Where the player wants to be: how many times it has gone elsewhere, and the position there.
    wanted: AtomicU64,
    /// The same of what is being written …
    given: AtomicU64,
    /// … which begins with this sample.
    begins: AtomicU64,
    /// The sample behind the last one.
    ends: AtomicU64,
    /// The file could not be read on.
    failed: AtomicBool,
    /// The place in [`Rate::ALL`] of the rate at which the player wants it.
    asked: AtomicU8,
    /// From which sample on it is of another rate, and of which, until the player is there.
    turns: AtomicU64,
}

/// The worker's end.
#[derive(Debug)]
pub struct StreamPlayer {
    ring: rtrb::Consumer<i16>,
    shared: Arc<Shared>,
    /// Samples taken out of the ring.
    taken: u64,
    /// As in [`Shared::wanted`].
    wanted: u64,
    /// Position of the sample that comes next, at 48 kHz.
    position: u64,
    /// Position at 8 kHz where a turn ends and the next one begins.
    turn: u64,
    sounding: bool,
    ended: bool,
    /// The highest rate at which there is anything.
    highest: Rate,
    /// The current 20 ms, and the rate of what is in the ring.
    frame: [i16; Rate::LONGEST_FRAME],
    rate: Rate,
}

/// The file thread's end.
#[derive(Debug)]
pub(in crate::media) struct StreamWriter {
    ring: rtrb::Producer<i16>,
    shared: Arc<Shared>,
    written: u64,
    given: u64,
    /// Of what it writes; `None`: nobody has asked for anything.
    rate: Option<Rate>,
    size: usize,
}

/// Both ends; a turn is `turn` samples long at 8 kHz, and at `highest` is all that it has to tell.
pub(in crate::media) fn stream(turn: u64, highest: Rate) -> (StreamWriter, StreamPlayer) {
    let size = match highest {
        Rate::Full => SECONDS / 2,
        Rate::Narrow | Rate::Wide => SECONDS,
    };
    let size = size * highest.hz() as usize;
    let (producer, consumer) = rtrb::RingBuffer::new(size);
    let shared = Arc::new(Shared {
        wanted: AtomicU64::new(0),
        given: AtomicU64::new(0),
        begins: AtomicU64::new(0),
        ends: AtomicU64::new(UNKNOWN),
        failed: AtomicBool::new(false),
        asked: AtomicU8::new(UNASKED),
        turns: AtomicU64::new(UNKNOWN),
    });
    let writer = StreamWriter {
        ring: producer,
        shared: shared.clone(),
        written: 0,
        given: 0,
        rate: None,
        size,
    };
    let player = StreamPlayer {
        ring: consumer,
        shared,
        taken: 0,
        wanted: 0,
        position: 0,
        turn: turn.max(1),
        sounding: false,
        ended: false,
        highest,
        frame: [0; Rate::LONGEST_FRAME],
        rate: Rate::Narrow,
    };
    (writer, player)
}

impl StreamPlayer {
    pub(super) fn has_ended(&self) -> bool {
        self.ended
    }

    pub(super) fn has_failed(&self) -> bool {
        self.shared.failed.load(Ordering::Relaxed)
    }

    /// The current 20 ms, at [`StreamPlayer::rate`].
    pub(super) fn samples(&self) -> &[i16] {
        &self.frame[..self.rate.frame()]
    }

    /// The rate of the current 20 ms.
    pub(super) fn rate(&self) -> Rate {
        self.rate
    }

    /// Nothing above this rate will be heard. What is in the ring sounds on as it is; `true`: the writer
    /// has to be told.
    pub(super) fn set_rate(&mut self, rate: Rate) -> bool {
        let asked = rate.min(self.highest) as u8;
        self.shared.asked.swap(asked, Ordering::Release) != asked
    }

    /// Samples at 8 kHz since the beginning of this turn.
    pub(super) fn position(&self) -> u64 {
        self.position / Rate::Full.factor() as u64 % self.turn
    }

    pub(super) fn seek(&mut self, position: u64) {
        let times = (self.wanted >> POSITION_BITS).wrapping_add(1);
        let position = position.min((1 << POSITION_BITS) - 1);
        self.position = position * Rate::Full.factor() as u64;
        self.wanted = times << POSITION_BITS | position;
        self.shared.wanted.store(self.wanted, Ordering::Release);
        self.sounding = false;
    }

    pub(super) fn advance(&mut self) -> Advance {
        self.frame.fill(0);
        if self.ended {
            return Advance::Sound;
        }
        // Looked at first: what comes in between is what is wanted, and is not to be dropped.
        let there = self.ring.slots();
        let given = self.shared.given.load(Ordering::Acquire) == self.wanted;
        // What was read ahead for another place.
        let until = match given {
            true => self.shared.begins.load(Ordering::Relaxed),
            false => UNKNOWN,
        };
        let stale = until.saturating_sub(self.taken);
        let stale = there.min(usize::try_from(stale).unwrap_or(usize::MAX));
        self.drop_samples(stale);
        // A writer that is gone without an end has been ended with all that it is for.
        let gone = self.ring.is_abandoned();
        if !given {
            self.ended = gone;
            return Advance::Sound;
        }
        let ends = self.shared.ends.load(Ordering::Acquire);
        let there = self.ring.slots();
        if ends == self.taken || (gone && there == 0) {
            self.ended = true;
            return Advance::Sound;
        }
        self.turn(0);
        let all_there = ends != UNKNOWN || gone;
        let head_start = self.rate.hz() as usize / HEAD_START;
        if !self.sounding && there < head_start && !all_there {
            return Advance::Sound;
        }
        self.sounding = true;
        let mut filled = 0;
        loop {
            filled = self.turn(filled);
            let count = self.take(filled);
            filled += count;
            if count == 0 {
                break;
            }
        }
        match filled < self.rate.frame() && !all_there {
            true => Advance::Dry,
            false => Advance::Sound,
        }
    }

    /// Goes over to the rate of the next sample, if all of the one before have been taken; returns how
    /// many the first `filled` of the frame are then.
    fn turn(&mut self, filled: usize) -> usize {
        let Some((at, rate)) = self.turns() else {
            return filled;
        };
        if at > self.taken {
            return filled;
        }
        // The writer says nothing of another before this one is taken.
        self.shared.turns.store(UNKNOWN, Ordering::Release);
        let before = std::mem::replace(&mut self.rate, rate);
        copy_within(&mut self.frame, filled, before, rate)
    }

    /// From which sample on it is of another rate.
    fn turns(&self) -> Option<(u64, Rate)> {
        let turns = self.shared.turns.load(Ordering::Acquire);
        let known = turns != UNKNOWN;
        known.then(|| {
            let rate = turns & ((1 << RATE_BITS) - 1);
            (
                turns >> RATE_BITS,
                Rate::ALL[rate as usize % Rate::ALL.len()],
            )
        })
    }

    /// Goes on with the frame behind the first `filled` samples, at the rate that they have; returns how
    /// many came.
    fn take(&mut self, filled: usize) -> usize {
        let mut count = self.ring.slots().min(self.rate.frame() - filled);
        if let Some((at, _)) = self.turns() {
            let left = at.saturating_sub(self.taken);
            count = count.min(usize::try_from(left).unwrap_or(usize::MAX));
        }
        let Ok(chunk) = self.ring.read_chunk(count) else {
            return 0;
        };
        let (first, second) = chunk.as_slices();
        let place = &mut self.frame[filled..filled + count];
        place[..first.len()].copy_from_slice(first);
        place[first.len()..].copy_from_slice(second);
        chunk.commit_all();
        self.taken += count as u64;
        self.position += (count * Rate::Full.factor() / self.rate.factor()) as u64;
        count
    }

    fn drop_samples(&mut self, count: usize) {
        if let Ok(chunk) = self.ring.read_chunk(count) {
            chunk.commit_all();
            self.taken += count as u64;
        }
    }
}

impl StreamWriter {
    /// The rate at which it is to be written; `None`: nobody has begun to play it.
    pub(in crate::media) fn asked(&self) -> Option<Rate> {
        let asked = self.shared.asked.load(Ordering::Acquire);
        Rate::ALL.get(usize::from(asked)).copied()
    }

    /// The rate of what is written.
    pub(in crate::media) fn rate(&self) -> Rate {
        self.rate.unwrap_or_default()
    }

    /// Whether it has one.
    pub(in crate::media) fn has_rate(&self) -> bool {
        self.rate.is_some()
    }

    /// What is written from now on is of the rate that is asked for; `false`: the player has not come to
    /// the last change of it, and it stays as it is.
    pub(in crate::media) fn turn_to(&mut self, rate: Rate) -> bool {
        if self.shared.turns.load(Ordering::Acquire) != UNKNOWN {
            return false;
        }
        let turns = self.written << RATE_BITS | rate as u64;
        self.shared.turns.store(turns, Ordering::Release);
        self.rate = Some(rate);
        true
    }

    /// Where the player wants to be now, if it has gone elsewhere. What is written from now on is
    /// to be from there on.
    pub(in crate::media) fn sought(&mut self) -> Option<u64> {
        let wanted = self.shared.wanted.load(Ordering::Acquire);
        if wanted == self.given {
            return None;
        }
        self.given = wanted;
        self.shared.ends.store(UNKNOWN, Ordering::Relaxed);
        self.shared.begins.store(self.written, Ordering::Relaxed);
        self.shared.given.store(wanted, Ordering::Release);
        Some(wanted & ((1 << POSITION_BITS) - 1))
    }

    /// How many samples there is room for.
    pub(in crate::media) fn room(&self) -> usize {
        let most = self.size.min(SECONDS * self.rate().hz() as usize);
        most.saturating_sub(self.waiting())
    }

    /// Samples that the player has not taken yet.
    pub(in crate::media) fn waiting(&self) -> usize {
        self.size - self.ring.slots()
    }

    /// Appends as many of `samples` as there is room for; returns how many.
    pub(in crate::media) fn write(&mut self, samples: &[i16]) -> usize {
        let count = samples.len().min(self.room());
        let written = self.ring.push_entire_slice(&samples[..count]).is_ok();
        debug_assert!(written, "there was room");
        self.written += count as u64;
        count
    }

    /// What has been written was the end, unless the player goes elsewhere.
    pub(in crate::media) fn end(&mut self) {
        self.shared.ends.store(self.written, Ordering::Release);
    }

    /// Nothing more can be read.
    pub(in crate::media) fn fail(&mut self) {
        self.shared.failed.store(true, Ordering::Relaxed);
        self.end();
    }

    /// Whether the player is gone.
    pub(in crate::media) fn is_abandoned(&self) -> bool {
        self.ring.is_abandoned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TICK: usize = Rate::Narrow.frame();
    const SILENCE: [i16; TICK] = [0; TICK];
    /// Samples at 8 kHz that it begins with, and that fit into a ring.
    const BEGIN: usize = Rate::Narrow.hz() as usize / HEAD_START;
    const RING: usize = SECONDS * Rate::Narrow.hz() as usize;

    /// Both ends, at 8 kHz.
    fn narrow(turn: u64) -> (StreamWriter, StreamPlayer) {
        let (mut writer, mut player) = stream(turn, Rate::Narrow);
        assert_eq!(writer.asked(), None);
        assert!(player.set_rate(Rate::Wide));
        assert_eq!(writer.asked(), Some(Rate::Narrow));
        assert!(writer.turn_to(Rate::Narrow));
        (writer, player)
    }

    fn frame(player: &mut StreamPlayer) -> (Advance, [i16; TICK]) {
        let advance = player.advance();
        (advance, player.samples().try_into().unwrap())
    }

    #[test]
    fn it_begins_when_there_is_a_head_start() {
        let (mut writer, mut player) = narrow(80_000);
        writer.write(&[1; 160]);
        assert_eq!(frame(&mut player), (Advance::Sound, SILENCE));
        writer.write(&[1; BEGIN]);
        assert_eq!(frame(&mut player), (Advance::Sound, [1; TICK]));
        assert_eq!(player.position(), 160);
    }

    #[test]
    fn what_is_short_needs_no_head_start() {
        let (mut writer, mut player) = narrow(100);
        writer.write(&[1; 100]);
        writer.end();
        let (advance, heard) = frame(&mut player);
        assert_eq!(
            (advance, heard[..100].to_vec(), heard[100]),
            (Advance::Sound, vec![1; 100], 0)
        );
        assert!(!player.has_ended());
        player.advance();
        assert!(player.has_ended() && !player.has_failed());
    }

    #[test]
    fn a_ring_that_runs_dry_is_silent_and_says_so_and_goes_on() {
        let (mut writer, mut player) = narrow(80_000);
        writer.write(&[1; BEGIN + 10]);
        for _ in 0..BEGIN / TICK {
            assert_eq!(frame(&mut player), (Advance::Sound, [1; TICK]));
        }
        let (advance, heard) = frame(&mut player);
        assert_eq!((advance, heard[9], heard[10]), (Advance::Dry, 1, 0));
        assert_eq!(frame(&mut player), (Advance::Dry, SILENCE));
        writer.write(&[2; 160]);
        assert_eq!(frame(&mut player), (Advance::Sound, [2; TICK]));
    }

    #[test]
    fn what_was_read_ahead_of_another_place_is_never_heard() {
        let (mut writer, mut player) = narrow(80_000);
        writer.write(&[1; RING]);
        assert_eq!(writer.room(), 0);
        player.advance();
        player.seek(40_000);
        assert_eq!(frame(&mut player), (Advance::Sound, SILENCE));
        assert_eq!(writer.room(), RING);
        assert_eq!(writer.sought(), Some(40_000));
        assert_eq!(writer.sought(), None);
        writer.write(&[2; BEGIN]);
        assert_eq!(frame(&mut player), (Advance::Sound, [2; TICK]));
        assert_eq!(player.position(), 40_160);
        // Once more, and the writer has not seen it when it writes on.
        player.seek(0);
        writer.write(&[3; 1000]);
        assert_eq!(writer.sought(), Some(0));
        writer.write(&[4; BEGIN]);
        assert_eq!(frame(&mut player), (Advance::Sound, [4; TICK]));
    }

    #[test]
    fn the_end_is_no_end_for_who_goes_back() {
        let (mut writer, mut player) = narrow(160);
        writer.write(&[1; 160]);
        writer.end();
        player.advance();
        player.seek(0);
        assert_eq!(writer.sought(), Some(0));
        player.advance();
        assert!(!player.has_ended());
        writer.write(&[2; 160]);
        writer.end();
        assert_eq!(frame(&mut player), (Advance::Sound, [2; TICK]));
        player.advance();
        assert!(player.has_ended());
    }

    #[test]
    fn a_file_that_fails_ends_what_is_played_of_it() {
        let (mut writer, mut player) = narrow(80_000);
        writer.write(&[1; 160]);
        writer.fail();
        assert_eq!(frame(&mut player), (Advance::Sound, [1; TICK]));
        player.advance();
        assert!(player.has_ended() && player.has_failed());
    }

    #[test]
    fn each_end_sees_that_the_other_is_gone() {
        let (writer, mut player) = narrow(80_000);
        drop(writer);
        player.advance();
        assert!(player.has_ended());
        let (writer, player) = narrow(80_000);
        drop(player);
        assert!(writer.is_abandoned());
    }

    #[test]
    fn it_goes_over_to_another_rate_without_a_gap_and_without_a_sample_lost() {
        let (mut writer, mut player) = stream(80_000, Rate::Full);
        let mut written = 0.0;
        let mut heard = 0.0;
        // Each rate follows the other in the middle of a frame.
        for (number, rate) in [
            Rate::Narrow,
            Rate::Full,
            Rate::Wide,
            Rate::Full,
            Rate::Narrow,
        ]
        .into_iter()
        .enumerate()
        {
            assert!(player.set_rate(rate));
            assert_eq!(writer.asked(), Some(rate));
            assert!(writer.turn_to(rate));
            assert!(!writer.turn_to(rate));
            let count = rate.hz() as usize / HEAD_START + 77 * rate.factor() + number;
            assert_eq!(writer.write(&vec![1; count]), count);
            written += count as f64 / f64::from(rate.hz());
            loop {
                let waiting = writer.waiting();
                if waiting < rate.frame() && player.rate() == rate {
                    break;
                }
                assert_eq!(player.advance(), Advance::Sound);
                assert!(player.samples().iter().all(|sample| *sample == 1));
                heard += 0.020;
            }
        }
        writer.end();
        player.advance();
        let rest = player.samples().iter().take_while(|sample| **sample == 1);
        heard += rest.count() as f64 / f64::from(player.rate().hz());
        // At each turn less than a sample of the lower rate goes by.
        assert!((written - heard).abs() < 5.0 / 8_000.0, "{written} {heard}");
        assert_eq!(player.position(), (written * 8_000.0) as u64);
    }

    #[test]
    fn a_ring_holds_no_more_seconds_of_a_low_rate_than_of_a_high_one() {
        let (mut writer, mut player) = stream(80_000, Rate::Full);
        player.set_rate(Rate::Narrow);
        writer.turn_to(Rate::Narrow);
        assert_eq!(writer.write(&[1; 48_000]), RING);
        assert_eq!((writer.room(), writer.waiting()), (0, RING));
    }
}
