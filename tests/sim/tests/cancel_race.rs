//! The caller gives up while the called side decides.

use std::time::Duration;

use sems_sim::{Pair, Side};
use sems_sip::user_agent::{Cause, Content, Reply};
use sems_sip::{Headers, StatusCode};

/// A call that rings at the other side.
fn ringing(
    pair: &mut Pair,
) -> (
    sems_sip::user_agent::SessionId,
    sems_sip::user_agent::SessionId,
) {
    let offer = Some(Content::sdp("offer"));
    let at_a = pair.a.call(pair.now, pair.b.address, offer);
    let at_b = pair.wait_for_invite(Side::B);
    let reply = Reply::new(StatusCode::RINGING);
    pair.b
        .agent
        .provisional(pair.now, at_b, reply)
        .expect("it waits");
    pair.run_for(Duration::from_millis(100));
    (at_a, at_b)
}

#[test]
fn a_call_that_rings_is_cancelled() {
    let mut pair = Pair::new();
    let (at_a, _) = ringing(&mut pair);
    pair.hang_up(Side::A, at_a);
    pair.run_until_idle();
    assert!(matches!(pair.b.last_cause, Some(Cause::Cancelled(_))));
    assert_eq!(pair.sent(|d| d.is_response(487, "INVITE")).len(), 1);
    pair.assert_nothing_is_left();
}

#[test]
fn cancel_and_200_cross_and_the_call_comes_down_by_bye() {
    let mut pair = Pair::new();
    let (at_a, at_b) = ringing(&mut pair);
    // Both in the same instant.
    pair.hang_up(Side::A, at_a);
    pair.accept(Side::B, at_b);
    pair.run_until_idle();
    assert_eq!(pair.sent(|d| d.is_request("CANCEL")).len(), 1);
    assert_eq!(pair.sent(|d| d.is_request("BYE")).len(), 1);
    assert!(matches!(pair.a.last_cause, Some(Cause::Local)));
    assert!(matches!(pair.b.last_cause, Some(Cause::Bye(_))));
    pair.assert_nothing_is_left();
}

#[test]
fn a_cancel_wanted_before_any_response_waits_for_one() {
    let mut pair = Pair::new();
    pair.net
        .lose_first(1, |datagram| datagram.is_response(100, "INVITE"));
    let offer = Some(Content::sdp("offer"));
    let at_a = pair.a.call(pair.now, pair.b.address, offer);
    pair.run_for(Duration::from_millis(100));
    pair.hang_up(Side::A, at_a);
    pair.run_for(Duration::from_millis(300));
    assert!(pair.sent(|d| d.is_request("CANCEL")).is_empty());
    pair.run_until_idle();
    assert!(matches!(pair.b.last_cause, Some(Cause::Cancelled(_))));
    pair.assert_nothing_is_left();
}

#[test]
fn whatever_the_moment_of_giving_up_both_sides_come_down() {
    // The 200 leaves at 200 ms; the caller gives up from well before to well after.
    for moment in 0..60 {
        let mut pair = Pair::new();
        let offer = Some(Content::sdp("offer"));
        let at_a = pair.a.call(pair.now, pair.b.address, offer);
        let at_b = pair.wait_for_invite(Side::B);
        let give_up = Duration::from_millis(170 + moment);
        let answer = Duration::from_millis(200);
        if give_up < answer {
            pair.run_until_time(give_up);
            pair.hang_up(Side::A, at_a);
            pair.run_until_time(answer);
            // It may have been cancelled by now.
            let answer = Some(Content::sdp("answer"));
            let _ = pair.b.agent.accept(pair.now, at_b, Headers::new(), answer);
        } else {
            pair.run_until_time(answer);
            pair.accept(Side::B, at_b);
            pair.run_until_time(give_up);
            pair.hang_up(Side::A, at_a);
        }
        pair.run_until_idle();
        pair.assert_nothing_is_left();
    }
}

#[test]
fn a_reinvite_that_a_bye_overtook_gets_its_ack_as_long_as_the_bye_is_under_way() {
    let mut pair = Pair::new();
    let (at_a, at_b) = pair.connect();
    let mut first = true;
    pair.net.lose(move |datagram| {
        datagram.is_request("BYE")
            || (datagram.is_request("INVITE") && std::mem::replace(&mut first, false))
    });
    let began = pair.now;
    let hold = Some(Content::sdp("hold"));
    let agent = &mut pair.a.agent;
    let changes = agent.reinvite(pair.now, at_a, Headers::new(), hold);
    changes.expect("the call is up");
    pair.run_for(Duration::from_millis(400));
    pair.hang_up(Side::A, at_a);
    // The INVITE comes again, is being looked at, and nobody has heard of the BYE.
    pair.run_for(Duration::from_millis(31_800));
    assert_eq!(pair.now - began, Duration::from_millis(32_200));
    let agent = &mut pair.b.agent;
    let no = Reply::new(StatusCode::NOT_ACCEPTABLE_HERE);
    let refused = agent.reject_reinvite(pair.now, at_b, no);
    refused.expect("it waits");
    pair.run_for(Duration::from_millis(50));
    let refusals = pair.sent(|d| d.is_response(488, "INVITE")).len();
    let acks = pair.sent(|d| d.is_request("ACK")).len();
    // One ACK was that to the first INVITE.
    assert_eq!((refusals, acks), (1, 2));
    pair.hang_up(Side::B, at_b);
    pair.run_until_idle();
    pair.assert_nothing_is_left();
}
