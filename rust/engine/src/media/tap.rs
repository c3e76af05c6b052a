//! Audio on its way out of a worker: a ring that one thread fills each tick and another empties.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use sems_audio::{Frame, SAMPLE_RATE};

/// The worker's end. Dropping it ends the tap.
#[derive(Debug)]
pub struct TapWriter {
    ring: rtrb::Producer<i16>,
    dropped: Arc<AtomicU64>,
}

/// The listener's end. Dropping it ends the tap.
#[derive(Debug)]
pub struct TapReader {
    ring: rtrb::Consumer<i16>,
    dropped: Arc<AtomicU64>,
}

/// A ring that holds `seconds` of audio.
pub fn tap(seconds: usize) -> (TapWriter, TapReader) {
    let (producer, consumer) = rtrb::RingBuffer::new(seconds * SAMPLE_RATE as usize);
    let dropped = Arc::new(AtomicU64::new(0));
    let writer = TapWriter {
        ring: producer,
        dropped: dropped.clone(),
    };
    let reader = TapReader {
        ring: consumer,
        dropped,
    };
    (writer, reader)
}

impl TapWriter {
    /// Puts a frame into the ring, or counts it as dropped when there is no room for all of it.
    pub fn write(&mut self, frame: &Frame) {
        if self.ring.push_entire_slice(frame).is_err() {
            self.dropped
                .fetch_add(frame.len() as u64, Ordering::Relaxed);
        }
    }

    /// Whether nobody will ever read what is written.
    pub fn is_abandoned(&self) -> bool {
        self.ring.is_abandoned()
    }
}

impl TapReader {
    /// Appends all that has come since the last read.
    pub fn read(&mut self, samples: &mut Vec<i16>) {
        let waiting = self.ring.slots();
        if let Ok(chunk) = self.ring.read_chunk(waiting) {
            let (first, second) = chunk.as_slices();
            samples.extend_from_slice(first);
            samples.extend_from_slice(second);
            chunk.commit_all();
        }
    }

    /// Samples lost so far because the ring was full.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Whether nothing will come any more, beyond what the ring still holds.
    pub fn is_finished(&self) -> bool {
        self.ring.is_abandoned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_in_order() {
        let (mut writer, mut reader) = tap(1);
        writer.write(&[1; 160]);
        writer.write(&[2; 160]);
        let mut heard = Vec::new();
        reader.read(&mut heard);
        assert_eq!(heard, [[1; 160], [2; 160]].concat());
    }

    #[test]
    fn a_slow_reader_loses_whole_frames_and_is_told_how_many() {
        let (mut writer, mut reader) = tap(1);
        for _ in 0..60 {
            writer.write(&[7; 160]);
        }
        let mut heard = Vec::new();
        reader.read(&mut heard);
        assert_eq!(heard.len(), 8000);
        assert_eq!(reader.dropped(), 10 * 160);
    }

    #[test]
    fn each_end_sees_that_the_other_is_gone() {
        let (writer, reader) = tap(1);
        assert!(!writer.is_abandoned() && !reader.is_finished());
        drop(reader);
        assert!(writer.is_abandoned());
        let (writer, reader) = tap(1);
        drop(writer);
        assert!(reader.is_finished());
    }
}
