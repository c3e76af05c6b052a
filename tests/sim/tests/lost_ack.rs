//! The ACK to a 200 gets lost.

use std::time::Duration;

use sems_sim::{Pair, Side};
use sems_sip::Headers;
use sems_sip::user_agent::{Cause, Content, Event};

#[test]
fn a_lost_ack_makes_the_200_be_sent_again() {
    let mut pair = Pair::new();
    pair.net
        .lose_first(2, |datagram| datagram.is_request("ACK"));
    let (at_a, at_b) = pair.connect();
    assert!(pair.run_until(|p| p.b.told(at_b).up));
    // The first 200 and its ACK, then two repetitions after T1 and another 2·T1.
    let oks = pair.sent(|datagram| datagram.is_response(200, "INVITE"));
    let gaps: Vec<_> = oks.windows(2).map(|w| (w[1] - w[0]).as_millis()).collect();
    assert_eq!(gaps, [500, 1000]);
    assert_eq!(pair.sent(|datagram| datagram.is_request("ACK")).len(), 3);
    assert!(pair.a.told(at_a).up);

    pair.hang_up(Side::B, at_b);
    pair.run_until_idle();
    pair.assert_nothing_is_left();
}

#[test]
fn without_any_ack_the_called_side_says_bye_and_both_are_down() {
    let mut pair = Pair::new();
    pair.net.lose(|datagram| datagram.is_request("ACK"));
    let (at_a, at_b) = pair.connect();
    assert!(pair.a.told(at_a).up);
    pair.run_until_idle();
    assert!(!pair.b.told(at_b).up);
    assert!(matches!(pair.b.last_cause, Some(Cause::NoAck)));
    assert!(matches!(pair.a.last_cause, Some(Cause::Bye(_))));
    pair.assert_nothing_is_left();
}

#[test]
fn who_hangs_up_before_the_ack_came_says_bye_when_it_comes() {
    let mut pair = Pair::new();
    pair.net
        .lose_first(1, |datagram| datagram.is_request("ACK"));
    let (_, at_b) = pair.connect();
    pair.b
        .agent
        .hangup(pair.now, at_b, Headers::new())
        .expect("the call is up");
    pair.run_for(Duration::from_millis(300));
    assert!(pair.sent(|datagram| datagram.is_request("BYE")).is_empty());
    pair.run_until_idle();
    assert!(matches!(pair.a.last_cause, Some(Cause::Bye(_))));
    pair.assert_nothing_is_left();
}

#[test]
fn an_update_that_comes_before_the_ack_is_answered_when_its_user_likes() {
    let mut pair = Pair::new();
    pair.net
        .lose_first(1, |datagram| datagram.is_request("ACK"));
    let (at_a, at_b) = pair.connect();
    let offer = Some(Content::sdp("change"));
    let agent = &mut pair.a.agent;
    let offered = agent.update(pair.now, at_a, Headers::new(), offer);
    offered.expect("for who called, all is agreed");
    assert!(pair.run_until(|p| {
        let offer = |event: &Event| matches!(event, Event::Offer { .. }).then_some(());
        p.b.take(offer).is_some()
    }));
    assert!(!pair.b.told(at_b).up);
    assert!(pair.run_until(|p| p.b.told(at_b).up));
    let agent = &mut pair.b.agent;
    let agreed = Content::sdp("agreed");
    let answered = agent.accept_offer(pair.now, at_b, Headers::new(), agreed);
    answered.expect("the offer waits");
    assert!(pair.run_until(|p| {
        let answered = |event: &Event| matches!(event, Event::UpdateAnswered { .. }).then_some(());
        p.a.take(answered).is_some()
    }));
    pair.hang_up(Side::A, at_a);
    pair.run_until_idle();
    pair.assert_nothing_is_left();
}
