//! Subscriptions both ways (RFC 6665), and what comes of a REFER (RFC 3515).

mod notifier;
mod refer;
mod subscriber;

use sems_sip::user_agent::{
    Content, Event, NotifyState, SubscriptionEnd, SubscriptionId, UserAgentConfig,
};
use sems_sip::{HeaderName, Headers, Message, Method, Request, StatusCode};

use crate::wire::{Wire, header, reply, request, to_tag};

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
/// The phone subscribes for `expires` seconds.
fn subscribed(wire: &mut Wire, expires: u32) -> SubscriptionId {
    let headers = format!("{EVENT}Expires: {expires}\n");
    wire.receive(&request("SUBSCRIBE", "z9hG4bKsub", "", &headers));
    assert!(wire.said().is_empty(), "nobody has decided");
    match &wire.told()[..] {
        [
            Event::Subscribed {
                id, session: None, ..
            },
        ] => *id,
        other => panic!("{other:?}"),
    }
}

/// Takes the answer to the SUBSCRIBE, which comes before the first NOTIFY; our tag.
fn granted(wire: &mut Wire) -> String {
    let Message::Response(ok) = wire.sent.remove(0).2 else {
        panic!("it is told before it is granted");
    };
    assert_eq!(ok.status, StatusCode::OK);
    to_tag(&ok)
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
