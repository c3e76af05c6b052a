//! Whose packets are the caller's: the symmetric latch.
//!
//! A phone behind NAT sends from an address that its SDP does not know, so media goes back to where
//! it comes from. Done carelessly this hands a call to whoever sends to its port (RTP bleed). Here
//! the first valid run of packets latches, from the signalled address at any port, or from anywhere
//! when signalling showed NAT; afterwards another source is followed only when a new offer has
//! moved the media or the latched source has been silent.

use core::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use crate::packet::{SequenceNumber, Ssrc};
use crate::sequence::MAX_MISORDER;

/// How long the latched source must have sent nothing before another may take its place. Longer
/// than any gap that a network with a living call shows, shorter than what a caller takes for a
/// dead line.
pub const SILENCE: Duration = Duration::from_millis(1500);

/// Packets of one source with rising sequence that make a run.
const RUN: u8 = 2;
/// Sources that may be on trial at once; a stray source must not keep the caller's own from proving
/// itself.
const CANDIDATES: usize = 4;

/// What to do with a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// From the latched source: use it.
    Accept,
    /// It completed a run, its source is latched now: use it, and send to [`Latch::destination`]
    /// from now on.
    Latched,
    /// May become the caller's source: don't use it.
    Trial,
    /// Not the caller's: don't use it.
    Foreign,
}

#[derive(Debug, Clone, Copy)]
struct Candidate {
    from: SocketAddr,
    ssrc: Ssrc,
    last: SequenceNumber,
    run: u8,
    seen: Instant,
}

/// The latch of one media port.
#[derive(Debug, Clone)]
pub struct Latch {
    signalled: SocketAddr,
    behind_nat: bool,
    latched: Option<(SocketAddr, Instant)>,
    candidates: [Option<Candidate>; CANDIDATES],
}

impl Latch {
    /// An open latch. `signalled` is the address in the peer's SDP; `behind_nat` says that
    /// signalling has shown it not to be the address that packets will come from.
    pub fn new(signalled: SocketAddr, behind_nat: bool) -> Latch {
        Latch {
            signalled,
            behind_nat,
            latched: None,
            candidates: [None; CANDIDATES],
        }
    }

    /// The peer made a new offer or answer. An unchanged address leaves the latch as it is, so that
    /// a session refresh opens no door; a changed one opens it again, and packets go to the new
    /// address at once.
    pub fn reoffer(&mut self, signalled: SocketAddr, behind_nat: bool) {
        if signalled != self.signalled {
            *self = Latch::new(signalled, behind_nat);
        } else {
            self.behind_nat = behind_nat;
        }
    }

    /// Where to send: the latched source, or the signalled address before there is one.
    pub fn destination(&self) -> SocketAddr {
        self.latched.map_or(self.signalled, |(from, _)| from)
    }

    /// Whether a source is latched.
    pub fn is_latched(&self) -> bool {
        self.latched.is_some()
    }

    /// Whether a control packet (RTCP) from `from` is the caller's: it comes from the host that
    /// media goes to.
    pub fn is_peer(&self, from: IpAddr) -> bool {
        self.destination().ip().to_canonical() == from.to_canonical()
    }

    /// Judges an RTP packet that came at `now`.
    pub fn accept(
        &mut self,
        now: Instant,
        from: SocketAddr,
        ssrc: Ssrc,
        sequence: SequenceNumber,
    ) -> Verdict {
        if let Some((latched, heard)) = &mut self.latched {
            if *latched == from {
                *heard = now;
                return Verdict::Accept;
            }
            if now.saturating_duration_since(*heard) < SILENCE {
                return Verdict::Foreign;
            }
        }
        let eligible =
            self.behind_nat || from.ip().to_canonical() == self.signalled.ip().to_canonical();
        if !eligible {
            return Verdict::Foreign;
        }
        if self.completes_run(now, from, ssrc, sequence) {
            self.latched = Some((from, now));
            self.candidates = [None; CANDIDATES];
            Verdict::Latched
        } else {
            Verdict::Trial
        }
    }

    fn completes_run(
        &mut self,
        now: Instant,
        from: SocketAddr,
        ssrc: Ssrc,
        sequence: SequenceNumber,
    ) -> bool {
        let known = self
            .candidates
            .iter_mut()
            .flatten()
            .find(|c| c.from == from && c.ssrc == ssrc);
        if let Some(candidate) = known {
            let step = sequence.since(candidate.last);
            let rising = step > 0 && step <= MAX_MISORDER as i16;
            candidate.run = if rising { candidate.run + 1 } else { 1 };
            candidate.last = sequence;
            candidate.seen = now;
            return candidate.run >= RUN;
        }
        let candidate = Candidate {
            from,
            ssrc,
            last: sequence,
            run: 1,
            seen: now,
        };
        // A free place, or that of the source heard longest ago.
        if let Some(place) = self
            .candidates
            .iter_mut()
            .min_by_key(|place| place.map(|c| c.seen))
        {
            *place = Some(candidate);
        }
        false
    }
}
