//! The next server when one fails (RFC 3263 §4.3).

use std::time::Duration;

use sems_sip::auth::{Asker, Credential, Keyring};
use sems_sip::header::NameAddr;
use sems_sip::user_agent::{Cause, Content, Event, OutgoingRequest, SessionId};
use sems_sip::{Flow, HeaderName, Headers, Message, Method, Request, Uri};

use crate::wire::{PHONE, Wire, flow, header, reply};

const SECOND: &str = "192.0.2.10:5060";
const THIRD: &str = "192.0.2.11:5070";
const CONTACT: &str = "Contact: <sip:bob@192.0.2.1:5060>";

fn outgoing(servers: &[&str]) -> OutgoingRequest {
    let uri: Uri = "sip:bob@example.com".parse().unwrap();
    let from: Uri = "sip:sems@192.0.2.2".parse().unwrap();
    OutgoingRequest {
        alternatives: servers[1..].iter().map(|at| flow(at)).collect(),
        content: Some(Content::sdp("offer")),
        ..OutgoingRequest::new(flow(servers[0]), uri, NameAddr::new(from))
    }
}

fn call(wire: &mut Wire, servers: &[&str]) -> SessionId {
    let session = wire.agent.invite(wire.now, outgoing(servers)).unwrap();
    wire.drain();
    session
}

/// Takes the only message that was sent, a request, with where it went.
fn sent(wire: &mut Wire) -> (Flow, Request) {
    match &std::mem::take(&mut wire.sent)[..] {
        [(_, flow, Message::Request(request))] => (*flow, request.clone()),
        other => panic!("not one request but {other:?}"),
    }
}

/// The rows of a request that say what it is, without its Via.
fn identity(request: &Request) -> Vec<(HeaderName, String)> {
    let rows = request.headers.iter();
    rows.filter(|(name, _)| **name != HeaderName::Via)
        .map(|(name, value)| (name.clone(), value.to_string()))
        .collect()
}

fn via(request: &Request) -> String {
    header(&Message::Request(request.clone()), HeaderName::Via)
}

fn answer(wire: &mut Wire, from: &str, request: &Request, status: &str, headers: &str) {
    wire.receive_from(flow(from), &reply(request, status, "bob", headers));
}

fn is_next(event: &Event, session: SessionId, server: &str) -> bool {
    matches!(event, Event::NextServer { session: id, flow: to } if *id == session && *to == flow(server))
}

#[test]
fn a_focus_says_to_every_server_that_it_is_one() {
    let mut wire = Wire::new();
    let mut invite = outgoing(&[PHONE, SECOND]);
    invite.is_focus = true;
    wire.agent.invite(wire.now, invite).unwrap();
    wire.drain();
    let contact = |request: &Request| {
        let message = Message::Request(request.clone());
        header(&message, HeaderName::Contact)
    };
    let (_, first) = sent(&mut wire);
    assert_eq!(contact(&first), "<sip:sems@192.0.2.2:5060>;isfocus");
    answer(&mut wire, PHONE, &first, "503 Service Unavailable", "");
    let sent = std::mem::take(&mut wire.sent);
    let [_, (_, _, Message::Request(second))] = &sent[..] else {
        panic!("{sent:?}")
    };
    assert_eq!(contact(second), contact(&first));
}

#[test]
fn after_a_503_the_next_server_gets_the_same_request_with_a_new_branch() {
    let mut wire = Wire::new();
    let session = call(&mut wire, &[PHONE, SECOND]);
    let (_, first) = sent(&mut wire);
    answer(&mut wire, PHONE, &first, "503 Service Unavailable", "");
    let sent = std::mem::take(&mut wire.sent);
    let [
        (_, to_first, Message::Request(ack)),
        (_, to_second, Message::Request(second)),
    ] = &sent[..]
    else {
        panic!("{sent:?}")
    };
    assert_eq!((&ack.method, *to_first), (&Method::Ack, flow(PHONE)));
    assert_eq!(*to_second, flow(SECOND));
    assert_eq!(identity(second), identity(&first));
    assert_eq!((&second.uri, &second.body), (&first.uri, &first.body));
    assert_ne!(via(second), via(&first));
    let told = wire.told();
    assert!(matches!(&told[..], [next] if is_next(next, session, SECOND)));

    answer(&mut wire, SECOND, second, "200 OK", CONTACT);
    assert!(
        matches!(&wire.told()[..], [Event::Accepted { session: id, .. }] if *id == session),
        "the same session"
    );
    wire.agent
        .hangup(wire.now, session, Headers::new())
        .unwrap();
    wire.wait_for_the_end();
    assert!(wire.is_empty());
}

#[test]
fn a_server_that_cannot_be_reached_is_left_at_once() {
    let mut wire = Wire::new();
    let session = call(&mut wire, &[PHONE, SECOND]);
    sent(&mut wire);
    wire.agent.transport_error(wire.now, flow(PHONE));
    wire.drain();
    assert_eq!(sent(&mut wire).0, flow(SECOND));
    assert!(is_next(&wire.told()[0], session, SECOND));
}

#[test]
fn a_silent_server_is_left_after_8_t1_and_the_last_has_64() {
    let mut wire = Wire::new();
    call(&mut wire, &[PHONE, SECOND, THIRD]);
    wire.wait(Duration::from_secs(60));
    let times = |to: &str| -> Vec<u128> {
        let sent = wire.sent.iter().filter(|(_, at, _)| *at == flow(to));
        sent.map(|(at, ..)| at.as_millis()).collect()
    };
    assert_eq!(times(PHONE), [0, 500, 1500, 3500]);
    assert_eq!(times(SECOND), [4000, 4500, 5500, 7500]);
    assert_eq!(
        times(THIRD),
        [8000, 8500, 9500, 11_500, 15_500, 23_500, 39_500]
    );
    assert!(matches!(
        wire.told().last(),
        Some(Event::Terminated {
            cause: Cause::Timeout,
            ..
        })
    ));
    wire.wait_for_the_end();
    assert!(wire.is_empty());
}

#[test]
fn a_server_that_has_said_anything_is_not_left_for_its_silence() {
    let mut wire = Wire::new();
    call(&mut wire, &[PHONE, SECOND]);
    let (_, invite) = sent(&mut wire);
    answer(&mut wire, PHONE, &invite, "100 Trying", "");
    wire.wait(Duration::from_secs(100));
    assert!(wire.sent.is_empty());
    answer(&mut wire, PHONE, &invite, "503 Service Unavailable", "");
    assert_eq!(wire.said(), ["ACK", "INVITE"], "but for its 503");
}

#[test]
fn other_refusals_are_the_answer() {
    for status in [
        "302 Moved",
        "401 Who",
        "407 Who",
        "408 Timeout",
        "486 Busy",
        "500 Error",
        "603 No",
    ] {
        let mut wire = Wire::new();
        call(&mut wire, &[PHONE, SECOND]);
        let (_, invite) = sent(&mut wire);
        answer(&mut wire, PHONE, &invite, status, "");
        assert_eq!(wire.said(), ["ACK"]);
        assert!(matches!(&wire.told()[..], [Event::Terminated { .. }]));
        wire.wait_for_the_end();
        assert!(wire.is_empty());
    }
}

#[test]
fn the_503_of_the_last_server_ends_the_call() {
    let mut wire = Wire::new();
    call(&mut wire, &[PHONE, SECOND]);
    let (_, first) = sent(&mut wire);
    answer(&mut wire, PHONE, &first, "503 Service Unavailable", "");
    let second = match wire.sent.pop() {
        Some((_, _, Message::Request(second))) => second,
        other => panic!("{other:?}"),
    };
    answer(&mut wire, SECOND, &second, "503 No Circuit", "");
    match wire.told().last() {
        Some(Event::Terminated {
            cause: Cause::Rejected(response),
            ..
        }) => assert_eq!(&*response.reason, "No Circuit"),
        other => panic!("{other:?}"),
    }
    wire.wait_for_the_end();
    assert!(wire.is_empty());
}

#[test]
fn a_hangup_between_two_servers_ends_it() {
    // While the first is silent: nobody else is asked.
    let mut wire = Wire::new();
    let session = call(&mut wire, &[PHONE, SECOND]);
    wire.agent
        .hangup(wire.now, session, Headers::new())
        .unwrap();
    wire.wait(Duration::from_secs(20));
    assert!(wire.sent.iter().all(|(_, to, _)| *to == flow(PHONE)));
    wire.wait_for_the_end();
    assert!(wire.is_empty());

    // While the second is: it gets the CANCEL, and the first nothing.
    let mut wire = Wire::new();
    let session = call(&mut wire, &[PHONE, SECOND, THIRD]);
    wire.wait(Duration::from_secs(5));
    let second = match wire.sent.pop() {
        Some((_, to, Message::Request(second))) if to == flow(SECOND) => second,
        other => panic!("{other:?}"),
    };
    wire.sent.clear();
    wire.agent
        .hangup(wire.now, session, Headers::new())
        .unwrap();
    answer(&mut wire, SECOND, &second, "100 Trying", "");
    let (to, cancel) = sent(&mut wire);
    assert_eq!((&cancel.method, to), (&Method::Cancel, flow(SECOND)));
    assert_eq!(via(&cancel), via(&second));
    answer(&mut wire, SECOND, &second, "503 Service Unavailable", "");
    assert_eq!(wire.said(), ["ACK"]);
    wire.wait_for_the_end();
    assert!(wire.is_empty());
}

#[test]
fn a_silent_server_that_wakes_up_is_cancelled() {
    let mut wire = Wire::new();
    call(&mut wire, &[PHONE, SECOND]);
    let (_, first) = sent(&mut wire);
    wire.wait(Duration::from_secs(5));
    wire.said();
    answer(&mut wire, PHONE, &first, "100 Trying", "");
    let (to, cancel) = sent(&mut wire);
    assert_eq!((&cancel.method, to), (&Method::Cancel, flow(PHONE)));
    answer(&mut wire, PHONE, &first, "180 Ringing", "");
    assert!(wire.sent.is_empty(), "one CANCEL is enough");
    answer(&mut wire, PHONE, &first, "487 Request Terminated", "");
    assert_eq!(wire.said(), ["ACK"]);
    assert!(
        wire.told()
            .iter()
            .all(|e| matches!(e, Event::NextServer { .. })),
        "nobody hears of it"
    );
}

#[test]
fn a_silent_server_that_has_accepted_gets_ack_and_bye() {
    let mut wire = Wire::new();
    call(&mut wire, &[PHONE, SECOND]);
    let (_, first) = sent(&mut wire);
    wire.wait(Duration::from_secs(5));
    wire.said();
    answer(&mut wire, PHONE, &first, "200 OK", CONTACT);
    let to = wire.sent.iter().map(|(_, to, _)| *to).collect::<Vec<_>>();
    assert_eq!(to, [flow(PHONE), flow(PHONE)]);
    assert_eq!(wire.said(), ["ACK", "BYE"]);
    assert!(
        wire.told()
            .iter()
            .all(|e| matches!(e, Event::NextServer { .. }))
    );
    wire.wait_for_the_end();
    assert!(wire.is_empty());
}

#[test]
fn a_server_that_says_retry_after_is_asked_last_for_so_long() {
    let mut wire = Wire::new();
    call(&mut wire, &[PHONE, SECOND]);
    let (_, first) = sent(&mut wire);
    let busy = "Retry-After: 20 (in a meeting)";
    answer(&mut wire, PHONE, &first, "503 Service Unavailable", busy);
    wire.sent.clear();

    let first_of = |wire: &mut Wire, servers: &[&str]| {
        wire.wait(Duration::ZERO);
        wire.sent.clear();
        call(wire, servers);
        wire.sent[0].1
    };
    assert_eq!(first_of(&mut wire, &[PHONE, SECOND]), flow(SECOND));
    assert_eq!(first_of(&mut wire, &[SECOND, PHONE]), flow(SECOND));
    assert_eq!(
        first_of(&mut wire, &[PHONE]),
        flow(PHONE),
        "if there is no other"
    );
    wire.wait(Duration::from_secs(19));
    assert_eq!(first_of(&mut wire, &[PHONE, SECOND]), flow(SECOND));
    wire.wait(Duration::from_secs(1));
    assert_eq!(first_of(&mut wire, &[PHONE, SECOND]), flow(PHONE));
}

#[test]
fn what_a_branch_of_the_failed_server_said_of_dialogs_is_void() {
    let mut wire = Wire::new();
    let session = call(&mut wire, &[PHONE, SECOND]);
    let (_, first) = sent(&mut wire);
    answer(&mut wire, PHONE, &first, "183 Progress", CONTACT);
    answer(&mut wire, PHONE, &first, "503 Service Unavailable", "");
    let second = match wire.sent.pop() {
        Some((_, _, Message::Request(second))) => second,
        other => panic!("{other:?}"),
    };
    let contact = format!("Contact: <sip:bob@{SECOND}>");
    answer(&mut wire, SECOND, &second, "200 OK", &contact);
    wire.sent.clear();
    wire.agent
        .hangup(wire.now, session, Headers::new())
        .unwrap();
    wire.drain();
    assert_eq!(sent(&mut wire).0, flow(SECOND));
}

#[test]
fn a_request_alone_goes_to_the_next_server_and_keeps_its_id() {
    let mut wire = Wire::new();
    let message = OutgoingRequest {
        content: None,
        ..outgoing(&[PHONE, SECOND])
    };
    let method = Method::Options;
    let id = wire.agent.request(wire.now, method, message).unwrap();
    wire.wait(Duration::from_millis(4100));
    let (_, to, last) = wire.sent.pop().unwrap();
    assert_eq!(to, flow(SECOND));
    let Message::Request(second) = last else {
        panic!("{last:?}")
    };
    answer(&mut wire, SECOND, &second, "200 OK", "");
    assert!(matches!(&wire.told()[..], [Event::Response { id: of, .. }] if *of == id));
    wire.wait_for_the_end();
    assert!(wire.is_empty());
}

#[test]
fn a_request_that_no_server_answers_fails_once() {
    let mut wire = Wire::new();
    let message = outgoing(&[PHONE, SECOND]);
    let method = Method::Options;
    let id = wire.agent.request(wire.now, method, message).unwrap();
    wire.wait_for_the_end();
    match &wire.told()[..] {
        [Event::RequestFailed { id: of, status }] => {
            assert_eq!((*of, status.code()), (id, 408));
        }
        other => panic!("{other:?}"),
    }
    assert!(wire.is_empty());
}

#[test]
fn a_challenge_keeps_the_next_server_in_reserve() {
    let challenge = "Proxy-Authenticate: Digest realm=\"x\", nonce=\"1\", qop=\"auth\"";
    let known = |servers| OutgoingRequest {
        credentials: Keyring::new(vec![Credential {
            asker: Asker::Anyone,
            username: "sems".to_owned(),
            password: "secret".to_owned(),
        }]),
        ..outgoing(servers)
    };
    for method in [Method::Invite, Method::Options] {
        let mut wire = Wire::new();
        let outgoing = known(&[PHONE, SECOND, THIRD]);
        match method {
            Method::Invite => drop(wire.agent.invite(wire.now, outgoing).unwrap()),
            _ => drop(wire.agent.request(wire.now, method.clone(), outgoing)),
        }
        wire.drain();
        for (server, status) in [
            (PHONE, "503 Full"),
            (SECOND, "407 Who"),
            (SECOND, "503 Full"),
            (THIRD, "200 OK"),
        ] {
            let Some((_, to, Message::Request(request))) = wire.sent.pop() else {
                panic!("{:?}", wire.sent)
            };
            assert_eq!((&request.method, to), (&method, flow(server)), "{status}");
            let more = match status {
                "407 Who" => challenge,
                _ => CONTACT,
            };
            answer(&mut wire, server, &request, status, more);
        }
        match &wire.told()[..] {
            [
                Event::NextServer { .. },
                Event::NextServer { .. },
                Event::Accepted { session, .. },
            ] => {
                let session = *session;
                wire.agent
                    .hangup(wire.now, session, Headers::new())
                    .unwrap();
            }
            [Event::Response { response, .. }] => assert_eq!(response.status.code(), 200),
            other => panic!("{other:?}"),
        }
        wire.wait_for_the_end();
        assert!(wire.is_empty());
    }
}

#[test]
fn a_preloaded_route_leads_by_the_proxy() {
    let mut wire = Wire::new();
    let by = |route: &str| OutgoingRequest {
        route: vec![
            route.parse().unwrap(),
            "sip:next.example;lr".parse().unwrap(),
        ],
        ..outgoing(&[PHONE])
    };
    wire.agent
        .invite(wire.now, by("sip:proxy.example;lr"))
        .unwrap();
    wire.drain();
    let invite = wire.request();
    assert_eq!(invite.uri.to_string(), "sip:bob@example.com");
    let message = Message::Request(invite);
    assert_eq!(
        header(&message, HeaderName::Route),
        "<sip:proxy.example;lr>, <sip:next.example;lr>"
    );

    // A strict router, as RFC 2543 had them.
    wire.agent.invite(wire.now, by("sip:old.example")).unwrap();
    wire.drain();
    let invite = wire.request();
    assert_eq!(invite.uri.to_string(), "sip:old.example");
    let message = Message::Request(invite);
    assert_eq!(
        header(&message, HeaderName::Route),
        "<sip:next.example;lr>, <sip:bob@example.com>"
    );
    assert_eq!(header(&message, HeaderName::To), "<sip:bob@example.com>");
}

/// By IPv6, where we have an address of ours that our offer then names.
const BY_6: &str = "[2001:db8::1]:5060";

fn of_both_families(servers: &[&str]) -> OutgoingRequest {
    let elsewhere = match flow(servers[0]).remote.is_ipv4() {
        true => "2001:db8::2",
        false => "192.0.2.2",
    };
    let offer = Content::sdp(format!("offer from {elsewhere}"));
    OutgoingRequest {
        elsewhere: vec![(elsewhere.parse().unwrap(), offer)],
        ..outgoing(servers)
    }
}

/// Refuses an INVITE with 503: where it goes next, and what it is then.
fn refused(wire: &mut Wire, from: &str, invite: &Request) -> Option<(Flow, Request)> {
    let later = "Retry-After: 30";
    answer(wire, from, invite, "503 Service Unavailable", later);
    let mut sent = std::mem::take(&mut wire.sent).into_iter();
    let mut request = || match sent.next()? {
        (_, to, Message::Request(request)) => Some((to, request)),
        other => panic!("{other:?}"),
    };
    assert_eq!(request().unwrap().1.method, Method::Ack);
    request()
}

#[test]
fn from_another_address_of_ours_the_offer_and_the_contact_are_others() {
    let mut wire = Wire::new();
    let other = "[2001:db8::9]:5060";
    let invite = of_both_families(&[BY_6, PHONE, SECOND, other]);
    wire.agent.invite(wire.now, invite).unwrap();
    wire.drain();
    let mut next = Some(sent(&mut wire));
    for (server, here, offer) in [
        (BY_6, "[2001:db8::2]", "offer"),
        (PHONE, "192.0.2.2", "offer from 192.0.2.2"),
        (SECOND, "192.0.2.2", "offer from 192.0.2.2"),
        (other, "[2001:db8::2]", "offer"),
    ] {
        let (to, request) = next.expect("there is one more");
        assert_eq!((to, &request.body[..]), (flow(server), offer.as_bytes()));
        assert!(via(&request).starts_with(&format!("SIP/2.0/UDP {here}:5060;")));
        let message = Message::Request(request.clone());
        let contact = header(&message, HeaderName::Contact);
        assert_eq!(contact, format!("<sip:sems@{here}:5060>"));
        next = refused(&mut wire, server, &request);
    }
    assert_eq!(next, None);
    let told = wire.told();
    assert!(matches!(told.last(), Some(Event::Terminated { .. })));
}

#[test]
fn who_is_told_at_once_that_another_server_is_asked_first_knows_its_address() {
    let mut wire = Wire::new();
    wire.agent
        .invite(wire.now, outgoing(&[BY_6, PHONE]))
        .unwrap();
    wire.drain();
    let (_, first) = sent(&mut wire);
    refused(&mut wire, BY_6, &first);
    wire.told();
    let invite = of_both_families(&[BY_6, PHONE]);
    let session = wire.agent.invite(wire.now, invite).unwrap();
    wire.drain();
    let (to, request) = sent(&mut wire);
    assert_eq!(
        (to, &request.body[..]),
        (flow(PHONE), &b"offer from 192.0.2.2"[..])
    );
    let told = wire.told();
    assert!(is_next(&told[0], session, PHONE), "{told:?}");
}

#[test]
fn who_is_bound_to_an_address_turns_to_no_server_that_is_reached_from_another() {
    let mut wire = Wire::new();
    let invite = of_both_families(&[BY_6, PHONE, "[2001:db8::9]:5060"]);
    let session = wire.agent.invite(wire.now, invite).unwrap();
    wire.drain();
    let (_, first) = sent(&mut wire);
    answer(&mut wire, BY_6, &first, "183 Session Progress", CONTACT);
    wire.agent.stay(session);
    answer(&mut wire, BY_6, &first, "503 Service Unavailable", "");
    let told = wire.told();
    let last = told.last().expect("it goes on");
    assert!(is_next(last, session, "[2001:db8::9]:5060"), "{told:?}");
}

#[test]
fn the_contact_of_an_account_is_the_same_for_every_server() {
    let mut wire = Wire::new();
    let mut invite = outgoing(&[PHONE, SECOND]);
    invite.contact = Some("sip:sems@203.0.113.7:4711".parse().unwrap());
    wire.agent.invite(wire.now, invite).unwrap();
    wire.drain();
    let (_, first) = sent(&mut wire);
    let (_, second) = refused(&mut wire, PHONE, &first).expect("there is another");
    for request in [first, second] {
        let contact = header(&Message::Request(request), HeaderName::Contact);
        assert_eq!(contact, "<sip:sems@203.0.113.7:4711>");
    }
}
