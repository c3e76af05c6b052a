//! What is read as a message, what isn't, and what its sender is told.

use sems_sip::header::{
    Allow, CSeq, CallId, Contact, ContentType, From, Header, MaxForwards, Supported, To, Transport,
    Via,
};
use sems_sip::{
    Bytes, Error, HeaderName, Message, Method, ParseError, Request, Response, StatusCode,
};

const INVITE: &str = "\
INVITE sip:standup@192.0.2.10 SIP/2.0
Via: SIP/2.0/UDP 198.51.100.7:5060;rport;branch=z9hG4bKPj8f3c2d
Max-Forwards: 70
From: \"Ann\" <sip:ann@example.org>;tag=1928301774
To: <sip:standup@192.0.2.10>
Contact: <sip:ann@198.51.100.7:5060;ob>
Call-ID: a84b4c76e66710
CSeq: 314159 INVITE
Content-Type: text/plain
Content-Length: 5

hello";

fn datagram(text: &str) -> Bytes {
    text.replace('\n', "\r\n").into()
}

fn request(text: &str) -> Request {
    match Message::parse(&datagram(text)) {
        Ok(Message::Request(request)) => request,
        other => panic!("{other:?}"),
    }
}

fn response(text: &str) -> Response {
    match Message::parse(&datagram(text)) {
        Ok(Message::Response(response)) => response,
        other => panic!("{other:?}"),
    }
}

fn refused(text: &str) -> ParseError {
    Message::parse(&datagram(text)).expect_err(text)
}

/// The status line of the answer to a malformed request.
fn answer(text: &str) -> String {
    let answer = refused(text).response().expect(text).to_bytes();
    String::from_utf8_lossy(&answer)
        .lines()
        .next()
        .unwrap_or_default()
        .to_owned()
}

/// `INVITE` with one line in another's place; an empty one takes it away.
fn with(name: &str, line: &str) -> String {
    let lines = INVITE
        .lines()
        .filter_map(|old| match old.starts_with(name) {
            true => Some(line).filter(|line| !line.is_empty()),
            false => Some(old),
        });
    lines.collect::<Vec<_>>().join("\n")
}

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
fn a_status_line_may_lack_its_reason() {
    for line in ["SIP/2.0 200", "SIP/2.0 200 ", "sip/2.0 200 "] {
        let text = with("INVITE", line).replace("\nMax-Forwards: 70", "");
        assert_eq!(response(&text).reason, "", "{line:?}");
    }
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
fn line_ends_alone_are_a_keep_alive_and_get_no_answer() {
    for text in ["", "\n", "\n\n"] {
        let error = refused(text);
        assert_eq!(error.error, Error::Empty);
        assert!(error.response().is_none());
    }
}

#[test]
fn garbage_gets_no_answer() {
    for text in [
        "\0\0\0\0",
        "GET / HTTP/1.1\n\n",
        "hello",
        "INVITE\n\n",
        "a b c\n: x\n\n",
    ] {
        assert!(refused(text).response().is_none(), "{text:?}");
    }
}

#[test]
fn the_body_ends_at_content_length_or_with_the_datagram() {
    assert_eq!(&request(&with("Content-Length", "l: 3")).body[..], b"hel");
    assert_eq!(&request(&with("Content-Length", "")).body[..], b"hello");
    let twice = with("Content-Length", "Content-Length: 5\nl: 5");
    assert_eq!(&request(&twice).body[..], b"hello");
}

#[test]
fn a_body_shorter_than_promised_is_400_for_a_request_and_dropped_for_a_response() {
    let short = with("Content-Length", "Content-Length: 6");
    assert_eq!(
        answer(&short),
        "SIP/2.0 400 Bad Request (body shorter than Content-Length)"
    );
    let response = short.replace("INVITE sip:standup@192.0.2.10 SIP/2.0", "SIP/2.0 200 OK");
    let error = refused(&response);
    assert_eq!(error.error, Error::BodyTooShort);
    assert!(error.response().is_none());
}

#[test]
fn a_malformed_or_missing_header_is_named_in_the_answer() {
    for (name, line, reason) in [
        ("From", "", "missing From"),
        ("To", "", "missing To"),
        ("Call-ID", "", "missing Call-ID"),
        ("CSeq", "", "missing CSeq"),
        (
            "From",
            "From: \"Ann <sip:ann@example.org>;tag=1",
            "malformed From",
        ),
        (
            "From",
            "From: Bell, Ann <sip:ann@example.org>;tag=1",
            "malformed From",
        ),
        ("To", "To: <sip:standup@192.0.2.10", "malformed To"),
        ("To", "To: sip:standup@192.0.2.10?subject=x", "malformed To"),
        ("To", "To: <sip:a@b>\nTo: <sip:a@b>", "repeated To"),
        ("CSeq", "CSeq: 2147483648 INVITE", "malformed CSeq"),
        ("CSeq", "CSeq: -1 INVITE", "malformed CSeq"),
        ("CSeq", "CSeq: 314159", "malformed CSeq"),
        ("CSeq", "CSeq: 314159 BYE", "CSeq method does not match"),
        ("CSeq", "CSeq: 314159 invite", "CSeq method does not match"),
        ("CSeq", "CSeq: 1 INVITE\nCSeq: 1 INVITE", "repeated CSeq"),
        ("Call-ID", "Call-ID: two words", "malformed Call-ID"),
        ("Call-ID", "Call-ID:", "malformed Call-ID"),
        (
            "Max-Forwards",
            "Max-Forwards: 256",
            "malformed Max-Forwards",
        ),
        (
            "Content-Length",
            "Content-Length: -5",
            "malformed Content-Length",
        ),
        (
            "Content-Length",
            "Content-Length: 5, 5",
            "malformed Content-Length",
        ),
        (
            "Content-Length",
            "Content-Length: 99999999999",
            "malformed Content-Length",
        ),
        (
            "Content-Length",
            "Content-Length: 5\nl: 4",
            "repeated Content-Length",
        ),
        ("Contact", "no colon here", "malformed header line"),
        ("Contact", "bad name: x", "malformed header line"),
        ("Contact", ": x", "malformed header line"),
    ] {
        let expected = format!("SIP/2.0 400 Bad Request ({reason})");
        assert_eq!(answer(&with(name, line)), expected, "{line:?}");
    }
}

#[test]
fn a_bad_second_via_is_400_by_way_of_the_first() {
    let text = with("Via", "Via: SIP/2.0/UDP 192.0.2.15;;,;,,");
    assert_eq!(answer(&text), "SIP/2.0 400 Bad Request (malformed Via)");
}

#[test]
fn without_a_readable_via_there_is_no_way_to_answer() {
    for line in [
        "",
        "Via: SIP/2.0/UDP",
        "Via: SIP/2.0/UDP ;branch=z9hG4bK1",
        "Via: SIP/2.0/UDP host:99999;branch=z9hG4bK1",
        "Via: HTTP/2.0/UDP host",
        "Via: SIP/2.0/UDP [::1;branch=z9hG4bK1",
        "Via: SIP/2.0/UDP host;branch=\"open",
    ] {
        assert!(refused(&with("Via", line)).response().is_none(), "{line:?}");
    }
}

#[test]
fn a_malformed_ack_gets_no_answer() {
    let ack = with("CSeq", "CSeq: 314159 BYE").replace("INVITE sip", "ACK sip");
    let error = refused(&ack);
    assert_eq!(error.error, Error::CSeqMethod);
    assert!(error.response().is_none());
}

#[test]
fn another_version_is_505() {
    let text = with("INVITE", "INVITE sip:standup@192.0.2.10 SIP/7.0");
    assert_eq!(answer(&text), "SIP/2.0 505 Version Not Supported");
    let text = text.replace("SIP/2.0/UDP", "SIP/7.0/UDP");
    let response = refused(&text).response().unwrap().to_bytes();
    assert!(response.starts_with(b"SIP/2.0 505 Version Not Supported\r\nVia: SIP/7.0/UDP"));
    let response = with("INVITE", "SIP/3.0 200 OK");
    assert!(refused(&response).response().is_none());
}

#[test]
fn a_malformed_request_line_is_400() {
    for line in [
        "INVITE <sip:standup@192.0.2.10> SIP/2.0",
        "INVITE sip:standup@192.0.2.10; lr SIP/2.0",
        "INVITE  sip:standup@192.0.2.10 SIP/2.0",
        "INVITE sip:standup@192.0.2.10  SIP/2.0",
        "INVITE sip:standup@192.0.2.10 SIP/2.0 ",
        "INVITE sip:stand%up@192.0.2.10 SIP/2.0",
        "INVITE sip: SIP/2.0",
        "INVITE standup SIP/2.0",
        "INVITE sip:standup@192.0.2.10 HTTP/1.1",
    ] {
        let answer = answer(&with("INVITE", line));
        assert!(
            answer.starts_with("SIP/2.0 400 Bad Request ("),
            "{line:?}: {answer}"
        );
    }
}

#[test]
fn a_status_that_is_none_is_dropped() {
    for line in [
        "SIP/2.0 99 Low",
        "SIP/2.0 700 High",
        "SIP/2.0 4294967301 x",
        "SIP/2.0 0200 OK",
        "SIP/2.0 2x0 OK",
    ] {
        let error = refused(&with("INVITE", line));
        assert_eq!(error.error, Error::StartLine, "{line:?}");
        assert!(error.response().is_none());
    }
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
fn more_than_64_kib_is_513() {
    let text = with(
        "Content-Length",
        &format!("Subject: {}", "x".repeat(65_536)),
    );
    assert_eq!(answer(&text), "SIP/2.0 513 Message Too Large");
}

#[test]
fn absurdly_many_headers_are_400() {
    let with_rows = |rows| with("Content-Length", &vec!["X: 1"; rows].join("\n"));
    assert_eq!(request(&with_rows(200)).headers.len(), 208);
    let many = with_rows(300);
    assert_eq!(answer(&many), "SIP/2.0 400 Bad Request (too many headers)");
}

#[test]
fn headers_without_an_empty_line_after_them_are_400() {
    let (head, _) = INVITE.split_once("\n\n").unwrap();
    assert_eq!(
        answer(&format!("{head}\n")),
        "SIP/2.0 400 Bad Request (no empty line after the headers)"
    );
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
