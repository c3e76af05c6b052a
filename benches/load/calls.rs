//! Calls a second: each is set up through a Python coroutine and hung up at once, so that what is
//! measured is signaling. The callers are templates, so that no fault of our own stack hides.

use std::{
    collections::VecDeque,
    net::{SocketAddr, UdpSocket},
    path::Path,
    time::{Duration, Instant},
};

use crate::{
    clock,
    server::{Process, pin_callers},
};

/// A request is sent again after so long without a response (Timers A and E, RFC 3261 §17.1).
const RESEND: Duration = Duration::from_millis(500);
/// A call that takes longer than this has failed.
const PATIENCE: Duration = Duration::from_secs(10);
/// Calls for which nothing is measured: files are read, caches fill.
const WARM_UP_SECONDS: u64 = 2;

/// What a run of calls came to.
#[derive(Default)]
pub struct Calls {
    /// Calls begun each second.
    pub rate: u64,
    /// Calls that were answered and hung up.
    pub complete: u64,
    /// Calls that were not.
    pub failed: u64,
    /// Calls that were refused with 503 and told when to come again.
    pub refused: u64,
    /// Requests that had to be sent again.
    pub repeated: u64,
    /// CPU of the server for one call, in microseconds.
    pub cpu_per_call: f64,
    /// The part of one core that the server took.
    pub load: f64,
    /// INVITE to 200 in microseconds, sorted.
    pub set_up: Vec<u32>,
}

impl Calls {
    /// As many calls as were begun, none repeated or lost.
    pub fn is_clean(&self) -> bool {
        self.failed == 0 && self.repeated == 0 && self.refused == 0
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Inviting,
    HangingUp,
    Over,
}

struct Caller {
    step: Step,
    begun: Instant,
    sent: Instant,
    to_tag: String,
    /// Only calls after the warm-up count.
    counts: bool,
}

/// Callers of a service that answers at once.
pub struct Run {
    socket: UdpSocket,
    local: SocketAddr,
    server: SocketAddr,
    callers: Vec<Caller>,
    /// Those that wait for a response, the oldest first.
    waiting: VecDeque<usize>,
    /// What they came to so far.
    pub found: Calls,
}

/// `rate` calls a second for so many seconds.
pub fn run(rate: u64, sems: &Path, seconds: u64) -> Result<Calls, String> {
    pin_callers();
    eprintln!("calls:{rate} …");
    let server = Process::sems(sems, 0, "")?;
    let mut run = Run::new(server.sip(), rate, seconds + WARM_UP_SECONDS)?;
    run.calls(rate * WARM_UP_SECONDS, rate, false);
    let (before, start) = (server.cpu(), Instant::now());
    run.calls(rate * seconds, rate, true);
    let elapsed = start.elapsed().as_secs_f64();
    run.settle();
    let cpu = (server.cpu() - before) as f64 / 1000.0;
    let mut found = run.found;
    found.cpu_per_call = cpu / found.complete.max(1) as f64;
    found.load = cpu / 1e6 / elapsed;
    found.set_up.sort_unstable();
    Ok(found)
}

impl Run {
    /// Nobody has called yet; `rate` are to call each second for so many seconds.
    pub fn new(server: SocketAddr, rate: u64, seconds: u64) -> Result<Self, String> {
        let socket = UdpSocket::bind("127.0.0.1:0").map_err(|e| e.to_string())?;
        socket.set_nonblocking(true).map_err(|e| e.to_string())?;
        let local = socket.local_addr().map_err(|e| e.to_string())?;
        Ok(Self {
            socket,
            local,
            server,
            callers: Vec::with_capacity((rate * seconds) as usize),
            waiting: VecDeque::new(),
            found: Calls {
                rate,
                ..Calls::default()
            },
        })
    }

    /// One more calls.
    pub fn begin(&mut self, counts: bool) {
        let now = Instant::now();
        self.callers.push(Caller {
            step: Step::Inviting,
            begun: now,
            sent: now,
            to_tag: String::new(),
            counts,
        });
        let index = self.callers.len() - 1;
        self.invite(index);
        self.waiting.push_back(index);
    }

    /// Begins so many calls at an even rate, and serves all that are there.
    fn calls(&mut self, count: u64, rate: u64, counts: bool) {
        let start = clock::now();
        for number in 0..count {
            let due = start + (number * 1_000_000_000 / rate) as i64;
            while clock::now() < due {
                self.poll();
                clock::sleep_until(due.min(clock::now() + 500_000));
            }
            self.begin(counts);
            self.poll();
        }
    }

    /// Waits for the last calls to end.
    pub fn settle(&mut self) {
        let start = Instant::now();
        while !self.waiting.is_empty() && start.elapsed() < PATIENCE {
            self.poll();
            clock::sleep_until(clock::now() + 1_000_000);
        }
        self.found.failed += self.waiting.len() as u64;
    }

    /// Reads and answers what has come.
    pub fn poll(&mut self) {
        let mut buffer = [0u8; 4096];
        while let Ok(size) = self.socket.recv(&mut buffer) {
            let text = String::from_utf8_lossy(&buffer[..size]).into_owned();
            self.received(&text);
        }
        self.repeat();
    }

    /// Sends again what has waited for too long.
    fn repeat(&mut self) {
        while let Some(&index) = self.waiting.front() {
            let caller = &mut self.callers[index];
            if caller.step == Step::Over {
                self.waiting.pop_front();
                continue;
            }
            if caller.sent.elapsed() < RESEND {
                return;
            }
            self.waiting.pop_front();
            if caller.begun.elapsed() > PATIENCE {
                caller.step = Step::Over;
                self.found.failed += 1;
                continue;
            }
            caller.sent = Instant::now();
            self.found.repeated += 1;
            match caller.step {
                Step::Inviting => self.invite(index),
                _ => self.bye(index),
            }
            self.waiting.push_back(index);
        }
    }

    fn received(&mut self, text: &str) {
        let index = field(text, "\r\nCall-ID: calls-").and_then(|id| id.parse::<usize>().ok());
        let Some(index) = index.filter(|index| *index < self.callers.len()) else {
            return;
        };
        let is_invite = text.contains("CSeq: 1 INVITE");
        let caller = &mut self.callers[index];
        match text.get(8..11) {
            Some("200") if is_invite && caller.step == Step::Inviting => {
                caller.step = Step::HangingUp;
                if caller.counts {
                    let took = caller.begun.elapsed().as_micros() as u32;
                    self.found.set_up.push(took);
                }
                caller.to_tag = tag(text).to_owned();
                caller.sent = Instant::now();
                self.send(index, "ACK", 1, "ack", "");
                self.bye(index);
                self.waiting.push_back(index);
            }
            Some("200") if !is_invite && caller.step == Step::HangingUp => {
                caller.step = Step::Over;
                self.found.complete += u64::from(caller.counts);
            }
            Some(code) if is_invite && code >= "300" => {
                caller.step = Step::Over;
                caller.to_tag = tag(text).to_owned();
                match code == "503" && text.contains("\r\nRetry-After: ") {
                    true => self.found.refused += 1,
                    false => self.found.failed += 1,
                }
                self.send(index, "ACK", 1, "invite", "");
            }
            _ => {}
        }
    }

    fn invite(&self, index: usize) {
        // Ports that nobody listens at: what the server says there is not heard.
        let body = format!(
            "v=0\r\no=load {index} 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
             m=audio 9 RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\n\
             a=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n"
        );
        self.send(index, "INVITE", 1, "invite", &body);
    }

    fn bye(&self, index: usize) {
        self.send(index, "BYE", 2, "bye", "");
    }

    fn send(&self, index: usize, method: &str, sequence: u32, branch: &str, body: &str) {
        let (local, server) = (self.local, self.server);
        let caller = &self.callers[index];
        let tag = match caller.to_tag.as_str() {
            "" => String::new(),
            tag => format!(";tag={tag}"),
        };
        let kind = match body {
            "" => "",
            _ => "Content-Type: application/sdp\r\n",
        };
        let message = format!(
            "{method} sip:answerer@{server} SIP/2.0\r\n\
             Via: SIP/2.0/UDP {local};rport;branch=z9hG4bK-{branch}-{index}\r\n\
             Max-Forwards: 70\r\nFrom: \"Caller\" <sip:load@{local}>;tag=load{index}\r\n\
             To: <sip:answerer@{server}>{tag}\r\nCall-ID: calls-{index}\r\n\
             CSeq: {sequence} {method}\r\nContact: <sip:load@{local}>\r\n{kind}\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        // What is lost is sent again.
        let _ = self.socket.send_to(message.as_bytes(), server);
    }
}

fn field<'a>(text: &'a str, start: &str) -> Option<&'a str> {
    let at = text.find(start)? + start.len();
    text[at..].split("\r\n").next()
}

fn tag(text: &str) -> &str {
    let to = field(text, "\r\nTo: ").unwrap_or_default();
    to.split(";tag=").nth(1).unwrap_or_default()
}
