//! What is said reliably and changed while a call rings (RFC 3262, RFC 3311), and what keeps it alive
//! afterwards (RFC 4028).

use sems_engine::{
    command::{SignalingCommand, StreamDirection},
    config::EngineConfig,
    event::{EndCause, Event},
    ids::CallId,
    transport::memory::LinkQuality,
};

use crate::{
    phone::{Phone, body, header, offer, tag_of},
    world::{ANN, BOB, World, seconds},
};

fn ring(call: CallId, early_media: bool, reliable: bool) -> SignalingCommand {
    SignalingCommand::Ring {
        call,
        code: 183,
        headers: Vec::new(),
        early_media,
        reliable,
        link: None,
    }
}

fn answer(call: CallId, link: Option<&str>) -> SignalingCommand {
    SignalingCommand::Answer {
        call,
        headers: Vec::new(),
        link: link.map(str::to_owned),
    }
}

fn hold(call: CallId, on: bool) -> SignalingCommand {
    let direction = match on {
        true => StreamDirection::SendOnly,
        false => StreamDirection::SendRecv,
    };
    SignalingCommand::Hold { call, direction }
}

/// The `o=` line.
fn origin(message: &str) -> &str {
    let mut lines = body(message).lines();
    lines.find(|line| line.starts_with("o=")).unwrap()
}

/// The PRACK to a response.
fn prack(phone: &Phone, call_id: &str, response: &str) {
    let rack = format!("RAck: {} 1 INVITE\r\n", header(response, "RSeq").unwrap());
    phone.request("PRACK", 2, call_id, Some(&tag_of(response)), &rack, "");
}

#[test]
fn a_caller_who_knows_it_gets_early_media_reliably_and_nothing_again() {
    let mut world = World::pair();
    let phone = Phone::new(&world, BOB);
    let rtp = phone.bind(4000);
    let invite = offer(rtp.local_addr());
    phone.request("INVITE", 1, "rel", None, "Supported: 100rel\r\n", &invite);
    let call = world.incoming(BOB).call;
    world.signaling(BOB, ring(call, true, false)).unwrap();
    let early = phone.expect(&mut world, "SIP/2.0 183");
    assert_eq!(header(&early, "Require"), Some("100rel"));
    world.order(BOB, answer(call, None));
    prack(&phone, "rel", &early);
    phone.expect(&mut world, "SIP/2.0 200 OK");
    let ok = phone.expect(&mut world, "SIP/2.0 200 OK");
    assert_eq!((header(&ok, "CSeq"), body(&ok)), (Some("1 INVITE"), ""));
    phone.request("ACK", 1, "rel", Some(&tag_of(&ok)), "", "");
    world.run(seconds(1));
    assert!(rtp.take().is_some(), "the leg is there");
    phone.request("BYE", 3, "rel", Some(&tag_of(&ok)), "", "");
    assert_eq!(world.end(BOB, call).0, EndCause::Remote);
    world.assert_nothing_left();
}

#[test]
fn who_does_not_know_it_is_not_rung_reliably() {
    let mut world = World::pair();
    let phone = Phone::new(&world, BOB);
    phone.request("INVITE", 1, "plain", None, "", &offer(phone.address()));
    let call = world.incoming(BOB).call;
    let error = world.signaling(BOB, ring(call, false, true)).unwrap_err();
    assert!(error.contains("does not know reliable"), "{error}");
    world.signaling(BOB, ring(call, true, false)).unwrap();
    let early = phone.expect(&mut world, "SIP/2.0 183");
    assert_eq!(header(&early, "RSeq"), None);
}

#[test]
fn an_offer_in_a_183_that_its_prack_does_not_answer_ends_the_call() {
    let mut world = World::pair();
    let phone = Phone::new(&world, BOB);
    phone.request("INVITE", 1, "mute", None, "Require: 100rel\r\n", "");
    let call = world.incoming(BOB).call;
    let ringing = world.order(BOB, ring(call, true, false));
    let early = phone.expect(&mut world, "SIP/2.0 183");
    assert!(body(&early).contains("m=audio"), "RFC 3262 §5");
    prack(&phone, "mute", &early);
    phone.expect(&mut world, "SIP/2.0 480");
    assert!(world.outcome(BOB, ringing).is_err());
    assert_eq!(world.end(BOB, call).0, EndCause::Error);
}

#[test]
fn either_side_holds_and_resumes_before_the_answer() {
    let mut world = World::pair();
    let here = world.dial(ANN, world.address(BOB), |_| ());
    let there = world.incoming(BOB).call;
    let error = world.signaling(ANN, hold(here, true)).unwrap_err();
    assert!(error.contains("not answered"), "{error}");
    world.signaling(BOB, ring(there, true, false)).unwrap();
    world.until(ANN, |event| {
        matches!(event, Event::Progress { .. }).then_some(())
    });
    world.run(seconds(1));
    for (who, call) in [(ANN, here), (BOB, there)] {
        world.signaling(who, hold(call, true)).unwrap();
        let (speaker, listener) = match who {
            ANN => ((BOB, there), (ANN, here)),
            _ => ((ANN, here), (BOB, there)),
        };
        assert_eq!(world.hears(speaker, listener, 440), None);
        world.signaling(who, hold(call, false)).unwrap();
        world.assert_talking(here, there);
    }
    world.answer(BOB, there).unwrap();
    world.assert_talking(here, there);
    world.hang_up(ANN, here);
    world.assert_nothing_left();
}

#[test]
fn an_offer_in_an_update_moves_the_sound_and_a_bad_one_moves_nothing() {
    let mut world = World::pair();
    let phone = Phone::new(&world, BOB);
    let (rtp, moved) = (phone.bind(4000), phone.bind(4100));
    phone.request("INVITE", 1, "move", None, "", &offer(rtp.local_addr()));
    let call = world.incoming(BOB).call;
    world.order(BOB, answer(call, None));
    let ok = phone.expect(&mut world, "SIP/2.0 200");
    let tag = tag_of(&ok);
    phone.request("ACK", 1, "move", Some(&tag), "", "");
    let changed = offer(moved.local_addr());
    phone.request("UPDATE", 2, "move", Some(&tag), "", &changed);
    let agreed = phone.expect(&mut world, "SIP/2.0 200");
    assert!(body(&agreed).contains("m=audio"));
    let bad = changed.replace("RTP/AVP 0 101", "RTP/AVP 18");
    phone.request("UPDATE", 3, "move", Some(&tag), "", &bad);
    phone.expect(&mut world, "SIP/2.0 488");
    world.run(seconds(1));
    while rtp.take().is_some() {}
    world.run(seconds(1));
    assert!(moved.take().is_some() && rtp.take().is_none());
    phone.request("BYE", 4, "move", Some(&tag), "", "");
    assert_eq!(world.end(BOB, call).0, EndCause::Remote);
    world.assert_nothing_left();
}

#[test]
fn a_refresh_by_reinvite_says_what_was_said_last_even_after_a_refused_hold() {
    let config = EngineConfig {
        session_expires: 90,
        ..EngineConfig::default()
    };
    let mut world = World::new(0, LinkQuality::default(), [config]);
    let phone = Phone::new(&world, ANN);
    let there = (phone.address().ip(), 4000).into();
    let call = world.dial(ANN, phone.address(), |_| ());
    let timer = "Session-Expires: 90;refresher=uac\r\n";
    let accept = |invite: &str, answer: &str| phone.respond_with(invite, "200 OK", timer, answer);
    let invite = phone.expect(&mut world, "INVITE");
    assert_eq!(header(&invite, "Session-Expires"), Some("90"));
    accept(&invite, &offer(there));
    phone.expect(&mut world, "ACK");
    let first = phone.expect(&mut world, "INVITE");
    assert_eq!(body(&first), body(&invite), "RFC 4028 §7.4");
    accept(&first, &offer(there));
    phone.expect(&mut world, "ACK");

    let holding = world.order(ANN, hold(call, true));
    let held = phone.expect(&mut world, "INVITE");
    phone.respond(&held, "488 Not Acceptable Here", "", "");
    phone.expect(&mut world, "ACK");
    assert!(world.outcome(ANN, holding).is_err());
    let second = phone.expect(&mut world, "INVITE");
    assert!(body(&second).contains("a=sendrecv"), "the hold was refused");
    assert_ne!(origin(&second), origin(&held));
    accept(&second, &offer(there));
    phone.expect(&mut world, "ACK");
    let third = phone.expect(&mut world, "INVITE");
    assert_eq!(body(&third), body(&second));
    accept(&third, &offer(there));
    phone.expect(&mut world, "ACK");
    world.hang_up(ANN, call);
    let bye = phone.expect(&mut world, "BYE");
    phone.respond(&bye, "200 OK", "", "");
    world.assert_nothing_left();
}

#[test]
fn a_call_that_nobody_answers_ends_with_its_own_limit() {
    let mut world = World::pair();
    let call = world.dial(ANN, world.address(BOB), |dial| {
        dial.ring_timeout = Some(seconds(20));
    });
    let there = world.incoming(BOB).call;
    let end = world.end(ANN, call);
    let reason = "no answer within 20 seconds".to_owned();
    assert_eq!(end, (EndCause::Timeout, Some(408), reason));
    assert_eq!(world.end(BOB, there).0, EndCause::Cancelled);
    world.assert_nothing_left();
}
