//! What the caller of a jitter buffer sees: what it is made for, what it answers, what it has done.

use std::time::Duration;

use crate::packet::{PayloadType, SequenceNumber, Timestamp};

/// What a buffer is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JitterBufferConfig {
    /// Timestamp units a second: 8,000 for G.711.
    pub clock_rate: u32,
    /// Packets that fit, at least 2. More than `max_depth` of the shortest packets is wasted.
    pub slots: u16,
    /// Longest payload in bytes: 480 for 60 ms of G.711.
    pub longest_payload: u16,
    /// Bytes of payloads held at most; what is older goes when more comes. A quarter more than
    /// `max_depth` and the longest payload have leaves room for packets of all lengths.
    pub bytes: u32,
    /// Audio held at most; what is older goes when more comes.
    pub max_depth: Duration,
}

impl JitterBufferConfig {
    /// For G.711 and packets of 10 to 60 ms.
    pub const G711: JitterBufferConfig = JitterBufferConfig {
        clock_rate: 8000,
        slots: 32,
        longest_payload: 480,
        bytes: 2_600,
        max_depth: Duration::from_millis(200),
    };
}

/// A packet whose time has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// What to decode.
    pub payload: &'a [u8],
    /// How to decode it.
    pub payload_type: PayloadType,
    /// The sender says that a talkspurt begins here.
    pub marker: bool,
    /// Its number.
    pub sequence: SequenceNumber,
    /// Its timestamp.
    pub timestamp: Timestamp,
    /// Its length in timestamp units, as given to [`push`](super::JitterBuffer::push).
    pub duration: u32,
    /// Packets missing between the frame before and this one; their time has been concealed
    /// already.
    pub lost_before: u32,
}

/// What there is to play.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pull<'a> {
    /// Decode this.
    Frame(Frame<'a>),
    /// Packets are missing: conceal `duration` units, then pull again.
    Lost {
        /// At most what was asked for.
        duration: u32,
    },
    /// The sender sent nothing on purpose: play silence for `duration` units, then pull again.
    Paused {
        /// At most what was asked for.
        duration: u32,
    },
    /// The next packet is late or lost: conceal all that was asked for, pull again at the next
    /// tick.
    Wait,
    /// There is no stream: play silence, pull again at the next tick.
    Empty,
}

/// What is missing before a packet that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loss<'a> {
    /// Units that are missing.
    pub units: u32,
    /// Units of the packet.
    pub duration: u32,
    /// Its payload type.
    pub payload_type: PayloadType,
    /// Its payload.
    pub payload: &'a [u8],
}

/// What became of a pushed packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pushed {
    /// It will be played.
    Stored,
    /// Its time is over.
    Late,
    /// It is here already, or was.
    Duplicate,
    /// Its payload is longer than the longest.
    TooLong,
}

/// What to do with a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Playout {
    /// Play it.
    Keep,
    /// Play it shorter, so that the delay shrinks.
    Shorten {
        /// Timestamp units that may be left out, at most those of the frame.
        by: u32,
    },
    /// Play it longer, so that the delay grows.
    Lengthen {
        /// Timestamp units that are wanted more; what can't be put in here is wanted of the next.
        by: u32,
    },
}

/// What a buffer has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct JitterBufferStatistics {
    /// Frames handed out.
    pub played: u64,
    /// Packets that had not come when their successor was played.
    pub lost: u64,
    /// Packets that came after that.
    pub late: u64,
    /// Packets that came twice.
    pub duplicates: u64,
    /// Packets thrown away because the buffer was full or too deep.
    pub overflowed: u64,
    /// Packets longer than the longest.
    pub too_long: u64,
    /// Times that sound was shortened.
    pub shortened: u64,
    /// Timestamp units left out then.
    pub cut: u64,
    /// Times that sound was lengthened.
    pub lengthened: u64,
    /// Timestamp units put in then.
    pub added: u64,
    /// Streams begun: a new source, a jump of numbers, or audio after a long nothing.
    pub streams: u64,
}
