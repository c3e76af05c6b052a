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
    /// Requests that were asked who they come from.
    pub challenges: u64,
    /// Answers to our challenges that were wrong: a password, a user, or something else.
    pub auth_failures: u64,
    /// Answers to our challenges that were right but too late, or given before.
    pub auth_stale: u64,
    /// Requests that we sent again with the answer to a challenge.
    pub challenges_answered: u64,
    /// Responses whose sender claimed to know our password, and didn't (RFC 7615 `rspauth`).
    pub false_proofs: u64,
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
    /// Subscriptions, ours and those of others.
    pub subscriptions: usize,
    /// Requests of ours that may go, or have gone, to another server.
    pub failovers: usize,
    /// Addresses of ours that we register.
    pub registrations: usize,
}
