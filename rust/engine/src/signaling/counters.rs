//! What signaling counts, for others to read while it works.

use crate::counter::counters;

counters! {
    /// The counters of signaling, written by its thread only.
    pub struct SignalingCounters {
        /// Calls that exist now.
        calls,
        /// SIP sessions that exist now: calls, and those whose BYE or CANCEL has no answer yet.
        sessions,
        /// Transactions that exist now, both sides.
        transactions,
        /// RTP ports that calls have now.
        rtp_ports,
        /// Calls since the start, both ways.
        calls_total,
        /// TCP and TLS connections that exist now.
        sip_connections,
        /// Connections that met a limit.
        sip_connections_refused,
        /// SIP messages that arrived.
        sip_received,
        /// SIP messages sent.
        sip_sent,
        /// What arrived and was no SIP message.
        sip_malformed,
        /// Requests that came again.
        sip_repeated,
        /// Messages that we sent again.
        sip_retransmitted,
        /// Requests that met a limit and got 503.
        sip_overload,
        /// Of these, INVITEs when there were as many calls as `max_calls`.
        sip_overload_calls,
        /// INVITEs beyond `calls_per_second`.
        sip_overload_rate,
        /// INVITEs beyond `calls_per_source` or `calls_per_second_per_source`.
        sip_overload_source,
        /// Other requests beyond `requests_per_second`.
        sip_overload_requests,
        /// INVITEs while all RTP ports were taken or resting.
        sip_overload_ports,
        /// While Python did not keep up.
        sip_overload_python,
        /// INVITEs while the media workers had no time left.
        sip_overload_media,
        /// Percent of its time that the busiest media worker has left, averaged over a second.
        headroom_percent,
        /// The limit of calls.
        max_calls,
        /// Requests that were refused without asking Python, overload apart.
        sip_refused,
        /// Requests of ours that went to another server because one failed.
        sip_failovers,
        /// Requests that were asked who they come from.
        auth_challenges,
        /// Wrong answers to that.
        auth_failures,
        /// Right answers that came too late or twice.
        auth_stale,
        /// Requests of ours sent again with the answer to a challenge.
        auth_answers,
    }
}
