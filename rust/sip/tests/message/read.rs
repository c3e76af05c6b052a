//! What is read as a message, and what is in it.

use sems_sip::header::{
    Allow, CSeq, CallId, Contact, ContentType, From, Header, MaxForwards, Supported, To, Via,
};
use sems_sip::{Bytes, Error, HeaderName, Message, Method, Response, StatusCode};

use crate::{INVITE, datagram, request, response, with};

#[test]
fn a_request_is_read_with_its_headers_and_body() {
    let invite = request(INVITE);
    assert_eq!(invite.method, Method::Invite);
    assert_eq!(invite.uri.to_string(), "sip:standup@192.0.2.10");
    assert_eq!(&invite.body[..], b"hello");
    let via = invite.headers.top_via().unwrap();
    assert_eq!(via.branch(), Some("z9hG4bKPj8f3c2d"));
    assert!(via.has_magic_cookie() && via.wants_rport() && via.rport().is_none());
    let from: From = invite.headers.require().unwrap();
    assert_eq!(from.display_name().as_deref(), Some("Ann"));
    assert_eq!(from.tag(), Some("1928301774"));
    assert_eq!(invite.headers.require::<To>().unwrap().tag(), None);
    assert_eq!(
        invite.headers.require::<CallId>().unwrap().as_str(),
        "a84b4c76e66710"
    );
    let cseq = CSeq {
        sequence: 314_159,
        method: Method::Invite,
    };
    assert_eq!(invite.headers.require::<CSeq>().unwrap(), cseq);
    assert_eq!(
        invite.headers.require::<MaxForwards>().unwrap(),
        MaxForwards(70)
    );
    assert!(
        invite
            .headers
            .require::<ContentType>()
            .unwrap()
            .is("text/plain")
    );
    assert_eq!(invite.headers.get_typed::<Supported>(), None);
}

#[test]
fn a_status_line_may_lack_its_reason() {
    for line in ["SIP/2.0 200", "SIP/2.0 200 ", "sip/2.0 200 "] {
        let text = with("INVITE", line).replace("\nMax-Forwards: 70", "");
        assert_eq!(response(&text).reason, "", "{line:?}");
    }
}

#[test]
fn names_are_read_in_any_case_and_in_their_compact_form() {
    let text = "\
OPTIONS sip:sems.example SIP/2.0
v: SIP/2.0/UDP host.example;branch=z9hG4bK1
F: <sip:ann@example.org>;tag=1
t: <sip:sems.example>
i: c
cseq: 7 OPTIONS
M: <sip:ann@host.example>
k: timer
l: 0
X-Custom: 1
x-CUSTOM: 2

";
    let options = request(text);
    assert!(options.headers.contains(&HeaderName::Contact));
    assert!(
        options
            .headers
            .require::<Supported>()
            .unwrap()
            .contains("TIMER")
    );
    let custom = HeaderName::parse(&"x-custom".into()).unwrap();
    assert_eq!(options.headers.get_all(&custom).count(), 2);
    assert!(
        options.to_bytes().windows(5).any(|w| w == b"\r\nVia"),
        "printed in its long form"
    );
}

#[test]
fn folded_lines_and_odd_spacing_are_read() {
    let text = "\
OPTIONS sip:sems.example SIP/2.0
TO :
 <sip:sems.example>  ;   tag    = 1918181833n
from   : \"J Rosenberg \\\\\\\"\"       <sip:jdrosen@example.com>
\t;
  tag = 98asjd8
Max-Forwards: 0068
Call-ID: odd
cseq: 0009
  OPTIONS
Via  : SIP  /   2.0
 /UDP
    192.0.2.2  :  5062;branch=390skdjuw ,
  SIP/2.0/TCP 192.0.2.3;;branch=z9hG4bKx;
Subject:
Content-Length   : 0

";
    let options = request(text);
    let from: From = options.headers.require().unwrap();
    assert_eq!(from.display_name().as_deref(), Some("J Rosenberg \\\""));
    assert_eq!(from.tag(), Some("98asjd8"));
    assert_eq!(
        options.headers.require::<To>().unwrap().tag(),
        Some("1918181833n")
    );
    assert_eq!(options.headers.require::<CSeq>().unwrap().sequence, 9);
    assert_eq!(
        options.headers.require::<MaxForwards>().unwrap(),
        MaxForwards(68)
    );
    assert_eq!(options.headers.get(&HeaderName::Subject).unwrap(), "");
    let vias: Vec<Via> = options
        .headers
        .get_all_typed()
        .map(Result::unwrap)
        .collect();
    assert_eq!(vias.len(), 2);
    assert_eq!(
        (vias[0].host.to_string(), vias[0].port),
        ("192.0.2.2".into(), Some(5062))
    );
    assert!(!vias[0].has_magic_cookie());
    assert_eq!(vias[1].branch(), Some("z9hG4bKx"));
}

#[test]
fn line_ends_before_the_start_line_and_without_carriage_return_are_accepted() {
    let bare = Message::parse(&Bytes::from(format!("\n\r\n{INVITE}"))).unwrap();
    assert_eq!(bare, Message::Request(request(INVITE)));
}

#[test]
fn a_header_that_is_not_utf8_is_read_as_latin1() {
    let text = with("From", "From: \"J?rg\" <sip:joerg@example.org>;tag=1");
    let mut bytes = datagram(&text).to_vec();
    let at = bytes.windows(4).position(|w| w == b"J?rg").unwrap();
    bytes[at + 1] = 0xf6;
    let end = bytes.len();
    bytes[end - 1] = 0xff;
    let Ok(Message::Request(invite)) = Message::parse(&bytes.into()) else {
        panic!()
    };
    let from: From = invite.headers.require().unwrap();
    assert_eq!(from.display_name().as_deref(), Some("Jörg"));
    assert_eq!(&invite.body[..], b"hell\xff", "the body stays as it is");
}

#[test]
fn the_body_ends_at_content_length_or_with_the_datagram() {
    assert_eq!(&request(&with("Content-Length", "l: 3")).body[..], b"hel");
    assert_eq!(&request(&with("Content-Length", "")).body[..], b"hello");
    let twice = with("Content-Length", "Content-Length: 5\nl: 5");
    assert_eq!(&request(&twice).body[..], b"hello");
}

#[test]
fn request_uris_of_any_scheme_and_unknown_methods_are_kept() {
    for uri in [
        "tel:+49-30-123456;phone-context=example.com",
        "soap.beep://192.0.2.103:3002",
    ] {
        let text = with("INVITE", &format!("FROBNICATE {uri} SIP/2.0"));
        let request = request(&text.replace("314159 INVITE", "314159 FROBNICATE"));
        assert_eq!(request.uri.to_string(), uri);
        assert_eq!(request.method.as_str(), "FROBNICATE");
    }
}

#[test]
fn headers_that_nobody_asks_for_may_be_malformed() {
    let text = with(
        "Contact",
        "Contact: <<<\nAllow: INVITE, , B@D\nExpires: soon",
    );
    let invite = request(&text);
    assert!(invite.headers.get_typed::<Contact>().unwrap().is_err());
    assert_eq!(
        invite.headers.require::<Allow>(),
        Err(Error::Malformed(HeaderName::Allow))
    );
}

#[test]
fn a_header_of_a_message_is_read_as_it_is_read_alone() {
    fn same<T: Header + std::fmt::Debug + PartialEq>(name: &str, value: &str) {
        let invite = request(&with(name, &format!("{name}: {value}")));
        let alone = T::parse(&value.into()).unwrap();
        assert_eq!(invite.headers.require::<T>(), Ok(alone), "{value}");
        // Also once it lies in another message.
        let ringing = Response::to_request(&invite, StatusCode::RINGING);
        let printed = ringing.headers.require::<T>().unwrap().to_string();
        assert_eq!(printed, T::parse(&value.into()).unwrap().to_string());
    }
    for via in [
        "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1;rport",
        "SIP/2.0/TLS h.example ;branch=z9hG4bK1",
        "SIP / 2.0 / TCP [2001:db8::1]:5061;branch=z9hG4bK1",
        "SIP/2.0/SCTP a_b.example : 5070 ; branch=z9hG4bK1;maddr=\"x;y\"",
        "SIP/2.0/UDP 192.0.2.256",
    ] {
        same::<Via>("Via", via);
    }
    for address in [
        "<sip:a@b>",
        "sip:a@b;tag=1",
        "\"A \\\" <b>\" <sips:a:secret@[2001:db8::1]:5061;lr;x=%20?subject=%20a>;tag=1;y",
        "Ann E <sip:h.example>  ; tag=1",
        "<tel:+1-201-555-0123;ext=7>;tag=1",
        "<urn:service:sos>",
    ] {
        same::<From>("From", address);
        same::<To>("To", address);
    }
    let long = "x".repeat(300);
    same::<From>("From", &format!("<sip:{long}@b;{long}=1>;tag={long}"));
    same::<CSeq>("CSeq", "0009  INVITE");
}
