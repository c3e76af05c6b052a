//! Ringing reliably (RFC 3262 §3).

use std::time::Duration;

use sems_sip::user_agent::{Cause, Content, Event, Reliability, Reply, SessionId, UserAgentConfig};
use sems_sip::{Error, HeaderName, Headers, Message, Method, Response, StatusCode};

use crate::wire::{Wire, header, invite, numbered, request, to_tag};

const SUPPORTED: &str = "Supported: timer, 100rel\n";
const REQUIRED: &str = "Require: 100rel\n";
const OFFER: &str = "Content-Type: application/sdp\n\noffer";

fn ring(wire: &mut Wire, session: SessionId, body: Option<&'static str>) {
    let reply = match body {
        Some(body) => Reply::new(StatusCode::SESSION_PROGRESS).with_content(Content::sdp(body)),
        None => Reply::new(StatusCode::RINGING),
    };
    wire.agent.provisional(wire.now, session, reply).unwrap();
    wire.drain();
}

fn accept(wire: &mut Wire, session: SessionId) {
    let answer = Some(Content::sdp("answer"));
    wire.agent
        .accept(wire.now, session, Headers::new(), answer)
        .unwrap();
    wire.drain();
}

fn rseq(response: &Response) -> String {
    header(&Message::Response(response.clone()), HeaderName::RSeq)
}

/// The PRACK to a response, with this CSeq and further lines.
fn prack(response: &Response, sequence: u32, more: &str) -> String {
    let rack = format!("RAck: {} 1 INVITE\n{more}", rseq(response));
    let branch = format!("z9hG4bKprack{sequence}");
    numbered(sequence, "PRACK", &branch, &to_tag(response), &rack)
}

#[test]
fn a_response_with_a_body_is_repeated_at_doubling_intervals_until_its_prack() {
    let mut wire = Wire::new();
    let session = wire.invited_by(&invite(&format!("{SUPPORTED}{OFFER}")));
    ring(&mut wire, session, Some("answer"));
    let early = wire.response();
    assert_eq!(
        header(&Message::Response(early.clone()), HeaderName::Require),
        "100rel"
    );
    let number: u32 = rseq(&early).parse().unwrap();
    assert!((1..=1 << 31).contains(&number), "§3");
    wire.wait(Duration::from_secs(10));
    assert_eq!(wire.times_of("183"), [500, 1500, 3500, 7500]);
    wire.sent.clear();
    wire.receive(&prack(&early, 2, ""));
    assert_eq!(wire.said(), ["200"]);
    wire.wait(Duration::from_secs(40));
    assert!(wire.said().is_empty());
    // Nothing that must be decided: just that the caller hears us.
    assert!(matches!(&wire.told()[..], [Event::Reached { .. }]));
}

#[test]
fn a_repeated_prack_gets_its_200_again_and_another_one_481() {
    let mut wire = Wire::new();
    let session = wire.invited_by(&invite(REQUIRED));
    ring(&mut wire, session, None);
    let ringing = wire.response();
    let ack = prack(&ringing, 2, "");
    wire.receive(&ack);
    wire.receive(&ack);
    assert_eq!(wire.said(), ["200", "200"]);
    wire.receive(&prack(&ringing, 3, ""));
    assert_eq!(wire.said(), ["481"], "it was acknowledged before");
}

#[test]
fn a_prack_that_was_overtaken_is_refused_and_a_new_one_counts() {
    let mut wire = Wire::with(UserAgentConfig {
        methods: vec![Method::Info],
        ..Default::default()
    });
    let session = wire.invited_by(&invite(&format!("{SUPPORTED}{OFFER}")));
    ring(&mut wire, session, Some("answer"));
    let ringing = wire.response();
    // The PRACK was lost; an UPDATE and an INFO with higher numbers were not.
    let tag = to_tag(&ringing);
    wire.receive(&numbered(3, "UPDATE", "z9hG4bKupdate", &tag, ""));
    wire.receive(&numbered(4, "INFO", "z9hG4bKinfo", &tag, ""));
    wire.said();
    // Its number is too low now (RFC 3261 §12.2.2).
    wire.receive(&prack(&ringing, 2, ""));
    assert_eq!(wire.said(), ["500"]);
    wire.receive(&prack(&ringing, 5, ""));
    assert_eq!(wire.said(), ["200"]);
    wire.wait(Duration::from_secs(40));
    assert!(!wire.said().contains(&"504".to_owned()));
    accept(&mut wire, session);
    assert_eq!(wire.said(), ["200"]);
}

#[test]
fn a_prack_that_names_another_response_is_refused_and_acknowledges_nothing() {
    let mut wire = Wire::new();
    let session = wire.invited_by(&invite(REQUIRED));
    ring(&mut wire, session, None);
    let ringing = wire.response();
    let right = rseq(&ringing);
    for (sequence, rack, status) in [
        (
            2,
            format!("{} 1 INVITE", right.parse::<u32>().unwrap() - 1),
            "481",
        ),
        (3, format!("{right} 2 INVITE"), "481"),
        (4, format!("{right} 1 UPDATE"), "481"),
        (5, format!("{right} INVITE"), "400"),
    ] {
        let branch = format!("z9hG4bKprack{sequence}");
        let rack = format!("RAck: {rack}");
        let tag = to_tag(&ringing);
        wire.receive(&numbered(sequence, "PRACK", &branch, &tag, &rack));
        assert_eq!(wire.said(), [status], "{rack}");
    }
    wire.receive(&prack(&ringing, 6, ""));
    assert_eq!(wire.said(), ["200"]);
}

#[test]
fn responses_wait_for_the_prack_to_the_one_before_and_count_on() {
    let mut wire = Wire::new();
    let session = wire.invited_by(&invite(&format!("{REQUIRED}{OFFER}")));
    ring(&mut wire, session, None);
    ring(&mut wire, session, Some("answer"));
    let first = wire.response();
    wire.receive(&prack(&first, 2, ""));
    assert_eq!(wire.sent.len(), 2);
    let Message::Response(second) = wire.sent.pop().unwrap().2 else {
        panic!("a response follows the 200");
    };
    assert_eq!(second.status, StatusCode::SESSION_PROGRESS);
    let count = |response: &Response| rseq(response).parse::<u32>().unwrap();
    assert_eq!(count(&second), count(&first) + 1);
}

#[test]
fn too_many_that_wait_are_refused() {
    let mut wire = Wire::new();
    let session = wire.invited_by(&invite(REQUIRED));
    let ringing = || Reply::new(StatusCode::RINGING);
    for _ in 0..17 {
        wire.agent
            .provisional(wire.now, session, ringing())
            .unwrap();
    }
    let one_more = wire.agent.provisional(wire.now, session, ringing());
    assert_eq!(one_more, Err(Error::Limit));
}

#[test]
fn without_a_prack_the_invite_is_refused_after_64_t1() {
    let mut wire = Wire::new();
    let session = wire.invited_by(&invite(REQUIRED));
    ring(&mut wire, session, None);
    wire.wait(Duration::from_secs(32));
    assert_eq!(wire.times_of("504"), [32_000]);
    assert!(matches!(
        &wire.told()[..],
        [Event::Terminated {
            cause: Cause::NoPrack,
            ..
        }]
    ));
    wire.wait_for_the_end();
    assert!(wire.is_empty());
}

#[test]
fn a_200_waits_for_the_prack_to_a_body_and_does_not_say_it_again() {
    let mut wire = Wire::new();
    let session = wire.invited_by(&invite(&format!("{SUPPORTED}{OFFER}")));
    ring(&mut wire, session, Some("answer"));
    let early = wire.response();
    accept(&mut wire, session);
    assert!(wire.said().is_empty(), "§3");
    let again = wire.agent.accept(wire.now, session, Headers::new(), None);
    assert_eq!(again, Err(Error::State));
    wire.receive(&prack(&early, 2, ""));
    let sent = std::mem::take(&mut wire.sent);
    let [_, (_, _, Message::Response(ok))] = &sent[..] else {
        panic!("{sent:?}");
    };
    assert_eq!(ok.status, StatusCode::OK);
    assert!(ok.body.is_empty(), "RFC 6337 §2.2");
    wire.receive(&request("ACK", "z9hG4bKack", &to_tag(ok), ""));
    assert!(matches!(
        &wire.told()[..],
        [Event::Reached { .. }, Event::Confirmed { .. }]
    ));
}

#[test]
fn a_200_does_not_wait_for_a_prack_to_a_response_without_a_body() {
    let mut wire = Wire::new();
    let session = wire.invited_by(&invite(&format!("{REQUIRED}{OFFER}")));
    ring(&mut wire, session, None);
    let ringing = wire.response();
    accept(&mut wire, session);
    assert_eq!(wire.response().body, "answer");
    wire.wait(Duration::from_millis(600));
    assert_eq!(wire.said(), ["200"], "the 180 is not sent again (§3)");
    wire.receive(&prack(&ringing, 2, ""));
    assert_eq!(wire.said(), ["200"], "its PRACK was on its way");
}

#[test]
fn a_hang_up_or_a_cancel_ends_the_wait_for_a_prack() {
    for cancelled in [false, true] {
        let mut wire = Wire::new();
        let session = wire.invited_by(&invite(&format!("{SUPPORTED}{OFFER}")));
        ring(&mut wire, session, Some("answer"));
        accept(&mut wire, session);
        wire.said();
        if cancelled {
            wire.receive(&request("CANCEL", "z9hG4bKinvite", "", ""));
            assert_eq!(wire.said(), ["200", "487"]);
        } else {
            wire.agent
                .hangup(wire.now, session, Headers::new())
                .unwrap();
            wire.drain();
            assert_eq!(wire.said(), ["480"]);
        }
        wire.wait_for_the_end();
        assert!(wire.is_empty());
    }
}

#[test]
fn the_offer_may_come_in_the_183_and_the_answer_in_its_prack() {
    let mut wire = Wire::new();
    let session = wire.invited_by(&invite(SUPPORTED));
    ring(&mut wire, session, Some("offer"));
    let early = wire.response();
    wire.receive(&prack(&early, 2, "Content-Type: application/sdp\n\nanswer"));
    assert_eq!(wire.said(), ["200"]);
    match &wire.told()[..] {
        [Event::Reached { .. }, Event::Prack { request, .. }] => assert_eq!(request.body, "answer"),
        other => panic!("{other:?}"),
    }
    accept(&mut wire, session);
    assert!(wire.response().body.is_empty());
}

#[test]
fn a_prack_may_carry_a_new_offer_which_its_200_answers() {
    let mut wire = Wire::new();
    let session = wire.invited_by(&invite(&format!("{SUPPORTED}{OFFER}")));
    ring(&mut wire, session, Some("answer"));
    let early = wire.response();
    wire.receive(&prack(
        &early,
        2,
        "Content-Type: application/sdp\n\nanother",
    ));
    assert!(matches!(
        &wire.told()[..],
        [Event::Reached { .. }, Event::Offer { .. }]
    ));
    accept(&mut wire, session);
    assert!(wire.said().is_empty(), "the offer is to be answered first");
    let answer = Content::sdp("agreed");
    wire.agent
        .accept_offer(wire.now, session, Headers::new(), answer)
        .unwrap();
    wire.drain();
    let sent = std::mem::take(&mut wire.sent);
    let [
        (_, _, Message::Response(to_prack)),
        (_, _, Message::Response(to_invite)),
    ] = &sent[..]
    else {
        panic!("{sent:?}");
    };
    assert_eq!(to_prack.body, "agreed");
    assert!(to_invite.body.is_empty());
}

#[test]
fn a_new_offer_in_a_prack_does_not_cross_one_of_ours() {
    let mut wire = Wire::new();
    let allow = "Allow: INVITE, ACK, BYE, CANCEL, PRACK, UPDATE\n";
    let session = wire.invited_by(&invite(&format!("{allow}{SUPPORTED}{OFFER}")));
    ring(&mut wire, session, Some("answer"));
    let early = wire.response();
    wire.receive(&prack(&early, 2, ""));
    assert_eq!(wire.said(), ["200"]);
    let change = Some(Content::sdp("change"));
    let agent = &mut wire.agent;
    agent
        .update(wire.now, session, Headers::new(), change)
        .unwrap();
    let ringing = Reply::new(StatusCode::RINGING);
    agent
        .provisional_reliable(wire.now, session, ringing)
        .unwrap();
    wire.drain();
    let Some((_, _, Message::Response(early))) = wire.sent.pop() else {
        panic!("{:?}", wire.sent);
    };
    assert_eq!(wire.said(), ["UPDATE"]);
    wire.receive(&prack(&early, 3, OFFER));
    assert_eq!(wire.said(), ["491"]);
    assert!(!wire.agent.can_update(session), "ours still waits");
    // What the PRACK acknowledges it has acknowledged all the same.
    wire.wait(Duration::from_secs(5));
    assert!(wire.said().iter().all(|said| said == "UPDATE"));
}

#[test]
fn a_peer_that_does_not_know_them_gets_none() {
    let mut wire = Wire::new();
    let session = wire.invited();
    assert_eq!(wire.agent.reliability(session), Reliability::Unsupported);
    ring(&mut wire, session, Some("offer"));
    assert_eq!(rseq(&wire.response()), "");
    let ringing = Reply::new(StatusCode::RINGING);
    let wanted = wire.agent.provisional_reliable(wire.now, session, ringing);
    assert_eq!(wanted, Err(Error::Unsupported));
}

#[test]
fn what_is_wanted_reliably_is_where_the_peer_can() {
    let mut wire = Wire::new();
    let session = wire.invited_by(&invite(SUPPORTED));
    assert_eq!(wire.agent.reliability(session), Reliability::Supported);
    ring(&mut wire, session, None);
    assert_eq!(rseq(&wire.response()), "");
    let ringing = Reply::new(StatusCode::RINGING);
    wire.agent
        .provisional_reliable(wire.now, session, ringing)
        .unwrap();
    wire.drain();
    assert_ne!(rseq(&wire.response()), "");
}

#[test]
fn long_ringing_is_told_every_minute_by_a_new_response() {
    let mut wire = Wire::new();
    let session = wire.invited_by(&invite(REQUIRED));
    ring(&mut wire, session, None);
    let mut last = wire.response();
    for minute in 1..4u32 {
        wire.receive(&prack(&last, minute + 1, ""));
        wire.said();
        wire.wait(Duration::from_secs(60));
        let count = |response: &Response| rseq(response).parse::<u32>().unwrap();
        let before = count(&last);
        last = wire.response();
        assert_eq!((last.status.code(), count(&last)), (180, before + 1));
    }
}

#[test]
fn a_prack_that_comes_after_the_refusal_is_answered_once() {
    let mut wire = Wire::new();
    let session = wire.invited_by(&invite(REQUIRED));
    ring(&mut wire, session, None);
    let ringing = wire.response();
    let busy = Reply::new(StatusCode::BUSY_HERE);
    wire.agent.reject(wire.now, session, busy).unwrap();
    wire.drain();
    wire.said();
    wire.receive(&prack(&ringing, 2, ""));
    assert_eq!(wire.said(), ["200"], "it was on its way (§3)");
    wire.receive(&prack(&ringing, 3, ""));
    assert_eq!(wire.said(), ["481"]);
}

#[test]
fn what_follows_a_reliable_response_does_not_overtake_it() {
    let mut wire = Wire::new();
    let session = wire.invited_by(&invite(&format!("{SUPPORTED}{OFFER}")));
    ring(&mut wire, session, Some("answer"));
    ring(&mut wire, session, None);
    let early = wire.response();
    wire.receive(&prack(&early, 2, ""));
    assert_eq!(wire.said(), ["200", "180"]);
}
