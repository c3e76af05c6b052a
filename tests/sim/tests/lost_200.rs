//! The 200 to an INVITE gets lost.

use std::time::Duration;

use sems_sim::{Pair, Side};
use sems_sip::user_agent::Cause;

#[test]
fn a_lost_200_comes_again_and_is_acknowledged_once_it_arrives() {
    let mut pair = Pair::new();
    pair.net
        .lose_first(3, |datagram| datagram.is_response(200, "INVITE"));
    let (at_a, at_b) = pair.connect();
    assert!(pair.run_until(|p| p.b.told(at_b).up));
    assert!(pair.a.told(at_a).up);
    let oks = pair.sent(|datagram| datagram.is_response(200, "INVITE"));
    let gaps: Vec<_> = oks.windows(2).map(|w| (w[1] - w[0]).as_millis()).collect();
    assert_eq!(gaps, [500, 1000, 2000]);

    pair.hang_up(Side::A, at_a);
    pair.run_until_idle();
    pair.assert_nothing_is_left();
}

#[test]
fn a_200_that_never_arrives_leaves_a_call_that_the_caller_can_still_end() {
    let mut pair = Pair::new();
    pair.net
        .lose(|datagram| datagram.is_response(200, "INVITE"));
    let (at_a, _) = pair.connect();
    pair.run_for(Duration::from_secs(100));
    assert!(matches!(pair.b.last_cause, Some(Cause::NoAck)));
    // The caller heard ringing and no more; the BYE in a dialog that it doesn't know got 481.
    assert!(!pair.a.told(at_a).up);
    pair.hang_up(Side::A, at_a);
    pair.run_until_idle();
    pair.assert_nothing_is_left();
}
