//! What somebody writes while it sounds: pieces of audio pass to a worker as they are, and come back
//! when they have sounded, so that no tick takes or gives back memory.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use sems_audio::{FRAME_SAMPLES, Frame, Resampler, SAMPLE_RATE, SILENCE};

use super::Advance;
use crate::error::EngineError;

/// Pieces that can wait at once.
const PIECES: usize = 1024;
/// Nobody waits for anything.
const NOBODY: u64 = u64::MAX;

type Piece = Box<[i16]>;

/// What both ends know. Samples are counted from the first that was written.
#[derive(Debug)]
struct Shared {
    /// Samples that have sounded, or have been passed over.
    taken: AtomicU64,
    /// What was written before this one is not to sound any more.
    cleared: AtomicU64,
    /// The writer waits until so many samples have sounded.
    wake_at: AtomicU64,
    /// How many times it ran dry after it had sounded.
    dry: AtomicU64,
}

/// The worker's end.
#[derive(Debug)]
pub(super) struct FeedPlayer {
    pieces: rtrb::Consumer<Piece>,
    used: rtrb::Producer<Piece>,
    shared: Arc<Shared>,
    piece: Option<Piece>,
    offset: usize,
    taken: u64,
    sounds: bool,
    frame: Frame,
}

/// The writer's end. What has been written sounds on when it is dropped.
#[derive(Debug)]
pub struct Feed {
    pieces: rtrb::Producer<Piece>,
    used: rtrb::Consumer<Piece>,
    shared: Arc<Shared>,
    written: u64,
    limit: u64,
    /// For audio of another rate, and that rate.
    resampler: Option<(u32, Resampler)>,
}

/// Too much waits already. Nothing was written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Full;

/// Both ends; nothing more is taken while `limit` waits.
pub(super) fn feed(limit: Duration) -> (Feed, FeedPlayer) {
    let (pieces, coming) = rtrb::RingBuffer::new(PIECES);
    // One for the piece that is sounding.
    let (used, back) = rtrb::RingBuffer::new(PIECES + 1);
    let shared = Arc::new(Shared {
        taken: AtomicU64::new(0),
        cleared: AtomicU64::new(0),
        wake_at: AtomicU64::new(NOBODY),
        dry: AtomicU64::new(0),
    });
    let feed = Feed {
        pieces,
        used: back,
        shared: shared.clone(),
        written: 0,
        limit: samples(limit),
        resampler: None,
    };
    let player = FeedPlayer {
        pieces: coming,
        used,
        shared,
        piece: None,
        offset: 0,
        taken: 0,
        sounds: false,
        frame: SILENCE,
    };
    (feed, player)
}

fn samples(time: Duration) -> u64 {
    u64::try_from(time.as_nanos() * u128::from(SAMPLE_RATE) / 1_000_000_000).unwrap_or(u64::MAX)
}

impl FeedPlayer {
    pub(super) fn has_ended(&self) -> bool {
        self.pieces.is_abandoned() && self.piece.is_none() && self.pieces.is_empty()
    }

    pub(super) fn samples(&self) -> &Frame {
        &self.frame
    }

    pub(super) fn position(&self) -> u64 {
        self.taken
    }

    pub(super) fn advance(&mut self) -> Advance {
        let cleared = self.shared.cleared.load(Ordering::Acquire);
        while self.taken < cleared {
            let left = cleared - self.taken;
            let Some(piece) = self.current() else { break };
            let count = piece.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            self.go_on(count);
        }
        let mut filled = 0;
        while filled < FRAME_SAMPLES {
            if self.current().is_none() {
                break;
            }
            let piece = self.piece.as_deref().unwrap_or_default();
            let part = &piece[self.offset..piece.len().min(self.offset + FRAME_SAMPLES - filled)];
            let count = part.len();
            self.frame[filled..filled + count].copy_from_slice(part);
            self.go_on(count);
            filled += count;
        }
        self.frame[filled..].fill(0);
        self.shared.taken.store(self.taken, Ordering::Release);
        let ran_dry = self.sounds && filled < FRAME_SAMPLES && !self.pieces.is_abandoned();
        self.sounds = filled == FRAME_SAMPLES;
        if !ran_dry {
            return Advance::Sound;
        }
        self.shared.dry.fetch_add(1, Ordering::Relaxed);
        Advance::Dry
    }

    pub(super) fn tell_waiting(&self, tell: impl FnOnce() -> bool) {
        let wanted = self.shared.wake_at.load(Ordering::Relaxed);
        if self.taken >= wanted && tell() {
            // If somebody waits for something else meanwhile, that stands.
            let _ = self.shared.wake_at.compare_exchange(
                wanted,
                NOBODY,
                Ordering::SeqCst,
                Ordering::Relaxed,
            );
        }
    }

    /// What is left of the piece that sounds.
    fn current(&mut self) -> Option<&[i16]> {
        if self.piece.is_none() {
            self.piece = self.pieces.pop().ok();
            self.offset = 0;
        }
        self.piece.as_deref().map(|piece| &piece[self.offset..])
    }

    fn go_on(&mut self, count: usize) {
        self.taken += count as u64;
        self.offset += count;
        if self
            .piece
            .as_ref()
            .is_some_and(|piece| self.offset >= piece.len())
            && let Some(piece) = self.piece.take()
        {
            // There is room for all that can be on its way. A writer that is gone took its end along,
            // and the piece goes with the ring.
            let _ = self.used.push(piece);
        }
    }
}

impl Feed {
    /// Appends samples of `rate` Hz.
    ///
    /// # Errors
    /// [`Full`] when the limit waits already, or a thousand pieces; [`EngineError::Invalid`] for a
    /// rate that can't be resampled.
    pub fn write(&mut self, samples: &[i16], rate: u32) -> Result<Result<(), Full>, EngineError> {
        self.recycle();
        if self.waiting() >= self.limit || self.pieces.slots() < 2 {
            return Ok(Err(Full));
        }
        if self
            .resampler
            .as_ref()
            .is_some_and(|(from, _)| *from != rate)
        {
            self.flush();
        }
        if rate == SAMPLE_RATE {
            self.push(samples.into());
            return Ok(Ok(()));
        }
        let resampler = match &mut self.resampler {
            Some((_, resampler)) => resampler,
            none => {
                let new = Resampler::new(rate, SAMPLE_RATE)
                    .map_err(|error| EngineError::Invalid(error.to_string()))?;
                &mut none.insert((rate, new)).1
            }
        };
        let mut converted = Vec::new();
        resampler.push(samples, &mut converted);
        self.push(converted.into());
        Ok(Ok(()))
    }

    /// Nothing follows what was written for now: what the resampler has held back, less than 5 ms, is
    /// to sound as well.
    pub fn flush(&mut self) {
        if let Some((_, resampler)) = self.resampler.take() {
            let mut rest = Vec::new();
            resampler.finish(&mut rest);
            self.push(rest.into());
        }
    }

    /// What waits is not to sound any more, from the next tick on.
    pub fn clear(&mut self) {
        self.resampler = None;
        self.shared.cleared.store(self.written, Ordering::Release);
        self.recycle();
    }

    /// Samples at 8 kHz that wait to sound.
    pub fn waiting(&self) -> u64 {
        let taken = self.shared.taken.load(Ordering::Acquire);
        let cleared = self.shared.cleared.load(Ordering::Relaxed);
        self.written.saturating_sub(taken.max(cleared))
    }

    /// How long what waits will sound.
    pub fn waiting_time(&self) -> Duration {
        Duration::from_nanos(self.waiting() * 1_000_000_000 / u64::from(SAMPLE_RATE))
    }

    /// Has the reader of events woken when no more than `left` waits. `false`: it is so already.
    pub fn wake_below(&self, left: Duration) -> bool {
        let wanted = self.written.saturating_sub(samples(left));
        self.shared.wake_at.store(wanted, Ordering::SeqCst);
        self.waiting() > samples(left)
    }

    /// How many times there was silence because nothing more had been written, pauses between two
    /// sentences too.
    pub fn dry(&self) -> u64 {
        self.shared.dry.load(Ordering::Relaxed)
    }

    /// Whether nobody will ever hear what is written.
    pub fn is_abandoned(&self) -> bool {
        self.pieces.is_abandoned()
    }

    fn push(&mut self, piece: Piece) {
        let length = piece.len() as u64;
        if length > 0 && self.pieces.push(piece).is_ok() {
            self.written += length;
        }
    }

    /// Gives the memory back of what has sounded.
    fn recycle(&mut self) {
        while let Ok(piece) = self.used.pop() {
            drop(piece);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn hear(player: &mut FeedPlayer, ticks: usize) -> Vec<i16> {
        let mut heard = Vec::new();
        for _ in 0..ticks {
            player.advance();
            heard.extend(player.samples());
        }
        heard
    }

    #[test]
    fn what_is_written_sounds_without_a_gap_whatever_its_pieces() {
        let (mut feed, mut player) = feed(SECOND);
        let all: Vec<i16> = (1..=1000).collect();
        for piece in [&all[..7], &all[7..500], &all[500..501], &all[501..]] {
            assert_eq!(feed.write(piece, 8000).unwrap(), Ok(()));
        }
        assert_eq!(feed.waiting(), 1000);
        let heard = hear(&mut player, 7);
        assert_eq!(heard[..1000], all);
        assert_eq!(heard[1000..], [0; 120]);
        assert_eq!((feed.waiting(), feed.dry()), (0, 1));
        assert_eq!(hear(&mut player, 3), [0; 480]);
        assert_eq!(feed.dry(), 1);
    }

    #[test]
    fn nothing_is_taken_while_the_limit_waits() {
        let (mut feed, mut player) = feed(SECOND);
        assert_eq!(feed.write(&[1; 30_000], 8000).unwrap(), Ok(()));
        assert_eq!(feed.write(&[2; 1], 8000).unwrap(), Err(Full));
        hear(&mut player, 138);
        assert_eq!(feed.write(&[2; 1], 8000).unwrap(), Ok(()));
        // However small the pieces are.
        let (mut feed, _player) = super::feed(SECOND);
        let taken = (0..PIECES).take_while(|_| feed.write(&[0], 8000).unwrap().is_ok());
        assert_eq!(taken.count(), PIECES - 1);
    }

    #[test]
    fn what_was_cleared_is_never_heard() {
        let (mut feed, mut player) = feed(SECOND);
        feed.write(&[1; 4000], 8000).unwrap().unwrap();
        feed.write(&[2; 1000], 8000).unwrap().unwrap();
        assert_eq!(hear(&mut player, 1), [1; 160]);
        feed.clear();
        assert_eq!(feed.waiting(), 0);
        feed.write(&[3; 160], 8000).unwrap().unwrap();
        assert_eq!(feed.waiting(), 160);
        assert_eq!(hear(&mut player, 1), [3; 160]);
        assert_eq!(hear(&mut player, 1), [0; 160]);
    }

    #[test]
    fn other_rates_are_converted() {
        let (mut feed, mut player) = feed(SECOND);
        for _ in 0..10 {
            feed.write(&[1000; 480], 24_000).unwrap().unwrap();
        }
        feed.flush();
        assert_eq!(feed.waiting(), 1600);
        let heard = hear(&mut player, 10);
        assert!(
            heard[100..1500]
                .iter()
                .all(|sample| (990..=1010).contains(sample))
        );
        assert!(feed.write(&[0], 100).is_err());
    }

    #[test]
    fn the_writer_is_woken_when_little_is_left() {
        let (mut feed, mut player) = feed(SECOND);
        let left = Duration::from_millis(40);
        assert!(!feed.wake_below(left));
        feed.write(&[1; 1600], 8000).unwrap().unwrap();
        assert!(feed.wake_below(left));
        let mut told = Vec::new();
        for tick in 1..=10 {
            player.advance();
            player.tell_waiting(|| {
                told.push(tick);
                true
            });
        }
        assert_eq!(told, [8]);
    }

    #[test]
    fn it_ends_when_the_writer_is_gone_and_all_has_sounded() {
        let (mut feed, mut player) = feed(SECOND);
        feed.write(&[1; 200], 8000).unwrap().unwrap();
        drop(feed);
        assert!(!player.has_ended());
        hear(&mut player, 1);
        assert!(!player.has_ended());
        hear(&mut player, 1);
        assert!(player.has_ended());
        let (feed, player) = super::feed(SECOND);
        drop(player);
        assert!(feed.is_abandoned());
    }
}
