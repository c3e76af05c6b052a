//! Whether what went over both wires is what the RFCs demand.
//!
//! The checker sees what each side sent and received, and when, and nothing else: it has its own
//! reader of messages and shares no line with the user agent. Each side has a witness of its own,
//! which judges what that side sent by what that side could know.

mod client;
mod dialog;
mod message;
mod offers;
mod reliable;
mod server;
mod witness;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;

use message::Message;
use witness::Witness;

/// Which way a message went, from where it was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// It left this side.
    Sent,
    /// It arrived at this side.
    Received,
}

/// A message as one side saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Since the start.
    pub at: Duration,
    /// The side.
    pub side: SocketAddr,
    /// Whether it sent or received.
    pub way: Way,
    /// What.
    pub payload: Bytes,
}

/// The times that the timers are made of, and how much a clock may be off.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// T1.
    pub t1: Duration,
    /// T2.
    pub t2: Duration,
    /// T4.
    pub t4: Duration,
}

impl Times {
    /// 64·T1, after which everything gives up.
    fn give_up(&self) -> Duration {
        self.t1 * 64
    }
}

/// What may differ where two times should be the same.
const TOLERANCE: Duration = Duration::from_micros(1);

fn same_time(a: Duration, b: Duration) -> bool {
    a.abs_diff(b) <= TOLERANCE
}

/// The laws.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Law {
    /// What is sent can be read.
    Readable,
    /// A request is repeated at the times of Timers A and E, not after a response that ends it,
    /// and not after Timers B and F (RFC 3261 §17.1).
    RequestRepeats,
    /// A response is repeated when the request comes again and at the times of Timer G, not after
    /// the ACK and Timer H (RFC 3261 §17.2, §13.3.1.4; RFC 6026 §7.1).
    ResponseRepeats,
    /// A response answers a request that arrived, never an ACK (RFC 3261 §17.2).
    ResponseToRequest,
    /// A transaction gets one final response, always the same (RFC 3261 §17.2).
    OneFinal,
    /// An INVITE is answered within 200 ms, if only by 100 (RFC 3261 §17.2.1); a request other
    /// than INVITE gets no provisional response but a late 100, and no 408 (RFC 4320 §4).
    Provisional,
    /// A response repeats Via, From, Call-ID and CSeq (RFC 3261 §8.2.6.2).
    Echo,
    /// Every response but 100 has a To tag, which is the same throughout (RFC 3261 §8.2.6.2).
    ToTag,
    /// A branch belongs to one transaction (RFC 3261 §8.1.1.7).
    Branch,
    /// CSeq numbers rise by one in each direction; ACK and CANCEL have the INVITE's
    /// (RFC 3261 §12.2.1.1, §9.1, §13.2.2.4, §17.1.1.3).
    CSeq,
    /// What makes or refreshes a dialog has a Contact (RFC 3261 §8.1.1.8, §12.1.1, RFC 3311 §5.1).
    Contact,
    /// Each final response to INVITE gets its ACK, and nothing else does (RFC 3261 §13.2.2.4,
    /// §17.1.1.3).
    Ack,
    /// CANCEL comes after a provisional response and before a final one, and looks like its
    /// INVITE (RFC 3261 §9.1).
    Cancel,
    /// A request in a dialog is in one that exists; BYE ends a confirmed dialog, or an early one
    /// by its caller (RFC 3261 §15).
    Dialog,
    /// No INVITE while another of the dialog waits for its final response (RFC 3261 §14.1).
    OneInvite,
    /// Offers and answers take turns (RFC 3264 §4, RFC 6337 §2).
    OfferAnswer,
    /// A description that differs from the last has the next version, the same one the same
    /// (RFC 3264 §8).
    Version,
    /// Reliable provisional responses and their PRACKs (RFC 3262).
    Reliable,
    /// A session with a timer is refreshed or ended before it expires (RFC 4028).
    SessionTimer,
    /// When nothing goes on any more, a call is up on both sides or down on both.
    Agreement,
}

/// Something on the wire that the RFCs forbid, or that they demand and that isn't there.
#[derive(Clone, Debug)]
pub struct Complaint {
    /// When, since the start.
    pub at: Duration,
    /// Whose doing it is.
    pub side: SocketAddr,
    /// The Call-ID.
    pub call: String,
    /// Which law it breaks.
    pub law: Law,
    /// How.
    pub what: String,
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (at, side, law) = (self.at.as_secs_f64(), self.side, self.law);
        write!(f, "{at:9.3} s  {side}  {law:?}: {}", self.what)
    }
}

/// What both sides saw, in order, up to `end`. `quiet` says that nothing was under way then and
/// nobody waited for anything.
#[derive(Clone, Debug)]
pub struct Tape {
    /// The messages.
    pub seen: Vec<Seen>,
    /// How long it ran.
    pub end: Duration,
    /// Whether it ran until nothing went on.
    pub quiet: bool,
}

/// Everything on this tape that breaks a law.
pub fn check(tape: &Tape, times: &Times) -> Vec<Complaint> {
    let mut witnesses: BTreeMap<SocketAddr, Witness> = BTreeMap::new();
    let mut complaints = Vec::new();
    for seen in &tape.seen {
        let witness = witnesses
            .entry(seen.side)
            .or_insert_with(|| Witness::new(seen.side, *times));
        match (Message::read(&seen.payload), seen.way) {
            (Some(message), Way::Sent) => witness.sent(seen.at, &message),
            (Some(message), Way::Received) => witness.received(seen.at, &message),
            (None, Way::Sent) => complaints.push(Complaint {
                at: seen.at,
                side: seen.side,
                call: String::new(),
                law: Law::Readable,
                what: String::from_utf8_lossy(&seen.payload).into_owned(),
            }),
            (None, Way::Received) => {}
        }
    }
    for witness in witnesses.values_mut() {
        witness.end(tape.end, tape.quiet);
    }
    if tape.quiet {
        complaints.extend(disagreements(&witnesses, tape.end));
    }
    for witness in witnesses.into_values() {
        complaints.extend(witness.complaints);
    }
    complaints.sort_by_key(|complaint| complaint.at);
    complaints
}

/// The calls that one side holds for up and the other doesn't, unless the BYE never arrived.
fn disagreements(witnesses: &BTreeMap<SocketAddr, Witness>, end: Duration) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    let mut byes_received = BTreeSet::new();
    for witness in witnesses.values() {
        byes_received.extend(witness.byes_received());
    }
    for (side, witness) in witnesses {
        for call in witness.calls_up() {
            let others = witnesses.iter().filter(|(other, _)| *other != side);
            let peers: Vec<_> = others.filter(|(_, w)| w.knows(&call)).collect();
            let both = peers.iter().any(|(_, w)| w.is_up(&call));
            let lost_bye = peers.iter().any(|(_, w)| {
                let sent = w.byes_sent(&call);
                !sent.is_empty() && sent.iter().all(|bye| !byes_received.contains(bye))
            });
            if !peers.is_empty() && !both && !lost_bye {
                complaints.push(Complaint {
                    at: end,
                    side: *side,
                    law: Law::Agreement,
                    what: "the call is up here and down there".to_owned(),
                    call: call.call_id.clone(),
                });
            }
        }
    }
    complaints
}
