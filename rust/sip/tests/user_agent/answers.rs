//! What the user agent answers by itself (RFC 3261 §8.2).

use std::time::Duration;

use sems_sip::header::Contact;
use sems_sip::user_agent::{Event, UserAgentConfig};
use sems_sip::{HeaderName, Headers, Message, Method, Token};

use crate::wire::{Wire, from_tag, header, invite, numbered, request, to_tag};

/// The status and a header of the answer to a request that must not reach the layer above.
fn refused(text: &str, name: HeaderName) -> (u16, String) {
    let mut wire = Wire::new();
    wire.receive(text);
    let response = wire.response();
    assert!(wire.told().is_empty());
    let value = header(&Message::Response(response.clone()), name);
    (response.status.code(), value)
}

#[test]
fn options_tells_what_we_can_do() {
    let mut wire = Wire::new();
    wire.receive(&request("OPTIONS", "z9hG4bK1", "", ""));
    let response = Message::Response(wire.response());
    assert_eq!(
        header(&response, HeaderName::Allow),
        "INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE"
    );
    assert_eq!(header(&response, HeaderName::Accept), "application/sdp");
    assert_eq!(header(&response, HeaderName::AcceptEncoding), "identity");
    assert_eq!(header(&response, HeaderName::AcceptLanguage), "*");
    assert!(wire.is_empty(), "nothing is kept of it");
}

#[test]
fn a_repeated_options_gets_the_same_answer() {
    let mut wire = Wire::new();
    let options = request("OPTIONS", "z9hG4bK1", "", "");
    wire.receive(&options);
    let first = wire.response();
    wire.receive(&options);
    assert_eq!(wire.response(), first);
}

#[test]
fn methods_that_are_not_taken_get_405_or_501_with_allow() {
    for (method, status) in [
        ("REGISTER", 405),
        ("PUBLISH", 405),
        ("SUBSCRIBE", 405),
        ("FOO", 501),
    ] {
        let text = request(method, "z9hG4bK1", "", "");
        let (code, allow) = refused(&text, HeaderName::Allow);
        assert_eq!(code, status, "{method}");
        assert!(allow.contains("INVITE"));
    }
}

#[test]
fn other_schemes_get_416() {
    for uri in ["mailto:room@192.0.2.2", "nobody-knows:x"] {
        let text = invite("").replacen("sip:room@192.0.2.2", uri, 1);
        assert_eq!(refused(&text, HeaderName::To).0, 416, "{uri}");
    }
}

#[test]
fn unknown_extensions_get_420_naming_them() {
    let text = invite("Require: 100rel, foo, bar");
    let answer = refused(&text, HeaderName::Unsupported);
    assert_eq!(answer, (420, "foo, bar".into()));

    let mut wire = Wire::with(UserAgentConfig {
        supported: vec![Token::new("foo").unwrap()],
        ..Default::default()
    });
    wire.receive(&invite("Require: FOO"));
    assert_eq!(wire.said(), ["100"]);
}

#[test]
fn bodies_of_other_types_get_415_naming_ours() {
    let text = invite("Content-Type: application/x-foo\n\nhello");
    let answer = refused(&text, HeaderName::Accept);
    assert_eq!(answer, (415, "application/sdp".into()));
    let text = invite("Content-Type: application/sdp\nContent-Encoding: gzip\n\nv=0");
    let answer = refused(&text, HeaderName::AcceptEncoding);
    assert_eq!(answer, (415, "identity".into()));
}

#[test]
fn a_telephone_number_can_be_called() {
    let mut wire = Wire::new();
    wire.receive(&invite("").replacen("sip:room@192.0.2.2", "tel:+49-30-123", 1));
    assert_eq!(wire.said(), ["100"]);
    let Some(Event::Invite { session, .. }) = wire.told().pop() else {
        panic!("an INVITE")
    };
    wire.agent
        .accept(wire.now, session, Headers::new(), None)
        .unwrap();
    wire.drain();
    let contact: Contact = wire.response().headers.require().unwrap();
    let uri = &contact.address().unwrap().uri;
    assert_eq!(uri.user().as_deref(), Some("+4930123"));
}

/// An INVITE whose body has these parts.
fn invite_of_parts(parts: &[&str]) -> String {
    let mut body = String::new();
    for part in parts {
        body += &format!("--b\r\n{}\r\n", part.replace('\n', "\r\n"));
    }
    invite(&format!(
        "Content-Type: multipart/mixed;boundary=b\n\n{body}--b--\r\n"
    ))
}

#[test]
fn the_description_among_several_parts_is_taken_for_the_body() {
    let sdp = "Content-Type: application/sdp\n\nv=0";
    let isup = "Content-Type: application/isup\nContent-Disposition: signal;handling=optional\n\nx";
    let mut wire = Wire::new();
    wire.receive(&invite_of_parts(&[isup, sdp]));
    assert_eq!(wire.said(), ["100"]);
    let Some(Event::Invite { request, .. }) = wire.told().pop() else {
        panic!("an INVITE")
    };
    assert_eq!(request.body, "v=0");
    let kind = request.headers.get(&HeaderName::ContentType);
    assert_eq!(kind, Some("application/sdp"));

    let mut wire = Wire::new();
    wire.receive(&invite_of_parts(&[isup]));
    let Some(Event::Invite { request, .. }) = wire.told().pop() else {
        panic!("an INVITE")
    };
    assert!(request.body.is_empty());
    assert!(!request.headers.contains(&HeaderName::ContentType));
}

#[test]
fn parts_that_must_be_understood_get_415_and_broken_ones_400() {
    let sdp = "Content-Type: application/sdp\n\nv=0";
    let isup = "Content-Type: application/isup\nContent-Disposition: signal;handling=required\n\nx";
    let text = invite_of_parts(&[sdp, isup]);
    let answer = refused(&text, HeaderName::Accept);
    assert_eq!(answer, (415, "application/sdp".into()));
    assert_eq!(
        refused(&invite_of_parts(&[sdp, sdp]), HeaderName::To).0,
        400
    );
    let cut = text.replace("--b--", "");
    assert_eq!(refused(&cut, HeaderName::To).0, 400);
}

#[test]
fn another_version_gets_505() {
    let text = invite("").replacen("SIP/2.0", "SIP/7.0", 1);
    assert_eq!(refused(&text, HeaderName::To).0, 505);
}

#[test]
fn malformed_requests_get_400_with_the_reason() {
    let mut wire = Wire::new();
    wire.receive(&invite("").replace("Forwards: 70", "Forwards: 300"));
    let response = wire.response();
    assert_eq!(response.status.code(), 400);
    assert!(
        response.reason.contains("Max-Forwards"),
        "{}",
        response.reason
    );
    to_tag(&response);
    assert_eq!(wire.agent.counters().malformed, 1);
    assert!(wire.is_empty());
}

#[test]
fn an_invite_without_contact_gets_400() {
    let text = invite("").replace("Contact: <sip:ann@192.0.2.1:5060>\n", "");
    let mut wire = Wire::new();
    wire.receive(&text);
    let response = wire.response();
    assert_eq!(response.status.code(), 400);
    assert!(response.reason.contains("Contact"), "{}", response.reason);
}

#[test]
fn who_can_not_be_reached_by_sip_opens_no_dialog_and_moves_none() {
    let phone = "<sip:ann@192.0.2.1:5060>";
    let mut wire = Wire::new();
    wire.receive(&invite("").replace(phone, "<tel:+49301234567>"));
    let refusal = wire.response();
    assert_eq!(refusal.status.code(), 400);
    assert_eq!(&*refusal.reason, "Bad Request (no SIP URI in Contact)");
    assert!(wire.told().is_empty());
    // The call that stands goes on where it was.
    let mut wire = Wire::new();
    let session = wire.called_from(wire.flow, &invite(""));
    let none = Headers::new();
    wire.agent
        .request_in(wire.now, session, Method::Options, none, None)
        .unwrap();
    wire.drain();
    let tag = format!(";tag={}", from_tag(&wire.request()));
    for (sequence, method) in [(2, "INVITE"), (3, "UPDATE")] {
        let branch = format!("z9hG4bKmoved{sequence}");
        let moved = numbered(sequence, method, &branch, &tag, "");
        wire.receive(&moved.replace(phone, "<mailto:ann@example.com>"));
        assert_eq!(wire.response().status.code(), 400, "{method}");
    }
    assert!(wire.told().is_empty());
    assert_eq!(wire.agent.census().sessions, 1);
}

#[test]
fn what_belongs_to_no_dialog_gets_481() {
    for method in ["BYE", "INVITE", "OPTIONS"] {
        let text = request(method, "z9hG4bK1", ";tag=unknown", "");
        assert_eq!(refused(&text, HeaderName::To).0, 481, "{method}");
    }
    for method in ["BYE", "CANCEL"] {
        let text = request(method, "z9hG4bK1", "", "");
        assert_eq!(refused(&text, HeaderName::To).0, 481, "{method}");
    }
}

#[test]
fn the_same_invite_by_two_ways_gets_482_on_the_second() {
    let mut wire = Wire::new();
    wire.invited();
    wire.receive(&request("INVITE", "z9hG4bKother", "", ""));
    assert_eq!(wire.said(), ["482"]);
    assert!(wire.told().is_empty());
    // With a higher CSeq it is a new call.
    wire.receive(&numbered(2, "INVITE", "z9hG4bKthird", "", ""));
    assert_eq!(wire.said(), ["100"]);
}

#[test]
fn stray_acks_and_responses_are_counted_and_get_no_answer() {
    let mut wire = Wire::new();
    wire.receive(&request("ACK", "z9hG4bK1", ";tag=unknown", ""));
    wire.receive(&request("ACK", "z9hG4bK2", "", ""));
    wire.receive(
        "SIP/2.0 200 OK\nVia: SIP/2.0/UDP 192.0.2.2;branch=z9hG4bKx\nFrom: <sip:a@b>;tag=1\n\
         To: <sip:c@d>;tag=2\nCall-ID: x\nCSeq: 1 INVITE",
    );
    assert!(wire.said().is_empty());
    let counters = wire.agent.counters();
    assert_eq!((counters.stray_acks, counters.stray_responses), (2, 1));
    assert!(wire.is_empty());
}

#[test]
fn keep_alives_and_noise_get_no_answer() {
    let mut wire = Wire::new();
    for noise in [
        "\r\n\r\n",
        "",
        "\0\0\0\0",
        "hello",
        "GET / HTTP/1.1\r\n\r\n",
    ] {
        wire.agent
            .receive(wire.now, wire.flow, noise.to_owned().into());
        wire.drain();
    }
    assert!(wire.said().is_empty());
    assert_eq!(wire.agent.counters().malformed, 3);
}

#[test]
fn a_refused_invite_is_answered_until_its_ack_comes() {
    let mut wire = Wire::new();
    wire.receive(&invite("Require: foo"));
    let refusal = wire.response();
    wire.wait(Duration::from_secs(4));
    assert_eq!(wire.times_of("420"), [500, 1500, 3500]);
    wire.sent.clear();
    wire.receive(&request("ACK", "z9hG4bKinvite", &to_tag(&refusal), ""));
    wire.wait(Duration::from_secs(10));
    assert!(wire.said().is_empty());
    assert!(wire.is_empty());
    assert_eq!(wire.agent.counters().stray_acks, 0);
}

#[test]
fn calls_beyond_the_limit_get_503_with_retry_after() {
    let mut wire = Wire::with(UserAgentConfig {
        max_sessions: 1,
        retry_after: 9,
        ..Default::default()
    });
    wire.invited();
    let second = invite("")
        .replace("call-1", "call-2")
        .replace("z9hG4bKinvite", "z9hG4bKsecond");
    wire.receive(&second);
    let response = Message::Response(wire.response());
    assert_eq!(header(&response, HeaderName::RetryAfter), "9");
    assert_eq!(wire.agent.counters().overload, 1);
    assert_eq!(wire.agent.census().sessions, 1);
    assert_eq!(wire.agent.census().server_transactions, 1);
}

#[test]
fn requests_beyond_the_limit_of_transactions_get_503() {
    let mut wire = Wire::with(UserAgentConfig {
        methods: vec![Method::Message],
        max_transactions: 3,
        ..Default::default()
    });
    for n in 0..5 {
        let text = request("MESSAGE", &format!("z9hG4bK{n}"), "", "");
        wire.receive(&text.replace("call-1", &format!("call-{n}")));
    }
    assert_eq!(wire.said(), ["503", "503"]);
    let taken = wire.told();
    assert!(
        taken
            .iter()
            .all(|event| matches!(event, Event::Request { .. }))
    );
    assert_eq!(taken.len(), 3);
}

#[test]
fn max_forwards_of_zero_doesnt_matter_to_its_target() {
    let mut wire = Wire::new();
    let text = request("OPTIONS", "z9hG4bK1", "", "").replace("Forwards: 70", "Forwards: 0");
    wire.receive(&text);
    assert_eq!(wire.said(), ["200"]);
}
