//! The end of everything.

use std::time::Duration;

use sems_engine::{
    command::{MediaCommand, SignalingCommand},
    error::EngineError,
    event::{EndCause, Event},
};

use crate::{
    phone::{Phone, header, offer},
    world::{ANN, BOB, World, seconds},
};

#[test]
fn a_shutdown_ends_every_call_in_the_way_of_its_state() {
    let mut world = World::pair();
    let (up, _) = world.call();
    let ringing = world.dial(ANN, world.address(BOB), |_| ());
    let there = world.incoming(BOB).call;
    let calling = world.dial(BOB, world.address(ANN), |_| ());
    world.incoming(ANN);
    let start = world.now;
    let shutdown = world.order(BOB, SignalingCommand::Shutdown);
    assert_eq!(world.end(ANN, up).0, EndCause::Remote);
    let (cause, code, _) = world.end(ANN, ringing);
    assert_eq!((cause, code), (EndCause::Rejected, Some(503)));
    world.until(ANN, |event| {
        matches!(
            event,
            Event::Ended {
                cause: EndCause::Cancelled,
                ..
            }
        )
        .then_some(())
    });
    world.outcome(BOB, shutdown).unwrap();
    assert!(world.now - start < Duration::from_millis(100));
    let ended = world.sites[BOB]
        .told
        .iter()
        .filter_map(|event| match event {
            Event::Ended {
                call,
                cause: EndCause::Local,
                ..
            } => Some(*call),
            _ => None,
        });
    let ended: Vec<_> = ended.collect();
    assert_eq!(ended.len(), 3);
    assert!(ended.contains(&there) && ended.contains(&calling));
    world.assert_nothing_left();
}

#[test]
fn no_calls_are_taken_or_placed_afterwards() {
    let mut world = World::pair();
    world.signaling(BOB, SignalingCommand::Shutdown).unwrap();
    let phone = Phone::new(&world, BOB);
    let here = (phone.address().ip(), 4000).into();
    let response = phone.call(&mut world, "late", &offer(here), "503");
    assert!(header(&response, "To").is_some());
    assert!(
        !world.sites[BOB]
            .told
            .iter()
            .any(|event| matches!(event, Event::Incoming(_)))
    );
    world.assert_nothing_left();
}

#[test]
fn who_asks_by_options_whether_calls_are_taken_hears_that_they_are_not() {
    let mut world = World::pair();
    let phone = Phone::new(&world, BOB);
    phone.request("OPTIONS", 1, "before", None, "", "");
    phone.expect(&mut world, "SIP/2.0 200");
    world.signaling(BOB, SignalingCommand::Shutdown).unwrap();
    phone.request("OPTIONS", 1, "after", None, "", "");
    let response = phone.expect(&mut world, "SIP/2.0 503");
    assert_eq!(header(&response, "Retry-After"), Some("30"));
    world.assert_nothing_left();
}

#[test]
fn a_shutdown_waits_three_seconds_for_peers_that_do_not_answer() {
    let mut world = World::pair();
    let phone = Phone::new(&world, ANN);
    let call = world.dial(ANN, phone.address(), |_| ());
    let invite = phone.expect(&mut world, "INVITE");
    phone.respond(
        &invite,
        "200 OK",
        "x",
        &offer((phone.address().ip(), 4000).into()),
    );
    phone.expect(&mut world, "ACK");
    let start = world.now;
    let shutdown = world.order(ANN, SignalingCommand::Shutdown);
    // To the caller it is over at once.
    assert_eq!(world.end(ANN, call).0, EndCause::Local);
    assert_eq!(world.now, start);
    world.outcome(ANN, shutdown).unwrap();
    assert_eq!(world.now - start, seconds(3));
}

#[test]
fn a_closed_engine_gives_back_its_sockets_and_takes_no_orders() {
    let mut world = World::pair();
    world.call();
    let closed = world.sites.remove(BOB);
    closed.engine.close();
    closed.engine.close();
    let room = closed.engine.new_room();
    let hangup = SignalingCommand::Shutdown;
    assert!(matches!(
        closed.engine.signaling(hangup),
        Err(EngineError::Closed)
    ));
    let open = MediaCommand::OpenRoom { room };
    assert!(matches!(
        closed.engine.media(open),
        Err(EngineError::Closed)
    ));
    assert!(matches!(
        closed.engine.step(seconds(9)),
        Err(EngineError::Closed)
    ));
    // Ann's SIP socket and the two of her call.
    assert_eq!(world.network.sockets(), 3);
}
