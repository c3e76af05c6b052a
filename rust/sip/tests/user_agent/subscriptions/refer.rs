//! What comes of a REFER (RFC 3515), ours and a peer's.

use std::time::Duration;

use sems_sip::user_agent::{Event, Reply, SessionId, SubscriptionEnd, SubscriptionId};
use sems_sip::{HeaderName, Headers, Message, Request, StatusCode};

use super::{ends, notified, of, wire};
use crate::wire::{Wire, header, numbered, reply, request, to_tag};

fn in_call(wire: &mut Wire) -> (SessionId, String) {
    let session = wire.invited();
    wire.agent
        .accept(wire.now, session, Headers::new(), None)
        .unwrap();
    wire.drain();
    let tag = to_tag(&wire.response());
    wire.receive(&request("ACK", "z9hG4bKack", &tag, ""));
    wire.told();
    (session, tag)
}

/// A NOTIFY within the call of what came of our REFER.
fn outcome(sequence: u32, tag: &str, refer: &Request, state: &str, fragment: &str) -> String {
    let id = of(refer, HeaderName::CSeq).replace(" REFER", "");
    let headers = format!(
        "Event: refer;id={id}\nSubscription-State: {state}\n\
         Content-Type: message/sipfrag\n\n{fragment}\n"
    );
    numbered(
        sequence,
        "NOTIFY",
        &format!("z9hG4bKn{sequence}"),
        tag,
        &headers,
    )
}

#[test]
fn what_comes_of_our_refer_is_told_even_after_the_call() {
    let mut wire = wire();
    let (session, tag) = in_call(&mut wire);
    let mut headers = Headers::new();
    headers.push(HeaderName::ReferTo, "<sip:carol@192.0.2.3>");
    let id = wire.agent.refer(wire.now, session, headers).unwrap();
    wire.drain();
    let refer = wire.request();
    assert_eq!(of(&refer, HeaderName::ReferTo), "<sip:carol@192.0.2.3>");
    wire.receive(&reply(&refer, "202 Accepted", "", ""));
    wire.receive(&outcome(
        2,
        &tag,
        &refer,
        "active;expires=60",
        "SIP/2.0 100 Trying",
    ));
    wire.receive(&numbered(3, "BYE", "z9hG4bKbye", &tag, ""));
    assert_eq!(wire.said(), ["200", "200"]);
    wire.receive(&outcome(
        4,
        &tag,
        &refer,
        "terminated;reason=noresource",
        "SIP/2.0 200 OK",
    ));
    assert_eq!(wire.said(), ["200"]);
    match &wire.told()[..] {
        [
            Event::Subscribing { .. },
            Event::Notified { .. },
            Event::Terminated { .. },
            Event::Notified { id: of, request },
            Event::SubscriptionEnded { .. },
        ] => {
            assert_eq!(*of, id);
            assert!(request.body.starts_with(b"SIP/2.0 200 OK"));
        }
        other => panic!("{other:?}"),
    }
    wire.wait_for_the_end();
    assert!(wire.is_empty());
}

#[test]
fn a_refer_whose_peer_tells_nothing_ends_with_its_answer() {
    let mut wire = wire();
    let (session, _) = in_call(&mut wire);
    let mut headers = Headers::new();
    headers.push(HeaderName::ReferTo, "<sip:carol@192.0.2.3>");
    headers.push(HeaderName::ReferSub, "false");
    wire.agent.refer(wire.now, session, headers).unwrap();
    wire.drain();
    let refer = wire.request();
    wire.receive(&reply(&refer, "200 OK", "", "Refer-Sub: false\n"));
    assert_eq!(ends(&mut wire), [SubscriptionEnd::Terminated]);
}

#[test]
fn a_refer_without_any_notify_ends_in_time() {
    let mut wire = wire();
    let (session, _) = in_call(&mut wire);
    let mut headers = Headers::new();
    headers.push(HeaderName::ReferTo, "<sip:carol@192.0.2.3>");
    wire.agent.refer(wire.now, session, headers).unwrap();
    wire.drain();
    let refer = wire.request();
    wire.receive(&reply(&refer, "202 Accepted", "", ""));
    wire.wait(Duration::from_secs(181));
    assert_eq!(ends(&mut wire), [SubscriptionEnd::Expired]);
}

fn referred(wire: &mut Wire, text: &str) -> Option<SubscriptionId> {
    wire.receive(text);
    let id = match &wire.told()[..] {
        [Event::Request { id, .. }] => *id,
        other => panic!("{other:?}"),
    };
    let accepted = wire.agent.accept_refer(wire.now, id).unwrap();
    wire.drain();
    accepted
}

#[test]
fn a_refer_that_is_accepted_is_told_what_came_of_it_even_after_the_call() {
    let mut wire = wire();
    let (_, tag) = in_call(&mut wire);
    let refer = numbered(
        2,
        "REFER",
        "z9hG4bKrefer",
        &tag,
        "Refer-To: <sip:carol@192.0.2.3>\n",
    );
    let id = referred(&mut wire, &refer).unwrap();
    let Message::Response(accepted) = wire.sent.remove(0).2 else {
        panic!()
    };
    assert_eq!(accepted.status, StatusCode::ACCEPTED);
    let trying = notified(&mut wire, "200 OK");
    assert_eq!(of(&trying, HeaderName::Event), "refer;id=2");
    assert_eq!(
        of(&trying, HeaderName::SubscriptionState),
        "active;expires=300"
    );
    assert_eq!(
        of(&trying, HeaderName::ContentType),
        "message/sipfrag;version=2.0"
    );
    assert_eq!(trying.body, "SIP/2.0 100 Trying\r\n");
    wire.receive(&numbered(3, "BYE", "z9hG4bKbye", &tag, ""));
    assert_eq!(wire.said(), ["200"]);
    wire.agent
        .notify_refer(wire.now, id, StatusCode::BUSY_HERE, "Busy Here")
        .unwrap();
    wire.drain();
    let last = notified(&mut wire, "200 OK");
    assert_eq!(
        of(&last, HeaderName::SubscriptionState),
        "terminated;reason=noresource"
    );
    assert_eq!(last.body, "SIP/2.0 486 Busy Here\r\n");
    assert_eq!(of(&last, HeaderName::CSeq), "2 NOTIFY");
    assert_eq!(ends(&mut wire), [SubscriptionEnd::Terminated]);
    wire.wait_for_the_end();
    assert!(wire.is_empty());
}

#[test]
fn who_wants_no_subscription_gets_none() {
    let mut wire = wire();
    let (_, tag) = in_call(&mut wire);
    let refer = "Refer-To: <sip:carol@192.0.2.3>\nRefer-Sub: false\n";
    let refer = numbered(2, "REFER", "z9hG4bKrefer", &tag, refer);
    assert_eq!(referred(&mut wire, &refer), None);
    let accepted = Message::Response(wire.response());
    assert_eq!(header(&accepted, HeaderName::ReferSub), "false");
    assert_eq!(header(&accepted, HeaderName::Contact), OUR_CONTACT);
}

/// What a 2xx has to say (RFC 3515 §2.2).
const OUR_CONTACT: &str = "<sip:room@192.0.2.2:5060>";

#[test]
fn a_2xx_of_the_layer_above_says_where_we_are() {
    let refer = "Refer-To: <sip:carol@192.0.2.3>\n";
    for in_dialog in [true, false] {
        let mut wire = wire();
        let tag = match in_dialog {
            true => in_call(&mut wire).1,
            false => String::new(),
        };
        for (sequence, status, contact) in [
            (2, StatusCode::ACCEPTED, OUR_CONTACT),
            (3, StatusCode::DECLINE, ""),
        ] {
            let branch = format!("z9hG4bKrefer{sequence}");
            wire.receive(&numbered(sequence, "REFER", &branch, &tag, refer));
            let id = match &wire.told()[..] {
                [Event::Request { id, .. }] => *id,
                other => panic!("{other:?}"),
            };
            wire.agent
                .respond(wire.now, id, Reply::new(status))
                .unwrap();
            wire.drain();
            let response = Message::Response(wire.response());
            assert_eq!(header(&response, HeaderName::Contact), contact);
        }
    }
}

fn outside_any_call() -> String {
    let headers = "Refer-To: <sip:carol@192.0.2.3>\n";
    request("REFER", "z9hG4bKrefer", "", headers)
}

#[test]
fn a_refer_that_can_open_no_dialog_is_refused() {
    let mut wire = wire();
    let refer = outside_any_call();
    wire.receive(&refer.replace("Contact: <sip:ann@192.0.2.1:5060>\n", ""));
    let refusal = wire.response();
    assert_eq!(&*refusal.reason, "Bad Request (missing Contact)");
    assert!(wire.told().is_empty());
}

#[test]
fn a_refer_outside_any_call_opens_a_dialog_of_its_own() {
    let mut wire = wire();
    let refer = outside_any_call();
    let id = referred(&mut wire, &refer).unwrap();
    let Message::Response(accepted) = wire.sent.remove(0).2 else {
        panic!()
    };
    let tag = to_tag(&accepted);
    let trying = notified(&mut wire, "200 OK");
    assert_eq!(of(&trying, HeaderName::Event), "refer");
    assert!(of(&trying, HeaderName::From).ends_with(&tag));
    wire.agent
        .notify_refer(wire.now, id, StatusCode::OK, "OK")
        .unwrap();
    wire.drain();
    notified(&mut wire, "200 OK");
    wire.wait_for_the_end();
    assert!(wire.is_empty());
}
