//! How messages are printed, and what an answer repeats of its request.

use sems_sip::header::{To, Transport, Via};
use sems_sip::{Bytes, HeaderName, Message, Response, StatusCode};

use crate::{INVITE, datagram, request, response, with};

#[test]
fn a_response_is_read_and_printed() {
    let text = "\
SIP/2.0 180 Es klingelt, früh
Via: SIP/2.0/UDP 198.51.100.7;branch=z9hG4bK1
From: <sip:ann@example.org>;tag=1
To: <sip:bob@example.org>;tag=2
Call-ID: c
CSeq: 1 INVITE
Content-Length: 0

";
    let ringing = response(text);
    assert_eq!(ringing.status, StatusCode::RINGING);
    assert_eq!(ringing.reason, "Es klingelt, früh");
    assert_eq!(ringing.to_bytes(), datagram(text));
}

#[test]
fn reading_what_was_printed_gives_the_same_message() {
    let invite = request(INVITE);
    assert_eq!(invite.to_bytes(), datagram(INVITE));
}

#[test]
fn printing_writes_the_length_of_the_body_whatever_the_headers_say() {
    let mut invite = request(INVITE);
    invite.body = Bytes::from_static(b"longer than before");
    invite.headers.push(HeaderName::ContentLength, "3");
    let printed = String::from_utf8(invite.to_bytes().into()).unwrap();
    assert_eq!(printed.matches("Content-Length").count(), 1);
    assert!(printed.contains("Content-Length: 18\r\n\r\nlonger than before"));
}

#[test]
fn a_value_can_not_break_out_of_its_line() {
    let mut ok = Response::to_request(&request(INVITE), StatusCode::OK);
    ok.headers
        .push(HeaderName::Subject, "tea\r\nEvil: yes\r\n\r\nbody");
    ok.reason = "fine\r\nEvil: yes".into();
    let Ok(Message::Response(read)) = Message::parse(&ok.to_bytes()) else {
        panic!()
    };
    assert!(read.headers.iter().all(|(name, _)| name.as_str() != "Evil"));
    assert_eq!(
        read.headers.get(&HeaderName::Subject).unwrap(),
        "tea  Evil: yes    body"
    );
    assert!(read.body.is_empty());
}

#[test]
fn a_stray_carriage_return_is_a_blank() {
    let text = with("Contact", "Subject: \rtea\rtime\r ");
    let Ok(Message::Request(read)) = Message::parse(&request(&text).to_bytes()) else {
        panic!()
    };
    assert_eq!(read.headers.get(&HeaderName::Subject).unwrap(), "tea time");
}

#[test]
fn a_response_repeats_what_ties_it_to_its_request() {
    let text = with(
        "Via",
        "Via: SIP/2.0/UDP a;branch=z9hG4bK1\nRecord-Route: <sip:p1;lr>, <sip:p2;lr>\n\
         Timestamp: 54\nVia: SIP/2.0/UDP b;branch=z9hG4bK2\nRecord-Route: <sip:p3;lr>",
    );
    let names = |status, text: &str| {
        let response = Response::to_request(&request(text), status);
        let names: Vec<_> = response
            .headers
            .iter()
            .map(|(n, _)| n.to_string())
            .collect();
        names.join(" ")
    };
    assert_eq!(
        names(StatusCode::TRYING, &text),
        "Via Timestamp Via From To Call-ID CSeq"
    );
    let opening = "Via Record-Route Via Record-Route From To Call-ID CSeq";
    assert_eq!(names(StatusCode::RINGING, &text), opening);
    assert_eq!(names(StatusCode::OK, &text), opening);
    let plain = "Via Via From To Call-ID CSeq";
    assert_eq!(names(StatusCode::BUSY_HERE, &text), plain);
    let bye = text.replace("INVITE", "BYE");
    assert_eq!(names(StatusCode::OK, &bye), plain);
}

#[test]
fn the_tag_is_added_to_a_to_without_one_only() {
    for (to, expected) in [
        ("To: <sip:a@b>", "<sip:a@b>;tag=x1"),
        ("To: sip:a@b", "<sip:a@b>;tag=x1"),
        ("To: Ann <sip:a@b>;tag=theirs", "Ann <sip:a@b>;tag=theirs"),
    ] {
        let mut ringing = Response::to_request(&request(&with("To", to)), StatusCode::RINGING);
        ringing.set_to_tag("x1");
        assert_eq!(ringing.headers.get(&HeaderName::To).unwrap(), expected);
    }
}

#[test]
fn a_header_that_is_changed_is_read_as_it_is_now() {
    let mut invite = request(&with("To", "To: <sip:somebody@b.example>;tag=1"));
    invite.headers.set(HeaderName::To, "<sip:c@d>");
    assert_eq!(
        invite.headers.require::<To>().unwrap().uri.to_string(),
        "sip:c@d"
    );
    let mut via = invite.headers.top_via().unwrap();
    via.params.set("received", "192.0.2.77");
    invite.headers.replace_first(&via);
    assert_eq!(invite.headers.top_via(), Ok(via.clone()));
    invite.headers.prepend(&Via::new(
        Transport::Tcp,
        "p.example".parse().unwrap(),
        None,
        "z9hG4bK2",
    ));
    assert_eq!(invite.headers.top_via().unwrap().branch(), Some("z9hG4bK2"));
    invite.headers.pop_first::<Via>();
    assert_eq!(invite.headers.top_via(), Ok(via));
}
