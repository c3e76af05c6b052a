//! An offer that waits for its answer doesn't hold up what is not about it.

use std::time::Duration;

use sems_sim::{Pair, Side};
use sems_sip::user_agent::{Content, Reply};
use sems_sip::{Headers, StatusCode};

#[test]
fn a_reliable_response_is_acknowledged_while_the_offer_of_an_update_is_open() {
    let mut pair = Pair::new();
    let offer = Some(Content::sdp("offer"));
    let at_a = pair.a.call(pair.now, pair.b.address, offer);
    let at_b = pair.wait_for_invite(Side::B);
    let mut early = Reply::new(StatusCode::SESSION_PROGRESS);
    early.content = Some(Content::sdp("answer"));
    let agent = &mut pair.b.agent;
    agent
        .provisional_reliable(pair.now, at_b, early)
        .expect("100rel is offered");
    pair.run_for(Duration::from_millis(100));
    assert_eq!(pair.sent(|d| d.is_request("PRACK")).len(), 1);

    // The caller does not answer the change.
    let hold = Some(Content::sdp("hold"));
    let agent = &mut pair.b.agent;
    agent
        .update(pair.now, at_b, Headers::new(), hold)
        .expect("all is settled");
    pair.run_for(Duration::from_millis(100));
    let ringing = Reply::new(StatusCode::RINGING);
    let agent = &mut pair.b.agent;
    agent
        .provisional_reliable(pair.now, at_b, ringing)
        .expect("100rel is offered");
    pair.run_for(Duration::from_millis(100));
    assert_eq!(pair.sent(|d| d.is_request("PRACK")).len(), 2);

    pair.hang_up(Side::A, at_a);
    pair.run_until_idle();
    pair.assert_nothing_is_left();
}
