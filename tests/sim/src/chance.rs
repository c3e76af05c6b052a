//! Users who do at any moment anything that the user agent lets them do.

use std::collections::BTreeMap;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use sems_sip::user_agent::{Content, Event, Reply, SessionId};
use sems_sip::{Error, HeaderName, Headers, Method, StatusCode, Text};

use crate::{Pair, Side};

/// Carries a call's number from caller to callee, so that both ends of a call can be compared.
const NUMBER: &str = "X-Number";

/// Two users who decide by the dice.
pub struct Chance {
    rng: StdRng,
    calls: u32,
    /// The two ends of each call, the caller's first.
    ends: BTreeMap<u32, [Option<(Side, SessionId)>; 2]>,
}

impl Chance {
    /// Users whose decisions come from `seed`.
    pub fn new(seed: u64) -> Self {
        Self {
            rng: StdRng::seed_from_u64(seed ^ 0x5eed),
            calls: 0,
            ends: BTreeMap::new(),
        }
    }

    /// Lets the users act `times` times, a few hundred milliseconds apart.
    pub fn act(&mut self, pair: &mut Pair, times: usize) {
        for _ in 0..times {
            let wait = self.rng.random_range(0..1500);
            self.pass(pair, Duration::from_millis(wait));
            let side = if self.rng.random() { Side::A } else { Side::B };
            self.one_act(pair, side);
        }
    }

    /// Lets time pass in which the users do what can't wait: offers outside INVITE are answered at
    /// once (RFC 3311 §5.2).
    pub fn pass(&mut self, pair: &mut Pair, time: Duration) {
        let end = pair.now + time;
        while pair.now < end {
            let left = end - pair.now;
            pair.run_for(left.min(Duration::from_millis(20)));
            self.look(pair);
        }
    }

    /// Both users put down everything that they still have.
    pub fn hang_up_all(&mut self, pair: &mut Pair) {
        let now = pair.now;
        for side in [Side::A, Side::B] {
            let phone = pair.phone(side);
            for (session, _) in phone.told.clone() {
                match phone.agent.hangup(now, session, Headers::new()) {
                    Ok(()) | Err(Error::Gone) => {}
                    Err(error) => panic!("hangup: {error}"),
                }
            }
        }
    }

    /// Answers everything that waits for an answer, so that the calls can come to rest.
    pub fn answer_all(&mut self, pair: &mut Pair) {
        let now = pair.now;
        for side in [Side::A, Side::B] {
            let phone = pair.phone(side);
            for (session, _) in phone.told.clone() {
                let _ = phone.agent.accept(now, session, Headers::new(), body());
                let _ = phone
                    .agent
                    .accept_reinvite(now, session, Headers::new(), body());
                let _ = phone.agent.ack(now, session, body());
            }
        }
    }

    /// The numbers of the calls that are up at one end alone.
    pub fn torn(&mut self, pair: &mut Pair) -> Vec<u32> {
        self.look(pair);
        let mut is_up = |(side, session)| pair.phone(side).told(session).up;
        let mut is_torn = |ends: &[Option<(Side, SessionId)>; 2]| {
            let [caller, callee] = ends.map(|end| end.is_some_and(&mut is_up));
            caller != callee
        };
        let torn = self.ends.iter().filter(|(_, ends)| is_torn(ends));
        torn.map(|(number, _)| *number).collect()
    }

    /// Learns which sessions belong together.
    fn look(&mut self, pair: &mut Pair) {
        let name = HeaderName::parse(&Text::from_static(NUMBER)).expect("a token");
        let now = pair.now;
        for side in [Side::A, Side::B] {
            let phone = pair.phone(side);
            while let Some(event) = phone.events.pop_front() {
                match event {
                    Event::Invite {
                        session, request, ..
                    } => {
                        let number = request.headers.get(&name).and_then(|n| n.parse().ok());
                        let ends = self.ends.entry(number.expect("all calls have one"));
                        ends.or_default()[1] = Some((side, session));
                    }
                    // What an engine answers at once.
                    Event::Progress {
                        session,
                        owes_prack: true,
                        ..
                    } => {
                        let _ = phone.agent.prack(now, session, body());
                    }
                    Event::Offer { session, .. } if self.rng.random_bool(0.8) => {
                        let answer = Content::sdp("v=0");
                        let _ = phone
                            .agent
                            .accept_offer(now, session, Headers::new(), answer);
                    }
                    Event::Offer { session, .. } => {
                        let no = Reply::new(StatusCode::NOT_ACCEPTABLE_HERE);
                        let _ = phone.agent.reject_offer(now, session, no);
                    }
                    Event::RefreshDue { session } => {
                        let _ = phone.agent.reinvite(now, session, Headers::new(), body());
                    }
                    Event::Request { id, .. } => {
                        let ok = Reply::new(StatusCode::OK);
                        let _ = phone.agent.respond(now, id, ok);
                    }
                    _ => {}
                }
            }
        }
    }

    fn one_act(&mut self, pair: &mut Pair, side: Side) {
        let now = pair.now;
        let other = match side {
            Side::A => pair.b.address,
            Side::B => pair.a.address,
        };
        let rng = &mut self.rng;
        let content = if rng.random_bool(0.7) { body() } else { None };
        let phone = pair.phone(side);
        if phone.told.is_empty() || rng.random_bool(0.15) {
            self.calls += 1;
            let mut invite = phone.invitation(other, content);
            let name = HeaderName::parse(&Text::from_static(NUMBER)).expect("a token");
            invite.headers.push(name, self.calls.to_string());
            if rng.random_bool(0.3) {
                invite.headers.push(HeaderName::Require, "100rel");
            }
            invite.ring_timeout = rng.random_bool(0.3).then(|| Duration::from_secs(5));
            let session = phone.agent.invite(now, invite).expect("within limits");
            phone.told.push((session, Default::default()));
            self.ends.entry(self.calls).or_default()[0] = Some((side, session));
            return;
        }
        let latest = phone.told.len().saturating_sub(4);
        let (session, _) = phone.told[rng.random_range(latest..phone.told.len())];
        let none = Headers::new;
        let agent = &mut phone.agent;
        // What doesn't fit the session's state is refused, which must do no harm.
        let early = |content| {
            let mut reply = Reply::new(StatusCode::SESSION_PROGRESS);
            reply.content = content;
            reply
        };
        let _ = match rng.random_range(0..17) {
            0 => agent.provisional(now, session, Reply::new(StatusCode::RINGING)),
            12 | 13 => agent.provisional(now, session, early(body())),
            14 => agent.provisional_reliable(now, session, early(content)),
            15 => agent.update(now, session, none(), content),
            16 => agent.update(now, session, none(), body()),
            1 | 2 => agent.accept(now, session, none(), body()),
            3 => agent.reject(now, session, Reply::new(StatusCode::BUSY_HERE)),
            4 => agent.hangup(now, session, none()),
            5 | 6 => agent.reinvite(now, session, none(), content),
            7 | 8 => agent.accept_reinvite(now, session, none(), body()),
            9 => {
                let reply = Reply::new(StatusCode::NOT_ACCEPTABLE_HERE);
                agent.reject_reinvite(now, session, reply)
            }
            10 => agent.ack(now, session, body()),
            _ => agent
                .request_in(now, session, Method::Info, none(), body())
                .map(|_| ()),
        };
    }
}

fn body() -> Option<Content> {
    Some(Content::sdp("v=0"))
}
