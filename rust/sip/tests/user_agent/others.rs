//! Requests of other methods, in and out of dialogs, both ways.

use std::time::Duration;

use sems_sip::header::NameAddr;
use sems_sip::user_agent::{Cause, Content, Event, OutgoingRequest, Reply, UserAgentConfig};
use sems_sip::{Error, HeaderName, Headers, Message, Method, StatusCode, Uri};

use crate::wire::{PHONE, Wire, flow, header, numbered, reply, request, to_tag};

fn wire() -> Wire {
    Wire::with(UserAgentConfig {
        methods: vec![Method::Message, Method::Info],
        ..Default::default()
    })
}

fn message_to_bob() -> OutgoingRequest {
    let uri: Uri = "sip:bob@192.0.2.1".parse().unwrap();
    let from: Uri = "sip:sems@192.0.2.2".parse().unwrap();
    OutgoingRequest::new(flow(PHONE), uri, NameAddr::new(from))
}

#[test]
fn a_request_that_is_taken_waits_for_its_answer() {
    let mut wire = wire();
    let text = request(
        "MESSAGE",
        "z9hG4bK1",
        "",
        "Content-Type: text/plain\n\nhello",
    );
    wire.receive(&text);
    wire.receive(&text);
    assert!(wire.said().is_empty());
    let id = match &wire.told()[..] {
        [
            Event::Request {
                id,
                session: None,
                request,
                ..
            },
        ] => {
            assert_eq!(request.body, "hello");
            *id
        }
        other => panic!("{other:?}"),
    };
    let reply = || Reply::new(StatusCode::ACCEPTED);
    wire.agent.respond(wire.now, id, reply()).unwrap();
    wire.drain();
    to_tag(&wire.response());
    assert_eq!(wire.agent.respond(wire.now, id, reply()), Err(Error::Gone));
    wire.receive(&text);
    assert_eq!(wire.said(), ["202"]);
    wire.wait_for_the_end();
    assert!(wire.is_empty());
}

#[test]
fn a_request_that_nobody_answers_gets_100_late_and_nothing_in_the_end() {
    let mut wire = wire();
    wire.receive(&request("MESSAGE", "z9hG4bK1", "", ""));
    wire.wait(Duration::from_secs(60));
    assert_eq!(wire.times_of("100"), [3500]);
    assert_eq!(
        wire.said(),
        ["100"],
        "RFC 4320: neither 408 nor anything else"
    );
    assert!(wire.is_empty());
}

#[test]
fn a_request_in_a_dialog_names_its_session() {
    let mut wire = wire();
    let session = wire.invited();
    wire.agent
        .accept(wire.now, session, Headers::new(), None)
        .unwrap();
    wire.drain();
    let tag = to_tag(&wire.response());
    wire.receive(&request("ACK", "z9hG4bKack", &tag, ""));
    wire.told();
    wire.receive(&numbered(2, "INFO", "z9hG4bKinfo", &tag, ""));
    match &wire.told()[..] {
        [
            Event::Request {
                session: Some(of), ..
            },
        ] => assert_eq!(*of, session),
        other => panic!("{other:?}"),
    }
}

#[test]
fn our_request_is_sent_repeated_and_answered() {
    let mut wire = wire();
    let hello = Some(Content {
        kind: "text/plain".into(),
        body: "hello".into(),
    });
    let outgoing = OutgoingRequest {
        content: hello,
        ..message_to_bob()
    };
    let id = wire
        .agent
        .request(wire.now, Method::Message, outgoing)
        .unwrap();
    wire.wait(Duration::from_millis(600));
    assert_eq!(wire.times_of("MESSAGE"), [0, 500]);
    wire.sent.remove(0);
    let message = wire.request();
    assert_eq!(
        header(&Message::Request(message.clone()), HeaderName::ContentType),
        "text/plain"
    );
    wire.receive(&reply(&message, "200 OK", "bob", ""));
    match &wire.told()[..] {
        [Event::Response { id: of, response }] => {
            assert_eq!((*of, response.status), (id, StatusCode::OK));
        }
        other => panic!("{other:?}"),
    }
    wire.wait_for_the_end();
    assert!(wire.is_empty());
}

/// The Contact of a request of ours, sent anew to a second server when the first says 503.
fn contacts(method: Method, own: &str) -> [String; 2] {
    let mut wire = wire();
    let mut outgoing = OutgoingRequest {
        alternatives: vec![flow("192.0.2.9:5060")],
        ..message_to_bob()
    };
    if !own.is_empty() {
        outgoing.headers.push(HeaderName::Contact, own);
    }
    wire.agent.request(wire.now, method, outgoing).unwrap();
    wire.drain();
    let first = wire.request();
    wire.receive(&reply(&first, "503 Service Unavailable", "bob", ""));
    let second = wire.request();
    [first, second].map(|sent| header(&Message::Request(sent), HeaderName::Contact))
}

#[test]
fn only_who_may_be_called_back_says_where_we_are() {
    let ours = "<sip:sems@192.0.2.2:5060>";
    for (method, own, contact) in [
        (Method::Options, "", ours),
        (Method::Refer, "", ours),
        // RFC 3428 §4.
        (Method::Message, "", ""),
        (Method::Publish, "", ""),
        // It asks what is registered, or registers and forgets others.
        (Method::Register, "", ""),
        (Method::Register, "*", "*"),
        (
            Method::Options,
            "<sip:other@192.0.2.2>",
            "<sip:other@192.0.2.2>",
        ),
    ] {
        let expected = [contact; 2].map(str::to_owned);
        assert_eq!(contacts(method.clone(), own), expected, "{method} {own}");
    }
}

#[test]
fn our_request_without_answer_fails_as_by_408() {
    let mut wire = wire();
    wire.agent
        .request(wire.now, Method::Options, message_to_bob())
        .unwrap();
    wire.wait(Duration::from_secs(40));
    match &wire.told()[..] {
        [Event::RequestFailed { status, .. }] => assert_eq!(status.code(), 408),
        other => panic!("{other:?}"),
    }
    assert!(wire.is_empty());
}

#[test]
fn methods_with_a_verb_of_their_own_are_refused() {
    let mut wire = wire();
    for method in [Method::Invite, Method::Ack, Method::Cancel, Method::Bye] {
        let sent = wire
            .agent
            .request(wire.now, method.clone(), message_to_bob());
        assert_eq!(sent, Err(Error::Method(method)));
    }
}

#[test]
fn a_481_to_a_request_in_the_dialog_ends_the_call() {
    let mut wire = wire();
    let session = wire.invited();
    wire.agent
        .accept(wire.now, session, Headers::new(), None)
        .unwrap();
    wire.drain();
    let tag = to_tag(&wire.response());
    wire.receive(&request("ACK", "z9hG4bKack", &tag, ""));
    wire.told();
    let none = Headers::new();
    wire.agent
        .request_in(wire.now, session, Method::Info, none, None)
        .unwrap();
    wire.drain();
    let info = wire.request();
    wire.receive(&reply(&info, "481 Call/Transaction Does Not Exist", "", ""));
    assert_eq!(wire.said(), ["BYE"]);
    assert!(matches!(
        &wire.told()[..],
        [
            Event::Terminated {
                cause: Cause::Rejected(_),
                ..
            },
            Event::Response { .. }
        ]
    ));
    wire.wait_for_the_end();
    assert!(wire.is_empty());
}
