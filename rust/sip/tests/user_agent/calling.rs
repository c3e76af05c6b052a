//! Calling.

use std::time::Duration;

use sems_sip::header::{CSeq, NameAddr};
use sems_sip::user_agent::{Cause, Content, Event, OutgoingRequest, SessionId, UserAgentConfig};
use sems_sip::{Error, HeaderName, Headers, Message, Method, Request, Uri};

use crate::wire::{PHONE, Wire, flow, from_tag, header, numbered, reply};

pub const CONTACT: &str = "Contact: <sip:bob@192.0.2.1:5060>";

pub fn outgoing(content: Option<Content>) -> OutgoingRequest {
    let uri: Uri = "sip:bob@192.0.2.1".parse().unwrap();
    let from: Uri = "sip:sems@192.0.2.2".parse().unwrap();
    let from = NameAddr::new(from).with_display_name("The \"Bridge\"");
    OutgoingRequest {
        content,
        ..OutgoingRequest::new(flow(PHONE), uri, from)
    }
}

/// Calls, and takes the INVITE.
pub fn calling(wire: &mut Wire) -> (SessionId, Request) {
    let offer = Some(Content::sdp("offer"));
    let session = wire.agent.invite(wire.now, outgoing(offer)).unwrap();
    wire.drain();
    (session, wire.request())
}

/// Calls and has it accepted; the INVITE.
pub fn connected(wire: &mut Wire) -> (SessionId, Request) {
    let (session, invite) = calling(wire);
    wire.receive(&reply(&invite, "200 OK", "bob", CONTACT));
    assert_eq!(wire.said(), ["ACK"]);
    assert!(matches!(&wire.told()[..], [Event::Accepted { .. }]));
    (session, invite)
}

/// A request of the callee's in the dialog that our INVITE opened.
pub fn from_callee(invite: &Request, sequence: u32, method: &str, branch: &str) -> String {
    let call_id = invite.headers.get(&HeaderName::CallId).unwrap();
    let tag = format!(";tag={}", from_tag(invite));
    numbered(sequence, method, branch, &tag, "")
        .replace("call-1", call_id)
        .replace(";tag=ann", ";tag=bob")
}

#[test]
fn what_a_uri_tells_who_makes_the_request_is_not_in_it() {
    let mut wire = Wire::new();
    let uri: Uri = "sip:bob@192.0.2.1;method=BYE;user=phone?Reason=SIP%3Bcause%3D302&Subject=x"
        .parse()
        .unwrap();
    let to = NameAddr::new(uri.clone());
    let call = OutgoingRequest {
        uri,
        to,
        ..outgoing(None)
    };
    wire.agent.invite(wire.now, call).unwrap();
    wire.drain();
    let invite = wire.request();
    assert_eq!(invite.uri.to_string(), "sip:bob@192.0.2.1;user=phone");
    let to = header(&Message::Request(invite), HeaderName::To);
    assert_eq!(to, "<sip:bob@192.0.2.1;user=phone>");
}

#[test]
fn an_invite_has_what_it_needs() {
    let mut wire = Wire::with(UserAgentConfig {
        product: "SEMS".into(),
        ..Default::default()
    });
    let (_, invite) = calling(&mut wire);
    assert_eq!(invite.uri.to_string(), "sip:bob@192.0.2.1");
    assert_eq!(invite.body, "offer");
    let from = format!(
        "\"The \\\"Bridge\\\"\" <sip:sems@192.0.2.2>;tag={}",
        from_tag(&invite)
    );
    let message = Message::Request(invite);
    let is = |name, value: &str| assert_eq!(header(&message, name), value);
    is(HeaderName::From, &from);
    is(HeaderName::To, "<sip:bob@192.0.2.1>");
    is(HeaderName::CSeq, "1 INVITE");
    is(HeaderName::MaxForwards, "70");
    is(HeaderName::Contact, "<sip:sems@192.0.2.2:5060>");
    is(
        HeaderName::Allow,
        "INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE",
    );
    is(HeaderName::ContentType, "application/sdp");
    is(HeaderName::UserAgent, "SEMS");
}

#[test]
fn what_is_passed_on_has_the_hops_that_the_layer_above_says() {
    for (said, sent) in [("0", "0"), ("41", "41"), ("many", "70")] {
        let mut wire = Wire::new();
        let mut invite = outgoing(None);
        invite.headers.push(HeaderName::MaxForwards, said);
        wire.agent.invite(wire.now, invite).unwrap();
        wire.drain();
        let message = Message::Request(wire.request());
        assert_eq!(header(&message, HeaderName::MaxForwards), sent);
    }
}

#[test]
fn an_invite_without_response_is_repeated_and_ends_with_timeout() {
    let mut wire = Wire::new();
    calling(&mut wire);
    wire.wait(Duration::from_secs(40));
    assert_eq!(
        wire.times_of("INVITE"),
        [500, 1500, 3500, 7500, 15_500, 31_500]
    );
    match &wire.told()[..] {
        [
            Event::Terminated {
                cause: cause @ Cause::Timeout,
                ..
            },
        ] => {
            assert_eq!(cause.status().unwrap().code(), 408);
        }
        other => panic!("{other:?}"),
    }
    assert!(wire.is_empty());
}

#[test]
fn a_transport_error_ends_it_at_once() {
    let mut wire = Wire::new();
    calling(&mut wire);
    wire.agent
        .transport_error(wire.now, flow("192.0.2.77:5060"));
    wire.drain();
    assert!(wire.told().is_empty(), "that was another neighbour");
    wire.agent.transport_error(wire.now, flow(PHONE));
    wire.drain();
    match &wire.told()[..] {
        [
            Event::Terminated {
                cause: cause @ Cause::Unreachable,
                ..
            },
        ] => {
            assert_eq!(cause.status().unwrap().code(), 503);
        }
        other => panic!("{other:?}"),
    }
    assert!(wire.is_empty());
}

#[test]
fn a_call_that_rings_for_ever_is_taken_back() {
    let mut wire = Wire::new();
    let (_, invite) = calling(&mut wire);
    wire.receive(&reply(&invite, "180 Ringing", "bob", CONTACT));
    wire.told();
    wire.wait(Duration::from_secs(299));
    assert!(wire.sent.is_empty() && wire.told().is_empty());
    wire.wait(Duration::from_secs(1));
    assert_eq!(wire.said(), ["CANCEL"]);
    assert!(matches!(
        &wire.told()[..],
        [Event::Terminated {
            cause: Cause::NoAnswer,
            ..
        }]
    ));
    wire.receive(&reply(&invite, "487 Request Terminated", "bob", ""));
    wire.wait_for_the_end();
    assert!(wire.is_empty());
}

#[test]
fn a_refusal_is_acknowledged_and_told() {
    let mut wire = Wire::new();
    let (_, invite) = calling(&mut wire);
    let busy = reply(&invite, "486 Busy Here", "bob", "");
    wire.receive(&busy);
    let ack = wire.request();
    assert_eq!(ack.method, Method::Ack);
    assert_eq!(ack.uri, invite.uri);
    let via = |request: &Request| header(&Message::Request(request.clone()), HeaderName::Via);
    assert_eq!(
        via(&ack),
        via(&invite),
        "it belongs to the INVITE's transaction"
    );
    let message = Message::Request(ack);
    assert_eq!(
        header(&message, HeaderName::To),
        "<sip:bob@192.0.2.1>;tag=bob"
    );
    assert_eq!(header(&message, HeaderName::CSeq), "1 ACK");
    match &wire.told()[..] {
        [Event::Terminated { cause, .. }] => assert_eq!(cause.status().unwrap().code(), 486),
        other => panic!("{other:?}"),
    }
    wire.receive(&busy);
    assert_eq!(wire.said(), ["ACK"], "again, as the first may be lost");
    assert!(wire.told().is_empty());
    wire.wait_for_the_end();
    assert!(wire.is_empty());
}

#[test]
fn every_200_gets_its_ack_even_when_the_call_is_over() {
    let mut wire = Wire::new();
    let (session, invite) = connected(&mut wire);
    let ok = reply(&invite, "200 OK", "bob", CONTACT);
    wire.receive(&ok);
    assert_eq!(wire.said(), ["ACK"]);
    wire.agent
        .hangup(wire.now, session, Headers::new())
        .unwrap();
    wire.drain();
    let bye = wire.request();
    wire.receive(&reply(&bye, "200 OK", "", ""));
    wire.receive(&ok);
    assert_eq!(wire.said(), ["ACK"]);
    wire.wait_for_the_end();
    assert!(wire.is_empty());
}

#[test]
fn the_answer_to_a_late_offer_goes_into_the_ack() {
    let mut wire = Wire::new();
    let session = wire.agent.invite(wire.now, outgoing(None)).unwrap();
    wire.drain();
    let invite = wire.request();
    let body = format!("{CONTACT}\nContent-Type: application/sdp\n\noffer");
    let ok = reply(&invite, "200 OK", "bob", &body);
    wire.receive(&ok);
    wire.receive(&ok);
    assert!(wire.said().is_empty(), "no ACK without the answer");
    match &wire.told()[..] {
        [Event::Accepted { response, .. }] => assert_eq!(response.body, "offer"),
        other => panic!("{other:?}"),
    }
    let answer = Some(Content::sdp("answer"));
    wire.agent.ack(wire.now, session, answer).unwrap();
    wire.drain();
    let ack = wire.request();
    assert_eq!(ack.body, "answer");
    wire.receive(&ok);
    assert_eq!(wire.request(), ack, "the same ACK to the same 200");
}

#[test]
fn an_ack_that_nobody_words_ends_the_call() {
    let mut wire = Wire::new();
    wire.agent.invite(wire.now, outgoing(None)).unwrap();
    wire.drain();
    let invite = wire.request();
    wire.receive(&reply(&invite, "200 OK", "bob", CONTACT));
    wire.told();
    wire.wait(Duration::from_secs(32));
    assert_eq!(wire.said()[..2], ["ACK", "BYE"]);
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
fn cancel_waits_for_a_provisional_response() {
    let mut wire = Wire::new();
    let (session, invite) = calling(&mut wire);
    let mut reason = Headers::new();
    reason.push(HeaderName::Reason, "SIP;cause=480");
    wire.agent.hangup(wire.now, session, reason).unwrap();
    wire.drain();
    assert!(wire.said().is_empty());
    assert!(matches!(
        &wire.told()[..],
        [Event::Terminated {
            cause: Cause::Local,
            ..
        }]
    ));
    wire.receive(&reply(&invite, "100 Trying", "", ""));
    let cancel = wire.request();
    assert_eq!(
        (&cancel.method, &cancel.uri),
        (&Method::Cancel, &invite.uri)
    );
    let same = [
        HeaderName::Via,
        HeaderName::From,
        HeaderName::To,
        HeaderName::CallId,
    ];
    for name in same {
        assert_eq!(
            cancel.headers.get(&name),
            invite.headers.get(&name),
            "{name}"
        );
    }
    let reason = cancel.headers.get(&HeaderName::Reason).unwrap();
    assert_eq!(reason, "SIP;cause=480");
    wire.receive(&reply(&cancel, "200 OK", "bob", ""));
    wire.receive(&reply(&invite, "487 Request Terminated", "bob", ""));
    assert_eq!(wire.said(), ["ACK"]);
    wire.wait_for_the_end();
    assert!(wire.told().is_empty());
    assert!(wire.is_empty());
}

#[test]
fn a_200_that_is_quicker_than_our_cancel_gets_ack_and_bye() {
    let mut wire = Wire::new();
    let (session, invite) = calling(&mut wire);
    wire.receive(&reply(&invite, "180 Ringing", "bob", CONTACT));
    wire.told();
    wire.agent
        .hangup(wire.now, session, Headers::new())
        .unwrap();
    wire.drain();
    assert_eq!(wire.said(), ["CANCEL"]);
    wire.receive(&reply(&invite, "200 OK", "bob", CONTACT));
    assert_eq!(wire.said(), ["ACK", "BYE"]);
    assert!(matches!(
        &wire.told()[..],
        [Event::Terminated {
            cause: Cause::Local,
            ..
        }]
    ));
    wire.wait_for_the_end();
    assert!(wire.told().is_empty());
    assert!(wire.is_empty());
}

#[test]
fn a_cancelled_invite_that_is_never_answered_is_forgotten() {
    let mut wire = Wire::new();
    let (session, invite) = calling(&mut wire);
    wire.receive(&reply(&invite, "180 Ringing", "bob", CONTACT));
    wire.agent
        .hangup(wire.now, session, Headers::new())
        .unwrap();
    wire.wait_for_the_end();
    assert!(wire.is_empty());
}

#[test]
fn a_fork_that_loses_gets_ack_and_bye() {
    let mut wire = Wire::new();
    let (_, invite) = connected(&mut wire);
    let second = reply(&invite, "200 OK", "carol", "Contact: <sip:carol@192.0.2.3>");
    wire.receive(&second);
    let sent = std::mem::take(&mut wire.sent);
    let [
        (_, to, Message::Request(ack)),
        (_, _, Message::Request(bye)),
    ] = &sent[..]
    else {
        panic!("{sent:?}");
    };
    assert_eq!(to.remote, "192.0.2.3:5060".parse().unwrap());
    assert_eq!((&ack.method, &bye.method), (&Method::Ack, &Method::Bye));
    assert_eq!(bye.uri.to_string(), "sip:carol@192.0.2.3");
    assert!(header(&Message::Request(bye.clone()), HeaderName::To).ends_with(";tag=carol"));
    wire.receive(&second);
    assert_eq!(wire.said(), ["ACK"], "only one BYE");
    assert!(wire.told().is_empty());
    assert_eq!(wire.agent.census().sessions, 1);
}

#[test]
fn requests_in_an_early_dialog_count_on_in_the_confirmed_one() {
    let mut wire = Wire::with(UserAgentConfig {
        methods: vec![Method::Info],
        ..Default::default()
    });
    let (session, invite) = calling(&mut wire);
    wire.receive(&reply(&invite, "180 Ringing", "bob", CONTACT));
    let none = Headers::new;
    wire.agent
        .request_in(wire.now, session, Method::Info, none(), None)
        .unwrap();
    wire.drain();
    wire.sent.clear();
    wire.receive(&reply(&invite, "200 OK", "bob", CONTACT));
    wire.sent.clear();
    wire.agent.hangup(wire.now, session, none()).unwrap();
    wire.drain();
    let sequence = wire.request().headers.require::<CSeq>().unwrap().sequence;
    assert_eq!(sequence, 3);
}

#[test]
fn progress_is_told_with_its_branch() {
    let mut wire = Wire::new();
    let (_, invite) = calling(&mut wire);
    wire.receive(&reply(&invite, "100 Trying", "", ""));
    assert!(wire.told().is_empty());
    for tag in ["bob", "carol"] {
        wire.receive(&reply(&invite, "183 Session Progress", tag, CONTACT));
        assert!(matches!(&wire.told()[..], [Event::Progress { .. }]));
    }
}

#[test]
fn a_hang_up_of_the_callee_is_answered_and_told() {
    let mut wire = Wire::new();
    let (_, invite) = connected(&mut wire);
    wire.receive(&from_callee(&invite, 77, "BYE", "z9hG4bKbye"));
    assert_eq!(wire.said(), ["200"]);
    assert!(matches!(
        &wire.told()[..],
        [Event::Terminated {
            cause: Cause::Bye(_),
            ..
        }]
    ));
    wire.wait_for_the_end();
    assert!(wire.is_empty());
}

#[test]
fn a_callee_who_can_not_be_reached_by_sip_is_acknowledged_and_left_the_way_of_the_invite() {
    for contact in ["", "Contact: <tel:+49301234567>\n"] {
        let mut wire = Wire::new();
        let (session, invite) = calling(&mut wire);
        wire.receive(&reply(&invite, "200 OK", "bob", contact));
        let ack = wire.request();
        assert_eq!((&ack.method, &ack.uri), (&Method::Ack, &invite.uri));
        assert!(matches!(&wire.told()[..], [Event::Accepted { .. }]));
        wire.agent
            .hangup(wire.now, session, Headers::new())
            .unwrap();
        wire.drain();
        let bye = wire.request();
        assert_eq!((&bye.method, &bye.uri), (&Method::Bye, &invite.uri));
        wire.receive(&reply(&bye, "200 OK", "bob", ""));
        wire.wait_for_the_end();
        assert!(wire.is_empty());
    }
}

#[test]
fn a_reinvite_is_answered_and_acknowledged() {
    let mut wire = Wire::new();
    let (session, _) = connected(&mut wire);
    let offer = Some(Content::sdp("hold"));
    wire.agent
        .reinvite(wire.now, session, Headers::new(), offer)
        .unwrap();
    wire.drain();
    let reinvite = wire.request();
    assert_eq!(
        header(&Message::Request(reinvite.clone()), HeaderName::CSeq),
        "2 INVITE"
    );
    let again = wire.agent.reinvite(wire.now, session, Headers::new(), None);
    assert_eq!(again, Err(Error::Pending));
    wire.receive(&reply(&reinvite, "200 OK", "", CONTACT));
    assert_eq!(wire.said(), ["ACK"]);
    assert!(matches!(&wire.told()[..], [Event::ReinviteAnswered { .. }]));
}

#[test]
fn a_refused_reinvite_leaves_the_call_up() {
    let mut wire = Wire::new();
    let (session, _) = connected(&mut wire);
    wire.agent
        .reinvite(wire.now, session, Headers::new(), None)
        .unwrap();
    wire.drain();
    let reinvite = wire.request();
    wire.receive(&reply(&reinvite, "488 Not Acceptable Here", "", ""));
    assert_eq!(wire.said(), ["ACK"]);
    assert!(matches!(&wire.told()[..], [Event::ReinviteFailed { .. }]));
    assert!(
        wire.agent
            .reinvite(wire.now, session, Headers::new(), None)
            .is_ok()
    );
}

#[test]
fn after_a_491_the_owner_of_the_call_id_waits_2_to_4_seconds() {
    let mut wire = Wire::new();
    let (session, _) = connected(&mut wire);
    wire.agent
        .reinvite(wire.now, session, Headers::new(), None)
        .unwrap();
    wire.drain();
    let reinvite = wire.request();
    wire.receive(&reply(&reinvite, "491 Request Pending", "", ""));
    assert!(matches!(&wire.told()[..], [Event::ReinviteFailed { .. }]));
    let early = wire.agent.reinvite(wire.now, session, Headers::new(), None);
    assert_eq!(early, Err(Error::Pending));
    wire.wait(Duration::from_millis(2090));
    assert!(wire.told().is_empty());
    wire.wait(Duration::from_millis(1910));
    assert!(matches!(&wire.told()[..], [Event::ReinviteDue { .. }]));
    assert!(
        wire.agent
            .reinvite(wire.now, session, Headers::new(), None)
            .is_ok()
    );
}

#[test]
fn a_dialog_that_the_peer_disowns_ends() {
    for answer in ["481 Call/Transaction Does Not Exist", "408 Request Timeout"] {
        let mut wire = Wire::new();
        let (session, _) = connected(&mut wire);
        wire.agent
            .reinvite(wire.now, session, Headers::new(), None)
            .unwrap();
        wire.drain();
        let reinvite = wire.request();
        wire.receive(&reply(&reinvite, answer, "", ""));
        assert_eq!(wire.said(), ["ACK", "BYE"]);
        assert!(matches!(
            &wire.told()[..],
            [Event::Terminated {
                cause: Cause::Rejected(_),
                ..
            }]
        ));
        wire.wait_for_the_end();
        assert!(wire.is_empty());
    }
}

#[test]
fn a_reinvite_accepted_after_our_bye_still_gets_its_ack() {
    let mut wire = Wire::new();
    let (session, _) = connected(&mut wire);
    wire.agent
        .reinvite(wire.now, session, Headers::new(), None)
        .unwrap();
    wire.drain();
    let reinvite = wire.request();
    wire.agent
        .hangup(wire.now, session, Headers::new())
        .unwrap();
    wire.drain();
    assert_eq!(wire.said(), ["BYE"]);
    wire.receive(&reply(&reinvite, "200 OK", "", CONTACT));
    assert_eq!(wire.said(), ["ACK"]);
    wire.wait_for_the_end();
    assert!(wire.is_empty());
}

#[test]
fn calls_beyond_the_limit_are_not_placed() {
    let mut wire = Wire::with(UserAgentConfig {
        max_sessions: 1,
        ..Default::default()
    });
    calling(&mut wire);
    let second = wire.agent.invite(wire.now, outgoing(None));
    assert_eq!(second, Err(Error::Limit));
}
