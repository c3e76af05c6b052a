//! Calls a second: each is set up through a Python coroutine and hung up at once, so that what is
//! measured is signaling. The callers are templates, so that no fault of our own stack hides.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    net::{SocketAddr, UdpSocket},
    path::Path,
    time::{Duration, Instant},
};

use crate::{
    clock,
    server::{Process, pin_callers},
};

/// A request is sent again after so long without a response (T1, RFC 3261 §17.1), and then after twice as
/// long each time (Timers A and E). An INVITE that a provisional response came to is not.
const RESEND: Duration = Duration::from_millis(500);
/// A BYE waits for no longer than this (T2).
const SELDOM: Duration = Duration::from_secs(4);
/// A call that takes longer than this has failed.
const PATIENCE: Duration = Duration::from_secs(10);
/// Calls for which nothing is measured: files are read, caches fill.
const WARM_UP_SECONDS: u64 = 2;
/// Calls a second that any server can serve, before a flood and after it.
const FEW: u64 = 100;
/// For so long they are looked at after it, in slices of half a second each.
const AFTERWARDS: u64 = 10;
/// All is as it was when each of a slice is served, within this time.
const AS_BEFORE: Duration = Duration::from_millis(100);

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
    /// What 503 took to come, in microseconds, sorted.
    pub refused_after: Vec<u32>,
    /// Calls a second that were hung up while they were begun.
    pub served: f64,
    /// After how many seconds it was as before, if it was a flood.
    pub recovered: Option<f64>,
    /// CPU of the server for one call, in microseconds.
    pub cpu_per_call: f64,
    /// The part of one core that the server took.
    pub load: f64,
    /// INVITE to 200 in microseconds, sorted.
    pub set_up: Vec<u32>,
}

impl Calls {
    /// The scenario.
    pub fn name(&self) -> String {
        let kind = match self.recovered {
            Some(_) => "flood",
            None => "calls",
        };
        format!("{kind}:{}", self.rate)
    }

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
    /// When it is to do something if nothing comes, and how long it then waits.
    due: Instant,
    wait: Duration,
    /// A provisional response has come.
    proceeds: bool,
    to_tag: String,
    /// Only calls after the warm-up count.
    counts: bool,
    /// INVITE to 200.
    set_up: Option<Duration>,
}

/// Callers of a service that answers at once.
pub struct Run {
    socket: UdpSocket,
    local: SocketAddr,
    server: SocketAddr,
    callers: Vec<Caller>,
    /// When those that wait for a response are to be looked at, the first first; what `due` does not say any
    /// more is over.
    waiting: BinaryHeap<Reverse<(Instant, usize)>>,
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
    run.measure(&server, seconds);
    run.settle();
    Ok(run.found.sorted())
}

/// The same with a server that knows few calls and is then given more than it can serve; and how soon it
/// serves a few as before when that is over.
pub fn flood(rate: u64, sems: &Path, seconds: u64) -> Result<Calls, String> {
    pin_callers();
    eprintln!("flood:{rate} …");
    let server = Process::sems(sems, 0, "")?;
    let few = FEW * (WARM_UP_SECONDS + AFTERWARDS);
    let mut run = Run::new(server.sip(), rate, seconds + few / rate + 1)?;
    run.calls(FEW * WARM_UP_SECONDS, FEW, false);
    run.measure(&server, seconds);
    let is_over = Instant::now();
    let mut recovered = None;
    for _ in 0..2 * AFTERWARDS {
        let (begun, first) = (is_over.elapsed(), run.callers.len());
        run.calls(FEW / 2, FEW, false);
        let slice = &run.callers[first..];
        // The last ones may not have been answered yet.
        let as_before = slice
            .iter()
            .filter(|caller| caller.begun.elapsed() > AS_BEFORE)
            .all(|caller| caller.set_up.is_some_and(|took| took <= AS_BEFORE));
        match as_before {
            true => _ = recovered.get_or_insert(begun.as_secs_f64()),
            false => recovered = None,
        }
    }
    run.settle();
    run.found.recovered = Some(recovered.unwrap_or(f64::INFINITY));
    Ok(run.found.sorted())
}

impl Calls {
    fn sorted(mut self) -> Self {
        self.set_up.sort_unstable();
        self.refused_after.sort_unstable();
        self
    }
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
            waiting: BinaryHeap::new(),
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
            due: now + RESEND,
            wait: RESEND,
            proceeds: false,
            to_tag: String::new(),
            counts,
            set_up: None,
        });
        let index = self.callers.len() - 1;
        self.invite(index);
        self.waiting.push(Reverse((now + RESEND, index)));
    }

    /// Calls for so many seconds, of which everything is measured.
    fn measure(&mut self, server: &Process, seconds: u64) {
        let rate = self.found.rate;
        let (cpu, start) = (server.cpu(), Instant::now());
        self.calls(rate * seconds, rate, true);
        let elapsed = start.elapsed().as_secs_f64();
        let cpu = (server.cpu() - cpu) as f64 / 1000.0;
        let found = &mut self.found;
        found.served = found.complete as f64 / elapsed;
        found.cpu_per_call = cpu / found.complete.max(1) as f64;
        found.load = cpu / 1e6 / elapsed;
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
        while self.is_waiting() && start.elapsed() < PATIENCE {
            self.poll();
            clock::sleep_until(clock::now() + 1_000_000);
        }
        let left = self.callers.iter().filter(|one| one.step != Step::Over);
        self.found.failed += left.count() as u64;
    }

    /// Whether somebody waits for a response.
    fn is_waiting(&self) -> bool {
        let mut callers = self.callers.iter();
        callers.any(|caller| caller.step != Step::Over)
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
        let now = Instant::now();
        while let Some(&Reverse((due, index))) = self.waiting.peek()
            && due <= now
        {
            self.waiting.pop();
            let caller = &mut self.callers[index];
            if caller.step == Step::Over || caller.due != due {
                continue;
            }
            let patience = caller.begun + PATIENCE;
            if patience <= now {
                let was_inviting = caller.step == Step::Inviting;
                caller.step = Step::Over;
                self.found.failed += 1;
                if was_inviting && caller.proceeds {
                    self.send(index, "CANCEL", 1, "invite", "");
                }
                continue;
            }
            caller.wait *= 2;
            let repeats = !caller.proceeds || caller.step == Step::HangingUp;
            match caller.step {
                _ if !repeats => {}
                Step::Inviting => self.invite(index),
                _ => {
                    caller.wait = caller.wait.min(SELDOM);
                    self.bye(index);
                }
            }
            self.found.repeated += u64::from(repeats);
            let caller = &mut self.callers[index];
            caller.due = (now + caller.wait).min(patience);
            self.waiting.push(Reverse((caller.due, index)));
        }
    }

    fn received(&mut self, text: &str) {
        let index = field(text, "\r\nCall-ID: calls-").and_then(|id| id.parse::<usize>().ok());
        let Some(index) = index.filter(|index| *index < self.callers.len()) else {
            return;
        };
        let is_invite = text.contains("CSeq: 1 INVITE");
        let caller = &mut self.callers[index];
        let now = Instant::now();
        let took = now - caller.begun;
        match text.get(8..11) {
            Some("200") if is_invite && caller.step == Step::Inviting => {
                caller.step = Step::HangingUp;
                caller.set_up = Some(took);
                if caller.counts {
                    self.found.set_up.push(took.as_micros() as u32);
                }
                caller.to_tag = tag(text).to_owned();
                (caller.due, caller.wait) = (now + RESEND, RESEND);
                self.waiting.push(Reverse((caller.due, index)));
                self.send(index, "ACK", 1, "ack", "");
                self.bye(index);
            }
            // It came twice.
            Some("200") if is_invite && caller.set_up.is_some() => {
                self.send(index, "ACK", 1, "ack", "");
            }
            Some("200") if !is_invite && caller.step == Step::HangingUp => {
                caller.step = Step::Over;
                self.found.complete += u64::from(caller.counts);
            }
            Some(code) if is_invite && code >= "300" => {
                // Who was given up has been counted.
                if std::mem::replace(&mut caller.step, Step::Over) == Step::Inviting {
                    match code == "503" && text.contains("\r\nRetry-After: ") {
                        true if caller.counts => {
                            self.found.refused += 1;
                            self.found.refused_after.push(took.as_micros() as u32);
                        }
                        true => {}
                        false => self.found.failed += 1,
                    }
                }
                caller.to_tag = tag(text).to_owned();
                self.send(index, "ACK", 1, "invite", "");
            }
            Some(_) if is_invite => caller.proceeds = true,
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
