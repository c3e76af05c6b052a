//! Wires written by hand, between A (the caller) and B.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use sems_sim::checker::{Law, Seen, Tape, Times, Way, check};

/// How long everything is on its way.
const WAY: u64 = 10;

/// What both sides saw, as a test has it.
#[derive(Clone)]
pub struct Wire {
    tape: Tape,
    pub times: Times,
}

fn side(number: u8) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, number], 5060))
}

impl Wire {
    pub fn new() -> Self {
        Self {
            tape: Tape {
                seen: Vec::new(),
                end: Duration::ZERO,
                quiet: false,
            },
            times: Times {
                t1: Duration::from_millis(500),
                t2: Duration::from_secs(4),
                t4: Duration::from_secs(5),
            },
        }
    }

    fn see(&mut self, at: u64, number: u8, way: Way, text: &str) {
        let at = Duration::from_millis(at);
        let payload = Bytes::copy_from_slice(text.as_bytes());
        let side = side(number);
        self.tape.seen.push(Seen {
            at,
            side,
            way,
            payload,
        });
        self.tape.seen.sort_by_key(|seen| seen.at);
        self.tape.end = self.tape.end.max(at);
    }

    /// A sends this at so many milliseconds, and B receives it.
    pub fn a(&mut self, at: u64, text: &str) {
        self.see(at, 1, Way::Sent, text);
        self.see(at + WAY, 2, Way::Received, text);
    }

    /// A sends it and it gets lost.
    pub fn a_lost(&mut self, at: u64, text: &str) {
        self.see(at, 1, Way::Sent, text);
    }

    /// B sends it, and A receives it.
    pub fn b(&mut self, at: u64, text: &str) {
        self.see(at, 2, Way::Sent, text);
        self.see(at + WAY, 1, Way::Received, text);
    }

    /// B sends it and it gets lost.
    pub fn b_lost(&mut self, at: u64, text: &str) {
        self.see(at, 2, Way::Sent, text);
    }

    /// Nothing more happens up to here.
    pub fn until(&mut self, at: u64) {
        self.tape.end = Duration::from_millis(at);
    }

    /// Nothing goes on any more.
    pub fn quiet(&mut self) {
        self.tape.quiet = true;
    }

    /// The laws that are broken.
    pub fn laws(&self) -> Vec<Law> {
        let mut laws: Vec<_> = check(&self.tape, &self.times)
            .iter()
            .map(|complaint| complaint.law)
            .collect();
        laws.sort();
        laws
    }

    pub fn assert_lawful(&self) {
        self.assert_broken(&[]);
    }

    /// Exactly these are broken, in the order in which they are listed.
    #[track_caller]
    pub fn assert_broken(&self, laws: &[Law]) {
        let complaints: Vec<_> = check(&self.tape, &self.times)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(self.laws(), laws, "\n{}", complaints.join("\n"));
    }
}

/// A request of A's.
pub fn request(
    method: &str,
    branch: &str,
    cseq: u32,
    to_tag: &str,
    extra: &str,
    body: &str,
) -> String {
    let tag = match to_tag {
        "" => String::new(),
        tag => format!(";tag={tag}"),
    };
    format!(
        "{method} sip:b@192.0.2.2 SIP/2.0\r\n\
         Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK-long-{branch}\r\n\
         From: <sip:a@192.0.2.1>;tag=a\r\n\
         To: <sip:b@192.0.2.2>{tag}\r\n\
         Call-ID: one\r\n\
         CSeq: {cseq} {method}\r\n\
         {extra}\r\n{body}"
    )
}

/// A request of B's in the dialog.
pub fn from_b(method: &str, branch: &str, cseq: u32, extra: &str, body: &str) -> String {
    format!(
        "{method} sip:a@192.0.2.1 SIP/2.0\r\n\
         Via: SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bK-long-{branch}\r\n\
         From: <sip:b@192.0.2.2>;tag=b\r\n\
         To: <sip:a@192.0.2.1>;tag=a\r\n\
         Call-ID: one\r\n\
         CSeq: {cseq} {method}\r\n\
         {extra}\r\n{body}"
    )
}

/// The INVITE that opens the call, with an offer.
pub fn invite() -> String {
    let extra = "Contact: <sip:a@192.0.2.1>\r\nContent-Type: application/sdp\r\n";
    request("INVITE", "invite", 1, "", extra, "offer")
}

/// A response to a request, with B's tag where it has none.
pub fn reply(request: &str, status: &str, extra: &str, body: &str) -> String {
    let mut lines = vec![format!("SIP/2.0 {status}")];
    for line in request.split("\r\n") {
        let repeated = ["Via:", "From:", "To:", "Call-ID:", "CSeq:"];
        if !repeated.iter().any(|name| line.starts_with(name)) {
            continue;
        }
        let is_bare = line.starts_with("To:") && !line.contains("tag=");
        let tag = if is_bare && status != "100 Trying" {
            ";tag=b"
        } else {
            ""
        };
        lines.push(format!("{line}{tag}"));
    }
    format!("{}\r\n{extra}\r\n{body}", lines.join("\r\n"))
}

/// The 200 to an INVITE, with an answer.
pub fn answer(invite: &str) -> String {
    let extra = "Contact: <sip:b@192.0.2.2>\r\nContent-Type: application/sdp\r\n";
    reply(invite, "200 OK", extra, "answer")
}
