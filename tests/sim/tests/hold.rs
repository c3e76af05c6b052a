//! Hold and resume, with session descriptions.

use std::time::Duration;

use sems_sdp::{Direction, LocalMedia, OfferAnswer, SessionDescription};
use sems_sim::{Pair, Side, sdp};
use sems_sip::user_agent::{Event, SessionId};
use sems_sip::{Bytes, Headers};

/// The session of one side, as it agreed on it.
struct Media {
    session: OfferAnswer,
    local: LocalMedia<'static>,
}

impl Media {
    fn new(address: &str) -> Self {
        Self {
            session: sdp::side(),
            local: sdp::local(address.parse().expect("an address")),
        }
    }

    fn offer(&mut self, direction: Direction) -> Bytes {
        let local = LocalMedia {
            direction,
            ..self.local
        };
        let offer = self.session.create_offer(&local).expect("our turn");
        offer.to_string().into()
    }

    fn answer(&mut self, offer: &[u8]) -> Bytes {
        let offer = SessionDescription::parse(offer).expect("well-formed");
        self.session.receive_offer(&offer).expect("acceptable");
        let answer = self.session.create_answer(&self.local).expect("our turn");
        answer.to_string().into()
    }

    fn accept(&mut self, answer: &[u8]) {
        let answer = SessionDescription::parse(answer).expect("well-formed");
        self.session.receive_answer(&answer).expect("acceptable");
    }

    /// Whether we send, and whether the peer does.
    fn streams(&self) -> (bool, bool) {
        let negotiated = self.session.negotiated().expect("an exchange is complete");
        (negotiated.send, negotiated.receive)
    }
}

/// One side offers this direction by re-INVITE, the other answers.
fn reinvite(
    pair: &mut Pair,
    (from, at_from, media_from): (Side, SessionId, &mut Media),
    (to, at_to, media_to): (Side, SessionId, &mut Media),
    direction: Direction,
) {
    let now = pair.now;
    let offer = content(media_from.offer(direction));
    let agent = &mut pair.phone(from).agent;
    agent
        .reinvite(now, at_from, Headers::new(), offer)
        .expect("nothing is pending");
    let body = |event: &Event| match event {
        Event::Reinvite { request, .. } => Some(request.body.clone()),
        Event::ReinviteAnswered { response, .. } => Some(response.body.clone()),
        _ => None,
    };
    let mut offer = None;
    assert!(pair.run_until(|p| {
        offer = p.phone(to).take(body);
        offer.is_some()
    }));
    let now = pair.now;
    let answer = content(media_to.answer(&offer.expect("it came")));
    let agent = &mut pair.phone(to).agent;
    agent
        .accept_reinvite(now, at_to, Headers::new(), answer)
        .expect("it waits");
    let mut answer = None;
    assert!(pair.run_until(|p| {
        answer = p.phone(from).take(body);
        answer.is_some()
    }));
    media_from.accept(&answer.expect("it came"));
    // The ACK is on its way.
    pair.run_for(Duration::from_millis(50));
}

fn content(body: Bytes) -> Option<sems_sip::user_agent::Content> {
    Some(sems_sip::user_agent::Content::sdp(body))
}

#[test]
fn either_side_holds_and_resumes() {
    let mut pair = Pair::new();
    let (mut a, mut b) = (Media::new("192.0.2.1:4000"), Media::new("192.0.2.2:4000"));
    let offer = a.offer(Direction::SendRecv);
    let at_a = pair
        .a
        .call(pair.now, pair.b.address, content(offer.clone()));
    let at_b = pair.wait_for_invite(Side::B);
    let answer = b.answer(&offer);
    let body = content(answer.clone());
    pair.b
        .agent
        .accept(pair.now, at_b, Headers::new(), body)
        .expect("it waits");
    assert!(pair.run_until(|p| p.b.told(at_b).up));
    a.accept(&answer);
    assert_eq!((a.streams(), b.streams()), ((true, true), (true, true)));

    reinvite(
        &mut pair,
        (Side::A, at_a, &mut a),
        (Side::B, at_b, &mut b),
        Direction::SendOnly,
    );
    assert_eq!((a.streams(), b.streams()), ((true, false), (false, true)));
    reinvite(
        &mut pair,
        (Side::A, at_a, &mut a),
        (Side::B, at_b, &mut b),
        Direction::SendRecv,
    );
    assert_eq!((a.streams(), b.streams()), ((true, true), (true, true)));
    reinvite(
        &mut pair,
        (Side::B, at_b, &mut b),
        (Side::A, at_a, &mut a),
        Direction::Inactive,
    );
    assert_eq!((a.streams(), b.streams()), ((false, false), (false, false)));
    reinvite(
        &mut pair,
        (Side::B, at_b, &mut b),
        (Side::A, at_a, &mut a),
        Direction::SendRecv,
    );
    assert_eq!((a.streams(), b.streams()), ((true, true), (true, true)));

    pair.hang_up(Side::B, at_b);
    pair.run_until_idle();
    pair.assert_nothing_is_left();
}

#[test]
fn an_offer_may_come_late() {
    let mut pair = Pair::new();
    let (mut a, mut b) = (Media::new("192.0.2.1:4000"), Media::new("192.0.2.2:4000"));
    let at_a = pair.a.call(pair.now, pair.b.address, None);
    let at_b = pair.wait_for_invite(Side::B);
    let offer = content(b.offer(Direction::SendRecv));
    pair.b
        .agent
        .accept(pair.now, at_b, Headers::new(), offer)
        .expect("it waits");
    let mut offer = None;
    assert!(pair.run_until(|p| {
        offer = p.a.take(|event| match event {
            Event::Accepted { response, .. } => Some(response.body.clone()),
            _ => None,
        });
        offer.is_some()
    }));
    let answer = content(a.answer(&offer.expect("it came")));
    pair.a
        .agent
        .ack(pair.now, at_a, answer)
        .expect("it is owed");
    let mut answer = None;
    assert!(pair.run_until(|p| {
        answer = p.b.take(|event| match event {
            Event::Confirmed { request, .. } => Some(request.body.clone()),
            _ => None,
        });
        answer.is_some()
    }));
    b.accept(&answer.expect("it came"));
    assert_eq!((a.streams(), b.streams()), ((true, true), (true, true)));
    pair.hang_up(Side::A, at_a);
    pair.run_until_idle();
    pair.assert_nothing_is_left();
}
