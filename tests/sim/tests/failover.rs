//! The first server is dead, and the network may be bad.

use std::net::SocketAddr;
use std::time::Duration;

use sems_sim::{Conditions, Pair, Side};
use sems_sip::user_agent::{Content, SessionId, UserAgentConfig};

/// Nobody is there.
const DEAD: ([u8; 4], u16) = ([192, 0, 2, 99], 5060);

/// A calls a server that is dead, or else B.
fn call(pair: &mut Pair) -> SessionId {
    let offer = Some(Content::sdp("offer"));
    let mut invite = pair.a.invitation(pair.b.address, offer);
    invite.alternatives = vec![invite.flow];
    invite.flow = pair.a.flow(SocketAddr::from(DEAD));
    let session = pair
        .a
        .agent
        .invite(pair.now, invite)
        .expect("within limits");
    pair.a.told.push((session, Default::default()));
    session
}

#[test]
fn a_dead_server_costs_four_seconds_and_not_the_call() {
    let mut pair = Pair::new();
    let at_a = call(&mut pair);
    let at_b = pair.wait_for_invite(Side::B);
    let waited = pair.now - pair.start;
    assert!(waited >= Duration::from_secs(4) && waited < Duration::from_millis(4100));
    pair.accept(Side::B, at_b);
    pair.run_for(Duration::from_millis(200));
    assert!(pair.a.told(at_a).up && pair.b.told(at_b).up);
    pair.hang_up(Side::A, at_a);
    pair.run_until_idle();
    pair.assert_nothing_is_left();
}

#[test]
fn whenever_the_caller_gives_up_nothing_is_left() {
    for seed in 0..100 {
        let conditions = Conditions::bad((seed % 5) as f64 * 0.1, 0.1);
        let mut pair = Pair::with(seed, conditions, UserAgentConfig::default());
        let at_a = call(&mut pair);
        // Before, while and after the second server is asked.
        pair.run_for(Duration::from_millis(3500 + 15 * seed));
        if let Some(at_b) = pair.b.take_invite() {
            pair.accept(Side::B, at_b);
        }
        // The last server may be as good as dead by then.
        let _ = pair.a.agent.hangup(pair.now, at_a, Default::default());
        pair.run_until_idle();
        // Its INVITE may have been on its way.
        while let Some(at_b) = pair.b.take_invite() {
            let _ = pair.b.agent.hangup(pair.now, at_b, Default::default());
        }
        pair.run_until_idle();
        pair.assert_nothing_is_left();
    }
}
