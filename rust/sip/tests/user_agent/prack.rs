//! Acknowledging what rings reliably (RFC 3262 §4).

use sems_sip::header::{CSeq, RAck};
use sems_sip::user_agent::{Content, Event, SessionId, UserAgentConfig};
use sems_sip::{HeaderName, Headers, Message, Method, Request};

use crate::calling::{CONTACT, calling, outgoing};
use crate::wire::{Wire, header, reply};

fn ringing(number: u32, more: &str) -> String {
    format!("{CONTACT}\nRequire: 100rel\nRSeq: {number}\n{more}")
}

fn invited_late(wire: &mut Wire) -> (SessionId, Request) {
    let session = wire.agent.invite(wire.now, outgoing(None)).unwrap();
    wire.drain();
    (session, wire.request())
}

#[test]
fn a_reliable_response_gets_its_prack_at_once() {
    let mut wire = Wire::new();
    let (_, invite) = calling(&mut wire);
    wire.receive(&reply(&invite, "180 Ringing", "bob", &ringing(7, "")));
    let prack = wire.request();
    assert_eq!(prack.method, Method::Prack);
    let rack: RAck = prack.headers.require().unwrap();
    assert_eq!(
        (rack.response, rack.sequence, rack.method),
        (7, 1, Method::Invite)
    );
    let cseq: CSeq = prack.headers.require().unwrap();
    assert_eq!(cseq.sequence, 2);
    let message = Message::Request(prack);
    assert!(header(&message, HeaderName::To).ends_with(";tag=bob"));
    assert!(matches!(
        &wire.told()[..],
        [Event::Progress {
            owes_prack: false,
            ..
        }]
    ));
}

#[test]
fn responses_are_taken_in_the_order_of_their_numbers_and_once() {
    let mut wire = Wire::new();
    let (_, invite) = calling(&mut wire);
    for (number, taken) in [
        (7, true),
        (7, false),
        (9, false),
        (8, true),
        (7, false),
        (9, true),
    ] {
        wire.receive(&reply(&invite, "180 Ringing", "bob", &ringing(number, "")));
        assert_eq!(wire.said().len(), usize::from(taken), "{number}");
        assert_eq!(wire.told().len(), usize::from(taken), "{number}");
    }
}

#[test]
fn each_branch_of_a_fork_counts_for_itself() {
    let mut wire = Wire::new();
    let (_, invite) = calling(&mut wire);
    for (tag, number) in [("bob", 7), ("carol", 5000), ("bob", 8), ("carol", 5001)] {
        wire.receive(&reply(&invite, "180 Ringing", tag, &ringing(number, "")));
        let prack = wire.request();
        let to = header(&Message::Request(prack), HeaderName::To);
        assert!(to.ends_with(tag), "{to}");
    }
}

#[test]
fn a_response_that_is_not_numbered_gets_none() {
    let mut wire = Wire::new();
    let (_, invite) = calling(&mut wire);
    for headers in [
        CONTACT.to_owned(),
        format!("{CONTACT}\nRSeq: 7"),
        ringing(0, ""),
    ] {
        wire.receive(&reply(&invite, "180 Ringing", "bob", &headers));
        assert!(wire.said().is_empty());
    }
}

#[test]
fn the_answer_to_an_offer_goes_into_the_prack_and_the_ack_says_nothing() {
    let mut wire = Wire::new();
    let (session, invite) = invited_late(&mut wire);
    let offer = ringing(7, "Content-Type: application/sdp\n\noffer");
    wire.receive(&reply(&invite, "183 Session Progress", "bob", &offer));
    assert!(wire.said().is_empty(), "no PRACK without the answer");
    match &wire.told()[..] {
        [
            Event::Progress {
                response,
                owes_prack: true,
                ..
            },
        ] => assert_eq!(response.body, "offer"),
        other => panic!("{other:?}"),
    }
    let answer = Some(Content::sdp("answer"));
    wire.agent.prack(wire.now, session, answer).unwrap();
    wire.drain();
    let prack = wire.request();
    assert_eq!(
        (&prack.method, &*prack.body),
        (&Method::Prack, &b"answer"[..])
    );
    wire.receive(&reply(&prack, "200 OK", "", ""));
    wire.receive(&reply(&invite, "200 OK", "bob", CONTACT));
    assert_eq!(wire.said(), ["ACK"], "everything has been said");
    assert!(matches!(&wire.told()[..], [Event::Accepted { .. }]));
}

#[test]
fn a_branch_that_has_ended_is_left() {
    let mut wire = Wire::new();
    let (session, invite) = calling(&mut wire);
    wire.receive(&reply(&invite, "180 Ringing", "bob", CONTACT));
    wire.receive(&reply(
        &invite,
        "199 Early Dialog Terminated",
        "bob",
        CONTACT,
    ));
    wire.told();
    let nowhere = wire.agent.update(wire.now, session, Headers::new(), None);
    assert_eq!(nowhere, Err(sems_sip::Error::State), "RFC 6228 §6");
}

#[test]
fn a_call_that_rings_too_long_is_taken_back() {
    use std::time::Duration;
    let mut wire = Wire::new();
    let mut invite = outgoing(None);
    invite.ring_timeout = Some(Duration::from_secs(180));
    wire.agent.invite(wire.now, invite).unwrap();
    wire.drain();
    let invite = wire.request();
    wire.receive(&reply(&invite, "180 Ringing", "bob", CONTACT));
    wire.told();
    wire.wait(Duration::from_secs(180));
    assert_eq!(wire.times_of("CANCEL"), [180_000]);
    match &wire.told()[..] {
        [Event::Terminated { cause, .. }] => {
            assert_eq!(cause.status().unwrap().code(), 408);
        }
        other => panic!("{other:?}"),
    }
    wire.wait_for_the_end();
    assert!(wire.is_empty());
}

#[test]
fn a_branch_that_accepts_too_late_is_left_with_a_number_that_it_has_not_had() {
    let mut wire = Wire::new();
    let (_, invite) = calling(&mut wire);
    for tag in ["bob", "carol"] {
        wire.receive(&reply(&invite, "180 Ringing", tag, &ringing(7, "")));
        let prack = wire.request();
        let cseq: CSeq = prack.headers.require().unwrap();
        assert_eq!(cseq.sequence, 2, "{tag}");
        wire.receive(&reply(&prack, "200 OK", tag, ""));
    }
    wire.receive(&reply(&invite, "200 OK", "bob", CONTACT));
    assert_eq!(wire.said(), ["ACK"]);
    wire.receive(&reply(&invite, "200 OK", "carol", CONTACT));
    let bye = match &wire.sent[..] {
        [(.., Message::Request(ack)), (.., Message::Request(bye))] if ack.method == Method::Ack => {
            bye
        }
        other => panic!("{other:?}"),
    };
    assert!(header(&Message::Request(bye.clone()), HeaderName::To).ends_with(";tag=carol"));
    let cseq: CSeq = bye.headers.require().unwrap();
    assert_eq!((cseq.sequence, cseq.method), (3, Method::Bye));
}

#[test]
fn a_call_is_taken_back_at_a_response_too_that_makes_no_dialog() {
    for (tag, routes) in [("", 0), ("bob", 33)] {
        let mut wire = Wire::new();
        let (session, invite) = calling(&mut wire);
        wire.agent
            .hangup(wire.now, session, Headers::new())
            .unwrap();
        wire.drain();
        assert!(wire.said().is_empty(), "nothing has come yet");
        let routes = "Record-Route: <sip:192.0.2.9;lr>\n".repeat(routes);
        wire.receive(&reply(&invite, "180 Ringing", tag, &ringing(7, &routes)));
        let cancel = wire.request();
        assert_eq!(cancel.method, Method::Cancel);
        wire.receive(&reply(&cancel, "200 OK", "bob", ""));
        wire.receive(&reply(&invite, "487 Request Terminated", "bob", ""));
        wire.wait_for_the_end();
        assert!(wire.is_empty());
    }
}

#[test]
fn a_prack_that_was_overtaken_is_sent_again_with_the_next_number() {
    let mut wire = Wire::with(UserAgentConfig {
        methods: vec![Method::Info],
        ..Default::default()
    });
    let (session, invite) = calling(&mut wire);
    wire.receive(&reply(&invite, "180 Ringing", "bob", &ringing(7, "")));
    let prack = wire.request();
    let late = reply(&prack, "500 CSeq Out of Order", "", "");
    wire.agent
        .request_in(wire.now, session, Method::Info, Headers::new(), None)
        .unwrap();
    wire.drain();
    wire.said();
    wire.receive(&late);
    let again = wire.request();
    assert_eq!(again.method, Method::Prack);
    assert_eq!(again.headers.require::<CSeq>().unwrap().sequence, 4);
    assert_eq!(
        again.headers.get(&HeaderName::RAck),
        prack.headers.get(&HeaderName::RAck)
    );
    assert_ne!(again.headers.top_via(), prack.headers.top_via());
    // Nothing has overtaken this one, so that another would fare no better.
    wire.receive(&reply(&again, "500 CSeq Out of Order", "", ""));
    assert!(wire.said().is_empty());
}
