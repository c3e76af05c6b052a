//! Peers subscribe at us.

use std::time::Duration;

use sems_sip::user_agent::{Event, NotifyState, SubscriptionEnd, SubscriptionId};
use sems_sip::{HeaderName, Headers, Message, StatusCode};

use super::{EVENT, ends, granted, mails, notified, notify, of, subscribed, wire};
use crate::wire::{Wire, flow, header, numbered, request};

#[test]
fn what_can_be_subscribed_to_is_told_where_a_session_is_opened() {
    let mut wire = wire();
    let packages = "message-summary, dialog, conference";
    wire.receive(&request("OPTIONS", "z9hG4bKoptions", "", ""));
    let options = Message::Response(wire.response());
    assert_eq!(header(&options, HeaderName::AllowEvents), packages);
    let session = wire.invited();
    let ok = Message::Response(wire.accept(session, None));
    assert_eq!(header(&ok, HeaderName::AllowEvents), packages);
}

#[test]
fn a_subscriber_is_granted_its_time_and_notified_at_once() {
    let mut wire = wire();
    let headers = format!("{EVENT}Expires: 100000\n");
    wire.receive(&request("SUBSCRIBE", "z9hG4bKsub", "", &headers));
    let id = match &wire.told()[..] {
        [
            Event::Subscribed {
                id, expires: 3600, ..
            },
        ] => *id,
        other => panic!("{other:?}"),
    };
    notify(&mut wire, id, NotifyState::Active, mails(2));
    let ok = wire.sent.remove(0).2;
    assert_eq!(header(&ok, HeaderName::Expires), "3600");
    assert_eq!(
        header(&ok, HeaderName::Contact),
        "<sip:room@192.0.2.2:5060>"
    );
    let first = notified(&mut wire, "200 OK");
    assert_eq!(of(&first, HeaderName::Event), "message-summary");
    assert_eq!(
        of(&first, HeaderName::SubscriptionState),
        "active;expires=3600"
    );
    assert_eq!(first.body, "Voice-Message: 2/0\r\n");
    assert_eq!(of(&first, HeaderName::CSeq), "1 NOTIFY");
    assert_eq!(first.uri.to_string(), "sip:ann@192.0.2.1:5060");
}

#[test]
fn a_slow_layer_above_is_spoken_for() {
    let mut wire = wire();
    subscribed(&mut wire, 600);
    wire.wait(Duration::from_millis(199));
    assert!(wire.said().is_empty());
    wire.wait(Duration::from_millis(1));
    granted(&mut wire);
    wire.wait(Duration::from_millis(1999));
    assert!(wire.said().is_empty());
    wire.wait(Duration::from_millis(1));
    let first = notified(&mut wire, "200 OK");
    assert_eq!(
        of(&first, HeaderName::SubscriptionState),
        "pending;expires=597"
    );
    assert!(first.body.is_empty());
}

#[test]
fn a_word_that_comes_after_the_grant_is_the_first() {
    let mut wire = wire();
    let id = subscribed(&mut wire, 600);
    wire.wait(Duration::from_millis(1900));
    granted(&mut wire);
    assert!(wire.said().is_empty());
    notify(&mut wire, id, NotifyState::Active, mails(1));
    assert!(!notified(&mut wire, "200 OK").body.is_empty());
    wire.wait(Duration::from_secs(10));
    assert!(wire.said().is_empty());
}

#[test]
fn what_can_not_be_subscribed_to_is_refused() {
    let mut wire = wire();
    let mut refused = |headers: &str, name| {
        wire.receive(&request("SUBSCRIBE", "z9hG4bKsub", "", headers));
        let refusal = wire.response();
        assert!(wire.told().is_empty());
        let status = refusal.status.code();
        (status, header(&Message::Response(refusal), name))
    };
    let packages = || "message-summary, dialog, conference".to_owned();
    assert_eq!(refused("", HeaderName::AllowEvents), (489, packages()));
    let unknown = refused("Event: presence\n", HeaderName::AllowEvents);
    assert_eq!(unknown, (489, packages()));
    let brief = refused("Event: dialog\nExpires: 59\n", HeaderName::MinExpires);
    assert_eq!(brief, (423, "60".to_owned()));
}

#[test]
fn a_refresh_is_answered_with_what_was_notified_last() {
    let mut wire = wire();
    let id = subscribed(&mut wire, 60);
    notify(&mut wire, id, NotifyState::Active, mails(1));
    let tag = granted(&mut wire);
    notified(&mut wire, "200 OK");
    wire.wait(Duration::from_secs(50));
    let headers = format!("{EVENT}Expires: 120\n");
    wire.receive(&numbered(2, "SUBSCRIBE", "z9hG4bKrefresh", &tag, &headers));
    assert_eq!(
        wire.sent
            .remove(0)
            .2
            .headers()
            .get(&HeaderName::Expires)
            .unwrap(),
        "120"
    );
    let again = notified(&mut wire, "200 OK");
    assert_eq!(
        of(&again, HeaderName::SubscriptionState),
        "active;expires=120"
    );
    assert_eq!(again.body, "Voice-Message: 1/0\r\n");
    wire.wait(Duration::from_secs(119));
    assert!(
        wire.said().is_empty(),
        "the old time does not count any more"
    );
    wire.wait(Duration::from_secs(1));
    let last = notified(&mut wire, "200 OK");
    assert_eq!(
        of(&last, HeaderName::SubscriptionState),
        "terminated;reason=timeout"
    );
    assert_eq!(ends(&mut wire), [SubscriptionEnd::Expired]);
    wire.wait_for_the_end();
    assert!(wire.is_empty());
}

#[test]
fn who_leaves_gets_the_last_word() {
    let mut wire = wire();
    let id = subscribed(&mut wire, 600);
    notify(&mut wire, id, NotifyState::Active, mails(1));
    let tag = granted(&mut wire);
    notified(&mut wire, "200 OK");
    let headers = format!("{EVENT}Expires: 0\n");
    wire.receive(&numbered(2, "SUBSCRIBE", "z9hG4bKleave", &tag, &headers));
    wire.sent.remove(0);
    let last = notified(&mut wire, "200 OK");
    assert_eq!(
        of(&last, HeaderName::SubscriptionState),
        "terminated;reason=timeout"
    );
    assert_eq!(ends(&mut wire), [SubscriptionEnd::Left]);
    wire.wait_for_the_end();
    assert!(wire.is_empty());
}

#[test]
fn a_single_look_is_answered_once() {
    let mut wire = wire();
    let id = subscribed(&mut wire, 0);
    notify(&mut wire, id, NotifyState::Active, mails(3));
    granted(&mut wire);
    let only = notified(&mut wire, "200 OK");
    assert_eq!(
        of(&only, HeaderName::SubscriptionState),
        "terminated;reason=timeout"
    );
    assert_eq!(only.body, "Voice-Message: 3/0\r\n");
    assert_eq!(ends(&mut wire), [SubscriptionEnd::Expired]);
}

fn rejected() -> NotifyState {
    NotifyState::Terminated {
        reason: "rejected".into(),
        retry_after: None,
    }
}

#[test]
fn who_may_not_subscribe_is_refused() {
    for expires in [600, 0] {
        let mut wire = wire();
        let id = subscribed(&mut wire, expires);
        notify(&mut wire, id, rejected(), None);
        let refusal = wire.response();
        assert_eq!(refusal.status, StatusCode::FORBIDDEN);
        let contact = refusal.headers.get(&HeaderName::Contact);
        assert_eq!(contact, None, "there is no dialog");
        assert_eq!(ends(&mut wire), [SubscriptionEnd::Terminated]);
        wire.wait_for_the_end();
        assert!(wire.is_empty());
    }
}

#[test]
fn who_may_not_subscribe_any_more_is_told_why() {
    let mut wire = wire();
    let id = subscribed(&mut wire, 600);
    wire.wait(Duration::from_millis(200));
    granted(&mut wire);
    notify(&mut wire, id, rejected(), None);
    let last = notified(&mut wire, "200 OK");
    let state = of(&last, HeaderName::SubscriptionState);
    assert_eq!(state, "terminated;reason=rejected");
    assert_eq!(ends(&mut wire), [SubscriptionEnd::Terminated]);
}

#[test]
fn a_repeated_subscribe_waits_for_the_answer_too() {
    let mut wire = wire();
    let id = subscribed(&mut wire, 600);
    let headers = format!("{EVENT}Expires: 600\n");
    wire.receive(&request("SUBSCRIBE", "z9hG4bKsub", "", &headers));
    assert!(wire.said().is_empty() && wire.told().is_empty());
    notify(&mut wire, id, NotifyState::Active, mails(1));
    granted(&mut wire);
    notified(&mut wire, "200 OK");
    wire.receive(&request("SUBSCRIBE", "z9hG4bKsub", "", &headers));
    assert_eq!(wire.said(), ["200"]);
}

#[test]
fn a_subscriber_that_is_gone_is_forgotten() {
    let mut wire = wire();
    let id = subscribed(&mut wire, 600);
    notify(&mut wire, id, NotifyState::Active, mails(1));
    granted(&mut wire);
    notified(&mut wire, "481 Call/Transaction Does Not Exist");
    assert_eq!(ends(&mut wire), [SubscriptionEnd::Refused]);
    let id = subscribed_again(&mut wire);
    notify(&mut wire, id, NotifyState::Active, mails(1));
    granted(&mut wire);
    wire.wait(Duration::from_secs(33));
    assert_eq!(ends(&mut wire), [SubscriptionEnd::Silent]);
    wire.wait_for_the_end();
    assert!(wire.is_empty());
}

fn subscribed_again(wire: &mut Wire) -> SubscriptionId {
    let headers = format!("{EVENT}Expires: 300\n");
    let text = request("SUBSCRIBE", "z9hG4bKagain", "", &headers).replace("call-1", "call-2");
    wire.receive(&text);
    match &wire.told()[..] {
        [Event::Subscribed { id, .. }] => *id,
        other => panic!("{other:?}"),
    }
}

#[test]
fn no_notify_overtakes_another() {
    let mut wire = wire();
    let id = subscribed(&mut wire, 600);
    for count in 1..=3 {
        notify(&mut wire, id, NotifyState::Active, mails(count));
    }
    granted(&mut wire);
    let first = notified(&mut wire, "200 OK");
    assert_eq!(first.body, "Voice-Message: 1/0\r\n");
    let last = notified(&mut wire, "200 OK");
    assert_eq!(
        last.body, "Voice-Message: 3/0\r\n",
        "what is old by then is left out"
    );
    assert!(wire.said().is_empty());
}

/// The subscriber is told the document of this number.
fn numbered_notify(
    wire: &mut Wire,
    id: SubscriptionId,
    number: u32,
) -> Result<(), sems_sip::Error> {
    let content = mails(number).unwrap();
    let told = wire
        .agent
        .notify_numbered(wire.now, id, Headers::new(), content);
    wire.drain();
    told
}

#[test]
fn what_is_numbered_is_never_left_out() {
    let mut wire = wire();
    let id = subscribed(&mut wire, 600);
    numbered_notify(&mut wire, id, 1).unwrap();
    granted(&mut wire);
    let busy = numbered_notify(&mut wire, id, 2);
    assert!(matches!(busy, Err(sems_sip::Error::State)));
    assert_eq!(notified(&mut wire, "200 OK").body, "Voice-Message: 1/0\r\n");
    assert!(wire.said().is_empty());
    numbered_notify(&mut wire, id, 2).unwrap();
    assert_eq!(notified(&mut wire, "200 OK").body, "Voice-Message: 2/0\r\n");
}

#[test]
fn what_is_numbered_is_never_repeated() {
    let mut wire = wire();
    let id = subscribed(&mut wire, 600);
    numbered_notify(&mut wire, id, 1).unwrap();
    let tag = granted(&mut wire);
    notified(&mut wire, "200 OK");
    // A refresh that is answered from above, one that is not, and the end.
    for (sequence, number) in [(2, Some(2)), (3, None)] {
        let branch = format!("z9hG4bKrefresh{sequence}");
        let headers = format!("{EVENT}Expires: 600\n");
        wire.receive(&numbered(sequence, "SUBSCRIBE", &branch, &tag, &headers));
        assert_eq!(wire.response().status, StatusCode::OK);
        assert!(matches!(&wire.told()[..], [Event::Refreshed { id: who }] if *who == id));
        match number {
            Some(number) => numbered_notify(&mut wire, id, number).unwrap(),
            None => {
                wire.wait(Duration::from_millis(1999));
                assert!(wire.said().is_empty());
                wire.wait(Duration::from_millis(1));
            }
        }
        let told = notified(&mut wire, "200 OK");
        assert!(of(&told, HeaderName::SubscriptionState).starts_with("active;"));
        let body = number.map_or(String::new(), |number| {
            format!("Voice-Message: {number}/0\r\n")
        });
        assert_eq!(told.body, body);
    }
    let headers = format!("{EVENT}Expires: 0\n");
    wire.receive(&numbered(4, "SUBSCRIBE", "z9hG4bKleave", &tag, &headers));
    wire.sent.remove(0);
    assert!(notified(&mut wire, "200 OK").body.is_empty());
    assert_eq!(ends(&mut wire), [SubscriptionEnd::Left]);
}

#[test]
fn who_notifies_of_a_conference_is_its_focus() {
    let mut wire = wire();
    for (package, is_focus) in [("conference", true), ("dialog", false)] {
        let headers = format!("Event: {package}\nExpires: 600\n");
        let subscribe = request("SUBSCRIBE", &format!("z9hG4bK{package}"), "", &headers);
        wire.receive(&subscribe.replace("call-1", package));
        let [Event::Subscribed { id, .. }] = wire.told()[..] else {
            panic!("nobody has subscribed");
        };
        notify(&mut wire, id, NotifyState::Active, None);
        let contact = header(&wire.sent.remove(0).2, HeaderName::Contact);
        assert_eq!(contact.ends_with(">;isfocus"), is_focus, "{contact}");
        let told = notified(&mut wire, "200 OK");
        assert_eq!(
            of(&told, HeaderName::Contact).ends_with(">;isfocus"),
            is_focus
        );
    }
}

#[test]
fn one_address_can_not_take_all_subscriptions() {
    let mut wire = wire();
    for number in 0..4 {
        let text = request("SUBSCRIBE", &format!("z9hG4bK{number}"), "", EVENT)
            .replace("call-1", &format!("call-{number}"));
        wire.receive(&text);
    }
    assert_eq!(wire.said(), ["503"]);
    wire.receive_from(
        flow("192.0.2.77:5060"),
        &request("SUBSCRIBE", "z9hG4bKother", "", EVENT).replace("call-1", "call-other"),
    );
    wire.wait(Duration::from_millis(200));
    assert_eq!(wire.said(), ["200"; 4]);
}
#[test]
fn the_second_subscription_has_its_time_too() {
    let mut wire = wire();
    let id = subscribed(&mut wire, 600);
    notify(&mut wire, id, NotifyState::Active, mails(1));
    granted(&mut wire);
    notified(&mut wire, "200 OK");
    let probation = NotifyState::Terminated {
        reason: "probation".into(),
        retry_after: Some(30),
    };
    notify(&mut wire, id, probation, None);
    notified(&mut wire, "200 OK");
    assert_eq!(ends(&mut wire), [SubscriptionEnd::Terminated]);
    wire.wait(Duration::from_secs(30));
    subscribed_again(&mut wire);
    assert!(wire.said().is_empty());
    wire.wait(Duration::from_millis(199));
    assert!(wire.said().is_empty());
    wire.wait(Duration::from_millis(1));
    assert_eq!(wire.said(), ["200"]);
    wire.wait(Duration::from_secs(2));
    assert_eq!(wire.said(), ["NOTIFY"]);
}
