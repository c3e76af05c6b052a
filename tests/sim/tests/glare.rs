//! Both sides want to change the call in the same instant (RFC 3261 §14.1).

use std::time::Duration;

use sems_sim::{Pair, Side};
use sems_sip::Headers;
use sems_sip::user_agent::{Content, Event, SessionId};

fn reinvite(pair: &mut Pair, side: Side, session: SessionId) {
    let now = pair.now;
    let offer = Some(Content::sdp("hold"));
    let agent = &mut pair.phone(side).agent;
    agent
        .reinvite(now, session, Headers::new(), offer)
        .expect("nothing is pending");
}

fn due(pair: &mut Pair, side: Side) -> bool {
    let event = pair.phone(side).take(|event| match event {
        Event::ReinviteDue { .. } => Some(()),
        _ => None,
    });
    event.is_some()
}

#[test]
fn both_get_491_and_the_called_side_may_try_again_first() {
    let mut pair = Pair::new();
    let (at_a, at_b) = pair.connect();
    assert!(pair.run_until(|p| p.b.told(at_b).up));
    reinvite(&mut pair, Side::A, at_a);
    reinvite(&mut pair, Side::B, at_b);
    pair.run_for(Duration::from_millis(100));
    assert_eq!(pair.sent(|d| d.is_response(491, "INVITE")).len(), 2);

    // Who placed the call made the Call-ID and waits 2.1 to 4 s; the other at most 2 s.
    assert!(pair.run_until(|p| due(p, Side::B)));
    assert!(!due(&mut pair, Side::A));
    reinvite(&mut pair, Side::B, at_b);
    assert!(pair.run_until(|p| p.a.take_reinvite().is_some()));
    let answer = Some(Content::sdp("held"));
    let agent = &mut pair.a.agent;
    agent
        .accept_reinvite(pair.now, at_a, Headers::new(), answer)
        .expect("it waits");
    assert!(pair.run_until(|p| due(p, Side::A)));
    reinvite(&mut pair, Side::A, at_a);
    assert!(pair.run_until(|p| p.b.take_reinvite().is_some()));

    pair.hang_up(Side::A, at_a);
    pair.run_until_idle();
    pair.assert_nothing_is_left();
}

#[test]
fn a_hang_up_during_the_wait_ends_everything() {
    let mut pair = Pair::new();
    let (at_a, at_b) = pair.connect();
    assert!(pair.run_until(|p| p.b.told(at_b).up));
    reinvite(&mut pair, Side::A, at_a);
    reinvite(&mut pair, Side::B, at_b);
    pair.run_for(Duration::from_millis(100));
    pair.hang_up(Side::A, at_a);
    pair.hang_up(Side::B, at_b);
    pair.run_until_idle();
    assert!(!due(&mut pair, Side::A) && !due(&mut pair, Side::B));
    pair.assert_nothing_is_left();
}
