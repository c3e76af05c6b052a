//! UPDATE (RFC 3311).

use std::time::Duration;

use sems_sip::header::RetryAfter;
use sems_sip::user_agent::{Cause, Content, Event, Reply, SessionId};
use sems_sip::{Error, HeaderName, Headers, Message, Method, Request, Response, StatusCode};

use crate::calling::{CONTACT, calling, connected};
use crate::wire::{Wire, flow, header, invite, numbered, reply, request, to_tag};

const ALLOW: &str = "Allow: INVITE, ACK, BYE, UPDATE\n";
const OFFER: &str = "Content-Type: application/sdp\n\noffer";

/// An UPDATE of the phone's in the dialog with this To tag.
fn update(sequence: u32, tag: &str, more: &str) -> String {
    let branch = format!("z9hG4bKupdate{sequence}");
    numbered(sequence, "UPDATE", &branch, tag, more)
}

/// A call that came with an offer and is up; our To tag.
fn called(wire: &mut Wire) -> (SessionId, String) {
    let session = wire.invited_by(&invite(&format!("{ALLOW}{OFFER}")));
    let tag = to_tag(&wire.accept(session, Some(Content::sdp("answer"))));
    wire.acknowledge(&tag);
    (session, tag)
}

fn answered(wire: &mut Wire, session: SessionId) -> Response {
    assert!(matches!(&wire.told()[..], [Event::Offer { .. }]));
    let answer = Content::sdp("answer");
    wire.agent
        .accept_offer(wire.now, session, Headers::new(), answer)
        .unwrap();
    wire.drain();
    wire.response()
}

fn offered(wire: &mut Wire, session: SessionId) -> Request {
    let offer = Some(Content::sdp("offer"));
    wire.agent
        .update(wire.now, session, Headers::new(), offer)
        .unwrap();
    wire.drain();
    wire.request()
}

#[test]
fn an_update_without_a_body_is_answered_at_once_and_refreshes_the_target() {
    let mut wire = Wire::new();
    let (session, tag) = called(&mut wire);
    let moved = update(2, &tag, "").replace("ann@192.0.2.1:5060", "ann@192.0.2.9:5070");
    wire.receive(&moved);
    let ok = Message::Response(wire.response());
    assert_eq!(
        header(&ok, HeaderName::Contact),
        "<sip:room@192.0.2.2:5060>"
    );
    assert!(header(&ok, HeaderName::Allow).contains("UPDATE"));
    assert!(wire.told().is_empty());
    wire.agent
        .hangup(wire.now, session, Headers::new())
        .unwrap();
    wire.drain();
    let (_, to, bye) = wire.sent.pop().unwrap();
    assert_eq!(to, flow("192.0.2.9:5070"));
    assert!(
        matches!(bye, Message::Request(bye) if bye.uri.to_string() == "sip:ann@192.0.2.9:5070")
    );
}

#[test]
fn an_offer_in_an_update_is_answered_in_its_200() {
    let mut wire = Wire::new();
    let (session, tag) = called(&mut wire);
    wire.receive(&update(2, &tag, OFFER));
    let ok = answered(&mut wire, session);
    assert_eq!((ok.status, &*ok.body), (StatusCode::OK, &b"answer"[..]));
    wire.receive(&update(2, &tag, OFFER));
    assert_eq!(wire.response(), ok, "a repetition gets the same");
}

#[test]
fn a_refused_offer_leaves_the_session_as_it_was() {
    let mut wire = Wire::new();
    let (session, tag) = called(&mut wire);
    wire.receive(&update(2, &tag, OFFER));
    wire.told();
    let no = Reply::new(StatusCode::NOT_ACCEPTABLE_HERE);
    wire.agent.reject_offer(wire.now, session, no).unwrap();
    wire.drain();
    assert_eq!(wire.said(), ["488"]);
    wire.receive(&update(3, &tag, OFFER));
    assert_eq!(answered(&mut wire, session).status, StatusCode::OK);
}

#[test]
fn a_second_update_before_the_answer_to_the_first_gets_500_with_retry_after() {
    let mut wire = Wire::new();
    let (session, tag) = called(&mut wire);
    wire.receive(&update(2, &tag, OFFER));
    wire.receive(&update(3, &tag, ""));
    let later = wire.response();
    assert_eq!(later.status, StatusCode::SERVER_INTERNAL_ERROR);
    let retry: RetryAfter = later.headers.require().unwrap();
    assert!(retry.seconds <= 10, "RFC 3311 §5.2");
    assert_eq!(answered(&mut wire, session).status, StatusCode::OK);
}

#[test]
fn offers_that_cross_both_get_491() {
    let mut wire = Wire::new();
    let (session, tag) = called(&mut wire);
    let ours = offered(&mut wire, session);
    wire.receive(&update(2, &tag, OFFER));
    assert_eq!(wire.said(), ["491"]);
    wire.receive(&update(3, &tag, ""));
    assert_eq!(wire.said(), ["200"], "one without an offer is no glare");
    wire.receive(&numbered(4, "INVITE", "z9hG4bKre", &tag, OFFER));
    assert_eq!(wire.said(), ["491"]);
    wire.told();
    wire.receive(&reply(&ours, "491 Request Pending", "", ""));
    match &wire.told()[..] {
        [Event::UpdateFailed { again: true, .. }] => {}
        other => panic!("{other:?}"),
    }
    let early = wire.agent.update(
        wire.now,
        session,
        Headers::new(),
        Some(Content::sdp("offer")),
    );
    assert_eq!(early, Err(Error::Pending));
    wire.wait(Duration::from_secs(2));
    assert!(matches!(&wire.told()[..], [Event::ReinviteDue { .. }]));
    wire.sent.clear();
    offered(&mut wire, session);
}

#[test]
fn no_offer_is_taken_before_the_first_has_its_answer() {
    let mut wire = Wire::new();
    let session = wire.invited_by(&invite(&format!("{ALLOW}{OFFER}")));
    let ringing = Reply::new(StatusCode::RINGING);
    wire.agent.provisional(wire.now, session, ringing).unwrap();
    wire.drain();
    let tag = to_tag(&wire.response());
    wire.receive(&update(2, &tag, OFFER));
    assert_eq!(wire.said(), ["500"]);
    wire.receive(&update(3, &tag, ""));
    assert_eq!(wire.said(), ["200"]);
    let ours = wire.agent.update(
        wire.now,
        session,
        Headers::new(),
        Some(Content::sdp("offer")),
    );
    assert_eq!(ours, Err(Error::Pending));
}

#[test]
fn both_sides_may_offer_while_it_rings_once_the_answer_is_acknowledged() {
    let mut wire = Wire::new();
    let session = wire.invited_by(&invite(&format!("{ALLOW}Supported: 100rel\n{OFFER}")));
    let early = Reply::new(StatusCode::SESSION_PROGRESS).with_content(Content::sdp("answer"));
    wire.agent.provisional(wire.now, session, early).unwrap();
    wire.drain();
    assert!(!wire.agent.can_update(session), "before the PRACK");
    let early = wire.response();
    let tag = to_tag(&early);
    let number = header(&Message::Response(early), HeaderName::RSeq);
    let rack = format!("RAck: {number} 1 INVITE");
    wire.receive(&numbered(2, "PRACK", "z9hG4bKprack", &tag, &rack));
    assert_eq!(wire.said(), ["200"]);
    assert!(matches!(&wire.told()[..], [Event::Reached { .. }]));
    wire.receive(&update(3, &tag, OFFER));
    assert_eq!(answered(&mut wire, session).body, "answer");
    assert!(wire.agent.can_update(session));
    let ours = offered(&mut wire, session);
    wire.receive(&reply(
        &ours,
        "200 OK",
        "",
        &format!("{CONTACT}\nContent-Type: application/sdp\n\nanswer"),
    ));
    assert!(matches!(&wire.told()[..], [Event::UpdateAnswered { .. }]));
}

#[test]
fn a_caller_may_update_a_call_that_rings() {
    let mut wire = Wire::new();
    let (session, invite) = calling(&mut wire);
    let early = format!(
        "{CONTACT}\n{ALLOW}Require: 100rel\nRSeq: 7\nContent-Type: application/sdp\n\nanswer"
    );
    wire.receive(&reply(&invite, "183 Session Progress", "bob", &early));
    let prack = wire.request();
    wire.receive(&reply(&prack, "200 OK", "", ""));
    wire.told();
    let ours = offered(&mut wire, session);
    assert!(header(&Message::Request(ours.clone()), HeaderName::To).ends_with(";tag=bob"));
    wire.receive(&reply(&ours, "488 Not Acceptable Here", "", ""));
    assert!(matches!(
        &wire.told()[..],
        [Event::UpdateFailed { again: false, .. }]
    ));
    wire.receive(&reply(&invite, "200 OK", "bob", CONTACT));
    assert_eq!(wire.said(), ["ACK"]);
}

#[test]
fn nothing_is_sent_in_a_dialog_that_the_peer_has_not_heard_of() {
    let mut wire = Wire::new();
    let session = wire.invited_by(&invite(&format!("{ALLOW}{OFFER}")));
    let early = wire.agent.update(wire.now, session, Headers::new(), None);
    assert_eq!(early, Err(Error::State));
}

#[test]
fn a_peer_that_does_not_take_it_gets_none() {
    let mut wire = Wire::new();
    let (session, _) = connected(&mut wire);
    let none = wire.agent.update(wire.now, session, Headers::new(), None);
    assert_eq!(none, Err(Error::Unsupported));
}

#[test]
fn a_dialog_that_is_gone_ends_the_call() {
    for answer in [Some("481 Call/Transaction Does Not Exist"), None] {
        let mut wire = Wire::new();
        let (session, _) = called(&mut wire);
        let ours = offered(&mut wire, session);
        match answer {
            Some(answer) => wire.receive(&reply(&ours, answer, "", "")),
            None => wire.wait(Duration::from_secs(32)),
        }
        assert!(matches!(
            &wire.told()[..],
            [Event::Terminated {
                cause: Cause::Rejected(_) | Cause::Timeout,
                ..
            }]
        ));
        assert_eq!(wire.said().last().unwrap(), "BYE");
        wire.wait_for_the_end();
        assert!(wire.is_empty());
    }
}

#[test]
fn a_hang_up_answers_an_offer_that_waits() {
    let mut wire = Wire::new();
    let (session, tag) = called(&mut wire);
    wire.receive(&update(2, &tag, OFFER));
    wire.agent
        .hangup(wire.now, session, Headers::new())
        .unwrap();
    wire.drain();
    assert_eq!(wire.said(), ["487", "BYE"]);
    wire.wait_for_the_end();
    assert!(wire.is_empty());
}

#[test]
fn an_update_outside_a_dialog_gets_481_and_one_with_another_body_415() {
    let mut wire = Wire::new();
    wire.receive(&request("UPDATE", "z9hG4bK1", "", ""));
    assert_eq!(wire.said(), ["481"]);
    let (_, tag) = called(&mut wire);
    wire.receive(&update(2, &tag, "Content-Type: text/plain\n\nhello"));
    assert_eq!(wire.said(), ["415"]);
    wire.receive(&update(3, &tag, ""));
    assert_eq!(wire.said(), ["200"]);
    wire.receive(&numbered(1, "UPDATE", "z9hG4bKlow", &tag, ""));
    assert_eq!(wire.said(), ["500"], "CSeq is out of order");
}

#[test]
fn methods_with_verbs_of_their_own_are_not_sent_as_others() {
    let mut wire = Wire::new();
    let (session, _) = called(&mut wire);
    for method in [Method::Update, Method::Prack] {
        let sent = wire
            .agent
            .request_in(wire.now, session, method.clone(), Headers::new(), None);
        assert_eq!(sent, Err(Error::Method(method)));
    }
}
