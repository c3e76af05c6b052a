//! Requests and responses that get lost come again, at the times RFC 3261 §17 gives.

use std::time::Duration;

use sems_sim::{Conditions, Datagram, Pair, Side};
use sems_sip::user_agent::{Cause, Content, Reply, UserAgentConfig};
use sems_sip::{Headers, StatusCode};

fn gaps(pair: &Pair, wanted: impl Fn(&Datagram) -> bool) -> Vec<u128> {
    let sent = pair.sent(wanted);
    sent.windows(2).map(|w| (w[1] - w[0]).as_millis()).collect()
}

#[test]
fn a_lost_invite_comes_again_at_doubling_intervals() {
    let mut pair = Pair::new();
    pair.net
        .lose_first(4, |datagram| datagram.is_request("INVITE"));
    let (at_a, at_b) = pair.connect();
    assert_eq!(
        gaps(&pair, |d| d.is_request("INVITE")),
        [500, 1000, 2000, 4000]
    );
    assert!(pair.run_until(|p| p.b.told(at_b).up));
    pair.hang_up(Side::A, at_a);
    pair.run_until_idle();
    pair.assert_nothing_is_left();
}

#[test]
fn a_lost_bye_comes_again_at_intervals_up_to_t2_until_64_t1() {
    let mut pair = Pair::new();
    let (at_a, at_b) = pair.connect();
    assert!(pair.run_until(|p| p.b.told(at_b).up));
    pair.net.lose(|datagram| datagram.is_request("BYE"));
    pair.hang_up(Side::A, at_a);
    pair.run_for(Duration::from_secs(100));
    assert_eq!(
        gaps(&pair, |d| d.is_request("BYE")),
        [500, 1000, 2000, 4000, 4000, 4000, 4000, 4000, 4000, 4000]
    );
    // The other side learns of it when it refreshes the session (RFC 4028).
    assert!(pair.b.told(at_b).up);
    pair.run_until_time(Duration::from_secs(901));
    assert!(!pair.b.told(at_b).up);
    pair.run_until_idle();
    pair.assert_nothing_is_left();
}

#[test]
fn a_lost_refusal_comes_again_until_its_ack() {
    let mut pair = Pair::new();
    pair.net
        .lose_first(3, |datagram| datagram.is_response(486, "INVITE"));
    pair.a.call(pair.now, pair.b.address, None);
    let at_b = pair.wait_for_invite(Side::B);
    let busy = Reply::new(StatusCode::BUSY_HERE);
    pair.b.agent.reject(pair.now, at_b, busy).expect("it waits");
    pair.run_until_idle();
    assert_eq!(
        gaps(&pair, |d| d.is_response(486, "INVITE")),
        [500, 1000, 2000]
    );
    assert_eq!(pair.sent(|d| d.is_request("ACK")).len(), 1);
    assert!(matches!(pair.a.last_cause, Some(Cause::Rejected(_))));
    pair.assert_nothing_is_left();
}

#[test]
fn the_timers_follow_t1() {
    let mut config = UserAgentConfig::default();
    config.timers.t1 = Duration::from_millis(100);
    let mut pair = Pair::with(0, Conditions::perfect(), config);
    pair.net.lose(|_| true);
    pair.a.call(pair.now, pair.b.address, None);
    assert!(pair.run_until(|p| p.a.last_cause.is_some()));
    assert_eq!(
        gaps(&pair, |d| d.is_request("INVITE")),
        [100, 200, 400, 800, 1600, 3200]
    );
    assert_eq!(pair.now - pair.start, Duration::from_millis(6400));
    assert!(matches!(pair.a.last_cause, Some(Cause::Timeout)));
    pair.assert_nothing_is_left();
}

#[test]
fn every_datagram_twice_changes_nothing() {
    let conditions = Conditions {
        duplication: 1.0,
        ..Conditions::perfect()
    };
    let mut pair = Pair::with(0, conditions, UserAgentConfig::default());
    let (at_a, at_b) = pair.connect();
    assert!(pair.run_until(|p| p.b.told(at_b).up));
    pair.b
        .agent
        .reinvite(pair.now, at_b, Headers::new(), None)
        .expect("nothing is pending");
    assert!(pair.run_until(|p| p.a.take_reinvite().is_some()));
    pair.a
        .agent
        .accept_reinvite(pair.now, at_a, Headers::new(), Some(Content::sdp("offer")))
        .expect("it waits");
    pair.run_for(Duration::from_secs(1));
    let answer = Some(Content::sdp("answer"));
    pair.b
        .agent
        .ack(pair.now, at_b, answer)
        .expect("it is owed");
    pair.run_for(Duration::from_secs(5));
    assert!(pair.a.told(at_a).up && pair.b.told(at_b).up);
    pair.hang_up(Side::A, at_a);
    pair.run_until_idle();
    assert!(pair.a.take_invite().is_none() && pair.b.take_invite().is_none());
    assert_eq!((pair.a.told.len(), pair.b.told.len()), (1, 1));
    pair.assert_nothing_is_left();
}
