//! Bad networks.

use std::time::Duration;

use sems_engine::{
    config::EngineConfig,
    event::{EndCause, Event},
    transport::memory::LinkQuality,
};

use crate::world::{ANN, BOB, World, plain_answer, seconds};

#[test]
fn calls_go_up_and_down_over_a_network_that_loses_doubles_and_reorders() {
    for seed in 0..20 {
        let quality = LinkQuality {
            loss: 0.2,
            duplicate: 0.2,
            delay: Duration::from_millis(20),
            jitter: Duration::from_millis(60),
        };
        let configs = [(); 2].map(|()| EngineConfig::default());
        let mut world = World::new(seed, quality, configs);
        let (here, there) = world.call();
        world.run(seconds(2));
        for who in [ANN, BOB] {
            assert!(
                world.engine(who).stats()["rtp_received"] > 30,
                "seed {seed}"
            );
        }
        world.hang_up(ANN, here);
        assert_eq!(world.end(ANN, here).0, EndCause::Local, "seed {seed}");
        assert_eq!(world.end(BOB, there).0, EndCause::Remote, "seed {seed}");
        for site in &world.sites {
            let ends = site
                .told
                .iter()
                .filter(|event| matches!(event, Event::Ended { .. }));
            assert_eq!(ends.count(), 1, "seed {seed}");
        }
        world.assert_nothing_left();
    }
}

#[test]
fn a_peer_that_vanishes_is_missed_and_the_call_can_still_be_ended() {
    let mut world = World::pair();
    let (here, _) = world.call();
    world.run(seconds(1));
    world.network.set_quality(LinkQuality {
        loss: 1.0,
        ..LinkQuality::default()
    });
    let (call, silent) = world.until(ANN, |event| match event {
        Event::RtpTimeout { call, silent_ms } => Some((*call, *silent_ms)),
        _ => None,
    });
    assert_eq!(call, here);
    assert!((10_000..11_000).contains(&silent), "{silent}");
    world.hang_up(ANN, here);
    assert_eq!(world.end(ANN, here).0, EndCause::Local);
    world.run(seconds(40));
    world.assert_nothing_left_at(ANN);
}

#[test]
fn an_answer_without_ack_is_given_up_after_32_seconds() {
    let mut world = World::pair();
    let here = world.dial(ANN, world.address(BOB), |_| ());
    let there = world.incoming(BOB).call;
    world.network.set_quality(LinkQuality {
        loss: 1.0,
        ..LinkQuality::default()
    });
    let start = world.now;
    let answer = plain_answer(there);
    let answered = world.order(BOB, answer);
    let error = world.outcome(BOB, answered).unwrap_err();
    assert_eq!(error, "the call is over: no ACK came");
    assert_eq!(world.end(BOB, there).0, EndCause::Timeout);
    assert_eq!((world.now - start).as_secs(), 32);
    // Ann has heard nothing since the 100, and would wait for ever.
    world.hang_up(ANN, here);
    world.assert_nothing_left();
}
