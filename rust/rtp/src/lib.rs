//! RTP for a voice server: packets, sequence, jitter, control, keys (RFC 3550, 3551, 4733).
//!
//! No socket, no clock, no thread: bytes and the time come in as arguments. Nothing that is called
//! for every packet allocates or locks; what is needed is allocated when the object is made.

pub mod bursts;
pub mod error;
pub mod jitter_buffer;
pub mod latch;
pub mod packet;
pub mod rtcp;
pub mod sequence;
pub mod session;
pub mod telephone_event;

pub use bursts::{Bursts, LossPattern};
pub use error::RtpError;
pub use jitter_buffer::{Frame, JitterBuffer, JitterBufferConfig, Playout, Pull};
pub use latch::{Latch, Verdict};
pub use packet::{
    DatagramKind, HEADER_LEN, PayloadType, RtpHeader, RtpPacket, SequenceNumber, Ssrc, Timestamp,
    classify, write_header,
};
pub use rtcp::NtpTime;
pub use session::{Reception, RtpSession, SessionConfig};
pub use telephone_event::{Digit, DigitEdge, EventReceiver, EventSender};
