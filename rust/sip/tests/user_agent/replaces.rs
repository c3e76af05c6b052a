//! An INVITE that wants the place of a call (RFC 3891).

use sems_sip::header::NameAddr;
use sems_sip::user_agent::{Content, Event, OutgoingRequest, SessionId, UserAgentConfig};
use sems_sip::{HeaderName, Headers, Message, Token, Uri};

use crate::wire::{PHONE, Wire, flow, from_tag, header, numbered, reply, request, to_tag};

/// A user agent in a call with Ann, answered; its tag there.
fn in_call() -> (Wire, SessionId, String) {
    let mut wire = Wire::with(UserAgentConfig {
        supported: Token::new("replaces").into_iter().collect(),
        ..Default::default()
    });
    let session = wire.invited();
    let tag = to_tag(&wire.accept(session, None));
    wire.acknowledge(&tag);
    (wire, session, tag.replace(";tag=", ""))
}

/// Bob's INVITE with these header lines.
fn from_bob(headers: &str) -> String {
    let invite = request("INVITE", "z9hG4bKbob", "", "")
        .replace("call-1", "call-bob")
        .replace("tag=ann", "tag=bob");
    invite + headers
}

/// What Bob's INVITE with this Replaces is answered.
fn answered(wire: &mut Wire, replaces: &str) -> Vec<String> {
    wire.receive(&from_bob(replaces));
    wire.said()
}

#[test]
fn an_invite_that_names_a_call_of_ours_is_told_with_it() {
    let (mut wire, session, tag) = in_call();
    let replaces = format!("Require: replaces\nReplaces: call-1;to-tag={tag};from-tag=ann\n");
    assert_eq!(answered(&mut wire, &replaces), ["100"]);
    match &wire.told()[..] {
        [Event::Invite { request, .. }] => {
            assert_eq!(wire.agent.replaced_by(request), Some(session));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_call_that_is_not_there_can_not_be_replaced() {
    for wrong in [
        "call-2;to-tag=TAG;from-tag=ann",
        "call-1;to-tag=TAG;from-tag=bob",
        "call-1;to-tag=ann;from-tag=TAG",
    ] {
        let (mut wire, _, tag) = in_call();
        let replaces = format!("Replaces: {}\n", wrong.replace("TAG", &tag));
        assert_eq!(answered(&mut wire, &replaces), ["481"], "{wrong}");
        assert!(wire.told().is_empty());
    }
}

#[test]
fn a_replaces_that_means_nothing_is_refused() {
    let (mut wire, _, tag) = in_call();
    let replaces = format!("Replaces: call-1;to-tag={tag};from-tag=ann\n");
    let joining = format!("{replaces}Join: call-1;to-tag={tag};from-tag=ann\n");
    assert_eq!(answered(&mut wire, &joining), ["400"]);
    for (number, method) in [(2, "OPTIONS"), (3, "UPDATE"), (4, "BYE")] {
        let within = format!(";tag={tag}");
        let branch = format!("z9hG4bK{method}");
        wire.receive(&numbered(number, method, &branch, &within, &replaces));
        assert_eq!(wire.said(), ["400"], "{method}");
    }
    assert!(wire.told().is_empty());
}

#[test]
fn an_answered_call_is_not_replaced_early_only() {
    let (mut wire, _, tag) = in_call();
    let replaces = format!("Replaces: call-1;to-tag={tag};from-tag=ann;early-only\n");
    assert_eq!(answered(&mut wire, &replaces), ["486"]);
}

#[test]
fn a_call_that_has_just_ended_is_declined() {
    let (mut wire, session, tag) = in_call();
    wire.agent
        .hangup(wire.now, session, Headers::new())
        .unwrap();
    wire.drain();
    assert_eq!(wire.said(), ["BYE"]);
    let replaces = format!("Replaces: call-1;to-tag={tag};from-tag=ann\n");
    assert_eq!(answered(&mut wire, &replaces), ["603"]);
}

#[test]
fn a_call_that_rings_here_is_not_replaced() {
    let mut wire = Wire::new();
    let session = wire.invited();
    let id = wire.agent.dialog_id(session).unwrap();
    let replaces = format!("Replaces: call-1;to-tag={};from-tag=ann\n", id.local_tag);
    assert_eq!(answered(&mut wire, &replaces), ["481"]);
}

#[test]
fn a_call_of_ours_that_rings_there_is_replaced() {
    let mut wire = Wire::new();
    let uri: Uri = "sip:ann@192.0.2.1".parse().unwrap();
    let from: Uri = "sip:sems@192.0.2.2".parse().unwrap();
    let mut outgoing = OutgoingRequest::new(flow(PHONE), uri, NameAddr::new(from));
    outgoing.content = Some(Content::sdp("offer"));
    let session = wire.agent.invite(wire.now, outgoing).unwrap();
    wire.drain();
    let invite = wire.request();
    let tag = from_tag(&invite);
    wire.receive(&reply(
        &invite,
        "180 Ringing",
        "ann",
        "Contact: <sip:ann@192.0.2.1>\n",
    ));
    wire.told();
    let call_id = header(&Message::Request(invite), HeaderName::CallId);
    let replaces = format!("Replaces: {call_id};to-tag={tag};from-tag=ann;early-only\n");
    assert_eq!(answered(&mut wire, &replaces), ["100"]);
    match &wire.told()[..] {
        [Event::Invite { request, .. }] => {
            assert_eq!(wire.agent.replaced_by(request), Some(session));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_replaces_that_is_none_or_two_is_a_bad_request() {
    let one = "Replaces: call-1;to-tag=TAG;from-tag=ann\n";
    for wrong in ["Replaces: call-1\n".to_owned(), one.repeat(2)] {
        let (mut wire, _, tag) = in_call();
        assert_eq!(answered(&mut wire, &wrong.replace("TAG", &tag)), ["400"]);
    }
}

#[test]
fn who_takes_one_place_after_the_other_does_so_at_the_pace_of_one_call() {
    let (mut wire, _, tag) = in_call();
    let (mut call, mut tag, mut from) = ("call-1".to_owned(), tag, "ann".to_owned());
    let mut taken = 0;
    for number in 0..200 {
        let (next, name) = (format!("call-next{number}"), format!("next{number}"));
        let invite = request("INVITE", &format!("z9hG4bKnext{number}"), "", "")
            .replace("call-1", &next)
            .replace("tag=ann", &format!("tag={name}"));
        wire.receive(&(invite + &format!("Replaces: {call};to-tag={tag};from-tag={from}\n")));
        let session = wire.told().into_iter().find_map(|event| match event {
            Event::Invite { session, .. } => Some(session),
            _ => None,
        });
        let Some(session) = session else {
            assert_eq!(wire.said(), ["503"]);
            continue;
        };
        taken += 1;
        wire.said();
        wire.agent
            .accept(wire.now, session, Headers::new(), None)
            .unwrap();
        wire.drain();
        (call, tag, from) = (next, to_tag(&wire.response()).replace(";tag=", ""), name);
    }
    assert_eq!(taken, 50);
}
