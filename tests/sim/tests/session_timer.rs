//! Calls that are kept alive, or end because nobody does (RFC 4028).

use std::time::Duration;

use sems_sim::{Conditions, Pair, Side};
use sems_sip::user_agent::{Cause, UserAgentConfig};

fn config() -> UserAgentConfig {
    UserAgentConfig {
        session_expires: 600,
        ..Default::default()
    }
}

#[test]
fn a_call_is_refreshed_for_hours_over_a_bad_network() {
    for seed in 0..20 {
        let mut pair = Pair::with(seed, Conditions::perfect(), config());
        let (at_a, at_b) = pair.connect();
        pair.net.set_conditions(Conditions::bad(0.2, 0.1));
        pair.run_for(Duration::from_secs(3 * 3600));
        assert!(pair.a.told(at_a).up && pair.b.told(at_b).up, "seed {seed}");
        let refreshes = pair.sent(|d| d.is_response(200, "UPDATE")).len();
        assert!(refreshes >= 36, "every 300 s: {refreshes}");
        pair.hang_up(Side::B, at_b);
        pair.run_until_idle();
        pair.assert_nothing_is_left();
    }
}

#[test]
fn both_sides_find_out_by_themselves_that_the_other_is_gone() {
    let mut pair = Pair::with(1, Conditions::perfect(), config());
    let (at_a, at_b) = pair.connect();
    pair.net.lose(|_| true);
    // The called side refreshes, after 300 s, and has no answer 32 s later.
    pair.run_until_time(Duration::from_secs(333));
    assert!(pair.a.told(at_a).up && !pair.b.told(at_b).up);
    assert!(matches!(pair.b.last_cause, Some(Cause::Timeout)));
    // The calling side waits for it until 32 s before the end.
    pair.run_until_time(Duration::from_secs(569));
    assert!(!pair.a.told(at_a).up);
    assert!(matches!(pair.a.last_cause, Some(Cause::Expired)));
    pair.run_until_idle();
    pair.assert_nothing_is_left();
}
