//! Who sends more than anyone needs takes nothing from those who call.

use std::time::Duration;

use sems_sip::user_agent::{Event, SessionId, UserAgentConfig};
use sems_sip::{Error, HeaderName, Method};

use crate::wire::{Wire, invite, numbered, request, to_tag};

fn wire() -> Wire {
    Wire::with(UserAgentConfig {
        max_transactions: 20,
        methods: vec![Method::Message, Method::Refer],
        ..UserAgentConfig::default()
    })
}

/// A call of the phone's that goes on, and our tag.
fn in_call(wire: &mut Wire) -> (SessionId, String) {
    let session = wire.invited();
    let tag = to_tag(&wire.accept(session, None));
    wire.acknowledge(&tag);
    (session, tag)
}

#[test]
fn invites_that_belong_to_no_session_take_no_room_from_calls() {
    for (to, headers, answer) in [
        (";tag=junk", "", "481"),
        ("", "Require: foo", "420"),
        (
            "",
            "Content-Type: text/plain\nContent-Length: 1\n\nx",
            "415",
        ),
        ("", "Replaces: none;to-tag=x;from-tag=y", "481"),
    ] {
        let mut wire = wire();
        for number in 0..100 {
            let invite = request("INVITE", &format!("z9hG4bK{number}"), to, headers);
            wire.receive(&invite.replace("call-1", &format!("stray-{number}")));
            assert_eq!(wire.said(), [answer]);
        }
        assert_eq!(wire.agent.census().server_transactions, 10);
        wire.receive(&invite(""));
        assert_eq!(wire.said(), ["100"], "there is room for a call");
    }
}

#[test]
fn the_ack_to_a_refusal_that_was_not_kept_is_known() {
    let mut wire = Wire::with(UserAgentConfig {
        max_transactions: 1,
        ..UserAgentConfig::default()
    });
    wire.receive(&invite("Require: foo"));
    let refusal = wire.response();
    assert!(wire.is_empty(), "nothing is kept of it");
    wire.receive(&invite("Require: foo"));
    assert_eq!(wire.response(), refusal);
    wire.receive(&request("ACK", "z9hG4bKinvite", &to_tag(&refusal), ""));
    assert_eq!(wire.agent.counters().stray_acks, 0);
}

#[test]
fn a_route_of_more_than_32_proxies_is_refused() {
    let route = |proxies: usize| {
        let all: Vec<_> = (0..proxies)
            .map(|n| format!("<sip:p{n}.example.com;lr>"))
            .collect();
        invite(&format!("Record-Route: {}", all.join(", ")))
    };
    let mut wire = wire();
    wire.receive(&route(33));
    let refusal = wire.response();
    assert_eq!(refusal.status.code(), 400);
    assert_eq!(
        &*refusal.reason,
        "Bad Request (more than 32 Record-Route values)"
    );
    let other = route(32).replace("z9hG4bKinvite", "z9hG4bKother");
    wire.invited_by(&other.replace("call-1", "call-2"));
}

#[test]
fn a_bye_is_answered_however_many_transactions_there_are() {
    let mut wire = wire();
    let (_, tag) = in_call(&mut wire);
    for number in 2..60 {
        let branch = format!("z9hG4bK{number}");
        wire.receive(&numbered(number, "OPTIONS", &branch, &tag, ""));
    }
    assert!(wire.said().contains(&"503".to_owned()), "it is full");
    wire.receive(&numbered(99, "BYE", "z9hG4bKbye", &tag, ""));
    assert_eq!(wire.said(), ["200"]);
}

#[test]
fn what_a_peer_asks_for_within_its_call_has_a_pace() {
    let mut wire = Wire::with(UserAgentConfig {
        methods: vec![Method::Message],
        ..UserAgentConfig::default()
    });
    let (_, tag) = in_call(&mut wire);
    let send = |wire: &mut Wire, number: u32, method: &str| {
        let branch = format!("z9hG4bK{number}");
        wire.receive(&numbered(number, method, &branch, &tag, ""));
    };
    for number in 2..102 {
        send(&mut wire, number, "MESSAGE");
    }
    assert_eq!(wire.told().len(), 50, "the others don't go up");
    assert_eq!(wire.said(), vec!["503"; 50]);
    send(&mut wire, 102, "UPDATE");
    let refusal = wire.response();
    assert_eq!(refusal.status.code(), 503);
    assert!(refusal.headers.contains(&HeaderName::RetryAfter));
    let before = wire.agent.census();
    send(&mut wire, 103, "INVITE");
    assert_eq!(wire.said(), ["500"], "the call has no other way");
    assert_eq!(wire.agent.census(), before, "nothing is kept of it");
    // Twenty more after a second.
    wire.wait(Duration::from_secs(1));
    wire.said();
    for number in 104..154 {
        send(&mut wire, number, "MESSAGE");
    }
    assert_eq!(wire.told().len(), 20);
    wire.said();
    send(&mut wire, 154, "BYE");
    assert!(wire.said().contains(&"200".to_owned()));
}

#[test]
fn referrals_have_a_limit() {
    for (limit, config) in [
        (8, UserAgentConfig::default()),
        (
            2,
            UserAgentConfig {
                max_subscriptions: 2,
                ..UserAgentConfig::default()
            },
        ),
        (
            3,
            UserAgentConfig {
                max_subscriptions_of_a_source: 3,
                ..UserAgentConfig::default()
            },
        ),
    ] {
        let mut wire = Wire::with(UserAgentConfig {
            methods: vec![Method::Refer, Method::Notify],
            ..config
        });
        let (_, tag) = in_call(&mut wire);
        for number in 2..12 {
            let branch = format!("z9hG4bK{number}");
            let refer = "Refer-To: <sip:carol@192.0.2.3>";
            wire.receive(&numbered(number, "REFER", &branch, &tag, refer));
            let Some(Event::Request { id, .. }) = wire.told().pop() else {
                panic!("no REFER");
            };
            let accepted = wire.agent.accept_refer(wire.now, id);
            assert_eq!(accepted.is_ok(), number - 2 < limit, "{number}");
            wire.drain();
            let said = wire.said();
            match accepted {
                Ok(_) => assert_eq!(said, ["202", "NOTIFY"]),
                Err(error) => assert_eq!((error, &*said), (Error::Limit, &["503".into()][..])),
            }
        }
        assert_eq!(wire.agent.census().subscriptions, limit as usize);
    }
}
