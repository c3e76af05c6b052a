//! Reasons, one after the other, in virtual time.

use std::net::SocketAddr;

use sems_sip::transaction::Transport;

use super::*;

struct Door {
    gate: Gate,
    now: Instant,
    /// What has been told.
    told: Vec<Notice>,
}

const STRANGER: &str = "198.51.100.7";
const OTHER: &str = "198.51.100.8";
const TRUSTED: &str = "127.0.0.1";

impl Door {
    fn new(change: impl FnOnce(&mut EngineConfig)) -> Self {
        let mut config = EngineConfig::default();
        change(&mut config);
        let now = Instant::now();
        Self {
            gate: Gate::new(Arc::new(config), now),
            now,
            told: Vec::new(),
        }
    }

    /// A request comes; `Ok`: it is admitted, and an INVITE becomes a call.
    fn knock(&mut self, from: &str, method: Method) -> Result<Option<Source>, u32> {
        let flow = Flow {
            transport: Transport::Udp,
            local: SocketAddr::from(([192, 0, 2, 1], 5060)),
            remote: SocketAddr::new(from.parse().unwrap(), 5060),
        };
        self.gate.admit(self.now, flow, &method)?;
        let mut overload = self.gate.lock();
        let mut source = None;
        if method == Method::Invite {
            source = overload.called(self.now, flow.remote.ip());
            overload.call_began();
        }
        Ok(source)
    }

    fn invite(&mut self, from: &str) -> Result<Option<Source>, u32> {
        self.knock(from, Method::Invite)
    }

    /// Of so many INVITEs, how many are admitted.
    fn admitted(&mut self, from: &str, invites: usize) -> usize {
        (0..invites).filter(|_| self.invite(from).is_ok()).count()
    }

    fn pass(&mut self, ms: u64) {
        self.now += Duration::from_millis(ms);
        while let Some(notice) = self.gate.lock().notice(self.now) {
            self.told.push(notice);
        }
    }

    fn refused(&self) -> Vec<(Reason, u64)> {
        let overload = self.gate.lock();
        let counts = Reason::ALL.map(|reason| (reason, overload.refused(reason)));
        counts.into_iter().filter(|(_, count)| *count > 0).collect()
    }
}

#[test]
fn calls_beyond_the_limit_are_refused_until_one_ends() {
    let mut door = Door::new(|config| config.max_calls = 2);
    assert_eq!(door.admitted(STRANGER, 5), 2);
    door.gate.lock().call_ended(None);
    assert_eq!(door.admitted(STRANGER, 5), 1);
    assert_eq!(door.refused(), [(Reason::Calls, 7)]);
}

#[test]
fn who_is_refused_is_told_when_to_come_again_and_not_all_at_once() {
    let mut door = Door::new(|config| config.max_calls = 1);
    door.invite(STRANGER).unwrap();
    let after: Vec<u32> = (0..8).map(|_| door.invite(STRANGER).unwrap_err()).collect();
    assert!(after.iter().all(|seconds| (5..9).contains(seconds)));
    assert!(after.windows(2).all(|pair| pair[0] != pair[1]));
}

#[test]
fn calls_a_second_are_limited_for_all_together() {
    let mut door = Door::new(|config| config.calls_per_second = 10);
    assert_eq!(door.admitted(STRANGER, 15) + door.admitted(TRUSTED, 15), 10);
    door.pass(500);
    assert_eq!(door.admitted(OTHER, 100), 5);
    assert_eq!(door.refused(), [(Reason::Rate, 115)]);
}

#[test]
fn a_source_has_limits_of_its_own_unless_it_is_trusted() {
    let mut door = Door::new(|config| {
        config.calls_per_source = 3;
        config.calls_per_second_per_source = 2;
    });
    assert_eq!(door.admitted(STRANGER, 10), 2);
    assert_eq!(door.admitted(OTHER, 10), 2);
    assert_eq!(door.admitted(TRUSTED, 10), 10);
    door.pass(1000);
    assert_eq!(door.admitted(STRANGER, 10), 1);
    let source = Some(Source::of(STRANGER.parse().unwrap()));
    door.gate.lock().call_ended(source);
    door.pass(1000);
    assert_eq!(door.admitted(STRANGER, 10), 1);
    assert_eq!(door.refused(), [(Reason::Source, 8 + 8 + 9 + 9)]);
    let words: Vec<_> = door
        .told
        .iter()
        .map(|notice| notice.reason.as_str())
        .collect();
    assert_eq!(
        words,
        ["198.51.100.8 calls more often than limits.calls_per_second_per_source allows (2)"]
    );
}

#[test]
fn an_invite_that_is_refused_uses_up_nothing() {
    let mut door = Door::new(|config| {
        config.max_calls = 1;
        config.calls_per_second = 2;
    });
    door.invite(STRANGER).unwrap();
    assert_eq!(door.admitted(STRANGER, 50), 0);
    door.gate.lock().call_ended(None);
    door.invite(STRANGER).unwrap();
}

#[test]
fn other_requests_are_limited_apart_from_calls() {
    let mut door = Door::new(|config| config.requests_per_second = 5);
    for method in [Method::Message, Method::Subscribe, Method::Register] {
        for _ in 0..10 {
            let _ = door.knock(STRANGER, method.clone());
        }
    }
    assert_eq!(door.refused(), [(Reason::Requests, 25)]);
    assert!(door.invite(STRANGER).is_ok());
}

#[test]
fn while_python_lies_still_nothing_new_is_put_on_it() {
    let mut door = Door::new(|_| ());
    let look = |door: &mut Door, told, waiting| {
        let now = door.now;
        door.gate.lock().look_at_python(now, told, waiting, 16_384);
    };
    look(&mut door, 1, 1);
    door.pass(900);
    look(&mut door, 1, 1);
    assert!(door.invite(STRANGER).is_ok());
    door.pass(200);
    look(&mut door, 2, 2);
    assert!(door.invite(STRANGER).is_err());
    assert!(door.knock(STRANGER, Method::Message).is_err());
    assert!(door.knock(STRANGER, Method::Register).is_ok());
    door.pass(1);
    look(&mut door, 2, 0);
    door.pass(1100);
    look(&mut door, 2, 0);
    assert!(door.invite(STRANGER).is_ok());
    assert_eq!(door.told.len(), 1);
    door.pass(5000);
    let notice = |on, reason: &str| Notice {
        on,
        reason: reason.to_owned(),
    };
    assert_eq!(
        door.told,
        [
            notice(
                true,
                "Python does not keep up: what it is told waits for 1.1 s"
            ),
            notice(false, "Python keeps up again; 2 were refused"),
        ]
    );
}

/// Callers, `rate` a second for so many seconds, and a Python that has work for 2 ms with each, all of those
/// at once that it finds when it has done with the last ones. How many came in, and what each of them waited
/// until its turn came, in milliseconds.
fn crowd(door: &mut Door, rate: u64, seconds: u64) -> Vec<u64> {
    let (mut told, mut taken, mut busy_until) = (0, 0, 0);
    let mut came = std::collections::VecDeque::new();
    let mut waited = Vec::new();
    for ms in 0.. {
        let now = door.now;
        if ms >= busy_until {
            let batch = came.drain(..).enumerate();
            waited.extend(batch.map(|(before, at)| ms - at + 2 * before as u64));
            busy_until = ms + 2 * (told - taken);
            taken = told;
        }
        let look = |told| {
            let waiting = (told - taken) as usize;
            door.gate.lock().look_at_python(now, told, waiting, 16_384);
        };
        look(told);
        if ms >= seconds * 1000 {
            if came.is_empty() {
                return waited;
            }
            door.pass(1);
            continue;
        }
        let calls = (ms + 1) * rate / 1000 - ms * rate / 1000;
        for _ in 0..calls {
            if door.invite(STRANGER).is_ok() {
                came.push_back(ms);
                told += 1;
            }
        }
        door.pass(1);
    }
    unreachable!("the loop ends with the calls")
}

#[test]
fn of_many_more_calls_than_python_can_serve_it_serves_as_many_as_it_can() {
    // Of 500 a second it does all, and nobody is refused.
    let mut door = Door::new(|_| ());
    assert_eq!(crowd(&mut door, 480, 20).len(), 480 * 20);
    assert_eq!(door.refused(), []);
    for times in [150, 200, 400] {
        let mut door = Door::new(|config| config.max_calls = 100_000);
        let waited = crowd(&mut door, 500 * times / 100, 20);
        let served = waited.len();
        assert!((9_500..=11_500).contains(&served), "{times} %: {served}");
        // What came before it was known takes longer; then it is two turns.
        let settled = &waited[served / 2..];
        let longest = settled.iter().max().unwrap();
        assert!(*longest <= 2 * times + 50, "{times} %: {longest} ms");
        // Within two seconds all are served as before.
        door.pass(1000);
        assert_eq!(crowd(&mut door, 100, 1).len(), 100);
        let refused = door.refused();
        assert!(crowd(&mut door, 480, 3).len() == 1440 && door.refused() == refused);
        let told: Vec<_> = door.told.iter().map(|notice| notice.on).collect();
        assert_eq!(told, [true, false], "{times} %: {:?}", door.told);
    }
}

#[test]
fn a_burst_that_python_can_make_up_for_within_a_second_is_served() {
    let mut door = Door::new(|_| ());
    for _ in 0..10 {
        // Almost twice as many as it can serve, for a second.
        assert_eq!(crowd(&mut door, 900, 1).len(), 900);
        door.pass(100);
    }
    assert_eq!(door.refused(), []);
}

#[test]
fn as_many_are_admitted_as_there_are_ports_those_included_who_wait_for_theirs() {
    let mut door = Door::new(|_| ());
    door.gate.lock().look_at_ports(2, 10);
    let first = door.gate.lock().claim();
    assert!(door.invite(STRANGER).is_ok());
    let second = door.gate.lock().claim();
    assert_eq!(door.invite(STRANGER).unwrap_err() / 10, 0);
    drop(first);
    assert!(door.invite(STRANGER).is_ok());
    // It has got its port.
    door.gate.lock().look_at_ports(1, 10);
    drop(second);
    assert!(door.invite(STRANGER).is_ok());
    door.pass(1);
    assert_eq!(
        door.told[0].reason,
        "all 10 pairs of RTP ports (rtp_ports) are in use or rest after a call"
    );
    assert_eq!(door.refused(), [(Reason::Ports, 1)]);
}

#[test]
fn an_overload_is_told_once_when_it_begins_and_once_when_it_ends() {
    let mut door = Door::new(|config| config.calls_per_second = 1);
    // Two calls a second for a minute: every other is one too many.
    for _ in 0..60 {
        door.admitted(STRANGER, 2);
        door.pass(1000);
    }
    assert_eq!(door.told.len(), 1);
    assert!(door.told[0].on);
    let looks_again = door.gate.lock().next_deadline(door.now).unwrap();
    assert!(looks_again <= door.now + LOOK);
    door.pass(4999);
    door.pass(1);
    let end = door.told.last().unwrap();
    assert_eq!(
        end.reason,
        "calls come within limits.calls_per_second again; 60 were refused"
    );
    assert!(!end.on && door.told.len() == 2);
}

#[test]
fn media_without_time_left_refuse_calls_before_anybody_has_called() {
    let mut door = Door::new(|_| ());
    let mut work = Work::default();
    for _ in 0..40 {
        door.pass(250);
        work.busy_ns += 225_000_000;
        work.ticks += 12;
        let now = door.now;
        door.gate.lock().look_at_media(now, [work].into_iter());
    }
    assert_eq!(door.gate.lock().headroom(), 10);
    assert!(door.invite(STRANGER).is_err());
    // What needs no media goes on.
    assert!(door.knock(STRANGER, Method::Message).is_ok());
    assert!(door.told[0].reason.starts_with("the media threads have 1"));
    for _ in 0..40 {
        door.pass(250);
        let now = door.now;
        door.gate.lock().look_at_media(now, [work].into_iter());
    }
    assert!(door.invite(STRANGER).is_ok());
    assert_eq!(door.told.len(), 2);
}

#[test]
fn nothing_is_limited_where_no_limit_is_set() {
    let mut door = Door::new(|config| config.requests_per_second = 0);
    assert_eq!(door.admitted(STRANGER, 9_999), 9_999);
    assert!((0..9_999).all(|_| door.knock(STRANGER, Method::Message).is_ok()));
    assert_eq!(door.refused(), []);
    door.pass(10_000);
    assert_eq!(door.told, []);
}
