//! What somebody writes while it sounds: pieces of audio pass to a worker as they are, and come back
//! when they have sounded, so that no tick takes or gives back memory. What is shorter than a piece
//! goes into one that is on its way already.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU8, AtomicU64, Ordering},
    },
    time::Duration,
};

use sems_audio::{Rate, Resampler};

use super::{Advance, copy_within};
use crate::error::EngineError;

/// Pieces that can wait at once.
const PIECES: usize = 1024;
/// How many frames of 20 ms a piece has room for at least, so that a minute is of far fewer of them,
/// however little is written at a time.
const FRAMES: usize = 5;
/// Nobody waits for anything.
const NOBODY: u64 = u64::MAX;
/// In which samples of all rates are counted: a second has as many as it has samples at 48 kHz.
const UNITS: u64 = Rate::Full.hz() as u64;

/// Audio at one rate. More may come in it as long as the writer holds its other end.
#[derive(Debug)]
struct Piece {
    samples: rtrb::Consumer<i16>,
    rate: Rate,
}

impl Piece {
    /// Nothing is left in it, nor will be.
    fn is_over(&self) -> bool {
        // In this order: what was written before the writer let go of it is there by then.
        self.samples.is_abandoned() && self.samples.is_empty()
    }
}

/// What both ends know. Units are counted from the first that was written.
#[derive(Debug)]
struct Shared {
    /// Units that have sounded, or have been passed over.
    taken: AtomicU64,
    /// What was written before this one is not to sound any more.
    cleared: AtomicU64,
    /// The writer waits until so many units have sounded.
    wake_at: AtomicU64,
    /// How many times it ran dry after it had sounded.
    dry: AtomicU64,
    /// The place in [`Rate::ALL`] of the rate above which nobody hears anything.
    rate: AtomicU8,
}

/// The worker's end.
#[derive(Debug)]
pub(super) struct FeedPlayer {
    pieces: rtrb::Consumer<Piece>,
    used: rtrb::Producer<Piece>,
    shared: Arc<Shared>,
    piece: Option<Piece>,
    taken: u64,
    sounds: bool,
    /// The current 20 ms, and their rate.
    frame: [i16; Rate::LONGEST_FRAME],
    rate: Rate,
}

/// The writer's end. What has been written sounds on when it is dropped.
#[derive(Debug)]
pub struct Feed {
    pieces: rtrb::Producer<Piece>,
    /// The piece that was handed over last, while it has room.
    open: Option<(rtrb::Producer<i16>, Rate)>,
    used: rtrb::Consumer<Piece>,
    shared: Arc<Shared>,
    written: u64,
    limit: u64,
    /// For audio of another rate than ours, that rate, and the one of ours that it is brought to.
    resampler: Option<(u32, Rate, Resampler)>,
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
        // Until the worker has said where it plays.
        rate: AtomicU8::new(Rate::Full as u8),
    });
    let feed = Feed {
        pieces,
        open: None,
        used: back,
        shared: shared.clone(),
        written: 0,
        limit: units(limit),
        resampler: None,
    };
    let player = FeedPlayer {
        pieces: coming,
        used,
        shared,
        piece: None,
        taken: 0,
        sounds: false,
        frame: [0; Rate::LONGEST_FRAME],
        rate: Rate::Narrow,
    };
    (feed, player)
}

/// Units of a time.
fn units(time: Duration) -> u64 {
    u64::try_from(time.as_nanos() * u128::from(UNITS) / 1_000_000_000).unwrap_or(u64::MAX)
}

/// Units of a sample.
fn unit(rate: Rate) -> u64 {
    UNITS / u64::from(rate.hz())
}

impl FeedPlayer {
    pub(super) fn has_ended(&self) -> bool {
        self.pieces.is_abandoned()
            && self.pieces.is_empty()
            && self.piece.as_ref().is_none_or(Piece::is_over)
    }

    /// The current 20 ms, at [`FeedPlayer::rate`].
    pub(super) fn samples(&self) -> &[i16] {
        &self.frame[..self.rate.frame()]
    }

    /// The rate of the current 20 ms.
    pub(super) fn rate(&self) -> Rate {
        self.rate
    }

    /// Nothing above this rate will be heard.
    pub(super) fn set_rate(&mut self, rate: Rate) {
        self.shared.rate.store(rate as u8, Ordering::Relaxed);
    }

    /// Samples at 8 kHz since the first that was written.
    pub(super) fn position(&self) -> u64 {
        self.taken / unit(Rate::Narrow)
    }

    pub(super) fn advance(&mut self) -> Advance {
        let cleared = self.shared.cleared.load(Ordering::Acquire);
        while self.taken < cleared {
            let left = cleared - self.taken;
            let Some(Piece { samples, rate }) = self.current() else {
                break;
            };
            let left = usize::try_from(left.div_ceil(unit(*rate))).unwrap_or(usize::MAX);
            let count = samples.slots().min(left);
            if let Ok(passed) = samples.read_chunk(count) {
                passed.commit_all();
            }
            let rate = *rate;
            self.taken += count as u64 * unit(rate);
        }
        let mut filled = 0;
        while filled < self.rate.frame() {
            let Some(rate) = self.current().map(|piece| piece.rate) else {
                break;
            };
            if rate != self.rate {
                filled = copy_within(&mut self.frame, filled, self.rate, rate);
                self.rate = rate;
            }
            let Some(piece) = &mut self.piece else {
                break;
            };
            let room = &mut self.frame[filled..rate.frame()];
            let count = piece.samples.pop_partial_slice(room).0.len();
            self.taken += count as u64 * unit(rate);
            filled += count;
        }
        let frame = self.rate.frame();
        self.frame[filled..frame].fill(0);
        self.shared.taken.store(self.taken, Ordering::Release);
        let ran_dry = self.sounds && filled < frame && !self.pieces.is_abandoned();
        self.sounds = filled == frame;
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

    /// The piece that sounds, if there is something in it.
    fn current(&mut self) -> Option<&mut Piece> {
        loop {
            let piece = self.piece.take().or_else(|| self.pieces.pop().ok())?;
            if !piece.is_over() {
                let piece = self.piece.insert(piece);
                return (!piece.samples.is_empty()).then_some(piece);
            }
            // There is room for all that can be on its way. A writer that is gone took its end along,
            // and the piece goes with the ring.
            let _ = self.used.push(piece);
        }
    }
}

impl Feed {
    /// Appends samples of `rate` Hz. They are heard as they are as far as the room's rate allows, which
    /// is that of its members' codecs.
    ///
    /// # Errors
    ///
    /// - `Ok(Err(Full))`, and nothing is taken: as much waits to sound as the limit allows, or no further piece
    ///   fits, which is so when a thousand wait (each change of the rate begins one). It may be written again
    ///   when [`Event::FeedReady`](crate::event::Event::FeedReady) or time has made room.
    /// - [`EngineError::Invalid`], and nothing is taken: `rate` can't be resampled to the room's, since it is none
    ///   from 1 kHz to 768 kHz.
    pub fn write(&mut self, samples: &[i16], rate: u32) -> Result<Result<(), Full>, EngineError> {
        self.recycle();
        if self.units_waiting() >= self.limit || self.pieces.slots() < 2 {
            return Ok(Err(Full));
        }
        let highest = Rate::ALL[usize::from(self.shared.rate.load(Ordering::Relaxed))];
        let to = Rate::holding(rate).min(highest);
        if self
            .resampler
            .as_ref()
            .is_some_and(|(from, before, _)| (*from, *before) != (rate, to))
        {
            self.flush();
        }
        if rate == to.hz() {
            self.push(samples, to);
            return Ok(Ok(()));
        }
        let resampler = match &mut self.resampler {
            Some((.., resampler)) => resampler,
            none => {
                let new = Resampler::new(rate, to.hz())
                    .map_err(|error| EngineError::Invalid(error.to_string()))?;
                &mut none.insert((rate, to, new)).2
            }
        };
        let mut converted = Vec::new();
        resampler.push(samples, &mut converted);
        self.push(&converted, to);
        Ok(Ok(()))
    }

    /// Nothing follows what was written for now: what the resampler has held back, less than 5 ms, is
    /// to sound as well.
    pub fn flush(&mut self) {
        if let Some((_, rate, resampler)) = self.resampler.take() {
            let mut rest = Vec::new();
            resampler.finish(&mut rest);
            self.push(&rest, rate);
        }
    }

    /// What waits is not to sound any more, from the next tick on.
    pub fn clear(&mut self) {
        self.resampler = None;
        self.shared.cleared.store(self.written, Ordering::Release);
        self.recycle();
    }

    fn units_waiting(&self) -> u64 {
        let taken = self.shared.taken.load(Ordering::Acquire);
        let cleared = self.shared.cleared.load(Ordering::Relaxed);
        self.written.saturating_sub(taken.max(cleared))
    }

    /// How long what waits will sound.
    pub fn waiting(&self) -> Duration {
        Duration::from_nanos(self.units_waiting() * 1_000_000_000 / UNITS)
    }

    /// Has the reader of events woken when no more than `left` waits. `false`: it is so already.
    pub fn wake_below(&self, left: Duration) -> bool {
        let wanted = self.written.saturating_sub(units(left));
        self.shared.wake_at.store(wanted, Ordering::SeqCst);
        self.units_waiting() > units(left)
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

    fn push(&mut self, mut samples: &[i16], rate: Rate) {
        // What does not fit in the piece that is open, or is of another rate, closes it.
        if let Some((mut open, its)) = self.open.take()
            && its == rate
        {
            let (pushed, rest) = open.push_partial_slice(samples);
            self.written += pushed.len() as u64 * unit(rate);
            samples = rest;
            if rest.is_empty() {
                self.open = Some((open, rate));
            }
        }
        if samples.is_empty() {
            return;
        }
        let room = samples.len().max(FRAMES * rate.frame());
        let (mut open, coming) = rtrb::RingBuffer::new(room);
        let (pushed, _) = open.push_partial_slice(samples);
        let length = pushed.len() as u64 * unit(rate);
        let piece = Piece {
            samples: coming,
            rate,
        };
        if self.pieces.push(piece).is_ok() {
            self.written += length;
            self.open = Some((open, rate));
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

    /// Samples at 8 kHz that wait.
    fn waiting(feed: &Feed) -> u64 {
        feed.units_waiting() / unit(Rate::Narrow)
    }

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
        assert_eq!(waiting(&feed), 1000);
        let heard = hear(&mut player, 7);
        assert_eq!(heard[..1000], all);
        assert_eq!(heard[1000..], [0; 120]);
        assert_eq!((waiting(&feed), feed.dry()), (0, 1));
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
        // That is a time, however little is written at once.
        for count in [1, 7, 160, 801] {
            let (mut feed, mut player) = super::feed(60 * SECOND);
            let mut next = 0_i16;
            let mut written = 0_u64;
            let mut some = || {
                next = next.wrapping_add(1);
                next
            };
            loop {
                let samples = Vec::from_iter((0..count).map(|_| some()));
                if feed.write(&samples, 8000).unwrap().is_err() {
                    break;
                }
                written += count;
            }
            assert!((480_000..480_000 + count).contains(&written), "{written}");
            let heard = hear(&mut player, 10);
            assert_eq!(heard, Vec::from_iter(1..=1600));
        }
    }

    #[test]
    fn what_is_written_while_it_sounds_goes_on_in_the_same_piece() {
        let (mut feed, mut player) = feed(SECOND);
        for at in 0..40_i16 {
            let samples = Vec::from_iter((at * 160)..(at + 1) * 160);
            feed.write(&samples[..100], 8000).unwrap().unwrap();
            feed.write(&samples[100..], 8000).unwrap().unwrap();
            assert_eq!(hear(&mut player, 1), samples);
        }
        assert_eq!((feed.dry(), feed.units_waiting()), (0, 0));
        // What is cleared in it is not heard, and what follows is.
        feed.write(&[1; 300], 8000).unwrap().unwrap();
        feed.clear();
        feed.write(&[2; 160], 8000).unwrap().unwrap();
        assert_eq!(hear(&mut player, 1), [2; 160]);
        drop(feed);
        assert!(player.has_ended());
    }

    #[test]
    fn a_thousand_changes_of_the_rate_are_as_many_pieces() {
        let (mut feed, _player) = super::feed(SECOND);
        let rates = [8000, 16_000].into_iter().cycle();
        let taken = rates.take_while(|rate| feed.write(&[0], *rate).unwrap().is_ok());
        assert_eq!(taken.count(), PIECES - 1);
    }

    #[test]
    fn what_was_cleared_is_never_heard() {
        let (mut feed, mut player) = feed(SECOND);
        feed.write(&[1; 4000], 8000).unwrap().unwrap();
        feed.write(&[2; 1000], 8000).unwrap().unwrap();
        assert_eq!(hear(&mut player, 1), [1; 160]);
        feed.clear();
        assert_eq!(waiting(&feed), 0);
        feed.write(&[3; 160], 8000).unwrap().unwrap();
        assert_eq!(waiting(&feed), 160);
        assert_eq!(hear(&mut player, 1), [3; 160]);
        assert_eq!(hear(&mut player, 1), [0; 160]);
    }

    #[test]
    fn other_rates_are_converted_to_what_can_be_heard() {
        for (rate, heard_at) in [
            (Rate::Narrow, Rate::Narrow),
            (Rate::Wide, Rate::Wide),
            (Rate::Full, Rate::Full),
        ] {
            let (mut feed, mut player) = feed(SECOND);
            player.set_rate(rate);
            for _ in 0..10 {
                feed.write(&[1000; 480], 24_000).unwrap().unwrap();
            }
            feed.flush();
            assert_eq!(feed.waiting(), Duration::from_millis(200));
            let heard = hear(&mut player, 10);
            assert_eq!((player.rate(), heard.len()), (heard_at, 10 * rate.frame()));
            let factor = rate.factor();
            assert!(
                heard[100 * factor..1500 * factor]
                    .iter()
                    .all(|sample| (990..=1010).contains(sample))
            );
            assert!(feed.write(&[0], 100).is_err());
        }
    }

    #[test]
    fn pieces_of_several_rates_follow_each_other_without_a_gap() {
        let (mut feed, mut player) = feed(SECOND);
        let pieces = [(8_000, 333), (48_000, 1_000), (16_000, 77), (8_000, 480)];
        for (hz, count) in pieces {
            feed.write(&vec![1000; count], hz).unwrap().unwrap();
        }
        let time = |(hz, count): (u64, usize)| count as u64 * UNITS / hz;
        let all: u64 = pieces
            .map(|(hz, count)| time((hz.into(), count)))
            .iter()
            .sum();
        assert_eq!(feed.units_waiting(), all);
        let mut heard = Duration::ZERO;
        for _ in 0..7 {
            player.advance();
            let sounding = player
                .samples()
                .iter()
                .take_while(|sample| **sample == 1000);
            heard += SECOND * sounding.count() as u32 / player.rate().hz();
            // What is left of a frame is silence.
            if heard < SECOND * all as u32 / 48_000 - Duration::from_millis(1) {
                assert!(player.samples().iter().all(|sample| *sample == 1000));
            }
        }
        let lost = (SECOND * all as u32 / 48_000).saturating_sub(heard);
        assert!(lost < Duration::from_millis(1), "{lost:?}");
        assert_eq!(feed.units_waiting(), 0);
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
