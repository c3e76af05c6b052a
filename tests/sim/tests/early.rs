//! Ringing reliably and changing a call before it is answered (RFC 3262, RFC 3311), while messages
//! get lost.

use std::time::Duration;

use sems_sim::{Pair, Side};
use sems_sip::user_agent::{Cause, Content, Event, Reply, SessionId};
use sems_sip::{Headers, StatusCode};

fn body(text: &'static str) -> Option<Content> {
    Some(Content::sdp(text))
}

/// B rings with an answer, which goes out reliably.
fn ring(pair: &mut Pair, at_b: SessionId) {
    let mut early = Reply::new(StatusCode::SESSION_PROGRESS);
    early.content = body("answer");
    let agent = &mut pair.b.agent;
    agent.provisional(pair.now, at_b, early).expect("it rings");
}

fn hears_ringing(pair: &mut Pair) -> bool {
    pair.run_until(|p| {
        let progress = |event: &Event| matches!(event, Event::Progress { .. }).then_some(());
        p.a.take(progress).is_some()
    })
}

#[test]
fn a_lost_183_and_a_lost_prack_come_again_and_then_the_call_is_answered() {
    let mut pair = Pair::new();
    let mut lost = [false; 2];
    pair.net.lose(move |datagram| {
        let first = |seen: &mut bool| !std::mem::replace(seen, true);
        (datagram.is_response(183, "INVITE") && first(&mut lost[0]))
            || (datagram.is_request("PRACK") && first(&mut lost[1]))
    });
    let at_a = pair.a.call(pair.now, pair.b.address, body("offer"));
    let at_b = pair.wait_for_invite(Side::B);
    ring(&mut pair, at_b);
    pair.accept(Side::B, at_b);
    assert!(hears_ringing(&mut pair));
    assert!(pair.run_until(|p| p.a.told(at_a).up && p.b.told(at_b).up));
    // 500 ms until the 183 came again, and as long until the PRACK did: the 200 has waited for it.
    let accepted = pair.sent(|d| d.is_response(200, "INVITE"))[0];
    let acknowledged = pair.sent(|d| d.is_response(200, "PRACK"))[0];
    assert!(accepted >= acknowledged && accepted >= Duration::from_millis(1000));
    pair.hang_up(Side::A, at_a);
    pair.run_until_idle();
    pair.assert_nothing_is_left();
}

#[test]
fn who_never_acknowledges_ringing_is_refused() {
    let mut pair = Pair::new();
    pair.net.lose(|datagram| datagram.is_request("PRACK"));
    pair.a.call(pair.now, pair.b.address, body("offer"));
    let at_b = pair.wait_for_invite(Side::B);
    ring(&mut pair, at_b);
    pair.run_until_idle();
    assert!(matches!(pair.b.last_cause, Some(Cause::NoPrack)));
    match &pair.a.last_cause {
        Some(Cause::Rejected(response)) => assert_eq!(response.status.code(), 504),
        other => panic!("{other:?}"),
    }
    pair.assert_nothing_is_left();
}

#[test]
fn a_late_prack_gets_its_200_from_who_has_hung_up_by_then() {
    let mut pair = Pair::new();
    let mut lost = [0, 0];
    pair.net.lose(move |datagram| {
        let (prack, bye) = (
            datagram.is_request("PRACK"),
            datagram.is_response(200, "BYE"),
        );
        lost[0] += usize::from(prack);
        lost[1] += usize::from(bye);
        (prack && lost[0] <= 2) || (bye && lost[1] <= 3)
    });
    pair.a.call(pair.now, pair.b.address, body("offer"));
    let at_b = pair.wait_for_invite(Side::B);
    let (now, agent) = (pair.now, &mut pair.b.agent);
    let ringing = Reply::new(StatusCode::RINGING);
    let rings = agent.provisional_reliable(now, at_b, ringing);
    rings.expect("A can do that");
    assert!(hears_ringing(&mut pair));
    // Without a description the 2xx need not wait for the PRACK (RFC 3262 §3).
    pair.accept(Side::B, at_b);
    assert!(pair.run_until(|p| p.b.told(at_b).up));
    pair.hang_up(Side::B, at_b);
    pair.run_until_idle();
    let answered = pair.sent(|d| d.is_response(200, "PRACK"));
    let ended = pair.sent(|d| d.is_response(200, "BYE"));
    assert_eq!(answered.len(), 1);
    // The BYE was still under way.
    assert!(
        ended[0] < answered[0] && answered[0] < ended[3],
        "{ended:?}"
    );
    pair.assert_nothing_is_left();
}

#[test]
fn a_prack_does_not_end_the_turn_of_an_update_that_is_under_way() {
    let mut pair = Pair::new();
    let at_a = pair.a.call(pair.now, pair.b.address, body("offer"));
    let at_b = pair.wait_for_invite(Side::B);
    ring(&mut pair, at_b);
    assert!(hears_ringing(&mut pair));
    pair.run_for(Duration::from_millis(100));
    let from_b = pair.b.address;
    let mut lost = false;
    pair.net.lose(move |datagram| {
        datagram.from == from_b
            && datagram.is_request("UPDATE")
            && !std::mem::replace(&mut lost, true)
    });
    let (now, agent) = (pair.now, &mut pair.b.agent);
    let offered = agent.update(now, at_b, Headers::new(), body("change"));
    offered.expect("all is agreed");
    let rings = agent.provisional_reliable(now, at_b, Reply::new(StatusCode::RINGING));
    rings.expect("A can do that");
    pair.run_for(Duration::from_millis(100));
    assert_eq!(pair.sent(|d| d.is_response(200, "PRACK")).len(), 2);
    // B's offer has been lost, but B waits for its answer.
    let (now, agent) = (pair.now, &mut pair.a.agent);
    let offered = agent.update(now, at_a, Headers::new(), body("change"));
    offered.expect("A knows of no other");
    pair.run_for(Duration::from_millis(100));
    assert_eq!(pair.sent(|d| d.is_response(491, "UPDATE")).len(), 1);
    pair.hang_up(Side::A, at_a);
    pair.run_until_idle();
    pair.assert_nothing_is_left();
}

#[test]
fn both_sides_offer_a_change_while_it_rings_and_both_try_again() {
    let mut pair = Pair::new();
    let at_a = pair.a.call(pair.now, pair.b.address, body("offer"));
    let at_b = pair.wait_for_invite(Side::B);
    ring(&mut pair, at_b);
    assert!(hears_ringing(&mut pair));
    pair.run_for(Duration::from_millis(100));
    let mut waiting = vec![(Side::A, at_a), (Side::B, at_b)];
    for (side, session) in waiting.clone() {
        let now = pair.now;
        let agent = &mut pair.phone(side).agent;
        let offered = agent.update(now, session, Headers::new(), body("change"));
        offered.expect("all is agreed");
    }
    pair.run_for(Duration::from_millis(100));
    assert_eq!(pair.sent(|d| d.is_response(491, "UPDATE")).len(), 2);
    let mut answered = 0;
    for _ in 0..500 {
        pair.run_for(Duration::from_millis(20));
        let now = pair.now;
        for side in [Side::A, Side::B] {
            let phone = pair.phone(side);
            while let Some(event) = phone.events.pop_front() {
                match event {
                    Event::ReinviteDue { session } => {
                        waiting.retain(|(_, waits)| *waits != session);
                        let again =
                            phone
                                .agent
                                .update(now, session, Headers::new(), body("change"));
                        again.expect("the wait is over");
                    }
                    Event::Offer { session, .. } => {
                        let agreed = Content::sdp("agreed");
                        let answer = phone
                            .agent
                            .accept_offer(now, session, Headers::new(), agreed);
                        answer.expect("it waits");
                    }
                    Event::UpdateAnswered { .. } => answered += 1,
                    _ => {}
                }
            }
        }
    }
    assert_eq!((answered, waiting.len()), (2, 0));
    pair.hang_up(Side::A, at_a);
    pair.run_until_idle();
    pair.assert_nothing_is_left();
}

#[test]
fn a_call_that_rings_for_too_long_is_taken_back_on_both_sides() {
    let mut pair = Pair::new();
    let mut invite = pair.a.invitation(pair.b.address, body("offer"));
    invite.ring_timeout = Some(Duration::from_secs(30));
    let at_a = pair
        .a
        .agent
        .invite(pair.now, invite)
        .expect("within limits");
    pair.a.told.push((at_a, Default::default()));
    let at_b = pair.wait_for_invite(Side::B);
    ring(&mut pair, at_b);
    pair.run_until_idle();
    assert!(matches!(pair.a.last_cause, Some(Cause::NoAnswer)));
    assert!(matches!(pair.b.last_cause, Some(Cause::Cancelled(_))));
    pair.assert_nothing_is_left();
}
