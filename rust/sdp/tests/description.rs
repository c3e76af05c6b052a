//! Reading and writing descriptions.

use sems_sdp::{Direction, Error, SessionDescription};

const WHOLE: &str = "v=0\r\n\
    o=jdoe 3724394400 3724394405 IN IP4 198.51.100.1\r\n\
    s=Call to John Smith\r\n\
    i=SDP Offer #1\r\n\
    u=http://www.example.com/home.html\r\n\
    e=Jane Doe <jane@example.com>\r\n\
    p=+1 617 555-6011\r\n\
    c=IN IP4 198.51.100.1\r\n\
    b=CT:128\r\n\
    t=0 0\r\n\
    r=604800 3600 0 90000\r\n\
    z=3730928400 -1h\r\n\
    k=clear:secret\r\n\
    a=recvonly\r\n\
    a=X-unknown:some:value \r\n\
    m=audio 49170/2 RTP/AVP 0 99\r\n\
    i=the voice\r\n\
    c=IN IP6 2001:db8::2\r\n\
    b=AS:64\r\n\
    k=prompt\r\n\
    a=rtpmap:99 h263-1998/90000\r\n\
    m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n";

#[test]
fn every_line_of_a_description_survives() {
    let description = SessionDescription::parse(WHOLE.as_bytes()).unwrap();
    assert_eq!(description.to_string(), WHOLE);
}

#[test]
fn the_page_stands_after_the_name_and_before_the_address() {
    let mut description = SessionDescription::parse(WHOLE.as_bytes()).unwrap();
    description.information = None;
    description.uri = Some("https://example.com/c/1".into());
    let text = description.to_string();
    assert!(text.contains("s=Call to John Smith\r\nu=https://example.com/c/1\r\n"));
    assert!(text.find("\r\nu=") < text.find("\r\nc="));
}

#[test]
fn line_ends_may_be_of_any_kind() {
    let expected = SessionDescription::parse(WHOLE.as_bytes()).unwrap();
    for end in ["\n", "\r", "\n\n"] {
        let text = WHOLE.replace("\r\n", end);
        assert_eq!(
            SessionDescription::parse(text.as_bytes()).as_ref(),
            Ok(&expected)
        );
    }
    let unended = WHOLE.trim_end();
    assert_eq!(SessionDescription::parse(unended.as_bytes()), Ok(expected));
}

#[test]
fn a_missing_name_or_time_is_forgiven() {
    let description = SessionDescription::parse(b"v=0\no=- 1 1 IN IP4 192.0.2.1\n").unwrap();
    assert_eq!(
        description.to_string(),
        "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\n"
    );
}

#[test]
fn malformed_descriptions_are_refused_with_their_line() {
    let o = "o=- 1 1 IN IP4 192.0.2.1\n";
    for (text, at) in [
        (String::new(), 2),
        ("x".into(), 1),
        (o.into(), 1),
        ("v=1\n".into(), 1),
        ("v=0\n".into(), 2),
        ("v=0\nv=0\n".into(), 2),
        ("v=0\no=- 1 1 IN IP4\n".into(), 2),
        ("v=0\no=- 1 1 IN IP4 192.0.2.1 x\n".into(), 2),
        (format!("v=0\n{o}{o}"), 3),
        (format!("v=0\n{o}s=a\ns=b\n"), 4),
        (format!("v=0\n{o}c=IN IP4\n"), 3),
        (format!("v=0\n{o}xy=1\n"), 3),
        (format!("v=0\n{o}garbage\n"), 3),
        (format!("v=0\n{o}r=1\n"), 3),
        (format!("v=0\n{o}m=audio\n"), 3),
        (format!("v=0\n{o}m=audio 65536 RTP/AVP 0\n"), 3),
        (format!("v=0\n{o}m=audio -1 RTP/AVP 0\n"), 3),
        (format!("v=0\n{o}m=audio 1/x RTP/AVP 0\n"), 3),
        (format!("v=0\n{o}m=audio 1 RTP/AVP 0\ns=late\n"), 4),
        (format!("v=0\n{o}m=audio 1 RTP/AVP 0\n1=1\n"), 4),
        (format!("v=0\n{o}m=audio 1 RTP/AVP 0\n\0\na=x\n"), 4),
        (format!("v=0\n{o}a=\0x\n"), 3),
    ] {
        match SessionDescription::parse(text.as_bytes()) {
            Err(Error::Syntax { line, .. }) => assert_eq!(line, at, "{text:?}"),
            other => panic!("{text:?} gave {other:?}"),
        }
    }
}

#[test]
fn lines_of_unknown_letters_and_what_trails_the_last_one_are_passed_over() {
    let text = WHOLE.replace("k=prompt", "y=0100000001\r\nf=v/2/4///a///\r\nk=prompt");
    let text = text.replacen("t=0 0", "Q=1\r\nt=0 0", 1) + "\0\0 \r\n";
    let description = SessionDescription::parse(text.as_bytes()).unwrap();
    assert_eq!(description.to_string(), WHOLE);
}

#[test]
fn numbers_of_the_origin_may_be_longer_than_any_integer() {
    let origin = "o=- 36893488147419103232 99999999999999999999999 IN IP4 host.example.com";
    let text = format!("v=0\n{origin}\n");
    let description = SessionDescription::parse(text.as_bytes()).unwrap();
    assert!(description.to_string().contains(origin));
}

#[test]
fn what_a_stranger_may_send_is_limited() {
    let head = "v=0\no=- 1 1 IN IP4 192.0.2.1\n";
    for (rest, reason) in [
        (
            "m=audio 4000 RTP/AVP 0\n".repeat(65),
            "more than 64 media lines",
        ),
        ("a=x\n".repeat(4095), "more than 4096 lines"),
        ("x".repeat(65_536), "longer than 65536 bytes"),
    ] {
        let error = SessionDescription::parse((head.to_owned() + &rest).as_bytes()).unwrap_err();
        assert!(error.to_string().ends_with(reason), "{error}");
    }
    for rest in ["m=audio 4000 RTP/AVP 0\n".repeat(64), "a=x\n".repeat(4094)] {
        assert!(SessionDescription::parse((head.to_owned() + &rest).as_bytes()).is_ok());
    }
}

#[test]
fn bytes_that_are_no_utf8_are_no_error() {
    let description = SessionDescription::parse(b"v=0\no=- 1 1 IN IP4 192.0.2.1\ns=caf\xe9\n");
    assert_eq!(description.unwrap().name, "caf\u{fffd}");
}

#[test]
fn address_and_direction_of_a_line_go_before_those_of_the_session() {
    let description = SessionDescription::parse(WHOLE.as_bytes()).unwrap();
    let [audio, data] = &description.media[..] else {
        panic!("two media lines");
    };
    let address = |media| {
        description
            .connection_of(media)
            .unwrap()
            .ip()
            .unwrap()
            .to_string()
    };
    assert_eq!(address(audio), "2001:db8::2");
    assert_eq!(address(data), "198.51.100.1");
    assert_eq!(description.direction_of(audio), Direction::RecvOnly);
}

#[test]
fn blanks_at_the_end_of_the_last_line_are_its_own_and_those_behind_it_are_not() {
    let written = WHOLE.replace("webrtc-datachannel", "x\r\na=what:is \t");
    let whole = SessionDescription::parse(written.as_bytes()).unwrap();
    let last = whole.media[1].attributes.last().unwrap();
    assert_eq!(last.value.as_deref(), Some("is \t"));
    assert_eq!(whole.to_string(), written);
    for padding in [" \r\n\t", "\0\0", "\n \0"] {
        let padded = written.clone() + padding;
        assert_eq!(
            SessionDescription::parse(padded.as_bytes()),
            Ok(whole.clone())
        );
    }
    let unended = SessionDescription::parse(written.trim_end_matches("\r\n").as_bytes()).unwrap();
    let last = unended.media[1].attributes.last().unwrap();
    assert_eq!(last.value.as_deref(), Some("is"));
}
