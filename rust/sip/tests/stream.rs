//! Whatever way a stream is cut into segments, the same messages come out of it.

use bytes::Bytes;
use proptest::prelude::*;
use sems_sip::stream::{Frame, Framer};
use sems_sip::{Error, HeaderName, Message};

fn message(length: &str, body: &str) -> String {
    format!(
        "OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/TCP c;branch=z9hG4bK1\r\n{length}\r\n\r\n{body}"
    )
}

/// All that comes out of a stream that arrives in these pieces.
fn frames<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Frame> {
    let mut framer = Framer::new();
    let mut frames = Vec::new();
    for piece in pieces {
        framer.push(piece);
        while let Some(frame) = framer.pop() {
            frames.push(frame);
        }
    }
    frames
}

fn whole(stream: &str) -> Vec<Frame> {
    frames([stream.as_bytes()])
}

fn said(text: &str) -> Frame {
    Frame::Message(Bytes::copy_from_slice(text.as_bytes()))
}

#[track_caller]
fn broken(stream: &str) -> (String, Error) {
    match whole(stream).pop() {
        Some(Frame::Broken { head, error }) => (String::from_utf8_lossy(&head).into(), error),
        other => panic!("{other:?}"),
    }
}

#[test]
fn content_length_ends_a_message_and_the_next_one_follows_at_once() {
    let (one, two) = (message("Content-Length: 4", "body"), message("l:0", ""));
    assert_eq!(
        whole(&format!("{one}{two}{one}")),
        [said(&one), said(&two), said(&one)]
    );
}

#[test]
fn what_comes_out_keeps_no_more_memory_than_it_is_long() {
    let (one, head) = (message("l:0", ""), message("Subject: no length", ""));
    let stream = format!("{}{head}{}", one.repeat(100), "x".repeat(5000));
    for frame in whole(&stream) {
        let (Frame::Message(data) | Frame::Broken { head: data, .. }) = frame else {
            panic!("{frame:?}");
        };
        let length = data.len();
        let own = data.try_into_mut().expect("nobody else has it");
        assert!(own.capacity() <= length, "{} for {length}", own.capacity());
    }
}

#[test]
fn the_length_is_found_however_it_is_written() {
    for length in [
        "CONTENT-LENGTH:4",
        "Content-Length  :  4",
        "L: 4",
        "Content-Length:\r\n 4",
        "Content-Length: 4\r\nl: 4",
        "Subject: x\r\n Content-Length: 9\r\nContent-Length: 4",
    ] {
        let message = message(length, "body");
        assert_eq!(whole(&message), [said(&message)], "{length:?}");
    }
    let bare = message("l: 4", "body").replace("\r\n", "\n");
    assert_eq!(whole(&bare), [said(&bare)]);
}

#[test]
fn a_message_that_does_not_say_its_length_breaks_the_stream_but_can_be_answered() {
    for (length, error) in [
        ("Subject: x", Error::Missing(HeaderName::ContentLength)),
        (
            "Content-Length: 4\r\nl: 5",
            Error::Repeated(HeaderName::ContentLength),
        ),
        (
            "Content-Length: four",
            Error::Malformed(HeaderName::ContentLength),
        ),
        (
            "Content-Length: -1",
            Error::Malformed(HeaderName::ContentLength),
        ),
        (
            "Content-Length: 99999999999999999999",
            Error::Malformed(HeaderName::ContentLength),
        ),
        ("Content-Length: 70000", Error::TooLarge),
        ("Content-Length: 4294967295", Error::TooLarge),
    ] {
        let message = message(length, "");
        assert_eq!(
            broken(&format!("{message}body")),
            (message, error),
            "{length}"
        );
    }
}

#[test]
fn after_what_is_broken_nothing_comes_any_more() {
    let good = message("l: 0", "");
    let mut framer = Framer::new();
    framer.push(b"GET / HTTP/1.1\r\n\r\n");
    assert!(matches!(framer.pop(), Some(Frame::Broken { .. })));
    framer.push(good.as_bytes());
    assert_eq!(framer.pop(), None);
    assert!(!framer.is_within_message());
}

#[test]
fn what_is_another_protocol_is_seen_at_its_first_line() {
    for other in [
        "GET / HTTP/1.1\r\n",
        "\x16\x03\x01\x02\0\x01\0\x01",
        "\0",
        "EHLO x\n",
    ] {
        assert_eq!(
            broken(other),
            (String::new(), Error::StartLine),
            "{other:?}"
        );
    }
    assert_eq!(whole("OPTIONS sip:a@b SIP/2.0\r\n"), []);
    assert_eq!(whole("\r"), []);
}

#[test]
fn headers_without_end_are_given_up_at_the_limit() {
    let endless = format!(
        "OPTIONS sip:a@b SIP/2.0\r\nX: {}",
        "x".repeat(Message::MAX_LEN)
    );
    let (head, error) = broken(&endless);
    assert_eq!((head.len(), error), (Message::MAX_LEN, Error::TooLarge));
    let (head, error) = broken(&"x".repeat(Message::MAX_LEN + 1));
    assert_eq!((head.len(), error), (0, Error::TooLarge));
    let just = Message::MAX_LEN - message("l: 00000", "").len();
    let largest = message(&format!("l: {just:05}"), &"x".repeat(just));
    assert_eq!(whole(&largest), [said(&largest)]);
}

#[test]
fn two_line_ends_between_messages_are_a_ping_and_one_is_a_pong() {
    let message = message("l: 0", "");
    assert_eq!(whole("\r\n\r\n"), [Frame::Pong, Frame::Ping]);
    assert_eq!(whole("\r\n"), [Frame::Pong]);
    let stream = format!("\r\n{message}\r\n\r\n\r\n\r\n{message}\r\n");
    assert_eq!(
        whole(&stream),
        [
            Frame::Pong,
            said(&message),
            Frame::Pong,
            Frame::Ping,
            Frame::Pong,
            Frame::Ping,
            said(&message),
            Frame::Pong
        ]
    );
}

#[test]
fn a_ping_may_come_in_halves() {
    assert_eq!(
        frames([&b"\r"[..], b"\n\r", b"\n"]),
        [Frame::Pong, Frame::Ping]
    );
}

#[test]
fn what_is_idle_holds_nothing_and_what_has_begun_says_so() {
    let message = message("l: 4", "body");
    let mut framer = Framer::new();
    assert!(!framer.is_within_message());
    framer.push(&message.as_bytes()[..20]);
    assert_eq!(framer.pop(), None);
    assert!(framer.is_within_message());
    framer.push(&message.as_bytes()[20..]);
    assert_eq!(framer.pop(), Some(said(&message)));
    assert!(!framer.is_within_message());
}

/// A piece of a stream: mostly good, sometimes not.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => "[a-z\r\n]{0,40}".prop_map(|body| message(&format!("Content-Length: {}", body.len()), &body)),
        2 => "[a-z]{0,9}".prop_map(|body| message(&format!("Subject: a\r\n b\r\nl:{}", body.len()), &body)),
        3 => Just("\r\n".to_owned()),
        2 => Just("\r\n\r\n".to_owned()),
        1 => "[ -~\r\n]{0,30}",
    ]
}

proptest! {
    #[test]
    fn any_split_of_any_stream_gives_the_same(
        pieces in prop::collection::vec(piece(), 0..8),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
    ) {
        let stream = pieces.concat();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
        cuts.extend([0, stream.len()]);
        cuts.sort_unstable();
        let bytes = stream.as_bytes();
        let split = frames(cuts.windows(2).map(|cut| &bytes[cut[0]..cut[1]]));
        prop_assert_eq!(&split, &frames([bytes]));
        prop_assert_eq!(&split, &frames(bytes.chunks(1)));
    }

    #[test]
    fn messages_come_out_as_they_went_in(bodies in prop::collection::vec("[ -~\r\n]{0,60}", 0..9)) {
        let messages: Vec<_> = bodies
            .iter()
            .map(|body| message(&format!("Content-Length: {}", body.len()), body))
            .collect();
        let expected: Vec<_> = messages.iter().map(|message| said(message)).collect();
        prop_assert_eq!(frames(messages.concat().as_bytes().chunks(7)), expected);
    }
}
