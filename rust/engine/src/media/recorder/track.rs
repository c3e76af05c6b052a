//! One file of a recording, and the rings that it is written from.

use std::{fs::File, path::PathBuf};

use sems_audio::Resampler;

use super::{
    output::Output,
    timeline::{TICK_NS, Timeline},
};
use crate::{
    error,
    ids::CallId,
    media::tap::{SLOT, Stamp, TapReader},
};

/// Samples of a channel that are written at once.
const PIECE: usize = 4096;
/// Ticks a second.
const TICKS: u64 = 1_000_000_000 / TICK_NS;

/// Whose voice a file holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Whose {
    /// What is said in a room.
    Mix,
    /// What one member of a room says.
    Member(CallId),
    /// What is said in a call.
    Call,
}

/// One file: mono, or a channel for each side of a call.
pub(super) struct Track {
    pub(super) whose: Whose,
    path: PathBuf,
    rate: u32,
    file: Output,
    channels: Vec<Channel>,
    /// Samples of each channel in the file.
    written: u64,
    buffer: Vec<i16>,
}

/// One channel of a file.
struct Channel {
    reader: Option<TapReader>,
    /// What has been written to the ring when this step began.
    mark: u64,
    lost: u64,
    /// Silence to be written before what is pending.
    gap: u64,
    pending: Vec<i16>,
    /// How many samples the channel has, those that wait to be written too.
    end: u64,
    resampler: Option<Bridge>,
}

/// From another rate to that of the file.
struct Bridge {
    from: u32,
    resampler: Resampler,
    /// Where in the file it began, and what it was given since.
    base: u64,
    taken: u64,
}

impl Track {
    /// Makes the file, with a channel for each ring.
    pub(super) fn create(
        whose: Whose,
        path: PathBuf,
        rate: u32,
        readers: Vec<TapReader>,
    ) -> Result<Self, String> {
        let said = |error: String| format!("{}: {error}", path.display());
        // A device or a pipe is not ours to remove, and can't be gone back in; a pipe would even have this
        // thread wait for who reads from it.
        if std::fs::metadata(&path).is_ok_and(|kind| !kind.is_file()) {
            return Err(said("it is not a file".to_owned()));
        }
        let file = File::create(&path).map_err(|error| said(error::reason(&error)))?;
        let file = match Output::new(file, &path, rate, readers.len() as u16) {
            Ok(file) => file,
            Err(error) => {
                // Half a header is no file.
                let _ = std::fs::remove_file(&path);
                return Err(said(plain(error)));
            }
        };
        Ok(Self {
            whose,
            path,
            rate,
            file,
            channels: readers.into_iter().map(Channel::new).collect(),
            written: 0,
            buffer: Vec::new(),
        })
    }

    /// Goes on with another ring: a member has come back.
    pub(super) fn resume(&mut self, reader: TapReader, timeline: &mut Timeline) {
        let rate = self.rate;
        if let Some(channel) = self.channels.first_mut() {
            channel.mark();
            channel.read(rate, timeline);
            channel.lost = 0;
            channel.mark = reader.mark();
            channel.reader = Some(reader);
        }
    }

    /// Takes note of what has come so far.
    pub(super) fn mark(&mut self) {
        self.channels.iter_mut().for_each(Channel::mark);
    }

    /// Takes what had come at the last mark out of the rings; returns samples that were lost.
    pub(super) fn read(&mut self, timeline: &mut Timeline) -> u64 {
        let rate = self.rate;
        let channels = self.channels.iter_mut();
        channels.map(|channel| channel.read(rate, timeline)).sum()
    }

    /// Whether anybody still fills a ring of it.
    pub(super) fn is_live(&self) -> bool {
        self.channels.iter().any(Channel::is_live)
    }

    /// Samples that it has so far, those that wait to be written too.
    pub(super) fn end(&self) -> u64 {
        self.channels
            .iter()
            .map(|channel| channel.end)
            .max()
            .unwrap_or(0)
    }

    /// Makes all channels at least so long, by silence.
    pub(super) fn pad(&mut self, end: u64) {
        self.channels
            .iter_mut()
            .for_each(|channel| channel.pad(end));
    }

    /// Writes what all channels have.
    pub(super) fn write(&mut self) -> Result<(), String> {
        loop {
            let ready = self.channels.iter().map(Channel::available).min();
            let ready = ready.unwrap_or(0);
            if ready == 0 {
                return Ok(());
            }
            let gap = self.channels.iter().map(|channel| channel.gap).min();
            let gap = gap.unwrap_or(0);
            let result = if gap > 0 {
                self.channels
                    .iter_mut()
                    .for_each(|channel| channel.gap -= gap);
                self.written += gap;
                self.file.write_silence(gap)
            } else {
                let count = ready.min(PIECE as u64) as usize;
                let step = self.channels.len();
                self.buffer.clear();
                self.buffer.resize(count * step, 0);
                for (offset, channel) in self.channels.iter_mut().enumerate() {
                    channel.pull(count, &mut self.buffer[offset..], step);
                }
                self.written += count as u64;
                self.file.write(&self.buffer)
            };
            result.map_err(|error| self.said(error))?;
        }
    }

    /// Completes the file: every channel gets `end` samples, and the header tells of all of them.
    pub(super) fn finish(&mut self, end: u64) -> Result<(), String> {
        for channel in &mut self.channels {
            channel.close_bridge();
            channel.pad(end);
        }
        self.write()?;
        self.file.flush().map_err(|error| self.said(error))
    }

    /// Saves what can be saved after a write that failed.
    pub(super) fn salvage(&mut self) {
        self.file.salvage();
    }

    fn said(&self, error: sems_audio::Error) -> String {
        format!("{}: {}", self.path.display(), plain(error))
    }
}

impl Channel {
    fn new(reader: TapReader) -> Self {
        Self {
            reader: Some(reader),
            mark: 0,
            lost: 0,
            gap: 0,
            pending: Vec::new(),
            end: 0,
            resampler: None,
        }
    }

    fn is_live(&self) -> bool {
        self.reader
            .as_ref()
            .is_some_and(|reader| !reader.is_finished() || reader.waiting() > 0)
    }

    fn mark(&mut self) {
        if let Some(reader) = &self.reader {
            self.mark = reader.mark();
        }
    }

    fn read(&mut self, rate: u32, timeline: &mut Timeline) -> u64 {
        let Some(mut reader) = self.reader.take() else {
            return 0;
        };
        // Asked before reading: what was written before the end is then in the ring.
        let finished = reader.is_finished() && reader.mark() == self.mark;
        let mut samples = [0; SLOT];
        while let Some((stamp, count)) = reader.next_before(self.mark, &mut samples) {
            if let Some(place) = timeline.place(stamp.at) {
                self.take(place, stamp, &samples[..count], rate);
            }
        }
        let lost = reader.lost() - self.lost;
        self.lost = reader.lost();
        match finished {
            true => self.close_bridge(),
            false => self.reader = Some(reader),
        }
        lost * SLOT as u64
    }

    /// Puts samples where they belong. What is missing before them is silence.
    fn take(&mut self, place: u64, stamp: Stamp, samples: &[i16], rate: u32) {
        if stamp.rate == 0 {
            return;
        }
        let (own, from) = (u64::from(rate), u64::from(stamp.rate));
        let begin = place * own / TICKS + u64::from(stamp.part) * SLOT as u64 * own / from;
        if self
            .resampler
            .as_ref()
            .is_some_and(|bridge| bridge.from != stamp.rate)
        {
            self.close_bridge();
        }
        if stamp.rate == rate {
            self.pad(begin);
            let known = (self.end - begin).min(samples.len() as u64) as usize;
            self.pending.extend_from_slice(&samples[known..]);
            self.end += (samples.len() - known) as u64;
            return;
        }
        if self.resampler.is_none() {
            self.pad(begin);
            let base = self.end;
            self.resampler = Resampler::new(stamp.rate, rate)
                .ok()
                .map(|resampler| Bridge {
                    from: stamp.rate,
                    resampler,
                    base,
                    taken: 0,
                });
        }
        if let Some(bridge) = &mut self.resampler {
            let before = self.pending.len();
            // What was given so far ends here, though the resampler still holds some of it back.
            let reached = bridge.base + bridge.taken * own / from;
            let mut missing = begin.saturating_sub(reached) * from / own;
            while missing > 0 {
                let piece = missing.min(PIECE as u64) as usize;
                bridge.push(&[0; PIECE][..piece], &mut self.pending);
                missing -= piece as u64;
            }
            if begin + 1 >= reached {
                bridge.push(samples, &mut self.pending);
            }
            self.end += (self.pending.len() - before) as u64;
        }
    }

    /// Takes what a resampler still holds back.
    fn close_bridge(&mut self) {
        if let Some(bridge) = self.resampler.take() {
            let before = self.pending.len();
            bridge.resampler.finish(&mut self.pending);
            self.end += (self.pending.len() - before) as u64;
        }
    }

    fn pad(&mut self, end: u64) {
        let missing = end.saturating_sub(self.end);
        match self.pending.is_empty() {
            true => self.gap += missing,
            false => self
                .pending
                .resize(self.pending.len() + missing as usize, 0),
        }
        self.end += missing;
    }

    fn available(&self) -> u64 {
        self.gap + self.pending.len() as u64
    }

    /// Moves the next `count` samples to every `step`-th place.
    fn pull(&mut self, count: usize, to: &mut [i16], step: usize) {
        let silent = self.gap.min(count as u64) as usize;
        self.gap -= silent as u64;
        let places = to.iter_mut().step_by(step).skip(silent);
        let sounding = count - silent;
        for (place, sample) in places.zip(self.pending.drain(..sounding)) {
            *place = sample;
        }
    }
}

impl Bridge {
    fn push(&mut self, samples: &[i16], pending: &mut Vec<i16>) {
        self.taken += samples.len() as u64;
        self.resampler.push(samples, pending);
    }
}

fn plain(error: sems_audio::Error) -> String {
    match error {
        sems_audio::Error::Io(error) => error::reason(&error),
        other => other.to_string(),
    }
}
