//! What isn't a message, and what its sender is told.

use sems_sip::{Error, Message, ParseError};

use crate::{INVITE, datagram, request, with};

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
