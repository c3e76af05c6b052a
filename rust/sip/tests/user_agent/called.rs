//! Being called.

use std::time::Duration;

use sems_sip::user_agent::{Cause, Content, Event, Reply};
use sems_sip::{Error, HeaderName, Headers, Message, StatusCode};

use crate::wire::{Wire, header, invite, numbered, request, to_tag};

fn answered(wire: &mut Wire) -> (sems_sip::user_agent::SessionId, String) {
    let session = wire.invited();
    let tag = to_tag(&wire.accept(session, Some(Content::sdp("answer"))));
    (session, tag)
}

fn confirmed(wire: &mut Wire) -> (sems_sip::user_agent::SessionId, String) {
    let (session, tag) = answered(wire);
    wire.acknowledge(&tag);
    (session, tag)
}

#[test]
fn a_200_has_what_a_dialog_needs() {
    let mut wire = Wire::new();
    wire.receive(&invite("Record-Route: <sip:p2;lr>, <sip:p1;lr>"));
    wire.said();
    let session = match &wire.told()[..] {
        [Event::Invite { session, .. }] => *session,
        other => panic!("{other:?}"),
    };
    let answer = Some(Content::sdp("answer"));
    wire.agent
        .accept(wire.now, session, Headers::new(), answer)
        .unwrap();
    wire.drain();
    let response = Message::Response(wire.response());
    let is = |name, value: &str| assert_eq!(header(&response, name), value);
    is(HeaderName::RecordRoute, "<sip:p2;lr>, <sip:p1;lr>");
    is(HeaderName::Contact, "<sip:room@192.0.2.2:5060>");
    is(
        HeaderName::Allow,
        "INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE",
    );
    is(HeaderName::ContentType, "application/sdp");
    is(
        HeaderName::Via,
        "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKinvite;rport=5060;received=192.0.2.1",
    );
}

#[test]
fn all_responses_have_the_same_to_tag() {
    let mut wire = Wire::new();
    let session = wire.invited();
    let mut tags = Vec::new();
    for status in [StatusCode::RINGING, StatusCode::SESSION_PROGRESS] {
        wire.agent
            .provisional(wire.now, session, Reply::new(status))
            .unwrap();
        wire.drain();
        tags.push(to_tag(&wire.response()));
    }
    wire.agent
        .accept(wire.now, session, Headers::new(), None)
        .unwrap();
    wire.drain();
    tags.push(to_tag(&wire.response()));
    assert!(tags.iter().all(|tag| *tag == tags[0]));
}

#[test]
fn a_repeated_invite_gets_the_last_response_again() {
    let mut wire = Wire::new();
    let session = wire.invited();
    wire.receive(&invite(""));
    assert_eq!(wire.said(), ["100"]);
    let ringing = Reply::new(StatusCode::RINGING);
    wire.agent.provisional(wire.now, session, ringing).unwrap();
    wire.drain();
    wire.receive(&invite(""));
    assert_eq!(wire.said(), ["180", "180"]);
    assert!(wire.told().is_empty());
    assert_eq!(wire.agent.counters().repetitions_received, 2);
}

#[test]
fn ringing_is_repeated_every_minute() {
    let mut wire = Wire::new();
    let session = wire.invited();
    let ringing = Reply::new(StatusCode::RINGING);
    wire.agent.provisional(wire.now, session, ringing).unwrap();
    wire.wait(Duration::from_secs(150));
    assert_eq!(wire.times_of("180"), [0, 60_000, 120_000]);
}

#[test]
fn an_invite_that_expires_is_answered_with_487() {
    let mut wire = Wire::new();
    wire.receive(&invite("Expires: 20"));
    wire.told();
    wire.sent.clear();
    wire.wait(Duration::from_secs(20));
    assert_eq!(wire.times_of("487"), [20_000]);
    assert!(matches!(
        &wire.told()[..],
        [Event::Terminated {
            cause: Cause::Timeout,
            ..
        }]
    ));
    wire.wait_for_the_end();
    assert!(wire.is_empty());
}

#[test]
fn an_invite_that_nobody_answers_is_refused_in_the_end() {
    for headers in ["", "Expires: 3600"] {
        let mut wire = Wire::new();
        wire.receive(&invite(headers));
        wire.told();
        wire.sent.clear();
        wire.wait(Duration::from_secs(300));
        assert_eq!(wire.times_of("480"), [300_000]);
        assert!(matches!(
            &wire.told()[..],
            [Event::Terminated {
                cause: Cause::Timeout,
                ..
            }]
        ));
        wire.wait_for_the_end();
        assert!(wire.is_empty());
    }
}

#[test]
fn a_200_is_repeated_until_the_ack_comes() {
    let mut wire = Wire::new();
    let (_, tag) = answered(&mut wire);
    wire.wait(Duration::from_secs(8));
    assert_eq!(wire.times_of("200"), [500, 1500, 3500, 7500]);
    wire.receive(&request("ACK", "z9hG4bKack", &tag, ""));
    wire.sent.clear();
    wire.wait(Duration::from_secs(60));
    assert!(wire.said().is_empty());
    assert_eq!(wire.agent.census().sessions, 1);
}

#[test]
fn the_ack_carries_the_answer_to_a_late_offer() {
    let mut wire = Wire::new();
    let (_, tag) = answered(&mut wire);
    let ack = request(
        "ACK",
        "z9hG4bKack",
        &tag,
        "Content-Type: application/sdp\n\nanswer",
    );
    wire.receive(&ack);
    match &wire.told()[..] {
        [Event::Confirmed { request, .. }] => assert_eq!(request.body, "answer"),
        other => panic!("{other:?}"),
    }
    // The ACK is told once.
    wire.receive(&ack);
    assert!(wire.told().is_empty());
}

#[test]
fn without_an_ack_the_call_ends_with_bye_after_64_t1() {
    let mut wire = Wire::new();
    answered(&mut wire);
    wire.wait(Duration::from_secs(32));
    assert_eq!(wire.times_of("BYE"), [32_000]);
    assert!(matches!(
        &wire.told()[..],
        [Event::Terminated {
            cause: Cause::NoAck,
            ..
        }]
    ));
    wire.wait_for_the_end();
    assert!(wire.is_empty());
}

#[test]
fn a_hang_up_before_the_ack_waits_for_it() {
    let mut wire = Wire::new();
    let (session, tag) = answered(&mut wire);
    wire.agent
        .hangup(wire.now, session, Headers::new())
        .unwrap();
    wire.drain();
    assert!(wire.said().is_empty(), "no BYE before the ACK (§15)");
    assert!(matches!(
        &wire.told()[..],
        [Event::Terminated {
            cause: Cause::Local,
            ..
        }]
    ));
    wire.wait(Duration::from_millis(600));
    assert_eq!(wire.said(), ["200"]);
    wire.receive(&request("ACK", "z9hG4bKack", &tag, ""));
    assert_eq!(wire.said(), ["BYE"]);
    wire.wait_for_the_end();
    assert!(wire.told().is_empty());
    assert!(wire.is_empty());
}

#[test]
fn a_bye_is_answered_and_told_with_its_reason() {
    let mut wire = Wire::new();
    let (session, tag) = confirmed(&mut wire);
    let reason = "Reason: Q.850;cause=16;text=\"Terminated\"";
    let bye = numbered(2, "BYE", "z9hG4bKbye", &tag, reason);
    wire.receive(&bye);
    assert_eq!(wire.said(), ["200"]);
    match &wire.told()[..] {
        [Event::Terminated { cause, .. }] => {
            assert_eq!(cause.reason().unwrap().cause(), Some(16));
        }
        other => panic!("{other:?}"),
    }
    wire.receive(&bye);
    assert_eq!(
        wire.said(),
        ["200"],
        "a repeated BYE is no BYE to an unknown dialog"
    );
    let again = wire.agent.hangup(wire.now, session, Headers::new());
    assert_eq!(again, Err(Error::Gone));
    wire.wait_for_the_end();
    assert!(wire.is_empty());
}

#[test]
fn byes_that_cross_are_both_answered() {
    let mut wire = Wire::new();
    let (session, tag) = confirmed(&mut wire);
    wire.agent
        .hangup(wire.now, session, Headers::new())
        .unwrap();
    wire.drain();
    wire.receive(&numbered(2, "BYE", "z9hG4bKbye", &tag, ""));
    assert_eq!(wire.said(), ["BYE", "200"]);
    assert!(matches!(
        &wire.told()[..],
        [Event::Terminated {
            cause: Cause::Local,
            ..
        }]
    ));
    wire.wait_for_the_end();
    assert!(wire.is_empty());
}

#[test]
fn a_cancelled_call_gets_200_and_487() {
    let mut wire = Wire::new();
    let session = wire.invited();
    wire.receive(&request(
        "CANCEL",
        "z9hG4bKinvite",
        "",
        "Reason: SIP;cause=200",
    ));
    assert_eq!(wire.said(), ["200", "487"]);
    match &wire.told()[..] {
        [
            Event::Terminated {
                cause: cause @ Cause::Cancelled(_),
                ..
            },
        ] => {
            assert_eq!(cause.reason().unwrap().cause(), Some(200));
        }
        other => panic!("{other:?}"),
    }
    let accepted = wire.agent.accept(wire.now, session, Headers::new(), None);
    assert_eq!(accepted, Err(Error::Gone));
    wire.receive(&request("CANCEL", "z9hG4bKinvite", "", ""));
    assert_eq!(
        wire.said(),
        ["200"],
        "the CANCEL again, while its INVITE is known"
    );
    wire.wait_for_the_end();
    assert!(wire.is_empty());
}

#[test]
fn a_cancel_that_comes_after_the_refusal_gets_a_200_with_the_tag_of_the_refusal() {
    let mut wire = Wire::new();
    let session = wire.invited();
    wire.agent
        .reject(wire.now, session, Reply::new(StatusCode::BUSY_HERE))
        .unwrap();
    wire.drain();
    let refusal = wire.response();
    wire.receive(&request("CANCEL", "z9hG4bKinvite", "", ""));
    let cancelled = wire.response();
    assert_eq!(cancelled.status, StatusCode::OK);
    assert_eq!(to_tag(&cancelled), to_tag(&refusal), "§9.2");
}

#[test]
fn a_cancel_that_comes_after_the_200_changes_nothing() {
    let mut wire = Wire::new();
    let (_, tag) = answered(&mut wire);
    wire.receive(&request("CANCEL", "z9hG4bKinvite", "", ""));
    assert_eq!(wire.said(), ["200"]);
    wire.receive(&request("ACK", "z9hG4bKack", &tag, ""));
    assert!(matches!(&wire.told()[..], [Event::Confirmed { .. }]));
}

#[test]
fn a_bye_from_a_caller_who_did_not_wait_ends_the_invite_with_487() {
    let mut wire = Wire::new();
    let session = wire.invited();
    let ringing = Reply::new(StatusCode::RINGING);
    wire.agent.provisional(wire.now, session, ringing).unwrap();
    wire.drain();
    let tag = to_tag(&wire.response());
    wire.receive(&numbered(2, "BYE", "z9hG4bKbye", &tag, ""));
    assert_eq!(wire.said(), ["200", "487"]);
    assert!(matches!(
        &wire.told()[..],
        [Event::Terminated {
            cause: Cause::Bye(_),
            ..
        }]
    ));
}

#[test]
fn a_refusal_says_what_the_layer_above_words() {
    let mut wire = Wire::new();
    let session = wire.invited();
    let mut headers = Headers::new();
    headers.push(HeaderName::Contact, "<sip:elsewhere@192.0.2.9>");
    let reply = Reply::new(StatusCode::MOVED_TEMPORARILY)
        .with_reason("Gone Fishing")
        .with_headers(headers);
    wire.agent.reject(wire.now, session, reply).unwrap();
    wire.drain();
    let response = wire.response();
    assert_eq!(&*response.reason, "Gone Fishing");
    let contact = header(&Message::Response(response), HeaderName::Contact);
    assert_eq!(contact, "<sip:elsewhere@192.0.2.9>");
    assert!(matches!(
        &wire.told()[..],
        [Event::Terminated {
            cause: Cause::Local,
            ..
        }]
    ));
    wire.wait_for_the_end();
    assert!(wire.is_empty());
}

#[test]
fn replies_of_the_wrong_class_are_errors() {
    let mut wire = Wire::new();
    let session = wire.invited();
    for status in [StatusCode::TRYING, StatusCode::OK] {
        let reply = Reply::new(status);
        let error = Err(Error::Status(status));
        assert_eq!(
            wire.agent.provisional(wire.now, session, reply.clone()),
            error
        );
        assert_eq!(wire.agent.reject(wire.now, session, reply), error);
    }
    assert_eq!(wire.agent.ack(wire.now, session, None), Err(Error::State));
    let again = wire.agent.reinvite(wire.now, session, Headers::new(), None);
    assert_eq!(again, Err(Error::State));
}

#[test]
fn a_reinvite_is_put_to_the_layer_above_and_its_answer_repeated_until_ack() {
    let mut wire = Wire::new();
    let (session, tag) = confirmed(&mut wire);
    wire.receive(&numbered(2, "INVITE", "z9hG4bKre", &tag, ""));
    assert_eq!(wire.said(), ["100"]);
    assert!(matches!(&wire.told()[..], [Event::Reinvite { .. }]));
    let answer = Some(Content::sdp("held"));
    let none = Headers::new();
    wire.agent
        .accept_reinvite(wire.now, session, none, answer)
        .unwrap();
    wire.wait(Duration::from_millis(700));
    assert_eq!(wire.said(), ["200", "200"]);
    wire.receive(&numbered(2, "ACK", "z9hG4bKre2", &tag, ""));
    assert!(matches!(&wire.told()[..], [Event::Confirmed { .. }]));
    wire.wait(Duration::from_secs(40));
    assert!(wire.said().is_empty());
}

#[test]
fn a_refused_reinvite_leaves_the_call_as_it_was() {
    let mut wire = Wire::new();
    let (session, tag) = confirmed(&mut wire);
    wire.receive(&numbered(2, "INVITE", "z9hG4bKre", &tag, ""));
    wire.said();
    let reply = Reply::new(StatusCode::NOT_ACCEPTABLE_HERE);
    wire.agent
        .reject_reinvite(wire.now, session, reply)
        .unwrap();
    wire.drain();
    assert_eq!(wire.said(), ["488"]);
    wire.receive(&numbered(2, "ACK", "z9hG4bKre", &tag, ""));
    wire.told();
    wire.wait(Duration::from_secs(60));
    assert!(wire.told().is_empty());
    assert_eq!(wire.agent.census().sessions, 1);
}

#[test]
fn a_second_reinvite_before_the_first_is_answered_gets_500_with_retry_after() {
    let mut wire = Wire::new();
    let (_, tag) = confirmed(&mut wire);
    wire.receive(&numbered(2, "INVITE", "z9hG4bKre", &tag, ""));
    wire.said();
    wire.receive(&numbered(3, "INVITE", "z9hG4bKre2", &tag, ""));
    let response = wire.response();
    assert_eq!(response.status.code(), 500);
    let seconds = header(&Message::Response(response), HeaderName::RetryAfter);
    assert!(seconds.parse::<u32>().unwrap() <= 10);
}

#[test]
fn a_reinvite_that_meets_ours_gets_491() {
    let mut wire = Wire::new();
    let (session, tag) = confirmed(&mut wire);
    wire.agent
        .reinvite(wire.now, session, Headers::new(), None)
        .unwrap();
    wire.drain();
    wire.receive(&numbered(2, "INVITE", "z9hG4bKre", &tag, ""));
    assert_eq!(wire.said(), ["INVITE", "491"]);
}

#[test]
fn a_cancelled_reinvite_leaves_the_call_up() {
    let mut wire = Wire::new();
    let (session, tag) = confirmed(&mut wire);
    wire.receive(&numbered(2, "INVITE", "z9hG4bKre", &tag, ""));
    wire.receive(&numbered(2, "CANCEL", "z9hG4bKre", &tag, ""));
    assert_eq!(wire.said(), ["100", "200", "487"]);
    assert!(matches!(
        &wire.told()[..],
        [Event::Reinvite { .. }, Event::ReinviteCancelled { .. }]
    ));
    let late = wire
        .agent
        .accept_reinvite(wire.now, session, Headers::new(), None);
    assert_eq!(late, Err(Error::State));
    assert_eq!(wire.agent.census().sessions, 1);
}

#[test]
fn a_request_with_an_old_cseq_gets_500() {
    let mut wire = Wire::new();
    let (_, tag) = confirmed(&mut wire);
    wire.receive(&numbered(5, "OPTIONS", "z9hG4bKo1", &tag, ""));
    wire.receive(&numbered(4, "OPTIONS", "z9hG4bKo2", &tag, ""));
    assert_eq!(wire.said(), ["200", "500"]);
    assert_eq!(wire.agent.census().sessions, 1);
}

#[test]
fn a_request_with_another_from_tag_is_not_in_the_dialog() {
    let mut wire = Wire::new();
    let (_, tag) = confirmed(&mut wire);
    let bye = numbered(2, "BYE", "z9hG4bKbye", &tag, "");
    wire.receive(&bye.replace(";tag=ann", ";tag=eve"));
    wire.receive(&bye.replace("call-1", "call-2"));
    assert_eq!(wire.said(), ["481", "481"]);
    assert!(wire.told().is_empty());
}
