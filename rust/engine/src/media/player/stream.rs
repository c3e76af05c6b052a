//! What is read ahead by a file thread, and played from a ring.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use sems_audio::{FRAME_SAMPLES, Frame, SAMPLE_RATE, SILENCE};

use super::Advance;

/// Samples that a ring holds: how long a disk may take a rest.
const RING: usize = 4 * SAMPLE_RATE as usize;
/// Samples that have to be there before it begins to sound, so that it doesn't stumble at once.
const HEAD_START: usize = SAMPLE_RATE as usize / 5;
/// Bits of a place's position; those above count how often it was gone to another.
const POSITION_BITS: u32 = 48;
/// An end that is not known yet.
const UNKNOWN: u64 = u64::MAX;

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
    /// Position of the sample that comes next.
    position: u64,
    /// Position where a turn ends and the next one begins.
    turn: u64,
    sounding: bool,
    ended: bool,
    frame: Frame,
}

/// The file thread's end.
#[derive(Debug)]
pub(in crate::media) struct StreamWriter {
    ring: rtrb::Producer<i16>,
    shared: Arc<Shared>,
    written: u64,
    given: u64,
}

/// Both ends; a turn is `turn` samples long.
pub(in crate::media) fn stream(turn: u64) -> (StreamWriter, StreamPlayer) {
    let (producer, consumer) = rtrb::RingBuffer::new(RING);
    let shared = Arc::new(Shared {
        wanted: AtomicU64::new(0),
        given: AtomicU64::new(0),
        begins: AtomicU64::new(0),
        ends: AtomicU64::new(UNKNOWN),
        failed: AtomicBool::new(false),
    });
    let writer = StreamWriter {
        ring: producer,
        shared: shared.clone(),
        written: 0,
        given: 0,
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
        frame: SILENCE,
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

    pub(super) fn samples(&self) -> &Frame {
        &self.frame
    }

    /// Samples since the beginning of this turn.
    pub(super) fn position(&self) -> u64 {
        self.position % self.turn
    }

    pub(super) fn seek(&mut self, position: u64) {
        let times = (self.wanted >> POSITION_BITS).wrapping_add(1);
        self.position = position.min((1 << POSITION_BITS) - 1);
        self.wanted = times << POSITION_BITS | self.position;
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
        let all_there = ends != UNKNOWN || gone;
        if !self.sounding && there < HEAD_START && !all_there {
            return Advance::Sound;
        }
        self.sounding = true;
        let count = there.min(FRAME_SAMPLES);
        if let Ok(chunk) = self.ring.read_chunk(count) {
            let (first, second) = chunk.as_slices();
            self.frame[..first.len()].copy_from_slice(first);
            self.frame[first.len()..count].copy_from_slice(second);
            chunk.commit_all();
        }
        self.taken += count as u64;
        self.position += count as u64;
        match count < FRAME_SAMPLES && !all_there {
            true => Advance::Dry,
            false => Advance::Sound,
        }
    }

    fn drop_samples(&mut self, count: usize) {
        if let Ok(chunk) = self.ring.read_chunk(count) {
            chunk.commit_all();
            self.taken += count as u64;
        }
    }
}

impl StreamWriter {
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
        self.ring.slots()
    }

    /// Samples that the player has not taken yet.
    pub(in crate::media) fn waiting(&self) -> usize {
        RING - self.ring.slots()
    }

    /// Appends as many of `samples` as there is room for; returns how many.
    pub(in crate::media) fn write(&mut self, samples: &[i16]) -> usize {
        let count = samples.len().min(self.ring.slots());
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

    fn frame(player: &mut StreamPlayer) -> (Advance, Frame) {
        let advance = player.advance();
        (advance, *player.samples())
    }

    #[test]
    fn it_begins_when_there_is_a_head_start() {
        let (mut writer, mut player) = stream(80_000);
        writer.write(&[1; 160]);
        assert_eq!(frame(&mut player), (Advance::Sound, SILENCE));
        writer.write(&[1; HEAD_START]);
        assert_eq!(frame(&mut player), (Advance::Sound, [1; FRAME_SAMPLES]));
        assert_eq!(player.position(), 160);
    }

    #[test]
    fn what_is_short_needs_no_head_start() {
        let (mut writer, mut player) = stream(100);
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
        let (mut writer, mut player) = stream(80_000);
        writer.write(&[1; HEAD_START + 10]);
        for _ in 0..HEAD_START / FRAME_SAMPLES {
            assert_eq!(frame(&mut player), (Advance::Sound, [1; FRAME_SAMPLES]));
        }
        let (advance, heard) = frame(&mut player);
        assert_eq!((advance, heard[9], heard[10]), (Advance::Dry, 1, 0));
        assert_eq!(frame(&mut player), (Advance::Dry, SILENCE));
        writer.write(&[2; 160]);
        assert_eq!(frame(&mut player), (Advance::Sound, [2; FRAME_SAMPLES]));
    }

    #[test]
    fn what_was_read_ahead_of_another_place_is_never_heard() {
        let (mut writer, mut player) = stream(80_000);
        writer.write(&[1; RING]);
        assert_eq!(writer.room(), 0);
        player.advance();
        player.seek(40_000);
        assert_eq!(frame(&mut player), (Advance::Sound, SILENCE));
        assert_eq!(writer.room(), RING);
        assert_eq!(writer.sought(), Some(40_000));
        assert_eq!(writer.sought(), None);
        writer.write(&[2; HEAD_START]);
        assert_eq!(frame(&mut player), (Advance::Sound, [2; FRAME_SAMPLES]));
        assert_eq!(player.position(), 40_160);
        // Once more, and the writer has not seen it when it writes on.
        player.seek(0);
        writer.write(&[3; 1000]);
        assert_eq!(writer.sought(), Some(0));
        writer.write(&[4; HEAD_START]);
        assert_eq!(frame(&mut player), (Advance::Sound, [4; FRAME_SAMPLES]));
    }

    #[test]
    fn the_end_is_no_end_for_who_goes_back() {
        let (mut writer, mut player) = stream(160);
        writer.write(&[1; 160]);
        writer.end();
        player.advance();
        player.seek(0);
        assert_eq!(writer.sought(), Some(0));
        player.advance();
        assert!(!player.has_ended());
        writer.write(&[2; 160]);
        writer.end();
        assert_eq!(frame(&mut player), (Advance::Sound, [2; FRAME_SAMPLES]));
        player.advance();
        assert!(player.has_ended());
    }

    #[test]
    fn a_file_that_fails_ends_what_is_played_of_it() {
        let (mut writer, mut player) = stream(80_000);
        writer.write(&[1; 160]);
        writer.fail();
        assert_eq!(frame(&mut player), (Advance::Sound, [1; FRAME_SAMPLES]));
        player.advance();
        assert!(player.has_ended() && player.has_failed());
    }

    #[test]
    fn each_end_sees_that_the_other_is_gone() {
        let (writer, mut player) = stream(80_000);
        drop(writer);
        player.advance();
        assert!(player.has_ended());
        let (writer, player) = stream(80_000);
        drop(player);
        assert!(writer.is_abandoned());
    }
}
