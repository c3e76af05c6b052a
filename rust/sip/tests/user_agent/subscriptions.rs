//! Subscriptions both ways (RFC 6665), and what comes of a REFER (RFC 3515).

use std::time::Duration;

use sems_sip::header::NameAddr;
use sems_sip::user_agent::{
    Content, Event, NotifyState, OutgoingRequest, SessionId, SubscriptionEnd, SubscriptionId,
    UserAgentConfig,
};
use sems_sip::{HeaderName, Headers, Message, Method, Request, StatusCode, Uri};

use crate::wire::{PHONE, Wire, flow, from_tag, header, numbered, reply, request, to_tag};

const EVENT: &str = "Event: message-summary\n";

fn wire() -> Wire {
    Wire::with(UserAgentConfig {
        methods: vec![Method::Subscribe, Method::Notify, Method::Refer],
        event_packages: vec![
            "message-summary".into(),
            "dialog".into(),
            "conference".into(),
        ],
        max_subscriptions_of_a_source: 3,
        ..Default::default()
    })
}

fn of(message: &Request, name: HeaderName) -> String {
    header(&Message::Request(message.clone()), name)
}

fn mails(count: u32) -> Option<Content> {
    Some(Content {
        kind: "application/simple-message-summary".into(),
        body: format!("Voice-Message: {count}/0\r\n").into(),
    })
}

// We are the notifier

/// The phone subscribes for `expires` seconds; our tag.
fn subscribed(wire: &mut Wire, expires: u32) -> (SubscriptionId, String) {
    let headers = format!("{EVENT}Expires: {expires}\n");
    wire.receive(&request("SUBSCRIBE", "z9hG4bKsub", "", &headers));
    let ok = wire.response();
    assert_eq!(ok.status, StatusCode::OK);
    match &wire.told()[..] {
        [
            Event::Subscribed {
                id, session: None, ..
            },
        ] => (*id, to_tag(&ok)),
        other => panic!("{other:?}"),
    }
}

fn notify(wire: &mut Wire, id: SubscriptionId, state: NotifyState, content: Option<Content>) {
    wire.agent
        .notify(wire.now, id, state, Headers::new(), content)
        .unwrap();
    wire.drain();
}

/// Takes the NOTIFY that was sent and answers it.
fn notified(wire: &mut Wire, status: &str) -> Request {
    let notify = wire.request();
    assert_eq!(notify.method, Method::Notify);
    wire.receive(&reply(&notify, status, "", ""));
    notify
}

fn ends(wire: &mut Wire) -> Vec<SubscriptionEnd> {
    wire.told()
        .into_iter()
        .filter_map(|event| match event {
            Event::SubscriptionEnded { end, .. } => Some(end),
            _ => None,
        })
        .collect()
}

#[test]
fn a_subscriber_is_granted_its_time_and_notified_at_once() {
    let mut wire = wire();
    let headers = format!("{EVENT}Expires: 100000\n");
    wire.receive(&request("SUBSCRIBE", "z9hG4bKsub", "", &headers));
    let ok = Message::Response(wire.response());
    assert_eq!(header(&ok, HeaderName::Expires), "3600");
    assert_eq!(
        header(&ok, HeaderName::Contact),
        "<sip:room@192.0.2.2:5060>"
    );
    let id = match &wire.told()[..] {
        [
            Event::Subscribed {
                id, expires: 3600, ..
            },
        ] => *id,
        other => panic!("{other:?}"),
    };
    notify(&mut wire, id, NotifyState::Active, mails(2));
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
    let first = notified(&mut wire, "200 OK");
    assert_eq!(
        of(&first, HeaderName::SubscriptionState),
        "pending;expires=599"
    );
    assert!(first.body.is_empty());
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
    let (id, tag) = subscribed(&mut wire, 60);
    notify(&mut wire, id, NotifyState::Active, mails(1));
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
    let (id, tag) = subscribed(&mut wire, 600);
    notify(&mut wire, id, NotifyState::Active, mails(1));
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
    let (id, _) = subscribed(&mut wire, 0);
    notify(&mut wire, id, NotifyState::Active, mails(3));
    let only = notified(&mut wire, "200 OK");
    assert_eq!(
        of(&only, HeaderName::SubscriptionState),
        "terminated;reason=timeout"
    );
    assert_eq!(only.body, "Voice-Message: 3/0\r\n");
    assert_eq!(ends(&mut wire), [SubscriptionEnd::Expired]);
}

#[test]
fn a_rejected_subscriber_is_told_why() {
    let mut wire = wire();
    let (id, _) = subscribed(&mut wire, 600);
    let rejected = NotifyState::Terminated {
        reason: "rejected".into(),
        retry_after: Some(30),
    };
    notify(&mut wire, id, rejected, None);
    let last = notified(&mut wire, "200 OK");
    let state = of(&last, HeaderName::SubscriptionState);
    assert_eq!(state, "terminated;reason=rejected;retry-after=30");
    assert_eq!(ends(&mut wire), [SubscriptionEnd::Terminated]);
}

#[test]
fn a_subscriber_that_is_gone_is_forgotten() {
    let mut wire = wire();
    let (id, _) = subscribed(&mut wire, 600);
    notify(&mut wire, id, NotifyState::Active, mails(1));
    notified(&mut wire, "481 Call/Transaction Does Not Exist");
    assert_eq!(ends(&mut wire), [SubscriptionEnd::Refused]);
    let (id, _) = subscribed_again(&mut wire);
    notify(&mut wire, id, NotifyState::Active, mails(1));
    wire.wait(Duration::from_secs(33));
    assert_eq!(ends(&mut wire), [SubscriptionEnd::Silent]);
    wire.wait_for_the_end();
    assert!(wire.is_empty());
}

fn subscribed_again(wire: &mut Wire) -> (SubscriptionId, String) {
    let headers = format!("{EVENT}Expires: 300\n");
    let text = request("SUBSCRIBE", "z9hG4bKagain", "", &headers).replace("call-1", "call-2");
    wire.receive(&text);
    let ok = wire.response();
    match &wire.told()[..] {
        [Event::Subscribed { id, .. }] => (*id, to_tag(&ok)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn no_notify_overtakes_another() {
    let mut wire = wire();
    let (id, _) = subscribed(&mut wire, 600);
    for count in 1..=3 {
        notify(&mut wire, id, NotifyState::Active, mails(count));
    }
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
    let (id, _) = subscribed(&mut wire, 600);
    numbered_notify(&mut wire, id, 1).unwrap();
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
    let (id, tag) = subscribed(&mut wire, 600);
    numbered_notify(&mut wire, id, 1).unwrap();
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
                assert!(wire.said().is_empty());
                wire.wait(Duration::from_millis(200));
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
        let ok = wire.response();
        let contact = header(&Message::Response(ok), HeaderName::Contact);
        assert_eq!(contact.ends_with(">;isfocus"), is_focus, "{contact}");
        let [Event::Subscribed { id, .. }] = wire.told()[..] else {
            panic!("nobody has subscribed");
        };
        notify(&mut wire, id, NotifyState::Active, None);
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
    assert_eq!(wire.said(), ["200", "200", "200", "503"]);
    wire.receive_from(
        flow("192.0.2.77:5060"),
        &request("SUBSCRIBE", "z9hG4bKother", "", EVENT).replace("call-1", "call-other"),
    );
    assert_eq!(wire.said(), ["200"]);
}

// We are the subscriber

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

// REFER

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
}

#[test]
fn a_refer_outside_any_call_opens_a_dialog_of_its_own() {
    let mut wire = wire();
    let refer = request(
        "REFER",
        "z9hG4bKrefer",
        "",
        "Refer-To: <sip:carol@192.0.2.3>\n",
    );
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

#[test]
fn the_second_subscription_has_its_time_too() {
    let mut wire = wire();
    let (id, _) = subscribed(&mut wire, 600);
    notify(&mut wire, id, NotifyState::Active, mails(1));
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
    assert_eq!(wire.said(), ["NOTIFY"]);
}
