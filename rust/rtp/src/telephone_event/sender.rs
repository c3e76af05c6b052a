//! Key presses to send, as event packets one a tick.

use std::collections::VecDeque;
use std::time::Duration;

use super::{Digit, EVENT_LEN, TelephoneEvent};
use crate::RtpError;
use crate::packet::{PayloadType, RtpHeader, Timestamp};
use crate::session::RtpSession;

/// Key presses that can wait to be sent.
pub const MAX_QUEUED: usize = 64;

/// How often the packet that ends an event is sent (RFC 4733 §2.5.1.4).
const END_PACKETS: u8 = 3;
/// Longest event in units: what timestamps can still tell apart.
const LONGEST: u128 = 1 << 30;
/// Longest segment of an event in units.
const SEGMENT: u32 = u16::MAX as u32;
/// Level of the tones we ask for, in -dBm0.
const VOLUME: u8 = 10;
/// Silence after a press, beyond the ticks that its end takes; receivers of tones need 40 ms
/// between digits.
const GAP: Duration = Duration::from_millis(60);

/// One packet to send in the place of the tick's audio.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventPacket {
    /// Its header.
    pub header: RtpHeader,
    /// Its payload.
    pub payload: [u8; EVENT_LEN],
}

#[derive(Debug, Clone, Copy)]
enum State {
    Idle,
    Pressed {
        digit: Digit,
        /// Of this segment; an event longer than the duration field can say has several.
        start: Timestamp,
        /// What is left of the event at `start`.
        length: u32,
        /// It is the first segment.
        first: bool,
    },
    Ending {
        digit: Digit,
        start: Timestamp,
        length: u16,
        left: u8,
    },
    Gap {
        left: u32,
    },
}

/// Sends the telephone-events of one leg.
#[derive(Debug, Clone)]
pub struct EventSender {
    /// Of the durations.
    clock_rate: u32,
    /// Of the timestamps.
    audio_rate: u32,
    payload_type: PayloadType,
    queue: VecDeque<(Digit, u32)>,
    state: State,
}

impl EventSender {
    /// An idle sender. `payload_type` is the one negotiated for telephone-event, `clock_rate` its
    /// frequency in Hz, which is that of the audio beside it.
    pub fn new(payload_type: PayloadType, clock_rate: u32) -> EventSender {
        EventSender::beside(payload_type, clock_rate, clock_rate)
    }

    /// The same beside audio of another clock, for a peer that takes no events of that one: they
    /// have the audio's timestamps, and durations of their own clock.
    pub fn beside(payload_type: PayloadType, clock_rate: u32, audio_rate: u32) -> EventSender {
        EventSender {
            clock_rate,
            audio_rate: audio_rate.max(1),
            payload_type,
            queue: VecDeque::with_capacity(MAX_QUEUED),
            state: State::Idle,
        }
    }

    /// Queues one press of `digit`. One that is longer than the duration field can say (8 s at 8 kHz,
    /// 1.4 s at 48 kHz) is sent in segments (RFC 4733 §2.5.1.3).
    ///
    /// # Errors
    /// [`RtpError::QueueFull`] when [`MAX_QUEUED`] presses wait already.
    pub fn press(&mut self, digit: Digit, duration: Duration) -> Result<(), RtpError> {
        if self.queue.len() == MAX_QUEUED {
            return Err(RtpError::QueueFull);
        }
        let units = duration.as_nanos() * u128::from(self.clock_rate) / 1_000_000_000;
        self.queue
            .push_back((digit, units.clamp(1, LONGEST) as u32));
        Ok(())
    }

    /// Whether nothing is being sent or waiting.
    pub fn is_idle(&self) -> bool {
        self.queue.is_empty() && matches!(self.state, State::Idle)
    }

    /// The packet of this tick of `units` timestamp units of the audio, if the tick belongs to an event: it is
    /// sent instead of audio. `session` numbers it and moves its timestamp on by the tick; without
    /// a packet it is left alone.
    pub fn tick(&mut self, session: &mut RtpSession, units: u32) -> Option<EventPacket> {
        if let State::Gap { left } = self.state {
            self.state = match left.saturating_sub(units) {
                0 => State::Idle,
                left => State::Gap { left },
            };
            return None;
        }
        let timestamp = session.next_timestamp();
        if let State::Idle = self.state {
            let (digit, length) = self.queue.pop_front()?;
            self.state = State::Pressed {
                digit,
                start: timestamp,
                length,
                first: true,
            };
        }
        let (digit, start, first, duration, end) = match self.state {
            State::Idle | State::Gap { .. } => return None,
            State::Pressed {
                digit,
                start,
                length,
                first,
            } => {
                // Measured by the timestamps, so that ticks which were skipped count.
                let elapsed = self.in_durations(timestamp.plus(units).since(start));
                let end = elapsed >= length && length <= SEGMENT;
                if end {
                    self.state = State::Ending {
                        digit,
                        start,
                        length: length as u16,
                        left: END_PACKETS - 1,
                    };
                } else if elapsed >= SEGMENT {
                    // The next packet begins another segment, which only its timestamp shows.
                    self.state = State::Pressed {
                        digit,
                        start: start.plus(self.in_timestamps(SEGMENT)),
                        length: length - SEGMENT,
                        first: false,
                    };
                }
                let duration = elapsed.min(length).min(SEGMENT) as u16;
                (digit, start, first, duration, end)
            }
            State::Ending {
                digit,
                start,
                length,
                left,
            } => {
                self.state = match left - 1 {
                    0 => State::Gap { left: self.gap() },
                    left => State::Ending {
                        digit,
                        start,
                        length,
                        left,
                    },
                };
                (digit, start, false, length, true)
            }
        };
        let event = TelephoneEvent {
            event: digit.event(),
            end,
            volume: VOLUME,
            duration,
        };
        let first = first && timestamp == start;
        let header = session.send_event(self.payload_type, start, first, units, EVENT_LEN);
        Some(EventPacket {
            header,
            payload: event.to_bytes(),
        })
    }

    /// Timestamp units as units of the durations.
    fn in_durations(&self, units: i32) -> u32 {
        let units = u64::from(units.max(0).unsigned_abs());
        (units * u64::from(self.clock_rate) / u64::from(self.audio_rate)) as u32
    }

    /// The other way.
    fn in_timestamps(&self, units: u32) -> u32 {
        (u64::from(units) * u64::from(self.audio_rate) / u64::from(self.clock_rate)) as u32
    }

    fn gap(&self) -> u32 {
        (GAP.as_millis() as u64 * u64::from(self.audio_rate) / 1000) as u32
    }
}
