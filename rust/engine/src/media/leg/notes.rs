//! Notes of what comes to the leg's ports, for whoever asks later why a call went as it did. What
//! follows on what came before costs a comparison and a count ([`next`]); [`Leg::flush_notes`] shows
//! it to readers now and then.

mod next;

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use arrayvec::ArrayVec;
use sems_rtp::{RtpPacket, rtcp, telephone_event::EVENT_LEN};

use super::Leg;
use crate::trace::heard::{
    Heard, LONGEST, MOST, MOST_MISSING, Report, Run, SOURCES, What, Written,
};
pub(super) use next::Noting;

/// A longer silence ends a run: whatever depends on silence waits longer than this.
const SILENCE: Duration = Duration::from_secs(1);
/// The same for reports, which come each five seconds or so.
const NO_REPORT: Duration = Duration::from_secs(20);
/// Numbers that may be missing between two packets of a run.
const GAP: i16 = 100;
/// Runs that are under way at once: packets of several sources may come in turns.
const OPEN: usize = 4;
/// Of the places for runs strangers get no more than this, and of those for sources so many, so that
/// they leave some to the peer.
const FOREIGN_RUNS: u32 = 64;
const FOREIGN_SOURCES: usize = 8;

/// The event is over (RFC 4733 §2.3).
const END: u8 = 0x80;

/// What a packet is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// Sound, or the description of a pause.
    Sound,
    /// Keys and the like.
    Event,
    /// Nothing that was agreed on. It may be keys all the same, so nothing of it is told.
    Other,
}

/// What one leg writes down.
struct Notes {
    heard: Arc<Heard>,
    /// The one that was written to last is the first.
    open: ArrayVec<Open, OPEN>,
    /// How many sources are written.
    sources: u8,
    foreign: u32,
}

/// A run that may go on.
struct Open {
    run: Run,
    place: Written,
    began: Instant,
    last: Instant,
    next: u16,
    /// Readers don't know how far it has come.
    grown: bool,
}

impl Open {
    /// How far the run has come, for readers.
    fn show(&mut self, heard: &Heard) {
        self.run.span = self.last.saturating_duration_since(self.began);
        heard.grow(self.place, &self.run);
        self.grown = false;
    }

    /// Takes a packet into the run, or `false`: it begins another.
    fn take(&mut self, now: Instant, new: &Run, sequence: u16) -> bool {
        let run = &mut self.run;
        let is_report = matches!(new.what, What::Report(_));
        let silence = match is_report {
            true => NO_REPORT,
            false => SILENCE,
        };
        if run.ssrc != new.ssrc
            || run.from != new.from
            || run.foreign != new.foreign
            || now.saturating_duration_since(self.last) > silence
            || run.count >= MOST
            || now.saturating_duration_since(self.began) > LONGEST
        {
            return false;
        }
        let steps = sequence.wrapping_sub(self.next) as i16;
        if !is_report && !(-GAP..=GAP).contains(&steps) {
            return false;
        }
        if !follows(run, &new.what) {
            return false;
        }
        match (&mut run.what, new.what) {
            (What::Report(then), What::Report(report)) => then.highest.1 = report.highest.1,
            (What::Audio { missing, .. } | What::Event { missing, .. }, _) if steps < 0 => {
                // Overtaken by others, or doubled on the way.
                let Some(fewer) = missing.checked_sub(1) else {
                    return true;
                };
                *missing = fewer;
            }
            (
                What::Audio {
                    missing,
                    timestamps,
                    ..
                },
                What::Audio {
                    timestamps: (_, last),
                    ..
                },
            ) => {
                *missing = (*missing + steps as u16).min(MOST_MISSING);
                timestamps.1 = last;
            }
            (
                What::Event {
                    missing, durations, ..
                },
                What::Event {
                    durations: (_, last),
                    ..
                },
            ) => {
                *missing = (*missing + steps as u16).min(MOST_MISSING);
                durations.1 = last;
            }
            _ => return false,
        }
        if steps >= 0 || is_report {
            self.next = sequence.wrapping_add(1);
        }
        run.count += 1;
        self.last = now;
        self.grown = true;
        true
    }
}

/// Whether a timestamp is not far from the last one; another place in time is another stretch of sound.
fn is_near(last: u32, new: u32) -> bool {
    (new.wrapping_sub(last) as i32).unsigned_abs() < 1 << 20
}

/// Whether what a packet says goes on from what the run says so far.
fn follows(run: &Run, new: &What) -> bool {
    match (run.what, *new) {
        (
            What::Audio {
                payload_type,
                timestamps,
                ..
            },
            What::Audio {
                payload_type: other,
                timestamps: (at, _),
                ..
            },
        ) => payload_type == other && is_near(timestamps.1, at),
        (
            What::Event {
                payload_type,
                timestamp,
                event,
                flags,
                ..
            },
            What::Event {
                payload_type: other,
                timestamp: at,
                event: key,
                flags: now,
                ..
            },
        ) => (payload_type, timestamp, event, flags & END) == (other, at, key, now & END),
        (What::Report(then), What::Report(report)) => {
            let all = |report: &Report| report.fraction_lost == u8::MAX;
            let stands = report.highest.1 == then.highest.1;
            let stood = then.highest.0 == then.highest.1;
            (then.muxed, then.sender, then.goodbye, then.block)
                == (report.muxed, report.sender, report.goodbye, report.block)
                && all(&then) == all(&report)
                && (run.count == 1 || stood == stands)
        }
        _ => false,
    }
}

impl Notes {
    fn new(heard: Arc<Heard>) -> Self {
        Self {
            heard,
            open: ArrayVec::new(),
            sources: 0,
            foreign: 0,
        }
    }

    /// One that is not simply the next.
    fn packet(
        &mut self,
        now: Instant,
        from: SocketAddr,
        packet: &RtpPacket<'_>,
        foreign: bool,
        kind: Kind,
    ) {
        let header = &packet.header;
        let byte = |place: usize| packet.payload.get(place).copied().unwrap_or_default();
        let (payload_type, marker) = (header.payload_type.number(), header.marker);
        let (sequence, timestamp) = (header.sequence.0, header.timestamp.0);
        let what = match kind {
            Kind::Event if packet.payload.len() >= EVENT_LEN => {
                let duration = u16::from_be_bytes([byte(2), byte(3)]);
                What::Event {
                    payload_type,
                    marker,
                    missing: 0,
                    sequence,
                    timestamp,
                    event: byte(0),
                    flags: byte(1),
                    durations: (duration, duration),
                }
            }
            _ => What::Audio {
                payload_type,
                marker,
                missing: 0,
                sequence,
                timestamps: (timestamp, timestamp),
                length: packet.payload.len().try_into().unwrap_or(u16::MAX),
                first: if kind == Kind::Sound { byte(0) } else { 0 },
            },
        };
        self.note(
            now,
            sequence,
            &Run {
                at: Duration::ZERO,
                span: Duration::ZERO,
                from,
                foreign,
                count: 1,
                ssrc: header.ssrc.0,
                what,
            },
        );
    }

    /// A datagram of RTCP came, which is about `ours`.
    fn report(
        &mut self,
        now: Instant,
        from: SocketAddr,
        datagram: &[u8],
        (ours, muxed, foreign): (u32, bool, bool),
    ) {
        let Ok(packets) = rtcp::parse(datagram) else {
            return;
        };
        let (mut reporter, mut report) = (0, Report::default());
        report.muxed = muxed;
        for packet in packets {
            let blocks = match packet {
                rtcp::ControlPacket::SenderReport { ssrc, blocks, .. } => {
                    report.sender = true;
                    reporter = ssrc.0;
                    blocks
                }
                rtcp::ControlPacket::ReceiverReport { ssrc, blocks } => {
                    reporter = ssrc.0;
                    blocks
                }
                rtcp::ControlPacket::Goodbye(_) => {
                    report.goodbye = true;
                    continue;
                }
                _ => continue,
            };
            for block in blocks.filter(|block| block.ssrc.0 == ours) {
                report.block = true;
                report.fraction_lost = block.fraction_lost;
                report.highest = (block.highest_sequence, block.highest_sequence);
            }
        }
        self.note(
            now,
            0,
            &Run {
                at: Duration::ZERO,
                span: Duration::ZERO,
                from,
                foreign,
                count: 1,
                ssrc: reporter,
                what: What::Report(report),
            },
        );
    }

    fn note(&mut self, now: Instant, sequence: u16, new: &Run) {
        if let Some(open) = self.open.first_mut()
            && open.take(now, new, sequence)
        {
            return;
        }
        self.note_another(now, sequence, new);
    }

    /// What doesn't follow on what came last.
    #[cold]
    fn note_another(&mut self, now: Instant, sequence: u16, new: &Run) {
        let mut rest = self.open.iter_mut().skip(1);
        if let Some(place) = rest.position(|open| open.take(now, new, sequence)) {
            return self.open.swap(0, place + 1);
        }
        let place = match self.source(new) {
            Some(source) => self.heard.begin_run(now, source, new),
            None => None,
        };
        let Some(place) = place else {
            // What strangers send beyond their share says nothing new.
            if !new.foreign {
                self.heard.overflow(now);
            }
            return;
        };
        // The numbers of one source go through its runs of both kinds.
        let is_report = |run: &Run| matches!(run.what, What::Report(_));
        let ends = |run: &Run| {
            run.ssrc == new.ssrc && run.from == new.from && is_report(run) == is_report(new)
        };
        let ended = self.open.iter().position(|open| ends(&open.run));
        let ended = ended.or_else(|| self.open.is_full().then_some(OPEN - 1));
        if let Some(ended) = ended {
            self.open.swap_remove(ended).show(&self.heard);
        }
        // Just made room for.
        let _ = self.open.try_push(Open {
            run: *new,
            place,
            began: now,
            last: now,
            next: sequence.wrapping_add(1),
            grown: false,
        });
        let newest = self.open.len() - 1;
        self.open.swap(0, newest);
    }

    /// The number of a run's source, if there is room for both.
    fn source(&mut self, run: &Run) -> Option<u8> {
        if run.foreign && self.foreign >= FOREIGN_RUNS {
            return None;
        }
        let known = self.heard.source(run.from);
        let most = match run.foreign {
            true => FOREIGN_SOURCES,
            false => SOURCES,
        };
        if known.is_none() && usize::from(self.sources) >= most {
            return None;
        }
        self.foreign += u32::from(run.foreign);
        if known.is_some() {
            return known;
        }
        let number = self.sources;
        self.sources += 1;
        self.heard.begin_source(number, run.from).then_some(number)
    }

    fn flush(&mut self) {
        for open in self.open.iter_mut().filter(|open| open.grown) {
            open.show(&self.heard);
        }
    }
}

impl Leg {
    /// Has the leg write down what comes to its ports. To be called before its first tick.
    pub fn take_notes(&mut self, heard: Arc<Heard>) {
        self.notes = Noting::to(heard);
    }

    /// Shows readers what has been written down.
    pub(super) fn flush_notes(&mut self) {
        self.notes.flush();
    }
}

#[cfg(test)]
mod tests;
