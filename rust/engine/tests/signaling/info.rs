//! Keys by INFO, for peers that take no telephone events.

use std::time::Duration;

use sems_engine::command::{DigitWay, SignalingCommand};

use crate::{
    phone::{Phone, body, description, header, tag_of},
    world::{BOB, World},
};

/// A phone that knows no telephone events is in a call with Bob; its name there.
fn without_events(world: &mut World) -> (Phone, sems_engine::ids::CallId, String) {
    let phone = Phone::new(world, BOB);
    let here = (phone.address().ip(), 4000).into();
    let offer = description(here, "m=audio PORT RTP/AVP 0\r\n");
    phone.request("INVITE", 1, "old", None, "", &offer);
    let call = world.incoming(BOB).call;
    let headers = Vec::new();
    let link = None;
    world.order(
        BOB,
        SignalingCommand::Answer {
            call,
            headers,
            link,
        },
    );
    let tag = tag_of(&phone.expect(world, "SIP/2.0 200"));
    phone.request("ACK", 1, "old", Some(&tag), "", "");
    (phone, call, tag)
}

fn digit(call: sems_engine::ids::CallId, way: DigitWay) -> SignalingCommand {
    press(call, "5", way)
}

fn press(call: sems_engine::ids::CallId, digits: &str, way: DigitWay) -> SignalingCommand {
    let digits = digits.to_owned();
    SignalingCommand::SendDigits { call, digits, way }
}

/// The next key that the phone is told of, which it takes, and when that was.
fn next_key(phone: &Phone, world: &mut World, status: &str) -> (String, Duration) {
    let info = phone.expect(world, "INFO");
    let at = world.now;
    let key = body(&info).lines().next().unwrap().to_owned();
    phone.respond(&info, status, "", "");
    (key, at)
}

#[test]
fn keys_go_by_info_where_no_telephone_events_were_agreed_on() {
    let mut world = World::pair();
    let (phone, call, _) = without_events(&mut world);
    let request = world.order(BOB, digit(call, DigitWay::Agreed));
    let info = phone.expect(&mut world, "INFO");
    assert_eq!(
        header(&info, "Content-Type"),
        Some("application/dtmf-relay")
    );
    assert_eq!(body(&info), "Signal=5\r\nDuration=100\r\n");
    phone.respond(&info, "200 OK", "", "");
    world.outcome(BOB, request).unwrap();
}

#[test]
fn keys_go_by_info_one_after_the_other_with_the_time_that_a_hand_takes() {
    let mut world = World::pair();
    let (phone, call, _) = without_events(&mut world);
    let request = world.order(BOB, press(call, "5#", DigitWay::Info));
    let other = world.order(BOB, press(call, "1", DigitWay::Info));
    let (key, first) = next_key(&phone, &mut world, "200 OK");
    assert_eq!(key, "Signal=5");
    let (key, second) = next_key(&phone, &mut world, "200 OK");
    assert_eq!(key, "Signal=#");
    let between = (second - first).as_millis();
    assert!((180..=250).contains(&between), "{between} ms");
    world.outcome(BOB, request).unwrap();

    let info = phone.expect(&mut world, "INFO");
    for _ in 0..4 {
        // It is repeated, but nothing else is sent while it isn't answered.
        world.run(Duration::from_millis(300));
        assert!(phone.take().iter().all(|again| *again == info));
    }
    phone.respond(&info, "200 OK", "", "");
    world.outcome(BOB, other).unwrap();
    world.run(Duration::from_secs(1));
    let request = world.order(BOB, press(call, "2", DigitWay::Info));
    let asked = world.now;
    let (_, at) = next_key(&phone, &mut world, "200 OK");
    assert!(
        at - asked < Duration::from_millis(50),
        "nothing was pressed"
    );
    world.outcome(BOB, request).unwrap();
}

#[test]
fn a_key_that_is_refused_ends_its_command_and_a_call_that_ends_all() {
    let mut world = World::pair();
    let (phone, call, tag) = without_events(&mut world);
    let first = world.order(BOB, press(call, "56", DigitWay::Info));
    let second = world.order(BOB, press(call, "78", DigitWay::Info));
    let third = world.order(BOB, press(call, "9", DigitWay::Info));
    next_key(&phone, &mut world, "488 Not Acceptable Here");
    let error = world.outcome(BOB, first).unwrap_err();
    assert_eq!(error, "the peer refused: 488 Not Acceptable Here");
    let (key, _) = next_key(&phone, &mut world, "200 OK");
    assert_eq!(key, "Signal=7");
    phone.request("BYE", 2, "old", Some(&tag), "", "");
    for request in [second, third] {
        let error = world.outcome(BOB, request).unwrap_err();
        assert!(error.starts_with("the call is over"), "{error}");
    }
}

#[test]
fn a_peer_that_refuses_the_info_is_told_of() {
    let mut world = World::pair();
    let (phone, call, _) = without_events(&mut world);
    let request = world.order(BOB, digit(call, DigitWay::Info));
    let info = phone.expect(&mut world, "INFO");
    phone.respond(&info, "415 Unsupported Media Type", "", "");
    let error = world.outcome(BOB, request).unwrap_err();
    assert_eq!(error, "the peer refused: 415 Unsupported Media Type");
    let error = world
        .signaling(BOB, digit(call, DigitWay::Rtp))
        .unwrap_err();
    assert!(
        error.ends_with("did not agree on telephone-event"),
        "{error}"
    );
}

#[test]
fn a_key_before_there_is_a_leg_is_a_digit_all_the_same() {
    let mut world = World::pair();
    let phone = Phone::new(&world, BOB);
    phone.request("INVITE", 1, "early", None, "", "");
    let call = world.incoming(BOB).call;
    let headers = Vec::new();
    world.order(
        BOB,
        SignalingCommand::Ring {
            call,
            code: 180,
            headers,
            early_media: false,
            reliable: false,
            link: None,
        },
    );
    let tag = tag_of(&phone.expect(&mut world, "SIP/2.0 180"));
    let info = phone.text("INFO", 2, "early", Some(&tag), "", "Signal=#\r\n");
    phone.send(&info.replace("application/sdp", "application/dtmf-relay"));
    phone.expect(&mut world, "SIP/2.0 200");
    let told = world.until(BOB, |event| match event {
        sems_engine::event::Event::Digit { digit, .. } => Some(*digit),
        _ => None,
    });
    assert_eq!(told, '#');
}
