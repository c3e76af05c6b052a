//! Session timers (RFC 4028).

use std::time::Duration;

use sems_sip::header::CSeq;
use sems_sip::user_agent::{Cause, Content, Event, SessionId, UserAgentConfig};
use sems_sip::{HeaderName, Headers, Message, Method, Request};

use crate::calling::{CONTACT, calling};
use crate::wire::{Wire, header, invite, numbered, reply, to_tag};

const ALLOW: &str = "Allow: INVITE, ACK, BYE, UPDATE\n";
const TIMER: &str = "Supported: timer\n";

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// An INVITE with these headers comes and is accepted; the session, our tag, and what our 200 says
/// in Session-Expires and Require.
fn called(wire: &mut Wire, headers: &str) -> (SessionId, String, String, String) {
    let session = wire.invited_by(&invite(headers));
    let ok = wire.accept(session, Some(Content::sdp("answer")));
    let tag = to_tag(&ok);
    let ok = Message::Response(ok);
    let (expires, require) = (
        header(&ok, HeaderName::SessionExpires),
        header(&ok, HeaderName::Require),
    );
    wire.acknowledge(&tag);
    (session, tag, expires, require)
}

/// We call, and the 200 says this; the session and our INVITE.
fn connected(wire: &mut Wire, headers: &str) -> (SessionId, Request) {
    let (session, invite) = calling(wire);
    let headers = format!("{CONTACT}\n{headers}");
    wire.receive(&reply(&invite, "200 OK", "bob", &headers));
    assert_eq!(wire.said(), ["ACK"]);
    assert!(matches!(&wire.told()[..], [Event::Accepted { .. }]));
    (session, invite)
}

fn says(request: &Request, name: HeaderName) -> String {
    header(&Message::Request(request.clone()), name)
}

#[test]
fn an_invite_of_ours_asks_for_half_an_hour() {
    let mut wire = Wire::new();
    let (_, invite) = calling(&mut wire);
    assert_eq!(says(&invite, HeaderName::SessionExpires), "1800");
    assert_eq!(says(&invite, HeaderName::MinSe), "");
    assert_eq!(says(&invite, HeaderName::Supported), "100rel, timer, 199");
    let mut wire = Wire::with(UserAgentConfig {
        session_expires: 0,
        ..Default::default()
    });
    let (_, invite) = calling(&mut wire);
    assert_eq!(says(&invite, HeaderName::SessionExpires), "");
}

#[test]
fn what_the_caller_asks_for_decides_who_refreshes_and_how_often() {
    for (asked, expires, require) in [
        // RFC 4028, table 2.
        (
            format!("{TIMER}Session-Expires: 600"),
            "600;refresher=uas",
            "timer",
        ),
        (
            format!("{TIMER}Session-Expires: 600;refresher=uac"),
            "600;refresher=uac",
            "timer",
        ),
        (
            format!("{TIMER}x: 600;refresher=uas"),
            "600;refresher=uas",
            "timer",
        ),
        (
            format!("{TIMER}Session-Expires: 7200"),
            "1800;refresher=uas",
            "timer",
        ),
        (
            format!("{TIMER}Session-Expires: 7200\nMin-SE: 3600"),
            "3600;refresher=uas",
            "timer",
        ),
        (TIMER.to_owned(), "1800;refresher=uas", "timer"),
        // A proxy wants it, and the caller doesn't know of it.
        ("Session-Expires: 600".to_owned(), "600;refresher=uas", ""),
        (
            "Session-Expires: 10;refresher=uac".to_owned(),
            "90;refresher=uas",
            "",
        ),
        // The caller knows nothing of timers: we refresh, as we would not learn that it is gone.
        (String::new(), "1800;refresher=uas", ""),
    ] {
        let mut wire = Wire::new();
        let (_, _, told, required) = called(&mut wire, &asked);
        assert_eq!(
            (told.as_str(), required.as_str()),
            (expires, require),
            "{asked}"
        );
    }
}

#[test]
fn an_interval_that_is_too_short_gets_422_with_ours() {
    let mut wire = Wire::new();
    wire.receive(&invite(&format!("{TIMER}Session-Expires: 60")));
    let refusal = wire.response();
    assert_eq!(refusal.status.code(), 422);
    let refusal = Message::Response(refusal);
    assert_eq!(header(&refusal, HeaderName::MinSe), "90");
    assert!(wire.told().is_empty());
}

#[test]
fn a_422_has_us_ask_again_for_what_it_says() {
    let mut wire = Wire::new();
    let (_, first) = calling(&mut wire);
    let small = reply(
        &first,
        "422 Session Interval Too Small",
        "bob",
        "Min-SE: 3600",
    );
    wire.receive(&small);
    let sent = std::mem::take(&mut wire.sent);
    let [
        (_, _, Message::Request(ack)),
        (_, _, Message::Request(again)),
    ] = &sent[..]
    else {
        panic!("{sent:?}");
    };
    assert_eq!(ack.method, Method::Ack);
    assert_eq!(again.body, "offer");
    for (name, value) in [
        (HeaderName::SessionExpires, "3600"),
        (HeaderName::MinSe, "3600"),
    ] {
        assert_eq!(says(again, name), value);
    }
    for same in [HeaderName::CallId, HeaderName::From, HeaderName::To] {
        assert_eq!(again.headers.get(&same), first.headers.get(&same));
    }
    assert_eq!(again.headers.require::<CSeq>().unwrap().sequence, 2);
    assert_ne!(again.headers.top_via(), first.headers.top_via());
    assert!(wire.told().is_empty());
    // Who asks for no more than he got is refused like any other.
    wire.receive(&reply(
        again,
        "422 Session Interval Too Small",
        "bob",
        "Min-SE: 3600",
    ));
    assert!(matches!(
        &wire.told()[..],
        [Event::Terminated {
            cause: Cause::Rejected(_),
            ..
        }]
    ));
    wire.wait_for_the_end();
    assert!(wire.is_empty());
}

#[test]
fn as_refresher_we_send_update_at_half_the_interval_for_as_long_as_it_is_answered() {
    let mut wire = Wire::new();
    let (session, _, _, _) = called(&mut wire, &format!("{ALLOW}{TIMER}Session-Expires: 600"));
    for _ in 0..3 {
        wire.wait(seconds(299));
        assert!(wire.said().is_empty());
        wire.wait(seconds(1));
        let update = wire.request();
        assert_eq!(update.method, Method::Update);
        assert!(update.body.is_empty());
        assert_eq!(
            says(&update, HeaderName::SessionExpires),
            "600;refresher=uac"
        );
        let ok = format!("{CONTACT}\nRequire: timer\nSession-Expires: 600;refresher=uac");
        wire.receive(&reply(&update, "200 OK", "", &ok));
    }
    assert!(wire.told().is_empty());
    // Without Session-Expires in the answer we go on by ourselves (§7.2).
    for _ in 0..2 {
        wire.wait(seconds(300));
        let update = wire.request();
        wire.receive(&reply(&update, "200 OK", "", CONTACT));
    }
    assert!(wire.said().is_empty());
    assert!(wire.agent.hangup(wire.now, session, Headers::new()).is_ok());
}

#[test]
fn a_peer_that_does_not_take_update_is_refreshed_by_invite() {
    let mut wire = Wire::new();
    let headers = "Session-Expires: 1800;refresher=uac";
    let (session, _) = connected(&mut wire, headers);
    wire.wait(seconds(900));
    assert!(matches!(&wire.told()[..], [Event::RefreshDue { .. }]));
    let same = Some(Content::sdp("offer"));
    wire.agent
        .reinvite(wire.now, session, Headers::new(), same)
        .unwrap();
    wire.drain();
    let reinvite = wire.request();
    assert_eq!(
        says(&reinvite, HeaderName::SessionExpires),
        "1800;refresher=uac"
    );
    let ok = format!("{CONTACT}\n{headers}\nContent-Type: application/sdp\n\nanswer");
    wire.receive(&reply(&reinvite, "200 OK", "", &ok));
    assert_eq!(wire.said(), ["ACK"]);
    assert!(matches!(&wire.told()[..], [Event::ReinviteAnswered { .. }]));
    wire.wait(seconds(899));
    assert!(wire.told().is_empty());
    wire.wait(seconds(1));
    assert!(matches!(&wire.told()[..], [Event::RefreshDue { .. }]));
}

#[test]
fn a_peer_whose_update_turns_out_not_to_work_is_refreshed_by_invite() {
    let mut wire = Wire::new();
    connected(
        &mut wire,
        &format!("{ALLOW}Session-Expires: 1800;refresher=uac"),
    );
    wire.wait(seconds(900));
    let update = wire.request();
    wire.receive(&reply(&update, "405 Method Not Allowed", "", ""));
    wire.wait(Duration::from_millis(100));
    assert!(matches!(&wire.told()[..], [Event::RefreshDue { .. }]));
}

#[test]
fn a_422_to_a_refresh_is_followed_by_one_with_the_larger_interval() {
    let mut wire = Wire::new();
    connected(
        &mut wire,
        &format!("{ALLOW}Session-Expires: 600;refresher=uac"),
    );
    wire.wait(seconds(300));
    let update = wire.request();
    let small = reply(
        &update,
        "422 Session Interval Too Small",
        "",
        "Min-SE: 1200",
    );
    wire.receive(&small);
    wire.wait(Duration::from_millis(100));
    let update = wire.request();
    assert_eq!(
        says(&update, HeaderName::SessionExpires),
        "1200;refresher=uac"
    );
    assert_eq!(says(&update, HeaderName::MinSe), "1200");
    // One that says nothing new doesn't make us haste.
    wire.receive(&reply(
        &update,
        "422 Session Interval Too Small",
        "",
        "Min-SE: 1200",
    ));
    wire.wait(seconds(4));
    assert!(wire.said().is_empty());
}

#[test]
fn a_session_that_the_peer_does_not_refresh_ends_before_the_interval_does() {
    // Less a third of the interval, at most 32 s (§10).
    for (interval, end) in [(90u64, 60u64), (600, 568)] {
        let mut wire = Wire::new();
        let asked = format!("{TIMER}Session-Expires: {interval};refresher=uac");
        called(&mut wire, &asked);
        wire.wait(seconds(end));
        assert_eq!(wire.times_of("BYE"), [u128::from(end) * 1000]);
        let bye = wire.request();
        assert!(says(&bye, HeaderName::Reason).contains("408"));
        assert!(matches!(
            &wire.told()[..],
            [Event::Terminated {
                cause: Cause::Expired,
                ..
            }]
        ));
        wire.wait_for_the_end();
        assert!(wire.is_empty());
    }
}

#[test]
fn any_update_or_invite_of_the_peers_refreshes_the_session() {
    let mut wire = Wire::new();
    let asked = "Supported: timer\nSession-Expires: 600;refresher=uac\n";
    let (_, tag, _, _) = called(&mut wire, asked);
    for sequence in 2..6 {
        wire.wait(seconds(500));
        let branch = format!("z9hG4bKupdate{sequence}");
        wire.receive(&numbered(sequence, "UPDATE", &branch, &tag, asked));
        let ok = Message::Response(wire.response());
        assert_eq!(header(&ok, HeaderName::SessionExpires), "600;refresher=uac");
    }
    assert!(wire.told().is_empty());
    wire.wait(seconds(568));
    assert_eq!(wire.said()[..1], ["BYE"]);
}

#[test]
fn a_refresh_that_nobody_answers_ends_the_call() {
    let mut wire = Wire::new();
    connected(
        &mut wire,
        &format!("{ALLOW}Session-Expires: 600;refresher=uac"),
    );
    wire.wait(seconds(332));
    assert!(matches!(
        &wire.told()[..],
        [Event::Terminated {
            cause: Cause::Timeout,
            ..
        }]
    ));
    wire.wait_for_the_end();
    assert!(wire.is_empty());
}

#[test]
fn a_peer_that_knows_nothing_of_timers_is_refreshed_by_us() {
    // It called, and then it is gone.
    let mut wire = Wire::new();
    called(&mut wire, ALLOW);
    wire.wait(seconds(900));
    assert_eq!(wire.said(), ["UPDATE"]);
    wire.wait(seconds(40));
    assert!(matches!(
        &wire.told()[..],
        [Event::Terminated {
            cause: Cause::Timeout,
            ..
        }]
    ));
    wire.wait_for_the_end();
    assert!(wire.is_empty());
    // We called.
    let mut wire = Wire::new();
    connected(&mut wire, ALLOW);
    for _ in 0..3 {
        wire.wait(seconds(900));
        let update = wire.request();
        assert_eq!(
            says(&update, HeaderName::SessionExpires),
            "1800;refresher=uac"
        );
        wire.receive(&reply(&update, "200 OK", "bob", CONTACT));
    }
    assert!(wire.told().is_empty());
}

#[test]
fn without_an_interval_of_our_own_a_session_has_no_end() {
    let config = || UserAgentConfig {
        session_expires: 0,
        ..Default::default()
    };
    let mut wire = Wire::with(config());
    connected(&mut wire, "");
    wire.wait(seconds(86_400));
    assert!(wire.said().is_empty() && wire.told().is_empty());
    let mut wire = Wire::with(config());
    let (_, _, expires, _) = called(&mut wire, "");
    assert_eq!(expires, "");
    wire.wait(seconds(86_400));
    assert!(wire.said().is_empty() && wire.told().is_empty());
}
