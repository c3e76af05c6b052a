//! Calls over streams, and what size makes of a request.

use std::time::Duration;

use sems_engine::{
    command::{Dial, SignalingCommand},
    config::EngineConfig,
    destination::Destination,
    event::EndCause,
    transport::memory::LinkQuality,
};

use crate::world::{ANN, BOB, World, seconds};

const UDP: &[&str] = &["udp:0.0.0.0:5060"];
const ALL: &[&str] = &["udp:0.0.0.0:5060", "tcp:0.0.0.0:5060", "tls:0.0.0.0:5061"];

/// Two engines that listen at these addresses, on a network that loses half of all datagrams.
fn world(listen: [&[&str]; 2]) -> World {
    let quality = LinkQuality {
        loss: 0.5,
        ..LinkQuality::default()
    };
    let configs = listen.map(|listen| EngineConfig {
        sip_listen: listen.iter().map(|text| text.parse().unwrap()).collect(),
        ..EngineConfig::default()
    });
    World::new(7, quality, configs)
}

/// Where Bob listens for that.
fn bob(world: &World, transport: &str) -> Destination {
    let mut listeners = world.engine(BOB).listeners().iter();
    let listener = listeners.find(|listener| listener.transport.name() == transport);
    listener.unwrap().to_string().parse().unwrap()
}

#[test]
fn over_a_stream_nothing_is_sent_twice_however_bad_the_network() {
    for transport in ["tcp", "tls"] {
        let mut world = world([ALL, ALL]);
        let to = bob(&world, transport);
        let call = world.dial(ANN, to.address, |dial| dial.destinations = vec![to.clone()]);
        let incoming = world.incoming(BOB);
        assert_eq!(incoming.local, to.address, "{transport}");
        world.answer(BOB, incoming.call).unwrap();
        world.hang_up(ANN, call);
        world.run(seconds(40));
        for who in [ANN, BOB] {
            let repeated = world.engine(who).stats()["sip_retransmitted"];
            assert_eq!(repeated, 0, "{transport}");
        }
        world.assert_nothing_left();
    }
}

#[test]
fn who_takes_no_connection_refuses_at_once() {
    let mut world = world([ALL, UDP]);
    let to: Destination = format!("tcp:{}", world.address(BOB)).parse().unwrap();
    let call = world.dial(ANN, to.address, |dial| dial.destinations = vec![to.clone()]);
    let (cause, code, _) = world.end(ANN, call);
    assert_eq!((cause, code), (EndCause::Error, Some(503)));
    assert_eq!(world.now, Duration::ZERO);
    world.run(seconds(1));
    world.assert_nothing_left();
}

#[test]
fn a_large_invite_goes_over_tcp_where_there_is_one_and_else_over_udp() {
    let long = "x".repeat(1300);
    for (listen, transport) in [(ALL, "TCP"), (UDP, "UDP")] {
        let mut world = world([ALL, listen]);
        world.dial(ANN, world.address(BOB), |dial| {
            dial.headers = vec![("Subject".to_owned(), long.clone())];
        });
        let incoming = world.incoming(BOB);
        let via = incoming.headers.iter().find(|(name, _)| name == "Via");
        let (_, via) = via.unwrap();
        assert!(via.starts_with(&format!("SIP/2.0/{transport} ")), "{via}");
    }
}

#[test]
fn sips_is_asked_for_over_tls_only() {
    let mut world = world([ALL, ALL]);
    for (transport, fits) in [("udp", false), ("tcp", false), ("tls", true)] {
        let call = world.engine(ANN).new_call();
        let dial = Dial::new(call, "sips:standup@10.0.0.2", vec![bob(&world, transport)]);
        let outcome = world.signaling(ANN, SignalingCommand::Dial(Box::new(dial)));
        match fits {
            true => assert_eq!(outcome, Ok(())),
            false => assert_eq!(outcome.unwrap_err(), "a sips: URI is reached over TLS only"),
        }
    }
}
