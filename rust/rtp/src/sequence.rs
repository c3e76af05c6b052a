//! Is this a source, what did it lose, how evenly does it arrive (RFC 3550 §A.1, §A.3, §A.8).

use std::time::{Duration, Instant};

use crate::packet::{SequenceNumber, Timestamp};

/// A step forward of fewer packets is a loss; a longer one is suspect (RFC 3550 §A.1).
pub const MAX_DROPOUT: u16 = 3000;
/// A step back of fewer packets is reordering; a longer one is suspect (RFC 3550 §A.1).
pub const MAX_MISORDER: u16 = 100;
/// Packets in sequence that make a source valid (RFC 3550 §A.1).
pub const MIN_SEQUENTIAL: u8 = 2;

/// What a packet's sequence number says about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SequenceCheck {
    /// It belongs to the stream; its number extended by the count of wraps.
    Valid(u64),
    /// The source has not yet shown enough packets in sequence: not to be played.
    Probation,
    /// Far from what was expected: not to be played.
    Suspect,
    /// The second of two consecutive packets far from what was expected: the source started anew,
    /// all that was known of its sequence is gone. The extended number as in `Valid`.
    Restarted(u64),
}

/// One source's sequence numbers: validity, wraps, losses (RFC 3550 §A.1 and §A.3).
#[derive(Debug, Clone)]
pub struct SequenceTracker {
    probation: u8,
    highest: SequenceNumber,
    /// Count of wraps, already multiplied by 2¹⁶.
    cycles: u64,
    base: SequenceNumber,
    /// The number after the last suspect one: when it comes next, the source has restarted.
    bad_next: Option<SequenceNumber>,
    received: u64,
    expected_prior: u64,
    received_prior: u64,
}

impl SequenceTracker {
    /// A tracker for a source whose first packet is still to be given to [`update`](Self::update).
    ///
    /// `probation` is how many packets in sequence it takes until the source is valid:
    /// [`MIN_SEQUENTIAL`], or 1 where someone else has already vouched for it.
    pub fn new(first: SequenceNumber, probation: u8) -> SequenceTracker {
        let mut tracker = SequenceTracker {
            probation,
            highest: first,
            cycles: 0,
            base: first,
            bad_next: None,
            received: 0,
            expected_prior: 0,
            received_prior: 0,
        };
        tracker.restart(first);
        tracker.highest = SequenceNumber(first.0.wrapping_sub(1));
        tracker
    }

    fn restart(&mut self, first: SequenceNumber) {
        self.highest = first;
        self.base = first;
        self.cycles = 0;
        self.bad_next = None;
        self.received = 0;
        self.expected_prior = 0;
        self.received_prior = 0;
    }

    /// Takes note of the packet numbered `sequence`.
    pub fn update(&mut self, sequence: SequenceNumber) -> SequenceCheck {
        if self.probation > 0 {
            return self.prove(sequence);
        }
        let ahead = sequence.0.wrapping_sub(self.highest.0);
        if ahead < MAX_DROPOUT {
            if sequence.0 < self.highest.0 {
                self.cycles += 1 << 16;
            }
            self.highest = sequence;
        } else if ahead <= 0u16.wrapping_sub(MAX_MISORDER) {
            if self.bad_next == Some(sequence) {
                self.restart(sequence);
                self.received = 1;
                return SequenceCheck::Restarted(u64::from(sequence.0));
            }
            self.bad_next = Some(sequence.plus(1));
            return SequenceCheck::Suspect;
        }
        self.received += 1;
        SequenceCheck::Valid(self.extend(sequence))
    }

    fn prove(&mut self, sequence: SequenceNumber) -> SequenceCheck {
        if sequence == self.highest.plus(1) {
            self.highest = sequence;
            self.probation -= 1;
            if self.probation == 0 {
                self.restart(sequence);
                self.received = 1;
                return SequenceCheck::Valid(u64::from(sequence.0));
            }
        } else {
            self.probation = MIN_SEQUENTIAL - 1;
            self.highest = sequence;
        }
        SequenceCheck::Probation
    }

    /// A recent number with its wraps: one that lies after the highest belongs to the cycle before.
    fn extend(&self, sequence: SequenceNumber) -> u64 {
        let behind = u64::from(self.highest.0.wrapping_sub(sequence.0));
        // A packet may precede the very first one; it must not fall below zero.
        self.highest_extended().saturating_sub(behind)
    }

    /// Whether the source has passed probation.
    pub fn is_valid(&self) -> bool {
        self.probation == 0
    }

    /// The highest number seen, with its wraps.
    pub fn highest_extended(&self) -> u64 {
        self.cycles + u64::from(self.highest.0)
    }

    /// Packets received, duplicates and late ones included.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// Packets that should have come by now.
    pub fn expected(&self) -> u64 {
        if self.received == 0 {
            0
        } else {
            self.highest_extended() - u64::from(self.base.0) + 1
        }
    }

    /// Packets lost since the start; negative when duplicates outnumber losses.
    pub fn lost(&self) -> i64 {
        self.expected() as i64 - self.received as i64
    }

    /// The fraction lost since the last call, in 256ths; 0 when duplicates outnumber losses (RFC
    /// 3550 §A.3).
    pub fn take_fraction_lost(&mut self) -> u8 {
        let expected = self.expected() - self.expected_prior;
        let received = self.received - self.received_prior;
        self.expected_prior = self.expected();
        self.received_prior = self.received;
        match expected.checked_sub(received) {
            Some(lost) if lost > 0 => (lost * 256 / expected).min(255) as u8,
            _ => 0,
        }
    }
}

/// The mean deviation of the packets' spacing at arrival from their spacing at the sender (RFC 3550
/// §A.8).
#[derive(Debug, Clone)]
pub struct InterarrivalJitter {
    clock_rate: u32,
    previous: Option<(Instant, Timestamp)>,
    /// In timestamp units, times 16.
    scaled: u32,
}

impl InterarrivalJitter {
    /// No packets yet; `clock_rate` is the timestamps' frequency in Hz.
    pub fn new(clock_rate: u32) -> InterarrivalJitter {
        InterarrivalJitter {
            clock_rate,
            previous: None,
            scaled: 0,
        }
    }

    /// Takes note of a packet that came at `now`.
    ///
    /// A packet with its predecessor's timestamp says nothing (a telephone-event keeps the
    /// timestamp of its start), nor does one whose timestamp has jumped by more than a second
    /// against the clock.
    pub fn update(&mut self, now: Instant, timestamp: Timestamp) {
        let previous = self.previous.replace((now, timestamp));
        let Some((then, earlier)) = previous else {
            return;
        };
        if timestamp == earlier {
            self.previous = previous;
            return;
        }
        let elapsed = now.saturating_duration_since(then);
        let rate = u64::from(self.clock_rate);
        let fraction = u64::from(elapsed.subsec_nanos()) * rate / 1_000_000_000;
        let arrived = elapsed.as_secs().min(1 << 32) * rate + fraction;
        let deviation = (arrived as i64).abs_diff(i64::from(timestamp.since(earlier)));
        if deviation <= rate {
            let next =
                i64::from(self.scaled) + deviation as i64 - ((i64::from(self.scaled) + 8) >> 4);
            self.scaled = next.max(0) as u32;
        }
    }

    /// The estimate in timestamp units, as it goes into a report.
    pub fn units(&self) -> u32 {
        self.scaled >> 4
    }

    /// The estimate as time.
    pub fn duration(&self) -> Duration {
        Duration::from_nanos(
            u64::from(self.scaled) * 1_000_000_000 / 16 / u64::from(self.clock_rate),
        )
    }
}
