//! What a listener makes of a ring: blocks of the length and rate that it wants.

use sems_audio::Resampler;

use super::ring::{SLOT, TapReader};
use crate::error::EngineError;

/// Samples of one block, and what is known of them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Block {
    /// 16-bit mono.
    pub samples: Box<[i16]>,
    /// When its first sample was heard, in nanoseconds since the media's start.
    pub at: u64,
    /// Samples lost in it or right before it, at the rate of the blocks.
    pub dropped: u64,
}

/// Reads a tap in blocks of one length at one rate, whatever rates it has.
///
/// Memory is taken and rates are converted here, in the listener's thread and not in a tick.
pub struct BlockReader {
    reader: TapReader,
    rate: u32,
    length: usize,
    /// For audio of another rate, and that rate.
    resampler: Option<(u32, Resampler)>,
    /// Audio that is less than a block so far.
    pending: Vec<i16>,
    /// When the first of it was heard.
    at: u64,
    /// Slots known to be lost, samples lost before what is pending, and all in all.
    lost: u64,
    dropped: u64,
    all_dropped: u64,
    /// What the ring has, as far as is known.
    ring_rate: u32,
}

impl BlockReader {
    /// Blocks of `length` samples at `rate` Hz.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] for a length of nothing and for a rate that can't be resampled to.
    pub fn new(reader: TapReader, rate: u32, length: usize) -> Result<Self, EngineError> {
        if length == 0 {
            let text = "a block has to be longer than nothing".to_owned();
            return Err(EngineError::Invalid(text));
        }
        if !sems_audio::wav::RATES.contains(&rate) {
            return Err(EngineError::Invalid(format!(
                "{rate} Hz is not between 1000 and 768000"
            )));
        }
        let mut reader = reader;
        reader.skip();
        Ok(Self {
            lost: reader.lost(),
            reader,
            rate,
            length,
            resampler: None,
            pending: Vec::with_capacity(length + SLOT),
            at: 0,
            dropped: 0,
            all_dropped: 0,
            ring_rate: sems_audio::SAMPLE_RATE,
        })
    }

    /// The next block; `None`: it has not come yet. When the tap has ended the last block is
    /// shorter, and `None` means that it was the last.
    pub fn next_block(&mut self) -> Option<Block> {
        // Asked before reading: what was written before the end is then in the ring.
        let finished = self.reader.is_finished();
        while self.pending.len() < self.length && self.take_slot() {}
        if finished && self.pending.len() < self.length && self.reader.waiting() == 0 {
            self.finish();
            if self.pending.is_empty() {
                return None;
            }
        } else if self.pending.len() < self.length {
            return None;
        }
        let length = self.pending.len().min(self.length);
        let block = Block {
            samples: self.pending.drain(..length).collect(),
            at: self.at,
            dropped: std::mem::take(&mut self.dropped),
        };
        self.at += length as u64 * 1_000_000_000 / u64::from(self.rate);
        Some(block)
    }

    /// Appends all that has come, whatever the length of blocks.
    pub fn read(&mut self, heard: &mut Vec<i16>) {
        let finished = self.reader.is_finished();
        while self.take_slot() {}
        if finished {
            self.finish();
        }
        heard.append(&mut self.pending);
    }

    /// Takes the next piece out of the ring; `false`: there is none.
    fn take_slot(&mut self) -> bool {
        let mut samples = [0; SLOT];
        let Some((stamp, count)) = self.reader.next(&mut samples) else {
            return false;
        };
        let lost = self.reader.lost() - self.lost;
        if lost > 0 {
            self.lost += lost;
            let samples = lost * SLOT as u64 * u64::from(self.rate) / u64::from(stamp.rate);
            self.dropped += samples;
            self.all_dropped += samples;
        }
        if self.pending.is_empty() {
            let offset = u64::from(stamp.part) * SLOT as u64 * 1_000_000_000;
            self.at = stamp.at + offset / u64::from(stamp.rate.max(1));
        }
        self.ring_rate = stamp.rate;
        self.take(stamp.rate, &samples[..count]);
        true
    }

    /// Nothing follows: takes what the resampler has held back.
    fn finish(&mut self) {
        if let Some((_, resampler)) = self.resampler.take() {
            resampler.finish(&mut self.pending);
        }
    }

    /// Has the reader of events woken when the next block has come. `false`: it is here already, or
    /// the tap has ended.
    pub fn wake_for_block(&self) -> bool {
        let missing = self.length.saturating_sub(self.pending.len()) as u64;
        let samples = (missing * u64::from(self.ring_rate)).div_ceil(u64::from(self.rate));
        // What the resampler holds back may make it one slot more, for which is asked again.
        let slots = samples.div_ceil(SLOT as u64).max(1);
        self.reader.wake_after(slots)
    }

    /// Samples lost so far because nobody read, at the rate of the blocks.
    pub fn all_dropped(&self) -> u64 {
        self.all_dropped
    }

    /// Passes over all that waits.
    pub fn skip(&mut self) {
        self.reader.skip();
        self.pending.clear();
    }

    /// Whether nothing will come any more, beyond what waits.
    pub fn is_finished(&self) -> bool {
        self.reader.is_finished()
    }

    /// Another listener to the same ring.
    pub fn reader(&self) -> TapReader {
        self.reader.clone()
    }

    /// Appends samples of a slot at our rate.
    fn take(&mut self, rate: u32, samples: &[i16]) {
        if self
            .resampler
            .as_ref()
            .is_some_and(|(from, _)| *from != rate)
            && let Some((_, old)) = self.resampler.take()
        {
            old.finish(&mut self.pending);
        }
        if rate == self.rate {
            self.pending.extend_from_slice(samples);
            return;
        }
        if self.resampler.is_none() {
            self.resampler = Resampler::new(rate, self.rate).ok().map(|new| (rate, new));
        }
        if let Some((_, resampler)) = &mut self.resampler {
            resampler.push(samples, &mut self.pending);
        }
    }
}

#[cfg(test)]
mod tests {
    use sems_audio::{
        dtmf::goertzel,
        tone::{Part, Pattern},
    };

    use super::*;
    use crate::media::tap::{TapWriter, tap};

    const TICK: u64 = 20_000_000;

    fn say(writer: &mut TapWriter, samples: &[i16], rate: u32, from: u64) {
        for (number, frame) in (from..).zip(samples.chunks(rate as usize / 50)) {
            writer.write(frame, rate, number * TICK);
        }
    }

    fn blocks(reader: &mut BlockReader) -> Vec<Block> {
        std::iter::from_fn(|| reader.next_block()).collect()
    }

    #[test]
    fn blocks_are_as_long_as_is_wanted_and_nothing_is_missing() {
        let (mut writer, reader) = tap(2, 8000);
        let mut blocks_of_30 = BlockReader::new(reader, 8000, 240).unwrap();
        let samples: Vec<i16> = (0..8000).collect();
        say(&mut writer, &samples, 8000, 5);
        let read = blocks(&mut blocks_of_30);
        assert_eq!(read.len(), 33);
        for (number, block) in read.iter().enumerate() {
            assert_eq!(block.at, 5 * TICK + number as u64 * 30_000_000);
        }
        drop(writer);
        let rest = blocks_of_30.next_block().unwrap();
        assert_eq!(rest.samples.len(), 8000 - 33 * 240);
        assert_eq!(blocks_of_30.next_block(), None);
        let all: Vec<i16> = read
            .iter()
            .chain([&rest])
            .flat_map(|block| block.samples.to_vec())
            .collect();
        assert_eq!(all, samples);
    }

    #[test]
    fn any_rate_is_converted_to_the_one_that_is_wanted() {
        for (from, to) in [
            (8000, 16_000),
            (16_000, 8000),
            (48_000, 16_000),
            (8000, 24_000),
        ] {
            let (mut writer, reader) = tap(4, from);
            let mut reader = BlockReader::new(reader, to, to as usize / 10).unwrap();
            let second = Pattern::from_parts(vec![Part::sine(1000.0, -20, 1000)]).render(from);
            say(&mut writer, &second, from, 0);
            drop(writer);
            let heard: Vec<i16> = blocks(&mut reader)
                .iter()
                .flat_map(|block| block.samples.to_vec())
                .collect();
            assert_eq!(heard.len(), to as usize);
            let level = goertzel(&heard, to, 1000.0);
            assert!((-20.3..=-19.7).contains(&level), "{from} to {to}: {level}");
        }
    }

    #[test]
    fn all_that_has_come_can_be_read_at_once_at_any_rate() {
        let (mut writer, reader) = tap(2, 48_000);
        let mut reader = BlockReader::new(reader, 8000, 160).unwrap();
        say(&mut writer, &[1000; 16_000], 16_000, 0);
        let mut heard = Vec::new();
        reader.read(&mut heard);
        assert!((7_900..=8_000).contains(&heard.len()), "{}", heard.len());
        say(&mut writer, &[1000; 48_000], 48_000, 50);
        drop(writer);
        reader.read(&mut heard);
        assert_eq!(heard.len(), 16_000);
        assert!(
            heard[100..7_900]
                .iter()
                .all(|sample| (990..=1010).contains(sample))
        );
    }

    #[test]
    fn a_rate_that_changes_under_way_is_followed() {
        let (mut writer, reader) = tap(4, 16_000);
        let mut reader = BlockReader::new(reader, 16_000, 1600).unwrap();
        let tone = |rate| Pattern::from_parts(vec![Part::sine(1000.0, -20, 500)]).render(rate);
        say(&mut writer, &tone(8000), 8000, 0);
        say(&mut writer, &tone(16_000), 16_000, 25);
        drop(writer);
        let heard: Vec<i16> = blocks(&mut reader)
            .iter()
            .flat_map(|block| block.samples.to_vec())
            .collect();
        assert_eq!(heard.len(), 16_000);
    }

    #[test]
    fn what_was_lost_is_told_with_the_block_behind_it() {
        let (mut writer, reader) = tap(1, 8000);
        let mut reader = BlockReader::new(reader, 16_000, 320).unwrap();
        say(&mut writer, &vec![1; 100 * 160], 8000, 0);
        let block = reader.next_block().unwrap();
        assert_eq!(block.dropped, 37 * 320);
        assert_eq!(block.at, 37 * TICK);
        assert_eq!(reader.next_block().unwrap().dropped, 0);
        assert_eq!(reader.all_dropped(), 37 * 320);
    }

    #[test]
    fn a_listener_is_woken_once_for_a_block() {
        let (mut writer, reader) = tap(1, 8000);
        let mut reader = BlockReader::new(reader, 8000, 800).unwrap();
        let mut woken = Vec::new();
        assert!(reader.wake_for_block());
        for tick in 1..=20 {
            writer.write(&[0; 160], 8000, tick * TICK);
            let mut due = false;
            writer.tell_waiting(|| {
                due = true;
                true
            });
            if due {
                woken.push(tick);
                assert!(reader.next_block().is_some());
                assert!(reader.wake_for_block());
            }
        }
        assert_eq!(woken, [5, 10, 15, 20]);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for (rate, length) in [(8000, 0), (100, 10), (1_000_000, 10)] {
            let (_writer, reader) = tap(1, 8000);
            assert!(BlockReader::new(reader, rate, length).is_err());
        }
    }
}
