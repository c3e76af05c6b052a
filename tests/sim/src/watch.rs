//! Keeps what both sides saw, and has it checked.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use sems_sip::transaction::TimerValues;

use crate::checker::{Complaint, Seen, Tape, Times, Way, check};

/// Watches a pair of phones. When it is dropped everything that went over the wires is checked, so
/// that no story can forget it.
pub struct Watch {
    start: Instant,
    tape: Tape,
    times: Times,
    checked: bool,
}

impl Watch {
    pub(crate) fn new(start: Instant, values: &TimerValues) -> Self {
        Self {
            start,
            tape: Tape {
                seen: Vec::new(),
                end: Duration::ZERO,
                quiet: false,
            },
            times: Times {
                t1: values.t1,
                t2: values.t2,
                t4: values.t4,
            },
            checked: false,
        }
    }

    pub(crate) fn saw(&mut self, now: Instant, side: SocketAddr, way: Way, payload: &Bytes) {
        let at = now - self.start;
        let payload = payload.clone();
        self.tape.seen.push(Seen {
            at,
            side,
            way,
            payload,
        });
        self.reached(now, false);
    }

    /// Time has passed up to here.
    pub(crate) fn reached(&mut self, now: Instant, quiet: bool) {
        self.tape.end = now - self.start;
        self.tape.quiet = quiet;
        self.checked = false;
    }

    /// What both sides saw.
    pub fn tape(&self) -> &Tape {
        &self.tape
    }

    /// The times that the timers of both sides are made of.
    pub fn times(&self) -> &Times {
        &self.times
    }

    /// Everything up to now that breaks a law.
    pub fn complaints(&self) -> Vec<Complaint> {
        check(&self.tape, &self.times)
    }

    /// Checks everything up to now.
    ///
    /// # Panics
    ///
    /// With what breaks a law, and the wire.
    pub fn check(&mut self) {
        self.checked = true;
        let complaints = self.complaints();
        if complaints.is_empty() {
            return;
        }
        let lines: Vec<_> = complaints.iter().map(ToString::to_string).collect();
        // The wire of the first call that something is wrong with.
        let call = &complaints[0].call;
        let concerned = self.tape.seen.iter().map(line);
        let wire: Vec<_> = concerned.filter(|line| line.contains(call)).collect();
        panic!("{}\n\n{}\n", lines.join("\n"), wire.join("\n"));
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if !self.checked && !std::thread::panicking() {
            self.check();
        }
    }
}

/// A message in a line.
fn line(seen: &Seen) -> String {
    let text = String::from_utf8_lossy(&seen.payload);
    let start = text.lines().next().unwrap_or_default();
    let header = |name: &str| {
        let row = text.lines().find(|line| line.starts_with(name));
        row.unwrap_or_default().to_owned()
    };
    let arrow = if seen.way == Way::Sent { "->" } else { "<-" };
    let branch = header("Via:");
    format!(
        "{:9.3} {} {arrow} {start} | {} | {} | {} | {} | {}",
        seen.at.as_secs_f64(),
        seen.side.ip(),
        header("CSeq:"),
        branch.rsplit("branch=").next().unwrap_or_default(),
        header("To:").rsplit("tag=").next().unwrap_or_default(),
        header("Call-ID:"),
        header("Content-Length: "),
    )
}
