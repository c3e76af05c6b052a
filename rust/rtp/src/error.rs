//! What can be wrong with bytes from the wire or with a buffer given to us.

/// Why a packet was not understood or not written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RtpError {
    /// The packet ends before its own header says it does.
    #[error("packet ends early")]
    Truncated,
    /// The version field is not 2 (RFC 3550 §5.1, §6.1).
    #[error("version is not 2")]
    Version,
    /// The padding count is zero, or longer than what it pads (RFC 3550 §5.1).
    #[error("padding count is wrong")]
    Padding,
    /// The packet type is not RTCP's, or a compound packet does not start with a report (RFC 3550
    /// §6.1).
    #[error("not a compound RTCP packet")]
    NotCompound,
    /// A telephone-event payload is not made of four-byte blocks (RFC 4733 §2.3).
    #[error("telephone-event payload has a wrong length")]
    EventLength,
    /// The buffer to write to is too small.
    #[error("buffer is too small")]
    BufferTooSmall,
    /// More is queued already than was provided for.
    #[error("queue is full")]
    QueueFull,
}
