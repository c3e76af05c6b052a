//! What a user agent counts.

/// Numbers since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Requests that arrived, repetitions included.
    pub requests_received: u64,
    /// Responses that arrived, repetitions included.
    pub responses_received: u64,
    /// Requests that came again.
    pub repetitions_received: u64,
    /// Messages that we sent again.
    pub repetitions_sent: u64,
    /// Datagrams that were no SIP message; answered with 400 or the like where that was possible.
    pub malformed: u64,
    /// Responses to nothing that we asked.
    pub stray_responses: u64,
    /// ACKs to nothing that we answered.
    pub stray_acks: u64,
    /// Requests that met a limit and got 503.
    pub overload: u64,
    /// Requests that we refused by ourselves, overload apart.
    pub refused: u64,
    /// Requests that went to another server because one failed.
    pub failovers: u64,
    /// Sessions that began.
    pub sessions: u64,
}

/// What exists right now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// Sessions, those included whose BYE or CANCEL has no answer yet.
    pub sessions: usize,
    /// Requests of ours whose transactions live.
    pub client_transactions: usize,
    /// Requests of others whose transactions live.
    pub server_transactions: usize,
    /// Requests of ours that may go, or have gone, to another server.
    pub failovers: usize,
}
