//! We subscribe at others.

use std::time::Duration;

use sems_sip::header::NameAddr;
use sems_sip::user_agent::{Event, OutgoingRequest, SubscriptionEnd, SubscriptionId};
use sems_sip::{HeaderName, Request, Uri};

use super::{ends, of, wire};
use crate::wire::{PHONE, Wire, flow, from_tag, reply};

fn subscribing(wire: &mut Wire) -> (SubscriptionId, Request) {
    let uri: Uri = "sip:bob@192.0.2.1".parse().unwrap();
    let from: Uri = "sip:sems@192.0.2.2".parse().unwrap();
    let outgoing = OutgoingRequest::new(flow(PHONE), uri, NameAddr::new(from));
    let id = wire
        .agent
        .subscribe(wire.now, outgoing, "dialog", 600)
        .unwrap();
    wire.drain();
    (id, wire.request())
}

/// A NOTIFY of Bob's, with this tag of his, in the dialog that `subscribe` opens.
fn notify_of(subscribe: &Request, sequence: u32, tag: &str, state: &str) -> String {
    let call_id = of(subscribe, HeaderName::CallId);
    format!(
        "NOTIFY sip:sems@192.0.2.2 SIP/2.0\n\
         Via: SIP/2.0/UDP {PHONE};branch=z9hG4bKnotify{sequence}{tag}\n\
         From: <sip:bob@192.0.2.1>;tag={tag}\n\
         To: <sip:sems@192.0.2.2>;tag={}\n\
         Call-ID: {call_id}\n\
         CSeq: {sequence} NOTIFY\n\
         Contact: <sip:bob@{PHONE}>\n\
         Event: dialog\n\
         Subscription-State: {state}\n",
        from_tag(subscribe),
    )
}

const CONTACT: &str = "Contact: <sip:bob@192.0.2.1:5060>\nExpires: 600\n";

#[test]
fn only_a_notify_is_within_a_dialog_that_is_not_open_yet() {
    let mut wire = wire();
    let (_, subscribe) = subscribing(&mut wire);
    let mine = notify_of(&subscribe, 1, "bob", "active");
    let mine = mine
        .replace("NOTIFY", "SUBSCRIBE")
        .replace("Event: dialog", "Event: conference");
    wire.receive(&mine);
    assert_eq!(wire.said(), ["481"]);
    wire.receive(&notify_of(&subscribe, 2, "bob", "active;expires=600"));
    assert_eq!(wire.said(), ["200"]);
}

#[test]
fn a_subscription_is_refreshed_before_its_time_is_over() {
    let mut wire = wire();
    let (_, subscribe) = subscribing(&mut wire);
    assert_eq!(of(&subscribe, HeaderName::Event), "dialog");
    assert_eq!(of(&subscribe, HeaderName::Expires), "600");
    wire.receive(&reply(&subscribe, "200 OK", "bob", CONTACT));
    wire.receive(&notify_of(&subscribe, 1, "bob", "active;expires=600"));
    assert_eq!(wire.said(), ["200"]);
    match &wire.told()[..] {
        [Event::Subscribing { .. }, Event::Notified { .. }] => {}
        other => panic!("{other:?}"),
    }
    wire.wait(Duration::from_secs(560));
    let refresh = wire.request();
    assert_eq!(of(&refresh, HeaderName::CSeq), "2 SUBSCRIBE");
    assert!(of(&refresh, HeaderName::To).ends_with(";tag=bob"));
    wire.receive(&reply(&refresh, "200 OK", "", CONTACT));
    wire.wait(Duration::from_secs(559));
    assert!(wire.said().is_empty());
}

#[test]
fn a_notify_may_come_before_the_answer_and_one_branch_of_a_fork_counts() {
    let mut wire = wire();
    let (id, subscribe) = subscribing(&mut wire);
    wire.receive(&notify_of(&subscribe, 1, "bob", "active"));
    wire.receive(&notify_of(&subscribe, 1, "eve", "active"));
    assert_eq!(wire.said(), ["200", "481"]);
    wire.receive(&reply(&subscribe, "200 OK", "bob", CONTACT));
    wire.agent.unsubscribe(wire.now, id).unwrap();
    wire.drain();
    let last = wire.request();
    assert_eq!(of(&last, HeaderName::Expires), "0");
    assert_eq!(of(&last, HeaderName::CSeq), "2 SUBSCRIBE");
    wire.receive(&reply(&last, "200 OK", "", "Expires: 0\n"));
    wire.receive(&notify_of(
        &subscribe,
        2,
        "bob",
        "terminated;reason=timeout",
    ));
    assert_eq!(wire.said(), ["200"]);
    assert_eq!(ends(&mut wire), [SubscriptionEnd::Terminated]);
    wire.receive(&notify_of(&subscribe, 3, "bob", "active"));
    assert_eq!(wire.said(), ["481"]);
    wire.wait_for_the_end();
    assert!(wire.is_empty());
}

#[test]
fn a_refused_subscription_is_over() {
    let mut wire = wire();
    let (_, subscribe) = subscribing(&mut wire);
    wire.receive(&reply(&subscribe, "489 Bad Event", "bob", ""));
    assert_eq!(ends(&mut wire), [SubscriptionEnd::Refused]);
    wire.wait_for_the_end();
    assert!(wire.is_empty());
}

#[test]
fn a_subscription_that_is_too_brief_from_the_first_is_asked_for_again_for_longer() {
    let mut wire = wire();
    let (_, subscribe) = subscribing(&mut wire);
    let brief = "423 Interval Too Brief";
    wire.receive(&reply(&subscribe, brief, "x", "Min-Expires: 900\n"));
    let again = wire.request();
    assert_eq!(of(&again, HeaderName::Expires), "900");
    assert_eq!(of(&again, HeaderName::CSeq), "2 SUBSCRIBE");
    for name in [HeaderName::CallId, HeaderName::From, HeaderName::Contact] {
        assert_eq!(of(&again, name.clone()), of(&subscribe, name));
    }
    assert_ne!(of(&again, HeaderName::Via), of(&subscribe, HeaderName::Via));
    assert!(wire.told().is_empty());
    wire.receive(&reply(&again, "200 OK", "bob", CONTACT));
    wire.receive(&notify_of(&again, 1, "bob", "active;expires=900"));
    assert_eq!(wire.said(), ["200"]);
    wire.wait(Duration::from_secs(860));
    assert_eq!(of(&wire.request(), HeaderName::CSeq), "3 SUBSCRIBE");
    // Who never has enough, or says nothing better, is believed.
    let (_, subscribe) = subscribing(&mut wire);
    wire.receive(&reply(&subscribe, brief, "x", "Min-Expires: 500\n"));
    assert_eq!(ends(&mut wire), [SubscriptionEnd::Refused]);
}

#[test]
fn an_answer_without_a_notify_is_no_subscription() {
    let mut wire = wire();
    let (_, subscribe) = subscribing(&mut wire);
    wire.receive(&reply(&subscribe, "200 OK", "bob", CONTACT));
    wire.wait(Duration::from_secs(31));
    assert!(ends(&mut wire).is_empty());
    wire.wait(Duration::from_secs(2));
    assert_eq!(ends(&mut wire), [SubscriptionEnd::Silent]);
    let (_, subscribe) = subscribing(&mut wire);
    wire.wait(Duration::from_secs(33));
    assert_eq!(ends(&mut wire), [SubscriptionEnd::Silent]);
    drop(subscribe);
    wire.wait_for_the_end();
    assert!(wire.is_empty());
}

#[test]
fn a_notifier_that_moves_is_asked_where_it_is() {
    let mut wire = wire();
    let (id, subscribe) = subscribing(&mut wire);
    wire.receive(&reply(&subscribe, "200 OK", "bob", CONTACT));
    let moved = notify_of(&subscribe, 1, "bob", "active;expires=600");
    wire.receive(&moved.replace("Contact: <sip:bob@192.0.2.1", "Contact: <sip:bob@192.0.2.8"));
    assert_eq!(wire.said(), ["200"]);
    let nowhere = notify_of(&subscribe, 2, "bob", "active;expires=600");
    wire.receive(&nowhere.replace("<sip:bob@192.0.2.1:5060>", "<tel:+49301234567>"));
    assert_eq!(wire.said(), ["200"], "what it tells counts");
    wire.agent.unsubscribe(wire.now, id).unwrap();
    wire.drain();
    let (_, to, _) = wire.sent[0];
    assert_eq!(to, flow("192.0.2.8:5060"));
    assert_eq!(wire.request().uri.to_string(), "sip:bob@192.0.2.8:5060");
}

#[test]
fn a_refresh_that_is_too_brief_is_repeated_with_more_and_a_lost_one_ends_it() {
    let mut wire = wire();
    let (_, subscribe) = subscribing(&mut wire);
    wire.receive(&reply(&subscribe, "200 OK", "bob", CONTACT));
    wire.receive(&notify_of(&subscribe, 1, "bob", "active;expires=60"));
    wire.said();
    wire.wait(Duration::from_secs(45));
    let refresh = wire.request();
    wire.receive(&reply(
        &refresh,
        "423 Interval Too Brief",
        "",
        "Min-Expires: 900\n",
    ));
    let refresh = wire.request();
    assert_eq!(of(&refresh, HeaderName::Expires), "900");
    wire.receive(&reply(
        &refresh,
        "481 Call/Transaction Does Not Exist",
        "",
        "",
    ));
    assert_eq!(ends(&mut wire), [SubscriptionEnd::Refused]);
}
