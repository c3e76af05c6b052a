//! What a worker counts, for others to read while it works.

use crate::counter::counters;

counters! {
    /// One worker's counters, on cache lines of their own. Written by the worker only.
    #[repr(align(128))]
    pub struct Counters {
        /// Ticks of rooms.
        ticks,
        /// Of these, begun later than [`LATE`](super::schedule::LATE) after their time.
        late_ticks,
        /// Ticks left out because the worker was more than one tick behind.
        skipped_ticks,
        /// The latest that a tick began after its time, in microseconds.
        max_lateness_us,
        /// How late ticks began, summed up, in microseconds.
        lateness_us,
        /// Time spent at work, in nanoseconds.
        busy_ns,
        /// RTP packets that were used.
        rtp_received,
        /// RTP packets sent.
        rtp_sent,
        /// Of these, passed on from another call as they came.
        rtp_passed,
        /// RTP packets from somebody who is not the caller.
        rtp_foreign,
        /// Datagrams on RTP ports that are no RTP, or of no payload type that was agreed.
        rtp_malformed,
        /// RTP packets that did not come.
        rtp_lost,
        /// RTP packets that came too late to be played.
        rtp_late,
        /// Sound made up for packets that did not come in time, in microseconds of it.
        rtp_concealed_us,
        /// How often a stream that should have flowed was found not to, in either direction.
        streams_stopped,
        /// Ticks in which a playback was silent because what is to sound was not there in time.
        dry_plays,
        /// Ticks in which a leg was listened to for keys in its sound.
        dtmf_listened,
        /// Mixes that were made, and coded, for one leg alone.
        own_mixes,
        /// Legs that this worker has now.
        legs,
        /// Rooms that this worker has now, own rooms of single calls included.
        rooms,
    }
}
