//! What came to a call's RTP and RTCP ports, in runs of packets that follow each other: where from,
//! when, their numbers and times, and of keys (RFC 4733) also what they say. Not the sound.
//!
//! A worker writes it and others read it, without a lock: a run's place is written once, and what
//! grows in it is a word of its own. Places come in blocks from what all calls have together
//! ([`Places`]), as many as are needed, up to [`RUNS`]; when what comes has no place, that is noted.

use std::{
    net::{IpAddr, Ipv6Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use super::places::BLOCK_PLACES;
pub use super::places::Places;

/// Runs and sources of which a call is remembered. A key takes two or three, a minute of speech
/// without pauses one.
pub(crate) const RUNS: usize = 256;
/// Sources of which a call is remembered.
pub(crate) const SOURCES: usize = 16;

/// What one call's ports have received.
#[derive(Debug)]
pub struct Heard {
    start: Instant,
    /// How many of the places are written.
    written: AtomicU32,
    /// When the first packet came for which there was no place, by [`Heard::clock`], and 1 more; 0: none
    /// did.
    full: AtomicU64,
    places: Arc<Places>,
    /// Its first block, and the last that has something.
    blocks: Option<(u32, AtomicU32)>,
}

/// Where a run is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Written {
    block: u32,
    place: u32,
}

/// What came one after the other from one source.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Run {
    /// When the first came, since the start of the record, to 0.1 ms.
    pub(crate) at: Duration,
    /// The last so much later, to a millisecond.
    pub(crate) span: Duration,
    /// From where.
    pub(crate) from: SocketAddr,
    /// Not the peer: nothing was done with it.
    pub(crate) foreign: bool,
    /// Packets.
    pub(crate) count: u32,
    pub(crate) ssrc: u32,
    pub(crate) what: What,
}

/// What kind of packets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum What {
    /// Sound.
    Audio {
        payload_type: u8,
        marker: bool,
        /// Numbers that are missing within the run.
        missing: u16,
        /// The first number.
        sequence: u16,
        /// The first and the last.
        timestamps: (u32, u32),
        /// Bytes of the first payload, and the first of them (0 if there is none).
        length: u16,
        first: u8,
    },
    /// A key, or another event.
    Event {
        payload_type: u8,
        marker: bool,
        missing: u16,
        sequence: u16,
        timestamp: u32,
        /// Its number (RFC 4733 §3).
        event: u8,
        /// E, R and volume.
        flags: u8,
        /// The first and the last.
        durations: (u16, u16),
    },
    /// RTCP.
    Report(Report),
}

/// What counts of the control packets in a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Report {
    /// It came to the port of RTP (RFC 5761).
    pub(crate) muxed: bool,
    /// Its sender sends RTP, too: SR, else RR.
    pub(crate) sender: bool,
    /// It takes its leave (BYE).
    pub(crate) goodbye: bool,
    /// It reports on our stream: the share that was lost since the last one, in 256ths, …
    pub(crate) block: bool,
    pub(crate) fraction_lost: u8,
    /// … and the highest number that had arrived, of the first and of the last report.
    pub(crate) highest: (u32, u32),
}

const SOURCE: u64 = 0;
const AUDIO: u64 = 1;
const EVENT: u64 = 2;
const REPORT: u64 = 3;

const MUXED: u64 = 1;
const SENDER: u64 = 2;
const GOODBYE: u64 = 4;
const BLOCK: u64 = 8;

/// The most that one run counts.
pub(crate) const MOST: u32 = (1 << 24) - 1;
/// The most that is missing in one.
pub(crate) const MOST_MISSING: u16 = (1 << 12) - 1;
/// The longest one.
pub(crate) const LONGEST: Duration = Duration::from_millis((1 << 28) - 1);

impl Heard {
    /// Nothing so far. Times count from `start`; it will stand in `places`.
    pub fn new(start: Instant, places: Arc<Places>) -> Self {
        let first = places.take();
        Self {
            start,
            written: AtomicU32::new(0),
            full: AtomicU64::new(0),
            places,
            blocks: first.map(|block| (block, AtomicU32::new(block))),
        }
    }

    /// Units of 0.1 ms since the start.
    fn clock(&self, now: Instant) -> u64 {
        (now.saturating_duration_since(self.start).as_micros() / 100) as u64
    }

    /// Writes a source, or `false`: there is no place. For the worker alone.
    pub(crate) fn begin_source(&self, number: u8, from: SocketAddr) -> bool {
        let bits = match from.ip() {
            IpAddr::V4(ip) => ip.to_ipv6_mapped(),
            IpAddr::V6(ip) => ip,
        }
        .to_bits();
        let scope = match from {
            SocketAddr::V6(from) => from.scope_id(),
            SocketAddr::V4(_) => 0,
        };
        let first = SOURCE << 62 | u64::from(number) << 56 | u64::from(from.is_ipv4());
        let last = u64::from(from.port()) << 32 | u64::from(scope);
        self.begin([first, (bits >> 64) as u64, bits as u64, last])
            .is_some()
    }

    /// Writes the beginning of a run that began at `now`, from a source by its number; returns its
    /// place, if there is one. For the worker alone.
    pub(crate) fn begin_run(&self, now: Instant, source: u8, run: &Run) -> Option<Written> {
        let (kind, marker, payload_type, first, second) = match run.what {
            What::Audio {
                payload_type,
                marker,
                sequence,
                length,
                first,
                ..
            } => {
                let numbers = u64::from(sequence) << 16 | u64::from(length);
                (AUDIO, marker, u64::from(payload_type), first, numbers)
            }
            What::Event {
                payload_type,
                marker,
                sequence,
                event,
                durations,
                ..
            } => {
                let numbers = u64::from(sequence) << 16 | u64::from(durations.0);
                (EVENT, marker, u64::from(payload_type), event, numbers)
            }
            What::Report(report) => {
                let flags = [
                    (report.muxed, MUXED),
                    (report.sender, SENDER),
                    (report.goodbye, GOODBYE),
                    (report.block, BLOCK),
                ];
                let flags = flags.iter().filter(|(on, _)| *on).map(|(_, flag)| flag);
                (REPORT, false, flags.sum(), report.fraction_lost, 0)
            }
        };
        let at = self.clock(now).min((1 << 40) - 1);
        let head = kind << 62
            | u64::from(run.foreign) << 61
            | u64::from(marker) << 60
            | u64::from(source) << 56
            | payload_type << 49
            | u64::from(first) << 40
            | at;
        let numbers = u64::from(run.ssrc) << 32 | second;
        self.begin([head, numbers, growing(run), counted(run)])
    }

    fn begin(&self, words: [u64; 4]) -> Option<Written> {
        let number = self.written.load(Ordering::Relaxed);
        // After the first that found no place nothing is told any more.
        if number as usize >= RUNS || self.full.load(Ordering::Relaxed) > 0 {
            return None;
        }
        let (_, last) = self.blocks.as_ref()?;
        let mut block = last.load(Ordering::Relaxed);
        let place = number as usize % BLOCK_PLACES;
        if number > 0 && place == 0 {
            block = self.places.extend(block)?;
            last.store(block, Ordering::Relaxed);
        }
        let words_there = &self.places.place(block, place)?.0;
        for (word, value) in words_there.iter().zip(words) {
            word.store(value, Ordering::Relaxed);
        }
        // Who sees the number sees what was written, and the block that it is in.
        self.written.store(number + 1, Ordering::Release);
        let place = place as u32;
        Some(Written { block, place })
    }

    /// Writes how far a run has come. For the worker alone.
    pub(crate) fn grow(&self, written: Written, run: &Run) {
        if let Some(place) = self.places.place(written.block, written.place as usize) {
            place.0[2].store(growing(run), Ordering::Relaxed);
            place.0[3].store(counted(run), Ordering::Relaxed);
        }
    }

    /// A packet came at `now` for which there is no place.
    pub(crate) fn overflow(&self, now: Instant) {
        if self.full.load(Ordering::Relaxed) == 0 {
            self.full.store(self.clock(now) + 1, Ordering::Relaxed);
        }
    }

    /// From when on nothing is written any more, since the start of the record.
    pub(crate) fn full_since(&self) -> Option<Duration> {
        let full = self.full.load(Ordering::Relaxed);
        full.checked_sub(1)
            .map(|at| Duration::from_micros(at * 100))
    }

    /// The words of all places that are written.
    fn words(&self) -> impl Iterator<Item = [u64; 4]> {
        let written = self.written.load(Ordering::Acquire) as usize;
        let first = self.blocks.as_ref().map(|(first, _)| *first);
        let blocks = std::iter::successors(first, |block| self.places.after(*block));
        let places = blocks.flat_map(|block| (0..BLOCK_PLACES).map(move |place| (block, place)));
        let places = places.take(written);
        places.filter_map(|(block, place)| {
            let place = &self.places.place(block, place)?.0;
            Some(std::array::from_fn(|word| {
                place[word].load(Ordering::Relaxed)
            }))
        })
    }

    /// The number of a source that is written. For the worker alone.
    pub(crate) fn source(&self, from: SocketAddr) -> Option<u8> {
        let mut sources = self.words().filter(|words| words[0] >> 62 == SOURCE);
        let same = sources.find(|words| source(*words) == from);
        same.map(|words| (words[0] >> 56 & 15) as u8)
    }

    /// All that is written, in the order of beginnings.
    pub(crate) fn runs(&self) -> Vec<Run> {
        let mut sources = [None; SOURCES];
        let mut runs = Vec::new();
        for words in self.words() {
            let number = (words[0] >> 56 & 15) as usize;
            match words[0] >> 62 {
                SOURCE => sources[number] = Some(source(words)),
                _ => runs.extend(sources[number].map(|from| read(words, from))),
            }
        }
        runs
    }
}

impl Drop for Heard {
    fn drop(&mut self) {
        if let Some((first, _)) = self.blocks {
            self.places.give_back(first);
        }
    }
}

fn growing(run: &Run) -> u64 {
    let pair = |(first, last): (u32, u32)| u64::from(first) << 32 | u64::from(last);
    match run.what {
        What::Audio { timestamps, .. } => pair(timestamps),
        What::Event {
            timestamp,
            flags,
            durations,
            ..
        } => u64::from(timestamp) << 32 | u64::from(durations.1) << 16 | u64::from(flags),
        What::Report(report) => pair(report.highest),
    }
}

fn counted(run: &Run) -> u64 {
    let missing = match run.what {
        What::Audio { missing, .. } | What::Event { missing, .. } => missing,
        What::Report(_) => 0,
    };
    let span = run.span.min(LONGEST).as_millis() as u64;
    u64::from(run.count.min(MOST)) << 40 | u64::from(missing.min(MOST_MISSING)) << 28 | span
}

fn source(words: [u64; 4]) -> SocketAddr {
    let ip = Ipv6Addr::from_bits(u128::from(words[1]) << 64 | u128::from(words[2]));
    let port = (words[3] >> 32) as u16;
    match (words[0] & 1, ip.to_ipv4_mapped()) {
        (1, Some(ip)) => SocketAddr::new(ip.into(), port),
        _ => std::net::SocketAddrV6::new(ip, port, 0, words[3] as u32).into(),
    }
}

fn read(words: [u64; 4], from: SocketAddr) -> Run {
    let [head, numbers, growing, counted] = words;
    let payload_type = (head >> 49 & 127) as u8;
    let marker = head >> 60 & 1 == 1;
    let first = (head >> 40) as u8;
    let sequence = (numbers >> 16) as u16;
    let missing = (counted >> 28 & u64::from(MOST_MISSING)) as u16;
    let pair = ((growing >> 32) as u32, growing as u32);
    let what = match head >> 62 {
        AUDIO => What::Audio {
            payload_type,
            marker,
            missing,
            sequence,
            timestamps: pair,
            length: numbers as u16,
            first,
        },
        EVENT => What::Event {
            payload_type,
            marker,
            missing,
            sequence,
            timestamp: pair.0,
            event: first,
            flags: growing as u8,
            durations: (numbers as u16, (growing >> 16) as u16),
        },
        _ => {
            let flags = u64::from(payload_type);
            What::Report(Report {
                muxed: flags & MUXED != 0,
                sender: flags & SENDER != 0,
                goodbye: flags & GOODBYE != 0,
                block: flags & BLOCK != 0,
                fraction_lost: first,
                highest: pair,
            })
        }
    };
    Run {
        at: Duration::from_micros((head & ((1 << 40) - 1)) * 100),
        span: Duration::from_millis(counted & ((1 << 28) - 1)),
        from,
        foreign: head >> 61 & 1 == 1,
        count: (counted >> 40) as u32,
        ssrc: (numbers >> 32) as u32,
        what,
    }
}
