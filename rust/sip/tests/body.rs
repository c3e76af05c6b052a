//! Bodies of several parts, and what of a body is for the session.

use sems_sip::body::{MAX_DEPTH, MAX_PARTS, Session, parts, session};
use sems_sip::header::{ContentType, Header};
use sems_sip::{Bytes, HeaderName, Headers};

const SDP: &str = "Content-Type: application/sdp\n\nv=0";

/// A body of these parts, line ends as on the wire.
fn multipart(parts: &[&str]) -> Bytes {
    let mut text = String::from("This is for those who know no parts.\n");
    for part in parts {
        text += &format!("--b1\n{part}\n");
    }
    text += "--b1--\nand this for nobody\n";
    text.replace('\n', "\r\n").into()
}

fn kind(text: &str) -> ContentType {
    ContentType::parse(&text.into()).unwrap()
}

fn headers(kind: &str) -> Headers {
    let mut headers = Headers::new();
    headers.push(HeaderName::ContentType, kind);
    headers
}

fn find(kind: &str, body: &Bytes) -> Result<Session, sems_sip::Error> {
    session(&headers(kind), body, &|kind| kind.is("application/sdp"))
}

/// What is found among the parts of a multipart/mixed.
fn among(parts: &[&str]) -> Result<Session, sems_sip::Error> {
    find("multipart/mixed;boundary=b1", &multipart(parts))
}

fn description() -> Session {
    Session::Description("application/sdp".into(), "v=0".into())
}

#[test]
fn parts_are_cut_at_the_boundary_and_keep_every_byte() {
    let body = multipart(&[
        "Content-Type: text/plain\nX-Y: z\n\none\n\ntwo\n",
        "\nno headers",
        "Content-Type: a/b\n\n--b10\n--b",
    ]);
    let parts = parts(&kind("multipart/mixed;boundary=\"b1\""), &body).unwrap();
    let bodies: Vec<_> = parts.iter().map(|part| &part.body[..]).collect();
    assert_eq!(
        bodies,
        [&b"one\r\n\r\ntwo\r\n"[..], b"no headers", b"--b10\r\n--b"]
    );
    assert_eq!(parts[0].headers.len(), 2);
    assert!(parts[1].headers.is_empty());
}

#[test]
fn a_body_without_its_boundary_or_its_end_is_malformed() {
    let whole = multipart(&[SDP]);
    for (kind_of, body) in [
        ("multipart/mixed", whole.clone()),
        ("multipart/mixed;boundary=\"\"", whole.clone()),
        ("multipart/mixed;boundary=other", whole.clone()),
        ("multipart/mixed;boundary=b1", whole.slice(..70)),
        ("multipart/mixed;boundary=b1", "--b1--\r\n".into()),
        (
            "multipart/mixed;boundary=b1",
            "--b1\r\nno empty line\r\n--b1--".into(),
        ),
    ] {
        assert!(parts(&kind(kind_of), &body).is_err(), "{kind_of} {body:?}");
    }
}

#[test]
fn a_description_is_found_alone_and_among_others() {
    assert_eq!(find("application/sdp", &"v=0".into()), Ok(description()));
    let optional =
        "Content-Type: application/isup\nContent-Disposition: signal;handling=optional\n\n\x01";
    assert_eq!(among(&[SDP, optional]), Ok(description()));
    assert_eq!(among(&[optional, SDP]), Ok(description()));
    let session = "Content-Type: application/sdp\nContent-Disposition: session\n\nv=0";
    assert_eq!(among(&[session]), Ok(description()));
    assert_eq!(among(&[optional]), Ok(Session::None));
}

#[test]
fn what_has_to_be_understood_and_is_not_refuses_the_whole() {
    for part in [
        "Content-Type: application/isup\n\n\x01",
        "Content-Type: application/isup\nContent-Disposition: signal\n\n\x01",
        "Content-Type: application/isup\nContent-Disposition: signal;handling=required\n\n\x01",
        "\nplain text",
        "Content-Type: application/sdp\nContent-Disposition: early-session\n\nv=0",
        "Content-Type: application/sdp\nContent-Transfer-Encoding: base64\n\ndj0w",
    ] {
        assert_eq!(among(&[SDP, part]), Ok(Session::Unsupported), "{part}");
    }
    assert_eq!(find("text/plain", &"x".into()), Ok(Session::Unsupported));
}

#[test]
fn of_alternatives_the_last_that_is_understood_is_taken() {
    let better = "Content-Type: application/sdpng\n\n<sdpng/>";
    let kind = "multipart/alternative;boundary=b1";
    assert_eq!(find(kind, &multipart(&[SDP, better])), Ok(description()));
    assert_eq!(find(kind, &multipart(&[better])), Ok(Session::Unsupported));
    let second = SDP.replace("v=0", "v=1");
    let chosen = find(kind, &multipart(&[SDP, &second])).unwrap();
    assert_eq!(
        chosen,
        Session::Description("application/sdp".into(), "v=1".into())
    );
}

#[test]
fn of_related_and_signed_parts_the_first_is_meant() {
    let other = "Content-Type: application/pkcs7-signature\n\n\x30";
    for kind in [
        "multipart/related;boundary=b1",
        "multipart/signed;boundary=b1",
    ] {
        assert_eq!(find(kind, &multipart(&[SDP, other])), Ok(description()));
    }
}

#[test]
fn two_descriptions_of_one_session_are_malformed() {
    assert!(among(&[SDP, SDP]).is_err());
}

/// `levels` multiparts within each other, a description in the innermost.
fn nested(levels: usize) -> (String, Bytes) {
    let mut part = SDP.to_owned();
    let mut kind = String::new();
    let mut body = String::new();
    for level in 0..levels {
        kind = format!("multipart/mixed;boundary=l{level}");
        body = format!("--l{level}\n{part}\n--l{level}--\n");
        part = format!("Content-Type: {kind}\n\n{body}");
    }
    (kind, body.into())
}

#[test]
fn multiparts_may_stand_within_each_other_up_to_a_limit() {
    let (kind, body) = nested(MAX_DEPTH);
    assert_eq!(find(&kind, &body), Ok(description()));
    let (kind, body) = nested(MAX_DEPTH + 1);
    assert!(find(&kind, &body).is_err());
}

#[test]
fn there_may_be_only_so_many_parts() {
    let optional = "Content-Type: x/y\nContent-Disposition: x;handling=optional\n\n";
    assert_eq!(among(&[optional; MAX_PARTS]), Ok(Session::None));
    assert!(among(&[optional; MAX_PARTS + 1]).is_err());
    // So too when they are spread over several multiparts.
    let half = format!("{optional}\n--b2\n").repeat(MAX_PARTS / 2);
    let inner = format!("Content-Type: multipart/mixed;boundary=b2\n\n--b2\n{half}\n--b2--");
    let inner = inner.replace("--b2\n\n--b2--", "--b2--");
    assert!(among(&[&inner, &inner]).is_err());
}
